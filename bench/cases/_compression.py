"""How much smaller compression makes snapshots: the specification hoped for 10 to 30 times.

The memories are orders of many lines, and prose: the words of our own documentation. What a
dictionary saves is an upper bound, as it learns from other memories of the same kind.
"""

from __future__ import annotations

import importlib
import random
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import trio

import processengine as pe
from processengine.runtime.store import decompress

from .._measure import Row

Kind = Literal["orders", "prose"]
SIZES = (1_000, 10_000, 50_000)
DOCS = Path(__file__).parents[2] / "docs"


def _words() -> list[str]:
    texts = (path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md")))
    return " ".join(texts).split()


def _memory(kind: Kind, size: int, draw: random.Random, words: list[str]) -> dict[str, Any]:
    """Variables of about so many bytes."""
    if kind == "prose":
        place = draw.randrange(len(words) - size // 6)
        return {"text": " ".join(words[place : place + size // 6])}
    lines = [
        {
            "article": f"{draw.getrandbits(48):012x}",
            "name": " ".join(draw.choices(words, k=3)),
            "quantity": draw.randrange(1, 20),
            "price": round(draw.uniform(1, 200), 2),
            "state": draw.choice(("open", "packed", "sent")),
        }
        for _ in range(size // 110)
    ]
    return {"customer": f"{draw.getrandbits(32):08x}", "lines": lines}


async def _snapshots(memories: list[dict[str, Any]]) -> list[bytes]:
    """The state of an execution with each memory, as a snapshot before it is compressed."""
    asking = pe.ProcessBuilder("asking")
    asking.wait("answer")
    definition, found = asking.build(), list[bytes]()
    async with pe.open_runtime(store=pe.MemoryStore()) as runtime:
        for handle in await runtime.spawn_many(definition, memories):
            fork = await runtime.fork(handle.id)
            message: Any = (await fork.history())[0].message
            found.append(decompress(message.state))
    return found


def _ways(samples: list[bytes]) -> Iterator[tuple[str, Callable[[bytes], bytes]]]:
    """The ways to compress; with a dictionary of what is common to `samples`, if there are."""
    yield "zlib-1", lambda data: zlib.compress(data, 1)
    try:
        zstandard: Any = importlib.import_module("zstandard")
    except ImportError:
        return
    yield "zstd-3", zstandard.ZstdCompressor(level=3).compress
    learnt = zstandard.train_dictionary(32 * 1024, samples)
    yield "zstd-3, dictionary", zstandard.ZstdCompressor(level=3, dict_data=learnt).compress


def compression(quick: bool) -> list[Row]:
    """The ratio of sizes for each kind and size of a memory, and each way to compress it."""
    count, rows, words = 40 if quick else 200, list[Row](), _words()
    for kind in ("orders", "prose"):
        for size in SIZES:
            draw = random.Random(size)
            memories = [_memory(kind, size, draw, words) for _ in range(2 * count)]
            snapshots = trio.run(_snapshots, memories)
            seen, rest = snapshots[:count], snapshots[count:]
            plain = sum(map(len, rest))
            for way, compress in _ways(seen):
                rows.append(
                    Row(
                        case=f"snapshot of {plain // count:,} bytes, {kind}: {way}",
                        ours=plain / sum(len(compress(each)) for each in rest),
                        unit="times smaller (hoped for: 10 to 30)",
                    )
                )
    return rows
