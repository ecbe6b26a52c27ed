"""Who said what to whom in a recording: requests, answers, dumps and notifications.

A tap of the nlmon device records every program's requests and the kernel's answers among the notifications,
all with the same packet type. A monitor's own socket receives only notifications, so a replay must know them.

The rules, in order, for the first message of a datagram (all messages of a datagram share their sender):
1. Recorded as sent to the kernel, or NLM_F_REQUEST set: a **request**. But the kernel copies the flags of a request
   into what it announces of it for some types (``ECHOED``: net/ipv4/nexthop.c, net/sched): with a port id, and the
   type and sequence number of a request before it, that is the announcement.
2. NLMSG_DONE, and NLM_F_MULTI with a sequence number or port id: part of a **dump**. It belongs to the oldest
   request with this sequence number that asks for this type and that no other port id has claimed.
3. NLMSG_ERROR, which is also the acknowledgement: **control**. It ends the request that it echoes. The kernel sends
   it alone; what follows one in its datagram is a **notification**, so that nothing is hidden behind an error.
4. The first answer to a remembered request that asks for something, with the same sequence number: a **reply**
   (``answer_type`` says which type answers which). It ends the request.
5. Everything else is a **notification**. One caused by a request carries that request's sequence number and often
   its port id, which is why rule 4 asks for a type that only an answer has.
6. A request that names a port claims it from the start: no answer to another port is its own.

Where rule 4 cannot tell: generic families answer in their own type and, as nl80211 does, even in the command of the
request. Only families that are known to announce so what a request changed are excepted (``ANSWERED_COMMANDS``),
once the recording has named them; of any other, the first announcement with sequence number and port of its cause is
taken for a reply. (Audit answers in its own type, too, but its records have no port.)

Bounded: requests that ask for nothing are not remembered; of the others at most ``REMEMBERED`` sequence numbers
with ``SAME_NUMBER`` requests each, the oldest is forgotten first.

Not here: which type answers which request (``answers``), frames that share a segment (``segmenter``), and notifications
that were recorded several times (``tally``).
"""

from __future__ import annotations

from collections import OrderedDict

from nlmon.capture.answers import ANSWERED_COMMANDS, answer_type, dump_scope
from nlmon.capture.base import Frame
from nlmon.capture.segment import CONTROL, NOTIFICATION, REQUEST, DumpScope, Place, Role
from nlmon.framing import MessageHeader, messages, nlmsghdr, types, walk_attributes
from nlmon.uapi import (
    CTRL_ATTR_FAMILY_ID,
    CTRL_ATTR_FAMILY_NAME,
    CTRL_CMD_NEWFAMILY,
    GENL_HDRLEN,
    GENL_ID_CTRL,
    NETLINK_GENERIC,
    NETLINK_ROUTE,
    NETLINK_SOCK_DIAG,
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLM_F_ECHO,
    NLM_F_MULTI,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    NLMSG_HDRLEN,
    NLMSG_MIN_TYPE,
    RTM_DELACTION,
    RTM_DELCHAIN,
    RTM_DELNEXTHOP,
    RTM_DELNEXTHOPBUCKET,
    RTM_DELTFILTER,
    RTM_GETNEIGH,
    RTM_NEWACTION,
    RTM_NEWCHAIN,
    RTM_NEWNEXTHOP,
    RTM_NEWNEXTHOPBUCKET,
    RTM_NEWTFILTER,
)

__all__ = ["ECHOED", "REMEMBERED", "Conversation"]

REMEMBERED = 4096
REQUEST_KEPT = 128
ANSWER_WINDOW = 256
SAME_NUMBER = 16
ECHOES = 256
# Types whose requests come back as announcements.
ECHOED = {
    *(RTM_NEWTFILTER, RTM_DELTFILTER, RTM_NEWACTION, RTM_DELACTION, RTM_NEWCHAIN, RTM_DELCHAIN),
    *(RTM_NEWNEXTHOP, RTM_DELNEXTHOP, RTM_NEWNEXTHOPBUCKET, RTM_DELNEXTHOPBUCKET),
}
# Where an NLMSG_ERROR has the header of the request: behind its own and the error number (struct nlmsgerr).
_REFUSED = NLMSG_HDRLEN + 4


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
    """Follows the requests of a recording, frame by frame, in file order. ``pending``: those that wait for their
    answers, by protocol and sequence number."""

    def __init__(self, byteorder: str) -> None:
        self._byteorder = byteorder
        self._fields = nlmsghdr(byteorder).unpack_from
        self.pending: OrderedDict[tuple[int, int], list[_Pending]] = OrderedDict()
        # Frames with requests of the types that the kernel echoes, by type and sequence number.
        self._echoed: OrderedDict[tuple[int, int], int] = OrderedDict()
        # Numbers of the generic families that announce what a request changed -> the commands that they answer.
        self._announcing: dict[int, frozenset[int]] = {}

    def place(self, frame: Frame) -> Place:
        """The role of a frame; remembers it when it is a request."""
        return self.placed(frame)[0]

    def placed(self, frame: Frame) -> tuple[Place, int]:
        """The same, and the number of the frame with the request that this one answers or announces, 0 if there is
        none."""
        data = frame.data
        if len(data) < NLMSG_HDRLEN:
            return NOTIFICATION, 0  # nobody's answer; the backends say what is wrong with it
        _, msg_type, flags, seq, pid = self._fields(data)
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
        if msg_type == NLMSG_DONE or (flags & NLM_F_MULTI and (seq or pid) and msg_type >= NLMSG_MIN_TYPE):
            return self._dump(frame, msg_type, seq, pid)
        if msg_type == NLMSG_ERROR:
            ended = self._refused(frame.protocol, seq, pid, data)
            only_control = all(kind < NLMSG_MIN_TYPE for kind in types(data, self._byteorder))
            return CONTROL if only_control else NOTIFICATION, ended
        answered = self._answers(frame, msg_type, seq, pid) if pid else None
        if answered is not None:
            return Place(Role.REPLY, request=answered.request), answered.frame
        return NOTIFICATION, 0

    def _asked(self, frame: Frame, msg_type: int, seq: int, pid: int) -> tuple[Place, int]:
        """The role of what looks like a request."""
        echo = frame.protocol == NETLINK_ROUTE and msg_type in ECHOED
        if echo and pid and (msg_type, seq) in self._echoed and not frame.direction:
            return NOTIFICATION, self._echoed[msg_type, seq]
        if echo:
            self._echoed[msg_type, seq] = frame.number
            if len(self._echoed) > ECHOES:
                self._echoed.popitem(last=False)
        self._remember(frame)
        return REQUEST, 0

    def _remember(self, frame: Frame) -> None:
        for header in messages(frame.data, self._byteorder):
            if header.type < NLMSG_MIN_TYPE or answer_type(frame.protocol, header.type) is None:
                continue
            if frame.protocol == NETLINK_GENERIC and self._only_announced(frame.data, header):
                continue
            key = (frame.protocol, header.seq)
            dump = header.flags & NLM_F_DUMP == NLM_F_DUMP
            end = header.offset + header.length
            body = frame.data[header.offset + NLMSG_HDRLEN : end]
            scope = dump_scope(frame.protocol, header.type, body, self._byteorder)
            request = frame.data[header.offset : min(end, header.offset + REQUEST_KEPT)]
            waiting = self.pending.setdefault(key, [])
            waiting.append(_Pending(frame.number, header.type, dump, scope, request, header.pid or None))
            del waiting[:-SAME_NUMBER]
            self.pending.move_to_end(key)
            if len(self.pending) > REMEMBERED:
                self.pending.popitem(last=False)

    def _only_announced(self, data: bytes, header: MessageHeader) -> bool:
        """Whether what a request did is announced to groups, and with NLM_F_ECHO also to the program."""
        answered = self._announcing.get(header.type)
        at = header.offset + NLMSG_HDRLEN
        return answered is not None and not header.flags & NLM_F_ECHO and at < len(data) and data[at] not in answered

    def _learn(self, data: bytes) -> None:
        """Numbers of the families of ``ANSWERED_COMMANDS``, from what nlctrl says of them."""
        for header in messages(data, self._byteorder):
            at, end = header.offset + NLMSG_HDRLEN + GENL_HDRLEN, header.offset + header.length
            read = walk_attributes(data, at, end, self._byteorder, mask=0xFFFF, clip=True)
            found = {number: data[begin:stop] for number, begin, stop in read}
            if header.type != GENL_ID_CTRL or len(found.get(CTRL_ATTR_FAMILY_ID, b"")) != 2:
                continue
            number = int.from_bytes(found[CTRL_ATTR_FAMILY_ID], "little" if self._byteorder == "little" else "big")
            self._announcing.pop(number, None)
            answered = ANSWERED_COMMANDS.get(found.get(CTRL_ATTR_FAMILY_NAME, b"").rstrip(b"\0"))
            if answered is not None and data[header.offset + NLMSG_HDRLEN] == CTRL_CMD_NEWFAMILY:
                self._announcing[number] = answered

    def _dump(self, frame: Frame, msg_type: int, seq: int, pid: int) -> tuple[Place, int]:
        key = (frame.protocol, seq)
        waiting = self.pending.get(key, [])
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
                del self.pending[key]
        place = Place(
            Role.DUMP,
            dump_id=(frame.protocol, seq, pid),
            scope=None if found is None else found.scope,
            ends=ends,
            interrupted=interrupted,
            request=b"" if found is None else found.request,
        )
        return place, 0 if found is None else found.frame

    def _refused(self, protocol: int, seq: int, pid: int, data: bytes) -> int:
        """Forget the request that an NLMSG_ERROR answers: it echoes its header behind the error number. The frame of
        that request, 0 if it was not waited for."""
        if len(data) < _REFUSED + NLMSG_HDRLEN:
            return 0
        kind = self._fields(data, _REFUSED)[1]
        waiting = self.pending.get((protocol, seq), [])
        found = next((p for p in waiting if p.msg_type == kind and p.port in {None, pid}), None)
        if found is None:
            return 0
        waiting.remove(found)
        if not waiting:
            del self.pending[protocol, seq]
        return found.frame

    def _answers(self, frame: Frame, msg_type: int, seq: int, pid: int) -> _Pending | None:
        """The request that a message answers, which then waits no longer. The kernel answers while the program
        still sends, so an answer that is ``ANSWER_WINDOW`` packets late is none."""
        key = (frame.protocol, seq)
        waiting = self.pending.get(key)
        if not waiting:
            return None
        for pending in sorted(waiting, key=lambda p: p.port is None):
            if pending.dump or pending.port not in {None, pid} or frame.number - pending.frame > ANSWER_WINDOW:
                continue
            if answer_type(frame.protocol, pending.msg_type) == msg_type:
                waiting.remove(pending)
                if not waiting:
                    del self.pending[key]
                return pending
        return None


def _matches(pending: _Pending, frame: Frame, msg_type: int) -> bool:
    return (
        msg_type == NLMSG_DONE
        or frame.protocol == NETLINK_SOCK_DIAG
        or answer_type(frame.protocol, pending.msg_type) == msg_type
    )
