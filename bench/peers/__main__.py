"""`python -m bench.peers [engine ...]`: the same durable work, by other engines and by ours."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .._machine import facts
from ._environment import CACHE, NotInstalled, python_for
from ._peer import PROGRAMS, BadProgram, Peer, peers
from ._report import as_json, lines, table
from ._rounds import Work, run_rounds


class UnknownEngine(LookupError):
    """No program has that name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(name, self.known)

    def __str__(self) -> str:
        return f"there is no program {self.name!r}; expected one of {', '.join(self.known)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the programs that are named (as their files are), or all of them; 1 if one failed."""
    given = _parser().parse_args(arguments)
    machine = facts()
    try:
        wanted = _named(peers(given.programs), given.engine)
    except (BadProgram, UnknownEngine) as error:
        print(error, file=sys.stderr)
        return 2
    pythons, skipped = _installed(wanted, given.cache)
    work = Work(executions=given.executions, steps=given.steps)
    runs, failed = run_rounds(pythons, work, given.rounds, _say)
    found = lines(runs, work)
    print(table(found))
    absent = {"skipped": skipped, "failed": failed}
    for how, names in absent.items():
        for name, why in names.items():
            print(f"{how} {name}: {why}")
    if given.json is not None:
        report = as_json(found, absent, work, given.rounds, machine)
        given.json.write_text(report + "\n", encoding="utf-8")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("bench.peers", description=__doc__)
    parser.add_argument("engine", nargs="*", help="names of programs; all, if none is named")
    parser.add_argument("--executions", type=_number, default=200, metavar="N")
    parser.add_argument("--steps", type=_number, default=10, metavar="N", help="of each execution")
    parser.add_argument("--rounds", type=_number, default=3, metavar="N")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--programs", type=Path, default=PROGRAMS, help="where the programs are")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where to keep environments")
    return parser


def _number(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def _named(known: Sequence[Peer], names: Sequence[str]) -> list[Peer]:
    """Those of the programs that are named; all, if none is. Raises `UnknownEngine`."""
    programs = {peer.program.stem for peer in known}
    for name in names:
        if name not in programs:
            raise UnknownEngine(name, sorted(programs))
    return [peer for peer in known if not names or peer.program.stem in names]


def _installed(wanted: Sequence[Peer], cache: Path) -> tuple[dict[Peer, Path], dict[str, str]]:
    """The interpreter for each peer, and why there is none for the others."""
    pythons: dict[Peer, Path] = {}
    skipped: dict[str, str] = {}
    for peer in wanted:
        try:
            pythons[peer] = python_for(peer.requirements, cache)
        except NotInstalled as error:
            skipped[peer.name] = str(error)
    return pythons, skipped


def _say(peer: Peer, number: int) -> None:
    print(f"round {number + 1}: {peer.name}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
