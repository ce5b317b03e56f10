"""Runs jobs on a pool of reused trio tasks, so that a job costs no task of its own.

A worker takes a job from the queue, awaits it, and takes the next. Workers sleep only while the
queue is empty. The invariant that no wake-up is lost: *while the queue is not empty, either every
worker that may exist is busy, or at least one is awake*, that is, scheduled to look at the queue.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextvars import Context, copy_context
from functools import partial
from types import FrameType
from typing import Any, Generic, Protocol, SupportsIndex, TypeVar, cast

import trio

J = TypeVar("J")

_WORKERS: dict[trio.lowlevel.Task, Worker[Any]] = {}

SLICE_SECONDS = 0.001
SLICE_JOBS = 500
SPARE_WORKERS = 64


class Floor:
    """Who of the workers of a dispatcher has last begun a time slice, and how long one is.

    A virtual clock stands still while anybody runs. So slices end by `looks` there: how often its
    holder may see that its `seconds`, which are none, are just over. `is_wanted` answers whether
    another job waits for the slot that the holder has.
    """

    __slots__ = ("holder", "is_wanted", "looks", "seconds")

    def __init__(
        self, *, is_virtual: bool = False, is_wanted: Callable[[], bool] | None = None
    ) -> None:
        self.holder: object = None
        self.is_wanted: Callable[[], bool] | None = is_wanted
        self.seconds: float = 0.0 if is_virtual else SLICE_SECONDS
        self.looks: int = SLICE_JOBS if is_virtual else 0


class Worker(Generic[J]):
    """One reused task. `scope` cancels what it runs now; `job` is that, None between jobs.

    Who runs a job asks `ends_slice` when it sees the clock beyond `slice_end`, may `take` another
    after it, and returns as soon as it can when `is_slice_over`, when `stopped`, or when the worker
    is not `is_clean`.
    """

    __slots__ = (
        "context", "floor", "has_slot", "is_asleep", "is_called", "is_slice_over", "job",
        "jobs_in_slice", "looks", "queue", "scope", "slice_end", "stopped", "task",
    )  # fmt: skip

    def __init__(
        self,
        task: trio.lowlevel.Task,
        context: Context,
        floor: Floor,
        queue: JobQueue[J] | None = None,
    ) -> None:
        self.floor: Floor = floor
        self.queue: JobQueue[J] | None = queue
        self.task: trio.lowlevel.Task = task
        self.context: Context = context
        self.scope: trio.CancelScope = trio.CancelScope()
        self.job: J | None = None
        self.has_slot: bool = True
        self.is_asleep: bool = False
        self.is_called: bool = False
        self.stopped: bool = False
        self.slice_end: float = 0.0
        self.is_slice_over: bool = False
        self.jobs_in_slice: int = 0
        self.looks: int = 0

    def take(self) -> J | None:
        """The next job, for who has done with the last; None if the dispatcher has to see to it.

        Only for a worker that is clean. Nobody need be woken: who takes something leaves no more
        behind than there was.
        """
        queue = self.queue
        if not queue or self.is_slice_over or self.stopped or self.jobs_in_slice >= SLICE_JOBS:
            return None
        self.jobs_in_slice += 1
        self.job = job = queue.popleft()
        return job

    def renewed(self) -> trio.CancelScope:
        """A fresh scope: the last one is spent once a job was stopped."""
        self.stopped = False
        self.job = None
        self.scope = trio.CancelScope()
        return self.scope

    def stop(self) -> None:
        """Cancel the job that runs now; the worker goes on with another."""
        self.stopped = True
        self.scope.cancel()

    def begin_slice(self, now: float) -> None:
        """Have the event loop for a while."""
        self.floor.holder = self
        self.slice_end = now + self.floor.seconds
        self.is_slice_over = False
        self.jobs_in_slice = self.looks = 0

    def ends_slice(self, now: float) -> bool:
        """Whether it is time to let others run: not if they have, as what it awaited slept.

        It is all the same if another job waits for its slot. Saves a worker whose jobs sleep a
        checkpoint each: 1000 x 10 nodes of 10 ms took 1.48 of the time by hand before.
        """
        floor = self.floor
        if floor.is_wanted is not None and floor.is_wanted():
            self.is_slice_over = True
        elif floor.holder is not self:
            self.begin_slice(now)
        elif self.looks < floor.looks and now == self.slice_end:
            self.looks += 1
        else:
            self.is_slice_over = True
        return self.is_slice_over

    def call(self) -> None:
        """Wake it, or have it not fall asleep."""
        self.is_called = True
        if self.is_asleep:
            trio.lowlevel.reschedule(self.task)

    def is_clean(self) -> bool:
        """Whether no job has left context variables behind (the comparison is one of pointers)."""
        try:
            return self.task.context == self.context
        except Exception:  # noqa: BLE001 - values that cannot even be compared
            return False


class JobQueue(Protocol[J]):
    """Where jobs wait; a `deque`, or something that lets them come up in another order."""

    def __len__(self) -> int: ...
    def append(self, job: J, /) -> None: ...
    def popleft(self) -> J: ...
    def __getitem__(self, place: SupportsIndex, /) -> J: ...


class Slots:
    """A bound on the workers of several dispatchers, which get free slots by turns."""

    __slots__ = ("_taken", "_waiting", "limit")

    def __init__(self, limit: int) -> None:
        self.limit: int = limit
        self._taken: int = 0
        self._waiting: dict[Dispatcher[Any], None] = {}

    def __repr__(self) -> str:
        return f"<Slots {self._taken}/{self.limit} waiting={len(self._waiting)}>"

    def is_contested(self, dispatcher: Dispatcher[Any]) -> bool:
        """Whether another dispatcher waits for a slot."""
        return len(self._waiting) > (dispatcher in self._waiting)

    def take(self, dispatcher: Dispatcher[Any]) -> bool:
        """Take a slot; where none is free, the dispatcher is woken when its turn has come."""
        if self._taken == self.limit:
            self._waiting[dispatcher] = None
            return False
        self._taken += 1
        return True

    def give_back(self) -> None:
        """Give a slot back, to whoever has waited longest for one and still wants it."""
        self._taken -= 1
        while self._waiting and self._taken < self.limit:
            dispatcher = next(iter(self._waiting))
            del self._waiting[dispatcher]
            dispatcher.wake()


class Dispatcher(Generic[J]):
    """A queue of jobs and the workers that run them, at most `limit` at once (None: no bound).

    `run(worker, job)` handles every `Exception` of a job itself; a job that it returns is queued in
    its turn. `on_stopped(job)` is called when a job has ended because `Worker.stop` was called on
    its worker, `on_lost(job, error)` when it raised something that is no `Exception` (`SystemExit`,
    say), or when a fault of `run` was the end of all workers, its own (`error` None) or another
    one's. `slots` bounds the workers of several dispatchers; `context` is what every job finds
    (None: that of whoever makes the dispatcher), `clock` what time slices are measured by (seconds;
    None: trio's), which `is_virtual` where it stands still while anybody runs. Single writer: the
    trio thread.
    """

    def __init__(
        self,
        run: Callable[[Worker[J], J], Awaitable[J | None]],
        on_stopped: Callable[[J], None],
        on_lost: Callable[[J, BaseException | None], None],
        *,
        limit: int | None = None,
        queue: JobQueue[J] | None = None,
        slots: Slots | None = None,
        context: Context | None = None,
        clock: Callable[[], float] | None = None,
        is_virtual: bool = False,
    ) -> None:
        self._run = run
        self._on_stopped = on_stopped
        self._on_lost = on_lost
        self._limit = limit
        self._slots = slots
        self._clock = clock or trio.lowlevel.current_clock().current_time
        self._context = copy_context() if context is None else context
        self._queue: JobQueue[J] = deque[J]() if queue is None else queue
        self._nursery: trio.Nursery | None = None
        is_wanted = None if slots is None else partial(self._is_wanted, slots)
        self._floor = Floor(is_virtual=is_virtual, is_wanted=is_wanted)
        self._idle: list[Worker[J]] = []
        self._crew: dict[Worker[J], None] = {}
        self._awake = 0
        self.workers: int = 0

    def __repr__(self) -> str:
        return (
            f"<Dispatcher queued={len(self._queue)} workers={self.workers} idle={len(self._idle)}>"
        )

    @property
    def queued(self) -> int:
        """How many jobs wait for a worker."""
        return len(self._queue)

    @property
    def running(self) -> int:
        """How many jobs have a worker."""
        return self.workers - len(self._idle) - self._awake

    @property
    def busy(self) -> int:
        """How many workers are at work."""
        return self.workers - len(self._idle)

    async def serve(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Have workers run what is queued, until cancelled; may be called again after that.

        Raises what `run` raises, which is a fault of it; no job survives that.
        """
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                self.wake()
                task_status.started()
                await trio.sleep_forever()
            finally:
                self._nursery = None  # it is about to end: nobody may be started any more

    def submit(self, job: J) -> None:
        """Queue a job; it starts in order of arrival."""
        self._queue.append(job)
        if not self._awake:
            self._wake_one()

    def stop_all(self, is_meant: Callable[[J], bool]) -> None:
        """Stop every job of a kind that has a worker."""
        for worker in tuple(self._crew):
            if worker.job is not None and is_meant(worker.job):
                worker.stop()

    def wake(self) -> None:
        """Have a worker look at the queue, if there is anything to see."""
        if self._queue and not self._awake:
            self._wake_one()

    def _is_wanted(self, slots: Slots) -> bool:
        return bool(self._queue) or slots.is_contested(self)

    def _wake_one(self) -> None:
        if self._nursery is None or self.busy == self._limit:
            return
        if self._slots is not None and not self._slots.take(self):
            return
        self._awake += 1
        if self._idle:
            self._idle.pop().call()
        else:
            self.workers += 1
            # In our own context: the caller may be a job that has set context variables.
            self._context.run(self._nursery.start_soon, self._work)

    @trio.lowlevel.enable_ki_protection  # Ctrl-C is for the host's main task, which then closes us
    async def _work(self) -> None:
        self._awake -= 1
        queue = self._queue if self._slots is None else None  # where slots are scarce, it asks
        worker: Worker[J] = Worker(trio.lowlevel.current_task(), copy_context(), self._floor, queue)
        worker.begin_slice(self._clock())
        _WORKERS[worker.task] = worker
        self._crew[worker] = None
        try:
            while await self._serve_under_scope(worker):
                pass
        except BaseException as error:
            self._lose(worker, error)
            if not _is_foreign(error):
                self._nursery = None  # it is about to end: nobody may be started any more
                raise
        finally:
            del self._crew[worker], _WORKERS[worker.task]
            self.workers -= 1
            self._give_back_slot(worker)
            self.wake()

    def _lose(self, worker: Worker[J], error: BaseException) -> None:
        job, worker.job = worker.job, None
        if job is not None:
            self._on_lost(job, None if isinstance(error, trio.Cancelled) else error)

    async def _serve_under_scope(self, worker: Worker[J]) -> bool:
        """Serve until the scope is spent or the worker retires; whether to go on."""
        try:
            with worker.renewed():
                return await self._serve(worker)
        except Exception:
            # What a stopped job raised beside its cancellation; anything else is a fault of ours.
            if not worker.stopped:
                raise
        job = worker.job
        if job is not None:
            worker.job = None
            self._on_stopped(job)
        return worker.is_clean()

    async def _serve(self, worker: Worker[J]) -> bool:
        may_go_on = True
        while True:
            if not self._queue or not may_go_on:
                if len(self._idle) >= SPARE_WORKERS:
                    return False
                await self._park(worker)
                may_go_on = True
                continue
            worker.jobs_in_slice += 1
            if worker.is_slice_over or worker.jobs_in_slice > SLICE_JOBS:
                await self._yield(worker)
                continue
            worker.job = job = self._queue.popleft()
            if self._queue and not self._awake:
                self._wake_one()
            rest = await self._run(worker, job)
            worker.job = None
            if rest is not None:
                self._queue.append(rest)
            may_go_on = self._slots is None or not self._slots.is_contested(self)
            if worker.stopped:
                return worker.is_clean()
            if not worker.is_clean():
                return False

    async def _park(self, worker: Worker[J]) -> None:
        worker.is_called = False
        self._idle.append(worker)
        self._give_back_slot(worker)
        self.wake()  # if others have no better claim to the slot than what is queued here

        def abort(_: object) -> trio.lowlevel.Abort:
            self._idle.remove(worker)
            return trio.lowlevel.Abort.SUCCEEDED

        if not worker.is_called:
            worker.is_asleep = True
            try:
                await trio.lowlevel.wait_task_rescheduled(abort)
            finally:
                worker.is_asleep = False
        self._awake -= 1
        worker.has_slot = True
        worker.begin_slice(self._clock())

    def _give_back_slot(self, worker: Worker[J]) -> None:
        if self._slots is not None and worker.has_slot:
            worker.has_slot = False
            self._slots.give_back()

    async def _yield(self, worker: Worker[J]) -> None:
        self._awake += 1
        try:
            await trio.lowlevel.checkpoint()
        finally:
            self._awake -= 1
        worker.begin_slice(self._clock())


def _is_foreign(error: BaseException) -> bool:
    """Whether it says nothing about us: not a fault, a cancellation or Ctrl-C."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_foreign, cast(BaseExceptionGroup[BaseException], error).exceptions))
    return not isinstance(error, (Exception, trio.Cancelled, KeyboardInterrupt))


def current_job() -> object:
    """The job that the calling trio task works for, itself or as a child; None outside of jobs."""
    task: trio.lowlevel.Task | None = trio.lowlevel.current_task()
    while task is not None:
        worker = _WORKERS.get(task)
        if worker is not None:
            return worker.job
        task = task.parent_nursery.parent_task if task.parent_nursery is not None else None
    return None


def job_in(stack: Sequence[FrameType]) -> tuple[object, Sequence[FrameType]]:
    """The job that a thread works for whose stack (outermost first) this is, and its frames.

    None and no frames if it works for none. For another thread than that: it costs jobs nothing,
    and as the workers go on meanwhile, it may find nothing where there is something.
    """
    places = {id(frame): place for place, frame in enumerate(stack)}
    try:
        for worker_task, worker in list(_WORKERS.items()):
            for task in _with_children(worker_task):
                place = places.get(id(getattr(task.coro, "cr_frame", None)))
                if place is not None and worker.job is not None:
                    return worker.job, stack[place:]
    except RuntimeError:  # something changed while we went over it
        pass
    return None, ()


def _with_children(task: trio.lowlevel.Task) -> Iterator[trio.lowlevel.Task]:
    tasks = [task]
    while tasks:
        task = tasks.pop()
        yield task
        for nursery in list(task.child_nurseries):
            tasks += nursery.child_tasks
