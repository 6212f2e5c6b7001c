"""No false alarm on right statements: hundreds of composed questions, each with the semantic compiler's own SQL."""

from __future__ import annotations

import random

from fixtures_steps import grounded
from fixtures_warehouse import METRICS, Built, layer, opened, sqlite_demo  # noqa: F401

from agent.steps.check import check
from agent.steps.guard import judge
from agent.warehouse.policy import Policy
from finetune.compose.compositions import Composer
from finetune.pairs.templates import load_templates
from finetune.pairs.world import World
from finetune.phrasing.grammar import phrasings
from finetune.phrasing.vocabulary import Vocabulary
from memory.compiler import CannotCompile
from memory.joins import JoinGraph
from memory.linking import Linker
from memory.semantics import SemanticLayer

QUESTIONS = 300


def test_composed_questions_pass_the_guard_and_the_checks(sqlite_demo: Built, layer: SemanticLayer) -> None:  # noqa: F811
    catalog, joins = sqlite_demo.catalog, JoinGraph(sqlite_demo.catalog)
    linker = Linker(catalog, layer, joins=joins)
    world = World(sqlite_demo.url, layer, catalog, Policy())
    composer = Composer(world, Vocabulary(layer, load_templates(METRICS.parent / "templates.yaml").vocabulary))
    rng = random.Random(11)
    asked, alarms = 0, []
    try:
        with opened(sqlite_demo) as warehouse:
            while asked < QUESTIONS:
                composition = composer.draw(rng)
                questions = phrasings(composition.ask, rng, 1) if composition else []
                if not composition or not questions:
                    continue
                try:
                    sql = world.compile(composition.query)
                except CannotCompile:
                    continue
                asked += 1
                verdict = judge(sql, dialect="sqlite", catalog=catalog, policy=Policy(), max_rows=1000)
                assert verdict.allowed, (verdict.message, sql)
                outcome = warehouse.execute(verdict.sql)
                assert outcome.result is not None, (outcome.error, verdict.sql)
                found = check(
                    questions[0],
                    sql,
                    outcome.result,
                    catalog=catalog,
                    joins=joins,
                    layer=layer,
                    grounding=grounded(questions[0], linker),
                    dialect="sqlite",
                )
                alarms += [(finding, questions[0], sql) for finding in found if finding.severity == "error"]
    finally:
        world.close()
    assert len(alarms) <= QUESTIONS // 100, alarms
