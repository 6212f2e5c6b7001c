"""The pair factory: from a seed and a workspace to a file of validated pairs, the same bytes for any number of workers.

Work goes in rounds of shards. A shard is a pure function of the seed and its number: it draws questions and compiles
their SQL. Every statement not seen before is then judged by the guard and executed once, and the gate takes or refuses
in shard order. What a round made is written down before the next begins, so an interrupted run goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agent.warehouse.policy import Policy
from finetune.compose import Composer, Composition
from finetune.jsonl import read_records
from finetune.pairs import Pair, Parameter, Tag, pair_id, read_pairs, write_pairs
from finetune.phrasing import phrasings
from finetune.quality import Gate, Limits, SqlVerdict, judge_sql
from finetune.templates import TemplateBook, load_templates
from finetune.vocabulary import Vocabulary
from finetune.world import World
from memory.catalog import Catalog
from memory.compiler import CannotCompile
from memory.semantics import SemanticLayer

__all__ = ["FactoryReport", "FactorySpec", "Progress", "generate_pairs"]

Progress = Callable[[str, int, int], None]
"""(stage, done, wanted): called as pairs are taken."""

_SHARD_DRAWS = 250
_ROUND_SHARDS = 8
_IDLE_ROUNDS = 6
_VERSION = 2
"""Of the factory itself; raise it when the same seed gives other pairs."""


@dataclass(frozen=True, slots=True)
class FactorySpec:
    """What to make. Everything but `workers` decides the bytes."""

    count: int
    seed: int = 7
    workers: int = 1
    phrasings: int = 2
    """Questions kept per SQL statement."""
    per_structure: int = 14
    """Statements kept per SQL structure (the SQL with its literals masked)."""
    template_share: float = 0.3
    levels: dict[str, int] | None = None
    """Pairs wanted per level; None takes them as they come."""


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
    levels: dict[str, int]
    templates: dict[str, int]
    patterns: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Job:
    """What a worker needs to make its world: all of it pickles."""

    url: str
    layer: SemanticLayer
    catalog: Catalog
    policy: Policy
    templates: Path | None
    seed: int
    phrasings: int
    template_share: float


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

    Raises:
        TemplateError: templates.yaml is wrong.
        UsageError: a shard of an interrupted run is damaged (its line is named).
    """
    job = _Job(url, layer, catalog, policy, templates, spec.seed, spec.phrasings, spec.template_share)
    identity = _identity(spec, job)
    shards = _shards_folder(out_dir / "shards", identity)
    limits = Limits(per_sql=spec.phrasings, per_structure=spec.per_structure, per_level=spec.levels)
    run = _Run(spec, job, shards, Gate(limits), progress)
    with _pool(spec.workers, job) as pool:
        run.work(pool)
    return _written(run, out_dir, identity)


class _Run:
    """One run of the factory: rounds of shards until there are enough pairs or nothing new comes."""

    def __init__(self, spec: FactorySpec, job: _Job, shards: Path, gate: Gate, progress: Progress | None) -> None:
        self.spec, self.job, self.shards, self.gate, self.progress = spec, job, shards, gate, progress
        self.taken: list[Pair] = []
        self.verdicts: dict[str, SqlVerdict] = {}

    def work(self, pool: Executor | None) -> None:
        idle = number = 0
        while len(self.taken) < self.spec.count and idle < _IDLE_ROUNDS:
            before = len(self.taken)
            self.round(number, pool)
            number += 1
            idle = idle + 1 if len(self.taken) == before else 0

    def round(self, number: int, pool: Executor | None) -> None:
        first = number * _ROUND_SHARDS
        batches = self.candidates(range(first, first + _ROUND_SHARDS), pool)
        new = list(dict.fromkeys(p.sql for batch in batches for p in batch if p.sql not in self.verdicts))
        for verdict in self.judged(number, new, pool):
            self.verdicts[verdict.sql] = verdict
        for pair in (p for batch in batches for p in batch):
            if len(self.taken) >= self.spec.count:
                break
            if self.gate.take(pair, self.verdicts[pair.sql]):
                self.taken.append(pair)
        if self.progress:
            self.progress("pairs", len(self.taken), self.spec.count)

    def candidates(self, numbers: Iterable[int], pool: Executor | None) -> list[list[Pair]]:
        paths = {n: self.shards / f"candidates-{n:06d}.jsonl" for n in numbers}
        missing = [n for n, path in paths.items() if not path.exists()]
        made = pool.map(_make_shard, missing) if pool else map(_make_shard, missing)
        fresh = {
            n: batch for n, batch in zip(missing, made, strict=True) if _store(paths[n], (p.to_json() for p in batch))
        }
        return [fresh[n] if n in fresh else list(read_pairs(path)) for n, path in paths.items()]

    def judged(self, number: int, statements: list[str], pool: Executor | None) -> list[SqlVerdict]:
        path = self.shards / f"verdicts-{number:06d}.jsonl"
        if path.exists():
            return [SqlVerdict(**record) for _, record in read_records(path)]
        chunks = [statements[i : i + 64] for i in range(0, len(statements), 64)]
        found = [v for chunk in (pool.map(_judge, chunks) if pool else map(_judge, chunks)) for v in chunk]
        _store(path, (asdict(v) for v in found))
        return found


# -- in the workers --------------------------------------------------------------------------------------------------


@dataclass
class _Bench:
    """A worker's world, made once."""

    job: _Job
    world: World
    composer: Composer
    book: TemplateBook


_bench: list[_Bench] = []


def _open(job: _Job) -> None:
    _shut()
    world = World(job.url, job.layer, job.catalog, job.policy)
    book = load_templates(job.templates, job.catalog) if job.templates else TemplateBook()
    _bench.append(_Bench(job, world, Composer(world, Vocabulary(job.layer, book.vocabulary)), book))


def _shut() -> None:
    while _bench:
        _bench.pop().world.close()


@contextmanager
def _pool(workers: int, job: _Job) -> Iterator[Executor | None]:
    if workers <= 1:
        _open(job)
        try:
            yield None
        finally:
            _shut()
        return
    import multiprocessing

    context = multiprocessing.get_context("spawn")  # a forked child would share the parent's open connections
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_open, initargs=(job,)) as pool:
        yield pool


def _make_shard(number: int) -> list[Pair]:
    """The candidates of one shard: a pure function of the job and the number."""
    bench = _bench[0]
    found: list[Pair] = []
    for index in range(_SHARD_DRAWS):
        rng = random.Random(f"{_VERSION}:{bench.job.seed}:{number}:{index}")  # noqa: S311 (reproducible, not secret)
        if bench.book.templates and rng.random() < bench.job.template_share:
            found += bench.book.draw(rng, bench.world, bench.job.phrasings)
            continue
        composition = bench.composer.draw(rng)
        if composition is not None:
            found += _phrased(composition, bench, rng)
    return found


def _phrased(composition: Composition, bench: _Bench, rng: random.Random) -> list[Pair]:
    try:
        sql = bench.world.compile(composition.query)
    except CannotCompile:
        return []
    questions = phrasings(composition.ask, rng, bench.job.phrasings)
    return [_pair(composition, sql, question, bench.job) for question in questions]


def _pair(composition: Composition, sql: str, question: str, job: _Job) -> Pair:
    query = composition.query
    tags = [Tag("pattern", query.pattern), Tag("shape", composition.shape or composition.ask.shapes[0])]
    tags += [Tag("metric", m) for m in query.metrics] + [Tag("dimension", d) for d in query.dimensions]
    tags += [Tag("period", query.grain)] if query.grain else []
    question_template, sql_template = templated(question, sql, composition.ask.parameters)
    return Pair(
        id=pair_id(question, sql),
        question=question,
        sql=sql,
        template_id=composition.template_id,
        question_template=question_template,
        sql_template=sql_template,
        parameters=composition.ask.parameters,
        tags=tuple(tags),
        level=composition.level,
        dialect=job.catalog.dialect,
        combination=composition.combination,
        lineage={
            "source": "composition",
            "seed": job.seed,
            "factory": _VERSION,
            "semantics_fingerprint": job.layer.fingerprint,
            "catalog_fingerprint": job.catalog.fingerprint,
        },
    )


def templated(question: str, sql: str, parameters: Iterable[Parameter]) -> tuple[str, str]:
    """Question and SQL with each parameter's surface and value replaced by `{name}`."""
    for parameter in parameters:
        slot = "{" + parameter.name + "}"
        if parameter.surface:
            question = question.replace(parameter.surface, slot)
        if isinstance(parameter.value, str):
            sql = sql.replace("'" + parameter.value.replace("'", "''") + "'", f"'{slot}'")
        elif parameter.name == "limit":
            sql = sql.replace(f"LIMIT {parameter.value}", f"LIMIT {slot}")
    return question, sql


def _judge(statements: list[str]) -> list[SqlVerdict]:
    world = _bench[0].world
    return [judge_sql(sql, world.catalog.dialect, world.guard, world.execute) for sql in statements]


# -- files -----------------------------------------------------------------------------------------------------------


def _identity(spec: FactorySpec, job: _Job) -> str:
    """What the bytes depend on, hashed: the shards of another spec are never mixed in."""
    parts: dict[str, Any] = asdict(spec)
    del parts["workers"], parts["count"], parts["levels"], parts["per_structure"]
    parts["factory"] = _VERSION
    parts["draws"] = _SHARD_DRAWS
    parts["semantics"] = job.layer.fingerprint
    parts["policy"] = _policy_fingerprint(job.policy)
    parts["catalog"] = hashlib.sha256(job.catalog.to_json().encode()).hexdigest()
    parts["templates"] = hashlib.sha256(job.templates.read_bytes()).hexdigest() if job.templates else ""
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


def _store(path: Path, records: Iterable[dict[str, Any]]) -> bool:
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as out:
        for record in records:
            out.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
    partial.replace(path)
    return True


def _written(run: _Run, out_dir: Path, identity: str) -> FactoryReport:
    from finetune.pairs import masked_sql

    path, manifest = out_dir / "pairs.jsonl", out_dir / "manifest.json"
    sha256 = write_pairs(path, run.taken)
    report = FactoryReport(
        pairs=len(run.taken),
        path=path,
        manifest=manifest,
        sha256=sha256,
        statements=len({p.sql for p in run.taken}),
        structures=len({masked_sql(p.sql) for p in run.taken}),
        refused=dict(sorted(run.gate.refused.items())),
        levels=dict(sorted(Counter(p.level for p in run.taken).items())),
        templates=dict(sorted(Counter(p.template_id for p in run.taken).items())),
        patterns=dict(sorted(Counter(t.subtype for p in run.taken for t in p.tags if t.type == "pattern").items())),
    )
    spec = asdict(run.spec)
    del spec["workers"]
    body = {
        "factory": _VERSION,
        "identity": identity,
        "spec": spec,
        "semantics_fingerprint": run.job.layer.fingerprint,
        "catalog_fingerprint": run.job.catalog.fingerprint,
        "policy_fingerprint": _policy_fingerprint(run.job.policy),
        **{k: v for k, v in asdict(report).items() if k not in ("path", "manifest")},
    }
    manifest.write_text(json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    return report
