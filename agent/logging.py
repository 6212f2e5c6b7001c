"""What the program tells its operator while it runs: one JSON line per event, in the workspace's log file.

The log is for mending the program; the ledger is the evidence. So a log that cannot be written stops nothing, and
nothing that belongs to the warehouse or to a key may enter it: fields that could hold rows, SQL parameters or
secrets are dropped by name before a line is written, whoever logs them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import EventDict, WrappedLogger

    from agent.settings import Settings

__all__ = ["LOG_NAME", "configure_logging", "run_logging"]

LOG_NAME = "affidavit.log"

_WITHHELD_FIELDS = frozenset(
    {"api_key", "authorization", "cells", "messages", "password", "prompt", "result", "row", "rows", "secret", "token"}
    | {"url", "values"}
)


def configure_logging(settings: Settings, *, write: bool = True) -> None:
    """Send every line of this process, ours and the libraries', to `.affidavit/affidavit.log`.

    Called once at the entry point; called again (another workspace, tests) it replaces its own handler. Where the
    file cannot be opened, lines of level warning and above go to stderr. Without `write` they go nowhere, for a
    command that must leave the workspace as it is.
    """
    handler = _handler(settings) if write else logging.NullHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.contextvars.merge_contextvars, *_stamps()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _withhold,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    for old in [known for known in root.handlers if known.get_name() == LOG_NAME]:
        root.removeHandler(old)
        old.close()
    handler.set_name(LOG_NAME)
    root.addHandler(handler)
    root.setLevel(settings.log_level.upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            *_stamps(),
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def run_logging(run_id: str) -> Any:
    """A context in which every line of this thread carries the run's id."""
    return structlog.contextvars.bound_contextvars(run_id=run_id)


def _stamps() -> Iterator[Any]:
    yield structlog.stdlib.add_log_level
    yield structlog.stdlib.add_logger_name
    yield structlog.processors.TimeStamper(fmt="iso", utc=True)


def _handler(settings: Settings) -> logging.Handler:
    path = settings.state_dir / LOG_NAME
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8"):
            pass
        return logging.FileHandler(path, encoding="utf-8", delay=True)
    except OSError:
        fallback = logging.StreamHandler()
        fallback.setLevel(logging.WARNING)
        return fallback


def _withhold(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: "(withheld)" if key.lower() in _WITHHELD_FIELDS else value for key, value in event.items()}
