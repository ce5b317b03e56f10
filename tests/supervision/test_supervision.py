"""The decisions of a supervisor, example by example."""

from __future__ import annotations

import pytest

from processengine.actors import ActorGone
from processengine.supervision import Intensity
from processengine.supervision._actions import Finish, Ready, Start, Stop
from processengine.supervision._backoff import AT_ONCE, Backoff
from processengine.supervision._child import Child
from processengine.supervision._errors import (
    ChildNotStarted,
    ChildReturned,
    DuplicateChild,
    SupervisorGaveUp,
    UnknownChild,
)
from processengine.supervision._notices import ChildEnd, ChildGivenUp, ChildRestarting
from processengine.supervision._policy import Policy
from processengine.supervision._strategy import Strategy
from processengine.supervision._supervision import Supervision

from ._driver import PATIENT, Driver, make, service, words


def test_children_start_in_order_each_when_the_one_before_has_started() -> None:
    supervision = make("ab")
    first = supervision.start(0.0)
    assert [type(action) for action in first] == [Start]
    second = supervision.started("a", 1.0)
    assert [action.child.name for action in second if isinstance(action, Start)] == ["b"]
    assert any(isinstance(action, Ready) for action in supervision.started("b", 2.0))


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("one_for_one", "+b"),
        ("dynamic", "+b"),
        ("rest_for_one", "-c +b +c"),
        ("one_for_all", "-c -a +a +b +c"),
    ],
)
def test_a_crash_restarts_the_group_of_the_strategy(strategy: Strategy, expected: str) -> None:
    driver = Driver(make(strategy=strategy)).begun()
    driver.crash("b")
    assert words(driver.trace) == expected


def test_as_many_restarts_as_the_intensity_allows_and_not_one_more() -> None:
    driver = Driver(make(intensity=Intensity(2, 5.0))).begun()
    errors = [ValueError(number) for number in range(3)]
    driver.crash("a", errors[0])
    driver.crash("b", errors[1])
    assert not driver.is_over()
    driver.now = 5.0
    driver.crash("a", errors[2])
    assert driver.finish is not None
    gave_up = driver.finish.error
    assert isinstance(gave_up, SupervisorGaveUp)
    assert gave_up.causes == tuple(errors)
    assert words(driver.trace) == "+a +b -c -b"


def test_restarts_that_are_too_old_do_not_count_nor_are_they_causes() -> None:
    driver = Driver(make(intensity=Intensity(1, 5.0))).begun()
    driver.crash("a")
    driver.now = 5.1
    late, last = ValueError("late"), ValueError("last")
    driver.crash("a", late)
    assert not driver.is_over()
    driver.crash("a", last)
    assert driver.finish is not None
    assert isinstance(driver.finish.error, SupervisorGaveUp)
    assert driver.finish.error.causes == (late, last)


def test_a_child_may_be_allowed_less_than_its_supervisor() -> None:
    child = Child("strict", service, intensity=Intensity(1, 5.0))
    policy = Policy(intensity=PATIENT, backoff=AT_ONCE)
    driver = Driver(Supervision("top", [child, Child("other", service)], policy)).begun()
    for name in ("other", "other", "strict"):
        driver.crash(name)
    assert not driver.is_over()
    driver.crash("strict")
    assert driver.finish is not None


def test_a_dynamic_child_beyond_its_own_intensity_is_given_up_alone() -> None:
    policy = Policy(strategy="dynamic", intensity=PATIENT, backoff=AT_ONCE)
    driver = Driver(Supervision("top", [Child("other", service)], policy)).begun()
    poison = Child("poison", service, intensity=Intensity(0))
    driver.take(driver.supervision.add(poison, 0.0))
    error = ValueError("bad")
    driver.crash("poison", error)
    assert not driver.is_over()
    assert driver.notices[-1] == ChildGivenUp("poison", 0.0, (error,))
    assert [member.child.name for member in driver.supervision.roster] == ["other"]


def test_a_child_that_fails_to_start_at_the_beginning_ends_all_in_reverse() -> None:
    driver = Driver(make(), failing={"c": 1})
    driver.take(driver.supervision.start(0.0))
    assert words(driver.trace) == "+a +b +c -b -a"
    assert driver.finish is not None
    assert isinstance(driver.finish.error, ChildNotStarted)
    assert not driver.is_ready


def test_a_start_that_fails_during_a_restart_counts_as_another_restart() -> None:
    driver = Driver(make(strategy="one_for_all", intensity=Intensity(2, 5.0))).begun()
    driver.failing["b"] = 1
    driver.crash("c")
    assert words(driver.trace) == "-b -a +a +b -a +a +b +c"
    assert not driver.is_over()
    driver.failing["b"] = 1
    driver.crash("c")
    assert driver.finish is not None
    assert isinstance(driver.finish.error, SupervisorGaveUp)


def test_a_sibling_that_crashes_while_it_is_to_be_stopped_is_no_second_restart() -> None:
    supervision = make("abc", "one_for_all", Intensity(1, 5.0))
    driver = Driver(supervision).begun()
    actions = supervision.ended("a", 0.0, error=ValueError())
    assert [action.name for action in actions if isinstance(action, Stop)] == ["c"]
    supervision.ended("b", 0.0, error=ValueError())  # condemned, and not asked yet
    driver.take(supervision.ended("c", 0.0, error=ValueError()))
    assert not driver.is_over()
    assert words(driver.trace) == "+a +b +c"


def test_a_crash_before_the_others_have_started_again_begins_the_restart_anew() -> None:
    supervision = make("abc", "one_for_all")
    driver = Driver(supervision).begun()
    supervision.ended("b", 0.0, error=ValueError())
    supervision.ended("c", 0.0)
    supervision.ended("a", 0.0)
    supervision.started("a", 0.0)
    driver.take(supervision.ended("a", 0.0, error=ValueError()))  # while b is starting
    assert words(driver.trace) == "-b +a +b +c"
    assert [type(notice) for notice in driver.notices].count(ChildRestarting) == 1


def test_a_permanent_child_that_returns_is_restarted_and_told_apart_from_a_crash() -> None:
    driver = Driver(make(intensity=Intensity(0))).begun()
    driver.take(driver.supervision.ended("a", 0.0))
    assert driver.notices[-3] == ChildEnd("a", "normal", None, 0.0)
    assert driver.finish is not None
    assert isinstance(driver.finish.error, SupervisorGaveUp)
    assert isinstance(driver.finish.error.causes[0], ChildReturned)


def test_the_whole_group_waits_for_the_back_off() -> None:
    backoff = Backoff(initial=4.0, multiplier=1, jitter=0.5)
    supervision = make("ab", "one_for_all", backoff=backoff)
    driver = Driver(supervision).begun()
    driver.take(supervision.ended("b", 0.0, error=ValueError()))
    assert supervision.due() == 4.0
    assert words(driver.trace) == "-a"
    driver.take(supervision.wake(3.9))
    assert words(driver.trace) == "-a"
    driver.now = 4.0
    driver.take(supervision.wake(4.0))
    assert words(driver.trace) == "-a +a +b"


def test_back_off_grows_until_a_child_has_been_healthy() -> None:
    backoff = Backoff(initial=1.0, jitter=0.0, healthy=10.0)
    supervision = make("a", backoff=backoff)
    driver = Driver(supervision).begun()
    delays: list[float] = []
    for pause in (0.0, 9.0, 9.0, 10.0):
        driver.now += pause
        driver.crash("a")
        due = supervision.due()
        assert due is not None
        delays.append(due - driver.now)
        driver.now = due
        driver.take(supervision.wake(due))
    assert delays == [1.0, 2.0, 4.0, 1.0]


def test_by_hand_children_are_added_stopped_restarted_and_removed() -> None:
    driver = Driver(make("a", "one_for_all")).begun()
    supervision = driver.supervision
    driver.take(supervision.add(Child("b", service), 0.0))
    driver.take(supervision.stop("a", 0.0))
    driver.take(supervision.restart("a", 0.0))
    driver.take(supervision.restart("b", 0.0))
    driver.take(supervision.remove("a", 0.0))
    assert words(driver.trace) == "+b -a +a -b +b -a"
    with pytest.raises(UnknownChild):
        supervision.stop("a", 0.0)
    with pytest.raises(DuplicateChild):
        supervision.add(Child("b", service), 0.0)


def test_a_child_that_is_being_removed_does_not_come_back_with_its_group() -> None:
    supervision = make("ab", "one_for_all")
    driver = Driver(supervision).begun()
    supervision.remove("a", 0.0)
    driver.crash("b")
    driver.take(supervision.ended("a", 0.0))
    assert words(driver.trace) == "+b"
    assert [member.child.name for member in supervision.roster] == ["b"]


def test_a_restart_by_hand_cuts_the_back_off_short() -> None:
    driver = Driver(make("a", backoff=Backoff(initial=9.0))).begun()
    driver.crash("a")
    driver.take(driver.supervision.restart("a", 1.0))
    assert words(driver.trace) == "+a"


def test_once_it_is_told_to_end_nothing_starts_and_nothing_is_taken() -> None:
    supervision = make("ab", backoff=Backoff(initial=9.0))
    driver = Driver(supervision).begun()
    driver.crash("a")
    driver.take(supervision.shut_down(1.0))
    driver.take(supervision.wake(99.0))
    assert words(driver.trace) == "-b"
    assert driver.finish == Finish(None)
    with pytest.raises(ActorGone):
        supervision.add(Child("c", service), 99.0)


def test_dynamic_children_are_stopped_all_at_once() -> None:
    driver = Driver(make("abc", "dynamic")).begun()
    stops = [action for action in driver.supervision.shut_down(0.0) if isinstance(action, Stop)]
    assert [stop.name for stop in stops] == ["c", "b", "a"]
