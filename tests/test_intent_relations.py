"""Questions that reach from rows to other rows: reporting lines, "who", described relations, what comes first."""

from __future__ import annotations

import pytest

from memory.compiler import CannotCompile, Filter, Related, SemanticQuery
from memory.intent import read_intent
from memory.linking import Linker
from tests.fixtures_intent import assert_comes_to, linker, statements
from tests.fixtures_pairs import Shop, shop

__all__ = ["linker", "shop"]

CASES = statements("""
Who does Stefan Nakagawa report to?
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE Employees.EmployeeID IN (SELECT
    ReportsTo FROM Employees WHERE FirstName || ' ' || LastName = 'Stefan Nakagawa' AND ReportsTo IS NOT NULL)
who does Felix report to
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE Employees.EmployeeID IN (SELECT
    ReportsTo FROM Employees WHERE FirstName = 'Felix' AND ReportsTo IS NOT NULL)
Who is Brandt's manager?
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE Employees.EmployeeID IN (SELECT
    ReportsTo FROM Employees WHERE LastName = 'Brandt' AND ReportsTo IS NOT NULL)
manager of Felix Brandt
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE Employees.EmployeeID IN (SELECT
    ReportsTo FROM Employees WHERE FirstName || ' ' || LastName = 'Felix Brandt' AND ReportsTo IS NOT NULL)
phone extension of Felix Brandt's manager
    SELECT Extension FROM Employees WHERE Employees.EmployeeID IN (SELECT ReportsTo FROM Employees WHERE FirstName
    || ' ' || LastName = 'Felix Brandt' AND ReportsTo IS NOT NULL)
who manages Klara Underhill
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE Employees.EmployeeID IN (SELECT
    ReportsTo FROM Employees WHERE FirstName || ' ' || LastName = 'Klara Underhill' AND ReportsTo IS NOT NULL)
who reports to Grünwald?
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE ReportsTo IN (SELECT
    Employees.EmployeeID FROM Employees WHERE LastName = 'Grünwald')
list everyone who reports to Marta
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE ReportsTo IN (SELECT
    Employees.EmployeeID FROM Employees WHERE FirstName = 'Marta')
employees reporting to Desmond Grünwald hired after 2018
    SELECT FirstName || ' ' || LastName AS employee_name, HireDate FROM Employees WHERE HireDate >= '2019-01-01' AND
    ReportsTo IN (SELECT Employees.EmployeeID FROM Employees WHERE FirstName || ' ' || LastName = 'Desmond
    Grünwald')
How many people report to Desmond Grünwald?
    SELECT COUNT(*) AS employee_count FROM Employees WHERE ReportsTo IN (SELECT Employees.EmployeeID FROM Employees
    WHERE FirstName || ' ' || LastName = 'Desmond Grünwald')
how many direct reports does Marta Ostergaard have
    SELECT COUNT(*) AS employee_count FROM Employees WHERE ReportsTo IN (SELECT Employees.EmployeeID FROM Employees
    WHERE FirstName || ' ' || LastName = 'Marta Ostergaard')
how many employees report to each manager
    WITH reports AS (SELECT ReportsTo AS superior, COUNT(*) AS report_count FROM Employees WHERE ReportsTo IS NOT
    NULL GROUP BY ReportsTo) SELECT FirstName || ' ' || LastName AS employee_name, reports.report_count FROM
    Employees JOIN reports ON reports.superior = Employees.EmployeeID
which manager has the most direct reports
    WITH reports AS (SELECT ReportsTo AS superior, COUNT(*) AS report_count FROM Employees WHERE ReportsTo IS NOT
    NULL GROUP BY ReportsTo) SELECT FirstName || ' ' || LastName AS employee_name, reports.report_count FROM
    Employees JOIN reports ON reports.superior = Employees.EmployeeID ORDER BY reports.report_count DESC LIMIT 1
Which employees have no manager?
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE ReportsTo IS NULL
Who doesn't report to anyone?
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE ReportsTo IS NULL
which employees have a manager
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE ReportsTo IS NOT NULL
which employees are managers
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE Employees.EmployeeID IN (SELECT
    ReportsTo FROM Employees WHERE ReportsTo IS NOT NULL)
who works in London
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE Employees.City = 'London'
who was hired in 2018
    SELECT FirstName || ' ' || LastName AS employee_name, HireDate FROM Employees WHERE HireDate >= '2018-01-01' AND
    HireDate < '2019-01-01'
latest hire
    SELECT FirstName || ' ' || LastName AS employee_name, HireDate FROM Employees ORDER BY HireDate DESC LIMIT 1
who handled order 10250
    SELECT FirstName || ' ' || LastName AS employee_name FROM Orders JOIN Employees ON Orders.EmployeeID =
    Employees.EmployeeID WHERE Orders.OrderID = 10250
who placed order 10250
    SELECT Customers.CompanyName FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    Orders.OrderID = 10250
who supplies Jasmine Rice
    SELECT Suppliers.CompanyName FROM Products JOIN Suppliers ON Products.SupplierID = Suppliers.SupplierID WHERE
    ProductName = 'Jasmine Rice'
who ordered Jasmine Rice in 2023
    SELECT Customers.CompanyName FROM Customers WHERE EXISTS(SELECT 1 FROM Orders JOIN order_details ON
    Orders.OrderID = order_details.OrderID JOIN Products ON order_details.ProductID = Products.ProductID WHERE
    Orders.CustomerID = Customers.CustomerID AND ProductName = 'Jasmine Rice' AND OrderDate >= '2023-01-01' AND
    OrderDate < '2024-01-01')
who placed the most recent order
    SELECT Orders.OrderID, OrderDate, Customers.CompanyName FROM Orders JOIN Customers ON Orders.CustomerID =
    Customers.CustomerID ORDER BY OrderDate DESC LIMIT 1
suppliers of discontinued products
    SELECT Suppliers.CompanyName FROM Suppliers WHERE EXISTS(SELECT 1 FROM Products WHERE Products.SupplierID =
    Suppliers.SupplierID AND Discontinued = 1)
suppliers with products out of stock
    SELECT Suppliers.CompanyName FROM Suppliers WHERE EXISTS(SELECT 1 FROM Products WHERE Products.SupplierID =
    Suppliers.SupplierID AND UnitsInStock = 0)
which employees handled orders shipped to France
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE EXISTS(SELECT 1 FROM Orders WHERE
    Orders.EmployeeID = Employees.EmployeeID AND ShipCountry = 'France')
employees who never handled an order shipped to France
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE NOT EXISTS(SELECT 1 FROM Orders WHERE
    Orders.EmployeeID = Employees.EmployeeID AND ShipCountry = 'France')
customers who never ordered a discontinued product
    SELECT Customers.CompanyName FROM Customers WHERE NOT EXISTS(SELECT 1 FROM Orders JOIN order_details ON
    Orders.OrderID = order_details.OrderID JOIN Products ON order_details.ProductID = Products.ProductID WHERE
    Orders.CustomerID = Customers.CustomerID AND Discontinued = 1)
customers who ordered discontinued products in 2023
    SELECT Customers.CompanyName FROM Customers WHERE EXISTS(SELECT 1 FROM Orders JOIN order_details ON
    Orders.OrderID = order_details.OrderID JOIN Products ON order_details.ProductID = Products.ProductID WHERE
    Orders.CustomerID = Customers.CustomerID AND Discontinued = 1 AND OrderDate >= '2023-01-01' AND OrderDate <
    '2024-01-01')
customers who bought products supplied by Castellano Foods
    SELECT Customers.CompanyName FROM Customers WHERE EXISTS(SELECT 1 FROM Orders JOIN order_details ON
    Orders.OrderID = order_details.OrderID JOIN Products ON order_details.ProductID = Products.ProductID JOIN
    Suppliers ON Products.SupplierID = Suppliers.SupplierID WHERE Orders.CustomerID = Customers.CustomerID AND
    Suppliers.CompanyName = 'Castellano Foods')
which customers had late orders in 2023
    SELECT Customers.CompanyName FROM Customers WHERE EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID =
    Customers.CustomerID AND ShippedDate > RequiredDate AND OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01')
customers with no late orders
    SELECT Customers.CompanyName FROM Customers WHERE NOT EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID =
    Customers.CustomerID AND ShippedDate > RequiredDate)
customers with orders that have not shipped
    SELECT Customers.CompanyName FROM Customers WHERE EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID =
    Customers.CustomerID AND ShippedDate IS NULL)
which orders are from customers in Germany
    SELECT Orders.OrderID FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    Customers.Country = 'Germany'
which shippers delivered orders to Germany
    SELECT Shippers.CompanyName FROM Shippers WHERE EXISTS(SELECT 1 FROM Orders WHERE Orders.ShipVia =
    Shippers.ShipperID AND ShipCountry = 'Germany')
suppliers of discontinued products with their phone numbers
    SELECT Suppliers.CompanyName, Suppliers.Phone FROM Suppliers WHERE EXISTS(SELECT 1 FROM Products WHERE
    Products.SupplierID = Suppliers.SupplierID AND Discontinued = 1)
products from suppliers in Japan
    SELECT ProductName FROM Products JOIN Suppliers ON Products.SupplierID = Suppliers.SupplierID WHERE
    Suppliers.Country = 'Japan'
when was the latest order placed
    SELECT Orders.OrderID, OrderDate FROM Orders ORDER BY OrderDate DESC LIMIT 1
when did Pebble Deli last order
    SELECT Orders.OrderID, OrderDate FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    Customers.CompanyName = 'Pebble Deli' ORDER BY OrderDate DESC LIMIT 1
date of the last order from Pebble Deli
    SELECT Orders.OrderID, OrderDate FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    Customers.CompanyName = 'Pebble Deli' ORDER BY OrderDate DESC LIMIT 1
which customer placed the latest order
    SELECT Orders.OrderID, OrderDate, Customers.CompanyName FROM Orders JOIN Customers ON Orders.CustomerID =
    Customers.CustomerID ORDER BY OrderDate DESC LIMIT 1
price of the cheapest product
    SELECT ProductName, Products.UnitPrice FROM Products ORDER BY Products.UnitPrice LIMIT 1
supplier of the most expensive product
    SELECT ProductName, Products.UnitPrice, Suppliers.CompanyName FROM Products JOIN Suppliers ON
    Products.SupplierID = Suppliers.SupplierID ORDER BY Products.UnitPrice DESC LIMIT 1
the second most expensive product
    SELECT ProductName, Products.UnitPrice FROM Products ORDER BY Products.UnitPrice DESC LIMIT 1 OFFSET 1
job title of the newest employee
    SELECT FirstName || ' ' || LastName AS employee_name, HireDate, Title FROM Employees ORDER BY HireDate DESC
    LIMIT 1
customer of the order with the highest freight
    SELECT Orders.OrderID, Freight, Customers.CompanyName FROM Orders JOIN Customers ON Orders.CustomerID =
    Customers.CustomerID ORDER BY Freight DESC LIMIT 1
top 5 most expensive products
    SELECT ProductName, Products.UnitPrice FROM Products ORDER BY Products.UnitPrice DESC LIMIT 5
Who do we talk to at Castellano Foods, and what is that person's job title?
    SELECT Suppliers.ContactName, Suppliers.ContactTitle FROM Suppliers WHERE Suppliers.CompanyName = 'Castellano
    Foods'
Who is our contact at Castellano Foods, and what is their job title?
    SELECT Suppliers.ContactName, Suppliers.ContactTitle FROM Suppliers WHERE Suppliers.CompanyName = 'Castellano
    Foods'
What is Felix Brandt's job title and which city does he work from?
    SELECT Title, Employees.City FROM Employees WHERE FirstName || ' ' || LastName = 'Felix Brandt'
On what day did order 10250 leave the warehouse?
    SELECT ShippedDate FROM Orders WHERE Orders.OrderID = 10250
order 10250: customer, date and shipper
    SELECT Customers.CompanyName, OrderDate, Shippers.CompanyName FROM Orders JOIN Customers ON Orders.CustomerID =
    Customers.CustomerID JOIN Shippers ON Orders.ShipVia = Shippers.ShipperID WHERE Orders.OrderID = 10250
what did we pay in freight for order 10250
    SELECT Freight FROM Orders WHERE Orders.OrderID = 10250
what is in order 10250
    SELECT ProductName, order_details.UnitPrice, Quantity, Discount FROM order_details JOIN Products ON
    order_details.ProductID = Products.ProductID JOIN Orders ON order_details.OrderID = Orders.OrderID WHERE
    Orders.OrderID = 10250
which products are in order 10250
    SELECT ProductName, order_details.UnitPrice, Quantity, Discount FROM order_details JOIN Products ON
    order_details.ProductID = Products.ProductID JOIN Orders ON order_details.OrderID = Orders.OrderID WHERE
    Orders.OrderID = 10250
For which suppliers do we have a website, and what is it?
    SELECT Suppliers.CompanyName, HomePage FROM Suppliers WHERE HomePage IS NOT NULL
suppliers in Germany and the city each one is in
    SELECT Suppliers.CompanyName, Suppliers.City FROM Suppliers WHERE Suppliers.Country = 'Germany'
products with their supplier's phone
    SELECT ProductName, Suppliers.Phone FROM Products JOIN Suppliers ON Products.SupplierID = Suppliers.SupplierID
products to reorder w/ supplier name + supplier phone
    SELECT ProductName, Suppliers.CompanyName, Suppliers.Phone FROM Products JOIN Suppliers ON Products.SupplierID =
    Suppliers.SupplierID WHERE Discontinued = 0 AND UnitsInStock <= ReorderLevel
Give me a list of all the products we no longer sell.
    SELECT ProductName FROM Products WHERE Discontinued = 1
Customers in Australia
    SELECT Customers.CompanyName FROM Customers WHERE Customers.Country = 'Australia'
How many customers in Australia
    SELECT COUNT(*) AS customer_count FROM Customers WHERE Customers.Country = 'Australia'
orders shipped after the required date
    SELECT Orders.OrderID, ShippedDate FROM Orders WHERE ShippedDate > RequiredDate
orders shipped before the required date
    SELECT Orders.OrderID, ShippedDate FROM Orders WHERE ShippedDate < RequiredDate
how many different products has Pebble Deli bought from us
    SELECT COUNT(*) AS product_count FROM Products WHERE EXISTS(SELECT 1 FROM order_details JOIN Orders ON
    order_details.OrderID = Orders.OrderID JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    order_details.ProductID = Products.ProductID AND Customers.CompanyName = 'Pebble Deli')
Which products have a list price below 8 dollars? Show the price too.
    SELECT ProductName, Products.UnitPrice FROM Products WHERE Products.UnitPrice < 8
Are there products that nobody has ever ordered? List them with their supplier.
    SELECT ProductName, Suppliers.CompanyName FROM Products JOIN Suppliers ON Products.SupplierID =
    Suppliers.SupplierID WHERE NOT EXISTS(SELECT 1 FROM order_details JOIN Orders ON order_details.OrderID =
    Orders.OrderID WHERE order_details.ProductID = Products.ProductID)
customers with more than 20 orders, with their order counts
    SELECT Customers.CompanyName, COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders JOIN Customers ON
    Orders.CustomerID = Customers.CustomerID GROUP BY Customers.CompanyName HAVING COUNT(DISTINCT Orders.OrderID) >
    20
which products from Italian suppliers have fewer than 20 units left
    SELECT ProductName, UnitsInStock FROM Products JOIN Suppliers ON Products.SupplierID = Suppliers.SupplierID
    WHERE Suppliers.Country = 'Italy' AND UnitsInStock < 20
which territories have no employee assigned to them
    SELECT TerritoryDescription FROM Territories WHERE NOT EXISTS(SELECT 1 FROM EmployeeTerritories JOIN Employees
    ON EmployeeTerritories.EmployeeID = Employees.EmployeeID WHERE EmployeeTerritories.TerritoryID =
    Territories.TerritoryID)
When did the very first order come in?
    SELECT Orders.OrderID, OrderDate FROM Orders ORDER BY OrderDate LIMIT 1
orders shipped before they were due
    SELECT Orders.OrderID, ShippedDate FROM Orders WHERE ShippedDate < RequiredDate
what's Klara's extension
    SELECT Extension FROM Employees WHERE FirstName = 'Klara'
when was Brandt hired
    SELECT HireDate FROM Employees WHERE LastName = 'Brandt'
in which city does Felix Brandt work
    SELECT Employees.City FROM Employees WHERE FirstName || ' ' || LastName = 'Felix Brandt'
products that contain the word Rice
    SELECT ProductName FROM Products WHERE ProductName LIKE '%Rice%'
customers whose contact is a sales manager
    SELECT Customers.CompanyName, Customers.ContactName FROM Customers WHERE Customers.ContactTitle = 'Sales
    Manager'
For each customer whose contact is the owner, return the company name and the contact name.
    SELECT Customers.CompanyName, Customers.ContactName FROM Customers WHERE Customers.ContactTitle = 'Owner'
customers who ordered Jasmine Rice but not Duck Confit
    SELECT Customers.CompanyName FROM Customers WHERE EXISTS(SELECT 1 FROM Orders JOIN order_details ON
    Orders.OrderID = order_details.OrderID JOIN Products ON order_details.ProductID = Products.ProductID WHERE
    Orders.CustomerID = Customers.CustomerID AND ProductName = 'Jasmine Rice') AND NOT EXISTS(SELECT 1 FROM Orders
    JOIN order_details ON Orders.OrderID = order_details.OrderID JOIN Products ON order_details.ProductID =
    Products.ProductID WHERE Orders.CustomerID = Customers.CustomerID AND ProductName = 'Duck Confit')
customers who bought Jasmine Rice and also Duck Confit
    SELECT Customers.CompanyName FROM Customers WHERE EXISTS(SELECT 1 FROM Orders JOIN order_details ON
    Orders.OrderID = order_details.OrderID JOIN Products ON order_details.ProductID = Products.ProductID WHERE
    Orders.CustomerID = Customers.CustomerID AND ProductName = 'Jasmine Rice') AND EXISTS(SELECT 1 FROM Orders JOIN
    order_details ON Orders.OrderID = order_details.OrderID JOIN Products ON order_details.ProductID =
    Products.ProductID WHERE Orders.CustomerID = Customers.CustomerID AND ProductName = 'Duck Confit')
suppliers with exactly one product
    SELECT Suppliers.CompanyName, COUNT(*) AS product_count FROM Products JOIN Suppliers ON Products.SupplierID =
    Suppliers.SupplierID GROUP BY Suppliers.CompanyName HAVING COUNT(*) = 1
products with no stock
    SELECT ProductName FROM Products WHERE UnitsInStock = 0
products from most expensive to cheapest
    SELECT ProductName, Products.UnitPrice FROM Products ORDER BY Products.UnitPrice DESC
employee names and job titles
    SELECT FirstName || ' ' || LastName AS employee_name, Title FROM Employees
line items of order 10250
    SELECT ProductName, order_details.UnitPrice, Quantity, Discount FROM order_details JOIN Products ON
    order_details.ProductID = Products.ProductID JOIN Orders ON order_details.OrderID = Orders.OrderID WHERE
    Orders.OrderID = 10250
""")

# Each could be taken for a question that is understood, but means something else, or two things.
LEFT_ALONE = """
customers with all orders late
customers with orders not shipped by Falcon Freight
customers with orders only in 2023
employees who handled only orders shipped to France
employees who handled orders shipped to Germany in 2023
customers who ordered products not supplied by Castellano Foods
customers with orders not containing Jasmine Rice
suppliers of products that were never ordered
which products are not in order 10250
orders shipped 5 days after the required date
orders not shipped after the required date
products with stock below reorder level
orders from Australia
who does not work in London
who doesn't report to Marta
who reports to the newest employee
who reports to Felix or Klara
who handles Germany
who has the most orders
who left in 2023
who is in charge
managers in London
manager of the employee with the most orders
when did Pebble Deli last order Jasmine Rice
the first and the last order of Pebble Deli
second order of Pebble Deli
what is on order
what is in stock
what is in order 10250 over 20 dollars
who handled orders from Germany
Only active ones. Which products cost more than 20?
the two second oldest employees
who is the boss of the company
manager
customers who ordered Jasmine Rice in 2023 but not Duck Confit
phone number of Klara
"""


@pytest.mark.parametrize(("question", "sql"), CASES, ids=[question for question, _ in CASES])
def test_a_question_about_related_rows_comes_to_its_statement(
    shop: Shop, linker: Linker, question: str, sql: str
) -> None:
    assert_comes_to(shop, linker, question, sql)


@pytest.mark.parametrize("question", LEFT_ALONE.strip().splitlines())
def test_a_question_that_only_seems_to_be_one_is_left_alone(linker: Linker, question: str) -> None:
    assert read_intent(question, linker) is None


def test_a_described_relation_says_what_all_its_words_were_taken_for(linker: Linker) -> None:
    intent = read_intent("which customers had late orders in 2023", linker)
    assert intent is not None
    assert intent.readings == (
        ("customers", "customer"),
        ("late", "late_shipments"),
        ("orders", "order"),
        ("2023", "2023-01-01 to 2024-01-01"),
    )


def test_who_somebody_reports_to_is_whom_the_row_refers_to(shop: Shop, linker: Linker) -> None:
    intent = read_intent("Who does Stefan Nakagawa report to?", linker)
    assert intent is not None
    result = shop.world.execute(shop.world.compile(intent.query)).result
    assert result is not None
    wanted = shop.world.execute(
        "SELECT m.FirstName || ' ' || m.LastName FROM Employees AS e JOIN Employees AS m ON m.EmployeeID = e.ReportsTo "
        "WHERE e.LastName = 'Nakagawa'"
    ).result
    assert wanted is not None
    assert result.rows == wanted.rows
    assert len(result.rows) == 1


def test_reports_add_up_to_all_who_have_a_manager(shop: Shop) -> None:
    counted = shop.world.execute(shop.world.compile(SemanticQuery(pattern="reports", entity="employee"))).result
    total = shop.world.execute("SELECT COUNT(*) FROM Employees WHERE ReportsTo IS NOT NULL").result
    assert counted is not None
    assert total is not None
    assert sum(int(str(row[1])) for row in counted.rows) == int(str(total.rows[0][0]))


def test_rows_without_a_superior_are_no_negated_relation(shop: Shop) -> None:
    up = Related("Employees", True, filters=(Filter("Employees.City", "=", ("London",)),), along="up")
    with pytest.raises(CannotCompile, match="empty reference"):
        shop.world.compile(SemanticQuery(pattern="list", entity="employee", related=(up,)))


def test_a_table_that_does_not_refer_to_itself_has_no_superiors(shop: Shop) -> None:
    with pytest.raises(CannotCompile, match="does not refer to itself"):
        shop.world.compile(SemanticQuery(pattern="reports", entity="customer"))
