"""What README.md and docs/ show is what the files and programs are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from .conftest import ROOT, LoadExample

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OURS = [
    path
    for path in DOCUMENTS
    if path.name not in ("definitions.md", "cli.md")  # those have tests of their own
]
BLOCK = re.compile(
    r"^(?:<!-- (?P<source>[^\n]+) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
STARTED = sorted((ROOT / "examples" / "getting_started").glob("*.py"))


def blocks(path: Path, language: str) -> list[tuple[str | None, str]]:
    """The code blocks of a document in a language: the source that each names, and the text."""
    found = BLOCK.finditer(path.read_text(encoding="utf-8"))
    return [(block["source"], block["text"]) for block in found if block["language"] == language]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", OURS, ids=name)
def test_every_python_block_is_a_file_or_a_part_of_one(path: Path) -> None:
    for source, text in blocks(path, "python"):
        assert source is not None, text
        file = (ROOT / source).read_text(encoding="utf-8")
        assert text == file if source.startswith("examples/") else text in file


@pytest.mark.parametrize("file", STARTED, ids=name)
def test_getting_started_shows_every_program_and_what_it_prints(
    file: Path,
    load_example: LoadExample,
    capsys: pytest.CaptureFixture[str],
) -> None:
    guide = ROOT / "docs" / "getting-started.md"
    main = load_example(f"getting_started/{file.name}").main
    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert (name(file), file.read_text(encoding="utf-8")) in blocks(guide, "python")
    assert (f"prints: {name(file)}", capsys.readouterr().out) in blocks(guide, "text")


def test_the_readme_shows_a_program_that_runs() -> None:
    (source, _), *rest = blocks(ROOT / "README.md", "python")
    assert source is not None
    assert rest == []
    program = [sys.executable, str(ROOT / source)]
    done = subprocess.run(program, capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout == "completed - sent: one lamp put aside, 30.00 paid\n"


def commands() -> list[str]:
    """The command lines that the documents tell to type, from `processengine` on; each once."""
    lines = (
        line
        for path in OURS
        for _, text in blocks(path, "sh")
        for line in text.splitlines()
        if "bin/processengine " in line
    )
    return list(dict.fromkeys(line.rpartition("bin/processengine ")[2] for line in lines))


@pytest.mark.parametrize("command", commands())
def test_the_commands_shown_work(command: str) -> None:
    typed = [sys.executable, "-P", "-m", "processengine", *command.split(), "--input", "pace=0"]
    done = subprocess.run(typed, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "completed" in done.stdout + done.stderr


def test_the_readme_has_the_test_command_where_ci_looks_for_it() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if re.match("python3 -m venv .*pytest", line)]
    assert line == (
        "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/pytest -q"
    )


@pytest.mark.parametrize("path", OURS, ids=name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for target, fragment in LINK.findall(path.read_text(encoding="utf-8")):
        file = (path.parent / target).resolve() if target else path
        assert file.exists(), target
        if fragment:
            assert fragment in headings(file), f"{target}#{fragment}"


def headings(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in found}


def test_every_word_of_the_glossary_is_there_once() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = re.findall(r"^\| \*\*(.+?)\*\* \|", glossary, re.MULTILINE)
    assert len(words) > 40
    assert len(words) == len(set(words))


@pytest.mark.parametrize("picture", ["order.svg", "order-run.svg"])
def test_the_pictures_are_of_the_order_process(picture: str) -> None:
    drawn = (ROOT / "docs" / "images" / picture).read_text(encoding="utf-8")
    for node in "reserve", "screen", "charge", "pack", "invoice", "ship":
        assert f">{node}" in drawn
