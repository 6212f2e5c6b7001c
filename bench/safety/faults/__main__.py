"""What becomes of broken drafts: repaired, repaired wrongly, or given up honestly, by class and engine.

    python -m bench.safety.faults [--engine sqlite ...] [--class renamed_column ...] [--each 6] [--seed 1]
        [--repair-model .demo] [--out FILE.jsonl] [--read FILE.jsonl ...] [--format json]

Statements made from the demo's templates and compositions, not the baseline, are answered rightly first; then one thing
is broken in each, by chance, and the model of the whole agent is made to draft that. What it says later is no help, so
that only rules repair; with --repair-model (on SQLite, the dialect its adapter writes) that workspace's model is asked
for what rules leave. Exit 1 when more than 1 % of the faults end in a wrong answer. Rules are developed on seed 1; seed
2 is for the figure that is published.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import structlog

from agent.warehouse import file_readers, server_readers
from bench.command import benchmark, workspace_settings
from bench.safety.faults.infrastructure import INFRASTRUCTURE, infrastructure_trials
from bench.safety.faults.injectors import INJECTORS
from bench.safety.faults.place import Place, opened_place
from bench.safety.faults.report import ENOUGH_REPAIRED, MOST_MIS_REPAIRED, figures, table
from bench.safety.faults.trial import Correct, Trial, correct_statements, made_pairs, statement_trials
from bench.safety.servers import ENGINES, NoServer
from finetune.jsonl import read_records

_ORDERS = 400
_MOST_RIGHTS = 40
_FEW = 4
"""Faults of the infrastructure per class and engine: each waits for real seconds."""


def main(arguments: list[str] | None = None) -> int:
    chosen = _arguments().parse_args(arguments)
    if chosen.repair_model:
        chosen.engine = ["sqlite"]
    if chosen.read:
        trials = [Trial.from_json(content) for path in chosen.read for _, content in read_records(path)]
        return _told(trials, list(dict.fromkeys(trial.engine for trial in trials)), chosen)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    # A lock is waited for a second instead of five; what is done about it stays the same.
    server_readers.LOCK_TIMEOUT_S = file_readers.LOCK_TIMEOUT_S = 1  # type: ignore[misc]
    trials: list[Trial] = []
    engines: list[str] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        out = stack.enter_context(chosen.out.open("w", encoding="utf-8")) if chosen.out else None
        repairer = workspace_settings(chosen.repair_model) if chosen.repair_model else None
        pairs: tuple[dict[str, Any], ...] = ()
        pairs_first = [] if chosen.pairs else ["sqlite"]  # which is where they are made
        for engine in dict.fromkeys([*pairs_first, *chosen.engine]):
            try:
                place = stack.enter_context(opened_place(engine, folder, orders=_ORDERS, repairer=repairer))
            except NoServer as missing:
                print(f"{engine} IS LEFT OUT: {missing}", file=sys.stderr)
                continue
            pairs = pairs or _pairs(place, chosen, folder)
            if engine not in chosen.engine:
                continue
            engines.append(engine)
            for trial in _trials(place, pairs, chosen):
                trials.append(trial)
                if out is not None:
                    out.write(json.dumps(trial.to_json(), ensure_ascii=False) + "\n")
                    out.flush()
    print(file=sys.stderr)
    return _told(trials, engines, chosen)


def _told(trials: list[Trial], engines: list[str], chosen: argparse.Namespace) -> int:
    """Print the figures; the exit code."""
    by = "rules and the model" if chosen.repair_model else "rules"
    report = {"seed": chosen.seed, "repaired_by": by, **figures(trials)}
    print(json.dumps(report, indent=2) if chosen.format == "json" else table(report, engines))
    return _verdict(report, chosen.format)


def _verdict(report: dict[str, Any], form: str) -> int:
    repaired, wrong = report["all"]["repaired"]["value"], report["all"]["mis_repaired"]["value"]
    if form != "json":
        reached = "reached" if repaired >= ENOUGH_REPAIRED else "NOT reached"
        held = "held" if wrong <= MOST_MIS_REPAIRED else "BROKEN"
        print(f"{ENOUGH_REPAIRED:.0%} repaired: {reached}; at most {MOST_MIS_REPAIRED:.0%} mis-repaired: {held}")
    return 1 if wrong > MOST_MIS_REPAIRED else 0


def _pairs(place: Place, chosen: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], ...]:
    if chosen.pairs is not None:
        return tuple(content for _, content in read_records(chosen.pairs))
    _progress(0)("making pairs")
    return made_pairs(place.services, place.url, chosen.count, chosen.seed, folder / "pairs")


def _trials(place: Place, pairs: tuple[dict[str, Any], ...], chosen: argparse.Namespace) -> Iterator[Trial]:
    classes = chosen.only or [*INJECTORS, *INFRASTRUCTURE]
    progress = _progress(len([name for name in classes if name in INJECTORS]) * chosen.each)
    rights: list[Correct] = []
    for right in correct_statements(place, pairs):
        progress(f"{place.engine} {len(rights)} right statements", 0)
        rights.append(right)
        if len(rights) >= chosen.rights:
            break
    statements = [name for name in classes if name in INJECTORS]
    yield from statement_trials(
        place, rights, classes=statements, each=chosen.each, seed=chosen.seed, progress=progress
    )
    infrastructure = [name for name in classes if name in INFRASTRUCTURE]
    yield from infrastructure_trials(place, rights, classes=infrastructure, each=_FEW, progress=progress)


def _progress(total: int) -> Callable[..., None]:
    done = 0

    def say(what: str, step: int = 1) -> None:
        nonlocal done
        done += step
        sys.stderr.write(f"\r\033[K{done} of {total} {what}")
        sys.stderr.flush()

    return say


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--engine", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--class", dest="only", nargs="+", choices=[*INJECTORS, *INFRASTRUCTURE], metavar="CLASS")
    parser.add_argument("--each", type=int, default=6, help="faults per class and engine")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=120, help="pairs made to choose right statements from")
    parser.add_argument("--rights", type=int, default=_MOST_RIGHTS, help="right statements per engine")
    parser.add_argument("--pairs", type=Path, help="a file of pairs made earlier, instead of making them")
    parser.add_argument("--repair-model", type=Path, metavar="DIR", help="also repair with the model of that workspace")
    parser.add_argument("--out", type=Path, help="every fault and its end, a JSON object a line")
    parser.add_argument("--read", type=Path, nargs="+", metavar="FILE", help="count what earlier --out files hold")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    return parser


if __name__ == "__main__":
    sys.exit(benchmark(main))
