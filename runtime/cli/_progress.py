"""How far an execution is, node by node, as its events tell. Knows nothing of terminals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import attrs

from .. import Event, MessageEvent, NodeEvent, StateEvent, Status
from ..definition import Each, Node, ProcessDefinition, Wait
from ..execution import State

NodeState = Literal[
    "pending", "running", "retrying", "delayed", "waiting", "calling",
    "done", "failed", "interrupted", "skipped",
]  # fmt: skip
ENDED: frozenset[NodeState] = frozenset(("done", "failed", "skipped"))


@attrs.define
class NodeProgress:
    """One node. `live` are the steps that control is at, by when they began (runtime's clock).

    `took` is how long the last step lasted that ended; `items` counts those an each node has done.
    `waits_for` is the signal of a wait node.
    """

    name: str
    waits_for: str = ""
    is_each: bool = False
    state: NodeState = "pending"
    attempts: int = 0
    retries: int = 0
    items: int = 0
    took: float = 0.0
    note: str = ""
    live: dict[int, float] = attrs.field(factory=dict[int, float])

    @classmethod
    def of(cls, node: Node) -> NodeProgress:
        """A node that nothing has happened to."""
        waits_for = node.kind.signal if isinstance(node.kind, Wait) else ""
        return cls(node.name, waits_for, isinstance(node.kind, Each))

    def elapsed(self, now: float) -> float:
        """Seconds that its oldest step has lasted, or the last one did."""
        return now - min(self.live.values()) if self.live else self.took

    def take(self, event: NodeEvent) -> None:
        """Something happened here."""
        if event.item is None:
            _HAPPENED[event.kind](self, event)
        else:
            self._item(event)

    def _item(self, event: NodeEvent) -> None:
        self.attempts += event.kind == "started"
        self.items += event.kind == "completed"
        self.retries += event.kind == "retrying"
        self.note = event.detail if event.kind in ("retrying", "failed") else f"{self.items} items"

    def started(self, event: NodeEvent) -> None:
        self.live.setdefault(event.step, event.at)
        self.attempts += not self.is_each
        self.state = "running"
        self.note = ""

    def expanded(self, event: NodeEvent) -> None:
        self.items = 0

    def retrying(self, event: NodeEvent) -> None:
        self.retries += 1
        self.state = "retrying"
        self.note = event.detail

    def delayed(self, event: NodeEvent) -> None:
        self.state = "delayed"

    def waiting(self, event: NodeEvent) -> None:
        self.state = "waiting"
        self.note = f"for signal {self.waits_for!r}"

    def calling(self, event: NodeEvent) -> None:
        self.state = "calling"
        self.note = event.detail

    def completed(self, event: NodeEvent) -> None:
        self._end(event, "done", "" if event.detail in ("", "out") else f"by {event.detail}")

    def failed(self, event: NodeEvent) -> None:
        self._end(event, "failed", event.detail or self.note)

    def interrupted(self, event: NodeEvent) -> None:
        self._end(event, "interrupted", "")

    def skipped(self, event: NodeEvent) -> None:
        self._end(event, "skipped", "")

    def _end(self, event: NodeEvent, state: NodeState, note: str) -> None:
        self.took = event.at - self.live.pop(event.step, event.at)
        self.state = "running" if self.live else state
        self.note = f"{self.items} items" if self.is_each and state == "done" else note


_HAPPENED: Mapping[str, Callable[[NodeProgress, NodeEvent], None]] = {
    "started": NodeProgress.started,
    "expanded": NodeProgress.expanded,
    "retrying": NodeProgress.retrying,
    "delayed": NodeProgress.delayed,
    "waiting": NodeProgress.waiting,
    "calling": NodeProgress.calling,
    "completed": NodeProgress.completed,
    "failed": NodeProgress.failed,
    "interrupted": NodeProgress.interrupted,
    "skipped": NodeProgress.skipped,
}


class Progress:
    """A whole execution: its nodes in the definition's order, and what they come to.

    `began` is when it was spawned; `active` are the nodes that control is at; `missed` counts
    events that were dropped. `is_cancelled` once a cancel was taken.
    """

    def __init__(self, definition: ProcessDefinition, status: Status) -> None:
        self.id = status.id
        self.began = status.spawned_at
        self.state: State = status.state
        self.nodes = {node.name: NodeProgress.of(node) for node in definition.nodes}
        self.name_width = min(30, max(map(len, self.nodes)))
        self.active: dict[str, NodeProgress] = {}
        self.ended = 0
        self.failed = 0
        self.retries = 0
        self.missed = 0
        self.is_cancelled = False

    def take(self, event: Event) -> None:
        """The next event."""
        if isinstance(event, NodeEvent):
            self._take(event, self.nodes[event.node])
        elif isinstance(event, StateEvent):
            self.state = event.state
        elif isinstance(event, MessageEvent):
            self.is_cancelled |= event.message == "cancel"
        else:
            self.missed += event.count

    def _take(self, event: NodeEvent, node: NodeProgress) -> None:
        before = node.state
        node.take(event)
        self.ended += (node.state in ENDED) - (before in ENDED)
        self.failed += (node.state == "failed") - (before == "failed")
        self.retries += event.kind == "retrying"
        if node.live:
            self.active[node.name] = node
        else:
            self.active.pop(node.name, None)
