"""What every reader of a warehouse has in common: its shape, its time limits, and the refusal of what is no query."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol

from sqlalchemy import Engine

from agent.errors import ErrorClass, RefusedError

__all__ = [
    "CONNECT_TIMEOUT_S",
    "GRACE_S",
    "INTERRUPT_AGAIN_S",
    "LOCK_TIMEOUT_S",
    "PlanForm",
    "Reader",
    "ReadingCursor",
    "not_a_query",
    "require_query",
    "time_limit",
]

CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT_S = 5
INTERRUPT_AGAIN_S = 0.2
GRACE_S = 1.0
"""A server that enforces its own time limit gets this much longer before the client cuts it off."""
PlanForm = Literal["text", "data"]
"""A plan as the engine prints it for people, or as it gives it to programs."""
_QUERY_OPENINGS = frozenset({"select", "with", "values", "table"})


class ReadingCursor(Protocol):
    """The part of a DB-API cursor that reading needs."""

    @property
    def description(self) -> Any:
        """One sequence per column, its name first; None when the statement gave no rows at all."""

    def fetchmany(self, size: int, /) -> Sequence[Sequence[Any]]:
        """Up to `size` further rows."""


class Reader(Protocol):
    """One engine, opened so that it can only read."""

    dialect: str
    engine: Engine

    @contextmanager
    def reading(self, sql: str, *, plan: PlanForm | None = None) -> Iterator[ReadingCursor]:
        """Run `sql` (or, with `plan`, EXPLAIN it) under the time limit; what it touched is undone on leaving.

        Raises TimeoutError when the limit cut it off, RefusedError when it is no query, or the driver's own error.
        """

    def close(self) -> None:
        """Give every connection back."""


@contextmanager
def time_limit(seconds: float, interrupt: Callable[[], object]) -> Iterator[None]:
    """Call `interrupt` from another thread after `seconds`, and turn what that causes into TimeoutError.

    It is called again until the work has stopped: an engine that is between two pieces of work hears of none.
    """
    fired, done = threading.Event(), threading.Event()

    def cut_off() -> None:
        pause, again = seconds, INTERRUPT_AGAIN_S
        while not done.wait(pause):
            fired.set()
            interrupt()
            pause, again = again, 2 * again

    watch = threading.Thread(target=cut_off, name="affidavit-time-limit", daemon=True)
    watch.start()
    try:
        yield
    except Exception as error:
        if fired.is_set():
            raise TimeoutError(f"The statement ran longer than {seconds:g} s and was stopped.") from error
        raise
    finally:
        done.set()
        watch.join()  # nothing that comes after may be interrupted


def require_query(product: str, sql: str) -> None:
    """Refuse a statement whose first word opens no query, for engines that would run more than queries."""
    opening = _first_word(sql)
    if opening not in _QUERY_OPENINGS:
        raise not_a_query(product, opening.upper() or "nothing")


def not_a_query(product: str, what: str) -> RefusedError:
    """The error for a statement that `product` would run although it is no query; `what` names it."""
    return RefusedError(ErrorClass.NOT_READ_ONLY, f"{product} was asked to run something that is not a query ({what}).")


def _first_word(sql: str) -> str:
    """The statement's first word, lower case, past white space, opening parentheses and comments."""
    at = 0
    while at < len(sql):
        if sql[at].isspace() or sql[at] == "(":
            at += 1
            continue
        ending = "*/" if sql.startswith("/*", at) else "\n" if sql.startswith(("--", "#"), at) else ""
        if not ending:
            break
        end = sql.find(ending, at + 2)
        at = len(sql) if end < 0 else end + len(ending)
    word = re.match(r"\w+", sql[at:])
    return word.group().lower() if word else ""
