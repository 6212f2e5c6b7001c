"""`affidavit train`: from pairs to an adapter the embedded model can be served with."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli.invocation import FormatOption, OutputFormat, WorkspaceOption, command_app, settings_of

if TYPE_CHECKING:
    from agent.settings import Settings
    from audit.ledger import Ledger
    from finetune.pairs import Pair
    from finetune.trainers.lora import LoraOptions, TrainReport
    from memory.knowledge import Knowledge

__all__ = ["app", "training_dataset"]

app = command_app()


@app.callback(no_args_is_help=True)
def train() -> None:
    """Train a LoRA adapter on pairs and accepted runs.

    \b
    Example:
      affidavit train lora --name night-run
    """


@app.command("lora")
def lora_command(
    ctx: typer.Context,
    *,
    name: Annotated[str, typer.Option("--name", help="The name the adapter is registered under.")],
    pairs: Annotated[
        Path | None, typer.Option("--pairs", metavar="FILE", help="A pairs.jsonl; default: the workspace's.")
    ] = None,
    parent: Annotated[
        str | None, typer.Option("--from", metavar="NAME", help="Go on from this registered adapter's weights.")
    ] = None,
    rank: Annotated[int, typer.Option("--rank", min=1, help="LoRA rank.")] = 16,
    learning_rate: Annotated[float, typer.Option("--learning-rate", help="The highest, reached after warm-up.")] = 6e-4,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="How often each example is seen.")] = 1,
    max_examples: Annotated[
        int | None, typer.Option("--max-examples", min=1, help="At most this many, for a short run.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the order of examples and the first weights.")] = 7,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Build the dataset, train a LoRA on the embedded model, convert it to GGUF and register it.

    Splits are disjoint in questions, SQL structures and templates, and the baseline pack is held out. The converted
    adapter's logits are compared with the trainer's before it is registered. Stopped, it goes on where it was.

    \b
    Example:
      affidavit train lora --name night-run --epochs 1
      affidavit train lora --name second-night --from night-run --seed 8
    """
    from dataclasses import asdict

    from finetune.dataset import dataset_dialect
    from finetune.registry import register
    from finetune.trainers.lora import LoraOptions
    from tui.cli.console import facts, print_json

    settings = settings_of(ctx, workspace)
    options = LoraOptions(rank=rank, learning_rate=learning_rate, epochs=epochs, max_examples=max_examples, seed=seed)
    folder = settings.state_dir / "train" / name
    dataset = training_dataset(settings, pairs or settings.state_dir / "pairs" / "pairs.jsonl", folder / "dataset")
    report = _trained(settings, dataset, folder, options, parent)
    adapter = register(
        settings.state_dir,
        name,
        folder / "adapter.gguf",
        base=settings.model.base,
        dataset_hash=report.dataset_sha256,
        created=datetime.now(UTC),
        dialect=dataset_dialect(dataset),
    )
    if output is OutputFormat.JSON:
        print_json(asdict(report))
        return
    last = report.valid_loss[-1][1] if report.valid_loss else None
    facts(
        [
            ("adapter", f"{adapter.name}, sha256 {adapter.sha256}"),
            ("trained on", f"{report.examples} examples, {report.tokens} tokens, {report.seconds:.0f} s"),
            ("validation loss", "not measured" if last is None else round(last, 4)),
            ("served against trained", ", ".join(f"{key} {value:.4g}" for key, value in report.parity.items())),
            ("next", f"affidavit eval run --model {adapter.name}, then affidavit models promote {adapter.name}"),
        ]
    )


def training_dataset(settings: Settings, pairs: Path, folder: Path) -> Path:
    """Split pairs and accepted runs and write what the trainer reads, with the grounding the agent would retrieve.

    Raises:
        UsageError: there is no file of pairs.
        LeakError: training would know something of a test; nothing is written.
    """
    from agent.errors import ErrorClass, UsageError
    from agent.services import open_ledger
    from agent.warehouse.policy import load_policy
    from finetune.dataset import build_dataset
    from finetune.pairs import read_pairs
    from finetune.splits import baseline_questions, split_pairs
    from memory.knowledge import open_knowledge
    from memory.store import MemoryStore
    from tui.cli.progress import progress_bar

    if not pairs.is_file():
        raise UsageError(
            ErrorClass.WORKSPACE, f"There are no pairs at {pairs}.", "Make some with `affidavit pairs generate`."
        )
    policy = load_policy(settings.workspace / "policy.yaml")
    baseline = baseline_questions(settings.workspace / "baseline.jsonl")
    with (
        open_ledger(settings, create=False) as ledger,
        MemoryStore.open(settings.memory.url or settings.state_dir / "chroma") as store,
        progress_bar("Building the dataset", "records") as bar,
    ):
        metrics = settings.workspace / "metrics.yaml"
        known = open_knowledge(store, settings.state_dir, metrics, withhold=policy.withheld)
        vouched = _accepted_pairs(ledger, known)
        build_dataset(
            split_pairs((*read_pairs(pairs), *vouched), baseline=baseline),
            known.retriever,
            dialect=known.catalog.dialect,
            out_dir=folder,
            baseline=baseline,
            max_pieces=settings.memory.max_pieces,
            progress=lambda _split, done, total: bar(done, total),
        )
    return folder


def _accepted_pairs(ledger: Ledger, known: Knowledge) -> tuple[Pair, ...]:
    """What people have vouched for, as pairs; runs whose tables or definitions moved since are left out."""
    from audit.export import accepted_runs
    from finetune.pairs import Pair, masked_sql, pair_id

    moved = known.verified.quarantined()
    return tuple(
        Pair(
            id=pair_id(run.question, run.sql),
            question=run.question,
            sql=run.sql,
            template_id=f"review.{run.run_id}",
            question_template=run.question,
            sql_template=masked_sql(run.sql),
            dialect=run.dialect,
            lineage={"source": "review", "run_id": run.run_id, "review_hash": run.review_hash, "by": run.reviewer},
        )
        for run in accepted_runs(ledger)
        if run.run_id not in moved
    )


def _trained(settings: Settings, dataset: Path, folder: Path, options: LoraOptions, parent: str | None) -> TrainReport:
    from agent.model.adapters import checked_file
    from agent.model.store import find_base
    from finetune.registry import read_registry, registered
    from finetune.trainers.lora import train_lora
    from tui.cli.progress import progress_bar

    adapter = (
        checked_file(registered(read_registry(settings.state_dir), parent), settings.state_dir) if parent else None
    )
    with progress_bar("Fetching the model", "bytes") as bar:
        base = find_base(settings.model.base, settings.cache_dir, bar)
    with progress_bar("Training", "steps") as bar:
        return train_lora(dataset, base.path, folder, options, lambda now: bar(now.step, now.steps), parent=adapter)
