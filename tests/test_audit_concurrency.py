"""Many writers, one chain: real threads and real processes on both databases."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from fixtures_audit_parts import WORKSPACE, Office

from audit.errors import ReviewError
from audit.identity import Signer
from audit.ledger import Ledger
from audit.record import Entry
from audit.review import submit_review
from audit.session import open_session
from audit.verify import verify
from audit.vouching import CheckpointPlan

pytest_plugins = ("fixtures_audit",)

_WRITER = """
import sys
from audit.ledger import Ledger
url, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Ledger.open(url, workspace="shop", timeout_s=60) as ledger:
    for n in range(count):
        ledger.append("run.intent", {"writer": name, "n": n}, run_id=f"{name}-{n}")
"""
_SESSION = """
import sys
from pathlib import Path
from audit.vouching import CheckpointPlan
from audit.session import open_session
url, name, count, state_dir = sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])
with open_session(url, workspace="shop", state_dir=state_dir, plan=CheckpointPlan(every=7)) as ledger:
    for n in range(count):
        ledger.append("run.intent", {"writer": name, "n": n}, run_id=f"{name}-{n}")
"""


def test_processes_write_one_unforked_chain(ledger_url: str) -> None:
    # The ledger does not exist yet: opening it for the first time is part of the race.
    _run_writers(_WRITER, ledger_url, writers=6, arguments=["40"])
    with Ledger.open(ledger_url, workspace=WORKSPACE, create=False) as ledger:
        verification = verify(ledger, checkpoints=None)
        assert (verification.ok, verification.problem, verification.records) == (True, "", 240)
        for writer in range(6):
            own = [record.body["n"] for record in ledger.records() if record.body["writer"] == f"w{writer}"]
            assert own == list(range(40))


def test_sessions_share_a_key_and_a_checkpoint_file(ledger_url: str, tmp_path: Path) -> None:
    state_dir = tmp_path / ".affidavit"
    state_dir.mkdir()
    _run_writers(_SESSION, ledger_url, writers=4, arguments=["20", str(state_dir)])
    with Ledger.open(ledger_url, workspace=WORKSPACE, create=False) as ledger:
        verification = verify(ledger, checkpoints=state_dir / "checkpoints.jsonl")
        assert verification.problem == ""
        assert verification.checkpoints >= 80 // 7
        assert len(list(ledger.records(kinds=["identity"]))) == 1
        assert len(list(ledger.records(kinds=["run.intent"]))) == 80


def test_threads_share_one_ledger(ledger: Ledger) -> None:
    def write(name: int) -> None:
        for n in range(15):
            ledger.append_many([Entry("run.intent", {"name": name, "n": n}), Entry("run.outcome", {"n": n})])

    threads = [threading.Thread(target=write, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verification = verify(ledger, checkpoints=None)
    assert (verification.problem, verification.records) == ("", 240)


def test_two_reviewers_at_once_give_one_decision(office: Office) -> None:
    run_id = office.run()
    refused: list[str] = []

    def decide(signer: Signer) -> None:
        try:
            submit_review(office.ledger, signer, run_id=run_id, decision="accept", reason_code="correct")
        except ReviewError as error:
            refused.append(error.message)

    threads = [threading.Thread(target=decide, args=(signer,)) for signer in (office.reviewer, office.admin)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert "already accepted" in refused[0]
    assert verify(office.ledger, checkpoints=None).reviews == 1


def test_verifying_while_others_write_raises_no_alarm(ledger_url: str, tmp_path: Path) -> None:
    state_dir = tmp_path / ".affidavit"
    state_dir.mkdir()
    with open_session(ledger_url, workspace=WORKSPACE, state_dir=state_dir, plan=CheckpointPlan(every=3)) as writing:
        done = threading.Event()

        def write() -> None:
            for n in range(120):
                writing.append("run.intent", {"n": n})
            done.set()

        thread = threading.Thread(target=write)
        thread.start()
        with Ledger.open(ledger_url, workspace=WORKSPACE, create=False) as reading:
            problems = {verify(reading, checkpoints=state_dir / "checkpoints.jsonl").problem}
            while not done.is_set():
                problems.add(verify(reading, checkpoints=state_dir / "checkpoints.jsonl").problem)
        thread.join()
    assert problems == {""}


def _run_writers(script: str, url: str, *, writers: int, arguments: list[str]) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, url, f"w{number}", *arguments], stderr=subprocess.PIPE, text=True
        )
        for number in range(writers)
    ]
    errors = [process.communicate(timeout=240)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * writers, errors
