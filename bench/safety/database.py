"""What the database's own layer costs and how fast it lets go, on the four real engines.

    python -m bench.safety.database [--engine sqlite ...] [--pack FILE] [--statements 100] [--rounds 3]
        [--json]

Three tables. *Weighing*: having the database plan a statement and reading the estimate from its plan, over the gold
statements of a pack in the dialect of each engine, and beside it what running them takes. *Cancelling*: Ctrl-C at a
process whose statement would run for hours; until the process has its answer, and until the server shows nothing of it
any more. *Caps*: 62 million rows asked for without a LIMIT and cut at a thousand. Exit code 1 if something was left
running after a second, or a cut result took more than 64 MiB.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from agent.errors import AffidavitError
from agent.model.translate import translate
from agent.settings import GuardLimits
from agent.steps.guard import judge
from agent.warehouse.connect import Warehouse, open_warehouse
from agent.warehouse.cost import estimate
from agent.warehouse.policy import Policy
from bench.command import benchmark
from bench.safety.servers import ENGINES, SERVERS, empty_database
from demo.warehouse import build
from finetune.evaluation.statistics import percentile
from finetune.jsonl import read_records
from memory.catalog import Catalog, reflect

PACK = Path(__file__).parents[2] / "demo" / "files" / "development.jsonl"
_RUNNING = {
    "postgres": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
    " AND command <> 'Sleep' AND info IS NOT NULL",
}
_MOST_LEFT_S = 1.0
_MOST_GROWN_MIB = 64.0
Figures = dict[str, Any]


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--engine", action="append", choices=ENGINES, help="only this one; may be repeated")
    arguments.add_argument("--pack", type=Path, default=PACK, help="whose gold statements (SQLite) are weighed")
    arguments.add_argument("--statements", type=int, default=100, help="about so many of them, spread over the pack")
    arguments.add_argument("--rounds", type=int, default=3, help="of each measurement")
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if chosen.child:
        return child(*chosen.child)
    found = {
        engine: measured(engine, chosen.pack, chosen.statements, chosen.rounds) for engine in chosen.engine or ENGINES
    }
    if chosen.json:
        print(json.dumps(found, indent=2))
    else:
        print_tables(found)
    broken = [f"{engine}: {problem}" for engine, figures in found.items() for problem in figures["broken"]]
    for line in broken:
        print(f"broken promise: {line}", file=sys.stderr)
    return 1 if broken else 0


def measured(engine: str, pack: Path, most: int, rounds: int) -> Figures:
    with tempfile.TemporaryDirectory() as folder, empty_database(engine, Path(folder), "caps") as url:
        say(f"{engine}: building the demo")
        build(url)
        figures: Figures = {"broken": []}
        warehouse = open_warehouse(url, GuardLimits())
        try:
            figures["weighing"] = weighing(warehouse, pack, most, rounds)
        finally:
            warehouse.close()
        say(f"{engine}: cancelling")
        figures["cancelling"] = [cancelling(engine, url) for _ in range(rounds)]
        say(f"{engine}: caps")
        figures["caps"] = [capped(engine, url) for _ in range(rounds)]
    if any(each["left_s"] > _MOST_LEFT_S or not each["interrupted"] for each in figures["cancelling"]):
        figures["broken"].append("a cancelled statement was left running, or not cancelled")
    if any(each["grown_mib"] > _MOST_GROWN_MIB or not each["truncated"] for each in figures["caps"]):
        figures["broken"].append("a result over the cap was not cut, or not before it was in memory")
    return figures


# --- weighing --------------------------------------------------------------------------------------------------------


def weighing(warehouse: Warehouse, pack: Path, most: int, rounds: int) -> Figures:
    catalog = reflect(warehouse.engine)
    known = list(gold_statements(warehouse.dialect, catalog, pack))
    statements = [sql for sql in known[:: max(1, len(known) // most)] if plans(warehouse, sql, catalog)]
    planned: list[float] = []
    ran: list[float] = []
    for counted in [False, *[True] * rounds]:
        say(f"{warehouse.dialect}: weighing {len(statements)} statements")
        for sql in statements:
            took = timed(lambda sql=sql: estimate(warehouse, sql, catalog))
            executed = timed(lambda sql=sql: warehouse.execute(sql))
            if counted:
                planned.append(took)
                ran.append(executed)
    return {
        "statements": len(statements),
        "median_ms": round(percentile(planned, 0.5), 3),
        "p95_ms": round(percentile(planned, 0.95), 3),
        "run_median_ms": round(percentile(ran, 0.5), 3),
    }


def plans(warehouse: Warehouse, sql: str, catalog: Catalog) -> bool:
    """Whether this engine takes the statement at all; a pack is written for one of them."""
    try:
        estimate(warehouse, sql, catalog)
    except AffidavitError:
        return False
    return True


def gold_statements(dialect: str, catalog: Catalog, pack: Path) -> Iterator[str]:
    """What the guard lets through of a pack's gold statements, in one engine's dialect."""
    for _, record in read_records(pack):
        sql = translate(str(record["sql"]), read="sqlite", write=dialect, catalog=catalog)
        verdict = judge(sql, dialect=dialect, catalog=catalog, policy=Policy(), max_rows=1000)
        if verdict.allowed:
            yield verdict.sql


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


# --- cancelling and caps, each in a process of its own ---------------------------------------------------------------


def cancelling(engine: str, url: str) -> Figures:
    with child_process("cancel", url, endless(engine)) as process:
        wait_until_running(engine, url)
        sent = time.perf_counter()
        process.send_signal(signal.SIGINT)
        said = process.stdout.readline().strip() if process.stdout else ""
        answered_s = time.perf_counter() - sent
        while (left_s := time.perf_counter() - sent - answered_s) < 10 and count_running(engine, url):
            time.sleep(0.01)
    return {"interrupted": said == "interrupted", "answered_s": round(answered_s, 3), "left_s": round(left_s, 3)}


def capped(engine: str, url: str) -> Figures:
    with child_process("caps", url, unending_rows(engine)) as process:
        said: Figures = json.loads(process.stdout.readline()) if process.stdout else {}
    return said


@contextmanager
def child_process(mode: str, url: str, sql: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bench.safety.database", "--child", mode, url, sql]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        if process.stdout is None or process.stdout.readline() != "ready\n":
            raise RuntimeError(f"The process that measures `{mode}` did not start.")
        yield process
        process.wait(timeout=30)
    finally:
        process.kill()
        process.wait()


def child(mode: str, url: str, sql: str) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job in the background of a shell begins without
    warehouse = open_warehouse(url, GuardLimits(timeout_s=60, max_rows=1000))
    warehouse.execute("SELECT 1")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print("ready", flush=True)
    began = time.perf_counter()
    try:
        result = warehouse.execute(sql).result
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        os._exit(0)  # what is measured is the statement, not the interpreter's way out
    took_ms = (time.perf_counter() - began) * 1000
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    rows = len(result.rows) if result else 0
    body = {"ms": round(took_ms, 1), "grown_mib": round(grown, 1), "rows": rows}
    print(json.dumps({**body, "truncated": bool(result and result.truncated)}) if mode == "caps" else "ran", flush=True)
    return 0


def endless(engine: str) -> str:
    orders, freight = quoted(engine, "Orders"), quoted(engine, "Freight")
    tables = ", ".join(f"{orders} {alias}" for alias in "abcde")
    return f"SELECT COUNT(*) FROM {tables} WHERE a.{freight} + e.{freight} <> 0.123"


def unending_rows(engine: str) -> str:
    """830 * 830 * 91 rows of 28 columns, and more."""
    orders, customers = quoted(engine, "Orders"), quoted(engine, "Customers")
    return f"SELECT a.*, b.* FROM {orders} a CROSS JOIN {orders} b CROSS JOIN {customers} c"


def quoted(engine: str, name: str) -> str:
    return f'"{name}"' if engine == "postgres" else name


def wait_until_running(engine: str, url: str) -> None:
    if engine not in SERVERS:
        time.sleep(0.5)
        return
    deadline = time.monotonic() + 20
    while not count_running(engine, url):
        if time.monotonic() > deadline:
            raise RuntimeError("The statement that is to be cancelled never began.")
        time.sleep(0.01)


def count_running(engine: str, url: str) -> int:
    if engine not in SERVERS:
        return 0
    server = sa.create_engine(url)
    try:
        with server.connect() as connection:
            return int(connection.exec_driver_sql(_RUNNING[engine]).scalar() or 0)
    finally:
        server.dispose()


def print_tables(found: dict[str, Figures]) -> None:
    print(f"{'weighing (ms)':<16}{'statements':>12}{'median':>10}{'p95':>10}{'run median':>14}")
    for engine, figures in found.items():
        row = figures["weighing"]
        print(
            f"{engine:<16}{row['statements']:>12}{row['median_ms']:>10.2f}{row['p95_ms']:>10.2f}"
            f"{row['run_median_ms']:>14.2f}"
        )
    print(f"\n{'cancelling (s)':<16}{'times':>8}{'answered, median':>18}{'most':>8}{'still running, most':>22}")
    for engine, figures in found.items():
        answered = [each["answered_s"] for each in figures["cancelling"]]
        left = max(each["left_s"] for each in figures["cancelling"])
        print(
            f"{engine:<16}{len(answered):>8}{percentile(answered, 0.5):>18.3f}{max(answered):>8.3f}"
            f"{left if engine in SERVERS else 0.0:>22.3f}"
        )
    print(f"\n{'caps':<16}{'times':>8}{'rows':>8}{'median ms':>12}{'most ms':>10}{'most MiB':>10}")
    for engine, figures in found.items():
        took = [each["ms"] for each in figures["caps"]]
        grown = max(each["grown_mib"] for each in figures["caps"])
        rows = figures["caps"][0]["rows"]
        print(f"{engine:<16}{len(took):>8}{rows:>8}{percentile(took, 0.5):>12.0f}{max(took):>10.0f}{grown:>10.1f}")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(benchmark(main))
