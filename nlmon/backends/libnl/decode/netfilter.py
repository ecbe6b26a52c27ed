"""Decodes connection tracking: flows with both tuples, and expectations (linux/netfilter/nfnetlink_conntrack.h).

Not here: the other subsystems of netfilter, which give no event and are counted by name.
"""

from __future__ import annotations

from types import MappingProxyType

from nlmon.backends.libnl.decode.attributes import Decoder, Found
from nlmon.backends.libnl.policies import Attr
from nlmon.backends.libnl.policies import netfilter as policies
from nlmon.backends.libnl.policies.readers import DecodeContext, Reader, address
from nlmon.backends.libnl.uapi import NFGENMSG, NLMSG_HDRLEN
from nlmon.backends.reads import Node
from nlmon.events import ConntrackInfo, ExpectInfo, FlowTuple

__all__ = ["NetfilterDecoder"]

NO_TUPLE = FlowTuple()


class NetfilterDecoder(Decoder, layouts=True):
    """Decoder of NFNL_SUBSYS_CTNETLINK and NFNL_SUBSYS_CTNETLINK_EXP for one byte order of the message header."""

    conntrack_policy = policies.CONNTRACK
    expect_policy = policies.EXPECT
    tuple_policy = policies.TUPLE

    of_families = False
    uses = MappingProxyType({name: (f"{name}_policy", frozenset[str]()) for name in ("conntrack", "expect")})

    def conntrack(self, m: DecodeContext, start: int, end: int) -> Found:
        """nfgenmsg and CTA_*: one tracked flow."""
        at = start + NLMSG_HDRLEN
        v = self.values(m, self.conntrack_policy, 0, at + NFGENMSG, end)
        one = v[0] or NO_TUPLE
        info = ConntrackInfo(
            *(m.data[at], one.protocol, v[1], one.src_addr, one.dst_addr, one.src_port, one.dst_port),
            *v[2:7],
            *(one.icmp_type, one.icmp_code, one.icmp_id, *v[7:11], one.zone),
            *v[11:],
        )
        return info, None, None

    def expect(self, m: DecodeContext, start: int, end: int) -> Found:
        """nfgenmsg and CTA_EXPECT_*: one expected flow."""
        at = start + NLMSG_HDRLEN
        return ExpectInfo(m.data[at], *self.values(m, self.expect_policy, 0, at + NFGENMSG, end)), None, None

    def reader(self, row: Attr, family: int) -> tuple[int, Reader] | None:
        """Adds tuples and their addresses."""
        if row.kind == "tuple":
            return 0, self._tuple(row.path)
        if row.kind in {"ip4", "ip6"}:
            return 0, address(row.path, 4 if row.kind == "ip4" else 16)
        return super().reader(row, family)

    def node(self, row: Attr, family: int) -> Node:
        """Tuples, which have attributes of their own."""
        return Node(self.attributes(self.tuple_policy, family)) if row.kind == "tuple" else super().node(row, family)

    def _tuple(self, path: str) -> Reader:
        def read(m: DecodeContext, _: int, begin: int, end: int) -> FlowTuple:
            return FlowTuple(*self.values(m, self.tuple_policy, 0, begin, end, path))

        return read
