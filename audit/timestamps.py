"""When a checkpoint was there, on the word of somebody who is not us: time stamps as in RFC 3161.

A checkpoint's own time is that of this machine's clock, which whoever runs it can set. A time-stamping authority signs
the hash of the checkpoint together with its own time, so a history that is written anew later cannot be dated back.
Only the newest checkpoint of those that wait is stamped: it vouches for all records before it.

Tokens are kept one JSON object a line. They are checked by the signature of the authority, not by who kept the file;
what is taken out of the file is not missed here, so keep copies of it where you keep checkpoints.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

from audit.checkpoints import Checkpoint, append_lines
from audit.destinations import DestinationError
from audit.errors import LedgerUnavailable
from audit.seal import canonical_bytes, digest

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse

__all__ = ["Stamped", "TimestampAuthority", "check_timestamps", "read_certificates"]

_PURPOSE: Final = "affidavit.timestamp/1"
_FIELDS: Final = frozenset(("checkpoint", "nonce", "purpose", "sequence", "token"))
_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_GRANTED: Final = 0
"""Not with modifications: there is nothing in the question that an authority might leave out."""
_MOST_BYTES: Final = 64 * 1024
_CLOCKS_DIFFER: Final = dt.timedelta(seconds=60)
"""How far this machine's clock may be ahead of the authority's, whose times may have whole seconds only."""
_HEX: Final = re.compile(r"[0-9a-f]+")


class TimestampAuthority:
    """An authority as a place that checkpoints are sent to: the last line of each batch gets a token."""

    readable = None

    def __init__(self, url: str, file: Path) -> None:
        self._url = url
        self._file = file
        parts = urlsplit(url)
        self.name = f"timestamp:{urlunsplit((parts.scheme, parts.netloc.rpartition('@')[2], parts.path, '', ''))}"

    def send(self, lines: Sequence[bytes], timeout_s: float) -> None:
        """Have the newest of these checkpoints stamped, and keep the token.

        Raises:
            DestinationError: the authority does not answer, refuses, or answers something else.
        """
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

        line = lines[-1].rstrip(b"\n")
        request = TimestampRequestBuilder().data(line).hash_algorithm(HashAlgorithm.SHA256).build()
        answer = self._ask(request.as_bytes(), timeout_s)
        nonce = f"{request.nonce or 0:x}"
        try:
            problem = _mismatch(answer, digest(line), nonce)
        except ValueError:  # of which parts are read only when they are asked for
            problem = "it cannot be read"
        if problem:
            raise DestinationError(f"{self.name} gave a time stamp that does not fit: {problem}.")
        checkpoint = json.loads(line)
        kept = {
            "checkpoint": checkpoint["signature"],
            "nonce": nonce,
            "purpose": _PURPOSE,
            "sequence": checkpoint["sequence"],
            "token": base64.b64encode(answer.as_bytes()).decode(),
        }
        try:
            append_lines(self._file, [canonical_bytes(kept) + b"\n"])
        except OSError as error:
            raise DestinationError(f"The file {self._file} cannot be written: {error.strerror}.") from error

    def _ask(self, query: bytes, timeout_s: float) -> TimeStampResponse:
        import httpx
        from rfc3161_client import decode_timestamp_response

        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        try:
            answer = httpx.post(self._url, content=query, headers=headers, timeout=timeout_s)
        except (httpx.HTTPError, httpx.InvalidURL) as error:  # whose text may hold the URL's password
            raise DestinationError(f"{self.name} cannot be reached: {type(error).__name__}.") from error
        if not answer.is_success:
            raise DestinationError(f"{self.name} answered {answer.status_code}.")
        try:
            if len(answer.content) > _MOST_BYTES:
                raise ValueError("too long")
            return decode_timestamp_response(answer.content)
        except ValueError as error:
            raise DestinationError(f"{self.name} answered something that is no time stamp.") from error


@dataclass(frozen=True, slots=True)
class Stamped:
    """What the kept time stamps show."""

    tokens: int = 0
    """Those that hold."""
    signed: bool = False
    """Whether the authority's signatures were checked: that needs its certificate."""
    sequence: int = 0
    """The most records that a token shows to have been there ..."""
    time: str = ""
    """... by this time (UTC, RFC 3339)."""
    problem: str = ""
    """The first thing that does not hold, as one sentence."""

    def to_json(self) -> dict[str, Any]:
        """The object that `audit verify --json` prints as `timestamps`."""
        return asdict(self)


def read_certificates(path: Path) -> list[Certificate]:
    """The certificates of a PEM file: the authority's root, and what lies between.

    Raises:
        LedgerUnavailable: it cannot be read, or holds none.
    """
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise LedgerUnavailable(f"The file {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise LedgerUnavailable(
            f"The file {path} holds no certificates in PEM.", "Get the authority's root certificate in that form."
        ) from error


def check_timestamps(file: Path, checkpoints: Sequence[Checkpoint], certificates: Sequence[Certificate]) -> Stamped:
    """Check each token of a file against the checkpoint it is over.

    Args:
        file: of tokens; nothing is checked if there is none.
        checkpoints: among which those must be that tokens are over.
        certificates: whose signatures are believed (`read_certificates`); none leaves signatures unchecked.

    Raises:
        LedgerUnavailable: the file cannot be read.
    """
    known = {each.signature: each for each in checkpoints}
    found = Stamped(signed=bool(certificates))
    for number, fields in _read(file):
        token, checkpoint, problem = _token(fields, known)
        if token is not None and checkpoint is not None:
            problem = _token_problem(token, checkpoint, fields["nonce"], certificates)
        if problem or token is None or checkpoint is None:
            return Stamped(
                found.tokens, found.signed, found.sequence, found.time, f"Time stamp {number} does not hold: {problem}."
            )
        newest = checkpoint.sequence >= found.sequence
        found = Stamped(
            found.tokens + 1,
            found.signed,
            checkpoint.sequence if newest else found.sequence,
            _written(token.tst_info.gen_time) if newest else found.time,
        )
    return found


def _read(file: Path) -> Iterator[tuple[int, Any]]:
    """(line number, its JSON) of every whole line; None for one that is not JSON."""
    try:
        lines = file.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return
    except OSError as error:
        raise LedgerUnavailable(f"The file {file} cannot be read: {error.strerror}.") from error
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            return  # half-written when the power went
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError):
            yield number, None


def _token(fields: Any, known: dict[str, Checkpoint]) -> tuple[TimeStampResponse | None, Checkpoint | None, str]:
    from rfc3161_client import decode_timestamp_response

    if not isinstance(fields, dict) or fields.keys() != _FIELDS or fields["purpose"] != _PURPOSE:
        return None, None, "the line is not a time stamp"
    texts = (fields["checkpoint"], fields["nonce"], fields["token"])
    if not all(isinstance(each, str) for each in texts) or not _HEX.fullmatch(fields["nonce"]):
        return None, None, "the line is not a time stamp"
    checkpoint = known.get(fields["checkpoint"])
    if checkpoint is None or checkpoint.sequence != fields["sequence"]:
        return None, None, "it is over a checkpoint that is not there"
    try:
        return decode_timestamp_response(base64.b64decode(fields["token"], validate=True)), checkpoint, ""
    except ValueError:
        return None, None, "its token cannot be read"


def _token_problem(
    token: TimeStampResponse, checkpoint: Checkpoint, nonce: str, certificates: Sequence[Certificate]
) -> str:
    imprint = digest(canonical_bytes(checkpoint.to_json()))
    try:
        problem = _mismatch(token, imprint, nonce) or _signature_problem(token, bytes.fromhex(imprint), certificates)
        stamped = token.tst_info.gen_time
    except ValueError:  # of which parts are read only when they are asked for
        return "its token cannot be read"
    if problem:
        return problem
    try:
        own = dt.datetime.fromisoformat(checkpoint.time)
        ahead = own > stamped + _CLOCKS_DIFFER
    except (ValueError, TypeError):  # no time at all, or one without its zone
        ahead = True
    if ahead:
        return f"the authority stamped at {_written(stamped)} what says of itself that it is of {checkpoint.time}"
    return ""


def _mismatch(token: TimeStampResponse, imprint: str, nonce: str) -> str:
    """Why a token is not the answer to a question about these bytes, in words; empty if it is."""
    if token.status != _GRANTED:
        return f"the authority did not grant it ({', '.join(token.status_string) or f'status {token.status}'})"
    info = token.tst_info
    if info.message_imprint.hash_algorithm.dotted_string != _SHA256 or info.message_imprint.message.hex() != imprint:
        return "it is over something else"
    return "" if f"{info.nonce or 0:x}" == nonce else "its nonce is not the one that was sent"


def _signature_problem(token: TimeStampResponse, imprint: bytes, certificates: Sequence[Certificate]) -> str:
    if not certificates:
        return ""
    from rfc3161_client import VerificationError, VerifierBuilder

    roots = [each for each in certificates if each.issuer == each.subject]
    between = [each for each in certificates if each not in roots]
    verifier = VerifierBuilder(roots=roots or list(certificates), intermediates=between).build()
    try:
        verifier.verify(token, imprint)
    except (VerificationError, ValueError) as error:
        return f"it is not signed by that authority, or its certificate was not valid then ({error})"
    return ""


def _written(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
