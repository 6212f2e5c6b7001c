"""`affidavit pairs`: question-SQL pairs made from templates, the semantic layer and the warehouse's values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli.invocation import FormatOption, OutputFormat, WorkspaceOption, command_app, settings_of

if TYPE_CHECKING:
    from agent.settings import Settings
    from finetune.factory import FactoryReport, FactorySpec

__all__ = ["app", "pairs_folder"]

app = command_app()


@app.callback(no_args_is_help=True)
def pairs() -> None:
    """Generate validated question-SQL pairs from templates.

    \b
    Examples:
      affidavit pairs generate --count 5000
      affidavit pairs show -n 5
    """


@app.command("generate")
def generate_command(
    ctx: typer.Context,
    *,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many pairs.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same bytes.")] = 7,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes; the result does not depend on it.")] = 1,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where they go; default: .affidavit/pairs.")
    ] = None,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Make pairs and keep those whose SQL runs and says something; interrupted, it goes on where it stopped.

    What policy.yaml denies is neither asked about nor quoted.

    \b
    Example:
      affidavit pairs generate --count 5000 --workers 2
    """
    from dataclasses import asdict

    from finetune.factory import FactorySpec
    from tui.cli.console import facts, print_json

    settings = settings_of(ctx, workspace)
    folder = out or pairs_folder(settings)
    report = _generated(settings, FactorySpec(count=count, seed=seed, workers=workers), folder)
    if output is OutputFormat.JSON:
        print_json({**asdict(report), "path": str(report.path), "manifest": str(report.manifest)})
        return
    facts(
        [
            ("pairs", report.pairs),
            ("statements", f"{report.statements} in {report.structures} structures"),
            ("refused", ", ".join(f"{why} {number}" for why, number in report.refused.items()) or "none"),
            ("levels", ", ".join(f"{level} {number}" for level, number in report.levels.items())),
            ("written to", report.path),
            ("sha256", report.sha256),
        ]
    )


@app.command("show")
def show_command(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="How many.")] = 10,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A pairs.jsonl; default: the workspace's.")
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
    from finetune.pairs import read_pairs
    from tui.cli.console import print_json, print_table
    from tui.text import clipped

    path = file or pairs_folder(settings_of(ctx, workspace)) / "pairs.jsonl"
    if not path.is_file():
        raise UsageError(
            ErrorClass.WORKSPACE, f"There are no pairs at {path}.", "Make some with `affidavit pairs generate`."
        )
    found = list(islice(read_pairs(path), limit))
    if output is OutputFormat.JSON:
        print_json([pair.to_json() for pair in found])
        return
    rows = [(pair.level, clipped(pair.question, 80), clipped(pair.sql, 120)) for pair in found]
    print_table(("level", "question", "sql"), rows)


def pairs_folder(settings: Settings) -> Path:
    """Where a workspace keeps its pairs."""
    return settings.state_dir / "pairs"


def _generated(settings: Settings, spec: FactorySpec, folder: Path) -> FactoryReport:
    from agent.warehouse.policy import load_policy
    from finetune.factory import generate_pairs
    from memory.semantics import load_semantics
    from memory.sync import load_catalog
    from tui.cli.progress import progress_bar

    policy = load_policy(settings.workspace / "policy.yaml")
    catalog = load_catalog(settings.state_dir, policy.withheld)
    templates = settings.workspace / "templates.yaml"
    with progress_bar("Generating", "pairs") as bar:
        return generate_pairs(
            spec,
            url=settings.warehouse_url,
            layer=load_semantics(settings.workspace / "metrics.yaml", catalog),
            catalog=catalog,
            policy=policy,
            templates=templates if templates.is_file() else None,
            out_dir=folder,
            progress=lambda _stage, done, wanted: bar(done, wanted),
        )
