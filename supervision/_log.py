"""What supervisors write to the log `processengine`."""

from __future__ import annotations

import logging

from ._notices import ChildGivenUp, ChildRestarting, Notice

logger: logging.Logger = logging.getLogger("processengine")


def log_notice(supervisor: str, notice: Notice) -> None:
    """Write a restart as a warning, with the error, and a child given up as an error."""
    if isinstance(notice, ChildRestarting):
        logger.warning(
            "supervisor %r restarts %s because child %r ended",
            supervisor,
            ", ".join(notice.group),
            notice.name,
            exc_info=notice.error,
        )
    elif isinstance(notice, ChildGivenUp):
        logger.error(
            "supervisor %r gave up child %r", supervisor, notice.name, exc_info=notice.causes[-1]
        )
