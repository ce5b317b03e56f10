"""`python -m tests.kill`: kill the program many times, and print what was found wrong."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ._campaign import Tally, campaign


def main(arguments: Sequence[str] | None = None) -> int:
    """Run campaigns, each with a store and a seed of its own, until there were enough kills."""
    parser = argparse.ArgumentParser("tests.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how many in all (100)")
    parser.add_argument("--seed", type=int, default=1, help="of the first campaign (1)")
    parser.add_argument("--copies", type=int, default=3, help="of each kind of execution (3)")
    parser.add_argument("--each", type=int, default=25, help="kills of a campaign at most (25)")
    parser.add_argument("--keep", type=Path, help="keep stores and logs in this folder")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        tally = run(given, given.keep or Path(scratch))
    counts = ", ".join(f"{count} {what}" for what, count in sorted(tally.counts.items()))
    print(f"\n{counts}; {len(tally.findings)} findings", file=sys.stderr)  # noqa: T201
    print("\n".join(tally.findings))  # noqa: T201 - the result
    return bool(tally.findings)


def run(given: argparse.Namespace, folder: Path) -> Tally:
    """Run as many campaigns as there have to be."""
    total, seed = Tally(), given.seed
    while total.kills < given.kills:
        kills = min(given.each, given.kills - total.kills)
        place = folder / f"seed-{seed}"
        tally = campaign(place, seed=seed, copies=given.copies, kills=kills, tell=_tell)
        tally.findings = [f"seed {seed}: {each}" for each in tally.findings]
        total.add(tally)
        seed += 1
    return total


def _tell(text: str) -> None:
    print(f"\r{text:75}", end="", file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
