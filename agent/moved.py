"""What has moved under an answer since it was given: the tables it reads, the metrics it names, the policy, the model.

Only what the answer stands on is looked at. Another table with a new column, or another metric with a new formula, says
nothing about it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal

from audit.runs import RunTrace
from memory.drift import Drift, drift_between

if TYPE_CHECKING:
    from agent.replay import Today

__all__ = [
    "Moved",
    "What",
    "metrics_moved",
    "models_moved",
    "policy_moved",
    "reads_clock",
    "schema_moved",
    "tables_known",
]

What = Literal["data", "schema", "metric", "policy", "model", "prompt"]

_SHORT: Final = 12
"""Characters of a table's fingerprint that stand as its version on the record."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One thing that is not as it was."""

    what: What
    detail: str
    """In a sentence."""


def schema_moved(trace: RunTrace, tables: Sequence[str], today: Today) -> Iterator[Moved]:
    """The tables that the answer reads and that have another structure now, with their columns where they are known."""
    was = _text(_last(trace, "run.grounded"), "catalog_fingerprint")
    if was == today.structure.fingerprint:
        return
    if was == today.catalog.fingerprint:  # what was then is still known column by column
        yield from _named(drift_between(today.catalog, today.structure), tables)
        return
    versions = _versions(trace)
    for name in tables:
        table = today.structure.table(name)
        if table is None:
            yield Moved("schema", f"There is no table {name} any more.")
        elif name not in versions:
            yield Moved("schema", f"The schema is another now; which version of {name} it was is not on the record.")
        elif not table.fingerprint.startswith(versions[name]):
            yield Moved("schema", f"{name} has other columns, types or keys now.")


def metrics_moved(trace: RunTrace, today: Today) -> Iterator[Moved]:
    """The metrics and dimensions that the answer was grounded in and that are defined otherwise now."""
    grounded = _last(trace, "run.grounded")
    if _text(grounded, "semantics_fingerprint") in ("", today.layer.fingerprint):
        return
    for piece in _pieces(grounded):
        kind, name = _text(piece, "kind"), _text(piece, "id")
        if kind in ("metric", "dimension"):
            detail = _redefined(kind, name, piece, today)
            if detail:
                yield Moved("metric", detail)


def policy_moved(trace: RunTrace, restrictions: Sequence[str], today: Today) -> Iterator[Moved]:
    """Whether policy.yaml says something else, and whether that shows in the statement."""
    started = _last(trace, "run.started")
    if _text(started, "policy_fingerprint") in ("", today.policy.fingerprint()):
        return
    before = [each for each in _last(trace, "run.guarded").get("restrictions", ()) if isinstance(each, str)]
    if list(restrictions) == before:
        yield Moved("policy", "policy.yaml is another now, but holds back the same of what the answer reads.")
    else:
        yield Moved("policy", f"The policy holds back something else now: {' '.join(restrictions) or 'nothing'}")


def models_moved(trace: RunTrace, sql: str, today: Today) -> Iterator[Moved]:
    """Whether the model that drafted the answer, or what prompts say, is another; a compiled draft has neither."""
    drafts = [each.body for each in trace.of_kind("run.drafted") if each.body.get("origin") == "model"]
    same = [each for each in drafts if each.get("sql") == sql]
    if not drafts or _text(_last(trace, "run.answered"), "origin") not in ("model", "mend"):
        return
    was = _text((same or drafts)[-1], "model_hash")
    if today.model_hashes and was not in ("", *today.model_hashes):
        yield Moved("model", "Another model or adapter is served now; `--with-model` asks it.")
    if _text(_last(trace, "run.started"), "prompt_fingerprint") not in ("", today.prompt_fingerprint):
        yield Moved("prompt", "Prompts are worded otherwise now.")


def reads_clock(sql: str, dialect: str) -> bool:
    """Whether a statement asks the database what day or time it is; one that cannot be parsed is taken not to."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        tree = sqlglot.parse_one(sql, dialect=dialect)
    except SqlglotError:
        return False
    clocks = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime, exp.CurrentDatetime)
    if any(True for _ in tree.find_all(*clocks)):
        return True
    words = {each.name.casefold() for each in tree.find_all(exp.Anonymous)}
    words |= {each.name.casefold() for each in tree.find_all(exp.Literal) if each.is_string}
    return bool(words & {"now", "today", "getdate", "sysdate", "curdate", "get_current_timestamp", "localtimestamp"})


def _named(drift: Drift, tables: Sequence[str]) -> Iterator[Moved]:
    used = {name.casefold() for name in tables}
    for field in fields(drift):
        found = [each for each in getattr(drift, field.name) if each.partition(".")[0].casefold() in used]
        if found:
            yield Moved("schema", f"{field.name.replace('_', ' ').capitalize()}: {', '.join(found)}.")


def _redefined(kind: str, name: str, piece: Mapping[str, Any], today: Today) -> str:
    """How a definition differs from the one that was cited, in a sentence; empty if it does not."""
    from memory.pieces import PieceWriter, definition_version

    try:
        definition = today.layer.metric(name) if kind == "metric" else today.layer.dimension(name)
    except KeyError:
        return f"There is no {kind} {name} any more."
    version = definition_version(definition)
    if version != piece.get("version"):
        return f"{definition.name} is defined otherwise now (version {version}, was {piece.get('version')})."
    if kind == "dimension" or not today.layer.metric(name).is_ratio:
        return ""
    # The definition of a ratio names its parts; what was cited is spelt out, in the dialect the model was to write.
    metric = today.layer.metric(name)
    texts = (PieceWriter(today.catalog, today.layer, each).metric(metric).text for each in today.dialects)
    known = {hashlib.sha256(text.encode()).hexdigest() for text in texts}
    return "" if piece.get("hash") in known else f"What {definition.name} is made of is defined otherwise now."


def _versions(trace: RunTrace) -> dict[str, str]:
    """Table → the beginning of its fingerprint, as the run's records have it."""
    pieces = _pieces(_last(trace, "run.grounded"))
    found = {_text(each, "id"): _text(each, "version") for each in pieces if each.get("kind") == "table"}
    for record in trace.of_kind("run.guarded"):
        held = record.body.get("table_versions")
        found |= {str(name): str(version) for name, version in held.items()} if isinstance(held, Mapping) else {}
    return {name: version[:_SHORT] for name, version in found.items() if version}


def _pieces(grounded: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    pieces = grounded.get("pieces")
    return [each for each in pieces if isinstance(each, Mapping)] if isinstance(pieces, list) else []


def _last(trace: RunTrace, kind: str) -> Mapping[str, Any]:
    found = trace.of_kind(kind)
    return found[-1].body if found else {}


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    return value if isinstance(value, str) else ""


def tables_known(trace: RunTrace) -> tuple[str, ...]:
    """The tables that the run's allowed drafts read, as far as its records say."""
    found = [each.body.get("tables") for each in trace.of_kind("run.guarded")]
    return tuple(dict.fromkeys(str(name) for each in found if isinstance(each, list) for name in each))
