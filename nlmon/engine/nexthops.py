"""Applies to both states what notifications about nexthop objects imply for their routes.

    notification ─► what it says ─► what it changes ─► both states

An implementation receives them if it is asked to (``--group nexthop``), and makes no change of a route of them. So the
bytes are read here, and both states change in the same way, whoever received it.

Rules:
1. A change is made behind all that was announced before it. On the running kernel that may wait for the other lane.
2. A state whose lane lost the notification stays as it is: who recovers has to find out.

Not here: which routes change (``nlmon.objects.nexthops``), and changing them (``nlmon.state.tables``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from nlmon.compare.side import Side
from nlmon.engine.lane import Lane
from nlmon.engine.states import States
from nlmon.framing import split_messages
from nlmon.objects.nexthops import NexthopChange, NexthopChanges
from nlmon.transport.recorded.reading import MessageReader
from nlmon.uapi import NETLINK_ROUTE, RTM_DELNEXTHOP, RTM_NEWNEXTHOP
from nlmon.wire import Datagram

__all__ = ["NexthopAnnouncements", "is_of_nexthops"]

# The most changes that wait for the other lane; beyond them the oldest waits no longer.
CHANGES_KEPT = 65_536
# The types of these messages as they stand there, in either byte order.
TYPES = {kind.to_bytes(2, order) for kind in (RTM_NEWNEXTHOP, RTM_DELNEXTHOP) for order in ("little", "big")}


def is_of_nexthops(data: bytes) -> bool:
    """Whether the first message of a datagram may be about a nexthop object."""
    return data[4:6] in TYPES


class _Waiting(NamedTuple):
    """A change, at a frame, that some lanes ``received``; ``waits``: whether it has to wait."""

    change: NexthopChange
    frame: int
    received: tuple[bool, ...]
    waits: Callable[[], bool] | None


class NexthopAnnouncements:
    """What was announced of nexthop objects, for the states of two lanes."""

    def __init__(self, states: States, lanes: Sequence[Lane], byteorder: Literal["little", "big"]) -> None:
        self._states = states
        self._lanes = lanes
        self._order = byteorder
        self._reading = MessageReader(byteorder)
        self._changes = NexthopChanges()
        self._waiting = deque[_Waiting]()

    def note(self, datagram: Datagram, sides: Sequence[Side], waits: Callable[[], bool] | None = None) -> None:
        """Apply to the states what a notification says, unless it ``waits``, and what waited for it."""
        if datagram.protocol == NETLINK_ROUTE and datagram.nsid is None and is_of_nexthops(datagram.data):
            received = tuple(not side.missed for side in sides)
            for kind, message in split_messages(datagram.data, self._order):
                if kind in (RTM_NEWNEXTHOP, RTM_DELNEXTHOP):
                    nexthop = self._reading.nexthop(kind, message)
                    change = None if nexthop is None else self._changes.of(nexthop)
                    if change is not None:
                        self._waiting.append(_Waiting(change, datagram.frame, received, waits))
        if self._waiting:
            self.apply()

    def apply(self, *, end: bool = False) -> None:
        """Apply to the states what waits no longer; at the ``end``, all."""
        while self._waiting and (end or self._is_next(self._waiting[0])):
            one = self._waiting.popleft()
            followed = self._states.follow(one.change, one.frame, one.received)
            for lane, folded in zip(self._lanes, followed, strict=True):
                lane.ledger.gone(folded.gone)

    def _is_next(self, one: _Waiting) -> bool:
        """Whether all that was announced before is in the states, or too much waits for that."""
        return one.waits is None or not one.waits() or len(self._waiting) > CHANGES_KEPT
