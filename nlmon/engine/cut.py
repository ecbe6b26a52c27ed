"""Which frames of a recording some frames of it need, so that a capture of these alone is read as they were.

A frame needs, of those before it:
1. what gave, or took away, the name of each interface whose index stands in it as a number, and of the generic family
   that it belongs to;
2. the request that it answers or announces, and of a dump all parts before it;
3. and what those need: a reply is one only behind its request. An answer to a request that is there is needed, too.

Rules:
1. Indexes are looked for in the bytes, wherever a number of 32 bits can stand in a message, so that no implementation
   is asked; now and then a number that is none keeps a frame more.
2. Parts of dumps that are needed for a name stand without their request: such a dump says nothing about what is absent.
3. States are not carried over: what no frame of the cut announces is not known in it.
4. Nothing is kept of a frame but numbers, and of those nothing that grows with the recording but the numbers of frames
   of dumps under way.

Not here: reading and writing the file (``nlmon.cli.cut``).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from nlmon.capture.base import Batch, ByteOrder, Frame
from nlmon.capture.conversation import Conversation
from nlmon.capture.segment import ASIDE, Place, Role
from nlmon.framing import attribute, messages
from nlmon.transport.recorded.kernel import FAMILY_ATTRIBUTES, LINK_TYPES, RecordedKernel, name_text
from nlmon.uapi import (
    CTRL_ATTR_FAMILY_ID,
    CTRL_ATTR_FAMILY_NAME,
    GENL_ID_CTRL,
    IFINFOMSG,
    NETLINK_GENERIC,
    NETLINK_ROUTE,
    NLMSG_HDRLEN,
)
from nlmon.wire import Datagrams

__all__ = ["ANNOUNCEMENTS_KEPT", "Cut", "Need", "Ranges", "find_cut"]

# Why a frame that was not asked for is kept.
Need: TypeAlias = Literal["link", "family", "request", "answer", "dump"]
# Of the frames that announce one number of a generic family so many are kept, the latest.
ANNOUNCEMENTS_KEPT = 64


class Ranges:
    """Frames that are asked for: pairs of the first and the last, None for all that follow."""

    def __init__(self, pairs: Iterable[tuple[int, int | None]]) -> None:
        self.pairs: list[tuple[int, int | None]] = []
        for first, last in sorted(pairs, key=lambda pair: pair[0]):
            before = self.pairs[-1] if self.pairs else None
            if before is None or (before[1] is not None and first > before[1] + 1):
                self.pairs.append((first, last))
            elif before[1] is not None:
                self.pairs[-1] = before[0], None if last is None else max(last, before[1])
        self._firsts = [first for first, _ in self.pairs]

    def __contains__(self, frame: object) -> bool:
        if not isinstance(frame, int):
            return False
        at = bisect_right(self._firsts, frame) - 1
        if at < 0:
            return False
        last = self.pairs[at][1]
        return last is None or frame <= last

    @property
    def last(self) -> int | None:
        """The last frame that is asked for; None: there is no last one."""
        return self.pairs[-1][1]


class Cut(Struct, frozen=True):
    """What a cut consists of: ``asked``, how many frames of those that were asked for there are, and ``needed``, the
    others by number, with what for. ``last``: the last frame that was read."""

    asked: int
    needed: dict[int, Need]
    last: int


class _Announcements(Struct):
    """Frames that announce something, and the requests that they answer, without which they would be no answers."""

    frames: list[tuple[int, int]] = []

    def add(self, frame: int, request: int) -> None:
        self.frames.append((frame, request))
        del self.frames[:-ANNOUNCEMENTS_KEPT]


def find_cut(batches: Iterable[Batch], byteorder: ByteOrder, ranges: Ranges) -> Cut:
    """Read a recording as far as it is asked for."""
    search = _Search(byteorder, ranges)
    for batch in batches:
        for frame in batch.frames():
            if ranges.last is not None and frame.number > ranges.last:
                return search.cut()
            search.look(frame)
            if frame.number == ranges.last:
                return search.cut()
    return search.cut()


class _Search:
    """Looks at each frame once, in order."""

    def __init__(self, byteorder: ByteOrder, ranges: Ranges) -> None:
        self._order = byteorder
        self._numbers = struct.Struct("<I" if byteorder == "little" else ">I").iter_unpack
        self._ranges = ranges
        self._conversation = Conversation(byteorder)
        self._kernel = RecordedKernel(byteorder)
        self._links: dict[int, _Announcements] = {}
        self._families: dict[int, _Announcements] = {}
        # Parts of dumps under way whose request was recorded, by that request.
        self._parts: dict[tuple[int, tuple[int, int, int]], list[int]] = {}
        self._asked = self._last = 0
        self._needed: dict[int, Need] = {}

    def cut(self) -> Cut:
        """What was found."""
        return Cut(self._asked, dict(sorted(self._needed.items())), self._last)

    def look(self, frame: Frame) -> None:
        """Take in the next frame, and note what it needs if it is asked for."""
        place, request = self._conversation.placed(frame)
        self._last = frame.number
        if place.role not in ASIDE:
            answers = request if place.role is Role.REPLY else 0
            self._learn(frame, answers)
        parts = self._parts_before(frame, place, request)
        if frame.number in self._ranges:
            self._asked += 1
            self._need(request, "request")
            for part in parts:
                self._need(part, "dump")
            self._need_names(frame)
        elif request and self._has(request):
            self._need(frame.number, "dump" if place.role is Role.DUMP else "answer")

    def _parts_before(self, frame: Frame, place: Place, request: int) -> Sequence[int]:
        """The parts of a dump before this one, if its request was recorded."""
        if place.role is not Role.DUMP or place.dump_id is None or not request:
            return ()
        parts = self._parts.setdefault((request, place.dump_id), [])
        before = parts.copy() if frame.number in self._ranges and parts and not self._has(parts[-1]) else ()
        parts.append(frame.number)
        if place.ends:
            del self._parts[request, place.dump_id]
        return before

    def _has(self, frame: int) -> bool:
        return frame in self._ranges or frame in self._needed

    def _need(self, frame: int, what: Need) -> None:
        if frame and not self._has(frame):
            self._needed[frame] = what

    # -- names -----------------------------------------------------------------------------------------------

    def _learn(self, frame: Frame, request: int) -> None:
        """Let the kernel learn of a frame, and note whose names that changed."""
        kernel, datagrams = self._kernel, _one(frame)
        if frame.protocol == NETLINK_ROUTE:
            indexes = self._indexes(frame)
            before = [kernel.names.get(index, "") for index in indexes]
            kernel.learn(datagrams)
            for index, name in zip(indexes, before, strict=True):
                if kernel.names.get(index, "") != name:
                    # What was announced before of this index is not so any more.
                    self._links[index] = _Announcements([(frame.number, request)])
        elif frame.protocol == NETLINK_GENERIC:
            numbers = self._family_numbers(frame)
            before_it = list(map(self._known_of, numbers))
            kernel.learn(datagrams)
            for number, known in zip(numbers, before_it, strict=True):
                if self._known_of(number) != known:
                    self._families.setdefault(number, _Announcements()).add(frame.number, request)

    def _known_of(self, number: int) -> tuple[object, ...]:
        """What is known of the generic family with a number."""
        kernel = self._kernel
        name = kernel.family_name(number)
        message = kernel.families.get(name, (0, b""))[1][NLMSG_HDRLEN:]
        return tuple(kernel.family_names(number)), kernel.generic_groups.get(number), name in kernel.families, message

    def _indexes(self, frame: Frame) -> list[int]:
        """The interfaces that a frame announces."""
        data, found = frame.data, dict[int, None]()
        for header in messages(data, self._order):
            at = header.offset + NLMSG_HDRLEN
            if header.type in LINK_TYPES and header.length >= NLMSG_HDRLEN + IFINFOMSG and len(data) >= at + IFINFOMSG:
                found[int.from_bytes(data[at + 4 : at + 8], self._order, signed=True)] = None
        return list(found)

    def _family_numbers(self, frame: Frame) -> list[int]:
        """The generic families that a frame announces, by each number that they have or are given."""
        data, found = frame.data, dict[int, None]()
        for header in messages(data, self._order):
            if header.type != GENL_ID_CTRL:
                continue
            at, end = header.offset + FAMILY_ATTRIBUTES, min(len(data), header.offset + header.length)
            number = attribute(data, at, end, self._order, CTRL_ATTR_FAMILY_ID)
            name = attribute(data, at, end, self._order, CTRL_ATTR_FAMILY_NAME)
            if number is not None:
                found[int.from_bytes(number[:2], self._order)] = None
            if name is not None and (known := self._kernel.families.get(name_text(name))) is not None:
                found[known[0]] = None
        return list(found)

    def _need_names(self, frame: Frame) -> None:
        data = frame.data
        if self._links:
            for (number,) in self._numbers(data[: len(data) & ~3]):
                if number in self._links:
                    self._need_announcements(self._links[number], "link")
        if frame.protocol == NETLINK_GENERIC:
            for header in messages(data, self._order):
                if header.type in self._families:
                    self._need_announcements(self._families[header.type], "family")

    def _need_announcements(self, announcements: _Announcements, what: Need) -> None:
        for frame, request in announcements.frames:
            self._need(frame, what)
            self._need(request, "request")


def _one(frame: Frame) -> Datagrams:
    return Datagrams((frame.number,), frame.protocol, (frame.timestamp,), (frame.data,), frame.truncated)
