"""The guard and execute steps on real parts: what is run, who wins the vote, and what is on the record when."""

from __future__ import annotations

import sqlite3

import sqlalchemy as sa
from fixtures_steps import Bench, bench, layer, sqlite_demo  # noqa: F401
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import AuditUnavailableError
from agent.run import Draft
from agent.steps import execute, guard
from agent.steps.execute import elect

COUNT = "SELECT COUNT(*) FROM Orders"
SAME = "SELECT COUNT(OrderID) AS n FROM Orders"
OTHER = "SELECT COUNT(*) FROM Customers"
FAILING = "SELECT JSON_EXTRACT(ShipCity, '$') FROM Orders"
"""The guard lets it pass; that a city is no JSON, only the database finds."""


def run(bench: Bench, *sqls: str) -> dict:  # noqa: F811
    state = bench.state(*sqls)
    state.update(guard.node(state, bench.services))
    if state["verdict"].allowed:
        state.update(execute.node(state, bench.services))
    return state


def test_one_draft(bench: Bench) -> None:  # noqa: F811
    state = run(bench, COUNT)
    assert state["verdict"].allowed
    assert state["outcome"].result.rows == ((830,),)
    assert [kind for kind, _ in bench.records()] == ["run.guarded", "run.intent", "run.outcome"]
    intent, outcome = (bench.records(kind)[0][1] for kind in ("run.intent", "run.outcome"))
    assert intent["sql"] == outcome["sql"] == state["verdict"].sql
    assert outcome["result_fingerprint"] == state["outcome"].result.fingerprint
    assert outcome["row_count"] == 1


def test_majority_of_results_wins_over_confidence(bench: Bench) -> None:  # noqa: F811
    state = run(bench, OTHER, COUNT, SAME)
    assert state["current"] == 1
    assert state["outcome"].result.rows == ((830,),)
    assert state["verdict"].sql == COUNT
    votes = dict(state["votes"])
    assert votes[1] == votes[2] != votes[0]


def test_equal_statements_are_executed_once(bench: Bench) -> None:  # noqa: F811
    state = run(bench, COUNT, "select count(*) from orders", COUNT)
    assert len(bench.records("run.intent")) == 1
    assert len(set(dict(state["votes"]).values())) == 1
    assert len(state["votes"]) == 3


def test_refused_and_failed_drafts_do_not_vote(bench: Bench) -> None:  # noqa: F811
    state = run(bench, "DELETE FROM Orders", FAILING, COUNT)
    assert state["current"] == 2
    assert dict(state["votes"]) == {0: "", 1: "", 2: state["outcome"].result.fingerprint}
    assert len(bench.records("run.guarded")) == 3
    assert [body["sql"] for _, body in bench.records("run.intent")][-1] == COUNT


def test_all_refused(bench: Bench) -> None:  # noqa: F811
    state = run(bench, "DELETE FROM Orders", "DROP TABLE Orders")
    assert not state["verdict"].allowed
    assert state["current"] == 0
    assert bench.records("run.intent") == []


def test_all_failed(bench: Bench) -> None:  # noqa: F811
    state = run(bench, FAILING)
    assert state["outcome"].error.error_class == "type_mismatch"
    (_, body), *_ = bench.records("run.outcome")
    assert not body["ok"]
    assert body["error_class"] == "type_mismatch"


def test_a_mended_draft_is_not_outvoted_by_those_before_it(bench: Bench) -> None:  # noqa: F811
    state = run(bench, OTHER, OTHER)
    state["drafts"] = (*state["drafts"], Draft(COUNT, "mend", confidence=0.1))
    state["current"] = 2
    state.update(guard.node(state, bench.services))
    state.update(execute.node(state, bench.services))
    assert state["current"] == 2
    assert len(state["votes"]) == 3
    assert len(bench.records("run.guarded")) == 3


def test_nothing_runs_when_the_intent_cannot_be_recorded(bench: Bench, tmp_path) -> None:  # noqa: F811
    state = bench.state(COUNT)
    state.update(guard.node(state, bench.services))
    seen: list[str] = []

    @sa.event.listens_for(bench.services.warehouse.engine, "checkout")
    def _touched(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_trace_callback(seen.append)

    blocker = sa.create_engine(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with blocker.begin() as connection:
        tables = sa.inspect(connection).get_table_names()
        for name in tables:
            connection.exec_driver_sql(f'ALTER TABLE "{name}" RENAME TO "lost_{name}"')
    blocker.dispose()
    try:
        execute.node(state, bench.services)
    except AuditUnavailableError:
        pass
    else:
        raise AssertionError("the statement ran without its intent on the record")
    assert seen  # weighing looks for the file's statistics; SQLite does not trace what it only explains
    assert [sql for sql in seen if "sqlite_master" not in sql] == []


def test_the_password_is_not_in_the_intent(bench: Bench) -> None:  # noqa: F811
    run(bench, COUNT)
    assert bench.records("run.intent")[0][1]["warehouse"] == bench.services.warehouse.display_url


FINGERPRINTS = st.lists(st.tuples(st.sampled_from(["", "a", "b", "c"]), st.floats(0, 1)), max_size=8)


@given(FINGERPRINTS)
def test_election(entries: list[tuple[str, float]]) -> None:
    drafts = [Draft("x", "model", confidence=confidence) for _, confidence in entries]
    fingerprints = {index: fingerprint for index, (fingerprint, _) in enumerate(entries)}
    elected = elect(drafts, fingerprints)
    cast = [fingerprint for fingerprint in fingerprints.values() if fingerprint]
    if not cast:
        assert elected is None
        return
    assert elected is not None
    most = max(cast.count(fingerprint) for fingerprint in cast)
    assert cast.count(fingerprints[elected]) == most
    rivals = [i for i, f in fingerprints.items() if f and cast.count(f) == most]
    assert drafts[elected].confidence == max(drafts[i].confidence for i in rivals)
