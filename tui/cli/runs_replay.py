"""`affidavit runs replay`: does an answer still hold, and if not, what moved?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tui.cli.invocation import FormatOption, OutputFormat, UserOption, WorkspaceOption, settings_of
from tui.cli.runs import app, short_id

if TYPE_CHECKING:
    from agent.replay import AskedAgain, Replayed, Today
    from agent.settings import Settings

__all__ = ["app"]

_EXIT_CODES: Final = {"holds": 0, "differs": 1, "cannot_run": 6}
_COLUMNS: Final = ("run", "verdict", "moved", "question", "why")
_STYLES: Final = {"holds": "answered", "differs": "failed", "cannot_run": "failed"}


@app.command("replay")
def replay_command(
    ctx: typer.Context,
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A run's id, or enough of its beginning.", show_default=False)
    ] = None,
    *,
    accepted: Annotated[
        bool, typer.Option("--accepted", help="Every run whose answer is signed and stands, instead of one.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option("-n", "--limit", min=1, help="With --accepted: the newest of them.", show_default=False),
    ] = None,
    with_model: Annotated[
        bool,
        typer.Option("--with-model", help="Ask the question again, too, as a run of its own, and compare the SQL."),
    ] = False,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
) -> None:
    """Run an answer's statement again and say whether the answer still holds.

    If it does not, it says what moved: the data, the schema, a metric, the policy. The signed statement of an amendment
    is run, not the one it corrected. No row is shown, only whether the result is the same; that is put on the record
    (run.replayed). Exit code 0: it holds; 1: it differs; 6: it cannot be run. With --accepted the worst of them counts.

    \b
    Examples:
      affidavit runs replay 0193a1b2-c3d4
      affidavit runs replay 0193a1b2-c3d4 --with-model
      affidavit runs replay --accepted --limit 100 --as nightly
    """
    from tui.cli.console import print_json

    if run is None and not accepted:
        raise typer.BadParameter("Name a run, or say --accepted.", param_hint="RUN")
    if run is not None and accepted:
        raise typer.BadParameter("Name a run or say --accepted, not both.", param_hint="--accepted")
    if accepted and with_model:
        raise typer.BadParameter("The model is asked again for one run at a time.", param_hint="--with-model")
    settings = settings_of(ctx, workspace, user)
    if run is not None:
        found = [_replay_one(settings, run, with_model=with_model)]
    else:
        found = _replay_accepted(settings, limit)
    if output is OutputFormat.JSON:
        print_json([each.to_json() for each in found] if accepted else found[0].to_json())
    elif accepted:
        _print_table(found)
    else:
        _print_one(found[0])
    if code := max((_EXIT_CODES[each.verdict] for each in found), default=0):
        raise typer.Exit(code)


def _replay_one(settings: Settings, run: str, *, with_model: bool) -> Replayed:
    from agent.replay import replay

    again = _ask_again(settings, run) if with_model else None
    with _open_today(settings) as today:
        return replay(today, run, actor=settings.user, asked_again=again)


def _replay_accepted(settings: Settings, limit: int | None) -> list[Replayed]:
    from agent.replay import replay
    from audit.export import accepted_runs
    from tui.cli.progress import progress_bar

    found = []
    with _open_today(settings) as today, progress_bar("Replaying", "answers") as progress:
        standing = [each.run_id for each in reversed(accepted_runs(today.ledger)) if each.result_fingerprint][:limit]
        for number, run_id in enumerate(standing, 1):
            found.append(replay(today, run_id, actor=settings.user))
            progress(number, len(standing))
    return found


@contextmanager
def _open_today(settings: Settings) -> Iterator[Today]:
    """The workspace as it is now; no model is started."""
    from agent.model.adapters import adapter_dialect
    from agent.model.connect import fallback_settings, local_model_hash
    from agent.model.prompts import wording_fingerprint
    from agent.replay import Today
    from memory.catalog import read_structure
    from tui.reviewing import open_desk

    with open_desk(settings) as desk:
        warehouse, linker = desk.warehouse(), desk.linker
        hashes = tuple(local_model_hash(each) for each in (settings, *fallback_settings(settings)))
        yield Today(
            settings=settings,
            ledger=desk.ledger,
            warehouse=warehouse,
            policy=desk.policy,
            catalog=linker.catalog,
            structure=read_structure(warehouse.engine, settings.warehouse.db_schema),
            layer=linker.layer,
            model_hashes=hashes if all(hashes) else (),
            prompt_fingerprint=wording_fingerprint(),
            dialects=tuple(dict.fromkeys((warehouse.dialect, adapter_dialect(settings) or warehouse.dialect))),
        )


def _ask_again(settings: Settings, run: str) -> AskedAgain:
    """Ask the question of a model, without recalling it, in a run of its own."""
    from agent.ask import ask
    from agent.replay import AskedAgain
    from agent.services import open_services
    from audit.runs import get_run
    from tui.cli.progress import activity

    with activity() as shown, open_services(settings, progress=shown.part) as services:
        before = get_run(services.ledger, run)
        shown.say("asking the model again…")
        answer = ask(services, before.summary.question, asker=settings.user, replay_of=before.run_id)
    same = " ".join(answer.sql.split()) == " ".join(before.summary.sql.split())
    return AskedAgain(answer.run_id, answer.status.value, same)


def _print_one(found: Replayed) -> None:
    from rich.text import Text

    from tui.cli.console import STATUS_STYLES, facts

    verdict = Text(found.verdict.replace("_", " "), style=STATUS_STYLES[_STYLES[found.verdict]])
    lines: list[tuple[str, object]] = [("verdict", verdict), ("run", found.run_id), ("question", found.question)]
    lines += [(f"{each.what} moved", each.detail) for each in found.moved]
    if found.error is not None:
        lines.append((found.error.error_class.replace("_", " "), found.error.message))
    else:
        lines.append(("rows", found.row_count))
    lines += [("note", each) for each in found.notes]
    if found.asked_again is not None:
        again = found.asked_again
        same = "the same statement" if again.same_sql else "another statement"
        lines.append(("asked again", f"{again.status}, {same}: affidavit runs show {short_id(again.run_id)}"))
    facts(lines)


def _print_table(found: list[Replayed]) -> None:
    from collections import Counter

    from tui.cli.console import print_table, put
    from tui.text import clipped

    rows = [
        (
            short_id(each.run_id),
            each.verdict.replace("_", " "),
            ", ".join(dict.fromkeys(moved.what for moved in each.moved)),
            clipped(each.question, 50),
            _why(each),
        )
        for each in found
    ]
    print_table(_COLUMNS, rows, empty="No signed answer stands yet: affidavit review accept RUN --as NAME")
    if found:
        counts = Counter[str](each.verdict for each in found)
        put(", ".join(f"{counts[verdict]} {verdict.replace('_', ' ')}" for verdict in _EXIT_CODES if counts[verdict]))


def _why(found: Replayed) -> str:
    from tui.text import clipped

    if found.verdict == "holds":
        return ""
    said = [found.error.message] if found.error else []
    return clipped(" ".join([*said, *(each.detail for each in found.moved), *found.notes]), 160)
