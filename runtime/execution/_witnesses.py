"""Which joins have to be looked at again, and when.

A join that waits keeps a *witness*: a live token that may still come to one of its empty slots.
While the witness stays where it is the join need not be looked at. As long as no connection was
ever left untaken (and the graph has neither cycles nor counted joins) no join can be left waiting
in vain, and nothing is kept at all.
"""

from __future__ import annotations

from ._state import ExecutionState, JoinState


def look_again(state: ExecutionState, join: JoinState) -> None:
    """Have a join examined before the turn ends."""
    if state.recheck is None:
        state.recheck = set()
    state.recheck.add(join.node.index)


def look_at_all(state: ExecutionState) -> None:
    """Some connection was left untaken for the first time: from now on joins are watched."""
    state.starving = True
    for join in (state.joins or {}).values():
        look_again(state, join)


def watch(state: ExecutionState, join: JoinState, step: int) -> None:
    """Have a join examined again when the token of this step leaves its node."""
    if state.witnesses is None:
        state.witnesses = {}
    state.witnesses.setdefault(step, set()).add(join.node.index)


def forget_witness(state: ExecutionState, step: int) -> None:
    """A token has left its node: look again at the joins that waited because of it."""
    if state.witnesses and (joins := state.witnesses.pop(step, None)):
        state.recheck = joins if state.recheck is None else state.recheck | joins
