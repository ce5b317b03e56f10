"""How far an execution is, node by node, as its events tell. Knows nothing of terminals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import attrs

from .. import Event, Missed, NodeEvent, StateEvent
from ..definition import Each, Node, ProcessDefinition, Wait
from ..execution import State

NodeState = Literal[
    "pending", "running", "retrying", "delayed", "waiting", "calling",
    "done", "failed", "interrupted", "skipped",
]  # fmt: skip
ENDED: frozenset[NodeState] = frozenset(("done", "failed", "interrupted", "skipped"))


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
    live: dict[int, float] = attrs.field(factory=dict)

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

    def _started(self, event: NodeEvent) -> None:
        self.live.setdefault(event.step, event.at)
        self.attempts += not self.is_each
        self.state = "running"
        self.note = ""

    def _expanded(self, event: NodeEvent) -> None:
        self.items = 0

    def _retrying(self, event: NodeEvent) -> None:
        self.retries += 1
        self.state = "retrying"
        self.note = event.detail

    def _delayed(self, event: NodeEvent) -> None:
        self.state = "delayed"

    def _waiting(self, event: NodeEvent) -> None:
        self.state = "waiting"
        self.note = f"for signal {self.waits_for!r}"

    def _calling(self, event: NodeEvent) -> None:
        self.state = "calling"
        self.note = event.detail

    def _completed(self, event: NodeEvent) -> None:
        self._end(event, "done", "" if event.detail in ("", "out") else f"by {event.detail}")

    def _failed(self, event: NodeEvent) -> None:
        self._end(event, "failed", event.detail or self.note)

    def _interrupted(self, event: NodeEvent) -> None:
        self._end(event, "interrupted", "")

    def _skipped(self, event: NodeEvent) -> None:
        self._end(event, "skipped", "")

    def _end(self, event: NodeEvent, state: NodeState, note: str) -> None:
        self.took = event.at - self.live.pop(event.step, event.at)
        self.state = "running" if self.live else state
        self.note = f"{self.items} items" if self.is_each and state == "done" else note


_HAPPENED: Mapping[str, Callable[[NodeProgress, NodeEvent], None]] = {
    "started": NodeProgress._started,
    "expanded": NodeProgress._expanded,
    "retrying": NodeProgress._retrying,
    "delayed": NodeProgress._delayed,
    "waiting": NodeProgress._waiting,
    "calling": NodeProgress._calling,
    "completed": NodeProgress._completed,
    "failed": NodeProgress._failed,
    "interrupted": NodeProgress._interrupted,
    "skipped": NodeProgress._skipped,
}


class Progress:
    """A whole execution: its nodes in the definition's order, and what they come to.

    `began` is when it was spawned; `missed` counts events that were dropped.
    """

    def __init__(self, definition: ProcessDefinition, id: str, began: float) -> None:
        self.id = id
        self.definition = str(definition)
        self.began = began
        self.state: State = "queued"
        self.nodes = {node.name: NodeProgress.of(node) for node in definition.nodes}
        self.name_width = min(30, max(map(len, self.nodes)))
        self.active: dict[str, NodeProgress] = {}
        self.ended = 0
        self.failed = 0
        self.retries = 0
        self.missed = 0

    def take(self, event: Event) -> None:
        """The next event."""
        if isinstance(event, NodeEvent):
            self._take(event, self.nodes[event.node])
        elif isinstance(event, StateEvent):
            self.state = event.state
        elif isinstance(event, Missed):
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
        if self.state == "queued":
            self.state = "running"
