"""What a watcher is told: the records of an execution, in words that a progress view can show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import attrs

from ..actors import Message
from .definition import OUT, TIMEOUT, Wait
from .execution import (
    AttemptOutcome,
    BackingOff,
    Calls,
    ChildEnded,
    Chose,
    Completed,
    Delays,
    Due,
    Execution,
    Failed,
    Finished,
    Held,
    Interrupted,
    Lists,
    Record,
    State,
    Stopping,
    Token,
    Waits,
)

NodeEventKind = Literal[
    "started", "completed", "failed", "retrying", "interrupted", "skipped",
    "delayed", "waiting", "calling", "expanded",
]  # fmt: skip


@attrs.frozen
class NodeEvent:
    """Something happened to an attempt, or to the node it belongs to.

    `detail` is the port it left by, the error's text, or the execution it calls. A node that waits
    (`delayed`, `waiting`, `calling`, `expanded` into items) completes, fails or is skipped later.
    """

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
        # Not by the keys: in the middle of a walk those are of earlier steps.
        self._tokens = {token.step: token for token in execution.state.tokens.values()}
        self._failed_items: set[int] = set()

    def tell(self, execution: Execution, what: Record | Token) -> Iterator[Event]:
        """The events behind one start or one record."""
        if isinstance(what, Token):
            yield self._started(execution, what)
            return
        yield from self._events(execution, what)
        if execution.state.name != self._state:
            self._state = execution.state.name
            control = execution.state.control
            reason = control.reason if isinstance(control, Finished) else None
            yield StateEvent(execution.id, what.at, self._state, reason)

    def _started(self, execution: Execution, token: Token) -> NodeEvent:
        self._tokens[token.step] = token
        return _node_event(execution, execution.clock(), "started", token, token.attempt)

    def _events(self, execution: Execution, record: Record) -> Iterator[Event]:
        message = record.message
        if isinstance(message, AttemptOutcome):
            yield from self._outcome(execution, record.at, message)
        elif isinstance(message, ChildEnded):
            kind: NodeEventKind = "completed" if message.state == "completed" else "failed"
            yield from self._left(execution, record.at, message.step, kind, message.state)
        elif isinstance(message, Due):
            yield from self._due(execution, record.at, message.step)
        else:
            tag = str(type(message).__struct_config__.tag)
            if tag in _TOLD:
                yield MessageEvent(execution.id, record.at, tag)
            if tag in _LETS_GO:
                for step in tuple(self._tokens):
                    yield from self._left(execution, record.at, step, _LETS_GO[tag])

    def _outcome(
        self, execution: Execution, at: float, message: AttemptOutcome
    ) -> Iterator[NodeEvent]:
        token = self._tokens.get(message.step)
        if token is None or isinstance(message, Held):  # which had not begun
            return
        is_over = message.step not in execution.state.tokens
        if is_over:
            del self._tokens[message.step]
        kind, detail = _became(message, token, is_over)
        yield _node_event(execution, at, kind, token, message.attempt, detail)
        if token.item is not None:
            yield from self._items(execution, at, token.item.parent, kind)

    def _items(
        self, execution: Execution, at: float, parent: int, kind: NodeEventKind
    ) -> Iterator[NodeEvent]:
        """What the end of an item means for its node."""
        if kind == "failed":
            self._failed_items.add(parent)
        if kind != "completed":
            kind = "failed" if parent in self._failed_items else "skipped"
        for event in self._left(execution, at, parent, kind):
            self._failed_items.discard(parent)
            yield event

    def _due(self, execution: Execution, at: float, step: int) -> Iterator[NodeEvent]:
        token = self._tokens.get(step)
        if token is None or not isinstance(token.node.spec.kind, Wait):
            yield from self._left(execution, at, step, "completed")
        elif TIMEOUT in token.node.exits:
            yield from self._left(execution, at, step, "completed", TIMEOUT)
        else:
            yield from self._left(execution, at, step, "failed", "the signal did not come in time")

    def _left(
        self, execution: Execution, at: float, step: int, kind: NodeEventKind, detail: str = ""
    ) -> Iterator[NodeEvent]:
        """The event of a token that was waiting, if it has gone on."""
        if step in execution.state.tokens or step not in self._tokens:
            return
        token = self._tokens.pop(step)
        detail = detail or (OUT if kind == "completed" else "")
        yield _node_event(execution, at, kind, token, token.attempt, detail)


def _node_event(
    execution: Execution,
    at: float,
    kind: NodeEventKind,
    token: Token,
    attempt: int,
    detail: str = "",
) -> NodeEvent:
    item = None if token.item is None else token.item.index
    return NodeEvent(execution.id, at, kind, token.node.name, token.step, attempt, item, detail)


def _became(message: AttemptOutcome, token: Token, is_over: bool) -> tuple[NodeEventKind, str]:
    """What became of an attempt; `is_over` if its token has gone on, or is gone."""
    if isinstance(message, Interrupted):
        return _stopped(token, is_over)
    kind = _KINDS.get(type(message), "completed")
    if is_over and kind in ("waiting", "expanded"):
        kind = "completed"
    elif kind == "failed" and not is_over:
        kind = "retrying"
    return kind, _detail(message)


def _stopped(token: Token, is_over: bool) -> tuple[NodeEventKind, str]:
    """Why an attempt was stopped: it took too long, was skipped, or is started again or dropped."""
    phase = token.phase
    if isinstance(phase, BackingOff):
        return "retrying", _TOO_LONG
    if is_over and isinstance(phase, Stopping):
        return _STOPPED.get(phase.then, ("interrupted", ""))
    return "interrupted", ""


def _detail(message: AttemptOutcome) -> str:
    if isinstance(message, Completed):
        return message.port
    if isinstance(message, Chose):
        return ", ".join(message.ports)
    if isinstance(message, Calls):
        return message.child
    if isinstance(message, Failed):
        return f"{message.error.exception}: {message.error.message}"
    return ""


_KINDS: dict[type[Message], NodeEventKind] = {
    Failed: "failed",
    Delays: "delayed",
    Waits: "waiting",
    Calls: "calling",
    Lists: "expanded",
}
_TOO_LONG = "the attempt took too long"
_STOPPED: dict[str, tuple[NodeEventKind, str]] = {
    "timeout": ("failed", _TOO_LONG),
    "skip": ("skipped", ""),
}
_LETS_GO: dict[str, NodeEventKind] = {
    "signal": "completed",
    "resume": "completed",
    "skip": "skipped",
}
_TOLD = ("pause", "resume", "cancel", "signal", "update", "retry", "skip")
