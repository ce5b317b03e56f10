"""What a definition is made of, as builder, documents and importers hand it over: not checked."""

from __future__ import annotations

from typing import Any

import attrs

from ...supervision import Group
from ._model import Connection, Input, Node


@attrs.frozen(kw_only=True)
class Parts:
    """The parts of a definition, with the connections that were drawn and no implied ones.

    `durability` and `retention` say how executions are kept, not what they do: no part of the hash.
    """

    id: Any  # as `version`: text from outside, which may be anything before it is checked
    version: Any
    nodes: tuple[Node, ...]
    connections: tuple[Connection, ...]
    start: tuple[str, ...] = ()
    inputs: tuple[Input, ...] = ()
    groups: tuple[Group, ...] = ()
    on_error: str | None = None
    timeout: float | None = None
    durability: Any = None
    retention: Any = None
    description: str = ""
