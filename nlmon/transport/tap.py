"""A tap: a transport that wraps another and says what was read.

Two lanes that listen to one kernel read the same datagram at different moments. Whoever opens their taps gives each
datagram a number and a time, and a table of names that both readers of it share: who asks second gets the first answer.

Rules:
1. A tap changes nothing of a datagram but its number and its time. It may drop one that came when no more are wanted.
   Only one that makes faults withholds what was read (``faulty``).
2. A name is asked for once for each datagram that is about it. Where no datagram is at hand, the wrapped transport
   answers.

Not here: which two datagrams are the same (``nlmon.engine.pairing``), and keeping a recording (``recorder``).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from msgspec import Struct

from nlmon.errors import Overrun, TransportError
from nlmon.transport.base import Transport, TransportFactory
from nlmon.transport.wrapped import WrappedTransport
from nlmon.wire import Datagram

__all__ = ["FaultsSuffered", "Reading", "Tap", "TapFactory"]


class Reading(Struct, frozen=True):
    """A datagram as it is handed to an implementation. ``names``: those of interfaces that were asked for while it was
    decoded, by index; it grows while that goes on. ``fate``: why it is not handed over, though it was read: a fault of
    its socket, or one that no socket announces."""

    datagram: Datagram
    names: dict[int, str | None]
    fate: Literal["", "missed", "dropped"] = ""


class FaultsSuffered(Struct):
    """What faults did to the sockets of a lane: how often recv() said ENOBUFS, how many messages were lost, and how
    many sockets failed."""

    reported: int = 0
    lost: int = 0
    failed: int = 0


class TapFactory:
    """Opens transports of ``inner`` behind taps; ``arrive`` makes a reading of each datagram, or None to drop it.
    ``taps``: those that are open, and ``dropped``: messages that the kernel has dropped at those that were closed, by
    protocol; ``had``: what faults did to them, which here there are none of (``faulty``)."""

    def __init__(self, inner: TransportFactory, arrive: Callable[[Datagram], Reading | None]) -> None:
        self.byteorder = inner.byteorder
        self.taps: dict[int, Tap] = {}
        self.dropped: Counter[int] = Counter()
        self.arrive = arrive
        self.had = FaultsSuffered()
        self._inner = inner
        self._readings: list[Reading] = []

    def open(self, protocol: int, groups: Sequence[int], **buffers: int | None) -> Tap:
        """A transport behind a tap; see ``TransportFactory``."""
        inner = self._inner.open(protocol, groups, **buffers)
        tap = self.taps[protocol] = Tap(self, inner, groups)
        return tap

    def read(self, reading: Reading) -> None:
        """Note that an implementation has this to decode."""
        self._readings.append(reading)

    def readings(self) -> list[Reading]:
        """What was read since the last call."""
        readings, self._readings = self._readings, []
        return readings

    def forget(self, tap: Tap) -> None:
        """Drop a tap that is closed."""
        if self.taps.get(tap.protocol) is tap:
            del self.taps[tap.protocol]

    def caught_up(self) -> list[int]:
        """All was read that was sent; the protocols that have something to read all the same."""
        return []

    def end(self) -> list[int]:
        """The run is over; the protocols that have something to read all the same."""
        return []

    def close(self) -> None:
        """Close what no implementation can close."""

    @property
    def names(self) -> dict[int, str | None] | None:
        """The names of the datagram at hand."""
        return self._readings[-1].names if self._readings else None


class Tap(WrappedTransport):
    """A transport behind a tap; see ``Transport``. ``groups``: those that it is in."""

    def __init__(self, factory: TapFactory, inner: Transport, groups: Sequence[int]) -> None:
        super().__init__(inner)
        self.groups = set(groups)
        self._factory = factory
        self._closed = False

    @property
    def lost_since(self) -> int:
        """The frame where a fault took the socket, 0: it can be read."""
        return 0

    def drain(self) -> None:
        """Read a datagram that a socket which a fault took would have received."""

    def recv(self) -> Datagram | None:
        """The next event, with the number and the time that ``arrive`` gives it; None also for one that is dropped."""
        datagram = self.inner.recv()
        reading = None if datagram is None else self._factory.arrive(datagram)
        if reading is None:
            return None
        self._factory.read(reading)
        return reading.datagram

    def unread(self, until: float) -> tuple[int, bool]:
        """How many datagrams still wait, which are read for it and handed to nobody, and whether these are all; it ends
        at that time of the monotonic clock."""
        found = 0
        while True:  # at least one is tried, so that none of several is silent since the time was over
            try:
                if self.inner.recv() is None:
                    return found, True
                found += 1
            except Overrun:  # the status counts what was dropped
                pass
            except TransportError:
                return found, True
            if time.monotonic() >= until:
                return found, False

    def join(self, group: int) -> None:
        """Join a group."""
        super().join(group)
        self.groups.add(group)

    def leave(self, group: int) -> None:
        """Leave a group."""
        super().leave(group)
        self.groups.discard(group)

    def link_name(self, ifindex: int) -> str | None:
        """Name of an interface: the first answer that was given for the datagram at hand."""
        names = self._factory.names
        if names is None:
            return super().link_name(ifindex)
        if ifindex not in names:
            names[ifindex] = super().link_name(ifindex)
        return names[ifindex]

    def close(self) -> None:
        """Close the wrapped transport."""
        if not self._closed:
            self._closed = True
            self._factory.dropped[self.protocol] += self.inner.status().drops
        super().close()
        self._factory.forget(self)
