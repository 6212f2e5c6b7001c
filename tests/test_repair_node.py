"""The repair step on real parts: rules first, then the model once, bounded and on the record."""

from __future__ import annotations

import json
from dataclasses import replace

from fixtures_agent import Reply
from fixtures_steps import Bench, bench, layer, sqlite_demo  # noqa: F401

from agent.model.connect import open_model
from agent.run import Draft, Finding, Outcome, Result, RunError, Verdict
from agent.steps import execute, guard, repair
from agent.steps.generate import draft_with_model


def refused(bench: Bench, sql: str) -> dict:  # noqa: F811
    state = bench.state(sql)
    state.update(guard.node(state, bench.services))
    return state


def test_a_rule_is_tried_before_the_model(bench: Bench) -> None:  # noqa: F811
    state = refused(bench, "SELECT COUNT(*) FROM OrderDetails")
    patch = repair.node(state, bench.services)
    assert patch["attempts"] == 1
    assert patch["error"] is None
    draft = patch["drafts"][patch["current"]]
    assert (draft.origin, draft.basis) == ("mend", "nearest_table")
    assert bench.provider.requests == []
    (_, body), *_ = bench.records("run.repaired")
    assert body == {
        "mend": "nearest_table",
        "from": "SELECT COUNT(*) FROM OrderDetails",
        "to": draft.sql,
        "error_class": "unknown_table",
        "message": state["verdict"].message,
    }
    state.update(patch)
    state.update(guard.node(state, bench.services))
    state.update(execute.node(state, bench.services))
    assert state["outcome"].result is not None


def test_the_model_is_asked_with_the_error_and_what_it_lacked(bench: Bench) -> None:  # noqa: F811
    bench.provider.say("SELECT COUNT(*) FROM Orders")
    state = refused(bench, "SELECT UnitPrice FROM Products JOIN order_details USING (ProductID)")
    patch = repair.node(state, bench.services)
    draft = patch["drafts"][patch["current"]]
    assert draft.origin == "model"
    asked = json.dumps(bench.provider.requests[-1]["messages"])
    assert "ambiguous" in asked
    assert "SELECT UnitPrice FROM Products" in asked
    assert bench.records("run.repaired")[0][1]["mend"] == "model"
    assert len(bench.records("run.drafted")) == 1


def test_a_model_that_repeats_itself_ends_the_run(bench: Bench) -> None:  # noqa: F811
    broken = "SELECT Nothing FROM Orders JOIN Products"
    bench.provider.say(broken)
    state = refused(bench, broken)
    patch = repair.node(state, bench.services)
    assert patch["error"].error_class == state["verdict"].error_class
    assert "drafts" not in patch
    assert bench.records("run.repaired")[0][1]["mend"] == "none"


def test_what_the_guard_forbids_is_not_asked_again(bench: Bench) -> None:  # noqa: F811
    state = refused(bench, "DELETE FROM Orders")
    patch = repair.node(state, bench.services)
    assert patch["error"].error_class == "not_read_only"
    assert bench.provider.requests == []


def test_a_failed_check_is_mended_by_its_rule(bench: Bench) -> None:  # noqa: F811
    state = bench.state("SELECT Country, COUNT(*) FROM Customers")
    state.update(
        verdict=Verdict(True, state["drafts"][0].sql),
        outcome=Outcome("", Result(("Country", "n"), (("x", 91),))),
        findings=(Finding("grouping", "error", "Country is not grouped by."),),
    )
    patch = repair.node(state, bench.services)
    assert patch["drafts"][-1].sql.endswith("GROUP BY Country")
    assert patch["findings"] == ()


def test_a_verified_query_that_broke_is_replaced_by_a_fresh_draft(bench: Bench) -> None:  # noqa: F811
    bench.provider.say("SELECT COUNT(*) FROM Orders")
    state = bench.state("x")
    state["drafts"] = (Draft("SELECT Gone FROM Orders", "verified_query", confidence=1.0, basis="run"),)
    state.update(verdict=Verdict(True, "x"), outcome=Outcome("x", error=RunError("warehouse_other", "went wrong")))
    patch = repair.node(state, bench.services)
    assert patch["drafts"][-1].origin == "model"
    assert "went wrong" not in json.dumps(bench.provider.requests[-1]["messages"])


def test_a_rule_may_arrive_at_a_sample_that_lost_the_vote_and_says_what_it_mended(bench: Bench) -> None:  # noqa: F811
    right = "SELECT City, COUNT(*) FROM Customers GROUP BY City ORDER BY COUNT(*) DESC"
    state = bench.state(f"{right} LIMIT 1", f"{right} LIMIT 1", right)
    cut = Finding("limit", "error", "The statement stops after 1 row; the question does not ask for that.", "1")
    state.update(
        verdict=Verdict(True, f"{right} LIMIT 1"),
        outcome=Outcome("", Result(("City", "n"), (("x", 5),))),
        findings=(cut,),
    )
    patch = repair.node(state, bench.services)
    assert (patch["drafts"][-1].sql, patch["drafts"][-1].origin) == (right, "mend")
    assert patch["notes"] == (f"Mended: {cut.message}",)
    assert bench.provider.requests == []
    again = {**state, **patch, "findings": (cut,), "current": 0}
    bench.provider.say("SELECT City FROM Customers")
    assert repair.node(again, bench.services)["drafts"][-1].origin == "model"  # the same mend is not made twice


def test_a_mend_is_told_with_what_was_wrong(bench: Bench) -> None:  # noqa: F811
    patch = repair.node(refused(bench, "SELECT COUNT(*) FROM OrderDetails"), bench.services)
    (note,) = patch["notes"]
    assert note.startswith("The draft was mended (There is no table OrderDetails.")
    assert note.endswith("): a table was read as the nearest one.")


def test_no_model_is_asked_once_the_tokens_are_spent_but_rules_still_mend(bench: Bench) -> None:  # noqa: F811
    limit = bench.services.settings.limits.max_run_tokens
    bench.provider.say("SELECT COUNT(*) FROM Orders")
    state = refused(bench, "SELECT Name FROM Customers")
    patch = repair.node({**state, "tokens": limit}, bench.services)
    assert bench.provider.requests == []
    assert patch["error"].error_class == "unknown_column"
    assert str(limit) in patch["notes"][-1]
    mended = repair.node({**refused(bench, "SELECT COUNT(*) FROM OrderDetails"), "tokens": limit}, bench.services)
    assert mended["drafts"][-1].origin == "mend"
    asked = repair.node({**state, "tokens": limit - 1}, bench.services)
    assert asked["drafts"][-1].origin == "model"
    assert asked["tokens"] == limit - 1 + 54  # fifty of the prompt, four of the reply


def test_a_reply_that_was_cut_off_is_no_draft(bench: Bench) -> None:  # noqa: F811
    bench.provider.answer = lambda _request: Reply(("SELECT COUNT(*) FROM Orders",), finish="length")
    made = draft_with_model(bench.services, bench.state("SELECT 1"))
    assert (made.drafts, made.cut_off) == ((), True)
    bench.provider.answer = lambda _request: Reply(("SELECT COUNT(*) FROM Orders",))
    made = draft_with_model(bench.services, bench.state("SELECT 1"))
    assert (len(made.drafts), made.cut_off) == (1, False)


def test_the_next_model_is_asked_when_the_first_could_not_mend_its_draft(bench: Bench) -> None:  # noqa: F811
    second = bench.services.settings.model_copy(
        update={"model": bench.services.settings.model.model_copy(update={"name": "second"})}
    )
    services = replace(bench.services, fallbacks=(open_model(second),))
    bench.provider.replies = [Reply(("SELECT Nickname FROM Customers",)), Reply(("SELECT CompanyName FROM Customers",))]
    state = refused(bench, "SELECT Name FROM Customers")
    state.update(repair.node(state, services))
    state.update(guard.node(state, services))
    state.update(repair.node(state, services))
    services.fallbacks[0].close()
    assert [request["model"] for request in bench.provider.requests] == ["scripted", "second"]
    assert state["drafts"][-1].sql == "SELECT CompanyName FROM Customers"
    assert state["drafts"][-1].model == "second"
