"""The documentation's lending library: a warehouse that is not the demo's, built from the SQL a reader is given."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from agent.warehouse.policy import Policy
from finetune.compose.compositions import Composer
from finetune.pairs.world import World
from finetune.phrasing.vocabulary import Vocabulary
from memory.catalog import Catalog, reflect
from memory.semantics import SemanticLayer, load_semantics

__all__ = ["LIBRARY", "Library", "build_library", "library"]

LIBRARY = Path(__file__).parents[1] / "docs" / "examples" / "library"


@dataclass(frozen=True)
class Library:
    path: Path
    catalog: Catalog
    layer: SemanticLayer
    world: World
    composer: Composer
    """Has no vocabulary of its own: it speaks as a workspace without templates.yaml does."""


def build_library(path: Path) -> Path:
    """Run library.sql into a new SQLite file."""
    connection = sqlite3.connect(path)
    connection.executescript((LIBRARY / "library.sql").read_text(encoding="utf-8"))
    connection.close()
    return path


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    path = build_library(tmp_path_factory.mktemp("library") / "library.sqlite")
    engine = create_engine(f"sqlite:///{path}")
    catalog = reflect(engine)
    engine.dispose()
    layer = load_semantics(LIBRARY / "metrics.yaml", catalog)
    world = World(f"sqlite:///{path}", layer, catalog, Policy())
    yield Library(path, catalog, layer, world, Composer(world, Vocabulary(layer)))
    world.close()
