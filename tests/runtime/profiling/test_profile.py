from __future__ import annotations

import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest
import trio

import processengine as pe
from processengine.profiling import NodeTimes, ProfileElsewhere, UnfitProfile, profile
from processengine.runtime.drawing import Flame, draw_flame
from processengine.runtime.execution import Limits
from processengine.runtime.profiling import Place, Sight, flame_of, node_times, place_times
from processengine.testing import run_virtual

ENGINE, NODE, IDLE = Place("engine", "engine"), Place("node", "charge"), Place("idle", "idle")
SIGHTS = {
    Sight(ENGINE, ("a", "b")): 30, Sight(ENGINE, ("a",)): 10, Sight(NODE, ("c",)): 60,
    Sight(IDLE, ()): 900,
}  # fmt: skip


# Samples


def test_processor_time_is_distributed_by_the_sights_of_a_loop_at_work() -> None:
    node, engine = place_times(SIGHTS, loop_cpu=2.0)
    assert (node.name, node.share, engine.share) == ("charge", 0.6, 0.4)
    assert node.seconds == pytest.approx(1.2)
    assert engine.seconds == pytest.approx(0.8)
    # The standard error of a share of 0.6 in 100 looks.
    assert node.error == pytest.approx((0.6 * 0.4 / 100) ** 0.5)


def test_of_a_loop_that_was_never_at_work_nothing_is_told() -> None:
    assert place_times({Sight(IDLE, ()): 5}, 1.0) == ()
    assert flame_of("p", {Sight(IDLE, ()): 5}, {}, loop_cpu=1.0, each_in_thread=1.0) == Flame(
        "p", 0
    )


def test_a_flame_is_as_wide_as_what_it_stands_on() -> None:
    threads = {Sight(NODE, ("d",)): 4}
    flame = flame_of("p", SIGHTS, threads, loop_cpu=2.0, each_in_thread=0.5)
    assert flame.value == pytest.approx(4.0)
    assert [child.name for child in flame.children] == ["in threads", "charge", "engine"]
    engine = flame.children[2]
    assert [(each.name, each.kind) for each in engine.children] == [("a", "engine")]
    assert engine.children[0].value == pytest.approx(0.8)
    assert engine.children[0].children[0].value == pytest.approx(0.6)


def test_a_flame_graph_is_a_picture_with_a_hint_on_every_call() -> None:
    flame = flame_of("p <1>", SIGHTS, {}, loop_cpu=2.0, each_in_thread=0.0)
    picture = draw_flame(flame, title="p <1>", subtitle="words")
    root = ElementTree.fromstring(picture)
    hints = [each.text for each in root.iter("{http://www.w3.org/2000/svg}title")]
    assert "b\n0.6 s, 30.0%" in hints
    assert len(hints) == 1 + 6
    assert "prefers-color-scheme:dark" in picture


def test_a_flame_as_deep_as_a_graph_is_long_can_be_drawn() -> None:
    deep = Sight(ENGINE, tuple(f"f{number}" for number in range(5000)))
    flame = flame_of("p", {deep: 1}, {}, loop_cpu=1.0, each_in_thread=0.0)
    assert draw_flame(flame, title="p").count("<rect") == 1 + 5002


def test_what_is_too_thin_to_be_seen_is_left_out() -> None:
    flame = Flame("p", 1e6, (Flame("thin", 1.0), Flame("wide", 1e5)))
    picture = draw_flame(flame, title="p")
    assert "wide" in picture
    assert "thin" not in picture


# History


def times_of(definition: pe.ProcessDefinition, *signals: str) -> dict[str, NodeTimes]:
    limits = Limits(pe.Options().retry, 2**30)

    async def main() -> Sequence[pe.Record]:
        async with pe.open_runtime(seed=1) as runtime:
            handle = await runtime.spawn(definition)
            await trio.sleep(2)
            for name in signals:
                handle.signal(name)
            return (await handle.result()).history

    return {each.node: each for each in node_times(definition, [run_virtual(main)] * 2, limits)}


def test_the_history_tells_how_long_each_node_ran_rested_and_queued() -> None:
    calls = Counter[str]()

    async def work() -> None:
        await trio.sleep(0.5)

    async def unreliable() -> None:
        calls["unreliable"] += 1
        await trio.sleep(0.25)
        if calls["unreliable"] == 1:
            raise ConnectionError

    process = pe.ProcessBuilder("timed")
    retry = pe.Retry(attempts=2, initial=1.0, jitter="none")
    first = process.node("work", work)
    first.then(process.node("unreliable", unreliable, retry=retry)).then(
        process.delay("delay", 3.0)
    ).then(process.wait("go"))
    times = times_of(process.build(), "go")
    assert (times["work"].steps, times["work"].attempts) == (2, 2)
    assert times["work"].running == pytest.approx(1.0)
    assert times["work"].resting == 0
    assert times["work"].queued == pytest.approx(0.0)
    assert times["unreliable"].attempts == 4
    assert times["unreliable"].running == pytest.approx(1.0)
    assert times["unreliable"].resting == pytest.approx(2.0)
    assert times["delay"].resting == pytest.approx(6.0)
    assert (times["delay"].steps, times["delay"].attempts) == (2, 0)


def test_a_wait_rests_until_its_signal_comes() -> None:
    process = pe.ProcessBuilder("waiting")
    process.wait("go")
    assert times_of(process.build(), "go")["go"].resting == pytest.approx(4.0)


def test_items_of_an_each_node_run_side_by_side_and_add_up() -> None:
    async def work(item: int) -> None:
        await trio.sleep(item)

    process = pe.ProcessBuilder("items")
    process.each("all", work, over=lambda: [1, 2, 3])
    times = times_of(process.build())["all"]
    assert times.running == pytest.approx(2 * 6)
    assert times.attempts == 6
    assert times.resting == pytest.approx(2 * 3)


# The whole: in real time, with nothing asserted about how long


def definition() -> pe.ProcessDefinition:
    async def first() -> int:
        return sum(range(1000))

    def second() -> None: ...

    process = pe.ProcessBuilder("profiled")
    process.node(first).then(process.node(second))
    return process.build()


def test_a_profile_counts_every_run_and_gives_everything_back() -> None:
    switch, handler = sys.getswitchinterval(), signal.getsignal(signal.SIGPROF)
    threads = threading.active_count()
    made = profile(definition(), runs=5, at_once=2)
    assert (made.runs, made.completed) == (5, 5)
    assert [(node.node, node.steps, node.attempts) for node in made.nodes] == [
        ("first", 5, 5), ("second", 5, 5),
    ]  # fmt: skip
    assert made.loop_cpu > 0
    assert made.waiting >= 0
    assert sys.getswitchinterval() == switch
    assert signal.getsignal(signal.SIGPROF) is handler
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    assert threading.active_count() <= threads + 1, "but for a worker thread that trio keeps"


def test_a_node_that_computes_is_seen_at_it() -> None:
    async def compute() -> None:
        until = time.thread_time() + 0.05  # longer than the tick of any system
        while time.thread_time() < until:
            pass

    process = pe.ProcessBuilder("computing")
    process.node(compute)
    made = profile(process.build(), runs=1)
    assert made.place("node", "compute") is not None
    assert made.flame.children[0].name == "compute"


def test_a_profile_can_be_durable(tmp_path: Path) -> None:
    made = profile(definition(), runs=2, store=tmp_path / "profile.db")
    assert made.completed == 2
    assert [node.steps for node in made.nodes] == [2, 2]


def test_executions_that_fail_are_counted() -> None:
    async def fail() -> None:
        raise LookupError

    process = pe.ProcessBuilder("failing")
    process.node(fail, retry=pe.NO_RETRY)
    assert profile(process.build(), runs=2).completed == 0


async def test_a_profile_is_refused_within_trio() -> None:
    with pytest.raises(ProfileElsewhere):
        profile(definition())


def test_a_profile_is_refused_in_another_thread() -> None:
    errors: list[BaseException] = []

    def call() -> None:
        try:
            profile(definition())
        except ProfileElsewhere as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert len(errors) == 1


@pytest.mark.parametrize("options", [{"runs": 0}, {"at_once": 0}, {"interval": 0.0}])
def test_numbers_that_make_no_sense_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(UnfitProfile):
        profile(definition(), **options)  # type: ignore[arg-type]  # a table of one each
