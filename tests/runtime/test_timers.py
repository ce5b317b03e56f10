"""Timers are due in order, whatever clock tells the time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio

from processengine.runtime._timers import Timers
from processengine.supervision import Backoff, Child, Supervisor
from processengine.testing import run_virtual

LOOKS = 1_000
LATE = 123_456.7


class _Sleeper:
    ended_at = None

    def __init__(self) -> None:
        self.woken = trio.Event()

    def wake(self, _: object) -> None:
        self.woken.set()


def finer_clock(wall: float) -> Callable[[], float]:
    """A clock that begins at `wall`; who looks at it too often goes round and round."""
    epoch, looks = wall - trio.current_time(), iter(range(LOOKS))

    def now() -> float:
        assert next(looks, None) is not None, "it looks at the clock again and again"
        return trio.current_time() + epoch

    return now


@pytest.mark.parametrize("seconds", [0.1, 0.3, 1e-9, 1e-12, 7.7])
def test_timers_wait_until_a_clock_finer_than_the_event_loops_tells_the_time(
    seconds: float,
) -> None:
    async def main() -> None:
        await trio.sleep(LATE)
        clock = finer_clock(0.1)
        timers, sleeper = Timers(clock), _Sleeper()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(timers.run)
            due = clock() + seconds
            timers.add(due, sleeper, None)
            await sleeper.woken.wait()
            assert clock() >= due
            nursery.cancel_scope.cancel()

    run_virtual(main)


@pytest.mark.parametrize("seconds", [0.1, 0.3, 1e-9, 7.7])
def test_a_supervisor_waits_until_such_a_clock_tells_the_time(seconds: float) -> None:
    starts: list[float] = []

    async def child() -> None:
        starts.append(trio.current_time())
        if len(starts) == 1:
            raise ValueError
        await trio.sleep_forever()

    async def main() -> None:
        await trio.sleep(LATE)
        backoff = Backoff(initial=seconds, jitter=0.0)
        supervisor = Supervisor(
            "top", [Child("child", child)], backoff=backoff, clock=finer_clock(0.1)
        )
        async with trio.open_nursery() as nursery:
            await nursery.start(supervisor.run)
            await trio.sleep(60)
            supervisor.shut_down()

    run_virtual(main)
    assert len(starts) == 2
