"""Whether tampering shows: thousands of random forgeries of small ledgers, and thousands of honest ones.

    python -m bench.tamper [--mutations 10000] [--clean 10000] [--seed 5] [--format json]

Each forgery is verified as `affidavit audit verify --checkpoint` does, against the last checkpoint that left the house,
and once more without it, which shows what a ledger alone cannot tell. Exits 1 if the first misses a forgery or an
honest ledger raises an alarm. The ledgers are SQLite files in memory (/dev/shm) where there is such a place.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from audit.verify import verify
from bench.command import benchmark
from bench.tampering.changes import Tampering
from bench.tampering.classes import CLASSES
from bench.tampering.forger import envelopes, seal_anew
from bench.tampering.ledgers import House, build, build_in, empty, place, take_off_triggers

BASES = 24
MEMORY = Path("/dev/shm")


@dataclass(slots=True)
class Tally:
    """What became of the forgeries of one class."""

    name: str
    made: int = 0
    detected: int = 0
    without: int = 0
    """Detected without the external checkpoint."""
    missed: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--clean", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    given = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        tallies = forge(Path(folder), given.mutations, given.seed)
        alarms, records = stay_quiet(Path(folder), given.clean, given.seed)
    report = {
        "seed": given.seed,
        "mutations": sum(tally.made for tally in tallies),
        "classes": {tally.name: [tally.made, tally.detected, tally.without] for tally in tallies},
        "detected": sum(tally.detected for tally in tallies),
        "detected_without_external_checkpoint": sum(tally.without for tally in tallies),
        "missed": [line for tally in tallies for line in tally.missed],
        "clean_ledgers": given.clean,
        "clean_records": records,
        "alarms": alarms,
        "seconds": round(time.monotonic() - started, 1),
    }
    print(json.dumps(report, indent=1)) if given.format == "json" else show(report)
    return 1 if report["missed"] or alarms else 0


def forge(folder: Path, mutations: int, seed: int) -> list[Tally]:
    chance = random.Random(seed)
    tallies = {each.name: Tally(each.name) for each in CLASSES}
    houses = []
    for number in range(BASES):
        (folder / str(number)).mkdir()
        houses.append(build(folder / str(number), chance, runs=chance.randrange(2, 5)))
        take_off_triggers(houses[-1].ledger.engine)
        assert verified(houses[-1], external=True) == "", "an honest ledger must hold before it is forged"
        assert seal_anew(houses[-1], envelopes(houses[-1])) == houses[-1].state, "the forger must know the scheme"
    for number in range(mutations):
        kind, house = CLASSES[number % len(CLASSES)], chance.choice(houses)
        mutate(house, kind, chance, tallies[kind.name])
        progress("forgeries", number + 1, mutations)
    for house in houses:
        house.ledger.close()
    return list(tallies.values())


def mutate(house: House, kind: Tampering, chance: random.Random, tally: Tally) -> None:
    way = chance.choice(kind.ways)
    forged = way(house, chance)
    assert forged != house.state, f"{kind.name} ({way.__name__}) changed nothing"
    place(house, forged)
    try:
        tally.made += 1
        tally.without += bool(verified(house, external=False))
        if verified(house, external=True):
            tally.detected += 1
        else:
            tally.missed.append(f"{kind.name}: {way.__name__}, mutation {tally.made}")
    finally:
        place(house, house.state)


def verified(house: House, *, external: bool) -> str:
    """The problem that verification names; empty if everything holds."""
    elsewhere = [house.external] if external else []
    return verify(house.ledger, checkpoints=house.file, elsewhere=elsewhere).problem


def stay_quiet(folder: Path, count: int, seed: int) -> tuple[list[str], int]:
    """Alarms over honest ledgers, each made and verified anew, and the number of records in all of them."""
    chance = random.Random(seed + 1)
    alarms: Counter[str] = Counter()
    records = 0
    house = build(folder, chance, runs=1)
    take_off_triggers(house.ledger.engine)  # only so that the next ledger can have the same file
    for number in range(count):
        empty(house.ledger, house.file)
        runs, people = chance.randrange(1, 3), chance.randrange(2, 4)
        house = build_in(house.ledger, house.file, chance, runs=runs, people_count=people)
        problem = verified(house, external=True)
        records += len(house.state.rows)
        if problem:
            alarms[problem] += 1
        progress("honest ledgers", number + 1, count)
    house.ledger.close()
    return [f"{problem} ({times} times)" for problem, times in alarms.most_common()], records


def progress(what: str, done: int, total: int) -> None:
    if done % 100 == 0 or done == total:
        sys.stderr.write(f"\r{what}: {done} of {total}" + ("\n" if done == total else ""))
        sys.stderr.flush()


def show(report: dict) -> None:
    print(f"{'tampering':<28}{'made':>8}{'detected':>10}{'without external checkpoint':>30}")
    for name, (made, detected, without) in report["classes"].items():
        print(f"{name:<28}{made:>8}{detected:>10}{without:>22} ({without / max(1, made):>4.0%})")
    rate = report["detected_without_external_checkpoint"] / max(1, report["mutations"])
    print(
        f"{'all':<28}{report['mutations']:>8}{report['detected']:>10}"
        f"{report['detected_without_external_checkpoint']:>22} ({rate:>4.0%})"
    )
    for line in report["missed"]:
        print(f"MISSED  {line}")
    print(
        f"honest ledgers {report['clean_ledgers']} ({report['clean_records']} records), alarms {len(report['alarms'])}"
    )
    for line in report["alarms"]:
        print(f"ALARM  {line}")
    print(f"seed {report['seed']}, {report['seconds']} s")


if __name__ == "__main__":
    sys.exit(benchmark(main))
