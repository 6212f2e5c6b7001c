"""Keys that vouch for somebody, and the ones that must not."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fixtures_audit_parts import meddle

from audit.errors import IdentityError, LedgerUnavailable
from audit.identity import Keyring, Role, create_identity, enrolled_keys, ensure_workspace_key, same_person
from audit.ledger import Ledger
from audit.verify import verify

pytest_plugins = ("fixtures_audit",)


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys")


def test_a_key_signs_and_is_read_back(keyring: Keyring) -> None:
    made = keyring.create("Réviseur Adjoint")
    loaded = keyring.load("réviseur adjoint")
    assert loaded.identity.key_id == made.identity.key_id
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(made.identity.public_key))
    key.verify(loaded.sign(b"data"), b"data")
    assert keyring.names() == ("réviseur adjoint",)


def test_the_private_key_is_for_its_owner_alone(keyring: Keyring) -> None:
    keyring.create("Reviewer")
    (file,) = keyring.directory.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert keyring.directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_a_key_that_others_can_read_is_refused(keyring: Keyring, mode: int) -> None:
    keyring.create("Reviewer")
    (file,) = keyring.directory.iterdir()
    file.chmod(mode)
    with pytest.raises(IdentityError, match="can be read by others") as refused:
        keyring.load("Reviewer")
    assert "chmod 600" in refused.value.hint


def test_a_folder_that_others_can_write_is_refused(keyring: Keyring) -> None:
    keyring.create("Reviewer")
    keyring.directory.chmod(0o777)
    for attempt in (keyring.load, keyring.create):
        with pytest.raises(IdentityError, match="can be written by others"):
            attempt("Reviewer" if attempt == keyring.load else "Admin")
    assert keyring.names() == ("reviewer",)


def test_a_key_is_never_overwritten(keyring: Keyring) -> None:
    first = keyring.create("Reviewer")
    with pytest.raises(IdentityError, match="already"):
        keyring.create(" REVIEWER ")
    assert keyring.load("Reviewer").identity == first.identity
    assert len(list(keyring.directory.iterdir())) == 1


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "x" * 81, "\udcff"])
def test_names_that_are_none(keyring: Keyring, name: str) -> None:
    with pytest.raises(IdentityError, match="cannot be a name"):
        keyring.create(name)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", ".", "..", "名" * 26, "x" * 80])
def test_names_never_leave_the_folder(keyring: Keyring, name: str) -> None:
    keyring.create(name)
    assert keyring.load(name).identity.name == name
    assert [path.parent for path in keyring.directory.rglob("*")] == [keyring.directory]


def test_files_that_are_no_key(keyring: Keyring, tmp_path: Path) -> None:
    keyring.create("Reviewer")
    (file,) = keyring.directory.iterdir()
    file.write_bytes(b"nonsense")
    with pytest.raises(IdentityError, match="does not hold"):
        keyring.load("Reviewer")
    file.write_bytes(
        generate_private_key(SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    with pytest.raises(IdentityError, match="Ed25519"):
        keyring.load("Reviewer")
    with pytest.raises(IdentityError, match="no key for Admin"):
        keyring.load("Admin")
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(IdentityError, match="cannot be written"):
        Keyring(tmp_path / "file").create("Reviewer")


def test_the_first_person_is_vouched_for_by_the_workspace(ledger: Ledger, keyring: Keyring) -> None:
    workspace = ensure_workspace_key(ledger, keyring)
    signer = create_identity(ledger, keyring, "Reviewer")
    _own, record = ledger.records(kinds=["identity"])
    assert record.actor == "Reviewer"
    assert (record.body["public_key"], record.body["bootstrap"]) == (signer.identity.public_key, True)
    assert record.body["voucher"]["key_id"] == workspace.identity.key_id
    identity = enrolled_keys(ledger.records(), ledger.workspace)[signer.identity.key_id]
    assert identity.roles == {Role.ADMIN, Role.REVIEWER}
    assert b"PRIVATE" not in record.payload
    assert verify(ledger, checkpoints=None).ok


def test_a_name_has_one_key(ledger: Ledger, keyring: Keyring, tmp_path: Path) -> None:
    ensure_workspace_key(ledger, keyring)
    admin = create_identity(ledger, keyring, "Admin")
    impostor = Keyring(tmp_path / "elsewhere")
    for name, problem in (("aDMIN", "a name has one key"), (" Workspace ", "No person can be called workspace")):
        with pytest.raises(IdentityError, match=problem):
            create_identity(ledger, impostor, name, by=admin)
    assert impostor.names() == ()
    assert ledger.head().sequence == 2


def test_the_workspace_has_one_key(ledger: Ledger, keyring: Keyring, tmp_path: Path) -> None:
    first = ensure_workspace_key(ledger, keyring)
    assert ensure_workspace_key(ledger, keyring).identity == first.identity
    elsewhere = Keyring(tmp_path / "elsewhere")
    with pytest.raises(IdentityError, match="knows the workspace by the key") as refused:
        ensure_workspace_key(ledger, elsewhere)
    assert "Copy workspace.key" in refused.value.hint
    assert elsewhere.names() == ()
    elsewhere.create("workspace")
    with pytest.raises(IdentityError, match="a name has one key"):
        ensure_workspace_key(ledger, elsewhere)
    assert ledger.head().sequence == 1


def test_a_key_that_was_enrolled_stays_whatever_fails_afterwards(ledger: Ledger, keyring: Keyring) -> None:
    ensure_workspace_key(ledger, keyring)

    def fail(_record: object) -> None:
        raise LedgerUnavailable("no checkpoint could be written")

    ledger.on_append(fail)
    with pytest.raises(LedgerUnavailable):
        create_identity(ledger, keyring, "Reviewer")
    assert keyring.load("Reviewer").identity.key_id in enrolled_keys(ledger.records(), ledger.workspace)


def test_without_a_ledger_no_key_is_left(ledger: Ledger, keyring: Keyring) -> None:
    ensure_workspace_key(ledger, keyring)
    meddle(ledger, "DROP TABLE ledger_records")
    with pytest.raises(LedgerUnavailable):
        create_identity(ledger, keyring, "Reviewer")
    assert keyring.names() == ("workspace",)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("Reviewer", " reviewer ", True),
        ("Réviseur", "Re\u0301viseur", True),
        ("Straße", "STRASSE", True),
        ("Second  Reviewer", "second reviewer", True),
        ("Asker", "Askers", False),
    ],
)
def test_same_person(first: str, second: str, same: bool) -> None:
    assert same_person(first, second) is same
