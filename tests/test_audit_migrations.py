"""A ledger of every older schema becomes a current one, and not a byte of a record changes on the way."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from fixtures_audit_parts import WORKSPACE, Ticking, meddle

from audit import schema
from audit.errors import LedgerMissing, LedgerUnavailable
from audit.ledger import Ledger
from audit.record import Entry
from audit.schema import triggers_of
from audit.schema_version import CURRENT, VERSION_TABLE, VERSIONS, migrations_sql
from audit.verify import verify

pytest_plugins = ("fixtures_audit",)

MIGRATIONS = Path(schema.__file__).parent / "migrations"
OLDER = {
    "before versions, without subtrees": ("ledger_subtrees", VERSION_TABLE),
    "before versions": (VERSION_TABLE,),
    "0001": ("ledger_subtrees",),
    "0002": (),
}


@contextmanager
def _connection(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def _rows(url: str) -> list[Any]:
    with _connection(url) as connection:
        return connection.execute(sa.text("SELECT * FROM ledger_records ORDER BY workspace, sequence")).all()


def _make_older(url: str, name: str) -> None:
    """Take from a current ledger what the later steps gave it."""
    with _connection(url) as connection:
        for table in OLDER[name]:
            connection.execute(sa.text(f"DROP TABLE {table}"))
        if VERSION_TABLE not in OLDER[name]:
            connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '{name}'"))
        if connection.dialect.name == "postgresql":
            for function in ("refuse", "follow"):
                connection.execute(sa.text(f"ALTER FUNCTION ledger_records_{function}() RESET search_path"))
            for trigger in triggers_of("postgresql"):
                connection.execute(sa.text(f"ALTER TABLE ledger_records ENABLE TRIGGER {trigger}"))


@pytest.mark.parametrize("older", OLDER)
def test_migrating_changes_no_byte_of_a_record(ledger_url: str, older: str) -> None:
    for workspace in (WORKSPACE, "bank"):
        with Ledger.open(ledger_url, workspace=workspace, clock=Ticking()) as ledger:
            ledger.append_many([Entry("run.intent", {"n": n, "text": "é😀\udcff"}, f"r{n}") for n in range(300)])
    _make_older(ledger_url, older)
    before = _rows(ledger_url)
    with Ledger.open(ledger_url, workspace=WORKSPACE, upgrade=False) as ledger:
        assert verify(ledger, checkpoints=None).records == 300
    assert _stored(ledger_url) != CURRENT, "whoever only reads leaves it as it is"
    with Ledger.open(ledger_url, workspace=WORKSPACE, create=False) as ledger:
        assert _rows(ledger_url) == before
        assert verify(ledger, checkpoints=None).ok
        assert ledger.append("run.intent", {}).sequence == 301
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), ledger.engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM ledger_records"))
    with Ledger.open(ledger_url, workspace="bank") as ledger:
        assert verify(ledger, checkpoints=None).ok
    assert _stored(ledger_url) == CURRENT
    _assert_current(ledger_url)


def test_a_new_ledger_is_what_the_program_reads(ledger_url: str) -> None:
    with Ledger.open(ledger_url, workspace=WORKSPACE):
        _assert_current(ledger_url)


def _assert_current(url: str) -> None:
    with _connection(url) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
        if connection.dialect.name == "postgresql":
            pinned = connection.execute(
                sa.text(
                    "SELECT proconfig FROM pg_proc WHERE proname LIKE 'ledger_records_%'"
                    " AND pronamespace = CAST(current_schema() AS regnamespace)"
                )
            ).scalars()
            assert list(pinned) == [["search_path=pg_catalog, pg_temp"]] * 2
            fires = connection.execute(
                sa.text("SELECT tgenabled FROM pg_trigger WHERE tgrelid = CAST('ledger_records' AS regclass)")
            ).scalars()
            assert set(fires) == {"A"}


def _stored(url: str) -> str:
    with _connection(url) as connection:
        if not sa.inspect(connection).has_table(VERSION_TABLE):
            return ""
        return str(connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one())


def test_a_newer_schema_is_refused_whoever_asks(ledger_url: str) -> None:
    with Ledger.open(ledger_url, workspace=WORKSPACE) as ledger:
        ledger.append("run.intent", {})
    before = _rows(ledger_url)
    with _connection(ledger_url) as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9001'"))
    for arguments in ({"create": True}, {"create": False}, {"create": False, "upgrade": False}):
        with pytest.raises(LedgerUnavailable, match="newer Affidavit: its schema is 9001") as caught:
            Ledger.open(ledger_url, workspace=WORKSPACE, **arguments)
        assert "newer program" in caught.value.hint
    assert _rows(ledger_url) == before


def test_a_version_alone_is_no_ledger(ledger_url: str) -> None:
    with Ledger.open(ledger_url, workspace=WORKSPACE) as ledger:
        meddle(ledger, "DROP TABLE ledger_records")
    with pytest.raises(LedgerMissing):
        Ledger.open(ledger_url, workspace=WORKSPACE, create=False)
    with Ledger.open(ledger_url, workspace=WORKSPACE) as ledger:
        assert ledger.append("run.intent", {}).sequence == 1
    _assert_current(ledger_url)


def test_the_printed_sql_makes_the_same_and_may_be_run_twice(tmp_path: Path) -> None:
    import sqlite3

    file = tmp_path / "by-hand.sqlite"
    with sqlite3.connect(file) as connection:
        for _ in range(2):
            connection.executescript(migrations_sql("sqlite"))
    connection.close()
    with Ledger.open(f"sqlite:///{tmp_path / 'ours.sqlite'}", workspace=WORKSPACE):
        pass

    def objects(path: Path) -> set[tuple[str, str]]:
        with _connection(f"sqlite:///{path}") as opened:
            found = opened.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")).all()
        return {(name, " ".join(sql.split())) for name, sql in found}

    assert objects(file) == objects(tmp_path / "ours.sqlite")
    with Ledger.open(f"sqlite:///{file}", workspace=WORKSPACE, create=False) as ledger:
        assert ledger.append("run.intent", {}).sequence == 1
        assert verify(ledger, checkpoints=None).ok


def test_no_step_changes_records() -> None:
    """Each step's SQL, and each word of its source: nothing in it could rewrite, drop or alter what records are in."""
    steps = sorted((MIGRATIONS / "versions").glob("v*.py"))
    assert [step.name[1:5] for step in steps] == list(VERSIONS)
    for dialect in ("sqlite", "postgresql"):
        for statement in migrations_sql(dialect).split(";"):
            words = statement.upper().split()
            assert not {"DROP", "TRUNCATE", "REPLACE"} & set(words[:1])
            if words[:1] in (["UPDATE"], ["INSERT"], ["DELETE"]):
                assert VERSION_TABLE.upper() in words, statement
            if words[:2] == ["ALTER", "TABLE"]:
                assert words[3:6] == ["ENABLE", "ALWAYS", "TRIGGER"], statement
    allowed = {"create_table", "create_index", "execute", "get_context", "add_column"}
    for step in steps:
        called = {
            node.func.attr
            for node in ast.walk(ast.parse(step.read_text()))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "op"
        }
        assert called <= allowed


def test_the_steps_are_those_the_program_knows() -> None:
    from alembic.script import ScriptDirectory

    steps = list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())
    assert tuple(step.revision for step in reversed(steps)) == VERSIONS
    assert steps[0].revision == CURRENT


def test_a_current_ledger_is_opened_without_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    with Ledger.open(url, workspace=WORKSPACE):
        pass
    script = (
        "import sys; from audit.ledger import Ledger\n"
        f"Ledger.open({url!r}, workspace={WORKSPACE!r}).append('run.intent', {{}})\n"
        "assert not [name for name in sys.modules if name.partition('.')[0] in ('alembic', 'mako')]"
    )
    environment = {**os.environ, "PYTHONPATH": str(MIGRATIONS.parents[1])}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment, cwd=tmp_path)
