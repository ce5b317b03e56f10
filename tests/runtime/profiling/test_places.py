"""What a stack means, decided on stacks made up or taken from this thread."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import CodeType

import pytest
import trio

import processengine as pe
from processengine.runtime.profiling import (
    Frame,
    Place,
    Stack,
    owners_of,
    sight_of_loop,
    sight_of_thread,
)
from processengine.runtime.profiling._places import codes_of
from processengine.runtime.profiling._stacks import own_stack, stacks_of_others
from processengine.testing import run_virtual

RUN = Frame("trio._core._run", "unrolled_run")
WORK = Frame("processengine.runtime.execution._work", "run_attempts")


def work() -> None: ...


def other() -> None: ...


OWN = Frame("shop", "work", work.__code__)
OWNERS = {work.__code__: ("charge",), other.__code__: ("left", "right")}


def stack(*frames: Frame, node: str | None = None, task: int = 0) -> Stack:
    return Stack((Frame("__main__", "main"), *frames), node, task)


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (stack(RUN, WORK), "engine"),
        (stack(RUN, WORK, Frame("msgspec", "encode")), "engine"),
        (stack(RUN, WORK, Frame("processengine.runtime.store._codec", "encode")), "store"),
        (stack(RUN, Frame("processengine.runtime._ledger", "step")), "store"),
        (stack(RUN), "event loop"),
        (stack(RUN, Frame("trio._core._io_epoll", "process_events")), "event loop"),
        (stack(RUN, Frame("trio._core._io_epoll", "get_events")), "idle"),
        (stack(RUN, Frame("processengine.runtime.profiling._profile", "run")), "profile"),
    ],
)
def test_the_event_loop_is_at_one_place(seen: Stack, kind: str) -> None:
    assert sight_of_loop(seen, OWNERS).place == Place(kind, kind)  # type: ignore[arg-type]  # a table


def test_a_node_is_known_by_the_code_of_its_function_wherever_that_is_called_from() -> None:
    sight = sight_of_loop(stack(RUN, WORK, OWN, Frame("trio", "sleep")), OWNERS)
    assert sight.place == Place("node", "charge")
    assert sight.calls == ("shop.work", "trio.sleep")


def test_of_nodes_that_share_a_function_the_attempt_tells_which() -> None:
    shared = Frame("shop", "other", other.__code__)
    assert sight_of_loop(stack(RUN, WORK, shared, node="right"), OWNERS).place.name == "right"
    assert sight_of_loop(stack(RUN, WORK, shared), OWNERS).place.name == "left or right"


def test_a_task_that_a_node_has_started_is_the_node_s() -> None:
    seen = stack(RUN, Frame("shop", "helper"), Frame("trio", "sleep"), node="charge", task=2)
    assert sight_of_loop(seen, OWNERS).place == Place("node", "charge")
    ours = stack(RUN, WORK, node="charge", task=2)
    assert sight_of_loop(ours, OWNERS).place.kind == "engine"


def test_of_other_threads_those_count_that_work_for_an_execution() -> None:
    rests = Frame("threading", "wait")
    commit = Frame("processengine.runtime.store._commit", "commit")
    in_node = sight_of_thread(stack(OWN, rests), OWNERS)
    assert in_node is not None
    assert in_node.place == Place("node", "charge")
    in_store = sight_of_thread(stack(Frame("x", "y"), commit), OWNERS)
    assert in_store is not None
    assert in_store.calls == (str(commit),)
    assert sight_of_thread(stack(commit, rests), OWNERS) is None
    assert sight_of_thread(stack(Frame("x", "y")), OWNERS) is None
    assert sight_of_thread(Stack(()), OWNERS) is None


def test_code_is_found_behind_partials_wrappers_methods_and_objects() -> None:
    class Caller:
        def __call__(self) -> None: ...

        def method(self) -> None: ...

    @functools.wraps(work)
    def wrapped() -> None:
        work()

    def code_of(function: Callable[..., object]) -> CodeType:
        code: CodeType = getattr(function, "__code__")  # noqa: B009 - wrapping hides its type
        return code

    def found(function: Callable[..., object]) -> set[CodeType]:
        return set(codes_of(function))

    assert found(functools.partial(work)) >= {work.__code__}
    assert found(wrapped) == {work.__code__, code_of(wrapped)}
    assert Caller.__call__.__code__ in found(Caller())
    assert Caller.method.__code__ in found(Caller().method)
    assert found(len) == set()


def test_the_functions_of_called_processes_and_of_each_nodes_are_known_too() -> None:
    inner = pe.ProcessBuilder("inner")
    inner.node("deep", work)
    outer = pe.ProcessBuilder("outer")
    outer.process("call", inner.build())
    outer.each("all", other, over="items", inputs={"item": 1})
    assert owners_of(outer.build()) == {work.__code__: ("deep",), other.__code__: ("all",)}


def test_a_node_s_own_stack_names_it_also_from_a_task_it_has_started() -> None:
    seen: list[Stack] = []

    async def helper() -> None:
        seen.append(own_stack(inspect.currentframe()))

    async def look() -> None:
        seen.append(own_stack(inspect.currentframe()))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(helper)

    process = pe.ProcessBuilder("looking")
    process.node("look", look)
    definition = process.build()

    async def main() -> None:
        async with pe.open_runtime() as runtime:
            await (await runtime.spawn(definition)).result()

    run_virtual(main)
    in_node, in_task = seen
    assert in_node.node == in_task.node == "look"
    assert in_task.frames[in_task.task].function == "helper"
    owners = owners_of(definition)
    places = [sight_of_loop(each, owners).place for each in seen]
    assert places == [Place("node", "look")] * 2


def test_outside_of_nodes_a_stack_has_none() -> None:
    assert own_stack(inspect.currentframe()).node is None
    assert own_stack(inspect.currentframe()).frames[-1].function.startswith("test_outside")


async def test_in_a_task_that_is_no_node_it_has_none_either() -> None:
    assert own_stack(inspect.currentframe()).node is None


def test_other_threads_are_all_but_this_one_and_the_one_named() -> None:
    import threading

    go = threading.Event()
    thread = threading.Thread(target=go.wait)
    thread.start()
    try:
        functions = {frame.function for each in stacks_of_others(0) for frame in each.frames}
        assert "test_other_threads_are_all_but_this_one_and_the_one_named" not in functions
        assert "run" in functions
        assert thread.ident is not None
        before = len(stacks_of_others(0))
        assert len(stacks_of_others(thread.ident)) == before - 1
    finally:
        go.set()
        thread.join()
