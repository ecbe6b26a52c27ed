"""A lane that is fed from a recording: notifications through its sockets, recorded answers past them.

Rules:
1. The implementation gets what its own socket would have received: the notifications of the groups it joined, in
   order. It cannot tell that it is a replay.
2. In bulk is decoded what an implementation declares that it may (``Backend.in_bulk``); where that raises, or gives
   what cannot be assigned to its datagrams, they go one by one, and an error stands at its own frame.

Not here: which datagrams are fed (``feed``), and the recorded kernel (``nlmon.transport.recorded.kernel``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import attrgetter

from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.compare.side import Results, Side
from nlmon.engine.form import check_error, check_event
from nlmon.engine.guarded import BackendMaker, crash_of
from nlmon.engine.lane import Lane
from nlmon.errors import TransportError
from nlmon.events import Decoded, Event, RoutePayload
from nlmon.state.identity import objects_of
from nlmon.state.tables import State
from nlmon.transport.base import Transport
from nlmon.transport.recorded.transport import RecordedFactory, RecordedTransport
from nlmon.uapi import (
    AF_BRIDGE,
    AF_INET,
    AF_INET6,
    AF_UNSPEC,
    GENL_ID_CTRL,
    NETLINK_GENERIC,
    NETLINK_ROUTE,
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_GETNEIGH,
    RTM_GETROUTE,
    RTM_GETRULE,
)
from nlmon.wire import Datagram, Datagrams

__all__ = ["RecordedLane"]

# Type and family of all dumps that together show a namespace's state.
STATE_DUMPS = (
    (RTM_GETLINK, AF_UNSPEC),
    (RTM_GETLINK, AF_BRIDGE),
    (RTM_GETADDR, AF_UNSPEC),
    (RTM_GETNEIGH, AF_UNSPEC),
    (RTM_GETNEIGH, AF_BRIDGE),
    (RTM_GETRULE, AF_UNSPEC),
    (RTM_GETROUTE, AF_INET),
    (RTM_GETROUTE, AF_INET6),
)
FRAME = attrgetter("frame")
# The type of nlctrl's messages, in either byte order.
NLCTRL = {GENL_ID_CTRL.to_bytes(2, order) for order in ("little", "big")}


class RecordedLane(Lane):
    """One implementation in a replay. ``factory`` is what its sockets are opened with."""

    def __init__(self, make: BackendMaker, factory: RecordedFactory, options: BackendOptions | None = None) -> None:
        super().__init__(make, factory, options)
        self.factory = factory
        # Transports whose datagrams may be decoded in bulk, by protocol.
        self._bulk: dict[int, RecordedTransport] = {}
        # What the kernel knew when the implementation last asked, and the protocols that it is to ask.
        self._families = self._links = 0
        self._stale: set[int] = set()

    @property
    def lossy(self) -> bool:
        """Whether this lane's socket was made to lose anything so far; nothing else excuses synthetic events."""
        return self.factory.failures > 0

    @property
    def lost_sockets(self) -> dict[int, int]:
        """Protocols of which it reads nothing any more, since a fault took the socket and it opened no other one, with
        the frame where that was."""
        return self.factory.lost_sockets()

    @property
    def sockets(self) -> Mapping[int, Transport | None]:
        """See ``Lane.sockets``."""
        lost = self.lost_sockets
        return {protocol: self.factory.opened(protocol) for protocol in self.heard.protocols if protocol not in lost}

    def start(self, protocols: Iterable[int]) -> Side:
        """Enable those protocols that this implementation supports."""
        protocols = list(protocols)
        started = super().start(protocols)
        for protocol in protocols if self.factory.faults.none else ():
            transport = self.factory.opened(protocol)
            if transport is not None and self.guarded.in_bulk(protocol, transport):
                self._bulk[protocol] = transport
        return started

    def feed(self, datagrams: Datagrams) -> Results:
        """Hand over notifications of which the recorded kernel has learned already, and return what came of each."""
        if self._stale or self.factory.kernel.families_listed > self._families:
            self._look_again(datagrams)
        transport = self._bulk.get(datagrams.protocol)
        if transport is None or self.guarded.raised or not transport.take(datagrams):
            return self._one_by_one(datagrams)
        found, raised = None, None
        try:
            decoded = self.backend.decode_all(datagrams)
            plain = self.guarded.ours and not (decoded.errors or decoded.unknown or decoded.control)
            # Their number does not show it: one datagram may have given two events, and another none.
            if plain and list(map(FRAME, decoded.events)) == list(datagrams.frames):
                found = Results(self.name, decoded.events, {})
            else:
                found = _results(self.name, datagrams, decoded, ours=self.guarded.ours)
            if found is not None:
                self.backend.count(datagrams.protocol, datagrams.frames[-1], decoded)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            found, raised = None, error
        if found is None:
            transport.give_back(datagrams)
            self.heard.crashed = self.heard.crashed or raised is not None
            return self._one_by_one(datagrams, raised)
        self.counts["events"] += len(decoded.events)
        self.heard.events[datagrams.protocol] += len(decoded.events)
        if decoded.errors:
            self.heard.errors[datagrams.protocol] += len(decoded.errors)
            self._note(decoded.errors)
        return found

    def _one_by_one(self, datagrams: Datagrams, raised: BaseException | None = None) -> Results:
        """Hand over datagrams through the socket of the implementation; ``raised``: by what decoded them in bulk."""
        sides = [self._feed_one(datagram) for datagram in datagrams]
        if raised is not None and not any(side.crash for side in sides):
            # It does not happen again, so its frame is unknown; it is not lost.
            crash, trace = crash_of([raised])
            sides[-1] = structs.replace(sides[-1], crash=crash, trace=trace)
        events = [side.events[0] if side.clean and len(side.events) == 1 else None for side in sides]
        return Results(self.name, events, dict(enumerate(sides)))

    def _feed_one(self, datagram: Datagram) -> Side:
        faults, protocol = self.factory.faults, datagram.protocol
        missed, unread = faults.missed, self.factory.unread
        subscribed = self.factory.deliver(datagram)
        if self.factory.unread > unread:
            self.guarded.raised.append(RuntimeError("process() leaves what waits unread"))
        if subscribed:
            self._read(protocol)
        if self.lossy:
            for other in self.factory.failing():
                self._read(other)
        return self._result(protocol, subscribed=subscribed, missed=faults.missed > missed, lossy=self.lossy)

    def _read(self, protocol: int) -> None:
        """Let the implementation read what waits for it. That a socket failed is an error and no crash; it is read once
        more, and not again unless the implementation replaces it."""
        if self.factory.lost(protocol) and not self.factory.waiting(protocol):
            return
        with self.heard.counting(protocol, self._events, self._errors):
            try:
                self._drain(protocol, lambda: self.factory.waiting(protocol))
            except TransportError as error:
                if self.factory.lost(protocol):
                    self.guarded.call(self._error, error)
                else:
                    self.guarded.raised.append(error)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self.guarded.raised.append(error)

    def read_answer(self, datagram: Datagram) -> Side:
        """Decode a recorded answer, which is no event; the recorded kernel has learned of it already."""
        protocol = datagram.protocol
        self.pass_answer(protocol)
        if self.supports(protocol):
            self._look_again(Datagrams.of(datagram))
            self.guarded.call(self._decode, datagram)
        return self._result(protocol, lossy=self.lossy, answer=True)

    def pass_answer(self, protocol: int) -> None:
        """Take note of a recorded answer without decoding it: the recorded kernel has learned of it already, and may
        have other links than those in a cache. A kernel knew its links before anybody asked; of a notification it is
        not known before it is read."""
        changed = self.factory.kernel.links_changed
        if self.guarded.caches and protocol == NETLINK_ROUTE and changed != self._links:
            self._stale.add(NETLINK_ROUTE)
        self._links = changed

    def end(self) -> Side | None:
        """End the recording: losses that nothing followed are reported now, and recovered from; None: there are none.
        Each is noted by its protocol; the result is of all."""
        sides = []
        for protocol in self.factory.end():
            self._read(protocol)
            sides.append(self._result(protocol, lossy=self.lossy))
        if not sides:
            return None
        events = [event for side in sides for event in side.events]
        errors = [error for side in sides for error in side.errors]
        crash, trace = (
            "; ".join(filter(None, texts)) for texts in zip(*((s.crash, s.trace) for s in sides), strict=True)
        )
        return structs.replace(sides[0], events=events, errors=errors, crash=crash, trace=trace)

    def held_by_kernel(self, reader: Backend) -> State:
        """What the recorded kernel would answer this lane's dumps now, decoded by ``reader``."""
        found = State(notes=False)
        for dump in STATE_DUMPS:
            for datagram in self.factory.dump(*dump):
                for event in reader.decode(datagram).events:
                    check_event(event)
                    if isinstance(event.payload, RoutePayload):
                        for kind, key, value in objects_of(event.payload):
                            found.tables[kind][key] = value
        return found

    def _look_again(self, datagrams: Datagrams) -> None:
        """Let the implementation ask again for families, or fill its caches, before it meets a message of theirs: a
        kernel knew them before anybody asked, and an answer in the recording names them later. Of a socket that is lost
        nothing is asked."""
        if self.lost_sockets:
            return
        families = self.factory.kernel.families_listed
        if families > self._families:
            self._families = families
            self._stale.add(NETLINK_GENERIC)
        if datagrams.protocol in self._stale and datagrams.data[0][4:6] not in NLCTRL:
            self._stale.discard(datagrams.protocol)
            with self.heard.counting(NETLINK_GENERIC, self._events, self._errors):
                self.guarded.call(self.backend.refresh)


def _results(name: str, datagrams: Datagrams, decoded: Decoded, *, ours: bool) -> Results | None:
    """What each of some datagrams gave; None where that is not known. Raises ``TypeError`` where something in it is
    not what an implementation may give, which those that are ``ours`` never give."""
    for event in () if ours else decoded.events:
        check_event(event)
    if not ours and not all(map(_is_plain, decoded.events)):
        for event in decoded.events:
            check_event(event, ours=True)
        return None  # of a class of its own, whose attributes may be anything
    for error in decoded.errors:
        check_error(error)
    if not all(isinstance(kind, int) and isinstance(first, int) for kind, first in decoded.unknown):
        raise TypeError("a message that gives no event is no pair of numbers")
    return _rows(name, datagrams, decoded)


def _is_plain(event: Event) -> bool:
    """Whether an event is of our class, and its head of the types that it has there."""
    head = type(event.offset), type(event.msg_type), type(event.msg_flags), type(event.synthetic)
    return type(event) is Event and head == (int, int, int, bool)


def _rows(name: str, datagrams: Datagrams, decoded: Decoded) -> Results | None:
    """What each of some datagrams gave; None where that is not known."""
    if len(datagrams.data) == 1 and decoded.control and not (decoded.events or decoded.errors or decoded.unknown):
        return Results(name, (None,), {0: Side(name, (), ())})  # an acknowledgement
    parts = {frame: Decoded([], []) for frame in datagrams.frames}
    try:
        for event in decoded.events:
            parts[event.frame].events.append(event)
        for error in decoded.errors:
            parts[error.frame].errors.append(error)
    except (KeyError, AttributeError, TypeError):
        return None
    silent = sum(not (part.events or part.errors) for part in parts.values())
    if decoded.control or silent != len(decoded.unknown) or len(parts) != len(datagrams):
        return None
    rows = parts.values()
    others = {n: Side(name, row.events, row.errors) for n, row in enumerate(rows) if len(row.events) != 1 or row.errors}
    return Results(name, [None if n in others else row.events[0] for n, row in enumerate(rows)], others)
