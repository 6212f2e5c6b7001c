"""The attack corpus: what somebody would write who wants to get through, as data files beside this module.

Each file of `attacks/` holds statements of one class for some dialects, thought of one by one; `{file}` is a path that
must not come into being. What holds an attack is the guard, unless the file says otherwise: `limits` (the guard may let
it run, and it must be cut off), `policy` (it may run, and must show nothing that the policy holds back) or `rewriting`
(what is dangerous in it is gone from what the guard lets run).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

__all__ = ["ATTACKS", "DIALECTS", "Attack", "HeldBy", "load_attacks"]

ATTACKS = Path(__file__).with_name("attacks")
DIALECTS = ("sqlite", "duckdb", "postgres", "mysql", "tsql", "snowflake", "bigquery")
HeldBy = Literal["guard", "limits", "policy", "rewriting"]


@dataclass(frozen=True, slots=True)
class Attack:
    """One statement against one dialect."""

    dialect: str
    kind: str
    sql: str
    held_by: HeldBy = "guard"
    why: str = ""
    """Why it is dangerous, where that does not meet the eye."""
    alone: str = ""
    """Why the database alone cannot hold it, so that the guard must; empty where it must, too. What begins with "not
    tried" is not even tried, because it would take others down with it."""

    @property
    def is_about_policy(self) -> bool:
        """Whether it is after what the policy holds back, which no database knows of."""
        return self.kind.startswith("policy") or self.kind == "role"


@cache
def load_attacks() -> tuple[Attack, ...]:
    """Every attack, each once for each of its dialects.

    Raises:
        ValueError: a file says something that is not understood; a misread corpus proves nothing.
    """
    found = [attack for path in sorted(ATTACKS.rglob("*.yaml")) for attack in _attacks(path)]
    if len({(attack.dialect, attack.sql) for attack in found}) != len(found):
        raise ValueError("The corpus holds a statement twice for one dialect.")
    return tuple(found)


def _attacks(path: Path) -> list[Attack]:
    from ruamel.yaml import YAML

    content: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    if unknown := set(content) - {"class", "dialects", "held_by", "alone", "attacks"}:
        raise ValueError(f"{path}: unknown keys {sorted(unknown)}")
    found = []
    for entry in content["attacks"]:
        told = {"sql": entry} if isinstance(entry, str) else dict(entry)
        if not isinstance(told.get("sql"), str) or set(told) - {"sql", "why", "alone", "held_by"}:
            raise ValueError(f"{path}: {entry!r} is no attack")
        for dialect in content["dialects"]:
            if dialect not in DIALECTS:
                raise ValueError(f"{path}: unknown dialect {dialect}")
            held_by = told.get("held_by", content.get("held_by", "guard"))
            alone = told.get("alone", content.get("alone", ""))
            found.append(Attack(dialect, content["class"], told["sql"], held_by, told.get("why", ""), alone))
    return found
