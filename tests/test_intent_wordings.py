"""Questions in other words than those of the grammar: how late, how long, who reports to whom, what it shows beside."""

from __future__ import annotations

import pytest

from memory.intent import read_intent
from memory.linking import Linker
from tests.fixtures_intent import assert_comes_to, linker, statements
from tests.fixtures_pairs import Shop, shop

__all__ = ["linker", "shop"]

CASES = statements("""
When Falcon Freight shipments go out late, how many days late are they on average, year by year?
    SELECT STRFTIME('%Y', OrderDate) AS year, AVG(JULIANDAY(ShippedDate) - JULIANDAY(RequiredDate)) AS
    average_shipping_delay FROM Orders JOIN Shippers ON Orders.ShipVia = Shippers.ShipperID WHERE ShippedDate >
    RequiredDate AND Shippers.CompanyName = 'Falcon Freight' GROUP BY year ORDER BY year
By how many days are late shipments late on average, per year?
    SELECT STRFTIME('%Y', OrderDate) AS year, AVG(JULIANDAY(ShippedDate) - JULIANDAY(RequiredDate)) AS
    average_shipping_delay FROM Orders WHERE ShippedDate > RequiredDate GROUP BY year ORDER BY year
On average, how many days pass between an order being placed and it being shipped, for each carrier?
    SELECT Shippers.CompanyName, AVG(JULIANDAY(ShippedDate) - JULIANDAY(OrderDate)) AS order_fulfillment_time
    FROM Orders JOIN Shippers ON Orders.ShipVia = Shippers.ShipperID WHERE ShippedDate IS NOT NULL GROUP BY
    Shippers.CompanyName
What's the average number of days each carrier's orders take from being placed to leaving the warehouse?
    SELECT Shippers.CompanyName, AVG(JULIANDAY(ShippedDate) - JULIANDAY(OrderDate)) AS order_fulfillment_time
    FROM Orders JOIN Shippers ON Orders.ShipVia = Shippers.ShipperID WHERE ShippedDate IS NOT NULL GROUP BY
    Shippers.CompanyName
How many orders bound for Brazil took more than 20 days from order to dispatch?
    SELECT COUNT(*) AS group_count FROM (SELECT Orders.OrderID FROM Orders WHERE ShippedDate IS NOT NULL AND
    ShipCountry = 'Brazil' GROUP BY Orders.OrderID HAVING AVG(JULIANDAY(ShippedDate) - JULIANDAY(OrderDate)) >
    20) AS grouped
Orders that left more than ten days after their required date: order number, customer, days late, worst first
    SELECT Customers.CompanyName, Orders.OrderID, AVG(JULIANDAY(ShippedDate) - JULIANDAY(RequiredDate)) AS
    average_shipping_delay FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    ShippedDate > RequiredDate GROUP BY Customers.CompanyName, Orders.OrderID HAVING AVG(JULIANDAY(ShippedDate)
    - JULIANDAY(RequiredDate)) > 10 ORDER BY average_shipping_delay DESC
What were the five most valuable orders we ever took? I want the order number, the customer and the value.
    SELECT Customers.CompanyName, Orders.OrderID, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS
    sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Customers ON
    Orders.CustomerID = Customers.CustomerID GROUP BY Customers.CompanyName, Orders.OrderID ORDER BY
    sales_revenue DESC LIMIT 5
Which product sold the most units in 2023, and which category is it in?
    SELECT CategoryName, ProductName, SUM(Quantity) AS units_sold FROM order_details JOIN Products ON
    order_details.ProductID = Products.ProductID JOIN Categories ON Products.CategoryID = Categories.CategoryID
    JOIN Orders ON order_details.OrderID = Orders.OrderID WHERE OrderDate >= '2023-01-01' AND OrderDate <
    '2024-01-01' GROUP BY CategoryName, ProductName ORDER BY units_sold DESC LIMIT 1
What is the average number of days between order and shipment?
    SELECT AVG(JULIANDAY(ShippedDate) - JULIANDAY(OrderDate)) AS order_fulfillment_time FROM Orders WHERE ShippedDate
    IS NOT NULL
Which supplier provides the most products?
    SELECT Suppliers.CompanyName, COUNT(*) AS product_count FROM Products JOIN Suppliers ON Products.SupplierID =
    Suppliers.SupplierID GROUP BY Suppliers.CompanyName ORDER BY product_count DESC LIMIT 1
Countries we've shipped more than 75 orders to, with the count
    SELECT ShipCountry, COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders GROUP BY ShipCountry HAVING
    COUNT(DISTINCT Orders.OrderID) > 75
Which supplier do we have the most money tied up in?
    SELECT Suppliers.CompanyName, SUM(Products.UnitPrice * UnitsInStock) AS inventory_value FROM Products JOIN
    Suppliers ON Products.SupplierID = Suppliers.SupplierID GROUP BY Suppliers.CompanyName ORDER BY
    inventory_value DESC LIMIT 1
Full postal address of Pebble Deli
    SELECT Customers.Address, Customers.City, Customers.PostalCode, Customers.Country FROM Customers WHERE
    Customers.CompanyName = 'Pebble Deli'
Who's the oldest person on the team? Name and date of birth.
    SELECT FirstName || ' ' || LastName AS employee_name, BirthDate FROM Employees ORDER BY BirthDate LIMIT 1
What's the priciest item on our price list, and what does it cost?
    SELECT ProductName, Products.UnitPrice FROM Products ORDER BY Products.UnitPrice DESC LIMIT 1
Which product costs us the most per unit?
    SELECT ProductName, Products.UnitPrice FROM Products ORDER BY Products.UnitPrice DESC LIMIT 1
How many of our people work out of London?
    SELECT COUNT(*) AS employee_count FROM Employees WHERE Employees.City = 'London'
Count the shipments of 2023 with a freight above 91
    SELECT COUNT(*) AS group_count FROM (SELECT Orders.OrderID FROM Orders WHERE OrderDate >= '2023-01-01' AND
    OrderDate < '2024-01-01' GROUP BY Orders.OrderID HAVING SUM(Freight) > 91) AS grouped
Show all orders from Pebble Deli and when they were placed
    SELECT Orders.OrderID, OrderDate FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID
    WHERE Customers.CompanyName = 'Pebble Deli'
What are the lowest and the highest freight charge on an order shipped to Belgium?
    SELECT MIN(Freight) AS min_freight, MAX(Freight) AS max_freight FROM Orders WHERE ShipCountry = 'Belgium'
What is the lowest, the average and the highest price of the products?
    SELECT MIN(Products.UnitPrice) AS min_unit_price, AVG(Products.UnitPrice) AS average_unit_price,
    MAX(Products.UnitPrice) AS max_unit_price FROM Products
Order 10305: sales rep and extension
    SELECT FirstName || ' ' || LastName AS employee_name, Extension FROM Orders JOIN Employees ON
    Orders.EmployeeID = Employees.EmployeeID WHERE Orders.OrderID = 10305
Suppliers with a website on file: give me the company and the web address.
    SELECT Suppliers.CompanyName, HomePage FROM Suppliers WHERE HomePage IS NOT NULL
Which vendors supply us with more than two articles, and how many is it for each?
    SELECT Suppliers.CompanyName, COUNT(*) AS product_count FROM Products JOIN Suppliers ON Products.SupplierID
    = Suppliers.SupplierID GROUP BY Suppliers.CompanyName HAVING COUNT(*) > 2
Who reports to whom? List every employee who has a boss, next to the boss's name.
    WITH superiors AS (SELECT Employees.EmployeeID AS superior_key, FirstName || ' ' || LastName AS superior
    FROM Employees) SELECT FirstName || ' ' || LastName AS employee_name, superiors.superior FROM Employees LEFT
    JOIN superiors ON superiors.superior_key = Employees.ReportsTo WHERE ReportsTo IS NOT NULL
List every employee with their manager.
    WITH superiors AS (SELECT Employees.EmployeeID AS superior_key, FirstName || ' ' || LastName AS superior
    FROM Employees) SELECT FirstName || ' ' || LastName AS employee_name, superiors.superior FROM Employees LEFT
    JOIN superiors ON superiors.superior_key = Employees.ReportsTo
""")


@pytest.mark.parametrize(("question", "sql"), CASES, ids=[question for question, _ in CASES])
def test_another_wording_comes_to_its_statement(linker: Linker, shop: Shop, question: str, sql: str) -> None:
    assert_comes_to(shop, linker, question, sql)


LEFT_ALONE = [
    "Who reports to whom?",  # with the one who reports to nobody, or not?
    "What were the five biggest orders of 2023? Give the order number and the city.",  # whose city?
    "Orders that took more than 20 days, with the customer",  # from when to when?
    "What are the lowest freight and the highest price on an order?",
    "Order 10305: phone",  # the customer's or the carrier's?
]


@pytest.mark.parametrize("question", LEFT_ALONE)
def test_what_could_mean_something_else_is_left_alone(linker: Linker, question: str) -> None:
    assert read_intent(question, linker) is None
