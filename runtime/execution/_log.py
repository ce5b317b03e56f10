"""The log: every record of the engine tells the execution, the node and the attempt."""

from __future__ import annotations

import logging

from ._current import current_or_none


class AttemptFilter(logging.Filter):
    """Adds `execution`, `node` and `attempt` to every log record; empty outside of nodes.

    Add it to a handler, so that records of any logger get them:
    `handler.addFilter(AttemptFilter())`.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Fill in the fields that the record does not have yet; never drops a record."""
        context = None if hasattr(record, "execution") else current_or_none()
        for name, value in (
            ("execution", context.execution if context else ""),
            ("node", context.node if context else ""),
            ("attempt", context.attempt if context else 0),
        ):
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


logger: logging.Logger = logging.getLogger("processengine")
logger.addFilter(AttemptFilter())


def about(execution: str, node: str = "", attempt: int = 0) -> dict[str, object]:
    """The `extra` of a log record written outside of the attempt it is about."""
    return {"execution": execution, "node": node, "attempt": attempt}
