"""Every way to misuse the builder that we could think of, and the exact words of the answer."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from processengine.actors import ProcessEngineError
from processengine.runtime.definition import (
    Connection,
    Input,
    NodeTypes,
    ProcessBuilder,
    Variable,
    cel,
    define,
    dump_definition,
    function_kind,
    join_of,
)
from processengine.runtime.definition import Node as ModelNode
from processengine.supervision import Group, Hedge, Retry


async def reserve(order: object) -> None: ...


async def charge(order: object, amount: object) -> None: ...


def render(page: int = 1) -> None: ...


def greedy(*pages: int, **options: int) -> None: ...


def patient(patience: float) -> float:
    return patience


def rested(nap: float) -> float:
    return nap


def big(order: dict[str, int]) -> bool:
    return order["total"] > 100


MESSAGES: dict[str, str] = yaml.safe_load(
    (Path(__file__).parent / "builder.yaml").read_text(encoding="utf-8")
)

Wrong = Any  # what a type checker would have refused


def new(**options: Any) -> ProcessBuilder:
    return ProcessBuilder("orders", **options)


def nothing() -> None:
    new().build()


def bad_identity() -> None:
    builder = ProcessBuilder("my orders", version=0, timeout=-1)
    builder.node(render)
    builder.build()


def version_too_large() -> None:
    builder = new(version=2**63)
    builder.node(render)
    builder.build()


def bad_types_of_identity() -> None:
    builder = ProcessBuilder(cast(Wrong, None), version=cast(Wrong, True))
    builder.node(render)
    builder.build()


def same_name_twice() -> None:
    builder = new()
    builder.node(render)
    builder.node("render", reserve)
    builder.build()


def bad_node_name() -> None:
    builder = new()
    builder.node("render it", render)
    builder.build()


def name_without_function() -> None:
    new().node("render")


def variadic_function() -> None:
    new().node(greedy)


def uninspectable_function() -> None:
    new().node("keys", cast(Wrong, dict[str, int].update))


def bad_place_to_run() -> None:
    new().node(render, runs=cast(Wrong, "elsewhere"))


def async_function_in_a_process() -> None:
    new().node(reserve, runs="process")


def port_twice() -> None:
    builder = new()
    builder.node(render, ports=["more", "more", "out"])
    builder.build()


def unknown_port() -> None:
    builder = new()
    builder.node(render).on("declined").then(builder.node(reserve))
    builder.build()


def connection_from_an_end() -> None:
    builder = new()
    builder.end("done").then(builder.node(reserve))
    builder.build()


def mistyped_port() -> None:
    builder = new()
    builder.node(render).on("eror").then(builder.node(reserve))
    builder.build()


def texts_for_timeouts() -> None:
    builder = new(timeout=cast(Wrong, "1h"))
    builder.node(render, timeout="5s")
    builder.build()


def number_for_a_retry() -> None:
    builder = new()
    builder.node(render, retry=3)
    builder.build()


def unknown_options() -> None:
    new().node(render, timout=3, colour="red")


def mistyped_option_of_the_kind() -> None:
    new().node(render, prots=["late"])


def bad_rest() -> None:
    new().node(render, join="most", rest="stop")


def bad_rest_by_itself() -> None:
    join_of("any", cast(Wrong, "stop"))


def function_in_place_of_a_node() -> None:
    new().node(render).then(cast(Wrong, reserve))


def function_to_start_with() -> None:
    new().start(cast(Wrong, render))


def function_to_handle_failures() -> None:
    new().on_error(cast(Wrong, render))


def builder_for_a_child() -> None:
    new().process("invoice", cast(Wrong, new()))


def number_for_a_function() -> None:
    new().node("render", cast(Wrong, 3))


def number_for_a_node() -> None:
    new().node(cast(Wrong, 3))


def number_for_the_function_of_each() -> None:
    new().each("pages", cast(Wrong, 3), over="pages")


def node_of_another_builder() -> None:
    builder = new()
    builder.node(render).then(new().node(reserve))


def connection_twice() -> None:
    builder = new()
    first, second = builder.node(render), builder.node(reserve)
    first.then(second)
    first.then(second)
    builder.build()


def connection_from_nowhere() -> None:
    builder = new()
    builder.connect("rendr", "out", builder.node(render))
    builder.build()


def start_twice_and_elsewhere() -> None:
    builder, other = new(), new()
    first = builder.node(render)
    builder.start(first, first, other.node("rendr", render))
    builder.build()


def no_way_in() -> None:
    builder = new()
    node = builder.node(render)
    node.then(node)
    builder.build()


def unreachable() -> None:
    builder = new()
    first, second, third = (builder.node(name, render) for name in "abc")
    builder.start(first)
    second.then(third)
    builder.build()


def bad_join() -> None:
    new().node(render, join="some")


def join_of_nothing() -> None:
    builder = new()
    builder.node(render, join=0)
    builder.build()


def bad_node_timeout() -> None:
    builder = new()
    builder.node(render, timeout=0)
    builder.build()


def switch_without_cases() -> None:
    builder = new()
    builder.switch("route", {})
    builder.build()


def bad_concurrency() -> None:
    new().each("pages", render, over="pages", concurrency=0)


def bad_inputs() -> None:
    builder = new(
        inputs=[
            "order",
            "order",
            Input("rate", "double", default="high"),
            Input("copies", cast(Wrong, "integer")),
            Input("a b"),
        ]
    )
    builder.node(reserve)
    builder.build()


def unsupplied_parameters() -> None:
    builder = new(inputs=["order"])
    builder.node(reserve).then(builder.node(charge))
    builder.build()


def unsupplied_expressions() -> None:
    builder = new(inputs=["page"])
    builder.node(render, inputs={"page": Variable("pgae"), "rest": cel("size(orders)")})
    builder.switch("route", {"big": big})
    builder.wait("paid", within=patient)
    builder.delay("pause", rested)
    builder.each("pages", render, over="sheets", item="page")
    builder.build()


def child_without_its_inputs() -> None:
    child = ProcessBuilder("invoice", inputs=["amount", Input("note", default="")])
    child.wait("paid")
    builder = new()
    builder.process("invoice", child.build(), inputs={"ammount": 3})
    builder.build()


def bad_expression() -> None:
    new().switch("route", {"big": cel("order.total >")})


def unknown_name_in_expression() -> None:
    cel("ordr.total > 100", {"order": "map"})


def bad_join_by_itself() -> None:
    join_of(cast(Wrong, "most"))


def bad_group_options() -> None:
    new().group(
        "payments",
        breaker=cast(Wrong, True),
        bulkhead=cast(Wrong, 10),
        rate=cast(Wrong, "100/s"),
        retry=cast(Wrong, 3),
        budget=cast(Wrong, 0.1),
        timeout=0,
        when_open=cast(Wrong, "wait"),
        shared=cast(Wrong, "yes"),
    )


def group_without_a_name() -> None:
    new().group(cast(Wrong, 5), timeout=cast(Wrong, "long"))


def options_beside_a_group() -> None:
    new().group(Group("payments"), timeout=5)


def bad_group_name() -> None:
    builder = new()
    builder.group("our payments")
    builder.node(render)
    builder.build()


def groups_of_the_same_name() -> None:
    builder = new()
    builder.group("payments", timeout=5)
    builder.group("payments", timeout=6)
    builder.node(render, group=Group("payments"))
    builder.build()


def undeclared_groups() -> None:
    builder = new()
    builder.group("payments")
    builder.node(render, group="paymnts")
    builder.node(reserve, group=cast(Wrong, ["payments"]))
    builder.build()


def bad_hedges() -> None:
    builder = new()
    builder.node("a", render, hedge=Hedge(1))
    builder.node("b", render, idempotent=True, hedge=cast(Wrong, 0.2))
    builder.delay("c", 5, idempotent=True, hedge=Hedge(0.2))
    builder.each("d", render, over="pages", hedge=Hedge(1, 3))
    builder.build()


def handler_of_another_builder() -> None:
    new().on_error(new().node(render))


def handler_that_is_an_end() -> None:
    builder = new()
    builder.node(render)
    builder.on_error(builder.end("done"))
    builder.build()


def handler_that_starts() -> None:
    builder = new()
    first, second = builder.node(render), builder.node(reserve)
    builder.start(first, second)
    builder.on_error(second)
    builder.build()


def handler_no_failure_can_get_to() -> None:
    builder = new()
    builder.node(render).on("error").then(builder.end("done"))
    builder.on_error(builder.node(reserve))
    builder.build()


def handler_among_other_faults() -> None:
    node = ModelNode(name="render", kind=function_kind(render), output="render", group="mail")
    define(
        id="orders",
        version=1,
        nodes=[node],
        connections=[Connection("render", "out", "rendr")],
        on_error=cast(Wrong, 5),
    )


def undumpable_policies() -> None:
    class Declined(Exception): ...

    types = NodeTypes()
    types.register(render)
    builder = new()
    builder.group("payments", retry=Retry(on=(Declined,)))
    builder.node(render, retry=Retry(never=(OSError, Declined)))
    dump_definition(builder.build(), types)


def undumpable() -> None:
    builder = new()
    builder.node(render, inputs={"page": partial(big)}, retry=None)
    builder.each("pages", render, over=patient)
    dump_definition(builder.build(), NodeTypes())


def undeclared_in_a_dump() -> None:
    types = NodeTypes()
    types.register(render)
    builder = new()
    builder.each("pages", render, over="sheets", item="page")
    dump_definition(builder.build(), types)


def taken_type() -> None:
    types = NodeTypes()
    types.register(render)
    types.register(reserve, "render")


def bad_type_name() -> None:
    NodeTypes().register(render, "render it")


def taken_type_in_a_merge() -> None:
    ours, theirs = NodeTypes(), NodeTypes()
    ours.register(render)
    theirs.register(reserve, "render")
    ours.merged(theirs)


MISUSES = [value for name, value in list(globals().items()) if name in MESSAGES]


def test_every_message_belongs_to_a_misuse() -> None:
    assert len(MISUSES) == len(MESSAGES)


@pytest.mark.parametrize("misuse", MISUSES)
def test_a_misuse_of_the_builder_is_told_all_that_is_wrong(misuse: Callable[[], None]) -> None:
    with pytest.raises(ProcessEngineError) as caught:
        misuse()
    expected = MESSAGES[misuse.__name__].rstrip("\n").split("…")
    message = str(caught.value).replace(f"'{__name__}:", "'module:")
    assert re.fullmatch(".*".join(map(re.escape, expected)), message)
