"""Where a database file is, whoever named it: the settings from the workspace, the command line from here."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.settings import absolute_file_url, url_from_workspace


@pytest.mark.parametrize(
    ("url", "absolute"),
    [
        ("sqlite:///w.sqlite", "sqlite:////srv/space/w.sqlite"),
        ("sqlite+pysqlite:///w.sqlite?timeout=5", "sqlite+pysqlite:////srv/space/w.sqlite?timeout=5"),
        ("duckdb:///../w.duckdb", "duckdb:////srv/w.duckdb"),
        ("sqlite:////data/w.sqlite", "sqlite:////data/w.sqlite"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///file:w.sqlite?uri=true", "sqlite:///file:w.sqlite?uri=true"),
        ("postgresql+psycopg://reader@host/shop", "postgresql+psycopg://reader@host/shop"),
    ],
)
def test_a_setting_names_a_file_from_the_workspace(url: str, absolute: str) -> None:
    assert absolute_file_url(url, Path("/srv/space")) == absolute


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("duckdb:///space/w.duckdb", "duckdb:///w.duckdb"),
        ("duckdb:///space/../space/data/w.duckdb?threads=1", "duckdb:///data/w.duckdb?threads=1"),
        ("sqlite:///w.sqlite", "sqlite:///{here}/w.sqlite"),
        ("sqlite:////data/w.sqlite", "sqlite:////data/w.sqlite"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("mysql+pymysql://reader@host/shop", "mysql+pymysql://reader@host/shop"),
    ],
)
def test_a_url_as_typed_is_stored_so_that_it_means_the_same_file(tmp_path: Path, typed: str, stored: str) -> None:
    said = url_from_workspace(typed, tmp_path / "space", tmp_path)
    assert said == stored.format(here=tmp_path)
    assert absolute_file_url(said, tmp_path / "space") == absolute_file_url(typed, tmp_path)
