"""Questions as people say them at work: they are read as their plain wordings are, and no further."""

from __future__ import annotations

import pytest

from memory.intent import read_intent
from memory.linking import Linker
from tests.fixtures_intent import linker
from tests.fixtures_pairs import Shop, shop

__all__ = ["linker", "shop"]


def compiled(shop: Shop, linker: Linker, question: str) -> str:
    intent = read_intent(question, linker)
    assert intent is not None, question
    return shop.world.compile(intent.query)


SAME = """
whats our headcount = How many employees are there?
whos our best customer = Who is our best customer?
customers that didnt order in 2024 = customers that did not order in 2024
What did we turn over in Q3 2022? = What was our revenue in Q3 2022?
which customers turned over more than 50k in 2023 = which customers had more than 50k of revenue in 2023
how much money came in last month = revenue last month
Which rep brought in the most money in 2024? = Which rep had the most revenue in 2024?
which customer spent the most money in 2023 = which customer had the most revenue in 2023
how much did we rake in in 2023 = revenue in 2023
what were our takings in 2023 = revenue in 2023
sales numbers by rep for 2024 = sales by rep for 2024
how much did our customers spend in 2023 = revenue in 2023
how much did clients in Germany spend in 2023 = revenue of customers in Germany in 2023
how much profit did we turn in 2023 = gross profit in 2023
discounts handed out by each sales rep this year = discounts given by each sales rep this year
how much discount did we hand out in 2023 = discounts given in 2023
which rep hands out the most discount = which rep has the most discounts given
what % of our revenue comes from the USA = what percentage of our revenue comes from the USA
what % of orders were late in 2023 = what percentage of orders were late in 2023
which supplier do we get the Tiger Prawns from = Who supplies Tiger Prawns?
who do we buy Tiger Prawns from = Who supplies Tiger Prawns?
which suppliers do we buy seafood from = which suppliers supply seafood
suppliers we buy at least three products from = suppliers with at least three products
which articles has nobody ever bought? = which articles have never been bought?
products that no one has bought in 2024 = products that were not bought in 2024
which products did nobody buy in 2024 = which products were not bought in 2024
products no customer has ordered since 2023 = products not ordered since 2023
how many units of Tiger Prawns are on order with the supplier? = units on order of Tiger Prawns
how many pieces of Tiger Prawns are sitting in the warehouse = stock of Tiger Prawns
how many units of seafood are in the warehouse = stock of seafood
how much money have we got tied up in Tiger Prawns = stock value of Tiger Prawns
how much money do we have tied up in each category = stock value by category
products we've run out of = products that have run out
Products costing more than $40 that we've run out of = Products out of stock costing more than $40
which products are we running low on = low stock products
which products need to be restocked = which products need reordering
how many products do we no longer sell = how many discontinued products are there
2023 sales of products that we no longer sell today = 2023 sales of discontinued products
everything we carry in seafood = list all products in seafood
what's in beverages = list all products in beverages
products for less than $10 = products costing less than $10
what's the cheapest thing in beverages = what is the cheapest product in beverages
what's the price tag on Tiger Prawns = price of Tiger Prawns
how much does Tiger Prawns set us back = price of Tiger Prawns
how much does a shipment cost us on average with each carrier? = average freight by carrier
how much do we pay per shipment on average to Germany = average freight to Germany
what did we fork out for freight in 2023 = freight in 2023
how much does each carrier cost us = freight by carrier
how long does it take us on average to get an order to Japan out of the door = average days to ship to Japan
how quickly does Falcon Freight ship = days to ship of Falcon Freight
how fast do we ship to Germany = days to ship to Germany
orders we still have to ship = orders not yet shipped
how many orders went out late last year = how many orders were shipped late last year
how punctual is each carrier = on-time rate by carrier
which carrier is the most punctual = which carrier has the highest on-time rate
which carrier do we use most = which carrier has the most orders
how many customers did we acquire in each year? = new customers per year
customers we won each year = new customers per year
how many customers did we sign in 2023 = number of new customers in 2023
how many orders did Pebble Deli send us in 2023 = how many orders did Pebble Deli place in 2023
how often did Pebble Deli order in 2023 = how many orders did Pebble Deli place in 2023
when was the last time Pebble Deli ordered = when did Pebble Deli last order
since when has Pebble Deli been a customer = when did Pebble Deli first order
who's our biggest spender = best customer
our five biggest spenders in 2024 = top five customers by revenue in 2024
which customer buys from us most often = which customer has the most orders
which country do most of our customers come from = which country has the most customers
our top market in 2024 = which country has the most revenue in 2024
which rep shifts the most units = which rep sold the most units
which product did we sell the most of in 2023 = which product sold the most units in 2023
what did order 10300 come to = revenue of order 10300
orders worth more than 500 bucks = orders with revenue of more than 500 dollars
what's the average order worth = average order value
what does the average customer spend = average revenue per customer
customers with more than a dozen orders = customers with more than 12 orders
customers who spent north of 50k = customers who spent more than 50k
how many orders in all = how many orders in total
Reps with more than 100 orders to their name = Reps with more than 100 orders
reps with more than 100 orders under their belt = Reps with more than 100 orders
Running total of revenue month by month through 2024 = Running total of revenue by month in 2024
revenue quarter by quarter through 2023 = revenue by quarter in 2023
revenue on a monthly basis in 2024 = revenue by month in 2024
2023's revenue = revenue in 2023
orders yesterday? = how many orders yesterday?
late orders last month? = how many late orders last month?
How's revenue looking this quarter = revenue this quarter
how are we doing on late orders this year = how many late orders this year
run me through revenue by category = revenue by category
top ten customers revenue-wise = top ten customers by revenue
revenue broken out by carrier = revenue by carrier
who did we hire in 2023 = who joined in 2023
how many people did we hire in 2023 = how many employees were hired in 2023
who works under Marta Ostergaard = who reports to Marta Ostergaard
list our salesmen = list our salespeople
avg order size 2024 = average order size 2024
no. of orders in 2024 = number of orders in 2024
# of late orders in 2024 = number of late orders in 2024
revenue 2023 v 2024 = revenue 2023 vs 2024
what sort of margin do we make on beverages = margin of beverages
how did sales go in March 2024 = sales in March 2024
how much revenue is Felix Brandt responsible for = revenue of Felix Brandt
which rep closed the most orders in 2024 = which rep handled the most orders in 2024
how many deals did Felix Brandt close in 2023 = how many orders did Felix Brandt handle in 2023
sales by rep from top to bottom = sales by rep, highest first
as things stand, how many open orders = how many open orders
"""


@pytest.mark.parametrize("pair", SAME.strip().splitlines())
def test_an_everyday_wording_is_read_as_the_plain_one(shop: Shop, linker: Linker, pair: str) -> None:
    said, plain = pair.split(" = ")
    assert compiled(shop, linker, said) == compiled(shop, linker, plain)


def test_free_words_for_columns_are_read(shop: Shop, linker: Linker) -> None:
    said = "Which products need reordering? I need the name, what's in stock and the reorder point."
    assert compiled(shop, linker, said) == compiled(shop, linker, "Which products need reordering?")


@pytest.mark.parametrize(
    ("question", "order"),
    [
        ("days to ship by carrier, fastest first", "order_fulfillment_time"),
        ("days to ship by carrier, from fastest to slowest", "order_fulfillment_time"),
        ("days to ship by carrier, slowest first", "order_fulfillment_time DESC"),
        ("average days to ship and late rate by carrier, fastest first", "order_fulfillment_time"),
        ("stock turn by category, fastest first", "inventory_turnover DESC"),
        ("stock turn by category, slowest first", "inventory_turnover"),
        ("units sold by product, slowest first", "units_sold"),
    ],
)
def test_what_is_fast_is_short_or_much(shop: Shop, linker: Linker, question: str, order: str) -> None:
    assert compiled(shop, linker, question).endswith(f"ORDER BY {order}")


@pytest.mark.parametrize(
    "question",
    [
        # of an amount or a share nothing is fast, and what grows fastest is not what is most
        "revenue by category, slowest first",
        "late rate by carrier, slowest first",
        "revenue by category, fastest growing first",
        # everything we have somewhere is no list of the places
        "everything we sell in Germany",
        "what's in Germany",
        # a year that something is followed through is its end, where no months of it are told
        "monthly revenue through 2023",
        "revenue year by year through 2023",
        "freight by month through 2024 to 2025",
        # a number of percent is no percentage of something
        "10% of revenue",
        "Seafood % of revenue per country, 2024",
        "how much percent of our Seafood takings did every country contribute in 2020",
        # what is said of some is not said of all
        "products no customer in Germany has bought",
        "products we no longer sell to Germany",
        "customers we won back each year",
        "how much money is tied up in open orders",
        # packs are not units, several are not one
        "how many boxes of Tiger Prawns do we have in the warehouse",
        "which products do we sell the most of",
        "which product is bought most often",
        "how much did customers in Germany spend on freight",
        "purchase orders last month?",
    ],
)
def test_what_is_meant_otherwise_is_not_read(linker: Linker, question: str) -> None:
    assert read_intent(question, linker) is None
