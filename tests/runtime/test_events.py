"""What a watcher is told, in virtual time."""

import trio
from trio.testing import MockClock

import processengine as pe

Told = tuple[float, str, str, str]


async def second() -> None:
    await trio.sleep(1)


async def fail(item: int) -> None:
    await trio.sleep(item)
    raise ValueError(f"item {item}")


async def events_of(builder: pe.ProcessBuilder, *signals: tuple[float, str]) -> list[Told]:
    """Run a process, sending signals at their times; (time, kind, node, detail) of its events."""
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(builder.build(), id="e")
        watch = handle.watch()
        for at, name in signals:
            await trio.sleep_until(trio.current_time() + at)
            await handle.signal(name)
        await handle.result()
        return [
            (round(event.at, 6), event.kind, event.node, event.detail)
            async for event in watch
            if isinstance(event, pe.NodeEvent) and event.item is None
        ]


async def test_a_delay_completes_when_it_is_over(autojump_clock: MockClock) -> None:
    builder = pe.ProcessBuilder("p")
    builder.delay("nap", 5)
    assert await events_of(builder) == [
        (0, "started", "nap", ""), (0, "delayed", "nap", ""), (5, "completed", "nap", "out"),
    ]  # fmt: skip


async def test_a_wait_completes_with_its_signal(autojump_clock: MockClock) -> None:
    builder = pe.ProcessBuilder("p")
    builder.wait("approve", "approval")
    assert (await events_of(builder, (3, "approval")))[-2:] == [
        (0, "waiting", "approve", ""), (3, "completed", "approve", "out"),
    ]  # fmt: skip


async def test_a_wait_whose_signal_has_come_already_does_not_wait(
    autojump_clock: MockClock,
) -> None:
    builder = pe.ProcessBuilder("p")
    builder.node(second).then(builder.wait("approve", "approval"))
    told = await events_of(builder, (0.5, "approval"))
    assert [kind for _, kind, node, _ in told if node == "approve"] == ["started", "completed"]


async def test_a_wait_that_was_in_vain_leaves_by_timeout_or_fails(
    autojump_clock: MockClock,
) -> None:
    builder = pe.ProcessBuilder("p")
    builder.wait("one", within=2).on("timeout").then(builder.wait("other", within=2))
    told = await events_of(builder)
    assert (2, "completed", "one", "timeout") in told
    assert told[-1] == (4, "failed", "other", "the signal did not come in time")


async def test_an_each_node_expands_and_completes_after_its_items(
    autojump_clock: MockClock,
) -> None:
    builder = pe.ProcessBuilder("p")
    builder.each("naps", second, over=lambda: [1, 2], concurrency=1)
    assert await events_of(builder) == [
        (0, "started", "naps", ""), (0, "expanded", "naps", ""), (2, "completed", "naps", "out"),
    ]  # fmt: skip


async def test_an_each_node_without_items_completes_at_once(autojump_clock: MockClock) -> None:
    builder = pe.ProcessBuilder("p")
    builder.each("naps", second, over=list)
    assert [kind for _, kind, _, _ in await events_of(builder)] == ["started", "completed"]


async def test_an_each_node_fails_with_its_first_item(autojump_clock: MockClock) -> None:
    builder = pe.ProcessBuilder("p")
    builder.each("items", fail, over=lambda: [3, 9], retry=pe.NO_RETRY)
    assert (await events_of(builder))[-1][:3] == (3, "failed", "items")


async def test_a_process_node_names_the_execution_it_calls(autojump_clock: MockClock) -> None:
    called = pe.ProcessBuilder("called")
    called.node(second)
    builder = pe.ProcessBuilder("p")
    builder.process("child", called.build())
    told = await events_of(builder)
    assert told[1][:3] == (0, "calling", "child")
    assert told[1][3].startswith("e/child")
    assert told[-1] == (1, "completed", "child", "completed")


async def test_an_attempt_that_takes_too_long_is_retried_and_then_fails(
    autojump_clock: MockClock,
) -> None:
    builder = pe.ProcessBuilder("p")
    builder.node(second, timeout=0.5, retry=pe.Retry(attempts=2, initial=1, jitter="none"))
    assert await events_of(builder) == [
        (0, "started", "second", ""),
        (0.5, "retrying", "second", "the attempt took too long"),
        (1.5, "started", "second", ""),
        (2, "failed", "second", "the attempt took too long"),
    ]


async def test_an_attempt_that_a_pause_interrupts_starts_again(autojump_clock: MockClock) -> None:
    builder = pe.ProcessBuilder("p")
    builder.node(second)
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(builder.build())
        watch = handle.watch()
        await trio.sleep(0.5)
        await handle.pause("interrupt")
        await handle.resume()
        kinds = [event.kind async for event in watch if isinstance(event, pe.NodeEvent)]
    assert kinds == ["started", "interrupted", "started", "completed"]


async def test_a_node_that_runs_and_is_skipped_says_so(autojump_clock: MockClock) -> None:
    builder = pe.ProcessBuilder("p")
    builder.node(second)
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(builder.build())
        watch = handle.watch()
        await trio.sleep(0.5)
        await handle.skip("second")
        kinds = [event.kind async for event in watch if isinstance(event, pe.NodeEvent)]
    assert kinds == ["started", "skipped"]


async def test_a_node_that_waits_and_is_skipped_says_so(autojump_clock: MockClock) -> None:
    builder = pe.ProcessBuilder("p")
    builder.delay("nap", 100)
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(builder.build())
        watch = handle.watch()
        await trio.sleep(1)
        await handle.skip("nap")
        kinds = [event.kind async for event in watch if isinstance(event, pe.NodeEvent)]
    assert kinds == ["started", "delayed", "skipped"]
