"""The identity commands: who enrols whom, how keys are protected, and in whose name something is signed."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from fixtures_audit_parts import Office
from fixtures_cli import Run, plain_environment, run

from agent.services import workspace_name
from agent.settings import load_settings
from audit.enrolment import Role, self_enrolment_of
from audit.identity import Keyring
from audit.ledger import Ledger

WORDS = "four plain words here"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One with a ledger and nothing else, which is all that identities need."""
    made = tmp_path / "shop"
    made.mkdir()
    (made / "affidavit.toml").write_text('[warehouse]\nurl = "sqlite:///warehouse.sqlite"\n')
    monkeypatch.setenv("AFFIDAVIT_WORKSPACE", str(made))
    return made


@pytest.fixture
def folder(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands are called, with nobody named."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


def _asked(workspace: Path) -> str:
    """A run by the asker, put on the ledger as it would be; gives its id."""
    settings = load_settings(workspace)
    with Ledger.open(settings.ledger_url, workspace=workspace_name(settings)) as ledger:
        nobody = Keyring(workspace / "none")
        return Office.run(SimpleNamespace(ledger=ledger, keyring=nobody))  # type: ignore[arg-type]


def test_the_first_person_is_told_what_they_are(folder: Path, run: Run) -> None:
    made = run("identity", "create", "reviewer")
    assert made.code == 0
    assert "admin, reviewer" in made.out
    assert "nobody: the first person here" in made.out
    assert "no passphrase" in made.err
    assert "affidavit identity protect" in made.err


def test_a_second_person_needs_an_admin(folder: Path, run: Run) -> None:
    run("identity", "create", "reviewer")
    asked = run("identity", "create", "colleague", "--role", "reviewer", "--role", "asker")
    assert asked.code == 0
    assert 'affidavit identity enrol "colleague.enrolment.json" --as ADMIN' in asked.out
    request = json.loads((folder / "colleague.enrolment.json").read_text())
    assert request["key_id"] in asked.out
    assert [line["name"] for line in run("identity", "list", "--format", "json").json] == ["workspace", "reviewer"]

    assert run("identity", "enrol", "colleague.enrolment.json", "--as", "reviewer").code == 2  # nobody was asked
    enrol = ("identity", "enrol", "colleague.enrolment.json", "--yes")
    assert run(*enrol).code == 2  # nobody is named
    assert run(*enrol, "--as", "colleague").code == 2  # not an admin
    enrolled = run(*enrol, "--as", "reviewer", "--format", "json")
    assert enrolled.json == {
        "name": "colleague",
        "key_id": request["key_id"],
        "enrolled": True,
        "roles": ["asker", "reviewer"],
        "roles_before": [],
    }
    again = run(*enrol, "--as", "reviewer")
    assert again.code == 2
    assert "granted already" in again.err
    assert run("audit", "verify").code == 0


def test_with_the_admins_key_at_hand_it_is_one_command(folder: Path, run: Run) -> None:
    run("identity", "create", "reviewer")
    assert run("identity", "create", "colleague", "--by", "reviewer").code == 0
    assert list(folder.iterdir()) == []
    listed = {line["name"]: line for line in run("identity", "list", "--format", "json").json}
    assert listed["colleague"]["vouched_by"] == "reviewer"
    assert (listed["colleague"]["key_here"], listed["colleague"]["protection"]) == (True, "none")
    assert listed["reviewer"]["bootstrap"] is True
    shown = run("identity", "list").out
    assert "nobody, the first" in shown
    assert "yes, no passphrase" in shown


def test_a_refused_enrolment_leaves_no_key(folder: Path, workspace: Path, run: Run) -> None:
    keys = Keyring(workspace / ".affidavit/keys")
    for arguments in (("--by", "reviewer"), ("--role", "asker")):
        assert run("identity", "create", "colleague", *arguments).code == 2
    run("identity", "create", "reviewer")
    run("identity", "create", "colleague", "--by", "reviewer")
    for arguments in (("third", "--by", "colleague"), ("third", "--by", "nobody"), ("WORKSPACE",)):
        assert run("identity", "create", *arguments).code == 2, arguments
    assert run("identity", "create", "reviewer").code == 2  # enrolled already
    assert keys.names() == ("colleague", "reviewer", "workspace")
    (folder / "bad.json").write_text("[]")
    assert run("identity", "enrol", "bad.json", "--yes", "--as", "reviewer").code == 2
    (folder / "bad.json").write_text("{}")
    refused = run("identity", "enrol", "bad.json", "--yes", "--as", "reviewer")
    assert refused.code == 2
    assert "affidavit identity create NAME" in " ".join(refused.err.split())


def test_a_lost_key_is_retired_and_replaced(folder: Path, workspace: Path, run: Run) -> None:
    run("identity", "create", "reviewer")
    run("identity", "create", "colleague", "--by", "reviewer")
    assert run("identity", "retire", "colleague").code == 2
    retired = run("identity", "retire", "colleague", "--as", "reviewer", "--reason", "Lost.", "--format", "json")
    assert (retired.json["name"], retired.json["by"]) == ("colleague", "reviewer")
    assert run("identity", "create", "colleague", "--by", "reviewer").code == 0
    lines = [line for line in run("identity", "list", "--format", "json").json if line["name"] == "colleague"]
    assert [(bool(line["retired"]), line["reason"], line["key_here"]) for line in lines] == [
        (True, "Lost.", False),
        (False, None, True),
    ]
    last = run("identity", "retire", "reviewer", "--as", "reviewer")
    assert last.code == 2
    assert "last admin" in last.err
    assert run("audit", "verify").code == 0


def test_roles_are_changed_on_a_new_signature_of_both(folder: Path, run: Run) -> None:
    run("identity", "create", "reviewer")
    run("identity", "create", "colleague", "--by", "reviewer")
    assert run("identity", "create", "colleague", "--by", "reviewer", "--role", "admin").code == 0
    listed = {line["name"]: line["roles"] for line in run("identity", "list", "--format", "json").json}
    assert listed["colleague"] == ["admin"]


def test_a_workspace_of_the_first_version_gets_its_first_person(folder: Path, workspace: Path, run: Run) -> None:
    settings = load_settings(workspace)
    old = Keyring(settings.state_dir / "keys").create("reviewer")
    with Ledger.open(settings.ledger_url, workspace=workspace_name(settings)) as ledger:
        ledger.append("identity", self_enrolment_of(old, Role.REVIEWER, ledger.workspace), actor="reviewer")
    before = run("identity", "list", "--format", "json").json[0]
    assert (before["roles"], before["vouched_by"]) == (["reviewer"], None)
    assert run("identity", "create", "reviewer").code == 0
    after = run("identity", "list", "--format", "json").json[0]
    assert (after["roles"], after["key_id"]) == (["admin", "reviewer"], before["key_id"])
    assert run("audit", "verify").code == 0


def test_nobody_signs_in_the_name_of_the_account(folder: Path, workspace: Path, run: Run) -> None:
    run("identity", "create", "reviewer")
    run_id = _asked(workspace)
    reject = ("review", "reject", run_id, "--reason-code", "outdated")
    for command in (reject, ("review", "accept", run_id), ("review", "amend", run_id, "--sql", "SELECT 1")):
        refused = run(*command)
        assert refused.code == 2
        assert "Nobody is named" in refused.err
        assert "--as NAME" in refused.err
    assert run("--as", "reviewer", *reject).code == 0


def test_where_the_policy_wants_questions_signed_nobody_asks_without_a_key(
    folder: Path, workspace: Path, run: Run
) -> None:
    (workspace / "policy.yaml").write_text("version: 1\nasking: enrolled\n")
    unnamed = run("ask", "How many orders?", "--format", "json")
    assert unnamed.code == 2
    assert "Nobody is named" in unnamed.json["error"]["message"]
    keyless = run("ask", "How many orders?", "--as", "analyst")
    assert keyless.code == 2
    assert "no key for analyst" in keyless.err


def test_a_protected_key_signs_with_its_passphrase_alone(
    folder: Path, workspace: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = folder / "words"
    words.write_text(WORDS + "\n")
    made = run("identity", "create", "reviewer", "--passphrase-file", words)
    assert (made.code, "no passphrase" in made.err) == (0, False)
    reject = ("--as", "reviewer", "review", "reject", "--reason-code", "outdated")
    first, second = _asked(workspace), _asked(workspace)
    refused = run(*reject, first)
    assert refused.code == 2
    assert "AFFIDAVIT_PASSPHRASE" in refused.err
    monkeypatch.setenv("AFFIDAVIT_PASSPHRASE", "another one")
    wrong = run(*reject, first)
    assert wrong.code == 2
    assert "The passphrase" in wrong.err
    assert run(*reject, first, "--passphrase-file", words).code == 0  # the option beats the environment
    monkeypatch.setenv("AFFIDAVIT_PASSPHRASE", WORDS)
    assert run(*reject, second).code == 0

    # Two people, two passphrases.
    monkeypatch.setenv("AFFIDAVIT_PASSPHRASE", "five plain words and more")
    assert run("identity", "create", "colleague", "--by", "reviewer").code == 2
    monkeypatch.setenv("AFFIDAVIT_BY_PASSPHRASE", WORDS)
    assert run("identity", "create", "colleague", "--by", "reviewer").code == 0
    keys = Keyring(workspace / ".affidavit/keys")
    assert keys.load("colleague", "five plain words and more").identity.name == "colleague"


def test_a_key_is_put_under_a_passphrase_later(folder: Path, workspace: Path, run: Run) -> None:
    run("identity", "create", "reviewer")
    assert run("identity", "protect", "reviewer").code == 2  # no terminal, no file
    assert run("identity", "protect", "Workspace").code == 2
    for name, text in (("old", WORDS), ("new", "other plain words"), ("short", "short")):
        (folder / name).write_text(text)
    assert run("identity", "protect", "reviewer", "--new-passphrase-file", "short").code == 2
    assert run("identity", "protect", "reviewer", "--new-passphrase-file", "old").code == 0
    assert run("identity", "protect", "reviewer", "--new-passphrase-file", "new").code == 2  # the old one is missing
    changed = run("identity", "protect", "reviewer", "--passphrase-file", "old", "--new-passphrase-file", "new")
    assert changed.code == 0
    assert "passphrase" in changed.out
    assert Keyring(workspace / ".affidavit/keys").load("reviewer", "other plain words").identity.name == "reviewer"


def test_a_terminal_is_asked_without_an_echo(folder: Path, workspace: Path, run: Run) -> None:
    first = _on_a_terminal(["identity", "create", "reviewer"], [WORDS, WORDS + "x"])
    assert "differ" in first
    assert Keyring(workspace / ".affidavit/keys").names() == ("workspace",)
    second = _on_a_terminal(["identity", "create", "reviewer"], [WORDS, WORDS])
    assert WORDS not in first + second
    assert "has no passphrase" not in second
    assert Keyring(workspace / ".affidavit/keys").load("reviewer", WORDS).identity.name == "reviewer"
    assert run("identity", "create", "colleague").code == 0
    no = _on_a_terminal(["identity", "enrol", "colleague.enrolment.json", "--as", "reviewer"], ["n"])
    assert "with the key id" in no
    yes = _on_a_terminal(["identity", "enrol", "colleague.enrolment.json", "--as", "reviewer"], ["y", WORDS])
    assert "vouched by" in yes


def _on_a_terminal(arguments: list[str], typed: list[str]) -> str:
    """What the command writes on a terminal where somebody types each line once a prompt has come."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "tui.cli.main", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "TERM": "dumb"}
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environment, text=False)
    os.close(follower)
    said, answered = b"", 0
    try:
        while True:
            said += os.read(leader, 4096)
            prompts = said.count(b"]: ") + said.count(b"(empty for none): ") + said.count(b"again: ")
            prompts += said.count(b"key of reviewer: ")
            while answered < min(prompts, len(typed)):
                os.write(leader, typed[answered].encode() + b"\n")
                answered += 1
    except OSError:  # the terminal was closed at the other end
        pass
    finally:
        process.wait(timeout=60)
        os.close(leader)
    return said.decode()


def test_a_passphrase_is_never_on_a_command_line(run: Run) -> None:
    for command in ("create", "enrol", "retire", "protect"):
        shown = run("identity", command, "--help").out
        assert "--passphrase-file" in shown
        assert "--passphrase " not in shown


def test_a_traceback_does_not_tell_the_passphrase(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFFIDAVIT_PASSPHRASE", WORDS)
    assert run("identity", "create", "reviewer").code == 0
    monkeypatch.setenv("AFFIDAVIT_PASSPHRASE", "wrong and long words")
    monkeypatch.setenv("AFFIDAVIT_DEBUG", "1")
    shown = run("identity", "retire", "reviewer", "--as", "reviewer").err
    assert "PassphraseError" in shown
    assert "wrong and long words" not in shown


def test_an_empty_passphrase_file_makes_no_bare_key(folder: Path, run: Run) -> None:
    (folder / "empty").write_text("\n")
    refused = run("identity", "create", "reviewer", "--passphrase-file", folder / "empty")
    assert (refused.code, "holds no passphrase" in refused.err) == (2, True)
    assert not (folder / ".affidavit/keys/reviewer.key").exists()


def test_a_passphrase_file_that_is_no_text_is_a_wrong_argument(folder: Path, run: Run) -> None:
    (folder / "noise").write_bytes(b"\x00\xff\xfe")
    refused = run("identity", "create", "reviewer", "--passphrase-file", folder / "noise")
    assert (refused.code, "not text in UTF-8" in " ".join(refused.err.split())) == (2, True)


@pytest.mark.parametrize("name", ["new\nline", "tab\tbed", "end\n"])
def test_a_name_of_two_lines_is_refused_and_not_mended(folder: Path, run: Run, name: str) -> None:
    refused = run("identity", "create", name)
    assert (refused.code, "cannot be a name" in " ".join(refused.err.split())) == (2, True)


def test_roles_that_are_replaced_are_named(folder: Path, run: Run) -> None:
    run("identity", "create", "admin")
    made = run("identity", "create", "colleague", "--by", "admin", "--format", "json").json
    assert (made["roles"], made["roles_before"]) == (["reviewer"], [])
    changed = run("identity", "create", "colleague", "--by", "admin", "--role", "asker")
    assert "They replace the roles enrolled before: reviewer." in " ".join(changed.out.split())
    same = run("identity", "create", "colleague", "--by", "admin", "--role", "asker")
    assert (same.code, "replace" in same.out) == (0, False)
    asked = run("identity", "create", "colleague", "--role", "reviewer", "--out", "r.json")
    assert "They would replace the roles enrolled before: asker." in " ".join(asked.out.split())
    enrolled = run("identity", "enrol", "r.json", "--yes", "--as", "admin", "--format", "json").json
    assert (enrolled["roles"], enrolled["roles_before"]) == (["reviewer"], ["asker"])


def test_a_name_in_letters_of_two_scripts_is_refused_before_a_key_is_made(folder: Path, run: Run) -> None:
    run("identity", "create", "reviewer")
    alike = "r\u0435viewer"  # the first e is Cyrillic
    for more in ((), ("--by", "reviewer")):
        refused = run("identity", "create", alike, *more)
        said = " ".join(refused.err.split())
        assert (refused.code, "mixes letters of Latin and Cyrillic" in said) == (2, True)
        assert "identity create" not in said
    assert [line["name"] for line in run("identity", "list", "--format", "json").json] == ["workspace", "reviewer"]
    assert run("identity", "create", "\u0418\u0432\u0430\u043d", "--by", "reviewer").code == 0


def test_an_error_about_a_key_does_not_send_one_to_make_another(folder: Path, run: Run) -> None:
    run("identity", "create", "reviewer")
    refused = run("identity", "create", "workspace", "--by", "reviewer")
    assert (refused.code, "identity create" in refused.err) == (2, False)
