"""Runs as they are read back, exported and counted."""

from __future__ import annotations

import pytest
from fixtures_audit_parts import FINGERPRINT, SQL, Office, rewrite

from audit.errors import AmbiguousRunError, LedgerUnavailable, ReviewError, RunNotFoundError
from audit.export import accepted_run, accepted_runs
from audit.ledger import Ledger
from audit.monitor import Latency, monitor
from audit.review import submit_review
from audit.runs import RunSummary, get_run, list_runs

pytest_plugins = ("fixtures_audit",)

ACCEPT = {"decision": "accept", "reason_code": "correct"}
REVOKE = {"decision": "revoke", "reason_code": "outdated"}
AMEND = {"decision": "amend", "reason_code": "wrong_filter", "sql": "SELECT 1", "result_fingerprint": "ef" * 32}


def test_a_list_of_runs(office: Office) -> None:
    for n in range(3):
        office.run(f"run-{n}", status="abstained" if n == 1 else "answered")
    office.ledger.append("run.started", {"question": "still going", "asker": "Asker"}, run_id="run-9", actor="Asker")
    submit_review(office.ledger, office.reviewer, run_id="run-0", **AMEND)
    newest, *_rest, oldest = list_runs(office.ledger)
    assert (newest.run_id, newest.status, newest.sql, newest.review_status) == ("run-9", "unfinished", "", "unreviewed")
    assert oldest == RunSummary(
        run_id="run-0",
        question="How much freight?",
        asker="Asker",
        status="answered",
        sql="SELECT 1",
        confidence=0.9,
        model="m",
        started=oldest.started,
        review_status="amended",
        reviewer="Reviewer",
        findings=({"check": "time_filter", "severity": "info", "message": "no time asked"},),
        approvals=1,
        needed=1,
    )
    assert [run.run_id for run in list_runs(office.ledger, limit=2)] == ["run-9", "run-2"]
    assert len(list_runs(office.ledger, limit=10**23)) == len(list_runs(office.ledger))
    assert [run.run_id for run in list_runs(office.ledger, status="abstained")] == ["run-1"]
    assert [run.run_id for run in list_runs(office.ledger, review_status="amended")] == ["run-0"]
    assert [run.run_id for run in list_runs(office.ledger, status="answered", review_status="unreviewed")] == ["run-2"]
    assert list_runs(office.ledger, limit=0) == []


def test_a_long_list_is_read_in_pages(ledger: Ledger) -> None:
    for n in range(230):
        ledger.append("run.started", {"question": f"q{n}", "asker": "Asker"}, run_id=f"run-{n:03}")
    assert [run.question for run in list_runs(ledger, limit=500)] == [f"q{n}" for n in range(229, -1, -1)]


def test_one_run_with_everything_on_it(office: Office) -> None:
    run_id = office.run("0199aa-1")
    office.run("0199ab-2")
    submit_review(office.ledger, office.reviewer, run_id=run_id, **ACCEPT)
    trace = get_run(office.ledger, "0199aa")
    assert trace.run_id == run_id
    kinds = [record.kind for record in trace.records]
    assert kinds == ["run.started", "run.grounded", "run.drafted", "run.answered", "review"]
    assert trace.answer is not None
    assert trace.answer.body["sql"] == SQL
    assert [record.body["decision"] for record in trace.reviews] == ["accept"]
    assert trace.summary.review_status == "accepted"


def test_ids_that_name_no_run_or_several(office: Office) -> None:
    for n in range(8):
        office.run(f"0199a{n}")
    with pytest.raises(AmbiguousRunError, match="0199a0, 0199a1") as ambiguous:
        get_run(office.ledger, "0199a")
    assert len(ambiguous.value.candidates) == 5
    for prefix in ("ffff", "", "%", "_199a0", "'"):
        with pytest.raises(RunNotFoundError):
            get_run(office.ledger, prefix)
    office.run("0199a00")
    assert get_run(office.ledger, "0199a0").run_id == "0199a0"


def test_accepted_runs_carry_their_lineage(office: Office) -> None:
    run_id = office.run()
    review = submit_review(office.ledger, office.reviewer, run_id=run_id, **ACCEPT)
    (accepted,) = accepted_runs(office.ledger)
    answer = get_run(office.ledger, run_id).answer
    assert answer is not None
    assert (accepted.run_id, accepted.question, accepted.sql) == (run_id, "How much freight?", SQL)
    assert (accepted.asker, accepted.reviewer, accepted.decision) == ("Asker", "Reviewer", "accept")
    assert (accepted.review_hash, accepted.run_hash, accepted.reviewed) == (review.hash, answer.hash, review.time)
    assert (accepted.dialect, accepted.result_fingerprint) == ("sqlite", FINGERPRINT)
    assert accepted.grounding_ids == ("Orders",)
    assert (accepted.catalog_fingerprint, accepted.semantics_fingerprint) == ("c1", "s1")
    assert (accepted.model, accepted.model_hash, accepted.prompt_hash) == ("m", "mh", "ph")


def test_only_what_stands_is_exported(office: Office) -> None:
    runs = {name: office.run(f"run-{name}") for name in ("accepted", "amended", "rejected", "revoked", "unreviewed")}
    submit_review(office.ledger, office.reviewer, run_id=runs["accepted"], **ACCEPT)
    submit_review(office.ledger, office.reviewer, run_id=runs["amended"], **AMEND)
    submit_review(office.ledger, office.admin, run_id=runs["rejected"], decision="reject", reason_code="wrong_join")
    submit_review(office.ledger, office.reviewer, run_id=runs["revoked"], **ACCEPT)
    submit_review(office.ledger, office.admin, run_id=runs["revoked"], **REVOKE)
    assert [(run.run_id, run.sql) for run in accepted_runs(office.ledger)] == [
        ("run-accepted", SQL),
        ("run-amended", "SELECT 1"),
    ]
    assert accepted_run(office.ledger, runs["revoked"]) is None
    assert accepted_run(office.ledger, runs["unreviewed"]) is None
    assert accepted_run(office.ledger, "no such run") is None


def test_a_forged_review_exports_nothing(office: Office) -> None:
    run_id = office.run()
    submit_review(office.ledger, office.reviewer, run_id=run_id, **ACCEPT)
    sequence = office.ledger.head().sequence
    rewrite(office.ledger, sequence, lambda fields: fields["body"].update(sql="SELECT 'evil'"))
    with pytest.raises(ReviewError, match=f"record {sequence} does not hold: the signature of Reviewer"):
        accepted_runs(office.ledger)


def test_a_meddled_record_exports_nothing(office: Office) -> None:
    run_id = office.run()
    submit_review(office.ledger, office.reviewer, run_id=run_id, **ACCEPT)
    sequence = office.ledger.head().sequence
    rewrite(office.ledger, sequence - 1, lambda fields: fields["body"].update(sql="SELECT 'evil'"), onwards=False)
    with pytest.raises((ReviewError, LedgerUnavailable)):
        accepted_runs(office.ledger)


def test_figures(office: Office) -> None:
    for n in range(18):
        office.run(f"run-{n}", timings_ms={"generate": 10.0 * n, "execute": 1.0})
    error = {"class": "warehouse_timeout", "message": "m", "hint": ""}
    office.run("run-18", status="failed", error=error, timings_ms={})
    office.run("run-19", status="abstained", timings_ms={"generate": 1000.0, "total": 1100.0})
    office.ledger.append("run.started", {"question": "q", "asker": "Asker"}, run_id="run-20", actor="Asker")
    office.ledger.append("run.repaired", {"mend": "identifier"}, run_id="run-3")
    office.ledger.append("run.repaired", {"mend": "identifier"}, run_id="run-18")
    office.ledger.append("run.recalled", {}, run_id="run-4")
    submit_review(office.ledger, office.reviewer, run_id="run-0", **ACCEPT)
    submit_review(office.ledger, office.reviewer, run_id="run-1", **AMEND)
    submit_review(office.ledger, office.admin, run_id="run-0", **REVOKE)
    figures = monitor(office.ledger)
    assert figures.runs == 21
    assert figures.by_status == {"answered": 18, "failed": 1, "abstained": 1, "unfinished": 1}
    assert figures.by_error_class == {"warehouse_timeout": 1}
    assert figures.success_rate == 18 / 20
    assert (figures.recalled, figures.repaired, figures.repaired_and_answered) == (1, 2, 1)
    assert figures.latency == Latency(19, 91.0, 1100.0)
    assert figures.latency_by_stage == {"generate": Latency(19, 90.0, 1000.0), "execute": Latency(18, 1.0, 1.0)}
    assert figures.decisions == {"accept": 1, "amend": 1, "revoke": 1}
    assert figures.review_agreement == 0.5


def test_figures_of_an_empty_ledger(ledger: Ledger) -> None:
    figures = monitor(ledger)
    assert (figures.runs, figures.success_rate, figures.latency) == (0, 0.0, Latency(0, 0.0, 0.0))
