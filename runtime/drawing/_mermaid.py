"""Diagrams as Mermaid flowcharts, in the syntax that hosting sites render (no newer shapes).

Syntax: https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..definition import ProcessDefinition
from ._diagram import Arrow, Box, Diagram, Flow, Shape, diagram_of

_FRAMES: Mapping[Shape, tuple[str, str]] = {
    "function": ("[", "]"),
    "switch": ("{", "}"),
    "delay": ("([", "])"),
    "wait": ("[/", "/]"),
    "each": ("[/", "\\]"),
    "process": ("[[", "]]"),
    "end": ("((", "))"),
    "terminate": ("(((", ")))"),
}
_LINES: Mapping[Flow, str] = {"normal": "-->", "error": "-.->", "timeout": "-.->"}
_ESCAPES = str.maketrans(
    {
        '"': "#quot;", "#": "#35;", "&": "#amp;", "<": "#lt;", ">": "#gt;", "`": "#96;",
        "\\": "#92;", "\n": " ", "\r": " ",
    }
)  # fmt: skip


def draw_mermaid(definition: ProcessDefinition) -> str:
    """Draw a definition as the text of a Mermaid flowchart, ending in a newline."""
    return "\n".join(_lines(diagram_of(definition))) + "\n"


def _lines(diagram: Diagram) -> Iterator[str]:
    yield "flowchart LR"
    for number, box in enumerate(diagram.boxes):
        yield f"    {_node(number, box)}"
    if diagram.start:
        yield "    start(( ))"
    for number in diagram.start:
        yield f"    start --> n{number}"
    for arrow in diagram.arrows:
        yield f"    {_arrow(arrow)}"


def _node(number: int, box: Box) -> str:
    opening, closing = _FRAMES[box.shape]
    words = [box.name, box.caption, f"join: {box.join}" if box.join else ""]
    text = "<br/>".join(word.translate(_ESCAPES) for word in words if word)
    return f'n{number}{opening}"{text}"{closing}'


def _arrow(arrow: Arrow) -> str:
    label = f'|"{arrow.label.translate(_ESCAPES)}"|' if arrow.label else ""
    return f"n{arrow.source} {_LINES[arrow.flow]}{label} n{arrow.target}"
