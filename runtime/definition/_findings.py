"""What is allowed in a drawing but cannot work: joins that never fire, nodes that never run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ._graph import numbered, reachable
from ._model import Connection, Finding, Node, Switch

MOST_LOOKED_AT = 10_000_000  # vertices, about 3 s


def findings_of(
    nodes: Sequence[Node], connections: Sequence[Connection], start: Sequence[str]
) -> Iterator[Finding]:
    """What is allowed but cannot work: counted joins out of reach, and the nodes only they lead to.

    Looks for a few seconds at most; in a graph of very many counted joins and switches it may leave
    the rare ones unfound.
    """
    drawing = _Drawing(nodes, connections, start)
    starved: dict[str, Finding] = {}
    for node in nodes:
        if node.join.mode != "count" or node.join.count < 2:
            continue
        most = drawing.most_tokens(node)
        if most < node.join.count:
            message = f"needs {node.join.count} tokens a round, but at most {most} can come"
            yield Finding(f"nodes.{node.name}.join", message)
            for finding in drawing.starved_by(node):
                starved.setdefault(finding.place, finding)
    yield from starved.values()


class _Drawing:
    """Answers what tokens can reach in a drawing; `_left` bounds the vertices it looks at."""

    def __init__(
        self, nodes: Sequence[Node], connections: Sequence[Connection], start: Sequence[str]
    ) -> None:
        self._nodes = nodes
        self._index, self._successors = numbered(
            (node.name for node in nodes), ((c.source, c.target) for c in connections)
        )
        self._start = start
        self._incoming: dict[str, list[Connection]] = {}
        self._outgoing: dict[str, list[Connection]] = {}
        for connection in connections:
            self._incoming.setdefault(connection.target, []).append(connection)
            self._outgoing.setdefault(connection.source, []).append(connection)
        self._switches = [
            node for node in nodes if isinstance(node.kind, Switch) and node.kind.choose == "first"
        ]
        self._left = MOST_LOOKED_AT

    def most_tokens(self, join: Node) -> int:
        """An upper bound of the connections that can deliver in one round.

        Exact for the common mistake: all lie behind different ports of one exclusive switch.
        """
        slots = self._incoming.get(join.name, [])
        if join.name in self._start:
            return len(slots) + 1
        most = len(slots)
        for switch in self._switches:
            if self._left < 0:
                return most
            if switch is not join and self._is_gate(switch, slots):
                most = min(most, self._most_behind(switch, slots))
        return most

    def starved_by(self, join: Node) -> Iterator[Finding]:
        """The nodes that only a token of this join can get to."""
        marks = self._reach(self._start, without=join)
        for node in self._nodes:
            if node is not join and not marks[self._index[node.name]]:
                yield Finding(f"nodes.{node.name}", f"can never run: it lies behind {join.name!r}")

    def _is_gate(self, switch: Node, slots: Sequence[Connection]) -> bool:
        """Whether no token gets to any of the slots but through the switch."""
        bypass = self._reach(self._start, without=switch)
        return not any(bypass[self._index[slot.source]] for slot in slots)

    def _most_behind(self, switch: Node, slots: Sequence[Connection]) -> int:
        """How many of the slots lie behind the one port that the most lie behind."""
        ways: dict[str, list[Connection]] = {}
        for way in self._outgoing.get(switch.name, []):
            ways.setdefault(way.port, []).append(way)
        return max((self._behind(switch, taken, slots) for taken in ways.values()), default=0)

    def _behind(self, switch: Node, ways: Sequence[Connection], slots: Sequence[Connection]) -> int:
        marks = self._reach([way.target for way in ways])
        return sum(
            slot in ways or (slot.source != switch.name and bool(marks[self._index[slot.source]]))
            for slot in slots
        )

    def _reach(self, start: Sequence[str], without: Node | None = None) -> bytearray:
        self._left -= len(self._nodes)
        barred = -1 if without is None else self._index[without.name]
        return reachable(self._successors, (self._index[name] for name in start), without=barred)
