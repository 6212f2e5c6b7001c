"""The parts of a workspace that several checks need, each opened once, when first asked for.

A warehouse that does not answer takes seconds to find out, and is one fault, not ten. So a failure is remembered: the
first check that needed the part reports it, and every other one says that it could not be made, and on whose account.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeVar

from agent.errors import ErrorClass, FailedError
from agent.settings import Settings
from agent.warehouse.connect import Warehouse, open_warehouse
from agent.warehouse.policy import Policy, load_policy
from audit.ledger import Ledger
from memory.catalog import Catalog, read_structure
from memory.semantics import SemanticsReading, read_semantics

__all__ = ["Parts", "UntriedError"]

_T = TypeVar("_T")


class UntriedError(FailedError):
    """A part that a check needs failed before, which the check named after that part reported already."""

    def __init__(self, check: str) -> None:
        message = f"Not checked: it needs what the check `{check}` found to be broken."
        super().__init__(ErrorClass.WORKSPACE, message, f"Mend what `{check}` says, then check again.")


class Parts:
    """What is opened of one workspace; nothing in it is made or changed. A context: it closes what it opened."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._open = ExitStack()
        self._made: dict[str, Any] = {}
        self._failed: set[str] = set()

    def __enter__(self) -> Parts:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def warehouse(self) -> Warehouse:
        """The warehouse, opened for reading."""
        return self._once("warehouse", self._open_warehouse)

    def structure(self) -> Catalog:
        """The warehouse's tables as they are now: columns, types and keys."""
        schema = self.settings.warehouse.db_schema
        return self._once("tables", lambda: read_structure(self.warehouse().engine, schema), check="warehouse")

    def semantics(self) -> SemanticsReading:
        """`metrics.yaml` by itself, whatever the warehouse has."""
        return self._once("metrics", lambda: read_semantics(self.settings.workspace / "metrics.yaml"))

    def policy(self) -> Policy:
        """`policy.yaml`."""
        return self._once("policy", lambda: load_policy(self.settings.workspace / "policy.yaml"))

    def ledger(self) -> Ledger:
        """The ledger alone, without a key or a checkpoint of ours."""
        return self._once("ledger", self._open_ledger)

    def _once(self, part: str, make: Callable[[], _T], check: str = "") -> _T:
        if part in self._failed:
            raise UntriedError(check or part)
        if part not in self._made:
            try:
                self._made[part] = make()
            except UntriedError:
                raise
            except Exception:
                self._failed.add(part)
                raise
        found: _T = self._made[part]
        return found

    def _open_warehouse(self) -> Warehouse:
        settings = self.settings
        opened = open_warehouse(settings.warehouse_url, settings.limits, db_schema=settings.warehouse.db_schema)
        self._open.callback(opened.close)
        return opened

    def _open_ledger(self) -> Ledger:
        from agent.services import workspace_name
        from audit.session import open_alone

        settings = self.settings
        name = workspace_name(settings)
        return self._open.enter_context(
            open_alone(settings.ledger_url, workspace=name, state_dir=settings.state_dir, create=False)
        )
