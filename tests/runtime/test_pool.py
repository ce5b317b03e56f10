"""The worker pool: tasks that are reused between attempts, and what must not come of that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

import processengine as pe
from processengine.testing import run_virtual

SPARE_WORKERS = 64
VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="untouched")


class Crowd:
    """A node function that counts how many attempts of it are in flight."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0
        self.total = 0

    async def work(self) -> None:
        self.now += 1
        self.total += 1
        self.most = max(self.most, self.now)
        try:
            await trio.sleep(1)
        finally:
            self.now -= 1

    def definition(self, width: int) -> pe.ProcessDefinition:
        process = pe.ProcessBuilder("crowd")
        for number in range(width):
            process.node(f"n{number}", self.work)
        return process.build()


def chain(*functions: Callable[..., Awaitable[object]]) -> pe.ProcessDefinition:
    """A process of these nodes, one after the other: n0, n1, ..."""
    process = pe.ProcessBuilder("chain")
    nodes = [process.node(f"n{n}", function) for n, function in enumerate(functions)]
    for one, other in pairwise(nodes):
        one.then(other)
    return process.build()


async def nothing() -> None:
    pass


async def nap() -> None:
    await trio.sleep(1)


async def read() -> str:
    return VARIABLE.get()


def count_workers() -> int:
    """How many workers the runtimes of this event loop have."""
    root = trio.lowlevel.current_root_task()
    assert root is not None
    waiting, count = [root], 0
    while waiting:
        task = waiting.pop()
        count += "Dispatcher" in task.name
        waiting += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return count


# How many


@pytest.mark.parametrize("size", [1, 3, 10])
async def test_no_more_attempts_are_in_flight_than_there_may_be_workers(
    size: int, autojump_clock: MockClock
) -> None:
    crowd = Crowd()
    async with pe.open_runtime(worker_pool_size=size) as runtime:
        for _ in range(3):
            await runtime.spawn(crowd.definition(10))
        await runtime.wait_all_ended()
    assert (crowd.most, crowd.total) == (size, 30)
    assert trio.current_time() == 30 / size


async def test_without_a_bound_everything_is_in_flight_at_once(autojump_clock: MockClock) -> None:
    crowd = Crowd()
    async with pe.open_runtime() as runtime:
        await runtime.spawn(crowd.definition(200))
        await runtime.wait_all_ended()
    assert (crowd.most, trio.current_time()) == (200, 1)


async def test_a_worker_whose_attempt_was_cancelled_takes_the_next_one(
    autojump_clock: MockClock,
) -> None:
    crowd = Crowd()
    async with pe.open_runtime(worker_pool_size=1) as runtime:
        first = await runtime.spawn(crowd.definition(2))
        second = await runtime.spawn(crowd.definition(2))
        await trio.sleep(0.5)
        await first.cancel()
        assert (await second.result()).state == "completed"
    assert (crowd.most, crowd.total, trio.current_time()) == (1, 3, 2.5)


async def test_an_attempt_that_was_cancelled_before_a_worker_took_it_never_begins(
    autojump_clock: MockClock,
) -> None:
    crowd = Crowd()
    async with pe.open_runtime(worker_pool_size=1) as runtime:
        ahead = await runtime.spawn(crowd.definition(1))
        behind = await runtime.spawn(crowd.definition(3))
        await trio.sleep(0.5)
        cancelled = behind.cancel()
        await ahead.result()
        assert await cancelled == "cancelled"
    assert crowd.total == 1


async def test_idle_workers_are_let_go_but_for_some_to_spare(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(max_concurrent_executions=500) as runtime:
        for _ in range(500):
            await runtime.spawn(chain(nap))
        await trio.sleep(0.5)
        assert count_workers() == 500
        await runtime.wait_all_ended()
        await wait_all_tasks_blocked()
        assert count_workers() == SPARE_WORKERS
    assert count_workers() == 0


async def test_attempts_one_after_the_other_need_one_worker(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        for _ in range(20):
            await (await runtime.spawn(chain(nothing, nap, nothing))).result()
        assert count_workers() == 1


# No wake-up is lost


@pytest.mark.parametrize("size", [None, 1, 2, 5])
@pytest.mark.parametrize("seed", range(4))
def test_long_chains_among_blocking_ones_all_come_to_their_end(seed: int, size: int | None) -> None:
    async def main() -> set[str]:
        async with pe.open_runtime(worker_pool_size=size) as runtime:
            replies = [
                (await runtime.spawn(process)).result()
                for _ in range(5)
                for process in (chain(*[nothing] * 700), chain(nothing, nap, nothing), chain(nap))
            ]
            return {(await reply).state for reply in replies}

    assert run_virtual(main, seed=seed) == {"completed"}


@pytest.mark.parametrize("size", [None, 1, 2])
async def test_chains_that_outlast_a_time_slice_all_come_to_their_end(size: int | None) -> None:
    """In real time, as a slice is 1 ms of that; nothing sleeps."""

    async def breathe() -> None:
        await trio.lowlevel.checkpoint()

    process = chain(*([nothing] * 300 + [breathe]) * 3)
    async with pe.open_runtime(worker_pool_size=size, max_concurrent_executions=7) as runtime:
        replies = [(await runtime.spawn(process)).result() for _ in range(30)]
        assert {(await reply).state for reply in replies} == {"completed"}


async def test_an_endless_chain_leaves_room_for_others() -> None:
    process = pe.ProcessBuilder("endless")
    node = process.node("node", nothing, join="any")
    node.then(node)
    process.start(node)
    async with pe.open_runtime(worker_pool_size=1) as runtime:
        endless = await runtime.spawn(process.build())
        assert (await (await runtime.spawn(chain(*[nothing] * 10))).result()).state == "completed"
        assert await endless.cancel("enough") == "cancelled"
        assert (await endless.result()).state == "cancelled"


def circling(function: Callable[..., Awaitable[object]]) -> pe.ProcessDefinition:
    """A process of two nodes by turns, for ever."""
    process = pe.ProcessBuilder("circling")
    first = process.node("first", function, join="each")
    process.start(first)
    first.then(process.node("second", function)).then(first)
    return process.build()


@pytest.mark.parametrize("size", [1, 2, 4])
async def test_more_endless_chains_of_blocking_nodes_than_workers_take_turns(
    size: int, autojump_clock: MockClock
) -> None:
    made: Counter[str] = Counter()

    async def count(context: pe.NodeContext) -> None:
        made[context.execution] += 1
        await trio.sleep(1)

    async with pe.open_runtime(worker_pool_size=size) as runtime:
        for number in range(5):
            await runtime.spawn(circling(count), id=str(number))
            await trio.sleep(0.2)
        await trio.sleep(50)
    assert len(made) == 5
    assert max(made.values()) - min(made.values()) <= 2


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_endless_chains_of_blocking_nodes_leave_room_for_another_process(
    size: int, autojump_clock: MockClock
) -> None:
    async with pe.open_runtime(worker_pool_size=size) as runtime:
        for _ in range(size):
            await runtime.spawn(circling(nap))
            await trio.sleep(0.3)
        handle = await runtime.spawn(chain(nothing))
        with trio.fail_after(1):
            assert (await handle.result()).state == "completed"


async def test_an_endless_chain_can_be_paused_and_goes_on_after_it() -> None:
    count = 0

    async def tick() -> None:
        nonlocal count
        count += 1

    process = pe.ProcessBuilder("endless")
    node = process.node("node", tick, join="any")
    node.then(node)
    process.start(node)
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process.build())
        for _ in range(3):
            assert await handle.pause() == "paused"
            held = count
            for _ in range(10):
                await trio.lowlevel.checkpoint()
            assert count == held
            await handle.resume()
            while count == held:
                await trio.lowlevel.checkpoint()


# Context variables


async def set_variable() -> str:
    VARIABLE.set(f"set by {pe.current().execution}")
    return VARIABLE.get()


async def test_a_context_variable_is_not_seen_by_the_next_node(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(worker_pool_size=1) as runtime:
        handle = await runtime.spawn(chain(set_variable, read, nap, read), id="one")
        memory = (await handle.result()).memory
    assert [memory[name] for name in ("n0", "n1", "n3")] == [
        "set by one", "untouched", "untouched",
    ]  # fmt: skip


async def test_a_context_variable_is_not_seen_by_another_execution(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime(worker_pool_size=1) as runtime:
        for _ in range(10):
            await runtime.spawn(chain(set_variable))
            reader = await runtime.spawn(chain(read))
            assert (await reader.result()).memory == {"n0": "untouched"}


async def test_a_context_variable_of_a_cancelled_node_is_not_seen_by_the_next_one(
    autojump_clock: MockClock,
) -> None:
    async def set_and_sleep() -> None:
        await set_variable()
        await trio.sleep(100)

    async with pe.open_runtime(worker_pool_size=1) as runtime:
        handle = await runtime.spawn(chain(set_and_sleep))
        await trio.sleep(1)
        await handle.cancel()
        assert (await (await runtime.spawn(chain(read))).result()).memory == {"n0": "untouched"}


async def test_a_context_variable_of_a_failed_node_is_not_seen_by_its_next_attempt(
    autojump_clock: MockClock,
) -> None:
    seen: list[str] = []

    async def fail() -> None:
        seen.append(VARIABLE.get())
        await set_variable()
        raise ValueError

    async with pe.open_runtime(worker_pool_size=1, default_max_retries=2) as runtime:
        await (await runtime.spawn(chain(fail))).result()
    assert seen == ["untouched"] * 3


async def test_a_node_sees_the_context_in_which_the_runtime_was_opened(
    autojump_clock: MockClock,
) -> None:
    VARIABLE.set("set by the host")
    async with pe.open_runtime() as runtime:
        VARIABLE.set("set later")
        assert (await (await runtime.spawn(chain(read, nap, read))).result()).memory == {
            "n0": "set by the host", "n1": None, "n2": "set by the host",
        }  # fmt: skip


async def test_a_node_that_starts_another_execution_does_not_lend_it_its_context(
    autojump_clock: MockClock,
) -> None:
    async def spawn() -> None:
        VARIABLE.set("set by the spawner")
        await runtime.spawn(chain(read), id="spawned")

    async with pe.open_runtime() as runtime:
        await runtime.spawn(chain(spawn))
        await runtime.wait_all_ended()
        assert (await runtime.get("spawned").result()).memory == {"n0": "untouched"}


# Cancelled from within


@pytest.mark.parametrize("sleeps", [False, True], ids=["at once", "at its next checkpoint"])
async def test_a_node_that_cancels_its_own_execution_leaves_its_worker_usable(
    sleeps: bool, autojump_clock: MockClock
) -> None:
    async def suicidal() -> None:
        runtime.get(pe.current().execution).cancel()
        if sleeps:
            await trio.sleep(100)

    async with pe.open_runtime(worker_pool_size=1) as runtime:
        for _ in range(10):
            first = await runtime.spawn(chain(suicidal, nap))
            second = await runtime.spawn(chain(nap, nothing))
            assert (await first.result()).state == "cancelled"
            assert (await second.result()).state == "completed"
        assert count_workers() <= 2  # one for each group; not both at work


async def test_a_node_that_another_branch_cancels_leaves_its_worker_usable(
    autojump_clock: MockClock,
) -> None:
    async def slow() -> None:
        await trio.sleep(100)

    process = pe.ProcessBuilder("race")
    fast, late, first = (
        process.node("fast", nap),
        process.node("late", slow),
        process.node("first", nap, join="any", rest="cancel"),
    )
    fast.then(first)
    late.then(first)
    async with pe.open_runtime(worker_pool_size=2) as runtime:
        replies = [(await runtime.spawn(process.build())).result() for _ in range(10)]
        assert {(await reply).state for reply in replies} == {"completed"}
        assert count_workers() == 2


class Incomparable:
    """As an array is: whether two are equal is not for `bool` to say."""

    def __eq__(self, other: object) -> bool:
        raise ValueError("the truth of that is ambiguous")

    __hash__ = object.__hash__


async def test_values_that_cannot_be_compared_do_not_leak_either(
    autojump_clock: MockClock,
) -> None:
    seen: list[object] = []
    variable: ContextVar[object] = ContextVar("variable")
    variable.set(Incomparable())  # what every worker finds
    inherited = variable.get()

    async def taint() -> None:
        seen.append(variable.get())
        variable.set(Incomparable())

    async with pe.open_runtime() as runtime:
        for _ in range(3):
            outcome = await (await runtime.spawn(chain(taint, taint, taint))).result()
            assert outcome.state == "completed"
    assert len(seen) == 9
    assert all(value is inherited for value in seen)
