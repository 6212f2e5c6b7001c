"""How a private key is written down: bare, under a passphrase, or in the keyring of the operating system.

A key under a passphrase is PKCS #8 in PEM (RFC 5958), but what encrypts it there is the passphrase stretched by scrypt
(RFC 7914): the 2,048 rounds of PBKDF2 that PEM's writers give are too few for what people can remember. A line above
the PEM says how it was stretched.
"""

from __future__ import annotations

import json
import re
import secrets
import unicodedata
from enum import StrEnum
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from audit.errors import IdentityError, PassphraseError

__all__ = [
    "MIN_PASSPHRASE",
    "Protection",
    "forget",
    "keep_in_system",
    "private_key",
    "protection_of",
    "written",
]

MIN_PASSPHRASE: Final = 8
"""Characters (NIST SP 800-63B, 3.1.1.2)."""

_SERVICE: Final = "affidavit"
_COST: Final = (1 << 17, 8, 1)
"""n, r and p: 128 MiB and about half a second, as OWASP advises."""
_STRETCHED = re.compile(rb"Affidavit-Passphrase: scrypt n=(\d{1,8}) r=(\d{1,2}) p=(\d{1,2}) salt=([0-9a-f]{32})\n")


class Protection(StrEnum):
    """What protects a key besides the mode of its file."""

    NONE = "none"
    PASSPHRASE = "passphrase"  # noqa: S105  (a word, not one)
    KEYRING = "keyring"
    """The system's."""


def written(key: Ed25519PrivateKey, passphrase: str = "") -> bytes:
    """The bytes of a key's file; bare if the passphrase is empty.

    Raises:
        PassphraseError: the passphrase is too short.
    """
    if not passphrase:
        return _pem(key, serialization.NoEncryption())
    if len(passphrase) < MIN_PASSPHRASE:
        raise PassphraseError(f"A passphrase has {MIN_PASSPHRASE} characters at least.", "Take several words.")
    salt = secrets.token_bytes(16)
    head = b"Affidavit-Passphrase: scrypt n=%d r=%d p=%d salt=%b\n" % (*_COST, salt.hex().encode())
    return head + _pem(key, serialization.BestAvailableEncryption(_stretched(passphrase, salt, *_COST)))


def protection_of(content: bytes) -> Protection:
    """What protects the key in a file."""
    if content.startswith(b"{"):
        return Protection.KEYRING
    return Protection.PASSPHRASE if b"BEGIN ENCRYPTED PRIVATE KEY" in content else Protection.NONE


def private_key(content: bytes, passphrase: str, where: str) -> Ed25519PrivateKey:
    """The key that a file holds or points to.

    Args:
        content: the file's.
        passphrase: empty if there is none; what is not encrypted does not need it.
        where: names the file in messages.

    Raises:
        PassphraseError: it is protected, and there is no passphrase or a wrong one.
        IdentityError: it is no key, or the system's keyring does not give it.
    """
    kind = protection_of(content)
    password = None
    if kind is Protection.KEYRING:
        content = _fetched(content, where)
    elif kind is Protection.PASSPHRASE:
        password = _password(content, passphrase, where)
    try:
        key = serialization.load_pem_private_key(content, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        if kind is Protection.PASSPHRASE:
            raise PassphraseError(
                f"The passphrase of the key {where} is another.", "Try again; nothing was signed."
            ) from error
        raise IdentityError(f"{where} does not hold a private key.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise IdentityError(f"{where} holds a key of another kind; Affidavit signs with Ed25519.")
    return key


def keep_in_system(key: Ed25519PrivateKey, key_id: str) -> bytes:
    """Put a key into the system's keyring; gives what the file says in its place.

    Raises:
        IdentityError: there is no keyring, or it refuses.
    """
    keyring = _system()
    try:
        keyring.set_password(_SERVICE, key_id, _pem(key, serialization.NoEncryption()).decode())
    except keyring.errors.KeyringError as error:
        raise _refused(error) from error
    return json.dumps({"keyring": _SERVICE, "key_id": key_id}).encode() + b"\n"


def forget(content: bytes) -> None:
    """Take out of the system's keyring what a file points to there."""
    if protection_of(content) is Protection.KEYRING:
        keyring = _system()
        try:
            keyring.delete_password(_SERVICE, _pointed(content, "the file"))
        except keyring.errors.KeyringError as error:
            raise _refused(error) from error


def _fetched(content: bytes, where: str) -> bytes:
    keyring, key_id = _system(), _pointed(content, where)
    try:
        found = keyring.get_password(_SERVICE, key_id)
    except keyring.errors.KeyringError as error:
        raise _refused(error) from error
    if found is None:
        raise IdentityError(
            f"The system's keyring does not have the key {key_id} that {where} points to.",
            "Use the account that made it. A lost key is retired by an admin: `affidavit identity retire`.",
        )
    return str(found).encode()


def _pointed(content: bytes, where: str) -> str:
    try:
        return str(json.loads(content)["key_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise IdentityError(f"{where} does not hold a private key.") from error


def _password(content: bytes, passphrase: str, where: str) -> bytes:
    if not passphrase:
        raise PassphraseError(
            f"The key {where} is protected by a passphrase, and none was given.",
            "Use a terminal, where it is asked for, or AFFIDAVIT_PASSPHRASE, or --passphrase-file FILE.",
        )
    said = _STRETCHED.match(content)
    if said is None:
        return passphrase.encode()  # encrypted by somebody else's program, openssl for instance
    n, r, p = (int(each) for each in said.groups()[:3])
    try:
        return _stretched(passphrase, bytes.fromhex(said[4].decode()), n, r, p)
    except (ValueError, MemoryError) as error:
        raise IdentityError(f"{where} does not hold a private key.") from error


def _stretched(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return (
        Scrypt(salt=salt, length=32, n=n, r=r, p=p)
        .derive(unicodedata.normalize("NFKC", passphrase).encode())
        .hex()
        .encode()
    )


def _pem(key: Ed25519PrivateKey, encryption: serialization.KeySerializationEncryption) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def _system() -> Any:
    try:
        import keyring
        import keyring.errors
    except ImportError as error:
        raise IdentityError(
            "The package `keyring`, which speaks to the system's keyring, is not installed.",
            "Install affidavit[keyring], or keep the key in a file under a passphrase.",
        ) from error
    return keyring


def _refused(error: Exception) -> IdentityError:
    return IdentityError(
        f"The system's keyring says no: {error}",
        "Unlock it, or keep the key in a file under a passphrase instead.",
    )
