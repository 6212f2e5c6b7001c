"""Private keys: Ed25519 (RFC 8032), one file each, in a folder that only their owner can read.

A key that others could have read vouches for nobody, so one with loose permissions is refused rather than used.
"""

from __future__ import annotations

import os
import secrets
import stat
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.errors import IdentityError
from audit.seal import canonical_bytes, digest

__all__ = ["Identity", "Keyring", "Signer", "key_id_of", "public_identity", "same_person", "signature_holds"]

_SUFFIX: Final = ".key"
_MAX_NAME_BYTES: Final = 80


@dataclass(frozen=True, slots=True)
class Identity:
    """A name and the public half of its key."""

    name: str
    key_id: str
    """The first 128 bits of the SHA-256 of the raw public key, in hex."""
    public_key: str
    """32 bytes (RFC 8032) in hex."""
    role: str = ""
    """A value of `Role` once enrolled; empty for a key that is only in a folder."""


class Signer:
    """A private key that is at hand, and whose it is."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        raw = private_key.public_key().public_bytes_raw()
        self.identity = Identity(name, key_id_of(raw), raw.hex())

    def sign(self, data: bytes) -> bytes:
        """The Ed25519 signature of `data`, 64 bytes."""
        return self._private_key.sign(data)

    def sign_body(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """`body` with a `signature` over its canonical bytes, in hex."""
        return {**body, "signature": self.sign(canonical_bytes(body)).hex()}


class Keyring:
    """The private keys in one folder, one file each, readable by its owner alone."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def create(self, name: str) -> Signer:
        """Make a key for `name` and keep it in a file of mode 0600.

        Raises:
            IdentityError: a name that cannot be one, a key that is already there, or a folder others may write to.
        """
        path = self._path(name)
        signer = Signer(_clean(name), Ed25519PrivateKey.generate())
        pem = signer._private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            self._write_once(path, pem)
        except OSError as error:
            raise IdentityError(f"The key {path} cannot be written: {error.strerror}.") from error
        return signer

    def holds(self, name: str) -> bool:
        """Whether there is a file for that name's key."""
        return self._path(name).exists()

    def load(self, name: str) -> Signer:
        """The signer of that name.

        Raises:
            IdentityError: no such key, a file or folder that others may read or write, or not an Ed25519 key.
        """
        path = self._path(name)
        try:
            self._refuse_unsafe_directory()
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                raise IdentityError(
                    f"The private key {path} can be read by others (mode {mode:04o}), so it vouches for nobody.",
                    f"If nobody has read it: chmod 600 {path}. Otherwise make a new key under another name.",
                )
            pem = path.read_bytes()
        except FileNotFoundError as error:
            raise IdentityError(
                f"There is no key for {name} in {self.directory}.", f"Make one: affidavit identity create {name!r}."
            ) from error
        except OSError as error:
            raise IdentityError(f"The key {path} cannot be read: {error.strerror}.") from error
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise IdentityError(f"{path} does not hold an unencrypted private key.") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise IdentityError(f"{path} holds a key of another kind; Affidavit signs with Ed25519.")
        return Signer(_clean(name), key)

    def public(self, name: str) -> Identity:
        """Name, key id and public key, without the role, which only the ledger knows."""
        return self.load(name).identity

    def names(self) -> tuple[str, ...]:
        """Whose keys are here, in order; names as they are compared, in lower case."""
        if not self.directory.is_dir():
            return ()
        return tuple(sorted(unquote(path.name.removesuffix(_SUFFIX)) for path in self.directory.glob(f"*{_SUFFIX}")))

    def remove(self, name: str) -> None:
        """Delete a key that was never enrolled; signatures made with an enrolled one stay valid without it."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.directory / f"{quote(_compared(_clean(name)), safe='')}{_SUFFIX}"

    def _write_once(self, path: Path, pem: bytes) -> None:
        if not self.directory.is_dir():
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._refuse_unsafe_directory()
        # Whole before it has its name, so that another process never loads half a key.
        draft = self.directory / f".{secrets.token_hex(8)}.tmp"
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        except FileExistsError as error:
            raise IdentityError(f"There is a key already, {path}.", "Use it, or choose another name.") from error
        finally:
            draft.unlink(missing_ok=True)

    def _refuse_unsafe_directory(self) -> None:
        mode = stat.S_IMODE(self.directory.stat().st_mode)
        if mode & 0o022:
            raise IdentityError(
                f"The key folder {self.directory} can be written by others (mode {mode:04o}).",
                f"chmod 700 {self.directory}",
            )


def signature_holds(identity: Identity, body: Mapping[str, Any]) -> bool:
    """Whether `body["signature"]` is that key's signature of the rest of `body`."""
    unsigned = {key: value for key, value in body.items() if key != "signature"}
    try:
        signature = bytes.fromhex(body["signature"])
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(identity.public_key))
        key.verify(signature, canonical_bytes(unsigned))
    except (InvalidSignature, KeyError, TypeError, ValueError):
        return False
    return True


def public_identity(name: str, public_key: str) -> Identity:
    """Whose signatures are to be checked, from a public key in hex alone.

    Raises:
        IdentityError: it is no Ed25519 public key.
    """
    try:
        raw = bytes.fromhex(public_key)
        Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as error:
        raise IdentityError(
            "The public key is not one of Ed25519: 32 bytes in hex.", "See `affidavit identity list`."
        ) from error
    return Identity(name, key_id_of(raw), raw.hex())


def same_person(first: str, second: str) -> bool:
    """Whether two names are one: case, surrounding and repeated blanks and Unicode form do not count."""
    return _compared(first) == _compared(second)


def key_id_of(raw: bytes) -> str:
    """The key id of a raw public key."""
    return digest(raw)[:32]


def _clean(name: str) -> str:
    cleaned = " ".join(unicodedata.normalize("NFKC", name).split())
    if not cleaned or not cleaned.isprintable() or len(_compared(cleaned).encode()) > _MAX_NAME_BYTES:
        raise IdentityError(
            f"{name[:40]!r} cannot be a name.", f"A name is printable text of 1 to {_MAX_NAME_BYTES} bytes."
        )
    return cleaned


def _compared(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())
