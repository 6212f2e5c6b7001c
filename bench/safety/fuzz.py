"""Throws made-up statements at the guard: `python -m bench.safety.fuzz --seconds 60 --seed 7`; `make fuzz`.

It must neither raise, nor take longer than a second of processor time, nor let a write through. What it lets run on
SQLite and DuckDB runs there on a copy that can be written, so that nothing but the guard stands between the two; half
the inputs are judged under a policy, and what they show must not depend on what that holds back. Exit code 1 if not.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from agent.steps.guard import judge
from agent.warehouse.policy import Policy
from bench.command import benchmark
from bench.safety.cases import DIALECTS, load_attacks
from bench.safety.mutations import generated, mutated
from bench.safety.targets import POLICY, built_target
from bench.safety.writable import Writable, writable
from memory.catalog import Catalog

__all__ = ["Fuzzed", "fuzz"]

_GOLDS = Path(__file__).parents[2] / "demo" / "files" / "baseline.jsonl"
_HANG_S = 1.0
_POLICIES = (Policy(), POLICY.of("ana"))


@dataclass
class Fuzzed:
    """What came of it."""

    inputs: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    """By dialect."""
    executed: int = 0
    """Different statements that ran on a writable copy."""
    seconds: float = 0.0
    worst_s: float = 0.0
    worst: str = ""
    faults: dict[str, str] = field(default_factory=dict)
    """What went wrong -> the first input that did it, made as short as it gets."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--inputs", type=int, default=0, help="stop after so many, whatever the time")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    given = parser.parse_args()
    found = fuzz(given.seed, given.seconds, given.inputs, _progress)
    sys.stderr.write("\n")
    if given.format == "json":
        print(json.dumps(vars(found), ensure_ascii=True, indent=1))
    else:
        _print(found)
    return 1 if found.faults else 0


def fuzz(seed: int, seconds: float, inputs: int, progress: Callable[[Fuzzed], None]) -> Fuzzed:
    """Judge made-up statements until the time or the inputs are used up."""
    random = Random(seed)
    attacks = load_attacks()
    golds = [json.loads(line)["sql"] for line in _GOLDS.read_text(encoding="utf-8").splitlines()]
    seeds = {
        dialect: [attack.sql for attack in attacks if attack.dialect == dialect] + golds * 4 for dialect in DIALECTS
    }
    found = Fuzzed()
    with (
        tempfile.TemporaryDirectory() as folder,
        built_target("sqlite", Path(folder)) as target,
        writable(target) as copy,
    ):
        run = _Run(found, copy, target.catalog)
        began = time.perf_counter()
        while time.perf_counter() - began < seconds and (not inputs or found.inputs < inputs):
            dialect = random.choice(DIALECTS)
            sql = generated(random) if random.random() < 0.1 else mutated(seeds[dialect], random)
            run.judge(sql, dialect, random.choice((0, 1)))
            found.seconds = time.perf_counter() - began
            if found.inputs % 500 == 0:
                progress(found)
        run.finish()
    return found


@dataclass
class _Run:
    found: Fuzzed
    copy: Writable
    catalog: Catalog
    catalogs: dict[str, Catalog] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)

    def judge(self, sql: str, dialect: str, policy: int) -> None:
        """Judge one input, and run what is allowed."""
        found = self.found
        found.inputs += 1
        allowed, spent, crash = self._judged(sql, dialect, policy)
        if spent > found.worst_s:
            found.worst_s, found.worst = spent, sql
        if crash:
            self._fault(f"judge raised {crash}", sql, lambda text: self._judged(text, dialect, policy)[2] == crash)
        elif spent > _HANG_S:
            self._fault("judge took over a second", sql, lambda text: self._judged(text, dialect, policy)[1] > _HANG_S)
        if allowed is None:
            return
        found.accepted[dialect] += 1
        if (dialect, allowed) in self.seen:
            return
        self.seen.add((dialect, allowed))
        found.executed += dialect in self.copy.dialects
        for what in self.copy.offences(dialect, allowed, is_restricted=policy == 1):
            self._fault(f"{what} ({dialect}): {allowed}", sql, lambda text: text == sql)

    def finish(self) -> None:
        """Look once more whether anything was written."""
        for what in self.copy.final_offences():
            self.found.faults.setdefault(what, "")

    def _judged(self, sql: str, dialect: str, policy: int) -> tuple[str | None, float, str]:
        """The SQL that may run or None, processor seconds, and the exception if there was one."""
        catalog = self.catalogs.setdefault(dialect, replace(self.catalog, dialect=dialect))
        began = time.thread_time()
        try:
            verdict = judge(sql, dialect=dialect, catalog=catalog, policy=_POLICIES[policy], max_rows=50)
        except Exception as error:  # noqa: BLE001 (finding these is what this is for)
            return None, time.thread_time() - began, type(error).__name__
        return verdict.sql if verdict.allowed else None, time.thread_time() - began, ""

    def _fault(self, what: str, sql: str, holds: Callable[[str], bool]) -> None:
        if what not in self.found.faults:
            self.found.faults[what] = _shortest(sql, holds)


def _shortest(sql: str, holds: Callable[[str], bool]) -> str:
    """`sql` without what can be left out so that `holds` still does: halves, quarters, down to single characters."""
    if not holds(sql):
        return sql
    size, tries = max(1, len(sql) // 2), 400
    while tries:
        smaller = next((text for at in range(0, len(sql), size) if holds(text := sql[:at] + sql[at + size :])), None)
        tries -= 1
        if smaller is not None:
            sql = smaller
        elif size == 1:
            break
        else:
            size //= 2
    return sql


def _progress(found: Fuzzed) -> None:
    rate = found.inputs / max(found.seconds, 0.001)
    sys.stderr.write(f"\r{found.inputs:>8} inputs, {rate:>6.0f}/s, {len(found.faults)} faults")
    sys.stderr.flush()


def _print(found: Fuzzed) -> None:
    print(f"{'inputs':<28}{found.inputs:>10}")
    print(f"{'inputs per second':<28}{found.inputs / max(found.seconds, 0.001):>10.0f}")
    for dialect in DIALECTS:
        print(f"{'let run, ' + dialect:<28}{found.accepted[dialect]:>10}")
    print(f"{'run on a writable copy':<28}{found.executed:>10}")
    print(f"{'longest judgement (cpu s)':<28}{found.worst_s:>10.3f}   {found.worst[:80]!r}")
    print(f"{'faults':<28}{len(found.faults):>10}")
    for what, sql in found.faults.items():
        print(f"FAULT  {what}\n       {sql[:2000]!r}")


if __name__ == "__main__":
    sys.exit(benchmark(main))
