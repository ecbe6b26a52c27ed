"""Faults inside of a datagram: it is cut, or a message in it is another one than this kernel would send.

Rules:
1. Lengths that the fault is not about stay right: of a message that becomes longer or shorter, its header says so.
2. What is changed is the first message of the datagram; the others follow it as they were.

Not here: faults in the sequence of datagrams (``order``).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from nlmon import uapi
from nlmon.capture.base import ByteOrder
from nlmon.capture.segment import Role
from nlmon.framing import LONGEST_ATTRIBUTE, align, header, nlattr, nlmsghdr, walk_attributes
from nlmon.scenario.faults.stage import Change, PlacedFrame

__all__ = ["InterruptedDump", "LongerStructure", "ShortPayload", "Truncate", "UnknownAttribute"]

# A type that no kernel uses: the highest there is beside the two flags in nla_type.
UNKNOWN_TYPE = uapi.NLA_TYPE_MASK
# The most that the 16 bits of nla_len leave for a payload.
PAYLOAD_MAX = LONGEST_ATTRIBUTE - uapi.NLA_HDRLEN
# Size of the fixed header, and attributes that are a structure of the kernel: by protocol and type of the message.
_LINK = uapi.IFINFOMSG, {7, 14, 23}  # IFLA_STATS, IFLA_MAP, IFLA_STATS64
_ADDR, _ROUTE, _NEIGH = (uapi.IFADDRMSG, {6}), (uapi.RTMSG, {12}), (uapi.NDMSG, {3})  # *_CACHEINFO
_TC = uapi.TCMSG, {3}  # TCA_STATS
_SOCKET = uapi.INET_DIAG_MSG, {1, 2}  # INET_DIAG_MEMINFO, INET_DIAG_INFO
_STATE, _POLICY = (uapi.XFRM_USERSA_INFO, {4, 10}), (uapi.XFRM_USERPOLICY_INFO, {16})  # XFRMA_*
STRUCTURES: dict[tuple[int, int], tuple[int, set[int]]] = {
    (protocol, kind): structures
    for protocol, structures, kinds in (
        (uapi.NETLINK_ROUTE, _LINK, (uapi.RTM_NEWLINK, uapi.RTM_DELLINK)),
        (uapi.NETLINK_ROUTE, _ADDR, (uapi.RTM_NEWADDR, uapi.RTM_DELADDR)),
        (uapi.NETLINK_ROUTE, _ROUTE, (uapi.RTM_NEWROUTE, uapi.RTM_DELROUTE)),
        (uapi.NETLINK_ROUTE, _NEIGH, (uapi.RTM_NEWNEIGH, uapi.RTM_DELNEIGH)),
        (uapi.NETLINK_ROUTE, _TC, (uapi.RTM_NEWQDISC, uapi.RTM_DELQDISC, uapi.RTM_NEWTCLASS, uapi.RTM_DELTCLASS)),
        (uapi.NETLINK_SOCK_DIAG, _SOCKET, (uapi.SOCK_DIAG_BY_FAMILY,)),
        (uapi.NETLINK_XFRM, _STATE, (uapi.XFRM_MSG_NEWSA, uapi.XFRM_MSG_UPDSA)),
        (uapi.NETLINK_XFRM, _POLICY, (uapi.XFRM_MSG_NEWPOLICY, uapi.XFRM_MSG_UPDPOLICY)),
    )
    for kind in kinds
}


class Truncate(Change):
    """A datagram ends after ``size`` bytes, as of recv(2) with too small a buffer. The recording lost nothing: a frame
    that it cut would be no evidence, and this one is what both received."""

    def change(self, frame: PlacedFrame) -> Iterable[PlacedFrame] | None:
        """Its beginning; None of one that is no longer than that."""
        if len(frame.data) <= self.fault.size or not self.is_notification(frame):
            return None
        return (structs.replace(frame, data=frame.data[: self.fault.size]),)


class InterruptedDump(Change):
    """A part of a dump says that the table changed meanwhile (NLM_F_DUMP_INTR)."""

    def change(self, frame: PlacedFrame) -> Iterable[PlacedFrame] | None:
        """The part with the flag; None of what belongs to no dump, or says so itself."""
        if frame.role is not Role.DUMP:
            return None
        found = header(frame.data, 0, self.byteorder)
        if found.flags & uapi.NLM_F_DUMP_INTR:
            return None
        head = nlmsghdr(self.byteorder).pack(
            *(found.length, found.type, found.flags | uapi.NLM_F_DUMP_INTR, found.seq, found.pid)
        )
        return (structs.replace(frame, data=head + frame.data[uapi.NLMSG_HDRLEN :]),)


class _MessageChange(Change):
    """A fault in the first message of a notification."""

    def change(self, frame: PlacedFrame) -> Iterable[PlacedFrame] | None:
        """The datagram with another first message; None where that cannot be changed."""
        found = self.whole(frame) if self.is_notification(frame) else []
        if not found:
            return None
        one = found[0]
        message = self.body(frame, frame.data[uapi.NLMSG_HDRLEN : one.length])
        if message is None:
            return None
        head = nlmsghdr(self.byteorder).pack(uapi.NLMSG_HDRLEN + len(message), one.type, one.flags, one.seq, one.pid)
        rest = frame.data[align(one.length) :]
        first = head + message
        return (structs.replace(frame, data=first + bytes(-len(first) % 4) + rest),)

    def body(self, frame: PlacedFrame, body: bytes) -> bytes | None:
        """What stands behind the nlmsghdr instead of ``body``; None: nothing can."""
        raise NotImplementedError


class ShortPayload(_MessageChange):
    """What stands behind the nlmsghdr ends after ``size`` bytes, and the header says so."""

    def body(self, frame: PlacedFrame, body: bytes) -> bytes | None:
        """Its beginning."""
        return body[: self.fault.size] if len(body) > self.fault.size else None


class UnknownAttribute(_MessageChange):
    """A message has one more attribute, of a type that nobody knows, with ``size`` bytes by the seed."""

    def body(self, frame: PlacedFrame, body: bytes) -> bytes | None:
        """The attributes, and one behind them; None of an audit record, which is a text."""
        if frame.protocol == uapi.NETLINK_AUDIT:
            return None
        payload = self.random.randbytes(min(self.fault.size, PAYLOAD_MAX))
        kind = self.fault.type or UNKNOWN_TYPE
        return body + bytes(-len(body) % 4) + _attribute(kind, payload, self.byteorder)


class LongerStructure(_MessageChange):
    """A structure in an attribute has ``size`` more bytes at its end, as a newer kernel would send it; of several in a
    message the seed chooses one."""

    def body(self, frame: PlacedFrame, body: bytes) -> bytes | None:
        """The attributes, of which one is longer; None where none is a structure."""
        kind = int.from_bytes(frame.data[4:6], self.byteorder)
        size, structures = STRUCTURES.get((frame.protocol, kind), (0, set()))
        found = [
            (begin, end) for number, begin, end in walk_attributes(body, size, len(body), self.byteorder)
            if number in structures and end - begin + self.fault.size <= PAYLOAD_MAX
        ]  # fmt: skip
        if not found:
            return None
        begin, end = self.random.choice(found)
        number = nlattr(self.byteorder).unpack_from(body, begin - uapi.NLA_HDRLEN)[1]
        longer = _attribute(number, body[begin:end] + self.random.randbytes(self.fault.size), self.byteorder)
        return body[: begin - uapi.NLA_HDRLEN] + longer + body[align(end) :]


def _attribute(kind: int, payload: bytes, byteorder: ByteOrder) -> bytes:
    """An attribute with its padding."""
    one = nlattr(byteorder).pack(uapi.NLA_HDRLEN + len(payload), kind) + payload
    return one + bytes(-len(one) % 4)
