"""Compiles policies into decoders, and decodes the five kinds of route messages with them.

A policy becomes, per family and byte order, a table from attribute number to the smallest payload, the path,
and the readers with the slots of their fields. One walk over the attributes fills the slots; what lacks an
attribute stays None.

Rules of this file:
1. Families decide how addresses are read, so tables are compiled per family, once, when first needed.
2. The walk checks every length before a reader sees the payload.

Not here: the messages of a datagram (``backend``).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from nlmon.backends.libnl import policy as policies
from nlmon.backends.libnl.policy import Attr, Policy
from nlmon.backends.libnl.readers import Reader, Reading, address, label_stack, plain_readers, string
from nlmon.backends.libnl.resolve import fixed_header, numbers
from nlmon.events import UNSET, AddrInfo, LinkInfo, NeighInfo, NextHop, Payload, RouteInfo, RuleInfo

__all__ = ["RouteDecoder"]

INET, BRIDGE, INET6, MPLS, IPMR, IP6MR = 2, 7, 10, 28, 128, 129
ADDRESS_LENGTH = {INET: 4, INET6: 16, IPMR: 4, IP6MR: 16}
NAMES = {INET: "inet", INET6: "inet6", MPLS: "mpls"}
TYPE_MASK = 0x3FFF  # NLA_TYPE_MASK: the two top bits say nested and byte order
RTAX_CC_ALGO = 16
IFLA_ALT_IFNAME = 53
NLMSGHDR = 16


class Entry(NamedTuple):
    """What the table holds for one attribute number."""

    minimum: int
    path: str
    fields: tuple[tuple[int, Reader], ...]
    nested: Mapping[int, Entry] | None


Table: TypeAlias = Mapping[int, Entry]


class RouteDecoder:
    """Decoders of link, address, route, neighbour and rule messages for one byte order."""

    def __init__(self, byteorder: str) -> None:
        self._sign = "<" if byteorder == "little" else ">"
        self._attr = struct.Struct(self._sign + "HH").unpack_from
        self._nexthop = struct.Struct(self._sign + "HBBi").unpack_from
        self._u16 = struct.Struct(self._sign + "H").unpack_from
        self._u32 = struct.Struct(self._sign + "I").unpack_from
        self._plain = plain_readers(self._sign)
        self._tables: dict[tuple[str, int], Table] = {}
        self._headers: dict[str, Any] = {}

    # -- messages: bytes to payload and interface index --------------------------------------------------------

    def link(self, m: Reading, start: int, end: int) -> tuple[Payload, int]:
        """ifinfomsg and its attributes."""
        family, kind, index, flags, change = self._header("LINK")(m.data, start + NLMSGHDR)
        v = self._walk(m, "LINK", family, start + NLMSGHDR + 16, end)
        v[5:5] = kind, change
        return LinkInfo(family, index, flags, *v), index

    def addr(self, m: Reading, start: int, end: int) -> tuple[Payload, int]:
        """ifaddrmsg and its attributes; the own address is IFA_LOCAL where there is one (linux/if_addr.h)."""
        family, prefixlen, flags, scope, index = self._header("ADDR")(m.data, start + NLMSGHDR)
        local, remote, label, wide, *more = self._walk(m, "ADDR", family, start + NLMSGHDR + 8, end, UNSET)
        if local is UNSET:
            own, peer = remote, None
        else:
            # A local address that could not be read is not known; the other one is the peer's.
            own, peer = local, remote if local is not None and remote != local else None
        flags = flags if wide is None else wide
        index = index if index < 1 << 31 else index - (1 << 32)
        return AddrInfo(family, index, prefixlen, scope, own, peer, label, flags, *more), index

    def route(self, m: Reading, start: int, end: int) -> tuple[Payload, int | None]:
        """rtmsg and its attributes; tables above 255 are only in RTA_TABLE."""
        header = self._header("ROUTE")(m.data, start + NLMSGHDR)
        family, dst_len, src_len, tos, short, protocol, scope, kind, flags = header
        table, *v = self._walk(m, "ROUTE", family, start + NLMSGHDR + 12, end)
        table = short if table is None else table
        return RouteInfo(family, dst_len, src_len, tos, protocol, scope, kind, flags, table, *v), v[3]

    def neigh(self, m: Reading, start: int, end: int) -> tuple[Payload, int]:
        """ndmsg and its attributes."""
        family, index, state, flags, kind = self._header("NEIGH")(m.data, start + NLMSGHDR)
        v = self._walk(m, "NEIGH", family, start + NLMSGHDR + 12, end)
        v.insert(3, kind)
        return NeighInfo(family, index, state, flags, *v), index

    def rule(self, m: Reading, start: int, end: int) -> tuple[Payload, None]:
        """fib_rule_hdr and its attributes."""
        header = self._header("RULE")(m.data, start + NLMSGHDR)
        family, dst_len, src_len, tos, short, _, _, action, flags = header
        table, *v = self._walk(m, "RULE", family, start + NLMSGHDR + 12, end)
        table = short if table is None else table
        return RuleInfo(family, dst_len, src_len, tos, action, flags, table, *v), None

    # -- attributes --------------------------------------------------------------------------------------------

    def _header(self, name: str) -> Any:
        found = self._headers.get(name)
        if found is None:
            found = self._headers[name] = fixed_header(getattr(policies, name), self._sign).unpack_from
        return found

    def _walk(self, m: Reading, name: str, family: int, at: int, end: int, first: Any = None) -> list[Any]:
        """Values of a message in policy order, None for what it lacks; ``first`` is that of the first row."""
        table = self._tables.get((name, family))
        if table is None:
            table = self._tables[name, family] = self._compile(getattr(policies, name), family)
        values: list[Any] = [None] * len(getattr(policies, name).attributes)
        values[0] = first
        self._fill(m, table, at, end, values, "")
        return values

    def _fill(self, m: Reading, table: Table, at: int, end: int, values: list[Any], path: str) -> None:
        data, attr = m.data, self._attr
        while at + 4 <= end:
            length, kind = attr(data, at)
            if length < 4 or at + length > end:
                m.bad(at, path, f"nla_len is {length}, {end - at} bytes are left")
                return
            entry = table.get(kind & TYPE_MASK)
            if entry is not None:
                if entry.nested is not None:
                    self._fill(m, entry.nested, at + 4, at + length, values, entry.path)
                elif length - 4 < entry.minimum:
                    m.bad(at, entry.path, f"{length - 4} bytes, the policy wants at least {entry.minimum}")
                    for slot, _ in entry.fields:
                        values[slot] = None
                else:
                    for slot, read in entry.fields:
                        values[slot] = read(m, at, at + 4, at + length)
            at += (length + 3) & ~3
        if at < end and any(data[at:end]):
            m.bad(at, path, f"{end - at} bytes after the last attribute")

    def _compile(self, policy: Policy, family: int) -> Table:
        """The table of a policy for one family; rows of which this family has no value are left out."""
        known = numbers(policy)
        tree: dict[int, Any] = {}
        for slot, row in enumerate(policy.attributes):
            made = self._reader(row, family)
            if made is None:
                continue
            minimum, reader = made
            level, path = tree, ""
            *outer, last = zip(known[row.path], row.path.split("/"), strict=True)
            for number, name in outer:
                path = f"{path}/{name}".lstrip("/")
                level = level.setdefault(number, (0, path, [], {}))[3]
            entry = level.setdefault(last[0], (0, row.path, [], None))
            level[last[0]] = (max(entry[0], minimum), row.path, [*entry[2], (slot, reader)], None)
        return _frozen(tree)

    def _reader(self, row: Attr, family: int) -> tuple[int, Reader] | None:
        """Smallest payload and reader for one row, None where the family has no such value."""
        if row.kind in self._plain:
            minimum, make = self._plain[row.kind]
            return row.begin + minimum, make(row.begin)
        if row.kind == "string":
            return 0, string(row.path, row.longest)
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
        return {"via": 2}.get(row.kind, 0), special[row.kind]

    # -- values with a structure of their own ------------------------------------------------------------------

    def _children(self, m: Reading, begin: int, end: int, path: str) -> list[tuple[int, int, int, int]]:
        """(number, offset, begin, end) of the attributes inside one."""
        found: list[tuple[int, int, int, int]] = []
        at = begin
        while at + 4 <= end:
            length, kind = self._attr(m.data, at)
            if length < 4 or at + length > end:
                m.bad(at, path, f"nla_len is {length}, {end - at} bytes are left")
                return found
            found.append((kind & TYPE_MASK, at, at + 4, at + length))
            at += (length + 3) & ~3
        if at < end and any(m.data[at:end]):
            m.bad(at, path, f"{end - at} bytes after the last attribute")
        return found

    def _altnames(self, m: Reading, _: int, begin: int, end: int) -> tuple[str, ...]:
        name = string("IFLA_PROP_LIST/IFLA_ALT_IFNAME", 0)
        return tuple(
            name(m, at, first, last)
            for number, at, first, last in self._children(m, begin, end, "IFLA_PROP_LIST")
            if number == IFLA_ALT_IFNAME
        )

    def _metrics(self, m: Reading, _: int, begin: int, end: int) -> tuple[tuple[int, int | str], ...]:
        found: list[tuple[int, int | str]] = []
        for number, at, first, last in self._children(m, begin, end, "RTA_METRICS"):
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
        table: Table | None = None

        def read(m: Reading, _: int, at: int, end: int) -> tuple[NextHop, ...]:
            nonlocal table
            if table is None:
                inner = self._compile(policies.HOP, family)
                table = {n: e._replace(path=f"RTA_MULTIPATH/{e.path}") for n, e in inner.items()}
            hops: list[NextHop] = []
            while at + 8 <= end:
                length, flags, more, index = self._nexthop(m.data, at)
                if length < 8 or at + length > end:
                    m.bad(at, "RTA_MULTIPATH", f"rtnh_len is {length}, {end - at} bytes are left")
                    return tuple(hops)
                values: list[Any] = [None, None, None]
                self._fill(m, table, at + 8, at + length, values, "RTA_MULTIPATH")
                hops.append(NextHop(index, more + 1, flags, *values))
                at += (length + 3) & ~3
            if at < end and any(m.data[at:end]):
                m.bad(at, "RTA_MULTIPATH", f"{end - at} bytes after the last next hop")
            return tuple(hops)

        return read


def _frozen(tree: dict[int, Any]) -> Table:
    return {
        number: Entry(minimum, path, tuple(fields), None if nested is None else _frozen(nested))
        for number, (minimum, path, fields, nested) in tree.items()
    }
