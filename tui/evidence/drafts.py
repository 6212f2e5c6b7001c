"""The drafts of a run and what became of each, put together from the records that speak of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from audit.record import Record

__all__ = ["DraftStory", "draft_stories", "items_of", "text_of"]

Body = Mapping[str, Any]


@dataclass(slots=True)
class DraftStory:
    """One draft: where it came from, the guard's word, what the database expected and gave, and its repair."""

    sql: str
    source: Body = field(default_factory=dict)
    """Of the `run.drafted`, `run.recalled` or `run.repaired` that it came from."""
    verdict: Body = field(default_factory=dict)
    weighed: Body = field(default_factory=dict)
    """Of `run.intent` or `run.estimated`."""
    outcome: Body = field(default_factory=dict)
    repair: Body = field(default_factory=dict)


def draft_stories(records: Iterable[Record]) -> list[DraftStory]:
    """The drafts in the order in which they were judged; those that never were come last."""
    run = [each for each in records if each.body.get("purpose") not in ("amendment", "replay")]
    sources = dict(_sources(run))
    stories = [_judged(each.body, sources) for each in run if each.kind == "run.guarded"]
    by_draft = {str(story.verdict.get("draft")): story for story in stories}
    for record in run:
        story = by_draft.get(str(record.body.get("draft")))
        if story is not None and record.kind in ("run.intent", "run.estimated"):
            story.weighed = record.body
        elif story is not None and record.kind == "run.outcome":
            story.outcome = record.body
        elif record.kind == "run.repaired":
            failed = [story for story in stories if story.sql == text_of(record.body, "from")]
            for each in failed[-1:]:
                each.repair = record.body
    judged = {story.sql for story in stories}
    return stories + [DraftStory(sql, source) for sql, source in sources.items() if sql and sql not in judged]


def text_of(body: Body, key: str) -> str:
    """A text of a body; empty where there is none."""
    value = body.get(key)
    return value if isinstance(value, str) else ""


def items_of(body: Body, key: str) -> list[Any]:
    """A list of a body; empty where there is none, and with words alone where they stand in place of what it was."""
    value = body.get(key)
    if isinstance(value, str) and value:
        return [value]
    return value if isinstance(value, list) else []


def _sources(run: Iterable[Record]) -> Iterator[tuple[str, Body]]:
    for record in run:
        if record.kind in ("run.drafted", "run.recalled"):
            yield text_of(record.body, "sql"), record.body
        elif record.kind == "run.repaired" and text_of(record.body, "mend") not in ("model", "none"):
            yield text_of(record.body, "to"), record.body


def _judged(verdict: Body, sources: Mapping[str, Body]) -> DraftStory:
    sql = text_of(verdict, "draft_sql")
    return DraftStory(sql, sources.get(sql, {}), verdict)
