"""Looks at the stacks of a running program: of its event loop by processor time, of others by time.

A thread that looks at the others needs the interpreter for that, and gets it when they wait: it
would hardly ever see the event loop at work, which computes for some tens of microseconds between
two waits. So the loop looks at itself, interrupted by a timer that runs while the process computes.
"""

from __future__ import annotations

import random
import signal
import sys
import threading
import time
from collections import Counter
from types import FrameType
from typing import Self

from ._places import IDLE, Owners, Sight, sight_of_loop, sight_of_thread
from ._stacks import own_stack, stacks_of_others

SWITCH_SECONDS = 0.0005
"""After so long at most a thread that computes hands over to the one that looks (Python's own: 5
ms)."""


class Sampler:
    """Counts sights of the thread that opens it, the main one, and of others, while it is open.

    `loop` are those of the main thread, one for each `interval` seconds that the process computes
    (the system rounds that up, to 4 ms on many machines); `running` of them found it at work.
    `threads` are those of the others, in `looks` at all of them, one each `interval`, half more or
    half less, so that nothing that happens regularly stays unseen. `cpu_seconds` is what looking
    at them cost.
    """

    def __init__(self, owners: Owners, interval: float) -> None:
        self.loop: Counter[Sight] = Counter()
        self.threads: Counter[Sight] = Counter()
        self.looks: int = 0
        self.cpu_seconds: float = 0.0
        self._owners = owners
        self._interval = interval
        self._watched = threading.get_ident()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=__name__, daemon=True)

    def __enter__(self) -> Self:
        self._switch = sys.getswitchinterval()
        sys.setswitchinterval(min(self._switch, SWITCH_SECONDS))
        self._before = signal.signal(signal.SIGPROF, self._on_timer)
        self._thread.start()
        signal.setitimer(signal.ITIMER_PROF, self._interval, self._interval)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        self._stopping.set()
        self._thread.join()
        signal.signal(signal.SIGPROF, self._before)
        sys.setswitchinterval(self._switch)

    @property
    def running(self) -> int:
        """How many sights are of an event loop at work."""
        return sum(count for sight, count in self.loop.items() if sight.place != IDLE)

    def _on_timer(self, number: int, frame: FrameType | None) -> None:
        """Called in the main thread, between two of its instructions."""
        self.loop[sight_of_loop(own_stack(frame), self._owners)] += 1

    def _run(self) -> None:
        chance = random.Random(0)
        while not self._stopping.wait(self._interval * (0.5 + chance.random())):
            self._look()
        self.cpu_seconds = time.thread_time()

    def _look(self) -> None:
        for stack in stacks_of_others(self._watched):
            sight = sight_of_thread(stack, self._owners)
            if sight is not None:
                self.threads[sight] += 1
        self.looks += 1
