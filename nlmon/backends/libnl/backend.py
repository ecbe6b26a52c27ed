"""The libnl implementation: policies, nested attributes, kernel error texts, families, dumps, reconnection.

Rules of this file:
1. Nothing raises for any bytes. What cannot be read is an error value with frame, offset and attribute path,
   and everything around it is still delivered.
2. Control messages never end a datagram.

Deviations can be made by a subclass that replaces an entry of ``handlers`` or one of the methods.

Not here: how attributes are read (``route``, ``generic``, ``sockets``, ``netfilter``, ``xfrm``, ``network``).
"""

from __future__ import annotations

import errno
import itertools
import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

from nlmon.backends.base import Backend, BackendOptions
from nlmon.backends.libnl.attributes import NLMSGHDR, Found
from nlmon.backends.libnl.audit import AuditDecoder
from nlmon.backends.libnl.control import control_error
from nlmon.backends.libnl.dump import DumpResult, DumpTracker
from nlmon.backends.libnl.families import GENL_ID_CTRL, Families, Family
from nlmon.backends.libnl.generic import GenericDecoder
from nlmon.backends.libnl.netfilter import NetfilterDecoder
from nlmon.backends.libnl.network import GROUPS, NetworkDecoder
from nlmon.backends.libnl.readers import Reading
from nlmon.backends.libnl.route import RouteDecoder
from nlmon.backends.libnl.sockets import SocketDecoder
from nlmon.backends.libnl.xfrm import XfrmDecoder
from nlmon.errors import DecodeError, FramingError, HeaderError, NotFound, Overrun, TransportError, UsageError
from nlmon.events import Datagram, Decoded, Event
from nlmon.transport.base import Transport, TransportFactory

__all__ = ["LibnlBackend"]

ROUTE, SOCK_DIAG, XFRM, AUDIT, NETFILTER, GENERIC = 0, 4, 6, 9, 12, 16
NLMSG_MIN_TYPE = 0x10
NLM_F_REQUEST, NLM_F_DUMP = 0x1, 0x300
CTRL_CMD_GETFAMILY = 3
ANY = -1
# The socket is gone in a way that a new one mends.
LOST = {errno.EBADF, errno.ENOTCONN}

Handler: TypeAlias = Callable[[Reading, int, int], Found]


class LibnlBackend(Backend):
    """The rich implementation; see the module."""

    name: ClassVar[str] = "libnl"
    groups: ClassVar[Mapping[int, tuple[int, ...]]] = MappingProxyType(
        {
            ROUTE: (1, 3, 5, 7, 8, 9, 11, 19),
            # linux/sock_diag.h: destroyed TCP and UDP sockets of both families
            SOCK_DIAG: (1, 2, 3, 4),
            # linux/xfrm.h: acquire, expire, states, policies, aevents
            XFRM: (1, 2, 3, 4, 5),
            AUDIT: (1,),
            # linux/netfilter/nfnetlink_compat.h: flows and expectations, new, updated and destroyed
            NETFILTER: (1, 2, 3, 4, 5, 6),
            # nlctrl's own; the groups of families are joined as nlctrl names them
            GENERIC: (GENL_ID_CTRL,),
        }
    )
    # Protocol -> message type (ANY: all others) -> method of its decoder and the size of the fixed header in bytes.
    handlers: ClassVar[Mapping[int, Mapping[int, tuple[str, int]]]] = MappingProxyType(
        {
            ROUTE: {
                **dict.fromkeys(range(16, 20), ("link", 16)),
                **dict.fromkeys(range(20, 23), ("addr", 8)),
                **dict.fromkeys(range(24, 27), ("route", 12)),
                **dict.fromkeys(range(28, 31), ("neigh", 12)),
                **dict.fromkeys(range(32, 35), ("rule", 12)),
                **dict.fromkeys((36, 37, 40, 41, 44, 45, 100, 101), ("tc", 20)),
                52: ("prefix", 12),
                **dict.fromkeys((80, 81), ("netconf", 4)),
                **dict.fromkeys((84, 85), ("mdb", 8)),
                **dict.fromkeys((88, 89), ("nsid", 4)),
                92: ("stats", 12),
                **dict.fromkeys((104, 105), ("nexthop", 8)),
            },
            SOCK_DIAG: {20: ("socket", 4)},
            XFRM: {
                **dict.fromkeys((16, 26), ("state", 224)),
                17: ("delete_state", 24),
                **dict.fromkeys((19, 25), ("policy", 168)),
                20: ("delete_policy", 64),
                23: ("acquire", 280),
                24: ("expire", 232),
                27: ("policy_expire", 176),
                28: ("flush_state", 1),
                29: ("flush_policy", 0),
                30: ("aevent", 48),
            },
            AUDIT: {ANY: ("record", 0)},
            NETFILTER: {
                **dict.fromkeys((0x100, 0x102), ("conntrack", 4)),
                **dict.fromkeys((0x200, 0x202), ("expect", 4)),
            },
            GENERIC: {ANY: ("message", 4)},
        }
    )

    def __init__(self, transports: TransportFactory, options: BackendOptions | None = None) -> None:
        super().__init__(transports, options)
        order = self.byteorder
        sign = "<" if order == "little" else ">"
        self._header = struct.Struct(sign + "IHHII").unpack_from
        self._pack_header = struct.Struct(sign + "IHHII").pack
        self._seq = itertools.count(1)
        self.families = Families(order)
        route = RouteDecoder(order)
        network = NetworkDecoder(order)
        decoders: dict[int, tuple[Any, ...]] = {
            ROUTE: (route, network),
            SOCK_DIAG: (SocketDecoder(order),),
            XFRM: (XfrmDecoder(order),),
            AUDIT: (AuditDecoder(order),),
            NETFILTER: (NetfilterDecoder(order),),
            GENERIC: (GenericDecoder(order, self.families),),
        }
        self._handlers: dict[int, dict[int, tuple[Handler, int]]] = {
            protocol: {kind: (_method(decoders[protocol], name), size) for kind, (name, size) in kinds.items()}
            for protocol, kinds in self.handlers.items()
        }
        self._wanted_groups: dict[int, tuple[int, ...]] = {}

    # -- datagrams ---------------------------------------------------------------------------------------------

    def decode(self, datagram: Datagram) -> Decoded:
        """Every message of a datagram; see ``Backend.decode``."""
        data, frame, protocol = datagram.data, datagram.frame, datagram.protocol
        size, offset = len(data), 0
        events: list[Event] = []
        errors: list[DecodeError] = []
        unknown: list[tuple[int, int]] = []
        control = 0
        handlers = self._handlers.get(protocol, {})
        rest = handlers.get(ANY)
        transport = self._transports.get(ROUTE) or self._transports.get(protocol)
        m = Reading(data, frame, errors, datagram.request)
        while offset + NLMSGHDR <= size:
            length, kind, flags, seq, pid = self._header(data, offset)
            if length < NLMSGHDR or length > size - offset:
                break
            end = offset + length
            if kind < NLMSG_MIN_TYPE:
                found = control_error(data, offset, end, kind, flags, frame, self.byteorder)
                if found is None:
                    control += 1
                else:
                    errors.append(found)
            elif (handler := handlers.get(kind, rest)) is None:
                unknown.append((kind, data[offset + NLMSGHDR] if length > NLMSGHDR else -1))
            elif length - NLMSGHDR >= handler[1]:
                before = len(errors)
                payload, index, name = handler[0](m, offset, end)
                if payload is not None:
                    if name is None and index is not None and index > 0 and transport is not None:
                        name = transport.link_name(index)
                    events.append(
                        Event(datagram.timestamp, protocol, kind, flags, seq, pid, frame, offset, name, payload)
                    )
                elif len(errors) == before:
                    unknown.append((kind, data[offset + NLMSGHDR]))
            elif protocol == ROUTE and kind & 3 == 2 and length > NLMSGHDR:
                unknown.append((kind, data[offset + NLMSGHDR]))  # RTM_GET* with only a family, as old dumps ask
            else:
                what = f"the fixed header needs {handler[1]} bytes, the message has {length - NLMSGHDR}"
                errors.append(HeaderError("NLM-D002", what, frame=frame, offset=offset))
            offset += (length + 3) & ~3
        if offset < size and any(data[offset:]):
            errors.append(self._framing_error(datagram, offset))
        elif datagram.truncated:
            errors.append(self._framing_error(datagram, min(offset, size)))
        return Decoded(events, errors, unknown, control)

    def _framing_error(self, datagram: Datagram, offset: int) -> FramingError:
        rest = len(datagram.data) - offset
        if not any(datagram.data[offset:]):
            what = "the datagram went on behind its last whole message"
        elif rest < NLMSGHDR:
            what = f"{rest} bytes are left, no room for an nlmsghdr"
        else:
            what = f"nlmsg_len is {self._header(datagram.data, offset)[0]}, {rest} bytes are left"
        why = f"the recording lost {datagram.truncated} bytes" if datagram.truncated else ""
        return FramingError("NLM-D001", what, frame=datagram.frame, offset=offset, why=why)

    # -- sockets and groups ------------------------------------------------------------------------------------

    def groups_of(self, protocol: int) -> tuple[int, ...]:
        """The usual groups, and for NETLINK_ROUTE those of ``options.extra_groups``."""
        more = [number for name in self.options.extra_groups for number in GROUPS.get(name, ())]
        return (*super().groups_of(protocol), *more) if protocol == ROUTE else super().groups_of(protocol)

    def opened(self, protocol: int, transport: Transport) -> None:
        """Learn the generic families and join the groups of those that are wanted."""
        if protocol == GENERIC:
            self.refresh()

    def refresh(self) -> None:
        """Ask nlctrl for its families again and join what is wanted of them; a family that is not there yet is
        joined when nlctrl announces it."""
        if GENERIC not in self._transports:
            return
        body = struct.pack("BBH", CTRL_CMD_GETFAMILY, 1, 0)
        for datagram, offset, end in self._ask(GENERIC, GENL_ID_CTRL, body, NLM_F_REQUEST | NLM_F_DUMP)[0]:
            self._follow(datagram, offset, end)

    def resolve(self, name: str) -> int:
        """Number of a generic family. Raises ``NotFound`` with the families there are, ``UsageError`` when
        NETLINK_GENERIC is not enabled."""
        if GENERIC not in self._transports:
            raise UsageError("NLM-B002", "NETLINK_GENERIC is not enabled", hint="call enable() first")
        found = self.families.named(name)
        if found is None:
            self.refresh()
            found = self.families.named(name)
        if found is None:
            near, names = self.families.suggestions(name)
            hint = f"did you mean {near}?" if near else "load the kernel module that provides it"
            raise NotFound(
                "NLM-B004", f"Failed to resolve family '{name}'", why="families here: " + ", ".join(names), hint=hint
            )
        return found.id

    def unresolved(self) -> tuple[str, ...]:
        """Families that the options ask for and nlctrl has not named yet."""
        return tuple(name for name in self.options.generic_families or () if self.families.named(name) is None)

    def observed(self, datagram: Datagram, decoded: Decoded) -> None:
        """Follow families that nlctrl announces, before events of theirs can come."""
        if datagram.protocol == GENERIC:
            for event in decoded.events:
                if event.msg_type == GENL_ID_CTRL:
                    (length, *_) = self._header(datagram.data, event.offset)
                    self._follow(datagram, event.offset, event.offset + length)

    def _follow(self, datagram: Datagram, offset: int, end: int) -> None:
        family = self.families.learn(Reading(datagram.data, datagram.frame, []), offset, end)
        if family is not None and self._wants(family):
            transport = self._transports[GENERIC]
            for group in family.groups.values():
                try:
                    transport.join(group)
                except TransportError as error:
                    # Some groups need CAP_NET_ADMIN (GENL_UNS_ADMIN_PERM); the others still work.
                    self.report(error)

    def _wants(self, family: Family) -> bool:
        wanted = self.options.generic_families
        return wanted is None or family.name.lower() in {name.lower() for name in wanted}

    # -- requests ----------------------------------------------------------------------------------------------

    def dump(self, protocol: int, msg_type: int, family: int = 0) -> DumpResult:
        """Ask for all objects of a kind (``msg_type``: RTM_GET*) and family; no callback is called.

        Raises ``UsageError`` when the protocol is not enabled, ``TransportError`` when the socket fails.
        """
        if protocol not in self._transports:
            raise UsageError("NLM-B002", f"protocol {protocol} is not enabled", hint="call enable() first")
        known = self.handlers.get(protocol, {})
        size = known[msg_type][1] if msg_type in known else 4
        body = bytes([family]) + bytes(size - 1)
        ours, tracker = self._ask(protocol, msg_type, body, NLM_F_REQUEST | NLM_F_DUMP)
        events: list[Event] = []
        errors: list[DecodeError] = []
        for datagram, places in itertools.groupby(ours, key=lambda one: one[0]):
            offsets = {offset for _, offset, _ in places}
            decoded = self.decode(datagram)
            events += [event for event in decoded.events if event.offset in offsets]
            ends = {offset: offset + self._header(datagram.data, offset)[0] for offset in offsets}
            errors += [e for e in decoded.errors if any(at <= e.offset < end for at, end in ends.items())]
        return DumpResult(events, errors, tracker.outcome(len(events)), tracker.foreign)

    def _ask(
        self, protocol: int, msg_type: int, body: bytes, flags: int
    ) -> tuple[list[tuple[Datagram, int, int]], DumpTracker]:
        """The messages of an answer that are ours, as (datagram, offset, end), and how it ended."""
        seq = next(self._seq)
        message = self._pack_header(NLMSGHDR + len(body), msg_type, flags, seq, 0) + body
        tracker = DumpTracker(seq, self.byteorder)
        found = []
        for datagram in self._transports[protocol].request(message):
            for offset in sorted(tracker.offsets(datagram)):
                found.append((datagram, offset, offset + self._header(datagram.data, offset)[0]))
            if tracker.done:
                break
        return found, tracker

    def on_transport_error(self, protocol: int, error: TransportError) -> bool:
        """Report an overrun and go on; replace a lost socket by a new one with the same groups and buffers."""
        if not isinstance(error, Overrun):
            if error.errno not in LOST:
                return False
            self.disable(protocol)
            self.enable(protocol)
        self.report(error)
        return True


def _method(decoders: tuple[Any, ...], name: str) -> Handler:
    """The handler called ``name`` of the first decoder that has it."""
    handler: Handler = next(getattr(decoder, name) for decoder in decoders if hasattr(decoder, name))
    return handler
