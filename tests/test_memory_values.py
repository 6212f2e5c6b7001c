"""Value linking: the right value, in the right column, from the way people write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from memory.catalog import Catalog, reflect
from memory.errors import CatalogError
from memory.joins import JoinGraph
from memory.linking import Linker
from memory.semantics import SemanticLayer
from memory.value_sources import collect_values, values_from_json, values_to_json
from memory.values import ValueIndex
from tests.fixtures_memory import shop, shop_layer

NANCY = "Employees.FirstName || ' ' || Employees.LastName"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    with shop("sqlite", tmp_path_factory.mktemp("shop")) as engine:
        yield engine


@pytest.fixture(scope="module")
def catalog(engine: sa.Engine) -> Catalog:
    return reflect(engine)


@pytest.fixture(scope="module")
def linker(engine: sa.Engine, catalog: Catalog) -> Linker:
    layer = shop_layer()
    return Linker(catalog, layer, ValueIndex(catalog, layer, collect_values(engine, catalog, layer)))


def linked(linker: Linker, question: str) -> list[tuple[str, str]]:
    return [(value.target, value.value) for value in linker.link(question).values]


@pytest.mark.parametrize(
    ("question", "target", "value"),
    [
        ("Revenue of orders shipped to Germany", "Orders.ShipCountry", "Germany"),
        ("How many customers are in Germany?", "Customers.Country", "Germany"),
        ("List our German customers", "Customers.Country", "Germany"),
        ("suppliers from germany", "Suppliers.Country", "Germany"),
        ("vendors based in Norway", "Suppliers.Country", "Norway"),
        ("What did Blue Harbour Trading order?", "Customers.CompanyName", "Blue Harbour Trading"),
        ("blue harbour trading's orders", "Customers.CompanyName", "Blue Harbour Trading"),
        ("orders of Blue Harbour", "Customers.CompanyName", "Blue Harbour Trading"),
        ("orders of Cedar and Sons", "Customers.CompanyName", "Cedar & Sons"),
        ("orders of customer CEDAR", "Customers.CustomerID", "CEDAR"),
        ("How much did Nancy Davolio sell?", NANCY, "Nancy Davolio"),
        ("how much did nancy davolio sell?", NANCY, "Nancy Davolio"),
        ("Davolio's revenue", "Employees.LastName", "Davolio"),
        ("revenue of Grace Stone", NANCY, "Grace Stone"),
        ("Which orders did Grace take?", "Employees.FirstName", "Grace"),
        ("beverage sales", "Categories.CategoryName", "Beverages"),
        ("revenue of bevrages", "Categories.CategoryName", "Beverages"),
        ("sales of grains and cereals", "Categories.CategoryName", "Grains/Cereals"),
        ("sales of Cereals", "Categories.CategoryName", "Grains/Cereals"),
        ("units of Smoked Gouda sold", "Products.ProductName", "Smoked Gouda"),
        ("customers in the United States", "Customers.Country", "USA"),
        ("American customers", "Customers.Country", "USA"),
        ("customers in the US", "Customers.Country", "USA"),
        ("customers in OR", "Customers.Region", "OR"),
        ("employees with the title Sales Manager", "Employees.Title", "Sales Manager"),
        ("Dairy Products category revenue", "Categories.CategoryName", "Dairy Products"),
    ],
)
def test_a_named_value_is_bound_to_its_column(linker: Linker, question: str, target: str, value: str) -> None:
    assert linked(linker, question)[0] == (target, value)


def test_names_and_values_are_found_in_spite_of_slips(linker: Linker) -> None:
    links = linker.link("revnue by prodcut catgory for Germny")
    assert {mention.id for mention in links.mentions} >= {"revenue", "category"}
    (value,) = {(v.surface, v.value, v.exact) for v in links.values}
    assert value == ("Germny", "Germany", False)
    assert [token.text for token in links.tokens] == ["revnue", "by", "prodcut", "catgory", "for", "Germny"]
    as_typed = linker.link_as_typed("revnue by prodcut catgory")
    assert as_typed.mentions == ()


def test_accents_are_no_part_of_a_name(engine: sa.Engine, catalog: Catalog) -> None:
    layer = shop_layer()
    values = collect_values(engine, catalog, layer) | {"Customers.CompanyName": ("Empório Lindqvist", "Smørhus")}
    index = ValueIndex(catalog, layer, values)
    for typed in ("Emporio Lindqvist", "emporio lindqvist", "EMPÓRIO LINDQVIST", "Empo\u0301rio Lindqvist"):
        assert [(v.value, v.exact) for v in index.match(f"orders of {typed}")] == [("Empório Lindqvist", True)]
    assert [v.value for v in index.match("orders of smorhus")] == ["Smørhus"]


@pytest.mark.parametrize(
    "question",
    [
        "customers in Berlin or Paris without orders or freight",  # `or` is no region
        "tell us the revenue",
        "which sales representative sold most",  # a dimension, though it is somebody's title
        "customers in Iceland",  # not a misspelt Ireland, not any country we have
        "grace period of orders",
        "stone products",
        "show the top 10 products",
        "",
        "?!",
    ],
)
def test_everyday_words_are_no_values(linker: Linker, question: str) -> None:
    assert [value for _, value in linked(linker, question) if value not in ("Berlin", "Paris")] == []


def test_one_surface_in_several_columns_gives_all_of_them_ranked(linker: Linker) -> None:
    targets = [target for target, _ in linked(linker, "revenue in Germany")]
    assert targets[0] == "Customers.Country"
    assert set(targets) == {"Customers.Country", "Orders.ShipCountry", "Suppliers.Country"}
    assert linked(linker, "orders shipped to Germany") == [("Orders.ShipCountry", "Germany")]


def test_what_cannot_be_joined_without_repeating_rows_ranks_lower(linker: Linker) -> None:
    reach = linker.reach_of(["products"])
    assert reach is not None
    assert reach("Suppliers")
    assert not reach("Orders")
    assert linked(linker, "number of products from Germany") == [("Suppliers.Country", "Germany")]


def test_surfaces_keep_their_place_and_their_words(linker: Linker) -> None:
    question = "Compare GERMANY with France's customers"
    first, second = (v for v in linker.link(question).values if v.table == "Customers")
    assert question[first.start : first.end] == first.surface == "GERMANY"
    assert (second.surface, second.value, second.exact) == ("France", "France", True)
    short = linker.link("orders of Blue Harbour").values[0]
    assert (short.surface, short.exact) == ("Blue Harbour", False)


def test_a_long_question_is_linked_at_once(linker: Linker) -> None:
    question = "Germany " + "and so on without end " * 4000
    assert linked(linker, question)[0][1] == "Germany"


def test_without_a_layer_names_and_samples_still_match(engine: sa.Engine, catalog: Catalog) -> None:
    index = ValueIndex(catalog, None, collect_values(engine, catalog, SemanticLayer()))
    assert [v.target for v in index.match("orders of Nancy Davolio")] == [NANCY]
    assert {v.target for v in index.match("Berlin")} == {"Customers.City"}
    assert len(index) > 20


def test_collected_values_travel_as_json_and_withheld_ones_are_not_read(engine: sa.Engine, tmp_path: Path) -> None:
    bare = reflect(engine, max_samples=1)
    layer = shop_layer()
    values = collect_values(engine, bare, layer)
    assert values[f"@Employees:{NANCY}"] == ("Grace Stone", "Nancy Davolio")
    assert values["Customers.CompanyName"][0] == "Blue Harbour Trading"
    assert values_from_json(values_to_json(values)) == values
    hidden = collect_values(engine, bare, layer, withhold=lambda table, column: column in ("LastName", "CompanyName"))
    assert not [key for key in hidden if "LastName" in key or "CompanyName" in key]
    for text in ("[]", "{", "null", '{"a": 3}'):
        with pytest.raises(CatalogError, match="memory sync --full"):
            values_from_json(text)


def test_mentions_prefer_the_longest_and_what_is_counted(linker: Linker) -> None:
    def ids(question: str) -> list[tuple[str, str]]:
        return [(mention.kind, mention.id) for mention in linker.link(question).mentions]

    assert ids("freight to sales ratio") == [("metric", "freight_ratio")]
    assert ids("How many products are there?") == [("metric", "products")]
    assert ids("top 5 products by revenue") == [("dimension", "product"), ("metric", "revenue")]
    assert ids("Which category has the most products?") == [("dimension", "category"), ("metric", "products")]
    assert ids("category of the products") == [("dimension", "category")]
    assert ids("How long to ship an order?") == [("entity", "order")]
    assert ids("shipped orders") == [("metric", "shipped")]
    assert ids("products on sale") == [("dimension", "product")]
    assert ids("country of the supplier") == [("dimension", "supplier_country")]
    asked = "In which country is the supplier of Smoked Gouda?"
    assert ids(asked) == [("dimension", "supplier_country"), ("entity", "supplier")]
    assert ids("") == []


def test_columns_and_tables_are_found_by_their_own_names(linker: Linker) -> None:
    links = linker.link("shipped date and reports to of each employee, order details too")
    assert {(c.table, c.column) for c in links.columns} >= {("Orders", "ShippedDate"), ("Employees", "ReportsTo")}
    assert "order_details" in links.tables
    assert isinstance(linker.joins, JoinGraph)
