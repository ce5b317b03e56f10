"""Calls that cannot work: each is refused with one clear error, and nothing is done."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import trio.testing

import processengine as pe


async def work() -> int:
    return 1


def idle() -> pe.ProcessDefinition:
    """A process that waits for a signal."""
    builder = pe.ProcessBuilder("idle")
    builder.wait("go")
    return builder.build()


Call = Callable[[pe.Runtime, pe.ActorHandle], Any]

SPAWNS: list[tuple[Any, Any, Any, str]] = [
    (
        pe.ProcessBuilder("b"),
        None,
        None,
        "spawn: definition: expected a ProcessDefinition (of a builder: its `build()`), got <",
    ),
    (7, None, None, "spawn: definition: expected a ProcessDefinition"),
    (None, [1], None, "spawn: inputs: expected a mapping of names to values, got [1]"),
    (None, {1: 2}, None, "spawn: inputs: expected names that are text, got 1"),
    (None, {"": 2}, None, "spawn: inputs: expected names that are text, got ''"),
    (None, {}, "", "spawn: id: expected text that is not empty, got ''"),
    (None, {}, 7, "spawn: id: expected text that is not empty, got 7"),
]


@pytest.mark.parametrize(("definition", "inputs", "id", "message"), SPAWNS)
async def test_a_bad_spawn_is_refused_and_begins_nothing(
    definition: Any, inputs: Any, id: Any, message: str
) -> None:
    async with pe.open_runtime() as runtime:
        with pytest.raises(pe.BadArgument) as caught:
            await runtime.spawn(idle() if definition is None else definition, inputs, id=id)
        assert str(caught.value).startswith(message)
        assert runtime.list() == []


CALLS: list[tuple[Call, str]] = [
    (
        lambda _, handle: handle.pause("fast"),  # type: ignore[arg-type]
        "pause: mode: expected 'drain' or 'interrupt', got 'fast'",
    ),
    (
        lambda _, handle: handle.pause(timeouts="stop"),  # type: ignore[arg-type]
        "pause: timeouts: expected 'hold' or 'run', got 'stop'",
    ),
    (
        lambda _, handle: handle.cancel(""),
        "cancel: reason: expected text that is not empty, got ''",
    ),
    (
        lambda _, handle: handle.cancel(None),  # type: ignore[arg-type]
        "cancel: reason: expected text that is not empty, got None",
    ),
    (
        lambda _, handle: handle.signal(3),  # type: ignore[arg-type]
        "signal: name: expected text that is not empty, got 3",
    ),
    (
        lambda _, handle: handle.query("a", ""),
        "query: names: expected text that is not empty, got ''",
    ),
    (
        lambda _, handle: handle.retry(""),
        "retry: node: expected text that is not empty, got ''",
    ),
    (
        lambda _, handle: handle.skip(""),
        "skip: node: expected text that is not empty, got ''",
    ),
    (
        lambda _, handle: handle.watch(0),
        "watch: capacity: expected a whole number from 1, got 0",
    ),
]


@pytest.mark.parametrize(("call", "message"), CALLS, ids=[message for _, message in CALLS])
async def test_a_bad_control_call_is_refused_and_sends_nothing(call: Call, message: str) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(idle())
        with pytest.raises(pe.BadArgument) as caught:
            call(runtime, handle)
        assert str(caught.value) == message
        assert handle.status().state in ("running", "waiting")


async def test_what_is_asked_of_a_node_without_control_is_refused_with_where_control_is() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(idle())
        with pytest.raises(pe.NotAtNode, match="cannot retry node 'nowhere'; control is at go"):
            await handle.retry("nowhere")
        with pytest.raises(pe.NotAtNode, match="cannot skip node 'nowhere'; control is at go"):
            await handle.skip("nowhere")


async def test_a_query_for_a_variable_that_is_not_there_names_those_that_are() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(idle(), {"a": 1, "b": 2})
        with pytest.raises(
            pe.NoSuchVariable, match="there is no variable 'c'; the memory has a, b"
        ):
            await handle.query("a", "c")


async def test_an_unknown_execution_is_named() -> None:
    async with pe.open_runtime() as runtime:
        with pytest.raises(pe.UnknownExecution, match="there is no execution 'order-9'"):
            runtime.get("order-9")


async def test_a_variable_over_the_memory_limit_is_named_wherever_it_comes_from() -> None:
    async def produce() -> bytes:
        return bytes(2000)

    builder = pe.ProcessBuilder("large")
    builder.node(produce, retry=pe.NO_RETRY)
    large = builder.build()
    async with pe.open_runtime(max_memory_per_execution=1000) as runtime:
        with pytest.raises(pe.MemoryLimitExceeded, match="variable 'blob' of 20"):
            await runtime.spawn(idle(), {"blob": bytes(2000)})
        handle = await runtime.spawn(idle())
        with pytest.raises(pe.MemoryLimitExceeded, match="variable 'blob' of 20"):
            await handle.update(blob=bytes(2000))
        with pytest.raises(pe.MemoryLimitExceeded, match="variable 'signal go' of 20"):
            await handle.signal("go", bytes(2000))
        outcome = await (await runtime.spawn(large)).result()
    assert outcome.state == "failed"
    assert outcome.error is not None
    assert "variable 'produce' of 20" in outcome.error.message


async def test_the_memory_limit_counts_what_is_replaced_only_once() -> None:
    async with pe.open_runtime(max_memory_per_execution=3000) as runtime:
        handle = await runtime.spawn(idle(), {"blob": bytes(2000)})
        await handle.update(blob=bytes(2500))
        assert 2500 < handle.status().memory_size < 3000


async def test_a_full_queue_refuses_and_says_which_limits_are_reached() -> None:
    builder = pe.ProcessBuilder("busy")
    builder.node(work)
    busy = builder.build()
    async with pe.open_runtime(max_concurrent_executions=1, admission_queue_limit=1) as runtime:
        await runtime.spawn(busy)
        await runtime.spawn(busy)
        with pytest.raises(pe.AdmissionRefused) as caught:
            await runtime.spawn(busy, id="third")
    assert str(caught.value) == (
        "execution 'third' was refused: 1 are running (max_concurrent_executions) and 1 are queued"
        " (admission_queue_limit)"
    )


async def test_a_closed_runtime_says_so() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(idle())
    with pytest.raises(pe.RuntimeClosed, match=f"runtime '{handle.runtime_id}' is not running"):
        await handle.pause()
    with pytest.raises(pe.RuntimeClosed):
        await runtime.spawn(idle())
    with pytest.raises(pe.RuntimeClosed):
        handle.status()


async def test_a_runtime_outside_its_block_says_that_it_is_not_open() -> None:
    with pytest.raises(pe.RuntimeClosed) as caught:
        pe.open_runtime().get("x")
    expected = "this runtime is not open yet: use it inside `async with open_runtime() as runtime`"
    assert str(caught.value) == expected
    with pytest.raises(pe.RuntimeClosed, match="not open yet"):
        await pe.open_runtime().spawn(idle())


def test_a_mapping_in_place_of_options_is_refused_with_what_to_do() -> None:
    with pytest.raises(pe.BadArgument) as caught:
        pe.open_runtime({"cancel_grace": 1})  # type: ignore[arg-type]
    assert str(caught.value) == (
        "open_runtime: options: expected Options (of a mapping: `Options.from_mapping`),"
        " got {'cancel_grace': 1}"
    )
    with pytest.raises(pe.BadArgument):
        pe.open_runtime({})  # type: ignore[arg-type]


def test_a_runtime_outside_trio_says_that_it_needs_trio() -> None:
    async def main() -> None:
        async with pe.open_runtime():
            pass

    with pytest.raises(pe.ProcessEngineError, match="open_runtime needs trio"):
        asyncio.run(main())


@pytest.mark.parametrize("state", ["runing", "ended", 3])
async def test_a_state_that_does_not_exist_is_refused_by_list(state: Any) -> None:
    async with pe.open_runtime() as runtime:
        with pytest.raises(pe.BadArgument) as caught:
            runtime.list(state=state)
    assert str(caught.value) == (
        "list: state: expected one of queued, running, waiting, pausing, paused, completed, failed,"
        f" cancelled, timed_out, parked, got {state!r}"
    )


async def test_a_retry_where_no_attempt_is_says_what_could_be_retried() -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(idle())
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(pe.NotAtNode) as caught:
            await handle.retry("go")
    assert str(caught.value) == (
        "cannot retry node 'go': only an attempt that runs there, or waits to be repeated, could be"
        " retried"
    )


async def test_an_error_of_ours_in_a_node_is_told_by_its_public_name() -> None:
    async def count(number: int) -> None: ...

    class Mine(pe.NonRetryable): ...

    async def mine() -> None:
        raise Mine

    outcomes: list[pe.Outcome] = []
    async with pe.open_runtime() as runtime:
        for function in (count, mine):
            builder = pe.ProcessBuilder("one")
            builder.node("n", function)
            handle = await runtime.spawn(builder.build(), {"number": "three"})
            outcomes.append(await handle.result())
    ours, theirs = (outcome.error.exception for outcome in outcomes if outcome.error)
    assert ours == "processengine.BindingError"
    assert theirs == f"{Mine.__module__}.{Mine.__qualname__}"
    assert "processengine.runtime" not in str(outcomes[0].reason)


@pytest.mark.parametrize(
    "error",
    [
        pe.BadArgument("spawn", "id", 7, "text"),
        pe.AdmissionRefused("x", 1, 2),
        pe.ExecutionConflict("x", "a v1", "a v2"),
        pe.MemoryLimitExceeded("v", 1, 2, 3),
        pe.NotAtNode("n", "skip", ("m",)),
        pe.OptionError("options", {"a": "b"}),
        pe.StaleIncarnation("x", 1, 2),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_pickling_with_their_message_and_data(error: pe.ProcessEngineError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
