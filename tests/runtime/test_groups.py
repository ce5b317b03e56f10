"""Node groups live: breaker, bulkhead, rate and budget between tokens and their attempts."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

import processengine as pe

ONCE = pe.NO_RETRY
PATIENT = pe.Retry(attempts=50, initial=1, jitter="none", multiplier=1)


class Dependency:
    """Something outside that nodes call: up or down, and slow if wanted."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.is_up = True
        self.seconds = seconds
        self.calls: list[float] = []
        self.at_once = 0
        self.most_at_once = 0
        self.order: list[str] = []

    async def call(self, context: pe.NodeContext) -> str:
        self.calls.append(trio.current_time())
        self.order.append(context.execution)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await trio.sleep(self.seconds)
        finally:
            self.at_once -= 1
        if not self.is_up:
            raise ConnectionError("down")
        return "fine"


def calling(
    dependency: Dependency, group: pe.Group, retry: pe.Retry | None = None, *, id: str = "calling"
) -> pe.ProcessDefinition:
    process = pe.ProcessBuilder(id)
    process.group(group)
    process.node("call", dependency.call, group=group.name, retry=retry)
    return process.build()


def five_failures(**options: object) -> pe.Group:
    return pe.Group("remote", breaker=pe.BreakerPolicy(), **options)  # type: ignore[arg-type]  # the options of `Group`


async def spawn_some(
    runtime: pe.Runtime, definition: pe.ProcessDefinition, count: int
) -> list[pe.ActorHandle]:
    return [await runtime.spawn(definition, id=f"{definition.id}-{n}") for n in range(count)]


async def states(handles: list[pe.ActorHandle]) -> list[str]:
    return [(await handle.result()).state for handle in handles]


# The breaker


async def test_an_open_breaker_parks_tokens_until_a_probe_succeeds(
    autojump_clock: MockClock,
) -> None:
    dependency = Dependency()
    dependency.is_up = False
    async with pe.open_runtime() as runtime:
        failing = await spawn_some(runtime, calling(dependency, five_failures(), ONCE), 5)
        assert await states(failing) == ["failed"] * 5
        group = runtime.group("remote")
        assert group.status().breaker == "open"
        dependency.is_up = True
        parked = [await runtime.spawn(calling(dependency, five_failures(), ONCE)) for _ in range(9)]
        await trio.sleep(30)
        assert (group.status().parked, group.status().retry_after) == (9, 30)
        assert {handle.status().state for handle in parked} == {"waiting"}
        assert [node.phase for node in parked[0].status().nodes] == ["parked"]
        assert await states(parked) == ["completed"] * 9
        assert dependency.calls == [0] * 5 + [60] * 9
        assert group.status().breaker == "closed"


async def test_parking_spends_no_retry(autojump_clock: MockClock) -> None:
    dependency = Dependency()
    dependency.is_up = False
    retry = pe.Retry(attempts=3, initial=1, jitter="none", multiplier=1)
    policy = pe.BreakerPolicy(consecutive_failures=2, open_seconds=10)
    group = pe.Group("remote", breaker=policy)
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(calling(dependency, group, retry))
        await trio.sleep(5)
        dependency.is_up = True
        outcome = await handle.result()
    assert outcome.state == "completed"
    assert dependency.calls == [0, 1, 11]


async def test_one_probe_at_a_time_decides(autojump_clock: MockClock) -> None:
    dependency = Dependency(seconds=1)
    dependency.is_up = False
    async with pe.open_runtime() as runtime:
        definition = calling(dependency, five_failures(), PATIENT)
        handles = await spawn_some(runtime, definition, 5)
        await trio.sleep(150)
        # Five calls that fail at 1 s; a probe at 61 s and one at 122 s, which fail too.
        assert dependency.calls == [0] * 5 + [61, 122]
        dependency.is_up = True
        assert await states(handles) == ["completed"] * 5
        assert dependency.calls[7:] == [183] + [184] * 4


async def test_a_probe_that_is_cancelled_lets_the_next_one_go(autojump_clock: MockClock) -> None:
    dependency = Dependency()
    dependency.is_up = False
    async with pe.open_runtime() as runtime:
        definition = calling(dependency, five_failures(), PATIENT)
        handles = await spawn_some(runtime, definition, 5)
        await trio.sleep(1)
        dependency.is_up, dependency.seconds = True, 10
        await trio.sleep(60)
        [probing] = [each for each in handles if each.status().nodes[0].phase == "running"]
        await probing.cancel()
        await trio.sleep(0.1)
        running = [each for each in handles if each.status().state == "running"]
        assert len(running) == 1
        assert sorted(await states(handles)) == ["cancelled"] + ["completed"] * 4


async def test_a_refused_token_fails_where_the_group_says_so(autojump_clock: MockClock) -> None:
    dependency = Dependency()
    dependency.is_up = False
    group = five_failures(when_open="fail")
    async with pe.open_runtime() as runtime:
        await states(await spawn_some(runtime, calling(dependency, group, ONCE), 5))
        outcome = await (await runtime.spawn(calling(dependency, group, PATIENT))).result()
    assert outcome.state == "failed"
    assert outcome.error is not None
    assert outcome.error.exception == "BreakerOpen"
    assert outcome.error.message == "group 'remote': its breaker is open; again in 60 s"
    assert len(dependency.calls) == 5


async def test_a_refused_token_leaves_by_port_rejected_where_that_is_connected(
    autojump_clock: MockClock,
) -> None:
    dependency = Dependency()
    dependency.is_up = False

    async def instead(error: pe.ErrorContext) -> str:
        return error.exception

    process = pe.ProcessBuilder("choosy")
    group = process.group(five_failures())
    call = process.node("call", dependency.call, group=group, retry=ONCE)
    call.on("rejected").then(process.node("instead", instead))
    definition = process.build()
    async with pe.open_runtime() as runtime:
        await states(await spawn_some(runtime, definition, 5))
        outcome = await (await runtime.spawn(definition)).result()
    assert (outcome.state, outcome.memory["instead"]) == ("completed", "BreakerOpen")


async def test_failures_that_no_retry_could_help_leave_the_breaker_alone(
    autojump_clock: MockClock,
) -> None:
    async def refuse() -> None:
        raise pe.NonRetryable("no such order")

    process = pe.ProcessBuilder("refusing")
    process.node("refuse", refuse, group=process.group(five_failures()))
    async with pe.open_runtime() as runtime:
        assert await states(await spawn_some(runtime, process.build(), 20)) == ["failed"] * 20
        assert runtime.group("remote").status().breaker == "closed"


async def test_timeouts_open_the_breaker_and_cancels_do_not(autojump_clock: MockClock) -> None:
    process = pe.ProcessBuilder("slow")
    group = process.group(five_failures())
    process.node("sleep", trio.sleep_forever, group=group, retry=ONCE, timeout=1)
    async with pe.open_runtime() as runtime:
        handles = await spawn_some(runtime, process.build(), 20)
        for handle in handles[4:]:
            await handle.cancel()
        await states(handles)
        status = runtime.group("remote").status()
        assert (status.breaker, status.tally.failures) == ("closed", 4)
        assert (await (await runtime.spawn(process.build())).result()).state == "failed"
        assert runtime.group("remote").status().breaker == "open"


async def test_what_a_cancelled_attempt_raises_is_no_failure_of_the_group(
    autojump_clock: MockClock,
) -> None:
    async def touchy() -> None:
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            raise ConnectionError("in the clean-up") from None

    process = pe.ProcessBuilder("touchy")
    process.node("touchy", touchy, group=process.group(five_failures()))
    async with pe.open_runtime() as runtime:
        handles = await spawn_some(runtime, process.build(), 20)
        await trio.sleep(1)
        for handle in handles:
            await handle.pause("interrupt")
            await handle.cancel()
        status = runtime.group("remote").status()
        assert (status.breaker, status.tally.failures) == ("closed", 0)


async def test_a_parked_token_answers_every_message_at_once(autojump_clock: MockClock) -> None:
    dependency = Dependency()
    dependency.is_up = False
    async with pe.open_runtime() as runtime:
        definition = calling(dependency, five_failures(), ONCE)
        await states(await spawn_some(runtime, definition, 5))
        handles = [await runtime.spawn(definition) for _ in range(5)]
        paused, interrupted, cancelled, skipped, retried = handles
        await trio.sleep(1)
        assert await paused.pause() == "paused"
        assert await interrupted.pause("interrupt") == "paused"
        assert await cancelled.cancel() == "cancelled"
        await skipped.skip("call")
        await retried.retry("call")
        assert (await skipped.result()).state == "completed"
        assert trio.current_time() == 1
        await trio.sleep(0.1)
        assert runtime.group("remote").status().parked == 1
        dependency.is_up = True
        await trio.sleep(100)
        assert (await retried.result()).state == "completed"
        assert len(dependency.calls) == 6
        await paused.resume()
        await interrupted.resume()
        assert await states([paused, interrupted]) == ["completed"] * 2


async def test_a_breaker_can_be_worked_by_hand(autojump_clock: MockClock) -> None:
    dependency = Dependency()
    async with pe.open_runtime() as runtime:
        definition = calling(dependency, five_failures(), ONCE)
        await states(await spawn_some(runtime, definition, 1))
        group = runtime.group("remote")
        watch = group.watch()
        group.isolate()
        handle = await runtime.spawn(definition)
        await trio.sleep(1_000)
        status = group.status()
        assert (status.breaker, status.retry_after, status.parked) == ("isolated", None, 1)
        group.reset()
        assert (await handle.result()).state == "completed"
        group.disable()
        dependency.is_up = False
        assert await states([await runtime.spawn(definition) for _ in range(9)]) == ["failed"] * 9
        assert group.status().breaker == "disabled"
        changes = [await watch.__anext__() for _ in range(3)]
        told = [change.after for change in changes if isinstance(change, pe.BreakerChange)]
        assert told == ["isolated", "closed", "disabled"]
    assert [change async for change in watch] == []


async def test_a_group_of_a_closed_runtime_shows_its_last_state_and_takes_no_orders(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        await states(await spawn_some(runtime, calling(Dependency(), five_failures()), 1))
        group = runtime.group("remote")
        group.isolate()
    for order in (group.reset, group.disable, group.isolate, group.watch):
        with pytest.raises(pe.RuntimeClosed):
            order()
        with pytest.raises(pe.RuntimeClosed):
            await trio.to_thread.run_sync(order)
    assert group.status().breaker == "isolated"


async def test_a_watch_of_a_group_that_the_end_overtakes_is_over(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        await states(await spawn_some(runtime, calling(Dependency(), five_failures()), 1))
        group = runtime.group("remote")
        made: list[pe.Watch[pe.BreakerChange]] = []
        elsewhere = threading.Thread(target=lambda: made.append(group.watch()))
        elsewhere.start()
        elsewhere.join()  # its wish is here, and is heeded once this task waits
    with trio.fail_after(10):
        assert [change async for change in made[0]] == []


# The bulkhead


async def test_a_bulkhead_bounds_what_runs_at_once_and_executions_take_turns(
    autojump_clock: MockClock,
) -> None:
    dependency = Dependency(seconds=1)
    group = pe.Group("remote", bulkhead=pe.Bulkhead(2))
    process = pe.ProcessBuilder("greedy")
    process.group(group)
    process.each("call", _item(dependency), over=lambda: list(range(20)), group=group, retry=ONCE)
    async with pe.open_runtime() as runtime:
        greedy = await runtime.spawn(process.build(), id="greedy")
        await trio.sleep(0.5)
        modest = await runtime.spawn(process.build(), id="modest")
        await trio.sleep(10)
        assert dependency.order[8:18].count("modest") == 5
        assert await states([greedy, modest]) == ["completed"] * 2
    assert dependency.most_at_once == 2


def _item(dependency: Dependency) -> Callable[[int, pe.NodeContext], Awaitable[str]]:
    async def call(item: int, context: pe.NodeContext) -> str:
        return await dependency.call(context)

    return call


async def test_a_full_bulkhead_refuses(autojump_clock: MockClock) -> None:
    dependency = Dependency(seconds=1)
    group = pe.Group("remote", bulkhead=pe.Bulkhead(1, waiting=2))
    async with pe.open_runtime() as runtime:
        handles = await spawn_some(runtime, calling(dependency, group), 5)
        assert await states(handles) == ["completed"] * 3 + ["failed"] * 2
        error = (await handles[4].result()).error
    assert error is not None
    assert error.exception == "BulkheadFull"
    assert error.message == "group 'remote': 2 attempts wait already for 1 places"


async def test_who_is_taken_back_makes_room_in_the_bulkhead(autojump_clock: MockClock) -> None:
    dependency = Dependency(seconds=1)
    group = pe.Group("remote", bulkhead=pe.Bulkhead(1, waiting=2))
    async with pe.open_runtime() as runtime:
        handles = await spawn_some(runtime, calling(dependency, group), 3)
        await trio.sleep(0.5)
        assert await handles[1].cancel() == "cancelled"
        last = await runtime.spawn(calling(dependency, group))
        assert await states([*handles, last]) == [
            "completed", "cancelled", "completed", "completed",
        ]  # fmt: skip


# The rate


async def test_a_rate_spaces_what_begins(autojump_clock: MockClock) -> None:
    dependency = Dependency()
    group = pe.Group("remote", rate=pe.RatePolicy(2, 10.0))
    async with pe.open_runtime() as runtime:
        handles = await spawn_some(runtime, calling(dependency, group), 6)
        await trio.sleep(1)
        assert runtime.group("remote").status().parked == 4
        await handles[3].cancel()
        await states(handles)
    assert dependency.calls == [0, 0, 5, 10, 15]


# Retries


async def test_a_budget_ends_retries_where_too_much_fails(autojump_clock: MockClock) -> None:
    dependency = Dependency()
    dependency.is_up = False
    group = pe.Group("remote", budget=pe.BudgetPolicy(tokens=10), retry=PATIENT)
    async with pe.open_runtime() as runtime:
        handles = await spawn_some(runtime, calling(dependency, group), 3)
        assert await states(handles) == ["failed"] * 3
        assert runtime.group("remote").status().budget == 3
        assert runtime.group("remote").status().retries_refused == 3
    assert len(dependency.calls) == 7


async def test_a_failure_may_say_when_to_come_again(autojump_clock: MockClock) -> None:
    calls: list[float] = []

    async def busy() -> None:
        calls.append(trio.current_time())
        if len(calls) < 3:
            raise pe.RetryLater(100)

    process = pe.ProcessBuilder("busy")
    process.node("busy", busy)
    async with pe.open_runtime() as runtime:
        assert (await (await runtime.spawn(process.build())).result()).state == "completed"
    assert calls == [0, 100, 200]


async def test_the_group_gives_its_nodes_retry_and_timeout(autojump_clock: MockClock) -> None:
    process = pe.ProcessBuilder("slow")
    retry = pe.Retry(attempts=2, initial=1, jitter="none")
    group = process.group("slow", timeout=3, retry=retry)
    process.node("sleep", trio.sleep_forever, group=group)
    async with pe.open_runtime() as runtime:
        outcome = await (await runtime.spawn(process.build())).result()
    assert (outcome.duration, outcome.state) == (7, "failed")


# Whose group it is


async def test_a_shared_group_is_one_for_all_definitions(autojump_clock: MockClock) -> None:
    dependency = Dependency()
    dependency.is_up = False
    group = five_failures(shared=True)
    async with pe.open_runtime() as runtime:
        first, second = (calling(dependency, group, ONCE, id=id) for id in ("first", "second"))
        await states(await spawn_some(runtime, first, 5))
        handle = await runtime.spawn(second)
        await trio.sleep(1)
        assert handle.status().nodes[0].phase == "parked"
        assert runtime.group("remote").name == "remote"


async def test_groups_of_different_definitions_do_not_share_a_fate(
    autojump_clock: MockClock,
) -> None:
    dependency = Dependency()
    dependency.is_up = False
    async with pe.open_runtime() as runtime:
        first, second = (
            calling(dependency, five_failures(), ONCE, id=id) for id in ("first", "second")
        )
        await states(await spawn_some(runtime, first, 5))
        await states(await spawn_some(runtime, second, 1))
        assert runtime.group("remote", "first").status().breaker == "open"
        assert runtime.group("remote", "second v1").status().breaker == "closed"
        with pytest.raises(pe.UnknownGroup, match="'remote' means no single group; there are"):
            runtime.group("remote")


async def test_one_name_with_two_policies_is_a_conflict(autojump_clock: MockClock) -> None:
    dependency = Dependency()
    async with pe.open_runtime() as runtime:
        await runtime.spawn(calling(dependency, pe.Group("remote", shared=True), id="first"))
        other = calling(dependency, pe.Group("remote", shared=True, timeout=1), id="second")
        with pytest.raises(pe.GroupConflict, match="timeout was None, is 1"):
            await runtime.spawn(other)
        assert len(runtime.list()) == 1


async def test_groups_of_forgotten_definitions_are_let_go(autojump_clock: MockClock) -> None:
    dependency = Dependency(seconds=100)
    group = five_failures()
    async with pe.open_runtime(routing_cache_size_limit=2, keep_ended=0) as runtime:
        first = await runtime.spawn(calling(dependency, group, id="first"))
        await trio.sleep(1)
        dependency.seconds = 0
        for number in range(20):
            handle = await runtime.spawn(calling(dependency, group, id=f"process-{number}"))
            await handle.result()
        await trio.sleep(1)
        names = {child.name for child in runtime.tree().children[1].children}
        assert len(names) <= 6
        assert "first v1/remote" in names
        assert (await first.result()).state == "completed"


async def test_the_tree_shows_services_groups_and_executions(autojump_clock: MockClock) -> None:
    dependency = Dependency(seconds=1)
    async with pe.open_runtime() as runtime:
        await spawn_some(runtime, calling(dependency, five_failures()), 1)
        await trio.sleep(0.5)
        services, groups, host, executions = runtime.tree().children
    assert host.children == ()
    assert [child.name for child in services.children] == ["timers"]
    assert {child.name for child in groups.children} == {"calling v1/default", "calling v1/remote"}
    assert [(child.name, child.state) for child in executions.children] == [
        ("calling-0", "running")
    ]
