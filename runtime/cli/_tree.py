"""`processengine tree`: who supervises whom while a process runs, at a moment of virtual time."""

from __future__ import annotations

import argparse
import sys

from ...supervision import TreeNode
from ..drawing import draw_tree, draw_tree_svg
from ..simulation import moment_of
from ._arguments import named_pairs, named_values
from ._files import write
from ._loading import load
from ._outcome import STYLES
from ._output import Output
from ._words import seconds


def tree(arguments: argparse.Namespace, output: Output) -> int:
    """Run the process up to a moment, show the supervision tree of then, draw it if asked."""
    inputs = named_values("--input", arguments.input)
    signals = named_pairs("--signal", arguments.signal)
    definition = load(arguments.file, arguments.nodes)
    moment = moment_of(definition, arguments.after, inputs=inputs, signals=signals)
    if arguments.svg is not None:
        write(arguments.svg, draw_tree_svg(moment.tree))
    state = moment.state.replace("_", " ")
    words = f"{definition} after {seconds(arguments.after)}: {state}"
    output.line(words, STYLES.get(moment.state, "bold cyan"))
    _show(moment.tree, output)
    output.document(
        {
            "definition": str(definition),
            "after": arguments.after,
            "state": moment.state,
            "tree": tree_data(moment.tree),
        }
    )
    return 0


def _show(tree: TreeNode, output: Output) -> None:
    if output.json:
        return
    if not sys.stdout.isatty():
        output.text(draw_tree(tree))
        return
    from ._tree_view import print_tree

    print_tree(tree)


def tree_data(tree: TreeNode) -> dict[str, object]:
    """A supervision tree for a JSON document; `strategy` is null where nothing is supervised."""
    return {
        "name": tree.name,
        "kind": tree.kind,
        "state": tree.state,
        "restarts": tree.restarts,
        "strategy": tree.strategy,
        "children": [tree_data(child) for child in tree.children],
    }
