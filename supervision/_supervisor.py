"""The supervisor: performs in trio what its `Supervision` decides. Start reading there.

Every decision is taken and performed in the step of the task that brought the news: a child's, a
caller's, or that of `run`, which only waits for the time of the next restart.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextvars import Context, copy_context
from functools import partial
from random import Random
from typing import Any, Literal

import attrs
import trio

from ..actors import ActorGone, ProcessEngineError, Reply, deadline_after
from ._actions import Action, Finish, Ready, Rest, Start, Stop, Tell
from ._backoff import Backoff
from ._child import Child, TreeNode
from ._intensity import Intensity
from ._life import Life
from ._log import log_notice, logger
from ._notices import ChildEnd, ChildStarted, Notice
from ._phases import Idle
from ._policy import Policy
from ._strategy import Strategy
from ._supervision import Supervision
from ._waiters import Waiters

_DEFAULT = Policy()


@attrs.define
class _Run:
    """One run of a supervisor, from its call of `run` to the end of that."""

    nursery: trio.Nursery
    task_status: trio.TaskStatus[None]
    context: Context = attrs.Factory(copy_context)
    interruption: BaseException | None = None
    outcome: ProcessEngineError | None = None


class Supervisor:
    """Starts children, restarts those that fail, stops them all at the end.

    Give `run` to `nursery.start`, or the supervisor to another one as a child. `on_notice` is
    called with every notice, in order; it must not block, and what it raises is logged. `clock`
    tells seconds. All methods belong to the thread that runs it. The children given at the
    beginning are there at every `run`; those added later are not.
    """

    def __init__(
        self,
        name: str,
        children: Iterable[Child] = (),
        *,
        strategy: Strategy = _DEFAULT.strategy,
        intensity: Intensity = _DEFAULT.intensity,
        backoff: Backoff = _DEFAULT.backoff,
        clock: Callable[[], float] = trio.current_time,
        random: Random | None = None,
        on_notice: Callable[[Notice], None] | None = None,
    ) -> None:
        self.name: str = name
        self._children = tuple(children)
        self._policy = Policy(strategy=strategy, intensity=intensity, backoff=backoff)
        self._clock = clock
        self._random = Random() if random is None else random
        self._on_notice = on_notice
        self._supervision = Supervision(name, self._children, self._policy)
        self._waiters = Waiters(name)
        self._lives: dict[str, Life] = {}
        self._todo: deque[Action] = deque()
        self._is_performing = False
        self._performers: Mapping[type[Action], Callable[[Any], None]] = {
            Start: self._start,
            Stop: self._stop,
            Tell: self._tell,
            Rest: self._rest,
            Ready: self._ready,
            Finish: self._finish,
        }
        self._news = trio.Event()
        self._run: _Run | None = None

    def __repr__(self) -> str:
        return f"<Supervisor {self.name} {self._supervision.mode} lives={len(self._lives)}>"

    @property
    def kind(self) -> Literal["supervisor"]:
        """What it is, as a child of another supervisor."""
        return "supervisor"

    ### What the owner may ask for: never blocks, and the replies may be awaited or dropped. Where
    ### there is a reply, `ActorGone` is raised unless the supervisor runs.

    def add(self, child: Child) -> Reply[None]:
        """Add a child, the last in order, and start it; answered when it has started.

        If that fails it is forgotten, and the reply fails with `ChildNotStarted`. Raises
        `DuplicateChild`.
        """
        add = partial(self._supervision.add, child)
        return self._command(add, self._waiters.expect_start, child.name)

    def restart(self, name: str) -> Reply[None]:
        """Start a child, alone; if it runs it is stopped first. Answered when it has started.

        Spends no intensity and cuts a back-off short. The reply fails with `ChildNotStarted` if it
        comes to nothing. Raises `UnknownChild`.
        """
        restart = partial(self._supervision.restart, name)
        return self._command(restart, self._waiters.expect_start, name)

    def stop(self, name: str) -> Reply[None]:
        """Stop a child, alone, until it or its group is restarted; answered when it has ended.

        A temporary or dynamic child is forgotten then. Raises `UnknownChild`.
        """
        stop = partial(self._supervision.stop, name)
        return self._command(stop, self._waiters.expect_end, name)

    def remove(self, name: str) -> Reply[None]:
        """Stop a child, alone, and forget it; answered when it has ended. Raises `UnknownChild`."""
        remove = partial(self._supervision.remove, name)
        return self._command(remove, self._waiters.expect_end, name)

    def watch(self, name: str) -> Reply[ChildEnd]:
        """Learn how the life of a child ends: the present one, else the next.

        If it is idle, how its last life ended. Every reply is given one end; it fails with
        `ActorGone` if there will be none. Raises `UnknownChild`.
        """
        member = self._supervision.roster[name]
        if not isinstance(member.phase, Idle) or self._supervision.mode == "new":
            return self._waiters.expect_notice(name)
        reply: Reply[ChildEnd] = Reply()
        if member.last is not None:
            reply.answer(member.last)
        else:
            reply.fail(ActorGone(name, "it has never run, and is not to"))
        return reply

    def shut_down(self) -> None:
        """Come to an end: stop all children, in reverse order; `run` returns when that is done."""
        self._turn(self._supervision.shut_down)

    def tree(self) -> TreeNode:
        """How the supervisor and all below it are now."""
        children = tuple(member.node() for member in self._supervision.roster)
        mode, strategy = self._supervision.mode, self._policy.strategy
        restarts = sum(child.restarts for child in children)
        return TreeNode(self.name, self.kind, mode, restarts, strategy, children)

    ### The run.

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Supervise until `shut_down`; started when all children have.

        Raises `SupervisorGaveUp` when restarts do not help, and `ChildNotStarted` when one of the
        first children does not start. When this is cancelled, and whatever else ends it, children
        are stopped in order, each with the time it may take; nothing is left running. May be
        called again afterwards.
        """
        if self._run is not None:
            raise RuntimeError(f"supervisor {self.name!r} is running already")
        self._supervision = Supervision(self.name, self._children, self._policy)
        async with trio.open_nursery() as nursery:
            run = self._run = _Run(nursery, task_status)
            try:
                await self._supervise()
            except BaseException as error:  # noqa: BLE001 - raised again once all have ended
                run.interruption = error
                # What interrupted us must not interrupt the wait for the children as well.
                nursery.cancel_scope.shield = True
                self.shut_down()
        self._run = None
        self._waiters.close()
        if reason := run.outcome or run.interruption:
            raise reason

    async def _supervise(self) -> None:
        self._turn(self._supervision.start)
        while self._supervision.mode != "ended":
            self._news = trio.Event()
            due = self._supervision.due()
            at = math.inf if due is None else deadline_after(due - self._clock())
            with trio.move_on_at(at):
                await self._news.wait()
            self._turn(self._supervision.wake)

    async def _live(self, life: Life, run: _Run) -> None:
        """The task of one life. Nothing escapes from it."""
        error = await self._outlive(life, run)
        name, killed = life.child.name, life.is_killed
        del self._lives[name]
        draw = self._random.random()
        self._turn(partial(self._supervision.ended, name, error=error, killed=killed, draw=draw))

    async def _outlive(self, life: Life, run: _Run) -> BaseException | None:
        try:
            return await life.run(partial(self._report_start, life))
        except BaseException as stray:  # noqa: BLE001 - Ctrl-C, say: raised by `run` in the end
            run.interruption = stray
            self.shut_down()
            return stray

    def _report_start(self, life: Life) -> None:
        if self._lives.get(life.child.name) is life:
            self._turn(partial(self._supervision.started, life.child.name))

    ### Turns: decide, then do. Ctrl-C does not get in between.

    @trio.lowlevel.enable_ki_protection
    def _turn(self, decide: Callable[[float], list[Action]]) -> None:
        self._perform(decide(self._clock()))

    @trio.lowlevel.enable_ki_protection
    def _command(
        self,
        decide: Callable[[float], list[Action]],
        expect: Callable[[str], Reply[None]],
        name: str,
    ) -> Reply[None]:
        actions = decide(self._clock())
        reply = expect(name)
        self._perform(actions)
        return reply

    def _perform(self, actions: list[Action]) -> None:
        """Do what was decided; what is decided meanwhile (in a callback) comes after it."""
        self._todo.extend(actions)
        if self._is_performing:
            return
        self._is_performing = True
        try:
            while self._todo:
                action = self._todo.popleft()
                self._performers[type(action)](action)
        finally:
            self._is_performing = False
        self._news.set()

    def _start(self, action: Start) -> None:
        run = self._run
        assert run is not None
        life = self._lives[action.child.name] = Life(action.child, action.life)
        # In our own context: whoever brought the news may have set context variables.
        run.context.run(run.nursery.start_soon, self._live, life, run)

    def _stop(self, action: Stop) -> None:
        self._lives[action.name].ask()

    def _rest(self, action: Rest) -> None:
        self._waiters.rest(action.name, action.is_forgotten, action.last)

    def _ready(self, _: Ready) -> None:
        if self._run is not None:
            self._run.task_status.started()

    def _finish(self, action: Finish) -> None:
        if action.error is not None:
            logger.error("%s", action.error)
        if self._run is not None:
            self._run.outcome = action.error

    def _tell(self, action: Tell) -> None:
        notice = action.notice
        if isinstance(notice, ChildStarted):
            self._waiters.started(notice.name)
        elif isinstance(notice, ChildEnd):
            self._waiters.ended(notice)
        log_notice(self.name, notice)
        if self._on_notice is None:
            return
        try:
            self._on_notice(notice)
        except Exception:  # noqa: BLE001 - not ours, and must not stop the supervisor
            logger.exception("supervisor %r: on_notice failed", self.name)
