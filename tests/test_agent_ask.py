"""Whole runs over the demo workspace: the real graph, ledger, memory and warehouse, and a provider with a script."""

from __future__ import annotations

import json
import math
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fixtures_agent import Reply, ScriptedProvider, scripted_provider
from structlog.testing import capture_logs

from agent.ask import StepEvent, ask
from agent.errors import AffidavitError, AuditUnavailableError, ErrorClass, FailedError, RefusedError, UsageError
from agent.model.connect import connect_model
from agent.model.connection import Connection
from agent.run import Answer, RunStatus
from agent.services import Services, open_ledger, open_services
from agent.settings import Settings, load_settings
from audit.errors import LedgerUnavailable
from audit.identity import Keyring, create_identity
from audit.record import Entry, Record
from audit.review import submit_review
from audit.runs import get_run, list_runs
from audit.verify import verify
from demo.workspace import create
from finetune.adapters.registry import with_model
from memory.verified import VerifiedQuery, dependencies

REVENUE = (
    "SELECT Categories.CategoryName,"
    " SUM(order_details.UnitPrice * order_details.Quantity * (1 - order_details.Discount)) AS SalesRevenue"
    " FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID"
    " JOIN Products ON order_details.ProductID = Products.ProductID"
    " JOIN Categories ON Products.CategoryID = Categories.CategoryID"
    " WHERE Orders.OrderDate >= '2023-01-01' AND Orders.OrderDate < '2024-01-01'"
    " GROUP BY Categories.CategoryName ORDER BY SalesRevenue DESC LIMIT 1"
)
QUESTION = "Which product category had the highest sales revenue in 2023?"
COUNT = "SELECT COUNT(*) AS orders FROM Orders"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo workspace that has been synced once; each test gets a copy."""
    folder = tmp_path_factory.mktemp("template") / "demo"
    create(folder)
    with open_services(load_settings(folder), warm_up=False):
        pass
    return folder


@dataclass
class Workspace:
    folder: Path
    provider: ScriptedProvider

    def settings(self, **sections: dict[str, Any]) -> Settings:
        """The script decides what is drafted, so nothing is compiled unless a test says so."""
        memory = {"compile_plain": False, **sections.pop("memory", {})}
        model = {
            "provider": "compatible",
            "name": "scripted",
            "base_url": self.provider.url,
            "timeout_s": 10,
            **sections.pop("model", {}),
        }
        return load_settings(self.folder, {"model": model, "memory": memory, **sections})

    def ask(self, question: str, *, direct: bool = False, asker: str = "asker", **sections: dict[str, Any]) -> Answer:
        with open_services(self.settings(**sections)) as services:
            return ask(services, question, asker=asker, direct=direct)

    def kinds(self, run_id: str) -> list[str]:
        with open_ledger(self.settings(), create=False) as ledger:
            return [record.kind for record in get_run(ledger, run_id).records]

    def bodies(self, run_id: str, kind: str) -> list[dict[str, Any]]:
        with open_ledger(self.settings(), create=False) as ledger:
            return [record.body for record in get_run(ledger, run_id).of_kind(kind)]


@pytest.fixture
def workspace(template: Path, tmp_path: Path) -> Iterator[Workspace]:
    folder = tmp_path / "ws"
    shutil.copytree(template, folder)
    with scripted_provider() as provider:
        yield Workspace(folder, provider)


def test_an_answer_and_everything_that_led_to_it_is_on_the_record(workspace: Workspace) -> None:
    workspace.provider.say(REVENUE)
    steps: list[StepEvent] = []
    with open_services(workspace.settings()) as services:
        answer = ask(services, QUESTION, asker="asker", on_step=steps.append)
    assert answer.status is RunStatus.ANSWERED, answer
    assert answer.columns == ("CategoryName", "SalesRevenue")
    assert answer.row_count == 1
    assert answer.error is None
    assert answer.origin == "model"
    assert answer.model == "scripted"
    hesitation = min(1.5, -math.log(0.9) * len(REVENUE.split()))
    assert answer.confidence == pytest.approx(1 - 1 / (1 + 20 * math.exp(-1.2 * hesitation)))
    assert any("Sales Revenue is taken as SUM(" in said for said in answer.assumptions)
    assert any("2023-01-01" in said for said in answer.assumptions)
    assert [event.step for event in steps] == [
        "recall",
        "ground",
        "clarify",
        "generate",
        "guard",
        "execute",
        "check",
        "answer",
    ]
    assert all(event.elapsed_ms >= 0 for event in steps)
    assert set(answer.timings_ms) - {"model_start"} == {"open", "estimate", *(event.step for event in steps), "total"}
    assert workspace.kinds(answer.run_id) == [
        "run.started", "run.grounded", "run.drafted", "run.drafted", "run.drafted", "run.guarded", "run.guarded",
        "run.guarded", "run.intent", "run.outcome", "run.checked", "run.answered",
    ]  # fmt: skip
    (told,) = workspace.bodies(answer.run_id, "run.answered")
    (outcome,) = workspace.bodies(answer.run_id, "run.outcome")
    assert told["result_fingerprint"] == outcome["result_fingerprint"] != ""
    assert "rows" not in told
    assert {json.dumps(body["prompt_hash"]) for body in workspace.bodies(answer.run_id, "run.drafted")} != {'""'}
    json.dumps(answer.to_json())


def test_the_stages_of_a_run_add_up_to_its_total(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening counts, and so does the model's start, but the start is not taken for time spent drafting."""
    connect = connect_model

    def slow_start(*given: Any) -> Connection:
        time.sleep(0.6)
        return connect(*given)

    monkeypatch.setattr("agent.model.connect.connect_model", slow_start)
    workspace.provider.say(COUNT)
    with open_services(workspace.settings(), warm_up=False) as services:
        first = ask(services, "How many orders are there?", asker="analyst", opened_ms=5000.0).timings_ms
        second = ask(services, "How many products are there?", asker="analyst").timings_ms
    assert first["open"] > 5000
    assert 600 <= first["model_start"] < 1500
    assert first["generate"] < 600
    assert sum(first.values()) - first["total"] == pytest.approx(first["total"], abs=400)
    assert second["open"] < 1000
    assert "model_start" not in second


def test_the_model_is_asked_greedily_once_and_for_all_samples_in_one_batch(workspace: Workspace) -> None:
    workspace.provider.say(COUNT)
    workspace.ask("How many orders are there?")
    first, second = workspace.provider.requests
    assert (first["temperature"], first.get("n")) == (0.0, None)
    assert (second["temperature"], second["n"]) == (0.5, 2)
    assert first["messages"] == second["messages"]


def test_the_majority_of_results_wins_and_disagreement_costs_confidence(workspace: Workspace) -> None:
    wrong = "SELECT COUNT(*) + 1 AS orders FROM Orders"
    workspace.provider.replies = [Reply((wrong,)), Reply((COUNT, "SELECT COUNT(OrderID) AS n FROM Orders"))]
    answer = workspace.ask("How many orders are there?", limits={"min_confidence": 0.5})
    assert answer.status is RunStatus.ANSWERED
    assert answer.rows == ((830,),)
    hesitation = -math.log(0.9) * len(COUNT.split())
    assert answer.confidence == pytest.approx(1 - 1 / (1 + 20 * math.exp(-1.2 * hesitation - 1.2)))


def test_a_plain_question_is_compiled_and_the_model_asked_once_beside_it(workspace: Workspace) -> None:
    workspace.provider.say(REVENUE)
    answer = workspace.ask(QUESTION, memory={"compile_plain": True})
    assert (answer.status, answer.origin, answer.model) == (RunStatus.ANSWERED, "compiled", "semantic layer")
    assert [row[0] for row in answer.rows] == ["Beverages"]
    assert answer.confidence == pytest.approx(0.99)
    assert len(workspace.provider.requests) == 1
    compiled, written = workspace.bodies(answer.run_id, "run.drafted")
    assert (compiled["origin"], written["origin"]) == ("compiled", "model")
    read = {pair["words"].casefold() for pair in compiled["readings"]}
    assert any("sales revenue" in words for words in read)


def test_where_the_model_differs_the_compiled_draft_stands_with_less_confidence(workspace: Workspace) -> None:
    workspace.provider.say(REVENUE.replace("2023", "2022").replace("2024", "2023"))
    answer = workspace.ask(QUESTION, memory={"compile_plain": True})
    assert answer.origin == "compiled"
    assert answer.confidence == pytest.approx(6 / 7)
    assert any("model's own draft gave other rows" in said for said in answer.assumptions)


def test_a_compiled_answer_need_not_wait_for_the_model(workspace: Workspace) -> None:
    answer = workspace.ask(QUESTION, memory={"compile_plain": True, "confirm_compiled": False})
    assert (answer.status, answer.origin) == (RunStatus.ANSWERED, "compiled")
    assert [row[0] for row in answer.rows] == ["Beverages"]
    assert answer.confidence == pytest.approx(0.95)
    assert workspace.provider.requests == []


NEARLY = "Which product category zoomed past with the highest sales revenue in 2023?"


def test_a_question_read_but_for_some_words_gives_one_more_voter(workspace: Workspace) -> None:
    workspace.provider.replies = [Reply((REVENUE,)), Reply((REVENUE, REVENUE))]
    answer = workspace.ask(NEARLY, memory={"compile_plain": True, "confirm_compiled": False})
    assert (answer.status, answer.origin) == (RunStatus.ANSWERED, "compiled")
    assert answer.confidence == pytest.approx(0.98)
    assert any("without its words “zoomed past”" in said for said in answer.assumptions)
    assert workspace.bodies(answer.run_id, "run.drafted")[0]["left_out"] == "zoomed past"


def test_alone_it_answers_nothing(workspace: Workspace) -> None:
    other = REVENUE.replace("2023", "2022").replace("2024", "2023")
    workspace.provider.replies = [Reply((other,)), Reply((other, other))]
    answer = workspace.ask(NEARLY, memory={"compile_plain": True}, limits={"min_confidence": 0.1})
    assert answer.origin == "model"
    assert answer.confidence < 0.9
    assert not any("without its words" in said for said in answer.assumptions)


def test_a_model_that_is_too_slow_leaves_the_compiled_draft(workspace: Workspace) -> None:
    workspace.provider.answer = lambda _request: Reply((COUNT,), delay_s=4)
    answer = workspace.ask(QUESTION, model={"timeout_s": 1}, memory={"compile_plain": True})
    assert (answer.status, answer.origin) == (RunStatus.ANSWERED, "compiled")
    assert answer.confidence == pytest.approx(0.95)
    assert any("stands alone" in said for said in answer.assumptions)
    assert "run.model_failed" in workspace.kinds(answer.run_id)


def test_a_question_with_a_word_left_over_is_not_compiled(workspace: Workspace) -> None:
    workspace.provider.say(COUNT)
    workspace.ask("How many orders are there whose packaging was torn?", memory={"compile_plain": True})
    assert len(workspace.provider.requests) == 2


def test_no_agreement_at_all_is_abstained_with_the_draft_and_no_rows(workspace: Workspace) -> None:
    texts = [f"SELECT COUNT(*) + {number} AS orders FROM Orders" for number in range(3)]
    workspace.provider.replies = [Reply((texts[0],), probability=0.6), Reply(tuple(texts[1:]), probability=0.6)]
    answer = workspace.ask("How many orders are there?")
    assert answer.status is RunStatus.ABSTAINED
    assert answer.error is not None
    assert answer.error.error_class == ErrorClass.LOW_CONFIDENCE
    assert answer.sql
    assert answer.rows == ()
    assert any("unverified" in said for said in answer.assumptions)


def test_a_slip_is_mended_by_rule_without_asking_again(workspace: Workspace) -> None:
    workspace.provider.say("SELECT COUNT(*) AS n FROM Orders WHERE Orders.ShipCountri = 'Germany'")
    answer = workspace.ask("How many orders were shipped to Germany?", limits={"min_confidence": 0.5})
    assert answer.status is RunStatus.ANSWERED, answer
    assert answer.origin == "mend"
    assert len(workspace.provider.requests) == 2
    assert "run.repaired" in workspace.kinds(answer.run_id)


def test_what_cannot_be_mended_is_asked_for_again_with_the_error_and_then_abstained(workspace: Workspace) -> None:
    workspace.provider.say("SELECT Wizardry FROM Spells")
    answer = workspace.ask("How many orders are there?")
    assert answer.status is RunStatus.ABSTAINED
    assert answer.error is not None
    assert answer.error.error_class == ErrorClass.UNKNOWN_TABLE
    assert answer.sql == "SELECT Wizardry FROM Spells"
    again = workspace.provider.requests[2]["messages"][-1]["content"]
    assert "previous: SELECT Wizardry FROM Spells" in again
    assert "unknown_table" in again
    assert "run.intent" not in workspace.kinds(answer.run_id)


def test_prose_without_sql_is_abstained(workspace: Workspace) -> None:
    workspace.provider.say("I would rather not.")
    answer = workspace.ask("How many orders are there?")
    assert (answer.status, answer.sql) == (RunStatus.ABSTAINED, "")
    assert answer.error is not None
    assert answer.error.error_class == ErrorClass.NO_SQL


@pytest.mark.parametrize("sql", ["DELETE FROM Orders", "SELECT 1; DROP TABLE Orders", "DROP TABLE Orders"])
def test_a_model_that_writes_is_refused_and_nothing_is_touched(workspace: Workspace, sql: str) -> None:
    workspace.provider.say(sql)
    answer = workspace.ask("How many orders are there?")
    assert answer.status is RunStatus.REFUSED
    with sqlite3.connect(workspace.folder / "warehouse.sqlite") as warehouse:
        assert warehouse.execute("SELECT COUNT(*) FROM Orders").fetchone() == (830,)
    warehouse.close()
    assert "run.intent" not in workspace.kinds(answer.run_id)


@pytest.mark.parametrize(
    ("question", "status", "error_class"),
    [
        ("", RunStatus.NEEDS_CLARIFICATION, ErrorClass.EMPTY_QUESTION),
        ("Which orders? " * 8000, RunStatus.NEEDS_CLARIFICATION, ErrorClass.QUESTION_TOO_LONG),
        ("delete all orders", RunStatus.REFUSED, ErrorClass.WRITE_REQUESTED),
        ("What is the meaning of life?", RunStatus.NEEDS_CLARIFICATION, ErrorClass.NOT_ABOUT_DATA),
    ],
)
def test_what_no_model_should_be_asked_is_stopped_and_recorded(
    workspace: Workspace, question: str, status: RunStatus, error_class: ErrorClass
) -> None:
    answer = workspace.ask(question)
    assert answer.status is status
    assert answer.error is not None
    assert answer.error.error_class == error_class
    assert answer.error.hint
    assert workspace.provider.requests == []
    kinds = workspace.kinds(answer.run_id)
    assert (kinds[0], kinds[-1]) == ("run.started", "run.answered")
    assert len(json.dumps(workspace.bodies(answer.run_id, "run.started"))) < 6000


def test_direct_is_one_plain_prompt_and_no_second_try(workspace: Workspace) -> None:
    workspace.provider.say("SELECT CustomerID FROM Orders, Customers")
    answer = workspace.ask(QUESTION, direct=True)
    (request,) = workspace.provider.requests
    (message,) = request["messages"]
    assert "Customers(CustomerID" in message["content"]
    assert "Sales Revenue" not in message["content"]
    assert "BirthDate" not in message["content"]  # the policy denies it
    assert set(workspace.kinds(answer.run_id)).isdisjoint({"run.recalled", "run.repaired", "run.checked"})

    workspace.provider.say(COUNT)
    assert workspace.ask("How many orders are there?", direct=True).status is RunStatus.ANSWERED


@pytest.mark.parametrize(
    ("reply", "error_class"),
    [
        (Reply(status=401, body='{"error": {"message": "bad key"}}'), ErrorClass.MODEL_AUTH),
        (Reply(status=404, body='{"error": {"message": "no such model"}}'), ErrorClass.MODEL_MISSING),
        (Reply(body="<html>"), ErrorClass.MODEL_OTHER),
    ],
)
def test_a_failing_model_is_a_failed_run_on_the_record(
    workspace: Workspace, reply: Reply, error_class: ErrorClass
) -> None:
    workspace.provider.answer = lambda _request: reply
    answer = workspace.ask("How many orders are there?")
    assert answer.status is RunStatus.FAILED
    assert answer.error is not None
    assert answer.error.error_class == error_class
    assert workspace.bodies(answer.run_id, "run.answered")[0]["error"]["error_class"] == error_class


FALLBACK_FAILURES = [
    (Reply(status=429, body="{}"), ErrorClass.MODEL_RATE_LIMIT),
    (Reply(hang_up=True), ErrorClass.MODEL_UNREACHABLE),
    (Reply(body="<html>"), ErrorClass.MODEL_OTHER),
]


def with_fallback(workspace: Workspace, **model: Any) -> Settings:
    fallback = {"provider": "compatible", "name": "second", "base_url": workspace.provider.url}
    return workspace.settings(model={"fallbacks": [fallback], **model})


def only_the_second_answers(failure: Reply) -> Callable[[dict[str, Any]], Reply]:
    return lambda request: Reply((COUNT,)) if request["model"] == "second" else failure


@pytest.mark.parametrize(("reply", "error_class"), FALLBACK_FAILURES)
def test_when_the_model_fails_the_next_is_asked_and_the_answer_says_so(
    workspace: Workspace, reply: Reply, error_class: ErrorClass
) -> None:
    workspace.provider.answer = only_the_second_answers(reply)
    with open_services(with_fallback(workspace, prompt_style="compact")) as services:
        answer = ask(services, "How many orders are there?", asker="analyst")
    assert answer.status is RunStatus.ANSWERED, answer.error
    assert answer.model == "second"
    note = f"scripted (compatible) failed ({error_class.value}), so second (compatible) was asked."
    assert note in answer.assumptions
    (failed,) = workspace.bodies(answer.run_id, "run.model_failed")
    assert (failed["model"], failed["error_class"]) == ("scripted (compatible)", error_class.value)
    assert failed["next"] == "second (compatible)"
    assert failed["elapsed_ms"] <= answer.timings_ms["generate"]
    drafted = workspace.bodies(answer.run_id, "run.drafted")
    assert {body["model"] for body in drafted} == {"second"}
    assert {body["prompt_style"] for body in drafted} == {"full"}


def test_when_every_model_fails_the_run_fails_with_the_last_ones_error(workspace: Workspace) -> None:
    workspace.provider.answer = lambda request: (
        Reply(body="<html>") if request["model"] == "scripted" else Reply(status=401, body="{}")
    )
    with open_services(with_fallback(workspace)) as services:
        answer = ask(services, "How many orders are there?", asker="analyst")
    assert answer.status is RunStatus.FAILED
    assert answer.error is not None
    assert answer.error.error_class == ErrorClass.MODEL_AUTH
    assert len(workspace.bodies(answer.run_id, "run.model_failed")) == 1


@pytest.mark.parametrize("case", ["a wrong key", "the control", "a named model"])
def test_another_model_is_not_asked_where_that_would_hide_something(workspace: Workspace, case: str) -> None:
    failure = Reply(status=401, body="{}") if case == "a wrong key" else Reply(body="<html>")
    workspace.provider.answer = only_the_second_answers(failure)
    settings = with_fallback(workspace)
    if case == "a named model":
        settings = with_model(settings, "first")
    with open_services(settings) as services:
        answer = ask(services, "How many orders are there?", asker="analyst", direct=case == "the control")
    assert answer.status is RunStatus.FAILED
    assert {request["model"] for request in workspace.provider.requests}.isdisjoint({"second"})


def test_a_mistake_of_ours_is_a_failed_run_on_the_record(workspace: Workspace) -> None:
    class Broken:
        def retrieve(self, *_: object, **__: object) -> None:
            raise RuntimeError("a bug")

    with open_services(workspace.settings()) as services:
        answer = ask(replace(services, retriever=Broken()), QUESTION, asker="asker")
    assert answer.status is RunStatus.FAILED
    assert answer.error is not None
    assert answer.error.error_class == ErrorClass.INTERNAL
    assert workspace.kinds(answer.run_id) == ["run.started", "run.answered"]


def test_an_interrupt_is_passed_on_after_it_is_on_the_record(workspace: Workspace) -> None:
    def interrupt(event: StepEvent) -> None:
        if event.step == "generate":
            raise KeyboardInterrupt

    workspace.provider.say(COUNT)
    with open_services(workspace.settings()) as services, pytest.raises(KeyboardInterrupt) as caught:
        ask(services, "How many orders are there?", asker="asker", on_step=interrupt)
    with open_ledger(workspace.settings(), create=False) as ledger:
        *_, last = ledger.records(kinds=["run.answered"])
    assert last.body["status"] == "failed"
    assert last.body["error"]["error_class"] == ErrorClass.INTERRUPTED
    assert last.body["sql"] == COUNT
    assert caught.value.args == (last.run_id,)


def test_ctrl_c_while_the_model_thinks_ends_the_run_on_the_record_at_once(workspace: Workspace) -> None:
    asked = threading.Event()

    def script(_request: dict[str, Any]) -> Reply:
        asked.set()
        return Reply((COUNT,), delay_s=60)

    workspace.provider.answer = script
    code = (
        "import sys, pathlib; from agent.settings import load_settings; from agent.services import open_services\n"
        "from agent.ask import ask\n"
        f"model = dict(provider='compatible', name='scripted', base_url={workspace.provider.url!r})\n"
        f"with open_services(load_settings(pathlib.Path({str(workspace.folder)!r}), dict(model=model))) as services:\n"
        "    ask(services, 'How many orders are there?', asker='asker')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert asked.wait(120), process.communicate(timeout=5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=50)
    assert errors.rstrip().splitlines()[-1].startswith("KeyboardInterrupt")
    with open_ledger(workspace.settings(), create=False) as ledger:
        (run,) = list_runs(ledger)
        assert run.status == "failed"
        assert verify(ledger, checkpoints=workspace.folder / ".affidavit/checkpoints.jsonl").ok
    assert workspace.bodies(run.run_id, "run.answered")[0]["error"]["error_class"] == ErrorClass.INTERRUPTED


@pytest.mark.parametrize("allowed", [0, 1, 2])
def test_no_record_no_answer_at_whatever_commit_the_ledger_fails(
    workspace: Workspace, allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.provider.say(COUNT)
    seen: list[StepEvent] = []
    with open_services(workspace.settings()) as services:
        real, last = services.ledger.append_many, []

        def append_many(entries: Sequence[Entry]) -> tuple[Record, ...]:
            if len(last) == allowed:
                raise LedgerUnavailable("The disk is full.", "Make room.")
            last.append(entries[-1].kind)
            return real(entries)

        with monkeypatch.context() as patched:
            patched.setattr(services.ledger, "append_many", append_many)
            with pytest.raises(AuditUnavailableError):
                ask(services, "How many orders are there?", asker="asker", on_step=seen.append)
    assert last == ["run.started", "run.intent", "run.answered"][:allowed]
    steps = [event.step for event in seen]
    assert "answer" not in steps
    assert ("execute" in steps) == (allowed == 2), "no statement without its intent"


def accept(services: Services, folder: Path, answer: Answer, reviewer: str = "reviewer") -> None:
    keyring = Keyring(folder / ".affidavit/keys")
    signer = create_identity(services.ledger, keyring, reviewer)
    submit_review(services.ledger, signer, run_id=answer.run_id, decision="accept", reason_code="correct", reason="ok")
    linker = services.retriever.linker
    services.verified.add(
        VerifiedQuery(
            answer.run_id, answer.question, answer.sql, answer.dialect, reviewer, answer.run_id,
            services.catalog.fingerprint, services.layer.fingerprint,
            dependencies(answer.question, answer.sql, answer.dialect, linker),
        )
    )  # fmt: skip


def test_an_accepted_answer_is_recalled_run_again_and_says_whose_word_it_is(workspace: Workspace) -> None:
    workspace.provider.say(REVENUE)
    first = workspace.ask(QUESTION)
    with open_services(workspace.settings(), warm_up=False) as services:
        accept(services, workspace.folder, first)
        workspace.provider.requests.clear()
        again = ask(services, "In 2023, which product category had the highest sales revenue?", asker="analyst")
        assert workspace.provider.requests == []
        assert again.status is RunStatus.ANSWERED, again
        assert again.origin == "verified_query"
        assert again.rows == first.rows
        assert again.confidence == pytest.approx(200 / 201)
        assert any(first.run_id in said and "by reviewer" in said for said in again.assumptions)
        kinds = [record.kind for record in get_run(services.ledger, again.run_id).records]
        assert {"run.recalled", "run.guarded", "run.intent", "run.outcome", "run.answered"} <= set(kinds)

        signer = Keyring(workspace.folder / ".affidavit/keys").load("reviewer")
        submit_review(
            services.ledger, signer, run_id=first.run_id, decision="revoke", reason_code="outdated", reason="moved on"
        )
        # The index still has it; the ledger is what counts.
        third = ask(services, QUESTION, asker="analyst")
        assert third.origin == "model"
    with open_ledger(workspace.settings(), create=False) as ledger:
        assert verify(ledger, checkpoints=workspace.folder / ".affidavit/checkpoints.jsonl").ok


def test_what_the_index_says_is_not_believed_without_the_ledger(workspace: Workspace) -> None:
    workspace.provider.say(REVENUE)
    with open_services(workspace.settings()) as services:
        first = ask(services, QUESTION, asker="asker")
        accept(services, workspace.folder, first)
        planted = services.verified.get(first.run_id)
        assert planted is not None
        services.verified.add(replace(planted, sql="SELECT 'forged' AS CategoryName"))
        assert ask(services, QUESTION, asker="analyst").origin == "model"
        services.verified.add(replace(planted, id="x", run_id="01932b6e-7c00-7000-8000-000000000001"))
        services.verified.remove(first.run_id)
        assert ask(services, QUESTION, asker="analyst").origin == "model"


def test_nothing_of_a_finished_run_stays_in_the_checkpoints(workspace: Workspace) -> None:
    workspace.provider.say(COUNT)
    workspace.ask("How many orders are there?")
    workspace.ask("delete all orders")
    connection = sqlite3.connect(workspace.folder / ".affidavit/checkpoints.sqlite")
    left = connection.execute("SELECT (SELECT COUNT(*) FROM checkpoints) + (SELECT COUNT(*) FROM writes)").fetchone()
    connection.close()
    assert left == (0,)


def test_runs_at_the_same_time_do_not_mix(workspace: Workspace) -> None:
    def script(request: dict[str, Any]) -> Reply:
        asked = request["messages"][-1]["content"]
        return Reply((COUNT,) if "orders" in asked else ("SELECT COUNT(*) AS products FROM Products",))

    workspace.provider.answer = script
    answers: dict[str, Answer] = {}
    with open_services(workspace.settings()) as services:

        def one(question: str) -> None:
            answers[question] = ask(services, question, asker="asker")

        questions = ["How many orders are there?", "How many products are there?"]
        threads = [threading.Thread(target=one, args=(question,)) for question in questions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers[questions[0]].columns == ("orders",)
    assert answers[questions[1]].columns == ("products",)


def opening_fails(settings: Settings) -> AffidavitError:
    with pytest.raises(AffidavitError) as caught, open_services(settings, warm_up=False):
        pass
    assert caught.value.hint
    return caught.value


def test_what_is_wrong_with_a_workspace_is_told_when_it_is_opened(workspace: Workspace) -> None:
    nowhere = opening_fails(workspace.settings(warehouse={"url": "sqlite:///nowhere.sqlite"}))
    assert nowhere.error_class is ErrorClass.WAREHOUSE_URL
    unreachable = opening_fails(workspace.settings(memory={"url": "http://127.0.0.1:9"}))
    assert isinstance(unreachable, FailedError)
    assert unreachable.error_class is ErrorClass.MEMORY_UNAVAILABLE
    ledger = opening_fails(workspace.settings(ledger={"url": "sqlite:////proc/nowhere/ledger.sqlite"}))
    assert isinstance(ledger, AuditUnavailableError)
    metrics = workspace.folder / "metrics.yaml"
    metrics.write_text(metrics.read_text(encoding="utf-8").replace("type: text", "type: txet", 1), encoding="utf-8")
    broken = opening_fails(workspace.settings())
    assert isinstance(broken, UsageError)
    assert broken.error_class is ErrorClass.SEMANTICS
    assert "metrics.yaml:" in broken.message
    metrics.unlink()
    assert opening_fails(workspace.settings()).error_class is ErrorClass.SEMANTICS
    (workspace.folder / ".affidavit/catalog.json").write_text("{")
    create(workspace.folder)
    assert opening_fails(workspace.settings()).error_class is ErrorClass.MEMORY_UNAVAILABLE


def test_a_misspelt_name_in_the_policy_is_logged_when_the_workspace_is_opened(workspace: Workspace) -> None:
    (workspace.folder / "policy.yaml").write_text("columns: {deny: [Employees.BirthDay, Employees.BirthDate]}\n")
    with capture_logs() as lines, open_services(workspace.settings(), warm_up=False):
        pass
    warned = [line for line in lines if line["event"] == "policy.unknown_name"]
    assert [line["log_level"] for line in warned] == ["warning"]
    assert "`Employees.BirthDay`" in warned[0]["warning"]
    assert "memory sync" in warned[0]["warning"]


@pytest.mark.parametrize("role_denies", [False, True])
def test_no_model_is_told_of_a_column_that_the_policy_denies_whoever_asks(
    workspace: Workspace, role_denies: bool
) -> None:
    question = "When was each employee born, by birth date?"
    denied = "columns: {deny: [Employees.BirthDate]}"
    policy = f"roles: {{clerks: {{people: [clerk], {denied}}}, others: {{people: ['*']}}}}" if role_denies else denied
    (workspace.folder / "policy.yaml").write_text(f"{policy}\n")
    told = {}
    with open_services(workspace.settings(), warm_up=False) as services:
        for asker in ("clerk", "manager"):
            workspace.provider.say(COUNT)
            before = len(workspace.provider.requests)
            ask(services, question, asker=asker)
            prompts = [json.dumps(request["messages"]) for request in workspace.provider.requests[before:]]
            told[asker] = {"BirthDate" in prompt for prompt in prompts}
    assert told == {"clerk": {False}, "manager": {role_denies}}


def test_a_ledger_file_that_goes_away_under_way_shows_no_answer(workspace: Workspace) -> None:
    workspace.provider.say(COUNT)
    folder = workspace.folder

    def moved_away_and_asked() -> None:
        with open_services(workspace.settings()) as services:
            (folder / ".affidavit/ledger.sqlite").rename(folder / "elsewhere.sqlite")
            ask(services, "How many orders are there?", asker="asker")

    with pytest.raises(AuditUnavailableError):
        moved_away_and_asked()


def test_a_run_that_has_used_up_its_time_is_not_repaired(workspace: Workspace) -> None:
    workspace.provider.answer = lambda _request: Reply(("SELECT Wizardry FROM Spells",), delay_s=0.3)
    answer = workspace.ask("How many orders are there?", model={"timeout_s": 0.5, "samples": 2})
    assert answer.status is RunStatus.ABSTAINED
    assert "run.repaired" not in workspace.kinds(answer.run_id)


def test_the_policy_of_who_asks_shapes_the_answer_and_says_so(workspace: Workspace) -> None:
    workspace.provider.say(COUNT)
    everything = _count(workspace.ask("How many orders are there?"))
    (workspace.folder / "policy.yaml").write_text(
        "roles:\n  field: {people: [ana], rows: {Orders: \"ShipCountry = 'Germany'\"}}\n  rest: {people: ['*']}\n"
    )
    seen = workspace.ask("How many orders are there?", asker="ana")
    assert 0 < _count(seen) < everything == _count(workspace.ask("How many orders are there?", asker="boss"))
    assert seen.sql == "SELECT COUNT(*) AS orders FROM (SELECT 1 FROM Orders WHERE (ShipCountry = 'Germany')) AS Orders"
    assert "The policy shows only the rows of Orders where ShipCountry = 'Germany'." in seen.assumptions
    with open_services(workspace.settings()) as services:
        guarded, *_ = get_run(services.ledger, seen.run_id).of_kind("run.guarded")
    assert guarded.body["restrictions"] == ["The policy shows only the rows of Orders where ShipCountry = 'Germany'."]
    assert guarded.body["draft_sql"] == COUNT


def test_each_change_of_the_policy_is_recorded_once(workspace: Workspace) -> None:
    def recorded() -> list[str]:
        with open_services(workspace.settings()) as services:
            records = list(services.ledger.records(kinds=["policy.changed"]))
            return [record.body["policy"]["columns"]["deny"] for record in records]

    policy = workspace.folder / "policy.yaml"
    before = recorded()
    assert recorded() == before
    policy.write_text("columns: {deny: [Employees.HireDate]}\n")
    assert recorded() == [*before, ["Employees.HireDate"]]
    policy.unlink()
    assert recorded() == [*before, ["Employees.HireDate"], []]


def _count(answer: Answer) -> int:
    ((found,),) = answer.rows
    assert isinstance(found, int)
    return found


def test_a_policy_that_wants_signed_questions_takes_no_other(workspace: Workspace) -> None:
    policy = workspace.folder / "policy.yaml"
    policy.write_text((policy.read_text() if policy.exists() else "version: 1\n") + "asking: enrolled\n")
    workspace.provider.say(REVENUE)
    with open_services(workspace.settings(), warm_up=False) as services:
        keyring = Keyring(workspace.folder / ".affidavit/keys")
        signer = create_identity(services.ledger, keyring, "analyst")
        stranger = Keyring(workspace.folder / "elsewhere").create("analyst")
        before = services.ledger.head()
        for key, asker in ((None, "analyst"), (stranger, "analyst"), (signer, "somebody else")):
            with pytest.raises(RefusedError) as refused:
                ask(replace(services, signer=key), QUESTION, asker=asker)
            assert refused.value.error_class is ErrorClass.IDENTITY
        assert services.ledger.head() == before
        answer = ask(replace(services, signer=signer), QUESTION, asker="analyst")
        started = get_run(services.ledger, answer.run_id).of_kind("run.started")[0].body
        assert started["asker_key"] == signer.identity.key_id
        assert verify(services.ledger, checkpoints=None).ok
