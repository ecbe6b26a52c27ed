"""Losses: what the socket of each lane lost, what the implementation said of it, and what it did about it.

Rules:
1. Only after a loss that its socket really had may an implementation report what was no message.
2. What one implementation recovered alone is no difference between two states, nor is what a later message does to one
   of them for that reason, until a message or a dump says the same of it to both. A message that gives only a part of
   an object says too little for that.
3. What an implementation said of its losses, and did about them, is kept in the ledger of its lane. What its socket
   really lost in a replay is known to the faults alone, and the judge holds the one against the other.

Not here: losing anything (``nlmon.transport.recorded.faults``), and the rules of comparison (``nlmon.compare.final``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from nlmon.compare.side import Side
from nlmon.errors import Overrun, ResyncIncomplete, TransportError
from nlmon.events import OVERRUN, Event, Payload, RouteInfo
from nlmon.objects.families import FamilyIndex
from nlmon.objects.keys import Key, Subject
from nlmon.report.text import counted
from nlmon.state.dumps import Unannounced
from nlmon.state.identity import shared_subject, split_hops
from nlmon.state.tables import KINDS, Object, State
from nlmon.uapi import AF_INET6, NETLINK_ROUTE

__all__ = ["Ledger", "Touched", "Unsettled"]


class Touched(NamedTuple):
    """Objects that the events of a datagram changed in a state, themselves or by what goes with them: those that a
    message ``announced``, the whole of each, and those that were ``recovered``."""

    announced: set[Object]
    recovered: set[Object]


class Unsettled:
    """The objects that the two states of a comparison need not agree on, since one implementation recovered alone."""

    def __init__(self) -> None:
        self.objects: set[Object] = set()
        self._keys: dict[str, dict[Key, None]] = {kind: {} for kind in KINDS}
        self._by_family = {kind: FamilyIndex.of_kind(kind) for kind in ("addr", "neigh", "rule", "route")}

    def note(self, left: Touched, right: Touched, *, same: bool, apart: set[Object]) -> None:
        """Note what a datagram did to the state of each; ``same``: both received the same. Then what it did to one of
        them alone it did for what was lost or recovered before, as it put ``apart`` what one of them holds and the
        other does not; what else it did to both is settled."""
        if same:
            self.settle(left.announced & right.announced)
            self._unsettle((left.announced ^ right.announced) | apart)
        self.settle(left.recovered & right.recovered)
        self._unsettle(left.recovered ^ right.recovered)

    def listed(self, kind: str, family: int) -> Collection[Key]:
        """The keys of those of a kind that a dump of a family would list."""
        keys = self._keys[kind]
        return self._by_family[kind].listed(family, keys) if kind in self._by_family else keys

    def settle(self, objects: Iterable[Object]) -> None:
        """Both received the same of these."""
        for kind, key in self.objects.intersection(objects):
            del self._keys[kind][key]
            if kind in self._by_family:
                self._by_family[kind].remove(key)
            self.objects.discard((kind, key))

    def _unsettle(self, objects: Iterable[Object]) -> None:
        for kind, key in objects:
            self.objects.add((kind, key))
            self._keys[kind][key] = None
            if kind in self._by_family:
                self._by_family[kind].put(key)


# A resync is at the place of one of the last losses.
PLACES_KEPT = 64


class Ledger:
    """The losses of one lane.

    ``overruns``: losses that the implementation reported, ``sockets``: sockets of which it reported that they failed;
    ``lost_of``: how many messages were lost, by protocol, of those that lost any, 0 where nobody knows; ``synthetic``:
    events by which it recovered; ``incomplete``: losses after which it could not ask for everything again. ``open``: a
    loss of NETLINK_ROUTE was reported whose recovery nobody has looked at yet. If it ``keeps_objects``, ``reported``:
    objects that events reported and that are not gone since; ``vanished``: objects that the state dropped though no
    event said so, which the recorded kernel may hold still. ``places``: time and frame of the losses of NETLINK_ROUTE
    that it reported last; ``delivered``: the objects of events that a consumer was given, whatever recorded dumps say.
    """

    def __init__(self) -> None:
        self.overruns = self.sockets = self.synthetic = self.incomplete = 0
        self.lost_of: dict[int, int] = {}
        self.open = False
        self.reported: set[Object] = set()
        self.vanished: set[Object] = set()
        self.delivered = State(notes=False)
        self.places: deque[tuple[int, int]] = deque(maxlen=PLACES_KEPT)
        self.keeps_objects = False

    @property
    def lost(self) -> int:
        """Messages that were lost, of all protocols."""
        return sum(self.lost_of.values())

    def note_drops(self, protocol: int, drops: int) -> None:
        """Note what the kernel says that it dropped, which the implementation may not have reported yet."""
        if drops:
            self.lost_of[protocol] = max(drops, self.lost_of.get(protocol, 0))

    def settle(self) -> None:
        """Somebody has looked at the recovery from the loss that was reported last."""
        self.open = False

    def note(self, protocol: int, side: Side) -> None:
        """Note what an implementation made of a datagram of a protocol."""
        for error in side.errors:
            if isinstance(error, Overrun):
                self.lost_of[protocol] = self.lost_of.get(protocol, 0) + max(0, error.drops)
            self.incomplete += isinstance(error, ResyncIncomplete)
            if isinstance(error, TransportError) and not isinstance(error, ResyncIncomplete):
                self.open = self.open or protocol == NETLINK_ROUTE
                self.sockets += not isinstance(error, Overrun)
        for event in side.events:
            self.synthetic += event.synthetic is True
            if event.type == OVERRUN:
                if event.protocol == NETLINK_ROUTE:
                    self.places.append((event.timestamp, event.frame))
                self.overruns += 1
                self.lost_of.setdefault(protocol, 0)

    def fold(self, events: Iterable[Event], state: State, *, lossy: bool) -> tuple[Touched, list[Unannounced]]:
        """Fold events of a datagram into the state of the lane: what they touched, and what came to light by those that
        are no recovery. What goes with a synthetic event was recovered, too, and happens to another implementation at
        another time or not at all."""
        touched, found = Touched(set(), set()), list[Unannounced]()
        for event in events:
            subject = shared_subject(event)
            if subject is None:
                state.apply(event)
                continue
            objects, folded = _objects(event.payload, subject), state.fold(event, subject)
            if self.keeps_objects:
                change = self.reported.difference_update if event.msg_type & 3 else self.reported.update
                change(objects)
                self.reported.difference_update(folded.gone)
                self.vanished.difference_update(objects)
            if event.synthetic and lossy:
                self.vanished.update((one.kind, one.key) for one in folded.found if one.change == "gone")
                touched.recovered.update(objects, folded.gone, folded.changed)
            else:
                found += folded.found
                touched.announced.update(() if folded.partial else objects, folded.gone, folded.changed)
        return touched, found

    def beyond(self, state: State) -> int:
        """How many objects are known of beside those that the state of the lane holds."""
        more = (len(self.reported) - state.size, self.delivered.size - state.size)
        return len(self.vanished) + sum(max(0, count) for count in more)

    def correct(self, found: Sequence[Unannounced]) -> None:
        """Note what a dump or the end of a link corrected in the state of the lane."""
        self.reported.difference_update((one.kind, one.key) for one in found)
        if self.keeps_objects:
            self.vanished.update((one.kind, one.key) for one in found if one.change == "gone")

    def gone(self, objects: Iterable[Object]) -> None:
        """Note that objects are gone of which no event said so."""
        self.reported.difference_update(objects)

    def notes(self, name: str) -> list[str]:
        """What a report says of these losses; ``name``: of the implementation."""
        found = []
        if self.lost:
            resync = f"its resync gave {counted(self.synthetic, 'event')}" if self.synthetic else "no resync followed"
            found.append(f"{name} lost {counted(self.lost, 'message')}; {resync}")
        if self.incomplete:
            losses = counted(self.incomplete, "loss", "losses")
            found.append(f"the resync of {name} was incomplete after {losses}")
        return found


def _objects(payload: Payload, subject: Subject) -> list[Object]:
    """The objects that an event about ``subject`` is about."""
    if isinstance(payload, RouteInfo) and payload.family == AF_INET6 and payload.multipath is not None:
        return [("route", key) for key in split_hops(payload)]
    return [subject[:2]]
