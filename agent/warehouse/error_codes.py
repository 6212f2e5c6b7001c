"""What each driver's codes, names and words mean to a run: tables, and nothing that decides.

Every code that a driver's package knows is in one of these tables. What stands under `*_OTHER` is `warehouse_other` on
purpose, with the reason; a test holds the tables against the packages, so that a new code is noticed.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.errors import ErrorClass

__all__ = [
    "DUCKDB_MESSAGES",
    "DUCKDB_NAMES",
    "DUCKDB_OTHER",
    "MYSQL_BASES",
    "MYSQL_CODES",
    "MYSQL_OTHER",
    "POSTGRES_NAMES",
    "POSTGRES_WORDS",
    "POSTGRES_WRITES",
    "SQLALCHEMY_NAMES",
    "SQLALCHEMY_OTHER",
    "SQLITE_CODES",
    "SQLITE_MESSAGES",
    "SQLITE_OTHER",
    "SQLSTATES",
    "SQLSTATES_OTHER",
    "numbers",
]

Patterns = tuple[tuple[str, ErrorClass], ...]


def numbers(text: str) -> frozenset[int]:
    """`1004-1006 1010` → {1004, 1005, 1006, 1010}."""
    found: set[int] = set()
    for part in text.split():
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def _by_code(table: Mapping[ErrorClass, str]) -> dict[int, ErrorClass]:
    return {code: error_class for error_class, text in table.items() for code in numbers(text)}


# --- SQLite -----------------------------------------------------------------------------------------------------

SQLITE_MESSAGES: Patterns = (
    (r"no such table", ErrorClass.UNKNOWN_TABLE),
    (r"ambiguous column name", ErrorClass.AMBIGUOUS_COLUMN),
    (r"no such column", ErrorClass.UNKNOWN_COLUMN),
    (r"no such function|wrong number of arguments to function|unknown function", ErrorClass.UNKNOWN_FUNCTION),
    (r"misuse of aggregate|misuse of window|aggregate functions are not allowed|a group by clause is required"
     r"|group by term out of range|having clause on a non-aggregate", ErrorClass.GROUPING),
    (r"readonly database|not authorized|prohibited|authorization denied", ErrorClass.NOT_READ_ONLY),
    (r"one statement at a time", ErrorClass.MULTIPLE_STATEMENTS),
    (r"interrupted", ErrorClass.WAREHOUSE_TIMEOUT),
    (r"database (table )?is locked|database schema is locked", ErrorClass.WAREHOUSE_LOCKED),
    (r"unable to open database|not a database|disk image is malformed|disk i/o|cannot operate on a closed",
     ErrorClass.WAREHOUSE_UNREACHABLE),
    (r"datatype mismatch|integer overflow|malformed json|string or blob too big", ErrorClass.TYPE_MISMATCH),
    (r"syntax error|incomplete input|unrecognized token|malformed|term out of range|do not have the same number"
     r"|number of bindings|sub-select returns|row value misused|parser stack|too many|too large|too complex"
     r"|embedded null|null character|clause should come|no tables specified|no such collation|no such index"
     r"|circular reference|recursive reference|no query solution|cannot join using|right-hand operand"
     r"|order by clause should|limit clause should|values for \d+ columns|must be an? (?:positive |constant )?integer"
     r"|filter clause may only|distinct is not supported|all values must have the same", ErrorClass.SYNTAX),
)  # fmt: skip
"""SQLite tells what is wrong with a statement in words alone; its codes below say the rest."""

# https://www.sqlite.org/rescode.html, the primary codes
SQLITE_CODES: dict[int, ErrorClass] = _by_code({
    ErrorClass.WAREHOUSE_PERMISSION: "3",
    ErrorClass.WAREHOUSE_LOCKED: "5 6 17",  # busy, locked, and a schema that another program changes just now
    ErrorClass.WAREHOUSE_TIMEOUT: "4 7 9 13",  # aborted, out of memory, interrupted, no room for its sorting
    ErrorClass.NOT_READ_ONLY: "8 19 23",  # read-only, a constraint (which only a write can break), authorizer
    ErrorClass.WAREHOUSE_UNREACHABLE: "10 11 14 15 22 26",
    ErrorClass.TYPE_MISMATCH: "18 20",
    ErrorClass.SYNTAX: "21 25",
})  # fmt: skip

SQLITE_OTHER: dict[str, str] = {
    "1": "a fault of the statement that the message names; a message nobody has met yet says nothing certain",
    "2": "a fault inside SQLite",
    "12 16 24": "no longer given by SQLite, or only to its extensions",
    "27 28": "a notice in a log, never an error",
}


# --- DuckDB -----------------------------------------------------------------------------------------------------

DUCKDB_MESSAGES: Patterns = (
    (r"could not set lock|conflicting lock", ErrorClass.WAREHOUSE_LOCKED),
    (r"read-only|cannot execute statement of type|configuration has been locked|extension|disabled",
     ErrorClass.NOT_READ_ONLY),
    (r"ambiguous (reference|column)", ErrorClass.AMBIGUOUS_COLUMN),
    (r"referenced column|does not have a column|column named|referenced table|column with name",
     ErrorClass.UNKNOWN_COLUMN),
    (r"no function matches the given name and argument types '\W", ErrorClass.TYPE_MISMATCH),  # an operator
    (r"function with name|no function matches|macro", ErrorClass.UNKNOWN_FUNCTION),
    (r"must appear in the group by|aggregates? (cannot|functions? cannot)|cannot contain (aggregate|window)|nested aggr"
     r"|calls cannot be nested|group by term out of range", ErrorClass.GROUPING),
    (r"subquery returns \d+ columns|set operations can only apply|limit/offset cannot|more than one row returned by",
     ErrorClass.SYNTAX),
    (r"table with name|catalog .* does not exist|schema .* does not exist", ErrorClass.UNKNOWN_TABLE),
    (r"division by zero", ErrorClass.DIVISION_BY_ZERO),
)  # fmt: skip

DUCKDB_NAMES: dict[str, ErrorClass] = {
    "ParserException": ErrorClass.SYNTAX,
    "SyntaxException": ErrorClass.SYNTAX,
    "CatalogException": ErrorClass.UNKNOWN_TABLE,
    "BinderException": ErrorClass.TYPE_MISMATCH,
    "ConversionException": ErrorClass.TYPE_MISMATCH,
    "TypeMismatchException": ErrorClass.TYPE_MISMATCH,
    "InvalidTypeException": ErrorClass.TYPE_MISMATCH,
    "OutOfRangeException": ErrorClass.TYPE_MISMATCH,
    "InvalidInputException": ErrorClass.TYPE_MISMATCH,
    "DataError": ErrorClass.TYPE_MISMATCH,
    "NotImplementedException": ErrorClass.SYNTAX,
    "NotSupportedError": ErrorClass.SYNTAX,
    "ProgrammingError": ErrorClass.SYNTAX,
    "PermissionException": ErrorClass.NOT_READ_ONLY,
    "ConstraintException": ErrorClass.NOT_READ_ONLY,
    "DependencyException": ErrorClass.NOT_READ_ONLY,
    "SequenceException": ErrorClass.NOT_READ_ONLY,
    "IntegrityError": ErrorClass.NOT_READ_ONLY,
    "InterruptException": ErrorClass.WAREHOUSE_TIMEOUT,
    "OutOfMemoryException": ErrorClass.WAREHOUSE_TIMEOUT,
    "IOException": ErrorClass.WAREHOUSE_UNREACHABLE,
    "HTTPException": ErrorClass.WAREHOUSE_UNREACHABLE,
    "ConnectionException": ErrorClass.WAREHOUSE_UNREACHABLE,
    "FatalException": ErrorClass.WAREHOUSE_UNREACHABLE,
    "OperationalError": ErrorClass.WAREHOUSE_UNREACHABLE,
    "SerializationException": ErrorClass.WAREHOUSE_UNREACHABLE,
    "TransactionException": ErrorClass.WAREHOUSE_LOCKED,
    "ResourceInUseException": ErrorClass.WAREHOUSE_LOCKED,
}

DUCKDB_OTHER: dict[str, str] = {
    "Error DatabaseError Warning": "a base class that says nothing; DuckDB raises the classes under it",
    "InternalError InternalException": "a fault inside DuckDB",
}


# --- PostgreSQL -------------------------------------------------------------------------------------------------

# https://www.postgresql.org/docs/current/errcodes-appendix.html ; the longest prefix wins.
SQLSTATES: dict[str, ErrorClass] = {
    "42P01": ErrorClass.UNKNOWN_TABLE,
    "3F000": ErrorClass.UNKNOWN_TABLE,
    "42809": ErrorClass.UNKNOWN_TABLE,  # it is there, and is no table
    "42703": ErrorClass.UNKNOWN_COLUMN,
    "42702": ErrorClass.AMBIGUOUS_COLUMN,
    "42883": ErrorClass.UNKNOWN_FUNCTION,
    "42803": ErrorClass.GROUPING,
    "42P20": ErrorClass.GROUPING,
    "42501": ErrorClass.WAREHOUSE_PERMISSION,
    "42P10": ErrorClass.SYNTAX,
    "42P11": ErrorClass.NOT_READ_ONLY,  # invalid cursor definition: INTO, FOR UPDATE on a join, data-modifying WITH
    "42804": ErrorClass.TYPE_MISMATCH,
    "42846": ErrorClass.TYPE_MISMATCH,
    "42P18": ErrorClass.TYPE_MISMATCH,
    "42P21": ErrorClass.TYPE_MISMATCH,
    "42P22": ErrorClass.TYPE_MISMATCH,
    "42725": ErrorClass.TYPE_MISMATCH,
    "42": ErrorClass.SYNTAX,
    "22012": ErrorClass.DIVISION_BY_ZERO,
    "22": ErrorClass.TYPE_MISMATCH,
    "10": ErrorClass.TYPE_MISMATCH,
    "20": ErrorClass.SYNTAX,
    "21": ErrorClass.SYNTAX,
    "26": ErrorClass.SYNTAX,
    "0A": ErrorClass.SYNTAX,
    "0L": ErrorClass.NOT_READ_ONLY,
    "23": ErrorClass.NOT_READ_ONLY,  # only a write can break a constraint
    "25": ErrorClass.NOT_READ_ONLY,
    "25P03": ErrorClass.WAREHOUSE_TIMEOUT,
    "25P04": ErrorClass.WAREHOUSE_TIMEOUT,
    "27": ErrorClass.NOT_READ_ONLY,
    "2B": ErrorClass.NOT_READ_ONLY,
    "2F": ErrorClass.NOT_READ_ONLY,
    "44": ErrorClass.NOT_READ_ONLY,
    "57014": ErrorClass.WAREHOUSE_TIMEOUT,
    "57000": ErrorClass.WAREHOUSE_TIMEOUT,
    "53100": ErrorClass.WAREHOUSE_TIMEOUT,  # no room or memory for what it was asked: less must be asked
    "53200": ErrorClass.WAREHOUSE_TIMEOUT,
    "53": ErrorClass.WAREHOUSE_UNREACHABLE,
    "55006": ErrorClass.WAREHOUSE_LOCKED,
    "55P03": ErrorClass.WAREHOUSE_LOCKED,
    "55": ErrorClass.NOT_READ_ONLY,
    "40": ErrorClass.WAREHOUSE_LOCKED,
    "72": ErrorClass.WAREHOUSE_LOCKED,
    "0P": ErrorClass.WAREHOUSE_AUTH,
    "28": ErrorClass.WAREHOUSE_AUTH,
    "3D": ErrorClass.WAREHOUSE_URL,
    "08": ErrorClass.WAREHOUSE_UNREACHABLE,
    "57P": ErrorClass.WAREHOUSE_UNREACHABLE,
    "58": ErrorClass.WAREHOUSE_UNREACHABLE,
    "F0": ErrorClass.WAREHOUSE_UNREACHABLE,
    "HV": ErrorClass.WAREHOUSE_UNREACHABLE,  # the database behind a foreign table
    "XX001": ErrorClass.WAREHOUSE_UNREACHABLE,  # data or index corrupted
    "XX002": ErrorClass.WAREHOUSE_UNREACHABLE,
    "54": ErrorClass.SYNTAX,
}

SQLSTATES_OTHER: dict[str, str] = {
    "02": "no data: a warning, never raised",
    "03": "a statement still running on the same connection: a fault of ours",
    "09": "raised inside a trigger, which reading never fires",
    "0B": "a transaction opened twice: a fault of ours",
    "0F": "large-object locators, which no draft can open",
    "0Z": "diagnostics of a procedural language",
    "24": "a cursor in the wrong state: a fault of ours",
    "2D": "a transaction ended inside a routine",
    "34": "a cursor that is not there: a fault of ours",
    "38": "the body of a routine somebody wrote failed; nothing is known of why",
    "39": "the same",
    "3B": "savepoints, which we do not set",
    "P0": "raised by a procedural language; the message is the routine's own",
    "XX": "a fault inside PostgreSQL",
}

# Without a SQLSTATE psycopg shows only the server's (or the resolver's) sentence, as it does while connecting.
POSTGRES_WORDS: Patterns = (
    (r"password authentication failed|no password supplied|role .* does not exist|authentication|pg_hba",
     ErrorClass.WAREHOUSE_AUTH),
    (r"database .* does not exist|invalid connection option|invalid .*sslmode|invalid port", ErrorClass.WAREHOUSE_URL),
    (r"permission denied", ErrorClass.WAREHOUSE_PERMISSION),
)  # fmt: skip

POSTGRES_WRITES = r"for (no key )?(update|share)|for key share|must not contain|data-modifying|select into|\binto\b"
"""In the message of a feature that is not supported: it was no mere query."""

POSTGRES_NAMES: dict[str, ErrorClass] = {
    "OperationalError": ErrorClass.WAREHOUSE_UNREACHABLE,
    "InterfaceError": ErrorClass.WAREHOUSE_UNREACHABLE,
    "ConnectionTimeout": ErrorClass.WAREHOUSE_UNREACHABLE,
    "PipelineAborted": ErrorClass.WAREHOUSE_UNREACHABLE,
    "CancellationTimeout": ErrorClass.WAREHOUSE_TIMEOUT,
    "ProgrammingError": ErrorClass.SYNTAX,
    "NotSupportedError": ErrorClass.SYNTAX,
    "DataError": ErrorClass.TYPE_MISMATCH,
    "IntegrityError": ErrorClass.NOT_READ_ONLY,
}


# --- MariaDB and MySQL ------------------------------------------------------------------------------------------

# https://mariadb.com/kb/en/mariadb-error-codes/
# https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html
MYSQL_CODES: dict[int, ErrorClass] = _by_code({
    ErrorClass.UNKNOWN_TABLE: "1051 1102 1103 1109 1146 1250 1347",
    ErrorClass.UNKNOWN_COLUMN: "1054 1247",
    ErrorClass.AMBIGUOUS_COLUMN: "1052 1060",
    ErrorClass.UNKNOWN_FUNCTION: "1122-1128 1305 1318 1582 1583 1584 1630",
    ErrorClass.SYNTAX:
        "1059 1064 1065 1066 1096 1110 1112 1116 1117 1119 1120 1136 1149 1166 1172 1176 1191 1193 1221 1222 1235 1241 "
        "1242 1248 1289 1382 1436 1462 3065 3577 4003-4014 4018-4022 4099 4180",
    ErrorClass.GROUPING: "1055 1056 1057 1111 1140 1463 3579 3593 3594 4015 4016 4074",
    ErrorClass.DIVISION_BY_ZERO: "1365",
    ErrorClass.TYPE_MISMATCH:
        "1115 1118 1138 1139 1162 1210 1253 1260 1264 1265 1267 1270 1271 1273 1292 1298 1300 1301 1366 1367 1406 1411 "
        "1416 1425 1426 1427 1439 1441 1690 1691 3140 3141 3143 3146 3854 4035-4042 4078 4079 4101-4104 4161",
    # a constraint, a lock for writing, a wrong row to insert: a write was tried
    ErrorClass.NOT_READ_ONLY:
        "1022 1036 1048 1058 1062 1093 1099 1100 1148 1169 1175 1179 1192 1207 1216 1217 1224 1288 1290 1348 1364 1368 "
        "1369 1393 1394 1395 1423 1442 1443 1451 1452 1568 1792 4025",
    ErrorClass.WAREHOUSE_TIMEOUT: "1021 1028 1037 1038 1104 1114 1317 1969 3024",
    ErrorClass.WAREHOUSE_LOCKED: "1015 1020 1165 1205 1206 1213 1223 1412",
    ErrorClass.WAREHOUSE_PERMISSION: "1044 1095 1141 1142 1143 1147 1227 1345 1356 1370 1403 1449",
    ErrorClass.WAREHOUSE_AUTH: "1045 1130 1131 1251 1275 1524 1698 1820 1862 2049 2059 2061 2062 2067",
    ErrorClass.WAREHOUSE_URL: "1046 1049 2004 2009 2019 2047",
    ErrorClass.WAREHOUSE_UNREACHABLE:
        "1016-1018 1023 1024 1026 1027 1030 1032-1035 1039-1043 1053 1077 1079 1080 1081 1129 1135 1152-1161 1184 1194 "
        "1195 1203 1226 1429 1430 1431 1459 1461 1927 2000-2003 2005-2007 2008 2012-2014 2015-2018 2020 2026 2027 "
        "2037-2046 2048 2055 2064 2065 2066 2070",
})  # fmt: skip

MYSQL_OTHER: dict[str, str] = {
    "1000-1003 1076 1078 1087 1088 1092 1134 1408": "words of messages, not errors",
    "1004-1014 1019 1025 1029 1031 1050 1061 1063 1067-1075 1082 1089-1091 1097 1101 1113 1121 1163 1164 1167 1168 "
    "1170 1171 1173 1174 1177 1178 1187 1208 1209 1212 1214 1215 1239 1240 1252 1280-1284 1286 1291 1293 1294 "
    "1340-1344 1346 1391 1414 1428 1432-1434 1438 1450 1455 1458 1464":
        "making, changing, checking or dropping databases, tables and indexes; the guard and the read-only transaction "
        "refuse that before",
    "1083-1086 1180-1183 1409": "files and logs the server writes",
    "1047 1094 1098 1105 1220 1225 1243 1244 1295-1297 1390 1420 1421 1444": "the client's protocol: a fault of ours",
    "1106-1108": "PROCEDURE ANALYSE, which the guard refuses",
    "1132 1133 1144 1145 1211 1268 1269 1372 1396 1404 1405 1410 1466-1468": "accounts and grants",
    "1137 1245 1246 1249 1254 1255 1261-1263 1266 1272 1276 1279 1282 1285 1287 1299 1302 1315 1316 1354 1355 1392 "
    "1437":
        "notes and warnings about definitions",
    "1150 1151": "INSERT DELAYED",
    "1185 1186 1188-1190 1196-1202 1204 1218 1219 1236 1237 1274 1277 1278 1371 1373-1381 1387 1388 1389 1417-1419":
        "replication and the binary log",
    "1228-1234 1238 1445": "variables, which the guard refuses",
    "1256-1259": "UNCOMPRESS, which the guard refuses",
    "1303 1304 1306-1314 1319-1339 1357-1363 1383-1386 1407 1413 1415 1422 1424 1435 1446-1448 1453 1454 1456 1457 "
    "1460 1465": "stored programs, triggers and view definitions",
    "1349-1353": "a view's definition",
    "1397-1402 1440": "distributed transactions",
    "2010 2011 2021": "names of kinds of connection, not errors",
    "2022-2025": "replication",
    "2028 2063 2068 2069 2071 2072": "options of a client we do not use",
    "2029-2036 2050-2054 2056-2058 2060": "prepared statements of the C client, which PyMySQL is not",
}  # fmt: skip

MYSQL_BASES: dict[str, ErrorClass] = {
    "ProgrammingError": ErrorClass.SYNTAX,
    "NotSupportedError": ErrorClass.SYNTAX,
    "DataError": ErrorClass.TYPE_MISMATCH,
    "IntegrityError": ErrorClass.NOT_READ_ONLY,
}
"""By PyMySQL's class, for a number that is in no table: the servers of two vendors keep adding some."""


# --- SQLAlchemy -------------------------------------------------------------------------------------------------

SQLALCHEMY_NAMES: dict[str, ErrorClass] = {
    "ArgumentError": ErrorClass.WAREHOUSE_URL,
    "NoSuchModuleError": ErrorClass.WAREHOUSE_URL,
    "NoDBAPILoaded": ErrorClass.WAREHOUSE_URL,
    "TimeoutError": ErrorClass.WAREHOUSE_UNREACHABLE,  # the pool had no connection to give
    "DisconnectionError": ErrorClass.WAREHOUSE_UNREACHABLE,
    "InvalidatePoolError": ErrorClass.WAREHOUSE_UNREACHABLE,
    "PendingRollbackError": ErrorClass.WAREHOUSE_UNREACHABLE,
    "UnboundExecutionError": ErrorClass.WAREHOUSE_UNREACHABLE,
    "OperationalError": ErrorClass.WAREHOUSE_UNREACHABLE,
    "InterfaceError": ErrorClass.WAREHOUSE_UNREACHABLE,
    "ResourceClosedError": ErrorClass.NOT_READ_ONLY,  # what it ran gave no rows
    "NoSuchTableError": ErrorClass.UNKNOWN_TABLE,
    "UnreflectableTableError": ErrorClass.UNKNOWN_TABLE,
    "NoReferencedTableError": ErrorClass.UNKNOWN_TABLE,
    "NoSuchColumnError": ErrorClass.UNKNOWN_COLUMN,
    "ConstraintColumnNotFoundError": ErrorClass.UNKNOWN_COLUMN,
    "NoReferencedColumnError": ErrorClass.UNKNOWN_COLUMN,
    "AmbiguousColumnError": ErrorClass.AMBIGUOUS_COLUMN,
    "ProgrammingError": ErrorClass.SYNTAX,
    "NotSupportedError": ErrorClass.SYNTAX,
    "IdentifierError": ErrorClass.SYNTAX,
    "CompileError": ErrorClass.SYNTAX,
    "UnsupportedCompilationError": ErrorClass.SYNTAX,
    "DataError": ErrorClass.TYPE_MISMATCH,
    "IntegrityError": ErrorClass.NOT_READ_ONLY,
}
"""For what SQLAlchemy raises itself; a driver's error inside one of its own is taken out and read instead."""

SQLALCHEMY_OTHER: dict[str, str] = {
    "SQLAlchemyError DBAPIError StatementError DatabaseError InternalError InvalidRequestError EmulatedDBAPIException":
        "a base class that says nothing without the driver's error inside",
    "AmbiguousForeignKeysError CircularDependencyError DuplicateColumnError NoForeignKeysError NoReferenceError":
        "relations between mapped tables, which we do not map",
    "AwaitRequired MissingGreenlet IllegalStateChangeError": "asynchronous use: a fault of ours",
    "MultipleResultsFound NoResultFound NoInspectionAvailable ObjectNotExecutableError": "a fault of ours",
}  # fmt: skip
