"""Whether used objects are cheaper than new ones: contexts, executions, workers."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

import trio

import processengine as pe
from processengine.actors import Dispatcher, Worker
from processengine.runtime.execution import Execution

from .._measure import Program, Row, compare, on_trio, row

T = TypeVar("T")
BOUND = 100


class Pool(Generic[T]):
    """Keeps at most `BOUND` objects that were given back, cleared, for whoever wants one next."""

    def __init__(self, make: Callable[[], T], clear: Callable[[T], None]) -> None:
        self._make = make
        self._clear = clear
        self._free: deque[T] = deque()

    def rent(self) -> T:
        """One that was given back, or a new one."""
        return self._free.popleft() if self._free else self._make()

    def give_back(self, one: T) -> None:
        """Take one back, unless there are enough."""
        if len(self._free) < BOUND:
            self._clear(one)
            self._free.append(one)


def _cancelled() -> bool:
    return False


def _context(number: int) -> pe.NodeContext:
    return pe.NodeContext("order-17", 1, "orders v1", "charge", number, 1, None, _cancelled)


def _fill_context(used: pe.NodeContext, number: int) -> None:
    used.__init__("order-17", 1, "orders v1", "charge", number, 1, None, _cancelled)  # type: ignore[misc]  # fills a used one


def _clear_context(used: pe.NodeContext) -> None:
    """Nothing in it must be kept alive, and whoever still has it must not see another's."""
    used.__init__("", 0, "", "", 0, 0, None, _cancelled)  # type: ignore[misc]  # empties a used one


def new_contexts(count: int) -> float:
    """What the engine does: a new one for each attempt that asks."""
    begin = time.perf_counter()
    for number in range(count):
        _context(number)
    return time.perf_counter() - begin


def pooled_contexts(count: int) -> float:
    """The specification's pool: rent one, fill it, give it back cleared."""
    pool = Pool(lambda: _context(0), _clear_context)
    begin = time.perf_counter()
    for number in range(count):
        context = pool.rent()
        _fill_context(context, number)
        pool.give_back(context)
    return time.perf_counter() - begin


async def executions(count: int, pooled: bool) -> float:
    """Bare executions, new or rented, in a runtime that does not run them."""
    builder = pe.ProcessBuilder("idle")
    builder.wait("go")
    async with pe.open_runtime() as runtime:
        core = runtime._core  # pyright: ignore[reportPrivateUsage]  # the shell by itself
        assert core is not None
        program = core.program(builder.build())

        def make() -> Execution:
            return Execution("order-17", program, core)

        def clear(used: Execution) -> None:
            used.history.clear()
            used.state.memory.clear()
            used.state.tokens.clear()
            used.replies = used.watchers = used.ledger = None

        pool = Pool(make, clear)
        begin = time.perf_counter()
        for _ in range(count):
            if pooled:
                execution = pool.rent()
                execution.__init__("order-17", program, core)  # type: ignore[misc]  # fills a used one
                pool.give_back(execution)
            else:
                make()
        return time.perf_counter() - begin


class Countdown:
    """So many jobs are to be done; each is a number."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.is_over = trio.Event()

    async def run(self, worker: Worker[int], job: int) -> int | None:
        """Do one."""
        self.done()
        return None

    def done(self) -> None:
        """One less."""
        self.left -= 1
        if not self.left:
            self.is_over.set()


async def reused_workers(count: int) -> float:
    """What the engine does: jobs queued for workers, which are used again."""
    jobs = Countdown(count)
    dispatcher = Dispatcher(jobs.run, lambda _: None, lambda _, __: None)
    async with trio.open_nursery() as nursery:
        await nursery.start(dispatcher.serve)
        begin = time.perf_counter()
        for number in range(count):
            dispatcher.submit(number)
        await jobs.is_over.wait()
        taken = time.perf_counter() - begin
        nursery.cancel_scope.cancel()
    return taken


async def new_tasks(count: int) -> float:
    """The yardstick: a task for each job."""
    jobs = Countdown(count)

    async def job() -> None:
        jobs.done()

    async with trio.open_nursery() as nursery:
        begin = time.perf_counter()
        for _ in range(count):
            nursery.start_soon(job)
        await jobs.is_over.wait()
    return time.perf_counter() - begin


def pools(quick: bool) -> list[Row]:
    """A pool of each, to a new one each time."""
    count, rounds = (200, 2) if quick else (20_000, 11)
    cases: list[tuple[str, str, Program, Program]] = [
        (
            f"node context from a pool of {BOUND}",
            "a new one each",
            lambda: pooled_contexts(count),
            lambda: new_contexts(count),
        ),
        (
            f"execution object from a pool of {BOUND}",
            "a new one each",
            on_trio(executions, count, True),
            on_trio(executions, count, False),
        ),
        (
            "job on a reused worker",
            "a new task each",
            on_trio(reused_workers, count),
            on_trio(new_tasks, count),
        ),
    ]
    return [
        row(
            name,
            compare(ours, yardstick, rounds),
            per=count,
            unit="µs each",
            scale=1e6,
            yardstick_name=yardstick_name,
        )
        for name, yardstick_name, ours, yardstick in cases
    ]
