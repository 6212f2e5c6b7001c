"""Evaluates an opened workspace: says what is being evaluated, asks through the agent, and tells the registry.

`finetune.evaluation.evaluate` knows nothing of workspaces, so that it can be tested and reused on its own; this is
where it meets the real agent, warehouse and registry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from agent.ask import ask
from agent.errors import ErrorClass, UsageError
from agent.model.adapters import NO_ADAPTER
from agent.run import Answer
from agent.services import Services
from agent.warehouse.budget import execute_weighed
from agent.warehouse.connect import Warehouse, open_warehouse
from finetune.adapters.registry import Adapter, attach_figures, read_registry
from finetune.evaluation.attempts import EvalReport, Subject
from finetune.evaluation.evaluate import EvalOptions, evaluate
from finetune.evaluation.figures import adapter_figures
from finetune.evaluation.judging import Place, RunSql
from finetune.evaluation.pack import PackQuestion

__all__ = ["evaluate_workspace", "keep_figures", "open_elsewhere", "subject_of"]


def subject_of(services: Services) -> Subject:
    """What an evaluation of this workspace is about. Connects to the model, so it may take seconds.

    Raises:
        UsageError, FailedError: the model or its adapter cannot be used.
    """
    adapter, dataset_hash = _served_adapter(services)
    return Subject(
        model=services.model.model_name,
        model_hash=services.model.model_hash,
        adapter=adapter,
        dataset_hash=dataset_hash,
        dialect=services.warehouse.dialect,
        warehouse=services.warehouse.display_url,
        catalog_fingerprint=services.catalog.fingerprint,
        semantics_fingerprint=services.layer.fingerprint,
        version=version("affidavit"),
        min_confidence=services.settings.limits.min_confidence,
    )


def evaluate_workspace(
    services: Services, pack: Sequence[PackQuestion], options: EvalOptions, *, asker: str = "eval"
) -> EvalReport:
    """Evaluate the workspace on a pack; every question asked is a run on its ledger, asked by `asker`.

    Gold statements, and drafts that are run again to be judged, keep to the asker's budget as every draft does.

    Raises:
        UsageError: a gold statement does not hold; see `finetune.evaluation.evaluate.evaluate`.
        FailedError: the model cannot be used.
        AuditUnavailableError: the ledger cannot be written.
    """

    alone = replace(services, fallbacks=())  # the figures are those of one model

    def ask_one(question: str, direct: bool) -> Answer:
        return ask(alone, question, asker=asker, direct=direct)

    return evaluate(
        pack,
        subject_of(services),
        ask=ask_one,
        run_sql=_under_budget(services, services.warehouse, asker),
        clock=services.clock,
        options=options,
    )


@contextmanager
def open_elsewhere(services: Services, urls: Sequence[str], *, asker: str = "eval") -> Iterator[tuple[Place, ...]]:
    """Other warehouses of the same tables, for the time of the block, read-only and under the asker's limits.

    Raises:
        UsageError: one speaks another dialect than the workspace's, or two have one name.
        FailedError: one cannot be opened.
    """
    settings = services.settings
    limits = services.policy.of(asker).effective_limits(settings.limits)
    places: dict[str, Place] = {}
    with ExitStack() as stack:
        for url in urls:
            warehouse = open_warehouse(url, limits, db_schema=settings.warehouse.db_schema)
            stack.callback(warehouse.close)
            name = warehouse.display_url.rstrip("/").rpartition("/")[2]
            name = warehouse.display_url if name in places else name
            if warehouse.dialect != services.warehouse.dialect or name in places:
                raise UsageError(
                    ErrorClass.WORKSPACE,
                    f"{warehouse.display_url} is named twice, or is no {services.warehouse.dialect} database.",
                    "Name other databases with the same tables, each once.",
                )
            places[name] = Place(_under_budget(services, warehouse, asker), name)
        yield tuple(places.values())


def keep_figures(report: EvalReport, state_dir: Path) -> Adapter | None:
    """Write a report's figures to the registry, where promotion looks for them.

    None, and nothing is written, when the agent was not asked or what was evaluated is no registered adapter.
    """
    name = report.subject.adapter
    if "agent" not in report.modes or read_registry(state_dir).adapter(name) is None:
        return None
    return attach_figures(state_dir, name, adapter_figures(report))


def _under_budget(services: Services, warehouse: Warehouse, asker: str) -> RunSql:
    """Runs one statement on a warehouse of the workspace's tables, unless it goes over the asker's budget."""
    limits = services.policy.of(asker).effective_limits(services.settings.limits)
    return lambda sql: execute_weighed(warehouse, sql, services.catalog, limits)


def _served_adapter(services: Services) -> tuple[str, str]:
    """Name (or path) and dataset hash of the adapter being served; empty for none."""
    settings = services.settings
    wanted = settings.model.adapter
    if settings.model.provider != "embedded" or (wanted is not None and wanted.lower() == NO_ADAPTER):
        return "", ""
    registry = read_registry(settings.state_dir)
    adapter = registry.current if wanted is None else registry.adapter(wanted)
    if adapter is not None:
        return adapter.name, adapter.dataset_hash
    return wanted or "", ""
