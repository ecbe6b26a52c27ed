"""The libnl implementation: policies, nested attributes, kernel error texts, dumps, reconnection.

Rules of this file:
1. Nothing raises for any bytes. What cannot be read is an error value with frame, offset and attribute path,
   and everything around it is still delivered.
2. Control messages never end a datagram.

Deviations can be made by a subclass that replaces an entry of ``handlers`` or one of the methods.

Not here: how attributes are read (``decoder``, ``policy``).
"""

from __future__ import annotations

import errno
import itertools
import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from nlmon.backends.base import Backend, BackendOptions
from nlmon.backends.libnl.decoder import RouteDecoder
from nlmon.backends.libnl.dump import DumpResult, DumpTracker
from nlmon.backends.libnl.messages import control_error
from nlmon.backends.libnl.readers import Reading
from nlmon.errors import DecodeError, FramingError, HeaderError, Overrun, TransportError, UsageError
from nlmon.events import Datagram, Decoded, Event
from nlmon.transport.base import TransportFactory

__all__ = ["LibnlBackend"]

ROUTE = 0
NLMSG_MIN_TYPE = 0x10
NLMSGHDR = 16
NLM_F_REQUEST, NLM_F_DUMP = 0x1, 0x300
# The socket is gone in a way that a new one mends.
LOST = {errno.EBADF, errno.ENOTCONN}


class LibnlBackend(Backend):
    """The rich implementation; see the module."""

    name: ClassVar[str] = "libnl"
    groups: ClassVar[Mapping[int, tuple[int, ...]]] = MappingProxyType({ROUTE: (1, 3, 5, 7, 8, 9, 11, 19)})
    # Message type -> method of RouteDecoder and the size of the fixed header in bytes.
    handlers: ClassVar[Mapping[int, tuple[str, int]]] = MappingProxyType(
        {
            **dict.fromkeys(range(16, 20), ("link", 16)),
            **dict.fromkeys(range(20, 23), ("addr", 8)),
            **dict.fromkeys(range(24, 27), ("route", 12)),
            **dict.fromkeys(range(28, 31), ("neigh", 12)),
            **dict.fromkeys(range(32, 35), ("rule", 12)),
        }
    )

    def __init__(self, transports: TransportFactory, options: BackendOptions | None = None) -> None:
        super().__init__(transports, options)
        sign = "<" if self.options.byteorder == "little" else ">"
        self._header = struct.Struct(sign + "IHHII").unpack_from
        self._pack_header = struct.Struct(sign + "IHHII").pack
        self._decoder = RouteDecoder(self.options.byteorder)
        self._seq = itertools.count(1)
        self._handlers = {kind: (getattr(self._decoder, name), size) for kind, (name, size) in self.handlers.items()}

    def decode(self, datagram: Datagram) -> Decoded:
        """Every message of a datagram; see ``Backend.decode``."""
        data, frame = datagram.data, datagram.frame
        size, offset = len(data), 0
        events: list[Event] = []
        errors: list[Exception] = []
        unknown = control = 0
        transport = self._transports.get(ROUTE)
        while offset + NLMSGHDR <= size:
            length, kind, flags, seq, pid = self._header(data, offset)
            if length < NLMSGHDR or length > size - offset:
                break
            end = offset + length
            if kind < NLMSG_MIN_TYPE:
                found = control_error(data, offset, end, kind, flags, frame, self.options.byteorder)
                if found is None:
                    control += 1
                else:
                    errors.append(found)
            elif datagram.protocol != ROUTE or kind not in self._handlers:
                unknown += 1
            else:
                handle, header = self._handlers[kind]
                if length - NLMSGHDR >= header:
                    payload, index = handle(Reading(data, frame, errors), offset, end)
                    name = getattr(payload, "ifname", None)
                    if name is None and index and transport is not None:
                        name = transport.link_name(index)
                    events.append(
                        Event(
                            datagram.timestamp, datagram.protocol, kind, flags, seq, pid, frame, offset, name, payload
                        )
                    )
                elif kind & 3 == 2 and length > NLMSGHDR:
                    unknown += 1  # RTM_GET* with only a family: a dump request of the old kind
                else:
                    what = f"the fixed header needs {header} bytes, the message has {length - NLMSGHDR}"
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

    def dump(self, protocol: int, msg_type: int, family: int = 0) -> DumpResult:
        """Ask for all objects of a kind (``msg_type``: RTM_GET*) and family; no callback is called.

        Raises ``UsageError`` when the protocol is not enabled, ``TransportError`` when the socket fails.
        """
        transport = self._transports.get(protocol)
        if transport is None:
            raise UsageError("NLM-B002", f"protocol {protocol} is not enabled", hint="call enable() first")
        seq = next(self._seq)
        size = self.handlers[msg_type][1] if msg_type in self.handlers else 4
        body = bytes([family]) + bytes(size - 1)
        head = self._pack_header(NLMSGHDR + len(body), msg_type, NLM_F_REQUEST | NLM_F_DUMP, seq, 0)
        tracker = DumpTracker(seq, self.options.byteorder)
        events: list[Event] = []
        errors: list[DecodeError] = []
        for datagram in transport.request(head + body):
            ours = tracker.offsets(datagram)
            decoded = self.decode(datagram)
            events += [event for event in decoded.events if event.offset in ours]
            errors += [e for e in decoded.errors if isinstance(e, DecodeError) and e.offset >= min(ours, default=0)]
            if tracker.done:
                break
        return DumpResult(events, errors, tracker.outcome(len(events)), tracker.foreign)

    def on_transport_error(self, protocol: int, error: TransportError) -> bool:
        """Report an overrun and go on; replace a lost socket by a new one with the same groups and buffers."""
        if not isinstance(error, Overrun):
            if error.errno not in LOST:
                return False
            self.disable(protocol)
            self.enable(protocol)
        if self._on_error is not None:
            self._on_error(error)
        return True
