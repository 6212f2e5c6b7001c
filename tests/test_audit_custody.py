"""`audit init` on the real server: whoever writes records can do nothing else with them, and everything still works."""

# ruff: noqa: F811  pytest finds fixtures by their imported names
from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from fixtures_audit_parts import WORKSPACE, meddle, sqlite_url
from fixtures_cli import Run, plain_environment, run  # noqa: F401
from fixtures_doctor import Shop, shop, shop_on  # noqa: F401

from agent.checkpoints import open_checkpointer
from agent.settings import Settings
from audit.checkpoints import read_checkpoints
from audit.custody import Custody, custody_faults, install
from audit.errors import LedgerUnavailable
from audit.ledger import Ledger
from audit.record import Entry
from audit.schema_version import CURRENT
from audit.session import CHECKPOINTS_NAME, open_alone, open_session
from audit.verify import verify
from audit.vouching import CheckpointPlan

SERVER = os.environ.get("AFFIDAVIT_TEST_POSTGRESQL", "postgresql+psycopg://root@127.0.0.1/test")


@dataclass(frozen=True)
class Place:
    """A database of its own, and the roles around it: the owner, who is no superuser, a writer and an auditor."""

    database: str
    owner: str
    writer: str
    auditor: str

    def url(self, role: str) -> str:
        made = sa.engine.make_url(SERVER).set(username=role, database=self.database)
        return made.render_as_string(hide_password=False)

    def admin(self, *statements: str) -> None:
        """Run statements in the database as the server's superuser."""
        _administer(*statements, database=self.database)

    def arguments(self, *more: str) -> list[str]:
        roles = ["--writer", self.writer, "--auditor", self.auditor]
        return ["audit", "init", "--url", self.url(self.owner), *roles, *more]


def _administer(*statements: str, database: str | None = None) -> None:
    url = sa.engine.make_url(SERVER)
    engine = sa.create_engine(url.set(database=database or url.database), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    finally:
        engine.dispose()


@pytest.fixture
def place() -> Iterator[Place]:
    """An empty database of an owner who may make roles; the writer and the auditor have logins."""
    pytest.importorskip("psycopg")
    stem = f"affidavit_{uuid.uuid4().hex[:8]}"
    made = Place(stem, f"{stem}_owner", f"{stem}_writer", f"{stem}_auditor")
    try:
        _administer(f"CREATE ROLE {made.owner} LOGIN CREATEROLE")
    except sa.exc.OperationalError as error:
        if os.environ.get("CI"):
            pytest.fail(f"PostgreSQL is not there: {error.orig}")
        pytest.skip(f"PostgreSQL is not there: {error.orig}")
    _administer(f"CREATE DATABASE {stem} OWNER {made.owner}")
    try:
        yield made
    finally:
        _administer(f"DROP DATABASE {stem} WITH (FORCE)", *(f"DROP ROLE IF EXISTS {role}" for role in _roles(made)))


def _roles(place: Place) -> tuple[str, ...]:
    return place.writer, place.auditor, place.owner


@pytest.fixture
def installed(place: Place, run: Run) -> Place:
    ran = run(*place.arguments())
    assert (ran.code, ran.err) == (0, "")
    assert f"{place.writer} may read and add records" in ran.out
    place.admin(f"ALTER ROLE {place.writer} LOGIN", f"ALTER ROLE {place.auditor} LOGIN")
    return place


pytestmark = pytest.mark.postgresql


def test_the_writer_does_all_that_a_workspace_needs(installed: Place, tmp_path: Path) -> None:
    url = installed.url(installed.writer)
    plan = CheckpointPlan(every=300)
    with open_session(url, workspace=WORKSPACE, state_dir=tmp_path, create=False, plan=plan) as ledger:
        for _ in range(2):  # subtrees of 256 records are kept
            ledger.append_many([Entry("memory.synced", {"n": n}) for n in range(300)])
        threads = [threading.Thread(target=lambda: ledger.append("memory.synced", {"t": 1})) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert verify(ledger, checkpoints=tmp_path / CHECKPOINTS_NAME).ok
        assert custody_faults(ledger) == []
        with ledger.engine.connect() as connection:
            kept = connection.execute(sa.text("SELECT count(*) FROM ledger_subtrees")).scalar_one()
        assert kept == 2
    assert len(list(read_checkpoints(tmp_path / CHECKPOINTS_NAME))) >= 2
    with open_checkpointer(Settings(workspace=tmp_path, ledger={"url": url})) as checkpointer:
        assert type(checkpointer).__name__ == "PostgresSaver"
        checkpointer.delete_thread("no-such-run")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_records SET actor = 'x'",
        "UPDATE ledger_records SET actor = 'x' WHERE false",
        "DELETE FROM ledger_records",
        "TRUNCATE ledger_records",
        "DROP TABLE ledger_records",
        "ALTER TABLE ledger_records DISABLE TRIGGER ALL",
        "ALTER TABLE ledger_records DISABLE TRIGGER ledger_records_no_change",
        "ALTER TABLE ledger_records ADD COLUMN more text",
        "ALTER TABLE ledger_records OWNER TO CURRENT_USER",
        "DROP TRIGGER ledger_records_follows ON ledger_records",
        "DROP FUNCTION ledger_records_follow() CASCADE",
        "CREATE OR REPLACE FUNCTION ledger_records_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $x$ BEGIN RETURN NEW; END $x$",
        "CREATE RULE quiet AS ON DELETE TO ledger_records DO INSTEAD NOTHING",
        "CREATE TRIGGER mine BEFORE INSERT ON ledger_records FOR EACH ROW EXECUTE FUNCTION ledger_records_refuse()",
        "GRANT UPDATE ON ledger_records TO CURRENT_USER; UPDATE ledger_records SET actor = 'x'",
        "SET session_replication_role = replica",
        "SET ROLE {owner}",
        "DROP SCHEMA public CASCADE",
        "DROP DATABASE {database}",
        "UPDATE ledger_subtrees SET hash = ''",
        "DELETE FROM ledger_subtrees",
        "TRUNCATE ledger_subtrees",
        "UPDATE ledger_version SET version_num = '0001'",
        "INSERT INTO ledger_version VALUES ('9001')",
        "INSERT INTO ledger_records SELECT workspace, 9, kind, run_id, actor, time, previous_hash, hash, payload"
        " FROM ledger_records",
        "COPY ledger_records FROM PROGRAM 'true'",
    ],
)
def test_the_writer_can_do_nothing_else(installed: Place, statement: str) -> None:
    with Ledger.open(installed.url(installed.writer), workspace=WORKSPACE, create=False) as ledger:
        ledger.append("memory.synced", {})
        whole = statement.format(owner=installed.owner, database=installed.database)
        engine = ledger.engine.execution_options(isolation_level="AUTOCOMMIT")
        with pytest.raises(sa.exc.DBAPIError) as caught, engine.connect() as connection:
            connection.exec_driver_sql(whole)
        said = str(caught.value.orig)
        assert re.search("permission denied|must be (owner|superuser)|append-only", said), said
        assert verify(ledger, checkpoints=None).records == 1


def test_an_operator_of_the_writers_own_does_not_trick_the_trigger(installed: Place) -> None:
    """Before 0003 the functions looked `<>` up in the inserter's own search path."""
    installed.admin(f"CREATE SCHEMA tricks AUTHORIZATION {installed.writer}")
    with Ledger.open(installed.url(installed.writer), workspace=WORKSPACE, create=False) as ledger:
        ledger.append("memory.synced", {})
        with ledger.engine.connect() as connection:
            for statement in (
                "CREATE FUNCTION tricks.never(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false'",
                "CREATE FUNCTION tricks.never(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT false'",
                "CREATE OPERATOR tricks.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = tricks.never)",
                "CREATE OPERATOR tricks.<> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = tricks.never)",
                "SET LOCAL search_path = tricks, pg_catalog, public",
            ):
                connection.exec_driver_sql(statement)
            assert connection.exec_driver_sql("SELECT 'a'::text <> 'b'::text").scalar_one() is False
            with pytest.raises(sa.exc.DBAPIError, match="append-only"):
                connection.exec_driver_sql(
                    "INSERT INTO ledger_records SELECT workspace, 7, kind, run_id, actor, time, 'none', hash, payload"
                    " FROM ledger_records"
                )


def test_the_auditor_verifies_and_adds_nothing(installed: Place, tmp_path: Path) -> None:
    with open_session(installed.url(installed.writer), workspace=WORKSPACE, state_dir=tmp_path, create=False) as ledger:
        ledger.append_many([Entry("memory.synced", {"n": n}) for n in range(300)])
    with open_alone(installed.url(installed.auditor), workspace=WORKSPACE, state_dir=tmp_path) as ledger:
        assert verify(ledger, checkpoints=tmp_path / CHECKPOINTS_NAME).ok
        with pytest.raises(LedgerUnavailable, match="may not be written by this user"):
            ledger.append("memory.synced", {})
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), ledger.engine.begin() as connection:
            connection.exec_driver_sql("SELECT * FROM checkpoints")  # which holds rows of results


def test_nobody_else_may_even_read(installed: Place) -> None:
    stranger = f"{installed.database}_x"
    installed.admin(f"CREATE ROLE {stranger} LOGIN")
    try:
        with pytest.raises(LedgerUnavailable, match="may not be"):
            Ledger.open(installed.url(stranger), workspace=WORKSPACE, create=False)
    finally:
        installed.admin(f"DROP ROLE {stranger}")


def test_a_second_run_changes_nothing_and_brings_back_what_was_taken_off(installed: Place, run: Run) -> None:
    with Ledger.open(installed.url(installed.writer), workspace=WORKSPACE, create=False) as ledger:
        ledger.append("memory.synced", {})
        installed.admin(
            f"SET ROLE {installed.owner}",
            "DROP TRIGGER ledger_records_no_change ON ledger_records",
            "ALTER TABLE ledger_records DISABLE TRIGGER ledger_records_follows",
            f"GRANT UPDATE (actor) ON ledger_records TO {installed.writer}",
        )
        faults = custody_faults(ledger)
        assert [fault.split(" is missing")[0] for fault in faults[:2]] == [
            "The trigger ledger_records_follows",
            "The trigger ledger_records_no_change",
        ]
        assert faults[2:] == ["The ledger's account may change ledger_records."]
        head = ledger.head()
        for _ in range(2):
            assert run(*installed.arguments()).code == 0
        assert custody_faults(ledger) == []
        assert ledger.head() == head
        assert verify(ledger, checkpoints=None).ok


def test_the_printed_sql_does_the_same_in_psql(place: Place, run: Run, tmp_path: Path) -> None:
    psql = shutil.which("psql")
    if psql is None:
        pytest.skip("NO PSQL: the printed SQL is not tried")
    printed = run(
        "audit", "init", "--url", "postgresql+psycopg://nobody@127.0.0.1:1/none", *place.arguments("--dry-run")[4:]
    )
    assert (printed.code, printed.err) == (0, "")
    script = tmp_path / "init.sql"
    script.write_text(printed.out)
    url = sa.engine.make_url(place.url(place.owner)).set(drivername="postgresql").render_as_string(hide_password=False)
    states = []
    for _ in range(2):
        done = subprocess.run([psql, "-qXAt", "-f", script, url], capture_output=True, text=True, check=True)
        assert done.stderr == ""
        states.append(_state(place))
    assert run(*place.arguments()).code == 0
    states.append(_state(place))
    assert states[0] == states[1] == states[2]
    assert "0003" in json.dumps(states[0])


def _state(place: Place) -> list[list[list[str]]]:
    """Everything in the schema that `init` makes, with its owner, rights and definition."""
    queries = (
        "SELECT relname, relkind, relowner::regrole::text, relacl::text FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
        "SELECT pg_get_functiondef(oid), proacl::text FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
        "SELECT pg_get_triggerdef(oid), tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
        "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
        " WHERE table_schema = 'public' ORDER BY 1, 2",
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
        "SELECT version_num FROM ledger_version",
        "SELECT v::text FROM checkpoint_migrations ORDER BY 1",
    )
    engine = sa.create_engine(place.url(place.owner))
    try:
        with engine.connect() as connection:
            return [[[str(v) for v in row] for row in connection.exec_driver_sql(query)] for query in queries]
    finally:
        engine.dispose()


def test_a_database_that_the_writer_made_is_taken_over(place: Place, run: Run, tmp_path: Path) -> None:
    """The way from a ledger of before, whose one account owns everything."""
    place.admin(
        f"CREATE ROLE {place.writer} LOGIN",
        f"GRANT {place.writer} TO {place.owner}",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
    )
    url = place.url(place.writer)
    with open_session(url, workspace=WORKSPACE, state_dir=tmp_path) as ledger:
        ledger.append("memory.synced", {})
        head = ledger.head()
        assert custody_faults(ledger) == ["The ledger's account owns ledger_records, ledger_subtrees, ledger_version."]
    with open_checkpointer(Settings(workspace=tmp_path, ledger={"url": url})):
        pass
    assert run(*place.arguments()).code == 0
    with open_session(url, workspace=WORKSPACE, state_dir=tmp_path) as ledger:
        assert custody_faults(ledger) == []
        assert ledger.head().sequence == head.sequence + 1  # the checkpoint's note
        assert verify(ledger, checkpoints=tmp_path / CHECKPOINTS_NAME).ok
    with open_checkpointer(Settings(workspace=tmp_path, ledger={"url": url})) as checkpointer:
        checkpointer.delete_thread("no-such-run")


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        ("ALTER ROLE {writer} SUPERUSER", "is a superuser"),
        ("ALTER DATABASE {database} OWNER TO {writer}", "owns the database"),
        ("GRANT {owner} TO {writer}", "owns ledger_records, ledger_subtrees, ledger_version"),
        ("GRANT pg_write_all_data TO {writer}", "may change ledger_records"),
    ],
)
def test_a_writer_with_too_much_power_is_refused_and_nothing_is_made(
    place: Place, run: Run, attribute: str, said: str
) -> None:
    names = {"writer": place.writer, "database": place.database, "owner": place.owner}
    place.admin(f"CREATE ROLE {place.writer} LOGIN", "GRANT CREATE ON SCHEMA public TO PUBLIC")
    place.admin(attribute.format(**names))
    refused = run(*place.arguments())
    assert refused.code == 7
    assert said in " ".join(refused.err.split())
    engine = sa.create_engine(place.url(place.owner))
    with engine.connect() as connection:
        assert not sa.inspect(connection).get_table_names()
    engine.dispose()


def test_who_may_not_make_it_is_told_so(place: Place, run: Run) -> None:
    place.admin(f"CREATE ROLE {place.writer} LOGIN", f"CREATE ROLE {place.auditor}")
    refused = run(
        "audit", "init", "--url", place.url(place.writer), "--writer", place.auditor, "--auditor", "other_one"
    )
    assert (refused.code, "permission denied" in refused.err) == (7, True)
    same = run("audit", "init", "--url", place.url(place.owner), "--writer", place.owner)
    assert (same.code, "three roles" in " ".join(same.err.split())) == (2, True)
    assert run("audit", "init", "--url", place.url(place.owner), "--writer", "a$do$b").code == 2


def test_an_older_ledger_is_not_migrated_by_an_account_that_may_not(installed: Place, run: Run) -> None:
    url = installed.url(installed.writer)
    with Ledger.open(url, workspace=WORKSPACE, create=False) as ledger:
        ledger.append("memory.synced", {})
    installed.admin("UPDATE ledger_version SET version_num = '0002'")
    with pytest.raises(LedgerUnavailable, match="has an older schema, and this account may not") as caught:
        Ledger.open(url, workspace=WORKSPACE, create=False)
    assert "affidavit audit init" in caught.value.hint
    assert run(*installed.arguments()).code == 0
    with Ledger.open(url, workspace=WORKSPACE, create=False) as ledger:
        assert ledger.append("memory.synced", {}).sequence == 2
    installed.admin("UPDATE ledger_version SET version_num = '9001'")
    refused = run(*installed.arguments())
    assert (refused.code, "newer Affidavit" in " ".join(refused.err.split())) == (7, True)


def test_an_account_without_a_ledger_is_sent_to_the_owner(place: Place) -> None:
    place.admin(f"CREATE ROLE {place.writer} LOGIN", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    with pytest.raises(LedgerUnavailable, match="is not there or has an older schema") as caught:
        Ledger.open(place.url(place.writer), workspace=WORKSPACE)
    assert "affidavit audit init" in caught.value.hint


def test_a_schema_of_its_own(place: Place) -> None:
    install(place.url(place.owner), Custody(place.writer, place.auditor, "led-ger"))
    place.admin(f"ALTER ROLE {place.writer} LOGIN")
    url = f"{place.url(place.writer)}?options=-csearch_path%3D%22led-ger%22"
    with Ledger.open(url, workspace=WORKSPACE, create=False) as ledger:
        ledger.append("memory.synced", {})
        assert custody_faults(ledger) == []


def test_doctor_says_what_the_ledgers_account_could_do(installed: Place, shop: Shop) -> None:
    owner = shop.only("custody", ledger={"url": installed.url(installed.owner)})
    assert owner.severity == "warning"
    assert "owns ledger_records" in owner.what
    assert "affidavit audit init" in owner.do
    writer = shop.only("custody", ledger={"url": installed.url(installed.writer)})
    assert (writer.severity, "only read and add" in writer.what) == ("ok", True)


def test_a_file_gets_its_triggers_back_and_no_promise(shop: Shop, run: Run, tmp_path: Path) -> None:
    shop.record()
    url = f"sqlite:///{tmp_path / '.affidavit' / 'ledger.sqlite'}"
    assert shop.only("custody").severity == "ok"
    with Ledger.open(url, workspace="workspace") as ledger:
        meddle(ledger)
    assert "ledger_records_no_delete is missing" in shop.only("custody").what
    made = run("audit", "init", "-w", str(tmp_path))
    assert (made.code, "whoever can write the file" in made.out, "✓ mended" in made.out) == (0, True, True)
    assert "✓ there already" in run("audit", "init", "-w", str(tmp_path)).out
    assert shop.only("custody").severity == "ok"
    with Ledger.open(url, workspace="workspace", create=False) as ledger:
        assert verify(ledger, checkpoints=None).ok
    fresh = run("audit", "init", "--url", sqlite_url(tmp_path))
    assert (fresh.code, CURRENT in fresh.out, "✓ made" in fresh.out) == (0, True, True)
    printed = run("audit", "init", "--url", sqlite_url(tmp_path), "--dry-run")
    assert "CREATE TRIGGER IF NOT EXISTS" in printed.out


def test_init_makes_no_new_file_in_place_of_a_lost_ledger(shop: Shop, run: Run, tmp_path: Path) -> None:
    shop.record().unlink()
    refused = run("audit", "init", "-w", str(tmp_path))
    assert (refused.code, "vouches for" in " ".join(refused.err.split())) == (7, True)


@pytest.mark.parametrize("url", ["nonsense", "mysql://db/x", "sqlite://", "sqlite:///:memory:"])
def test_an_address_at_which_no_ledger_can_be_is_a_slip_of_the_command(run: Run, url: str) -> None:
    refused = run("audit", "init", "--url", url)
    assert (refused.code, "--url" in refused.err) == (2, True)
    assert run("audit", "init", "--url", url, "--dry-run").code == 2
