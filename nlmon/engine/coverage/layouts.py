"""What of messages of one layout is not read by both, worked out once.

Messages have one *layout* here if they have the same type, length and attributes in the same places, as far down as
anybody reads, and the same kind where attributes depend on one (IFLA_INFO_KIND). What is below an attribute that nobody
reads is not looked at, and what nobody need read (``nlmon.names.attributes``) is no part of it.

Not here: which layouts are kept (``count``), and the layouts by which libnl decodes (``nlmon.backends.libnl.layouts``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, TypeAlias

from nlmon.compare.fast.shapes import fixed_parts
from nlmon.engine.coverage.parts import Counts, Part
from nlmon.engine.coverage.readings import BOTH, NEITHER, Readings
from nlmon.uapi import NLMSG_HDRLEN

if TYPE_CHECKING:  # a start-up reads no tables of names
    from nlmon.engine.coverage.walk import Walk

__all__ = ["Layout", "Layouts"]

# Layouts of one type and length, and lists of parts that are remembered for one kind of messages.
ALIKE_KEPT, LISTS_KEPT = 8, 512

# Parts of messages that hold the same attributes, whatever their lengths; of those that neither reads the place in the
# order of the walk.
_Parts: TypeAlias = tuple[tuple[Part, ...], tuple[tuple[Part, int], ...]]


class Layout:
    """One layout of messages called ``label``, such as ``link``. ``parts``: what in it not both read. ``headers`` and
    ``pieces``: what must be the same in another message of the same type and length: where headers of attributes stand,
    and begin and size of other bytes; ``fixed`` unpacks these, and ``want`` is what it gives. ``times``: how many
    messages had it that were not counted yet."""

    __slots__ = ("_counts", "_places", "_unread", "fixed", "headers", "label", "parts", "pieces", "times", "want")

    def __init__(self, label: str, found: _Parts, walk: Walk, message: bytes, counts: Counts) -> None:
        self.label, self.times, self._counts = label, 0, counts
        self.parts, self._unread = found
        # Begin and end of each payload that neither reads; one tuple of numbers costs the garbage collector nothing.
        self._places = tuple([at for _, place in self._unread for at in walk.places[place][1:]])
        self.headers, self.pieces = tuple(sorted(walk.headers)), tuple(sorted(walk.pieces))
        self.fixed = fixed_parts(len(message), self.headers, self.pieces)
        self.want = self.fixed(message, 0)

    @property
    def size(self) -> int:
        """How much of a message it remembers."""
        return 1 + len(self.headers) + len(self.pieces)

    @property
    def is_blind(self) -> bool:
        """Whether there is anything that neither reads."""
        return bool(self._unread)

    @property
    def blind(self) -> list[tuple[Part, int, int]]:
        """What neither reads, and where the payload of it begins and ends in the message."""
        begins, ends = self._places[::2], self._places[1::2]
        return [(part, begin, end) for (part, _), begin, end in zip(self._unread, begins, ends, strict=True)]

    def add(self, times: int) -> None:
        """Count messages."""
        self._counts.add(self.label, self.parts, times)

    def settle(self) -> None:
        """Bring the counts up to date."""
        self.add(self.times)
        self.times = 0


class Layouts:
    """The layouts of the messages of one kind, called ``label``, of which ``reads`` is read, and whose attributes are
    of the set ``root``. ``kind``: what their parts are counted by where no attribute says it."""

    def __init__(
        self,
        label: str,
        reads: Readings,
        root: str,
        byteorder: Literal["little", "big"],
        counts: Counts,
        kind: str = "",
    ) -> None:
        self.label = label
        self._reads, self._root, self._order, self._counts, self._kind = reads, root, byteorder, counts, kind
        # By length and type of a message, as they stand in its header; the last that was met comes first.
        self._by_head: dict[bytes, list[Layout]] = {}
        self._parts: dict[tuple[object, ...], _Parts] = {}

    def __iter__(self) -> Iterator[Layout]:
        return (one for alike in self._by_head.values() for one in alike)

    def known(self, message: bytes) -> Layout | None:
        """The layout of a message; None: it was not met, or was forgotten."""
        alike = self._by_head.get(message[:6], [])
        for place, one in enumerate(alike):
            if one.fixed(message, 0) == one.want:
                if place:
                    alike.insert(0, alike.pop(place))
                return one
        return None

    def learn(self, message: bytes) -> tuple[Layout, list[Layout]]:
        """The layout of a message that was not met, and those that are forgotten for it."""
        from nlmon.engine.coverage.walk import Walk  # noqa: PLC0415  (a start-up reads no tables of names)

        reads, walk = self._reads, Walk(message, self._order)
        if reads.readers and not reads.everything:
            walk.level(NLMSG_HDRLEN + reads.begin, len(message), reads.attributes, self._root)
        sizes = tuple([level.end - level.begin for level in walk.levels])
        key = (sizes, *[place[0] for place in walk.places], *[message[at : at + size] for at, size in walk.pieces])
        found = self._parts.get(key)
        if found is None:
            if len(self._parts) >= LISTS_KEPT:
                self._parts.clear()
            found = self._parts[key] = self._listed(walk)
        made = Layout(self.label, found, walk, message, self._counts)
        alike = self._by_head.setdefault(message[:6], [])
        alike.insert(0, made)
        gone = alike[ALIKE_KEPT:]
        del alike[ALIKE_KEPT:]
        return made, gone

    def _listed(self, walk: Walk) -> _Parts:
        from nlmon.names.attributes import find  # noqa: PLC0415  (a start-up reads no tables of names)

        reads, parts, unread = self._reads, dict[Part, None](), []
        if reads.readers != BOTH or reads.everything not in {NEITHER, BOTH}:
            parts[Part((), reads.everything if reads.readers == BOTH else reads.readers, self._kind)] = None
        for level in walk.levels:
            expected, known = {BOTH, level.readers or reads.readers}, level.known
            for place, (number, _, _) in walk.beside(level):
                one = known.get(number)
                if one is None:
                    if not find(level.set, number).ignored:
                        part = Part((*level.path, number), NEITHER, level.kind(number) or self._kind)
                        parts[part] = None
                        unread.append((part, place))
                elif one.readers not in expected:
                    kind = level.kind(number) or self._kind
                    parts[Part((*level.path, number), one.readers, kind)] = None
        return tuple(parts), tuple(unread)
