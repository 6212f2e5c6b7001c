"""The benign corpus: queries that nobody should be refused, by dialect and by where they come from.

- `pairs`: the statements of generated training pairs (the demo's templates and compositions), drawn from a seed.
- `baseline`: the gold statements of the baseline pack. They are judged here, and nothing is learnt from them.
- `tpch`: TPC-H's 22 queries.
- `shapes`: written by hand, as analysts write them in that dialect.

Pairs and golds are SQLite's; in the other dialects they are transpiled. What SQLite alone has a function for does not
become a query of another dialect by that, and is left out there.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from agent.settings import GuardLimits
from agent.warehouse.connect import open_warehouse
from agent.warehouse.dates import lacks_functions, rewrite_dates
from agent.warehouse.dialects import DIALECTS, render
from agent.warehouse.policy import Policy
from bench.safety import tpch
from bench.safety.shapes import shapes
from demo.warehouse import build
from finetune.pairs.factory import FactorySpec, generate_pairs
from memory.catalog import Catalog, reflect
from memory.compiler.dialects import finish
from memory.semantics import load_semantics

__all__ = ["ORDERS", "SOURCES", "Benign", "Catalogs", "corpus", "demo_catalog", "drawn_statements", "statements_of"]

SOURCES = ("pairs", "baseline", "tpch", "shapes")
ORDERS = 120
"""Of the demo warehouse that statements are run on."""
_FILES = Path(__file__).parents[2] / "demo" / "files"
_SQLITE_ALONE = frozenset({"julianday", "unixepoch", "strftime", "datetime", "total", "printf", "instr"})
_RUN_HERE = ("duckdb", "postgres", "mysql")


@dataclass(frozen=True, slots=True)
class Benign:
    """One query that should pass."""

    dialect: str
    source: str
    sql: str


class Catalogs:
    """The demo's catalog, and TPC-H's, as a warehouse of any dialect would have them."""

    def __init__(self, demo: Catalog) -> None:
        self._demo = {dialect: replace(demo, dialect=dialect) for dialect in DIALECTS}
        self._tpch = {dialect: tpch.catalog(dialect) for dialect in DIALECTS}

    def of(self, query: Benign) -> Catalog:
        """The catalog that the query is about."""
        return (self._tpch if query.source == "tpch" else self._demo)[query.dialect]


def corpus(demo: Catalog, drawn: list[str], dialects: Sequence[str] = DIALECTS) -> list[Benign]:
    """Every query of every source in those dialects; `drawn` are SQLite's statements of the pairs."""
    golds = [json.loads(line)["sql"] for line in (_FILES / "baseline.jsonl").read_text(encoding="utf-8").splitlines()]
    found: list[Benign] = []
    for dialect in dialects:
        written = {
            "pairs": _transpiled(drawn, dialect, demo),
            "baseline": _transpiled(golds, dialect, demo),
            "tpch": tpch.queries(dialect),
            "shapes": shapes(dialect),
        }
        found += [Benign(dialect, source, sql) for source in SOURCES for sql in dict.fromkeys(written[source])]
    return found


def demo_catalog(folder: Path, orders: int = 830) -> tuple[str, Catalog]:
    """The demo warehouse, built in SQLite in the folder: its URL and its catalog."""
    url = f"sqlite:///{folder / 'demo.sqlite'}"
    build(url, orders=orders)
    warehouse = open_warehouse(url, GuardLimits())
    try:
        return url, reflect(warehouse.engine)
    finally:
        warehouse.close()


def drawn_statements(url: str, catalog: Catalog, count: int, seed: int) -> list[str]:
    """The different statements of `count` generated pairs, each of which ran on the warehouse at `url`."""
    spec = FactorySpec(count, seed, phrasings=1, per_structure=40, variants=0, mutants=0)
    with tempfile.TemporaryDirectory() as folder:
        report = generate_pairs(
            spec,
            url=url,
            layer=load_semantics(_FILES / "metrics.yaml", catalog),
            catalog=catalog,
            policy=Policy(),
            templates=_FILES / "templates.yaml",
            out_dir=Path(folder),
        )
        return statements_of(report.path)


def statements_of(pairs: Path) -> list[str]:
    """The different statements of a file of pairs."""
    return list(dict.fromkeys(json.loads(line)["sql"] for line in pairs.read_text(encoding="utf-8").splitlines()))


def _transpiled(statements: list[str], dialect: str, demo: Catalog) -> Iterator[str]:
    for sql in statements:
        if dialect == "sqlite":
            yield sql
            continue
        said = _said(sql, dialect, demo)
        if said is not None:
            yield said


def _said(sql: str, dialect: str, demo: Catalog) -> str | None:
    """SQLite's statement in another dialect; None when the dialect has no words for it."""
    try:
        tree = rewrite_dates(sqlglot.parse_one(sql, dialect="sqlite"), dialect)
        if lacks_functions(tree, dialect) or any(
            found.name.lower() in _SQLITE_ALONE for found in tree.find_all(exp.Anonymous)
        ):
            return None
        said = render(tree, dialect)
        return finish(said, source=dialect, target=dialect, catalog=demo) if dialect in _RUN_HERE else said
    except SqlglotError:
        return None
