"""The trainer's own attention and loss say what torch's say, and so do their gradients."""

from __future__ import annotations

import pytest

from finetune.trainers.attention import BATCHED, register_batched_attention
from finetune.trainers.batches import Example
from finetune.trainers.loss import completion_loss, mean_loss
from tests.fixtures_tiny_model import tiny_model

torch = pytest.importorskip("torch", reason="LOUD SKIP: training needs torch: make setup-train")
pytestmark = [
    pytest.mark.train,
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


class Adapted:
    """A model as `peft` wraps it: one step further in."""

    def __init__(self, model):
        self.base_model = self
        self.model = model


@pytest.fixture(scope="module", params=["sdpa", BATCHED])
def model(request, tmp_path_factory):
    from transformers import AutoModelForCausalLM

    register_batched_attention()
    folder = tiny_model(tmp_path_factory.mktemp("tiny"))
    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation=request.param, dtype=torch.float32)


def sequences(lengths: list[int]) -> list[Example]:
    source = torch.Generator().manual_seed(5)
    return [
        Example(tuple(torch.randint(0, 200, (length,), generator=source).tolist()), max(1, length // 4))
        for length in lengths
    ]


def plain_loss(model, examples):
    """Each sequence by itself, unpadded, through `transformers` and torch's own cross-entropy."""
    losses = []
    for example in examples:
        ids = torch.tensor([example.tokens])
        logits = model(input_ids=ids).logits[0, example.prompt_length - 1 : -1]
        losses.append(torch.nn.functional.cross_entropy(logits, ids[0, example.prompt_length :], reduction="none"))
    return torch.cat(losses).mean()


@pytest.mark.parametrize(
    "lengths", [[40], [7, 31, 64], [700, 650, 2]], ids=["one", "padded", "more rows than at a time"]
)
def test_a_padded_batch_has_the_loss_and_the_gradient_of_its_sequences(model, lengths):
    examples = sequences(lengths)
    found = []
    for loss in (plain_loss(model, examples), completion_loss(Adapted(model), examples, "cpu")):
        model.zero_grad()
        loss.backward()
        factors = [p.grad.clone() for name, p in model.named_parameters() if "lm_head" not in name]
        found.append((float(loss.detach()), factors))
    (plain, expected), (ours, gradients) = found
    assert ours == pytest.approx(plain, rel=1e-5)
    assert all(torch.allclose(one, other, rtol=1e-3, atol=1e-6) for one, other in zip(expected, gradients, strict=True))
    assert any(float(gradient.abs().max()) > 1e-3 for gradient in gradients)


def test_the_validation_loss_counts_every_token_once(model):
    examples = sequences([9, 40, 33, 12] * 6)
    with torch.no_grad():
        assert mean_loss(Adapted(model), examples, "cpu") == pytest.approx(float(plain_loss(model, examples)), abs=1e-4)
