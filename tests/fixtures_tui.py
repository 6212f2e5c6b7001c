"""A recorded backend: fixed answers at the seam the screens know, so that what they draw can be compared.

It stands in for no part of the product: `tests/test_tui_real.py` drives the same screens with the real agent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from agent.errors import AffidavitError
from agent.run import Answer, Finding, RunError, RunStatus
from audit.assignment import Assignment
from audit.errors import PassphraseError
from audit.monitor import Latency, MonitorFigures
from audit.queue import QueuedRun, Reason
from audit.record import Record
from audit.runs import RunSummary, RunTrace
from tui.backend import Notice, StepSeen, WorkspaceCard
from tui.reviewing import ReviewRequest

QUESTION = "Which product category had the highest sales revenue in 2023?"
SQL = (
    "SELECT c.CategoryName, ROUND(SUM(d.UnitPrice * d.Quantity * (1 - d.Discount)), 2) AS sales_revenue "
    "FROM order_details AS d JOIN Orders AS o ON o.OrderID = d.OrderID JOIN Products AS p ON p.ProductID = d.ProductID "
    "JOIN Categories AS c ON c.CategoryID = p.CategoryID "
    "WHERE o.OrderDate >= '2023-01-01' AND o.OrderDate < '2024-01-01' "
    "GROUP BY c.CategoryName ORDER BY sales_revenue DESC LIMIT 5"
)
TIMINGS = {"recall": 2.1, "ground": 14.0, "generate": 812.4, "guard": 1.2, "execute": 3.4, "check": 2.0, "answer": 4.2}

ANSWERED = Answer(
    run_id="01932b6e-7c00-7000-8000-000000000001",
    status=RunStatus.ANSWERED,
    question=QUESTION,
    sql=SQL,
    dialect="sqlite",
    columns=("CategoryName", "sales_revenue"),
    rows=(
        ("Beverages", 48211.37),
        ("Dairy Products", 39120.5),
        ("Confections", 30987.12),
        ("Meat/Poultry", 27410.0),
        (None, 120.25),
    ),
    row_count=5,
    confidence=0.93,
    assumptions=("“2023” is the calendar year of Orders.OrderDate",),
    origin="model",
    model="smollm2-135m-instruct + demo",
    timings_ms=TIMINGS,
)
ABSTAINED = Answer(
    run_id="01932b6e-7c00-7000-8000-000000000002",
    status=RunStatus.ABSTAINED,
    question="How loyal are our customers, really?",
    sql="SELECT COUNT(DISTINCT CustomerID) AS customers FROM Orders",
    dialect="sqlite",
    columns=("customers",),
    rows=((91,),),
    row_count=1,
    confidence=0.31,
    findings=(
        Finding("metric_formula", "warning", "The draft does not use the formula of Customer Retention."),
        Finding("votes", "error", "3 drafts gave 3 different results."),
    ),
    error=RunError(
        "low_confidence", "No draft was trusted enough to give.", "Name the metric, such as “retention in 2023”."
    ),
    origin="model",
    model="smollm2-135m-instruct + demo",
    timings_ms=TIMINGS,
)
REFUSED = Answer(
    run_id="01932b6e-7c00-7000-8000-000000000003",
    status=RunStatus.REFUSED,
    question="Delete every order of 2020",
    dialect="sqlite",
    error=RunError("write_requested", "Affidavit only reads.", "Ask for what you want to see instead."),
    timings_ms={"recall": 0.4},
)
COSTLY = Answer(
    run_id="01932b6e-7c00-7000-8000-000000000004",
    status=RunStatus.NEEDS_CLARIFICATION,
    question="Every pair of orders shipped to one city",
    sql="SELECT a.OrderID, b.OrderID FROM Orders AS a JOIN Orders AS b ON a.ShipCity = b.ShipCity",
    dialect="sqlite",
    error=RunError(
        "cost_not_accepted",
        "The database expects to look at 690,561 rows; 50,000 are allowed (limits.max_scanned_rows).",
        "Ask for less, or accept the cost: `affidavit ask --allow-cost QUESTION`.",
    ),
    timings_ms={"recall": 0.4, "ground": 14.0, "generate": 512.0},
)
PAID = replace(COSTLY, status=RunStatus.ANSWERED, columns=("OrderID", "OrderID"), error=None, confidence=0.8)
CARD = WorkspaceCard(
    name="demo",
    dialect="sqlite",
    model="smollm2-135m-instruct + demo",
    person="reviewer",
    suggestions=(QUESTION, "What was the freight to sales ratio by shipper in 2022?", "How many orders shipped late?"),
)


def run_of(answer: Answer, *, asker: str = "asker", review: str = "unreviewed", reviewer: str = "") -> RunSummary:
    """An answer as the ledger would list its run."""
    return RunSummary(
        run_id=answer.run_id,
        question=answer.question,
        asker=asker,
        status=answer.status.value,
        sql=answer.sql,
        confidence=answer.confidence,
        model=answer.model,
        started="2024-11-14T09:30:00.000000Z",
        review_status=review,
        reviewer=reviewer,
        findings=(),
    )


RUNS = (run_of(ANSWERED), run_of(ABSTAINED), run_of(REFUSED, review="rejected", reviewer="admin"))
QUEUE = (
    QueuedRun(
        RUNS[1].run_id,
        (Reason("a check found an error", 4), Reason("not trusted enough to answer", 3), Reason("new shape", 1)),
        Assignment(),
        holder="",
        overdue=False,
        run=replace(RUNS[1], approvals=1, needed=2),
    ),
    QueuedRun(
        RUNS[0].run_id,
        (Reason("reads Employees", 3), Reason("1,200,000 rows, more than 95 % of runs", 2)),
        Assignment(
            assignee="reviewer",
            due="2024-11-20",
            note="Is the discount in it?",
            assigned_by="admin",
            claimed_by="admin",
            claimed_until="2024-11-14T13:30:00.000000Z",
            claim="ab" * 32,
        ),
        holder="admin",
        overdue=False,
        run=RUNS[0],
    ),
)
_BODIES: tuple[tuple[str, dict[str, object]], ...] = (
    ("run.started", {"question": QUESTION, "asker": "asker", "direct": False, "dialect": "sqlite"}),
    (
        "run.grounded",
        {
            "pieces": [
                {"kind": "metric", "id": "sales_revenue", "version": "3", "hash": "ab" * 32},
                {"kind": "dimension", "id": "product_category", "version": "1", "hash": "cd" * 32},
            ],
            "catalog_fingerprint": "12" * 32,
        },
    ),
    ("run.drafted", {"sql": SQL, "origin": "model", "model": "smollm2-135m-instruct + demo", "confidence": 0.93}),
    ("run.guarded", {"allowed": True, "sql": SQL}),
    ("run.intent", {"sql": SQL, "warehouse": "sqlite:///warehouse.sqlite"}),
    ("run.outcome", {"ok": True, "row_count": 5, "result_fingerprint": "ef" * 32, "elapsed_ms": 3.4}),
    ("run.answered", {"status": "answered", "sql": SQL, "confidence": 0.93, "row_count": 5, "timings_ms": TIMINGS}),
)


def trace_of(run: RunSummary) -> RunTrace:
    """A run with every kind of record a plain run leaves."""
    records = tuple(
        Record(
            sequence=number,
            kind=kind,
            run_id=run.run_id,
            actor="asker" if kind == "run.started" else "",
            time=f"2024-11-14T09:30:0{number}.120000Z",
            body=dict(body),
            previous_hash="",
            hash="00" * 32,
            payload=b"",
        )
        for number, (kind, body) in enumerate(_BODIES, start=1)
    )
    return RunTrace(run, records)


FIGURES = MonitorFigures(
    runs=48,
    by_status={"answered": 39, "abstained": 5, "refused": 3, "failed": 1},
    by_error_class={"low_confidence": 5, "write_requested": 3, "warehouse_timeout": 1},
    success_rate=39 / 48,
    recalled=11,
    repaired=6,
    repaired_and_answered=5,
    latency=Latency(48, 912.0, 3120.0),
    latency_by_stage={"ground": Latency(48, 14.2, 31.0), "generate": Latency(37, 790.0, 2890.0)},
    decisions={"accept": 14, "reject": 2},
    review_agreement=14 / 16,
)


@dataclass
class RecordedBackend:
    """Gives the answer recorded for a question; a recorded exception is raised."""

    answers: dict[str, Answer | Exception] = field(
        default_factory=lambda: {a.question: a for a in (ANSWERED, ABSTAINED, REFUSED, COSTLY)}
    )
    open_error: AffidavitError | None = None
    wait: Callable[[], None] = lambda: None
    sign_error: Exception | None = None
    asked: list[str] = field(default_factory=list)
    accepted_costs: list[str] = field(default_factory=list)
    claimed: list[tuple[str, bool]] = field(default_factory=list)
    waiting: tuple[QueuedRun, ...] = QUEUE
    card: WorkspaceCard = CARD
    passphrase: str = ""
    relied: dict[str, tuple[str, ...]] = field(default_factory=dict)
    signed: list[ReviewRequest] = field(default_factory=list)
    closed: int = 0

    def open(self, notice: Notice) -> WorkspaceCard:
        notice("Starting the model…", 0, 0)
        self.wait()
        if self.open_error is not None:
            raise self.open_error
        return self.card

    def ask(self, question: str, on_step: StepSeen, *, cost_accepted: bool = False) -> Answer:
        self.asked.append(question)
        recorded = self.answers[question]
        if cost_accepted:
            self.accepted_costs.append(question)
            recorded = PAID
        if isinstance(recorded, Exception):
            raise recorded
        for step, spent in recorded.timings_ms.items():
            on_step(step, spent, "3 drafts" if step == "generate" else "")
        return recorded

    def runs(self, *, limit: int, review_status: str | None) -> tuple[RunSummary, ...]:
        return tuple(run for run in RUNS if review_status in (None, run.review_status))[:limit]

    def queue(self, *, limit: int) -> tuple[QueuedRun, ...]:
        return self.waiting[:limit]

    def claim(self, run_id: str, passphrase: str, *, take_over: bool) -> str:
        self._unlock(passphrase)
        self.claimed.append((run_id, take_over))
        return "It is yours."

    def release(self, run_id: str, passphrase: str) -> str:
        self._unlock(passphrase)
        self.claimed.append((run_id, False))
        return "It is anybody's again."

    def _unlock(self, passphrase: str) -> None:
        if passphrase != self.passphrase:
            raise PassphraseError("The key takes another passphrase.", "Type it again.")

    def trace(self, run_id: str) -> RunTrace:
        runs = (*(each.run for each in self.waiting), *RUNS)
        return trace_of(next(run for run in runs if run.run_id == run_id))

    def relied_on_revoked(self) -> dict[str, tuple[str, ...]]:
        return self.relied

    def sign(self, request: ReviewRequest, passphrase: str) -> str:
        if self.sign_error is not None:
            raise self.sign_error
        self.signed.append(request)
        return f"Signed: {request.decision.value} by reviewer."

    def figures(self) -> MonitorFigures:
        return FIGURES

    def close(self) -> None:
        self.closed += 1
