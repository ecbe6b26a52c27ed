"""Events back to bytes: the message that would decode to an event, in either byte order.

For tests of decoders, and for captures made by hand. Written with explicit layouts, not with the policies of an
implementation: an encoder made from the same tables would repeat their mistakes.

Rules of this file:
1. A field that is UNSET or None writes no attribute; header fields that are UNSET are 0.
2. Attributes are written in order of their numbers.

Not here: requests, and attributes that no event has. Numbers: linux/if_link.h, if_addr.h, rtnetlink.h,
neighbour.h, fib_rules.h.
"""

from __future__ import annotations

import ipaddress
import struct
from typing import Any, Literal

from nlmon.events import UNSET, AddrInfo, Event, LinkInfo, NeighInfo, NextHop, RouteInfo, RuleInfo
from nlmon.testing.messages import aligned
from nlmon.uapi import AF_INET, AF_INET6, AF_MPLS, NLMSG_HDRLEN, RTAX_CC_ALGO

__all__ = ["encode_event"]

FAMILY_NUMBERS = {"inet": AF_INET, "inet6": AF_INET6, "mpls": AF_MPLS}


def encode_event(event: Event, byteorder: Literal["little", "big"] = "little") -> bytes:
    """One netlink message, aligned to 4 bytes. Raises ``TypeError`` for events other than rtnetlink's five kinds."""
    return _Encoder("<" if byteorder == "little" else ">").message(event)


class _Encoder:
    def __init__(self, sign: str) -> None:
        self._sign = sign

    def message(self, event: Event) -> bytes:
        payload = event.payload
        if isinstance(payload, LinkInfo):
            body = self._link(payload)
        elif isinstance(payload, AddrInfo):
            body = self._addr(payload)
        elif isinstance(payload, RouteInfo):
            body = self._route(payload)
        elif isinstance(payload, NeighInfo):
            body = self._neigh(payload)
        elif isinstance(payload, RuleInfo):
            body = self._rule(payload)
        else:
            raise TypeError(f"no encoding for {type(payload).__name__}")
        head = self._pack("IHHII", NLMSG_HDRLEN + len(body), event.msg_type, event.msg_flags, event.seq, event.pid)
        return aligned(head + body)

    def _pack(self, code: str, *values: Any) -> bytes:
        return struct.pack(self._sign + code, *values)

    def _attr(self, number: int, payload: bytes | None) -> bytes:
        return b"" if payload is None else aligned(self._pack("HH", 4 + len(payload), number) + payload)

    def _attrs(self, *pairs: tuple[int, bytes | None]) -> bytes:
        return b"".join(self._attr(number, payload) for number, payload in sorted(pairs, key=lambda p: p[0]))

    def _number(self, code: str, value: Any) -> bytes | None:
        return None if value is None or value is UNSET else self._pack(code, value)

    def _range(self, code: str, value: Any) -> bytes | None:
        return None if value is None else self._pack(code, *value)

    def _link(self, p: LinkInfo) -> bytes:
        kind, slave = _text(p.kind), _text(p.slave_kind)
        info = self._attrs((1, kind), (4, slave)) if kind is not None or slave is not None else None
        names = None if p.altnames in {None, UNSET} else b"".join(self._attr(53, _text(n)) for n in _each(p.altnames))
        return self._pack("BxHiII", p.family, _known(p.type), p.ifindex, p.flags, _known(p.change)) + self._attrs(
            (1, _lladdr(p.addr)),
            (2, _lladdr(p.broadcast)),
            (3, _text(p.ifname)),
            (4, self._number("I", p.mtu)),
            (5, self._number("I", p.link)),
            (6, _text(p.qdisc)),
            (10, self._number("I", p.master)),
            (13, self._number("I", p.txqlen)),
            (16, self._number("B", p.operstate)),
            (18, info),
            (20, _text(p.ifalias)),
            (27, self._number("I", p.group)),
            (30, self._number("I", p.promiscuity)),
            (33, self._number("B", p.carrier)),
            (37, self._number("i", p.link_netnsid)),
            (45, self._number("i", p.new_netnsid)),
            (46, self._number("i", p.target_netnsid)),
            (49, self._number("i", p.new_ifindex)),
            (52, names),
        )

    def _addr(self, p: AddrInfo) -> bytes:
        flags = _known(p.flags)
        times = None
        if p.preferred_lifetime not in {None, UNSET} and p.valid_lifetime not in {None, UNSET}:
            times = self._pack("IIII", p.preferred_lifetime, p.valid_lifetime, 0, 0)
        return self._pack("BBBBi", p.family, p.prefixlen, flags & 0xFF, p.scope, p.ifindex) + self._attrs(
            (1, _ip(p.addr if p.peer is None else p.peer)),
            (2, _ip(p.addr)),
            (3, _text(p.label)),
            (4, _ip(p.broadcast)),
            (5, _ip(p.anycast)),
            (6, times),
            (8, self._number("I", p.flags)),
            (9, self._number("I", p.route_priority)),
            (10, self._number("i", p.target_netnsid)),
            (11, self._number("B", p.protocol)),
        )

    def _route(self, p: RouteInfo) -> bytes:
        head = (p.family, p.dst_len, p.src_len, p.tos, p.table & 0xFF, p.protocol, p.scope, p.type, p.flags)
        dst = _labels(p.dst) if p.family == AF_MPLS else _ip(p.dst)
        expires = None if p.expires in {None, UNSET} else self._pack("IIiIIIII", 0, 0, p.expires, 0, 0, 0, 0, 0)
        hops = None if p.multipath is None else b"".join(map(self._hop, p.multipath))
        return self._pack("BBBBBBBBI", *head) + self._attrs(
            (1, dst),
            (2, _ip(p.src)),
            (3, self._number("I", p.iif)),
            (4, self._number("I", p.oif)),
            (5, _ip(p.gateway)),
            (6, self._number("I", p.priority)),
            (7, _ip(p.prefsrc)),
            (8, self._metrics(p.metrics)),
            (9, hops),
            (11, self._number("I", p.flow)),
            (12, expires),
            (15, self._number("I", p.table)),
            (16, self._number("I", p.mark)),
            (18, self._via(p.via)),
            (20, self._number("B", p.pref)),
            (21, self._number("H", p.encap_type)),
            (22, None if p.encap is None else bytes.fromhex(p.encap)),
            (30, self._number("I", p.nh_id)),
        )

    def _hop(self, hop: NextHop) -> bytes:
        more = self._attrs(
            (5, _ip(hop.gateway)),
            (18, self._via(hop.via)),
            (21, self._number("H", hop.encap_type)),
            (22, None if hop.encap is None else bytes.fromhex(hop.encap)),
        )
        return self._pack("HBBi", 8 + len(more), hop.flags, hop.weight - 1, hop.ifindex) + more

    def _via(self, value: Any) -> bytes | None:
        if value is None or value is UNSET:
            return None
        family, _, address = value.partition(" ")
        return self._pack("H", FAMILY_NUMBERS[family]) + ipaddress.ip_address(address).packed

    def _metrics(self, pairs: Any) -> bytes | None:
        if pairs is None or pairs is UNSET:
            return None
        return b"".join(
            self._attr(number, _text(value) if number == RTAX_CC_ALGO else self._pack("I", value))
            for number, value in pairs
        )

    def _neigh(self, p: NeighInfo) -> bytes:
        return self._pack("BxxxiHBB", p.family, p.ifindex, p.state, p.flags, _known(p.type)) + self._attrs(
            (1, _ip(p.dst)),
            (2, _lladdr(p.lladdr)),
            (4, self._number("I", p.probes)),
            (5, self._number("H", p.vlan)),
            (6, None if p.port is None else struct.pack(">H", p.port)),
            (7, self._number("I", p.vni)),
            (8, self._number("I", p.nda_ifindex)),
            (9, self._number("I", p.master)),
            (10, self._number("i", p.link_netnsid)),
            (11, self._number("I", p.src_vni)),
            (12, self._number("B", p.protocol)),
            (15, self._number("I", p.flags_ext)),
        )

    def _rule(self, p: RuleInfo) -> bytes:
        head = (p.family, p.dst_len, p.src_len, p.tos, p.table & 0xFF, p.action, p.flags)
        return self._pack("BBBBBxxBI", *head) + self._attrs(
            (1, _ip(p.dst)),
            (2, _ip(p.src)),
            (3, _text(p.iifname)),
            (4, self._number("I", p.goto)),
            (6, self._number("I", p.priority)),
            (10, self._number("I", p.fwmark)),
            (11, self._number("I", p.flow)),
            (12, None if p.tun_id is None else struct.pack(">Q", p.tun_id)),
            (13, self._number("i", p.suppress_ifgroup)),
            (14, self._number("i", p.suppress_prefixlen)),
            (15, self._number("I", p.table)),
            (16, self._number("I", p.fwmask)),
            (17, _text(p.oifname)),
            (19, self._number("B", p.l3mdev)),
            (20, self._range("II", p.uid_range)),
            (21, self._number("B", p.protocol)),
            (22, self._number("B", p.ip_proto)),
            (23, self._range("HH", p.sport_range)),
            (24, self._range("HH", p.dport_range)),
            (25, self._number("B", p.dscp)),
            (26, None if p.flowlabel is None else struct.pack(">I", p.flowlabel)),
            (27, None if p.flowlabel_mask is None else struct.pack(">I", p.flowlabel_mask)),
            (28, self._number("H", p.sport_mask)),
            (29, self._number("H", p.dport_mask)),
            (30, self._number("B", p.dscp_mask)),
        )


def _known(value: Any) -> int:
    return 0 if value is UNSET else int(value)


def _each(value: Any) -> tuple[str, ...]:
    return tuple(value)


def _text(value: Any) -> bytes | None:
    return None if value is None or value is UNSET else str(value).encode() + b"\0"


def _lladdr(value: Any) -> bytes | None:
    return None if value is None or value is UNSET else bytes.fromhex(value.replace(":", ""))


def _ip(value: Any) -> bytes | None:
    return None if value is None or value is UNSET else ipaddress.ip_address(value).packed


def _labels(value: Any) -> bytes | None:
    if value is None or value is UNSET:
        return None
    labels = [int(label) << 12 for label in value.split("/")]
    labels[-1] |= 0x100  # the bottom of the stack
    return b"".join(label.to_bytes(4, "big") for label in labels)
