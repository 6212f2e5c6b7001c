"""A tiny warehouse, a pack about it, and an asker whose SQL is written here and executed for real."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.run import Answer, RunError, RunStatus
from agent.settings import GuardLimits
from agent.warehouse.connect import Warehouse, open_warehouse
from finetune.evaluation.attempts import Subject
from finetune.evaluation.pack import PackQuestion

__all__ = ["OTHER_SALES", "PACK", "SUBJECT", "ScriptedAsker", "build_warehouse", "clock_from", "write_pack"]

SALES = (
    ("north", "2024-01-02", 10.5),
    ("north", "2024-02-03", 20.0),
    ("south", "2024-02-04", 7.25),
    ("south", "2024-03-05", 8.0),
    ("east", "2024-03-06", 15.25),
)
OTHER_SALES = (("north", "2024-01-02", 99.0), ("west", "2024-05-06", 1.0), ("south", "2024-02-04", 3.5))
"""Another state of the same shop, where north still sold most."""

PACK = (
    PackQuestion("q1", "How many sales were there?", "SELECT COUNT(*) FROM sales", "simple", ("count",)),
    PackQuestion(
        "q2",
        "Revenue per region, highest first?",
        "SELECT region, SUM(amount) AS revenue FROM sales GROUP BY region ORDER BY revenue DESC",
        "moderate",
        ("sum", "group"),
        ordered=True,
    ),
    PackQuestion("q3", "Which <b>region</b> sold most & why?", "SELECT 'north'", "simple", ("top",)),
    PackQuestion("q4", "Sales in 1990?", "SELECT * FROM sales WHERE day < '1990-12-31'", "moderate", ()),
)

SUBJECT = Subject(
    model="scripted",
    model_hash="ab" * 32,
    adapter="night-run",
    dataset_hash="cd" * 32,
    dialect="sqlite",
    warehouse="sqlite:///shop.sqlite",
    catalog_fingerprint="ef" * 32,
    semantics_fingerprint="01" * 32,
    version="0.1.0",
)


def build_warehouse(
    folder: Path,
    limits: GuardLimits | None = None,
    *,
    sales: tuple[tuple[str, str, float], ...] = SALES,
    name: str = "shop.sqlite",
) -> Warehouse:
    """A shop of five sales in three regions."""
    path = folder / name
    if not path.exists():
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE sales (id INTEGER PRIMARY KEY, region TEXT, day TEXT, amount REAL)")
            connection.executemany(
                "INSERT INTO sales (region, day, amount) VALUES (?, ?, ?)",
                sales,
            )
        connection.close()
    return open_warehouse(f"sqlite:///{path}", limits or GuardLimits())


def write_pack(path: Path, pack: tuple[PackQuestion, ...] = PACK) -> Path:
    """The pack as a file."""
    lines = [
        {"id": q.id, "question": q.question, "sql": q.sql, "difficulty": q.difficulty, "tags": list(q.tags),
         "ordered": q.ordered}
        for q in pack
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def clock_from(start: datetime = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)) -> Callable[[], datetime]:
    """A clock that advances one minute each time it is read."""
    now = start

    def read() -> datetime:
        nonlocal now
        now += timedelta(minutes=1)
        return now

    return read


@dataclass
class ScriptedAsker:
    """Answers from a script of SQL per (question, direct); what is not in it is an abstention."""

    warehouse: Warehouse
    script: dict[tuple[str, bool], str]
    asked: list[tuple[str, bool]] = field(default_factory=list)
    stop_after: int | None = None
    withheld: frozenset[tuple[str, bool]] = frozenset()
    """Their SQL runs, and is shown as an unverified draft with confidence 0.6."""

    def __call__(self, question: str, direct: bool) -> Answer:
        if self.stop_after is not None and len(self.asked) >= self.stop_after:
            raise KeyboardInterrupt
        self.asked.append((question, direct))
        sql = self.script.get((question, direct))
        run_id = f"run-{len(self.asked)}"
        if sql is None:
            return Answer(
                run_id,
                RunStatus.ABSTAINED,
                question,
                error=RunError("low_confidence", "No draft was good enough."),
                timings_ms={"generate": 5.0},
            )
        outcome = self.warehouse.execute(sql)
        if outcome.result is None:
            return Answer(run_id, RunStatus.FAILED, question, sql=sql, error=outcome.error)
        if (question, direct) in self.withheld:
            error = RunError("low_confidence", "The best draft has confidence 0.60.")
            return Answer(run_id, RunStatus.ABSTAINED, question, sql=sql, confidence=0.6, origin="model", error=error)
        return Answer(
            run_id,
            RunStatus.ANSWERED,
            question,
            sql=sql,
            columns=outcome.result.columns,
            rows=outcome.result.rows,
            confidence=0.9,
            origin="model",
            model="scripted",
            timings_ms={"ground": 2.0, "generate": 50.0},
        )
