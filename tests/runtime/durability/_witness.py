"""A store that replays every turn as it is committed, and says what followed from it too early."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import attrs

from processengine.actors import Message
from processengine.runtime.definition import Process, ProcessDefinition, RoutingMap
from processengine.runtime.execution import (
    Answer,
    Calling,
    ChildEnded,
    ExecutionState,
    Finished,
    Limits,
    Running,
    transition,
)
from processengine.runtime.store import (
    Append,
    Codec,
    ExecutionHead,
    MemoryStore,
    decompress,
)
from processengine.supervision import Retry
from processengine.testing import dump

CODEC = Codec()
UNLIKE = Limits(Retry(attempts=99), 10**9)
"""Limits that no execution has: those it was begun with come with its first record."""


@attrs.define
class Replay:
    """An execution as its records tell it, and what it has been on the way."""

    head: ExecutionHead
    state: ExecutionState
    messages: list[tuple[float, Message]] = attrs.field(factory=list[tuple[float, Message]])
    names: set[str] = attrs.field(factory=set[str])
    started: set[tuple[int, int]] = attrs.field(factory=set[tuple[int, int]])
    memories: list[dict[str, Any]] = attrs.field(factory=list[dict[str, Any]])

    def take(self, append: Append) -> None:
        """Go on by a turn that was stored."""
        self.head = append.whole_head
        for body in append.records:
            at, message = CODEC.decode_record(decompress(body))
            effects = transition(self.state, message, at)
            self.messages.append((at, message))
            self.names.add(self.state.name)
            if any(isinstance(each, Answer) and each.value == "paused" for each in effects):
                self.names.add("paused")  # although what had to wait for that may end it at once
            self.memories.append(dict(self.state.memory))
            for token in self.state.tokens.values():
                if isinstance(token.phase, Running):
                    self.started.add((token.step, token.attempt))

    def count(self, *types: type[Message]) -> int:
        """How many messages of these types it has taken."""
        return sum(isinstance(message, types) for _, message in self.messages)

    @property
    def has_ended(self) -> bool:
        """Whether its end is stored."""
        return isinstance(self.state.control, Finished)


def picture(state: ExecutionState) -> dict[str, Any]:
    """A state as plain data that does not change with it, but for whom it owes answers."""
    plain = dump(state)
    name, fields = plain["control"]
    fields.pop("replies", None)
    if "deferred" in fields:
        fields["deferred"] = [message for message, _ in fields["deferred"]]
    plain["control"] = name, fields
    plain["errors"] = list(state.errors or ())
    return copy.deepcopy(plain)


class WitnessStore(MemoryStore):
    """A memory store that replays what is committed. `faults` is what it saw go wrong.

    `turns` are all that were committed, in order. `expected` are pictures of live states, by
    execution, incarnation and number of the record: what a replay up to there must give.
    """

    def __init__(
        self, definitions: Iterable[ProcessDefinition] = (), *, is_strict: bool = True
    ) -> None:
        super().__init__(clock=lambda: 0.0)
        self.is_strict: bool = is_strict
        self.turns: list[Append] = []
        self.replays: dict[str, Replay] = {}
        self.expected: dict[tuple[str, int, int], dict[str, Any]] = {}
        self.faults: list[str] = []
        self._routings: dict[str, RoutingMap] = {}
        for definition in definitions:
            self._know(definition)

    def _know(self, definition: ProcessDefinition) -> None:
        self._routings[definition.hash] = RoutingMap(definition)
        for node in definition.nodes:
            if isinstance(node.kind, Process):
                self._know(node.kind.definition)

    def commit(self, batch: Sequence[Append]) -> None:
        """Store turns, and look at each as it is stored."""
        super().commit(batch)
        for append in batch:
            self._look_at(append)

    def _look_at(self, append: Append) -> None:
        self.turns.append(append)
        head = append.whole_head
        replay = self.replays.get(head.id)
        if replay is None:
            state = ExecutionState(head.id, self._routings[head.hash], UNLIKE)
            replay = self.replays[head.id] = Replay(head, state)
            self._look_at_parent(head)
        replay.take(append)
        self._compare(append, replay)
        for _, message in replay.messages[len(replay.messages) - len(append.records) :]:
            if isinstance(message, ChildEnded):
                self._look_at_child(head.id, message)
        if replay.has_ended:
            self._look_at_children(head.id)

    def _look_at_parent(self, head: ExecutionHead) -> None:
        if head.parent is None:
            return
        id, step = head.parent
        parent = self.replays.get(id)
        token = None if parent is None else parent.state.tokens.get(step)
        if self.is_strict and (token is None or not isinstance(token.phase, Calling)):
            self.faults.append(f"{head.id} was begun before its parent had called it")

    def _look_at_child(self, parent: str, ended: ChildEnded) -> None:
        child = self.replays.get(ended.child)
        if child is None or child.head.parent != (parent, ended.step):
            return
        control = child.state.control
        if not isinstance(control, Finished) or control.state != ended.state:
            self.faults.append(f"{parent} knows of the end of {ended.child}, which is not stored")
        elif child.state.memory != ended.memory:
            self.faults.append(f"{parent} was given another memory of {ended.child}")

    def _look_at_children(self, id: str) -> None:
        for other in self.replays.values():
            parent = other.head.parent
            if parent is not None and parent[0] == id and not other.has_ended:
                self.faults.append(f"{other.head.id} outlives its parent")

    def _compare(self, append: Append, replay: Replay) -> None:
        head = append.whole_head
        replayed = picture(replay.state)
        expected = self.expected.pop((head.id, head.incarnation, head.seq), None)
        if expected is not None and expected != replayed:
            self.faults.append(f"{head.id} at {head.seq} is {expected}, replayed {replayed}")
        if head.state != replay.state.name:
            self.faults.append(f"head of {head.id} says {head.state} at {head.seq}")
        if append.snapshot is not None:
            body = decompress(append.snapshot)
            restored = CODEC.decode_state(body, replay.state.routing, UNLIKE)
            if picture(restored) != replayed:
                self.faults.append(f"the snapshot of {head.id} at {head.seq} differs")

    def fork(self) -> WitnessStore:
        """What a crash leaves at this moment: the host is gone, and does nothing to it any more."""
        other = self._empty()
        for append in self.turns:
            MemoryStore.commit(other, (append,))
            other._look_at(append)
        for id, entry in self._entries.items():
            other._entries[id].head = entry.head
        other._mail, other._answers = dict(self._mail), dict(self._answers)
        other._posted = self._posted
        other.faults = list(self.faults)
        return other

    def cut(self, count: int) -> WitnessStore:
        """What there would be if only so many turns had been stored."""
        other = self._empty()
        for append in self.turns[:count]:
            other.commit((append,))
        return other

    def _empty(self) -> WitnessStore:
        other = WitnessStore(is_strict=self.is_strict)
        other._routings = self._routings
        return other
