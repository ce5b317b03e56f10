"""What other threads send comes into the runtime's thread, in order, all of one look together."""

from __future__ import annotations

import threading
from collections.abc import Callable

import trio
from trio.testing import wait_all_tasks_blocked

from processengine.runtime._inbox import Inbox

Letter = tuple[int]


def in_a_thread(call: Callable[[], None]) -> None:
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


async def test_letters_of_one_look_are_delivered_together_and_in_order() -> None:
    looks: list[list[Letter]] = []
    inbox: Inbox[Letter] = Inbox(lambda letters: looks.append([*letters]))

    def send() -> None:
        for number in range(3):
            inbox.put((number,))

    in_a_thread(send)
    assert (len(inbox), looks) == (3, [])
    await wait_all_tasks_blocked()
    assert (len(inbox), looks) == (0, [[(0,), (1,), (2,)]])


async def test_an_action_between_letters_is_done_as_it_is_reached() -> None:
    seen: list[object] = []
    inbox: Inbox[Letter] = Inbox(seen.extend)

    def send() -> None:
        inbox.put((1,))
        inbox.do(lambda: seen.append("action"))
        inbox.put((2,))

    in_a_thread(send)
    await wait_all_tasks_blocked()
    assert seen == [(1,), "action", (2,)]


async def test_an_action_in_the_own_thread_is_done_at_once() -> None:
    seen: list[object] = []
    inbox: Inbox[Letter] = Inbox(seen.extend)
    inbox.do(lambda: seen.append("action"))
    assert seen == ["action"]


def test_what_comes_after_the_event_loop_has_ended_is_taken_in_at_once() -> None:
    seen: list[object] = []

    async def made() -> Inbox[Letter]:
        return Inbox(seen.extend)

    trio.run(made).put((1,))
    assert seen == [(1,)]
