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

Not here: copies. With n listeners a tap records a notification n times; nothing in the bytes says so, and the
kernel also repeats itself. ``Copies`` counts runs of equal notifications so that a person can decide.
"""

from __future__ import annotations

import enum
import struct
from collections import OrderedDict
from collections.abc import Collection, Sequence
from itertools import chain
from operator import eq

from msgspec import Struct

from nlmon.capture.base import Batch, Frame
from nlmon.framing import MessageHeader, messages

__all__ = ["NOTIFICATION", "REMEMBERED", "Conversation", "Copies", "DumpScope", "Place", "Role"]

REMEMBERED = 4096
REQUEST_KEPT = 128
ANSWER_WINDOW = 256
SAME_NUMBER = 16
ROUTE, SOCK_DIAG, XFRM, NETFILTER, GENERIC = 0, 4, 6, 12, 16
REQUEST, MULTI, ECHO, DUMP_INTR, DUMP = 0x1, 0x2, 0x8, 0x10, 0x300
GENL_ID_CTRL, CTRL_CMD_NEWFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 16, 1, 1, 2
ERROR, DONE, GETNEIGH = 2, 3, 30
ECHOES = 256
# RTM_NEW* and DEL* of filters, actions, chains, next hops and their buckets.
_ECHOED = {44, 45, 48, 49, 100, 101, 104, 105, 116, 117}
# Filters that do not narrow a dump: IFLA_EXT_MASK only chooses which attributes a link message carries.
HARMLESS_FILTERS = {29}


class Role(enum.Enum):
    """What a datagram is in its conversation."""

    NOTIFICATION = "notification"
    DUMP = "dump"
    REPLY = "reply"
    REQUEST = "request"
    CONTROL = "control"

    def __init__(self, word: str) -> None:
        self.word = word


class DumpScope(Struct, frozen=True):
    """What a dump request asked for: its protocol, RTM_GET* type and family.

    ``whole``: no filter in header or attributes, so that an object that is absent does not exist.
    """

    protocol: int
    get_type: int
    family: int
    whole: bool


class Place(Struct, frozen=True):
    """Role of one datagram. For a dump: the port and sequence that identify it, its scope if the request was
    recorded, whether this datagram ends it, and whether NLM_F_DUMP_INTR was set in this datagram. For an answer:
    the beginning of its request, if that was recorded."""

    role: Role
    dump_id: tuple[int, int, int] | None = None
    scope: DumpScope | None = None
    ends: bool = False
    interrupted: bool = False
    request: bytes = b""


NOTIFICATION = Place(Role.NOTIFICATION)


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

    def run_end(self, batch: Batch, begin: int, end: int, types: Collection[int], room: int) -> int:
        """Where a run of notifications ends that begins at a place of a batch: of packets that hold one whole message
        each, of these types; ``end``: where it ends at the latest, ``room``: so many bytes are enough."""
        protocol, data, header, pending = batch.protocol, batch.data, self._header.unpack_from, self._pending
        if protocol == GENERIC or batch.direction == "out":
            return begin
        asks = 0 if batch.direction else REQUEST
        for at in range(begin, end):
            message = data[at]
            size = len(message)
            if size < 16:
                return at
            length, msg_type, flags, seq, pid = header(message)
            # See ``place``.
            if not size - 4 < length <= size or msg_type < 16 or msg_type not in types or flags & asks:
                return at
            if (pid and (protocol, seq) in pending) or (flags & MULTI and (seq or pid)):
                return at
            room -= size
            if room <= 0:
                return at + 1
        return end

    def place(self, frame: Frame) -> Place:
        """The role of a frame; remembers it when it is a request."""
        data = frame.data
        if len(data) < 16:
            return NOTIFICATION  # nobody's answer; the backends say what is wrong with it
        _, msg_type, flags, seq, pid = self._header.unpack_from(data)
        if frame.protocol == GENERIC and msg_type == GENL_ID_CTRL:
            self._learn(data)
        if frame.direction == "out" or (flags & REQUEST and not frame.direction):
            # The kernel itself asks with RTM_GETNEIGH who has an address (net/core/neighbour.c, neigh_app_ns), in
            # the group of neighbours; a program's request has a sequence number.
            asks = frame.protocol == ROUTE and msg_type == GETNEIGH and flags == REQUEST and not seq and not pid
            if frame.direction == "out" or not asks:
                return self._asked(frame, msg_type, seq, pid)
        if msg_type == DONE or (flags & MULTI and (seq or pid) and msg_type >= 16):
            return self._dump(frame, msg_type, seq, pid)
        if msg_type == ERROR:
            self._refused(frame.protocol, seq, pid, data)
            alone = all(header.type < 16 for header in messages(data, self._byteorder))
            return Place(Role.CONTROL) if alone else NOTIFICATION
        answered = self._answers(frame, msg_type, seq, pid) if pid else None
        if answered is not None:
            return Place(Role.REPLY, request=answered)
        return NOTIFICATION

    def _asked(self, frame: Frame, msg_type: int, seq: int, pid: int) -> Place:
        """The role of what looks like a request."""
        echo = frame.protocol == ROUTE and msg_type in _ECHOED
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
            if frame.protocol == GENERIC and self._only_announced(frame.data, header):
                continue
            key = (frame.protocol, header.seq)
            dump = header.flags & DUMP == DUMP
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
        return answered is not None and not header.flags & ECHO and at < len(data) and data[at] not in answered

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
        whole = protocol == ROUTE and not any(body[1:size])
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
            ends = ends or header.type == DONE
            interrupted = interrupted or bool(header.flags & DUMP_INTR)
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
    return msg_type == DONE or frame.protocol == SOCK_DIAG or _answer_of(frame.protocol, pending.msg_type) == msg_type


def _answer_of(protocol: int, get_type: int) -> int | None:
    """Type of the message that answers a request of ``get_type``; None for a request that asks for nothing."""
    if protocol == ROUTE:
        return get_type - 2 if get_type & 3 == 2 else None  # RTM_GETx, RTM_NEWx
    if protocol == NETFILTER:
        subsystem, message = get_type & 0xFF00, get_type & 0xFF
        answer = _NETFILTER_ANSWERS.get(subsystem >> 8, {}).get(message)
        return None if answer is None else subsystem | answer
    if protocol == XFRM:
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


class Copies:
    """Counts notifications that repeat the one before them byte for byte (per protocol)."""

    def __init__(self) -> None:
        self._last: dict[int, bytes] = {}
        self.notifications = 0
        self.repeats = 0

    def seen(self, frame: Frame) -> None:
        """Count one notification."""
        self.notifications += 1
        if self._last.get(frame.protocol) == frame.data:
            self.repeats += 1
        self._last[frame.protocol] = frame.data

    def seen_all(self, protocol: int, data: Sequence[bytes]) -> None:
        """Count notifications of a protocol that stand one behind the other."""
        self.notifications += len(data)
        self.repeats += sum(map(eq, data, chain((self._last.get(protocol),), data)))
        self._last[protocol] = data[-1]

    @property
    def likely(self) -> bool:
        """True when at least a third of the notifications repeat their predecessor: several listeners."""
        return self.notifications >= 10 and self.repeats * 3 >= self.notifications
