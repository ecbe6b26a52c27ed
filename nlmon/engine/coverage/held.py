"""What of the kernel's attributes a capture holds, and who of two implementations reads it.

Every notification, dump and reply counts, whether or not somebody listens to its group; requests do not. An attribute
counts once for each message; what is in one that is not read, or is kept as it is, does not count beside it.

Rules:
1. What a capture decides is bounded: attributes and messages that are counted apart, and kinds of each. What finds no
   place is ``left_out``.

Not here: reading the capture (``nlmon.capture``), what there could be in it (``kernel``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from nlmon.backends.base import Backend
from nlmon.compare.contract import Contract
from nlmon.engine.coverage.readings import NEITHER, Known, Readings, who_reads
from nlmon.framing import link_attributes, messages, next_hops, walk_attributes
from nlmon.names import PROTOCOLS, unknown_message
from nlmon.names.attribute_sets import root_of
from nlmon.names.attributes import KERNEL, Attribute, find, inside, kind_text
from nlmon.report.coverage import AttributeRow, CoverageReport, MessageCoverage, state_of, summed
from nlmon.uapi import AF_UNIX, NETLINK_GENERIC, NETLINK_SOCK_DIAG, NLMSG_HDRLEN, NLMSG_MIN_TYPE, RTNEXTHOP
from nlmon.wire import Datagrams

__all__ = ["Held"]

# Attributes and messages that are counted apart, kinds of one attribute, and attributes of one message.
KEPT, MESSAGES, KINDS, LOOKED_AT = 16384, 1024, 64, 1024
LONGEST_KIND = 32
# In a message beyond this a list of virtual functions may be longer than its length says.
LONGEST = 65535
OTHERS = "others"


class _Part(NamedTuple):
    """An attribute where it stands, by the names on the way to it, and who reads it."""

    path: str
    readers: int


class _Kind(NamedTuple):
    """Messages that are counted together."""

    label: str
    protocol: int
    event: bool


class Held:
    """Counts the attributes of captures. ``left_out``: attributes and messages that found no place."""

    def __init__(self, backends: tuple[type[Backend], type[Backend]], names: Sequence[str], contract: Contract) -> None:
        self.left_out = 0
        self._backends, self._names, self._contract = backends, names, contract
        self._messages: Counter[_Kind] = Counter()
        self._parts: dict[tuple[_Kind, _Part], Counter[str]] = {}
        self._known: dict[tuple[_Kind, _Part], Attribute] = {}

    def count(self, datagrams: Datagrams, byteorder: Literal["little", "big"], family: Callable[[int], str]) -> None:
        """Count the messages of some datagrams; ``family``: the name of the generic family with a number, or ""."""
        protocol = datagrams.protocol
        for data in datagrams.data:
            for head in messages(data, byteorder):
                if head.type >= NLMSG_MIN_TYPE:
                    message = data[head.offset : head.offset + head.length]
                    name = family(head.type) if protocol == NETLINK_GENERIC else ""
                    self._count(protocol, message, head.type, byteorder, name)

    def report(self, captures: Sequence[str]) -> CoverageReport:
        """What was counted."""
        names = self._names
        rows: dict[_Kind, list[AttributeRow]] = {kind: [] for kind in self._messages}
        for (kind, part), kinds in self._parts.items():
            by = [name for bit, name in enumerate(names) if part.readers >> bit & 1]
            known = self._known[kind, part]
            why = "" if part.readers else known.ignored
            named = {one: count for one, count in kinds.most_common() if one}
            rows[kind].append(
                AttributeRow(part.path, known.set, known.number, known.type, by, why, kinds.total(), named)
            )
        listed = []
        for kind in sorted(rows, key=lambda one: (one.protocol, not one.event, one.label)):
            own = rows[kind]
            counts = summed((state_of(row, names) for row in own), names)
            protocol = PROTOCOLS.get(kind.protocol, str(kind.protocol))
            listed.append(MessageCoverage(kind.label, protocol, counts, own, self._messages[kind], kind.event))
        totals = {state: sum(one.counts[state] for one in listed) for state in summed((), names)}
        return CoverageReport(KERNEL, list(names), totals, listed, list(captures), self.left_out)

    def _count(
        self, protocol: int, message: bytes, msg_type: int, byteorder: Literal["little", "big"], family: str
    ) -> None:
        first = message[NLMSG_HDRLEN] if len(message) > NLMSG_HDRLEN else -1
        reads = who_reads(self._backends, protocol, msg_type, first, family)
        kind = self._kind(protocol, msg_type, first, family, reads)
        if kind not in self._messages and len(self._messages) >= MESSAGES:
            self.left_out += 1
            return
        self._messages[kind] += 1
        if reads is None or not reads.readers:
            return
        root = root_of(protocol, msg_type, first, family).set
        walk = _Walk(message, byteorder, reads.everything)
        begin = NLMSG_HDRLEN + reads.begin
        found: dict[_Part, tuple[Attribute, str]] = {}
        for part, known, text in walk.parts(begin, len(message), reads.attributes, root, ""):
            found.setdefault(part, (known, text))
        for part, (known, text) in found.items():
            self._add((kind, part), known, text)

    def _kind(self, protocol: int, msg_type: int, first: int, family: str, reads: Readings | None) -> _Kind:
        event = reads is not None and bool(reads.readers)
        label = self._contract.of(protocol, msg_type) or ""
        if protocol == NETLINK_GENERIC:
            label = family or f"family {msg_type}"
        elif not event or not label:
            label = unknown_message(protocol, msg_type, first)
        elif protocol == NETLINK_SOCK_DIAG:
            label = "unix socket" if first == AF_UNIX else "inet socket"
        elif label.startswith("xfrm_"):
            label = "xfrm"
        return _Kind(label, protocol, event)

    def _add(self, key: tuple[_Kind, _Part], known: Attribute, text: str) -> None:
        kinds = self._parts.get(key)
        if kinds is None:
            if len(self._parts) >= KEPT:
                self.left_out += 1
                return
            kinds = self._parts[key] = Counter()
            self._known[key] = known
        kinds[text if text in kinds or len(kinds) < KINDS else OTHERS] += 1


class _Walk:
    """One walk over a message; ``everything``: who reads all that is in it."""

    def __init__(self, message: bytes, byteorder: Literal["little", "big"], everything: int) -> None:
        self._message, self._order, self._everything = message, byteorder, everything
        self._left = LOOKED_AT

    def parts(
        self, at: int, end: int, known: Mapping[int, Known], name: str, before: str
    ) -> Iterator[tuple[_Part, Attribute, str]]:
        """The attributes in a range, and in those that are read in part: who reads each, what the tables have of it,
        and the text that says what is in it."""
        if not before and end > LONGEST and name.startswith("rt-link/link-attrs"):
            long = link_attributes(self._message, at, end, self._order)
            found = [(number, *place) for number, place in long.items()][: self._left]
        else:
            found = walk_attributes(self._message, at, end, self._order)[: self._left]
        self._left -= len(found)
        places = {number: (begin, stop) for number, begin, stop in reversed(found)}
        for number, begin, stop in found:
            one, node = find(name, number), known.get(number)
            readers = self._everything | (NEITHER if node is None else node.readers)
            text = self._text(name, one.selector, places)
            path = before + (one.name if name else str(number))
            yield _Part(path, readers), one, text
            if node is not None and node.inside is not None:
                nested = inside(one, text).set
                if node.hops:
                    for hop, last in next_hops(self._message[begin:stop], self._order):
                        yield from self.parts(begin + hop + RTNEXTHOP, begin + last, node.inside, nested, f"{path}/")
                else:
                    yield from self.parts(begin + node.begin, stop, node.inside, nested, f"{path}/")

    def _text(self, name: str, selector: int, places: Mapping[int, tuple[int, int]]) -> str:
        """What the attribute with the number ``selector`` says; empty if there is none."""
        begin, stop = places.get(selector, (0, 0))
        if not begin:
            return ""
        return kind_text(find(name, selector), self._message[begin : min(stop, begin + LONGEST_KIND)], self._order)
