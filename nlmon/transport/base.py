"""The seam at send and recv: what a backend may ask of the world.

Rules:
1. A backend talks to a Transport and to nothing else. It cannot tell a kernel from a recording.
2. Notifications and answers come over different sockets, so that an answer never waits behind a burst and a
   notification never ends a dump early.

Not here: any decoding beyond the message header.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from nlmon.wire import Datagram

__all__ = ["RECEIVE_BUFFER", "Transport", "TransportFactory", "TransportStatus"]


# Bytes of an event socket of those who listen to the running kernel: what it keeps while they do something else.
RECEIVE_BUFFER = 4 << 20


class TransportStatus(Struct, frozen=True):
    """Settings and counters of one event socket.

    Buffer sizes in bytes; the kernel doubles a requested size and may clamp it (socket(7)), None where there
    is no socket. ``drops``: messages the kernel dropped for want of buffer. ``foreign``: datagrams that did
    not come from the kernel and were thrown away.
    """

    groups: tuple[int, ...]
    receive_buffer_requested: int | None
    receive_buffer_effective: int | None
    send_buffer_requested: int | None
    send_buffer_effective: int | None
    datagrams: int = 0
    drops: int = 0
    foreign: int = 0


class Transport(Protocol):
    """An event socket bound to the groups of one protocol, and a request socket beside it."""

    protocol: int

    def fileno(self) -> int:
        """Descriptor to poll for events; -1 when there is none (a recording, or closed)."""

    def recv(self) -> Datagram | None:
        """The next event datagram, or None when nothing waits. Never blocks.

        Raises ``Overrun`` when the kernel dropped messages, ``TransportError`` when the socket is lost.
        """

    def join(self, group: int) -> None:
        """Join one more multicast group; joining twice does nothing.

        Raises ``TransportError`` with errno EINVAL beyond the protocol's last group, ENOENT for a generic group
        that does not exist, EPERM for one that needs more privilege.
        """

    def leave(self, group: int) -> None:
        """Leave a multicast group; one that was not joined is no error. Raises ``TransportError``."""

    def request(self, message: bytes) -> Iterator[Datagram]:
        """Send one request message and give the datagrams of its answer, up to DONE, ERROR or the one reply.

        The sequence number of ``message`` is kept; the caller checks it in the answers.
        Raises ``TransportError``.
        """

    def link_name(self, ifindex: int) -> str | None:
        """Name of an interface (if_indextoname(3)), None if there is none: that of now, or one that it has had since
        the datagram that was read last was said. So who decodes asks the transport that the datagram came from."""

    def now(self) -> int:
        """The time of this transport's world, in nanoseconds since 1970: the clock, or the recording's."""

    def status(self) -> TransportStatus:
        """Settings and counters."""

    def close(self) -> None:
        """Release the sockets. Closing twice is allowed."""


class TransportFactory(Protocol):
    """Opens one Transport per protocol: the kernel, or a recording. ``byteorder`` is that of the machine that
    writes the messages."""

    byteorder: Literal["little", "big"]

    def open(
        self,
        protocol: int,
        groups: Sequence[int],
        *,
        receive_buffer: int | None = None,
        send_buffer: int | None = None,
    ) -> Transport:
        """A transport joined to ``groups`` (numbers of enum rtnetlink_groups and its kin, from 1).

        Raises ``TransportError`` if the kernel refuses.
        """
