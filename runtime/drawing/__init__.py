"""Pictures of processes, of what happened in them and of who supervises whom: values in, text out.

Owns layout and markup; it never runs anything, reads no file and needs no package. Start reading at
"""

from ._chart import Axis, Mark, Series, draw_chart
from ._diagram import Arrow, Box, Diagram, diagram_of
from ._diagram_svg import draw_svg
from ._flame import Flame, draw_flame
from ._gantt import Bar, draw_gantt
from ._mermaid import draw_mermaid
from ._tree import draw_tree, tree_words
from ._tree_svg import draw_tree_svg

__all__ = [
    "Arrow",
    "Axis",
    "Bar",
    "Box",
    "Diagram",
    "Flame",
    "Mark",
    "Series",
    "diagram_of",
    "draw_chart",
    "draw_flame",
    "draw_gantt",
    "draw_mermaid",
    "draw_svg",
    "draw_tree",
    "draw_tree_svg",
    "tree_words",
]
