"""policy.yaml is read strictly, and says where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures_warehouse import METRICS, Built, sqlite_demo  # noqa: F401

from agent.errors import ErrorClass, UsageError
from agent.settings import GuardLimits
from agent.warehouse.policy import Policy, load_policy
from agent.warehouse.policy_rules import ColumnRules, LimitRules, TableRules


def test_a_missing_or_empty_file_is_the_safe_default(tmp_path: Path) -> None:
    assert load_policy(tmp_path / "none.yaml") == Policy()
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    assert load_policy(tmp_path / "empty.yaml") == Policy()
    assert not Policy().review.allow_self


def test_everything_can_be_said(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(
        "version: 1\ntables: {allow: ['Order*', Products], deny: [OrderSecrets]}\n"
        "columns: {deny: [Employees.HomePhone, '*.Password']}\nreview: {allow_self: true}\n"
        "limits: {max_rows: 10, timeout_s: 5}\n"
    )
    policy = load_policy(path)
    assert policy.table_allowed("orders")
    assert policy.table_allowed("Products")
    assert not policy.table_allowed("Customers")
    assert not policy.table_allowed("ordersecrets")
    assert policy.column_denied("employees", "HOMEPHONE")
    assert policy.column_denied("Anything", "password")
    assert not policy.column_denied("Customers", "HomePhone")
    assert policy.withheld("Customers", "Country")
    assert policy.review.allow_self
    limits = policy.effective_limits(GuardLimits(max_rows=1000, timeout_s=30))
    assert (limits.max_rows, limits.timeout_s) == (10, 5)


def test_limits_only_tighten() -> None:
    limits = Policy(limits=LimitRules(max_rows=5000, timeout_s=100)).effective_limits(GuardLimits(max_rows=50))
    assert (limits.max_rows, limits.timeout_s) == (50, 30)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("version: 2\n", 1, "version"),
        ("tables:\n  alow: [x]\n", 2, "tables.alow"),
        ("columns:\n  deny:\n    - Employees.HomePhone\n    - Password\n", 2, "Table.Column"),
        ("review:\n  allow_self: maybe\n", 2, "review.allow_self"),
        ("limits: {max_rows: many}\n", 1, "limits.max_rows"),
        ("limits:\n  max_rows: 0\n", 2, "limits.max_rows"),
        ("version: 1\nmasking: {a: b}\n", 2, "no such key"),
        ("version: 1\nroles: []\n", 2, "roles"),
        ("roles:\n  field:\n    rows: {Orders: x}\n", 2, "roles.field.people"),
        ("roles:\n  field:\n    people: [ana]\n    limits: {timeout_s: 3}\n", 4, "roles.field.limits.timeout_s"),
        ("masks:\n  Phone: full\n", 1, "Table.Column"),
        ("masks:\n  Customers.Phone: blur\n", 2, "masks.Customers.Phone"),
        ("rows:\n  Orders: ''\n", 1, "the condition for `Orders` is empty"),
        ("tables: [a\n", 2, ""),
        ("- a\n", 1, "expected keys"),
        ("version: 1\nversion: 1\n", 2, "duplicate"),
        ("tables: {deny: Orders}\n", 1, "tables.deny"),
        ("tables:\n", 1, "tables"),
    ],
)
def test_errors_name_line_and_key(text: str, line: int, words: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_policy(path)
    assert caught.value.error_class is ErrorClass.POLICY
    assert f"line {line}" in caught.value.message
    assert words in caught.value.message
    assert caught.value.hint


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path, tmp_path / "binary.yaml"):
        with pytest.raises(UsageError):
            load_policy(path)


def test_misspelt_names_can_be_found(sqlite_demo: Built) -> None:  # noqa: F811
    policy = Policy(tables=TableRules(deny=("Suppliers", "Suplier*")), columns=ColumnRules(deny=("Employees.Phone",)))
    assert policy.unknown_names(sqlite_demo.catalog) == ("Suplier*", "Employees.Phone")
    first, second = policy.warnings(sqlite_demo.catalog)
    assert "`Suplier*`" in first
    assert "`Employees.Phone`" in second
    assert Policy().warnings(sqlite_demo.catalog) == ()


def test_the_demo_policy_is_valid_and_names_real_columns(sqlite_demo: Built) -> None:  # noqa: F811
    policy = load_policy(METRICS.parent / "policy.yaml")
    assert policy.unknown_names(sqlite_demo.catalog) == ()
