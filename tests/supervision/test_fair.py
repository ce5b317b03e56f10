"""The fair queue: turns by example, and random histories against lists."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from processengine.supervision._fair import FairQueue


def drained(queue: FairQueue[str, int]) -> list[int]:
    return [queue.pop() for _ in range(len(queue))]


def test_a_single_value_waits_for_one_of_ten_thousand_others_only() -> None:
    queue = FairQueue[str, int](20_000)
    for number in range(10_000):
        queue.push("many", number)
    queue.push("one", -1)
    assert [queue.pop(), queue.pop(), queue.pop()] == [0, -1, 1]


def test_keys_take_turns_and_values_of_a_key_keep_their_order() -> None:
    queue = FairQueue[str, int](10)
    for key, value in [("a", 1), ("a", 2), ("a", 3), ("b", 10), ("b", 20), ("c", 100)]:
        queue.push(key, value)
    assert drained(queue) == [1, 10, 100, 2, 20, 3]


def test_a_key_that_comes_back_queues_up_behind_those_that_wait() -> None:
    queue = FairQueue[str, int](10)
    queue.push("a", 1)
    queue.push("b", 10)
    queue.push("c", 100)
    assert queue.pop() == 1
    queue.push("a", 2)
    assert drained(queue) == [10, 100, 2]


def test_a_full_queue_takes_nothing_until_something_leaves() -> None:
    queue = FairQueue[str, int](2)
    assert [queue.push("a", 1), queue.push("b", 2), queue.push("c", 3)] == [True, True, False]
    queue.pop()
    assert queue.push("c", 3)
    assert drained(queue) == [2, 3]


def test_discarding_a_key_hands_its_values_back_and_makes_room() -> None:
    queue = FairQueue[str, int](3)
    queue.push("a", 1)
    queue.push("b", 10)
    queue.push("a", 2)
    assert list(queue.discard("a")) == [1, 2]
    assert list(queue.discard("a")) == []
    assert repr(queue) == "<FairQueue 1 of 3, keys=1>"
    assert drained(queue) == [10]


def test_there_is_nothing_to_take_from_an_empty_queue() -> None:
    with pytest.raises(IndexError, match="empty"):
        FairQueue[str, int](1).pop()


def test_a_queue_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="limit"):
        FairQueue[str, int](0)


LIMIT = 12
keys = st.sampled_from("abcd")


class FairMachine(RuleBasedStateMachine):
    """The model is a list of (key, value) in order of arrival, and the list of turns."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = FairQueue[str, int](LIMIT)
        self.waiting: list[tuple[str, int]] = []
        self.turns: list[str] = []
        self.served_meanwhile: dict[str, set[str]] = {}
        self.pushes = 0

    @rule(key=keys)
    def push(self, key: str) -> None:
        self.pushes += 1
        has_room = len(self.waiting) < LIMIT
        assert self.queue.push(key, self.pushes) == has_room
        if has_room:
            self.waiting.append((key, self.pushes))
            if key not in self.turns:
                self.turns.append(key)
                self.served_meanwhile[key] = set()

    @precondition(lambda self: self.waiting)
    @rule()
    def pop(self) -> None:
        key = self.turns.pop(0)
        value = next(value for owner, value in self.waiting if owner == key)
        assert self.queue.pop() == value
        self.waiting.remove((key, value))
        self.note_served(key)
        if key in (owner for owner, _ in self.waiting):
            self.turns.append(key)
            self.served_meanwhile[key] = set()

    def note_served(self, key: str) -> None:
        """No key is served twice while another waits: told without the model's turns."""
        del self.served_meanwhile[key]
        for served in self.served_meanwhile.values():
            assert key not in served
            served.add(key)

    @rule(key=keys)
    def discard(self, key: str) -> None:
        gone = [value for owner, value in self.waiting if owner == key]
        assert list(self.queue.discard(key)) == gone
        self.waiting = [(owner, value) for owner, value in self.waiting if owner != key]
        self.served_meanwhile.pop(key, None)
        if key in self.turns:
            self.turns.remove(key)

    @invariant()
    def it_is_as_long_as_the_model(self) -> None:
        assert len(self.queue) == len(self.waiting) <= LIMIT


TestFairQueueAgainstItsModel = FairMachine.TestCase
