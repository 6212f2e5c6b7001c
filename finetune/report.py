"""An evaluation made readable: a plain-text table for the terminal, JSON for machines, one HTML page for people.

The page stands alone: styles, charts and figures are inside it, nothing is fetched and no script runs, so it can be
mailed, archived beside the ledger, and read in ten years.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from agent.errors import ErrorClass, UsageError
from finetune.charts import accuracy_chart, outcome_chart, stage_chart
from finetune.evaluation import Attempt, EvalReport
from finetune.figures import Group, ModeFigures, Paired, ReportFigures, figures_of
from finetune.statistics import Proportion

__all__ = ["paired_sentence", "read_report", "report_html", "report_json", "report_text", "write_report"]

_TEXT_WIDTH = 100
_STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1a1c20;--soft:#5b616e;--line:#d9dce3;--panel:#f5f6f9;
--agent:#1d5fbf;--direct:#9a6a00;--right:#1b7a3d;--wrong:#b3261e;--withheld:#8b91a0;--on:#fff}
@media(prefers-color-scheme:dark){:root{--paper:#14161a;--ink:#e8eaf0;--soft:#a3a9b8;--line:#353a45;--panel:#1d2026;
--agent:#7fb0ff;--direct:#e0b04f;--right:#6fd08c;--wrong:#ff8a80;--withheld:#7d8494;--on:#101215}}
body{background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;
padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin-top:2.2rem}p.lead{font-size:1.1rem}
.soft{color:var(--soft)}
table{border-collapse:collapse;width:100%;font-size:.9rem;margin:.6rem 0}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
code,pre{font-family:ui-monospace,monospace;font-size:.82rem}pre{background:var(--panel);padding:.6rem;overflow-x:auto;
white-space:pre-wrap;margin:.3rem 0}td code{overflow-wrap:anywhere}
svg{width:100%;height:auto;font:13px system-ui,sans-serif}svg text{fill:var(--ink)}svg .label{font-weight:600}
svg .tick{fill:var(--soft)}svg .grid{stroke:var(--line)}svg .whisker{stroke:var(--ink);stroke-width:1.5;fill:none}
svg .on-bar{fill:var(--on);font-weight:600}
.agent{fill:var(--agent)}.direct{fill:var(--direct)}.right{fill:var(--right);color:var(--right)}
.wrong{fill:var(--wrong);color:var(--wrong)}.withheld{fill:var(--withheld)}
summary{cursor:pointer}summary:focus-visible{outline:2px solid var(--agent)}
"""


def report_text(report: EvalReport) -> str:
    """The figures as a plain table, made for a terminal of 100 columns."""
    figures = figures_of(report)
    subject = report.subject
    lines = [
        f"model      {subject.model} ({subject.model_hash[:12]})",
        f"adapter    {subject.adapter or 'none'}, dataset {subject.dataset_hash[:12] or 'none'}",
        f"warehouse  {subject.warehouse} ({subject.dialect})",
        f"           catalog {subject.catalog_fingerprint[:12]}, semantics {subject.semantics_fingerprint[:12]}",
        f"pack       {len(report.questions)} questions ({report.pack_hash[:12]}), finished {report.finished}",
        "",
    ]
    rows = [("", *(mode.mode for mode in figures.modes))]
    rows += [(name, *cells) for name, cells in _summary(figures)]
    rows += [("", *[""] * len(figures.modes))]
    rows += [(name, *cells) for name, cells in _groups([mode.by_difficulty for mode in figures.modes], "difficulty ")]
    rows += [(name, *cells) for name, cells in _groups([mode.by_tag for mode in figures.modes], "tag ")]
    lines += _aligned(rows)
    if figures.paired is not None:
        lines += ["", *textwrap.wrap(paired_sentence(figures.paired), _TEXT_WIDTH)]
    for mode in figures.modes:
        if mode.error_classes:
            counted = ", ".join(f"{name} {count}" for name, count in mode.error_classes.items())
            lines += ["", *textwrap.wrap(f"error classes ({mode.mode}): {counted}", _TEXT_WIDTH)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def report_json(report: EvalReport) -> str:
    """The report and its figures as one JSON object; `read_report` reads it back."""
    content = {"figures": figures_of(report).to_json(), **report.to_json()}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def report_html(report: EvalReport) -> str:
    """One self-contained page."""
    figures = figures_of(report)
    title = f"Evaluation of {report.subject.model}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="soft">{len(report.questions)} questions, finished {escape(report.finished)}</p>',
        f'<p class="lead">{escape(_headline(figures))}</p>',
        "<h2>Accuracy</h2>",
        accuracy_chart(figures),
        "<h2>Answers</h2>",
        outcome_chart(figures),
        _table(["", *(mode.mode for mode in figures.modes)], [[name, *cells] for name, cells in _summary(figures)]),
        *([f"<p>{escape(paired_sentence(figures.paired))}</p>"] if figures.paired else []),
        "<h2>By tag</h2>",
        _table(
            ["tag", *(mode.mode for mode in figures.modes)],
            [[name, *cells] for name, cells in _groups([mode.by_tag for mode in figures.modes])],
        ),
        *_error_section(figures),
        "<h2>Latency by stage</h2>",
        *(f"<h3>{mode.mode}: median / p95</h3>{stage_chart(mode)}" for mode in figures.modes if mode.stages),
        "<h2>Every question</h2>",
        *(_questions_table(report, mode) for mode in figures.modes),
        "<h2>What was evaluated</h2>",
        _provenance(report),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>\n"
        + "\n".join(part for part in body if part)
        + "\n</main></body></html>\n"
    )


def write_report(report: EvalReport, folder: Path) -> tuple[Path, Path]:
    """Write `report.json` and `report.html` into `folder`; gives their paths.

    Raises:
        UsageError: the folder or a file in it cannot be written.
    """
    paths = folder / "report.json", folder / "report.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in zip(paths, (report_json(report), report_html(report)), strict=True):
            draft = path.with_suffix(path.suffix + ".partial")
            draft.write_text(content, encoding="utf-8")
            draft.replace(path)
    except OSError as error:
        raise UsageError(
            ErrorClass.WORKSPACE, f"Cannot write the report to {folder}: {error}.", "Name another folder."
        ) from error
    return paths


def read_report(path: Path) -> EvalReport:
    """Read a `report.json` back, to show it again or to compare it.

    Raises:
        UsageError: it cannot be read or is not an evaluation report.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(ErrorClass.WORKSPACE, f"Cannot read {path}: {error}.", "Name a report's JSON file.") from error
    return EvalReport.from_json(content if isinstance(content, dict) else {})


def paired_sentence(paired: Paired) -> str:
    """The paired comparison in one sentence."""
    return (
        f"Agent against direct on the same questions: both right {paired.both}, agent alone {paired.only_agent}, "
        f"direct alone {paired.only_direct}, neither {paired.neither}; McNemar's exact test p = {paired.p_value:.2g}."
    )


# --- what is shown, whatever the form ------------------------------------------------------------------------


def _headline(figures: ReportFigures) -> str:
    first = figures.modes[0]
    text = (
        f"The {first.mode} answered {first.accuracy.count} of {first.accuracy.total} questions rightly "
        f"({_share(first.accuracy)}); {first.wrong_among_answered.count} of {first.coverage.count} answers shown were "
        f"wrong."
    )
    if len(figures.modes) > 1:
        text += f" The same model asked directly: {figures.modes[1].accuracy.count}."
    return text


def _summary(figures: ReportFigures) -> list[tuple[str, list[str]]]:
    modes = figures.modes
    return [
        ("execution accuracy", [_with_interval(mode.accuracy) for mode in modes]),
        ("coverage", [_with_interval(mode.coverage) for mode in modes]),
        ("wrong among answered", [_with_interval(mode.wrong_among_answered) for mode in modes]),
        ("right but withheld", [str(mode.withheld_right) for mode in modes]),
        ("latency median / p95", [f"{mode.latency.median:,.0f} / {mode.latency.p95:,.0f} ms" for mode in modes]),
        ("answers from", [_counts(mode.origins) for mode in modes]),
    ]


def _groups(per_mode: Sequence[Sequence[Group]], prefix: str = "") -> list[tuple[str, list[str]]]:
    """One row per group; every mode was asked the same questions, so groups are the same in the same order."""
    return [
        (prefix + groups[0].name, [_with_count(group.accuracy) for group in groups])
        for groups in zip(*per_mode, strict=True)
    ]


def _share(share: Proportion) -> str:
    return f"{share.value:.1%}, 95 % interval {share.low:.1%} to {share.high:.1%}"


def _with_interval(share: Proportion) -> str:
    return f"{share.value:6.1%}  {share.count}/{share.total}  [{share.low:.1%}, {share.high:.1%}]"


def _with_count(share: Proportion) -> str:
    return f"{share.value:6.1%}  {share.count}/{share.total}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "nothing"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


# --- HTML ----------------------------------------------------------------------------------------------------


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = [
        f'<tr><th scope="row">{escape(row[0])}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:]) + "</tr>"
        for row in rows
    ]
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _error_section(figures: ReportFigures) -> list[str]:
    classes = sorted({name for mode in figures.modes for name in mode.error_classes})
    if not classes:
        return []
    rows = [[name, *(str(mode.error_classes.get(name, 0)) for mode in figures.modes)] for name in classes]
    return ["<h2>Error classes</h2>", _table(["class", *(mode.mode for mode in figures.modes)], rows)]


def _questions_table(report: EvalReport, mode: ModeFigures) -> str:
    questions = {question.id: question for question in report.questions}
    lines = [
        _question_row(questions[attempt.id].question, questions[attempt.id].sql, attempt)
        for attempt in report.of_mode(mode.mode)
    ]
    return (
        f"<details><summary>{mode.mode}: {len(lines)} questions</summary><table><thead><tr>"
        '<th scope="col">question</th><th scope="col">outcome</th><th scope="col" class="n">ms</th>'
        f"</tr></thead><tbody>{''.join(lines)}</tbody></table></details>"
    )


def _question_row(question: str, gold: str, attempt: Attempt) -> str:
    verdict, css = ("right", "right") if attempt.right else ("wrong", "wrong")
    if not attempt.answered:
        verdict, css = attempt.status, "soft"
    sql = f"<pre>{escape(attempt.sql)}</pre>" if attempt.sql else '<p class="soft">no SQL</p>'
    return (
        f"<tr><td>{escape(question)}<details><summary>SQL</summary>{sql}"
        f'<p class="soft">gold</p><pre>{escape(gold)}</pre>'
        f'<p class="soft">run {escape(attempt.run_id)}</p></details></td>'
        f'<td><strong class="{css}">{escape(verdict)}</strong><br>{escape(attempt.reason)}</td>'
        f'<td class="n">{attempt.latency_ms:,.0f}</td></tr>'
    )


def _provenance(report: EvalReport) -> str:
    subject = report.subject
    rows = [
        ["model", subject.model],
        ["model sha256", subject.model_hash],
        ["adapter", subject.adapter or "none"],
        ["dataset sha256", subject.dataset_hash or "none"],
        ["warehouse", f"{subject.warehouse} ({subject.dialect})"],
        ["catalog fingerprint", subject.catalog_fingerprint],
        ["semantics fingerprint", subject.semantics_fingerprint],
        ["pack sha256", report.pack_hash],
        ["gold results sha256", report.gold_hash],
        ["Affidavit", subject.version],
        ["started", report.started],
        ["finished", report.finished],
        ["resumed attempts", str(report.resumed)],
    ]
    return _table(["what", "value"], rows)
