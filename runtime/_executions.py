"""The executions of a runtime as one child of its supervisor: they end first, and all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import trio

from ..actors import Reply
from ..supervision import TreeNode
from .execution import Execution


class Executions:
    """A dynamic supervisor of executions, which are objects and not tasks.

    `end` is told to bring each to its end; `when_idle` is answered when none is left.
    """

    def __init__(
        self,
        live: Mapping[str, Execution],
        end: Callable[[Execution], object],
        when_idle: Callable[[], Reply[None]],
    ) -> None:
        self._live = live
        self._end = end
        self._when_idle = when_idle
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
        await self._when_idle()

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
