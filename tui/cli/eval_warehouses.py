"""The other warehouses that `eval run` tries statements on: named by URL, or the demo's, built with other seeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.services import Services

__all__ = ["other_warehouses"]

_FIRST_SEED = 101
"""Far from the seeds people choose, so that no copy has the rows of the workspace's own warehouse."""
_SUFFIXES = {"sqlite": "sqlite", "duckdb": "duckdb"}


def other_warehouses(services: Services, in_all: int, named: list[str]) -> list[str]:
    """URLs of the warehouses besides the workspace's own: those named, then as many of the demo's as make `in_all`.

    The demo's are kept under `.affidavit/eval/warehouses` and built only once.

    Raises:
        UsageError: more were asked for than named, and the workspace is not the demo in a file.
        WarehouseBuildError: one cannot be built.
    """
    from finetune.evaluation.side_workspace import warehouse_url

    urls = [warehouse_url(text, Path.cwd()) for text in named]
    missing = in_all - 1 - len(urls)
    return [*urls, *(_demo_copies(services, missing) if missing > 0 else ())]


def _demo_copies(services: Services, count: int) -> list[str]:
    from agent.errors import ErrorClass, UsageError
    from demo.warehouse import build
    from tui.cli.progress import progress_bar

    state, dialect = services.settings.state_dir, services.warehouse.dialect
    counted = services.warehouse.execute("SELECT COUNT(*) FROM Orders")
    if dialect not in _SUFFIXES or not (state / "demo.json").is_file() or counted.result is None:
        raise UsageError(
            ErrorClass.WORKSPACE,
            "--warehouses builds the demo's warehouse anew in files, and this workspace is not the demo in a file.",
            "Name other databases with the same tables: --also-on URL, as often as there are.",
        )
    orders = int(str(counted.result.rows[0][0]))
    folder = state / "eval" / "warehouses"
    folder.mkdir(parents=True, exist_ok=True)
    urls = []
    for seed in range(_FIRST_SEED, _FIRST_SEED + count):
        url = f"{dialect}:///{folder / f'seed-{seed}.{_SUFFIXES[dialect]}'}"
        with progress_bar("Building a warehouse", "rows") as bar:
            build(url, orders=orders, seed=seed, progress=bar)
        urls.append(url)
    return urls
