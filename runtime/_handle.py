"""The handle of an execution: a small address with which anybody in the process controls it."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

import msgspec

from ..actors import (
    Cancel,
    Message,
    Pause,
    PausedTimeouts,
    PauseMode,
    Query,
    Reply,
    Resume,
    Retry,
    RuntimeClosed,
    Signal,
    Skip,
    Update,
)
from ._core import Core
from ._errors import BadArgument, UnknownExecution
from ._events import Event, Narrator
from ._rebirth import HistoryRecord
from ._views import Outcome, Status, status_of, status_of_held
from ._watch import Watch
from .definition import owned
from .execution import Execution, Record, State, Telling, Token, size_of

_CORES: weakref.WeakValueDictionary[str, Core] = weakref.WeakValueDictionary()


def forget(core: Core) -> None:
    """Have handles fail from now on with `RuntimeClosed`: their runtime has ended."""
    _CORES.pop(core.id, None)


def register(core: Core) -> None:
    """Let handles find a runtime of this process by its identity."""
    _CORES[core.id] = core


class ActorHandle(msgspec.Struct, frozen=True, gc=False):
    """The address of an execution; small, picklable, comparable, safe to use from any thread.

    Every method that sends a message sends it at once and returns a `Reply`: `await` it in trio or
    asyncio, call `.wait(timeout)` on it in a plain thread, or drop it. A cancelled waiter does not
    take its message back. Replies fail with `ActorGone`, `UnknownExecution`, `StaleIncarnation`
    (the handle is of an earlier life), `MailboxFull` or `RuntimeClosed`.
    """

    runtime_id: str
    id: str
    incarnation: int

    def __repr__(self) -> str:
        return f"<ActorHandle {self.id!r} incarnation={self.incarnation}>"

    # Control

    def pause(
        self, mode: PauseMode = "drain", *, timeouts: PausedTimeouts = "hold"
    ) -> Reply[State]:
        """Start no node from now on; answered `paused` when no attempt is in flight any more.

        `mode="interrupt"` cancels attempts in flight; they start again on resume. Timeouts of the
        execution and of its waits stand still unless `timeouts="run"`. If the execution ends before
        it is paused, or had ended, the answer is its end state. Idempotent.
        """
        _check("pause", "mode", mode, ("drain", "interrupt"))
        _check("pause", "timeouts", timeouts, ("hold", "run"))
        return self._ask(Pause(mode, timeouts))

    def resume(self) -> Reply[State]:
        """Go on after a pause; waits for a pause that is still draining. Idempotent."""
        return self._ask(Resume())

    def cancel(self, reason: str = "cancelled") -> Reply[State]:
        """End the execution; answered with its end state when nothing of it runs any more.

        Attempts are cancelled through their scopes and have the runtime's `cancel_grace` to clean
        up; after that the execution ends without them. Idempotent; the first reason is kept.
        """
        _check_text("cancel", "reason", reason)
        return self._ask(Cancel(reason))

    def signal(self, name: str, payload: Any = None) -> Reply[None]:
        """Hand a payload to the node that waits for this signal; kept until one does."""
        _check_text("signal", "name", name)
        payload = owned(payload)
        return self._ask(Signal(name, payload, size_of(payload)))

    def update(self, /, **changes: Any) -> Reply[None]:
        """Write variables into the execution's memory, all in one turn."""
        owned_changes = {name: owned(value) for name, value in changes.items()}
        sizes = {name: size for name, value in owned_changes.items() if (size := size_of(value))}
        return self._ask(Update(owned_changes, sizes))

    def query(self, *names: str) -> Reply[dict[str, Any]]:
        """Read variables (none named: all). Fails with `NoSuchVariable` if one is missing."""
        for name in names:
            _check_text("query", "names", name)
        return self._ask(Query(names))

    def retry(self, node: str) -> Reply[None]:
        """Start a node's attempt again now; fails with `NotAtNode` if there is none to retry."""
        _check_text("retry", "node", node)
        return self._ask(Retry(node))

    def skip(self, node: str) -> Reply[None]:
        """Leave a node by `out` without its result; fails with `NotAtNode` if it is not there."""
        _check_text("skip", "node", node)
        return self._ask(Skip(node))

    def _ask(self, message: Message) -> Reply[Any]:
        reply: Reply[Any] = Reply()
        try:
            self._core().send((self.id, self.incarnation), message, reply)
        except RuntimeClosed as error:
            reply.fail(error)
        return reply

    def _core(self) -> Core:
        core = _CORES.get(self.runtime_id)
        if core is None:
            raise RuntimeClosed(self.runtime_id)
        return core

    # Observation

    def status(self) -> Status:
        """Look at it now, from any thread. Raises `UnknownExecution`, `RuntimeClosed`."""
        core = self._core()
        execution = core.find(self.id)
        if execution is not None:
            return status_of(execution)
        held = None if core.store is None else core.store.held(self.id)
        if held is None:
            raise UnknownExecution(self.id)
        return status_of_held(self.id, held)

    def result(self) -> Reply[Outcome]:
        """Answered with the outcome when the execution has ended, in whatever way.

        Cancelling the waiter leaves the execution alone.
        """
        return self._core().result(self.id)

    def history(self) -> Reply[tuple[HistoryRecord, ...]]:
        """Answered with every turn that is kept: of the store, or without one of memory.

        Fails with `UnknownExecution`, or with what is wrong with the store.
        """
        reply: Reply[tuple[HistoryRecord, ...]] = Reply()
        core = self._core()
        core.do(lambda: core.answer_history(self.id, reply))
        return reply

    def watch(self, capacity: int = 1000) -> Watch[Event]:
        """Follow the execution: an asynchronous iterator of events from now to its end."""
        if capacity < 1:
            raise BadArgument("watch", "capacity", capacity, "a whole number from 1")
        return _watch(self._core(), self.id, capacity)


def _check(call: str, argument: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise BadArgument(call, argument, value, " or ".join(map(repr, choices)))


def _check_text(call: str, argument: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise BadArgument(call, argument, value, "text that is not empty")


class _Follower:
    """Tells a watch what happens to an execution, for as long as somebody holds the watch."""

    def __init__(self, execution: Execution, watch: Watch[Event]) -> None:
        self._narrator = Narrator(execution)
        self._watch = weakref.ref(watch)

    def note(self, execution: Execution, what: Record | Token) -> Telling:
        if self._watch() is None:
            execution.unwatch(self)
        return partial(self._offer, tuple(self._narrator.tell(execution, what)))

    def _offer(self, events: tuple[Event, ...]) -> None:
        watch = self._watch()
        if watch is not None:
            for event in events:
                watch.offer(event)

    def end(self) -> None:
        watch = self._watch()
        if watch is not None:
            watch.end()


def _watch(core: Core, id: str, capacity: int) -> Watch[Event]:
    watch: Watch[Event] = Watch(capacity)

    def subscribe() -> None:
        execution = core.live.get(id)
        if execution is None:
            watch.end()
        else:
            execution.watch(_Follower(execution, watch))

    core.do(subscribe)
    return watch
