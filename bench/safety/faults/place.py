"""The four engines with the demo warehouse in them, each with a workspace whose model follows a script.

The graph, the guard, the checks, the ledger and the database are the real ones. Only what the model says is given: the
broken draft first, and then, unless a real model is to repair it, something that is no help at all.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from agent.model.client import ModelClient
from agent.model.connect import open_model, prompt_style
from agent.model.connection import Connection
from agent.services import Services, open_services
from agent.settings import ModelSettings, Settings
from bench.safety.servers import empty_database
from demo.warehouse import build

__all__ = ["FILES", "Place", "opened_place"]

USELESS = "I am sorry, I cannot say."
FILES = Path(__file__).parents[3] / "demo" / "files"
_TOKEN_PROBABILITY = 0.999


@dataclass
class Script:
    """What the model will say: (text, why it ended), in order; after that `after` is asked, or nothing useful said."""

    replies: list[tuple[str, str]] = field(default_factory=list)
    after: ModelClient | None = None
    asked: int = 0


@dataclass(frozen=True)
class Place:
    """One engine, ready to be asked."""

    engine: str
    url: str
    services: Services
    script: Script


@contextmanager
def opened_place(engine: str, folder: Path, *, orders: int, repairer: Settings | None = None) -> Iterator[Place]:
    """A demo warehouse of that engine and a workspace over it, both gone afterwards.

    `repairer` are the settings whose model is asked once the script is at its end.

    Raises:
        NoServer: the engine is a server, and does not answer.
    """
    with ExitStack() as stack:
        url = stack.enter_context(empty_database(engine, folder, "faults"))
        build(url, orders=orders)
        workspace = folder / engine
        workspace.mkdir()
        shutil.copyfile(FILES / "metrics.yaml", workspace / "metrics.yaml")
        settings = Settings.model_validate(
            {
                "workspace": workspace,
                "warehouse": {"url": url},
                "model": {
                    "provider": "compatible",
                    "name": "script",
                    "base_url": "http://127.0.0.1:9/v1",
                    "samples": 1,
                },
                "memory": {"compile_plain": False},
                "limits": {"timeout_s": 10},
            }
        )
        script = Script(after=open_model(repairer) if repairer is not None else None)
        if script.after is not None:
            stack.callback(script.after.close)
            settings = settings.model_copy(update={"model": _asked_like(repairer or settings, settings)})
        services = stack.enter_context(open_services(settings, warm_up=False))
        client = ModelClient(lambda: Connection(_Scripted(script), "script", "script", "script", tries=1))  # type: ignore[arg-type]
        yield Place(engine, url, replace(services, model=client), script)


def _asked_like(repairer: Settings, settings: Settings) -> ModelSettings:
    """The script's settings, with prompts in the style that the repairing model is used to."""
    style = prompt_style(repairer.model)
    return settings.model.model_copy(update={"prompt_style": style, "max_tokens": repairer.model.max_tokens})


class _Scripted:
    """As much of an `openai` client as ours uses."""

    api_key = ""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.chat = SimpleNamespace(completions=SimpleNamespace(create=self._create))

    def close(self) -> None:
        """Nothing is held."""

    def _create(self, *, messages: Sequence[Any], n: int = 1, **_: Any) -> Any:
        self._script.asked += 1
        if not self._script.replies and self._script.after is not None:
            told = self._script.after.complete(messages, n=n)
            return _response([(completion.text, "stop", completion.confidence or 0.5) for completion in told])
        text, ended = self._script.replies.pop(0) if self._script.replies else (USELESS, "stop")
        return _response([(text, ended, _TOKEN_PROBABILITY)] * n)


def _response(texts: list[tuple[str, str, float]]) -> Any:
    choices = [
        SimpleNamespace(
            message=SimpleNamespace(content=text),
            finish_reason=ended,
            logprobs=SimpleNamespace(content=[SimpleNamespace(logprob=math.log(sure)) for _ in text.split() or [""]]),
        )
        for text, ended, sure in texts
    ]
    return SimpleNamespace(choices=choices, usage=SimpleNamespace(prompt_tokens=50, completion_tokens=40 * len(texts)))
