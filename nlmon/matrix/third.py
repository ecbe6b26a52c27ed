"""What the bytes of a message hold, for every field of its kind: the third reading, of what both give as well.

Rules:
1. No implementation's decoder is called. What the bytes leave open is ``UNJUDGED``, and nobody is wrong then.
2. The markers are those of ``nlmon.compare.evidence.reading``: ``ABSENT``, ``PRESENT``, ``UNFIT`` and ``UNJUDGED``.

Not here: who says what (``judging``).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import structs

from nlmon.compare.contract import Contract, Field, Kind
from nlmon.compare.evidence.offsets import ATTRIBUTES, header_size
from nlmon.compare.evidence.reading import ABSENT, UNFIT, UNJUDGED, FieldReader, Message, Row
from nlmon.compare.evidence.values import ADDRESS_LENGTH, ip_text
from nlmon.compare.pair import Pair
from nlmon.compare.statement import Statement
from nlmon.events import NextHop
from nlmon.framing import align, attributes, walk_attributes
from nlmon.matrix.encodings import ENCODINGS
from nlmon.uapi import AF_BRIDGE, AF_INET, AF_INET6, AF_MPLS, NLMSG_HDRLEN

__all__ = ["ThirdReading"]

# linux/rtnetlink.h: the size of rtnexthop, and the metric that is a name.
RTNEXTHOP, RTAX_CC_ALGO, NLA_HDRLEN = 8, 16, 4
# linux/rtnetlink.h: RTNL_FAMILY_IPMR and RTNL_FAMILY_IP6MR, whose addresses are those of
ROUTED = {128: AF_INET, 129: AF_INET6}
FAMILIES = {AF_INET: "inet", AF_INET6: "inet6"}
# Two that share no field, so that every one is read from the bytes.
NOBODY = Statement("neither", {}, frozenset()), Statement("nor", {}, frozenset())


class ThirdReading:
    """Reads messages of one recording. ``kinds``: the kinds of the contract, with an encoding wherever one is known."""

    def __init__(self, contract: Contract, byteorder: Literal["little", "big"]) -> None:
        self._order: Literal["little", "big"] = byteorder
        self._sign = "<" if byteorder == "little" else ">"
        self.kinds = {name: _readable(kind) for name, kind in contract.kinds.items()}
        self._reader = FieldReader(Pair(structs.replace(contract, kinds=self.kinds), NOBODY), byteorder)
        self._special: Mapping[str, Callable[[Row, Message, int], Any]] = {
            "route.dst": self._destination,
            "route.via": self._via,
            "route.metrics": self._metrics,
            "route.multipath": self._multipath,
            "neigh.dst": self._far_end,
            "rule.sport_range": self._ports,
            "rule.dport_range": self._ports,
            "conntrack.src_addr": self._any_address,
            "conntrack.dst_addr": self._any_address,
        }

    def message(self, data: bytes, at: int, end: int, msg_type: int) -> Message:
        """A message of a datagram."""
        return Message(data, at, end, msg_type, self._order)

    def expected(self, kind: str, payload: object, message: Message) -> dict[str, Any]:
        """What each field must be, by name; ``payload`` says of a socket which kind it is."""
        begin = message.at + NLMSG_HDRLEN
        family = message.data[begin] if begin < message.end else 0
        family = ROUTED.get(family, family)
        if kind.startswith("xfrm"):
            family = getattr(payload, "family", family)
        return {row.field.name: self._one(kind, row, message, family) for row in self._reader.rows(kind, payload)}

    def _one(self, kind: str, row: Row, message: Message, family: int) -> Any:
        read = self._special.get(f"{kind}.{row.field.name}")
        if read is None:
            return self._reader.expected(row, message, family)
        try:
            return read(row, message, family)
        except LookupError:
            return UNJUDGED
        except (struct.error, ValueError):
            return UNFIT

    def whole(self, kind: str, message: Message, expected: Mapping[str, Any]) -> bool:
        """Whether a message is well-formed: its header, its attributes one by one, and every value that is read."""
        rows = self._reader.rows(kind, None)
        named = next((row.attribute for row in rows if row.attribute), "")
        if not named or UNFIT in expected.values():
            return False
        begin = message.at + NLMSG_HDRLEN + header_size(named, message.msg_type)
        if begin > message.end:
            return False
        found = walk_attributes(message.data, begin, message.end, self._order)
        return message.end - align(found[-1][2] if found else begin) < NLA_HDRLEN

    # -- values that are lists, or depend on others ------------------------------------------------------------

    def _destination(self, row: Row, message: Message, family: int) -> Any:
        if family == AF_MPLS:
            row = row._replace(field=structs.replace(row.field, encoding="labels"))
        return self._reader.expected(row, message, family)

    def _raw(self, row: Row, message: Message) -> bytes | None:
        found = message.find(row)
        return None if found is None else found[0]

    def _far_end(self, row: Row, message: Message, family: int) -> Any:
        return self._any_address(row, message, family) if family in {AF_BRIDGE, AF_INET, AF_INET6} else UNJUDGED

    def _any_address(self, row: Row, message: Message, family: int) -> Any:
        raw = self._raw(row, message)
        if raw is None:
            return ABSENT
        return ip_text(raw) if len(raw) == ADDRESS_LENGTH.get(family, len(raw)) else UNFIT

    def _ports(self, row: Row, message: Message, family: int) -> Any:
        """struct fib_rule_port_range: two numbers in the machine's byte order."""
        raw = self._raw(row, message)
        return ABSENT if raw is None else struct.unpack_from(self._sign + "2H", raw)

    def _via(self, row: Row, message: Message, family: int) -> Any:
        raw = self._raw(row, message)
        return ABSENT if raw is None else self._gateway(raw)

    def _gateway(self, raw: bytes) -> Any:
        """struct rtvia: a family and an address of it."""
        (family,) = struct.unpack_from(self._sign + "H", raw)
        if family not in FAMILIES:
            return UNJUDGED
        return f"{FAMILIES[family]} {ip_text(raw[2:])}" if len(raw) == 2 + ADDRESS_LENGTH[family] else UNFIT

    def _metrics(self, row: Row, message: Message, family: int) -> Any:
        raw = self._raw(row, message)
        if raw is None:
            return ABSENT
        found: list[tuple[int, int | str]] = []
        for number, at, end in walk_attributes(raw, 0, len(raw), self._order):
            if number == RTAX_CC_ALGO:
                found.append((number, raw[at:end].split(b"\0", 1)[0].decode("utf-8", "backslashreplace")))
            else:
                found.append((number, *struct.unpack(self._sign + "I", raw[at:end])))
        return tuple(found)

    def _multipath(self, row: Row, message: Message, family: int) -> Any:
        raw = self._raw(row, message)
        if raw is None:
            return ABSENT
        at, found = 0, []
        while len(raw) - at >= RTNEXTHOP:
            length, flags, more, ifindex = struct.unpack_from(self._sign + "HBBi", raw, at)
            if not RTNEXTHOP <= length <= len(raw) - at:
                return UNFIT
            inner = attributes(raw, at + RTNEXTHOP, at + length, self._order)
            hop = {name: inner.get(ATTRIBUTES[f"RTA_{name.upper()}"]) for name in HOP}
            values = {
                name: self._of_hop(name, raw[place[0] : place[1]], family) for name, place in hop.items() if place
            }
            if UNFIT in values.values():
                return UNFIT
            if UNJUDGED in values.values():
                return UNJUDGED
            found.append(NextHop(ifindex, more + 1, flags, **values))
            at += align(length)
        return tuple(found)

    def _of_hop(self, name: str, raw: bytes, family: int) -> Any:
        if name == "gateway":
            length = ADDRESS_LENGTH.get(family)
            return UNJUDGED if length is None else ip_text(raw) if len(raw) == length else UNFIT
        if name == "via":
            return self._gateway(raw)
        return raw.hex() if name == "encap" else struct.unpack_from(self._sign + "H", raw)[0]


HOP = ("gateway", "via", "encap_type", "encap")


def _readable(kind: Kind) -> Kind:
    """A kind with an encoding of every field for which one is known."""
    return structs.replace(kind, fields=tuple(_encoded(kind.name, field) for field in kind.fields))


def _encoded(kind: str, field: Field) -> Field:
    return structs.replace(field, encoding=ENCODINGS.get(f"{kind}.{field.name}", field.encoding))
