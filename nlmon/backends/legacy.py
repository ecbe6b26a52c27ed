"""The legacy implementation: standard library only, plain parsing by hand, in the style of the C original.

One function per kind of message, one loop over its attributes. It provides the fields of the guide's structures
and what its own verdict would be wrong without: the family of a link, the table and hops of a route, the vlan of
a neighbour, the whole selector of a rule. It has no caches, no reconnection and no kernel error texts.

Rules of this file:
1. Nothing raises for any bytes. What cannot be read is an error value with its place.
2. A value that is too short is not read; one that is longer than a number needs is read from its first bytes,
   since kernels extend structures; a name that is too long is kept whole and reported.
3. No decoding code or constant is shared with the other implementation.

Deviations can be made by a subclass that replaces an entry of ``parsers`` or one of the methods.

Not here: anything that asks the kernel, but for the name of an interface.
Numbers: linux/netlink.h, if_link.h, if_addr.h, rtnetlink.h, neighbour.h, fib_rules.h.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from nlmon.backends.base import Backend, BackendOptions
from nlmon.errors import (
    AttributeFormatError,
    FramingError,
    HeaderError,
    KernelError,
    Overrun,
    OverrunMessage,
    TransportError,
    errno_name,
)
from nlmon.events import (
    UNSET,
    AddrInfo,
    Datagram,
    Decoded,
    Event,
    LinkInfo,
    NeighInfo,
    NextHop,
    Payload,
    RouteInfo,
    RuleInfo,
)
from nlmon.transport.base import TransportFactory

__all__ = ["LegacyBackend"]

NETLINK_ROUTE = 0
NLMSG_NOOP, NLMSG_ERROR, NLMSG_DONE, NLMSG_OVERRUN = 1, 2, 3, 4
AF_INET, AF_BRIDGE, AF_INET6, RTNL_FAMILY_IPMR, RTNL_FAMILY_IP6MR = 2, 7, 10, 128, 129
IP_LENGTH = {AF_INET: 4, AF_INET6: 16, RTNL_FAMILY_IPMR: 4, RTNL_FAMILY_IP6MR: 16}
NLA_TYPE_MASK = 0x3FFF


class _Message:
    """One message while it is parsed: where it is, its attributes, and the errors found so far."""

    __slots__ = ("data", "end", "errors", "frame", "start")

    def __init__(self, data: bytes, start: int, end: int, frame: int, errors: list[Exception]) -> None:
        self.data = data
        self.start = start
        self.end = end
        self.frame = frame
        self.errors = errors

    def bad(self, offset: int, path: str, what: str) -> None:
        self.errors.append(AttributeFormatError("NLM-D003", what, frame=self.frame, offset=offset, path=path))


class LegacyBackend(Backend):
    """The plain implementation; see the module."""

    name: ClassVar[str] = "legacy"
    groups: ClassVar[Mapping[int, tuple[int, ...]]] = MappingProxyType({NETLINK_ROUTE: (1, 3, 5, 7, 8, 9, 11, 19)})
    # Message type -> name of the method that parses it, and the size of its fixed header.
    parsers: ClassVar[Mapping[int, tuple[str, int]]] = MappingProxyType(
        {
            **dict.fromkeys((16, 17, 18, 19), ("parse_link", 16)),
            **dict.fromkeys((20, 21, 22), ("parse_addr", 8)),
            **dict.fromkeys((24, 25, 26), ("parse_route", 12)),
            **dict.fromkeys((28, 29, 30), ("parse_neigh", 12)),
            **dict.fromkeys((32, 33, 34), ("parse_rule", 12)),
        }
    )

    def __init__(self, transports: TransportFactory, options: BackendOptions | None = None) -> None:
        super().__init__(transports, options)
        sign = "<" if self.options.byteorder == "little" else ">"
        self._nlmsghdr = struct.Struct(sign + "IHHII")
        self._rtattr = struct.Struct(sign + "HH")
        self._s32 = struct.Struct(sign + "i")
        self._u32 = struct.Struct(sign + "I")
        self._u16 = struct.Struct(sign + "H")
        self._u16_pair = struct.Struct(sign + "HH")
        self._u32_pair = struct.Struct(sign + "II")
        self._ifinfomsg = struct.Struct(sign + "BxHiII")
        self._ifaddrmsg = struct.Struct(sign + "BBBBI")
        self._rtmsg = struct.Struct(sign + "BBBBBBBBI")
        self._ndmsg = struct.Struct(sign + "BxxxiHBB")
        self._fib_rule_hdr = struct.Struct(sign + "BBBBBxxBI")
        self._rtnexthop = struct.Struct(sign + "HBBi")
        self._methods: dict[int, tuple[Callable[[_Message], tuple[Payload, int | None]], int]] = {
            kind: (getattr(self, name), size) for kind, (name, size) in self.parsers.items()
        }

    # -- datagram --------------------------------------------------------------------------------------------

    def decode(self, datagram: Datagram) -> Decoded:
        """Walk the messages of a datagram; see ``Backend.decode``."""
        result = Decoded([], [])
        data = datagram.data
        size = len(data)
        offset = 0
        while offset < size:
            if size - offset < 16:
                if any(data[offset:]):
                    self._framing(result, datagram, offset, f"{size - offset} bytes are left, a header has 16")
                break
            length, kind, flags, seq, pid = self._nlmsghdr.unpack_from(data, offset)
            if length < 16:
                if any(data[offset:]):
                    self._framing(result, datagram, offset, f"the message claims {length} bytes, less than a header")
                break
            if length > size - offset:
                self._framing(
                    result, datagram, offset, f"the message claims {length} bytes and {size - offset} are left"
                )
                break
            message = _Message(data, offset, offset + length, datagram.frame, result.errors)
            if kind < 16:
                self.control(result, message, kind)
            elif datagram.protocol != NETLINK_ROUTE or kind not in self._methods:
                result.unknown += 1
            else:
                parse, header = self._methods[kind]
                body = length - 16
                if body >= header:
                    payload, index = parse(message)
                    result.events.append(
                        Event(
                            datagram.timestamp,
                            datagram.protocol,
                            kind,
                            flags,
                            seq,
                            pid,
                            datagram.frame,
                            offset,
                            self._interface(payload, index),
                            payload,
                        )
                    )
                elif kind & 3 == 2 and body:
                    result.unknown += 1  # a dump request may hold no more than the family
                else:
                    what = f"the message has {body} bytes behind its header and needs {header}"
                    result.errors.append(HeaderError("NLM-D002", what, frame=datagram.frame, offset=offset))
            offset += (length + 3) & ~3
        if datagram.truncated and not any(isinstance(error, FramingError) for error in result.errors):
            self._framing(result, datagram, min(offset, size), "the datagram went on behind its last whole message")
        return result

    def _framing(self, result: Decoded, datagram: Datagram, offset: int, what: str) -> None:
        why = f"the recording lost {datagram.truncated} bytes" if datagram.truncated else ""
        result.errors.append(FramingError("NLM-D001", what, frame=datagram.frame, offset=offset, why=why))

    def control(self, result: Decoded, message: _Message, kind: int) -> None:
        """NOOP, DONE and acknowledgements are counted, errors reported; reading goes on behind each."""
        frame, offset = message.frame, message.start
        if kind == NLMSG_OVERRUN:
            result.errors.append(
                OverrunMessage("NLM-D005", "the sender lost data before this message", frame=frame, offset=offset)
            )
            return
        if kind == NLMSG_ERROR and message.end - message.start < 20:
            what = "an error message has no room for its error number"
            result.errors.append(HeaderError("NLM-D002", what, frame=frame, offset=offset))
            return
        number = 0
        if kind in {NLMSG_ERROR, NLMSG_DONE} and message.end - message.start >= 20:
            (number,) = self._s32.unpack_from(message.data, message.start + 16)
        if number < 0:
            what = f"the kernel answers {errno_name(-number)}"
            result.errors.append(KernelError("NLM-D004", what, frame=frame, offset=offset, errno=-number))
        else:
            result.control += 1

    def _interface(self, payload: Payload, index: int | None) -> str | None:
        if isinstance(payload, LinkInfo) and payload.ifname is not None:
            return payload.ifname
        transport = self._transports.get(NETLINK_ROUTE)
        return None if transport is None or index is None or index <= 0 else transport.link_name(index)

    def on_transport_error(self, protocol: int, error: TransportError) -> bool:
        """An overrun is reported and reading goes on; nothing else is recovered."""
        if isinstance(error, Overrun):
            if self._on_error is not None:
                self._on_error(error)
            return True
        return False

    # -- attributes ------------------------------------------------------------------------------------------

    def attributes(self, message: _Message, at: int, end: int, path: str = "") -> Iterator[tuple[int, int, int, int]]:
        """(type, offset of the header, begin and end of the payload) of each attribute."""
        data = message.data
        while at < end:
            if end - at < 4:
                if any(data[at:end]):
                    message.bad(at, path, f"{end - at} bytes are left, an attribute header has 4")
                return
            length, kind = self._rtattr.unpack_from(data, at)
            if length < 4 or length > end - at:
                message.bad(at, path, f"an attribute claims {length} bytes and {end - at} are left")
                return
            yield kind & NLA_TYPE_MASK, at, at + 4, at + length
            at += (length + 3) & ~3

    def u32(self, message: _Message, at: int, begin: int, end: int, path: str) -> int | None:
        """A 32-bit number in the recorded machine's byte order."""
        if end - begin < 4:
            message.bad(at, path, f"{end - begin} bytes are no 32-bit number")
            return None
        number: int = self._u32.unpack_from(message.data, begin)[0]
        return number

    def u8(self, message: _Message, at: int, begin: int, end: int, path: str) -> int | None:
        """An 8-bit number."""
        if end - begin < 1:
            message.bad(at, path, "0 bytes are no 8-bit number")
            return None
        return message.data[begin]

    def pair(
        self, message: _Message, at: int, begin: int, end: int, path: str, shape: struct.Struct
    ) -> tuple[int, int] | None:
        """Two numbers, the ends of a range."""
        if end - begin < shape.size:
            message.bad(at, path, f"{end - begin} bytes are no range of {shape.size}")
            return None
        low, high = shape.unpack_from(message.data, begin)
        return low, high

    def name_of(self, message: _Message, at: int, begin: int, end: int, path: str, longest: int) -> str:
        """A string up to its first NUL; one that is too long is kept and reported."""
        text = message.data[begin:end].split(b"\0", 1)[0]
        if len(text) > longest:
            message.bad(at, path, f"the name has {len(text)} bytes and may have {longest}")
        return text.decode("utf-8", "backslashreplace")

    def ip(self, message: _Message, at: int, begin: int, end: int, path: str, need: int) -> str | None:
        """An address of ``need`` bytes as text."""
        if end - begin != need:
            message.bad(at, path, f"{end - begin} bytes are no address of {need}")
            return None
        return socket.inet_ntop(socket.AF_INET if need == 4 else socket.AF_INET6, message.data[begin:end])

    # -- messages --------------------------------------------------------------------------------------------

    def parse_link(self, m: _Message) -> tuple[Payload, int | None]:
        """RTM_*LINK: ifinfomsg and five attributes."""
        family, _, index, flags, _ = self._ifinfomsg.unpack_from(m.data, m.start + 16)
        ifname = mtu = addr = qdisc = operstate = None
        for kind, at, begin, end in self.attributes(m, m.start + 32, m.end):
            if kind == 1:
                addr = m.data[begin:end].hex(":")
            elif kind == 3:
                ifname = self.name_of(m, at, begin, end, "IFLA_IFNAME", 15)
            elif kind == 4:
                mtu = self.u32(m, at, begin, end, "IFLA_MTU")
            elif kind == 6:
                qdisc = self.name_of(m, at, begin, end, "IFLA_QDISC", 31)
            elif kind == 16:
                operstate = self.u8(m, at, begin, end, "IFLA_OPERSTATE")
        return LinkInfo(family, index, flags, ifname, mtu, addr, qdisc, operstate), index

    def parse_addr(self, m: _Message) -> tuple[Payload, int | None]:
        """RTM_*ADDR: ifaddrmsg, the own and the peer's address, the label."""
        family, prefixlen, _, scope, index = self._ifaddrmsg.unpack_from(m.data, m.start + 16)
        need = {AF_INET: 4, AF_INET6: 16}.get(family)
        address = local = label = None
        has_local = False
        for kind, at, begin, end in self.attributes(m, m.start + 24, m.end):
            if kind == 1 and need is not None:
                address = self.ip(m, at, begin, end, "IFA_ADDRESS", need)
            elif kind == 2 and need is not None:
                local = self.ip(m, at, begin, end, "IFA_LOCAL", need)
                has_local = True
            elif kind == 3:
                label = self.name_of(m, at, begin, end, "IFA_LABEL", 15)
        own = local if has_local else address  # beside a local address, IFA_ADDRESS is the peer's
        peer = address if local is not None and address != local else None
        return AddrInfo(family, _signed(index), prefixlen, scope, own, peer, label), _signed(index)

    def parse_route(self, m: _Message) -> tuple[Payload, int | None]:
        """RTM_*ROUTE: rtmsg, destination, source, gateway, interface, table and hops."""
        family, dst_len, src_len, tos, table, protocol, scope, type_, flags = self._rtmsg.unpack_from(
            m.data, m.start + 16
        )
        need = IP_LENGTH.get(family)
        dst = src = gateway = oif = priority = hops = wide = None
        for kind, at, begin, end in self.attributes(m, m.start + 28, m.end):
            if kind == 1 and need is not None:
                dst = self.ip(m, at, begin, end, "RTA_DST", need)
            elif kind == 2 and need is not None:
                src = self.ip(m, at, begin, end, "RTA_SRC", need)
            elif kind == 4:
                oif = self.u32(m, at, begin, end, "RTA_OIF")
            elif kind == 5 and need is not None:
                gateway = self.ip(m, at, begin, end, "RTA_GATEWAY", need)
            elif kind == 6:
                priority = self.u32(m, at, begin, end, "RTA_PRIORITY")
            elif kind == 9:
                hops = self.parse_hops(m, begin, end, need)
            elif kind == 15:
                wide = self.u32(m, at, begin, end, "RTA_TABLE")
        table = table if wide is None else wide
        head = (family, dst_len, src_len, tos, protocol, scope, type_, flags, table)
        if need is None:
            return RouteInfo(*head, UNSET, UNSET, UNSET, oif, priority, hops), oif
        return RouteInfo(*head, dst, src, gateway, oif, priority, hops), oif

    def parse_hops(self, m: _Message, at: int, end: int, need: int | None) -> tuple[NextHop, ...]:
        """RTA_MULTIPATH: a list of rtnexthop, each with attributes of its own."""
        hops = []
        while at < end:
            if end - at < 8:
                if any(m.data[at:end]):
                    m.bad(at, "RTA_MULTIPATH", f"{end - at} bytes are left, a next hop has 8")
                break
            length, flags, more, index = self._rtnexthop.unpack_from(m.data, at)
            if length < 8 or length > end - at:
                m.bad(at, "RTA_MULTIPATH", f"a next hop claims {length} bytes and {end - at} are left")
                break
            gateway = None
            for kind, where, begin, stop in self.attributes(m, at + 8, at + length, "RTA_MULTIPATH"):
                if kind == 5 and need is not None:
                    gateway = self.ip(m, where, begin, stop, "RTA_MULTIPATH/RTA_GATEWAY", need)
            hops.append(NextHop(index, more + 1, flags, gateway))
            at += (length + 3) & ~3
        return tuple(hops)

    def parse_neigh(self, m: _Message) -> tuple[Payload, int | None]:
        """RTM_*NEIGH: ndmsg, the two addresses and the vlan."""
        family, index, state, flags, _ = self._ndmsg.unpack_from(m.data, m.start + 16)
        dst = lladdr = vlan = None
        for kind, at, begin, end in self.attributes(m, m.start + 28, m.end):
            if kind == 1 and family in {AF_INET, AF_INET6, AF_BRIDGE}:
                need = 4 if family == AF_INET else 16
                if family == AF_BRIDGE and end - begin == 4:
                    need = 4
                dst = self.ip(m, at, begin, end, "NDA_DST", need)
            elif kind == 2:
                lladdr = m.data[begin:end].hex(":")
            elif kind == 5:
                if end - begin < 2:
                    m.bad(at, "NDA_VLAN", f"{end - begin} bytes are no 16-bit number")
                    vlan = None
                else:
                    (vlan,) = self._u16.unpack_from(m.data, begin)
        return NeighInfo(family, index, state, flags, dst, lladdr, vlan), index

    def parse_rule(self, m: _Message) -> tuple[Payload, int | None]:
        """RTM_*RULE: fib_rule_hdr and the whole selector."""
        family, dst_len, src_len, tos, table, action, flags = self._fib_rule_hdr.unpack_from(m.data, m.start + 16)
        need = IP_LENGTH.get(family)
        wide = None
        found: dict[str, int | str | tuple[int, int] | None] = {}
        for kind, at, begin, end in self.attributes(m, m.start + 28, m.end):
            if kind == 1 and need is not None:
                found["dst"] = self.ip(m, at, begin, end, "FRA_DST", need)
            elif kind == 2 and need is not None:
                found["src"] = self.ip(m, at, begin, end, "FRA_SRC", need)
            elif kind == 3:
                found["iifname"] = self.name_of(m, at, begin, end, "FRA_IIFNAME", 15)
            elif kind == 6:
                found["priority"] = self.u32(m, at, begin, end, "FRA_PRIORITY")
            elif kind == 10:
                found["fwmark"] = self.u32(m, at, begin, end, "FRA_FWMARK")
            elif kind == 12:
                if end - begin < 8:
                    m.bad(at, "FRA_TUN_ID", f"{end - begin} bytes are no 64-bit number")
                    found["tun_id"] = None
                else:
                    found["tun_id"] = int.from_bytes(m.data[begin : begin + 8], "big")
            elif kind == 15:
                wide = self.u32(m, at, begin, end, "FRA_TABLE")
            elif kind == 16:
                found["fwmask"] = self.u32(m, at, begin, end, "FRA_FWMASK")
            elif kind == 17:
                found["oifname"] = self.name_of(m, at, begin, end, "FRA_OIFNAME", 15)
            elif kind == 19:
                found["l3mdev"] = self.u8(m, at, begin, end, "FRA_L3MDEV")
            elif kind == 20:
                found["uid_range"] = self.pair(m, at, begin, end, "FRA_UID_RANGE", self._u32_pair)
            elif kind == 22:
                found["ip_proto"] = self.u8(m, at, begin, end, "FRA_IP_PROTO")
            elif kind == 23:
                found["sport_range"] = self.pair(m, at, begin, end, "FRA_SPORT_RANGE", self._u16_pair)
            elif kind == 24:
                found["dport_range"] = self.pair(m, at, begin, end, "FRA_DPORT_RANGE", self._u16_pair)
        table = table if wide is None else wide
        return RuleInfo(family, dst_len, src_len, tos, action, flags, table, **found), None  # type: ignore[arg-type]


def _signed(number: int) -> int:
    """An interface index is signed wherever an event shows one (ifa_index is declared unsigned)."""
    return number - (1 << 32) if number >= 1 << 31 else number
