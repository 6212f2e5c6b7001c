"""What the ledger says stands on a review: recalled, shown as an example, learnt by a model, and through others."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures_audit_parts import FINGERPRINT, Office

from audit.errors import ReviewError, RevokedReliance
from audit.export import accepted_runs
from audit.queue import review_queue
from audit.reliance import (
    DATASET_BUILT,
    RelianceReader,
    TrainedModel,
    read_reliances,
    relied_on_revoked,
    revoked_runs,
)
from audit.review import submit_review
from audit.verify import verify

pytest_plugins = ("fixtures_audit",)

SHA = {name: name * 32 for name in ("aa", "bb", "cc", "dd")}


def _decide(office: Office, run_id: str, decision: str, code: str = "correct") -> None:
    submit_review(office.ledger, office.reviewer, run_id=run_id, decision=decision, reason_code=code)


def _vouched(office: Office) -> str:
    run_id = office.run()
    _decide(office, run_id, "accept")
    return run_id


def _recalled(office: Office, from_run: str) -> str:
    run_id = office.run()
    office.ledger.append("run.recalled", {"verified_run_id": from_run}, run_id=run_id)
    return run_id


def _shown(office: Office, *examples: str) -> str:
    run_id = office.run()
    pieces = [{"kind": "example", "id": each, "version": each[:13], "hash": FINGERPRINT} for each in examples]
    office.ledger.append("run.grounded", {"pieces": pieces}, run_id=run_id)
    return run_id


def _drafted(office: Office, model: str, **more: Any) -> str:
    run_id = office.run()
    office.ledger.append("run.drafted", {"origin": "model", "model": model, "sql": "SELECT 1", **more}, run_id=run_id)
    return run_id


def _built(office: Office, sha256: str, reviews: dict[str, list[str]], *, tested: tuple[str, ...] = ()) -> None:
    body = {"folder": f"/d/{sha256[:4]}", "sha256": sha256, "counts": {}, "reviews": reviews}
    office.ledger.append(DATASET_BUILT, {**body, "taught": sorted(reviews.keys() - set(tested))})


def test_each_way_of_relying_is_found_and_no_other(office: Office) -> None:
    source, other = _vouched(office), _vouched(office)
    recalled, shown = _recalled(office, source), _shown(office, other, source)
    _built(office, SHA["aa"], {source: ["p1", "p2"], other: ["p4"]}, tested=(other,))
    _built(office, SHA["bb"], {other: ["p3"]})
    models = [
        TrainedModel("night", SHA["cc"], SHA["aa"]),
        TrainedModel("mean", SHA["dd"], SHA["bb"], made_from=(SHA["cc"],)),
        TrainedModel("clean", "ee" * 32, SHA["bb"]),
        TrainedModel("elsewhere", "ff" * 32, ""),
    ]
    drafted, after_mean = _drafted(office, "base+night"), _drafted(office, "base+mean")
    for unrelated in ("base+clean", "base", "base+elsewhere", "night"):
        _drafted(office, unrelated)
    _drafted(office, "base+night", origin="compiled")
    office.ledger.append("export", {"file": "x.jsonl", "sha256": SHA["aa"], "run_ids": [source, other]})
    office.ledger.append("export", {"file": "y.jsonl", "sha256": SHA["bb"], "run_ids": [other]})

    impact = read_reliances(office.ledger, models).of(source)
    assert {each.run_id: each.how for each in impact.runs} == {
        recalled: "recalled",
        shown: "example",
        drafted: "model night",
        after_mean: "model mean",
    }
    assert impact.counts() == {"recalled": 1, "example": 1, "model": 2}
    assert [each.name for each in impact.models] == ["night", "mean"]
    assert [(each.sha256, each.reviews[source]) for each in impact.datasets] == [(SHA["aa"], ("p1", "p2"))]
    assert impact.exports == (("x.jsonl", SHA["aa"]),)
    of_other = read_reliances(office.ledger, models).of(other)
    assert [each.sha256 for each in of_other.datasets] == [SHA["aa"], SHA["bb"]]
    assert [each.name for each in of_other.models] == ["mean", "clean"], "nobody learns from a test set"


def test_only_what_was_vouched_for_passes_on_what_it_relied_on(office: Office) -> None:
    source = _vouched(office)
    passed_on, not_passed = _recalled(office, source), _recalled(office, source)
    _decide(office, passed_on, "accept")
    second, third = _recalled(office, passed_on), _shown(office, passed_on)
    nobody = _recalled(office, not_passed)
    _decide(office, second, "accept")
    fourth = _recalled(office, second)
    found = {each.run_id: each.on for each in read_reliances(office.ledger).of(source).runs}
    assert found == {
        passed_on: source,
        not_passed: source,
        second: passed_on,
        third: passed_on,
        fourth: second,
    }
    assert nobody not in found
    assert relied_on_revoked(office.ledger) == {}
    _decide(office, source, "revoke", "outdated")
    _decide(office, second, "revoke", "outdated")
    assert set(revoked_runs(office.ledger)) == {source, second}
    marked = relied_on_revoked(office.ledger)
    assert set(marked) == set(found)
    assert marked[fourth] == tuple(sorted((source, second)))
    # The past stays readable, and what others vouched for stands until they take it back.
    assert {run.run_id for run in accepted_runs(office.ledger)} == {passed_on}
    assert verify(office.ledger, checkpoints=None).ok


def test_runs_that_recall_each_other_do_not_go_round_for_ever(office: Office) -> None:
    first = _vouched(office)
    second = _recalled(office, first)
    _decide(office, second, "accept")
    office.ledger.append("run.recalled", {"verified_run_id": second}, run_id=first)
    assert [each.run_id for each in read_reliances(office.ledger).of(first).runs] == [second]


def test_a_promoted_model_is_known_from_the_ledger_alone(office: Office) -> None:
    source = _vouched(office)
    _built(office, SHA["aa"], {source: ["p1"]})
    office.ledger.append("model.promoted", {"name": "night", "sha256": SHA["cc"], "dataset_hash": SHA["aa"]})
    drafted = _drafted(office, "base+night")
    _decide(office, source, "revoke", "outdated")
    assert relied_on_revoked(office.ledger) == {drafted: (source,)}


def test_records_of_another_shape_are_passed_over(office: Office) -> None:
    source = _vouched(office)
    for kind, body in (
        ("run.grounded", {"pieces": "none"}),
        ("run.grounded", {"pieces": [1, None, {"kind": "example"}]}),
        (DATASET_BUILT, {"reviews": [source]}),
        (DATASET_BUILT, {}),
        ("export", {}),
        ("run.recalled", {}),
    ):
        office.ledger.append(kind, body, run_id="r-odd")
    assert read_reliances(office.ledger).of(source).runs == ()


def test_a_reader_that_goes_on_says_the_same_as_a_new_one(office: Office) -> None:
    reader, first, second = RelianceReader(office.ledger), _vouched(office), _vouched(office)
    assert reader.relied_on_revoked() == {}
    early = _recalled(office, first)
    _decide(office, first, "revoke", "outdated")
    assert reader.relied_on_revoked() == {early: (first,)}
    _decide(office, second, "revoke", "outdated")
    late = _shown(office, first, second)
    assert (
        reader.relied_on_revoked()
        == relied_on_revoked(office.ledger)
        == {early: (first,), late: tuple(sorted((first, second)))}
    )


# --- accepting what relied on a revoked review --------------------------------------------------------------------


def _revoked(office: Office, run_id: str) -> None:
    why = {"reason_code": "wrong_metric", "reason": "Net, not gross."}
    submit_review(office.ledger, office.admin, run_id=run_id, decision="revoke", **why)


def _accept(office: Office, run_id: str, **more: Any) -> dict[str, Any]:
    accept = {"decision": "accept", "reason_code": "correct", **more}
    return submit_review(office.ledger, office.reviewer, run_id=run_id, **accept).body


def test_what_relied_on_a_revoked_review_is_accepted_only_by_who_insists_and_says_why(office: Office) -> None:
    source = _vouched(office)
    recalled, shown, through = _recalled(office, source), _shown(office, source), office.run()
    _revoked(office, source)
    before = office.ledger.head()
    for run_id in (recalled, shown):
        with pytest.raises(RevokedReliance, match=f"the review of run {source}, which .* revoked") as refused:
            _accept(office, run_id, reason="I know better.")
        assert "wrong metric: Net, not gross" in refused.value.message
        assert "--despite-revoked" in refused.value.hint
    with pytest.raises(RevokedReliance, match="needs a reason"):
        _accept(office, recalled, despite_revoked=True, reason=" ")
    assert office.ledger.head() == before

    signed = _accept(office, recalled, despite_revoked=True, reason="Gross was asked for.")
    assert (signed["purpose"], signed["despite_revoked"]) == ("affidavit.review/3", [source])
    assert signed["reason"] == "Gross was asked for."
    office.ledger.append("run.recalled", {"verified_run_id": recalled}, run_id=through)
    with pytest.raises(RevokedReliance, match=source):
        _accept(office, through)
    plain = _accept(office, office.run(), despite_revoked=True, reason="Nothing stands in the way.")
    assert plain["purpose"] == "affidavit.review/2"
    found = verify(office.ledger, checkpoints=None)
    assert (found.ok, found.problem) == (True, "")


def test_a_model_that_learnt_from_a_revoked_review_counts_although_only_the_registry_knows_it(office: Office) -> None:
    source = _vouched(office)
    _built(office, SHA["aa"], {source: ["p1"]})
    drafted = _drafted(office, "base+night")
    _revoked(office, source)
    models = (TrainedModel("night", SHA["cc"], SHA["aa"]),)
    with pytest.raises(RevokedReliance):
        _accept(office, drafted, models=models)
    (queued,) = review_queue(office.ledger, models=models).runs
    assert (queued.run_id, queued.reasons[0].points) == (drafted, 4)


def test_a_revoked_review_stops_neither_rejecting_nor_correcting(office: Office) -> None:
    source = _vouched(office)
    rejected, amended = _recalled(office, source), _recalled(office, source)
    _revoked(office, source)
    told = {each.run_id: each.why for each in review_queue(office.ledger).runs}
    assert told.keys() == {rejected, amended}
    assert f"relied on a revoked review ({source[:13]})" in told[rejected]
    _decide(office, rejected, "reject", "wrong_metric")
    amendment = {"sql": "SELECT 2", "result_fingerprint": "ef" * 32, "reason_code": "wrong_metric"}
    submit_review(office.ledger, office.reviewer, run_id=amended, decision="amend", **amendment)
    assert verify(office.ledger, checkpoints=None).ok


@pytest.mark.parametrize("value", [[], "r1", [1], ["b", "a"], ["a", "a"], None])
def test_a_third_version_that_names_no_runs_is_no_review(office: Office, value: object) -> None:
    from audit.identity import enrolled_keys
    from audit.review import verify_review

    source = _vouched(office)
    recalled = _recalled(office, source)
    _revoked(office, source)
    _accept(office, recalled, despite_revoked=True, reason="Known.")
    record = list(office.ledger.records(kinds=("review",)))[-1]
    keys = enrolled_keys(office.ledger.records(), "shop")
    verify_review(record, keys)
    record.body["despite_revoked"] = value
    with pytest.raises(ReviewError, match="fields of a review"):
        verify_review(record, keys)
