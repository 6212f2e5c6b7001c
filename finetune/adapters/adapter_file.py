"""Whether a file is a LoRA adapter that fits the base model: told when it is handed in, not when it is first served."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from agent.errors import ErrorClass, UsageError
from agent.model.gguf import GgufHeader, read_header

__all__ = ["check_adapter"]

_A: Final = ".lora_a"
_B: Final = ".lora_b"


def check_adapter(file: Path, base: Path | None) -> None:
    """Refuse a file that is no LoRA adapter, or none for the model in the file `base` (None: not to be compared).

    Raises:
        UsageError: it is a GGUF file, but not such an adapter.
        FailedError: one of the files cannot be read or is no GGUF file.
    """
    header = read_header(file)
    size = file.stat().st_size
    if size < header.least_bytes:
        raise UsageError(
            ErrorClass.SETTINGS,
            f"{file} ends too early: it has {size:,} bytes, and its weights take {header.least_bytes:,}.",
            "Copy it again.",
        )
    problem = _not_an_adapter(header)
    if problem:
        raise UsageError(
            ErrorClass.SETTINGS,
            f"{file} is not a LoRA adapter: {problem}.",
            "Name an adapter's GGUF file, as `affidavit models export` or llama.cpp's convert_lora_to_gguf.py writes "
            "it. A whole model is served with `model.base` in affidavit.toml.",
        )
    problem = _misfit(header, read_header(base)) if base else ""
    if problem:
        raise UsageError(
            ErrorClass.SETTINGS,
            f"{file} does not fit the base model {base.name if base else ''}: {problem}.",
            "Register it in a workspace whose `model.base` is the model it was trained on.",
        )


def _not_an_adapter(header: GgufHeader) -> str:
    for key, wanted in (("general.type", "adapter"), ("adapter.type", "lora")):
        found = header.metadata.get(key)
        if found != wanted:
            return f"its `{key}` is {f'`{found}`' if found else 'missing'}, not `{wanted}`"
    if not any(name.endswith(_A) and name.removesuffix(_A) + _B in header.shapes for name in header.shapes):
        return "it holds no pair of LoRA matrices"
    return ""


def _misfit(adapter: GgufHeader, base: GgufHeader) -> str:
    """Why the adapter cannot be added to the base model, as llama.cpp would judge it; empty if it can."""
    architecture, served = (header.metadata.get("general.architecture") for header in (adapter, base))
    if architecture != served:
        return f"it is for `{architecture}` models, and this is a `{served}` model"
    for name, shape in adapter.shapes.items():
        if not name.endswith(_A):
            continue
        target = name.removesuffix(_A)
        if target not in base.shapes:
            return f"it changes `{target}`, which this model does not have"
        adapted = _adapted_shape(target, shape, adapter.shapes.get(target + _B, ()))
        if adapted != base.shapes[target][:2]:
            return (
                f"`{target}` is {_as_text(base.shapes[target])} in this model, and {_as_text(adapted)} in the adapter"
            )
    return ""


def _adapted_shape(target: str, a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """(in, out) of the weight that B·A is added to: A is (in, rank) and B (rank, out), but flipped for embeddings."""
    if target.endswith("token_embd.weight"):
        return b[1:2] + a[1:2]
    return a[:1] + b[1:2]


def _as_text(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "missing"
