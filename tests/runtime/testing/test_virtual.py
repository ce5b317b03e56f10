from collections.abc import Callable
from random import Random

import pytest
import trio
from hypothesis import given, settings

from processengine.testing import chances, run_virtual

Program = Callable[[], str]


async def race() -> str:
    """Tasks that could all run at once, and write down in which order they did."""
    order: list[str] = []

    async def runner(name: str) -> None:
        for _ in range(3):
            order.append(name)
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        for name in "abcd":
            nursery.start_soon(runner, name)
    return "".join(order)


class Ordered(Random):
    """Chance that always chooses the first."""

    def randrange(self, *args: int) -> int:  # type: ignore[override]  # fewer ways to call it
        return 0


async def nap(seconds: float) -> float:
    await trio.sleep(seconds)
    return trio.current_time()


def test_time_jumps_to_the_next_deadline() -> None:
    assert run_virtual(nap, 86_400) == 86_400


def test_the_same_seed_gives_the_same_trace() -> None:
    assert run_virtual(race, seed=7) == run_virtual(race, seed=7)


def test_other_seeds_give_other_traces() -> None:
    assert len({run_virtual(race, seed=seed) for seed in range(20)}) > 10


def test_the_simplest_schedule_runs_tasks_in_the_order_of_their_making() -> None:
    assert run_virtual(race, random=Ordered()) == "abcd" * 3


SEEN: set[str] = set()


@settings(max_examples=100)
@given(random=chances())
def explore(random: Random) -> None:
    SEEN.add(run_virtual(race, random=random))


def test_hypothesis_sees_many_schedules() -> None:
    """The canary: pytest-trio's own hook would show it one schedule only."""
    SEEN.clear()
    explore()
    assert len(SEEN) > 20


class Overdrawn(BaseException):
    """As Hypothesis raises when it wants no more of an example."""


class Limited(Random):
    def __init__(self, draws: int) -> None:
        super().__init__(0)
        self.left = draws

    def randrange(self, *args: int) -> int:  # type: ignore[override]  # fewer ways to call it
        self.left -= 1
        if self.left < 0:
            raise Overdrawn
        return 0


def test_what_chance_raises_comes_out_as_it_is_after_the_run() -> None:
    cleaned: list[str] = []

    async def program() -> None:
        try:
            await race()
        finally:
            cleaned.append("up")

    with pytest.raises(Overdrawn):
        run_virtual(program, random=Limited(3))
    assert cleaned == ["up"]


def test_long_runs_draw_no_more_than_hypothesis_can_give() -> None:
    random = Limited(500)

    async def program() -> None:
        for _ in range(100):
            await race()

    run_virtual(program, random=random)
    assert random.left >= 0


def test_what_the_program_raises_comes_out() -> None:
    async def program() -> None:
        raise KeyError("here")

    with pytest.raises(KeyError, match="here"):
        run_virtual(program)


async def test_trio_is_left_as_it_was_found() -> None:
    def run() -> None:
        run_virtual(race)

    await trio.to_thread.run_sync(run)
    assert len(await race()) == 12
