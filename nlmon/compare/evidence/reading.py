"""A third, minimal reading of messages: what a field of the contract should be, from the bytes alone.

Made from the contract's rows (where a value stands, and how) and ``offsets``. No implementation's decoder is called,
and no value is used for anything but to contradict one.

Rules:
1. ``ABSENT``: the message does not carry it, so the field must be None. ``UNJUDGED``: it does, or may, and its value is
   not read here. ``PRESENT``: it does, and the contract states no encoding, so the field must have some value.
2. Of a number in a fixed header only the width is known, and not whether it has a sign.

Not here: how values are encoded (``values``), and what follows from a disagreement (``check``).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from nlmon.compare.contract import Contract, Field
from nlmon.compare.evidence.locate import field_of
from nlmon.compare.evidence.offsets import ATTRIBUTES, header_size
from nlmon.compare.evidence.values import ADDRESS_LENGTH, UNKNOWN, acquire, auth, ip_text, readers, selector
from nlmon.framing import attributes, link_attributes, walk_attributes
from nlmon.uapi import AF_UNIX, NLMSG_HDRLEN

__all__ = ["ABSENT", "PRESENT", "UNJUDGED", "FieldReader", "Message", "Row"]

ABSENT, UNJUDGED, PRESENT = object(), object(), object()
# Structures that are shown as one piece and judged nowhere.
WHOLE = {"(xfrm_state)", "(xfrm_policy)", "(xfrm_flush)"}


class Row(NamedTuple):
    """A field that one implementation gives alone: its attribute numbers from the outside in, one chain a path, the
    names of its header fields, and the first name of its attributes, which says where they begin."""

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
        self._repeated: set[int] = set()

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
        first of its paths that is there. Raises ``LookupError`` where the message leaves open which it is."""
        if row.chains and self._top is None:
            begin = self.at + NLMSG_HDRLEN + header_size(row.attribute, self.msg_type)
            walk = link_attributes if row.attribute.startswith("IFLA_") else attributes
            self._top = walk(self.data, begin, self.end, self.byteorder, self._repeated)
        for first, *inner in row.chains:
            place = (self._top or {}).get(first)
            if inner and first in self._repeated:
                raise LookupError(first)
            for depth, number in enumerate(inner, 1):
                again: set[int] = set()
                place = None if place is None else attributes(self.data, *place, self.byteorder, again).get(number)
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
    """Reads fields of one recording."""

    def __init__(self, contract: Contract, byteorder: str) -> None:
        self._order = byteorder
        self._readers = readers(byteorder)
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
            found = b"", None  # a record may be empty
        if found is None:
            return ABSENT
        raw, number = found
        encoding = row.field.encoding
        if number is None and (not encoding or row.chains):
            return _Number.of(raw, self._order) if len(raw) <= 4 else UNJUDGED
        if not encoding:
            return PRESENT
        if encoding in {"ip", "address"}:
            length = ADDRESS_LENGTH.get(family or 0)
            fits = length is not None and (len(raw) == length or (encoding == "address" and len(raw) == 16))
            return ip_text(raw[:length]) if fits else UNJUDGED
        try:
            if encoding == "selector":
                value = selector(raw, self._order, family)
            elif encoding == "acquire":
                value = PRESENT if family is None else acquire(raw, self._order, family)
            elif encoding == "auth":
                value = auth(raw, self._order, number or 0)
            else:
                value = self._readers[encoding](raw[row.field.begin :])
        except (struct.error, ValueError, IndexError):
            return UNJUDGED
        return UNJUDGED if value is UNKNOWN else value

    def numeric(self, row: Row) -> int | None:
        """Bytes that a numeric attribute needs, None for other kinds of values."""
        size = {"u8": 1, "u16": 2, "be16": 2, "u32": 4, "s32": 4, "be32": 4, "u64": 8, "be64": 8, "pair": 8}
        needed = size.get(row.field.encoding)
        return None if needed is None else row.field.begin + needed


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
