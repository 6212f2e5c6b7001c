"""Asks warehouses other than the workspace's own, on the workspace's ledger and with its model.

A question file may name a database per line. Each gets a small workspace of its own under `.affidavit/predict/`, with
what is known of that database, so that nothing learnt there ever mixes with what the real workspace knows; but every
run is still put on the one ledger, under the one policy. What was learnt holds values of the database, so it goes when
the command ends: a column that `policy.yaml` denies later has no copy left there.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import Self

from pydantic import SecretStr

from agent.errors import AffidavitError, ErrorClass, FailedError, UsageError
from agent.model.client import ModelClient
from agent.model.connect import open_model
from agent.services import PartProgress, Services, open_ledger, open_services
from agent.settings import LedgerSettings, MemorySettings, Settings
from audit.ledger import Ledger

__all__ = ["OpenWarehouses", "Target", "warehouse_url"]

_MAX_OPEN = 4
"""Warehouses kept open at once: enough for a file that alternates between a few."""
_LOCK = ".lock"
_NO_METRICS = "version: 1\n"
_DUCKDB_SUFFIXES = {".duckdb", ".ddb"}


@dataclass(frozen=True, slots=True)
class Target:
    """One warehouse to ask, and the metrics file that speaks of it."""

    url: str
    """Absolute SQLAlchemy URL; holds the password."""
    metrics: Path | None = None
    """None takes the workspace's own metrics if they fit the warehouse, else none at all."""
    db_schema: str | None = None


def warehouse_url(text: str, folder: Path) -> str:
    """A SQLAlchemy URL from a URL or a path to a database file; relative files are taken from `folder`."""
    if "://" not in text:
        path = folder / Path(text).expanduser()
        scheme = "duckdb" if path.suffix.lower() in _DUCKDB_SUFFIXES else "sqlite"
        return f"{scheme}:///{path.resolve()}"
    scheme, _, rest = text.partition(":///")
    if scheme in {"sqlite", "duckdb"} and rest and not rest.startswith(("/", ":")):
        return f"{scheme}:///{(folder / rest).resolve()}"
    return text


class OpenWarehouses:
    """Services per warehouse, opened when first asked for, all with one ledger and one model."""

    def __init__(self, settings: Settings, *, progress: PartProgress | None = None) -> None:
        self._settings = settings
        self._progress = progress
        self._stack = ExitStack()
        self._open: OrderedDict[Target | None, tuple[Services, ExitStack]] = OrderedDict()
        self._failed: dict[Target | None, AffidavitError] = {}
        self._prepared: dict[Target, Settings] = {}
        self.notes: list[str] = []
        """What a person should know about how warehouses were asked."""

    def __enter__(self) -> Self:
        try:
            self._ledger: Ledger = open_ledger(self._settings)
            self._stack.callback(self._ledger.close)
            self._model: ModelClient = open_model(self._settings)
            self._stack.callback(self._model.close)
            self._folder = self._stack.enter_context(_own_folder(self._settings.state_dir / "predict"))
        except BaseException:
            self._stack.close()
            raise
        self._model.warm_up()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for _, stack in self._open.values():
            self._stack.callback(stack.close)  # before the folder they read from goes
        self._open.clear()
        self._stack.close()

    def services(self, target: Target | None) -> Services:
        """What is needed to ask `target` (None: the workspace's own warehouse).

        Raises:
            UsageError, FailedError: it cannot be opened; asked again, the same error comes without another try.
        """
        if target in self._failed:
            raise self._failed[target]
        if target not in self._open:
            while len(self._open) >= _MAX_OPEN:
                self._open.popitem(last=False)[1][1].close()
            try:
                self._open[target] = self._opened(target)
            except AffidavitError as error:
                self._failed[target] = error
                raise
        self._open.move_to_end(target)
        return self._open[target][0]

    def _opened(self, target: Target | None) -> tuple[Services, ExitStack]:
        if target is None:
            return self._enter(self._settings)
        if target not in self._prepared:
            self._prepared[target] = _prepare(self._settings, target, self._folder)
        side = self._prepared[target]
        try:
            return self._enter(side)
        except UsageError as error:
            if error.error_class is not ErrorClass.SEMANTICS or target.metrics is not None:
                raise
            self.notes.append(f"The workspace's metrics do not fit one warehouse, asked without them: {error.message}")
            _write(side.workspace / "metrics.yaml", _NO_METRICS)
            return self._enter(side)

    def _enter(self, settings: Settings) -> tuple[Services, ExitStack]:
        """Open what belongs to the warehouse; the ledger and the model are ours. No other model answers for it."""
        stack = ExitStack()
        try:
            opened = stack.enter_context(open_services(settings, progress=self._progress, warm_up=False))
        except BaseException:
            stack.close()
            raise
        return replace(opened, ledger=self._ledger, model=self._model, fallbacks=()), stack


@contextmanager
def _own_folder(parent: Path) -> Iterator[Path]:
    """A folder in `parent` for this command alone, removed at its end, with whatever killed commands left there.

    A command holds a lock on its folder for as long as it lives, so that others know it from a leftover.

    Raises:
        FailedError: the disk does not let us.
    """
    with ExitStack() as stack:
        try:
            parent.mkdir(parents=True, exist_ok=True)
            with _locked(parent):  # nobody may take a folder for a leftover before it is locked
                for folder in (path for path in parent.iterdir() if path.is_dir()):
                    _remove_leftover(folder)
                own = Path(mkdtemp(dir=parent))
                stack.callback(shutil.rmtree, own, ignore_errors=True)
                stack.enter_context(_locked(own))
        except OSError as error:
            raise FailedError(ErrorClass.WORKSPACE, f"Cannot write {parent}: {error}.", "Check the disk.") from error
        yield own


def _remove_leftover(folder: Path) -> None:
    try:
        with _locked(folder, wait=False):
            shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return  # its command is at work


@contextmanager
def _locked(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock of a folder. Raises BlockingIOError when another has it and `wait` is false."""
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _prepare(settings: Settings, target: Target, parent: Path) -> Settings:
    """Make a side workspace in `parent`, under the workspace's policy as it is now."""
    source = target.metrics or settings.workspace / "metrics.yaml"
    folder = parent / hashlib.sha256(f"{target.url}\n{source}".encode()).hexdigest()[:16]
    try:
        folder.mkdir()
        for name, path in (("metrics.yaml", source), ("policy.yaml", settings.workspace / "policy.yaml")):
            if path.is_file():
                shutil.copyfile(path, folder / name)
        if not (folder / "metrics.yaml").exists():
            _write(folder / "metrics.yaml", _NO_METRICS)
    except OSError as error:
        raise FailedError(ErrorClass.WORKSPACE, f"Cannot write {folder}: {error}.", "Check the disk.") from error
    warehouse = settings.warehouse.model_copy(update={"url": SecretStr(target.url), "db_schema": target.db_schema})
    return settings.model_copy(
        update={
            "workspace": folder,
            "warehouse": warehouse,
            "ledger": LedgerSettings(),
            "memory": MemorySettings(
                max_pieces=settings.memory.max_pieces,
                compile_plain=settings.memory.compile_plain,
                confirm_compiled=settings.memory.confirm_compiled,
            ),
        }
    )


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
