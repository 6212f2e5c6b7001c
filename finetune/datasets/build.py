"""From pairs to what a trainer reads: chat records with the very grounding the agent would have retrieved.

A model that is trained on other prompts than it is served with learns the wrong thing, so each question goes through
the workspace's own retriever and through `agent.model.prompts.build_messages`. Nothing is written when a test set
leaks into training.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.model.prompts import PromptStyle, build_messages
from agent.run import Grounding, Piece
from finetune.datasets.quarantine import review_of
from finetune.datasets.splits import Splits, leak_check
from finetune.pairs.pair import Pair

if TYPE_CHECKING:
    from memory.retrieval import Retrieved, Retriever

__all__ = ["DatasetReport", "build_dataset", "chat_record", "dataset_dialect"]

_BATCH = 256
_MANIFEST = "dataset.json"
_LEARNT_FROM = ("train", "valid")


@dataclass(frozen=True)
class DatasetReport:
    """What was written."""

    out_dir: Path
    counts: dict[str, int]
    sha256: dict[str, str]
    """Per split, of its chat records."""
    manifest: Path
    reviews: dict[str, set[str]] = field(default_factory=dict)
    """Accepted run → ids of the records that hold it: as their pair, or as an example in their prompt."""
    taught: set[str] = field(default_factory=set)
    """Those of them that a model is trained or chosen by, and not only tested on."""


def build_dataset(
    splits: Splits,
    retriever: Retriever,
    *,
    dialect: str,
    out_dir: Path,
    baseline: Sequence[str] = (),
    style: PromptStyle = "compact",
    max_pieces: int = 24,
    progress: Callable[[str, int, int], None] | None = None,
) -> DatasetReport:
    """Write `train.jsonl`, `valid.jsonl` and the tests as OpenAI chat records, and each test as a pack for `eval`.

    Args:
        splits: what `split_pairs` gave.
        retriever: the workspace's retriever.
        dialect: sqlglot name the prompts are written for.
        out_dir: made if it is not there. `packs/NAME.jsonl` holds question and gold SQL of each test set.
        baseline: questions of the held-out pack.
        style: of the prompts; `compact` is what the embedded model is served with.
        max_pieces: as in the workspace's settings.
        progress: called with (split, records written, records in all).

    Raises:
        LeakError: training knows something of a test; nothing is written.
        MemoryUnavailable: the index cannot be read.
    """
    leak_check(splits, baseline)
    packs = out_dir / "packs"
    packs.mkdir(parents=True, exist_ok=True)
    counts, hashes, reviews = dict[str, int](), dict[str, str](), dict[str, set[str]]()
    taught: set[str] = set()
    for name, pairs in splits.items():
        digest = hashlib.sha256()
        with (out_dir / f"{name}.jsonl").open("wb") as out:
            records = _records(pairs, retriever, dialect, style, max_pieces)
            for done, (record, stands_on) in enumerate(records, start=1):
                for run_id in stands_on:
                    reviews.setdefault(run_id, set()).add(record["id"])
                taught |= stands_on if name in _LEARNT_FROM else set()
                line = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
                digest.update(line)
                out.write(line)
                if progress and (done % _BATCH == 0 or done == len(pairs)):
                    progress(name, done, len(pairs))
        counts[name], hashes[name] = len(pairs), digest.hexdigest()
        if name.startswith("test"):
            _write_pack(packs / f"{name}.jsonl", pairs)
    manifest = out_dir / _MANIFEST
    body = {
        "counts": counts,
        "sha256": hashes,
        "style": style,
        "dialect": dialect,
        "max_pieces": max_pieces,
        "dropped": splits.dropped,
        "semantics_fingerprint": retriever.linker.layer.fingerprint,
        "catalog_fingerprint": retriever.linker.catalog.fingerprint,
        "reviews": {run_id: sorted(records) for run_id, records in reviews.items()},
        "taught": sorted(taught),
    }
    manifest.write_text(json.dumps(body, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return DatasetReport(out_dir, counts, hashes, manifest, reviews, taught)


def dataset_dialect(folder: Path) -> str:
    """The dialect a dataset written by `build_dataset` teaches."""
    return str(json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))["dialect"])


def chat_record(
    pair: Pair, retrieved: Retrieved | None, *, dialect: str, style: PromptStyle = "compact"
) -> dict[str, Any]:
    """One OpenAI chat record; `id`, `level` and `template_id` let a trainer or a report find the pair again."""
    messages: list[dict[str, str]] = [
        {"role": m["role"], "content": m["content"]}
        for m in build_messages(pair.question, _grounding(retrieved), style=style, dialect=dialect)
    ]
    messages.append({"role": "assistant", "content": pair.sql})
    return {"messages": messages, "id": pair.id, "level": pair.level, "template_id": pair.template_id}


def _records(
    pairs: Sequence[Pair], retriever: Retriever, dialect: str, style: PromptStyle, max_pieces: int
) -> Iterator[tuple[dict[str, Any], set[str]]]:
    """Each pair's chat record, with the accepted runs that are in it."""
    for start in range(0, len(pairs), _BATCH):
        batch = pairs[start : start + _BATCH]
        found = retriever.retrieve_many([p.question for p in batch], max_pieces=max_pieces, dialect=dialect)
        for pair, retrieved in zip(batch, found, strict=True):
            shown = {piece.id for piece in retrieved.pieces if piece.kind == "example"} if retrieved else set()
            yield chat_record(pair, retrieved, dialect=dialect, style=style), shown | ({review_of(pair)} - {""})


def _grounding(retrieved: Retrieved | None) -> Grounding | None:
    if retrieved is None:
        return None
    pieces = tuple(Piece(p.kind, p.id, p.version, p.text, p.score) for p in retrieved.pieces)
    return Grounding(pieces, retrieved.catalog_fingerprint, retrieved.semantics_fingerprint)


def _write_pack(path: Path, pairs: Sequence[Pair]) -> None:
    """A test set as `eval` reads packs: question, gold SQL, difficulty, tags, whether the order was asked for."""
    with path.open("w", encoding="utf-8") as out:
        for pair in pairs:
            record = {
                "id": pair.id,
                "question": pair.question,
                "sql": pair.sql,
                "difficulty": pair.level,
                "tags": [pair.template_id],
                "ordered": False,
                "dialect": pair.dialect,
            }
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
