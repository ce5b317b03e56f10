"""`processengine graph`: a process as Mermaid text or as SVG."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..drawing import draw_mermaid, draw_svg
from ._files import write
from ._loading import load_to_draw
from ._misuse import Misuse
from ._output import Output


def graph(arguments: argparse.Namespace, output: Output) -> int:
    """Draw to standard output or into a file."""
    target: str | None = arguments.output
    format = arguments.format or _format_of(target)
    definition = load_to_draw(arguments.file, arguments.nodes)
    drawing = draw_svg(definition) if format == "svg" else draw_mermaid(definition)
    if target is not None:
        write(target, drawing)
    elif not output.json:
        output.text(drawing)
    output.document(
        {
            "file": arguments.file,
            "definition": str(definition),
            "format": format,
            "output": target,
            "drawing": drawing if target is None else None,
        }
    )
    return 0


_MERMAID = (".mmd", ".mermaid", ".md", ".txt", "")


def _format_of(target: str | None) -> str:
    """The format that the name of a file asks for; raises `Misuse` for one we do not have."""
    suffix = "" if target is None else Path(target).suffix.lower()
    if suffix == ".svg":
        return "svg"
    if suffix not in _MERMAID:
        expected = "a name that ends in .svg (a picture) or .mmd (Mermaid), or a --format"
        raise Misuse(f"--output {target}: expected {expected}")
    return "mermaid"
