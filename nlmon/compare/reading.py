"""A third, minimal reading of messages: what a field of the contract should be, from the bytes alone.

Made from the contract's rows (where a value stands, and how) and the layouts of ``layout``; no implementation's decoder
is called, and no value is used for anything but to contradict one.

Rules:
1. ``ABSENT``: the message does not carry it, so the field must be None. ``UNJUDGED``: it does, or may, and its value is
   not read here. ``PRESENT``: it does, and the contract states no encoding, so the field must have some value.
2. Of a number in a fixed header only the width is known, and not whether it has a sign.

Not here: what follows from a disagreement (``evidence``).
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from nlmon.compare.contract import Contract, Field
from nlmon.compare.layout import ATTRIBUTES, header_size
from nlmon.compare.locate import NLMSGHDR, attributes, field_of
from nlmon.events import FlowTuple, XfrmSelector

__all__ = ["ABSENT", "PRESENT", "UNJUDGED", "Reading", "Row"]

ABSENT, UNJUDGED, PRESENT = object(), object(), object()
AF_INET, AF_INET6, AF_UNIX = 2, 10, 1
ADDRESS_LENGTH = {2: 4, 10: 16, 128: 4, 129: 16}
IFLA_ALT_IFNAME = 53
# Structures that are shown as one piece and judged nowhere.
WHOLE = {"(xfrm_state)", "(xfrm_policy)", "(xfrm_flush)"}
# audit_log_start() in kernel/audit.c
STAMP = re.compile(rb"audit\((\d{1,18})\.(\d{3}):(\d{1,18})\): ?")


class Row(NamedTuple):
    """A field that one implementation gives alone: its attribute numbers from the outside in, one chain a path, the
    names of its header fields, and the first name of its attributes, which tells where they begin."""

    field: Field
    chains: tuple[tuple[int, ...], ...]
    headers: tuple[str, ...]
    attribute: str


class Message:
    """One message while it is judged; its attributes are walked when first needed."""

    def __init__(self, data: bytes, at: int, end: int, msg_type: int, byteorder: str) -> None:
        self.data, self.at, self.end, self.msg_type, self.byteorder = data, at, end, msg_type, byteorder
        self._top: Mapping[int, tuple[int, int]] | None = None
        # Numbers that stand there more than once: which of their insides count is not read here.
        self._again: set[int] = set()

    def payload_at(self, offset: int) -> int:
        """Bytes of payload of the attribute at ``offset`` of the datagram; -1 when it overruns the message."""
        length = int.from_bytes(self.data[offset : offset + 2], "little" if self.byteorder == "little" else "big")
        return length - 4 if 4 <= length <= self.end - offset else -1

    def find(self, row: Row) -> tuple[bytes, bool] | None:
        """The bytes of a value and whether they are an attribute's; the first of its paths that is there. Raises
        ``LookupError`` where the message leaves open which it is."""
        if row.chains and self._top is None:
            begin = self.at + NLMSGHDR + header_size(row.attribute, self.msg_type)
            self._top = attributes(self.data, begin, self.end, self.byteorder, self._again)
        for first, *inner in row.chains:
            place = (self._top or {}).get(first)
            if inner and first in self._again:
                raise LookupError(first)
            for number in inner:
                place = None if place is None else attributes(self.data, *place, self.byteorder).get(number)
            if place is not None:
                return self.data[place[0] : place[1]], True
        for header in row.headers:
            spot = field_of(self.data, self.at, self.end, header, self.msg_type)
            if spot is not None:
                return spot.data, False
        return None


class Reading:
    """Reads fields of one recording."""

    def __init__(self, contract: Contract, byteorder: str) -> None:
        self._order = byteorder
        sign = "<" if byteorder == "little" else ">"
        self._readers = _readers(sign, byteorder)
        self._selector = struct.Struct(sign + "HBBBxxxiI").unpack_from
        self._rows = {kind: _rows(contract, kind) for kind in contract.kinds if kind != "generic"}
        # The two kinds of sockets share an event and no structure.
        self._unix = _rows(contract, "diag", without="INET_DIAG_")
        self._rows["diag"] = _rows(contract, "diag", without="UNIX_DIAG_")

    def rows(self, kind: str, payload: object) -> tuple[Row, ...]:
        """The rows of one kind of payload."""
        if kind == "diag" and getattr(payload, "family", None) == AF_UNIX:
            return self._unix
        return self._rows.get(kind, ())

    def expected(self, row: Row, message: Message, family: int | None) -> Any:
        """What a field should be, ``family`` being that of the payload."""
        try:
            found = message.find(row)
        except LookupError:
            return UNJUDGED
        if found is None and row.headers == ("audit_text",):
            found = b"", False  # a record may be empty
        if found is None:
            # Messages of IPsec leave fields out, or have them in an attribute that holds the structure.
            return UNJUDGED if row.headers and row.headers[0].startswith("xfrm_") else ABSENT
        raw, attribute = found
        encoding = row.field.encoding
        if not attribute and (not encoding or row.chains):
            return _Number.of(raw, self._order) if len(raw) <= 4 else UNJUDGED
        if not encoding:
            return PRESENT
        if encoding in {"ip", "address"}:
            length = ADDRESS_LENGTH.get(family or 0)
            fits = length is not None and (len(raw) == length or (encoding == "address" and len(raw) == 16))
            return _ip(raw[:length]) if fits else UNJUDGED
        if encoding == "selector":
            return self._selector_of(raw)
        try:
            return self._readers[encoding](raw[row.field.begin :])
        except (struct.error, ValueError):
            return UNJUDGED

    def numeric(self, row: Row) -> int | None:
        """Bytes that a numeric attribute needs, None for other kinds of values."""
        size = {"u8": 1, "u16": 2, "be16": 2, "u32": 4, "s32": 4, "be32": 4, "u64": 8, "be64": 8, "pair": 8}
        needed = size.get(row.field.encoding)
        return None if needed is None else row.field.begin + needed

    def _selector_of(self, raw: bytes) -> Any:
        """struct xfrm_selector; without a family its addresses are of another's."""
        family, length_d, length_s, proto, ifindex, user = self._selector(raw, 40)
        size = ADDRESS_LENGTH.get(family)
        if size is None:
            return UNJUDGED
        dport, dmask, sport, smask = struct.unpack_from(">HHHH", raw, 32)
        dst, src = _ip(raw[:size]), _ip(raw[16 : 16 + size])
        return XfrmSelector(
            *(family, src, dst, length_s, length_d, proto, (sport, smask), (dport, dmask), ifindex, user),
        )


class _Number(int):
    """A number of a fixed header: equal to what has the same bits."""

    width: int

    @classmethod
    def of(cls, raw: bytes, byteorder: str) -> _Number:
        number = cls(int.from_bytes(raw, "little" if byteorder == "little" else "big"))
        number.width = 8 * len(raw)
        return number

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, int) or not -(1 << self.width - 1) <= other < 1 << self.width:
            return False
        return other % (1 << self.width) == int(self)

    __hash__ = int.__hash__


def _rows(contract: Contract, kind: str, without: str = "(") -> tuple[Row, ...]:
    rows = []
    for field in contract.kinds[kind].fields:
        if field.by == "both" or WHOLE & set(field.paths):
            continue
        nested = [path.split("/") for path in field.paths if not path.startswith(("(", without))]
        chains = tuple(tuple(ATTRIBUTES[name] for name in path) for path in nested)
        headers = tuple(path.strip("()") for path in field.paths if path.startswith("("))
        rows.append(Row(field, chains, headers, nested[0][0] if nested else ""))
    return tuple(rows)


def _ip(raw: bytes) -> str:
    # inet_ntop(3) writes an IPv4 address that is mapped or embedded with its dotted part.
    for head, text in ((bytes(10) + b"\xff\xff", "::ffff:"), (bytes(12), "::")):
        if len(raw) == 16 and raw[:12] == head and (text != "::" or any(raw[12:14])):
            return text + str(ipaddress.IPv4Address(raw[12:]))
    return str(ipaddress.ip_address(raw))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _readers(sign: str, byteorder: str) -> dict[str, Callable[[bytes], Any]]:
    def number(code: str) -> Callable[[bytes], Any]:
        unpack = struct.Struct(code).unpack_from
        return lambda raw: unpack(raw)[0]

    words = struct.Struct(sign + "II").unpack_from
    ours = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "s32": "i"}
    network = {"be16": ">H", "be32": ">I", "be64": ">Q"}
    return {
        **{name: number(sign + code) for name, code in ours.items()},
        **{name: number(code) for name, code in network.items()},
        "pair": words,
        # Two halves, the lower first, each in the machine's byte order (inet_diag and unix_diag cookies).
        "words": lambda raw: words(raw)[0] | words(raw)[1] << 32,
        "string": lambda raw: _text(raw.split(b"\0", 1)[0]),
        "text": _text,
        "hex": lambda raw: raw.hex(),
        "mac": lambda raw: raw.hex(":"),
        "flag": lambda raw: bool(raw[0]) if len(raw) == 1 else True,
        "sun_path": _sun_path,
        "altnames": lambda raw: _altnames(raw, byteorder),
        "tuple": lambda raw: _tuple(raw, byteorder),
        "audit_time": lambda raw: _stamp(raw, 1),
        "audit_serial": lambda raw: _stamp(raw, 3),
        "audit_text": _record,
    }


def _sun_path(raw: bytes) -> str:
    """A path, or an abstract name, whose NULs are shown as ``@`` (unix(7))."""
    if raw[:1] == b"\0":
        return "@" + _text(raw[1:].rstrip(b"\0")).replace("\0", "@")
    return _text(raw.split(b"\0", 1)[0])


def _altnames(raw: bytes, byteorder: str) -> tuple[str, ...]:
    """The alternative names of a link, a list of attributes of one number."""
    head = struct.Struct("<HH" if byteorder == "little" else ">HH").unpack_from
    names, at = [], 0
    while at + 4 <= len(raw):
        length, kind = head(raw, at)
        if length < 4 or at + length > len(raw):
            break
        if kind & 0x3FFF == IFLA_ALT_IFNAME:
            names.append(_text(raw[at + 4 : at + length].split(b"\0", 1)[0]))
        at += (length + 3) & ~3
    return tuple(names)


def _tuple(raw: bytes, byteorder: str) -> FlowTuple:
    """CTA_TUPLE_*: addresses and what tells the ends apart (linux/netfilter/nfnetlink_conntrack.h)."""

    def inside(name: str) -> tuple[Mapping[int, tuple[int, int]], bytes]:
        place = attributes(raw, 0, len(raw), byteorder).get(ATTRIBUTES[name])
        part = b"" if place is None else raw[place[0] : place[1]]
        return attributes(part, 0, len(part), byteorder), part

    def pick(part: tuple[Mapping[int, tuple[int, int]], bytes], *names: str) -> bytes | None:
        places = [part[0][ATTRIBUTES[name]] for name in names if ATTRIBUTES[name] in part[0]]
        return part[1][places[-1][0] : places[-1][1]] if places else None

    def big(value: bytes | None, size: int) -> int | None:
        return None if value is None else int.from_bytes(value[:size], "big")

    ip, proto = inside("CTA_TUPLE_IP"), inside("CTA_TUPLE_PROTO")
    ends = [pick(ip, f"CTA_IP_V4_{end}", f"CTA_IP_V6_{end}") for end in ("SRC", "DST")]
    zone = attributes(raw, 0, len(raw), byteorder).get(ATTRIBUTES["CTA_TUPLE_ZONE"])
    values: list[Any] = [None if end is None else _ip(end) for end in ends]
    values.append(big(pick(proto, "CTA_PROTO_NUM"), 1))
    values += [big(pick(proto, f"CTA_PROTO_{end}_PORT"), 2) for end in ("SRC", "DST")]
    values += [big(pick(proto, f"CTA_PROTO_ICMP_{n}", f"CTA_PROTO_ICMPV6_{n}"), 1) for n in ("TYPE", "CODE")]
    values.append(big(pick(proto, "CTA_PROTO_ICMP_ID", "CTA_PROTO_ICMPV6_ID"), 2))
    values.append(None if zone is None else big(raw[zone[0] : zone[1]], 2))
    return FlowTuple(*values)


def _record(raw: bytes) -> str:
    """An audit record up to its NUL, without its stamp."""
    body = raw.split(b"\0", 1)[0]
    stamp = STAMP.match(body)
    return _text(body if stamp is None else body[stamp.end() :])


def _stamp(raw: bytes, group: int) -> int | None:
    found = STAMP.match(raw)
    if found is None:
        return None
    if group == 1:
        return (int(found[1]) * 1000 + int(found[2])) * 1_000_000
    return int(found[group])
