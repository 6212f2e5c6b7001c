"""What the ledger says stands on a review: recalled, shown as an example, learnt by a model, and through others."""

from __future__ import annotations

from typing import Any

from fixtures_audit_parts import FINGERPRINT, Office

from audit.export import accepted_runs
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
