"""Hedged attempts: calls beside a slow one, and what else comes of them, in virtual time."""

from __future__ import annotations

import contextlib
import copy
import logging
import threading
from collections.abc import Awaitable, Callable

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

import processengine as pe
from processengine.runtime.execution._hedge import race
from processengine.testing import run_virtual

Ending = Callable[[], Awaitable[object]]


class Service:
    """Something outside that is called: every call ends as it is told to. Times are kept."""

    def __init__(self, *endings: Ending) -> None:
        self.endings = list(endings)
        self.calls: list[float] = []
        self.ended: list[float] = []

    async def ask(self) -> object:
        ending = self.endings[len(self.calls)]
        self.calls.append(trio.current_time())
        try:
            return await ending()
        finally:
            self.ended.append(trio.current_time())


def answers(value: object, *, after: float) -> Ending:
    async def end() -> object:
        await trio.sleep(after)
        return value

    return end


def fails(error: BaseException, *, after: float = 0) -> Ending:
    async def end() -> object:
        await trio.sleep(after)
        raise error

    return end


async def swallows() -> object:
    with contextlib.suppress(trio.Cancelled):
        await trio.sleep(1_000)
    return "all the same"


def asking(
    service: Service,
    hedge: pe.Hedge | None,
    *,
    retry: pe.Retry = pe.NO_RETRY,
    timeout: float | None = None,
    group: pe.Group | None = None,
) -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("asking")
    name = "default" if group is None else process.group(group).name
    process.node(
        "ask",
        service.ask,
        idempotent=True,
        hedge=hedge,
        retry=retry,
        timeout=timeout,
        group=name,
    )
    return process.build()


async def outcome_of(definition: pe.ProcessDefinition) -> pe.Outcome:
    async with pe.open_runtime(seed=0) as runtime:
        handle = await runtime.spawn(definition)
        return await handle.result()


# Who wins


async def test_a_call_that_is_quick_stays_alone(autojump_clock: MockClock) -> None:
    service = Service(answers("first", after=1))
    outcome = await outcome_of(asking(service, pe.Hedge(2)))
    assert (outcome.memory["ask"], service.calls) == ("first", [0])


async def test_a_slow_call_is_overtaken_by_the_one_beside_it(autojump_clock: MockClock) -> None:
    service = Service(answers("first", after=60), answers("second", after=1))
    outcome = await outcome_of(asking(service, pe.Hedge(2)))
    assert (outcome.memory["ask"], outcome.duration) == ("second", 3)
    assert (service.calls, service.ended) == ([0, 2], [3, 3])


async def test_the_first_call_may_still_win(autojump_clock: MockClock) -> None:
    service = Service(answers("first", after=3), answers("second", after=60))
    outcome = await outcome_of(asking(service, pe.Hedge(2)))
    assert (outcome.memory["ask"], outcome.duration) == ("first", 3)


async def test_there_are_no_more_calls_than_allowed(autojump_clock: MockClock) -> None:
    service = Service(*[answers(n, after=60) for n in range(9)])
    outcome = await outcome_of(asking(service, pe.Hedge(1, most=4)))
    assert (outcome.memory["ask"], service.calls) == (0, [0, 1, 2, 3])


async def test_no_patience_at_all_starts_them_together(autojump_clock: MockClock) -> None:
    service = Service(*[answers(n, after=10 - n) for n in range(3)])
    outcome = await outcome_of(asking(service, pe.Hedge(0, most=3)))
    assert (service.calls, outcome.duration) == ([0, 0, 0], 8)


async def test_history_has_one_completion_however_many_calls_there_were(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "processengine")
    service = Service(answers("first", after=60), answers("second", after=1))
    outcome = await outcome_of(asking(service, pe.Hedge(2)))
    assert [type(record.message).__name__ for record in outcome.history] == ["Begin", "Completed"]
    [record] = [each for each in caplog.records if "beside each other" in each.message]
    assert record.message == "the attempt made 2 calls beside each other"
    assert (record.__dict__["node"], record.__dict__["attempt"]) == ("ask", 1)


async def test_losers_are_waited_for(autojump_clock: MockClock) -> None:
    async def tidies_up() -> None:
        try:
            await trio.sleep(60)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(2)

    service = Service(tidies_up, answers("second", after=1))
    outcome = await outcome_of(asking(service, pe.Hedge(1)))
    assert (outcome.memory["ask"], outcome.duration, service.ended) == ("second", 4, [2, 4])


async def test_what_losers_raise_is_forgotten(autojump_clock: MockClock) -> None:
    async def complains() -> None:
        try:
            await trio.sleep(60)
        finally:
            raise RuntimeError("not now")

    service = Service(complains, answers("second", after=1))
    outcome = await outcome_of(asking(service, pe.Hedge(1)))
    assert (outcome.state, outcome.memory["ask"]) == ("completed", "second")


async def test_every_item_of_an_each_node_is_hedged(autojump_clock: MockClock) -> None:
    calls: list[tuple[str, float]] = []

    async def ask(item: str) -> str:
        calls.append((item, trio.current_time()))
        await trio.sleep(60 if calls.count((item, 0)) == 1 and len(calls) <= 2 else 1)
        return item.upper()

    process = pe.ProcessBuilder("each")
    process.each("ask", ask, over=["a", "b"], idempotent=True, hedge=pe.Hedge(2))
    outcome = await outcome_of(process.build())
    assert (outcome.memory["ask"], outcome.duration) == (["A", "B"], 3)
    assert sorted(calls) == [("a", 0), ("a", 2), ("b", 0), ("b", 2)]


def test_threads_race_too() -> None:
    second_is_here = threading.Event()
    calls: list[str] = []

    def ask() -> str:
        calls.append(threading.current_thread().name)
        if len(calls) == 1:
            second_is_here.wait(20)
            return "first"
        second_is_here.set()
        return "second"

    process = pe.ProcessBuilder("threads")
    process.node("ask", ask, idempotent=True, hedge=pe.Hedge(0))
    outcome = trio.run(outcome_of, process.build())
    assert (outcome.state, len(calls)) == ("completed", 2)


CALLS = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=5)


def expected(calls: list[tuple[int, bool]], after: int) -> tuple[object, float]:
    """What comes of a race of such calls (how long they take, whether they return), and when."""
    ends: list[tuple[float, int]] = []
    for number, (seconds, _) in enumerate(calls):
        begin = number * after
        under_way = [end for end, _ in ends if end > begin]
        if number and (not under_way or any(calls[n][1] and end <= begin for end, n in ends)):
            break
        ends.append((begin + seconds + 0.01 * (number + 1), number))
    wins = sorted((end, number) for end, number in ends if calls[number][1])
    if wins:
        return wins[0][1], wins[0][0]
    return min(ends)[1], max(ends)[0]


@given(CALLS, st.integers(0, 4), st.integers(0, 99))
def test_a_race_goes_as_the_calls_in_it(
    calls: list[tuple[int, bool]], after: int, seed: int
) -> None:
    async def main() -> tuple[object, float]:
        begun = iter(range(len(calls)))

        async def call() -> object:
            number = next(begun)
            seconds, returns = calls[number]
            await trio.sleep(seconds + 0.01 * (number + 1))
            if not returns:
                raise LookupError(number)
            return number

        hedge = pe.Hedge(after, most=len(calls))
        try:
            result = await race(call, hedge, lambda: True)
        except LookupError as error:
            result = error.args[0]
        return result, trio.current_time()

    assert run_virtual(main, seed=seed) == pytest.approx(expected(calls, after))


# Failures


async def test_a_call_that_fails_alone_is_not_replaced(autojump_clock: MockClock) -> None:
    service = Service(fails(ValueError("down"), after=1))
    outcome = await outcome_of(asking(service, pe.Hedge(2)))
    assert (outcome.state, outcome.duration, service.calls) == ("failed", 1, [0])


async def test_a_failure_waits_for_the_calls_beside_it(autojump_clock: MockClock) -> None:
    service = Service(fails(ValueError("down"), after=3), answers("second", after=5))
    outcome = await outcome_of(asking(service, pe.Hedge(2)))
    assert (outcome.memory["ask"], outcome.duration) == ("second", 7)


async def test_if_all_fail_the_first_error_is_raised_with_notes_of_the_others(
    autojump_clock: MockClock,
) -> None:
    first, second = LookupError("one"), ValueError("two")
    service = Service(fails(second, after=9), fails(first, after=1))
    outcome = await outcome_of(asking(service, pe.Hedge(2)))
    assert outcome.error is not None
    assert (outcome.error.exception, outcome.error.message) == ("LookupError", "one")
    assert outcome.duration == 9
    assert first.__notes__ == ["a call beside it failed too: ValueError: two"]


@pytest.mark.parametrize("error", [ValueError("down"), SystemExit(3), OSError(5, "none")], ids=repr)
async def test_a_failure_looks_as_it_would_without_a_hedge(
    autojump_clock: MockClock, error: BaseException
) -> None:
    plain = (await outcome_of(asking(Service(fails(copy.copy(error))), None))).error
    hedged = (await outcome_of(asking(Service(fails(copy.copy(error))), pe.Hedge(1)))).error
    assert plain is not None
    assert hedged is not None
    assert (hedged.exception, hedged.message) == (plain.exception, plain.message)
    assert [name for _, _, name in hedged.frames] == [name for _, _, name in plain.frames]


async def test_an_attempt_of_which_all_calls_fail_is_retried_once(
    autojump_clock: MockClock,
) -> None:
    down = fails(ValueError("down"), after=2)
    service = Service(down, down, answers("up", after=0))
    retry = pe.Retry(attempts=2, initial=10, jitter="none")
    outcome = await outcome_of(asking(service, pe.Hedge(1), retry=retry))
    assert (outcome.memory["ask"], service.calls) == ("up", [0, 1, 13])


# From outside


async def test_a_timeout_cancels_all_calls(autojump_clock: MockClock) -> None:
    service = Service(*[answers(n, after=60) for n in range(3)])
    outcome = await outcome_of(asking(service, pe.Hedge(1, most=3), timeout=10))
    assert outcome.error is not None
    assert (outcome.error.exception, service.ended) == ("TimedOut", [10, 10, 10])


async def test_a_cancel_cancels_all_calls_also_before_the_second_one(
    autojump_clock: MockClock,
) -> None:
    for seconds, count in ((0.5, 1), (1.5, 2)):
        service = Service(answers(1, after=60), answers(2, after=60))
        async with pe.open_runtime() as runtime:
            handle = await runtime.spawn(asking(service, pe.Hedge(1)))
            await trio.sleep(seconds)
            await handle.cancel()
            assert (await handle.result()).state == "cancelled"
        assert (len(service.calls), len(service.ended)) == (count, count)


async def test_an_interrupted_attempt_races_again_on_resume(autojump_clock: MockClock) -> None:
    slow, quick = answers("slow", after=60), answers("quick", after=1)
    service = Service(slow, slow, slow, quick)
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(asking(service, pe.Hedge(2)))
        await trio.sleep(5)
        await handle.pause("interrupt")
        assert service.ended == [5, 5]
        await handle.resume()
        assert (await handle.result()).memory["ask"] == "quick"
    assert service.calls == [0, 2, 5, 7]


async def test_a_call_that_returns_when_cancelled_counts_as_it_would_without_a_hedge(
    autojump_clock: MockClock,
) -> None:
    memories: list[object] = []
    for hedge in (None, pe.Hedge(1)):
        async with pe.open_runtime() as runtime:
            handle = await runtime.spawn(asking(Service(swallows, swallows), hedge))
            await trio.sleep(2)
            await handle.cancel()
            memories.append(dict((await handle.result()).memory))
    assert memories == [{"ask": "all the same"}] * 2


# The group


async def test_a_breaker_counts_an_attempt_once_by_its_outcome(autojump_clock: MockClock) -> None:
    group = pe.Group("remote", breaker=pe.BreakerPolicy(consecutive_failures=2))
    late = fails(ValueError("down"), after=2)
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(asking(Service(late, late), pe.Hedge(1), group=group))
        assert (await handle.result()).state == "failed"
        assert runtime.group("remote").status().breaker == "closed"
        won = Service(answers(1, after=60), answers(2, after=1))
        handle = await runtime.spawn(asking(won, pe.Hedge(1), group=group))
        await handle.result()
        once = Service(fails(ValueError("down")))
        handle = await runtime.spawn(asking(once, pe.Hedge(1), group=group))
        await handle.result()
        assert runtime.group("remote").status().breaker == "closed"


async def test_no_call_is_made_beside_another_while_the_breaker_is_not_closed(
    autojump_clock: MockClock,
) -> None:
    group = pe.Group("remote", breaker=pe.BreakerPolicy())
    service = Service(answers(1, after=60), answers(2, after=60))
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(asking(service, pe.Hedge(5, most=3), group=group))
        await trio.sleep(1)
        remote = runtime.group("remote", "asking")
        remote.isolate()
        await trio.sleep(7)
        assert service.calls == [0]
        remote.reset()
        await handle.result()
    assert service.calls == [0, 10]


async def test_a_used_up_retry_budget_ends_hedging(autojump_clock: MockClock) -> None:
    group = pe.Group("remote", budget=pe.BudgetPolicy(tokens=2))
    service = Service(fails(ValueError("down")), answers(1, after=60))
    async with pe.open_runtime() as runtime:
        for _ in range(2):
            handle = await runtime.spawn(asking(service, pe.Hedge(1), group=group))
            await handle.result()
    assert service.calls == [0, 0]


async def test_calls_beside_each_other_count_for_the_rate(autojump_clock: MockClock) -> None:
    rate = pe.RatePolicy(calls=2, seconds=100)
    service = Service(*[answers(n, after=60) for n in range(5)])
    group = pe.Group("remote", rate=rate)
    await outcome_of(asking(service, pe.Hedge(1, most=5), group=group))
    assert service.calls == [0, 1]
