"""Checkpoints that leave the house: to a file, a repository, an endpoint, a stream, and to one that does not answer."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fixtures_audit_parts import WORKSPACE, Ticking, meddle, sqlite_url

from audit.checkpoints import fetch_checkpoints, read_checkpoints
from audit.delivery import Standing, standings
from audit.destinations import DestinationError, destination_of
from audit.errors import LedgerUnavailable
from audit.ledger import Ledger
from audit.record import Entry
from audit.session import CHECKPOINTS_NAME, open_session
from audit.verify import verify
from audit.vouching import CheckpointPlan


class Log(ThreadingHTTPServer):
    """An endpoint that keeps what it is sent, unless it is told to fail or to take its time."""

    daemon_threads = True  # nobody waits for an answer that takes its time
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _LogHandler)
        self.kept: list[bytes] = []
        self.answers: list[int] = []
        self.slow_s = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/log"


class _LogHandler(BaseHTTPRequestHandler):
    server: Log

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.server.slow_s)
        status = self.server.answers.pop(0) if self.server.answers else 201
        if status == 201:
            self.server.kept += body.splitlines(keepends=True)
        self.send_response(status)
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"".join(self.server.kept))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def log() -> Iterator[Log]:
    server = Log()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def _write(folder: Path, *places: str, records: int = 3, **plan: float) -> float:
    """A session that appends some records; gives the seconds that its appends and its close took."""
    chosen = CheckpointPlan(to=places, timeout_s=plan.get("timeout_s", 60.0), seconds=plan.get("seconds", 0.0))
    ledger = open_session(
        sqlite_url(folder), workspace=WORKSPACE, state_dir=folder / "state", clock=Ticking(), plan=chosen
    )
    started = time.monotonic()
    ledger.append_many([Entry("run.intent", {"n": n}) for n in range(records)])
    ledger.close()
    return time.monotonic() - started


def _local(folder: Path) -> list[bytes]:
    return (folder / "state" / CHECKPOINTS_NAME).read_bytes().splitlines(keepends=True)


def _standing(folder: Path, place: str) -> Standing:
    return standings(folder / "state" / CHECKPOINTS_NAME, [destination_of(place, WORKSPACE)])[0]


def test_a_file_elsewhere_has_them_all_and_shows_a_rollback(tmp_path: Path) -> None:
    elsewhere = tmp_path / "other disk" / "heads.jsonl"
    _write(tmp_path)
    _write(tmp_path, str(elsewhere))
    assert elsewhere.read_bytes().splitlines(keepends=True) == _local(tmp_path)
    assert len(_local(tmp_path)) == 2
    snapshot = {path: path.read_bytes() for path in (tmp_path / "ledger.sqlite", tmp_path / "state" / CHECKPOINTS_NAME)}
    _write(tmp_path, str(elsewhere))
    for path, old in snapshot.items():  # everything in the owner's reach is rolled back
        path.write_bytes(old)
    _write(tmp_path, records=0)
    with pytest.raises(LedgerUnavailable, match="vouches for record"):
        _write(tmp_path, str(elsewhere))
    with Ledger.open(sqlite_url(tmp_path), workspace=WORKSPACE, create=False) as ledger:
        assert verify(ledger, checkpoints=tmp_path / "state" / CHECKPOINTS_NAME).ok
        assert not verify(ledger, checkpoints=None, elsewhere=fetch_checkpoints(str(elsewhere))).ok


def test_a_repository_gets_a_commit(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    subprocess.run(["git", "init", "--quiet", str(repository)], check=True)
    place = f"git:{repository}"
    _write(tmp_path, place)
    _write(tmp_path, place)
    file = repository / f"{WORKSPACE}.checkpoints.jsonl"
    assert file.read_bytes().splitlines(keepends=True) == _local(tmp_path)
    said = subprocess.run(
        ["git", "-C", str(repository), "log", "--format=%an %s"], capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines() == ["Affidavit Checkpoint shop"] * 2
    # A line that was written and not committed, as after a crash, is committed with the next and not written twice.
    destination = destination_of(place, WORKSPACE)
    file.write_bytes(file.read_bytes() + b'{"a": 1}\n')
    destination.send([b'{"a": 1}\n', b'{"b": 2}\n'], 60.0)
    assert file.read_bytes().count(b'"a"') == 1
    assert subprocess.run(["git", "-C", str(repository), "diff", "--quiet", "HEAD"], check=False).returncode == 0


def test_what_is_no_repository_is_said_and_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    _write(tmp_path, f"git:{folder}")
    standing = _standing(tmp_path, f"git:{folder}")
    assert standing.waiting == 1
    assert "git add" in standing.error
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    _write(tmp_path, f"git:{folder}", records=0)
    assert _standing(tmp_path, f"git:{folder}") == Standing(f"git:{folder}", 0, "")


def test_an_endpoint_takes_lines_and_gives_them_to_verification(tmp_path: Path, log: Log) -> None:
    _write(tmp_path, log.url)
    _write(tmp_path, log.url)
    assert log.kept == _local(tmp_path)
    with Ledger.open(sqlite_url(tmp_path), workspace=WORKSPACE, create=False) as ledger:
        kept = fetch_checkpoints(log.url)
        assert verify(ledger, checkpoints=None, elsewhere=kept).checkpoints == 2
        meddle(ledger, "DELETE FROM ledger_records WHERE sequence > 7")
        assert verify(ledger, checkpoints=None).ok
        assert verify(ledger, checkpoints=None, elsewhere=kept).first_bad == 8


def test_what_an_endpoint_refuses_is_sent_again_by_the_next_session(tmp_path: Path, log: Log) -> None:
    log.answers = [503] * 50  # more than two sessions ask
    for _ in range(2):
        _write(tmp_path, log.url)
    assert log.kept == []
    log.answers = []
    assert _standing(tmp_path, log.url) == Standing(log.url, 2, f"{log.url} answered 503.")
    _write(tmp_path, log.url)
    assert log.kept == _local(tmp_path)
    assert _standing(tmp_path, log.url).error == ""


def test_what_fails_is_tried_again_while_the_session_lasts(tmp_path: Path, log: Log) -> None:
    _write(tmp_path)
    log.answers = [500]
    plan = CheckpointPlan(to=(log.url,), timeout_s=60.0)
    with open_session(sqlite_url(tmp_path), workspace=WORKSPACE, state_dir=tmp_path / "state", plan=plan):
        deadline = time.monotonic() + 60
        while not log.kept and time.monotonic() < deadline:
            time.sleep(0.05)
        assert log.kept == _local(tmp_path)


def test_nobody_waits_for_a_slow_endpoint_longer_than_its_timeout(tmp_path: Path, log: Log) -> None:
    log.slow_s = 20.0
    took = _write(tmp_path, log.url, timeout_s=0.3)
    assert took < 10
    assert _standing(tmp_path, log.url).waiting == 1


def test_an_address_shows_no_password() -> None:
    destination = destination_of("https://reader:secret@127.0.0.1:1/log?token=hidden", WORKSPACE)
    with pytest.raises(DestinationError) as refused:
        destination.send([b"{}\n"], 0.2)
    for said in (destination.name, refused.value.message):
        assert "127.0.0.1" in said
        assert "secret" not in said
        assert "hidden" not in said


def test_standard_output_for_a_log_collector(tmp_path: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from test_audit_sending import _write
_write(Path(sys.argv[1]), "stdout")
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, check=True)
    assert done.stdout.splitlines(keepends=True) == _local(tmp_path)


def test_a_record_waits_for_a_checkpoint_no_longer_than_planned(tmp_path: Path) -> None:
    plan = CheckpointPlan(seconds=0.2)
    state = tmp_path / "state"
    with open_session(sqlite_url(tmp_path), workspace=WORKSPACE, state_dir=state, plan=plan) as ledger:
        ledger.append("run.intent", {"n": 1})
        deadline = time.monotonic() + 60
        while not (state / CHECKPOINTS_NAME).exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [each.sequence for _line, each in read_checkpoints(state / CHECKPOINTS_NAME)] == [2]
    assert len(_local(tmp_path)) == 1  # nothing was left to vouch for at the close


def test_another_file_in_place_of_the_queue_is_sent_from_its_beginning(tmp_path: Path) -> None:
    elsewhere = tmp_path / "heads.jsonl"
    _write(tmp_path, str(elsewhere))
    (tmp_path / "ledger.sqlite").unlink()
    for path in (tmp_path / "state" / CHECKPOINTS_NAME, *(tmp_path / "state" / "keys").iterdir(), elsewhere):
        path.unlink()
    _write(tmp_path, str(elsewhere))
    assert elsewhere.read_bytes().splitlines(keepends=True) == _local(tmp_path)


def test_a_torn_memory_of_what_was_sent_sends_again(tmp_path: Path) -> None:
    elsewhere = tmp_path / "heads.jsonl"
    _write(tmp_path, str(elsewhere))
    sent = tmp_path / "state" / "checkpoints-sent.json"
    assert json.loads(sent.read_text())[str(elsewhere)]["error"] == ""
    sent.write_text('{"torn')
    _write(tmp_path, str(elsewhere), records=0)
    assert elsewhere.read_bytes().splitlines(keepends=True) == _local(tmp_path) * 2


@pytest.mark.parametrize("place", ["http://127.0.0.1:1/none", "/no/such/file"])
def test_a_place_without_checkpoints_is_said(place: str) -> None:
    with pytest.raises(LedgerUnavailable, match=r"cannot be read|no checkpoint"):
        fetch_checkpoints(place)
