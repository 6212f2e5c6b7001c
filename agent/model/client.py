"""The one way a model is spoken to: the `openai` client, whoever answers behind it.

What differs between providers (which parameters they refuse, whether they say token probabilities, whether `n`
is honoured) is settled here, so that the steps of a run never ask who is answering. Connecting is lazy and may
run in the background: a run that is answered from a verified query never waits for a model.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from agent.errors import AffidavitError, ErrorClass, FailedError, handling
from agent.model.connection import Connection, LazyConnection
from agent.model.failures import SETTINGS_HINT, is_too_long, model_error, retry_pause_s
from agent.model.prompts import ChatMessage

if TYPE_CHECKING:
    import openai

__all__ = ["Completion", "ModelClient", "Usage"]

_OPTIONAL = ("top_logprobs", "logprobs", "seed", "n", "temperature", "max_tokens")
"""Parameters some provider or model refuses. Each is dropped, once and for good, when an answer names it."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Completion:
    """One text a model gave."""

    text: str
    confidence: float | None
    """Geometric mean of its tokens' probabilities, 0..1; None when the provider does not say."""
    tokens: int
    model: str
    prompt_tokens: int = 0
    """What the request itself cost; of several completions of one request, the first says it."""
    cut_off: bool = False
    """Whether the provider stopped it at the longest reply: what is there is only the beginning."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens spent through one client."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class ModelClient:
    """Asks one model for completions.

    `connect` makes the connection when it is first needed, or when `warm_up` is called. `label` is what the settings
    call the model, which is known even when it cannot be reached.
    """

    def __init__(self, connect: Callable[[], Connection], *, max_tokens: int = 400, label: str = "") -> None:
        self.label = label
        self._connection = LazyConnection(connect)
        self._max_tokens = max_tokens
        self._refused: set[str] = set()
        self._usage = Usage()
        self._lock = threading.Lock()

    @property
    def model_name(self) -> str:
        """What the record calls the model; connects if need be."""
        return self._connection.get().name

    @property
    def model_hash(self) -> str:
        """What the record knows the model's bytes by; connects if need be."""
        return self._connection.get().hash

    @property
    def takes_grammars(self) -> bool:
        """Whether output can be held to a GBNF grammar; connects if need be."""
        return self._connection.get().grammars

    @property
    def usage(self) -> Usage:
        """Tokens spent so far."""
        return self._usage

    def start(self) -> float:
        """Wait until the model can be asked; gives the milliseconds that took, next to none once it has started.

        Raises:
            UsageError, FailedError: it cannot be connected to, fetched or started.
        """
        began = time.perf_counter()
        self._connection.get()
        return (time.perf_counter() - began) * 1000

    def warm_up(self) -> threading.Thread:
        """Start connecting in the background; a failure waits for the first `complete`."""
        # Here, not in the thread, where two that import can meet half-made modules; making a client imports httpx.
        import httpx  # noqa: F401
        import openai  # noqa: F401

        def connect() -> None:
            try:
                self._connection.get()
            except AffidavitError:
                return  # kept, and raised to whoever asks for a completion

        thread = threading.Thread(target=connect, name="affidavit-model", daemon=True)
        thread.start()
        return thread

    def complete(
        self,
        messages: Sequence[ChatMessage],
        *,
        n: int = 1,
        temperature: float = 0.0,
        grammar: str | None = None,
        max_tokens: int | None = None,
    ) -> list[Completion]:
        """`n` completions of one conversation, decoded in one batch where the provider can.

        Raises:
            FailedError: with a `model_*` class; one that is retryable, after `Connection.tries` tries.
        """
        connection = self._connection.get()
        extra: dict[str, Any] = {"grammar": grammar} if grammar and connection.grammars else {}
        wanted: dict[str, Any] = {
            "n": n if n > 1 else None,
            "temperature": temperature,
            "max_tokens": max_tokens or self._max_tokens,
            "logprobs": True,
            "top_logprobs": 1 if connection.grammars else None,  # llama.cpp sends 20 unless told
        }
        completions: list[Completion] = []
        # A provider that ignores `n` gives one at a time; never ask more often than texts are wanted.
        for _ in range(n):
            missing = n - len(completions)
            if missing <= 0:
                break
            parameters = {**wanted, "n": missing if missing > 1 else None}
            response = self._tried(connection, partial(self._sent, connection, messages, parameters, extra))
            completions += self._read(response, connection)[:missing]
        return completions

    def close(self) -> None:
        """Let go of the connection; an embedded server stops."""
        self._connection.close()

    def _tried(self, connection: Connection, send: Callable[[], Any]) -> Any:
        """What `send` gives; it is called again after a pause while its failure may pass."""
        tries = 1
        while True:
            try:
                return send()
            except FailedError as failure:
                if tries >= connection.tries or not handling(failure.error_class).retryable:
                    raise
                pause_s = retry_pause_s(failure.__cause__, tries)
                _log.warning("model.retry", error_class=failure.error_class.value, tries=tries, pause_s=pause_s)
                time.sleep(pause_s)
                tries += 1

    def _sent(
        self,
        connection: Connection,
        messages: Sequence[ChatMessage],
        wanted: Mapping[str, Any],
        extra: Mapping[str, Any],
    ) -> Any:
        """The response to one request; a parameter that the provider refuses is left out from then on."""
        import openai

        for _ in range(len(_OPTIONAL) + 1):
            given = {key: value for key, value in wanted.items() if value is not None and key not in self._refused}
            if "max_tokens" in self._refused:
                given["max_completion_tokens"] = wanted["max_tokens"]
            body = {"model": connection.request_name, "messages": list(messages), **given}
            try:
                return connection.client.chat.completions.create(**body, extra_body=dict(extra) or None)
            except openai.BadRequestError as error:
                refused = _refused_parameter(error, given)
                if refused is None:
                    raise model_error(error, connection.client.api_key) from error
                self._refused.add(refused)
            except Exception as error:  # adapter boundary: besides the client's own, httpx's and a body that is no JSON
                raise model_error(error, connection.client.api_key) from error
        raise FailedError(ErrorClass.MODEL_OTHER, "The provider refuses every form of the request.", SETTINGS_HINT)

    def _read(self, response: Any, connection: Connection) -> list[Completion]:
        choices = getattr(response, "choices", None)
        if not choices:
            raise FailedError(
                ErrorClass.MODEL_OTHER,
                "What answered does not speak the OpenAI chat API: it gave no choices.",
                "Check model.base_url; it usually ends in /v1.",
            )
        usage = response.usage
        told = usage.completion_tokens if usage is not None else 0
        asked = usage.prompt_tokens if usage is not None else 0
        completions = [
            _completion(choice, connection.name, told // len(choices), 0 if index else asked)
            for index, choice in enumerate(choices)
        ]
        spent = max(told, sum(completion.tokens for completion in completions))
        with self._lock:
            self._usage = Usage(
                self._usage.requests + 1,
                self._usage.prompt_tokens + asked,
                self._usage.completion_tokens + spent,
            )
        return completions


def _refused_parameter(error: openai.BadRequestError, given: Mapping[str, Any]) -> str | None:
    """The optional parameter a 400 complains of: named in `param`, or in its message."""
    if error.param in _OPTIONAL and error.param in given:
        return str(error.param)
    message = str(error).lower()
    if is_too_long(message):
        return None
    quoted = (f"'{name}'" for name in _OPTIONAL)
    return next((name for name, mark in zip(_OPTIONAL, quoted, strict=True) if name in given and mark in message), None)


def _completion(choice: Any, model: str, tokens_told: int, prompt_tokens: int) -> Completion:
    entries = choice.logprobs.content if choice.logprobs is not None else None
    confidence = math.exp(sum(entry.logprob for entry in entries) / len(entries)) if entries else None
    return Completion(
        text=choice.message.content or "",
        confidence=None if confidence is None else min(1.0, confidence),
        tokens=len(entries) if entries else tokens_told,
        model=model,
        prompt_tokens=prompt_tokens,
        cut_off=choice.finish_reason == "length",
    )
