"""Drawn node groups, watched: what their guards promise, and that nothing is left in them.

What a group promises is checked where an attempt begins; what it owes, once nothing runs any more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import attrs
import trio

import processengine as pe
from processengine.runtime.definition import Process
from processengine.supervision import DEFAULT_GROUP

FLOAT = 1e-6
MANY = 1000


def draw_groups(random: Random) -> tuple[pe.Group, ...]:
    """Draw up to two groups, each with some guards and none like another."""
    refuses = random.choice((False, True))
    return tuple(_draw_group(random, name, refuses) for name in ("g", "h")[: random.randrange(3)])


def may_refuse(group: pe.Group) -> bool:
    """Whether an attempt may be refused in it even where port `rejected` is not connected."""
    bulkhead = group.bulkhead
    return group.when_open == "fail" or (bulkhead is not None and bulkhead.waiting < MANY)


def _draw_group(random: Random, name: str, refuses: bool) -> pe.Group:
    return pe.Group(
        name,
        breaker=random.choice((None, _draw_breaker(random), _draw_breaker(random))),
        bulkhead=random.choice(
            (
                None,
                pe.Bulkhead(
                    1 + random.randrange(2), waiting=random.choice((0, 2)) if refuses else MANY
                ),
            )
        ),
        rate=random.choice((None, None, _draw_rate(random))),
        budget=random.choice((None, pe.BudgetPolicy(2 + random.randrange(3), 0.5))),
        retry=random.choice((None, pe.Retry(attempts=3, initial=1.0))),
        timeout=random.choice((None, None, 1.5)),
        when_open="fail" if refuses and random.randrange(3) == 2 else "park",
        shared=random.choice((False, True)),
    )


def _draw_breaker(random: Random) -> pe.BreakerPolicy:
    return pe.BreakerPolicy(
        consecutive_failures=random.choice((1, 2, None)),
        failure_rate=random.choice((None, 0.5)),
        slow_rate=random.choice((None, None, 0.5)),
        slow_seconds=2.0,
        minimum_calls=1 + random.randrange(3),
        window_calls=4,
        window_seconds=random.choice((None, 5.0)),
        open_seconds=1.0 + random.randrange(3),
        open_multiplier=random.choice((1.0, 2.0)),
        open_maximum=6.0,
        probes=1 + random.randrange(2),
        probe_lease=random.choice((0.5, 10.0)),
    )


def _draw_rate(random: Random) -> pe.RatePolicy:
    return pe.RatePolicy(
        1 + random.randrange(2), random.choice((0.5, 2.0)), random.choice((None, 1))
    )


def in_groups(definition: pe.ProcessDefinition, groups: Sequence[pe.Group]) -> pe.ProcessDefinition:
    """The definition with its nodes in these groups and the default one, by turns."""
    names = [*(group.name for group in groups), DEFAULT_GROUP]
    nodes = tuple(
        attrs.evolve(
            node,
            group=names[number % len(names)],
            kind=_with_child_in_groups(node.kind, groups),
        )
        for number, node in enumerate(definition.nodes)
    )
    return attrs.evolve(definition, nodes=nodes, groups=tuple(groups))


def _with_child_in_groups(kind: Any, groups: Sequence[pe.Group]) -> Any:
    return Process(in_groups(kind.definition, groups)) if isinstance(kind, Process) else kind


def core_of(runtime: pe.Runtime) -> Any:
    """The runtime from inside."""
    return vars(runtime)["_core"]


@attrs.define(eq=False)
class Guards:
    """Watches every attempt of the groups of one runtime; `faults` is what it saw go wrong."""

    runtime: pe.Runtime
    faults: list[str] = attrs.field(factory=list[str])
    _inside: Counter[int] = attrs.field(factory=Counter[int])
    _begun: dict[int, list[float]] = attrs.field(factory=lambda: defaultdict(list))

    def enter(self, context: pe.NodeContext) -> int:
        """An attempt begins; who it counts against, for `leave`."""
        core = core_of(self.runtime)
        execution = core.live[context.execution]
        tokens = execution.state.tokens.values()  # in a walk it is not found under its step
        [token] = [token for token in tokens if token.step == context.step]
        group = execution.program.groups[token.node.index]
        self._inside[id(group)] += 1
        self._begun[id(group)].append(trio.current_time())
        self.faults += [f"{context.node} of {group}: {fault}" for fault in self._faults(group)]
        return id(group)

    def leave(self, number: int) -> None:
        """The attempt is over."""
        self._inside[number] -= 1

    def _faults(self, group: Any) -> Iterator[str]:
        policy: pe.Group = group.policy
        inside, begun = self._inside[id(group)], self._begun[id(group)]
        if policy.bulkhead is not None and inside > policy.bulkhead.concurrency:
            yield f"{inside} at once"
        if policy.rate is not None and _are_too_many(policy.rate, begun):
            yield f"too many begun at {begun}"
        if policy.breaker is not None and group.gate.breaker.state in ("open", "isolated"):
            yield "begun although it is open"

    def do(self, act: str) -> None:
        """Work every breaker by hand: `isolate`, `disable` or `reset`."""
        for group in core_of(self.runtime).groups:
            if group.policy.breaker is not None:
                getattr(group, act)()

    def check(self) -> None:
        """What holds once every execution has ended and nothing runs any more."""
        core = core_of(self.runtime)
        self.check_closed()
        assert [fault for group in core.groups for fault in _left_in(group)] == []
        assert {each.id: each.parked for each in core.past.values() if each.parked} == {}
        assert core.lifecycle.admission.busy == 0

    def check_closed(self) -> None:
        """What holds of a runtime that was closed, whatever ran: queues may keep what is over."""
        assert self.faults == []
        for group in core_of(self.runtime).groups:
            assert group.parked_count == 0
            assert (
                group.gate is None
                or group.gate.breaker is None
                or (group.gate.breaker.probes_out == 0)
            )


def _are_too_many(rate: pe.RatePolicy, begun: Sequence[float]) -> bool:
    """Whether any interval that ends now holds more starts than the rate allows."""
    now = begun[-1]
    return any(
        count > rate.depth + (now - start) / rate.interval + FLOAT
        for count, start in enumerate(reversed(begun), start=1)
    )


def _left_in(group: Any) -> Iterator[str]:
    """What a group still holds, in words."""
    left = {
        "parked": group.parked_count,
        "running": group.dispatcher.running,
        "queued": group.dispatcher.queued,
        "returning": group._returning,
    }
    gate, queue = group.gate, group._queue
    if gate is not None:
        left["crowded"] = gate.is_crowded
    if gate is not None and gate.breaker is not None:
        left["probes"] = gate.breaker.probes_out
    if queue is not None:
        left["stale"] = queue.stale
    yield from (f"{group}: {what}={count}" for what, count in left.items() if count)
