"""Tables of rows, laid out while a table's rows are still coming in."""

from __future__ import annotations

from rich.text import Text
from textual.app import App, ComposeResult

from tui.widgets.table import FittedTable


class OneTable(App[None]):
    CSS = "FittedTable { height: auto; }"

    def compose(self) -> ComposeResult:
        yield FittedTable()


def texts(*cells: str) -> list[Text]:
    return [Text(cell) for cell in cells]


async def test_columns_are_as_wide_as_their_longest_cell_at_once() -> None:
    app = OneTable()
    async with app.run_test():
        table = app.query_one(FittedTable)
        table.fill(texts("name", "city"), [texts("Anna", "Rio de Janeiro"), texts("東京", "Ulm")])
        assert [column.width for column in table.ordered_columns] == [4, 14]
        table.fill(texts("a"), [])
        assert [column.width for column in table.ordered_columns] == [1]


async def test_all_rows_are_seen_though_the_screen_was_laid_out_before_they_were_measured() -> None:
    app = OneTable()
    async with app.run_test() as pilot:
        table = app.query_one(FittedTable)
        table.display = False
        await pilot.pause()
        table.display = True
        table.fill(texts("name"), [texts("Anna"), texts("Bo"), texts("Cy")])
        app.screen._refresh_layout()  # what a busy screen does between two messages to the table
        await pilot.pause(0.5)
        assert table.size.height == 4
