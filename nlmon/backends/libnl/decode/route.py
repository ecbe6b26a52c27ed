"""Decodes the five kinds of route messages with their policies: links, addresses, routes, neighbours, rules.

Not here: the walk over attributes (``attributes``), rtnetlink's other kinds (``network``).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from nlmon.backends.libnl.decode.attributes import NLMSGHDR, Decoder, Found
from nlmon.backends.libnl.layouts.messages import ROUTE_RECIPES, Recipe
from nlmon.backends.libnl.policies import Attr, Policy
from nlmon.backends.libnl.policies import route as policies
from nlmon.backends.libnl.policies.readers import Reader, Reading, address, label_stack, string
from nlmon.backends.libnl.policies.resolve import fixed_header
from nlmon.events import UNSET, AddrInfo, LinkInfo, NeighInfo, NextHop, RouteInfo, RuleInfo

__all__ = ["RouteDecoder"]

INET, BRIDGE, INET6, MPLS, IPMR, IP6MR = 2, 7, 10, 28, 128, 129
ADDRESS_LENGTH = {INET: 4, INET6: 16, IPMR: 4, IP6MR: 16}
NAMES = {INET: "inet", INET6: "inet6", MPLS: "mpls"}
RTAX_CC_ALGO = 16
IFLA_ALT_IFNAME = 53


class RouteDecoder(Decoder):
    """Decoders of link, address, route, neighbour and rule messages for one byte order."""

    link_policy = policies.LINK
    addr_policy = policies.ADDR
    route_policy = policies.ROUTE
    hop_policy = policies.HOP
    neigh_policy = policies.NEIGH
    rule_policy = policies.RULE

    def __init__(self, byteorder: str) -> None:
        super().__init__(byteorder)
        self._nexthop = struct.Struct(self.sign + "HBBi").unpack_from
        self._u16 = struct.Struct(self.sign + "H").unpack_from
        self._u32 = struct.Struct(self.sign + "I").unpack_from
        self._headers: dict[int, Any] = {}

    def recipes(self) -> dict[Callable[..., Any], Recipe]:
        """Handlers whose messages may be read whole: those that no subclass has replaced."""
        if not self.walks_as(Decoder, "walk", "fill") or not self.walks_as(RouteDecoder, "_header"):
            return {}
        return {
            getattr(self, name): recipe for name, recipe in ROUTE_RECIPES.items() if self.walks_as(RouteDecoder, name)
        }

    # -- messages: bytes to payload and interface index --------------------------------------------------------

    def link(self, m: Reading, start: int, end: int) -> Found:
        """ifinfomsg and its attributes."""
        family, kind, index, flags, change = self._header(self.link_policy)(m.data, start + NLMSGHDR)
        v = self.walk(m, self.link_policy, family, start + NLMSGHDR + 16, end)
        v[5:5] = kind, change
        return LinkInfo(family, index, flags, *v), index, v[0]

    def addr(self, m: Reading, start: int, end: int) -> Found:
        """ifaddrmsg and its attributes; the own address is IFA_LOCAL where there is one (linux/if_addr.h)."""
        family, prefixlen, flags, scope, index = self._header(self.addr_policy)(m.data, start + NLMSGHDR)
        local, remote, label, wide, *more = self.walk(
            m, self.addr_policy, family, start + NLMSGHDR + 8, end, first=UNSET
        )
        if local is UNSET:
            own, peer = remote, None
        else:
            # A local address that could not be read is not known; the other one is the peer's.
            own, peer = local, remote if local is not None and remote != local else None
        flags = flags if wide is None else wide
        index = index if index < 1 << 31 else index - (1 << 32)
        return AddrInfo(family, index, prefixlen, scope, own, peer, label, flags, *more), index, None

    def route(self, m: Reading, start: int, end: int) -> Found:
        """rtmsg and its attributes; tables above 255 are only in RTA_TABLE."""
        header = self._header(self.route_policy)(m.data, start + NLMSGHDR)
        family, dst_len, src_len, tos, short, protocol, scope, kind, flags = header
        table, *v = self.walk(m, self.route_policy, family, start + NLMSGHDR + 12, end)
        table = short if table is None else table
        return RouteInfo(family, dst_len, src_len, tos, protocol, scope, kind, flags, table, *v), v[3], None

    def neigh(self, m: Reading, start: int, end: int) -> Found:
        """ndmsg and its attributes."""
        family, index, state, flags, kind = self._header(self.neigh_policy)(m.data, start + NLMSGHDR)
        v = self.walk(m, self.neigh_policy, family, start + NLMSGHDR + 12, end)
        v.insert(3, kind)
        return NeighInfo(family, index, state, flags, *v), index, None

    def rule(self, m: Reading, start: int, end: int) -> Found:
        """fib_rule_hdr and its attributes."""
        header = self._header(self.rule_policy)(m.data, start + NLMSGHDR)
        family, dst_len, src_len, tos, short, _, _, action, flags = header
        table, *v = self.walk(m, self.rule_policy, family, start + NLMSGHDR + 12, end)
        table = short if table is None else table
        return RuleInfo(family, dst_len, src_len, tos, action, flags, table, *v), None, None

    def _header(self, policy: Policy) -> Any:
        found = self._headers.get(id(policy))
        if found is None:
            found = self._headers[id(policy)] = fixed_header(policy, self.sign).unpack_from
        return found

    # -- values with a structure of their own ------------------------------------------------------------------

    def reader(self, row: Attr, family: int) -> tuple[int, Reader] | None:
        """The kinds that only routes have, and IP addresses, which depend on the family."""
        if row.kind == "inet" and family not in {INET, INET6}:
            return None
        if row.kind in {"ip", "inet", "ip_or_label"}:
            if row.kind == "ip_or_label" and family == MPLS:
                return 0, label_stack(row.path)
            length = ADDRESS_LENGTH.get(family)
            return None if length is None else (0, address(row.path, length))
        if row.kind == "ip_by_length":
            lengths = {INET: (4,), INET6: (16,), BRIDGE: (4, 16)}.get(family)
            return None if lengths is None else (0, address(row.path, *lengths))
        special = {"altnames": self._altnames, "via": self._via, "metrics": self._metrics, "hops": self._hops(family)}
        if row.kind in special:
            return {"via": 2}.get(row.kind, 0), special[row.kind]
        return super().reader(row, family)

    def _altnames(self, m: Reading, _: int, begin: int, end: int) -> tuple[str, ...]:
        name = string("IFLA_PROP_LIST/IFLA_ALT_IFNAME", 0)
        return tuple(
            name(m, at, first, last)
            for number, at, first, last in self.children(m, begin, end, "IFLA_PROP_LIST")
            if number == IFLA_ALT_IFNAME
        )

    def _metrics(self, m: Reading, _: int, begin: int, end: int) -> tuple[tuple[int, int | str], ...]:
        found: list[tuple[int, int | str]] = []
        for number, at, first, last in self.children(m, begin, end, "RTA_METRICS"):
            if number == RTAX_CC_ALGO:
                found.append((number, string("RTA_METRICS/RTAX_CC_ALGO", 0)(m, at, first, last)))
            elif last - first < 4:
                m.bad(at, "RTA_METRICS", f"metric {number} has {last - first} bytes, it needs 4")
            else:
                found.append((number, self._u32(m.data, first)[0]))
        return tuple(found)

    def _via(self, m: Reading, at: int, begin: int, end: int) -> str | None:
        """struct rtvia: a family, then an address of it."""
        (family,) = self._u16(m.data, begin)
        length = ADDRESS_LENGTH.get(family)
        if length is None:
            return f"family-{family} {m.data[begin + 2 : end].hex()}"
        text = address("RTA_VIA", length)(m, at, begin + 2, end)
        return None if text is None else f"{NAMES.get(family, family)} {text}"

    def _hops(self, family: int) -> Reader:
        def read(m: Reading, _: int, at: int, end: int) -> tuple[NextHop, ...]:
            hops: list[NextHop] = []
            while at + 8 <= end:
                length, flags, more, index = self._nexthop(m.data, at)
                if length < 8 or at + length > end:
                    m.bad(at, "RTA_MULTIPATH", f"rtnh_len is {length}, {end - at} bytes are left")
                    return tuple(hops)
                values = self.walk(m, self.hop_policy, family, at + 8, at + length, "RTA_MULTIPATH")
                hops.append(NextHop(index, more + 1, flags, *values))
                at += (length + 3) & ~3
            if at < end and any(m.data[at:end]):
                m.bad(at, "RTA_MULTIPATH", f"{end - at} bytes after the last next hop")
            return tuple(hops)

        return read
