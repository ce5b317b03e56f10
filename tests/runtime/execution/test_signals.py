"""How signals get to those who wait for them. Every play is checked against the reference."""

from processengine.actors import Pause, Resume, Signal
from processengine.runtime.execution import MemoryLimitExceeded, TooManySignals
from processengine.testing import NodeSketch

from ._play import Play, drawn

WAIT = NodeSketch("wait")
CANCEL_REST = NodeSketch(join=1, rest="cancel")


def test_a_signal_lets_the_node_go_that_waits_for_it() -> None:
    play = Play(drawn("a>b", a=WAIT))
    play.waits("a")
    play.signals("other", 1)
    assert play.running == ""
    play.signals("go", 2)
    assert (play.running, play.memory["a"]) == ("b", 2)


def test_a_signal_that_comes_too_early_is_kept() -> None:
    play = Play(drawn("a>b", a=WAIT))
    play.signals("go", "early")
    play.waits("a")
    assert (play.running, play.memory["a"]) == ("b", "early")


def test_signals_are_taken_in_the_order_in_which_they_came() -> None:
    play = Play(drawn("a b", a=WAIT, b=WAIT))
    play.signals("go", "first")
    play.signals("go", "second")
    play.waits("b")
    play.waits("a")
    assert (play.memory["b"], play.memory["a"]) == ("first", "second")


def test_the_node_that_came_first_gets_the_signal() -> None:
    play = Play(drawn("a b", a=WAIT, b=WAIT))
    play.waits("b")
    play.waits("a")
    play.signals("go", "for one")
    assert "a" in play.memory
    assert "b" not in play.memory


def test_a_signal_during_a_pause_is_handed_out_on_resume() -> None:
    play = Play(drawn("a>b", a=WAIT))
    play.waits("a")
    play.says(Pause())
    play.signals("go")
    assert play.phase("a") == "Waiting"
    play.says(Resume())
    assert play.running == "b"


def test_signals_that_nobody_takes_are_refused_when_there_are_too_many() -> None:
    play = Play(drawn("a", a=WAIT))
    for _ in range(3):
        play.signals("other")
    assert [type(answer) for answer in play.answers] == [type(None), type(None), TooManySignals]


def test_a_signal_that_somebody_waits_for_is_never_one_too_many() -> None:
    play = Play(drawn("a>b", a=WAIT))
    play.waits("a")
    for _ in range(2):
        play.signals("other")
    play.signals("go")
    assert play.running == "b"
    assert play.answers == [None] * 3


def test_a_signal_that_does_not_fit_into_the_memory_is_refused() -> None:
    play = Play(drawn("a", a=WAIT))
    play.says(Signal("go", "huge", 2_000))
    assert [type(answer) for answer in play.answers] == [MemoryLimitExceeded]


def test_handing_out_survives_that_the_first_node_takes_the_second_along() -> None:
    """`a` goes on to `c`, which cancels `b` in the middle of the hand-out."""
    play = Play(drawn("a>c b>c", a=WAIT, b=WAIT, c=CANCEL_REST))
    play.waits("a")
    play.waits("b")
    play.says(Pause())
    play.signals("go")
    play.signals("go")
    play.says(Resume())
    assert play.running == "c"
    assert play.ended == ""
