"""Random sketches: graphs of every shape that a definition may have, the simplest first.

Everything is drawn from a `random.Random`. Hypothesis's `st.randoms(use_true_random=False)` is one,
and makes what is drawn here shrink.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Literal, TypeVar

import attrs

from ._sketch import JoinSketch, Link, NodeKind, NodeSketch, Sketch

T = TypeVar("T")

EVERY_KIND: tuple[NodeKind, ...] = (
    "task", "task", "task", "switch", "fan", "delay", "wait", "each", "child", "end", "terminate",
)  # fmt: skip
JoinKind = Literal["all", "count", "each"]
EVERY_JOIN: tuple[JoinKind, ...] = ("all", "all", "all", "count", "count", "each")


def pick(random: Random, options: Sequence[T]) -> T:
    """One of the options; the first is the simplest."""
    return options[random.randrange(len(options))]


def is_rare(random: Random, one_in: int) -> bool:
    """True once in so many times."""
    return random.randrange(one_in) == one_in - 1


@attrs.frozen(kw_only=True)
class Palette:
    """What sketches may be drawn: how many nodes at most, of which kinds, joined how."""

    size: int = 7
    kinds: Sequence[NodeKind] = EVERY_KIND
    joins: Sequence[JoinKind] = EVERY_JOIN
    cycles: bool = True
    retries: bool = True
    timeouts: bool = True


ANYTHING = Palette()


def draw_sketch(random: Random, palette: Palette = ANYTHING) -> Sketch:
    """Draw a sketch in which every node can be reached from a start."""
    kinds = _draw_kinds(random, palette)
    links, start = _draw_tree(random, kinds)
    links += _draw_further_links(random, palette, kinds, links)
    nodes = [
        _draw_node(random, palette, kind, _slots(number, links, start))
        for number, kind in enumerate(kinds)
    ]
    child = None
    if "child" in kinds:
        smaller = [kind for kind in palette.kinds if kind != "child"]
        child = draw_sketch(random, attrs.evolve(palette, size=3, kinds=smaller))
    timeout = 20.0 if palette.timeouts and is_rare(random, 8) else None
    return Sketch(tuple(nodes), tuple(links), tuple(start), timeout, child)


def _draw_kinds(random: Random, palette: Palette) -> list[NodeKind]:
    kinds: list[NodeKind] = [
        pick(random, palette.kinds) for _ in range(1 + random.randrange(palette.size))
    ]
    if kinds[0] in ("end", "terminate") and len(kinds) > 1:
        kinds[0] = "task"
    return kinds


def _draw_tree(random: Random, kinds: Sequence[NodeKind]) -> tuple[list[Link], list[int]]:
    """Let every node be a start or follow one before it."""
    links: list[Link] = []
    start = [0]
    for number in range(1, len(kinds)):
        sources = [n for n in range(number) if NodeSketch(kinds[n]).ports]
        if is_rare(random, 6):
            start.append(number)
        else:
            links.append(_draw_link(random, kinds, sources, [number]))
    return links, start


def _draw_link(
    random: Random, kinds: Sequence[NodeKind], sources: Sequence[int], targets: Sequence[int]
) -> Link:
    source = pick(random, sources)
    ports = NodeSketch(kinds[source]).ports
    # The first port twice: most arrows leave there.
    return source, pick(random, (ports[0], *ports)), pick(random, targets)


def _draw_further_links(
    random: Random, palette: Palette, kinds: Sequence[NodeKind], links: Sequence[Link]
) -> list[Link]:
    seen, further = set(links), list[Link]()
    sources = [number for number in range(len(kinds)) if NodeSketch(kinds[number]).ports]
    for _ in range(random.randrange(2 * len(kinds)) if sources else 0):
        link = _draw_link(random, kinds, sources, range(len(kinds)))
        forward = link[0] < link[2]
        if link not in seen and (forward or palette.cycles):
            seen.add(link)
            further.append(link)
    return further


def _slots(number: int, links: Sequence[Link], start: Sequence[int]) -> int:
    return sum(target == number for _, _, target in links) + (number in start)


def _draw_node(random: Random, palette: Palette, kind: NodeKind, slots: int) -> NodeSketch:
    node = NodeSketch(kind, join=_draw_join(random, palette, slots) if slots > 1 else "all")
    if isinstance(node.join, int) and is_rare(random, 2):
        node = attrs.evolve(node, rest="cancel")
    if palette.retries and kind in ("task", "each", "child") and is_rare(random, 3):
        backoff = float(random.randrange(3))
        node = attrs.evolve(node, attempts=2 + random.randrange(2), backoff=backoff)
    if palette.timeouts and kind in ("task", "each") and is_rare(random, 4):
        node = attrs.evolve(node, timeout=1.0 + random.randrange(3))
    if kind == "task" and node.timeout is None:
        node = attrs.evolve(node, is_bare=pick(random, (False, True)))
    if kind == "wait":
        within = pick(random, (None, 2.0, 4.0)) if palette.timeouts else None
        node = attrs.evolve(node, signal=pick(random, ("go", "stop")), within=within)
    if kind == "each":
        node = attrs.evolve(node, limit=pick(random, (None, 1, 2)))
    return node


def _draw_join(random: Random, palette: Palette, slots: int) -> JoinSketch:
    join = pick(random, palette.joins)
    return 1 + random.randrange(slots) if join == "count" else join
