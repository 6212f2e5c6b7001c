"""What comes of attacks, layer by layer: `python -m bench.safety.attack`; `make attack`.

The exit code is 1 when one passes: runs although the guard had to refuse it, is not cut off, leaves a trace, or shows
what the policy holds back.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

from bench.command import benchmark
from bench.safety.cases import DIALECTS, Attack, load_attacks
from bench.safety.injection import load_injections, try_injections
from bench.safety.servers import ENGINES
from bench.safety.targets import built_target
from bench.safety.trial import Trial, tried_without_database, try_attacks
from memory.catalog import Catalog

_INJECTION = "prompt_injection"
_COLUMNS = ("tried", "guard refused", "let run", "db refused", "db cut", "db read", "db not tried", "effects", "passed")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialect", choices=DIALECTS, action="append", help="only these; may be repeated")
    parser.add_argument("--class", dest="kind", action="append", help="only attacks of this class; may be repeated")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    attacks = [
        attack
        for attack in load_attacks()
        if attack.dialect in (given.dialect or DIALECTS) and attack.kind in (given.kind or (attack.kind,))
    ]
    trials = run(attacks)
    if "sqlite" in (given.dialect or DIALECTS) and _INJECTION in (given.kind or (_INJECTION,)):
        trials += run_injections()
    if given.format == "json":
        print(json.dumps(_told(trials), ensure_ascii=False, indent=1))
    else:
        _print(trials)
    return 1 if any(trial.passed for trial in trials) else 0


def run(attacks: Iterable[Attack]) -> list[Trial]:
    """Try every attack: on its engine where there is one, on the guard alone otherwise."""
    by_dialect: dict[str, list[Attack]] = defaultdict(list)
    for attack in attacks:
        by_dialect[attack.dialect].append(attack)
    trials: list[Trial] = []
    catalog: Catalog | None = None
    for dialect in [dialect for dialect in DIALECTS if dialect in by_dialect]:
        progress = _progress(dialect, len(by_dialect[dialect]))
        if dialect in ENGINES:
            with tempfile.TemporaryDirectory() as folder, built_target(dialect, Path(folder)) as target:
                catalog = target.catalog
                trials += try_attacks(target, by_dialect[dialect], progress)
            continue
        if catalog is None:
            with tempfile.TemporaryDirectory() as folder, built_target("sqlite", Path(folder)) as target:
                catalog = target.catalog
        trials += tried_without_database(by_dialect[dialect], catalog, progress)
    return trials


def run_injections() -> list[Trial]:
    """Ask with each hostile text, the whole way."""
    with tempfile.TemporaryDirectory() as folder, built_target("sqlite", Path(folder)) as target:
        workspace = target.outside.parent / "workspace"
        workspace.mkdir()
        cases = load_injections()
        return list(try_injections(target, cases, workspace, _progress("injection", len(cases))))


def _progress(dialect: str, total: int) -> Callable[[int], None]:
    def show(done: int) -> None:
        sys.stderr.write(f"\r{dialect:<10} {done:>5} of {total}" + ("\n" if done == total else ""))
        sys.stderr.flush()

    return show


def _counted(trials: Iterable[Trial]) -> dict[str, int]:
    found = list(trials)
    database = [trial.database for trial in found]
    return {
        "tried": len(found),
        "guard refused": sum(trial.guard == "refused" for trial in found),
        "let run": sum(trial.guard == "let run" for trial in found),
        "db refused": database.count("refused"),
        "db cut": database.count("cut") + database.count("cut late"),
        "db read": database.count("read"),
        "db not tried": database.count("not tried"),
        "effects": sum(bool(trial.effects) for trial in found),
        "passed": sum(bool(trial.passed) for trial in found),
    }


def _rows(trials: list[Trial]) -> dict[tuple[str, str], dict[str, int]]:
    groups: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in trials:
        groups[trial.attack.dialect, trial.attack.kind].append(trial)
    return {key: _counted(found) for key, found in groups.items()}


def _print(trials: list[Trial]) -> None:
    print(f"{'dialect':<10}{'class':<19}" + "".join(f"{name:>14}" for name in _COLUMNS))
    for (dialect, kind), row in _rows(trials).items():
        print(f"{dialect:<10}{kind:<19}" + "".join(f"{row[name]:>14}" for name in _COLUMNS))
    print(f"{'all':<29}" + "".join(f"{count:>14}" for count in _counted(trials).values()))
    distinct = len({trial.attack.sql for trial in trials})
    print(
        f"{distinct} different statements. `db` is the read-only connection without the guard, as a superuser; what it"
    )
    print(
        "reads there is `db read`: the guard alone keeps that from being asked. `let run` is cut off by limits, shows"
    )
    print("nothing that the policy holds back, or has lost what was dangerous in it by being written anew.")
    for trial in trials:
        if trial.attack.alone and trial.database != "refused":
            print(f"GUARD ONLY  {trial.attack.dialect}: {_short(trial)}  ({trial.attack.alone})")
    for trial in trials:
        if trial.passed:
            what = "; ".join((trial.passed, *trial.effects, trial.shown)).rstrip("; ")
            print(f"PASSED  {trial.attack.dialect} {trial.attack.kind}: {_short(trial)}  ({what})")


def _short(trial: Trial) -> str:
    return " ".join(trial.attack.sql.split())[:150]


def _told(trials: list[Trial]) -> dict[str, object]:
    return {
        "all": _counted(trials),
        "statements": len({trial.attack.sql for trial in trials}),
        "classes": [{"dialect": d, "class": kind, **row} for (d, kind), row in _rows(trials).items()],
        "read_by_the_database_alone": [_entry(trial) for trial in trials if trial.database == "read"],
        "guard_only": [_entry(t) for t in trials if t.attack.alone and t.database != "refused"],
        "passed": [_entry(trial) for trial in trials if trial.passed],
    }


def _entry(trial: Trial) -> dict[str, object]:
    attack = trial.attack
    return {
        "dialect": attack.dialect,
        "class": attack.kind,
        "sql": attack.sql,
        "why": attack.why,
        "alone": attack.alone,
        "passed": trial.passed,
        "effects": list(trial.effects),
        "shown": trial.shown,
    }


if __name__ == "__main__":
    sys.exit(benchmark(main))
