"""The decisions of a supervisor, against a model of OTP and at any pace."""

from __future__ import annotations

from typing import Literal

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from processengine.supervision import Intensity
from processengine.supervision._actions import Action, Finish, Ready, Start, Stop, Tell
from processengine.supervision._backoff import AT_ONCE, Backoff
from processengine.supervision._child import Child
from processengine.supervision._notices import ChildEnd, ChildRestarting
from processengine.supervision._policy import Policy
from processengine.supervision._strategy import RestartType, Strategy
from processengine.supervision._supervision import Supervision

from ._driver import STRATEGIES, TYPES, Driver, Trace, service, words

### Against OTP, whose supervisor does one thing after the other.


@attrs.define
class Otp:
    """What `supervisor.erl` does, told the plain way: every start and stop is over at once."""

    strategy: Strategy
    limit: int
    types: dict[str, RestartType]
    up: set[str] = attrs.Factory(set[str])
    history: list[float] = attrs.Factory(list[float])
    failing: dict[str, int] = attrs.Factory(dict[str, int])
    trace: Trace = attrs.Factory(Trace)
    is_over: bool = False

    def start_one(self, name: str) -> bool:
        self.trace.append(("start", name))
        if self.failing.get(name, 0):
            self.failing[name] -= 1
            return False
        self.up.add(name)
        return True

    def stop_one(self, name: str) -> None:
        if name in self.up:
            self.trace.append(("stop", name))
            self.up.remove(name)

    def end(self) -> None:
        for name in reversed(self.types):
            self.stop_one(name)
        self.is_over = True

    def begin(self) -> None:
        for name in self.types:
            if not self.start_one(name):
                self.end()
                return

    def settle(self, name: str) -> None:
        """The child has ended and does not come back by itself."""
        self.up.discard(name)
        if self.strategy == "dynamic" or self.types[name] == "temporary":
            del self.types[name]

    def ended(self, name: str, crashed: bool, now: float) -> None:
        self.up.remove(name)
        if self.types[name] == "permanent" or (crashed and self.types[name] == "transient"):
            self.restart(name, now)
        else:
            self.settle(name)

    def restart(self, name: str, now: float) -> None:
        again: str | None = name
        while again is not None:
            self.history = [at for at in self.history if now - at <= 5] + [now]
            if len(self.history) > self.limit:
                self.end()
                return
            again = self.restart_group(again)

    def restart_group(self, name: str) -> str | None:
        """Restart it and those that share its fate; the one that failed to start, if any."""
        group = [name]
        if self.strategy in ("one_for_all", "rest_for_one"):
            order = list(self.types)
            group = order if self.strategy == "one_for_all" else order[order.index(name) :]
        for other in reversed(group):
            self.stop_one(other)
            if self.types[other] == "temporary":
                del self.types[other]
        return next((n for n in group if n in self.types and not self.start_one(n)), None)

    def by_hand(self, name: str, now: float) -> None:
        was_up = name in self.up
        self.stop_one(name)
        if self.start_one(name):
            return
        if was_up and self.types[name] != "temporary":
            self.restart(name, now)
        else:
            self.settle(name)


names = st.sampled_from("abcdef")


class OtpMachine(RuleBasedStateMachine):
    """Obliging children, so that ours has to do the same, in the same order."""

    @initialize(
        strategy=st.sampled_from(STRATEGIES),
        types=st.lists(st.sampled_from(TYPES), max_size=4),
        limit=st.integers(0, 4),
        failing=st.dictionaries(names, st.integers(0, 2), max_size=1),
    )
    def begin(
        self, strategy: Strategy, types: list[RestartType], limit: int, failing: dict[str, int]
    ) -> None:
        kinds = dict(zip("abcd", types, strict=False))
        policy = Policy(strategy=strategy, intensity=Intensity(limit, 5.0), backoff=AT_ONCE)
        children = [Child(name, service, restart) for name, restart in kinds.items()]
        self.driver = Driver(Supervision("top", children, policy), failing=dict(failing))
        self.otp = Otp(strategy, limit, kinds, failing=dict(failing))
        self.driver.take(self.driver.supervision.start(0.0))
        self.otp.begin()

    def is_open(self) -> bool:
        return not self.otp.is_over

    @rule(seconds=st.sampled_from([0.5, 1.0, 4.0, 5.0, 6.0]))
    def wait(self, seconds: float) -> None:
        self.driver.now += seconds
        self.driver.take(self.driver.supervision.wake(self.driver.now))

    @rule(name=names, times=st.integers(0, 3))
    def make_starts_fail(self, name: str, times: int) -> None:
        self.driver.failing[name] = self.otp.failing[name] = times

    @precondition(is_open)
    @rule(name=names, crashed=st.booleans())
    def end_one(self, name: str, crashed: bool) -> None:
        if name in self.otp.up:
            error = ValueError(name) if crashed else None
            self.otp.ended(name, crashed, self.driver.now)
            self.driver.take(self.driver.supervision.ended(name, self.driver.now, error=error))

    @precondition(is_open)
    @rule(name=names, restart=st.sampled_from(TYPES))
    def add(self, name: str, restart: RestartType) -> None:
        if name not in self.otp.types:
            self.otp.types[name] = restart
            if not self.otp.start_one(name):
                del self.otp.types[name]
            child = Child(name, service, restart)
            self.driver.take(self.driver.supervision.add(child, self.driver.now))

    @precondition(is_open)
    @rule(name=names)
    def stop(self, name: str) -> None:
        if name in self.otp.types:
            self.otp.stop_one(name)
            self.otp.settle(name)
            self.driver.take(self.driver.supervision.stop(name, self.driver.now))

    @precondition(is_open)
    @rule(name=names)
    def remove(self, name: str) -> None:
        if name in self.otp.types:
            self.otp.stop_one(name)
            del self.otp.types[name]
            self.driver.take(self.driver.supervision.remove(name, self.driver.now))

    @precondition(is_open)
    @rule(name=names)
    def restart(self, name: str) -> None:
        if name in self.otp.types:
            self.otp.by_hand(name, self.driver.now)
            self.driver.take(self.driver.supervision.restart(name, self.driver.now))

    @invariant()
    def does_what_otp_does_in_the_same_order(self) -> None:
        assert words(self.driver.trace) == words(self.otp.trace)
        assert (self.driver.finish is not None) == self.otp.is_over

    @invariant()
    def has_the_same_children(self) -> None:
        if not self.otp.is_over:
            roster = self.driver.supervision.roster
            assert [member.child.name for member in roster] == list(self.otp.types)
            up = {member.child.name for member in roster if member.node().state == "running"}
            assert up == self.otp.up

    def teardown(self) -> None:
        if hasattr(self, "otp") and not self.otp.is_over:
            self.otp.end()
            self.driver.take(self.driver.supervision.shut_down(self.driver.now))
            if self.otp.strategy != "dynamic":
                assert words(self.driver.trace) == words(self.otp.trace)
            assert self.driver.finish == Finish(None)


TestAgainstOtp = OtpMachine.TestCase


### At any pace: children take their time, and crash while others start and stop.


class PaceMachine(RuleBasedStateMachine):
    """Says nothing of what is done when, only what must never be seen; see the invariants."""

    @initialize(
        strategy=st.sampled_from(STRATEGIES),
        types=st.lists(st.sampled_from(TYPES), min_size=1, max_size=5),
        limit=st.integers(0, 6),
    )
    def begin(self, strategy: Strategy, types: list[RestartType], limit: int) -> None:
        self.now = 0.0
        self.limit = limit
        self.strategy: Strategy = strategy
        policy = Policy(
            strategy=strategy, intensity=Intensity(limit, 5.0), backoff=Backoff(initial=1.0)
        )
        children = [Child(name, service, kind) for name, kind in zip("abcde", types, strict=False)]
        self.order = [child.name for child in children]
        self.types = {child.name: child.restart for child in children}
        self.supervision = Supervision("top", children, policy)
        self.lives: dict[str, Literal["starting", "running", "asked"]] = {}
        self.numbers: dict[str, int] = {}
        self.begun = 0
        self.restarts: list[float] = []
        self.ends = 0
        self.finish: Finish | None = None
        self.removed: set[str] = set()
        self.is_ready = self.is_shut_down = self.is_by_hand = False
        self.take(self.supervision.start(0.0))

    def take(self, actions: list[Action]) -> None:
        for action in actions:
            assert self.finish is None
            if isinstance(action, Start):
                self.take_start(action)
            elif isinstance(action, Stop):
                self.take_stop(action.name)
            elif isinstance(action, Tell):
                self.take_notice(action.notice)
            elif isinstance(action, Ready):
                assert not self.is_ready
                self.is_ready = True
            elif isinstance(action, Finish):
                assert not self.lives
                self.finish = action

    def take_start(self, action: Start) -> None:
        name = action.child.name
        assert name not in self.lives
        assert name not in self.removed
        assert self.supervision.mode in ("starting", "running")
        if not self.is_ready or self.is_ordered():
            assert set(self.lives.values()) <= {"running"}
        self.lives[name] = "starting"
        self.numbers[name] = action.life
        self.begun += 1

    def take_stop(self, name: str) -> None:
        assert self.lives[name] != "asked"
        if self.strategy != "dynamic" and not self.is_by_hand:
            later = self.order[self.order.index(name) + 1 :]
            assert not any(other in self.lives for other in later)
        self.lives[name] = "asked"

    def take_notice(self, notice: object) -> None:
        if isinstance(notice, ChildEnd):
            self.ends += 1
        elif isinstance(notice, ChildRestarting):
            self.restarts.append(notice.at)

    def is_ordered(self) -> bool:
        return self.strategy in ("one_for_all", "rest_for_one")

    def is_open(self) -> bool:
        return self.finish is None

    @rule(seconds=st.sampled_from([0.25, 1.0, 5.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.take(self.supervision.wake(self.now))

    @precondition(is_open)
    @rule()
    def wait_until_due(self) -> None:
        due = self.supervision.due()
        if due is not None:
            self.now = max(self.now, due)
            self.take(self.supervision.wake(self.now))

    @precondition(is_open)
    @rule(place=st.integers(0, 4))
    def let_one_start(self, place: int) -> None:
        starting = [name for name, life in self.lives.items() if life != "running"]
        if starting:
            name = starting[place % len(starting)]
            if self.lives[name] == "starting":
                self.lives[name] = "running"
            self.take(self.supervision.started(name, self.now))

    @precondition(is_open)
    @rule(place=st.integers(0, 4), draw=st.floats(0, 1, exclude_max=True), crash=st.booleans())
    def end_one(self, place: int, draw: float, crash: bool) -> None:
        if self.lives:
            name = list(self.lives)[place % len(self.lives)]
            del self.lives[name]
            error = ValueError(name) if crash else None
            self.take(self.supervision.ended(name, self.now, error=error, draw=draw))

    @precondition(is_open)
    @rule(name=st.sampled_from("abcde"), what=st.sampled_from(["stop", "restart", "remove"]))
    def by_hand(self, name: str, what: str) -> None:
        roster = [member.child.name for member in self.supervision.roster]
        if name in roster and not self.is_shut_down and self.supervision.mode != "stopping":
            self.is_by_hand = True
            commands = {
                "stop": self.supervision.stop,
                "restart": self.supervision.restart,
                "remove": self.supervision.remove,
            }
            if what == "remove":
                self.removed.add(name)
            self.take(commands[what](name, self.now))

    @precondition(is_open)
    @rule()
    def shut_down(self) -> None:
        self.is_shut_down = True
        self.take(self.supervision.shut_down(self.now))

    @invariant()
    def every_life_ends_once(self) -> None:
        assert self.begun == self.ends + len(self.lives)

    @invariant()
    def no_window_holds_more_restarts_than_allowed(self) -> None:
        for start in self.restarts:
            assert sum(start <= at <= start + 5.0 for at in self.restarts) <= self.limit

    @invariant()
    def under_rest_for_one_nobody_outlives_those_it_builds_on(self) -> None:
        if self.is_ordered() and not self.is_by_hand:
            running = [name for name in self.order if self.lives.get(name) == "running"]
            lives = [self.numbers[name] for name in running]
            if set(self.lives.values()) <= {"running"}:
                assert lives == sorted(lives)

    @invariant()
    def whoever_has_nothing_to_wait_for_is_up(self) -> None:
        """No restart is forgotten: at rest, permanent children run."""
        quiet = set(self.lives.values()) <= {"running"} and self.supervision.due() is None
        if quiet and self.finish is None and not self.is_by_hand:
            for name, restart in self.types.items():
                assert restart != "permanent" or name in self.lives

    def teardown(self) -> None:
        if not hasattr(self, "lives"):
            return
        if self.finish is None:
            self.shut_down()
        while self.lives:
            self.end_one(-1, 0.0, False)
        assert self.finish is not None
        self.every_life_ends_once()


TestAtAnyPace = PaceMachine.TestCase
