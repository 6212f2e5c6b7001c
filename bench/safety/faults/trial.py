"""One fault through the whole agent, and what became of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from agent.ask import ask
from agent.run import Answer, Result, RunStatus
from agent.services import Services
from agent.steps.guard import judge
from bench.safety.faults.injectors import INJECTORS, Broken, Material, Unbreakable
from bench.safety.faults.place import FILES, Place
from finetune.evaluation.matching import results_match
from finetune.evaluation.pack import order_columns
from finetune.jsonl import read_records
from finetune.pairs.factory import FactorySpec, generate_pairs
from memory.compiler.dialects import finish

__all__ = ["Correct", "Trial", "answered_rightly", "correct_statements", "made_pairs", "statement_trials"]

Fate = Literal["repaired", "mis-repaired", "honest"]


@dataclass(frozen=True, slots=True)
class Correct:
    """A statement that answers its question rightly, with its rows."""

    question: str
    sql: str
    result: Result
    ordered: bool
    order: tuple[int, ...]

    def same_rows(self, got: Result) -> bool:
        """Whether a result is the right answer, by the judge of every accuracy figure."""
        return results_match(self.result, got, self.ordered, order_columns=self.order).matched


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault and its end."""

    fault: str
    engine: str
    fate: Fate
    noticed: bool
    """Whether anything was mended, drafted anew or tried again before the end."""
    status: str
    error_class: str
    question: str
    right: str
    broken: str
    ended_with: str
    mend: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """One line of `--out`."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Trial:
        """The trial that `to_json` wrote."""
        return cls(**content)


def made_pairs(services: Services, url: str, count: int, seed: int, folder: Path) -> tuple[dict[str, Any], ...]:
    """Question–SQL pairs of the demo, made from its templates and compositions with that seed."""
    spec = FactorySpec(count, seed, variants=0, mutants=0, phrasings=1, per_structure=1)
    report = generate_pairs(
        spec,
        url=url,
        layer=services.layer,
        catalog=services.catalog,
        policy=services.policy,
        templates=FILES / "templates.yaml",
        out_dir=folder,
    )
    return tuple(content for _, content in read_records(report.path))


def correct_statements(place: Place, pairs: Sequence[dict[str, Any]]) -> Iterator[Correct]:
    """The pairs whose statement the whole agent answers with, rightly, when the model drafts it as it is.

    A question that the agent asks back about, or a statement that a check withholds, could not be repaired either.
    """
    services = place.services
    catalog, engine = services.catalog, place.engine
    for pair in pairs:
        sql = (
            pair["sql"] if engine == "sqlite" else finish(pair["sql"], source="sqlite", target=engine, catalog=catalog)
        )
        outcome = services.warehouse.execute(sql)
        if outcome.result is None or outcome.result.truncated or not outcome.result.rows:
            continue
        ordered = "ORDER BY" in sql
        right = Correct(pair["question"], sql, outcome.result, ordered, order_columns(sql, engine) if ordered else ())
        if answered_rightly(right, asked(place, right.question, Broken(sql))):
            yield right


def asked(place: Place, question: str, *replies: Broken) -> Answer:
    """The agent's answer when the model says just this."""
    place.script.replies = [(reply.reply, reply.ended) for reply in replies]
    place.script.asked = 0
    return ask(place.services, question, asker="bench")


def answered_rightly(right: Correct, answer: Answer) -> bool:
    """Whether the answer shows the right rows."""
    got = Result(answer.columns, answer.rows, answer.truncated)
    return answer.status is RunStatus.ANSWERED and right.same_rows(got)


def statement_trials(
    place: Place,
    rights: Sequence[Correct],
    *,
    classes: Sequence[str],
    each: int,
    seed: int,
    progress: Callable[[str], None],
) -> Iterator[Trial]:
    """`each` faults of every class, spread over the statements, put through the agent.

    What is broken but still gives the right rows is no fault and is made anew.
    """
    for name in classes:
        rng = random.Random(f"{seed}:{place.engine}:{name}")
        made, order = 0, list(rights)
        rng.shuffle(order)
        seen = Counter[str]()
        for right in order * 2:
            if made >= each:
                break
            broken = _broken(name, right, place, rng)
            if broken is None or seen[broken.reply] or _gives_right_rows(broken, right, place):
                continue
            seen[broken.reply] += 1
            made += 1
            progress(f"{place.engine} {name}")
            yield _tried(name, right, broken, place)


def _broken(name: str, right: Correct, place: Place, rng: random.Random) -> Broken | None:
    material = Material(right.sql, place.engine, place.services.catalog)
    try:
        broken = INJECTORS[name](material, rng)
    except Unbreakable:
        return None
    return None if broken is None or broken.reply == right.sql else broken


def _gives_right_rows(broken: Broken, right: Correct, place: Place) -> bool:
    """Whether the draft, as it stands, runs and is right: then nothing was broken."""
    if broken.ended != "stop" or broken.reply.strip() != broken.reply or right.sql in broken.reply:
        return False
    services = place.services
    verdict = judge(broken.reply, dialect=place.engine, catalog=services.catalog, policy=services.policy, max_rows=1000)
    outcome = services.warehouse.execute(verdict.sql) if verdict.allowed else None
    return outcome is not None and outcome.result is not None and right.same_rows(outcome.result)


def _tried(name: str, right: Correct, broken: Broken, place: Place) -> Trial:
    answer = asked(place, right.question, broken)
    return ended(name, right, broken.reply, answer, place)


def ended(name: str, right: Correct, broken: str, answer: Answer, place: Place, *, honest: bool = False) -> Trial:
    """What became of a fault. `honest` allows what would otherwise be a repair to be called just that."""
    mends = [record.body["mend"] for record in place.services.ledger.records(answer.run_id, ("run.repaired",))]
    fate: Fate = "honest"
    if answer.status is RunStatus.ANSWERED:
        fate = "repaired" if answered_rightly(right, answer) else "mis-repaired"
    return Trial(
        fault=name,
        engine=place.engine,
        fate=fate,
        noticed=bool(mends),
        status=answer.status.value,
        error_class=answer.error.error_class if answer.error is not None else "",
        question=right.question,
        right=right.sql,
        broken=broken,
        ended_with=answer.sql,
        mend="+".join(mends),
        seconds=round(answer.timings_ms.get("total", 0.0) / 1000, 3),
    )
