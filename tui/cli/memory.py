"""`affidavit memory`: what the model is told, and keeping it in step with the warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tui.cli.invocation import FormatOption, OutputFormat, WorkspaceOption, command_app, settings_of

if TYPE_CHECKING:
    from agent.settings import Settings
    from memory.store import MemoryStore
    from memory.sync import SyncReport
    from tui.reviewing import Restored

__all__ = ["MemoryKind", "app"]

app = command_app()


class MemoryKind(StrEnum):
    """What memory keeps."""

    TABLES = "tables"
    METRICS = "metrics"
    DIMENSIONS = "dimensions"
    NOTES = "notes"
    VERIFIED_QUERIES = "verified_queries"
    LESSONS = "lessons"


@app.callback(no_args_is_help=True)
def memory() -> None:
    """Sync, search and show what the model is told.

    \b
    Examples:
      affidavit memory sync
      affidavit memory search "late shipments by shipper"
    """


@app.command("sync")
def sync_command(
    ctx: typer.Context,
    *,
    full: Annotated[bool, typer.Option("--full", help="Write every item again, also what did not change.")] = False,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Bring memory in step with the warehouse, metrics.yaml and the ledger; says what changed.

    \b
    Example:
      affidavit memory sync
    """
    from tui.cli.console import print_json

    settings = settings_of(ctx, workspace)
    report, restored = _synced(settings, full)
    if output is OutputFormat.JSON:
        print_json(_report_json(report, restored))
    else:
        _print_report(report, restored)


@app.command("search")
def search_command(
    ctx: typer.Context,
    *,
    question: Annotated[str, typer.Argument(help="A question, as one would ask it.")],
    limit: Annotated[int | None, typer.Option("-n", "--limit", min=1, help="At most this many pieces.")] = None,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Show what a model would be told besides this question, piece by piece.

    \b
    Example:
      affidavit memory search "late shipments by shipper in 2022"
    """
    from agent.warehouse.policy import load_policy
    from memory.knowledge import open_knowledge
    from tui.cli.console import print_json, print_table
    from tui.text import clipped

    settings = settings_of(ctx, workspace)
    policy = load_policy(settings.workspace / "policy.yaml")
    with _store(settings) as store:
        metrics = settings.workspace / "metrics.yaml"
        known = open_knowledge(store, settings.state_dir, metrics, withhold=policy.withheld)
        found = known.retriever.retrieve(question, max_pieces=limit or settings.memory.max_pieces)
    if output is OutputFormat.JSON:
        print_json([asdict(piece) for piece in found.pieces])
        return
    rows = [
        (piece.kind, piece.id, piece.version[:12], round(piece.score, 3), clipped(piece.text, 100))
        for piece in found.pieces
    ]
    print_table(("kind", "id", "version", "score", "text"), rows, empty="Nothing known fits this question.")


@app.command("show")
def show_command(
    ctx: typer.Context,
    *,
    kind: Annotated[MemoryKind, typer.Argument(help="What to show.")] = MemoryKind.METRICS,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Show everything of one kind that memory keeps.

    \b
    Example:
      affidavit memory show verified_queries
    """
    from tui.cli.console import print_json, print_table
    from tui.text import clipped

    with _store(settings_of(ctx, workspace)) as store:
        items = store.get(kind.value)
    if output is OutputFormat.JSON:
        print_json([{**asdict(item), "metadata": dict(item.metadata)} for item in items])
        return
    rows = [(item.id, item.version[:13], clipped(item.text, 110)) for item in items]
    print_table(("id", "version", "text"), rows, empty=f"Memory keeps no {kind.value.replace('_', ' ')}.")


@contextmanager
def _store(settings: Settings) -> Iterator[MemoryStore]:
    from memory.store import MemoryStore

    with MemoryStore.open(settings.memory.url or settings.state_dir / "chroma") as store:
        yield store


def _synced(settings: Settings, full: bool) -> tuple[SyncReport, Restored]:
    """Sync the index with the warehouse, then the verified queries with the ledger.

    metrics.yaml is checked before anything is opened, then against the warehouse's names before anything is read.
    """
    from agent.services import open_ledger
    from agent.warehouse.policy import load_policy
    from agent.warehouse.privileges import open_checked
    from finetune.revocation import apply_quarantine
    from memory.catalog import named_tables
    from memory.knowledge import open_knowledge
    from memory.semantics import load_semantics
    from memory.sync import SyncOptions, sync
    from tui.cli.console import say
    from tui.cli.progress import progress_bar
    from tui.reviewing import restore

    policy = load_policy(settings.workspace / "policy.yaml")
    metrics = settings.workspace / "metrics.yaml"
    load_semantics(metrics)
    limits = policy.effective_limits(settings.limits)
    warehouse = open_checked(settings, limits)
    try:
        layer = load_semantics(metrics, named_tables(warehouse.engine, settings.warehouse.db_schema))
        with open_ledger(settings) as ledger, _store(settings) as store, progress_bar("Learning") as progress:
            options = SyncOptions(db_schema=settings.warehouse.db_schema, withhold=policy.withheld)
            report = sync(
                warehouse.engine, layer, store, settings.state_dir, full=full, progress=progress, options=options
            )
            known = open_knowledge(store, settings.state_dir, metrics, withhold=policy.withheld)
            restored = restore(ledger, known.verified, known.linker)
            apply_quarantine(ledger, settings.state_dir)
            if not report.is_empty or restored.added or restored.removed:
                ledger.append("memory.synced", _report_json(report, restored), actor=settings.user)
    finally:
        warehouse.close()
    for warning in policy.warnings(known.catalog):
        say(f"! {warning}")
    return report, restored


def _report_json(report: SyncReport, restored: Restored) -> dict[str, Any]:
    return {
        "kinds": {
            kind: {
                "added": list(done.added),
                "changed": list(done.changed),
                "removed": list(done.removed),
                "unchanged": done.unchanged,
            }
            for kind, done in report.kinds.items()
        },
        "verified_queries": {"added": list(restored.added), "removed": list(restored.removed)},
        "quarantined": {run_id: list(names) for run_id, names in report.quarantined.items()},
        "catalog_fingerprint": report.catalog_fingerprint,
        "semantics_fingerprint": report.semantics_fingerprint,
    }


def _print_report(report: SyncReport, restored: Restored) -> None:
    from tui.cli.console import console, print_table
    from tui.text import clipped

    rows: list[tuple[object, ...]] = [
        (kind, len(done.added), len(done.changed), len(done.removed), done.unchanged)
        for kind, done in report.kinds.items()
    ]
    if restored.added or restored.removed:
        rows.append(("verified queries", len(restored.added), 0, len(restored.removed), ""))
    print_table(("kind", "added", "changed", "removed", "unchanged"), rows)
    out = console()
    for verb in ("changed", "removed"):
        named = [f"{kind} {name}" for kind, done in report.kinds.items() for name in getattr(done, verb)]
        if named:
            out.print(f"{verb}: " + clipped(", ".join(named), 200))
    if report.catalog_changed and all(done.is_empty for done in report.kinds.values()):
        out.print("changed: row counts or comments")
    for run_id, names in report.quarantined.items():
        out.print(
            f"quarantined: verified query {run_id}, because {', '.join(names)} moved; review it again", style="yellow"
        )
