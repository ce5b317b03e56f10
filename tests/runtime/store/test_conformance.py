"""Both stores do what any store must."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from processengine.runtime.store import MemoryStore, SqliteStore, Store
from processengine.testing import STORE_CHECKS, FaultyStore, StoreFactory, store_machine


@pytest.fixture(params=["memory", "sqlite", "sqlite, normal", "faulty, without a fault"])
def factory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreFactory]:
    kinds: dict[str, Callable[[Path], Store]] = {
        "memory": lambda _: MemoryStore(),
        "sqlite": SqliteStore,
        "sqlite, normal": lambda path: SqliteStore(str(path), synchronous="NORMAL"),
        "faulty, without a fault": lambda _: FaultyStore(MemoryStore()),
    }
    made: list[Store] = []

    def make() -> Store:
        made.append(kinds[request.param](tmp_path / f"{len(made)}.db"))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
def test_it_passes_every_check(
    check: Callable[[StoreFactory], None], factory: StoreFactory
) -> None:
    check(factory)


class Files:
    """SQLite stores in a folder of their own, that goes with them."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.count = 0
        self.paths: dict[int, Path] = {}

    def make(self) -> Store:
        self.count += 1
        return self.open(Path(self.folder.name) / f"{self.count}.db")

    def open(self, path: Path) -> Store:
        store = SqliteStore(path, synchronous="NORMAL")
        self.paths[id(store)] = path
        return store

    def reopen(self, store: Store) -> Store:
        path = self.paths.pop(id(store))
        store.close()
        return self.open(path)


FILES = Files()

TestMemory = store_machine(MemoryStore).TestCase
TestSqlite = store_machine(FILES.make, FILES.reopen).TestCase
