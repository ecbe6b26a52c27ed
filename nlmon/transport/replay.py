"""The kernel's part, played from a recording.

A ``ReplayFactory`` stands where the kernel would: it delivers a recorded notification to the sockets that joined
its group, and answers requests from the replies that were recorded, with sequence and port numbers rewritten.

Rules:
1. A transport delivers what a socket with these groups would have received, no more and no less.
2. It knows of a message only what the kernel's side must: the header, the interface index, the interface name
   and a generic family's name and number. This reading is not shared with any implementation.
3. Memory is bounded by ``REMEMBERED`` links and families, whatever a recording holds.

Not here: telling notifications from replies (``nlmon.capture.conversation``).
"""

from __future__ import annotations

import errno
import struct
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Literal

from nlmon.errors import TransportError
from nlmon.events import Datagram
from nlmon.transport.base import TransportStatus
from nlmon.transport.faults import Fault, Faults
from nlmon.transport.groups import groups_of
from nlmon.transport.objects import KINDS, RecordedObjects

__all__ = ["REMEMBERED", "ReplayFactory", "ReplayTransport"]

REMEMBERED = 65536
ROUTE, SOCK_DIAG, GENERIC = 0, 4, 16
INET_DIAG_MSG, INET_DIAG_PROTOCOL, TCP, UDP = 72, 10, 6, 17
NLMSG_ERROR, NLMSG_DONE, NLM_F_REQUEST, NLM_F_MULTI, NLM_F_DUMP = 2, 3, 0x1, 0x2, 0x300
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
GENL_ID_CTRL, CTRL_CMD_NEWFAMILY, CTRL_CMD_DELFAMILY, CTRL_CMD_GETFAMILY = 16, 1, 2, 3
CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME, CTRL_ATTR_MCAST_GROUPS, CTRL_ATTR_MCAST_GRP_ID = 1, 2, 7, 2
IFLA_IFNAME, IFINFOMSG, GENLMSGHDR = 3, 16, 4
PORT_ID = 1 << 22
# Kernels fill dump datagrams to some 16 to 32 KiB; smaller ones keep readers honest about multipart answers.
DUMP_DATAGRAM = 8192


class ReplayFactory:
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
        sign = "<" if byteorder == "little" else ">"
        self.header = struct.Struct(sign + "IHHII")
        self.error = struct.Struct(sign + "IHHIIi")
        self._attr = struct.Struct(sign + "HH")
        self._index = struct.Struct(sign + "i")
        self.byteorder = byteorder
        self._select_all = select_all
        self._objects = RecordedObjects(byteorder, self.attribute) if objects else None
        self.faults = Faults(faults)
        self._open: dict[int, ReplayTransport] = {}
        self.time = 0
        # How often a transport was made to fail.
        self.losses = 0
        self.links: dict[int, tuple[str, bytes]] = {}
        # How often a name was given, changed or taken.
        self.links_changed = 0
        self.families: dict[str, tuple[int, bytes]] = {}
        # Family number -> its multicast groups. Which of them carries which command, nlctrl does not tell.
        self.generic_groups: dict[int, frozenset[int]] = {GENL_ID_CTRL: frozenset({GENL_ID_CTRL})}

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
        heard = transport is not None and (self._select_all or self._subscribed(transport, datagram))
        lost = self.faults.take(datagram, heard)
        if transport is None:
            return False
        if heard and not lost:
            transport.queue.append(datagram)
        told = self.faults.over()
        if told is not None:
            self.fail(datagram.protocol, told)
        return heard or told is not None

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

    def _subscribed(self, transport: ReplayTransport, datagram: Datagram) -> bool:
        data = datagram.data
        if len(data) < 17:
            return True
        _, kind, flags, *_ = self.header.unpack_from(data)
        if kind < 16:
            return True  # control messages are read by every socket; nobody joins a group for them
        groups = self.generic_groups.get(kind) if datagram.protocol == GENERIC else None
        groups = groups or groups_of(datagram.protocol, kind, flags, data[16])
        if datagram.protocol == SOCK_DIAG and groups:
            groups = self._of_protocol(data, groups)
        # Where the bytes leave several open, who joined but some of them could miss the message.
        return groups is None or (groups <= transport.groups and bool(groups))

    def _of_protocol(self, data: bytes, groups: frozenset[int]) -> frozenset[int]:
        """Of the groups of destroyed sockets (linux/sock_diag.h), TCP's or UDP's, by INET_DIAG_PROTOCOL."""
        told = self.attribute(data, 16 + INET_DIAG_MSG, INET_DIAG_PROTOCOL)
        one = {TCP: min, UDP: max}.get(told[0] if told else 0)
        return groups if one is None else frozenset({one(groups)})

    def waiting(self, protocol: int) -> bool:
        """Whether a transport has something to read."""
        transport = self._open.get(protocol)
        return transport is not None and bool(transport.queue)

    def objects_of(self, get_type: int, request: bytes) -> list[bytes] | None:
        """What a dump request asks for, None when objects are not kept or the type is of another kind."""
        if self._objects is None or get_type & ~3 not in KINDS or get_type & 3 != 2:
            return None
        return list(self._objects.of(get_type & ~3, request[16] if len(request) > 16 else 0))

    def dump(self, get_type: int, family: int) -> Iterator[Datagram]:
        """The answer to a dump of NETLINK_ROUTE (RTM_GET* type and family) at this point of the recording."""
        transport = self._open.get(ROUTE)
        if transport is not None:
            size = 16 + IFINFOMSG
            request = self.header.pack(size, get_type, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + bytes([family])
            yield from transport.request(request.ljust(size, b"\0"))

    def family_names(self, number: int) -> list[str]:
        """Names that the recording gave to a generic family and did not take back."""
        return [name for name, (family, _) in self.families.items() if family == number]

    def sweep(self, get_type: int, family: int, since: int) -> None:
        """A recorded dump was complete; see ``RecordedObjects.sweep``."""
        if self._objects is not None:
            self._objects.sweep(get_type - 2, family, since)

    def learn(self, datagram: Datagram) -> None:
        """Remember links and families that a recorded message describes."""
        data = datagram.data
        self.time = max(self.time, datagram.timestamp)
        if datagram.protocol == ROUTE:
            for kind, message in self._messages(data):
                if self._objects is not None:
                    self._objects.learn(kind, message, datagram.frame)
                if kind in {RTM_NEWLINK, RTM_DELLINK} and len(message) >= 32 and message[16] == 0:
                    self._learn_link(kind, message)
        elif datagram.protocol == GENERIC:
            for kind, message in self._messages(data):
                if kind == GENL_ID_CTRL and len(message) >= 20:
                    self._learn_family(message)

    def _learn_link(self, kind: int, message: bytes) -> None:
        (index,) = self._index.unpack_from(message, 20)
        if kind == RTM_DELLINK:
            self.links_changed += self.links.pop(index, None) is not None
            return
        name = self.attribute(message, 16 + IFINFOMSG, IFLA_IFNAME)
        if name is not None and (index in self.links or len(self.links) < REMEMBERED):
            text = _text(name)
            self.links_changed += self.links.get(index, ("", b""))[0] != text
            self.links[index] = (text, message)

    def _learn_family(self, message: bytes) -> None:
        name = self.attribute(message, 16 + GENLMSGHDR, CTRL_ATTR_FAMILY_NAME)
        number = self.attribute(message, 16 + GENLMSGHDR, CTRL_ATTR_FAMILY_ID)
        if name is None:
            return
        text = _text(name)
        if message[16] == CTRL_CMD_DELFAMILY:
            gone = self.families.pop(text, None)
            if gone is not None:
                self.generic_groups.pop(gone[0], None)
        elif message[16] == CTRL_CMD_NEWFAMILY and number is not None and len(self.families) < REMEMBERED:
            family = int.from_bytes(number[:2], self.byteorder)
            self.families[text] = (family, message)
            if family != GENL_ID_CTRL:
                self.generic_groups[family] = frozenset(self._groups(message))

    def _groups(self, message: bytes) -> Iterator[int]:
        """Numbers of the multicast groups that a family message lists."""
        listed = self.attribute(message, 16 + GENLMSGHDR, CTRL_ATTR_MCAST_GROUPS) or b""
        at = 0
        while at + 4 <= len(listed):
            length, _ = self._attr.unpack_from(listed, at)
            if length < 4:
                return
            number = self.attribute(listed[: at + length], at + 4, CTRL_ATTR_MCAST_GRP_ID)
            if number is not None:
                yield int.from_bytes(number[:4], self.byteorder)
            at += (length + 3) & ~3

    def _messages(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        at = 0
        while at + 16 <= len(data):
            length, kind, *_ = self.header.unpack_from(data, at)
            if length < 16 or at + length > len(data):
                return
            yield kind, data[at : at + length]
            at += (length + 3) & ~3

    def attribute(self, message: bytes, at: int, number: int) -> bytes | None:
        """Payload of the first attribute with this number, from offset ``at`` of a message."""
        while at + 4 <= len(message):
            length, kind = self._attr.unpack_from(message, at)
            if length < 4 or at + length > len(message):
                return None
            if kind & 0x3FFF == number:
                return message[at + 4 : at + length]
            at += (length + 3) & ~3
        return None


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
        self._datagrams += 1
        self._frame = item.frame
        return item

    def join(self, group: int) -> None:
        """Join a group; a recording does not know which ones exist."""
        self.groups.add(group)

    def leave(self, group: int) -> None:
        """Leave a group."""
        self.groups.discard(group)

    def request(self, message: bytes) -> Iterator[Datagram]:
        """Answer from what was recorded: links and generic families, one or all. Anything else is refused with
        EOPNOTSUPP, an unknown link with ENODEV, an unknown family with ENOENT, as the kernel does."""
        self._check_open()
        for answer in self._replies(message):
            yield answer
            self._check_open()

    def _check_open(self) -> None:
        if self._closed:
            raise TransportError("NLM-T003", "the socket is closed", errno=errno.EBADF)

    def _replies(self, message: bytes) -> Iterator[Datagram]:
        header = self._factory.header
        if len(message) < 16:
            return
        _, kind, flags, seq, _ = header.unpack_from(message)
        objects = self._factory.objects_of(kind, message) if self.protocol == ROUTE else None
        if objects is not None and flags & NLM_F_DUMP == NLM_F_DUMP:
            yield from self._multipart(objects, seq, kind - 2)
            return
        if self.protocol == ROUTE and kind == RTM_GETLINK:
            every = [one for _, one in self._factory.links.values()]
            found = every if flags & NLM_F_DUMP == NLM_F_DUMP else self._one_link(message)
            missing = errno.ENODEV
        elif self.protocol == GENERIC and kind == GENL_ID_CTRL and message[16:17] == bytes([CTRL_CMD_GETFAMILY]):
            every = [one for _, one in self._factory.families.values()]
            found = every if flags & NLM_F_DUMP == NLM_F_DUMP else self._one_family(message)
            missing = errno.ENOENT
        else:
            yield self._refuse(message, seq, errno.EOPNOTSUPP)
            return
        if flags & NLM_F_DUMP == NLM_F_DUMP:
            yield from self._multipart(found, seq, RTM_NEWLINK if self.protocol == ROUTE else GENL_ID_CTRL)
        elif found:
            yield self._answer(self._rewrite(found[0], seq, 0, RTM_NEWLINK if self.protocol == ROUTE else kind))
        else:
            yield self._refuse(message, seq, missing)

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

    def _one_link(self, message: bytes) -> list[bytes]:
        index = struct.unpack_from(self._factory.header.format[0] + "i", message.ljust(32, b"\0"), 20)[0]
        name = self._factory.attribute(message, 32, IFLA_IFNAME)
        for number, (text, found) in self._factory.links.items():
            if number == index or (name is not None and text == _text(name)):
                return [found]
        return []

    def _one_family(self, message: bytes) -> list[bytes]:
        name = self._factory.attribute(message, 20, CTRL_ATTR_FAMILY_NAME)
        number = self._factory.attribute(message, 20, CTRL_ATTR_FAMILY_ID)
        for text, (family, found) in self._factory.families.items():
            wanted = number is not None and int.from_bytes(number[:2], self._factory.byteorder) == family
            if wanted or (name is not None and text == _text(name)):
                return [found]
        return []

    def _multipart(self, found: list[bytes], seq: int, kind: int) -> Iterator[Datagram]:
        part = b""
        for number, message in enumerate(found):
            one = self._rewrite(message, seq, NLM_F_MULTI, kind)
            # At least two datagrams for two messages: a reader that stops after the first must not pass.
            if part and (len(part) + len(one) > DUMP_DATAGRAM or number == len(found) - 1):
                yield self._answer(part)
                part = b""
            part += one
        done = self._factory.error.pack(20, NLMSG_DONE, NLM_F_MULTI, seq, PORT_ID, 0)
        if part:
            yield self._answer(part)
        yield self._answer(done)

    def _rewrite(self, message: bytes, seq: int, flags: int, kind: int) -> bytes:
        length, *_ = self._factory.header.unpack_from(message)
        head = self._factory.header.pack(length, kind, flags, seq, PORT_ID)
        return head + message[16:] + bytes(-length % 4)

    def _refuse(self, message: bytes, seq: int, number: int) -> Datagram:
        return self._answer(self._factory.error.pack(36, NLMSG_ERROR, 0, seq, PORT_ID, -number) + message[:16])

    def _answer(self, data: bytes) -> Datagram:
        return Datagram(self._frame, 0, self.protocol, data)


def _text(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
