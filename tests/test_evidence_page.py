"""The page of evidence: whole, the same every time, nothing but text in it, and no way to change what it shows."""

from __future__ import annotations

import hashlib
import html.parser
import json
import random
import re
from pathlib import Path

import pytest
from fixtures_audit_parts import WORKSPACE, Office, Ticking, sqlite_url

from audit.errors import SealError
from audit.evidence import export_evidence
from audit.ledger import Ledger
from audit.review import submit_review
from audit.seal import canonical_bytes
from tui.evidence.markup import text
from tui.evidence.page import bundle_in, is_page, page_of, page_problem

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(1)</script>",
    "'-- </pre><iframe src='//evil'>",
    "&lt;b&gt; &amp;",
    "\u202egnitirw\u202c \x1b[31m \u2066x",
    "<!--",
    "{{7*7}} javascript:alert(1)",
)


class _Tags(html.parser.HTMLParser):
    """Every element and attribute of a page as a browser would read them, and what of it is text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.said = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said += data


def _bundle(folder: Path, *, hostile: str = "") -> bytes:
    folder.mkdir(exist_ok=True)
    with Ledger.open(sqlite_url(folder), workspace=WORKSPACE, clock=Ticking()) as ledger:
        office = Office.open(ledger, folder)
        if hostile:
            _hostile_run(ledger, hostile)
        else:
            office.run("run-1")
        submit_review(
            ledger, office.reviewer, run_id="run-1", decision="amend", reason_code="other", reason=hostile or "why",
            sql=f"SELECT '{hostile}' AS \"{hostile}\"", result_fingerprint="ab" * 32,
        )  # fmt: skip
        return canonical_bytes(export_evidence(ledger, "run-1", folder))


def _hostile_run(ledger: Ledger, hostile: str) -> None:
    """What its records say is hostile in every field."""
    started = {
        "question": hostile,
        "asker": hostile,
        "warehouse": hostile,
        "dialect": hostile,
        "policy_fingerprint": hostile,
    }
    ledger.append("run.started", started, run_id="run-1", actor="Asker")
    pieces = [{"kind": hostile, "id": hostile, "version": hostile, "hash": hostile}]
    grounded = {"pieces": pieces, "catalog_fingerprint": hostile, "semantics_fingerprint": hostile}
    ledger.append("run.grounded", grounded, run_id="run-1")
    readings = [{"words": hostile, "taken_for": hostile}]
    drafted = {"sql": hostile, "model": hostile, "model_hash": hostile, "readings": readings, "confidence": hostile}
    ledger.append("run.drafted", drafted, run_id="run-1")
    guarded = {
        "draft": 0,
        "draft_sql": hostile,
        "allowed": False,
        "rule": hostile,
        "message": hostile,
        "tables": [hostile],
    }
    ledger.append("run.guarded", {**guarded, "restrictions": [hostile], "sql": "x"}, run_id="run-1")
    ledger.append("run.estimated", {"draft": 0, "message": hostile, "estimate": hostile}, run_id="run-1")
    ledger.append("run.outcome", {"draft": 0, "ok": False, "error": hostile, "error_class": hostile}, run_id="run-1")
    ledger.append("run.repaired", {"from": hostile, "to": hostile, "mend": hostile, "message": hostile}, run_id="run-1")
    findings = [{"check": hostile, "severity": hostile, "message": hostile, "evidence": hostile}]
    ledger.append("run.checked", {"draft": 0, "findings": findings}, run_id="run-1")
    moved = [{"what": hostile, "detail": hostile}]
    ledger.append("run.replayed", {"verdict": hostile, "moved": moved, hostile: hostile}, run_id="run-1", actor="x")
    texts = dict.fromkeys(("sql", "dialect", "model", "origin", "result_fingerprint"), hostile)
    lists = {"columns": [hostile], "assumptions": [hostile], "findings": findings}
    error = {"error_class": hostile, "message": hostile, "hint": hostile}
    answered = {"status": "answered", "row_count": hostile, "truncated": True, "error": error, **texts, **lists}
    ledger.append("run.answered", answered, run_id="run-1")


def test_a_page_is_a_function_of_its_bundle(tmp_path: Path) -> None:
    bundle = _bundle(tmp_path)
    page = page_of(bundle)
    assert page_of(bundle) == page
    assert is_page(page.encode())
    assert not is_page(bundle)
    assert bundle_in(page.encode()) == bundle
    assert page_problem(page.encode(), bundle) == ""
    for part in ("How much freight?", "I vouch that the corrected SQL", "Reviewer", "31 January 2026", "How to verify"):
        assert part in page


def test_the_page_of_this_format_does_not_change_unnoticed() -> None:
    """Pages that were handed out are compared with what is made now: another page needs another format."""
    page = page_of((Path(__file__).parent / "evidence" / "bundle-1.json").read_bytes())
    assert 'content="affidavit.evidence-page/1"' in page
    assert hashlib.sha256(page.encode()).hexdigest() == (
        "cede2a312bdf11b6514d444e924881cab9ecefede1d1465db0881eae086bbf45"
    ), "the page of a handed-out bundle changed: give it a new _FORMAT in tui/evidence/page.py"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_whatever_a_record_says_is_text(tmp_path: Path, hostile: str) -> None:
    harmless, page = (
        page_of(_bundle(tmp_path / "a", hostile="plain")),
        page_of(_bundle(tmp_path / "b", hostile=hostile)),
    )
    expected, found = _Tags(harmless), _Tags(page)
    of_sql = [("span", {"class": each}) for each in "kscn"]  # a statement is coloured by its words
    assert [each for each in found.found if each not in of_sql] == [
        each for each in expected.found if each not in of_sql
    ]
    assert [tag for tag, _ in found.found].count("script") == 1
    assert not any(name.startswith("on") or name in ("src", "href") for _, attrs in found.found for name in attrs)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b]", re.sub("<script.*</script>", "", page, flags=re.DOTALL))
    assert bundle_in(page.encode()) == _bundle_again(page)


def _bundle_again(page: str) -> bytes:
    """What a browser's own parser would hand to JSON."""
    embedded = page.partition('id="evidence">')[2].partition("</script>")[0]
    assert "<" not in embedded
    return canonical_bytes(json.loads(embedded))


def test_nothing_may_be_fetched_or_run(tmp_path: Path) -> None:
    page = page_of(_bundle(tmp_path))
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert not re.search(r"https?://|url\(|@import|<link|<iframe|<object", page)


def test_a_page_that_was_changed_is_found(tmp_path: Path) -> None:
    bundle = _bundle(tmp_path)
    page = page_of(bundle).encode()
    dice = random.Random(3)
    for at in dice.sample(range(len(page)), 300):
        changed = page[:at] + bytes([page[at] ^ 1 << dice.randrange(7)]) + page[at + 1 :]
        assert _problem(changed)
    for changed in (
        page.replace(b"accepted", b"rejected").replace(b"amended", b"accepted"),
        page.replace(b"How much freight?", b"How much profit?", 1),
        page.replace(b"</main>", b"<p>And it was audited.</p></main>"),
        page.replace(b"</body>", b'<script type="application/json" id="evidence">{}</script></body>'),
        page.replace(b"<body>", b'<body><script type="application/json" id="evidence">' + bundle + b"</script>"),
        page + b"<p>more</p>",
    ):
        assert _problem(changed)


def _problem(page: bytes) -> str:
    try:
        return page_problem(page, bundle_in(page))
    except SealError as error:
        return error.message


def test_a_page_of_another_format_is_said_to_be_one(tmp_path: Path) -> None:
    page = page_of(_bundle(tmp_path)).replace("evidence-page/2", "evidence-page/9").encode()
    assert "of the format affidavit.evidence-page/9" in _problem(page)
    for nothing in (b"<html></html>", b'<script type="application/json" id="evidence">{</script>'):
        assert "not a page of evidence" in _problem(nothing)


def test_text_is_escaped_once() -> None:
    assert text("<b>&") == "&lt;b&gt;&amp;"
    assert text(text("<b>&")) == "&lt;b&gt;&amp;"
