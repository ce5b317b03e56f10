"""The same work written by hand on trio: the yardsticks."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import trio

Body = Callable[[], Awaitable[object]]
Results = dict[str, object]


async def chains(body: Body, length: int, count: int) -> float:
    """A task for each of `count` chains; results are kept under the names of the nodes."""
    names = [f"n{number}" for number in range(length)]

    async def one() -> None:
        results: Results = {}
        for name in names:
            results[name] = await body()

    return await _side_by_side(one, count)


async def chains_with_history(body: Body, length: int, count: int) -> float:
    """As `chains`, with a record of when each node began and ended."""
    names = [f"n{number}" for number in range(length)]

    async def one() -> None:
        results: Results = {}
        history: list[tuple[str, float, float, object]] = []
        for name in names:
            begin = trio.current_time()
            results[name] = value = await body()
            history.append((name, begin, trio.current_time(), value))

    return await _side_by_side(one, count)


async def fork_joins(body: Body, width: int, count: int) -> float:
    """A task for each of `count` processes, and a nursery with a task for each branch."""
    names = [f"n{number}" for number in range(width)]

    async def branch(results: Results, name: str) -> None:
        results[name] = await body()

    async def one() -> None:
        results: Results = {"fork": await body()}
        async with trio.open_nursery() as nursery:
            for name in names:
                nursery.start_soon(branch, results, name)
        results["join"] = await body()

    return await _side_by_side(one, count)


async def failing_chains(body: Body, length: int, count: int, attempts: int) -> float:
    """As `chains`, trying a node again after a jittered wait of up to 1 ms."""
    names = [f"n{number}" for number in range(length)]

    async def retried() -> object:
        for _ in range(attempts - 1):
            try:
                return await body()
            except ConnectionError:
                await trio.sleep(random.random() * 0.001)
        return await body()

    async def one() -> None:
        results: Results = {}
        for name in names:
            results[name] = await retried()

    return await _side_by_side(one, count)


async def _side_by_side(one: Callable[[], Awaitable[None]], count: int) -> float:
    begin = trio.current_time()
    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(one)
    return trio.current_time() - begin
