"""What a LoRA run is told and what it tells while it goes: plain values, made without torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from finetune.trainers.base_model import MAX_ADAPTER_MB

__all__ = ["Examine", "LoraOptions", "TrainProgress"]


@dataclass(frozen=True, slots=True)
class LoraOptions:
    """What decides the result, and is therefore written into the report."""

    rank: int = 16
    alpha: float = 32.0
    learning_rate: float = 6e-4
    warmup_share: float = 0.04
    epochs: int = 1
    batch_tokens: int = 2048
    max_examples: int | None = None
    seed: int = 7
    parent_sha256: str | None = None
    """Of the adapter whose weights the run begins with; None begins from nothing."""
    threads: int = 0
    checkpoint_every_s: float = 180.0
    valid_every_steps: int = 200
    evaluate_every_steps: int = 0
    """How often execution accuracy is measured; 0 never measures it, and keeps the last step's weights."""
    patience: int = 3
    """Evaluations without a higher accuracy than before, after which the run stops; 0 never stops early."""
    max_minutes: float = 0.0
    """Of steps and of what is measured between them; the learning rate falls to its end with them. 0: no limit."""
    max_adapter_mb: float = MAX_ADAPTER_MB


@dataclass(frozen=True, slots=True)
class Examine:
    """How execution accuracy is measured."""

    accuracy: Callable[[Path], float]
    """The accuracy, 0..1, of the adapter in a GGUF file; see `finetune.trainers.examine.Examiner`."""
    questions: int


@dataclass(frozen=True, slots=True)
class TrainProgress:
    """One step, for whoever shows a progress bar."""

    step: int
    steps: int
    loss: float
    tokens_per_s: float
    accuracy: float | None = None
    """The latest measured, if any."""
