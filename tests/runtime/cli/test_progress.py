"""The data behind the live view, and its picture."""

import io
from typing import Any

import pytest
import trio
from rich.console import Console
from trio.testing import MockClock

import processengine as pe
from processengine.runtime.cli._live import picture
from processengine.runtime.cli._progress import Progress


async def nap(item: int = 1) -> None:
    await trio.sleep(item)


async def fail() -> None:
    raise ValueError("no\nand no again")


async def followed(builder: pe.ProcessBuilder, until: float, **options: Any) -> Progress:
    """How far a process is after so many seconds of virtual time."""
    definition = builder.build()
    async with pe.open_runtime(**options) as runtime:
        handle = await runtime.spawn(definition, id="x")
        progress = Progress(definition, handle.status())
        watch = handle.watch()
        with trio.move_on_after(until):
            async for event in watch:
                progress.take(event)
    return progress


def lines_of(progress: Progress, now: float, room: int = 20) -> list[str]:
    console = Console(file=io.StringIO(), width=90, force_terminal=False)
    console.print(picture(progress, now, room))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def chain(count: int) -> pe.ProcessBuilder:
    builder = pe.ProcessBuilder("chain")
    refs = [builder.node(f"n{number}", nap) for number in range(count)]
    for one, other in zip(refs, refs[1:], strict=False):  # noqa: RUF007 - the fewest imports
        one.then(other)
    return builder


async def test_nodes_are_pending_running_and_done(autojump_clock: MockClock) -> None:
    progress = await followed(chain(3), until=1.5)
    states = {name: node.state for name, node in progress.nodes.items()}
    assert states == {"n0": "done", "n1": "running", "n2": "pending"}
    assert (progress.ended, list(progress.active)) == (1, ["n1"])
    assert progress.nodes["n0"].took == pytest.approx(1)
    assert progress.nodes["n1"].elapsed(progress.began + 1.5) == pytest.approx(0.5)


async def test_attempts_and_retries_are_counted(autojump_clock: MockClock) -> None:
    builder = pe.ProcessBuilder("failing")
    builder.node(fail, retry=pe.Retry(attempts=3, initial=1, jitter="none"))
    progress = await followed(builder, until=100)
    node = progress.nodes["fail"]
    assert (node.state, node.attempts, node.retries) == ("failed", 3, 2)
    assert (progress.state, progress.failed, progress.retries) == ("failed", 1, 2)


async def test_a_node_in_back_off_says_why(autojump_clock: MockClock) -> None:
    builder = pe.ProcessBuilder("failing")
    builder.node(fail, retry=pe.Retry(attempts=3, initial=10, jitter="none"))
    progress = await followed(builder, until=5)
    assert progress.nodes["fail"].state == "retrying"
    assert lines_of(progress, progress.began + 5)[2:] == [
        "fail  retrying         1        1    5.00 s  ValueError: no"
    ]


async def test_a_wait_says_for_what(autojump_clock: MockClock) -> None:
    builder = pe.ProcessBuilder("waiting")
    builder.wait("approve", "approval")
    progress = await followed(builder, until=5)
    assert progress.state == "waiting"
    assert progress.nodes["approve"].note == "for signal 'approval'"


async def test_items_are_counted_as_they_are_done(autojump_clock: MockClock) -> None:
    builder = pe.ProcessBuilder("items")
    builder.each("naps", nap, over=lambda: [1, 2, 9])
    node = (await followed(builder, until=5)).nodes["naps"]
    assert (node.state, node.items, node.attempts, node.note) == ("running", 2, 3, "2 items")


async def test_a_cancelled_execution_shows_that_it_is_ending(autojump_clock: MockClock) -> None:
    progress = await followed(chain(2), until=0.5)
    progress.take(pe.MessageEvent("x", 0.5, "cancel"))
    assert lines_of(progress, progress.began)[0].startswith("x  cancelling")


async def test_missed_events_are_counted(autojump_clock: MockClock) -> None:
    progress = await followed(chain(2), until=0.5)
    progress.take(pe.Missed(7))
    assert progress.missed == 7


async def test_a_small_process_is_a_row_for_each_node(autojump_clock: MockClock) -> None:
    progress = await followed(chain(3), until=1.5)
    assert lines_of(progress, progress.began + 1.5) == [
        "x  running  1.50 s",
        "node  state    attempts  retries   elapsed",
        "n0    done            1             1.00 s",
        "n1    running         1             0.50 s",
        "n2    pending",
    ]


async def test_a_large_process_is_a_bar_and_what_runs(autojump_clock: MockClock) -> None:
    progress = await followed(chain(30), until=10.5)
    heading, bar, _, running = lines_of(progress, progress.began + 10.5)
    assert heading.startswith("x  running")
    assert bar.endswith("10 of 30 nodes")
    assert running.startswith("n10   running")


async def test_what_does_not_fit_is_counted(autojump_clock: MockClock) -> None:
    builder = pe.ProcessBuilder("wide")
    for number in range(30):
        builder.node(f"n{number}", nap)
    progress = await followed(builder, until=0.5)
    assert lines_of(progress, progress.began, room=10)[-1] == "… and 22 more"
