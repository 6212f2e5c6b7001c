"""An empty database of each of the four engines, for whoever fills one with something and drops it again."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

__all__ = ["ENGINES", "SERVERS", "NoServer", "administer", "empty_database"]

ENGINES = ("sqlite", "duckdb", "postgres", "mysql")
SERVERS = {
    "postgres": os.environ.get("AFFIDAVIT_TEST_POSTGRESQL", "postgresql+psycopg://root@127.0.0.1/test"),
    "mysql": os.environ.get("AFFIDAVIT_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1/test"),
}
"""Where databases can be made, by an account that may do anything."""


class NoServer(Exception):  # noqa: N818 (not a fault: the engine is left out, and said to be)
    """There is no server to make a database on."""


@contextmanager
def empty_database(engine: str, folder: Path, name: str) -> Iterator[str]:
    """The URL of a new database: a file `name` in `folder`, or on a server one of that name and a number of its own.

    A server's is dropped afterwards; the folder is the caller's.

    Raises:
        NoServer: the engine is a server, and does not answer.
    """
    if engine not in SERVERS:
        yield f"{engine}:///{folder / f'{name}.{engine}'}"
        return
    server = sa.engine.make_url(SERVERS[engine])
    database = f"affidavit_{name}_{uuid.uuid4().hex[:10]}"
    try:
        administer(server, f"CREATE DATABASE {database}")
    except sa.exc.OperationalError as error:
        raise NoServer(f"no server at {server.render_as_string(hide_password=True)}: {error}") from error
    try:
        yield server.set(database=database).render_as_string(hide_password=False)
    finally:
        administer(server, f"DROP DATABASE {database}" + (" WITH (FORCE)" if engine == "postgres" else ""))


def administer(url: str | sa.URL, *statements: str) -> None:
    """Run statements with full rights, each committed by itself."""
    if not statements:
        return
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    finally:
        engine.dispose()
