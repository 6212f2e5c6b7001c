"""Is what the statement writes what it claims to be: a column named after a metric, one column and not the same twice?

A model gives its columns the names it has learnt for what is asked. Where the name and what is computed part, the name
is what the question asks for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from agent.run import Finding
from agent.steps.checks.statement import Checked
from memory.semantics import SemanticLayer

__all__ = ["check_alias", "check_repetition"]


def check_alias(checked: Checked) -> Iterator[Finding]:
    """A column called by one metric's id, but computed as another metric is defined."""
    known = _definitions(checked.layer)
    plain = {metric for ids in known.values() for metric in ids}
    names = {metric.id: metric.name for metric in checked.layer.metrics if metric.id in plain}
    for alias in checked.statement.tree.find_all(exp.Alias):
        claimed = alias.alias.casefold()
        computed = known.get(_plain(alias.this), ())
        if claimed in names and computed and claimed not in computed:
            message = f"A column is called {names[claimed]} and computed as {names[computed[0]]}."
            yield Finding("alias", "error", message, evidence=alias.sql())
            return


def check_repetition(checked: Checked) -> Iterator[Finding]:
    """A result that shows one and the same thing twice was written by a model that ran out of what to say."""
    tree = checked.statement.tree
    if not isinstance(tree, exp.Select):
        return
    shown = Counter(entry.unalias().sql().casefold() for entry in tree.expressions)
    twice = [text for text, times in shown.items() if times > 1]
    if twice:
        yield Finding("repetition", "error", "The statement shows one column twice.", evidence=twice[0])


@lru_cache(maxsize=8)
def _definitions(layer: SemanticLayer) -> dict[str, tuple[str, ...]]:
    """Ids of the metrics by what they compute; of sums alone, which say all that the metric is."""
    found: dict[str, tuple[str, ...]] = {}
    for metric in layer.metrics:
        try:
            tree = sqlglot.parse_one(metric.sql, dialect=layer.dialect)
        except SqlglotError:
            continue
        if metric.filter or metric.is_ratio or tree.find(exp.Div, exp.Count):
            continue
        text = _plain(tree)
        found[text] = (*found.get(text, ()), metric.id)
    return found


def _plain(node: exp.Expr) -> str:
    """An expression without its tables and quotes, which a statement may write or leave out."""
    bare = node.copy()
    for column in bare.find_all(exp.Column):
        column.set("table", None)
    return str(bare.sql(identify=False, normalize=True)).replace('"', "").casefold()
