"""Finds whether a lane has read all that the kernel had sent to it.

A message to a multicast group reaches every socket of the group behind what waits there. So we send one ourselves: it
comes from no kernel, so a transport counts it as foreign and hands it to nobody. When the count has risen, everything
before it was read. No object of the kernel is touched, nothing is compared and nothing is recorded for it.

Rules:
1. What the kernel announces later, as the state of a carrier, is behind it.
2. It is sent again where a receive buffer was full.

Not here: reading (``watch``).
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable

from nlmon.engine.live_lane import LiveLane
from nlmon.framing import nlmsghdr
from nlmon.uapi import AF_NETLINK, NLMSG_HDRLEN, NLMSG_NOOP

__all__ = ["Sentinel"]

# The groups that an address of a socket can name (netlink(7)).
GROUPS = range(1, 33)


class Sentinel:
    """Sends such messages; a context manager. ``opener``: opens sockets where the lanes have theirs."""

    def __init__(self, opener: Callable[[int, int, int], socket.socket]) -> None:
        self._opener = opener
        self._sockets: dict[int, socket.socket] = {}
        self._message = nlmsghdr(sys.byteorder).pack(NLMSG_HDRLEN, NLMSG_NOOP, 0, 0, 0)

    def __enter__(self) -> Sentinel:
        return self

    def __exit__(self, *_: object) -> None:
        while self._sockets:
            self._sockets.popitem()[1].close()

    def send(self, lane: LiveLane, protocol: int) -> bool:
        """Send one to the socket of a protocol; whether that is in a group that can be reached."""
        group = min((group for group in lane.groups(protocol) if group in GROUPS), default=0)
        if not group:
            return False
        if protocol not in self._sockets:
            self._sockets[protocol] = self._opener(AF_NETLINK, socket.SOCK_RAW, protocol)
        self._sockets[protocol].sendto(self._message, (0, 1 << (group - 1)))
        return True

    @staticmethod
    def count(lane: LiveLane, protocol: int) -> int:
        """How many a lane has read so far."""
        return lane.foreign(protocol)
