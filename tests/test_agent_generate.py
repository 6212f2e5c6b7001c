"""Getting the statement out of what models write around it, without hiding anything from the guard."""

from __future__ import annotations

import json

import pytest

from agent.steps.extract import extract_sql

SQL = "SELECT COUNT(*) FROM Orders"


@pytest.mark.parametrize(
    "reply",
    [
        SQL,
        f"{SQL};",
        f"  {SQL} ;\n",
        f"```sql\n{SQL};\n```",
        f"```\n{SQL}\n```",
        f"``` sql\n{SQL}```",
        f"Here is the query:\n\n```sql\n{SQL}\n```\n\nIt counts the orders.",
        f"Sure! {SQL};\nThis counts every order.",
        f"{SQL}\n\nThis query counts every order.",
        f"<think>SELECT wrong FROM thought</think>{SQL}",
        f"<think>\nlet me see\n</think>\n\n```sql\n{SQL}\n```",
        f"First I tried:\n```sql\nSELECT 1\n```\nBut better:\n```sql\n{SQL}\n```",
        f"The answer is: {SQL}",
        f"With this query you get it:\n{SQL}",
        f"```sql\n{SQL}",
        f"```{SQL}```",
        f"Answer: ```{SQL}```",
        f"`{SQL}`",
        f"{SQL}\nNote: cancelled orders are counted.",
        f"{SQL}\nThis counts every order.",
        f"SQLQuery: {SQL}\nSQLResult: 830\nAnswer: 830",
        f"{SQL}\nGO",
        json.dumps({"sql": SQL, "explanation": "It counts."}),
        json.dumps({"reasoning": "SELECT nothing", "query": f"{SQL};"}),
        f'{{"sql": "{SQL}"}}',
    ],
)
def test_the_statement_is_found(reply: str) -> None:
    assert extract_sql(reply) == SQL


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'a;b' FROM Orders WHERE x = 'it''s; fine'",
        "WITH t AS (SELECT 1)\nSELECT * FROM t",
        "WITH RECURSIVE t(n) AS (SELECT 1)\nSELECT * FROM t",
        "SELECT a\n\nFROM b\n\nWHERE c = 1",
        'SELECT "a;b" FROM Orders -- trailing; comment',
        "(SELECT 1) UNION (SELECT 2)",
        "select 1",
        "SELECT `City` FROM `Customers` ORDER BY `City`",
        "SELECT a FROM\nThe\nWHERE b = 1",
    ],
)
def test_a_plain_statement_is_left_as_it_is(sql: str) -> None:
    assert extract_sql(sql) == sql


@pytest.mark.parametrize(
    "reply",
    [
        "SELECT 1; DROP TABLE Orders",
        "SELECT 1; DELETE FROM Orders;",
        "```sql\nSELECT 1;\nUPDATE Orders SET Freight = 0;\n```",
        "DELETE FROM Orders",
        "```sql\nDROP TABLE Orders;\n```",
        "SELECT 1\n\nDROP TABLE Orders",
        "INSERT INTO Orders SELECT 1",
        '{"sql": "DELETE FROM Orders"}',
        "SELECT 1\nGO\nDROP TABLE Orders",
    ],
)
def test_what_the_guard_must_see_is_never_trimmed_away(reply: str) -> None:
    assert any(word in extract_sql(reply) for word in ("DROP", "DELETE", "UPDATE", "INSERT"))


@pytest.mark.parametrize(
    "reply", ["", "I cannot answer that.", "```python\nprint(1)\n```", "<think>SELECT 1", "Selection"]
)
def test_no_statement_is_no_statement(reply: str) -> None:
    assert extract_sql(reply) == ""
