"""Questions about records read without a model: the statement each comes to, and which must be left to one."""

from __future__ import annotations

import pytest

from memory.compiler import CannotCompile, SemanticQuery
from memory.intent import read_intent
from memory.linking import Linker
from tests.fixtures_intent import assert_comes_to, linker, statements
from tests.fixtures_pairs import Shop, shop

__all__ = ["linker", "shop"]

CASES = statements("""
what is the phone number of Mercado Winslow
    SELECT Customers.Phone FROM Customers WHERE Customers.CompanyName = 'Mercado Winslow'
who is the contact at London Provisions?
    SELECT Customers.ContactName FROM Customers WHERE Customers.CompanyName = 'London Provisions'
Who's our contact at Pebble Deli
    SELECT Customers.ContactName FROM Customers WHERE Customers.CompanyName = 'Pebble Deli'
Who do I ask for at Pebble Deli
    SELECT Customers.ContactName FROM Customers WHERE Customers.CompanyName = 'Pebble Deli'
When was order 10250 due and when did it actually ship?
    SELECT RequiredDate, ShippedDate FROM Orders WHERE Orders.OrderID = 10250
how much did we pay to ship order 10250
    SELECT Freight FROM Orders WHERE Orders.OrderID = 10250
Which order cost us the most to ship?
    SELECT Orders.OrderID, Freight FROM Orders ORDER BY Freight DESC LIMIT 1
Which employee joined most recently?
    SELECT FirstName || ' ' || LastName AS employee_name, HireDate FROM Employees ORDER BY HireDate DESC LIMIT 1
How many products are completely out of stock?
    SELECT COUNT(*) AS products_out_of_stock FROM Products WHERE UnitsInStock = 0
how many do we have in stock of Silken Tofu
    SELECT UnitsInStock FROM Products WHERE ProductName = 'Silken Tofu'
in which cities do we have customers in Brazil?
    SELECT DISTINCT Customers.City FROM Customers WHERE Customers.Country = 'Brazil'
contact and phone of Pebble Deli
    SELECT Customers.ContactName, Customers.Phone FROM Customers WHERE Customers.CompanyName = 'Pebble Deli'
what city is Pebble Deli in
    SELECT Customers.City FROM Customers WHERE Customers.CompanyName = 'Pebble Deli'
Which country is Pebble Deli in?
    SELECT Customers.Country FROM Customers WHERE Customers.CompanyName = 'Pebble Deli'
In which city is Castellano Foods
    SELECT Suppliers.City FROM Suppliers WHERE Suppliers.CompanyName = 'Castellano Foods'
unit price of Jasmine Rice
    SELECT Products.UnitPrice FROM Products WHERE ProductName = 'Jasmine Rice'
how much does Jasmine Rice cost?
    SELECT Products.UnitPrice FROM Products WHERE ProductName = 'Jasmine Rice'
how much is Duck Confit
    SELECT Products.UnitPrice FROM Products WHERE ProductName = 'Duck Confit'
price and pack size of Duck Confit
    SELECT Products.UnitPrice, QuantityPerUnit FROM Products WHERE ProductName = 'Duck Confit'
Pebble Deli's address
    SELECT Customers.Address FROM Customers WHERE Customers.CompanyName = 'Pebble Deli'
the fax number for Castellano Foods
    SELECT Suppliers.Fax FROM Suppliers WHERE Suppliers.CompanyName = 'Castellano Foods'
when was order 10250 shipped?
    SELECT ShippedDate FROM Orders WHERE Orders.OrderID = 10250
When is order 10250 due?
    SELECT RequiredDate FROM Orders WHERE Orders.OrderID = 10250
when was Felix Brandt hired
    SELECT HireDate FROM Employees WHERE FirstName || ' ' || LastName = 'Felix Brandt'
when was Klara Underhill born?
    SELECT BirthDate FROM Employees WHERE FirstName || ' ' || LastName = 'Klara Underhill'
What is the job title of Felix Brandt?
    SELECT Title FROM Employees WHERE FirstName || ' ' || LastName = 'Felix Brandt'
order 10250's freight
    SELECT Freight FROM Orders WHERE Orders.OrderID = 10250
which customer placed order 10250?
    SELECT Customers.CompanyName FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    Orders.OrderID = 10250
customer of order 10250
    SELECT Customers.CompanyName FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    Orders.OrderID = 10250
which employee handled order 10250
    SELECT FirstName || ' ' || LastName AS employee_name FROM Orders JOIN Employees ON Orders.EmployeeID =
    Employees.EmployeeID WHERE Orders.OrderID = 10250
which carrier shipped order 10250?
    SELECT Shippers.CompanyName FROM Orders JOIN Shippers ON Orders.ShipVia = Shippers.ShipperID WHERE
    Orders.OrderID = 10250
Which supplier makes Jasmine Rice?
    SELECT Suppliers.CompanyName FROM Products JOIN Suppliers ON Products.SupplierID = Suppliers.SupplierID WHERE
    ProductName = 'Jasmine Rice'
phone number of the supplier of Jasmine Rice
    SELECT Suppliers.Phone FROM Products JOIN Suppliers ON Products.SupplierID = Suppliers.SupplierID WHERE
    ProductName = 'Jasmine Rice'
country of the customer of order 10250
    SELECT Customers.Country FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    Orders.OrderID = 10250
how many units of Jasmine Rice do we have in stock
    SELECT UnitsInStock FROM Products WHERE ProductName = 'Jasmine Rice'
list the products that are discontinued
    SELECT ProductName FROM Products WHERE Discontinued = 1
which products have been discontinued?
    SELECT ProductName FROM Products WHERE Discontinued = 1
products that are not discontinued
    SELECT ProductName FROM Products WHERE Discontinued = 0
customers in Germany
    SELECT Customers.CompanyName FROM Customers WHERE Customers.Country = 'Germany'
Customers outside Germany
    SELECT Customers.CompanyName FROM Customers WHERE Customers.Country <> 'Germany'
customers not in Germany
    SELECT Customers.CompanyName FROM Customers WHERE Customers.Country <> 'Germany'
customers in Germany or France
    SELECT Customers.CompanyName FROM Customers WHERE Customers.Country IN ('Germany', 'France')
suppliers from Japan and Italy
    SELECT Suppliers.CompanyName FROM Suppliers WHERE Suppliers.Country IN ('Japan', 'Italy')
which orders were late in 2023
    SELECT Orders.OrderID, ShippedDate, RequiredDate FROM Orders WHERE ShippedDate > RequiredDate AND OrderDate >=
    '2023-01-01' AND OrderDate < '2024-01-01'
products that cost more than $50
    SELECT ProductName, Products.UnitPrice FROM Products WHERE Products.UnitPrice > 50
products cheaper than 10 dollars
    SELECT ProductName, Products.UnitPrice FROM Products WHERE Products.UnitPrice < 10
products between $10 and $20
    SELECT ProductName, Products.UnitPrice FROM Products WHERE Products.UnitPrice BETWEEN 10 AND 20
products with a price between 10 and 20
    SELECT ProductName, Products.UnitPrice FROM Products WHERE Products.UnitPrice BETWEEN 10 AND 20
items priced at 20 or more
    SELECT ProductName, Products.UnitPrice FROM Products WHERE Products.UnitPrice >= 20
products over $20
    SELECT ProductName, Products.UnitPrice FROM Products WHERE Products.UnitPrice > 20
employees hired before 2015
    SELECT FirstName || ' ' || LastName AS employee_name, HireDate FROM Employees WHERE HireDate < '2015-01-01'
staff hired since 2018
    SELECT FirstName || ' ' || LastName AS employee_name, HireDate FROM Employees WHERE HireDate >= '2018-01-01'
employees born before 1980
    SELECT FirstName || ' ' || LastName AS employee_name, BirthDate FROM Employees WHERE BirthDate < '1980-01-01'
orders shipped in March 2023
    SELECT Orders.OrderID, ShippedDate FROM Orders WHERE ShippedDate >= '2023-03-01' AND ShippedDate < '2023-04-01'
orders due in January 2024
    SELECT Orders.OrderID, RequiredDate FROM Orders WHERE RequiredDate >= '2024-01-01' AND RequiredDate <
    '2024-02-01'
how many products cost more than 20
    SELECT COUNT(*) AS product_count FROM Products WHERE Products.UnitPrice > 20
how many employees were hired after 2015
    SELECT COUNT(*) AS employee_count FROM Employees WHERE HireDate >= '2016-01-01'
how many orders were shipped in March 2023?
    SELECT COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders WHERE ShippedDate >= '2023-03-01' AND
    ShippedDate < '2023-04-01'
customers who never ordered
    SELECT Customers.CompanyName FROM Customers WHERE NOT EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID =
    Customers.CustomerID)
customers who have never placed an order
    SELECT Customers.CompanyName FROM Customers WHERE NOT EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID =
    Customers.CustomerID)
customers without orders
    SELECT Customers.CompanyName FROM Customers WHERE NOT EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID =
    Customers.CustomerID)
clients that did not order in 2023
    SELECT Customers.CompanyName FROM Customers WHERE NOT EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID =
    Customers.CustomerID AND OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01')
customers who ordered in 2023
    SELECT Customers.CompanyName FROM Customers WHERE EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID =
    Customers.CustomerID AND OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01')
customers who ordered in 2022 but not in 2023
    SELECT Customers.CompanyName FROM Customers WHERE EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID =
    Customers.CustomerID AND OrderDate >= '2022-01-01' AND OrderDate < '2023-01-01') AND NOT EXISTS(SELECT 1 FROM
    Orders WHERE Orders.CustomerID = Customers.CustomerID AND OrderDate >= '2023-01-01' AND OrderDate <
    '2024-01-01')
customers with no orders in 2023
    SELECT Customers.CompanyName FROM Customers WHERE NOT EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID =
    Customers.CustomerID AND OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01')
products not ordered in 2023
    SELECT ProductName FROM Products WHERE NOT EXISTS(SELECT 1 FROM order_details JOIN Orders ON
    order_details.OrderID = Orders.OrderID WHERE order_details.ProductID = Products.ProductID AND OrderDate >=
    '2023-01-01' AND OrderDate < '2024-01-01')
products never ordered
    SELECT ProductName FROM Products WHERE NOT EXISTS(SELECT 1 FROM order_details JOIN Orders ON
    order_details.OrderID = Orders.OrderID WHERE order_details.ProductID = Products.ProductID)
products nobody ordered in 2023
    SELECT ProductName FROM Products WHERE NOT EXISTS(SELECT 1 FROM order_details JOIN Orders ON
    order_details.OrderID = Orders.OrderID WHERE order_details.ProductID = Products.ProductID AND OrderDate >=
    '2023-01-01' AND OrderDate < '2024-01-01')
suppliers without discontinued products
    SELECT Suppliers.CompanyName FROM Suppliers WHERE NOT EXISTS(SELECT 1 FROM Products WHERE Products.SupplierID =
    Suppliers.SupplierID AND Discontinued = 1)
suppliers with discontinued products
    SELECT Suppliers.CompanyName FROM Suppliers WHERE EXISTS(SELECT 1 FROM Products WHERE Products.SupplierID =
    Suppliers.SupplierID AND Discontinued = 1)
suppliers without products
    SELECT Suppliers.CompanyName FROM Suppliers WHERE NOT EXISTS(SELECT 1 FROM Products WHERE Products.SupplierID =
    Suppliers.SupplierID)
categories with no products
    SELECT CategoryName FROM Categories WHERE NOT EXISTS(SELECT 1 FROM Products WHERE Products.CategoryID =
    Categories.CategoryID)
customers that ordered Jasmine Rice
    SELECT Customers.CompanyName FROM Customers WHERE EXISTS(SELECT 1 FROM Orders JOIN order_details ON
    Orders.OrderID = order_details.OrderID JOIN Products ON order_details.ProductID = Products.ProductID WHERE
    Orders.CustomerID = Customers.CustomerID AND ProductName = 'Jasmine Rice')
customers who never bought Jasmine Rice
    SELECT Customers.CompanyName FROM Customers WHERE NOT EXISTS(SELECT 1 FROM Orders JOIN order_details ON
    Orders.OrderID = order_details.OrderID JOIN Products ON order_details.ProductID = Products.ProductID WHERE
    Orders.CustomerID = Customers.CustomerID AND ProductName = 'Jasmine Rice')
customers who bought both Tiger Prawns and Jasmine Rice
    SELECT Customers.CompanyName FROM Customers WHERE EXISTS(SELECT 1 FROM Orders JOIN order_details ON
    Orders.OrderID = order_details.OrderID JOIN Products ON order_details.ProductID = Products.ProductID WHERE
    Orders.CustomerID = Customers.CustomerID AND ProductName = 'Tiger Prawns') AND EXISTS(SELECT 1 FROM Orders JOIN
    order_details ON Orders.OrderID = order_details.OrderID JOIN Products ON order_details.ProductID =
    Products.ProductID WHERE Orders.CustomerID = Customers.CustomerID AND ProductName = 'Jasmine Rice')
customers who bought Tiger Prawns or Jasmine Rice
    SELECT Customers.CompanyName FROM Customers WHERE EXISTS(SELECT 1 FROM Orders JOIN order_details ON
    Orders.OrderID = order_details.OrderID JOIN Products ON order_details.ProductID = Products.ProductID WHERE
    Orders.CustomerID = Customers.CustomerID AND ProductName IN ('Tiger Prawns', 'Jasmine Rice'))
employees with no orders in March 2023
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE NOT EXISTS(SELECT 1 FROM Orders WHERE
    Orders.EmployeeID = Employees.EmployeeID AND OrderDate >= '2023-03-01' AND OrderDate < '2023-04-01')
employees who handled no orders in March 2023
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE NOT EXISTS(SELECT 1 FROM Orders WHERE
    Orders.EmployeeID = Employees.EmployeeID AND OrderDate >= '2023-03-01' AND OrderDate < '2023-04-01')
how many customers have never placed an order?
    SELECT COUNT(*) AS customer_count FROM Customers WHERE NOT EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID =
    Customers.CustomerID)
how many customers did not order in 2023?
    SELECT COUNT(*) AS customer_count FROM Customers WHERE NOT EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID =
    Customers.CustomerID AND OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01')
orders without a ship date
    SELECT Orders.OrderID FROM Orders WHERE ShippedDate IS NULL
orders not yet shipped
    SELECT Orders.OrderID FROM Orders WHERE ShippedDate IS NULL
orders that have not been shipped
    SELECT Orders.OrderID FROM Orders WHERE ShippedDate IS NULL
customers with no region
    SELECT Customers.CompanyName FROM Customers WHERE Customers.Region IS NULL
customers that have a fax number
    SELECT Customers.CompanyName FROM Customers WHERE Customers.Fax IS NOT NULL
suppliers without a website
    SELECT Suppliers.CompanyName FROM Suppliers WHERE HomePage IS NULL
how many suppliers have no website?
    SELECT COUNT(*) AS supplier_count FROM Suppliers WHERE HomePage IS NULL
most expensive product
    SELECT ProductName, Products.UnitPrice FROM Products ORDER BY Products.UnitPrice DESC LIMIT 1
cheapest product
    SELECT ProductName, Products.UnitPrice FROM Products ORDER BY Products.UnitPrice LIMIT 1
the most expensive product in Seafood
    SELECT ProductName, Products.UnitPrice FROM Products JOIN Categories ON Products.CategoryID =
    Categories.CategoryID WHERE CategoryName = 'Seafood' ORDER BY Products.UnitPrice DESC LIMIT 1
oldest employee
    SELECT FirstName || ' ' || LastName AS employee_name, BirthDate FROM Employees ORDER BY BirthDate LIMIT 1
youngest employee
    SELECT FirstName || ' ' || LastName AS employee_name, BirthDate FROM Employees ORDER BY BirthDate DESC LIMIT 1
newest employee
    SELECT FirstName || ' ' || LastName AS employee_name, HireDate FROM Employees ORDER BY HireDate DESC LIMIT 1
latest order
    SELECT Orders.OrderID, OrderDate FROM Orders ORDER BY OrderDate DESC LIMIT 1
latest 5 orders
    SELECT Orders.OrderID, OrderDate FROM Orders ORDER BY OrderDate DESC LIMIT 5
last order of Pebble Deli
    SELECT Orders.OrderID, OrderDate FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    Customers.CompanyName = 'Pebble Deli' ORDER BY OrderDate DESC LIMIT 1
latest order of Pebble Deli
    SELECT Orders.OrderID, OrderDate FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    Customers.CompanyName = 'Pebble Deli' ORDER BY OrderDate DESC LIMIT 1
earliest order in 2023
    SELECT Orders.OrderID, OrderDate FROM Orders WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01' ORDER
    BY OrderDate LIMIT 1
three cheapest products in the category Seafood
    SELECT ProductName, Products.UnitPrice FROM Products JOIN Categories ON Products.CategoryID =
    Categories.CategoryID WHERE CategoryName = 'Seafood' ORDER BY Products.UnitPrice LIMIT 3
longest-serving employee
    SELECT FirstName || ' ' || LastName AS employee_name, HireDate FROM Employees ORDER BY HireDate LIMIT 1
who is the oldest employee?
    SELECT FirstName || ' ' || LastName AS employee_name, BirthDate FROM Employees ORDER BY BirthDate LIMIT 1
which product is the most expensive?
    SELECT ProductName, Products.UnitPrice FROM Products ORDER BY Products.UnitPrice DESC LIMIT 1
top 5 products by price
    SELECT ProductName, Products.UnitPrice FROM Products ORDER BY Products.UnitPrice DESC LIMIT 5
country of the customer with the highest revenue
    SELECT Customers.CompanyName, Customers.Country FROM order_details JOIN Orders ON order_details.OrderID =
    Orders.OrderID JOIN Customers ON Orders.CustomerID = Customers.CustomerID GROUP BY Customers.CompanyName,
    Customers.Country ORDER BY SUM(order_details.UnitPrice * Quantity * (1 - Discount)) DESC LIMIT 1
contact name of the supplier with the most products
    SELECT Suppliers.CompanyName, Suppliers.ContactName FROM Products JOIN Suppliers ON Products.SupplierID =
    Suppliers.SupplierID GROUP BY Suppliers.CompanyName, Suppliers.ContactName ORDER BY COUNT(*) DESC LIMIT 1
products whose name starts with C
    SELECT ProductName FROM Products WHERE ProductName LIKE 'C%'
products whose name contains 'Sir'
    SELECT ProductName FROM Products WHERE ProductName LIKE '%Sir%'
customers whose name ends with Deli
    SELECT Customers.CompanyName FROM Customers WHERE Customers.CompanyName LIKE '%Deli'
products with Rice in the name
    SELECT ProductName FROM Products WHERE ProductName LIKE '%Rice%'
which countries do we ship to
    SELECT DISTINCT ShipCountry FROM Orders
which countries are our customers in?
    SELECT DISTINCT Customers.Country FROM Customers
what cities do our customers come from
    SELECT DISTINCT Customers.City FROM Customers
different job titles of employees
    SELECT DISTINCT Title FROM Employees
how many different cities do our customers live in
    SELECT COUNT(DISTINCT Customers.City) AS distinct_city FROM Customers
how many countries do we have customers in
    SELECT COUNT(DISTINCT Customers.Country) AS distinct_country FROM Customers
countries with more than 5 customers
    SELECT Customers.Country, COUNT(*) AS customer_count FROM Customers GROUP BY Customers.Country HAVING COUNT(*) >
    5
customers with more than 20 orders
    SELECT Customers.CompanyName, COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders JOIN Customers ON
    Orders.CustomerID = Customers.CustomerID GROUP BY Customers.CompanyName HAVING COUNT(DISTINCT Orders.OrderID) >
    20
customers who placed more than 20 orders in 2023
    SELECT Customers.CompanyName, COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders JOIN Customers ON
    Orders.CustomerID = Customers.CustomerID WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01' GROUP BY
    Customers.CompanyName HAVING COUNT(DISTINCT Orders.OrderID) > 20
employees who handled more than 100 orders
    SELECT FirstName || ' ' || LastName AS employee_name, COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders
    JOIN Employees ON Orders.EmployeeID = Employees.EmployeeID GROUP BY employee_name HAVING COUNT(DISTINCT
    Orders.OrderID) > 100
how many customers placed more than 20 orders
    SELECT COUNT(*) AS group_count FROM (SELECT Customers.CompanyName FROM Orders JOIN Customers ON
    Orders.CustomerID = Customers.CustomerID GROUP BY Customers.CompanyName HAVING COUNT(DISTINCT Orders.OrderID) >
    20) AS grouped
products supplied by Castellano Foods
    SELECT ProductName FROM Products JOIN Suppliers ON Products.SupplierID = Suppliers.SupplierID WHERE
    Suppliers.CompanyName = 'Castellano Foods'
products from Castellano Foods with their price
    SELECT ProductName, Products.UnitPrice FROM Products JOIN Suppliers ON Products.SupplierID =
    Suppliers.SupplierID WHERE Suppliers.CompanyName = 'Castellano Foods'
list the names and phone numbers of customers in Berlin
    SELECT Customers.CompanyName, Customers.Phone FROM Customers WHERE Customers.City = 'Berlin'
name and phone of all shippers
    SELECT Shippers.CompanyName, Shippers.Phone FROM Shippers
customers and their phone numbers
    SELECT Customers.CompanyName, Customers.Phone FROM Customers
all customers sorted by country
    SELECT Customers.CompanyName, Customers.Country FROM Customers ORDER BY Customers.Country
products by price, highest first
    SELECT ProductName, Products.UnitPrice FROM Products ORDER BY Products.UnitPrice DESC
list orders of Pebble Deli, newest first
    SELECT Orders.OrderID, OrderDate FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    Customers.CompanyName = 'Pebble Deli' ORDER BY OrderDate DESC
which products did Pebble Deli order?
    SELECT ProductName FROM Products WHERE EXISTS(SELECT 1 FROM order_details JOIN Orders ON order_details.OrderID =
    Orders.OrderID JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE order_details.ProductID =
    Products.ProductID AND Customers.CompanyName = 'Pebble Deli')
which territories does Felix Brandt cover
    SELECT TerritoryDescription FROM Territories WHERE EXISTS(SELECT 1 FROM EmployeeTerritories JOIN Employees ON
    EmployeeTerritories.EmployeeID = Employees.EmployeeID WHERE EmployeeTerritories.TerritoryID =
    Territories.TerritoryID AND FirstName || ' ' || LastName = 'Felix Brandt')
territories in the Southern region
    SELECT TerritoryDescription FROM Territories JOIN Regions ON Territories.RegionID = Regions.RegionID WHERE
    RegionDescription = 'Southern'
what do we buy from Castellano Foods
    SELECT ProductName FROM Products JOIN Suppliers ON Products.SupplierID = Suppliers.SupplierID WHERE
    Suppliers.CompanyName = 'Castellano Foods'
what is our most expensive product and what does it cost?
    SELECT ProductName, Products.UnitPrice FROM Products ORDER BY Products.UnitPrice DESC LIMIT 1
customers who ordered Jasmine Rice in 2023
    SELECT Customers.CompanyName FROM Customers WHERE EXISTS(SELECT 1 FROM Orders JOIN order_details ON
    Orders.OrderID = order_details.OrderID JOIN Products ON order_details.ProductID = Products.ProductID WHERE
    Orders.CustomerID = Customers.CustomerID AND ProductName = 'Jasmine Rice' AND OrderDate >= '2023-01-01' AND
    OrderDate < '2024-01-01')
customers in Germany who did not order in 2023
    SELECT Customers.CompanyName FROM Customers WHERE Customers.Country = 'Germany' AND NOT EXISTS(SELECT 1 FROM
    Orders WHERE Orders.CustomerID = Customers.CustomerID AND OrderDate >= '2023-01-01' AND OrderDate <
    '2024-01-01')
German customers without a fax number
    SELECT Customers.CompanyName FROM Customers WHERE Customers.Country = 'Germany' AND Customers.Fax IS NULL
discontinued products with stock over 10
    SELECT ProductName, UnitsInStock FROM Products WHERE Discontinued = 1 AND UnitsInStock > 10
out of stock products
    SELECT ProductName FROM Products WHERE UnitsInStock = 0
products to reorder
    SELECT ProductName, UnitsInStock, ReorderLevel FROM Products WHERE Discontinued = 0 AND UnitsInStock <=
    ReorderLevel
late orders handled by Felix Brandt
    SELECT Orders.OrderID, ShippedDate, RequiredDate FROM Orders JOIN Employees ON Orders.EmployeeID =
    Employees.EmployeeID WHERE ShippedDate > RequiredDate AND FirstName || ' ' || LastName = 'Felix Brandt'
share of orders with freight over 100
    SELECT 100.0 * COUNT(DISTINCT CASE WHEN Freight > 100 THEN Orders.OrderID END) / COUNT(DISTINCT Orders.OrderID)
    AS share_percent FROM Orders
list all staff
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees
Show me everyone on staff with their hire date, longest-serving first.
    SELECT FirstName || ' ' || LastName AS employee_name, HireDate FROM Employees ORDER BY HireDate
How many orders did Felix Brandt handle in 2023?
    SELECT COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders JOIN Employees ON Orders.EmployeeID =
    Employees.EmployeeID WHERE FirstName || ' ' || LastName = 'Felix Brandt' AND OrderDate >= '2023-01-01' AND
    OrderDate < '2024-01-01'
which orders did Felix Brandt take in 2023?
    SELECT Orders.OrderID FROM Orders JOIN Employees ON Orders.EmployeeID = Employees.EmployeeID WHERE FirstName ||
    ' ' || LastName = 'Felix Brandt' AND OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01'
list the orders shipped late in 2023
    SELECT Orders.OrderID, ShippedDate, RequiredDate FROM Orders WHERE ShippedDate > RequiredDate AND OrderDate >=
    '2023-01-01' AND OrderDate < '2024-01-01'
show me the orders Felix Brandt handled in 2023
    SELECT Orders.OrderID FROM Orders JOIN Employees ON Orders.EmployeeID = Employees.EmployeeID WHERE FirstName ||
    ' ' || LastName = 'Felix Brandt' AND OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01'
which orders have not been shipped yet?
    SELECT Orders.OrderID FROM Orders WHERE ShippedDate IS NULL
which orders placed in 2021 still have not been shipped?
    SELECT Orders.OrderID FROM Orders WHERE ShippedDate IS NULL AND OrderDate >= '2021-01-01' AND OrderDate <
    '2022-01-01'
list everyone on staff with their hire date, longest-serving first
    SELECT FirstName || ' ' || LastName AS employee_name, HireDate FROM Employees ORDER BY HireDate
Give me the names and prices of discontinued products
    SELECT ProductName, Products.UnitPrice FROM Products WHERE Discontinued = 1
Retrieve the full name and hire date of each employee hired after 1 January 2019, ordered by hire date, oldest first.
    SELECT FirstName || ' ' || LastName AS employee_name, HireDate FROM Employees WHERE HireDate >= '2019-01-02'
    ORDER BY HireDate
Which customers ordered in both 2022 and 2023?
    SELECT Customers.CompanyName FROM Customers WHERE EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID =
    Customers.CustomerID AND OrderDate >= '2022-01-01' AND OrderDate < '2023-01-01') AND EXISTS(SELECT 1 FROM Orders
    WHERE Orders.CustomerID = Customers.CustomerID AND OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01')
Count the vendors without a fax number
    SELECT COUNT(*) AS supplier_count FROM Suppliers WHERE Suppliers.Fax IS NULL
How many territories does Felix Brandt cover?
    SELECT COUNT(*) AS territory_count FROM Territories WHERE EXISTS(SELECT 1 FROM EmployeeTerritories JOIN
    Employees ON EmployeeTerritories.EmployeeID = Employees.EmployeeID WHERE EmployeeTerritories.TerritoryID =
    Territories.TerritoryID AND FirstName || ' ' || LastName = 'Felix Brandt')
Which category does Duck Confit belong to?
    SELECT CategoryName FROM Products JOIN Categories ON Products.CategoryID = Categories.CategoryID WHERE
    ProductName = 'Duck Confit'
Suppliers: name, address and contact person, alphabetically
    SELECT Suppliers.CompanyName, Suppliers.Address, Suppliers.ContactName FROM Suppliers ORDER BY
    Suppliers.CompanyName
Products with Rice in the name, with their prices
    SELECT ProductName, Products.UnitPrice FROM Products WHERE ProductName LIKE '%Rice%'
How many products have Salt in their name?
    SELECT COUNT(*) AS product_count FROM Products WHERE ProductName LIKE '%Salt%'
10 cheapest products in Seafood
    SELECT ProductName, Products.UnitPrice FROM Products JOIN Categories ON Products.CategoryID =
    Categories.CategoryID WHERE CategoryName = 'Seafood' ORDER BY Products.UnitPrice LIMIT 10
customers in Germany, A to Z
    SELECT Customers.CompanyName FROM Customers WHERE Customers.Country = 'Germany' ORDER BY Customers.CompanyName
the customers of Felix Brandt
    SELECT DISTINCT Customers.CompanyName FROM Customers JOIN Orders ON Customers.CustomerID = Orders.CustomerID
    JOIN Employees ON Orders.EmployeeID = Employees.EmployeeID WHERE FirstName || ' ' || LastName = 'Felix Brandt'
Find the names of all products that are packed in jars.
    SELECT ProductName FROM Products WHERE QuantityPerUnit LIKE '%jars%'
Everything we buy from Castellano Foods, with the pack size of each item
    SELECT ProductName, QuantityPerUnit FROM Products JOIN Suppliers ON Products.SupplierID = Suppliers.SupplierID
    WHERE Suppliers.CompanyName = 'Castellano Foods'
what do we buy from esposito foods? just the product names
    SELECT ProductName FROM Products JOIN Suppliers ON Products.SupplierID = Suppliers.SupplierID WHERE
    Suppliers.CompanyName = 'Esposito Foods'
customers in Germany and France
    SELECT Customers.CompanyName FROM Customers WHERE Customers.Country IN ('Germany', 'France')
employees hired in the last 5 years
    SELECT FirstName || ' ' || LastName AS employee_name, HireDate FROM Employees WHERE HireDate >= '2020-01-01'
products never ordered by German customers
    SELECT ProductName FROM Products WHERE NOT EXISTS(SELECT 1 FROM order_details JOIN Orders ON
    order_details.OrderID = Orders.OrderID JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    order_details.ProductID = Products.ProductID AND Customers.Country = 'Germany')
products ordered by German customers
    SELECT DISTINCT ProductName FROM Products JOIN order_details ON Products.ProductID = order_details.ProductID
    JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Customers ON Orders.CustomerID = Customers.CustomerID
    WHERE Customers.Country = 'Germany'
products not ordered by German customers
    SELECT ProductName FROM Products WHERE NOT EXISTS(SELECT 1 FROM order_details JOIN Orders ON
    order_details.OrderID = Orders.OrderID JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    order_details.ProductID = Products.ProductID AND Customers.Country = 'Germany')
customers not served by Felix Brandt
    SELECT Customers.CompanyName FROM Customers WHERE NOT EXISTS(SELECT 1 FROM Orders JOIN Employees ON
    Orders.EmployeeID = Employees.EmployeeID WHERE Orders.CustomerID = Customers.CustomerID AND FirstName || ' ' ||
    LastName = 'Felix Brandt')
customers served by Felix Brandt
    SELECT Customers.CompanyName FROM Customers WHERE EXISTS(SELECT 1 FROM Orders JOIN Employees ON
    Orders.EmployeeID = Employees.EmployeeID WHERE Orders.CustomerID = Customers.CustomerID AND FirstName || ' ' ||
    LastName = 'Felix Brandt')
categories with discontinued products
    SELECT CategoryName FROM Categories WHERE EXISTS(SELECT 1 FROM Products WHERE Products.CategoryID =
    Categories.CategoryID AND Discontinued = 1)
employees who live in London
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE Employees.City = 'London'
employees from London
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE Employees.City = 'London'
employees not in London
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE Employees.City <> 'London'
orders with their customer and employee
    SELECT Orders.OrderID, Customers.CompanyName, FirstName || ' ' || LastName AS employee_name FROM Orders JOIN
    Customers ON Orders.CustomerID = Customers.CustomerID JOIN Employees ON Orders.EmployeeID = Employees.EmployeeID
orders with more than 3 products
    SELECT Orders.OrderID, COUNT(DISTINCT Products.ProductID) AS product_count FROM Products JOIN order_details ON
    Products.ProductID = order_details.ProductID JOIN Orders ON order_details.OrderID = Orders.OrderID GROUP BY
    Orders.OrderID HAVING COUNT(DISTINCT Products.ProductID) > 3
orders with at least 5 items
    SELECT Orders.OrderID, COUNT(DISTINCT Products.ProductID) AS product_count FROM Products JOIN order_details ON
    Products.ProductID = order_details.ProductID JOIN Orders ON order_details.OrderID = Orders.OrderID GROUP BY
    Orders.OrderID HAVING COUNT(DISTINCT Products.ProductID) >= 5
orders containing Jasmine Rice
    SELECT Orders.OrderID FROM Orders WHERE EXISTS(SELECT 1 FROM order_details JOIN Products ON
    order_details.ProductID = Products.ProductID WHERE order_details.OrderID = Orders.OrderID AND ProductName =
    'Jasmine Rice')
orders not containing Jasmine Rice
    SELECT Orders.OrderID FROM Orders WHERE NOT EXISTS(SELECT 1 FROM order_details JOIN Products ON
    order_details.ProductID = Products.ProductID WHERE order_details.OrderID = Orders.OrderID AND ProductName =
    'Jasmine Rice')
customers with a phone number starting with 030
    SELECT Customers.CompanyName FROM Customers WHERE Customers.Phone LIKE '030%'
the last three orders of Pebble Deli
    SELECT Orders.OrderID, OrderDate FROM Orders JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    Customers.CompanyName = 'Pebble Deli' ORDER BY OrderDate DESC LIMIT 3
first order of 2023
    SELECT Orders.OrderID, OrderDate FROM Orders WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01' ORDER
    BY OrderDate LIMIT 1
how many products does Castellano Foods supply
    SELECT COUNT(*) AS product_count FROM Products JOIN Suppliers ON Products.SupplierID = Suppliers.SupplierID
    WHERE Suppliers.CompanyName = 'Castellano Foods'
phone numbers of customers in Mexico
    SELECT Customers.CompanyName, Customers.Phone FROM Customers WHERE Customers.Country = 'Mexico'
list the city of every supplier
    SELECT Suppliers.CompanyName, Suppliers.City FROM Suppliers
products with supplier and category
    SELECT ProductName, Suppliers.CompanyName, CategoryName FROM Products JOIN Suppliers ON Products.SupplierID =
    Suppliers.SupplierID JOIN Categories ON Products.CategoryID = Categories.CategoryID
customers except those in Germany
    SELECT Customers.CompanyName FROM Customers WHERE Customers.Country <> 'Germany'
products which are discontinued and out of stock
    SELECT ProductName FROM Products WHERE UnitsInStock = 0 AND Discontinued = 1
Which customers have not ordered in 2023?
    SELECT Customers.CompanyName FROM Customers WHERE NOT EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID =
    Customers.CustomerID AND OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01')
the city of the employee with the most orders
    SELECT FirstName || ' ' || LastName AS employee_name, Employees.City FROM Orders JOIN Employees ON
    Orders.EmployeeID = Employees.EmployeeID GROUP BY employee_name, Employees.City ORDER BY COUNT(DISTINCT
    Orders.OrderID) DESC LIMIT 1
How many customers in Germany ordered in 2023?
    SELECT COUNT(*) AS customer_count FROM Customers WHERE Customers.Country = 'Germany' AND EXISTS(SELECT 1 FROM
    Orders WHERE Orders.CustomerID = Customers.CustomerID AND OrderDate >= '2023-01-01' AND OrderDate <
    '2024-01-01')
show me all staff in London
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees WHERE Employees.City = 'London'
list the suppliers by country, A to Z
    SELECT Suppliers.CompanyName, Suppliers.Country FROM Suppliers ORDER BY Suppliers.Country
Which members of staff report directly to Marta Ostergaard?
    SELECT FirstName || ' ' || LastName AS employee_name FROM Employees
    WHERE ReportsTo IN (SELECT Employees.EmployeeID FROM Employees
    WHERE FirstName || ' ' || LastName = 'Marta Ostergaard')
in which brazilian cities do we have customers?
    SELECT DISTINCT Customers.City FROM Customers WHERE Customers.Country = 'Brazil'
Who do I talk to at Kestrel Trading, and what's that person's job title?
    SELECT Suppliers.ContactName, Suppliers.ContactTitle FROM Suppliers WHERE Suppliers.CompanyName = 'Kestrel Trading'
Which customers do we have in Boise? Company and phone will do.
    SELECT Customers.CompanyName, Customers.Phone FROM Customers WHERE Customers.City = 'Boise'
Customers in Frankfurt - who are they?
    SELECT Customers.CompanyName FROM Customers WHERE Customers.City = 'Frankfurt'
List our Spanish customers with the city each one is in.
    SELECT Customers.CompanyName, Customers.City FROM Customers WHERE Customers.Country = 'Spain'
I'd like to see every product listed above $50, with its list price.
    SELECT ProductName, Products.UnitPrice FROM Products WHERE Products.UnitPrice > 50
""")

# Each could be taken for a question that is understood, but means something else, or two things.
LEFT_ALONE = """
orders not shipped by Falcon Freight
orders shipped late in 2023
products over 20
customers who bought Tiger Prawns and Jasmine Rice
which products are the most expensive?
orders handled by Felix Brandt in 2023
employees with hire date, oldest first
orders shipped to Germany in 2023
customers who returned an order
customers who cancelled their order
customers who ordered twice
customers who only ordered Jasmine Rice
customers who ordered nothing but Jasmine Rice
customers with only one order
customers who ordered more than usual
price of Seafood
who is Felix Brandt
phone number of Felix
what is the phone number of Nonexistent Ltd
customers in Atlantis
customers in Berlin or with no fax number
customers in Germany or who never ordered
orders over 1000
orders over $1000
orders worth more than 1000
biggest orders
biggest order
best customers
top customers
latest customers
newest customers
newest product
oldest customer
products more expensive than Jasmine Rice
products more expensive than the average
products priced above their category average
employees older than 50
employees with more than 5 years of service
employees hired before Felix Brandt
orders shipped 5 days late
orders shipped on time
orders shipped on time in 2023
customers who stopped ordering
customers who ordered in 2023 for the first time
customers lost in 2023
products that sell best
products that did not sell well
products we sold most
suppliers whose products are all discontinued
suppliers with only discontinued products
customers whose orders were all late
how many orders did we ship late to Germany in 2023?
is Jasmine Rice discontinued?
are there customers without a fax number?
do we have suppliers in Japan?
list the orders and their total value
orders without Jasmine Rice
last orders
products from Japan
products in Germany
orders in Berlin
orders from Berlin
orders to Germany
customers in London and their orders
names of employees and customers
countries of our customers
suppliers and their products
products with a reorder level above the stock
products where stock is below the reorder level
products with stock below reorder level
customers in every country but Germany
all orders except the late ones
all products except discontinued ones
all products but the discontinued ones
products that are neither discontinued nor out of stock
products which are discontinued or out of stock
number of Sales Representatives
"""


@pytest.mark.parametrize(("question", "sql"), CASES, ids=[question for question, _ in CASES])
def test_a_question_about_records_comes_to_its_statement(shop: Shop, linker: Linker, question: str, sql: str) -> None:
    assert_comes_to(shop, linker, question, sql)


@pytest.mark.parametrize("question", LEFT_ALONE.strip().splitlines())
def test_a_question_that_means_something_else_is_left_alone(linker: Linker, question: str) -> None:
    assert read_intent(question, linker) is None


def test_a_question_with_a_word_left_out_is_read_or_left_alone(shop: Shop, linker: Linker) -> None:
    for question, _ in CASES[::5]:
        words = question.split()
        for place in range(len(words)):
            intent = read_intent(" ".join(words[:place] + words[place + 1 :]), linker)
            assert intent is None or shop.world.compile(intent.query)


def test_a_list_is_of_no_rows_that_its_metric_does_not_count(shop: Shop) -> None:
    with pytest.raises(CannotCompile, match="does not say which rows"):
        shop.world.compile(SemanticQuery(("late_shipments",), pattern="list", entity="customer"))


def test_a_record_says_what_its_words_were_taken_for(linker: Linker) -> None:
    intent = read_intent("customers of Felix Brandt without a fax number", linker)
    assert intent is not None
    assert dict(intent.readings) == {
        "customers": "customer",
        "Felix Brandt": "Felix Brandt",
        "fax number": "Customers.Fax",
    }


def test_every_statement_says_which_rows_a_kind_is(shop: Shop, linker: Linker) -> None:
    intent = read_intent("which late orders have a freight over 100", linker)
    assert intent is not None
    assert intent.query.metrics == ("late_shipments",)
    result = shop.world.execute(shop.world.compile(intent.query)).result
    assert result is not None
    shipped, required = (result.columns.index(name) for name in ("ShippedDate", "RequiredDate"))
    assert result.rows
    assert all(str(row[shipped]) > str(row[required]) for row in result.rows)
