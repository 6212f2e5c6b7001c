"""Metrics of some of their rows, of groups with enough of another metric, of those that have nothing."""

from __future__ import annotations

import pytest

from memory.intent import read_intent
from memory.linking import Linker
from tests.fixtures_intent import assert_comes_to, linker, statements
from tests.fixtures_pairs import Shop, shop

__all__ = ["linker", "shop"]

CASES = statements("""
How much capital is tied up in stock of discontinued products?
    SELECT SUM(Products.UnitPrice * UnitsInStock) AS inventory_value FROM Products WHERE Discontinued = 1
How much freight is on open orders of Falcon Freight?
    SELECT SUM(Freight) AS total_freight FROM Orders JOIN Shippers ON Orders.ShipVia = Shippers.ShipperID WHERE
    Shippers.CompanyName = 'Falcon Freight' AND ShippedDate IS NULL
What is the average days late of the late orders by year?
    SELECT STRFTIME('%Y', OrderDate) AS year, AVG(JULIANDAY(ShippedDate) - JULIANDAY(RequiredDate)) AS
    average_shipping_delay FROM Orders WHERE ShippedDate > RequiredDate GROUP BY year ORDER BY year
How much revenue is sitting in orders that haven't shipped yet?
    SELECT SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS sales_revenue FROM order_details JOIN
    Orders ON order_details.OrderID = Orders.OrderID WHERE ShippedDate IS NULL
What percentage of our total inventory value is sitting in discontinued products?
    SELECT 100.0 * SUM(CASE WHEN Discontinued = 1 THEN Products.UnitPrice * UnitsInStock ELSE 0 END) /
    SUM(Products.UnitPrice * UnitsInStock) AS share_percent FROM Products
What was the on-time rate of orders shipped to Mexico in each year?
    SELECT STRFTIME('%Y', OrderDate) AS year, 100.0 * SUM(CASE WHEN ShippedDate <= RequiredDate THEN 1 ELSE 0
    END) / COUNT(*) AS on_time_rate FROM Orders WHERE ShippedDate IS NOT NULL AND ShipCountry = 'Mexico' GROUP
    BY year ORDER BY year
What is the total quantity of order 10381?
    SELECT SUM(Quantity) AS units_sold FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID
    WHERE Orders.OrderID = 10381
What did order 10381 come to in revenue?
    SELECT SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS sales_revenue FROM order_details JOIN
    Orders ON order_details.OrderID = Orders.OrderID WHERE Orders.OrderID = 10381
Orders by month in 2022, by shipped date
    SELECT STRFTIME('%Y-%m', ShippedDate) AS month, COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders
    WHERE ShippedDate >= '2022-01-01' AND ShippedDate < '2023-01-01' GROUP BY month ORDER BY month
AOV per carrier, orders of 2024
    SELECT Shippers.CompanyName, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) / COUNT(DISTINCT
    order_details.OrderID) AS average_order_value FROM order_details JOIN Orders ON order_details.OrderID =
    Orders.OrderID JOIN Shippers ON Orders.ShipVia = Shippers.ShipperID WHERE OrderDate >= '2024-01-01' AND
    OrderDate < '2025-01-01' GROUP BY Shippers.CompanyName
Discount given by customer country in 2022 and 2023, excluding shipper Falcon Freight
    SELECT Customers.Country, STRFTIME('%Y', OrderDate) AS year, SUM(order_details.UnitPrice * Quantity *
    Discount) AS discount_amount FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN
    Customers ON Orders.CustomerID = Customers.CustomerID JOIN Shippers ON Orders.ShipVia = Shippers.ShipperID
    WHERE Shippers.CompanyName <> 'Falcon Freight' AND OrderDate >= '2022-01-01' AND OrderDate < '2024-01-01'
    GROUP BY Customers.Country, year ORDER BY year
Number of territories per employee, and don't leave out people who have none.
    WITH counted AS (SELECT Employees.EmployeeID AS counted_key, COUNT(DISTINCT Territories.TerritoryID) AS
    territory_count FROM Territories JOIN EmployeeTerritories ON Territories.TerritoryID =
    EmployeeTerritories.TerritoryID JOIN Employees ON EmployeeTerritories.EmployeeID = Employees.EmployeeID
    GROUP BY Employees.EmployeeID) SELECT FirstName || ' ' || LastName AS employee_name,
    COALESCE(counted.territory_count, 0) AS territory_count FROM Employees LEFT JOIN counted ON
    counted.counted_key = Employees.EmployeeID
Condiments, October 2023: units per product, 0 if none
    WITH counted AS (SELECT Products.ProductID AS counted_key, SUM(Quantity) AS units_sold FROM order_details
    JOIN Products ON order_details.ProductID = Products.ProductID JOIN Categories ON Products.CategoryID =
    Categories.CategoryID JOIN Orders ON order_details.OrderID = Orders.OrderID WHERE CategoryName =
    'Condiments' AND OrderDate >= '2023-10-01' AND OrderDate < '2023-11-01' GROUP BY Products.ProductID) SELECT
    ProductName, COALESCE(counted.units_sold, 0) AS units_sold FROM Products JOIN Categories ON
    Products.CategoryID = Categories.CategoryID LEFT JOIN counted ON counted.counted_key = Products.ProductID
    WHERE CategoryName = 'Condiments'
Among customers with at least 20 orders, which has the highest average order value?
    SELECT Customers.CompanyName, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) / COUNT(DISTINCT
    order_details.OrderID) AS average_order_value FROM order_details JOIN Orders ON order_details.OrderID =
    Orders.OrderID JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE Customers.CompanyName IN
    (SELECT Customers.CompanyName FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID GROUP
    BY Customers.CompanyName HAVING COUNT(DISTINCT Orders.OrderID) >= 20) GROUP BY Customers.CompanyName ORDER
    BY average_order_value DESC LIMIT 1
Average order value by customer with at least 10 orders
    SELECT Customers.CompanyName, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) / COUNT(DISTINCT
    order_details.OrderID) AS average_order_value FROM order_details JOIN Orders ON order_details.OrderID =
    Orders.OrderID JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE Customers.CompanyName IN
    (SELECT Customers.CompanyName FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID GROUP
    BY Customers.CompanyName HAVING COUNT(DISTINCT Orders.OrderID) >= 10) GROUP BY Customers.CompanyName
Of the destination countries with at least 20 shipped orders, which has the worst late rate?
    SELECT ShipCountry, 100.0 * SUM(CASE WHEN ShippedDate > RequiredDate THEN 1 ELSE 0 END) / COUNT(*) AS
    late_shipment_rate FROM Orders WHERE ShippedDate IS NOT NULL AND ShipCountry IN (SELECT ShipCountry FROM
    Orders WHERE ShippedDate IS NOT NULL GROUP BY ShipCountry HAVING COUNT(DISTINCT Orders.OrderID) >= 20) GROUP
    BY ShipCountry ORDER BY late_shipment_rate DESC LIMIT 1
Median order value in 2024
    WITH measured AS (SELECT SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS value FROM
    order_details JOIN Orders ON order_details.OrderID = Orders.OrderID WHERE OrderDate >= '2024-01-01' AND
    OrderDate < '2025-01-01' GROUP BY Orders.OrderID), placed AS (SELECT value, ROW_NUMBER() OVER (ORDER BY
    value) AS place, COUNT(*) OVER () AS places FROM measured WHERE value IS NOT NULL) SELECT AVG(value) AS
    median_value FROM placed WHERE 2 * place BETWEEN places AND places + 2
Median revenue per customer in 2023
    WITH measured AS (SELECT SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS value FROM
    order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Customers ON Orders.CustomerID =
    Customers.CustomerID WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01' GROUP BY
    Customers.CompanyName), placed AS (SELECT value, ROW_NUMBER() OVER (ORDER BY value) AS place, COUNT(*) OVER
    () AS places FROM measured WHERE value IS NOT NULL) SELECT AVG(value) AS median_value FROM placed WHERE 2 *
    place BETWEEN places AND places + 2
Median units sold per product in 2023
    WITH measured AS (SELECT SUM(Quantity) AS value FROM order_details JOIN Products ON order_details.ProductID
    = Products.ProductID JOIN Orders ON order_details.OrderID = Orders.OrderID WHERE OrderDate >= '2023-01-01'
    AND OrderDate < '2024-01-01' GROUP BY ProductName), placed AS (SELECT value, ROW_NUMBER() OVER (ORDER BY
    value) AS place, COUNT(*) OVER () AS places FROM measured WHERE value IS NOT NULL) SELECT AVG(value) AS
    median_value FROM placed WHERE 2 * place BETWEEN places AND places + 2
Median freight per order in 2024
    WITH measured AS (SELECT Freight AS value FROM Orders WHERE OrderDate >= '2024-01-01' AND OrderDate <
    '2025-01-01'), placed AS (SELECT value, ROW_NUMBER() OVER (ORDER BY value) AS place, COUNT(*) OVER () AS places
    FROM measured WHERE value IS NOT NULL) SELECT AVG(value) AS median_value FROM placed WHERE 2 * place BETWEEN places
    AND places + 2
How much more turnover than Celia Rosenberg did Stefan Nakagawa have in 2022?
    WITH grouped AS (SELECT FirstName || ' ' || LastName AS employee_name, SUM(order_details.UnitPrice * Quantity * (1
    - Discount)) AS sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN
    Employees ON Orders.EmployeeID = Employees.EmployeeID WHERE OrderDate >= '2022-01-01' AND OrderDate < '2023-01-01'
    AND FirstName || ' ' || LastName IN ('Stefan Nakagawa', 'Celia Rosenberg') GROUP BY employee_name) SELECT MAX(CASE
    WHEN employee_name = 'Stefan Nakagawa' THEN sales_revenue END) - MAX(CASE WHEN employee_name = 'Celia Rosenberg'
    THEN sales_revenue END) AS difference FROM grouped
How big a part of our 2022 sales in each market did Produce make up, in percent?
    SELECT Customers.Country, 100.0 * SUM(CASE WHEN CategoryName = 'Produce' THEN order_details.UnitPrice * Quantity *
    (1 - Discount) ELSE 0 END) / SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS share_percent FROM
    order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Customers ON Orders.CustomerID =
    Customers.CustomerID JOIN Products ON order_details.ProductID = Products.ProductID JOIN Categories ON
    Products.CategoryID = Categories.CategoryID WHERE OrderDate >= '2022-01-01' AND OrderDate < '2023-01-01' GROUP BY
    Customers.Country
Gross margin by month in 2022, newest first
    SELECT STRFTIME('%Y-%m', OrderDate) AS month, 100.0 * SUM((order_details.UnitPrice * (1 - Discount) -
    Products.UnitPrice) * Quantity) / SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS gross_margin
    FROM order_details JOIN Products ON order_details.ProductID = Products.ProductID JOIN Orders ON
    order_details.OrderID = Orders.OrderID WHERE OrderDate >= '2022-01-01' AND OrderDate < '2023-01-01' GROUP BY
    month ORDER BY month DESC
Which client was ahead of all others on late shipment percentage?
    SELECT Customers.CompanyName, 100.0 * SUM(CASE WHEN ShippedDate > RequiredDate THEN 1 ELSE 0 END) / COUNT(*)
    AS late_shipment_rate FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    ShippedDate IS NOT NULL GROUP BY Customers.CompanyName ORDER BY late_shipment_rate DESC LIMIT 1
What were our 3 best years for profit margin percentage?
    SELECT STRFTIME('%Y', OrderDate) AS year, 100.0 * SUM((order_details.UnitPrice * (1 - Discount) -
    Products.UnitPrice) * Quantity) / SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS gross_margin
    FROM order_details JOIN Products ON order_details.ProductID = Products.ProductID JOIN Orders ON
    order_details.OrderID = Orders.OrderID GROUP BY year ORDER BY gross_margin DESC LIMIT 3
Who did better in customer retention, Argentina or Sweden?
    WITH numerators AS (SELECT Customers.Country, COUNT(DISTINCT Orders.CustomerID) AS returning_customers FROM
    Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE EXISTS(SELECT 1 FROM Orders AS
    earlier WHERE earlier.CustomerID = Orders.CustomerID AND CAST(STRFTIME('%Y', earlier.OrderDate) AS INTEGER)
    = CAST(STRFTIME('%Y', Orders.OrderDate) AS INTEGER) - 1) AND Customers.Country IN ('Argentina', 'Sweden')
    GROUP BY Customers.Country), denominators AS (SELECT Customers.Country, COUNT(DISTINCT Orders.CustomerID) AS
    active_customers FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    Customers.Country IN ('Argentina', 'Sweden') GROUP BY Customers.Country) SELECT numerators.Country, 100.0 *
    returning_customers / active_customers AS customer_retention_rate FROM numerators JOIN denominators ON
    numerators.Country = denominators.Country ORDER BY customer_retention_rate DESC LIMIT 1
USA in 2023: revenue, orders, customers
    SELECT (SELECT SUM(order_details.UnitPrice * Quantity * (1 - Discount)) FROM order_details JOIN Orders ON
    order_details.OrderID = Orders.OrderID JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    Customers.Country = 'USA' AND OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01') AS sales_revenue,
    (SELECT COUNT(DISTINCT Orders.OrderID) FROM Orders JOIN Customers ON Orders.CustomerID =
    Customers.CustomerID WHERE Customers.Country = 'USA' AND OrderDate >= '2023-01-01' AND OrderDate <
    '2024-01-01') AS order_count, (SELECT COUNT(DISTINCT Orders.CustomerID) FROM Orders JOIN Customers ON
    Orders.CustomerID = Customers.CustomerID WHERE Customers.Country = 'USA' AND OrderDate >= '2023-01-01' AND
    OrderDate < '2024-01-01') AS distinct_customer_id
""")


@pytest.mark.parametrize(("question", "sql"), CASES, ids=[question for question, _ in CASES])
def test_a_metric_of_some_rows_comes_to_its_statement(linker: Linker, shop: Shop, question: str, sql: str) -> None:
    assert_comes_to(shop, linker, question, sql)


LEFT_ALONE = [
    "What did each carrier carry for us in 2020 and how much freight did it charge?",  # two numbers
    "Japanese vendors: article with the highest stock value",  # of all of them, or of each?
    "Freight of the orders shipped before 2022",  # by the day they left, or were placed?
    "How many items are on order 10422 in total?",  # lines or pieces?
    "Average order value per employee, including those with none",  # there is no average of nothing
    "Which destination country has the best average discount?",  # best for whom?
    "Customers by revenue in 2023, newest first",
    "Revenue by month with at least 10 orders",  # months or orders?
]


@pytest.mark.parametrize("question", LEFT_ALONE)
def test_what_could_mean_something_else_is_left_alone(linker: Linker, question: str) -> None:
    assert read_intent(question, linker) is None
