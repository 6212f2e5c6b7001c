"""A short real training run: the loss falls, a stopped run goes on, the served adapter is the trained one."""

import json
import random
from dataclasses import replace

import pytest

from agent.errors import UsageError
from agent.settings import Settings
from finetune.trainers.lora import LoraOptions, TrainProgress, train_lora

torch = pytest.importorskip("torch", reason="LOUD SKIP: training needs torch: make setup-train")
pytestmark = [
    pytest.mark.train,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

OPTIONS = LoraOptions(rank=4, alpha=8.0, learning_rate=3e-3, batch_tokens=700, epochs=1, seed=3, valid_every_steps=5)


@pytest.fixture(scope="module")
def base():
    from agent.model.store import resolve_base

    return resolve_base("smollm2-135m-instruct", Settings().cache_dir)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset")
    rng = random.Random(5)
    rows = []
    for _ in range(80):
        year, column = rng.randint(2020, 2024), rng.choice(["Freight", "Quantity"])
        question = f"what was total {column.lower()} in {year}?"
        sql = f"SELECT SUM({column}) FROM Orders WHERE OrderDate >= '{year}-01-01' AND OrderDate < '{year + 1}-01-01'"
        rows.append({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": sql}]})
    for name, part in (("train", rows[:70]), ("valid", rows[70:])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    return folder


@pytest.fixture(scope="module")
def first(dataset, base, tmp_path_factory):
    """A whole run: its folder, its report, its steps."""
    folder, steps = tmp_path_factory.mktemp("first"), list[TrainProgress]()
    return folder / "run", train_lora(dataset, base, folder / "run", OPTIONS, steps.append), steps


def test_the_loss_falls_and_the_served_adapter_is_the_trained_one(first):
    run, report, steps = first
    assert report.steps == len(steps) >= 8
    assert steps[-1].loss < steps[0].loss / 3
    assert report.parity["top1_agreement"] >= 0.9
    assert (run / "adapter.gguf").stat().st_size < 3_000_000
    assert json.loads((run / "report.json").read_text())["dataset_sha256"] == report.dataset_sha256
    assert not (run / "checkpoint.pt").exists()


def test_a_run_begins_where_its_parent_ended(first, dataset, base, tmp_path):
    run, report, steps = first
    began: list[TrainProgress] = []
    child = train_lora(
        dataset, base, tmp_path / "run", replace(OPTIONS, max_examples=8), began.append, parent=run / "adapter.gguf"
    )
    assert began[0].loss < steps[0].loss / 3
    assert child.options["parent_sha256"] == report.adapter_sha256


def test_a_parent_of_another_rank_is_refused(first, dataset, base, tmp_path):
    with pytest.raises(UsageError, match="rank 8"):
        train_lora(dataset, base, tmp_path / "run", replace(OPTIONS, rank=8), parent=first[0] / "adapter.gguf")


def test_a_stopped_run_goes_on_from_its_checkpoint(dataset, base, tmp_path):
    options = replace(OPTIONS, checkpoint_every_s=0.0)

    class StoppedError(Exception):
        pass

    def stop_at_third(progress: TrainProgress) -> None:
        if progress.step == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_lora(dataset, base, tmp_path / "run", options, stop_at_third)
    resumed: list[TrainProgress] = []
    report = train_lora(dataset, base, tmp_path / "run", options, resumed.append)
    assert resumed[0].step == 4
    assert [step for step, _ in report.train_loss] == list(range(1, report.steps + 1))
