"""`on_error`: the node that handles the failures of all others."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

import processengine as pe
from processengine.runtime.definition import (
    ALL,
    ANY,
    EACH,
    Connection,
    NodeTypes,
    RoutingMap,
    critical_path,
    define,
)
from processengine.runtime.drawing import diagram_of, draw_mermaid, draw_svg


async def work() -> None: ...


async def broken() -> None:
    raise ValueError("it broke")


class Handler:
    """A node that keeps the failures it is given."""

    def __init__(self, fails: bool = False) -> None:
        self.errors: list[pe.ErrorContext] = []
        self.fails = fails

    async def __call__(self, error: pe.ErrorContext) -> str:
        await trio.sleep(10)
        self.errors.append(error)
        if self.fails:
            raise KeyError("the handler broke")
        return error.node

    @property
    def nodes(self) -> list[str]:
        return sorted(error.node for error in self.errors)


def implied(definition: pe.ProcessDefinition) -> list[str]:
    return [str(each) for each in definition.implied]


def chain(**options: Any) -> pe.ProcessBuilder:
    builder = pe.ProcessBuilder("orders")
    a, b = builder.node("a", work), builder.node("b", work)
    a.then(b)
    builder.on_error(builder.node("handle", work, **options))
    return builder


async def run(definition: pe.ProcessDefinition) -> pe.Outcome:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(definition)
        return await handle.result()


# -- what it stands for


def test_every_node_with_a_port_for_errors_is_connected_to_the_handler() -> None:
    builder = pe.ProcessBuilder("orders")
    handler = builder.node("handle", work)
    first = builder.node("first", work)
    route = builder.switch("route", {"a": True})
    child = builder.process("child", chain().build())
    first.then(route).on("a").then(builder.delay("pause", 5)).then(builder.wait("paid"))
    first.then(builder.each("pages", work, over="pages")).then(child).then(builder.end("done"))
    builder.on_error(handler)
    assert implied(builder.build()) == [
        "first.error -> handle",
        "route.error -> handle",
        "child.error -> handle",
        "pause.error -> handle",
        "paid.error -> handle",
        "pages.error -> handle",
    ]


def test_the_implied_connections_come_after_the_drawn_ones() -> None:
    definition = chain().build()
    assert definition.drawn == (Connection("a", "out", "b"),)
    assert definition.connections == (*definition.drawn, *definition.implied)


def test_a_node_with_its_own_connection_for_errors_keeps_it() -> None:
    builder = chain()
    own = builder.node("own", broken)
    own.on("error").then(builder.node("mend", work))
    assert "own.error -> handle" not in implied(builder.build())
    assert "mend.error -> handle" in implied(builder.build())


def test_neither_the_handler_nor_what_lies_behind_it_is_connected() -> None:
    builder = pe.ProcessBuilder("orders")
    a, handle, tell, last = (builder.node(name, work) for name in ("a", "handle", "tell", "last"))
    handle.then(tell).then(last)
    a.then(last)
    builder.on_error(handle)
    assert implied(builder.build()) == ["a.error -> handle"]


def test_the_handler_is_no_start_node() -> None:
    assert chain().build().start == ("a",)


def test_the_handler_runs_for_each_failure_unless_it_joins_otherwise() -> None:
    def join(**options: Any) -> object:
        return chain(**options).build().nodes[-1].join

    assert (join(), join(join="each"), join(join="any")) == (EACH, EACH, ANY)
    assert chain().build().nodes[0].join == ALL


def test_a_definition_without_a_handler_has_nothing_implied() -> None:
    builder = pe.ProcessBuilder("orders")
    builder.node(work)
    definition = builder.build()
    assert (definition.on_error, definition.implied) == (None, ())
    assert definition.drawn == definition.connections


def test_a_failure_is_routed_as_by_a_drawn_connection() -> None:
    routing = RoutingMap(chain().build())
    a, b, handle = routing.nodes
    assert a.exit("error").next is handle
    assert b.exit("error").next is handle
    assert handle.starts_at_once


def test_a_chain_of_very_many_nodes_may_have_a_handler() -> None:
    builder = pe.ProcessBuilder("orders")
    last = builder.node("0", work)
    for number in range(1, 10_000):
        last = last.then(builder.node(str(number), work))
    builder.on_error(builder.node("handle", work))
    assert len(builder.build().implied) == 10_000


def test_the_last_handler_named_is_the_one() -> None:
    builder = chain()
    builder.on_error(builder.node("other", work))
    definition = builder.build()
    assert (definition.on_error, definition.start) == ("other", ("a", "handle"))


def test_a_handler_no_failure_goes_to_is_found() -> None:
    builder = pe.ProcessBuilder("orders")
    a, handle = builder.node("a", work), builder.node("handle", work)
    a.on("error").then(handle)
    builder.on_error(handle)
    assert [str(each) for each in builder.build().warnings] == [
        "on_error: no failure goes to 'handle' that is not connected already"
    ]


# -- what it is in hashes, documents and drawings


def test_the_handler_is_part_of_the_hash() -> None:
    def build(on_error: str | None) -> str:
        nodes = chain().build().nodes
        drawn = [Connection("a", "out", "b"), Connection("a", "error", "handle")]
        return define(id="p", version=1, nodes=nodes, connections=drawn, on_error=on_error).hash

    assert build(None) != build("handle")


DOCUMENT: dict[str, Any] = {
    "id": "orders",
    "version": 1,
    "on_error": "handle",
    "nodes": {"a": {"type": "work"}, "b": {"type": "work"}, "handle": {"type": "work"}},
    "connections": [{"from": "a", "port": "out", "to": "b"}],
}


@pytest.fixture
def types() -> NodeTypes:
    types = NodeTypes()
    for function in (work, broken):
        types.register(function)
    return types


def test_a_document_names_its_handler(types: NodeTypes) -> None:
    definition = pe.definition_of(DOCUMENT, types)
    assert definition == chain().build()
    assert implied(definition) == ["a.error -> handle", "b.error -> handle"]


def test_a_dump_names_the_handler_and_leaves_out_what_that_implies(types: NodeTypes) -> None:
    assert pe.dump_definition(chain().build(), types) == DOCUMENT
    assert pe.dump_definition(chain(join="each").build(), types) == DOCUMENT
    dumped = pe.dump_definition(chain(join="any").build(), types)
    assert dumped["nodes"]["handle"] == {"type": "work", "join": "any"}


def test_a_connection_drawn_to_the_handler_is_dumped(types: NodeTypes) -> None:
    builder = pe.ProcessBuilder("orders")
    a, b, handle = (builder.node(name, work) for name in ("a", "b", "handle"))
    a.then(b).on("error").then(handle)
    builder.on_error(handle)
    dumped = pe.dump_definition(builder.build(), types)
    assert dumped["connections"][1:] == [{"from": "b", "port": "error", "to": "handle"}]


def test_a_handler_is_kept_in_the_dump_of_a_child(types: NodeTypes) -> None:
    builder = pe.ProcessBuilder("parent")
    builder.process("child", chain().build())
    dumped = pe.dump_definition(builder.build(), types)
    assert dumped["nodes"]["child"]["definition"]["on_error"] == "handle"


def test_a_drawing_shows_what_was_drawn_and_which_node_handles_failures() -> None:
    diagram = diagram_of(chain().build())
    assert [(arrow.source, arrow.target) for arrow in diagram.arrows] == [(0, 1)]
    assert diagram.boxes[-1].caption == "work, on error"
    assert "handles failures" in draw_svg(chain().build())
    assert "n0 --> n1" in draw_mermaid(chain().build())
    assert "error" not in draw_mermaid(chain().build()).replace("on error", "")


def test_failures_are_on_no_critical_path_but_their_own() -> None:
    assert critical_path(chain().build(), {"a": 1, "b": 2, "handle": 4}) == (
        7,
        ("a", "b", "handle"),
    )


# -- how it runs


async def test_a_failure_is_handled_with_its_context(autojump_clock: MockClock) -> None:
    handler = Handler()
    builder = pe.ProcessBuilder("orders")
    builder.node(work).then(builder.node(broken, retry=pe.Retry(attempts=3)))
    builder.on_error(builder.node("handle", handler))
    outcome = await run(builder.build())
    assert outcome.state == "completed"
    assert outcome.memory["handle"] == "broken"
    (error,) = handler.errors
    assert (error.node, error.attempt) == ("broken", 3)
    assert "it broke" in str(error)


async def test_a_process_without_failures_never_runs_its_handler(
    autojump_clock: MockClock,
) -> None:
    handler = Handler()
    builder = pe.ProcessBuilder("orders")
    builder.node("a", work).then(builder.node("b", work))
    builder.on_error(builder.node("handle", handler))
    outcome = await run(builder.build())
    assert (outcome.state, handler.errors) == ("completed", [])


async def test_every_failure_is_handled(autojump_clock: MockClock) -> None:
    handler = Handler()
    builder = pe.ProcessBuilder("orders")
    for name in "abc":
        builder.node(name, broken, retry=pe.NO_RETRY)
    builder.node("d", work)
    builder.on_error(builder.node("handle", handler))
    outcome = await run(builder.build())
    assert (outcome.state, handler.nodes) == ("completed", ["a", "b", "c"])


async def test_an_own_connection_for_errors_comes_before_the_handler(
    autojump_clock: MockClock,
) -> None:
    own, handler = Handler(), Handler()
    builder = pe.ProcessBuilder("orders")
    a, b = (builder.node(name, broken, retry=pe.NO_RETRY) for name in "ab")
    a.on("error").then(builder.node("own", own))
    builder.on_error(builder.node("handle", handler))
    outcome = await run(builder.build())
    assert (outcome.state, own.nodes, handler.nodes) == ("completed", ["a"], [b.name])


async def test_a_failure_of_the_handler_fails_the_execution(autojump_clock: MockClock) -> None:
    handler = Handler(fails=True)
    builder = pe.ProcessBuilder("orders")
    builder.node(broken, retry=pe.NO_RETRY)
    builder.on_error(builder.node("handle", handler, retry=pe.NO_RETRY))
    outcome = await run(builder.build())
    assert outcome.state == "failed"
    assert outcome.error is not None
    assert outcome.error.node == "handle"


async def test_a_failure_behind_the_handler_fails_the_execution(
    autojump_clock: MockClock,
) -> None:
    handler = Handler()
    builder = pe.ProcessBuilder("orders")
    builder.node("a", broken, retry=pe.NO_RETRY)
    handle = builder.node("handle", handler)
    handle.then(builder.node("b", broken, retry=pe.NO_RETRY))
    builder.on_error(handle)
    outcome = await run(builder.build())
    assert (outcome.state, handler.nodes) == ("failed", ["a"])


async def test_the_handler_may_lead_back_into_the_process(autojump_clock: MockClock) -> None:
    handler = Handler()
    builder = pe.ProcessBuilder("orders")
    last = builder.node("last", work)
    builder.node("a", broken, retry=pe.NO_RETRY).then(last)
    builder.node("b", work).then(last)
    handle = builder.node("handle", handler)
    handle.then(last)
    builder.on_error(handle)
    outcome = await run(builder.build())
    assert (outcome.state, handler.nodes) == ("completed", ["a"])
    assert "last" in outcome.memory


async def test_the_failure_of_a_child_is_handled(autojump_clock: MockClock) -> None:
    child = pe.ProcessBuilder("child")
    child.node(broken, retry=pe.NO_RETRY)
    handler = Handler()
    builder = pe.ProcessBuilder("orders")
    builder.process("call", child.build(), retry=pe.NO_RETRY)
    builder.on_error(builder.node("handle", handler))
    outcome = await run(builder.build())
    assert (outcome.state, handler.nodes) == ("completed", ["call"])


async def test_a_failing_condition_is_handled(autojump_clock: MockClock) -> None:
    handler = Handler()
    builder = pe.ProcessBuilder("orders")
    builder.switch("route", {"a": False})
    builder.on_error(builder.node("handle", handler))
    outcome = await run(builder.build())
    assert (outcome.state, handler.nodes) == ("completed", ["route"])


async def test_a_handler_named_in_a_document_runs(autojump_clock: MockClock) -> None:
    handler, types = Handler(), NodeTypes()
    types.register(broken)
    types.register(handler, "handle")
    nodes = {"a": {"type": "broken", "retry": {"attempts": 1}}, "tell": {"type": "handle"}}
    outcome = await run(pe.definition_of({"id": "p", "on_error": "tell", "nodes": nodes}, types))
    assert (outcome.state, outcome.memory["tell"]) == ("completed", "a")
