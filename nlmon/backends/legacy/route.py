"""Parses rtnetlink by hand: one function per kind of message, one loop over its attributes.

It provides the fields of the guide's structures and what its own verdict would be wrong without: the family of a
link, the namespace that a link or an address is in, the table, hops, preferred source, metrics, nexthop object and
encapsulation of a route, what tells entries of a forwarding database apart, and all that tells rules apart.

Numbers: linux/if_link.h, if_addr.h, rtnetlink.h, neighbour.h, fib_rules.h.

Not here: rtnetlink's neighbouring groups, which only the other implementation has.
"""

from __future__ import annotations

import struct
from typing import Any

from nlmon.backends.legacy.reading import (
    AF_BRIDGE,
    AF_INET,
    AF_INET6,
    IFNAMSIZ,
    NLA_TYPE_MASK,
    NLMSG_HDRLEN,
    RTNL_FAMILY_IP6MR,
    RTNL_FAMILY_IPMR,
    ParseContext,
    Parsed,
    Reader,
)
from nlmon.events import UNSET, AddrInfo, LinkInfo, NeighInfo, NextHop, RouteInfo, RuleInfo

__all__ = ["FIB_RULE_HDR", "IFADDRMSG", "IFINFOMSG", "NDMSG", "RTMSG", "RULE_NUMBERS", "RouteParser"]

# Sizes of the fixed headers, and the attributes that are read. The loops over those of links, addresses, routes and
# neighbours compare with numbers, since a name is looked up for each attribute; it stands in the same line.
IFINFOMSG, IFADDRMSG, RTMSG, NDMSG, FIB_RULE_HDR, RTNEXTHOP = 16, 8, 12, 12, 12, 8
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_QDISC, IFLA_OPERSTATE = 1, 3, 4, 6, 16
IFLA_VFINFO_LIST, IFLA_TARGET_NETNSID, IFLA_VF_INFO = 22, 46, 1
IFA_ADDRESS, IFA_LOCAL, IFA_LABEL, IFA_TARGET_NETNSID = 1, 2, 3, 10
RTA_DST, RTA_SRC, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_METRICS, RTA_MULTIPATH = 1, 2, 4, 5, 6, 7, 8, 9
RTA_TABLE, RTA_VIA, RTA_ENCAP_TYPE, RTA_ENCAP, RTA_NH_ID = 15, 18, 21, 22, 30
RTAX_CC_ALGO = 16
NDA_DST, NDA_LLADDR, NDA_VLAN, NDA_PORT = 1, 2, 5, 6
NDA_VNI, NDA_MASTER, NDA_SRC_VNI = 7, 9, 11
FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_TUN_ID, FRA_OIFNAME = 1, 2, 3, 12, 17
FRA_UID_RANGE, FRA_SPORT_RANGE, FRA_DPORT_RANGE = 20, 23, 24
QDISC_NAME = 31  # the longest, without its NUL
LONGEST_ATTRIBUTE = 0xFFFF  # as nla_len has 16 bits
ADDRESS, LLADDR = "IFLA_ADDRESS", "NDA_LLADDR"
# Attributes of a rule that are one number (linux/fib_rules.h): field, name, and the method that reads it.
RULE_NUMBERS = {
    4: ("goto", "FRA_GOTO", "u32"),
    6: ("priority", "FRA_PRIORITY", "u32"),
    10: ("fwmark", "FRA_FWMARK", "u32"),
    11: ("flow", "FRA_FLOW", "u32"),
    13: ("suppress_ifgroup", "FRA_SUPPRESS_IFGROUP", "s32"),
    14: ("suppress_prefixlen", "FRA_SUPPRESS_PREFIXLEN", "s32"),
    15: ("table", "FRA_TABLE", "u32"),
    16: ("fwmask", "FRA_FWMASK", "u32"),
    19: ("l3mdev", "FRA_L3MDEV", "u8"),
    21: ("protocol", "FRA_PROTOCOL", "u8"),
    22: ("ip_proto", "FRA_IP_PROTO", "u8"),
    25: ("dscp", "FRA_DSCP", "u8"),
    26: ("flowlabel", "FRA_FLOWLABEL", "be32"),
    27: ("flowlabel_mask", "FRA_FLOWLABEL_MASK", "be32"),
    28: ("sport_mask", "FRA_SPORT_MASK", "u16"),
    29: ("dport_mask", "FRA_DPORT_MASK", "u16"),
    30: ("dscp_mask", "FRA_DSCP_MASK", "u8"),
}
IP_LENGTH = {AF_INET: 4, AF_INET6: 16, RTNL_FAMILY_IPMR: 4, RTNL_FAMILY_IP6MR: 16}


class RouteParser(Reader):
    """Links, addresses, routes, neighbours and rules."""

    def prepare(self, sign: str) -> None:
        """Make the structs of a byte order."""
        super().prepare(sign)
        self._ifinfomsg = struct.Struct(sign + "BxHiII")
        # ifa_index is declared unsigned; an index is signed wherever an event shows one.
        self._ifaddrmsg = struct.Struct(sign + "BBBBi")
        self._rtmsg = struct.Struct(sign + "BBBBBBBBI")
        self._ndmsg = struct.Struct(sign + "BxxxiHBB")
        self._fib_rule_hdr = struct.Struct(sign + "BBBBBxxBI")
        self._rtnexthop = struct.Struct(sign + "HBBi")

    def parse_link(self, m: ParseContext) -> Parsed:
        """RTM_*LINK: ifinfomsg and six attributes."""
        data, at, end, rtattr = m.data, m.start + NLMSG_HDRLEN + IFINFOMSG, m.end, self._rtattr_at
        last = end - 4
        # The highest number that is looked at: most of a link's attributes are not provided.
        most = IFLA_OPERSTATE if end - m.start <= LONGEST_ATTRIBUTE else IFLA_VFINFO_LIST
        u32, names = self._u32_at, self._names
        family, _, index, flags, _ = self._ifinfomsg.unpack_from(data, m.start + NLMSG_HDRLEN)
        ifname = mtu = addr = qdisc = operstate = target = None
        while at <= last:
            length, kind = rtattr(data, at)
            stop = at + length
            if length < 4 or stop > end:
                break
            kind &= NLA_TYPE_MASK
            if kind > most:
                if kind == IFLA_TARGET_NETNSID:
                    target = self.s32(m, at, at + 4, stop, "IFLA_TARGET_NETNSID")
            elif kind == 1:
                addr = data[at + 4 : stop].hex(":") if length <= 36 else self.link_address(m, at, at + 4, stop, ADDRESS)
            elif kind == 3:
                ifname = names.get(data[at + 4 : stop]) or self.name_of(
                    m, at, at + 4, stop, "IFLA_IFNAME", IFNAMSIZ - 1
                )
            elif kind == 4:
                mtu = u32(data, at + 4)[0] if length >= 8 else self.u32(m, at, at + 4, stop, "IFLA_MTU")
            elif kind == 6:
                qdisc = names.get(data[at + 4 : stop]) or self.name_of(m, at, at + 4, stop, "IFLA_QDISC", QDISC_NAME)
            elif kind == 16:
                operstate = self.u8(m, at, at + 4, stop, "IFLA_OPERSTATE")
            elif kind == IFLA_VFINFO_LIST:
                stop, most = self.end_of_functions(m, at, length), IFLA_OPERSTATE
            at = (stop + 3) & ~3
        if at < end:
            self.rest(m, at, end)
        return LinkInfo(family, index, flags, ifname, mtu, addr, qdisc, operstate, target), index

    def end_of_functions(self, m: ParseContext, begin: int, length: int) -> int:
        """Where the entries of IFLA_VFINFO_LIST end, one for each virtual function. The kernel's ``nla_len`` has 16
        bits: of a longer list (some 220 functions) it is what is left of the length, and the entries give the rest."""
        at, ends = begin + 4, []
        while True:
            if (at - begin) % (LONGEST_ATTRIBUTE + 1) == length:
                ends.append(at)
            if m.end - at < 4:
                break
            size, kind = self._rtattr_at(m.data, at)
            if kind & NLA_TYPE_MASK != IFLA_VF_INFO or not 4 <= size <= m.end - at:
                break
            at += (size + 3) & ~3
        end = ends[-1] if ends else m.end
        if end != begin + length:
            what = f"a list of {end - begin:,} bytes claims {length:,}, since the kernel counts them in 16 bits"
            m.wrapped(begin, "IFLA_VFINFO_LIST", what)
        return end

    def parse_addr(self, m: ParseContext) -> Parsed:
        """RTM_*ADDR: ifaddrmsg, the own and the peer's address, the label, another namespace."""
        data, at, end, rtattr = m.data, m.start + NLMSG_HDRLEN + IFADDRMSG, m.end, self._rtattr_at
        last = end - 4
        family, prefixlen, _, scope, index = self._ifaddrmsg.unpack_from(data, m.start + NLMSG_HDRLEN)
        need = 4 if family == AF_INET else 16 if family == AF_INET6 else None
        (ip, size), names = self._ips[need], self._names
        address = local = label = target = None
        has_local = False
        while at <= last:
            length, kind = rtattr(data, at)
            stop = at + length
            if length < 4 or stop > end:
                break
            kind &= NLA_TYPE_MASK
            if kind == 1 and need is not None:
                address = (
                    ip(data[at + 4 : stop]) if length == size else self.ip(m, at, at + 4, stop, "IFA_ADDRESS", need)
                )
            elif kind == 2 and need is not None:
                local = ip(data[at + 4 : stop]) if length == size else self.ip(m, at, at + 4, stop, "IFA_LOCAL", need)
                has_local = True
            elif kind == 3:
                label = names.get(data[at + 4 : stop]) or self.name_of(m, at, at + 4, stop, "IFA_LABEL", IFNAMSIZ - 1)
            elif kind == 10:
                target = self.s32(m, at, at + 4, stop, "IFA_TARGET_NETNSID")
            at = (stop + 3) & ~3
        if at < end:
            self.rest(m, at, end)
        own = local if has_local else address  # beside a local address, IFA_ADDRESS is the peer's
        peer = address if local is not None and address != local else None
        return AddrInfo(family, index, prefixlen, scope, own, peer, label, target), index

    def parse_route(self, m: ParseContext) -> Parsed:
        """RTM_*ROUTE: rtmsg, destination, source, gateway, interface, table, hops and encapsulation."""
        data, at, end, rtattr = m.data, m.start + NLMSG_HDRLEN + RTMSG, m.end, self._rtattr_at
        last = end - 4
        head = self._rtmsg.unpack_from(data, m.start + NLMSG_HDRLEN)
        family, dst_len, src_len, tos, table, protocol, scope, type_, flags = head
        need = IP_LENGTH.get(family)
        u32, (ip, size) = self._u32_at, self._ips[need]
        absent: Any = UNSET if need is None else None  # addresses of another family are not provided
        dst = src = gateway = prefsrc = absent
        oif = priority = hops = wide = via = metrics = nexthop = encap_type = encap = None
        while at <= last:
            length, kind = rtattr(data, at)
            stop = at + length
            if length < 4 or stop > end:
                break
            kind &= NLA_TYPE_MASK
            if kind == 15:
                wide = u32(data, at + 4)[0] if length >= 8 else self.u32(m, at, at + 4, stop, "RTA_TABLE")
            elif kind == 1 and need is not None:
                dst = ip(data[at + 4 : stop]) if length == size else self.ip(m, at, at + 4, stop, "RTA_DST", need)
            elif kind == 4:
                oif = u32(data, at + 4)[0] if length >= 8 else self.u32(m, at, at + 4, stop, "RTA_OIF")
            elif kind == 6:
                priority = u32(data, at + 4)[0] if length >= 8 else self.u32(m, at, at + 4, stop, "RTA_PRIORITY")
            elif kind in {12, 20}:
                pass  # RTA_CACHEINFO and RTA_PREF, which each route of IPv6 has, are not provided
            elif kind == 5 and need is not None:
                gateway = (
                    ip(data[at + 4 : stop]) if length == size else self.ip(m, at, at + 4, stop, "RTA_GATEWAY", need)
                )
            elif kind == 7 and need is not None:
                prefsrc = (
                    ip(data[at + 4 : stop]) if length == size else self.ip(m, at, at + 4, stop, "RTA_PREFSRC", need)
                )
            elif kind == 2 and need is not None:
                src = ip(data[at + 4 : stop]) if length == size else self.ip(m, at, at + 4, stop, "RTA_SRC", need)
            elif kind == 8:
                metrics = self.parse_metrics(m, at + 4, stop)
            elif kind == 9:
                hops = self.parse_hops(m, at + 4, stop, need)
            elif kind == 18:
                via = self.parse_via(m, at, at + 4, stop, "RTA_VIA")
            elif kind == 30:
                nexthop = self.u32(m, at, at + 4, stop, "RTA_NH_ID")
            elif kind == 21:
                encap_type = self.u16(m, at, at + 4, stop, "RTA_ENCAP_TYPE")
            elif kind == 22:
                encap = data[at + 4 : stop].hex()
            at = (stop + 3) & ~3
        if at < end:
            self.rest(m, at, end)
        # fmt: off
        info = RouteInfo(
            family, dst_len, src_len, tos, protocol, scope, type_, flags, table if wide is None else wide,
            dst, src, gateway, oif, priority, hops, prefsrc, UNSET, via, nexthop, metrics, encap_type, encap,
        )
        # fmt: on
        return info, oif

    def parse_metrics(self, m: ParseContext, at: int, end: int) -> tuple[tuple[int, int | str], ...]:
        """RTA_METRICS: numbers, and the name of a congestion control."""
        metrics: list[tuple[int, int | str]] = []
        for kind, where, begin, stop in self.attributes(m, at, end, "RTA_METRICS"):
            if kind == RTAX_CC_ALGO:
                name = m.data[begin:stop].split(b"\0", 1)[0]
                metrics.append((kind, name.decode("utf-8", "backslashreplace")))
                continue
            value = self.u32(m, where, begin, stop, "RTA_METRICS")
            if value is not None:
                metrics.append((kind, value))
        return tuple(metrics)

    def parse_hops(self, m: ParseContext, at: int, end: int, need: int | None) -> tuple[NextHop, ...]:
        """RTA_MULTIPATH: a list of rtnexthop, each with attributes of its own."""
        hops = []
        while at < end:
            if end - at < RTNEXTHOP:
                if any(m.data[at:end]):
                    m.bad(at, "RTA_MULTIPATH", f"{end - at} bytes are left, a next hop has {RTNEXTHOP}")
                break
            length, flags, more, index = self._rtnexthop.unpack_from(m.data, at)
            if length < RTNEXTHOP or length > end - at:
                m.bad(at, "RTA_MULTIPATH", f"a next hop claims {length} bytes and {end - at} are left")
                break
            gateway = via = encap_type = encap = None
            for kind, where, begin, stop in self.attributes(m, at + RTNEXTHOP, at + length, "RTA_MULTIPATH"):
                if kind == RTA_GATEWAY and need is not None:
                    gateway = self.ip(m, where, begin, stop, "RTA_MULTIPATH/RTA_GATEWAY", need)
                elif kind == RTA_VIA:
                    via = self.parse_via(m, where, begin, stop, "RTA_MULTIPATH/RTA_VIA")
                elif kind == RTA_ENCAP_TYPE:
                    encap_type = self.u16(m, where, begin, stop, "RTA_MULTIPATH/RTA_ENCAP_TYPE")
                elif kind == RTA_ENCAP:
                    encap = m.data[begin:stop].hex()
            hops.append(NextHop(index, more + 1, flags, gateway, via, encap_type, encap))
            at += (length + 3) & ~3
        return tuple(hops)

    def parse_via(self, m: ParseContext, at: int, begin: int, end: int, path: str) -> str | None:
        """RTA_VIA: a gateway of another family, which comes first."""
        if end - begin < 2:
            m.bad(at, path, f"{end - begin} bytes hold no address family")
            return None
        (family,) = self._u16.unpack_from(m.data, begin)
        need = IP_LENGTH.get(family)
        if need is None:
            return f"family-{family} {m.data[begin + 2 : end].hex()}"
        address = self.ip(m, at, begin + 2, end, path, need)
        name = {AF_INET: "inet", AF_INET6: "inet6"}.get(family, family)
        return None if address is None else f"{name} {address}"

    def parse_neigh(self, m: ParseContext) -> Parsed:
        """RTM_*NEIGH: ndmsg, the two addresses, and what tells entries of a forwarding database apart."""
        data, at, end, rtattr = m.data, m.start + NLMSG_HDRLEN + NDMSG, m.end, self._rtattr_at
        last = end - 4
        family, index, state, flags, _ = self._ndmsg.unpack_from(data, m.start + NLMSG_HDRLEN)
        need = 4 if family == AF_INET else 16 if family in {AF_INET6, AF_BRIDGE} else None
        ip, size = self._ips[need]
        dst = lladdr = vlan = master = vni = src_vni = port = None
        while at <= last:
            length, kind = rtattr(data, at)
            stop = at + length
            if length < 4 or stop > end:
                break
            kind &= NLA_TYPE_MASK
            if kind == 1 and need is not None:
                if length == size:
                    dst = ip(data[at + 4 : stop])
                else:  # an entry of a forwarding database is of either family
                    own = 4 if family == AF_BRIDGE and length == 8 else need
                    dst = self.ip(m, at, at + 4, stop, "NDA_DST", own)
            elif kind == 2:
                lladdr = (
                    data[at + 4 : stop].hex(":") if length <= 36 else self.link_address(m, at, at + 4, stop, LLADDR)
                )
            elif kind in {3, 4}:
                pass  # NDA_CACHEINFO and NDA_PROBES, which each entry has, are not provided
            elif kind == 5:
                vlan = self.u16(m, at, at + 4, stop, "NDA_VLAN")
            elif kind == 6:
                if length < 6:
                    m.bad(at, "NDA_PORT", f"{length - 4} bytes are no port")
                    port = None
                else:
                    port = int.from_bytes(data[at + 4 : at + 6], "big")
            elif kind == 7:
                vni = self.u32(m, at, at + 4, stop, "NDA_VNI")
            elif kind == 9:
                master = self.u32(m, at, at + 4, stop, "NDA_MASTER")
            elif kind == 11:
                src_vni = self.u32(m, at, at + 4, stop, "NDA_SRC_VNI")
            at = (stop + 3) & ~3
        if at < end:
            self.rest(m, at, end)
        info = NeighInfo(family, index, state, flags, dst, lladdr, vlan, UNSET, master, vni, src_vni, port)
        return info, index

    def parse_rule(self, m: ParseContext) -> Parsed:
        """RTM_*RULE: fib_rule_hdr and all that tells rules apart. A suppressor of -1 is none."""
        head = self._fib_rule_hdr.unpack_from(m.data, m.start + NLMSG_HDRLEN)
        family, dst_len, src_len, tos, table, action, flags = head
        need = IP_LENGTH.get(family)
        found: dict[str, Any] = {}
        for kind, at, begin, end in self.attributes(m, m.start + NLMSG_HDRLEN + FIB_RULE_HDR, m.end):
            if kind in RULE_NUMBERS:
                field, name, read = RULE_NUMBERS[kind]
                found[field] = getattr(self, read)(m, at, begin, end, name)
            elif kind == FRA_DST and need is not None:
                found["dst"] = self.ip(m, at, begin, end, "FRA_DST", need) if begin < end else None  # to all
            elif kind == FRA_SRC and need is not None:
                found["src"] = self.ip(m, at, begin, end, "FRA_SRC", need) if begin < end else None  # from all
            elif kind == FRA_IIFNAME:
                found["iifname"] = self.name_of(m, at, begin, end, "FRA_IIFNAME", IFNAMSIZ - 1)
            elif kind == FRA_TUN_ID:
                found["tun_id"] = self.parse_tunnel(m, at, begin, end)
            elif kind == FRA_OIFNAME:
                found["oifname"] = self.name_of(m, at, begin, end, "FRA_OIFNAME", IFNAMSIZ - 1)
            elif kind == FRA_UID_RANGE:
                found["uid_range"] = self.pair(m, at, begin, end, "FRA_UID_RANGE", self._u32_pair)
            elif kind == FRA_SPORT_RANGE:
                found["sport_range"] = self.pair(m, at, begin, end, "FRA_SPORT_RANGE", self._u16_pair)
            elif kind == FRA_DPORT_RANGE:
                found["dport_range"] = self.pair(m, at, begin, end, "FRA_DPORT_RANGE", self._u16_pair)
        wide = found.pop("table", None)
        return RuleInfo(family, dst_len, src_len, tos, action, flags, table if wide is None else wide, **found), None

    def parse_tunnel(self, m: ParseContext, at: int, begin: int, end: int) -> int | None:
        """FRA_TUN_ID: the identifier of a tunnel, in network byte order."""
        if end - begin < 8:
            m.bad(at, "FRA_TUN_ID", f"{end - begin} bytes are no 64-bit number")
            return None
        return int.from_bytes(m.data[begin : begin + 8], "big")
