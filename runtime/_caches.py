"""The caches of a runtime: definitions that were loaded, and definitions made ready to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from ._cache import Cache, CacheStatistics
from ._options import Options
from .definition import ProcessDefinition
from .execution import Program

CacheName = Literal["definitions", "routing"]
DefinitionKey = tuple[str, int | None]
"""Id and version; without a version, the newest."""


class Caches:
    """Both caches. Single writer: the trio thread of the runtime.

    `routing` knows a definition by the object and not by its content: two functions of one name,
    such as closures, are one content but not one behaviour. A program keeps its definition, so the
    id of that stays taken for as long as it is a key.
    """

    def __init__(self, options: Options, clock: Callable[[], float]) -> None:
        self.definitions: Cache[DefinitionKey, ProcessDefinition] = Cache(
            options.thread_definition_cache_size_limit,
            clock,
            max_age=options.thread_definition_cache_expiry,
            max_idle=options.thread_definition_cache_sliding_expiry,
        )
        self.routing: Cache[int, Program] = Cache(
            options.routing_cache_size_limit, clock, max_age=options.routing_cache_expiry
        )

    def statistics(self) -> dict[CacheName, CacheStatistics]:
        """How each has fared; costs microseconds, and may be asked from any thread."""
        return {
            "definitions": self.definitions.statistics(),
            "routing": self.routing.statistics(),
        }
