"""What statements were expected to scan, before and after the model, its prompt, the policy or the settings changed.

One dear statement says nothing: questions differ. So the runs before a change are compared with those after it, as
distributions, and an alarm needs both a difference that chance does not explain and one that is worth a look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import ceil
from typing import Any, Final

from audit.ledger import Ledger
from audit.rank_test import tends_larger
from audit.record import RUN_STARTED, Record
from audit.snapshot import Selection

__all__ = [
    "INFLATED_RATIO",
    "LOOKED_AT",
    "MIN_RUNS",
    "NOT_ASKED",
    "SURE_P",
    "Comparison",
    "Configuration",
    "Scans",
    "scans",
]

MIN_RUNS: Final = 20
"""Runs on each side, fewer than which say nothing."""
INFLATED_RATIO: Final = 2.0
"""The medians must differ by this factor: a planner's estimate is no better than that."""
SURE_P: Final = 0.001
"""How unlikely such a difference must be, were nothing changed."""
LOOKED_AT: Final = 5_000
"""The newest runs that are read."""

NOT_ASKED: Final = ("amendment", "replay")
"""Purposes of statements that no question led to."""
_DRAFTED, _INTENT, _ESTIMATED = "run.drafted", "run.intent", "run.estimated"


@dataclass(frozen=True, slots=True, order=True)
class Configuration:
    """What a run was answered with, by fingerprint."""

    model: str
    prompt: str
    policy: str
    settings: str

    def changed_since(self, other: Configuration) -> tuple[str, ...]:
        """What of it is not as in another."""
        names = ("model", "prompt", "policy", "settings")
        return tuple(name for name in names if getattr(self, name) != getattr(other, name))


@dataclass(frozen=True, slots=True)
class Scans:
    """The rows that the runs of one configuration were expected to look at, a run's statements together."""

    configuration: Configuration
    since: str
    """When the first of them was asked."""
    until: str
    scanned: tuple[int, ...]
    """Of each run, in the order they were asked in."""

    @property
    def median(self) -> float:
        """The middle run's rows; of an even number the mean of the middle two."""
        ordered = sorted(self.scanned)
        middle = len(ordered) // 2
        return float(ordered[middle]) if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2

    @property
    def p95(self) -> float:
        """The nearest-rank 95th percentile."""
        return float(sorted(self.scanned)[ceil(len(self.scanned) * 0.95) - 1])


@dataclass(frozen=True, slots=True)
class Comparison:
    """The runs after the newest change beside those before it."""

    before: Scans
    after: Scans

    @property
    def changed(self) -> tuple[str, ...]:
        """What the change was of."""
        return self.after.configuration.changed_since(self.before.configuration)

    @property
    def ratio(self) -> float:
        """The median after for each row of the median before; a row is added to both, so that none is zero."""
        return (self.after.median + 1) / (self.before.median + 1)

    @property
    def p_value(self) -> float:
        """How likely that is by chance, were both alike."""
        return tends_larger(self.after.scanned, self.before.scanned)

    @property
    def is_inflated(self) -> bool:
        """Whether the change has statements scan more: surely, and by a factor that matters."""
        return self.ratio >= INFLATED_RATIO and self.p_value < SURE_P


@dataclass(slots=True)
class _Run:
    """What one run's records say."""

    started: Record
    models: set[str] = field(default_factory=set)
    styles: set[str] = field(default_factory=set)
    scanned: dict[str, int] = field(default_factory=dict)
    """Statement → rows."""

    def add(self, record: Record) -> None:
        body = record.body
        if record.kind == _DRAFTED:
            if body.get("origin") == "model":
                self.models.add(str(body.get("model_hash") or body.get("model") or ""))
                self.styles.add(str(body.get("prompt_style", "")))
            return
        estimate = body.get("estimate")
        if isinstance(estimate, Mapping) and body.get("purpose") not in NOT_ASKED:
            self.scanned[str(body.get("sql"))] = _number(estimate.get("scanned_rows"))

    @property
    def configuration(self) -> Configuration | None:
        """None for the control and for what no model had a part in: a change of the model cannot show there."""
        said = self.started.body
        if not self.models or not self.scanned or said.get("direct"):
            return None
        prompt = " ".join([str(said.get("prompt_fingerprint", "")), *sorted(self.styles)])
        policy, settings = str(said.get("policy_fingerprint", "")), str(said.get("settings_hash", ""))
        return Configuration(" ".join(sorted(self.models)), prompt, policy, settings)


def scans(ledger: Ledger, *, last: int = LOOKED_AT) -> tuple[tuple[Scans, ...], Comparison | None]:
    """The configurations of the newest `last` runs, oldest first, and the newest change that can be judged.

    The change is to the configuration that was used first after all others that have `MIN_RUNS` runs; it is compared
    with the one of these that was used last before that. None where there are no such two.

    Raises:
        LedgerUnavailable: the ledger cannot be read.
    """
    found = _by_configuration(_runs(ledger, last))
    judged = [each for each in found if len(each.scanned) >= MIN_RUNS]
    if len(judged) < 2:
        return found, None
    after = judged[-1]
    before = max(judged[:-1], key=lambda each: min(each.until, after.since))
    return found, Comparison(before, after)


def _runs(ledger: Ledger, last: int) -> Iterable[_Run]:
    """The newest runs, in the order they were asked in."""
    started = list(islice(ledger.select(Selection(kinds=(RUN_STARTED,), newest_first=True)), last))
    runs = {record.run_id: _Run(record) for record in reversed(started)}
    if started:
        kinds = (_DRAFTED, _INTENT, _ESTIMATED)
        for record in ledger.select(Selection(kinds=kinds, after=started[-1].sequence)):
            if record.run_id in runs:
                runs[record.run_id].add(record)
    return runs.values()


def _by_configuration(runs: Iterable[_Run]) -> tuple[Scans, ...]:
    grouped: dict[Configuration, list[_Run]] = {}
    for run in runs:
        configuration = run.configuration
        if configuration is not None:
            grouped.setdefault(configuration, []).append(run)
    return tuple(_scans(configuration, those) for configuration, those in grouped.items())


def _scans(configuration: Configuration, runs: Sequence[_Run]) -> Scans:
    scanned = tuple(sum(run.scanned.values()) for run in runs)
    return Scans(configuration, runs[0].started.time, runs[-1].started.time, scanned)


def _number(value: Any) -> int:
    try:
        return int(value)  # a number that JSON cannot hold is text on the ledger
    except (TypeError, ValueError):
        return 0
