"""The model a LoRA is trained on, in both forms it is needed in: what the trainer loads and the GGUF that is served.

A GGUF is both. A folder as `transformers` saves it is trained on as it is and written as a GGUF beside the adapter,
because that is what llama.cpp serves. The adapter's names and its permuted heads are those of the llama architecture,
so a model of any other is refused before anything is loaded.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from agent.errors import ErrorClass, UsageError
from agent.model.gguf import read_header

__all__ = ["MAX_ADAPTER_MB", "TrainableBase", "adapter_bytes", "check_adapter_size", "find_trainable"]

MAX_ADAPTER_MB: Final = 12.0
"""Megabytes (10^6 bytes) of an adapter that still travels in a package, a mail and a repository."""
_ARCHITECTURE: Final = "llama"
_PROJECTIONS: Final = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
_BYTES_PER_WEIGHT: Final = 2  # f16


@dataclass(frozen=True)
class TrainableBase:
    """A base model of the llama architecture."""

    source: Path
    """What the trainer loads: a GGUF file, or a folder as `transformers` saves it."""
    gguf: Path
    """What is served with the adapter; the same file when the source is a GGUF."""

    @cached_property
    def sha256(self) -> str:
        """Of the served file's bytes."""
        with self.gguf.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()


def find_trainable(path: Path, out_dir: Path) -> TrainableBase:
    """The base model at `path`; a folder is written as `out_dir/base.gguf` first.

    Raises:
        UsageError: there is nothing there, or it is not a model of the llama architecture that can be trained on.
        FailedError: it is a damaged GGUF file, or the folder cannot be converted for want of the `train` extra.
    """
    if path.is_dir():
        _check_architecture(path, _architecture_of_folder(path))
        from finetune.trainers.gguf_base import convert_folder

        out_dir.mkdir(parents=True, exist_ok=True)
        return TrainableBase(path, convert_folder(path, out_dir / "base.gguf"))
    if not path.is_file():
        raise UsageError(
            ErrorClass.MODEL_MISSING,
            f"There is no base model at {path}.",
            "Give a GGUF file, or a folder with config.json, tokenizer.json and the weights.",
        )
    _check_architecture(path, str(read_header(path).metadata.get("general.architecture", "unnamed")))
    return TrainableBase(path, path)


def adapter_bytes(base: Path, rank: int) -> int:
    """How large an adapter of `rank` for the GGUF `base` is, but for its header of a few kilobytes."""
    return rank * sum(
        _BYTES_PER_WEIGHT * (shape[0] + shape[1])
        for name, shape in read_header(base).shapes.items()
        if name.startswith("blk.") and name.split(".")[2] in _PROJECTIONS
    )


def check_adapter_size(base: Path, rank: int, max_mb: float = MAX_ADAPTER_MB) -> None:
    """Refuse, before hours are spent, a rank whose adapter is larger than allowed.

    Raises:
        UsageError: it is; the highest rank that fits is named.
    """
    size = adapter_bytes(base, rank)
    if size <= max_mb * 1e6:
        return
    fits = int(max_mb * 1e6 * rank / size)
    raise UsageError(
        ErrorClass.SETTINGS,
        f"Rank {rank} on {base.name} makes an adapter of {size / 1e6:.1f} MB, more than {max_mb:g} MB.",
        f"Train with --rank {fits}, or allow more with --max-size."
        if fits
        else "Allow more with --max-size; on this base no rank is small enough.",
    )


def _architecture_of_folder(folder: Path) -> str:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return str(config.get("model_type", "unnamed"))
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(
            ErrorClass.MODEL_MISSING,
            f"{folder} is not a model's folder: its config.json cannot be read ({error}).",
            "Give the folder that holds config.json, tokenizer.json and the weights, or a GGUF file.",
        ) from error


def _check_architecture(path: Path, found: str) -> None:
    if found != _ARCHITECTURE:
        raise UsageError(
            ErrorClass.SETTINGS,
            f"{path} is a model of the `{found}` architecture; adapters can be trained for `{_ARCHITECTURE}` only.",
            "Give a model of the Llama family (Llama, SmolLM2, TinyLlama, ...), as a GGUF file or as a folder.",
        )
