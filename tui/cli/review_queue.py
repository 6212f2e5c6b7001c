"""The work around decisions in `affidavit review`: the queue, who has what in hand, and how far reviewers agree."""

from __future__ import annotations

import datetime as dt
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tui.cli.invocation import FormatOption, OutputFormat, UserOption, WorkspaceOption, settings_of
from tui.cli.passphrase import PassphraseFileOption, load_signer
from tui.cli.review import RunArgument, app

if TYPE_CHECKING:
    from pathlib import Path

    from agent.settings import Settings
    from audit.identity import Signer
    from audit.queue import QueuedRun
    from audit.record import Record

__all__ = ["app"]

_COLUMNS: Final = ("run", "asked (UTC)", "risk", "because", "review", "for", "due", "in hand", "question")
_DAYS: Final = re.compile(r"(\d{1,4})d")


class _Order(StrEnum):
    RISK = "risk"
    NEWEST = "newest"


@app.command("list")
def list_command(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="At most this many.")] = 20,
    order: Annotated[_Order, typer.Option(help="What is first.")] = _Order.RISK,
    mine: Annotated[bool, typer.Option("--mine", help="Only what is assigned to you, or in your hand.")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what was due before today.")] = False,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
) -> None:
    """List the runs that wait for a review, the riskiest first, each with what makes it so.

    A run counts as risky when a check found something, it relied on a review that was revoked, its confidence is low,
    it reads sensitive or restricted tables, it was expected to scan more than most, it is overdue, or no run of its
    shape was accepted yet.

    \b
    Examples:
      affidavit review list -n 5
      affidavit review list --mine --as reviewer
      affidavit review list --overdue --order newest
    """
    from agent.model.lineage import known_models
    from agent.services import open_ledger
    from agent.warehouse.policy import load_policy
    from audit.queue import Wanted, review_queue
    from tui.cli.console import print_json, print_table
    from tui.cli.runs import run_line

    settings = settings_of(ctx, workspace, user)
    sensitive = load_policy(settings.workspace / "policy.yaml").review.sensitive_tables
    with open_ledger(settings, create=False) as ledger:
        only = Wanted(settings.user if mine else "", overdue)
        queue = review_queue(
            ledger,
            order=order.value,
            sensitive_tables=sensitive,
            only=only,
            limit=limit,
            models=known_models(settings.state_dir),
        )
    if output is OutputFormat.JSON:
        print_json([{**run_line(each.run), **each.to_json()} for each in queue.runs])
        return
    print_table(_COLUMNS, [_row(each) for each in queue.runs], empty=_nothing(mine=mine, overdue=overdue))
    if queue.waiting > limit:
        from tui.cli.console import say

        say(f"{queue.waiting - limit} more wait; see them with -n {queue.waiting}.")


@app.command("assign")
def assign_command(
    ctx: typer.Context,
    *,
    run: RunArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who is to decide: an enrolled reviewer.")],
    due: Annotated[
        str, typer.Option(metavar="DATE|3d", help="The last day, or in how many days.", show_default=False)
    ] = "",
    note: Annotated[str, typer.Option(metavar="TEXT", help="What to look at.", show_default=False)] = "",
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
    passphrase_file: PassphraseFileOption = None,
) -> None:
    """Ask a reviewer to decide on a run, by a day; signed with your key. It replaces an earlier assignment.

    \b
    Examples:
      affidavit review assign 0193a1b2-c3d4 reviewer --due 3d --as admin
      affidavit review assign 0193a1b2-c3d4 reviewer --due 2026-12-01 --note "Check the grain." --as admin
    """
    from audit.assignment import assign
    from tui.reviewing import open_desk

    day = _day(due)
    settings = settings_of(ctx, workspace, user, signing=True)
    signer = _signer(settings, passphrase_file)
    with open_desk(settings) as desk:
        record = assign(
            desk.ledger, signer, run_id=run, assignee=name, due=day, note=note, allow_self=desk.policy.review.allow_self
        )
    until = f", due {record.body['due']}" if record.body["due"] else ""
    _tell(record, f"{record.body['assignee']} is asked to review run {_short(record)}{until}.", output)


@app.command("claim")
def claim_command(
    ctx: typer.Context,
    *,
    run: RunArgument,
    take_over: Annotated[bool, typer.Option("--take-over", help="Also where somebody else has it in hand.")] = False,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
    passphrase_file: PassphraseFileOption = None,
) -> None:
    """Take a run in hand, so that nobody else decides on it meanwhile; signed with your key.

    A claim lapses after `review: claim_hours` of policy.yaml, 4 without it, and with your decision.

    \b
    Example:
      affidavit review claim 0193a1b2-c3d4 --as reviewer
    """
    from audit.assignment import claim
    from tui.reviewing import open_desk

    settings = settings_of(ctx, workspace, user, signing=True)
    signer = _signer(settings, passphrase_file)
    with open_desk(settings) as desk:
        allow_self = desk.policy.review.allow_self
        record = claim(desk.ledger, signer, run_id=run, take_over=take_over, allow_self=allow_self)
    until = record.body["until"][:16].replace("T", " ")
    _tell(record, f"Run {_short(record)} is yours until {until} UTC.", output)


@app.command("release")
def release_command(
    ctx: typer.Context,
    *,
    run: RunArgument,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
    passphrase_file: PassphraseFileOption = None,
) -> None:
    """Give a run that you claimed back; signed with your key.

    \b
    Example:
      affidavit review release 0193a1b2-c3d4 --as reviewer
    """
    from audit.assignment import release
    from tui.reviewing import open_desk

    settings = settings_of(ctx, workspace, user, signing=True)
    signer = _signer(settings, passphrase_file)
    with open_desk(settings) as desk:
        record = release(desk.ledger, signer, run_id=run)
    _tell(record, f"Run {_short(record)} is anybody's again.", output)


@app.command("agreement")
def agreement_command(
    ctx: typer.Context, output: FormatOption = OutputFormat.TABLE, workspace: WorkspaceOption = None
) -> None:
    """How far two people who decided on the same run said the same of it, and whose approvals were revoked.

    The share of runs with its 95 % interval (Wilson), and Cohen's kappa, which takes off what would agree by chance.
    Counted is what each said first: that the answer stands, that it does not, or which statement is right.

    \b
    Example:
      affidavit review agreement --format json
    """
    from agent.services import open_ledger
    from audit.agreement import agreement
    from tui.cli.console import console, facts, print_json, print_table

    with open_ledger(settings_of(ctx, workspace), create=False) as ledger:
        found = agreement(ledger)
    if output is OutputFormat.JSON:
        print_json(found.to_json())
        return
    facts([("reviewers agree", found.overall.words)])
    if found.pairs:
        console().print()
        print_table(("reviewer", "and", "agree"), [(each.first, each.second, each.words) for each in found.pairs])
    if found.reviewers:
        console().print()
        rows = [(each.reviewer, each.approved, each.revoked) for each in found.reviewers]
        print_table(("reviewer", "runs approved", "revoked since"), rows)


def _signer(settings: Settings, passphrase_file: Path | None) -> Signer:
    from audit.identity import Keyring
    from audit.session import KEYS_NAME

    return load_signer(Keyring(settings.state_dir / KEYS_NAME), settings.user, passphrase_file)


def _row(queued: QueuedRun) -> tuple[object, ...]:
    from tui.cli.runs import short_id
    from tui.text import clipped, moment

    run = queued.run
    return (
        short_id(run.run_id),
        moment(run.started),
        queued.risk,
        clipped(queued.why, 60),
        run.standing,
        queued.assignment.assignee,
        queued.assignment.due,
        queued.holder,
        clipped(run.question, 60),
    )


def _nothing(*, mine: bool, overdue: bool) -> str:
    kind = " that is overdue" if overdue else ""
    return f"No run{kind} waits for {'your' if mine else 'a'} review."


def _day(text: str) -> dt.date | None:
    """The day that `2026-12-01`, or `3d` from today, names.

    Raises:
        typer.BadParameter: it names none.
    """
    if not text:
        return None
    in_days = _DAYS.fullmatch(text.strip())
    try:
        if in_days:
            return dt.datetime.now(dt.UTC).date() + dt.timedelta(days=int(in_days.group(1)))
        return dt.date.fromisoformat(text.strip())
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{text!r} is not a day: write 2026-12-01, or 3d.", param_hint="--due") from error


def _tell(record: Record, said: str, output: OutputFormat) -> None:
    from tui.cli.console import console, print_json

    if output is OutputFormat.JSON:
        told: dict[str, Any] = {key: value for key, value in record.body.items() if key not in ("purpose", "signature")}
        print_json({"kind": record.kind, "sequence": record.sequence, **told})
    else:
        console().print(said)


def _short(record: Record) -> str:
    from tui.cli.runs import short_id

    return short_id(record.run_id or "")
