"""The section of the page that tells of each draft: where it came from, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.evidence_bundle import Evidence
from audit.record import Record
from tui.evidence.drafts import DraftStory, draft_stories, items_of, text_of
from tui.evidence.markup import Markup, code, facts, section, sql, text, words
from tui.text import percent, seconds
from tui.trace import told

__all__ = ["drafts_section"]


def drafts_section(evidence: Evidence) -> Markup:
    """Each draft, with what the guard, the database and the repair made of it."""
    stories = draft_stories(evidence.run)
    return section("Drafts", *(_draft(n, story) for n, story in enumerate(stories, 1))) if stories else Markup("")


def _draft(number: int, story: DraftStory) -> Markup:
    source, verdict, weighed, outcome = story.source, story.verdict, story.weighed, story.outcome
    by = text_of(source, "model") or ("a signed review" if "verified_run_id" in source else text_of(source, "mend"))
    values: list[tuple[str, object]] = [
        ("from", by),
        ("probability", percent(float(source["confidence"])) if _is_number(source.get("confidence")) else ""),
        ("guard", _guard_word(verdict)),
        ("reads", ", ".join(map(str, items_of(verdict, "tables")))),
        ("shape", sql(text_of(verdict, "shape")) if text_of(verdict, "shape") else ""),
        ("held back", "\n".join(map(str, items_of(verdict, "restrictions")))),
        ("what ran", sql(text_of(verdict, "sql")) if text_of(verdict, "sql") not in ("", story.sql) else ""),
        ("expected", _expected(weighed)),
        ("warehouse", _outcome_word(outcome)),
        ("fingerprint", code(outcome["result_fingerprint"]) if outcome.get("result_fingerprint") else ""),
        ("repair", _repair_word(story.repair)),
    ]
    return Markup(f'<div class="draft"><h3>Draft {number}</h3>{sql(story.sql)}{facts(values)}</div>')


def _guard_word(verdict: Mapping[str, Any]) -> Markup:
    if not verdict:
        return Markup('<span class="plain">never judged</span>')
    if verdict.get("allowed") is True:
        return Markup('<span class="good">allowed</span>')
    why = f"{words(text_of(verdict, 'rule'))}: {text_of(verdict, 'message')}"
    return Markup(f'<span class="bad">refused</span>, {text(why)}')


def _expected(weighed: Mapping[str, Any]) -> Markup | str:
    if not weighed:
        return ""
    if text_of(weighed, "message"):
        return Markup(f'<span class="bad">not run</span>: {text(text_of(weighed, "message"))}')
    told_of = dict(told(Record(0, "", None, "", "", dict(weighed), "", "", b"")).facts)
    return told_of.get("estimate") or text_of(weighed, "no_estimate")


def _outcome_word(outcome: Mapping[str, Any]) -> Markup | str:
    if not outcome:
        return ""
    spent = seconds(float(outcome["elapsed_ms"])) if _is_number(outcome.get("elapsed_ms")) else ""
    if outcome.get("ok") is True:
        cut = ", cut at the cap" if outcome.get("truncated") else ""
        rows = "1 row" if outcome.get("row_count") == 1 else f"{outcome.get('row_count')} rows"
        return f"{rows}{cut}{f' in {spent}' if spent else ''}"
    why = f"{words(text_of(outcome, 'error_class'))}: {text_of(outcome, 'error')}"
    return Markup(f'<span class="bad">failed</span>, {text(why)}')


def _repair_word(repair: Mapping[str, Any]) -> str:
    if not repair:
        return ""
    how = {"model": "a model was asked again", "none": "nothing was found that mends it"}
    mend = text_of(repair, "mend")
    return f"{how.get(mend, f'mended by the rule {mend}')}, because: {text_of(repair, 'message')}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
