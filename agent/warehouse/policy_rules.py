"""What a policy says of tables, rows, columns and people: the rules as in the file, one class per section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = [
    "ColumnRules",
    "LimitRules",
    "Mask",
    "RecordRules",
    "ReviewRules",
    "Role",
    "RowLimit",
    "Rules",
    "TableRules",
    "TwoFor",
    "matches",
]

Mask = Literal["partial", "hash", "full"]
"""What is left of a masked value: its first character, a digest that still tells equal from different, nothing."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TableRules(_Section):
    """Which tables may be read: those that match `allow` and do not match `deny`; `*` and `?` are wildcards."""

    allow: tuple[str, ...] = Field(default=("*",), strict=False)
    deny: tuple[str, ...] = Field(default=(), strict=False)
    views: tuple[str, ...] = Field(default=(), strict=False)
    """Views that may be read as they are, although these rules hold back something of a table that they read."""


class ColumnRules(_Section):
    """Columns that no statement may touch, as `Table.Column`; `*` and `?` are wildcards on either side."""

    deny: tuple[str, ...] = Field(default=(), strict=False)

    @field_validator("deny")
    @classmethod
    def _qualified(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            _check_qualified(pattern)
        return patterns


class Rules(_Section):
    """What is held from a reader. Several sets of rules hold together: each can only take away."""

    tables: TableRules = TableRules()
    columns: ColumnRules = ColumnRules()
    rows: dict[str, str] = Field(default_factory=dict)
    """Table (`*` and `?` are wildcards) -> the condition its rows must meet, in the warehouse's own SQL."""
    masks: dict[str, Mask] = Field(default_factory=dict)
    """`Table.Column` (with wildcards) -> how its values are disguised."""

    @field_validator("rows")
    @classmethod
    def _said(cls, conditions: dict[str, str]) -> dict[str, str]:
        for table, condition in conditions.items():
            if not condition.strip():
                raise ValueError(f"the condition for `{table}` is empty")
        return conditions

    @field_validator("masks")
    @classmethod
    def _qualified(cls, masks: dict[str, Mask]) -> dict[str, Mask]:
        for pattern in masks:
            _check_qualified(pattern)
        return masks

    def allows_table(self, table: str) -> bool:
        """Whether these rules let the table be read."""
        return matches(table, self.tables.allow) and not matches(table, self.tables.deny)

    def denies_column(self, table: str, column: str) -> bool:
        """Whether these rules forbid touching the column."""
        return bool(self.columns.deny) and matches(f"{table}.{column}", self.columns.deny)

    def conditions(self, table: str) -> tuple[str, ...]:
        """The conditions that the table's rows must meet, as written."""
        return tuple(condition for pattern, condition in self.rows.items() if matches(table, (pattern,)))

    def masks_on(self, table: str, column: str) -> tuple[Mask, ...]:
        """The masks that lie on the column."""
        return tuple(mask for pattern, mask in self.masks.items() if matches(f"{table}.{column}", (pattern,)))

    def withholds(self, table: str, column: str) -> bool:
        """Whether some values of the column are held back from somebody these rules are for."""
        held_back = self.denies_column(table, column) or self.masks_on(table, column) or self.conditions(table)
        return not self.allows_table(table) or bool(held_back)

    def hides_view(self, view: str, read: Mapping[str, Sequence[str]] | None) -> bool:
        """Whether a view could show what these rules hold back.

        Args:
            view: its name.
            read: the tables that it reads, each with its columns; None where that is not known.
        """
        if matches(view, self.tables.views):
            return False
        if read is None:
            return self.holds_back_something
        return any(
            not self.allows_table(table)
            or self.conditions(table)
            or any(self.denies_column(table, column) or self.masks_on(table, column) for column in columns)
            for table, columns in read.items()
        )

    @property
    def holds_back_something(self) -> bool:
        """Whether any table, column or row may not be seen."""
        limited = bool(self.tables.deny) or self.tables.allow != ("*",)
        return limited or bool(self.columns.deny or self.rows or self.masks)

    def unmatched(self, tables: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
        """Patterns that match none of the warehouse's tables, or of its columns written `Table.Column`."""
        listed = [
            (pattern, tables) for pattern in (*self.tables.allow, *self.tables.deny, *self.tables.views, *self.rows)
        ]
        listed += [(pattern, columns) for pattern in (*self.columns.deny, *self.masks)]
        return tuple(pattern for pattern, names in listed if not any(matches(name, (pattern,)) for name in names))


class TwoFor(_Section):
    """The runs that take two reviewers; one that fits any of these does."""

    tables: tuple[str, ...] = Field(default=(), strict=False)
    scanned_rows: int | None = Field(default=None, ge=0)
    below_confidence: float | None = Field(default=None, ge=0, le=1, strict=False)


class ReviewRules(_Section):
    """Who may sign, how many have to, and what is looked at first."""

    allow_self: bool = False
    """Whether the asker may accept their own run."""
    reviewers: Literal[1, 2] = 1
    """How many people must approve any run."""
    two_for: TwoFor = TwoFor()
    claim_hours: float = Field(default=4.0, gt=0, le=24 * 365, strict=False)
    """After how many hours a claim lapses."""
    sensitive_tables: tuple[str, ...] = Field(default=(), strict=False)
    """Tables whose runs are reviewed first; it decides about nothing else."""


class RecordRules(_Section):
    """What of a run goes on the ledger, and how."""

    rows: Literal["none"] | Annotated[int, Field(ge=1)] = "none"
    """How many rows of a result are kept, the first ones; by default their fingerprint and number alone."""
    encrypt: Literal["none", "subject"] = "none"
    """`subject` encrypts what records say, with a key for each subject: erasing the key erases the content."""


class RowLimit(_Section):
    """A role's caps; they tighten those that hold for everybody."""

    max_rows: int | None = Field(default=None, ge=1)
    max_scanned_rows: int | None = Field(default=None, ge=1)


class LimitRules(RowLimit):
    """Caps that tighten those of the settings; they never loosen them."""

    timeout_s: float | None = Field(default=None, gt=0, strict=False)
    over_budget: Literal["refuse", "ask"] | None = None
    """What becomes of a statement over `max_scanned_rows`; overrules the settings'."""


class Role(Rules):
    """Further rules for some people, by the name they ask under."""

    people: tuple[str, ...] = Field(min_length=1, strict=False)
    """Names, compared without regard to case; `*` is whoever is named in no other role."""
    limits: RowLimit = RowLimit()


@lru_cache(maxsize=100_000)
def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a name fits one of the patterns, without regard to case. Every statement asks it of the same names."""
    folded = name.casefold()
    return any(fnmatchcase(folded, pattern.casefold()) for pattern in patterns)


def _check_qualified(pattern: str) -> None:
    table, dot, column = pattern.rpartition(".")
    if not dot or not table or not column:
        raise ValueError(f"`{pattern}` must be written Table.Column (`*.Column` for every table)")
