"""Splits that say what they hold apart, and the check that proves it.

A test set is worth what it keeps from training. Four are made, each harder than the one before:

- question-disjoint: no question of it is in training (its SQL may be, for another value);
- structure-disjoint: neither its SQL with literals masked, nor its combination of pattern, metrics and dimensions;
- template-disjoint: no pair of its template;
- the baseline pack: never in training, word for word or nearly.

`leak_check` fails the build of a dataset when any of this does not hold.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from finetune.pairs.pair import Pair, masked_sql, normalised
from finetune.pairs.similarity import PERMUTATIONS, Signature, signature

__all__ = ["Leak", "LeakError", "SplitShares", "Splits", "baseline_questions", "leak_check", "split_pairs"]

_NEAR = 0.9
"""Estimated Jaccard similarity of letter triples from which two questions count as one."""


@dataclass(frozen=True, slots=True)
class SplitShares:
    """Which part of the pairs goes where; what is left is training."""

    structure: float = 0.04
    template: float = 0.06
    """Of the hand-written templates, not of the pairs: compositions are every workspace's daily bread."""
    question: float = 0.03
    valid: float = 0.02


@dataclass(frozen=True)
class Splits:
    """Training and validation, and the test sets by what they are disjoint in."""

    train: tuple[Pair, ...]
    valid: tuple[Pair, ...]
    test_question: tuple[Pair, ...]
    test_structure: tuple[Pair, ...]
    test_template: tuple[Pair, ...]
    dropped: int = 0
    """Pairs left out because they were too like a question of the baseline pack or of a test set."""

    def items(self) -> tuple[tuple[str, tuple[Pair, ...]], ...]:
        """(name, pairs) of each split, training first."""
        return (
            ("train", self.train),
            ("valid", self.valid),
            ("test_question", self.test_question),
            ("test_structure", self.test_structure),
            ("test_template", self.test_template),
        )


@dataclass(frozen=True, slots=True)
class Leak:
    """One thing training shares with a set it must not know."""

    split: str
    kind: str
    train_id: str
    test_id: str
    what: str


class LeakError(Exception):
    """A dataset was not built because training knows something of a test. Names the first leaks."""

    def __init__(self, leaks: Sequence[Leak]) -> None:
        shown = "; ".join(f"{x.split}/{x.kind}: {x.what}" for x in leaks[:3])
        super().__init__(f"{len(leaks)} leaks between training and test sets, such as {shown}.")
        self.leaks = tuple(leaks)


def split_pairs(
    pairs: Sequence[Pair],
    *,
    seed: int = 7,
    shares: SplitShares = SplitShares(),
    baseline: Iterable[str] = (),
) -> Splits:
    """Deal the pairs out. Where a pair goes depends on its own text and the seed, never on its neighbours.

    Args:
        pairs: what the factory made.
        seed: another seed holds other structures and templates apart.
        shares: how much each set gets.
        baseline: questions that may be in no split.
    """
    sets: dict[str, list[Pair]] = defaultdict(list)
    structures = _components(pairs)
    for pair in pairs:
        sets[_place(pair, structures, seed, shares)].append(pair)
    # Questions outrank places: what is asked in a test set or the baseline pack is asked nowhere else.
    taken = _Questions()
    for question in baseline:
        taken.add(question)
    before = sum(map(len, sets.values()))
    for name in ("test_template", "test_structure", "test_question", "valid", "train"):
        fresh = [p for p in sets[name] if p.question and not taken.near(p.question, p.sql)]
        if name != "train":
            for pair in fresh:
                taken.add(pair.question, pair.sql)
        sets[name] = fresh
    dropped = before - sum(map(len, sets.values()))
    return Splits(
        train=tuple(sets["train"]),
        valid=tuple(sets["valid"]),
        test_question=tuple(sets["test_question"]),
        test_structure=tuple(sets["test_structure"]),
        test_template=tuple(sets["test_template"]),
        dropped=dropped,
    )


def leak_check(splits: Splits, baseline: Iterable[str] = ()) -> None:
    """Raise LeakError unless every test set keeps its promise against training and validation.

    Args:
        splits: what `split_pairs` gave, or sets read back from files.
        baseline: the held-out pack's questions.
    """
    leaks: list[Leak] = []
    learned = (*splits.train, *splits.valid)
    questions = {normalised(p.question): p for p in learned}
    structures = {masked_sql(p.sql): p for p in learned}
    combinations = {p.combination: p for p in learned if p.combination}
    templates = {p.template_id: p for p in learned}
    for name, pairs in splits.items():
        if name in ("train", "valid"):
            continue
        for pair in pairs:
            known = questions.get(normalised(pair.question))
            if known:
                leaks.append(Leak(name, "question", known.id, pair.id, pair.question))
            if name == "test_structure" and (known := structures.get(masked_sql(pair.sql))):
                leaks.append(Leak(name, "structure", known.id, pair.id, masked_sql(pair.sql)))
            if name == "test_structure" and (known := combinations.get(pair.combination)):
                leaks.append(Leak(name, "combination", known.id, pair.id, pair.combination))
            if name == "test_template" and (known := templates.get(pair.template_id)):
                leaks.append(Leak(name, "template", known.id, pair.id, pair.template_id))
    pack = _Questions()
    for question in baseline:
        pack.add(question)
    leaks += [Leak("baseline", "question", p.id, "", p.question) for p in learned if pack.near(p.question)]
    if leaks:
        raise LeakError(leaks)


def baseline_questions(path: Path) -> list[str]:
    """The questions of a baseline pack (`{"question": ...}` per line), for holding them out; [] without the file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as lines:
        return [str(json.loads(line)["question"]) for line in lines if line.strip()]


class _Questions:
    """Questions to keep away from, found again when they are the same or nearly."""

    def __init__(self) -> None:
        from rensa import RMinHashLSH

        self._known: dict[str, str] = {}
        self._signatures: list[Signature] = []
        self._sql: list[str] = []
        self._index = RMinHashLSH(threshold=0.85, num_perm=PERMUTATIONS, num_bands=16)

    def add(self, question: str, sql: str = "") -> None:
        """Keep away from this question; with its SQL, only from near misses that mean the same."""
        text = normalised(question)
        if text in self._known:
            return
        self._known[text] = sql
        found = signature(text)
        self._index.insert(len(self._signatures), found)
        self._signatures.append(found)
        self._sql.append(sql)

    def near(self, question: str, sql: str = "") -> bool:
        """Whether it is one of them, or so like one (with the same SQL, where both have one) that it gives it away."""
        text = normalised(question)
        if text in self._known:
            return True
        found = signature(text)
        for index in sorted(self._index.query(found)):
            same = not sql or not self._sql[index] or self._sql[index] == sql
            if same and found.jaccard(self._signatures[index]) > _NEAR:
                return True
        return False


def _draw(key: str, seed: int) -> float:
    """A number in 0..1 that depends on key and seed alone."""
    return int(hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()[:12], 16) / 16**12


def _place(pair: Pair, components: dict[str, str], seed: int, shares: SplitShares) -> str:
    written = not pair.template_id.startswith("compose.")
    if written and _draw(f"template:{pair.template_id}", seed) < shares.template:
        return "test_template"
    if _draw(f"structure:{components[masked_sql(pair.sql)]}", seed) < shares.structure:
        return "test_structure"
    draw = _draw(f"question:{normalised(pair.question)}", seed)
    if draw < shares.question:
        return "test_question"
    return "valid" if draw < shares.question + shares.valid else "train"


def _components(pairs: Sequence[Pair]) -> dict[str, str]:
    """Masked SQL to the name of its component: structures that share a combination must go the same way.

    Templates and compositions can give one structure, so a template's structures are joined like any other.
    """
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for pair in pairs:
        first, second = root(f"sql {masked_sql(pair.sql)}"), root(f"combination {pair.combination or pair.template_id}")
        if first != second:
            low, high = sorted((first, second))
            parent[high] = low
    return {masked_sql(p.sql): root(f"sql {masked_sql(p.sql)}") for p in pairs}
