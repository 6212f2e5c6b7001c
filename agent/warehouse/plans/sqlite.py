"""SQLite: `EXPLAIN QUERY PLAN`, which names tables and indexes in words and estimates nothing.

So the loops are taken from the plan and the rows from elsewhere: the tables' from the catalog, and how many an index
finds from `sqlite_stat1`, or where the file holds none from what SQLite's own planner assumes then: ten rows for an
equality on the first column of an index, fewer on further ones, a quarter for each bound of a range
(https://www.sqlite.org/fileformat2.html#stat1tab, https://www.sqlite.org/optoverview.html).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from agent.warehouse.plans.tally import RECURSIONS, Estimate, Tally, early_stop, rows_left, tables_by_alias
from memory.catalog import Catalog

__all__ = ["PlanLine", "read_plan"]

_STEP: Final = re.compile(
    r"(?P<verb>SCAN|SEARCH) (?P<name>.+?)"
    r"(?: USING (?P<how>.+?))?(?: \((?P<terms>[^()]*[=<>][^()]*)\))?(?: (?:LEFT|RIGHT|FULL)-JOIN)?(?: EXISTS)?$"
)
_CONSTANT: Final = re.compile(r"SCAN (?:(\d+) )?CONSTANT ROWS?$")
_NAMED: Final = re.compile(r"(?:CO-ROUTINE|MATERIALIZE) (?P<name>.+)$")
_DEFAULT_FANOUT: Final = (10.0, 9.0, 8.0, 7.0, 6.0, 5.0)
_RANGE_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One row of the plan: lines with the same parent are one loop inside the other, in this order."""

    id: int
    parent: int
    detail: str


def read_plan(
    lines: Sequence[PlanLine], tree: exp.Expr, catalog: Catalog, averages: Mapping[str, Sequence[float]]
) -> Estimate:
    """What a plan announces for the statement `tree`.

    `averages` maps an index (folded) to the numbers of its line in `sqlite_stat1`: the rows of the table, then the rows
    that an equality on its first column finds, on its first two, and so on.
    """
    tally = Tally()
    walk = _Walk(lines, tree, catalog, averages, tally)
    rows = walk.loop(0, 1.0)
    stop = early_stop(tree, filtered=False)
    if stop is not None and rows > stop:
        tally.scanned *= stop / rows
    return tally.estimate(rows_left(tree, rows))


class _Walk:
    def __init__(
        self,
        lines: Sequence[PlanLine],
        tree: exp.Expr,
        catalog: Catalog,
        averages: Mapping[str, Sequence[float]],
        tally: Tally,
    ) -> None:
        self._below: dict[int, list[PlanLine]] = {}
        for line in lines:
            self._below.setdefault(line.parent, []).append(line)
        self._tables = tables_by_alias(tree)
        self._catalog = catalog
        self._averages = averages
        self._tally = tally
        self._made = {alias: 1.0 for alias, names in self._tables.items() if not names}
        """Subquery or common table expression (folded) → its rows; within its own recursion one at a time."""

    def loop(self, parent: int, times: float) -> float:
        """Count the lines under `parent`, run `times` times; gives the rows of one run."""
        rows, added, later = 1.0, 0.0, list[PlanLine]()
        for line in self._below.get(parent, ()):
            word = line.detail
            named = _NAMED.match(word)
            constant = _CONSTANT.match(word)
            if named:
                self._made[named["name"].casefold()] = self.loop(line.id, times)
            elif constant:
                rows *= float(constant[1] or 1)
            elif word.startswith(("SCAN ", "SEARCH ")):
                rows = self._step(word, rows, times)
            elif word == "MULTI-INDEX OR":
                rows *= max(1.0, self._alternatives(line.id, rows, times))
            elif word.startswith("CORRELATED"):
                later.append(line)  # it runs for each row of the loops, of which some may follow
            elif word.startswith("RECURSIVE STEP"):
                added += self.loop(line.id, times * RECURSIONS) * RECURSIONS
            elif word.startswith(("LEFT-MOST", "UNION", "LEFT", "RIGHT", "SETUP")):
                added += self.loop(line.id, times)
            elif line.id in self._below:
                inner = self.loop(line.id, times)
                rows = inner if word.startswith(("COMPOUND", "MERGE")) else rows
        for line in later:
            self.loop(line.id, times * max(1.0, rows))
        return added or rows

    def _step(self, detail: str, before: float, times: float) -> float:
        found = _STEP.match(detail)
        if found is None:
            raise ValueError(f"a plan line of another form: {detail!r}")
        alias = found["name"].removesuffix(" VIRTUAL TABLE").strip()
        tables = self._tables.get(alias.casefold()) or (alias,)
        stored = self._made.get(alias.casefold())
        size = stored if stored is not None else max(self._rows_of(table) for table in tables)
        if found["verb"] == "SCAN":
            self._tally.scanned += before * size * times
            self._tally.note_product(before, size)
            if stored is None:
                for table in tables:
                    self._tally.full_scans[table] += 1
            return before * size
        how = found["how"] or ""
        if how.startswith("AUTOMATIC"):  # the index is made first, from all rows
            self._tally.scanned += size * times
        hits = self._hits(how, found["terms"] or "", size, tables)
        self._tally.scanned += before * max(1.0, hits) * times
        return before * hits

    def _alternatives(self, parent: int, before: float, times: float) -> float:
        """The rows that the searches of an OR find together for one row before them."""
        found = 0.0
        for branch in self._below.get(parent, ()):
            for line in self._below.get(branch.id, ()):
                if line.detail.startswith("SEARCH "):
                    found += self._step(line.detail, before, times) / max(1.0, before)
        return found

    def _hits(self, how: str, terms: str, size: float, tables: Sequence[str]) -> float:
        """The rows that one search finds."""
        conditions = [term.strip() for term in terms.split(" AND ")]
        equal = [condition.partition("=")[0].strip() for condition in conditions if re.search(r"(?<![<>])=", condition)]
        hits = size * _RANGE_SHARE ** (len(conditions) - len(equal))
        if not equal:
            return hits
        if "PRIMARY KEY" in how or self._is_key(equal, tables):
            return min(1.0, size)
        index = how.rpartition("INDEX ")[2].casefold()
        averages = self._averages.get(index, ())
        if len(averages) > len(equal):
            return min(hits, float(averages[len(equal)]))
        return min(hits, _DEFAULT_FANOUT[min(len(equal), len(_DEFAULT_FANOUT)) - 1])

    def _is_key(self, columns: Sequence[str], tables: Sequence[str]) -> bool:
        held = {column.casefold() for column in columns}
        keys = [found.primary_key for table in tables if (found := self._catalog.table(table)) is not None]
        return bool(keys) and all(key and {column.casefold() for column in key} <= held for key in keys)

    def _rows_of(self, table: str) -> float:
        """A name that only a view's definition knows may be any table: it counts as the largest."""
        found = self._catalog.table(table)
        if found is not None:
            return float(found.row_count)
        return float(max((each.row_count for each in self._catalog.tables), default=0))
