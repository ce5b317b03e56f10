"""Child executions: how a parent controls them, and what becomes of their ends."""

from __future__ import annotations

from functools import partial

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

import processengine as pe

CHILD = "parent/child.1"


class Diary:
    """Node functions that write down when they begin and how they end."""

    def __init__(self) -> None:
        self.lines: list[tuple[float, str]] = []

    def note(self, what: str) -> None:
        self.lines.append((round(trio.current_time(), 6), what))

    async def sleep(self, context: pe.NodeContext, seconds: float = 1.0) -> str:
        who = f"{context.definition.split()[0]} {context.node}"
        self.note(f"{who} begins")
        try:
            await trio.sleep(seconds)
        except trio.Cancelled:
            self.note(f"{who} is cancelled")
            raise
        self.note(f"{who} ends")
        return who


def two_steps(diary: Diary) -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("child")
    process.node("first", diary.sleep).then(process.node("second", diary.sleep))
    return process.build()


def parent_of(child: pe.ProcessDefinition) -> pe.ProcessDefinition:
    """A process of one node that runs the child, named `child`."""
    process = pe.ProcessBuilder("parent")
    process.process("child", child, retry=pe.NO_RETRY)
    return process.build()


def failing() -> pe.ProcessDefinition:
    async def fail() -> None:
        raise ValueError("broken")

    process = pe.ProcessBuilder("failing")
    process.node(fail, retry=pe.NO_RETRY)
    return process.build()


def waiting() -> pe.ProcessDefinition:
    process = pe.ProcessBuilder("waiting")
    process.wait("answer")
    return process.build()


def one_more(a: int) -> int:
    return a + 1


async def spawn(runtime: pe.Runtime, process: pe.ProcessDefinition) -> pe.ActorHandle:
    return await runtime.spawn(process, id="parent")


async def settle() -> None:
    """Let everything happen that needs no time."""
    await wait_all_tasks_blocked()


# Results


async def test_the_memory_of_a_child_is_the_result_of_its_node(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        outcome = await (await spawn(runtime, parent_of(two_steps(Diary())))).result()
        child = await runtime.get(CHILD).result()
    assert outcome.memory == {"child": {"first": "child first", "second": "child second"}}
    assert outcome.memory["child"] == child.memory
    assert child.ended_at == outcome.ended_at == 2


async def test_a_child_gets_what_it_is_given_and_nothing_else(autojump_clock: MockClock) -> None:
    process = pe.ProcessBuilder("parent")
    process.process("child", waiting(), inputs={"number": one_more})
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(process.build(), {"a": 1, "b": 2}, id="parent")
        await settle()
        assert await runtime.get(CHILD).query() == {"number": 2}
        await runtime.get(CHILD).signal("answer", 42)
        assert (await handle.result()).memory["child"] == {"number": 2, "answer": 42}


async def test_a_parent_waits_for_its_child_without_being_busy(autojump_clock: MockClock) -> None:
    async with pe.open_runtime(max_concurrent_executions=1) as runtime:
        handle = await spawn(runtime, parent_of(waiting()))
        await settle()
        assert [(node.node, node.phase) for node in handle.status().nodes] == [("child", "calling")]
        assert (await (await runtime.spawn(two_steps(Diary()))).result()).duration == 2
        await handle.cancel()


async def test_children_of_children_come_to_their_end(autojump_clock: MockClock) -> None:
    definition = two_steps(Diary())
    for _ in range(20):
        definition = parent_of(definition)
    async with pe.open_runtime(max_concurrent_executions=1) as runtime:
        outcome = await (await spawn(runtime, definition)).result()
        assert len(runtime.list()) == 21
    assert (outcome.state, outcome.duration) == ("completed", 2)


async def test_a_child_that_was_called_twice_has_two_names(autojump_clock: MockClock) -> None:
    process = pe.ProcessBuilder("parent")
    one, two = (process.process(name, two_steps(Diary())) for name in ("one", "two"))
    one.then(two)
    async with pe.open_runtime() as runtime:
        await (await spawn(runtime, process.build())).result()
        ids = [handle.id for handle in runtime.list(definition="child")]
    assert ids == ["parent/one.1", "parent/two.2"]


# Failures


async def test_a_failed_child_fails_its_node(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        outcome = await (await spawn(runtime, parent_of(failing()))).result()
    assert outcome.state == "failed"
    assert outcome.error is not None
    assert (outcome.error.node, outcome.error.exception) == ("child", "ChildFailed")
    assert "broken" in outcome.error.message


async def test_the_failure_of_a_child_goes_to_the_error_port(autojump_clock: MockClock) -> None:
    async def repair(error: pe.ErrorContext) -> str:
        return error.exception

    process = pe.ProcessBuilder("parent")
    child = process.process("child", failing(), retry=pe.NO_RETRY)
    child.on("error").then(process.node(repair))
    async with pe.open_runtime() as runtime:
        outcome = await (await spawn(runtime, process.build())).result()
    assert (outcome.state, outcome.memory["repair"]) == ("completed", "ChildFailed")


async def test_a_node_whose_child_failed_tries_again_with_another_child(
    autojump_clock: MockClock,
) -> None:
    process = pe.ProcessBuilder("parent")
    process.process("child", failing(), retry=pe.Retry(attempts=3, initial=1, jitter="none"))
    async with pe.open_runtime() as runtime:
        outcome = await (await spawn(runtime, process.build())).result()
        ids = [handle.id for handle in runtime.list(definition="failing")]
    assert outcome.state == "failed"
    assert ids == [CHILD, f"{CHILD}.2", f"{CHILD}.3"]


async def test_a_child_that_somebody_else_cancels_fails_its_node_for_good(
    autojump_clock: MockClock,
) -> None:
    process = pe.ProcessBuilder("parent")
    process.process("child", waiting(), retry=pe.Retry(attempts=3, initial=1))
    async with pe.open_runtime() as runtime:
        handle = await spawn(runtime, process.build())
        await settle()
        await runtime.get(CHILD).cancel("not wanted")
        outcome = await handle.result()
    assert (outcome.state, outcome.duration) == ("failed", 0)
    assert outcome.reason is not None
    assert "cancelled: not wanted" in outcome.reason


async def test_a_child_that_is_out_of_time_fails_its_node(autojump_clock: MockClock) -> None:
    builder = pe.ProcessBuilder("short", timeout=3)
    builder.wait("answer")
    async with pe.open_runtime() as runtime:
        outcome = await (await spawn(runtime, parent_of(builder.build()))).result()
    assert (outcome.state, outcome.duration) == ("failed", 3)
    assert outcome.reason is not None
    assert "timed_out" in outcome.reason


async def test_an_id_that_is_taken_fails_the_node_instead_of_the_engine(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        squatter = await runtime.spawn(waiting(), id=CHILD)
        outcome = await (await spawn(runtime, parent_of(two_steps(Diary())))).result()
        assert squatter.status().state == "waiting"
        await squatter.cancel()
    assert outcome.state == "failed"
    assert outcome.reason is not None
    assert "exists already" in outcome.reason


# Pause and resume


async def test_a_pause_of_the_parent_is_complete_when_its_child_is_paused(
    autojump_clock: MockClock,
) -> None:
    diary = Diary()
    async with pe.open_runtime() as runtime:
        handle = await spawn(runtime, parent_of(two_steps(diary)))
        await trio.sleep(0.25)
        assert await handle.pause() == "paused"
        assert trio.current_time() == 1
        child = runtime.get(CHILD)
        assert child.status().state == "paused"
        await trio.sleep(10)
        assert diary.lines == [(0, "child first begins"), (1, "child first ends")]
        await handle.resume()
        assert (await handle.result()).state == "completed"
    assert diary.lines[2:] == [(11, "child second begins"), (12, "child second ends")]


async def test_an_interrupting_pause_interrupts_the_attempts_of_the_child(
    autojump_clock: MockClock,
) -> None:
    diary = Diary()
    async with pe.open_runtime() as runtime:
        handle = await spawn(runtime, parent_of(two_steps(diary)))
        await trio.sleep(0.25)
        await handle.pause("interrupt")
        assert trio.current_time() == 0.25
        await handle.resume()
        assert (await handle.result()).duration == 2.25
    assert diary.lines[:3] == [
        (0, "child first begins"), (0.25, "child first is cancelled"), (0.25, "child first begins"),
    ]  # fmt: skip


async def test_a_pause_reaches_the_children_of_children(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await spawn(runtime, parent_of(parent_of(two_steps(Diary()))))
        await trio.sleep(0.25)
        await handle.pause()
        assert trio.current_time() == 1
        assert {each.status().state for each in runtime.list()} == {"paused"}
        await handle.resume()
        assert (await handle.result()).duration == 2


async def test_a_child_that_ends_while_its_parent_is_paused_is_taken_up_on_resume(
    autojump_clock: MockClock,
) -> None:
    diary = Diary()
    process = pe.ProcessBuilder("parent")
    process.process("child", waiting()).then(process.node("after", diary.sleep))
    async with pe.open_runtime() as runtime:
        handle = await spawn(runtime, process.build())
        await settle()
        await handle.pause()
        child = runtime.get(CHILD)
        await child.resume()
        await child.signal("answer")
        assert (await child.result()).state == "completed"
        await trio.sleep(10)
        assert (handle.status().state, diary.lines) == ("paused", [])
        await handle.resume()
        assert (await handle.result()).duration == 11


async def test_a_child_that_is_paused_by_itself_leaves_its_parent_running(
    autojump_clock: MockClock,
) -> None:
    diary = Diary()
    process = pe.ProcessBuilder("parent")
    process.process("child", two_steps(diary))
    process.node("beside", diary.sleep, inputs={"seconds": 5.0})
    async with pe.open_runtime() as runtime:
        handle = await spawn(runtime, process.build())
        await settle()
        child = runtime.get(CHILD)
        await child.pause()
        await trio.sleep(1)
        assert handle.status().state == "running"
        await trio.sleep(10)
        await child.resume()
        outcome = await handle.result()
    assert outcome.duration == 13
    assert (5, "parent beside ends") in diary.lines


# Cancel


async def test_a_child_ends_before_its_parent(autojump_clock: MockClock) -> None:
    async def careful() -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(2)

    process = pe.ProcessBuilder("careful")
    process.node(careful)
    async with pe.open_runtime() as runtime:
        handle = await spawn(runtime, parent_of(process.build()))
        await trio.sleep(1)
        ended: list[str] = []
        cancelled = handle.cancel("enough")
        results = {"parent": handle.result(), "child": runtime.get(CHILD).result()}
        for name, result in results.items():
            result.when_done(partial(ended.append, name))
        assert await cancelled == "cancelled"
        assert ended == ["child", "parent"]
        child, parent = await results["child"], await results["parent"]
    assert (parent.state, parent.reason, parent.duration) == ("cancelled", "enough", 3)
    assert (child.state, child.ended_at) == ("cancelled", 3)


async def test_a_cancel_reaches_the_children_of_children(autojump_clock: MockClock) -> None:
    diary = Diary()
    async with pe.open_runtime() as runtime:
        handle = await spawn(runtime, parent_of(parent_of(two_steps(diary))))
        await trio.sleep(0.25)
        await handle.cancel()
        assert {each.status().state for each in runtime.list()} == {"cancelled"}
    assert diary.lines[-1] == (0.25, "child first is cancelled")


async def test_a_cancel_during_a_pause_ends_the_child_too(autojump_clock: MockClock) -> None:
    async with pe.open_runtime() as runtime:
        handle = await spawn(runtime, parent_of(two_steps(Diary())))
        await handle.pause("interrupt")
        await handle.cancel()
        assert {each.status().state for each in runtime.list()} == {"cancelled"}


async def test_a_child_that_does_not_end_in_time_does_not_hold_its_parent_for_ever(
    autojump_clock: MockClock,
) -> None:
    async def stubborn() -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(100)

    process = pe.ProcessBuilder("stubborn")
    process.node(stubborn)
    async with pe.open_runtime(cancel_grace=3) as runtime:
        handle = await spawn(runtime, parent_of(process.build()))
        await trio.sleep(1)
        await handle.cancel()
        assert trio.current_time() == 4
        assert {each.status().state for each in runtime.list()} == {"cancelled"}


async def test_the_failure_of_a_parent_ends_its_child(autojump_clock: MockClock) -> None:
    diary = Diary()

    async def fail() -> None:
        await trio.sleep(0.25)
        raise ValueError

    process = pe.ProcessBuilder("parent")
    process.process("child", two_steps(diary))
    process.node(fail, retry=pe.NO_RETRY)
    async with pe.open_runtime() as runtime:
        outcome = await (await spawn(runtime, process.build())).result()
        assert runtime.get(CHILD).status().state == "cancelled"
    assert (outcome.state, outcome.duration) == ("failed", 0.25)


# Skip


async def test_a_skip_of_a_process_node_cancels_the_child_and_goes_on(
    autojump_clock: MockClock,
) -> None:
    diary = Diary()
    process = pe.ProcessBuilder("parent")
    process.process("child", two_steps(diary)).then(process.node("after", diary.sleep))
    async with pe.open_runtime() as runtime:
        handle = await spawn(runtime, process.build())
        await trio.sleep(0.25)
        await handle.skip("child")
        outcome = await handle.result()
        child = await runtime.get(CHILD).result()
    assert (outcome.state, outcome.duration) == ("completed", 1.25)
    assert outcome.memory == {"after": "parent after"}
    assert (child.state, child.reason) == ("cancelled", "its node was skipped")


async def test_a_retry_of_a_process_node_is_refused_as_its_child_can_be_told_itself(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await spawn(runtime, parent_of(waiting()))
        await settle()
        with pytest.raises(pe.NotAtNode):
            await handle.retry("child")
        await handle.cancel()
