"""Messages that somebody might send to an execution at any time, drawn; and some nobody should."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from ...actors import Cancel, Message, Pause, Query, Resume, Retry, Signal, Skip, Update
from ..execution import (
    ChildEnded,
    Completed,
    Due,
    ErrorContext,
    Failed,
    Interrupted,
    Overdue,
    Waits,
)
from ._drawing import is_rare, pick

if TYPE_CHECKING:
    from ._table import TableExecution


def draw_control(random: Random, execution: TableExecution) -> Message:
    """Draw a message that a host may send."""
    return Cancel("drawn") if is_rare(random, 25) else pick(random, _CONTROL)(random, execution)


def _node(random: Random, execution: TableExecution) -> str:
    return pick(random, [node.name for node in execution.definition.nodes])


def _pause(random: Random, execution: TableExecution) -> Message:
    mode, timeouts = pick(random, _PAUSES)
    return Pause(mode, timeouts)  # type: ignore[arg-type]  # literals in a tuple


def _signal(random: Random, execution: TableExecution) -> Message:
    return Signal(pick(random, ("go", "stop")), "payload", pick(random, (0, 10, 900, 2_000)))


def _update(random: Random, execution: TableExecution) -> Message:
    size = pick(random, (0, 10, 900, 2_000))
    name = pick(random, ("updated", _node(random, execution)))
    return Update({name: "by hand", "further": 1}, {name: size} if size else {})


_PAUSES = (("drain", "hold"), ("interrupt", "hold"), ("drain", "run"), ("interrupt", "run"))
_CONTROL: tuple[Callable[[Random, TableExecution], Message], ...] = (
    _pause,
    _pause,
    lambda random, execution: Resume(),
    lambda random, execution: Resume(),
    _signal,
    _update,
    lambda random, execution: Retry(_node(random, execution)),
    lambda random, execution: Skip(_node(random, execution)),
    lambda random, execution: Query(pick(random, ((), ("input",), ("unknown",)))),
)


def draw_hazard(random: Random, execution: TableExecution) -> Message:
    """Draw a message that must change nothing: repeated, stale, too early, or about nobody."""
    if execution.records and random.randrange(2):
        _, message, _ = pick(random, execution.records)
        if _is_of_an_attempt(message) and not _is_current(execution, message):
            return message
    return pick(random, _HAZARDS)(random, execution)


def _is_of_an_attempt(message: Message) -> bool:
    return hasattr(message, "step") and hasattr(message, "attempt")


def _is_current(execution: TableExecution, message: Message) -> bool:
    token = execution.state.tokens.get(getattr(message, "step", 0))
    return token is not None and token.attempt == getattr(message, "attempt", 0)


def _step(random: Random, execution: TableExecution) -> int:
    return random.randrange(execution.state.steps + 2)


def _never(random: Random, execution: TableExecution) -> tuple[int, int]:
    """A step, and an attempt that it never made."""
    return _step(random, execution), 99


def _failed(random: Random, execution: TableExecution) -> Message:
    step, attempt = _never(random, execution)
    return Failed(step, attempt, ErrorContext("?", step, attempt, "Stale", "", 0.0), True, 0.0)


def _completed(random: Random, execution: TableExecution) -> Message:
    return Completed(*_never(random, execution), "out", "stale", 0, 0.0)


def _child_ended(random: Random, execution: TableExecution) -> Message:
    return ChildEnded(_step(random, execution), "nobody", "completed", {"stale": True})


_HAZARDS: tuple[Callable[[Random, TableExecution], Message], ...] = (
    _completed,
    _failed,
    _child_ended,
    lambda random, execution: Interrupted(*_never(random, execution)),
    lambda random, execution: Waits(*_never(random, execution), None),
    lambda random, execution: Overdue(*_never(random, execution), 0.0),
    lambda random, execution: Due(_step(random, execution), 1e9),
)
