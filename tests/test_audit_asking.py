"""Questions signed by who asks, and policies that take no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fixtures_audit_parts import Office

from audit.asking import _statement, start_signed_run
from audit.checkpoints import write_checkpoint
from audit.errors import IdentityError
from audit.identity import enrol, retire
from audit.verify import verify

pytest_plugins = ("fixtures_audit",)

WANTING = "ff" * 32
BODY = {"question": "How much freight?", "asker": "Asker", "policy_fingerprint": WANTING}


def _policy(office: Office, asking: str = "enrolled", fingerprint: str = WANTING) -> None:
    body = {"policy_fingerprint": fingerprint, "policy": {"asking": asking}}
    office.ledger.append("policy.changed", body)


def _problem(office: Office) -> str:
    found = verify(office.ledger, checkpoints=None)
    assert found.ok or found.first_bad == office.ledger.head().sequence
    return found.problem


def _signed(office: Office, run_id: str, **change: Any) -> dict[str, Any]:
    """The body of a run that was signed truly, taken from the ledger, with changes."""
    return {**start_signed_run(office.ledger, office.asker, BODY, run_id).body, **change}


def test_whoever_asks_signs_the_question(office: Office) -> None:
    _policy(office)
    record = start_signed_run(office.ledger, office.asker, BODY, "r1")
    assert (record.actor, record.run_id) == ("Asker", "r1")
    assert record.body["asker_key"] == office.asker.identity.key_id
    start_signed_run(office.ledger, office.asker.called("asker"), {**BODY, "asker": "ASKER"}, "r2")
    start_signed_run(office.ledger, office.asker, {**BODY, "question": "\udcff", "question_sha256": "ab" * 32}, "r3")
    start_signed_run(office.ledger, office.asker, {**BODY, "question": "\udcff"}, "r4")
    assert verify(office.ledger, checkpoints=None).ok


def test_a_run_without_a_signature_is_found_where_its_policy_wants_one(office: Office) -> None:
    office.ledger.append("run.started", BODY, run_id="r0", actor="Asker")  # before the policy was there
    _policy(office, "anyone", "ee" * 32)
    _policy(office)
    office.ledger.append("run.started", {**BODY, "policy_fingerprint": "ee" * 32}, run_id="r1", actor="Asker")
    assert _problem(office) == ""
    office.ledger.append("run.started", BODY, run_id="r2", actor="Asker")
    assert "not signed by who asked, although its policy wants that" in _problem(office)


def test_a_quick_verification_knows_the_policy(office: Office) -> None:
    _policy(office)
    checkpoint = write_checkpoint(office.ledger, office.workspace_key, office.checkpoints)
    office.ledger.append("run.started", BODY, run_id="r1", actor="Asker")
    assert "its policy wants that" in verify(office.ledger, checkpoints=office.checkpoints, since=checkpoint).problem


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda body: body.update(question="How much tax?"), "does not hold"),
        (lambda body: body.update(asker="Reviewer"), "not signed with an enrolled key of Reviewer"),
        (lambda body: body.update(asker_key="0" * 32), "not signed with an enrolled key of Asker"),
        (lambda body: body.update(asker_key=7), "not signed with an enrolled key of Asker"),
        (lambda body: body.update(asker_signature="00" * 64), "does not hold"),
        (lambda body: body.update(asker_signature=None), "does not hold"),
        (lambda body: body.pop("asker_key"), "not signed with an enrolled key of Asker"),
        (lambda body: body.pop("asker_signature"), "does not hold"),
        (lambda body: None, "does not hold"),  # a true signature, of another run
    ],
)
def test_forged_signatures_are_found(office: Office, change: Callable[[dict[str, Any]], object], problem: str) -> None:
    body = _signed(office, "r1")
    change(body)
    office.ledger.append("run.started", body, run_id="r2", actor=body["asker"])
    assert problem in _problem(office)


def test_the_actor_of_a_signed_run_is_who_signed(office: Office) -> None:
    """Rules about who may review look at the asker, lists at the actor: they must not differ."""
    key_id = office.asker.identity.key_id
    signature = office.asker.sign_statement(_statement(BODY, "r1", office.ledger.workspace, key_id))
    body = {**BODY, "asker_key": key_id, "asker_signature": signature}
    office.ledger.append("run.started", body, run_id="r1", actor="Admin")
    assert "its actor is another" in _problem(office)


def test_who_may_ask(office: Office) -> None:
    enrol(office.ledger, office.reviewer, by=office.admin, roles=("asker",))
    start_signed_run(office.ledger, office.reviewer, {**BODY, "asker": "Reviewer"}, "r1")
    start_signed_run(office.ledger, office.admin, {**BODY, "asker": "Admin"}, "r2")
    retire(office.ledger, "Asker", by=office.admin)
    before = office.ledger.head()
    for signer, asker, problem in (
        (office.asker, "Asker", "was retired"),
        (office.workspace_key, "workspace", "may not ask"),
        (office.reviewer, "Admin", "not signed with an enrolled key of Admin"),
    ):
        with pytest.raises(IdentityError, match=problem):
            start_signed_run(office.ledger, signer, {**BODY, "asker": asker}, "r3")
    assert office.ledger.head() == before
    assert verify(office.ledger, checkpoints=None).ok
