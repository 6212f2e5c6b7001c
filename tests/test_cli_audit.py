"""The commands that prove and check, on a small workspace of their own; no model and no warehouse is needed."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from __future__ import annotations

import json
from pathlib import Path

import pytest
from fixtures_audit_parts import meddle
from fixtures_cli import Run, plain_environment, run

from agent.services import open_ledger, workspace_name
from agent.settings import Settings, load_settings
from audit.ledger import Ledger

RUN = "019b2c00-0000-7000-8000-000000000001"


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A workspace with one run on its ledger: the key's enrolment (1), the run (2 to 4), a checkpoint (noted in 5)."""
    (tmp_path / "affidavit.toml").write_text('[ledger]\ncheckpoint_to = ["elsewhere/heads.jsonl"]\n')
    monkeypatch.setenv("AFFIDAVIT_WORKSPACE", str(tmp_path))
    settings = load_settings(tmp_path)
    with open_ledger(settings) as ledger:
        for kind in ("run.started", "run.drafted", "run.answered"):
            ledger.append(kind, {"question": "How much?", "asker": "Asker"}, run_id=RUN, actor="Asker")
    return settings


def _key(run: Run) -> str:
    return next(each["public_key"] for each in run("identity", "list", "--format", "json").json)


def test_a_run_is_proved_and_the_proof_is_checked_anywhere(
    small: Settings, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = _key(run)
    for subject, sequences in ((RUN[:8], [2, 3, 4]), ("3", [3])):
        proved = run("audit", "proof", subject)
        assert [each["sequence"] for each in proved.json["records"]] == sequences
        (tmp_path / "proof.json").write_text(proved.out)
        monkeypatch.delenv("AFFIDAVIT_WORKSPACE", raising=False)
        assert "Signed by that key" in run("audit", "check", tmp_path / "proof.json", "--key", key).out
        monkeypatch.setenv("AFFIDAVIT_WORKSPACE", str(tmp_path))
    (tmp_path / "proof.json").write_text(proved.out.replace("How much?", "How many?"))
    checked = run("audit", "check", tmp_path / "proof.json", "--key", key)
    assert (checked.code, "does not hold" in checked.out) == (1, True)
    assert run("audit", "check", tmp_path / "proof.json", "--key", "ab").code == 2
    assert run("audit", "check", tmp_path / "affidavit.toml").code == 2


def test_growth_is_proved(small: Settings, run: Run, tmp_path: Path) -> None:
    proved = run("audit", "consistency", "2", "4")
    assert proved.json["second"]["checkpoint"]["sequence"] == 4
    (tmp_path / "growth.json").write_text(proved.out)
    assert run("audit", "check", tmp_path / "growth.json").code == 0


@pytest.mark.parametrize(
    "arguments", [("proof", "77"), ("proof", "zz"), ("proof", "9" * 20), ("proof", "9" * 5000), ("consistency", "77")]
)
def test_what_is_not_there_is_a_wrong_argument(small: Settings, run: Run, arguments: tuple[str, ...]) -> None:
    refused = run("audit", *arguments)
    assert refused.code == 2
    assert refused.out == ""


def test_verification_takes_signed_heads_from_elsewhere(small: Settings, run: Run, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "heads.jsonl"
    verified = run("audit", "verify", "--checkpoint", elsewhere, "--json").json
    assert (verified["ok"], verified["checkpoints"]) == (True, 1)  # the copy is not counted again
    quick = run("audit", "verify", "--since-checkpoint", "--json").json
    assert (quick["ok"], quick["records"], quick["since"], quick["root"]) == (True, 5, 4, verified["root"])
    assert "on the word of a checkpoint" in run("audit", "verify", "--since-checkpoint").out
    (tmp_path / ".affidavit" / "checkpoints.jsonl").unlink()
    with Ledger.open(small.ledger_url, workspace=workspace_name(small), create=False) as ledger:
        meddle(ledger, "DELETE FROM ledger_records WHERE sequence > 3")
    assert run("audit", "verify").code == 0
    cut = run("audit", "verify", "--checkpoint", elsewhere, "--json")
    assert (cut.code, cut.json["first_bad"]) == (1, 4)
    # A command that would write does not even begin.
    assert run("audit", "checkpoint").code == 7


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "There is no file"),
        (b"", "holds no checkpoint that can be read"),
        (b'{"torn": ', "holds no checkpoint that can be read"),
        (b"\x00\xff\n", "Line 1 of"),
        (b"[]\n", "Line 1 of"),
    ],
)
def test_a_wrong_file_of_signed_heads_is_a_wrong_argument(
    small: Settings, run: Run, tmp_path: Path, content: bytes | None, says: str
) -> None:
    file = tmp_path / "h.jsonl"
    if content is not None:
        file.write_bytes(content)
    refused = run("audit", "verify", "--checkpoint", file)
    assert (refused.code, says in " ".join(refused.err.split())) == (2, True), refused.err
    assert "h.jsonl" in refused.err
    assert "ledger.url" not in refused.err


def test_a_folder_a_silent_server_and_noise_are_named_for_what_they_are(
    small: Settings, run: Run, tmp_path: Path
) -> None:
    assert run("audit", "verify", "--checkpoint", tmp_path).code == 2
    silent = run("audit", "verify", "--checkpoint", "http://127.0.0.1:1/none")
    assert (silent.code, "server answers" in silent.err, "ledger.url" in silent.err) == (7, True, False)
    (tmp_path / "noise.pem").write_bytes(b"\x00\xff")
    noise = run("audit", "verify", "--tsa-certificate", tmp_path / "noise.pem")
    assert (noise.code, "noise.pem" in noise.err, "ledger.url" in noise.err) == (2, True, False)


def test_a_torn_line_elsewhere_is_said_to_be_left_out(small: Settings, run: Run, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "heads.jsonl"
    with elsewhere.open("ab") as file:
        file.write(b'{"workspace": "sh')
    verified = run("audit", "verify", "--checkpoint", elsewhere, "--json")
    assert (verified.code, verified.json["checkpoints"]) == (0, 1)
    assert "one line was not read" in " ".join(verified.err.split())


def test_replay_takes_a_run_or_all_accepted(small: Settings, run: Run) -> None:
    assert "not both" in run("runs", "replay", RUN, "--accepted").err


@pytest.mark.parametrize("key", ["", " "])
def test_an_empty_key_is_a_wrong_argument(small: Settings, run: Run, tmp_path: Path, key: str) -> None:
    assert run("audit", "export", RUN, "-o", tmp_path / "e.json").code == 0
    (tmp_path / "proof.json").write_text(run("audit", "proof", "3").out)
    for arguments in (("verify", tmp_path / "e.json"), ("check", tmp_path / "proof.json"), ("verify",)):
        refused = run("audit", *arguments, "--key", key)
        assert (refused.code, "It is empty" in refused.err) == (2, True), arguments
    assert run("audit", "verify", tmp_path / "e.json", "--keys", key).code == 2
    (tmp_path / "noise").write_bytes(b"\x00\xff")
    noise = run("audit", "verify", tmp_path / "e.json", "--keys", tmp_path / "noise")
    assert (noise.code, "not text in UTF-8" in " ".join(noise.err.split())) == (2, True)


def test_a_checkpoint_now_says_where_it_went(small: Settings, run: Run, tmp_path: Path) -> None:
    shown = run("audit", "checkpoint").out
    assert str(tmp_path / "elsewhere" / "heads.jsonl") in shown.replace("\n", "")
    assert "sent to" in shown
    lines = (tmp_path / "elsewhere" / "heads.jsonl").read_text().splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [4, 5]


def test_a_folder_that_is_not_there_is_not_made_in_silence(small: Settings, run: Run, tmp_path: Path) -> None:
    before = run("audit", "verify", "--json").json["records"]
    wrong = tmp_path / "mistyped" / "file.json"
    for command in (
        ("audit", "checkpoint", "--copy", wrong),
        ("audit", "export", RUN, "--out", wrong),
        ("audit", "export", RUN, "--out", tmp_path / "e.json", "--html", wrong),
    ):
        refused = run(*command)
        assert (refused.code, "Make it first" in " ".join(refused.err.split())) == (2, True)
    assert not wrong.parent.exists()
    assert not (tmp_path / "e.json").exists()
    assert run("audit", "verify", "--json").json["records"] == before
    wrong.parent.mkdir()
    assert run("audit", "checkpoint", "--copy", wrong).code == 0
    assert run("audit", "export", RUN, "--out", wrong).code == 0


def test_record_nought_is_a_slip(small: Settings, run: Run) -> None:
    refused = run("audit", "proof", "0")
    assert (refused.code, "numbered from 1" in refused.err) == (2, True)
