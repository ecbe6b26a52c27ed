"""The message pool: datagrams read ahead of their delivery, so that the kernel's buffer is empty sooner.

Rules of this file:
1. At most ``size`` datagrams wait. An error is kept in its turn and takes no datagram's place.
2. However much comes, a call ends and what is kept is delivered: at most twice ``size`` datagrams are read in a call,
   and none behind an error, which would report one gap after the other.
3. What is dropped is reported like a loss in the kernel, by an ``Overrun`` at the place of the gap.
4. The policy ``wait`` drops nothing: what does not fit stays in the kernel's buffer.
5. To look into an empty buffer costs as much as to read from it. So that is not done again before a few datagrams were
   delivered, which takes less time than a small buffer takes to fill.

Not here: what to do about a loss (``backend``).
"""

from __future__ import annotations

from collections import deque
from typing import Literal

from nlmon.errors import Overrun, TransportError
from nlmon.transport.base import Transport
from nlmon.wire import Datagram

__all__ = ["Pool"]

# Deliveries after which a buffer that was empty is looked into again: some thirty microseconds, in which the kernel
# sends a message or two; the smallest buffer holds three about links, 32 KiB hold 28.
REST = 4


class Pool:
    """What was read of one protocol and waits for its delivery; ``dropped`` counts datagrams."""

    def __init__(self, size: int, policy: Literal["wait", "oldest", "newest"]) -> None:
        self._size = size
        self._policy = policy
        self._items: deque[Datagram | TransportError] = deque()
        self._datagrams = 0
        self._erred = False
        self._rest = 0
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """How many datagrams were read that are not delivered yet."""
        return self._datagrams

    @property
    def waits(self) -> bool:
        """Whether something was read that is not delivered yet."""
        return bool(self._items)

    def read(self, transport: Transport) -> Datagram | None:
        """Read what waits, as far as there is room; the item whose turn it is. Raises ``TransportError``."""
        items = self._items
        if items and self._rest:
            self._rest -= 1
        elif not items or not self._erred:
            self._read_ahead(transport)
        self._erred = False
        if not items:
            return None
        first = items.popleft()
        if isinstance(first, TransportError):
            self._erred = True
            raise first
        self._datagrams -= 1
        return first

    def clear(self) -> None:
        """Forget what waits."""
        self._items.clear()
        self._datagrams = self._rest = 0
        self._erred = False

    def _read_ahead(self, transport: Transport) -> None:
        lost = self._rest = 0
        failure: TransportError | None = None
        for _ in range(2 * self._size):
            if self._policy == "wait" and self._datagrams == self._size:
                break
            try:
                datagram = transport.recv()
            except TransportError as error:
                failure = error
                break
            if datagram is None:
                self._rest = REST
                break
            if self._datagrams < self._size:
                self._datagrams += 1
                self._items.append(datagram)
                continue
            lost += 1
            if self._policy == "oldest":
                oldest = next(place for place, one in enumerate(self._items) if isinstance(one, Datagram))
                del self._items[oldest]
                self._items.append(datagram)
        if lost:
            self.dropped += lost
            what = f"the message pool was full and {lost} datagrams were dropped"
            hint = "raise limits.message_pool_size, or let the kernel's buffer wait"
            gap = Overrun("NLM-T012", what, hint=hint, drops=lost)
            (self._items.append if self._policy == "newest" else self._items.appendleft)(gap)
        if failure is not None:
            self._items.append(failure)
