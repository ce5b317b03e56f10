"""The commands on a store, beside a program that runs what is in it, and without one."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

import processengine as pe
from processengine.runtime.cli import main
from processengine.runtime.store import ExecutionHead, KeptDefinition

PATIENCE = 120.0

PROGRAM = """
import sys
import trio
import processengine as pe

broken = True

async def first() -> int:
    return 1

async def shaky(extra: int = 0) -> int:
    if extra == 0:
        raise pe.NonRetryable("it is broken")
    return extra

asking = pe.ProcessBuilder("asking")
asking.node(first).then(asking.wait("answer")).then(asking.node("last", first))
shaking = pe.ProcessBuilder("shaking")
shaking.node(first).then(shaking.node(shaky))

async def main():
    async with pe.open_runtime(store=sys.argv[1], definitions=[asking.build()]) as runtime:
        await runtime.spawn(asking.build(), id="one")
        two = await runtime.spawn(shaking.build(), id="two")
        await two.result()
        for id in sys.argv[2:]:
            await (await runtime.find(id)).result()
        print("ready", flush=True)
        await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)

trio.run(main)
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "orders.db"


@pytest.fixture
def program(store: Path) -> Iterator[subprocess.Popen[str]]:
    """A program with two executions, which ends when it is sent a line."""
    with started(store) as running:
        yield running
        leave(running)


@contextmanager
def started(store: Path, *awaited: str) -> Generator[subprocess.Popen[str]]:
    """The program, once these executions have ended; it is killed if that takes too long."""
    command = [sys.executable, "-c", PROGRAM, str(store), *awaited]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        watchdog = threading.Timer(PATIENCE, running.kill)
        watchdog.start()
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "ready\n"
            yield running
        finally:
            watchdog.cancel()


def leave(running: subprocess.Popen[str]) -> None:
    if running.poll() is None:
        running.communicate("\n", timeout=PATIENCE)


class Shell:
    """Carries out commands on a store."""

    def __init__(self, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._store = str(store)
        self._capsys = capsys

    def __call__(self, command: str, *arguments: str, status: int = 0) -> str:
        assert main([command, "--store", self._store, *arguments]) == status
        captured = self._capsys.readouterr()
        return captured.out if status == 0 else captured.err

    def json(self, command: str, *arguments: str) -> Any:
        return json.loads(self(command, "--json", *arguments))

    def watch_end(self, execution: str) -> None:
        """Look until an execution that is running has ended."""
        end = time.monotonic() + PATIENCE
        while self.json("show", execution)["state"] == "running":
            assert time.monotonic() < end


@pytest.fixture
def shell(store: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(store, capsys)


@pytest.mark.usefixtures("program")
def test_a_live_execution_is_controlled_from_outside(shell: Shell) -> None:
    assert shell("pause", "one") == "paused\n"
    assert shell.json("show", "one")["state"] == "paused"
    assert shell("resume", "one") == "waiting\n"
    assert shell("signal", "one", "answer", '{"yes": 1}') == "done\n"
    shell.watch_end("one")
    listed = shell.json("list", "--definition", "asking")["executions"]
    assert [(each["id"], each["state"]) for each in listed] == [("one", "completed")]
    kinds = [record["what"] for record in shell.json("history", "one")["records"]]
    assert kinds == ["begin", "completed", "waits", "pause", "resume", "signal", "completed"]
    assert shell("cancel", "one") == "completed\n"


@pytest.mark.usefixtures("program")
def test_a_failed_execution_is_retried_and_forked(shell: Shell) -> None:
    assert shell("retry", "two") == "two\n"
    assert shell.json("show", "two")["incarnation"] == 2
    assert shell("fork", "two", "--set", "extra=5", "--id", "three") == "three\n"
    assert "execution 'three' exists" in shell("fork", "two", "--id", "three", status=2)
    assert "there is no step 99" in shell("fork", "two", "--at", "99", status=2)
    states = {each["id"]: each["state"] for each in shell.json("list")["executions"]}
    assert states["one"] == "waiting"
    assert states["three"] in ("running", "completed")
    assert "it has not failed" in shell("retry", "one", status=2)


def test_without_a_runtime_a_message_is_kept_for_the_next(
    program: subprocess.Popen[str], store: Path, shell: Shell
) -> None:
    leave(program)
    assert "no runtime is live" in shell("signal", "one", "answer", "yes")
    assert shell.json("store") == {
        "executions": 2,
        "unfinished": 1,
        "states": {"waiting": 1, "failed": 1},
        "records": 6,
        "bytes": shell.json("store")["bytes"],
        "mail": 1,
    }
    with started(store, "one") as running:
        assert shell("resume", "one") == "completed\n"
        leave(running)
    assert shell.json("store")["mail"] == 0


def test_executions_are_archived_and_restored(
    program: subprocess.Popen[str], tmp_path: Path, store: Path, shell: Shell
) -> None:
    leave(program)
    before = shell("history", "two")
    with closing(pe.SqliteStore(store)) as opened:
        stored = opened.load("two")
        assert stored is not None
        opened.put_definition(KeptDefinition("shaking", 1, stored.head.hash, b"{}"))
    file = str(tmp_path / "old.jsonl.gz")
    assert shell.json("archive", "--to", file, "--older-than", "1")["archived"] == 0
    archived = shell.json("archive", "--to", file, "--delete")
    assert (archived["archived"], archived["deleted"]) == (1, 1)
    assert "there is no execution 'two'" in shell("show", "two", status=2)
    assert shell.json("unpublish", "shaking", "1")["deleted"]
    restored = "1 restored, 0 were there already\n1 definition kept as well\n"
    assert shell("restore", "--from", file) == restored
    assert shell("restore", "--from", file) == "0 restored, 1 were there already\n"
    assert shell("history", "two") == before


def test_people_see_tables(program: subprocess.Popen[str], shell: Shell) -> None:
    leave(program)
    first, second = shell("list").splitlines()
    assert first.startswith("two  shaking v1  failed ")
    assert second.startswith("one  asking v1   waiting ")
    assert shell("list", "--state", "paused") == "no executions\n"
    assert "definition   shaking v1" in shell("show", "two")
    assert "shaky: processengine.NonRetryable: it is broken" in shell("history", "two")
    assert "failed     1" in shell("store")


FORMS = """
id: forms
version: VERSION
modules: [shop.py]
nodes:
  fill: {type: fill, then: last}
  last: {type: last}
"""


def test_definitions_are_published_listed_and_deleted(folder: Path, shell: Shell) -> None:
    (folder / "shop.py").write_text("def fill(): ...\n")
    (folder / "more.py").write_text("def last(): ...\n")
    more = ("--nodes", str(folder / "more.py"))
    file = folder / "forms.yaml"
    for version in ("2", "10"):
        file.write_text(FORMS.replace("VERSION", version))
        assert shell("publish", str(file), *more).startswith(f"forms v{version} is kept in ")
        assert shell.json("publish", str(file), *more)["version"] == int(version)
    listed = shell.json("definitions")["definitions"]
    assert [(each["id"], each["version"]) for each in listed] == [("forms", 2), ("forms", 10)]
    assert shell("definitions").splitlines()[1] == f"forms v10  {listed[1]['hash']:.12}"
    file.write_text(file.read_text().replace("last: {", "last: {timeout: 5, "))
    assert "what has changed gets a new version" in shell("publish", str(file), *more, status=2)
    assert shell.json("unpublish", "forms", "2")["deleted"]
    assert "there is no definition forms v2" in shell("unpublish", "forms", "v2", status=2)
    assert shell("unpublish", "forms", "v10").startswith("forms v10 is not kept in ")
    assert shell("definitions") == "no definitions\n"


def test_a_definition_that_is_run_is_deleted_by_force_only(
    program: subprocess.Popen[str], store: Path, shell: Shell
) -> None:
    leave(program)
    with closing(pe.SqliteStore(store)) as opened:
        (head,) = opened.unfinished()
        assert isinstance(head, ExecutionHead)
        opened.put_definition(KeptDefinition("asking", 1, head.hash, b"{}"))
    assert shell.json("definitions")["definitions"][0]["unfinished"] == 1
    assert shell("definitions").endswith("  1 unfinished\n")
    refusal = shell("unpublish", "asking", "1", status=2)
    assert "have not ended: 'one' (--force deletes it all the same)" in refusal
    assert shell.json("unpublish", "asking", "1", "--force")["deleted"]


def test_a_definition_whose_functions_are_not_there_is_not_published(
    tmp_path: Path, store: Path, shell: Shell
) -> None:
    (tmp_path / "forms.yaml").write_text("{id: forms, nodes: {fill: {type: fill}}}")
    refusal = shell("publish", str(tmp_path / "forms.yaml"), status=2)
    assert "say where the functions are: --nodes MODULE" in refusal
    assert not store.exists()


@pytest.mark.parametrize("command", ["list", "store", "definitions"])
def test_a_store_that_is_not_there_is_not_made(command: str, store: Path, shell: Shell) -> None:
    assert "there is no such file" in shell(command, status=2)
    assert not store.exists()


def test_a_file_of_another_kind_is_told(store: Path, shell: Shell) -> None:
    store.write_text("not a database, but long enough to be looked at as one, with a header" * 20)
    assert "it is not a database" in shell("list", status=2)


def test_what_is_not_there_is_told(program: subprocess.Popen[str], shell: Shell) -> None:
    leave(program)
    for command in ("show", "history", "pause", "retry"):
        assert "there is no execution 'four'" in shell(command, "four", status=2)
