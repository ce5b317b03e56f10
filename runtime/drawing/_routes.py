"""The lines of arrows, as SVG path data: curves with the flow, square loops against it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from ._text import number

LANE_GAP, TURN_ROOM, STAGGER, CORNER = 14.0, 14.0, 4.0, 7.0

Point = tuple[float, float]


@attrs.frozen
class Lane:
    """A way back past some columns: its height, and how far from the boxes to turn into it.

    `side` is 1 if it runs below them and -1 above.
    """

    y: float
    side: int
    turn: float


@attrs.define
class Lanes:
    """Finds ways back above or below the layers they pass; each one makes its layers taller.

    `tops` and `bottoms` are what is taken so far, by layer; `margin` is what turning takes up.
    """

    tops: list[float]
    bottoms: list[float]
    margin: float = 0.0
    _taken: int = 0

    def take(self, passed: slice, begin: float, end: float) -> Lane:
        """A lane past some layers, on the side that is nearer to the heights of both ends."""
        above, below = min(self.tops[passed]) - LANE_GAP, max(self.bottoms[passed]) + LANE_GAP
        is_below = below - max(begin, end) <= min(begin, end) - above
        used, y = (self.bottoms, below) if is_below else (self.tops, above)
        used[passed] = [y] * (passed.stop - passed.start)
        turn = TURN_ROOM + STAGGER * (self._taken % 4)
        self._taken += 1
        self.margin = max(self.margin, turn)
        return Lane(y, 1 if is_below else -1, turn)


def flowing(points: Sequence[Point]) -> str:
    """A curve through points that go to the right, level at each of them.

    Between way points that are left and right of one column it runs straight.
    """
    (x, y), parts = points[0], [f"M{_at(points[0])}"]
    for following in points[1:]:
        if y == following[1]:
            parts.append(f"H{number(following[0])}")
        else:
            middle = (x + following[0]) / 2
            parts.append(f"C{_at((middle, y))} {_at((middle, following[1]))} {_at(following)}")
        x, y = following
    return "".join(parts)


def returning(begin: Point, end: Point, lane: Lane, label: float) -> str:
    """Out to the right past a label so wide, into the lane, back, and in from the left."""
    right, left = begin[0] + label + lane.turn, end[0] - lane.turn
    corners = [(right, begin[1]), (right, lane.y), (left, lane.y), (left, end[1])]
    parts = [f"M{_at(begin)}"]
    for before, corner, after in zip([begin, *corners], corners, [*corners[1:], end], strict=False):
        inward, outward = _towards(corner, before), _towards(corner, after)
        parts.append(f"L{_at(inward)}Q{_at(corner)} {_at(outward)}")
    return "".join([*parts, f"L{_at(end)}"])


def _towards(corner: Point, other: Point) -> Point:
    """The point where rounding begins, on the way from a corner to the next."""
    x, y = other[0] - corner[0], other[1] - corner[1]
    length = max(abs(x), abs(y), 1e-9)
    step = min(CORNER, length / 2) / length
    return corner[0] + x * step, corner[1] + y * step


def _at(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"
