"""Time stamps of a real authority (OpenSSL's, behind a loopback server), and every way in which one can be false."""

# ruff: noqa: F811  pytest finds fixtures by their imported names
from __future__ import annotations

import base64
import datetime as dt
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from fixtures_audit_parts import WORKSPACE, sqlite_url
from fixtures_cli import Run, plain_environment, run  # noqa: F401

from audit.checkpoints import Checkpoint, read_checkpoints
from audit.delivery import standings
from audit.destinations import DestinationError
from audit.errors import LedgerUnavailable
from audit.session import CHECKPOINTS_NAME, TIMESTAMPS_NAME, open_session
from audit.timestamps import Stamped, TimestampAuthority, check_timestamps, read_certificates
from audit.vouching import CheckpointPlan

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(
    OPENSSL is None and not os.environ.get("CI"), reason="NO OPENSSL: time stamps are not tested"
)
DAY = dt.timedelta(days=1)
NOW = dt.datetime.now(dt.UTC)
CONFIG = """\
[tsa]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Authority(ThreadingHTTPServer):
    """A time-stamping authority with a root of its own; `change` may spoil what it is asked or answers."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, folder: Path, *, valid: tuple[dt.datetime, dt.datetime], usage: Any) -> None:
        super().__init__(("127.0.0.1", 0), _AuthorityHandler)
        folder.mkdir()
        self.folder = folder
        self.root = folder / "root.pem"
        self.answers: list[int] = []
        self.slow_s = 0.0
        self.change: Callable[[bytes], bytes] = lambda answer: answer
        _make_certificates(folder, valid, usage)
        (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))

    @property
    def url(self) -> str:
        return f"http://user:secret@127.0.0.1:{self.server_address[1]}/tsa"

    def stamp(self, query: bytes) -> bytes:
        (self.folder / "query.tsq").write_bytes(query)
        made = self.folder / "answer.tsr"
        arguments = ["-config", self.folder / "tsa.cnf", "-section", "tsa", "-queryfile", self.folder / "query.tsq"]
        subprocess.run([str(OPENSSL), "ts", "-reply", *arguments, "-out", made], check=True, capture_output=True)
        return made.read_bytes()


class _AuthorityHandler(BaseHTTPRequestHandler):
    server: Authority

    def do_POST(self) -> None:
        query = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Type"] == "application/timestamp-query"
        time.sleep(self.server.slow_s)
        status = self.server.answers.pop(0) if self.server.answers else 200
        answer = self.server.change(self.server.stamp(query)) if status == 200 else b"busy"
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


def _make_certificates(folder: Path, valid: tuple[dt.datetime, dt.datetime], usage: Any) -> None:
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "tsa")}
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"root {folder.name}")])

    def certificate(name: str, subject: x509.Name, dates: tuple[dt.datetime, dt.datetime], *more: Any) -> None:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(root_name)
            .public_key(keys[name].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(dates[0])
            .not_valid_after(dates[1])
        )
        for extension, critical in more:
            builder = builder.add_extension(extension, critical=critical)
        made = builder.sign(keys["root"], hashes.SHA256())
        (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))

    certificate("root", root_name, (NOW - 900 * DAY, NOW + 900 * DAY), (x509.BasicConstraints(True, None), True))
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tsa")])
    certificate("tsa", subject, valid, (x509.ExtendedKeyUsage([usage]), True))
    for name, key in keys.items():
        (folder / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )


@pytest.fixture
def authorities(tmp_path: Path) -> Iterator[Callable[..., Authority]]:
    running: list[Authority] = []

    def start(
        name: str = "tsa",
        valid: tuple[dt.datetime, dt.datetime] = (NOW - DAY, NOW + DAY),
        usage: Any = ExtendedKeyUsageOID.TIME_STAMPING,
    ) -> Authority:
        server = Authority(tmp_path / name, valid=valid, usage=usage)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def authority(authorities: Callable[..., Authority]) -> Authority:
    return authorities()


def _session(folder: Path, authority: Authority, count: int = 1, **plan: Any) -> None:
    """A session that appends so many records and closes, with a checkpoint and, if all goes well, a time stamp."""
    planned = CheckpointPlan(timestamp_url=authority.url, **{"timeout_s": 20.0, **plan})
    with open_session(sqlite_url(folder), workspace=WORKSPACE, state_dir=folder, plan=planned) as ledger:
        for number in range(count):
            ledger.append("memory.synced", {"n": number})


def _heads(folder: Path) -> list[Checkpoint]:
    return [each for _line, each in read_checkpoints(folder / CHECKPOINTS_NAME)]


def _check(folder: Path, authority: Authority | None = None) -> Stamped:
    certificates = read_certificates(authority.root) if authority else []
    return check_timestamps(folder / TIMESTAMPS_NAME, _heads(folder), certificates)


def _tokens(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / TIMESTAMPS_NAME).read_bytes().splitlines()]


def _write(folder: Path, tokens: list[Any]) -> None:
    (folder / TIMESTAMPS_NAME).write_text("".join(json.dumps(each) + "\n" for each in tokens))


def test_each_session_leaves_a_stamp_that_holds(authority: Authority, tmp_path: Path) -> None:
    for _ in range(2):
        _session(tmp_path, authority, 3)
    found = _check(tmp_path, authority)
    assert found.problem == ""
    assert (found.tokens, found.signed, found.sequence) == (2, True, _heads(tmp_path)[-1].sequence)
    assert abs(dt.datetime.fromisoformat(found.time) - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=5)
    assert not _check(tmp_path).signed
    openssl = [str(OPENSSL), "ts", "-verify", "-CAfile", str(authority.root), "-data", str(tmp_path / "line")]
    last = (tmp_path / CHECKPOINTS_NAME).read_bytes().splitlines()[-1]
    (tmp_path / "line").write_bytes(last)
    (tmp_path / "token").write_bytes(base64.b64decode(_tokens(tmp_path)[-1]["token"]))
    subprocess.run([*openssl, "-in", str(tmp_path / "token")], check=True, capture_output=True)


def test_an_authority_that_is_down_is_asked_again_and_no_password_is_told(authority: Authority, tmp_path: Path) -> None:
    authority.answers = [503]
    _session(tmp_path, authority, timeout_s=1.0)
    place = TimestampAuthority(authority.url, tmp_path / TIMESTAMPS_NAME)
    (standing,) = standings(tmp_path / CHECKPOINTS_NAME, [place])
    assert standing.waiting == 1
    assert "answered 503" in standing.error
    assert "secret" not in standing.name + standing.error
    _session(tmp_path, authority)
    assert _tokens(tmp_path)[-1]["sequence"] == _heads(tmp_path)[-1].sequence
    assert _check(tmp_path, authority).problem == ""


def test_of_many_that_wait_the_newest_is_stamped(authority: Authority, tmp_path: Path) -> None:
    with open_session(sqlite_url(tmp_path), workspace=WORKSPACE, state_dir=tmp_path) as ledger:
        ledger.append("memory.synced", {})
    for _ in range(2):
        with open_session(sqlite_url(tmp_path), workspace=WORKSPACE, state_dir=tmp_path) as ledger:
            ledger.append("memory.synced", {})
    lines = (tmp_path / CHECKPOINTS_NAME).read_bytes().splitlines(keepends=True)
    TimestampAuthority(authority.url, tmp_path / TIMESTAMPS_NAME).send(lines, 20.0)
    assert [each["sequence"] for each in _tokens(tmp_path)] == [_heads(tmp_path)[-1].sequence]
    assert _check(tmp_path, authority).problem == ""


def test_nobody_waits_for_an_authority(authority: Authority, tmp_path: Path) -> None:
    authority.slow_s = 5.0
    plan = CheckpointPlan(every=1, timestamp_url=authority.url, timeout_s=0.2)
    ledger = open_session(sqlite_url(tmp_path), workspace=WORKSPACE, state_dir=tmp_path, plan=plan)
    began = time.monotonic()
    for _ in range(3):
        ledger.append("memory.synced", {})
    ledger.close()
    assert time.monotonic() - began < 4.0


@pytest.mark.parametrize("spoil", ["nonsense", "replayed", "other"])
def test_an_answer_that_does_not_fit_is_not_kept(authority: Authority, tmp_path: Path, spoil: str) -> None:
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    def query(data: bytes) -> bytes:
        return TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build().as_bytes()

    line = b'{"signature":"ab","sequence":1}'
    answer = {"nonsense": b"no token", "replayed": authority.stamp(query(line)), "other": authority.stamp(query(b"x"))}
    authority.change = lambda _answer: answer[spoil]
    file = tmp_path / TIMESTAMPS_NAME
    with pytest.raises(DestinationError, match=r"no time stamp|does not fit: it"):
        TimestampAuthority(authority.url, file).send([line + b"\n"], 20.0)
    assert not file.exists()
    authority.change = lambda answer: answer
    TimestampAuthority(authority.url, file).send([line + b"\n"], 20.0)
    assert file.exists()


def test_a_forged_stamp_is_found(authority: Authority, authorities: Callable[..., Authority], tmp_path: Path) -> None:
    """Somebody else's authority says so, which is whom whoever rewrites the past can ask."""
    other = authorities("other")
    _session(tmp_path, other)
    assert _check(tmp_path, other).problem == ""
    assert "not signed by that authority" in _check(tmp_path, authority).problem


def test_a_stamp_whose_bytes_were_changed_is_found(authority: Authority, tmp_path: Path) -> None:
    _session(tmp_path, authority)
    (kept,) = _tokens(tmp_path)
    whole = base64.b64decode(kept["token"])
    moment = whole.index(b"20", whole.index(b"Z") - 15)  # the token's GeneralizedTime
    forged = whole[:moment] + b"2020" + whole[moment + 4 :]
    _write(tmp_path, [{**kept, "token": base64.b64encode(forged).decode()}])
    assert "does not hold" in _check(tmp_path, authority).problem
    for position in range(40, len(whole), len(whole) // 25):
        spoilt = whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :]
        _write(tmp_path, [{**kept, "token": base64.b64encode(spoilt).decode()}])
        found = _check(tmp_path, authority)
        if not found.problem:  # bytes that nothing is said by, in a certificate that is not the signer's for instance
            assert found.time == _stamp_time(whole)


def _stamp_time(token: bytes) -> str:
    from rfc3161_client import decode_timestamp_response

    return decode_timestamp_response(token).tst_info.gen_time.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def test_stamps_that_were_swapped_are_found(authority: Authority, tmp_path: Path) -> None:
    for _ in range(2):
        _session(tmp_path, authority)
    first, second = _tokens(tmp_path)
    _write(tmp_path, [{**first, "token": second["token"]}, second])
    assert "over something else" in _check(tmp_path).problem
    _write(tmp_path, [{**first, "checkpoint": second["checkpoint"]}])
    assert "a checkpoint that is not there" in _check(tmp_path).problem
    _write(tmp_path, [{**first, "checkpoint": second["checkpoint"], "sequence": second["sequence"]}])
    assert "over something else" in _check(tmp_path).problem
    _write(tmp_path, [{**first, "nonce": second["nonce"]}])
    assert "nonce" in _check(tmp_path).problem
    _write(tmp_path, [first, second])
    assert _check(tmp_path, authority).tokens == 2


@pytest.mark.parametrize(
    "line", [None, 3, [], {}, {"purpose": "affidavit.timestamp/1"}, {"checkpoint": 1, "nonce": "-1"}]
)
def test_a_line_that_is_no_stamp_is_found(authority: Authority, tmp_path: Path, line: Any) -> None:
    _session(tmp_path, authority)
    (kept,) = _tokens(tmp_path)
    _write(tmp_path, [kept, {**kept, **line} if isinstance(line, dict) and len(line) > 1 else line])
    assert _check(tmp_path, authority).problem.startswith("Time stamp 2 does not hold")
    _write(tmp_path, [{**kept, "token": "AAAA"}])
    assert "cannot be read" in _check(tmp_path, authority).problem


def test_an_authority_whose_certificate_was_over_is_not_believed(
    authorities: Callable[..., Authority], tmp_path: Path
) -> None:
    expired = authorities("expired", (NOW - 3 * DAY, NOW - 2 * DAY))
    _session(tmp_path, expired)
    assert "was not valid then" in _check(tmp_path, expired).problem


def test_a_stamp_outlives_the_certificate_it_was_made_with(
    authorities: Callable[..., Authority], tmp_path: Path
) -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=8)
    short = authorities("short", (NOW - DAY, soon))
    _session(tmp_path, short)
    stamped = _check(tmp_path, short)
    assert stamped.problem == ""
    assert dt.datetime.fromisoformat(stamped.time) < soon
    time.sleep(max(0.0, (soon - dt.datetime.now(dt.UTC)).total_seconds()) + 1.5)
    assert _check(tmp_path, short).problem == ""


def test_a_certificate_for_something_else_is_not_believed(
    authorities: Callable[..., Authority], tmp_path: Path
) -> None:
    server = authorities("server")
    _session(tmp_path, server)
    web = authorities("web")
    _make_certificates(web.folder, (NOW - DAY, NOW + DAY), ExtendedKeyUsageOID.SERVER_AUTH)
    certificates = read_certificates(web.root)
    assert check_timestamps(tmp_path / TIMESTAMPS_NAME, _heads(tmp_path), certificates).problem


def test_a_checkpoint_dated_after_its_stamp_is_found(authority: Authority, tmp_path: Path) -> None:
    ahead = lambda: dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)  # noqa: E731
    plan = CheckpointPlan(timestamp_url=authority.url, timeout_s=20.0)
    with open_session(sqlite_url(tmp_path), workspace=WORKSPACE, state_dir=tmp_path, plan=plan, clock=ahead) as ledger:
        ledger.append("memory.synced", {})
    assert "what says of itself that it is of" in _check(tmp_path, authority).problem


def test_what_is_no_certificate_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("hello")
    for name in ("x.pem", "none.pem"):
        with pytest.raises(LedgerUnavailable, match=name):
            read_certificates(tmp_path / name)


def test_verify_tells_of_stamps(
    authority: Authority, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "affidavit.toml").write_text(
        f'[ledger]\ntimestamp_url = "{authority.url}"\ncheckpoint_timeout_s = 20\n'
    )
    monkeypatch.setenv("AFFIDAVIT_WORKSPACE", str(tmp_path))
    state = tmp_path / ".affidavit"
    with open_session(f"sqlite:///{state / 'ledger.sqlite'}", workspace="workspace", state_dir=state) as ledger:
        ledger.append("memory.synced", {})
    signed = run("audit", "checkpoint")
    assert signed.code == 0
    assert "secret" not in signed.out
    holds = run("audit", "verify", "--tsa-certificate", authority.root, "--json")
    assert (holds.code, holds.json["ok"], holds.json["timestamps"]["signed"]) == (0, True, True)
    assert holds.json["timestamps"]["tokens"] > 0
    assert "signatures were not checked" in run("audit", "verify").out
    _write(state, [{**_tokens(state)[0], "nonce": "abc"}])
    false = run("audit", "verify", "--json")
    assert (false.code, false.json["ok"]) == (1, False)
    assert "Time stamp 1 does not hold" in false.json["problem"]
    assert "✗ does not hold" in run("audit", "verify").out
