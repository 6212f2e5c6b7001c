"""Makes new statements of known ones: spliced, nested, cut, respelt, and sometimes no text at all but bytes.

Everything is drawn from the `random.Random` that is passed in, so that a seed names its inputs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

__all__ = ["generated", "mutated"]

_TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|\w+|\s+|.", re.DOTALL)
_VOCABULARY = r"""
    SELECT FROM WHERE Orders Customers Employees Shippers HomePhone Phone OrderID ShipCountry Freight * ( ) , ; -- /* */
    ' " ` [ ] { } UNION ALL EXCEPT WITH RECURSIVE AS x DELETE DROP TABLE INSERT INTO UPDATE SET 1 = <> AND OR NOT IN
    EXISTS JOIN LEFT ON USING GROUP BY HAVING ORDER LIMIT OFFSET CASE WHEN THEN ELSE END COUNT( MAX( CAST( :: := @@
    @a $1 $$ $a$ \ ? :p PRAGMA ATTACH COPY CALL EXECUTE PREPARE LATERAL VALUES OVER PARTITION ROWS FILTER INTERVAL
    DATE NULL TRUE || << >> ~ ^ & | # load_extension( pg_sleep( read_csv( nextval( 0x27 1e999 .5 N'x' E'\n' U&'x'
    RETURNING FOR UPDATE INTO OUTFILE PIVOT QUALIFY TABLESAMPLE rowid ctid _rowid |> => -> ->> <=> /*! /*+ {% %} {{ }}
"""
_WORDS = _VOCABULARY.split()
_ODD = [
    *("\x00", "\x01", "\x1a", "\x7f", "\x85", "\xa0", "\u2028", "\u200b", "\u202e", "\ufeff", "\udc80", "\U0001f600"),
    *("；", "＇", "“", "ſ", "K", "İ", "ß", "é", "e\u0301", "ﬀ", "\\'", "''", '""', "\r", "\t", "\v"),
]
_SPACES = [" ", "\n", "\t", "\f", "/**/", "/* ; */", "--\n", "-- '\n", "  ", "\xa0", "#\n", "(", ")"]
_WRAPS = [
    "SELECT * FROM ({}) AS t",
    "WITH t AS ({}) SELECT * FROM t",
    "WITH RECURSIVE t AS ({} UNION ALL SELECT * FROM t) SELECT * FROM t",
    "SELECT 1 WHERE EXISTS ({})",
    "SELECT ({})",
    "SELECT 1 FROM Orders WHERE OrderID IN ({})",
    "({})",
    "{0} UNION {0}",
    "{0}; {0}",
    "EXPLAIN {}",
    "SELECT CASE WHEN ({}) = 1 THEN 1 END",
    "SELECT 1 FROM Orders ORDER BY ({})",
    "SELECT e.* FROM Employees e JOIN ({}) AS t ON 1 = 1",
]


def mutated(statements: Sequence[str], random: Random) -> str:
    """One to four changes to one of `statements`."""
    sql = random.choice(statements)
    for _ in range(random.choice((1, 1, 2, 3, 4))):
        sql = random.choice(_CHANGES)(sql, statements, random)
    return sql[:22_000]


def generated(random: Random) -> str:
    """Words in any order, or bytes that were never meant as text."""
    if random.random() < 0.3:
        return random.randbytes(random.randrange(1, 80)).decode(random.choice(("utf-8", "latin-1")), "surrogateescape")
    return " ".join(random.choices(_WORDS, k=random.randrange(1, 30)))


def _tokens(sql: str) -> list[str]:
    return _TOKEN.findall(sql)


def _spliced(sql: str, statements: Sequence[str], random: Random) -> str:
    first, second = _tokens(sql), _tokens(random.choice(statements))
    return "".join(first[: random.randrange(len(first) + 1)] + second[random.randrange(len(second) + 1) :])


def _grafted(sql: str, statements: Sequence[str], random: Random) -> str:
    """A piece of another statement in the place of a piece of this one."""
    own, other = _tokens(sql), _tokens(random.choice(statements))
    at, start = random.randrange(len(own) + 1), random.randrange(len(other) + 1)
    own[at : at + random.randrange(4)] = other[start : start + random.randrange(1, 12)]
    return "".join(own)


def _respelt(sql: str, _: Sequence[str], random: Random) -> str:
    return "".join(random.choice((str.upper, str.lower, str.swapcase, str))(token) for token in _tokens(sql))


def _respaced(sql: str, _: Sequence[str], random: Random) -> str:
    return "".join(random.choice(_SPACES) if token.isspace() else token for token in _tokens(sql))


def _inserted(sql: str, _: Sequence[str], random: Random) -> str:
    tokens = _tokens(sql)
    tokens.insert(random.randrange(len(tokens) + 1), random.choice((f" {random.choice(_WORDS)} ", random.choice(_ODD))))
    return "".join(tokens)


def _replaced(sql: str, _: Sequence[str], random: Random) -> str:
    tokens = _tokens(sql) or [""]
    tokens[random.randrange(len(tokens))] = random.choice(_WORDS)
    return "".join(tokens)


def _cut(sql: str, _: Sequence[str], random: Random) -> str:
    start = random.randrange(len(sql) + 1)
    return random.choice((sql[:start], sql[start:], sql[:start] + sql[start + random.randrange(1, 9) :]))


def _doubled(sql: str, _: Sequence[str], random: Random) -> str:
    tokens = _tokens(sql)
    start = random.randrange(len(tokens) + 1)
    piece = tokens[start : start + random.randrange(1, 9)]
    return "".join(tokens[:start] + piece * random.choice((2, 3, 50)) + tokens[start:])


def _wrapped(sql: str, _: Sequence[str], random: Random) -> str:
    for _ in range(random.choice((1, 1, 2, 12, 45))):
        wrap = random.choice(_WRAPS)
        if len(sql) * wrap.count("{") > 20_000:
            break
        sql = wrap.replace("{0}", "{}").replace("{}", sql)
    return sql


def _requoted(sql: str, _: Sequence[str], random: Random) -> str:
    quote = random.choice(('"{}"', "`{}`", "[{}]", "'{}'", "$${}$$"))
    return "".join(
        quote.format(token) if token.isidentifier() and random.random() < 0.2 else token for token in _tokens(sql)
    )


_CHANGES: list[Callable[[str, Sequence[str], Random], str]] = [
    *(_spliced, _grafted, _grafted, _respelt, _respaced, _inserted, _replaced, _cut, _doubled, _wrapped, _requoted)
]
