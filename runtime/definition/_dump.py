"""A definition written as plain data that reads back as the same definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ...supervision import DEFAULT_GROUP
from ._cel import CelExpression
from ._check import entry_points
from ._documents import definition_of
from ._dump_policies import PolicyWriter
from ._errors import DefinitionError, Fault
from ._expressions import Constant, Expression, Variable
from ._formats import is_mapping
from ._model import (
    EACH,
    Connection,
    Delay,
    Each,
    End,
    Function,
    Input,
    Join,
    Node,
    Process,
    ProcessDefinition,
    Switch,
    Wait,
)
from ._node_types import NodeTypes
from ._values import FORMS


def dump_definition(definition: ProcessDefinition, types: NodeTypes) -> dict[str, Any]:
    """Write a definition as a document; `definition_of` reads it back with the same hash.

    Definitions of child executions are written out in place. Raises `DefinitionError` listing what
    a document cannot say: functions that `types` does not have, conditions that are Python
    functions, constants that are not plain data, variables that are not declared.
    """
    faults: list[Fault] = []
    names = {id(t.kind.call): t.name for t in types}
    writer = _Writer(types, names, faults, PolicyWriter(types, faults))
    document = writer.document(definition, "")
    if faults:
        raise DefinitionError(str(definition), tuple(faults))
    if definition_of(document, types, name=str(definition)).hash != definition.hash:
        fault = Fault("document", definition.hash, "a definition that reads back as the same")
        raise DefinitionError(str(definition), (fault,))
    return document


@attrs.frozen
class _Writer:
    """Writes model values as plain data; what it cannot write becomes a fault."""

    types: NodeTypes
    names: Mapping[int, str]
    faults: list[Fault]
    policies: PolicyWriter

    def document(self, definition: ProcessDefinition, prefix: str) -> dict[str, Any]:
        nodes = {
            n.name: self._node(n, f"{prefix}nodes.{n.name}", n.name == definition.on_error)
            for n in definition.nodes
        }
        groups = {
            group.name: self.policies.group(group, f"{prefix}groups.{group.name}")
            for group in definition.groups
        }
        is_usual_start = definition.start == entry_points(definition.nodes, definition.connections)
        optional = {
            "description": definition.description,
            "timeout": definition.timeout,
            "durability": definition.durability,
            "retention": None if definition.retention is None else dict(definition.retention),
            "inputs": {each.name: _input(each) for each in definition.inputs},
            "groups": groups,
            "on_error": definition.on_error,
            "start": None if is_usual_start else list(definition.start),
            "connections": [_connection(each) for each in definition.drawn],
        }
        named = {"id": definition.id, "version": definition.version}
        return named | _given(optional) | {"nodes": nodes}

    def _node(self, node: Node, place: str, is_handler: bool) -> dict[str, Any]:
        inputs = node.inputs.items()
        options = {
            "inputs": {n: self._value(value, f"{place}.inputs.{n}") for n, value in inputs},
            "output": None if node.output == node.name else node.output,
            "timeout": node.timeout,
            "group": None if node.group == DEFAULT_GROUP else node.group,
            "idempotent": node.idempotent or None,
            "description": node.description,
        }
        kind = _KINDS[type(node.kind)](self, node.kind, place)
        # The handler of failures runs for each of them unless it says otherwise.
        join = {} if is_handler and node.join == EACH else _join(node.join)
        return kind | join | _given(options) | self._policies(node, place)

    def _policies(self, node: Node, place: str) -> dict[str, Any]:
        """Retry and hedge; an empty one has every default, and is not the same as none."""
        policies = {"retry": node.retry, "hedge": node.hedge}
        return {
            key: self.policies.policy(policy, f"{place}.{key}")
            for key, policy in policies.items()
            if policy is not None
        }

    def function(self, kind: Function, place: str) -> dict[str, Any]:
        name = self.names.get(id(kind.call))
        known = None if name is None else self.types.find(name)
        if known is None:
            expected = "a function that is registered as a node type"
            self.faults.append(Fault(f"{place}.type", kind.type, expected))
            return {}
        runs = None if kind.runs == known.kind.runs else kind.runs
        own_ports = None if kind.extra_ports == known.kind.extra_ports else list(kind.extra_ports)
        ports = {} if own_ports is None else {"ports": own_ports}
        return {"type": known.name} | _given({"runs": runs}) | ports

    def switch(self, kind: Switch, place: str) -> dict[str, Any]:
        cases = [
            {"port": case.port, "when": self._expression(case.when, f"{place}.cases[{i}].when")}
            for i, case in enumerate(kind.cases)
        ]
        choose = None if kind.choose == "first" else kind.choose
        optional = _given({"default": kind.default, "choose": choose})
        return {"kind": "switch", "cases": cases} | optional

    def delay(self, kind: Delay, place: str) -> dict[str, Any]:
        return {"kind": "delay", "seconds": self._value(kind.seconds, f"{place}.seconds")}

    def wait(self, kind: Wait, place: str) -> dict[str, Any]:
        limit = kind.timeout
        within = {} if limit is None else {"within": self._value(limit, f"{place}.within")}
        return {"kind": "wait", "signal": kind.signal} | within

    def each(self, kind: Each, place: str) -> dict[str, Any]:
        body = self.function(kind.body, place)
        body.pop("ports", None)  # a body chooses no ports
        over = self._expression(kind.items, f"{place}.over")
        optional = _given({"concurrency": kind.concurrency})
        return {"kind": "each", "over": over, "item": kind.item} | body | optional

    def process(self, kind: Process, place: str) -> dict[str, Any]:
        child = self.document(kind.definition, f"{place}.definition.")
        return {"kind": "process", "definition": child}

    def end(self, kind: End, place: str) -> dict[str, Any]:
        return {"kind": "end", "terminate": kind.terminate}

    def _expression(self, expression: Expression, place: str) -> object:
        """Where bare text is an expression, so that text which is a constant has to say so."""
        if isinstance(expression, CelExpression):
            return expression.text
        if isinstance(expression, Constant) and isinstance(expression.value, str):
            return {"constant": expression.value}
        return self._value(expression, place)

    def _value(self, expression: Expression, place: str) -> object:
        if isinstance(expression, CelExpression):
            return {"cel": expression.text}
        if isinstance(expression, Variable):
            return {"variable": expression.name}
        if isinstance(expression, Constant):
            return _constant(expression.value)
        self.faults.append(Fault(place, expression.source, "a constant, a variable or CEL"))
        return None


_KINDS: Mapping[type, Callable[[_Writer, Any, str], dict[str, Any]]] = {
    Function: _Writer.function,
    Switch: _Writer.switch,
    Delay: _Writer.delay,
    Wait: _Writer.wait,
    Each: _Writer.each,
    Process: _Writer.process,
    End: _Writer.end,
}


def _constant(value: object) -> object:
    if is_mapping(value) and not FORMS.keys().isdisjoint(value):
        return {"constant": value}
    return value


def _input(declared: Input) -> dict[str, Any]:
    default = {} if declared.is_required else {"default": declared.default}
    return {"type": declared.type} | default | _given({"description": declared.description})


def _join(join: Join) -> dict[str, Any]:
    if join.mode != "count":
        return {} if join.mode == "all" else {"join": join.mode}
    rest = {} if join.rest == "absorb" else {"rest": join.rest}
    return {"join": "any" if join.count == 1 else join.count} | rest


def _connection(connection: Connection) -> dict[str, Any]:
    return {"from": connection.source, "port": connection.port, "to": connection.target}


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that say something."""
    return {key: value for key, value in options.items() if value not in (None, "", [], {})}
