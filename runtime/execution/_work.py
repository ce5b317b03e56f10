"""What a worker does: it takes attempts one after another, and the turns of their outcomes."""

from __future__ import annotations

from typing import Final

from ...actors import Worker
from ...supervision import NOT_CALM, Gate
from ..definition import OUT, Function
from ._actor import Job
from ._attempt import completed, failed
from ._lines import Line
from ._records import Calls, Completed, Interrupted, Lists, Outcome, Overdue
from ._sizes import SMALL, is_short
from ._state import ACTIVE, COMPLETED, RUNNING, ExecutionState, Token
from ._step import ENDED, Following, step

UNGUARDED: Final = NOT_CALM - 1


async def run_attempts(worker: Worker[Job], job: Job) -> Job | None:  # noqa: C901 - the path of every node
    """Make the attempt of a token, take the turn of its outcome, go on with one successor.

    The others are queued. The worker takes the next job in the queue, too, if it is of the same
    execution or of another that is not stored: a node of a fork costs 20% less than if it returned
    for each, an execution of one node 5%. It returns when its time slice is over, or when it was
    stopped.
    """
    execution, group = job.execution, job.group
    ledger = execution.ledger
    if ledger is not None and ledger.waits:
        await _run_stored(worker, job)
        return None
    state, lines, groups = execution.state, execution.program.lines, execution.program.groups
    notes, queue, time = execution.notes, worker.queue, execution.house.time
    ticks, epoch = time.ticks, time.epoch
    context, clean, gate = worker.task.context, worker.context, group.gate
    is_clean, now = True, ticks() + epoch
    while True:
        was_parked = job.is_returning
        if was_parked:
            group.has_come(job)
        token, calm = job.token, UNGUARDED
        while not job.is_withdrawn and execution.ended_at is None:
            if token.phase is not RUNNING:  # told to stop before it began
                execution.landed(token, Interrupted(token.step, token.attempt))
                break
            if gate is not None:
                job.calm = calm = gate.calm if _is_call(token) else UNGUARDED
                if calm == NOT_CALM and not group.admit(job, was_parked=was_parked):
                    break
                was_parked = False
            token.worker = worker
            line = lines[token.node.index]
            if line is None or execution.watchers:
                outcome = await _attempt(job)
            else:
                try:
                    if len(state.tokens) == 1:
                        walked = await _walk(worker, job, line, now)
                        if walked is None:
                            execution.rest(ended=True)
                            now = ticks() + epoch
                            break
                        outcome = walked
                    else:
                        job.started = now
                        value = await line.call()
                        if value is None or type(value) in SMALL:
                            outcome = Completed(token.step, token.attempt, OUT, value, 0, now)
                        else:
                            outcome = completed(execution, token, value, now)
                except Exception as error:  # noqa: BLE001 - a supervision boundary: failure is a message
                    outcome = failed(
                        token, error, ticks() + epoch, execution.house.random.random(), job.started
                    )
            try:
                is_clean = context == clean
            except Exception:  # noqa: BLE001 - values that cannot even be compared
                is_clean = False
            now = ticks() + epoch
            if now >= worker.slice_end:
                worker.ends_slice(now)
                execution.trim_history()
            if gate is not None and calm != UNGUARDED:
                if type(outcome) is Completed and calm == gate.calm != NOT_CALM:
                    gate.passed += 1
                else:
                    outcome = group.report(job, outcome, now)
            if ledger is not None and _may_be_unfit(outcome):
                execution.landed(token, outcome)
                break
            following: Following | None = None
            if type(outcome) is Completed and not execution.watchers:
                following = step(state, token, outcome)
            if following is None:
                token.worker = None
                following = execution.advance(outcome, now)
                if following is None:
                    break
            else:
                notes.append(now)
                notes.append(outcome)
                if type(following) is list:
                    execution.start_all(following[1:])
                    following = following[0]
                elif type(following) is not Token:
                    if following is ENDED or not state.in_flight:
                        execution.rest(ended=following is ENDED)
                    break
            job.token = token = following
            elsewhere = groups[token.node.index]
            if elsewhere is not group and elsewhere is not None:
                execution.start(token)
                break
            is_crowded = gate is not None and gate.is_crowded
            if is_crowded or worker.stopped or not is_clean or worker.is_slice_over:
                token.worker = job
                return job
        if not queue or not is_clean:
            return None
        upcoming = queue[0].execution
        if upcoming is not execution and upcoming.ledger is not None:
            return None
        taken = worker.take()
        if taken is None:
            return None
        job = taken
        if upcoming is not execution:
            execution, ledger = upcoming, None
            state, notes = execution.state, execution.notes
            lines, groups = execution.program.lines, execution.program.groups


async def _run_stored(worker: Worker[Job], job: Job) -> None:
    """As `run_attempts`, where nothing follows from an outcome before its record is on disk.

    So the worker is done with the job after one attempt: what follows is queued by the ledger. It
    takes the next one at once, if that is stored too, as one commit lets many go on.
    """
    context, clean, queue = worker.task.context, worker.context, worker.queue
    time = job.execution.house.time
    ticks, epoch = time.ticks, time.epoch
    while True:
        if _may_begin(worker, job):
            execution, token = job.execution, job.token
            line = execution.program.lines[token.node.index]
            if line is None or execution.watchers:
                outcome = await _attempt(job)
            else:
                job.started = ticks() + epoch
                try:
                    value = await line.call()
                    if value is None or type(value) in SMALL:
                        outcome = Completed(token.step, token.attempt, OUT, value, 0, job.started)
                    else:
                        outcome = completed(execution, token, value, job.started)
                except Exception as error:  # noqa: BLE001 - a supervision boundary: failure is a message
                    now, draw = ticks() + epoch, execution.house.random.random()
                    outcome = failed(token, error, now, draw, job.started)
            _land_stored(worker, job, outcome, ticks() + epoch)
        try:
            if not queue or context != clean:
                return
        except Exception:  # noqa: BLE001 - values that cannot even be compared
            return
        ledger = queue[0].execution.ledger
        if ledger is None or not ledger.waits:
            return
        taken = worker.take()
        if taken is None:
            return
        job = taken


def _may_begin(worker: Worker[Job], job: Job) -> bool:
    """Whether an attempt begins now, by this worker; if not, its execution knows."""
    execution, token, group = job.execution, job.token, job.group
    gate, was_parked = group.gate, job.is_returning
    if was_parked:
        group.has_come(job)
    if job.is_withdrawn or execution.ended_at is not None:
        return False
    if token.phase is not RUNNING:  # told to stop before it began
        execution.landed(token, Interrupted(token.step, token.attempt))
        return False
    job.calm = UNGUARDED if gate is None or not _is_call(token) else gate.calm
    if job.calm == NOT_CALM and not group.admit(job, was_parked=was_parked):
        return False
    token.worker = worker
    return True


def _land_stored(worker: Worker[Job], job: Job, outcome: Outcome, now: float) -> None:
    """Take the turn of an outcome, by the short path if that will do."""
    execution, token, gate = job.execution, job.token, job.group.gate
    if now >= worker.slice_end:
        worker.ends_slice(now)
        execution.trim_history()
    if gate is not None and job.calm != UNGUARDED:
        outcome = _measured(job, gate, outcome, now)
    ledger = execution.ledger
    assert ledger is not None
    if type(outcome) is Completed and not execution.watchers and ledger.written(outcome, now):
        following = step(execution.state, token, outcome)
        if following is not None:
            token.worker = None
            execution.notes += (now, outcome)
            ledger.step(now, following)
            return
    execution.landed(token, outcome)


def _measured(job: Job, gate: Gate, outcome: Outcome, now: float) -> Outcome:
    """Tell the guards how an attempt came out; what the execution is to be told."""
    if type(outcome) is Completed and job.calm == gate.calm != NOT_CALM:
        gate.passed += 1
        return outcome
    return job.group.report(job, outcome, now)


def _may_be_unfit(outcome: Outcome) -> bool:
    """Whether an outcome brings a value that might not be storable."""
    if type(outcome) is Completed:
        return type(outcome.value) not in SMALL
    return isinstance(outcome, (Calls, Lists))


def _is_call(token: Token) -> bool:
    """Whether an attempt calls something that a group could guard."""
    return token.item is not None or isinstance(token.node.spec.kind, Function)


async def _walk(  # noqa: C901 - the path of every node of a chain
    worker: Worker[Job], job: Job, line: Line, now: float
) -> Completed | None:
    """Await a bare node, and those in line after it; the outcome of the one where it stops.

    None if that was the end of the execution.

    What `step` would do for each is done here, without a new token, and without its questions: they
    are asked once, and `execution.untouched` says that the answers still hold. While it does, the
    token is found under the step where the walk began, and `steps` is the number of that one;
    `touch`, or the end of the walk, puts that right.
    """
    execution, token, gate = job.execution, job.token, job.group.gate
    state, notes, house = execution.state, execution.notes, execution.house
    ticks, epoch = house.time.ticks, house.time.epoch
    context, clean, slice_end = worker.task.context, worker.context, worker.slice_end
    memory, tokens = state.memory, state.tokens
    calm = UNGUARDED if gate is None else gate.calm
    execution.untouched = calm != NOT_CALM and _is_alone(state, token)
    number, steps, began = token.step, state.steps, now
    first, is_first = number, True
    try:
        while True:
            value = await line.call()
            if value is not None and type(value) not in SMALL and not is_short(value):
                return completed(execution, token, value, began)
            following = line.next
            if not execution.untouched or (
                following is None and (not line.is_last or state.joins or state.starving)
            ):
                break
            now = ticks() + epoch
            if now >= slice_end:
                if worker.ends_slice(now):
                    break
                slice_end = worker.slice_end
                if not execution.trim_history():
                    break
                is_first = True  # what is written bare follows one that is not
            try:
                if context != clean:
                    break
            except Exception:  # noqa: BLE001 - values that cannot even be compared
                break
            if gate is not None:
                if calm != gate.calm:
                    break
                gate.passed += 1
            notes.append(now)
            notes.append(Completed(number, 1, OUT, value, 0, began) if is_first else value)
            is_first = False
            memory[line.output] = value
            if following is None:
                execution.untouched = False
                del tokens[first]
                state.steps, state.in_flight, state.control = number, 0, COMPLETED
                return None
            steps += 1
            token.step = number = steps
            token.node = following.node
            line, began = following, now
    finally:
        job.started = began
        if execution.untouched:
            execution.untouched = False
            if number != first:
                del tokens[first]
                tokens[number] = token
                state.steps = number
    return Completed(number, token.attempt, OUT, value, 0, began)


def _is_alone(state: ExecutionState, token: Token) -> bool:
    """Whether there is nothing in an execution but this token, at its first attempt."""
    return (
        len(state.tokens) == 1
        and token.attempt == 1
        and token.error is None
        and token.item is None
        and state.control is ACTIVE
        and not state.sizes
        and not state.memory_is_lent
        and not state.witnesses
    )


async def _attempt(job: Job) -> Outcome:
    """One attempt with all that may come with it: a timeout, watchers."""
    execution, token = job.execution, job.token
    house, timeout = execution.house, token.node.timeout
    job.started = now = house.clock()
    if execution.watchers:
        execution.publish(token)
    if timeout is not None:
        overdue = Overdue(token.step, token.attempt, house.random.random())
        house.timers.add(now + timeout, execution, overdue)
    try:
        return await execution.program.acts[token.node.index](execution, token)
    except Exception as error:  # noqa: BLE001 - a supervision boundary: failure is a message
        return failed(token, error, house.clock(), house.random.random(), now)
