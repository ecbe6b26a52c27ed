"""Known bugs of the C program beside those of its decoders: what it joins, refuses, hides and loses.

Each has an id: N.. in its implementation with libnl, L.. in the legacy one, S.. in what both share. The id is at the
beginning of the name of the bad implementation. ``OF_LIFE`` holds those that no replay can show, since a replay neither
disables a protocol nor asks for a status: a claim of ``nlmon conform`` finds them. ``NOT_HERE`` says of every other id
why no bad implementation has it.

Not here: the known bugs of decoders (``nlmon.testing.zoo.decoding``), and the one with time stamps
(``nlmon.testing.zoo.events``).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.libnl.cache import CACHES, Cache
from nlmon.backends.options import BackendOptions
from nlmon.backends.status import BackendStatus, ProtocolStatus
from nlmon.compare.difference import Class
from nlmon.errors import FramingError, HeaderError, KernelError, NlmonError, Overrun, OverrunMessage, TransportError
from nlmon.events import Decoded, DiagInfo
from nlmon.testing.messages import attr, link, message, number
from nlmon.testing.zoo.base import BadImplementation
from nlmon.transport.base import Transport, TransportFactory
from nlmon.transport.recorded.faults import Fault
from nlmon.wire import Datagram

__all__ = ["NOT_HERE", "OF_LIFE", "UPSTREAM"]

ROUTE, SOCK_DIAG, NETFILTER, GENERIC = 0, 4, 12, 16
AF_UNIX = 1

# -- the implementation with libnl ---------------------------------------------------------------------------------


class SequenceChecked(LibnlBackend):
    """Takes notifications of all protocols but NETLINK_ROUTE for answers with a wrong sequence number."""

    def decode(self, datagram: Datagram) -> Decoded:
        if datagram.request or datagram.protocol not in {SOCK_DIAG, NETFILTER, GENERIC}:
            return super().decode(datagram)
        what = "the sequence number is not that of the last request"
        return Decoded([], [HeaderError("NLM-D002", what, frame=datagram.frame, offset=0)])


class NoGroups(LibnlBackend):
    """Joins no group of generic families, of sockets, or of netfilter."""

    groups: ClassVar = {**LibnlBackend.groups, **dict.fromkeys((SOCK_DIAG, NETFILTER, GENERIC), ())}

    def opened(self, protocol: int, transport: Any) -> None:
        if protocol == GENERIC:
            transport.join = lambda group: None
        super().opened(protocol, transport)


class ErrorsAreNothing(LibnlBackend):
    """Takes an error in a datagram for a sign that nothing waits, and does not read what follows it."""

    def decode(self, datagram: Datagram) -> Decoded:
        found = super().decode(datagram)
        ends = [error.offset for error in found.errors if isinstance(error, KernelError | OverrunMessage)]
        if not ends:
            return found
        events = [event for event in found.events if (event.offset or 0) < min(ends)]
        return structs.replace(found, events=events, errors=[e for e in found.errors if e.offset < min(ends)])


class OtherNumbers(LibnlBackend):
    """Gives errors the numbers of another list, so that a full buffer reads as a lack of rights."""

    # What libnl's own list has for EEXIST, ENODEV and EPERM.
    numbers: ClassVar = {17: 6, 19: 31, 1: 28}

    def report(self, error: NlmonError, protocol: int | None = None) -> None:
        if isinstance(error, Overrun):
            error = TransportError("NLM-T003", "reading the event socket failed", errno=5)
        super().report(error, protocol)

    def decode(self, datagram: Datagram) -> Decoded:
        found = super().decode(datagram)
        return structs.replace(found, errors=[self._renumbered(error) for error in found.errors])

    def _renumbered(self, error: Any) -> Any:
        if not isinstance(error, KernelError):
            return error
        other = self.numbers.get(error.errno, 1)
        return KernelError(error.code, error.what, frame=error.frame, offset=error.offset, errno=other)


class EmptyCache(LibnlBackend):
    """Delivers as events what a cache asked for, and keeps nothing of it."""

    def fill_cache(self, cache: Cache, kind: str) -> None:
        for dump in CACHES[kind]:
            Backend.deliver(self, self.whole_dump(*dump).events)
        cache.fill(kind, (), self._transports[ROUTE].now(), whole=False)


class LongLost(LibnlBackend):
    """Loses a datagram that has no room in its buffer of 16384 bytes, without a word, and has twice the room then."""

    room = 16384

    def decode(self, datagram: Datagram) -> Decoded:
        if len(datagram.data) <= self.room:
            return super().decode(datagram)
        self.room *= 2
        return Decoded([], [])


class NoType(LibnlBackend):
    """The type of the message stays 0 in its event."""

    def decode(self, datagram: Datagram) -> Decoded:
        found = super().decode(datagram)
        return structs.replace(found, events=[structs.replace(event, msg_type=0) for event in found.events])


class ForgetsFamilies(LibnlBackend):
    """Replaces a lost socket and forgets the generic families that it knew."""

    def on_transport_error(self, protocol: int, error: TransportError) -> bool:
        goes_on = super().on_transport_error(protocol, error)
        if not isinstance(error, Overrun):
            self.families.keep(())
        return goes_on


class KeepsListening(LibnlBackend):
    """Disabling closes no socket: what comes meanwhile is delivered once the protocol is enabled again."""

    def __init__(self, transports: TransportFactory, options: BackendOptions | None = None) -> None:
        super().__init__(transports, options)
        self.kept: dict[int, Transport] = {}

    def disable(self, protocol: int) -> None:
        transport = self._transports.pop(protocol, None)
        if transport is not None:
            self.kept[protocol] = transport

    def enable(self, protocol: int) -> None:
        if protocol in self.kept:
            self._transports[protocol] = self.kept.pop(protocol)
        super().enable(protocol)


# -- the legacy implementation -------------------------------------------------------------------------------------


class ShortBuffer(LegacyBackend):
    """Reads 8192 bytes of a datagram, and does not say that there were more."""

    room = 8192

    def decode(self, datagram: Datagram) -> Decoded:
        if len(datagram.data) <= self.room:
            return super().decode(datagram)
        found = super().decode(structs.replace(datagram, data=datagram.data[: self.room]))
        return structs.replace(found, errors=[error for error in found.errors if not isinstance(error, FramingError)])


class UnixIsInternet(LegacyBackend):
    """Reads a unix socket as an internet socket where the message is long enough for one."""

    def parse_socket(self, m: Any) -> Any:
        info, index = super().parse_socket(m)
        if isinstance(info, DiagInfo) and info.family == AF_UNIX and m.end - m.start >= 16 + 72:
            sport, dport = struct.unpack_from(">HH", m.data, m.start + 20)
            (inode,) = self._u32.unpack_from(m.data, m.start + 84)
            more = {"protocol": 0, "src_addr": "", "dst_addr": ""}
            info = structs.replace(info, src_port=sport, dst_port=dport, inode=inode, **more)
        return info, index


class EnabledFromTheStart(LegacyBackend):
    """Says of NETLINK_ROUTE that it is enabled before anybody enabled it, with no socket."""

    def status(self) -> BackendStatus:
        found = super().status()
        never = ProtocolStatus(enabled=True, fd=-1, events=0, errors=0, unknown={}, control=0, transport=None)
        return structs.replace(found, protocols={ROUTE: never, **found.protocols})


# -- what shows them -----------------------------------------------------------------------------------------------

BASIC = "01-route-basic"
LINK, EEXIST = message(16, link(3, "lan0")), message(2, number("i", -17) + bytes(16))
LONG = message(16, link(3, "lan0", altnames=[f"{one:0127}" for one in range(140)]))
UNIX = message(20, bytes([AF_UNIX, 1, 10, 0]) + number("III", 7525, 27, 0) + attr(0, b"/run/socket".ljust(80, b"\0")))


def _bad(name: str, mistake: type[Backend], found_as: Class, **shown: Any) -> BadImplementation:
    return BadImplementation(
        name=name,
        description=(mistake.__doc__ or "").strip(),
        make=mistake,
        found_as=frozenset({found_as}),
        base="libnl" if issubclass(mistake, LibnlBackend) else "legacy",
        **shown,
    )


UPSTREAM = (
    _bad("N03: sequence checked", SequenceChecked, Class.MISSING, recording="04-conntrack"),
    _bad("N04: no groups", NoGroups, Class.MISSING, recording="03-nl80211"),
    _bad("N10: errors are nothing", ErrorsAreNothing, Class.ERROR, messages=(LINK + EEXIST,)),
    _bad("N11: other numbers", OtherNumbers, Class.ERROR, messages=(LINK + EEXIST,)),
    _bad(
        "N12: empty cache",
        EmptyCache,
        Class.EXTRA,
        recording=BASIC,
        options=BackendOptions(caches=("link",)),
        faults=(Fault(100, 20),),
    ),
    _bad("N13: long lost", LongLost, Class.MISSING, messages=(LINK, LONG)),
    _bad("N19: no type", NoType, Class.CONFLICT, recording=BASIC),
    _bad(
        "N21: forgets families",
        ForgetsFamilies,
        Class.CONTRADICTED,
        recording="03-nl80211",
        faults=(Fault(300, protocol=GENERIC, kind="lost_socket"),),
    ),
    _bad("L02: short buffer", ShortBuffer, Class.MISSING, messages=(LINK, LONG)),
    _bad("L06: unix is internet", UnixIsInternet, Class.CONFLICT, protocol=SOCK_DIAG, messages=(UNIX,)),
)

# The claim that finds each of those that no replay shows.
OF_LIFE: Mapping[str, BadImplementation] = MappingProxyType(
    {
        "life.disable": _bad("N09: keeps listening", KeepsListening, Class.EXTRA),
        "life.off": _bad("L11: enabled from the start", EnabledFromTheStart, Class.EXTRA),
    }
)

CONFIGURATION = "a file of settings is read by the command line, and no implementation sees it"
FILTERS = "nlmon has no language of filters"
EXPORTS = "nlmon has no such output"
COMMAND = "it is about the program and not about what it makes of messages"
BUILD = "it is about how the program is built and installed"

# Ids that no bad implementation has: what the bug is about, and why.
NOT_HERE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "N20": (
            "Names of interfaces that a message does not carry are those of the moment when it is read.",
            "ours do so, too, by design: they ask the kernel, as the scenario `faults.paused-reader` shows",
        ),
        "N23": ("Of the settings only the choice of the implementation is used.", CONFIGURATION),
        "N24": ("The choice of the implementation is printed among the output.", COMMAND),
        "S01": ("The sources do not compile.", BUILD),
        "S02": ("Settings below the wrong depth are ignored.", CONFIGURATION),
        "S03": ("A default value of an environment variable is not used.", CONFIGURATION),
        "S04": ("Some spellings of true mean false.", CONFIGURATION),
        "S05": ("An unknown field is taken for the name of the interface.", FILTERS),
        "S06": ("Names of constants are not known.", FILTERS),
        "S07": ("Escapes in strings are not read.", FILTERS),
        "S08": ("A field that a message lacks makes a whole alternative or negation false.", FILTERS),
        "S09": ("Values of different types are never unequal.", FILTERS),
        "S10": ("A list of JSON objects is no valid JSON once its file was rotated.", EXPORTS),
        "S11": ("Sending to a log server that is away stops the program for ever.", EXPORTS),
        "S12": ("The description of a metric is repeated for every set of labels.", EXPORTS),
        "S13": (
            "Captures are written without the header of their link type.",
            "no implementation writes captures; nlmon itself does, with that header",
        ),
        "S14": ("An unknown option ends the program with success.", COMMAND),
        "S15": ("The program goes on when it is asked to end.", COMMAND),
        "S16": ("Two options stop the program for ever at its end.", COMMAND),
        "S17": (
            "The way back leaves lines of the settings behind.",
            "no implementation is switched to another one yet",
        ),
        "S18": ("Its own tests do not compile.", BUILD),
    }
)
