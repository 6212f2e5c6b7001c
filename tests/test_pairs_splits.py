"""Splits keep their promises, and a leak stops the build."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fixtures_pairs import TEMPLATES, Shop, shop  # noqa: F401
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from finetune.datasets.build import build_dataset
from finetune.datasets.formats import (
    CHAT_FORMATS,
    FormatError,
    Messages,
    from_format,
    from_template_record,
    read_chats,
    to_format,
    to_template_record,
    write_chats,
)
from finetune.datasets.splits import LeakError, Splits, SplitShares, baseline_questions, leak_check, split_pairs
from finetune.pairs.factory import FactorySpec, generate_pairs
from finetune.pairs.pair import Pair, masked_sql, normalised, pair_id, read_pairs
from memory.retrieval import Retriever
from memory.store import MemoryStore
from memory.sync import load_values, sync


@pytest.fixture(scope="module")
def pairs(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> list[Pair]:  # noqa: F811
    report = generate_pairs(
        FactorySpec(count=600, seed=11),
        url=shop.url,
        layer=shop.layer,
        catalog=shop.catalog,
        policy=shop.world.policy,
        templates=TEMPLATES,
        out_dir=tmp_path_factory.mktemp("pairs"),
    )
    return list(read_pairs(report.path))


SHARES = SplitShares(structure=0.1, template=0.2, question=0.05, valid=0.05)


@pytest.fixture(scope="module")
def splits(pairs: list[Pair]) -> Splits:
    return split_pairs(pairs, shares=SHARES)


def test_every_set_gets_some_and_nothing_is_lost(pairs: list[Pair], splits: Splits) -> None:
    sizes = {name: len(found) for name, found in splits.items()}
    assert all(sizes.values()), sizes
    assert sum(sizes.values()) + splits.dropped == len(pairs)
    assert sizes["train"] > len(pairs) * 0.6


def test_the_tests_are_disjoint_in_what_they_say(splits: Splits) -> None:
    learned = (*splits.train, *splits.valid)
    questions = {normalised(p.question) for p in learned}
    assert not questions & {normalised(p.question) for name, s in splits.items() if "test" in name for p in s}
    assert not {masked_sql(p.sql) for p in learned} & {masked_sql(p.sql) for p in splits.test_structure}
    assert not {p.combination for p in learned} & {p.combination for p in splits.test_structure}
    assert not {p.template_id for p in learned} & {p.template_id for p in splits.test_template}
    leak_check(splits)


def test_where_a_pair_goes_does_not_depend_on_order(pairs: list[Pair], splits: Splits) -> None:
    again = split_pairs(pairs[::-1], shares=SHARES)
    assert {p.id for p in again.test_structure} == {p.id for p in splits.test_structure}
    assert {p.id for p in again.test_template} == {p.id for p in splits.test_template}


@pytest.mark.parametrize("kind", ["question", "structure", "template"])
def test_a_leak_is_found(splits: Splits, kind: str) -> None:
    known = splits.train[0]
    if kind == "question":
        leaky = replace(splits, test_question=(replace(known, question=known.question.upper() + "!"),))
    elif kind == "structure":
        leaky = replace(splits, test_structure=(replace(known, question="quite another question"),))
    else:
        leaky = replace(splits, test_template=(replace(known, question="quite another question"),))
    with pytest.raises(LeakError, match=kind):
        leak_check(leaky)


def test_the_baseline_is_kept_out_word_for_word_and_nearly(pairs: list[Pair]) -> None:
    asked = max((p.question for p in pairs), key=len)
    with pytest.raises(LeakError, match="baseline"):
        leak_check(Splits(tuple(pairs), (), (), (), ()), [asked.upper()])
    held = split_pairs(pairs, shares=SHARES, baseline=[asked + "s"])
    assert all(p.question != asked for _, found in held.items() for p in found)
    leak_check(held, [asked + "s"])


def test_baseline_questions_are_read(tmp_path: Path) -> None:
    path = tmp_path / "baseline.jsonl"
    assert baseline_questions(path) == []
    path.write_text('{"id": "1", "question": "how many?", "sql": "SELECT 1"}\n\n', encoding="utf-8")
    assert baseline_questions(path) == ["how many?"]


def test_the_dataset_is_what_the_agent_would_have_asked(shop: Shop, splits: Splits, tmp_path: Path) -> None:  # noqa: F811
    engine = create_engine(shop.url)
    with MemoryStore.open(tmp_path / "chroma") as store:
        sync(engine, shop.layer, store, tmp_path)
        retriever = Retriever(store, shop.catalog, shop.layer, load_values(tmp_path, shop.catalog, shop.layer))
        report = build_dataset(splits, retriever, dialect="sqlite", out_dir=tmp_path / "set")
        again = build_dataset(splits, retriever, dialect="sqlite", out_dir=tmp_path / "again")
    engine.dispose()
    assert report.sha256 == again.sha256
    assert report.counts["train"] == len(splits.train)
    rows = [json.loads(line) for line in (tmp_path / "set" / "train.jsonl").read_text().splitlines()]
    assert [m["role"] for m in rows[0]["messages"]] == ["system", "user", "assistant"]
    assert rows[0]["messages"][2]["content"] == splits.train[0].sql
    assert rows[0]["messages"][1]["content"].endswith(f"question: {splits.train[0].question}")
    assert sum("metric " in r["messages"][1]["content"] for r in rows) > len(rows) * 0.4
    pack = [json.loads(line) for line in (tmp_path / "set" / "packs" / "test_structure.jsonl").read_text().splitlines()]
    assert {"id", "question", "sql", "difficulty"} <= set(pack[0])


def test_nothing_is_written_when_training_knows_a_test(shop: Shop, splits: Splits, tmp_path: Path) -> None:  # noqa: F811
    leaky = replace(splits, test_question=splits.train[:1])
    with MemoryStore.open(tmp_path / "chroma") as store, pytest.raises(LeakError):
        build_dataset(leaky, Retriever(store, shop.catalog, shop.layer), dialect="sqlite", out_dir=tmp_path / "set")
    assert not (tmp_path / "set").exists()


# -- formats ---------------------------------------------------------------------------------------------------------

words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=60).filter(lambda t: "<|im_" not in t)


@given(system=words, user=words, reply=words)
@pytest.mark.parametrize("name", CHAT_FORMATS)
def test_a_conversation_survives_every_format(name: str, system: str, user: str, reply: str) -> None:
    messages: Messages = (("system", system), ("user", user), ("assistant", reply))
    assert from_format(json.loads(json.dumps(to_format(messages, name))), name) == messages
    short = messages[1:]
    assert from_format(to_format(short, name), name) == short


@pytest.mark.parametrize("name", CHAT_FORMATS)
def test_files_of_conversations(name: str, tmp_path: Path) -> None:
    chats: list[Messages] = [
        (("user", "how many?"), ("assistant", "SELECT 1")),
        (("user", "é\n2"), ("assistant", "SELECT 2")),
    ]
    path = tmp_path / "chats.jsonl"
    assert write_chats(path, chats, name) == 2
    assert list(read_chats(path, name)) == chats
    path.write_text('{"nothing": 1}\n', encoding="utf-8")
    with pytest.raises(FormatError, match="line 1"):
        list(read_chats(path, name))


def test_what_a_format_cannot_hold_is_refused() -> None:
    with pytest.raises(FormatError, match="end a turn"):
        to_format((("user", "<|im_end|>"), ("assistant", "x")), "chatml")
    with pytest.raises(FormatError, match="one exchange"):
        to_format((("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")), "alpaca")
    with pytest.raises(FormatError, match="no format"):
        to_format((), "parquet")


def test_a_pair_survives_the_template_record(pairs: list[Pair]) -> None:
    for pair in pairs[:100]:
        assert from_template_record(json.loads(json.dumps(to_template_record(pair)))) == pair


def test_a_foreign_template_record_is_read() -> None:
    record = {
        "nlq": "crew listed as shoot in Berlin",
        "sql": "SELECT name FROM crew WHERE role = 'director of photography' AND city = 'Berlin'",
        "template_id": 12,
        "nlq_template": "crew listed as {role} in {city}",
        "sql_template": "SELECT name FROM crew WHERE role = '{role}' AND city = '{city}'",
        "parameter_mapping": {"role": {"surface": "shoot", "value": "director of photography"}, "Berlin": "Berlin"},
        "tags": [{"type": "entity", "subtype": "crew"}],
    }
    pair = from_template_record(record)
    assert pair.id == pair_id(pair.question, pair.sql)
    assert (pair.parameters[0].surface, pair.parameters[0].value) == ("shoot", "director of photography")
    assert pair.dialect == "tsql"
    with pytest.raises(FormatError):
        from_template_record({"nlq": "no sql"})
