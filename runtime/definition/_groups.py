"""Node groups as the builder takes them, and what can be wrong with groups and hedges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypedDict

import attrs

from ...supervision import (
    DEFAULT_GROUP,
    BreakerPolicy,
    BudgetPolicy,
    Bulkhead,
    Group,
    Hedge,
    RatePolicy,
    Retry,
    WhenOpen,
)
from ._errors import DefinitionError, Fault
from ._model import Each, Function, Node
from ._names import A_NAME, NAME
from ._suggestion import choice_of

NOT_IDEMPOTENT = "no hedge, as the node is not idempotent"

_EXPECTED: Mapping[str, str] = {
    "breaker": "a BreakerPolicy",
    "bulkhead": "a Bulkhead",
    "rate": "a RatePolicy",
    "retry": "a Retry",
    "budget": "a BudgetPolicy",
    "timeout": "a number of seconds above 0",
    "when_open": "'park' or 'fail'",
    "shared": "True or False",
}


class GroupOptions(TypedDict, total=False):
    """What a group may be given, as the fields of `Group`."""

    breaker: BreakerPolicy | None
    bulkhead: Bulkhead | None
    rate: RatePolicy | None
    retry: Retry | None
    budget: BudgetPolicy | None
    timeout: float | None
    when_open: WhenOpen
    shared: bool


def group_of(group: str | Group, options: GroupOptions) -> Group:
    """The group of a name and options, or one that is made already.

    Raises `DefinitionError` listing every option at fault.
    """
    faults = tuple(_option_faults(group, options))
    if faults:
        raise DefinitionError(f"group {_name_of(group)!r}", faults)
    return group if isinstance(group, Group) else Group(group, **options)


def _option_faults(group: object, options: Mapping[str, Any]) -> Iterator[Fault]:
    if isinstance(group, Group) and options:
        yield Fault(f"groups.{group.name}", sorted(options), "no options beside a Group")
    elif not isinstance(group, (str, Group)):
        yield Fault("groups", group, "a name or a Group")
    for field in attrs.fields(Group):
        if field.name in options and not _fits(options[field.name], field):
            place = f"groups.{_name_of(group)}.{field.name}"
            yield Fault(place, options[field.name], _EXPECTED[field.name])


def _name_of(group: object) -> object:
    return group.name if isinstance(group, Group) else group


def _fits(value: object, field: attrs.Attribute[Any]) -> bool:
    """Whether a field takes a value, by the field's own validator."""
    assert field.validator is not None
    try:
        field.validator(None, field, value)
    except (TypeError, ValueError):
        return False
    return True


def group_faults(groups: Sequence[Group], nodes: Sequence[Node]) -> Iterator[Fault]:
    """Groups without a proper name of their own, and nodes of groups that are not declared."""
    names = Counter(group.name for group in groups)
    for name, count in names.items():
        if not NAME.fullmatch(name):
            yield Fault(f"groups.{name}", name, A_NAME)
        if count > 1:
            yield Fault(f"groups.{name}", name, f"a name used once, not {count} times")
    known = dict.fromkeys((DEFAULT_GROUP, *names))
    for node in nodes:
        if not _is_among(node.group, known):
            yield Fault(f"nodes.{node.name}.group", node.group, a_declared(known, node.group))


def _is_among(name: object, known: Collection[str]) -> bool:
    return isinstance(name, str) and name in known


def a_declared(known: Collection[str], name: object) -> str:
    """What to tell someone who named a group that is not declared."""
    return f"a declared group ({choice_of(known, name)})"


def hedge_faults(node: Node) -> Iterator[Fault]:
    """Why a node must not have the hedge that it has."""
    if node.hedge is not None:
        expected = _expected(node.hedge, node)
        if expected:
            yield Fault(f"nodes.{node.name}.hedge", node.hedge, expected)


def _expected(hedge: object, node: Node) -> str:
    """What should be there in place of a hedge; empty if that will do."""
    if not isinstance(hedge, Hedge):
        return "a Hedge"
    if not isinstance(node.kind, (Function, Each)):
        return "no hedge: only function and each nodes may have one"
    return "" if node.idempotent else NOT_IDEMPOTENT
