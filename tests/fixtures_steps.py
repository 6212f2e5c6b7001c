"""Services made of real parts (warehouse, catalog, layer, ledger), with a scripted provider as the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fixtures_agent import ScriptedProvider, scripted_provider
from fixtures_warehouse import Built, layer, sqlite_demo  # noqa: F401

from agent.model.connect import open_model
from agent.run import Draft, Grounding, Piece, RunState, new_run_id
from agent.services import Services
from agent.settings import GuardLimits, ModelSettings, Settings
from agent.warehouse.connect import open_warehouse
from agent.warehouse.policy import Policy
from audit.ledger import Ledger
from audit.record import utc_now
from memory.joins import JoinGraph
from memory.linking import Linker
from memory.semantics import SemanticLayer


@dataclass
class Bench:
    """One run's surroundings."""

    services: Services
    provider: ScriptedProvider
    run_id: str

    def state(self, *sqls: str, question: str = "How many orders?", **more: Any) -> RunState:
        drafts = tuple(Draft(sql, "model", "m", 0.9 - index / 10) for index, sql in enumerate(sqls))
        return {"run_id": self.run_id, "question": question, "direct": False, "drafts": drafts, "current": 0, **more}

    def records(self, *kinds: str) -> list[tuple[str, dict[str, Any]]]:
        return [(record.kind, dict(record.body)) for record in self.services.ledger.records(self.run_id, kinds or None)]


@pytest.fixture
def bench(sqlite_demo: Built, layer: SemanticLayer, tmp_path: Path) -> Iterator[Bench]:  # noqa: F811
    with scripted_provider() as provider:
        settings = Settings(
            workspace=tmp_path,
            model=ModelSettings(provider="compatible", base_url=provider.url, name="scripted"),
            limits=GuardLimits(max_rows=50),
        )
        warehouse = open_warehouse(sqlite_demo.url, settings.limits)
        ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}", workspace="test")
        model = open_model(settings)
        services = Services(
            settings=settings,
            warehouse=warehouse,
            catalog=sqlite_demo.catalog,
            layer=layer,
            joins=JoinGraph(sqlite_demo.catalog),
            retriever=None,
            verified=None,
            model=model,
            ledger=ledger,
            policy=Policy(),
            clock=utc_now,
        )
        try:
            yield Bench(services, provider, new_run_id())
        finally:
            model.close()
            ledger.close()
            warehouse.close()


def grounded(question: str, linker: Linker) -> Grounding:
    """What retrieval says a question names: metrics with score 1.0, and values."""
    links = linker.link(question)
    metrics = [Piece("metric", metric_id, "1", "", 1.0) for metric_id in links.ids("metric")]
    values = [Piece("value", f"{match.target}={match.value}", "1", "", 0.9) for match in links.values]
    return Grounding((*metrics, *values), "", "")
