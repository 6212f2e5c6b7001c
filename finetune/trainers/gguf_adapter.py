"""A trained LoRA as the GGUF file that llama.cpp serves.

llama.cpp stores the query and key projections with the rows of each head interleaved for its rotary embedding;
transformers undoes that when it loads a GGUF. The `B` factors of those two layers are therefore permuted
back here (source: `LlamaModel.permute` of llama.cpp's `convert_hf_to_gguf.py`). Everything else is a renaming.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["AttentionShape", "LoraPair", "interleave_heads", "read_adapter", "write_adapter"]

_GGUF_NAMES = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}


@dataclass(frozen=True, slots=True)
class AttentionShape:
    """How many query and key-value heads a layer has."""

    query_heads: int
    key_value_heads: int


@dataclass(frozen=True, slots=True)
class LoraPair:
    """The two factors of one layer's update `scale · B @ A`: A is (rank, inputs), B is (outputs, rank)."""

    a: NDArray[np.float32]
    b: NDArray[np.float32]


def write_adapter(
    path: Path, layers: Mapping[tuple[int, str], LoraPair], *, alpha: float, attention: AttentionShape, name: str
) -> None:
    """Write `layers`, keyed by (block, projection), as an f16 GGUF LoRA for the llama architecture.

    The file appears whole or not at all.
    """
    import gguf

    draft = path.with_suffix(".partial")
    writer: Any = gguf.GGUFWriter(str(draft), "llama")
    writer.add_type("adapter")
    writer.add_name(name)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    for (block, projection), pair in sorted(layers.items()):
        b = pair.b
        if projection == "q_proj":
            b = interleave_heads(b, attention.query_heads)
        elif projection == "k_proj":
            b = interleave_heads(b, attention.key_value_heads)
        stem = f"blk.{block}.{_GGUF_NAMES[projection]}.weight"
        writer.add_tensor(f"{stem}.lora_a", pair.a.astype(np.float16))
        writer.add_tensor(f"{stem}.lora_b", b.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(draft, path)


def read_adapter(path: Path, *, alpha: float, attention: AttentionShape) -> dict[tuple[int, str], LoraPair]:
    """The layers of a GGUF LoRA as `write_adapter` was given them, in float32.

    Its `B` factors are rescaled so that under `alpha` the update is what it was under the adapter's own.

    Raises:
        ValueError: the file is no GGUF LoRA.
    """
    import gguf

    reader = gguf.GGUFReader(str(path))
    own_alpha = reader.get_field("adapter.lora.alpha")
    if own_alpha is None:
        raise ValueError(f"{path} is no LoRA adapter: it has no adapter.lora.alpha.")
    rescale = np.float32(own_alpha.contents() / alpha)
    names = {gguf_name: projection for projection, gguf_name in _GGUF_NAMES.items()}
    factors: dict[tuple[int, str], dict[str, NDArray[np.float32]]] = {}
    for tensor in reader.tensors:
        _, block, gguf_name, _, factor = tensor.name.split(".")
        factors.setdefault((int(block), names[gguf_name]), {})[factor] = np.array(tensor.data, dtype=np.float32)
    heads = {"q_proj": attention.query_heads, "k_proj": attention.key_value_heads}
    layers = {}
    for (block, projection), pair in factors.items():
        b = pair["lora_b"]
        if projection in heads:
            b = _separate_halves(b, heads[projection])
        layers[block, projection] = LoraPair(pair["lora_a"], b * rescale)
    return layers


def interleave_heads(b: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows of each head from (first half, second half) to alternating, as llama.cpp keeps them."""
    rows, rank = b.shape
    return b.reshape(heads, 2, rows // heads // 2, rank).swapaxes(1, 2).reshape(rows, rank)


def _separate_halves(b: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """What `interleave_heads` undone gives."""
    rows, rank = b.shape
    return b.reshape(heads, rows // heads // 2, 2, rank).swapaxes(1, 2).reshape(rows, rank)
