"""Which adapters a workspace knows, which one it serves, and how that changed.

A better model must be let in, a worse one kept out, and a regretted one taken back with one command. So every
adapter is registered by its bytes (sha256) with what it was made from and how it was evaluated; promoting
refuses a file that is missing or changed and an adapter that cannot be shown to be no worse than the one being
served; and each change is put on the ledger, through a callable passed in, *before* it takes effect.

The format of `models.json` and its reading half are in `agent.model.adapters`, because the agent serves what is
promoted and may not import this room.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.errors import ErrorClass, FailedError, RefusedError, UsageError
from agent.model.adapters import (
    NO_ADAPTER,
    REGISTRY_NAME,
    Adapter,
    AdapterFigures,
    Promotion,
    Registry,
    adapter_file,
    checked_file,
    file_sha256,
    promoted_adapter,
    read_registry,
    resolve_adapter,
)
from agent.settings import Settings

__all__ = [
    "NO_ADAPTER",
    "Adapter",
    "AdapterFigures",
    "Change",
    "Promotion",
    "RecordChange",
    "Registry",
    "adapter_hash",
    "attach_figures",
    "keep_copy",
    "promote",
    "promoted_adapter",
    "read_registry",
    "register",
    "registered",
    "resolve_adapter",
    "rollback",
    "with_model",
]

RecordChange = Callable[[str, dict[str, Any]], object]
"""`record(kind, body)`: puts one record on the ledger, or raises; nothing changes if it raises."""

_ADAPTERS_FOLDER = "adapters"


@dataclass(frozen=True, slots=True)
class Change:
    """What a promotion or rollback did, and what a person should know about it."""

    promotion: Promotion
    adapter: Adapter | None
    """The adapter served from now on; None is the bare base model."""
    warning: str = ""


def register(
    state_dir: Path,
    name: str,
    file: Path,
    *,
    base: str,
    dataset_hash: str,
    created: datetime,
    dialect: str = "",
    made_from: Sequence[str] = (),
    despite_revoked: Sequence[str] = (),
) -> Adapter:
    """Make an adapter file known under `name`: it is copied to `.affidavit/adapters/NAME.gguf` and hashed.

    Registering the same bytes under the same name again changes nothing; other bytes need another name, because
    figures and records already speak of the first.

    Raises:
        UsageError: the name is not one word of letters, digits, `.`, `_`, `-`, or is taken by other bytes.
        FailedError: the file cannot be read or copied.
    """
    _check_name(name)
    adapter = Adapter(
        name=name,
        path=f"{_ADAPTERS_FOLDER}/{name}.gguf",
        sha256=adapter_hash(file),
        base=base,
        dataset_hash=dataset_hash,
        created=created.isoformat(timespec="seconds"),
        dialect=dialect,
        made_from=tuple(made_from),
        despite_revoked=tuple(despite_revoked),
    )
    with _locked(state_dir):
        registry = read_registry(state_dir)
        known = registry.adapter(name)
        if known is not None and known.sha256 != adapter.sha256:
            raise UsageError(
                ErrorClass.SETTINGS,
                f"The name `{name}` is taken by an adapter with other bytes ({known.sha256[:12]}…).",
                "Register the new file under a name of its own.",
            )
        keep_copy(file, adapter_file(adapter, state_dir), adapter.sha256)
        if known is not None:
            return known
        _write(state_dir, replace(registry, adapters=(*registry.adapters, adapter)))
    return adapter


def attach_figures(state_dir: Path, name: str, figures: AdapterFigures) -> Adapter:
    """Write down how a registered adapter was evaluated; a later evaluation replaces an earlier one.

    Raises:
        UsageError: no adapter of that name is registered.
    """
    with _locked(state_dir):
        registry = read_registry(state_dir)
        adapter = replace(registered(registry, name), figures=figures)
        others = tuple(adapter if known.name == name else known for known in registry.adapters)
        _write(state_dir, replace(registry, adapters=others))
    return adapter


def promote(state_dir: Path, name: str, *, by: str, at: datetime, record: RecordChange, force: bool = False) -> Change:
    """Serve the adapter `name` from the next question on.

    Refused, unless `force`: an adapter that was evaluated worse than the one being served, or that was not
    evaluated on the same questions and rows while the served one was. A missing or changed file is always refused.

    Raises:
        UsageError: no adapter of that name is registered, or it is being served already.
        RefusedError: it is worse, or not shown to be no worse (class `policy`).
        FailedError: its file is missing or changed.
    """
    with _locked(state_dir):
        registry = read_registry(state_dir)
        adapter = registered(registry, name)
        current = registry.current
        if current is not None and current.name == name:
            raise UsageError(ErrorClass.SETTINGS, f"`{name}` is being served already.", "Nothing needs doing.")
        checked_file(adapter, state_dir)
        objection = _objection(adapter, current)
        if objection and not force:
            raise RefusedError(
                ErrorClass.POLICY,
                f"`{name}` is not promoted: {objection}",
                f"Evaluate it with `affidavit eval run --model {name}`, or promote it all the same with --force.",
            )
        promotion = _promotion("promote", name, current, by, at, forced=bool(objection))
        record("model.promoted", {**asdict(promotion), **_described(adapter), "objection": objection})
        _write(
            state_dir,
            replace(registry, promoted=(*registry.promoted, name), history=(*registry.history, promotion)),
        )
    return Change(promotion, adapter, f"Promoted by force: {objection}" if objection else "")


def rollback(state_dir: Path, *, by: str, at: datetime, record: RecordChange) -> Change:
    """Serve what was served before the last promotion: the adapter before it, or the bare base model.

    Raises:
        UsageError: nothing is promoted, so there is nothing to go back from.
        FailedError: the previous adapter's file is missing or changed; nothing is changed then.
    """
    with _locked(state_dir):
        registry = read_registry(state_dir)
        current = registry.current
        if current is None:
            raise UsageError(
                ErrorClass.SETTINGS, "No adapter is promoted, so there is nothing to roll back.", "See `models list`."
            )
        left = replace(registry, promoted=registry.promoted[:-1])
        previous = left.current
        if previous is not None:
            checked_file(previous, state_dir)
        promotion = _promotion("rollback", previous.name if previous else "", current, by, at)
        record("model.rolled_back", {**asdict(promotion), **(_described(previous) if previous else {})})
        _write(state_dir, replace(left, history=(*registry.history, promotion)))
    return Change(promotion, previous)


def with_model(settings: Settings, name: str | None) -> Settings:
    """Settings that ask the model `name`: one of `model.fallbacks`, else an adapter (name, path or `none`) when
    embedded, else a model of the workspace's provider.

    Whoever names one wants that one, so no other is asked when it fails.
    """
    if name is None:
        return settings
    model = settings.model
    named: dict[str, Any] = {"adapter" if model.provider == "embedded" else "name": name}
    for fallback in model.fallbacks:
        if fallback.name == name:
            named = fallback.model_dump(exclude_none=fallback.provider == model.provider)
            break
    return settings.model_copy(update={"model": model.model_copy(update={**named, "fallbacks": ()})})


def _objection(candidate: Adapter, current: Adapter | None) -> str:
    """Why the candidate cannot be said to be no worse than the current one; empty when it can."""
    if current is None or current.figures is None:
        return ""
    served, tried = current.figures, candidate.figures
    if tried is None:
        return f"it was not evaluated, and `{current.name}` was."
    if (tried.pack_hash, tried.gold_hash) != (served.pack_hash, served.gold_hash):
        return f"it was not evaluated on the questions and rows that `{current.name}` was evaluated on."
    if tried.accuracy < served.accuracy:
        return (
            f"it answers {tried.right} of {tried.total} questions rightly, "
            f"`{current.name}` {served.right} of {served.total}."
        )
    return ""


def _promotion(
    action: str, name: str, current: Adapter | None, by: str, at: datetime, *, forced: bool = False
) -> Promotion:
    previous = current.name if current else ""
    return Promotion(at.isoformat(timespec="seconds"), action, name, previous, by, forced)


def _described(adapter: Adapter) -> dict[str, Any]:
    figures = asdict(adapter.figures) if adapter.figures else None
    return {
        "sha256": adapter.sha256,
        "base": adapter.base,
        "dataset_hash": adapter.dataset_hash,
        "figures": figures,
    }


def registered(registry: Registry, name: str) -> Adapter:
    """The adapter of that name.

    Raises:
        UsageError: there is none.
    """
    adapter = registry.adapter(name)
    if adapter is None:
        names = ", ".join(f"`{known.name}`" for known in registry.adapters) or "none"
        raise UsageError(
            ErrorClass.SETTINGS, f"No adapter is registered as `{name}`. Registered: {names}.", "See `models list`."
        )
    return adapter


def _check_name(name: str) -> None:
    plain = name.replace(".", "a").replace("_", "a").replace("-", "a")
    if not (plain.isascii() and plain.isalnum()) or name.startswith((".", "-")) or name.lower() == NO_ADAPTER:
        raise UsageError(
            ErrorClass.SETTINGS,
            f"`{name}` cannot name an adapter.",
            f"Use letters, digits, `.`, `_` and `-`, starting with none of the last; `{NO_ADAPTER}` is taken.",
        )


def adapter_hash(file: Path) -> str:
    """The sha256 of an adapter's file.

    Raises:
        FailedError: it cannot be read.
    """
    try:
        return file_sha256(file)
    except OSError as error:
        raise FailedError(
            ErrorClass.MODEL_MISSING, f"Cannot read {file}: {error.strerror or error}.", "Check the path."
        ) from error


def keep_copy(source: Path, target: Path, sha256: str) -> None:
    """Copy beside the target and move into place, so that a torn copy never carries the adapter's name.

    Raises:
        FailedError: it cannot be read or written.
    """
    temporary = target.with_name(f".{target.name}.partial")
    try:
        if target.is_file() and file_sha256(target) == sha256:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, temporary)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise FailedError(
            ErrorClass.WORKSPACE, f"Cannot copy {source} to {target}: {error.strerror or error}.", "Check the disk."
        ) from error


@contextmanager
def _locked(state_dir: Path) -> Iterator[None]:
    """One writer at a time; readers need no lock, because the file is replaced whole."""
    path = state_dir / f"{REGISTRY_NAME}.lock"
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = path.open("w")
    except OSError as error:
        raise FailedError(
            ErrorClass.WORKSPACE, f"Cannot write {path}: {error.strerror or error}.", "Check the folder's permissions."
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(state_dir: Path, registry: Registry) -> None:
    """Replace `models.json` whole; callers hold the lock, so one temporary name is enough."""
    path = state_dir / REGISTRY_NAME
    temporary = path.with_name(f".{REGISTRY_NAME}.partial")
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            json.dump({"version": 1, **asdict(registry)}, stream, indent=2, ensure_ascii=False)
            stream.write("\n")
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise FailedError(
            ErrorClass.WORKSPACE, f"Cannot write {path}: {error.strerror or error}.", "Check the disk."
        ) from error
