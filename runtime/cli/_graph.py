"""`processengine graph`: a process as Mermaid text or as SVG."""

from __future__ import annotations

import argparse

from ..drawing import draw_mermaid, draw_svg
from ._files import write
from ._loading import load_to_draw
from ._output import Output


def graph(arguments: argparse.Namespace, output: Output) -> int:
    """Draw to standard output or into a file."""
    definition = load_to_draw(arguments.file, arguments.nodes)
    target: str | None = arguments.output
    names_svg = target is not None and target.lower().endswith(".svg")
    format = arguments.format or ("svg" if names_svg else "mermaid")
    drawing = draw_svg(definition) if format == "svg" else draw_mermaid(definition)
    if target is None:
        output.text(drawing)
    else:
        write(target, drawing)
    return 0
