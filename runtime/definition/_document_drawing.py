"""How a document connects its nodes: beside a node (`then`, `on`), or in the list `connections`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

import attrs

from ._errors import Fault
from ._formats import is_mapping
from ._model import OUT, Connection
from ._section import TEXT, TEXTS, Leaf, Section

MOST_CUTS = 50  # dots in the name of a port

_TARGETS = Leaf[list[str] | str](list[str] | str, "the name of a node or a list of names")
_AN_ARROW = "text such as 'a -> b' or 'a.error -> b', or a mapping with 'from' and 'to'"
_WITHOUT_RESULT = ("switch", "delay", "end")


@attrs.frozen
class Draft:
    """A node as the document has it: its name, and its mapping unless it is something else."""

    name: str
    section: Section | None

    @property
    def output(self) -> str:
        """The variable its result goes to."""
        output = self._get("output", self.name)
        return output if isinstance(output, str) else self.name

    @property
    def has_result(self) -> bool:
        """Whether nodes of its kind write a variable."""
        return self._get("kind", "function") not in _WITHOUT_RESULT

    def _get(self, key: str, default: object) -> object:
        return default if self.section is None else self.section.content.get(key, default)


@attrs.define
class Drawing:
    """The connections of a document with their places, and its start nodes.

    `is_whole` is false where some part could not be read, so that what is missing proves nothing.
    """

    connections: list[Connection] = attrs.field(factory=list[Connection])
    start: list[str] = attrs.field(factory=list[str])
    is_whole: bool = True
    _places: list[tuple[str, bool]] = attrs.field(factory=list[tuple[str, bool]])
    _ports: dict[str, list[str]] = attrs.field(factory=lambda: defaultdict(list))

    def add(self, connection: Connection, place: str, has_keys: bool = False) -> None:
        """Draw a connection; with `has_keys` its place has the keys `from`, `port` and `to`."""
        self.connections.append(connection)
        self._places.append((place, has_keys))
        self._ports[connection.source].append(connection.port)

    def place_of(self, index: int, part: str) -> str:
        """The place of a connection, or of the part of it that has a place of its own."""
        place, has_keys = self._places[index]
        return place + part if has_keys else place

    def ports_of(self, node: str) -> Sequence[str]:
        """The ports that connections leave a node by."""
        return self._ports.get(node, ())


def read_drawing(section: Section, drafts: Sequence[Draft]) -> Drawing:
    """All connections and start nodes of a document, as drawn: only their form is checked."""
    before, drawing = len(section.faults), Drawing()
    drawing.start = section.take("start", TEXTS, [])
    names = {draft.name for draft in drafts}
    for draft in drafts:
        if draft.section is not None:
            _read_beside(draft.name, draft.section, drawing)
    for place, value in section.items("connections"):
        _read_listed(value, place, section, names, drawing)
    drawing.is_whole = len(section.faults) == before
    return drawing


def _read_beside(name: str, node: Section, drawing: Drawing) -> None:
    _read_targets(node, "then", name, OUT, drawing)
    ports = node.section("on")
    if ports is not None:
        for port in ports.content:
            _read_targets(ports, port, name, port, drawing)


def _read_targets(section: Section, key: str, source: str, port: str, drawing: Drawing) -> None:
    targets = section.take(key, _TARGETS, [])
    if isinstance(targets, str):
        drawing.add(Connection(source, port, targets), section.at(key))
    else:
        for index, target in enumerate(targets):
            drawing.add(Connection(source, port, target), f"{section.at(key)}[{index}]")


def _read_listed(
    value: object, place: str, around: Section, names: set[str], drawing: Drawing
) -> None:
    if is_mapping(value):
        _read_mapping(Section(place, value, around.faults), drawing)
        return
    chain = list(_arrows(value, names)) if isinstance(value, str) else []
    if not chain:
        around.faults.append(Fault(place, value, _AN_ARROW))
    for connection in chain:
        drawing.add(connection, place)


def _read_mapping(section: Section, drawing: Drawing) -> None:
    section.refuse_others(("from", "port", "to"), " of a connection")
    source, target = section.require("from", TEXT), section.require("to", TEXT)
    port = section.take("port", TEXT, OUT)
    if source is not None and target is not None:
        drawing.add(Connection(source, port, target), section.place, has_keys=True)


def _arrows(text: str, names: set[str]) -> Iterator[Connection]:
    """The connections of `a -> b.error -> c`, one for each arrow; none where a side is empty."""
    sides = [side.strip() for side in text.split("->")]
    if not all(sides):
        return
    ends = [_end(side, names) for side in sides]
    for (source, port), (target, _), side in zip(ends, ends[1:], sides[1:], strict=False):
        yield Connection(source, port, target if target in names else side)


def _end(text: str, names: set[str]) -> tuple[str, str]:
    """Node and port behind `node` or `node.port`: of dotted names the longest known one wins."""
    if text in names or "." not in text:
        return text, OUT
    cuts = islice((i for i in range(len(text) - 1, 0, -1) if text[i] == "."), MOST_CUTS)
    cut = next((i for i in cuts if text[:i] in names), text.rindex("."))
    return text[:cut], text[cut + 1 :]
