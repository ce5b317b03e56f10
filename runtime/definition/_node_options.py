"""What the nodes of a builder may be given whatever their kind; other names are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from ...supervision import DEFAULT_GROUP, Group, Hedge, Retry
from ._errors import Fault
from ._kinds import JoinChoice, join_faults
from ._model import Rest
from ._suggestion import did_you_mean


@attrs.frozen(kw_only=True)
class NodeOptions:
    """The options that all node methods of a builder share."""

    join: JoinChoice = "all"
    rest: Rest = "absorb"
    inputs: Mapping[str, Any] | None = None
    output: str | None = None
    retry: Retry | None = None
    timeout: float | None = None
    group: str | Group = DEFAULT_GROUP
    idempotent: bool = False
    hedge: Hedge | None = None
    description: str = ""


_NAMES = tuple(field.name for field in attrs.fields(NodeOptions))


def option_faults(node: str, given: Mapping[str, Any], own: Sequence[str]) -> Iterator[Fault]:
    """Options that there are not, and joins that cannot be; `own` are the options of the kind."""
    known = (*own, *_NAMES)
    for name, value in given.items():
        if name not in _NAMES:
            expected = f"an option of this node ({', '.join(known)}{did_you_mean(name, known)})"
            yield Fault(f"nodes.{node}.{name}", value, expected)
    for fault in join_faults(given.get("join", "all"), given.get("rest", "absorb")):
        yield attrs.evolve(fault, place=f"nodes.{node}.{fault.place}")
