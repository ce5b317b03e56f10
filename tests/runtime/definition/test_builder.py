from functools import partial

import pytest

from processengine.runtime.definition import (
    ALL,
    ANY,
    EACH,
    Constant,
    Delay,
    Each,
    End,
    Function,
    FunctionExpression,
    Input,
    Join,
    Process,
    ProcessBuilder,
    ProcessDefinition,
    Switch,
    Variable,
    Wait,
    function_kind,
    join_of,
)
from processengine.supervision import Retry


async def reserve(order: object) -> None: ...


def charge(order: object, amount: int = 1) -> None: ...


class Charger:
    async def __call__(self, order: object) -> None: ...


def is_big(order: object) -> bool:
    return bool(order)


def child_definition() -> ProcessDefinition:
    builder = ProcessBuilder("child")
    builder.node(reserve)
    return builder.build()


@pytest.fixture
def builder() -> ProcessBuilder:
    return ProcessBuilder("orders")


def test_a_node_is_called_after_its_function(builder: ProcessBuilder) -> None:
    assert builder.node(reserve).name == "reserve"
    assert builder.node(partial(charge, amount=2)).name == "charge"
    assert builder.node("again", charge).name == "again"


@pytest.mark.parametrize(
    ("function", "runs"),
    [
        (reserve, "async"),
        (partial(reserve, 1), "async"),
        (Charger(), "async"),
        (charge, "thread"),
        (partial(charge, 1), "thread"),
    ],
)
def test_where_a_function_runs_follows_from_what_it_is(function: object, runs: str) -> None:
    assert callable(function)
    assert function_kind(function).runs == runs


def test_a_plain_function_may_be_sent_to_a_process(builder: ProcessBuilder) -> None:
    builder.node(charge, runs="process")
    kind = builder.build().nodes[0].kind
    assert isinstance(kind, Function)
    assert kind.runs == "process"


def test_then_and_on_draw_connections_and_chain(builder: ProcessBuilder) -> None:
    a, b, c = (builder.node(name, charge) for name in "abc")
    assert a.then(b).then(c) is c
    assert a.on("error").then(c) is c
    assert [str(each) for each in builder.build().connections] == [
        "a.out -> b",
        "b.out -> c",
        "a.error -> c",
    ]


def test_every_kind_has_its_method(builder: ProcessBuilder) -> None:
    builder.switch("route", {"big": is_big}, default="small", choose="every")
    builder.delay("pause", 5)
    builder.wait("paid", within=60)
    builder.wait("approval", "approved")
    builder.each("pages", charge, over="pages", item="amount", concurrency=3)
    builder.process("child", child_definition())
    builder.end("done", terminate=True)
    kinds = {node.name: node.kind for node in builder.build().nodes}
    route, pages, child = kinds["route"], kinds["pages"], kinds["child"]
    assert isinstance(route, Switch)
    assert isinstance(route.cases[0].when, FunctionExpression)
    assert route.ports == ("big", "small", "error")
    assert kinds["pause"] == Delay(Constant(5))
    assert kinds["paid"] == Wait("paid", Constant(60))
    assert kinds["approval"] == Wait("approved")
    assert isinstance(pages, Each)
    assert (pages.items, pages.item, pages.concurrency) == (Variable("pages"), "amount", 3)
    assert isinstance(child, Process)
    assert child.definition.id == "child"
    assert kinds["done"] == End(terminate=True)


def test_options_are_kept(builder: ProcessBuilder) -> None:
    builder.node(
        charge,
        join="any",
        rest="cancel",
        inputs={"amount": 5, "order": is_big},
        output="receipt",
        retry=Retry(attempts=2),
        timeout=10,
        description="takes the money",
    )
    (node,) = builder.build().nodes
    assert node.join == Join("count", 1, "cancel")
    assert node.inputs["amount"] == Constant(5)
    assert node.inputs["order"].source == "is_big"
    assert (node.output, node.timeout, node.description) == ("receipt", 10, "takes the money")
    assert node.retry == Retry(attempts=2)


def test_inputs_are_declared_by_name_or_in_full() -> None:
    builder = ProcessBuilder("orders", inputs=["order", Input("rate", "double", default=0.2)])
    builder.node(reserve)
    assert builder.build().inputs == (Input("order"), Input("rate", "double", default=0.2))


def test_joins_are_chosen_by_word_or_number() -> None:
    assert join_of("all") == ALL
    assert join_of("any") == ANY
    assert join_of("each") == EACH
    assert join_of(3, "cancel") == Join("count", 3, "cancel")
    assert [str(join) for join in (ALL, ANY, EACH, join_of(3, "cancel"))] == [
        "all",
        "any",
        "each",
        "3, rest cancel",
    ]


def test_a_definition_shows_its_id_and_version() -> None:
    builder = ProcessBuilder("orders", version=3)
    builder.node(charge)
    definition = builder.build()
    assert str(definition) == "orders v3"
    assert repr(definition).startswith("ProcessDefinition(id='orders', version=3, nodes=<1 nodes>")


def test_a_builder_can_go_on_after_a_build(builder: ProcessBuilder) -> None:
    first = builder.node(reserve)
    small = builder.build()
    first.then(builder.node(charge))
    assert len(small.nodes) == 1
    assert len(builder.build().nodes) == 2
