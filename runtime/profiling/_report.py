"""What a profile tells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import attrs

from ..drawing import Flame
from ._node_times import NodeTimes
from ._places import IDLE, Kind, Place, Sight


@attrs.frozen
class PlaceTime:
    """The processor time of the event loop's thread at one place, by estimate.

    `seconds` are of all runs; `share` is of all that the loop has computed. `error` is the standard
    error of the share, as it follows from how often the stacks were looked at.
    """

    kind: Kind
    name: str
    seconds: float
    share: float
    error: float


@attrs.frozen(kw_only=True)
class Profile:
    """Where the time of some executions went. Times are in seconds, of all runs together.

    `seconds` is what they took, `loop_cpu` what the event loop's thread has computed meanwhile,
    `thread_cpu` what all other threads have but the sampler, which took `sampler_cpu`: these four
    are exact. `places` distributes `loop_cpu` by `running` sights of a loop at work. `in_threads`
    is how long other threads were at a place, computing or waiting, by so many `looks` at them.
    `nodes` is exact, from the history.
    """

    definition: str
    runs: int
    completed: int
    seconds: float
    loop_cpu: float
    thread_cpu: float
    sampler_cpu: float
    looks: int
    running: int
    places: tuple[PlaceTime, ...]
    in_threads: Mapping[str, float]
    nodes: tuple[NodeTimes, ...]
    flame: Flame = attrs.field(repr=False)

    @property
    def waiting(self) -> float:
        """How long the event loop had nothing to do: timers, signals, I/O, threads, the store."""
        return max(0.0, self.seconds - self.loop_cpu)

    def place(self, kind: Kind, name: str | None = None) -> PlaceTime | None:
        """The time at a place, if it was seen there."""
        name = kind if name is None else name
        return next((each for each in self.places if (each.kind, each.name) == (kind, name)), None)


def place_times(sights: Mapping[Sight, int], loop_cpu: float) -> tuple[PlaceTime, ...]:
    """Processor time by place, the longest first; an idle loop takes none."""
    counts: dict[Place, int] = {}
    for sight, count in sights.items():
        if sight.place != IDLE:
            counts[sight.place] = counts.get(sight.place, 0) + count
    total = sum(counts.values())
    times = (_place_time(place, count, total, loop_cpu) for place, count in counts.items())
    return tuple(sorted(times, key=lambda time: -time.seconds))


def _place_time(place: Place, count: int, total: int, loop_cpu: float) -> PlaceTime:
    share = count / total
    error = math.sqrt(share * (1 - share) / total)
    return PlaceTime(place.kind, place.name, share * loop_cpu, share, error)


def times_in_threads(sights: Mapping[Sight, int], looks: int, seconds: float) -> dict[str, float]:
    """How long threads were at each place, by name; several at once count as so many."""
    times: dict[str, float] = {}
    for sight, count in sights.items():
        name = sight.place.name
        times[name] = times.get(name, 0.0) + seconds * count / looks
    return dict(sorted(times.items(), key=lambda item: -item[1]))


def flame_of(
    name: str,
    loop: Mapping[Sight, int],
    threads: Mapping[Sight, int],
    *,
    loop_cpu: float,
    each_in_thread: float,
) -> Flame:
    """The stacks as a tree: the event loop's by processor time, those of threads by their time."""
    running = {sight: count for sight, count in loop.items() if sight.place != IDLE}
    total = sum(running.values())
    root = _Growing(name)
    for sight, count in running.items():
        root.add((sight.place.name, *sight.calls), count / total * loop_cpu, sight.place.kind)
    for sight, count in threads.items():
        path = ("in threads", sight.place.name, *sight.calls)
        root.add(path, count * each_in_thread, sight.place.kind)
    return root.flame()


class _Growing:
    """A flame while it is put together; nothing recurses, as stacks may be deep."""

    def __init__(self, name: str, kind: str = "") -> None:
        self.name = name
        self.kind = kind
        self.value = 0.0
        self.children: dict[str, _Growing] = {}

    def add(self, path: Iterable[str], value: float, kind: str) -> None:
        self.value += value
        at = self
        for name in path:
            at = at.children.setdefault(name, _Growing(name, kind))
            at.value += value

    def flame(self) -> Flame:
        order: list[_Growing] = [self]
        for each in order:  # grows while it is gone through: parents come before their children
            order += each.children.values()
        made: dict[int, Flame] = {}
        for each in reversed(order):
            children = sorted(each.children.values(), key=lambda child: -child.value)
            parts = tuple(made.pop(id(child)) for child in children)
            made[id(each)] = Flame(each.name, each.value, parts, each.kind)
        return made[id(self)]
