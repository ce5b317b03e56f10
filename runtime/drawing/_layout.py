"""Where everything of a diagram goes: boxes in columns, arrows along their way points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from ._diagram import Arrow, Box, Diagram
from ._grid import Grid, grid_of
from ._layers import Layering, layered
from ._ordering import untangle
from ._placement import placed
from ._routes import Lane, Lanes, Point, flowing, returning
from ._text import shortened, width_of

NAME_SIZE, CAPTION_SIZE, LABEL_SIZE = 13, 11, 11
MOST_NAME, MOST_CAPTION, MOST_LABEL = 32, 40, 24
MARGIN, TITLE_ROOM, START_ROOM = 24.0, 36.0, 30.0
BOX_GAP, WAY_POINT_ROOM, PORT_GAP = 18.0, 12.0, 18.0
COLUMN_GAP, WIDEST_GAP = 48.0, 200.0
FAR = 1e9

Column = tuple[float, float]  # left and right
Exits = Mapping[tuple[int, str], float]  # height by box and port


@attrs.frozen
class Place:
    """A rectangle: left, top, width and height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@attrs.frozen
class Route:
    """The way of an arrow: SVG path data, and where it begins; `is_return` if it closes a loop."""

    arrow: Arrow
    path: str
    begin: Point
    is_return: bool


@attrs.frozen
class Layout:
    """A diagram with places, in the order of its boxes, and routes, in the order of its arrows.

    The picture reaches from 0 to `width`, and from `top` (which may be negative) down by `height`.
    """

    diagram: Diagram
    places: tuple[Place, ...]
    routes: tuple[Route, ...]
    top: float
    width: float
    height: float


def laid_out(diagram: Diagram) -> Layout:
    """Find a place for everything; takes time in proportion to the size, nearly."""
    edges = [(arrow.source, arrow.target) for arrow in diagram.arrows]
    layering = layered(len(diagram.boxes), edges, diagram.start)
    grid = grid_of(layering, edges)
    untangle(grid)
    sizes = _Sizes.of(diagram)
    heights = placed(grid, _room(grid, sizes))
    return _Drafting(diagram, layering, grid, sizes, heights).layout()


@attrs.frozen
class _Sizes:
    """Widths and heights of the boxes."""

    widths: list[float]
    heights: list[float]

    @classmethod
    def of(cls, diagram: Diagram) -> _Sizes:
        ports: list[set[str]] = [set() for _ in diagram.boxes]
        for arrow in diagram.arrows:
            ports[arrow.source].add(arrow.label)
        return cls(
            [_box_width(box) for box in diagram.boxes],
            [
                max(46.0 if box.caption else 36.0, 10 + PORT_GAP * len(used))
                for box, used in zip(diagram.boxes, ports, strict=True)
            ],
        )


def _box_width(box: Box) -> float:
    words = max(
        width_of(shortened(box.name, MOST_NAME), NAME_SIZE),
        width_of(shortened(box.caption, MOST_CAPTION), CAPTION_SIZE),
    )
    return max(64.0, words + (44 if box.shape == "switch" else 28))


def _label_width(arrow: Arrow) -> float:
    return width_of(shortened(arrow.label, MOST_LABEL), LABEL_SIZE) + 6 if arrow.label else 0.0


def _room(grid: Grid, sizes: _Sizes) -> list[float]:
    way_points = len(grid.left) - grid.real
    return [height + BOX_GAP for height in sizes.heights] + [WAY_POINT_ROOM] * way_points


@attrs.frozen
class _Drafting:
    """Turns columns and heights into coordinates."""

    diagram: Diagram
    layering: Layering
    grid: Grid
    sizes: _Sizes
    heights: list[float]

    def layout(self) -> Layout:
        columns = self._columns()
        lanes = self._lanes()
        ways_back = self._ways_back(lanes)
        exits = self._exits(ways_back)
        places = self._places(columns)
        routes = tuple(
            self._way_back(arrow, places, exits, ways_back[number])
            if number in ways_back
            else self._way_on(number, arrow, places, exits, columns)
            for number, arrow in enumerate(self.diagram.arrows)
        )
        top = min(lanes.tops) - TITLE_ROOM
        width, height = columns[-1][1] + MARGIN + lanes.margin, max(lanes.bottoms) + MARGIN - top
        return Layout(self.diagram, tuple(places), routes, top, width, height)

    def _columns(self) -> list[Column]:
        labels = [0.0] * len(self.grid.rows)
        for arrow in self.diagram.arrows:
            column = self.layering.layer[arrow.source]
            labels[column] = max(labels[column], _label_width(arrow))
        columns: list[Column] = []
        left = MARGIN + START_ROOM
        for row, label in zip(self.grid.rows, labels, strict=True):
            width = max((self.sizes.widths[v] for v in row if v < self.grid.real), default=0.0)
            columns.append((left, left + width))
            left += width + label + self._gap_after(row)
        return columns

    def _gap_after(self, row: Sequence[int]) -> float:
        """Steep edges get more room to climb."""
        steepest = max(
            (abs(self.heights[v] - self.heights[t]) for v in row for t in self.grid.right[v]),
            default=0.0,
        )
        return min(WIDEST_GAP, COLUMN_GAP + 0.12 * steepest)

    def _places(self, columns: Sequence[Column]) -> list[Place]:
        places: list[Place] = []
        for vertex, column in enumerate(self.layering.layer):
            left, right = columns[column]
            height = self.sizes.heights[vertex]
            places.append(Place(left, self.heights[vertex] - height / 2, right - left, height))
        return places

    def _lanes(self) -> Lanes:
        """The heights that each layer takes up."""
        tops: list[float] = []
        bottoms: list[float] = []
        for row in self.grid.rows:
            tops.append(min(self.heights[vertex] - self._half(vertex) for vertex in row))
            bottoms.append(max(self.heights[vertex] + self._half(vertex) for vertex in row))
        return Lanes(tops, bottoms)

    def _half(self, vertex: int) -> float:
        return self.sizes.heights[vertex] / 2 if vertex < self.grid.real else 0.0

    def _ways_back(self, lanes: Lanes) -> dict[int, Lane]:
        """A lane for each arrow that closes a loop; narrow loops get the inner lanes."""
        layer, arrows = self.layering.layer, self.diagram.arrows
        backward = sorted(self.layering.backward)
        spans = {n: layer[arrows[n].source] - layer[arrows[n].target] for n in backward}
        return {
            number: lanes.take(
                slice(layer[arrows[number].target], layer[arrows[number].source] + 1),
                self.heights[arrows[number].source],
                self.heights[arrows[number].target],
            )
            for number in sorted(spans, key=spans.__getitem__)
        }

    def _exits(self, ways_back: Mapping[int, Lane]) -> Exits:
        """The height at which each port leaves its box: ports in the order of where they lead."""
        ways: dict[int, dict[str, list[float]]] = {}
        for number, arrow in enumerate(self.diagram.arrows):
            lane = ways_back.get(number)
            first = self.grid.chains.get(number, [arrow.target])[0]
            height = self.heights[first] if lane is None else lane.side * FAR
            ways.setdefault(arrow.source, {}).setdefault(arrow.label, []).append(height)
        exits: dict[tuple[int, str], float] = {}
        for source, ports in ways.items():
            ordered = sorted(ports, key=lambda port: sum(ports[port]) / len(ports[port]))
            top = self.heights[source] - PORT_GAP * (len(ordered) - 1) / 2
            exits |= {(source, port): top + PORT_GAP * i for i, port in enumerate(ordered)}
        return exits

    def _way_back(self, arrow: Arrow, places: Sequence[Place], exits: Exits, lane: Lane) -> Route:
        source, target = places[arrow.source], places[arrow.target]
        begin = (source.right, exits[arrow.source, arrow.label])
        end = (target.x, target.middle + lane.side * target.height / 4)
        path = returning(begin, end, lane, _label_width(arrow))
        return Route(arrow, path, begin, is_return=True)

    def _way_on(
        self,
        number: int,
        arrow: Arrow,
        places: Sequence[Place],
        exits: Exits,
        columns: Sequence[Column],
    ) -> Route:
        source, target = places[arrow.source], places[arrow.target]
        begin = (source.right, exits[arrow.source, arrow.label])
        points = [begin, (begin[0] + _label_width(arrow), begin[1])]
        first = self.layering.layer[arrow.source] + 1
        for column, vertex in enumerate(self.grid.chains.get(number, ()), first):
            points += [(x, self.heights[vertex]) for x in columns[column]]
        points.append((target.x, target.middle))
        return Route(arrow, flowing(points), begin, is_return=False)
