"""`affidavit init`: makes a workspace; what is there already is never written over."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tui.cli.invocation import command_app, workspace_of

if TYPE_CHECKING:
    from agent.settings import Settings

__all__ = ["app"]

app = command_app()


@app.command("init")
def init_command(
    ctx: typer.Context,
    *,
    directory: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="The folder; default: -w, else the current one.")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="With the demo's warehouse, metrics and adapter.")] = False,
    orders: Annotated[
        int | None, typer.Option("--orders", min=1, help="Demo only: how many orders.  [default: 830]")
    ] = None,
    warehouse: Annotated[
        str | None, typer.Option("--warehouse", metavar="URL", help="The database to ask, as a SQLAlchemy URL.")
    ] = None,
    ledger: Annotated[
        str | None, typer.Option("--ledger", metavar="URL", help="The database that keeps the record.")
    ] = None,
) -> None:
    """Make a workspace, for your own database or with the demo's.

    For your own database it writes affidavit.toml, a metrics.yaml to fill in (made from the database's tables) and
    policy.yaml. What is there already is never written over.

    \b
    Examples:
      affidavit init sales --warehouse postgresql+psycopg://analyst@db.example.com/sales
      affidavit init --demo .demo
    """
    target = (directory or workspace_of(ctx, None)).expanduser()
    if demo:
        _make_demo(target, orders or 830, warehouse, ledger)
        return
    if orders is not None:
        raise typer.BadParameter("Only the demo's warehouse is made to measure.", param_hint="--orders")
    if warehouse is None and not os.environ.get("AFFIDAVIT_WAREHOUSE__URL"):
        raise typer.BadParameter(
            "Name the database to ask, such as sqlite:///sales.sqlite, or make the demo with --demo.",
            param_hint="--warehouse",
        )
    _make_plain(target, warehouse, ledger)


def _make_demo(target: Path, orders: int, warehouse: str | None, ledger: str | None) -> None:
    from agent.settings import load_settings
    from demo.workspace import create
    from tui.cli.console import facts
    from tui.cli.progress import progress_bar

    with progress_bar("Building the demo warehouse", "rows") as progress:
        report = create(target, orders=orders, warehouse_url=warehouse, ledger_url=ledger, progress=progress)
    settings = load_settings(report.directory)
    adapter = _register_adapter(settings)
    _open_ledger_once(settings)
    built = report.warehouse
    did = f"built in {built.seconds:.1f} s" if built.built else "was there already"
    lines: list[tuple[str, Any]] = [
        ("workspace", report.directory),
        ("warehouse", f"{built.url}, {built.orders} orders, {sum(built.rows.values())} rows, {did}"),
        ("files", f"wrote {', '.join(report.written)}" if report.written else "all there already"),
    ]
    if report.kept:
        lines.append(("kept as edited", ", ".join(report.kept)))
    facts([*lines, ("adapter", adapter), ("next", f'affidavit ask "How many orders shipped late?" -w {target}')])


def _register_adapter(settings: Settings) -> str:
    """Make the packaged adapter known and serve it, unless another was promoted or it was rolled back before."""
    from datetime import UTC, datetime

    from agent.errors import AffidavitError
    from agent.services import open_ledger
    from demo.workspace import files
    from finetune.registry import promote, read_registry, register_card

    folder = Path(str(files().joinpath("adapter")))
    try:
        adapter = register_card(settings.state_dir, folder, name="demo")
        if not read_registry(settings.state_dir).history:
            with open_ledger(settings) as ledger:
                promote(
                    settings.state_dir,
                    adapter.name,
                    by="affidavit init",
                    at=datetime.now(UTC),
                    record=lambda kind, body: ledger.append(kind, body, actor="affidavit init"),
                )
    except AffidavitError as error:
        return f"none: {error.message} {error.hint}"
    served = read_registry(settings.state_dir).current
    return f"{served.name} is served" if served else "demo is registered; the bare base model is served"


def _open_ledger_once(settings: Settings) -> None:
    """Make the ledger now, so that a wrong URL is told here and not at the first question."""
    from agent.services import open_ledger

    with open_ledger(settings):
        pass


def _make_plain(target: Path, warehouse: str | None, ledger: str | None) -> None:
    from agent.settings import load_settings
    from tui.cli.console import facts
    from tui.cli.progress import progress_bar
    from tui.skeleton import make_workspace

    with progress_bar("Reading the database", "tables") as progress:
        made = make_workspace(target, warehouse, ledger, progress=progress)
    _open_ledger_once(load_settings(made.directory))
    facts(
        [
            ("workspace", made.directory),
            ("warehouse", f"{made.warehouse}, {made.tables} tables"),
            ("wrote", ", ".join(made.written) or "nothing"),
            ("kept", ", ".join(made.kept) or "nothing was there before"),
            ("next", f"say what your words mean in {made.directory / 'metrics.yaml'}"),
            ("then", f"affidavit memory sync -w {target} && affidavit ask QUESTION -w {target}"),
        ]
    )
