"""Which variables the memory of a process can hold, and who reads one that it cannot."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from ._binding import Binding
from ._errors import NOTHING, Fault
from ._expressions import Expression
from ._model import Delay, Each, Function, Input, Kind, Node, Process, Switch, Wait
from ._suggestion import choice_of

ERROR_VARIABLE = "error"


def known_variables(nodes: Iterable[Node], inputs: Iterable[Input]) -> Collection[str]:
    """What can be in the memory: inputs, the outputs of nodes that give a result, and `error`."""
    outputs = (n.output for n in nodes if isinstance(n.kind, (Function, Wait, Each, Process)))
    return dict.fromkeys((ERROR_VARIABLE, *(each.name for each in inputs), *outputs))


def supply_faults(nodes: Sequence[Node], inputs: Sequence[Input]) -> Iterator[Fault]:
    """What nodes read and nothing supplies; without declared inputs, only what children lack."""
    known = known_variables(nodes, inputs)
    for node in nodes:
        if inputs:
            yield from _unsupplied(node, known)
        if isinstance(node.kind, Process):
            yield from _child_input_faults(node, node.kind.definition.inputs)


def _unsupplied(node: Node, known: Collection[str]) -> Iterator[Fault]:
    place = f"nodes.{node.name}"
    item = (node.kind.item,) if isinstance(node.kind, Each) else ()
    for name, expression in node.inputs.items():
        yield from _unread(f"{place}.inputs.{name}", expression, known, item)
    # The list of an `each` is made before there is an item, and so before there are inputs.
    own = () if item else node.inputs
    for where, expression in _expressions(node.kind):
        yield from _unread(f"{place}.{where}", expression, known, own)
    for name in _parameters(node):
        if name not in known and name not in item and name not in node.inputs:
            yield Fault(f"{place}.inputs.{name}", NOTHING, _a_value(node, name, known))


def _unread(
    place: str, expression: Expression, known: Collection[str], own: Collection[str]
) -> Iterator[Fault]:
    """Faults for what an expression reads and is neither `known` nor the node's `own`."""
    for name in expression.reads:
        if name not in known and name not in own:
            yield Fault(place, name, f"a known name (known: {choice_of(known, name)})")


def _expressions(kind: Kind) -> Iterator[tuple[str, Expression]]:
    if isinstance(kind, Switch):
        for index, case in enumerate(kind.cases):
            yield f"cases[{index}].when", case.when
    if isinstance(kind, Delay):
        yield "seconds", kind.seconds
    if isinstance(kind, Wait) and kind.timeout is not None:
        yield "within", kind.timeout
    if isinstance(kind, Each):
        yield "over", kind.items


def _parameters(node: Node) -> tuple[str, ...]:
    binding = _binding(node)
    return () if binding is None else binding.required


def _binding(node: Node) -> Binding | None:
    if isinstance(node.kind, Each):
        return node.kind.body.binding
    return node.kind.binding if isinstance(node.kind, Function) else None


def _a_value(node: Node, name: str, known: Collection[str]) -> str:
    binding = _binding(node)
    function = node.name if binding is None else binding.function_name
    return f"a value for parameter {name!r} of {function} (variables: {choice_of(known, name)})"


def _child_input_faults(node: Node, declared: Sequence[Input]) -> Iterator[Fault]:
    """Faults where a child declares its inputs and the node does not give it those."""
    if not declared:
        return
    names = {each.name for each in declared}
    for each in declared:
        if each.is_required and each.name not in node.inputs:
            place = f"nodes.{node.name}.inputs.{each.name}"
            yield Fault(place, NOTHING, f"a value for this input of {_child(node)}")
    for name in node.inputs:
        if name not in names:
            expected = f"an input of {_child(node)} ({choice_of(names, name)})"
            yield Fault(f"nodes.{node.name}.inputs.{name}", name, expected)


def _child(node: Node) -> str:
    return repr(node.kind.definition.id) if isinstance(node.kind, Process) else node.name
