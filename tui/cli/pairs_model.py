"""`affidavit pairs rephrase` and `affidavit pairs ask-model`: pairs that a model has a hand in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli.invocation import FormatOption, OutputFormat, WorkspaceOption, settings_of
from tui.cli.pairs import app, pairs_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.run import Grounding
    from agent.settings import Settings
    from finetune.ask_a_model.ask_many import Crew
    from finetune.ask_a_model.spending import Spent
    from memory.knowledge import Knowledge

__all__ = ["ask_model_command", "rephrase_command"]

_Model = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="One of model.fallbacks, or another name at model.provider."),
]
_Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where they go.", show_default=False)]
_Batch = Annotated[int, typer.Option("--batch", min=1, max=40, help="Questions per request.")]
_Workers = Annotated[int, typer.Option("--workers", min=1, max=64, help="Requests under way at a time.")]
_Seed = Annotated[int, typer.Option("--seed", min=0, help="Of what is asked about, and in which manner.")]
_PriceIn = Annotated[float, typer.Option("--price-in", min=0, help="Price of a million prompt tokens.")]
_PriceOut = Annotated[float, typer.Option("--price-out", min=0, help="Price of a million tokens of replies.")]
_MaxCost = Annotated[
    float | None, typer.Option("--max-cost", min=0, help="Send nothing that could cost more, in the prices' currency.")
]


@app.command("rephrase")
def rephrase_command(
    ctx: typer.Context,
    *,
    pairs: Annotated[
        Path | None, typer.Option("--pairs", metavar="FILE", help="A pairs.jsonl; default: the workspace's.")
    ] = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many pairs are reworded.")] = 200,
    phrasings: Annotated[int, typer.Option("--phrasings", min=1, help="Rewordings asked for per pair.")] = 2,
    model: _Model = None,
    out: _Out = None,
    batch: _Batch = 8,
    workers: _Workers = 4,
    seed: _Seed = 7,
    price_in: _PriceIn = 0.0,
    price_out: _PriceOut = 0.0,
    max_cost: _MaxCost = None,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Have a model say the questions of pairs in other words; the SQL stays.

    A rewording is kept only if it names every value its SQL filters on and is not nearly a question that is there.
    Questions and the values in them go to the model's provider. Interrupted, or with a raised budget, it goes on
    without asking again. Train on both files: affidavit train lora --pairs A --pairs B.

    \b
    Examples:
      affidavit pairs rephrase --count 500 --model gpt-4.1-mini
      affidavit pairs rephrase --price-in 0.4 --price-out 1.6 --max-cost 2
    """
    from finetune.ask_a_model.new_phrasings import PhraseSpec, phrase_with
    from finetune.pairs.pair import read_pairs, write_pairs

    settings = settings_of(ctx, workspace)
    source = _existing(pairs or pairs_folder(settings) / "pairs.jsonl")
    target = out or pairs_folder(settings) / "rephrased.jsonl"
    spec = PhraseSpec(count, phrasings, batch, seed)
    with _crew(settings, target, _Terms(model, workers, price_in, price_out, max_cost)) as crew:
        made = phrase_with(list(read_pairs(source)), crew, spec)
    sha256 = write_pairs(target, made.pairs)
    _show(output, _Told(len(made.pairs), made.refused, made.spent, made.exhausted), target, sha256)


@app.command("ask-model")
def ask_model_command(
    ctx: typer.Context,
    *,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="Questions asked for; fewer are kept.")] = 200,
    reasoning: Annotated[
        bool, typer.Option("--reasoning/--no-reasoning", help="Have it think before the SQL, and keep what it thought.")
    ] = False,
    model: _Model = None,
    out: _Out = None,
    batch: _Batch = 8,
    workers: _Workers = 4,
    seed: _Seed = 7,
    price_in: _PriceIn = 0.0,
    price_out: _PriceOut = 0.0,
    max_cost: _MaxCost = None,
    output: FormatOption = OutputFormat.TABLE,
    workspace: WorkspaceOption = None,
) -> None:
    """Have a model think of questions about metrics, dimensions and tables, and answer each with SQL.

    A pair is kept only if its SQL passes the guard, runs, says something, and filters on nothing that its question
    does not name. Names and sample values that policy.yaml allows go to the model's provider. Interrupted, or with a
    raised budget, it goes on without asking again.

    \b
    Examples:
      affidavit pairs ask-model --count 400 --model gpt-4.1
      affidavit pairs ask-model --reasoning --price-in 2 --price-out 8 --max-cost 5
    """
    from agent.warehouse.policy import load_policy
    from finetune.ask_a_model.new_pairs import AskSpec, ask_model
    from finetune.pairs.pair import read_pairs, write_pairs
    from finetune.pairs.world import World
    from memory.knowledge import open_knowledge
    from memory.store import MemoryStore

    settings = settings_of(ctx, workspace)
    target = out or pairs_folder(settings) / "asked.jsonl"
    policy = load_policy(settings.workspace / "policy.yaml")
    own = pairs_folder(settings) / "pairs.jsonl"
    known = list(read_pairs(own)) if own.is_file() else []
    with (
        _crew(settings, target, _Terms(model, workers, price_in, price_out, max_cost)) as crew,
        MemoryStore.open(settings.memory.url or settings.state_dir / "chroma") as store,
    ):
        knowledge = open_knowledge(
            store, settings.state_dir, settings.workspace / "metrics.yaml", withhold=policy.withheld
        )
        budget = policy.effective_limits(settings.limits).max_scanned_rows
        world = World(settings.warehouse_url, knowledge.layer, knowledge.catalog, policy, budget)
        try:
            ground = _Ground(knowledge, settings.memory.max_pieces)
            made = ask_model(world, ground, crew, AskSpec(count, batch, reasoning, seed), known)
        finally:
            world.close()
    sha256 = write_pairs(target, made.pairs)
    told = _Told(len(made.pairs), made.refused, made.spent, made.exhausted, made.questions)
    _show(output, told, target, sha256)


@dataclass(frozen=True, slots=True)
class _Terms:
    """Which model is asked, how many requests at a time, and for how much; see the options of those names."""

    model: str | None
    workers: int
    price_in: float
    price_out: float
    max_cost: float | None


@dataclass(frozen=True, slots=True)
class _Told:
    """What both commands report."""

    pairs: int
    refused: dict[str, int]
    spent: Spent
    exhausted: bool
    questions: int = 0


class _Ground:
    """What the agent would retrieve for each question."""

    def __init__(self, knowledge: Knowledge, max_pieces: int) -> None:
        self._knowledge, self._max_pieces = knowledge, max_pieces

    def __call__(self, questions: Sequence[str]) -> Sequence[Grounding]:
        from agent.run import Grounding, Piece

        dialect = self._knowledge.catalog.dialect
        found = self._knowledge.retriever.retrieve_many(questions, max_pieces=self._max_pieces, dialect=dialect)
        return [
            Grounding(
                tuple(Piece(p.kind, p.id, p.version, p.text, p.score) for p in one.pieces),
                one.catalog_fingerprint,
                one.semantics_fingerprint,
            )
            for one in found
        ]


def _show(output: OutputFormat, told: _Told, path: Path, sha256: str) -> None:
    from tui.cli.console import facts, print_json

    if output is OutputFormat.JSON:
        print_json({**asdict(told), "path": str(path), "sha256": sha256})
        return
    spent = told.spent
    facts(
        [
            *([("questions", told.questions)] if told.questions else []),
            ("pairs", told.pairs),
            ("refused", ", ".join(f"{why} {number}" for why, number in told.refused.items()) or "none"),
            ("asked", f"{spent.requests} requests, {spent.prompt_tokens} + {spent.completion_tokens} tokens"),
            ("cost", f"{spent.cost:.4f}{', stopped at the budget' if told.exhausted else ''}"),
            ("written to", path),
            ("sha256", sha256),
        ]
    )


@contextmanager
def _crew(settings: Settings, target: Path, terms: _Terms) -> Iterator[Crew]:
    """The model to ask, with its budget, and the file beside `target` that its replies are kept in."""
    from agent.model.connect import open_model
    from finetune.adapters.registry import NO_ADAPTER, with_model
    from finetune.ask_a_model.ask_many import Crew
    from finetune.ask_a_model.spending import Budget, Prices
    from tui.cli.interruption import told_when_interrupted
    from tui.cli.progress import progress_bar

    if terms.model is not None:
        settings = with_model(settings, terms.model)
    elif settings.model.provider == "embedded":
        settings = with_model(settings, NO_ADAPTER)  # an adapter knows SQL only
    target.parent.mkdir(parents=True, exist_ok=True)
    client = open_model(settings)
    try:
        budget = Budget(client, Prices(terms.price_in, terms.price_out), terms.max_cost)
        replies = target.with_suffix(".replies.jsonl")
        kept = f"The replies so far are kept in {replies}; the same command goes on without asking for them again."
        with told_when_interrupted(lambda: kept), progress_bar("Asking the model", "requests") as bar:
            client.start()
            yield Crew(client, budget, terms.workers, replies, bar)
    finally:
        client.close()


def _existing(path: Path) -> Path:
    from agent.errors import ErrorClass, UsageError

    if not path.is_file():
        raise UsageError(
            ErrorClass.WORKSPACE, f"There are no pairs at {path}.", "Make some with `affidavit pairs generate`."
        )
    return path
