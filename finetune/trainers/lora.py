"""LoRA on the embedded model: a GGUF in, a GGUF adapter out, on a GPU if there is one and two CPU cores if not.

The base is de-quantised from the very file that will be served, so the adapter meets the weights it was
trained on. Only the completion's tokens carry loss, and only they are projected onto the vocabulary: on a CPU
that projection is the largest matrix product of the model. Adapter weights train in float32 while the model
computes in bfloat16 where the processor has it. A run that is stopped goes on from its last checkpoint.
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
from finetune.trainers.batches import Example, load_examples, plan_batches
from finetune.trainers.gguf_adapter import AttentionShape, LoraPair, read_adapter, write_adapter
from finetune.trainers.lora_model import (
    best_device,
    keep_freed_memory,
    load_model,
    lora_factors,
    require_training_parts,
)
from finetune.trainers.parity import Parity, compare_with_server

__all__ = ["LoraOptions", "TrainProgress", "TrainReport", "train_lora"]

END_OF_TURN = "<|im_end|>\n"
_CHECKPOINT = "checkpoint.pt"
_PARITY_EXAMPLES = 8
_WIDTH_STEP = 32
"""Widths are padded to multiples of this, so that the matrix kernels compiled for one batch serve the next."""
_LOGIT_ROWS = 256
"""Rows of logits at a time: 50 MB in float32 for a vocabulary of 49,152, instead of several hundred."""


@dataclass(frozen=True, slots=True)
class LoraOptions:
    """What decides the result, and is therefore written into the report."""

    rank: int = 16
    alpha: float = 32.0
    learning_rate: float = 6e-4
    warmup_share: float = 0.04
    epochs: int = 1
    batch_tokens: int = 2048
    max_examples: int | None = None
    seed: int = 7
    parent_sha256: str | None = None
    """Of the adapter whose weights the run begins with; None begins from nothing."""
    threads: int = 0
    checkpoint_every_s: float = 180.0
    valid_every_steps: int = 100


@dataclass(frozen=True, slots=True)
class TrainProgress:
    """One step, for whoever shows a progress bar."""

    step: int
    steps: int
    loss: float
    tokens_per_s: float


@dataclass(frozen=True, slots=True)
class TrainReport:
    """How an adapter came to be; stored as `report.json` beside it."""

    adapter: str
    adapter_sha256: str
    base: str
    base_sha256: str
    dataset_sha256: str
    examples: int
    steps: int
    tokens: int
    seconds: float
    device: str
    dtype: str
    options: dict[str, Any]
    train_loss: tuple[tuple[int, float], ...]
    valid_loss: tuple[tuple[int, float], ...]
    parity: dict[str, float]
    """The served adapter against the trainer's own model: see `finetune.trainers.parity`."""


def train_lora(
    dataset_dir: Path,
    base: Path,
    out_dir: Path,
    options: LoraOptions | None = None,
    progress: Callable[[TrainProgress], None] | None = None,
    *,
    parent: Path | None = None,
) -> TrainReport:
    """Train on `dataset_dir/train.jsonl`, watch `valid.jsonl`, write `out_dir/adapter.gguf` and `report.json`.

    Args:
        dataset_dir: what `finetune.dataset.build_dataset` wrote.
        base: GGUF of the llama architecture.
        out_dir: made if it is not there; a checkpoint inside lets a stopped run go on.
        options: see `LoraOptions`; `parent_sha256` is filled in from `parent`.
        progress: called after each step.
        parent: a GGUF LoRA of the same base and rank, to go on from its weights.

    Raises:
        FailedError: the `train` extra is not installed, or the converted adapter does not say what the trained
            model says.
        UsageError: the dataset is missing or not made of chat records, `base` is not a llama-architecture GGUF, or
            `parent` does not fit it.
    """
    options = options or LoraOptions()
    if parent is not None:
        options = replace(options, parent_sha256=_sha256(parent))
    require_training_parts()
    out_dir.mkdir(parents=True, exist_ok=True)
    run = _Run(dataset_dir, base, out_dir, options, parent)
    run.resume()
    for step in run.steps():
        if progress:
            progress(step)
    report = run.finish()
    (out_dir / "report.json").write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")
    (out_dir / _CHECKPOINT).unlink(missing_ok=True)
    return report


class _Run:
    """One training run: the model, its optimiser, and where in the plan it stands."""

    def __init__(
        self, dataset_dir: Path, base: Path, out_dir: Path, options: LoraOptions, parent: Path | None = None
    ) -> None:
        import torch

        torch.manual_seed(options.seed)
        keep_freed_memory()
        if options.threads:
            torch.set_num_threads(options.threads)
        self.base, self.out_dir, self.options = base, out_dir, options
        self.device, self.dtype = best_device()
        self.model, tokenizer = load_model(
            base, rank=options.rank, alpha=options.alpha, device=self.device, dtype=self.dtype
        )
        config = self.model.config
        self.attention = AttentionShape(config.num_attention_heads, config.num_key_value_heads)
        self.train = load_examples(dataset_dir / "train.jsonl", tokenizer, end_of_turn=END_OF_TURN)[
            : options.max_examples
        ]
        valid_path = dataset_dir / "valid.jsonl"
        valid = load_examples(valid_path, tokenizer, end_of_turn=END_OF_TURN) if valid_path.exists() else []
        self.valid = valid[:96]
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
        self.train_loss: list[tuple[int, float]] = []
        self.valid_loss: list[tuple[int, float]] = []

    @property
    def identity(self) -> str:
        """A checkpoint belongs to exactly this data, base and these options."""
        told = json.dumps([self.dataset_sha256, _sha256(self.base), asdict(self.options)], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()

    def steps(self) -> Iterator[TrainProgress]:
        import torch

        saved_at = time.monotonic()
        while self.step < len(self.plan):
            started = time.monotonic()
            batch = [self.train[i] for i in self.plan[self.step]]
            rate = self._learning_rate(self.step)
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            loss = self._loss(batch)
            loss.backward()
            self._update(torch)
            self.step += 1
            tokens = sum(len(example.tokens) for example in batch)
            elapsed = time.monotonic() - started
            self.tokens, self.seconds = self.tokens + tokens, self.seconds + elapsed
            self.train_loss.append((self.step, round(float(loss.detach()), 5)))
            if self.valid and (self.step % self.options.valid_every_steps == 0 or self.step == len(self.plan)):
                self.valid_loss.append((self.step, self._validate(torch)))
            if time.monotonic() - saved_at > self.options.checkpoint_every_s:
                self._save(torch)
                saved_at = time.monotonic()
            yield TrainProgress(self.step, len(self.plan), float(loss.detach()), tokens / elapsed)

    def _update(self, torch: Any) -> None:
        for master, weight in zip(self.masters, self.weights, strict=True):
            master.grad = weight.grad.float()
            weight.grad = None
        torch.nn.utils.clip_grad_norm_(self.masters, 1.0)
        self.optimiser.step()
        with torch.no_grad():
            for master, weight in zip(self.masters, self.weights, strict=True):
                weight.copy_(master)

    def _loss(self, batch: list[Example]) -> Any:
        """Mean cross-entropy per completion token."""
        import torch

        longest = max(len(example.tokens) for example in batch)
        width = -(-longest // _WIDTH_STEP) * _WIDTH_STEP
        ids = torch.zeros((len(batch), width), dtype=torch.long)
        wanted = torch.zeros((len(batch), width), dtype=torch.bool)
        for row, example in enumerate(batch):
            length = len(example.tokens)
            ids[row, :length] = torch.tensor(example.tokens)
            wanted[row, example.prompt_length : length] = True
        ids, wanted = ids.to(self.device), wanted.to(self.device)
        llama = self.model.base_model.model
        # right padding under a causal mask cannot reach a wanted token, so no padding mask is needed on the fast path
        hidden = llama.model(input_ids=ids).last_hidden_state
        predicting, targets = hidden[:, :-1][wanted[:, 1:]], ids[:, 1:][wanted[:, 1:]]
        total = hidden.new_zeros((), dtype=torch.float32)
        for start in range(0, len(targets), _LOGIT_ROWS):
            logits = llama.lm_head(predicting[start : start + _LOGIT_ROWS]).float()
            target = targets[start : start + _LOGIT_ROWS]
            total = total + torch.nn.functional.cross_entropy(logits, target, reduction="sum")
        return total / len(targets)

    def _validate(self, torch: Any) -> float:
        total, count = 0.0, 0
        with torch.no_grad():
            for start in range(0, len(self.valid), 16):
                batch = self.valid[start : start + 16]
                weight = sum(len(example.tokens) - example.prompt_length for example in batch)
                total += float(self._loss(batch)) * weight
                count += weight
        return round(total / max(1, count), 5)

    def _learning_rate(self, step: int) -> float:
        """Linear warm-up, then half a cosine to a twentieth of the peak."""
        warmup = max(1, int(len(self.plan) * self.options.warmup_share))
        if step < warmup:
            return self.options.learning_rate * (step + 1) / warmup
        share = (step - warmup) / max(1, len(self.plan) - warmup)
        return self.options.learning_rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share)))

    def _save(self, torch: Any) -> None:
        path = self.out_dir / _CHECKPOINT
        state = {
            "identity": self.identity,
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "masters": self.masters,
            "optimiser": self.optimiser.state_dict(),
            "train_loss": self.train_loss,
            "valid_loss": self.valid_loss,
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

        path = self.out_dir / _CHECKPOINT
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        if state["identity"] != self.identity:
            return
        self.step, self.tokens, self.seconds = state["step"], state["tokens"], state["seconds"]
        self.train_loss = [tuple(point) for point in state["train_loss"]]
        self.valid_loss = [tuple(point) for point in state["valid_loss"]]
        with torch.no_grad():
            for master, weight, saved in zip(self.masters, self.weights, state["masters"], strict=True):
                master.copy_(saved)
                weight.copy_(saved)
        self.optimiser.load_state_dict(state["optimiser"])

    def finish(self) -> TrainReport:
        masters = dict(zip(map(id, self.weights), self.masters, strict=True))
        layers = {
            key: LoraPair(masters[id(a)].cpu().numpy(), masters[id(b)].cpu().numpy())
            for key, (a, b) in lora_factors(self.model).items()
        }
        adapter = self.out_dir / "adapter.gguf"
        write_adapter(adapter, layers, alpha=self.options.alpha, attention=self.attention, name=self.out_dir.name)
        parity = self._check_parity(adapter)
        return TrainReport(
            adapter=adapter.name,
            adapter_sha256=_sha256(adapter),
            base=self.base.name,
            base_sha256=_sha256(self.base),
            dataset_sha256=self.dataset_sha256,
            examples=len(self.train),
            steps=self.step,
            tokens=self.tokens,
            seconds=round(self.seconds, 1),
            device=self.device,
            dtype=str(self.dtype).removeprefix("torch."),
            options=asdict(self.options),
            train_loss=tuple(self.train_loss),
            valid_loss=tuple(self.valid_loss),
            parity={key: round(value, 4) for key, value in asdict(parity).items()},
        )

    def _check_parity(self, adapter: Path) -> Parity:
        import torch

        def next_token_logprobs(tokens: Sequence[int]) -> Any:
            with torch.no_grad():
                logits = self.model(input_ids=torch.tensor([list(tokens)], device=self.device)).logits[0, -1]
            return torch.log_softmax(logits.float(), dim=-1).cpu()

        parity = compare_with_server(
            next_token_logprobs, (self.valid or self.train)[:_PARITY_EXAMPLES], self.base, adapter
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
