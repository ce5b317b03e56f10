"""Runs jobs on a pool of reused trio tasks, so that a job costs no task of its own.

A worker takes a job from the queue, awaits it, and takes the next. Workers sleep only while the
queue is empty. The invariant that no wake-up is lost: *while the queue is not empty, either every
worker that may exist is busy, or at least one is awake*, that is, scheduled to look at the queue.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import trio

J = TypeVar("J")

_WORKERS: WeakKeyDictionary[trio.lowlevel.Task, Worker[Any]] = WeakKeyDictionary()

SLICE_SECONDS = 0.001
SLICE_JOBS = 500
SPARE_WORKERS = 64


class Worker(Generic[J]):
    """One reused task. `scope` cancels what it runs now; `job` is that, None between jobs.

    Who runs a job sets `is_slice_over` when it sees the clock beyond `slice_end`, and returns to
    the queue as soon as it can when that is so, when `stopped`, or when the worker is not
    `is_clean`.
    """

    __slots__ = (
        "context", "is_slice_over", "job", "jobs_in_slice", "scope", "slice_end", "stopped", "task",
    )  # fmt: skip

    def __init__(self, task: trio.lowlevel.Task, context: Context) -> None:
        self.task: trio.lowlevel.Task = task
        self.context: Context = context
        self.scope: trio.CancelScope = trio.CancelScope()
        self.job: J | None = None
        self.stopped: bool = False
        self.slice_end: float = 0.0
        self.is_slice_over: bool = False
        self.jobs_in_slice: int = 0

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

    def is_clean(self) -> bool:
        """Whether no job has left context variables behind (the comparison is one of pointers)."""
        try:
            return self.task.context == self.context
        except Exception:  # noqa: BLE001 - values that cannot even be compared
            return False


class Dispatcher(Generic[J]):
    """A queue of jobs and the workers that run them, at most `limit` at once (None: no bound).

    `run(worker, job)` handles every `Exception` of a job itself; a job that it returns is queued in
    its turn. `on_stopped(job)` is called when a
    job has ended because `Worker.stop` was called on its worker. Single writer: the trio thread.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        run: Callable[[Worker[J], J], Awaitable[J | None]],
        on_stopped: Callable[[J], None],
        limit: int | None = None,
    ) -> None:
        self._nursery = nursery
        self._run = run
        self._on_stopped = on_stopped
        self._limit = limit
        self._clock = trio.lowlevel.current_clock().current_time
        self._context = copy_context()
        self._queue: deque[J] = deque()
        self._idle: list[Worker[J]] = []
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

    def submit(self, job: J) -> None:
        """Queue a job; it starts in order of arrival."""
        self._queue.append(job)
        if not self._awake:
            self._wake_one()

    def _wake_one(self) -> None:
        if self._idle:
            self._awake += 1
            trio.lowlevel.reschedule(self._idle.pop().task)
        elif self._limit is None or self.workers < self._limit:
            self._awake += 1
            self.workers += 1
            # In our own context: the caller may be a job that has set context variables.
            self._context.run(self._nursery.start_soon, self._work)

    @trio.lowlevel.enable_ki_protection  # Ctrl-C is for the host's main task, which then closes us
    async def _work(self) -> None:
        self._awake -= 1
        worker: Worker[J] = Worker(trio.lowlevel.current_task(), copy_context())
        self._begin_slice(worker)
        _WORKERS[worker.task] = worker
        try:
            while await self._serve_under_scope(worker):
                pass
        finally:
            self.workers -= 1
            if self._queue and not self._awake:
                self._wake_one()

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
        while True:
            if not self._queue:
                if len(self._idle) >= SPARE_WORKERS:
                    return False
                await self._park(worker)
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
            if worker.stopped:
                return worker.is_clean()
            if not worker.is_clean():
                return False

    async def _park(self, worker: Worker[J]) -> None:
        self._idle.append(worker)

        def abort(_: object) -> trio.lowlevel.Abort:
            self._idle.remove(worker)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        self._awake -= 1
        self._begin_slice(worker)

    async def _yield(self, worker: Worker[J]) -> None:
        self._awake += 1
        try:
            await trio.lowlevel.checkpoint()
        finally:
            self._awake -= 1
        self._begin_slice(worker)

    def _begin_slice(self, worker: Worker[J]) -> None:
        worker.slice_end = self._clock() + SLICE_SECONDS
        worker.is_slice_over = False
        worker.jobs_in_slice = 0


def current_job() -> object:
    """The job that the calling trio task works for, itself or as a child; None outside of jobs."""
    task: trio.lowlevel.Task | None = trio.lowlevel.current_task()
    while task is not None:
        worker = _WORKERS.get(task)
        if worker is not None:
            return worker.job
        task = task.parent_nursery.parent_task if task.parent_nursery is not None else None
    return None
