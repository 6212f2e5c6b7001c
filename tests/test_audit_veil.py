"""Concealing what records say: by default nothing is in the clear, and a key reads what is its own alone."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fixtures_audit_parts import FINGERPRINT, WORKSPACE
from fixtures_docs import ROOT, table_keys

from audit.asking import start_signed_run
from audit.assignment import assign
from audit.errors import LedgerUnavailable, RecordRefusedError, ReviewError
from audit.identity import Keyring, create_identity, ensure_workspace_key
from audit.ledger import Ledger
from audit.queue import review_queue
from audit.record import Entry, Head, Record, seal_entry
from audit.review import submit_review
from audit.runs import get_run
from audit.subjects import Subjects
from audit.veil import _CLEAR, ERASED, UNREADABLE, Veil, holds_sealed, reveal_with
from audit.verify import verify

pytest_plugins = ("fixtures_audit",)

_COUNTED = {"draft", "row_count", "question_chars", "tokens", "confidence", "elapsed_ms", "max_scanned_rows"}


@pytest.fixture
def subjects(tmp_path: Path) -> Iterator[Subjects]:
    store = Subjects(f"sqlite:///{tmp_path / 'state' / 'subjects.sqlite'}", WORKSPACE)
    yield store
    store.close()


@pytest.fixture
def veiled(ledger: Ledger, subjects: Subjects) -> Ledger:
    ledger.veil = Veil(subjects, WORKSPACE)
    return ledger


def _run(ledger: Ledger, run_id: str = "r1", *, subject: str = "Zebra", sql: str = "SELECT 'Quagga'") -> None:
    started = {"question": "Where is Quagga?", "asker": "Asker", "subject": subject}
    ledger.append("run.started", started, run_id=run_id, actor="Asker")
    answer: dict[str, Any] = {
        "status": "answered", "sql": sql, "dialect": "sqlite", "columns": ["Quagga"], "row_count": 1, "confidence": 0.9,
        "result_fingerprint": FINGERPRINT, "findings": [{"check": "c", "severity": "info", "message": "Quagga"}],
        "error": {"error_class": "syntax", "message": "near Quagga", "hint": ""}, "timings_ms": {"ground": 1.5},
    }  # fmt: skip
    ledger.append("run.answered", answer, run_id=run_id)


def _id(ledger: Ledger, run_id: str = "r1") -> str:
    return str(next(iter(ledger.records(run_id))).body["subject"])


def test_what_is_stored_says_nothing_and_what_is_read_says_all(veiled: Ledger) -> None:
    _run(veiled)
    stored = list(veiled.records("r1"))
    assert not any(word in each.payload for each in stored for word in (b"Quagga", b"Zebra", FINGERPRINT.encode()))
    answer = stored[1].body
    assert (answer["status"], answer["row_count"], answer["confidence"]) == ("answered", 1, 0.9)
    assert answer["error"]["error_class"] == "syntax"
    assert answer["timings_ms"] == {"ground": 1.5}
    trace = get_run(veiled, "r1")
    assert (trace.summary.question, trace.summary.sql) == ("Where is Quagga?", "SELECT 'Quagga'")
    assert trace.records[1].body["findings"][0]["message"] == "Quagga"
    assert trace.records[1].body["error"]["message"] == "near Quagga"
    assert (trace.records[1].payload, trace.records[1].hash) == (stored[1].payload, stored[1].hash)
    assert verify(veiled, checkpoints=None).ok


def test_a_field_that_nobody_thought_of_is_content(veiled: Ledger) -> None:
    _run(veiled)
    for kind in ("run.checked", "run.never_heard_of"):
        veiled.append(kind, {"words": "Quagga", "more": ["Quagga"], "deep": {"Quagga": 1}, "n": 3}, run_id="r1")
    for record in list(veiled.records("r1"))[-2:]:
        assert b"Quagga" not in record.payload
        assert record.body["n"] == 3
        assert veiled.reveal(record).body["deep"] == {"Quagga": 1}


def test_every_field_in_the_clear_is_a_field_of_the_page() -> None:
    """A name that no record has would be a slip, behind which a field is in the clear, or not."""
    page = table_keys(ROOT / "docs/reference/ledger-records.md")
    for kind, names in _CLEAR.items():
        everywhere = {"draft", "error_class", "elapsed_ms", "dialect", "warehouse", "purpose", "truncated"}
        assert names - everywhere <= set(page[kind]), kind
    content = {kind: set(page[kind]) - names for kind, names in _CLEAR.items()}
    assert content["run.started"] == {"question", "question_sha256"}
    assert content["run.answered"] >= {
        "sql",
        "columns",
        "assumptions",
        "findings",
        "error",
        "result_fingerprint",
        "rows",
    }
    assert content["run.drafted"] == {"sql", "prompt_hash", "readings", "left_out", "basis"}


def test_a_run_without_a_subject_stays_in_the_clear(veiled: Ledger) -> None:
    _run(veiled, subject="")
    assert not any(holds_sealed(each) for each in veiled.records("r1"))
    assert veiled.keyed("r1", FINGERPRINT) == FINGERPRINT
    assert veiled.conceal_text("r1", "review#sql", "SELECT 1") == "SELECT 1"
    assert veiled.disclosed_key("r1") == ""


def test_without_the_keys_nothing_of_such_a_run_is_written(veiled: Ledger) -> None:
    _run(veiled)
    veiled.veil = None
    before = veiled.head()
    for run_id, kind, body in (
        ("r1", "run.replayed", {"sql": "Quagga"}),
        ("r2", "run.started", {"question": "Quagga", "subject": "Zebra"}),
    ):
        with pytest.raises(RecordRefusedError, match="without the subjects' keys"):
            veiled.append(kind, body, run_id=run_id)
    with pytest.raises(RecordRefusedError):
        veiled.conceal_text("r1", "review#reason", "Quagga")
    assert veiled.head() == before
    assert get_run(veiled, "r1").summary.question.startswith("affidavit:sealed:1:")


def test_another_session_and_another_subject(veiled: Ledger, subjects: Subjects) -> None:
    _run(veiled)
    _run(veiled, "r2", subject=" zebra ")
    _run(veiled, "r3", subject="Okapi")
    veiled._subjects.clear()  # as a program that did not start them
    veiled.append("run.replayed", {"sql": "Quagga"}, run_id="r1")
    assert get_run(veiled, "r1").records[-1].body["sql"] == "Quagga"
    assert _id(veiled) == _id(veiled, "r2") != _id(veiled, "r3")
    assert [each.name for each in subjects.all()] == ["Zebra", "Okapi"]
    subjects.erase(_id(veiled), "2026-02-01T00:00:00.000000Z")
    assert get_run(veiled, "r1").summary.question == get_run(veiled, "r2").summary.question == ERASED
    assert get_run(veiled, "r3").summary.question == "Where is Quagga?"


def test_a_store_that_never_had_the_key_does_not_say_that_it_was_erased(veiled: Ledger, tmp_path: Path) -> None:
    _run(veiled)
    veiled.veil = Veil(Subjects(f"sqlite:///{tmp_path / 'other.sqlite'}", WORKSPACE), WORKSPACE)
    assert get_run(veiled, "r1").summary.question == UNREADABLE


def test_the_store_is_its_owners_alone_and_keeps_nothing(veiled: Ledger, subjects: Subjects, tmp_path: Path) -> None:
    _run(veiled)
    file = tmp_path / "state" / "subjects.sqlite"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = subjects.key(_id(veiled))
    assert key is not None
    assert key in file.read_bytes()
    assert b"Zebra" in file.read_bytes()
    subjects.erase(_id(veiled), "2026-02-01T00:00:00.000000Z")
    left = b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert key not in left
    assert b"Zebra" not in left
    assert subjects.named("Zebra") == []
    file.write_bytes(b"not a database, but long enough to be taken for one " * 50)
    subjects.close()
    with pytest.raises(LedgerUnavailable, match="store of subjects"):
        subjects.all()


def test_one_runs_key_reads_that_run_alone(veiled: Ledger) -> None:
    _run(veiled)
    _run(veiled, "r2")
    key = bytes.fromhex(veiled.disclosed_key("r1"))
    first, second = (list(veiled.records(each))[1] for each in ("r1", "r2"))
    assert reveal_with(first, key, WORKSPACE).body["sql"] == "SELECT 'Quagga'"
    assert holds_sealed(reveal_with(second, key, WORKSPACE))
    assert holds_sealed(reveal_with(first, key, "bank"))


def test_words_that_look_like_ciphertext_are_words(veiled: Ledger) -> None:
    """Somebody types a token as their question: where nothing is encrypted, it is shown and kept as it was typed."""
    _run(veiled)
    token = str(next(iter(veiled.records("r1"))).body["question"])
    veiled.append("run.started", {"question": token, "asker": "Asker"}, run_id="r2", actor="Asker")
    assert get_run(veiled, "r2").summary.question == token
    veiled.append("run.started", {"question": token, "asker": "Asker", "subject": "Zebra"}, run_id="r3", actor="Asker")
    assert get_run(veiled, "r3").summary.question == token


def test_a_subject_that_two_programs_met_at_once_is_erased_whole(veiled: Ledger, subjects: Subjects) -> None:
    _run(veiled)
    twin = subjects.ensure("Okapi", "2026-02-01T00:00:00.000000Z")
    with subjects._connected() as connection:
        connection.execute(sa.text("UPDATE affidavit_subjects SET name = 'Zebra' WHERE name = 'Okapi'"))
    assert {each.id for each in subjects.named("zebra")} == {_id(veiled), twin.id}


def test_the_keys_can_be_kept_in_a_database(ledger_url: str) -> None:
    store = Subjects(ledger_url, WORKSPACE)
    made = store.ensure("Zebra", "2026-02-01T00:00:00.000000Z")
    assert (store.ensure("zebra", "2026-02-02T00:00:00.000000Z"), len(store.key(made.id) or b"")) == (made, 32)
    with closing(Subjects(ledger_url, "bank")) as another:
        assert another.all() == []
    store.erase(made.id, "2026-02-03T00:00:00.000000Z")
    assert (store.key(made.id), store.is_erased(made.id), store.named("Zebra")) == (None, True, [])
    assert store.ensure("Zebra", "2026-02-04T00:00:00.000000Z").id != made.id
    with store._connected() as connection:
        assert connection.execute(
            sa.text("SELECT name FROM affidavit_subjects WHERE erased != ''")
        ).scalars().all() == [""]
    store.close()


def _with(record: Record, **body: Any) -> Record:
    entry = Entry(record.kind, {**record.body, **body}, record.run_id, record.actor)
    return seal_entry(
        entry, workspace=WORKSPACE, head=Head(record.sequence - 1, record.previous_hash), time=record.time
    )


def test_ciphertext_that_was_changed_or_moved_is_not_shown_as_content(veiled: Ledger) -> None:
    _run(veiled)
    _run(veiled, "r2", sql="SELECT 'Okapi'")
    first, second = (list(veiled.records(each))[1] for each in ("r1", "r2"))
    token = str(first.body["sql"])
    for changed in (
        token[:-8] + ("A" if token[-8] != "A" else "B") + token[-7:],
        token.replace("run.answered#sql", "run.answered#columns"),
        str(second.body["sql"]),
        "affidavit:sealed:1:",
        "affidavit:sealed:1:a:b",
        token[:-30],
    ):
        shown = veiled.reveal(_with(first, sql=changed)).body["sql"]
        assert shown in (changed, UNREADABLE)


def test_the_length_says_little_and_equal_texts_differ(veiled: Ledger) -> None:
    for number, sql in enumerate(("SELECT 1", "SELECT 12345", "SELECT 1")):
        _run(veiled, f"r{number}", sql=sql)
    tokens = [str(list(veiled.records(f"r{number}"))[1].body["sql"]) for number in range(3)]
    assert len({len(each) for each in tokens}) == 1
    assert len(set(tokens)) == 3
    assert len({str(list(veiled.records(f"r{n}"))[1].body["result_fingerprint"]) for n in range(3)}) == 3


def test_reviews_are_signed_over_what_is_stored(veiled: Ledger, tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "keys")
    ensure_workspace_key(veiled, keyring)
    admin = create_identity(veiled, keyring, "Admin")
    reviewer = create_identity(veiled, keyring, "Reviewer", by=admin)
    _run(veiled)
    _run(veiled, "r2")
    submit_review(
        veiled, reviewer, run_id="r1", decision="accept", reason_code="correct_with_caveats", reason="Quagga " * 500
    )
    submit_review(
        veiled, reviewer, run_id="r2", decision="amend", reason_code="other", reason="Quagga", sql="SELECT 'Quagga'",
        result_fingerprint=FINGERPRINT,
    )  # fmt: skip
    submit_review(veiled, admin, run_id="r2", decision="revoke", reason_code="outdated")
    reviews = [each for each in veiled.records() if each.kind == "review"]
    assert not any(word in each.payload for each in reviews for word in (b"Quagga", FINGERPRINT.encode()))
    assert get_run(veiled, "r1").reviews[0].body["reason"] == ("Quagga " * 500).strip()
    assert get_run(veiled, "r2").reviews[0].body["sql"] == "SELECT 'Quagga'"
    assert verify(veiled, checkpoints=None).problem == ""
    assert veiled.veil is not None
    veiled.veil.subjects.erase(_id(veiled), "2026-02-01T00:00:00.000000Z")
    assert verify(veiled, checkpoints=None).problem == ""


@pytest.mark.parametrize("name", ["\x00", "a" * 201])
def test_what_cannot_be_a_subjects_name(veiled: Ledger, name: str) -> None:
    with pytest.raises(RecordRefusedError, match="name of a subject"):
        veiled.append("run.started", {"question": "?", "subject": name}, run_id="r1")
    assert veiled.head().sequence == 0


def test_a_signed_question_and_a_note_are_signed_as_they_are_stored(veiled: Ledger, tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "keys")
    ensure_workspace_key(veiled, keyring)
    admin = create_identity(veiled, keyring, "Admin")
    create_identity(veiled, keyring, "Reviewer", by=admin)
    body = {"question": "How many Quaggas?", "asker": "Admin", "subject": "Quagga", "policy_fingerprint": "p"}
    veiled.append("policy.changed", {"policy": {"asking": "enrolled"}, "policy_fingerprint": "p"})
    start_signed_run(veiled, admin, body, "r1")
    veiled.append("run.answered", {"status": "answered", "sql": "SELECT 'Quagga'"}, run_id="r1")
    with pytest.raises(ReviewError):
        assign(veiled, admin, run_id="r1", assignee="Admin", note="Quagga")
    assign(veiled, admin, run_id="r1", assignee="Reviewer", note="Quagga?")
    assert not any(b"Quagga" in each.payload for each in veiled.records())
    assert get_run(veiled, "r1").summary.question == "How many Quaggas?"
    assert review_queue(veiled).runs[0].assignment.note == "Quagga?"
    assert verify(veiled, checkpoints=None).problem == ""
    assert veiled.veil is not None
    veiled.veil.subjects.erase(_id(veiled), "2026-02-01T00:00:00.000000Z")
    assert verify(veiled, checkpoints=None).problem == ""
    assert review_queue(veiled).runs[0].assignment.note == ERASED
