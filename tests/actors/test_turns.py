"""Turns: one at a time, never nested, faults kept to the actor that has them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from processengine.actors import Cancel, Message, Reply, Signal, TurnLoop


class Recorder:
    """An actor that notes what it takes, and does what the test wants in its turn."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.crashes: list[Exception] = []
        self.do: Callable[[Message], None] = lambda message: None

    def receive(self, message: Message, reply: Reply[object] | None) -> None:
        self.taken.append(message)
        self.do(message)
        if reply is not None:
            reply.answer(len(self.taken))

    def crash(self, error: Exception) -> None:
        self.crashes.append(error)


def test_a_message_outside_a_turn_is_taken_at_once() -> None:
    turns: TurnLoop[Recorder] = TurnLoop()
    actor = Recorder()
    reply: Reply[object] = Reply()
    assert turns.post(actor, Signal("a"), reply)
    assert reply.is_done()
    assert (turns.accepted, turns.handled, turns.pending) == (1, 1, 0)


def test_a_message_sent_in_a_turn_is_taken_after_it() -> None:
    turns: TurnLoop[Recorder] = TurnLoop()
    actor = Recorder()
    depth: list[int] = []

    def do(message: Message) -> None:
        depth.append(1)
        assert len(depth) == 1, "turns must not nest"
        if message == Signal("first"):
            turns.post(actor, Signal("second"))
            assert turns.pending == 1
        depth.pop()

    actor.do = do
    turns.post(actor, Signal("first"))
    assert actor.taken == [Signal("first"), Signal("second")]


def test_two_actors_that_tell_each_other_ten_thousand_times_do_not_recurse() -> None:
    turns: TurnLoop[Recorder] = TurnLoop()
    ping, pong = Recorder(), Recorder()

    def answer_to(other: Recorder) -> Callable[[Message], None]:
        def do(message: Message) -> None:
            if len(other.taken) < 10_000:
                turns.post(other, message)

        return do

    ping.do, pong.do = answer_to(pong), answer_to(ping)
    turns.post(ping, Signal("ball"))
    assert len(ping.taken) == len(pong.taken) == 10_000


def test_in_a_batch_control_messages_overtake_user_messages() -> None:
    turns: TurnLoop[Recorder] = TurnLoop()
    actor = Recorder()
    letters: list[tuple[Recorder, Message, Reply[object] | None]] = [
        (actor, Signal("a"), None),
        (actor, Signal("b"), None),
        (actor, Cancel(), None),
    ]
    assert turns.post_all(letters) == []
    assert actor.taken == [Cancel(), Signal("a"), Signal("b")]


def test_a_batch_gives_back_what_a_full_lane_refused() -> None:
    turns: TurnLoop[Recorder] = TurnLoop(capacity=1)
    actor = Recorder()
    refused = turns.post_all([(actor, Signal(name), None) for name in "abc"])
    assert [message for _, message, _ in refused] == [Signal("b"), Signal("c")]
    assert actor.taken == [Signal("a")]
    assert turns.accepted == turns.handled == 1


def test_a_turn_that_raises_crashes_its_actor_and_fails_its_reply_and_nothing_else() -> None:
    turns: TurnLoop[Recorder] = TurnLoop()
    sound, broken = Recorder(), Recorder()

    def do(message: Message) -> None:
        turns.post(sound, message)
        raise ValueError("a fault")

    broken.do = do
    reply: Reply[object] = Reply()
    turns.post(broken, Signal("a"), reply)
    assert [str(error) for error in broken.crashes] == ["a fault"]
    assert sound.taken == [Signal("a")]
    assert "failed" in repr(reply)
    turns.post(broken, Signal("b"))
    assert len(broken.taken) == 2


def test_work_run_as_a_turn_keeps_its_faults_to_its_actor() -> None:
    turns: TurnLoop[Recorder] = TurnLoop()
    actor = Recorder()

    def work(name: str) -> None:
        turns.post(actor, Signal(name))
        assert actor.taken == []
        raise ValueError(name)

    turns.run(actor, work, "x")
    assert actor.taken == [Signal("x")]
    assert [str(error) for error in actor.crashes] == ["x"]


def test_a_reply_is_answered_once_and_the_first_answer_stands() -> None:
    reply: Reply[int] = Reply()
    assert repr(reply) == "<Reply pending>"
    reply.answer(1)
    reply.answer(2)
    reply.fail(ValueError("late"))
    assert reply.wait() == 1
    assert repr(reply) == "<Reply 1>"


def test_a_reply_that_does_not_come_in_time_raises() -> None:
    reply: Reply[int] = Reply()
    with pytest.raises(TimeoutError, match=r"no answer within 0\.001 s"):
        reply.wait(0.001)


async def test_a_trio_task_may_not_block_on_a_reply() -> None:
    reply: Reply[int] = Reply()
    with pytest.raises(RuntimeError, match="a trio task must `await`"):
        reply.wait()
