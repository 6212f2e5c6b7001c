"""`policy.yaml`: what may be asked of the warehouse, and who may vouch for whom.

A policy that is misread protects nothing, so the file is read strictly: an unknown key, a misspelt name or an
option that this version cannot enforce is an error that names its line, never a setting silently ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from agent.errors import ErrorClass, UsageError

if TYPE_CHECKING:
    from agent.settings import GuardLimits
    from memory.catalog import Catalog

__all__ = ["ColumnRules", "LimitRules", "Policy", "ReviewRules", "TableRules", "load_policy"]

_HINT = "Mend policy.yaml; its keys are version, tables, columns, review and limits."
_LATER = {"roles", "masks", "masking", "mask", "row_filters", "rows"}
"""Known from other products and meaningful to their writer: refused loudly rather than as a mere unknown key."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TableRules(_Section):
    """Which tables may be read: those that match `allow` and do not match `deny`; `*` and `?` are wildcards."""

    allow: tuple[str, ...] = Field(default=("*",), strict=False)
    deny: tuple[str, ...] = Field(default=(), strict=False)


class ColumnRules(_Section):
    """Columns that no statement may touch, as `Table.Column`; `*` and `?` are wildcards on either side."""

    deny: tuple[str, ...] = Field(default=(), strict=False)

    @field_validator("deny")
    @classmethod
    def _qualified(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            table, dot, column = pattern.rpartition(".")
            if not dot or not table or not column:
                raise ValueError(f"`{pattern}` must be written Table.Column (`*.Column` for every table)")
        return patterns


class ReviewRules(_Section):
    """Who may sign."""

    allow_self: bool = False
    """Whether the asker may accept their own run."""


class LimitRules(_Section):
    """Caps that tighten those of the settings; they never loosen them."""

    max_rows: int | None = Field(default=None, ge=1)
    timeout_s: float | None = Field(default=None, gt=0, strict=False)


class Policy(_Section):
    """The whole of `policy.yaml`. The default is safe: every table readable, nothing writable, no self-acceptance."""

    version: Literal[1] = 1
    tables: TableRules = TableRules()
    columns: ColumnRules = ColumnRules()
    review: ReviewRules = ReviewRules()
    limits: LimitRules = LimitRules()

    def table_allowed(self, table: str) -> bool:
        """Whether statements may read this table."""
        return _matches(table, self.tables.allow) and not _matches(table, self.tables.deny)

    def column_denied(self, table: str, column: str) -> bool:
        """Whether statements must not touch this column, wherever in the statement it stands."""
        return _matches(f"{table}.{column}", self.columns.deny)

    def withheld(self, table: str, column: str) -> bool:
        """Whether this column's values may not even be read for memory (sample values, value linking)."""
        return not self.table_allowed(table) or self.column_denied(table, column)

    def effective_limits(self, limits: GuardLimits) -> GuardLimits:
        """The settings' limits, tightened by the policy's."""
        rows = min(limits.max_rows, self.limits.max_rows or limits.max_rows)
        seconds = min(limits.timeout_s, self.limits.timeout_s or limits.timeout_s)
        return limits.model_copy(update={"max_rows": rows, "timeout_s": seconds})

    def unknown_names(self, catalog: Catalog) -> tuple[str, ...]:
        """Patterns that match nothing in the warehouse: a misspelt `deny` protects nothing, so somebody must know."""
        tables = [table.name for table in catalog.tables]
        columns = [f"{table.name}.{column.name}" for table in catalog.tables for column in table.columns]
        listed = [(pattern, tables) for pattern in (*self.tables.allow, *self.tables.deny)]
        listed += [(pattern, columns) for pattern in self.columns.deny]
        return tuple(pattern for pattern, names in listed if not any(_matches(name, (pattern,)) for name in names))

    def warnings(self, catalog: Catalog) -> tuple[str, ...]:
        """A sentence for each of the unknown names, with what to do about it."""
        return tuple(
            f"policy.yaml names `{name}`, but nothing in the warehouse is called that, so it has no effect. Correct it"
            " or take it out, then run `affidavit memory sync`."
            for name in self.unknown_names(catalog)
        )


def load_policy(path: Path) -> Policy:
    """Read `policy.yaml`; a missing file is the safe default, a broken one stops everything.

    Raises:
        UsageError: the file is unreadable, not YAML, or holds a key or value that does not fit (line and key named).
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Policy()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(ErrorClass.POLICY, f"Cannot read {path}: {error}", "Check its permissions.") from error
    try:
        content = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(ErrorClass.POLICY, f"{path} line {line}: {error.problem}.", _HINT) from error
    except YAMLError as error:
        raise UsageError(ErrorClass.POLICY, f"{path} is not valid YAML: {error}", _HINT) from error
    if content is None:
        return Policy()
    if not isinstance(content, Mapping):
        raise UsageError(ErrorClass.POLICY, f"{path} line 1: expected keys such as `tables:`.", _HINT)
    try:
        return Policy.model_validate(_plain(content))
    except ValidationError as error:
        raise _policy_error(path, content, error) from error


def _policy_error(path: Path, content: Mapping[str, Any], error: ValidationError) -> UsageError:
    first = error.errors()[0]
    keys = first["loc"]
    key = ".".join(str(part) for part in keys) or "(top)"
    if first["type"] == "extra_forbidden" and str(keys[-1]) in _LATER:
        what = "this version cannot enforce it, so it is refused rather than ignored"
    elif first["type"] == "extra_forbidden":
        what = "there is no such key"
    else:
        what = str(first["msg"]).removeprefix("Value error, ")
    return UsageError(ErrorClass.POLICY, f"{path} line {_line_of(content, keys)}, key `{key}`: {what}.", _HINT)


def _line_of(node: Any, keys: Sequence[str | int]) -> int:
    """1-based line of the deepest key of `keys` that the file has."""
    line = 0
    for key in keys:
        try:
            place = getattr(node, "lc")  # noqa: B009 (ruamel's position, on its own containers only)
            mark = place.item(key) if isinstance(node, list) else place.key(key)
            line, node = mark[0], node[key]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return int(line) + 1


def _plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return tuple(_plain(value) for value in node)
    # ruamel's scalars are subclasses that strict validation would not take for plain ones
    for plain in (bool, int, float, str):
        if isinstance(node, plain):
            return plain(node)
    return node


def _matches(name: str, patterns: Sequence[str]) -> bool:
    folded = name.casefold()
    return any(fnmatchcase(folded, pattern.casefold()) for pattern in patterns)
