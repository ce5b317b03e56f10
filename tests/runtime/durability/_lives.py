"""A drama in several lives of its host, which crashes or leaves in between, over one store."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from random import Random
from typing import Any, Literal, cast

import attrs
import pytest
import trio

import processengine as pe
from processengine.actors import (
    Cancel,
    Message,
    Pause,
    Resume,
    Retry,
    Signal,
    Skip,
    Update,
    Worker,
)
from processengine.runtime import _journal, _ledger
from processengine.runtime import store as _store
from processengine.runtime.execution import Ending, Finished, Paused, Running
from processengine.runtime.store import (
    Append,
    LoopWriter,
    Store,
    StoreError,
    WhenDurable,
)
from processengine.runtime.store._letters import Answer, Letter, decode_answer, encode_letter
from processengine.testing import run_virtual

from .._drama import GRACE, Drama, Plan
from .._guards import core_of, in_groups
from ._witness import WitnessStore, picture

Parting = Literal["crash", "leave"]
Span = tuple[float, Parting]
"""How long a host lives (seconds), and how it goes."""

ATTEMPT = 2.0
"""Seconds that an attempt holds a worker, at most."""

SENT: dict[str, tuple[type[Message], ...]] = {
    "pause": (Pause,),
    "interrupt": (Pause,),
    "resume": (Resume,),
    "signal": (Signal,),
    "update": (Update,),
    "skip": (Skip,),
    "retry": (Retry,),
    "cancel": (Cancel,),
}


@attrs.frozen(kw_only=True)
class Weather:
    """What stands around a drama: `delays` (seconds) of commits by turns, and options.

    `is_shared`: whenever a worker sleeps others run, so that it goes on where it was.
    """

    delays: tuple[float, ...] = (0.0,)
    durability: Literal["step", "lazy"] = "step"
    passivate_after: float | None = None
    snapshot_bytes: int = 256 * 1024
    is_watched: bool = False
    is_shared: bool = False
    history_limit: int = 10_000


LETTERS: dict[str, Letter] = {
    "pause": Pause(),
    "interrupt": Pause("interrupt"),
    "resume": Resume(),
    "signal": Signal("go", "payload"),
    "update": Update({"updated": True}),
    "cancel": Cancel("scripted"),
}
"""What another process sends for an act."""


class Mailbag:
    """Letters that another process has posted in any life, and the answers that came, in order.

    It is the doorbell of every host, too.
    """

    def __init__(self, saga: Saga) -> None:
        self.letters: dict[int, str] = {}
        self.answers: dict[int, Answer] = {}
        self._saga = saga
        self._ring: Callable[[], None] = lambda: None
        self._came = trio.Event()

    async def listen(
        self,
        ring: Callable[[], None],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """The host listens."""
        self._ring = ring
        task_status.started()
        await trio.sleep_forever()

    async def ring_back(self) -> None:
        """The host has left answers: take them in."""
        self.collect()

    def collect(self) -> None:
        """Take in the answers that are there."""
        assert self._saga.store is not None
        for number in self.letters.keys() - self.answers.keys():
            body = self._saga.store.take_answer(number)
            if body is not None:
                self.answers[number] = decode_answer(body)
                self._saga.check_answer(number)
        self._came.set()
        self._came = trio.Event()

    def post(self, act: str) -> int:
        """Leave a letter with the store; returns its number."""
        assert self._saga.store is not None
        number = self._saga.store.post("x", encode_letter(LETTERS[act]))
        self.letters[number] = act
        self._ring()
        return number

    async def answer_to(self, number: int) -> Answer:
        """Wait for the answer to a letter."""
        while number not in self.answers:
            await self._came.wait()
        return self.answers[number]


def tag_of(message: Message) -> str:
    """What a message is called in records and events."""
    return str(type(message).__struct_config__.tag)


def _queued(statuses: Iterable[pe.Status]) -> int:
    """How many attempts wait for a worker, each of them perhaps for all the others."""
    return sum(node.phase == "queued" for status in statuses for node in status.nodes)


def draw_weather(random: Random, passivation: tuple[float | None, ...] = (None,)) -> Weather:
    """Draw how slow the disk is, how often snapshots are made and whether somebody watches."""
    return Weather(
        delays=tuple(random.choice((0.0, 0.0, 0.3, 1.0)) for _ in range(1 + random.randrange(4))),
        passivate_after=random.choice(passivation),
        snapshot_bytes=random.choice((256 * 1024, 0, 600)),
        is_watched=random.randrange(3) == 2,
        is_shared=random.randrange(2) == 1,
    )


def draw_spans(
    random: Random, most: int = 4, partings: tuple[Parting, ...] = ("crash",)
) -> list[Span]:
    """Draw how many lives there are before the last one, and how each ends."""
    return [
        (random.choice((0.0, 0.5, 1.0, 1.0, 2.0, 3.5)), random.choice(partings))
        for _ in range(random.randrange(most))
    ]


class _Writer(LoopWriter):
    """A slow writer: turns gather while it commits a batch, and while it tells of that.

    It takes a picture of each live state as a turn of it is handed over.
    """

    def __init__(self, saga: Saga, store: Store) -> None:
        super().__init__(store)
        self._saga = saga

    async def _work(self) -> None:
        in_doubt = bool(self._in_hand)
        while self._goes_on():
            await self._awake.wait()
            self._awake = trio.Event()
            self._is_called = False
            while self._has_work():
                in_doubt = not await self._write_slowly(in_doubt)

    async def _write_slowly(self, in_doubt: bool) -> bool:
        with trio.CancelScope(shield=True):
            if not self._in_hand:
                self._in_hand = [self._queue.popleft() for _ in range(len(self._queue))]
            await trio.sleep(self._saga.next_delay())
            outcomes = self._commit_next(in_doubt)
            if outcomes is not None:
                await trio.sleep(self._saga.next_delay())
                writes, self._in_hand = self._in_hand, []
                self._release(writes, outcomes)
                return True
        await trio.sleep(self._patience.next())
        return False

    def append_then(self, item: Append, when_durable: WhenDurable) -> None:
        life = self._saga.life
        execution = None if life is None else core_of(life.runtime).live.get(item.id)
        if life is not None and execution is not None and not life.is_over:
            place = item.id, item.head.incarnation, item.seq
            life.store.expected[place] = picture(execution.state)
        super().append_then(item, when_durable)


_ends_slice: Callable[[Worker[Any], float], bool] = cast(Any, Worker).ends_slice


def _ends_slice_as_others_ran(worker: Worker[Any], now: float) -> bool:
    if now > worker.slice_end:
        worker.floor.holder = None
    return _ends_slice(worker, now)


@contextmanager
def weathered(saga: Saga) -> Generator[None, None, None]:
    """Have journals be written by a slow writer, and snapshots be made early."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_journal, "LoopWriter", functools.partial(_Writer, saga))
        patch.setattr(_ledger, "SNAPSHOT_BYTES", saga.weather.snapshot_bytes)
        if saga.weather.is_shared:
            patch.setattr(Worker, "ends_slice", _ends_slice_as_others_ran)
        if saga.mailbag is not None:
            patch.setattr(_store, "doorbell_of", lambda _: saga.mailbag)
        yield


@attrs.define(eq=False)
class Life(Drama):
    """What one host sees of a drama. Once it `is_over`, nothing that it does counts.

    `began` is when, it `was_refused` if it could not open the store and `had_time` if it did not
    end before all was done; `answered` counts answers by what was asked.
    """

    saga: Any = None
    runtime: Any = None
    store: Any = None
    is_over: bool = False
    began: float = 0.0
    was_refused: bool = False
    had_time: bool = False
    answered: Counter[str] = attrs.field(factory=Counter[str])

    async def run(self, context: pe.NodeContext) -> object:
        if self.is_over:
            return None
        self.saga.attempts.append((self.saga.number, context))
        self._check_start(context)
        return await super().run(context)

    def _check_start(self, context: pe.NodeContext) -> None:
        if self.saga.weather.durability == "lazy":
            return
        replay = self.store.replays.get(context.execution)
        token = None if replay is None else replay.state.tokens.get(context.step)
        runs = token is not None and isinstance(token.phase, Running)
        if token is None or token.attempt != context.attempt or not runs:
            name = f"{context.execution}/{context.node}.{context.step}.{context.attempt}"
            self.faults.append(f"{name} began, stored is {token}")
        known = self.saga.keys.setdefault(
            context.idempotency_key, (context.execution, context.step)
        )
        if known != (context.execution, context.step):
            self.faults.append(f"{context.idempotency_key} is given to two steps")

    def chooses(self, node: str, port: str) -> bool:
        return True if self.is_over else super().chooses(node, port)

    # From outside

    async def act_out(self) -> None:
        """Go on with the script where the life before was cut off, up to the outcome."""
        saga = self.saga
        definition = saga.definition(self)
        handle = self._handle = await self.runtime.spawn(definition, {"input": 1}, id="x")
        self.check_spawned()
        async with trio.open_nursery() as nursery:
            if saga.weather.is_watched:
                nursery.start_soon(self._watch, handle)
            await self._go_on(handle)
            nursery.cancel_scope.cancel()

    def check_spawned(self) -> None:
        """A handle is given only for what is stored."""
        if self.saga.weather.durability == "step" and "x" not in self.store.replays:
            self.faults.append("spawn returned before it was stored")

    async def _go_on(self, handle: pe.ActorHandle) -> None:
        saga = self.saga
        while saga.acts:
            after, act = saga.acts[0]
            await trio.sleep(after)
            saga.acts.pop(0)
            await self._act(handle, act)
        with trio.move_on_after(50):
            self.outcome = await self._result(handle)
        if self.outcome is None:
            self.held = False
            self.outcome = await self._give_up(handle)
        self._check_outcome(self.outcome)

    async def _result(self, handle: pe.ActorHandle) -> pe.Outcome:
        return await handle.result()

    async def _give_up(self, handle: pe.ActorHandle) -> pe.Outcome:
        before = self._statuses()
        await trio.sleep(12 + ATTEMPT * _queued(before.values()) + self.saga.slack)
        after = self._statuses()
        for id, status in after.items():
            if before.get(id) == status and self._is_stuck(status, after):
                self.faults.append(f"stuck: {status}")
        with trio.move_on_after(5 * GRACE + 10 + self.saga.slack):
            await handle.cancel("given up")
            return await handle.result()
        pytest.fail(f"it does not end: {handle.status()} {core_of(self.runtime).live}")

    def _statuses(self) -> dict[str, pe.Status]:
        return {handle.id: handle.status() for handle in self.runtime.list()}

    @staticmethod
    def _is_stuck(status: pe.Status, others: dict[str, pe.Status]) -> bool:
        if status.ended_at is not None or status.state in ("waiting", "paused", "completed"):
            return status.state not in ("waiting", "paused") and status.ended_at is None
        calls = [node.step for node in status.nodes if node.phase == "calling"]
        return not calls or not any(
            other.id.startswith(status.id) and other.ended_at is None and other.id != status.id
            for other in others.values()
        )

    async def _act(self, handle: pe.ActorHandle, act: str) -> None:
        mailbag = self.saga.mailbag
        if mailbag is None or act not in LETTERS or self.saga.draws.randrange(2):
            await super()._act(handle, act)
            if mailbag is not None and mailbag.letters:
                self.held = False  # they may take effect whenever they like
            return
        self._note(f"{act} by mail")
        number = mailbag.post(act)
        self.held = False
        if act in ("pause", "interrupt"):
            with trio.move_on_after(10):
                await mailbag.answer_to(number)

    def _send(self, handle: pe.ActorHandle, act: str) -> pe.Reply[Any]:
        reply = super()._send(handle, act)
        seen: list[bool] = []

        def done() -> None:
            if not seen:
                seen.append(True)
                self._check_reply(act, reply)

        reply.when_done(done)
        return reply

    def _check_reply(self, act: str, reply: pe.Reply[Any]) -> None:
        if self.is_over or reply.has_failed() or self.saga.weather.durability == "lazy":
            return
        replay = self.store.replays["x"]
        if isinstance(replay.state.control, (Ending, Finished)):
            return
        if act == "query":
            if reply.wait() not in replay.memories:
                self.faults.append(f"a query was answered by {reply!r}, which is not stored")
            return
        self.answered[act] += 1
        asked = sum(self.answered[each] for each in SENT if SENT[each] == SENT[act])
        if replay.count(*SENT[act]) < asked:
            self.faults.append(f"{act} was answered before it was stored")
        if act in ("pause", "interrupt") and "paused" not in replay.names:
            self.faults.append(f"{act} was answered {reply!r} before that was stored")

    async def _watch(self, handle: pe.ActorHandle) -> None:
        async for event in handle.watch():
            if not self.is_over and not self._is_stored(event):
                self.faults.append(f"too early: {event}")

    def _is_stored(self, event: Any) -> bool:
        replay = self.store.replays["x"]
        match event:
            case pe.StateEvent():
                return event.state in replay.names
            case pe.MessageEvent():
                return any(tag_of(message) == event.message for _, message in replay.messages)
            case pe.NodeEvent(kind="started"):
                return (event.step, event.attempt) in replay.started
            case pe.NodeEvent(kind="completed" | "failed" | "skipped"):
                return event.step not in replay.state.tokens
            case pe.NodeEvent():
                return any(
                    getattr(message, "step", None) == event.step for _, message in replay.messages
                )
            case _:
                return True

    def _check_outcome(self, outcome: pe.Outcome) -> None:
        if self.saga.weather.durability == "lazy":
            return
        state = self.store.replays["x"].state
        if not isinstance(state.control, Finished) or state.control.state != outcome.state:
            self.faults.append(f"the outcome {outcome.state} is not stored, but {state.control}")
        elif state.memory != outcome.memory:
            self.faults.append(f"the outcome has the memory {outcome.memory}, not {state.memory}")


@attrs.define(eq=False)
class Saga:
    """A plan played through several lives. `outcome` is that of the last one.

    `attempts` are all that began, with the number of the life; `keys` are the idempotency keys.
    With a `mailbag` some acts are sent by mail. `slack` is how many seconds a store that does not
    work may take in all, beyond what the plan does.
    """

    plan: Plan
    weather: Weather = Weather()
    spans: Iterable[Span] = ()
    store: WitnessStore | None = None
    outermost: Callable[[WitnessStore], Store] = lambda store: store
    life: Life | None = None
    lives: list[Life] = attrs.field(factory=list[Life])
    number: int = 0
    outcome: pe.Outcome | None = None
    attempts: list[tuple[int, pe.NodeContext]] = attrs.field(
        factory=list[tuple[int, pe.NodeContext]]
    )
    keys: dict[str, tuple[str, int]] = attrs.field(factory=dict[str, tuple[str, int]])
    acts: list[tuple[float, str]] = attrs.field(factory=list[tuple[float, str]])
    kind: type[Life] = Life
    mailbag: Mailbag | None = None
    slack: float = 0.0
    draws: Random = attrs.field(factory=lambda: Random(0))
    _delay: int = 0

    def next_delay(self) -> float:
        """Seconds for the next half of a commit."""
        self._delay += 1
        delays = self.weather.delays
        return delays[self._delay % len(delays)]

    def definition(self, life: Life) -> pe.ProcessDefinition:
        """The process with the bodies of a life."""
        return in_groups(self.plan.sketch.definition(life), self.plan.groups)

    def play(self, schedule: Random) -> Saga:
        """Play it in virtual time; gives itself."""
        self.acts = list(self.plan.script)
        with weathered(self):
            run_virtual(self._play, random=schedule)
        return self

    async def _play(self) -> None:
        if self.store is None:
            is_strict = self.weather.durability == "step"
            self.store = WitnessStore([self.definition(Life(self.plan))], is_strict=is_strict)
        last: Span = (math.inf, "leave")
        for seconds, parting in (*self.spans, last):
            await self._live(seconds, parting)
            while self.lives[-1].was_refused:
                await self._live(seconds, parting)
            if self.outcome is not None:
                return

    def _next_life(self) -> Life:
        counts = self.life.counts if self.life is not None else Counter[str]()
        life = self.kind(self.plan, saga=self, store=self.store, counts=counts)
        life.began = trio.current_time()
        self.number += 1
        self.lives.append(life)
        replay = life.store.replays.get("x")
        is_paused = replay is not None and isinstance(replay.state.control, Paused)
        life.held = is_paused and not (self.mailbag is not None and self.mailbag.letters)
        return life

    async def _live(self, seconds: float, parting: Parting) -> None:
        assert self.store is not None
        self.life = life = self._next_life()
        with trio.move_on_after(seconds):
            try:
                async with self.open(life, self.outermost(self.store)) as life.runtime:
                    try:
                        await life.act_out()
                        await trio.sleep(0.1 if self.mailbag is None else 20.0)
                        life.had_time = True
                    finally:
                        if parting == "crash":
                            self._crash(life)
            except StoreError:
                if life.runtime is not None:
                    raise
                life.was_refused = True
            finally:
                if parting == "crash" and not life.is_over:
                    self._crash(life)
        self.outcome = None if life.is_over else life.outcome

    def _crash(self, life: Life) -> None:
        life.is_over = True
        self.store = life.store.fork()

    def open(self, life: Life, store: Store) -> pe.Runtime:
        """A runtime for one life."""
        return pe.open_runtime(
            store=store,
            definitions=[self.definition(life)],
            wall_clock=trio.current_time,
            worker_pool_size=self.plan.workers,
            cancel_grace=GRACE,
            default_max_retries=1,
            retry_initial_delay_ms=500,
            seed=0,
            durability=self.weather.durability,
            passivate_after=self.weather.passivate_after,
            history_limit=self.weather.history_limit,
        )

    def check_answer(self, number: int) -> None:
        """What a letter is answered with is stored, and has happened once for each letter."""
        assert self.mailbag is not None
        assert self.store is not None
        answers = self.mailbag.answers
        replay = self.store.replays["x"]
        is_over = isinstance(replay.state.control, (Ending, Finished))
        if is_over or answers[number].error or self.weather.durability == "lazy":
            return
        kinds = SENT[self.mailbag.letters[number]]
        answered = [each for each in answers if answers[each].error is None]
        asked = sum(SENT[self.mailbag.letters[each]] == kinds for each in answered)
        if replay.count(*kinds) < asked:
            self.store.faults.append(f"letter {number} was answered before it was stored")

    # Afterwards

    def _check_mail(self) -> None:
        """No letter had its effect twice; all were dealt with, and answered if no life ended."""
        if self.mailbag is None:
            return
        assert self.store is not None
        letters, answers = self.mailbag.letters, self.mailbag.answers
        opened = [life for life in self.lives if not life.was_refused]
        if opened[-1].had_time:
            assert self.store.mail() == ()
            assert len(opened) > 1 or letters.keys() == answers.keys()
        acts = [*letters.values(), *(act for life in self.lives for act, _ in life.replies)]
        asked = Counter(SENT[act] for act in acts if act in SENT)
        for kinds in {SENT[act] for act in LETTERS} - {SENT["cancel"]}:  # which tests send as well
            assert self.store.replays["x"].count(*kinds) <= asked[kinds], kinds

    def check(self) -> None:
        """What holds of every saga, however it went."""
        assert self.store is not None
        assert self.store.faults == []
        assert [fault for life in self.lives for fault in life.faults] == []
        assert self.outcome is not None
        self._check_mail()
        assert [id for id, replay in self.store.replays.items() if not replay.has_ended] == []
        for life in self.lives:
            if not life.is_over:
                assert [act for act, reply in life.replies if not reply.is_done()] == []
                assert life.begun == life.left
