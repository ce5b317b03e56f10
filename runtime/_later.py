"""Names of a package that are imported when somebody first asks for them (PEP 562).

A program that keeps nothing on a disk and reads no documents should not wait for what does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def later(package: str, homes: Mapping[str, tuple[str, ...]]) -> Callable[[str], Any]:
    """A `__getattr__` for a package: `homes` says which module (relative to it) has which names.

    Type checkers do not see through it: the package imports the same names `if TYPE_CHECKING`.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def found(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(home_of[name], package), name)
        setattr(sys.modules[package], name, value)
        return value

    return found
