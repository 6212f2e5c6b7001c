"""`affidavit doctor` prints what was found, leaves with the code a script needs, and touches nothing."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from fixtures_cli import Run, built_workspace, model, plain_environment, run, workspace
from fixtures_doctor import METRICS, Shop, shop
from fixtures_eval_model import ScriptedModel

from agent.doctor.examine import CHECKS

UNREACHABLE = """\
[warehouse]
url = "postgresql+psycopg://reader:hunter2@127.0.0.1:1/shop"
[ledger]
url = "postgresql+psycopg://keeper:hunter2@127.0.0.1:1/ledger"
[memory]
url = "http://reader:hunter2@127.0.0.1:1"
[model]
provider = "compatible"
name = "ours"
base_url = "http://127.0.0.1:1/v1"
"""


def files_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in folder.rglob("*")
    }


def test_the_demo_is_quiet_and_is_left_as_it_was(workspace: Path, model: ScriptedModel, run: Run) -> None:
    before = files_of(workspace)
    left = run("doctor", "--format", "json")
    assert left.code == 0
    assert left.err == ""
    assert set(left.json) == {"workspace", "status", "checks"}
    assert left.json["workspace"] == str(workspace)
    assert [set(each) for each in left.json["checks"]] == [{"check", "severity", "what", "why", "do"}] * 18
    wrong = [each for each in left.json["checks"] if each["severity"] != "ok"]
    # The scripted model lists none, and the demo calls a metric and a dimension the same.
    assert [each["check"] for each in wrong] == ["model", "names"]
    assert "`stock on hand` and `units in stock`" in wrong[1]["what"]
    assert left.json["status"] == "warning"
    assert run("doctor", "--strict").code == 1
    assert files_of(workspace) == before
    assert model.prompts == []


def test_problems_come_first_on_one_screen(workspace: Path, model: ScriptedModel, run: Run) -> None:
    metrics = workspace / "metrics.yaml"
    metrics.write_text(metrics.read_text().replace("Orders.OrderDate", "Orders.Ordered"))
    left = run("doctor")
    assert left.code == 1
    lines = left.out.splitlines()
    assert lines[0].startswith("✗ error  ")
    assert len(lines) < 40
    marks = [line[0] for line in lines if line[:1] in {"✗", "!", "✓"}]
    assert marks == sorted(marks, key="✗!✓".index)
    assert sum(line.startswith("✗") for line in lines) == 3
    assert "of them not shown; --format json has all." in lines[-1]
    assert len(run("doctor", "--format", "json").json["checks"]) > len(marks)


def test_settings_that_cannot_be_read_are_the_one_finding(shop: Shop, run: Run) -> None:
    shop.write("affidavit.toml", "[model\n")
    left = run("doctor", "-w", shop.folder, "--format", "json")
    assert (left.code, left.json["status"], left.err) == (1, "error", "")
    (found,) = left.json["checks"]
    assert (found["check"], "line 1" in found["what"]) == ("settings", True)


def test_a_folder_that_is_no_workspace_is_a_usage_error(tmp_path: Path, run: Run) -> None:
    left = run("doctor", "-w", tmp_path)
    assert left.code == 2
    assert "affidavit init" in left.err


def test_a_fresh_folder_with_everything_wrong_is_told_in_full(shop: Shop, run: Run) -> None:
    shop.write("affidavit.toml", UNREACHABLE)
    shop.write("policy.yaml", "[")
    shop.write("metrics.yaml", METRICS.replace("sql: COUNT(*)", "sql: COUNT(("))
    left = run("doctor", "-w", shop.folder, "--format", "json")
    assert left.code == 1
    assert "hunter2" not in left.out
    assert "Traceback" not in left.out + left.err
    severities = {each["check"]: each["severity"] for each in left.json["checks"]}
    assert set(CHECKS) - {"fallbacks"} <= set(severities)
    for check in ("warehouse", "ledger", "model", "index", "metrics", "policy"):
        assert severities[check] == "error"


def test_a_mistake_of_ours_in_one_check_stops_no_other(shop: Shop, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setitem(CHECKS, "warehouse", broken)
    monkeypatch.setenv("AFFIDAVIT_WAREHOUSE__URL", shop.url)
    left = run("doctor", "-w", shop.folder, "--format", "json")
    found = {each["check"]: each for each in left.json["checks"]}
    assert "a mistake of ours" in found["warehouse"]["what"]
    assert found["privileges"]["severity"] == "ok"
