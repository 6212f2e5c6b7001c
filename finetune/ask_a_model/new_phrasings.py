"""Questions said anew by a model: the same pair, in words that no template has.

A model words things as people do and as a grammar does not; it also drops a filter, turns "top 5" into "the best" and
repeats itself. So a rewording is kept only if it still names every value the SQL filters on, is not nearly another
question of the same SQL, and is not a question that has other SQL: the judgement is the quality gate's.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.model.prompts import ChatMessage
from finetune.ask_a_model.ask_many import Crew, Request, ask_many
from finetune.ask_a_model.spending import Spent
from finetune.ask_a_model.variety import Demand, demand, numbered, numbered_lines
from finetune.pairs.pair import Pair, pair_id, templated
from finetune.pairs.quality import Gate, Limits, SqlVerdict

__all__ = ["PhraseSpec", "Phrased", "phrase_with"]

_SYSTEM = (
    "You reword questions that people ask about the data of a company. Rules:\n"
    "- The meaning stays exactly: the same figure, the same conditions, the same period, the same number of rows, "
    "the same order. Add nothing and leave nothing out.\n"
    "- What stands after `keep:` appears in the reworded question letter for letter.\n"
    "- Use other words and another sentence than the question has.\n"
    "- Reply with one line per question: its number, a full stop, the reworded question. Nothing else."
)
_TOKENS_PER_QUESTION = 60
_UNLIMITED = 1_000_000
_LOST = "no_reply"


@dataclass(frozen=True, slots=True)
class PhraseSpec:
    """How much is to be reworded."""

    count: int = 200
    """Pairs, each of another SQL statement as long as there are such."""
    phrasings: int = 2
    """Rewordings asked for per pair."""
    batch: int = 8
    """Questions per request."""
    seed: int = 7


@dataclass(frozen=True)
class Phrased:
    """The rewordings kept, why others were not, and what they cost."""

    pairs: tuple[Pair, ...]
    refused: dict[str, int]
    """Reason → how many; `no_reply` are questions the model gave no line for, or was not asked for want of budget."""
    spent: Spent
    exhausted: bool
    """Whether the budget ended it."""


def phrase_with(pairs: Sequence[Pair], crew: Crew, spec: PhraseSpec) -> Phrased:
    """Have a model reword questions of `pairs`.

    The same pairs, spec and replies give the same result. Every reworded pair keeps its SQL, template and parameters,
    so the splits keep it with the pair it comes from.

    Raises:
        FailedError, UsageError: see `ask_many`.
    """
    chosen = _chosen(pairs, spec)
    rounds = [(round_, batch) for round_ in range(spec.phrasings) for batch in _batches(chosen, spec, round_)]
    demands = [demand(number, spec.seed) for number in range(len(rounds))]
    requests = [_request(batch, wish) for (_, batch), wish in zip(rounds, demands, strict=True)]
    replies = ask_many(crew, requests)
    gate = _gate(pairs)
    kept, lost = [], 0
    for (_, batch), wish, reply in zip(rounds, demands, replies, strict=True):
        lines = numbered_lines(reply or "")
        for number, pair in enumerate(batch, start=1):
            if number not in lines:
                lost += 1
                continue
            reworded = _reworded(pair, lines[number], wish, crew.model.model_name)
            if gate.take(reworded, SqlVerdict(pair.sql)):
                kept.append(reworded)
    refused = {**dict(sorted(gate.refused.items())), **({_LOST: lost} if lost else {})}
    return Phrased(tuple(kept), refused, crew.budget.spent, crew.budget.exhausted)


def _chosen(pairs: Sequence[Pair], spec: PhraseSpec) -> list[Pair]:
    """`count` pairs drawn by the seed, one per statement first."""
    order = list(pairs)
    random.Random(spec.seed).shuffle(order)  # noqa: S311 (a choice, not a secret)
    seen: set[str] = set()
    first, further = list[Pair](), list[Pair]()
    for pair in order:
        (further if pair.sql in seen else first).append(pair)
        seen.add(pair.sql)
    return (first + further)[: spec.count]


def _batches(chosen: Sequence[Pair], spec: PhraseSpec, round_: int) -> list[list[Pair]]:
    """The pairs in another company each round, so that a model does not see the same list twice."""
    order = list(chosen)
    random.Random(f"{spec.seed}:{round_}").shuffle(order)  # noqa: S311
    return [order[start : start + spec.batch] for start in range(0, len(order), spec.batch)]


def _request(batch: Sequence[Pair], wish: Demand) -> Request:
    lines = []
    for pair in batch:
        values = [p.surface for p in pair.parameters if p.surface]
        lines.append(pair.question + (f"   keep: {'; '.join(values)}" if values else ""))
    told = f"Write each as {wish.register}, with {wish.error}.\n\n{numbered(lines)}"
    messages: tuple[ChatMessage, ...] = (
        {"role": "system", "content": _SYSTEM},
        {"role": "user", "content": told},
    )
    return Request(messages, wish.temperature, _TOKENS_PER_QUESTION * len(batch))


def _reworded(pair: Pair, question: str, wish: Demand, model: str) -> Pair:
    question_template, _ = templated(question, pair.sql, pair.parameters)
    lineage = {"source": "rephrased", "of": pair.id, "model": model, "register": wish.register, "error": wish.error}
    return replace(
        pair,
        id=pair_id(question, pair.sql),
        question=question,
        question_template=question_template,
        lineage={**pair.lineage, **lineage},
    )


def _gate(pairs: Sequence[Pair]) -> Gate:
    """A gate that knows every question there is; sameness of structure was judged when those pairs were made."""
    gate = Gate(Limits(per_sql=_UNLIMITED, per_structure=_UNLIMITED))
    for pair in pairs:
        gate.take(pair, SqlVerdict(pair.sql))
    gate.refused.clear()
    return gate
