"""Proofs made from a real ledger on both databases, checked without it; and checkpoints that sign the tree."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fixtures_audit_parts import WORKSPACE, Office, meddle, rewrite, sqlite_url

from audit.checkpoints import Checkpoint, read_checkpoints, write_checkpoint
from audit.errors import LedgerUnavailable, RecordNotFoundError
from audit.identity import Identity
from audit.ledger import Ledger
from audit.merkle import EMPTY_ROOT, Frontier
from audit.proof import ProofSubject, consistency_problem, inclusion_problem, prove_consistency, prove_inclusion
from audit.record import Entry
from audit.seal import canonical_bytes, genesis_hash
from audit.tree import kept_subtrees, open_tree
from audit.verify import verify

pytest_plugins = ("fixtures_audit",)


def _grown(ledger: Ledger, size: int) -> str:
    tree = Frontier()
    for record in ledger.records():
        if record.sequence <= size:
            tree.add(bytes.fromhex(record.hash))
    return tree.root().hex()


def _signed(office: Office) -> Checkpoint:
    return write_checkpoint(office.ledger, office.workspace_key, office.checkpoints)


def _key(office: Office) -> Identity:
    return office.workspace_key.identity


def _heads(office: Office) -> list[Checkpoint]:
    return [each for _line, each in read_checkpoints(office.checkpoints)]


def test_a_checkpoint_signs_size_head_and_root(office: Office) -> None:
    office.run("run-1")
    signed = _signed(office)
    assert (signed.sequence, signed.purpose) == (8, "affidavit.checkpoint/2")
    assert signed.root == _grown(office.ledger, 8)
    note = list(office.ledger.records())[-1]
    assert (note.kind, note.body["root"]) == ("checkpoint", signed.root)
    found = verify(office.ledger, checkpoints=office.checkpoints)
    assert (found.problem, found.checkpoints, found.root) == ("", 1, _grown(office.ledger, 9))


def test_a_checkpoint_of_the_first_version_still_holds(office: Office) -> None:
    """As the program wrote them before there was a tree: the same fields, without a root, signed."""
    office.run("run-1")
    head = office.ledger.head()
    old = Checkpoint(
        WORKSPACE, head.sequence, head.hash, office.ledger.now(), _key(office).key_id, "affidavit.checkpoint/1"
    )
    unsigned = {key: value for key, value in old.to_json().items() if key != "signature"}
    assert sorted(unsigned) == ["hash", "key_id", "purpose", "sequence", "time", "workspace"]
    body = office.workspace_key.sign_body(unsigned)
    office.checkpoints.write_bytes(canonical_bytes(body) + b"\n")
    note = {key: body[key] for key in ("hash", "key_id", "sequence", "signature")}
    office.ledger.append("checkpoint", note, actor="workspace")
    _signed(office)
    found = verify(office.ledger, checkpoints=office.checkpoints)
    assert (found.problem, found.checkpoints) == ("", 2)
    rewrite(office.ledger, 6, lambda fields: fields.update(actor="Admin"))
    assert "written anew" in verify(office.ledger, checkpoints=office.checkpoints).problem


@pytest.mark.parametrize("change", [{"root": "00" * 32}, {"root": ""}, {"purpose": "affidavit.checkpoint/1"}])
def test_a_root_that_is_not_signed_is_refused(office: Office, change: dict[str, str]) -> None:
    office.run("run-1")
    signed = _signed(office)
    fields = {**signed.to_json(), **change}
    office.checkpoints.write_bytes(canonical_bytes(fields) + b"\n")
    problem = verify(office.ledger, checkpoints=office.checkpoints).problem
    assert "not signed by a key" in problem or "is not a checkpoint" in problem
    elsewhere = [replace(signed, **change)]
    assert "not signed" in verify(office.ledger, checkpoints=None, elsewhere=elsewhere).problem


def test_a_head_from_elsewhere_need_not_be_the_only_one_but_must_hold(office: Office) -> None:
    office.run("run-1")
    for _ in range(3):
        signed = _signed(office)
    kept = [signed]
    assert verify(office.ledger, checkpoints=None, elsewhere=kept).checkpoints == 1
    assert verify(office.ledger, checkpoints=office.checkpoints, elsewhere=kept).checkpoints == 3  # each once
    rewrite(office.ledger, 6, lambda fields: fields.update(actor="Admin"))
    assert verify(office.ledger, checkpoints=None).ok
    found = verify(office.ledger, checkpoints=None, elsewhere=kept)
    assert (found.ok, found.first_bad) == (False, 10)


def test_a_run_is_proved_and_the_proof_is_checked_without_the_ledger(office: Office) -> None:
    run_id = office.run("run-1")
    office.run("run-2")
    _signed(office)
    office.run("run-3")
    text = json.dumps(prove_inclusion(office.ledger, ProofSubject(run_id=run_id), _heads(office)))
    proof = json.loads(text)
    assert [each["sequence"] for each in proof["records"]] == [5, 6, 7, 8]
    assert (proof["size"], proof["root"]) == (12, _grown(office.ledger, 12))
    assert inclusion_problem(proof, _key(office)) == ""
    assert "not signed with that key" in inclusion_problem(proof, office.reviewer.identity)


def test_a_record_no_checkpoint_is_over_is_proved_in_todays_tree(office: Office) -> None:
    office.run("run-1")
    _signed(office)
    proof = prove_inclusion(office.ledger, ProofSubject(sequence=9), _heads(office))
    assert (proof["size"], proof["checkpoint"], inclusion_problem(proof)) == (9, None, "")
    assert "No checkpoint vouches" in inclusion_problem(proof, _key(office))


@pytest.mark.parametrize(
    "change",
    [
        lambda proof: proof.update(purpose="other"),
        lambda proof: proof.update(records=[]),
        lambda proof: proof.update(workspace="bank"),
        lambda proof: proof.update(size=proof["size"] + 1),
        lambda proof: proof.update(root="00" * 32),
        lambda proof: proof.pop("checkpoint"),
        lambda proof: proof["checkpoint"].update(time="2020-01-01T00:00:00.000000Z"),
        lambda proof: proof["checkpoint"].pop("root"),
        lambda proof: proof["records"][0].update(sequence=6),
        lambda proof: proof["records"][0].update(record=proof["records"][0]["record"].replace("Asker", "Admin")),
        lambda proof: proof["records"][0].update(record=proof["records"][1]["record"]),
        lambda proof: proof["records"][0].update(record=None),
        lambda proof: proof["records"][0]["path"].pop(),
        lambda proof: proof["records"][0]["path"].append("zz"),
        lambda proof: proof["records"][0]["path"].reverse(),
    ],
)
def test_a_changed_proof_does_not_hold(office: Office, change: Callable[[dict[str, Any]], None]) -> None:
    office.run("run-1")
    _signed(office)
    proof = json.loads(json.dumps(prove_inclusion(office.ledger, ProofSubject(run_id="run-1"), _heads(office))))
    assert inclusion_problem(proof, _key(office)) == ""
    change(proof)
    assert inclusion_problem(proof, _key(office)).endswith(".")


def test_a_ledger_is_proved_to_have_grown_out_of_an_earlier_one(office: Office) -> None:
    office.run("run-1")
    first = _signed(office)
    office.run("run-2")
    second = _signed(office)
    proof = prove_consistency(office.ledger, first.sequence, second.sequence, _heads(office))
    assert (proof["first"]["root"], proof["second"]["root"]) == (first.root, second.root)
    assert consistency_problem(proof, _key(office)) == ""
    today = prove_consistency(office.ledger, first.sequence)
    assert (today["second"]["size"], consistency_problem(today)) == (14, "")
    assert "No checkpoint" in consistency_problem(today, _key(office))
    proof["path"][0] = "00" * 32
    assert "did not grow out of" in consistency_problem(proof)
    assert consistency_problem({"purpose": "other"}) != ""


def test_what_is_not_there_cannot_be_proved(office: Office) -> None:
    for subject in (ProofSubject(sequence=99), ProofSubject(sequence=0), ProofSubject(run_id="no-such-run")):
        with pytest.raises(RecordNotFoundError, match="nothing can be proved"):
            prove_inclusion(office.ledger, subject)
    for sizes in ((3, 99), (99, None), (4, 2), (-1, 2)):
        with pytest.raises(RecordNotFoundError, match="cannot have grown"):
            prove_consistency(office.ledger, *sizes)


# --- kept subtrees -----------------------------------------------------------------------------------------------


@pytest.fixture
def long(office: Office) -> Office:
    """Records enough for two full subtrees of 256, kept when the checkpoint was written."""
    office.ledger.append_many([Entry("run.intent", {"n": n}, f"r{n}") for n in range(600)])
    _signed(office)
    return office


def _kept(ledger: Ledger) -> dict[tuple[int, int], str]:
    with ledger.engine.connect() as connection:
        return kept_subtrees(connection, ledger.workspace)


def test_full_subtrees_are_kept_and_nothing_depends_on_it(long: Office) -> None:
    assert sorted(_kept(long.ledger)) == [(8, 0), (8, 1)]
    subject = ProofSubject(sequence=300)
    with_them = prove_inclusion(long.ledger, subject, _heads(long))
    assert inclusion_problem(with_them, _key(long)) == ""
    for statement in ("DELETE FROM ledger_subtrees WHERE position = 0", "DROP TABLE ledger_subtrees"):
        meddle(long.ledger, statement)
        assert prove_inclusion(long.ledger, subject, _heads(long)) == with_them
        assert verify(long.ledger, checkpoints=long.checkpoints).ok
    _signed(long)
    assert verify(long.ledger, checkpoints=long.checkpoints).ok


def test_a_kept_hash_that_is_not_the_records_is_named(long: Office) -> None:
    meddle(long.ledger, "UPDATE ledger_subtrees SET hash = :value WHERE position = 1", value="00" * 32)
    found = verify(long.ledger, checkpoints=long.checkpoints)
    assert not found.ok
    assert "the subtree that ends at 512" in found.problem


def test_a_kept_hash_beyond_the_end_says_that_records_are_gone(long: Office) -> None:
    meddle(long.ledger, "DELETE FROM ledger_records WHERE sequence > 400")
    found = verify(long.ledger, checkpoints=None)
    assert (found.ok, found.first_bad) == (False, 401)


def test_a_root_is_not_made_up_where_records_are_missing(long: Office) -> None:
    meddle(long.ledger, "DELETE FROM ledger_records WHERE sequence = 590")
    with pytest.raises(LedgerUnavailable, match="are not all there"):
        _signed(long)
    meddle(long.ledger, "UPDATE ledger_records SET hash = 'nonsense' WHERE sequence = 585")
    with pytest.raises(LedgerUnavailable), open_tree(long.ledger) as tree:
        tree.root(586)


def test_an_empty_ledger_has_the_root_of_nothing(tmp_path: Path) -> None:
    with Ledger.open(sqlite_url(tmp_path), workspace=WORKSPACE) as ledger:
        with open_tree(ledger) as tree:
            assert tree.root(0) == EMPTY_ROOT
        found = verify(ledger, checkpoints=None)
        assert (found.head, found.root) == (genesis_hash(WORKSPACE), EMPTY_ROOT.hex())


# --- verifying since a checkpoint --------------------------------------------------------------------------------


def test_only_what_came_after_a_checkpoint_is_read(long: Office) -> None:
    since = _signed(long)
    long.run("run-1")
    read: list[str] = []
    sa.event.listen(long.ledger.engine, "before_cursor_execute", lambda *call: read.append(call[2]))
    found = verify(long.ledger, checkpoints=long.checkpoints, since=since)
    assert (found.problem, found.records, found.since) == ("", 610, 605)
    assert found.root == verify(long.ledger, checkpoints=None).root
    assert not any("NOT INDEXED" in statement for statement in read[: len(read) // 2])


@pytest.mark.parametrize(
    ("sequence", "seen"), [(605, True), (607, True), (609, True), (300, False)], ids=["last", "note", "new", "old"]
)
def test_a_change_after_the_checkpoint_is_seen_one_before_it_is_left_to_a_full_one(
    long: Office, sequence: int, seen: bool
) -> None:
    since = _signed(long)
    long.run("run-1")
    meddle(long.ledger, f"UPDATE ledger_records SET actor = 'x', hash = '{'00' * 32}' WHERE sequence = {sequence}")
    assert verify(long.ledger, checkpoints=long.checkpoints, since=since).ok is not seen
    assert not verify(long.ledger, checkpoints=long.checkpoints).ok


@pytest.mark.parametrize("sequence", [300, 590, 2])
def test_a_record_that_is_gone_or_no_record_before_the_checkpoint_is_a_finding(long: Office, sequence: int) -> None:
    since = _signed(long)
    meddle(
        long.ledger, "DELETE FROM ledger_subtrees", f"UPDATE ledger_records SET hash = 'x' WHERE sequence = {sequence}"
    )
    found = verify(long.ledger, checkpoints=None, since=since)
    assert not found.ok
    meddle(long.ledger, f"DELETE FROM ledger_records WHERE sequence = {sequence}")
    assert not verify(long.ledger, checkpoints=None, since=since).ok


def test_a_checkpoint_that_does_not_hold_is_not_believed(long: Office) -> None:
    since = _signed(long)
    long.run("run-1")
    for wrong in (
        replace(since, hash="00" * 32),
        replace(since, signature="00" * 64),
        replace(since, sequence=9_999),
        replace(since, workspace="bank"),
    ):
        assert not verify(long.ledger, checkpoints=None, since=wrong).ok
    meddle(long.ledger, "DELETE FROM ledger_records WHERE sequence > 604")
    found = verify(long.ledger, checkpoints=None, since=since)
    assert (found.ok, found.first_bad) == (False, 605)
