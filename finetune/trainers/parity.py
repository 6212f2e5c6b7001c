"""Does the converted adapter, served by llama.cpp, say what the trainer's model says?

A wrong head permutation or a lost scale still gives a loadable file and fluent nonsense. So both runtimes are asked
for the next token at the same places, and their log-probabilities are compared. They need not be equal: the server
computes on quantised weights and activations, the trainer on their de-quantised copies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.trainers.batches import Example

__all__ = ["Parity", "compare_with_server"]

_TOP = 5
MAX_MEAN_DIFFERENCE = 0.25
"""Mean |difference| of log-probabilities, in nats, above which a conversion is wrong rather than quantised."""
MIN_TOP1_AGREEMENT = 0.9


@dataclass(frozen=True, slots=True)
class Parity:
    """How far two runtimes agree on the next token."""

    positions: int
    top1_agreement: float
    """Share of positions at which both put the same token first."""
    mean_difference: float
    """Mean |difference| of the log-probability of the trainer's first token, in nats."""

    @property
    def holds(self) -> bool:
        """Whether the served adapter is the trained one."""
        return self.top1_agreement >= MIN_TOP1_AGREEMENT and self.mean_difference <= MAX_MEAN_DIFFERENCE


def compare_with_server(
    next_token_logprobs: Callable[[Sequence[int]], Any],
    examples: Sequence[Example],
    base: Path,
    adapter: Path,
    *,
    per_example: int = 3,
) -> Parity:
    """Compare at `per_example` places inside each example's completion.

    `next_token_logprobs` maps token ids to the trainer's log-probabilities over the vocabulary, shape (vocabulary,).
    """
    from openai import OpenAI

    from agent.model.embedded import EmbeddedServer

    agreed, differences = 0, []
    with EmbeddedServer(base, adapter) as server:
        client = OpenAI(base_url=server.base_url, api_key=server.api_key)
        for example in examples:
            for prefix in _prefixes(example, per_example):
                trained = next_token_logprobs(prefix)
                best = int(trained.argmax())
                served = _served_logprobs(client, prefix)
                if not served:  # the server would end the text here, and says no more than that
                    continue
                agreed += max(served, key=served.__getitem__) == best
                # a token the server does not even list is at most as likely as the last it does
                differences.append(abs(float(trained[best]) - served.get(best, min(served.values()))))
    count = len(differences)
    return Parity(count, agreed / max(1, count), sum(differences) / max(1, count))


def _prefixes(example: Example, count: int) -> list[list[int]]:
    span = len(example.tokens) - example.prompt_length
    return [list(example.tokens[: example.prompt_length + span * i // count]) for i in range(count)]


def _served_logprobs(client: Any, prefix: list[int]) -> dict[int, float]:
    """Token id to log-probability for the server's most likely next tokens; empty where it ends the text."""
    reply = client.completions.create(
        model="embedded", prompt=prefix, max_tokens=1, temperature=0.0, logprobs=_TOP, extra_body={"n_probs": _TOP}
    )
    told = reply.choices[0].logprobs
    if told is None:
        return {}
    (position,) = told.model_extra["content"]
    return {int(top["id"]): float(top["logprob"]) for top in position["top_logprobs"]}
