"""A cache by itself: what it gives, what it lets go and when, and what it counts."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import processengine as pe
from processengine.runtime._cache import Cache


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_hit_rate_is_none_before_the_first_look_up() -> None:
    cache = Cache[str, int](2, Clock())
    cache.put("a", 1)
    assert cache.statistics().hit_rate is None
    cache.get("a")
    cache.get("a")
    cache.get("b")
    assert cache.statistics().hit_rate == pytest.approx(2 / 3)


def test_the_least_recently_used_makes_room() -> None:
    cache = Cache[str, int](2, Clock())
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    assert cache.put("c", 3) == 1
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)
    assert cache.statistics().evictions == 1


def test_a_value_expires_however_often_it_is_used() -> None:
    clock = Clock()
    cache = Cache[str, int](2, clock, max_age=10, max_idle=4)
    cache.put("a", 1)
    for clock.now in (3.0, 6.0, 9.0):
        assert cache.get("a") == 1
    clock.now = 10.0
    assert cache.get("a") is None
    assert cache.statistics().expirations == 1


def test_a_value_that_is_not_used_expires_sooner() -> None:
    clock = Clock()
    cache = Cache[str, int](2, clock, max_age=10, max_idle=4)
    cache.put("a", 1)
    clock.now = 4.0
    assert cache.get("a") is None


def test_what_expires_unnoticed_goes_with_the_next_put() -> None:
    clock = Clock()
    cache = Cache[str, int](5, clock, max_age=10)
    cache.put("a", 1)
    cache.put("b", 2)
    clock.now = 10.0
    assert cache.put("c", 3) == 2
    assert list(cache.values()) == [3]
    assert cache.statistics() == pe.CacheStatistics(
        size=1, limit=5, hits=0, misses=0, evictions=0, expirations=2
    )


def test_a_value_put_again_is_young_again() -> None:
    clock = Clock()
    cache = Cache[str, int](5, clock, max_age=10)
    cache.put("a", 1)
    clock.now = 9.0
    cache.put("a", 2)
    clock.now = 18.0
    assert cache.get("a") == 2


def test_what_is_discarded_counts_as_nothing() -> None:
    cache = Cache[str, int](5, Clock())
    cache.put("a", 1)
    cache.discard("a")
    cache.discard("b")
    assert cache.statistics() == pe.CacheStatistics(
        size=0, limit=5, hits=0, misses=0, evictions=0, expirations=0
    )


LIMIT, AGE, IDLE = 3, 10.0, 4.0


class CacheMachine(RuleBasedStateMachine):
    """Against a list of entries, the least recently used first, that is searched from end to end.

    An entry is the key, the value, when it was put there and when it was last used.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.cache = Cache[int, int](LIMIT, self.clock, max_age=AGE, max_idle=IDLE)
        self.model: list[tuple[int, int, float, float]] = []
        self.hits = self.misses = self.numbers = 0

    def fresh(self) -> list[tuple[int, int, float, float]]:
        now = self.clock.now
        return [each for each in self.model if now < each[2] + AGE and now < each[3] + IDLE]

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0, 5.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(key=st.integers(0, 5))
    def get(self, key: int) -> None:
        found = next((each for each in self.fresh() if each[0] == key), None)
        assert self.cache.get(key) == (None if found is None else found[1])
        self.model = [each for each in self.model if each[0] != key]
        if found is None:
            self.misses += 1
        else:
            self.hits += 1
            self.model.append((*found[:3], self.clock.now))

    @rule(key=st.integers(0, 5))
    def put(self, key: int) -> None:
        self.numbers += 1
        self.cache.put(key, self.numbers)
        kept = [each for each in self.fresh() if each[0] != key]
        now = self.clock.now
        self.model = [*kept, (key, self.numbers, now, now)][-LIMIT:]

    @invariant()
    def what_is_held_is_what_should_be(self) -> None:
        held = list(self.cache.values())
        assert [each[1] for each in self.fresh()] == [v for v in held if self.is_fresh(v)]
        counts = self.cache.statistics()
        assert (counts.hits, counts.misses, counts.size) == (self.hits, self.misses, len(held))
        assert len(held) <= LIMIT

    def is_fresh(self, value: int) -> bool:
        return any(each[1] == value for each in self.fresh())


TestCacheMachine = CacheMachine.TestCase
