"""Brings the programs under `examples/` into the tests, as they are."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
LoadExample = Callable[[str], ModuleType]


@pytest.fixture
def load_example(monkeypatch: pytest.MonkeyPatch) -> LoadExample:
    """Import an example by its path below `examples/`, with its neighbours in reach."""

    def load(path: str) -> ModuleType:
        file = ROOT / "examples" / path
        monkeypatch.setattr(sys, "path", [str(file.parent), *sys.path])
        return importlib.import_module(file.stem)

    return load
