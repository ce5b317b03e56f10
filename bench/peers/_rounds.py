"""Runs of all programs in turn, so that what slows the machine down slows all of them."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs

from .._scratch import scratch
from ._peer import Peer

TIMEOUT = 300.0
"""Seconds that one run may take."""


class RunFailed(Exception):
    """A program that ended with an error, did other work than it should, or took too long."""

    def __init__(self, peer: str, why: str) -> None:
        self.peer, self.why = peer, why
        super().__init__(peer, why)

    def __str__(self) -> str:
        return f"{self.peer}: {self.why}"


@attrs.frozen(kw_only=True)
class Run:
    """One run: seconds for a step, bytes left on the disk for a step."""

    seconds: float
    bytes: float
    versions: Mapping[str, str]


def run_rounds(
    pythons: Mapping[Peer, Path],
    rounds: int,
    on_begin: Callable[[Peer, int], None],
) -> tuple[dict[Peer, list[Run]], dict[str, str]]:
    """Run every program once in each round, in an order drawn anew.

    Gives the runs, and by label why a peer has none: one that failed is left out from then on.
    """
    order = random.Random(0)
    runs: dict[Peer, list[Run]] = {peer: [] for peer in pythons}
    failed: dict[str, str] = {}
    for number in range(rounds):
        for peer in order.sample(list(runs), len(runs)):
            on_begin(peer, number)
            try:
                runs[peer].append(run_once(peer, pythons[peer]))
            except RunFailed as error:
                failed[peer.label] = error.why
                del runs[peer]
    return runs, failed


def run_once(peer: Peer, python: Path, timeout: float = TIMEOUT) -> Run:
    """Run a program in a folder of its own. Raises `RunFailed`."""
    with scratch() as folder:
        parameters = {
            **peer.settings,
            **attrs.asdict(peer.size),
            "work": peer.work.name,
            "folder": str(folder),
        }
        command = [str(python), str(peer.program), json.dumps(parameters)]
        printed = _output(peer.label, command, folder, timeout)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return _checked(peer, printed, size)


def _output(label: str, command: Sequence[str], folder: Path, timeout: float) -> str:
    # Files, not pipes: a server that a program leaves behind would keep a pipe open.
    with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, cwd=folder, stdout=printed, stderr=errors, start_new_session=True
        )
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise RunFailed(label, f"not done after {timeout:g} s") from error
        finally:
            _end_group(process.pid)
            process.wait()
        printed.seek(0)
        errors.seek(0)
        if code != 0:
            raise RunFailed(label, f"ended with {code}: {errors.read()[-2000:]}")
        return printed.read()


def _end_group(leader: int) -> None:
    """End what a program has left running."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _checked(peer: Peer, printed: str, size: int) -> Run:
    try:
        result = json.loads(printed.splitlines()[-1])
        seconds, total, versions = result["seconds"], result["total"], result["versions"]
        # What is on the disk is of both times that the work was done.
        run = Run(
            seconds=seconds / peer.size.count,
            bytes=size / (2 * peer.size.count),
            versions=versions,
        )
    except (ValueError, LookupError, TypeError) as error:
        raise RunFailed(peer.label, f"expected a line of JSON, got {printed[-200:]!r}") from error
    if total != peer.size.total:
        raise RunFailed(peer.label, f"its values add up to {total}, expected {peer.size.total}")
    return run
