"""The path of every node: a step ends, its only successor begins, and nothing else follows.

This is `_outcomes.on_completed` for the commonest case, written out in one function; the case is
recognised first and everything else is left to that. Measured on 1000 x 10 no-op nodes, a whole turn
for each node instead costs 1.5 times as much.
"""

from __future__ import annotations

from ._records import Completed
from ._state import ACTIVE, RUNNING, ExecutionState, Token


def step(state: ExecutionState, message: Completed) -> Token | None:
    """Move control on and give the new token; None, and nothing done, if that is not all there is.

    It is all if the execution is neither paused nor ending, the value is small, the port leads to one
    node without a join, and no join waits for this token.
    """
    tokens = state.tokens
    token = tokens.get(message.step)
    if (
        token is None
        or token.phase is not RUNNING
        or token.attempt != message.attempt
        or token.item is not None
        or message.size
        or state.control is not ACTIVE
        or state.witnesses
        or state.sizes
    ):
        return None
    node = token.node
    exit = node.exits.get(message.port)
    if exit is None or exit.next is None or (exit.leaves_untaken and not state.starving):
        return None
    del tokens[message.step]
    state.memory[node.output] = message.value
    state.steps = number = state.steps + 1
    new = tokens[number] = Token(number, exit.next, RUNNING, 1, 0, 0.0, None, token.lineage)
    return new
