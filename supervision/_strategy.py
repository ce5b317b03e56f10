"""Whom the end of one child concerns: who is restarted at all, and which siblings with it. Pure.

Source: `do_restart` and `restart_multiple_children` in OTP's `supervisor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

Strategy = Literal["one_for_one", "one_for_all", "rest_for_one", "dynamic"]
RestartType = Literal["permanent", "transient", "temporary"]
EndKind = Literal["normal", "crashed", "shutdown", "killed"]


@attrs.frozen
class RestartPlan:
    """What the end of a child leads to: who is stopped, latest first, and who starts, in order.

    `restarted` is empty if the child is not to be restarted. `stopped` never names the child.
    """

    stopped: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()


NOTHING = RestartPlan()


def is_restarted(restart: RestartType, how: EndKind) -> bool:
    """Whether a child that ended like this, without being told to, comes back."""
    if restart == "transient":
        return how == "crashed"
    return restart == "permanent"


def plan_restart(
    strategy: Strategy, children: Mapping[str, RestartType], ended: str, how: EndKind
) -> RestartPlan:
    """Plan for the end of the child `ended`; `children` are all there are, in start order.

    Temporary siblings are stopped like the others, but do not come back.
    """
    if not is_restarted(children[ended], how):
        return NOTHING
    group = _group(strategy, children, ended)
    return RestartPlan(
        stopped=tuple(name for name in reversed(group) if name != ended),
        restarted=tuple(name for name in group if children[name] != "temporary"),
    )


def _group(strategy: Strategy, children: Mapping[str, object], ended: str) -> tuple[str, ...]:
    """Those that share the fate of the child, in start order."""
    if strategy not in ("one_for_all", "rest_for_one"):
        return (ended,)
    order = tuple(children)
    return order if strategy == "one_for_all" else order[order.index(ended) :]
