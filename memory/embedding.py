"""Turning text into vectors without asking anybody: static embeddings carried inside an installed wheel.

Chroma's own default downloads a model at first use, which fails behind a firewall; here nothing is ever fetched.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from memory.errors import MemoryUnavailable

__all__ = ["Embedder", "WordLlamaEmbedder"]


@runtime_checkable
class Embedder(Protocol):
    """Texts to unit vectors; the same text always gives the same vector."""

    @property
    def name(self) -> str:
        """Which embedding this is; vectors of different names are never compared."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of each vector."""
        ...

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector per text (the zero vector's place is taken by a fixed unit vector)."""
        ...


class WordLlamaEmbedder:
    """WordLlama's 256-dimension static embeddings; loaded at the first text, about 0.4 s."""

    name = "wordllama-l2-supercat-256"
    dimensions = 256

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One unit vector per text.

        Raises:
            MemoryUnavailable: the embedding's files are missing from the installation.
        """
        if not texts:
            return []
        import numpy as np

        raw = np.asarray(self._model.embed(list(texts), norm=False), dtype=np.float64)
        # The wheel's quantised weights give -0.0 or NaN for a text with no known token; such a text gets the
        # first axis, so that it is a valid vector that is near to nothing.
        raw = np.nan_to_num(raw)
        lengths = np.linalg.norm(raw, axis=1, keepdims=True)
        raw[lengths[:, 0] == 0, 0] = 1.0
        lengths[lengths == 0] = 1.0
        vectors: list[list[float]] = (raw / lengths).astype(np.float32).tolist()
        return vectors

    @cached_property
    def _model(self) -> Any:
        with _LOADING:
            wordllama = _imported_quietly()
            try:
                # Without cache_dir it would try to download the tokenizer that lies in its own folder.
                return wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
            except (OSError, ValueError) as error:
                raise MemoryUnavailable(f"The offline embedding is not installed completely: {error}") from error


def _imported_quietly() -> Any:
    # Importing wordllama configures the root logger; logging is the entry point's to configure, so it is put back.
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    import wordllama

    root.setLevel(level)
    for handler in [added for added in root.handlers if added not in handlers]:
        root.removeHandler(handler)
    return wordllama


_LOADING = threading.Lock()
