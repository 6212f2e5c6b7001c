"""LoRA on a model of the llama architecture: a GGUF adapter out, on a GPU if there is one and two CPU cores if not.

The base is de-quantised from the very file that will be served, so the adapter meets the weights it was trained on.
Adapter weights train in float32 while the model computes in bfloat16 where the processor has it. A run that is stopped
goes on from its last checkpoint; one whose execution accuracy no longer rises stops by itself, and the adapter is that
of the most accurate step.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from agent.errors import ErrorClass, FailedError, UsageError
from finetune.trainers.base_model import TrainableBase, check_adapter_size
from finetune.trainers.batches import Example, end_of_turn, load_examples, plan_batches
from finetune.trainers.gguf_adapter import AttentionShape, LoraPair, read_adapter, write_adapter
from finetune.trainers.lora_model import (
    best_device,
    keep_freed_memory,
    load_model,
    lora_factors,
    require_training_parts,
)
from finetune.trainers.lora_options import Examine, LoraOptions, TrainProgress
from finetune.trainers.loss import completion_loss, mean_loss
from finetune.trainers.parity import Parity, compare_with_server
from finetune.trainers.run_report import Curves, TrainReport, write_run_report

__all__ = ["CHECKPOINT", "train_lora"]

CHECKPOINT = "checkpoint.pt"
"""The state of a run that is not finished, in its folder."""
_TRIAL = "trial.gguf"
_PARITY_EXAMPLES = 8
_VALID_EXAMPLES = 96


def train_lora(
    dataset_dir: Path,
    base: TrainableBase,
    out_dir: Path,
    options: LoraOptions | None = None,
    progress: Callable[[TrainProgress], None] | None = None,
    *,
    parent: Path | None = None,
    examine: Examine | None = None,
) -> TrainReport:
    """Train on `dataset_dir/train.jsonl`, watch `valid.jsonl`, write `out_dir/adapter.gguf` and its two reports.

    Args:
        dataset_dir: what `finetune.datasets.build.build_dataset` wrote.
        base: what `find_trainable` gave.
        out_dir: made if it is not there; a checkpoint inside lets a stopped run go on.
        options: see `LoraOptions`; `parent_sha256` is filled in from `parent`.
        progress: called after each step.
        parent: a GGUF LoRA of the same base and rank, to go on from its weights.
        examine: asked every `options.evaluate_every_steps` steps and after the last.

    Raises:
        FailedError: the `train` extra is not installed, or the converted adapter does not say what the trained
            model says.
        UsageError: the dataset is missing or not made of chat records, the base cannot be trained on, the adapter
            would be too large, or `parent` does not fit it.
    """
    options = options or LoraOptions()
    if parent is not None:
        options = replace(options, parent_sha256=_sha256(parent))
    check_adapter_size(base.gguf, options.rank, options.max_adapter_mb)
    require_training_parts()
    out_dir.mkdir(parents=True, exist_ok=True)
    run = _Run(dataset_dir, base, out_dir, options, parent)
    run.examine = examine if options.evaluate_every_steps else None
    run.resume()
    for step in run.steps():
        if progress:
            progress(step)
    report = run.finish()
    write_run_report(report, out_dir)
    for left in (CHECKPOINT, _TRIAL):
        (out_dir / left).unlink(missing_ok=True)
    return report


@dataclass(frozen=True, slots=True)
class _Best:
    """The most accurate step so far, the later of equals, with its weights."""

    step: int
    accuracy: float
    weights: list[Any]


class _Run:
    """One training run: the model, its optimiser, and where in the plan it stands."""

    def __init__(
        self, dataset_dir: Path, base: TrainableBase, out_dir: Path, options: LoraOptions, parent: Path | None = None
    ) -> None:
        import torch

        torch.manual_seed(options.seed)
        keep_freed_memory()
        if options.threads:
            torch.set_num_threads(options.threads)
        self.base, self.out_dir, self.options = base, out_dir, options
        self.device, self.dtype = best_device()
        self.model, tokenizer = load_model(
            base.source, rank=options.rank, alpha=options.alpha, device=self.device, dtype=self.dtype
        )
        config = self.model.config
        self.attention = AttentionShape(config.num_attention_heads, config.num_key_value_heads)
        ending = end_of_turn(tokenizer)
        self.train = load_examples(dataset_dir / "train.jsonl", tokenizer, end_of_turn=ending)[: options.max_examples]
        valid_path = dataset_dir / "valid.jsonl"
        valid = load_examples(valid_path, tokenizer, end_of_turn=ending) if valid_path.exists() else []
        self.valid = valid[:_VALID_EXAMPLES]
        if not self.train:
            raise UsageError(
                ErrorClass.SETTINGS, f"{dataset_dir}/train.jsonl holds no usable record.", "Build a larger one."
            )
        self.dataset_sha256 = _sha256(dataset_dir / "train.jsonl")
        self.weights = [p for p in self.model.parameters() if p.requires_grad]
        # bfloat16 keeps 8 bits of mantissa and would lose small updates, so the optimiser owns float32 copies
        self.masters = [p.detach().clone().float() for p in self.weights]
        if parent is not None:
            self._begin_with(parent)
        self.optimiser = torch.optim.AdamW(self.masters, lr=options.learning_rate, weight_decay=0.0, betas=(0.9, 0.99))
        self.plan = [
            batch
            for epoch in range(options.epochs)
            for batch in plan_batches(self.train, batch_tokens=options.batch_tokens, seed=options.seed, epoch=epoch)
        ]
        self.step = 0
        self.tokens = 0
        self.seconds = 0.0
        self.curves = Curves()
        self.examine: Examine | None = None
        self.best: _Best | None = None

    @property
    def identity(self) -> str:
        """A checkpoint belongs to exactly this data, base and these options; more or less time may be given to it."""
        decisive = {name: value for name, value in asdict(self.options).items() if name != "max_minutes"}
        told = json.dumps([self.dataset_sha256, self.base.sha256, decisive], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    @property
    def finished(self) -> bool:
        """Whether plan or time is done, or accuracy has not risen for as many evaluations as the patience allows."""
        shares = [share for _, share in self.curves.accuracy]
        stale = len(shares) - 1 - shares.index(max(shares)) if shares else 0
        tired = bool(self.options.patience) and stale >= self.options.patience
        return self.share_done >= 1 or tired

    @property
    def share_done(self) -> float:
        """How far the run is, 0..1: by its plan, or by its time where that is nearer to its end."""
        minutes = self.seconds / 60
        timed = minutes / self.options.max_minutes if self.options.max_minutes else 0.0
        return min(1.0, max(self.step / len(self.plan), timed))

    def steps(self) -> Iterator[TrainProgress]:
        import torch

        saved_at = time.monotonic()
        started = saved_at - self.seconds
        while not self.finished:
            batch = [self.train[i] for i in self.plan[self.step]]
            loss, tokens_per_s = self._step(torch, batch)
            self.seconds = time.monotonic() - started
            if self.valid and self._is_due(self.options.valid_every_steps):
                self.curves.valid_loss.append((self.step, mean_loss(self.model, self.valid, self.device)))
                self.seconds = time.monotonic() - started
            if self.examine is not None and self._is_due(self.options.evaluate_every_steps):
                self._examine(self.examine)
                self.seconds = time.monotonic() - started
            if time.monotonic() - saved_at > self.options.checkpoint_every_s:
                self._save(torch)
                saved_at = time.monotonic()
            latest = self.curves.accuracy[-1][1] if self.curves.accuracy else None
            yield TrainProgress(self.step, len(self.plan), loss, tokens_per_s, latest)

    def _step(self, torch: Any, batch: list[Example]) -> tuple[float, float]:
        """One update; gives its loss and tokens per second."""
        started = time.monotonic()
        rate = self._learning_rate()
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss = completion_loss(self.model, batch, self.device)
        loss.backward()
        self._update(torch)
        self.step += 1
        tokens = sum(len(example.tokens) for example in batch)
        elapsed = time.monotonic() - started
        self.tokens += tokens
        self.curves.train_loss.append((self.step, round(float(loss.detach()), 5)))
        self.curves.learning_rate.append((self.step, round(rate, 8)))
        self.curves.tokens_per_s.append((self.step, round(tokens / elapsed, 1)))
        return float(loss.detach()), tokens / elapsed

    def _is_due(self, every: int) -> bool:
        return self.step % every == 0 or self.share_done >= 1

    def _examine(self, examine: Examine) -> None:
        """Measure the accuracy of the weights as they are; keep them if none before were more accurate."""
        trial = self.out_dir / _TRIAL
        self._write(trial)
        accuracy = examine.accuracy(trial)
        self.curves.accuracy.append((self.step, round(accuracy, 4)))
        if self.best is None or accuracy >= self.best.accuracy:
            self.best = _Best(self.step, accuracy, [master.detach().clone() for master in self.masters])

    def _update(self, torch: Any) -> None:
        for master, weight in zip(self.masters, self.weights, strict=True):
            master.grad = weight.grad.float()
            weight.grad = None
        torch.nn.utils.clip_grad_norm_(self.masters, 1.0)
        self.optimiser.step()
        with torch.no_grad():
            for master, weight in zip(self.masters, self.weights, strict=True):
                weight.copy_(master)

    def _learning_rate(self) -> float:
        """Of the next step: linear warm-up, then half a cosine, down to a twentieth when plan or time is done."""
        warmup = max(1, int(len(self.plan) * self.options.warmup_share))
        if self.step < warmup:
            return self.options.learning_rate * (self.step + 1) / warmup
        begun = warmup / len(self.plan)
        share = max(0.0, self.share_done - begun) / max(1 / len(self.plan), 1 - begun)
        return self.options.learning_rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share)))

    def _save(self, torch: Any) -> None:
        path = self.out_dir / CHECKPOINT
        state = {
            "identity": self.identity,
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "masters": self.masters,
            "optimiser": self.optimiser.state_dict(),
            "curves": asdict(self.curves),
            "best": None if self.best is None else [self.best.step, self.best.accuracy, self.best.weights],
        }
        torch.save(state, path.with_suffix(".partial"))
        os.replace(path.with_suffix(".partial"), path)

    def _begin_with(self, parent: Path) -> None:
        import torch

        layers = read_adapter(parent, alpha=self.options.alpha, attention=self.attention)
        own = lora_factors(self.model)
        if {key: (tuple(a.shape), tuple(b.shape)) for key, (a, b) in own.items()} != {
            key: (pair.a.shape, pair.b.shape) for key, pair in layers.items()
        }:
            raise UsageError(
                ErrorClass.SETTINGS,
                f"{parent} has other layers or another rank than this run (rank {self.options.rank}).",
                "Train with the rank it has, on the base it was made for, or begin from nothing.",
            )
        masters = dict(zip(map(id, self.weights), self.masters, strict=True))
        with torch.no_grad():
            for key, factors in own.items():
                for weight, saved in zip(factors, (layers[key].a, layers[key].b), strict=True):
                    masters[id(weight)].copy_(torch.from_numpy(saved))
                    weight.copy_(masters[id(weight)])

    def resume(self) -> None:
        """Go on from a checkpoint of this very run, if there is one; any other is left behind."""
        import torch

        path = self.out_dir / CHECKPOINT
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        if state["identity"] != self.identity:
            return
        self.step, self.tokens, self.seconds = state["step"], state["tokens"], state["seconds"]
        self.curves = Curves.from_json(state["curves"])
        self.best = None if state["best"] is None else _Best(*state["best"])
        self._take(state["masters"])
        self.optimiser.load_state_dict(state["optimiser"])

    def _take(self, saved: Sequence[Any]) -> None:
        import torch

        with torch.no_grad():
            for master, weight, kept in zip(self.masters, self.weights, saved, strict=True):
                master.copy_(kept)
                weight.copy_(kept)

    def _write(self, path: Path) -> None:
        masters = dict(zip(map(id, self.weights), self.masters, strict=True))
        layers = {
            key: LoraPair(masters[id(a)].cpu().numpy(), masters[id(b)].cpu().numpy())
            for key, (a, b) in lora_factors(self.model).items()
        }
        write_adapter(path, layers, alpha=self.options.alpha, attention=self.attention, name=self.out_dir.name)

    def finish(self) -> TrainReport:
        """Write the adapter of the step to keep, and see that it is served as it was trained."""
        kept_step = self.step
        if self.best is not None:
            kept_step = self.best.step
            self._take(self.best.weights)
        adapter = self.out_dir / "adapter.gguf"
        self._write(adapter)
        parity = self._check_parity(adapter)
        return TrainReport(
            adapter=adapter.name,
            adapter_sha256=_sha256(adapter),
            adapter_bytes=adapter.stat().st_size,
            base=self.base.source.name,
            base_sha256=self.base.sha256,
            dataset_sha256=self.dataset_sha256,
            examples=len(self.train),
            steps=self.step,
            planned_steps=len(self.plan),
            kept_step=kept_step,
            sample=self.examine.questions if self.examine is not None else 0,
            tokens=self.tokens,
            seconds=round(self.seconds, 1),
            device=self.device,
            dtype=str(self.dtype).removeprefix("torch."),
            options=asdict(self.options),
            parity={key: round(value, 4) for key, value in asdict(parity).items()},
            **{name: tuple(points) for name, points in vars(self.curves).items()},
        )

    def _check_parity(self, adapter: Path) -> Parity:
        import torch

        def next_token_logprobs(tokens: Sequence[int]) -> Any:
            with torch.no_grad():
                logits = self.model(input_ids=torch.tensor([list(tokens)], device=self.device)).logits[0, -1]
            return torch.log_softmax(logits.float(), dim=-1).cpu()

        parity = compare_with_server(
            next_token_logprobs, (self.valid or self.train)[:_PARITY_EXAMPLES], self.base.gguf, adapter
        )
        if not parity.holds:
            raise FailedError(
                ErrorClass.MODEL_OTHER,
                f"The converted adapter does not speak as the trained model does: {parity}.",
                f"{adapter} is kept for inspection; do not serve it. The base may not be of the llama architecture.",
            )
        return parity


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
