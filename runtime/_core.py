"""The runtime from inside: which parts it has, and which of them does what."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Final

import trio

from ..actors import Slots, TurnLoop
from ..supervision import Child, Supervisor
from ._alerting import alerting
from ._children import Children
from ._clock import Clock, WallClock
from ._delivery import Delivery
from ._executions import Executions
from ._group_registry import GroupRegistry
from ._host_actor import HostActor
from ._lifecycle import Lifecycle
from ._programs import Programs
from ._restarts import Restarts
from ._results import Results
from ._setup import Setup
from ._store_side import StoreSide
from ._timers import Timers
from ._tree import Tree
from ._watchdog import watchdogs
from .execution import Execution, Limits, Tracing
from .metrics import AttemptCounts, ExecutionCounts


class Core:
    """Everything a runtime owns; the `House` its executions live in.

    `live` are the executions in memory, `past` those that have ended and are kept to be asked
    about: `Lifecycle` writes both. Each part is given the core, and says in a protocol what it
    needs of it. Single writer: the trio thread.
    """

    def __init__(self, runtime_id: str, setup: Setup) -> None:
        options, storage = setup.options, setup.storage
        self.id: Final = runtime_id
        self.options: Final = options
        self.tracing: Tracing | None = setup.observers.tracing
        self.random = random.Random(options.seed)
        self.limits = Limits(options.retry, options.max_memory_per_execution)
        self.history_limit = options.history_limit
        self.cancel_grace = options.cancel_grace
        self.wall: WallClock | None = None if storage is None else WallClock(storage.wall_clock)
        self.time: Clock = self.wall or Clock()
        self.clock: Callable[[], float] = self.time.now
        self.turns: TurnLoop[Execution] = TurnLoop(options.mailbox_capacity)
        self.host_turns: TurnLoop[HostActor] = TurnLoop(options.mailbox_capacity)
        self.timers = Timers(self.clock)
        self.counts = ExecutionCounts()
        self.attempts = AttemptCounts()
        self.live: dict[str, Execution] = {}
        self.past: dict[str, Execution] = {}
        self.is_closing = False
        self.context = copy_context()
        pool = options.worker_pool_size
        self.slots: Slots | None = None if pool is None else Slots(pool)
        self._monotonic = trio.lowlevel.current_clock().current_time
        self._opened_at = self._monotonic()

        tree = Tree(self.clock, self.random)
        self.host: Supervisor = tree.host
        self.groups = GroupRegistry(self, tree.groups)
        self.programs: Programs = Programs(self, setup.definitions, setup.loader)
        self.store: StoreSide | None = None if storage is None else StoreSide(self, storage)
        self.delivery: Delivery = Delivery(self)
        self.children: Children = Children(self)
        self.results: Results = Results(self)
        self.lifecycle: Lifecycle = Lifecycle(self)
        self._restarts = Restarts(self)
        executions = Executions(self, self.lifecycle.when_none_is_live)
        self.root: Supervisor = tree.rooted(self._services(setup), executions)

        # Bound methods: a call takes 0.03 µs; a method that passed it on would take 0.07.
        self.program = self.programs.of
        self.caches = self.programs.caches
        self.new_id = self.lifecycle.new_id
        self.check_room = self.lifecycle.check_room
        self.check_storable = self.lifecycle.check_storable
        self.begin = self.lifecycle.begin
        self.begin_of = self.lifecycle.begin_of
        self.find = self.lifecycle.find
        self.result = self.results.of
        self.answer_history = self.results.answer_history
        self.send = self.delivery.send
        self.do = self.delivery.inbox.do
        self.undelivered = self.delivery.undelivered
        # What only executions ask for.
        self.too_late = self.delivery.too_late
        self.load_changed = self.lifecycle.load_changed
        self.ended = self.lifecycle.ended
        self.suspended = self.lifecycle.suspended
        self.call_child = self.children.call
        self.tell_child = self.children.tell
        self.tell_child_again = self.children.tell_again

    def _services(self, setup: Setup) -> Iterator[Child]:
        """What runs beside executions, in the order in which it is started."""
        yield from self.programs.library.services()
        yield from () if self.store is None else self.store.services()
        yield Child("timers", self.timers.run)
        yield from watchdogs(setup.options.block_warning)
        yield from alerting(self, setup.observers.alerts, setup.options.alert_interval)

    def uptime(self) -> float:
        """Seconds since it was opened."""
        return self._monotonic() - self._opened_at

    @trio.lowlevel.enable_ki_protection
    async def run(self, task_status: trio.TaskStatus[None]) -> None:
        """Serve until `close`; leaves nothing running. Raises `SupervisorGaveUp`."""
        # Shielded: the host's cancellation reaches executions as a message, as a handle's does.
        with trio.CancelScope(shield=True):
            await self.root.run(task_status=task_status)

    def close(self) -> None:
        """End every execution as a cancel would, then everything else, in reverse order."""
        self.is_closing = True
        self.root.shut_down()

    def close_replies(self) -> None:
        """Fail whoever still waits for something that cannot come any more."""
        self.is_closing = True
        self.lifecycle.give_up()
        self.programs.library.give_up()
        if self.store is not None:
            self.store.give_up()
        for group in self.groups:
            group.end_watches()
        self.results.give_up()
        self.delivery.inbox.take_in()

    def let_go(self) -> None:
        """Forget all executions, once nobody may ask about them any more.

        The collector does not look into their states: with a host that refers to the runtime, and
        whose methods are nodes, they would never go.
        """
        self.past.clear()
        self.timers.clear()

    def crashed(self, execution: Execution, error: Exception) -> None:
        """An execution has crashed: there is another life, or it ends as failed."""
        if self.store is None or execution.ledger is None:
            self._restarts.crashed(execution, error)
        else:
            self.store.crashed(execution, error)
