"""`affidavit eval`: how good the answers are, measured by running them."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from tui.cli.invocation import FormatOption, OutputFormat, UserOption, WorkspaceOption, command_app, settings_of

__all__ = ["app"]

app = command_app()

ModelOption = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="An adapter (`none` for the bare base model) or hosted model."),
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
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the report goes; default: .affidavit/eval/TIME.")
    ] = None,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
) -> None:
    """Ask every question of a pack, run its gold SQL, and compare the rows; writes report.json and report.html.

    Interrupted, it goes on where it stopped when run again with the same --out.

    \b
    Examples:
      affidavit eval run
      affidavit eval run --model night-run --mode agent
    """
    from agent.services import open_services
    from finetune.evaluation import EvalOptions
    from finetune.pack import load_pack
    from finetune.registry import with_model
    from finetune.report import report_text, write_report
    from finetune.workspace_eval import evaluate_workspace, keep_figures
    from tui.cli.console import facts, print_json
    from tui.cli.progress import progress_bar

    settings = with_model(settings_of(ctx, workspace, user), model)
    questions = load_pack(pack or settings.workspace / "baseline.jsonl")[:limit]
    folder = out or settings.state_dir / "eval" / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder.mkdir(parents=True, exist_ok=True)
    with progress_bar("Evaluating", "answers") as bar, open_services(settings) as services:
        options = EvalOptions(
            modes=_MODES[mode],
            attempts_file=folder / "attempts.jsonl",
            progress=lambda done, total, _what: bar(done, total),
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

    \b
    Example:
      affidavit eval predict --questions dev.jsonl --out predictions.jsonl --warehouse dev.sqlite
    """
    from finetune.predict import PredictOptions, predict
    from finetune.registry import with_model
    from tui.cli.console import facts, say
    from tui.cli.progress import progress_bar

    settings = with_model(settings_of(ctx, workspace, user), model)
    options = PredictOptions(
        questions=questions, out=out, warehouse=warehouse, metrics=metrics, direct=direct, asker=settings.user
    )
    with progress_bar("Answering", "questions") as bar:
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
    from agent.errors import ErrorClass, UsageError
    from finetune.report import read_report, report_text
    from tui.cli.console import print_json

    path = report
    if path is None:
        settings = settings_of(ctx, workspace)
        written = sorted((settings.state_dir / "eval").glob("*/report.json"))
        if not written:
            raise UsageError(
                ErrorClass.WORKSPACE, "This workspace was not evaluated yet.", "Run `affidavit eval run` first."
            )
        path = written[-1]
    shown = read_report(path)
    if output is OutputFormat.JSON:
        print_json(shown.to_json())
    else:
        typer.echo(report_text(shown))
