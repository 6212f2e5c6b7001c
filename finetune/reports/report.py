"""An evaluation written down: a plain-text table for the terminal, JSON for machines, a page for people."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.errors import ErrorClass, UsageError
from finetune.evaluation.attempts import EvalReport
from finetune.evaluation.figures import ReportFigures, figures_of
from finetune.reports.page import report_html
from finetune.reports.rows import (
    accident_sentence,
    groups,
    opinion_sentence,
    paired_sentence,
    repeat_rows,
    summary,
    threshold_sentence,
)

__all__ = ["read_report", "report_json", "report_text", "write_report"]

_TEXT_WIDTH = 100
_MAX_TAGS = 24
"""Tags shown in the terminal; a pack of generated pairs may have hundreds."""


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
    tags = groups([mode.by_tag for mode in figures.modes], "tag ")
    rows = [("", *(mode.mode for mode in figures.modes))]
    rows += [(name, *cells) for name, cells in summary(figures)]
    rows += [("", *[""] * len(figures.modes))]
    rows += [(name, *cells) for name, cells in repeat_rows(figures)]
    rows += [(name, *cells) for name, cells in groups([mode.by_difficulty for mode in figures.modes], "difficulty ")]
    rows += [(name, *cells) for name, cells in tags[:_MAX_TAGS]]
    lines += _aligned(rows)
    if len(tags) > _MAX_TAGS:
        lines.append(f"({len(tags) - _MAX_TAGS} more tags are in the report)")
    for sentence in _sentences(figures, report):
        lines += ["", *textwrap.wrap(sentence, _TEXT_WIDTH)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def report_json(report: EvalReport) -> str:
    """The report and its figures as one JSON object; `read_report` reads it back."""
    content = {"figures": figures_of(report).to_json(), **report.to_json()}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


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
    """Read a `report.json`, or the one in a folder, back, to show it again or to compare it.

    Raises:
        UsageError: it cannot be read or is not an evaluation report.
    """
    path = path / "report.json" if path.is_dir() else path
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(ErrorClass.WORKSPACE, f"Cannot read {path}: {error}.", "Name a report's JSON file.") from error
    return EvalReport.from_json(content if isinstance(content, dict) else {})


def _sentences(figures: ReportFigures, report: EvalReport) -> Iterator[str]:
    if figures.paired is not None:
        yield paired_sentence(figures.paired)
    yield threshold_sentence(figures.modes[0])
    for mode in figures.modes:
        if report.elsewhere:
            yield accident_sentence(mode, report)
        if mode.opinions is not None:
            yield opinion_sentence(mode, mode.opinions, report.judge)
        if mode.error_classes:
            counted = ", ".join(f"{name} {count}" for name, count in mode.error_classes.items())
            yield f"error classes ({mode.mode}): {counted}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
