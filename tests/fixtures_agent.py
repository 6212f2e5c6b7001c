"""A model on loopback that speaks the OpenAI chat API and follows a script; everything it was asked is kept.

The product's real client talks to it over real HTTP, so that requests, retries, refusals and broken replies are the
ones a provider would give.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.safety.loopback import JsonHandler, serving

__all__ = ["Reply", "ScriptedProvider", "scripted_provider"]


@dataclass(frozen=True)
class Reply:
    """What the provider answers to one request."""

    texts: tuple[str, ...] = ("SELECT 1",)
    """One per choice asked for; the last one is repeated."""
    status: int = 200
    body: str | None = None
    """Sent instead of a completion when given."""
    probability: float | None = 0.9
    """Of every token; None sends no logprobs."""
    hang_up: bool = False
    """Close the connection in the middle of the reply."""
    delay_s: float = 0.0
    finish: str = "stop"
    choices: int | None = None
    """Send so many choices, whatever `n` said."""


Script = Callable[[dict[str, Any]], Reply]


@dataclass
class ScriptedProvider:
    """The script and what came of it. `replies` go first, in order; then `answer` is asked for each request."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    answer: Script = lambda _request: Reply()
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, *texts: str) -> None:
        """Answer every request from now on with these texts, one per choice."""
        self.answer = lambda _request: Reply(texts)

    def next_reply(self, path: str, key: str, request: dict[str, Any]) -> Reply:
        """The reply to one request, which is put into the history."""
        with self.lock:
            self.paths.append(path)
            self.keys.append(key)
            self.requests.append(request)
            return self.replies.pop(0) if self.replies else self.answer(request)


@contextmanager
def scripted_provider() -> Iterator[ScriptedProvider]:
    """A provider that serves until the block ends."""
    provider = ScriptedProvider()

    class Handler(JsonHandler):
        def answer(self, request: dict[str, Any]) -> None:
            key = self.headers.get("Authorization", "") or self.headers.get("api-key", "")
            reply = provider.next_reply(self.path, key, request)
            if reply.delay_s:
                threading.Event().wait(reply.delay_s)
            body = (reply.body if reply.body is not None else _completion(reply, request)).encode()
            try:
                self.send_json(body, status=reply.status, promised=len(body) + (100 if reply.hang_up else 0))
            except (BrokenPipeError, ConnectionResetError):  # the client gave up waiting, as it was meant to
                return

    with serving(Handler) as url:
        provider.url = url
        yield provider


def _completion(reply: Reply, request: dict[str, Any]) -> str:
    count = reply.choices if reply.choices is not None else request.get("n") or 1
    texts = [reply.texts[min(index, len(reply.texts) - 1)] for index in range(count)]
    choices = [
        {
            "index": index,
            "finish_reason": reply.finish,
            "message": {"role": "assistant", "content": text},
            "logprobs": _logprobs(text, reply.probability) if request.get("logprobs") else None,
        }
        for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": 50, "completion_tokens": 7 * count, "total_tokens": 50 + 7 * count}
    return json.dumps(
        {"id": "c1", "object": "chat.completion", "created": 1, "model": request["model"], "choices": choices}
        | {"usage": usage}
    )


def _logprobs(text: str, probability: float | None) -> dict[str, Any] | None:
    import math

    if probability is None:
        return None
    entry = {"logprob": math.log(probability), "bytes": None, "top_logprobs": []}
    return {"content": [{"token": word, **entry} for word in text.split() or [""]]}
