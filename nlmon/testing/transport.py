"""A kernel in memory and its sockets, so that loss, dumps and time are for the test to decide.

``FakeKernel`` stands where ``KernelFactory`` does (``nlmon.transport.base.TransportFactory``):

    kernel = FakeKernel()
    backend = create("libnl", kernel, BackendOptions(resync=True))
    backend.enable(ROUTE)
    kernel.new(16, link(3, "lan0"), 3, lost=True)  # RTM_NEWLINK, which nobody receives
    kernel.overrun()
    while backend.process(ROUTE): ...              # reports the overrun, dumps, delivers what was lost

What a test scripts:

- ``notify``, ``new``, ``delete`` send; with ``lost=True`` the object changes and nobody receives the message;
- ``overrun`` and ``fail`` let the next ``recv`` raise, in its turn; ``open_errors`` and ``group_errors`` refuse;
- ``outcomes``: how the next dumps end, one word each, see ``Outcome``;
- ``during`` runs once in dump number ``during_dump`` (from 1), behind its first object, or before the kernel lists
  when ``during_first``;
- ``clock`` is the time in nanoseconds.

What it counts: ``requests`` as (type, family), ``names_asked``, ``opened`` transports, ``dropped`` messages.

``Opened`` stands around any factory and remembers its transports, whose methods a test may replace.

Not here: messages and their bodies (``nlmon.testing.messages``), and the kernel of a recording
(``nlmon.transport.recorded``).
"""

from __future__ import annotations

import errno
import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, TypeAlias

from nlmon import uapi
from nlmon.errors import Overrun, TransportError
from nlmon.testing.messages import message, number
from nlmon.transport.base import TransportFactory, TransportStatus
from nlmon.wire import Datagram

__all__ = ["GENERIC", "ROUTE", "SECOND", "FakeKernel", "FakeTransport", "Opened", "Outcome"]

ROUTE, GENERIC = uapi.NETLINK_ROUTE, uapi.NETLINK_GENERIC
SECOND = 1_000_000_000
# Whole; marked as interrupted, without its last object; marked as interrupted, without any object; refused; without
# NLMSG_DONE; not answered.
Outcome: TypeAlias = Literal["complete", "interrupted", "empty", "failed", "unfinished", "broken"]


class FakeKernel:
    """One machine; a ``TransportFactory``."""

    byteorder: Literal["little", "big"] = "little"

    def __init__(self) -> None:
        self.objects: dict[tuple[int, Any], bytes] = {}
        self.families: dict[str, bytes] = {}
        self.clock = 1_000 * SECOND
        self.opened: list[FakeTransport] = []
        self.open_errors: deque[TransportError] = deque()
        self.group_errors: dict[int, int] = {}
        self.outcomes: deque[Outcome] = deque()
        self.during: Callable[[], None] | None = None
        self.during_dump = 1
        self.during_first = False
        self.requests: list[tuple[int, int]] = []
        self.names_asked: list[int] = []
        self.names: dict[int, str] = {}
        self.dropped = 0
        self.frame = 0

    def open(
        self,
        protocol: int,
        groups: Sequence[int],
        *,
        receive_buffer: int | None = None,
        send_buffer: int | None = None,
    ) -> FakeTransport:
        """A transport, or the next of ``open_errors``."""
        if self.open_errors:
            raise self.open_errors.popleft()
        self.opened.append(self.transport(protocol, groups, receive_buffer, send_buffer))
        return self.opened[-1]

    def transport(self, protocol: int, groups: Sequence[int], receive: int | None, send: int | None) -> FakeTransport:
        """A transport of this kernel, which a test may replace by one of its own."""
        return FakeTransport(self, protocol, groups, receive, send)

    def groups(self, protocol: int = ROUTE) -> set[int]:
        """Multicast groups that the open sockets of a protocol have joined."""
        return {group for one in self.sockets(protocol) for group in one.groups}

    def sockets(self, protocol: int = ROUTE) -> list[FakeTransport]:
        """The open transports of a protocol."""
        return [one for one in self.opened if one.protocol == protocol and not one.closed]

    def notify(self, data: bytes, protocol: int = ROUTE, *, lost: bool = False) -> None:
        """Send a datagram to every open socket of a protocol, or drop it."""
        if lost:
            self.dropped += 1
            return
        self.frame += 1
        for one in self.sockets(protocol):
            one.queue.append(Datagram(self.frame, self.clock, protocol, data))

    def new(self, kind: int, body: bytes, key: Any, *, lost: bool = False, flags: int = 0) -> None:
        """An object appears or changes; ``kind`` is its RTM_NEW* number."""
        self.objects[kind, key] = body
        self.notify(message(kind, body, flags=flags), lost=lost)

    def delete(self, kind: int, key: Any, *, lost: bool = False, silent: bool = False) -> None:
        """An object goes; ``silent``: the kernel sends nothing, and no message is lost either."""
        body = self.objects.pop((kind, key))
        if not silent:
            self.notify(message(kind + 1, body), lost=lost)

    def overrun(self, protocol: int = ROUTE) -> None:
        """The loss is reported, in its turn."""
        self.fail(Overrun("NLM-T010", f"the kernel dropped {self.dropped} messages", drops=self.dropped), protocol)
        self.dropped = 0

    def fail(self, error: TransportError, protocol: int = ROUTE) -> None:
        """The next recv() in turn raises."""
        for one in self.sockets(protocol):
            one.queue.append(error)


class FakeTransport:
    """One socket; see ``nlmon.transport.base.Transport``. ``dropped``: what its status says that the kernel dropped."""

    def __init__(
        self, kernel: FakeKernel, protocol: int, groups: Sequence[int], receive: int | None, send: int | None
    ) -> None:
        self.protocol = protocol
        self.groups = set(groups)
        self.buffers = (receive, send)
        self.queue: deque[Datagram | TransportError] = deque()
        self.closed = False
        self.closings = 0
        self.dropped = 0
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
        if group in self._kernel.group_errors:
            raise TransportError("NLM-T006", f"no group {group}", errno=self._kernel.group_errors[group])
        self.groups.add(group)

    def leave(self, group: int) -> None:
        self.groups.discard(group)

    def request(self, data: bytes) -> Iterator[Datagram]:
        kernel = self._kernel
        _, kind, flags, seq, _ = struct.unpack_from("<IHHII", data)
        wanted = data[uapi.NLMSG_HDRLEN]
        if flags & uapi.NLM_F_DUMP != uapi.NLM_F_DUMP:
            raise NotImplementedError("the fake kernel answers dumps alone")
        kernel.requests.append((kind, wanted))
        outcome = kernel.outcomes.popleft() if kernel.outcomes else "complete"
        if outcome == "broken":
            raise TransportError("NLM-T005", "no answer within 10 s", errno=errno.ETIMEDOUT)
        if outcome == "failed":
            yield self._answer(
                message(uapi.NLMSG_ERROR, number("i", -errno.EBUSY) + data[: uapi.NLMSG_HDRLEN], seq=seq)
            )
            return
        now = kernel.during is not None and len(kernel.requests) >= kernel.during_dump
        if now and kernel.during_first:
            self._meanwhile()
        mark = uapi.NLM_F_MULTI | (uapi.NLM_F_DUMP_INTR if outcome in {"interrupted", "empty"} else 0)
        found = [] if outcome == "empty" else list(self._objects(kind, wanted))
        if outcome == "interrupted":
            found = found[:-1]
        for place, (msg_type, body) in enumerate(found):
            yield self._answer(message(msg_type, body, flags=mark, seq=seq))
            if place == 0 and now:
                self._meanwhile()
        if outcome != "unfinished":
            yield self._answer(message(uapi.NLMSG_DONE, number("i", 0), flags=mark, seq=seq))

    def _meanwhile(self) -> None:
        during, self._kernel.during = self._kernel.during, None
        if during is not None:
            during()

    def _objects(self, get: int, wanted: int) -> Iterator[tuple[int, bytes]]:
        if self.protocol == GENERIC:
            yield from ((uapi.GENL_ID_CTRL, one[uapi.NLMSG_HDRLEN :]) for one in self._kernel.families.values())
            return
        for (kind, _), body in list(self._kernel.objects.items()):
            everything = wanted == uapi.AF_UNSPEC and not (
                kind in {uapi.RTM_NEWLINK, uapi.RTM_NEWNEIGH} and body[0] == uapi.AF_BRIDGE
            )
            if kind == get - uapi.RTNL_KIND_GET and (body[0] == wanted or everything):
                yield kind, body

    def _answer(self, data: bytes) -> Datagram:
        return Datagram(0, self._kernel.clock, self.protocol, data)

    def link_name(self, ifindex: int) -> str | None:
        self._kernel.names_asked.append(ifindex)
        return self._kernel.names.get(ifindex)

    def now(self) -> int:
        return self._kernel.clock

    def status(self) -> TransportStatus:
        return TransportStatus(
            tuple(sorted(self.groups)), self.buffers[0], None, self.buffers[1], None, drops=self.dropped
        )

    def close(self) -> None:
        self.closed = True
        self.closings += 1


class Opened:
    """A factory that remembers what another one opened: ``transports`` are the latest by protocol."""

    def __init__(self, factory: TransportFactory) -> None:
        self.byteorder = factory.byteorder
        self.transports: dict[int, Any] = {}
        self._factory = factory

    def open(self, protocol: int, groups: Sequence[int], **buffers: int | None) -> Any:
        """A transport of the other factory."""
        made = self._factory.open(protocol, groups, **buffers)
        self.transports[protocol] = made
        return made
