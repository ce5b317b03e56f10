"""The processes that are measured."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

import processengine as pe

Body = Callable[[], Awaitable[object]]


async def nothing() -> None:
    """A node that does nothing and never gives way."""


async def checkpoint() -> None:
    """A node that gives way once, as an asynchronous function on trio should."""
    await trio.lowlevel.checkpoint()


async def sleep() -> None:
    """A node that waits for 10 ms."""
    await trio.sleep(0.01)


def chain(length: int, body: Body = nothing, retry: pe.Retry | None = None) -> pe.ProcessDefinition:
    """Nodes in a row."""
    builder = pe.ProcessBuilder("chain")
    last = builder.node("n0", body, retry=retry)
    for number in range(1, length):
        last = last.then(builder.node(f"n{number}", body, retry=retry))
    return builder.build()


def fork_join(width: int, body: Body = nothing) -> pe.ProcessDefinition:
    """One node, then `width` nodes side by side, then one node that joins them."""
    builder = pe.ProcessBuilder("fork-join")
    fork, join = builder.node("fork", body), builder.node("join", body)
    for number in range(width):
        fork.then(builder.node(f"n{number}", body)).then(join)
    return builder.build()


def layers(count: int, width: int) -> pe.ProcessDefinition:
    """Layers of nodes; each joins two of the layer before."""
    builder = pe.ProcessBuilder("layers")
    before = [builder.node(f"n0.{at}", nothing) for at in range(width)]
    for layer in range(1, count):
        nodes = [builder.node(f"n{layer}.{at}", nothing) for at in range(width)]
        for at, node in enumerate(nodes):
            before[at].then(node)
            before[(at + 1) % width].then(node)
        before = nodes
    return builder.build()


async def run_all(definition: pe.ProcessDefinition, count: int) -> float:
    """Run so many executions side by side; seconds from the spawn of them all to the last end.

    The definition has been compiled before that, by a run of its own.
    """
    async with pe.open_runtime(max_concurrent_executions=count, history_limit=1_000_000) as runtime:
        await runtime.spawn(definition)
        await runtime.wait_all_ended()
        begin = trio.current_time()
        await runtime.spawn_many(definition, [None] * count)
        await runtime.wait_all_ended()
        return trio.current_time() - begin
