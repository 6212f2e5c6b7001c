"""The alarm about scans: real records on real ledgers, an alarm where a change inflates them, and none where not."""

# ruff: noqa: F401, F811  pytest finds fixtures by their imported names
from __future__ import annotations

import itertools
import json
import random
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures_audit_parts import Ticking, sqlite_url
from fixtures_cli import COUNT, Run, built_workspace, model, plain_environment, run, workspace
from fixtures_doctor import Shop, shop, shop_on
from fixtures_eval_model import ScriptedModel

from audit.ledger import Ledger
from audit.rank_test import tends_larger
from audit.record import Entry
from audit.scans import MIN_RUNS, Comparison, Configuration, Scans, scans

SEEDS = 400


def entries(
    scanned: Iterable[int], *, model_hash: str = "m1", policy: str = "p1", prompt: str = "w1", **more: Any
) -> Iterator[Entry]:
    """The records of one run for each number, as a run writes them, as far as they are read here."""
    for number, rows in enumerate(scanned):
        run_id = str(uuid.uuid4())
        started = {
            "question": "How many?",
            "direct": more.get("direct", False),
            "prompt_fingerprint": prompt,
            "policy_fingerprint": policy,
            "settings_hash": "s1",
        }
        yield Entry("run.started", started, run_id, "ana")
        drafted = {"origin": "model", "model": "m", "model_hash": model_hash, "prompt_style": "compact"}
        yield Entry("run.drafted", drafted, run_id)
        weighed = {"estimate": {"scanned_rows": rows, "rows_out": 1}, "no_estimate": ""}
        sql = f"SELECT {number}"
        # over a budget now and then: what was stopped counts as what was run
        yield Entry("run.estimated" if number % 7 == 3 else "run.intent", {"draft": 0, "sql": sql, **weighed}, run_id)


def some_scans(dice: random.Random, runs: int, factor: float = 1.0) -> list[int]:
    """Like those of real questions: over several powers of ten, with many equal (whole tables) among them."""
    tables = (91, 830, 2155, 6_400)
    return [
        round(factor * (dice.choice(tables) if dice.random() < 0.6 else 10 ** dice.uniform(1, 6))) for _ in range(runs)
    ]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(sqlite_url(tmp_path), workspace="shop", clock=Ticking()) as opened:
        yield opened


def drawn(seed: int) -> tuple[list[int], list[int]]:
    """Before and after, from one distribution and of any size that is judged."""
    dice = random.Random(seed)
    return some_scans(dice, dice.randint(MIN_RUNS, 80)), some_scans(dice, dice.randint(MIN_RUNS, 80))


def compared(before: Iterable[int], after: Iterable[int]) -> Comparison:
    left = Scans(Configuration("m1", "w1 compact", "p1", "s1"), "1", "2", tuple(before))
    return Comparison(left, Scans(Configuration("m2", "w1 compact", "p1", "s1"), "3", "4", tuple(after)))


@pytest.mark.parametrize("seed", range(6))
def test_a_ledger_gives_what_was_put_on_it(ledger: Ledger, seed: int) -> None:
    before, after = drawn(seed)
    ledger.append_many([*entries(before), *entries(after, model_hash="m2")])
    _, found = scans(ledger)
    assert found is not None
    assert (found.before.scanned, found.after.scanned) == (tuple(before), tuple(after))
    assert found.p_value == compared(before, after).p_value


def test_no_false_alarm_where_nothing_changed_but_the_model() -> None:
    assert [seed for seed in range(SEEDS) if compared(*drawn(seed)).is_inflated] == []


def test_the_alarm_rises_for_a_factor_and_not_for_one_monster() -> None:
    ordinary = some_scans(random.Random(7), 60)
    raised = [compared(ordinary, some_scans(random.Random(seed), 60, factor=10)) for seed in range(100, 150)]
    assert sum(each.is_inflated for each in raised) >= 48
    assert not compared(ordinary, [*ordinary[:-1], 10**15]).is_inflated
    assert not compared(ordinary, [round(rows * 1.3) for rows in ordinary]).is_inflated
    assert not compared(ordinary, [rows // 10 for rows in ordinary]).is_inflated


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"model_hash": "m2"}, ("model",)),
        ({"prompt": "w2"}, ("prompt",)),
        ({"policy": "p2"}, ("policy",)),
        ({"model_hash": "m2", "policy": "p2"}, ("model", "policy")),
    ],
)
def test_what_changed_is_named(ledger: Ledger, changes: dict[str, str], named: tuple[str, ...]) -> None:
    ledger.append_many([*entries([100] * 25), *entries([5_000] * 25, **changes)])
    _, found = scans(ledger)
    assert found is not None
    assert (found.changed, found.is_inflated, round(found.ratio)) == (named, True, 50)


def test_too_few_runs_and_other_runs_do_not_count(ledger: Ledger) -> None:
    ledger.append_many([*entries([100] * 25), *entries([9_000] * (MIN_RUNS - 1), model_hash="m2")])
    assert scans(ledger)[1] is None
    ledger.append_many(list(entries([9_000] * 30, model_hash="m2", direct=True)))  # the control
    assert scans(ledger)[1] is None
    ledger.append_many(list(entries([9_000], model_hash="m2")))
    _, found = scans(ledger)
    assert found is not None
    assert found.is_inflated


def test_a_fallback_asked_now_and_then_hides_nothing(ledger: Ledger) -> None:
    ledger.append_many([*entries([100] * 25), *entries([9_000] * 25, model_hash="m2"), *entries([1], model_hash="f")])
    configurations, found = scans(ledger)
    assert len(configurations) == 3
    assert found is not None
    assert (found.before.configuration.model, found.after.configuration.model) == ("m1", "m2")


def test_only_the_newest_runs_are_read(ledger: Ledger) -> None:
    ledger.append_many([*entries([100] * 25), *entries([9_000] * 25, model_hash="m2")])
    configurations, found = scans(ledger, last=30)
    assert [len(each.scanned) for each in configurations] == [5, 25]
    assert found is None


@pytest.mark.parametrize("seed", range(12))
def test_the_rank_test_is_close_to_counting_every_split(seed: int) -> None:
    """The exact p-value: of all ways to deal the values out, the share in which one side ranks as high."""
    dice = random.Random(seed)
    ours, theirs = [dice.randint(1, 9) + (seed % 3) for _ in range(8)], [dice.randint(1, 9) for _ in range(7)]
    values = [*ours, *theirs]
    beaten = {value: sum((other < value) + (other == value) / 2 for other in values) for value in values}
    dealt = sum(beaten[value] for value in ours)
    splits = list(itertools.combinations(range(15), 8))
    exact = sum(sum(beaten[values[i]] for i in split) >= dealt - 1e-9 for split in splits) / len(splits)
    assert tends_larger(ours, theirs) == pytest.approx(exact, abs=0.02)


def test_the_rank_test_at_its_edges() -> None:
    assert tends_larger([5] * 9, [5] * 9) == 1
    assert tends_larger(range(100, 130), range(30)) < 1e-9
    assert tends_larger(range(30), range(100, 130)) > 0.999
    with pytest.raises(ValueError, match="each sample"):
        tends_larger([], [1])


def test_the_command_and_doctor_tell(
    workspace: Path, model: ScriptedModel, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agent.services import workspace_name
    from agent.settings import load_settings

    assert run("ask", COUNT, "--format", "json").json["status"] == "answered"
    quiet = run("runs", "scans", "--format", "json")
    assert (quiet.code, quiet.json["comparison"]) == (0, None)
    (real,) = quiet.json["configurations"]
    assert (real["runs"], real["median"]) == (1, 200.0)
    settings = load_settings(workspace)
    with Ledger.open(settings.ledger_url, workspace=workspace_name(settings), create=False) as ledger:
        ledger.append_many([*entries([100] * 25), *entries([9_000] * 25, model_hash="m2")])
    told = run("runs", "scans")
    assert told.code == 1
    assert "INFLATED" in told.out
    assert "model changed" in told.out
    checks = json.loads(run("doctor", "--format", "json").out)["checks"]
    (found,) = [check for check in checks if check["check"] == "scans"]
    assert found["severity"] == "warning"
    assert "a median of 9,000 rows a run, 100 before (25 runs and 25" in found["what"]
