"""The pair factory: same seed, same bytes; every statement runs; every question names its values."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from fixtures_pairs import TEMPLATES, Shop, shop  # noqa: F401

from agent.run import Outcome, Result, RunError
from finetune.factory import FactoryReport, FactorySpec, generate_pairs, templated
from finetune.pairs import Pair, Parameter, masked_sql, normalised, pair_id, read_pairs
from finetune.phrasing import phrasings
from finetune.quality import Gate, Limits, Refusal, SqlVerdict, judge_sql, mentions_values
from finetune.templates import TemplateError, load_templates


def made(shop: Shop, out: Path, spec: FactorySpec) -> FactoryReport:  # noqa: F811
    return generate_pairs(spec, url=shop.url, layer=shop.layer, catalog=shop.catalog, templates=TEMPLATES, out_dir=out)


@pytest.fixture(scope="module")
def report(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> FactoryReport:  # noqa: F811
    return made(shop, tmp_path_factory.mktemp("pairs"), FactorySpec(count=400))


def test_as_many_as_asked_and_all_different(report: FactoryReport) -> None:
    pairs = list(read_pairs(report.path))
    assert len(pairs) == report.pairs == 400
    assert len({normalised(p.question) for p in pairs}) == 400
    assert report.structures > 150
    assert set(report.levels) == {"simple", "moderate", "complex", "edge"}
    assert json.loads(report.manifest.read_text())["sha256"] == report.sha256


def test_every_pair_runs_names_its_values_and_knows_its_origin(report: FactoryReport, shop: Shop) -> None:  # noqa: F811
    for pair in list(read_pairs(report.path))[::12]:
        outcome = shop.world.execute(pair.sql)
        assert outcome.result is not None
        assert outcome.result.rows
        assert mentions_values(pair)
        assert pair.id == pair_id(pair.question, pair.sql)
        assert pair.lineage["semantics_fingerprint"] == shop.layer.fingerprint
        assert pair.template_id
        assert pair.combination


def test_two_workers_make_the_same_bytes_as_one(shop: Shop, tmp_path: Path, report: FactoryReport) -> None:  # noqa: F811
    again = made(shop, tmp_path, FactorySpec(count=400, workers=2))
    assert again.sha256 == report.sha256
    assert json.loads(again.manifest.read_text()) == json.loads(report.manifest.read_text())


def test_an_interrupted_run_goes_on(shop: Shop, tmp_path: Path) -> None:  # noqa: F811
    first = made(shop, tmp_path, FactorySpec(count=100, seed=3))
    shards = sorted((tmp_path / "shards").rglob("*.jsonl"))
    kept = shards[0].stat().st_mtime_ns
    shards[1].unlink()
    again = made(shop, tmp_path, FactorySpec(count=100, seed=3))
    assert again.sha256 == first.sha256
    assert shards[0].stat().st_mtime_ns == kept
    assert shards[1].exists()


def test_levels_to_given_counts(shop: Shop, tmp_path: Path) -> None:  # noqa: F811
    wanted = {"simple": 40, "moderate": 40, "complex": 30, "edge": 10}
    report = made(shop, tmp_path, FactorySpec(count=120, levels=wanted))
    assert report.levels == wanted


def test_five_phrasings_of_one_composition(shop: Shop) -> None:  # noqa: F811
    enough = total = 0
    for index in range(200):
        rng = random.Random(f"phrasings:{index}")
        drawn = shop.composer.draw(rng)
        if drawn is not None:
            total += 1
            enough += len(phrasings(drawn.ask, rng, 5)) == 5
    assert enough / total > 0.98


def test_no_slot_is_left_open(shop: Shop) -> None:  # noqa: F811
    for index in range(300):
        rng = random.Random(f"slots:{index}")
        drawn = shop.composer.draw(rng)
        for question in phrasings(drawn.ask, rng, 3) if drawn else ():
            assert "{" not in question, (drawn, question)


# -- the gate --------------------------------------------------------------------------------------------------------


def pair_of(question: str, sql: str, **fields: object) -> Pair:
    plain = Pair(pair_id(question, sql), question, sql, "t", question, sql)
    return replace(plain, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELECT FROM WHERE", Refusal.DOES_NOT_PARSE),
        ("SELECT 1; SELECT 2", Refusal.NOT_ONE_SELECT),
        ("DELETE FROM Orders", Refusal.NOT_ONE_SELECT),
        ("SELECT Nothing FROM Orders", Refusal.DOES_NOT_EXECUTE),
        ("SELECT * FROM Orders WHERE OrderID < 0", Refusal.EMPTY_RESULT),
        ("SELECT MAX(OrderID) FROM Orders WHERE OrderID < 0", Refusal.EMPTY_RESULT),
        ("SELECT OrderID FROM Orders LIMIT 5", Refusal.UNDETERMINED_ORDER),
        ("SELECT ProductName FROM Products ORDER BY Discontinued LIMIT 5", Refusal.UNDETERMINED_ORDER),
        ("SELECT CustomerID, COUNT(*) AS n FROM Orders GROUP BY CustomerID ORDER BY n LIMIT 60", ""),
        ("SELECT OrderID FROM Orders ORDER BY OrderID LIMIT 5", ""),
    ],
)
def test_a_statement_is_refused_by_name(shop: Shop, sql: str, reason: str) -> None:  # noqa: F811
    verdict = judge_sql(sql, "sqlite", shop.world.execute)
    if "COUNT" in sql and not reason:
        assert verdict.refusal in ("", Refusal.UNDETERMINED_ORDER)
    else:
        assert verdict.refusal == reason


def test_a_truncated_result_is_refused() -> None:
    def execute(sql: str) -> Outcome:
        return Outcome(sql, Result(("a",), ((1,),), truncated=True))

    assert judge_sql("SELECT a FROM t", "sqlite", execute).refusal == Refusal.TRUNCATED_RESULT


def test_a_failing_statement_says_why() -> None:
    def execute(sql: str) -> Outcome:
        return Outcome(sql, error=RunError("unknown_table", "no such table"))

    assert judge_sql("SELECT a FROM t", "sqlite", execute).detail == "no such table"


def test_questions_are_refused_by_name() -> None:
    gate, fine = Gate(Limits(per_sql=2, per_structure=2)), SqlVerdict("")
    value = (Parameter("country", "Germany", "Germany"),)
    assert gate.take(pair_of("Orders from Germany please", "SELECT 'Germany'", parameters=value), fine)
    refused = [
        (pair_of("Orders from Germany, please!", "SELECT 'Germany'", parameters=value), Refusal.DUPLICATE_QUESTION),
        (pair_of("orders from germany please", "SELECT 'France'"), Refusal.CONTRADICTS_ANOTHER),
        (pair_of("All the orders we have", "SELECT 'Germany'", parameters=value), Refusal.VALUE_NOT_MENTIONED),
        (pair_of("Orders from the Germany pleas", "SELECT 'Germany'", parameters=value), ""),
        (pair_of("How many came from Germany", "SELECT 'Germany'", parameters=value), Refusal.SQL_REPEATED),
        (pair_of("Orders", "SELECT 1"), Refusal.MALFORMED_QUESTION),
        (pair_of("Orders from {country}", "SELECT 1"), Refusal.MALFORMED_QUESTION),
    ]
    for pair, reason in refused:
        before = gate.refused[str(reason)]
        assert gate.take(pair, fine) == (reason == "")
        if reason:
            assert gate.refused[str(reason)] == before + 1
    assert gate.take(pair_of("what about Spain then", "SELECT 'Spain'"), fine)
    assert not gate.take(pair_of("what about Italy then", "SELECT 'Italy'"), fine)
    assert gate.refused[Refusal.STRUCTURE_REPEATED] == 1


def test_near_duplicates_of_one_statement_are_dropped() -> None:
    gate, fine = Gate(Limits(per_sql=9)), SqlVerdict("")
    long = "show me the total sales revenue of every single product category in the year two thousand twenty three"
    assert gate.take(pair_of(long, "SELECT 1"), fine)
    assert not gate.take(pair_of(long + "s", "SELECT 1"), fine)
    assert gate.refused[Refusal.NEAR_DUPLICATE] == 1
    assert gate.take(pair_of(long + "s", "SELECT 2, 3"), fine)


def test_masks_and_templates_keep_structure() -> None:
    assert masked_sql("SELECT a1 FROM t WHERE b = 'it''s' AND c > 10.5 LIMIT 3") == (
        "SELECT a1 FROM t WHERE b = ? AND c > ? LIMIT ?"
    )
    question, sql = templated(
        "orders of O'Neil", "SELECT 1 WHERE n = 'O''Neil'", [Parameter("customer", "O'Neil", "O'Neil")]
    )
    assert (question, sql) == ("orders of {customer}", "SELECT 1 WHERE n = '{customer}'")


# -- templates -------------------------------------------------------------------------------------------------------


def test_every_template_fills_and_runs(shop: Shop) -> None:  # noqa: F811
    assert len(shop.book.templates) >= 60
    for template in shop.book.templates:
        one = replace(shop.book, templates=(template,))
        for attempt in range(20):
            pairs = one.draw(random.Random(f"{template.id}:{attempt}"), shop.world, 5)
            if not pairs:
                continue
            outcome = shop.world.execute(pairs[0].sql)
            assert outcome.error is None, (template.id, pairs[0].sql, outcome.error)
            break
        else:
            pytest.fail(f"{template.id} never had a value")
        assert len(template.questions) >= 3
        assert len(pairs) == 5, f"{template.id} has too few phrasings"


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ("templates:\n- {id: a, sql: SELECT 1}\n", "templates[0].questions", "missing"),
        ("templates:\n- {id: a, sql: SELECT 1, questions: [what]}\n", "templates[0].questions", "must begin"),
        ("templates:\n- {id: a, sql: 'SELECT {n}', questions: ['?x {n}']}\n", "templates[0].parameters.n", "declared"),
        (
            "templates:\n- {id: a, sql: 'SELECT {n}', questions: ['?x'], parameters: {n: {guess: 1}}}\n",
            "templates[0].parameters.n",
            "exactly one of",
        ),
        (
            "templates:\n- {id: a, sql: 'SELECT {n}', questions: ['?x'], parameters: {n: {column: Orders.Nope}}}\n",
            "templates[0].parameters.n",
            "no column Orders.Nope",
        ),
        ("templates:\n- {id: a, level: hard, sql: SELECT 1, questions: ['?x']}\n", "templates[0].level", "not one of"),
        ("tempaltes: []\n", "tempaltes", "not known"),
    ],
)
def test_a_wrong_template_names_its_line(tmp_path: Path, shop: Shop, text: str, key: str, says: str) -> None:  # noqa: F811
    path = tmp_path / "templates.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError, match=says) as caught:
        load_templates(path, shop.catalog)
    assert caught.value.key == key
    assert caught.value.line >= 1
