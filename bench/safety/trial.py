"""Tries attacks on each layer alone, and on all of them together as the product puts them.

- The guard alone: `judge`, which touches nothing.
- The database alone: the raw statement on the read-only connection, under an account that may do anything. A statement
  that is refused there needs no guard; one that merely reads is counted as such; neither may leave a trace.
- The policy: what the guard lets run, on the warehouse and on its twin. A result, or an error, that differs between
  them, or that holds a value held back, has shown something.
- All together: what the guard lets run runs on the read-only connection, and leaves no trace.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from agent.errors import ErrorClass
from agent.run import Outcome, Verdict
from agent.settings import GuardLimits
from agent.steps.guard import judge
from agent.warehouse.connect import Warehouse, open_warehouse
from agent.warehouse.policy import Policy
from bench.safety.cases import Attack
from bench.safety.targets import POLICY, Target, secrets_of
from bench.safety.traces import Traces, content_of, traces_of
from memory.catalog import Catalog

__all__ = ["Trial", "judged", "secret_pattern", "tried_without_database", "try_attacks"]

TIMEOUT_S = 1.0
_OVERRUN_MS = (TIMEOUT_S + 6) * 1000
"""Cut off later than this, a limit did not hold; the machine may be busy with something else."""
_LIMITS = GuardLimits(max_rows=200, timeout_s=TIMEOUT_S)
_MAX_ROWS = 200
_NOT_TRIED = "not tried"
_DATABASE = "database alone"

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one attack."""

    attack: Attack
    guard: str
    """`refused`, or `let run`."""
    database: str = "not tried"
    """Of the database alone: `refused`, `cut`, `cut late`, `read`, or `not tried`."""
    effects: tuple[str, ...] = ()
    """Traces that the database alone, or all layers together, let it leave."""
    shown: str = ""
    """What of the policy's secrets it showed, and how."""
    passed: str = ""
    """Why no layer held it; empty where one did."""


def judged(attack: Attack, catalog: Catalog) -> Verdict:
    """The guard's verdict alone; attacks on the policy are made by somebody it is for, of no role for class `role`."""
    policy = Policy()
    if attack.is_about_policy:
        policy = POLICY.of("eve" if attack.kind == "role" else "ana")
    return judge(
        written(attack), dialect=attack.dialect, catalog=replace(catalog, dialect=attack.dialect), policy=policy,
        max_rows=_MAX_ROWS,
    )  # fmt: skip


def written(attack: Attack) -> str:
    """Attacks on the policy are said once for all engines, with names in double quotes, which MySQL reads as text."""
    quotes_names = attack.dialect in {"mysql", "bigquery"} and attack.is_about_policy
    return attack.sql.replace('"', "`") if quotes_names else attack.sql


def tried_without_database(attacks: Iterable[Attack], catalog: Catalog, progress: Progress) -> Iterator[Trial]:
    """Attacks in dialects that no server here speaks: the guard must refuse them, or what it lets run is harmless."""
    for count, attack in enumerate(attacks, 1):
        verdict = judged(attack, catalog)
        passed = "the guard let it run" if verdict.allowed and attack.held_by in {"guard", "policy"} else ""
        yield Trial(attack, _of(verdict), passed=passed)
        progress(count)


def try_attacks(target: Target, attacks: Iterable[Attack], progress: Progress) -> Iterator[Trial]:
    """Try attacks of one engine's dialect on every layer, one after another."""
    content = content_of(target)
    with contextlib.ExitStack() as parts:
        bench = _Bench(target, parts)
        for count, attack in enumerate(attacks, 1):
            yield bench.tried(attack)
            progress(count)
    # only now: DuckDB opens no file twice with different settings
    if content_of(target) != content:
        raise RuntimeError(f"The content of the {target.dialect} warehouse changed, and no trial noticed.")


@dataclass
class _Bench:
    """One engine, opened: the read-only connections under trial, and the one that looks for traces."""

    target: Target
    parts: contextlib.ExitStack
    _warehouses: dict[str, Warehouse] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.secrets = secret_pattern(secrets_of(self.target.url))
        self.observer = self._observer()
        self.before = self._traces()

    def tried(self, attack: Attack) -> Trial:
        verdict = judged(attack, self.target.catalog)
        trial = Trial(attack, _of(verdict))
        if not attack.is_about_policy and not attack.alone.startswith(_NOT_TRIED):
            outcome = self._warehouse(self.target.url).execute(self._raw(attack))
            trial = replace(trial, database=_fate(outcome), effects=self._effects(_DATABASE))
            if trial.database == "overran":
                late = "" if attack.alone else "the database did not cut it off in time"
                trial = replace(trial, database="cut late", passed=late)
        if verdict.allowed:
            trial = self._all_together(trial, verdict)
        beyond = [effect for effect in trial.effects if not (attack.alone and effect.startswith(_DATABASE))]
        if beyond:
            trial = replace(trial, passed="it left a trace")
        return trial

    def _all_together(self, trial: Trial, verdict: Verdict) -> Trial:
        """What the guard lets run, run."""
        outcome = self._warehouse(self.target.url).execute(verdict.sql)
        trial = replace(trial, effects=(*trial.effects, *self._effects("all layers")))
        attack = trial.attack
        if attack.held_by == "guard":
            trial = replace(trial, passed="the guard let it run")
        if _fate(outcome) == "overran":
            trial = replace(trial, passed="the limits did not cut it off in time")
        if attack.is_about_policy:
            shown = self._shown(outcome, verdict)
            trial = replace(trial, shown=shown)
            if shown:
                trial = replace(trial, passed="it shows what the policy holds back")
        return trial

    def _shown(self, outcome: Outcome, verdict: Verdict) -> str:
        found = self.secrets.search(_said(outcome))
        if found:
            return f"the value {found.group()!r}"
        twin = self._warehouse(self.target.twin_url).execute(verdict.sql)
        ordered = "ORDER BY" in verdict.sql.rpartition(")")[2]
        timeout = ErrorClass.WAREHOUSE_TIMEOUT.value
        if any(found.error is not None and found.error.error_class == timeout for found in (outcome, twin)):
            return ""
        if _comparable(outcome, ordered=ordered) != _comparable(twin, ordered=ordered):
            return "a result that depends on values held back"
        return ""

    def _raw(self, attack: Attack) -> str:
        sql = self.target.spelled(attack.sql)
        return _quoted(sql, self.target.catalog) if self.target.dialect == "postgres" else sql

    def _warehouse(self, url: str) -> Warehouse:
        if url not in self._warehouses:
            self._warehouses[url] = open_warehouse(url, _LIMITS)
            self.parts.callback(self._warehouses[url].close)
        return self._warehouses[url]

    def _observer(self) -> sa.Connection | None:
        if self.target.dialect in {"sqlite", "duckdb"}:
            return None
        engine = sa.create_engine(self.target.url)
        self.parts.callback(engine.dispose)
        return self.parts.enter_context(engine.connect())

    def _traces(self) -> Traces:
        return traces_of(self.target, self.observer)

    def _effects(self, where: str) -> tuple[str, ...]:
        now = self._traces()
        changed = tuple(f"{where}: {name}" for name, found in now.items() if found != self.before.get(name))
        self.before = now
        return changed


def secret_pattern(secrets: Iterable[str]) -> re.Pattern[str]:
    """Finds any of these values, standing by itself."""
    longest_first = sorted(secrets, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")


def _of(verdict: Verdict) -> str:
    return "let run" if verdict.allowed else "refused"


def _fate(outcome: Outcome) -> str:
    if outcome.elapsed_ms > _OVERRUN_MS:
        return "overran"
    if outcome.error is not None:
        return "cut" if outcome.error.error_class == ErrorClass.WAREHOUSE_TIMEOUT else "refused"
    return "cut" if outcome.result is not None and outcome.result.truncated else "read"


def _said(outcome: Outcome) -> str:
    """Everything that somebody is shown."""
    if outcome.result is not None:
        return "\n".join(str(cell) for row in (outcome.result.columns, *outcome.result.rows) for cell in row)
    return outcome.error.message if outcome.error is not None else ""


def _comparable(outcome: Outcome, *, ordered: bool) -> object:
    if outcome.result is None:
        # a server names its own database in some messages, and the twin's is another
        said = outcome.error.message if outcome.error else ""
        return re.sub(r"affidavit_attack_\w+", "", said)
    rows = [repr(row) for row in outcome.result.rows]
    return outcome.result.columns, rows if ordered else sorted(rows)


def _quoted(sql: str, catalog: Catalog) -> str:
    """The statement with the catalog's names in quotes, as somebody writes it who knows PostgreSQL."""
    names = {table.name for table in catalog.tables} | {c.name for table in catalog.tables for c in table.columns}
    mixed = "|".join(sorted((re.escape(name) for name in names if not name.islower()), key=len, reverse=True))
    return re.sub(rf'(?<!["\w])({mixed})(?!["\w])', r'"\1"', sql)
