"""How many plain questions are understood without a model, and how many of those rightly.

    python -m bench.intent -w .demo [--pack FILE] [--wrong] [--passed]

FILE is a pack, or the pairs that `affidavit pairs generate` writes. Every question is read, compiled and executed, and
its result compared with that of the SQL that stands beside it. No model is asked.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.services import Services, open_services
from bench.command import DEMO, benchmark, workspace_settings
from finetune.evaluation.matching import results_match
from finetune.evaluation.pack import order_columns
from finetune.evaluation.statistics import percentile, proportion
from finetune.jsonl import read_records
from memory.compiler import CannotCompile, Compiler
from memory.intent import read_intent


@dataclass(frozen=True, slots=True)
class _Asked:
    question: str
    sql: str
    kind: str
    """The template of a pair, the difficulty of a pack's question."""
    ordered: bool


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("-w", "--workspace", type=Path, default=DEMO)
    arguments.add_argument("--pack", type=Path, help="default: the workspace's baseline.jsonl")
    arguments.add_argument("--wrong", action="store_true", help="show every wrong answer")
    arguments.add_argument("--passed", action="store_true", help="show every question that was not understood")
    chosen = arguments.parse_args()
    settings = workspace_settings(chosen.workspace)
    asked = list(_questions(chosen.pack or chosen.workspace / "baseline.jsonl"))
    times: list[float] = []
    totals, answered, right = Counter[str](), Counter[str](), Counter[str]()
    with open_services(settings, warm_up=False) as services:
        linker = services.retriever.linker
        compiler = Compiler(linker.layer, linker.catalog, services.warehouse.dialect)
        for item in asked:
            totals[item.kind] += 1
            started = time.process_time()
            intent = read_intent(item.question, linker)
            times.append((time.process_time() - started) * 1000)
            if intent is None:
                if chosen.passed:
                    print(f"- {item.kind}: {item.question}")
                continue
            answered[item.kind] += 1
            try:
                sql = compiler.compile(intent.query)
                objection = _objection(item, sql, services)
            except CannotCompile as error:
                sql, objection = "", str(error)
            right[item.kind] += not objection
            if objection and chosen.wrong:
                print(f"{item.kind}: {item.question}\n    {objection}\n    got  {sql}\n    gold {item.sql}")
    for kind, count in sorted(answered.items(), key=lambda row: -row[1]):
        print(f"{right[kind]:5d} right of {count:4d} answered of {totals[kind]:4d}  {kind}")
    share = proportion(answered.total(), len(asked))
    print(f"coverage:  {share.value:.1%} [{share.low:.1%}, {share.high:.1%}] of {len(asked)}")
    if answered:
        share = proportion(right.total(), answered.total())
        print(f"precision: {share.value:.1%} [{share.low:.1%}, {share.high:.1%}] of {answered.total()}")
    print(f"reading: median {percentile(times, 0.5):.1f} ms, p95 {percentile(times, 0.95):.1f} ms")
    return 0


def _questions(path: Path) -> Iterator[_Asked]:
    for _, content in read_records(path):
        kind = str(content.get("template_id") or content.get("difficulty") or "")
        ordered = bool(content.get("ordered", "ORDER BY" in str(content["sql"])))
        yield _Asked(str(content["question"]), str(content["sql"]), kind, ordered)


def _objection(item: _Asked, sql: str, services: Services) -> str:
    if sql == item.sql:
        return ""
    gold, got = (services.warehouse.execute(text) for text in (item.sql, sql))
    if gold.result is None or got.result is None:
        return "One of the statements failed."
    columns = order_columns(item.sql, services.warehouse.dialect)
    match = results_match(gold.result, got.result, item.ordered, order_columns=columns)
    return "" if match.matched else match.reason


if __name__ == "__main__":
    sys.exit(benchmark(main))
