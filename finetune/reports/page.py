"""An evaluation as one HTML page for people.

The page stands alone: styles, charts and figures are inside it, nothing is fetched and no script runs, so it can be
mailed, archived beside the ledger, and read in ten years.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from finetune.evaluation.attempts import Attempt, EvalReport
from finetune.evaluation.figures import ModeFigures, ReportFigures, figures_of
from finetune.reports.charts import accuracy_chart, outcome_chart, stage_chart
from finetune.reports.confidence_charts import reliability_chart, risk_chart
from finetune.reports.rows import (
    accident_sentence,
    groups,
    headline,
    opinion_sentence,
    paired_sentence,
    repeat_rows,
    risk_rows,
    summary,
    threshold_sentence,
    with_interval,
)

__all__ = ["report_html"]

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
.chart,.wide{overflow-x:auto}.chart svg{width:100%;min-width:30rem;height:auto;font:13px system-ui,
sans-serif}svg text{fill:var(--ink)}svg .label{font-weight:600}
svg .tick{fill:var(--soft)}svg .grid{stroke:var(--line)}svg .whisker{stroke:var(--ink);stroke-width:1.5;fill:none}
svg .on-bar{fill:var(--on);font-weight:600}
.agent{fill:var(--agent)}.direct{fill:var(--direct)}.right{fill:var(--right);color:var(--right)}
.wrong{fill:var(--wrong);color:var(--wrong)}.withheld{fill:var(--withheld)}
svg .line{fill:none;stroke-width:2}.line.agent{stroke:var(--agent)}.line.direct{stroke:var(--direct)}
svg .aim{stroke:var(--soft);stroke-dasharray:5 4;fill:none}svg .ring{fill:none;stroke:var(--ink);stroke-width:2}
summary{cursor:pointer}summary:focus-visible{outline:2px solid var(--agent)}
"""


def report_html(report: EvalReport) -> str:
    """One self-contained page."""
    figures = figures_of(report)
    title = f"Evaluation of {report.subject.model}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="soft">{len(report.questions)} questions, finished {escape(report.finished)}</p>',
        f'<p class="lead">{escape(headline(figures))}</p>',
        "<h2>Accuracy</h2>",
        _chart(accuracy_chart(figures)),
        "<h2>Answers</h2>",
        _chart(outcome_chart(figures)),
        _per_mode("", figures, summary(figures)),
        *([f"<p>{escape(paired_sentence(figures.paired))}</p>"] if figures.paired else []),
        *_repeat_section(figures),
        *_accident_section(figures, report),
        *_confidence_section(figures, report),
        *_opinion_section(figures, report),
        "<h2>By tag</h2>",
        _per_mode("tag", figures, groups([mode.by_tag for mode in figures.modes])),
        *_error_section(figures),
        "<h2>Latency by stage</h2>",
        *(f"<h3>{mode.mode}: median / p95</h3>{_chart(stage_chart(mode))}" for mode in figures.modes if mode.stages),
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


def _confidence_section(figures: ReportFigures, report: EvalReport) -> list[str]:
    """What a threshold would show, and whether a confidence means what it says."""
    parts = [
        "<h2>What confidence is worth</h2>",
        _chart(risk_chart(figures, report.subject.min_confidence)),
        f"<p>{escape(threshold_sentence(figures.modes[0]))}</p>",
    ]
    for mode in figures.modes:
        if mode.risk_curve.points:
            table = _table(["min_confidence", "coverage", "wrong among shown"], risk_rows(mode))
            parts.append(f"<details><summary>{mode.mode}: thresholds</summary>{table}</details>")
    first = figures.modes[0]
    if first.calibration.bins:
        rows = [
            [f"{b.low:.1f} to {b.high:.1f}", f"{b.mean_confidence:.3f}", with_interval(b.right)]
            for b in first.calibration.bins
        ]
        parts += [
            f"<h3>Is it calibrated? ({first.mode})</h3>",
            _chart(reliability_chart(first)),
            _table(["confidence", "mean", "right"], rows),
        ]
    return parts


def _repeat_section(figures: ReportFigures) -> list[str]:
    rows = repeat_rows(figures)
    times = next((mode.repeated.times for mode in figures.modes if mode.repeated), 0)
    told = f"<p>Each question was asked {times} times; all other figures are those of the first time.</p>"
    return ["<h2>Asked again</h2>", told, _per_mode("", figures, rows)] if rows else []


def _accident_section(figures: ReportFigures, report: EvalReport) -> list[str]:
    if not report.elsewhere:
        return []
    told = (f"<p>{escape(accident_sentence(mode, report))}</p>" for mode in figures.modes)
    return ["<h2>On other warehouses</h2>", *told]


def _opinion_section(figures: ReportFigures, report: EvalReport) -> list[str]:
    told = [
        f"<p>{escape(opinion_sentence(mode, mode.opinions, report.judge))}</p>"
        for mode in figures.modes
        if mode.opinions is not None
    ]
    return ["<h2>What another model says</h2>", *told] if told else []


def _chart(drawn: str) -> str:
    return f'<div class="chart">{drawn}</div>' if drawn else ""


def _per_mode(name: str, figures: ReportFigures, rows: Iterable[tuple[str, Sequence[str]]]) -> str:
    return _table([name, *(mode.mode for mode in figures.modes)], [[first, *cells] for first, cells in rows])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = [
        f'<tr><th scope="row">{escape(row[0])}</th>' + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:]) + "</tr>"
        for row in rows
    ]
    body = "".join(lines)
    return f'<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table></div>'


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
    withheld = {True: "<br>The draft is right.", False: "<br>The draft is wrong.", None: ""}[attempt.withheld_right]
    sql = f"<pre>{escape(attempt.sql)}</pre>" if attempt.sql else '<p class="soft">no SQL</p>'
    return (
        f"<tr><td>{escape(question)}<details><summary>SQL</summary>{sql}"
        f'<p class="soft">gold</p><pre>{escape(gold)}</pre>'
        f'<p class="soft">confidence {attempt.confidence:.2f}, run {escape(attempt.run_id)}</p></details></td>'
        f'<td><strong class="{css}">{escape(verdict)}</strong><br>{escape(attempt.reason)}{withheld}</td>'
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
        ["min_confidence", "not kept" if subject.min_confidence is None else f"{subject.min_confidence:g}"],
        ["asked", "once" if report.repeat == 1 else f"{report.repeat} times"],
        ["other warehouses", ", ".join(report.elsewhere) or "none"],
        ["judge model", report.judge or "none"],
        ["pack sha256", report.pack_hash],
        ["gold results sha256", report.gold_hash],
        ["Affidavit", subject.version],
        ["started", report.started],
        ["finished", report.finished],
        ["resumed attempts", str(report.resumed)],
    ]
    return _table(["what", "value"], rows)
