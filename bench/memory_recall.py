"""Whether retrieval finds what a right answer needs, and how fast.

    python -m bench.memory_recall -w .demo [--pack FILE] [--misses]

For every question of the pack: are the tables of its gold SQL, and the text values it compares with, among the pieces
retrieved? No model is asked.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import expressions as exp

from agent.services import open_services
from bench.command import DEMO, benchmark, workspace_settings
from finetune.evaluation.pack import load_pack, translated
from finetune.evaluation.statistics import percentile, proportion

if TYPE_CHECKING:
    from memory.retrieval import Piece


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("-w", "--workspace", type=Path, default=DEMO)
    arguments.add_argument("--pack", type=Path, help="default: the workspace's baseline.jsonl")
    arguments.add_argument("--misses", action="store_true", help="name every question with something missing")
    chosen = arguments.parse_args()
    settings = workspace_settings(chosen.workspace)
    pack = load_pack(chosen.pack or chosen.workspace / "baseline.jsonl")
    times: list[float] = []
    found = {"tables": [0, 0], "values": [0, 0]}
    complete, pieces = 0, 0
    with open_services(settings, warm_up=False) as services:
        dialect = services.warehouse.dialect
        services.retriever.retrieve(pack[0].question, dialect=dialect)  # the embedding is loaded once per process
        for question in pack:
            started = time.perf_counter()
            retrieved = services.retriever.retrieve(question.question, dialect=dialect)
            times.append((time.perf_counter() - started) * 1000)
            pieces += len(retrieved.pieces)
            needed = needs(translated(question, dialect), dialect)
            missing = {kind: lacking(names, retrieved.pieces, kind) for kind, names in needed.items()}
            for kind, names in needed.items():
                found[kind][0] += len(names) - len(missing[kind])
                found[kind][1] += len(names)
            complete += not missing["tables"]
            if chosen.misses and any(missing.values()):
                print(f"{question.id} {question.question}\n    missing {missing}")
    for kind, (hits, total) in found.items():
        share = proportion(hits, total)
        print(f"{kind} of the gold SQL retrieved: {share.value:.1%} ({hits}/{total})")
    whole = proportion(complete, len(pack))
    print(f"questions with every table: {whole.value:.1%} [{whole.low:.1%}, {whole.high:.1%}] of {len(pack)}")
    print(f"pieces per question: {pieces / len(pack):.1f}")
    print(f"retrieval: median {percentile(times, 0.5):.1f} ms, p95 {percentile(times, 0.95):.1f} ms")
    return 0


def needs(sql: str, dialect: str) -> dict[str, set[str]]:
    """Tables, and text literals with a letter in them that something is compared with; in lower case."""
    query = sqlglot.parse_one(sql, read=dialect)
    local = {cte.alias.lower() for cte in query.find_all(exp.CTE)}
    tables = {table.name.lower() for table in query.find_all(exp.Table)} - local
    compared = [part for node in query.find_all(exp.EQ, exp.In) for part in node.iter_expressions()]
    values = {str(part.this).lower() for part in compared if isinstance(part, exp.Literal) and part.is_string}
    return {"tables": tables, "values": {value for value in values if any(c.isalpha() for c in value)}}


def lacking(names: set[str], pieces: Iterable[Piece], kind: str) -> set[str]:
    """Names that no piece brings; a value may be a part of one, as a family name is of a full name."""
    if kind == "tables":
        return names - {piece.id.lower() for piece in pieces if piece.kind == "table"}
    values = [piece.id.partition("=")[2].lower() for piece in pieces if piece.kind == "value"]
    return {name for name in names if not any(name in value for value in values)}


if __name__ == "__main__":
    sys.exit(benchmark(main))
