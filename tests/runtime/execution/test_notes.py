"""What workers write down in short is read as if they had written it in full."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

import processengine as pe
from processengine.runtime.execution import Begin, Completed, whole

VALUES: list[object] = [None, True, 7, 2.5, "a short text", "a long text " * 20, [1, 2], None, 0]


def giving(values: list[object]) -> pe.ProcessDefinition:
    """A chain of bare nodes that give these values after a second each."""
    process = pe.ProcessBuilder("giving")

    def giver(value: object) -> Callable[[], Awaitable[object]]:
        async def give() -> object:
            await trio.sleep(1)
            return value

        return give

    nodes = [process.node(f"n{at}", giver(value)) for at, value in enumerate(values)]
    for one, other in pairwise(nodes):
        one.then(other)
    return process.build()


def test_bare_values_stand_for_the_steps_after_the_one_before() -> None:
    begin, first = Begin({}), Completed(4, 1, "out", "x", 0, 1.0)
    notes = [0.0, begin, 2.0, first, 3.0, None, 5.0, "text"]
    expected = [
        *notes[:4],
        *(3.0, Completed(5, 1, "out", None, 0, 2.0)),
        *(5.0, Completed(6, 1, "out", "text", 0, 3.0)),
    ]
    assert whole(notes) == expected
    assert whole(notes) == expected  # nothing is left to do


def test_only_what_comes_after_a_place_is_looked_at() -> None:
    notes = [1.0, Completed(1, 1, "out", 1, 0, 0.0), 2.0, 2, 3.0, 3]
    whole(notes, 2)
    assert notes[3] == Completed(2, 1, "out", 2, 0, 1.0)


@pytest.mark.parametrize("is_watched", [False, True])
async def test_the_history_of_a_walk_is_that_of_single_steps(
    is_watched: bool, autojump_clock: MockClock
) -> None:
    async with pe.open_runtime() as runtime:
        handle = await runtime.spawn(giving(VALUES))
        watch = handle.watch() if is_watched else None  # whoever is watched is not walked
        outcome = await handle.result()
        assert (watch is not None) is is_watched
    begin, *steps = outcome.history
    assert isinstance(begin.message, Begin)
    messages = [step.message for step in steps if isinstance(step.message, Completed)]
    assert [message.step for message in messages] == list(range(1, len(VALUES) + 1))
    assert [message.value for message in messages] == VALUES
    assert all(message.attempt == 1 and message.port == "out" for message in messages)
    times = [round(step.at - begin.at, 3) for step in steps]
    assert times == [float(number) for number in range(1, len(VALUES) + 1)]
    begun = [round(message.started - begin.at, 3) for message in messages]
    assert begun == [float(number) for number in range(len(VALUES))]


async def test_a_history_that_is_cut_short_in_a_walk_keeps_the_latest(
    autojump_clock: MockClock,
) -> None:
    async with pe.open_runtime(history_limit=3) as runtime:
        outcome = await (await runtime.spawn(giving(list(range(20))))).result()
    values = [step.message.value for step in outcome.history if type(step.message) is Completed]
    assert values == list(range(20))[-len(values) :]
    assert 1 <= len(values) <= 3


async def test_inputs_stay_as_they_were_given_when_they_are_overwritten(
    autojump_clock: MockClock,
) -> None:
    process = pe.ProcessBuilder("over")

    async def total(total: int) -> int:
        return total + 1

    process.node(total)
    async with pe.open_runtime() as runtime:
        definition = process.build()
        outcome = await (await runtime.spawn(definition, {"total": 1}, id="one")).result()
        again = await runtime.spawn(definition, {"total": 1}, id="one")
        assert again.id == "one"
        with pytest.raises(pe.ExecutionConflict):
            await runtime.spawn(definition, {"total": 2}, id="one")
    assert outcome.memory == {"total": 2}
    first = outcome.history[0].message
    assert isinstance(first, Begin)
    assert first.inputs == {"total": 1}
