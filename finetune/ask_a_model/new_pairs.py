"""Pairs that a model makes from the workspace's ontology: questions first, then SQL, and the gate has the last word.

Templates and compositions know the shapes somebody thought of; a large model knows others. It is first asked for
questions alone, each request about other concepts and with other demands, and repeats are dropped before anything is
paid for their SQL. The SQL is asked for in the product's own prompt, one question at a time. A pair is kept only if its
statement passes the guard, runs, says something, and filters on nothing that the question does not name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agent.model.prompts import ChatMessage, build_messages
from agent.run import Grounding
from agent.steps.extract import extract_sql
from finetune.ask_a_model.ask_many import Crew, Request, ask_many
from finetune.ask_a_model.filters import filtered_values, level_of
from finetune.ask_a_model.ontology import Subject, subjects
from finetune.ask_a_model.spending import Spent
from finetune.ask_a_model.variety import OPERATIONS, Demand, demand, numbered_lines
from finetune.pairs.pair import Pair, Tag, normalised, pair_id, templated
from finetune.pairs.quality import Gate, Limits, SqlVerdict, judge_sql
from finetune.pairs.similarity import Signature, signature
from finetune.pairs.world import World

__all__ = ["AskSpec", "Asked", "ask_model"]

Ground = Callable[[Sequence[str]], Sequence[Grounding]]
"""What the agent would retrieve for each question."""

_SYSTEM = (
    "You think of questions that people of a company ask about its data. Rules:\n"
    "- One SQL query can answer each, from the data described.\n"
    "- Name values exactly as they are listed, and years or dates that the data covers.\n"
    "- No table or column names, no SQL: words a person would say.\n"
    "- No two questions ask for the same thing.\n"
    "- Reply with one line per question: its number, a full stop, the question. Nothing else."
)
_REASON = (
    " Before the statement, think inside <think> and </think>, in a few short lines: which tables and joins, which "
    "conditions, what is grouped, how it is sorted."
)
_QUESTION_TOKENS = 60
_SQL_TOKENS = 400
_REASONING_TOKENS = 400
_NEAR = 0.9
_MAX_REASONING = 2000
"""Characters of it kept with the pair."""


@dataclass(frozen=True, slots=True)
class AskSpec:
    """How many questions, and how their SQL is asked for."""

    count: int = 200
    """Questions asked for; fewer pairs are kept."""
    batch: int = 8
    """Questions per request."""
    reasoning: bool = False
    """Have the model think before the SQL; what it thought is kept in the pair's lineage."""
    seed: int = 7


@dataclass(frozen=True)
class Asked:
    """The pairs kept, why others were not, and what they cost."""

    pairs: tuple[Pair, ...]
    questions: int
    """Different questions the model thought of."""
    refused: dict[str, int]
    details: dict[str, str]
    """For each reason of the judge of SQL, what it said of the first statement refused for it."""
    spent: Spent
    exhausted: bool


@dataclass(frozen=True, slots=True)
class _Idea:
    question: str
    subject: Subject
    wish: Demand


@dataclass
class _Kept:
    gate: Gate
    pairs: list[Pair] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    details: dict[str, str] = field(default_factory=dict)


def ask_model(world: World, ground: Ground, crew: Crew, spec: AskSpec, known: Sequence[Pair] = ()) -> Asked:
    """Have a model think of questions about the workspace's concepts and answer them with SQL.

    Args:
        world: the warehouse, with the layer, catalog and policy.
        ground: see `Ground`.
        crew: who is asked, and for how much.
        spec: how much.
        known: pairs that are there already, which no new one may repeat or contradict.

    Raises:
        FailedError, UsageError: see `ask_many`.
    """
    ideas, repeats = _ideas(world, crew, spec, known)
    gate = Gate(Limits(per_sql=2))
    for pair in known:
        gate.take(pair, SqlVerdict(pair.sql))
    gate.refused.clear()
    kept = _Kept(gate)
    requests = _sql_requests(world, ground, ideas, spec)
    for idea, reply in zip(ideas, ask_many(crew, requests), strict=True):
        _judge(world, crew.model.model_name, idea, reply, kept)
    refused = kept.refused + gate.refused + Counter({"repeated_question": repeats} if repeats else {})
    return Asked(
        tuple(kept.pairs), len(ideas), dict(sorted(refused.items())), kept.details, crew.budget.spent,
        crew.budget.exhausted,
    )  # fmt: skip


def _ideas(world: World, crew: Crew, spec: AskSpec, known: Sequence[Pair]) -> tuple[list[_Idea], int]:
    """Questions, no two alike, and how many repeats were dropped."""
    rounds = -(-spec.count // spec.batch)
    about = subjects(world, rounds, spec.seed)
    wishes = [demand(number, spec.seed) for number in range(rounds)]
    requests = [_question_request(s, w, spec.batch) for s, w in zip(about, wishes, strict=True)]
    seen = {normalised(pair.question) for pair in known}
    signatures: list[Signature] = []
    ideas, repeats = [], 0
    for subject, wish, reply in zip(about, wishes, ask_many(crew, requests), strict=True):
        for question in numbered_lines(reply or "").values():
            plain = normalised(question)
            found = signature(plain)
            if plain in seen or any(found.jaccard(other) > _NEAR for other in signatures):
                repeats += 1
                continue
            seen.add(plain)
            signatures.append(found)
            ideas.append(_Idea(question, subject, wish))
    return ideas[: spec.count], repeats


def _question_request(subject: Subject, wish: Demand, count: int) -> Request:
    told = (
        f"The data:\n{subject.text}\n\nWrite {count} questions. Each asks for {OPERATIONS[wish.operation]}. "
        f"Each is {wish.register}, with {wish.error}."
    )
    messages: tuple[ChatMessage, ...] = ({"role": "system", "content": _SYSTEM}, {"role": "user", "content": told})
    return Request(messages, wish.temperature, _QUESTION_TOKENS * count)


def _sql_requests(world: World, ground: Ground, ideas: Sequence[_Idea], spec: AskSpec) -> list[Request]:
    questions = [idea.question for idea in ideas]
    requests = []
    for question, grounding in zip(questions, ground(questions) if questions else (), strict=True):
        messages = build_messages(question, grounding, style="full", dialect=world.catalog.dialect)
        if spec.reasoning:
            system, *rest = messages
            told: ChatMessage = {"role": "system", "content": system["content"] + _REASON}
            messages = [told, *rest]
        requests.append(Request(tuple(messages), 0.0, _SQL_TOKENS + (_REASONING_TOKENS if spec.reasoning else 0)))
    return requests


def _judge(world: World, model: str, idea: _Idea, reply: str | None, kept: _Kept) -> None:
    sql = extract_sql(reply or "").rstrip("; \n")
    if not sql:
        kept.refused["no_sql" if reply is not None else "no_reply"] += 1
        return
    dialect = world.catalog.dialect
    verdict = judge_sql(sql, dialect, world.guard, world.execute)
    if verdict.refusal:
        kept.refused[str(verdict.refusal)] += 1
        kept.details.setdefault(str(verdict.refusal), verdict.detail)
        return
    pair = _pair(world, model, idea, sql, reply or "")
    if kept.gate.take(pair, verdict):
        kept.pairs.append(pair)


def _pair(world: World, model: str, idea: _Idea, sql: str, reply: str) -> Pair:
    dialect = world.catalog.dialect
    parameters = filtered_values(sql, dialect)
    question_template, sql_template = templated(idea.question, sql, parameters)
    lineage: dict[str, str | int] = {
        "source": "model",
        "model": model,
        "about": " ".join(idea.subject.names),
        "register": idea.wish.register,
        "error": idea.wish.error,
        "semantics_fingerprint": world.layer.fingerprint,
        "catalog_fingerprint": world.catalog.fingerprint,
    }
    thought = reply.partition("<think>")[2].partition("</think>")[0].strip()
    if thought:
        lineage["reasoning"] = thought[:_MAX_REASONING]
    return Pair(
        id=pair_id(idea.question, sql),
        question=idea.question,
        sql=sql,
        template_id=f"model.{idea.wish.operation}.{pair_id(idea.question, sql)}",
        question_template=question_template,
        sql_template=sql_template,
        parameters=parameters,
        tags=(Tag("operation", idea.wish.operation),),
        level=level_of(sql, dialect),
        dialect=dialect,
        lineage=lineage,
    )
