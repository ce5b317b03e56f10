"""What control messages do. Every play is checked against the reference as it goes."""

from processengine.actors import (
    ActorGone,
    Cancel,
    Pause,
    Query,
    Resume,
    Retry,
    Signal,
    Skip,
    Update,
)
from processengine.runtime.execution import MemoryLimitExceeded, NoSuchVariable, NotAtNode
from processengine.testing import NodeSketch

from ._play import Play, drawn

WAIT = NodeSketch("wait")
CHAIN = drawn("a>b")
CANCEL_REST = NodeSketch(join=1, rest="cancel")


def types(answers: list[object]) -> list[type]:
    return [type(answer) for answer in answers]


# Pause and resume


def test_a_pause_is_answered_when_nothing_is_in_flight_any_more() -> None:
    play = Play(CHAIN)
    play.says(Pause())
    assert (play.state, play.answers) == ("pausing", [])
    play.completes("a")
    assert (play.state, play.answers) == ("paused", ["paused"])
    assert play.phase("b") == "Ready"


def test_what_a_pause_held_back_starts_on_resume() -> None:
    play = Play(CHAIN)
    play.says(Pause())
    play.completes("a")
    play.says(Resume())
    assert play.running == "b"
    assert play.answers == ["paused", "running"]


def test_an_idle_execution_is_paused_at_once() -> None:
    play = Play(drawn("a", a=WAIT))
    play.waits("a")
    assert play.state == "waiting"
    play.says(Pause(), Pause(), Resume(), Resume())
    assert play.answers == ["paused", "paused", "waiting", "waiting"]


def test_a_queued_execution_may_be_paused_resumed_and_cancelled() -> None:
    play = Play(CHAIN, is_queued=True)
    play.says(Pause())
    assert play.state == "paused"
    play.says(Resume())
    assert play.state == "queued"
    play.says(Cancel("never mind"))
    assert play.answers == ["paused", "queued", "cancelled"]


def test_an_execution_that_was_paused_in_the_queue_begins_paused() -> None:
    play = Play(CHAIN, is_queued=True)
    play.says(Pause())
    play.begin()
    assert (play.state, play.phase("a")) == ("paused", "Ready")
    play.says(Resume())
    assert play.running == "a"


def test_a_resume_of_what_still_drains_waits_for_the_pause() -> None:
    play = Play(CHAIN)
    play.says(Pause(), Resume())
    assert play.answers == []
    play.completes("a")
    assert play.answers == ["paused", "running"]
    assert play.running == "b"


def test_messages_that_wait_for_a_pause_are_taken_in_their_order() -> None:
    play = Play(CHAIN)
    play.says(Pause(), Resume(), Pause())
    play.completes("a")
    assert play.answers == ["paused", "running"]
    assert play.state == "pausing"
    play.completes("b")
    assert play.answers == ["paused", "running", "completed"]


def test_an_interrupting_pause_stops_attempts_and_starts_them_again_on_resume() -> None:
    play = Play(CHAIN)
    play.says(Pause("interrupt"))
    assert play.stopping == "a"
    play.stops("a")
    assert (play.state, play.phase("a")) == ("paused", "Ready")
    play.says(Resume())
    assert (play.running, play.token("a").attempt) == ("a", 2)


def test_an_interrupting_pause_hurries_one_that_drains() -> None:
    play = Play(CHAIN)
    play.says(Pause())
    assert play.stopping == ""
    play.says(Pause("interrupt"))
    assert play.stopping == "a"
    play.stops("a")
    assert play.answers == ["paused", "paused"]


def test_an_interrupting_pause_hurries_a_child_that_drains() -> None:
    play = Play(drawn("a", a=NodeSketch("child"), child=CHAIN))
    play.calls("a")
    child = play.executions["child"]
    play.says(Pause())
    assert child.told == set()
    play.says(Pause("interrupt"))
    assert child.told == {1}


def test_an_attempt_that_completes_although_it_was_interrupted_counts() -> None:
    play = Play(CHAIN)
    play.says(Pause("interrupt"))
    play.completes("a")
    assert (play.state, play.phase("b")) == ("paused", "Ready")


def test_an_attempt_that_fails_because_it_was_interrupted_has_not_failed() -> None:
    play = Play(CHAIN)
    play.says(Pause("interrupt"))
    play.fails("a")
    play.says(Resume())
    assert (play.running, play.token("a").failures) == ("a", 0)


def test_an_execution_that_ends_before_it_is_paused_answers_with_its_end() -> None:
    play = Play(drawn("a"))
    play.says(Pause(), Resume())
    play.completes("a")
    assert play.answers == ["completed", "completed"]


def test_a_resume_that_moves_the_last_token_ends_the_execution() -> None:
    """The signal came while it drained; the resume behind it hands it out, and nothing is left."""
    play = Play(drawn("a b", b=WAIT))
    play.waits("b")
    play.says(Pause())
    play.signals("go")
    play.says(Resume())
    play.completes("a")
    assert play.ended == "completed"


# Cancel


def test_a_cancel_stops_attempts_and_ends_when_they_have_stopped() -> None:
    play = Play(drawn("a b"))
    play.says(Cancel("enough"))
    assert (play.stopping, play.ended) == ("ab", "")
    play.stops("a")
    play.fails("b")
    assert (play.ended, play.reason) == ("cancelled", "enough")
    assert play.answers == ["cancelled"]


def test_a_cancel_ends_at_once_what_has_nothing_in_flight() -> None:
    play = Play(drawn("a", a=WAIT))
    play.waits("a")
    play.says(Cancel())
    assert play.ended == "cancelled"


def test_a_cancel_keeps_the_first_reason_and_answers_everybody() -> None:
    play = Play(CHAIN)
    play.says(Cancel("first"), Cancel("second"), Pause(), Resume())
    play.stops("a")
    assert play.reason == "first"
    assert play.answers == ["cancelled"] * 4


def test_a_cancel_beats_a_pause_and_the_resume_behind_it() -> None:
    play = Play(CHAIN)
    play.says(Pause(), Resume(), Cancel())
    play.stops("a")
    assert play.answers == ["cancelled"] * 3


def test_what_completes_although_it_was_cancelled_is_in_the_memory() -> None:
    play = Play(CHAIN)
    play.says(Cancel())
    play.completes("a")
    assert (play.ended, play.memory["a"]) == ("cancelled", "a")


def test_an_attempt_that_does_not_stop_is_given_up_after_the_grace() -> None:
    play = Play(CHAIN)
    play.says(Cancel())
    play.waits_until(3.0)
    assert (play.ended, play.answers) == ("cancelled", ["cancelled"])


def test_what_an_abandoned_attempt_returns_in_the_end_is_dropped() -> None:
    play = Play(CHAIN)
    token = play.token("a")
    play.says(Cancel())
    play.waits_until(3.0)
    play.root.attempts[token.step] = token
    play.completes("a")
    assert "a" not in play.memory


def test_an_execution_that_is_ending_takes_neither_signals_nor_updates() -> None:
    play = Play(CHAIN)
    play.says(Cancel(), Signal("go"), Update({"x": 1}), Query())
    assert types(play.answers) == [ActorGone, ActorGone, dict]


def test_everything_is_answered_after_the_end() -> None:
    play = Play(drawn("a"))
    play.completes("a")
    play.says(Pause(), Resume(), Cancel())
    assert play.answers == ["completed"] * 3
    play.answers.clear()
    play.says(Query(), Retry("a"), Skip("a"), Signal("go"), Update({}))
    assert types(play.answers) == [ActorGone] * 5


# Retry and skip


def test_a_retry_cuts_a_back_off_short() -> None:
    play = Play(drawn("a", a=NodeSketch(attempts=2, backoff=20.0)))
    play.fails("a", retryable=True)
    assert play.phase("a") == "BackingOff"
    play.says(Retry("a"))
    assert (play.running, play.token("a").attempt) == ("a", 2)


def test_a_retry_interrupts_an_attempt_and_begins_anew() -> None:
    play = Play(drawn("a"))
    play.says(Retry("a"))
    assert play.stopping == "a"
    play.stops("a")
    assert (play.running, play.token("a").attempt, play.token("a").failures) == ("a", 2, 0)


def test_a_retry_during_a_pause_waits_for_the_resume() -> None:
    play = Play(drawn("a", a=NodeSketch(attempts=2, backoff=20.0)))
    play.fails("a", retryable=True)
    play.says(Pause(), Retry("a"))
    assert play.phase("a") == "Ready"
    play.says(Resume())
    assert play.running == "a"


def test_a_retry_of_a_node_where_there_is_none_is_refused() -> None:
    play = Play(drawn("a>b", a=WAIT))
    play.waits("a")
    play.says(Retry("a"), Retry("b"), Retry("nowhere"))
    assert types(play.answers) == [NotAtNode] * 3


def test_a_skip_leaves_a_running_node_by_out_once_it_has_stopped() -> None:
    play = Play(CHAIN)
    play.says(Skip("a"))
    assert play.stopping == "a"
    play.stops("a")
    assert play.running == "b"
    assert "a" not in play.memory


def test_a_skip_leaves_a_waiting_node_at_once() -> None:
    play = Play(drawn("a>b", a=WAIT))
    play.waits("a")
    play.says(Skip("a"))
    assert play.running == "b"


def test_a_skip_during_a_pause_moves_the_token_but_starts_nothing() -> None:
    play = Play(drawn("a>b b>c"))
    play.says(Pause())
    play.completes("a")
    play.says(Skip("b"))
    assert (play.state, play.phase("c")) == ("paused", "Ready")


def test_a_skip_of_an_each_node_drops_its_items() -> None:
    play = Play(drawn("a>b", a=NodeSketch("each")))
    play.lists("a", 2)
    play.says(Skip("a"))
    assert play.stopping == "aa"
    play.stops("aa")
    assert play.running == "b"


def test_a_skip_of_an_each_node_that_is_failing_comes_too_late() -> None:
    play = Play(drawn("a>b a.error>c", a=NodeSketch("each")))
    play.lists("a", 2)
    play.fails("a")
    play.says(Skip("a"))
    play.stops("a")
    assert play.running == "c"


def test_a_skip_of_a_process_node_cancels_the_child_and_goes_on_after_it() -> None:
    play = Play(drawn("a>b", a=NodeSketch("child"), child=CHAIN))
    play.calls("a")
    play.says(Skip("a"))
    assert play.running == ""
    play.ends_child(play.executions["child"])
    assert play.running == "b"


def test_a_skip_survives_that_the_first_token_takes_the_second_along() -> None:
    """Both wait at `b`; skipping one fires `c`, which cancels the other."""
    waiting = NodeSketch("wait", join="each")
    play = Play(drawn("a>b d>b b>c b.timeout>e e>c", b=waiting, c=CANCEL_REST))
    play.completes("ad")
    play.waits("b")
    play.waits("b")
    play.says(Skip("b"))
    assert play.answers == [None]
    assert play.running == "c"


def test_a_skip_of_a_node_where_nothing_is_is_refused_and_says_where_control_is() -> None:
    play = Play(CHAIN)
    play.says(Skip("b"))
    assert str(play.answers[0]) == "cannot skip node 'b'; control is at a"


# Memory


def test_an_update_is_written_whole_or_not_at_all() -> None:
    play = Play(CHAIN)
    play.says(Update({"x": "small", "y": "large"}, {"x": 10, "y": 2_000}))
    assert types(play.answers) == [MemoryLimitExceeded]
    assert play.memory == {"input": "given"}
    play.says(Update({"x": "small", "y": "fits"}, {"x": 10, "y": 990}))
    assert play.answers[1] is None
    assert (play.memory["y"], play.root.state.memory_size) == ("fits", 1_000)


def test_a_variable_that_is_written_anew_gives_its_bytes_back() -> None:
    play = Play(CHAIN)
    play.says(Update({"x": 1}, {"x": 900}), Update({"x": 2}, {"x": 800}), Update({"x": 3}))
    assert play.root.state.memory_size == 0


def test_a_query_reads_all_variables_or_those_it_names() -> None:
    play = Play(CHAIN)
    play.says(Update({"x": 1}), Query(("x",)), Query(), Query(("x", "y")))
    assert play.answers[1:3] == [{"x": 1}, {"input": "given", "x": 1}]
    assert types(play.answers[3:]) == [NoSuchVariable]
