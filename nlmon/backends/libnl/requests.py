"""Requests: asking the kernel for all objects of a kind, and decoding what it answers.

Rules of this file:
1. No callback is called: answers are the asker's, not events.
2. Of an answer only what has the request's sequence number is read (``dump``).

Not here: what is asked for and when (``backend``), and what the messages hold (``decode.messages``).
"""

from __future__ import annotations

import itertools
import struct

from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.libnl.decode.messages import MessageDecoder
from nlmon.backends.libnl.decode.sockets import EVERY_STATE, socket_request
from nlmon.backends.libnl.dump import DumpResult, DumpTracker
from nlmon.backends.libnl.uapi import (
    NETLINK_ROUTE,
    NETLINK_SOCK_DIAG,
    NLM_F_DUMP,
    NLM_F_REQUEST,
    NLMSG_HDRLEN,
    SOCK_DIAG_BY_FAMILY,
)
from nlmon.backends.options import BackendOptions
from nlmon.errors import DecodeError, FramingError, UsageError
from nlmon.events import Event
from nlmon.transport.base import TransportFactory
from nlmon.wire import Datagram

__all__ = ["DUMP_ATTEMPTS", "Requests"]

DUMP_ATTEMPTS = 3


class Requests(MessageDecoder, Backend):
    """A backend that can ask; see the module."""

    def __init__(self, transports: TransportFactory, options: BackendOptions | None = None) -> None:
        Backend.__init__(self, transports, options)
        self.prepare(self.byteorder, self.options.max_message_size, self.options.layouts)
        self._pack_header = struct.Struct(("<" if self.byteorder == "little" else ">") + "IHHII").pack
        self._seq = itertools.count(1)

    def dump(self, protocol: int, msg_type: int, family: int = 0, body: bytes | None = None) -> DumpResult:
        """Ask for all objects of a kind (``msg_type``: RTM_GET*) and family; no callback is called. ``body``: what
        follows the message header, where the family alone does not say enough.

        Raises ``UsageError`` when the protocol is not enabled, ``TransportError`` when the socket fails.
        """
        if protocol not in self._transports:
            raise UsageError("NLM-B002", f"protocol {protocol} is not enabled", hint="call enable() first")
        if body is None:
            known = self.handlers.get(protocol, {})
            body = bytes([family]).ljust(known[msg_type][1] if msg_type in known else 4, b"\0")
        ours, tracker = self._ask(protocol, msg_type, body, NLM_F_REQUEST | NLM_F_DUMP)
        events: list[Event] = []
        errors: list[DecodeError] = []
        for datagram, places in itertools.groupby(ours, key=lambda one: one[0]):
            offsets = {offset for _, offset, _ in places}
            decoded = self.decode(datagram)
            events += [event for event in decoded.events if event.offset in offsets]
            ends = {offset: offset + self._header(datagram.data, offset)[0] for offset in offsets}
            errors += [
                e
                for e in decoded.errors
                if isinstance(e, FramingError) or any(at <= e.offset < end for at, end in ends.items())
            ]
        return DumpResult(events, errors, tracker.outcome(len(events)), tracker.foreign)

    def dump_sockets(self, family: int, protocol: int = 0, states: int = EVERY_STATE) -> DumpResult:
        """Ask for the sockets of an address family (AF_INET, AF_INET6, AF_UNIX) and, for internet sockets, of a
        protocol (IPPROTO_*), in ``states`` (1 << TCP state each). NETLINK_SOCK_DIAG must be enabled; see ``dump``."""
        body = socket_request(family, protocol, states, self.byteorder)
        return self.dump(NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, body=body)

    def _ask(
        self, protocol: int, msg_type: int, body: bytes, flags: int
    ) -> tuple[list[tuple[Datagram, int, int]], DumpTracker]:
        """The messages of an answer that are ours, as (datagram, offset, end), and how it ended."""
        seq = next(self._seq)
        message = self._pack_header(NLMSG_HDRLEN + len(body), msg_type, flags, seq, 0) + body
        tracker = DumpTracker(seq, self.byteorder)
        found = []
        for answer in self._transports[protocol].request(message):
            datagram = structs.replace(answer, request=message)
            for offset in sorted(tracker.offsets(datagram)):
                found.append((datagram, offset, offset + self._header(datagram.data, offset)[0]))
            if tracker.done:
                break
        return found, tracker

    def whole_dump(self, msg_type: int, family: int) -> DumpResult:
        """A dump of NETLINK_ROUTE, asked again a few times when it was interrupted."""
        for _ in range(DUMP_ATTEMPTS):
            result = self.dump(NETLINK_ROUTE, msg_type, family)
            if not result.interrupted:
                break
        return result
