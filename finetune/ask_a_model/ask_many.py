"""Many requests to one model: several at a time, within a budget, and never paid for twice.

Replies are written down as they come, keyed by what was asked, so a run that was interrupted, or whose budget was
raised, goes on where it stopped. Each request is retried by the model's own client, with a pause that grows; one that
fails all the same costs its own reply only, unless several fail in a row.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from agent.errors import FailedError, handling
from agent.model.client import ModelClient
from agent.model.prompts import ChatMessage, prompt_hash
from finetune.ask_a_model.spending import Budget
from finetune.jsonl import append_record, cut_torn_tail, read_records

__all__ = ["Crew", "Request", "ask_many"]

_MAX_FAILURES_IN_A_ROW = 3


@dataclass(frozen=True, slots=True)
class Request:
    """One conversation to be answered."""

    messages: tuple[ChatMessage, ...]
    temperature: float
    max_tokens: int

    @property
    def key(self) -> str:
        """What names it among the replies that were kept."""
        return f"{prompt_hash(self.messages)}:{self.temperature:g}:{self.max_tokens}"


@dataclass(frozen=True, slots=True)
class Crew:
    """Who is asked, how many at a time, for how much, and where replies are kept."""

    model: ModelClient
    budget: Budget
    workers: int = 4
    replies: Path | None = None
    """A file of replies; None keeps none."""
    progress: Callable[[int, int], None] | None = None
    """Called with (replies there, requests)."""


def ask_many(crew: Crew, requests: Sequence[Request]) -> list[str | None]:
    """One reply per request, in their order; None where the budget was used up or the request failed.

    Raises:
        FailedError: the model cannot be asked at all, or several requests in a row failed.
        UsageError: the file of replies cannot be read or written, or a setting of the model is wrong.
    """
    return asyncio.run(_Asking(crew).all(requests))


class _Asking:
    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.known = _kept(crew.model.model_name, crew.replies)
        self.failures = 0
        self.given_up = False
        self.done = 0

    async def all(self, requests: Sequence[Request]) -> list[str | None]:
        turn = asyncio.Semaphore(self.crew.workers)
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(self.crew.workers))

        async def one(request: Request) -> str | None:
            async with turn:
                text = await self.reply(request)
            self.done += 1
            if self.crew.progress:
                self.crew.progress(self.done, len(requests))
            return text

        tasks = [asyncio.create_task(one(request)) for request in requests]
        try:
            return list(await asyncio.gather(*tasks))
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def reply(self, request: Request) -> str | None:
        if self.given_up:  # the next in turn starts before the failure has cancelled it
            return None
        if request.key in self.known:
            return self.known[request.key]
        reserved = self.crew.budget.reserve(request.messages, request.max_tokens)
        if reserved is None:
            return None
        try:
            text = await asyncio.to_thread(self._ask, request)
        except FailedError as failure:
            self.failures += 1
            if not handling(failure.error_class).retryable or self.failures >= _MAX_FAILURES_IN_A_ROW:
                self.given_up = True
                raise
            return None
        finally:
            self.crew.budget.settle(reserved)
        self.failures = 0
        self.known[request.key] = text
        if self.crew.replies is not None:
            append_record(self.crew.replies, {"key": request.key, "model": self.crew.model.model_name, "reply": text})
        return text

    def _ask(self, request: Request) -> str:
        (completion,) = self.crew.model.complete(
            request.messages, temperature=request.temperature, max_tokens=request.max_tokens
        )
        return completion.text


def _kept(model: str, path: Path | None) -> dict[str, str]:
    """The replies of an earlier run by this model."""
    if path is None or not path.exists():
        return {}
    cut_torn_tail(path)
    return {
        str(record["key"]): str(record["reply"])
        for _, record in read_records(path)
        if record.get("model") == model and "key" in record and "reply" in record
    }
