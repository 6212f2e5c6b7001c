"""What the page of evidence says, section by section, each made from the records alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from audit.evidence import PARTS
from audit.evidence_bundle import Evidence
from audit.record import IDENTITY_RETIRED, REVIEW, RUN_STARTED, Record
from audit.review_rules import rules_in
from audit.runs import RunTrace, trace_of
from tui.evidence.drafts import items_of, text_of
from tui.evidence.drafts_section import drafts_section
from tui.evidence.grounds import RELIED_ON_REVOKED, unproved_grounds, what_it_relied_on
from tui.evidence.markup import (
    Markup,
    code,
    day,
    day_and_time,
    facts,
    headed,
    listed,
    section,
    short_hash,
    sql,
    table,
    text,
    words,
)
from tui.text import percent
from tui.trace import told, told_in_order

__all__ = ["SECTIONS"]

_COLOURS: Final = {
    "answered": "good",
    "accepted": "good",
    "amended": "good",
    "abstained": "care",
    "needs_clarification": "care",
    "refused": "bad",
    "failed": "bad",
    "rejected": "bad",
    "revoked": "bad",
    "accept": "good",
    "amend": "good",
    "reject": "bad",
    "revoke": "bad",
    "holds": "good",
    "differs": "bad",
    "cannot_run": "bad",
    RELIED_ON_REVOKED: "bad",
}
_SEVERITIES: Final = {"error": "bad", "warning": "care", "info": "plain"}
_FIRST_KINDS: Final = ("metric", "dimension", "period", "value", "example")
"""Of the grounding: what a question is read by, before what it is written with."""


def _masthead(evidence: Evidence) -> Markup:
    run = _trace(evidence).summary
    stamps = [run.status, run.standing, *((RELIED_ON_REVOKED,) if evidence.grounds else ())]
    shown = "".join(f'<span class="stamp {_COLOURS.get(each, "plain")}">{text(words(each))}</span>' for each in stamps)
    return Markup(
        f'<header class="mast"><b>Affidavit</b><span>Evidence of one answer</span></header>\n'
        f"<h1>{text(run.question or '(no question)')}</h1>\n"
        f'<p class="soft">Asked by {text(run.asker or "nobody named")} on {text(day_and_time(run.started))}.</p>\n'
        f'<p class="soft">Run {code(evidence.run_id)} of the workspace {code(evidence.workspace)},'
        f" as of {text(day_and_time(evidence.checkpoint.time))}.</p>\n"
        f'<div class="stamps">{shown}</div>'
    )


def _answer(evidence: Evidence) -> Markup:
    trace = _trace(evidence)
    answer = trace.answer
    if answer is None:
        return section("The answer", Markup("<p>The run never ended: it was cut off, or is still under way.</p>"))
    body = answer.body
    stood_by = body.get("status") == "answered"
    said = "The statement that gave the answer:" if stood_by else "An unverified draft, which is not an answer:"
    shown = (
        Markup(f"<p>{said}</p>{sql(text_of(body, 'sql'))}") if body.get("sql") else Markup("<p>There is no SQL.</p>")
    )
    error = next((each for name, each in told(answer).facts if name == "error"), "")
    rows = f"{body.get('row_count')}{', of which the first are shown' if body.get('truncated') else ''}"
    columns = Markup(", ".join(code(each) for each in items_of(body, "columns")))
    values: list[tuple[str, object]] = [
        ("why not", error),
        ("columns", columns),
        ("rows", rows if body.get("columns") else ""),
        ("result's fingerprint", code(body["result_fingerprint"]) if body.get("result_fingerprint") else ""),
        ("confidence", percent(trace.summary.confidence) if body.get("confidence") else ""),
        ("drafted by", ", ".join(each for each in (words(text_of(body, "origin")), text_of(body, "model")) if each)),
        ("database", _warehouse(evidence)),
    ]
    granted = listed(items_of(body, "assumptions"))
    return section("The answer", shown, facts(values), *headed("What it takes for granted", granted))


def _reviews(evidence: Evidence) -> Markup:
    shown = [_review(each) for each in evidence.run if each.kind == REVIEW]
    if not shown:
        return section("Reviews", Markup('<p class="care">Nobody has reviewed this answer.</p>'))
    return section("Reviews", *shown)


def _review(record: Record) -> Markup:
    body = record.body
    decision = text_of(body, "decision")
    amended = sql(text_of(body, "sql")) if decision == "amend" else Markup("")
    values: list[tuple[str, object]] = [
        ("approval", f"{body['approval']} of {body.get('approvals_needed')}" if body.get("approval") else ""),
        ("reason", words(text_of(body, "reason_code"))),
        ("in words", text_of(body, "reason")),
        ("key", code(text_of(body, "key_id"))),
        ("signature", code(text_of(body, "signature"))),
        ("record", f"#{record.sequence}"),
    ]
    return Markup(
        f'<div class="review {_COLOURS.get(decision, "plain")}"><p><b>{text(words(decision))}</b></p>'
        f"<blockquote>“{text(text_of(body, 'meaning'))}”</blockquote>{amended}"
        f'<p class="signed"><b>{text(text_of(body, "reviewer"))}</b>'
        f'<span class="soft">signed on {text(day_and_time(record.time))}</span></p>{facts(values)}</div>'
    )


def _basis(evidence: Evidence) -> Markup:
    """The run that the answer was recalled from, and the reviews it stands on."""
    if not evidence.basis:
        return Markup("")
    parts = []
    for run_id in dict.fromkeys(each.run_id for each in evidence.basis):
        records = [each for each in evidence.basis if each.run_id == run_id]
        question = next((text_of(each.body, "question") for each in records if each.kind == RUN_STARTED), "")
        parts.append(Markup(f"<p>It was recalled from run {code(run_id)}: “{text(question)}”.</p>"))
        parts += [_review(each) for each in records if each.kind == REVIEW]
    return section("What the answer stands on", *parts)


def _grounding(evidence: Evidence) -> Markup:
    grounded = [each.body for each in evidence.run if each.kind == "run.grounded"]
    if not grounded:
        return Markup("")
    pieces = [each for each in items_of(grounded[-1], "pieces") if isinstance(each, Mapping)]
    first = [each for each in pieces if each.get("kind") in _FIRST_KINDS]
    rows = [
        (
            words(str(each.get("kind"))),
            code(each.get("id", "")),
            code(each.get("version", "")),
            short_hash(each.get("hash")),
        )
        for each in (*first, *(each for each in pieces if each not in first))
    ]
    values: list[tuple[str, object]] = [
        ("tables as known", code(text_of(grounded[-1], "catalog_fingerprint"))),
        ("metrics.yaml", code(text_of(grounded[-1], "semantics_fingerprint"))),
        *_fingerprints(evidence),
    ]
    readings = [
        f"“{each.get('words')}” was taken for {each.get('taken_for')}"
        for record in evidence.run
        for each in items_of(record.body, "readings")
        if isinstance(each, Mapping)
    ]
    left_out = (text_of(record.body, "left_out") for record in evidence.run if record.kind == "run.drafted")
    readings += [f"“{said}” was left out, for it names nothing that is known" for said in left_out if said]
    told_in_words = listed(each for each in items_of(grounded[-1], "pieces") if isinstance(each, str))
    return section(
        "What it was told",
        Markup("<p>Each piece of context, with the version of its definition and the hash of its words.</p>"),
        table(("kind", "piece", "version", "hash"), rows) or told_in_words,
        *headed("How the question was read", listed(readings)),
        *headed("Fingerprints", facts(values)),
    )


def _findings(evidence: Evidence) -> Markup:
    answer = _trace(evidence).answer
    found = items_of(answer.body, "findings") if answer else []
    if not any(each.kind == "run.checked" for each in evidence.run):
        return Markup("")
    rows = [
        (
            _coloured(_SEVERITIES, str(each.get("severity"))),
            words(str(each.get("check"))),
            str(each.get("message", "")),
            str(each.get("evidence", "")),
        )
        if isinstance(each, Mapping)
        else ("", "", str(each), "")
        for each in found
    ]
    none = Markup("<p>The result was checked against the question and the definitions, and nothing was found.</p>")
    return section("Findings", table(("severity", "check", "what", "evidence"), rows) or none)


def _replays(evidence: Evidence) -> Markup:
    rows = [
        (
            day_and_time(each.time),
            each.actor,
            _coloured(_COLOURS, text_of(each.body, "verdict")),
            "\n".join(str(why.get("detail")) for why in items_of(each.body, "moved") if isinstance(why, Mapping)),
        )
        for each in evidence.run
        if each.kind == "run.replayed"
    ]
    return section("Run again since", table(("when", "by", "verdict", "why"), rows)) if rows else Markup("")


def _timeline(evidence: Evidence) -> Markup:
    lines = []
    for entry in told_in_order(evidence.run):
        by = f" by {entry.actor}" if entry.actor else ""
        within = facts(entry.facts) + (sql(entry.sql) if entry.sql else "")
        lines.append(
            f'<li class="{"bad" if entry.bad else "ok"}"><details><summary>{text(entry.title)}'
            f' <span class="num">{text(entry.time[11:23])} · #{entry.sequence}{text(by)}</span></summary>'
            f"{within}</details></li>"
        )
    said = Markup(f"<p>{len(lines)} records, on {text(day(evidence.run[0].time))}. Open one to read it.</p>")
    return section("Everything that happened", said, Markup(f'<ol class="time">{"".join(lines)}</ol>'))


def _proof(evidence: Evidence) -> Markup:
    checkpoint = evidence.checkpoint
    values: list[tuple[str, object]] = [
        ("signed on", day_and_time(checkpoint.time)),
        ("over", f"the first {checkpoint.sequence} records of the ledger"),
        ("Merkle root", code(checkpoint.root)),
        ("head", code(checkpoint.hash)),
        ("workspace's key", code(checkpoint.key_id)),
        ("signature", code(checkpoint.signature)),
    ]
    kinds = (each for part in PARTS for each in getattr(evidence, part))
    records = sorted({each.sequence: each for each in (*kinds, evidence.statement)}.values(), key=lambda r: r.sequence)
    keys = [
        (
            each.body.get("name", ""),
            _roles(each),
            _vouched_by(each),
            code(each.body.get("key_id", "")),
            f"#{each.sequence}",
        )
        for each in evidence.identities
    ]
    return section(
        "What proves it",
        Markup(
            "<p>The workspace signed the state of its whole ledger in a checkpoint. Each record below leads to it.</p>"
        ),
        facts(values),
        *headed("Enrolled keys", table(("name", "may sign as", "vouched for by", "key id", "record"), keys)),
        *headed(
            "Records in this bundle",
            table(
                ("record", "kind", "SHA-256 of the record"), [(f"#{r.sequence}", r.kind, code(r.hash)) for r in records]
            ),
        ),
    )


def _roles(enrolment: Record) -> str:
    body = enrolment.body
    if enrolment.kind == IDENTITY_RETIRED:
        return f"retired by {text_of(body, 'by')}"
    return ", ".join(map(str, items_of(body, "roles"))) or text_of(body, "role")


def _vouched_by(enrolment: Record) -> str:
    voucher = enrolment.body.get("voucher")
    return text_of(voucher, "name") if isinstance(voucher, Mapping) else ""


def _how_to(evidence: Evidence) -> Markup:
    key_id = code(evidence.checkpoint.key_id)
    return section(
        "How to verify this page",
        Markup(
            "<p>The records themselves are inside this file, as JSON. On any machine with Affidavit, without a"
            " workspace and without network:</p><pre>affidavit audit verify THIS_FILE --key PUBLIC_KEY</pre>"
            "<p>It checks every byte, and that the page shows what the records say. Get PUBLIC_KEY from whoever keeps"
            f" the ledger, on another way than this file; its key id must be {key_id}.</p>"
            "<p>Without Affidavit: take the JSON out of this file. The hash of a record is SHA-256 over a zero byte"
            " and the record’s bytes (RFC 9162, section 2.1.1); its path leads to the checkpoint’s root (section"
            " 2.1.3.2); signatures are Ed25519 (RFC 8032) over the canonical JSON (RFC 8785) of what stands beside"
            " them.</p>"
        ),
        *headed(
            "What this page does not prove",
            listed(
                (
                    "That nothing was decided about this run since, such as a revocation: ask for a new page.",
                    "That what is recorded was true, beyond what the reviewers vouch for.",
                    "What the rows were: the ledger keeps their fingerprint and number, and so does this page.",
                    *unproved_grounds(evidence),
                )
            ),
        ),
        Markup("<footer>Made by Affidavit from the ledger’s records alone. Nothing here was written by hand.</footer>"),
    )


def _fingerprints(evidence: Evidence) -> list[tuple[str, object]]:
    started = next((each.body for each in evidence.run if each.kind == RUN_STARTED), {})
    names = (("policy", "policy_fingerprint"), ("prompt", "prompt_fingerprint"), ("settings", "settings_hash"))
    found = [(label, text_of(started, name)) for label, name in names]
    hashes = dict.fromkeys(text_of(each.body, "model_hash") for each in evidence.run if each.kind == "run.drafted")
    found += [("model", each) for each in hashes]
    shown: list[tuple[str, object]] = [(label, code(value)) for label, value in found if value]
    in_force = [each for each in evidence.policies if each.sequence < evidence.run[0].sequence]
    return [*shown, *([("policy on record", f"#{in_force[-1].sequence}")] if in_force else [])]


def _trace(evidence: Evidence) -> RunTrace:
    return trace_of(evidence.run_id, evidence.run, rules_in(evidence.rules[-1] if evidence.rules else None))


def _warehouse(evidence: Evidence) -> str:
    started = next((each.body for each in evidence.run if each.kind == RUN_STARTED), {})
    return " ".join(
        each for each in (text_of(started, "warehouse"), f"({text_of(started, 'dialect')})") if each != "()"
    )


def _coloured(colours: Mapping[str, str], word: str) -> Markup:
    return Markup(f'<span class="{colours.get(word, "plain")}">{text(words(word))}</span>')


SECTIONS: Final[tuple[Callable[[Evidence], Markup], ...]] = (
    _masthead,
    _answer,
    _reviews,
    _basis,
    what_it_relied_on,
    drafts_section,
    _findings,
    _replays,
    _grounding,
    _timeline,
    _proof,
    _how_to,
)
"""In the order of the page."""
