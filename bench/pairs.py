"""How fast the pair factory is, and where its time goes: `python -m bench.pairs -w W --count N --workers 2`.

The pairs go into a folder that is removed again, so every run starts from nothing. Wall time says what a person waits;
processor time per pair is what to compare when the machine is busy with something else.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench.command import DEMO, benchmark, workspace_settings
from finetune.pairs.factory import FactoryReport, FactorySpec, pairs_of_workspace


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-w", "--workspace", type=Path, default=DEMO)
    parser.add_argument("-n", "--count", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--phrasings", type=int, default=0, help="per statement; 0 takes what the count needs")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    spec = FactorySpec(given.count, given.seed, given.workers, phrasings=given.phrasings)
    with tempfile.TemporaryDirectory() as folder:
        report = pairs_of_workspace(workspace_settings(given.workspace), spec, Path(folder), _progress)
    if given.json:
        print(json.dumps(asdict(report) | {"cpu_s": _cpu(), "path": "", "manifest": ""}, indent=1))
    else:
        _print(report)
    return 0


def _progress(_stage: str, done: int, wanted: int) -> None:
    sys.stderr.write(f"\r{done} of {wanted}")
    sys.stderr.flush()


def _cpu() -> float:
    """Processor seconds of this process and of the workers that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(sum(usage.ru_utime + usage.ru_stime for usage in used), 1)


def _print(report: FactoryReport) -> None:
    speed, cpu = report.speed, _cpu()
    assert speed is not None
    print(f"\n{'stage':<10}{'seconds':>10}{'ms/pair':>10}{'pairs/s':>10}   (work of all processes)")
    for stage, seconds in speed.stages.items():
        rate = f"{report.pairs / seconds:,.0f}" if seconds else "-"
        print(f"{stage:<10}{seconds:>10.2f}{1000 * seconds / report.pairs:>10.3f}{rate:>10}")
    print(f"{'wall':<10}{speed.seconds:>10.2f}{1000 * speed.seconds / report.pairs:>10.3f}{speed.pairs_per_s:>10,.0f}")
    print(f"{'processor':<10}{cpu:>10.2f}{1000 * cpu / report.pairs:>10.3f}{report.pairs / cpu:>10,.0f}")
    print(f"pairs {report.pairs}, statements {report.statements}, structures {report.structures}")
    print(f"mutants {report.mutants}, unnoticed {report.survivors}, on {report.warehouses} warehouses")
    print(f"peak memory {speed.peak_memory_mb} MB, sha256 {report.sha256}")


if __name__ == "__main__":
    sys.exit(benchmark(main))
