from collections.abc import Callable

from processengine.runtime.definition import NodeRef, ProcessBuilder, entry_points


def warnings(draw: Callable[[ProcessBuilder], object]) -> list[str]:
    builder = ProcessBuilder("orders")
    draw(builder)
    return [str(finding) for finding in builder.build().warnings]


def choice(builder: ProcessBuilder, choose: str = "first") -> tuple[NodeRef, NodeRef, NodeRef]:
    route = builder.switch("route", {"a": True}, default="b", choose=choose)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    a, b = builder.wait("a"), builder.wait("b")
    route.on("a").then(a)
    route.on("b").then(b)
    return route, a, b


def test_a_join_of_more_tokens_than_connections_is_found() -> None:
    def draw(builder: ProcessBuilder) -> None:
        a, b = builder.wait("a"), builder.wait("b")
        join = builder.wait("join", join=3)
        a.then(join)
        b.then(join)
        join.then(builder.wait("after")).then(builder.wait("later"))

    assert warnings(draw) == [
        "nodes.join.join: needs 3 tokens a round, but at most 2 can come",
        "nodes.after: can never run: it lies behind 'join'",
        "nodes.later: can never run: it lies behind 'join'",
    ]


def test_a_join_of_branches_that_exclude_each_other_is_found() -> None:
    def draw(builder: ProcessBuilder) -> None:
        _, a, b = choice(builder)
        join = builder.wait("join", join=2)
        a.then(join)
        b.then(join)

    assert warnings(draw) == ["nodes.join.join: needs 2 tokens a round, but at most 1 can come"]


def test_a_join_of_branches_that_may_all_be_taken_is_none() -> None:
    def draw(builder: ProcessBuilder) -> None:
        _, a, b = choice(builder, "every")
        join = builder.wait("join", join=2)
        a.then(join)
        b.then(join)

    assert warnings(draw) == []


def test_a_join_with_a_way_round_the_choice_is_none() -> None:
    def draw(builder: ProcessBuilder) -> None:
        _, a, b = choice(builder)
        c = builder.wait("c")
        join = builder.wait("join", join=2)
        for node in (a, b, c):
            node.then(join)

    assert warnings(draw) == []


def test_a_start_counts_as_a_token() -> None:
    def draw(builder: ProcessBuilder) -> None:
        a = builder.wait("a")
        join = builder.wait("join", join=2)
        builder.start(a, join)
        a.then(join)

    assert warnings(draw) == []


def test_what_lies_behind_two_hopeless_joins_is_told_once() -> None:
    def draw(builder: ProcessBuilder) -> None:
        first = builder.wait("first")
        one, two = builder.wait("one", join=2), builder.wait("two", join=2)
        first.then(one).then(two).then(builder.wait("last"))

    assert warnings(draw) == [
        "nodes.one.join: needs 2 tokens a round, but at most 1 can come",
        "nodes.two.join: needs 2 tokens a round, but at most 1 can come",
        "nodes.two: can never run: it lies behind 'one'",
        "nodes.last: can never run: it lies behind 'one'",
    ]


def test_looking_for_findings_ends_also_where_there_are_very_many() -> None:
    def draw(builder: ProcessBuilder) -> None:
        last = builder.wait("first")
        for number in range(1000):
            route = builder.switch(f"route{number}", {"a": True}, default="b")
            join = builder.wait(f"join{number}", join=2)
            last.then(route)
            route.on("a").then(join)
            route.on("b").then(join)
            last = join

    assert len(warnings(draw)) > 1000


def test_nodes_without_an_incoming_connection_are_the_start() -> None:
    builder = ProcessBuilder("orders")
    a, b, c = (builder.wait(name) for name in "abc")
    a.then(c)
    definition = builder.build()
    assert definition.start == ("a", "b")
    assert entry_points(definition.nodes, definition.connections) == ("a", "b")
    assert b.name == "b"
