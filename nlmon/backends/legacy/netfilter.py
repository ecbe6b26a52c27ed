"""Parses connection tracking by hand: the fields of the guide's structure, from the original direction.

Numbers: linux/netfilter/nfnetlink_conntrack.h. Everything in it is big-endian.

Not here: the reply direction, expectations, and netfilter's other subsystems.
"""

from __future__ import annotations

from nlmon.backends.legacy.reading import Message, Parsed, Reader
from nlmon.events import ConntrackInfo

__all__ = ["NetfilterParser"]


class NetfilterParser(Reader):
    """Tracked flows."""

    def parse_conntrack(self, m: Message) -> Parsed:
        """nfgenmsg, one tuple, the TCP state, the mark and four counters."""
        family = m.data[m.start + 16]
        tcp_state = mark = None
        tuple_: list[int | str | None] = [None] * 5
        original: list[int | None] = [None, None]
        reply: list[int | None] = [None, None]
        for kind, at, begin, end in self.attributes(m, m.start + 20, m.end):
            if kind == 1:
                tuple_ = self.parse_tuple(m, begin, end)
            elif kind == 4:
                tcp_state = self.parse_protoinfo(m, begin, end, tcp_state)
            elif kind == 8:
                mark = self.big(m, at, begin, end, "CTA_MARK", 4)
            elif kind == 9:
                self.parse_counters(m, begin, end, "CTA_COUNTERS_ORIG", original)
            elif kind == 10:
                self.parse_counters(m, begin, end, "CTA_COUNTERS_REPLY", reply)
        src, dst, protocol, sport, dport = tuple_
        return (
            ConntrackInfo(family, protocol, tcp_state, src, dst, sport, dport, mark, *original, *reply),  # type: ignore[arg-type]
            None,
        )

    def parse_tuple(self, m: Message, begin: int, end: int) -> list[int | str | None]:
        """CTA_TUPLE_ORIG: source, destination, protocol, and the two ports."""
        found: list[int | str | None] = [None] * 5
        for kind, _, first, last in self.attributes(m, begin, end, "CTA_TUPLE_ORIG"):
            if kind == 1:
                path = "CTA_TUPLE_ORIG/CTA_TUPLE_IP"
                for inner, at, one, stop in self.attributes(m, first, last, path):
                    if inner in {1, 2, 3, 4}:
                        name = ("CTA_IP_V4_SRC", "CTA_IP_V4_DST", "CTA_IP_V6_SRC", "CTA_IP_V6_DST")[inner - 1]
                        found[(inner - 1) % 2] = self.ip(m, at, one, stop, f"{path}/{name}", 4 if inner < 3 else 16)
            elif kind == 2:
                path = "CTA_TUPLE_ORIG/CTA_TUPLE_PROTO"
                for inner, at, one, stop in self.attributes(m, first, last, path):
                    if inner == 1:
                        found[2] = self.u8(m, at, one, stop, f"{path}/CTA_PROTO_NUM")
                    elif inner == 2:
                        found[3] = self.big(m, at, one, stop, f"{path}/CTA_PROTO_SRC_PORT", 2)
                    elif inner == 3:
                        found[4] = self.big(m, at, one, stop, f"{path}/CTA_PROTO_DST_PORT", 2)
        return found

    def parse_protoinfo(self, m: Message, begin: int, end: int, state: int | None) -> int | None:
        """CTA_PROTOINFO: the state of a TCP connection."""
        for kind, _, first, last in self.attributes(m, begin, end, "CTA_PROTOINFO"):
            if kind != 1:
                continue
            path = "CTA_PROTOINFO/CTA_PROTOINFO_TCP"
            for inner, at, one, stop in self.attributes(m, first, last, path):
                if inner == 1:
                    state = self.u8(m, at, one, stop, f"{path}/CTA_PROTOINFO_TCP_STATE")
        return state

    def parse_counters(self, m: Message, begin: int, end: int, path: str, found: list[int | None]) -> None:
        """CTA_COUNTERS_*: packets and bytes of one direction."""
        for kind, at, first, last in self.attributes(m, begin, end, path):
            if kind == 1:
                found[0] = self.big(m, at, first, last, f"{path}/CTA_COUNTERS_PACKETS", 8)
            elif kind == 2:
                found[1] = self.big(m, at, first, last, f"{path}/CTA_COUNTERS_BYTES", 8)

    def big(self, m: Message, at: int, begin: int, end: int, path: str, size: int) -> int | None:
        """A big-endian number of ``size`` bytes."""
        if end - begin < size:
            m.bad(at, path, f"{end - begin} bytes are no number of {size}")
            return None
        return int.from_bytes(m.data[begin : begin + size], "big")
