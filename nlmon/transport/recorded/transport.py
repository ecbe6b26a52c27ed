"""The kernel's part, played from a recording.

A ``ReplayFactory`` stands where the kernel would: it delivers a recorded notification to the sockets that joined
its group, and answers requests from the replies that were recorded.

Rules:
1. A transport delivers what a socket with these groups would have received, no more and no less.
2. Where the bytes leave several groups open, who joined but some of them is not said to hear the message.

Not here: what was recorded (``kernel``), what is answered (``answers``), and telling notifications from replies
(``nlmon.capture.conversation``).
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from nlmon.errors import TransportError
from nlmon.transport.base import TransportStatus
from nlmon.transport.recorded.answers import answers
from nlmon.transport.recorded.faults import Fault, Faults
from nlmon.transport.recorded.groups import groups_of
from nlmon.transport.recorded.kernel import REMEMBERED, Told
from nlmon.wire import Datagram, Datagrams

__all__ = ["REMEMBERED", "ReplayFactory", "ReplayTransport", "one_of_each"]

ROUTE, SOCK_DIAG, GENERIC = 0, 4, 16
INET_DIAG_MSG, INET_DIAG_PROTOCOL, TCP, UDP = 72, 10, 6, 17
NLM_F_REQUEST, NLM_F_DUMP = 0x1, 0x300
IFINFOMSG = 16
HEARD = 1024


class ReplayFactory(Told):
    """Opens transports that are fed with recorded datagrams.

    ``select_all`` delivers whatever is fed, groups or not. ``byteorder`` is that of the recorded machine.
    ``objects`` keeps what is needed to answer dumps of addresses, routes, neighbours and rules.
    """

    def __init__(
        self,
        byteorder: Literal["little", "big"] = "little",
        *,
        select_all: bool = False,
        objects: bool = False,
        faults: tuple[Fault, ...] = (),
    ) -> None:
        super().__init__(byteorder, objects=objects)
        self.faults = Faults(faults)
        # How often a transport was made to fail.
        self.losses = 0
        self._select_all = select_all
        self._open: dict[int, ReplayTransport] = {}

    def open(
        self,
        protocol: int,
        groups: Sequence[int],
        *,
        receive_buffer: int | None = None,
        send_buffer: int | None = None,
    ) -> ReplayTransport:
        """A transport for one protocol; a second one of the same protocol takes its place."""
        transport = ReplayTransport(self, protocol, tuple(groups), receive_buffer, send_buffer)
        self._open[protocol] = transport
        return transport

    def opened(self, protocol: int) -> ReplayTransport | None:
        """The transport of a protocol that is open."""
        return self._open.get(protocol)

    def forget(self, transport: ReplayTransport) -> None:
        """Stop delivering to a transport that was closed."""
        if self._open.get(transport.protocol) is transport:
            del self._open[transport.protocol]

    def feed(self, datagram: Datagram) -> bool:
        """A notification happens: learn from it, deliver it; False when nobody subscribes to it."""
        self.learn(datagram)
        return self.deliver(datagram)

    def deliver(self, datagram: Datagram) -> bool:
        """Deliver a datagram without learning from it; False when nobody subscribes to it."""
        transport = self._open.get(datagram.protocol)
        heard = transport is not None and self._hears(transport, datagram)
        if self.faults.none and transport is not None:
            if heard:
                transport.queue.append(datagram)
            return heard
        lost = self.faults.take(datagram, heard)
        if transport is None:
            return False
        if heard and not lost:
            transport.queue.append(datagram)
        told = self.faults.over()
        if told is not None:
            self.fail(datagram.protocol, told)
        return heard or told is not None

    def hand(self, datagram: Datagram) -> bool:
        """Deliver a datagram that is taken at once, where nothing waits and there are no faults; whether it is heard.
        See ``deliver``."""
        transport = self._open.get(datagram.protocol)
        if transport is None or not self._hears(transport, datagram):
            return False
        transport.took(datagram.frame)
        return True

    def hears_all(self, kinds: Iterable[bytes]) -> bool:
        """Whether messages of NETLINK_ROUTE are heard, one of each kind (``one_of_each``), if there are no faults."""
        transport = self._open.get(ROUTE)
        if transport is None or self._select_all:
            return transport is not None
        return all(self._hears(transport, Datagram(0, 0, ROUTE, data)) for data in kinds)

    def took_all(self, datagrams: Datagrams) -> None:
        """Datagrams were read, and the time is that of the latest."""
        self.time = max(self.time, *datagrams.timestamps)
        transport = self._open.get(datagrams.protocol)
        if transport is not None:
            transport.took(datagrams.frame + len(datagrams) - 1, len(datagrams))

    def end(self) -> int | None:
        """The recording is over, and with it a loss that is going on; the protocol whose recv() will say so."""
        lost = self.faults.over(at_once=True)
        if lost is not None:
            self.fail(ROUTE, lost)
        return None if lost is None else ROUTE

    def fail(self, protocol: int, error: TransportError) -> None:
        """Let the next ``recv`` of a protocol raise ``error``, in its turn among the datagrams."""
        transport = self._open.get(protocol)
        if transport is not None:
            self.losses += 1
            transport.queue.append(error)

    def _hears(self, transport: ReplayTransport, datagram: Datagram) -> bool:
        if self._select_all:
            return True
        data = datagram.data
        if datagram.protocol != ROUTE or len(data) < 17:
            return self._subscribed(transport, datagram)
        # Type and family, by which alone the messages of this protocol are told apart.
        key = data[4], data[5], data[16]
        heard = transport.heard.get(key)
        if heard is None:
            if len(transport.heard) >= HEARD:
                transport.heard.clear()
            heard = transport.heard[key] = self._subscribed(transport, datagram)
        return heard

    def _subscribed(self, transport: ReplayTransport, datagram: Datagram) -> bool:
        groups = self.carried_by(datagram)
        # Where the bytes leave several open, who joined but some of them could miss the message.
        return groups is None or (groups <= transport.groups and bool(groups))

    def carried_by(self, datagram: Datagram) -> frozenset[int] | None:
        """The groups that a notification may have come in; empty: none, None: nobody needs a group for it, or the
        bytes do not tell."""
        data = datagram.data
        if len(data) < 17:
            return None
        _, kind, flags, _, _ = self.header.unpack_from(data)
        if kind < 16:
            return None  # control messages are read by every socket
        groups = self.generic_groups.get(kind) if datagram.protocol == GENERIC else None
        groups = groups or groups_of(datagram.protocol, kind, flags, data[16])
        if datagram.protocol == SOCK_DIAG and groups:
            groups = self._of_protocol(data, groups)
        return groups

    def _of_protocol(self, data: bytes, groups: frozenset[int]) -> frozenset[int]:
        """Of the groups of destroyed sockets (linux/sock_diag.h), TCP's or UDP's, by INET_DIAG_PROTOCOL."""
        told = self.attribute(data, 16 + INET_DIAG_MSG, INET_DIAG_PROTOCOL)
        one = {TCP: min, UDP: max}.get(told[0] if told else 0)
        return groups if one is None else frozenset({one(groups)})

    def waiting(self, protocol: int) -> bool:
        """Whether a transport has something to read."""
        transport = self._open.get(protocol)
        return transport is not None and bool(transport.queue)

    def dump(self, get_type: int, family: int) -> Iterator[Datagram]:
        """The answer to a dump of NETLINK_ROUTE (RTM_GET* type and family) at this point of the recording."""
        transport = self._open.get(ROUTE)
        if transport is not None:
            size = 16 + IFINFOMSG
            request = self.header.pack(size, get_type, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + bytes([family])
            yield from transport.request(request.ljust(size, b"\0"))


def one_of_each(data: Iterable[bytes]) -> list[bytes]:
    """Of messages of NETLINK_ROUTE one of each kind that is heard alike: type and family tell."""
    return list({(one[4], one[5], one[16:17]): one for one in data}.values())


class ReplayTransport:
    """One replayed socket pair; see ``Transport``."""

    def __init__(
        self,
        factory: ReplayFactory,
        protocol: int,
        groups: tuple[int, ...],
        receive_buffer: int | None,
        send_buffer: int | None,
    ) -> None:
        self.protocol = protocol
        self.groups = set(groups)
        # What is heard of NETLINK_ROUTE, by the bytes that tell.
        self.heard: dict[tuple[int, int, int], bool] = {}
        self.queue: deque[Datagram | TransportError] = deque()
        self._factory = factory
        self._buffers = (receive_buffer, send_buffer)
        self._datagrams = 0
        self._frame = 0
        self._closed = False

    def fileno(self) -> int:
        """-1: a recording has nothing to poll."""
        return -1

    def recv(self) -> Datagram | None:
        """The next fed datagram, or None."""
        self._check_open()
        if not self.queue:
            return None
        item = self.queue.popleft()
        if isinstance(item, TransportError):
            raise item
        self.took(item.frame)
        return item

    def took(self, frame: int, datagrams: int = 1) -> None:
        """So many datagrams were read, the last of which has this number."""
        self._datagrams += datagrams
        self._frame = frame

    def join(self, group: int) -> None:
        """Join a group; a recording does not know which ones exist."""
        self.groups.add(group)
        self.heard.clear()

    def leave(self, group: int) -> None:
        """Leave a group."""
        self.groups.discard(group)
        self.heard.clear()

    def request(self, message: bytes) -> Iterator[Datagram]:
        """Answer from what was recorded: links and generic families, one or all. Anything else is refused with
        EOPNOTSUPP, an unknown link with ENODEV, an unknown family with ENOENT, as the kernel does."""
        self._check_open()
        for data in answers(self._factory, self.protocol, message):
            yield Datagram(self._frame, 0, self.protocol, data)
            self._check_open()

    def _check_open(self) -> None:
        if self._closed:
            raise TransportError("NLM-T003", "the socket is closed", errno=errno.EBADF)

    def link_name(self, ifindex: int) -> str | None:
        """Name that the recording gave to an index last."""
        found = self._factory.links.get(ifindex)
        return None if found is None else found[0]

    def now(self) -> int:
        """Time stamp of the last datagram fed, whoever received it."""
        return self._factory.time

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
