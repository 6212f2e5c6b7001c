"""Shapes that ask for values, places, days, companions, two conditions and two sides; four wordings of most of them."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import create_engine

from memory.intent import read_intent
from memory.linking import Linker
from memory.value_sources import collect_values
from memory.values import ValueIndex
from tests.fixtures_intent import assert_comes_to, linker
from tests.fixtures_library import Library, library
from tests.fixtures_pairs import Shop, shop

__all__ = ["library", "linker", "shop"]


def wordings(text: str) -> list[tuple[str, str]]:
    """(question, SQL) of a text with questions on lines of their own and the statement of them all indented below."""
    blocks = re.findall(r"((?:^\S.*\n)+)((?:    .*\n)+)", text, re.MULTILINE)
    return [(question, " ".join(sql.split())) for questions, sql in blocks for question in questions.splitlines()]


CASES = wordings("""
What job titles do we have in the company?
Which job titles exist?
What are the different job titles?
What distinct job titles are there?
    SELECT DISTINCT Title FROM Employees
How many different job titles are there?
Number of distinct job titles
How many job titles do we have?
How many unique job titles exist?
    SELECT COUNT(DISTINCT Title) AS distinct_title FROM Employees
How many different countries do we ship to?
How many countries do we deliver to?
Number of countries we ship to
How many distinct countries did we send orders to?
    SELECT COUNT(DISTINCT ShipCountry) AS distinct_ship_country FROM Orders
How many cities did we deliver to in 2023?
How many different cities did we ship to in 2023?
    SELECT COUNT(DISTINCT ShipCity) AS distinct_ship_city FROM Orders WHERE OrderDate >= '2023-01-01' AND
    OrderDate < '2024-01-01'
Cities with more than three customers
Which cities have more than 3 customers?
In which cities do we have more than three customers?
Cities that are home to more than 3 customers
    SELECT Customers.City, COUNT(*) AS customer_count FROM Customers GROUP BY Customers.City HAVING COUNT(*) > 3
How many cities have more than one supplier?
In how many cities do we have more than 1 supplier?
    SELECT COUNT(*) AS group_count FROM (SELECT Suppliers.City FROM Suppliers GROUP BY Suppliers.City HAVING
    COUNT(*) > 1) AS grouped
Is there a contact name that shows up at more than one customer?
Which contact names appear at more than one customer?
Contact names shared by more than one customer
Are there any contact names used by more than one customer?
    SELECT Customers.ContactName, COUNT(*) AS customer_count FROM Customers GROUP BY Customers.ContactName HAVING
    COUNT(*) > 1
Cities in Germany with at least 2 customers
    SELECT Customers.City, COUNT(*) AS customer_count FROM Customers WHERE Customers.Country = 'Germany' GROUP BY
    Customers.City HAVING COUNT(*) >= 2
Job titles with at least two employees
    SELECT Title, COUNT(*) AS employee_count FROM Employees GROUP BY Title HAVING COUNT(*) >= 2
Biggest order of 2023 by value - which number and how much
Biggest order of 2023
What was our largest order in 2023?
What was the single largest order in 2023?
    SELECT Orders.OrderID, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS sales_revenue FROM
    order_details JOIN Orders ON order_details.OrderID = Orders.OrderID WHERE OrderDate >= '2023-01-01' AND
    OrderDate < '2024-01-01' GROUP BY Orders.OrderID ORDER BY sales_revenue DESC LIMIT 1
Top 5 biggest orders of 2023
The five largest orders in 2023
    SELECT Orders.OrderID, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS sales_revenue FROM
    order_details JOIN Orders ON order_details.OrderID = Orders.OrderID WHERE OrderDate >= '2023-01-01' AND
    OrderDate < '2024-01-01' GROUP BY Orders.OrderID ORDER BY sales_revenue DESC LIMIT 5
What was the smallest order in 2023?
    SELECT Orders.OrderID, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS sales_revenue FROM
    order_details JOIN Orders ON order_details.OrderID = Orders.OrderID WHERE OrderDate >= '2023-01-01' AND
    OrderDate < '2024-01-01' GROUP BY Orders.OrderID ORDER BY sales_revenue LIMIT 1
Who placed our biggest order in 2023?
Which customer placed the largest order of 2023?
Largest order in 2023 and who placed it
    SELECT Customers.CompanyName, Orders.OrderID, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS
    sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Customers ON
    Orders.CustomerID = Customers.CustomerID WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01' GROUP BY
    Customers.CompanyName, Orders.OrderID ORDER BY sales_revenue DESC LIMIT 1
Biggest order by freight
    SELECT Orders.OrderID, SUM(Freight) AS total_freight FROM Orders GROUP BY Orders.OrderID ORDER BY
    total_freight DESC LIMIT 1
December 2023 orders that haven't shipped yet, with the customer
List the December 2023 orders that have not been shipped yet, with the customer
    SELECT Orders.OrderID, Customers.CompanyName FROM Orders JOIN Customers ON Orders.CustomerID =
    Customers.CustomerID WHERE ShippedDate IS NULL AND OrderDate >= '2023-12-01' AND OrderDate < '2024-01-01'
How many orders did Felix Brandt take versus Odette Jankowski in 2023?
Orders of Felix Brandt versus Odette Jankowski in 2023
Felix Brandt vs Odette Jankowski: number of orders in 2023
How many orders did Felix Brandt handle compared with Odette Jankowski in 2023?
    SELECT FirstName || ' ' || LastName AS employee_name, COUNT(DISTINCT Orders.OrderID) AS order_count FROM
    Orders JOIN Employees ON Orders.EmployeeID = Employees.EmployeeID WHERE FirstName || ' ' || LastName IN
    ('Felix Brandt', 'Odette Jankowski') AND OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01' GROUP BY
    employee_name
Average list price of our dairy products compared with what's in meat/poultry
Dairy Products versus Meat/Poultry: average list price
Average list price of Dairy Products versus that of Meat/Poultry
    SELECT CategoryName, AVG(Products.UnitPrice) AS average_product_price FROM Products JOIN Categories ON
    Products.CategoryID = Categories.CategoryID WHERE CategoryName IN ('Dairy Products', 'Meat/Poultry') GROUP BY
    CategoryName
Falcon Freight or Blue Anchor Lines: late rate and average freight per order for both
Falcon Freight vs Blue Anchor Lines: late rate and average freight per order
    WITH sides AS (SELECT Shippers.CompanyName, 100.0 * SUM(CASE WHEN ShippedDate > RequiredDate THEN 1 ELSE 0
    END) / COUNT(*) AS late_shipment_rate, CAST(NULL AS REAL) AS average_freight FROM Orders JOIN Shippers ON
    Orders.ShipVia = Shippers.ShipperID WHERE ShippedDate IS NOT NULL AND Shippers.CompanyName IN ('Falcon
    Freight', 'Blue Anchor Lines') GROUP BY Shippers.CompanyName UNION ALL SELECT Shippers.CompanyName, CAST(NULL
    AS REAL) AS late_shipment_rate, AVG(Freight) AS average_freight FROM Orders JOIN Shippers ON Orders.ShipVia =
    Shippers.ShipperID WHERE Shippers.CompanyName IN ('Falcon Freight', 'Blue Anchor Lines') GROUP BY
    Shippers.CompanyName) SELECT CompanyName, MAX(late_shipment_rate) AS late_shipment_rate, MAX(average_freight)
    AS average_freight FROM sides GROUP BY CompanyName
Where does Felix Brandt rank among our reps by 2023 revenue?
How does Felix Brandt rank among the reps by revenue in 2023?
What is Felix Brandt's rank among all reps by revenue in 2023?
What place does Felix Brandt take among our reps by revenue in 2023?
    WITH grouped AS (SELECT FirstName || ' ' || LastName AS employee_name, SUM(order_details.UnitPrice * Quantity
    * (1 - Discount)) AS sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID
    JOIN Employees ON Orders.EmployeeID = Employees.EmployeeID WHERE OrderDate >= '2023-01-01' AND OrderDate <
    '2024-01-01' GROUP BY employee_name), ranked AS (SELECT employee_name, sales_revenue, RANK() OVER (ORDER BY
    sales_revenue DESC) AS place FROM grouped) SELECT employee_name, place FROM ranked WHERE employee_name = 'Felix
    Brandt'
What is Seafood's rank among all categories by gross profit?
Where does Seafood stand among our categories in terms of gross profit?
    WITH grouped AS (SELECT CategoryName, SUM((order_details.UnitPrice * (1 - Discount) - Products.UnitPrice) *
    Quantity) AS gross_profit FROM order_details JOIN Products ON order_details.ProductID = Products.ProductID
    JOIN Categories ON Products.CategoryID = Categories.CategoryID GROUP BY CategoryName), ranked AS (SELECT
    CategoryName, gross_profit, RANK() OVER (ORDER BY gross_profit DESC) AS place FROM grouped) SELECT CategoryName,
    place FROM ranked WHERE CategoryName = 'Seafood'
Contact person and phone of our best customer of 2023 by revenue
Contact person and phone of our top customer by revenue in 2023
    SELECT Customers.ContactName, Customers.Phone, Customers.CompanyName, SUM(order_details.UnitPrice * Quantity *
    (1 - Discount)) AS sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN
    Customers ON Orders.CustomerID = Customers.CustomerID WHERE OrderDate >= '2023-01-01' AND OrderDate <
    '2024-01-01' GROUP BY Customers.ContactName, Customers.Phone, Customers.CompanyName ORDER BY sales_revenue
    DESC LIMIT 1
Best customer by revenue and its city
Which is the top customer by revenue and its city
Who is the best customer by revenue, with their city
    SELECT Customers.City, Customers.CompanyName, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS
    sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Customers ON
    Orders.CustomerID = Customers.CustomerID GROUP BY Customers.City, Customers.CompanyName ORDER BY sales_revenue
    DESC LIMIT 1
Who supplies the product that made us the most revenue in 2023?
Which supplier makes the product with the most revenue in 2023?
Supplier of the top product by revenue in 2023
    SELECT Suppliers.CompanyName, ProductName, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS
    sales_revenue FROM order_details JOIN Products ON order_details.ProductID = Products.ProductID JOIN Suppliers
    ON Products.SupplierID = Suppliers.SupplierID JOIN Orders ON order_details.OrderID = Orders.OrderID WHERE
    OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01' GROUP BY Suppliers.CompanyName, ProductName ORDER BY
    sales_revenue DESC LIMIT 1
How many customers spent more than the average customer did in 2023?
How many customers spent more than the average customer in 2023?
How many customers had above-average revenue in 2023?
    WITH grouped AS (SELECT Customers.CompanyName, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS
    sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Customers ON
    Orders.CustomerID = Customers.CustomerID WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01' GROUP BY
    Customers.CompanyName) SELECT COUNT(*) AS group_count FROM grouped WHERE sales_revenue > (SELECT
    AVG(sales_revenue) FROM grouped)
Which customers spent more than the average customer in 2023?
    WITH grouped AS (SELECT Customers.CompanyName, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS
    sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Customers ON
    Orders.CustomerID = Customers.CustomerID WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01' GROUP BY
    Customers.CompanyName) SELECT CompanyName, sales_revenue FROM grouped WHERE sales_revenue > (SELECT
    AVG(sales_revenue) FROM grouped) ORDER BY sales_revenue DESC
Products priced above the average of their own category
Which products are priced higher than the average of their own category?
    WITH peers AS (SELECT ProductName, CategoryName, Products.UnitPrice, AVG(Products.UnitPrice) OVER (PARTITION
    BY CategoryName) AS average_of_peers FROM Products JOIN Categories ON Products.CategoryID =
    Categories.CategoryID) SELECT ProductName, CategoryName, UnitPrice, average_of_peers FROM peers WHERE
    UnitPrice > average_of_peers
Customers with ten or more orders whose average order value is above $2,500
Customers with at least 10 orders and an average order value above 2500
Which customers have at least 10 orders and an average order value of more than 2500?
    SELECT Customers.CompanyName, COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders JOIN Customers ON
    Orders.CustomerID = Customers.CustomerID WHERE Customers.CompanyName IN (SELECT Customers.CompanyName FROM
    order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Customers ON Orders.CustomerID =
    Customers.CustomerID GROUP BY Customers.CompanyName HAVING SUM(order_details.UnitPrice * Quantity * (1 -
    Discount)) / COUNT(DISTINCT order_details.OrderID) > 2500) GROUP BY Customers.CompanyName HAVING
    COUNT(DISTINCT Orders.OrderID) >= 10
How many customers have at least 10 orders and an average order value above 2500?
    SELECT COUNT(*) AS group_count FROM (SELECT Customers.CompanyName FROM Orders JOIN Customers ON
    Orders.CustomerID = Customers.CustomerID WHERE Customers.CompanyName IN (SELECT Customers.CompanyName FROM
    order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Customers ON Orders.CustomerID =
    Customers.CustomerID GROUP BY Customers.CompanyName HAVING SUM(order_details.UnitPrice * Quantity * (1 -
    Discount)) / COUNT(DISTINCT order_details.OrderID) > 2500) GROUP BY Customers.CompanyName HAVING
    COUNT(DISTINCT Orders.OrderID) >= 10) AS grouped
Suppliers with at least 3 products and a revenue of more than 10000 in 2023
    SELECT Suppliers.CompanyName, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS sales_revenue FROM
    order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Products ON order_details.ProductID =
    Products.ProductID JOIN Suppliers ON Products.SupplierID = Suppliers.SupplierID WHERE OrderDate >=
    '2023-01-01' AND OrderDate < '2024-01-01' AND Suppliers.CompanyName IN (SELECT Suppliers.CompanyName FROM
    Products JOIN Suppliers ON Products.SupplierID = Suppliers.SupplierID GROUP BY Suppliers.CompanyName HAVING
    COUNT(*) >= 3) GROUP BY Suppliers.CompanyName HAVING SUM(order_details.UnitPrice * Quantity * (1 - Discount))
    > 10000
Reps with more than 100 orders and a late rate above 5%
    SELECT FirstName || ' ' || LastName AS employee_name, COUNT(DISTINCT Orders.OrderID) AS order_count FROM
    Orders JOIN Employees ON Orders.EmployeeID = Employees.EmployeeID WHERE FirstName || ' ' || LastName IN
    (SELECT FirstName || ' ' || LastName FROM Orders JOIN Employees ON Orders.EmployeeID = Employees.EmployeeID
    WHERE ShippedDate IS NOT NULL GROUP BY FirstName || ' ' || LastName HAVING 100.0 * SUM(CASE WHEN ShippedDate >
    RequiredDate THEN 1 ELSE 0 END) / COUNT(*) > 5) GROUP BY employee_name HAVING COUNT(DISTINCT Orders.OrderID) >
    100
Open orders whose due date has already passed: order no, customer, required date, oldest due date first
    SELECT Orders.OrderID, Customers.CompanyName, RequiredDate FROM Orders JOIN Customers ON Orders.CustomerID =
    Customers.CustomerID WHERE ShippedDate IS NULL AND RequiredDate < '2024-12-31' ORDER BY RequiredDate
Open orders past their due date
Which open orders are past their due date?
Unshipped orders whose due date has passed
Open orders with a due date that has already passed
    SELECT Orders.OrderID, RequiredDate FROM Orders WHERE ShippedDate IS NULL AND RequiredDate < '2024-12-31'
Did any customers at least double their spend between 2022 and 2023? Which ones?
Which customers at least doubled their revenue between 2022 and 2023?
Customers that at least doubled their revenue from 2022 to 2023
Which customers doubled their spending between 2022 and 2023?
    WITH periods AS (SELECT Customers.CompanyName, STRFTIME('%Y', OrderDate) AS year, SUM(order_details.UnitPrice
    * Quantity * (1 - Discount)) AS sales_revenue FROM order_details JOIN Orders ON order_details.OrderID =
    Orders.OrderID JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE OrderDate >= '2022-01-01' AND
    OrderDate < '2024-01-01' GROUP BY Customers.CompanyName, year) SELECT CompanyName, MAX(CASE WHEN year = '2022'
    THEN sales_revenue END) AS previous_sales_revenue, MAX(CASE WHEN year = '2023' THEN sales_revenue END) AS
    sales_revenue, 100.0 * MAX(CASE WHEN year = '2023' THEN sales_revenue END) / MAX(CASE WHEN year = '2022' THEN
    sales_revenue END) - 100 AS growth_percent FROM periods GROUP BY CompanyName HAVING 100.0 * MAX(CASE WHEN year
    = '2023' THEN sales_revenue END) / MAX(CASE WHEN year = '2022' THEN sales_revenue END) - 100 >= 100
Products that more than tripled their units sold from 2022 to 2023
    WITH periods AS (SELECT ProductName, STRFTIME('%Y', OrderDate) AS year, SUM(Quantity) AS units_sold FROM
    order_details JOIN Products ON order_details.ProductID = Products.ProductID JOIN Orders ON
    order_details.OrderID = Orders.OrderID WHERE OrderDate >= '2022-01-01' AND OrderDate < '2024-01-01' GROUP BY
    ProductName, year) SELECT ProductName, MAX(CASE WHEN year = '2022' THEN units_sold END) AS
    previous_units_sold, MAX(CASE WHEN year = '2023' THEN units_sold END) AS units_sold, 100.0 * MAX(CASE WHEN
    year = '2023' THEN units_sold END) / MAX(CASE WHEN year = '2022' THEN units_sold END) - 100 AS growth_percent
    FROM periods GROUP BY ProductName HAVING 100.0 * MAX(CASE WHEN year = '2023' THEN units_sold END) / MAX(CASE
    WHEN year = '2022' THEN units_sold END) - 100 > 200
2023 revenue of the reps who cover the Eastern region, one row per rep
Revenue of the reps who cover the Eastern region in 2023, by rep
Revenue in 2023 of the reps covering the Eastern region, for each rep
    SELECT FirstName || ' ' || LastName AS employee_name, SUM(order_details.UnitPrice * Quantity * (1 - Discount))
    AS sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Employees ON
    Orders.EmployeeID = Employees.EmployeeID WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01' AND
    EXISTS(SELECT 1 FROM EmployeeTerritories JOIN Territories ON EmployeeTerritories.TerritoryID =
    Territories.TerritoryID JOIN Regions ON Territories.RegionID = Regions.RegionID WHERE
    EmployeeTerritories.EmployeeID = Employees.EmployeeID AND RegionDescription = 'Eastern') GROUP BY
    employee_name
Total revenue of the reps who cover the Eastern region in 2023
    SELECT SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS sales_revenue FROM order_details JOIN
    Orders ON order_details.OrderID = Orders.OrderID JOIN Employees ON Orders.EmployeeID = Employees.EmployeeID
    WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01' AND EXISTS(SELECT 1 FROM EmployeeTerritories JOIN
    Territories ON EmployeeTerritories.TerritoryID = Territories.TerritoryID JOIN Regions ON Territories.RegionID
    = Regions.RegionID WHERE EmployeeTerritories.EmployeeID = Employees.EmployeeID AND RegionDescription =
    'Eastern')
What did Desmond Grünwald's direct reports sell between them in 2023?
How much did Desmond Grünwald's direct reports sell in 2023?
Revenue of Desmond Grünwald's team in 2023
2023 revenue of Desmond Grünwald's direct reports combined
    SELECT SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS sales_revenue FROM order_details JOIN
    Orders ON order_details.OrderID = Orders.OrderID JOIN Employees ON Orders.EmployeeID = Employees.EmployeeID
    WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01' AND ReportsTo IN (SELECT Employees.EmployeeID
    FROM Employees WHERE FirstName || ' ' || LastName = 'Desmond Grünwald')
How many orders did Desmond Grünwald's team take in 2023?
    SELECT COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders JOIN Employees ON Orders.EmployeeID =
    Employees.EmployeeID WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01' AND ReportsTo IN (SELECT
    Employees.EmployeeID FROM Employees WHERE FirstName || ' ' || LastName = 'Desmond Grünwald')
Which reps cover the Eastern region?
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE EXISTS(SELECT 1 FROM
    EmployeeTerritories JOIN Territories ON EmployeeTerritories.TerritoryID = Territories.TerritoryID JOIN Regions
    ON Territories.RegionID = Regions.RegionID WHERE EmployeeTerritories.EmployeeID = Employees.EmployeeID AND
    RegionDescription = 'Eastern')
How many orders do we take on weekends?
How many orders were placed on a weekend?
How many orders came in at the weekend?
    SELECT COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders WHERE STRFTIME('%w', OrderDate) IN ('0', '6')
List the orders placed on a Sunday in 2023
    SELECT Orders.OrderID FROM Orders WHERE STRFTIME('%w', OrderDate) = '0' AND OrderDate >= '2023-01-01' AND
    OrderDate < '2024-01-01'
How many orders were shipped within three days of being placed?
How many orders were shipped within 3 days of the order date?
How many orders shipped within 3 days of being placed?
    SELECT COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders WHERE (JULIANDAY(ShippedDate) -
    JULIANDAY(OrderDate)) <= 3
List the orders shipped more than 20 days after the order date
    SELECT Orders.OrderID FROM Orders WHERE (JULIANDAY(ShippedDate) - JULIANDAY(OrderDate)) > 20
How many orders were shipped on the same day they were placed?
    SELECT COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders WHERE (JULIANDAY(ShippedDate) -
    JULIANDAY(OrderDate)) = 0
Customers located in the same city as one of our suppliers
Which customers are in the same city as one of our suppliers?
Customers who share a city with a supplier
Customers in a city where we also have a supplier
    SELECT Customers.CompanyName, Customers.City FROM Customers WHERE Customers.City IN (SELECT Suppliers.City
    FROM Suppliers)
How many employees live in the same country as a customer?
    SELECT COUNT(*) AS employee_count FROM Employees WHERE Employees.Country IN (SELECT Customers.Country FROM
    Customers)
How many orders went to a country other than the customer's own?
How many orders were sent outside the customer's country?
How many orders were shipped to another country than the customer's?
    SELECT COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders JOIN Customers ON Orders.CustomerID =
    Customers.CustomerID WHERE ShipCountry <> Customers.Country
Which product most often ends up on the same order as Tiger Prawns?
Which product is most often bought together with Tiger Prawns?
Which product is ordered most often with Tiger Prawns?
Which product most frequently appears on the same order as Tiger Prawns?
    WITH items AS (SELECT DISTINCT Orders.OrderID AS together, ProductName AS item, Products.ProductID AS item_key
    FROM Orders JOIN order_details ON Orders.OrderID = order_details.OrderID JOIN Products ON
    order_details.ProductID = Products.ProductID) SELECT other.item AS ProductName, COUNT(*) AS shared FROM items
    AS one JOIN items AS other ON one.together = other.together AND one.item_key <> other.item_key WHERE one.item
    = 'Tiger Prawns' GROUP BY other.item ORDER BY shared DESC LIMIT 1
Which three products are most often ordered with Tiger Prawns in 2023?
    WITH items AS (SELECT DISTINCT Orders.OrderID AS together, ProductName AS item, Products.ProductID AS item_key
    FROM Orders JOIN order_details ON Orders.OrderID = order_details.OrderID JOIN Products ON
    order_details.ProductID = Products.ProductID WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01')
    SELECT other.item AS ProductName, COUNT(*) AS shared FROM items AS one JOIN items AS other ON one.together =
    other.together AND one.item_key <> other.item_key WHERE one.item = 'Tiger Prawns' GROUP BY other.item ORDER BY
    shared DESC LIMIT 3
Which products did order 10300 contain, and how many of each?
Which products does order 10300 include?
What products are in order 10300 and how many of each?
    SELECT ProductName, order_details.UnitPrice, Quantity, Discount FROM order_details JOIN Products ON
    order_details.ProductID = Products.ProductID JOIN Orders ON order_details.OrderID = Orders.OrderID WHERE
    Orders.OrderID = 10300
What countries do we buy from?
Which countries do we source products from?
    SELECT DISTINCT Suppliers.Country FROM Suppliers
Name and city of the top 3 customers by revenue in 2023
Top 3 customers by revenue in 2023 with their city
    SELECT Customers.City, Customers.CompanyName, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS
    sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Customers ON
    Orders.CustomerID = Customers.CustomerID WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01' GROUP BY
    Customers.City, Customers.CompanyName ORDER BY sales_revenue DESC LIMIT 3
The supplier behind our top product by revenue
Supplier of the top product by revenue
    SELECT Suppliers.CompanyName, ProductName, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS
    sales_revenue FROM order_details JOIN Products ON order_details.ProductID = Products.ProductID JOIN Suppliers
    ON Products.SupplierID = Suppliers.SupplierID GROUP BY Suppliers.CompanyName, ProductName ORDER BY
    sales_revenue DESC LIMIT 1
Revenue on weekends in 2023
    SELECT SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS sales_revenue FROM order_details JOIN
    Orders ON order_details.OrderID = Orders.OrderID WHERE STRFTIME('%w', OrderDate) IN ('0', '6') AND OrderDate
    >= '2023-01-01' AND OrderDate < '2024-01-01'
Average freight on Mondays by carrier
Average freight by carrier on a Monday
    SELECT Shippers.CompanyName, AVG(Freight) AS average_freight FROM Orders JOIN Shippers ON Orders.ShipVia =
    Shippers.ShipperID WHERE STRFTIME('%w', OrderDate) = '1' GROUP BY Shippers.CompanyName
How many orders were placed on weekdays in 2023?
Number of orders on weekdays in 2023
    SELECT COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders WHERE STRFTIME('%w', OrderDate) IN ('1', '2',
    '3', '4', '5') AND OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01'
Customers in the same city as Juniper Trading
Which customers share a city with Juniper Trading?
    SELECT Customers.CompanyName, Customers.City FROM Customers WHERE Customers.City IN (SELECT Suppliers.City
    FROM Suppliers WHERE Suppliers.CompanyName = 'Juniper Trading')
Reps who live in the same city as Felix Brandt
Which employees work in the same city as Felix Brandt?
    SELECT FirstName || ' ' || LastName AS employee_name, Employees.City FROM Employees WHERE Employees.City IN
    (SELECT Employees.City FROM Employees WHERE FirstName || ' ' || LastName = 'Felix Brandt') AND FirstName || '
    ' || LastName <> 'Felix Brandt'
Revenue of Brandt and Quintana in 2023
    SELECT FirstName || ' ' || LastName AS employee_name, SUM(order_details.UnitPrice * Quantity * (1 - Discount))
    AS sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Employees ON
    Orders.EmployeeID = Employees.EmployeeID WHERE LastName IN ('Brandt', 'Quintana') AND OrderDate >=
    '2023-01-01' AND OrderDate < '2024-01-01' GROUP BY employee_name
How many days pass on average between two orders of Cocina Jankowski?
    SELECT 1.0 * (JULIANDAY(MAX(OrderDate)) - JULIANDAY(MIN(OrderDate))) / (COUNT(*) - 1) AS average_days_between
    FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE Customers.CompanyName = 'Cocina
    Jankowski'
""")


@pytest.mark.parametrize(("question", "sql"), CASES, ids=[question for question, _ in CASES])
def test_a_shape_comes_to_its_statement_in_every_wording(shop: Shop, linker: Linker, question: str, sql: str) -> None:
    assert_comes_to(shop, linker, question, sql)


LEFT_ALONE = [
    # whose countries, whose cities
    "What countries do we have?", "How many cities are there?", "Cities with more than 50 orders",
    # the number of something may be meant, or its values with a gap
    "What regions do our customers have more than once?",
    # the biggest by what
    "Biggest order by number of products and freight", "Biggest order per customer by volume",
    # a place from which end
    "Where does Falcon Freight rank among our carriers by late rate?",
    "Where does Felix Brandt rank among our customers by revenue?",
    # together, or each
    "Revenue of Desmond Grünwald's direct reports in 2023",
    # the best by late rate
    "Best carrier by late rate and its phone",
    # two conditions, of which only one is shown
    "Products with more than 50 units sold and a gross margin below 20%, show units and margin, lowest margin first",
    # what has been shipped late was due before today as well
    "Orders whose due date has passed",
    # three periods
    "Which customers doubled their revenue between 2021 and 2023?",
    # all of them, and not one
    "Customers in the same city as all our suppliers",
    "Customers with at least 10 orders, 5 products and more than 5000 revenue",
    "Which customers are most often bought together with Tiger Prawns?",
]  # fmt: skip


@pytest.mark.parametrize("question", LEFT_ALONE)
def test_a_shape_that_leaves_something_open_is_left_alone(linker: Linker, question: str) -> None:
    assert read_intent(question, linker) is None


LENT = wordings("""
How many loans were returned within 14 days of being loaned?
    SELECT COUNT(*) AS loan_count FROM loans WHERE (JULIANDAY(returned_on) - JULIANDAY(loaned_on)) <= 14
Loans not yet returned past their due date
Loans that have not been returned, whose due date has passed
    SELECT loans.loan_id, due_on FROM loans WHERE returned_on IS NULL AND due_on < '2025-12-31'
What membership types are there?
    SELECT DISTINCT member_type FROM members
How many different languages do our books have?
    SELECT COUNT(DISTINCT language) AS distinct_language FROM books
Districts with more than five members
    SELECT district, COUNT(*) AS new_members FROM members GROUP BY district HAVING COUNT(*) > 5
How many loans do we make on weekends?
    SELECT COUNT(*) AS loan_count FROM loans WHERE STRFTIME('%w', loaned_on) IN ('0', '6')
How many loans did Riverside make versus Hilltop in 2025?
Riverside versus Hilltop: loans in 2025
    SELECT branches.name, COUNT(*) AS loan_count FROM loans JOIN copies ON loans.copy_id = copies.copy_id JOIN
    branches ON copies.branch_id = branches.branch_id WHERE branches.name IN ('Riverside', 'Hilltop') AND
    loaned_on >= '2025-01-01' AND loaned_on < '2026-01-01' GROUP BY branches.name
Where does Riverside rank among our branches by loans in 2025?
    WITH grouped AS (SELECT branches.name, COUNT(*) AS loan_count FROM loans JOIN copies ON loans.copy_id =
    copies.copy_id JOIN branches ON copies.branch_id = branches.branch_id WHERE loaned_on >= '2025-01-01' AND
    loaned_on < '2026-01-01' GROUP BY branches.name), ranked AS (SELECT name, loan_count, RANK() OVER (ORDER BY
    loan_count DESC) AS place FROM grouped) SELECT name, place FROM ranked WHERE name = 'Riverside'
""")


@pytest.fixture(scope="module")
def librarian(library: Library) -> Linker:
    engine = create_engine(f"sqlite:///{library.path}")
    values = collect_values(engine, library.catalog, library.layer)
    engine.dispose()
    return Linker(library.catalog, library.layer, ValueIndex(library.catalog, library.layer, values))


@pytest.mark.parametrize(("question", "sql"), LENT, ids=[question for question, _ in LENT])
def test_a_shape_is_read_in_another_workspace(library: Library, librarian: Linker, question: str, sql: str) -> None:
    intent = read_intent(question, librarian)
    assert intent is not None
    assert library.world.compile(intent.query) == sql
    assert library.world.execute(sql).result is not None
