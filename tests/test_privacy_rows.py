"""No row of a result gets onto the record unless the policy says so: not as itself, and not in other records' words."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fixtures_cli import COUNT, REVENUE, Run, built_workspace, model, plain_environment, run, workspace
from fixtures_eval_model import ScriptedModel
from fixtures_steps import Bench, bench, layer, sqlite_demo
from fixtures_warehouse import Built, built, opened

from agent.errors import ErrorClass
from agent.run import Draft
from agent.services import workspace_name
from agent.settings import load_settings
from agent.warehouse.errors import without_values
from agent.warehouse.shape import shape_of
from audit.ledger import Ledger
from audit.record import Record

NAMES = "List the contact names of the customers"
NAMES_SQL = "SELECT ContactName, Phone FROM Customers ORDER BY ContactName"


def _records(workspace: Path) -> list[Record]:
    settings = load_settings(workspace)
    with Ledger.open(settings.ledger_url, workspace=workspace_name(settings), create=False) as ledger:
        return list(ledger.records())


def _answered(records: list[Record]) -> dict[str, Any]:
    return [each.body for each in records if each.kind == "run.answered"][-1]


def test_no_value_of_a_result_is_in_any_record(workspace: Path, model: ScriptedModel, run: Run) -> None:
    model.script[NAMES] = NAMES_SQL
    rows = [row for question in (NAMES, REVENUE) for row in run("ask", question, "--format", "json").json["rows"]]
    values = {str(value) for row in rows for value in row if len(str(value)) > 3}
    assert len(values) > 20
    stored = b"".join(each.payload for each in _records(workspace))
    assert [value for value in values if value.encode() in stored] == []
    assert "rows" not in _answered(_records(workspace))


@pytest.mark.parametrize("encrypt", ["none", "subject"])
def test_the_policy_has_the_first_rows_kept(workspace: Path, model: ScriptedModel, run: Run, encrypt: str) -> None:
    (workspace / "policy.yaml").write_text(f"version: 1\nrecord: {{rows: 2, encrypt: {encrypt}}}\n")
    model.script[NAMES] = NAMES_SQL
    asked = run("ask", NAMES, "--format", "json").json
    kept = run("runs", "show", asked["run_id"], "--format", "json").json["records"][-1]["body"]["rows"]
    assert kept == asked["rows"][:2]
    stored = b"".join(each.payload for each in _records(workspace))
    assert (str(asked["rows"][0][0]).encode() in stored) is (encrypt == "none")
    assert str(asked["rows"][2][0]).encode() not in stored


@pytest.mark.parametrize("record", ["{rows: 0}", "{rows: all}", "{encrypt: yes}", "{keep: 1}", "{rows: -1}"])
def test_a_wrong_rule_about_the_record_is_told(workspace: Path, run: Run, record: str) -> None:
    (workspace / "policy.yaml").write_text(f"version: 1\nrecord: {record}\n")
    refused = run("ask", COUNT)
    assert (refused.code, "record" in refused.err) == (2, True)


def test_a_subject_without_encryption_is_a_usage_error(workspace: Path, model: ScriptedModel, run: Run) -> None:
    refused = run("ask", COUNT, "--subject", "somebody")
    assert (refused.code, "--subject" in refused.err) == (2, True)


def test_a_databases_words_do_not_tell_a_cell(built: Built) -> None:
    """PostgreSQL and DuckDB quote the value that they could not convert."""
    names = {each: f'"{each}"' if built.dialect == "postgres" else each for each in ("CompanyName", "Customers")}
    with opened(built) as warehouse:
        told = warehouse.execute("SELECT CAST({CompanyName} AS INTEGER) FROM {Customers}".format(**names))
        values = warehouse.execute("SELECT {CompanyName} FROM {Customers}".format(**names)).result
    assert values is not None
    if told.error is None:  # SQLite and MariaDB convert what they can
        return
    assert told.error.error_class == "type_mismatch"
    assert not any(str(row[0]) in told.error.message for row in values.rows)


@pytest.mark.parametrize(
    ("message", "error_class", "expected"),
    [
        (
            'invalid input syntax for type integer: "Jane Roe"',
            "type_mismatch",
            "invalid input syntax for type integer: …",
        ),
        ("Could not convert string 'O''Hara' to INT32", "type_mismatch", "Could not convert string … to INT32"),
        ("value 3000000000 can't be cast to INT8", "type_mismatch", "value … can't be cast to INT8"),
        ('invalid input syntax for type date: "soon"', "type_mismatch", 'invalid input syntax for type date: "soon"'),
        ('column "Jane Roe" does not exist', "unknown_column", 'column "Jane Roe" does not exist'),
    ],
)
def test_values_are_taken_out_of_messages_and_the_statements_own_words_are_not(
    message: str, error_class: str, expected: str
) -> None:
    assert without_values(message, ErrorClass(error_class), "SELECT CAST('soon' AS date), x FROM t") == expected


def test_a_finding_does_not_tell_the_value_that_it_is_about(bench: Bench) -> None:
    from fixtures_steps import grounded

    from agent.run import Outcome, Result
    from agent.steps.check import check
    from memory.linking import Linker
    from memory.values import ValueIndex

    sql = "SELECT SUM(UnitPrice * Quantity * (1 - Discount)) AS revenue FROM order_details"
    services = bench.services
    linker = Linker(services.catalog, services.layer, ValueIndex(services.catalog, services.layer))
    findings = check(
        "Sales revenue", sql, Result(("revenue",), ((-4711.25,),)), catalog=services.catalog, joins=services.joins,
        layer=services.layer, grounding=grounded("Sales revenue", linker), dialect="sqlite",
    )  # fmt: skip
    told = [each for each in findings if each.check == "implausible"]
    assert told
    assert not any("4711" in f"{each.message}{each.evidence}" for each in findings)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "SELECT COUNT(*) AS zebra FROM Orders AS quagga WHERE ShipCountry = 'Zebra' AND Freight > 4711 /* zebra */",
            "SELECT COUNT(*) AS x FROM Orders AS x WHERE ShipCountry = ? AND Freight > ?",
        ),
        ("WITH zebra AS (SELECT 1) SELECT * FROM zebra", "WITH x AS (SELECT ?) SELECT * FROM x"),
        ("SELECT 'zebra' (", ""),
    ],
)
def test_a_shape_has_no_literal_and_no_name_of_its_own(sql: str, expected: str, sqlite_demo: Built) -> None:
    assert shape_of(sql, "sqlite", sqlite_demo.catalog) == expected


def test_the_shape_stands_in_the_clear(workspace: Path, model: ScriptedModel, run: Run) -> None:
    (workspace / "policy.yaml").write_text("version: 1\nrecord: {encrypt: subject}\n")
    run("ask", REVENUE)
    guarded = next(each for each in _records(workspace) if each.kind == "run.guarded")
    assert "OrderDate >= ?" in guarded.body["shape"]
    assert "2023" not in guarded.body["shape"]
    assert str(guarded.body["sql"]).startswith("affidavit:sealed:1:")
