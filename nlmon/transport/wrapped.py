"""A transport around another one, which does what that does.

Not here: what is done besides: recording (``recorder``), saying what was read (``tap``).
"""

from __future__ import annotations

from collections.abc import Iterator

from nlmon.transport.base import Transport, TransportStatus
from nlmon.wire import Datagram

__all__ = ["WrappedTransport"]


class WrappedTransport:
    """A transport that hands every call to ``inner``; see ``Transport``."""

    def __init__(self, inner: Transport) -> None:
        self.protocol = inner.protocol
        self.inner = inner

    def fileno(self) -> int:
        """Descriptor of the wrapped transport."""
        return self.inner.fileno()

    def recv(self) -> Datagram | None:
        """The next event of the wrapped transport."""
        return self.inner.recv()

    def join(self, group: int) -> None:
        """Join a group of the wrapped transport."""
        self.inner.join(group)

    def leave(self, group: int) -> None:
        """Leave a group of the wrapped transport."""
        self.inner.leave(group)

    def request(self, message: bytes) -> Iterator[Datagram]:
        """A request of the wrapped transport."""
        return self.inner.request(message)

    def link_name(self, ifindex: int) -> str | None:
        """Name of an interface, as the wrapped transport knows it."""
        return self.inner.link_name(ifindex)

    def now(self) -> int:
        """Time of the wrapped transport."""
        return self.inner.now()

    def status(self) -> TransportStatus:
        """Status of the wrapped transport."""
        return self.inner.status()

    def close(self) -> None:
        """Close the wrapped transport."""
        self.inner.close()
