"""What was built on a review: later runs, datasets, models, exports; asked before it is revoked, and ever after.

Nothing of this is stored. The ledger says which run was recalled from which, which examples a model was shown, which
dataset was made of which reviews and which model of which dataset; whoever asks gets it computed from there, so it
cannot go stale and nobody can take it out. A run passes on what it relied on only once it was itself vouched for:
before that nothing could be built on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from audit.ledger import Ledger
from audit.record import REVIEW, Record
from audit.rules import Decision
from audit.snapshot import Selection

__all__ = [
    "DATASET_BUILT",
    "REVOCATION",
    "BuiltDataset",
    "Impact",
    "Reliance",
    "RelianceReader",
    "Reliances",
    "TrainedModel",
    "read_reliances",
    "relied_on_revoked",
    "revoked_runs",
]

DATASET_BUILT: Final = "dataset.built"
REVOCATION: Final = "revocation"
_RECALLED, _GROUNDED, _DRAFTED = "run.recalled", "run.grounded", "run.drafted"
_PROMOTED, _EXPORT = "model.promoted", "export"
_KINDS: Final = (_RECALLED, _GROUNDED, _DRAFTED, _PROMOTED, _EXPORT, DATASET_BUILT, REVIEW)
_VOUCHING: Final = (Decision.ACCEPT, Decision.AMEND)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """An adapter, as far as it matters what it learnt from."""

    name: str
    sha256: str
    dataset_hash: str
    made_from: tuple[str, ...] = ()
    """The sha256 of adapters whose weights are in it."""


@dataclass(frozen=True, slots=True)
class BuiltDataset:
    """A dataset as it was recorded when it was built."""

    folder: str
    sha256: str
    """Of its training set: what a model's `dataset_hash` names."""
    reviews: Mapping[str, tuple[str, ...]]
    """Accepted run → ids of the records that hold it, as their pair or as an example in their prompt."""
    taught: frozenset[str] = frozenset()
    """Those of the runs that a model is trained or chosen by; the others it is only tested on."""


@dataclass(frozen=True, slots=True)
class Reliance:
    """That a run relied on another one's review."""

    run_id: str
    on: str
    """The run whose review it relied on, directly."""
    how: str
    """`recalled`, `example`, or `model NAME`."""


@dataclass(frozen=True, slots=True)
class Impact:
    """What stands on one run's review."""

    run_id: str
    datasets: tuple[BuiltDataset, ...]
    models: tuple[TrainedModel, ...]
    """Trained on one of the datasets, or made from such a one."""
    exports: tuple[tuple[str, str], ...]
    """(file, sha256) of each export it was in."""
    runs: tuple[Reliance, ...]
    """Runs that relied on it, and those that relied on one of these that was vouched for; each once."""

    def counts(self) -> dict[str, int]:
        """How many runs relied in which way."""
        found: dict[str, int] = defaultdict(int)
        for each in self.runs:
            found[each.how.partition(" ")[0]] += 1
        return dict(found)

    def to_json(self) -> dict[str, Any]:
        """One JSON object, as `review impact` prints it."""
        return {
            "run_id": self.run_id,
            "datasets": [
                {"folder": each.folder, "sha256": each.sha256, "records": list(each.reviews[self.run_id])}
                for each in self.datasets
            ],
            "models": [{"name": each.name, "sha256": each.sha256} for each in self.models],
            "exports": [{"file": file, "sha256": sha256} for file, sha256 in self.exports],
            "runs": [{"run_id": each.run_id, "relied_on": each.on, "how": each.how} for each in self.runs],
        }


@dataclass(slots=True)
class Reliances:
    """Everything on the ledger that says what stands on what."""

    models: dict[str, TrainedModel] = field(default_factory=dict)
    """By sha256."""
    users: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    """Run → the runs that used it, and how."""
    drafted: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Model as drafts name it → the runs it drafted for."""
    datasets: list[BuiltDataset] = field(default_factory=list)
    exports: list[tuple[str, str, frozenset[str]]] = field(default_factory=list)
    vouched: set[str] = field(default_factory=set)
    """Runs that were accepted or amended, whatever became of it."""

    def of(self, run_id: str) -> Impact:
        """What stands on this run's review."""
        found: dict[str, Reliance] = {}
        asked, waiting = {run_id}, [run_id]
        while waiting:
            on = waiting.pop()
            for user, how in self._users_of(on).items():
                if user == run_id or user in found:
                    continue
                found[user] = Reliance(user, on, how)
                if user in self.vouched and user not in asked:
                    asked.add(user)
                    waiting.append(user)
        datasets = tuple(each for each in self.datasets if run_id in each.reviews)
        exports = tuple((file, sha256) for file, sha256, runs in self.exports if run_id in runs)
        runs = tuple(sorted(found.values(), key=lambda each: each.run_id))
        return Impact(run_id, datasets, self.models_of(run_id), exports, runs)

    def models_of(self, run_id: str) -> tuple[TrainedModel, ...]:
        """The models that learnt from this run, themselves or through those they were made from."""
        hashes = {each.sha256 for each in self.datasets if run_id in each.taught} - {""}
        tainted = {sha256 for sha256, model in self.models.items() if model.dataset_hash in hashes}
        while grown := {
            sha256
            for sha256, model in self.models.items()
            if sha256 not in tainted and tainted.intersection(model.made_from)
        }:
            tainted |= grown
        return tuple(model for sha256, model in self.models.items() if sha256 in tainted)

    def _users_of(self, run_id: str) -> dict[str, str]:
        drafted = {
            user: f"model {model.name}"
            for model in self.models_of(run_id)
            for name, runs in self.drafted.items()
            # An adapter's name is its bytes': other bytes are never registered under it.
            if name.endswith(f"+{model.name}")
            for user in runs
        }
        return {**drafted, **self.users.get(run_id, {})}

    def add(self, record: Record) -> None:
        """Take in one record."""
        run_id, body = record.run_id or "", record.body
        if record.kind == _RECALLED:
            self.users[str(body.get("verified_run_id"))][run_id] = "recalled"
        elif record.kind == _GROUNDED:
            for piece in _mappings(body.get("pieces")):
                if piece.get("kind") == "example":
                    self.users[str(piece.get("id"))].setdefault(run_id, "example")
        elif record.kind == _DRAFTED:
            if body.get("origin") != "compiled" and run_id not in self.drafted[str(body.get("model"))][-1:]:
                self.drafted[str(body.get("model"))].append(run_id)
        elif record.kind == _PROMOTED:
            self.know(TrainedModel(str(body.get("name")), str(body.get("sha256")), str(body.get("dataset_hash"))))
        elif record.kind == _EXPORT:
            runs = frozenset(str(each) for each in body.get("run_ids") or ())
            self.exports.append((str(body.get("file")), str(body.get("sha256")), runs))
        elif record.kind == DATASET_BUILT:
            self._add_dataset(body)
        elif body.get("decision") in _VOUCHING:
            self.vouched.add(run_id)

    def know(self, model: TrainedModel) -> None:
        """Take in a model; what is known of it already is not taken back."""
        known = self.models.get(model.sha256)
        if known is None or (not known.made_from and model.made_from):
            self.models[model.sha256] = model

    def _add_dataset(self, body: Mapping[str, Any]) -> None:
        reviews = body.get("reviews")
        held = {
            str(run_id): tuple(str(each) for each in records)
            for run_id, records in (reviews.items() if isinstance(reviews, Mapping) else ())
        }
        taught = body.get("taught")
        runs = frozenset(str(each) for each in taught) if isinstance(taught, list) else frozenset(held)
        built = BuiltDataset(str(body.get("folder")), str(body.get("sha256")), held, runs)
        if built in self.datasets:
            self.datasets.remove(built)
        self.datasets.append(built)


def read_reliances(ledger: Ledger, models: Iterable[TrainedModel] = ()) -> Reliances:
    """Read from the ledger what stands on what; `models` are those that never were promoted, from the registry.

    Raises:
        LedgerUnavailable: the ledger cannot be read.
    """
    found = Reliances()
    for record in ledger.select(Selection(kinds=_KINDS)):
        found.add(ledger.reveal(record))
    for model in models:
        found.know(model)
    return found


def revoked_runs(ledger: Ledger) -> dict[str, Record]:
    """Run → the review that revoked it."""
    reviews = ledger.select(Selection(kinds=(REVIEW,)))
    return {record.run_id or "": record for record in reviews if record.body.get("decision") == Decision.REVOKE}


def relied_on_revoked(ledger: Ledger, models: Iterable[TrainedModel] = ()) -> dict[str, tuple[str, ...]]:
    """Run → the revoked runs that it relied on, directly or through others. Cheap where nothing was ever revoked.

    Raises:
        LedgerUnavailable: the ledger cannot be read.
    """
    return RelianceReader(ledger).relied_on_revoked(models)


class RelianceReader:
    """`relied_on_revoked` for a screen that asks again and again: only what was added since is read."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._reliances = Reliances()
        self._revoked: list[str] = []
        self._reviews_read = self._read = 0
        """Sequences: up to where reviews, and everything else, were read."""

    def relied_on_revoked(self, models: Iterable[TrainedModel] = ()) -> dict[str, tuple[str, ...]]:
        """See there.

        Raises:
            LedgerUnavailable: the ledger cannot be read.
        """
        for record in self._ledger.select(Selection(kinds=(REVIEW,), after=self._reviews_read)):
            self._reviews_read = record.sequence
            if record.body.get("decision") == Decision.REVOKE:
                self._revoked.append(record.run_id or "")
        if not self._revoked:
            return {}
        for record in self._ledger.select(Selection(kinds=_KINDS, after=self._read)):
            self._read = record.sequence
            self._reliances.add(self._ledger.reveal(record))
        for model in models:
            self._reliances.know(model)
        found: dict[str, list[str]] = defaultdict(list)
        for run_id in self._revoked:
            for each in self._reliances.of(run_id).runs:
                found[each.run_id].append(run_id)
        return {run_id: tuple(sorted(relied)) for run_id, relied in found.items()}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
