"""`affidavit ask`: questions in, answers out, every one on the record."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli.interruption import INTERRUPTED
from tui.cli.invocation import (
    FormatOption,
    OutputFormat,
    UserOption,
    WorkspaceOption,
    command_app,
    settings_of,
)
from tui.cli.passphrase import PassphraseFileOption, asker_signer

if TYPE_CHECKING:
    from agent.ask import StepEvent
    from agent.run import Answer
    from agent.services import Services
    from agent.settings import Settings
    from audit.identity import Signer
    from tui.cli.progress import Activity

__all__ = ["app"]

app = command_app()


@dataclass(frozen=True, slots=True)
class _Asked:
    """How the questions are to be asked."""

    direct: bool
    allow_cost: bool
    subject: str
    signer: Signer | None


@app.command("ask")
def ask_command(
    ctx: typer.Context,
    *,
    questions: Annotated[list[str], typer.Argument(metavar="QUESTION...", help="One question or several.")],
    direct: Annotated[
        bool, typer.Option("--direct", help="Ask the model with one plain prompt and no agent: the control.")
    ] = False,
    allow_cost: Annotated[
        bool,
        typer.Option(
            "--allow-cost", help="Run what is expected to cost more than the budget, where one is asked about that."
        ),
    ] = False,
    subject: Annotated[
        str,
        typer.Option(
            "--subject",
            metavar="NAME",
            help="Whom the questions are about, where policy.yaml encrypts the record by subject; default: who asks.",
            show_default=False,
        ),
    ] = "",
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", help="An adapter (`none` for the bare base model) or hosted model."),
    ] = None,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
    passphrase_file: PassphraseFileOption = None,
) -> None:
    """Answer questions from the warehouse, each on the record.

    Exit code 0 means answered, 3 needs clarification, 4 abstained, 5 refused, 6 failed; with several questions it is
    the highest of theirs. With --format json each question gives exactly one JSON object on one line. Interrupted it
    leaves with 130; the question it was at gives an object too, the ones after it give none.

    \b
    Examples:
      affidavit ask "Which product category had the highest sales revenue in 2023?"
      affidavit ask "Top 5 customers by gross profit" --format json -w .demo
    """
    began = perf_counter()
    from finetune.adapters.registry import with_model
    from tui.failure import as_affidavit_error

    waiting = list(questions)
    try:
        settings = with_model(settings_of(ctx, workspace, user), model)
        signer = asker_signer(ctx, settings, user, passphrase_file)
        code = _ask_all(settings, waiting, _Asked(direct, allow_cost, subject, signer), output=output, began=began)
    except KeyboardInterrupt as interrupt:
        _tell_interrupted("".join(interrupt.args), waiting, output)
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        if output is not OutputFormat.JSON:
            raise
        from tui.cli.console import print_json
        from tui.cli.failure import exit_code, failed_answer

        known = as_affidavit_error(error)
        print_json(failed_answer(known, questions[0] if len(questions) == 1 else ""))
        raise typer.Exit(exit_code(known)) from error
    raise typer.Exit(code)


def _tell_interrupted(run_id: str, waiting: list[str], output: OutputFormat) -> None:
    """Say that it was stopped; in JSON of the question that was being asked, if it has no object yet."""
    if output is not OutputFormat.JSON:
        typer.echo(f"Interrupted; run {run_id} is on the record as failed." if run_id else "Interrupted.", err=True)
        return
    if not waiting:
        return
    from agent.errors import ErrorClass, FailedError
    from tui.cli.console import print_json
    from tui.cli.failure import failed_answer

    error = FailedError(ErrorClass.INTERRUPTED, "The run was interrupted.", "Ask the question again.")
    print_json({**failed_answer(error, waiting[0]), "run_id": run_id})


def _ask_all(settings: Settings, waiting: list[str], asked: _Asked, *, output: OutputFormat, began: float) -> int:
    """Ask one after another, and take what is answered off `waiting`.

    The first waited for everything to be opened, since `began` (`perf_counter`).
    """
    from agent.services import open_services
    from tui.cli.answer_view import EXIT_CODES, print_answer
    from tui.cli.console import console, print_json
    from tui.cli.progress import activity

    worst = 0
    with activity() as shown, open_services(settings, progress=shown.part, signer=asked.signer) as services:
        if asked.subject and services.policy.record.encrypt != "subject":
            raise typer.BadParameter("policy.yaml does not say `record: {encrypt: subject}`.", param_hint="--subject")
        opened_ms = (perf_counter() - began) * 1000
        for number, question in enumerate(tuple(waiting)):
            waited_ms = 0.0 if number else opened_ms
            answer = _ask_one(services, question, asked, shown=shown, opened_ms=waited_ms)
            shown.pause()
            del waiting[0]
            if output is OutputFormat.JSON:
                print_json(answer.to_json())
            else:
                if number:
                    console().print()
                print_answer(answer, workspace=settings.workspace)
            worst = max(worst, EXIT_CODES[answer.status])
    return worst


def _ask_one(services: Services, question: str, asked: _Asked, *, shown: Activity, opened_ms: float) -> Answer:
    from agent.ask import ask

    done: list[str] = []

    def seen(event: StepEvent) -> None:
        done.append(event.step)
        shown.say(" › ".join([*done, "…"]))

    shown.say("thinking…")
    return ask(
        services,
        question,
        asker=services.settings.user,
        direct=asked.direct,
        cost_accepted=asked.allow_cost,
        subject=asked.subject,
        on_step=seen,
        opened_ms=opened_ms,
    )
