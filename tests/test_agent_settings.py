"""Where a database file is: the settings from the workspace, the command line from here; and what a typo meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import ErrorClass, UsageError
from agent.settings import CONFIG_NAME, absolute_file_url, load_settings, url_from_workspace


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


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("[model]\nprovidr = 'openai'", "`model.providr` is wrong: there is no such setting; did you mean `provider`?"),
        ("[modle]\nprovider = 'openai'", "`modle` is wrong: there is no such setting; did you mean `model`?"),
        ("[model]\nqqqq = 1", "`model.qqqq` is wrong: there is no such setting"),
        ("[model]\nprovider = 'opnai'", "`model.provider` is wrong: Input should be 'embedded'"),
    ],
)
def test_a_misspelt_setting_is_named_with_the_one_meant(tmp_path: Path, written: str, said: str) -> None:
    (tmp_path / CONFIG_NAME).write_text(written, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_settings(tmp_path)
    assert caught.value.error_class is ErrorClass.SETTINGS
    assert said in caught.value.message
