"""One way to sign a decision, for the command and the screen alike: the ledger first, then memory.

The ledger is the truth and memory an index of it, so a decision counts once it is signed there. What memory needs is
opened before anything is signed; should it fail afterwards all the same, the decision stands, the person is told, and
`restore` (part of every `affidavit memory sync`) brings memory in line with the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from agent.errors import ErrorClass, FailedError
from audit.rules import Decision, ReasonCode
from tui.amending import execute_amendment
from tui.revoking import follow_revocation

if TYPE_CHECKING:
    from agent.run import Finding
    from agent.services import Services
    from agent.settings import Settings
    from agent.warehouse.connect import Warehouse
    from agent.warehouse.policy import Policy
    from audit.export import AcceptedRun
    from audit.identity import Signer
    from audit.ledger import Ledger
    from audit.record import Record
    from audit.reliance import Impact
    from memory.linking import Linker
    from memory.retrieval import Retriever
    from memory.verified import VerifiedQueries, VerifiedQuery

__all__ = ["Desk", "Restored", "ReviewRequest", "Reviewed", "desk_of", "open_desk", "restore", "review"]


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """A decision as a person put it, before it is signed."""

    run_id: str
    """The run's id, or enough of its beginning."""
    decision: Decision
    reason_code: ReasonCode
    reason: str = ""
    sql: str | None = None
    """Amend only: the corrected statement."""
    despite_findings: bool = False
    """Amend only: sign it although the checks find an error."""
    despite_revoked: bool = False
    """Accept only: sign it although the run relied on a review that was revoked; takes a reason."""
    take_over: bool = False
    """Decide although somebody else has claimed the run."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What was signed and what followed from it."""

    run_id: str
    decision: Decision
    reviewer: str
    review_hash: str
    approval: int = 1
    """Accept and amend: which approval this is."""
    approvals_needed: int = 1
    findings: tuple[Finding, ...] = ()
    """Amend only: what the checks say of the corrected statement."""
    relied: tuple[str, ...] = ()
    """Revoke only: runs that relied on the revoked one and should be looked at."""
    impact: Impact | None = None
    """Revoke only: everything that stood on it."""

    @property
    def is_complete(self) -> bool:
        """Whether nobody else has to approve the run for this decision to count."""
        return self.approval >= self.approvals_needed

    @property
    def note(self) -> str:
        """What was done, in a few sentences."""
        done = {
            Decision.ACCEPT: "It is a verified query now: asked again, it is recalled.",
            Decision.AMEND: "The corrected statement is a verified query now.",
            Decision.REJECT: "It will not be recalled or learned from.",
            Decision.REVOKE: "It is taken out of memory and of future training sets.",
        }[self.decision]
        if not self.is_complete:
            done = f"This is approval {self.approval} of {self.approvals_needed}: somebody else must accept it, too."
        said = "".join(f" The checks say ({each.severity}): {each.message}" for each in self.findings)
        count = len(self.relied)
        warning = f" {count} run{'' if count == 1 else 's'} relied on it; look at them." if count else ""
        return f"Signed by {self.reviewer}: {self.decision.value} run {self.run_id[:13]}. {done}{said}{warning}"


@dataclass(frozen=True, slots=True)
class Desk:
    """What signing needs. The callables open their part when it is first asked for."""

    settings: Settings
    ledger: Ledger
    policy: Policy
    verified: Callable[[], VerifiedQueries]
    retriever: Callable[[], Retriever]
    warehouse: Callable[[], Warehouse]

    @property
    def linker(self) -> Linker:
        """What links words to what is known."""
        return self.retriever().linker

    def signer(self, person: str, passphrase: str = "") -> Signer:
        """The key of that person; `passphrase` is the key's, if it has one.

        Raises:
            IdentityError: it is not at hand, or does not open.
        """
        from audit.identity import Keyring
        from audit.session import KEYS_NAME

        return Keyring(self.settings.state_dir / KEYS_NAME).load(person, passphrase)


@dataclass(frozen=True, slots=True)
class Restored:
    """What had to be done to bring memory in line with the ledger: run ids."""

    added: tuple[str, ...]
    removed: tuple[str, ...]


def review(desk: Desk, request: ReviewRequest, *, reviewer: str, passphrase: str = "") -> Reviewed:
    """Sign a decision in the name of `reviewer`, whose key must be at hand, and do what follows from it.

    `passphrase` is that of the key, if it has one.

    Raises:
        AuditError: the rules, the key or the ledger do not allow it (see `audit.errors`); nothing was signed.
            `RevokedReliance` where the run relied on a revoked review and nobody insisted.
        RefusedError, FailedError: an amendment's statement was refused or failed, or a check found an error in it
            (`FindingsError`); nothing was signed. Or the decision is signed and memory could not follow, which the
            message says.
    """
    from agent.model.lineage import known_models
    from audit.assignment import claim
    from audit.review import check_may_decide, submit_review
    from audit.runs import get_run

    signer = desk.signer(reviewer, passphrase)
    allow_self = desk.policy.review.allow_self
    if request.take_over:
        claim(desk.ledger, signer, run_id=request.run_id, take_over=True, allow_self=allow_self)
    run = check_may_decide(desk.ledger, signer, run_id=request.run_id, decision=request.decision, allow_self=allow_self)
    if request.decision is not Decision.REJECT:
        desk.verified()
    if request.decision in (Decision.ACCEPT, Decision.AMEND):
        desk.retriever()
    amendment = None
    if request.decision is Decision.AMEND:
        amendment = execute_amendment(
            desk,
            run.run_id,
            request.sql or "",
            question=get_run(desk.ledger, run.run_id).summary.question,
            reviewer=reviewer,
            despite_findings=request.despite_findings,
        )
    record = submit_review(
        desk.ledger,
        signer,
        run_id=run.run_id,
        decision=request.decision,
        reason_code=request.reason_code,
        reason=request.reason,
        sql=amendment.sql if amendment else None,
        result_fingerprint=amendment.result_fingerprint if amendment else "",
        allow_self=allow_self,
        despite_revoked=request.despite_revoked,
        models=known_models(desk.settings.state_dir),
    )
    done = _reviewed(record, request.decision, amendment.findings if amendment else ())
    if not done.is_complete:
        return done
    _follow(desk, done.run_id, done.decision)
    if done.decision is not Decision.REVOKE:
        return done
    impact = follow_revocation(desk.ledger, desk.settings.state_dir, done.run_id, actor=record.actor)
    return replace(done, relied=tuple(each.run_id for each in impact.runs), impact=impact)


def restore(ledger: Ledger, verified: VerifiedQueries, linker: Linker) -> Restored:
    """Bring the verified queries in memory in line with the accepted and amended runs of the ledger.

    A query that is there already stays as it is, so one that is in quarantine stays there.

    Raises:
        AuditError: the ledger cannot be read, or a review on it does not hold.
        MemoryFailure: memory cannot be read or written.
    """
    from audit.export import accepted_runs

    standing = {run.run_id: run for run in accepted_runs(ledger)}
    kept = {query.id: query for query in verified.all()}
    stale = [run_id for run_id, query in kept.items() if run_id not in standing or standing[run_id].sql != query.sql]
    missing = [run_id for run_id in standing if run_id not in kept or run_id in stale]
    for run_id in stale:
        verified.remove(run_id)
    for run_id in missing:
        verified.add(_as_query(standing[run_id], linker))
    return Restored(tuple(missing), tuple(run_id for run_id in stale if run_id not in standing))


@contextmanager
def open_desk(settings: Settings) -> Iterator[Desk]:
    """A desk of its own, for a command: only what the decision needs is opened, and no model is started.

    Raises:
        UsageError, FailedError, AuditUnavailableError: the part that is wrong, with what to do about it.
    """
    from agent.services import open_ledger, record_policy
    from agent.warehouse.policy import load_policy
    from agent.warehouse.privileges import open_checked

    with ExitStack() as parts:
        policy = load_policy(settings.workspace / "policy.yaml")
        ledger = parts.enter_context(open_ledger(settings, create=False))
        record_policy(ledger, policy, settings)  # what was changed since it was last opened holds for this decision

        @cache
        def store() -> Any:
            from memory.store import MemoryStore

            return parts.enter_context(MemoryStore.open(settings.memory.url or settings.state_dir / "chroma"))

        @cache
        def verified() -> VerifiedQueries:
            from memory.verified import VerifiedQueries

            return VerifiedQueries(store())

        @cache
        def retriever() -> Retriever:
            from memory.knowledge import open_knowledge

            metrics = settings.workspace / "metrics.yaml"
            return open_knowledge(store(), settings.state_dir, metrics, withhold=policy.withheld).retriever

        @cache
        def warehouse() -> Warehouse:
            limits = policy.effective_limits(settings.limits)
            opened = open_checked(settings, limits)
            parts.callback(opened.close)
            return opened

        yield Desk(settings, ledger, policy, verified, retriever, warehouse)


def desk_of(services: Services) -> Desk:
    """A desk over parts that are open already."""
    return Desk(
        services.settings,
        services.ledger,
        services.policy,
        lambda: services.verified,
        lambda: services.retriever,
        lambda: services.warehouse,
    )


def _reviewed(record: Record, decision: Decision, findings: tuple[Finding, ...]) -> Reviewed:
    approval, needed = record.body["approval"], record.body["approvals_needed"]
    return Reviewed(str(record.run_id), decision, record.actor, record.hash, approval, needed, findings)


def _follow(desk: Desk, run_id: str, decision: Decision) -> None:
    """Let memory follow what was just signed."""
    from audit.export import accepted_run
    from memory.errors import MemoryFailure

    try:
        if decision is Decision.REVOKE:
            desk.verified().remove(run_id)
        elif decision is not Decision.REJECT:
            run = accepted_run(desk.ledger, run_id)
            if run is not None:  # somebody else may have revoked it in this very moment
                desk.verified().add(_as_query(run, desk.linker))
    except MemoryFailure as error:
        raise FailedError(
            ErrorClass.MEMORY_UNAVAILABLE,
            f"The decision is signed and on the ledger, but memory could not follow it: {error}",
            "Run `affidavit memory sync`; it brings memory in line with the ledger.",
        ) from error


def _as_query(run: AcceptedRun, linker: Linker) -> VerifiedQuery:
    from memory.verified import VerifiedQuery, dependencies

    return VerifiedQuery(
        id=run.run_id,
        question=run.question,
        sql=run.sql,
        dialect=run.dialect,
        reviewer=run.reviewer,
        run_id=run.run_id,
        catalog_fingerprint=linker.catalog.fingerprint,
        semantics_fingerprint=linker.layer.fingerprint,
        depends=dependencies(run.question, run.sql, run.dialect, linker),
        as_of=linker.layer.today().isoformat(),
    )
