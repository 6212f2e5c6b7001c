"""A shard of pairs: what one worker makes at a time, a pure function of the job and the shard's number.

Everything that takes time happens here: questions are drawn, their SQL compiled and judged, the wordings found. What
comes back is what the gate needs to decide, with each pair already written as the line it will have in the file.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from agent.warehouse.policy import Policy
from finetune.compose.compositions import Composer, Composition
from finetune.pairs.judgement import Judge, Refusal
from finetune.pairs.pair import Pair, Tag, pair_id, templated
from finetune.pairs.quality import Candidate
from finetune.pairs.templates import TemplateBook
from finetune.pairs.variants import open_copies
from finetune.pairs.world import World
from finetune.phrasing.grammar import phrasings
from finetune.phrasing.vocabulary import Vocabulary
from memory.catalog import Catalog
from memory.compiler import CannotCompile
from memory.semantics import SemanticLayer

__all__ = [
    "DRAWS",
    "STAGES",
    "VERSION",
    "Bench",
    "Job",
    "Shard",
    "make_shard",
    "open_bench",
    "peak_memory",
    "shard_of",
    "shut",
]

VERSION = 4
"""Of the factory itself; raise it when the same seed gives other pairs."""
STAGES = ("compose", "compile", "execute", "mutants", "phrase")
"""What takes a worker's time, in this order; the gate and the writing of files follow in the main process."""
DRAWS = 64
"""Questions drawn per shard."""


@dataclass(frozen=True)
class Job:
    """What a worker needs to make its world: all of it pickles."""

    identity: str
    url: str
    layer: SemanticLayer
    catalog: Catalog
    policy: Policy
    book: TemplateBook
    seed: int
    phrasings: int
    template_share: float
    variants: int
    mutants: int
    max_scanned_rows: int | None = None


@dataclass
class Shard:
    """What a shard gave: its candidates in order, and why its other statements were refused."""

    number: int
    candidates: list[Candidate]
    refused: Counter[str] = field(default_factory=Counter)
    wasted: dict[str, Counter[str]] = field(default_factory=dict)
    """By hand-written template: why draws of it gave no statement to ask about."""
    seconds: dict[str, float] = field(default_factory=dict)
    """By stage; empty for a shard that was read back."""
    worker: str = ""
    peak_memory: int = 0
    """Bytes, of the worker that made it."""


class Bench:
    """A worker's world, made once."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.seconds: dict[str, float] = {}
        self.world = World(job.url, job.layer, job.catalog, job.policy, job.max_scanned_rows)
        self.composer = Composer(self.world, Vocabulary(job.layer, job.book.vocabulary))
        self.copies = open_copies(self.world, job.variants, job.seed)
        self.judge = Judge(
            job.catalog, self.world.guard, self.world.execute, self.copies, job.mutants, clock=self.measured
        )

    @contextmanager
    def measured(self, stage: str) -> Iterator[None]:
        """Add the time of the block to a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started

    def close(self) -> None:
        """Give the connections back."""
        self.copies.close()
        self.world.close()

    def make(self, number: int) -> Shard:
        """One shard."""
        self.seconds = {}
        shard = Shard(number, [], worker=f"{os.uname().nodename}:{os.getpid()}")
        for index in range(DRAWS):
            rng = random.Random(f"{VERSION}:{self.job.seed}:{number}:{index}")  # noqa: S311 (reproducible, not secret)
            if self.job.book.templates and rng.random() < self.job.template_share:
                found = self._from_template(rng, shard)
            else:
                found = self._composed(rng, shard)
            with self.measured("phrase"):
                shard.candidates += [Candidate.of(pair) for pair in found]
        shard.seconds, shard.peak_memory = self.seconds, peak_memory()
        return shard

    def _from_template(self, rng: random.Random, shard: Shard) -> list[Pair]:
        with self.measured("compose"):
            template, pairs = self.job.book.draw(rng, self.world, self.job.phrasings)
        evidence = self._evidence(pairs[0].sql, shard) if pairs else str(Refusal.NO_VALUE)
        if isinstance(evidence, str):
            shard.wasted.setdefault(template.id, Counter())[evidence] += 1
            return []
        return [replace(pair, lineage=pair.lineage | evidence) for pair in pairs]

    def _composed(self, rng: random.Random, shard: Shard) -> list[Pair]:
        with self.measured("compose"):
            composition = self.composer.draw(rng)
        if composition is None:
            return []
        try:
            with self.measured("compile"):
                sql = self.world.compile(composition.query)
        except CannotCompile:
            return []
        evidence = self._evidence(sql, shard)
        if isinstance(evidence, str):
            return []
        with self.measured("phrase"):
            questions = phrasings(composition.ask, rng, self.job.phrasings)
            return [_pair(composition, sql, question, self.job, evidence) for question in questions]

    def _evidence(self, sql: str, shard: Shard) -> dict[str, str | int] | str:
        """What speaks for the statement, for its lineage; why not, and counted, when it is refused."""
        verdict = self.judge.judge(sql)
        if verdict.refusal:
            shard.refused[str(verdict.refusal)] += 1
            return str(verdict.refusal)
        return {
            "factory": VERSION,
            "seed": self.job.seed,
            "warehouses": self.judge.warehouses,
            "mutants": verdict.mutants,
            "survivors": verdict.survivors,
        }


_bench: list[Bench] = []
_lock = threading.Lock()


def open_bench(job: Job) -> None:
    """Open the job's world in this process, unless it is open already."""
    with _lock:
        _open(job)


def shard_of(job: Job, number: int) -> Shard:
    """One shard of a job; the job's world is opened once in each process and shared by its threads in turn."""
    with _lock:
        _open(job)
        return _bench[0].make(number)


def make_shard(number: int) -> Shard:
    """One shard of the job that was opened last in this process."""
    with _lock:
        return _bench[0].make(number)


def shut() -> None:
    """Close this process's world, if there is one."""
    with _lock:
        _shut()


def _open(job: Job) -> None:
    if not _bench or _bench[0].job.identity != job.identity:
        _shut()
        _bench.append(Bench(job))


def _shut() -> None:
    while _bench:
        _bench.pop().close()


def peak_memory() -> int:
    """The most memory this process has held, in bytes."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _pair(composition: Composition, sql: str, question: str, job: Job, evidence: dict[str, str | int]) -> Pair:
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
            "semantics_fingerprint": job.layer.fingerprint,
            "catalog_fingerprint": job.catalog.fingerprint,
            **evidence,
        },
    )
