"""The real chat over the real agent, warehouse, memory and ledger; only the model follows a script."""

from __future__ import annotations

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from pathlib import Path
from typing import Any

import pytest
from fixtures_cli import COUNT, COUNT_SQL, Run, built_workspace, model, plain_environment, run, workspace
from fixtures_eval_model import ScriptedModel
from textual.pilot import Pilot
from textual.widgets import Input

from agent.settings import load_settings
from tui.app import AffidavitApp
from tui.screens.review import ReviewScreen
from tui.widgets.problem import ProblemPanel
from tui.widgets.question import QuestionInput
from tui.widgets.rows import RowsTable
from tui.widgets.sql import SqlView
from tui.widgets.steps import StepTrack
from tui.widgets.welcome import Welcome
from tui.workspace_backend import WorkspaceBackend


async def rest(pilot: Pilot[Any]) -> None:
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def test_a_protected_key_signs_once_its_passphrase_is_typed(
    workspace: Path, model: ScriptedModel, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("ask", COUNT)
    monkeypatch.setenv("AFFIDAVIT_PASSPHRASE", "four plain words here")
    assert run("identity", "create", "reviewer").code == 0
    monkeypatch.delenv("AFFIDAVIT_PASSPHRASE")
    settings = load_settings(workspace).model_copy(update={"user": "reviewer"})
    app = AffidavitApp(WorkspaceBackend(settings), exports=workspace / "exports")
    async with app.run_test(size=(120, 36)) as pilot:
        await rest(pilot)
        await pilot.press("f2")
        await rest(pilot)
        await pilot.press("k")
        await rest(pilot)
        app.screen.query_one("#passphrase", Input).value = "four plain words here"
        await pilot.press("enter")
        await rest(pilot)
        assert isinstance(app.screen, ReviewScreen)
        await pilot.press("a")
        await rest(pilot)
        field = app.screen.query_one("#passphrase", Input)
        assert (field.display, field.password) == (True, True)
        await pilot.press("ctrl+s")
        await rest(pilot)
        assert "none was given" in str(app.screen.query_one(ProblemPanel).render())
        assert field.has_focus
        await pilot.press(*"wrong", "enter")
        await rest(pilot)
        assert "is another" in str(app.screen.query_one(ProblemPanel).render())
        assert field.value == ""
        field.value = "four plain words here"
        await pilot.press("enter")
        await rest(pilot)
        assert isinstance(app.screen, ReviewScreen)
    assert run("review", "list", "--format", "json").json == []
    (asked,) = run("runs", "list", "--format", "json").json
    kinds = [each["kind"] for each in run("runs", "show", asked["run_id"], "--format", "json").json["records"]]
    assert kinds[-2:] == ["review.claimed", "review"]
    assert run("audit", "verify").code == 0


async def test_ask_watch_and_sign(workspace: Path, model: ScriptedModel, run: Run) -> None:
    first = run("ask", COUNT, "--format", "json").json
    run("identity", "create", "reviewer")
    settings = load_settings(workspace).model_copy(update={"user": "reviewer"})
    app = AffidavitApp(WorkspaceBackend(settings), exports=workspace / "exports")
    try:
        async with app.run_test(size=(120, 36)) as pilot:
            await rest(pilot)
            assert app.card is not None
            assert app.card.dialect == "sqlite"
            assert len(app.card.suggestions) == 5
            assert app.screen.query_one(Welcome).display

            app.screen.query_one(QuestionInput).value = COUNT
            await pilot.press("enter")
            await rest(pilot)
            assert app.screen.query_one(SqlView).sql == COUNT_SQL
            assert app.screen.query_one(RowsTable).row_count == 1
            steps = str(app.screen.query_one(StepTrack).render())
            for step in ("recall", "ground", "generate", "guard", "execute", "check", "answer"):
                assert f"✓ {step}" in steps

            await pilot.press("f2")
            await rest(pilot)
            assert isinstance(app.screen, ReviewScreen)
            await pilot.press("down")  # the newest is the reviewer's own
            await rest(pilot)
            await pilot.press("a")
            await rest(pilot)
            await pilot.press("ctrl+s")
            await rest(pilot)
            assert isinstance(app.screen, ReviewScreen)
            await pilot.press("f3")
            await rest(pilot)
            assert "2" in str(app.screen.query_one("#runs").render())
    finally:
        app.thread.close()
    (accepted,) = run("runs", "list", "--review", "accepted", "--format", "json").json
    assert accepted["run_id"] == first["run_id"]
    assert run("ask", COUNT, "--format", "json").json["origin"] == "verified_query"
    assert run("audit", "verify").code == 0
