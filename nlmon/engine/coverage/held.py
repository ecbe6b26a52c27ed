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
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

from nlmon.backends.base import Backend
from nlmon.compare.contract import Contract
from nlmon.engine.coverage.readings import NEITHER, first_of, label_of, who_reads
from nlmon.engine.coverage.walk import Level, Walk
from nlmon.framing import messages
from nlmon.names import PROTOCOLS
from nlmon.names.attribute_sets import root_of
from nlmon.names.attributes import KERNEL, Attribute, find
from nlmon.report.coverage import AttributeRow, CoverageReport, MessageCoverage, UnreadCapture, count_states, state_of
from nlmon.uapi import NETLINK_GENERIC, NLMSG_HDRLEN, NLMSG_MIN_TYPE
from nlmon.wire import Datagrams

__all__ = ["Held"]

# Attributes and messages that are counted apart, and kinds of one attribute.
ATTRIBUTES_KEPT, MESSAGES_KEPT, KINDS_KEPT = 16384, 1024, 64
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

    def report(self, captures: Sequence[str], unread: Sequence[UnreadCapture] = ()) -> CoverageReport:
        """What was counted. ``unread``: what could not be."""
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
            counts = count_states((state_of(row, names) for row in own), names)
            protocol = PROTOCOLS.get(kind.protocol, str(kind.protocol))
            listed.append(MessageCoverage(kind.label, protocol, counts, own, self._messages[kind], kind.event))
        totals = {state: sum(one.counts[state] for one in listed) for state in count_states((), names)}
        return CoverageReport(KERNEL, list(names), totals, listed, list(captures), self.left_out, list(unread))

    def _count(
        self, protocol: int, message: bytes, msg_type: int, byteorder: Literal["little", "big"], family: str
    ) -> None:
        first = first_of(protocol, message)
        reads = who_reads(self._backends, protocol, msg_type, first, family)
        label = label_of(self._contract, protocol, msg_type, first, family, reads)
        kind = _Kind(label, protocol, reads is not None and bool(reads.readers))
        if kind not in self._messages and len(self._messages) >= MESSAGES_KEPT:
            self.left_out += 1
            return
        self._messages[kind] += 1
        if reads is None or not reads.readers:
            return
        walk = Walk(message, byteorder)
        root = root_of(protocol, msg_type, first, family).set
        walk.level(NLMSG_HDRLEN + reads.begin, len(message), reads.attributes, root)
        found: dict[_Part, tuple[Attribute, str]] = {}
        for part, known, text in _parts(walk, reads.everything):
            found.setdefault(part, (known, text))
        for part, (known, text) in found.items():
            self._add((kind, part), known, text)

    def _add(self, key: tuple[_Kind, _Part], known: Attribute, text: str) -> None:
        kinds = self._parts.get(key)
        if kinds is None:
            if len(self._parts) >= ATTRIBUTES_KEPT:
                self.left_out += 1
                return
            kinds = self._parts[key] = Counter()
            self._known[key] = known
        kinds[text if text in kinds or len(kinds) < KINDS_KEPT else OTHERS] += 1


def _parts(walk: Walk, everything: int) -> Iterator[tuple[_Part, Attribute, str]]:
    """The attributes that a walk met, each before what is in it: who reads it, what the tables have of it, and the text
    that says of which kind it is. ``everything``: who reads all that is in the message."""
    levels: dict[int, list[Level]] = {}
    for level in walk.levels:
        levels.setdefault(level.inside, []).append(level)

    def below(place: int, before: str) -> Iterator[tuple[_Part, Attribute, str]]:
        for level in levels.get(place, ()):
            for at, (number, _, _) in walk.beside(level):
                one, node = find(level.set, number), level.known.get(number)
                readers = everything | (NEITHER if node is None else node.readers)
                path = before + (one.name if level.set else str(number))
                yield _Part(path, readers), one, level.kind(number)
                yield from below(at, f"{path}/")

    return below(-1, "")
