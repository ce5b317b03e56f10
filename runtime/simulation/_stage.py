"""Stand-ins for the functions of a process: they play in virtual time, and notes are kept."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any

import attrs
import trio

from ..definition import Binding, Each, Function, Node, NodeContext, Process, ProcessDefinition
from ..execution import current
from ._report import RunOutcome, TaskRun
from ._turnstile import Turnstile


class Stage:
    """Where the stand-ins of one simulation play; `runs` is what they did."""

    def __init__(self, durations: Mapping[str, float], turnstile: Turnstile) -> None:
        self.runs: list[TaskRun] = []
        self._durations = durations
        self._turnstile = turnstile

    def staged(self, definition: ProcessDefinition) -> ProcessDefinition:
        """The same process with stand-ins, in the processes that it calls too."""
        made: dict[ProcessDefinition, ProcessDefinition] = {}
        for each in calls_first(definition):
            nodes = tuple(self._node(node, made) for node in each.nodes)
            made[each] = attrs.evolve(each, nodes=nodes)
        return made[definition]

    def _node(self, node: Node, made: Mapping[ProcessDefinition, ProcessDefinition]) -> Node:
        kind = node.kind
        if isinstance(kind, Function):
            return attrs.evolve(node, kind=self._function(kind, node.name))
        if isinstance(kind, Each):
            body = self._function(kind.body, node.name)
            return attrs.evolve(node, kind=attrs.evolve(kind, body=body))
        if isinstance(kind, Process):
            return attrs.evolve(node, kind=Process(made[kind.definition]))
        return node

    def _function(self, function: Function, node: str) -> Function:
        seconds = self._durations.get(node)
        if seconds is None:
            return attrs.evolve(function, call=_Actor(self, function), runs="async")
        call, binding = _Sleeper(self, seconds), Binding(node, ())
        return attrs.evolve(function, call=call, binding=binding, runs="async")

    async def perform(self, part: _Part, *args: Any, **named: Any) -> Any:
        """Play a part, and note when it began and ended."""
        context, began = current(), trio.current_time()
        outcome: RunOutcome = "cancelled"
        try:
            try:
                result = await part.play(*args, **named)
            finally:
                await self._turnstile.pass_through(_name(context))
            outcome = "completed"
            return result
        except Exception:  # not handled, only noted
            outcome = "failed"
            raise
        finally:
            self.runs.append(_run(context, began, trio.current_time(), outcome))


class _Part:
    """The function of one node, played on a stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def __call__(self, *args: Any, **named: Any) -> Any:
        return await self._stage.perform(self, *args, **named)

    async def play(self, *args: Any, **named: Any) -> Any:
        raise NotImplementedError


class _Sleeper(_Part):
    """Does nothing but take its time."""

    def __init__(self, stage: Stage, seconds: float) -> None:
        super().__init__(stage)
        self._seconds = seconds

    async def play(self, *args: Any, **named: Any) -> None:
        await trio.sleep(self._seconds)


class _Actor(_Part):
    """Calls the function itself, not in a thread or process: virtual time would outrun those."""

    def __init__(self, stage: Stage, function: Function) -> None:
        super().__init__(stage)
        self._function = function

    async def play(self, *args: Any, **named: Any) -> Any:
        result = self._function.call(*args, **named)
        return await result if inspect.isawaitable(result) else result


def calls_first(definition: ProcessDefinition) -> Iterator[ProcessDefinition]:
    """A process and those it calls, directly or not, each after the ones that it calls itself."""
    calls: dict[ProcessDefinition, list[ProcessDefinition]] = {}
    unseen = [definition]
    while unseen:
        each = unseen.pop()
        if each not in calls:
            kinds = (node.kind for node in each.nodes)
            calls[each] = [kind.definition for kind in kinds if isinstance(kind, Process)]
            unseen += calls[each]
    return iter(TopologicalSorter(calls).static_order())


def duration_faults(definition: ProcessDefinition, durations: Mapping[str, float]) -> Iterator[str]:
    """What is wrong with durations given by name of a node."""
    functions = {
        node.name
        for each in calls_first(definition)
        for node in each.nodes
        if isinstance(node.kind, (Function, Each))
    }
    for name, seconds in durations.items():
        if name not in functions:
            yield f"{name!r} is no node that calls a function"
        elif not 0 <= seconds < math.inf:
            yield f"{name!r}: expected a number of seconds from 0, got {seconds!r}"


def _name(context: NodeContext) -> str:
    return f"{context.execution} {context.step} {context.attempt}"


def _run(context: NodeContext, began: float, ended: float, outcome: RunOutcome) -> TaskRun:
    return TaskRun(
        context.execution, context.node, context.step, context.attempt, context.item, began, ended,
        outcome,
    )  # fmt: skip
