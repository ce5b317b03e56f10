"""What a watcher is told: the records of an execution, in words that a progress view can show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import attrs

from ..actors import Message
from .execution import (
    AttemptOutcome,
    Calls,
    ChildEnded,
    Chose,
    Completed,
    Delays,
    Execution,
    Failed,
    Finished,
    Interrupted,
    Record,
    State,
    Token,
    Waits,
)

NodeEventKind = Literal[
    "started", "completed", "failed", "retrying", "interrupted", "delayed", "waiting", "calling",
]  # fmt: skip


@attrs.frozen
class NodeEvent:
    """Something happened to an attempt. `detail` is the port it left by, or the error's text."""

    execution: str
    at: float
    kind: NodeEventKind
    node: str
    step: int
    attempt: int
    item: int | None = None
    detail: str = ""


@attrs.frozen
class StateEvent:
    """The execution is in another state than before; `reason` says why it ended as it did."""

    execution: str
    at: float
    state: State
    reason: str | None = None


@attrs.frozen
class MessageEvent:
    """A control or user message was taken: its tag (`pause`, `signal`, ...)."""

    execution: str
    at: float
    message: str


@attrs.frozen
class Missed:
    """The watcher was too slow: so many events were dropped here."""

    count: int


Event = NodeEvent | StateEvent | MessageEvent | Missed


class Narrator:
    """Turns starts and records of one execution into events; remembers who is at which step."""

    def __init__(self, execution: Execution) -> None:
        self._state: State = execution.state.name
        self._at_step = {step: token.node.name for step, token in execution.state.tokens.items()}
        self._items: dict[int, int] = {}

    def tell(self, execution: Execution, what: Record | Token) -> Iterator[Event]:
        """The events behind one start or one record."""
        if isinstance(what, Token):
            yield self._started(execution, what)
            return
        event = self._event(execution, what)
        if event is not None:
            yield event
        if execution.state.name != self._state:
            self._state = execution.state.name
            control = execution.state.control
            reason = control.reason if isinstance(control, Finished) else None
            yield StateEvent(execution.id, what.at, self._state, reason)

    def _started(self, execution: Execution, token: Token) -> NodeEvent:
        self._at_step[token.step] = token.node.name
        if token.item is not None:
            self._items[token.step] = token.item.index
        return NodeEvent(
            execution.id, execution.clock(), "started", token.node.name, token.step,
            token.attempt, self._items.get(token.step),
        )  # fmt: skip

    def _event(self, execution: Execution, record: Record) -> Event | None:
        message = record.message
        if isinstance(message, AttemptOutcome):
            return self._outcome(execution, record.at, message)
        if isinstance(message, ChildEnded):
            kind: NodeEventKind = "completed" if message.state == "completed" else "failed"
            return self._node_event(execution, record.at, kind, message.step, 1, message.state)
        tag = type(message).__struct_config__.tag
        return MessageEvent(execution.id, record.at, str(tag)) if tag in _TOLD else None

    def _outcome(
        self, execution: Execution, at: float, message: AttemptOutcome
    ) -> NodeEvent | None:
        if message.step not in self._at_step:
            return None
        kind, detail = _KINDS.get(type(message), "completed"), ""
        if isinstance(message, Completed):
            detail = message.port
        elif isinstance(message, Chose):
            detail = ", ".join(message.ports)
        elif isinstance(message, Failed):
            detail = f"{message.error.exception}: {message.error.message}"
            if message.step in execution.state.tokens:
                kind = "retrying"
        return self._node_event(execution, at, kind, message.step, message.attempt, detail)

    def _node_event(
        self,
        execution: Execution,
        at: float,
        kind: NodeEventKind,
        step: int,
        attempt: int,
        detail: str,
    ) -> NodeEvent | None:
        node = self._at_step.get(step)
        if node is None:
            return None
        item = self._items.get(step)
        if step not in execution.state.tokens:
            self._at_step.pop(step, None)
            self._items.pop(step, None)
        return NodeEvent(execution.id, at, kind, node, step, attempt, item, detail)


_KINDS: dict[type[Message], NodeEventKind] = {
    Failed: "failed",
    Interrupted: "interrupted",
    Delays: "delayed",
    Waits: "waiting",
    Calls: "calling",
}
_TOLD = ("pause", "resume", "cancel", "signal", "update", "retry", "skip")
