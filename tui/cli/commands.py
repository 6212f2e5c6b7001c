"""The table of commands, each loaded only when it is the one asked for.

`affidavit --help` must answer at once, so it reads this table and imports none of the modules named in it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

import typer
from typer.core import TyperGroup

__all__ = ["COMMANDS", "CommandEntry", "LazyGroup", "load_command"]


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """Where a command lives and what `--help` says of it before it is loaded."""

    name: str
    section: str
    purpose: str
    more: tuple[str, ...] = ()
    """Further modules of `tui.cli` that add commands to the group's `app` when they are imported."""

    @property
    def module(self) -> str:
        """The module whose `app` is this command."""
        return f"tui.cli.{self.name}"


COMMANDS: Final[dict[str, CommandEntry]] = {
    entry.name: entry
    for entry in (
        CommandEntry("init", "Ask", "Make a workspace, for your own database or with the demo's."),
        CommandEntry("ask", "Ask", "Answer questions from the warehouse, each on the record."),
        CommandEntry("chat", "Ask", "Open the chat: ask, watch each step, review and sign."),
        CommandEntry(
            "runs",
            "Vouch",
            "List runs, show everything that happened in one, and replay answers.",
            more=("runs_replay",),
        ),
        CommandEntry(
            "review",
            "Vouch",
            "Accept, amend, reject or revoke a run, signed by name.",
            more=("review_impact", "review_queue"),
        ),
        CommandEntry("identity", "Vouch", "Make keys, enrol the people who sign with them, and retire them."),
        CommandEntry(
            "audit",
            "Vouch",
            "Verify the ledger, sign checkpoints of its head, and prove what is on it.",
            more=("audit_evidence", "audit_init"),
        ),
        CommandEntry("privacy", "Vouch", "List whom the record is about, and erase what it says of one of them."),
        CommandEntry("export", "Vouch", "Write accepted runs as examples or training records."),
        CommandEntry("memory", "Learn", "Sync, search and show what the model is told."),
        CommandEntry(
            "pairs",
            "Learn",
            "Generate validated question-SQL pairs from templates.",
            more=("pairs_dataset", "pairs_model"),
        ),
        CommandEntry("train", "Learn", "Train a LoRA adapter on pairs and accepted runs."),
        CommandEntry("eval", "Learn", "Measure answers against the baseline pack."),
        CommandEntry("models", "Learn", "Fetch, list, promote and roll back models."),
        CommandEntry("monitor", "Operate", "Success rate, latency and review figures of the ledger."),
        CommandEntry("doctor", "Operate", "Check a workspace's parts and say what to mend."),
    )
}


def load_command(name: str) -> Any:
    """Import one command's module and give its parser's command.

    Raises:
        KeyError: there is no such command.
    """
    entry = COMMANDS[name]
    for module in entry.more:
        importlib.import_module(f"tui.cli.{module}")
    command = typer.main.get_command(importlib.import_module(entry.module).app)
    command.name = name
    return command


class _LazyCommands(MutableMapping[str, Any]):
    """The group's commands, loaded on the first look at a value; names alone load nothing."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = load_command(name)
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS


class LazyGroup(TyperGroup):
    """The top-level group: its help comes from the table, its commands from their modules."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        self.commands = _LazyCommands()

    def invoke(self, ctx: Any) -> Any:
        """Run the command; interrupted, it says so."""
        from tui.cli.interruption import told_when_interrupted

        with told_when_interrupted():
            return super().invoke(ctx)

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command's name, in the order of the loop they serve."""
        return list(COMMANDS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """One section per part of the loop, without loading a single command."""
        for section in dict.fromkeys(entry.section for entry in COMMANDS.values()):
            with formatter.section(section):
                formatter.write_dl(
                    [(entry.name, entry.purpose) for entry in COMMANDS.values() if entry.section == section]
                )
