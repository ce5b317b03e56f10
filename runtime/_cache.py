"""A bounded cache whose entries grow old by the clock that it is given."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

import attrs

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

NEVER = float("inf")


@attrs.frozen(kw_only=True)
class CacheStatistics:
    """How a cache has fared since the runtime was opened.

    `size` entries of at most `limit` are held, among them such as have expired unnoticed.
    `evictions` were pushed out by newer ones, `expirations` had grown too old.
    """

    size: int
    limit: int
    hits: int
    misses: int
    evictions: int
    expirations: int

    @property
    def hit_rate(self) -> float | None:
        """The share of look-ups that found something, from 0 to 1; None before the first one."""
        lookups = self.hits + self.misses
        return self.hits / lookups if lookups else None


class _Entry(Generic[V]):
    """A value, until when it stays if nobody uses it, and until when in any case."""

    __slots__ = ("latest", "until", "value")

    def __init__(self, value: V, until: float, latest: float) -> None:
        self.value = value
        self.until = until
        self.latest = latest


class Cache(Generic[K, V]):
    """Holds at most `limit` values; the one whose last use is longest ago makes room for another.

    A value expires `max_age` seconds after it was put there, and `max_idle` seconds after its last
    use (None: not for that reason), by `clock`. An expired one is never given out; it is let go
    when it is asked for, and with the first `put` that is late enough. What was given out is the
    caller's: the cache only forgets.
    """

    def __init__(
        self,
        limit: int,
        clock: Callable[[], float],
        *,
        max_age: float | None = None,
        max_idle: float | None = None,
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._max_age = NEVER if max_age is None else max_age
        self._max_idle = max_idle
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._newest: K | None = None
        self._next_sweep = NEVER
        self._hits = self._misses = self._evictions = self._expirations = 0

    def __repr__(self) -> str:
        return f"<Cache {len(self._entries)}/{self._limit}>"

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[K]:
        """The keys, the least recently used first; those that expired unnoticed too."""
        return iter(tuple(self._entries))

    def values(self) -> Iterator[V]:
        """What is held, the least recently used first; no use of it."""
        return (entry.value for entry in self._entries.values())

    def get(self, key: K) -> V | None:
        """The value of a key, which is used by that; None if it is not held or has expired."""
        entry = self._entries.get(key)
        if entry is None:
            self._misses += 1
            return None
        now = self._clock()
        if now >= entry.until:
            del self._entries[key]
            self._expirations += 1
            self._misses += 1
            return None
        self._hits += 1
        if key != self._newest:
            self._entries.move_to_end(key)
            self._newest = key
        if self._max_idle is not None:
            entry.until = min(now + self._max_idle, entry.latest)
        return entry.value

    def peek(self, key: K) -> V | None:
        """As `get`, but neither used nor counted."""
        entry = self._entries.get(key)
        return None if entry is None or self._clock() >= entry.until else entry.value

    def spared(self, count: int) -> None:
        """Count look-ups as hits that were not made, as what the last one gave served them too."""
        self._hits += count

    def put(self, key: K, value: V) -> int:
        """Hold a value, in place of the key's former one; returns how many others had to go."""
        now, gone = self._clock(), self._evictions + self._expirations
        if now >= self._next_sweep:
            self._sweep(now)
        latest = now + self._max_age
        until = latest if self._max_idle is None else min(now + self._max_idle, latest)
        self._entries[key] = _Entry(value, until, latest)
        self._entries.move_to_end(key)
        self._newest = key
        self._next_sweep = min(self._next_sweep, until)
        while len(self._entries) > self._limit:
            self._entries.popitem(last=False)
            self._evictions += 1
        return self._evictions + self._expirations - gone

    def discard(self, key: K) -> None:
        """Forget a key, if it is held; that is neither an eviction nor an expiration."""
        self._entries.pop(key, None)

    def _sweep(self, now: float) -> None:
        """Let go all that has expired; before the next one may have, no other sweep is worth it."""
        old = [key for key, entry in self._entries.items() if now >= entry.until]
        for key in old:
            del self._entries[key]
        self._expirations += len(old)
        self._next_sweep = min((entry.until for entry in self._entries.values()), default=NEVER)

    def statistics(self) -> CacheStatistics:
        """The counts as they are now; for any thread."""
        return CacheStatistics(
            size=len(self._entries),
            limit=self._limit,
            hits=self._hits,
            misses=self._misses,
            evictions=self._evictions,
            expirations=self._expirations,
        )
