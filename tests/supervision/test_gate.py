"""The gate against breaker, rate and budget asked and told directly: counting changes nothing."""

from __future__ import annotations

import copy
import itertools

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from processengine.supervision import (
    NOT_CALM,
    Breaker,
    BreakerPolicy,
    BudgetPolicy,
    Denial,
    Gate,
    Group,
    Permit,
    RateLimit,
    RatePolicy,
    Refusal,
    RetryBudget,
)

breakers = st.builds(
    BreakerPolicy,
    consecutive_failures=st.none() | st.integers(1, 3),
    failure_rate=st.sampled_from([None, 0.3, 0.5, 1.0]),
    slow_rate=st.sampled_from([None, None, 0.5]),
    slow_seconds=st.just(5.0),
    minimum_calls=st.integers(1, 5),
    window_calls=st.integers(1, 6),
    window_seconds=st.sampled_from([None, None, 20.0]),
    open_seconds=st.sampled_from([1.0, 10.0]),
    open_multiplier=st.sampled_from([1.0, 2.0]),
    open_jitter=st.sampled_from([0.0, 0.5]),
    probes=st.integers(1, 3),
    probe_lease=st.sampled_from([2.0, 50.0]),
)
rates = st.builds(RatePolicy, st.integers(1, 3), st.sampled_from([1.0, 10.0]))
budgets = st.builds(BudgetPolicy, st.integers(2, 6), st.sampled_from([0.1, 0.5]))
groups = st.builds(
    Group,
    st.just("g"),
    breaker=st.none() | breakers | breakers,
    rate=st.none() | st.none() | rates,
    budget=st.none() | budgets,
)
draws = st.floats(0, 1, exclude_max=True)
lengths = st.sampled_from([0.0, 1.0, 5.0, 9.0])


@attrs.frozen
class Attempt:
    """One that was let in: by the gate's permit or its calm, and by the breaker asked directly."""

    permit: Permit
    calm: int
    plain: Permit | None


class GateAgainstItsParts(RuleBasedStateMachine):
    """The gate as workers use it; `breaker`, `rate` and `budget` are told everything at once."""

    attempts: Bundle[Attempt] = Bundle("attempts")

    @initialize(group=groups)
    def begin(self, group: Group) -> None:
        self.now = 1000.0
        self.gate = Gate(group)
        self.breaker = None if group.breaker is None else Breaker(group.breaker)
        self.rate = None if group.rate is None else RateLimit(group.rate)
        self.budget = None if group.budget is None else RetryBudget(group.budget)

    # Attempts

    @rule(target=attempts, count=st.integers(1, 3))
    def enter(self, count: int) -> MultipleResults[Attempt]:
        return multiple(*(made for _ in range(count) if (made := self._enter()) is not None))

    def _enter(self) -> Attempt | None:
        plain = self._ask_directly()
        calm = self.gate.calm
        if calm != NOT_CALM:
            assert plain is None or isinstance(plain, Permit)
            return Attempt(self.gate.permit_of(calm), calm, plain)
        verdict = self.gate.enter(self.now)
        if isinstance(verdict, Denial):
            assert isinstance(plain, Denial)
            assert (verdict.exception, verdict.retry_after) == (plain.exception, plain.retry_after)
            return None
        assert plain is None or isinstance(plain, Permit)
        return Attempt(verdict, NOT_CALM, plain)

    def _ask_directly(self) -> Permit | Denial | None:
        permit = self._ask_breaker()
        if isinstance(permit, Denial) or self.rate is None or self.rate.take(self.now):
            return permit
        if self.breaker is not None and permit is not None:
            self.breaker.release(permit)
        return Denial("RateExceeded", "", self.rate.wait(self.now))

    def _ask_breaker(self) -> Permit | Denial | None:
        if self.breaker is None:
            return None
        permit, _ = self.breaker.acquire(self.now)
        if isinstance(permit, Refusal):
            return Denial("BreakerOpen", "", permit.retry_after)
        return permit

    @rule(attempt=consumes(attempts), seconds=lengths, draw=draws)
    def succeed(self, attempt: Attempt, seconds: float, draw: float) -> None:
        is_counted = attempt.calm == self.gate.calm != NOT_CALM
        if is_counted:
            self.gate.passed += 1
        else:
            self.gate.succeeded(attempt.permit, self.now, seconds, draw)
        if self.budget is not None:
            self.budget.succeeded()
        if self.breaker is not None and attempt.plain is not None:
            self._succeed_directly(self.breaker, attempt.plain, seconds, draw, is_counted)

    def _succeed_directly(
        self, breaker: Breaker, permit: Permit, seconds: float, draw: float, is_counted: bool
    ) -> None:
        would_open = copy.deepcopy(breaker).succeeded(permit, self.now, seconds, draw) is not None
        if is_counted and would_open:
            # The documented exception: what is only counted opens nothing, the next failure does.
            assert breaker.policy.failure_rate is not None
            breaker.passed(self.now, 1)
        else:
            breaker.succeeded(permit, self.now, seconds, draw)

    @rule(attempt=consumes(attempts), seconds=lengths, draw=draws)
    def fail(self, attempt: Attempt, seconds: float, draw: float) -> None:
        self.gate.failed(attempt.permit, self.now, seconds, draw)
        if self.budget is not None:
            self.budget.failed()
            assert self.gate.allows_retry == self.budget.allows_retry
            assert self.gate.budget == self.budget.tokens
        if self.breaker is not None and attempt.plain is not None:
            self.breaker.failed(attempt.plain, self.now, seconds, draw)

    @rule(attempt=consumes(attempts))
    def cancel(self, attempt: Attempt) -> None:
        self.gate.unused(attempt.permit)
        if self.breaker is not None and attempt.plain is not None:
            self.breaker.release(attempt.plain)

    @precondition(lambda self: self.breaker is not None)
    @rule(attempt=attempts, way=st.sampled_from(["succeeded", "failed", "unused"]), draw=draws)
    def report_again_after_a_change(self, attempt: Attempt, way: str, draw: float) -> None:
        """Whatever is said of an earlier generation is inert; `attempt` may yet be reported."""
        assert self.gate.breaker is not None
        if attempt.permit.generation == self.gate.breaker.generation:
            return
        gate = copy.deepcopy(self.gate)
        assert gate.breaker is not None
        gate.fold(self.now)
        before = (
            gate.breaker.tally(self.now),
            repr(gate.breaker),
            gate.breaker.retry_after(self.now),
        )
        if way == "unused":
            gate.unused(attempt.permit)
        else:
            getattr(gate, way)(attempt.permit, self.now, 9.0, draw)
        after = gate.breaker.tally(self.now), repr(gate.breaker), gate.breaker.retry_after(self.now)
        assert after == before
        assert len(gate.changes) == len(self.gate.changes)

    # What else happens

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0, 10.0, 60.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule(by_hand=st.sampled_from(["isolate", "disable", "reset", "reset"]))
    def work_by_hand(self, by_hand: str) -> None:
        getattr(self.gate, by_hand)(self.now)
        if self.breaker is not None:
            getattr(self.breaker, by_hand)(self.now)

    @rule(is_crowded=st.booleans())
    def crowd(self, is_crowded: bool) -> None:
        self.gate.crowd(is_crowded)

    @rule()
    def fold(self) -> None:
        """At any time, what was counted may become known: then all is as if it had been told."""
        self.gate.fold(self.now)
        if self.budget is not None:
            assert self.gate.budget == self.budget.tokens
        if self.breaker is None or self.gate.breaker is None:
            return
        told, direct = self.gate.breaker.tally(self.now), self.breaker.tally(self.now)
        if self.breaker.policy.window_seconds is None:
            assert (told.calls, told.failures) == (direct.calls, direct.failures)

    # What holds

    @invariant()
    def the_breaker_is_as_if_it_had_been_told_everything(self) -> None:
        if self.breaker is None:
            assert self.gate.breaker is None
            return
        gated = self.gate.breaker
        assert gated is not None
        assert (gated.state, gated.generation) == (self.breaker.state, self.breaker.generation)
        assert gated.retry_after(self.now) == self.breaker.retry_after(self.now)
        assert gated.probes_out == self.breaker.probes_out <= gated.policy.probes

    @invariant()
    def openings_are_those_that_would_be_let_in(self) -> None:
        openings = self.gate.openings(self.now)
        assert openings >= 0
        assert (openings > 0) == (self.gate.retry_after(self.now) == 0)
        gate, count = copy.deepcopy(self.gate), int(min(openings, 10))
        let_in = [isinstance(gate.enter(self.now), Permit) for _ in range(count + 1)]
        assert let_in == [True] * count + [openings > 10]

    @invariant()
    def a_calm_gate_holds_nobody(self) -> None:
        if self.gate.calm != NOT_CALM:
            assert self.rate is None
            assert self.breaker is None or self.breaker.state in ("closed", "disabled")

    @invariant()
    def changes_are_numbered_and_follow_each_other(self) -> None:
        changes = self.gate.changes
        assert [change.number for change in changes] == list(range(1, len(changes) + 1))
        pairs = itertools.pairwise(changes)
        assert all(first.after == second.before for first, second in pairs)


TestGateAgainstItsParts = GateAgainstItsParts.TestCase
