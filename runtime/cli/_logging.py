"""What the engine logs, where the modules of nodes have not set up logging themselves."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Generator


class StandardError(logging.Handler):
    """Prints warnings and errors; not the failure of the execution named in `shown_elsewhere`."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.shown_elsewhere = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, with its traceback if it is about a fault of the engine."""
        is_failure = record.levelno == logging.ERROR and record.exc_info is None
        if is_failure and getattr(record, "execution", None) == self.shown_elsewhere:
            return
        print(f"processengine: {self.format(record)}", file=sys.stderr)


@contextlib.contextmanager
def logged_to_standard_error() -> Generator[StandardError]:
    """Print what is logged meanwhile, unless somebody else handles it."""
    logger, handler = logging.getLogger("processengine"), StandardError()
    if logger.hasHandlers():
        yield handler
        return
    logger.addHandler(handler)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)
