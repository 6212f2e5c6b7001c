"""`affidavit eval`: how good the answers are, measured by running them."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tui.cli.eval_calibrate import calibrate_command, newest_report
from tui.cli.interruption import told_when_interrupted
from tui.cli.invocation import FormatOption, OutputFormat, UserOption, WorkspaceOption, command_app, settings_of
from tui.cli.passphrase import asker_signer

if TYPE_CHECKING:
    from agent.errors import FailedError
    from finetune.evaluation.predict import PredictReport

__all__ = ["app"]

app = command_app()

ModelOption = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="An adapter (`none` for the bare base model) or hosted model."),
]


_Warehouses = Annotated[
    int,
    typer.Option("--warehouses", metavar="N", min=1, help="Right only if right on N; the demo's are built anew."),
]
_AlsoOn = Annotated[
    list[str] | None,
    typer.Option("--also-on", metavar="URL", help="Right only if right there, too; may be given again."),
]
_Repeat = Annotated[
    int, typer.Option("--repeat", metavar="K", min=1, help="Ask each question K times; reports pass@1 and pass^K.")
]
_JudgeName = Annotated[
    str | None,
    typer.Option("--judge", metavar="NAME", help="Ask this model, too, whether each statement answers its question."),
]


class EvalMode(StrEnum):
    """Who is asked: the agent, the same model with one plain prompt, or both."""

    BOTH = "both"
    AGENT = "agent"
    DIRECT = "direct"


_MODES: dict[EvalMode, tuple[Literal["agent", "direct"], ...]] = {
    EvalMode.BOTH: ("agent", "direct"),
    EvalMode.AGENT: ("agent",),
    EvalMode.DIRECT: ("direct",),
}


@app.callback(no_args_is_help=True)
def evaluate() -> None:
    """Measure answers against the baseline pack.

    \b
    Examples:
      affidavit eval run
      affidavit eval calibrate --risk 0.04
      affidavit eval predict --questions dev.jsonl --out predictions.jsonl --warehouse dev.sqlite
    """


@app.command("run")
def run_command(
    ctx: typer.Context,
    *,
    pack: Annotated[
        Path | None, typer.Option("--pack", metavar="FILE", help="Questions with gold SQL; default: baseline.jsonl.")
    ] = None,
    mode: Annotated[EvalMode, typer.Option("--mode", help="The agent, the model alone, or both, compared.")] = (
        EvalMode.BOTH
    ),
    limit: Annotated[int | None, typer.Option("-n", "--limit", min=1, help="Only the first questions.")] = None,
    model: ModelOption = None,
    warehouses: _Warehouses = 1,
    also_on: _AlsoOn = None,
    repeat: _Repeat = 1,
    judge: _JudgeName = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the report goes; default: .affidavit/eval/TIME.")
    ] = None,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
) -> None:
    """Ask every question of a pack, run its gold SQL, and compare the rows; writes report.json and report.html.

    FILE may also hold pairs, or be a test set that `affidavit train` held apart. Interrupted, it goes on where it
    stopped when run again with the same --out.

    \b
    Examples:
      affidavit eval run
      affidavit eval run --model night-run --mode agent
      affidavit eval run --pack development.jsonl --warehouses 3 --repeat 3
    """
    from contextlib import ExitStack

    from agent.services import open_services
    from finetune.adapters.registry import with_model
    from finetune.evaluation.evaluate import EvalOptions
    from finetune.evaluation.pack import load_pack
    from finetune.evaluation.second_opinion import open_judge
    from finetune.evaluation.workspace import evaluate_workspace, keep_figures, open_elsewhere
    from finetune.reports.report import report_text, write_report
    from tui.cli.console import facts, print_json
    from tui.cli.eval_warehouses import other_warehouses
    from tui.cli.progress import progress_bar

    configured = settings_of(ctx, workspace, user)
    settings = with_model(configured, model)
    questions = load_pack(pack or settings.workspace / "baseline.jsonl")[:limit]
    folder = out or settings.state_dir / "eval" / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder.mkdir(parents=True, exist_ok=True)
    attempts = folder / "attempts.jsonl"
    with told_when_interrupted(lambda: _kept(attempts)), ExitStack() as parts:
        services = parts.enter_context(open_services(settings, signer=asker_signer(ctx, settings, user)))
        urls = other_warehouses(services, warehouses, also_on or [])
        others = parts.enter_context(open_elsewhere(services, urls, asker=settings.user))
        asked_too = parts.enter_context(open_judge(configured, judge, services.catalog)) if judge else None
        bar = parts.enter_context(progress_bar("Evaluating", "answers"))
        options = EvalOptions(
            modes=_MODES[mode],
            attempts_file=attempts,
            progress=lambda done, total, _what: bar(done, total),
            repeat=repeat,
            elsewhere=others,
            judge=asked_too,
        )
        report = evaluate_workspace(services, questions, options, asker=settings.user)
    paths = write_report(report, folder)
    kept = keep_figures(report, settings.state_dir) if limit is None else None
    if output is OutputFormat.JSON:
        print_json(report.to_json())
        return
    typer.echo(report_text(report))
    facts(
        [
            ("report", paths[1]),
            ("figures kept for", kept.name if kept else "no adapter"),
        ]
    )


def _kept(attempts: Path) -> str:
    """What an interrupted evaluation leaves; the first line of the file says only of which one it is."""
    if not attempts.is_file():
        return "Nothing was asked yet."
    with attempts.open("rb") as lines:
        answers = max(0, sum(1 for _ in lines) - 1)
    return f"{answers} answers are kept; go on with the same command and --out {attempts.parent}"


@app.command("predict")
def predict_command(
    ctx: typer.Context,
    *,
    questions: Annotated[Path, typer.Option("--questions", metavar="FILE", help="JSON lines with id and question.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="JSON lines to write; goes on where it stopped.")],
    warehouse: Annotated[
        str | None, typer.Option("--warehouse", metavar="URL", help="The database to ask, instead of the workspace's.")
    ] = None,
    metrics: Annotated[
        Path | None, typer.Option("--metrics", metavar="FILE", help="The metrics.yaml that speaks of it.")
    ] = None,
    model: ModelOption = None,
    direct: Annotated[
        bool, typer.Option("--direct", help="The same model with one plain prompt and no agent: the control.")
    ] = False,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
) -> None:
    """Answer a file of questions for somebody else's yardstick, one JSON line each, resumable.

    Leaves with 6 when every question failed.

    \b
    Example:
      affidavit eval predict --questions dev.jsonl --out predictions.jsonl --warehouse dev.sqlite
    """
    from finetune.adapters.registry import with_model
    from finetune.evaluation.predict import PredictOptions, predict
    from tui.cli.console import facts, say
    from tui.cli.progress import progress_bar

    settings = with_model(settings_of(ctx, workspace, user), model)
    options = PredictOptions(
        questions=questions,
        out=out,
        warehouse=warehouse,
        metrics=metrics,
        direct=direct,
        asker=settings.user,
        signer=asker_signer(ctx, settings, user),
    )

    def kept() -> str:
        return f"The lines so far are in {out}; the same command goes on from there." if out.is_file() else ""

    with told_when_interrupted(kept), progress_bar("Answering", "questions") as bar:
        report = predict(settings, options, progress=lambda done, total, _question: bar(done, total))
    for note in report.notes:
        say(note)
    facts(
        [
            ("written to", out),
            ("questions", f"{report.total}, of which {report.resumed} were there already"),
            *report.statuses.items(),
        ]
    )
    if report.nothing_but_failures:
        raise _all_failed(report, out)


def _all_failed(report: PredictReport, out: Path) -> FailedError:
    """What is told when not one question could be answered: the first failure is most often that of all."""
    from agent.errors import ErrorClass, FailedError

    counted = ", ".join(f"{name} {count}" for name, count in report.failures.items())
    first = report.first_failure
    why, mend = (f" The first one: {first.message}", f"{first.hint} ") if first else ("", "")
    return FailedError(
        ErrorClass(next(iter(report.failures))),
        f"Every question failed ({counted}).{why}",
        f"{mend}Then remove {out}, because what has a line is not asked again.",
    )


@app.command("report")
def report_command(
    ctx: typer.Context,
    *,
    report: Annotated[
        Path | None, typer.Argument(metavar="REPORT", help="A report.json; default: the newest of the workspace.")
    ] = None,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Show an evaluation again.

    \b
    Example:
      affidavit eval report
    """
    from finetune.reports.report import read_report, report_text
    from tui.cli.console import print_json

    shown = read_report(report or newest_report(settings_of(ctx, workspace)))
    if output is OutputFormat.JSON:
        print_json(shown.to_json())
    else:
        typer.echo(report_text(shown))


app.command("calibrate")(calibrate_command)
