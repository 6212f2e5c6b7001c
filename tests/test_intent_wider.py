"""Families of wordings: each comes to the same statement as the plain question it stands beside."""

from __future__ import annotations

import pytest

from memory.compiler import CannotCompile, SemanticQuery
from memory.intent import read_intent
from memory.linking import Linker
from tests.fixtures_intent import assert_comes_to, linker, statements
from tests.fixtures_pairs import Shop, shop

__all__ = ["linker", "shop"]

FAMILIES: dict[str, tuple[str, ...]] = {
    "What is the late shipment rate in 2023?": (
        "Where did our late shipment rate stand in 2023?",
        "What figure do we have for the late shipment rate in 2023?",
        "Put a number on our late shipment rate in 2023.",
        "In 2023, what kind of late shipment rate did we end up with?",
        "How high was the late shipment rate in 2023?",
        "The number for our late shipment rate in 2023, all in all",
    ),
    "Orders by shipper in 2023": (
        "Put the number of orders next to each shipper in 2023",
        "All our shippers, each with its number of orders in 2023",
        "Give me every shipper and the number of orders of each in 2023",
        "How do our shippers compare on number of orders in 2023?",
        "Number of orders in 2023, one line per shipper",
    ),
    "Compare the revenue for Germany and France in 2023": (
        "How do Germany and France stack up on revenue in 2023?",
        "How does Germany compare with France in terms of revenue in 2023?",
        "Compare Germany to France on revenue in 2023",
        "Revenue for Germany and France in 2023, one line each",
        "How did Germany and France fare in terms of revenue in 2023?",
    ),
    "Rank the suppliers by revenue in 2023, highest first": (
        "List the suppliers with the highest revenue first in 2023",
        "How do our suppliers rank by revenue in 2023?",
        "Sort the suppliers by revenue in 2023, highest first",
        "A league table of suppliers by revenue in 2023",
        "Supplier ranking by revenue in 2023",
    ),
    "Revenue by rep in 2023, highest first": (
        "Revenue per rep in 2023, highest first",
        "rev per rep, 2023, high to low",
        "Revenue per rep in 2023, in descending order",
    ),
    "Which five supplier countries have the highest stock value?": (
        "Which supplier countries have the highest stock value? Top five.",
        "Which supplier countries have the highest stock value? Just the top five, with the stock value.",
        "What supplier countries have the highest stock value? Show the first five.",
    ),
    "Top 5 destination countries by freight": (
        "Freight by destination country, highest 5",
        "Freight per destination country, top 5",
    ),
    "Where does Falcon Freight rank among our shippers by freight in 2023?": (
        "What rank does Falcon Freight hold by freight in 2023?",
        "Which place did Falcon Freight take by freight in 2023?",
        "The position of Falcon Freight among all carriers in terms of freight in 2023",
        "Falcon Freight: its rank by freight in 2023",
    ),
    "What is the cheapest product in each category?": (
        "For each category, which product is the cheapest?",
        "the least expensive article of every category",
        "Cheapest product per category",
        "Per category, the cheapest product",
    ),
    "What is the average unit price of our products marked as discontinued?": (
        "The mean unit price of discontinued products",
        "average list price over all articles we no longer sell",
    ),
    "How much revenue did customers whose first order was in 2023 bring in during 2024?": (
        "2024 revenue from customers whose very first order was placed in 2023",
        "What was the revenue in 2024 of customers whose first order dates from 2023?",
        "Revenue in 2024 from accounts that placed their first order in 2023",
    ),
    "What share of 2024 revenue came from customers whose first order was in 2024?": (
        "What percentage of the 2024 revenue was from customers whose very first order was in 2024?",
        "What proportion of 2024 sales came from accounts whose first order fell in 2024?",
    ),
    "Stock value by supplier of products that nobody ordered in 2024": (
        "What is the stock value per supplier of products which nobody bought in 2024?",
        "Stock value of articles that were not ordered in 2024, by supplier",
    ),
    "In which months of 2024 were there more orders than in the month before?": (
        "In which months of 2024 did we get more orders than in the month right before? Show the month and its number"
        " of orders.",
        "In which months of 2024 did we take more orders than in the previous month? Month and number of orders.",
    ),
    "Which employees were hired from 2018 to 2019?": (
        "Which staff joined us in 2018 or 2019?",
        "Employees hired in 2019 or in 2018",
        "Who joined in 2018 or 2019?",
    ),
    "What did Rancho Clover order from us in 2024? The articles and the quantities.": (
        "Which products did Rancho Clover buy in 2024, and how many of each?",
        "What has Rancho Clover bought in 2024? Products and units.",
        "All articles Rancho Clover ordered in 2024, with the quantities",
    ),
    "Who reports to Desmond Grünwald?": (
        "Which staff members have Desmond Grünwald as their direct manager?",
        "Employees with Desmond Grünwald as their boss",
    ),
    "How many people report to each manager?": (
        "Every manager with the number of people reporting directly to them",
        "All managers and how many employees report to them",
        "Managers with their number of direct reports",
    ),
    "Which territories have no employee assigned?": (
        "Are there sales territories nobody is assigned to? List them.",
        "Territories that nobody looks after",
        "Do we have any territories no one covers? List them.",
    ),
    "Which suppliers supply both Seafood and Confections?": (
        "Is there a supplier that gives us both seafood and confections? Name them.",
        "Vendors that provide both Seafood and Confections",
    ),
    "Mexican customers that ordered in 2024 and what they spent": (
        "Mexican customers that ordered in 2024 and what each of them spent",
        "Which Mexican customers ordered in 2024, and how much did each spend?",
        "Customers in Mexico who bought in 2024 and how much they each spent",
    ),
    "Average shipping cost to Germany in 2021": (
        "What does it cost on average to ship an order to Germany in 2021?",
        "Average cost of shipping to Germany in 2021",
        "What is the average cost of delivery to Germany in 2021?",
    ),
    "How much freight did we pay for Overland Parcel in May 2020?": (
        "How much did we pay Overland Parcel for freight in May 2020?",
        "In May 2020, how much did we pay Overland Parcel for shipping?",
    ),
}


@pytest.mark.parametrize(
    ("question", "plain"), [(wording, plain) for plain, wordings in FAMILIES.items() for wording in wordings]
)
def test_a_wording_comes_to_what_the_plain_question_does(linker: Linker, shop: Shop, question: str, plain: str) -> None:
    read, meant = read_intent(question, linker), read_intent(plain, linker)
    assert read is not None
    assert meant is not None
    assert shop.world.compile(read.query) == shop.world.compile(meant.query)


CASES = statements("""
Where does Falcon Freight rank among our shippers by freight in 2023?
    WITH grouped AS (SELECT Shippers.CompanyName, SUM(Freight) AS total_freight FROM Orders JOIN Shippers ON
    Orders.ShipVia = Shippers.ShipperID WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01' GROUP BY
    Shippers.CompanyName), ranked AS (SELECT CompanyName, total_freight, RANK() OVER (ORDER BY total_freight
    DESC) AS place FROM grouped) SELECT CompanyName, place FROM ranked WHERE CompanyName = 'Falcon Freight'
Show me Rancho Meridian: rank within its country by sales, and those sales
    WITH grouped AS (SELECT Customers.Country, Customers.CompanyName, SUM(order_details.UnitPrice * Quantity *
    (1 - Discount)) AS sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID
    JOIN Customers ON Orders.CustomerID = Customers.CustomerID GROUP BY Customers.Country,
    Customers.CompanyName), ranked AS (SELECT Country, CompanyName, sales_revenue, RANK() OVER (PARTITION BY
    Country ORDER BY sales_revenue DESC) AS place FROM grouped) SELECT Country, CompanyName, sales_revenue,
    place FROM ranked WHERE CompanyName = 'Rancho Meridian'
What is the cheapest product in each category?
    WITH ranked AS (SELECT CategoryName, ProductName, Products.UnitPrice, RANK() OVER (PARTITION BY CategoryName
    ORDER BY Products.UnitPrice) AS place FROM Products JOIN Categories ON Products.CategoryID =
    Categories.CategoryID) SELECT CategoryName, ProductName, UnitPrice FROM ranked WHERE place = 1
The two oldest employees in each country
    WITH ranked AS (SELECT Employees.Country, FirstName || ' ' || LastName AS employee_name, BirthDate, RANK()
    OVER (PARTITION BY Employees.Country ORDER BY BirthDate) AS place FROM Employees) SELECT Country,
    employee_name, BirthDate FROM ranked WHERE place <= 2
What is the average unit price of our products marked as discontinued?
    SELECT AVG(Products.UnitPrice) AS average_unit_price FROM Products WHERE Discontinued = 1
What's the lowest freight cost of our orders containing Kyoto Green Tea
    SELECT MIN(Freight) AS min_freight FROM Orders WHERE EXISTS(SELECT 1 FROM order_details JOIN Products ON
    order_details.ProductID = Products.ProductID WHERE order_details.OrderID = Orders.OrderID AND ProductName =
    'Kyoto Green Tea')
What's the combined shipping cost of our orders that came in later than 2023?
    SELECT SUM(Freight) AS total_freight FROM Orders WHERE OrderDate >= '2024-01-01'
What is the lowest list price of any product from a supplier in Australia?
    SELECT MIN(Products.UnitPrice) AS min_unit_price FROM Products JOIN Suppliers ON Products.SupplierID =
    Suppliers.SupplierID WHERE Suppliers.Country = 'Australia'
How much revenue did customers whose first order was in 2023 bring in during 2024?
    SELECT SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS sales_revenue FROM order_details JOIN
    Orders ON order_details.OrderID = Orders.OrderID JOIN Customers ON Orders.CustomerID = Customers.CustomerID
    WHERE OrderDate >= '2024-01-01' AND OrderDate < '2025-01-01' AND EXISTS(SELECT 1 FROM Orders WHERE
    Orders.CustomerID = Customers.CustomerID AND OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01') AND NOT
    EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID = Customers.CustomerID AND OrderDate < '2023-01-01')
What share of 2024 revenue came from customers whose first order was in 2024?
    SELECT 100.0 * SUM(CASE WHEN NOT EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID = Customers.CustomerID
    AND OrderDate < '2024-01-01') THEN order_details.UnitPrice * Quantity * (1 - Discount) ELSE 0 END) /
    SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS share_percent FROM order_details JOIN Orders ON
    order_details.OrderID = Orders.OrderID JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    OrderDate >= '2024-01-01' AND OrderDate < '2025-01-01'
For every customer whose first order was placed in 2023, show how much revenue it made in 2024 (0 if it bought nothing).
    WITH counted AS (SELECT Customers.CustomerID AS counted_key, SUM(order_details.UnitPrice * Quantity * (1 -
    Discount)) AS sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN
    Customers ON Orders.CustomerID = Customers.CustomerID WHERE OrderDate >= '2024-01-01' AND OrderDate <
    '2025-01-01' AND EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID = Customers.CustomerID AND OrderDate >=
    '2023-01-01' AND OrderDate < '2024-01-01') AND NOT EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID =
    Customers.CustomerID AND OrderDate < '2023-01-01') GROUP BY Customers.CustomerID) SELECT
    Customers.CompanyName, COALESCE(counted.sales_revenue, 0) AS sales_revenue FROM Customers LEFT JOIN counted
    ON counted.counted_key = Customers.CustomerID WHERE EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID =
    Customers.CustomerID AND OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01') AND NOT EXISTS(SELECT 1
    FROM Orders WHERE Orders.CustomerID = Customers.CustomerID AND OrderDate < '2023-01-01')
How many orders did employees who report to Desmond Grünwald take in 2024?
    SELECT COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders JOIN Employees ON Orders.EmployeeID =
    Employees.EmployeeID WHERE OrderDate >= '2024-01-01' AND OrderDate < '2025-01-01' AND ReportsTo IN (SELECT
    Employees.EmployeeID FROM Employees WHERE FirstName || ' ' || LastName = 'Desmond Grünwald')
Freight in 2024 for customers whose contact is a Sales Manager
    SELECT SUM(Freight) AS total_freight FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID
    WHERE Customers.ContactTitle = 'Sales Manager' AND OrderDate >= '2024-01-01' AND OrderDate < '2025-01-01'
In which quarters of 2024 did revenue drop compared with the quarter before? Give the quarter and the size of the drop.
    WITH periods AS (SELECT STRFTIME('%Y', OrderDate) || '-Q' || ((STRFTIME('%m', OrderDate) + 2) / 3) AS
    quarter, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS sales_revenue FROM order_details JOIN
    Orders ON order_details.OrderID = Orders.OrderID WHERE OrderDate >= '2023-10-01' AND OrderDate <
    '2025-01-01' GROUP BY quarter), changes AS (SELECT quarter, LAG(sales_revenue) OVER (ORDER BY quarter) -
    sales_revenue AS difference FROM periods) SELECT quarter, difference FROM changes WHERE difference > 0 AND
    quarter >= '2024-Q1'
Revenue growth year over year in percent: give me every year with its revenue and the change against the year before.
    WITH periods AS (SELECT STRFTIME('%Y', OrderDate) AS year, SUM(order_details.UnitPrice * Quantity * (1 -
    Discount)) AS sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID GROUP
    BY year) SELECT year, sales_revenue, 100.0 * sales_revenue / LAG(sales_revenue) OVER (ORDER BY year) - 100
    AS growth_percent FROM periods ORDER BY year
What did Rancho Clover order from us in 2024? The articles and the quantities.
    SELECT ProductName, SUM(Quantity) AS units_sold FROM order_details JOIN Products ON order_details.ProductID
    = Products.ProductID JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Customers ON
    Orders.CustomerID = Customers.CustomerID WHERE Customers.CompanyName = 'Rancho Clover' AND OrderDate >=
    '2024-01-01' AND OrderDate < '2025-01-01' GROUP BY ProductName
Silken Tofu: how many do we have in stock and what's the reorder level?
    SELECT UnitsInStock, ReorderLevel FROM Products WHERE ProductName = 'Silken Tofu'
What's the highest freight charge ever on a single order? Give me the order number too.
    SELECT Orders.OrderID, Freight FROM Orders ORDER BY Freight DESC LIMIT 1
Our single biggest order ever by value: who was the customer and which employee took it?
    SELECT Customers.CompanyName, FirstName || ' ' || LastName AS employee_name, Orders.OrderID,
    SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS sales_revenue FROM order_details JOIN Orders ON
    order_details.OrderID = Orders.OrderID JOIN Customers ON Orders.CustomerID = Customers.CustomerID JOIN
    Employees ON Orders.EmployeeID = Employees.EmployeeID GROUP BY Customers.CompanyName, employee_name,
    Orders.OrderID ORDER BY sales_revenue DESC LIMIT 1
Which employees look after territories in the Southern region?
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE EXISTS(SELECT 1 FROM
    EmployeeTerritories JOIN Territories ON EmployeeTerritories.TerritoryID = Territories.TerritoryID JOIN
    Regions ON Territories.RegionID = Regions.RegionID WHERE EmployeeTerritories.EmployeeID =
    Employees.EmployeeID AND RegionDescription = 'Southern')
For everything we get from Falk Brothers, show me the product name, the pack size and the unit price.
    SELECT ProductName, QuantityPerUnit, Products.UnitPrice FROM Products JOIN Suppliers ON Products.SupplierID
    = Suppliers.SupplierID WHERE Suppliers.CompanyName = 'Falk Brothers'
Customer from Mercado Winslow is on the line: which of their orders haven't gone out yet, and when were they due?
    SELECT Orders.OrderID, RequiredDate FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID
    WHERE Customers.CompanyName = 'Mercado Winslow' AND ShippedDate IS NULL
What does Mercado Winslow buy from us? I'd like their all-time revenue per product category.
    SELECT CategoryName, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS sales_revenue FROM
    order_details JOIN Products ON order_details.ProductID = Products.ProductID JOIN Categories ON
    Products.CategoryID = Categories.CategoryID JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN
    Customers ON Orders.CustomerID = Customers.CustomerID WHERE Customers.CompanyName = 'Mercado Winslow' GROUP
    BY CategoryName
Freight as a percentage of sales, per destination country. I only want the five worst, worst on top.
    WITH numerators AS (SELECT ShipCountry, SUM(Freight) AS total_freight FROM Orders GROUP BY ShipCountry),
    denominators AS (SELECT ShipCountry, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS
    sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID GROUP BY ShipCountry)
    SELECT numerators.ShipCountry, 100.0 * total_freight / sales_revenue AS freight_to_sales_ratio FROM
    numerators JOIN denominators ON numerators.ShipCountry = denominators.ShipCountry ORDER BY
    freight_to_sales_ratio DESC LIMIT 5
Territories per region, highest first
    SELECT RegionDescription, COUNT(*) AS territory_count FROM Territories JOIN Regions ON Territories.RegionID
    = Regions.RegionID GROUP BY RegionDescription ORDER BY territory_count DESC
How many orders taken before October 2024 have not been dispatched to this day?
    SELECT COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders WHERE ShippedDate IS NULL AND OrderDate <
    '2024-10-01'
""")


@pytest.mark.parametrize(("question", "sql"), CASES, ids=[question for question, _ in CASES])
def test_a_family_comes_to_its_statement(linker: Linker, shop: Shop, question: str, sql: str) -> None:
    assert_comes_to(shop, linker, question, sql)


LEFT_ALONE = [
    "Revenue of customers who ordered in 2023",  # of that year, or ever?
    "How much revenue came from customers who ordered in 2023?",
    "Where does Falcon Freight rank among our shippers by late shipment rate?",  # is the first the best or the worst?
    "What rank does Falcon Freight hold?",  # by what?
    "Cheapest products per category by revenue",
    "What is the total price of discontinued products?",  # a sum of prices says nothing
    "In which quarters of 2024 did revenue drop compared with the quarter before? Give the quarter number.",
    "In which months of 2024 did we get more orders than in the month before? Show the month and its freight.",
    "What did Rancho Clover order from us in 2024? The articles and the prices.",
    "Compare the average discount we give customers in Brazil with that of our suppliers",
    "Which supplier countries have the highest stock value? Top five by number of products.",
    "Are there territories nobody is assigned to?",  # yes or no
    "Per customer country, what percentage of 2024 revenue came from customers whose first order was in 2024?",
    "The 10 vendors with the most units sold in 2022, with units, and number of products that sold",
]


@pytest.mark.parametrize("question", LEFT_ALONE)
def test_what_could_mean_something_else_is_left_alone(linker: Linker, question: str) -> None:
    assert read_intent(question, linker) is None


def test_an_english_word_is_no_slip_of_a_name(linker: Linker, shop: Shop) -> None:
    read = read_intent("Which rep brought in the most orders in 2023?", linker)
    assert read is not None
    assert read.query.metrics == ("order_count",)


def test_a_place_needs_one_whose_place_it_is(shop: Shop) -> None:
    with pytest.raises(CannotCompile, match="place"):
        shop.world.compile(SemanticQuery(("sales_revenue",), ("customer_name",), pattern="rank_of"))


def test_the_first_in_each_group_needs_a_group_that_repeats_no_row(shop: Shop) -> None:
    query = SemanticQuery(pattern="first_in_group", entity="customer", columns=("Customers.CompanyName",),
                          dimensions=("product_name",))  # fmt: skip
    with pytest.raises(CannotCompile):
        shop.world.compile(query)
