"""Mistakes of decoders, as real implementations made them: a wrong table, a wrong row of a policy, a wrong method.
All are known bugs of the C program; their names begin with the id of the bug (``nlmon.testing.zoo.upstream``).

The good code has no switches, so each is a subclass that replaces an entry of a table, a decoder, a row of a policy, or
a method.

Not here: mistakes with what was decoded (``nlmon.testing.zoo.events``).
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar

from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.libnl.decode.generic import GenericDecoder
from nlmon.backends.libnl.decode.netfilter import NetfilterDecoder
from nlmon.backends.libnl.decode.network import NetworkDecoder
from nlmon.backends.libnl.decode.route import RouteDecoder
from nlmon.backends.libnl.decode.sockets import SocketDecoder
from nlmon.backends.libnl.policies import Attr
from nlmon.compare.difference import Class
from nlmon.events import Decoded, DiagInfo, GenericInfo, LinkInfo, RouteInfo
from nlmon.testing.messages import attr, big, generic, message, new_family, number
from nlmon.testing.zoo.base import BadImplementation
from nlmon.wire import Datagram

__all__ = ["DECODING"]

ROUTE, SOCK_DIAG, NETFILTER, GENERIC = 0, 4, 12, 16

# -- an implementation with libnl ----------------------------------------------------------------------------------


class NoPayload(LibnlBackend):
    """Events of route messages carry nothing."""

    def decode(self, datagram: Datagram) -> Decoded:
        decoded = super().decode(datagram)
        empty = [structs.replace(event, payload=None) for event in decoded.events]
        return structs.replace(decoded, events=empty) if datagram.protocol == ROUTE else decoded


class NoRules(LibnlBackend):
    """Rule messages give no event."""

    handlers: ClassVar = {
        **LibnlBackend.handlers,
        ROUTE: {k: h for k, h in LibnlBackend.handlers[ROUTE].items() if h[0] != "rule"},
    }


class OnlyNl80211(LibnlBackend):
    """Messages of other generic families give no event."""

    class Only(GenericDecoder):
        def message(self, m: Any, start: int, end: int) -> Any:
            info, *rest = super().message(m, start, end)
            assert isinstance(info, GenericInfo)
            return (info, *rest) if info.genl_family_name == "nl80211" else (None, None, None)

    decoders: ClassVar = {**LibnlBackend.decoders, GENERIC: (Only,)}


class NoSubcommand(LibnlBackend):
    """The subcommand of a vendor command is lost."""

    class Lossy(GenericDecoder):
        def message(self, m: Any, start: int, end: int) -> Any:
            info, *rest = super().message(m, start, end)
            assert isinstance(info, GenericInfo)
            return structs.replace(info, vendor_subcmd=None), *rest

    decoders: ClassVar = {**LibnlBackend.decoders, GENERIC: (Lossy,)}


class SwappedCounters(LibnlBackend):
    """The mark and the counters of a flow are read in the machine's byte order; rows of one policy."""

    class Swapped(NetfilterDecoder):
        conntrack_policy = functools.reduce(
            lambda policy, row: policy.replacing(row),
            (
                Attr("mark", "CTA_MARK", "u32"),
                Attr("packets_orig", "CTA_COUNTERS_ORIG/CTA_COUNTERS_PACKETS", "u64"),
                Attr("bytes_orig", "CTA_COUNTERS_ORIG/CTA_COUNTERS_BYTES", "u64"),
                Attr("packets_reply", "CTA_COUNTERS_REPLY/CTA_COUNTERS_PACKETS", "u64"),
                Attr("bytes_reply", "CTA_COUNTERS_REPLY/CTA_COUNTERS_BYTES", "u64"),
            ),
            NetfilterDecoder.conntrack_policy,
        )

    decoders: ClassVar = {**LibnlBackend.decoders, NETFILTER: (Swapped,)}


class UdpIsTcp(LibnlBackend):
    """The protocol of an internet socket is guessed: none without ports, UDP without a state, else TCP."""

    class Tcp(SocketDecoder):
        def socket(self, m: Any, start: int, end: int) -> Any:
            info, *rest = super().socket(m, start, end)
            if isinstance(info, DiagInfo) and info.protocol:
                guess = 0 if not info.src_port and not info.dst_port else 6 if info.state else 17
                info = structs.replace(info, protocol=guess)
            return info, *rest

    decoders: ClassVar = {**LibnlBackend.decoders, SOCK_DIAG: (Tcp,)}


class NoFamily(LibnlBackend):
    """The family of a link message is lost, so that a port that goes looks like a link that goes."""

    class Lossy(RouteDecoder):
        def link(self, m: Any, start: int, end: int) -> Any:
            info, *rest = super().link(m, start, end)
            assert isinstance(info, LinkInfo)
            return structs.replace(info, family=0), *rest

    decoders: ClassVar = {**LibnlBackend.decoders, ROUTE: (Lossy, NetworkDecoder)}


class PeerAddress(LibnlBackend):
    """An interface's own address is taken from IFA_ADDRESS, which is the peer's; one row of one policy."""

    class Peer(RouteDecoder):
        addr_policy = RouteDecoder.addr_policy.replacing(Attr("local", "IFA_ADDRESS", "inet"))

    decoders: ClassVar = {**LibnlBackend.decoders, ROUTE: (Peer, NetworkDecoder)}


class NarrowRoute(LibnlBackend):
    """A route has neither hops nor a gateway of another family, and only eight bits of its table."""

    handlers: ClassVar = {
        **LibnlBackend.handlers,
        ROUTE: {**LibnlBackend.handlers[ROUTE], **dict.fromkeys((24, 25, 26), ("narrow_route", 12))},
    }

    def narrow_route(self, m: Any, start: int, end: int) -> Any:
        info, *rest = RouteDecoder(self.byteorder).route(m, start, end)
        assert isinstance(info, RouteInfo)
        return structs.replace(info, multipath=None, via=None, table=info.table & 0xFF), *rest


class SixBytes(LibnlBackend):
    """A link-layer address that has not six bytes is dropped."""

    class Six(RouteDecoder):
        def link(self, m: Any, start: int, end: int) -> Any:
            info, *rest = super().link(m, start, end)
            assert isinstance(info, LinkInfo)
            return (info if len(info.addr or "") == 17 else structs.replace(info, addr=None)), *rest

    decoders: ClassVar = {**LibnlBackend.decoders, ROUTE: (Six, NetworkDecoder)}


class HeaderFirst(LibnlBackend):
    """The header is read before the length is looked at."""

    handlers: ClassVar = {
        **LibnlBackend.handlers,
        ROUTE: {**LibnlBackend.handlers[ROUTE], 16: ("link", 0)},
        GENERIC: dict.fromkeys(LibnlBackend.handlers[GENERIC], ("message", 0)),
    }


# -- the legacy implementation -------------------------------------------------------------------------------------


class NoRules6(LegacyBackend):
    """The group of IPv6 rules is not joined."""

    groups: ClassVar = {**LegacyBackend.groups, ROUTE: tuple(g for g in LegacyBackend.groups[ROUTE] if g != 19)}


class DoneStops(LegacyBackend):
    """What follows NLMSG_DONE in a datagram is not read."""

    def control(self, result: Any, datagram: Any, message: Any, header: Any) -> bool:
        return super().control(result, datagram, message, header) and header[0] != 3


class ControlEvents(LegacyBackend):
    """On NETLINK_GENERIC control messages are events, too."""

    def control(self, result: Any, datagram: Any, message: Any, header: Any) -> bool:
        if datagram.protocol != GENERIC:
            return super().control(result, datagram, message, header)
        self.event(result, datagram, message, header, (self.parse_generic, 4))
        return True


class NoMinimum(LegacyBackend):
    """A message shorter than its fixed header is an event."""

    parsers: ClassVar = {**LegacyBackend.parsers, ROUTE: {**LegacyBackend.parsers[ROUTE], 16: ("parse_anything", 0)}}

    def parse_anything(self, m: Any) -> Any:
        return self.parse_link(m) if m.end - m.start >= 32 else (LinkInfo(0, 0, 0), None)


class EightBits(LegacyBackend):
    """Only eight bits of a vendor's subcommand are kept."""

    def parse_generic(self, m: Any) -> Any:
        info, index = super().parse_generic(m)
        assert isinstance(info, GenericInfo)
        return structs.replace(info, vendor_subcmd=info.vendor_subcmd and info.vendor_subcmd & 0xFF), index


class AnyCommand(LegacyBackend):
    """Attributes 195 and 196 are a vendor's in whatever message they are."""

    def parse_generic(self, m: Any) -> Any:
        info, index = super().parse_generic(m)
        assert isinstance(info, GenericInfo)
        rows = {
            kind: self._u32.unpack_from(m.data, begin)[0]
            for kind, _, begin, _ in self.attributes(m, m.start + 20, m.end)
        }
        return structs.replace(info, vendor_id=rows.get(195), vendor_subcmd=rows.get(196)), index


class NoProtocol(LegacyBackend):
    """The protocol of a socket is 0."""

    def requested(self, request: bytes, family: int) -> int | None:
        return 0


class Swallowed(LegacyBackend):
    """Error messages of the kernel are counted and not reported."""

    def control(self, result: Any, datagram: Any, message: Any, header: Any) -> bool:
        if header[0] != 2:
            return super().control(result, datagram, message, header)
        result.control += 1
        return True


class NoNetfilter(LegacyBackend):
    """There is no netfilter."""

    groups: ClassVar = {protocol: groups for protocol, groups in LegacyBackend.groups.items() if protocol != NETFILTER}


# -- what shows them -----------------------------------------------------------------------------------------------

LINK = message(16, number("BBHiII", 0, 0, 1, 3, 1, 0) + attr(3, b"lan0\0"))
DONE, EEXIST = message(3, number("i", 0), flags=2), message(2, number("i", -17) + bytes(16))
SHORT = message(16, bytes(8))
NL80211 = new_family(28, "nl80211")
VENDOR = attr(195, number("I", 0x1374)) + attr(196, number("I", 0x1234))
PEER = message(20, number("BBBBI", 2, 32, 0, 0, 3) + attr(1, bytes((10, 0, 0, 2))) + attr(2, bytes((10, 0, 0, 1))))
UDP = message(20, bytes([2, 7, 0, 0]) + bytes(68) + attr(10, b"\x11"))
MARKED = message(0x100, bytes([2, 0, 0, 0]) + attr(8, big("I", 1)))


def _bad(
    name: str,
    mistake: type[Backend],
    *found_as: Class,
    recording: str = "",
    protocol: int = ROUTE,
    messages: tuple[bytes, ...] = (),
) -> BadImplementation:
    return BadImplementation(
        name=name,
        description=(mistake.__doc__ or "").strip(),
        make=mistake,
        found_as=frozenset(found_as),
        base="libnl" if issubclass(mistake, LibnlBackend) else "legacy",
        recording=recording,
        protocol=protocol,
        messages=messages,
    )


BASIC, TOPOLOGY = "01-route-basic", "02-route-topology"
DECODING = (
    _bad("N01: no payload", NoPayload, Class.CONFLICT, recording=BASIC),
    _bad("N02: no rules", NoRules, Class.MISSING, recording=TOPOLOGY),
    _bad("N05: nl80211 alone", OnlyNl80211, Class.MISSING, recording="06-generic", protocol=GENERIC),
    _bad(
        "N06: no subcommand", NoSubcommand, Class.LOSS, protocol=GENERIC, messages=(NL80211, generic(28, 103, VENDOR))
    ),
    _bad(
        "N07: counters in the other byte order", SwappedCounters, Class.CONFLICT, protocol=NETFILTER, messages=(MARKED,)
    ),
    _bad("N08: UDP is TCP", UdpIsTcp, Class.CONFLICT, protocol=SOCK_DIAG, messages=(UDP,)),
    _bad("N15: no family", NoFamily, Class.CONFLICT, recording=TOPOLOGY),
    _bad("N16: the peer's address", PeerAddress, Class.CONFLICT, messages=(PEER,)),
    _bad("N17: narrow routes", NarrowRoute, Class.LOSS, Class.CONFLICT, recording=TOPOLOGY),
    _bad("N18: six bytes", SixBytes, Class.LOSS, recording=TOPOLOGY),
    _bad("N22: header first", HeaderFirst, Class.CRASH, messages=(SHORT,)),
    _bad("L01: no IPv6 rules", NoRules6, Class.MISSING, recording=TOPOLOGY),
    _bad("L03: done stops", DoneStops, Class.MISSING, messages=(LINK + DONE + LINK,)),
    _bad("L04: control events", ControlEvents, Class.EXTRA, Class.ERROR, protocol=GENERIC, messages=(EEXIST,)),
    _bad("L05: no minimum", NoMinimum, Class.EXTRA, Class.ERROR, messages=(SHORT,)),
    _bad("L07: eight bits", EightBits, Class.CONFLICT, protocol=GENERIC, messages=(NL80211, generic(28, 103, VENDOR))),
    _bad("L08: any command", AnyCommand, Class.CONFLICT, protocol=GENERIC, messages=(NL80211, generic(28, 5, VENDOR))),
    _bad("L09: no protocol", NoProtocol, Class.CONFLICT, recording="05-sock_diag", protocol=SOCK_DIAG),
    _bad("L10: swallowed errors", Swallowed, Class.ERROR, messages=(LINK + EEXIST,)),
    _bad("L12: no netfilter", NoNetfilter, Class.MISSING, recording="04-conntrack", protocol=NETFILTER),
)
