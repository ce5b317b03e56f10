"""What a supervisor is told about a child, and what it tells others about one."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, runtime_checkable

import attrs
import trio
from attrs import validators

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


def _check_start(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if not (isinstance(value, Runnable) or callable(value)):
        raise TypeError(f"'{field.name}' must be an async function or runnable, got {value!r:.80}")


def _check_name(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str) or not value:
        raise ValueError(f"'{field.name}' must be a text that is not empty, got {value!r:.80}")


def _check_seconds(_: object, field: attrs.Attribute[Any], value: object) -> None:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
    if not good or math.isnan(value):  # type: ignore[arg-type]
        raise ValueError(f"'{field.name}' must be a number of seconds from 0, got {value!r:.80}")


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

    Raises `ValueError` or `TypeError` naming the field and the value.
    """

    name: str = attrs.field(validator=_check_name)
    start: Service | Runnable = attrs.field(validator=_check_start)
    restart: RestartType = attrs.field(
        default="permanent", validator=validators.in_(("permanent", "transient", "temporary"))
    )
    shutdown: float = attrs.field(default=5.0, validator=_check_seconds)
    intensity: Intensity | None = attrs.field(
        default=None, validator=validators.optional(validators.instance_of(Intensity))
    )

    @property
    def kind(self) -> str:
        """What it is: `service`, or what the object in `start` says."""
        return self.start.kind if isinstance(self.start, Runnable) else "service"
