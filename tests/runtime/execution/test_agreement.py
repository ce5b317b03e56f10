"""The engine and the reference agree on everything that can happen to any process."""

from random import Random

import pytest
from hypothesis import example, given, settings

from processengine.testing import (
    NodeSketch,
    Palette,
    Sketch,
    TokenGame,
    chances,
    draw_sketch,
    sketches,
)

from ...reference import Agreement
from ._play import drawn

EFFORT = settings().max_examples
CONTROL_FLOW = Palette(
    size=5, kinds=("task", "task", "task", "switch", "fan"), retries=False, timeouts=False
)
CANCEL = NodeSketch(join=1, rest="cancel")


def agree_on(sketch: Sketch, random: Random) -> None:
    """Play a game in which both engines take every message."""
    TokenGame(sketch.definition(), random, observer=Agreement(sketch)).play()


@settings(max_examples=3 * EFFORT)
@given(sketch=sketches(), random=chances())
def test_both_engines_agree_on_any_process(sketch: Sketch, random: Random) -> None:
    agree_on(sketch, random)


@settings(max_examples=2 * EFFORT)
@given(sketch=sketches(CONTROL_FLOW), random=chances())
@example(sketch=drawn("a.error>b a>b a.error>a", start="a"), random=Random(0))
def test_both_engines_agree_on_small_graphs_of_joins(sketch: Sketch, random: Random) -> None:
    agree_on(sketch, random)


ONCE_DIFFERED = {
    "a count judged before the joins it waits for": drawn(
        "b.other>b b>b b>c b.other>a", start="abc", a=CANCEL, b=NodeSketch(join=3)
    ),
    "two counts that wait for each other": drawn(
        "a>b a>c c.left>a", start="ac", a=NodeSketch(join=2), c=NodeSketch("fan", join=2)
    ),
    "a token at another join was not cancelled": drawn(
        "a>b c.left>a b.error>a a>c",
        start="ac",
        a=NodeSketch("wait"),
        c=NodeSketch("fan", join=1, rest="cancel"),
    ),
    "a cancelled round was begun anew": drawn(
        "a.right>b a.right>c a.right>d a.left>d d.error>b", a=NodeSketch("fan"), d=CANCEL
    ),
    "a round was forgotten while its token was on its way": drawn(
        "a>b b>c a>a a.other>b a.other>c a.other>a", start="a", b=NodeSketch(join="any")
    ),
    "a deferred resume moved a token, and nobody looked": drawn(
        "a.left>b b.error>c a.right>c a.left>a c>a",
        start="a",
        a=NodeSketch("fan"),
        b=NodeSketch("wait"),
        c=NodeSketch("wait"),
    ),
    "the short path forgot an error": drawn("a.error>b a.error>c d.other>c", start="ad"),
    "a child outlived its parent": drawn("a>b", a=NodeSketch("child"), child=drawn("a>b")),
}


@pytest.mark.parametrize("sketch", ONCE_DIFFERED.values(), ids=ONCE_DIFFERED.keys())
def test_both_engines_agree_on_what_they_once_differed_in(sketch: Sketch) -> None:
    for seed in range(100):
        agree_on(sketch, Random(seed))


@pytest.mark.slow
@pytest.mark.parametrize("first_seed", range(0, 20_000, 1_000))
def test_both_engines_agree_on_thousands_of_processes(first_seed: int) -> None:
    for seed in range(first_seed, first_seed + 1_000):
        random = Random(seed)
        agree_on(draw_sketch(random), random)
