"""SIGTERM and SIGHUP end a command like Ctrl-C, so that whatever it holds is put away.

Not here: commands that such a signal asks to finish (``listening``).
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["terminated_in_order"]

# What a shell adds to the number of the signal that has ended a command.
BY_SIGNAL = 128
SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def terminated_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP leave the block, and then end the command as a shell names the signal; the handlers are
    put back afterwards."""
    by: list[int] = []

    def interrupt(number: int, _: object) -> None:
        by.append(number)
        raise KeyboardInterrupt  # whatever else an implementation met, it would be an exception of its own

    before = {one: signal.signal(one, interrupt) for one in SIGNALS}
    try:
        yield
    except KeyboardInterrupt:
        if by:
            sys.exit(BY_SIGNAL + by.pop())
        raise
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
