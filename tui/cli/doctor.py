"""`affidavit doctor`: tries each part of a workspace and says what to mend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import typer

from tui.cli.invocation import FormatOption, OutputFormat, WorkspaceOption, command_app, settings_of

if TYPE_CHECKING:
    from agent.settings import Settings

__all__ = ["Diagnosis", "app", "diagnoses"]

app = command_app()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What trying one part showed."""

    part: str
    ok: bool
    said: str
    hint: str = ""


@app.command("doctor")
def doctor_command(
    ctx: typer.Context, *, output: FormatOption = OutputFormat.TABLE, workspace: WorkspaceOption = None
) -> None:
    """Check a workspace's parts and say what to mend.

    Each part is tried, whatever became of the one before; exit code 1 if something is wrong.

    \b
    Example:
      affidavit doctor -w .demo
    """
    from tui.cli.console import console, print_json
    from tui.text import printable_lines

    found = list(diagnoses(settings_of(ctx, workspace)))
    if output is OutputFormat.JSON:
        print_json([asdict(each) for each in found])
    else:
        out = console()
        for each in found:
            out.print("✓" if each.ok else "✗", style="green" if each.ok else "red", end=" ")
            out.print(f"{each.part:<10} {printable_lines(each.said)}")
            if each.hint:
                out.print(f"{'':<13}{printable_lines(each.hint)}", style="dim")
    if not all(each.ok for each in found):
        raise typer.Exit(1)


def diagnoses(settings: Settings) -> Iterator[Diagnosis]:
    """Try every part, cheap ones first; one that fails does not keep the next from being tried."""
    from tui.failure import as_affidavit_error

    parts: tuple[tuple[str, Callable[[Settings], str]], ...] = (
        ("policy", _policy),
        ("warehouse", _warehouse),
        ("metrics", _metrics),
        ("memory", _memory),
        ("ledger", _ledger),
        ("model", _model),
    )
    for part, attempt in parts:
        try:
            yield Diagnosis(part, True, attempt(settings))
        except Exception as error:  # noqa: BLE001  the point of the command is to tell every failure and go on
            known = as_affidavit_error(error)
            yield Diagnosis(part, False, known.message, known.hint)


def _policy(settings: Settings) -> str:
    from agent.warehouse.policy import load_policy

    policy = load_policy(settings.workspace / "policy.yaml")
    own = "may" if policy.review.allow_self else "may not"
    return f"holds; askers {own} review their own runs"


def _warehouse(settings: Settings) -> str:
    from agent.warehouse.connect import open_warehouse

    with closing(
        open_warehouse(settings.warehouse_url, settings.limits, db_schema=settings.warehouse.db_schema)
    ) as warehouse:
        return f"{warehouse.display_url} answers ({warehouse.dialect})"


def _metrics(settings: Settings) -> str:
    from memory.semantics import load_semantics

    layer = load_semantics(settings.workspace / "metrics.yaml")
    return f"{len(layer.metrics)} metrics, {len(layer.dimensions)} dimensions, {len(layer.entities)} entities"


def _memory(settings: Settings) -> str:
    from memory.knowledge import open_knowledge
    from memory.store import MemoryStore

    with MemoryStore.open(settings.memory.url or settings.state_dir / "chroma") as store:
        known = open_knowledge(store, settings.state_dir, settings.workspace / "metrics.yaml")
        verified = known.verified.all()
        quarantined = known.verified.quarantined()
    return f"{len(known.catalog.tables)} tables, {len(verified)} verified queries, {len(quarantined)} in quarantine"


def _ledger(settings: Settings) -> str:
    from agent.services import open_ledger

    with open_ledger(settings, create=False) as ledger:
        return f"{ledger.head().sequence} records; `affidavit audit verify` checks each"


def _model(settings: Settings) -> str:
    from agent.model.connect import open_model

    with closing(open_model(settings)) as model:
        return f"{model.model_name} starts"
