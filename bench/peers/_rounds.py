"""Runs of all programs in turn, so that what slows the machine down slows all of them."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs

from .._scratch import scratch
from ._peer import Peer

TIMEOUT = 1800.0
"""Seconds that one run may take."""


class RunFailed(Exception):
    """A program that ended with an error, did other work than it should, or took too long."""

    def __init__(self, peer: str, why: str) -> None:
        self.peer, self.why = peer, why
        super().__init__(peer, why)

    def __str__(self) -> str:
        return f"{self.peer}: {self.why}"


@attrs.frozen(kw_only=True)
class Work:
    """How much is to be done in one run."""

    executions: int
    steps: int

    @property
    def total(self) -> int:
        """What all values add up to: step number k gives k."""
        return self.executions * sum(range(self.steps))


@attrs.frozen(kw_only=True)
class Run:
    """One run: seconds for all of the work, bytes left on the disk."""

    seconds: float
    bytes: int
    versions: Mapping[str, str]


def run_rounds(
    pythons: Mapping[Peer, Path],
    work: Work,
    rounds: int,
    on_begin: Callable[[Peer, int], None],
) -> tuple[dict[Peer, list[Run]], dict[str, str]]:
    """Run every program once in each round, in an order drawn anew.

    Gives the runs, and by name why a peer has none: one that failed is left out from then on.
    """
    order = random.Random(0)
    runs: dict[Peer, list[Run]] = {peer: [] for peer in pythons}
    failed: dict[str, str] = {}
    for number in range(rounds):
        for peer in order.sample(list(runs), len(runs)):
            on_begin(peer, number)
            try:
                runs[peer].append(run_once(peer, pythons[peer], work))
            except RunFailed as error:
                failed[peer.name] = error.why
                del runs[peer]
    return runs, failed


def run_once(peer: Peer, python: Path, work: Work, timeout: float = TIMEOUT) -> Run:
    """Run a program in a folder of its own. Raises `RunFailed`."""
    with scratch() as folder:
        parameters = {**attrs.asdict(work), "folder": str(folder), **peer.settings}
        command = [str(python), str(peer.program), json.dumps(parameters)]
        printed = _output(peer.name, command, timeout)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return _checked(peer.name, printed, work, size)


def _output(name: str, command: Sequence[str], timeout: float) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise RunFailed(name, f"not done after {timeout:g} s") from error
    if done.returncode != 0:
        raise RunFailed(name, f"ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def _checked(name: str, printed: str, work: Work, size: int) -> Run:
    try:
        result = json.loads(printed.splitlines()[-1])
        run = Run(seconds=result["seconds"], bytes=size, versions=result["versions"])
        total = result["total"]
    except (ValueError, LookupError, TypeError) as error:
        raise RunFailed(name, f"expected a line of JSON, got {printed[-200:]!r}") from error
    if total != work.total:
        raise RunFailed(name, f"its values add up to {total}, expected {work.total}")
    return run
