"""What a model's provider says when it fails, as one of our error classes with something a person can do."""

from __future__ import annotations

import random
import re
from typing import NamedTuple

from agent.errors import ErrorClass, FailedError, words_of

__all__ = ["SETTINGS_HINT", "is_too_long", "model_error", "retry_pause_s", "without_keys"]

SETTINGS_HINT = "Check the [model] section of affidavit.toml: provider, name, base_url, api_key."
_TOO_LONG = ("context_length", "exceed_context_size", "context size", "maximum context length")
_MAX_MESSAGE = 300
_WITHHELD = "(withheld)"
_SHORTEST_KEY = 5
"""Characters; what is shorter, like the `none` sent to servers without keys, is a word and no secret."""
_TOKENS = re.compile(r"(?i)(?<=bearer )(?=[^ ]*\d)[\w.~+/=*-]{8,}|\bsk-[\w*.-]{6,}")
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 60.0
"""A provider that asks for more is asked again sooner: nobody waits that long for an answer."""


class _Row(NamedTuple):
    names: frozenset[str]
    """Of exception classes of the `openai` package and of whichever `httpx` it sends by; subclasses count."""
    error_class: ErrorClass
    message: str
    hint: str


def model_error(error: Exception, key: str = "") -> FailedError:
    """Whatever asking a model raised as a `FailedError`; what is not in the table is `model_other`.

    A connection error is read by what caused it, where that says more. Providers repeat what they were sent, so `key`,
    and whatever looks like one, is withheld from the message.
    """
    said = without_keys(" ".join(words_of(error).split()), key)[:_MAX_MESSAGE]
    if is_too_long(said):
        return FailedError(
            ErrorClass.MODEL_OTHER,
            f"The prompt does not fit the model's context: {said}",
            "Lower memory.max_pieces, raise model.context_tokens, or ask a shorter question.",
        )
    row = _row_of(error)
    if row is None:
        return FailedError(ErrorClass.MODEL_OTHER, f"The model's server failed: {said}", SETTINGS_HINT)
    return FailedError(row.error_class, row.message.format(said=said), row.hint)


def retry_pause_s(error: BaseException | None, tries: int) -> float:
    """Seconds to wait before a request that failed `tries` times is sent again.

    What the provider's `Retry-After` says (RFC 9110, section 10.2.3, in seconds); else 0.5, 1, 2 and so on, each up to
    a quarter shorter by chance, so that many who failed together do not come back together.
    """
    asked = getattr(getattr(error, "response", None), "headers", {}).get("retry-after", "")
    if asked.isdecimal() and int(asked) <= _LONGEST_PAUSE_S:
        return float(asked)
    pause = min(_FIRST_PAUSE_S * 2.0 ** (tries - 1), _LONGEST_PAUSE_S)
    return pause * random.uniform(0.75, 1.0)  # noqa: S311 (no secret)


def is_too_long(message: str) -> bool:
    """Whether a provider's message says that the prompt is longer than the model's context."""
    lowered = message.lower()
    return any(sign in lowered for sign in _TOO_LONG)


def without_keys(text: str, key: str) -> str:
    """The text without the key, without a token after `Bearer` and without tokens of the shape `sk-…`."""
    if len(key) >= _SHORTEST_KEY:
        text = text.replace(key, _WITHHELD)
    return _TOKENS.sub(_WITHHELD, text)


def _row_of(error: BaseException) -> _Row | None:
    """The first row of the table with a class of the error, or of the address being wrong as its cause."""
    cause = error.__cause__
    if cause is not None and _names(cause) & _WRONG_ADDRESS.names:
        return _WRONG_ADDRESS
    status = _BY_STATUS.get(getattr(error, "status_code", None) or 0)
    names = _names(error)
    return next((row for row in _TABLE if row is status or names & row.names), None)


def _names(error: BaseException) -> frozenset[str]:
    """The names of the error's classes, those of packages that have nothing to do with it left out."""
    return frozenset(base.__name__ for base in type(error).__mro__ if base.__module__.partition(".")[0] in _PACKAGES)


def _row(names: str, error_class: ErrorClass, message: str, hint: str) -> _Row:
    return _Row(frozenset(names.split()), error_class, message, hint)


_PACKAGES = ("openai", "httpx", "httpx2")
_WRONG_ADDRESS = _row(
    "InvalidURL UnsupportedProtocol",
    ErrorClass.SETTINGS,
    "model.base_url is no address that can be asked: {said}",
    "Write it as http://host:port/v1.",
)
_REFUSED = _row(
    "AuthenticationError PermissionDeniedError OAuthError SubjectTokenProviderError",
    ErrorClass.MODEL_AUTH,
    "The model's provider refuses the key: {said}",
    "Set AFFIDAVIT_MODEL__API_KEY to a key that may use this model.",
)
_TOO_LATE = _row(
    "APITimeoutError TimeoutException",
    ErrorClass.MODEL_TIMEOUT,
    "The model did not answer in time.",
    "Ask again, raise model.timeout_s, or lower model.samples.",
)
# In order: a timeout is a connection error to the `openai` package, so it comes before that.
_TABLE: tuple[_Row, ...] = (
    _WRONG_ADDRESS,
    _REFUSED,
    _row(
        "NotFoundError",
        ErrorClass.MODEL_MISSING,
        "The provider does not know the model: {said}",
        "Check model.name and model.base_url.",
    ),
    _row(
        "RateLimitError",
        ErrorClass.MODEL_RATE_LIMIT,
        "The provider's limit is reached: {said}",
        "Wait and ask again, or raise the quota.",
    ),
    _TOO_LATE,
    _row(
        "APIConnectionError TransportError WebSocketConnectionClosedError",
        ErrorClass.MODEL_UNREACHABLE,
        "The model's server cannot be reached: {said}",
        "Check model.base_url and that the server is running.",
    ),
    _row(
        "InternalServerError ConflictError",
        ErrorClass.MODEL_UNREACHABLE,
        "The model's server failed: {said}",
        "Ask again; if it fails again, look at the server's log.",
    ),
)
_BY_STATUS: dict[int, _Row] = {402: _REFUSED, 408: _TOO_LATE}
"""Statuses the `openai` package has no class for: nothing is paid for, and it took too long."""
