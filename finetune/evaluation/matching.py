"""Whether two results are the same answer: the judge behind every accuracy figure we publish.

Two statements are held equal when their *results* are: this is execution accuracy (Yu et al., "Spider", 2018;
Zhong et al., "Semantic Evaluation for Text-to-SQL with Distilled Test Suites", 2020). A lenient judge makes the
figures worthless and a pedantic one makes them meaningless, so the leniency is exactly this and no more:

- rows are a multiset; their order counts only if the question asked for one;
- columns come in any order under any name, paired by the values they hold;
- 3, 3.0, "3" and "3.00" are one number; True is 1; a date is its ISO string, with or without midnight;
- numbers agree within 1e-6 of the larger (two integers only when equal), and within 0.005 where one of the two
  columns was rounded to two decimals;
- the result may hold more columns than the gold, and the match says which. They are harmless when the gold holds
  text, or an identifier that the result calls one too. Otherwise the gold's bare numbers or dates are all there is to
  recognise it by, so the extra columns must be text, identifiers or periods, and a number of the gold may not be
  found in an identifier: a lone 3 is not answered by a row that happens to hold a 3 somewhere;
- an empty gold equals only an empty result; a truncated result equals nothing, since it is not all there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.run import Result
from finetune.evaluation.cells import (
    IDENTIFIERS,
    PERIODS,
    RELATIVE_TOLERANCE,
    Column,
    ComparedCell,
    Number,
    cells_close,
    columns_close,
    columns_of,
    exact_part,
    tolerance_between,
)

__all__ = ["Match", "results_match"]

_MAX_PAIRINGS = 1_000
"""Column pairings tried before giving up; real results need a handful, since value matching prunes the rest."""


@dataclass(frozen=True, slots=True)
class Match:
    """Whether a result answers as the gold does, and how that was seen."""

    matched: bool
    reason: str
    """One sentence for the report: why not, or what was allowed."""
    pairing: tuple[int, ...] = ()
    """For each gold column the index of the result's column that holds it; empty when not matched."""
    extra_columns: tuple[str, ...] = ()
    """Columns of the result that the gold does not have."""


def results_match(gold: Result, got: Result, ordered: bool = False, *, order_columns: Sequence[int] = ()) -> Match:
    """Judge whether `got` is the same answer as `gold`; see the module for what is allowed.

    Args:
        ordered: the question asked for an order, so rows must come in the gold's.
        order_columns: gold columns (by index) the order is by; rows that tie on all of them may come in any order.
            Without them an ordered result must repeat the gold's rows one by one.
    """
    if gold.truncated or got.truncated:
        return Match(False, "A truncated result cannot be compared.")
    if len(gold.rows) != len(got.rows):
        return Match(False, f"{len(got.rows)} rows where {len(gold.rows)} are right.")
    if len(got.columns) < len(gold.columns):
        return Match(False, f"{len(got.columns)} columns where {len(gold.columns)} are needed.")
    if not gold.rows:
        return Match(True, "Both are empty.")
    wanted, found = columns_of(gold), columns_of(got)
    seen = False
    for pairing in _pairings(wanted, found):
        seen = True
        objection = _extras_objection(wanted, found, pairing)
        if objection:
            last = objection
            continue
        if ordered and not _same_order(wanted, [found[j] for j in pairing], order_columns):
            last = "The rows are right, their order is not."
            continue
        return _matched(found, pairing)
    return Match(False, last if seen else _difference(wanted, found))


def _matched(found: Sequence[Column], pairing: tuple[int, ...]) -> Match:
    extra = tuple(column.name for j, column in enumerate(found) if j not in pairing)
    if not extra:
        return Match(True, "The rows are the same.", pairing)
    return Match(True, f"The rows are the same; extra columns: {', '.join(extra)}.", pairing, extra)


def _difference(wanted: Sequence[Column], found: Sequence[Column]) -> str:
    missing = [column.name for column in wanted if not any(columns_close(column, other) for other in found)]
    if missing:
        return f"No column holds the values of `{missing[0]}`."
    return "Every column is there, but not in the same rows."


def _extras_objection(wanted: Sequence[Column], found: Sequence[Column], pairing: tuple[int, ...]) -> str:
    """Why a match with extra columns would be one by accident; empty when it would not."""
    paired = {found[j].cells for j in pairing}
    extras = [column for j, column in enumerate(found) if j not in pairing and column.cells not in paired]
    if not extras or _is_anchored(wanted, found, pairing):
        return ""
    if all(column.is_null for column in wanted):
        return "Nothing but NULLs, found among other columns."
    for column in extras:
        if not (column.is_text or column.is_called(IDENTIFIERS | PERIODS)):
            return f"The right values are there, but so is `{column.name}`, and nothing says which is the answer."
    for column, j in zip(wanted, pairing, strict=True):
        if found[j].is_called(IDENTIFIERS) and not column.is_called(IDENTIFIERS):
            return f"The values of `{column.name}` are found only in the identifier `{found[j].name}`."
    return ""


def _is_anchored(wanted: Sequence[Column], found: Sequence[Column], pairing: tuple[int, ...]) -> bool:
    """The gold holds something that no number elsewhere in the row can be mistaken for."""
    return any(
        column.is_text or (column.is_called(IDENTIFIERS) and found[j].is_called(IDENTIFIERS))
        for column, j in zip(wanted, pairing, strict=True)
    )


# --- pairing columns, then rows ------------------------------------------------------------------------------


def _pairings(wanted: Sequence[Column], found: Sequence[Column]) -> Iterator[tuple[int, ...]]:
    """Every way to find the gold's columns among the result's so that the rows agree, natural order first."""
    choices = [_choices(column, i, found) for i, column in enumerate(wanted)]
    if not all(choices):
        return
    stack: list[tuple[int, ...]] = [()]
    for _ in range(_MAX_PAIRINGS):
        if not stack:
            return
        taken = stack.pop()
        if taken and not _rows_agree(wanted[: len(taken)], [found[j] for j in taken]):
            continue
        if len(taken) == len(wanted):
            yield taken
            continue
        free = _without_twins([j for j in choices[len(taken)] if j not in taken], found)
        stack.extend((*taken, j) for j in reversed(free))


def _choices(want: Column, position: int, found: Sequence[Column]) -> list[int]:
    """The result's columns that hold the values of a gold column: namesakes first, then the nearest."""
    name = want.name.lower()
    holding = [j for j, column in enumerate(found) if columns_close(want, column)]
    return sorted(holding, key=lambda j: (found[j].name.lower() != name, abs(j - position)))


def _without_twins(indexes: Sequence[int], found: Sequence[Column]) -> list[int]:
    """One of each set of columns that hold the same cells and play the same part: trying both tells nothing new."""
    kept: dict[object, int] = {}
    for j in indexes:
        kept.setdefault((found[j].cells, found[j].is_called(IDENTIFIERS)), j)
    return list(kept.values())


def _rows_agree(ours: Sequence[Column], theirs: Sequence[Column]) -> bool:
    """The same multiset of rows. Text must be identical; numbers within a group of equal text are then paired."""
    if len(ours) == 1:
        return True  # the columns were compared already
    tolerances = [tolerance_between(a, b) for a, b in zip(ours, theirs, strict=True)]
    left, right = _grouped(ours), _grouped(theirs)
    if {key: len(rows) for key, rows in left.items()} != {key: len(rows) for key, rows in right.items()}:
        return False
    return all(_numbers_agree(rows, right[key], tolerances) for key, rows in left.items())


_Row = tuple[ComparedCell, ...]


def _grouped(columns: Sequence[Column]) -> dict[tuple[tuple[str, str], ...], list[_Row]]:
    groups: dict[tuple[tuple[str, str], ...], list[_Row]] = defaultdict(list)
    for row in zip(*(column.cells for column in columns), strict=True):
        groups[tuple(map(exact_part, row))].append(row)
    return groups


def _row_close(a: _Row, b: _Row, tolerances: Sequence[float]) -> bool:
    return all(cells_close(x, y, tolerance) for x, y, tolerance in zip(a, b, tolerances, strict=True))


def _numbers_agree(ours: list[_Row], theirs: list[_Row], tolerances: Sequence[float]) -> bool:
    """A one-to-one pairing of rows within tolerance: by sorting or, where near-ties upset that, by augmenting paths."""
    ours, theirs = sorted(ours, key=_numeric_key), sorted(theirs, key=_numeric_key)
    if all(_row_close(a, b, tolerances) for a, b in zip(ours, theirs, strict=True)):
        return True
    neighbours = _neighbours(ours, theirs, tolerances)
    taken: dict[int, int] = {}
    return all(neighbours) and all(_augment(i, neighbours, taken) for i in range(len(ours)))


def _numeric_key(row: _Row) -> tuple[float, ...]:
    return tuple(cell.value for cell in row if isinstance(cell, Number))


def _neighbours(ours: list[_Row], theirs: list[_Row], tolerances: Sequence[float]) -> list[list[int]]:
    """For each row the rows of the other side within tolerance; a window over the first number keeps it short."""
    keys = [_numeric_key(row) for row in theirs]
    firsts = [key[0] if key else 0.0 for key in keys]
    widest = max(tolerances)
    lists = []
    for row in ours:
        key = _numeric_key(row)
        first = key[0] if key else 0.0
        reach = widest + RELATIVE_TOLERANCE * (1 + 2 * abs(first))  # generous: it only preselects
        low, high = bisect_left(firsts, first - reach), bisect_left(firsts, first + reach)
        lists.append([j for j in range(low, high) if _row_close(row, theirs[j], tolerances)])
    return lists


def _augment(start: int, neighbours: Sequence[Sequence[int]], taken: dict[int, int]) -> bool:
    """One step of Kuhn's bipartite matching (1955), without recursion: find `start` a free partner, moving others."""
    parent: dict[int, int] = {}
    queue = [start]
    while queue:
        i = queue.pop()
        for j in neighbours[i]:
            if j in parent:
                continue
            parent[j] = i
            if j in taken:
                queue.append(taken[j])
                continue
            _flip(j, start, parent, taken)
            return True
    return False


def _flip(free: int, start: int, parent: dict[int, int], taken: dict[int, int]) -> None:
    """Turn the alternating path that ends at the free partner, so that everyone on it is matched."""
    partner_of = {i: j for j, i in taken.items()}
    j = free
    while True:
        i = parent[j]
        previous = partner_of.get(i)
        taken[j] = i
        if i == start or previous is None:
            return
        j = previous


# --- order ---------------------------------------------------------------------------------------------------


def _same_order(wanted: Sequence[Column], found: Sequence[Column], order_columns: Sequence[int]) -> bool:
    """Row by row; with the order's columns known, only those row by row, since the multiset already agrees."""
    indexes = [index for index in order_columns if 0 <= index < len(wanted)] or range(len(wanted))
    ours, theirs = [wanted[i] for i in indexes], [found[i] for i in indexes]
    tolerances = [tolerance_between(a, b) for a, b in zip(ours, theirs, strict=True)]
    return all(
        _row_close(a, b, tolerances)
        for a, b in zip(
            zip(*(column.cells for column in ours), strict=True),
            zip(*(column.cells for column in theirs), strict=True),
            strict=True,
        )
    )
