"""The decisions of a supervisor: a pure state machine, told the time, the ends and the randomness.

Every method returns what is to be done, in order. Source: OTP's `supervisor`. Unlike there, nothing
here waits for a child to start or to stop: other ends, and commands, are taken meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ..actors import ActorGone, ProcessEngineError
from ._actions import Action, Finish, Ready, Tell
from ._child import Child
from ._errors import ChildNotStarted, ChildReturned, SupervisorGaveUp
from ._notices import ChildEnd, ChildGivenUp, ChildRestarting, ChildStarted
from ._phases import (
    Condemned,
    Gone,
    Idle,
    Member,
    Next,
    Phase,
    RestartLedger,
    Running,
    Starting,
    Stopping,
    Waiting,
    restarted_at_once,
    restarted_with_group,
)
from ._policy import Policy
from ._roster import Roster
from ._strategy import EndKind, is_restarted, plan_restart

Mode = Literal["new", "starting", "running", "stopping", "ended"]


class Supervision:
    """The state of one supervisor, from its start to its end. Times must not run backwards.

    Children start one after the other, in order, and are stopped one after the other, in reverse.
    Once all have started, children under `one_for_one` and `dynamic` restart independently of each
    other; under `dynamic` they are stopped all at once. Of every life that a `Start` begins,
    `ended` must be called once.
    """

    def __init__(self, name: str, children: Iterable[Child], policy: Policy) -> None:
        self.name: str = name
        self.policy: Policy = policy
        self.mode: Mode = "new"
        self.roster: Roster = Roster(name, policy.strategy)
        self._ledger = RestartLedger(policy.intensity)
        self._outcome: ProcessEngineError | None = None
        for child in children:
            self.roster.join(child)

    def __repr__(self) -> str:
        return f"<Supervision {self.name} {self.mode} children={len(self.roster)}>"

    def due(self) -> float | None:
        """When `wake` is wanted, if nothing else happens before; None: not at all."""
        return self.roster.due(self._is_one_by_one()) if self._is_open() else None

    ### Commands. All but `start` and `shut_down` raise `ActorGone` unless it is running.

    def start(self, now: float) -> list[Action]:
        """Begin: start the children, in order."""
        self.mode = "starting"
        for member in self.roster:
            self.roster.enter(member, Waiting(now, "initial"))
        return self._advance(now)

    def shut_down(self, now: float) -> list[Action]:
        """Come to an end: stop the children, in reverse order."""
        if self.mode in ("stopping", "ended"):
            return []
        self._end_all(None)
        return self._advance(now)

    def add(self, child: Child, now: float) -> list[Action]:
        """Take in a child, the last in order, and start it; raises `DuplicateChild`."""
        self._check_open()
        self.roster.enter(self.roster.join(child), Waiting(now, "added"))
        return self._advance(now)

    def stop(self, name: str, now: float) -> list[Action]:
        """Stop a child, alone; raises `UnknownChild`."""
        return self._dismiss(name, Idle(), now)

    def remove(self, name: str, now: float) -> list[Action]:
        """Stop a child, alone, and forget it; raises `UnknownChild`."""
        return self._dismiss(name, Gone(), now)

    def _dismiss(self, name: str, then: Next, now: float) -> list[Action]:
        self._check_open()
        member = self.roster[name]
        phase = member.phase
        if isinstance(phase, (Starting, Running)):
            self.roster.ask(member, phase.life, then)
        else:
            self.roster.condemn(member, then)
        return self._advance(now)

    def restart(self, name: str, now: float) -> list[Action]:
        """Start a child, alone, after stopping it if need be; cuts a back-off short.

        Spends nothing of the intensity. Raises `UnknownChild`.
        """
        self._check_open()
        member = self.roster[name]
        phase = member.phase
        if isinstance(phase, Starting | Running):
            self.roster.ask(member, phase.life, Waiting(now, "restart"))
        else:
            self.roster.condemn(member, restarted_at_once(phase, now))
        return self._advance(now)

    ### What happened.

    def wake(self, now: float) -> list[Action]:
        """Nothing happened but time."""
        return self._advance(now)

    def started(self, name: str, now: float) -> list[Action]:
        """The life of a child has started. If it is being stopped that is no news."""
        member = self.roster[name]
        if isinstance(member.phase, Starting):
            self.roster.enter(member, Running(member.phase.life, now))
            self._tell(ChildStarted(name, now))
        return self._advance(now)

    def ended(
        self,
        name: str,
        now: float,
        *,
        error: BaseException | None = None,
        killed: bool = False,
        draw: float = 0.0,
    ) -> list[Action]:
        """The life of a child is over; `killed` if it was forced, `draw` in [0, 1) for back-off."""
        member = self.roster[name]
        if error is None and isinstance(member.phase, Starting):
            error = ChildReturned(name, "it had started")
        end = member.last = ChildEnd(name, _how(member.phase, error, killed), error, now)
        self._tell(end)
        self._follow(member, end, draw)
        return self._advance(now)

    def _follow(self, member: Member, end: ChildEnd, draw: float) -> None:
        """Decide what the end of a child leads to."""
        phase = member.phase
        if isinstance(phase, Condemned | Stopping):
            self.roster.leave(member, phase.then)
        elif isinstance(phase, Starting) and phase.why != "restart":
            self._fail_start(member, phase, end)
        elif is_restarted(member.child.restart, end.how):
            self._restart(member, end, draw)
        else:
            self.roster.leave(member, Idle())

    def _fail_start(self, member: Member, phase: Starting, end: ChildEnd) -> None:
        """A start failed that is not repeated: it was the first, or made by hand."""
        self.roster.leave(member, Gone() if phase.why == "added" else Idle())
        if phase.why == "initial":
            self._end_all(ChildNotStarted(self.name, end.name, end.error))

    ### Restarts.

    def _restart(self, member: Member, end: ChildEnd, draw: float) -> None:
        cause = end.error or ChildReturned(end.name, "it was told to end")
        if member.ledger and not member.ledger.add(end.at, cause):
            self._give_up_child(member, end, member.ledger)
        elif not self._ledger.add(end.at, cause):
            self._give_up(member, self._ledger)
        else:
            self._restart_group(member, end, cause, end.at + self._delay(member, end.at, draw))

    def _give_up_child(self, member: Member, end: ChildEnd, ledger: RestartLedger) -> None:
        """A child has used up its own intensity: under `dynamic` that concerns nobody else."""
        if self.policy.strategy == "dynamic":
            self.roster.leave(member, Gone())
            self._tell(ChildGivenUp(end.name, end.at, ledger.causes))
        else:
            self._give_up(member, ledger)

    def _give_up(self, member: Member, ledger: RestartLedger) -> None:
        self.roster.leave(member, Idle())
        self._end_all(SupervisorGaveUp(self.name, member.child.name, ledger.causes))

    def _delay(self, member: Member, now: float, draw: float) -> float:
        phase, backoff = member.phase, self.policy.backoff
        if isinstance(phase, Running) and now - phase.since >= backoff.healthy:
            member.failures = 0
        member.failures += 1
        return backoff.delay(member.failures, draw)

    def _restart_group(
        self, member: Member, end: ChildEnd, cause: BaseException, due: float
    ) -> None:
        plan = plan_restart(self.policy.strategy, self.roster.types, end.name, end.how)
        member.restarts += 1
        self.roster.enter(member, Waiting(due, "restart"))
        for name in plan.stopped:
            other = self.roster[name]
            self.roster.condemn(
                other, restarted_with_group(other.phase, due, name in plan.restarted)
            )
        group = plan.restarted
        self._tell(ChildRestarting(end.name, end.at, due, cause, member.restarts, group))

    ### Moving on.

    def _end_all(self, outcome: ProcessEngineError | None) -> None:
        self.mode, self._outcome = "stopping", outcome
        for member in self.roster:
            if not isinstance(member.phase, Idle):
                self.roster.condemn(member, Idle())

    def _advance(self, now: float) -> list[Action]:
        """Let those start and stop whose turn it is; hand over what is to be done."""
        self.roster.stop_next()
        if self._is_open():
            self.roster.start_due(now, self._is_one_by_one())
        self._change_mode()
        actions, self.roster.actions = self.roster.actions, []
        return actions

    def _change_mode(self) -> None:
        if self.mode == "starting" and self.roster.is_quiet:
            self.mode = "running"
            self.roster.actions.append(Ready())
        elif self.mode == "stopping" and not self.roster.is_stopping:
            self.mode = "ended"
            self.roster.actions.append(Finish(self._outcome))

    def _is_open(self) -> bool:
        return self.mode in ("starting", "running")

    def _is_one_by_one(self) -> bool:
        ordered = self.policy.strategy in ("one_for_all", "rest_for_one")
        return ordered or self.mode == "starting"

    def _check_open(self) -> None:
        if not self._is_open():
            raise ActorGone(self.name, "the supervisor is not running")

    def _tell(self, notice: ChildStarted | ChildEnd | ChildRestarting | ChildGivenUp) -> None:
        self.roster.actions.append(Tell(notice))


def _how(phase: Phase, error: BaseException | None, killed: bool) -> EndKind:
    if killed:
        return "killed"
    if error is not None:
        return "crashed"
    return "shutdown" if isinstance(phase, Stopping) else "normal"
