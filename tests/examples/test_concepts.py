"""What docs/concepts.md says about definitions: joins, ports, failures, the kinds of nodes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import trio
from trio.testing import MockClock

import processengine as pe


async def one() -> str:
    await trio.sleep(1)
    return "one"


async def two() -> str:
    await trio.sleep(2)
    return "two"


async def three() -> str:
    await trio.sleep(3)
    return "three"


class Log:
    """A node function that notes when it starts."""

    def __init__(self) -> None:
        self.times: list[float] = []

    async def __call__(self) -> None:
        self.times.append(trio.current_time())


async def run(process: pe.ProcessBuilder, inputs: Mapping[str, object] | None = None) -> pe.Outcome:
    async with pe.open_runtime() as runtime:
        return await (await runtime.spawn(process.build(), inputs)).result()


# Joins


async def times_of_join(join: str | int, rest: str = "absorb") -> tuple[list[float], pe.Outcome]:
    """When a join of three branches fires, which take 1, 2 and 3 seconds."""
    log = Log()
    process = pe.ProcessBuilder("join")
    joined = process.node("joined", log, join=join, rest=rest)
    for branch in one, two, three:
        process.node(branch).then(joined)
    return log.times, await run(process)


@pytest.mark.parametrize(
    ("join", "times"), [("all", [3]), ("any", [1]), (2, [2]), ("each", [1, 2, 3])]
)
async def test_a_join_fires_on_what_it_asks_for(
    join: str | int, times: list[float], autojump_clock: MockClock
) -> None:
    fired, outcome = await times_of_join(join)
    assert (fired, outcome.duration) == (times, 3)


async def test_a_count_can_cancel_the_rest(autojump_clock: MockClock) -> None:
    fired, outcome = await times_of_join("any", rest="cancel")
    assert (fired, outcome.duration) == ([1], 1)
    assert "three" not in outcome.memory


async def test_a_branch_that_was_not_taken_is_not_waited_for(autojump_clock: MockClock) -> None:
    log = Log()
    process = pe.ProcessBuilder("join")
    joined = process.node("joined", log)
    choice = process.switch("choice", {"never": lambda: False}, default="other")
    choice.on("never").then(process.node(three)).then(joined)
    process.node(one).then(joined)
    assert (await run(process)).state == "completed"
    assert log.times == [1]


async def test_a_count_out_of_reach_fails_and_names_the_join(autojump_clock: MockClock) -> None:
    process = pe.ProcessBuilder("join")
    joined = process.node("joined", Log(), join=2)
    choice = process.switch("choice", {"never": lambda: False}, default="other")
    choice.on("never").then(process.node(three)).then(joined)
    process.node(one).then(joined)
    outcome = await run(process)
    assert outcome.state == "failed"
    assert outcome.reason is not None
    assert "join 'joined' needs 2 tokens, got 1" in outcome.reason
    assert "'three'" in outcome.reason or "three" in outcome.reason


async def test_of_joins_that_wait_for_each_other_the_one_with_the_first_token_fires(
    autojump_clock: MockClock,
) -> None:
    order: list[str] = []

    async def left() -> pe.Out:
        order.append("left")
        return pe.Out("on" if order.count("left") == 1 else "away")

    async def right() -> None:
        order.append("right")

    process = pe.ProcessBuilder("knot")
    lefts, rights = process.node(left, ports=["on", "away"]), process.node(right)
    process.node(two).then(lefts)
    process.node(one).then(rights).then(lefts)
    lefts.on("on").then(rights)
    outcome = (await run(process)).completed()
    assert (order, outcome.duration) == (["right", "left", "right", "left"], 2)


# Ports, failures, ends


async def test_a_function_may_choose_its_port(autojump_clock: MockClock) -> None:
    async def judge() -> pe.Out:
        return pe.Out("guilty", 10)

    process = pe.ProcessBuilder("court")
    judged = process.node(judge, ports=["guilty"])
    judged.then(process.node("free", one))
    judged.on("guilty").then(process.node("prison", two))
    assert (await run(process)).memory == {"judge": 10, "prison": "two"}


async def test_a_port_that_leads_nowhere_lets_the_token_vanish(
    autojump_clock: MockClock,
) -> None:
    process = pe.ProcessBuilder("nowhere")
    process.switch("choice", {"never": lambda: False}, default="nowhere")
    assert (await run(process)).state == "completed"


async def broken() -> None:
    await trio.sleep(1)
    raise ValueError("broken")


async def test_without_an_error_port_a_failure_ends_everything(
    autojump_clock: MockClock,
) -> None:
    process = pe.ProcessBuilder("failure")
    process.node(broken, retry=pe.NO_RETRY)
    process.node(three)
    outcome = await run(process)
    assert (outcome.state, outcome.duration) == ("failed", 1)
    assert outcome.reason == "ValueError: broken (node 'broken', attempt 1)"
    assert outcome.memory == {"broken": outcome.error}


async def test_only_the_node_behind_the_error_port_gets_the_error(
    autojump_clock: MockClock,
) -> None:
    async def first(error: pe.ErrorContext | None = None) -> str:
        return "nothing" if error is None else error.message

    process = pe.ProcessBuilder("failure")
    failing = process.node(broken, retry=pe.NO_RETRY)
    failing.on("error").then(process.node("at_once", first)).then(process.node("later", first))
    memory = (await run(process)).memory
    assert (memory["at_once"], memory["later"]) == ("broken", "nothing")
    assert memory["broken"].exception == "ValueError"


async def test_an_attempt_that_takes_too_long_counts_as_a_failure(
    autojump_clock: MockClock,
) -> None:
    process = pe.ProcessBuilder("timeout")
    process.node(three, timeout=1, retry=pe.Retry(attempts=2, initial=1, jitter="none"))
    outcome = await run(process)
    assert (outcome.state, outcome.duration) == ("failed", 3)
    assert outcome.error is not None
    assert (outcome.error.exception, outcome.error.attempt) == ("TimedOut", 2)


async def test_an_end_may_end_everything(autojump_clock: MockClock) -> None:
    process = pe.ProcessBuilder("end")
    process.node(one).then(process.end("enough", terminate=True))
    process.node(three)
    outcome = await run(process)
    assert (outcome.state, outcome.duration, outcome.memory) == ("completed", 1, {"one": "one"})


# Kinds


async def test_every_item_is_an_attempt_of_its_own(autojump_clock: MockClock) -> None:
    async def halve(item: int, context: pe.NodeContext) -> float:
        if context.attempt < item:
            raise ConnectionError
        return item / 2

    process = pe.ProcessBuilder("each")
    process.each("halves", halve, over="items", retry=pe.Retry(attempts=3, initial=0))
    assert (await run(process, {"items": [3, 1, 2]})).memory["halves"] == [1.5, 0.5, 1.0]


async def test_the_first_item_that_fails_stops_the_others(autojump_clock: MockClock) -> None:
    async def wait(item: int) -> None:
        await trio.sleep(item)
        if item == 1:
            raise ValueError(item)

    process = pe.ProcessBuilder("each")
    process.each("all", wait, over="items", retry=pe.NO_RETRY)
    outcome = await run(process, {"items": [5, 1, 9]})
    assert (outcome.state, outcome.duration) == ("failed", 1)
    assert outcome.error is not None
    assert outcome.error.item == 1


async def test_a_child_gives_its_memory_and_gets_only_its_inputs(
    autojump_clock: MockClock,
) -> None:
    async def double(number: int) -> int:
        return 2 * number

    def of_parent(seven: int) -> int:
        return seven

    child = pe.ProcessBuilder("child")
    child.node(double)
    parent = pe.ProcessBuilder("parent")
    parent.process("child", child.build(), inputs={"number": of_parent})
    outcome = await run(parent, {"seven": 7, "secret": "x"})
    assert outcome.memory["child"] == {"number": 7, "double": 14}


async def test_a_child_is_paused_and_cancelled_with_its_parent(
    autojump_clock: MockClock,
) -> None:
    child = pe.ProcessBuilder("child")
    child.node(one).then(child.node(two))
    parent = pe.ProcessBuilder("parent")
    parent.process("child", child.build())
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(parent.build(), id="p")
        await trio.sleep(0.5)
        assert await handle.pause() == "paused"
        (of_child,) = runtime.list(definition="child")
        assert of_child.status().state == "paused"
        await handle.cancel()
        assert of_child.status().state == "cancelled"


async def test_a_delay_and_a_wait_take_no_place(autojump_clock: MockClock) -> None:
    process = pe.ProcessBuilder("delay")
    process.delay("delay", 1000)
    async with pe.open_runtime(max_concurrent_executions=1) as runtime:
        handles = [await runtime.spawn(process.build()) for _ in range(10)]
        await trio.sleep(1)
        assert {handle.status().state for handle in handles} == {"waiting"}
