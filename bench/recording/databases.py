"""A place for a ledger on each database: a fresh file, or a schema of its own on the server, gone afterwards."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

__all__ = ["ENGINES", "POSTGRESQL", "fresh_database"]

ENGINES = ("sqlite", "postgresql")
POSTGRESQL = os.environ.get("AFFIDAVIT_TEST_POSTGRESQL", "postgresql+psycopg://root@127.0.0.1/test")


@contextmanager
def fresh_database(engine: str, folder: Path | None = None) -> Iterator[tuple[str, Path]]:
    """(ledger URL, a folder for what lies beside it).

    Raises:
        sqlalchemy.exc.OperationalError: there is no server.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix="affidavit-bench-") as own:
        if engine == "sqlite":
            yield f"sqlite:///{own}/ledger.sqlite", Path(own)
            return
        schema = f"affidavit_bench_{uuid.uuid4().hex[:12]}"
        server = sa.create_engine(POSTGRESQL, connect_args={"connect_timeout": 5})
        try:
            with server.begin() as connection:
                connection.execute(sa.text(f"CREATE SCHEMA {schema}"))
            try:
                yield f"{POSTGRESQL}?options=-csearch_path%3D{schema}", Path(own)
            finally:
                with server.begin() as connection:
                    connection.execute(sa.text(f"DROP SCHEMA {schema} CASCADE"))
        finally:
            server.dispose()
