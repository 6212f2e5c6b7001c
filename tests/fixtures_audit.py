"""A ledger on every database it can be kept in; each test has its own file or schema."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fixtures_audit_parts import WORKSPACE, Office, Ticking, sqlite_url

from audit.ledger import Ledger

POSTGRESQL = os.environ.get("AFFIDAVIT_TEST_POSTGRESQL", "postgresql+psycopg://root@127.0.0.1/test")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    server = sa.create_engine(POSTGRESQL, connect_args={"connect_timeout": 5})
    schema = f"affidavit_test_{uuid.uuid4().hex[:12]}"
    try:
        with server.begin() as connection:
            connection.execute(sa.text(f"CREATE SCHEMA {schema}"))
    except sa.exc.OperationalError as error:
        server.dispose()
        if os.environ.get("CI"):
            pytest.fail(f"PostgreSQL is not there: {error.orig}")
        pytest.skip(f"PostgreSQL is not there: {error.orig}")
    try:
        yield f"{POSTGRESQL}?options=-csearch_path%3D{schema}"
    finally:
        with server.begin() as connection:
            connection.execute(sa.text(f"DROP SCHEMA {schema} CASCADE"))
        server.dispose()


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url, workspace=WORKSPACE, clock=Ticking()) as opened:
        yield opened


@pytest.fixture
def office(ledger: Ledger, tmp_path: Path) -> Office:
    return Office.open(ledger, tmp_path)
