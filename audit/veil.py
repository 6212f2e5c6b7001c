"""Encrypting what records say about a subject, before they are sealed, and reading it again while the key is there.

What goes on the ledger is the ciphertext. Hashes, proofs and signatures are over it, so they hold for ever, whether or
not anybody can still read it. Records of a run are concealed field by field, and a field that is not listed here as
free of content is content: a new one is encrypted until somebody says that it need not be.

The cipher is ChaCha20-Poly1305 (RFC 8439) with a random nonce, under a key for each run that is derived from the
subject's (HKDF-SHA256, RFC 5869), so that one run can be disclosed without the subject's others. Workspace, run, kind
and field are authenticated. A fingerprint of rows is keyed (HMAC-SHA256, RFC 2104) instead: it must be comparable, and
one of a single number could be guessed.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from audit.errors import RecordRefusedError
from audit.record import Entry, Record
from audit.seal import canonical_bytes
from audit.subjects import Subjects

__all__ = ["ERASED", "UNREADABLE", "Veil", "cover", "holds_sealed", "is_sealed", "reveal_with", "run_key"]

ERASED: Final = "[erased]"
UNREADABLE: Final = "[encrypted]"
"""Shown where the key is not in this store, but was not destroyed by it either."""

_PREFIX: Final = "affidavit:sealed:1:"
_PREFIX_BYTES: Final = _PREFIX.encode()
_NONCE_BYTES: Final = 12
_BLOCK: Final = 64
"""Content is padded to a multiple of so many bytes: its length says little."""
_FINGERPRINT: Final = "result_fingerprint"
_OPENED: Final = {"error": frozenset(("error_class",))}
"""Objects that are concealed from within, and what of them is free of content."""

_EVERYWHERE: Final = frozenset(("draft", "error_class", "elapsed_ms", "dialect", "warehouse", "purpose", "truncated"))
_CLEAR: Final[Mapping[str, frozenset[str]]] = {
    kind: _EVERYWHERE | frozenset(names.split())
    for kind, names in {
        "run.started": "asker subject direct cost_accepted prompt_fingerprint policy_fingerprint settings_hash"
        " replay_of question_chars asker_key asker_signature",
        "run.recalled": "verified_run_id reviewer decision reviewed review_hash",
        "run.grounded": "catalog_fingerprint semantics_fingerprint",
        "run.drafted": "written_in origin model model_hash prompt_style confidence tokens semantics_fingerprint",
        "run.model_failed": "model next",
        "run.guarded": "allowed rule tables table_versions shape",
        "run.estimated": "estimate max_scanned_rows",
        "run.intent": "tables estimate verdict",
        "run.outcome": "ok row_count",
        "run.repaired": "mend",
        "run.checked": "",
        "run.answered": "status confidence row_count origin model timings_ms",
        "run.replayed": "verdict compared_with was_fingerprint row_count catalog_fingerprint semantics_fingerprint"
        " policy_fingerprint prompt_fingerprint asked_again",
    }.items()
}
"""Kind → its fields that say nothing about the subject; every other field of a run's records is content."""


class Veil:
    """Conceals and reveals for one workspace, with the keys of its subjects."""

    def __init__(self, subjects: Subjects, workspace: str) -> None:
        self.subjects = subjects
        self._workspace = workspace

    def conceal(self, entry: Entry, subject_id: str) -> Entry:
        """A run's entry with its content encrypted.

        Raises:
            RecordRefusedError: the subject's key is gone.
        """
        key = self.key_of(subject_id, entry.run_id or "")
        clear = _CLEAR.get(entry.kind, _EVERYWHERE)
        body: dict[str, Any] = {}
        for name, value in entry.body.items():
            if name in clear or not _is_content(value):
                body[name] = value
            elif name == _FINGERPRINT:
                body[name] = _keyed(key, str(value))
            elif name in _OPENED and isinstance(value, Mapping):
                body[name] = {
                    inner: held
                    if inner in _OPENED[name] or not _is_content(held)
                    else self._sealed(key, subject_id, entry, f"{name}.{inner}", held)
                    for inner, held in value.items()
                }
            else:
                body[name] = self._sealed(key, subject_id, entry, name, value)
        return replace(entry, body=body)

    def conceal_text(self, subject_id: str, run_id: str, label: str, words: str) -> str:
        """One text of a run, for a record that is signed before it is appended; `label` is `kind#field`."""
        return _encrypt(self.key_of(subject_id, run_id), subject_id, (self._workspace, run_id, label), words)

    def keyed(self, subject_id: str, run_id: str, fingerprint: str) -> str:
        """A result's fingerprint as it stands on the records of a run of this subject."""
        return _keyed(self.key_of(subject_id, run_id), fingerprint)

    def reveal(self, record: Record) -> Record:
        """A record with its content readable as far as the keys are there; its bytes and hash stay as they are."""
        run_id = record.run_id or ""

        def open_(token: str) -> Any:
            subject_id = token.removeprefix(_PREFIX).partition(":")[0]
            key = self.subjects.key(subject_id)
            if key is None:
                return ERASED if self.subjects.is_erased(subject_id) else UNREADABLE
            return _decrypt(run_key(key, self._workspace, run_id), self._workspace, run_id, token)

        return _revealed(record, open_)

    def disclosed_key(self, subject_id: str, run_id: str) -> str:
        """The key of one run in hex, to be handed on with it; empty where it is gone."""
        key = self.subjects.key(subject_id)
        return run_key(key, self._workspace, run_id).hex() if key is not None else ""

    def key_of(self, subject_id: str, run_id: str) -> bytes:
        """The key of one run.

        Raises:
            RecordRefusedError: the subject's key is gone.
        """
        key = self.subjects.key(subject_id)
        if key is None:
            raise RecordRefusedError(
                f"The key of the subject {subject_id} of run {run_id} is gone: nothing can be added that speaks of it.",
                "It was erased, or this machine is not given the store of keys (`ledger.subjects_url`).",
            )
        return run_key(key, self._workspace, run_id)

    def _sealed(self, key: bytes, subject_id: str, entry: Entry, name: str, value: Any) -> str:
        return _encrypt(key, subject_id, (self._workspace, entry.run_id or "", f"{entry.kind}#{name}"), value)


def run_key(subject_key: bytes, workspace: str, run_id: str) -> bytes:
    """The key of one run, 32 bytes, from its subject's."""
    info = canonical_bytes(["affidavit.run-key/1", workspace, run_id])
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(subject_key)


def reveal_with(record: Record, key: bytes, workspace: str) -> Record:
    """A record read with the key of its run alone, as it is disclosed in a bundle of evidence."""
    return _revealed(record, lambda token: _decrypt(key, workspace, record.run_id or "", token))


def cover(record: Record, words: str) -> Record:
    """A record with `words` in place of all that is encrypted in it."""
    return _revealed(record, lambda _token: words)


def holds_sealed(record: Record) -> bool:
    """Whether something in a record's body, as it is now, is encrypted."""
    if _PREFIX_BYTES not in record.payload:  # most records, and the body may be large
        return False
    values = [
        *record.body.values(),
        *(each for held in record.body.values() if isinstance(held, dict) for each in held.values()),
    ]
    return any(map(is_sealed, values))


def is_sealed(value: object) -> bool:
    """Whether a value of a body is ciphertext."""
    return isinstance(value, str) and value.startswith(_PREFIX)


def _revealed(record: Record, open_: Callable[[str], Any]) -> Record:
    def shown(value: Any) -> Any:
        if is_sealed(value):
            return open_(value)
        if isinstance(value, dict):
            return {name: shown(held) for name, held in value.items()}
        return value

    if _PREFIX_BYTES not in record.payload:
        return record
    return replace(record, body={name: shown(value) for name, value in record.body.items()})


def _is_content(value: Any) -> bool:
    """Numbers and truth values of a run are counts and settings; whatever can hold words is content."""
    return value not in (None, "", (), [], {}) and not isinstance(value, bool | int | float)


def _keyed(key: bytes, fingerprint: str) -> str:
    return hmac.digest(key, fingerprint.encode(), "sha256").hex() if fingerprint else ""


def _encrypt(key: bytes, subject_id: str, place: tuple[str, str, str], value: Any) -> str:
    written = canonical_bytes([value])
    padded = written + b" " * (-len(written) % _BLOCK)
    nonce = os.urandom(_NONCE_BYTES)
    sealed = ChaCha20Poly1305(key).encrypt(nonce, padded, canonical_bytes(list(place)))
    return f"{_PREFIX}{subject_id}:{place[2]}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def _decrypt(key: bytes, workspace: str, run_id: str, token: str) -> Any:
    """What a token holds; the token itself where it is not of this key, run and place."""
    try:
        _subject, label, encoded = token.removeprefix(_PREFIX).split(":")
        sealed = base64.urlsafe_b64decode(encoded)
        place = canonical_bytes([workspace, run_id, label])
        opened = ChaCha20Poly1305(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
        return json.loads(opened)[0]
    except (ValueError, InvalidTag, IndexError):
        return token
