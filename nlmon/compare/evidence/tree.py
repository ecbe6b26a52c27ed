"""What a message consists of, for people: its headers and its attributes with their names, down to the innermost.

Rules:
1. An attribute that holds keys, or may, is named, and nothing inside of it.
2. A walk ends at the first attribute that does not fit; what stands behind it is one part without a name of its own.

Not here: values (``values``), the place of one field (``locate``), and names (``nlmon.names.attributes``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Literal, NamedTuple, TypeAlias

from nlmon.framing import LONGEST_ATTRIBUTE, align, link_attributes, next_hops, walk_attributes
from nlmon.names.attribute_sets import Nest, root_of
from nlmon.names.attributes import find, inside, kind_text, selectors
from nlmon.uapi import NLA_HDRLEN, NLMSG_HDRLEN, NLMSG_MIN_TYPE, RTNEXTHOP

__all__ = ["DEEPEST", "Part", "Place", "parts_of"]

# No attribute of the kernel stands deeper; a message that is made for it could.
DEEPEST = 16
# The longest text that says of which kind an attribute is.
LONGEST_KIND = 32
MESSAGE_HEADER, FAMILY_HEADER, PAYLOAD, HOP, REST = "nlmsghdr", "(header)", "(payload)", "(next hop)", "(no attribute)"

# Begin and end of bytes.
Span: TypeAlias = tuple[int, int]
# Number of an attribute, begin and end of its payload.
Place: TypeAlias = tuple[int, int, int]


class Part(NamedTuple):
    """A piece of a message. ``depth``: 0 for the outermost; ``offset``, ``length``: its bytes, with its own header and
    without padding; ``hidden``: it holds keys."""

    depth: int
    name: str
    offset: int
    length: int
    hidden: bool = False


def parts_of(
    message: bytes, protocol: int, kind: int, family: str, byteorder: Literal["little", "big"], hidden: Sequence[Span]
) -> Iterator[Part]:
    """The parts of one message in their order. ``kind``: its type; ``family``: the name of its generic family, empty if
    that is not known; ``hidden``: bytes that are keys."""
    end = len(message)
    yield Part(0, MESSAGE_HEADER, 0, min(end, NLMSG_HDRLEN))
    if end <= NLMSG_HDRLEN:
        return
    root = root_of(protocol, kind, message[NLMSG_HDRLEN], family) if kind >= NLMSG_MIN_TYPE else Nest()
    if not (root.set or root.before):
        yield Part(0, PAYLOAD, NLMSG_HDRLEN, end - NLMSG_HDRLEN, _overlaps(hidden, NLMSG_HDRLEN, end))
        return
    at = min(end, NLMSG_HDRLEN + root.before)
    if at > NLMSG_HDRLEN:
        yield Part(0, FAMILY_HEADER, NLMSG_HDRLEN, at - NLMSG_HDRLEN, _overlaps(hidden, NLMSG_HDRLEN, at))
    yield from _Walk(message, byteorder, hidden).level(at, end, root.set, 0)


def _overlaps(spans: Iterable[Span], begin: int, end: int) -> bool:
    return any(start < end and begin < stop for start, stop in spans)


class _Walk:
    """A walk over the attributes of one message."""

    def __init__(self, message: bytes, byteorder: Literal["little", "big"], hidden: Sequence[Span]) -> None:
        self._message = message
        self._order = byteorder
        self._hidden = hidden

    def level(self, at: int, end: int, name: str, depth: int) -> Iterator[Part]:
        """Attributes of the set ``name`` that stand beside each other, each followed by what is in it."""
        found = self._found(at, end, name, top=not depth)
        kinds = self._kinds(found, name)
        for number, begin, stop in found:
            one = find(name, number)
            hidden = _overlaps(self._hidden, begin, stop)
            yield _part(depth, one.name, begin, stop, hidden=hidden)
            if hidden or depth >= DEEPEST:
                continue
            if one.type == "rtnexthop":
                yield from self._hops(begin, stop, inside(one).set, depth + 1)
                continue
            nest = inside(one, kinds.get(one.selector, ""))
            if nest.set:
                yield from self._indexed(begin + nest.before, stop, nest.set, depth + 1, one.indices)
        rest = align(found[-1][2]) if found else at
        if not depth and rest < end:
            yield Part(0, REST, rest, end - rest, _overlaps(self._hidden, rest, end))

    def _indexed(self, at: int, end: int, name: str, depth: int, indices: int) -> Iterator[Part]:
        """Attributes of a set behind so many levels of attributes whose numbers are indices."""
        if not indices:
            yield from self.level(at, end, name, depth)
            return
        for number, begin, stop in walk_attributes(self._message, at, end, self._order):
            yield _part(depth, f"[{number}]", begin, stop)
            yield from self._indexed(begin, stop, name, depth + 1, indices - 1)

    def _hops(self, at: int, end: int, name: str, depth: int) -> Iterator[Part]:
        for begin, stop in next_hops(self._message[at:end], self._order):
            yield Part(depth, HOP, at + begin, stop - begin)
            yield from self.level(at + begin + RTNEXTHOP, at + stop, name, depth + 1)

    def _kinds(self, found: Iterable[Place], name: str) -> dict[int, str]:
        """What the attributes say that say of which kind others beside them are, by number."""
        selecting, kinds = set(selectors(name).values()), dict[int, str]()
        for number, begin, stop in found if selecting else ():
            if number in selecting and number not in kinds:
                text = self._message[begin : min(stop, begin + LONGEST_KIND)]
                kinds[number] = kind_text(find(name, number), text, self._order)
        return kinds

    def _found(self, at: int, end: int, name: str, *, top: bool) -> list[Place]:
        if top and end > LONGEST_ATTRIBUTE and name.startswith("rt-link/link-attrs"):
            # Its list of virtual functions may be longer than its length can say.
            whole = link_attributes(self._message, at, end, self._order)
            return sorted(((number, *place) for number, place in whole.items()), key=itemgetter(1))
        return walk_attributes(self._message, at, end, self._order)


def _part(depth: int, name: str, begin: int, stop: int, *, hidden: bool = False) -> Part:
    """An attribute whose payload is at a place."""
    return Part(depth, name, begin - NLA_HDRLEN, stop - begin + NLA_HDRLEN, hidden)
