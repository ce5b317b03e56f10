"""What the engine logs, where the modules of nodes have not set up logging themselves."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Generator


class StandardError(logging.Handler):
    """Prints warnings and errors; not the failure of the execution named in `shown_elsewhere`.

    With `hides_failures` not those of any execution: where many run, they are counted elsewhere.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.shown_elsewhere = ""
        self.hides_failures = False

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, with its traceback if it is about a fault of the engine."""
        is_failure = record.levelno == logging.ERROR and record.exc_info is None
        execution = getattr(record, "execution", None)
        if is_failure and (self.hides_failures or execution == self.shown_elsewhere):
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
