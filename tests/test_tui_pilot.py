"""What the keys do, driven as a person would: no screen is a picture only."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fixtures_tui import ABSTAINED, ANSWERED, CARD, COSTLY, QUESTION, QUEUE, REFUSED, SQL, RecordedBackend
from textual.pilot import Pilot
from textual.widgets import Button, Input, Label, Select, Static, Tabs, TextArea

from agent.errors import ErrorClass, UsageError
from agent.run import Finding
from audit.errors import PassphraseError, ReviewError, RevokedReliance
from audit.rules import Decision, ReasonCode
from tui.amending import FindingsError
from tui.app import AffidavitApp
from tui.backend import BackendThread
from tui.screens.chat import ChatScreen
from tui.screens.passphrase import PassphraseScreen
from tui.screens.problem import ProblemScreen
from tui.screens.review import ReviewScreen
from tui.screens.sign import SignScreen, fitting_codes
from tui.theme import LIGHT
from tui.widgets.answer import AnswerView
from tui.widgets.conversation import Conversation
from tui.widgets.keys import Key
from tui.widgets.problem import ProblemPanel
from tui.widgets.question import QuestionInput
from tui.widgets.rows import RowsTable
from tui.widgets.run_table import RunTable
from tui.widgets.sql import SqlView
from tui.widgets.steps import StepTrack


@asynccontextmanager
async def opened(
    backend: RecordedBackend, tmp_path: Path, size: tuple[int, int] = (120, 36)
) -> AsyncIterator[Pilot[Any]]:
    app = AffidavitApp(backend, exports=tmp_path / "exports")
    async with app.run_test(size=size) as pilot:
        await rest(pilot)
        yield pilot
    app.thread.close()
    assert backend.closed == 1


async def rest(pilot: Pilot[Any]) -> None:
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def ask(pilot: Pilot[Any], question: str) -> None:
    pilot.app.screen.query_one(QuestionInput).value = question
    await pilot.press("enter")
    await rest(pilot)


def said(pilot: Pilot[Any]) -> list[str]:
    return [note.message for note in pilot.app._notifications]


def text_of(pilot: Pilot[Any], selector: str) -> str:
    return str(pilot.app.screen.query_one(selector, Static).render())


async def test_a_question_is_asked_and_everything_about_its_answer_is_shown(tmp_path: Path) -> None:
    backend = RecordedBackend()
    async with opened(backend, tmp_path) as pilot:
        await ask(pilot, QUESTION)
        assert backend.asked == [QUESTION]
        screen = pilot.app.screen
        assert screen.query_one(SqlView).sql == SQL
        assert screen.query_one(RowsTable).row_count == 5
        assert "answered" in text_of(pilot, "#status")
        assert "93 %" in text_of(pilot, "#status")
        assert ANSWERED.run_id in text_of(pilot, "#origin")
        assert "generate" in str(screen.query_one(StepTrack).render())
        assert "checks found nothing" in text_of(pilot, "#findings")


async def test_steps_stream_while_the_run_is_under_way(tmp_path: Path) -> None:
    shown, go_on = threading.Event(), threading.Event()

    class Slow(RecordedBackend):
        def ask(self, question: str, on_step: Any, *, cost_accepted: bool = False) -> Any:
            on_step("recall", 2.0, "")
            shown.set()
            assert go_on.wait(20)
            return super().ask(question, lambda *_: None, cost_accepted=cost_accepted)

    async with opened(Slow(), tmp_path) as pilot:
        pilot.app.screen.query_one(QuestionInput).value = QUESTION
        await pilot.press("enter")
        assert shown.wait(20)
        await pilot.pause(0.2)
        line = str(pilot.app.screen.query_one(StepTrack).render())
        assert "✓ recall 2 ms" in line
        assert "ground" in line
        await pilot.press("x", "enter")
        assert any("One question at a time" in note for note in said(pilot))
        assert pilot.app.screen.query_one(QuestionInput).value == "x"
        go_on.set()
        await rest(pilot)
        assert "answered" in text_of(pilot, "#status")


async def test_an_abstained_run_is_never_shown_as_an_answer(tmp_path: Path) -> None:
    async with opened(RecordedBackend(), tmp_path) as pilot:
        await ask(pilot, ABSTAINED.question)
        view = pilot.app.screen.query_one(SqlView)
        assert view.has_class("-unverified")
        assert "UNVERIFIED" in str(view.border_title)
        assert pilot.app.screen.query_one(ProblemPanel).display


async def test_turns_are_kept_and_chosen_again(tmp_path: Path) -> None:
    async with opened(RecordedBackend(), tmp_path) as pilot:
        await ask(pilot, QUESTION)
        await ask(pilot, REFUSED.question)
        pilot.app.screen.query_one(Conversation).focus()
        await pilot.press("up")
        assert pilot.app.screen.query_one(SqlView).sql == SQL
        await pilot.press("ctrl+l")
        assert not pilot.app.screen.query_one(Conversation).display


async def test_the_answer_scrolls_while_the_cursor_stays_in_the_question(tmp_path: Path) -> None:
    async with opened(RecordedBackend(), tmp_path, size=(80, 24)) as pilot:
        await ask(pilot, QUESTION)
        view = pilot.app.screen.query_one(AnswerView)
        assert view.scroll_y == 0
        await pilot.press("shift+down")
        await pilot.pause(0.5)
        assert view.scroll_y > 0
        await pilot.press("shift+up")
        await pilot.pause(0.5)
        assert view.scroll_y == 0
        assert isinstance(pilot.app.focused, QuestionInput)


async def test_copy_save_ask_again_and_history(tmp_path: Path) -> None:
    backend = RecordedBackend()
    async with opened(backend, tmp_path) as pilot:
        for key in ("ctrl+y", "ctrl+s", "ctrl+r", "ctrl+o"):
            await pilot.press(key)
        assert len([note for note in said(pilot) if "no" in note]) == 4
        await pilot.press("enter")
        assert any("Type a question" in note for note in said(pilot))
        await ask(pilot, QUESTION)
        await pilot.press("ctrl+y")
        assert pilot.app.clipboard == SQL
        await pilot.press("ctrl+s")
        assert (tmp_path / "exports" / f"{ANSWERED.run_id}.csv").read_text().startswith("CategoryName,sales_revenue")
        await pilot.press("ctrl+r")
        await rest(pilot)
        assert backend.asked == [QUESTION, QUESTION]
        await pilot.press("up")
        assert pilot.app.screen.query_one(QuestionInput).value == QUESTION
        await pilot.press("down")
        assert pilot.app.screen.query_one(QuestionInput).value == ""


async def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "exports").write_text("in the way")
    async with opened(RecordedBackend(), tmp_path) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("ctrl+s")
        assert any("Could not write" in note for note in said(pilot))


async def test_a_failure_of_any_kind_is_one_screen_and_the_chat_goes_on(tmp_path: Path) -> None:
    backend = RecordedBackend()
    backend.answers["boom"] = RuntimeError("[red]not markup[/]")
    async with opened(backend, tmp_path) as pilot:
        await ask(pilot, "boom")
        assert "not markup" in str(pilot.app.screen.query_one(ProblemPanel).render())
        await ask(pilot, QUESTION)
        assert "answered" in text_of(pilot, "#status")


async def test_hostile_text_is_shown_as_text(tmp_path: Path) -> None:
    from dataclasses import replace

    evil = "[bold]x[/bold] \x1b[2J [@click=app.quit]y[/]"
    backend = RecordedBackend(
        answers={evil: replace(ANSWERED, question=evil, sql=f"SELECT '{evil}'", columns=(evil,), rows=((evil,),))}
    )
    async with opened(backend, tmp_path) as pilot:
        await ask(pilot, evil)
        assert "[bold]x[/bold] ␛[2J" in text_of(pilot, "AnswerView #question")
        assert "[bold]" in str(pilot.app.screen.query_one(SqlView).render())


async def test_a_run_is_signed_from_the_chat(tmp_path: Path) -> None:
    backend = RecordedBackend()
    async with opened(backend, tmp_path) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("ctrl+o")
        await rest(pilot)
        await rest(pilot)
        assert isinstance(pilot.app.screen, ReviewScreen)
        await pilot.press("a")
        await rest(pilot)
        assert isinstance(pilot.app.screen, SignScreen)
        await pilot.press(*"ok", "ctrl+s")
        await rest(pilot)
        assert isinstance(pilot.app.screen, ReviewScreen)
    (request,) = backend.signed
    assert (request.run_id, request.decision, request.reason_code) == (
        ANSWERED.run_id,
        Decision.ACCEPT,
        ReasonCode.CORRECT,
    )
    assert request.reason == "ok"


@pytest.mark.parametrize(("key", "decision"), [("m", Decision.AMEND), ("x", Decision.REJECT), ("v", Decision.REVOKE)])
async def test_other_decisions(key: str, decision: Decision, tmp_path: Path) -> None:
    backend = RecordedBackend()
    async with opened(backend, tmp_path) as pilot:
        await pilot.press("f2")
        await rest(pilot)
        await pilot.press(key)
        await rest(pilot)
        if decision is Decision.AMEND:
            pilot.app.screen.query_one(TextArea).text = "SELECT 1"
        pilot.app.screen.query_one("#code", Select).value = ReasonCode.OUTDATED
        await pilot.press("ctrl+s")
        await rest(pilot)
    (request,) = backend.signed
    assert (request.decision, request.reason_code) == (decision, ReasonCode.OUTDATED)
    assert request.sql == ("SELECT 1" if decision is Decision.AMEND else None)


async def test_a_refused_signature_keeps_what_was_typed(tmp_path: Path) -> None:
    backend = RecordedBackend(sign_error=ReviewError("reviewer asked this question and may not review its run.", ""))
    async with opened(backend, tmp_path) as pilot:
        await pilot.press("f2")
        await rest(pilot)
        await pilot.press("a")
        await rest(pilot)
        await pilot.press(*"mine", "ctrl+s")
        await rest(pilot)
        assert isinstance(pilot.app.screen, SignScreen)
        assert "may not review" in str(pilot.app.screen.query_one(ProblemPanel).render())
        assert pilot.app.screen.query_one("#reason", Input).value == "mine"
        await pilot.press("escape")
        assert isinstance(pilot.app.screen, ReviewScreen)
    assert backend.signed == []


async def test_runs_are_filtered_and_searched(tmp_path: Path) -> None:
    async with opened(RecordedBackend(), tmp_path) as pilot:
        await pilot.press("f2")
        await rest(pilot)
        table = pilot.app.screen.query_one(RunTable)
        assert table.row_count == 2
        for _ in range(3):
            await pilot.press("f")
            await rest(pilot)
        assert pilot.app.screen.query_one(Tabs).active == "rejected"
        assert table.row_count == 1
        await pilot.press("f", "f")
        await rest(pilot)
        assert table.row_count == 3
        await pilot.press("slash", *"loyal", "enter")
        await rest(pilot)
        assert table.row_count == 1
        await pilot.press("c")
        assert pilot.app.clipboard == ABSTAINED.sql


async def test_every_key_is_in_the_footer_and_in_the_command_palette(tmp_path: Path) -> None:
    async with opened(RecordedBackend(), tmp_path, size=(80, 24)) as pilot:
        for mode in ("f1", "f2", "f3"):
            await pilot.press(mode)
            await rest(pilot)
            screen = pilot.app.screen
            wanted = {
                active.binding.description
                for active in screen.active_bindings.values()
                if active.binding.show and active.enabled
            }
            shown = " ".join(str(key.render()) for key in screen.query(Key))
            palette = {command.title for command in pilot.app.get_system_commands(screen)}
            assert wanted
            for description in wanted:
                assert description in shown
                assert description in palette
            for key in screen.query(Key):
                assert key.region.right <= 80


async def test_the_theme_is_switched(tmp_path: Path) -> None:
    async with opened(RecordedBackend(), tmp_path) as pilot:
        await pilot.press("f2")
        await rest(pilot)
        await pilot.press("ctrl+t")
        await pilot.pause()
        assert pilot.app.theme == LIGHT.name


async def test_a_workspace_that_does_not_open_can_be_tried_again(tmp_path: Path) -> None:
    backend = RecordedBackend(open_error=UsageError(ErrorClass.SEMANTICS, "metrics.yaml:12 is wrong.", "Mend it."))
    async with opened(backend, tmp_path) as pilot:
        assert isinstance(pilot.app.screen, ProblemScreen)
        backend.open_error = None
        await pilot.press("r")
        await rest(pilot)
        assert isinstance(pilot.app.screen, ChatScreen)
        await ask(pilot, QUESTION)
        assert pilot.app.screen.query_one(AnswerView).display


async def test_leaving_a_workspace_that_does_not_open_is_a_failure(tmp_path: Path) -> None:
    backend = RecordedBackend(open_error=UsageError(ErrorClass.SEMANTICS, "metrics.yaml:12 is wrong.", "Mend it."))
    async with opened(backend, tmp_path) as pilot:
        await pilot.press("q")
        await pilot.pause()
        assert pilot.app.return_value is backend.open_error


async def test_slow_opening_shows_how_far_it_is(tmp_path: Path) -> None:
    go_on = threading.Event()

    class Slow(RecordedBackend):
        def open(self, notice: Any) -> Any:
            notice("Fetching the model…", 49_000_000, 98_000_000)
            assert go_on.wait(20)
            return super().open(notice)

    backend = Slow()
    app = AffidavitApp(backend, exports=tmp_path)
    async with app.run_test(size=(120, 36)) as pilot:
        for _ in range(50):
            await pilot.pause(0.05)
            if "Fetching" in text_of(pilot, "#welcome"):
                break
        bar = app.screen.query_one("ProgressBar")
        assert bar.display
        assert bar.percentage == 0.5  # type: ignore[attr-defined]
        await pilot.press("f2")
        assert isinstance(app.screen, ChatScreen)
        go_on.set()
        await rest(pilot)
        assert "You could ask" in text_of(pilot, "#welcome")
    app.thread.close()


def test_reason_codes_fit_their_decision() -> None:
    assert fitting_codes(Decision.ACCEPT) == (ReasonCode.CORRECT, ReasonCode.CORRECT_WITH_CAVEATS)
    assert ReasonCode.CORRECT not in fitting_codes(Decision.REJECT)


# --- the queue, claims, and what is signed or run only when a person insists -------------------------------------


async def test_the_queue_is_in_the_order_of_risk_with_its_reasons(tmp_path: Path) -> None:
    async with opened(RecordedBackend(), tmp_path) as pilot:
        await pilot.press("f2")
        await rest(pilot)
        table = pilot.app.screen.query_one(RunTable)
        assert [str(table.get_row_at(row)[1]) for row in range(table.row_count)] == ["8", "5"]
        assert str(table.get_row_at(0)[4]) == "1 of 2"
        assert "not trusted enough to answer" in text_of(pilot, "#waiting")
        await pilot.press("down")
        await rest(pilot)
        shown = text_of(pilot, "#waiting")
        assert "for reviewer, due 2024-11-20" in shown
        assert "admin has it in hand until 13:30 UTC" in shown


async def test_a_key_claims_gives_back_and_takes_over_when_pressed_again(tmp_path: Path) -> None:
    own = replace(QUEUE[0], holder="Reviewer")
    backend = RecordedBackend()
    async with opened(backend, tmp_path) as pilot:
        await pilot.press("f2")
        await rest(pilot)
        await pilot.press("k")
        await rest(pilot)
        assert backend.claimed == [(ABSTAINED.run_id, False)]
        await pilot.press("down", "k")
        await rest(pilot)
        assert len(backend.claimed) == 1
        assert any("Press k again" in note for note in said(pilot))
        await pilot.press("k")
        await rest(pilot)
        assert backend.claimed[1:] == [(ANSWERED.run_id, True)]
        backend.waiting = (own,)
        await pilot.press("r")
        await rest(pilot)
        await pilot.press("k")
        await rest(pilot)
        assert "It is anybody's again." in said(pilot)


@pytest.mark.parametrize("known", [True, False], ids=["protected when opened", "protected since"])
async def test_a_claim_with_a_protected_key_asks_for_the_passphrase(known: bool, tmp_path: Path) -> None:
    backend = RecordedBackend(card=replace(CARD, key_protected=known), passphrase="four plain words here")
    async with opened(backend, tmp_path) as pilot:
        await pilot.press("f2")
        await rest(pilot)
        await pilot.press("k")
        await rest(pilot)
        assert isinstance(pilot.app.screen, PassphraseScreen)
        field = pilot.app.screen.query_one("#passphrase", Input)
        assert (field.password, field.has_focus) == (True, True)
        assert pilot.app.screen.query_one(ProblemPanel).display is not known
        assert f"that you take run {ABSTAINED.run_id[:13]} in hand" in text_of(pilot, "#meaning")
        await pilot.press(*"wrong", "enter")
        await rest(pilot)
        assert isinstance(pilot.app.screen, PassphraseScreen)
        assert "another passphrase" in str(pilot.app.screen.query_one(ProblemPanel).render())
        assert field.value == ""
        assert backend.claimed == []
        field.value = backend.passphrase
        await pilot.press("enter")
        await rest(pilot)
        assert isinstance(pilot.app.screen, ReviewScreen)
        assert backend.claimed == [(ABSTAINED.run_id, False)]
        assert "It is yours." in said(pilot)
        backend.waiting = (replace(QUEUE[0], holder="reviewer"),)
        await pilot.press("r")
        await rest(pilot)
        await pilot.press("k")
        await rest(pilot)
        assert f"that you give run {ABSTAINED.run_id[:13]} back" in text_of(pilot, "#meaning")
        await pilot.press("escape")
        await rest(pilot)
        assert isinstance(pilot.app.screen, ReviewScreen)
        assert len(backend.claimed) == 1


async def test_closing_knows_of_a_call_under_way() -> None:
    thread, seen = BackendThread(RecordedBackend()), []
    await thread.call(lambda: seen.append(thread.is_busy))
    assert (seen, thread.is_busy) == ([True], False)
    thread.close()


async def test_ones_own_run_is_refused_before_anything_is_typed(tmp_path: Path) -> None:
    backend = RecordedBackend(card=replace(CARD, person="asker", reviews_own=False))
    async with opened(backend, tmp_path) as pilot:
        await ask(pilot, QUESTION)
        await pilot.press("ctrl+o")
        await rest(pilot)
        await rest(pilot)
        await pilot.press("a")
        await rest(pilot)
        assert isinstance(pilot.app.screen, ReviewScreen)
        assert any("somebody else must" in each.message for each in pilot.app._notifications)


async def try_to_accept(pilot: Pilot[Any]) -> None:
    """Open the first run that waits and press what signs its acceptance."""
    for key in ("f2", "a", "ctrl+s"):
        await pilot.press(key)
        await rest(pilot)


async def test_a_missing_passphrase_is_typed_in_the_dialog(tmp_path: Path) -> None:
    backend = RecordedBackend(sign_error=PassphraseError("The key is protected.", "Use a terminal."))
    async with opened(backend, tmp_path) as pilot:
        await try_to_accept(pilot)
        assert "Type it above" in text_of(pilot, "SignScreen ProblemPanel")


async def test_a_run_that_relied_on_a_revoked_review_is_accepted_only_by_asking_again(tmp_path: Path) -> None:
    backend = RecordedBackend(sign_error=RevokedReliance("It relied on the review of run r1, which admin revoked.", ""))
    async with opened(backend, tmp_path) as pilot:
        await try_to_accept(pilot)
        assert "which admin revoked" in text_of(pilot, "SignScreen ProblemPanel")
        assert str(pilot.app.screen.query_one("#sign", Button).label) == "Sign despite the revoked review"
        backend.sign_error = None
        await pilot.press(*"known", "ctrl+s")
        await rest(pilot)
    (request,) = backend.signed
    assert (request.despite_revoked, request.reason) == (True, "known")


async def test_an_amendment_with_findings_is_signed_only_by_asking_again_for_the_same_statement(tmp_path: Path) -> None:
    findings = (Finding("grain", "error", "It counts rows of the wrong table."),)
    backend = RecordedBackend(sign_error=FindingsError(findings))
    async with opened(backend, tmp_path) as pilot:
        await pilot.press("f2")
        await rest(pilot)
        await pilot.press("m")
        await rest(pilot)
        await pilot.press("ctrl+s")
        await rest(pilot)
        assert "wrong table" in text_of(pilot, "SignScreen ProblemPanel")
        assert str(pilot.app.screen.query_one("#sign", Button).label) == "Sign despite the findings"
        pilot.app.screen.query_one(TextArea).text = "SELECT 2"
        await rest(pilot)
        assert str(pilot.app.screen.query_one("#sign", Button).label) == "Sign: amend"
        await pilot.press("ctrl+s")
        await rest(pilot)
        backend.sign_error = None
        await pilot.press("ctrl+s")
        await rest(pilot)
        assert [request.despite_findings for request in backend.signed] == [True]


async def test_a_cost_is_accepted_by_a_button(tmp_path: Path) -> None:
    backend = RecordedBackend()
    async with opened(backend, tmp_path) as pilot:
        await ask(pilot, QUESTION)
        assert not pilot.app.screen.query_one("#accept-cost").display
        await ask(pilot, COSTLY.question)
        assert pilot.app.screen.query_one("#accept-cost").display
        await pilot.click("#accept-cost")
        await rest(pilot)
        assert backend.accepted_costs == [COSTLY.question]
        assert "answered" in text_of(pilot, "#status")
        assert not pilot.app.screen.query_one("#accept-cost").display


async def test_a_run_that_relied_on_a_revoked_review_is_marked_in_the_lists_and_where_it_is_opened(
    tmp_path: Path,
) -> None:
    backend = RecordedBackend()
    async with opened(backend, tmp_path) as pilot:
        await ask(pilot, QUESTION)
        await ask(pilot, ABSTAINED.question)
        await pilot.press("f2")
        await rest(pilot)
        assert "!" not in "".join(str(cell) for cell in pilot.app.screen.query_one(RunTable).get_row(ANSWERED.run_id))
        await pilot.press("f1")
        await rest(pilot)
        backend.relied[ANSWERED.run_id] = ("run-9",)  # revoked by somebody meanwhile
        await pilot.press("f2")
        await rest(pilot)
        table = pilot.app.screen.query_one(RunTable)
        assert [str(table.get_row(each.run_id)[4]).startswith("! ") for each in (ANSWERED, ABSTAINED)] == [True, False]
        assert table.border_subtitle == "! relied on a review that was revoked"
        detail = pilot.app.screen.query_one("#relied", Static)
        assert not detail.display
        table.move_cursor(row=1)
        await rest(pilot)
        assert detail.display
        assert "This run relied on a review that was revoked: run-9." in str(detail.render())
        await pilot.press("f1")
        await rest(pilot)
        turns = pilot.app.screen.query_one(Conversation)
        said = [str(turn.query_one(Label).render()) for turn in turns.answered]
        assert ["relied on a revoked review" in each for each in said] == [True, False]
        shown = pilot.app.screen.query_one("#relied", Static)
        assert not shown.display
        turns.index = 0
        await rest(pilot)
        assert shown.display
        assert "run-9" in str(shown.render())
