"""One entry of the ledger and the envelope whose bytes are hashed.

Every meaningful field is inside those bytes: workspace, sequence, kind, run, actor, time, the hash of the record
before, and the body. The table's columns only repeat them for look-ups; a reader takes every value from the bytes.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from audit.errors import RecordRefusedError, SealError
from audit.seal import canonical_bytes, canonical_value, leaf_hash

__all__ = [
    "CHECKPOINT",
    "ENVELOPE_VERSION",
    "EVIDENCE",
    "IDENTITY",
    "IDENTITY_RETIRED",
    "POLICY_CHANGED",
    "PRIVACY_ERASED",
    "REVIEW",
    "REVIEW_ASSIGNED",
    "REVIEW_CLAIMED",
    "REVIEW_RELEASED",
    "REVIEW_RULES",
    "RUN_ANSWERED",
    "RUN_GROUNDED",
    "RUN_GUARDED",
    "RUN_INTENT",
    "RUN_RECALLED",
    "RUN_STARTED",
    "Clock",
    "Entry",
    "Head",
    "Prepared",
    "Record",
    "envelope_of",
    "prepare",
    "read_record",
    "seal",
    "seal_entry",
    "timestamp",
    "utc_now",
]

Clock = Callable[[], dt.datetime]
"""Gives the time in UTC, with its time zone."""

ENVELOPE_VERSION: Final = 1
MAX_PAYLOAD_BYTES: Final = 16 * 1024 * 1024

# The kinds this room reads; the others are opaque to it.
RUN_STARTED: Final = "run.started"
RUN_RECALLED: Final = "run.recalled"
RUN_GROUNDED: Final = "run.grounded"
RUN_GUARDED: Final = "run.guarded"
RUN_INTENT: Final = "run.intent"
RUN_ANSWERED: Final = "run.answered"
REVIEW: Final = "review"
REVIEW_RULES: Final = "review.rules"
REVIEW_ASSIGNED: Final = "review.assigned"
REVIEW_CLAIMED: Final = "review.claimed"
REVIEW_RELEASED: Final = "review.released"
IDENTITY: Final = "identity"
IDENTITY_RETIRED: Final = "identity.retired"
CHECKPOINT: Final = "checkpoint"
POLICY_CHANGED: Final = "policy.changed"
EVIDENCE: Final = "evidence"
PRIVACY_ERASED: Final = "privacy.erased"

_KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_DECODER = json.JSONDecoder()
_IN_ORDER = ("sequence", "kind", "run_id", "actor", "time", "body", "previous_hash")
"""The fields of the bytes as `Record` takes them."""
_FIELDS = frozenset(
    ("actor", "body", "kind", "previous_hash", "run_id", "sequence", "time", "v", "workspace"),
)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest record's place and hash; sequence 0 and the genesis hash when there is none."""

    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What a caller wants on the record, before it has a place in the chain."""

    kind: str
    body: Mapping[str, Any]
    run_id: str | None = None
    actor: str = ""
    time: str = ""
    """When it came about, as `Ledger.now` writes it; empty: when it is written."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An entry whose bytes are written but for its place: what comes before the link, and between link and sequence."""

    kind: str
    body: dict[str, Any]
    """As it is read from its bytes."""
    run_id: str | None
    actor: str
    before_link: bytes
    before_place: bytes
    time: str = ""
    """As in the entry."""


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the ledger, read from its bytes."""

    sequence: int
    kind: str
    run_id: str | None
    actor: str
    time: str
    """UTC, RFC 3339 with microseconds: `2026-01-31T09:00:00.000000Z`."""
    body: dict[str, Any]
    previous_hash: str
    hash: str
    payload: bytes = field(repr=False)
    """The canonical bytes that `hash` is over."""


def utc_now() -> dt.datetime:
    """The default clock."""
    return dt.datetime.now(dt.UTC)


def timestamp(moment: dt.datetime) -> str:
    """`moment` as it is written on records: UTC, always with microseconds, so that text order is time order."""
    if moment.tzinfo is None:
        raise SealError("A clock must give times with their time zone.")
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def prepare(entry: Entry) -> Prepared:
    """Put into bytes what of a record does not depend on its place, so that nobody waits for it who writes.

    Raises:
        RecordRefusedError: malformed kind, run id, actor or time.
        SealError: a body without canonical bytes.
    """
    if not _KIND.fullmatch(entry.kind):
        raise RecordRefusedError(f"{entry.kind!r} is not a kind of record: lower-case words joined by dots.")
    for label, text in (("run id", entry.run_id or ""), ("actor", entry.actor)):
        if not text.isprintable() or len(text) > 200:
            raise RecordRefusedError(f"The {label} {text[:40]!r} must be printable text of at most 200 characters.")
    if entry.time and not _TIME.fullmatch(entry.time):
        raise RecordRefusedError(f"{entry.time[:40]!r} is not a time as records have it.")
    body, written = canonical_value(entry.body, depth=1)
    if not isinstance(written, dict):
        raise SealError("The body of a record must be an object.")
    run_id = entry.run_id or None
    before = b'{"actor":%b,"body":%b,"kind":"%b","previous_hash":"' % (
        _text(entry.actor),
        body,
        entry.kind.encode(),
    )
    before_place = b'","run_id":%b,"sequence":' % _text(run_id)
    return Prepared(entry.kind, written, run_id, entry.actor, before, before_place, entry.time)


def seal(prepared: Prepared, *, workspace: str, head: Head, time: str) -> Record:
    """Give what was prepared its place after `head`, and `time` if it came without one.

    Raises:
        RecordRefusedError: beyond 16 MiB.
    """
    sequence = head.sequence + 1
    time = prepared.time or time
    payload = b'%b%b%b%d,"time":"%b","v":%d,"workspace":%b}' % (
        prepared.before_link,
        head.hash.encode(),
        prepared.before_place,
        sequence,
        time.encode(),
        ENVELOPE_VERSION,
        _text(workspace),
    )
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise RecordRefusedError(f"A record of {len(payload)} bytes is too large; the limit is {MAX_PAYLOAD_BYTES}.")
    return Record(
        sequence=sequence,
        kind=prepared.kind,
        run_id=prepared.run_id,
        actor=prepared.actor,
        time=time,
        body=prepared.body,
        previous_hash=head.hash,
        hash=leaf_hash(payload),
        payload=payload,
    )


@functools.lru_cache(maxsize=256)
def _text(text: str | None) -> bytes:
    """Canonical bytes of what is written again and again: the workspace, a run's id, who acts."""
    return canonical_bytes(text)


def seal_entry(entry: Entry, *, workspace: str, head: Head, time: str) -> Record:
    """Give `entry` its place after `head`; raises as `prepare` and `seal`."""
    return seal(prepare(entry), workspace=workspace, head=head, time=time)


def envelope_of(record: Record, workspace: str) -> dict[str, Any]:
    """What a record's bytes say, as it was read from them."""
    return {
        "actor": record.actor,
        "body": record.body,
        "kind": record.kind,
        "previous_hash": record.previous_hash,
        "run_id": record.run_id,
        "sequence": record.sequence,
        "time": record.time,
        "v": ENVELOPE_VERSION,
        "workspace": workspace,
    }


def read_record(payload: bytes, *, workspace: str) -> Record:
    """Read a record from its bytes alone.

    Raises:
        SealError: not JSON, not an envelope of this version, or of another workspace; one plain sentence says which.
    """
    try:
        text = payload.decode()
        envelope, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise SealError("its bytes are not JSON") from error
    if end != len(text):
        raise SealError("its bytes are not JSON")
    if not isinstance(envelope, dict) or envelope.keys() != _FIELDS:
        raise SealError("its bytes do not have the fields of a record")
    if envelope["v"] != ENVELOPE_VERSION:
        raise SealError(f"it has version {envelope['v']!r}, which this program does not know")
    if envelope["workspace"] != workspace:
        raise SealError(f"its bytes belong to the workspace {envelope['workspace']!r}, not {workspace!r}")
    sequence, kind, run_id, actor, time, body, previous = map(envelope.__getitem__, _IN_ORDER)
    texts = isinstance(actor, str) and isinstance(kind, str) and isinstance(previous, str) and isinstance(time, str)
    if not texts or type(sequence) is not int or not isinstance(body, dict) or not isinstance(run_id, str | None):
        raise SealError("a field of it has the wrong type")
    return Record(sequence, kind, run_id, actor, time, body, previous, leaf_hash(payload), payload)
