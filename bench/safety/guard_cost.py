"""What the guard costs: `python -m bench.safety.guard_cost`.

The time of judging and rewriting each query of the benign corpus, in its dialect, under a policy that holds nothing
back and under one with row filters and masks on the tables that are asked most. Each query is judged several times and
its median counts, so that one pause of the machine is not taken for the guard's. Wall time is what a person waits;
processor time is what the guard used, whatever else the machine was doing. Exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.steps.guard import judge
from agent.warehouse.dialects import DIALECTS
from agent.warehouse.policy import Policy
from bench.command import benchmark
from bench.safety.corpus import Benign, Catalogs, corpus, demo_catalog, drawn_statements, statements_of
from bench.safety.servers import ENGINES
from finetune.evaluation.statistics import percentile

MEDIAN_MS, P99_MS = 3.0, 15.0

_DEMO_RULES = Policy(
    rows={"Orders": "ShipCountry <> 'Nowhere'", "Products": "Discontinued = 0"},
    masks={"Customers.Phone": "partial", "Customers.Address": "hash", "Employees.HomePhone": "full"},
)
_TPCH_RULES = Policy(rows={"orders": "o_orderstatus <> 'X'"}, masks={"customer.c_phone": "partial"})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--count", type=int, default=1000, help="pairs to draw")
    parser.add_argument("--pairs", type=Path, help="a file of pairs to take instead")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--dialect", choices=DIALECTS, action="append", help="this one only (may be repeated)")
    parser.add_argument("--repeat", type=int, default=3, help="times that each query is judged")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url, demo = demo_catalog(Path(folder), orders=60)
        drawn = statements_of(given.pairs) if given.pairs else drawn_statements(url, demo, given.count, given.seed)
    queries = corpus(demo, drawn, given.dialect or DIALECTS)
    report = {
        "targets_ms": {"median": MEDIAN_MS, "p99": P99_MS},
        "plain": measured(queries, Catalogs(demo), given.repeat, restricting=False),
        "with_policy": measured(queries, Catalogs(demo), given.repeat, restricting=True),
    }
    print(json.dumps(report, indent=1) if given.json else _table(report))
    return int(not meets_targets(report))


def measured(
    queries: Sequence[Benign], catalogs: Catalogs, repeat: int, *, restricting: bool
) -> dict[str, dict[str, Any]]:
    """By dialect, and for all of them: figures of the milliseconds that a query takes, wall and processor time."""
    wall: dict[str, list[float]] = {dialect: [] for dialect in DIALECTS}
    used: dict[str, list[float]] = {dialect: [] for dialect in DIALECTS}
    for done, query in enumerate(queries, start=1):
        policy = Policy() if not restricting else _TPCH_RULES if query.source == "tpch" else _DEMO_RULES
        walls, uses = _timed(query, catalogs, policy, repeat)
        wall[query.dialect].append(walls)
        used[query.dialect].append(uses)
        if done % 200 == 0:
            sys.stderr.write(f"\r\033[K{'with' if restricting else 'without'} rules: {done} of {len(queries)}")
            sys.stderr.flush()
    figures: dict[str, dict[str, Any]] = {
        dialect: {"wall_ms": _figures(wall[dialect]), "processor_ms": _figures(used[dialect])}
        for dialect in DIALECTS
        if wall[dialect]
    }
    together = [[ms for dialect in DIALECTS for ms in kind[dialect]] for kind in (wall, used)]
    figures["all"] = {"wall_ms": _figures(together[0]), "processor_ms": _figures(together[1])}
    return figures


def meets_targets(report: dict[str, Any]) -> bool:
    """Whether every engine that runs here, and all dialects together, keep to the targets, by wall time."""
    found = [
        report[kind][name] for kind in ("plain", "with_policy") for name in (*ENGINES, "all") if name in report[kind]
    ]
    walls = [figures["wall_ms"] for figures in found]
    return all(wall["median"] <= MEDIAN_MS and wall["p99"] <= P99_MS for wall in walls)


def _timed(query: Benign, catalogs: Catalogs, policy: Policy, repeat: int) -> tuple[float, float]:
    catalog = catalogs.of(query)
    walls, uses = [], []
    for _ in range(repeat):
        wall, used = time.perf_counter(), time.thread_time()
        judge(query.sql, dialect=query.dialect, catalog=catalog, policy=policy, max_rows=1000)
        uses.append(1000 * (time.thread_time() - used))
        walls.append(1000 * (time.perf_counter() - wall))
    return statistics.median(walls), statistics.median(uses)


def _figures(values: Sequence[float]) -> dict[str, float]:
    shares = {"median": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {"queries": len(values), **{name: round(percentile(values, share), 3) for name, share in shares.items()}}


def _table(report: dict[str, Any]) -> str:
    lines = [f"{'':<26}{'':>8}   {'wall, ms':<34}processor, ms"]
    head = f"{'median':>8}{'p95':>8}{'p99':>8}{'max':>8}"
    lines.append(f"{'policy':<14}{'dialect':<12}{'queries':>8}{head}  {head}")
    for kind, name in (("plain", "none"), ("with_policy", "rows, masks")):
        for dialect, figures in report[kind].items():
            shown = "  ".join(
                "".join(f"{figures[clock][share]:>8.2f}" for share in ("median", "p95", "p99", "max"))
                for clock in ("wall_ms", "processor_ms")
            )
            lines.append(f"{name:<14}{dialect:<12}{figures['wall_ms']['queries']:>8,}{shown}")
    verdict = "met" if meets_targets(report) else "missed"
    lines.append(
        f"targets: median {MEDIAN_MS:g} ms, p99 {P99_MS:g} ms by wall time on the four engines and in all: {verdict}"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(benchmark(main))
