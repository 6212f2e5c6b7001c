"""Setting one value in affidavit.toml: that value changes, and nothing else does."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from agent.errors import UsageError
from agent.settings_file import set_number


def changed(folder: Path, text: str) -> str:
    path = folder / "affidavit.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    assert set_number(folder, "limits", "min_confidence", 0.87) == path
    assert path.stat().st_mode & 0o777 == 0o600, "the file may hold a password"
    assert sorted(folder.iterdir()) == [path]
    after = path.read_text(encoding="utf-8")
    wanted = tomllib.loads(text)
    wanted.setdefault("limits", {})["min_confidence"] = 0.87
    assert tomllib.loads(after) == wanted
    return after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "\n[limits]\nmin_confidence = 0.87\n"),
        ('[model]\nname = "x"', '[model]\nname = "x"\n\n[limits]\nmin_confidence = 0.87\n'),
        ("[limits]\nmin_confidence = 0.8  # ours\n[model]\n", "[limits]\nmin_confidence = 0.87  # ours\n[model]\n"),
        (
            "[limits] # caps\n# max_rows = 1\n# min_confidence = 0.8\n# end\n",
            "[limits] # caps\n# max_rows = 1\n# min_confidence = 0.8\nmin_confidence = 0.87\n# end\n",
        ),
        ("[limits]\nmax_rows = 5\n", "[limits]\nmin_confidence = 0.87\nmax_rows = 5\n"),
        ("[other]\nmin_confidence = 1\n[limits]", "[other]\nmin_confidence = 1\n[limits]\nmin_confidence = 0.87\n"),
    ],
)
def test_one_value_is_set(tmp_path: Path, before: str, after: str) -> None:
    assert changed(tmp_path, before) == after


@pytest.mark.parametrize("text", ["limits = {min_confidence = 0.8}\n", "limits.min_confidence = 0.8\n", "[limits\n"])
def test_what_cannot_be_changed_surely_is_left_to_a_person(tmp_path: Path, text: str) -> None:
    path = tmp_path / "affidavit.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        set_number(tmp_path, "limits", "min_confidence", 0.87)
    assert "min_confidence = 0.87" in refused.value.hint
    assert path.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Cannot change"):
        set_number(tmp_path, "limits", "min_confidence", 0.87)
