"""`affidavit train`: from pairs to an adapter the embedded model can be served with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli.invocation import FormatOption, OutputFormat, WorkspaceOption, command_app, settings_of
from tui.cli.pairs_dataset import PairsOption, training_dataset

if TYPE_CHECKING:
    from agent.settings import Settings
    from finetune.trainers.base_model import TrainableBase
    from finetune.trainers.lora_options import Examine, LoraOptions
    from finetune.trainers.run_report import TrainReport

__all__ = ["app"]

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
    pairs: PairsOption = None,
    parent: Annotated[
        str | None, typer.Option("--from", metavar="NAME", help="Go on from this registered adapter's weights.")
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option("--base", metavar="PATH", help="A GGUF file or a model's folder; default: the workspace's base."),
    ] = None,
    rank: Annotated[int, typer.Option("--rank", min=1, help="LoRA rank.")] = 16,
    learning_rate: Annotated[float, typer.Option("--learning-rate", help="The highest, reached after warm-up.")] = 6e-4,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="How often each example is seen.")] = 1,
    max_examples: Annotated[
        int | None, typer.Option("--max-examples", min=1, help="At most this many, for a short run.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the order of examples and the first weights.")] = 7,
    evaluate_every: Annotated[
        int,
        typer.Option("--evaluate-every", min=0, help="Steps between measurements of execution accuracy; 0: never."),
    ] = 0,
    patience: Annotated[
        int, typer.Option("--patience", min=0, help="Stop after so many measurements without a rise; 0: never.")
    ] = 3,
    max_minutes: Annotated[
        float,
        typer.Option(
            "--max-minutes",
            min=0,
            help="Of training and of measuring on the way; 0: to the end of the examples.",
        ),
    ] = 0.0,
    max_size: Annotated[
        float, typer.Option("--max-size", metavar="MB", help="Refuse a rank whose adapter would be larger.")
    ] = 12.0,
    despite_revoked: Annotated[
        bool,
        typer.Option("--despite-revoked", help="Also learn from pairs whose review was revoked; the card says so."),
    ] = False,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Build the dataset, train a LoRA on the embedded model, convert it to GGUF and register it.

    Splits are disjoint in questions, SQL structures and templates, and the baseline pack is held out. The converted
    adapter's logits are compared with the trainer's before it is registered. Stopped, it goes on where it was.
    Curves go to report.html beside the adapter.

    --evaluate-every asks the adapter 40 validation questions now and then (some 30 s on two cores) and compares the
    rows: the most accurate step is kept, and --patience ends a run that no longer gains.

    \b
    Examples:
      affidavit train lora --name night-run --evaluate-every 100
      affidavit train lora --name second-night --from night-run --seed 8
      affidavit train lora --name worded --pairs .affidavit/pairs/pairs.jsonl --pairs .affidavit/pairs/rephrased.jsonl
      affidavit train lora --name by-noon --max-minutes 45
      affidavit train lora --name larger --base ./SmolLM2-360M-Instruct --rank 8
    """
    from dataclasses import asdict

    from finetune.adapters.registry import register
    from finetune.datasets.build import dataset_dialect
    from finetune.datasets.quarantine import quarantined, refuse_quarantined
    from finetune.trainers.base_model import check_adapter_size, find_trainable
    from finetune.trainers.lora_options import LoraOptions
    from tui.cli.console import facts, print_json

    settings = settings_of(ctx, workspace)
    options = LoraOptions(
        rank=rank,
        learning_rate=learning_rate,
        epochs=epochs,
        max_examples=max_examples,
        seed=seed,
        evaluate_every_steps=evaluate_every,
        patience=patience,
        max_minutes=max_minutes,
        max_adapter_mb=max_size,
    )
    folder = settings.state_dir / "train" / name
    chosen = None
    if base is not None:
        chosen = find_trainable(base.expanduser().resolve(), folder)
        check_adapter_size(chosen.gguf, rank, max_size)
        settings = _served_on(settings, chosen)
    dataset = training_dataset(settings, folder / "dataset", pairs, despite_revoked=despite_revoked).out_dir
    if not despite_revoked:
        refuse_quarantined(dataset)
    report = _trained(settings, chosen or _own_base(settings, folder), dataset, options, parent)
    adapter = register(
        settings.state_dir,
        name,
        folder / "adapter.gguf",
        base=settings.model.base,
        dataset_hash=report.dataset_sha256,
        created=datetime.now(UTC),
        dialect=dataset_dialect(dataset),
        made_from=_parents(settings, parent),
        despite_revoked=sorted(quarantined(dataset)) if despite_revoked else (),
    )
    if output is OutputFormat.JSON:
        print_json(asdict(report))
        return
    following = f"affidavit eval run --model {adapter.name}, then affidavit models promote {adapter.name}"
    if base is not None:
        following = f'set model.base = "{adapter.base}" in affidavit.toml; {following}'
    facts(
        [
            ("adapter", f"{adapter.name}, {report.adapter_bytes / 1e6:.1f} MB, sha256 {adapter.sha256}"),
            *_told(report),
            ("report", folder / "report.html"),
            ("next", following),
        ]
    )


def _parents(settings: Settings, parent: str | None) -> tuple[str, ...]:
    """The sha256 of the adapter whose weights training went on from."""
    from finetune.adapters.registry import read_registry, registered

    return (registered(read_registry(settings.state_dir), parent).sha256,) if parent else ()


def _told(report: TrainReport) -> list[tuple[str, object]]:
    ended = f", stopped of {report.planned_steps}" if report.stopped_early else ""
    told: list[tuple[str, object]] = [
        ("trained on", f"{report.examples} examples, {report.tokens} tokens, {report.seconds:.0f} s"),
        ("steps", f"{report.steps}{ended}, kept {report.kept_step}"),
        ("validation loss", round(report.valid_loss[-1][1], 4) if report.valid_loss else "not measured"),
    ]
    if report.accuracy:
        told.append(
            ("execution accuracy", f"{dict(report.accuracy)[report.kept_step]:.0%} of {report.sample} questions")
        )
    parity = ", ".join(f"{key} {value:.4g}" for key, value in report.parity.items())
    return [*told, ("served against trained", parity)]


def _own_base(settings: Settings, folder: Path) -> TrainableBase:
    """The model that the workspace serves, fetched first if it has to be."""
    from agent.model.store import find_base
    from finetune.trainers.base_model import find_trainable
    from tui.cli.progress import progress_bar

    with progress_bar("Fetching the model", "bytes") as bar:
        return find_trainable(find_base(settings.model.base, settings.cache_dir, bar).path, folder)


def _served_on(settings: Settings, base: TrainableBase) -> Settings:
    """Settings under which the base's file is served."""
    model = settings.model.model_copy(update={"provider": "embedded", "base": str(base.gguf)})
    return settings.model_copy(update={"model": model})


def _trained(
    settings: Settings, base: TrainableBase, dataset: Path, options: LoraOptions, parent: str | None
) -> TrainReport:
    from agent.model.adapters import checked_file
    from finetune.adapters.registry import read_registry, registered
    from finetune.trainers.lora import CHECKPOINT, train_lora
    from tui.cli.interruption import told_when_interrupted
    from tui.cli.progress import progress_bar

    folder, began = dataset.parent, time()
    adapter = (
        checked_file(registered(read_registry(settings.state_dir), parent), settings.state_dir) if parent else None
    )
    with (
        told_when_interrupted(lambda: _kept(folder / CHECKPOINT, began, options.checkpoint_every_s)),
        _examining(_served_on(settings, base), dataset, options) as examine,
        progress_bar("Training", "steps") as bar,
    ):
        return train_lora(
            dataset, base, folder, options, lambda now: bar(now.step, now.steps), parent=adapter, examine=examine
        )


def _kept(checkpoint: Path, began: float, every_s: float) -> str:
    """What an interrupted run that began then (seconds of the epoch) leaves."""
    if checkpoint.is_file() and checkpoint.stat().st_mtime >= began:
        return f"The state of some {every_s:.0f} s ago or less is in {checkpoint}; the same command goes on from it."
    return (
        f"No state was kept yet (one is every {every_s:.0f} s of training); the same command begins where this one did."
    )


@contextmanager
def _examining(settings: Settings, dataset: Path, options: LoraOptions) -> Iterator[Examine | None]:
    """What measures execution accuracy on the workspace's warehouse; None when it is not to be measured, or cannot."""
    from tui.cli.console import say

    if not options.evaluate_every_steps:
        yield None
        return
    from agent.model.connect import open_model
    from agent.warehouse.policy import load_policy
    from finetune.adapters.registry import with_model
    from finetune.pairs.world import World
    from finetune.trainers.examine import Examiner, guarded, read_sample
    from finetune.trainers.lora_options import Examine
    from memory.semantics import load_semantics
    from memory.sync import load_catalog

    policy = load_policy(settings.workspace / "policy.yaml")
    catalog = load_catalog(settings.state_dir, policy.withheld)
    layer = load_semantics(settings.workspace / "metrics.yaml", catalog)
    budget = policy.effective_limits(settings.limits).max_scanned_rows
    world = World(settings.warehouse_url, layer, catalog, policy, budget)
    try:
        examiner = Examiner(
            read_sample(dataset / "valid.jsonl"),
            guarded(world),
            lambda adapter: open_model(with_model(settings, str(adapter))),
        )
        if not examiner.size:
            say("There is no validation question to measure accuracy on; training goes on without.")
        yield Examine(examiner, examiner.size) if examiner.size else None
    finally:
        world.close()
