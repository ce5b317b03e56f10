"""Kill the program, restart it, kill it again, until what it does has ended; look at all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

import attrs
import msgspec

from ._checks import Summary, after_a_kill, at_the_end
from ._effects import read_effects
from ._evidence import Evidence, evidence_in
from ._life import Life, ProgramFailed
from ._places import effects_in, errors_in, summary_in

Tell = Callable[[str], None]


def _tell_nobody(_: str) -> None:
    pass


@attrs.define
class Tally:
    """How often the program was started and how that ended, and what was found wrong."""

    counts: Counter[str] = attrs.field(factory=Counter[str])
    findings: list[str] = attrs.field(factory=list[str])

    @property
    def kills(self) -> int:
        """How often it was killed."""
        return self.counts["killed"]

    def add(self, other: Tally) -> None:
        """Count another one too."""
        self.counts += other.counts
        self.findings += other.findings


def campaign(
    folder: Path, *, seed: int, copies: int, kills: int, tell: Tell = _tell_nobody
) -> Tally:
    """Have one load run to its end, killed up to `kills` times on the way, and check everything."""
    reference = folder / "reference"
    reference.mkdir(parents=True)
    tally = Tally()
    try:
        Life(reference, 1, seed, copies).undisturbed()
        expected = evidence_in(reference), _summary_in(reference)
        before = _kill(folder, seed, copies, kills, tally, tell)
    except ProgramFailed as error:
        tally.findings.append(str(error))
    else:
        effects = read_effects(effects_in(folder))
        _find(tally, "the end", at_the_end(before, effects, _summary_in(folder), expected))
    if errors_in(folder).exists():
        _find(tally, "standard error", errors_in(folder).read_text(encoding="utf-8").splitlines())
    return tally


def _kill(folder: Path, seed: int, copies: int, kills: int, tally: Tally, tell: Tell) -> Evidence:
    """Live and be killed until all has ended; what is stored then."""
    random, before, life = Random(seed), Evidence(), 0
    while not summary_in(folder).exists():
        life += 1
        one = Life(folder, life, seed, copies)
        moment: str = "undisturbed"
        if tally.kills < kills:
            moment, end = one.killed(random)
        else:
            end = one.undisturbed()
        tally.counts.update((end, f"{end} {moment}"))
        before = _check(folder, before, life, tally)
        tell(f"seed {seed}, life {life}: {end} {moment}, {len(tally.findings)} findings")
    return before


def _check(folder: Path, before: Evidence, life: int, tally: Tally) -> Evidence:
    now = evidence_in(folder)
    effects = read_effects(effects_in(folder))
    _find(tally, f"life {life}", after_a_kill(before, now, effects, life))
    return now


def _find(tally: Tally, when: str, findings: Iterable[str]) -> None:
    tally.findings += [f"{when}: {each}" for each in findings]


def _summary_in(folder: Path) -> Summary:
    return msgspec.json.decode(summary_in(folder).read_bytes(), type=dict[str, dict[str, object]])
