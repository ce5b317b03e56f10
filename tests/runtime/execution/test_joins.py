"""What joins mean, case by case. Every play is checked against the reference as it goes."""

from processengine.runtime.execution import CountJoin, Lists
from processengine.testing import NodeSketch

from ._play import Play, drawn

ANY = NodeSketch(join="any")
ANY_CANCEL = NodeSketch(join=1, rest="cancel")
TWO = NodeSketch(join=2)
TWO_CANCEL = NodeSketch(join=2, rest="cancel")
SWITCH = NodeSketch("switch")
FAN = NodeSketch("fan")
WAIT = NodeSketch("wait")
EACH = NodeSketch(join="each")

# All


def test_a_join_waits_for_every_branch() -> None:
    play = Play(drawn("a>b a>c b>d c>d"))
    play.completes("a")
    assert play.running == "bc"
    play.completes("b")
    assert play.running == "c"
    play.completes("c")
    assert play.running == "d"


def test_a_branch_that_was_not_taken_is_not_waited_for() -> None:
    play = Play(drawn("a.left>b a.right>c b>d c>d", a=SWITCH))
    play.chooses("a", "left")
    play.completes("b")
    assert play.running == "d"


def test_a_branch_that_dies_on_its_way_is_not_waited_for() -> None:
    play = Play(drawn("a>b a>c b>d c.other>d"))
    play.completes("abc")
    assert play.running == "d"


def test_a_branch_that_fails_into_an_error_handler_is_not_waited_for() -> None:
    play = Play(drawn("a>b a>c b>d c>d c.error>e"))
    play.completes("ab")
    play.fails("c")
    assert play.running == "ed"


def test_the_way_back_of_a_loop_is_not_waited_for() -> None:
    play = Play(drawn("a>b b.left>b b.right>c", b=SWITCH, start="a"))
    play.completes("a")
    assert play.running == "b"
    play.chooses("b", "left")
    assert play.running == "b"
    play.chooses("b", "right")
    assert play.running == "c"


def test_a_second_token_on_a_connection_waits_for_the_next_firing() -> None:
    play = Play(drawn("a>b b>d c>d a>e e>b", b=EACH, start="ac"))
    play.completes("a")
    play.completes("b")
    play.completes("e")
    play.completes("b")
    assert play.running == "c"
    play.completes("c")
    assert play.running == "dd"


def test_a_joined_node_gets_the_error_that_was_brought_first() -> None:
    play = Play(drawn("a.error>c b>c", start="ab"))
    play.fails("a")
    play.completes("b")
    error = play.token("c").error
    assert error is not None
    assert error.node == "a"


def test_an_error_that_comes_later_does_not_hide_the_first() -> None:
    play = Play(drawn("a.error>d a>d b.error>d b>d c>d", start="abc"))
    play.fails("b")
    play.fails("a")
    play.completes("c")
    error = play.token("d").error
    assert error is not None
    assert error.node == "b"


def test_of_joins_that_wait_for_each_other_the_first_to_be_reached_fires() -> None:
    play = Play(drawn("a>c b>d c>d d>c", start="ab"))
    play.completes("b")  # reaches d
    play.completes("a")  # reaches c
    assert play.running == "d"


def test_a_join_that_merely_waits_for_a_knot_is_left_waiting() -> None:
    play = Play(drawn("a>e a>c b>d c>d d>c d>e", start="ab"))
    play.completes("a")  # reaches e first, but e is no part of the knot of c and d
    play.completes("b")
    assert play.running == "c"
    play.completes("c")
    assert play.running == "d"
    play.completes("d")
    assert play.running == "ec"


def test_a_start_is_a_connection_like_any_other() -> None:
    play = Play(drawn("a>b", start="ab"))
    assert play.running == "a"
    play.completes("a")
    assert play.running == "b"


# Counts


def test_any_fires_on_the_first_token_and_absorbs_the_rest() -> None:
    play = Play(drawn("a>c b>c c>d", start="ab", c=ANY))
    play.completes("a")
    assert play.running == "bc"
    play.completes("b")
    assert play.running == "c"
    play.completes("c")
    play.completes("d")
    assert play.ended == "completed"


def test_a_count_fires_on_the_token_that_completes_it() -> None:
    play = Play(drawn("a>d b>d c>d", start="abc", d=TWO))
    play.completes("a")
    assert play.running == "bc"
    play.completes("c")
    assert play.running == "bd"
    play.completes("b")
    assert play.running == "d"


def test_the_second_token_on_a_connection_begins_a_second_round() -> None:
    play = Play(drawn("a>b e>b b>d c>d", start="aec", b=EACH, d=ANY))
    play.completes("a")
    play.completes("b")
    assert play.running == "ecd"
    play.completes("e")
    play.completes("b")
    assert play.running == "cdd"
    play.completes("c")
    assert play.running == "dd"


def test_a_loop_begins_a_new_round() -> None:
    play = Play(drawn("a>b b.left>c c>b b.right>d", start="a", b=NodeSketch("switch", join="any")))
    play.completes("a")
    for _ in range(3):
        play.chooses("b", "left")
        play.completes("c")
    assert play.running == "b"


def test_a_count_that_cannot_be_reached_fails_and_names_what_is_missing() -> None:
    play = Play(drawn("a.left>b a.right>c b>d c>d", a=SWITCH, d=TWO))
    play.chooses("a", "left")
    play.completes("b")
    assert play.ended == "failed"
    assert play.reason == "join 'd' needs 2 tokens, got 1, and nothing can come any more from c"


def test_nothing_starts_in_the_turn_in_which_a_count_fails() -> None:
    play = Play(drawn("a>c b.left>d b.right>c", start="ab", c=TWO, b=SWITCH))
    play.completes("a")
    play.chooses("b", "left")
    assert play.running == ""
    assert [token.node.name for token in play.root.attempts.values()] == ["d"]
    assert play.stopping == "d"


def test_a_count_waits_for_a_join_that_waits_for_it() -> None:
    """Reaching `c` needs `d`, which needs nothing but that `c` cannot come before it."""
    play = Play(
        drawn("a>c b>c b.other>f d>c c>d e>d", start="abe", c=NodeSketch(join=3), d=NodeSketch())
    )
    play.completes("a")
    play.completes("e")
    assert play.running == "b"
    play.completes("b")
    assert play.running == "d"
    play.completes("d")
    assert play.running == "c"


def test_counts_that_wait_only_for_each_other_fail() -> None:
    play = Play(drawn("a>b b>a", start="ab", a=TWO, b=TWO))
    assert play.ended == "failed"
    assert play.reason == "join 'a' needs 2 tokens, got 1, and nothing can come any more from b"


# Cancelling the rest


def test_a_count_may_cancel_those_that_could_still_come() -> None:
    play = Play(drawn("a>d b>d c>e", start="abc", d=ANY_CANCEL))
    play.completes("a")
    assert play.running == "cd"
    assert play.stopping == "b"
    play.stops("b")
    play.completes("cde")
    assert play.ended == "completed"


def test_cancelling_takes_back_tokens_that_wait_at_other_joins() -> None:
    play = Play(drawn("a>d b>c e>c c>d", start="abe", d=ANY_CANCEL))
    play.completes("b")  # waits at c
    play.completes("a")
    assert play.running == "d"
    play.stops("e")
    assert play.running == "d"


def test_cancelling_takes_back_tokens_of_other_counts() -> None:
    play = Play(drawn("a>d b>c e>c c>d", start="abe", c=TWO, d=ANY_CANCEL))
    play.completes("b")
    play.completes("a")
    play.stops("e")
    assert play.running == "d"
    play.completes("d")
    assert play.ended == "completed"


def test_a_token_that_comes_after_all_is_absorbed() -> None:
    """Both ports lead to the join in one turn: the second token is no second round."""
    play = Play(drawn("a.left>b a.right>b", a=FAN, b=ANY_CANCEL))
    play.chooses("a", "left", "right")
    assert play.running == "b"


def test_cancelling_spares_what_cannot_come_to_this_join() -> None:
    play = Play(drawn("a>c b>c a>d", start="ab", c=ANY_CANCEL))
    play.completes("a")
    assert play.running == "cd"
    assert play.stopping == "b"


def test_cancelling_drops_the_items_of_an_each_node() -> None:
    play = Play(drawn("a>c b>c", start="ab", b=NodeSketch("each"), c=ANY_CANCEL))
    play.lists("b", 2)
    play.completes("a")
    assert play.stopping == "bb"
    play.stops("bb")
    play.completes("c")
    assert play.ended == "completed"


# Rounds that are over


def test_a_round_stays_open_for_a_token_that_waits_at_another_join() -> None:
    """`b` waits at `d` as `f` fires twice; what comes from `d` belongs to the first of the two."""
    play = Play(drawn("a>e c>e e>f b>d g>d d>f", start="acbg", e=EACH, f=ANY))
    play.completes("b")
    play.completes("a")
    play.completes("e")
    play.completes("c")
    play.completes("e")
    assert play.running == "gff"
    play.completes("g")
    play.completes("d")
    assert play.running == "ff"


def test_a_round_stays_open_for_a_token_on_its_way_in_the_same_turn() -> None:
    """`a` sends to `b` and to itself at once; its next token belongs to the rounds of before."""
    play = Play(drawn("a>b a>a a.other>b", start="a", b=ANY))
    play.completes("a")
    play.completes("a")
    assert play.running == "bba"
    play.completes("a", "other")
    assert play.running == "bb"


# Each


def test_a_node_that_joins_each_runs_for_every_token() -> None:
    play = Play(drawn("a>c b>c", start="ab", c=EACH))
    play.completes("ab")
    assert play.running == "cc"


def test_items_are_no_tokens_that_a_join_could_wait_for() -> None:
    play = Play(drawn("a>c b>c", start="ab", a=NodeSketch("each")))
    play.completes("b")
    play.lists("a", 3)
    play.completes("aaa")
    assert play.running == "c"
    assert Lists in {type(message) for _, message, _ in play.root.records}


# Looking again: a join that waits is examined when, and only when, something has changed for it


def test_a_join_fires_when_the_last_connection_that_could_deliver_has() -> None:
    """Another token is still at `b`, but it could only come by the connection that is taken."""
    play = Play(drawn("a>d b>d c>d e>b f>b f.other>c", start="aef", b=EACH))
    play.completes("aef")
    assert play.running == "bb"
    play.completes("b")
    assert play.running == "bd"


def test_a_join_does_not_wait_for_a_token_that_was_told_to_stop() -> None:
    play = Play(drawn("a>c b>c b>d e>d", start="abe", c=ANY_CANCEL))
    play.completes("e")
    assert play.running == "ab"
    play.completes("a")
    assert play.stopping == "b"
    assert play.running == "cd"


def test_a_count_that_leans_on_a_join_fails_when_that_goes_elsewhere() -> None:
    """`c` could be reached by way of `d` only, which waited for `c`; then `d` goes to `f`."""
    play = Play(drawn("a>c b>a c>d d>c d.other>f e>d", start="abeg", a=EACH, c=TWO, g=NodeSketch()))
    play.completes("a")
    play.completes("e")
    assert play.running == "bg"
    play.completes("b", "other")
    assert play.running == "gd"
    play.completes("d", "other")
    assert play.stopping == "gf"
    play.stops("gf")
    assert play.ended == "failed"


def test_rounds_do_not_pile_up_in_a_loop() -> None:
    play = Play(drawn("a>b c>b b>c", start="a", b=ANY))
    play.completes("a")
    for _ in range(50):
        play.completes("bc")
    join = (play.root.state.joins or {})[1]
    assert isinstance(join, CountJoin)
    assert len(join.rounds) <= 2
