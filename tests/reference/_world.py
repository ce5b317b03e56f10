"""The values of the reference: a drawing, and a world in which tokens move about on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from processengine.testing import NodeSketch, Sketch

Round = tuple[str, int]
"""A join, and which of its rounds."""


@attrs.frozen
class Drawing:
    """A sketch, asked by name. The slots of a node are its incoming arrows; a start is the last."""

    nodes: Mapping[str, NodeSketch]
    arrows: tuple[tuple[str, str, str], ...]
    start: tuple[str, ...]

    @classmethod
    def of(cls, sketch: Sketch) -> Drawing:
        name = Sketch.name
        return cls(
            {name(number): node for number, node in enumerate(sketch.nodes)},
            tuple((name(source), port, name(target)) for source, port, target in sketch.links),
            tuple(name(number) for number in sketch.start),
        )

    def sources(self, node: str) -> list[str]:
        """Where the slots of a node come from."""
        arrows = [source for source, _, target in self.arrows if target == node]
        return arrows + ["start"] * (node in self.start)

    def ways(self, node: str, port: str) -> list[tuple[str, int]]:
        """The nodes, and their slots, that a token gets to by leaving through a port."""
        ways: list[tuple[str, int]] = []
        for at, arrow in enumerate(self.arrows):
            if arrow[:2] == (node, port):
                target = arrow[2]
                slot = sum(earlier[2] == target for earlier in self.arrows[:at])
                ways.append((target, slot))
        return ways

    def has_port(self, node: str, port: str) -> bool:
        return any(arrow[:2] == (node, port) for arrow in self.arrows)

    def waits_at(self, node: str) -> bool:
        """Whether tokens that come to this node may have to wait for others."""
        return len(self.sources(node)) > 1 and self.nodes[node].join != "each"

    def needed(self, node: str) -> int | None:
        """How many tokens a counted join needs; None for one that takes all it can get."""
        join = self.nodes[node].join
        return 1 if join == "any" else join if isinstance(join, int) else None

    def slots_in_reach(self, node: str, join: str) -> set[int]:
        """The slots of a join that a token at `node` may get to, but not through the join itself.

        A token at the join itself has left the join behind, and may come round again.
        """
        slots, seen, ahead = set[int](), {node}, [node]
        while ahead:
            here = ahead.pop()
            for source, port, _ in self.arrows:
                for target, slot in self.ways(here, port) if source == here else ():
                    if target == join:
                        slots.add(slot)
                    elif target not in seen:
                        seen.add(target)
                        ahead.append(target)
        return slots


# What a token is doing


@attrs.frozen
class Running:
    pass


@attrs.frozen
class Ready:
    pass


@attrs.frozen
class Stopping:
    then: str


@attrs.frozen
class BackingOff:
    due: float


@attrs.frozen
class Delayed:
    due: float


@attrs.frozen
class Waiting:
    due: float | None


@attrs.frozen
class Expanded:
    """Items not begun, results so far by item, and what follows if they are being given up."""

    todo: tuple[int, ...]
    results: Mapping[int, object]
    count: int
    size: int = 0
    given_up: Literal["failed", "skipped"] | None = None
    failure: Any = None


@attrs.frozen
class Calling:
    child: str
    is_paused: bool = False
    then: Literal["result", "skip", "drop"] = "result"


Phase = Running | Ready | Stopping | BackingOff | Delayed | Waiting | Expanded | Calling


@attrs.frozen
class Token:
    """A unit of control at a node. `comes_from` are all the rounds of joins that led to it."""

    step: int
    node: str
    phase: Phase
    attempt: int = 1
    failures: int = 0
    error: Any = None
    comes_from: frozenset[Round] = frozenset()
    item: tuple[int, int] | None = None

    @property
    def is_in_flight(self) -> bool:
        return isinstance(self.phase, (Running, Stopping))

    @property
    def is_dropped(self) -> bool:
        return isinstance(self.phase, (Stopping, Calling)) and self.phase.then == "drop"


@attrs.frozen
class Parked:
    """A token that waits at a join: in which slot, since when (counted), and what it brings."""

    slot: int
    since: int
    error: Any
    comes_from: frozenset[Round]


@attrs.frozen
class CountedRound:
    """A round of a counted join: who has come, and whether it has fired. It is kept for ever."""

    parked: tuple[Parked, ...] = ()
    has_fired: bool = False

    @property
    def slots(self) -> set[int]:
        return {parked.slot for parked in self.parked}


Rounds = tuple[CountedRound, ...]

# The life of an execution


@attrs.frozen
class Queued:
    pass


@attrs.frozen
class Active:
    pass


@attrs.frozen
class Pausing:
    timeouts: str
    since: float
    deferred: tuple[Any, ...] = ()


@attrs.frozen
class Paused:
    timeouts: str
    since: float


@attrs.frozen
class Ending:
    end: str
    reason: str | None


@attrs.frozen
class Finished:
    end: str
    reason: str | None


Life = Queued | Active | Pausing | Paused | Ending | Finished


@attrs.frozen
class World:
    """An execution. `parked` are the tokens at joins of mode all, `rounds` those at others."""

    drawing: Drawing
    life: Life = Queued()
    tokens: tuple[Token, ...] = ()
    parked: Mapping[str, tuple[Parked, ...]] = attrs.field(factory=dict[str, tuple[Parked, ...]])
    rounds: Mapping[str, Rounds] = attrs.field(factory=dict[str, Rounds])
    steps: int = 0
    arrived: int = 0
    memory: Mapping[str, object] = attrs.field(factory=dict[str, object])
    sizes: Mapping[str, int] = attrs.field(factory=dict[str, int])
    signals: tuple[tuple[str, object, int], ...] = ()
    deadline: float | None = None
    memory_limit: int = 0
    signal_limit: int = 0

    @property
    def is_active(self) -> bool:
        return isinstance(self.life, Active)

    @property
    def is_over(self) -> bool:
        return isinstance(self.life, (Ending, Finished))

    def find(self, step: int) -> Token | None:
        return next((token for token in self.tokens if token.step == step), None)

    def but(self, **changes: Any) -> World:
        return attrs.evolve(self, **changes)

    def put(self, token: Token) -> World:
        """Replace a token."""
        return self.but(tokens=tuple(token if t.step == token.step else t for t in self.tokens))

    def without(self, token: Token) -> World:
        return self.but(tokens=tuple(t for t in self.tokens if t.step != token.step))

    def write(self, name: str, value: object, size: int) -> World:
        sizes = {key: old for key, old in self.sizes.items() if key != name}
        return self.but(
            memory={**self.memory, name: value}, sizes={**sizes, name: size} if size else sizes
        )


def new_world(sketch: Sketch, memory_limit: int, signal_limit: int) -> World:
    """An execution that has not begun."""
    return World(Drawing.of(sketch), memory_limit=memory_limit, signal_limit=signal_limit)
