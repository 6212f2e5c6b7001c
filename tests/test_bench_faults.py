"""The fault benchmark: it breaks what it says, counts what it sees, and puts faults through the real agent."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
import sqlglot
from fixtures_eval_model import scripted_model
from fixtures_warehouse import Built, sqlite_demo  # noqa: F401

from agent.settings import Settings
from bench.safety.faults.__main__ import _verdict
from bench.safety.faults.injectors import INJECTORS, Broken, Material
from bench.safety.faults.names import misnamed, misspelt
from bench.safety.faults.place import opened_place
from bench.safety.faults.report import figures, table
from bench.safety.faults.trial import Trial, asked, correct_statements, statement_trials

RIGHT = (
    "SELECT Customers.Country, STRFTIME('%Y', OrderDate) AS year, 1.0 * SUM(Quantity) / COUNT(*) AS per_line "
    "FROM Orders JOIN order_details ON order_details.OrderID = Orders.OrderID "
    "JOIN Customers ON Customers.CustomerID = Orders.CustomerID "
    "WHERE Customers.Country <> 'Germany' AND OrderDate >= '2023-01-01' AND Orders.CustomerID <> 'X' "
    "GROUP BY Customers.Country, year HAVING COUNT(*) > 1 ORDER BY per_line DESC LIMIT 5"
)


@pytest.mark.parametrize("name", INJECTORS)
def test_every_class_breaks_a_statement_that_has_what_it_needs(name: str, sqlite_demo: Built) -> None:  # noqa: F811
    material = Material(RIGHT, "sqlite", sqlite_demo.catalog)
    made = [INJECTORS[name](material, random.Random(seed)) for seed in range(6)]
    broken = [each for each in made if each is not None and each.reply != RIGHT]
    assert len(broken) >= 4
    one_place = name in ("aggregate_in_where", "integer_division")
    assert len({each.reply for each in broken}) > (0 if one_place else 1)
    again = [INJECTORS[name](material, random.Random(seed)) for seed in range(6)]
    assert again == made
    assert sqlglot.parse_one(material.sql, dialect="sqlite").sql("sqlite") == RIGHT, "the right statement was changed"


def test_a_slip_is_another_name_and_near() -> None:
    for seed in range(50):
        slip = misspelt("ShippedDate", random.Random(seed))
        assert slip[0] == "S"
        assert abs(len(slip) - len("ShippedDate")) <= 1
    assert len({misnamed("UnitPrice", "Products", random.Random(seed)) for seed in range(50)}) > 8


TRIAL = Trial(
    "renamed_column", "sqlite", "repaired", True, "answered", "", "q", "SELECT 1", "SELECT 2", "SELECT 1", "m", 0.1
)


def test_the_figures_are_counts_and_the_exit_code_is_the_promise(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = replace(TRIAL, fate="mis-repaired", noticed=False)
    trials = [TRIAL] * 190 + [replace(TRIAL, fate="honest", engine="duckdb")] * 8 + [wrong] * 2
    report = figures([*trials, replace(TRIAL, fault="lock")])
    assert report["all"]["faults"] == 201
    assert report["statements"]["repaired"]["count"] == 190
    assert report["statements"]["unnoticed"]["count"] == 2
    assert report["classes"]["renamed_column"]["engines"]["duckdb"] == {
        "faults": 8,
        "repaired": 0,
        "mis_repaired": 0,
        "unnoticed": 0,
        "honest": 8,
    }
    assert "190/2/0" in table(report, ["sqlite", "duckdb"])
    assert _verdict(report, "table") == 0
    assert "held" in capsys.readouterr().out
    assert _verdict(figures([*trials, wrong]), "table") == 1


def test_faults_go_through_the_whole_agent(tmp_path: Path) -> None:
    pair = {"question": "How many orders are there?", "sql": "SELECT COUNT(*) AS orders FROM Orders"}
    with opened_place("sqlite", tmp_path, orders=30) as place:
        rights = list(correct_statements(place, [pair, {**pair, "sql": "SELECT Absent FROM Orders"}]))
        assert [right.sql for right in rights] == [pair["sql"]]
        trials = list(
            statement_trials(
                place, rights, classes=["misspelt_table", "truncated"], each=2, seed=1, progress=lambda _: None
            )
        )
        assert {trial.fate for trial in trials if trial.fault == "misspelt_table"} <= {"repaired", "honest"}
        assert place.script.asked > 0
        records = {record.kind for record in place.services.ledger.records()}
        assert {"run.repaired", "run.answered"} <= records


def test_a_model_is_asked_for_what_rules_leave(tmp_path: Path) -> None:
    question, sql = "How many orders are there?", "SELECT COUNT(*) AS orders FROM Orders"
    with scripted_model() as model:
        model.script = {question: sql}
        repairing = {"provider": "compatible", "name": "repairing", "base_url": model.url}
        repairer = Settings.model_validate({"workspace": tmp_path, "model": repairing})
        with opened_place("sqlite", tmp_path, orders=30, repairer=repairer) as place:
            mended = asked(place, question, Broken("SELECT COUNT(*) AS orders FROM Zebras"))
    assert (mended.status, mended.rows) == ("answered", ((30,),))
    assert len(model.prompts) == 1, "the draft was the script's, and its repair this model's"
