"""Diagrams as SVG: one shape for each kind of node, colours for light and dark surroundings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..definition import ProcessDefinition
from ._diagram import Box, Shape, diagram_of
from ._layout import (
    CAPTION_SIZE,
    LABEL_SIZE,
    MARGIN,
    MOST_CAPTION,
    MOST_LABEL,
    MOST_NAME,
    NAME_SIZE,
    Layout,
    Place,
    Route,
    laid_out,
)
from ._markup import element, picture, text
from ._text import number, shortened

_LIGHT = {
    "paper": ("#ffffff", ""), "name": ("#1f2328", ""), "caption": ("#59636e", ""),
    "function": ("#eef4ff", "#4f7cd6"), "switch": ("#fff5dd", "#bf8a1c"),
    "delay": ("#f3eeff", "#8a63d2"), "wait": ("#ffeff5", "#c9507c"),
    "each": ("#e7f7f0", "#2e9e77"), "process": ("#e6f5fb", "#2b88b8"),
    "end": ("#eceff2", "#59636e"), "normal": ("", "#8c959f"), "error": ("", "#cf222e"),
    "timeout": ("", "#b07500"), "return": ("", "#8250df"),
}  # fmt: skip
_DARK = {
    "paper": ("#0d1117", ""), "name": ("#e6edf3", ""), "caption": ("#9aa4af", ""),
    "function": ("#15223d", "#5b8def"), "switch": ("#33280f", "#d9a326"),
    "delay": ("#241b3b", "#a884f0"), "wait": ("#38172a", "#e678a4"),
    "each": ("#102e25", "#3fb68b"), "process": ("#0f2b3a", "#46a6d8"),
    "end": ("#21262d", "#9aa4af"), "normal": ("", "#6e7681"), "error": ("", "#f85149"),
    "timeout": ("", "#d9a326"), "return": ("", "#a371f7"),
}  # fmt: skip
_FLOWS = ("normal", "error", "timeout", "return")


def draw_svg(definition: ProcessDefinition) -> str:
    """Draw a definition as a self-contained SVG document."""
    layout = laid_out(diagram_of(definition))
    return picture(
        layout.width, layout.height, layout.top, _style(), layout.diagram.title, _content(layout)
    )


def _content(layout: Layout) -> Iterator[str]:
    diagram = layout.diagram
    yield element("defs", "".join(_arrow_head(flow) for flow in _FLOWS))
    yield element(
        "text", text(diagram.title), x=MARGIN, y=layout.top + 24, class_="caption",
        font_size=CAPTION_SIZE + 1,
    )  # fmt: skip
    for route in layout.routes:
        yield _line(route)
    for start in diagram.start:
        yield _start(layout.places[start])
    for box, place in zip(diagram.boxes, layout.places, strict=True):
        yield _box(box, place)
    yield from _labels(layout)


def _line(route: Route) -> str:
    flow = "return" if route.is_return else route.arrow.flow
    return element("path", d=route.path, class_=f"line {flow}", marker_end=f"url(#{flow})")


def _labels(layout: Layout) -> Iterator[str]:
    """One for each port, however many arrows leave by it."""
    labelled = {
        (route.arrow.source, route.arrow.label): route
        for route in layout.routes
        if route.arrow.label
    }
    for route in labelled.values():
        words = text(shortened(route.arrow.label, MOST_LABEL))
        if route.arrow.details:
            words += element("title", text(route.arrow.details))
        x, y = route.begin
        yield element("text", words, x=x + 5, y=y - 4, class_=f"label {route.arrow.flow}")


def _start(place: Place) -> str:
    x, y = place.x - 26, place.middle
    dot = element("circle", cx=x, cy=y, r=5, class_="dot")
    line = f"M{number(x)} {number(y)}H{number(place.x)}"
    return dot + element("path", d=line, class_="line normal", marker_end="url(#normal)")


def _box(box: Box, place: Place) -> str:
    parts = [element("title", text("\n".join(box.details))), *_SHAPES[box.shape](place)]
    parts += _words(box, place)
    if box.join:
        parts.append(_badge(box.join, place))
    shape = "end" if box.shape == "terminate" else box.shape
    return element("g", "".join(parts), class_=shape)


def _words(box: Box, place: Place) -> Iterator[str]:
    middle = place.x + place.width / 2
    name = text(shortened(box.name, MOST_NAME))
    y = place.middle + (-2 if box.caption else 4.5)
    yield element("text", name, x=middle, y=y, class_="name")
    if box.caption:
        caption = text(shortened(box.caption, MOST_CAPTION))
        yield element("text", caption, x=middle, y=place.middle + 13, class_="caption")


def _badge(join: str, place: Place) -> str:
    """How a node joins, on the corner where arrows come in."""
    return element("text", text(join), x=place.x - 4, y=place.y + 2, class_="badge")


def _rectangle(place: Place, corner: float, class_: str = "shape", grow: float = 0.0) -> str:
    return element(
        "rect", x=place.x - grow, y=place.y - grow, width=place.width + 2 * grow,
        height=place.height + 2 * grow, rx=corner, class_=class_,
    )  # fmt: skip


def _function(place: Place) -> list[str]:
    return [_rectangle(place, 7)]


def _switch(place: Place) -> list[str]:
    inset, left, right = 12.0, place.x, place.right
    top, middle, bottom = place.y, place.middle, place.y + place.height
    corners = [
        (left, middle), (left + inset, top), (right - inset, top),
        (right, middle), (right - inset, bottom), (left + inset, bottom),
    ]  # fmt: skip
    points = " ".join(f"{number(x)},{number(y)}" for x, y in corners)
    return [element("polygon", points=points, class_="shape")]


def _delay(place: Place) -> list[str]:
    return [_rectangle(place, place.height / 2)]


def _wait(place: Place) -> list[str]:
    return [_rectangle(place, place.height / 2, "shape dashed")]


def _each(place: Place) -> list[str]:
    behind = [
        Place(place.x + step, place.y - step, place.width - step, place.height) for step in (6, 3)
    ]
    front = Place(place.x, place.y, place.width - 6, place.height)
    return [_rectangle(card, 7) for card in (*behind, front)]


def _process(place: Place) -> list[str]:
    top, bottom = number(place.y), number(place.y + place.height)
    bars = f"M{number(place.x + 6)} {top}V{bottom}M{number(place.right - 6)} {top}V{bottom}"
    return [_rectangle(place, 4), element("path", d=bars, class_="shape")]


def _end(place: Place) -> list[str]:
    return [_rectangle(place, place.height / 2, "shape thick")]


def _terminate(place: Place) -> list[str]:
    inner = Place(place.x + 4, place.y + 4, place.width - 8, place.height - 8)
    return [
        _rectangle(place, place.height / 2, "shape thick"), _rectangle(inner, place.height / 2)
    ]  # fmt: skip


_SHAPES: Mapping[Shape, Callable[[Place], list[str]]] = {
    "function": _function,
    "switch": _switch,
    "delay": _delay,
    "wait": _wait,
    "each": _each,
    "process": _process,
    "end": _end,
    "terminate": _terminate,
}


def _arrow_head(flow: str) -> str:
    return element(
        "marker", element("path", d="M0 0L8 4L0 8Z", class_=f"head {flow}"), id=flow, refX=7.5,
        refY=4, markerWidth=8, markerHeight=8, orient="auto", markerUnits="userSpaceOnUse",
    )  # fmt: skip


def _style() -> str:
    return "".join(
        [
            ".line{fill:none;stroke-width:1.4}.shape{stroke-width:1.3}.thick{stroke-width:2.2}",
            ".error.line,.timeout.line{stroke-dasharray:5 3}.dashed{stroke-dasharray:5 3}",
            f".name{{font-size:{NAME_SIZE}px;font-weight:600;text-anchor:middle}}",
            f"g .caption{{font-size:{CAPTION_SIZE}px;text-anchor:middle}}",
            f".label{{font-size:{LABEL_SIZE}px;stroke-width:3px;paint-order:stroke}}",
            f".badge{{font-size:{LABEL_SIZE - 1}px;text-anchor:end;font-style:italic}}",
            *_colours(_LIGHT),
            "@media(prefers-color-scheme:dark){",
            *_colours(_DARK),
            "}",
        ]
    )


def _colours(palette: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    paper = palette["paper"][0]
    yield f".paper{{fill:{paper}}}.label{{stroke:{paper}}}"
    yield f".name{{fill:{palette['name'][0]}}}.caption,.badge{{fill:{palette['caption'][0]}}}"
    yield f".dot{{fill:{palette['normal'][1]}}}"
    for name, (fill, stroke) in palette.items():
        if fill and stroke:
            yield f".{name} .shape{{fill:{fill};stroke:{stroke}}}"
        elif stroke:
            yield f".line.{name}{{stroke:{stroke}}}.head.{name},.label.{name}{{fill:{stroke}}}"
    yield f".label.normal{{fill:{palette['caption'][0]}}}"
