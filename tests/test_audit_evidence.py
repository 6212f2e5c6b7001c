"""Bundles of evidence from a real ledger on both databases, judged without it, and by somebody who means them ill."""

from __future__ import annotations

import importlib
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fixtures_audit_parts import WORKSPACE, Office, meddle, sqlite_url

from audit.asking import start_signed_run
from audit.assignment import assign, claim
from audit.checkpoints import write_checkpoint
from audit.errors import IdentityError, RunNotFoundError, SealError
from audit.evidence import export_evidence
from audit.evidence_bundle import read_evidence
from audit.evidence_check import EvidenceCheck, check_evidence, read_keys
from audit.identity import Identity, retire
from audit.ledger import Ledger
from audit.review import submit_review
from audit.review_rules import ReviewRules, TwoFor, record_rules
from audit.seal import canonical_bytes
from audit.verify import verify

pytest_plugins = ("fixtures_audit",)

_ALLOWS_SELF = {"policy": {"review": {"allow_self": True}}, "policy_fingerprint": "p"}


def _export(office: Office, run_id: str = "run-1") -> dict[str, Any]:
    return export_evidence(office.ledger, run_id, office.checkpoints.parent)


def _check(bundle: dict[str, Any], *keys: Identity, reviewers: bool = False) -> EvidenceCheck:
    try:
        return check_evidence(read_evidence(canonical_bytes(bundle)), keys, reviewers=reviewers)
    except SealError as error:
        return EvidenceCheck(False, error.message)


def _key(office: Office) -> Identity:
    return office.workspace_key.identity


def _accept(office: Office, run_id: str = "run-1") -> None:
    submit_review(office.ledger, office.reviewer, run_id=run_id, decision="accept", reason_code="correct")


@pytest.fixture
def reviewed(office: Office) -> Office:
    """A run with another beside it, accepted."""
    office.run("run-1")
    office.run("run-2")
    _accept(office)
    return office


def test_a_bundle_is_judged_with_a_public_key_and_nothing_else(reviewed: Office) -> None:
    bundle = json.loads(json.dumps(_export(reviewed)))
    found = _check(bundle, _key(reviewed))
    assert (found.ok, found.problem, found.reviews, found.records) == (True, "", 1, 10)
    assert (found.run_id, found.workspace, found.key_given) == ("run-1", WORKSPACE, True)
    kinds = [json.loads(each["record"])["kind"] for each in bundle["records"]]
    assert kinds == ["identity"] * 4 + [
        "run.started",
        "run.grounded",
        "run.drafted",
        "run.answered",
        "review",
        "evidence",
    ]
    assert any("the 4 records between" in each for each in found.not_proved)
    assert not any("run-2" in each["record"] for each in bundle["records"])


def test_one_record_is_not_several(office: Office) -> None:
    office.run("run-1")
    office.ledger.append("memory.synced", {})
    _accept(office)
    said = "What the one record between those of the run says. That it is not the run's is the workspace's word"
    assert any(each.startswith(said) for each in _check(_export(office), _key(office)).not_proved)


def test_without_a_key_only_agreement_with_itself_is_shown(reviewed: Office) -> None:
    found = _check(_export(reviewed))
    assert (found.ok, found.key_given, found.key_id) == (True, False, _key(reviewed).key_id)
    assert "compare the key id" in found.not_proved[0]
    wrong = _check(_export(reviewed), reviewed.reviewer.identity)
    assert (wrong.ok, "no key you gave" in wrong.problem) == (False, True)


def test_exporting_again_writes_nothing_and_gives_the_same_bytes(reviewed: Office) -> None:
    first = _export(reviewed)
    head = reviewed.ledger.head()
    assert _export(reviewed) == first
    assert reviewed.ledger.head() == head
    submit_review(reviewed.ledger, reviewed.admin, run_id="run-1", decision="revoke", reason_code="outdated")
    later = _export(reviewed)
    assert _check(later, _key(reviewed)).reviews == 2
    assert _check(first, _key(reviewed)).ok  # as of its checkpoint it still holds
    assert verify(reviewed.ledger, checkpoints=reviewed.checkpoints).problem == ""


def test_a_checkpoint_that_is_there_already_is_used(reviewed: Office) -> None:
    _export(reviewed)
    write_checkpoint(reviewed.ledger, reviewed.workspace_key, reviewed.checkpoints)
    before = len(reviewed.checkpoints.read_bytes().splitlines())
    _export(reviewed)
    assert len(reviewed.checkpoints.read_bytes().splitlines()) == before


def test_another_implementation_agrees_on_every_path(reviewed: Office) -> None:
    if not os.environ.get("CI"):
        pytest.importorskip("scitt_cose.merkle", reason="scitt-cose is not installed: run make setup-dev")
    theirs = importlib.import_module("scitt_cose.merkle")
    bundle = _export(reviewed)
    size, root = bundle["checkpoint"]["sequence"], bundle["checkpoint"]["root"]
    for each in bundle["records"]:
        index = json.loads(each["record"])["sequence"] - 1
        entry = each["record"].encode().hex()
        assert theirs.root_from_inclusion_proof(entry, index, size, each["path"]) == root
    signed = {key: value for key, value in bundle["checkpoint"].items() if key != "signature"}
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(_key(reviewed).public_key))
    key.verify(bytes.fromhex(bundle["checkpoint"]["signature"]), rfc8785.dumps(signed))


# --- what is changed is found -------------------------------------------------------------------------------------


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside, containers and leaves."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*at, key)
        yield from _places(item, (*at, key))


def _changed(value: Any, dice: random.Random) -> Any:
    """Another value of about the same kind."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int | float):
        return value + dice.choice((-1, 1))
    if isinstance(value, str):
        if not value:
            return "x"
        at = dice.randrange(len(value))
        edits = (
            value[:at] + value[at + 1 :],
            value.swapcase(),
            value + " ",
            value[:at] + dice.choice("0aZ<'") + value[at:],
        )
        return next(each for each in dice.sample((*edits, ""), 5) if each != value)
    if isinstance(value, list):
        return dice.choice((value[:-1], [*value, "x"])) if value else ["x"]
    return dice.choice(({**value, "x": 1}, {})) if value else {"x": 1}


def _mutated(bundle: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """The bundle with one place of it changed, or taken out, doubled or moved; inside a record, too."""
    copy = json.loads(json.dumps(bundle))
    if dice.random() < 0.5:  # a field of a record, written back in canonical form
        entry = dice.choice(copy["records"])
        payload = json.loads(entry["record"])
        _mutate_in(payload, dice)
        entry["record"] = canonical_bytes(payload).decode()
        return copy
    if dice.random() < 0.3:  # the list of records
        records = copy["records"]
        at = dice.randrange(len(records))
        each = records.pop(at)
        if dice.random() < 0.5:
            records[dice.randrange(len(records) + 1) :] = [each, *records[dice.randrange(len(records) + 1) :]]
        return copy
    _mutate_in(copy, dice)
    return copy


def _mutate_in(value: Any, dice: random.Random) -> None:
    *above, last = dice.choice(list(_places(value)))
    for key in above:
        value = value[key]
    if isinstance(value, dict) and dice.random() < 0.2:
        value.pop(last)
    else:
        value[last] = _changed(value[last], dice)


def test_no_change_of_any_field_passes(reviewed: Office) -> None:
    bundle, key = _export(reviewed), _key(reviewed)
    dice, tried = random.Random(20260131), 0
    while tried < 1500:
        mutated = _mutated(bundle, dice)
        if mutated != bundle:
            tried += 1
            assert not _check(mutated, key).ok, _difference(bundle, mutated)


def _difference(before: Any, after: Any) -> str:
    return f"{canonical_bytes(before)!r}\n{canonical_bytes(after)!r}"


def test_no_change_of_any_byte_passes(reviewed: Office) -> None:
    data, key = canonical_bytes(_export(reviewed)), _key(reviewed)
    dice = random.Random(7)
    for at in dice.sample(range(len(data)), 1000):
        changed = data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]
        with pytest.raises((SealError, AssertionError)):
            assert check_evidence(read_evidence(changed), (key,)).ok
    for changed in (data + b"\n", b" " + data, data.replace(b'":', b'": ', 1), data[:-1], b"", b"[]", b"{", b"\xff"):
        with pytest.raises(SealError):
            read_evidence(changed)


# --- whoever owns the exporting side ------------------------------------------------------------------------------


def test_a_record_cannot_be_left_out(reviewed: Office) -> None:
    submit_review(reviewed.ledger, reviewed.admin, run_id="run-1", decision="revoke", reason_code="outdated")
    bundle = _export(reviewed)
    for number in range(len(bundle["records"])):
        fewer = {**bundle, "records": [each for n, each in enumerate(bundle["records"]) if n != number]}
        assert not _check(fewer, _key(reviewed)).ok


def test_a_false_statement_is_found_by_whoever_has_the_ledger(reviewed: Office) -> None:
    """Somebody with the workspace's key states that there was no revocation: the bundle holds, the ledger does not."""
    said = read_evidence(canonical_bytes(_export(reviewed))).statement.body
    submit_review(reviewed.ledger, reviewed.admin, run_id="run-1", decision="revoke", reason_code="outdated")
    lie = reviewed.ledger.append("evidence", said)
    found = verify(reviewed.ledger, checkpoints=reviewed.checkpoints)
    assert (found.ok, found.first_bad) == (False, lie.sequence)
    assert "is not what the ledger has" in found.problem


@pytest.mark.parametrize("body", [{}, {"run_id": 3}, {"run_id": "nobody's"}, {"run_id": "run-1", "run": [5]}])
def test_a_statement_of_nothing_does_not_hold(reviewed: Office, body: dict[str, Any]) -> None:
    reviewed.ledger.append("evidence", body)
    assert not verify(reviewed.ledger, checkpoints=None).ok


def test_a_ledger_made_anew_with_the_same_names_is_another_ones(reviewed: Office, tmp_path: Path) -> None:
    elsewhere = tmp_path / "forged"
    elsewhere.mkdir()
    with Ledger.open(sqlite_url(elsewhere), workspace=WORKSPACE) as ledger:
        forger = Office.open(ledger, elsewhere)
        forger.run("run-1", sql="SELECT 1")
        submit_review(ledger, forger.reviewer, run_id="run-1", decision="accept", reason_code="correct")
        forged = export_evidence(ledger, "run-1", elsewhere)
    assert _check(forged).ok
    assert "no key you gave" in _check(forged, _key(reviewed)).problem
    mixed = {**forged, "checkpoint": _export(reviewed)["checkpoint"]}
    assert not _check(mixed, _key(reviewed)).ok


def test_a_reviewers_key_is_held_against_the_file_of_keys(reviewed: Office) -> None:
    bundle = _export(reviewed)
    enrolled = [
        Identity(each.identity.name, each.identity.key_id, each.identity.public_key, frozenset((role,)))
        for each, role in (
            (reviewed.reviewer, "reviewer"),
            (reviewed.admin, "reviewer"),
            (reviewed.workspace_key, "workspace"),
        )
    ]
    listed = read_keys(json.dumps([{**_plain(each), "key_here": False} for each in enrolled]))
    found = _check(bundle, *listed, reviewers=True)
    assert (found.ok, found.reviewers_given) == (True, True)
    assert "no key you gave" in _check(bundle, *listed[1:], reviewers=True).problem
    another = Identity(enrolled[1].name, enrolled[0].key_id, enrolled[1].public_key, frozenset(("reviewer",)))
    assert not _check(bundle, another, *listed[1:], reviewers=True).ok
    as_reviewer = Identity("workspace", enrolled[2].key_id, enrolled[2].public_key, frozenset(("reviewer",)))
    assert not _check(bundle, *listed[:2], as_reviewer, reviewers=True).ok


def _plain(identity: Identity) -> dict[str, Any]:
    named = {name: getattr(identity, name) for name in ("name", "key_id", "public_key")}
    return {**named, "roles": sorted(identity.roles)}


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"name": "x"}]'])
def test_a_file_that_holds_no_keys_is_said_to(text: str) -> None:
    if text == "{}":
        assert read_keys(text) == ()
        return
    with pytest.raises(IdentityError, match="cannot be read"):
        read_keys(text)


def test_a_review_that_the_rules_do_not_allow_is_found(office: Office) -> None:
    """Signed by the asker over their own run, by a program that lets them; only the policy on record says who may."""
    office.run("run-1")
    office.ledger.append("run.started", {"question": "?", "asker": "Reviewer"}, run_id="own", actor="Reviewer")
    office.ledger.append("run.answered", {"status": "answered", "sql": "SELECT 1"}, run_id="own")
    submit_review(
        office.ledger, office.reviewer, run_id="own", decision="accept", reason_code="correct", allow_self=True
    )
    found = _check(_export(office, "own"), _key(office))
    assert (found.ok, "may not review its run" in found.problem) == (False, True)


def test_the_policy_in_force_says_whether_that_was_allowed(office: Office) -> None:
    office.ledger.append("policy.changed", _ALLOWS_SELF)
    office.ledger.append("run.started", {"question": "?", "asker": "Reviewer"}, run_id="own", actor="Reviewer")
    office.ledger.append("run.answered", {"status": "answered", "sql": "SELECT 1"}, run_id="own")
    submit_review(
        office.ledger, office.reviewer, run_id="own", decision="accept", reason_code="correct", allow_self=True
    )
    office.ledger.append("policy.changed", {"policy": {"review": {"allow_self": False}}, "policy_fingerprint": "q"})
    bundle = _export(office, "own")
    assert _check(bundle, _key(office)).problem == ""
    kinds = [json.loads(each["record"])["kind"] for each in bundle["records"]]
    assert kinds.count("policy.changed") == 2


def test_what_an_answer_was_recalled_from_is_part_of_its_evidence(reviewed: Office) -> None:
    review = next(iter(reviewed.ledger.records("run-1", kinds=("review",))))
    add = reviewed.ledger.append
    add("run.started", {"question": "How much freight?", "asker": "Asker"}, run_id="again", actor="Asker")
    recalled = {"verified_run_id": "run-1", "review_hash": review.hash}
    add("run.recalled", recalled, run_id="again")
    add("run.answered", {"status": "answered", "sql": "SELECT 1"}, run_id="again")
    evidence = read_evidence(canonical_bytes(_export(reviewed, "again")))
    assert [each.kind for each in evidence.basis] == ["run.started", "run.answered", "review"]
    found = check_evidence(evidence, (_key(reviewed),))
    assert (found.ok, found.reviews, found.basis_reviews) == (True, 0, 1)
    add("run.recalled", {**recalled, "review_hash": "00" * 32}, run_id="again")
    assert "stands on a review" in _check(_export(reviewed, "again"), _key(reviewed)).problem


def test_a_changed_record_is_not_exported(reviewed: Office) -> None:
    meddle(
        reviewed.ledger,
        "UPDATE ledger_records SET payload = :payload WHERE sequence = 6",
        payload=next(each.payload for each in reviewed.ledger.records() if each.sequence == 7),
    )
    with pytest.raises(Exception, match="damaged or was changed"):
        _export(reviewed)


def test_no_such_run(office: Office) -> None:
    with pytest.raises(RunNotFoundError):
        _export(office, "none")


def test_an_older_checkpoint_does_not_do(reviewed: Office) -> None:
    """One that does not cover all records proves none beyond it."""
    early = write_checkpoint(reviewed.ledger, reviewed.workspace_key, reviewed.checkpoints)
    bundle = _export(reviewed)
    assert bundle["checkpoint"]["sequence"] > early.sequence
    assert not _check({**bundle, "checkpoint": early.to_json()}, _key(reviewed)).ok


# --- what decisions are judged by ---------------------------------------------------------------------------------


def _two_for_all(office: Office) -> None:
    record_rules(office.ledger, office.workspace_key, ReviewRules(reviewers=2))


def test_two_reviewers_the_rules_a_checkpoint_and_an_assignment_travel_along(office: Office) -> None:
    office.run("run-1")
    _two_for_all(office)
    write_checkpoint(office.ledger, office.workspace_key, office.checkpoints)
    assign(office.ledger, office.admin, run_id="run-1", assignee="Reviewer", note="the join")
    claim(office.ledger, office.reviewer, run_id="run-1")
    _accept(office)
    write_checkpoint(office.ledger, office.workspace_key, office.checkpoints)
    submit_review(office.ledger, office.admin, run_id="run-1", decision="accept", reason_code="correct")
    retire(office.ledger, "Reviewer", by=office.admin)
    bundle = _export(office)
    assert (_check(bundle, _key(office)).problem, _check(bundle, _key(office)).reviews) == ("", 2)
    evidence = read_evidence(canonical_bytes(bundle))
    assert [len(each) for each in (evidence.rules, evidence.checkpoints)] == [1, 2]
    assert [each.kind for each in evidence.identities].count("identity.retired") == 1
    noted = [each.body["checkpoint"] for each in evidence.run if each.kind == "review"]
    assert [each["size"] for each in noted] == [each.body["sequence"] for each in evidence.checkpoints]
    assert verify(office.ledger, checkpoints=office.checkpoints).problem == ""


def test_a_second_approval_of_the_same_person_is_found(office: Office) -> None:
    office.run("run-1")
    _two_for_all(office)
    _accept(office)
    _forge(office, lambda body: {**body, "approval": 2})
    assert "has approved run run-1 already" in _check(_export(office), _key(office)).problem


def test_a_review_of_the_first_version_after_the_rules_is_found(office: Office) -> None:
    """It says of no number of approvals, so it would do without the second."""
    office.run("run-1")
    _two_for_all(office)
    _accept(office)
    later = ("approval", "approvals_needed", "checkpoint")

    def earlier(body: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in body.items() if key not in later}
        return {**kept, "purpose": "affidavit.review/1"}

    _forge(office, earlier)
    assert "of the first version" in _check(_export(office), _key(office)).problem


def test_a_review_with_a_retired_key_is_found(office: Office) -> None:
    office.run("run-1")
    office.run("run-2")
    _accept(office, "run-2")
    retire(office.ledger, "Reviewer", by=office.admin)
    _forge(office, lambda body: {**body, "run_id": "run-1"}, run_id="run-1")
    assert "was retired before it" in _check(_export(office), _key(office)).problem


def test_rules_that_the_workspace_did_not_sign_are_found(office: Office) -> None:
    office.run("run-1")
    _two_for_all(office)
    rules = next(iter(office.ledger.records(kinds=("review.rules",)))).body
    unsigned = {key: value for key, value in rules.items() if key != "signature"}
    looser = {**unsigned, "rules": ReviewRules().to_json(), "previous_head": office.ledger.head().hash}
    office.ledger.append("review.rules", office.admin.sign_body(looser))
    assert "not signed by a key of this workspace" in _check(_export(office), _key(office)).problem


def _forge(office: Office, change: Callable[[dict[str, Any]], dict[str, Any]], run_id: str = "run-1") -> None:
    """The newest review once more, changed, signed by its reviewer and put at the end of the ledger."""
    body = list(office.ledger.records(kinds=("review",)))[-1].body
    unsigned = {key: value for key, value in body.items() if key != "signature"}
    placed = {**change(unsigned), "nonce": "00" * 16, "previous_head": office.ledger.head().hash}
    office.ledger.append("review", office.reviewer.sign_body(placed), run_id=run_id, actor="Reviewer")


def test_a_signed_question_is_checked(office: Office) -> None:
    wanted = {"policy": {"asking": "enrolled"}, "policy_fingerprint": "p"}
    office.ledger.append("policy.changed", wanted)
    body = {"question": "How much freight?", "asker": "Asker", "policy_fingerprint": "p"}
    start_signed_run(office.ledger, office.asker, body, "signed")
    assert _check(_export(office, "signed"), _key(office)).problem == ""
    office.ledger.append("run.started", body, run_id="unsigned", actor="Asker")
    assert "is not signed by who asked" in _check(_export(office, "unsigned"), _key(office)).problem
    stolen = {**next(iter(office.ledger.records("signed"))).body, "question": "Another?"}
    office.ledger.append("run.started", stolen, run_id="other", actor="Asker")
    assert "the signature of Asker on it does not hold" in _check(_export(office, "other"), _key(office)).problem


def test_a_replay_asks_for_no_further_approval(office: Office) -> None:
    office.run("run-1")
    record_rules(office.ledger, office.workspace_key, ReviewRules(two_for=TwoFor(scanned_rows=10)))
    replayed = {"tables": ["Orders"], "estimate": {"scanned_rows": 1000}, "purpose": "replay"}
    office.ledger.append("run.intent", replayed, run_id="run-1")
    _accept(office)
    assert next(iter(office.ledger.records("run-1", kinds=("review",)))).body["approvals_needed"] == 1
    assert _check(_export(office), _key(office)).problem == ""
