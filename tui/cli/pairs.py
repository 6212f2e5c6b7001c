"""`affidavit pairs`: question-SQL pairs made from templates, the semantic layer and the warehouse's values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli.invocation import FormatOption, OutputFormat, WorkspaceOption, command_app, settings_of

if TYPE_CHECKING:
    from agent.settings import Settings
    from finetune.pairs.factory import FactoryReport, FactorySpec

__all__ = ["app", "pairs_folder"]

app = command_app()

_MOST_SHOWN = 10
"""Templates that gave nothing; with what else is printed, a screenful."""


@app.callback(no_args_is_help=True)
def pairs() -> None:
    """Generate validated question-SQL pairs from templates.

    \b
    Examples:
      affidavit pairs generate --count 5000
      affidavit pairs show -n 5
      affidavit pairs convert pairs.jsonl pairs.parquet
      affidavit pairs dataset --out dataset
    """


@app.command("generate")
def generate_command(
    ctx: typer.Context,
    *,
    count: Annotated[
        int | None, typer.Option("-n", "--count", min=1, help="How many pairs; default: 1000, or the sum of --levels.")
    ] = None,
    levels: Annotated[
        str | None, typer.Option("--levels", metavar="LEVEL=N,...", help="Exactly so many of each level; others none.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same bytes.")] = 7,
    phrasings: Annotated[
        int, typer.Option("--phrasings", min=0, help="Questions kept per statement; 0 takes what the count needs.")
    ] = 0,
    template_share: Annotated[
        float,
        typer.Option(
            "--template-share", min=0.0, max=1.0, help="Share of the draws made from templates.yaml, if there is one."
        ),
    ] = 0.55,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes; the result does not depend on it.")] = 1,
    dask: Annotated[
        str, typer.Option("--dask", metavar="URL", help="A Dask scheduler whose workers do the work instead.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where they go; default: .affidavit/pairs.")
    ] = None,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Make pairs and keep those whose SQL runs, says something, and would show a small mistake.

    Every statement is run on the warehouse and on copies of it whose rows are drawn again, and at least nine in ten
    wrong variations of it must give another result. Interrupted, it goes on where it stopped. What policy.yaml denies
    is neither asked about nor quoted.

    \b
    Examples:
      affidavit pairs generate --count 5000 --workers 2
      affidavit pairs generate --levels simple=125,moderate=125,complex=125,edge=125
      affidavit pairs generate --count 1000000 --dask tcp://10.0.0.5:8786
    """
    from dataclasses import asdict

    from finetune.pairs.factory import FactorySpec
    from tui.cli.console import print_json

    settings = settings_of(ctx, workspace)
    wanted = None if levels is None else _levels(levels)
    total = sum(wanted.values()) if wanted else 1000
    if wanted and count not in (None, total):
        raise typer.BadParameter(f"The levels add up to {total}, not to {count}.", param_hint="--levels")
    spec = FactorySpec(
        count=count or total,
        seed=seed,
        workers=workers,
        dask=dask,
        phrasings=phrasings,
        template_share=template_share,
        levels=wanted,
    )
    report = _generated(settings, spec, out or pairs_folder(settings))
    if output is OutputFormat.JSON:
        print_json({**asdict(report), "path": str(report.path), "manifest": str(report.manifest)})
    else:
        _print_report(report, spec.count)


def _levels(text: str) -> dict[str, int]:
    """`simple=125,edge=25` as a mapping. Raises BadParameter, which names the part that is wrong."""
    from finetune.pairs.pair import LEVELS

    found: dict[str, int] = {}
    for part in text.strip().removesuffix(",").split(","):
        level, _, number = (piece.strip() for piece in part.partition("="))
        if level not in LEVELS or level in found or not number.isdigit():
            message = f"`{part.strip()}` is not LEVEL=NUMBER with a level of {', '.join(LEVELS)}, each once."
            raise typer.BadParameter(message, param_hint="--levels")
        found[level] = int(number)
    if not any(found.values()):
        raise typer.BadParameter("Ask for at least one pair.", param_hint="--levels")
    return found


def _print_report(report: FactoryReport, wanted: int) -> None:
    from tui.cli.console import facts

    speed = report.speed
    tried = f"{report.warehouses} ({report.why_one})" if report.why_one else str(report.warehouses)
    lines = [
        ("pairs", f"{report.pairs} of {wanted}; nothing new came any more" if report.pairs < wanted else report.pairs),
        ("statements", f"{report.statements} in {report.structures} structures"),
        ("warehouses", f"each statement run on {tried}"),
        ("mutants", f"{report.mutants - report.survivors} of {report.mutants} give another result"),
        ("refused", ", ".join(f"{why} {number}" for why, number in report.refused.items()) or "none"),
        ("levels", ", ".join(f"{level} {number}" for level, number in report.levels.items())),
        ("written to", report.path),
        ("sha256", report.sha256),
    ]
    if speed is not None and speed.shards_read_back:
        lines.append(("speed", f"not measured: {speed.shards_read_back} shards were there from an earlier run"))
    elif speed is not None:
        lines.append(("speed", f"{speed.pairs_per_s:g} pairs/s, {speed.peak_memory_mb} MB at most"))
    facts(lines)
    _print_fruitless(report)


def _print_fruitless(report: FactoryReport) -> None:
    """The templates that gave nothing, those that were tried most often first, and at most a screenful of them."""
    from tui.cli.console import print_table, say

    if report.undrawn:
        say(
            f"Note: {report.undrawn} templates were not drawn; a higher --count or --template-share draws more of them."
        )
    if not report.fruitless:
        return
    say(f"Note: {len(report.fruitless)} templates were drawn and gave no pair.")
    tried = sorted(report.fruitless.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    rows = [(name, ", ".join(f"{why} {count}" for why, count in reasons.items())) for name, reasons in tried]
    print_table(("template that gave nothing", "why"), rows[:_MOST_SHOWN])
    if len(rows) > _MOST_SHOWN:
        say(f"Note: {len(rows) - _MOST_SHOWN} more are named in {report.manifest} (`fruitless`).")


@app.command("show")
def show_command(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="How many.")] = 10,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A .jsonl or .parquet of pairs; default: the workspace's.")
    ] = None,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Show pairs of a file.

    \b
    Example:
      affidavit pairs show -n 5
    """
    from itertools import islice

    from agent.errors import ErrorClass, UsageError
    from finetune.pairs.parquet import read_any
    from tui.cli.console import print_json, print_table
    from tui.text import clipped

    path = file or pairs_folder(settings_of(ctx, workspace)) / "pairs.jsonl"
    if not path.is_file():
        raise UsageError(
            ErrorClass.WORKSPACE, f"There are no pairs at {path}.", "Make some with `affidavit pairs generate`."
        )
    found = list(islice(read_any(path), limit))
    if output is OutputFormat.JSON:
        print_json([pair.to_json() for pair in found])
        return
    rows = [(pair.level, clipped(pair.question, 80), clipped(pair.sql, 120)) for pair in found]
    print_table(("level", "question", "sql"), rows)


@app.command("convert")
def convert_command(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="Pairs as .jsonl or .parquet.")],
    target: Annotated[Path, typer.Argument(metavar="TO", help="The file to write; its ending says as what.")],
) -> None:
    """Turn pairs from JSON Lines into Parquet or back; nothing is lost, so the hash comes back too.

    \b
    Example:
      affidavit pairs convert .affidavit/pairs/pairs.jsonl pairs.parquet
    """
    from finetune.pairs.parquet import convert
    from tui.cli.console import facts

    facts([("pairs", convert(source, target)), ("written to", target)])


def pairs_folder(settings: Settings) -> Path:
    """Where a workspace keeps its pairs."""
    return settings.state_dir / "pairs"


def _generated(settings: Settings, spec: FactorySpec, folder: Path) -> FactoryReport:
    from finetune.pairs.factory import pairs_of_workspace
    from tui.cli.interruption import told_when_interrupted
    from tui.cli.progress import progress_bar

    def kept() -> str:
        made = sum(1 for _ in (folder / "shards").rglob("candidates-*.jsonl"))
        where = folder / "shards"
        return f"{made} finished shards are kept in {where}; the same command goes on from there." if made else ""

    with told_when_interrupted(kept), progress_bar("Generating", "pairs") as bar:
        return pairs_of_workspace(settings, spec, folder, lambda _stage, done, wanted: bar(done, wanted))
