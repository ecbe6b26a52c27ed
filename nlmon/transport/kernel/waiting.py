"""Waiting for what can be read: poll(2), since select(2) knows no descriptor above 1023.

Not here: reading (``transport``), and signals, for which a descriptor is waited for like any other.
"""

from __future__ import annotations

import select
import socket
import sys
from collections.abc import Iterable

from nlmon.transport.kernel.sockets import no_netlink

__all__ = ["readable"]


def readable(sources: Iterable[int | socket.socket], seconds: float | None = None) -> list[int]:
    """The descriptors that can be read, or whose other end is gone; none when nothing comes within so many seconds.
    Without ``seconds`` there is no end to waiting."""
    if sys.platform == "linux":
        poll = select.poll()
        for source in sources:
            poll.register(source, select.POLLIN)
        milliseconds = None if seconds is None else max(0.0, seconds) * 1000
        return [descriptor for descriptor, _ in poll.poll(milliseconds)]
    raise no_netlink()
