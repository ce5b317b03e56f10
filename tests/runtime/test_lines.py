"""Chains of bare nodes are walked in place: whatever comes in between has to be seen at once."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

import processengine as pe
from processengine.testing import NodeSketch, Sketch, chances, run_virtual

from ._drama import Drama, NodeEnd, Plan

LENGTH = 6
Meddle = Callable[[pe.ActorHandle], object]


class Line:
    """A chain of bare nodes, one of which does something to its own execution."""

    def __init__(self, place: int, meddle: Meddle) -> None:
        self.visited: list[str] = []
        self.handle: pe.ActorHandle
        self._place = place
        self._meddle = meddle

    def definition(self) -> pe.ProcessDefinition:
        process = pe.ProcessBuilder("line")
        last = None
        for number in range(LENGTH):
            node = process.node(f"n{number}", self._node(number))
            if last is not None:
                last.then(node)
            last = node
        return process.build()

    def _node(self, number: int) -> Callable[[], object]:
        async def run() -> int:
            context = pe.current()
            assert (context.node, context.step) == (f"n{number}", number + 1)
            self.visited.append(context.node)
            if number == self._place:
                self._meddle(self.handle)
            return number

        return run

    async def begin(self, runtime: pe.Runtime) -> None:
        self.handle = await runtime.spawn(self.definition())

    def names(self, until: int = LENGTH) -> list[str]:
        return [f"n{number}" for number in range(until)]


@pytest.mark.parametrize("place", range(LENGTH))
async def test_a_pause_from_within_holds_the_next_node(
    autojump_clock: MockClock, place: int
) -> None:
    line = Line(place, lambda handle: handle.pause())
    async with pe.open_runtime() as runtime:
        await line.begin(runtime)
        await trio.sleep(1)
        assert line.visited == line.names(place + 1)
        line.handle.resume()
        outcome = await line.handle.result()
    assert outcome.state == "completed"
    assert line.visited == line.names()


@pytest.mark.parametrize("place", range(LENGTH))
async def test_a_cancel_from_within_is_the_end(autojump_clock: MockClock, place: int) -> None:
    line = Line(place, lambda handle: handle.cancel("enough"))
    async with pe.open_runtime() as runtime:
        await line.begin(runtime)
        outcome = await line.handle.result()
    assert (outcome.state, outcome.reason) == ("cancelled", "enough")
    assert line.visited == line.names(place + 1)


async def test_a_large_variable_written_meanwhile_stays_counted(autojump_clock: MockClock) -> None:
    line = Line(2, lambda handle: handle.update(n3="x" * 1000, other="y" * 1000))
    async with pe.open_runtime() as runtime:
        await line.begin(runtime)
        outcome = await line.handle.result()
        assert outcome.memory["n3"] == 3
        assert 1000 < line.handle.status().memory_size < 2000


async def test_a_watcher_sees_the_rest_of_the_line(autojump_clock: MockClock) -> None:
    watches: list[pe.Watch[pe.Event]] = []
    line = Line(2, lambda handle: watches.append(handle.watch()))
    async with pe.open_runtime() as runtime:
        await line.begin(runtime)
        await line.handle.result()
        events = [event async for event in watches[0]]
    told = [(event.kind, event.node) for event in events if isinstance(event, pe.NodeEvent)]
    assert [node for kind, node in told if kind == "started"] == ["n3", "n4", "n5"]
    assert [node for kind, node in told if kind == "completed"] == ["n2", "n3", "n4", "n5"]


async def test_the_history_tells_every_node(autojump_clock: MockClock) -> None:
    line = Line(0, lambda handle: None)
    async with pe.open_runtime() as runtime:
        await line.begin(runtime)
        outcome = await line.handle.result()
    steps = [getattr(record.message, "step", 0) for record in outcome.history]
    assert steps == [0, 1, 2, 3, 4, 5, 6]


async def test_a_status_in_the_middle_names_the_node(autojump_clock: MockClock) -> None:
    seen: list[pe.Status] = []
    line = Line(3, lambda handle: seen.append(handle.status()))
    async with pe.open_runtime() as runtime:
        await line.begin(runtime)
        await line.handle.result()
    [status] = seen
    assert [(node.node, node.step, node.phase) for node in status.nodes] == [("n3", 4, "running")]


def draw_line(random: Random) -> Plan:
    """A chain of bare nodes, some of which take time or fail, and a script."""
    nodes = tuple(
        NodeSketch(is_bare=random.randrange(5) > 0, attempts=1 + random.randrange(2))
        for _ in range(LENGTH)
    )
    links = tuple((number, "out", number + 1) for number in range(LENGTH - 1))
    ends: tuple[NodeEnd, ...] = ("out", "out", "out", "fails", "swallows", "other")
    acts = ("pause", "interrupt", "resume", "update", "query", "retry", "skip", "cancel")
    return Plan(
        Sketch(nodes, links),
        {
            Sketch.name(number): ((float(random.choice((0, 0, 1))), random.choice(ends)),)
            for number in range(LENGTH)
        },
        tuple(
            (float(random.choice((0, 0, 1))), random.choice(acts))
            for _ in range(random.randrange(6))
        ),
        random.choice((None, 1)),
    )


@settings(max_examples=2 * settings().max_examples)
@given(plan=chances().map(draw_line), schedule=chances())
def test_lines_keep_every_promise_of_executions(plan: Plan, schedule: Random) -> None:
    drama = Drama(plan)
    run_virtual(drama.play, random=schedule)
    drama.check()


@settings(max_examples=settings().max_examples)
@given(plan=chances().map(draw_line), bare=st.lists(st.booleans(), min_size=6, max_size=6))
def test_it_makes_no_difference_whether_a_node_is_bare(plan: Plan, bare: list[bool]) -> None:
    def played(plan: Plan) -> tuple[object, ...]:
        drama = Drama(plan)
        run_virtual(drama.play, random=Random(0))
        assert drama.outcome is not None
        return drama.outcome.state, drama.outcome.memory, drama.trace

    nodes = tuple(
        attrs.evolve(node, is_bare=is_bare)
        for node, is_bare in zip(plan.sketch.nodes, bare, strict=True)
    )
    other = attrs.evolve(plan, sketch=attrs.evolve(plan.sketch, nodes=nodes))
    assert played(plan) == played(other)
