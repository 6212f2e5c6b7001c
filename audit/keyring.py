"""Private keys: Ed25519 (RFC 8032), one file each, in a folder that only their owner can read.

A key that others could have read vouches for nobody, so one with loose permissions is refused rather than used.
What a file holds is the business of `audit.keystore`.
"""

from __future__ import annotations

import os
import secrets
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit import keystore
from audit.errors import IdentityError, PassphraseError
from audit.keystore import Protection
from audit.seal import canonical_bytes, digest

__all__ = [
    "Identity",
    "Keyring",
    "Signer",
    "key_id_of",
    "public_identity",
    "same_person",
    "signature_holds",
    "signed_by",
]

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
    roles: frozenset[str] = frozenset()
    """Values of `audit.register.Role` once enrolled; empty for a key that is only in a folder."""
    retired: bool = False
    """Whether the ledger says that this key signs nothing any more."""

    def may(self, role: str) -> bool:
        """Whether this key may sign in that role now."""
        return role in self.roles and not self.retired


class Signer:
    """A private key that is at hand, and whose it is."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        raw = private_key.public_key().public_bytes_raw()
        self.identity = Identity(name, key_id_of(raw), raw.hex())

    def called(self, name: str) -> Signer:
        """The same key under the name as somebody else writes it."""
        return Signer(name, self._private_key)

    def sign(self, data: bytes) -> bytes:
        """The Ed25519 signature of `data`, 64 bytes."""
        return self._private_key.sign(data)

    def sign_body(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """`body` with a `signature` over its canonical bytes, in hex."""
        return {**body, "signature": self.sign_statement(body)}

    def sign_statement(self, statement: Mapping[str, Any]) -> str:
        """The signature of the canonical bytes of `statement`, in hex."""
        return self.sign(canonical_bytes(statement)).hex()


class Keyring:
    """The private keys in one folder, one file each, readable by its owner alone."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def create(self, name: str, *, passphrase: str = "", in_system: bool = False) -> Signer:
        """Make a key for `name` and keep it.

        Args:
            name: whose.
            passphrase: protects the file; an empty one leaves it to the file's mode of 0600.
            in_system: keep the key in the system's keyring, and in the folder only a file that says so.

        Raises:
            PassphraseError: the passphrase is too short.
            IdentityError: a name that cannot be one, a key that is already there, a folder others may write to, or a
                keyring of the system that refuses.
        """
        path = self._path(name)
        key = Ed25519PrivateKey.generate()
        signer = Signer(_clean(name), key)
        content = b"" if in_system else keystore.written(key, passphrase)
        with _as_identity_error(path, "written"):
            if path.exists():
                raise _taken(path)
            if in_system:
                content = keystore.keep_in_system(key, signer.identity.key_id)
            try:
                self._write(path, content, replace=False)
            except BaseException:
                keystore.forget(content)
                raise
        return signer

    def holds(self, name: str) -> bool:
        """Whether there is a file for that name's key."""
        return self._path(name).exists()

    def load(self, name: str, passphrase: str = "") -> Signer:
        """The signer of that name.

        Raises:
            PassphraseError: the key is protected, and the passphrase is missing or another.
            IdentityError: no such key, a file or folder that others may read or write, or not an Ed25519 key.
        """
        content = self._content(name)
        return Signer(_clean(name), keystore.private_key(content, passphrase, str(self._path(name))))

    def protection(self, name: str) -> Protection:
        """What protects that name's key besides the mode of its file.

        Raises:
            IdentityError: no such key, or a file or folder that others may read or write.
        """
        return keystore.protection_of(self._content(name))

    def protect(self, name: str, passphrase: str, *, old: str = "") -> None:
        """Put a key under a passphrase, or under another one; the file has the old or the new one, never neither.

        Raises:
            PassphraseError: the old passphrase is missing or wrong, or the new one too short.
            IdentityError: as `load`; or the key is in the system's keyring, which protects it.
        """
        path, content = self._path(name), self._content(name)
        if keystore.protection_of(content) is Protection.KEYRING:
            raise IdentityError(f"The key of {name} is in the system's keyring, which protects it.")
        key = keystore.private_key(content, old, str(path))
        if not passphrase:
            raise PassphraseError("An empty passphrase protects nothing.", "Take several words.")
        with _as_identity_error(path, "written"):
            self._write(path, keystore.written(key, passphrase), replace=True)

    def names(self) -> tuple[str, ...]:
        """Whose keys are here, in order; names as they are compared, in lower case."""
        if not self.directory.is_dir():
            return ()
        return tuple(sorted(unquote(path.name.removesuffix(_SUFFIX)) for path in self.directory.glob(f"*{_SUFFIX}")))

    def remove(self, name: str) -> None:
        """Delete a key that was never enrolled; signatures made with an enrolled one stay valid without it."""
        path = self._path(name)
        if path.exists():
            keystore.forget(path.read_bytes())
            path.unlink(missing_ok=True)

    def set_aside(self, name: str, key_id: str) -> None:
        """Give the file of a retired key another name, so that the person can have a new one."""
        path = self._path(name)
        with _as_identity_error(path, "moved"):
            path.rename(path.with_name(f"{key_id}.retired"))

    def _path(self, name: str) -> Path:
        return self.directory / f"{quote(_compared(_clean(name)), safe='')}{_SUFFIX}"

    def _content(self, name: str) -> bytes:
        path = self._path(name)
        try:
            self._refuse_unsafe_directory()
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                raise IdentityError(
                    f"The private key {path} can be read by others (mode {mode:04o}), so it vouches for nobody.",
                    f"If nobody has read it: chmod 600 {path}. Otherwise have the key retired and make a new one.",
                )
            return path.read_bytes()
        except FileNotFoundError as error:
            raise IdentityError(
                f"There is no key for {name} in {self.directory}.",
                f"See whose there are: affidavit identity list. {name} makes one: affidavit identity create {name!r}.",
            ) from error
        except OSError as error:
            raise IdentityError(f"The key {path} cannot be read: {error.strerror}.") from error

    def _write(self, path: Path, content: bytes, *, replace: bool) -> None:
        if not self.directory.is_dir():
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._refuse_unsafe_directory()
        # Whole before it has its name, so that another process never loads half a key.
        draft = self.directory / f".{secrets.token_hex(8)}.tmp"
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                draft.replace(path)
            else:
                os.link(draft, path)
        except FileExistsError as error:
            raise _taken(path) from error
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
    return signed_by(identity, body.get("signature"), {key: value for key, value in body.items() if key != "signature"})


def signed_by(identity: Identity, signature: object, statement: Mapping[str, Any]) -> bool:
    """Whether `signature`, in hex, is that key's over the canonical bytes of `statement`."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(identity.public_key))
        key.verify(bytes.fromhex(signature if isinstance(signature, str) else ""), canonical_bytes(statement))
    except (InvalidSignature, TypeError, ValueError):
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
            "The public key is not one of Ed25519: 32 bytes in hex.",
            "`affidavit identity list --format json` has the public keys; a key id is not one.",
        ) from error
    return Identity(name, key_id_of(raw), raw.hex())


def same_person(first: str, second: str) -> bool:
    """Whether two names are one: case, surrounding and repeated blanks and Unicode form do not count."""
    return _compared(first) == _compared(second)


def key_id_of(raw: bytes) -> str:
    """The key id of a raw public key."""
    return digest(raw)[:32]


@contextmanager
def _as_identity_error(path: Path, done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise IdentityError(f"The key {path} cannot be {done}: {error.strerror}.") from error


def _taken(path: Path) -> IdentityError:
    return IdentityError(f"There is a key already, {path}.", "Use it, or choose another name.")


def _clean(name: str) -> str:
    typed = unicodedata.normalize("NFKC", name).strip(" ")
    cleaned = " ".join(typed.split())
    if not cleaned or not typed.isprintable() or len(_compared(cleaned).encode()) > _MAX_NAME_BYTES:
        raise IdentityError(
            f"{name[:40]!r} cannot be a name.", f"A name is printable text of 1 to {_MAX_NAME_BYTES} bytes."
        )
    return cleaned


def _compared(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())
