"""Sends every log line of a process to the workspace's log file, so that screens and JSON output stay clean.

Our own lines come from structlog and are one JSON object each; the libraries' come from `logging` and join them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from agent.settings import Settings

__all__ = ["configure_logs"]


def configure_logs(settings: Settings) -> None:
    """Write to `.affidavit/affidavit.log`; where that cannot be written, drop the lines and go on.

    A log is a convenience (the ledger is the evidence), so an unwritable one never stops a command.
    """
    level = getattr(logging, settings.log_level.upper())
    handler = _handler(settings)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True)],
            processors=[_without_internals, structlog.processors.JSONRenderer()],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        if getattr(old, "affidavit", False):
            root.removeHandler(old)
            old.close()
    handler.affidavit = True  # type: ignore[attr-defined]  # marks the one handler that is ours to replace
    root.addHandler(handler)
    root.setLevel(level)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _handler(settings: Settings) -> logging.Handler:
    try:
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        return logging.FileHandler(settings.state_dir / "affidavit.log", encoding="utf-8", delay=True)
    except OSError:
        return logging.NullHandler()


def _without_internals(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    event.pop("_record", None)
    event.pop("_from_structlog", None)
    return event
