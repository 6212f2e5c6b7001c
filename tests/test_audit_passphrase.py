"""Keys that a stolen file does not give away: under a passphrase, or in the system's keyring."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from audit import keystore
from audit.errors import IdentityError, PassphraseError
from audit.identity import Keyring, signature_holds
from audit.keystore import Protection

WORDS = "four plain words here"


@pytest.fixture(autouse=True)
def _cheap_stretching(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keystore, "_COST", (1 << 10, 8, 1))


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys")


def _file(keyring: Keyring) -> Path:
    (file,) = keyring.directory.iterdir()
    return file


def test_a_key_under_a_passphrase_signs_with_it_and_not_without(keyring: Keyring) -> None:
    made = keyring.create("Reviewer", passphrase=WORDS)
    assert keyring.protection("Reviewer") is Protection.PASSPHRASE
    assert keyring.load("Reviewer", WORDS).identity == made.identity
    with pytest.raises(PassphraseError, match="none was given") as refused:
        keyring.load("Reviewer")
    assert "AFFIDAVIT_PASSPHRASE" in refused.value.hint
    with pytest.raises(PassphraseError, match="is another"):
        keyring.load("Reviewer", WORDS + " ")
    body = keyring.load("Reviewer", WORDS).sign_body({"purpose": "test"})
    assert signature_holds(made.identity, body)


def test_the_same_passphrase_in_another_unicode_form_is_the_same(keyring: Keyring) -> None:
    keyring.create("Reviewer", passphrase="caf\u00e9 au lait")
    assert keyring.load("Reviewer", "cafe\u0301 au lait").identity.name == "Reviewer"


def test_the_file_gives_nothing_away(keyring: Keyring) -> None:
    keyring.create("Reviewer", passphrase=WORDS)
    content = _file(keyring).read_bytes()
    assert WORDS.encode() not in content
    assert _file(keyring).stat().st_mode & 0o777 == 0o600
    for password in (None, WORDS.encode()):  # not even with the passphrase, unless it is stretched first
        with pytest.raises((TypeError, ValueError)):
            serialization.load_pem_private_key(content, password)


def test_a_short_passphrase_protects_nothing(keyring: Keyring) -> None:
    with pytest.raises(PassphraseError, match="8 characters"):
        keyring.create("Reviewer", passphrase="short")
    assert not keyring.directory.exists()


def test_a_passphrase_is_added_and_changed(keyring: Keyring) -> None:
    made = keyring.create("Reviewer")
    assert keyring.protection("Reviewer") is Protection.NONE
    keyring.protect("Reviewer", WORDS)
    keyring.protect("reviewer", "other plain words", old=WORDS)
    assert keyring.load("Reviewer", "other plain words").identity == made.identity
    before = _file(keyring).read_bytes()
    for new, old, problem in (
        ("a third passphrase", WORDS, "is another"),
        ("a third passphrase", "", "none was given"),
        ("short", "other plain words", "8 characters"),
        ("", "other plain words", "protects nothing"),
    ):
        with pytest.raises(PassphraseError, match=problem):
            keyring.protect("Reviewer", new, old=old)
    assert _file(keyring).read_bytes() == before


def test_a_key_encrypted_by_openssl_is_read(keyring: Keyring) -> None:
    made = keyring.create("Reviewer")
    file = _file(keyring)
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(WORDS.encode()),
        )
    )
    assert keyring.load("Reviewer", WORDS).identity == made.identity


@pytest.mark.parametrize("spoilt", [b"n=3 ", b"n=0 ", b"r=99 n=1024 "])
def test_a_spoilt_first_line_is_a_clear_error(keyring: Keyring, spoilt: bytes) -> None:
    keyring.create("Reviewer", passphrase=WORDS)
    file = _file(keyring)
    file.write_bytes(file.read_bytes().replace(b"n=1024 ", spoilt))
    with pytest.raises(IdentityError, match=r"does not hold a private key|is another"):
        keyring.load("Reviewer", WORDS)


def test_a_retired_key_makes_room_for_another(keyring: Keyring) -> None:
    old = keyring.create("x" * 80)
    keyring.set_aside("x" * 80, old.identity.key_id)
    assert keyring.names() == ()
    assert keyring.create("x" * 80).identity.key_id != old.identity.key_id
    assert len(list(keyring.directory.iterdir())) == 2


@pytest.fixture
def system() -> Iterator[dict[tuple[str, str], str]]:
    """A backend of the keyring package that keeps what it is given in memory, registered as the system's."""
    package = pytest.importorskip("keyring")
    from keyring.backend import KeyringBackend
    from keyring.errors import PasswordDeleteError

    kept: dict[tuple[str, str], str] = {}

    class InMemory(KeyringBackend):
        priority = 1  # type: ignore[assignment]

        def set_password(self, service: str, username: str, password: str) -> None:
            kept[service, username] = password

        def get_password(self, service: str, username: str) -> str | None:
            return kept.get((service, username))

        def delete_password(self, service: str, username: str) -> None:
            if kept.pop((service, username), None) is None:
                raise PasswordDeleteError("there is none")

    before = package.get_keyring()
    package.set_keyring(InMemory())
    yield kept
    package.set_keyring(before)


def test_a_key_in_the_systems_keyring_is_nowhere_else(keyring: Keyring, system: dict[tuple[str, str], str]) -> None:
    made = keyring.create("Reviewer", in_system=True)
    assert b"PRIVATE" not in _file(keyring).read_bytes()
    assert [service for service, _name in system] == ["affidavit"]
    assert keyring.protection("Reviewer") is Protection.KEYRING
    assert keyring.load("REVIEWER").identity.key_id == made.identity.key_id
    with pytest.raises(IdentityError, match="already"):
        keyring.create("Reviewer", in_system=True)
    assert len(system) == 1
    with pytest.raises(IdentityError, match="system's keyring, which protects it"):
        keyring.protect("Reviewer", WORDS)
    system.clear()
    with pytest.raises(IdentityError, match="does not have the key"):
        keyring.load("Reviewer")


def test_a_removed_key_leaves_the_systems_keyring(keyring: Keyring, system: dict[tuple[str, str], str]) -> None:
    keyring.create("Reviewer", in_system=True)
    keyring.remove("Reviewer")
    assert system == {}
    assert keyring.names() == ()


def test_a_pointer_to_somebody_elses_key_gives_their_key_id(
    keyring: Keyring, system: dict[tuple[str, str], str]
) -> None:
    """Whoever may write the folder gains no name: the ledger knows names by key ids."""
    admin = keyring.create("Admin", in_system=True)
    pointer = _file(keyring).read_bytes()
    keyring.create("Reviewer", in_system=True)
    (keyring.directory / "reviewer.key").write_bytes(pointer)
    assert keyring.load("Reviewer").identity.key_id == admin.identity.key_id


def test_without_a_keyring_it_says_what_to_do(keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(IdentityError, match="not installed") as refused:
        keyring.create("Reviewer", in_system=True)
    assert "affidavit[keyring]" in refused.value.hint
    assert keyring.names() == ()


def test_a_system_without_a_usable_keyring_is_a_clear_error(keyring: Keyring) -> None:
    package = pytest.importorskip("keyring")
    from keyring.backends.fail import Keyring as NoKeyring

    before = package.get_keyring()
    package.set_keyring(NoKeyring())
    try:
        with pytest.raises(IdentityError, match="system's keyring says no"):
            keyring.create("Reviewer", in_system=True)
        assert keyring.names() == ()
    finally:
        package.set_keyring(before)
