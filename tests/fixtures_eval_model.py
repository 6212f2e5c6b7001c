"""A model on loopback that speaks the OpenAI chat API and answers from a script: what it was asked is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.safety.loopback import JsonHandler, serving

__all__ = ["ScriptedModel", "scripted_model"]


class ScriptedModel:
    """Answers with the SQL of the longest scripted question found in the prompt's last message; else with prose."""

    def __init__(self) -> None:
        self.script: dict[str, str] = {}
        self.prompts: list[list[dict[str, str]]] = []
        self.url = ""

    def reply(self, messages: list[dict[str, str]]) -> str:
        """The text for one conversation."""
        self.prompts.append(messages)
        known = [question for question in self.script if question in messages[-1]["content"]]
        return self.script[max(known, key=len)] if known else "I cannot say."


@contextmanager
def scripted_model() -> Iterator[ScriptedModel]:
    """A model that serves until the block ends."""
    model = ScriptedModel()

    class Handler(JsonHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, request: dict[str, Any]) -> None:
            text = model.reply(request["messages"])
            token = {"token": text, "logprob": -0.05, "bytes": None, "top_logprobs": []}
            choices = [
                {
                    "index": i,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": text},
                    "logprobs": {"content": [token]},
                }
                for i in range(request.get("n") or 1)
            ]
            usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
            body = json.dumps(
                {"id": "1", "object": "chat.completion", "created": 1, "model": "scripted", "choices": choices,
                 "usage": usage}
            ).encode()  # fmt: skip
            self.send_json(body)

    with serving(Handler) as url:
        model.url = url
        yield model
