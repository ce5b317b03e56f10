"""Flame graphs as SVG: calls above those that made them, as wide as the time they took."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence

import attrs

from ._markup import element, picture, text
from ._text import number, width_of

WIDTH, MARGIN, TOP, ROW, WORDS, THINNEST = 1200.0, 12.0, 54.0, 17.0, 10.5, 0.3
SHADES = 3

_LIGHT = {
    "engine": ("#8fb4ee", "#a4c2f2", "#7ba6ea"), "store": ("#9fd3b4", "#b2dcc3", "#8ccaa5"),
    "node": ("#f3b877", "#f6c792", "#f0aa5e"), "event loop": ("#c9bdf0", "#d5cbf4", "#bdafec"),
    "": ("#cdd2d8", "#d8dce1", "#c2c8cf"),
}  # fmt: skip
_DARK = {
    "engine": ("#2f5597", "#2a4c87", "#355fa8"), "store": ("#2c7a53", "#276c4a", "#32895e"),
    "node": ("#9a5b14", "#8a5112", "#ab6618"), "event loop": ("#5b47a1", "#514090", "#6650b3"),
    "": ("#57606a", "#4d555e", "#626c77"),
}  # fmt: skip


@attrs.frozen
class Flame:
    """A call, the seconds spent in it, and the calls that it made.

    `kind` is its colour: `engine`, `store`, `node`, `event loop`, or grey.
    """

    name: str
    value: float
    children: tuple[Flame, ...] = ()
    kind: str = ""


@attrs.frozen
class _Cell:
    flame: Flame
    begin: float
    depth: int


def draw_flame(flame: Flame, *, title: str, subtitle: str = "") -> str:
    """Draw a flame graph as a self-contained SVG document, the outermost call at the top.

    What would be thinner than a third of a pixel is left out; a hint on each call tells its time.
    """
    cells = list(_cells(flame))
    height = TOP + ROW * (max(cell.depth for cell in cells) + 1) + MARGIN
    content = [
        element("text", text(title), x=MARGIN, y=22, class_="title"),
        element("text", text(subtitle), x=MARGIN, y=41, class_="words"),
        *(_drawn(cell, flame.value or 1.0) for cell in cells),
    ]
    return picture(WIDTH, height, 0, _style(), title, content)


def _cells(flame: Flame) -> Iterator[_Cell]:
    """Every call that is wide enough, with its place; nothing recurses, as stacks may be deep."""
    scale = (WIDTH - 2 * MARGIN) / (flame.value or 1.0)
    todo = [_Cell(flame, 0.0, 0)]
    while todo:
        cell = todo.pop()
        yield cell
        begin = cell.begin
        for child in cell.flame.children:
            if child.value * scale >= THINNEST:
                todo.append(_Cell(child, begin, cell.depth + 1))
            begin += child.value


def _drawn(cell: _Cell, total: float) -> str:
    scale = (WIDTH - 2 * MARGIN) / total
    flame = cell.flame
    x, y, width = MARGIN + cell.begin * scale, TOP + ROW * cell.depth, flame.value * scale
    hint = f"{flame.name}\n{flame.value:.4g} s, {flame.value / total:.1%}"
    kind = flame.kind if flame.kind in _LIGHT else ""
    shade = zlib.crc32(flame.name.encode()) % SHADES
    colour = f"k{list(_LIGHT).index(kind)}s{shade}"
    shape = element(
        "rect", element("title", text(hint)), x=x, y=y, width=max(0.3, width - 0.4),
        height=ROW - 1, rx=1.5, class_=colour,
    )  # fmt: skip
    return shape + _name(flame.name, x, y, width)


def _name(name: str, x: float, y: float, width: float) -> str:
    shown = _fitting(name, width - 8)
    return element("text", text(shown), x=x + 4, y=y + 11.8, class_="name") if shown else ""


def _fitting(name: str, room: float) -> str:
    """As much of a name as there is room for: without its modules, or only how its end begins.

    Empty if that would be less than three letters.
    """
    parts = name.split(".")
    for at in range(len(parts)):
        if width_of(shown := ".".join(parts[at:]), WORDS) <= room:
            return shown
    for most in range(len(parts[-1]) - 1, 2, -1):
        if width_of(shown := f"{parts[-1][:most]}…", WORDS) <= room:
            return shown
    return ""


def _style() -> str:
    return "".join(
        [
            ".title{font-size:15px;font-weight:600}.words{font-size:11px}",
            f".name{{font-size:{number(WORDS)}px;pointer-events:none}}",
            *_palette(_LIGHT.values(), "#ffffff", "#1f2328", "#59636e"),
            "@media(prefers-color-scheme:dark){",
            *_palette(_DARK.values(), "#0d1117", "#f0f3f6", "#9aa4af"),
            "}",
        ]
    )


def _palette(kinds: Iterable[Sequence[str]], paper: str, ink: str, words: str) -> Iterator[str]:
    yield f".paper{{fill:{paper}}}.title,.name{{fill:{ink}}}.words{{fill:{words}}}"
    for kind, shades in enumerate(kinds):
        for shade, fill in enumerate(shades):
            yield f".k{kind}s{shade}{{fill:{fill}}}"
