"""The definitions of a runtime: found by name, and made ready to run."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from ._caches import Caches
from ._group_registry import GroupRegistry
from ._library import Library, Loader
from ._options import Options
from .definition import Process, ProcessDefinition
from .execution import Begin, Execution, LimitParts, Limits, Program, Tracing, size_of
from .metrics import ExecutionCounts

if TYPE_CHECKING:
    from ._store_side import StoreSide

NO_SIZES: dict[str, int] = {}


class ProgramHouse(Protocol):
    """What compiling needs of the rest of the runtime."""

    clock: Callable[[], float]
    limits: Limits
    live: dict[str, Execution]

    @property
    def id(self) -> str: ...
    @property
    def options(self) -> Options: ...
    @property
    def tracing(self) -> Tracing | None: ...
    @property
    def counts(self) -> ExecutionCounts: ...
    @property
    def groups(self) -> GroupRegistry: ...
    @property
    def store(self) -> StoreSide | None: ...


class Programs:
    """Compiles definitions, keeps them for a while, and knows them by name in its `library`.

    The groups of those that are neither kept nor running go. Single writer: the trio thread.
    """

    def __init__(
        self, house: ProgramHouse, given: Iterable[ProcessDefinition], loader: Loader | None
    ) -> None:
        self._house = house
        self.caches: Caches = Caches(house.options, house.clock)
        self.library: Library = Library(
            house.id, loader, self.caches.definitions, given, self._take_in_loaded
        )
        self._routing = self.caches.routing

    def of(self, definition: ProcessDefinition) -> Program:
        """The definition compiled. Whoever keeps it beyond a turn may outlive its groups."""
        program = self._routing.get(builtins.id(definition))
        return self._compiled(definition) if program is None else program

    def _compiled(self, definition: ProcessDefinition) -> Program:
        house = self._house
        program = Program(
            definition,
            house.groups.of,
            house.counts.of(str(definition)),
            house.options.execution_timeout,
            self._stored_limits(definition),
            house.tracing,
        )
        gone = self._routing.put(builtins.id(definition), program)
        for node in definition.nodes:
            if isinstance(node.kind, Process):
                self.of(node.kind.definition)
        if gone:
            self._sweep_groups({program})
        return program

    def _stored_limits(self, definition: ProcessDefinition) -> LimitParts | None:
        """The limits that executions of a definition keep in their records, if they have any."""
        store = self._house.store
        is_stored = store is not None and store.mode_of(definition) != "off"
        return self._house.limits.parts if is_stored else None

    def _sweep_groups(self, wanted: set[Program]) -> None:
        """Let go the groups of definitions that are neither wanted now, nor cached, nor running."""
        house = self._house
        if len(house.groups) > 2 * house.options.routing_cache_size_limit:
            running = (each.program for each in house.live.values())
            programs = wanted.union(self._routing.values(), running)
            house.groups.keep_only({group for each in programs for group in each.all_groups()})

    def define(self, definition: ProcessDefinition) -> None:
        """Know a definition from now on."""
        self.library.give(definition)
        if self._house.store is not None:
            self._house.store.sleepers.take_in(definition)

    def _take_in_loaded(self, definition: ProcessDefinition) -> None:
        if self._house.store is not None:
            self._house.store.sleepers.take_in_loaded(definition)


def begin_message(inputs: dict[str, Any], plain: Begin) -> Begin:
    """The first message of an execution with inputs; `plain` is that of one without."""
    sizes = {name: size for name, value in inputs.items() if (size := size_of(value))} or NO_SIZES
    return Begin(inputs, sizes, plain.timeout, plain.limits)
