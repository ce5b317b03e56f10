"""The four scenarios of the specification ("Load Test Scenarios"), at its sizes and targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

import attrs

from ...supervision import Retry
from ..definition import Constant, NodeRef, ProcessBuilder, ProcessDefinition
from ._bodies import NOOP, Body, sleep, unreliable
from ._scenario import Scenario, Target

FAILING = 0.3
BRANCHES = 8
RETRY = Retry(attempts=4, initial=0.01, maximum=0.1)
"""As many attempts as the specification's three retries make, with back-offs of 10 to 100 ms in
place of 1 to 30 s: a load test should not sleep through its rounds."""


def linear(body: Body = NOOP) -> Scenario:
    """10 nodes in a row, 1000 executions at once; each within 500 ms."""
    return Scenario(
        name="linear",
        definition=_chain("linear", 10, body),
        executions=1000,
        targets=(Target("max", 0.5),),
        body=body.name,
    )


def branching(body: Body = NOOP) -> Scenario:
    """50 nodes, 100 executions at once; each within 2 s.

    Eight branches side by side; in each a switch takes one of two ways, and a join takes up what
    comes. So an execution has 42 steps: eight nodes are on ways that were not taken.
    """
    return Scenario(
        name="branching",
        definition=_branches(body),
        executions=100,
        targets=(Target("max", 2.0),),
        body=body.name,
    )


def errors(body: Body = NOOP) -> Scenario:
    """10 nodes in a row of which three attempts in ten fail, 1000 executions; over 90% complete.

    The specification's guide asks for "<90% successful completions", where it must mean more: ten
    nodes with four attempts each complete with a chance of (1 - 0.3^4)^10, which is 92.2%.
    """
    failing = attrs.evolve(body, call=unreliable(body.call, FAILING, Random(0)))
    return Scenario(
        name="errors",
        definition=_chain("errors", 10, failing, RETRY),
        executions=1000,
        targets=(Target("completed", 0.9),),
        body=body.name,
    )


def pausing(body: Body = NOOP) -> Scenario:
    """500 executions at once, each paused while its first node runs, and resumed.

    Each pause and each resume within 100 ms. The first node takes 10 ms whatever the body, so that
    there is something to pause: a pause is answered when that has ended, and so includes the wait.
    """
    process = ProcessBuilder("pause")
    last = process.node("begin", sleep)
    for number in range(1, 10):
        last = last.then(process.node(f"n{number}", body.call))
    return Scenario(
        name="pause",
        definition=process.build(),
        executions=500,
        pause_after=0.005,
        targets=(Target("pause", 0.1), Target("resume", 0.1)),
        body=body.name,
    )


SCENARIOS: Mapping[str, Callable[[Body], Scenario]] = {
    "linear": linear,
    "branching": branching,
    "errors": errors,
    "pause": pausing,
}
"""The specification's scenarios by name."""


def _chain(id: str, length: int, body: Body, retry: Retry | None = None) -> ProcessDefinition:
    process = ProcessBuilder(id)
    last = process.node("n1", body.call, retry=retry)
    for number in range(2, length + 1):
        last = last.then(process.node(f"n{number}", body.call, retry=retry))
    return process.build()


def _branches(body: Body) -> ProcessDefinition:
    process = ProcessBuilder("branching")
    begin, end = process.node("begin", body.call), process.node("end", body.call)
    for branch in range(BRANCHES):
        first, last = _branch(process, branch, body)
        begin.then(first)
        last.then(end)
    return process.build()


def _branch(process: ProcessBuilder, branch: int, body: Body) -> tuple[NodeRef, NodeRef]:
    """Six nodes: prepare, choose, one of two ways, join, finish."""

    def add(name: str) -> NodeRef:
        return process.node(f"{name}{branch}", body.call)

    prepare, left, right, joined, finish = map(add, ("prepare", "left", "right", "join", "finish"))
    goes_left = Constant(branch % 2 == 0)
    choose = process.switch(f"choose{branch}", {"left": goes_left}, default="right")
    prepare.then(choose)
    choose.on("left").then(left).then(joined)
    choose.on("right").then(right).then(joined)
    joined.then(finish)
    return prepare, finish
