"""The runtime from outside: open it, spawn executions, find them again."""

from __future__ import annotations

import builtins
import contextlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast, get_args

import attrs
import trio

from ..actors import DeadLetters, RuntimeClosed
from ..supervision import Child, RestartType, Supervisor, SupervisorGaveUp, TreeNode
from ._alerts import Alert
from ._cache import CacheStatistics
from ._caches import CacheName
from ._core import Core
from ._errors import (
    BadArgument,
    ExecutionConflict,
    ExecutionParked,
    NotInTrio,
    RuntimeNotOpen,
    UnknownExecution,
)
from ._group_handle import GroupHandle
from ._handle import ActorHandle, forget, register
from ._host_actor import Behaviour, HostActor
from ._library import Loader, id_and_version
from ._metrics import PerformanceMetrics, metrics_of
from ._observers import observers
from ._options import Options
from ._programs import begin_message
from ._rewind import Rewinder
from ._setup import Setup
from ._storage import Storage
from .definition import ProcessDefinition, check_inputs, owned
from .execution import Begin, Execution, Program, State, check_sizes
from .store import StaleWriter, Store, ValueTypes, WriterClosed

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer


class Runtime:
    """A running engine. Get one from `open_runtime`; it is usable inside the `async with` only."""

    def __init__(self, setup: Setup) -> None:
        self.options: Options = setup.options
        self._setup = setup
        self._core: Core | None = None
        self._nursery_manager: Any = None
        self._last_metrics: PerformanceMetrics | None = None

    def __repr__(self) -> str:
        if self._core is None:
            return "<Runtime not open>"
        return f"<Runtime {self._core.id} live={len(self._core.live)}>"

    async def __aenter__(self) -> Self:
        if not trio.lowlevel.in_trio_task():
            raise NotInTrio("open_runtime")
        if self._setup.storage is not None:
            await self._setup.storage.open(self.options)
        core = Core(os.urandom(4).hex(), self._setup)
        self._nursery_manager = trio.open_nursery()
        nursery: trio.Nursery = await self._nursery_manager.__aenter__()
        # Shielded: in a scope that is cancelled already, `start` would wait for the core to end.
        with trio.CancelScope(shield=True):
            await nursery.start(core.run)
        register(core)
        self._core = core
        if core.store is not None:
            try:
                await core.store.recover()
            except BaseException as error:
                nursery.cancel_scope.shield = True  # a scope around this would end before it does
                await self.__aexit__(type(error), error, error.__traceback__)
                raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End every execution as a cancel would, wait for that, and leave nothing running.

        The body's own exception goes on to the caller as it is, not in a group.
        """
        core = self._opened()
        core.close()
        try:
            await self._nursery_manager.__aexit__(None, None, None)
        except BaseExceptionGroup as group:
            # Ctrl-C while we wait has cut nothing short; it goes on as it is too.
            for alone in (KeyboardInterrupt, SupervisorGaveUp):
                found, others = group.split(alone)
                if found is not None and others is None:
                    raise _first_leaf(found) from None
            raise
        finally:
            forget(core)
            core.close_replies()
            self._last_metrics = metrics_of(core)
            core.let_go()
            if self._setup.storage is not None:
                with trio.CancelScope(shield=True):
                    await self._setup.storage.close()

    def _opened(self) -> Core:
        if self._core is None:
            raise RuntimeNotOpen
        return self._core

    @property
    def id(self) -> str:
        """The identity of this life of the runtime."""
        return self._opened().id

    @property
    def dead_letters(self) -> DeadLetters:
        """Messages that were delivered to nobody: counted, the latest kept."""
        return self._opened().delivery.dead_letters

    async def definition(self, id: str, version: int | None = None) -> ProcessDefinition:
        """The definition of that id and version, or the newest of that id.

        One that was given (to `open_runtime` or `define`), or else by the loader, which is asked
        once however many wait; a checkpoint only then. Raises `UnknownDefinition`, `BadLoad` and
        what the loader raises.
        """
        core = self._opened()
        if core.is_closing:
            raise RuntimeClosed(core.id)
        return await core.programs.library.get(id, version)

    def forget_definitions(self, id: str | None = None) -> None:
        """Have definitions loaded anew when they are next wanted: those of an id, or all.

        What runs goes on with the definition it has.
        """
        self._opened().programs.library.forget(id)

    @property
    def caches(self) -> dict[CacheName, CacheStatistics]:
        """How the caches have fared: `definitions` that were loaded, `routing` maps compiled."""
        return self._opened().caches.statistics()

    async def spawn(
        self,
        definition: ProcessDefinition | str,
        inputs: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,
    ) -> ActorHandle:
        """Begin an execution, or queue it while too many are busy; returns before it has run.

        `definition` may be a name, as `orders` (the newest) or `orders v3`: see `definition`.
        Containers in `inputs` are copied. Idempotent by `id`: if an execution of that id exists,
        live or ended, its handle is returned. Raises `ExecutionConflict` if that one is of another
        definition or was given other inputs, `InputError` for inputs the definition does not
        accept, `MemoryLimitExceeded`, `AdmissionRefused` when the queue is full too, and
        `RuntimeClosed`.
        """
        core = self._core
        if core is None:
            raise RuntimeNotOpen
        if isinstance(definition, str):
            definition = await self._named(definition)
        if core.is_closing:
            raise RuntimeClosed(core.id)
        if inputs is not None or id is not None or type(definition) is not ProcessDefinition:
            _check_arguments(definition, inputs, id)
        program = core.program(definition)
        has_none = inputs is None and not definition.inputs
        begin = program.begin if has_none else _begin_of(core, program, inputs)
        if id is not None:
            await _look_for(core, id, definition)
            _check_open(core)
            existing = _existing(core, id, definition, begin.inputs)
            if existing is not None:
                unstored = _unstored(core, id)
                if unstored is None:
                    return existing
                return await _stored(core, unstored, begin.inputs, existing)
            program = core.program(definition)  # its groups may have been let go meanwhile
        id = id or core.new_id(definition)
        handle = ActorHandle(core.id, id, 1)
        execution = core.begin(id, program, begin)
        if execution.ledger is not None:
            return await _stored(core, execution, begin.inputs, handle)
        return handle

    async def spawn_many(
        self,
        definition: ProcessDefinition | str,
        inputs: Iterable[Mapping[str, Any] | None],
        *,
        ids: Iterable[str] | None = None,
    ) -> builtins.list[ActorHandle]:
        """As `spawn`, an execution for each of `inputs`; with a store they share their commits.

        `ids` are their names, as many. All are checked before the first begins: nothing is begun if
        this raises for what it was given, or `AdmissionRefused` as not all find room.
        """
        core = self._opened()
        if isinstance(definition, str):
            definition = await self._named(definition)
        _check_open(core)
        several = list(inputs)
        names = _names(ids, len(several))
        _check_all_arguments(definition, several, names)
        program = core.program(definition)
        begins = [_begin_of(core, program, given) for given in several]
        core.check_room(sum(id is None or core.find(id) is None for id in names))
        core.caches.routing.spared(max(0, len(several) - 1))
        handles: builtins.list[ActorHandle] = []
        pending: dict[int, Execution] = {}
        slice_end = core.clock() + SLICE_SECONDS
        for place, (begin, id) in enumerate(zip(begins, names, strict=True)):
            if id is not None:
                program = await _ready(core, id, definition)
            existing = None if id is None else _existing(core, id, definition, begin.inputs)
            if existing is None:
                name = id or core.new_id(definition)
                core.begin(name, program, begin)
                existing = ActorHandle(core.id, name, 1)
            handles.append(existing)
            if core.store is not None and (unstored := _unstored(core, existing.id)) is not None:
                pending[place] = unstored
            if not place & 15 and core.clock() > slice_end:
                await trio.lowlevel.checkpoint()
                _check_open(core)
                program = core.program(definition)  # its groups may have been let go meanwhile
                slice_end = core.clock() + SLICE_SECONDS
        for place, execution in pending.items():
            inputs_of = begins[place].inputs
            handles[place] = await _stored(core, execution, inputs_of, handles[place])
        return handles

    def get(self, id: str) -> ActorHandle:
        """The handle of an execution, live or ended. Raises `UnknownExecution`."""
        core = self._opened()
        known = core.find(id) or (None if core.store is None else core.store.held(id))
        if known is None:
            raise UnknownExecution(id)
        return ActorHandle(core.id, id, known.incarnation)

    async def find(self, id: str) -> ActorHandle:
        """The handle of an execution, in memory or only in the store.

        One that has ended is read from the store, and kept in memory to be asked about. Raises
        `UnknownExecution`, `RuntimeClosed`.
        """
        core = self._opened()
        if core.find(id) is None and core.store is not None and core.store.held(id) is None:
            if core.is_closing:
                raise RuntimeClosed(core.id)
            await core.store.sleepers.fetch(id)
        return self.get(id)

    async def fork(
        self,
        id: str,
        *,
        at: int | None = None,
        changes: Mapping[str, Any] | None = None,
        new_id: str | None = None,
    ) -> ActorHandle:
        """Begin another execution from a point in the history of one, with variables changed.

        It has the state that the other one had when step `at` was to be made (None: the one that
        failed, else the present), and makes that again, as it does all that was under way. The
        other one is left alone. Needs a store. Raises `UnknownExecution`, `ExecutionParked`,
        `CannotRewind`, `ExecutionConflict` if there is an execution `new_id`,
        `MemoryLimitExceeded`, `UnstorableValue`, `StoreError`.
        """
        rewinder = self._rewinder("fork")
        forked = await rewinder.fork(id, at=at, changes=changes or {}, new_id=new_id)
        return ActorHandle(self.id, forked.id, forked.incarnation)

    async def rerun(self, id: str) -> ActorHandle:
        """Have a failed execution go on from the node that failed, with all its retries anew.

        Timeouts and timers have stood still since. Needs a store; raises as `fork`.
        """
        rerun = await self._rewinder("rerun").rerun(id)
        return ActorHandle(self.id, rerun.id, rerun.incarnation)

    async def migrate(
        self,
        id: str,
        definition: ProcessDefinition | str,
        nodes: Mapping[str, str] | None = None,
    ) -> ActorHandle:
        """Have an execution that rests go on by another definition, a newer version say.

        `nodes` maps the names of nodes to those in the other definition, where they differ. The
        definition that it has had must be given too. Nothing is changed unless all fits: raises
        `MigrationError` with everything that does not, else as `fork`.
        """
        if isinstance(definition, str):
            definition = await self._named(definition)
        migrated = await self._rewinder("migrate").migrate(id, definition, nodes or {})
        return ActorHandle(self.id, migrated.id, migrated.incarnation)

    async def _named(self, name: str) -> ProcessDefinition:
        return await self.definition(*id_and_version(name))

    def _rewinder(self, call: str) -> Rewinder:
        core = self._opened()
        _check_open(core)
        if core.store is None:
            raise BadArgument(call, "runtime", self, "a runtime with a store")
        return core.store.rewinder

    def define(self, *definitions: ProcessDefinition) -> None:
        """Give definitions: executions that were parked for want of one come back.

        They can be spawned by name too. For executions of an earlier runtime, what is spawned is
        given by that.
        """
        core = self._opened()
        for definition in _checked_definitions("define", definitions):
            core.programs.define(definition)

    def list(
        self,
        *,
        state: State | None = None,
        definition: str | None = None,
        prefix: str = "",
    ) -> builtins.list[ActorHandle]:
        """The executions that match every filter given: as they ended, then the live as spawned.

        `state` is that of `Status`, `definition` an id without version, `prefix` starts the
        execution's id. Ended ones are included as long as they are kept (`keep_ended`). Raises
        `BadArgument` for a state that does not exist.
        """
        core = self._opened()
        if state is not None and state not in STATES:
            raise BadArgument("list", "state", state, f"one of {', '.join(STATES)}")
        held = () if core.store is None else (*core.store.parked, *core.store.asleep)
        ids = (*core.past, *held, *core.live)
        handles = [self.get(id) for id in ids if id.startswith(prefix)]
        statuses = ((handle, handle.status()) for handle in handles)
        return [
            handle
            for handle, status in statuses
            if (state is None or status.state == state)
            and (definition is None or status.definition.rpartition(" v")[0] == definition)
        ]

    def group(self, name: str, definition: str | None = None) -> GroupHandle:
        """The node group of that name: a shared one, or that of a definition.

        The definition is named by its id, or by id and version (`orders v1`). A group exists from
        the first spawn that needs it. Raises `UnknownGroup` if there is none, or several are meant.
        """
        core = self._opened()
        return GroupHandle(core.groups.named(name, definition), core)

    @property
    def supervisor(self) -> Supervisor:
        """The supervisor of the host's own services, actors and supervisors: add children to it.

        They start when they are added and are stopped once all executions have ended. If it gives
        up (its restart intensity is 3 in 5 s), the runtime ends. Not for other threads.
        """
        return self._opened().host

    async def actor(
        self, name: str, make: Callable[[], Behaviour], *, restart: RestartType = "permanent"
    ) -> HostActor:
        """Add an actor to `supervisor`: an object that owns its state and takes message by message.

        `make` gives the object, anew at every restart. Returns once it is there. Raises
        `DuplicateChild`, and `ChildNotStarted` if `make` fails.
        """
        core = self._opened()
        actor = HostActor(name, make, core)
        await core.host.add(Child(name, actor, restart))
        return actor

    def tree(self) -> TreeNode:
        """The supervision tree as it is now: services, groups with their workers, executions."""
        return self._opened().root.tree()

    def metrics(self) -> PerformanceMetrics:
        """What the runtime has done since it was opened, and what it is doing; from any thread.

        Costs those who ask, not what runs: some 0.3 µs for each live execution. After the end of
        the block it is as it was then.
        """
        return self._last_metrics or metrics_of(self._opened())

    async def wait_all_ended(self) -> None:
        """Wait until no execution is live. A checkpoint only if one is."""
        await self._opened().lifecycle.when_idle()


def _first_leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = cast(BaseExceptionGroup[BaseException], error).exceptions[0]
    return error


SLICE_SECONDS = 0.001
STATES: tuple[State, ...] = get_args(State)


def _check_arguments(definition: object, inputs: object, id: object) -> None:
    """Refuse what a type checker would, for those who do not use one."""
    if not isinstance(definition, ProcessDefinition):
        raise BadArgument(
            "spawn", "definition", definition, "a ProcessDefinition (of a builder: its `build()`)"
        )
    if inputs is not None and not isinstance(inputs, Mapping):
        raise BadArgument("spawn", "inputs", inputs, "a mapping of names to values")
    for name in cast(Mapping[object, object], inputs or {}):
        if not isinstance(name, str) or not name:
            raise BadArgument("spawn", "inputs", name, "names that are text")
    if id is not None and (not isinstance(id, str) or not id):
        raise BadArgument("spawn", "id", id, "text that is not empty")


def _check_all_arguments(
    definition: ProcessDefinition,
    inputs: Iterable[Mapping[str, Any] | None],
    names: Iterable[str | None],
) -> None:
    _check_arguments(definition, None, None)
    for given, id in zip(inputs, names, strict=True):
        if given is not None or id is not None:
            _check_arguments(definition, given, id)


async def _ready(core: Core, id: str, definition: ProcessDefinition) -> Program:
    """What an execution of that id may be begun with, once it is known whether there is one."""
    await _look_for(core, id, definition)
    _check_open(core)
    return core.program(definition)


def _names(ids: Iterable[str] | None, count: int) -> list[str | None]:
    """The names of several executions: as many as there are, and different ones."""
    names: list[str | None] = [None] * count if ids is None else [*ids]
    if len(names) != count or len({*names}) < len(names) > names.count(None):
        expected = f"{count} names that differ, one for each of the inputs"
        raise BadArgument("spawn_many", "ids", names, expected)
    return names


def _existing(
    core: Core, id: str, definition: ProcessDefinition, inputs: dict[str, Any]
) -> ActorHandle | None:
    """The execution that a repeated spawn means, if there is one; raises `ExecutionConflict`."""
    execution = core.find(id)
    if execution is None:
        return _existing_elsewhere(core, id, definition)
    existing = execution.program.definition
    if existing != definition:
        raise ExecutionConflict(id, str(existing), str(definition))
    begin = core.begin_of(execution)
    if begin is not None and begin.inputs != inputs:
        raise ExecutionConflict(id, f"inputs {begin.inputs!r:.80}", f"inputs {inputs!r:.80}")
    return ActorHandle(core.id, id, execution.incarnation)


def _begin_of(core: Core, program: Program, inputs: Mapping[str, Any] | None) -> Begin:
    """How an execution begins; raises for inputs that it cannot be given."""
    definition = program.definition
    if not inputs and not definition.inputs:
        return program.begin
    given = check_inputs(definition, inputs or {})
    given = {program.own_name(name): owned(value) for name, value in given.items()}
    begin = begin_message(given, program.begin)
    if begin.sizes:
        check_sizes(begin.sizes, 0, {}, core.limits.memory)
    core.check_storable(begin)
    return begin


async def _look_for(core: Core, id: str, definition: ProcessDefinition) -> None:
    """Have an execution read from the store that may have ended there, where nobody else would.

    In mode `step` the store itself refuses a second beginning.
    """
    store = core.store
    if store is None or store.mode_of(definition) != "lazy" or core.find(id) is not None:
        return
    if store.held(id) is None:
        with contextlib.suppress(UnknownExecution, ExecutionParked):
            await store.sleepers.fetch(id)


def _existing_elsewhere(core: Core, id: str, definition: ProcessDefinition) -> ActorHandle | None:
    """As `_existing`, of one that is not in memory; what it was given is not compared."""
    held = None if core.store is None else core.store.held(id)
    if held is None:
        return None
    if held.definition not in ("", str(definition)):
        raise ExecutionConflict(id, held.definition, str(definition))
    return ActorHandle(core.id, id, held.incarnation)


def _check_open(core: Core) -> None:
    """Begin nothing where nobody would end it any more."""
    if core.is_closing:
        raise RuntimeClosed(core.id)


def _unstored(core: Core, id: str) -> Execution | None:
    """The execution of that id, if it is to be stored and its first turn is not on disk yet."""
    execution = core.live.get(id)
    if execution is None or execution.ledger is None or execution.ledger.has_begun:
        return None
    return execution


async def _stored(
    core: Core, execution: Execution, given: dict[str, Any], handle: ActorHandle
) -> ActorHandle:
    """The handle, once the execution is on disk; that of the one which was there before, if any."""
    assert core.store is not None
    assert execution.ledger is not None
    id, definition = execution.id, execution.program.definition
    try:
        await execution.ledger.stored()
        return handle
    except WriterClosed as error:
        raise RuntimeClosed(core.id) from error
    except StaleWriter:
        await core.store.sleepers.fetch(id)
    existing = _existing(core, id, definition, given)
    if existing is None:
        raise UnknownExecution(id)
    return existing


def _checked_definitions(call: str, given: Iterable[object]) -> tuple[ProcessDefinition, ...]:
    checked: list[ProcessDefinition] = []
    for each in given:
        if not isinstance(each, ProcessDefinition):
            raise BadArgument(call, "definitions", each, "process definitions")
        checked.append(each)
    return tuple(checked)


def _checked_options(options: object) -> Options:
    if not isinstance(options, Options):
        expected = "Options (of a mapping: `Options.from_mapping`)"
        raise BadArgument("open_runtime", "options", options, expected)
    return options


def open_runtime(
    options: Options | None = None,
    *,
    store: str | Path | Store | None = None,
    definitions: Iterable[ProcessDefinition] = (),
    loader: Loader | None = None,
    types: ValueTypes | None = None,
    wall_clock: Callable[[], float] = time.time,
    tracer: Tracer | None = None,
    alerts: Iterable[Alert] = (),
    **changes: Any,
) -> Runtime:
    """Open a runtime for an `async with` block.

    `changes` are single options, which override those in `options`. Leaving the block leaves no
    task behind; a cancellation of the block does the same. Without a `store` it ends every
    execution. With one, the path of an SQLite file or a store, executions are only suspended (their
    attempts are cancelled): the next runtime on that store takes them up, as it does after a crash.

    `definitions` are those of executions that may be in the store, and can be spawned by name. What
    is missing, the `loader` is asked for, by id and version (None: the newest): an async function
    that gives a `ProcessDefinition`, or None. Of what it does not know either, executions are
    parked. It is called outside of all executions, once for all who wait; on entering the block
    for what is in the store, so one that hangs holds that up.

    `types` are the host's own types of values. `wall_clock` gives seconds since 1970.

    With a `tracer` of OpenTelemetry there is a span for each execution and each attempt (extra
    `otel`). `alerts` are looked at every `alert_interval` seconds.

    Raises `OptionError`, `BadArgument`, `ExtraMissing`, and on entering the block `NotInTrio` under
    another event loop than trio's, and `StoreError` (`StoreInUse`, `StoreTooNew`, ...) if the store
    cannot be used.
    """
    options = Options() if options is None else _checked_options(options)
    if changes:
        given = {field.name: getattr(options, field.name) for field in attrs.fields(Options)}
        options = Options.from_mapping({**given, **changes})
    known = _checked_definitions("open_runtime", definitions)
    if not (loader is None or callable(cast(object, loader))):
        expected = "an async function of an id and a version"
        raise BadArgument("open_runtime", "loader", loader, expected)
    storage = None if store is None else Storage(store, known, types, wall_clock)
    return Runtime(
        Setup(
            options=options,
            storage=storage,
            definitions=known,
            loader=loader,
            observers=observers(tracer, alerts),
        )
    )
