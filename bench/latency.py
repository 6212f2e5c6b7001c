"""Cold and warm latency of `affidavit ask`, stage by stage.

    python -m bench.latency -w .demo [--cold 3] [--warm 3] [--json]

Cold: a new process per question, everything included. Warm: one process that has answered each question once. Every
question asked is a run on the workspace's ledger, asked by `bench`. Runs that did not end `answered` are counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agent.ask import ask
from agent.services import open_services
from agent.settings import Settings
from bench.command import DEMO, benchmark, workspace_settings
from bench.startup import affidavit_command
from finetune.evaluation.statistics import percentile

QUESTIONS = (
    "Which product category had the highest sales revenue in 2023?",
    "What was the total freight in 2022?",
    "How many orders were placed per year?",
)
Timings = dict[str, float]


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("-w", "--workspace", type=Path, default=DEMO)
    arguments.add_argument("--cold", type=int, default=3, help="processes per question")
    arguments.add_argument("--warm", type=int, default=3, help="rounds over all questions")
    arguments.add_argument("--question", action="append", help="ask this instead; may be repeated")
    arguments.add_argument("--json", action="store_true")
    chosen = arguments.parse_args()
    settings = workspace_settings(chosen.workspace)
    questions = tuple(chosen.question or QUESTIONS)
    statuses: Counter[str] = Counter()
    cold = summary(cold_runs(settings.workspace, questions, chosen.cold, statuses))
    warm = summary(warm_runs(settings, questions, chosen.warm, statuses))
    if chosen.json:
        print(json.dumps({"cold": cold, "warm": warm, "statuses": statuses}, indent=2))
    else:
        print_table(cold, warm)
        print("runs ended: " + ", ".join(f"{status} {count}" for status, count in statuses.items()))
    return 0


def cold_runs(workspace: Path, questions: Iterable[str], times: int, statuses: Counter[str]) -> list[Timings]:
    """Stage timings per process; `process` is what was spent outside the run: the interpreter's start, and closing."""
    command = [affidavit_command(), "ask", "--format", "json", "-w", str(workspace), "--as", "bench"]
    timings = []
    for question in questions:
        for _ in range(times):
            started = time.perf_counter()
            shown = subprocess.run([*command, question], check=False, capture_output=True, text=True)
            wall = (time.perf_counter() - started) * 1000
            try:
                answer: dict[str, Any] = json.loads(shown.stdout)
            except ValueError:
                sys.exit(f"`affidavit ask` gave no answer (exit {shown.returncode}):\n{shown.stderr or shown.stdout}")
            statuses[answer["status"]] += 1
            stages: Timings = answer["timings_ms"]
            timings.append({"process": wall - stages.get("total", 0.0), **stages, "wall": wall})
    return timings


def warm_runs(settings: Settings, questions: Iterable[str], rounds: int, statuses: Counter[str]) -> list[Timings]:
    """Stage timings per run in one process, after one round that is not counted."""
    timings = []
    with open_services(settings) as services:
        for counted in [False, *[True] * rounds]:
            for question in questions:
                started = time.perf_counter()
                answer = ask(services, question, asker="bench")
                wall = (time.perf_counter() - started) * 1000
                if counted:
                    statuses[answer.status.value] += 1
                    timings.append({**answer.timings_ms, "wall": wall})
    return timings


def summary(runs: list[Timings]) -> dict[str, dict[str, float]]:
    """Median and 95th percentile in ms per stage, over the runs that went through it."""
    stages: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        for stage, spent in run.items():
            stages[stage].append(spent)
    return {
        stage: {
            "runs": len(times),
            "median": round(percentile(times, 0.5), 1),
            "p95": round(percentile(times, 0.95), 1),
        }
        for stage, times in stages.items()
    }


def print_table(cold: dict[str, dict[str, float]], warm: dict[str, dict[str, float]]) -> None:
    print(f"{'stage':<12}{'cold median':>14}{'cold p95':>12}{'warm median':>14}{'warm p95':>12}   (ms)")
    for stage in dict.fromkeys([*cold, *warm]):
        cells = [
            f"{side[stage][figure]:,.1f}" if stage in side else "-"
            for side in (cold, warm)
            for figure in ("median", "p95")
        ]
        print(f"{stage:<12}{cells[0]:>14}{cells[1]:>12}{cells[2]:>14}{cells[3]:>12}")


if __name__ == "__main__":
    sys.exit(benchmark(main))
