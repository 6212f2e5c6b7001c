"""The mean of two adapters: of every factor, and of nothing that does not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gguf")

from agent.errors import UsageError
from finetune.adapters.average import average_adapters
from finetune.trainers.gguf_adapter import AttentionShape, LoraPair, read_adapter, write_adapter

HEADS = AttentionShape(2, 1)


def _written(path: Path, value: float, *, rank: int = 2, alpha: float = 4.0) -> Path:
    layers = {
        (0, name): LoraPair(np.full((rank, 8), value, np.float32), np.full((8, rank), 2 * value, np.float32))
        for name in ("q_proj", "up_proj")
    }
    write_adapter(path, layers, alpha=alpha, attention=HEADS, name=path.stem)
    return path


@pytest.mark.parametrize(("weight", "mean"), [(0.5, 2.0), (0.0, 1.0), (1.0, 3.0), (0.25, 1.5)])
def test_every_factor_is_the_mean_of_the_two(tmp_path: Path, weight: float, mean: float) -> None:
    first, second = _written(tmp_path / "first.gguf", 1.0), _written(tmp_path / "second.gguf", 3.0)
    before = (first.read_bytes(), second.read_bytes())
    average_adapters(first, second, tmp_path / "mean.gguf", weight=weight)
    layers = read_adapter(tmp_path / "mean.gguf", alpha=4.0, attention=HEADS)
    assert len(layers) == 2
    for pair in layers.values():
        assert (pair.a == mean).all()
        assert (pair.b == 2 * mean).all()
    assert (first.read_bytes(), second.read_bytes()) == before


@pytest.mark.parametrize("other", [{"rank": 4}, {"alpha": 8.0}])
def test_adapters_that_do_not_fit_are_refused_and_nothing_is_left(tmp_path: Path, other: dict[str, int]) -> None:
    first, second = _written(tmp_path / "first.gguf", 1.0), _written(tmp_path / "second.gguf", 3.0, **other)
    with pytest.raises(UsageError, match="another rank or another alpha"):
        average_adapters(first, second, tmp_path / "mean.gguf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.gguf", "second.gguf"]
