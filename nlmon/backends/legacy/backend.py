"""The legacy implementation: standard library only, plain parsing by hand, in the style of the C original.

Its inherent limits: generic families have no names and are joined by number; no caches, no reconnection, no
resynchronisation, no kernel error texts; IPsec and audit are not supported.

Rules of this folder:
1. Nothing raises for any bytes. What cannot be read is an error value with its place.
2. No decoding code or constant is shared with the other implementation.

Deviations can be made by a subclass that replaces an entry of ``parsers`` or one of the methods.

Not here: anything that asks the kernel, but for the name of an interface.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar, TypeAlias

from nlmon.backends.base import Backend
from nlmon.backends.legacy.generic import GENL_HDRLEN, GenericParser
from nlmon.backends.legacy.netfilter import NFGENMSG, NetfilterParser
from nlmon.backends.legacy.reading import NLMSG_HDRLEN, ParseContext, Parsed
from nlmon.backends.legacy.reads import reads_of
from nlmon.backends.legacy.route import FIB_RULE_HDR, IFADDRMSG, IFINFOMSG, NDMSG, RTMSG, RouteParser
from nlmon.backends.legacy.sockets import SocketParser
from nlmon.backends.options import BackendOptions
from nlmon.backends.reads import Reads
from nlmon.errors import (
    FramingError,
    HeaderError,
    KernelError,
    Overrun,
    OverrunMessage,
    TransportError,
    errno_name,
)
from nlmon.events import UNSET, Decoded, Event, LinkInfo, UnsetType
from nlmon.transport.base import Transport, TransportFactory
from nlmon.wire import Datagram, Datagrams

__all__ = ["LegacyBackend"]

# linux/netlink.h
NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_NETFILTER, NETLINK_GENERIC = 0, 4, 12, 16
NLMSG_ERROR, NLMSG_DONE, NLMSG_OVERRUN, NLMSG_MIN_TYPE = 2, 3, 4, 16
# linux/rtnetlink.h: the types of an object follow each other
RTM_NEWLINK, RTM_SETLINK, RTM_NEWADDR, RTM_GETADDR, RTM_NEWROUTE, RTM_GETROUTE = 16, 19, 20, 22, 24, 26
RTM_NEWNEIGH, RTM_GETNEIGH, RTM_NEWRULE, RTM_GETRULE = 28, 30, 32, 34
# linux/sock_diag.h, linux/netfilter/nfnetlink_conntrack.h
SOCK_DIAG_BY_FAMILY, CT_NEW, CT_DELETE = 20, 0x100, 0x102
ANY = -1
# More than any kernel has.
GENERIC_GROUPS = 256

Method: TypeAlias = Callable[[ParseContext], Parsed]
# Type, flags, sequence number and port of a message.
Header: TypeAlias = tuple[int, int, int, int]
# The methods of a protocol that is not supported.
NONE: Mapping[int, tuple[Method, int]] = MappingProxyType({})


class LegacyBackend(RouteParser, GenericParser, SocketParser, NetfilterParser, Backend, bulk=True):
    """The plain implementation; see the module."""

    name: ClassVar[str] = "legacy"
    groups: ClassVar[Mapping[int, tuple[int, ...]]] = MappingProxyType(
        {
            # RTNLGRP_LINK, NEIGH; IPV4_IFADDR, _ROUTE, _RULE; IPV6_IFADDR, _ROUTE, _RULE
            NETLINK_ROUTE: (1, 3, 5, 7, 8, 9, 11, 19),
            # SKNLGRP_*: destroyed TCP and UDP sockets of both families
            NETLINK_SOCK_DIAG: (1, 2, 3, 4),
            # NFNLGRP_CONNTRACK_NEW, _UPDATE, _DESTROY
            NETLINK_NETFILTER: (1, 2, 3),
            NETLINK_GENERIC: (),
        }
    )
    # Protocol -> message type (ANY: all others) -> name of the method that parses it, size of its fixed header.
    parsers: ClassVar[Mapping[int, Mapping[int, tuple[str, int]]]] = MappingProxyType(
        {
            NETLINK_ROUTE: {
                **dict.fromkeys(range(RTM_NEWLINK, RTM_SETLINK + 1), ("parse_link", IFINFOMSG)),
                **dict.fromkeys(range(RTM_NEWADDR, RTM_GETADDR + 1), ("parse_addr", IFADDRMSG)),
                **dict.fromkeys(range(RTM_NEWROUTE, RTM_GETROUTE + 1), ("parse_route", RTMSG)),
                **dict.fromkeys(range(RTM_NEWNEIGH, RTM_GETNEIGH + 1), ("parse_neigh", NDMSG)),
                **dict.fromkeys(range(RTM_NEWRULE, RTM_GETRULE + 1), ("parse_rule", FIB_RULE_HDR)),
            },
            NETLINK_SOCK_DIAG: {SOCK_DIAG_BY_FAMILY: ("parse_socket", 4)},
            NETLINK_NETFILTER: dict.fromkeys((CT_NEW, CT_DELETE), ("parse_conntrack", NFGENMSG)),
            NETLINK_GENERIC: {ANY: ("parse_generic", GENL_HDRLEN)},
        }
    )

    def __init__(self, transports: TransportFactory, options: BackendOptions | None = None) -> None:
        Backend.__init__(self, transports, options)
        sign = "<" if self.byteorder == "little" else ">"
        self.prepare(sign)
        self._nlmsghdr = struct.Struct(sign + "IHHII")
        self._s32 = struct.Struct(sign + "i")
        self._methods: dict[int, dict[int, tuple[Method, int]]] = {
            protocol: {kind: (getattr(self, name), size) for kind, (name, size) in kinds.items()}
            for protocol, kinds in self.parsers.items()
        }

    def opened(self, protocol: int, transport: Transport) -> None:
        """Join every generic group there is, by number: without names there is nothing to choose by. Groups that
        appear later are not joined."""
        if protocol != NETLINK_GENERIC:
            return
        for group in range(1, GENERIC_GROUPS + 1):
            try:
                transport.join(group)
            except TransportError as error:
                if error.errno == errno.EINVAL:
                    break  # beyond the last one

    @classmethod
    def reads(cls, protocol: int, msg_type: int, first: int, family: str = "") -> Reads | None:
        """What the parser of a message reads; see ``Declares.reads``."""
        parsers = cls.parsers.get(protocol, {})
        found = parsers.get(msg_type, parsers.get(ANY))
        return None if found is None or msg_type < NLMSG_MIN_TYPE else reads_of(*found, first)

    # -- datagram --------------------------------------------------------------------------------------------

    def decode(self, datagram: Datagram) -> Decoded:
        """Walk the messages of a datagram; see ``Backend.decode``."""
        result = Decoded([], [], [], 0)
        self._walk(datagram, result)
        return result

    def decode_all(self, datagrams: Datagrams) -> Decoded:
        """Walk the messages of many datagrams; see ``Backend.decode_all``."""
        if not self.bulk:
            return super().decode_all(datagrams)  # a subclass may have another ``decode``
        result = Decoded([], [], [], 0)
        protocol, lost, request = datagrams.protocol, datagrams.truncated, datagrams.request
        for frame, timestamp, data in zip(datagrams.frames, datagrams.timestamps, datagrams.data, strict=True):
            self._walk(Datagram(frame, timestamp, protocol, data, lost, request), result)
        return result

    def _walk(self, datagram: Datagram, result: Decoded) -> None:
        """Add what a datagram gives."""
        errors, before = result.errors, len(result.errors)
        data = datagram.data
        size = len(data)
        methods = self._methods.get(datagram.protocol, NONE)
        header_of, other = self._nlmsghdr.unpack_from, methods.get(ANY)
        message = ParseContext()
        message.data, message.datagram, message.errors = data, datagram, errors
        offset = 0
        while offset < size:
            left = size - offset
            if left < NLMSG_HDRLEN:
                if any(data[offset:]):
                    self._framing(result, datagram, offset, f"{left} bytes are left, a header has {NLMSG_HDRLEN}")
                break
            length, kind, flags, seq, pid = header_of(data, offset)
            if length < NLMSG_HDRLEN:
                if any(data[offset:]):
                    self._framing(result, datagram, offset, f"the message claims {length} bytes, less than a header")
                break
            if length > left:
                self._framing(result, datagram, offset, f"the message claims {length} bytes and {left} are left")
                break
            message.start, message.end = offset, offset + length
            header = (kind, flags, seq, pid)
            if kind < NLMSG_MIN_TYPE:
                if not self.control(result, datagram, message, header):
                    break
            elif (found := methods.get(kind, other)) is None:
                result.unknown.append((kind, data[offset + NLMSG_HDRLEN] if length > NLMSG_HDRLEN else -1))
            else:
                self.event(result, datagram, message, header, found)
            offset += (length + 3) & ~3
        if datagram.truncated and not any(isinstance(error, FramingError) for error in errors[before:]):
            self._framing(result, datagram, min(offset, size), "the datagram went on behind its last whole message")

    def event(
        self, result: Decoded, datagram: Datagram, message: ParseContext, header: Header, method: tuple[Method, int]
    ) -> None:
        """Parse one message by a method that needs so many bytes of fixed header."""
        parse, need = method
        kind, flags, seq, pid = header
        protocol, frame, offset = datagram.protocol, datagram.frame, message.start
        body = message.end - offset - NLMSG_HDRLEN
        if body < need:
            if protocol == NETLINK_ROUTE and kind & 3 == 2 and body:
                # A dump request may be the family alone.
                result.unknown.append((kind, message.data[offset + NLMSG_HDRLEN]))
                return
            what = f"the message has {body} bytes behind its header and needs {need}"
            result.errors.append(HeaderError("NLM-D002", what, frame=frame, offset=offset))
            return
        errors = len(result.errors)
        payload, index = parse(message)
        if payload is None:
            if len(result.errors) == errors:
                result.unknown.append((kind, message.data[offset + NLMSG_HDRLEN]))
            return
        time, nsid = datagram.timestamp, datagram.nsid
        name: str | UnsetType | None = None
        if protocol != NETLINK_ROUTE:
            name = UNSET
        elif type(payload) is LinkInfo and payload.ifname is not None:
            name = payload.ifname
        elif nsid is None and index is not None and index > 0:
            transport = self._transports.get(NETLINK_ROUTE)
            name = None if transport is None else transport.link_name(index)
        result.events.append(
            Event(time, protocol, kind, flags, seq, pid, frame, offset, name, payload, "netlink", nsid)
        )

    def _framing(self, result: Decoded, datagram: Datagram, offset: int, what: str) -> None:
        why = f"the recording lost {datagram.truncated} bytes" if datagram.truncated else ""
        result.errors.append(FramingError("NLM-D001", what, frame=datagram.frame, offset=offset, why=why))

    def control(self, result: Decoded, datagram: Datagram, message: ParseContext, header: Header) -> bool:
        """NOOP, DONE and acknowledgements are counted, errors reported. True: reading goes on behind it, which it
        does behind each."""
        kind, frame, offset = header[0], datagram.frame, message.start
        if kind == NLMSG_OVERRUN:
            result.errors.append(
                OverrunMessage("NLM-D005", "the sender lost data before this message", frame=frame, offset=offset)
            )
            return True
        if kind == NLMSG_ERROR and message.end - message.start < NLMSG_HDRLEN + 4:
            what = "an error message has no room for its error number"
            result.errors.append(HeaderError("NLM-D002", what, frame=frame, offset=offset))
            return True
        number = 0
        if kind in {NLMSG_ERROR, NLMSG_DONE} and message.end - message.start >= NLMSG_HDRLEN + 4:
            (number,) = self._s32.unpack_from(message.data, message.start + NLMSG_HDRLEN)
        if number < 0:
            what = f"the kernel answers {errno_name(-number)}"
            result.errors.append(KernelError("NLM-D004", what, frame=frame, offset=offset, errno=-number))
        else:
            result.control += 1
        return True

    def on_transport_error(self, protocol: int, error: TransportError) -> bool:
        """An overrun is reported and reading goes on; nothing else is recovered."""
        if isinstance(error, Overrun):
            self.report(error)
            return True
        return False
