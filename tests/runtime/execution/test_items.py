"""Each nodes: a token an item. Every play is checked against the reference as it goes."""

from processengine.actors import Cancel, Pause, Resume, Retry
from processengine.testing import NodeSketch

from ._play import Play, drawn

EACH = NodeSketch("each")


def indices(play: Play) -> list[int]:
    """The items with an attempt under way."""
    return [token.item.index for token in play.root.attempts.values() if token.item is not None]


def test_every_item_starts_at_once_without_a_bound() -> None:
    play = Play(drawn("a>b", a=EACH))
    play.lists("a", 3)
    assert indices(play) == [0, 1, 2]


def test_as_many_items_as_allowed_run_at_once() -> None:
    play = Play(drawn("a>b", a=NodeSketch("each", limit=2)))
    play.lists("a", 4)
    assert indices(play) == [0, 1]
    play.completes("a")
    assert indices(play) == [1, 2]


def test_results_come_in_the_order_of_the_items() -> None:
    play = Play(drawn("a>b", a=EACH))
    play.lists("a", 3)
    for token in reversed(list(play.root.attempts.values())):
        play.completes_step(token.step, f"result {token.item and token.item.index}")
    assert play.running == "b"
    assert play.memory["a"] == ["result 0", "result 1", "result 2"]


def test_a_list_without_items_is_done_at_once() -> None:
    play = Play(drawn("a>b", a=EACH))
    play.lists("a", 0)
    assert (play.running, play.memory["a"]) == ("b", [])


def test_an_item_that_fails_stops_the_others_and_then_fails_the_node() -> None:
    play = Play(drawn("a>b a.error>c", a=EACH))
    play.lists("a", 3)
    play.fails("a")
    assert (play.stopping, play.running) == ("aa", "")
    play.stops("aa")
    error = play.token("c").error
    assert error is not None
    assert (error.node, error.item) == ("a", 0)


def test_an_item_that_completes_after_another_has_failed_does_not_save_the_node() -> None:
    play = Play(drawn("a>b a.error>c", a=NodeSketch("each", limit=2)))
    play.lists("a", 3)
    play.fails("a")
    play.completes("a")
    assert play.running == "c"


def test_an_item_is_tried_again_by_itself() -> None:
    play = Play(drawn("a>b", a=NodeSketch("each", attempts=2, backoff=1.0)))
    play.lists("a", 2)
    play.fails("a", retryable=True)
    play.completes("a")
    play.waits_until(1.0)
    assert indices(play) == [0]
    play.completes("a")
    assert play.running == "b"


def test_an_item_that_backs_off_is_dropped_at_once_when_another_fails() -> None:
    play = Play(drawn("a>b a.error>c", a=NodeSketch("each", attempts=2, backoff=9.0)))
    play.lists("a", 2)
    play.fails("a", retryable=True)
    play.fails("a")
    assert play.running == "c"


def test_items_that_a_pause_interrupts_start_again_on_resume() -> None:
    play = Play(drawn("a>b", a=EACH))
    play.lists("a", 2)
    play.completes("a")
    play.says(Pause("interrupt"))
    play.stops("a")
    play.says(Resume())
    assert indices(play) == [1]


def test_a_retry_of_the_node_begins_its_running_items_anew() -> None:
    play = Play(drawn("a>b", a=EACH))
    play.lists("a", 2)
    play.says(Retry("a"))
    assert play.stopping == "aa"
    play.stops("aa")
    assert indices(play) == [0, 1]


def test_a_cancel_waits_for_the_items_to_stop() -> None:
    play = Play(drawn("a>b", a=EACH))
    play.lists("a", 2)
    play.says(Cancel())
    play.stops("a")
    assert play.ended == ""
    play.stops("a")
    assert play.ended == "cancelled"
