"""Everything a run works with, opened once and handed to every step: no globals, no second way to the warehouse.

`open_services` is the only place where the parts are put together. What is cheap and certain is opened first, so
that a wrong URL or a broken file is told before a model is started; the model starts in the background, so that a
question answered from memory never waits for it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from agent.errors import AuditUnavailableError, ErrorClass, FailedError, UsageError
from agent.settings import Settings

if TYPE_CHECKING:
    from agent.model.client import ModelClient
    from agent.recording import RunRecorder
    from agent.warehouse.connect import Warehouse
    from agent.warehouse.policy import Policy
    from audit.identity import Signer
    from audit.ledger import Ledger
    from audit.record import Record
    from audit.review_rules import ReviewRules
    from audit.vouching import CheckpointPlan
    from memory.catalog import Catalog
    from memory.joins import JoinGraph
    from memory.retrieval import Retriever
    from memory.semantics import SemanticLayer
    from memory.store import MemoryStore
    from memory.verified import VerifiedQueries

__all__ = [
    "PartProgress",
    "Services",
    "checkpoint_plan",
    "open_ledger",
    "open_services",
    "record_policy",
    "workspace_name",
]

_log = structlog.get_logger(__name__)

PartProgress = Callable[[str, int, int], None]
"""`progress(part, done, total)`: part is "model" (bytes) or "memory" (items); total is 0 when it is not known."""


@dataclass(frozen=True, slots=True)
class Services:
    """The opened parts of one workspace. Steps take what they need from here and open nothing themselves."""

    settings: Settings
    warehouse: Warehouse
    catalog: Catalog
    layer: SemanticLayer
    joins: JoinGraph
    retriever: Retriever
    verified: VerifiedQueries
    model: ModelClient
    ledger: Ledger
    policy: Policy
    """As the file has it for everybody; for a run, that of the person who asks (`Policy.of`)."""
    clock: Callable[[], dt.datetime]
    fallbacks: tuple[ModelClient, ...] = ()
    """Asked in this order when the model fails."""
    signer: Signer | None = None
    """The key of who asks, where the policy wants questions signed."""
    recorder: RunRecorder | None = None
    """Of the run that is under way; without one every record is written at once."""

    @property
    def draft_dialect(self) -> str:
        """The dialect the model is asked to write: the one its adapter was trained on, else the warehouse's."""
        from agent.model.adapters import adapter_dialect

        return adapter_dialect(self.settings) or self.warehouse.dialect

    def record(self, kind: str, body: Mapping[str, Any], run_id: str, *, actor: str = "") -> None:
        """Put one record of a run on the ledger; which are on disk when this returns, `agent.recording` says.

        Raises:
            AuditUnavailableError: it could not be written, whatever the reason, so nothing may be shown.
        """
        from audit.errors import AuditError

        try:
            if self.recorder is None:
                self.ledger.append(kind, body, run_id=run_id, actor=actor)
            else:
                self.recorder.record(kind, body, run_id, actor)
        except AuditError as error:
            raise _audit_unavailable(error.message, error.hint) from error


def workspace_name(settings: Settings) -> str:
    """The name under which the ledger keeps this workspace's chain: the one `init` wrote into affidavit.toml.

    A workspace made before there was one keeps the name its chain has, so that no record is orphaned: in a file, which
    belongs to one workspace and survives the folder being renamed, `workspace`; on a server the folder's.
    """
    if settings.ledger.workspace:
        return settings.ledger.workspace
    return "workspace" if settings.ledger_url.startswith("sqlite") else settings.workspace.name


def checkpoint_plan(settings: Settings) -> CheckpointPlan:
    """When the workspace's checkpoints are written, and where they are sent."""
    from audit.vouching import CheckpointPlan

    return CheckpointPlan(
        every=settings.ledger.checkpoint_every,
        seconds=settings.ledger.checkpoint_seconds,
        to=settings.checkpoint_places,
        timestamp_url=settings.ledger.timestamp_url.get_secret_value(),
        timeout_s=settings.ledger.checkpoint_timeout_s,
    )


def open_ledger(settings: Settings, *, clock: Callable[[], dt.datetime] | None = None, create: bool = True) -> Ledger:
    """Open the workspace's ledger, refuse one that was rolled back, and sign its head as it grows and closes.

    Raises:
        AuditUnavailableError: it cannot be opened, or it lacks what a checkpoint vouches for.
    """
    from audit.errors import AuditError
    from audit.record import utc_now
    from audit.session import open_session
    from audit.subjects import Subjects
    from audit.veil import Veil

    name = workspace_name(settings)
    try:
        ledger = open_session(
            settings.ledger_url,
            workspace=name,
            state_dir=settings.state_dir,
            clock=clock or utc_now,
            create=create,
            plan=checkpoint_plan(settings),
        )
        ledger.veil = Veil(Subjects(settings.subjects_url, name), name)
        return ledger
    except AuditError as error:
        raise _audit_unavailable(error.message, error.hint) from error


@contextmanager
def open_services(
    settings: Settings,
    *,
    progress: PartProgress | None = None,
    clock: Callable[[], dt.datetime] | None = None,
    warm_up: bool = True,
    signer: Signer | None = None,
) -> Iterator[Services]:
    """Open every part of a workspace; on leaving, all of them are closed and the embedded server stops.

    A workspace that was never synced is synced first. With `warm_up` the model starts in the background at once.
    `signer` is the key of who asks, which a policy may want.

    Raises:
        UsageError, FailedError, AuditUnavailableError: the part that is wrong, with what to do about it.
    """
    from agent.model.connect import open_fallbacks, open_model
    from agent.warehouse.policy import load_policy
    from agent.warehouse.privileges import open_checked
    from audit.record import utc_now

    with ExitStack() as parts:
        policy = load_policy(settings.workspace / "policy.yaml")
        limits = policy.effective_limits(settings.limits)
        warehouse = open_checked(settings, limits)
        parts.callback(warehouse.close)
        ledger = open_ledger(settings, clock=clock)
        parts.callback(ledger.close)
        record_policy(ledger, policy, settings)
        model = open_model(settings, None if progress is None else partial(progress, "model"))
        fallbacks = open_fallbacks(settings)
        for client in (model, *fallbacks):
            parts.callback(client.close)
        if warm_up:
            model.warm_up()
        known = _open_memory(settings, warehouse, policy, progress, parts)
        for warning in policy.warnings(known.catalog):
            _log.warning("policy.unknown_name", warning=warning)
        yield Services(
            settings=settings,
            warehouse=warehouse,
            catalog=known.catalog,
            layer=known.layer,
            joins=known.joins,
            retriever=known.retriever,
            verified=known.verified,
            model=model,
            ledger=ledger,
            policy=policy,
            clock=clock or utc_now,
            fallbacks=fallbacks,
            signer=signer,
        )


def record_policy(ledger: Ledger, policy: Policy, settings: Settings) -> None:
    """Put the policy on the ledger when it is not the one recorded last: what was allowed then must be known later.

    The rules of review go there signed, because reviews are judged by them.

    Raises:
        AuditUnavailableError: they could not be put there.
    """
    from audit.errors import AuditError
    from audit.record import POLICY_CHANGED, Entry
    from audit.session import record_rules_now
    from audit.snapshot import Selection, Snapshot

    latest = Selection(kinds=(POLICY_CHANGED,))
    body = {"policy_fingerprint": policy.fingerprint(), "policy": policy.model_dump(mode="json")}

    def is_news(last: Record | None) -> bool:
        return last is None or last.body["policy_fingerprint"] != body["policy_fingerprint"]

    def changed(snapshot: Snapshot) -> Entry | None:
        return Entry(POLICY_CHANGED, body) if is_news(snapshot.newest(latest)) else None

    try:
        if is_news(ledger.newest(latest)):  # seldom, so the ledger is locked only then
            ledger.append_decided(changed)
        record_rules_now(ledger, settings.state_dir, _review_rules(policy))
    except AuditError as error:
        raise _audit_unavailable(error.message, error.hint) from error


def _review_rules(policy: Policy) -> ReviewRules:
    from audit.review_rules import ReviewRules, TwoFor

    said = policy.review
    two_for = TwoFor(said.two_for.tables, said.two_for.scanned_rows, said.two_for.below_confidence)
    return ReviewRules(said.allow_self, said.reviewers, two_for, said.claim_hours)


@dataclass(frozen=True, slots=True)
class _Known:
    """What memory gives a run."""

    catalog: Catalog
    layer: SemanticLayer
    joins: JoinGraph
    retriever: Retriever
    verified: VerifiedQueries


def _open_memory(
    settings: Settings, warehouse: Warehouse, policy: Policy, progress: PartProgress | None, parts: ExitStack
) -> _Known:
    from memory.errors import MemoryFailure, MemoryUnavailable
    from memory.joins import JoinGraph
    from memory.retrieval import Retriever
    from memory.semantics import SemanticsError, load_semantics
    from memory.store import MemoryStore
    from memory.sync import CATALOG_NAME, load_catalog, load_values
    from memory.verified import VerifiedQueries

    state_dir = settings.state_dir
    try:
        store = MemoryStore.open(settings.memory.url or state_dir / "chroma")
        parts.callback(store.close)
        if not (state_dir / CATALOG_NAME).is_file():
            _first_sync(settings, warehouse, policy, store, progress)
        catalog = load_catalog(state_dir, policy.withheld)
        layer = load_semantics(settings.workspace / "metrics.yaml", catalog)
        joins = JoinGraph(catalog, [(join.left, join.right) for join in layer.joins])
        retriever = Retriever(store, catalog, layer, load_values(state_dir, catalog, layer, policy.withheld), joins)
        return _Known(catalog, layer, joins, retriever, VerifiedQueries(store, retriever.linker))
    except SemanticsError as error:
        raise UsageError(ErrorClass.SEMANTICS, str(error), "Mend that line of metrics.yaml.") from error
    except MemoryUnavailable as error:
        raise FailedError(
            ErrorClass.MEMORY_UNAVAILABLE,
            f"The index of what is known cannot be used: {error}",
            "Check [memory] in affidavit.toml; a local index can be rebuilt with `affidavit memory sync --full`.",
        ) from error
    except MemoryFailure as error:
        raise FailedError(
            ErrorClass.MEMORY_UNAVAILABLE, str(error), "Run `affidavit memory sync --full`, then ask again."
        ) from error


def _first_sync(
    settings: Settings, warehouse: Warehouse, policy: Policy, store: MemoryStore, progress: PartProgress | None
) -> None:
    """Learn the warehouse once, so that a fresh workspace can be asked without a step in between."""
    from memory.catalog import named_tables
    from memory.semantics import load_semantics
    from memory.sync import SyncOptions, sync

    names = named_tables(warehouse.engine, settings.warehouse.db_schema)
    layer = load_semantics(settings.workspace / "metrics.yaml", names)
    sync(
        warehouse.engine,
        layer,
        store,
        settings.state_dir,
        progress=None if progress is None else partial(progress, "memory"),
        options=SyncOptions(db_schema=settings.warehouse.db_schema, withhold=policy.withheld),
    )


def _audit_unavailable(message: str, hint: str) -> AuditUnavailableError:
    return AuditUnavailableError(
        ErrorClass.AUDIT_UNAVAILABLE,
        f"{message} Nothing can be put on the record, so no answer is shown.",
        hint or "Check [ledger] url, the disk, and `affidavit audit verify`.",
    )
