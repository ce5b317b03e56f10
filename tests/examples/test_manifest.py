"""The manifest of real files in a real directory, checked by `sha256sum` and by hand."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
import trio

import processengine as pe

from .conftest import LoadExample

FILES = {
    "empty": b"",
    "a name with spaces.txt": b"spaces\n",
    "deep/er/bytes.bin": bytes(range(256)) * 1000,
    "back\\slash": b"one",
    "two\nlines": b"two",
    "déjà vu": b"three",
}


@pytest.fixture
def program(load_example: LoadExample) -> ModuleType:
    return load_example("manifest/manifest.py")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    for name, content in FILES.items():
        file = top / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (top / "nowhere").symlink_to("missing")
    return top


def test_every_file_is_listed_with_its_hash(program: ModuleType, tree: Path) -> None:
    manifest = tree / "MANIFEST"
    trio.run(program.main, str(tree), str(manifest))
    lines = manifest.read_bytes().splitlines()
    assert len(lines) == len(FILES)
    assert f"{hashlib.sha256(b'three').hexdigest()}  déjà vu".encode() in lines
    assert f"\\{hashlib.sha256(b'two').hexdigest()}  two\\nlines".encode() in lines


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="there is no sha256sum")
def test_sha256sum_accepts_the_manifest(program: ModuleType, tree: Path) -> None:
    manifest = tree / "MANIFEST"
    trio.run(program.main, str(tree), str(manifest))
    check = ["sha256sum", "--check", "--strict", "MANIFEST"]
    assert _status(check, tree) == 0
    (tree / "empty").write_bytes(b"no longer")
    assert _status(check, tree) == 1


def _status(command: list[str], folder: Path) -> int:
    return subprocess.run(
        command, cwd=folder, capture_output=True, check=False, timeout=300
    ).returncode


def test_a_second_run_gives_the_same_manifest(program: ModuleType, tree: Path) -> None:
    manifest = tree / "MANIFEST"
    trio.run(program.main, str(tree), str(manifest))
    first = manifest.read_bytes()
    trio.run(program.main, str(tree), str(manifest))
    assert manifest.read_bytes() == first


async def test_a_file_that_cannot_be_read_fails_the_run_and_writes_nothing(
    program: ModuleType, tree: Path
) -> None:
    inputs = {"directory": str(tree / "empty"), "manifest": str(tree / "none" / "MANIFEST")}
    async with pe.open_runtime() as runtime:
        outcome = await (await runtime.spawn(program.manifest_process(), inputs)).result()
    assert outcome.state == "failed"
    assert outcome.error is not None
    assert outcome.error.node == "written"
