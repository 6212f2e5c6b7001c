"""Evaluating: gold first, every question in both modes, figures that add up, and going on after a stop."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fixtures_eval import OTHER_SALES, PACK, SUBJECT, ScriptedAsker, build_warehouse, clock_from, write_pack

from agent.errors import UsageError
from agent.run import Answer, Outcome
from agent.settings import GuardLimits
from agent.warehouse.connect import Warehouse
from finetune.evaluation.attempts import EvalReport
from finetune.evaluation.evaluate import EvalOptions, JudgeModel, evaluate
from finetune.evaluation.figures import adapter_figures, figures_of
from finetune.evaluation.judging import Place, run_gold
from finetune.evaluation.pack import PackQuestion, load_pack, order_columns, pack_hash, translated
from finetune.pairs.pair import Pair, Tag, write_pairs

RIGHT = {question.question: question.sql for question in PACK}
BY_REGION = "SELECT region, SUM(amount) AS revenue FROM sales GROUP BY region"


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = build_warehouse(tmp_path)
    yield opened
    opened.close()


def asker(warehouse: Warehouse, **changes: str | None) -> ScriptedAsker:
    """Right through the agent, silent when direct, but for the changes (`q2` for the agent, `q2_direct` for direct)."""
    script: dict[tuple[str, bool], str] = {(question, False): sql for question, sql in RIGHT.items()}
    names = {question.id: question.question for question in PACK}
    for name, sql in changes.items():
        key = (names[name.removesuffix("_direct")], name.endswith("_direct"))
        if sql is None:
            script.pop(key, None)
        else:
            script[key] = sql
    return ScriptedAsker(warehouse, script)


def run(ask: ScriptedAsker, options: EvalOptions | None = None) -> EvalReport:
    return evaluate(
        PACK, SUBJECT, ask=ask, run_sql=ask.warehouse.execute, clock=clock_from(), options=options or EvalOptions()
    )


def test_every_question_is_asked_in_both_modes(warehouse: Warehouse) -> None:
    ask = asker(warehouse, q1_direct="SELECT 5", q2_direct="SELECT 1")
    report = run(ask)
    assert len(ask.asked) == 8
    assert [attempt.right for attempt in report.of_mode("agent")] == [True] * 4
    assert [attempt.right for attempt in report.of_mode("direct")] == [True, False, False, False]
    assert report.of_mode("direct")[2].status == "abstained"
    assert report.of_mode("direct")[2].reason == "No draft was good enough."
    assert (report.started, report.finished) == ("2026-11-22T10:01:00+00:00", "2026-11-22T10:02:00+00:00")


def test_figures_add_up(warehouse: Warehouse) -> None:
    report = run(asker(warehouse, q1="SELECT 4", q4=None, q1_direct="SELECT 5", q2_direct="SELEC 1"))
    agent, direct = figures_of(report).modes
    assert (agent.accuracy.count, agent.accuracy.total) == (2, 4)
    assert (agent.coverage.count, agent.wrong_among_answered.count, agent.wrong_among_answered.total) == (3, 1, 3)
    assert {g.name: (g.accuracy.count, g.accuracy.total) for g in agent.by_difficulty} == {
        "simple": (1, 2),
        "moderate": (1, 2),
    }
    assert {g.name: (g.accuracy.count, g.accuracy.total) for g in agent.by_tag} == {
        "count": (0, 1),
        "sum": (1, 1),
        "group": (1, 1),
        "top": (1, 1),
        "(none)": (0, 1),
    }
    assert direct.statuses == {"abstained": 2, "answered": 1, "failed": 1}
    assert direct.error_classes == {"low_confidence": 2, "syntax": 1}
    assert set(agent.stages) == {"ground", "generate"}
    assert agent.stages["generate"].median == 50.0
    paired = figures_of(report).paired
    assert paired is not None
    assert (paired.both, paired.only_agent, paired.only_direct, paired.neither) == (0, 2, 1, 1)
    assert paired.p_value == 1.0


def test_order_counts_only_where_it_was_asked_for(warehouse: Warehouse) -> None:
    backwards = run(asker(warehouse, q2=f"{BY_REGION} ORDER BY revenue"))
    assert backwards.of_mode("agent")[1].reason == "The rows are right, their order is not."


def test_extra_columns_are_allowed_and_said_so(warehouse: Warehouse) -> None:
    report = run(asker(warehouse, q3="SELECT 'north' AS region, 30.5 AS revenue"))
    attempt = report.of_mode("agent")[2]
    assert attempt.right
    assert attempt.extra_columns == ("revenue",)


def test_a_gold_error_stops_before_anything_is_asked(warehouse: Warehouse) -> None:
    ask = asker(warehouse)
    broken = (*PACK, PackQuestion("q9", "What is broken?", "SELECT nothing FROM nowhere"))
    with pytest.raises(UsageError, match=r"`q9` \(What is broken\?\) does not hold"):
        evaluate(broken, SUBJECT, ask=ask, run_sql=warehouse.execute, clock=clock_from())
    assert not ask.asked


def test_a_gold_cut_off_by_the_row_cap_is_an_error(tmp_path: Path) -> None:
    capped = build_warehouse(tmp_path, GuardLimits(max_rows=2))
    with pytest.raises(UsageError, match="more rows than the limits allow"):
        run_gold((PackQuestion("q", "All?", "SELECT * FROM sales"),), Place(capped.execute), "sqlite")
    capped.close()


def test_a_stopped_evaluation_goes_on(warehouse: Warehouse, tmp_path: Path) -> None:
    options = EvalOptions(attempts_file=tmp_path / "eval" / "attempts.jsonl")
    first = asker(warehouse)
    first.stop_after = 3
    with pytest.raises(KeyboardInterrupt):
        run(first, options)
    assert options.attempts_file is not None
    with options.attempts_file.open("a", encoding="utf-8") as stream:
        stream.write('{"id": "q2", "mo')
    second = asker(warehouse)
    report = run(second, options)
    assert report.resumed == 3
    assert len(second.asked) == 5
    assert figures_of(report).modes[0].accuracy.count == 4
    assert not options.attempts_file.exists(), "nothing is left to resume"
    third = asker(warehouse)
    assert run(third, options).resumed == 0
    assert len(third.asked) == 8, "a finished evaluation is made anew"


def test_attempts_of_another_evaluation_are_not_taken_over(warehouse: Warehouse, tmp_path: Path) -> None:
    options = EvalOptions(attempts_file=tmp_path / "attempts.jsonl")
    first = asker(warehouse)
    first.stop_after = 3
    with pytest.raises(KeyboardInterrupt):
        run(first, options)
    second = asker(warehouse)
    other = replace(SUBJECT, model_hash="99" * 32)
    report = evaluate(PACK, other, ask=second, run_sql=warehouse.execute, clock=clock_from(), options=options)
    assert report.resumed == 0
    assert len(second.asked) == 8


def test_a_withheld_draft_is_judged_and_never_counted(warehouse: Warehouse) -> None:
    ask = asker(warehouse, q3="SELECT 'south'", q4=None)
    names = {question.id: question.question for question in PACK}
    ask.withheld = frozenset({(names["q1"], False), (names["q3"], False)})
    report = run(ask, EvalOptions(modes=("agent",)))
    marks = {attempt.id: (attempt.right, attempt.withheld_right, attempt.draft_right) for attempt in report.attempts}
    assert marks == {
        "q1": (False, True, True),
        "q2": (True, None, True),
        "q3": (False, False, False),
        "q4": (False, None, None),
    }
    figures = figures_of(report).modes[0]
    assert (figures.accuracy.count, figures.coverage.count, figures.withheld_right) == (1, 1, 1)
    assert [point.coverage.count for point in figures.risk_curve.points] == [1, 3]
    assert figures.risk_curve.points[-1].risk.count == 1


def test_only_a_draft_that_the_guard_allowed_is_run_again(warehouse: Warehouse) -> None:
    """A statement that failed or was refused is shown, too; it must not reach the warehouse by this door."""
    names = {question.id: question.question for question in PACK}
    executed: list[str] = []

    def watched(sql: str) -> Outcome:
        executed.append(sql)
        return warehouse.execute(sql)

    ask = asker(warehouse, q1="SELEC 5", q2="SELECT 7")
    ask.withheld = frozenset({(names["q2"], False)})
    evaluate(PACK, SUBJECT, ask=ask, run_sql=watched, clock=clock_from(), options=EvalOptions(modes=("agent",)))
    assert executed == [*(question.sql for question in PACK), "SELECT 7"]


def test_what_is_right_by_accident_is_wrong(warehouse: Warehouse, tmp_path: Path) -> None:
    other = build_warehouse(tmp_path, sales=OTHER_SALES, name="other.sqlite")
    ask = asker(warehouse, q1="SELECT 5", q2="SELECT 1")
    report = run(ask, EvalOptions(modes=("agent",), elsewhere=(Place(other.execute, "other"),)))
    other.close()
    attempts = {attempt.id: attempt for attempt in report.of_mode("agent")}
    assert [attempts[name].right for name in ("q1", "q2", "q3", "q4")] == [False, False, True, True]
    assert attempts["q1"].reason.startswith("Right here by accident; on other: ")
    assert attempts["q1"].elsewhere == {"other": False}
    assert attempts["q2"].elsewhere == {}, "what is wrong here is not tried there"
    figures = figures_of(report).modes[0]
    assert (figures.accidents, figures.by_accident, figures.wrong_among_answered.count) == (1, {"other": 1}, 2)
    assert report.told_apart == 2, "q3 and q4 have the same rows in either"
    assert len(ask.asked) == 4, "the question is asked once, whatever the number of warehouses"
    assert report.gold_hash != run(asker(warehouse)).gold_hash


def test_gold_must_hold_on_every_warehouse(warehouse: Warehouse, tmp_path: Path) -> None:
    empty = build_warehouse(tmp_path, GuardLimits(max_rows=1), sales=OTHER_SALES, name="small.sqlite")
    ask = asker(warehouse)
    with pytest.raises(UsageError, match=r"`q2` .* does not hold on small: it gives more rows"):
        run(ask, EvalOptions(elsewhere=(Place(empty.execute, "small"),)))
    empty.close()
    assert not ask.asked


def test_asking_again_tells_steady_from_lucky(warehouse: Warehouse) -> None:
    names = {question.id: question.question for question in PACK}
    ask = asker(warehouse)

    def now_and_then(question: str, direct: bool) -> Answer:
        answer = ask(question, direct)
        asked_before = ask.asked.count((question, direct)) - 1
        return replace(answer, rows=((0,),)) if question == names["q1"] and asked_before else answer

    report = evaluate(
        PACK,
        SUBJECT,
        ask=now_and_then,
        run_sql=warehouse.execute,
        clock=clock_from(),
        options=EvalOptions(modes=("agent",), repeat=3),
    )
    assert [question for question, _ in ask.asked] == [question.question for question in PACK] * 3
    assert len(report.of_mode("agent")) == 4
    assert len(report.of_mode("agent", repetition=None)) == 12
    figures = figures_of(report).modes[0]
    assert figures.accuracy.count == 4, "all other figures are those of the first time"
    assert figures.repeated is not None
    shares = {group.name: (group.pass_1, group.pass_k.count) for group in figures.repeated.by_difficulty}
    assert shares["all questions"] == (pytest.approx(10 / 12), 3)
    assert shares["simple"] == (pytest.approx(4 / 6), 1)
    assert shares["moderate"] == (1.0, 2)
    assert figures.repeated.sometimes_right == 1
    assert adapter_figures(report).total == 4


def test_a_judge_model_speaks_beside_execution(warehouse: Warehouse) -> None:
    heard: list[tuple[str, str]] = []

    def opinion(question: str, sql: str) -> bool | None:
        heard.append((question, sql))
        return None if sql == PACK[3].sql else "COUNT" not in sql

    ask = asker(warehouse, q3="SELECT 'south'")
    report = run(ask, EvalOptions(modes=("agent",), judge=JudgeModel("second", opinion)))
    found = figures_of(report).modes[0].opinions
    assert found is not None
    assert report.judge == "second"
    assert (found.both_right, found.only_execution, found.only_judge, found.both_wrong) == (1, 1, 1, 0)
    assert found.no_verdict == 1
    assert found.kappa == pytest.approx((1 / 3 - 5 / 9) / (1 - 5 / 9))
    assert figures_of(report).modes[0].accuracy.count == 3, "execution alone decides"
    assert len(heard) == 4


def test_one_mode_alone(warehouse: Warehouse) -> None:
    seen: list[tuple[int, int]] = []
    options = EvalOptions(modes=("agent",), progress=lambda done, total, what: seen.append((done, total)))
    report = run(asker(warehouse), options)
    assert report.modes == ("agent",)
    assert figures_of(report).paired is None
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)] * 2, "gold, then questions"


def test_a_report_survives_json(warehouse: Warehouse) -> None:
    report = run(asker(warehouse, q1=None, q2_direct=BY_REGION))
    again = EvalReport.from_json(json.loads(json.dumps(report.to_json())))
    assert again == report
    assert figures_of(again) == figures_of(report)


@pytest.mark.parametrize("content", [{}, {"subject": {}}, {"figures": 1}])
def test_something_else_is_not_a_report(content: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="not an evaluation report"):
        EvalReport.from_json(content)


def test_the_registry_keeps_how_the_agent_did(warehouse: Warehouse) -> None:
    report = run(asker(warehouse, q1="SELECT 4", q4=None))
    figures = adapter_figures(report)
    assert (figures.right, figures.total, figures.answered, figures.wrong) == (2, 4, 3, 1)
    assert figures.pack_hash == pack_hash(PACK)
    assert figures.gold_hash == report.gold_hash


def test_the_same_pack_on_other_rows_is_another_test(warehouse: Warehouse) -> None:
    before = run(asker(warehouse)).gold_hash
    changed = (replace(PACK[0], sql="SELECT 4"), *PACK[1:])
    ask = asker(warehouse)
    report = evaluate(changed, SUBJECT, ask=ask, run_sql=warehouse.execute, clock=clock_from())
    assert report.gold_hash != before


# --- the pack ------------------------------------------------------------------------------------------------


def test_a_pack_is_read_back(tmp_path: Path) -> None:
    assert load_pack(write_pack(tmp_path / "pack.jsonl")) == PACK
    assert pack_hash(PACK) == pack_hash(tuple(reversed(PACK)))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("nonsense", "line 2: not JSON"),
        ("[1]", "line 2: not a JSON object"),
        ('{"id": "a", "question": "b"}', "line 2: `sql` is missing"),
        ('{"id": "a", "question": " ", "sql": "c"}', "line 2: `question` is missing"),
        ('{"id": "q1", "question": "b", "sql": "c"}', "line 2: the id `q1` was used before"),
        ('{"id": "a", "question": "b", "sql": "c", "tags": "x"}', "line 2: `tags`"),
        ('{"id": "a", "question": "b", "sql": "c", "ordered": 1}', "line 2: `ordered`"),
    ],
)
def test_a_line_that_does_not_fit_is_named(tmp_path: Path, line: str, problem: str) -> None:
    path = write_pack(tmp_path / "pack.jsonl", PACK[:1])
    with path.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    with pytest.raises(UsageError, match=problem):
        load_pack(path)


def test_an_empty_or_missing_pack_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Cannot read"):
        load_pack(tmp_path / "absent.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n\n")
    with pytest.raises(UsageError, match="holds no questions"):
        load_pack(tmp_path / "empty.jsonl")


def test_pairs_are_a_pack(tmp_path: Path) -> None:
    pair = Pair(
        "p1", "How many sales?", "SELECT COUNT(*) FROM sales", "count_all", "How many sales?", "SELECT COUNT(*)",
        tags=(Tag("pattern", "count"),), level="moderate", dialect="duckdb",
    )  # fmt: skip
    write_pairs(tmp_path / "pairs.jsonl", [pair])
    assert load_pack(tmp_path / "pairs.jsonl") == (
        PackQuestion("p1", pair.question, pair.sql, "moderate", ("count_all",), dialect="duckdb"),
    )


def test_a_test_set_of_chat_records_stands_for_the_pack_beside_it(tmp_path: Path) -> None:
    chats = tmp_path / "test_structure.jsonl"
    chats.write_text(json.dumps({"messages": [], "id": "p1", "level": "simple", "template_id": "t"}) + "\n")
    with pytest.raises(UsageError, match="chat records"):
        load_pack(chats)
    (tmp_path / "packs").mkdir()
    write_pack(tmp_path / "packs" / "test_structure.jsonl")
    assert load_pack(chats) == PACK


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT a, SUM(b) AS s FROM t GROUP BY a ORDER BY s DESC", (1,)),
        ("SELECT a, SUM(b) FROM t GROUP BY 1 ORDER BY SUM(b) DESC, a", (1, 0)),
        ("SELECT a FROM t ORDER BY 1 LIMIT 3", (0,)),
        ("SELECT t.a AS x FROM t ORDER BY t.a", (0,)),
        ("WITH c AS (SELECT 1 AS q) SELECT q FROM c ORDER BY q", (0,)),
        ("SELECT a FROM t ORDER BY b", ()),
        ("SELECT a FROM t ORDER BY a, b", ()),
        ("SELECT a FROM t", ()),
        ("SELECT a FROM t ORDER BY 7", ()),
        ("not sql at all (((", ()),
    ],
)
def test_the_columns_an_order_is_by(sql: str, columns: tuple[int, ...]) -> None:
    assert order_columns(sql, "sqlite") == columns


def test_gold_is_translated_from_the_dialect_it_was_written_in() -> None:
    gold = PackQuestion("q", "?", "SELECT d::TEXT FROM t", dialect="duckdb")
    assert translated(gold, "sqlite") == "SELECT CAST(d AS TEXT) FROM t"
    assert translated(replace(gold, dialect=""), "sqlite") == gold.sql
    with pytest.raises(UsageError, match="is not duckdb"):
        translated(replace(gold, sql="SELECT (("), "sqlite")
