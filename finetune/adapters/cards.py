"""An adapter's card: the JSON file beside it that says where it came from and how it did.

With its card an adapter moves between workspaces, and into the package that ships the demo's, without losing what it
was made from: `NAME.gguf` beside a `card.json` with `sha256`, `base`, `dataset_hash`, `created` (ISO 8601), `dialect`
and, when it was evaluated, `figures` (the fields of `AdapterFigures`). Other keys are for people and are not read.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.errors import ErrorClass, FailedError
from agent.model.adapters import Adapter, AdapterFigures, checked_file, read_registry
from finetune.adapters.registry import adapter_hash, attach_figures, keep_copy, register, registered

__all__ = ["register_card", "register_file", "write_card"]

_CARD_NAME = "card.json"
_CARD_HINT = (
    "Write file and card anew with `affidavit models export` (for the demo's adapter, install the package again), or "
    "move the card away to register the file without it."
)


@dataclass(frozen=True, slots=True)
class _Card:
    """What a card says of the adapter beside it."""

    path: Path
    sha256: str
    base: str
    dataset_hash: str
    created: datetime
    dialect: str
    figures: AdapterFigures | None
    made_from: tuple[str, ...] = ()
    despite_revoked: tuple[str, ...] = ()


def register_card(state_dir: Path, folder: Path, *, name: str) -> Adapter:
    """Register the adapter that a folder ships: `NAME.gguf` beside its card.

    Raises:
        FailedError: the file or the card is missing, the card is not that object, or the bytes are not the card's.
    """
    file, card_path = folder / f"{name}.gguf", folder / _CARD_NAME
    for part in (file, card_path):
        if not part.is_file():
            raise FailedError(
                ErrorClass.MODEL_MISSING,
                f"This installation ships no `{name}` adapter: {part} is missing.",
                "Everything works without it, on the bare base model and much less accurately; "
                "train one with `affidavit train lora`.",
            )
    return _register_described(state_dir, file, _read_card(card_path), name)


def register_file(
    state_dir: Path, file: Path, *, name: str, base: str, created: datetime, dialect: str = ""
) -> Adapter:
    """Register an adapter file that was made elsewhere, with what the `card.json` beside it says of it.

    Without a card it is taken to be for `base` and made at `created`; `dialect` beats the card's.

    Raises:
        UsageError, FailedError: as `register` and `register_card`.
    """
    card_path = file.parent / _CARD_NAME
    if not card_path.is_file():
        return register(state_dir, name, file, base=base, dataset_hash="", created=created, dialect=dialect)
    card = _read_card(card_path)
    return _register_described(state_dir, file, replace(card, dialect=dialect or card.dialect), name)


def write_card(state_dir: Path, name: str, folder: Path, *, made: dict[str, Any]) -> Path:
    """Write what `register_card` reads: the adapter's file and a card that says where it came from; gives the card.

    `made` is for people: how it was made, word for word.

    Raises:
        UsageError: no adapter of that name is registered.
        FailedError: its file is missing or changed, or the folder cannot be written.
    """
    adapter = registered(read_registry(state_dir), name)
    file = checked_file(adapter, state_dir)
    card = {key: value for key, value in asdict(adapter).items() if key not in {"name", "path"}}
    card_path = folder / _CARD_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        keep_copy(file, folder / f"{name}.gguf", adapter.sha256)
        card_path.write_text(json.dumps({**card, "made": made}, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise FailedError(
            ErrorClass.WORKSPACE, f"{folder} cannot be written: {error.strerror or error}.", "Name another folder."
        ) from error
    return card_path


def _read_card(path: Path) -> _Card:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        return _Card(
            path=path,
            sha256=str(card["sha256"]),
            base=str(card["base"]),
            dataset_hash=str(card["dataset_hash"]),
            created=datetime.fromisoformat(card["created"]),
            dialect=str(card.get("dialect", "")),
            figures=AdapterFigures(**card["figures"]) if card.get("figures") else None,
            made_from=tuple(map(str, card.get("made_from") or ())),
            despite_revoked=tuple(map(str, card.get("despite_revoked") or ())),
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise FailedError(
            ErrorClass.MODEL_CORRUPT, f"{path} is not an adapter's card: {error!r}.", _CARD_HINT
        ) from error


def _register_described(state_dir: Path, file: Path, card: _Card, name: str) -> Adapter:
    if adapter_hash(file) != card.sha256:
        raise FailedError(ErrorClass.MODEL_CORRUPT, f"{file} is not the file that {card.path} describes.", _CARD_HINT)
    adapter = register(
        state_dir,
        name,
        file,
        base=card.base,
        dataset_hash=card.dataset_hash,
        created=card.created,
        dialect=card.dialect,
        made_from=card.made_from,
        despite_revoked=card.despite_revoked,
    )
    if card.figures is None or adapter.figures is not None:
        return adapter
    return attach_figures(state_dir, name, card.figures)
