"""Tampering of every kind, by somebody who owns the database, is found and named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fixtures_audit_parts import WORKSPACE, Office, meddle, rewrite, sqlite_url, store

from audit.checkpoints import write_checkpoint
from audit.errors import IdentityError, LedgerUnavailable
from audit.identity import Keyring, Signer
from audit.ledger import Ledger
from audit.record import CHECKPOINT, Entry, Head, Record, read_record, seal_entry
from audit.review import submit_review
from audit.runs import get_run
from audit.seal import digest
from audit.snapshot import Selection
from audit.verify import Verification, verify

pytest_plugins = ("fixtures_audit",)

ACCEPT = {"decision": "accept", "reason_code": "correct"}


@pytest.fixture
def reviewed(office: Office) -> Office:
    """Four enrolments, two runs of four records, an acceptance (13) and a checkpoint of all that (noted in 14)."""
    first = office.run("run-1")
    office.run("run-2")
    submit_review(office.ledger, office.reviewer, run_id=first, **ACCEPT)
    write_checkpoint(office.ledger, office.workspace_key, office.checkpoints)
    assert _check(office) == Verification(True, 14, 1, 1, None, "", office.ledger.head().hash, _check(office).root)
    return office


def _check(office: Office, *, with_checkpoints: bool = True) -> Verification:
    return verify(office.ledger, checkpoints=office.checkpoints if with_checkpoints else None)


def _flipped(data: bytes, position: int, bit: int = 0) -> bytes:
    return data[:position] + bytes([data[position] ^ (1 << bit)]) + data[position + 1 :]


def test_a_flipped_byte_in_the_database_file_is_named(tmp_path: Path) -> None:
    with Ledger.open(sqlite_url(tmp_path), workspace=WORKSPACE) as ledger:
        for n in range(1, 13):
            ledger.append("run.intent", {"sql": f"SELECT {n}"}, run_id=f"run-{n}", actor="Asker")
        victim = list(ledger.records())[8]
    file = tmp_path / "ledger.sqlite"
    clean = file.read_bytes()
    payload_at = clean.index(victim.payload)
    columns_at = clean.rindex(WORKSPACE.encode(), 0, payload_at)
    positions = range(columns_at, payload_at + len(victim.payload), 3)
    assert len(positions) > 100
    for number, position in enumerate(positions):
        file.write_bytes(_flipped(clean, position, number % 8))
        with Ledger.open(sqlite_url(tmp_path), workspace=WORKSPACE, create=False) as ledger:
            verification = verify(ledger, checkpoints=None)
        assert (verification.ok, verification.first_bad) == (False, 9), (position - columns_at, verification)
        assert "Record 9" in verification.problem
    file.write_bytes(clean)
    with Ledger.open(sqlite_url(tmp_path), workspace=WORKSPACE, create=False) as ledger:
        assert verify(ledger, checkpoints=None).ok


def test_a_flipped_byte_anywhere_else_in_the_file_never_passes_as_other_content(tmp_path: Path) -> None:
    with Ledger.open(sqlite_url(tmp_path), workspace=WORKSPACE) as ledger:
        for n in range(1, 30):
            ledger.append("run.intent", {"sql": f"SELECT {n}"}, run_id=f"run-{n}", actor="Asker")
        honest = [record.payload for record in ledger.records()]
    file = tmp_path / "ledger.sqlite"
    clean = file.read_bytes()
    for position in range(100, len(clean), 211):
        file.write_bytes(_flipped(clean, position))
        try:
            with Ledger.open(sqlite_url(tmp_path), workspace=WORKSPACE, create=False) as ledger:
                verification = verify(ledger, checkpoints=None)
                # Free space may change unseen; what is read may not.
                assert not verification.ok or [record.payload for record in ledger.records()] == honest, position
        except LedgerUnavailable:
            continue


@pytest.mark.parametrize("column", ["kind", "run_id", "actor", "time", "previous_hash", "hash", "payload"])
def test_an_edited_column_is_named(reviewed: Office, column: str) -> None:
    value: Any = b"{}" if column == "payload" else "edited"
    meddle(reviewed.ledger, f"UPDATE ledger_records SET {column} = :value WHERE sequence = 7", value=value)
    verification = _check(reviewed, with_checkpoints=False)
    assert (verification.ok, verification.first_bad, verification.records) == (False, 7, 6)
    if column not in ("hash", "payload"):
        assert f"its column {column} says 'edited'" in verification.problem


def test_an_edit_that_is_sealed_anew_breaks_the_next_link(reviewed: Office) -> None:
    rewrite(reviewed.ledger, 7, lambda fields: fields.update(body={"sql": "SELECT 0"}), onwards=False)
    verification = _check(reviewed, with_checkpoints=False)
    assert (verification.ok, verification.first_bad) == (False, 8)
    assert "does not follow record 7" in verification.problem


def test_an_edit_with_everything_after_it_sealed_anew_breaks_the_review(reviewed: Office) -> None:
    rewrite(reviewed.ledger, 8, lambda fields: fields["body"].update(result_fingerprint="00" * 32))
    verification = _check(reviewed, with_checkpoints=False)
    assert (verification.ok, verification.first_bad) == (False, 13)
    assert "is not that of the run" in verification.problem


@pytest.mark.parametrize(
    "change",
    [
        lambda fields: fields.update(actor="Admin"),
        lambda fields: fields.update(time="2020-01-01T00:00:00.000000Z"),
        lambda fields: fields.update(run_id="run-9"),
        lambda fields: fields.update(kind="run.intent"),
    ],
    ids=["swap actor", "backdate", "move to another run", "another kind"],
)
def test_a_rewritten_end_contradicts_the_checkpoint(office: Office, change: Callable[[dict[str, Any]], None]) -> None:
    office.run("run-1")
    write_checkpoint(office.ledger, office.workspace_key, office.checkpoints)
    rewrite(office.ledger, 6, change)
    verification = _check(office)
    assert (verification.ok, verification.first_bad) == (False, 8)
    assert "written anew" in verification.problem
    assert _check(office, with_checkpoints=False).ok  # what only a checkpoint can show


def test_a_deleted_record_is_named(reviewed: Office) -> None:
    meddle(reviewed.ledger, "DELETE FROM ledger_records WHERE sequence = 7")
    verification = _check(reviewed, with_checkpoints=False)
    assert (verification.ok, verification.first_bad) == (False, 7)
    assert "missing" in verification.problem
    assert verification.problem.endswith("8.")


def test_a_deleted_record_with_the_gap_closed_is_named(reviewed: Office) -> None:
    meddle(
        reviewed.ledger,
        "DELETE FROM ledger_records WHERE sequence = 7",
        *(f"UPDATE ledger_records SET sequence = {n - 1} WHERE sequence = {n}" for n in range(8, 15)),
    )
    verification = _check(reviewed, with_checkpoints=False)
    assert (verification.ok, verification.first_bad) == (False, 7)


def test_two_records_changing_places_are_named(reviewed: Office) -> None:
    meddle(
        reviewed.ledger,
        "UPDATE ledger_records SET sequence = -7 WHERE sequence = 7",
        "UPDATE ledger_records SET sequence = 7 WHERE sequence = 8",
        "UPDATE ledger_records SET sequence = 8 WHERE sequence = -7",
    )
    assert _check(reviewed, with_checkpoints=False).first_bad == 7
    assert not _check(reviewed, with_checkpoints=False).ok


def test_two_payloads_changing_places_are_named(reviewed: Office) -> None:
    seventh, eighth = list(reviewed.ledger.records())[6:8]
    for record, other in ((seventh, eighth), (eighth, seventh)):
        statement = "UPDATE ledger_records SET payload = :payload, hash = :hash WHERE sequence = :sequence"
        meddle(reviewed.ledger, statement, payload=other.payload, hash=other.hash, sequence=record.sequence)
    verification = _check(reviewed, with_checkpoints=False)
    assert (verification.ok, verification.first_bad) == (False, 7)


def test_a_duplicated_record_is_named(reviewed: Office) -> None:
    others = "kind, 'another run', actor, time, previous_hash, hash, payload"
    statement = f"INSERT INTO ledger_records SELECT workspace, 15, {others} FROM ledger_records WHERE sequence = 9"
    meddle(reviewed.ledger, statement)
    verification = _check(reviewed)
    assert (verification.ok, verification.first_bad) == (False, 15)


def test_an_inserted_forgery_is_named(reviewed: Office) -> None:
    forged = seal_entry(
        Entry("run.started", {"asker": "Admin"}, "run-3"), workspace=WORKSPACE, head=Head(14, "0" * 64), time="now"
    )
    names = "workspace, sequence, kind, run_id, actor, time, previous_hash, hash, payload"
    values = {name: getattr(forged, name) for name in names.split(", ")[1:]}
    marks = ", ".join(f":{name}" for name in names.split(", "))
    meddle(reviewed.ledger, f"INSERT INTO ledger_records ({names}) VALUES ({marks})", workspace=WORKSPACE, **values)
    assert _check(reviewed).first_bad == 15


@pytest.mark.parametrize("kept", [0, 1, 4, 12, 13])
def test_a_cut_end_is_seen_by_the_checkpoint_and_only_by_it(reviewed: Office, kept: int) -> None:
    head = list(reviewed.ledger.records())[12]
    meddle(reviewed.ledger, f"DELETE FROM ledger_records WHERE sequence > {kept}")
    verification = _check(reviewed)
    if kept == 13:  # only the note of the checkpoint is gone; all it vouches for is there
        assert (verification.ok, verification.head) == (True, head.hash)
        return
    assert (verification.ok, verification.first_bad, verification.records) == (False, kept + 1, kept)
    assert "vouches for 13 records" in verification.problem
    assert _check(reviewed, with_checkpoints=False).ok


def test_a_ledger_written_anew_contradicts_the_checkpoint(reviewed: Office, tmp_path: Path) -> None:
    meddle(reviewed.ledger, "DELETE FROM ledger_records")
    again = Office.open(reviewed.ledger, tmp_path / "forger")
    for n in range(1, 5):
        again.run(f"run-{n}")
    verification = _check(reviewed)
    assert not verification.ok
    assert "not signed by a key of this workspace" in verification.problem
    assert verification.first_bad == 13


# --- checkpoints -------------------------------------------------------------------------------------------------


def test_a_checkpoint_taken_out_of_the_file_is_missed(reviewed: Office) -> None:
    reviewed.checkpoints.unlink()
    verification = _check(reviewed)
    assert (verification.ok, verification.first_bad) == (False, 14)
    assert "does not have" in verification.problem


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ((b'"sequence":13', b'"sequence":12'), "not signed by a key"),
        ((b'"sequence":13', b'"sequence":99'), "notes another checkpoint"),
        ((b'"sequence":13', b'"sequence":"13"'), "Line 1 of the checkpoint file is not a checkpoint"),
        ((b'"workspace":"shop"', b'"workspace":"bank"'), "does not have"),
        ((b'"hash"', b'"hush"'), "Line 1 of the checkpoint file is not a checkpoint"),
        ((b"{", b"["), "Line 1 of the checkpoint file is not a checkpoint"),
    ],
)
def test_a_meddled_checkpoint_file_is_named(reviewed: Office, change: tuple[bytes, bytes], problem: str) -> None:
    reviewed.checkpoints.write_bytes(reviewed.checkpoints.read_bytes().replace(*change, 1))
    verification = _check(reviewed)
    assert not verification.ok
    assert problem in verification.problem or "belongs to the workspace 'bank'" in verification.problem


def test_a_checkpoint_signed_by_a_reviewer_is_refused(reviewed: Office) -> None:
    for signer in (reviewed.reviewer, Keyring(reviewed.checkpoints.parent / "other").create("workspace")):
        with pytest.raises(IdentityError, match="not enrolled here as the workspace's"):
            write_checkpoint(reviewed.ledger, signer, reviewed.checkpoints)
    assert _check(reviewed).ok


# --- reviews -----------------------------------------------------------------------------------------------------


def _noted(office: Office) -> dict[str, Any]:
    """The last checkpoint as a review names it."""
    newest = office.ledger.newest(Selection(kinds=(CHECKPOINT,)))
    return {"size": newest.body["sequence"], "root": newest.body["root"]} if newest else {}


def _forge(office: Office, signer: Signer, run_id: str, **changes: Any) -> Record:
    """Write a review past the rules, as somebody with the database and a key of their own could."""
    answer = get_run(office.ledger, run_id).answer
    assert answer is not None
    genuine = next(office.ledger.records("run-1", kinds=["review"])).body
    body = {key: value for key, value in genuine.items() if key != "signature"}
    body |= {
        "run_id": run_id,
        "run_hash": answer.hash,
        "sql": answer.body["sql"],
        "result_fingerprint": answer.body["result_fingerprint"],
        "previous_head": office.ledger.head().hash,
        "checkpoint": _noted(office),
        "reviewer": signer.identity.name,
        "key_id": signer.identity.key_id,
        **changes,
    }
    body["sql_hash"] = changes.get("sql_hash", digest(body["sql"].encode()))
    return office.ledger.append("review", signer.sign_body(body), run_id=run_id, actor=body["reviewer"])


def test_the_forger_of_these_tests_could_write_a_genuine_review(reviewed: Office) -> None:
    _forge(reviewed, reviewed.admin, "run-2")
    assert _check(reviewed).reviews == 2


def test_a_review_signed_with_an_unknown_key_is_named(reviewed: Office, tmp_path: Path) -> None:
    record = _forge(reviewed, Keyring(tmp_path / "stranger").create("Reviewer"), "run-2")
    verification = _check(reviewed)
    assert (verification.ok, verification.first_bad) == (False, record.sequence)
    assert "not enrolled" in verification.problem


def test_a_review_in_somebody_elses_name_is_named(reviewed: Office) -> None:
    _forge(reviewed, reviewed.asker, "run-2", reviewer="Reviewer")
    assert "the key is that of Asker" in _check(reviewed).problem
    assert not _check(reviewed).ok


def test_a_review_under_somebody_elses_key_is_named(reviewed: Office) -> None:
    _forge(reviewed, reviewed.asker, "run-2", reviewer="Reviewer", key_id=reviewed.reviewer.identity.key_id)
    assert "the signature of Reviewer on it does not hold" in _check(reviewed).problem


def test_self_approval_is_named(reviewed: Office) -> None:
    record = _forge(reviewed, reviewed.asker, "run-2")
    verification = _check(reviewed)
    assert (verification.ok, verification.first_bad) == (False, record.sequence)
    assert "asked this question" in verification.problem


def test_a_workspace_key_cannot_review(reviewed: Office) -> None:
    _forge(reviewed, reviewed.workspace_key, "run-2")
    assert "may not review" in _check(reviewed).problem


def test_a_review_copied_from_another_run_is_named(reviewed: Office) -> None:
    genuine = next(reviewed.ledger.records("run-1", kinds=["review"])).body
    reviewed.ledger.append("review", genuine, run_id="run-2", actor="Reviewer")
    assert "which it is not filed under" in _check(reviewed).problem


def test_a_review_replayed_on_its_own_run_is_named(office: Office) -> None:
    run_id = office.run("run-1")
    genuine = submit_review(office.ledger, office.reviewer, run_id=run_id, **ACCEPT)
    rejected = office.run("run-2")
    submit_review(office.ledger, office.reviewer, run_id=rejected, decision="reject", reason_code="incomplete")
    office.ledger.append("review", genuine.body, run_id=run_id, actor="Reviewer")
    assert "already accepted" in _check(office, with_checkpoints=False).problem


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"sql": "SELECT 'other'"}, "its sql is not that of the run"),
        ({"sql_hash": "0" * 64}, "sql hash is not that of its SQL"),
        ({"run_hash": "0" * 64}, "its run hash is not"),
        ({"result_fingerprint": "0" * 64}, "its result fingerprint is not"),
        ({"previous_head": "0" * 64}, "its previous head is not"),
        ({"meaning": "I saw it."}, "its meaning is not"),
        ({"workspace": "bank"}, "its workspace is not"),
        ({"purpose": "other"}, "its purpose is not"),
        ({"purpose": "affidavit.review/1"}, "does not have the fields"),
        ({"checkpoint": {}}, "its checkpoint is not"),
        ({"checkpoint": {"size": 3, "root": "ab" * 32}}, "its checkpoint is not"),
        ({"checkpoint": "none"}, "does not have the fields"),
        ({"approval": True}, "does not have the fields"),
        ({"approval": 2}, "its approval is not"),
        ({"approvals_needed": 0}, "its approvals needed is not"),
        ({"decision": "revoke", "reason_code": "outdated"}, "only an accepted or amended run"),
        ({"decision": "bless"}, "not one"),
        ({"reason_code": "incomplete"}, "does not go with accept"),
    ],
)
def test_a_genuine_key_over_a_false_statement_is_named(reviewed: Office, changes: dict[str, Any], problem: str) -> None:
    record = _forge(reviewed, reviewed.admin, "run-2", **changes)
    verification = _check(reviewed)
    assert (verification.ok, verification.first_bad) == (False, record.sequence)
    assert problem in verification.problem


def test_accepting_a_failed_run_past_the_rules_is_named(reviewed: Office) -> None:
    reviewed.run("run-3", status="failed")
    _forge(reviewed, reviewed.admin, "run-3")
    assert "ended failed" in _check(reviewed).problem


def test_an_edited_review_is_named(reviewed: Office) -> None:
    rewrite(reviewed.ledger, 13, lambda fields: fields["body"].update(reviewer="Admin"))
    verification = _check(reviewed, with_checkpoints=False)
    assert (verification.ok, verification.first_bad) == (False, 13)


def test_a_review_without_its_run_is_named(reviewed: Office) -> None:
    rewrite(reviewed.ledger, 5, lambda fields: fields.update(kind="run.intent"))
    assert _check(reviewed, with_checkpoints=False).first_bad == 13


# --- the rest ----------------------------------------------------------------------------------------------------


def test_bytes_that_mean_the_same_are_not_the_same(reviewed: Office) -> None:
    record = list(reviewed.ledger.records())[-1]
    spaced = record.payload.replace(b":", b": ", 1)
    store(reviewed.ledger, read_record(spaced, workspace=WORKSPACE))
    verification = _check(reviewed, with_checkpoints=False)
    assert (verification.ok, verification.first_bad) == (False, 14)
    assert "not canonical" in verification.problem


def test_progress_is_told_and_the_result_is_json(ledger: Ledger) -> None:
    ledger.append_many([Entry("memory.synced", {"n": n}) for n in range(1100)])
    seen: list[tuple[int, int]] = []
    verification = verify(ledger, checkpoints=None, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(500, 1100), (1000, 1100), (1100, 1100)]
    assert verification.to_json() == {
        "ok": True,
        "records": 1100,
        "reviews": 0,
        "checkpoints": 0,
        "first_bad": None,
        "problem": "",
        "head": ledger.head().hash,
        "root": verification.root,
        "since": 0,
    }


def test_an_empty_ledger_holds(ledger: Ledger, tmp_path: Path) -> None:
    assert verify(ledger, checkpoints=tmp_path / "none.jsonl").ok
