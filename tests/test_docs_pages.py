"""What the pages say can be done can be done: commands parse, links resolve, snippets load, keys are the real ones."""

from __future__ import annotations

import json
import shutil
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import typer
from fixtures_docs import ROOT, Block, CommandLine, anchors, blocks, command_lines, links, pages, table_keys

from agent.run import Answer, RunStatus
from agent.settings import load_settings
from agent.warehouse.policy import Policy, load_policy
from agent.warehouse.policy_rules import TwoFor
from audit.rules import MEANINGS, ReasonCode
from finetune.datasets.formats import CHAT_FORMATS
from finetune.pairs.templates import load_templates
from memory.semantics import Calendar, Dimension, Entity, ExtraJoin, Metric, load_semantics
from tui.cli.answer_view import EXIT_CODES
from tui.cli.commands import COMMANDS
from tui.cli.main import app

_PAGES = {str(page.relative_to(ROOT)): page for page in pages()}
_BLOCKS = [block for page in _PAGES.values() for block in blocks(page)]


def _named(language: str, first_line: str = "") -> list[Any]:
    return [
        pytest.param(block, id=f"{block.page.relative_to(ROOT)}:{block.line}")
        for block in _BLOCKS
        if block.language == language and block.text.startswith(first_line)
    ]


@pytest.mark.parametrize("name", _PAGES)
def test_every_command_line_parses(name: str) -> None:
    for call in command_lines(_PAGES[name]):
        _parse(call)


def test_command_lines_are_found() -> None:
    """The test above cannot pass by finding nothing."""
    readme = {call.words[:2] for call in command_lines(ROOT / "README.md")}
    assert {("audit", "verify"), ("identity", "create")} <= readme
    lines = [call for page in _PAGES.values() for call in command_lines(page)]
    assert set(COMMANDS) <= {word for call in lines for word in call.words}
    assert sum(call.whole for call in lines) > 100


@pytest.mark.parametrize(
    "wrong",
    [
        ("asks", "question"),
        ("ask",),
        ("ask", "question", "--formt", "json"),
        ("ask", "question", "--format", "xml"),
        ("review", "accpt", "RUN"),
    ],
)
def test_a_wrong_command_line_is_caught(wrong: tuple[str, ...]) -> None:
    with pytest.raises((Exception, AssertionError)):
        _parse(CommandLine(ROOT / "README.md", 1, wrong, whole=True))


def _parse(call: CommandLine) -> None:
    """Walk down to the command; its options must exist, its choices fit, its arguments be there."""
    command: Any = typer.main.get_command(app)
    context = command.context_class(command, info_name="affidavit")
    words = list(call.words)
    while True:
        parser = command.make_parser(context)
        values, left, _ = parser.parse_args(words)
        _check_choices(command, values, call)
        if not hasattr(command, "commands"):
            break
        if not left:
            return
        assert left[0] in command.commands, f"{call}: there is no command {left[0]}"
        command, words = command.commands[left[0]], left[1:]
        context = command.context_class(command, info_name=left[0], parent=context)
    assert not left, f"{call}: {left} is too much"
    if call.whole and not values.get("help"):
        missing = [each.name for each in command.params if each.required and not values.get(each.name)]
        assert not missing, f"{call}: {missing} is missing"


def _check_choices(command: Any, values: dict[str, Any], call: CommandLine) -> None:
    for parameter in command.params:
        value, kind = values.get(parameter.name), parameter.type_descriptor.annotation
        if isinstance(value, str) and isinstance(kind, type) and issubclass(kind, StrEnum):
            assert value in set(kind), f"{call}: {value} is not one of {', '.join(kind)}"


@pytest.mark.parametrize("name", _PAGES)
def test_every_link_resolves(name: str) -> None:
    page = _PAGES[name]
    for target in links(page):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{name}: {target} is not there"
        assert not anchor or anchor in anchors(there), f"{name}: {target} has no such heading"


def test_every_page_of_the_docs_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / target).resolve() for target in links(index)}
    assert {page for page in pages() if page.parent != ROOT} - {index} - listed == set()


@pytest.mark.parametrize("block", _named("toml"))
def test_settings_load(block: Block, tmp_path: Path) -> None:
    assert tomllib.loads(block.text)
    (tmp_path / "affidavit.toml").write_text(block.text, encoding="utf-8")
    load_settings(tmp_path)


@pytest.mark.parametrize("block", _named("yaml"))
def test_yaml_loads_as_the_file_it_says_it_is(block: Block, tmp_path: Path) -> None:
    first = block.text.partition("\n")[0]
    path = tmp_path / first.removeprefix("# ")
    path.write_text(block.text, encoding="utf-8")
    shutil.copytree(ROOT / "demo/files/templates", tmp_path / "templates")  # what an `include` may name
    load: Any = {"metrics.yaml": load_semantics, "policy.yaml": load_policy, "templates.yaml": load_templates}[
        path.name
    ]
    load(path)


@pytest.mark.parametrize("block", _named("json"))
def test_json_is_json(block: Block) -> None:
    assert isinstance(json.loads(block.text), dict)


def test_the_reference_of_ask_names_every_field_and_every_exit_code() -> None:
    page = ROOT / "docs/reference/ask-json.md"
    answer = Answer("run", RunStatus.ANSWERED, "question").to_json()
    assert table_keys(page)["The JSON of `ask`, and exit codes"] == list(answer)
    example = next(json.loads(block.text) for block in blocks(page) if block.language == "json")
    assert list(example) == list(answer)
    text = page.read_text(encoding="utf-8")
    for status, code in EXIT_CODES.items():
        assert f"| {code} | {status.value.replace('_', ' ')}" in text


def test_the_reference_of_metrics_names_every_key() -> None:
    keys = table_keys(ROOT / "docs/reference/metrics-yaml.md")
    common = {"id", "name", "description", "synonyms", "owner", "version"}
    assert set(keys["Every entity, dimension and metric"]) == common
    for heading, kind in (("An entity also", Entity), ("A dimension also", Dimension), ("A metric also", Metric)):
        assert set(keys[heading]) == set(kind.__dataclass_fields__) - common
    assert set(keys["calendar"]) == set(Calendar.__dataclass_fields__)
    assert set(keys["joins"]) == set(ExtraJoin.__dataclass_fields__)


def test_the_reference_of_policy_names_every_key() -> None:
    keys = set(table_keys(ROOT / "docs/reference/policy-yaml.md")["policy.yaml"])
    expected = {"version", "rows", "masks", "roles", "asking"}
    for section in ("tables", "columns", "review", "record", "limits"):
        fields = Policy.model_fields[section].annotation.model_fields  # type: ignore[union-attr]
        expected |= {f"{section}.{name}" for name in fields}
    expected = expected - {"review.two_for"} | {f"review.two_for.{name}" for name in TwoFor.model_fields}
    assert keys == expected


def test_the_page_on_reviews_has_every_meaning_and_reason() -> None:
    text = (ROOT / "docs/how-to/review-and-sign.md").read_text(encoding="utf-8")
    assert all(f"| {decision.value} | {meaning} |" in text for decision, meaning in MEANINGS.items())
    assert all(f"`{code.value}`" in text for code in ReasonCode)


def test_the_page_on_exports_has_every_format() -> None:
    keys = table_keys(ROOT / "docs/how-to/export-training-data.md")["As chat records, for fine-tuning"]
    assert keys == ["--format", *CHAT_FORMATS]
