"""Mistakes that only a fault shows: datagrams joined, cut or repeated, messages of a newer kernel, sockets that fail.

Not here: mistakes of recovery after a loss (``nlmon.testing.zoo.behaviour``), and the faults themselves
(``nlmon.transport.recorded``, and for scenarios ``nlmon.scenario``).
"""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import structs

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.libnl.decode.network import NetworkDecoder
from nlmon.backends.libnl.decode.route import RouteDecoder
from nlmon.compare.difference import Class
from nlmon.errors import FramingError, HeaderError, NlmonError, TransportError
from nlmon.events import AddrInfo, Decoded, LinkInfo
from nlmon.testing.messages import addr, attr, link, message, number
from nlmon.testing.zoo.base import BadImplementation
from nlmon.testing.zoo.behaviour import SilentOverrun
from nlmon.transport.recorded.faults import Fault
from nlmon.wire import Datagram

__all__ = ["FAULTS", "NothingLate", "OneForEachFrame"]

ROUTE = 0
BASIC, TOPOLOGY = "01-route-basic", "02-route-topology"
INTERRUPTED = 0x10


# -- datagrams -----------------------------------------------------------------------------------------------------


class FirstAlone(LibnlBackend):
    """Gives an event of the first message of a datagram alone."""

    def decode(self, datagram: Datagram) -> Decoded:
        """One event at most."""
        found = super().decode(datagram)
        return structs.replace(found, events=found.events[:1])


class _Silent(LibnlBackend):
    """A libnl that keeps errors of a class to itself."""

    hidden: ClassVar[type[NlmonError]]

    def decode(self, datagram: Datagram) -> Decoded:
        """With the other errors."""
        found = super().decode(datagram)
        return structs.replace(found, errors=[one for one in found.errors if not isinstance(one, self.hidden)])


class SilentTruncation(_Silent):
    """Reports no datagram that ends within a message."""

    hidden = FramingError


class SilentShortPayload(_Silent):
    """Reports no message that ends within its header."""

    hidden = HeaderError


class OtherCodes(LibnlBackend):
    """Reports a message that ends within its header by the code of one that does not fit in its datagram."""

    def decode(self, datagram: Datagram) -> Decoded:
        """With that code."""
        found = super().decode(datagram)
        for error in found.errors:
            if isinstance(error, HeaderError):
                error.code = "NLM-D001"
        return found


class _Remembering(LibnlBackend):
    """A libnl that remembers the last datagrams."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.last = Datagram(0, 0, 0, b"")
        self.highest = 0

    def decode(self, datagram: Datagram) -> Decoded:
        """Nothing of what it takes for an old one."""
        known = self.is_old(datagram)
        self.last, self.highest = datagram, max(self.highest, datagram.frame)
        return Decoded([], []) if known else super().decode(datagram)

    def is_old(self, datagram: Datagram) -> bool:
        """Whether it was there before."""
        raise NotImplementedError


class NoRepeats(_Remembering):
    """Ignores a datagram that has the bytes of the one before it."""

    def is_old(self, datagram: Datagram) -> bool:
        """By its bytes."""
        return datagram.data == self.last.data


class OneForEachFrame(_Remembering):
    """Ignores a datagram that has the number of the one before it."""

    def is_old(self, datagram: Datagram) -> bool:
        """By its number."""
        return datagram.frame == self.last.frame


class NothingLate(_Remembering):
    """Ignores a datagram with a lower number than one that it has read."""

    def is_old(self, datagram: Datagram) -> bool:
        """By its number."""
        return datagram.frame < self.highest


class NoInterruptedDumps(LibnlBackend):
    """Ignores messages of a dump that was interrupted."""

    def decode(self, datagram: Datagram) -> Decoded:
        """All but those."""
        found = super().decode(datagram)
        kept = [event for event in found.events if not event.msg_flags & INTERRUPTED]
        return structs.replace(found, events=kept)


# -- messages ------------------------------------------------------------------------------------------------------


class KnownAttributes(LibnlBackend):
    """Looks each attribute of a link up, and raises where it does not know one."""

    class Strict(RouteDecoder):
        """A decoder of links with a table of attributes."""

        def link(self, m: Any, start: int, end: int) -> Any:
            """Raises ``KeyError``."""
            at = start + 32
            while at + 4 <= end:
                size, kind = (int.from_bytes(m.data[at + n : at + n + 2], "little") for n in (0, 2))
                if kind & 0x3FFF > 200:
                    raise KeyError(kind)
                at += max(4, (size + 3) & ~3)
            return super().link(m, start, end)

    decoders: ClassVar = {**LibnlBackend.decoders, ROUTE: (Strict, NetworkDecoder)}


class ExactStructures(LibnlBackend):
    """Reads IFA_CACHEINFO only where it has the size that it knows."""

    class Exact(RouteDecoder):
        """A decoder of addresses."""

        def addr(self, m: Any, start: int, end: int) -> Any:
            """The address, without lifetimes where the structure is longer."""
            info, *rest = super().addr(m, start, end)
            if isinstance(info, AddrInfo) and b"\x14\0\6\0" not in m.data[start:end]:
                info = structs.replace(info, preferred_lifetime=None, valid_lifetime=None)
            return (info, *rest)

    decoders: ClassVar = {**LibnlBackend.decoders, ROUTE: (Exact, NetworkDecoder)}


# -- sockets -------------------------------------------------------------------------------------------------------


class NamesOfThen(LibnlBackend):
    """Names an interface as the last event about it did, and not as the kernel does when it is read."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.names: dict[int, str | None] = {}

    def decode(self, datagram: Datagram) -> Decoded:
        """With the names that it remembers."""
        found, events = super().decode(datagram), []
        for event in found.events:
            payload = event.payload
            if isinstance(payload, LinkInfo) and payload.ifname:
                self.names[payload.ifindex] = payload.ifname
            elif isinstance(payload, AddrInfo):
                event = structs.replace(event, interface=self.names.get(payload.ifindex, event.interface))
            events.append(event)
        return structs.replace(found, events=events)


class SilentSockets(LibnlBackend):
    """Stops to read when its socket fails, and reports nothing."""

    def process(self, protocol: int) -> bool:
        """Whether it read anything."""
        try:
            return super().process(protocol)
        except TransportError:
            return False

    def on_transport_error(self, protocol: int, error: TransportError) -> bool:
        """Replaces nothing."""
        return False


class ReopensWithoutGroups(LibnlBackend):
    """Replaces a lost socket by one that joins the group of links alone."""

    lost = False

    def on_transport_error(self, protocol: int, error: TransportError) -> bool:
        """Remembers that it lost a socket."""
        self.lost = True
        return super().on_transport_error(protocol, error)

    def groups_of(self, protocol: int) -> tuple[int, ...]:
        """All of them only at first."""
        return (1,) if self.lost else super().groups_of(protocol)


class NeverGivesUp(LibnlBackend):
    """Tries for ever to read a socket that failed."""

    def process(self, protocol: int) -> bool:
        """Says that it read something."""
        try:
            return super().process(protocol)
        except TransportError:
            return True


# -- what shows them -----------------------------------------------------------------------------------------------

LINK, OTHER = message(16, link(3, "a")), message(16, link(4, "b"))
DUMPED = message(16, link(3, "a"), flags=2 | INTERRUPTED, seq=1, pid=1)
NEWER = message(16, link(3, "a") + attr(0x3FFF, b"new"))
LONGER = message(20, addr(3, "192.0.2.1") + attr(6, number("IIII", 1, 2, 3, 4) + bytes(4)))


def _shown(name: str, mistake: type[LibnlBackend], found_as: Class, *messages: bytes) -> BadImplementation:
    what = (mistake.__doc__ or "").strip()
    return BadImplementation(
        name=name, description=what, make=mistake, found_as=frozenset({found_as}), messages=messages
    )


def _failing(
    name: str, mistake: type[LibnlBackend], found_as: Class, fault: Fault, recording: str = BASIC
) -> BadImplementation:
    what, found = (mistake.__doc__ or "").strip(), frozenset({found_as})
    return BadImplementation(
        name=name, description=what, make=mistake, found_as=found, recording=recording, faults=(fault,)
    )


FAULTS = (
    _shown("first message alone", FirstAlone, Class.MISSING, LINK + OTHER),
    _shown("silent truncation", SilentTruncation, Class.ERROR, LINK[:30]),
    _shown("silent short payload", SilentShortPayload, Class.ERROR, message(16, bytes(4))),
    _shown("other codes", OtherCodes, Class.ERROR, message(16, bytes(4))),
    _shown("no repeats", NoRepeats, Class.MISSING, LINK, LINK),
    _shown("no interrupted dumps", NoInterruptedDumps, Class.MISSING, DUMPED),
    _shown("known attributes alone", KnownAttributes, Class.CRASH, NEWER),
    _shown("exact structures", ExactStructures, Class.CONTRADICTED, LONGER),
    _failing("silent ENOBUFS", SilentOverrun, Class.ERROR, Fault(200, kind="enobufs")),
    _failing("names of then", NamesOfThen, Class.CONFLICT, Fault(100, 600, kind="paused_reader"), TOPOLOGY),
    _failing("silent lost socket", SilentSockets, Class.ERROR, Fault(200, kind="lost_socket")),
    _failing("reopens without groups", ReopensWithoutGroups, Class.MISSING, Fault(200, kind="lost_socket")),
    _failing("never gives up", NeverGivesUp, Class.CRASH, Fault(200, kind="vanished_namespace")),
)
