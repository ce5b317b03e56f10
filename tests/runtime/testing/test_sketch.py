from random import Random

import pytest
from hypothesis import given

import processengine as pe
from processengine.testing import (
    Bodies,
    NodeKind,
    NodeSketch,
    Palette,
    Sketch,
    chances,
    draw_sketch,
    run_virtual,
    sketches,
)


@given(sketch=sketches())
def test_every_drawn_sketch_is_a_process(sketch: Sketch) -> None:
    definition = sketch.definition()
    assert len(definition.nodes) == len(sketch.nodes)


@given(random=chances())
def test_a_palette_says_what_may_be_drawn(random: Random) -> None:
    palette = Palette(size=3, kinds=("task", "fan"), joins=("each",), cycles=False, retries=False)
    sketch = draw_sketch(random, palette)
    assert len(sketch.nodes) <= 3
    assert {node.kind for node in sketch.nodes} <= {"task", "fan"}
    assert {node.join for node in sketch.nodes} <= {"all", "each"}
    assert {node.attempts for node in sketch.nodes} == {1}
    assert all(source < target for source, _, target in sketch.links)


@given(sketch=sketches())
def test_a_sketch_prints_as_the_code_that_makes_it(sketch: Sketch) -> None:
    assert eval(repr(sketch), {"Sketch": Sketch, "NodeSketch": NodeSketch}) == sketch


@pytest.mark.parametrize(("number", "name"), [(0, "a"), (25, "z"), (26, "n26")])
def test_nodes_are_named_by_letters(number: int, name: str) -> None:
    assert Sketch.name(number) == name


class Loud(Bodies):
    def __init__(self) -> None:
        self.said: list[str] = []

    async def run(self, context: pe.NodeContext) -> object:
        self.said.append(context.node)
        return context.item

    def chooses(self, node: str, port: str) -> bool:
        self.said.append(f"{node}.{port}")
        return port == "right"

    def seconds(self, node: str) -> float:
        self.said.append(node)
        return 5.0

    def items(self, node: str) -> list[int]:
        self.said.append(node)
        return [3, 4]

    def given(self, node: str) -> object:
        self.said.append(node)
        return "a present"


def test_the_nodes_of_a_sketch_do_what_their_bodies_say() -> None:
    kinds: tuple[NodeKind, ...] = ("task", "switch", "delay", "each", "child")
    links = ((0, "out", 1), (1, "right", 2), (2, "out", 3), (3, "out", 4))
    sketch = Sketch(tuple(NodeSketch(kind) for kind in kinds), links, child=Sketch((NodeSketch(),)))
    bodies = Loud()

    async def run() -> pe.Outcome:
        async with pe.open_runtime() as runtime:
            handle = await runtime.spawn(sketch.definition(bodies))
            return await handle.result()

    outcome = run_virtual(run)
    assert outcome.duration == 5
    assert outcome.memory["d"] == [0, 1]
    assert outcome.memory["e"] == {"given": "a present", "a": None}
    assert sorted(bodies.said) == ["a", "a", "b.left", "b.right", "c", "d", "d", "d", "e"]
