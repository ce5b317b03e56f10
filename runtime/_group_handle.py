"""The handle of a node group: what its guards say, and control of its breaker by hand."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Protocol

import attrs

from ..actors import RuntimeClosed
from ..supervision import BreakerChange, BreakerState, Tally
from ._errors import BadArgument
from ._groups import NodeGroup
from ._watch import Watch

NO_CALLS = Tally()


@attrs.frozen(kw_only=True)
class GroupStatus:
    """A group at one moment. `breaker` is None where there is none; `tally` is what it measured.

    `retry_after` is in how many seconds the breaker may let an attempt through: 0 if it would now,
    None if nobody knows. `budget` is what is left for retries, in tokens (None: no limit).
    Attempts are `running`, `queued` for a place, or `parked` until they may try again;
    `retries_refused` counts those that the budget did not allow.
    """

    name: str
    breaker: BreakerState | None
    tally: Tally
    retry_after: float | None
    budget: float | None
    running: int
    queued: int
    parked: int
    retries_refused: int


def group_status(group: NodeGroup, now: float) -> GroupStatus:
    """Look at a group; may be called from any thread."""
    gate = group.gate
    breaker = gate.breaker if gate is not None else None
    return GroupStatus(
        name=group.name,
        breaker=None if breaker is None else breaker.state,
        tally=NO_CALLS if breaker is None or gate is None else gate.tally(now),
        retry_after=0.0 if breaker is None else breaker.retry_after(now),
        budget=None if gate is None else gate.budget,
        running=group.dispatcher.running,
        queued=group.queued,
        parked=group.parked_count,
        retries_refused=group.retries_refused,
    )


class GroupHouse(Protocol):
    """What a handle needs of the runtime."""

    is_closing: bool

    @property
    def id(self) -> str: ...

    @property
    def clock(self) -> Callable[[], float]: ...

    def do(self, action: Callable[[], None]) -> None:
        """Run a synchronous action in the runtime's thread."""


class GroupHandle:
    """A node group of a runtime; safe to use from any thread.

    Once that closes, `status` shows how the group was last; all else raises `RuntimeClosed`.
    """

    def __init__(self, group: NodeGroup, house: GroupHouse) -> None:
        self._group = group
        self._house = house

    def __repr__(self) -> str:
        return f"<GroupHandle {self._group.name!r}>"

    @property
    def name(self) -> str:
        """Its name in the tree."""
        return self._group.name

    def status(self) -> GroupStatus:
        """Look at it now, or as it was when its runtime closed."""
        return group_status(self._group, self._house.clock())

    def isolate(self) -> None:
        """Open the breaker until `reset`: attempts are parked or refused."""
        self._do_to_breaker("isolate", self._group.isolate)

    def disable(self) -> None:
        """Let all attempts through, unmeasured, until `reset`."""
        self._do_to_breaker("disable", self._group.disable)

    def reset(self) -> None:
        """Close the breaker, forget what it measured, and let go what is parked."""
        self._do_to_breaker("reset", self._group.reset)

    def _do_to_breaker(self, call: str, action: Callable[[], None]) -> None:
        """Raises `BadArgument` if the group has no breaker, and `RuntimeClosed`."""
        self._check_open()
        if self._group.policy.breaker is None:
            raise BadArgument(call, "group", self._group.name, "a group with a breaker")
        self._house.do(action)

    def watch(self, capacity: int = 1000) -> Watch[BreakerChange]:
        """Follow the breaker: every change of its state, in order, until the runtime ends.

        Raises `RuntimeClosed`.
        """
        self._check_open()
        watch: Watch[BreakerChange] = Watch(capacity)
        self._house.do(lambda: self._follow(watch))
        return watch

    def _follow(self, watch: Watch[BreakerChange]) -> None:
        if self._house.is_closing:  # meanwhile
            watch.end()
        else:
            self._group.watchers.append(_Follower(self._group, watch))

    def _check_open(self) -> None:
        if self._house.is_closing:
            raise RuntimeClosed(self._house.id)


class _Follower:
    """Tells a watch what happens to the breaker, for as long as somebody holds the watch."""

    def __init__(self, group: NodeGroup, watch: Watch[BreakerChange]) -> None:
        self._group = group
        self._watch = weakref.ref(watch)

    def tell(self, change: BreakerChange) -> None:
        watch = self._watch()
        if watch is None:
            self._group.watchers.remove(self)
        else:
            watch.offer(change)

    def end(self) -> None:
        watch = self._watch()
        if watch is not None:
            watch.end()
