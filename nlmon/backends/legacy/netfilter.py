"""Parses connection tracking by hand: the fields of the guide's structure, from the original direction.

Numbers: linux/netfilter/nfnetlink_conntrack.h. Everything in it is big-endian.

Not here: the reply direction, expectations, and netfilter's other subsystems.
"""

from __future__ import annotations

from typing import NamedTuple

from nlmon.backends.legacy.reading import NLMSG_HDRLEN, ParseContext, Parsed, Reader
from nlmon.events import ConntrackInfo

__all__ = ["NFGENMSG", "NetfilterParser"]

NFGENMSG = 4
CTA_TUPLE_ORIG, CTA_PROTOINFO, CTA_MARK, CTA_COUNTERS_ORIG, CTA_COUNTERS_REPLY = 1, 4, 8, 9, 10
CTA_TUPLE_IP, CTA_TUPLE_PROTO = 1, 2
CTA_IP_V4_SRC, CTA_IP_V4_DST, CTA_IP_V6_SRC, CTA_IP_V6_DST = 1, 2, 3, 4
CTA_PROTO_NUM, CTA_PROTO_SRC_PORT, CTA_PROTO_DST_PORT = 1, 2, 3
CTA_PROTOINFO_TCP, CTA_PROTOINFO_TCP_STATE = 1, 1
CTA_COUNTERS_PACKETS, CTA_COUNTERS_BYTES = 1, 2

# Where nested attributes stand.
IP, PROTO = "CTA_TUPLE_ORIG/CTA_TUPLE_IP", "CTA_TUPLE_ORIG/CTA_TUPLE_PROTO"
TCP = "CTA_PROTOINFO/CTA_PROTOINFO_TCP"
IP4_SRC, IP4_DST, IP6_SRC, IP6_DST = (f"{IP}/CTA_IP_{end}" for end in ("V4_SRC", "V4_DST", "V6_SRC", "V6_DST"))
NUM, SRC_PORT, DST_PORT = (f"{PROTO}/CTA_PROTO_{end}" for end in ("NUM", "SRC_PORT", "DST_PORT"))
TCP_STATE = f"{TCP}/CTA_PROTOINFO_TCP_STATE"


class Tuple(NamedTuple):
    """CTA_TUPLE_ORIG."""

    src: str | None = None
    dst: str | None = None
    protocol: int | None = None
    src_port: int | None = None
    dst_port: int | None = None


class Counters(NamedTuple):
    """CTA_COUNTERS_*: of one direction."""

    packets: int | None = None
    bytes: int | None = None


class NetfilterParser(Reader):
    """Tracked flows."""

    def parse_conntrack(self, m: ParseContext) -> Parsed:
        """nfgenmsg, one tuple, the TCP state, the mark and four counters."""
        family = m.data[m.start + NLMSG_HDRLEN]
        tcp_state = mark = None
        flow = Tuple()
        original = reply = Counters()
        for kind, at, begin, end in self.attributes(m, m.start + NLMSG_HDRLEN + NFGENMSG, m.end):
            if kind == CTA_TUPLE_ORIG:
                flow = self.parse_tuple(m, begin, end)
            elif kind == CTA_PROTOINFO:
                tcp_state = self.parse_protoinfo(m, begin, end)
            elif kind == CTA_MARK:
                mark = self.big(m, at, begin, end, "CTA_MARK", 4)
            elif kind == CTA_COUNTERS_ORIG:
                original = self.parse_counters(m, begin, end, "CTA_COUNTERS_ORIG")
            elif kind == CTA_COUNTERS_REPLY:
                reply = self.parse_counters(m, begin, end, "CTA_COUNTERS_REPLY")
        info = ConntrackInfo(
            family,
            protocol=flow.protocol,
            tcp_state=tcp_state,
            src_addr=flow.src,
            dst_addr=flow.dst,
            src_port=flow.src_port,
            dst_port=flow.dst_port,
            mark=mark,
            packets_orig=original.packets,
            bytes_orig=original.bytes,
            packets_reply=reply.packets,
            bytes_reply=reply.bytes,
        )
        return info, None

    def parse_tuple(self, m: ParseContext, begin: int, end: int) -> Tuple:
        """CTA_TUPLE_ORIG: source, destination, protocol, and the two ports."""
        src = dst = protocol = src_port = dst_port = None
        data, (ip4, size4), (ip6, size6) = m.data, self._ips[4], self._ips[16]
        for kind, _, first, last in self.attributes(m, begin, end, "CTA_TUPLE_ORIG"):
            if kind == CTA_TUPLE_IP:
                src = dst = None  # of an attribute that stands twice the last one counts
                for inner, at, one, stop in self.attributes(m, first, last, IP):
                    if inner == CTA_IP_V4_SRC:
                        src = ip4(data[one:stop]) if stop - at == size4 else self.ip(m, at, one, stop, IP4_SRC, 4)
                    elif inner == CTA_IP_V4_DST:
                        dst = ip4(data[one:stop]) if stop - at == size4 else self.ip(m, at, one, stop, IP4_DST, 4)
                    elif inner == CTA_IP_V6_SRC:
                        src = ip6(data[one:stop]) if stop - at == size6 else self.ip(m, at, one, stop, IP6_SRC, 16)
                    elif inner == CTA_IP_V6_DST:
                        dst = ip6(data[one:stop]) if stop - at == size6 else self.ip(m, at, one, stop, IP6_DST, 16)
            elif kind == CTA_TUPLE_PROTO:
                protocol = src_port = dst_port = None
                for inner, at, one, stop in self.attributes(m, first, last, PROTO):
                    if inner == CTA_PROTO_NUM:
                        protocol = self.u8(m, at, one, stop, NUM)
                    elif inner == CTA_PROTO_SRC_PORT:
                        src_port = self.big(m, at, one, stop, SRC_PORT, 2)
                    elif inner == CTA_PROTO_DST_PORT:
                        dst_port = self.big(m, at, one, stop, DST_PORT, 2)
        return Tuple(src, dst, protocol, src_port, dst_port)

    def parse_protoinfo(self, m: ParseContext, begin: int, end: int) -> int | None:
        """CTA_PROTOINFO: the state of a TCP connection."""
        state = None
        for kind, _, first, last in self.attributes(m, begin, end, "CTA_PROTOINFO"):
            if kind != CTA_PROTOINFO_TCP:
                continue
            state = None
            for inner, at, one, stop in self.attributes(m, first, last, TCP):
                if inner == CTA_PROTOINFO_TCP_STATE:
                    state = self.u8(m, at, one, stop, TCP_STATE)
        return state

    def parse_counters(self, m: ParseContext, begin: int, end: int, path: str) -> Counters:
        """CTA_COUNTERS_*: packets and bytes of one direction."""
        packets = bytes_ = None
        for kind, at, first, last in self.attributes(m, begin, end, path):
            if kind == CTA_COUNTERS_PACKETS:
                packets = self.big(m, at, first, last, f"{path}/CTA_COUNTERS_PACKETS", 8)
            elif kind == CTA_COUNTERS_BYTES:
                bytes_ = self.big(m, at, first, last, f"{path}/CTA_COUNTERS_BYTES", 8)
        return Counters(packets, bytes_)

    def big(self, m: ParseContext, at: int, begin: int, end: int, path: str, size: int) -> int | None:
        """A big-endian number of ``size`` bytes."""
        if end - begin < size:
            m.bad(at, path, f"{end - begin} bytes are no number of {size}")
            return None
        return int.from_bytes(m.data[begin : begin + size], "big")
