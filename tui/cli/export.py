"""`affidavit export`: what people have vouched for, with its lineage, for examples and for training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tui.cli.invocation import UserOption, WorkspaceOption, command_app, settings_of

if TYPE_CHECKING:
    from agent.settings import Settings
    from audit.export import AcceptedRun
    from audit.ledger import Ledger
    from memory.knowledge import Knowledge

__all__ = ["ChatFormat", "app"]

app = command_app()

OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Where to write; default: exports/ in the workspace.")
]


class ChatFormat(StrEnum):
    """Shapes that trainers read."""

    OPENAI = "openai"
    SHAREGPT = "sharegpt"
    ALPACA = "alpaca"
    CHATML = "chatml"


@dataclass(frozen=True, slots=True)
class _Vouched:
    """What may leave: the standing runs, and why others may not."""

    runs: tuple[AcceptedRun, ...]
    known: Knowledge
    ledger: Ledger
    quarantined: int
    """Left out: something they stand on has moved since they were accepted."""


@app.callback(no_args_is_help=True)
def export() -> None:
    """Write accepted runs as examples or training records.

    \b
    Examples:
      affidavit export examples
      affidavit export finetune --format sharegpt --out accepted.jsonl
    """


@app.command("examples")
def examples_command(
    ctx: typer.Context, *, out: OutOption = None, workspace: WorkspaceOption = None, user: UserOption = None
) -> None:
    """Write each accepted run as one JSON line: question, SQL, and everything that vouches for it.

    \b
    Example:
      affidavit export examples --out examples.jsonl
    """
    settings = settings_of(ctx, workspace, user)
    target = out or settings.workspace / "exports" / "examples.jsonl"
    with _vouched(settings) as vouched:
        digest = _write_lines(target, [_lineage(run, sql=run.sql, question=run.question) for run in vouched.runs])
        _finish(settings, vouched, vouched.runs, {"file": str(target), "format": "examples", "sha256": digest})


@app.command("finetune")
def finetune_command(
    ctx: typer.Context,
    *,
    chat_format: Annotated[ChatFormat, typer.Option("--format", help="The shape of a record.")] = ChatFormat.OPENAI,
    out: OutOption = None,
    workspace: WorkspaceOption = None,
    user: UserOption = None,
) -> None:
    """Write accepted runs as chat records, with the grounding the agent gives; lineage goes beside them.

    Line N of FILE.lineage.jsonl says whose review line N of FILE stands on. Questions of the baseline pack are left
    out, so that a model trained on the file can still be measured.

    \b
    Example:
      affidavit export finetune --format openai --out accepted.jsonl
    """
    from finetune.datasets.formats import to_format
    from finetune.datasets.splits import baseline_questions
    from finetune.pairs.pair import normalised

    settings = settings_of(ctx, workspace, user)
    target = out or settings.workspace / "exports" / f"accepted.{chat_format.value}.jsonl"
    held_out = {normalised(question) for question in baseline_questions(settings.workspace / "baseline.jsonl")}
    with _vouched(settings) as vouched:
        runs = [run for run in vouched.runs if normalised(run.question) not in held_out]
        messages = _messages(settings, vouched.known)
        digest = _write_lines(target, [to_format(messages(run), chat_format.value) for run in runs])
        _write_lines(target.with_name(f"{target.name}.lineage.jsonl"), [_lineage(run) for run in runs])
        body = {"file": str(target), "format": chat_format.value, "sha256": digest}
        _finish(settings, vouched, runs, body)


@contextmanager
def _vouched(settings: Settings) -> Iterator[_Vouched]:
    """Read the standing runs from the ledger, every review checked anew."""
    from agent.services import open_ledger
    from agent.warehouse.policy import load_policy
    from audit.export import accepted_runs
    from memory.knowledge import open_knowledge
    from memory.store import MemoryStore

    policy = load_policy(settings.workspace / "policy.yaml")
    with (
        open_ledger(settings, create=False) as ledger,
        MemoryStore.open(settings.memory.url or settings.state_dir / "chroma") as store,
    ):
        metrics = settings.workspace / "metrics.yaml"
        known = open_knowledge(store, settings.state_dir, metrics, withhold=policy.withheld)
        moved = known.verified.quarantined()
        runs = accepted_runs(ledger)
        usable = tuple(run for run in runs if run.run_id not in moved)
        yield _Vouched(usable, known, ledger, len(runs) - len(usable))


def _messages(settings: Settings, known: Knowledge) -> Callable[[AcceptedRun], tuple[tuple[str, str], ...]]:
    """What turns a run into the conversation a model would have had: the very prompt it is served with."""
    from agent.model.connect import prompt_style
    from agent.model.prompts import build_messages
    from agent.run import Grounding, Piece

    style = prompt_style(settings.model)

    def messages(run: AcceptedRun) -> tuple[tuple[str, str], ...]:
        found = known.retriever.retrieve(run.question, max_pieces=settings.memory.max_pieces, dialect=run.dialect)
        pieces = tuple(
            Piece(piece.kind, piece.id, piece.version, piece.text, piece.score)
            for piece in found.pieces
            if piece.kind != "example"  # it may be this very run
        )
        grounding = Grounding(pieces, found.catalog_fingerprint, found.semantics_fingerprint)
        prompt = build_messages(run.question, grounding, style=style, dialect=run.dialect)
        return (*((str(each["role"]), str(each["content"])) for each in prompt), ("assistant", run.sql))

    return messages


def _lineage(run: AcceptedRun, **more: str) -> dict[str, Any]:
    return more | {key: value for key, value in asdict(run).items() if key not in {"sql", "question"}}


def _write_lines(path: Path, records: Sequence[dict[str, Any]]) -> str:
    """Write JSON lines whole or not at all; gives the sha256 of what was written."""
    content = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
    return hashlib.sha256(content).hexdigest()


def _finish(settings: Settings, vouched: _Vouched, written: Sequence[AcceptedRun], body: dict[str, Any]) -> None:
    """Put the export on the record, with the runs that were written, then say what was done."""
    from tui.cli.console import facts

    run_ids = [run.run_id for run in written]
    held_out = len(vouched.runs) - len(written)
    vouched.ledger.append("export", {**body, "run_ids": run_ids, "held_out": held_out}, actor=settings.user)
    facts(
        [
            ("written to", body["file"]),
            ("accepted runs", len(written)),
            ("left out", f"{vouched.quarantined} in quarantine, {held_out} of the baseline pack"),
            ("sha256", body["sha256"]),
        ]
    )
