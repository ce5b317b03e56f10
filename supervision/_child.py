"""What a supervisor is told about a child, and what it tells others about one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable

import attrs
import trio

from ._expected import SECONDS, Expected, choice, instance
from ._intensity import Intensity
from ._strategy import RestartType, Strategy

Service = Callable[..., Awaitable[object]]
"""An async function. It may take `task_status`, `stopping`, both or neither, by keyword."""


@attrs.frozen
class TreeNode:
    """A supervisor or a child of one, as it is at a moment.

    `state` of a supervisor that nobody supervises is `new`, `starting`, `running`, `stopping` or
    `ended`; that of a child `idle`, `waiting` (for its restart), `starting`, `running` or
    `stopping`.
    """

    name: str
    kind: str
    state: str
    restarts: int = 0
    strategy: Strategy | None = None
    children: tuple[TreeNode, ...] = ()


@runtime_checkable
class Runnable(Protocol):
    """A child that is more than a function: a supervisor, say. One object, many lives in turn."""

    @property
    def kind(self) -> str:
        """What it is, for the tree."""
        raise NotImplementedError

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Live once: report the start, return when all is over, raise what went wrong."""
        raise NotImplementedError

    def shut_down(self) -> None:
        """Ask `run` to come to an end; never blocks, may be called again."""
        raise NotImplementedError

    def tree(self) -> TreeNode:
        """How it and its children are now."""
        raise NotImplementedError


_START = Expected(
    "an async function or a supervisor",
    lambda value: isinstance(value, Runnable) or callable(value),
)
_NAME = Expected("text that is not empty", lambda value: isinstance(value, str) and value != "")
_INTENSITY = instance(Intensity, "an Intensity").or_none


@attrs.frozen
class Child:
    """What to run under a supervisor, and what to do when it ends.

    `start` is an async function or a supervisor. If it has a parameter `task_status` it has
    started once it calls `task_status.started()`, else at once. If it has a parameter `stopping`
    it is given a `trio.Event` that is set when it is to end; it has `shutdown` seconds from then
    until it is cancelled. Without that parameter it is cancelled right away. A supervisor takes
    as long as its own children.

    A `permanent` child is restarted however it ends, a `transient` one if it raises, a
    `temporary` one never. `intensity` limits its own restarts, next to those of the supervisor.

    Raises `ValueError` naming the field, the value and what was expected.
    """

    name: str = attrs.field(validator=_NAME)
    start: Service | Runnable = attrs.field(validator=_START)
    restart: RestartType = attrs.field(
        default="permanent", validator=choice("permanent", "transient", "temporary")
    )
    shutdown: float = attrs.field(default=5.0, validator=SECONDS)
    intensity: Intensity | None = attrs.field(default=None, validator=_INTENSITY)

    @property
    def kind(self) -> str:
        """What it is: `service`, or what the object in `start` says."""
        return self.start.kind if isinstance(self.start, Runnable) else "service"
