"""Chat records to token batches: prompt masked, sequences of like length together, order fixed by the seed.

Short batches are what makes training on two CPU cores bearable: padding is wasted work, so records are
shuffled, sorted by length inside a window, cut into batches of about equal token count, and shuffled again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from agent.errors import ErrorClass, UsageError

__all__ = ["Example", "end_of_turn", "load_examples", "padded_width", "plan_batches"]

_WIDTH_STEP = 32
"""Widths are padded to multiples of this, so that the matrix kernels compiled for one batch serve the next."""

_WINDOW_BATCHES = 40
"""How many batches' worth of records are sorted by length together."""


class Tokenizer(Protocol):
    """The two calls we need of a `transformers` tokenizer."""

    def apply_chat_template(self, conversation: Any, *, tokenize: bool, add_generation_prompt: bool) -> str: ...
    def __call__(self, text: str, *, add_special_tokens: bool) -> Any: ...


@dataclass(frozen=True, slots=True)
class Example:
    """One record as token ids; the first `prompt_length` carry no loss."""

    tokens: tuple[int, ...]
    prompt_length: int


def end_of_turn(tokenizer: Tokenizer) -> str:
    """What the chat template puts after a reply: the end that the model must learn to write.

    Raises:
        UsageError: the model has no chat template.
    """
    said = "SELECT 1"
    conversation = [{"role": "user", "content": "question"}, {"role": "assistant", "content": said}]
    try:
        whole = tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=False)
    except ValueError as error:
        raise UsageError(
            ErrorClass.SETTINGS, f"The base model has no chat template: {error}", "Give an instruction-tuned model."
        ) from error
    return whole.rpartition(said)[2]


def load_examples(path: Path, tokenizer: Tokenizer, *, end_of_turn: str, max_tokens: int = 768) -> list[Example]:
    """Read OpenAI chat records (`{"messages": [...]}` per line, the assistant's SQL last) and tokenise them.

    Records longer than `max_tokens` are left out: one of them would set the padding of its whole batch.

    Raises:
        UsageError: the file is missing, or a line is not such a record (its number is named).
    """
    examples = []
    for number, line in enumerate(_lines(path), start=1):
        try:
            *prompt, reply = json.loads(line)["messages"]
            completion = reply["content"]
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                ErrorClass.SETTINGS,
                f"{path}, line {number}: not a chat record.",
                "Build it with `affidavit pairs dataset`.",
            ) from error
        head = tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True)
        head_ids = tokenizer(head, add_special_tokens=False)["input_ids"]
        tail_ids = tokenizer(completion + end_of_turn, add_special_tokens=False)["input_ids"]
        if len(head_ids) + len(tail_ids) <= max_tokens:
            examples.append(Example((*head_ids, *tail_ids), len(head_ids)))
    return examples


def padded_width(batch: Sequence[Example]) -> int:
    """Tokens per row of a batch: its longest sequence, and padding up to a common width."""
    return -(-max(len(example.tokens) for example in batch) // _WIDTH_STEP) * _WIDTH_STEP


def plan_batches(examples: Sequence[Example], *, batch_tokens: int, seed: int, epoch: int) -> list[list[int]]:
    """Indices of `examples` per batch; a pure function of its arguments, so that a resumed run sees the same order."""
    rng = random.Random(f"{seed}:{epoch}")  # noqa: S311  (an order to train in, not a secret)
    order = list(range(len(examples)))
    rng.shuffle(order)
    mean_length = max(1, sum(len(example.tokens) for example in examples) // max(1, len(examples)))
    window = max(1, _WINDOW_BATCHES * batch_tokens // mean_length)
    batches: list[list[int]] = []
    for start in range(0, len(order), window):
        batches.extend(
            _cut(sorted(order[start : start + window], key=lambda i: len(examples[i].tokens)), examples, batch_tokens)
        )
    rng.shuffle(batches)
    return batches


def _cut(indices: Sequence[int], examples: Sequence[Example], batch_tokens: int) -> Iterator[list[int]]:
    batch: list[int] = []
    for index in indices:
        if batch and (len(batch) + 1) * padded_width([examples[index]]) > batch_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise UsageError(
            ErrorClass.SETTINGS,
            f"Cannot read the dataset {path}: {error.strerror}.",
            "Build it with `affidavit pairs dataset`.",
        ) from error
