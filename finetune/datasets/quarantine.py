"""Which records of a dataset stand on a review that was revoked, said beside the dataset, whose bytes stay as they are.

A dataset is evidence of what a model was trained on: rewriting it would make its hash a lie. So `quarantine.json` in
its folder names the records that nobody vouches for any more, and training on it is refused while there are any.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from agent.errors import ErrorClass, FailedError, RefusedError
from finetune.pairs.pair import Pair

__all__ = ["QUARANTINE_NAME", "quarantined", "refuse_quarantined", "review_of", "write_quarantine"]

QUARANTINE_NAME: Final = "quarantine.json"
_REVIEW: Final = "review."


def review_of(pair: Pair) -> str:
    """The run whose review a pair stands on, reworded or not; empty where it stands on none."""
    named = pair.lineage.get("run_id")
    if isinstance(named, str) and named:
        return named
    return pair.template_id.removeprefix(_REVIEW) if pair.template_id.startswith(_REVIEW) else ""


def write_quarantine(folder: Path, held: Mapping[str, Iterable[str]]) -> None:
    """Say which records (by id) of the dataset in `folder` stand on which revoked run; with none, say nothing.

    Raises:
        FailedError: the folder cannot be written.
    """
    path = folder / QUARANTINE_NAME
    try:
        if not held:
            path.unlink(missing_ok=True)
            return
        body = {"version": 1, "runs": {run_id: sorted(records) for run_id, records in sorted(held.items())}}
        partial = path.with_name(f".{path.name}.partial")
        partial.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise FailedError(
            ErrorClass.WORKSPACE,
            f"{path} cannot be written: {error.strerror or error}.",
            "Mend that, then run `affidavit memory sync`.",
        ) from error


def quarantined(folder: Path) -> dict[str, tuple[str, ...]]:
    """Revoked run → ids of the records that stand on it, of the dataset in `folder`.

    Raises:
        FailedError: the file cannot be read.
    """
    path = folder / QUARANTINE_NAME
    try:
        said: Any = json.loads(path.read_text(encoding="utf-8"))
        return {str(run_id): tuple(map(str, records)) for run_id, records in said["runs"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise FailedError(
            ErrorClass.WORKSPACE,
            f"{path} cannot be read: {error!r}.",
            "Run `affidavit memory sync`; it is written anew.",
        ) from error


def refuse_quarantined(folder: Path) -> None:
    """Refuse to train on a dataset that holds what nobody vouches for any more.

    Raises:
        RefusedError: which runs were revoked.
    """
    held = quarantined(folder)
    if held:
        records = {record for each in held.values() for record in each}
        raise RefusedError(
            ErrorClass.POLICY,
            f"{len(records)} records of {folder} stand on reviews that were revoked: {', '.join(sorted(held))}.",
            "Build the dataset anew (`affidavit pairs dataset`), which leaves them out, or train all the same with"
            " --despite-revoked; the model's card will say so.",
        )
