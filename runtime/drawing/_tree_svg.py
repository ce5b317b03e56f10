"""Supervision trees as SVG: a row for each supervisor and child, indented below its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from ...supervision import TreeNode
from ._markup import element, picture, text
from ._text import number, shortened, width_of
from ._tree import tree_words

MARGIN, ROW, INDENT, DOT, GAP = 24.0, 24.0, 22.0, 5.0, 8.0
SIZE, MOST_NAME = 12.5, 60

_STATES: Mapping[str, str] = {
    "starting": "busy", "running": "busy", "stopping": "ending", "pausing": "ending",
    "waiting": "idle", "paused": "idle", "queued": "idle",
}  # fmt: skip
_LIGHT = {"busy": "#2e9e77", "ending": "#cf222e", "idle": "#bf8a1c", "other": "#8c959f"}
_DARK = {"busy": "#3fb68b", "ending": "#f85149", "idle": "#d9a326", "other": "#6e7681"}


@attrs.frozen
class _Row:
    """A node and where it stands; `parent` is the number of the row it hangs from."""

    node: TreeNode
    number: int
    depth: int
    parent: int

    @property
    def x(self) -> float:
        return MARGIN + DOT + INDENT * self.depth

    @property
    def y(self) -> float:
        return MARGIN + ROW * (self.number + 0.5)

    @property
    def name(self) -> str:
        return shortened(self.node.name, MOST_NAME)

    @property
    def right(self) -> float:
        """Where the words end, at most; the name is in bold."""
        width = 1.15 * width_of(self.name, SIZE) + width_of(tree_words(self.node), SIZE)
        return self.x + DOT + 2 * GAP + width


def draw_tree_svg(tree: TreeNode) -> str:
    """Draw a supervision tree (of `runtime.tree()`, say) as a self-contained SVG document."""
    rows = _rows(tree)
    width = max(row.right for row in rows) + MARGIN
    height = ROW * len(rows) + 2 * MARGIN
    return picture(width, height, 0, _style(), tree.name, _content(rows))


def _rows(tree: TreeNode) -> list[_Row]:
    rows: list[_Row] = []
    todo = [(tree, 0, 0)]
    while todo:
        node, depth, parent = todo.pop()
        row = _Row(node, len(rows), depth, parent)
        rows.append(row)
        todo += [(child, depth + 1, row.number) for child in reversed(node.children)]
    return rows


def _content(rows: list[_Row]) -> Iterator[str]:
    for row in rows[1:]:
        yield _line(rows[row.parent], row)
    for row in rows:
        yield _drawn(row)


def _line(parent: _Row, row: _Row) -> str:
    path = f"M{number(parent.x)} {number(parent.y)}V{number(row.y)}H{number(row.x)}"
    return element("path", d=path, class_="line")


def _drawn(row: _Row) -> str:
    node, state = row.node, _STATES.get(row.node.state, "other")
    name = element("tspan", text(row.name), class_="name")
    words = element("tspan", text(tree_words(node)), dx=GAP, class_="words")
    parts = [
        element("title", text(f"{node.name}\n{tree_words(node)}")),
        element("circle", cx=row.x, cy=row.y, r=DOT, class_=f"dot {state}"),
        element("text", name + words, x=row.x + DOT + GAP, y=row.y + SIZE / 3),
    ]
    return element("g", "".join(parts))


def _style() -> str:
    return "".join(
        [
            f".name,.words{{font-size:{SIZE}px}}.name{{font-weight:600}}.line{{fill:none}}",
            *_palette(_LIGHT, "#ffffff", "#1f2328", "#59636e", "#d1d9e0"),
            "@media(prefers-color-scheme:dark){",
            *_palette(_DARK, "#0d1117", "#e6edf3", "#9aa4af", "#30363d"),
            "}",
        ]
    )


def _palette(
    states: Mapping[str, str], paper: str, ink: str, words: str, line: str
) -> Iterator[str]:
    yield f".paper{{fill:{paper}}}.name{{fill:{ink}}}.words{{fill:{words}}}.line{{stroke:{line}}}"
    for state, colour in states.items():
        yield f".{state}{{fill:{colour}}}"
