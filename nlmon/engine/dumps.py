"""Recorded dumps, collected datagram by datagram and held against the states when they are complete.

Not here: what a dump does to a state (``nlmon.state.dumps``).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from msgspec import Struct

from nlmon.capture.segment import DumpScope, Place
from nlmon.compare.side import Side
from nlmon.engine.states import Checked, Loads, States
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.uapi import AF_PACKET, AF_UNSPEC, RTM_GETADDR, RTM_GETLINK, RTM_GETNEIGH, RTM_GETROUTE, RTM_GETRULE
from nlmon.wire import Datagram

__all__ = ["RecordedDumps"]

# So many dumps may be under way; the oldest is given up for one more.
OPEN_DUMPS = 64
# The kernel answers a link dump of AF_PACKET, for which it has no handler, like one of AF_UNSPEC.
LINK_DUMP_FAMILIES = {AF_UNSPEC, AF_PACKET}
DUMPS_WITH_STATE = {RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETNEIGH, RTM_GETRULE}


class _Open(Struct):
    loads: Loads
    first: int
    interrupted: bool = False


class RecordedDumps:
    """The dumps of a recording that are under way; ``interrupted``: how many proved nothing."""

    def __init__(self, states: States, kernel: RecordedKernel) -> None:
        self.interrupted = 0
        self._states = states
        self._kernel = kernel
        self._open: OrderedDict[tuple[int, int, int], _Open] = OrderedDict()

    def add(self, datagram: Datagram, place: Place, sides: Sequence[Side], *, sound: bool) -> Checked | None:
        """Take in a datagram of a dump, with what each lane made of it, which is ``sound`` if a state can hold it. When
        the dump is complete and was held against the states: what that did, else None."""
        scope = place.scope
        if scope is None or place.dump_id is None or not _shows_state(scope):
            return None
        dump = self._open.get(place.dump_id)
        if dump is None:
            loads = self._states.begin_dump(scope.get_type, scope.family)
            dump = self._open[place.dump_id] = _Open(loads, datagram.frame)
            if len(self._open) > OPEN_DUMPS:
                self._states.abandon_dump(self._open.popitem(last=False)[1].loads)
        # What was truncated, damaged or not decoded proves nothing about what is absent.
        lost = datagram.truncated or not sound or any(side.crash or side.damaged for side in sides)
        dump.interrupted = dump.interrupted or place.interrupted or bool(lost)
        for side, load in zip(sides, dump.loads, strict=True):
            if sound:
                load.add(event.payload for event in side.events if isinstance(event.payload, self._states.folded))
        if not place.ends:
            return None
        del self._open[place.dump_id]
        if dump.interrupted:
            self.interrupted += 1
            self._states.abandon_dump(dump.loads)
            return None
        checked = self._states.end_dump(dump.loads, datagram.frame)
        self._kernel.sweep(dump.loads[0].msg_type, dump.loads[0].family, dump.first)
        return checked

    def abandon_all(self) -> None:
        """The recording is over: what is under way proves nothing."""
        for dump in self._open.values():
            self._states.abandon_dump(dump.loads)
        self._open.clear()


def _shows_state(scope: DumpScope) -> bool:
    """Whether an answer lists all objects of a kind. A link dump of one family is bridge ports, or that family's
    view."""
    if not scope.whole or scope.get_type not in DUMPS_WITH_STATE:
        return False
    return scope.get_type != RTM_GETLINK or scope.family in LINK_DUMP_FAMILIES
