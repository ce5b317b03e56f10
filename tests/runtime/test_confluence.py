"""Graphs whose result is known beforehand: under every schedule, every script, it comes out."""

from __future__ import annotations

from random import Random

import attrs
import trio
from hypothesis import given

import processengine as pe
from processengine.testing import chances, run_virtual

STEP = 0.5
"""Seconds; every duration is a multiple of it, so that much happens at the same time."""


@attrs.frozen
class Plan:
    """An acyclic graph: for each node those before it, how long it takes, how often it fails.

    `script` is what is done from outside, and how many steps after the one before.
    """

    before: tuple[tuple[int, ...], ...]
    steps: tuple[int, ...]
    failures: tuple[int, ...]
    script: tuple[tuple[int, str], ...]
    workers: int | None


def draw_plan(random: Random) -> Plan:
    size = 1 + random.randrange(7)
    acts = ("pause", "interrupt", "update", "signal")
    return Plan(
        tuple(tuple(n for n in range(node) if random.randrange(2)) for node in range(size)),
        tuple(random.randrange(3) for _ in range(size)),
        tuple(random.choice((0, 0, 1, 2)) for _ in range(size)),
        tuple((random.randrange(3), random.choice(acts)) for _ in range(random.randrange(6))),
        random.choice((None, 1, 2)),
    )


plans = chances().map(draw_plan)


@attrs.define
class Run:
    """Plays a plan, and keeps what happened."""

    plan: Plan
    held: bool = False
    begun: list[str] = attrs.field(factory=list[str])
    left: int = 0
    faults: list[str] = attrs.field(factory=list[str])
    done: dict[int, str] = attrs.field(factory=dict[int, str])

    def definition(self) -> pe.ProcessDefinition:
        """The graph as a process; every node joins all that are before it."""
        process = pe.ProcessBuilder("confluent")
        again = pe.Retry(attempts=3, initial=STEP, jitter="none")
        nodes = [
            process.node(name(number), self.work, retry=again)
            for number in range(len(self.plan.before))
        ]
        for number, before in enumerate(self.plan.before):
            for earlier in before:
                nodes[earlier].then(nodes[number])
        return process.build()

    async def work(self, context: pe.NodeContext) -> str:
        """Sleep, fail as often as planned, then make a result of those before."""
        self.begun.append(context.node)
        if self.held:
            self.faults.append(f"{context.node} started while paused")
        number = ord(context.node) - ord("a")
        try:
            await trio.sleep(STEP * self.plan.steps[number])
        finally:
            self.left += 1
        if self.begun.count(context.node) <= self.plan.failures[number]:
            raise ValueError(context.node)
        return self._finish(number)

    def _finish(self, number: int) -> str:
        before = self.plan.before[number]
        if number in self.done:
            self.faults.append(f"{name(number)} completed twice")
        if not self.done.keys() >= set(before):
            self.faults.append(f"{name(number)} came before what it joins")
            return ""
        self.done[number] = name(number) + "".join(f"({self.done[each]})" for each in before)
        return self.done[number]

    async def act(self, handle: pe.ActorHandle, what: str) -> None:
        """Do something from outside; a pause is held for a while."""
        if what == "update":
            handle.update(noted=True)
        elif what == "signal":
            handle.signal("nobody")
        elif await handle.pause("drain" if what == "pause" else "interrupt") == "paused":
            self.held = True
            await trio.sleep(3 * STEP)
            self.held = False
            await handle.resume()

    async def play(self) -> pe.Outcome:
        """Run the script beside the execution, to the end of both."""
        async with pe.open_runtime(worker_pool_size=self.plan.workers, seed=0) as runtime:
            handle = await runtime.spawn(self.definition())
            for steps, what in self.plan.script:
                await trio.sleep(STEP * steps)
                await self.act(handle, what)
            return await handle.result()

    async def play_and_cancel(self, after: float) -> tuple[list[pe.Outcome], list[pe.Event]]:
        """Run, with two tasks that cancel at the same time; outcomes and what a watcher saw."""
        async with pe.open_runtime(worker_pool_size=self.plan.workers, seed=0) as runtime:
            handle = await runtime.spawn(self.definition())
            watch = handle.watch()
            results = [handle.result() for _ in range(2)]
            async with trio.open_nursery() as nursery:
                for reason in ("one", "other"):
                    nursery.start_soon(cancel_after, handle, after, reason)
                outcomes = [await result for result in results]
            return outcomes, [event async for event in watch]


async def cancel_after(handle: pe.ActorHandle, seconds: float, reason: str) -> None:
    await trio.sleep(seconds)
    await handle.cancel(reason)


def name(number: int) -> str:
    return chr(ord("a") + number)


def expected(plan: Plan) -> dict[str, str]:
    """What every node makes, in the order of the nodes."""
    made: dict[str, str] = {}
    for number, before in enumerate(plan.before):
        parts = "".join(f"({made[name(each)]})" for each in before)
        made[name(number)] = name(number) + parts
    return made


@given(plan=plans, schedule=chances())
def test_the_result_does_not_depend_on_schedule_failures_or_pauses(
    plan: Plan, schedule: Random
) -> None:
    run = Run(plan)
    outcome = run_virtual(run.play, random=schedule)
    assert run.faults == []
    assert outcome.state == "completed"
    outcome.memory.pop("noted", None)
    assert outcome.memory == expected(plan)
    assert len(run.begun) == run.left


@given(plan=plans, schedule=chances(), after=chances().map(lambda random: random.randrange(6)))
def test_there_is_one_end_whoever_cancels_when(plan: Plan, schedule: Random, after: int) -> None:
    run = Run(plan)
    (one, other), events = run_virtual(run.play_and_cancel, STEP * after, random=schedule)
    assert one == other
    assert one.state in ("completed", "cancelled")
    assert (one.reason in ("one", "other")) is (one.state == "cancelled")
    ends = ("completed", "failed", "cancelled", "timed_out")
    states = [event.state for event in events if isinstance(event, pe.StateEvent)]
    assert [state for state in states if state in ends] == [one.state]
    assert isinstance(events[-1], pe.StateEvent)
    assert len(run.begun) == run.left
    assert one.memory.items() <= expected(plan).items()


WIDE = Plan(((), (), (), (), (0, 1, 2, 3)), (1,) * 5, (0,) * 5, (), None)


def begun_under(seed: int) -> tuple[str, ...]:
    """In which order the nodes of a wide graph begin."""
    run = Run(WIDE)
    run_virtual(run.play, seed=seed)
    return tuple(run.begun)


def ended_under(seed: int) -> tuple[str, ...]:
    """In which order the nodes of a wide graph complete."""
    run = Run(WIDE)
    run_virtual(run.play, seed=seed)
    return tuple(name(number) for number in run.done)


def test_more_than_one_schedule_is_seen() -> None:
    assert len({ended_under(seed) for seed in range(20)}) > 5


def test_the_same_seed_gives_the_same_schedule() -> None:
    assert begun_under(7) == begun_under(7)
    assert ended_under(7) == ended_under(7)
