"""A connection to a model, and how it is made: once, when it is first needed or before, in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.errors import AffidavitError, ErrorClass, FailedError

if TYPE_CHECKING:
    import openai

__all__ = ["Connection", "LazyConnection"]

_CLOSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Connection:
    """A model that can be asked, and how to let go of it."""

    client: openai.OpenAI
    request_name: str
    """What the provider calls it (the deployment, for Azure)."""
    name: str
    """What the record calls it."""
    hash: str
    """sha256 over the model file's and the adapter file's hashes when embedded; else the name."""
    grammars: bool = False
    """True: it takes a GBNF grammar per request."""
    tries: int = 3
    """How often a request is sent at most while it fails in a way that may pass. The `openai` client, which would
    retry by rules of its own, is told not to."""
    close: Callable[[], None] = lambda: None


@dataclass(slots=True)
class LazyConnection:
    """A connection that is made at most once, by whoever needs it first. Safe to share between threads."""

    connect: Callable[[], Connection]
    lock: threading.Lock = field(default_factory=threading.Lock)
    made: Connection | None = None
    failed: AffidavitError | None = None
    closed: bool = False

    def get(self) -> Connection:
        """The connection, made now unless it was; a failure to make it is kept and raised again."""
        with self.lock:
            if self.failed is not None:
                raise self.failed
            if self.made is None and not self.closed:
                try:
                    self.made = self.connect()
                except AffidavitError as error:
                    self.failed = error
                    raise
            if self.closed:
                self._release()
            if self.made is None:
                raise FailedError(ErrorClass.MODEL_OTHER, "The model was closed.", "Open the workspace again.")
            return self.made

    def close(self) -> None:
        """Let go of it, or see to it that whoever is making it does."""
        self.closed = True
        # A thread that is still fetching or starting the model sees `closed` when it is done and lets go itself.
        if self.lock.acquire(timeout=_CLOSE_SECONDS):
            try:
                self._release()
            finally:
                self.lock.release()

    def _release(self) -> None:
        made, self.made = self.made, None
        if made is not None:
            made.client.close()
            made.close()
