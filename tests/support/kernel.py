"""A kernel for tests: objects, families and sockets in memory, so that loss, dumps and time are the test's to decide.

It stands where ``KernelFactory`` does. Every message is built by ``nlmon.testing.messages``. What a test scripts:

- ``say``, ``new``, ``gone`` notify; with ``lost=True`` the object changes and nobody hears of it;
- ``overrun`` and ``fail`` let the next recv() raise, in its turn;
- ``fates``: how the next dumps end, one word each, see ``Fate``;
- ``during`` runs once in dump number ``during_dump`` (from 1), behind its first object, or before the kernel lists
  when ``during_first``;
- ``clock`` is the time in nanoseconds.

What it counts: ``requests`` as (type, family), ``names_asked``, ``opened`` transports.
"""

from __future__ import annotations

import errno
import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from typing import Any, Literal

from nlmon.errors import Overrun, TransportError
from nlmon.testing.messages import attr, message, number
from nlmon.transport.base import TransportStatus
from nlmon.wire import Datagram

__all__ = ["GENERIC", "ROUTE", "SECOND", "FakeKernel", "FakeTransport", "addr", "family", "link", "neigh", "route"]

ROUTE, GENERIC = 0, 16
SECOND = 1_000_000_000
DUMP, MULTI, INTERRUPTED = 0x300, 0x2, 0x10
Fate = Literal["complete", "interrupted", "empty", "failed", "unfinished", "broken"]
BRIDGE = 7


def link(
    index: int, name: str, *, up: bool = True, family: int = 0, altnames: Sequence[str] = (), mtu: int = 1500
) -> bytes:
    """``ifinfomsg``, IFLA_IFNAME, IFLA_MTU, IFLA_PROP_LIST."""
    body = number("BxHiII", family, 1, index, int(up), 0) + attr(3, name.encode() + b"\0") + attr(4, number("I", mtu))
    if altnames:
        body += attr(52 | 0x8000, b"".join(attr(53, one.encode() + b"\0") for one in altnames))
    return body


def addr(index: int, text: str, length: int = 24) -> bytes:
    """``ifaddrmsg``, IFA_ADDRESS and for IPv4 IFA_LOCAL."""
    own = ip_address(text)
    local = attr(2, own.packed) if own.version == 4 else b""
    return number("BBBBI", 2 if own.version == 4 else 10, length, 0, 0, index) + attr(1, own.packed) + local


def route(dst: str, index: int, gateway: str | None = None, *, metric: int | None = None) -> bytes:
    """``rtmsg`` of table main, RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY."""
    text, _, length = dst.partition("/")
    to = ip_address(text)
    body = number("BBBBBBBBI", 2 if to.version == 4 else 10, int(length), 0, 0, 254, 3, 0, 1, 0) + attr(1, to.packed)
    if gateway is not None:
        body += attr(5, ip_address(gateway).packed)
    if metric is not None:
        body += attr(6, number("I", metric))
    return body + attr(4, number("i", index))


def neigh(index: int, text: str) -> bytes:
    """``ndmsg`` and NDA_DST."""
    to = ip_address(text)
    return number("BxxxiHBB", 2 if to.version == 4 else 10, index, 2, 0, 1) + attr(1, to.packed)


def family(number_: int, name: str, groups: dict[str, int] | None = None, *, command: int = 1) -> bytes:
    """A message of nlctrl (CTRL_CMD_NEWFAMILY 1, DELFAMILY 2, NEWMCAST_GRP 7, DELMCAST_GRP 8), header included."""
    listed = b"".join(
        attr(place, attr(2, number("I", group)) + attr(1, text.encode() + b"\0"))
        for place, (text, group) in enumerate((groups or {}).items(), 1)
    )
    body = bytes([command, 2, 0, 0]) + attr(2, name.encode() + b"\0") + attr(1, number("H", number_))
    return message(16, body + (attr(7, listed) if listed else b""))


class FakeKernel:
    """One machine; a ``TransportFactory``."""

    byteorder: Literal["little", "big"] = "little"

    def __init__(self) -> None:
        self.objects: dict[tuple[int, Any], bytes] = {}
        self.families: dict[str, bytes] = {}
        self.clock = 1_000 * SECOND
        self.opened: list[FakeTransport] = []
        self.refusals: deque[TransportError] = deque()
        self.no_group: dict[int, int] = {}
        self.fates: deque[Fate] = deque()
        self.during: Callable[[], None] | None = None
        self.during_dump = 1
        self.during_first = False
        self.requests: list[tuple[int, int]] = []
        self.names_asked: list[int] = []
        self.names: dict[int, str] = {}
        self.unheard = 0
        self.frame = 0

    def open(
        self,
        protocol: int,
        groups: Sequence[int],
        *,
        receive_buffer: int | None = None,
        send_buffer: int | None = None,
    ) -> FakeTransport:
        """A transport, or the next of ``refusals``."""
        if self.refusals:
            raise self.refusals.popleft()
        self.opened.append(FakeTransport(self, protocol, groups, receive_buffer, send_buffer))
        return self.opened[-1]

    def sockets(self, protocol: int = ROUTE) -> list[FakeTransport]:
        """The open transports of a protocol."""
        return [one for one in self.opened if one.protocol == protocol and not one.closed]

    def say(self, data: bytes, protocol: int = ROUTE) -> None:
        """A datagram to every open socket of a protocol."""
        self.frame += 1
        for one in self.sockets(protocol):
            one.queue.append(Datagram(self.frame, self.clock, protocol, data))

    def new(self, kind: int, body: bytes, key: Any, *, lost: bool = False, flags: int = 0) -> None:
        """An object appears or changes; ``kind`` is its RTM_NEW* number."""
        self.objects[kind, key] = body
        self._tell(message(kind, body, flags=flags), lost)

    def gone(self, kind: int, key: Any, *, lost: bool = False, silent: bool = False) -> None:
        """An object goes; ``silent``: the kernel says nothing, and no message is lost either."""
        body = self.objects.pop((kind, key))
        if not silent:
            self._tell(message(kind + 1, body), lost)

    def _tell(self, data: bytes, lost: bool) -> None:
        if lost:
            self.unheard += 1
        else:
            self.say(data)

    def overrun(self, protocol: int = ROUTE) -> None:
        """The loss is told, in its turn."""
        self.fail(Overrun("NLM-T010", f"the kernel dropped {self.unheard} messages", drops=self.unheard), protocol)
        self.unheard = 0

    def fail(self, error: TransportError, protocol: int = ROUTE) -> None:
        """The next recv() in turn raises."""
        for one in self.sockets(protocol):
            one.queue.append(error)


class FakeTransport:
    """One socket; see ``nlmon.transport.base.Transport``."""

    def __init__(
        self, kernel: FakeKernel, protocol: int, groups: Sequence[int], receive: int | None, send: int | None
    ) -> None:
        self.protocol = protocol
        self.groups = set(groups)
        self.buffers = (receive, send)
        self.queue: deque[Datagram | TransportError] = deque()
        self.closed = False
        self.closings = 0
        self._kernel = kernel

    def fileno(self) -> int:
        return -1 if self.closed else 99

    def recv(self) -> Datagram | None:
        if self.closed:
            raise TransportError("NLM-T003", "reading the event socket failed", errno=errno.EBADF)
        if not self.queue:
            return None
        item = self.queue.popleft()
        if isinstance(item, TransportError):
            raise item
        return item

    def join(self, group: int) -> None:
        if group in self._kernel.no_group:
            raise TransportError("NLM-T006", f"no group {group}", errno=self._kernel.no_group[group])
        self.groups.add(group)

    def leave(self, group: int) -> None:
        self.groups.discard(group)

    def request(self, data: bytes) -> Iterator[Datagram]:
        kernel = self._kernel
        _, kind, flags, seq, _ = struct.unpack_from("<IHHII", data)
        wanted = data[16]
        assert flags & DUMP == DUMP, "the fake kernel answers dumps alone"
        kernel.requests.append((kind, wanted))
        fate = kernel.fates.popleft() if kernel.fates else "complete"
        if fate == "broken":
            raise TransportError("NLM-T005", "no answer within 10 s", errno=errno.ETIMEDOUT)
        if fate == "failed":
            yield self._answer(message(2, number("i", -errno.EBUSY) + data[:16], seq=seq))
            return
        now = kernel.during is not None and len(kernel.requests) >= kernel.during_dump
        if now and kernel.during_first:
            self._meanwhile()
        mark = MULTI | (INTERRUPTED if fate in {"interrupted", "empty"} else 0)
        found = [] if fate == "empty" else list(self._objects(kind, wanted))
        if fate == "interrupted":
            found = found[:-1]
        for place, (msg_type, body) in enumerate(found):
            yield self._answer(message(msg_type, body, flags=mark, seq=seq))
            if place == 0 and now:
                self._meanwhile()
        if fate != "unfinished":
            yield self._answer(message(3, number("i", 0), flags=mark, seq=seq))

    def _meanwhile(self) -> None:
        during, self._kernel.during = self._kernel.during, None
        if during is not None:
            during()

    def _objects(self, get: int, wanted: int) -> Iterator[tuple[int, bytes]]:
        if self.protocol == GENERIC:
            yield from ((16, one[16:]) for one in self._kernel.families.values())
            return
        for (kind, _), body in list(self._kernel.objects.items()):
            everything = wanted == 0 and not (kind in {16, 28} and body[0] == BRIDGE)
            if kind == get - 2 and (body[0] == wanted or everything):
                yield kind, body

    def _answer(self, data: bytes) -> Datagram:
        return Datagram(0, self._kernel.clock, self.protocol, data)

    def link_name(self, ifindex: int) -> str | None:
        self._kernel.names_asked.append(ifindex)
        return self._kernel.names.get(ifindex)

    def now(self) -> int:
        return self._kernel.clock

    def status(self) -> TransportStatus:
        return TransportStatus(tuple(sorted(self.groups)), self.buffers[0], None, self.buffers[1], None)

    def close(self) -> None:
        self.closed = True
        self.closings += 1
