"""`python -m bench.peers [engine ...]`: the same work, by other engines and by ours."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import attrs

from processengine.runtime.load import facts

from ._environment import CACHE, NotInstalled, python_for
from ._figures import comparisons
from ._peer import PROGRAMS, BadProgram, Peer, peers
from ._report import FOLDER, as_json, tables, write
from ._rounds import run_rounds
from ._work import WORKS, Size

QUICK = Size(2, 10)


class UnknownEngine(LookupError):
    """No program has that name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name, self.known = name, tuple(known)
        super().__init__(name, self.known)

    def __str__(self) -> str:
        return f"there is no program {self.name!r}; expected one of {', '.join(self.known)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the programs that are named (as their files are), or all of them; 1 if one failed."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.quick and given.write is not None:
        parser.error("--write keeps figures, and those of --quick mean nothing")
    machine = facts()
    try:
        wanted = _wanted(peers(given.programs), given)
    except (BadProgram, UnknownEngine) as error:
        print(error, file=sys.stderr)
        return 2
    rounds = 1 if given.quick else given.rounds
    pythons, skipped = _installed(wanted, given.cache)
    runs, failed = run_rounds(pythons, rounds, _say)
    found = comparisons(runs)
    absent = {"skipped": skipped, "failed": failed}
    print(tables(found, absent))
    for label, why in failed.items():
        print(f"\n{label} {why}", file=sys.stderr)
    if given.json is not None:
        given.json.write_text(as_json(found, absent, rounds, machine) + "\n", encoding="utf-8")
    if given.write is not None:
        command = " ".join(["python -m bench.peers", *given.engine])
        write(given.write, found, absent, rounds, machine, command)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("bench.peers", description=__doc__)
    parser.add_argument("engine", nargs="*", help="names of programs; all, if none is named")
    parser.add_argument("--work", action="append", choices=list(WORKS), help="only this; repeat it")
    parser.add_argument("--rounds", type=_number, default=3, metavar="N")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it work at all?")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument(
        "--write",
        nargs="?",
        type=Path,
        const=FOLDER,
        metavar="FOLDER",
        help="update RESULTS.md, peers.svg and peers.json there, or in bench/",
    )
    parser.add_argument("--programs", type=Path, default=PROGRAMS, help="where the programs are")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where to keep environments")
    return parser


def _number(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def _wanted(known: Sequence[Peer], given: argparse.Namespace) -> list[Peer]:
    """Those of the programs, and of the works, that are named. Raises `UnknownEngine`."""
    programs = {peer.program.stem for peer in known}
    for name in given.engine:
        if name not in programs:
            raise UnknownEngine(name, sorted(programs))
    return [
        attrs.evolve(peer, size=QUICK) if given.quick else peer
        for peer in known
        if (not given.engine or peer.program.stem in given.engine)
        and (not given.work or peer.work.name in given.work)
    ]


def _installed(wanted: Sequence[Peer], cache: Path) -> tuple[dict[Peer, Path], dict[str, str]]:
    """The interpreter for each peer, and by label why there is none for the others."""
    pythons: dict[Peer, Path] = {}
    skipped: dict[str, str] = {}
    refused: dict[tuple[str, ...], str] = {}
    for peer in wanted:
        if peer.requirements not in refused:
            try:
                pythons[peer] = python_for(peer.requirements, cache, _say_installing)
                continue
            except NotInstalled as error:
                refused[peer.requirements] = str(error)
        skipped[peer.label] = refused[peer.requirements]
    return pythons, skipped


def _say(peer: Peer, number: int) -> None:
    print(f"round {number + 1}: {peer.label}", file=sys.stderr, flush=True)


def _say_installing(requirements: Sequence[str]) -> None:
    print(f"installing {', '.join(requirements)}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
