"""A model on loopback that does what it is told by whoever tells it last: the worst a prompt injection can make of one.

The product's own client speaks to it over HTTP, and every prompt it is sent is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.safety.loopback import JsonHandler, serving

__all__ = ["ObedientModel", "obedient_model"]


@dataclass
class ObedientModel:
    """Gives `replies` one after another, and the last of them for ever."""

    url: str = ""
    replies: list[str] = field(default_factory=lambda: ["SELECT 1"])
    prompts: list[str] = field(default_factory=list)
    """Contents of all messages it was sent."""

    def obey(self, *replies: str) -> None:
        """Forget what was, and give these from now on."""
        self.replies, self.prompts = list(replies), []

    def reply_to(self, request: dict[str, Any]) -> str:
        """The next reply."""
        self.prompts += [str(message["content"]) for message in request["messages"]]
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def obedient_model() -> Iterator[ObedientModel]:
    """One that serves until the block ends."""
    model = ObedientModel()

    class Handler(JsonHandler):
        def answer(self, request: dict[str, Any]) -> None:
            text = model.reply_to(request)
            choices = [
                {"index": index, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
                for index in range(request.get("n") or 1)
            ]
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            told = {"id": "1", "object": "chat.completion", "created": 1, "model": "obedient", "usage": usage}
            body = json.dumps({**told, "choices": choices}).encode()
            self.send_json(body)

    with serving(Handler) as url:
        model.url = url
        yield model
