"""The command line as a process of its own: in a terminal, with pipes, interrupted."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

pytestmark = pytest.mark.slow

COMMAND = (sys.executable, "-m", "processengine")
PATIENCE = 120.0
CTRL_C = b"\x03"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")

# Makes the terminal on standard input the controlling one, so that Ctrl-C there is a signal.
IN_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""

SLEEPING = '{"id": "sleeping", "nodes": {"nap": {"type": "sleep"}}}'
STUBBORN = '{"id": "stubborn", "nodes": {"nap": {"type": "sleep_in_thread"}}}'
BLOCKING = '{"id": "blocking", "nodes": {"nap": {"type": "block"}}}'
MORE_NODES = """
import time

def sleep_in_thread():
    time.sleep(600)

async def block():
    print("blocking", flush=True)
    while True:
        pass
"""


@attrs.define
class Terminal:
    """A command in a pseudo-terminal; `screen` is everything it wrote, escapes removed."""

    process: subprocess.Popen[bytes]
    descriptor: int
    raw: bytes = b""

    @property
    def screen(self) -> str:
        return ESCAPES.sub("", self.raw.decode(errors="replace"))

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while text not in self.screen:
            assert time.monotonic() < deadline, self.screen
            if not self._read():
                break
        assert text in self.screen

    def _read(self) -> bool:
        """Read what there is; False at the end."""
        if not select.select([self.descriptor], [], [], 0.1)[0]:
            return True
        try:
            part = os.read(self.descriptor, 65536)
        except OSError:  # the other side is closed
            return False
        self.raw += part
        return bool(part)

    def press(self, keys: bytes) -> None:
        os.write(self.descriptor, keys)

    def wait_for_exit(self) -> int:
        deadline = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < deadline, self.screen
        return self.process.wait(PATIENCE)


@pytest.fixture
def folder(order: Path) -> Path:
    with (order / "shop.py").open("a") as nodes:
        nodes.write(MORE_NODES)
    for name, document in (
        ("sleeping", SLEEPING), ("stubborn", STUBBORN), ("blocking", BLOCKING),
    ):  # fmt: skip
        (order / f"{name}.json").write_text(document)
    return order


@pytest.fixture
def terminals(folder: Path) -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.process.kill()
        terminal.process.wait(PATIENCE)
        os.close(terminal.descriptor)


def start(terminals: list[Terminal], *arguments: str) -> Terminal:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL, *COMMAND, *arguments, "--nodes", "shop.py"],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
    )  # fmt: skip
    os.close(theirs)
    terminals.append(Terminal(process, ours))
    return terminals[-1]


def piped(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_in_a_terminal_a_table_is_redrawn(terminals: list[Terminal]) -> None:
    terminal = start(terminals, "run", "order.yaml", "--id", "o1", "--input", "total=200",
                     "--signal", "approval=1")  # fmt: skip
    assert terminal.wait_for_exit() == 0
    assert "o1  completed" in terminal.screen
    assert re.search(r"approve +done +1 ", terminal.screen)
    assert "o1 (order v2) completed" in terminal.screen
    assert terminal.raw.count(b"\x1b[?25h") >= 1


def test_what_nodes_print_appears_above_the_table(terminals: list[Terminal]) -> None:
    terminal = start(terminals, "run", "order.yaml")
    assert terminal.wait_for_exit() == 0
    assert terminal.screen.count("reserved by print") == 1


def test_the_first_ctrl_c_cancels_and_cleans_up(terminals: list[Terminal]) -> None:
    terminal = start(terminals, "run", "sleeping.json", "--id", "s1")
    terminal.wait_for("nap   running")
    terminal.press(CTRL_C)
    assert terminal.wait_for_exit() == 130
    assert "tidied up" in terminal.screen
    assert "s1 (sleeping v1) cancelled" in terminal.screen
    assert "interrupted by SIGINT" in terminal.screen
    assert "Traceback" not in terminal.screen


def test_a_second_ctrl_c_forces_the_exit(terminals: list[Terminal]) -> None:
    terminal = start(terminals, "run", "stubborn.json", "--option", "cancel_grace=60")
    terminal.wait_for("running")
    terminal.press(CTRL_C)
    terminal.wait_for("once more forces the exit")
    terminal.press(CTRL_C)
    assert terminal.wait_for_exit() == 130
    assert "cancelled in" not in terminal.screen
    assert terminal.raw.rstrip().endswith(b"\x1b[?25h")


def test_the_exit_is_forced_while_a_node_blocks_the_event_loop(terminals: list[Terminal]) -> None:
    terminal = start(terminals, "run", "blocking.json", "--quiet")
    terminal.wait_for("blocking")
    for _ in range(int(PATIENCE)):
        terminal.press(CTRL_C)
        time.sleep(0.2)  # two signals at once are one
        if terminal.process.poll() is not None:
            break
    assert terminal.wait_for_exit() == 130


def test_sigterm_cancels_as_ctrl_c_does(terminals: list[Terminal]) -> None:
    terminal = start(terminals, "run", "sleeping.json", "--json")
    deadline = time.monotonic() + PATIENCE
    while not _handles(terminal.process.pid, signal.SIGTERM):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.wait_for_exit() == 128 + signal.SIGTERM
    assert '"state": "cancelled"' in terminal.screen


def _handles(pid: int, number: int) -> bool:
    """Whether a process has installed a handler for a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) & (1 << (number - 1)))


def test_a_pipe_gets_plain_lines(folder: Path) -> None:
    ran = piped("run", "order.yaml", "--nodes", "shop.py")
    assert ran.returncode == 0
    assert "\x1b" not in ran.stdout
    assert "charge   completed" in ran.stdout
    assert ran.stderr == ""


def test_a_failure_is_told_once(folder: Path) -> None:
    (folder / "failing.json").write_text(
        '{"id": "failing", "nodes": {"work": {"type": "fail", "retry": {"attempts": 1}}}}'
    )
    ran = piped("run", "failing.json", "--nodes", "shop.py", "-q")
    assert ran.returncode == 1
    assert ran.stdout.count("Traceback") == 1
    assert ran.stderr == ""


def test_a_reader_that_goes_away_does_not_stop_the_execution(folder: Path) -> None:
    script = (
        f"{' '.join(COMMAND)} run order.yaml --nodes shop.py | head -1; echo ${{PIPESTATUS[0]}}"
    )
    ran = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ran.stdout.splitlines()[-1] in ("0", "141")
    assert "Traceback" not in ran.stderr


def test_worker_processes_do_not_print_into_the_document(folder: Path) -> None:
    (folder / "heavy.py").write_text(
        "def heavy():\n    print('from a worker process', flush=True)\n    return 6 * 7\n"
    )
    (folder / "heavy.json").write_text(
        '{"id": "heavy", "nodes": {"heavy": {"type": "heavy", "runs": "process"}}}'
    )
    ran = piped("run", "heavy.json", "--nodes", "heavy.py", "--json")
    assert json.loads(ran.stdout)["memory"] == {"heavy": 42}
    assert "from a worker process" in ran.stderr
