"""Whether anything acknowledged is ever lost: writers killed at random moments, and ledgers that cannot be written.

    python -m bench.crash [--kills 500] [--engines sqlite,postgresql] [--seed 9] [--format json]

Three processes of two threads each write to one ledger and are killed (SIGKILL) at random moments, over and over, until
each database has had its half of the kills. After every round all records that a writer was told of must be there, byte
for byte; the whole ledger with its checkpoints is verified every twenty rounds and at the end. Then a question is asked
through the command line of ledgers that are full, read-only, locked or gone. Exits 1 on a lost record, a broken chain,
an answer that was shown, or anything half-written.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from typing import Any

from bench.command import benchmark
from bench.recording.databases import ENGINES, fresh_database
from bench.recording.killing import kill_writers
from bench.recording.trouble import CASES, ask_in_trouble


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=500, help="of all databases together; 0 leaves them out")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--seed", type=int, default=9)
    parser.add_argument("--no-trouble", action="store_true", help="only the kills")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    given = parser.parse_args()
    engines = given.engines.split(",")
    started = time.monotonic()
    killed = []
    for number, engine in enumerate(engines if given.kills else ()):
        with fresh_database(engine) as (url, folder):
            kills = -(-given.kills // len(engines))
            killed.append(kill_writers(engine, url, folder, kills=kills, seed=given.seed + number, progress=progress))
    cases = [case for case in CASES if case.engine in engines and not given.no_trouble]
    troubles = []
    for number, case in enumerate(cases, start=1):
        troubles.append(ask_in_trouble(case))
        progress("ledgers in trouble", number, len(cases))
    report = {
        "kills": [asdict(each) for each in killed],
        "trouble": [asdict(each) for each in troubles],
        "seconds": round(time.monotonic() - started, 1),
    }
    print(json.dumps(report, indent=1)) if given.format == "json" else show(report)
    bad = any(each.lost or each.broken or each.errors for each in killed) or any(each.problem for each in troubles)
    return 1 if bad else 0


def progress(what: str, done: int, total: int) -> None:
    sys.stderr.write(f"\r{what}: {done} of {total}" + ("\n" if done >= total else ""))
    sys.stderr.flush()


def show(report: dict[str, Any]) -> None:
    if report["kills"]:
        print(f"{'database':<12}{'kills':>8}{'acknowledged':>14}{'on record':>11}{'lost':>6}{'breaks':>8}{'errors':>8}")
    for each in report["kills"]:
        numbers = f"{each['kills']:>8}{each['acknowledged']:>14}{each['records']:>11}{len(each['lost']):>6}"
        print(f"{each['engine']:<12}{numbers}{len(each['broken']):>8}{len(each['errors']):>8}")
        for line in (*each["lost"], *each["broken"], *each["errors"]):
            print(f"  {line}")
    for each in report["trouble"]:
        verdict = "held" if not each["problem"] else f"FAILED: {each['problem']}"
        print(f"{each['engine']:<12}{each['name']:<16}exit {each['exit_code']}  {verdict}  {each['said'][:90]}")
    print(f"{report['seconds']} s")


if __name__ == "__main__":
    sys.exit(benchmark(main))
