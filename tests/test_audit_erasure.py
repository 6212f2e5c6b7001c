"""Who may say that a subject is erased: an admin, once there is one; anything else does not verify."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures_audit_parts import Office

from audit.erasure import needs_admin, record_erasure
from audit.errors import IdentityError
from audit.identity import create_identity, retire
from audit.ledger import Ledger
from audit.verify import verify

pytest_plugins = ("fixtures_audit",)


def _problem(office: Office) -> str:
    return verify(office.ledger, checkpoints=None).problem


def test_without_an_admin_it_is_on_record_with_the_name_given(ledger: Ledger) -> None:
    assert not needs_admin(ledger)
    record = record_erasure(ledger, ["s1"], 2, actor="dpo", signer=None)
    assert (record.actor, record.body) == ("dpo", {"runs": 2, "subjects": ["s1"]})
    assert verify(ledger, checkpoints=None).problem == ""


def test_an_admin_signs_it(office: Office) -> None:
    assert needs_admin(office.ledger)
    record = record_erasure(office.ledger, ["s1"], 2, actor="anybody", signer=office.admin)
    assert (record.actor, record.body["by"]) == ("Admin", "Admin")
    assert _problem(office) == ""


def test_nobody_else_may(office: Office) -> None:
    head = office.ledger.head()
    for signer in (None, office.reviewer, office.workspace_key):
        with pytest.raises(IdentityError, match="takes an admin's key"):
            record_erasure(office.ledger, ["s1"], 2, actor="dpo", signer=signer)
    second = create_identity(office.ledger, office.keyring, "Second", by=office.admin, roles=("admin",))
    retire(office.ledger, "Admin", by=second)
    with pytest.raises(IdentityError, match="takes an admin's key"):
        record_erasure(office.ledger, ["s1"], 2, actor="dpo", signer=office.admin)
    record_erasure(office.ledger, ["s1"], 2, actor="dpo", signer=second)
    assert office.ledger.head().sequence == head.sequence + 3
    assert _problem(office) == ""


@pytest.mark.parametrize("actor", ["Admin", "dpo"])
def test_one_without_a_signature_does_not_verify_after_an_admin(office: Office, actor: str) -> None:
    office.ledger.append("privacy.erased", {"runs": 2, "subjects": ["s1"]}, actor=actor)
    assert "is not signed, although" in _problem(office)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subjects": ["s2"]}, "the signature of Admin"),
        ({"runs": 3}, "the signature of Admin"),
        ({"previous_head": "00" * 32}, "for this place"),
        ({"purpose": "affidavit.identity.retired/1"}, "for this place"),
        ({"workspace": "another"}, "for this place"),
        ({"by": "Reviewer"}, "for this place"),
        ({"extra": 1}, "the fields of its kind"),
    ],
)
def test_what_was_not_signed_does_not_verify(office: Office, change: dict[str, Any], said: str) -> None:
    body = record_erasure(office.ledger, ["s1"], 2, actor="", signer=office.admin).body
    here = {**body, "previous_head": office.ledger.head().hash}
    unsigned = {key: value for key, value in here.items() if key != "signature"}
    office.ledger.append("privacy.erased", {**office.admin.sign_body(unsigned), **change}, actor="Admin")
    assert said in _problem(office)


def test_the_same_record_again_does_not_verify(office: Office) -> None:
    body = record_erasure(office.ledger, ["s1"], 2, actor="", signer=office.admin).body
    office.ledger.append("privacy.erased", body, actor="Admin")
    assert "for this place" in _problem(office)


def test_a_reviewers_signature_does_not_verify(office: Office) -> None:
    body = record_erasure(office.ledger, ["s1"], 2, actor="", signer=office.admin).body
    mine = {**body, "by": "Reviewer", "key_id": office.reviewer.identity.key_id}
    unsigned = {key: value for key, value in mine.items() if key != "signature"}
    placed = {**unsigned, "previous_head": office.ledger.head().hash}
    office.ledger.append("privacy.erased", office.reviewer.sign_body(placed), actor="Reviewer")
    assert "somebody who was an admin then" in _problem(office)
