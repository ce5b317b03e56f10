"""What follows when time is up. Every play is checked against the reference as it goes."""

import attrs

from processengine.actors import Pause, Resume
from processengine.runtime.execution import Due, Overdue
from processengine.testing import NodeSketch

from ._play import Play, drawn

DELAY = NodeSketch("delay")
WAIT = NodeSketch("wait", within=5.0)


def test_a_delay_lets_its_token_go_when_it_is_over() -> None:
    play = Play(drawn("a>b", a=DELAY))
    play.delays("a", 10.0)
    assert play.state == "waiting"
    play.waits_until(9.0)
    assert play.running == ""
    play.waits_until(10.0)
    assert play.running == "b"


def test_a_timer_of_another_time_means_nothing() -> None:
    play = Play(drawn("a>b", a=DELAY))
    play.delays("a", 10.0)
    play.post("root", Due(1, 9.0))
    assert play.running == ""


def test_a_wait_that_was_in_vain_leaves_by_port_timeout() -> None:
    play = Play(drawn("a>b a.timeout>c", a=WAIT))
    play.waits("a", 5.0)
    play.waits_until(5.0)
    assert play.running == "c"


def test_a_wait_that_was_in_vain_fails_where_port_timeout_leads_nowhere() -> None:
    play = Play(drawn("a>b", a=WAIT))
    play.waits("a", 5.0)
    play.waits_until(5.0)
    assert (play.ended, play.reason.split(":")[0]) == ("failed", "TimedOut")


def test_a_wait_has_as_long_after_a_pause_as_it_had_before() -> None:
    play = Play(drawn("a>b a.timeout>c", a=WAIT))
    play.waits("a", 5.0)
    play.waits_until(3.0)
    play.says(Pause())
    play.waits_until(100.0)
    play.says(Resume())
    play.waits_until(101.0)
    assert play.phase("a") == "Waiting"
    play.waits_until(102.0)
    assert play.running == "c"


def test_a_pause_may_let_timeouts_run() -> None:
    play = Play(drawn("a>b a.timeout>c", a=WAIT))
    play.waits("a", 5.0)
    play.says(Pause(timeouts="run"))
    play.waits_until(100.0)
    assert play.phase("a") == "Waiting"
    play.says(Resume())
    play.waits_until(100.0)
    assert play.running == "c"


def test_a_delay_goes_on_during_a_pause_but_its_token_does_not() -> None:
    play = Play(drawn("a>b", a=DELAY))
    play.delays("a", 5.0)
    play.says(Pause())
    play.waits_until(10.0)
    assert play.phase("a") == "Delayed"
    play.says(Resume())
    play.waits_until(10.0)
    assert play.running == "b"


def test_a_back_off_goes_on_during_a_pause_but_its_attempt_does_not_start() -> None:
    play = Play(drawn("a", a=NodeSketch(attempts=2, backoff=5.0)))
    play.fails("a", retryable=True)
    play.says(Pause())
    play.waits_until(10.0)
    assert play.phase("a") == "BackingOff"
    play.says(Resume())
    play.waits_until(10.0)
    assert (play.running, play.token("a").attempt) == ("a", 2)


def test_an_execution_that_is_out_of_time_stops_what_runs_and_says_so() -> None:
    play = Play(attrs.evolve(drawn("a"), timeout=10.0))
    play.waits_until(10.0)
    assert play.stopping == "a"
    play.stops("a")
    assert (play.ended, play.reason) == ("timed_out", "the execution's timeout has run out")


def test_the_time_of_an_execution_stands_still_while_it_is_paused() -> None:
    play = Play(attrs.evolve(drawn("a", a=NodeSketch("wait")), timeout=10.0))
    play.waits("a")
    play.waits_until(4.0)
    play.says(Pause())
    play.waits_until(100.0)
    play.says(Resume())
    play.waits_until(105.0)
    assert play.ended == ""
    play.waits_until(106.0)
    assert play.ended == "timed_out"


def test_the_time_of_an_execution_may_run_while_it_is_paused() -> None:
    play = Play(attrs.evolve(drawn("a", a=NodeSketch("wait")), timeout=10.0))
    play.waits("a")
    play.says(Pause(timeouts="run"))
    play.waits_until(10.0)
    assert play.ended == "timed_out"


def test_a_timeout_that_runs_out_in_the_very_moment_of_a_pause_is_not_lost() -> None:
    play = Play(attrs.evolve(drawn("a", a=NodeSketch("wait")), timeout=10.0))
    play.waits("a")
    play.now = 10.0
    play.says(Pause())
    play.waits_until(10.0)
    play.says(Resume())
    play.waits_until(10.0)
    assert play.ended == "timed_out"


def test_an_attempt_that_takes_too_long_is_stopped_and_has_failed_when_it_has_stopped() -> None:
    play = Play(drawn("a a.error>b", a=NodeSketch(timeout=2.0)))
    play.waits_until(2.0)
    assert (play.stopping, play.running) == ("a", "")
    play.stops("a")
    error = play.token("b").error
    assert error is not None
    assert (error.exception, error.message) == ("TimedOut", "no result within 2.0 s")


def test_an_attempt_that_took_too_long_is_tried_again_if_the_policy_says_so() -> None:
    play = Play(drawn("a", a=NodeSketch(timeout=2.0, attempts=2, backoff=1.0)))
    play.waits_until(2.0)
    play.stops("a")
    play.waits_until(3.0)
    assert (play.running, play.token("a").attempt) == ("a", 2)


def test_an_attempt_that_completes_although_it_took_too_long_counts() -> None:
    play = Play(drawn("a>b", a=NodeSketch(timeout=2.0)))
    play.waits_until(2.0)
    play.completes("a")
    assert play.running == "b"


def test_the_timeout_of_an_earlier_attempt_means_nothing() -> None:
    play = Play(drawn("a", a=NodeSketch(timeout=2.0, attempts=2)))
    play.fails("a", retryable=True)
    play.waits_until(0.0)
    play.post("root", Overdue(1, 1, 0.5))
    assert (play.running, play.stopping) == ("a", "")
