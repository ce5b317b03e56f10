"""The children of a supervisor in their order, and whose turn it is to start or to stop. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from ._actions import Action, Rest, Start, Stop
from ._child import Child
from ._errors import DuplicateChild, UnknownChild
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
)
from ._strategy import RestartType, Strategy


class Roster:
    """Moves children from phase to phase; what is to be done for it gathers in `actions`.

    Invariant: the four indexes name exactly the children in their phases. They are there so that
    nobody has to look at ten thousand children to find the one that has something to do.
    """

    def __init__(self, supervisor: str, strategy: Strategy) -> None:
        self._supervisor = supervisor
        self._strategy: Strategy = strategy
        self._members: dict[str, Member] = {}
        self._waiting: dict[str, None] = {}
        self._starting: dict[str, None] = {}
        self._condemned: dict[str, None] = {}
        self._stopping: dict[str, None] = {}
        self._lives = 0
        self.types: dict[str, RestartType] = {}
        self.actions: list[Action] = []

    def __iter__(self) -> Iterator[Member]:
        return iter(tuple(self._members.values()))

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, name: str) -> Member:
        if name not in self._members:
            raise UnknownChild(self._supervisor, name)
        return self._members[name]

    @property
    def is_stopping(self) -> bool:
        """Whether a child is being stopped, or is to be."""
        return bool(self._condemned or self._stopping)

    @property
    def is_quiet(self) -> bool:
        """Whether nobody is to start or to stop, nor doing so."""
        return not (self._waiting or self._starting or self.is_stopping)

    ### Moves.

    def join(self, child: Child) -> Member:
        """Take a child in, as the last; raises `DuplicateChild`."""
        if child.name in self._members:
            raise DuplicateChild(self._supervisor, child.name)
        ledger = RestartLedger(child.intensity) if child.intensity else None
        member = self._members[child.name] = Member(child, Idle(), ledger)
        self.types[child.name] = child.restart
        return member

    def enter(self, member: Member, phase: Phase) -> None:
        """Have a child be in another phase."""
        name = member.child.name
        self._index(member.phase).pop(name, None)
        self._index(phase)[name] = None
        member.phase = phase

    def _index(self, phase: Phase) -> dict[str, None]:
        indexes: dict[type[Phase], dict[str, None]] = {
            Waiting: self._waiting,
            Starting: self._starting,
            Condemned: self._condemned,
            Stopping: self._stopping,
        }
        return indexes.get(type(phase), {})

    def leave(self, member: Member, then: Next) -> None:
        """A child has no life now: on to what comes next."""
        if isinstance(then, Waiting):
            self.enter(member, then)
            return
        is_forgotten = isinstance(then, Gone) or self._is_passing(member)
        self.enter(member, Idle())
        if is_forgotten:
            del self._members[member.child.name], self.types[member.child.name]
        self.actions.append(Rest(member.child.name, is_forgotten, member.last))

    def _is_passing(self, member: Member) -> bool:
        """Whether nobody will ever ask for a child again that has ended for now."""
        return self._strategy == "dynamic" or member.child.restart == "temporary"

    def condemn(self, member: Member, then: Next) -> None:
        """Have a child stopped when it is its turn. One that is being removed stays so."""
        phase = member.phase
        if isinstance(phase, (Starting, Running)):
            self.enter(member, Condemned(phase.life, then))
        elif not isinstance(phase, (Condemned, Stopping)):
            self.leave(member, then)
        elif not isinstance(phase.then, Gone):
            self.enter(member, attrs.evolve(phase, then=then))

    def ask(self, member: Member, life: int, then: Next) -> None:
        """Have a child stopped now, out of turn."""
        self.enter(member, Stopping(life, then))
        self.actions.append(Stop(member.child.name, life))

    ### Turns.

    def stop_next(self) -> None:
        """Ask whoever is next to end: the last of the condemned, unless one after it still ends.

        Under `dynamic` all at once, as they do not depend on each other.
        """
        if self._strategy == "dynamic":
            for name in reversed(tuple(self._condemned)):
                self._ask_condemned(self._members[name])
        elif self._condemned:
            is_leaving = (self._condemned | self._stopping).__contains__
            self._ask_condemned(self._members[next(filter(is_leaving, reversed(self._members)))])

    def _ask_condemned(self, member: Member) -> None:
        if isinstance(member.phase, Condemned):
            self.ask(member, member.phase.life, member.phase.then)

    def start_due(self, now: float, one_by_one: bool) -> None:
        """Start those whose time and turn have come."""
        for member in self._candidates(one_by_one):
            phase = member.phase
            if isinstance(phase, Waiting) and phase.due <= now:
                self._lives += 1
                self.enter(member, Starting(self._lives, phase.why))
                self.actions.append(Start(member.child, self._lives))

    def due(self, one_by_one: bool) -> float | None:
        """When the next child is to be started; None if that depends on others."""
        phases = (member.phase for member in self._candidates(one_by_one))
        return min((phase.due for phase in phases if isinstance(phase, Waiting)), default=None)

    def _candidates(self, one_by_one: bool) -> list[Member]:
        """Who may start once it is due; one by one, only the first, and with nobody moving."""
        if not one_by_one:
            return [self._members[name] for name in self._waiting]
        if not self._waiting or self._starting or self.is_stopping:
            return []
        first = next(filter(self._waiting.__contains__, self._members))
        return [self._members[first]]
