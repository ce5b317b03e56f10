import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from processengine.runtime.definition import (
    ALL,
    ANY,
    EACH,
    REQUIRED,
    Case,
    Connection,
    Constant,
    DefinitionError,
    Delay,
    Each,
    End,
    Format,
    Function,
    Input,
    Join,
    Node,
    NodeTypes,
    Process,
    ProcessBuilder,
    ProcessDefinition,
    Switch,
    Variable,
    Wait,
    cel,
    definition_of,
    load_definition,
    parse_definition,
)
from processengine.supervision import Retry


class Declined(Exception): ...


async def reserve(order: object) -> None: ...


async def charge(order: object) -> None: ...


def refund(order: object) -> None: ...


def pack(line: object) -> None: ...


@pytest.fixture
def types() -> NodeTypes:
    types = NodeTypes()
    for function in (reserve, charge, refund):
        types.register(function)
    types.register(pack, "shop.pack", ports=("late",))
    types.register_error(Declined)
    return types


def node(types: NodeTypes, **content: Any) -> Node:
    document = {"id": "p", "inputs": ["order", "lines", "line"], "nodes": {"n": content}}
    return definition_of(document, types).nodes[0]


def connections(types: NodeTypes, nodes: Mapping[str, Any], *drawn: Any) -> list[str]:
    nodes = {name: {"type": "refund"} | content for name, content in nodes.items()}
    document = {"id": "p", "nodes": nodes, "connections": list(drawn)}
    return [str(each) for each in definition_of(document, types).connections]


# -- the same in every format, and in the builder

YAML = """
id: orders
version: 2
description: What happens to an order
timeout: 30m
inputs:
  order: {type: map}
  limit: {type: double, default: 100.0, description: needs approval above}
nodes:
  reserve:
    type: reserve
    then: charge
  charge:
    type: charge
    retry: {attempts: 4, initial: 200ms}
    timeout: 10s
    then: size
    on: {error: refund}
  refund: {type: refund}
  size:
    kind: switch
    cases:
      - {port: big, when: order.total > limit}
    default: small
    on: {big: approval, small: done}
  approval: {kind: wait, signal: approved, within: 2d}
  done: {kind: end}
connections:
  - approval -> done
"""

JSON = """
{
  "id": "orders",
  "version": 2,
  "description": "What happens to an order",
  "timeout": 1800,
  "inputs": {
    "order": {"type": "map"},
    "limit": {"type": "double", "default": 100.0, "description": "needs approval above"}
  },
  "nodes": {
    "reserve": {"type": "reserve"},
    "charge": {"type": "charge", "retry": {"attempts": 4, "initial": 0.2}, "timeout": 10},
    "refund": {"type": "refund"},
    "size": {
      "kind": "switch",
      "cases": [{"port": "big", "when": "order.total > limit"}],
      "default": "small"
    },
    "approval": {"kind": "wait", "signal": "approved", "within": 172800},
    "done": {"kind": "end"}
  },
  "connections": [
    "reserve -> charge -> size",
    "charge.error -> refund",
    "size.big -> approval -> done",
    {"from": "size", "port": "small", "to": "done"}
  ]
}
"""

TOML = """
id = "orders"
version = 2
description = "What happens to an order"
timeout = "30m"

[inputs]
order = { type = "map" }
limit = { type = "double", default = 100.0, description = "needs approval above" }

[nodes.reserve]
type = "reserve"
then = "charge"

[nodes.charge]
type = "charge"
retry = { attempts = 4, initial = "200ms" }
timeout = "10s"
then = "size"
on.error = "refund"

[nodes.refund]
type = "refund"

[nodes.size]
kind = "switch"
default = "small"
on = { big = "approval", small = "done" }
cases = [{ port = "big", when = "order.total > limit" }]

[nodes.approval]
kind = "wait"
signal = "approved"
within = "2d"
then = ["done"]

[nodes.done]
kind = "end"
"""


def built() -> ProcessDefinition:
    orders = ProcessBuilder(
        "orders",
        version=2,
        description="What happens to an order",
        timeout=1800,
        inputs=[Input("order", "map"), Input("limit", "double", 100.0, "needs approval above")],
    )
    first = orders.node(reserve)
    second = orders.node(charge, retry=Retry(attempts=4, initial=0.2), timeout=10)
    size = orders.switch("size", {"big": cel("order.total > limit")}, default="small")
    approval = orders.wait("approval", "approved", within=172_800)
    done = orders.end("done")
    first.then(second).then(size)
    second.on("error").then(orders.node(refund))
    size.on("big").then(approval).then(done)
    size.on("small").then(done)
    return orders.build()


@pytest.mark.parametrize(("format", "text"), [("yaml", YAML), ("json", JSON), ("toml", TOML)])
def test_a_document_says_what_the_builder_says(format: Format, text: str, types: NodeTypes) -> None:
    definition = parse_definition(text, format, types)
    assert definition == built()
    assert definition.description == built().description
    assert definition.inputs == built().inputs
    assert {node.name: node for node in definition.nodes} == {
        node.name: node for node in built().nodes
    }


@pytest.mark.parametrize(
    ("file", "text"), [("o.yaml", YAML), ("o.yml", YAML), ("o.JSON", JSON), ("o.toml", TOML)]
)
def test_the_suffix_of_a_file_tells_its_format(
    file: str, text: str, types: NodeTypes, tmp_path: Path
) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8-sig")
    assert load_definition(tmp_path / file, types) == built()


# -- the document


def test_little_is_enough(types: NodeTypes) -> None:
    definition = definition_of({"id": "p", "nodes": {"refund": {"type": "refund"}}}, types)
    assert (definition.id, definition.version, definition.timeout) == ("p", 1, None)
    assert definition.start == ("refund",)
    assert definition.inputs == ()


def test_inputs_may_be_mere_names(types: NodeTypes) -> None:
    document = {"id": "p", "inputs": ["order"], "nodes": {"refund": {"type": "refund"}}}
    assert definition_of(document, types).inputs == (Input("order", "any", REQUIRED),)


def test_start_nodes_may_be_named(types: NodeTypes) -> None:
    nodes = {"a": {"type": "refund", "then": "b"}, "b": {"type": "refund", "then": "a"}}
    definition = definition_of({"id": "p", "start": ["a"], "nodes": nodes}, types)
    assert definition.start == ("a",)


# -- nodes


def test_a_function_brings_what_it_was_registered_with(types: NodeTypes) -> None:
    kind = node(types, type="shop.pack").kind
    assert isinstance(kind, Function)
    assert (kind.call, kind.runs, kind.extra_ports) == (pack, "thread", ("late",))


def test_a_node_may_run_its_function_elsewhere_and_with_other_ports(types: NodeTypes) -> None:
    kind = node(types, kind="function", type="shop.pack", runs="process", ports=["lost"]).kind
    assert isinstance(kind, Function)
    assert (kind.runs, kind.extra_ports) == ("process", ("lost",))


def test_every_kind_can_be_written(types: NodeTypes) -> None:
    cases = [{"port": "a", "when": "order.ok"}, {"port": "b", "when": True}]
    assert node(types, kind="switch", cases=cases, default="c", choose="every").kind == Switch(
        (Case("a", cel("order.ok")), Case("b", Constant(True))), "c", "every"
    )
    assert node(types, kind="delay", seconds="5m").kind == Delay(Constant(300))
    assert node(types, kind="delay", seconds={"cel": "size(lines)"}).kind == Delay(
        cel("size(lines)")
    )
    assert node(types, kind="wait").kind == Wait("n")
    assert node(types, kind="wait", signal="paid", within=5).kind == Wait("paid", Constant(5))
    assert node(types, kind="end", terminate=True).kind == End(terminate=True)


@pytest.mark.parametrize(
    ("over", "items"),
    [
        ("lines", Variable("lines")),
        ({"variable": "lines"}, Variable("lines")),
        ("order.lines", cel("order.lines")),
        ([1, 2], Constant([1, 2])),
    ],
)
def test_an_each_goes_over_a_variable_or_a_list(over: Any, items: Any, types: NodeTypes) -> None:
    kind = node(types, kind="each", type="shop.pack", over=over, item="line", concurrency=3).kind
    assert isinstance(kind, Each)
    assert (kind.items, kind.item, kind.concurrency) == (items, "line", 3)
    assert kind.body.extra_ports == ()


def test_the_item_of_an_each_can_be_read_in_its_inputs(types: NodeTypes) -> None:
    made = node(
        types, kind="each", type="refund", over="lines", inputs={"order": {"cel": "item.order"}}
    )
    assert made.inputs == {"order": cel("item.order")}


def test_options_are_common_to_all_kinds(types: NodeTypes) -> None:
    made = node(
        types,
        type="charge",
        description="takes the money",
        output="receipt",
        timeout="1m30s",
        retry={"attempts": 2, "maximum": 5, "multiplier": 3, "jitter": "none"},
    )
    assert made.description == "takes the money"
    assert made.output == "receipt"
    assert made.timeout == 90
    assert made.retry == Retry(attempts=2, maximum=5, multiplier=3, jitter="none")


def test_a_retry_names_the_exceptions_it_is_for(types: NodeTypes) -> None:
    made = node(
        types, type="charge", retry={"on": ["OSError", "Declined"], "never": ["TimeoutError"]}
    )
    assert made.retry == Retry(on=(OSError, Declined), never=(TimeoutError,))


@pytest.mark.parametrize(
    ("content", "join"),
    [
        ({}, ALL),
        ({"join": "all"}, ALL),
        ({"join": "any"}, ANY),
        ({"join": "each"}, EACH),
        ({"join": 3}, Join("count", 3)),
        ({"join": "any", "rest": "cancel"}, Join("count", 1, "cancel")),
    ],
)
def test_joins_are_written_as_in_the_builder(
    content: dict[str, Any], join: Join, types: NodeTypes
) -> None:
    assert node(types, type="refund", **content).join == join


@pytest.mark.parametrize(
    ("value", "expression"),
    [
        (5, Constant(5)),
        ("text", Constant("text")),
        (None, Constant(None)),
        ({"a": [1]}, Constant({"a": [1]})),
        ({"cel": "order.total * 2"}, cel("order.total * 2")),
        ({"variable": "order"}, Variable("order")),
        ({"constant": {"cel": "no expression"}}, Constant({"cel": "no expression"})),
    ],
)
def test_an_input_is_a_constant_a_variable_or_cel(
    value: object, expression: object, types: NodeTypes
) -> None:
    assert node(types, type="refund", inputs={"order": value}).inputs == {"order": expression}


# -- names in expressions


def test_an_expression_may_read_inputs_outputs_and_the_error(types: NodeTypes) -> None:
    text = "order.total > 1 && receipt.ok && error.message != '' && approval"
    document = {
        "id": "p",
        "inputs": ["order"],
        "nodes": {
            "charge": {"type": "charge", "output": "receipt", "then": "approval"},
            "approval": {"kind": "wait", "then": "route"},
            "route": {"kind": "switch", "cases": [{"port": "a", "when": text}]},
        },
    }
    assert definition_of(document, types).id == "p"


@pytest.mark.parametrize("kind", [{"kind": "delay", "seconds": 1}, {"kind": "end"}])
def test_a_node_without_a_result_supplies_no_name(kind: dict[str, Any], types: NodeTypes) -> None:
    nodes = {"a": {"kind": "delay", "seconds": {"cel": "size(b)"}, "then": "b"}, "b": kind}
    with pytest.raises(DefinitionError, match="expected a known name, not 'b'"):
        definition_of({"id": "p", "nodes": nodes}, types)


def test_the_type_of_an_input_is_forgotten_where_a_node_overwrites_it(types: NodeTypes) -> None:
    def document(output: str) -> dict[str, Any]:
        return {
            "id": "p",
            "inputs": {"order": {"type": "int"}},
            "nodes": {
                "charge": {"type": "charge", "output": output, "then": "pause"},
                "pause": {"kind": "delay", "seconds": {"cel": "size(order)"}},
            },
        }

    assert definition_of(document("order"), types).id == "p"
    with pytest.raises(DefinitionError, match="no matching overload"):
        definition_of(document("receipt"), types)


def test_what_a_node_is_given_it_can_read_in_its_own_expressions(types: NodeTypes) -> None:
    inputs = {"limit": {"cel": "order.limit"}}
    cases = [{"port": "big", "when": "order.total > limit"}]
    assert node(types, kind="switch", inputs=inputs, cases=cases).inputs == {
        "limit": cel("order.limit")
    }
    with pytest.raises(DefinitionError, match="expected a known name, not 'limit'"):
        node(types, kind="switch", inputs={"limit": {"cel": "limit"}}, cases=cases)


def test_the_list_of_an_each_is_made_before_its_inputs(types: NodeTypes) -> None:
    with pytest.raises(DefinitionError, match=r"nodes\.n\.over: expected a known name, not 'more'"):
        node(types, kind="each", type="refund", over="more", item="order", inputs={"more": 1})


# -- connections


def test_connections_are_drawn_beside_a_node_or_in_a_list(types: NodeTypes) -> None:
    assert connections(types, {"a": {"then": "b"}, "b": {}}) == ["a.out -> b"]
    assert connections(types, {"a": {"then": ["b", "c"]}, "b": {}, "c": {}}) == [
        "a.out -> b",
        "a.out -> c",
    ]
    assert connections(types, {"a": {"on": {"error": "b", "out": ["c"]}}, "b": {}, "c": {}}) == [
        "a.error -> b",
        "a.out -> c",
    ]
    assert connections(types, {"a": {}, "b": {}}, {"from": "a", "to": "b"}) == ["a.out -> b"]
    assert connections(types, {"a": {}, "b": {}}, {"from": "a", "port": "error", "to": "b"}) == [
        "a.error -> b"
    ]


def test_arrows_chain(types: NodeTypes) -> None:
    drawn = connections(types, {"a": {}, "b": {}, "c": {}}, "a.error->b  ->c")
    assert drawn == ["a.error -> b", "b.out -> c"]


def test_of_names_with_dots_the_longest_known_one_wins(types: NodeTypes) -> None:
    nodes: dict[str, Any] = {"a": {}, "a.error": {}, "b": {}, "c": {}}
    drawn = connections(types, nodes, "a -> a.error", "a.error -> b", "a.error.error -> c")
    assert drawn == ["a.out -> a.error", "a.error.out -> b", "a.error.error -> c"]


# -- definitions of children


CHILD = {
    "id": "invoice",
    "version": 3,
    "inputs": ["order"],
    "nodes": {"refund": {"type": "refund"}},
}


def parent(**content: Any) -> dict[str, Any]:
    child = {"kind": "process", "inputs": {"order": 1}} | content
    return {"id": "orders", "nodes": {"child": child}}


def test_a_child_is_found_among_the_definitions_given(types: NodeTypes) -> None:
    child = definition_of(CHILD, types)
    named = definition_of(parent(definition="invoice"), types, definitions={"invoice": child})
    assert named.nodes[0].kind == Process(child)


def test_a_child_is_found_by_asking(types: NodeTypes) -> None:
    child, asked = definition_of(CHILD, types), list[tuple[str, int | None]]()

    def find(id: str, version: int | None) -> ProcessDefinition | None:
        asked.append((id, version))
        return child

    definition_of(parent(definition="invoice", version=3), types, definitions=find)
    assert asked == [("invoice", 3)]


def test_a_child_that_no_one_knows_is_a_fault(types: NodeTypes) -> None:
    with pytest.raises(DefinitionError, match=r"nodes\.child\.definition: expected the id"):
        definition_of(parent(definition="invoice"), types, definitions=lambda id, version: None)


def test_a_child_may_be_written_in_place(types: NodeTypes) -> None:
    named = definition_of(parent(definition=CHILD), types)
    assert named.nodes[0].kind == Process(definition_of(CHILD, types))


# -- size


def test_a_large_document_with_a_fault_in_every_node_is_told_each(types: NodeTypes) -> None:
    nodes = {
        f"n{i}": {"type": "refund", "inputs": {"order": {"cel": f"m{i}"}}} for i in range(5000)
    }
    with pytest.raises(DefinitionError) as caught:
        definition_of({"id": "large", "nodes": nodes}, types)
    assert len(caught.value.faults) == 5000
    assert str(caught.value.faults[0]) == (
        "nodes.n0.inputs.order.cel: expected a known name, not 'm0'"
        " (known: error, n0, n1, n2, n3, n4, n5, n6, n7, n8 and 4991 more), got 'm0'"
    )


def test_a_long_chain_is_no_deep_document(types: NodeTypes) -> None:
    nodes = {f"n{i}": {"type": "refund", "then": f"n{i + 1}"} for i in range(10_000)}
    nodes["n10000"] = {"type": "refund"}
    definition = parse_definition(json.dumps({"id": "chain", "nodes": nodes}), "json", types)
    assert len(definition.nodes) == 10_001
    assert definition.connections[-1] == Connection("n9999", "out", "n10000")
