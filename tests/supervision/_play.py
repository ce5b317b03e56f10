"""A drawn supervisor with drawn children under drawn orders, and what must be true of it."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from random import Random

import trio
import trio.testing

from processengine.actors import ActorGone, Reply
from processengine.supervision import Intensity
from processengine.supervision._backoff import Backoff
from processengine.supervision._child import Child, Service
from processengine.supervision._errors import (
    ChildNotStarted,
    DuplicateChild,
    SupervisorGaveUp,
    UnknownChild,
)
from processengine.supervision._notices import ChildEnd, ChildRestarting, Notice
from processengine.supervision._strategy import RestartType, Strategy
from processengine.supervision._supervisor import Supervisor
from processengine.testing import run_virtual

STRATEGIES: tuple[Strategy, ...] = ("one_for_one", "one_for_all", "rest_for_one", "dynamic")
TYPES: tuple[RestartType, ...] = ("permanent", "transient", "temporary")
ORDERS = ("stop", "restart", "remove", "add")
MANNERS = ("plain", "polite", "slow")
ACTS = ("stays", "stays", "returns", "raises", "does not start", "lingers")
SHUTDOWN = 3.0


class Plan:
    """What each child does in each of its lives, by turns, and what happens to the supervisor."""

    def __init__(self, random: Random) -> None:
        self.strategy: Strategy = random.choice(STRATEGIES)
        self.limit = random.randrange(5)
        self.children = [self.draw_child(random, f"c{n}") for n in range(1 + random.randrange(4))]
        self.orders = [
            (random.choice((0, 1, 2)), random.choice(ORDERS), random.choice(self.children)[0])
            for _ in range(random.randrange(5))
        ]
        self.is_cancelled = random.choice((False, True))

    def draw_child(self, random: Random, name: str) -> tuple[str, RestartType, str, list[str]]:
        acts = [random.choice(ACTS) for _ in range(1 + random.randrange(3))]
        return name, random.choice(TYPES), random.choice(MANNERS), acts


class Play:
    """Runs a plan, and keeps what has to be true of it afterwards."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.alive: set[str] = set()
        self.begun = 0
        self.notices: list[Notice] = []
        self.watched: dict[str, Reply[ChildEnd]] = {}
        self.error: Exception | None = None
        self.took = 0.0

    def child(self, name: str, restart: RestartType, manner: str, acts: list[str]) -> Child:
        turns = itertools.cycle(acts)

        async def live(started: Callable[[], None], stopping: trio.Event | None) -> None:
            assert name not in self.alive
            self.alive.add(name)
            act = next(turns)
            try:
                if act == "does not start":
                    raise OSError(name)
                if manner == "slow":
                    await trio.sleep(1)
                started()
                if act in ("returns", "raises"):
                    await trio.sleep(1)
                    if act == "raises":
                        raise ValueError(name)
                elif stopping is not None:
                    await stopping.wait()
                    await trio.sleep(9 if act == "lingers" else 1)
                else:
                    await trio.sleep_forever()
            finally:
                self.alive.remove(name)

        async def plain() -> None:
            self.begun += 1
            await live(lambda: None, None)

        async def slow(*, task_status: trio.TaskStatus[None]) -> None:
            self.begun += 1
            await live(task_status.started, None)

        async def polite(*, task_status: trio.TaskStatus[None], stopping: trio.Event) -> None:
            self.begun += 1
            await live(task_status.started, stopping)

        starts: dict[str, Service] = {"plain": plain, "slow": slow, "polite": polite}
        return Child(name, starts[manner], restart, SHUTDOWN)

    async def run(self) -> None:
        plan = self.plan
        supervisor = Supervisor(
            "top",
            [self.child(*child) for child in plan.children],
            strategy=plan.strategy,
            intensity=Intensity(plan.limit, 5.0),
            backoff=Backoff(initial=0.5),
            random=Random(0),
            on_notice=self.notices.append,
        )
        self.watched = {name: supervisor.watch(name) for name, *_ in plan.children}
        begun = 0.0
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.supervise, supervisor)
                await trio.testing.wait_all_tasks_blocked()
                for pause, order, name in plan.orders:
                    await trio.sleep(pause)
                    self.give(supervisor, order, name)
                begun = trio.current_time()
                if plan.is_cancelled:
                    scope.cancel()
                else:
                    supervisor.shut_down()
        self.took = trio.current_time() - begun
        assert {node.state for node in supervisor.tree().children} <= {"idle"}
        assert supervisor.tree().state == "ended"

    async def supervise(self, supervisor: Supervisor) -> None:
        try:
            await supervisor.run()
        except (SupervisorGaveUp, ChildNotStarted) as error:
            self.error = error

    def give(self, supervisor: Supervisor, order: str, name: str) -> None:
        with contextlib.suppress(ActorGone, UnknownChild, DuplicateChild):
            if order == "add":
                supervisor.add(self.child(f"{name}+", "permanent", "plain", ["stays"]))
            elif order == "restart":
                supervisor.restart(name)
            else:
                (supervisor.stop if order == "stop" else supervisor.remove)(name)

    def check(self) -> None:
        assert not self.alive
        ends = [notice for notice in self.notices if isinstance(notice, ChildEnd)]
        never_run = len(ends) - self.begun  # stopped before their first step
        assert 0 <= never_run <= sum(end.how == "shutdown" for end in ends)
        assert self.took <= len(self.plan.children) * SHUTDOWN
        for name, reply in self.watched.items():
            assert reply.is_done()
            first = next((end for end in ends if end.name == name), None)
            assert first is None or reply.wait() == first
        restarts = sum(isinstance(notice, ChildRestarting) for notice in self.notices)
        assert restarts <= self.plan.limit * 4  # in up to twenty seconds
        if isinstance(self.error, SupervisorGaveUp):
            assert len(self.error.causes) == self.plan.limit + 1


def play(plan: Plan, schedule: Random) -> Play:
    drama = Play(plan)
    run_virtual(drama.run, random=schedule)
    return drama
