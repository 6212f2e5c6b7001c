"""The loss of a batch: cross-entropy of the completion's tokens, and of nothing else.

Only those tokens are projected onto the vocabulary: on a CPU that projection is the largest matrix product of a small
model, and a prompt is several times as long as the SQL that answers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from finetune.trainers.batches import Example

__all__ = ["completion_loss", "mean_loss"]

_WIDTH_STEP = 32
"""Widths are padded to multiples of this, so that the matrix kernels compiled for one batch serve the next."""
_LOGIT_ROWS = 256
"""Rows of logits at a time: 50 MB in float32 for a vocabulary of 49,152, instead of several hundred."""
_VALID_BATCH = 16


def completion_loss(model: Any, batch: Sequence[Example], device: str) -> Any:
    """Mean cross-entropy per completion token, with its gradient."""
    import torch

    longest = max(len(example.tokens) for example in batch)
    width = -(-longest // _WIDTH_STEP) * _WIDTH_STEP
    ids = torch.zeros((len(batch), width), dtype=torch.long)
    wanted = torch.zeros((len(batch), width), dtype=torch.bool)
    for row, example in enumerate(batch):
        length = len(example.tokens)
        ids[row, :length] = torch.tensor(example.tokens)
        wanted[row, example.prompt_length : length] = True
    ids, wanted = ids.to(device), wanted.to(device)
    llama = model.base_model.model
    # right padding under a causal mask cannot reach a wanted token, so no padding mask is needed on the fast path
    hidden = llama.model(input_ids=ids).last_hidden_state
    predicting, targets = hidden[:, :-1][wanted[:, 1:]], ids[:, 1:][wanted[:, 1:]]
    total = hidden.new_zeros((), dtype=torch.float32)
    for start in range(0, len(targets), _LOGIT_ROWS):
        logits = llama.lm_head(predicting[start : start + _LOGIT_ROWS]).float()
        target = targets[start : start + _LOGIT_ROWS]
        total = total + torch.nn.functional.cross_entropy(logits, target, reduction="sum")
    return total / len(targets)


def mean_loss(model: Any, examples: Sequence[Example], device: str) -> float:
    """Mean cross-entropy per completion token over all examples, without a gradient."""
    import torch

    total, count = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(examples), _VALID_BATCH):
            batch = examples[start : start + _VALID_BATCH]
            weight = sum(len(example.tokens) - example.prompt_length for example in batch)
            total += float(completion_loss(model, batch, device)) * weight
            count += weight
    return round(total / max(1, count), 5)
