"""`affidavit audit`: whether the record can be believed, and proofs for those who cannot read all of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tui.cli.audit_places import certificates_in, checkpoints_at, given_key
from tui.cli.invocation import (
    FormatOption,
    OutputFormat,
    WorkspaceOption,
    command_app,
    refuse_without_folder,
    settings_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.settings import Settings
    from audit.checkpoints import Checkpoint
    from audit.ledger import Ledger
    from audit.timestamps import Stamped

__all__ = ["app"]

app = command_app()

_LONGEST_NUMBER: Final = 18
"""Digits of the highest number that every database can hold a record under."""


@app.callback(no_args_is_help=True)
def audit() -> None:
    """Verify the ledger, sign checkpoints of its head, and prove what is on it.

    \b
    Examples:
      affidavit audit verify
      affidavit audit checkpoint
      affidavit audit proof 4711
      affidavit audit check proof.json
      affidavit audit export 019b2c
    """


@app.command("verify")
def verify_command(
    ctx: typer.Context,
    bundle: Annotated[
        Path | None,
        typer.Argument(
            metavar="[BUNDLE]",
            exists=True,
            dir_okay=False,
            help="What `audit export` wrote, the bundle or the page; default: this workspace's ledger.",
        ),
    ] = None,
    *,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="HEX", help="Of a bundle: the workspace's public key, got on another way.", show_default=False
        ),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Of a bundle: all public keys, as `identity list --format json` prints them.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; the same as --format json.")] = False,
    checkpoints: Annotated[
        Path | None,
        typer.Option(
            "--checkpoints", metavar="FILE", help="The file of all signed heads; default: .affidavit/checkpoints.jsonl."
        ),
    ] = None,
    elsewhere: Annotated[
        list[str] | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE|URL",
            help="Signed heads kept elsewhere that must hold as well; may be repeated.",
        ),
    ] = None,
    since_checkpoint: Annotated[
        bool,
        typer.Option(
            "--since-checkpoint", help="Believe what the newest checkpoint vouches for, and read what came after."
        ),
    ] = False,
    tsa_certificate: Annotated[
        Path | None,
        typer.Option(
            "--tsa-certificate",
            metavar="FILE",
            help="PEM of the time-stamping authority's root; then signatures of time stamps are checked, too.",
        ),
    ] = None,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Check every record, signature, checkpoint and time stamp; exit 0 only if all of them hold.

    Otherwise the exit code is 1, and the first bad record is named with what is wrong with it.

    With BUNDLE it checks that file instead, and needs neither a workspace nor a ledger. Without --key or --keys that
    shows only that the bundle agrees with itself; the key's id is printed, to be compared on another way.

    \b
    Examples:
      affidavit audit verify
      affidavit audit verify evidence.json --key 5f1c...
      affidavit audit verify --checkpoint /mnt/elsewhere/checkpoints.jsonl --json
      affidavit audit verify --checkpoint https://log.example.com/affidavit/shop
      affidavit audit verify --since-checkpoint
      affidavit audit verify --tsa-certificate tsa-root.pem
    """
    from agent.services import workspace_name
    from agent.warehouse.policy import load_policy
    from audit.checkpoints import last_checkpoint
    from audit.session import CHECKPOINTS_NAME, open_alone
    from audit.verify import verify
    from tui.cli.console import facts, print_json
    from tui.cli.progress import progress_bar

    public_key = given_key(key)
    if bundle is not None:
        from tui.cli.audit_evidence import judge_bundle

        judge_bundle(bundle, key=public_key, keys=keys, output=OutputFormat.JSON if as_json else output)
        return
    if public_key or keys is not None:
        raise typer.BadParameter("A key is for a bundle: name the file, too.", param_hint="BUNDLE")
    settings = settings_of(ctx, workspace)
    if checkpoints is not None and not checkpoints.is_file():
        raise typer.BadParameter(f"{checkpoints} is not a file.", param_hint="--checkpoints")
    allow_self = load_policy(settings.workspace / "policy.yaml").review.allow_self
    file = checkpoints or settings.state_dir / CHECKPOINTS_NAME
    kept = [each for place in elsewhere or () for each in checkpoints_at(place)]
    believed = [each for each in (last_checkpoint(file), *kept) if each is not None] if since_checkpoint else []
    with (
        open_alone(settings.ledger_url, workspace=workspace_name(settings), state_dir=settings.state_dir) as ledger,
        progress_bar("Verifying", "records") as progress,
    ):
        found = verify(
            ledger,
            checkpoints=file,
            elsewhere=kept,
            since=max(believed, key=lambda each: each.sequence, default=None),
            allow_self=allow_self,
            progress=progress,
        )
    stamped = _stamped(settings, file, kept, tsa_certificate)
    holds, problem = found.ok and not stamped.problem, found.problem or stamped.problem
    if as_json or output is OutputFormat.JSON:
        print_json({**found.to_json(), "ok": holds, "problem": problem, "timestamps": stamped.to_json()})
    else:
        all_of_it = "Every record, signature and checkpoint holds."
        said = ("What came after the checkpoint holds." if found.since else all_of_it) if holds else problem
        lines: list[tuple[str, object]] = [
            ("✓ verified" if holds else "✗ does not hold", said),
            ("records", found.records),
            *([("believed", f"the first {found.since}, on the word of a checkpoint")] if found.since else []),
            ("reviews", found.reviews),
            ("checkpoints", found.checkpoints),
            *_stamped_lines(stamped),
            ("head", found.head),
            ("root", found.root),
        ]
        if found.first_bad is not None:
            lines.insert(1, ("first bad record", found.first_bad))
        facts(lines)
    if not holds:
        raise typer.Exit(1)


@app.command("checkpoint")
def checkpoint_command(
    ctx: typer.Context,
    *,
    copy: Annotated[
        Path | None,
        typer.Option("--copy", metavar="FILE", help="Copy the file of signed heads there, where others cannot write."),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Sign the ledger's head now; a kept copy shows later whether records were cut off or rewritten.

    \b
    Example:
      affidavit audit checkpoint --copy /mnt/elsewhere/checkpoints.jsonl
    """
    import shutil

    from agent.services import open_ledger
    from audit.session import CHECKPOINTS_NAME, checkpoint_now
    from tui.cli.console import facts

    settings = settings_of(ctx, workspace)
    refuse_without_folder(copy, "--copy")
    path = settings.state_dir / CHECKPOINTS_NAME
    with open_ledger(settings, create=False) as ledger:
        vouched = checkpoint_now(ledger, settings.state_dir)
    lines: list[tuple[str, object]] = [("records vouched for", vouched), ("written to", path)]
    lines += _sent(settings)
    if copy is not None:
        shutil.copyfile(path, copy)
        lines.append(("copied to", copy))
    facts(lines)


@app.command("proof")
def proof_command(
    ctx: typer.Context,
    subject: Annotated[
        str, typer.Argument(metavar="RUN|SEQUENCE", help="A run's id or its beginning, or a record's number.")
    ],
    *,
    workspace: WorkspaceOption = None,
) -> None:
    """Print the proof that a record, or each record of a run, is on the ledger, as JSON (RFC 9162).

    The records are in it, so give it only to whoever may read them.

    \b
    Examples:
      affidavit audit proof 4711
      affidavit audit proof 019b2c
    """
    from audit.checkpoints import read_checkpoints
    from audit.proof import ProofSubject, prove_inclusion
    from audit.runs import resolve_run_id
    from audit.session import CHECKPOINTS_NAME
    from tui.cli.console import print_json

    settings, ledger = _ledger_alone(ctx, workspace)
    heads = [each for _line, each in read_checkpoints(settings.state_dir / CHECKPOINTS_NAME)]
    with ledger:
        # A run's id begins with a zero for the next centuries, and a record's number never does.
        if not subject.strip("0"):
            raise typer.BadParameter("Records are numbered from 1, and a run takes more of its id.")
        is_number = subject.isdecimal() and subject.isascii() and not subject.startswith("0")
        if is_number and len(subject) > _LONGEST_NUMBER:
            raise typer.BadParameter("There is no record of that number.", param_hint="RUN|SEQUENCE")
        asked = ProofSubject(int(subject)) if is_number else ProofSubject(run_id=resolve_run_id(ledger, subject))
        print_json(prove_inclusion(ledger, asked, heads))


@app.command("consistency")
def consistency_command(
    ctx: typer.Context,
    first: Annotated[int, typer.Argument(metavar="FIRST", min=0, help="Records of the earlier ledger.")],
    second: Annotated[
        int | None, typer.Argument(metavar="[SECOND]", min=0, help="Records of the later one; default: all of them.")
    ] = None,
    *,
    workspace: WorkspaceOption = None,
) -> None:
    """Print the proof that the ledger of so many records grew out of an earlier one, as JSON (RFC 9162).

    \b
    Example:
      affidavit audit consistency 4700
    """
    from audit.checkpoints import read_checkpoints
    from audit.proof import prove_consistency
    from audit.session import CHECKPOINTS_NAME
    from tui.cli.console import print_json

    settings, ledger = _ledger_alone(ctx, workspace)
    heads = [each for _line, each in read_checkpoints(settings.state_dir / CHECKPOINTS_NAME)]
    with ledger:
        print_json(prove_consistency(ledger, first, second, heads))


@app.command("check")
def check_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="What `proof` or `consistency` printed.")
    ],
    *,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="HEX",
            help="The workspace's public key; then a checkpoint signed by it must be there.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Check a proof; needs no workspace and no ledger. Exit 0 only if it holds, else 1.

    \b
    Example:
      affidavit audit check proof.json --key 5f1c...
    """
    import json

    from audit.keyring import public_identity
    from audit.proof import consistency_problem, inclusion_problem
    from tui.cli.console import facts

    public_key = given_key(key)
    try:
        proof = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"{file} is not JSON: {error}.", param_hint="FILE") from error
    signer = public_identity("workspace", public_key) if public_key else None
    grown = isinstance(proof, dict) and "path" in proof
    problem = consistency_problem(proof, signer) if grown else inclusion_problem(proof, signer)
    said = problem or (
        "Signed by that key, and it holds." if public_key else "It holds. Who vouches for its root was not asked."
    )
    facts([("✗ does not hold" if problem else "✓ proved", said)])
    if problem:
        raise typer.Exit(1)


def _stamped(settings: Settings, file: Path, kept: Sequence[Checkpoint], certificate: Path | None) -> Stamped:
    """What the kept time stamps show of the checkpoints that can be read here."""
    from audit.checkpoints import read_checkpoints
    from audit.errors import SealError
    from audit.session import TIMESTAMPS_NAME
    from audit.timestamps import Stamped, check_timestamps

    tokens = settings.state_dir / TIMESTAMPS_NAME
    certificates = certificates_in(certificate)
    if not tokens.exists():
        return Stamped(signed=bool(certificates))
    try:
        checkpoints = [each for _line, each in read_checkpoints(file)]
    except SealError:  # which the verification of the ledger tells
        return Stamped(signed=bool(certificates))
    return check_timestamps(tokens, [*checkpoints, *kept], certificates)


def _stamped_lines(stamped: Stamped) -> list[tuple[str, object]]:
    if not stamped.tokens:
        return []
    unchecked = "" if stamped.signed else "; their signatures were not checked (--tsa-certificate)"
    return [("time stamps", f"{stamped.tokens}: {stamped.sequence} records were there by {stamped.time}{unchecked}")]


def _sent(settings: Settings) -> list[tuple[str, object]]:
    """A line for each place that checkpoints are sent to: whether it has them all."""
    from agent.services import checkpoint_plan, workspace_name
    from audit.delivery import standings
    from audit.session import CHECKPOINTS_NAME, destinations_of

    path = settings.state_dir / CHECKPOINTS_NAME
    places = destinations_of(checkpoint_plan(settings), workspace_name(settings), path)
    return [
        (
            "sent to" if not each.waiting else "waiting for",
            each.name if not each.waiting else f"{each.name}: {each.waiting} to be sent again. {each.error}".rstrip(),
        )
        for each in standings(path, places)
    ]


def _ledger_alone(ctx: typer.Context, workspace: Path | None) -> tuple[Settings, Ledger]:
    from agent.services import workspace_name
    from audit.session import open_alone

    settings = settings_of(ctx, workspace)
    return settings, open_alone(settings.ledger_url, workspace=workspace_name(settings), state_dir=settings.state_dir)
