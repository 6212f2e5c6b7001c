"""What moved in the warehouse since the last sync, by name.

Fingerprints say that a table is another one now; whoever has to mend `metrics.yaml` wants to know which column went.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from memory.catalog import Catalog, Column, Table

__all__ = ["Drift", "drift_between"]


@dataclass(frozen=True, slots=True)
class Drift:
    """Names of what differs between two catalogs: tables, and columns as `Table.Column`, each sorted."""

    tables_added: tuple[str, ...] = ()
    tables_removed: tuple[str, ...] = ()
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    columns_retyped: tuple[str, ...] = ()
    """`Table.Column (TEXT, was INTEGER)`."""
    constraints_changed: tuple[str, ...] = ()
    """Tables whose keys, or whose columns' leave to be empty, are others now."""

    @property
    def is_empty(self) -> bool:
        """Whether both catalogs have the same structure."""
        return not any(getattr(self, field.name) for field in fields(self))


def drift_between(synced: Catalog, now: Catalog) -> Drift:
    """What a sync would find changed in the structure; row counts, values and comments are no drift."""
    before, after = _by_name(synced.tables), _by_name(now.tables)
    both = [(before[name], after[name]) for name in before if name in after]
    moved = [(old, new) for old, new in both if old.fingerprint != new.fingerprint]
    return Drift(
        tables_added=_sorted(after[name].name for name in after.keys() - before.keys()),
        tables_removed=_sorted(before[name].name for name in before.keys() - after.keys()),
        columns_added=_sorted(name for old, new in moved for name in _only_in(new, old)),
        columns_removed=_sorted(name for old, new in moved for name in _only_in(old, new)),
        columns_retyped=_sorted(
            f"{new.name}.{is_now.name} ({is_now.type}, was {was.type})"
            for old, new in moved
            for was, is_now in _shared(old, new)
            if was.type != is_now.type
        ),
        constraints_changed=_sorted(new.name for old, new in moved if _constraints_differ(old, new)),
    )


def _constraints_differ(old: Table, new: Table) -> bool:
    if old.primary_key != new.primary_key or set(old.foreign_keys) != set(new.foreign_keys):
        return True
    return any(was.nullable != is_now.nullable for was, is_now in _shared(old, new))


def _only_in(table: Table, other: Table) -> list[str]:
    return [f"{table.name}.{column.name}" for column in table.columns if other.column(column.name) is None]


def _shared(old: Table, new: Table) -> list[tuple[Column, Column]]:
    pairs = [(was, new.column(was.name)) for was in old.columns]
    return [(was, is_now) for was, is_now in pairs if is_now is not None]


def _by_name(tables: Iterable[Table]) -> dict[str, Table]:
    return {table.name.casefold(): table for table in tables}


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
