from hypothesis import given
from hypothesis import strategies as st

from processengine.runtime.definition._graph import on_cycle, reachable, reversed_graph

Graph = list[list[int]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    size = draw(st.integers(1, 8))
    return draw(st.lists(st.lists(st.integers(0, size - 1)), min_size=size, max_size=size))


def closure(graph: Graph) -> list[set[int]]:
    """Compute, for each vertex, those at the end of a way of at least one step, the slow way."""
    ways = [set(targets) for targets in graph]
    for _ in graph:
        ways = [way.union(*(ways[vertex] for vertex in way)) for way in ways]
    return ways


@given(graphs(), st.data())
def test_reachable_is_what_some_way_leads_to(graph: Graph, data: st.DataObject) -> None:
    start = data.draw(st.lists(st.integers(0, len(graph) - 1)))
    expected = set(start).union(*(closure(graph)[vertex] for vertex in start))
    marks = reachable(graph, start)
    assert {vertex for vertex, mark in enumerate(marks) if mark} == expected


@given(graphs(), st.data())
def test_a_barred_vertex_is_neither_reached_nor_passed(graph: Graph, data: st.DataObject) -> None:
    start = data.draw(st.lists(st.integers(0, len(graph) - 1)))
    barred = data.draw(st.integers(0, len(graph) - 1))
    cut = [[t for t in targets if barred not in (v, t)] for v, targets in enumerate(graph)]
    allowed = [vertex for vertex in start if vertex != barred]
    assert reachable(graph, start, without=barred) == reachable(cut, allowed)


@given(graphs())
def test_reversing_turns_every_arrow_round(graph: Graph) -> None:
    arrows = sorted((v, t) for v, targets in enumerate(graph) for t in targets)
    back = sorted((t, v) for v, targets in enumerate(reversed_graph(graph)) for t in targets)
    assert back == arrows


@given(graphs())
def test_every_vertex_on_a_cycle_is_marked_and_others_only_between_cycles(graph: Graph) -> None:
    ways = closure(graph)
    cyclic = {vertex for vertex, way in enumerate(ways) if vertex in way}
    between = {
        v for v in range(len(graph)) if ways[v] & cyclic and any(v in ways[c] for c in cyclic)
    }
    marks = {vertex for vertex, mark in enumerate(on_cycle(graph)) if mark}
    assert marks == cyclic | between


def test_a_long_chain_is_no_deep_recursion() -> None:
    chain = [[vertex + 1] for vertex in range(100_000)] + [[]]
    assert all(reachable(chain, [0]))
    assert not any(on_cycle(chain))
    assert all(on_cycle([*chain[:-1], [0]]))
