"""A corrected statement before it is signed: guarded, weighed, executed and checked like any draft, all on the record.

Who amends vouches for what the statement gives, so it has to run; and a person can be as wrong as a model, so what the
checks find is said before anything is signed. A finding that would have stopped a draft stops an amendment, too, unless
its author insists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.errors import ErrorClass, FailedError, RefusedError

if TYPE_CHECKING:
    from agent.run import Finding, Result
    from agent.warehouse.policy import Policy
    from tui.reviewing import Desk

__all__ = ["Amendment", "FindingsError", "execute_amendment"]


@dataclass(frozen=True, slots=True)
class Amendment:
    """A corrected statement that ran."""

    sql: str
    """As it ran, with what the guard made of it."""
    result_fingerprint: str
    findings: tuple[Finding, ...]


class FindingsError(RefusedError):
    """The checks found an error in what a corrected statement gave; it is signed only if its author insists."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        said = " ".join(f"{finding.check}: {finding.message}" for finding in findings)
        super().__init__(
            ErrorClass.CHECK_FAILED,
            f"The checks find this wrong with the corrected statement: {said}",
            "Correct it, or sign it all the same: --despite-findings. Nothing was signed.",
        )
        self.findings = findings


def execute_amendment(
    desk: Desk, run_id: str, sql: str, *, question: str, reviewer: str, despite_findings: bool = False
) -> Amendment:
    """Judge, run and check a corrected statement for a run, under the policy of who corrects it.

    Raises:
        RefusedError: the guard or the budget refused it; FindingsError where a check did.
        FailedError: it failed, or memory could not be read.
        AuditError: it could not be put on the record.
    """
    from agent.admit import Place, Statement, admit

    place = Place(desk.settings, desk.ledger, desk.warehouse(), desk.policy, desk.linker.catalog)
    admitted = admit(place, Statement(sql, run_id, reviewer, reviewer, "amendment"))
    verdict = admitted.verdict
    if admitted.refusal is not None:
        raise _refused(admitted.refusal.error_class, admitted.refusal.message)
    result = _executed(desk, run_id, verdict.sql, reviewer, max_rows=admitted.max_rows)
    findings = _checked(desk, desk.policy.of(reviewer), question, sql, result)
    body = {"sql": verdict.sql, "findings": [_as_json(each) for each in findings], "purpose": "amendment"}
    desk.ledger.append("run.checked", body, run_id=run_id, actor=reviewer)
    errors = tuple(finding for finding in findings if finding.severity == "error")
    if errors and not despite_findings:
        raise FindingsError(errors)
    return Amendment(verdict.sql, result.fingerprint, findings)


def _executed(desk: Desk, run_id: str, sql: str, reviewer: str, *, max_rows: int) -> Result:
    outcome = desk.warehouse().execute(sql, max_rows=max_rows)
    result, error = outcome.result, outcome.error
    body = {
        "sql": sql,
        "ok": result is not None,
        "row_count": len(result.rows) if result else 0,
        "truncated": bool(result and result.truncated),
        "result_fingerprint": result.fingerprint if result else "",
        "elapsed_ms": round(outcome.elapsed_ms, 2),
        "error_class": error.error_class if error else "",
        "purpose": "amendment",
    }
    desk.ledger.append("run.outcome", body, run_id=run_id, actor=reviewer)
    if result is None:
        message = error.message if error else "It gave no result."
        raise FailedError(
            ErrorClass(error.error_class) if error else ErrorClass.WAREHOUSE_OTHER,
            f"The corrected statement failed: {message}",
            "Correct it; nothing was signed.",
        )
    return result


def _checked(desk: Desk, policy: Policy, question: str, sql: str, result: Result) -> tuple[Finding, ...]:
    from agent.steps.check import check
    from agent.steps.ground import retrieved

    linker, dialect = desk.linker, desk.warehouse().dialect
    grounding = retrieved(
        question, desk.retriever(), max_pieces=desk.settings.memory.max_pieces, dialect=dialect, policy=policy
    )
    return check(
        question,
        sql,
        result,
        catalog=linker.catalog,
        joins=linker.joins,
        layer=linker.layer,
        grounding=grounding,
        dialect=dialect,
        values=linker.values,
    )


def _as_json(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "severity": finding.severity,
        "message": finding.message,
        "evidence": finding.evidence,
    }


def _refused(error_class: str, message: str) -> RefusedError:
    return RefusedError(ErrorClass(error_class), message, "Correct the statement; nothing was signed.")
