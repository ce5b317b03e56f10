"""Node groups at work: their workers, and where tokens wait, are parked and are refused."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from contextvars import Context
from random import Random
from typing import Protocol

import msgspec

from ..actors import Dispatcher, Slots
from ..supervision import BreakerChange, Denial, FairQueue, Gate, Group, Permit
from ._clock import is_time_real
from ._timers import Timers
from .definition import REJECTED
from .execution import (
    UNGUARDED,
    AttemptOutcome,
    Completed,
    ErrorContext,
    Execution,
    Failed,
    Interrupted,
    Job,
    Stopping,
    failed,
    logger,
    run_attempts,
)


class GroupHouse(Protocol):
    """What a group needs of the runtime it lives in."""

    clock: Callable[[], float]
    random: Random
    timers: Timers
    slots: Slots | None
    context: Context


class BreakerWatcher(Protocol):
    """Is told of every change of a breaker's state; must not block."""

    def tell(self, change: BreakerChange) -> None:
        """The state has changed."""

    def end(self) -> None:
        """There will be no more changes."""


class BulkheadQueue(deque[Job]):
    """Jobs that wait for a place in a bulkhead; a `JobQueue`.

    As many as there are places stand in line, first come, first served; from those behind them,
    the executions take turns in joining the line. So where there is room nobody pays for turns.
    `stale` counts jobs that were taken back meanwhile. `join` appends to the line, for who knows
    that it has room; that, and asking nobody where nobody stands behind, is 0.2 µs of 0.7 a job.
    """

    def __init__(self, places: int, gate: Gate) -> None:
        super().__init__()
        self._behind: FairQueue[Execution, Job] = FairQueue(limit=2**62)
        self._has_behind = False
        self._places = places
        self._gate = gate
        self._leave: Callable[[], Job] = super().popleft
        self.join: Callable[[Job], None] = super().append
        self.stale: int = 0

    @property
    def waiting(self) -> int:
        """How many wait, in line or behind it."""
        return len(self) + len(self._behind) - self.stale

    def append(self, job: Job, /) -> None:
        """Add a job: to the line if that has room, else behind those of its execution."""
        if len(self) < self._places:
            self.join(job)
        else:
            self._behind.push(job.execution, job)
            self._has_behind = True

    def popleft(self) -> Job:
        """Take the job at the head of the line."""
        job = self._leave()
        if self._has_behind:
            self.join(self._behind.pop())
            self._has_behind = bool(self._behind)
        if job.is_withdrawn:
            self.stale -= 1
        if not self and self._gate.is_crowded:
            self._gate.crowd(False)
        return job


class NodeGroup:
    """One group of one runtime. Single writer: the trio thread.

    `parked` are jobs that wait for the breaker or the rate, oldest first. `_returning` counts those
    that were let go and have not got to a worker yet. `submit` is how attempts get here.
    """

    ended_at: None = None  # for `Timers`: a group never ends

    def __init__(self, name: str, policy: Group, house: GroupHouse) -> None:
        self.name: str = name
        self.policy: Group = policy
        self.gate: Gate | None = None if policy.is_plain else Gate(policy)
        self.parked: dict[Job, None] = {}
        self.retries_refused: int = 0
        self.watchers: list[BreakerWatcher] = []
        self._house = house
        self._returning = 0
        self._due = math.inf
        bulkhead = policy.bulkhead
        self._queue: BulkheadQueue | None = None
        if bulkhead is not None and self.gate is not None:
            self._queue = BulkheadQueue(bulkhead.concurrency, self.gate)
        self.dispatcher: Dispatcher[Job] = Dispatcher(
            run_attempts,
            self._stopped,
            self._lost,
            limit=None if bulkhead is None else bulkhead.concurrency,
            queue=self._queue,
            slots=house.slots,
            context=house.context,
            clock=house.clock,
            is_virtual=not is_time_real(),
        )
        # Where there is no bulkhead this saves every attempt a call.
        self.submit: Callable[[Job], None] = (
            self.dispatcher.submit if bulkhead is None else self._submit_to_bulkhead
        )

    def __repr__(self) -> str:
        return f"<NodeGroup {self.name!r} {self.dispatcher!r} parked={self.parked_count}>"

    @property
    def parked_count(self) -> int:
        """How many attempts are parked."""
        return len(self.parked)

    @property
    def queued(self) -> int:
        """How many attempts wait for a place or a worker."""
        return self.dispatcher.queued if self._queue is None else self._queue.waiting

    # The way in

    def _submit_to_bulkhead(self, job: Job) -> None:
        """Have the attempt of a token made; refuse it if too many wait already."""
        bulkhead, queue, dispatcher = self.policy.bulkhead, self._queue, self.dispatcher
        assert bulkhead is not None
        assert queue is not None
        if len(queue) + dispatcher.workers < bulkhead.concurrency:
            queue.join(job)  # there is room, whoever has a place now
            dispatcher.wake()
            return
        waiting = queue.waiting + dispatcher.running - bulkhead.concurrency
        if waiting >= bulkhead.waiting and not job.is_returning:
            text = f"{waiting} attempts wait already for {bulkhead.concurrency} places"
            self._refuse(job, "BulkheadFull", text)
            return
        dispatcher.submit(job)
        self._see_whether_crowded(bulkhead.concurrency)

    def _see_whether_crowded(self, places: int) -> None:
        gate, dispatcher = self.gate, self.dispatcher
        assert gate is not None
        if dispatcher.busy >= places and dispatcher.queued and not gate.is_crowded:
            gate.crowd(True)

    def withdrawn(self, job: Job) -> None:
        """A job that waits or is parked here is not to be done any more."""
        if job.is_parked:
            self._unpark(job)
        elif self._queue is not None:
            self._queue.stale += 1
        self.has_come(job)
        if self.gate is not None:
            self._after(self._house.clock())

    def stop_all(self, execution: Execution) -> None:
        """Stop every attempt that is made here for an execution."""
        self.dispatcher.stop_all(lambda job: job.execution is execution)

    def has_come(self, job: Job) -> None:
        """A job has got to a worker, if it was parked before."""
        self._returning -= job.is_returning
        job.is_returning = False

    def admit(self, job: Job, *, was_parked: bool) -> bool:
        """Ask the gate; a job that may not begin is parked, or its attempt has failed.

        Who comes while others are parked is parked behind them.
        """
        gate, now = self.gate, self._house.clock()
        assert gate is not None
        parks = self.policy.when_open == "park" and REJECTED not in job.token.node.exits
        if parks and self.parked and not was_parked:
            self._park(job)
            self._after(now)
            return False
        verdict = gate.enter(now)
        if isinstance(verdict, Permit):
            job.permit = verdict
        elif parks:
            self._park(job)
        else:
            self._deny(job, verdict)
        self._after(now)
        return job.permit is not None

    def _deny(self, job: Job, denial: Denial) -> None:
        soon = denial.retry_after
        again = "" if soon is None else f"; again in {soon:.3g} s"
        self._refuse(job, denial.exception, f"{denial.why}{again}")

    def _refuse(self, job: Job, exception: str, text: str) -> None:
        token = job.token
        item = None if token.item is None else token.item.index
        error = ErrorContext(
            token.node.name,
            token.step,
            token.attempt,
            exception,
            f"group {self.policy.name!r}: {text}",
            self._house.clock(),
            item=item,
        )
        refused = Failed(token.step, token.attempt, error, False, 0.0, refused=True)
        job.execution.landed(token, refused)

    # Parking

    def _park(self, job: Job) -> None:
        job.is_parked = True
        job.token.worker = job
        self.parked[job] = None
        execution = job.execution
        execution.parked += 1
        execution.publish(job.token)
        execution.tell_load()

    def _unpark(self, job: Job) -> None:
        job.is_parked = False
        job.execution.parked -= 1
        del self.parked[job]

    def _after(self, now: float) -> None:
        """Tell what has happened to the breaker, and let go who may try again."""
        gate = self.gate
        assert gate is not None
        if gate.changes:
            self._tell(gate)
        if self.parked:
            self._release(gate, now)

    def _release(self, gate: Gate, now: float) -> None:
        openings = gate.openings(now) - self._returning
        while self.parked and openings > 0:
            openings -= 1
            self._let_go(next(iter(self.parked)))
        wait = gate.retry_after(now) if self.parked else None
        if wait:
            self._wake_at(now + wait)

    def _let_go(self, job: Job) -> None:
        self._unpark(job)
        job.is_returning = True
        self._returning += 1
        self.submit(job)
        job.execution.tell_load()

    def _wake_at(self, due: float) -> None:
        if due < self._due:
            self._due = due
            self._house.timers.add(due, self, None)

    def wake(self, _: object) -> None:
        """A timer has run out; one that was overtaken by another asks for nothing new."""
        now = self._house.clock()
        if now >= self._due:
            self._due = math.inf
        self._after(now)

    # The way out

    def report(self, job: Job, outcome: AttemptOutcome, now: float) -> AttemptOutcome:
        """Tell the gate how an attempt came out; what the execution is to be told."""
        assert self.gate is not None
        permit = self._permit(job)
        if isinstance(outcome, Completed):
            self.gate.succeeded(permit, now, now - job.started, self._house.random.random())
        elif isinstance(outcome, Failed) and outcome.retryable and not _is_called_off(job):
            if not self._failed(permit, now, now - job.started):
                outcome = msgspec.structs.replace(outcome, retryable=False)
        else:
            self.gate.unused(permit)
        self._after(now)
        return outcome

    def _permit(self, job: Job) -> Permit:
        assert self.gate is not None
        permit, job.permit = job.permit, None
        return self.gate.permit_of(job.calm) if permit is None else permit

    def _failed(self, permit: Permit, now: float, seconds: float) -> bool:
        """Report a failure; whether the retry budget allows another attempt."""
        assert self.gate is not None
        self.gate.failed(permit, now, seconds, self._house.random.random())
        self.retries_refused += not self.gate.allows_retry
        return self.gate.allows_retry

    def _stopped(self, job: Job) -> None:
        """The attempt of a job has stopped because its worker was told so."""
        token, now = job.token, self._house.clock()
        phase = token.phase
        has_timed_out = isinstance(phase, Stopping) and not _is_called_off(job)
        may_retry = self._report_stop(job, now, has_timed_out)
        stopped = Interrupted(token.step, token.attempt, may_retry, job.started)
        job.execution.landed(token, stopped)

    def _report_stop(self, job: Job, now: float, has_timed_out: bool) -> bool:
        may_retry = True
        if self.gate is not None and job.calm != UNGUARDED:
            permit = self._permit(job)
            if has_timed_out:
                may_retry = self._failed(permit, now, now - job.started)
            else:
                self.gate.unused(permit)
            self._after(now)
        return may_retry

    def _lost(self, job: Job, error: BaseException | None) -> None:
        """A job brought the workers down with `error`, or (None) another one did."""
        token, now = job.token, self._house.clock()
        self._report_stop(job, now, has_timed_out=False)
        outcome: AttemptOutcome = Interrupted(token.step, token.attempt, started=job.started)
        if error is not None:
            outcome = failed(token, error, now, 0.0, job.started)
        job.execution.landed(token, outcome)

    def doubt(self) -> None:
        """Let probes through first: the host is new, and does not know how calls fared."""
        self._by_hand(Gate.doubt)

    # By hand

    def isolate(self) -> None:
        """Let nothing through until `reset`."""
        self._by_hand(Gate.isolate)

    def disable(self) -> None:
        """Let everything through, unmeasured, until `reset`."""
        self._by_hand(Gate.disable)

    def reset(self) -> None:
        """Close the breaker and forget what was measured."""
        self._by_hand(Gate.reset)

    def _by_hand(self, action: Callable[[Gate, float], None]) -> None:
        now = self._house.clock()
        if self.gate is not None:
            action(self.gate, now)
            self._after(now)

    def _tell(self, gate: Gate) -> None:
        changes, gate.changes = gate.changes, []
        for change in changes:
            level = logger.warning if change.after in ("open", "isolated") else logger.info
            level("breaker of group %r: %s -> %s (%s)", self.name, change.before, change.after,
                  change.why)  # fmt: skip
            for watcher in tuple(self.watchers):
                watcher.tell(change)

    def end_watches(self) -> None:
        """Let those go who follow the breaker: the runtime has ended."""
        for watcher in self.watchers:
            watcher.end()


def _is_called_off(job: Job) -> bool:
    """Whether the attempt was told to stop for a reason that says nothing about what it calls."""
    phase = job.token.phase
    return isinstance(phase, Stopping) and phase.then != "timeout"
