"""A reply is awaited in trio, in asyncio and in plain threads, answered from anywhere."""

import asyncio
import threading
from collections.abc import Callable

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from processengine.actors import Reply


def in_a_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


async def test_any_number_of_tasks_may_wait_for_an_answer() -> None:
    reply: Reply[int] = Reply()
    answers: list[int] = []

    async def wait() -> None:
        answers.append(await reply)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        reply.answer(7)
    assert answers == [7, 7, 7]


async def test_an_error_in_place_of_an_answer_is_raised_by_everybody_who_waits() -> None:
    reply: Reply[int] = Reply()
    reply.fail(KeyError("why"))
    for _ in range(2):
        with pytest.raises(KeyError, match="why"):
            await reply
    assert repr(reply) == "<Reply failed: KeyError('why')>"


async def test_an_answer_that_is_there_is_given_without_a_checkpoint() -> None:
    reply: Reply[int] = Reply()
    reply.answer(7)
    with trio.CancelScope() as scope:
        scope.cancel()
        assert await reply == 7
    assert not scope.cancelled_caught


async def test_a_waiter_that_is_cancelled_leaves_the_others_waiting() -> None:
    reply: Reply[int] = Reply()
    answers: list[int] = []

    async def wait() -> None:
        answers.append(await reply)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        with trio.move_on_after(0):
            await reply
        reply.answer(7)
    assert answers == [7]


async def test_a_thread_wakes_a_trio_task() -> None:
    reply: Reply[int] = Reply()
    thread = in_a_thread(lambda: reply.answer(7))
    assert await reply == 7
    await trio.to_thread.run_sync(thread.join)


async def test_a_trio_task_wakes_threads() -> None:
    reply: Reply[int] = Reply()
    answers: list[int] = []

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(trio.to_thread.run_sync, lambda: answers.append(reply.wait(10)))
        reply.answer(7)
    assert answers == [7, 7, 7]


async def test_a_thread_that_gives_up_leaves_nothing_behind() -> None:
    reply: Reply[int] = Reply()

    def poll() -> None:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                reply.wait(0.001)

    await trio.to_thread.run_sync(poll)
    reply.answer(7)
    assert await reply == 7


def test_an_asyncio_task_waits_as_a_trio_task_does() -> None:
    async def main() -> list[int]:
        reply: Reply[int] = Reply()

        async def wait() -> int:
            return await reply

        waiters = [asyncio.create_task(wait()) for _ in range(3)]
        await asyncio.sleep(0)
        waiters[0].cancel()
        in_a_thread(lambda: reply.answer(7)).join()
        return await asyncio.gather(*waiters[1:])

    assert asyncio.run(main()) == [7, 7]


def test_a_blocking_wait_is_refused_in_an_asyncio_task() -> None:
    async def main() -> None:
        Reply[int]().wait()

    with pytest.raises(RuntimeError, match="an asyncio task must `await`"):
        asyncio.run(main())


def test_an_answer_for_whoever_went_with_his_event_loop_is_dropped() -> None:
    trio_reply: Reply[int] = Reply()
    asyncio_reply: Reply[int] = Reply()

    async def give_up_in_trio() -> None:
        with trio.move_on_after(0):
            await trio_reply

    async def give_up_in_asyncio() -> None:
        waiter = asyncio.ensure_future(_wait(asyncio_reply))
        await asyncio.sleep(0)
        waiter.cancel()

    trio.run(give_up_in_trio)
    asyncio.run(give_up_in_asyncio())
    trio_reply.answer(7)
    asyncio_reply.answer(7)
    assert trio_reply.wait() == asyncio_reply.wait() == 7


def test_an_answer_for_whoever_is_left_in_a_closed_event_loop_is_dropped() -> None:
    reply: Reply[int] = Reply()
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # it is told that the waiter is left
    waiter = loop.create_task(_wait(reply))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    reply.answer(7)
    assert not waiter.done()


async def _wait(reply: Reply[int]) -> int:
    return await reply


def test_whoever_wants_to_be_told_late_is_told_at_once() -> None:
    reply: Reply[int] = Reply()
    told: list[str] = []
    reply.when_done(lambda: told.append("early"))
    reply.answer(7)
    reply.when_done(lambda: told.append("late"))
    assert told == ["early", "late"]
