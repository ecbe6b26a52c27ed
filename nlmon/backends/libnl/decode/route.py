"""Decodes the five kinds of route messages with their policies: links, addresses, routes, neighbours, rules.

Not here: how payloads are made (``policies.recipes``), the walk over attributes (``attributes``), rtnetlink's other
kinds (``network``).
"""

from __future__ import annotations

import struct

from nlmon.backends.libnl.decode.attributes import Decoder, Found
from nlmon.backends.libnl.decode.wrapped import wrapped_list
from nlmon.backends.libnl.policies import Attr, recipes
from nlmon.backends.libnl.policies import route as policies
from nlmon.backends.libnl.policies.readers import (
    DecodeContext,
    Reader,
    address,
    address_or_all,
    label_stack,
    string,
)
from nlmon.backends.libnl.uapi import (
    AF_BRIDGE,
    AF_INET,
    AF_INET6,
    AF_MPLS,
    IFINFOMSG,
    LONGEST_ATTRIBUTE,
    NLMSG_HDRLEN,
    RTNEXTHOP,
    RTNL_FAMILY_IP6MR,
    RTNL_FAMILY_IPMR,
)
from nlmon.backends.reads import WHOLE, Node
from nlmon.events import NextHop

__all__ = ["RouteDecoder"]

ADDRESS_LENGTH = {AF_INET: 4, AF_INET6: 16, RTNL_FAMILY_IPMR: 4, RTNL_FAMILY_IP6MR: 16}
NAMES = {AF_INET: "inet", AF_INET6: "inet6", AF_MPLS: "mpls"}
RTAX_CC_ALGO = 16
IFLA_ALT_IFNAME = 53


class RouteDecoder(Decoder, layouts=True):
    """Decoders of link, address, route, neighbour and rule messages for one byte order."""

    link_policy = policies.LINK
    addr_policy = policies.ADDR
    route_policy = policies.ROUTE
    hop_policy = policies.HOP
    neigh_policy = policies.NEIGH
    rule_policy = policies.RULE

    recipes = recipes.ROUTE

    def __init__(self, byteorder: str) -> None:
        super().__init__(byteorder)
        self._nexthop = struct.Struct(self.sign + "HBBi").unpack_from
        self._u16 = struct.Struct(self.sign + "H").unpack_from
        self._u32 = struct.Struct(self.sign + "I").unpack_from

    # -- messages: each is made as its recipe says -------------------------------------------------------------

    def link(self, m: DecodeContext, start: int, end: int) -> Found:
        """ifinfomsg and IFLA_*."""
        if end - start > LONGEST_ATTRIBUTE:
            wrapped = wrapped_list(m, self.attribute, start + NLMSG_HDRLEN + IFINFOMSG, end)
            return self.by_recipe("link", m, start, end, left_out=wrapped)
        return self.by_recipe("link", m, start, end)

    def addr(self, m: DecodeContext, start: int, end: int) -> Found:
        """ifaddrmsg and IFA_*."""
        return self.by_recipe("addr", m, start, end)

    def route(self, m: DecodeContext, start: int, end: int) -> Found:
        """rtmsg and RTA_*."""
        return self.by_recipe("route", m, start, end)

    def neigh(self, m: DecodeContext, start: int, end: int) -> Found:
        """ndmsg and NDA_*."""
        return self.by_recipe("neigh", m, start, end)

    def rule(self, m: DecodeContext, start: int, end: int) -> Found:
        """fib_rule_hdr and FRA_*."""
        return self.by_recipe("rule", m, start, end)

    # -- values with a structure of their own ------------------------------------------------------------------

    def reader(self, row: Attr, family: int) -> tuple[int, Reader] | None:
        """The kinds that only routes have, and IP addresses, which depend on the family."""
        if row.kind == "inet" and family not in {AF_INET, AF_INET6}:
            return None
        if row.kind in {"ip", "inet", "ip_or_label", "ip_or_all"}:
            if row.kind == "ip_or_label" and family == AF_MPLS:
                return 0, label_stack(row.path)
            length = ADDRESS_LENGTH.get(family)
            if length is None:
                return None
            return 0, address_or_all(row.path, length) if row.kind == "ip_or_all" else address(row.path, length)
        if row.kind == "ip_by_length":
            lengths = {AF_INET: (4,), AF_INET6: (16,), AF_BRIDGE: (4, 16)}.get(family)
            return None if lengths is None else (0, address(row.path, *lengths))
        if row.kind == "via":
            return 2, self._via(row.path)
        special = {"altnames": self._altnames, "metrics": self._metrics, "hops": self._hops(family)}
        if row.kind in special:
            return 0, special[row.kind]
        return super().reader(row, family)

    def node(self, row: Attr, family: int) -> Node:
        """Next hops, which have attributes of their own, and the names in a list of properties."""
        if row.kind == "hops":
            return Node(self.attributes(self.hop_policy, family), hops=True)
        return Node({IFLA_ALT_IFNAME: WHOLE}) if row.kind == "altnames" else super().node(row, family)

    def _altnames(self, m: DecodeContext, _: int, begin: int, end: int) -> tuple[str, ...]:
        name = string("IFLA_PROP_LIST/IFLA_ALT_IFNAME", 0)
        return tuple(
            name(m, at, first, last)
            for number, at, first, last in self.children(m, begin, end, "IFLA_PROP_LIST")
            if number == IFLA_ALT_IFNAME
        )

    def _metrics(self, m: DecodeContext, _: int, begin: int, end: int) -> tuple[tuple[int, int | str], ...]:
        found: list[tuple[int, int | str]] = []
        for number, at, first, last in self.children(m, begin, end, "RTA_METRICS"):
            if number == RTAX_CC_ALGO:
                found.append((number, string("RTA_METRICS/RTAX_CC_ALGO", 0)(m, at, first, last)))
            elif last - first < 4:
                m.bad(at, "RTA_METRICS", f"metric {number} has {last - first} bytes, it needs 4")
            else:
                found.append((number, self._u32(m.data, first)[0]))
        return tuple(found)

    def _via(self, path: str) -> Reader:
        def read(m: DecodeContext, at: int, begin: int, end: int) -> str | None:
            """struct rtvia: a family, then an address of it."""
            (family,) = self._u16(m.data, begin)
            length = ADDRESS_LENGTH.get(family)
            if length is None:
                return f"family-{family} {m.data[begin + 2 : end].hex()}"
            text = address(path, length)(m, at, begin + 2, end)
            return None if text is None else f"{NAMES.get(family, family)} {text}"

        return read

    def _hops(self, family: int) -> Reader:
        def read(m: DecodeContext, _: int, at: int, end: int) -> tuple[NextHop, ...]:
            hops: list[NextHop] = []
            while at + RTNEXTHOP <= end:
                length, flags, more, index = self._nexthop(m.data, at)
                if length < RTNEXTHOP or at + length > end:
                    m.bad(at, "RTA_MULTIPATH", f"rtnh_len is {length}, {end - at} bytes are left")
                    return tuple(hops)
                values = self.values(m, self.hop_policy, family, at + RTNEXTHOP, at + length, "RTA_MULTIPATH")
                hops.append(NextHop(index, more + 1, flags, *values))
                at += (length + 3) & ~3
            if at < end and any(m.data[at:end]):
                m.bad(at, "RTA_MULTIPATH", f"{end - at} bytes after the last next hop")
            return tuple(hops)

        return read
