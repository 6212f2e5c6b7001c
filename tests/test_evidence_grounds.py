"""Evidence of a run that relied on revoked reviews: what is proved of it, what is a word, and who finds a lie."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
from fixtures_audit_parts import Office

from audit.checkpoints import write_checkpoint
from audit.errors import SealError
from audit.evidence import export_evidence
from audit.evidence_bundle import read_evidence
from audit.evidence_check import EvidenceCheck, check_evidence
from audit.identity import Identity
from audit.merkle import inclusion_path
from audit.reliance import TrainedModel
from audit.review import submit_review
from audit.seal import canonical_bytes
from audit.tree import open_tree
from audit.verify import verify
from tui.evidence.page import bundle_in, page_of, page_problem

pytest_plugins = ("fixtures_audit",)

NIGHT = TrainedModel("night", "cc" * 32, "aa" * 32)


def _export(office: Office, run_id: str = "leaning", *models: TrainedModel) -> dict[str, Any]:
    return export_evidence(office.ledger, run_id, office.checkpoints.parent, models=models)


def _check(bundle: dict[str, Any], *keys: Identity, reviewers: bool = False) -> EvidenceCheck:
    try:
        return check_evidence(read_evidence(canonical_bytes(bundle)), keys, reviewers=reviewers)
    except SealError as error:
        return EvidenceCheck(False, error.message)


def _decide(office: Office, run_id: str, decision: str, code: str) -> str:
    record = submit_review(office.ledger, office.reviewer, run_id=run_id, decision=decision, reason_code=code)
    return record.hash


def _revoke(office: Office, *runs: str) -> None:
    for run_id in runs:
        _decide(office, run_id, "revoke", "outdated")


@pytest.fixture
def leaning(office: Office) -> Office:
    """A run that was recalled from one accepted run, shown another, and drafted by a model that learnt from a third."""
    hashes = {run_id: _decide(office, office.run(run_id), "accept", "correct") for run_id in ("a", "b", "c", "d")}
    reviews = {"folder": "/d", "sha256": NIGHT.dataset_hash, "counts": {}, "reviews": {"c": ["p1"]}, "taught": ["c"]}
    office.ledger.append("dataset.built", reviews)
    office.run("leaning")
    add = office.ledger.append
    add("run.recalled", {"verified_run_id": "a", "review_hash": hashes["a"]}, run_id="leaning")
    add("run.grounded", {"pieces": [{"kind": "example", "id": each} for each in ("b", "d")]}, run_id="leaning")
    add("run.drafted", {"origin": "model", "model": "base+night", "sql": "SELECT 1"}, run_id="leaning")
    return office


def test_what_stands_is_not_called_revoked(leaning: Office) -> None:
    _decide(leaning, leaning.run("stranger"), "accept", "correct")
    _revoke(leaning, "stranger")
    bundle = _export(leaning, "leaning", NIGHT)
    found = _check(bundle, leaning.workspace_key.identity)
    assert (found.problem, found.relied_on_revoked) == ("", ())
    assert any("no review revoked by then" in each for each in found.not_proved)
    page = page_of(canonical_bytes(bundle))
    assert "no review this answer relied on had been revoked" in page
    assert "relied on a review that was revoked" not in page


def test_what_the_records_show_is_proved_and_the_rest_is_a_word(leaning: Office) -> None:
    _revoke(leaning, "a", "b", "c")
    bundle = _export(leaning, "leaning", NIGHT)
    found = _check(bundle, leaning.workspace_key.identity)
    assert (found.problem, found.relied_on_revoked) == ("", ("a", "b", "c"))
    proved, not_proved = "\n".join(found.proved), "\n".join(found.not_proved)
    assert "relied on the review of run a (recalled), which Reviewer revoked in record" in proved
    assert "relied on the review of run b (example), which Reviewer revoked in record" in proved
    assert "run c" not in proved
    assert "relied on the revoked review of run c through the model night" in not_proved
    held = {json.loads(each["record"]).get("run_id") for each in bundle["records"]}
    assert held == {None, "leaning", "a", "b"}, "of a run that is only the workspace's word, nothing is handed on"
    page = page_of(canonical_bytes(bundle))
    assert 'class="stamp bad">relied on a review that was revoked' in page
    for part in ("recalled from it", "shown it as an example", "drafted by the model night", "the workspace’s word"):
        assert part in page
    assert page_problem(page.encode(), bundle_in(page.encode())) == ""
    assert _export(leaning, "leaning", NIGHT) == bundle
    assert verify(leaning.ledger, checkpoints=leaning.checkpoints).problem == ""


def test_relying_through_another_run_is_a_word(leaning: Office) -> None:
    accepted = _decide(leaning, "leaning", "accept", "correct")
    leaning.run("later")
    leaning.ledger.append("run.recalled", {"verified_run_id": "leaning", "review_hash": accepted}, run_id="later")
    _revoke(leaning, "b")
    found = _check(_export(leaning, "later"), leaning.workspace_key.identity)
    assert (found.problem, found.relied_on_revoked) == ("", ("b",))
    assert any("run b through run leaning (recalled)" in each for each in found.not_proved)
    assert not any("run b" in each for each in found.proved)
    assert verify(leaning.ledger, checkpoints=leaning.checkpoints).problem == ""


def test_no_change_of_such_a_bundle_passes(leaning: Office) -> None:
    _revoke(leaning, "a", "b")
    bundle = _export(leaning)
    data, key = canonical_bytes(bundle), leaning.workspace_key.identity
    for number in range(len(bundle["records"])):
        fewer = {**bundle, "records": [each for n, each in enumerate(bundle["records"]) if n != number]}
        assert not _check(fewer, key).ok
    assert not _check({**bundle, "purpose": "affidavit.evidence/1"}, key).ok
    dice = random.Random(11)
    for at in dice.sample(range(len(data)), 300):
        changed = data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]
        with pytest.raises((SealError, AssertionError)):
            assert check_evidence(read_evidence(changed), (key,)).ok


def test_the_reviewers_key_of_the_revocation_is_held_against_the_given_ones(leaning: Office) -> None:
    _revoke(leaning, "b")
    bundle = _export(leaning)
    everybody = [each.identity for each in (leaning.reviewer, leaning.admin, leaning.workspace_key)]
    assert _check(bundle, *everybody, reviewers=True).ok
    assert "no key you gave" in _check(bundle, *everybody[1:], reviewers=True).problem


def _changed(statement: dict[str, Any], lie: str) -> dict[str, Any]:
    relied = statement["relied"]
    if lie == "leaves out what it was recalled from":
        return {**statement, "relied": [each for each in relied if each["run_id"] != "a"]}
    if lie == "leaves out an example":
        return {**statement, "relied": [each for each in relied if each["run_id"] != "b"], "revoked": []}
    if lie == "makes up a revocation":
        return {**statement, "relied": [*relied, {"run_id": "d", "on": "leaning", "how": "model x"}]}
    if lie == "says it was recalled":
        return {**statement, "relied": [*relied, {"run_id": "e", "on": "e", "how": "recalled"}]}
    if lie == "is of the first version":
        return {key: value for key, value in statement.items() if key not in ("relied", "revoked")}
    return {**statement, "relied": relied[::-1]} if lie == "is out of order" else {**statement, "relied": [{"how": 1}]}


@pytest.mark.parametrize(
    ("lie", "in_bundle"),
    [
        ("leaves out what it was recalled from", True),
        ("leaves out an example", False),
        ("makes up a revocation", False),
        ("says it was recalled", True),
        ("is of the first version", False),
        ("is out of order", True),
        ("cannot be read", True),
    ],
)
def test_a_lie_of_the_workspace_is_found(leaning: Office, lie: str, in_bundle: bool) -> None:
    """By whoever has the ledger always, and by whoever has the bundle where its records show it."""
    _decide(leaning, leaning.run("e"), "accept", "correct")
    _revoke(leaning, "a", "b", "e")
    _export(leaning)
    (said,) = leaning.ledger.records(kinds=("evidence",))
    lied = leaning.ledger.append("evidence", _changed(said.body, lie))
    found = verify(leaning.ledger, checkpoints=leaning.checkpoints)
    assert (found.ok, found.first_bad) == (False, lied.sequence)
    bundle = _bundle_of(leaning, lied.sequence)
    assert _check(bundle, leaning.workspace_key.identity).ok is not in_bundle


def _bundle_of(office: Office, sequence: int) -> dict[str, Any]:
    """The bundle that a dishonest workspace would make of its statement."""
    head = write_checkpoint(office.ledger, office.workspace_key, office.checkpoints)
    records = {each.sequence: each for each in office.ledger.records()}
    stated = records[sequence].body
    parts = ("run", "basis", "identities", "policies", "rules", "checkpoints", "revoked")
    wanted = sorted({sequence, *(each for part in parts for each in stated.get(part, []))})
    with open_tree(office.ledger) as tree:
        proved = [
            {
                "path": [step.hex() for step in inclusion_path(tree.node, each - 1, head.sequence)],
                "record": records[each].payload.decode(),
            }
            for each in wanted
        ]
    return {
        "checkpoint": head.to_json(),
        "disclosed": {},
        "purpose": "affidavit.evidence/2" if "relied" in stated else "affidavit.evidence/1",
        "records": proved,
        "run_id": "leaning",
        "workspace": office.ledger.workspace,
    }


def test_statements_of_the_first_version_hold_until_there_is_one_of_the_second(office: Office) -> None:
    office.run("run-1")
    none = {part: [] for part in ("basis", "policies", "rules", "checkpoints")}
    first = {"run_id": "run-1", "run": [5, 6, 7, 8], "identities": [1, 2, 3, 4], **none}
    office.ledger.append("evidence", first)
    assert verify(office.ledger, checkpoints=None).problem == ""
    _export(office, "run-1")
    assert verify(office.ledger, checkpoints=None).problem == ""
    again = office.ledger.append("evidence", first)
    found = verify(office.ledger, checkpoints=None)
    assert (found.first_bad, "first version, after one of the second" in found.problem) == (again.sequence, True)


def test_a_bundle_of_the_first_version_says_that_it_does_not_know() -> None:
    bundle = json.loads((Path(__file__).parent / "evidence" / "bundle-1.json").read_bytes())
    found = _check(bundle)
    assert (found.problem, found.relied_on_revoked) == ("", ())
    assert any("bundles of the first version do not say" in each for each in found.not_proved)


def test_the_page_of_the_second_format_does_not_change_unnoticed() -> None:
    page = page_of((Path(__file__).parent / "evidence" / "bundle-2.json").read_bytes())
    assert 'content="affidavit.evidence-page/2"' in page
    assert hashlib.sha256(page.encode()).hexdigest() == (
        "41237d52313da7ef184257954dc1806c4a9a1f455783446c54275007bd4e27d5"
    ), "the page of a handed-out bundle changed: give it a new _FORMAT in tui/evidence/page.py"
