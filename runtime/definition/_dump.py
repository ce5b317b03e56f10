"""A definition written as plain data that reads back as the same definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ...supervision import Retry
from ._cel import CelExpression
from ._check import entry_points
from ._errors import DefinitionError, Fault
from ._expressions import Constant, Expression, Variable
from ._formats import refuse_odd
from ._model import (
    OUT,
    Connection,
    Delay,
    Each,
    End,
    Function,
    Input,
    Join,
    Kind,
    Node,
    Process,
    ProcessDefinition,
    Switch,
    Wait,
)
from ._node_types import NodeTypes

_FORMS = ("cel", "variable", "constant")


def dump_definition(definition: ProcessDefinition, types: NodeTypes) -> dict[str, Any]:
    """Write a definition as a document; `definition_of` reads it back with the same hash.

    Definitions of child executions are written out in place. Raises `DefinitionError` listing what a
    document cannot say: functions that `types` does not have, conditions that are Python functions,
    constants that are not plain data.
    """
    faults: list[Fault] = []
    document = _Writer(types, faults).document(definition, "")
    if not faults:
        refuse_odd(document, str(definition))
    if faults:
        raise DefinitionError(str(definition), tuple(faults))
    return document


@attrs.frozen
class _Writer:
    """Writes model values as plain data; what it cannot write becomes a fault."""

    types: NodeTypes
    faults: list[Fault]

    def document(self, definition: ProcessDefinition, prefix: str) -> dict[str, Any]:
        written: dict[str, Any] = {"id": definition.id, "version": definition.version}
        if definition.inputs:
            written["inputs"] = {each.name: _input(each) for each in definition.inputs}
        if definition.start != entry_points(definition.nodes, definition.connections):
            written["start"] = list(definition.start)
        written["nodes"] = {
            node.name: self._node(node, f"{prefix}nodes.{node.name}") for node in definition.nodes
        }
        written["connections"] = [_connection(each) for each in definition.connections]
        return written | _given(timeout=definition.timeout, description=definition.description)

    def _node(self, node: Node, place: str) -> dict[str, Any]:
        written = self._kind(node.kind, place) | _join(node.join)
        if node.inputs:
            written["inputs"] = {
                name: self._value(value, f"{place}.inputs.{name}")
                for name, value in node.inputs.items()
            }
        if node.output != node.name:
            written["output"] = node.output
        if node.retry is not None:
            written["retry"] = self._retry(node.retry, f"{place}.retry")
        return written | _given(timeout=node.timeout, description=node.description)
