"""A supervision tree in colour, by rich. Imported where that is wanted."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from ...supervision import TreeNode
from ..drawing import tree_words

_STYLES: Mapping[str, str] = {
    "starting": "cyan",
    "running": "green",
    "waiting": "magenta",
    "pausing": "yellow",
    "paused": "yellow",
    "stopping": "red",
}


def print_tree(tree: TreeNode, console: Console | None = None) -> None:
    """Print a supervision tree."""
    (console or Console()).print(_picture(tree))


def _picture(tree: TreeNode) -> Tree:
    picture = Tree(_label(tree), guide_style="dim")
    todo = [(picture, tree)]
    while todo:
        branch, node = todo.pop()
        todo += [(branch.add(_label(child)), child) for child in node.children]
    return picture


def _label(node: TreeNode) -> Text:
    style = _STYLES.get(node.state, "dim")
    return Text.assemble((node.name, f"bold {style}"), f"  {tree_words(node)}")
