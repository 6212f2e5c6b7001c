"""Checkpoints that write themselves, and a session that refuses a ledger which lost something."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fixtures_audit_parts import WORKSPACE, Ticking, meddle, rewrite, store

from audit.checkpoints import last_checkpoint, read_checkpoints
from audit.errors import IdentityError, LedgerUnavailable
from audit.ledger import Ledger
from audit.record import Entry, Head, seal_entry
from audit.session import checkpoint_now, open_session
from audit.verify import verify
from audit.vouching import CheckpointPlan

pytest_plugins = ("fixtures_audit",)


def _session(url: str, state_dir: Path, every: int = 5) -> Ledger:
    return open_session(
        url, workspace=WORKSPACE, state_dir=state_dir, clock=Ticking(), plan=CheckpointPlan(every=every)
    )


def _sequences(state_dir: Path) -> list[int]:
    return [checkpoint.sequence for _line, checkpoint in read_checkpoints(state_dir / "checkpoints.jsonl")]


def test_a_checkpoint_every_so_many_records_and_at_the_close(ledger_url: str, tmp_path: Path) -> None:
    with _session(ledger_url, tmp_path) as ledger:
        for n in range(10):
            ledger.append("run.intent", {"n": n})
        assert _sequences(tmp_path) == [5, 10]
    # 1 enrolment, 10 intents, 2 notes of checkpoints; then the one at the close.
    assert _sequences(tmp_path) == [5, 10, 13]
    with Ledger.open(ledger_url, workspace=WORKSPACE, create=False) as ledger:
        verification = verify(ledger, checkpoints=tmp_path / "checkpoints.jsonl")
        assert (verification.problem, verification.records, verification.checkpoints) == ("", 14, 3)


def test_a_session_that_only_reads_writes_nothing(ledger_url: str, tmp_path: Path) -> None:
    with _session(ledger_url, tmp_path) as ledger:
        ledger.append("run.intent", {})
    before = (tmp_path / "checkpoints.jsonl").read_bytes()
    with _session(ledger_url, tmp_path) as ledger:
        records = list(ledger.records())
    with _session(ledger_url, tmp_path) as ledger:
        assert list(ledger.records()) == records
    assert (tmp_path / "checkpoints.jsonl").read_bytes() == before


def test_a_checkpoint_now(ledger_url: str, tmp_path: Path) -> None:
    with _session(ledger_url, tmp_path, every=1000) as ledger:
        ledger.append("run.intent", {})
        assert checkpoint_now(ledger, tmp_path) == 2
    newest = last_checkpoint(tmp_path / "checkpoints.jsonl")
    assert newest is not None
    assert newest.workspace == WORKSPACE
    assert json.loads((tmp_path / "checkpoints.jsonl").read_text().splitlines()[0])["hash"]


def test_a_session_refuses_a_cut_ledger_and_verification_says_what_is_gone(ledger_url: str, tmp_path: Path) -> None:
    with _session(ledger_url, tmp_path) as ledger:
        for n in range(8):
            ledger.append("run.intent", {"n": n})
        meddle(ledger, "DELETE FROM ledger_records WHERE sequence > 4")
        ledger.append("run.intent", {"n": "after the cut"})
    with Ledger.open(ledger_url, workspace=WORKSPACE) as ledger:
        meddle(ledger, "DELETE FROM ledger_records WHERE sequence > 3")
    with pytest.raises(LedgerUnavailable, match="vouches for record"):
        _session(ledger_url, tmp_path)
    with Ledger.open(ledger_url, workspace=WORKSPACE, create=False) as ledger:
        assert verify(ledger, checkpoints=tmp_path / "checkpoints.jsonl").first_bad == 4


@pytest.fixture
def forty(ledger_url: str, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger of 40 intents after the workspace's enrolment, whose only checkpoint is over record 41."""
    with _session(ledger_url, tmp_path, every=1000) as ledger:
        for n in range(40):
            ledger.append("run.intent", {"n": n})
    with Ledger.open(ledger_url, workspace=WORKSPACE, create=False) as ledger:
        yield ledger


@pytest.mark.parametrize("column", ["kind", "actor", "hash", "previous_hash", "payload"])
def test_a_session_refuses_a_changed_record_among_the_newest(
    forty: Ledger, ledger_url: str, tmp_path: Path, column: str
) -> None:
    value = b"{}" if column == "payload" else "edited"
    meddle(forty, f"UPDATE ledger_records SET {column} = :value WHERE sequence = 20", value=value)
    with pytest.raises(LedgerUnavailable, match=r"Record 20 of the ledger was changed: .*\.") as caught:
        _session(ledger_url, tmp_path)
    assert "audit verify" in caught.value.hint


def test_a_session_refuses_an_edit_that_was_sealed_anew(forty: Ledger, ledger_url: str, tmp_path: Path) -> None:
    rewrite(forty, 20, lambda fields: fields.update(body={"n": "edited"}), onwards=False)
    with pytest.raises(LedgerUnavailable, match=r"Record 21 .* does not follow the record before it"):
        _session(ledger_url, tmp_path)


def test_a_session_refuses_a_gap_and_another_beginning(ledger_url: str, tmp_path: Path) -> None:
    ledger = _session(ledger_url, tmp_path)
    ledger.append_many([Entry("run.intent", {"n": n}) for n in range(3)])
    meddle(ledger, "DELETE FROM ledger_records WHERE sequence = 3")
    with pytest.raises(LedgerUnavailable, match="are not all there"):  # no root is signed over a gap
        ledger.close()
    with pytest.raises(LedgerUnavailable, match=r"Record 4 .* does not follow"):
        _session(ledger_url, tmp_path)
    with Ledger.open(ledger_url, workspace=WORKSPACE, create=False) as ledger:
        meddle(ledger, "DELETE FROM ledger_records WHERE sequence > 1")
        first = next(ledger.records())
        store(
            ledger,
            seal_entry(Entry(first.kind, first.body), workspace=WORKSPACE, head=Head(0, "0" * 64), time=first.time),
        )
    with pytest.raises(LedgerUnavailable, match=r"Record 1 .* does not follow"):
        _session(ledger_url, tmp_path)


def test_what_lies_further_back_is_the_work_of_verification(forty: Ledger, ledger_url: str, tmp_path: Path) -> None:
    """Opening stays cheap: record 9 of 42 is looked at by no session, and found by `verify`."""
    meddle(forty, "UPDATE ledger_records SET actor = 'edited' WHERE sequence = 9")
    with _session(ledger_url, tmp_path) as ledger:
        assert verify(ledger, checkpoints=None).first_bad == 9


def test_a_lost_ledger_is_not_replaced_by_an_empty_one(ledger_url: str, tmp_path: Path) -> None:
    with _session(ledger_url, tmp_path) as ledger:
        ledger.append("run.intent", {})
        meddle(ledger, "DROP TABLE ledger_records")
        with pytest.raises(LedgerUnavailable):
            ledger.append("run.intent", {})
        with pytest.raises(LedgerUnavailable):
            ledger.close()
    # The close could not sign; the checkpoint of an earlier session is what remembers.
    with _session(ledger_url, tmp_path) as ledger:
        ledger.append("run.intent", {})
    with Ledger.open(ledger_url, workspace=WORKSPACE) as ledger:
        meddle(ledger, "DROP TABLE ledger_records")
    with pytest.raises(LedgerUnavailable, match="There is no ledger"):
        _session(ledger_url, tmp_path)


def test_another_workspaces_checkpoint_file_is_refused(ledger_url: str, tmp_path: Path) -> None:
    with _session(ledger_url, tmp_path) as ledger:
        ledger.append("run.intent", {})
    with pytest.raises(LedgerUnavailable, match="belongs to the workspace 'shop'"):
        open_session(ledger_url, workspace="bank", state_dir=tmp_path)


def test_a_line_torn_by_a_power_cut_vouches_for_nothing(ledger_url: str, tmp_path: Path) -> None:
    file = tmp_path / "checkpoints.jsonl"
    with _session(ledger_url, tmp_path) as ledger:
        ledger.append("run.intent", {})
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:100])
    with Ledger.open(ledger_url, workspace=WORKSPACE, create=False) as ledger:
        assert verify(ledger, checkpoints=file).ok
    with _session(ledger_url, tmp_path) as ledger:
        ledger.append("run.intent", {})
    assert file.read_bytes().startswith(whole)
    assert len(file.read_bytes().splitlines()) == 2
    with Ledger.open(ledger_url, workspace=WORKSPACE, create=False) as ledger:
        assert verify(ledger, checkpoints=file).ok


def test_a_checkpoint_file_that_cannot_be_written(ledger_url: str, tmp_path: Path) -> None:
    ledger = _session(ledger_url, tmp_path)
    ledger.append("run.intent", {})
    (tmp_path / "checkpoints.jsonl").mkdir()
    with pytest.raises(LedgerUnavailable, match="checkpoint file"):
        ledger.close()
    with pytest.raises(LedgerUnavailable, match="checkpoint file"):
        _session(ledger_url, tmp_path)


def test_a_file_of_nonsense(ledger_url: str, tmp_path: Path) -> None:
    (tmp_path / "checkpoints.jsonl").write_bytes(b"nonsense\n")
    with pytest.raises(LedgerUnavailable, match="is not a checkpoint"):
        _session(ledger_url, tmp_path)


def test_a_workspace_key_that_others_can_read_stops_the_session(ledger_url: str, tmp_path: Path) -> None:
    with _session(ledger_url, tmp_path):
        pass
    next((tmp_path / "keys").iterdir()).chmod(0o644)
    with pytest.raises(IdentityError, match="can be read by others"):
        _session(ledger_url, tmp_path)


def test_a_ledger_and_the_state_beside_it_are_their_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        file, state = tmp_path / "elsewhere.sqlite", tmp_path / "state"
        with open_session(f"sqlite:///{file}", workspace=WORKSPACE, state_dir=state) as ledger:
            ledger.append("run.intent", {})
            made = [*tmp_path.glob("elsewhere.sqlite*")]
            assert len(made) >= 2  # the log is another file while the ledger is open
            assert {path.stat().st_mode & 0o777 for path in made} == {0o600}
        assert state.stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)


def test_state_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(LedgerUnavailable, match="state"):
        open_session(f"sqlite:///{tmp_path / 'l.sqlite'}", workspace=WORKSPACE, state_dir=tmp_path / "state")
