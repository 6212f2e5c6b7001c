"""A small demo warehouse with its semantic layer, opened once for the compiler's and the pair factory's tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fixtures_templates import load_once
from sqlalchemy import create_engine

from agent.warehouse.policy import Policy
from demo.warehouse import build
from finetune.compose.compositions import Composer
from finetune.pairs.templates import TemplateBook
from finetune.pairs.world import World
from finetune.phrasing.vocabulary import Vocabulary
from memory.catalog import Catalog, reflect
from memory.semantics import SemanticLayer, load_semantics

FILES = Path(__file__).parent.parent / "demo" / "files"
METRICS = FILES / "metrics.yaml"
TEMPLATES = FILES / "templates.yaml"


@dataclass(frozen=True)
class Shop:
    url: str
    catalog: Catalog
    layer: SemanticLayer
    world: World
    book: TemplateBook
    composer: Composer


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    url = f"sqlite:///{tmp_path_factory.mktemp('shop') / 'warehouse.sqlite'}"
    build(url, orders=830, seed=7)
    engine = create_engine(url)
    catalog = reflect(engine)
    engine.dispose()
    layer = load_semantics(METRICS, catalog)
    world = World(url, layer, catalog, Policy())
    book = load_once(TEMPLATES, catalog)
    yield Shop(url, catalog, layer, world, book, Composer(world, Vocabulary(layer, book.vocabulary)))
    world.close()
