"""Decodes rtnetlink's neighbouring groups, which are joined on request.

Not here: the five kinds of messages that every monitor reads (``route``), and joining (``nlmon.backends.groups``).
"""

from __future__ import annotations

import struct
from types import MappingProxyType

from nlmon.backends.libnl.decode.attributes import Decoder, Found
from nlmon.backends.libnl.policies import Attr
from nlmon.backends.libnl.policies import network as policies
from nlmon.backends.libnl.policies.addresses import ip_text
from nlmon.backends.libnl.policies.readers import DecodeContext, Reader, address
from nlmon.backends.libnl.uapi import (
    AF_INET,
    AF_INET6,
    BR_PORT_MSG,
    IF_STATS_MSG,
    NETCONFMSG,
    NHMSG,
    NLMSG_HDRLEN,
    PREFIXMSG,
    RTGENMSG,
    TCMSG,
)
from nlmon.backends.reads import Node
from nlmon.events import MdbEntry, MdbInfo, NetconfInfo, NexthopInfo, NsidInfo, PrefixInfo, StatsInfo, TcInfo

__all__ = ["NetworkDecoder"]

ADDRESS_LENGTH = {AF_INET: 4, AF_INET6: 16}
ETH_P_IP, ETH_P_IPV6 = 0x0800, 0x86DD
MDBA_MDB_ENTRY = MDBA_MDB_ENTRY_INFO = 1
BR_MDB_ENTRY = 26


class NetworkDecoder(Decoder, layouts=True):
    """Decoder of the messages of these groups for one byte order."""

    tc_policy = policies.TC
    nexthop_policy = policies.NEXTHOP
    nsid_policy = policies.NSID
    prefix_policy = policies.PREFIX
    mdb_policy = policies.MDB
    netconf_policy = policies.NETCONF
    stats_policy = policies.STATS

    uses = MappingProxyType(
        {
            name: (f"{name}_policy", frozenset[str]())
            for name in ("tc", "nexthop", "nsid", "prefix", "mdb", "netconf", "stats")
        }
    )

    def __init__(self, byteorder: str) -> None:
        super().__init__(byteorder)
        sign = self.sign
        self._tcmsg = struct.Struct(sign + "BxxxiIII").unpack_from
        self._nhmsg = struct.Struct(sign + "BBBxI").unpack_from
        self._prefixmsg = struct.Struct(sign + "BxxxiBBB").unpack_from
        self._port = struct.Struct(sign + "BxxxI").unpack_from
        self._stats = struct.Struct(sign + "BxxxII").unpack_from
        self._grp = struct.Struct(sign + "IBB").unpack_from
        self._mdb_entry = struct.Struct(sign + "IBBH").unpack_from

    def tc(self, m: DecodeContext, start: int, end: int) -> Found:
        """tcmsg and TCA_*: a qdisc, class, filter or chain."""
        family, ifindex, handle, parent, info = self._tcmsg(m.data, start + NLMSG_HDRLEN)
        v = self.values(m, self.tc_policy, 0, start + NLMSG_HDRLEN + TCMSG, end)
        return TcInfo(family, ifindex, handle, parent, info, *v), ifindex, None

    def nexthop(self, m: DecodeContext, start: int, end: int) -> Found:
        """nhmsg and NHA_*."""
        family, scope, protocol, flags = self._nhmsg(m.data, start + NLMSG_HDRLEN)
        v = self.values(m, self.nexthop_policy, family, start + NLMSG_HDRLEN + NHMSG, end)
        return NexthopInfo(family, scope, protocol, flags, *v), v[4], None

    def nsid(self, m: DecodeContext, start: int, end: int) -> Found:
        """rtgenmsg and NETNSA_*."""
        at = start + NLMSG_HDRLEN
        return NsidInfo(m.data[at], *self.values(m, self.nsid_policy, 0, at + RTGENMSG, end)), None, None

    def prefix(self, m: DecodeContext, start: int, end: int) -> Found:
        """prefixmsg and PREFIX_*."""
        family, ifindex, kind, length, flags = self._prefixmsg(m.data, start + NLMSG_HDRLEN)
        v = self.values(m, self.prefix_policy, family, start + NLMSG_HDRLEN + PREFIXMSG, end)
        return PrefixInfo(family, ifindex, kind, length, flags, *v), ifindex, None

    def mdb(self, m: DecodeContext, start: int, end: int) -> Found:
        """br_port_msg and MDBA_*."""
        family, ifindex = self._port(m.data, start + NLMSG_HDRLEN)
        v = self.values(m, self.mdb_policy, 0, start + NLMSG_HDRLEN + BR_PORT_MSG, end)
        return MdbInfo(family, ifindex, *v), ifindex, None

    def netconf(self, m: DecodeContext, start: int, end: int) -> Found:
        """netconfmsg and NETCONFA_*."""
        at = start + NLMSG_HDRLEN
        v = self.values(m, self.netconf_policy, 0, at + NETCONFMSG, end)
        return NetconfInfo(m.data[at], *v), v[0], None

    def stats(self, m: DecodeContext, start: int, end: int) -> Found:
        """if_stats_msg and IFLA_STATS_LINK_64."""
        family, ifindex, mask = self._stats(m.data, start + NLMSG_HDRLEN)
        v = self.values(m, self.stats_policy, 0, start + NLMSG_HDRLEN + IF_STATS_MSG, end)
        return StatsInfo(family, ifindex, mask, *v), ifindex, None

    def reader(self, row: Attr, family: int) -> tuple[int, Reader] | None:
        """Adds addresses, groups of next hops, and the multicast database."""
        if row.kind == "ip":
            length = ADDRESS_LENGTH.get(family)
            return None if length is None else (0, address(row.path, length))
        special = {"nexthop_group": self._group, "mdb": self._mdb}
        return (0, special[row.kind]) if row.kind in special else super().reader(row, family)

    def node(self, row: Attr, family: int) -> Node:
        """The entries of the multicast database, of which the structure is read and no attribute behind it."""
        if row.kind == "mdb":
            entry = Node({}, begin=(BR_MDB_ENTRY + 3) & ~3)
            return Node({MDBA_MDB_ENTRY: Node({MDBA_MDB_ENTRY_INFO: entry})})
        return super().node(row, family)

    def _group(self, m: DecodeContext, at: int, begin: int, end: int) -> tuple[tuple[int, int], ...]:
        """struct nexthop_grp: an id, and a weight less 1, whose upper byte newer kernels fill."""
        if (end - begin) % 8:
            m.bad(at, "NHA_GROUP", f"{end - begin} bytes are no whole number of members of 8")
        members = (self._grp(m.data, place) for place in range(begin, end - 7, 8))
        return tuple((number, (high << 8 | low) + 1) for number, low, high in members)

    def _mdb(self, m: DecodeContext, _: int, begin: int, end: int) -> tuple[MdbEntry, ...]:
        found: list[MdbEntry] = []
        for kind, _at, first, last in self.children(m, begin, end, "MDBA_MDB"):
            if kind != MDBA_MDB_ENTRY:
                continue
            for inner, at, entry, stop in self.children(m, first, last, "MDBA_MDB/MDBA_MDB_ENTRY"):
                if inner != MDBA_MDB_ENTRY_INFO:
                    continue
                if stop - entry < BR_MDB_ENTRY:
                    m.bad(at, "MDBA_MDB/MDBA_MDB_ENTRY/MDBA_MDB_ENTRY_INFO", f"{stop - entry} bytes are no entry")
                    continue
                found.append(self._mdb_one(m, entry))
        return tuple(found)

    def _mdb_one(self, m: DecodeContext, at: int) -> MdbEntry:
        """struct br_mdb_entry: the kind of address is given by the protocol behind it, which is big-endian."""
        ifindex, state, flags, vid = self._mdb_entry(m.data, at)
        protocol = int.from_bytes(m.data[at + 24 : at + 26], "big")
        raw = m.data[at + 8 : at + 24]
        if protocol in {ETH_P_IP, ETH_P_IPV6}:
            group = ip_text(raw[:4] if protocol == ETH_P_IP else raw)
        else:
            group = raw[:6].hex(":")
        return MdbEntry(ifindex, state, flags, vid, protocol, group)
