"""Pairs that a model has a hand in: what it is asked, what is kept of its replies, and what it may cost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures_agent import Reply, ScriptedProvider, scripted_provider
from fixtures_pairs import Shop, shop  # noqa: F401  (a fixture)

from agent.errors import FailedError, UsageError
from agent.model.client import ModelClient
from agent.model.connect import open_model
from agent.run import Grounding
from agent.settings import ModelSettings, Settings
from finetune.ask_a_model.ask_many import Crew, Request, ask_many
from finetune.ask_a_model.filters import filtered_values, level_of
from finetune.ask_a_model.new_pairs import AskSpec, ask_model
from finetune.ask_a_model.new_phrasings import PhraseSpec, phrase_with
from finetune.ask_a_model.ontology import subjects
from finetune.ask_a_model.spending import Budget, Prices
from finetune.ask_a_model.variety import OPERATIONS, demand, numbered_lines
from finetune.pairs.pair import Pair, Parameter, pair_id
from finetune.pairs.world import World

# ruff: noqa: F811  pytest finds fixtures by their imported names

PRICES = Prices(prompt=1.0, completion=2.0)


@pytest.fixture
def provider() -> Iterator[ScriptedProvider]:
    with scripted_provider() as served:
        yield served


@pytest.fixture
def client(provider: ScriptedProvider) -> Iterator[ModelClient]:
    model = ModelSettings(provider="compatible", name="scripted", base_url=provider.url, timeout_s=5.0)
    opened = open_model(Settings(model=model))
    yield opened
    opened.close()


def crew_of(client: ModelClient, replies: Path | None = None, max_cost: float | None = None, workers: int = 3) -> Crew:
    return Crew(client, Budget(client, PRICES, max_cost), workers, replies)


def request(text: str, max_tokens: int = 10) -> Request:
    return Request(({"role": "user", "content": text},), 0.5, max_tokens)


def pair_of(question: str, sql: str, *values: str) -> Pair:
    parameters = tuple(Parameter(f"v{i}", value, value) for i, value in enumerate(values))
    return Pair(pair_id(question, sql), question, sql, "t", question, sql, parameters)


def echo(request: dict[str, Any]) -> Reply:
    return Reply((f"re: {request['messages'][-1]['content']}",))


# -- asking, and paying --------------------------------------------------------------------------------------------


def test_replies_come_in_the_order_of_the_requests_and_are_never_asked_for_twice(
    provider: ScriptedProvider, client: ModelClient, tmp_path: Path
) -> None:
    provider.answer = echo
    asked = [request(f"question {number}") for number in range(9)]
    wanted = [f"re: question {number}" for number in range(9)]
    kept = tmp_path / "replies.jsonl"
    assert ask_many(crew_of(client, kept), asked[:5]) == wanted[:5]
    with kept.open("a") as stream:
        stream.write('{"key": "torn')
    assert ask_many(crew_of(client, kept), asked) == wanted
    assert Counter(r["messages"][0]["content"] for r in provider.requests) == Counter(f"question {n}" for n in range(9))


def test_the_budget_holds_with_several_requests_under_way(provider: ScriptedProvider, client: ModelClient) -> None:
    provider.answer = lambda _request: Reply(("done",), delay_s=0.02)
    crew = crew_of(client, max_cost=0.0005, workers=8)  # a request costs 50 + 2 * 7 = 64 millionths
    replies = ask_many(crew, [request("x" * 100, 7) for _ in range(40)])
    spent = crew.budget.spent
    assert spent.cost <= 0.0005
    assert spent.requests == sum(reply is not None for reply in replies) >= 5
    assert (spent.prompt_tokens, spent.completion_tokens) == (50 * spent.requests, 7 * spent.requests)
    assert spent.cost == pytest.approx(64e-6 * spent.requests)
    assert crew.budget.exhausted
    assert replies[-1] is None


def test_a_cost_without_prices_cannot_be_limited(client: ModelClient) -> None:
    with pytest.raises(UsageError, match="prices"):
        Budget(client, Prices(), 1.0)


def test_a_refused_key_ends_it_at_once_and_a_passing_failure_costs_one_reply(
    provider: ScriptedProvider, client: ModelClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.model.client.retry_pause_s", lambda *_: 0.0)

    def sometimes(request: dict[str, Any]) -> Reply:
        return Reply(status=503) if request["messages"][0]["content"] == "bad" else Reply(("fine",))

    provider.answer = sometimes
    crew = crew_of(client, workers=1)
    assert ask_many(crew, [request("a"), request("bad"), request("b")]) == ["fine", None, "fine"]
    assert len(provider.requests) == 5  # the bad one was tried three times
    with pytest.raises(FailedError):
        ask_many(crew, [request("bad", tokens) for tokens in range(1, 9)])
    assert len(provider.requests) == 14  # three in a row, three times each
    provider.answer = lambda _request: Reply(status=401, body='{"error": {"message": "bad key"}}')
    with pytest.raises(FailedError, match="refuses the key"):
        ask_many(crew, [request("c")])


# -- variety -------------------------------------------------------------------------------------------------------


def test_every_operation_register_and_error_has_its_turn() -> None:
    demands = [demand(number, 7) for number in range(112)]
    assert Counter(d.operation for d in demands) == dict.fromkeys(OPERATIONS, 8)
    assert len({d.register for d in demands}) == 8
    for operation in OPERATIONS:
        same = [d for d in demands if d.operation == operation]
        assert len({d.register for d in same}) == 8, operation
        assert len({d.error for d in same}) == 4, operation
    assert len({d.temperature for d in demands}) == 5
    assert demand(3, 8) == demand(4, 7)


def test_a_numbered_list_is_read_whatever_surrounds_it() -> None:
    reply = 'Sure:\n1. How many?\n 2) "Which one?"\n- 3: **List all**\n\nHope it helps.\n2. again'
    assert numbered_lines(reply) == {1: "How many?", 2: "Which one?", 3: "List all"}
    assert numbered_lines("") == {}


# -- rewording -----------------------------------------------------------------------------------------------------

PAIRS = [
    pair_of("How many orders went to Germany in 2023?", "SELECT 1 -- de", "Germany", "2023"),
    pair_of("How many orders went to France in 2022?", "SELECT 1 -- fr", "France", "2022"),
    pair_of("List all shippers.", "SELECT 2"),
]


def reworder(answers: dict[str, str]) -> Any:
    def answer(request: dict[str, Any]) -> Reply:
        asked = numbered_lines(request["messages"][-1]["content"].partition("\n\n")[2])
        lines = []
        for number, line in asked.items():
            known = next((said for part, said in answers.items() if part in line), None)
            if known is not None:
                lines.append(f"{number}. {known}")
        return Reply(("\n".join(lines),))

    return answer


def test_a_rewording_is_kept_only_if_it_names_every_value_and_is_new(
    provider: ScriptedProvider, client: ModelClient
) -> None:
    provider.answer = reworder(
        {
            "Germany": "orders shipped to germany, 2023",
            "France": "how many went to France?",
            "shippers": "list all shippers",
        }
    )
    made = phrase_with(PAIRS, crew_of(client), PhraseSpec(count=3, phrasings=1))
    (kept,) = made.pairs
    assert (kept.question, kept.sql, kept.template_id) == ("orders shipped to germany, 2023", "SELECT 1 -- de", "t")
    assert kept.lineage["of"] == PAIRS[0].id
    assert kept.lineage["model"] == "scripted"
    assert made.refused == {"duplicate_question": 1, "value_not_mentioned": 1}
    assert made.spent.requests == 1
    assert "keep: Germany; 2023" in provider.requests[0]["messages"][-1]["content"]


def test_rewordings_differ_in_manner_and_lost_lines_are_counted(
    provider: ScriptedProvider, client: ModelClient, tmp_path: Path
) -> None:
    provider.answer = reworder({"Germany": "what was shipped to Germany during 2023, counted in orders?"})
    spec = PhraseSpec(count=3, phrasings=3, batch=2)
    made = phrase_with(PAIRS, crew_of(client, tmp_path / "replies.jsonl"), spec)
    assert len({r["messages"][-1]["content"].partition("\n")[0] for r in provider.requests}) == 6
    assert len({r["temperature"] for r in provider.requests}) > 2
    assert made.refused == {"duplicate_question": 2, "no_reply": 6}
    again = phrase_with(PAIRS, crew_of(client, tmp_path / "replies.jsonl"), spec)
    assert (again.pairs, again.refused, again.spent.requests) == (made.pairs, made.refused, 0)


def test_one_question_is_never_kept_for_two_statements(provider: ScriptedProvider, client: ModelClient) -> None:
    both = "Germany against France, 2022 and 2023"
    provider.answer = reworder({"Germany": both, "France": both.upper()})
    made = phrase_with(PAIRS, crew_of(client), PhraseSpec(count=3, phrasings=1))
    assert len(made.pairs) == 1
    assert made.refused == {"contradicts_another": 1, "no_reply": 1}


# -- asking for pairs ----------------------------------------------------------------------------------------------


def no_grounding(questions: Any) -> list[Grounding]:
    return [Grounding((), "", "") for _ in questions]


def answers(questions: list[str], sql: dict[str, str]) -> Any:
    """First the numbered questions; then for each the SQL scripted for it."""

    def answer(request: dict[str, Any]) -> Reply:
        asked = request["messages"][-1]["content"]
        if re.search(r"Write \d+ questions", asked):
            return Reply(("\n".join(f"{number}. {question}" for number, question in enumerate(questions, 1)),))
        return Reply((next((text for part, text in sql.items() if part in asked), "I cannot say."),))

    return answer


def test_pairs_of_a_model_are_kept_only_if_the_gate_takes_them(
    provider: ScriptedProvider, client: ModelClient, shop: Shop
) -> None:
    sql = {
        "in Germany": "```sql\nSELECT COUNT(*) FROM Customers WHERE Country = 'Germany';\n```",
        "in Spain": "SELECT COUNT(*) FROM Customers WHERE Country = 'Italy'",
        "Atlantis": "SELECT CompanyName FROM Customers WHERE Country = 'Atlantis'",
        "Delete": "DELETE FROM Customers",
        "wishes": "SELECT Wish FROM Customers",
        "Sell": "SELECT ProductName FROM Products LIMIT 3",
    }
    questions = [
        "How many customers are in Germany?",
        "How many customers are in Germany??",
        "How many customers are in Spain?",
        "Which customers live in Atlantis?",
        "Delete every customer",
        "What wishes do customers have?",
        "Sell me 3 products",
        "Please compose a poem",
    ]
    provider.answer = answers(questions, sql)
    made = ask_model(shop.world, no_grounding, crew_of(client), AskSpec(count=8, batch=8))
    (kept,) = made.pairs
    assert kept.sql == "SELECT COUNT(*) FROM Customers WHERE Country = 'Germany'"
    assert kept.sql_template == "SELECT COUNT(*) FROM Customers WHERE Country = '{value_1}'"
    assert kept.question_template == "How many customers are in {value_1}?"
    assert kept.lineage["source"] == "model"
    assert "reasoning" not in kept.lineage
    assert made.questions == 7
    assert made.refused == {
        "empty_result": 1, "guard_refused": 1, "no_sql": 1, "not_one_select": 1, "repeated_question": 1,
        "undetermined_order": 1, "value_not_mentioned": 1,
    }  # fmt: skip
    assert "wish" in made.details["guard_refused"].lower()
    asked = provider.requests[0]["messages"][-1]["content"]
    assert "figure: " in asked
    assert "attribute: " in asked
    assert any(told in asked for told in OPERATIONS.values())


def test_reasoning_is_asked_for_and_kept_with_the_pair(
    provider: ScriptedProvider, client: ModelClient, shop: Shop
) -> None:
    reply = "<think>\nOne table, no condition.\n</think>\nSELECT COUNT(*) FROM Shippers"
    provider.answer = answers(["How many shippers are there?"], {"shippers": reply})
    made = ask_model(shop.world, no_grounding, crew_of(client), AskSpec(count=1, batch=1, reasoning=True))
    (kept,) = made.pairs
    assert kept.lineage["reasoning"] == "One table, no condition."
    assert "<think>" in provider.requests[-1]["messages"][0]["content"]
    known = ask_model(shop.world, no_grounding, crew_of(client), AskSpec(count=1, batch=1), known=made.pairs)
    assert (known.pairs, known.refused) == ((), {"repeated_question": 1})


def test_every_concept_has_its_turn_and_what_is_denied_is_never_shown(shop: Shop) -> None:
    from agent.warehouse.policy import Policy
    from agent.warehouse.policy_rules import ColumnRules, TableRules

    world = shop.world
    found = subjects(world, len(world.layer.metrics), 7)
    shown = Counter(name for subject in found for name in subject.names)
    assert all(shown[metric.id] == 2 for metric in world.layer.metrics)
    assert found == subjects(world, len(world.layer.metrics), 7)
    assert found != subjects(world, len(world.layer.metrics), 8)
    policy = Policy(tables=TableRules(deny=("Employees",)), columns=ColumnRules(deny=("Customers.Country",)))
    held = World(shop.url, shop.layer, shop.catalog, policy)
    allowed = subjects(held, 60, 7)
    held.close()
    text = "\n".join(subject.text for subject in allowed)
    names = {name for subject in allowed for name in subject.names}
    assert "supplier_country" in names
    assert not {"customer_country", "employee_country", "employee_name"} & names
    assert "records: Employees" not in text
    assert "records: Customers with" in text
    customers = next(line for line in text.splitlines() if line.startswith("records: Customers with"))
    assert "Country" not in customers


@pytest.mark.parametrize(
    ("sql", "surfaces", "level"),
    [
        ("SELECT COUNT(*) FROM a WHERE x = 'Red' AND n > 1", ["Red"], "simple"),
        (
            "SELECT * FROM a WHERE d >= '2023-01-01' AND d < '2024-01-01' LIMIT 5",
            ["2023", "5"],
            "simple",
        ),
        ("SELECT x, SUM(p * (1 - q)) FROM a GROUP BY x HAVING SUM(p) > 2.5", ["2.5"], "moderate"),
        ("SELECT * FROM a WHERE x LIKE '%tofu%' AND y IN ('A', 'B')", ["A", "B", "tofu"], "simple"),
        ("SELECT * FROM a WHERE x = (SELECT MAX(x) FROM a)", [], "complex"),
        ("SELECT * FROM a WHERE n BETWEEN 10 AND 20", ["10", "20"], "simple"),
    ],
)
def test_what_a_statement_filters_on_is_read_from_it(sql: str, surfaces: list[str], level: str) -> None:
    assert sorted(p.surface for p in filtered_values(sql, "sqlite")) == surfaces
    assert level_of(sql, "sqlite") == level
