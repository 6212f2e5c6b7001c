"""The keys that content on the ledger is encrypted with, one for each subject, kept apart from the ledger.

A subject is whoever the content is about: who asked, a customer, a case. Destroying its key is what erasing means
here: the ledger keeps every byte, every proof and signature over them holds, and nobody can read the content again. So
the keys must not be where the ledger is, and a backup of this store brings back what was erased.

On the ledger a subject is a random id; its name stands here alone, and goes with the key.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    select,
    text,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from audit.errors import LedgerUnavailable, RecordRefusedError
from audit.keyring import same_person

__all__ = ["Subject", "Subjects"]

_KEY_BYTES: Final = 32
_BUSY_S: Final = 10.0

_metadata = MetaData()
_table = Table(
    "affidavit_subjects",
    _metadata,
    Column("id", String(32), primary_key=True),
    Column("workspace", String(200), nullable=False),
    Column("name", String(400), nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("created", String(40), nullable=False),
    Column("erased", String(40), nullable=False),
)
_columns = _table.c


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom content is about."""

    id: str
    """Random, 128 bits in hex; what stands on the ledger."""
    name: str
    """Empty once erased."""
    created: str
    erased: str
    """When its key was destroyed; empty while it is there."""


class Subjects:
    """One workspace's subjects and their keys. Opened when first needed; a store that is not there yet is made then."""

    def __init__(self, url: str, workspace: str) -> None:
        self._url = url
        self._workspace = workspace
        self._engine: Engine | None = None

    def all(self) -> list[Subject]:
        """Every subject, erased ones included, in the order they came.

        Raises:
            LedgerUnavailable: the store cannot be read.
        """
        query = select(_columns.id, _columns.name, _columns.created, _columns.erased)
        query = query.where(_columns.workspace == self._workspace).order_by(_columns.created, _columns.id)
        with self._connected() as connection:
            return [Subject(*row) for row in connection.execute(query)]

    def named(self, name: str) -> list[Subject]:
        """The subjects of that name that are not erased; two where two machines met it in the same moment.

        Names are compared as those of people.
        """
        return [each for each in self.all() if not each.erased and same_person(each.name, name)]

    def ensure(self, name: str, time: str) -> Subject:
        """The subject of that name, made with a key of its own if there is none.

        Raises:
            RecordRefusedError: no name.
            LedgerUnavailable: the store cannot be read or written.
        """
        cleaned = " ".join(name.split())
        if not cleaned or not cleaned.isprintable() or len(cleaned) > 200:
            raise RecordRefusedError(f"{name[:40]!r} cannot be the name of a subject.")
        known = self.named(cleaned)
        if known:
            return known[0]
        subject = Subject(secrets.token_hex(16), cleaned, time, "")
        row = {"id": subject.id, "workspace": self._workspace, "name": cleaned, "created": time, "erased": ""}
        with self._connected() as connection:
            connection.execute(_table.insert(), {**row, "key": secrets.token_bytes(_KEY_BYTES)})
        return subject

    def key(self, subject_id: str) -> bytes | None:
        """The subject's key; None where it was erased, or was never in this store.

        It is read each time, so that an erasure holds at once in every program that is running.
        """
        query = select(_columns.key).where(_columns.id == subject_id, _columns.erased == "")
        with self._connected() as connection:
            return connection.execute(query).scalar_one_or_none()

    def is_erased(self, subject_id: str) -> bool:
        """Whether this store once had that subject's key and destroyed it."""
        query = select(_columns.erased).where(_columns.id == subject_id)
        with self._connected() as connection:
            return bool(connection.execute(query).scalar_one_or_none())

    def erase(self, subject_id: str, time: str) -> None:
        """Destroy a subject's key and name: written over, taken out, and the store's file written anew.

        Raises:
            LedgerUnavailable: it could not be done; the key may still be there.
        """
        own = _columns.id == subject_id
        with self._connected() as connection:
            gone = {"key": bytes(_KEY_BYTES), "name": "", "erased": time}
            connection.execute(_table.update().where(own), gone)
        with self._connected(transaction=False) as connection:
            connection.execute(text("VACUUM" if connection.dialect.name == "sqlite" else f"VACUUM FULL {_table.name}"))

    def close(self) -> None:
        """Give the connections back."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    @contextmanager
    def _connected(self, *, transaction: bool = True) -> Iterator[Connection]:
        try:
            engine = self._opened()
            if transaction:
                with engine.begin() as connection:
                    yield connection
            else:
                with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    yield connection
        except (SQLAlchemyError, OSError) as error:
            raise LedgerUnavailable(
                f"The store of subjects' keys cannot be used: {type(error).__name__}.",
                "Check `ledger.subjects_url`, or the permissions of .affidavit/subjects.sqlite.",
            ) from error

    def _opened(self) -> Engine:
        if self._engine is None:
            url = make_url(self._url)
            if url.get_backend_name() == "sqlite" and url.database:
                path = Path(url.database)
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
                engine = create_engine(url, connect_args={"timeout": _BUSY_S})
                event.listen(engine, "connect", _leave_nothing)
            else:
                engine = create_engine(url, pool_pre_ping=True)
            _metadata.create_all(engine)
            self._engine = engine
        return self._engine


def _leave_nothing(connection: Any, _record: Any) -> None:
    """What is deleted or written over is overwritten in the file, and no side file outlives a transaction."""
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = FULL")
