"""How an adapter came to be: `report.json` for programs and `report.html` for people, beside the adapter.

The page stands alone, as an evaluation's does: styles and curves are inside it, nothing is fetched, no script runs.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from agent.errors import ErrorClass, UsageError
from finetune.reports.curves import Curve, curve_chart

__all__ = ["Curves", "TrainReport", "run_page", "write_run_report"]

Points = list[tuple[int, float]]

_STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1a1c20;--soft:#5b616e;--line:#d9dce3;--first:#1d5fbf;--mark:#1b7a3d}
@media(prefers-color-scheme:dark){:root{--paper:#14161a;--ink:#e8eaf0;--soft:#a3a9b8;--line:#353a45;--first:#7fb0ff;
--mark:#6fd08c}}
body{background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;
padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin-top:2.2rem}p.lead{font-size:1.1rem}
.soft{color:var(--soft)}
table{border-collapse:collapse;width:100%;font-size:.9rem;margin:.6rem 0}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top;
overflow-wrap:anywhere}th{font-weight:600;white-space:nowrap}
svg{width:100%;height:auto;font:13px system-ui,sans-serif}svg text{fill:var(--ink)}svg .tick{fill:var(--soft)}
svg .grid{stroke:var(--line)}svg .curve{stroke:var(--first);stroke-width:1.8;fill:none}svg .dot{fill:var(--first)}
svg .raw{stroke:var(--first);stroke-width:1;fill:none;opacity:.3}svg .mark{stroke:var(--mark);stroke-width:1.5;
stroke-dasharray:4 3}svg .mark-text{fill:var(--mark)}
"""


@dataclass
class Curves:
    """What was measured on the way, each as (step, value)."""

    train_loss: Points = field(default_factory=list)
    """Mean cross-entropy per completion token of the step's batch, in nats."""
    valid_loss: Points = field(default_factory=list)
    """The same of the validation examples."""
    learning_rate: Points = field(default_factory=list)
    tokens_per_s: Points = field(default_factory=list)
    accuracy: Points = field(default_factory=list)
    """Execution accuracy of the served adapter on the validation sample, 0..1."""

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Curves:
        """The curves that `asdict` made an object of."""
        return cls(**{name: [(int(step), float(value)) for step, value in points] for name, points in content.items()})


@dataclass(frozen=True, slots=True)
class TrainReport:
    """How an adapter came to be."""

    adapter: str
    adapter_sha256: str
    adapter_bytes: int
    base: str
    base_sha256: str
    dataset_sha256: str
    examples: int
    steps: int
    """Done; fewer than `planned_steps` when the run was stopped early."""
    planned_steps: int
    kept_step: int
    """The step whose weights the adapter holds: the most accurate one, or the last where accuracy was not measured."""
    sample: int
    """Questions that execution accuracy was measured on; 0 where it was not."""
    tokens: int
    seconds: float
    """Of training alone: neither validation nor evaluation is in it."""
    device: str
    dtype: str
    options: dict[str, Any]
    train_loss: tuple[tuple[int, float], ...]
    valid_loss: tuple[tuple[int, float], ...]
    learning_rate: tuple[tuple[int, float], ...]
    tokens_per_s: tuple[tuple[int, float], ...]
    accuracy: tuple[tuple[int, float], ...]
    parity: dict[str, float]
    """The served adapter against the trainer's own model: see `finetune.trainers.parity`."""

    @property
    def stopped_early(self) -> bool:
        """Whether accuracy had stopped rising, or time was up, before the plan was done."""
        return self.steps < self.planned_steps


def write_run_report(report: TrainReport, folder: Path) -> tuple[Path, Path]:
    """Write `report.json` and `report.html` into `folder`; gives their paths.

    Raises:
        UsageError: they cannot be written.
    """
    paths = folder / "report.json", folder / "report.html"
    try:
        for path, content in zip(paths, (json.dumps(asdict(report), indent=2) + "\n", run_page(report)), strict=True):
            draft = path.with_suffix(path.suffix + ".partial")
            draft.write_text(content, encoding="utf-8")
            draft.replace(path)
    except OSError as error:
        raise UsageError(
            ErrorClass.WORKSPACE, f"Cannot write the report to {folder}: {error}.", "Check the disk."
        ) from error
    return paths


def run_page(report: TrainReport) -> str:
    """One self-contained page with every curve."""
    title = f"Training of {Path(report.base).stem}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="lead">{escape(_headline(report))}</p>',
        *_charts(report),
        "<h2>What was trained, on what</h2>",
        _table(_facts(report)),
        "<h2>Options</h2>",
        _table([(name, str(value)) for name, value in report.options.items()]),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>\n"
        + "\n".join(body)
        + "\n</main></body></html>\n"
    )


def _headline(report: TrainReport) -> str:
    told = f"{report.examples} examples, {report.tokens} tokens, {report.steps} steps in {report.seconds:.0f} s."
    if report.stopped_early:
        limit = report.options.get("max_minutes") or math.inf
        why = "its time was up" if report.seconds + 0.1 > 60 * limit else "accuracy had not risen for a while"
        told += f" Stopped before step {report.planned_steps}: {why}."
    if report.accuracy:
        share = dict(report.accuracy)[report.kept_step]
        told += f" The adapter is that of step {report.kept_step}: {share:.0%} of {report.sample} validation questions."
    return told


def _charts(report: TrainReport) -> list[str]:
    kept = report.kept_step if report.accuracy else None
    curves = (
        Curve("train-loss", "Training loss (nats per token of SQL)", report.train_loss, smooth=True),
        Curve("valid-loss", "Validation loss (nats per token of SQL)", report.valid_loss),
        Curve("accuracy", f"Execution accuracy on {report.sample} validation questions", report.accuracy, "{:.0%}"),
        Curve("learning-rate", "Learning rate", report.learning_rate, "{:.1e}"),
        Curve("speed", "Tokens per second", report.tokens_per_s, "{:.0f}", smooth=True),
    )
    return [
        f"<h2>{escape(curve.title)}</h2>{curve_chart(curve, last_step=report.steps, marked=kept)}"
        for curve in curves
        if curve.points
    ]


def _facts(report: TrainReport) -> list[tuple[str, str]]:
    return [
        ("adapter", f"{report.adapter}, {report.adapter_bytes / 1e6:.1f} MB, sha256 {report.adapter_sha256}"),
        ("base model", f"{report.base}, sha256 {report.base_sha256}"),
        ("dataset sha256", report.dataset_sha256),
        ("computed on", f"{report.device}, {report.dtype}"),
        ("served against trained", ", ".join(f"{name} {value:.4g}" for name, value in report.parity.items())),
    ]


def _table(rows: list[tuple[str, str]]) -> str:
    lines = (f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in rows)
    return f"<table><tbody>{''.join(lines)}</tbody></table>"
