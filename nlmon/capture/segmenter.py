"""Sorts the frames of a recording into segments: what stands in one place of its conversation and may be read at once.

Rules:
1. The order of what listeners receive is that of the recording; so is that of answers among it.
2. A frame is looked at once. What most frames are is seen in their header, and the conversation is asked of the others.

Not here: what a frame is in its conversation (``conversation``), and what of it is fed (``nlmon.engine.segments``).
"""

from __future__ import annotations

from itertools import compress

from msgspec import Struct

from nlmon.capture.answers import answer_type
from nlmon.capture.base import Batch, Frame
from nlmon.capture.conversation import ECHOED, Conversation
from nlmon.capture.segment import ASIDE, CONTROL, NOTIFICATION, REQUEST, Place, Segment
from nlmon.framing import nlmsghdr, types
from nlmon.uapi import NETLINK_GENERIC, NLM_F_MULTI, NLM_F_REQUEST, NLMSG_ERROR, NLMSG_HDRLEN, NLMSG_MIN_TYPE
from nlmon.wire import Datagrams

__all__ = ["SEGMENT_BYTES", "SEGMENT_FRAMES", "Segmenter"]

# The most that shares a segment: datagrams, and bytes of them but for the last.
SEGMENT_FRAMES, SEGMENT_BYTES = 128, 64 * 1024


class _Columns(Struct, gc=False):
    """The rows of a segment while it grows. ``size``: bytes of its datagrams together."""

    protocol: int
    frames: list[int] = []
    timestamps: list[int] = []
    data: list[bytes] = []
    size: int = 0


class _Aside(Struct, gc=False):
    """What concerns no listener in a batch: its place, marks on its frames, and the number of their messages."""

    place: Place
    marks: bytearray
    messages: int = 0

    def segment(self, batch: Batch) -> Segment:
        """Those frames."""
        frames = compress(range(batch.number, batch.number + len(batch.data)), self.marks)
        timestamps, data = compress(batch.timestamps, self.marks), compress(batch.data, self.marks)
        datagrams = Datagrams(list(frames), batch.protocol, list(timestamps), list(data), batch.truncated)
        return Segment(self.place, datagrams, self.messages)


class Segmenter:
    """Sorts the frames of a recording, batch by batch, in file order; ``conversation``: who said what so far."""

    def __init__(self, byteorder: str) -> None:
        self._byteorder = byteorder
        self._fields = nlmsghdr(byteorder).unpack_from
        self.conversation = Conversation(byteorder)
        # Notifications that wait for others to share their segment.
        self._open: _Columns | None = None

    def segments(self, batch: Batch, *, bulk: bool = True, in_order: bool = False) -> list[Segment]:
        """Sort the frames of a batch by their place in the conversation.

        With ``bulk``, notifications that are one whole message each share a segment with those before them, also
        across batches that follow each other at once. What concerns no listener (requests and control messages) does
        not separate them: it comes in segments of its own at the end of a batch, unless ``in_order``. Without ``bulk``
        each frame is a segment, in the order of the recording.
        """
        if not bulk:
            return [self._single(self.conversation.place(frame), frame) for frame in batch.frames()]
        found: list[Segment] = []
        if self._open is not None and (batch.protocol != self._open.protocol or batch.truncated):
            found += self.flush()
        self._sort(batch, found, in_order=in_order)
        return found if batch.more else found + self.flush()

    def _sort(self, batch: Batch, found: list[Segment], *, in_order: bool) -> None:
        """Add the segments of a batch; those notifications that come last among them stay in the open segment."""
        protocol, fields, conversation = batch.protocol, self._fields, self.conversation
        pending = conversation.pending
        # Numbers of generic families are learned from nlctrl's messages, so each is looked at.
        whole = protocol != NETLINK_GENERIC and batch.direction != "out" and not batch.truncated
        flag = 0 if batch.direction else NLM_F_REQUEST
        count = len(batch.data)
        requests, control = _Aside(REQUEST, bytearray(count)), _Aside(CONTROL, bytearray(count))
        # Notifications are marked. Those from ``begin`` on are not in the open segment yet; with them it has ``filled``
        # bytes, and it is full with the one at ``last``.
        opened, marks = self._open, bytearray(b"\1") * count
        begin, filled, last = 0, opened.size if opened else 0, SEGMENT_FRAMES - 1 - (len(opened.data) if opened else 0)
        for at, message in enumerate(batch.data):
            size = len(message)
            if whole and size >= NLMSG_HDRLEN:
                length, msg_type, flags, seq, pid = fields(message)
                asks = flags & flag
                if not size - 4 < length <= size:
                    pass
                elif (
                    # What ``Conversation.place`` would call a notification.
                    msg_type >= NLMSG_MIN_TYPE
                    and not asks
                    and not (pid and (protocol, seq) in pending)
                    and not (flags & NLM_F_MULTI and (seq or pid))
                ):
                    filled += size
                    if filled >= SEGMENT_BYTES or at >= last:
                        self._put(batch, begin, at + 1, marks, filled)
                        found += self.flush()
                        begin, filled, last = at + 1, 0, at + SEGMENT_FRAMES
                    continue
                elif not in_order and length >= NLMSG_HDRLEN:
                    # What it would neither remember nor forget anything for.
                    if asks:
                        aside, plain = requests, msg_type not in ECHOED and answer_type(protocol, msg_type) is None
                    else:
                        aside, plain = control, msg_type == NLMSG_ERROR and (protocol, seq) not in pending
                    if plain:
                        marks[at], aside.marks[at] = 0, 1
                        aside.messages += 1
                        last += 1
                        continue
            marks[at] = 0
            frame = batch.frame(at)
            place = conversation.place(frame)
            if place.role in ASIDE and not in_order:
                aside = requests if place == REQUEST else control
                aside.marks[at] = 1
                aside.messages += len(types(message, self._byteorder))
                last += 1
            else:
                self._put(batch, begin, at, marks, filled)
                found += [*self.flush(), self._single(place, frame)]
                begin, filled, last = at + 1, 0, at + SEGMENT_FRAMES
        self._put(batch, begin, count, marks, filled)
        if 0 in marks:
            asides = sorted((requests, control), key=lambda one: one.marks.find(1))
            found += [one.segment(batch) for one in asides if 1 in one.marks]

    def _put(self, batch: Batch, begin: int, end: int, marks: bytearray, size: int) -> None:
        """Put the marked frames of a part of a batch, all of them notifications, into the open segment, which has
        ``size`` bytes then."""
        mine = marks[begin:end]
        if 1 not in mine:
            return
        if self._open is None:
            self._open = _Columns(batch.protocol)
        columns = self._open
        columns.frames.extend(compress(range(batch.number + begin, batch.number + end), mine))
        columns.timestamps.extend(compress(batch.timestamps[begin:end], mine))
        columns.data.extend(compress(batch.data[begin:end], mine))
        columns.size = size

    def flush(self) -> list[Segment]:
        """Give the notifications that wait for others to share their segment, if there are any."""
        if self._open is None:
            return []
        columns, self._open = self._open, None
        datagrams = Datagrams(columns.frames, columns.protocol, columns.timestamps, columns.data)
        return [Segment(NOTIFICATION, datagrams, len(columns.data))]

    def _single(self, place: Place, frame: Frame) -> Segment:
        """A frame as a segment of its own."""
        columns = (frame.number,), frame.protocol, (frame.timestamp,), (frame.data,)
        datagrams = Datagrams(*columns, frame.truncated, place.request)
        return Segment(place, datagrams, len(types(frame.data, self._byteorder)))
