"""What a worker does: it takes attempts one after another, and the turns of their outcomes."""

from __future__ import annotations

from ...actors import Worker
from ..definition import OUT
from ._actor import Execution, Job
from ._attempt import completed, failed
from ._lines import Line
from ._records import Completed, Interrupted, Outcome, Overdue
from ._sizes import SMALL
from ._state import ACTIVE, RUNNING, ExecutionState, Token
from ._step import ENDED, Following, step


async def run_attempts(worker: Worker[Job], job: Job) -> Job | None:
    """Make the attempt of a token, take the turn of its outcome, go on with one successor.

    The others are queued. The worker returns to the queue when the execution has nothing more for
    it, when its time slice is over, or when it was stopped.
    """
    execution, token = job.execution, job.token
    state, lines = execution.state, execution.program.lines
    history, clock = execution.history, execution.house.clock
    context, clean = worker.task.context, worker.context
    while True:
        token.worker = worker
        line = lines[token.node.index]
        if line is None or token.phase is not RUNNING or execution.watchers:
            outcome = await _attempt(execution, token)
        else:
            try:
                outcome = await _walk(worker, execution, token, line)
            except Exception as error:  # noqa: BLE001 - a supervision boundary: failure is a message
                outcome = failed(token, error, clock(), execution.house.random.random())
        now = clock()
        if now >= worker.slice_end:
            worker.is_slice_over = True
            execution.trim_history()
        following: Following | None = None
        if type(outcome) is Completed and not execution.watchers:
            following = step(state, token, outcome)
        if following is None:
            token.worker = None
            following = execution.advance(outcome, now)
            if following is None:
                return None
        else:
            history.append(now)
            history.append(outcome)
            if type(following) is not Token:
                execution.rest(following is ENDED)
                return None
        job.token = token = following
        if worker.stopped or context != clean or worker.is_slice_over:
            return job


async def _walk(worker: Worker[Job], execution: Execution, token: Token, line: Line) -> Completed:
    """Await a bare node, and those in line after it; the outcome of the one where it stops.

    What `step` would do for each is done here, without a new token, and without its questions: they
    are asked once, and `execution.untouched` says that the answers still hold.
    """
    state, history, clock = execution.state, execution.history, execution.house.clock
    context, clean, slice_end = worker.task.context, worker.context, worker.slice_end
    memory, tokens = state.memory, state.tokens
    goes_on = execution.untouched = _is_alone(state, token)
    number, attempt, now = token.step, token.attempt, clock()
    while True:
        value = await line.call()
        if type(value) not in SMALL:
            return completed(execution, token, value, now)
        outcome = Completed(number, attempt, OUT, value, 0, now)
        following = line.next
        if following is None or not goes_on or not execution.untouched:
            return outcome
        now = clock()
        if now >= slice_end or context != clean:
            return outcome
        history.append(now)
        history.append(outcome)
        memory[line.output] = value
        del tokens[number]
        token.step = number = state.steps = state.steps + 1
        token.node = following.node
        tokens[number] = token
        line = following


def _is_alone(state: ExecutionState, token: Token) -> bool:
    """Whether there is nothing in an execution but this token, at its first attempt."""
    return (
        len(state.tokens) == 1
        and token.attempt == 1
        and token.error is None
        and token.item is None
        and state.control is ACTIVE
        and not state.sizes
        and not state.witnesses
    )


async def _attempt(execution: Execution, token: Token) -> Outcome:
    """One attempt with all that may come with it: a timeout, watchers, a stop before the start."""
    house, timeout = execution.house, token.node.spec.timeout
    if token.phase is not RUNNING:
        return Interrupted(token.step, token.attempt)
    if execution.watchers:
        execution.publish(token)
    if timeout is not None:
        overdue = Overdue(token.step, token.attempt, house.random.random())
        house.timers.add(house.clock() + timeout, execution, overdue)
    try:
        return await execution.program.acts[token.node.index](execution, token)
    except Exception as error:  # noqa: BLE001 - a supervision boundary: failure is a message
        return failed(token, error, house.clock(), house.random.random())
