"""The pair factory: same seed, same bytes; every statement runs; every question names its values."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from fixtures_pairs import TEMPLATES, Shop, shop  # noqa: F401

from agent.errors import UsageError
from agent.run import Outcome, Result, RunError, Verdict
from agent.warehouse.policy import Policy
from agent.warehouse.policy_rules import ColumnRules, TableRules
from finetune.pairs.factory import FactoryReport, FactorySpec, Progress, generate_pairs
from finetune.pairs.pair import Pair, Parameter, masked_sql, normalised, pair_id, read_pairs, templated
from finetune.pairs.quality import Gate, Limits, Refusal, SqlVerdict, judge_sql, mentions_values
from finetune.pairs.templates import TemplateError, load_templates
from finetune.pairs.world import World
from finetune.phrasing.grammar import phrasings
from memory.compiler import SemanticQuery


def made(
    shop: Shop,  # noqa: F811
    out: Path,
    spec: FactorySpec,
    policy: Policy | None = None,
    progress: Progress | None = None,
    templates: Path = TEMPLATES,
    max_scanned_rows: int | None = None,
) -> FactoryReport:
    return generate_pairs(
        spec,
        url=shop.url,
        layer=shop.layer,
        catalog=shop.catalog,
        policy=policy or shop.world.policy,
        templates=templates,
        out_dir=out,
        progress=progress,
        max_scanned_rows=max_scanned_rows,
    )


def allow(sql: str) -> Verdict:
    return Verdict(True, sql)


def denying(*columns: str) -> Policy:
    return Policy(columns=ColumnRules(deny=columns))


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


def test_an_interrupted_run_goes_on(shop: Shop, tmp_path: Path, report: FactoryReport) -> None:  # noqa: F811
    def interrupt(_stage: str, done: int, _wanted: int) -> None:
        if done > 150:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(shop, tmp_path, FactorySpec(count=400), progress=interrupt)
    shards = sorted((tmp_path / "shards").rglob("*.jsonl"))
    assert shards
    assert not (tmp_path / "pairs.jsonl").exists()
    kept = shards[0].stat().st_mtime_ns
    again = made(shop, tmp_path, FactorySpec(count=400))
    assert again.manifest.read_bytes() == report.manifest.read_bytes()
    assert again.path.read_bytes() == report.path.read_bytes()
    assert shards[0].stat().st_mtime_ns == kept
    assert again.speed is not None
    assert again.speed.shards_read_back == len(shards)


def test_a_damaged_shard_is_named(shop: Shop, tmp_path: Path) -> None:  # noqa: F811
    made(shop, tmp_path, FactorySpec(count=20))
    shard = min((tmp_path / "shards").rglob("candidates-*.jsonl"))
    whole = shard.read_text(encoding="utf-8")
    for damaged, line in ((whole + "{", r"\d+"), (whole.partition("\n")[2], "1: `refused`")):
        shard.write_text(damaged, encoding="utf-8")
        with pytest.raises(UsageError, match=rf"candidates-000000\.jsonl, line {line}"):
            made(shop, tmp_path, FactorySpec(count=20))


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


# -- the policy ------------------------------------------------------------------------------------------------------

WITHHELD = denying("Customers.Phone", "Customers.ContactName", "Employees.*")


@pytest.fixture(scope="module")
def permitted(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> FactoryReport:  # noqa: F811
    return made(shop, tmp_path_factory.mktemp("permitted"), FactorySpec(count=400), WITHHELD)


def test_no_pair_knows_anything_of_what_is_denied(shop: Shop, report: FactoryReport, permitted: FactoryReport) -> None:  # noqa: F811
    secrets = {
        str(value)
        for table, columns in (
            ("Customers", ("Phone", "ContactName")),
            ("Employees", ("FirstName", "LastName", "HomePhone", "BirthDate", "HireDate")),
        )
        for column in columns
        for value in shop.world.values(f"{table}.{column}")
    }
    secrets |= {str(value) for value in shop.world.values("employee_name")} | {"Employees.", "Customers.Phone"}
    open_to_all = ("Customers.CompanyName", "Suppliers.CompanyName", "Suppliers.ContactName", "Products.ProductName")
    permitted_text = " ".join(str(value) for column in open_to_all for value in shop.world.values(column))
    secrets = {secret for secret in secrets if secret not in permitted_text}  # a firm may be called like its clerk

    def telling(found: FactoryReport) -> set[str]:
        shards = found.path.parent.rglob("candidates-*.jsonl")
        lines = [line for shard in shards for line in shard.read_text(encoding="utf-8").splitlines()]
        text = found.path.read_text(encoding="utf-8")
        values = {s for line in lines for s in secrets if f'"{s}"' in line}  # candidates name columns, never values
        return values | {s for s in secrets if s in text}

    assert len(telling(report)) > 5, "without the policy they are asked about"
    assert telling(permitted) == set()
    assert permitted.pairs == 400
    assert permitted.refused[Refusal.GUARD_REFUSED] > 0
    world = World(shop.url, shop.layer, shop.catalog, WITHHELD)
    assert all(world.guard(pair.sql).allowed for pair in read_pairs(permitted.path))


def test_the_bytes_depend_on_the_policy_and_not_on_the_workers(
    shop: Shop,  # noqa: F811
    tmp_path: Path,
    report: FactoryReport,
    permitted: FactoryReport,
) -> None:
    again = made(shop, tmp_path, FactorySpec(count=400, workers=2), WITHHELD)
    assert again.manifest.read_bytes() == permitted.manifest.read_bytes()
    assert again.path.read_bytes() == permitted.path.read_bytes()
    open_, closed = (json.loads(found.manifest.read_text()) for found in (report, permitted))
    assert open_["identity"] != closed["identity"]
    assert open_["policy_fingerprint"] != closed["policy_fingerprint"]


def test_shards_made_under_another_policy_are_removed(shop: Shop, tmp_path: Path) -> None:  # noqa: F811
    made(shop, tmp_path, FactorySpec(count=20))
    before = set((tmp_path / "shards").iterdir())
    made(shop, tmp_path, FactorySpec(count=20), WITHHELD)
    after = set((tmp_path / "shards").iterdir())
    assert len(before) == len(after) == 1
    assert before != after


@pytest.mark.parametrize("deny", ["Orders.OrderDate", "Customers.*", "Employees.*", "*.Country", "Categories.*"])
def test_the_factory_goes_on_with_what_is_left(shop: Shop, tmp_path: Path, deny: str) -> None:  # noqa: F811
    assert made(shop, tmp_path, FactorySpec(count=40), denying(deny)).pairs == 40


def test_the_world_reads_nothing_that_is_withheld(shop: Shop) -> None:  # noqa: F811
    policy = Policy(tables=TableRules(deny=("Suppliers",)), columns=ColumnRules(deny=("Employees.LastName",)))
    world = World(shop.url, shop.layer, shop.catalog, policy)
    try:
        assert world.values("Customers.Country")
        for name in ("Employees.LastName", "employee_name", "Suppliers.Country"):
            assert shop.world.values(name)
            assert world.values(name) == ()
        freight = SemanticQuery(metrics=("avg:Orders.Freight",), dimensions=("employee_name",))
        assert shop.world.measured(freight)
        assert world.measured(freight) == ()
    finally:
        world.close()


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
        ("SELECT Nothing FROM Orders", Refusal.GUARD_REFUSED),
        ("SELECT load_extension('x')", Refusal.GUARD_REFUSED),
        ("SELECT ABS(-9223372036854775807 - 1)", Refusal.DOES_NOT_EXECUTE),
        ("SELECT * FROM Orders WHERE OrderID < 0", Refusal.EMPTY_RESULT),
        ("SELECT MAX(OrderID) FROM Orders WHERE OrderID < 0", Refusal.EMPTY_RESULT),
        ("SELECT OrderID FROM Orders LIMIT 5", Refusal.UNDETERMINED_ORDER),
        ("SELECT ProductName FROM Products ORDER BY Discontinued LIMIT 5", Refusal.UNDETERMINED_ORDER),
        ("SELECT CustomerID, COUNT(*) AS n FROM Orders GROUP BY CustomerID ORDER BY n LIMIT 60", ""),
        ("SELECT OrderID FROM Orders ORDER BY OrderID LIMIT 5", ""),
    ],
)
def test_a_statement_is_refused_by_name(shop: Shop, sql: str, reason: str) -> None:  # noqa: F811
    verdict = judge_sql(sql, "sqlite", shop.world.guard, shop.world.execute)
    if "COUNT" in sql and not reason:
        assert verdict.refusal in ("", Refusal.UNDETERMINED_ORDER)
    else:
        assert verdict.refusal == reason


def test_a_truncated_result_is_refused() -> None:
    def execute(sql: str) -> Outcome:
        return Outcome(sql, Result(("a",), ((1,),), truncated=True))

    assert judge_sql("SELECT a FROM t", "sqlite", allow, execute).refusal == Refusal.TRUNCATED_RESULT


def test_a_failing_statement_says_why() -> None:
    def execute(sql: str) -> Outcome:
        return Outcome(sql, error=RunError("unknown_table", "no such table"))

    assert judge_sql("SELECT a FROM t", "sqlite", allow, execute).detail == "no such table"


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


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"sql": None}, "`sql`"),
        ({"question": 5}, "`question`"),
        ({"level": "hard"}, "`level`"),
        ({"tags": "share"}, "`tags`"),
        ({"parameters": [{"name": "n"}]}, r"`parameters\.0\.surface`"),
        ({"surprise": 1}, "`surprise`"),
    ],
)
def test_a_line_that_is_no_pair_is_named(tmp_path: Path, change: dict[str, object], problem: str) -> None:
    path, good = tmp_path / "pairs.jsonl", pair_of("how many orders", "SELECT 1").to_json()
    path.write_text("\n".join(json.dumps(record) for record in (good, {}, good | change)), encoding="utf-8")
    with pytest.raises(UsageError, match="line 2: `id`"):
        list(read_pairs(path))
    path.write_text("\n".join(json.dumps(record) for record in (good, good | change)), encoding="utf-8")
    with pytest.raises(UsageError, match=rf"pairs\.jsonl, line 2: {problem}: "):
        list(read_pairs(path))


# -- templates -------------------------------------------------------------------------------------------------------


def test_every_template_fills_and_runs(shop: Shop) -> None:  # noqa: F811
    assert len(shop.book.templates) >= 60
    for template in shop.book.templates:
        one = replace(shop.book, templates=(template,))
        for attempt in range(20):
            _, pairs = one.draw(random.Random(f"{template.id}:{attempt}"), shop.world, 5)
            if not pairs:
                continue
            outcome = shop.world.execute(pairs[0].sql)
            assert outcome.error is None, (template.id, pairs[0].sql, outcome.error)
            break
        else:
            pytest.fail(f"{template.id} never had a value")
        assert len(template.questions) >= 3
        assert len(pairs) == 5, f"{template.id} has too few phrasings"


BARREN = """
templates:
- {id: fine, sql: "SELECT COUNT(*) FROM Orders WHERE ShipCountry = '{c}'", questions: ["?how many orders to {c}"],
   parameters: {c: {column: Orders.ShipCountry}}}
- {id: empty, sql: "SELECT OrderID FROM Orders WHERE Freight < 0", questions: ["?which orders cost nothing"]}
- {id: broken, sql: "SELECT Nope FROM Orders", questions: ["?what is nope"]}
- {id: silent, sql: "SELECT CompanyName FROM Customers WHERE Country = '{c}'", questions: ["?who is there"],
   parameters: {c: {map: {nowhere: Germany}}}}
- {id: valueless, sql: "SELECT CompanyName FROM Customers WHERE CompanyName > {n}", questions: ["?who is over {n}"],
   parameters: {n: {number: Customers.CompanyName}}}
"""


def test_a_template_that_gives_nothing_is_named_with_the_reasons(shop: Shop, tmp_path: Path) -> None:  # noqa: F811
    book = tmp_path / "templates.yaml"
    book.write_text(BARREN)
    spec = FactorySpec(count=20, template_share=1.0)
    report = made(shop, tmp_path / "out", spec, templates=book)
    assert report.templates == {"fine": 20}
    assert {name: list(reasons) for name, reasons in report.fruitless.items()} == {
        "broken": ["guard_refused"],
        "empty": ["empty_result"],
        "silent": ["value_not_mentioned"],
        "valueless": ["no_value"],
    }
    assert all(count > 0 for reasons in report.fruitless.values() for count in reasons.values())
    assert report.undrawn == 0
    again = made(shop, tmp_path / "out", spec, templates=book)
    assert again.speed is not None
    assert again.speed.shards_read_back
    assert again.manifest.read_bytes() == report.manifest.read_bytes(), "the reasons are read back, too"
    assert json.loads(report.manifest.read_text())["fruitless"] == report.fruitless


def test_a_statement_over_the_budget_is_not_run(shop: Shop, tmp_path: Path) -> None:  # noqa: F811
    book = tmp_path / "templates.yaml"
    book.write_text(
        """
templates:
- {id: cheap, sql: "SELECT COUNT(*) FROM Customers WHERE Country = '{c}'", questions: ["?how many from {c}"],
   parameters: {c: {choice: [Germany, France, Brazil, Spain]}}}
- {id: dear, sql: "SELECT COUNT(*) FROM Orders a, Orders b", questions: ["?how many pairs of orders"]}
- {id: dear_values, sql: "SELECT COUNT(*) FROM Shippers WHERE CompanyName > '{c}'", questions: ["?how many over {c}"],
   parameters: {c: {column: Orders.ShipCountry}}}
"""
    )
    spec = FactorySpec(count=3, template_share=1.0)
    report = made(shop, tmp_path / "out", spec, templates=book, max_scanned_rows=500)
    assert {name: list(reasons) for name, reasons in report.fruitless.items()} == {
        "dear": ["too_expensive"],
        "dear_values": ["no_value"],
    }
    assert report.refused["too_expensive"] > 0
    free = made(shop, tmp_path / "out", spec, templates=book)
    assert "too_expensive" not in free.refused
    assert free.speed is not None
    assert not free.speed.shards_read_back, "shards of another budget are not gone on with"


def test_templates_that_were_not_drawn_are_counted(report: FactoryReport, shop: Shop) -> None:  # noqa: F811
    given = {template.id for template in shop.book.templates} & report.templates.keys()
    assert given
    assert not report.fruitless.keys() & given
    assert report.undrawn == len(shop.book.templates) - len(given) - len(report.fruitless)
    assert 0 < report.undrawn < len(shop.book.templates)


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
        ("templates:\n- {id: a, tags: [null], sql: SELECT 1, questions: ['?x']}\n", "templates[0].tags", "not text"),
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


def test_templates_are_read_from_the_files_that_are_included(tmp_path: Path) -> None:
    (tmp_path / "topics").mkdir()
    (tmp_path / "topics" / "stock.yaml").write_text("templates:\n- {id: b, sql: SELECT 2, questions: ['?y']}\n")
    path = tmp_path / "templates.yaml"
    path.write_text("include: [topics/stock.yaml]\ntemplates:\n- {id: a, sql: SELECT 1, questions: ['?x']}\n")
    book = load_templates(path)
    assert [template.id for template in book.templates] == ["a", "b"]
    (tmp_path / "topics" / "stock.yaml").write_text("templates:\n- {id: b, sql: SELECT 3, questions: ['?y']}\n")
    assert load_templates(path).sha256 != book.sha256


@pytest.mark.parametrize(
    ("included", "says"),
    [
        (None, "there is no file"),
        ("vocabulary: {}\n", "not known"),
        ("templates:\n- {id: a, sql: SELECT 2, questions: ['?y']}\n", "used twice, first in templates.yaml"),
    ],
)
def test_a_wrong_include_is_named(tmp_path: Path, included: str | None, says: str) -> None:
    if included is not None:
        (tmp_path / "more.yaml").write_text(included)
    path = tmp_path / "templates.yaml"
    path.write_text("include: [more.yaml]\ntemplates:\n- {id: a, sql: SELECT 1, questions: ['?x']}\n")
    with pytest.raises(TemplateError, match=says):
        load_templates(path)
