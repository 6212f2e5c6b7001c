"""Questions whose words settle which of two readings is meant; and those whose words do not, which are left alone."""

from __future__ import annotations

import pytest

from memory.intent import read_intent
from memory.linking import Linker
from tests.fixtures_intent import assert_comes_to, linker, statements
from tests.fixtures_pairs import Shop, shop

__all__ = ["linker", "shop"]

CASES = statements("""
Revenue per calendar month, all years together, best first
    SELECT CASE STRFTIME('%m', OrderDate) WHEN '01' THEN 'January' WHEN '02' THEN 'February' WHEN '03' THEN 'March'
    WHEN '04' THEN 'April' WHEN '05' THEN 'May' WHEN '06' THEN 'June' WHEN '07' THEN 'July' WHEN '08' THEN 'August'
    WHEN '09' THEN 'September' WHEN '10' THEN 'October' WHEN '11' THEN 'November' WHEN '12' THEN 'December' END AS
    month_name, STRFTIME('%m', OrderDate) AS month_of_year, SUM(order_details.UnitPrice * Quantity * (1 -
    Discount)) AS sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID GROUP BY
    month_name, month_of_year ORDER BY sales_revenue DESC
Which 2 calendar months had the highest turnover over all years?
    SELECT CASE STRFTIME('%m', OrderDate) WHEN '01' THEN 'January' WHEN '02' THEN 'February' WHEN '03' THEN 'March'
    WHEN '04' THEN 'April' WHEN '05' THEN 'May' WHEN '06' THEN 'June' WHEN '07' THEN 'July' WHEN '08' THEN 'August'
    WHEN '09' THEN 'September' WHEN '10' THEN 'October' WHEN '11' THEN 'November' WHEN '12' THEN 'December' END AS
    month_name, STRFTIME('%m', OrderDate) AS month_of_year, SUM(order_details.UnitPrice * Quantity * (1 -
    Discount)) AS sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID GROUP BY
    month_name, month_of_year ORDER BY sales_revenue DESC LIMIT 2
Units of Beverages in each calendar month of 2023
    SELECT STRFTIME('%Y-%m', OrderDate) AS month, SUM(Quantity) AS units_sold FROM order_details JOIN Orders ON
    order_details.OrderID = Orders.OrderID JOIN Products ON order_details.ProductID = Products.ProductID JOIN
    Categories ON Products.CategoryID = Categories.CategoryID WHERE CategoryName = 'Beverages' AND OrderDate >=
    '2023-01-01' AND OrderDate < '2024-01-01' GROUP BY month ORDER BY month
Show Confections revenue per month of 2023 and the change on the month before in dollars
    WITH periods AS (SELECT STRFTIME('%Y-%m', OrderDate) AS month, SUM(order_details.UnitPrice * Quantity * (1 -
    Discount)) AS sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN
    Products ON order_details.ProductID = Products.ProductID JOIN Categories ON Products.CategoryID =
    Categories.CategoryID WHERE CategoryName = 'Confections' AND OrderDate >= '2022-12-01' AND OrderDate <
    '2024-01-01' GROUP BY month) SELECT * FROM (SELECT month, sales_revenue, sales_revenue - LAG(sales_revenue)
    OVER (ORDER BY month) AS difference FROM periods) AS changes WHERE month >= '2023-01' ORDER BY month
Which vendor had the biggest percentage increase in margin in dollars from 2021 to 2022?
    WITH periods AS (SELECT Suppliers.CompanyName, STRFTIME('%Y', OrderDate) AS year, SUM((order_details.UnitPrice
    * (1 - Discount) - Products.UnitPrice) * Quantity) AS gross_profit FROM order_details JOIN Products ON
    order_details.ProductID = Products.ProductID JOIN Suppliers ON Products.SupplierID = Suppliers.SupplierID JOIN
    Orders ON order_details.OrderID = Orders.OrderID WHERE OrderDate >= '2021-01-01' AND OrderDate < '2023-01-01'
    GROUP BY Suppliers.CompanyName, year) SELECT CompanyName, 100.0 * MAX(CASE WHEN year = '2022' THEN gross_profit
    END) / MAX(CASE WHEN year = '2021' THEN gross_profit END) - 100 AS growth_percent FROM periods GROUP BY
    CompanyName ORDER BY growth_percent DESC LIMIT 1
Freight per carrier: last year, this year, % change
    WITH periods AS (SELECT Shippers.CompanyName, STRFTIME('%Y', OrderDate) AS year, SUM(Freight) AS total_freight
    FROM Orders JOIN Shippers ON Orders.ShipVia = Shippers.ShipperID WHERE OrderDate >= '2023-01-01' AND OrderDate
    < '2025-01-01' GROUP BY Shippers.CompanyName, year) SELECT CompanyName, MAX(CASE WHEN year = '2023' THEN
    total_freight END) AS previous_total_freight, MAX(CASE WHEN year = '2024' THEN total_freight END) AS
    total_freight, 100.0 * MAX(CASE WHEN year = '2024' THEN total_freight END) / MAX(CASE WHEN year = '2023' THEN
    total_freight END) - 100 AS growth_percent FROM periods GROUP BY CompanyName
Units sold per category: 2022, 2023, change
    WITH periods AS (SELECT CategoryName, STRFTIME('%Y', OrderDate) AS year, SUM(Quantity) AS units_sold FROM
    order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Products ON order_details.ProductID =
    Products.ProductID JOIN Categories ON Products.CategoryID = Categories.CategoryID WHERE OrderDate >=
    '2022-01-01' AND OrderDate < '2024-01-01' GROUP BY CategoryName, year) SELECT CategoryName, SUM(CASE WHEN year
    = '2022' THEN units_sold ELSE 0 END) AS previous_units_sold, SUM(CASE WHEN year = '2023' THEN units_sold ELSE 0
    END) AS units_sold, SUM(CASE WHEN year = '2023' THEN units_sold ELSE 0 END) - SUM(CASE WHEN year = '2022' THEN
    units_sold ELSE 0 END) AS difference FROM periods GROUP BY CategoryName
Felix Brandt's orders this year next to last year's
    WITH periods AS (SELECT STRFTIME('%Y', OrderDate) AS year, COUNT(DISTINCT Orders.OrderID) AS order_count FROM
    Orders JOIN Employees ON Orders.EmployeeID = Employees.EmployeeID WHERE FirstName || ' ' || LastName = 'Felix
    Brandt' AND OrderDate >= '2023-01-01' AND OrderDate < '2025-01-01' GROUP BY year) SELECT SUM(CASE WHEN year =
    '2023' THEN order_count ELSE 0 END) AS previous_order_count, SUM(CASE WHEN year = '2024' THEN order_count ELSE
    0 END) AS order_count FROM periods
Beverages units, last quarter and this quarter side by side
    WITH periods AS (SELECT STRFTIME('%Y', OrderDate) || '-Q' || ((STRFTIME('%m', OrderDate) + 2) / 3) AS quarter,
    SUM(Quantity) AS units_sold FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN
    Products ON order_details.ProductID = Products.ProductID JOIN Categories ON Products.CategoryID =
    Categories.CategoryID WHERE CategoryName = 'Beverages' AND OrderDate >= '2024-07-01' AND OrderDate <
    '2025-01-01' GROUP BY quarter) SELECT SUM(CASE WHEN quarter = '2024-Q3' THEN units_sold ELSE 0 END) AS
    previous_units_sold, SUM(CASE WHEN quarter = '2024-Q4' THEN units_sold ELSE 0 END) AS units_sold FROM periods
Show Felix Brandt's orders per quarter and the number so far
    WITH periods AS (SELECT STRFTIME('%Y', OrderDate) || '-Q' || ((STRFTIME('%m', OrderDate) + 2) / 3) AS quarter,
    COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders JOIN Employees ON Orders.EmployeeID =
    Employees.EmployeeID WHERE FirstName || ' ' || LastName = 'Felix Brandt' GROUP BY quarter) SELECT quarter,
    order_count, SUM(order_count) OVER (ORDER BY quarter) AS running_total FROM periods ORDER BY quarter
For each customer country, what percentage of 2023 revenue was Produce
    SELECT Customers.Country, 100.0 * SUM(CASE WHEN CategoryName = 'Produce' THEN order_details.UnitPrice *
    Quantity * (1 - Discount) ELSE 0 END) / SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS
    share_percent FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Customers ON
    Orders.CustomerID = Customers.CustomerID JOIN Products ON order_details.ProductID = Products.ProductID JOIN
    Categories ON Products.CategoryID = Categories.CategoryID WHERE OrderDate >= '2023-01-01' AND OrderDate <
    '2024-01-01' GROUP BY Customers.Country
By employee, what share of the orders taken in 2022 was for customers located in Germany
    SELECT FirstName || ' ' || LastName AS employee_name, 100.0 * COUNT(DISTINCT CASE WHEN Customers.Country =
    'Germany' THEN Orders.OrderID END) / COUNT(DISTINCT Orders.OrderID) AS share_percent FROM Orders JOIN Customers
    ON Orders.CustomerID = Customers.CustomerID JOIN Employees ON Orders.EmployeeID = Employees.EmployeeID WHERE
    OrderDate >= '2022-01-01' AND OrderDate < '2023-01-01' GROUP BY employee_name
Show by customer country what percentage of 2023 revenue came from Produce.
    SELECT Customers.Country, 100.0 * SUM(CASE WHEN CategoryName = 'Produce' THEN order_details.UnitPrice *
    Quantity * (1 - Discount) ELSE 0 END) / SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS
    share_percent FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Customers ON
    Orders.CustomerID = Customers.CustomerID JOIN Products ON order_details.ProductID = Products.ProductID JOIN
    Categories ON Products.CategoryID = Categories.CategoryID WHERE OrderDate >= '2023-01-01' AND OrderDate <
    '2024-01-01' GROUP BY Customers.Country
What percentage of Felix Brandt's sales does each customer make up?
    SELECT Customers.CompanyName, 100.0 * SUM(order_details.UnitPrice * Quantity * (1 - Discount)) /
    SUM(SUM(order_details.UnitPrice * Quantity * (1 - Discount))) OVER () AS share_percent FROM order_details JOIN
    Orders ON order_details.OrderID = Orders.OrderID JOIN Customers ON Orders.CustomerID = Customers.CustomerID
    JOIN Employees ON Orders.EmployeeID = Employees.EmployeeID WHERE FirstName || ' ' || LastName = 'Felix Brandt'
    GROUP BY Customers.CompanyName ORDER BY share_percent DESC
How many percent of revenue is by employee Brandt in 2023?
    SELECT 100.0 * SUM(CASE WHEN LastName = 'Brandt' THEN order_details.UnitPrice * Quantity * (1 - Discount) ELSE
    0 END) / SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS share_percent FROM order_details JOIN
    Orders ON order_details.OrderID = Orders.OrderID JOIN Employees ON Orders.EmployeeID = Employees.EmployeeID
    WHERE OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01'
Average order value by employee Brandt in each quarter of 2023
    SELECT STRFTIME('%Y', OrderDate) || '-Q' || ((STRFTIME('%m', OrderDate) + 2) / 3) AS quarter,
    SUM(order_details.UnitPrice * Quantity * (1 - Discount)) / COUNT(DISTINCT order_details.OrderID) AS
    average_order_value FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Employees ON
    Orders.EmployeeID = Employees.EmployeeID WHERE LastName = 'Brandt' AND OrderDate >= '2023-01-01' AND OrderDate
    < '2024-01-01' GROUP BY quarter ORDER BY quarter
Gross profit per category with customers in France in 2022, with zero for categories that sold nothing
    WITH counted AS (SELECT Categories.CategoryID AS counted_key, SUM((order_details.UnitPrice * (1 - Discount) -
    Products.UnitPrice) * Quantity) AS gross_profit FROM order_details JOIN Products ON order_details.ProductID =
    Products.ProductID JOIN Categories ON Products.CategoryID = Categories.CategoryID JOIN Orders ON
    order_details.OrderID = Orders.OrderID JOIN Customers ON Orders.CustomerID = Customers.CustomerID WHERE
    Customers.Country = 'France' AND OrderDate >= '2022-01-01' AND OrderDate < '2023-01-01' GROUP BY
    Categories.CategoryID) SELECT CategoryName, COALESCE(counted.gross_profit, 0) AS gross_profit FROM Categories
    LEFT JOIN counted ON counted.counted_key = Categories.CategoryID
Count our suppliers by the title of their contact
    SELECT Suppliers.ContactTitle, COUNT(*) AS supplier_count FROM Suppliers GROUP BY Suppliers.ContactTitle
Number of suppliers by country
    SELECT Suppliers.Country, COUNT(*) AS supplier_count FROM Suppliers GROUP BY Suppliers.Country
Orders per salesperson and quarter in 2022, in order of rep, then quarter
    SELECT FirstName || ' ' || LastName AS employee_name, STRFTIME('%Y', OrderDate) || '-Q' || ((STRFTIME('%m',
    OrderDate) + 2) / 3) AS quarter, COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders JOIN Employees ON
    Orders.EmployeeID = Employees.EmployeeID WHERE OrderDate >= '2022-01-01' AND OrderDate < '2023-01-01' GROUP BY
    employee_name, quarter ORDER BY employee_name, quarter
Falcon Freight, 2023 by month: orders and freight
    SELECT STRFTIME('%Y-%m', OrderDate) AS month, COUNT(DISTINCT Orders.OrderID) AS order_count, SUM(Freight) AS
    total_freight FROM Orders JOIN Shippers ON Orders.ShipVia = Shippers.ShipperID WHERE Shippers.CompanyName =
    'Falcon Freight' AND OrderDate >= '2023-01-01' AND OrderDate < '2024-01-01' GROUP BY month ORDER BY month
Between 2021 and 2023, how has freight as a percentage of revenue changed over the years?
    WITH numerators AS (SELECT STRFTIME('%Y', OrderDate) AS year, SUM(Freight) AS total_freight FROM Orders WHERE
    OrderDate >= '2021-01-01' AND OrderDate < '2024-01-01' GROUP BY year), denominators AS (SELECT STRFTIME('%Y',
    OrderDate) AS year, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS sales_revenue FROM
    order_details JOIN Orders ON order_details.OrderID = Orders.OrderID WHERE OrderDate >= '2021-01-01' AND
    OrderDate < '2024-01-01' GROUP BY year) SELECT numerators.year, 100.0 * total_freight / sales_revenue AS
    freight_to_sales_ratio FROM numerators JOIN denominators ON numerators.year = denominators.year ORDER BY
    numerators.year
Which customers are waiting for an order?
    SELECT Customers.CompanyName FROM Customers WHERE EXISTS(SELECT 1 FROM Orders WHERE Orders.CustomerID =
    Customers.CustomerID AND ShippedDate IS NULL)
Year by year, ship country Germany: late shipments and order count
    WITH sides AS (SELECT STRFTIME('%Y', OrderDate) AS year, COUNT(DISTINCT Orders.OrderID) AS late_shipments,
    CAST(NULL AS REAL) AS order_count FROM Orders WHERE ShippedDate > RequiredDate AND ShipCountry = 'Germany'
    GROUP BY year UNION ALL SELECT STRFTIME('%Y', OrderDate) AS year, CAST(NULL AS REAL) AS late_shipments,
    COUNT(DISTINCT Orders.OrderID) AS order_count FROM Orders WHERE ShipCountry = 'Germany' GROUP BY year) SELECT
    year, COALESCE(MAX(late_shipments), 0) AS late_shipments, COALESCE(MAX(order_count), 0) AS order_count FROM
    sides GROUP BY year ORDER BY year
Which reps had below-average revenue in 2023?
    WITH grouped AS (SELECT FirstName || ' ' || LastName AS employee_name, SUM(order_details.UnitPrice * Quantity *
    (1 - Discount)) AS sales_revenue FROM order_details JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN
    Employees ON Orders.EmployeeID = Employees.EmployeeID WHERE OrderDate >= '2023-01-01' AND OrderDate <
    '2024-01-01' GROUP BY employee_name) SELECT employee_name, sales_revenue FROM grouped WHERE sales_revenue <
    (SELECT AVG(sales_revenue) FROM grouped) ORDER BY sales_revenue DESC
Which suppliers' products brought in more than 600 from customers in Berlin?
    SELECT Suppliers.CompanyName, SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS sales_revenue FROM
    order_details JOIN Products ON order_details.ProductID = Products.ProductID JOIN Suppliers ON
    Products.SupplierID = Suppliers.SupplierID JOIN Orders ON order_details.OrderID = Orders.OrderID JOIN Customers
    ON Orders.CustomerID = Customers.CustomerID WHERE Customers.City = 'Berlin' GROUP BY Suppliers.CompanyName
    HAVING SUM(order_details.UnitPrice * Quantity * (1 - Discount)) > 600
Revenue from products from Japan in 2023
    SELECT SUM(order_details.UnitPrice * Quantity * (1 - Discount)) AS sales_revenue FROM order_details JOIN Orders
    ON order_details.OrderID = Orders.OrderID JOIN Products ON order_details.ProductID = Products.ProductID JOIN
    Suppliers ON Products.SupplierID = Suppliers.SupplierID WHERE Suppliers.Country = 'Japan' AND OrderDate >=
    '2023-01-01' AND OrderDate < '2024-01-01'
Top 5 products from Japan by units sold
    SELECT ProductName, SUM(Quantity) AS units_sold FROM order_details JOIN Products ON order_details.ProductID =
    Products.ProductID JOIN Suppliers ON Products.SupplierID = Suppliers.SupplierID WHERE Suppliers.Country =
    'Japan' GROUP BY ProductName ORDER BY units_sold DESC LIMIT 5
Difference in orders with more than one product between Felix Brandt and Klara Underhill
    WITH grouped AS (SELECT FirstName || ' ' || LastName AS employee_name, COUNT(DISTINCT Orders.OrderID) AS
    multi_item_orders FROM Orders JOIN Employees ON Orders.EmployeeID = Employees.EmployeeID WHERE Orders.OrderID
    IN (SELECT order_details.OrderID FROM order_details GROUP BY order_details.OrderID HAVING COUNT(*) > 1) AND
    FirstName || ' ' || LastName IN ('Felix Brandt', 'Klara Underhill') GROUP BY employee_name) SELECT MAX(CASE
    WHEN employee_name = 'Felix Brandt' THEN multi_item_orders END) - MAX(CASE WHEN employee_name = 'Klara
    Underhill' THEN multi_item_orders END) AS difference FROM grouped
""")


@pytest.mark.parametrize(("question", "sql"), CASES, ids=[question for question, _ in CASES])
def test_what_the_words_settle_comes_to_its_statement(shop: Shop, linker: Linker, question: str, sql: str) -> None:
    assert_comes_to(shop, linker, question, sql)


LEFT_ALONE = [
    "Revenue from products from Japan by customer country",  # from there, or sold there?
    "Which products come in with more than 60 units, and how many?",  # of what is ordered, and not sold
    "Late / all orders, destination Germany, yearly",  # two numbers
    "Customers and their retention rate by Felix Brandt in 2023",  # of each of them; the rate is one of many
    "How many orders did each employee have in 2022 with 2 or fewer days to ship?",  # what each order took
    "Order lines by discount rate",  # ranked, or counted?
    "Products sold by all our reps",  # by each, or by every one?
    "List what USA clients ordered in 2022 and did not order in 2023",  # what, and not who
    "Count our sales representatives in UK",  # all of our people, or those of that job title?
    "Sales representatives not in London: name, city",  # the same
    "Customers whose purchases went down from 2022 to 2023",  # how often, or for how much?
    "Felix Brandt's 2023 purchases by product line",  # the same
    "Germany clients, order count, average order value",  # of all, or of each?
    "Show what German clients bought in 2023",  # what, and not who
]


@pytest.mark.parametrize("question", LEFT_ALONE)
def test_what_the_words_do_not_settle_is_left_alone(linker: Linker, question: str) -> None:
    assert read_intent(question, linker) is None
