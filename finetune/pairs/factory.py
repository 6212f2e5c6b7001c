"""The pair factory: from a seed and a workspace to a file of validated pairs, the same bytes for any number of workers.

Work goes in shards, each a pure function of the seed and its number, made by whatever pool there is
(`finetune.pairs.shards`, `finetune.pairs.pools`). The gate takes or refuses their pairs in shard order, and what it
takes is written at once. Each shard is kept as a file, so an interrupted run goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from agent.settings import Settings
from agent.warehouse.policy import Policy, load_policy
from finetune.jsonl import line_error, read_records
from finetune.pairs.pair import pair_from, templated
from finetune.pairs.pools import Pool, open_pool
from finetune.pairs.quality import Candidate, Gate, Limits
from finetune.pairs.shards import DRAWS, STAGES, VERSION, Job, Shard, peak_memory
from finetune.pairs.templates import TemplateBook, load_templates
from finetune.pairs.variants import why_not_copied
from memory.catalog import Catalog
from memory.semantics import SemanticLayer, load_semantics
from memory.sync import load_catalog

__all__ = ["FactoryReport", "FactorySpec", "Progress", "Speed", "generate_pairs", "pairs_of_workspace", "templated"]

Progress = Callable[[str, int, int], None]
"""(stage, done, wanted): called as pairs are taken."""

_IDLE_SHARDS = 190
"""Shards in a row without one new pair after which the run ends with what it has."""
_SHARD_VERSION = 2
"""Of what a shard's file says; raise it when a file of before cannot be read back."""
_PLAIN_COUNT = 20_000
_PHRASINGS = 2
_PER_STRUCTURE = 14


@dataclass(frozen=True, slots=True)
class FactorySpec:
    """What to make. Everything but `workers` and `dask` decides the bytes."""

    count: int
    seed: int = 7
    workers: int = 1
    dask: str = ""
    """Address of a Dask scheduler, whose workers then make the shards."""
    phrasings: int = 0
    """Questions kept per SQL statement; 0 takes what the count needs: 2 up to 20,000 pairs, then 2 * (count / 20,000)
    to the power of 0.65 (4 for 50,000, 6 for 100,000, 25 for a million)."""
    per_structure: int = 0
    """Statements kept per SQL structure (the SQL with its literals masked); 0 takes what the count needs: 14 up to
    20,000 pairs, then 14 * (count / 20,000) to the power of 0.5 (31 for 100,000, 99 for a million)."""
    template_share: float = 0.55
    """Share of the draws made from hand-written templates; the others are compositions of the semantic layer."""
    levels: dict[str, int] | None = None
    """Pairs wanted per level; None takes them as they come."""
    variants: int = 2
    """Copies of the warehouse with their rows drawn again, on which every statement is run too."""
    mutants: int = 10
    """Mutants made of a statement at most."""

    def settled(self) -> FactorySpec:
        """The same wish with nothing left at 0."""
        scale = max(1.0, self.count / _PLAIN_COUNT)
        return replace(
            self,
            phrasings=self.phrasings or round(_PHRASINGS * scale**0.65),
            per_structure=self.per_structure or round(_PER_STRUCTURE * scale**0.5),
        )


@dataclass(frozen=True)
class FactoryReport:
    """What was made, what was refused and why, and the hash that names it."""

    pairs: int
    path: Path
    manifest: Path
    sha256: str
    statements: int
    structures: int
    refused: dict[str, int]
    """Statements that were refused, and questions that were although their statement was fine."""
    levels: dict[str, int]
    templates: dict[str, int]
    patterns: dict[str, int] = field(default_factory=dict)
    fruitless: dict[str, dict[str, int]] = field(default_factory=dict)
    """Hand-written templates that were drawn and gave no pair, each with why not, and how often."""
    undrawn: int = 0
    """Hand-written templates that were not drawn before there were enough pairs."""
    warehouses: int = 1
    """On how many warehouses each statement was run: its own, and copies with other rows."""
    why_one: str = ""
    """Why it was one, if it was."""
    mutants: int = 0
    """Wrong variations of the statements taken, tried on those warehouses."""
    survivors: int = 0
    """Those of them that gave the same result everywhere."""
    speed: Speed | None = None


@dataclass(frozen=True)
class Speed:
    """What the run cost. Not in the manifest: it differs from run to run."""

    seconds: float
    pairs_per_s: float
    peak_memory_mb: int
    """Main process and workers together."""
    shards_read_back: int
    stages: dict[str, float]
    """Seconds of work by stage, all workers together."""


def pairs_of_workspace(
    settings: Settings, spec: FactorySpec, out_dir: Path, progress: Progress | None = None
) -> FactoryReport:
    """`generate_pairs` from a workspace's own warehouse, catalog, metrics.yaml, templates.yaml and policy.yaml.

    Raises:
        CatalogError: nothing was learned of the warehouse yet.
        SemanticsError: metrics.yaml is wrong.
        TemplateError, UsageError, FailedError: as `generate_pairs` does.
    """
    policy = load_policy(settings.workspace / "policy.yaml")
    catalog = load_catalog(settings.state_dir, policy.withheld)
    templates = settings.workspace / "templates.yaml"
    return generate_pairs(
        spec,
        url=settings.warehouse_url,
        layer=load_semantics(settings.workspace / "metrics.yaml", catalog),
        catalog=catalog,
        policy=policy,
        templates=templates if templates.is_file() else None,
        out_dir=out_dir,
        progress=progress,
        max_scanned_rows=policy.effective_limits(settings.limits).max_scanned_rows,
    )


def generate_pairs(
    spec: FactorySpec,
    *,
    url: str,
    layer: SemanticLayer,
    catalog: Catalog,
    policy: Policy,
    templates: Path | None,
    out_dir: Path,
    progress: Progress | None = None,
    max_scanned_rows: int | None = None,
) -> FactoryReport:
    """Make `spec.count` validated pairs in `out_dir/pairs.jsonl`, with `manifest.json` beside it.

    Args:
        spec: how many, from which seed.
        url: SQLAlchemy URL of the warehouse questions are drawn from and validated on.
        layer: the semantic layer.
        catalog: the warehouse's catalog; its dialect is the pairs' dialect.
        policy: what may be read; no value of what it withholds is drawn, and no statement it refuses is taken.
        templates: the workspace's templates.yaml, or None.
        out_dir: made if it is not there; `shards/` inside lets an interrupted run go on. Shards of another run are
            removed: they may hold values that the policy withholds by now.
        progress: called with (stage, pairs taken, pairs wanted).
        max_scanned_rows: the budget of each statement on the warehouse; one over it is refused.

    Raises:
        TemplateError: templates.yaml is wrong.
        UsageError: a shard of an interrupted run is damaged (its line is named), or Dask is not installed.
        FailedError: the Dask cluster does not answer.
    """
    spec = spec.settled()
    book = load_templates(templates, catalog) if templates else TemplateBook()
    job = Job(
        identity="",
        url=url,
        layer=layer,
        catalog=catalog,
        policy=policy,
        book=book,
        seed=spec.seed,
        phrasings=spec.phrasings,
        template_share=spec.template_share,
        variants=spec.variants,
        mutants=spec.mutants,
        max_scanned_rows=max_scanned_rows,
    )
    job = replace(job, identity=_identity(spec, job))
    run = _Run(spec, book, _shards_folder(out_dir / "shards", job.identity), progress)
    path = out_dir / "pairs.jsonl"
    partial = path.with_suffix(".partial")
    with open_pool(job, spec.workers, spec.dask) as pool, partial.open("wb") as out:
        run.work(pool, out)
    partial.replace(path)
    return _reported(run, job, path)


class _Run:
    """One run of the factory: shard after shard until there are enough pairs or nothing new comes."""

    def __init__(self, spec: FactorySpec, book: TemplateBook, shards: Path, progress: Progress | None) -> None:
        self.spec, self.shards, self.progress = spec, shards, progress
        self.own = frozenset(template.id for template in book.templates)
        self.gate = Gate(Limits(spec.phrasings, spec.per_structure, per_level=spec.levels))
        self.started = time.perf_counter()
        self.taken = 0
        self.digest = hashlib.sha256()
        self.templates: Counter[str] = Counter()
        self.wasted: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.patterns: Counter[str] = Counter()
        self.mutants = self.survivors = self.read_back = 0
        self.seconds: dict[str, float] = dict.fromkeys((*STAGES, "gate", "write"), 0.0)
        self.memory: dict[str, int] = {}

    def work(self, pool: Pool, out: IO[bytes]) -> None:
        idle = 0
        for shard in self.made(pool):
            before = self.taken
            self.gate.refused.update(shard.refused)
            for template_id, reasons in shard.wasted.items():
                self.wasted[template_id].update(reasons)
            self.judge(shard, out)
            if self.progress:
                self.progress("pairs", self.taken, self.spec.count)
            idle = idle + 1 if self.taken == before else 0
            if self.taken >= self.spec.count or idle >= _IDLE_SHARDS:
                return

    def judge(self, shard: Shard, out: IO[bytes]) -> None:
        started, written = time.perf_counter(), 0.0
        for candidate in shard.candidates:
            if self.taken >= self.spec.count:
                break
            statements = self.gate.statements
            if reason := self.gate.refusal(candidate):
                if candidate.template_id in self.own:
                    self.wasted[candidate.template_id][reason] += 1
                continue
            self.taken += 1
            self.templates[candidate.template_id] += 1
            self.patterns[candidate.pattern] += 1
            if self.gate.statements > statements:
                self.mutants += candidate.mutants
                self.survivors += candidate.survivors
            before = time.perf_counter()
            self.digest.update(candidate.line)
            out.write(candidate.line)
            written += time.perf_counter() - before
        self.seconds["write"] += written
        self.seconds["gate"] += time.perf_counter() - started - written

    def made(self, pool: Pool) -> Iterator[Shard]:
        """The shards in order, some ahead of the one that is waited for; each is on disk before it is given."""
        waiting: deque[Callable[[], Shard]] = deque()
        number = 0
        while True:
            while len(waiting) <= pool.ahead:
                path = self.path(number)
                waiting.append(_reader(path, number) if path.exists() else pool.begin(number))
                number += 1
            shard = waiting.popleft()()
            if shard.worker:
                self.keep(shard)
            else:
                self.read_back += 1
            yield shard

    def keep(self, shard: Shard) -> None:
        started = time.perf_counter()
        partial = self.path(shard.number).with_suffix(".partial")
        with partial.open("wb") as out:
            out.write(json.dumps({"refused": shard.refused, "wasted": shard.wasted}, sort_keys=True).encode() + b"\n")
            out.writelines(candidate.line for candidate in shard.candidates)
        partial.replace(self.path(shard.number))
        for stage, spent in shard.seconds.items():
            self.seconds[stage] += spent
        self.seconds["write"] += time.perf_counter() - started
        self.memory[shard.worker] = max(shard.peak_memory, self.memory.get(shard.worker, 0))

    def path(self, number: int) -> Path:
        return self.shards / f"candidates-{number:06d}.jsonl"


def _reader(path: Path, number: int) -> Callable[[], Shard]:
    """What reads a shard back that an earlier run has made."""

    def read() -> Shard:
        records = read_records(path)
        _, head = next(records, (1, {}))
        for key in ("refused", "wasted"):
            if not isinstance(head.get(key), dict):
                raise line_error(path, 1, f"`{key}` is missing")
        candidates = [Candidate.of(pair_from(record, path, line)) for line, record in records]
        wasted = {template_id: Counter(reasons) for template_id, reasons in head["wasted"].items()}
        return Shard(number, candidates, Counter(head["refused"]), wasted)

    return read


# -- files -----------------------------------------------------------------------------------------------------------


def _identity(spec: FactorySpec, job: Job) -> str:
    """What the shards depend on, hashed: the shards of another spec are never mixed in."""
    parts: dict[str, Any] = asdict(spec)
    for name in ("workers", "dask", "count", "levels", "per_structure"):
        del parts[name]
    parts["factory"] = VERSION
    parts["shards"] = _SHARD_VERSION
    parts["draws"] = DRAWS
    parts["semantics"] = job.layer.fingerprint
    parts["policy"] = _policy_fingerprint(job.policy)
    parts["budget"] = job.max_scanned_rows
    parts["catalog"] = hashlib.sha256(job.catalog.to_json().encode()).hexdigest()
    parts["templates"] = job.book.sha256
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _policy_fingerprint(policy: Policy) -> str:
    """sha256 of what the policy says of tables and columns; who may sign has no say in pairs."""
    rules = policy.model_dump(mode="json", include={"tables", "columns"})
    return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()


def _shards_folder(parent: Path, identity: str) -> Path:
    """The folder of this run's shards, those of any other run removed."""
    folder = parent / identity[:16]
    folder.mkdir(parents=True, exist_ok=True)
    for other in parent.iterdir():
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    return folder


def _reported(run: _Run, job: Job, path: Path) -> FactoryReport:
    manifest = path.with_name("manifest.json")
    why_one = why_not_copied(job.catalog, job.policy) or ("" if run.spec.variants else "no copies were asked for")
    report = FactoryReport(
        pairs=run.taken,
        path=path,
        manifest=manifest,
        sha256=run.digest.hexdigest(),
        statements=run.gate.statements,
        structures=run.gate.structures,
        refused=dict(sorted(run.gate.refused.items())),
        levels=dict(sorted(run.gate.levels.items())),
        templates=dict(sorted(run.templates.items())),
        patterns=dict(sorted(run.patterns.items())),
        fruitless={
            template_id: dict(sorted(reasons.items()))
            for template_id, reasons in sorted(run.wasted.items())
            if template_id not in run.templates
        },
        undrawn=len(run.own - run.wasted.keys() - run.templates.keys()),
        warehouses=1 if why_one else 1 + run.spec.variants,
        why_one=why_one,
        mutants=run.mutants,
        survivors=run.survivors,
        speed=_speed(run),
    )
    spec = asdict(run.spec)
    del spec["workers"], spec["dask"]
    body = {
        "factory": VERSION,
        "identity": job.identity,
        "spec": spec,
        "semantics_fingerprint": job.layer.fingerprint,
        "catalog_fingerprint": job.catalog.fingerprint,
        "policy_fingerprint": _policy_fingerprint(job.policy),
        **{k: v for k, v in asdict(report).items() if k not in ("path", "manifest", "speed")},
    }
    manifest.write_text(json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    return report


def _speed(run: _Run) -> Speed:
    seconds = time.perf_counter() - run.started
    own = {worker: held for worker, held in run.memory.items() if not worker.endswith(f":{os.getpid()}")}
    return Speed(
        seconds=round(seconds, 2),
        pairs_per_s=round(run.taken / seconds, 1),
        peak_memory_mb=(peak_memory() + sum(own.values())) // 2**20,
        shards_read_back=run.read_back,
        stages={stage: round(spent, 2) for stage, spent in run.seconds.items()},
    )
