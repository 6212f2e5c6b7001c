"""Small GGUF files: real headers, and zeros where the weights would be."""

from __future__ import annotations

import math
import struct
from pathlib import Path


def gguf_file(path: Path, metadata: dict[str, str], shapes: dict[str, tuple[int, ...]]) -> Path:
    """A GGUF file (version 3) with text metadata, a vocabulary to be skipped, and tensors of zeros."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    keys = [text(key) + struct.pack("<I", 8) + text(value) for key, value in metadata.items()]
    keys.append(text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("bc"))
    keys.append(text("tokenizer.ggml.token_type") + struct.pack("<IIQii", 9, 5, 2, 1, 1))
    keys.append(text("adapter.lora.alpha") + struct.pack("<If", 6, 32.0))
    tensors, end = [], 0
    for name, shape in shapes.items():
        tensors.append(text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, end))
        end += -(-4 * math.prod(shape) // 32) * 32
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys))
    path.write_bytes(head + b"".join((*keys, *tensors)) + bytes(32 + end))
    return path


LORA = {"general.architecture": "llama", "general.type": "adapter", "adapter.type": "lora"}
PAIR = {"blk.0.attn_k.weight.lora_a": (576, 16), "blk.0.attn_k.weight.lora_b": (16, 192)}
