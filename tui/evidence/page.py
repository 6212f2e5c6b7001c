"""The evidence of one answer as one HTML page: for an auditor to read, print and keep, and for `audit verify` to check.

The page stands alone: nothing is fetched and no script runs. The bundle is inside it, and the page is a function of the
bundle, so whoever checks it makes the page anew and compares: what it shows is what the records say, to the letter. A
change of how pages are made is therefore a new version of the format. Pages of the first version of bundles are made as
they were, so that those which were handed out go on holding.
"""

from __future__ import annotations

import json
import re
from typing import Final

from audit.errors import SealError
from audit.evidence_bundle import Evidence, read_evidence, readable
from audit.seal import canonical_bytes
from tui.evidence import sections
from tui.evidence.markup import text
from tui.evidence.style import STYLE

__all__ = ["bundle_in", "is_page", "page_of", "page_problem"]

_FORMAT: Final = "affidavit.evidence-page/2"
_FIRST_FORMAT: Final = "affidavit.evidence-page/1"
_EMBEDDED: Final = re.compile(r'<script type="application/json" id="evidence">(.*?)</script>', re.DOTALL)
_MADE_BY: Final = re.compile(r'<meta name="generator" content="([^"]*)">')


def page_of(bundle: bytes) -> str:
    """The page of a bundle, given as its canonical bytes.

    Raises:
        SealError: it is no bundle whose records lead to its checkpoint.
    """
    evidence = read_evidence(bundle)
    title = f"Evidence of run {evidence.run_id}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f'<meta name="generator" content="{_format_of(evidence)}">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{text(title)}</title>\n<style>{STYLE}</style></head><body><main>\n"
        f"{_body(readable(evidence))}\n</main>\n"
        f'<script type="application/json" id="evidence">{_embedded(bundle)}</script>\n</body></html>\n'
    )


def is_page(data: bytes) -> bool:
    """Whether a file is to be read as a page, not as a bundle."""
    return data.lstrip()[:1] == b"<"


def bundle_in(page: bytes) -> bytes:
    """The bundle that a page holds, as its canonical bytes.

    Raises:
        SealError: it holds none.
    """
    found = _EMBEDDED.search(page.decode("utf-8", "replace"))
    if found is None:
        raise SealError("It is not a page of evidence: there is no bundle in it.")
    try:
        return canonical_bytes(json.loads(found[1]))
    except (ValueError, RecursionError) as error:
        raise SealError("It is not a page of evidence: what is in it is not JSON.") from error


def page_problem(page: bytes, bundle: bytes) -> str:
    """Why a page does not show what its bundle says, as one sentence; empty if it does."""
    if page_of(bundle).encode() == page:
        return ""
    made_by = _MADE_BY.search(page.decode("utf-8", "replace"))
    expected = _format_of(read_evidence(bundle))
    if made_by is not None and made_by[1] != expected:
        return f"The page is of the format {made_by[1]}, which this program cannot make; it makes {expected}."
    return "The page does not show what the records in it say: it was changed."


def _format_of(evidence: Evidence) -> str:
    return _FIRST_FORMAT if evidence.grounds is None else _FORMAT


def _body(evidence: Evidence) -> str:
    return "\n".join(part for section in sections.SECTIONS if (part := section(evidence)))


def _embedded(bundle: bytes) -> str:
    """JSON that cannot end the element it stands in."""
    written = bundle.decode()
    return written.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
