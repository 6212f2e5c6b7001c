"""The model that a LoRA is trained on, as torch has it: a GGUF de-quantised or a folder loaded, and its factors."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Any

from agent.errors import ErrorClass, FailedError, UsageError
from finetune.trainers.attention import BATCHED, register_batched_attention

__all__ = [
    "best_device",
    "keep_freed_memory",
    "load_model",
    "lora_factors",
    "quieten",
    "require_training_parts",
]

_PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


def require_training_parts() -> None:
    """Raises FailedError, naming what is missing, where the `train` extra or torch is not installed."""
    os.environ.setdefault("TQDM_DISABLE", "1")  # before tqdm is imported: the caller shows a bar of its own
    try:
        import peft  # noqa: F401  (asked for by name, so that the message can name what is missing)
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise FailedError(
            ErrorClass.MODEL_OTHER,
            f"Training needs {error.name}, which is not installed.",
            "Run `make setup-train` (or install affidavit[train] and a torch build for this machine).",
        ) from error


def keep_freed_memory() -> None:
    """Tell glibc to reuse freed activations: giving them back costs page faults worth a fifth of the training time.

    Only blocks up to 32 MB: the few larger ones (logits) differ in size from batch to batch and fragment the heap.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:  # musl has none
            mallopt(_M_MMAP_THRESHOLD, 32 * 2**20)
            mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def quieten() -> None:
    """No bars of `transformers` beside the caller's own."""
    from transformers.utils import logging

    logging.disable_progress_bar()


def best_device() -> tuple[str, Any]:
    """A GPU in bfloat16; else the CPU, in bfloat16 only where it has the instructions for it."""
    import torch

    if torch.cuda.is_available():
        return "cuda", torch.bfloat16
    fast_bfloat16 = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return "cpu", torch.bfloat16 if fast_bfloat16 else torch.float32


def load_model(base: Path, *, rank: int, alpha: float, device: str, dtype: Any) -> tuple[Any, Any]:
    """The model of a GGUF or a folder with fresh LoRA factors on every projection, and its tokenizer.

    Raises:
        UsageError: `base` cannot be loaded.
    """
    quieten()
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, file = (str(base), None) if base.is_dir() else (str(base.parent), base.name)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file, local_files_only=True)
        register_batched_attention()
        attention = BATCHED if device == "cpu" and dtype is torch.bfloat16 else "sdpa"
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            gguf_file=file,
            dtype="float32",
            attn_implementation=attention,
            use_cache=False,
            local_files_only=True,
        )
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(
            ErrorClass.MODEL_CORRUPT,
            f"{base} cannot be trained on: {error}",
            "Give a whole GGUF file or folder of a llama-architecture model.",
        ) from error
    config = LoraConfig(r=rank, lora_alpha=int(alpha), target_modules=list(_PROJECTIONS), lora_dropout=0.0)
    return get_peft_model(model.to(device=device, dtype=dtype), config, autocast_adapter_dtype=False), tokenizer


def lora_factors(model: Any) -> dict[tuple[int, str], tuple[Any, Any]]:
    """The two trained factors (A, B) of every adapted projection, keyed by (block, projection)."""
    factors = {}
    for block, layer in enumerate(model.base_model.model.model.layers):
        for parent in (layer.self_attn, layer.mlp):
            for projection in _PROJECTIONS:
                module = getattr(parent, projection, None)
                if module is not None:
                    factors[block, projection] = (module.lora_A["default"].weight, module.lora_B["default"].weight)
    return factors
