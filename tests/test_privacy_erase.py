"""What is recorded of a subject is encrypted, can be read and signed, and is gone once its key is destroyed."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fixtures_cli import Run, built_workspace, model, plain_environment, run, workspace
from fixtures_eval_model import ScriptedModel

from agent.erasing import _drop_lines
from agent.services import open_ledger, workspace_name
from agent.settings import Settings, load_settings
from audit.errors import RecordRefusedError
from audit.ledger import Ledger
from audit.record import Record
from audit.seal import canonical_bytes

pytest_plugins = ("fixtures_audit",)

QUESTION = "How many orders did Bottom-Dollar Marketse place?"
SQL = (
    "SELECT COUNT(*) AS bottom_dollar_orders FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID "
    "WHERE Customers.CompanyName = 'Bottom-Dollar Marketse'"
)
WORDS = ("Bottom-Dollar", "Marketse", "bottom_dollar", "Zebra4711", "Quagga0815")
"""What only this subject's runs, reviews and name say."""


@pytest.fixture
def private(workspace: Path, ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace that encrypts by subject, with its ledger in its state folder and on a server."""
    (workspace / "policy.yaml").write_text("version: 1\nrecord: {encrypt: subject}\n")
    if ledger_url.startswith("postgresql"):
        monkeypatch.setenv("AFFIDAVIT_LEDGER__URL", ledger_url)
        for name in ("checkpoints.jsonl", "ledger.sqlite"):
            (workspace / ".affidavit" / name).unlink(missing_ok=True)
    return workspace


def _records(settings: Settings, run_id: str = "") -> list[Record]:
    """As they are stored: a ledger that was opened without keys."""
    with Ledger.open(settings.ledger_url, workspace=workspace_name(settings), create=False) as ledger:
        return list(ledger.records(run_id or None))


def _ask(run: Run, *more: str) -> dict[str, Any]:
    asked = run("ask", QUESTION, "--format", "json", *more)
    assert asked.json["status"] in ("answered", "abstained"), asked.out
    found: dict[str, Any] = asked.json
    return found


def _found_in(folder: Path, settings: Settings, words: tuple[str, ...]) -> list[str]:
    """Where the words stand: every file of the state folder, and every record wherever the ledger is."""
    files = [path for path in (folder / ".affidavit").rglob("*") if path.is_file()]
    places = [(str(path.relative_to(folder)), path.read_bytes()) for path in files]
    places += [(f"record {each.sequence}", each.payload) for each in _records(settings)]
    places += _tables_of(settings) if settings.ledger_url.startswith("postgresql") else []
    return [f"{word} in {name}" for name, content in places for word in words if word.encode() in content]


def _tables_of(settings: Settings) -> list[tuple[str, bytes]]:
    """Every row of every table in the schema of a ledger on a server, as text."""
    server = sa.create_engine(settings.ledger_url)
    with server.connect() as connection:
        names = sa.inspect(connection).get_table_names()
        found = [(name, connection.execute(sa.text(f"SELECT t::text FROM {name} t")).scalars().all()) for name in names]
    server.dispose()
    assert {"ledger_records", "checkpoints"} <= set(names)
    return [(name, "\n".join(rows).encode()) for name, rows in found]


def test_an_erased_subject_is_nowhere_and_everything_still_holds(
    private: Path, model: ScriptedModel, run: Run, tmp_path: Path
) -> None:
    model.script[QUESTION] = SQL
    run_id = _ask(run, "--subject", "Zebra4711 Ltd")["run_id"]
    other_id = run("ask", "How many orders are there?", "--format", "json").json["run_id"]
    settings = load_settings(private)
    run("identity", "create", "reviewer")
    amend = (
        "--sql",
        SQL.replace("COUNT(*)", "COUNT(OrderID)"),
        "--reason-code",
        "other",
        "--reason",
        "Quagga0815 says so",
        "--despite-findings",
    )
    assert run("review", "amend", run_id, "--as", "reviewer", *amend).code == 0
    assert run("runs", "replay", run_id).code == 0

    # While the key is there everything can be read, and nothing of it stands on the ledger.
    shown = run("runs", "show", run_id).out
    assert all(word in shown for word in ("Bottom-Dollar", "Quagga0815", "COUNT(OrderID)"))
    assert not any(word.encode() in each.payload for each in _records(settings) for word in WORDS)
    assert _ask(run, "--subject", "Zebra4711 Ltd")["origin"] == "verified_query"
    assert run("privacy", "subjects", "--format", "json").json[0]["name"] == "Zebra4711 Ltd"
    assert _found_in(private, settings, ("Marketse",)) != []  # memory's index has it

    refused = run("privacy", "erase", "zebra4711 ltd", "--yes", "--as", "dpo")
    assert (refused.code, "no key for dpo" in refused.err) == (2, True)
    erased = run("privacy", "erase", "zebra4711 ltd", "--yes", "--as", "reviewer", "--format", "json")
    assert (erased.code, len(erased.json["runs"]), erased.json["memory_is_clean"]) == (0, 2, True)
    assert _found_in(private, settings, WORDS) == []
    shown = run("runs", "show", run_id)
    assert (shown.code, "[erased]" in shown.out) == (0, True)
    assert run("runs", "list", "--format", "json").json[-1]["question"] == "[erased]"
    assert "How many orders are there?" in run("runs", "show", other_id).out

    assert run("audit", "verify").code == 0
    record = next(each for each in _records(settings) if each.kind == "privacy.erased")
    assert (record.actor, record.body["by"], record.body["runs"]) == ("reviewer", "reviewer", 2)
    assert record.body["subjects"] == erased.json["subjects"]
    assert run("memory", "sync").code == 0
    assert run("memory", "show", "verified_queries", "--format", "json").json == []
    assert run("export", "examples", "--out", tmp_path / "examples.jsonl").code == 0
    assert (tmp_path / "examples.jsonl").read_text() == ""
    assert _ask(run)["origin"] != "verified_query"
    said = run("runs", "replay", run_id)
    assert (said.code, "cannot be read any more" in said.err.replace("\n ", "")) == (2, True)


def test_proofs_and_reviews_outlive_the_key(private: Path, model: ScriptedModel, run: Run, tmp_path: Path) -> None:
    model.script[QUESTION] = SQL
    run_id = _ask(run)["run_id"]
    run("identity", "create", "reviewer")
    assert run("review", "accept", run_id, "--as", "reviewer", "--reason", "Quagga0815").code == 0
    before = tmp_path / "before"
    before.mkdir()
    for name, more in (("open", ()), ("sealed", ("--sealed",))):
        assert run("audit", "export", run_id, "-o", before / f"{name}.json", *more).code == 0
    assert all(word in (before / "open.html").read_text() for word in ("Bottom-Dollar", "Quagga0815"))
    assert not any(word in (before / "sealed.html").read_text() for word in WORDS)
    keys = run("identity", "list", "--format", "json").json
    key = next(each["public_key"] for each in keys if each["roles"] == ["workspace"])
    assert run("privacy", "erase", "analyst", "--yes").code != 0
    erased = run("privacy", "erase", "analyst", "--yes", "--as", "reviewer")
    assert (erased.code, "1 bundle of evidence" in erased.out) == (0, True)
    assert run("review", "revoke", run_id, "--as", "reviewer", "--reason-code", "outdated").code == 0
    assert run("audit", "export", run_id, "-o", tmp_path / "e.json").code == 0
    judged = run("audit", "verify", tmp_path / "e.html", "--key", key, "--json").json
    assert (judged["ok"], judged["reviews"]) == (True, 2)
    page = (tmp_path / "e.html").read_text()
    assert not any(word in page for word in WORDS)
    assert page.count("[erased, or not disclosed]") > 5
    assert "nothing was found" not in page
    for name in ("open.json", "open.html", "sealed.json", "sealed.html"):
        assert run("audit", "verify", before / name, "--key", key, "--json").json["ok"] is True
    # A key that was changed, or put beside records that it does not read, is found.
    bundle = json.loads((before / "open.json").read_text())
    for keys_beside in (
        {run_id: "00" * 32},
        {"other": "00" * 32},
        {run_id: bundle["disclosed"][run_id].upper()},
        {run_id: 1},
        [],
    ):
        (tmp_path / "changed.json").write_bytes(canonical_bytes({**bundle, "disclosed": keys_beside}))
        assert run("audit", "verify", tmp_path / "changed.json", "--key", key).code == 1
    (tmp_path / "proof.json").write_text(run("audit", "proof", run_id).out)
    assert run("audit", "check", tmp_path / "proof.json", "--key", key).code == 0
    assert run("audit", "verify").code == 0


def test_the_log_loses_the_runs_lines_and_no_others(tmp_path: Path) -> None:
    log = tmp_path / "affidavit.log"
    lines = [{"run_id": "r1", "event": "Zebra"}, {"run_id": "r2", "event": "kept"}, {"event": "kept"}, ["kept"]]
    log.write_text("".join(f"{json.dumps(each)}\n" for each in lines) + "no JSON\n")
    writing = log.open("a")
    _drop_lines(log, {"r1"})
    writing.write("later\n")
    writing.close()
    assert log.read_text().count("\n") == 5
    assert "Zebra" not in log.read_text()
    _drop_lines(tmp_path / "none.log", {"r1"})


def test_nothing_can_be_added_that_speaks_of_an_erased_subject(private: Path, model: ScriptedModel, run: Run) -> None:
    model.script[QUESTION] = SQL
    run_id = _ask(run)["run_id"]
    run("privacy", "erase", "analyst", "--yes")
    with (
        open_ledger(load_settings(private), create=False) as ledger,
        pytest.raises(RecordRefusedError, match="is gone"),
    ):
        ledger.append("run.replayed", {"sql": "SELECT 1"}, run_id=run_id)
    assert run("privacy", "erase", "analyst", "--yes").code == 2
    assert run("privacy", "erase", "nobody", "--yes").code == 2
    assert run("privacy", "erase", "nobody").code == 2
    again = _ask(run)  # the same name begins anew, under another key
    assert run("runs", "show", again["run_id"], "--format", "json").json["question"] == QUESTION
    assert len(run("privacy", "subjects", "--format", "json").json) == 2
