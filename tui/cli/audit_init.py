"""`affidavit audit init`: makes the ledger's tables for its database's owner, and says who may do what with them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tui.cli.audit import app
from tui.cli.invocation import WorkspaceOption, settings_of

if TYPE_CHECKING:
    from agent.settings import Settings
    from audit.custody import Custody

__all__ = ["init_command"]

_DEFAULT_SCHEMA: Final = "public"


@app.command("init")
def init_command(
    ctx: typer.Context,
    *,
    url: Annotated[
        str | None,
        typer.Option(
            "--url", metavar="URL", help="The ledger's database as its owner opens it; default: the workspace's."
        ),
    ] = None,
    writer: Annotated[
        str, typer.Option("--writer", metavar="ROLE", help="PostgreSQL: the role that may read and add records.")
    ] = "affidavit_writer",
    auditor: Annotated[
        str, typer.Option("--auditor", metavar="ROLE", help="PostgreSQL: the role that may only read them.")
    ] = "affidavit_auditor",
    schema: Annotated[
        str, typer.Option("--schema", metavar="NAME", help="PostgreSQL: where the tables are; made if missing.")
    ] = _DEFAULT_SCHEMA,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the SQL for psql, and run nothing; needs no connection.")
    ] = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Make the ledger's tables and triggers, or bring them up to date, as the owner of its database.

    On PostgreSQL the writer may then read and add records, the auditor read them, and neither own nor change them.
    Roles that are missing are made without login: give one a password, or make a login a member of it. No record is
    touched, and a second run changes nothing. Leave the password out of --url: libpq finds it in its password file
    or in PGPASSWORD.

    \b
    Examples:
      affidavit audit init --url postgresql+psycopg://owner@db.example.com/record
      affidavit audit init --url postgresql+psycopg://owner@db.example.com/record --dry-run | psql record
      affidavit audit init -w shop
    """
    settings = None if url else settings_of(ctx, workspace)
    if url and not (dry_run and url.startswith("postgresql")):  # which needs no driver
        _refuse_unusable(url)
    address = settings.ledger_url if settings else url or ""
    if address.startswith("postgresql"):
        _postgresql(address, _custody(writer, auditor, schema), dry_run=dry_run)
    elif dry_run:
        from audit.schema_version import migrations_sql

        sys.stdout.write(f"PRAGMA journal_mode = WAL;\nBEGIN IMMEDIATE;\n{migrations_sql('sqlite')}COMMIT;\n")
    else:
        _sqlite(address, settings)


def _refuse_unusable(url: str) -> None:
    """A URL at which no ledger can be is a slip of the command, and no ledger that cannot be reached."""
    from audit.engine import open_engine
    from audit.errors import LedgerUnavailable

    try:
        open_engine(url, timeout_s=1).dispose()
    except LedgerUnavailable as error:
        raise typer.BadParameter(f"{error.message} {error.hint}", param_hint="--url") from error


def _custody(writer: str, auditor: str, schema: str) -> Custody:
    from audit.custody import Custody
    from audit.errors import CustodyError

    try:
        return Custody(writer, auditor, schema)
    except CustodyError as error:
        raise typer.BadParameter(f"{error.message} {error.hint}") from error


def _postgresql(url: str, custody: Custody, *, dry_run: bool) -> None:
    from agent.checkpoints import CHECKPOINT_RIGHTS, checkpoint_tables
    from audit.custody import handing_over, install, installation
    from tui.cli.console import facts

    tables = checkpoint_tables()
    beside = handing_over(custody, tables, CHECKPOINT_RIGHTS) if tables else []
    if dry_run:
        lines = ["\\set ON_ERROR_STOP on", "BEGIN;", installation(custody), "COMMIT;", "", *beside]
        sys.stdout.write("\n".join(lines) + "\n")
        return
    is_new = install(url, custody, beside)
    path = "" if custody.schema == _DEFAULT_SCHEMA else f"?options=-csearch_path%3D{custody.schema}"
    facts(
        [
            (
                "✓ made" if is_new else "✓ there already",
                f"the ledger's tables and triggers in the schema {custody.schema}; this account owns them",
            ),
            ("writer", f"{custody.writer} may read and add records"),
            ("auditor", f"{custody.auditor} may read them"),
            ("next", f'[ledger] url = "postgresql+psycopg://{custody.writer}@HOST/DATABASE{path}"'),
            ("", f"{custody.writer} needs a login: ALTER ROLE ... LOGIN PASSWORD, or a login that is a member of it."),
        ]
    )


def _sqlite(url: str, settings: Settings | None) -> None:
    from agent.services import workspace_name
    from audit.custody import file_schema, restore_file
    from audit.engine import display_url
    from audit.ledger import Ledger
    from audit.schema_version import CURRENT
    from audit.session import open_alone
    from tui.cli.console import facts

    before = file_schema(url)
    opened = (
        open_alone(url, workspace=workspace_name(settings), state_dir=settings.state_dir, create=True, upgrade=True)
        if settings  # whose checkpoints may know of a ledger that is lost
        else Ledger.open(url, workspace="workspace")
    )
    with opened as ledger:
        restore_file(ledger)
        file = display_url(ledger.engine)
    done = "✓ made" if not before else "✓ there already" if before == file_schema(url) else "✓ mended"
    facts(
        [
            (done, f"{file}, schema {CURRENT}, with its triggers"),
            ("cannot", "promise more: whoever can write the file can take the triggers off and change records."),
            ("so", "have checkpoints sent where they cannot write (ledger.checkpoint_to), or use PostgreSQL."),
        ]
    )
