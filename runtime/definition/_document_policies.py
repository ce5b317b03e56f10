"""The policies of a document: retries, and what guards a group. A table of keys for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, TypeVar

import attrs
from msgspec import Meta

from ...supervision import (
    BreakerPolicy,
    BudgetPolicy,
    Bulkhead,
    Group,
    Hedge,
    Jitter,
    RatePolicy,
    Retry,
    WhenOpen,
)
from ._durations import A_DURATION, duration
from ._errors import NOTHING
from ._node_types import NodeTypes
from ._section import COUNT, FLAG, TEXTS, Leaf, Section

P = TypeVar("P")

_DEFAULTS = "a mapping, or true for the defaults"
_ABOVE_0 = f"{A_DURATION}, above 0"


@attrs.frozen
class _Key:
    """A key of a policy: what it takes, in words, and what takes it; None where it is at fault."""

    expected: str
    take: Callable[[Section, str], object]
    is_required: bool = False

    def required(self) -> _Key:
        return attrs.evolve(self, is_required=True)


def _of_leaf(leaf: Leaf[Any]) -> _Key:
    return _Key(leaf.expected, lambda section, key: section.take(key, leaf, None))


def _number(expected: str, *bounds: Meta) -> _Key:
    return _of_leaf(Leaf[float | None](Annotated[float, *bounds], expected))


def _above_0(section: Section, key: str) -> int | float | None:
    seconds = duration(section.content[key])
    if not seconds:
        section.add(key, section.content[key], _ABOVE_0)
    return seconds or None


def _rule(section: Section, key: str) -> int | None:
    return None if section.content[key] is False else section.take(key, _RULE, None)


_COUNT = _of_leaf(COUNT)
_COUNT_FROM_0 = _of_leaf(Leaf[int | None](Annotated[int, Meta(ge=0)], "an integer from 0"))
_TWO = _of_leaf(Leaf[int | None](Annotated[int, Meta(ge=2)], "an integer from 2"))
_RULE = Leaf[int | None](Annotated[int, Meta(ge=1)], "an integer from 1, or false for no such rule")
_SHARE = _number("a number above 0, at most 1", Meta(gt=0, le=1))
_FACTOR = _number("a number from 1", Meta(ge=1))
_DURATION = _Key(A_DURATION, Section.take_duration)
_LENGTH = _Key(_ABOVE_0, _above_0)
_JITTER = _of_leaf(Leaf[Jitter | None](Jitter, "'full', 'decorrelated' or 'none'"))
_WHEN_OPEN = Leaf[WhenOpen](WhenOpen, "'park' or 'fail'")

_BREAKER: Mapping[str, _Key] = {
    "consecutive_failures": _Key(_RULE.expected, _rule),
    "failure_rate": _SHARE,
    "slow_rate": _SHARE,
    "slow_seconds": _LENGTH,
    "minimum_calls": _COUNT,
    "window_calls": _COUNT,
    "window_seconds": _LENGTH,
    "open_seconds": _LENGTH,
    "open_multiplier": _FACTOR,
    "open_maximum": _LENGTH,
    "open_jitter": _number("a number from 0", Meta(ge=0)),
    "probes": _COUNT,
    "probe_lease": _LENGTH,
}
_BULKHEAD = {"concurrency": _COUNT.required(), "waiting": _COUNT_FROM_0}
_RATE = {"calls": _COUNT.required(), "seconds": _LENGTH.required(), "burst": _COUNT}
_BUDGET = {"tokens": _COUNT, "ratio": _number("a number from 0.001", Meta(ge=0.001))}
_HEDGE = {"after": _DURATION.required(), "most": _TWO}
_RETRY: Mapping[str, _Key] = {
    "attempts": _COUNT,
    "initial": _DURATION,
    "maximum": _DURATION,
    "multiplier": _FACTOR,
    "jitter": _JITTER,
    "total": _LENGTH,
}


def read_group(section: Section, name: str, types: NodeTypes) -> Group:
    """The group a section describes; what is at fault in it is left out."""
    section.refuse_others(_GROUP, " of a group")
    return Group(
        name,
        breaker=_read(_section_or_true(section, "breaker"), BreakerPolicy, _BREAKER, "a breaker"),
        bulkhead=_read(section.section("bulkhead"), Bulkhead, _BULKHEAD, "a bulkhead"),
        rate=_read(section.section("rate"), RatePolicy, _RATE, "a rate"),
        retry=read_retry(section, types),
        budget=_read(_section_or_true(section, "budget"), BudgetPolicy, _BUDGET, "a budget"),
        timeout=_above_0(section, "timeout") if "timeout" in section.content else None,
        when_open=section.take("when_open", _WHEN_OPEN, "park"),
        shared=section.take("shared", FLAG, False),
    )


_GROUP = tuple(field.name for field in attrs.fields(Group) if field.name != "name")


def read_retry(around: Section, types: NodeTypes) -> Retry | None:
    """The policy at key `retry`; None where there is none, or it is at fault."""
    errors = {key: _Key("", partial(_errors, types)) for key in ("on", "never")}
    return _read(around.section("retry"), Retry, {**_RETRY, **errors}, "a retry")


def read_hedge(around: Section) -> Hedge | None:
    """The policy at key `hedge`; None where there is none, or it is at fault."""
    return _read(around.section("hedge"), Hedge, _HEDGE, "a hedge")


def _read(
    section: Section | None, policy: Callable[..., P], keys: Mapping[str, _Key], its_name: str
) -> P | None:
    """The policy a section holds; None, and faults, where anything about it is wrong."""
    if section is None:
        return None
    before = len(section.faults)
    section.refuse_others(keys, f" of {its_name}")
    for name, key in keys.items():
        if key.is_required and name not in section.content:
            section.add(name, NOTHING, key.expected)
    given = {name: key.take(section, name) for name, key in keys.items() if name in section.content}
    return policy(**given) if len(section.faults) == before else None


def _section_or_true(around: Section, key: str) -> Section | None:
    if around.content.get(key) is True:
        return Section(around.at(key), {}, around.faults)
    return around.section(key, _DEFAULTS)


def _errors(types: NodeTypes, section: Section, key: str) -> tuple[type[Exception], ...]:
    names = section.take(key, TEXTS, [])
    found = [types.find_error(name) for name in names]
    for index, error in enumerate(found):
        if error is None:
            section.add(
                f"{key}[{index}]", names[index], "an exception of Python or a registered one"
            )
    return tuple(error for error in found if error is not None)
