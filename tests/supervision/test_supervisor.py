"""Supervisors at work, in virtual time: what services see, what owners are told, what is left."""

from __future__ import annotations

import functools
import logging
import pickle
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from random import Random
from typing import ParamSpec

import pytest
import trio
from hypothesis import HealthCheck, given, settings

from processengine.actors import ActorGone, Reply
from processengine.supervision import Intensity
from processengine.supervision._backoff import AT_ONCE, Backoff
from processengine.supervision._child import Child, TreeNode
from processengine.supervision._errors import (
    ChildNotStarted,
    ChildReturned,
    DuplicateChild,
    SupervisorGaveUp,
    UnknownChild,
)
from processengine.supervision._notices import ChildEnd, ChildRestarting, ChildStarted, Notice
from processengine.supervision._supervisor import Supervisor
from processengine.testing import chances, run_virtual

from ._play import Plan, play

P = ParamSpec("P")
Function = Callable[[], Awaitable[None]]


def in_virtual_time(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        run_virtual(functools.partial(test, *args, **kwargs))

    return run


class Diary:
    """Services that write down when they come and go."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def forever(self, name: str, cleanup: float = 0.0) -> Function:
        async def service() -> None:
            self.lines.append(f"+{name}")
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await trio.sleep(cleanup)
                self.lines.append(f"-{name}")

        return service

    def failing(self, name: str, *errors: Exception | None, after: float = 1.0) -> Function:
        """Raises these one after the other, a second into each life; None: goes on for ever."""
        left = iter(errors)

        async def service() -> None:
            self.lines.append(f"+{name}")
            await trio.sleep(after)
            if error := next(left, None):
                raise error
            await trio.sleep_forever()

        return service

    def read(self) -> str:
        lines, self.lines = self.lines, []
        return " ".join(lines)


@pytest.fixture
def diary() -> Diary:
    return Diary()


async def does_not_start(*, task_status: trio.TaskStatus[None]) -> None:
    raise OSError("no")


@in_virtual_time
async def test_it_has_started_when_its_children_have_one_after_the_other() -> None:
    order: list[str] = []

    def slow(name: str) -> Callable[..., Awaitable[None]]:
        async def service(*, task_status: trio.TaskStatus[None]) -> None:
            await trio.sleep(1)
            order.append(name)
            task_status.started()
            await trio.sleep_forever()

        return service

    supervisor = Supervisor("top", [Child("a", slow("a")), Child("b", slow("b"))])
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        assert (order, trio.current_time()) == (["a", "b"], 2.0)
        supervisor.shut_down()


@in_virtual_time
async def test_children_end_in_reverse_order_each_after_the_next(diary: Diary) -> None:
    children = [Child(name, diary.forever(name, cleanup=1.0)) for name in "abc"]
    supervisor = Supervisor("top", children)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        supervisor.shut_down()
    assert diary.read() == "+a +b +c -c -b -a"
    assert trio.current_time() == 3.0


@in_virtual_time
async def test_cancelled_from_outside_it_ends_in_the_same_order(diary: Diary) -> None:
    children = [Child(name, diary.forever(name, cleanup=1.0)) for name in "abc"]
    with trio.move_on_after(5) as scope:
        await Supervisor("top", children).run()
    assert scope.cancelled_caught
    assert diary.read() == "+a +b +c -c -b -a"
    assert trio.current_time() == 8.0


@in_virtual_time
async def test_a_service_that_asks_for_it_is_told_and_has_its_time() -> None:
    notices: list[Notice] = []

    async def polite(*, stopping: trio.Event) -> None:
        await stopping.wait()
        await trio.sleep(4)

    async def deaf(*, stopping: trio.Event) -> None:
        await trio.sleep_forever()

    children = [Child("polite", polite), Child("deaf", deaf, shutdown=2.0)]
    supervisor = Supervisor("top", children, on_notice=notices.append)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        supervisor.shut_down()
    assert notices[-2:] == [
        ChildEnd("deaf", "killed", None, 2.0),
        ChildEnd("polite", "shutdown", None, 6.0),
    ]


@in_virtual_time
async def test_a_crashed_child_is_restarted_after_its_back_off_and_others_are_not_touched(
    diary: Diary,
) -> None:
    error = ValueError("once")
    notices: list[Notice] = []
    supervisor = Supervisor(
        "top",
        [Child("a", diary.failing("a", error)), Child("b", diary.forever("b"))],
        backoff=Backoff(initial=2.0, jitter=0.0),
        on_notice=notices.append,
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        await trio.sleep(10)
        assert diary.read() == "+a +b +a"
        supervisor.shut_down()
    assert notices[2:5] == [
        ChildEnd("a", "crashed", error, 1.0),
        ChildRestarting("a", 1.0, 3.0, error, 1, ("a",)),
        ChildStarted("a", 3.0),
    ]


@in_virtual_time
async def test_jitter_comes_from_the_randomness_passed_in(diary: Diary) -> None:
    def due(seed: int) -> Callable[[Notice], None]:
        def note(notice: Notice) -> None:
            if isinstance(notice, ChildRestarting):
                delays.append((seed, notice.due - notice.at))

        return note

    delays: list[tuple[int, float]] = []
    async with trio.open_nursery() as nursery:
        for seed in (1, 1, 2):
            child = Child("a", diary.failing("a", ValueError()))
            supervisor = Supervisor("t", [child], random=Random(seed), on_notice=due(seed))
            nursery.start_soon(supervisor.run)
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    assert len(set(delays)) == 2


@in_virtual_time
async def test_giving_up_ends_with_one_error_that_carries_all_causes(
    diary: Diary, caplog: pytest.LogCaptureFixture
) -> None:
    errors = [ValueError(number) for number in range(3)]
    supervisor = Supervisor(
        "top",
        [Child("other", diary.forever("other")), Child("a", diary.failing("a", *errors))],
        intensity=Intensity(2, 60),
    )
    with pytest.raises(SupervisorGaveUp) as caught:
        await supervisor.run()
    assert caught.value.causes == tuple(errors)
    assert str(caught.value).startswith("supervisor 'top' gave up at child 'a' after 3 failures")
    assert diary.read() == "+other +a +a +a -other"
    levels = [(record.levelno, record.name) for record in caplog.records]
    assert levels == [(logging.WARNING, "processengine")] * 2 + [(logging.ERROR, "processengine")]
    assert caplog.records[0].exc_info
    assert caplog.records[0].exc_info[1] is errors[0]


@in_virtual_time
async def test_a_first_child_that_does_not_start_fails_the_whole_start(diary: Diary) -> None:
    children = [Child("a", diary.forever("a")), Child("b", does_not_start)]
    with (
        pytest.RaisesGroup(ChildNotStarted)
        if hasattr(pytest, "RaisesGroup")
        else pytest.raises(ExceptionGroup)
    ):
        async with trio.open_nursery() as nursery:
            await nursery.start(Supervisor("top", children).run)
    assert diary.read() == "+a -a"


@in_virtual_time
async def test_an_inner_supervisor_that_gives_up_is_restarted_by_the_outer_one(
    diary: Diary,
) -> None:
    worker = Child("worker", diary.failing("w", ValueError(1), ValueError(2), None))
    inner = Supervisor("inner", [worker], intensity=Intensity(0))
    outer = Supervisor("outer", [Child("in", inner, intensity=Intensity(2, 60))])
    async with trio.open_nursery() as nursery:
        await nursery.start(outer.run)
        await trio.sleep(10)
        assert diary.read() == "+w +w +w"
        assert outer.tree() == TreeNode(
            "outer",
            "supervisor",
            "running",
            2,
            "one_for_one",
            (
                TreeNode(
                    "in",
                    "supervisor",
                    "running",
                    2,
                    "one_for_one",
                    (TreeNode("worker", "service", "running"),),
                ),
            ),
        )
        outer.shut_down()


@in_virtual_time
async def test_a_failure_climbs_until_somebody_can_help(diary: Diary) -> None:
    error = ValueError("deep")
    worker = Child("worker", diary.failing("w", error))
    inner = Supervisor("inner", [worker], intensity=Intensity(0))
    with pytest.raises(SupervisorGaveUp) as caught:
        await Supervisor("outer", [Child("in", inner)], intensity=Intensity(0)).run()
    (cause,) = caught.value.causes
    assert isinstance(cause, SupervisorGaveUp)
    assert cause.causes == (error,)


@in_virtual_time
async def test_an_inner_supervisor_takes_the_time_of_its_own_children(diary: Diary) -> None:
    inner = Supervisor("inner", [Child("w", diary.forever("w", cleanup=9.0))])
    with trio.move_on_after(1):
        await Supervisor("outer", [Child("in", inner, shutdown=0.0)]).run()
    assert (diary.read(), trio.current_time()) == ("+w -w", 10.0)


@in_virtual_time
async def test_a_death_is_told_once_to_everybody_who_watches(diary: Diary) -> None:
    error = ValueError()
    supervisor = Supervisor("top", [Child("a", diary.failing("a", error))], backoff=AT_ONCE)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        first, second = supervisor.watch("a"), supervisor.watch("a")
        assert await first == await second == ChildEnd("a", "crashed", error, 1.0)
        third = supervisor.watch("a")
        await supervisor.stop("a")
        assert await third == ChildEnd("a", "shutdown", None, 1.0)
        assert await supervisor.watch("a") is await third
        with pytest.raises(UnknownChild):
            supervisor.watch("nobody")
        supervisor.shut_down()


@in_virtual_time
async def test_whoever_watches_what_does_not_come_back_is_told_so(diary: Diary) -> None:
    supervisor = Supervisor(
        "top", [Child("a", diary.failing("a", ValueError()))], backoff=Backoff(initial=50)
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        await trio.sleep(2)
        watch = supervisor.watch("a")
        await supervisor.remove("a")
        with pytest.raises(ActorGone):
            await watch
        supervisor.shut_down()


@in_virtual_time
async def test_children_come_and_go_at_any_time(diary: Diary) -> None:
    supervisor = Supervisor("top", strategy="dynamic")
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        await supervisor.add(Child("a", diary.forever("a")))
        await supervisor.add(Child("b", diary.forever("b")))
        with pytest.raises(DuplicateChild):
            supervisor.add(Child("a", diary.forever("a")))
        await supervisor.restart("a")
        await supervisor.stop("b")
        assert diary.read() == "+a +b -a +a -b"
        assert [node.name for node in supervisor.tree().children] == ["a"]
        supervisor.shut_down()
    with pytest.raises(ActorGone):
        supervisor.add(Child("c", diary.forever("c")))


@in_virtual_time
async def test_an_added_child_that_does_not_start_is_forgotten() -> None:
    async def returns(*, task_status: trio.TaskStatus[None]) -> None:
        pass

    supervisor = Supervisor("top")
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        with pytest.raises(ChildNotStarted, match=r"child 'a' .* OSError: no"):
            await supervisor.add(Child("a", does_not_start))
        with pytest.raises(ChildNotStarted, match="returned before it had started"):
            await supervisor.add(Child("a", returns))
        assert supervisor.tree().children == ()
        supervisor.shut_down()


@in_virtual_time
async def test_a_child_removed_before_its_first_step_never_runs(diary: Diary) -> None:
    supervisor = Supervisor("top")
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        started = supervisor.add(Child("a", diary.forever("a")))
        await supervisor.remove("a")
        assert diary.read() == ""
        with pytest.raises(ChildNotStarted):
            await started
        supervisor.shut_down()


@in_virtual_time
async def test_a_callback_may_fail_and_may_give_orders(
    diary: Diary, caplog: pytest.LogCaptureFixture
) -> None:
    replies: list[Reply[None]] = []

    def note(notice: Notice) -> None:
        if not isinstance(notice, ChildRestarting):
            return
        replies.append(supervisor.remove(notice.name))
        raise RuntimeError("clumsy")

    child = Child("a", diary.failing("a", ValueError()))
    supervisor = Supervisor("top", [child], on_notice=note)
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        await trio.sleep(9)
        assert supervisor.tree().children == ()
        assert replies[0].is_done()
        supervisor.shut_down()
    assert "on_notice failed" in caplog.text


@in_virtual_time
async def test_a_callback_is_never_called_within_itself(diary: Diary) -> None:
    depths: list[int] = []
    depth = 0

    def note(notice: Notice) -> None:
        nonlocal depth
        depth += 1
        depths.append(depth)
        if isinstance(notice, ChildEnd):
            supervisor.shut_down()
        depth -= 1

    children = [Child("a", diary.failing("a", ValueError())), Child("b", diary.forever("b"))]
    supervisor = Supervisor("top", children, strategy="one_for_all", on_notice=note)
    await supervisor.run()
    assert set(depths) == {1}


@in_virtual_time
async def test_a_stop_is_answered_even_if_a_restart_was_asked_for_meanwhile(diary: Diary) -> None:
    supervisor = Supervisor("top", [Child("a", diary.forever("a"))])
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        stopped, started = supervisor.stop("a"), supervisor.restart("a")
        await stopped
        await started
        assert diary.read() == "+a -a +a"
        supervisor.shut_down()


@in_virtual_time
async def test_a_start_reported_late_is_not_that_of_the_next_life() -> None:
    statuses: list[trio.TaskStatus[None]] = []

    async def service(*, task_status: trio.TaskStatus[None]) -> None:
        statuses.append(task_status)
        await trio.sleep_forever()

    supervisor = Supervisor("top", strategy="dynamic")
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        supervisor.add(Child("a", service))
        await trio.sleep(1)
        supervisor.restart("a")
        await trio.sleep(1)
        statuses[0].started()
        assert [node.state for node in supervisor.tree().children] == ["starting"]
        statuses[1].started()
        assert [node.state for node in supervisor.tree().children] == ["running"]
        supervisor.shut_down()


@in_virtual_time
async def test_an_error_is_not_lost_when_it_is_cancelled_while_giving_up(diary: Diary) -> None:
    children = [
        Child("slow", diary.forever("slow", cleanup=9.0)),
        Child("a", diary.failing("a", ValueError())),
    ]
    with pytest.raises(SupervisorGaveUp), trio.move_on_after(5):
        await Supervisor("top", children, intensity=Intensity(0)).run()
    assert diary.read() == "+slow +a -slow"


@in_virtual_time
async def test_an_interrupt_in_a_child_ends_all_in_order_and_goes_on(diary: Diary) -> None:
    async def interrupted() -> None:
        await trio.sleep(1)
        raise KeyboardInterrupt

    children = [Child("a", diary.forever("a", cleanup=1.0)), Child("b", interrupted)]
    with pytest.raises(KeyboardInterrupt):
        await Supervisor("top", children).run()
    assert (diary.read(), trio.current_time()) == ("+a -a", 2.0)


@in_virtual_time
async def test_children_do_not_see_the_context_of_whoever_added_them() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="ours")
    seen: list[str] = []

    async def look() -> None:
        seen.append(variable.get())

    supervisor = Supervisor("top")
    async with trio.open_nursery() as nursery:
        await nursery.start(supervisor.run)
        variable.set("theirs")
        await supervisor.add(Child("a", look, restart="temporary"))
        supervisor.shut_down()
    assert seen == ["ours"]


@in_virtual_time
async def test_it_runs_once_at_a_time_and_again_with_its_first_children(diary: Diary) -> None:
    supervisor = Supervisor("top", [Child("a", diary.forever("a"))])
    for _ in range(2):
        async with trio.open_nursery() as nursery:
            await nursery.start(supervisor.run)
            with pytest.raises(RuntimeError, match="running already"):
                await supervisor.run()
            await supervisor.add(Child("b", diary.forever("b")))
            supervisor.shut_down()
    assert diary.read() == "+a +b -b -a +a +b -b -a"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("start", "not callable"),
        ("restart", "always"),
        ("shutdown", -1.0),
        ("shutdown", "soon"),
        ("intensity", 3),
    ],
)
def test_a_child_that_makes_no_sense_is_refused_by_field_and_value(
    field: str, value: object, diary: Diary
) -> None:
    good: dict[str, object] = {"name": "a", "start": diary.forever("a")}
    with pytest.raises((ValueError, TypeError), match=field) as caught:
        Child(**{**good, field: value})  # type: ignore[arg-type]
    assert repr(value) in str(caught.value)


def test_a_supervisor_that_makes_no_sense_is_refused(diary: Diary) -> None:
    child = Child("a", diary.forever("a"))
    with pytest.raises(DuplicateChild):
        Supervisor("top", [child, child])
    with pytest.raises(ValueError, match=r"strategy.*'two_for_one'"):
        Supervisor("top", strategy="two_for_one")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "error",
    [
        SupervisorGaveUp("top", "a", (ValueError("why"),)),
        ChildNotStarted("top", "a", OSError("no")),
        ChildNotStarted("top", "a"),
        ChildReturned("a", "it was told to end"),
        UnknownChild("top", "a"),
        DuplicateChild("top", "a"),
    ],
)
def test_errors_pickle_and_say_who(error: Exception) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error)
    assert "'a'" in str(copy)


### Random children under random schedules.


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL + 1, "processengine")


@settings(
    max_examples=4 * settings().max_examples,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(plan=chances().map(Plan), schedule=chances())
def test_whatever_children_do_it_ends_in_bounded_time_with_nothing_left(
    plan: Plan, schedule: Random, quiet: None
) -> None:
    play(plan, schedule).check()


def test_schedules_do_vary(quiet: None) -> None:
    """Two children crash at the same moment: whose end comes first is the schedule's choice."""

    async def main(notices: list[Notice]) -> None:
        diary = Diary()
        children = [Child(name, diary.failing(name, ValueError())) for name in "ab"]
        supervisor = Supervisor("top", children, on_notice=notices.append)
        with trio.move_on_after(5):
            await supervisor.run()

    firsts: set[str] = set()
    for seed in range(20):
        notices: list[Notice] = []
        run_virtual(main, notices, seed=seed)
        firsts.add(next(notice.name for notice in notices if isinstance(notice, ChildEnd)))
    assert firsts == {"a", "b"}
