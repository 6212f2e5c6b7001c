"""The demo workspace: the warehouse, and beside it the files that say what its words mean and what may be asked.

Made again with the same wish it does nothing. What a person has edited is theirs: an edited file is never written
over, and a folder that holds somebody else's workspace is refused.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from demo.beside import written_beside
from demo.errors import WarehouseBuildError
from demo.warehouse import Progress, WarehouseReport, build

__all__ = ["FILES", "WarehouseBuildError", "WorkspaceReport", "create", "files"]

_TOPICS = (
    *("analysis", "attributes", "board", "controlling", "customers", "delivery", "directing", "everyday", "filters"),
    *("marketing", "office", "operations", "periods", "products", "purchasing", "rankings", "ratios", "records"),
    *("sales", "sets"),
)
FILES = (
    "affidavit.toml",
    "metrics.yaml",
    "policy.yaml",
    "templates.yaml",
    *(f"templates/{topic}.yaml" for topic in _TOPICS),
    "baseline.jsonl",
    "development.jsonl",
)
"""What is copied into a workspace."""

_WAREHOUSE_URL = "sqlite:///warehouse.sqlite"
_LEDGER_URL = "sqlite:///.affidavit/ledger.sqlite"
_LEDGER_WORKSPACE = '\n# workspace = "demo"'
_MANIFEST = Path(".affidavit", "demo.json")


@dataclass(frozen=True)
class WorkspaceReport:
    """What was done; `written` is empty and `warehouse.built` false when all was there already."""

    directory: Path
    warehouse: WarehouseReport
    written: tuple[str, ...]
    kept: tuple[str, ...]
    """Files left as they are because somebody edited them."""


def files() -> Traversable:
    """The folder of packaged data, wherever the distribution is installed."""
    return resources.files("demo").joinpath("files")


def create(
    directory: Path,
    *,
    orders: int = 830,
    seed: int = 7,
    warehouse_url: str | None = None,
    ledger_url: str | None = None,
    ledger_workspace: str = "",
    progress: Progress | None = None,
) -> WorkspaceReport:
    """Make the demo workspace in `directory`, or bring it up to date; the same wish twice is no work.

    A relative SQLite or DuckDB path in `warehouse_url` is taken from `directory`; by default the warehouse is
    `warehouse.sqlite` in it. The warehouse comes first, so a workspace that exists can be asked. `ledger_workspace` is
    the name its chain has in the ledger; empty writes none.

    Raises:
        WarehouseBuildError: the folder is somebody else's workspace or cannot be written, or the warehouse cannot
            be built.
    """
    root = directory.expanduser().resolve()
    wanted = _contents(warehouse_url or _WAREHOUSE_URL, ledger_url or _LEDGER_URL, ledger_workspace)
    try:
        known = _known_hashes(root)
        kept = _edited(root, known, wanted)
        _check_urls(root, kept, {"warehouse": warehouse_url, "ledger": ledger_url})
        report = build(_from(root, warehouse_url or _WAREHOUSE_URL), orders=orders, seed=seed, progress=progress)
        written = _write_files(root, known, {name: text for name, text in wanted.items() if name not in kept})
    except OSError as error:
        raise WarehouseBuildError(f"Cannot make a workspace in {root}: {error}.", "Name another folder.") from error
    return WorkspaceReport(root, report, written, kept)


def _contents(warehouse_url: str, ledger_url: str, ledger_workspace: str) -> dict[str, bytes]:
    """The bytes each file should have."""
    packaged = {name: files().joinpath(name) for name in FILES}
    wanted = {name: source.read_bytes() for name, source in packaged.items() if source.is_file()}
    lines = [(f'\nurl = "{_WAREHOUSE_URL}"', "url", warehouse_url), (f'\nurl = "{_LEDGER_URL}"', "url", ledger_url)]
    if ledger_workspace:
        lines.append((_LEDGER_WORKSPACE, "workspace", ledger_workspace))
    settings = wanted["affidavit.toml"].decode()
    for default, key, chosen in lines:
        # JSON's string escapes are TOML's too
        settings = settings.replace(default, f"\n{key} = {json.dumps(chosen, ensure_ascii=False)}")
    return {**wanted, "affidavit.toml": settings.encode()}


def _known_hashes(root: Path) -> dict[str, list[str]]:
    """For every file this module wrote here, the hashes it had; empty when there is no demo workspace."""
    try:
        manifest: dict[str, Any] = json.loads((root / _MANIFEST).read_text(encoding="utf-8"))
        return {str(name): [str(one) for one in hashes] for name, hashes in manifest["files"].items()}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WarehouseBuildError(
            f"{root / _MANIFEST} is damaged.", "Delete that file and the files of the demo beside it."
        ) from error


def _edited(root: Path, known: dict[str, list[str]], wanted: dict[str, bytes]) -> tuple[str, ...]:
    """Files to leave alone. Raises WarehouseBuildError when they show that the folder is not the demo's."""
    present = {name: (root / name).read_bytes() for name in wanted if (root / name).exists()}
    differing = {name for name, text in present.items() if text != wanted[name]}
    foreign = sorted(name for name in differing if name not in known)
    if foreign:
        raise WarehouseBuildError(
            f"{root} already has a {foreign[0]} that is not the demo's.", "Name an empty folder for the demo."
        )
    return tuple(sorted(name for name in differing if _hash(present[name]) not in known[name]))


def _check_urls(root: Path, kept: tuple[str, ...], asked: dict[str, str | None]) -> None:
    """An edited affidavit.toml is not written over, so what it says must be what was asked for."""
    if "affidavit.toml" not in kept:
        return
    try:
        settings = tomllib.loads((root / "affidavit.toml").read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{root / 'affidavit.toml'} is not valid TOML: {error}."
        raise WarehouseBuildError(message, "Mend that line.") from error
    for section, url in asked.items():
        if url is not None and settings.get(section, {}).get("url") != url:
            raise WarehouseBuildError(
                f"{root / 'affidavit.toml'} was edited and names another {section}.",
                f"Set `url` under [{section}] there yourself, or name another folder.",
            )


def _write_files(root: Path, known: dict[str, list[str]], wanted: dict[str, bytes]) -> tuple[str, ...]:
    todo = {n: text for n, text in wanted.items() if not (root / n).exists() or (root / n).read_bytes() != text}
    hashes = {**known, **{name: [_hash(text)] for name, text in wanted.items()}}
    if not todo and hashes == known:
        return ()
    # First what is there and what is coming, then what came: a run cut off between leaves no file unaccounted for.
    (root / _MANIFEST).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_manifest(root, {name: sorted({*known.get(name, []), *hashes[name]}) for name in hashes})
    for name, text in todo.items():
        with written_beside(root / name) as partial:
            partial.write_bytes(text)
            if name == "affidavit.toml":
                partial.chmod(0o600)  # its URLs may hold a password
    _write_manifest(root, hashes)
    return tuple(sorted(todo))


def _write_manifest(root: Path, hashes: dict[str, list[str]]) -> None:
    with written_beside(root / _MANIFEST) as partial:
        partial.write_text(json.dumps({"version": 1, "files": hashes}, indent=1) + "\n", encoding="utf-8")


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _from(root: Path, url: str) -> str:
    """The URL with a relative file path taken from the workspace's folder, as its settings will take it."""
    try:
        target = make_url(url)
    except ArgumentError:
        return url  # `build` says what is wrong with it
    if target.get_backend_name() not in ("sqlite", "duckdb") or not target.database or target.database[0] in ":/":
        return url
    return target.set(database=str(root / target.database)).render_as_string(hide_password=False)
