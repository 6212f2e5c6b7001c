"""Which LoRA adapter the embedded model is served with, read from the workspace's `models.json`.

The agent serves adapters and must not import the room that trains and promotes them, so the *reading* half of
the registry lives here: what is registered, what is promoted, and whether the file on disk is still the one
that was registered. `finetune.adapters.registry` builds the writing half (register, promote, roll back) on these
values.

`models.json`, one JSON object:

    {"version": 1,
     "adapters": [{"name", "path", "sha256", "base", "dataset_hash", "created", "dialect",
                   "figures": {...} | null, "made_from", "despite_revoked"}, ...],
     "promoted": ["first", "second"],            the stack of promotions; the last one is served
     "history":  [{"at", "action", "name", "previous", "by", "forced"}, ...]}

A relative `path` is taken from the state folder, so a workspace may be moved.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from agent.errors import ErrorClass, FailedError, UsageError
from agent.settings import Settings

__all__ = [
    "NO_ADAPTER",
    "REGISTRY_NAME",
    "Adapter",
    "AdapterFigures",
    "Promotion",
    "Registry",
    "adapter_dialect",
    "adapter_file",
    "checked_file",
    "file_sha256",
    "promoted_adapter",
    "read_registry",
    "resolve_adapter",
]

REGISTRY_NAME = "models.json"
NO_ADAPTER = "none"
"""The adapter name that asks for the bare base model even where an adapter is promoted."""

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class AdapterFigures:
    """What an evaluation said of an adapter: enough to compare it with another on the same questions."""

    right: int
    total: int
    answered: int
    wrong: int
    pack_hash: str
    """sha256 of the questions and gold SQL it was asked; figures of different packs do not compare."""
    gold_hash: str
    """sha256 over the gold results, so that the same pack on other rows is not taken for the same test."""
    evaluated: str
    """ISO 8601 time of the evaluation."""

    @property
    def accuracy(self) -> float:
        """Execution accuracy in 0..1 over all questions, answered or not."""
        return self.right / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Adapter:
    """One registered adapter: a GGUF file, what it was made from, and how it did."""

    name: str
    path: str
    sha256: str
    base: str
    dataset_hash: str
    created: str
    dialect: str = ""
    """sqlglot name of the dialect it was trained to write; empty for the warehouse's own."""
    figures: AdapterFigures | None = None
    made_from: tuple[str, ...] = ()
    """The sha256 of adapters whose weights it went on from, or is the mean of."""
    despite_revoked: tuple[str, ...] = ()
    """Runs whose reviews had been revoked when it was trained on them all the same."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """One change of the served adapter; an empty name stands for the bare base model."""

    at: str
    action: str
    name: str
    previous: str
    by: str
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything `models.json` says."""

    adapters: tuple[Adapter, ...] = ()
    promoted: tuple[str, ...] = ()
    history: tuple[Promotion, ...] = ()

    @property
    def current(self) -> Adapter | None:
        """The adapter being served, or None for the bare base model."""
        return self.adapter(self.promoted[-1]) if self.promoted else None

    def adapter(self, name: str) -> Adapter | None:
        """The registered adapter of that name."""
        return next((adapter for adapter in self.adapters if adapter.name == name), None)


def read_registry(state_dir: Path) -> Registry:
    """What is registered in the workspace whose `.affidavit` folder is `state_dir`; empty when nothing is.

    Raises:
        UsageError: the file cannot be read, is not the JSON described above, or promotes an unknown name.
    """
    path = state_dir / REGISTRY_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Registry()
    except (OSError, ValueError) as error:
        raise _broken(path, f"it cannot be read: {error}") from error
    if not isinstance(content, dict) or content.get("version") != _FORMAT:
        raise _broken(path, f"it is not a version {_FORMAT} registry")
    try:
        registry = Registry(
            adapters=tuple(_adapter(entry) for entry in content.get("adapters", ())),
            promoted=tuple(str(name) for name in content.get("promoted", ())),
            history=tuple(Promotion(**entry) for entry in content.get("history", ())),
        )
    except (TypeError, KeyError) as error:
        raise _broken(path, f"an entry has missing or unknown keys: {error}") from error
    unknown = sorted(set(registry.promoted) - {adapter.name for adapter in registry.adapters})
    if unknown:
        raise _broken(path, f"it promotes `{unknown[0]}`, which is not registered")
    return registry


def promoted_adapter(state_dir: Path) -> Adapter | None:
    """The adapter that is served unless the settings name another; None is the bare base model.

    Raises:
        UsageError: `models.json` is broken.
    """
    return read_registry(state_dir).current


def resolve_adapter(settings: Settings) -> Path | None:
    """The adapter file to serve: the one the settings name, else the promoted one, else None.

    `settings.model.adapter` is a registered name, `none` (the bare base model whatever is promoted) or a path;
    a relative path is taken from the workspace. A registered file is checked against its sha256.

    Raises:
        UsageError: the name is neither registered nor a file, or `models.json` is broken.
        FailedError: the registered file is missing (`model_missing`) or was changed (`model_corrupt`).
    """
    wanted = settings.model.adapter
    if wanted is not None and wanted.lower() == NO_ADAPTER:
        return None
    registry = read_registry(settings.state_dir)
    adapter = registry.current if wanted is None else registry.adapter(wanted)
    if adapter is not None:
        return checked_file(adapter, settings.state_dir)
    if wanted is None:
        return None
    path = settings.workspace / Path(wanted).expanduser()
    if path.is_file():
        return path
    names = ", ".join(f"`{known.name}`" for known in registry.adapters) or "none"
    raise UsageError(
        ErrorClass.MODEL_MISSING,
        f"`{wanted}` is neither a registered adapter nor a file. Registered: {names}.",
        "See `affidavit models list`; `none` asks the base model without an adapter.",
    )


def adapter_dialect(settings: Settings) -> str:
    """The dialect that the adapter being served writes; empty when it is the warehouse's own, or not known.

    Raises:
        UsageError: `models.json` is broken.
    """
    wanted = settings.model.adapter
    if settings.model.provider != "embedded" or (wanted or "").lower() == NO_ADAPTER:
        return ""
    registry = read_registry(settings.state_dir)
    adapter = registry.current if wanted is None else registry.adapter(wanted)
    return "" if adapter is None else adapter.dialect


def adapter_file(adapter: Adapter, state_dir: Path) -> Path:
    """Where the adapter's file should be; says nothing about whether it is there."""
    return state_dir / adapter.path


def checked_file(adapter: Adapter, state_dir: Path) -> Path:
    """The adapter's file, once its bytes are known to be the registered ones (10 MB take some 10 ms).

    Raises:
        FailedError: the file is missing (`model_missing`) or its sha256 differs (`model_corrupt`).
    """
    path = adapter_file(adapter, state_dir)
    try:
        found = file_sha256(path)
    except OSError as error:
        raise FailedError(
            ErrorClass.MODEL_MISSING,
            f"Adapter `{adapter.name}` cannot be read from {path}: {error.strerror or error}.",
            "Put the file back, register it again, or serve another with `affidavit models rollback`.",
        ) from error
    if found != adapter.sha256:
        raise FailedError(
            ErrorClass.MODEL_CORRUPT,
            f"Adapter `{adapter.name}` is not the registered file: {path} has sha256 {found[:12]}…, "
            f"registered was {adapter.sha256[:12]}….",
            "Put the registered file back, or register the new one under its own name and evaluate it.",
        )
    return path


def file_sha256(path: Path) -> str:
    """The hex sha256 of a file's bytes.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _adapter(entry: dict[str, Any]) -> Adapter:
    known = {field.name for field in fields(Adapter)}
    if set(entry) - known:
        raise TypeError(", ".join(sorted(set(entry) - known)))
    figures = entry.get("figures")
    lists = {name: tuple(entry.get(name) or ()) for name in ("made_from", "despite_revoked")}
    return Adapter(**{**entry, **lists, "figures": None if figures is None else AdapterFigures(**figures)})


def _broken(path: Path, problem: str) -> UsageError:
    return UsageError(
        ErrorClass.WORKSPACE,
        f"{path} is broken: {problem}.",
        "Mend it or move it away; without it the base model is served without an adapter.",
    )
