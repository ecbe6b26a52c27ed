"""Names of interfaces, remembered for the length of a burst.

To ask the kernel for a name costs as much as to read a message, and a burst asks for the same few names over and over.
A socket that is subscribed to links receives every change of a name, in its turn among the messages that use it. So a
name may be remembered until such a message is read: one that was asked for before is at least as true for the message
at hand as one asked for now, which may be a later one.

Rules of this file:
1. A name that is given is one that the interface has had at some time between the message at hand and now, as far as
   messages of links say: that it has another one now may still wait to be read.
2. Nothing is remembered where what changes a name may have been missed. After a loss that is so until nothing waits:
   before, the kernel drops all that comes, and says so but once (NETLINK_S_CONGESTED, net/netlink/af_netlink.c).
3. What was asked for before nothing waited is forgotten. So it is before an answer, which does not wait its turn.
4. That there is no interface is never remembered.

Not here: asking (``transport``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from nlmon.framing import nlmsghdr
from nlmon.uapi import NLMSG_HDRLEN, RTM_DELLINK, RTM_NEWLINK

__all__ = ["Names"]

# What changes a name.
LINKS = {RTM_NEWLINK, RTM_DELLINK}
# A socket of this host is read in its own byte order.
_fields = nlmsghdr(sys.byteorder).unpack_from


class Names:
    """What one socket of NETLINK_ROUTE knows of names; ``ask`` gives the name that an index has now, None: none.

    Nothing is remembered before ``quiet`` is called."""

    def __init__(self, ask: Callable[[int], str | None]) -> None:
        self._ask = ask
        # None: nothing is to be remembered.
        self._known: dict[int, str] | None = None

    def of(self, ifindex: int) -> str | None:
        """Name of an interface, for what was read last, or read before and waits to be decoded."""
        known = self._known
        if known is None:
            return self._ask(ifindex)
        name = known.get(ifindex)
        if name is None:
            name = self._ask(ifindex)
            if name is not None:
                known[ifindex] = name
        return name

    def received(self, data: bytes) -> None:
        """A datagram was read, which starts at an nlmsghdr."""
        if self._known:
            length, kind, _, _, _ = _fields(data) if len(data) >= NLMSG_HDRLEN else (0, 0, 0, 0, 0)
            # Whatever stands behind a first message is not looked at.
            if kind in LINKS or length != len(data):
                self._known = {}

    def quiet(self, *, subscribed: bool) -> None:
        """Nothing waits. ``subscribed``: messages of links are received (RTNLGRP_LINK)."""
        self._known = {} if subscribed else None

    def answered(self) -> None:
        """A request was answered."""
        if self._known:
            self._known = {}

    def missed(self) -> None:
        """Something was not received, or will not be."""
        self._known = None
