"""Runs the real command line in this process, on a real demo workspace, with a scripted model on loopback."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fixtures_eval_model import ScriptedModel, scripted_model

from tui.cli.main import main

REVENUE = "Which product category had the highest sales revenue in 2023?"
REVENUE_SQL = (
    "SELECT Categories.CategoryName, "
    "SUM(order_details.UnitPrice * order_details.Quantity * (1 - order_details.Discount)) AS sales_revenue "
    "FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID "
    "JOIN Products ON order_details.ProductID = Products.ProductID "
    "JOIN Categories ON Products.CategoryID = Categories.CategoryID "
    "WHERE Orders.OrderDate >= '2023-01-01' AND Orders.OrderDate < '2024-01-01' "
    "GROUP BY Categories.CategoryName ORDER BY sales_revenue DESC LIMIT 1"
)
COUNT = "How many orders are there?"
COUNT_SQL = "SELECT COUNT(*) AS orders FROM Orders"


@dataclass(frozen=True)
class Ran:
    """What one command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`run("ask", QUESTION, ...)` calls the console script's function."""

    def call(*arguments: str | Path) -> Ran:
        monkeypatch.setattr(sys, "argv", ["affidavit", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        code = left.value.code
        return Ran(code if isinstance(code, int) else 0 if code is None else 1, said.out, said.err)

    return call


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests may reach them."""
    for name in [name for name in os.environ if name.startswith("AFFIDAVIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(scope="session")
def built_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo workspace, built and synced once by the commands themselves."""
    folder = tmp_path_factory.mktemp("built") / "demo"
    for arguments in (["init", "--demo", "--orders", "200", str(folder)], ["memory", "sync", "-w", str(folder)]):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["affidavit", *arguments])
            with pytest.raises(SystemExit) as left:
                main()
        assert not left.value.code
    return folder


@pytest.fixture
def workspace(built_workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which nothing was asked yet; it is the workspace of the commands."""
    copy = tmp_path / "demo"
    shutil.copytree(built_workspace, copy)
    monkeypatch.setenv("AFFIDAVIT_WORKSPACE", str(copy))
    monkeypatch.setenv("AFFIDAVIT_USER", "analyst")
    return copy


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedModel]:
    """The model of the commands: answers with the SQL scripted for a question."""
    with scripted_model() as scripted:
        scripted.script = {REVENUE: REVENUE_SQL, COUNT: COUNT_SQL}
        monkeypatch.setenv("AFFIDAVIT_MODEL__PROVIDER", "compatible")
        monkeypatch.setenv("AFFIDAVIT_MODEL__BASE_URL", scripted.url)
        monkeypatch.setenv("AFFIDAVIT_MODEL__NAME", "scripted")
        monkeypatch.setenv("AFFIDAVIT_MEMORY__COMPILE_PLAIN", "false")  # the script decides what is drafted
        yield scripted
