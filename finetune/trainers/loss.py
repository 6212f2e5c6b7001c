"""The loss of a batch: cross-entropy of the completion's tokens, and of nothing else.

Only those tokens are projected onto the vocabulary: on a CPU that projection is the largest matrix product of a small
model, and a prompt is several times as long as the SQL that answers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from finetune.trainers.batches import Example, padded_width

__all__ = ["completion_loss", "mean_loss"]

_LOGIT_ROWS = 256
"""Rows of logits at a time: 50 MB in float32 for a vocabulary of 49,152, instead of several hundred."""
_VALID_BATCH = 16


def completion_loss(model: Any, batch: Sequence[Example], device: str) -> Any:
    """Mean cross-entropy per completion token, with its gradient."""
    import torch

    ids = torch.zeros((len(batch), padded_width(batch)), dtype=torch.long)
    wanted = torch.zeros_like(ids, dtype=torch.bool)
    for row, example in enumerate(batch):
        length = len(example.tokens)
        ids[row, :length] = torch.tensor(example.tokens)
        wanted[row, example.prompt_length : length] = True
    ids, wanted = ids.to(device), wanted.to(device)
    llama = model.base_model.model
    # right padding under a causal mask cannot reach a wanted token, so no padding mask is needed on the fast path
    hidden = llama.model(input_ids=ids).last_hidden_state
    predicting, targets = hidden[:, :-1][wanted[:, 1:]], ids[:, 1:][wanted[:, 1:]]
    return _cross_entropy(predicting, llama.lm_head.weight, targets) / len(targets)


def _cross_entropy(hidden: Any, vocabulary: Any, targets: Any) -> Any:
    """Summed cross-entropy of `hidden` (tokens, width) projected on a frozen `vocabulary` (words, width).

    The gradient is worked out with the loss, a few rows at a time, so that no logits are kept for a second pass:
    softmax less one at the target, projected back.
    """
    import torch

    with torch.no_grad():
        total = hidden.new_zeros((), dtype=torch.float32)
        gradient = torch.empty_like(hidden)
        narrow = hidden.new_empty((_LOGIT_ROWS, len(vocabulary)))
        wide = torch.empty_like(narrow, dtype=torch.float32)
        for start in range(0, len(targets), _LOGIT_ROWS):
            rows, target = hidden[start : start + _LOGIT_ROWS], targets[start : start + _LOGIT_ROWS, None]
            real = slice(0, len(rows))
            # every product has the same shape, and so the kernel of the first serves all
            padded = torch.nn.functional.pad(rows, (0, 0, 0, _LOGIT_ROWS - len(rows)))
            wide.copy_(torch.mm(padded, vocabulary.T, out=narrow))
            highest = wide.amax(dim=-1, keepdim=True)
            aimed_at = wide[real].gather(1, target)
            norm = wide.sub_(highest).exp_().sum(dim=-1, keepdim=True)
            total += (norm.log() + highest)[real].sum() - aimed_at.sum()
            wide.div_(norm)[real].scatter_add_(1, target, wide.new_full(target.shape, -1.0))
            gradient[start : start + _LOGIT_ROWS] = (narrow.copy_(wide) @ vocabulary)[real]
    carrier = (hidden * gradient).sum().float()  # a number whose gradient is the one worked out
    return total + (carrier - carrier.detach())


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
