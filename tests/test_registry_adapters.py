"""Which adapter is served: registering, promoting, rolling back, and refusing what should not be served."""

from __future__ import annotations

import json
import multiprocessing
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fixtures_gguf import LORA, PAIR, gguf_file

from agent.errors import AuditUnavailableError, ErrorClass, FailedError, RefusedError, UsageError
from agent.model.gguf import read_header
from agent.settings import ModelSettings, Settings
from finetune.adapters.adapter_file import check_adapter
from finetune.adapters.cards import register_card, register_file, write_card
from finetune.adapters.registry import (
    AdapterFigures,
    attach_figures,
    promote,
    promoted_adapter,
    read_registry,
    register,
    resolve_adapter,
    rollback,
    with_model,
)

AT = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


class Recorded(list[tuple[str, dict[str, Any]]]):
    """A ledger's place: what was put on the record, in order."""

    def __call__(self, kind: str, body: dict[str, Any]) -> None:
        json.dumps(body)
        self.append((kind, body))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "workspace" / ".affidavit"


@pytest.fixture
def record() -> Recorded:
    return Recorded()


def adapter_file(tmp_path: Path, name: str = "new") -> Path:
    path = tmp_path / f"{name}.gguf"
    path.write_bytes(b"GGUF" + name.encode() * 100)
    return path


def known(tmp_path: Path, state: Path, name: str, right: int | None = None, pack: str = "p1") -> None:
    register(state, name, adapter_file(tmp_path, name), base="smollm2", dataset_hash="d" * 64, created=AT)
    if right is not None:
        attach_figures(state, name, AdapterFigures(right, 60, 60, 60 - right, pack, "g1", AT.isoformat()))


def settings_of(state: Path, adapter: str | None = None) -> Settings:
    return Settings(workspace=state.parent, model=ModelSettings(adapter=adapter))


def test_an_empty_workspace_serves_the_base_model(state: Path) -> None:
    assert promoted_adapter(state) is None
    assert resolve_adapter(settings_of(state)) is None
    assert read_registry(state).adapters == ()


def test_registering_keeps_a_copy(tmp_path: Path, state: Path) -> None:
    source = adapter_file(tmp_path)
    adapter = register(state, "new", source, base="smollm2", dataset_hash="abc", created=AT)
    source.unlink()
    assert resolve_adapter(settings_of(state, "new")) == state / "adapters" / "new.gguf"
    assert read_registry(state).adapters == (adapter,)
    assert promoted_adapter(state) is None, "registering does not serve"
    assert [path.name for path in (state / "adapters").iterdir()] == ["new.gguf"]


def test_registering_the_same_bytes_again_changes_nothing(tmp_path: Path, state: Path) -> None:
    known(tmp_path, state, "new", right=50)
    known(tmp_path, state, "new")
    assert read_registry(state).adapter("new").figures.right == 50  # type: ignore[union-attr]


def test_a_name_stands_for_one_file(tmp_path: Path, state: Path) -> None:
    known(tmp_path, state, "new")
    with pytest.raises(UsageError, match="is taken"):
        register(state, "new", adapter_file(tmp_path, "other"), base="b", dataset_hash="", created=AT)
    assert resolve_adapter(settings_of(state, "new")), "the registered bytes were not touched"


@pytest.mark.parametrize("name", ["", "a/b", "../a", "-x", ".x", "none", "a b", "é"])
def test_a_name_is_one_plain_word(tmp_path: Path, state: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name"):
        register(state, name, adapter_file(tmp_path), base="b", dataset_hash="", created=AT)


def test_a_missing_file_is_not_registered(tmp_path: Path, state: Path) -> None:
    with pytest.raises(FailedError, match="Cannot read"):
        register(state, "new", tmp_path / "absent.gguf", base="b", dataset_hash="", created=AT)
    assert read_registry(state).adapters == ()


def test_promote_serves_and_records(tmp_path: Path, state: Path, record: Recorded) -> None:
    known(tmp_path, state, "first", right=40)
    known(tmp_path, state, "second", right=45)
    promote(state, "first", by="analyst", at=AT, record=record)
    change = promote(state, "second", by="analyst", at=AT, record=record)
    assert promoted_adapter(state) == change.adapter
    assert resolve_adapter(settings_of(state)) == state / "adapters" / "second.gguf"
    assert [kind for kind, _ in record] == ["model.promoted", "model.promoted"]
    assert record[1][1]["previous"] == "first"
    assert record[1][1]["sha256"] == change.adapter.sha256  # type: ignore[union-attr]
    assert not change.warning


def test_a_worse_adapter_is_refused_unless_forced(tmp_path: Path, state: Path, record: Recorded) -> None:
    known(tmp_path, state, "good", right=50)
    known(tmp_path, state, "worse", right=49)
    promote(state, "good", by="analyst", at=AT, record=record)
    with pytest.raises(RefusedError, match=r"49 of 60.*50 of 60") as refused:
        promote(state, "worse", by="analyst", at=AT, record=record)
    assert "--force" in refused.value.hint
    assert promoted_adapter(state).name == "good"  # type: ignore[union-attr]
    assert len(record) == 1
    change = promote(state, "worse", by="analyst", at=AT, record=record, force=True)
    assert "49 of 60" in change.warning
    assert change.promotion.forced
    assert record[-1][1]["forced"]


@pytest.mark.parametrize(("right", "pack"), [(None, "p1"), (60, "another pack")])
def test_an_adapter_not_shown_to_be_as_good_is_refused(
    tmp_path: Path, state: Path, record: Recorded, right: int | None, pack: str
) -> None:
    known(tmp_path, state, "good", right=50)
    known(tmp_path, state, "unknown", right=right, pack=pack)
    promote(state, "good", by="analyst", at=AT, record=record)
    with pytest.raises(RefusedError, match="not evaluated"):
        promote(state, "unknown", by="analyst", at=AT, record=record)


def test_force_without_need_is_not_called_forced(tmp_path: Path, state: Path, record: Recorded) -> None:
    known(tmp_path, state, "good", right=50)
    assert not promote(state, "good", by="analyst", at=AT, record=record, force=True).promotion.forced


@pytest.mark.parametrize("force", [False, True])
def test_a_missing_or_changed_file_is_never_promoted(
    tmp_path: Path, state: Path, record: Recorded, force: bool
) -> None:
    known(tmp_path, state, "new")
    file = state / "adapters" / "new.gguf"
    file.write_bytes(b"other bytes")
    with pytest.raises(FailedError, match="not the registered file") as changed:
        promote(state, "new", by="analyst", at=AT, record=record, force=force)
    assert changed.value.error_class is ErrorClass.MODEL_CORRUPT
    file.unlink()
    with pytest.raises(FailedError, match="cannot be read") as missing:
        promote(state, "new", by="analyst", at=AT, record=record, force=force)
    assert missing.value.error_class is ErrorClass.MODEL_MISSING
    assert not record


def test_a_changed_file_is_not_served(tmp_path: Path, state: Path, record: Recorded) -> None:
    known(tmp_path, state, "new")
    promote(state, "new", by="analyst", at=AT, record=record)
    (state / "adapters" / "new.gguf").write_bytes(b"other bytes")
    with pytest.raises(FailedError, match="not the registered file"):
        resolve_adapter(settings_of(state))
    assert resolve_adapter(settings_of(state, "none")) is None


def test_promoting_what_is_served_or_unknown(tmp_path: Path, state: Path, record: Recorded) -> None:
    known(tmp_path, state, "new")
    with pytest.raises(UsageError, match=r"Registered: `new`"):
        promote(state, "nwe", by="analyst", at=AT, record=record)
    promote(state, "new", by="analyst", at=AT, record=record)
    with pytest.raises(UsageError, match="already"):
        promote(state, "new", by="analyst", at=AT, record=record)


def test_rollback_goes_back_step_by_step(tmp_path: Path, state: Path, record: Recorded) -> None:
    for name in ("first", "second"):
        known(tmp_path, state, name)
        promote(state, name, by="analyst", at=AT, record=record)
    change = rollback(state, by="admin", at=AT, record=record)
    assert (change.adapter.name, change.promotion.previous) == ("first", "second")  # type: ignore[union-attr]
    assert rollback(state, by="admin", at=AT, record=record).adapter is None
    assert promoted_adapter(state) is None
    with pytest.raises(UsageError, match="nothing to roll back"):
        rollback(state, by="admin", at=AT, record=record)
    assert [kind for kind, _ in record] == ["model.promoted"] * 2 + ["model.rolled_back"] * 2
    assert [(step.action, step.name) for step in read_registry(state).history] == [
        ("promote", "first"),
        ("promote", "second"),
        ("rollback", "first"),
        ("rollback", ""),
    ]


def test_rollback_does_not_serve_a_changed_file(tmp_path: Path, state: Path, record: Recorded) -> None:
    for name in ("first", "second"):
        known(tmp_path, state, name)
        promote(state, name, by="analyst", at=AT, record=record)
    (state / "adapters" / "first.gguf").unlink()
    with pytest.raises(FailedError, match="`first` cannot be read"):
        rollback(state, by="admin", at=AT, record=record)
    assert promoted_adapter(state).name == "second"  # type: ignore[union-attr]


def test_nothing_changes_when_the_ledger_cannot_be_written(tmp_path: Path, state: Path, record: Recorded) -> None:
    def broken(kind: str, body: dict[str, Any]) -> None:
        raise AuditUnavailableError(ErrorClass.AUDIT_UNAVAILABLE, "The disk is full.")

    known(tmp_path, state, "new")
    with pytest.raises(AuditUnavailableError):
        promote(state, "new", by="analyst", at=AT, record=broken)
    assert promoted_adapter(state) is None
    promote(state, "new", by="analyst", at=AT, record=record)
    with pytest.raises(AuditUnavailableError):
        rollback(state, by="analyst", at=AT, record=broken)
    assert promoted_adapter(state).name == "new"  # type: ignore[union-attr]


def test_settings_name_an_adapter_by_path_too(tmp_path: Path, state: Path) -> None:
    file = adapter_file(tmp_path, "loose")
    assert resolve_adapter(settings_of(state, str(file))) == file
    state.parent.mkdir(parents=True)
    inside = state.parent / "mine.gguf"
    inside.write_bytes(file.read_bytes())
    assert resolve_adapter(settings_of(state, "mine.gguf")) == inside
    with pytest.raises(UsageError, match="neither a registered adapter nor a file"):
        resolve_adapter(settings_of(state, "absent"))


@pytest.mark.parametrize(
    "content",
    [
        "not json",
        "[]",
        '{"version": 9}',
        '{"version": 1, "adapters": [{"name": "a"}]}',
        '{"version": 1, "adapters": [{"name": "a", "colour": "red"}]}',
        '{"version": 1, "promoted": ["ghost"]}',
        '{"version": 1, "history": [{"when": 1}]}',
        '{"version": 1, "adapters": "abc"}',
    ],
)
def test_a_broken_registry_is_named(state: Path, content: str) -> None:
    state.mkdir(parents=True)
    (state / "models.json").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=r"models\.json is broken"):
        read_registry(state)


def test_with_model_names_an_adapter_or_a_hosted_model(state: Path) -> None:
    embedded = settings_of(state)
    assert with_model(embedded, None) is embedded
    assert with_model(embedded, "mine").model.adapter == "mine"
    hosted = Settings(workspace=state.parent, model=ModelSettings(provider="compatible", base_url="http://x/v1"))
    assert with_model(hosted, "large").model.name == "large"
    assert with_model(hosted, "large").model.adapter is None


# --- a file that somebody hands in ---------------------------------------------------------------------------


@pytest.fixture
def base_file(tmp_path: Path) -> Path:
    shapes = {"token_embd.weight": (576, 49152), "blk.0.attn_k.weight": (576, 192)}
    return gguf_file(tmp_path / "base.gguf", {"general.architecture": "llama", "general.type": "model"}, shapes)


def test_an_adapter_that_fits_passes(tmp_path: Path, base_file: Path) -> None:
    embedding = {"token_embd.weight.lora_a": (16, 49152), "token_embd.weight.lora_b": (16, 576)}
    file = gguf_file(tmp_path / "a.gguf", LORA, {**PAIR, **embedding})
    check_adapter(file, base_file)
    header = read_header(file)
    assert header.metadata == {**LORA, "adapter.lora.alpha": 32.0}
    assert header.shapes["blk.0.attn_k.weight.lora_b"] == (16, 192)


@pytest.mark.parametrize(
    ("metadata", "shapes", "problem"),
    [
        ({"general.type": "model"}, PAIR, "`general.type` is `model`"),
        ({"adapter.type": "control_vector"}, PAIR, "`adapter.type` is `control_vector`"),
        ({}, {"blk.0.attn_k.weight.lora_a": (576, 16)}, "no pair of LoRA matrices"),
        ({"general.architecture": "qwen2"}, PAIR, "for `qwen2` models, and this is a `llama` model"),
        ({}, {f"blk.9{name[5:]}": shape for name, shape in PAIR.items()}, "which this model does not have"),
        ({}, {**PAIR, "blk.0.attn_k.weight.lora_a": (960, 16)}, "is 576 x 192 in this model, and 960 x 192 in"),
    ],
)
def test_what_is_no_adapter_for_this_model_is_refused(
    tmp_path: Path, base_file: Path, metadata: dict[str, str], shapes: dict[str, tuple[int, ...]], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        check_adapter(gguf_file(tmp_path / "a.gguf", {**LORA, **metadata}, shapes), base_file)


@pytest.mark.parametrize("kept", [4, 200, 400])
def test_a_file_that_ends_too_early_is_said_to(tmp_path: Path, kept: int) -> None:
    whole = gguf_file(
        tmp_path / "a.gguf", LORA, {f"{name}{n}": shape for n in range(40) for name, shape in PAIR.items()}
    )
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole.read_bytes()[: 1024 + kept])
    with pytest.raises(FailedError) as refused:
        check_adapter(cut, None)
    assert refused.value.error_class is ErrorClass.MODEL_CORRUPT


def test_an_adapter_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    whole = gguf_file(tmp_path / "whole.gguf", LORA, PAIR)
    check_adapter(whole, None)
    (tmp_path / "cut.gguf").write_bytes(whole.read_bytes()[:-100])
    with pytest.raises(UsageError, match="ends too early"):
        check_adapter(tmp_path / "cut.gguf", None)


def test_a_header_that_lies_about_its_lengths_is_refused(tmp_path: Path) -> None:
    for head in (b"\xff" * 16, struct.pack("<QQQ", 1, 1, 2**63), struct.pack("<QQQ", 2**60, 0, 2**62)):
        file = tmp_path / "liar.gguf"
        file.write_bytes(b"GGUF" + struct.pack("<I", 3) + head + bytes(2048))
        with pytest.raises(FailedError, match="not a whole GGUF file"):
            check_adapter(file, None)


def test_the_demo_adapter_is_one() -> None:
    from demo.workspace import files

    check_adapter(Path(str(files().joinpath("adapter", "demo.gguf"))), None)


# --- the adapter a package ships -----------------------------------------------------------------------------


def shipped(tmp_path: Path, **changes: Any) -> Path:
    import hashlib

    folder = tmp_path / "shipped"
    folder.mkdir()
    content = b"GGUF adapter"
    (folder / "demo.gguf").write_bytes(content)
    card = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "base": "smollm2-135m-instruct",
        "dataset_hash": "d" * 64,
        "created": AT.isoformat(),
        "figures": {
            "right": 55,
            "total": 60,
            "answered": 58,
            "wrong": 3,
            "pack_hash": "p",
            "gold_hash": "g",
            "evaluated": AT.isoformat(),
        },
        "remarks": "for people",
    }
    (folder / "card.json").write_text(json.dumps({**card, **changes}), encoding="utf-8")
    return folder


def test_a_shipped_adapter_comes_with_its_figures(tmp_path: Path, state: Path, record: Recorded) -> None:
    folder = shipped(tmp_path)
    adapter = register_card(state, folder, name="demo")
    assert adapter.figures is not None
    assert adapter.figures.accuracy == pytest.approx(55 / 60)
    assert register_card(state, folder, name="demo") == adapter
    assert promote(state, "demo", by="analyst", at=AT, record=record).adapter == adapter


def test_a_file_comes_with_the_card_beside_it(tmp_path: Path, state: Path) -> None:
    folder = shipped(tmp_path, dialect="sqlite")
    made = register_file(state, folder / "demo.gguf", name="mine", base="another", created=datetime.now(UTC))
    assert (made.base, made.created, made.dialect) == ("smollm2-135m-instruct", AT.isoformat(), "sqlite")
    assert made.figures is not None
    told = register_file(
        state, folder / "demo.gguf", name="other", base="another", created=datetime.now(UTC), dialect="duckdb"
    )
    assert told.dialect == "duckdb"
    (folder / "demo.gguf").write_bytes(b"GGUF another")
    with pytest.raises(FailedError, match=r"not the file that .*card\.json describes"):
        register_file(state, folder / "demo.gguf", name="third", base="another", created=AT)
    (folder / "card.json").unlink()
    bare = register_file(state, folder / "demo.gguf", name="third", base="another", created=AT)
    assert (bare.base, bare.figures) == ("another", None)


def test_an_installation_without_the_adapter_says_so(tmp_path: Path, state: Path) -> None:
    with pytest.raises(FailedError, match="ships no `demo` adapter") as missing:
        register_card(state, tmp_path, name="demo")
    assert missing.value.error_class is ErrorClass.MODEL_MISSING
    assert "train lora" in missing.value.hint


@pytest.mark.parametrize(
    "changes", [{"sha256": "0" * 64}, {"created": "yesterday"}, {"figures": {"right": 1}}, {"base": None, "sha256": ""}]
)
def test_a_card_that_does_not_fit_is_refused(tmp_path: Path, state: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(FailedError) as refused:
        register_card(state, shipped(tmp_path, **changes), name="demo")
    assert refused.value.error_class is ErrorClass.MODEL_CORRUPT
    assert read_registry(state).adapters == ()


def _register_one(arguments: tuple[Path, Path]) -> None:
    state, file = arguments
    register(state, file.stem, file, base="b", dataset_hash="", created=AT)


def test_processes_do_not_lose_each_others_registrations(tmp_path: Path, state: Path) -> None:
    files = [adapter_file(tmp_path, f"a{i}") for i in range(6)]
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.map(_register_one, [(state, file) for file in files])
    assert {adapter.name for adapter in read_registry(state).adapters} == {file.stem for file in files}


def test_an_exported_card_registers_elsewhere_with_everything_it_said(tmp_path):
    file = tmp_path / "trained.gguf"
    file.write_bytes(b"GGUF" + bytes(64))
    here, there = tmp_path / "here", tmp_path / "there"
    created = datetime(2026, 1, 2, tzinfo=UTC)
    made = register(here, "night", file, base="base", dataset_hash="d" * 64, created=created, dialect="sqlite")
    write_card(here, "night", tmp_path / "shipped", made={"steps": 3})
    assert register_card(there, tmp_path / "shipped", name="night") == made
