"""Supervision trees as text: a line for each supervisor and child, with lines that lead to it."""

from __future__ import annotations

from collections.abc import Iterator

from ...supervision import TreeNode

_KNEE, _FORK, _LINE, _GAP = "└── ", "├── ", "│   ", "    "


def draw_tree(tree: TreeNode) -> str:
    """Draw a supervision tree (of `runtime.tree()`, say) as plain text, ending in a newline."""
    lines = (f"{lead}{node.name}  {tree_words(node)}\n" for lead, node in _with_leads(tree))
    return "".join(lines)


def _with_leads(tree: TreeNode) -> Iterator[tuple[str, TreeNode]]:
    """Every node, parents first, with what stands before it."""
    todo = [("", "", tree)]
    while todo:
        lead, below, node = todo.pop()
        yield lead, node
        knee, line = _KNEE, _GAP
        for child in reversed(node.children):
            todo.append((below + knee, below + line, child))
            knee, line = _FORK, _LINE


def tree_words(node: TreeNode) -> str:
    """What there is to say of a node beside its name."""
    times = "" if not node.restarts else f"restarts: {node.restarts}"
    return ", ".join(filter(None, [node.kind, node.state, node.strategy, times]))
