"""Mistakes of real implementations as small subclasses, each found by a replay.

The good code has no switches: a deviation replaces an entry of a table, a decoder, a row of a policy, or a method.
A subclass per mistake, named as in the list of known ones: N of an implementation with libnl, L of the legacy one.

Not here: the verdict of a whole capture (``tests/engine/test_verdict.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any, ClassVar

import pytest
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
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.capture.base import Frame
from nlmon.compare.difference import Class, Severity
from nlmon.engine.replay import Replay, Select
from nlmon.errors import InternalError
from nlmon.events import Decoded, DiagInfo, GenericInfo, LinkInfo, RouteInfo
from nlmon.transport.recorded.transport import ReplayFactory
from nlmon.wire import Datagram
from support.flows import NETFILTER, flow, netfilter
from support.netlink import attr, generic, message, new_family, number
from support.paths import FIXTURES

ROUTE, SOCK_DIAG, GENERIC = 0, 4, 16
ANY = -1
CAPTURES = FIXTURES / "captures" / "linux-6.12"

# -- an implementation with libnl ----------------------------------------------------------------------------------


class NoPayload(LibnlBackend):
    """N1: events of route messages carry nothing."""

    def decode(self, datagram: Datagram) -> Decoded:
        decoded = super().decode(datagram)
        empty = [structs.replace(event, payload=None) for event in decoded.events]
        return structs.replace(decoded, events=empty) if datagram.protocol == ROUTE else decoded


class NoRules(LibnlBackend):
    """N2: rule messages give no event."""

    handlers: ClassVar = {
        **LibnlBackend.handlers,
        ROUTE: {k: h for k, h in LibnlBackend.handlers[ROUTE].items() if h[0] != "rule"},
    }


class OnlyNl80211(LibnlBackend):
    """N5: messages of other generic families give no event."""

    class Only(GenericDecoder):
        def message(self, m: Any, start: int, end: int) -> Any:
            found = super().message(m, start, end)
            return found if found[0].genl_family_name == "nl80211" else (None, None, None)

    decoders: ClassVar = {**LibnlBackend.decoders, GENERIC: (Only,)}


class NoSubcommand(LibnlBackend):
    """N6: the subcommand of a vendor command is lost."""

    class Lossy(GenericDecoder):
        def message(self, m: Any, start: int, end: int) -> Any:
            info, *rest = super().message(m, start, end)
            return structs.replace(info, vendor_subcmd=None), *rest

    decoders: ClassVar = {**LibnlBackend.decoders, GENERIC: (Lossy,)}


class SwappedMark(LibnlBackend):
    """N7: what is big-endian in conntrack is read in the machine's byte order; one row of one policy."""

    class Swapped(NetfilterDecoder):
        conntrack_policy = NetfilterDecoder.conntrack_policy.replacing(Attr("mark", "CTA_MARK", "u32"))

    decoders: ClassVar = {**LibnlBackend.decoders, NETFILTER: (Swapped,)}


class UdpIsTcp(LibnlBackend):
    """N8: every internet socket is one of TCP."""

    class Tcp(SocketDecoder):
        def socket(self, m: Any, start: int, end: int) -> Any:
            info, *rest = super().socket(m, start, end)
            return (structs.replace(info, protocol=6) if isinstance(info, DiagInfo) and info.protocol else info), *rest

    decoders: ClassVar = {**LibnlBackend.decoders, SOCK_DIAG: (Tcp,)}


class NoFamily(LibnlBackend):
    """N15: the family of a link message is lost, so that a port that goes looks like a link that goes."""

    class Lossy(RouteDecoder):
        def link(self, m: Any, start: int, end: int) -> Any:
            info, *rest = super().link(m, start, end)
            return structs.replace(info, family=0), *rest

    decoders: ClassVar = {**LibnlBackend.decoders, ROUTE: (Lossy, NetworkDecoder)}


class PeerAddress(LibnlBackend):
    """N16: an interface's own address is taken from IFA_ADDRESS, which is the peer's; one row of one policy."""

    class Peer(RouteDecoder):
        addr_policy = RouteDecoder.addr_policy.replacing(Attr("local", "IFA_ADDRESS", "inet"))

    decoders: ClassVar = {**LibnlBackend.decoders, ROUTE: (Peer, NetworkDecoder)}


class NarrowRoute(LibnlBackend):
    """N17: a route has neither hops nor a gateway of another family, and only eight bits of its table."""

    handlers: ClassVar = {
        **LibnlBackend.handlers,
        ROUTE: {**LibnlBackend.handlers[ROUTE], **dict.fromkeys((24, 25, 26), ("narrow_route", 12))},
    }

    def narrow_route(self, m: Any, start: int, end: int) -> Any:
        info, *rest = RouteDecoder(self.byteorder).route(m, start, end)
        assert isinstance(info, RouteInfo)
        return structs.replace(info, multipath=None, via=None, table=info.table & 0xFF), *rest


class SixBytes(LibnlBackend):
    """N18: a link-layer address that has not six bytes is dropped."""

    class Six(RouteDecoder):
        def link(self, m: Any, start: int, end: int) -> Any:
            info, *rest = super().link(m, start, end)
            return (info if len(info.addr or "") == 17 else structs.replace(info, addr=None)), *rest

    decoders: ClassVar = {**LibnlBackend.decoders, ROUTE: (Six, NetworkDecoder)}


class HeaderFirst(LibnlBackend):
    """N22: the header is read before the length is looked at."""

    handlers: ClassVar = {**LibnlBackend.handlers, ROUTE: {**LibnlBackend.handlers[ROUTE], 16: ("link", 0)}}


# -- the legacy implementation -------------------------------------------------------------------------------------


class NoRules6(LegacyBackend):
    """L1: the group of IPv6 rules is not joined."""

    groups: ClassVar = {**LegacyBackend.groups, ROUTE: tuple(g for g in LegacyBackend.groups[ROUTE] if g != 19)}


class DoneStops(LegacyBackend):
    """L3: what follows NLMSG_DONE in a datagram is not read."""

    def control(self, result: Any, datagram: Any, message: Any, header: Any) -> bool:
        return super().control(result, datagram, message, header) and header[0] != 3


class ControlEvents(LegacyBackend):
    """L4: on NETLINK_GENERIC control messages are events, too."""

    def control(self, result: Any, datagram: Any, message: Any, header: Any) -> bool:
        if datagram.protocol != GENERIC:
            return super().control(result, datagram, message, header)
        self.event(result, datagram, message, header, (self.parse_generic, 4))
        return True


class NoMinimum(LegacyBackend):
    """L5: a message shorter than its fixed header is an event."""

    parsers: ClassVar = {**LegacyBackend.parsers, ROUTE: {**LegacyBackend.parsers[ROUTE], 16: ("parse_anything", 0)}}

    def parse_anything(self, m: Any) -> Any:
        return self.parse_link(m) if m.end - m.start >= 32 else (LinkInfo(0, 0, 0), None)


class EightBits(LegacyBackend):
    """L7: only eight bits of a vendor's subcommand are kept."""

    def parse_generic(self, m: Any) -> Any:
        info, index = super().parse_generic(m)
        assert isinstance(info, GenericInfo)
        return structs.replace(info, vendor_subcmd=info.vendor_subcmd and info.vendor_subcmd & 0xFF), index


class AnyCommand(LegacyBackend):
    """L8: attributes 195 and 196 are a vendor's in whatever message they are."""

    def parse_generic(self, m: Any) -> Any:
        info, index = super().parse_generic(m)
        assert isinstance(info, GenericInfo)
        rows = {
            kind: self._u32.unpack_from(m.data, begin)[0]
            for kind, _, begin, _ in self.attributes(m, m.start + 20, m.end)
        }
        return structs.replace(info, vendor_id=rows.get(195), vendor_subcmd=rows.get(196)), index


class NoProtocol(LegacyBackend):
    """L9: the protocol of a socket is 0."""

    def requested(self, request: bytes, family: int) -> int | None:
        return 0


class Swallowed(LegacyBackend):
    """L10: error messages of the kernel are counted and not reported."""

    def control(self, result: Any, datagram: Any, message: Any, header: Any) -> bool:
        if header[0] != 2:
            return super().control(result, datagram, message, header)
        result.control += 1
        return True


class NoNetfilter(LegacyBackend):
    """L12: there is no netfilter."""

    groups: ClassVar = {protocol: groups for protocol, groups in LegacyBackend.groups.items() if protocol != NETFILTER}


# -- what they are found by ----------------------------------------------------------------------------------------


@cache
def recorded(name: str, protocol: int) -> tuple[Frame, ...]:
    """The frames of a protocol in a capture, at most 3,000."""
    with open_capture(CAPTURES / f"{name}.pcap.zst") as reader:
        return tuple(frame for frame in reader if frame.protocol == protocol)[:3000]


def frames(protocol: int, *datagrams: bytes) -> tuple[Frame, ...]:
    return tuple(Frame(count, 0, protocol, data) for count, data in enumerate(datagrams, 1))


LINK = message(16, number("BBHiII", 0, 0, 1, 3, 1, 0) + attr(3, b"lan0\0"))
DONE, EEXIST = message(3, number("i", 0), flags=2), message(2, number("i", -17) + bytes(16))
VENDOR = tuple(attr(kind, number("I", value)) for kind, value in ((195, 0x1374), (196, 0x1234)))
NL80211 = new_family(28, "nl80211")
PEER = message(20, number("BBBBI", 2, 32, 0, 0, 3) + attr(1, bytes((10, 0, 0, 2))) + attr(2, bytes((10, 0, 0, 1))))
UDP = message(20, bytes([2, 7, 0, 0]) + bytes(68) + attr(10, b"\x11"))


class Row:
    """A mistake, what shows it, and the classes of the differences that tell of it."""

    def __init__(self, mistake: type[Backend], shown: Any, *classes: Class) -> None:
        self.mistake, self.shown, self.classes = mistake, shown, set(classes)


MISTAKES = {
    "N1": Row(NoPayload, partial(recorded, "01-route-basic", ROUTE), Class.CONFLICT),
    "N2": Row(NoRules, partial(recorded, "02-route-topology", ROUTE), Class.MISSING),
    "N5": Row(OnlyNl80211, partial(recorded, "06-generic", GENERIC), Class.MISSING),
    "N6": Row(NoSubcommand, partial(frames, GENERIC, NL80211, generic(28, 103, *VENDOR)), Class.LOSS),
    "N7": Row(SwappedMark, partial(frames, NETFILTER, netfilter(0, *flow("little"))), Class.CONFLICT),
    "N8": Row(UdpIsTcp, partial(frames, SOCK_DIAG, UDP), Class.CONFLICT),
    "N15": Row(NoFamily, partial(recorded, "02-route-topology", ROUTE), Class.CONFLICT),
    "N16": Row(PeerAddress, partial(frames, ROUTE, PEER), Class.CONFLICT),
    "N17": Row(NarrowRoute, partial(recorded, "02-route-topology", ROUTE), Class.LOSS, Class.CONFLICT),
    "N18": Row(SixBytes, partial(recorded, "02-route-topology", ROUTE), Class.LOSS),
    "N22": Row(HeaderFirst, partial(frames, ROUTE, message(16, bytes(8))), Class.CRASH),
    "L1": Row(NoRules6, partial(recorded, "02-route-topology", ROUTE), Class.MISSING),
    "L3": Row(DoneStops, partial(frames, ROUTE, LINK + DONE + LINK), Class.MISSING),
    "L4": Row(ControlEvents, partial(frames, GENERIC, EEXIST), Class.EXTRA, Class.ERROR),
    "L5": Row(NoMinimum, partial(frames, ROUTE, message(16, bytes(8))), Class.EXTRA, Class.ERROR),
    "L7": Row(EightBits, partial(frames, GENERIC, NL80211, generic(28, 103, *VENDOR)), Class.CONFLICT),
    "L8": Row(AnyCommand, partial(frames, GENERIC, NL80211, generic(28, 5, *VENDOR)), Class.CONFLICT),
    "L9": Row(NoProtocol, partial(recorded, "05-sock_diag", SOCK_DIAG), Class.CONFLICT),
    "L10": Row(Swallowed, partial(frames, ROUTE, LINK + EEXIST), Class.ERROR),
    "L12": Row(NoNetfilter, partial(recorded, "04-conntrack", NETFILTER), Class.MISSING),
}


def classes(reference: Any, candidate: Any, shown: Sequence[Frame]) -> set[Class]:
    """Classes of the differences that make a regression, at the end of a replay."""
    select: Select = "all" if len(shown) < 3 else "notifications"  # only these depend on the groups that are joined
    replay = Replay(reference, candidate, byteorder="little", select=select)
    for frame in shown:
        replay.feed(frame)
    assert sum(lane.totals["events"] + lane.totals["errors"] for lane in replay.lanes) > 0
    return {cls for cls in replay.judge.counts if cls.severity is not Severity.INFO}


@pytest.mark.parametrize("row", MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_found(row: Row) -> None:
    """The same messages make no difference without it, and the expected classes with it."""
    name = "libnl" if issubclass(row.mistake, LibnlBackend) else "legacy"
    other = partial(create, "legacy" if name == "libnl" else "libnl")

    assert classes(other, partial(create, name), row.shown()) == set()
    assert classes(other, row.mistake, row.shown()) >= row.classes


def test_a_name_that_is_no_method_is_told() -> None:
    """A handler that nobody has is a bug of the subclass, and says which it is."""

    class Wrong(LibnlBackend):
        handlers: ClassVar = {ROUTE: {16: ("no_such_thing", 16)}}

    with pytest.raises(InternalError, match="protocol 0 name 'no_such_thing', which is no method"):
        Wrong(ReplayFactory("little"))


def test_no_decoder_is_hidden_by_the_backend() -> None:
    """A handler is looked for on the backend first, where no name of the good table may be found."""
    names = {name for kinds in LibnlBackend.handlers.values() for name, _ in kinds.values()}

    assert {name for name in names if hasattr(LibnlBackend, name)} == set()
    assert len(names) > 20


def test_a_replaced_row_stays_with_its_class() -> None:
    """What a subclass compiles is its own, and what two instances of a class compile is the same."""
    first, second = RouteDecoder("little"), RouteDecoder("little")
    peer, big = PeerAddress.Peer("little"), RouteDecoder("big")

    assert first._tables is second._tables
    assert len({id(one._tables) for one in (first, peer, big)}) == 3
    assert [row.path for row in peer.addr_policy.attributes][:2] == ["IFA_ADDRESS", "IFA_ADDRESS"]
    assert peer.addr_policy.fields == first.addr_policy.fields
