"""The one error of the demo: it could not be built, and what to do about it."""

from __future__ import annotations

__all__ = ["WarehouseBuildError"]


class WarehouseBuildError(Exception):
    """The demo warehouse or workspace could not be made; what was there is as it was."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message} {hint}")
        self.message = message
        self.hint = hint
