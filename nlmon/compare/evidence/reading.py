"""A third, minimal reading of messages: what a field of the contract should be, from the bytes alone.

Made from the contract's rows (where a value stands, and how) and ``offsets``. No implementation's decoder is called,
and no value is used for anything but to contradict one.

Rules:
1. ``ABSENT``: the message does not carry it, so the field must be None. ``UNJUDGED``: it does, or may, and its value is
   not read here. ``PRESENT``: it does, and the contract states no encoding, so the field must have some value.
   ``UNFIT``: the attribute has no value of its kind, so the field must be None and an error must say so.
2. A number in a fixed header is as wide as its field, and has a sign where the kernel's structure says so (``SIGNED``).

Not here: how values are encoded (``values``), and what follows from a disagreement (``check``).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from nlmon.compare.contract import Field
from nlmon.compare.evidence.locate import field_of
from nlmon.compare.evidence.offsets import ATTRIBUTES, SIGNED, header_size
from nlmon.compare.evidence.values import (
    ADDRESS_LENGTH,
    TMPL,
    UNKNOWN,
    acquire,
    auth,
    ip_text,
    labels,
    packets,
    readers,
    selector,
)
from nlmon.compare.pair import Pair
from nlmon.framing import align, attributes, link_attributes, walk_attributes
from nlmon.uapi import AF_MPLS, AF_UNIX, NLA_HDRLEN, NLMSG_HDRLEN

__all__ = ["ABSENT", "PRESENT", "UNFIT", "UNJUDGED", "FieldReader", "Message", "Row"]

ABSENT, UNJUDGED, PRESENT, UNFIT = object(), object(), object(), object()
# Bytes that the encodings of numbers need, and those of structures (linux/xfrm.h).
NUMBER_SIZES = {"u8": 1, "u16": 2, "be16": 2, "u32": 4, "s32": 4, "be32": 4, "u64": 8, "be64": 8, "pair": 8}
SIZES = NUMBER_SIZES | {"encap": 6, "algorithm": 68, "aead": 72}
MAX_ADDR_LEN = 32  # linux/netdevice.h
# Structures that are shown as one piece and judged nowhere.
WHOLE = {"(xfrm_state)", "(xfrm_policy)", "(xfrm_flush)"}
# Encodings that are addresses, and those whose attribute may stand there without a value.
ADDRESSES, WITHOUT_VALUE = {"ip", "address", "peer", "prefix"}, {"peer", "prefix"}
# Encodings that are attributes themselves.
NESTED = {"tuple", "altnames"}


class Row(NamedTuple):
    """A field that one implementation gives alone: its attribute numbers from the outside in, one chain a path, the
    names of its header fields, and the first name of its attributes, which says where they begin."""

    field: Field
    chains: tuple[tuple[int, ...], ...]
    headers: tuple[str, ...]
    attribute: str


class BrokenOff(LookupError):
    """Attributes inside of one end before it does."""


class Message:
    """One message while it is judged; its attributes are walked when first needed."""

    def __init__(self, data: bytes, at: int, end: int, msg_type: int, byteorder: str) -> None:
        self.data, self.at, self.end, self.msg_type, self.byteorder = data, at, end, msg_type, byteorder
        self._top: Mapping[int, tuple[int, int]] | None = None
        # Attributes inside of others, and the numbers that stand there more than once, by the place of the outer one.
        self._nested: dict[tuple[int, int], tuple[Mapping[int, tuple[int, int]], set[int]]] = {}
        # Numbers that stand there more than once: which of their insides count is not read here.
        self._repeated: set[int] = set()

    def attribute(self, number: int, name: str) -> bytes | None:
        """The payload of an attribute of a number; ``name`` says where the attributes begin."""
        begin = self.at + NLMSG_HDRLEN + header_size(name, self.msg_type)
        place = attributes(self.data, begin, self.end, self.byteorder).get(number)
        return None if place is None else self.data[place[0] : place[1]]

    def _inside(self, place: tuple[int, int]) -> tuple[Mapping[int, tuple[int, int]], set[int]]:
        """The attributes in one at a place, and the numbers that stand there more than once."""
        found = self._nested.get(place)
        if found is None:
            again: set[int] = set()
            found = self._nested[place] = attributes(self.data, *place, self.byteorder, again), again
        return found

    def payload_at(self, offset: int) -> int:
        """Bytes of payload of the attribute at ``offset`` of the datagram; -1 when it overruns the message."""
        found = walk_attributes(self.data, offset, self.end, self.byteorder)
        return found[0][2] - found[0][1] if found else -1

    def find(self, row: Row) -> tuple[bytes, int | None] | None:
        """The bytes of a value and the number of their attribute; see ``place``."""
        found = self.place(row)
        return None if found is None else (self.data[found[0] : found[1]], found[2])

    def place(self, row: Row) -> tuple[int, int, int | None] | None:
        """Where a value begins and ends in the datagram, and the number of its attribute, None for a header field; the
        first of its paths that is there. Raises ``LookupError`` where the message leaves open which it is, and
        ``BrokenOff`` where the attributes in one end before it does, without this one."""
        if row.chains and self._top is None:
            begin = self.at + NLMSG_HDRLEN + header_size(row.attribute, self.msg_type)
            walk = link_attributes if row.attribute.startswith("IFLA_") else attributes
            self._top = walk(self.data, begin, self.end, self.byteorder, self._repeated)
        for first, *inner in row.chains:
            place = (self._top or {}).get(first)
            if inner and first in self._repeated:
                raise LookupError(first)
            for depth, number in enumerate(inner, 1):
                if place is None:
                    break
                inside, again = self._inside(place)
                outer, place = place, inside.get(number)
                if place is None and _broken_off(outer, inside):
                    raise BrokenOff(number)
                if depth < len(inner) and number in again:
                    raise LookupError(number)
            if place is not None:
                return *place, inner[-1] if inner else first
        for header in row.headers:
            spot = field_of(self.data, self.at, self.end, header, self.msg_type, self.byteorder)
            if spot is not None:
                return spot.offset, spot.offset + len(spot.data), None
        return None


class FieldReader:
    """Reads fields of one recording that not both of a pair provide."""

    def __init__(self, pair: Pair, byteorder: str) -> None:
        self._order: Literal["little", "big"] = "little" if byteorder == "little" else "big"
        self._readers = readers(byteorder)
        self._rows = {kind: _rows(pair, kind) for kind in pair.contract.kinds if kind != "generic"}
        # Fields that one gives alone in some families, with the families where both do.
        self._partial = {
            kind: [(row, pair.families(kind, row.field.name)) for row in _rows(pair, kind, of_families=True)]
            for kind in self._rows
        }
        # The two kinds of sockets share an event and no structure.
        self._unix = _rows(pair, "diag", without="INET_DIAG_")
        self._rows["diag"] = _rows(pair, "diag", without="UNIX_DIAG_")

    def rows(self, kind: str, payload: object) -> tuple[Row, ...]:
        """The rows of one kind of payload."""
        if kind == "diag" and getattr(payload, "family", None) == AF_UNIX:
            return self._unix
        rows = self._rows.get(kind, ())
        if not self._partial.get(kind) or payload is None:
            return rows
        family = getattr(payload, "family", None)
        return rows + tuple(row for row, families in self._partial[kind] if family not in (families or ()))

    def expected(self, row: Row, message: Message, family: int | None) -> Any:
        """What a field should be, ``family`` being that of the payload."""
        try:
            found = message.find(row)
        except BrokenOff:
            return UNFIT
        except LookupError:
            return UNJUDGED
        if found is None and row.headers == ("audit_text",):
            found = b"", None  # a record may be empty
        if found is None:
            # The protocol of a socket stands in the request where it does not stand in the answer.
            return UNJUDGED if row.field.encoding == "socket" else ABSENT
        raw, number = found
        encoding = row.field.encoding
        if number is None and (not encoding or row.chains or row.field.begin):
            signed = row.headers[0] in SIGNED
            return int.from_bytes(raw, self._order, signed=signed) if len(raw) <= 4 else UNJUDGED
        if not encoding:
            return PRESENT
        if number is not None and not _fits(encoding, raw[row.field.begin :], self._order):
            return UNFIT
        if encoding in WITHOUT_VALUE and self._means_nothing(encoding, message, raw):
            return ABSENT
        if encoding in ADDRESSES:
            length = ADDRESS_LENGTH.get(family or 0)
            if length is None or (encoding == "address" and len(raw) not in {length, 16}):
                return UNJUDGED
            return ip_text(raw[:length]) if len(raw) == length or encoding == "address" else UNFIT
        try:
            if encoding == "selector":
                value = selector(raw, self._order, family)
            elif encoding == "acquire":
                value = self._acquire(message, raw)
            elif encoding == "labels":
                value = labels(raw) if family == AF_MPLS else UNKNOWN
            elif encoding == "packets":
                value = packets(raw, self._order, number or 0)
            elif encoding == "auth":
                value = auth(raw, self._order, number or 0)
            else:
                value = self._readers[encoding](raw[row.field.begin :])
        except (struct.error, ValueError, IndexError):
            return UNJUDGED
        return UNJUDGED if value is UNKNOWN else value

    @staticmethod
    def _means_nothing(encoding: str, message: Message, raw: bytes) -> bool:
        """Whether an attribute is there and says nothing: a prefix without bytes, and an address of a peer that is the
        interface's own (linux/if_addr.h)."""
        if encoding == "prefix":
            return not raw
        return message.attribute(ATTRIBUTES["IFA_LOCAL"], "IFA_LOCAL") in {None, raw}

    def _acquire(self, message: Message, raw: bytes) -> Any:
        """What an acquire wants, between addresses of the family of its first template, or of its traffic."""
        templates = message.attribute(ATTRIBUTES["XFRMA_TMPL"], "XFRMA_TMPL") or b""
        family = templates[24:26] if len(templates) >= TMPL else raw[80:82]
        return acquire(raw, self._order, int.from_bytes(family, self._order))

    def numeric(self, row: Row) -> int | None:
        """Bytes that a numeric attribute needs, None for other kinds of values."""
        needed = NUMBER_SIZES.get(row.field.encoding)
        return None if needed is None else row.field.begin + needed


def _broken_off(outer: tuple[int, int], inside: Mapping[int, tuple[int, int]]) -> bool:
    """Whether an attribute holds more bytes than the attributes that were found in it."""
    last = max((end for _, end in inside.values()), default=outer[0])
    return outer[1] - outer[0] - align(last - outer[0]) >= NLA_HDRLEN


def _fits(encoding: str, raw: bytes, byteorder: str) -> bool:
    """Whether the bytes may be a value of an encoding: enough of them, whole structures, whole attributes."""
    if encoding == "mac":
        return len(raw) <= MAX_ADDR_LEN
    if encoding in NESTED:
        return not _broken_off((0, len(raw)), attributes(raw, 0, len(raw), byteorder))
    return len(raw) >= SIZES.get(encoding, 0) and not (encoding == "templates" and len(raw) % TMPL)


def _rows(pair: Pair, kind: str, without: str = "(", *, of_families: bool = False) -> tuple[Row, ...]:
    """The fields that not both provide; ``of_families``: instead those that both provide in some families alone."""
    rows = []
    for field in pair.contract.kinds[kind].fields:
        shared = pair.shares_field(kind, field.name)
        partial = shared and pair.families(kind, field.name) is not None and bool(field.encoding)
        if WHOLE & set(field.paths) or (not partial if of_families else shared):
            continue
        nested = [path.split("/") for path in field.paths if not path.startswith(("(", without))]
        chains = tuple(tuple(ATTRIBUTES[name] for name in path) for path in nested)
        headers = tuple(path.strip("()") for path in field.paths if path.startswith("("))
        rows.append(Row(field, chains, headers, nested[0][0] if nested else ""))
    return tuple(rows)
