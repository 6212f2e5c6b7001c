"""`affidavit pairs dataset`: from pairs to what a trainer reads, and whether it is what an adapter was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli.invocation import FormatOption, OutputFormat, WorkspaceOption, settings_of
from tui.cli.pairs import app, pairs_folder

if TYPE_CHECKING:
    from agent.settings import Settings
    from audit.ledger import Ledger
    from finetune.datasets.build import DatasetReport
    from finetune.pairs.pair import Pair
    from memory.knowledge import Knowledge

__all__ = ["PairsOption", "dataset_command", "training_dataset"]

PairsOption = Annotated[
    list[Path] | None,
    typer.Option("--pairs", metavar="FILE", help="A pairs.jsonl, may be given again; default: the workspace's."),
]


@app.command("dataset")
def dataset_command(
    ctx: typer.Context,
    *,
    pairs: PairsOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where it goes; default: .affidavit/dataset.")
    ] = None,
    like: Annotated[
        str | None, typer.Option("--like", metavar="NAME", help="Fail unless this adapter was trained on the same.")
    ] = None,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Split pairs and accepted runs and write them as chat records, as `train lora` does before it trains.

    Training, validation and three test sets, disjoint in questions, SQL structures and templates; the questions of
    baseline.jsonl are kept out. Each question comes with the grounding the agent would retrieve. The tests are also
    written as packs that `eval run --pack` reads. --like compares the hash of the training set with an adapter's
    and exits 1 if they differ.

    \b
    Examples:
      affidavit pairs dataset --out dataset
      affidavit pairs dataset --like demo
    """
    from finetune.adapters.registry import read_registry, registered
    from tui.cli.console import facts, print_json

    settings = settings_of(ctx, workspace)
    wanted = registered(read_registry(settings.state_dir), like).dataset_hash if like else ""
    report = training_dataset(settings, out or settings.state_dir / "dataset", pairs)
    made = report.sha256["train"]
    if output is OutputFormat.JSON:
        body = {"counts": report.counts, "sha256": report.sha256, "folder": str(report.out_dir)}
        print_json({**body, "like": like, "same": made == wanted} if like else body)
    else:
        lines = [(name, f"{count} records, sha256 {report.sha256[name]}") for name, count in report.counts.items()]
        compared = [(f"as {like}", "the same" if made == wanted else f"another: {wanted}")] if like else []
        facts([*lines, ("written to", report.out_dir), *compared])
    if like and made != wanted:
        raise typer.Exit(1)


def training_dataset(
    settings: Settings, folder: Path, pairs: Sequence[Path] | None = None, *, despite_revoked: bool = False
) -> DatasetReport:
    """Split pairs and accepted runs and write what the trainer reads, with the grounding the agent would retrieve.

    `pairs` are files of pairs; by default the workspace's own. Pairs in them that stand on a review that was revoked
    are left out, unless `despite_revoked`; then the dataset is in quarantine from the beginning. What it was built of
    goes on the ledger.

    Raises:
        UsageError: a file of pairs is missing.
        LeakError: training would know something of a test; nothing is written.
    """
    from agent.errors import ErrorClass, UsageError
    from agent.services import open_ledger
    from agent.warehouse.policy import load_policy
    from audit.reliance import revoked_runs
    from finetune.datasets.build import build_dataset
    from finetune.datasets.quarantine import review_of, write_quarantine
    from finetune.datasets.splits import baseline_questions, split_pairs
    from finetune.pairs.pair import read_pairs
    from finetune.revocation import record_dataset
    from memory.knowledge import open_knowledge
    from memory.store import MemoryStore
    from tui.cli.console import say
    from tui.cli.progress import progress_bar

    files = pairs or (pairs_folder(settings) / "pairs.jsonl",)
    for file in files:
        if not file.is_file():
            raise UsageError(
                ErrorClass.WORKSPACE, f"There are no pairs at {file}.", "Make some with `affidavit pairs generate`."
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
        revoked = revoked_runs(ledger)
        read = tuple(chain.from_iterable(map(read_pairs, files)))
        kept = read if despite_revoked else tuple(pair for pair in read if review_of(pair) not in revoked)
        if len(kept) < len(read):
            say(f"Left out: {len(read) - len(kept)} pairs that stand on reviews that were revoked.")
        report = build_dataset(
            split_pairs((*kept, *vouched), baseline=baseline),
            known.retriever,
            dialect=known.catalog.dialect,
            out_dir=folder,
            baseline=baseline,
            max_pieces=settings.memory.max_pieces,
            progress=lambda _split, done, total: bar(done, total),
        )
        write_quarantine(report.out_dir, {each: held for each, held in report.reviews.items() if each in revoked})
        record_dataset(ledger, report, actor=settings.user)
        return report


def _accepted_pairs(ledger: Ledger, known: Knowledge) -> tuple[Pair, ...]:
    """What people have vouched for, as pairs; runs whose tables or definitions moved since are left out."""
    from audit.export import accepted_runs
    from finetune.pairs.pair import Pair, masked_sql, pair_id

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
