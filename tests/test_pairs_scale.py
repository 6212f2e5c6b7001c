"""Where pairs are made and what they are written as: pools, a Dask cluster, exact levels, Parquet."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from fixtures_pairs import TEMPLATES, Shop, shop  # noqa: F401

from agent.errors import FailedError, UsageError
from agent.warehouse.policy import Policy
from finetune.pairs.factory import FactoryReport, FactorySpec, generate_pairs
from finetune.pairs.pair import Pair, Parameter, Tag, read_pairs, write_pairs
from finetune.pairs.parquet import convert, read_any, read_parquet
from finetune.pairs.shards import STAGES
from tui.cli.pairs import _levels as levels_of


def made(shop: Shop, out: Path, spec: FactorySpec) -> FactoryReport:  # noqa: F811
    return generate_pairs(
        spec,
        url=shop.url,
        layer=shop.layer,
        catalog=shop.catalog,
        policy=Policy(),
        templates=TEMPLATES,
        out_dir=out,
    )


@pytest.fixture(scope="module")
def alone(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> FactoryReport:  # noqa: F811
    return made(shop, tmp_path_factory.mktemp("alone"), FactorySpec(count=60))


# -- what a count needs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "phrasings", "per_structure"), [(10, 2, 14), (20_000, 2, 14), (100_000, 6, 31), (1_000_000, 25, 99)]
)
def test_more_pairs_take_more_wordings_and_more_of_a_structure(count: int, phrasings: int, per_structure: int) -> None:
    spec = FactorySpec(count=count).settled()
    assert (spec.phrasings, spec.per_structure) == (phrasings, per_structure)
    assert FactorySpec(count=count, phrasings=3, per_structure=5).settled().phrasings == 3


def test_the_report_says_what_was_tried_and_what_it_cost(alone: FactoryReport) -> None:
    manifest = json.loads(alone.manifest.read_text(encoding="utf-8"))
    assert manifest["warehouses"] == alone.warehouses == 3
    assert manifest["mutants"] == alone.mutants > alone.statements
    assert 0 <= manifest["survivors"] <= alone.mutants / 10
    assert manifest["why_one"] == ""
    assert "speed" not in manifest, "it differs from run to run"
    assert alone.speed is not None
    assert set(alone.speed.stages) == {*STAGES, "gate", "write"}
    assert alone.speed.stages["execute"] > 0
    assert alone.speed.peak_memory_mb > 0
    for pair in read_pairs(alone.path):
        assert pair.lineage["warehouses"] == 3
        assert int(pair.lineage["survivors"]) <= int(pair.lineage["mutants"]) / 10


def test_a_warehouse_that_is_not_copied_is_said_to_be_the_only_one(shop: Shop, tmp_path: Path) -> None:  # noqa: F811
    report = made(shop, tmp_path, FactorySpec(count=10, variants=0))
    assert report.warehouses == 1
    assert report.why_one
    assert json.loads(report.manifest.read_text(encoding="utf-8"))["why_one"] == report.why_one


@pytest.mark.parametrize(
    ("text", "levels"),
    [("simple=3", {"simple": 3}), ("simple=1, edge=0,complex=2", {"simple": 1, "edge": 0, "complex": 2})],
)
def test_levels_are_read(text: str, levels: dict[str, int]) -> None:
    assert levels_of(text) == levels


@pytest.mark.parametrize("text", ["simple", "simple=x", "hard=3", "simple=1,simple=2", "simple=-1", "simple=0", ","])
def test_levels_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        levels_of(text)


# -- a cluster -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    distributed = pytest.importorskip("distributed", reason="SKIPPED LOUDLY: install the extra `scale` to test Dask")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dask's own, about its own parts
        with distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, host="127.0.0.1", protocol="tcp"
        ) as running:
            yield running.scheduler_address


@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_makes_the_same_bytes(shop: Shop, tmp_path: Path, cluster: str, alone: FactoryReport) -> None:  # noqa: F811
    there = made(shop, tmp_path, FactorySpec(count=60, dask=cluster))
    assert there.path.read_bytes() == alone.path.read_bytes()
    assert there.manifest.read_bytes() == alone.manifest.read_bytes()


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_is_not_there_is_named(
    shop: Shop,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("distributed", reason="SKIPPED LOUDLY: install the extra `scale` to test Dask")
    monkeypatch.setattr("finetune.pairs.pools._CONNECT_S", 0.5)
    with pytest.raises(FailedError, match=r"tcp://127\.0\.0\.1:9 does not answer"):
        made(shop, tmp_path, FactorySpec(count=10, dask="tcp://127.0.0.1:9"))


# -- Parquet ---------------------------------------------------------------------------------------------------------

ODD = Pair(
    "0123456789abcdef",
    'Wie viele Bestellungen — "groß" oder \\klein\\ — für O\'Neil?\tja',
    "SELECT COUNT(*)\nFROM Orders WHERE ShipName = 'O''Neil'",
    "t",
    "{a}",
    "SELECT {a}",
    (Parameter("a", "3,5", 3.5, "t.c"), Parameter("b", "7", 7), Parameter("c", "sieben", "7 \u2028")),
    (Tag("pattern", "total"),),
    "edge",
    lineage={"source": "template", "template_version": 1},
)


def test_parquet_and_back_is_the_same_file(alone: FactoryReport, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    source, columns, back = tmp_path / "a.jsonl", tmp_path / "b.parquet", tmp_path / "c.jsonl"
    pairs = [*read_pairs(alone.path), ODD]
    sha256 = write_pairs(source, pairs)
    assert convert(source, columns) == convert(columns, back) == len(pairs)
    assert hashlib.sha256(back.read_bytes()).hexdigest() == sha256
    assert list(read_any(columns)) == pairs
    assert {path.name for path in tmp_path.iterdir()} == {"a.jsonl", "b.parquet", "c.jsonl"}


def test_files_that_are_no_pairs_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    text, broken = tmp_path / "pairs.csv", tmp_path / "broken.parquet"
    with pytest.raises(UsageError, match="Cannot tell what"):
        convert(text, tmp_path / "x.parquet")
    broken.write_bytes(b"PAR1 no")
    with pytest.raises(UsageError, match=r"broken\.parquet"):
        list(read_parquet(broken))
    lines = tmp_path / "lines.jsonl"
    lines.write_text("{}\n", encoding="utf-8")
    with pytest.raises(UsageError, match="line 1: `id`"):
        convert(lines, tmp_path / "x.parquet")
    assert {path.name for path in tmp_path.iterdir()} == {"broken.parquet", "lines.jsonl"}
