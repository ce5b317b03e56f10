from __future__ import annotations

import gc
from contextvars import ContextVar
from random import Random

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from processengine.actors import Dispatcher, Slots, Worker, current_job
from processengine.testing import chances, run_virtual

EFFORT = settings().max_examples
MARK: ContextVar[str] = ContextVar("mark", default="clean")


@attrs.define(eq=False)
class Job:
    """Work that takes a while and then leaves more work, to be queued or returned.

    `raises` while it is stopped; `stains` a context variable.
    """

    seconds: float = 0.0
    then: list[Job] = attrs.field(factory=list["Job"])
    rest: Job | None = None
    raises: bool = False
    stains: bool = False
    begun: int = 0
    done: int = 0
    stopped: int = 0
    lost: list[BaseException | None] = attrs.field(factory=list[BaseException | None])
    mark: str = ""
    worker: Worker[Job] | None = None

    def all(self) -> list[Job]:
        further = [*self.then, *([self.rest] if self.rest else [])]
        return [self, *(job for each in further for job in each.all())]


@attrs.define(eq=False)
class Shop:
    """A dispatcher at work."""

    limit: int | None = None
    at_once: int = 0
    most_at_once: int = 0
    takes_more: bool = False
    _dispatcher: Dispatcher[Job] | None = None

    @property
    def dispatcher(self) -> Dispatcher[Job]:
        assert self._dispatcher is not None
        return self._dispatcher

    def open(self, nursery: trio.Nursery, slots: Slots | None = None) -> None:
        self._dispatcher = Dispatcher(
            self.run, self.on_stopped, self.on_lost, limit=self.limit, slots=slots
        )
        nursery.start_soon(self._dispatcher.serve)

    async def run(self, worker: Worker[Job], job: Job) -> Job | None:
        rest = await self._run_one(worker, job)
        while self.takes_more and rest is None:
            taken = worker.take()
            if taken is None:
                break
            rest = await self._run_one(worker, taken)
        return rest

    async def _run_one(self, worker: Worker[Job], job: Job) -> Job | None:
        assert current_job() is job
        job.begun += 1
        job.mark = MARK.get()
        job.worker = worker
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self._work(job)
        finally:
            self.at_once -= 1
            job.worker = None
        job.done += 1
        for further in job.then:
            self.dispatcher.submit(further)
        return job.rest

    @staticmethod
    async def _work(job: Job) -> None:
        if job.stains:
            MARK.set("stained")
        try:
            if job.seconds:
                await trio.sleep(job.seconds)
        except trio.Cancelled:
            if job.raises:
                raise ValueError("in the clean-up") from None
            raise

    @staticmethod
    def on_stopped(job: Job) -> None:
        job.stopped += 1

    @staticmethod
    def on_lost(job: Job, error: BaseException | None) -> None:
        job.lost.append(error)


def draw_job(random: Random, depth: int = 3) -> Job:
    then = [draw_job(random, depth - 1) for _ in range(random.randrange(3))] if depth else []
    rest = draw_job(random, depth - 1) if depth and random.randrange(2) else None
    return Job(float(random.randrange(3)), then, rest, raises=random.randrange(4) == 3)


def draw_jobs(random: Random) -> list[Job]:
    return [draw_job(random) for _ in range(1 + random.randrange(4))]


async def work_off(shop: Shop, jobs: list[Job], stops: list[float]) -> None:
    """Submit all jobs, stop whatever runs at the given times, and wait until nothing is left."""
    async with trio.open_nursery() as nursery:
        shop.open(nursery)
        for job in jobs:
            shop.dispatcher.submit(job)
        for seconds in stops:
            await trio.sleep(seconds)
            busy = [job for each in jobs for job in each.all() if job.worker is not None]
            for job in busy[:2]:
                assert job.worker is not None
                job.worker.stop()
        await check_no_wake_up_is_lost(shop)
        await trio.sleep(1_000)
        nursery.cancel_scope.cancel()


async def check_no_wake_up_is_lost(shop: Shop) -> None:
    await wait_all_tasks_blocked()
    assert not shop.dispatcher.queued or shop.at_once == shop.limit


@settings(max_examples=2 * EFFORT)
@given(
    jobs=chances().map(draw_jobs),
    limit=chances().map(lambda random: random.choice((None, 1, 2))),
    stops=chances().map(lambda random: [float(n) for n in range(random.randrange(4))]),
    takes_more=st.booleans(),
    schedule=chances(),
)
def test_every_job_runs_once_and_no_wake_up_is_lost(
    jobs: list[Job], limit: int | None, stops: list[float], takes_more: bool, schedule: Random
) -> None:
    shop = Shop(limit, takes_more=takes_more)
    run_virtual(work_off, shop, jobs, stops, random=schedule)
    assert shop.dispatcher.queued == 0
    assert shop.most_at_once <= (limit or shop.most_at_once)
    waiting = list(jobs)
    for job in waiting:
        assert (job.begun, job.done + job.stopped) == (1, 1)
        waiting += [*job.then, *([job.rest] if job.rest else [])] if job.done else []


def open_and_close(shop: Shop, *jobs: Job, seconds: float = 1_000.0) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            shop.open(nursery)
            for job in jobs:
                shop.dispatcher.submit(job)
            await trio.sleep(seconds)
            nursery.cancel_scope.cancel()

    run_virtual(main)


def test_jobs_start_in_the_order_in_which_they_came() -> None:
    order: list[Job] = []

    class Ordered(Shop):
        async def run(self, worker: Worker[Job], job: Job) -> Job | None:
            order.append(job)
            return await super().run(worker, job)

    jobs = [Job(1.0) for _ in range(5)]
    open_and_close(Ordered(limit=1), *jobs)
    assert order == jobs


def test_jobs_that_do_not_block_share_one_worker() -> None:
    jobs = [Job() for _ in range(2_000)]
    shop = Shop()
    open_and_close(shop, *jobs)
    assert {job.done for job in jobs} == {1}
    assert shop.most_at_once == 1


def test_a_job_finds_no_context_variable_of_another() -> None:
    jobs = [Job(stains=True), Job(), Job(1.0, stains=True), Job(2.0), Job()]
    open_and_close(Shop(limit=1), *jobs)
    assert {job.mark for job in jobs} == {"clean"}


def test_a_worker_whose_job_was_stopped_takes_the_next_one() -> None:
    first, second = Job(100.0, raises=True), Job(1.0)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            shop = Shop(limit=1)
            shop.open(nursery)
            shop.dispatcher.submit(first)
            shop.dispatcher.submit(second)
            await trio.sleep(1)
            assert first.worker is not None
            first.worker.stop()
            await trio.sleep(2)
            nursery.cancel_scope.cancel()

    run_virtual(main)
    assert (first.stopped, second.done) == (1, 1)


def test_workers_that_have_nothing_to_do_are_let_go_but_for_some_to_spare() -> None:
    async def main() -> tuple[int, str]:
        async with trio.open_nursery() as nursery:
            shop = Shop()
            shop.open(nursery)
            for _ in range(200):
                shop.dispatcher.submit(Job(1.0))
            await trio.sleep(0.5)
            busy = shop.dispatcher.workers
            await trio.sleep(1)
            told = repr(shop.dispatcher)
            nursery.cancel_scope.cancel()
        return busy, told

    assert run_virtual(main) == (200, "<Dispatcher queued=0 workers=64 idle=64>")


def test_workers_that_have_ended_are_forgotten() -> None:
    def workers() -> int:
        gc.collect()
        return sum(isinstance(each, Worker) for each in gc.get_objects())

    async def main() -> None:
        shop = Shop()
        async with trio.open_nursery() as nursery:
            shop.open(nursery)
            for _ in range(10):
                shop.dispatcher.submit(Job(seconds=1))
            await trio.sleep(2)
            nursery.cancel_scope.cancel()

    before = workers()
    run_virtual(main)
    assert workers() == before


async def test_outside_of_jobs_there_is_no_current_job() -> None:
    assert current_job() is None


def test_a_task_that_a_job_starts_belongs_to_the_job() -> None:
    seen: list[object] = []

    async def child() -> None:
        seen.append(current_job())

    class Parent(Shop):
        async def run(self, worker: Worker[Job], job: Job) -> Job | None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(child)
            return None

    job = Job()
    open_and_close(Parent(), job)
    assert seen == [job]


def test_a_fault_of_whoever_runs_the_jobs_is_not_hidden() -> None:
    class Faulty(Shop):
        async def run(self, worker: Worker[Job], job: Job) -> Job | None:
            raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        open_and_close(Faulty(), Job())
    assert caught.group_contains(ZeroDivisionError)


def test_what_is_no_exception_ends_its_job_and_nothing_else() -> None:
    class Leaving(Shop):
        async def run(self, worker: Worker[Job], job: Job) -> Job | None:
            if job is first:
                raise SystemExit(3)
            return await super().run(worker, job)

    first, second, third = Job(), Job(1.0), Job()
    open_and_close(Leaving(limit=1), first, second, third)
    assert [type(error) for error in first.lost] == [SystemExit]
    assert (second.done, third.done, second.lost) == (1, 1, [])


def test_after_a_fault_the_other_jobs_are_lost_and_those_queued_wait_for_the_next_serving() -> None:
    faulty, running, queued = Job(), Job(10.0), Job()

    class Faulty(Shop):
        async def run(self, worker: Worker[Job], job: Job) -> Job | None:
            if job is faulty:
                await trio.sleep(1)
                raise ZeroDivisionError
            return await super().run(worker, job)

    async def main() -> None:
        shop = Faulty(limit=2)

        async def serve() -> None:
            async with trio.open_nursery() as nursery:
                shop.open(nursery)
                for job in (faulty, running, queued):
                    shop.dispatcher.submit(job)

        with pytest.raises(ExceptionGroup):
            await serve()
        assert (shop.dispatcher.workers, shop.dispatcher.queued) == (0, 1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(shop.dispatcher.serve)
            await trio.sleep(1)
            nursery.cancel_scope.cancel()

    run_virtual(main)
    assert [type(error) for error in faulty.lost] == [ZeroDivisionError]
    assert running.lost == [None]
    assert queued.done == 1


@given(schedule=chances(), ticks=st.integers(0, 3), began=st.booleans())
def test_a_job_that_comes_while_the_serving_ends_waits_for_the_next_one(
    schedule: Random, ticks: int, began: bool
) -> None:
    shop, late = Shop(), Job()

    async def serve() -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(shop.dispatcher.serve)
            await trio.sleep(1)
            nursery.cancel_scope.cancel()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            shop.open(nursery)
            if began:
                shop.dispatcher.submit(Job())
            await trio.sleep(1)
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                for _ in range(ticks):
                    await trio.lowlevel.checkpoint()
            shop.dispatcher.submit(late)
        await serve()

    run_virtual(main, random=schedule)
    assert (late.done, shop.dispatcher.queued, shop.dispatcher.workers) == (1, 0, 0)


@settings(max_examples=EFFORT)
@given(
    crews=chances().map(lambda random: [draw_jobs(random) for _ in range(1 + random.randrange(3))]),
    limit=chances().map(lambda random: 1 + random.randrange(3)),
    schedule=chances(),
)
def test_dispatchers_that_share_slots_all_come_to_their_end(
    crews: list[list[Job]], limit: int, schedule: Random
) -> None:
    at_once = most = 0

    class Sharing(Shop):
        async def run(self, worker: Worker[Job], job: Job) -> Job | None:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            try:
                return await super().run(worker, job)
            finally:
                at_once -= 1

    async def main() -> None:
        slots = Slots(limit)
        async with trio.open_nursery() as nursery:
            for crew in crews:
                shop = Sharing()
                shop.open(nursery, slots)
                for job in crew:
                    shop.dispatcher.submit(job)
            await trio.sleep(1_000)
            nursery.cancel_scope.cancel()

    run_virtual(main, random=schedule)
    assert most <= limit
    assert {job.done for crew in crews for each in crew for job in each.all()} == {1}
