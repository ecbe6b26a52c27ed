"""Who said what to whom in a recording: requests, answers, dumps and notifications, told apart.

A tap of the nlmon device records every program's requests and the kernel's answers among the notifications,
all with the same packet type. A monitor's own socket receives only notifications, so a replay must know them.

The rules, in order, for the first message of a datagram (all messages of a datagram share their sender):
1. Recorded as sent to the kernel, or NLM_F_REQUEST set: a **request**. But the kernel copies the flags of a request
   into what it announces of it for some types (``_ECHOED``: net/ipv4/nexthop.c, net/sched): with a port id, and the
   type and sequence number of a request before it, that is the announcement.
2. NLMSG_DONE, and NLM_F_MULTI with a sequence number or port id: part of a **dump**. It belongs to the oldest
   request with this sequence number that asks for this type and that no other port id has claimed.
3. NLMSG_ERROR, which is also the acknowledgement: **control**. It ends the request that it echoes. The kernel sends
   it alone; what follows one in its datagram is a **notification**, so that nothing is hidden behind an error.
4. The first answer to a remembered request that asks for something, with the same sequence number: a **reply**
   (``_answer_of`` says which type answers which). It ends the request.
5. Everything else is a **notification**. One caused by a request carries that request's sequence number and often
   its port id, which is why rule 4 asks for a type that only an answer has.
6. A request that names a port claims it from the start: no answer to another port is its own.

Where rule 4 cannot tell: generic families answer in their own type and, as nl80211 does, even in the command of the
request. Only families that are known to announce so what a request changed are excepted (``_ANSWERED_COMMANDS``),
once the recording has named them; of any other, the first announcement with sequence number and port of its cause is
taken for a reply. (Audit answers in its own type, too, but its records have no port.)

Bounded: requests that ask for nothing are not remembered; of the others at most ``REMEMBERED`` sequence numbers
with ``SAME_NUMBER`` requests each, the oldest is forgotten first.

Not here: notifications that were recorded several times (``tally``).
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterator

from msgspec import Struct

from nlmon.capture.base import Batch, Frame
from nlmon.capture.segment import ASIDE, NOTIFICATION, DumpScope, Place, Role, Segment
from nlmon.framing import MessageHeader, messages, types
from nlmon.uapi import (
    CTRL_ATTR_FAMILY_ID,
    CTRL_ATTR_FAMILY_NAME,
    CTRL_CMD_NEWFAMILY,
    GENL_ID_CTRL,
    NETLINK_GENERIC,
    NETLINK_NETFILTER,
    NETLINK_ROUTE,
    NETLINK_SOCK_DIAG,
    NETLINK_XFRM,
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLM_F_ECHO,
    NLM_F_MULTI,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    NLMSG_HDRLEN,
    NLMSG_MIN_TYPE,
    RTM_GETNEIGH,
)
from nlmon.wire import Datagrams

__all__ = ["REMEMBERED", "SEGMENT_BYTES", "SEGMENT_FRAMES", "Conversation"]

REMEMBERED = 4096
REQUEST_KEPT = 128
# The most that shares a segment: datagrams, and bytes of them but for the last.
SEGMENT_FRAMES, SEGMENT_BYTES = 128, 64 * 1024
ANSWER_WINDOW = 256
SAME_NUMBER = 16
ECHOES = 256
# RTM_NEW* and DEL* of filters, actions, chains, next hops and their buckets.
_ECHOED = {44, 45, 48, 49, 100, 101, 104, 105, 116, 117}
# Filters that do not narrow a dump: IFLA_EXT_MASK only chooses which attributes a link message carries.
HARMLESS_FILTERS = {29}


class _Columns(Struct, gc=False):
    """The rows of a segment while it grows. ``size``: bytes of its datagrams together."""

    protocol: int
    frames: list[int] = []
    timestamps: list[int] = []
    data: list[bytes] = []
    size: int = 0


class _Pending:
    """A request that waits for its answer. ``port``: where to, as the request or the first answer says; else None."""

    __slots__ = ("dump", "frame", "msg_type", "port", "request", "scope")

    def __init__(
        self, frame: int, msg_type: int, dump: bool, scope: DumpScope, request: bytes, port: int | None
    ) -> None:
        self.frame = frame
        self.msg_type = msg_type
        self.request = request
        self.dump = dump
        self.scope = scope
        self.port = port


class Conversation:
    """Follows the requests of a recording, frame by frame, in file order."""

    def __init__(self, byteorder: str) -> None:
        self._byteorder = byteorder
        self._header = struct.Struct("<IHHII" if byteorder == "little" else ">IHHII")
        self._attr = struct.Struct("<HH" if byteorder == "little" else ">HH")
        self._pending: OrderedDict[tuple[int, int], list[_Pending]] = OrderedDict()
        # Requests of the types that the kernel echoes, by type and sequence number.
        self._echoed: OrderedDict[tuple[int, int], None] = OrderedDict()
        # Numbers of the generic families that announce what a request changed -> the commands that they answer.
        self._announcing: dict[int, frozenset[int]] = {}
        # Notifications that wait for others to share their segment.
        self._open: _Columns | None = None

    def segments(self, batch: Batch, *, bulk: bool = True, in_order: bool = False) -> Iterator[Segment]:
        """Sort the frames of a batch by their place in the conversation.

        With ``bulk``, notifications that are one whole message each share a segment with those before them, also
        across batches that follow each other at once. What concerns no listener (requests and control messages) does
        not separate them: it comes in segments of its own at the end of a batch, unless ``in_order``. Without ``bulk``
        each frame is a segment, in the order of the recording.
        """
        if not bulk:
            for frame in batch.frames():
                yield self._single(self.place(frame), frame)
            return
        protocol, header, pending = batch.protocol, self._header.unpack_from, self._pending
        if self._open is not None and (protocol != self._open.protocol or batch.truncated):
            yield from self.flush()
        # Numbers of generic families are learned from nlctrl's messages, so each is looked at.
        whole = protocol != NETLINK_GENERIC and batch.direction != "out" and not batch.truncated
        asks = 0 if batch.direction else NLM_F_REQUEST
        aside: dict[Place, _Columns] = {}
        for at, message in enumerate(batch.data):
            size = len(message)
            if whole and size >= NLMSG_HDRLEN:
                length, msg_type, flags, seq, pid = header(message)
                # What ``place`` would call a notification.
                if (
                    size - 4 < length <= size
                    and msg_type >= NLMSG_MIN_TYPE
                    and not flags & asks
                    and not (pid and (protocol, seq) in pending)
                    and not (flags & NLM_F_MULTI and (seq or pid))
                ):
                    if self._open is None:
                        self._open = _Columns(protocol)
                    columns = self._open
                    columns.frames.append(batch.number + at)
                    columns.timestamps.append(batch.timestamps[at])
                    columns.data.append(message)
                    columns.size += size
                    if columns.size >= SEGMENT_BYTES or len(columns.data) >= SEGMENT_FRAMES:
                        yield from self.flush()
                    continue
            frame = batch.frame(at)
            place = self.place(frame)
            if place.role in ASIDE and not in_order:
                columns = aside.setdefault(place, _Columns(protocol))
                columns.frames.append(frame.number)
                columns.timestamps.append(frame.timestamp)
                columns.data.append(message)
            else:
                yield from self.flush()
                yield self._single(place, frame)
        for place, rows in aside.items():
            datagrams = Datagrams(rows.frames, protocol, rows.timestamps, rows.data, batch.truncated)
            yield Segment(place, datagrams, sum(len(types(data, self._byteorder)) for data in rows.data))
        if self._open is not None and not batch.more:
            yield from self.flush()

    def flush(self) -> Iterator[Segment]:
        """Give the notifications that wait for others to share their segment."""
        if self._open is not None:
            columns, self._open = self._open, None
            datagrams = Datagrams(columns.frames, columns.protocol, columns.timestamps, columns.data)
            yield Segment(NOTIFICATION, datagrams, len(columns.data))

    def _single(self, place: Place, frame: Frame) -> Segment:
        """A frame as a segment of its own."""
        columns = (frame.number,), frame.protocol, (frame.timestamp,), (frame.data,)
        datagrams = Datagrams(*columns, frame.truncated, place.request)
        return Segment(place, datagrams, len(types(frame.data, self._byteorder)))

    def place(self, frame: Frame) -> Place:
        """The role of a frame; remembers it when it is a request."""
        data = frame.data
        if len(data) < 16:
            return NOTIFICATION  # nobody's answer; the backends say what is wrong with it
        _, msg_type, flags, seq, pid = self._header.unpack_from(data)
        if frame.protocol == NETLINK_GENERIC and msg_type == GENL_ID_CTRL:
            self._learn(data)
        if frame.direction == "out" or (flags & NLM_F_REQUEST and not frame.direction):
            # The kernel itself asks with RTM_GETNEIGH who has an address (net/core/neighbour.c, neigh_app_ns), in
            # the group of neighbours; a program's request has a sequence number.
            asks = (
                frame.protocol == NETLINK_ROUTE
                and msg_type == RTM_GETNEIGH
                and flags == NLM_F_REQUEST
                and not seq
                and not pid
            )
            if frame.direction == "out" or not asks:
                return self._asked(frame, msg_type, seq, pid)
        if msg_type == NLMSG_DONE or (flags & NLM_F_MULTI and (seq or pid) and msg_type >= 16):
            return self._dump(frame, msg_type, seq, pid)
        if msg_type == NLMSG_ERROR:
            self._refused(frame.protocol, seq, pid, data)
            alone = all(header.type < 16 for header in messages(data, self._byteorder))
            return Place(Role.CONTROL) if alone else NOTIFICATION
        answered = self._answers(frame, msg_type, seq, pid) if pid else None
        if answered is not None:
            return Place(Role.REPLY, request=answered)
        return NOTIFICATION

    def _asked(self, frame: Frame, msg_type: int, seq: int, pid: int) -> Place:
        """The role of what looks like a request."""
        echo = frame.protocol == NETLINK_ROUTE and msg_type in _ECHOED
        if echo and pid and (msg_type, seq) in self._echoed and not frame.direction:
            return NOTIFICATION
        if echo:
            self._echoed[msg_type, seq] = None
            if len(self._echoed) > ECHOES:
                self._echoed.popitem(last=False)
        self._remember(frame)
        return Place(Role.REQUEST)

    def _remember(self, frame: Frame) -> None:
        for header in messages(frame.data, self._byteorder):
            if header.type < 16 or _answer_of(frame.protocol, header.type) is None:
                continue
            if frame.protocol == NETLINK_GENERIC and self._only_announced(frame.data, header):
                continue
            key = (frame.protocol, header.seq)
            dump = header.flags & NLM_F_DUMP == NLM_F_DUMP
            end = header.offset + header.length
            scope = self._scope(frame.protocol, header.type, frame.data[header.offset + 16 : end])
            request = frame.data[header.offset : min(end, header.offset + REQUEST_KEPT)]
            waiting = self._pending.setdefault(key, [])
            waiting.append(_Pending(frame.number, header.type, dump, scope, request, header.pid or None))
            del waiting[:-SAME_NUMBER]
            self._pending.move_to_end(key)
            if len(self._pending) > REMEMBERED:
                self._pending.popitem(last=False)

    def _only_announced(self, data: bytes, header: MessageHeader) -> bool:
        """True for a request of which only groups are told; with NLM_F_ECHO the program is, too."""
        answered = self._announcing.get(header.type)
        at = header.offset + 16
        return answered is not None and not header.flags & NLM_F_ECHO and at < len(data) and data[at] not in answered

    def _learn(self, data: bytes) -> None:
        """Numbers of the families of ``_ANSWERED_COMMANDS``, from what nlctrl says of them."""
        for header in messages(data, self._byteorder):
            at, end = header.offset + 20, min(header.offset + header.length, len(data))
            found: dict[int, bytes] = {}
            while at + 4 <= end:
                length, kind = self._attr.unpack_from(data, at)
                if length < 4:
                    break
                found[kind] = data[at + 4 : min(at + length, end)]
                at += (length + 3) & ~3
            if header.type != GENL_ID_CTRL or len(found.get(CTRL_ATTR_FAMILY_ID, b"")) != 2:
                continue
            number = int.from_bytes(found[CTRL_ATTR_FAMILY_ID], "little" if self._byteorder == "little" else "big")
            self._announcing.pop(number, None)
            answered = _ANSWERED_COMMANDS.get(found.get(CTRL_ATTR_FAMILY_NAME, b"").rstrip(b"\0"))
            if answered is not None and data[header.offset + 16] == CTRL_CMD_NEWFAMILY:
                self._announcing[number] = answered

    def _scope(self, protocol: int, get_type: int, body: bytes) -> DumpScope:
        family = body[0] if body else 0
        # Fixed headers of the route protocol are 8 (address) or 12 bytes, 16 for links; FDB dumps may come
        # with the link header (linux/if_bridge.h), which is all zero beyond the family then.
        size = {18: 16, 22: 8}.get(get_type, 12)
        whole = protocol == NETLINK_ROUTE and not any(body[1:size])
        at = size
        while whole and at + 4 <= len(body):
            length, kind = self._attr.unpack_from(body, at)
            if length == 0 and not any(body[at:]):
                break
            if length < 4 or kind & 0x3FFF not in HARMLESS_FILTERS:
                whole = False
            at += (length + 3) & ~3
        return DumpScope(protocol=protocol, get_type=get_type, family=family, whole=whole)

    def _dump(self, frame: Frame, msg_type: int, seq: int, pid: int) -> Place:
        key = (frame.protocol, seq)
        waiting = self._pending.get(key, [])
        mine = [p for p in waiting if p.dump and p.port in {None, pid} and _matches(p, frame, msg_type)]
        found = min(mine, key=lambda p: p.port is None, default=None)
        if found is not None:
            found.port = pid
        ends = interrupted = False
        for header in messages(frame.data, self._byteorder):
            ends = ends or header.type == NLMSG_DONE
            interrupted = interrupted or bool(header.flags & NLM_F_DUMP_INTR)
        if ends and found is not None:
            waiting.remove(found)
            if not waiting:
                del self._pending[key]
        return Place(
            Role.DUMP,
            dump_id=(frame.protocol, seq, pid),
            scope=None if found is None else found.scope,
            ends=ends,
            interrupted=interrupted,
            request=b"" if found is None else found.request,
        )

    def _refused(self, protocol: int, seq: int, pid: int, data: bytes) -> None:
        """Forget the request that an NLMSG_ERROR answers: it echoes its header behind the error number."""
        if len(data) < 36:
            return
        kind = self._header.unpack_from(data, 20)[1]
        waiting = self._pending.get((protocol, seq), [])
        found = next((p for p in waiting if p.msg_type == kind and p.port in {None, pid}), None)
        if found is not None:
            waiting.remove(found)
            if not waiting:
                del self._pending[protocol, seq]

    def _answers(self, frame: Frame, msg_type: int, seq: int, pid: int) -> bytes | None:
        """The request that a message answers, which then waits no longer. The kernel answers while the program
        still sends, so an answer that is ``ANSWER_WINDOW`` packets late is none."""
        key = (frame.protocol, seq)
        waiting = self._pending.get(key)
        if not waiting:
            return None
        for pending in sorted(waiting, key=lambda p: p.port is None):
            if pending.dump or pending.port not in {None, pid} or frame.number - pending.frame > ANSWER_WINDOW:
                continue
            if _answer_of(frame.protocol, pending.msg_type) == msg_type:
                waiting.remove(pending)
                if not waiting:
                    del self._pending[key]
                return pending.request
        return None


def _matches(pending: _Pending, frame: Frame, msg_type: int) -> bool:
    return (
        msg_type == NLMSG_DONE
        or frame.protocol == NETLINK_SOCK_DIAG
        or _answer_of(frame.protocol, pending.msg_type) == msg_type
    )


def _answer_of(protocol: int, get_type: int) -> int | None:
    """Type of the message that answers a request of ``get_type``; None for a request that asks for nothing."""
    if protocol == NETLINK_ROUTE:
        return get_type - 2 if get_type & 3 == 2 else None  # RTM_GETx, RTM_NEWx
    if protocol == NETLINK_NETFILTER:
        subsystem, message = get_type & 0xFF00, get_type & 0xFF
        answer = _NETFILTER_ANSWERS.get(subsystem >> 8, {}).get(message)
        return None if answer is None else subsystem | answer
    if protocol == NETLINK_XFRM:
        return _XFRM_ANSWERS.get(get_type)
    return get_type  # generic families and socket diagnosis answer in their own type


# linux/netfilter/nfnetlink_conntrack.h, nf_tables.h, nfnetlink_acct.h: GET -> NEW, in message numbers of a
# subsystem; requests for statistics are answered in their own type.
_NETFILTER_ANSWERS = {
    1: {1: 0, 3: 0, 4: 4, 5: 5, 6: 0, 7: 0},
    2: {1: 0, 3: 3},
    7: {1: 0, 2: 0},
    10: {1: 0, 4: 3, 7: 6, 10: 9, 13: 12, 16: 15, 19: 18, 21: 18, 23: 22, 25: 6, 33: 12},
}
# Commands that are answered, of families that announce the effect of all others with sequence number and port of the
# request: net/openvswitch/datapath.c (ovs_notify), net/l2tp/l2tp_netlink.c (l2tp_tunnel_notify, l2tp_session_notify).
_ANSWERED_COMMANDS = {
    **dict.fromkeys((b"ovs_datapath", b"ovs_vport", b"ovs_flow"), frozenset({3})),
    b"l2tp": frozenset({0, 4, 8}),
}
# linux/xfrm.h
_XFRM_ANSWERS = {18: 16, 21: 19, 22: 16, 31: 30, 35: 34, 37: 36, 40: 40}
