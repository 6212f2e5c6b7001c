"""One adapter out of two that went on from the same weights: the mean of their factors.

What a run learnt and what it lost on the way to it lie in different directions, so the mean of an adapter and of the
one that was trained on from it often answers better than either, at no cost when it is served. Source: Wortsman et al.,
"Model soups", ICML 2022; for a model and its fine-tuned self, "Robust fine-tuning of zero-shot models", CVPR 2022.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from agent.errors import ErrorClass, FailedError, UsageError

__all__ = ["average_adapters"]

_ALPHA = "adapter.lora.alpha"


def average_adapters(first: Path, second: Path, out: Path, *, weight: float = 0.5) -> None:
    """Write the adapter whose factors are `(1 - weight) * first + weight * second`, whole or not at all.

    Args:
        first: a GGUF LoRA.
        second: another of the same layers, rank and alpha, trained on from the first or from the same parent.
        out: the file to write; it has the second's header.
        weight: of the second, 0..1.

    Raises:
        UsageError: the two do not fit each other.
        FailedError: the `train` extra is not installed.
    """
    try:
        import gguf
        import numpy as np
    except ModuleNotFoundError as error:
        message = f"Averaging adapters needs the Python package `{error.name}`, which is not installed."
        raise FailedError(ErrorClass.WORKSPACE, message, "Run `make setup-train`.") from error
    draft = out.with_suffix(".partial")
    shutil.copyfile(second, draft)
    try:
        reader, writer = gguf.GGUFReader(str(first)), gguf.GGUFReader(str(draft), "r+")
        known = {tensor.name: tensor.data for tensor in reader.tensors}
        _check_fit(first, second, reader, writer)
        for tensor in writer.tensors:
            mean = (1 - weight) * known[tensor.name].astype(np.float32) + weight * tensor.data.astype(np.float32)
            tensor.data[...] = mean.astype(tensor.data.dtype)
        writer.data.flush()
        os.replace(draft, out)
    finally:
        draft.unlink(missing_ok=True)


def _check_fit(first: Path, second: Path, one: Any, other: Any) -> None:
    shapes = [{tensor.name: (tensor.data.shape, tensor.data.dtype) for tensor in r.tensors} for r in (one, other)]
    alphas = [field.contents() if (field := r.get_field(_ALPHA)) else None for r in (one, other)]
    if shapes[0] != shapes[1] or alphas[0] != alphas[1] or alphas[0] is None:
        raise UsageError(
            ErrorClass.SETTINGS,
            f"{first.name} and {second.name} have other layers, another rank or another alpha.",
            "Average an adapter with one that was trained on from it (`train lora --from`).",
        )
