"""What monitors log while they run over a recording.

Not here: the log of a monitor on a host (``nlmon.monitor.log``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["logged"]

# Messages of a log that are kept.
LOG_KEPT = 10_000


@contextmanager
def logged() -> Iterator[list[str]]:
    """What monitors log meanwhile."""
    logger, kept = logging.getLogger("nlmon.monitor"), _Said()
    logger.addHandler(kept)
    try:
        yield kept.said
    finally:
        logger.removeHandler(kept)


class _Said(logging.Handler):
    """Keeps messages, each with its code."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one, while there is room."""
        if len(self.said) < LOG_KEPT:
            code = getattr(getattr(record, "nlmon", None), "code", "")
            self.said.append(f"{code}: {record.getMessage()}")
