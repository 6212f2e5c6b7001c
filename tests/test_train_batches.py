"""Chat records become batches: everything once, like lengths together, order fixed by the seed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import UsageError
from finetune.trainers.batches import Example, load_examples, padded_width, plan_batches


class CharTokenizer:
    """One token per character."""

    def apply_chat_template(self, conversation, *, tokenize, add_generation_prompt):
        assert not tokenize
        assert add_generation_prompt
        return "".join(f"<{message['role']}>{message['content']}" for message in conversation) + "<assistant>"

    def __call__(self, text, *, add_special_tokens):
        assert not add_special_tokens
        return {"input_ids": [ord(character) for character in text]}


def record(question: str, sql: str) -> str:
    return json.dumps({"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": sql}]})


def test_prompt_is_masked_and_the_turn_is_ended(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text(record("q?", "SELECT 1") + "\n")
    (example,) = load_examples(path, CharTokenizer(), end_of_turn="#")
    text = "".join(map(chr, example.tokens))
    assert text[: example.prompt_length] == "<user>q?<assistant>"
    assert text[example.prompt_length :] == "SELECT 1#"


def test_too_long_records_are_left_out(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text(record("q?", "S" * 50) + "\n" + record("q?", "S") + "\n")
    assert len(load_examples(path, CharTokenizer(), end_of_turn="#", max_tokens=40)) == 1


def test_a_line_that_is_no_chat_record_is_named(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text(record("q?", "S") + '\n{"question": "q?"}\n')
    with pytest.raises(UsageError, match="line 2"):
        load_examples(path, CharTokenizer(), end_of_turn="#")


def test_a_missing_dataset_says_how_to_build_one(tmp_path):
    with pytest.raises(UsageError) as caught:
        load_examples(tmp_path / "none.jsonl", CharTokenizer(), end_of_turn="#")
    assert "affidavit pairs dataset" in caught.value.hint


lengths = st.lists(st.integers(2, 200), min_size=1, max_size=120)


@given(lengths, st.integers(0, 5))
def test_every_example_is_in_exactly_one_batch_within_the_budget(sizes, seed):
    examples = [Example(tuple(range(size)), 1) for size in sizes]
    batches = plan_batches(examples, batch_tokens=400, seed=seed, epoch=0)
    assert sorted(index for batch in batches for index in batch) == list(range(len(sizes)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * padded_width([examples[index] for index in batch]) <= 400


@given(lengths)
def test_the_plan_is_a_pure_function_of_seed_and_epoch(sizes):
    examples = [Example(tuple(range(size)), 1) for size in sizes]
    first = plan_batches(examples, batch_tokens=400, seed=1, epoch=0)
    assert first == plan_batches(examples, batch_tokens=400, seed=1, epoch=0)
