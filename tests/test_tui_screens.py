"""Every screen at a fixed size, as a picture that is compared: tests/__snapshots__ holds the SVGs.

pytest tests/test_tui_screens.py --snapshot-update    after a change that is meant; then look at the pictures
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from fixtures_tui import ABSTAINED, COSTLY, QUESTION, REFUSED, RecordedBackend
from textual.pilot import Pilot
from textual.widgets import DataTable, Input, TextArea

from agent.errors import AuditUnavailableError, ErrorClass, UsageError
from tui.app import AffidavitApp
from tui.theme import DARK, LIGHT
from tui.widgets.question import QuestionInput

Compare = Callable[..., bool]
Before = Callable[[Pilot[Any]], Awaitable[None]]
SIZE = (120, 36)
SMALL = (80, 24)
WIDE = (140, 40)


def app(backend: RecordedBackend | None = None, theme: str = DARK.name) -> AffidavitApp:
    made = AffidavitApp(backend or RecordedBackend(), exports=Path("exports"), theme=theme)
    made.animation_level = "none"
    return made


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until nothing is under way and seven pictures in a row are the same."""
    await pilot.app.workers.wait_for_complete()
    same, last = 0, ""
    for _ in range(100):
        for field in pilot.app.screen.query(Input):
            field.cursor_blink = False
        for editor in pilot.app.screen.query(TextArea):
            editor.cursor_blink = False
        await pilot.pause(0.1)
        picture = pilot.app.export_screenshot()
        unmeasured = any(table._require_update_dimensions for table in pilot.app.screen.query(DataTable))
        same, last = (same + 1 if picture == last and not unmeasured else 0), picture
        if same == 6:
            return
    raise AssertionError("The screen does not come to rest.")


def asking(*questions: str) -> Before:
    async def before(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        for question in questions:
            pilot.app.screen.query_one(QuestionInput).value = question
            await pilot.press("enter")
            await settled(pilot)

    return before


def pressing(*keys: str) -> Before:
    async def before(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)

    return before


def test_welcome(snap_compare: Compare) -> None:
    assert snap_compare(app(), terminal_size=SIZE, run_before=asking())


def test_answered(snap_compare: Compare) -> None:
    assert snap_compare(app(), terminal_size=SIZE, run_before=asking(REFUSED.question, ABSTAINED.question, QUESTION))


def test_answered_light(snap_compare: Compare) -> None:
    assert snap_compare(app(theme=LIGHT.name), terminal_size=SIZE, run_before=asking(QUESTION))


@pytest.mark.parametrize("size", [SMALL, WIDE], ids=["80x24", "140x40"])
def test_answered_at_other_sizes(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=asking(QUESTION))


def test_abstained_shows_an_unverified_draft(snap_compare: Compare) -> None:
    assert snap_compare(app(), terminal_size=SIZE, run_before=asking(ABSTAINED.question))


def test_refused(snap_compare: Compare) -> None:
    assert snap_compare(app(), terminal_size=SIZE, run_before=asking(REFUSED.question))


def test_no_record_no_answer(snap_compare: Compare) -> None:
    error = AuditUnavailableError(ErrorClass.AUDIT_UNAVAILABLE, "The ledger is locked.", "Try again in a moment.")
    backend = RecordedBackend(answers={QUESTION: error})
    assert snap_compare(app(backend), terminal_size=SIZE, run_before=asking(QUESTION))


def test_a_workspace_that_cannot_be_opened(snap_compare: Compare) -> None:
    error = UsageError(ErrorClass.SEMANTICS, "metrics.yaml:12: `basse`: this key is not known.", "Mend that line.")
    assert snap_compare(app(RecordedBackend(open_error=error)), terminal_size=SIZE, run_before=pressing())


def test_review(snap_compare: Compare) -> None:
    assert snap_compare(app(), terminal_size=SIZE, run_before=pressing("f2"))


def test_review_of_a_run_somebody_has_in_hand(snap_compare: Compare) -> None:
    assert snap_compare(app(), terminal_size=WIDE, run_before=pressing("f2", "down"))


def test_a_cost_to_accept(snap_compare: Compare) -> None:
    assert snap_compare(app(), terminal_size=SIZE, run_before=asking(COSTLY.question))


def test_review_small(snap_compare: Compare) -> None:
    assert snap_compare(app(), terminal_size=SMALL, run_before=pressing("f2"))


def test_sign_accept(snap_compare: Compare) -> None:
    assert snap_compare(app(), terminal_size=SIZE, run_before=pressing("f2", "a"))


def test_sign_amend_light(snap_compare: Compare) -> None:
    assert snap_compare(app(theme=LIGHT.name), terminal_size=SIZE, run_before=pressing("f2", "m"))


def test_sign_amend_small(snap_compare: Compare) -> None:
    assert snap_compare(app(), terminal_size=SMALL, run_before=pressing("f2", "m"))


def test_figures(snap_compare: Compare) -> None:
    assert snap_compare(app(), terminal_size=SIZE, run_before=pressing("f3"))
