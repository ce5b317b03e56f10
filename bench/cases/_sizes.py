"""What an execution takes of memory at several points of its life; each function in bytes of one.

To be run in a process that does nothing else: see `bench._alone`.
"""

from __future__ import annotations

import trio
import trio.testing

import processengine as pe

from .._alone import traced
from .._scratch import scratch
from . import _passivation
from ._processes import nothing


async def _size(definition: pe.ProcessDefinition, count: int, *, pause: bool = False) -> float:
    """Bytes of each of `count` executions, once all have come to rest."""
    async with pe.open_runtime(max_concurrent_executions=count + 1, keep_ended=0) as runtime:
        await runtime.spawn(definition)
        await trio.testing.wait_all_tasks_blocked()
        before = traced()
        handles = [await runtime.spawn(definition) for _ in range(count)]
        await trio.testing.wait_all_tasks_blocked()
        if pause:
            for handle in handles:
                await handle.pause()
        del handles
        return (traced() - before) / count


def _before_the_wait(nodes: int) -> pe.ProcessDefinition:
    """Nodes in a row that are done, then a wait."""
    process = pe.ProcessBuilder("waiting")
    wait = process.wait("go")
    last = None
    for number in range(nodes):
        node = process.node(f"n{number}", nothing)
        if last is not None:
            last.then(node)
        last = node
    if last is not None:
        last.then(wait)
    return process.build()


async def base(count: int) -> float:
    """One that waits, and has run no node."""
    return await _size(_before_the_wait(0), count)


async def per_node(count: int) -> float:
    """What each node adds that one has run before it waits."""
    with_nodes = await _size(_before_the_wait(50), count)
    return (with_nodes - await _size(_before_the_wait(0), count)) / 50


async def paused(count: int) -> float:
    """One that has run ten nodes and is paused at a wait."""
    return await _size(_before_the_wait(10), count, pause=True)


async def running_in_a_row(count: int) -> float:
    """One in the last of its 50 nodes, which runs; 49 results and all records are there."""
    process = pe.ProcessBuilder("running")
    last = process.node("n0", nothing)
    for number in range(1, 49):
        last = last.then(process.node(f"n{number}", nothing))
    last.then(process.node("n49", trio.sleep_forever))
    return await _size(process.build(), count)


async def running_at_once(count: int) -> float:
    """One of which 48 of 50 nodes run, each in a task that waits."""
    process = pe.ProcessBuilder("wide")
    fork, join = process.node("fork", nothing), process.node("join", nothing)
    for number in range(48):
        fork.then(process.node(f"n{number}", trio.sleep_forever)).then(join)
    return await _size(process.build(), count)


async def passivated(count: int) -> float:
    """One that waits in the store only."""
    with scratch() as folder:
        return (await _passivation.measure(count, folder)).bytes
