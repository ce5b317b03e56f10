"""What follows from children, which are on the same table. Checked against the reference."""

from processengine.actors import Cancel, Pause, Resume
from processengine.testing import NodeSketch

from ._play import Play, drawn

CHILD = NodeSketch("child")
NAPPING = drawn("a", a=NodeSketch("wait"))


def calling(child_waits: bool = False) -> Play:
    """A play in which `a` has called a child."""
    play = Play(drawn("a>b a.error>c", a=CHILD, child=NAPPING if child_waits else drawn("a>b")))
    play.calls("a")
    return play


def test_the_memory_of_a_child_is_the_result_of_its_node() -> None:
    play = calling()
    play.completes_all(play.executions["child"])
    assert play.running == "b"
    assert play.memory["a"] == {"a": "a", "b": "b"}


def test_a_child_that_fails_fails_its_node() -> None:
    play = calling()
    play.fails_child(play.executions["child"])
    error = play.token("c").error
    assert error is not None
    assert error.exception == "ChildFailed"


def test_a_node_whose_child_failed_may_call_another() -> None:
    play = Play(drawn("a>b", a=NodeSketch("child", attempts=2, backoff=1.0), child=drawn("a")))
    play.calls("a", "first")
    play.fails_child(play.executions["first"])
    play.waits_until(1.0)
    play.calls("a", "second")
    play.completes_all(play.executions["second"])
    assert play.running == "b"


def test_a_child_that_somebody_cancels_is_not_called_again() -> None:
    play = Play(drawn("a>b", a=NodeSketch("child", attempts=2), child=NAPPING))
    play.calls("a")
    play.post("child", Cancel("by hand"))
    play.ends_child(play.executions["child"])
    assert play.executions["child"].has_ended
    assert play.ended == "failed"


def test_a_pause_is_complete_when_the_child_is_paused() -> None:
    play = calling()
    play.says(Pause())
    assert play.state == "pausing"
    child = play.executions["child"]
    play.completes_one(child)
    assert child.is_paused
    assert (play.state, play.answers) == ("paused", ["paused"])


def test_a_resume_resumes_the_child() -> None:
    play = calling()
    play.says(Pause())
    child = play.executions["child"]
    play.completes_one(child)
    play.says(Resume())
    assert not child.is_paused
    play.completes_all(child)
    assert play.running == "b"


def test_a_child_that_ends_instead_of_pausing_completes_the_pause() -> None:
    play = calling()
    play.says(Pause())
    child = play.executions["child"]
    play.post("child", Cancel())
    play.ends_child(child)
    assert (play.state, play.phase("c")) == ("paused", "Ready")


def test_a_node_that_would_call_a_child_during_a_pause_calls_it_on_resume() -> None:
    play = Play(drawn("a>b", a=CHILD, child=NAPPING))
    play.says(Pause())
    play.calls("a")
    assert list(play.executions) == ["root"]
    play.says(Resume())
    assert (play.running, play.token("a").attempt) == ("a", 2)


def test_a_cancel_reaches_the_child_which_ends_first() -> None:
    play = calling()
    play.says(Cancel("enough"))
    child = play.executions["child"]
    assert child.told == {1}
    assert play.ended == ""
    play.ends_child(child)
    assert play.ended == "cancelled"


def test_a_child_that_does_not_stop_is_given_up_before_its_parent_is() -> None:
    play = calling()
    play.says(Cancel())
    play.pass_time()  # the grace of the parent
    assert play.ended == ""
    play.pass_time()  # the grace of the child
    assert play.ended == "cancelled"
    assert play.executions["child"].has_ended


def test_news_of_a_child_that_is_not_called_any_more_mean_nothing() -> None:
    play = Play(drawn("a>b", a=NodeSketch("child", attempts=2, backoff=9.0), child=drawn("a")))
    play.calls("a", "first")
    play.fails_child(play.executions["first"])
    ended = play.root.records[-1][1]
    play.post("root", ended)
    assert play.phase("a") == "BackingOff"
