"""SQL Server, Snowflake and BigQuery at the SQL level: judged, capped, filtered, masked, written and explained."""

from __future__ import annotations

import json
from dataclasses import replace

import duckdb
import psycopg
import pytest
import sqlalchemy as sa
import sqlglot
from fixtures_warehouse import POSTGRESQL, Built, built, sqlite_demo  # noqa: F401

from agent.errors import RefusedError
from agent.run import Verdict
from agent.steps.faults import Known
from agent.steps.guard import judge
from agent.steps.mends import transpiled
from agent.warehouse.dialects import DIALECTS, identifier
from agent.warehouse.explain import explain_text
from agent.warehouse.functions import allowed_function_classes, allowed_function_names
from agent.warehouse.policy import Policy
from agent.warehouse.policy_rules import ColumnRules
from memory.joins import JoinGraph

CLOUD = ("tsql", "snowflake", "bigquery")
RESTRICTED = Policy(
    rows={"Orders": "ShipCountry = 'Germany'"},
    masks={"Customers.Phone": "partial", "Customers.Address": "hash", "Customers.Fax": "full"},
)


def judged(sql: str, dialect: str, target: Built, policy: Policy | None = None, **of_catalog: str) -> Verdict:
    catalog = replace(target.catalog, dialect=dialect, **of_catalog)
    return judge(sql, dialect=dialect, catalog=catalog, policy=policy or Policy(), max_rows=1000)


REFUSED = {
    "tsql": [
        "SELECT * INTO stolen FROM Orders",
        "SELECT * FROM OPENROWSET('SQLNCLI', 'x', 'SELECT 1')",
        "SELECT * FROM OPENQUERY(other, 'DELETE FROM Orders')",
        "SELECT * FROM OPENDATASOURCE('SQLNCLI', 'x').db.dbo.Orders",
        "SELECT * FROM OPENJSON('[1]')",
        "EXEC xp_cmdshell 'dir'",
        "EXEC('DELETE FROM Orders')",
        "xp_cmdshell 'dir'",
        "SELECT 1; EXEC sp_who",
        "SELECT OrderID FROM Orders EXEC sp_who",
        "SELECT * FROM Orders WITH (UPDLOCK)",
        "SELECT * FROM Orders WITH (NOLOCK)",
        "SELECT * FROM Orders (TABLOCKX)",
        "SELECT * FROM Orders OPTION (MAXDOP 64)",
        "SELECT * FROM Orders FOR XML AUTO",
        "SELECT * FROM Orders FOR JSON PATH",
        "SELECT * FROM Orders FOR SYSTEM_TIME AS OF '2020-01-01'",
        "SELECT * FROM Orders TABLESAMPLE (10 PERCENT)",
        "SELECT @@VERSION",
        "SELECT SYSTEM_USER",
        "SELECT SUSER_NAME()",
        "SELECT OBJECT_DEFINITION(1)",
        "SELECT * FROM sys.objects",
        "SELECT * FROM sysobjects",
        "SELECT * FROM master.dbo.spt_values",
        "SELECT * FROM other.dbo.Orders",
        "SELECT dbo.secret(OrderID) FROM Orders",
        "SELECT NEXT VALUE FOR numbers",
        "SELECT REPLICATE('x', 1000000)",
        "WAITFOR DELAY '0:0:5'",
        "DECLARE @x INT = 1; SELECT @x",
        "IF 1 = 1 SELECT 1",
        "BEGIN TRAN",
        "MERGE INTO Orders USING Customers ON 1 = 1 WHEN MATCHED THEN DELETE;",
        "BULK INSERT Orders FROM 'x'",
    ],
    "snowflake": [
        "SELECT * FROM @stage",
        "SELECT $1 FROM @stage/file.csv",
        "SELECT $1 FROM Orders",
        "SELECT o.$1 FROM Orders o",
        "SELECT $variable",
        "SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))",
        "SELECT * FROM TABLE(GENERATOR(ROWCOUNT => 1000000))",
        "SELECT SYSTEM$CANCEL_ALL_QUERIES(1)",
        "SELECT SYSTEM$WAIT(5)",
        "SELECT * FROM IDENTIFIER('Orders')",
        "SELECT IDENTIFIER('Phone') FROM Customers",
        "SELECT GET_DDL('table', 'Orders')",
        "SELECT * FROM INFORMATION_SCHEMA.TABLES",
        "SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY",
        "SELECT * FROM Orders AT (OFFSET => -3600)",
        "SELECT * FROM Orders BEFORE (STATEMENT => 'x')",
        "SELECT * FROM Orders SAMPLE (10)",
        "SELECT * FROM Orders CHANGES (INFORMATION => DEFAULT) AT (OFFSET => -60)",
        "SELECT numbers.NEXTVAL",
        "SELECT CURRENT_ROLE()",
        "SELECT AI_COMPLETE('model', 'text')",
        "SELECT SNOWFLAKE.CORTEX.COMPLETE('model', 'text')",
        "SELECT RANDSTR(1000000, 1)",
        "CALL p()",
        "EXECUTE IMMEDIATE 'DROP TABLE Orders'",
        "EXECUTE IMMEDIATE $$ DROP TABLE Orders $$",
        "COPY INTO @stage FROM Orders",
        "PUT file:///etc/passwd @stage",
        "GET @stage file:///tmp",
        "LIST @stage",
        "SHOW TABLES",
        "SHOW TABLES ->> SELECT 1",
        "USE ROLE accountadmin",
        "UNDROP TABLE Orders",
        "CREATE TABLE stolen CLONE Orders",
    ],
    "bigquery": [
        "SELECT * FROM EXTERNAL_QUERY('connection', 'SELECT 1')",
        "SELECT * FROM ML.PREDICT(MODEL m, TABLE Orders)",
        "SELECT * FROM ML.GENERATE_TEXT(MODEL m, (SELECT 1))",
        "SELECT * FROM AI.GENERATE_TABLE(MODEL m, TABLE Orders)",
        "SELECT * FROM APPENDS(TABLE Orders, NULL, NULL)",
        "SELECT * FROM `project.dataset.Orders`",
        "SELECT * FROM `Orders_*`",
        "SELECT _TABLE_SUFFIX FROM Orders",
        "SELECT * FROM INFORMATION_SCHEMA.TABLES",
        "SELECT * FROM dataset.INFORMATION_SCHEMA.COLUMNS",
        "SELECT * FROM `region-eu`.INFORMATION_SCHEMA.JOBS",
        "SELECT * FROM Orders FOR SYSTEM_TIME AS OF TIMESTAMP '2020-01-01'",
        "SELECT * FROM Orders TABLESAMPLE SYSTEM (10 PERCENT)",
        "DECLARE x INT64; SELECT x",
        "BEGIN SELECT 1; END",
        "EXECUTE IMMEDIATE 'DROP TABLE Orders'",
        "EXPORT DATA OPTIONS (uri = 'gs://x') AS SELECT * FROM Orders",
        "CREATE TEMP FUNCTION f() RETURNS STRING LANGUAGE js AS 'return 1'; SELECT f()",
        "CALL dataset.p()",
        "SELECT @parameter",
        "SELECT @@project_id",
        "SELECT SESSION_USER()",
        "SELECT dataset.f(OrderID) FROM Orders",
        "SELECT NET.HOST('x')",
        "SELECT KEYS.NEW_KEYSET('AEAD_AES_GCM_256')",
        "SELECT ERROR('x')",
        "SELECT AS STRUCT * FROM Orders",
        "SELECT TO_JSON_STRING(o) FROM Orders AS o",
        "SELECT GENERATE_ARRAY(1, 1000000000)",
        "SELECT REPEAT('x', 1000000)",
        "SELECT FORMAT('%1000000d', 1)",
        "LOAD DATA INTO Orders FROM FILES (uris = ['gs://x'])",
        "MERGE Orders USING Customers ON FALSE WHEN NOT MATCHED THEN INSERT ROW",
        "ASSERT (SELECT 1) = 1",
    ],
}


@pytest.mark.parametrize("dialect", CLOUD)
def test_what_a_dialect_has_of_its_own_is_refused(dialect: str, sqlite_demo: Built) -> None:  # noqa: F811
    assert [sql for sql in REFUSED[dialect] if judged(sql, dialect, sqlite_demo).allowed] == []


@pytest.mark.parametrize(
    ("dialect", "sql", "written"),
    [
        ("tsql", "SELECT City FROM Customers", "SELECT TOP 1001 City FROM Customers"),
        ("tsql", "SELECT TOP 5 City FROM Customers", "SELECT TOP 5 City FROM Customers"),
        ("tsql", "SELECT TOP 9999 City FROM Customers", "SELECT TOP 1001 City FROM Customers"),
        ("tsql", "SELECT TOP 10 PERCENT City FROM Customers", "SELECT TOP 10 PERCENT City FROM Customers"),
        (
            "tsql",
            "SELECT City FROM Customers ORDER BY City OFFSET 5 ROWS",
            "SELECT City FROM Customers ORDER BY City OFFSET 5 ROWS FETCH FIRST 1001 ROWS ONLY",
        ),
        (
            "tsql",
            "SELECT City FROM Customers ORDER BY City OFFSET 5 ROWS FETCH NEXT 5000 ROWS ONLY",
            "SELECT City FROM Customers ORDER BY City OFFSET 5 ROWS FETCH NEXT 1001 ROWS ONLY",
        ),
        (
            "tsql",
            "SELECT City FROM Customers UNION SELECT City FROM Suppliers",
            "SELECT TOP 1001 * FROM (SELECT City FROM Customers UNION SELECT City FROM Suppliers) AS _l_0",
        ),
        ("tsql", "SELECT [City] AS [top] FROM [Customers]", "SELECT TOP 1001 City AS [top] FROM Customers"),
        ("snowflake", "SELECT TOP 9999 city FROM customers", 'SELECT "City" FROM "Customers" LIMIT 1001'),
        ("bigquery", "SELECT city FROM `customers`", "SELECT City FROM Customers LIMIT 1001"),
        (
            "bigquery",
            r"SELECT City FROM Customers WHERE REGEXP_CONTAINS(City, r'^\d')",
            r"SELECT City FROM Customers WHERE REGEXP_CONTAINS(City, '^\\d') LIMIT 1001",
        ),
        ("mysql", "SELECT UTC_DATE() AS d", "SELECT UTC_DATE() AS d"),
        (
            "mysql",
            "SELECT MEDIAN(Freight) OVER (PARTITION BY ShipVia) AS m FROM Orders",
            "SELECT MEDIAN(Freight) OVER (PARTITION BY ShipVia) AS m FROM Orders LIMIT 1001",
        ),
        ("postgres", "SELECT 1 AS a LIMIT ALL", "SELECT 1 AS a LIMIT 1001"),
        ("sqlite", "SELECT 1 AS a LIMIT -1", "SELECT 1 AS a LIMIT 1001"),
        (
            "postgres",
            "SELECT 1 AS a FETCH FIRST 5000 ROWS ONLY",
            "SELECT 1 AS a FETCH FIRST 1001 ROWS ONLY",
        ),
    ],
)
def test_rows_are_capped_in_the_dialects_own_words(dialect: str, sql: str, written: str, sqlite_demo: Built) -> None:  # noqa: F811
    verdict = judged(sql, dialect, sqlite_demo)
    assert (verdict.message, verdict.sql) == ("", written)


@pytest.mark.parametrize("dialect", CLOUD)
def test_filters_and_masks_are_put_in_and_survive_being_read(dialect: str, sqlite_demo: Built) -> None:  # noqa: F811
    sql = (
        "SELECT c.Phone, c.Address, c.Fax, COUNT(*) AS n FROM Orders AS o JOIN Customers AS c "
        "ON c.CustomerID = o.CustomerID GROUP BY c.Phone, c.Address, c.Fax"
    )
    verdict = judged(sql, dialect, sqlite_demo, RESTRICTED)
    assert verdict.allowed, verdict.message
    assert len(verdict.restrictions) == 4
    tree = sqlglot.parse_one(verdict.sql, dialect=dialect)
    inner = [select for select in tree.find_all(sqlglot.exp.Select) if select.parent_select is tree]
    assert len(inner) == 2
    assert all(len(list(select.find_all(sqlglot.exp.Table))) == 1 for select in inner)
    assert "'Germany'" in inner[0].sql(dialect)
    assert "MD5" in verdict.sql
    assert "'***'" in verdict.sql
    assert all(table.find_ancestor(sqlglot.exp.Subquery) for table in tree.find_all(sqlglot.exp.Table))


def test_a_digest_is_text_in_every_dialect(sqlite_demo: Built) -> None:  # noqa: F811
    said = {d: judged("SELECT Address FROM Customers", d, sqlite_demo, RESTRICTED).sql for d in CLOUD}
    assert "LOWER(CONVERT(VARCHAR(32), HASHBYTES('MD5', Address), 2))" in said["tsql"]
    assert 'MD5("Address")' in said["snowflake"]
    assert "TO_HEX(MD5(Address))" in said["bigquery"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_lateral_query_sees_its_neighbours_and_is_restricted(dialect: str, sqlite_demo: Built) -> None:  # noqa: F811
    inner = "SELECT MAX(o.Freight) AS f FROM Orders AS o WHERE o.CustomerID = c.CustomerID"
    join = f"CROSS APPLY ({inner}) AS x" if dialect == "tsql" else f"CROSS JOIN LATERAL ({inner}) AS x"
    verdict = judged(f"SELECT c.City, x.f FROM Customers AS c {join}", dialect, sqlite_demo, RESTRICTED)
    assert verdict.allowed, verdict.message
    assert verdict.sql.count("'Germany'") == 1
    hidden = Policy(columns=ColumnRules(deny=("Orders.Freight",)))
    assert judged(f"SELECT c.City FROM Customers AS c {join}", dialect, sqlite_demo, hidden).rule == "policy_column"
    outside = judged(f"SELECT 1 FROM {'Customers AS c ' + join.replace('c.CustomerID', 'y.x')}", dialect, sqlite_demo)
    assert not outside.allowed


def test_the_schema_of_the_catalog_may_be_named_and_no_other(sqlite_demo: Built) -> None:  # noqa: F811
    sql = "SELECT sales.Orders.OrderID FROM sales.Orders"
    assert judged(sql, "postgres", sqlite_demo, db_schema="Sales").sql.count("sales") == 0
    assert not judged(sql, "postgres", sqlite_demo, db_schema="other").allowed
    assert not judged(sql, "postgres", sqlite_demo).allowed
    assert not judged("SELECT * FROM db.sales.Orders", "tsql", sqlite_demo, db_schema="sales").allowed


def test_names_are_quoted_where_the_dialect_would_read_another() -> None:
    quoted = {
        (dialect, name): identifier(name, dialect).args["quoted"]
        for dialect in ("postgres", "snowflake", "tsql", "bigquery")
        for name in ("orders", "ORDERS", "Orders", "percent", "qualify")
    }
    assert [quoted["postgres", name] for name in ("orders", "ORDERS", "Orders")] == [False, True, True]
    assert [quoted["snowflake", name] for name in ("orders", "ORDERS", "Orders")] == [False, False, True]
    assert [quoted["tsql", name] for name in ("orders", "Orders", "percent", "qualify")] == [False, False, True, False]
    assert [quoted["bigquery", name] for name in ("Orders", "percent", "qualify")] == [False, False, True]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_functions_are_allowed_by_dialect(dialect: str) -> None:
    own = {
        "sqlite": "julianday",
        "duckdb": "time_bucket",
        "postgres": "trim_scale",
        "mysql": "makedate",
        "tsql": "patindex",
        "snowflake": "ratio_to_report",
        "bigquery": "ieee_divide",
    }
    assert [d for d in DIALECTS if own[dialect] in allowed_function_names(d)] == [dialect]
    assert (sqlglot.exp.Year in allowed_function_classes(dialect)) == (dialect != "sqlite")
    assert sqlglot.exp.MD5 not in allowed_function_classes(dialect)
    assert sqlglot.exp.Repeat not in allowed_function_classes(dialect)


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("tsql", "SELECT x.City FROM Orders o CROSS APPLY (SELECT c.* FROM Customers c) x"),
        ("tsql", "SELECT STRING_AGG(City, Phone) FROM Customers"),
        (
            "tsql",
            "WITH Customers AS (SELECT Phone FROM Customers UNION ALL SELECT 1 FROM Customers) SELECT 1 FROM Customers",
        ),
        ("postgres", "SELECT x.p FROM Orders o, LATERAL (SELECT c.Phone FROM Customers c) AS x (p)"),
        ("postgres", "SELECT CONCAT(c.*) FROM Customers c"),
        ("postgres", "SELECT (ARRAY_AGG(Phone))[1] FROM Customers"),
        ("postgres", "SELECT City FROM Customers ORDER BY Phone <> ALL (ARRAY['x'])"),
        ("postgres", "SELECT DISTINCT ON (Phone) City FROM Customers"),
        ("duckdb", "SELECT City FROM Customers WHERE EXISTS (FROM Customers SELECT Phone)"),
        ("mysql", "SELECT JSON_EXTRACT(JSON_OBJECT('a', Phone), '$.a') FROM Customers"),
        ("sqlite", "SELECT JSON_GROUP_ARRAY(Phone) FROM Customers"),
        (
            "snowflake",
            "WITH x AS (SELECT Country FROM Customers UNION ALL SELECT Phone FROM x, Customers) SELECT 1 FROM x",
        ),
        ("snowflake", "SELECT City AS a, a || Phone FROM Customers"),
        ("snowflake", "SELECT LISTAGG(City) WITHIN GROUP (ORDER BY Phone) FROM Customers"),
        ("snowflake", "SELECT ARRAY_AGG(c.*) FROM Customers c"),
        ("bigquery", "SELECT City FROM Customers WHERE City IN UNNEST(ARRAY(SELECT Phone FROM Customers))"),
        ("bigquery", "SELECT ANY_VALUE(City HAVING MAX Phone) FROM Customers"),
        ("bigquery", "FROM Customers |> EXTEND 1 AS x |> SELECT *"),
    ],
)
def test_a_denied_column_stays_hidden_in_each_dialects_own_words(dialect: str, sql: str, sqlite_demo: Built) -> None:  # noqa: F811
    policy = Policy(columns=ColumnRules(deny=("Customers.Phone",)))
    assert judged(sql.replace("Phone", "City"), dialect, sqlite_demo).allowed, "understood"
    assert judged(sql, dialect, sqlite_demo, policy).rule == "policy_column"


HELD_BY_ENGINE = {
    "sqlite": "SELECT name FROM pragma_function_list",
    "duckdb": "SELECT DISTINCT function_name FROM duckdb_functions()",
    "postgres": "SELECT DISTINCT proname FROM pg_proc",
    "mysql": "SELECT LOWER(function) FROM information_schema.sql_functions",
}
NOT_LISTED = {
    "sqlite": {"concat", "octet_length", "timediff"},  # younger than some SQLite that Python comes with
    "duckdb": {"ifnull"},
    "postgres": {"all", "row"},
    "mysql": {"localtime", "localtimestamp", "time", "timestamp", "truncate", "utc_time"},
}
"""Syntax rather than functions to the engine's own list."""


def test_the_engine_has_every_function_that_is_allowed_by_name(built: Built) -> None:  # noqa: F811
    engine = sa.create_engine(built.url)
    with engine.connect() as connection:
        held = {str(row[0]).lower() for row in connection.exec_driver_sql(HELD_BY_ENGINE[built.dialect])}
    engine.dispose()
    assert allowed_function_names(built.dialect) - held - NOT_LISTED[built.dialect] == set()


def test_an_unknown_dialect_passes_nothing(sqlite_demo: Built) -> None:  # noqa: F811
    assert not judged("SELECT 1", "klingon", sqlite_demo).allowed


@pytest.mark.parametrize("target", DIALECTS)
@pytest.mark.parametrize(
    ("source", "sql"),
    [
        ("tsql", "SELECT TOP 3 [City], LEN([City]) AS n FROM [Customers] ORDER BY n DESC"),
        (
            "snowflake",
            "SELECT City, IFF(City = 'x', 1, 0) AS n FROM Customers QUALIFY ROW_NUMBER() OVER (ORDER BY City) = 1",
        ),
        ("bigquery", "SELECT `City`, SAFE_CAST(PostalCode AS INT64) AS n FROM `Customers`"),
        ("mysql", "SELECT `City`, IFNULL(Region, '-') AS n FROM `Customers` LIMIT 2"),
        ("postgres", "SELECT City, PostalCode::TEXT AS n FROM Customers LIMIT 2"),
        ("sqlite", "SELECT STRFTIME('%Y-%m', OrderDate) AS m, COUNT(*) AS n FROM Orders GROUP BY 1"),
        ("duckdb", "FROM Orders SELECT DATE_DIFF('day', OrderDate, ShippedDate) AS n LIMIT 3"),
    ],
)
def test_a_draft_of_another_dialect_is_said_in_the_warehouses(
    source: str,
    sql: str,
    target: str,
    sqlite_demo: Built,  # noqa: F811
) -> None:
    catalog = replace(sqlite_demo.catalog, dialect=target)
    known = Known(catalog, JoinGraph(catalog), target)
    if judged(sql, target, sqlite_demo).allowed:
        return  # the warehouse's own dialect has it too
    mended = transpiled(sql, known)
    assert mended is not None
    assert judged(mended, target, sqlite_demo).allowed, mended


@pytest.mark.parametrize(
    ("target", "sql", "mended"),
    [
        (
            "mysql",
            "SELECT DATE_DIFF('day', OrderDate, ShippedDate) AS d FROM Orders",
            "DATEDIFF(ShippedDate, OrderDate)",
        ),
        ("postgres", "SELECT DATEDIFF(ShippedDate, OrderDate) AS d FROM Orders", "ShippedDate"),
        ("sqlite", "SELECT YEAR(OrderDate) AS y FROM Orders", "STRFTIME('%Y', OrderDate)"),
        ("duckdb", "SELECT ISNULL(Region, 'none') AS r FROM Customers", "COALESCE(Region, 'none')"),
        ("mysql", "SELECT ISNULL(Region, 'none') AS r FROM Customers", "COALESCE(Region, 'none')"),
    ],
)
def test_a_function_of_another_database_is_refused_and_said_again_without_loss(
    target: str,
    sql: str,
    mended: str,
    sqlite_demo: Built,  # noqa: F811
) -> None:
    verdict = judged(sql, target, sqlite_demo)
    assert (verdict.allowed, verdict.rule, verdict.error_class) == (False, "known_function", "unknown_function")
    catalog = replace(sqlite_demo.catalog, dialect=target)
    said = transpiled(sql, Known(catalog, JoinGraph(catalog), target))
    assert said is not None
    assert mended in said


# --- plans ------------------------------------------------------------------------------------------------------

QUERY = "SELECT 1 AS a"


def test_the_plan_is_asked_for_in_each_dialects_words() -> None:
    asked = {dialect: explain_text(QUERY, dialect) for dialect in DIALECTS}
    assert {d: r.batches[r.answer] for d, r in asked.items()} == {
        "sqlite": f"EXPLAIN QUERY PLAN {QUERY}",
        "duckdb": f"EXPLAIN (FORMAT JSON) {QUERY}",
        "postgres": f"EXPLAIN (FORMAT JSON) {QUERY}",
        "mysql": f"EXPLAIN FORMAT=JSON {QUERY}",
        "tsql": QUERY,
        "snowflake": f"EXPLAIN USING JSON {QUERY}",
        "bigquery": QUERY,
    }
    assert asked["tsql"].batches == ("SET SHOWPLAN_XML ON", QUERY, "SET SHOWPLAN_XML OFF")
    assert [dialect for dialect in DIALECTS if asked[dialect].dry_run] == ["bigquery"]


@pytest.mark.parametrize("sql", ["ANALYZE DELETE FROM Orders", "DELETE FROM Orders", "", "(ANALYZE SELECT 1)"])
def test_nothing_but_a_query_is_explained(sql: str) -> None:
    for dialect in DIALECTS:
        with pytest.raises(RefusedError):
            explain_text(sql, dialect)
    with pytest.raises(ValueError, match="klingon"):
        explain_text(QUERY, "klingon")


def test_duckdb_answers_with_a_plan() -> None:
    rows = duckdb.connect().execute(explain_text(QUERY, "duckdb").batches[0]).fetchall()
    assert json.loads(rows[0][-1])


@pytest.mark.postgresql
def test_postgresql_answers_with_a_plan() -> None:
    try:
        connection = psycopg.connect(POSTGRESQL.replace("+psycopg", ""))
    except psycopg.OperationalError:
        pytest.skip("NO SERVER: the plan's text is not tested on PostgreSQL")
    with connection:
        row = connection.execute(explain_text(QUERY, "postgres").batches[0]).fetchone()
    assert row is not None
    assert row[0][0]["Plan"]["Node Type"] == "Result"
