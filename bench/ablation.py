"""What each part of the agent is worth: the same questions with the parts added one by one.

    python -m bench.ablation -w .demo --pack .demo/development.jsonl --limit 40 [--out DIR] [--json] [--rung NAME]

From a model that is told the question alone to the agent as the settings have it. The checks are always on, so that
every step answers or abstains by the same rules; signed answers are never recalled, or they would be measured. With
--out every finished step is kept in DIR and not asked again. Every question asked is a run on the workspace's ledger,
asked by `bench`. Use a pack that may be looked at: choosing parts by the baseline is tuning on it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from agent.logging import configure_logging
from agent.services import Services, open_services
from agent.settings import Settings
from bench.command import DEMO, benchmark, workspace_settings
from finetune.evaluation.attempts import EvalReport, Mode
from finetune.evaluation.evaluate import EvalOptions
from finetune.evaluation.figures import figures_of
from finetune.evaluation.pack import PackQuestion, load_pack, pack_hash
from finetune.evaluation.statistics import Proportion, mcnemar_exact, proportion
from finetune.evaluation.workspace import evaluate_workspace, subject_of
from finetune.reports.report import read_report, write_report
from memory.retrieval import Retrieved, Retriever
from memory.verified import VerifiedQueries

_EXAMPLES = "+ nearest pairs"


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder: what it adds to the one before."""

    name: str
    mode: Mode = "agent"
    shown: Callable[[str], bool] = lambda kind: True
    """Which kinds of pieces the model is told."""
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)


def _nothing(kind: str) -> bool:
    return False


def _no_examples(kind: str) -> bool:
    return kind != "example"


def rungs(configured: Settings) -> tuple[Rung, ...]:
    """The ladder. Each step is complete in itself: its settings are laid over the workspace's."""
    bare: dict[str, dict[str, Any]] = {
        "model": {"samples": 1, "grammar": "off"},
        "memory": {"compile_plain": False},
        "limits": {"max_repairs": 0},
    }
    held = {**bare, "model": {**bare["model"], "grammar": "always"}}
    voted = {**held, "model": {**held["model"], "samples": max(2, configured.model.samples)}}
    compiled = {**voted, "memory": {"compile_plain": True}}
    mended = {**compiled, "limits": {"max_repairs": max(1, configured.limits.max_repairs)}}
    return (
        Rung("direct (whole schema)", mode="direct"),
        Rung("question only", shown=_nothing, settings=bare),
        Rung("+ grounding", shown=_no_examples, settings=bare),
        Rung(_EXAMPLES, settings=bare),
        Rung("+ grammar", settings=held),
        Rung("+ vote", settings=voted),
        Rung("+ compiled drafts", settings=compiled),
        Rung("+ repairs", settings=mended),
        Rung("as configured"),
    )


def main(arguments: list[str] | None = None) -> int:
    chosen = _arguments().parse_args(arguments)
    settings = workspace_settings(chosen.workspace)
    configure_logging(settings)
    pack = load_pack(chosen.pack)[: chosen.limit]
    ladder = [rung for rung in rungs(settings) if not chosen.rung or rung.name in chosen.rung]
    rows: list[dict[str, Any]] = []
    before: EvalReport | None = None
    with open_services(settings) as services:
        for rung in ladder:
            tellers = _Pieces(services.retriever, rung.shown)
            report = _climbed(_without(services, rung, tellers), rung, pack, chosen.out)
            rows.append(_row(rung, report, before, tellers))
            before = report
            print(f"{rung.name}: {rows[-1]['right']['count']} of {len(pack)} right", file=sys.stderr, flush=True)
    content = {"pack": str(chosen.pack), "pack_hash": pack_hash(pack), "questions": len(pack), "rungs": rows}
    if chosen.out is not None:
        (chosen.out / "ablation.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(content, indent=2) if chosen.json else markdown(rows))
    return 0


def markdown(rows: list[dict[str, Any]]) -> str:
    """The ladder as a table; `p` is McNemar's exact test against the step above."""
    lines = [
        "| step | right | draft right | answered | wrong among answered | median ms | p |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        shares = [_told(row[key]) for key in ("right", "draft_right", "answered", "wrong_among_answered")]
        p_value = "" if row["p_value"] is None else f"{row['p_value']:.2g}"
        lines.append(f"| {row['step']} | {' | '.join(shares)} | {row['median_ms']:,.0f} | {p_value} |")
    lines += ["", *(f"{row['step']}: {row['note']}" for row in rows if row["note"])]
    return "\n".join(lines).rstrip() + "\n"


def _arguments() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("-w", "--workspace", type=Path, default=DEMO)
    arguments.add_argument("--pack", type=Path, required=True, help="a pack that may be looked at")
    arguments.add_argument("--limit", type=int, help="only the first questions")
    arguments.add_argument("--rung", action="append", help="this step only; may be repeated")
    arguments.add_argument("--out", type=Path, help="folder that keeps each step's report and ablation.json")
    arguments.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return arguments


def _climbed(services: Services, rung: Rung, pack: tuple[PackQuestion, ...], out: Path | None) -> EvalReport:
    """The report of one step, taken from `out` if the same was asked there before."""
    if out is None:
        return evaluate_workspace(services, pack, EvalOptions(modes=(rung.mode,)), asker="bench")
    folder = out / re.sub(r"\W+", "-", rung.name).strip("-")
    path = folder / "report.json"
    if path.is_file():
        kept = read_report(path)
        if (kept.pack_hash, kept.subject) == (pack_hash(pack), subject_of(services)):
            return kept
    options = EvalOptions(modes=(rung.mode,), attempts_file=folder / "attempts.jsonl")
    report = evaluate_workspace(services, pack, options, asker="bench")
    write_report(report, folder)
    return report


def _row(rung: Rung, report: EvalReport, before: EvalReport | None, pieces: _Pieces) -> dict[str, Any]:
    figures = figures_of(report).modes[0]
    attempts = report.of_mode(rung.mode)
    idle = rung.name == _EXAMPLES and pieces.asked and not pieces.examples
    return {
        "step": rung.name,
        "right": asdict(figures.accuracy),
        "draft_right": asdict(proportion(sum(a.draft_right is True for a in attempts), len(attempts))),
        "answered": asdict(figures.coverage),
        "wrong_among_answered": asdict(figures.wrong_among_answered),
        "median_ms": figures.latency.median,
        "p_value": _p_value(before, report) if before is not None else None,
        "note": "no verified query is near any of these questions, so it adds nothing here." if idle else "",
    }


def _p_value(before: EvalReport, after: EvalReport) -> float:
    marks = [{attempt.id: attempt.right for attempt in report.attempts} for report in (before, after)]
    lost = sum(marks[0][name] and not marks[1][name] for name in marks[0])
    won = sum(marks[1][name] and not marks[0][name] for name in marks[0])
    return mcnemar_exact(lost, won)


def _told(share: dict[str, Any]) -> str:
    found = Proportion(**share)
    return f"{found.value:.1%} ({found.count}/{found.total}, {found.low:.0%} to {found.high:.0%})"


# --- leaving parts out ---------------------------------------------------------------------------------------


def _without(services: Services, rung: Rung, pieces: _Pieces) -> Services:
    """The same services with this step's settings and pieces, and without recall."""
    settings = services.settings
    for section, values in rung.settings.items():
        changed = getattr(settings, section).model_copy(update=values)
        settings = settings.model_copy(update={section: changed})
    return replace(
        services,
        settings=settings,
        retriever=cast(Retriever, pieces),
        verified=cast(VerifiedQueries, _Forgetful(services.verified)),
    )


class _Pieces:
    """A retriever that keeps some kinds of pieces to itself, and counts the examples it gives away."""

    def __init__(self, retriever: Retriever, shown: Callable[[str], bool]) -> None:
        self._retriever = retriever
        self._shown = shown
        self.asked = self.examples = 0

    def retrieve(self, *args: Any, **kwargs: Any) -> Retrieved:
        self.asked += 1
        found = self._retriever.retrieve(*args, **kwargs)
        pieces = tuple(piece for piece in found.pieces if self._shown(piece.kind))
        self.examples += sum(piece.kind == "example" for piece in pieces)
        return replace(found, pieces=pieces)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._retriever, name)


class _Forgetful:
    """Verified queries that recall nothing: a signed answer says nothing of the parts that are measured."""

    def __init__(self, verified: VerifiedQueries) -> None:
        self._verified = verified

    def recall(self, *_: Any, **__: Any) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._verified, name)


if __name__ == "__main__":
    sys.exit(benchmark(main))
