"""Questions about the database itself, which no user of ours asks: its statistics and its account's rights.

They go over the same read-only connections as everything else, but past the guard, whose business is what others wrote.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from agent.errors import FailedError
from agent.warehouse.connect import Warehouse
from agent.warehouse.errors import classify

__all__ = ["inquire"]


def inquire(warehouse: Warehouse, sql: str) -> list[tuple[Any, ...]]:
    """Every row of one statement of ours; `sql` is a constant of this package, never built from input.

    Raises:
        FailedError: the database refused it; the class says why.
    """
    try:
        with warehouse.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]
    except SQLAlchemyError as error:
        error_class, message, hint = classify(error, warehouse.dialect)
        raise FailedError(error_class, message, hint) from error
