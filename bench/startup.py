"""How long `affidavit --help` takes, and whether it loads a part that only a question needs.

    python -m bench.startup [--runs 10] [--budget-ms 300]

Exits 1 when the median is over the budget or a heavy module was loaded.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

HEAVY = ("chromadb", "langgraph", "openai", "textual", "torch", "wordllama", "duckdb", "sqlalchemy", "sqlglot")
FORBIDDEN = ("chromadb", "langgraph", "openai", "textual")
_PROBE = """
import json, sys
sys.argv = ["affidavit", "--help"]
sys.stdout, shown = open({null!r}, "w"), sys.stdout
try:
    from tui.cli.main import main
    main()
except SystemExit:
    pass
sys.stdout = shown
print(json.dumps([name for name in {heavy!r} if name in sys.modules]))
"""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=10)
    arguments.add_argument("--budget-ms", type=float, default=300.0)
    chosen = arguments.parse_args()
    command = [affidavit_command(), "--help"]
    subprocess.run(command, check=True, capture_output=True)  # compiled files and caches are not what is measured
    times = [timed_ms(command) for _ in range(chosen.runs)]
    loaded = loaded_modules()
    forbidden = [name for name in loaded if name in FORBIDDEN]
    median = statistics.median(times)
    print(f"affidavit --help: median {median:.0f} ms, slowest {max(times):.0f} ms of {chosen.runs} runs")
    print(f"heavy modules loaded: {', '.join(loaded) or 'none'}")
    if forbidden:
        print(f"must not be loaded: {', '.join(forbidden)}")
    return 1 if forbidden or median > chosen.budget_ms else 0


def affidavit_command() -> str:
    """The console script of the environment this runs in."""
    beside = Path(sys.executable).with_name("affidavit")
    found = str(beside) if beside.exists() else shutil.which("affidavit")
    if found is None:
        sys.exit("The affidavit command is not installed in this environment.")
    return found


def timed_ms(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return (time.perf_counter() - started) * 1000


def loaded_modules() -> list[str]:
    probe = _PROBE.format(null="/dev/null", heavy=HEAVY)
    shown = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout
    names: list[str] = json.loads(shown)
    return names


if __name__ == "__main__":
    sys.exit(main())
