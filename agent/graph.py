"""The whole of a run, as a graph: read this file and you have seen the product.

    recall → ground → clarify → generate → guard → execute → check → answer
                                              ↑        ↓       ↓
                                              └──── repair ────┘

`--direct` is the control: ground → generate → guard → execute → answer, one draft, no second try.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from agent.errors import ErrorClass, handling
from agent.run import RunState

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.graph.state import CompiledStateGraph

    from agent.services import Services

__all__ = ["build_graph"]

_BEFORE_WORK = ("open", "model_start")
"""Stages that say nothing of how long the question took."""

Step = Callable[[RunState, "Services"], dict[str, Any]]


class _Node(Protocol):
    def __call__(self, state: RunState) -> dict[str, Any]: ...


def build_graph(
    services: Services, checkpointer: BaseCheckpointSaver[Any] | None = None
) -> CompiledStateGraph[RunState, None, RunState, RunState]:
    """Wire the steps to the opened services. The graph holds no state of its own; every run has its own thread."""
    from langgraph.graph import END, START, StateGraph

    from agent.steps import answer, check, clarify, execute, generate, ground, guard, recall, repair

    graph = StateGraph(RunState)
    for name, step in {
        "recall": recall.node,
        "ground": ground.node,
        "clarify": clarify.node,
        "generate": generate.node,
        "guard": guard.node,
        "execute": execute.node,
        "repair": repair.node,
        "check": check.node,
        "answer": answer.node,
    }.items():
        graph.add_node(name, _timed(name, step, services))

    def from_start(state: RunState) -> str:
        if clarify.objection(state["question"], services, direct=state["direct"]) is not None:
            return "clarify"
        return "ground" if state["direct"] or state.get("replay_of") else "recall"

    def from_ground(state: RunState) -> str:
        if state.get("drafts"):
            return "guard"
        return "generate" if state["direct"] else "clarify"

    def from_clarify(state: RunState) -> str:
        return "answer" if "status" in state else "generate"

    def from_generate(state: RunState) -> str:
        return "guard" if state.get("drafts") else "answer"

    def from_guard(state: RunState) -> str:
        verdict = state["verdict"]
        return "execute" if verdict.allowed else repair_or_answer(state, verdict.error_class)

    def from_execute(state: RunState) -> str:
        error = state["outcome"].error
        if error is not None:
            return repair_or_answer(state, error.error_class)
        return "answer" if state["direct"] else "check"

    def from_repair(state: RunState) -> str:
        return "answer" if state.get("error") else "guard"

    def from_check(state: RunState) -> str:
        failed = any(finding.severity == "error" for finding in state.get("findings", ()))
        return repair_or_answer(state, ErrorClass.CHECK_FAILED) if failed else "answer"

    def repair_or_answer(state: RunState, error_class: str) -> str:
        settings = services.settings
        worked_ms = sum(spent for stage, spent in state["timings_ms"].items() if stage not in _BEFORE_WORK)
        in_time = worked_ms < settings.model.timeout_s * 1000
        tries_left = in_time and state.get("attempts", 0) < settings.limits.max_repairs
        recalled = state["drafts"][state["current"]].origin == "verified_query"
        over_budget = error_class in {ErrorClass.COST_NOT_ACCEPTED, ErrorClass.TOO_EXPENSIVE}  # for the asker to mend
        mendable = bool(error_class) and handling(ErrorClass(error_class)).is_repairable
        repairable = mendable or (recalled and not over_budget)
        return "repair" if tries_left and repairable and not state["direct"] else "answer"

    graph.add_conditional_edges(START, from_start, ["clarify", "recall", "ground"])
    graph.add_edge("recall", "ground")
    graph.add_conditional_edges("ground", from_ground, ["guard", "clarify", "generate"])
    graph.add_conditional_edges("clarify", from_clarify, ["generate", "answer"])
    graph.add_conditional_edges("generate", from_generate, ["guard", "answer"])
    graph.add_conditional_edges("guard", from_guard, ["execute", "repair", "answer"])
    graph.add_conditional_edges("execute", from_execute, ["check", "repair", "answer"])
    graph.add_conditional_edges("repair", from_repair, ["guard", "answer"])
    graph.add_conditional_edges("check", from_check, ["repair", "answer"])
    graph.add_edge("answer", END)
    return graph.compile(checkpointer=checkpointer)


def _timed(name: str, step: Step, services: Services) -> _Node:
    """The step as the graph calls it; its milliseconds are added up when it runs more than once.

    A step gives as `apart_ms` what part of its time is to be counted under another name.
    """

    def node(state: RunState) -> dict[str, Any]:
        started = time.perf_counter()
        patch = step(state, services)
        elapsed_ms = (time.perf_counter() - started) * 1000
        apart: dict[str, float] = patch.pop("apart_ms", {})
        spent = dict(state.get("timings_ms", {}))
        for stage, milliseconds in {**apart, name: elapsed_ms - sum(apart.values())}.items():
            spent[stage] = spent.get(stage, 0.0) + milliseconds
        return {**patch, "timings_ms": spent}

    return node
