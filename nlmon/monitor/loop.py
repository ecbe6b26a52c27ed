"""The loop of a running monitor: it waits for sockets, signals, files and questions at once, and has no thread.

    loop = Loop()
    loop.on(descriptor, function)     # when it can be read
    loop.run(until=deadline)

Rules:
1. Whatever is waited for is a descriptor or a time; nothing is asked again and again.
2. What one descriptor has to do is done in parts, so that no other waits long (``READ_AT_ONCE``).

Not here: what is done when something happens (``nlmon.cli.monitor_run``).
"""

from __future__ import annotations

__all__ = ["READ_AT_ONCE"]

# Datagrams of one socket that are read before the others have their turn.
READ_AT_ONCE = 256
