"""`python -m bench [case ...]`: measure, and say how the figures compare with their bars."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from processengine.runtime.load import facts

from ._measure import Row
from ._report import as_json, changes, table, write
from .cases import CASES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases that are named, or all of them."""
    parser = argparse.ArgumentParser("bench", description=__doc__)
    parser.add_argument("case", nargs="*", choices=[*CASES, []], help="all, if none is named")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it work at all?")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--write", action="store_true", help="update bench/RESULTS.md")
    parser.add_argument("--against", type=Path, help="tell the changes since this JSON report")
    given = parser.parse_args(arguments)
    machine = facts()
    rows = _run(given.case or list(CASES), quick=given.quick)
    print(table(rows))
    if given.against is not None:
        print(f"\n{changes(rows, given.against)}")
    if given.json is not None:
        given.json.write_text(as_json(rows, machine) + "\n", encoding="utf-8")
    if given.write:
        command = " ".join(["python -m bench", *given.case])
        write(Path(__file__).parent, rows, machine, command)
    return 0


def _run(names: Sequence[str], *, quick: bool) -> list[Row]:
    rows: list[Row] = []
    for number, name in enumerate(names):
        done = "#" * (20 * number // len(names))
        print(f"\r[{done:20}] {name:12}", end="", file=sys.stderr, flush=True)
        rows += CASES[name](quick)
    print(f"\r[{'#' * 20}] {'done':12}", file=sys.stderr)
    return rows


if __name__ == "__main__":
    sys.exit(main())
