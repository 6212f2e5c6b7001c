"""Training runs: what is learnt is served, and a run can be stopped, gone on with, watched and ended early.

One run is on the real embedded model. What does not depend on a model's size is tried on one of two layers.
"""

import json
import random
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from fixtures_gguf import gguf_file
from fixtures_tiny_model import tiny_model

from agent.errors import UsageError
from agent.model.adapters import file_sha256
from agent.model.connect import open_model
from agent.run import Outcome, Result
from agent.settings import ModelSettings, Settings
from finetune.trainers.base_model import TrainableBase, adapter_bytes, check_adapter_size, find_trainable
from finetune.trainers.examine import Examiner, read_sample
from finetune.trainers.lora import train_lora
from finetune.trainers.lora_options import Examine, LoraOptions, TrainProgress

torch = pytest.importorskip("torch", reason="LOUD SKIP: training needs torch: make setup-train")
pytestmark = [
    pytest.mark.train,
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

OPTIONS = LoraOptions(
    rank=8, alpha=16.0, learning_rate=2e-2, epochs=5, batch_tokens=800, seed=3, valid_every_steps=5, threads=1
)
ANSWER = "SELECT COUNT(*) FROM Orders"


class StoppedError(Exception):
    pass


def write_dataset(folder: Path, rows: list[tuple[str, str]]) -> Path:
    lines = [
        json.dumps({"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": sql}]}) + "\n"
        for asked, sql in rows
    ]
    kept = max(1, len(lines) // 8)
    (folder / "train.jsonl").write_text("".join(lines[kept:]))
    (folder / "valid.jsonl").write_text("".join(lines[:kept]))
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> TrainableBase:
    folder = tmp_path_factory.mktemp("tiny")
    return find_trainable(tiny_model(folder / "model"), folder)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    rows = [(f"how many {random.Random(i).choice(['orders', 'sales', 'deliveries'])} {i}", ANSWER) for i in range(64)]
    return write_dataset(tmp_path_factory.mktemp("dataset"), rows)


@pytest.fixture(scope="module")
def first(dataset, tiny, tmp_path_factory):
    """A whole run: its folder, its report, its steps."""
    folder, steps = tmp_path_factory.mktemp("first"), list[TrainProgress]()
    return folder / "run", train_lora(dataset, tiny, folder / "run", OPTIONS, steps.append), steps


@pytest.mark.embedded
@pytest.mark.timeout(600)
def test_the_real_model_learns_and_is_served_as_it_was_trained(tmp_path):
    from agent.model.store import resolve_base

    rows = [
        (f"freight in {year}?", f"SELECT SUM(Freight) FROM Orders WHERE Year = {year}") for year in range(2016, 2026)
    ]
    base = find_trainable(resolve_base("smollm2-135m-instruct", Settings().cache_dir), tmp_path)
    steps: list[TrainProgress] = []
    options = LoraOptions(rank=4, alpha=8.0, learning_rate=4e-3, batch_tokens=110)
    report = train_lora(write_dataset(tmp_path, rows), base, tmp_path / "run", options, steps.append)
    assert steps[-1].loss < steps[0].loss / 3
    assert report.parity["top1_agreement"] >= 0.9
    assert adapter_bytes(base.gguf, 4) < report.adapter_bytes < 3_000_000


def test_a_run_leaves_its_adapter_and_both_reports(first):
    run, report, steps = first
    assert report.steps == report.planned_steps == report.kept_step == len(steps) >= 4
    assert steps[-1].loss < steps[0].loss / 3
    told = json.loads((run / "report.json").read_text())
    assert told["dataset_sha256"] == report.dataset_sha256
    assert [step for step, _ in told["learning_rate"]] == list(range(1, report.steps + 1))
    page = (run / "report.html").read_text()
    for name in ("train-loss", "valid-loss", "learning-rate", "speed"):
        assert f'id="{name}-title"' in page
    assert 'id="accuracy-title"' not in page  # it was not measured
    assert "<script" not in page
    assert "src=" not in page
    assert sorted(path.name for path in run.iterdir()) == ["adapter.gguf", "report.html", "report.json"]


def test_a_run_begins_where_its_parent_ended(first, dataset, tiny, tmp_path):
    run, report, steps = first
    began: list[TrainProgress] = []
    child = train_lora(
        dataset,
        tiny,
        tmp_path / "run",
        replace(OPTIONS, epochs=1, max_examples=8),
        began.append,
        parent=run / "adapter.gguf",
    )
    assert began[0].loss < steps[0].loss / 3
    assert child.options["parent_sha256"] == report.adapter_sha256


def test_a_parent_of_another_rank_is_refused(first, dataset, tiny, tmp_path):
    with pytest.raises(UsageError, match="rank 4"):
        train_lora(dataset, tiny, tmp_path / "run", replace(OPTIONS, rank=4), parent=first[0] / "adapter.gguf")


def test_a_stopped_run_goes_on_from_its_checkpoint(first, dataset, tiny, tmp_path):
    options = replace(OPTIONS, checkpoint_every_s=0.0)

    def stop_at_third(progress: TrainProgress) -> None:
        if progress.step == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_lora(dataset, tiny, tmp_path / "run", options, stop_at_third)
    resumed: list[TrainProgress] = []
    report = train_lora(dataset, tiny, tmp_path / "run", options, resumed.append)
    assert resumed[0].step == 4
    assert [step for step, _ in report.train_loss] == list(range(1, report.steps + 1))
    assert report.train_loss == first[1].train_loss


def test_a_run_ends_when_its_time_is_up(dataset, tiny, tmp_path):
    short = train_lora(dataset, tiny, tmp_path / "run", replace(OPTIONS, max_minutes=1e-6, checkpoint_every_s=0.0))
    assert (short.steps, short.stopped_early) == (1, True)
    assert short.valid_loss[-1][0] == 1
    assert "its time was up" in (tmp_path / "run" / "report.html").read_text()


def test_the_learning_rate_falls_with_the_time_that_is_left(dataset, tiny, tmp_path):
    def stop_at_fifth(progress: TrainProgress) -> None:
        if progress.step == 5:
            raise StoppedError

    options = replace(OPTIONS, checkpoint_every_s=0.0)
    with pytest.raises(StoppedError):
        train_lora(dataset, tiny, tmp_path / "run", options, stop_at_fifth)
    checkpoint = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    nearly = replace(options, max_minutes=checkpoint["seconds"] / 60 / 0.97)
    report = train_lora(dataset, tiny, tmp_path / "run", nearly)
    rates = [rate for _, rate in report.learning_rate]
    assert 5 < report.steps < report.planned_steps
    assert rates[5] < 0.06 * OPTIONS.learning_rate < rates[4]


@pytest.mark.parametrize(
    ("shares", "patience", "steps", "kept"),
    [
        ([0.2, 0.6, 0.5, 0.6, 0.4], 2, 4, 4),  # the later of equals is kept, but it is no rise
        ([0.2, 0.6, 0.5, 0.4, 0.3], 0, 5, 2),
        ([0.1, 0.2, 0.3, 0.4, 0.5], 1, 5, 5),
    ],
)
def test_the_most_accurate_step_is_kept_and_patience_ends_the_run(
    dataset, tiny, tmp_path, shares, patience, steps, kept
):
    seen: list[str] = []

    def accuracy(adapter: Path) -> float:
        seen.append(file_sha256(adapter))
        return shares[len(seen) - 1]

    options = replace(OPTIONS, epochs=1, max_examples=35, batch_tokens=640, evaluate_every_steps=1, patience=patience)
    report = train_lora(dataset, tiny, tmp_path / "run", options, examine=Examine(accuracy, 40))
    assert report.planned_steps == len(shares)
    assert (report.steps, report.kept_step) == (min(steps, report.planned_steps), kept)
    assert report.stopped_early == (steps < report.planned_steps)
    assert report.adapter_sha256 == seen[kept - 1]
    assert 'id="accuracy-title"' in (tmp_path / "run" / "report.html").read_text()


def test_accuracy_is_that_of_the_served_adapter_on_real_rows(first, dataset, tiny, tmp_path):
    connection = sqlite3.connect(tmp_path / "shop.sqlite")
    connection.executescript("CREATE TABLE Orders (OrderID INTEGER); INSERT INTO Orders VALUES (1), (2), (3);")

    def run(sql: str) -> Outcome:
        try:
            cursor = connection.execute(sql)
        except sqlite3.Error:
            return Outcome(sql)
        return Outcome(sql, Result(tuple(column[0] for column in cursor.description), tuple(cursor.fetchall())))

    def serve(adapter: Path):
        model = ModelSettings(base=str(tiny.gguf), adapter=str(adapter), max_tokens=40, context_tokens=1024)
        return open_model(Settings(workspace=tmp_path, model=model))

    sample = read_sample(dataset / "valid.jsonl", size=4)
    assert sample == read_sample(dataset / "valid.jsonl", size=4)
    examiner = Examiner(sample, run, serve)
    untrained = train_lora(
        dataset, tiny, tmp_path / "untrained", replace(OPTIONS, epochs=1, learning_rate=0.0, max_examples=4)
    ).adapter
    assert examiner.size == 4
    assert examiner(first[0] / "adapter.gguf") == 1.0
    assert examiner(tmp_path / "untrained" / untrained) == 0.0
    connection.close()


def test_a_model_of_another_architecture_is_refused_by_name(tmp_path):
    file = gguf_file(tmp_path / "other.gguf", {"general.architecture": "qwen2"}, {"blk.0.attn_k.weight": (64, 32)})
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "gpt_neox"}')
    for path, name in ((file, "`qwen2`"), (folder, "`gpt_neox`")):
        with pytest.raises(UsageError, match=name) as caught:
            find_trainable(path, tmp_path)
        assert "Llama" in caught.value.hint
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(UsageError, match=r"no base model|config\.json"):
            find_trainable(path, tmp_path)


def test_a_rank_whose_adapter_is_too_large_is_refused_with_one_that_fits(tiny, dataset, tmp_path):
    limit = adapter_bytes(tiny.gguf, 6) / 1e6
    check_adapter_size(tiny.gguf, 6, limit)
    with pytest.raises(UsageError) as caught:
        train_lora(dataset, tiny, tmp_path / "run", replace(OPTIONS, max_adapter_mb=limit))
    assert "Rank 8" in caught.value.message
    assert "--rank 6" in caught.value.hint
