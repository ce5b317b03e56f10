import pytest
import trio

import processengine as pe
from processengine.runtime.simulation import (
    SimulationInTrio,
    StuckSimulation,
    UnfitDurations,
    simulate,
)

Durations = dict[str, float]


def work() -> None: ...


def fork_join(*branches: str) -> pe.ProcessDefinition:
    builder = pe.ProcessBuilder("fork-join")
    begin, end = builder.node("begin", work), builder.node("end", work)
    for branch in branches:
        begin.then(builder.node(branch, work)).then(end)
    return builder.build()


FORK_JOIN = fork_join("a", "b", "c", "d")
DURATIONS: Durations = {"begin": 1, "a": 2, "b": 3, "c": 4, "d": 5, "end": 1}


def test_without_a_bound_a_process_takes_as_long_as_its_longest_way() -> None:
    report = simulate(FORK_JOIN, durations=DURATIONS)
    assert report.state == "completed"
    assert report.makespan == report.critical_path == 7
    assert [step.node for step in report.path] == ["begin", "d", "end"]
    assert report.peak_concurrency == 4


def test_one_worker_takes_as_long_as_all_functions_together() -> None:
    report = simulate(FORK_JOIN, 1, DURATIONS)
    assert report.makespan == report.busy == 16
    assert report.critical_path == 7
    assert report.peak_concurrency == 1
    assert report.utilisation == 1


def test_two_workers_are_never_more_than_two_at_once() -> None:
    report = simulate(FORK_JOIN, 2, DURATIONS)
    assert report.peak_concurrency == 2
    assert 7 <= report.makespan < 16


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_gives_the_same_report(seed: int) -> None:
    even = dict.fromkeys(DURATIONS, 1.0)
    one, other = (simulate(FORK_JOIN, 2, even, seed) for _ in range(2))
    assert (one.runs, one.path) == (other.runs, other.path)


def test_seeds_differ_in_the_order_of_what_happens_at_one_moment() -> None:
    even = dict.fromkeys(DURATIONS, 1.0)
    ends = {
        tuple(run.node for run in simulate(FORK_JOIN, durations=even, seed=seed).runs)
        for seed in range(10)
    }
    assert len(ends) > 1


def test_functions_without_a_duration_are_called_and_sleep_in_virtual_time() -> None:
    async def think() -> str:
        await trio.sleep(3600)
        return "thought"

    builder = pe.ProcessBuilder("thinking")
    builder.node(think)
    report = simulate(builder.build())
    assert report.makespan == 3600
    assert report.outcome.memory == {"think": "thought"}


def test_a_plain_function_takes_no_virtual_time() -> None:
    builder = pe.ProcessBuilder("plain")
    builder.node("answer", lambda: 42)
    report = simulate(builder.build())
    assert report.makespan == 0
    assert report.outcome.memory == {"answer": 42}
    assert report.peak_concurrency == 1


def test_a_node_with_a_duration_is_not_called() -> None:
    def fail() -> None:
        raise AssertionError

    builder = pe.ProcessBuilder("dangerous")
    builder.node(fail)
    report = simulate(builder.build(), durations={"fail": 2})
    assert report.state == "completed"
    assert report.outcome.memory == {"fail": None}


def test_retries_and_back_offs_are_part_of_the_longest_way() -> None:
    async def flaky(context: pe.NodeContext) -> None:
        await trio.sleep(1)
        if context.attempt < 3:
            raise ConnectionError

    builder = pe.ProcessBuilder("flaky")
    builder.node(flaky, retry=pe.Retry(attempts=3, initial=10, multiplier=1, jitter="none"))
    report = simulate(builder.build())
    assert report.makespan == report.critical_path == 23
    assert (report.tasks, report.attempts, report.busy) == (1, 3, 3)
    assert [run.outcome for run in report.runs] == ["failed", "failed", "completed"]


def test_delays_waits_and_children_are_part_of_the_longest_way() -> None:
    called = pe.ProcessBuilder("called")
    called.node("inner", work)
    builder = pe.ProcessBuilder("calling")
    child = builder.process("child", called.build())
    wait = builder.wait("wait", "never", within=20)
    child.then(builder.delay("delay", 10)).then(wait)
    wait.on("timeout").then(builder.node("end", work))
    report = simulate(builder.build(), durations={"inner": 3, "end": 1})
    assert report.makespan == report.critical_path == 34
    assert [step.node for step in report.path] == ["child", "delay", "wait", "end"]
    assert report.tasks == 2


def test_items_share_the_workers_with_all_other_functions() -> None:
    builder = pe.ProcessBuilder("items")
    builder.each("mail", work, over=lambda: range(6))
    builder.node("other", work)
    report = simulate(builder.build(), 2, {"mail": 1, "other": 1})
    assert report.makespan == 3.5 or report.makespan == 4
    assert report.peak_concurrency == 2
    assert report.tasks == 7


def test_a_loop_counts_each_time_round() -> None:
    builder = pe.ProcessBuilder("loop")
    count = builder.node("count", lambda count=0: count + 1)
    nap = builder.node("nap", work)
    again = builder.switch("again", {"yes": lambda count: count < 3}, default="no")
    builder.start(count)
    count.then(nap).then(again)
    again.on("yes").then(count)
    report = simulate(builder.build(), durations={"nap": 1})
    assert report.makespan == report.critical_path == 3
    assert [step.node for step in report.path].count("nap") == 3


def test_a_branch_that_is_not_taken_is_on_no_way() -> None:
    builder = pe.ProcessBuilder("choice")
    choice = builder.switch("choice", {"left": lambda go_left: go_left}, default="right")
    choice.on("left").then(builder.node("left", work))
    choice.on("right").then(builder.node("right", work))
    report = simulate(builder.build(), durations={"left": 1, "right": 9}, inputs={"go_left": True})
    assert report.makespan == report.critical_path == 1


def test_the_longest_way_follows_the_ports_that_were_taken() -> None:
    builder = pe.ProcessBuilder("detour")
    choice = builder.switch("choice", {"through": lambda: True}, default="past")
    middle, end = builder.node("middle", work), builder.node("end", work)
    choice.on("through").then(middle).then(end)
    choice.on("past").then(end)
    report = simulate(builder.build(), durations={"middle": 0, "end": 1})
    assert [step.node for step in report.path] == ["choice", "middle", "end"]


def test_a_failure_that_is_caught_is_part_of_the_longest_way() -> None:
    async def fail() -> None:
        await trio.sleep(2)
        raise ValueError("no")

    builder = pe.ProcessBuilder("caught")
    builder.node(fail, retry=pe.NO_RETRY).on("error").then(builder.node("mend", work))
    report = simulate(builder.build(), durations={"mend": 3})
    assert [step.node for step in report.path] == ["fail", "mend"]
    assert report.critical_path == 5


def test_an_execution_that_fails_is_reported_as_it_ended() -> None:
    async def fail() -> None:
        await trio.sleep(2)
        raise ValueError("no")

    builder = pe.ProcessBuilder("failing")
    builder.node(fail, retry=pe.NO_RETRY)
    report = simulate(builder.build())
    assert (report.state, report.makespan) == ("failed", 2)
    assert report.outcome.error is not None


def test_signals_sent_up_front_are_there_when_they_are_waited_for() -> None:
    builder = pe.ProcessBuilder("waiting")
    builder.node("nap", work).then(builder.wait("approval"))
    report = simulate(builder.build(), durations={"nap": 5}, signals=[("approval", "yes")])
    assert report.makespan == 5
    assert report.outcome.memory["approval"] == "yes"


def test_a_signal_that_never_comes_is_named() -> None:
    builder = pe.ProcessBuilder("waiting")
    builder.wait("approve", "approval")
    with pytest.raises(StuckSimulation, match="signal 'approval' at node 'approve'"):
        simulate(builder.build())


def test_inputs_are_checked_against_the_definition() -> None:
    builder = pe.ProcessBuilder("declared", inputs=["total"])
    builder.node("nap", work)
    with pytest.raises(pe.ProcessEngineError, match="total"):
        simulate(builder.build())


@pytest.mark.parametrize(
    ("durations", "message"),
    [
        ({"nobody": 1}, "'nobody' is no node that calls a function"),
        ({"a": -1}, "'a': expected a number of seconds from 0, got -1"),
        ({"a": float("nan")}, "'a': expected a number of seconds from 0, got nan"),
    ],
)
def test_durations_that_do_not_fit_are_named(durations: Durations, message: str) -> None:
    with pytest.raises(UnfitDurations, match=message):
        simulate(FORK_JOIN, durations=durations)


def test_a_long_execution_is_not_timed_out_by_the_runtimes_default() -> None:
    assert simulate(FORK_JOIN, durations={"a": 1e6}).state == "completed"


def test_the_timeout_of_the_definition_holds() -> None:
    builder = pe.ProcessBuilder("hasty", timeout=10)
    builder.node("nap", work)
    report = simulate(builder.build(), durations={"nap": 100})
    assert (report.state, report.makespan) == ("timed_out", 10)
    assert [run.outcome for run in report.runs] == ["cancelled"]


async def test_within_trio_it_is_refused() -> None:
    process = pe.ProcessBuilder("process")
    process.delay("delay", 1)
    with pytest.raises(SimulationInTrio, match="call it outside of trio"):
        simulate(process.build())
