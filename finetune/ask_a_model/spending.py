"""What asking a model costs, and a budget that is kept: tokens counted, money computed, and nothing sent beyond it.

Hundreds of requests to a hosted model cost real money, and several are under way at once. So each is reserved at the
most it can cost before it is sent, and what it did cost is read from the client's own count of tokens afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.errors import ErrorClass, UsageError
from agent.model.client import ModelClient
from agent.model.prompts import ChatMessage

__all__ = ["Budget", "Prices", "Spent"]

_PER = 1_000_000
_CHARACTERS_PER_TOKEN = 2
"""Fewer than any tokenizer needs for English or SQL, so that a reservation is never too small."""
_MESSAGE_TOKENS = 16
"""What a chat template adds to a message, at most."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What a provider takes for a million tokens, in whatever currency the budget is in; an own model costs nothing."""

    prompt: float = 0.0
    completion: float = 0.0

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """The price of so many tokens."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / _PER


@dataclass(frozen=True, slots=True)
class Spent:
    """What was used."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: float


class Budget:
    """Lets requests to one model pass as long as the most they can cost fits. Not safe to share between threads."""

    def __init__(self, model: ModelClient, prices: Prices, max_cost: float | None = None) -> None:
        """`max_cost` None is no limit.

        Raises:
            UsageError: there is a limit, and no price to hold it with.
        """
        if max_cost is not None and not (prices.prompt or prices.completion):
            raise UsageError(
                ErrorClass.SETTINGS,
                "A cost can only be limited when the prices are known.",
                "Give --price-in and --price-out, per million tokens, as your provider lists them.",
            )
        self._model, self._prices, self._max_cost = model, prices, max_cost
        self._before = model.usage
        self._reserved = 0.0
        self.exhausted = False
        """Whether a request was held back."""

    def reserve(self, messages: Sequence[ChatMessage], max_tokens: int) -> float | None:
        """Set aside what the request may cost at most; None when that is more than is left."""
        letters = sum(len(message["content"]) for message in messages)
        prompt = letters // _CHARACTERS_PER_TOKEN + _MESSAGE_TOKENS * len(messages)
        most = self._prices.cost(prompt, max_tokens)
        if self._max_cost is not None and self.spent.cost + self._reserved + most > self._max_cost:
            self.exhausted = True
            return None
        self._reserved += most
        return most

    def settle(self, reserved: float) -> None:
        """Give back a reservation; what the request did cost is in the client's count by now."""
        self._reserved -= reserved

    @property
    def spent(self) -> Spent:
        """What was used since the budget was made."""
        now, before = self._model.usage, self._before
        prompt = now.prompt_tokens - before.prompt_tokens
        completion = now.completion_tokens - before.completion_tokens
        return Spent(now.requests - before.requests, prompt, completion, self._prices.cost(prompt, completion))
