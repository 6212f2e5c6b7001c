"""What is printed is safe, exact where it must be, and readable."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from fixtures_tui import ANSWERED
from hypothesis import given
from hypothesis import strategies as st

from agent.run import Answer, RunStatus
from tui.cli.answer_view import print_answer
from tui.screens.chat import write_csv
from tui.sql_layout import laid_out
from tui.text import cell, clipped, is_number, moment, printable, printable_lines, seconds

SQL_TEXT = st.lists(
    st.sampled_from(
        ["SELECT", "a", "FROM", "t", "WHERE", "'x  FROM y'", '"odd FROM name"', "(", ")", "JOIN", "LEFT", "ON", "1",
         "/* FROM here */", "[a FROM b]", "`q`", "ORDER", "BY", ",", "''''", "UNION", "LIMIT"]
    ),
    max_size=60,
).map(" ".join)  # fmt: skip


@given(st.text())
def test_printable_text_has_no_control_characters(text: str) -> None:
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", printable(text))
    assert "\x1b" not in printable_lines(text)


def test_an_escape_sequence_is_shown_and_not_obeyed() -> None:
    assert printable("\x1b]52;c;ZXZpbA==\x07") == "␛]52;c;ZXZpbA==␇"
    assert printable_lines("a\r\n\tb\x9b2J") == "a\n    b⟨9B⟩2J"


@given(SQL_TEXT)
def test_layout_changes_white_space_outside_quotes_only(sql: str) -> None:
    laid = laid_out(sql)
    assert re.sub(r"\s+", " ", laid) == re.sub(r"\s+", " ", sql.strip())
    for quoted in ("'x  FROM y'", '"odd FROM name"', "[a FROM b]", "/* FROM here */"):
        assert laid.count(quoted) == sql.count(quoted)


def test_layout_breaks_at_the_clauses_of_the_outermost_level() -> None:
    sql = "SELECT a, (SELECT MAX(b) FROM u WHERE u.x = t.x) FROM t LEFT JOIN u ON t.id = u.id WHERE a > 1 ORDER BY a"
    assert laid_out(sql).split("\n") == [
        "SELECT a, (SELECT MAX(b) FROM u WHERE u.x = t.x)",
        "FROM t",
        "LEFT JOIN u ON t.id = u.id",
        "WHERE a > 1",
        "ORDER BY a",
    ]
    assert laid_out("SELECT 1\nFROM t") == "SELECT 1\nFROM t"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "NULL"), (True, "true"), (0.1 + 0.2, "0.3"), (1200.0, "1200"), ("1.50", "1.50"), ("a\nb", "a␊b")],
)
def test_cells(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_numbers_durations_and_moments() -> None:
    assert is_number("-12.50")
    assert not is_number("2023-01-01")
    assert not is_number(True)
    assert seconds(12.4) == "12 ms"
    assert seconds(1500) == "1.5 s"
    assert moment("2026-01-31T09:00:00.000000Z") == "2026-01-31 09:00"
    assert moment("yesterday") == "yesterday"
    assert clipped("a  long\nline", 6) == "a lon…"


def test_csv_holds_the_values_whole_and_defuses_formulas(tmp_path: Path) -> None:
    answer = Answer(
        run_id="r1",
        status=RunStatus.ANSWERED,
        question="q",
        columns=("name", "n"),
        rows=(("=1+1", -5), ("@x", "-5.50"), (None, 0.1), ('a,b\n"c"', 2**60)),
    )
    path = write_csv(answer, tmp_path / "new")
    assert path.read_text(encoding="utf-8").replace("\r\n", "\n") == (
        'name,n\n\'=1+1,-5\n\'@x,-5.50\n,0.1\n"a,b\n""c""",1152921504606846976\n'
    )
    assert write_csv(ANSWERED, tmp_path).name == f"{ANSWERED.run_id}.csv"


@pytest.mark.parametrize(
    ("timings", "shown"),
    [
        ({"open": 2100.0, "model_start": 310.0, "generate": 900.0, "execute": 5.0, "total": 3400.0},
         "3.4 s (open 2.1 s, generate 900 ms, model start 310 ms)"),
        ({"open": 250.0, "recall": 4.0, "execute": 5.0, "total": 262.0}, "262 ms (execute 5 ms, recall 4 ms)"),
        ({"open": 12.0, "total": 14.0}, "14 ms"),
    ],
)  # fmt: skip
def test_opening_is_named_when_somebody_noticed_it(
    timings: dict[str, float], shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_answer(replace(ANSWERED, timings_ms=timings))
    (origin,) = [line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("origin")]
    assert origin.endswith(f" · {shown}")


@pytest.mark.parametrize(
    ("question", "heading"),
    [
        ("How many\n\norders?", "How many orders?"),
        ("why " * 26_000, "why " * 49 + "why…"),
        (" \n\t\n", "(an empty question)"),
    ],
)
def test_a_question_is_headed_in_one_line(question: str, heading: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_answer(replace(ANSWERED, question=question))
    assert capsys.readouterr().out.split("\n● ")[0].strip() == heading
