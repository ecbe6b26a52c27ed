"""The third reading of messages that repeat their shape: all values that one implementation gives alone, in one step.

Where a value stands depends on the headers of the attributes alone. Messages of one type and length with the same
headers have one *shape*; once a shape was seen twice, a function is made for it that unpacks the values of ``reading``
with one ``struct``, for as long as all headers of the message are the same.

Rules:
1. A shape gives what ``reading`` gives, or there is none: what is malformed, left open or unjudged, or is no plain
   value, is read step by step.
2. Of what the messages decide nothing grows without bound: ``SHAPES`` shapes of a kind, ``WAYS`` of one type and
   length, ``SEEN`` sightings, the oldest forgotten first; and no more functions are made than one in
   ``MESSAGES_A_SHAPE`` messages, after the first few.
3. Like ``reading`` it shares nothing with an implementation.

Not here: what an event is held against (``agreement``), and what follows from a disagreement (``evidence``).
"""

from __future__ import annotations

import struct
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, TypeAlias

from nlmon.compare.layout import header_size
from nlmon.compare.locate import NLMSGHDR
from nlmon.compare.reading import Message, Reading, Row
from nlmon.compare.values import ADDRESS_LENGTH, NUMBERS, ip_text, readers

__all__ = ["SHAPES", "Shape", "Shapes"]

SHAPES, WAYS, SEEN = 1024, 4, 1024
FIRST_SHAPES, MESSAGES_A_SHAPE = 64, 64
# Longer messages are read step by step; a shape holds numbers as long as the message.
LONGEST = 2048
# Values that any bytes of any length have.
PLAIN = {"string", "text", "mac", "hex", "altnames"}
NUMBER_OF_SIZE = {1: "B", 2: "H", 4: "I"}

# Offset in the message, code of ``struct``, and what makes the value of it.
_Piece: TypeAlias = tuple[int, str, Callable[[bytes], Any] | None]
_Headers: TypeAlias = tuple[tuple[int, bytes], ...]


class Shape:
    """One shape, of messages of a ``kind`` with ``length`` bytes, ``room`` with their padding. It is that of a message
    if ``family`` and ``msg_type`` are those of its event and its bytes from ``first`` to ``last``, as a number, are
    ``want`` under ``mask``. ``read`` gives the values of a message that begins at an offset of a datagram; ``given``
    names those that it carries; ``times``: how often it was met and not counted yet; ``gone``: it is known no more."""

    __slots__ = (
        *("family", "first", "given", "gone", "kind", "last", "length"),
        *("mask", "msg_type", "read", "room", "times", "want"),
    )

    def __init__(
        self,
        kind: str,
        place: tuple[int, int, int],
        family: int | None,
        headers: _Headers,
        read: Callable[[bytes, int], tuple[Any, ...]],
        given: tuple[str, ...],
    ) -> None:
        _, self.length, self.msg_type = place
        self.room = (self.length + 3) & ~3
        self.kind, self.family, self.read, self.given = kind, family, read, given
        self.times, self.gone = 0, False
        self.first = min((at for at, _ in headers), default=NLMSGHDR)
        self.last = max((at + 4 for at, _ in headers), default=NLMSGHDR)
        self.mask = sum(0xFFFFFFFF << 8 * (at - self.first) for at, _ in headers)
        self.want = sum(int.from_bytes(head, "little") << 8 * (at - self.first) for at, head in headers)


class Shapes:
    """The shapes of one kind of payload, whose header fields stand at the same place in every message; ``dropped`` is
    called with a shape that is forgotten."""

    def __init__(self, reading: Reading, kind: str, byteorder: str, dropped: Callable[[Shape], None]) -> None:
        self._kind, self._rows = kind, reading.rows(kind, None)
        self._order = byteorder
        self._sign = "<" if byteorder == "little" else ">"
        self._readers = readers(byteorder)
        self._dropped = dropped
        # By length and type of a message, as they stand in its header; the last that was met comes first.
        self.ways: dict[bytes, list[Shape]] = {}
        self._made: deque[tuple[bytes, Shape]] = deque()
        self._seen: OrderedDict[tuple[bytes, int | None, bytes], bool] = OrderedDict()
        self._messages = self._count = 0
        chains = [chain for row in self._rows for chain in row.chains]
        self._prefix = next((row.attribute for row in self._rows if row.attribute), "")
        self._nested = {first for first, *inner in chains if inner}
        self._deep = any(len(chain) > 2 for chain in chains)

    def shapes(self) -> list[Shape]:
        """Every shape that is known now."""
        return [shape for ways in self.ways.values() for shape in ways]

    def prefer(self, key: bytes, shape: Shape) -> None:
        """Look at a shape before the others of its length and type."""
        ways = self.ways[key]
        ways.remove(shape)
        ways.insert(0, shape)

    def learn(self, data: bytes, place: tuple[int, int, int], family: int | None) -> Shape | None:
        """Take note of a message that has no known shape: of a datagram from the offset and of the length and type in
        ``place``; its shape, where it was met before and can be read at once."""
        self._messages += 1
        at, length, msg_type = place
        spent = self._count >= FIRST_SHAPES + self._messages // MESSAGES_A_SHAPE
        if spent or self._deep or length > LONGEST or at + length > len(data):
            return None
        message = Message(data, at, at + length, msg_type, self._order)
        headers = self._headers(message)
        if headers is None:
            return None
        key = data[at : at + 6]
        seen = (key, family, b"".join(head for _, head in headers))
        if seen not in self._seen:
            self._seen[seen] = True
            if len(self._seen) > SEEN:
                self._seen.popitem(last=False)
            return None
        shape = self._shape(message, place, family, headers) if self._seen[seen] else None
        if shape is None:
            self._seen[seen] = False
        else:
            self._count += 1
            self._keep(key, shape)
        return shape

    def _keep(self, key: bytes, shape: Shape) -> None:
        ways = self.ways.setdefault(key, [])
        ways.insert(0, shape)
        self._made.append((key, shape))
        for gone in ways[WAYS:]:
            self._forget(gone)
        del ways[WAYS:]
        if len(self._made) > SHAPES:
            old, gone = self._made.popleft()
            if gone in self.ways.get(old, ()):
                self.ways[old].remove(gone)
                self._forget(gone)
            if not self.ways.get(old, True):
                del self.ways[old]

    def _forget(self, shape: Shape) -> None:
        shape.gone = True
        self._dropped(shape)

    def _headers(self, message: Message) -> _Headers | None:
        """Offset and bytes of the header of every attribute that ``reading`` looks at; None where it does not come to
        the end of them."""
        found: list[tuple[int, bytes]] = []
        if not self._prefix:
            return ()
        begin = message.at + NLMSGHDR + header_size(self._prefix, message.msg_type)
        inside = self._walk(message.data, begin, message.end, found, message.at)
        if inside is None:
            return None
        for number, start, end in inside:
            if number in self._nested and self._walk(message.data, start, end, found, message.at) is None:
                return None
        return tuple(found)

    def _walk(
        self, data: bytes, at: int, end: int, found: list[tuple[int, bytes]], start: int
    ) -> list[tuple[int, int, int]] | None:
        """Number, begin and end of the attributes in a range, their headers added to ``found``."""
        inside = []
        head = struct.Struct(self._sign + "HH").unpack_from
        while at + 4 <= end:
            length, kind = head(data, at)
            if length < 4 or at + length > end:
                return None
            found.append((at - start, data[at : at + 4]))
            inside.append((kind & 0x3FFF, at + 4, at + length))
            at += (length + 3) & ~3
        return inside

    def _shape(
        self, message: Message, place: tuple[int, int, int], family: int | None, headers: _Headers
    ) -> Shape | None:
        pieces: list[_Piece] = []
        order: list[int | None] = []
        for row in self._rows:
            try:
                found = message.place(row)
            except LookupError:
                return None
            if found is None:
                order.append(None)
                continue
            piece = self._piece(row, found, family, message.at)
            if piece is None:
                return None
            order.append(len(pieces))
            pieces.append(piece)
        read = _reader(self._sign, pieces, order)
        given = tuple(row.field.name for row, number in zip(self._rows, order, strict=True) if number is not None)
        return None if read is None else Shape(self._kind, place, family, headers, read, given)

    def _piece(self, row: Row, found: tuple[int, int, bool], family: int | None, start: int) -> _Piece | None:
        """How a value is unpacked, None if that takes more than its place; see ``Reading.expected``."""
        begin, end, attribute = found
        encoding = row.field.encoding
        if not attribute:
            code = NUMBER_OF_SIZE.get(end - begin)
            return None if code is None or (encoding and not row.chains) else (begin - start, code, None)
        if encoding == "ip":
            fits = end - begin == ADDRESS_LENGTH.get(family or 0)
            return (begin - start, f"{end - begin}s", ip_text) if fits else None
        begin += row.field.begin
        if encoding in NUMBERS:
            fits = begin + struct.calcsize(self._sign + NUMBERS[encoding]) <= end
            return (begin - start, NUMBERS[encoding], None) if fits else None
        if encoding in PLAIN and begin <= end:
            return begin - start, f"{end - begin}s", self._readers[encoding]
        return None


def _reader(sign: str, pieces: list[_Piece], order: list[int | None]) -> Callable[[bytes, int], tuple[Any, ...]] | None:
    """A function that unpacks all pieces at once and gives them in ``order``, None for what is not there; None where
    two pieces overlap."""
    if not pieces:
        nothing = (None,) * len(order)
        return lambda data, at: nothing
    ranked = sorted(range(len(pieces)), key=lambda number: pieces[number][0])
    begin = at = pieces[ranked[0]][0]
    form = sign
    for number in ranked:
        offset, code, _ = pieces[number]
        if offset < at:
            return None
        form += f"{offset - at}x{code}"
        at = offset + struct.calcsize(sign + code)
    names = "".join(f"v{number}, " for number in ranked)
    values = ("None" if n is None else f"v{n}" if pieces[n][2] is None else f"m{n}(v{n})" for n in order)
    source = (
        f"def read(data, at):\n {names} = unpack(data, at + {begin})\n return ({''.join(f'{v}, ' for v in values)})"
    )
    space: dict[str, Any] = {"unpack": struct.Struct(form).unpack_from}
    space |= {f"m{number}": make for number, (_, _, make) in enumerate(pieces) if make is not None}
    exec(source, space)
    read: Callable[[bytes, int], tuple[Any, ...]] = space["read"]
    return read
