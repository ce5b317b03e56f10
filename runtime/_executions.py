"""The executions of a runtime as one child of its supervisor: they end first, and all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import trio

from ..actors import Cancel, Reply, TurnLoop
from ..supervision import TreeNode
from ._timers import Timers
from .execution import Execution

LAST_SECONDS = 10.0
"""After the grace, until executions are left to themselves."""


class ClosingHouse(Protocol):
    """What bringing executions to their end needs of the rest of the runtime."""

    clock: Callable[[], float]
    cancel_grace: float
    turns: TurnLoop[Execution]
    live: dict[str, Execution]

    @property
    def timers(self) -> Timers: ...


class Executions:
    """A dynamic supervisor of executions, which are objects and not tasks.

    Each ends as a cancel would end it, or is suspended if it is stored. `when_none_is_live` is
    answered when none is left.
    """

    def __init__(self, house: ClosingHouse, when_none_is_live: Callable[[], Reply[None]]) -> None:
        self._house = house
        self._live = house.live
        self._when_none_is_live = when_none_is_live
        self._stopping = trio.Event()

    @property
    def kind(self) -> Literal["supervisor"]:
        """What it is, for the tree."""
        return "supervisor"

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Wait until asked to come to an end, then until every execution has."""
        task_status.started()
        await self._stopping.wait()
        for execution in list(self._live.values()):
            self._end(execution)
        # Timers see to it after the grace, unless they have gone, as services that gave up do.
        with trio.move_on_after(self._house.cancel_grace + LAST_SECONDS):
            await self._when_none_is_live()

    def _end(self, execution: Execution) -> None:
        house = self._house
        if execution.ledger is None:
            house.turns.post(execution, Cancel("the runtime was closed"))
        else:
            house.timers.add(house.clock() + house.cancel_grace, _Straggler(execution), None)
            execution.suspend()

    def shut_down(self) -> None:
        """Have every execution end as a cancel would."""
        self._stopping.set()

    def tree(self) -> TreeNode:
        """The executions that live now, and how often each was restarted."""
        children = tuple(
            TreeNode(each.id, "execution", each.shown_state, each.incarnation - 1)
            for each in self._live.values()
        )
        restarts = sum(child.restarts for child in children)
        state = "stopping" if self._stopping.is_set() else "running"
        return TreeNode("executions", self.kind, state, restarts, "one_for_one", children)


class _Straggler:
    """Wakes when a suspended execution has had its grace, and lets it go as it is."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    @property
    def ended_at(self) -> float | None:
        """When there was nothing left to wait for."""
        return self._execution.ended_at

    def wake(self, _: object) -> None:
        """The grace is over."""
        if self._execution.ended_at is None:
            self._execution.house.suspended(self._execution)
