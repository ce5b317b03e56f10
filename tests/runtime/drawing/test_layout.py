"""The pure steps of a layout, on graphs of every shape."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processengine.runtime.drawing import Arrow, Box, Diagram
from processengine.runtime.drawing._grid import grid_of
from processengine.runtime.drawing._layers import layered
from processengine.runtime.drawing._layout import Layout, laid_out
from processengine.runtime.drawing._ordering import crossings, untangle
from processengine.runtime.drawing._placement import spread

Edges = list[tuple[int, int]]

COUNT = 12
VERTEX = st.integers(0, COUNT - 1)
EDGES = st.lists(st.tuples(VERTEX, VERTEX), max_size=30)
AMOUNT = st.floats(-100, 100)


def diagram(count: int, edges: Edges, start: tuple[int, ...] = (0,)) -> Diagram:
    boxes = tuple(Box(f"n{number}", "function") for number in range(count))
    return Diagram("a diagram", boxes, tuple(Arrow(*edge) for edge in edges), start)


def boxes_that_touch(layout: Layout) -> list[tuple[int, int]]:
    places = list(enumerate(layout.places))
    return [
        (i, j)
        for i, one in places
        for j, other in places
        if i < j
        and one.x < other.right
        and other.x < one.right
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    ]


@given(EDGES)
def test_every_arrow_points_right_unless_it_closes_a_loop(edges: Edges) -> None:
    layering = layered(COUNT, edges, [0])
    for number, (source, target) in enumerate(edges):
        if number not in layering.backward:
            assert layering.layer[source] < layering.layer[target]


@given(EDGES)
def test_a_graph_without_loops_has_no_arrow_back(edges: Edges) -> None:
    forward = [(min(edge), max(edge)) for edge in edges if edge[0] != edge[1]]
    assert not layered(COUNT, forward, [0]).backward


@given(EDGES)
def test_layers_are_numbered_without_gaps(edges: Edges) -> None:
    layer = layered(COUNT, edges, [0]).layer
    assert set(layer) == set(range(max(layer) + 1))


@given(EDGES)
def test_long_arrows_pass_through_one_way_point_in_each_layer_between(edges: Edges) -> None:
    layering = layered(COUNT, edges, [0])
    grid = grid_of(layering, edges)
    layer = {vertex: number for number, row in enumerate(grid.rows) for vertex in row}
    for number, chain in grid.chains.items():
        source, target = edges[number]
        assert [layer[point] for point in chain] == list(range(layer[source] + 1, layer[target]))


@given(EDGES)
def test_untangling_keeps_every_vertex_in_its_layer(edges: Edges) -> None:
    grid = grid_of(layered(COUNT, edges, [0]), edges)
    before = [sorted(row) for row in grid.rows]
    untangle(grid)
    assert [sorted(row) for row in grid.rows] == before


def test_two_arrows_that_need_not_cross_do_not() -> None:
    edges = [(0, 3), (1, 2)]
    grid = grid_of(layered(4, edges, [0, 1]), edges)
    untangle(grid)
    assert crossings(grid.rows, grid.right) == 0


@given(st.lists(st.tuples(AMOUNT, st.floats(0.1, 10)), min_size=1, max_size=20))
def test_spreading_keeps_order_and_gaps(wanted: list[tuple[float, float]]) -> None:
    places = spread([w for w, _ in wanted], [w for _, w in wanted], [5.0] * (len(wanted) - 1))
    assert all(other - one >= 5.0 - 1e-9 for one, other in pairwise(places))


def test_spreading_leaves_alone_what_has_room() -> None:
    assert spread([0, 10, 30], [1, 1, 1], [5, 5]) == [0, 10, 30]


def test_spreading_shares_a_conflict_by_weight() -> None:
    assert spread([0, 0], [1, 3], [8]) == pytest.approx([-6, 2])


@given(EDGES)
def test_boxes_never_touch(edges: Edges) -> None:
    assert boxes_that_touch(laid_out(diagram(COUNT, edges))) == []


@given(EDGES)
def test_everything_is_inside_the_picture(edges: Edges) -> None:
    layout = laid_out(diagram(COUNT, edges))
    for place in layout.places:
        assert place.x >= 0
        assert place.right <= layout.width
        assert layout.top <= place.y
        assert place.y + place.height <= layout.top + layout.height


@given(EDGES)
def test_the_same_diagram_is_laid_out_alike_every_time(edges: Edges) -> None:
    assert laid_out(diagram(COUNT, edges)) == laid_out(diagram(COUNT, edges))


@pytest.mark.slow
@pytest.mark.parametrize(
    "edges",
    [
        pytest.param([(n, n + 1) for n in range(9_999)], id="a chain"),
        pytest.param([(0, n) for n in range(1, 10_000)], id="a fan"),
        pytest.param(
            [(n, n + 1) for n in range(9_999)] + [(n, n // 2) for n in range(2, 10_000, 7)],
            id="loops",
        ),
        pytest.param(
            [(n // 2, n) for n in range(1, 10_000)] + [(n, n + 50) for n in range(9_950)],
            id="a net",
        ),
    ],
)
def test_ten_thousand_boxes_are_no_problem(edges: Edges) -> None:
    assert len(laid_out(diagram(10_000, edges)).places) == 10_000
