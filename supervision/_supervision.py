"""The decisions of a supervisor: a pure state machine, told the time, the ends and the randomness.

Every method returns what is to be done, in order. Source: OTP's `supervisor`. Unlike there, nothing
here waits for a child to start or to stop: other ends, and commands, are taken meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import attrs

from ..actors import ActorGone, ProcessEngineError
from ._actions import Action, Finish, Ready, Rest, Start, Stop, Tell
from ._backoff import Backoff
from ._child import Child, TreeNode
from ._errors import (
    ChildNotStarted,
    ChildReturned,
    DuplicateChild,
    SupervisorGaveUp,
    UnknownChild,
)
from ._intensity import Intensity
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
    Why,
)
from ._strategy import EndKind, Strategy, is_restarted, plan_restart

Mode = Literal["new", "starting", "running", "stopping", "ended"]


@attrs.frozen(kw_only=True)
class Policy:
    """What a supervisor goes by."""

    strategy: Strategy
    intensity: Intensity
    backoff: Backoff


class Supervision:
    """The state of one supervisor, from its start to its end. Times must not run backwards.

    Children start one after the other, in order, and are stopped one after the other, in reverse;
    under `one_for_one` that holds for the start and the end of the whole, under `dynamic` only for
    the start. Of every life that a `Start` begins, `ended` must be called once.
    """

    def __init__(self, name: str, children: Iterable[Child], policy: Policy) -> None:
        self.name: str = name
        self.mode: Mode = "new"
        self.policy: Policy = policy
        self._ledger = RestartLedger(policy.intensity)
        self._members: dict[str, Member] = {}
        # Where to look for work without looking at every child; in the order of arrival.
        self._waiting: dict[str, None] = {}
        self._starting: dict[str, None] = {}
        self._leaving: dict[str, None] = {}
        self._lives = 0
        self._outcome: ProcessEngineError | None = None
        self._actions: list[Action] = []
        for child in children:
            self._join(child)

    def __repr__(self) -> str:
        return f"<Supervision {self.name} {self.mode} children={len(self._members)}>"

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def members(self) -> tuple[Member, ...]:
        """The children in start order; to look at only."""
        return tuple(self._members.values())

    def member(self, name: str) -> Member:
        """The child of this name; raises `UnknownChild`."""
        if name not in self._members:
            raise UnknownChild(self.name, name)
        return self._members[name]

    def nodes(self) -> tuple[TreeNode, ...]:
        """The children for the tree, in start order, without children of their own."""
        return tuple(
            TreeNode(name, member.child.kind, member.state, member.restarts)
            for name, member in self._members.items()
        )

    def due(self) -> float | None:
        """When `wake` is wanted, if nothing else happens before; None: not at all."""
        if self.mode not in ("starting", "running"):
            return None
        return min((due for _, due in self._startable()), default=None)

    ### Commands. All but `start` and `shut_down` raise `ActorGone` unless it is running.

    def start(self, now: float) -> list[Action]:
        """Begin: start the children, in order."""
        self.mode = "starting"
        for member in self._members.values():
            self._enter(member, Waiting(now, "initial"))
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
        self._enter(self._join(child), Waiting(now, "added"))
        return self._advance(now)

    def stop(self, name: str, now: float) -> list[Action]:
        """Stop a child, alone; raises `UnknownChild`."""
        return self._dismiss(name, Idle(), now)

    def remove(self, name: str, now: float) -> list[Action]:
        """Stop a child, alone, and forget it; raises `UnknownChild`."""
        return self._dismiss(name, Gone(), now)

    def restart(self, name: str, now: float) -> list[Action]:
        """Start a child, alone, after stopping it if need be; cuts a back-off short.

        Spends nothing of the intensity. Raises `UnknownChild`.
        """
        self._check_open()
        member = self.member(name)
        phase = member.phase
        if isinstance(phase, (Starting, Running)):
            self._ask(member, phase.life, Waiting(now, "restart"))
        else:
            self._condemn(member, Waiting(now, _reason(_planned(phase), "asked")))
        return self._advance(now)

    ### What happened.

    def wake(self, now: float) -> list[Action]:
        """Nothing happened but time."""
        return self._advance(now)

    def started(self, name: str, life: int, now: float) -> list[Action]:
        """A life has started. Of one that is being stopped that is no news."""
        member = self._members.get(name)
        if member is not None and isinstance(member.phase, Starting) and member.phase.life == life:
            self._enter(member, Running(life, now))
            self._actions.append(Tell(ChildStarted(name, now)))
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
        member = self._members[name]
        phase = member.phase
        if error is None and isinstance(phase, Starting):
            error = ChildReturned(name, "it had started")
        end = member.last = ChildEnd(name, _how(phase, error, killed), error, now)
        self._actions.append(Tell(end))
        if isinstance(phase, (Condemned, Stopping)):
            self._leave(member, phase.then)
        elif isinstance(phase, Starting) and phase.why != "restart":
            _FIRST_FAILURE[phase.why](self, member, end)
        elif is_restarted(member.child.restart, end.how):
            self._restart(member, end, draw)
        else:
            self._leave(member, Idle())
        return self._advance(now)

    ### A start that failed, by why it was made.

    def _fail_initial(self, member: Member, end: ChildEnd) -> None:
        self._leave(member, Idle())
        self._end_all(ChildNotStarted(self.name, end.name, end.error))

    def _fail_added(self, member: Member, end: ChildEnd) -> None:
        self._leave(member, Gone())

    def _fail_asked(self, member: Member, end: ChildEnd) -> None:
        self._leave(member, Idle())

    ### Restarts.

    def _restart(self, member: Member, end: ChildEnd, draw: float) -> None:
        cause = end.error or ChildReturned(end.name, "it was told to end")
        if member.ledger and not member.ledger.add(end.at, cause):
            self._give_up(member, member.ledger)
        elif not self._ledger.add(end.at, cause):
            self._leave(member, Idle())
            self._end_all(SupervisorGaveUp(self.name, end.name, self._ledger.causes))
        else:
            self._restart_group(member, end, cause, end.at + self._delay(member, end.at, draw))

    def _give_up(self, member: Member, ledger: RestartLedger) -> None:
        """A child has used up its own intensity: under `dynamic` that concerns nobody else."""
        name, causes = member.child.name, ledger.causes
        self._leave(member, Idle())
        if self.policy.strategy == "dynamic":
            at = member.last.at if member.last else 0.0
            self._actions.append(Tell(ChildGivenUp(name, at, causes)))
        else:
            self._end_all(SupervisorGaveUp(self.name, name, causes))

    def _delay(self, member: Member, now: float, draw: float) -> float:
        phase, backoff = member.phase, self.policy.backoff
        if isinstance(phase, Running) and now - phase.since >= backoff.healthy:
            member.failures = 0
        member.failures += 1
        return backoff.delay(member.failures, draw)

    def _restart_group(
        self, member: Member, end: ChildEnd, cause: BaseException, due: float
    ) -> None:
        children = {name: other.child.restart for name, other in self._members.items()}
        plan = plan_restart(self.policy.strategy, children, end.name, end.how)
        member.restarts += 1
        self._enter(member, Waiting(due, "restart"))
        for name in plan.stopped:
            other = self._members[name]
            self._condemn(other, _after_group(other.phase, due, name in plan.restarted))
        notice = ChildRestarting(
            end.name, end.at, due, cause, member.restarts, plan.restarted
        )
        self._actions.append(Tell(notice))
