"""Checks compiled for messages of one shape: two events against each other, and what one of them has alone against the
bytes, in one step.

Where a value stands depends on the headers of the attributes alone. Messages of one type and length with the same
headers have one *shape*; once a shape was seen twice, a function is compiled for it. It holds the two events against
each other by given tests, and unpacks the values that ``FieldReader`` reads with one ``struct``, for as long as all
headers of the message are the same. Headers are therefore compared here at fixed places, which costs less than a tenth
of walking them; only to learn a shape they are walked.

Rules:
1. A check finds what ``FieldReader`` finds, or there is none: what is malformed, left open or unjudged, or is no plain
   value, is read step by step.
2. Of what the messages decide nothing grows without bound: ``SHAPES`` checks of a kind, ``PER_LENGTH`` of one type and
   length, ``SEEN`` sightings, the oldest forgotten first; and no more functions are made than one in
   ``MESSAGES_A_SHAPE`` messages, after the first few.
3. Like ``FieldReader`` it shares nothing with an implementation.

Not here: the tests of two events (``agreement``), and what follows from a disagreement (``compare.evidence``).
"""

from __future__ import annotations

import struct
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple, Protocol, TypeAlias

from nlmon.compare.evidence.offsets import SIGNED, header_size
from nlmon.compare.evidence.reading import FieldReader, Message, Row
from nlmon.compare.evidence.values import ADDRESS_LENGTH, NUMBERS, ip_text, readers
from nlmon.compare.same import same
from nlmon.events import Event
from nlmon.framing import SIGNS, align, nlmsghdr, walk_attributes
from nlmon.uapi import NLA_HDRLEN, NLMSG_HDRLEN

__all__ = ["SHAPES", "CompiledCheck", "CompiledChecks", "Mark", "Marks", "Tests", "fixed_parts"]

SHAPES, PER_LENGTH, SEEN = 1024, 4, 1024
FIRST_SHAPES, MESSAGES_A_SHAPE = 64, 64
# Longer messages are read step by step; a shape holds two numbers of each of their attributes.
LONGEST = 2048
# Every message of rtnetlink has its address family behind the header (struct rtgenmsg).
FAMILY = NLMSG_HDRLEN
# Values that any bytes of any length have.
PLAIN = {"string", "text", "mac", "hex", "altnames"}
# Those that the same bytes are read for again and again, and how many of each are remembered.
TEXTS, REMEMBERED = ("string", "text", "altnames"), 1024
CODES = 256
# Codes of ``struct``, by the size of a number.
NUMBER_OF_SIZE = {1: "B", 2: "H", 4: "I"}

# Offset in the message, code of ``struct``, and what makes the value of it.
_Piece: TypeAlias = tuple[int, str, Callable[[bytes], Any] | None]
# Where in the message the headers of its attributes stand, in order.
_Headers: TypeAlias = tuple[int, ...]
# Of a datagram, the offset of a message in it, the event of who gives less of it, and that of who gives more.
_Same: TypeAlias = Callable[[bytes, int, Event, Event], bool]


class Tests(NamedTuple):
    """What must hold of two events of one message, as an expression over the events ``less`` and ``more``, their
    payloads ``reduced`` and ``full``, the offset ``at``, and other ``names``."""

    source: str
    names: Mapping[str, Any]


class Mark(Protocol):
    """What messages are marked with that are alike in more than their shape: ``headers`` and ``pieces`` say in what,
    and ``fixed`` is what ``fixed_parts`` makes of these."""

    @property
    def headers(self) -> tuple[int, ...]: ...
    @property
    def pieces(self) -> tuple[tuple[int, int], ...]: ...
    @property
    def fixed(self) -> Callable[[bytes, int], tuple[Any, ...]]: ...
    def add(self, times: int) -> None:
        """Count messages of the mark."""


class Marks(Protocol):
    """Gives messages their marks."""

    def mark(self, message: bytes) -> Mark | None:
        """The mark of a whole message; None: it has none."""


class CompiledCheck:
    """The check of messages of one shape.

    ``kind``: of the payload, ``room``: bytes of such a message with its padding. A message at an offset of a datagram
    has the shape if ``heads`` of it, the headers of its attributes, are ``want``; that raises ``struct.error`` where
    the datagram ends before the message. ``same`` says whether its two events are the same and what it carries;
    ``given`` names the fields that one implementation gave alone, ``mark`` is what all these messages are marked with.
    ``times``: how often the shape was met and not counted yet; ``gone``: the check is no longer kept.
    """

    __slots__ = ("given", "gone", "heads", "kind", "mark", "room", "same", "times", "want")

    def __init__(
        self, kind: str, message: Message, headers: _Headers, same: _Same, given: tuple[str, ...], mark: Mark | None
    ) -> None:
        length = message.end - message.at
        self.kind, self.room = kind, align(length)
        self.same, self.given, self.mark = same, given, mark
        self.times, self.gone = 0, False
        if mark is None or mark.headers != headers:
            self.heads = fixed_parts(length, headers, () if mark is None else mark.pieces)
        else:
            self.heads = mark.fixed
        self.want = self.heads(message.data, message.at)


def fixed_parts(
    length: int, headers: tuple[int, ...], pieces: tuple[tuple[int, int], ...]
) -> Callable[[bytes, int], tuple[Any, ...]]:
    """What unpacks the parts of a message of ``length`` bytes that others of its shape have in common, from the message
    at an offset of a datagram: the family, the headers of attributes, by their places in ascending order, and other
    pieces, by their places and sizes. It raises ``struct.error`` where the datagram ends before the message."""
    form, end = ["<"], 0
    for at, size in sorted([(FAMILY, 1), *[(at, NLA_HDRLEN) for at in headers], *pieces]):
        begin, stop = at, at + size
        if begin < end or stop > length:  # what is malformed may overlap
            begin, stop = max(at, end), min(stop, length)
            if begin >= stop:
                continue
        # Two halves of a header are small numbers, of which each is there but once.
        form.append(f"{begin - end}x2H" if stop - begin == NLA_HDRLEN else f"{begin - end}x{stop - begin}s")
        end = stop
    form.append(f"{length - end}x")
    return struct.Struct("".join(form)).unpack_from


class CompiledChecks:
    """The checks for one kind of payload, whose header fields stand at the same place in every message; ``alike``: what
    must hold of two events of it; ``dropped`` is called with a check that is forgotten; ``marks`` gives what messages
    of one check are marked with."""

    def __init__(
        self,
        reader: FieldReader,
        kind: str,
        byteorder: str,
        alike: Tests,
        dropped: Callable[[CompiledCheck], None],
        marks: Marks | None = None,
    ) -> None:
        self._kind, self._rows = kind, reader.rows(kind, None)
        self._order = byteorder
        self._readers = readers(byteorder)
        self._readers |= {name: lru_cache(REMEMBERED)(self._readers[name]) for name in TEXTS}
        self._alike = alike
        self._dropped = dropped
        self._marks = marks
        # By length and type of a message, as they stand in its header; the last that was met comes first.
        self.by_head: dict[bytes, list[CompiledCheck]] = {}
        self._made: deque[tuple[bytes, CompiledCheck]] = deque()
        self._seen: OrderedDict[tuple[bytes, int, bytes], bool] = OrderedDict()
        self._messages = self._count = 0
        chains = [chain for row in self._rows for chain in row.chains]
        self._prefix = next((row.attribute for row in self._rows if row.attribute), "")
        self._nested = {first for first, *inner in chains if inner}
        self._deep = any(len(chain) > 2 for chain in chains)

    def checks(self) -> list[CompiledCheck]:
        """Every check that is kept now."""
        return [check for checks in self.by_head.values() for check in checks]

    def prefer(self, key: bytes, check: CompiledCheck) -> None:
        """Try a check before the others of its length and type."""
        checks = self.by_head[key]
        checks.remove(check)
        checks.insert(0, check)

    def learn(self, data: bytes, at: int, event: Event, payload: Any) -> CompiledCheck | None:
        """Take note of a message of an unknown shape, at an offset of a datagram, and of its event and payload; return
        the check for its shape, where that was met before and can be compiled."""
        self._messages += 1
        if self._deep or self._count >= FIRST_SHAPES + self._messages // MESSAGES_A_SHAPE:
            return None
        length, msg_type = nlmsghdr(self._order).unpack_from(data, at)[:2] if at + NLMSG_HDRLEN < len(data) else (0, 0)
        if not NLMSG_HDRLEN < length <= LONGEST or at + length > len(data):
            return None
        type_family = event.msg_type, payload.family
        if type_family != (msg_type, data[at + FAMILY]) or not type(type_family[0]) is type(type_family[1]) is int:
            return None
        message = Message(data, at, at + length, msg_type, self._order)
        headers = self._headers(message)
        if headers is None:
            return None
        mark = None if self._marks is None else self._marks.mark(data[at : at + length])
        key, pieces = data[at : at + 6], [(head, 4) for head in headers]
        if mark is not None:
            headers = tuple(sorted({*headers, *mark.headers}))
            pieces = [(head, 4) for head in headers] + list(mark.pieces)
        seen = (key, type_family[1], b"".join(data[at + place : at + place + size] for place, size in pieces))
        if seen not in self._seen:
            self._seen[seen] = True
            if len(self._seen) > SEEN:
                self._seen.popitem(last=False)
            return None
        check = self._compile(message, headers, type_family, mark) if self._seen[seen] else None
        if check is None:
            self._seen[seen] = False
        else:
            self._count += 1
            self._keep(key, check)
        return check

    def _keep(self, key: bytes, check: CompiledCheck) -> None:
        checks = self.by_head.setdefault(key, [])
        checks.insert(0, check)
        self._made.append((key, check))
        for gone in checks[PER_LENGTH:]:
            self._forget(gone)
        del checks[PER_LENGTH:]
        if len(self._made) > SHAPES:
            old, gone = self._made.popleft()
            if gone in self.by_head.get(old, ()):
                self.by_head[old].remove(gone)
                self._forget(gone)
            if not self.by_head.get(old, True):
                del self.by_head[old]

    def _forget(self, check: CompiledCheck) -> None:
        check.gone = True
        self._dropped(check)

    def _headers(self, message: Message) -> _Headers | None:
        """Where the header of every attribute stands that the reader looks at; None where it does not come to the end
        of them."""
        found: list[int] = []
        if not self._prefix:
            return ()
        begin = message.at + NLMSG_HDRLEN + header_size(self._prefix, message.msg_type)
        inside = self._walk(message.data, begin, message.end, found, message.at)
        if inside is None:
            return None
        for number, start, end in inside:
            if number in self._nested and self._walk(message.data, start, end, found, message.at) is None:
                return None
        return tuple(sorted(found))

    def _walk(self, data: bytes, at: int, end: int, found: list[int], start: int) -> list[tuple[int, int, int]] | None:
        """Number, begin and end of the attributes in a range, their headers added to ``found``."""
        inside = walk_attributes(data, at, end, self._order)
        last = inside[-1][2] - start if inside else at - start
        if start + align(last) + NLA_HDRLEN <= end:
            return None
        found.extend(begin - NLA_HDRLEN - start for _, begin, _ in inside)
        return inside

    def _compile(
        self, message: Message, headers: _Headers, type_family: tuple[int, int], mark: Mark | None
    ) -> CompiledCheck | None:
        pieces: list[_Piece] = []
        fields: list[tuple[Row, int | None]] = []
        for row in self._rows:
            try:
                found = message.place(row)
            except LookupError:
                return None
            if found is None:
                fields.append((row, None))
                continue
            piece = self._piece(row, found, type_family[1], message.at)
            if piece is None:
                return None
            fields.append((row, len(pieces)))
            pieces.append(piece)
        check = _same(SIGNS[self._order], self._alike, pieces, fields, type_family)
        given = tuple(row.field.name for row, number in fields if number is not None)
        return None if check is None else CompiledCheck(self._kind, message, headers, check, given, mark)

    def _piece(self, row: Row, found: tuple[int, int, int | None], family: int, start: int) -> _Piece | None:
        """How a value is unpacked, None if that takes more than its place; see ``FieldReader.expected``."""
        begin, end, attribute = found
        encoding = row.field.encoding
        if attribute is None:
            code = None if row.headers[0] in SIGNED else NUMBER_OF_SIZE.get(end - begin)
            return None if code is None or (encoding and not row.chains) else (begin - start, code, None)
        if encoding == "ip":
            fits = end - begin == ADDRESS_LENGTH.get(family)
            return (begin - start, f"{end - begin}s", ip_text) if fits else None
        begin += row.field.begin
        if encoding in NUMBERS:
            fits = begin + struct.calcsize(SIGNS[self._order] + NUMBERS[encoding]) <= end
            return (begin - start, NUMBERS[encoding], None) if fits else None
        if encoding in PLAIN and begin <= end:
            return begin - start, f"{end - begin}s", self._readers[encoding]
        return None


def _same(
    sign: str, alike: Tests, pieces: list[_Piece], fields: list[tuple[Row, int | None]], type_family: tuple[int, int]
) -> _Same | None:
    """A function that holds two events against each other, then unpacks all pieces at once and holds them against the
    fields that are made of them, None for what is not there; None where two of them overlap. ``type_family``: type of
    the events and family of their payloads."""
    ranked = sorted((offset, code, f"v{number}") for number, (offset, code, _) in enumerate(pieces))
    form, end = sign, 0
    for offset, code, _ in ranked:
        if offset < end:
            return None
        form += f"{offset - end}x{code}"
        end = offset + struct.calcsize(sign + code)
    tests = ["more.msg_type == msg_type", "full.family == family"]
    for row, number in fields:
        field = f"full.{row.field.name}"
        if number is None:
            tests.append(f"{field} is None")
            continue
        if pieces[number][2] is None:
            tests.append(f"(v{number} is {field} or (v{number} == {field} and type({field}) is int))")
        elif row.field.encoding == "altnames":
            tests.append(f"same(m{number}(v{number}), {field})")
        else:
            tests.append(f"m{number}(v{number}) == {field} and type({field}) is str")
    source = "def check(data, at, less, more, unpack=unpack, msg_type=msg_type, family=family, UNSET=UNSET):\n"
    source += f" reduced, full = less.payload, more.payload\n if {alike.source}:\n"
    source += f"  {''.join(f'{name}, ' for _, _, name in ranked)} = unpack(data, at)\n" if pieces else ""
    source += f"  if {' and '.join(tests)}:\n   return True\n return False"
    space: dict[str, Any] = {**alike.names, "unpack": struct.Struct(form).unpack_from, "same": same}
    space["msg_type"], space["family"] = type_family
    space |= {f"m{number}": make for number, (_, _, make) in enumerate(pieces) if make is not None}
    exec(_code(source), space)
    check: _Same = space["check"]
    return check


@lru_cache(CODES)
def _code(source: str) -> CodeType:
    """The code of a function. Checks often differ in nothing but the places of their values, type and family."""
    return compile(source, "<shape>", "exec")
