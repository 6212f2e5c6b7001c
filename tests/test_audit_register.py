"""Who may enrol and retire whom, and everything a forger might write to get round it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fixtures_audit_parts import WORKSPACE, Office

from audit.enrolment import Role, request_of, retirement_of, self_enrolment_of, vouched
from audit.errors import IdentityError, ReviewError
from audit.export import accepted_runs
from audit.identity import (
    Keyring,
    Signer,
    create_identity,
    enrol,
    enrol_request,
    ensure_workspace_key,
    read_register,
    request_enrolment,
    retire,
)
from audit.ledger import Ledger
from audit.review import submit_review
from audit.verify import verify

pytest_plugins = ("fixtures_audit",)

ACCEPT = {"decision": "accept", "reason_code": "correct"}
REVIEWER = (Role.REVIEWER,)


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys")


@pytest.fixture
def stranger(tmp_path: Path) -> Signer:
    return Keyring(tmp_path / "stranger").create("Mallory")


def _write(ledger: Ledger, body: dict[str, Any], actor: str, kind: str = "identity") -> str:
    """Put a record there as whoever owns the database can; gives what verification says of it."""
    record = ledger.append(kind, body, actor=actor)
    found = verify(ledger, checkpoints=None)
    assert found.ok or found.first_bad == record.sequence
    return found.problem


def _head(office: Office) -> str:
    return office.ledger.head().hash


def test_everybody_after_the_first_is_vouched_for_by_an_admin(office: Office) -> None:
    standings = {each.identity.name: each for each in read_register(office.ledger).standings}
    assert list(standings) == ["workspace", "Admin", "Reviewer", "Asker"]
    assert [each.vouched_by for each in standings.values()] == ["", "workspace", "Admin", "Admin"]
    assert [each.second_person for each in standings.values()] == [False, False, True, True]
    assert standings["Admin"].identity.roles == {"admin", "reviewer"}
    assert standings["Reviewer"].identity.roles == {"reviewer"}
    assert all(each.since and not each.retired for each in standings.values())
    assert verify(office.ledger, checkpoints=None).ok


def test_nobody_is_enrolled_without_an_admin(office: Office, tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "elsewhere")
    before = office.ledger.head()
    for by, problem in (
        (office.workspace_key, "needs an admin"),
        (office.reviewer, "may not enrol anybody"),
        (keyring.create("Admin"), "was not enrolled before it"),
    ):
        with pytest.raises(IdentityError, match=problem):
            enrol(office.ledger, keyring.create(f"Fresh {problem}"), by=by)
    with pytest.raises(IdentityError, match="vouches for themself"):
        enrol(office.ledger, office.admin, by=office.admin, roles=("asker",))
    with pytest.raises(IdentityError, match="not those of a person"):
        enrol(office.ledger, keyring.create("Program"), by=office.admin, roles=(Role.WORKSPACE,))
    assert office.ledger.head() == before


def test_a_request_is_granted_elsewhere_once(office: Office, tmp_path: Path) -> None:
    signer = Keyring(tmp_path / "elsewhere").create("Fresh")
    request = request_enrolment(office.ledger, signer, ("reviewer", "asker"))
    assert enrol_request(office.ledger, request, by=office.admin).roles == {"asker", "reviewer"}
    submit_review(office.ledger, signer, run_id=office.run(), **ACCEPT)
    with pytest.raises(IdentityError, match="granted already"):
        enrol_request(office.ledger, request, by=office.admin)
    retire(office.ledger, "fresh", by=office.admin)
    with pytest.raises(IdentityError, match="which was retired"):
        enrol_request(office.ledger, request, by=office.admin)
    assert verify(office.ledger, checkpoints=None).ok


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": "Admin"}, "not signed by the key it enrols"),
        ({"roles": ["admin", "reviewer"]}, "not signed by the key it enrols"),
        ({"roles": []}, "not those of a person"),
        ({"roles": ["reviewer", "asker"]}, "not those of a person"),
        ({"roles": ["king"]}, "not those of a person"),
        ({"roles": ["workspace"]}, "not those of a person"),
        ({"roles": [["reviewer"]]}, "not those of a person"),
        ({"bootstrap": True}, "not signed by the key it enrols"),
        ({"bootstrap": 1}, "not have the fields"),
        ({"workspace": "bank"}, "not an enrolment for this workspace"),
        ({"key_id": "0" * 32}, "key id is not that"),
        ({"public_key": "zz"}, "not hexadecimal"),
        ({"name": 1}, "not have the fields"),
        ({"extra": "field"}, "not have the fields"),
        ({"signature": "00" * 64}, "not signed by the key it enrols"),
    ],
)
def test_forged_requests_are_refused_and_forged_records_found(
    office: Office, stranger: Signer, change: dict[str, Any], problem: str
) -> None:
    request = {**request_of(stranger, REVIEWER, WORKSPACE), **change}
    with pytest.raises(IdentityError, match=problem):
        enrol_request(office.ledger, request, by=office.admin)
    # Even with an admin's true signature over it.
    body = vouched(request, office.admin, _head(office))
    assert problem in _write(office.ledger, body, "Admin")


def test_a_request_does_not_stand_alone(office: Office, stranger: Signer) -> None:
    assert "nobody vouches" in _write(office.ledger, request_of(stranger, REVIEWER, WORKSPACE), "Mallory")


@pytest.mark.parametrize(
    ("voucher", "problem"),
    [
        ("themself", "Mallory vouches for themself"),
        ("a namesake", "Mallory vouches for themself"),
        ("a reviewer", "Reviewer, which may not enrol anybody"),
        ("the workspace", "workspace, which may not enrol anybody"),
        ("nobody known", "Admin, whose key was not enrolled before it"),
    ],
)
def test_an_enrolment_that_no_admin_vouched_for_is_found(
    office: Office, stranger: Signer, tmp_path: Path, voucher: str, problem: str
) -> None:
    by = {
        "themself": stranger,
        "a namesake": office.admin.called("mallory"),
        "a reviewer": office.reviewer,
        "the workspace": office.workspace_key,
        "nobody known": Keyring(tmp_path / "false").create("Admin"),
    }[voucher]
    body = vouched(request_of(stranger, REVIEWER, WORKSPACE), by, _head(office))
    assert re.search(problem, _write(office.ledger, body, by.identity.name))


def test_a_vouchers_signature_is_for_one_request_and_one_place(office: Office, stranger: Signer) -> None:
    head = _head(office)
    honest = vouched(request_of(stranger, REVIEWER, WORKSPACE), office.admin, head)
    for body, problem in (
        ({**request_of(stranger, ["admin", "reviewer"], WORKSPACE), "voucher": honest["voucher"]}, "does not hold"),
        ({**honest, "voucher": {**honest["voucher"], "name": "Reviewer"}}, "was not enrolled before it"),
        ({**honest, "voucher": {**honest["voucher"], "signature": "00"}}, "does not hold"),
        ({**honest, "voucher": {**honest["voucher"], "more": "x"}}, "nobody vouches"),
    ):
        assert problem in _judged(office, body, "Admin")
    assert "its actor is not Admin" in _judged(office, honest, "Mallory")
    assert _judged(office, honest, "Admin") == ""
    office.run()
    assert "another place" in _write(office.ledger, honest, "Admin")


def _judged(office: Office, body: dict[str, Any], actor: str) -> str:
    from audit.record import Entry

    try:
        read_register(office.ledger).judge(Entry("identity", body, actor=actor), office.ledger.head())
    except IdentityError as error:
        return error.message
    return ""


def test_roles_are_changed_by_an_admin_and_an_old_record_does_not_bring_them_back(office: Office) -> None:
    enrol(office.ledger, office.reviewer, by=office.admin, roles=("admin", "reviewer"))
    enrol(office.ledger, office.admin, by=office.reviewer.called("Reviewer"), roles=("reviewer",))
    assert [each.name for each in read_register(office.ledger).admins] == ["Reviewer"]
    old = next(
        r.body for r in office.ledger.records(kinds=["identity"]) if r.body.get("roles") == ["admin", "reviewer"]
    )
    assert "granted already" in _write(office.ledger, old, "Admin")


def test_a_request_granted_before_does_not_bring_old_roles_back(office: Office, tmp_path: Path) -> None:
    """Not even with a new signature of an admin, who may have been shown the old file."""
    signer = Keyring(tmp_path / "elsewhere").create("Fresh")
    request = request_enrolment(office.ledger, signer, ("admin",))
    enrol_request(office.ledger, request, by=office.admin)
    enrol(office.ledger, signer, by=office.admin, roles=("asker",))
    body = vouched(request, office.admin, _head(office))
    assert "granted already" in _write(office.ledger, body, "Admin")


def test_a_name_is_kept_as_it_was_written_first(office: Office) -> None:
    enrol(office.ledger, office.keyring.load("REVIEWER"), by=office.keyring.load("ADMIN"), roles=("asker",))
    standing = next(each for each in read_register(office.ledger).standings if each.identity.name == "Reviewer")
    assert (standing.identity.roles, standing.vouched_by) == ({"asker"}, "Admin")
    with pytest.raises(ReviewError, match="not enrolled here as a reviewer"):
        submit_review(office.ledger, office.reviewer, run_id=office.run(), **ACCEPT)
    assert verify(office.ledger, checkpoints=None).ok


# --- the first person --------------------------------------------------------------------------------------------


def test_there_is_one_first_person(office: Office, stranger: Signer) -> None:
    request = request_of(stranger, ["admin", "reviewer"], WORKSPACE, bootstrap=True)
    body = vouched(request, office.workspace_key, _head(office))
    assert "the first person was enrolled in record 2" in _write(office.ledger, body, "Mallory")


def test_retiring_everybody_but_one_admin_does_not_make_room_for_another_first(
    office: Office, stranger: Signer
) -> None:
    for name in ("Reviewer", "Asker"):
        retire(office.ledger, name, by=office.admin)
    request = request_of(stranger, ["admin", "reviewer"], WORKSPACE, bootstrap=True)
    assert "first person" in _write(office.ledger, vouched(request, office.workspace_key, _head(office)), "Mallory")


@pytest.mark.parametrize("roles", [["reviewer"], ["admin"], ["admin", "asker", "reviewer"]])
def test_the_first_person_is_admin_and_reviewer(ledger: Ledger, keyring: Keyring, stranger: Signer, roles: Any) -> None:
    workspace = ensure_workspace_key(ledger, keyring)
    with pytest.raises(IdentityError, match="admin and reviewer"):
        enrol(ledger, stranger, by=workspace, roles=roles)
    request = request_of(stranger, roles, WORKSPACE, bootstrap=True)
    assert "admin and reviewer" in _write(ledger, vouched(request, workspace, ledger.head().hash), "Mallory")


def test_the_first_person_needs_the_workspaces_key(ledger: Ledger, keyring: Keyring, stranger: Signer) -> None:
    false = Keyring(keyring.directory.with_name("false")).create("workspace")
    request = request_of(stranger, ["admin", "reviewer"], WORKSPACE, bootstrap=True)
    ensure_workspace_key(ledger, keyring)
    assert "was not enrolled" in _write(ledger, vouched(request, false, ledger.head().hash), "Mallory")


# --- the first version, and the workspace's key ------------------------------------------------------------------


def test_enrolments_of_the_first_version_hold_and_can_be_vouched_for(ledger: Ledger, keyring: Keyring) -> None:
    old, other = keyring.create("Old"), keyring.create("Other")
    workspace = ensure_workspace_key(ledger, keyring)
    for signer in (old, other):
        ledger.append("identity", self_enrolment_of(signer, Role.REVIEWER, WORKSPACE), actor=signer.identity.name)
    office = Office(ledger, keyring, old, old, other, workspace, Path())
    run_id = office.run()
    submit_review(ledger, old, run_id=run_id, **ACCEPT)
    enrol(ledger, old, by=workspace)
    enrol(ledger, other, by=old)
    by_name = {each.identity.name: each for each in read_register(ledger).standings}
    assert by_name["Old"].identity.roles == {"admin", "reviewer"}
    assert by_name["Old"].bootstrap
    assert by_name["Other"].second_person
    submit_review(ledger, other, run_id=run_id, decision="revoke", reason_code="outdated")
    assert verify(ledger, checkpoints=None).ok
    assert accepted_runs(ledger) == []


def test_after_the_first_person_nobody_enrols_themself(office: Office, stranger: Signer) -> None:
    body = self_enrolment_of(stranger, Role.REVIEWER, WORKSPACE)
    assert "nobody but Mallory signed it" in _write(office.ledger, body, "Mallory")


def test_nobody_goes_back_to_the_first_version(office: Office) -> None:
    body = self_enrolment_of(office.reviewer, Role.REVIEWER, WORKSPACE)
    assert "enrols the key of Reviewer again" in _write(office.ledger, body, "Reviewer")


@pytest.mark.parametrize("name", ["Mallory", "workspace", "WORKSPACE", "Admin"])
def test_there_is_one_key_of_the_workspace(office: Office, stranger: Signer, name: str) -> None:
    body = self_enrolment_of(stranger.called(name), Role.WORKSPACE, WORKSPACE)
    problem = _write(office.ledger, body, name)
    assert "second key for workspace" in problem or "only the program's own key" in problem


def test_no_key_is_the_workspaces_under_another_name(ledger: Ledger, stranger: Signer) -> None:
    body = self_enrolment_of(stranger, Role.WORKSPACE, WORKSPACE)
    assert "only the program's own key" in _write(ledger, body, "Mallory")


@pytest.mark.parametrize("name", ["workspace", " Work\u200bspace", "WORKSPACE"])
def test_no_person_is_called_workspace(office: Office, tmp_path: Path, name: str) -> None:
    with pytest.raises(IdentityError):
        enrol(office.ledger, Keyring(tmp_path / "other").create(name), by=office.admin)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": "Admin"}, "not signed by the key it enrols"),
        ({"role": "workspace"}, "not signed by the key it enrols"),
        ({"role": "admin"}, "role 'admin' is not one"),
        ({"role": "king"}, "role 'king' is not one"),
        ({"workspace": "bank"}, "not an enrolment for this workspace"),
        ({"purpose": "affidavit.identity/3"}, "not an enrolment for this workspace"),
        ({"key_id": "0" * 32}, "key id is not that"),
        ({"public_key": "zz"}, "not hexadecimal"),
        ({"name": 1}, "lacks a name"),
        ({"signature": "00" * 64}, "not signed by the key it enrols"),
        ({"extra": "field"}, "not an enrolment for this workspace"),
    ],
)
def test_forged_enrolments_of_the_first_version_are_found(
    ledger: Ledger, stranger: Signer, change: dict[str, Any], problem: str
) -> None:
    body = self_enrolment_of(stranger, Role.REVIEWER, ledger.workspace)
    assert problem in _write(ledger, {**body, **change}, "Mallory")


# --- retirement --------------------------------------------------------------------------------------------------


def test_a_retired_key_signs_nothing_and_what_it_signed_stands(office: Office) -> None:
    run_id, other = office.run(), office.run()
    submit_review(office.ledger, office.reviewer, run_id=run_id, **ACCEPT)
    record = retire(office.ledger, "reviewer", by=office.admin, reason=" left the company ")
    assert (record.actor, record.body["reason"]) == ("Admin", "left the company")
    with pytest.raises(ReviewError, match="was retired"):
        submit_review(office.ledger, office.reviewer, run_id=other, **ACCEPT)
    assert [run.run_id for run in accepted_runs(office.ledger)] == [run_id]
    found = verify(office.ledger, checkpoints=None)
    assert (found.ok, found.reviews) == (True, 1)


def test_a_review_by_a_retired_key_is_found(office: Office) -> None:
    """The key's owner writes past the product, with a review that was true in every other way."""
    run_id = office.run()
    retire(office.ledger, "Reviewer", by=office.admin)
    body = _review_body(office, run_id)
    office.ledger.append("review", body, run_id=run_id, actor="Reviewer")
    found = verify(office.ledger, checkpoints=None)
    assert (found.ok, found.first_bad) == (False, office.ledger.head().sequence)
    assert "was retired before it" in found.problem
    with pytest.raises(ReviewError, match="was retired before it"):
        accepted_runs(office.ledger)


def _review_body(office: Office, run_id: str) -> dict[str, Any]:
    """What the reviewer would have signed had the key still counted."""
    from audit.circumstances import BACKGROUND_KINDS, Background
    from audit.review import DECIDING_KINDS, _statement
    from audit.rules import Decision, run_on_record
    from audit.seal import digest
    from audit.snapshot import Selection

    run = run_on_record(office.ledger.select(Selection(run_ids=(run_id,), kinds=DECIDING_KINDS)))
    assert run is not None
    background = Background.of(office.ledger.select(Selection(kinds=BACKGROUND_KINDS)), WORKSPACE, allow_self=False)
    head = office.ledger.head()
    now = background.before(head.sequence + 1, office.ledger.newest)
    statement = _statement(run, Decision.ACCEPT, head, now)
    statement |= {
        "key_id": office.reviewer.identity.key_id,
        "reason": "",
        "reason_code": "correct",
        "reviewer": "Reviewer",
        "sql_hash": digest(statement["sql"].encode()),
    }
    return office.reviewer.sign_body(statement)


def test_a_lost_key_is_replaced_by_an_admin(office: Office, tmp_path: Path) -> None:
    lost = office.reviewer
    with pytest.raises(IdentityError, match="a name has one key"):
        create_identity(office.ledger, Keyring(tmp_path / "new"), "Reviewer", by=office.admin)
    retire(office.ledger, "Reviewer", by=office.admin)
    fresh = create_identity(office.ledger, Keyring(tmp_path / "new"), "Reviewer", by=office.admin)
    submit_review(office.ledger, fresh, run_id=office.run(), **ACCEPT)
    with pytest.raises(ReviewError, match="was retired"):
        submit_review(office.ledger, lost, run_id=office.run(), **ACCEPT)
    standings = [each for each in read_register(office.ledger).standings if each.identity.name == "Reviewer"]
    assert [bool(each.retired) for each in standings] == [True, False]
    assert verify(office.ledger, checkpoints=None).ok


def test_who_may_retire_whom(office: Office, stranger: Signer) -> None:
    before = office.ledger.head()
    for name, by, problem in (
        ("Asker", office.reviewer, "Reviewer may not retire"),
        ("Asker", stranger, "was not enrolled before it"),
        ("Asker", office.workspace_key, "workspace may not retire"),
        ("workspace", office.admin, "which there must be"),
        ("Admin", office.admin, "last admin"),
        ("Nobody", office.admin, "Nobody called Nobody"),
    ):
        with pytest.raises(IdentityError, match=problem):
            retire(office.ledger, name, by=by)
    with pytest.raises(IdentityError, match="4000"):
        retire(office.ledger, "Asker", by=office.admin, reason="x" * 4001)
    assert office.ledger.head() == before
    retire(office.ledger, "Asker", by=office.asker)
    with pytest.raises(IdentityError, match="Nobody called Asker"):
        retire(office.ledger, "Asker", by=office.admin)
    assert verify(office.ledger, checkpoints=None).ok


def test_the_last_admin_stays_however_it_is_written(office: Office) -> None:
    subject = read_register(office.ledger).named("Admin")
    assert subject is not None
    body = retirement_of(subject, office.admin, "", previous_head=_head(office), workspace=WORKSPACE)
    assert "last admin" in _write(office.ledger, body, "Admin", "identity.retired")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda body: body.update(reason="other"), "does not hold"),
        (lambda body: body.update(name="Asker"), "was not enrolled before it"),
        (lambda body: body.update(previous_head="00"), "another place"),
        (lambda body: body.update(by="Reviewer"), "was not enrolled before it"),
        (lambda body: body.update(workspace="bank"), "not a retirement for this workspace"),
        (lambda body: body.update(purpose="affidavit.review/1"), "not a retirement for this workspace"),
        (lambda body: body.update(more="x"), "fields of a retirement"),
        (lambda body: body.update(reason=1), "fields of a retirement"),
    ],
)
def test_forged_retirements_are_found(office: Office, change: Callable[[dict[str, Any]], None], problem: str) -> None:
    subject = read_register(office.ledger).named("Reviewer")
    assert subject is not None
    body = retirement_of(subject, office.admin, "", previous_head=_head(office), workspace=WORKSPACE)
    change(body)
    assert problem in _write(office.ledger, body, "Admin", "identity.retired")


def test_a_retired_admin_vouches_for_nobody(office: Office, stranger: Signer) -> None:
    enrol(office.ledger, office.reviewer, by=office.admin, roles=("admin", "reviewer"))
    retire(office.ledger, "Admin", by=office.reviewer)
    with pytest.raises(IdentityError, match="was retired"):
        enrol(office.ledger, stranger, by=office.admin)
    body = vouched(request_of(stranger, REVIEWER, WORKSPACE), office.admin, _head(office))
    assert "was retired" in _write(office.ledger, body, "Admin")


def test_a_quick_verification_knows_who_was_retired_before_its_checkpoint(office: Office) -> None:
    from audit.checkpoints import write_checkpoint

    run_id = office.run()
    retire(office.ledger, "Reviewer", by=office.admin)
    checkpoint = write_checkpoint(office.ledger, office.workspace_key, office.checkpoints)
    office.ledger.append("review", _review_body(office, run_id), run_id=run_id, actor="Reviewer")
    found = verify(office.ledger, checkpoints=office.checkpoints, since=checkpoint)
    assert not found.ok
    assert "was retired before it" in found.problem
