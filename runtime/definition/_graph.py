"""Questions about directed graphs of small integers; nothing here recurses."""

from collections.abc import Iterable, Sequence

Successors = Sequence[Sequence[int]]


def numbered(
    names: Iterable[str], arrows: Iterable[tuple[str, str]]
) -> tuple[dict[str, int], list[list[int]]]:
    """The number of each name, and the graph that the arrows between names make of the numbers."""
    numbers = {name: number for number, name in enumerate(names)}
    successors: list[list[int]] = [[] for _ in numbers]
    for source, target in arrows:
        successors[numbers[source]].append(numbers[target])
    return numbers, successors


def reachable(successors: Successors, start: Iterable[int], without: int = -1) -> bytearray:
    """Mark every vertex that can be reached from `start` without entering `without`."""
    marks = bytearray(len(successors))
    stack = [vertex for vertex in start if vertex != without]
    for vertex in stack:
        marks[vertex] = 1
    while stack:
        for successor in successors[stack.pop()]:
            if not marks[successor] and successor != without:
                marks[successor] = 1
                stack.append(successor)
    return marks


def reversed_graph(successors: Successors) -> list[list[int]]:
    """The same vertices with every arrow turned round."""
    predecessors: list[list[int]] = [[] for _ in successors]
    for vertex, targets in enumerate(successors):
        for target in targets:
            predecessors[target].append(vertex)
    return predecessors


def on_cycle(successors: Successors) -> bytearray:
    """Mark every vertex on a cycle: peel off what has no way in, then what has no way out.

    What is left is marked; it includes vertices that merely lie between two cycles, which is safe
    for our use (a mark only costs time) and linear in the size of the graph.
    """
    predecessors = reversed_graph(successors)
    marks = bytearray(b"\x01" * len(successors))
    _peel(marks, successors, predecessors)
    _peel(marks, predecessors, successors)
    return marks


def _peel(marks: bytearray, forward: Successors, backward: Successors) -> None:
    degree = [sum(marks[p] for p in sources) for sources in backward]
    free = [v for v in range(len(forward)) if marks[v] and not degree[v]]
    while free:
        vertex = free.pop()
        marks[vertex] = 0
        for successor in forward[vertex]:
            degree[successor] -= 1
            if marks[successor] and not degree[successor]:
                free.append(successor)
