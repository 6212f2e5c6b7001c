"""`eval predict` over the real agent, with a model whose words are scripted: one line per question, come what may."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures_eval import build_warehouse
from fixtures_eval_model import ScriptedModel, scripted_model

from agent.errors import UsageError
from agent.settings import Settings, load_settings
from finetune.evaluation.evaluate import EvalOptions
from finetune.evaluation.pack import PackQuestion
from finetune.evaluation.predict import PredictOptions, predict, read_questions
from finetune.evaluation.side_workspace import OpenWarehouses, Target, warehouse_url

FIELDS = ["id", "question", "sql", "status", "confidence", "origin", "error_class", "latency_ms", "run_id"]
METRICS = """\
version: 1
calendar: {time_column: sales.day, as_of: "2024-12-31"}
metrics:
  - {id: revenue, name: Revenue, description: Money taken., formula: sum of amounts, sql: SUM(sales.amount),
     base: sales, tables: [sales], time: sales.day, time_dependent: true, unit: USD, owner: shop, version: 1}
"""


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with scripted_model() as served:
        yield served


@pytest.fixture
def settings(tmp_path: Path, model: ScriptedModel) -> Settings:
    folder = tmp_path / "workspace"
    folder.mkdir()
    build_warehouse(folder).close()
    (folder / "metrics.yaml").write_text(METRICS, encoding="utf-8")
    (folder / "policy.yaml").write_text("version: 1\n", encoding="utf-8")
    (folder / "affidavit.toml").write_text(
        f"""
[warehouse]
url = "sqlite:///shop.sqlite"
[model]
provider = "compatible"
name = "scripted"
base_url = "{model.url}"
samples = 1
[memory]
compile_plain = false
""",
        encoding="utf-8",
    )
    return load_settings(folder)


def ask_file(folder: Path, *lines: dict[str, Any]) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


COUNT = {"id": 1, "question": "How many sales were there?"}
TOTAL = {"id": "two", "question": "What was the revenue?"}


def test_every_question_gets_its_line(settings: Settings, model: ScriptedModel, tmp_path: Path) -> None:
    model.script = {
        COUNT["question"]: "SELECT COUNT(*) FROM sales",
        TOTAL["question"]: "SELECT SUM(amount) FROM sales",
    }
    questions = ask_file(tmp_path, COUNT, {"id": 3, "question": ""}, TOTAL, {"id": 4, "question": "Sales by planet?"})
    out = tmp_path / "out" / "predicted.jsonl"
    seen: list[tuple[int, int]] = []
    report = predict(
        settings, PredictOptions(questions, out), progress=lambda done, total, what: seen.append((done, total))
    )
    lines = written(out)
    assert [line["id"] for line in lines] == [1, 3, "two", 4]
    assert all(list(line) == FIELDS for line in lines)
    assert lines[0]["status"] == "answered"
    assert "COUNT(*)" in lines[0]["sql"]
    assert lines[1]["error_class"] == "empty_question"
    assert lines[3]["status"] in {"abstained", "failed", "needs_clarification"}
    assert all(line["run_id"] for line in lines), "every one of them is a run on the record"
    assert all(line["latency_ms"] > 0 for line in lines)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (report.total, report.resumed, sum(report.statuses.values())) == (4, 0, 4)


def test_direct_is_one_plain_prompt(settings: Settings, model: ScriptedModel, tmp_path: Path) -> None:
    model.script = {COUNT["question"]: "SELECT COUNT(*) FROM sales"}
    out = tmp_path / "direct.jsonl"
    predict(settings, PredictOptions(ask_file(tmp_path, COUNT), out, direct=True))
    assert written(out)[0]["status"] == "answered"
    assert len(model.prompts) == 1
    assert "Revenue" not in json.dumps(model.prompts), "the control is not told the metrics"


def test_a_stopped_file_is_gone_on_with(settings: Settings, model: ScriptedModel, tmp_path: Path) -> None:
    model.script = {COUNT["question"]: "SELECT COUNT(*) FROM sales"}
    out = tmp_path / "out.jsonl"
    predict(settings, PredictOptions(ask_file(tmp_path, COUNT), out))
    first = out.read_text(encoding="utf-8")
    out.write_text(first + '{"id": "two", "question": "What w', encoding="utf-8")
    model.prompts.clear()
    report = predict(settings, PredictOptions(ask_file(tmp_path, COUNT, TOTAL), out))
    assert (report.total, report.resumed) == (2, 1)
    assert out.read_text(encoding="utf-8").startswith(first), "lines that were there are left alone"
    assert [line["id"] for line in written(out)] == [1, "two"]
    assert not any(COUNT["question"] in prompt[-1]["content"] for prompt in model.prompts)
    assert predict(settings, PredictOptions(ask_file(tmp_path, COUNT, TOTAL), out)).resumed == 2


def test_answers_to_other_questions_are_not_mixed_in(settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    other = {"id": 1, "question": "Another one?", "sql": "SELECT 1", "status": "answered"}
    out.write_text(json.dumps(other) + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match="not in the question file"):
        predict(settings, PredictOptions(ask_file(tmp_path, COUNT), out))


def test_the_question_file_itself_is_no_place_for_answers(settings: Settings, tmp_path: Path) -> None:
    questions = ask_file(tmp_path, COUNT)
    before = questions.read_bytes()
    with pytest.raises(UsageError, match="line 1, is no prediction"):
        predict(settings, PredictOptions(questions, questions))
    assert questions.read_bytes() == before


def test_a_line_may_name_its_own_database(settings: Settings, model: ScriptedModel, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "library.sqlite") as connection:
        connection.execute("CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT)")
        connection.execute("INSERT INTO books (title) VALUES ('Emma'), ('Persuasion')")
    connection.close()
    books = {"id": "b", "question": "How many books are there?", "db": "library.sqlite"}
    absent = {"id": "x", "question": "How many books are there?", "db": "absent.sqlite"}
    model.script = {
        COUNT["question"]: "SELECT COUNT(*) FROM sales",
        books["question"]: "SELECT COUNT(*) FROM books",
    }
    out = tmp_path / "out.jsonl"
    report = predict(settings, PredictOptions(ask_file(tmp_path, books, COUNT, absent, {**books, "id": "c"}), out))
    lines = {line["id"]: line for line in written(out)}
    assert lines["b"]["status"] == lines["c"]["status"] == lines[1]["status"] == "answered"
    assert (lines["x"]["status"], lines["x"]["error_class"]) == ("failed", "warehouse_url")
    assert "do not fit" in report.notes[0], "the shop's metrics say nothing about books, and that is said"
    assert len(report.notes) == 1


def test_runs_on_other_databases_are_on_the_workspaces_ledger(
    settings: Settings, model: ScriptedModel, tmp_path: Path
) -> None:
    from agent.services import open_ledger

    build_warehouse(tmp_path).close()
    model.script = {COUNT["question"]: "SELECT COUNT(*) FROM sales"}
    out = tmp_path / "out.jsonl"
    predict(settings, PredictOptions(ask_file(tmp_path, COUNT), out, warehouse=str(tmp_path / "shop.sqlite")))
    run_id = written(out)[0]["run_id"]
    ledger = open_ledger(settings)
    try:
        kinds = [record.kind for record in ledger.records(run_id=run_id)]
    finally:
        ledger.close()
    assert kinds[0] == "run.started"
    assert kinds[-1] == "run.answered"


def test_nothing_learnt_of_another_database_outlives_the_command(
    settings: Settings, model: ScriptedModel, tmp_path: Path
) -> None:
    """A value read while the policy allowed it must not lie about when the policy no longer does."""
    with sqlite3.connect(tmp_path / "library.sqlite") as connection:
        connection.execute("CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT)")
        connection.execute("INSERT INTO books (title) VALUES ('Persuasion'), ('Emma')")
    connection.close()
    books = {"id": "b", "question": "How many books are called Persuasion?", "db": "library.sqlite"}
    model.script = {books["question"]: "SELECT COUNT(*) FROM books WHERE title = 'Persuasion'"}
    folder = settings.state_dir / "predict"
    left = folder / "0123456789abcdef"  # of a command that was killed
    left.mkdir(parents=True)
    (left / "values.json").write_text('["Persuasion"]', encoding="utf-8")
    with OpenWarehouses(settings) as at_work:
        at_work.services(Target(warehouse_url("library.sqlite", tmp_path)))
        assert b"Persuasion" in learnt(folder)
        assert not left.exists()
        predict(settings, PredictOptions(ask_file(tmp_path, books), tmp_path / "open.jsonl"))
        assert b"Persuasion" in learnt(folder), "a command leaves the folder of another alone while that is at work"
    assert b"Persuasion" not in learnt(folder)
    assert written(tmp_path / "open.jsonl")[0]["status"] == "answered"
    (settings.workspace / "policy.yaml").write_text("columns: {deny: [books.title]}\n", encoding="utf-8")
    with OpenWarehouses(settings) as opened:
        opened.services(Target(warehouse_url("library.sqlite", tmp_path)))
        assert learnt(folder)
        assert b"Persuasion" not in learnt(folder)
    predict(settings, PredictOptions(ask_file(tmp_path, books), tmp_path / "denied.jsonl"))
    assert written(tmp_path / "denied.jsonl")[0]["status"] != "answered"


def learnt(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_evidence_is_a_note_of_its_question_alone(settings: Settings, model: ScriptedModel, tmp_path: Path) -> None:
    told = {**COUNT, "evidence": "a sale is one row of sales"}
    model.script = {COUNT["question"]: "SELECT COUNT(*) FROM sales", TOTAL["question"]: "SELECT SUM(amount) FROM sales"}
    predict(settings, PredictOptions(ask_file(tmp_path, told, TOTAL), tmp_path / "out.jsonl"))
    with_evidence = [prompt for prompt in model.prompts if "a sale is one row" in json.dumps(prompt)]
    assert with_evidence
    assert all(COUNT["question"] in prompt[-1]["content"] for prompt in with_evidence)
    model.prompts.clear()
    predict(settings, PredictOptions(ask_file(tmp_path, told), tmp_path / "direct.jsonl", direct=True))
    assert "a sale is one row" in model.prompts[0][-1]["content"]
    assert written(tmp_path / "direct.jsonl")[0]["question"] == COUNT["question"]


def test_other_metrics_for_the_same_warehouse(settings: Settings, model: ScriptedModel, tmp_path: Path) -> None:
    metrics = tmp_path / "other.yaml"
    metrics.write_text(METRICS.replace("Revenue", "Turnover"), encoding="utf-8")
    model.script = {"turnover": "SELECT SUM(amount) FROM sales"}
    question = {"id": 1, "question": "What was the turnover?"}
    predict(settings, PredictOptions(ask_file(tmp_path, question), tmp_path / "out.jsonl", metrics=metrics))
    assert "Turnover: SUM" in json.dumps(model.prompts)
    broken = tmp_path / "broken.yaml"
    broken.write_text("metrics: [{id: x}]", encoding="utf-8")
    predict(settings, PredictOptions(ask_file(tmp_path, question), tmp_path / "b.jsonl", metrics=broken))
    assert written(tmp_path / "b.jsonl")[0]["error_class"] == "semantics"
    with pytest.raises(UsageError, match="no metrics file"):
        predict(settings, PredictOptions(ask_file(tmp_path, question), tmp_path / "c.jsonl", metrics=tmp_path / "d"))


def test_evaluating_the_workspace_itself(settings: Settings, model: ScriptedModel, tmp_path: Path) -> None:
    from agent.services import open_services
    from finetune.evaluation.figures import figures_of
    from finetune.evaluation.workspace import evaluate_workspace, keep_figures

    pack = (
        PackQuestion("a", "How many sales were there?", "SELECT COUNT(*) FROM sales", "simple"),
        PackQuestion("b", "What was the revenue in 2024?", "SELECT SUM(amount) FROM sales", "simple"),
    )
    model.script = {pack[0].question: pack[0].sql, pack[1].question: "SELECT SUM(amount) / 2 FROM sales"}
    with open_services(settings) as services:
        report = evaluate_workspace(services, pack, EvalOptions(attempts_file=tmp_path / "attempts.jsonl"))
    direct = report.of_mode("direct")
    assert [attempt.right for attempt in direct] == [True, False]
    assert report.of_mode("agent")[0].right
    assert not report.of_mode("agent")[1].right
    assert (report.subject.model, report.subject.adapter) == ("scripted", "")
    assert len(report.subject.catalog_fingerprint) == 64
    assert "total" in figures_of(report).modes[0].stages
    assert keep_figures(report, settings.state_dir) is None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("nonsense", "line 2: not JSON"),
        ('{"question": "x"}', "line 2: `id`"),
        ('{"id": true, "question": "x"}', "line 2: `id`"),
        ('{"id": "", "question": "x"}', "line 2: `id`"),
        ('{"id": 2}', "line 2: `question`"),
        ('{"id": 2, "question": 3}', "line 2: `question`"),
        ('{"id": 2, "question": "x", "db": 3}', "line 2: `db`"),
        ('{"id": 2, "question": "x", "evidence": []}', None),
        ('{"id": 2, "question": "x", "evidence": ["y"]}', "line 2: `evidence`"),
        ('{"id": 1, "question": "x"}', "line 2: the id 1 was used before"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, problem: str | None) -> None:
    path = ask_file(tmp_path, COUNT)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    if problem is None:
        assert len(read_questions(path)) == 2
        return
    with pytest.raises(UsageError, match=problem):
        read_questions(path)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("shop.sqlite", "sqlite:////data/shop.sqlite"),
        ("/else/shop.db", "sqlite:////else/shop.db"),
        ("shop.duckdb", "duckdb:////data/shop.duckdb"),
        ("sqlite:///shop.sqlite", "sqlite:////data/shop.sqlite"),
        ("sqlite:////else/shop.sqlite", "sqlite:////else/shop.sqlite"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
    ],
)
def test_a_database_is_named_by_url_or_path(text: str, url: str) -> None:
    assert warehouse_url(text, Path("/data")) == url
