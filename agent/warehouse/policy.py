"""`policy.yaml`: what may be asked of the warehouse, and who may vouch for whom.

A policy that is misread protects nothing, so the file is read strictly: an unknown key, a misspelt name or an
option that this version cannot enforce is an error that names its line, never a setting silently ignored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import Field, PrivateAttr, ValidationError

from agent.errors import ErrorClass, UsageError
from agent.warehouse.policy_rules import LimitRules, Mask, RecordRules, ReviewRules, Role, Rules, matches

if TYPE_CHECKING:
    from agent.settings import GuardLimits
    from memory.catalog import Catalog, Table

__all__ = ["Policy", "load_policy"]

_HINT = (
    "Mend policy.yaml; its keys are version, tables, columns, rows, masks, roles, review, asking, record and limits."
)
_EVERYBODY_ELSE = "*"


class Policy(Rules):
    """The whole of `policy.yaml`. The default is safe: every table readable, nothing writable, no self-acceptance.

    As read from the file it holds what is said for everybody; `of(person)` adds what that person's roles say.
    """

    version: Literal[1] = 1
    review: ReviewRules = ReviewRules()
    record: RecordRules = RecordRules()
    asking: Literal["anyone", "enrolled"] = "anyone"
    """Whether a question must be signed with an enrolled key of who asks."""
    limits: LimitRules = LimitRules()
    roles: dict[str, Role] = Field(default_factory=dict)
    _held: tuple[Role, ...] = PrivateAttr(default=())
    _stranger: bool = PrivateAttr(default=False)

    def of(self, person: str) -> Policy:
        """The policy as it holds for one person: everybody's rules and those of all of their roles together."""
        named = [role for role in self.roles.values() if _is_named(person, role)]
        held = named or [role for role in self.roles.values() if _EVERYBODY_ELSE in role.people]
        policy = self.model_copy()
        policy._held = tuple(held)
        policy._stranger = bool(self.roles) and not held
        return policy

    @property
    def stranger(self) -> bool:
        """Whether this is the policy of somebody whom no role names although there are roles: they may read nothing."""
        return self._stranger

    def table_allowed(self, table: str) -> bool:
        """Whether statements may read this table."""
        return not self._stranger and all(rules.allows_table(table) for rules in self._rules)

    def column_denied(self, table: str, column: str) -> bool:
        """Whether statements must not touch this column, wherever in the statement it stands."""
        return any(rules.denies_column(table, column) for rules in self._rules)

    def denied_columns(self, catalog: Catalog) -> frozenset[str]:
        """The columns of the catalog that statements must not touch, as `Table.Column`."""
        denying = [rules for rules in self._rules if rules.columns.deny]
        return frozenset(
            f"{table.name}.{column.name}"
            for table in (catalog.tables if denying else ())
            for column in table.columns
            if any(rules.denies_column(table.name, column.name) for rules in denying)
        )

    def view_hidden(self, view: Table, catalog: Catalog) -> bool:
        """Whether a view could show what is held back of the tables that it reads, and nobody has said that it may."""
        read = None if view.reads is None else {name: _columns(name, catalog) for name in view.reads}
        return any(rules.hides_view(view.name, read) for rules in self._rules)

    def row_conditions(self, table: str) -> tuple[str, ...]:
        """The conditions a row of the table must meet to be seen, all of them."""
        return tuple(dict.fromkeys(c for rules in self._rules for c in rules.conditions(table)))

    def mask_of(self, table: str, column: str) -> Mask | None:
        """How the column's values are disguised: the strongest of the masks on it."""
        found = [mask for rules in self._rules for mask in rules.masks_on(table, column)]
        return max(found, key=get_args(Mask).index, default=None)

    def masks_of(self, table: Table) -> dict[str, Mask]:
        """The masked ones of the table's columns, and how."""
        masking = [rules for rules in self._rules if rules.masks]
        if not masking:
            return {}
        found = {
            c.name: [mask for rules in masking for mask in rules.masks_on(table.name, c.name)] for c in table.columns
        }
        return {name: max(masks, key=get_args(Mask).index) for name, masks in found.items() if masks}

    def withheld(self, table: str, column: str) -> bool:
        """Whether this column's values may not even be read for memory (sample values, value linking).

        Memory is everybody's, so what is held back from anybody is not read: masked columns and tables with row
        filters, of any role, too.
        """
        return any(rules.withholds(table, column) for rules in (self, *self.roles.values()))

    def effective_limits(self, limits: GuardLimits) -> GuardLimits:
        """The settings' limits, tightened by the policy's."""
        of_policy = (self.limits, *(role.limits for role in self._held))
        rows = [cap for cap in (limits.max_rows, *(each.max_rows for each in of_policy)) if cap]
        scanned = [cap for cap in (limits.max_scanned_rows, *(each.max_scanned_rows for each in of_policy)) if cap]
        tightened = {
            "max_rows": min(rows),
            "max_scanned_rows": min(scanned, default=None),
            "over_budget": self.limits.over_budget or limits.over_budget,
            "timeout_s": min(limits.timeout_s, self.limits.timeout_s or limits.timeout_s),
        }
        return limits.model_copy(update=tightened)

    def fingerprint(self) -> str:
        """sha256 of everything the file says, whoever it is for."""
        told = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    def unknown_names(self, catalog: Catalog) -> tuple[str, ...]:
        """Patterns that match nothing in the warehouse: a misspelt `deny` protects nothing, so somebody must know."""
        tables = [table.name for table in catalog.tables]
        columns = [f"{table.name}.{column.name}" for table in catalog.tables for column in table.columns]
        found = [name for rules in (self, *self.roles.values()) for name in rules.unmatched(tables, columns)]
        found += [name for name in self._reviewed_tables if not any(matches(table, (name,)) for table in tables)]
        return tuple(dict.fromkeys(found))

    def warnings(self, catalog: Catalog) -> tuple[str, ...]:
        """A sentence for each of the unknown names, with what to do about it."""
        return tuple(
            f"policy.yaml names `{name}`, but nothing in the warehouse is called that, so it has no effect. Correct it"
            " or take it out, then run `affidavit memory sync`."
            for name in self.unknown_names(catalog)
        )

    @property
    def _reviewed_tables(self) -> tuple[str, ...]:
        return (*self.review.two_for.tables, *self.review.sensitive_tables)

    @property
    def _rules(self) -> tuple[Rules, ...]:
        return (self, *self._held)


def _columns(table: str, catalog: Catalog) -> tuple[str, ...]:
    found = catalog.table(table)
    return tuple(column.name for column in found.columns) if found else ()


def _is_named(person: str, role: Role) -> bool:
    return person.casefold() in {name.casefold() for name in role.people if name != _EVERYBODY_ELSE}


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
    if first["type"] == "extra_forbidden":
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
