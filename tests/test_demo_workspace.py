"""The demo workspace: made once, brought up to date, and never at the cost of what a person wrote."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tomllib
from pathlib import Path

import pytest

from agent.settings import load_settings
from agent.warehouse.policy import load_policy
from demo import workspace
from demo.warehouse import WarehouseBuildError
from demo.workspace import FILES, create, files


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_new_workspace_is_complete_and_loads(tmp_path: Path) -> None:
    report = create(tmp_path / "demo", orders=40)
    assert set(report.written) == set(FILES)
    settings = load_settings(tmp_path / "demo")
    assert settings.warehouse_url == f"sqlite:///{tmp_path / 'demo' / 'warehouse.sqlite'}"
    assert settings.ledger_url == f"sqlite:///{tmp_path / 'demo' / '.affidavit' / 'ledger.sqlite'}"
    policy = load_policy(tmp_path / "demo" / "policy.yaml")
    assert policy.column_denied("Employees", "HomePhone")
    assert policy.column_denied("Employees", "BirthDate")
    assert not policy.review.allow_self
    assert (tmp_path / "demo" / "warehouse.sqlite").exists()


def test_settings_file_states_the_real_defaults(tmp_path: Path) -> None:
    """Every commented-out line, put in force, must be accepted and change nothing but names, addresses, fallbacks."""
    create(tmp_path, orders=20)
    before = load_settings(tmp_path)
    text = (tmp_path / "affidavit.toml").read_text()
    shown = re.compile(r"# (\w+ = .*|\[+[\w.]+\]+)")  # a key, or the header that keys stand under
    lines = [found[1] if (found := shown.fullmatch(line)) else line for line in text.splitlines()]
    (tmp_path / "affidavit.toml").write_text("\n".join(lines))
    after = load_settings(tmp_path)
    assert [fallback.provider for fallback in after.model.fallbacks] == ["compatible"]
    said = tomllib.loads("\n".join(lines))
    assert {"samples", "temperature", "threads", "context_tokens"} <= set(said["model"])
    assert {"max_pieces", "compile_plain"} <= set(said["memory"])
    assert {"max_rows", "max_bytes", "timeout_s", "max_repairs", "min_confidence"} <= set(said["limits"])
    examples = {
        "warehouse": {"db_schema"},
        "ledger": {"workspace"},
        "model": {"name", "base_url", "fallbacks"},
        "memory": {"url"},
    }
    assert after.model_dump(exclude=examples) == before.model_dump(exclude=examples)


def test_the_same_wish_twice_is_no_work(tmp_path: Path) -> None:
    create(tmp_path, orders=40)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    report = create(tmp_path, orders=40)
    assert (report.written, report.kept, report.warehouse.built) == ((), (), False)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


def test_another_size_rebuilds_only_the_warehouse(tmp_path: Path) -> None:
    create(tmp_path, orders=40)
    report = create(tmp_path, orders=60)
    assert report.written == ()
    assert report.warehouse.rows["Orders"] == 60


def test_a_lost_file_comes_back(tmp_path: Path) -> None:
    create(tmp_path, orders=40)
    (tmp_path / "policy.yaml").unlink()
    assert create(tmp_path, orders=40).written == ("policy.yaml",)


def test_an_edited_file_is_kept(tmp_path: Path) -> None:
    create(tmp_path, orders=40)
    (tmp_path / "metrics.yaml").write_text("version: 1\n# mine\n")
    report = create(tmp_path, orders=40)
    assert report.kept == ("metrics.yaml",)
    assert "# mine" in (tmp_path / "metrics.yaml").read_text()


def test_a_file_of_an_older_release_is_updated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create(tmp_path, orders=40)
    newer = tmp_path / "release"
    (newer / "templates").mkdir(parents=True)
    for name in FILES:
        (newer / name).write_bytes(files().joinpath(name).read_bytes() + (b"\n" if name == "policy.yaml" else b""))
    monkeypatch.setattr(workspace, "files", lambda: newer)
    assert create(tmp_path, orders=40).written == ("policy.yaml",)
    assert create(tmp_path, orders=40).written == ()


def test_a_workspace_from_before_there_were_topics_gets_them(tmp_path: Path) -> None:
    create(tmp_path, orders=40)
    manifest = tmp_path / ".affidavit" / "demo.json"
    known = json.loads(manifest.read_text())
    topics = [name for name in FILES if name.startswith("templates/")]
    for name in topics:
        (tmp_path / name).unlink()
        del known["files"][name]
    (tmp_path / "templates").rmdir()
    old = b"version: 1\n"
    (tmp_path / "templates.yaml").write_bytes(old)
    known["files"]["templates.yaml"] = [hashlib.sha256(old).hexdigest()]
    manifest.write_text(json.dumps(known))
    assert set(create(tmp_path, orders=40).written) == {"templates.yaml", *topics}
    assert create(tmp_path, orders=40).written == ()


@pytest.mark.parametrize("name", ["affidavit.toml", "metrics.yaml"])
def test_somebody_elses_workspace_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("# ours\n")
    with pytest.raises(WarehouseBuildError, match=name):
        create(tmp_path)
    assert contents(tmp_path) == {name: b"# ours\n"}


def test_urls_of_ones_own_are_written_and_the_file_is_private(tmp_path: Path) -> None:
    create(tmp_path, orders=20, warehouse_url="duckdb:///data/w.duckdb", ledger_url="sqlite:///elsewhere.sqlite")
    settings = load_settings(tmp_path)
    assert settings.warehouse_url == f"duckdb:///{tmp_path / 'data' / 'w.duckdb'}"
    assert settings.ledger_url == f"sqlite:///{tmp_path / 'elsewhere.sqlite'}"
    assert (tmp_path / "data" / "w.duckdb").exists()
    assert not (tmp_path / "warehouse.sqlite").exists()
    assert stat.S_IMODE((tmp_path / "affidavit.toml").stat().st_mode) == 0o600


def test_edited_settings_are_not_contradicted(tmp_path: Path) -> None:
    create(tmp_path, orders=20)
    config = tmp_path / "affidavit.toml"
    config.write_text(config.read_text() + "# mine\n")
    assert create(tmp_path, orders=20).kept == ("affidavit.toml",)
    with pytest.raises(WarehouseBuildError, match="names another warehouse"):
        create(tmp_path, orders=20, warehouse_url="duckdb:///w.duckdb")
    assert not (tmp_path / "w.duckdb").exists()


def test_a_run_cut_off_between_files_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = workspace.written_beside

    def failing(path: Path) -> object:
        if path.name == "policy.yaml":
            raise OSError("disk full")
        return real(path)

    monkeypatch.setattr(workspace, "written_beside", failing)
    with pytest.raises(WarehouseBuildError, match="disk full"):
        create(tmp_path, orders=20)
    monkeypatch.undo()
    create(tmp_path, orders=20)
    assert set(FILES) <= set(contents(tmp_path))
    assert create(tmp_path, orders=20).written == ()


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    create(tmp_path, orders=20)
    (tmp_path / ".affidavit" / "demo.json").write_text("{")
    with pytest.raises(WarehouseBuildError, match=r"demo\.json is damaged"):
        create(tmp_path, orders=20)


def test_a_place_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WarehouseBuildError) as caught:
        create(tmp_path / "file" / "demo", orders=20)
    assert caught.value.hint


def test_packaged_files_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert all(files().joinpath(name).is_file() for name in FILES)
    assert os.listdir(tmp_path) == []
