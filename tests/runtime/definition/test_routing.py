from collections.abc import Callable

from processengine.runtime.definition import NodeRef, ProcessBuilder, RoutingMap


def routed(draw: Callable[[ProcessBuilder], object]) -> RoutingMap:
    builder = ProcessBuilder("orders")
    draw(builder)
    return RoutingMap(builder.build())


def wait(builder: ProcessBuilder, *names: str, **options: str) -> list[NodeRef]:
    return [builder.wait(name, **options) for name in names]


def targets(routing: RoutingMap, node: str, port: str = "out") -> list[tuple[str, int]]:
    numbers = {each.name: each for each in routing.nodes}
    return [(target.name, slot) for target, slot in numbers[node].exit(port).targets]


def diamond(builder: ProcessBuilder) -> None:
    a, b, c, d = wait(builder, "a", "b", "c", "d")
    a.then(b).then(d)
    a.then(c).then(d)


def test_a_port_leads_to_all_its_targets_each_by_its_slot() -> None:
    routing = routed(diamond)
    assert targets(routing, "a") == [("b", 0), ("c", 0)]
    assert targets(routing, "b") == [("d", 0)]
    assert targets(routing, "c") == [("d", 1)]
    assert [node.slots for node in routing.nodes] == [1, 1, 1, 2]


def test_a_port_that_is_not_connected_leads_nowhere() -> None:
    routing = routed(diamond)
    assert targets(routing, "d") == []
    assert targets(routing, "a", "timeout") == []
    assert routing.nodes[3].exit("out").leaves_untaken is False
    assert routing.nodes[0].exit("timeout").leaves_untaken is True


def test_a_lone_target_without_a_join_is_next() -> None:
    routing = routed(diamond)
    a, b, *_ = routing.nodes
    assert a.exit("out").next is None
    assert b.exit("out").next is None

    def chain(builder: ProcessBuilder) -> None:
        first, second = wait(builder, "first", "second")
        first.then(second)

    first, second = routed(chain).nodes
    assert first.exit("out").next is second


def test_an_exit_knows_that_another_port_could_have_been_taken() -> None:
    def fork(builder: ProcessBuilder) -> None:
        a, b, c = wait(builder, "a", "b", "c")
        a.then(b)
        a.on("timeout").then(c)

    a = routed(fork).nodes[0]
    assert a.exit("out").leaves_untaken
    assert a.exit("timeout").leaves_untaken


def test_a_start_counts_as_a_connection_after_the_others() -> None:
    def loop(builder: ProcessBuilder) -> None:
        a, b = wait(builder, "a", "b")
        builder.start(a)
        a.then(b).then(a)

    routing = routed(loop)
    assert routing.nodes[0].slots == 2
    assert [(node.name, slot) for node, slot in routing.start.targets] == [("a", 1)]
    assert routing.source_name(routing.nodes[0], 0) == "b"
    assert routing.source_name(routing.nodes[0], 1) == "start"
    assert [node.in_cycle for node in routing.nodes] == [True, True]


def test_joins_of_a_graph_without_cycles_may_only_starve_where_they_count() -> None:
    assert not routed(diamond).joins_may_starve

    def any_of(builder: ProcessBuilder) -> None:
        a, b = wait(builder, "a", "b")
        (c,) = wait(builder, "c", join="any")
        a.then(c)
        b.then(c)

    assert routed(any_of).joins_may_starve


def test_a_node_starts_at_once_unless_it_joins() -> None:
    assert [node.starts_at_once for node in routed(diamond).nodes] == [True, True, True, False]

    def merge(builder: ProcessBuilder) -> None:
        a, b = wait(builder, "a", "b")
        (c,) = wait(builder, "c", join="each")
        a.then(c)
        b.then(c)

    assert all(node.starts_at_once for node in routed(merge).nodes)


def test_a_node_shows_its_number_and_name() -> None:
    assert repr(routed(diamond).nodes[1]) == "<RoutedNode 1 'b'>"
