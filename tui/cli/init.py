"""`affidavit init`: makes a workspace; what is there already is never written over."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tui.cli.invocation import command_app, workspace_of

if TYPE_CHECKING:
    from agent.settings import Settings
    from tui.skeleton import Wish

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
    schema: Annotated[
        str | None, typer.Option("--schema", metavar="NAME", help="Its schema, if not the account's default one.")
    ] = None,
    ledger: Annotated[
        str | None, typer.Option("--ledger", metavar="URL", help="The database that keeps the record.")
    ] = None,
) -> None:
    """Make a workspace, for your own database or with the demo's.

    For your own database it writes affidavit.toml, a metrics.yaml to fill in (made from the database's tables) and
    policy.yaml. What is there already is never written over; in a workspace that names its warehouse, `init` alone
    makes the ledger that its settings name, if there is none.

    A relative SQLite or DuckDB path in a URL is taken from the current folder, as everywhere on the command line; in
    affidavit.toml it is taken from the workspace.

    \b
    Examples:
      affidavit init sales --warehouse postgresql+psycopg://analyst@db.example.com/sales --schema retail
      affidavit init --demo .demo
    """
    target = (directory or workspace_of(ctx, None)).expanduser()
    if target.exists() and not target.is_dir():
        raise typer.BadParameter(f"{target} is a file; name a folder.", param_hint="DIR")
    asked = _as_stored(target, warehouse, schema, ledger)
    if demo:
        if schema is not None:
            raise typer.BadParameter("The demo's warehouse is built in the default schema.", param_hint="--schema")
        _make_demo(target, orders or 830, asked)
        return
    if orders is not None:
        raise typer.BadParameter("Only the demo's warehouse is made to measure.", param_hint="--orders")
    if warehouse is None and not os.environ.get("AFFIDAVIT_WAREHOUSE__URL"):
        if _is_workspace(target) and schema is None and ledger is None:
            _complete(target)
            return
        raise typer.BadParameter(
            "Name the database to ask, such as sqlite:///sales.sqlite, or make the demo with --demo.",
            param_hint="--warehouse",
        )
    _make_plain(target, asked)


def _as_stored(target: Path, warehouse: str | None, schema: str | None, ledger: str | None) -> Wish:
    """What was typed, as affidavit.toml will say it."""
    from agent.settings import url_from_workspace
    from tui.skeleton import Wish

    here, root = Path.cwd(), target.resolve()
    return Wish(
        warehouse_url=warehouse and url_from_workspace(warehouse, root, here),
        db_schema=schema,
        ledger_url=ledger and url_from_workspace(ledger, root, here),
        ledger_workspace=_ledger_workspace(root),
    )


def _ledger_workspace(root: Path) -> str:
    """The name of this workspace's chain: the one it has, else a new one that no other folder will have."""
    import re
    import secrets
    import tomllib

    from agent.settings import CONFIG_NAME
    from audit.checkpoints import last_checkpoint
    from audit.session import CHECKPOINTS_NAME

    config = root / CONFIG_NAME
    if config.exists():
        try:
            return str(tomllib.loads(config.read_text(encoding="utf-8")).get("ledger", {}).get("workspace", ""))
        except (OSError, ValueError, AttributeError):
            return ""  # whatever is wrong with that file is said when it is loaded
    known = last_checkpoint(root / ".affidavit" / CHECKPOINTS_NAME)
    if known is not None:
        return known.workspace
    word = re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-") or "workspace"
    return f"{word}-{secrets.token_hex(4)}"


def _make_demo(target: Path, orders: int, asked: Wish) -> None:
    from agent.settings import load_settings
    from demo.workspace import create
    from tui.cli.console import facts
    from tui.cli.progress import progress_bar

    with progress_bar("Building the demo warehouse", "rows") as progress:
        report = create(
            target,
            orders=orders,
            warehouse_url=asked.warehouse_url,
            ledger_url=asked.ledger_url,
            ledger_workspace=asked.ledger_workspace,
            progress=progress,
        )
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
    lines += [("adapter", adapter), *_not_stored(report.directory)]
    facts([*lines, ("next", f'affidavit ask "How many orders shipped late?" -w {target}')])


def _not_stored(root: Path) -> list[tuple[str, str]]:
    """Which databases the environment names just now, and what that means for the next command."""
    import tomllib

    from agent.settings import CONFIG_NAME

    stored = tomllib.loads((root / CONFIG_NAME).read_text(encoding="utf-8"))
    notes = []
    for section, key in (("warehouse", "url"), ("warehouse", "db_schema"), ("ledger", "url")):
        variable = f"AFFIDAVIT_{section}__{key}".upper()
        if not os.environ.get(variable):
            continue
        if key in stored.get(section, {}):
            notes.append(("note", f"{variable} is set and beats `{section}.{key}` in affidavit.toml"))
        else:
            notes.append(("not stored", f"`{section}.{key}`: set {variable} for every command on this workspace"))
    return notes


def _register_adapter(settings: Settings) -> str:
    """Make the packaged adapter known and serve it, unless another was promoted or it was rolled back before."""
    from datetime import UTC, datetime

    from agent.errors import AffidavitError
    from agent.services import open_ledger
    from demo.workspace import files
    from finetune.adapters.cards import register_card
    from finetune.adapters.registry import promote, read_registry

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


def _is_workspace(target: Path) -> bool:
    from agent.settings import CONFIG_NAME

    return (target / CONFIG_NAME).is_file()


def _complete(target: Path) -> None:
    """Make what the settings of a workspace that is there name, and nothing else: its ledger."""
    from agent.services import open_ledger
    from agent.settings import load_settings
    from tui.cli.console import facts

    settings = load_settings(target)
    with open_ledger(settings) as ledger:
        records = ledger.head().sequence
    facts(
        [
            ("workspace", settings.workspace),
            ("ledger", f"{records} records"),
            ("next", f"affidavit ask QUESTION -w {target}"),
        ]
    )


def _make_plain(target: Path, asked: Wish) -> None:
    from agent.settings import load_settings
    from tui.cli.console import facts
    from tui.cli.progress import progress_bar
    from tui.skeleton import make_workspace

    with progress_bar("Reading the database", "tables") as progress:
        made = make_workspace(target, asked, progress=progress)
    _open_ledger_once(load_settings(made.directory))
    facts(
        [
            ("workspace", made.directory),
            ("warehouse", f"{made.warehouse}, {made.tables} tables"),
            ("wrote", ", ".join(made.written) or "nothing"),
            ("kept", ", ".join(made.kept) or "nothing was there before"),
            *_not_stored(made.directory),
            ("next", f"say what your words mean in {made.directory / 'metrics.yaml'}"),
            ("then", f"affidavit memory sync -w {target} && affidavit ask QUESTION -w {target}"),
        ]
    )
