"""Every way memory can fail, in one place, so that callers can wrap it without importing a third party.

MemoryFailure               base; its text is one sentence a person can act on
├── CatalogError            the warehouse could not be reflected, or a saved catalog is unreadable
├── NoJoinPath              two tables are not connected in the join graph
└── MemoryUnavailable       the index (Chroma) cannot be opened, read or written
"""

from __future__ import annotations

__all__ = ["CatalogError", "MemoryFailure", "MemoryUnavailable", "NoJoinPath"]


class MemoryFailure(Exception):  # noqa: N818 - the tree's names are its words, not its suffix
    """Base of every error memory raises on purpose."""


class CatalogError(MemoryFailure):
    """The warehouse could not be reflected, or a saved catalog is unreadable."""


class NoJoinPath(MemoryFailure):
    """Two tables are not connected in the join graph."""


class MemoryUnavailable(MemoryFailure):
    """The index cannot be opened, read or written."""
