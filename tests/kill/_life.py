"""One life of the program, from its start to its end: mostly by SIGKILL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Literal

import attrs

from ._places import ROOT, errors_in

End = Literal["killed", "left", "ended"]
Moment = Literal["starting", "running", "leaving"]

MOMENTS: dict[Moment, int] = {"starting": 3, "running": 6, "leaving": 2}
"""When to kill, with how often of eleven times."""
PATIENCE = 300.0
"""Seconds for a life that is not killed: more than a hundred times what it takes."""

AFTERMATH = 5.0
"""Seconds for the commands that a killed program had begun to be gone."""


class ProgramFailed(Exception):
    """The program did not come to its end, or not in order."""


@attrs.frozen
class Life:
    """What the program is started with; lives of a campaign differ in `number` only."""

    folder: Path
    number: int
    seed: int
    copies: int

    def killed(self, random: Random) -> tuple[Moment, End]:
        """Start the program, and kill it at a random instant if it has not ended by then.

        Raises `ProgramFailed` if it ends in another way.
        """
        (moment,) = random.choices(list(MOMENTS), weights=list(MOMENTS.values()))
        with self._started() as program:
            _wait_until(program, moment, random)
            _kill_all(program)
        return moment, self._end_of(program, moment)

    def undisturbed(self) -> End:
        """Start the program, and wait for its end. Raises `ProgramFailed` if it has none."""
        with self._started() as program:
            program.wait()
        end = self._end_of(program, "running")
        if end != "ended":
            raise ProgramFailed(f"life {self.number} in {self.folder} is stuck: not all has ended")
        return end

    @contextmanager
    def _started(self) -> Generator[subprocess.Popen[str]]:
        given = (self.folder, self.number, self.seed, self.copies)
        command = [sys.executable, "-m", "tests.kill._program", *map(str, given)]
        with (
            errors_in(self.folder).open("a", encoding="utf-8") as errors,
            subprocess.Popen(
                command,
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
            ) as program,
        ):
            watchdog = threading.Timer(PATIENCE, program.kill)
            watchdog.start()
            try:
                yield program
            finally:
                watchdog.cancel()
                _kill_all(program)

    def _end_of(self, program: subprocess.Popen[str], moment: Moment) -> End:
        code = program.wait()
        if code == -signal.SIGKILL:
            return "killed"
        if code == 0:
            return "left" if moment == "leaving" else "ended"
        raise ProgramFailed(f"life {self.number} in {self.folder} ended with code {code}")


def _kill_all(program: subprocess.Popen[str]) -> None:
    """Kill the program and the commands it has begun, which would write while we look."""
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()
    end = time.monotonic() + AFTERMATH
    while _are_there(program.pid) and time.monotonic() < end:
        time.sleep(0.001)


def _are_there(group: int) -> bool:
    """Whether a process of a group runs: one that has ended may be listed for seconds more."""
    return any(_is_running(stat, group) for stat in Path("/proc").glob("[0-9]*/stat"))


def _is_running(stat: Path, group: int) -> bool:
    try:
        state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
    except OSError:  # it has gone meanwhile
        return False
    return int(its_group) == group and state not in "ZX"


def _wait_until(program: subprocess.Popen[str], moment: Moment, random: Random) -> None:
    """Wait for the instant to kill it; what it has printed tells how far it is."""
    assert program.stdout is not None
    program.stdout.readline()
    if moment == "starting":
        time.sleep(random.uniform(0.0, 0.08))
        return
    program.stdout.readline()
    time.sleep(random.uniform(0.01, 0.4))
    if moment == "leaving":
        program.terminate()
        time.sleep(random.uniform(0.0, 0.04))
