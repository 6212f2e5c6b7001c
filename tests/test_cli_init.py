"""`affidavit init`: what is typed, what is stored, and the name a workspace's chain keeps for good."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fixtures_audit import POSTGRESQL
from fixtures_cli import Run, plain_environment, run

from agent.settings import load_settings


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the commands are typed."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server() -> Iterator[str]:
    """An empty PostgreSQL database."""
    name = f"init_{uuid.uuid4().hex[:12]}"
    admin = sa.create_engine(POSTGRESQL, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    except sa.exc.OperationalError as error:
        if os.environ.get("CI"):
            pytest.fail(f"no server: {error}")
        pytest.skip("NO POSTGRESQL SERVER: ledgers and schemas on one are not tested")
    try:
        yield sa.make_url(POSTGRESQL).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        admin.dispose()


def stored(workspace: Path) -> dict[str, Any]:
    return tomllib.loads((workspace / "affidavit.toml").read_text(encoding="utf-8"))


def demo(run: Run, workspace: str | Path, *options: str) -> None:
    assert run("init", "--demo", workspace, "--orders", "10", *options).code == 0


def test_a_file_is_no_folder_to_make_a_workspace_in(here: Path, run: Run) -> None:
    (here / "taken").write_text("mine")
    refused = run("init", "--demo", "taken")
    assert (refused.code, "is a file" in refused.err) == (2, True)
    assert (here / "taken").read_text() == "mine"


def test_a_path_as_typed_is_from_the_current_folder(here: Path, run: Run) -> None:
    demo(run, "one", "--warehouse", "duckdb:///one/w.duckdb", "--ledger", "sqlite:///record.sqlite")
    assert (here / "one/w.duckdb").is_file()
    assert (here / "record.sqlite").is_file()
    assert stored(here / "one")["warehouse"]["url"] == "duckdb:///w.duckdb"
    demo(run, "one", "--warehouse", "duckdb:///one/w.duckdb", "--ledger", "sqlite:///record.sqlite")
    assert run("init", "two", "--warehouse", "duckdb:///one/w.duckdb").code == 0
    for workspace in ("one", "two"):
        assert load_settings(here / workspace).warehouse_url == f"duckdb:///{here / 'one/w.duckdb'}"
        assert run("memory", "sync", "-w", here / workspace).code == 0


def test_a_path_in_the_environment_is_from_the_workspace(here: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    demo(run, "one")
    monkeypatch.setenv("AFFIDAVIT_WAREHOUSE__URL", "sqlite:///../one/warehouse.sqlite")
    monkeypatch.chdir("/")
    made = run("init", here / "two")
    assert made.code == 0
    assert run("memory", "sync", "-w", here / "two").code == 0


def test_what_is_not_stored_is_said(here: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    demo(run, "one")
    warehouse = f"sqlite:///{here / 'one/warehouse.sqlite'}"
    assert "not stored" not in run("init", "two", "--warehouse", warehouse).out
    monkeypatch.setenv("AFFIDAVIT_WAREHOUSE__URL", warehouse)
    made = run("init", "three")
    assert "not stored  `warehouse.url`: set AFFIDAVIT_WAREHOUSE__URL for every command" in made.out
    assert "url" not in stored(here / "three")["warehouse"]
    for options in (("four", "--warehouse", warehouse), ("five", "--demo", "--orders", "10")):
        assert "AFFIDAVIT_WAREHOUSE__URL is set and beats `warehouse.url`" in run("init", *options).out


@pytest.mark.postgresql
def test_the_schema_that_is_named_is_read_and_stored(here: Path, run: Run, server: str) -> None:
    engine = sa.create_engine(server)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA retail")
        connection.exec_driver_sql("CREATE TABLE retail.purchases (id INTEGER PRIMARY KEY)")
        connection.exec_driver_sql("CREATE TABLE public.elsewhere (id INTEGER PRIMARY KEY)")
    engine.dispose()
    assert run("init", "shop", "--warehouse", server, "--schema", "retail").code == 0
    assert stored(here / "shop")["warehouse"]["db_schema"] == "retail"
    metrics = (here / "shop/metrics.yaml").read_text(encoding="utf-8")
    assert "purchases" in metrics
    assert "elsewhere" not in metrics
    synced = run("memory", "sync", "-w", "shop", "--format", "json")
    assert synced.json["kinds"]["tables"]["added"] == ["purchases"]

    missing = run("init", "other", "--warehouse", server, "--schema", "retial")
    assert missing.code == 2
    assert "The schema `retial`" in missing.err
    assert not (here / "other").exists()
    assert run("init", "--demo", "other", "--schema", "retail").code == 2


@pytest.mark.postgresql
def test_two_folders_of_one_name_have_two_chains_on_one_server(here: Path, run: Run, server: str) -> None:
    for place in ("a", "b"):
        demo(run, here / place / ".demo", "--ledger", server)
    names = {stored(here / place / ".demo")["ledger"]["workspace"] for place in ("a", "b")}
    assert len(names) == 2
    assert all(re.fullmatch(r"demo-[0-9a-f]{8}", name) for name in names)
    for place in ("a", "b"):
        verified = run("audit", "verify", "-w", here / place / ".demo", "--json")
        assert verified.json["ok"]
        assert verified.json["records"] == 3
    shutil.move(here / "a/.demo", here / "renamed")
    assert run("identity", "create", "reviewer", "-w", "renamed").code == 0
    assert run("audit", "verify", "-w", "renamed").code == 0


@pytest.mark.postgresql
def test_a_workspace_without_a_name_keeps_its_chain(here: Path, run: Run, server: str) -> None:
    demo(run, "shop", "--ledger", server)
    config, state = here / "shop/affidavit.toml", here / "shop/.affidavit"
    unnamed = "".join(line for line in config.read_text().splitlines(True) if not line.startswith("workspace = "))
    config.write_text(unnamed)
    manifest = json.loads((state / "demo.json").read_text())
    manifest["files"]["affidavit.toml"] = [hashlib.sha256(unnamed.encode()).hexdigest()]  # as an older release wrote it
    (state / "demo.json").write_text(json.dumps(manifest))
    for made_under_the_other_name in ("checkpoints.jsonl", "models.json"):
        (state / made_under_the_other_name).unlink()
    assert run("identity", "create", "reviewer", "-w", "shop").code == 0  # on the chain of the folder's name
    demo(run, "shop", "--ledger", server)
    assert "workspace" not in stored(here / "shop")["ledger"]
    assert "reviewer" in run("identity", "list", "-w", "shop").out
    assert run("audit", "verify", "-w", "shop").code == 0


def test_a_lost_settings_file_comes_back_with_the_name_of_the_chain(here: Path, run: Run) -> None:
    demo(run, "one")
    assert run("init", "two", "--warehouse", "sqlite:///one/warehouse.sqlite").code == 0
    for workspace, again in (
        ("one", ("--demo", "--orders", "10")),
        ("two", ("--warehouse", "sqlite:///one/warehouse.sqlite")),
    ):
        name = stored(here / workspace)["ledger"]["workspace"]
        assert run("identity", "create", "reviewer", "-w", workspace).code == 0
        (here / workspace / "affidavit.toml").unlink()
        assert run("init", workspace, *again).code == 0
        assert stored(here / workspace)["ledger"]["workspace"] == name
        assert "reviewer" in run("identity", "list", "-w", workspace).out


@pytest.mark.parametrize("by_flag", [True, False])
def test_a_wrong_url_is_mended_where_it_was_given(by_flag: bool, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = "sqlite:////nonexistent/shop.sqlite"
    if not by_flag:
        monkeypatch.setenv("AFFIDAVIT_WAREHOUSE__URL", missing)
    left = run("init", "shop", *(["--warehouse", missing] if by_flag else []))
    assert left.code == 2
    assert "[warehouse]" not in left.err
    assert ("Check the path in `--warehouse`" if by_flag else "Check the path in AFFIDAVIT_WAREHOUSE__URL") in left.err


def test_what_is_recorded_and_learnt_is_the_owners_alone(here: Path, run: Run) -> None:
    demo(run, "one")
    assert run("init", "two", "--warehouse", "sqlite:///one/warehouse.sqlite").code == 0
    for workspace in ("one", "two"):
        state = here / workspace / ".affidavit"
        assert state.stat().st_mode & 0o777 == 0o700
        shutil.rmtree(state)
        assert run("doctor", "-w", workspace).code == 1
        assert not state.exists()  # whoever looks leaves nothing behind
        run("runs", "list", "-w", workspace)
        assert state.stat().st_mode & 0o777 == 0o700
        state.chmod(0o755)
        run("runs", "list", "-w", workspace)
        assert state.stat().st_mode & 0o777 == 0o755


def test_init_of_a_workspace_that_is_there_makes_its_ledger(here: Path, run: Run) -> None:
    demo(run, "one")
    assert run("init", "two", "--warehouse", "sqlite:///one/warehouse.sqlite").code == 0
    for name in ("ledger.sqlite", "checkpoints.jsonl"):
        (here / "two/.affidavit" / name).unlink(missing_ok=True)
    listed = run("runs", "list", "-w", "two")
    assert listed.code == 7
    assert "Make it with `affidavit init`" in " ".join(listed.err.split())
    assert run("init", "two").code == 0
    assert run("runs", "list", "-w", "two").code == 0
    assert run("init", "three").code == 2  # there is nothing that names its warehouse


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (("--ledger", "sqlite:///elsewhere.sqlite"), "ledger.url"),
        (("--warehouse", "sqlite:///elsewhere.sqlite"), "warehouse.url"),
        (("--schema", "retail"), "warehouse.db_schema"),
    ],
)
def test_settings_that_are_there_are_not_silently_kept(
    asked: tuple[str, str], named: str, here: Path, run: Run
) -> None:
    demo(run, "one")
    made = ("init", "two", "--warehouse", "sqlite:///one/warehouse.sqlite")
    assert run(*made).code == 0
    before = (here / "two/affidavit.toml").read_bytes()
    left = run(*(made[:2] if asked[0] == "--warehouse" else made), *asked)
    assert left.code == 2
    assert f"names another `{named}`" in " ".join(left.err.split())
    assert (here / "two/affidavit.toml").read_bytes() == before
    assert run(*made).code == 0


@pytest.mark.parametrize("elsewhere", ["sqlite:///new.sqlite", "an empty database"])
def test_another_ledger_says_what_to_do_and_that_works(
    elsewhere: str, here: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo(run, "one")
    assert run("identity", "create", "reviewer", "-w", "one").code == 0
    assert run("memory", "sync", "-w", "one").code == 0
    state, config = here / "one/.affidavit", here / "one/affidavit.toml"
    if elsewhere == "an empty database":
        elsewhere = "sqlite:///new.sqlite"
        sa.create_engine(f"sqlite:///{here / 'one/new.sqlite'}").connect().close()
    config.write_text(config.read_text().replace("sqlite:///.affidavit/ledger.sqlite", elsewhere))
    for command in (("init", "one"), ("init", "--demo", "one", "--orders", "10"), ("runs", "list", "-w", "one"),
                    ("audit", "verify", "-w", "one"), ("memory", "sync", "-w", "one")):  # fmt: skip
        left = run(*command)
        said = " ".join(left.err.split())
        assert left.code == 7
        assert "vouches for one of" in said
        assert "checkpoints.jsonl and keys/" in said
        assert "affidavit init" not in said
    kept = here / "kept"
    kept.mkdir()
    for name in ("checkpoints.jsonl", "keys"):
        shutil.move(state / name, kept / name)
    assert run("memory", "sync", "-w", "one").code == 0
    assert run("init", "--demo", "one", "--orders", "10").code == 0
    assert run("identity", "create", "reviewer", "-w", "one").code == 0
    assert run("audit", "verify", "-w", "one").code == 0
    monkeypatch.setenv("AFFIDAVIT_LEDGER__URL", "sqlite:///.affidavit/ledger.sqlite")
    assert run("audit", "verify", "-w", "one", "--checkpoints", kept / "checkpoints.jsonl").code == 0
    assert run("runs", "list", "-w", "one").code == 7  # the checkpoints here are the new one's
