"""The mailbox: two lanes, each in order, the user lane bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from processengine.actors import Lane, Mailbox

lanes = st.sampled_from(["control", "user"])


@given(st.lists(st.one_of(lanes, st.none())), st.integers(1, 5))
def test_control_goes_first_order_is_kept_and_only_the_user_lane_is_full(
    script: list[Lane | None], capacity: int
) -> None:
    mailbox: Mailbox[tuple[Lane, int]] = Mailbox(capacity)
    control: list[tuple[Lane, int]] = []
    user: list[tuple[Lane, int]] = []
    for number, lane in enumerate(script):
        if lane is None:
            expected = control.pop(0) if control else user.pop(0) if user else None
            assert mailbox.take() == expected
            continue
        room = lane == "control" or len(user) < capacity
        assert mailbox.offer((lane, number), lane) is room
        if room:
            (control if lane == "control" else user).append((lane, number))
        assert len(mailbox) == len(control) + len(user)


def test_its_repr_tells_how_full_it_is() -> None:
    mailbox: Mailbox[int] = Mailbox(3)
    mailbox.offer(1, "user")
    assert repr(mailbox) == "<Mailbox control=0 user=1/3>"
