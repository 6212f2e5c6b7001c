"""How one answer is printed for a person: what was run, what came back, and how far to trust it.

An abstained run shows its best draft too, but never in a way that could be taken for an answer.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.run import Answer, RunStatus
from tui.cli.console import STATUS_STYLES, put, table
from tui.sql_layout import laid_out
from tui.text import clipped, percent, printable, printable_lines, seconds

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

__all__ = ["EXIT_CODES", "print_answer"]

EXIT_CODES: Final = {
    RunStatus.ANSWERED: 0,
    RunStatus.NEEDS_CLARIFICATION: 3,
    RunStatus.ABSTAINED: 4,
    RunStatus.REFUSED: 5,
    RunStatus.FAILED: 6,
}
_HEADS: Final = {
    RunStatus.ANSWERED: "answered",
    RunStatus.NEEDS_CLARIFICATION: "needs clarification",
    RunStatus.ABSTAINED: "abstained: no answer was good enough to give",
    RunStatus.REFUSED: "refused",
    RunStatus.FAILED: "failed",
}
_MARKS: Final = {"info": "·", "warning": "!", "error": "✗"}
_MAX_ROWS: Final = 50
_MAX_QUESTION: Final = 200
_STAGES_SHOWN: Final = 3
_BEFORE_WORK: Final = ("open", "model_start")
_NOTICED_MS: Final = 300.0


def print_answer(answer: Answer, *, workspace: Path | None = None, max_rows: int = _MAX_ROWS) -> None:
    """Print one answer on stdout; at most `max_rows` rows, and says so when there are more."""
    from rich.console import Group

    sections = [_head(answer), _sql(answer), _rows(answer, max_rows), _error(answer), _trust(answer, workspace)]
    spaced = [part for section in sections if section is not None for part in ("", section)]
    put(Group(*spaced[1:]))


def _head(answer: Answer) -> RenderableType:
    from rich.text import Text

    style = STATUS_STYLES.get(answer.status.value, "")
    question = clipped(answer.question, _MAX_QUESTION) or "(an empty question)"
    head = Text.assemble((question, "bold"), "\n", ("● ", style), (_HEADS[answer.status], style))
    if answer.status in {RunStatus.ANSWERED, RunStatus.ABSTAINED}:
        head.append(f"   confidence {percent(answer.confidence)}")
    return head


def _sql(answer: Answer) -> RenderableType | None:
    from rich.console import Group
    from rich.padding import Padding
    from rich.syntax import Syntax
    from rich.text import Text

    if not answer.sql:
        return None
    code = printable_lines(laid_out(answer.sql))
    body = Padding(Syntax(code, "sql", theme="ansi_dark", word_wrap=True, background_color="default"), (0, 0, 0, 2))
    if answer.status is RunStatus.ANSWERED:
        return body
    return Group(Text("  UNVERIFIED draft: not an answer, shown so that it can be judged", style="bold yellow"), body)


def _rows(answer: Answer, max_rows: int) -> RenderableType | None:
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    if not answer.columns:
        return None
    count = f"  {answer.row_count} row{'' if answer.row_count == 1 else 's'}"
    if len(answer.rows) > max_rows:
        count += f", the first {max_rows} shown; --format json prints all"
    if answer.truncated:
        count += "; CUT at the workspace's row or byte cap, so do not add these up"
    shown = [Padding(table(answer.columns, answer.rows[:max_rows]), (0, 0, 0, 2))] if answer.rows else []
    return Group(*shown, Text(count, style="dim"))


def _error(answer: Answer) -> RenderableType | None:
    from rich.text import Text

    if answer.error is None:
        return None
    said = Text.assemble(("  ✗ ", STATUS_STYLES.get(answer.status.value, "red")), printable_lines(answer.error.message))
    if answer.error.hint:
        said.append_text(Text.assemble("\n", ("  What to do: ", "bold"), printable_lines(answer.error.hint)))
    return said


def _trust(answer: Answer, workspace: Path | None) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("  checks", _checks(answer))
    if answer.assumptions:
        grid.add_row("  assumes", Text("\n".join(printable(assumption) for assumption in answer.assumptions)))
    if answer.origin or answer.model:
        grid.add_row("  origin", Text(" · ".join(printable(part) for part in _origin_parts(answer))))
    if answer.run_id:
        grid.add_row("  run", Text(answer.run_id, style="bold"))
        grid.add_row(*_next_command(answer, workspace))
    return grid


def _checks(answer: Answer) -> Text:
    from rich.text import Text

    if not answer.findings:
        answered = answer.status is RunStatus.ANSWERED
        return Text("nothing found", style="green") if answered else Text("no result to check")
    return Text("\n").join(
        Text.assemble(
            (f"{_MARKS[finding.severity]} {printable(finding.check)}: ", STATUS_STYLES[finding.severity]),
            printable_lines(finding.message),
        )
        for finding in answer.findings
    )


def _next_command(answer: Answer, workspace: Path | None) -> tuple[str, Text]:
    """What somebody would type next: have an answer reviewed, or see why there is none."""
    from rich.text import Text

    where = "" if workspace in (None, Path.cwd()) else f" -w {_shown(workspace)}"
    if answer.sql and answer.status in {RunStatus.ANSWERED, RunStatus.ABSTAINED}:
        return "  review", Text(f"affidavit review accept {answer.run_id} --as REVIEWER{where}", style="cyan")
    return "  see", Text(f"affidavit runs show {answer.run_id}{where}", style="cyan")


def _shown(folder: Path | None) -> str:
    """A folder as one would type it from here."""
    if folder is None:
        return "."
    return shlex.quote(str(folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder))


def _origin_parts(answer: Answer) -> list[str]:
    parts = [part for part in (answer.origin.replace("_", " "), answer.model) if part]
    total = answer.timings_ms.get("total") or sum(answer.timings_ms.values())
    if total:
        stages = ", ".join(f"{stage.replace('_', ' ')} {seconds(spent)}" for stage, spent in _slowest(answer))
        parts.append(f"{seconds(total)} ({stages})" if stages else seconds(total))
    return parts


def _slowest(answer: Answer) -> list[tuple[str, float]]:
    """The stages worth naming: the three slowest, and what came before the work only if somebody noticed it."""
    stages = [
        (stage, spent)
        for stage, spent in answer.timings_ms.items()
        if stage != "total" and (stage not in _BEFORE_WORK or spent > _NOTICED_MS)
    ]
    return sorted(stages, key=lambda item: -item[1])[:_STAGES_SHOWN]
