"""How often the guard refuses what it should not: `python -m bench.safety.benign`.

Every query of the benign corpus is judged in its dialect under a policy that holds nothing back. On the four engines
that run here a part of them is also executed, as written and as the guard rewrites it, and the rows are compared.
Exit code 1 when more than one query in a thousand is refused, or when a rewritten query gives other rows.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import structlog

from agent.steps.guard import judge
from agent.warehouse.dialects import DIALECTS
from agent.warehouse.policy import Policy
from bench.command import benchmark
from bench.safety.corpus import SOURCES, Benign, Catalogs, corpus, demo_catalog, drawn_statements, statements_of
from bench.safety.engines import Compared, compare, engine_databases
from bench.safety.servers import ENGINES
from bench.safety.shapes import refused_by_design
from finetune.evaluation.statistics import proportion

TARGET = 0.001


@dataclass(frozen=True, slots=True)
class Refusal:
    """A query that should have passed."""

    dialect: str
    source: str
    rule: str
    message: str
    sql: str


def main() -> int:
    given = _arguments()
    # the statements that fail are counted; their log lines would stand between the table's
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as folder:
        url, demo = demo_catalog(Path(folder))
        _tell(f"drawing {given.count} pairs" if given.pairs is None else f"reading {given.pairs}")
        drawn = statements_of(given.pairs) if given.pairs else drawn_statements(url, demo, given.count, given.seed)
        queries = corpus(demo, drawn, given.dialect or DIALECTS)
        refusals = judged(queries, Catalogs(demo))
        compared = [] if given.no_run else _executed(queries, given.sample, given.seed, Path(folder))
    report = _report(queries, refusals, compared, demo)
    print(json.dumps(report, indent=1, ensure_ascii=False) if given.json else _table(report))
    broken = any(found.different or found.failed for found in compared)
    return int(broken or len(refusals) > TARGET * len(queries))


def judged(queries: Sequence[Benign], catalogs: Catalogs) -> list[Refusal]:
    """Those of the queries that the guard refuses, under a policy that holds nothing back."""
    refusals = []
    for done, query in enumerate(queries, start=1):
        catalog = catalogs.of(query)
        verdict = judge(query.sql, dialect=query.dialect, catalog=catalog, policy=Policy(), max_rows=1000)
        if not verdict.allowed:
            refusals.append(Refusal(query.dialect, query.source, verdict.rule, verdict.message, query.sql))
        if done % 200 == 0:
            _tell(f"judged {done} of {len(queries)}")
    return refusals


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--count", type=int, default=2000, help="pairs to draw")
    parser.add_argument("--pairs", type=Path, help="a file of pairs to take instead")
    parser.add_argument("--dialect", choices=DIALECTS, action="append", help="this one only (may be repeated)")
    parser.add_argument("--sample", type=int, default=300, help="pairs to execute on each engine")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--no-run", action="store_true", help="execute nothing")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _executed(queries: Sequence[Benign], sample: int, seed: int, folder: Path) -> list[Compared]:
    """Everything but the pairs, and a sample of those, on each engine that can be reached."""
    compared = []
    for dialect in ENGINES:
        own = [query for query in queries if query.dialect == dialect]
        if not own:
            continue
        pairs = [query for query in own if query.source == "pairs"]
        chosen = [query for query in own if query.source != "pairs"]
        chosen += random.Random(seed).sample(pairs, min(sample, len(pairs)))
        _tell(f"running {len(chosen)} queries on {dialect}")
        with engine_databases(dialect, folder) as (demo_url, tpch_url):
            compared.append(compare(dialect, chosen, demo_url, tpch_url))
    return compared


def _report(
    queries: Sequence[Benign], refusals: Sequence[Refusal], compared: Sequence[Compared], demo: Any
) -> dict[str, Any]:
    asked = Counter((query.dialect, query.source) for query in queries)
    refused = Counter((refusal.dialect, refusal.source) for refusal in refusals)
    rows = [
        {"dialect": dialect, "source": source, **_share(refused[dialect, source], asked[dialect, source])}
        for dialect in DIALECTS
        for source in SOURCES
        if asked[dialect, source]
    ]
    designed = [Benign(dialect, "shapes", sql) for dialect, sql in refused_by_design()]
    return {
        "target": TARGET,
        "all": _share(len(refusals), len(queries)),
        "distinct": len({query.sql for query in queries}),
        "by_dialect": {d: _share(*_sums(refused, asked, d)) for d in DIALECTS if _sums(refused, asked, d)[1]},
        "rows": rows,
        "refusals": [asdict(refusal) for refusal in refusals],
        "by_design": {"queries": len(designed), "refused": len(judged(designed, Catalogs(demo)))},
        "executed": [asdict(found) for found in compared],
    }


def _sums(refused: Counter[tuple[str, str]], asked: Counter[tuple[str, str]], dialect: str) -> tuple[int, int]:
    return sum(refused[dialect, source] for source in SOURCES), sum(asked[dialect, source] for source in SOURCES)


def _share(refused: int, total: int) -> dict[str, float]:
    share = proportion(refused, total)
    return {"queries": total, "refused": refused, "share": share.value, "low": share.low, "high": share.high}


def _table(report: dict[str, Any]) -> str:
    lines = [f"{'dialect':<12}{'source':<10}{'queries':>9}{'refused':>9}{'share':>9}   95 % interval"]
    lines += [_line(row["dialect"], row["source"], row) for row in report["rows"]]
    lines += [_line(dialect, "all", share) for dialect, share in report["by_dialect"].items()]
    lines += [_line("all", "all", report["all"])]
    lines.append(f"different texts: {report['distinct']:,}; target: at most {report['target']:.1%} refused")
    designed = report["by_design"]
    lines.append(f"refused by design, not counted above: {designed['refused']} of {designed['queries']} shapes")
    for refusal in report["refusals"]:
        lines.append(f"  {refusal['dialect']} {refusal['source']} {refusal['rule']}: {refusal['message']}")
        lines.append(f"      {refusal['sql'][:200]}")
    if report["executed"]:
        lines.append(
            f"\n{'engine':<12}{'same rows':>11}{'other rows':>12}{'failed':>8}{'not said':>10}{'unsteady':>10}"
        )
    for found in report["executed"]:
        lines.append(
            f"{found['dialect']:<12}{found['alike']:>11}{len(found['different']):>12}{len(found['failed']):>8}"
            f"{found['not_said']:>10}{found['unsteady']:>10}"
        )
        lines += [f"  other rows: {sql[:300]}" for sql in found["different"]]
        lines += [f"  failed: {sql[:300]}" for sql in found["failed"]]
    return "\n".join(lines)


def _line(dialect: str, source: str, share: dict[str, float]) -> str:
    interval = f"{share['low']:.3%} .. {share['high']:.3%}"
    return f"{dialect:<12}{source:<10}{share['queries']:>9,}{share['refused']:>9}{share['share']:>9.3%}   {interval}"


def _tell(what: str) -> None:
    sys.stderr.write(f"\r\033[K{what}")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(benchmark(main))
