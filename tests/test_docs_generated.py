"""The generated pages are what the generator writes today, and it leaves no setting and no error class out."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from fixtures_docs import ROOT, table_keys

from agent.errors import ErrorClass
from agent.settings import Settings


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_reference", ROOT / "docs" / "reference" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["commands.md", "settings.md", "error-classes.md"])
def test_a_generated_page_is_current(generator: ModuleType, name: str) -> None:
    pages: dict[Path, str] = generator.pages()
    text = next(text for path, text in pages.items() if path.name == name)
    assert (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8") == text, "run `make docs`"


def test_help_is_the_same_in_every_terminal(generator: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("SHELL", "/bin/unheard-of")
    monkeypatch.setenv("AFFIDAVIT_WORKSPACE", "/elsewhere")
    assert generator.commands_page() == (ROOT / "docs/reference/commands.md").read_text(encoding="utf-8")


def test_the_check_says_which_page_is_stale(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generator, "FOLDER", tmp_path)
    assert generator.main(["--check"]) == 1
    assert "settings.md is not current" in capsys.readouterr().out
    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0


def test_every_setting_and_every_error_class_is_there() -> None:
    keys = table_keys(ROOT / "docs/reference/settings.md")
    for section in ("warehouse", "ledger", "model", "memory", "limits"):
        field = Settings.model_fields[section].annotation
        assert keys[section] == list(field.model_fields)  # type: ignore[union-attr]
    classes = [name for names in table_keys(ROOT / "docs/reference/error-classes.md").values() for name in names]
    assert sorted(classes) == sorted(each.value for each in ErrorClass)


def test_no_environment_variable_of_the_code_is_undocumented() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    sources = [path for room in ("agent", "audit", "memory", "finetune", "tui") for path in (ROOT / room).rglob("*.py")]
    named = {name for path in sources for name in re.findall(r"AFFIDAVIT_[A-Z_]+[A-Z]", path.read_text("utf-8"))}
    assert named
    assert {name for name in named if f"`{name}`" not in page} == set()
