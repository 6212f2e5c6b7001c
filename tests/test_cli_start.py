"""The command line answers at once, teaches, and loads nothing it does not need."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from __future__ import annotations

import re
import resource
import subprocess
import sys

import pytest
from fixtures_cli import Run, plain_environment, run

from tui.cli.commands import COMMANDS, load_command

HEAVY = {"chromadb", "langgraph", "openai", "textual", "sqlalchemy", "pydantic_settings", "rich", "sqlglot", "torch"}


def test_help_loads_none_of_the_heavy_parts() -> None:
    code = (
        "import sys; sys.argv = ['affidavit', '--help']\n"
        "from tui.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('LOADED', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.rpartition("LOADED")[2].split())
    assert "typer" in loaded
    assert not HEAVY & loaded


def test_help_takes_less_than_three_tenths_of_a_second_of_processor_time() -> None:
    def spent() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    times = []
    for _ in range(3):
        before = spent()
        subprocess.run([sys.executable, "-m", "tui.cli.main", "--help"], capture_output=True, check=True)
        times.append(spent() - before)
    assert min(times) < 0.3


def test_help_names_every_command_by_what_the_command_says_of_itself(run: Run) -> None:
    shown = " ".join(run("--help").out.split())
    for name, entry in COMMANDS.items():
        assert entry.purpose in shown
        assert (load_command(name).help or "").split("\n")[0] == entry.purpose


def _paths() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name in COMMANDS:
        below = getattr(load_command(name), "commands", {})
        found += [(name,), *((name, sub) for sub in below)]
    return found


@pytest.mark.parametrize("path", _paths(), ids=" ".join)
def test_every_help_page_says_its_purpose_and_gives_an_example(path: tuple[str, ...], run: Run) -> None:
    shown = run(*path, "--help")
    assert shown.code == 0
    assert re.search(r"Examples?:\n\s+affidavit ", shown.out)
    assert f"affidavit {' '.join(path)}" in shown.out


def test_version_and_no_arguments_and_a_typo(run: Run) -> None:
    assert re.fullmatch(r"affidavit \d+\.\d+\.\d+\S*\n", run("--version").out)
    assert "Start here" in "".join((run().out, run().err))
    typo = run("aks")
    assert typo.code == 2
    assert "Did you mean 'ask'" in typo.err
