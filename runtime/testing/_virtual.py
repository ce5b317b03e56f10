"""Virtual time and drawn schedules: trio programs that never wait, and run alike every time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, TypeVar, TypeVarTuple
from unittest import mock

import trio
from trio.testing import MockClock

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

DRAWS = 500


class _Schedule:
    """Stands in for trio's source of chance: decides in which order the runnable tasks run.

    What `random` raises must not get into trio's run loop; it is kept, and no more is drawn. Nor is
    more drawn than `DRAWS` times: from then on the order is still mixed, but always alike.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._draws = 0
        self.error: BaseException | None = None

    def shuffle(self, batch: list[Any]) -> None:
        for place in range(len(batch) - 1):
            other = place + self._below(len(batch) - place)
            batch[place], batch[other] = batch[other], batch[place]
        batch.reverse()  # trio runs the last one first

    def _below(self, count: int) -> int:
        self._draws += 1
        if self._draws == DRAWS:
            self._random = Random(0)
        try:
            return self._random.randrange(count)
        except BaseException as error:  # noqa: BLE001 - raised again after the run
            self.error, self._random = error, Random(0)
            return 0


def run_virtual(
    async_fn: Callable[[*Ts], Awaitable[T]],
    *args: *Ts,
    seed: int = 0,
    random: Random | None = None,
) -> T:
    """Run a trio program in virtual time, its schedule drawn; return what it returns.

    Whenever all tasks are blocked the clock jumps to the next deadline, so nothing ever waits. The
    order of tasks that could all run is drawn from `random`, or from `seed`: the same seed gives
    the same trace. With Hypothesis's `st.randoms(use_true_random=False)` a failing schedule
    shrinks.

    Not for programs that wait for threads or processes: the clock would run away from them.
    """
    schedule = _Schedule(Random(seed) if random is None else random)
    chance: dict[str, Any] = {"_r": schedule, "_ALLOW_DETERMINISTIC_SCHEDULING": True}
    try:
        with mock.patch.multiple("trio._core._run", **chance):
            return trio.run(async_fn, *args, clock=MockClock(autojump_threshold=0))
    finally:
        if schedule.error is not None:
            raise schedule.error
