"""How fast the ledger takes records, how long its verification takes, and what it costs a run.

    python -m bench.ledger [--seconds 3] [--records 1000000] [--engines sqlite,postgresql] [--format json]

Targets: at least 3,000 records/s with group commit and half the rate of plain INSERTs of the same bytes; the whole of a
million records verified in 120 s, what came after the last checkpoint in 1 s; 15 ms for the ten records of a run. Exits
1 if one is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.recording import RunRecorder
from audit.session import open_session
from bench.command import benchmark
from bench.recording.databases import ENGINES, fresh_database
from bench.recording.million import build_long, verify_long
from bench.recording.rates import MODES, Rate, measure
from bench.recording.runs import run_entries

WRITERS = (1, 4, 16)
TARGETS = {"ratio": 0.5, "records_per_s": 3000.0, "verify_s": 120.0, "since_s": 1.0, "run_ms": 15.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="for each cell of the table of rates; 0 leaves it out"
    )
    parser.add_argument("--records", type=int, default=1_000_000, help="to be verified; 0 leaves it out")
    parser.add_argument("--runs", type=int, default=100, help="recorded for the cost of one; 0 leaves it out")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--format", choices=("table", "json"), default="table")
    given = parser.parse_args()
    engines = given.engines.split(",")
    report: dict[str, Any] = {"targets": TARGETS, "rates": [], "runs": {}, "verification": {}}
    if given.seconds:
        report["rates"] = rates(engines, given.seconds)
    if given.runs:
        report["runs"] = {engine: run_cost(engine, given.runs) for engine in engines}
    if given.records:
        report["verification"] = verification(given.records)
    report["missed"] = missed(report)
    print(json.dumps(report, indent=1)) if given.format == "json" else show(report)
    return 1 if report["missed"] else 0


def rates(engines: Sequence[str], seconds: float) -> list[dict[str, Any]]:
    cells = [(engine, mode, writers) for engine in engines for mode in MODES for writers in WRITERS]
    cells = [cell for cell in cells if cell[1] != "100 at once" or cell[2] == 1]
    found: list[Rate] = []
    for number, (engine, mode, writers) in enumerate(cells, start=1):
        with fresh_database(engine) as (url, _folder):
            found.append(measure(url, mode, writers, seconds))
        progress("rates", number, len(cells))
    return [asdict(rate) for rate in found]


def run_cost(engine: str, runs: int) -> dict[str, float]:
    """Milliseconds of a run spent on putting its ten records on the ledger as `ask` does, checkpoints included.

    `flush_ms` is the median of a write of 4 kB and its fsync in the same folder, for how much of it is the disk's.
    """
    took, flushes = [], []
    with (
        fresh_database(engine) as (url, folder),
        open_session(url, workspace="shop", state_dir=folder / "state") as ledger,
    ):
        for number in range(runs):
            entries = run_entries(f"run-{number}", number)
            recorder = RunRecorder(ledger)
            started = time.perf_counter()
            for entry in entries:
                recorder.record(entry.kind, entry.body, entry.run_id or "")
            took.append((time.perf_counter() - started) * 1000)
            flushes.append(flush_ms(folder))
    ordered = sorted(took)
    return {
        "median_ms": round(statistics.median(took), 2),
        "p95_ms": round(ordered[int(len(ordered) * 0.95)], 2),
        "mean_ms": round(statistics.mean(took), 2),
        "flush_ms": round(statistics.median(flushes), 2),
    }


def flush_ms(folder: Path) -> float:
    """Milliseconds until 4 kB more of a file in `folder` are on its disk."""
    with (folder / "flushed").open("ab") as file:
        started = time.perf_counter()
        file.write(bytes(4096))
        file.flush()
        os.fsync(file.fileno())
        return (time.perf_counter() - started) * 1000


def verification(records: int) -> dict[str, Any]:
    with fresh_database("sqlite") as (url, folder):
        made = build_long(url, folder, records, progress)
        size = sum(path.stat().st_size for path in folder.glob("ledger.sqlite*"))
        whole, whole_s, whole_cpu_s = verify_long(made, since=False, progress=progress)
        part, part_s, part_cpu_s = verify_long(made, since=True, progress=progress)
    assert whole.ok, whole.problem
    assert part.ok, part.problem
    assert (part.root, part.records) == (whole.root, whole.records)
    return {
        "engine": "sqlite",
        "records": whole.records,
        "reviews": whole.reviews,
        "checkpoints": whole.checkpoints,
        "megabytes": round(size / 1e6),
        "verify_s": round(whole_s, 2),
        "verify_cpu_s": round(whole_cpu_s, 2),
        "since_s": round(part_s, 3),
        "since_cpu_s": round(part_cpu_s, 3),
        "records_since": part.records - part.since,
    }


def missed(report: dict[str, Any]) -> list[str]:
    """The targets that were not reached, as sentences."""
    found = []
    for engine in {rate["engine"] for rate in report["rates"]}:
        grouped = [r for r in report["rates"] if r["engine"] == engine and r["mode"] == MODES[1] and r["writers"] == 16]
        for rate in grouped:
            if rate["ratio"] < TARGETS["ratio"]:
                found.append(
                    f"{engine}: group commit at {rate['ratio']:.2f} of plain INSERTs; wanted {TARGETS['ratio']}"
                )
            if rate["records_per_s"] < TARGETS["records_per_s"]:
                found.append(
                    f"{engine}: {rate['records_per_s']:,.0f} records/s; wanted {TARGETS['records_per_s']:,.0f}"
                )
    found += [
        f"{engine}: {cost['median_ms']} ms for a run's records; wanted {TARGETS['run_ms']}"
        for engine, cost in report["runs"].items()
        if cost["median_ms"] > TARGETS["run_ms"]
    ]
    for name in ("verify_s", "since_s"):
        if report["verification"] and report["verification"][name] > TARGETS[name]:
            found.append(f"{name}: {report['verification'][name]} s; wanted {TARGETS[name]}")
    return sorted(found)


def progress(what: str, done: int, total: int) -> None:
    sys.stderr.write(f"\r{what}: {done} of {total}" + ("\n" if done >= total else ""))
    sys.stderr.flush()


def show(report: dict[str, Any]) -> None:
    if report["rates"]:
        names = f"{'records/s':>12}{'per commit':>12}{'plain/s':>12}{'ratio':>8}{'cpu µs':>10}{'plain µs':>10}"
        print(f"{'database':<12}{'commits':<18}{'writers':>8}{names}")
    for rate in report["rates"]:
        print(
            f"{rate['engine']:<12}{rate['mode']:<18}{rate['writers']:>8}{rate['records_per_s']:>12,.0f}"
            f"{rate['records_per_commit']:>12.1f}{rate['plain_per_s']:>12,.0f}{rate['ratio']:>8.2f}"
            f"{rate['cpu_us']:>10.0f}{rate['plain_cpu_us']:>10.0f}"
        )
    for engine, cost in report["runs"].items():
        print(
            f"a run of ten records on {engine}: median {cost['median_ms']} ms, p95 {cost['p95_ms']} ms; "
            f"a flush of this disk {cost['flush_ms']} ms"
        )
    if found := report["verification"]:
        print(
            f"{found['records']:,} records ({found['megabytes']:,} MB) on {found['engine']}: verified in "
            f"{found['verify_s']} s, the last {found['records_since']} since the checkpoint in {found['since_s']} s; "
            f"of the processor {found['verify_cpu_s']} s and {found['since_cpu_s']} s"
        )
    for line in report["missed"]:
        print(f"MISSED  {line}")


if __name__ == "__main__":
    sys.exit(benchmark(main))
