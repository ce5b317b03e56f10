"""A drawn process in the running engine, under a drawn script: what is to happen, and what did.

Everything is drawn before the run, so that the run depends on nothing but its schedule.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any, Literal

import attrs
import trio

import processengine as pe
from processengine.runtime.definition import ERROR, REJECTED
from processengine.runtime.execution import Completed
from processengine.testing import Bodies, Palette, Sketch, draw_sketch

from ._guards import Guards, core_of, draw_groups, in_groups, may_refuse

NodeEnd = Literal["out", "other", "fails", "swallows"]
Visit = tuple[float, NodeEnd]
Act = tuple[float, str]
"""When (seconds after the one before), and what somebody does: a method of the handle."""
Step = tuple[str, int]
"""An execution, and the number of a step in it."""

GRACE = 2.0
LIVELY = Palette(size=6)
ENOUGH = 60
"""A node visited more often ends the execution, as loops here need not end by themselves."""

ACTS = ("pause", "resume", "interrupt", "signal", "update", "query", "skip", "retry", "cancel")
BY_HAND = ("isolate", "disable", "reset")
"""What somebody does to every breaker."""


@attrs.frozen
class Plan:
    """How nodes behave: for each of its visits, by turns, how long it takes and how it ends.

    The nodes are in `groups`, by turns; every so many is in none.
    """

    sketch: Sketch
    visits: dict[str, tuple[Visit, ...]]
    script: tuple[Act, ...]
    workers: int | None
    groups: tuple[pe.Group, ...] = ()


def draw_plan(
    random: Random,
    palette: Palette = LIVELY,
    acts: tuple[str, ...] = ACTS,
    groups: tuple[pe.Group, ...] | None = None,
) -> Plan:
    """Draw a process, how its nodes behave and what happens to it from outside.

    Where groups may refuse attempts, it has no cycles: one of refusals would take no time.
    """
    if groups is None:
        groups = draw_groups(random)
    if any(map(may_refuse, groups)):
        sketch = draw_sketch(random, attrs.evolve(palette, cycles=False))
    else:
        sketch = _without_rejected(draw_sketch(random, palette))
    names = [Sketch.name(number) for number in range(max(len(sketch.nodes), 3))]
    ends: tuple[NodeEnd, ...] = ("out", "out", "out", "other", "fails", "swallows")
    visits: dict[str, tuple[Visit, ...]] = {
        name: tuple(
            (float(random.choice((0, 0, 1, 2))), random.choice(ends))
            for _ in range(1 + random.randrange(3))
        )
        for name in names
    }
    if groups and acts:
        acts = (*acts, *BY_HAND)
    script = tuple(
        (float(random.choice((0, 1, 1, 2))), random.choice(acts))
        for _ in range(random.randrange(6) if acts else 0)
    )
    return Plan(sketch, visits, script, random.choice((None, 1, 2)), groups)


def _without_rejected(sketch: Sketch) -> Sketch:
    links = ((a, ERROR if port == REJECTED else port, b) for a, port, b in sketch.links)
    child = None if sketch.child is None else _without_rejected(sketch.child)
    return attrs.evolve(sketch, links=tuple(dict.fromkeys(links)), child=child)


def open_stage(workers: int | None) -> pe.Runtime:
    """A runtime for dramas: short of patience, without chance."""
    return pe.open_runtime(
        worker_pool_size=workers,
        cancel_grace=GRACE,
        default_max_retries=1,
        retry_initial_delay_ms=500,
        seed=0,
    )


@attrs.define
class Drama(Bodies):
    """Plays a plan, and keeps what happened. `held` says that no node may start."""

    plan: Plan
    begun: int = 0
    left: int = 0
    at_once: int = 0
    most_at_once: int = 0
    held: bool = False
    trace: list[tuple[float, str]] = attrs.field(factory=list[tuple[float, str]])
    faults: list[str] = attrs.field(factory=list[str])
    replies: list[tuple[str, pe.Reply[Any]]] = attrs.field(factory=list[tuple[str, pe.Reply[Any]]])
    outcome: pe.Outcome | None = None
    counts: Counter[str] = attrs.field(factory=Counter[str])
    returned: Counter[Step] = attrs.field(factory=Counter[Step])
    unstopped: Counter[Step] = attrs.field(factory=Counter[Step])
    guards: Guards | None = None
    _handle: pe.ActorHandle | None = None

    # What nodes do

    async def run(self, context: pe.NodeContext) -> object:
        self._begin(context)
        group = None if self.guards is None else self.guards.enter(context)
        try:
            result = await self._behave(context)
            step = (context.execution, context.step)
            self.returned[step] += 1
            self.unstopped[step] += not context.is_cancelled()
            return result
        finally:
            self.left += 1
            self.at_once -= 1
            if self.guards is not None and group is not None:
                self.guards.leave(group)

    def _begin(self, context: pe.NodeContext) -> None:
        self._note(f"{context.execution}/{context.node}.{context.step}.{context.attempt}")
        if self.held:
            self.faults.append(f"{context.node} started while paused")
        self.begun += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)

    async def _behave(self, context: pe.NodeContext) -> object:
        visits = self.plan.visits[context.node]
        seconds, end = visits[self._visit(context.node) % len(visits)]
        try:
            if seconds:
                await trio.sleep(seconds)
        except trio.Cancelled:
            if end == "swallows":
                return "swallowed"  # and so cancelled again at the next checkpoint
            raise
        if end == "fails":
            raise RuntimeError(context.node)
        result = (
            None if seconds else context.execution
        )  # nothing, too: lines of bare nodes stay lines
        return pe.Out("other", result) if self._may_leave_by_other(context, end) else result

    @staticmethod
    def _may_leave_by_other(context: pe.NodeContext, end: NodeEnd) -> bool:
        return end == "other" and context.item is None

    def _visit(self, node: str) -> int:
        self._note(f"at {node}")
        visit = self.counts[node]
        self.counts[node] += 1
        if visit > ENOUGH and self._handle is not None:
            self._handle.cancel("enough")
        return visit

    def chooses(self, node: str, port: str) -> bool:
        return (self._visit(node) + len(port)) % 3 != 0

    def seconds(self, node: str) -> float:
        return 1.0 + self._visit(node) % 2

    def items(self, node: str) -> list[int]:
        return list(range(self._visit(node) % 4))

    def given(self, node: str) -> object:
        return self._visit(node)

    # What happens from outside

    async def play(self) -> None:
        """Open a runtime, run the process under the script and leave."""
        async with open_stage(self.plan.workers) as runtime:
            self.guards = Guards(runtime)
            await self.play_in(runtime, "x")
            await trio.sleep(0.1)
            self.guards.check()
            self.check_records()

    async def spawn_in(self, runtime: pe.Runtime, id: str) -> pe.ActorHandle:
        """Begin the process, its nodes in their groups."""
        definition = in_groups(self.plan.sketch.definition(self), self.plan.groups)
        self._handle = await runtime.spawn(definition, {"input": 1}, id=id)
        return self._handle

    async def play_in(self, runtime: pe.Runtime, id: str) -> None:
        """Run the process under the script."""
        handle = await self.spawn_in(runtime, id)
        for after, act in self.plan.script:
            await trio.sleep(after)
            await self._act(handle, act)
        with trio.move_on_after(50):
            self.outcome = await handle.result()
        if self.outcome is None:
            self.held = False
            self.outcome = await self._give_up(handle)
        self._note(self.outcome.state)

    def check(self) -> None:
        """What holds of every execution, however it went."""
        assert self.faults == [], self.faults
        assert self.outcome is not None
        assert [act for act, reply in self.replies if not reply.is_done()] == []
        assert self.begun == self.left
        assert _strangers(self.outcome.memory, self.outcome.id) == []

    def check_records(self) -> None:
        """Every attempt that returned is recorded as completed, once, and nothing else is.

        What returns although it was told to stop may have lost its race.
        """
        assert self.guards is not None
        recorded = Counter(
            (execution.id, message.step)
            for execution in core_of(self.guards.runtime).past.values()
            for message in execution.history[1::2]
            if type(message) is Completed
        )
        assert set(recorded.values()) <= {1}
        assert self.unstopped <= recorded <= self.returned

    async def _act(self, handle: pe.ActorHandle, act: str) -> None:
        """Do something; whoever pauses waits until it is, and only then is anything held."""
        self._note(act)
        if act in BY_HAND:
            if self.guards is not None:
                self.guards.do(act)
            return
        if act == "resume":
            self.held = False
        reply = self._send(handle, act)
        self.replies.append((act, reply))
        if act in ("pause", "interrupt"):
            with trio.move_on_after(10):
                self.held = await reply == "paused"

    def _send(self, handle: pe.ActorHandle, act: str) -> pe.Reply[Any]:
        replies: dict[str, pe.Reply[Any]] = {}
        node = Sketch.name(len(self.replies) % max(1, len(self.plan.sketch.nodes)))
        match act:
            case "pause":
                replies[act] = handle.pause()
            case "interrupt":
                replies[act] = handle.pause("interrupt")
            case "resume":
                replies[act] = handle.resume()
            case "signal":
                replies[act] = handle.signal("go", "payload")
            case "update":
                replies[act] = handle.update(updated=True)
            case "query":
                replies[act] = handle.query()
            case "skip":
                replies[act] = handle.skip(node)
            case "retry":
                replies[act] = handle.retry(node)
            case _:
                replies[act] = handle.cancel("scripted")
        return replies[act]

    async def _give_up(self, handle: pe.ActorHandle) -> pe.Outcome:
        """End what waits for a signal, or is paused, for ever."""
        before = handle.status()
        await trio.sleep(10)
        after = handle.status()
        may_wait = after.state in ("waiting", "paused") or _calls(after)
        if before.nodes == after.nodes and not may_wait and after.ended_at is None:
            self.faults.append(f"stuck: {after}")
        await handle.cancel("given up")
        return await handle.result()

    def _note(self, what: str) -> None:
        self.trace.append((trio.current_time(), what))


def _calls(status: pe.Status) -> bool:
    return any(node.phase == "calling" for node in status.nodes)


def _strangers(value: object, id: str) -> list[str]:
    """The texts in a value that another execution has put there; ids of children begin alike."""
    if isinstance(value, str):
        return [] if value.startswith(id) or value in ("payload", "swallowed") else [value]
    parts: list[object] = list(value.values()) if isinstance(value, dict) else []  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    parts += value if isinstance(value, (list, tuple)) else []  # pyright: ignore[reportUnknownArgumentType]
    return [text for part in parts for text in _strangers(part, id)]
