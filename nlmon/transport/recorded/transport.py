"""Sockets of a recorded kernel: each receives the recorded datagrams of the multicast groups that it joined.

A ``RecordedFactory`` stands where the running kernel would: it has the recorded kernel, which knows what to answer, and
hands datagrams to the transports that were opened with it.

Rules:
1. A transport receives what a socket with these groups would have received, no more and no less.
2. Where the bytes leave several groups open, who joined but some of them is not assumed to receive the message.

Not here: what was recorded (``kernel``), what is answered (``answers``), and which datagram of a recording is a
notification (``nlmon.capture.conversation``).
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter

from nlmon.errors import TransportError
from nlmon.transport.base import TransportStatus
from nlmon.transport.recorded.answers import answers
from nlmon.transport.recorded.faults import Fault, Faults, namespace_gone, overrun, socket_lost
from nlmon.transport.recorded.groups import carried_by
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.uapi import (
    IFINFOMSG,
    NETLINK_ROUTE,
    NLM_F_DUMP,
    NLM_F_REQUEST,
    NLMSG_HDRLEN,
)
from nlmon.wire import Datagram, Datagrams

__all__ = ["RecordedFactory", "RecordedTransport"]

# Datagrams that wait to be read, and their bytes; for more of them the oldest are dropped.
UNREAD_KEPT, UNREAD_BYTES = 16_384, 16 << 20
# So many kinds of messages are remembered with whether a transport receives them.
KINDS_KEPT = 1024
# What of a message says what it is, from its type to the family behind its header.
HEAD = itemgetter(slice(4, NLMSG_HDRLEN + 1))


class RecordedFactory:
    """Opens transports that receive recorded datagrams.

    ``kernel`` answers requests and knows names; several factories may share one. ``select_all`` delivers whatever is
    fed, groups or not. ``failures`` counts how often a transport was made to fail; ``gone``: the namespace is, and
    nothing can be opened or asked any more; ``unread`` counts datagrams that were dropped as nobody read them.
    """

    def __init__(
        self, kernel: RecordedKernel | None = None, *, select_all: bool = False, faults: tuple[Fault, ...] = ()
    ) -> None:
        self.kernel = kernel or RecordedKernel()
        self.byteorder = self.kernel.byteorder
        self.faults = Faults(faults)
        self.failures = self.unread = 0
        self.gone = False
        self._select_all = select_all
        self._open: dict[int, RecordedTransport] = {}

    def open(
        self,
        protocol: int,
        groups: Sequence[int],
        *,
        receive_buffer: int | None = None,
        send_buffer: int | None = None,
    ) -> RecordedTransport:
        """A transport for one protocol; a second one of the same protocol replaces it. Raises ``TransportError`` when
        the namespace is gone."""
        if self.gone:
            raise namespace_gone()
        transport = RecordedTransport(self, protocol, tuple(groups), receive_buffer, send_buffer)
        self._open[protocol] = transport
        return transport

    def opened(self, protocol: int) -> RecordedTransport | None:
        """The transport of a protocol that is open."""
        return self._open.get(protocol)

    def forget(self, transport: RecordedTransport) -> None:
        """Stop delivering to a transport that was closed. What a lost one would have received is missed until another
        one replaces it."""
        if self._open.get(transport.protocol) is transport and not transport.lost:
            del self._open[transport.protocol]

    def deliver(self, datagram: Datagram) -> bool:
        """Queue a datagram for the transport of its protocol; False when that does not subscribe to it. What a fault
        makes transports say besides is in ``failing``."""
        protocol, faults = datagram.protocol, self.faults
        transport = self._open.get(protocol)
        received = transport is not None and self.receives(transport, datagram)
        fault = None if faults.none else faults.next(datagram)
        taken = fault is not None and self._suffer(fault, datagram, received)
        loss = faults.over(protocol) if taken else None
        if transport is None:
            return False
        if received and (taken or transport.lost):
            faults.missed += 1
        elif received:
            self.unread += transport.put(datagram)
        self._report(protocol, loss)
        return received

    def _suffer(self, fault: Fault, datagram: Datagram, received: bool) -> bool:
        """Let a fault happen at a notification; whether that is lost by an overrun."""
        if fault.kind == "overrun":
            self.faults.count(fault, received and not self.lost(datagram.protocol))
            return True
        opened = list(self._open) if fault.kind == "vanished_namespace" else [datagram.protocol]
        sockets = [one for one in opened if one in self._open and not self._open[one].lost]
        self.gone = self.gone or fault.kind == "vanished_namespace"
        self.faults.happened(fault, len(sockets))
        for one in sockets:
            if fault.kind == "enobufs":
                self.fail(one, overrun(0))
            else:
                self._report(one, self.faults.over(one, at_once=True))
                self.fail(one, socket_lost())
                self._open[one].lost = datagram.frame
        return False

    def _report(self, protocol: int, error: TransportError | None) -> None:
        if error is not None:
            self.fail(protocol, error)

    def end(self) -> list[int]:
        """End the recording, and with it losses that are going on; the protocols whose recv() will say so."""
        for protocol in list(self._open):
            self._report(protocol, self.faults.over(protocol, at_once=True))
        return self.failing()

    def failing(self) -> list[int]:
        """The protocols whose transport has something to say that is not read yet."""
        return [protocol for protocol, transport in self._open.items() if transport.queue]

    def fail(self, protocol: int, error: TransportError) -> None:
        """Let the next ``recv`` of a protocol raise ``error``, in its turn among the datagrams."""
        transport = self._open.get(protocol)
        if transport is not None:
            self.failures += 1
            transport.queue.append(error)

    def receives(self, transport: RecordedTransport, datagram: Datagram) -> bool:
        """Whether a datagram reaches a transport, by the groups that it joined."""
        if self._select_all:
            return True
        data = datagram.data
        if datagram.protocol != NETLINK_ROUTE or len(data) <= NLMSG_HDRLEN:
            return self._subscribed(transport, datagram)
        # Type and family, which say of a message of this protocol in which group it comes.
        key = data[4:6] + data[16:17]
        received = transport.receives.get(key)
        if received is None:
            if len(transport.receives) >= KINDS_KEPT:
                transport.receives.clear()
            received = transport.receives[key] = self._subscribed(transport, datagram)
        return received

    def _subscribed(self, transport: RecordedTransport, datagram: Datagram) -> bool:
        groups = carried_by(datagram, self.kernel)
        # Where the bytes leave several open, who joined but some of them could miss the message.
        return groups is None or (groups <= transport.groups and bool(groups))

    def lost(self, protocol: int) -> bool:
        """Whether the transport of a protocol failed and no other one replaced it."""
        transport = self._open.get(protocol)
        return transport is not None and transport.lost > 0

    def lost_sockets(self) -> dict[int, int]:
        """The frames where transports failed that no other one replaced, by protocol."""
        return {protocol: transport.lost for protocol, transport in self._open.items() if transport.lost}

    def waiting(self, protocol: int) -> int:
        """How many datagrams and errors a transport has to read."""
        transport = self._open.get(protocol)
        return 0 if transport is None else len(transport.queue)

    def dump(self, get_type: int, family: int) -> Iterator[Datagram]:
        """The answer to a dump of NETLINK_ROUTE (RTM_GET* type and family) at this point of the recording."""
        transport = self._open.get(NETLINK_ROUTE)
        if transport is not None:
            size = NLMSG_HDRLEN + IFINFOMSG
            request = self.kernel.header.pack(size, get_type, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + bytes([family])
            yield from transport.request(request.ljust(size, b"\0"))


class RecordedTransport:
    """One socket pair of a recorded kernel; see ``Transport``. ``receives`` remembers which messages of NETLINK_ROUTE
    come in one of the ``groups``, by type and family; ``lost``: the frame where the socket failed and since
    when it gives nothing, 0 if it did not; ``link_name``: the name that the recording gave to an index last."""

    def __init__(
        self,
        factory: RecordedFactory,
        protocol: int,
        groups: tuple[int, ...],
        receive_buffer: int | None,
        send_buffer: int | None,
    ) -> None:
        self.protocol = protocol
        self.groups = set(groups)
        self.receives: dict[bytes, bool] = {}
        self.queue: deque[Datagram | TransportError] = deque()
        self.lost = 0
        # Asked for nearly every message, so it is the table itself that answers.
        self.link_name: Callable[[int], str | None] = factory.kernel.names.get
        self._factory = factory
        self._buffers = (receive_buffer, send_buffer)
        self._waiting = 0
        self._datagrams = 0
        self._frame = 0
        self._closed = False

    def fileno(self) -> int:
        """-1: a recording has nothing to poll."""
        return -1

    def put(self, datagram: Datagram) -> int:
        """Let a datagram wait to be read; how many are dropped for it."""
        self.queue.append(datagram)
        self._waiting += len(datagram.data)
        dropped = 0
        while len(self.queue) > UNREAD_KEPT or self._waiting > UNREAD_BYTES:
            self._take()
            dropped += 1
        return dropped

    def _take(self) -> Datagram | TransportError:
        item = self.queue.popleft()
        if isinstance(item, Datagram):
            self._waiting -= len(item.data)
        return item

    def recv(self) -> Datagram | None:
        """The next fed datagram, or None."""
        if self._closed:
            self._check_open()
        if not self.queue:
            if self.lost:
                raise socket_lost()
            return None
        item = self._take()
        if isinstance(item, TransportError):
            raise item
        self._datagrams += 1
        self._frame = item.frame
        return item

    def take(self, datagrams: Datagrams) -> bool:
        """Read some datagrams of this protocol at once, if every one comes in one of the groups; whether that is so."""
        known: Mapping[bytes, bool] = {}
        different: Iterable[bytes] = datagrams.data
        if self.protocol == NETLINK_ROUTE:
            # Type and family name the group; most datagrams of a segment have the same.
            known, different = self.receives, dict(zip(map(HEAD, datagrams.data), datagrams.data, strict=True)).values()
        for data in different:
            received = known.get(data[4:6] + data[16:17]) if len(data) > NLMSG_HDRLEN else None
            if received is None:
                received = self._factory.receives(self, Datagram(0, 0, self.protocol, data))
            if not received:
                return False
        self._datagrams += len(datagrams.data)
        self._frame = datagrams.frames[-1]
        return True

    def give_back(self, datagrams: Datagrams) -> None:
        """Count datagrams that were taken as not read: they come by ``recv``, one by one."""
        self._datagrams -= len(datagrams.data)

    def join(self, group: int) -> None:
        """Join a group; a recording does not know which ones exist."""
        self.groups.add(group)
        self.receives.clear()

    def leave(self, group: int) -> None:
        """Leave a group."""
        self.groups.discard(group)
        self.receives.clear()

    def request(self, message: bytes) -> Iterator[Datagram]:
        """Answer from what was recorded: links and generic families, one or all. Anything else is refused with
        EOPNOTSUPP, an unknown link with ENODEV, an unknown family with ENOENT, as the kernel does."""
        self._check_open()
        for data in answers(self._factory.kernel, self.protocol, message):
            yield Datagram(self._frame, 0, self.protocol, data)
            self._check_open()

    def _check_open(self) -> None:
        if self._closed or self._factory.gone:
            raise TransportError("NLM-T003", "the socket is closed", errno=errno.EBADF)

    def now(self) -> int:
        """Time stamp of the last datagram fed, whoever received it."""
        return self._factory.kernel.time

    def status(self) -> TransportStatus:
        """What was asked for; a recording has no buffers."""
        return TransportStatus(
            tuple(sorted(self.groups)), self._buffers[0], None, self._buffers[1], None, self._datagrams
        )

    def close(self) -> None:
        """Drop what waits."""
        self._closed = True
        self.queue.clear()
        self._factory.forget(self)
