"""The exchange of the sockets of a monitor for others, with no datagram lost and none read twice.

    exchange = Exchange(old, new, trace, turn)
    exchange.attach(enable)         # the new sockets are open; or it raises, and the old ones are as they were
    exchange.settle()               # both are read until they stand at the same place
    exchange.hand_over()            # the old ones are closed; the new ones go on

Rules:
1. The new sockets are open before the old ones are closed, so that what the old ones have not read, the new ones have.
   While they are opened, which may take seconds where caches are filled, the old ones are read.
2. What the old ones read is delivered at once. What the new ones read is decoded, so that caches and counters know it,
   and held back until it is known which of it the old ones have read, too: that is dropped, the rest is delivered.
3. Two datagrams are the same if they have the same bytes; how often matters. The kernel gives a datagram to one socket
   after the other, to those that have joined last first (``sk_add_bind_node``), and keeps no common order between
   datagrams, so there is nothing else to tell them apart by.
4. Old ones that had nothing to read before and after the new ones were read to their end have read all that these have
   (``settled``). Whatever comes from then on comes to the new ones alone, and is not held against what came before.
   One case is left: the kernel has given a datagram to the new sockets, not yet to the old ones, at that very moment,
   and an equal one had come to the old ones alone before the new ones joined their groups. Then one of the two is
   missing. ``ahead`` begins with the opening, so that this takes two equal datagrams within that time.
5. Where sockets are never empty, since more comes than is read, the exchange is made after ``SECONDS`` all the same.
   What the old ones read and the new ones have not read yet is then known by its bytes (``ahead``), until the new
   sockets have been empty once. What only the old ones received, before the new ones had joined their groups, may be
   taken for an equal datagram that follows; nothing else can go wrong, and ``settled`` says whether it could.

Not here: which sockets a configuration needs (``plan``), and what becomes of events (``pipeline``).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from nlmon.api.listener import Listener
from nlmon.errors import DecodeError, NlmonError, TransportError
from nlmon.events import Decoded, Event
from nlmon.monitor.meanwhile import meanwhile
from nlmon.wire import Datagram

__all__ = ["READ_AT_ONCE", "SECONDS", "Exchange"]

# Datagrams of one socket that are read before the other ones have their turn, so that none of them overflows meanwhile.
READ_AT_ONCE = 256
# How long both are read at most, in seconds of a processor: while others have it, nothing is read.
SECONDS = 0.5

Trace = Callable[[Datagram], None]


class _Held:
    """A datagram of the new sockets, and what was made of it; or of none, such as the place of a loss."""

    __slots__ = ("datagram", "errors", "events", "protocol")

    def __init__(self, protocol: int, datagram: Datagram | None) -> None:
        self.protocol = protocol
        self.datagram = datagram
        self.events: list[tuple[Event, bytes]] = []
        self.errors: list[NlmonError] = []


class Exchange:
    """One exchange; see the module. ``trace`` is given each datagram of the new sockets that is delivered, ``turn`` of
    the protocol before anything is delivered of it; ``between`` is called between reads. ``both``: datagrams that both
    received, by protocol; ``settled``: whether there was a moment in which both stood at the same place; ``ahead``: by
    protocol, what the old ones have read and the new ones will read."""

    def __init__(
        self,
        old: Listener,
        new: Listener,
        trace: Trace | None,
        turn: Callable[[int], None],
        between: Callable[[], None] = lambda: None,
    ) -> None:
        self.both: Counter[int] = Counter()
        self.settled = False
        self.ahead: dict[int, Counter[bytes]] = {}
        self._old = old
        self._new = new
        self._trace = trace
        self._turn = turn
        self._between = between
        # Datagrams that the old ones have read, and what the new ones have.
        self._read = 0
        self._held: list[_Held] = []
        self._protocol = -1
        self._arrived = old.arrived
        self._deliver = new.deliver_to(self._hold_event, self._hold_error)

    def attach(self, enable: Callable[[], None]) -> None:
        """Open the new sockets by ``enable``, in a thread, while the old ones are read here. What it raises is raised,
        and the old ones go on as before."""
        self._new.arrived, self._old.arrived = self._hold, self._note
        try:
            meanwhile(enable, self._read_old)
        except BaseException:
            self._give_up()
            raise

    def opens(self, protocol: int) -> None:
        """What the new sockets say from now on is of this protocol."""
        self._protocol = protocol

    def settle(self, clock: Callable[[], float] = time.thread_time) -> None:
        """Read both until they stand at the same place, or for ``SECONDS``. Raises ``TransportError`` when a new socket
        is lost; the old ones go on as before."""
        until = clock() + SECONDS
        try:
            while not self.settled and clock() < until:
                self._round()
        except BaseException:
            self._give_up()
            raise

    def _read_old(self) -> None:
        self._read_all(self._old)
        self._between()

    def _round(self) -> None:
        self._between()
        # Both in each round, so that neither overflows.
        done = [self._read_all(self._old), self._read_all(self._new)]
        before = self._read
        self.settled = all(done) and self._read_all(self._old) and self._read == before

    def hand_over(self) -> list[tuple[int, Decoded]]:
        """Close the old sockets, and deliver what the new ones alone have read. What they have counted twice, since the
        old ones have counted it: by protocol, as it was decoded."""
        self._old.arrived = None
        self._old.backend.close()
        self._new.arrived = None
        on_event, on_error = self._deliver
        self._new.deliver_to(on_event, on_error)
        twice: list[tuple[int, Decoded]] = []
        for held in self._held:
            datagram = held.datagram
            if datagram is not None and self._was_read(datagram):
                twice.append((datagram.protocol, self._new.backend.decode(datagram)))
                continue
            self._turn(held.protocol)
            if datagram is not None and self._trace is not None:
                self._trace(datagram)
            for error in held.errors:
                if on_error is not None:
                    on_error(error)
            for event, data in held.events:
                on_event(event, data)
        self._held.clear()
        if self.settled:
            self.ahead.clear()
        return twice

    def _was_read(self, datagram: Datagram) -> bool:
        """Whether the old sockets have read a datagram of the new ones; each of theirs stands for one."""
        ahead = self.ahead.get(datagram.protocol)
        if not ahead or not ahead[datagram.data]:
            return False
        ahead[datagram.data] -= 1
        self.both[datagram.protocol] += 1
        return True

    def _read_all(self, listener: Listener) -> bool:
        """Read a part of what waits; whether that was all. An old socket that is lost has nothing more."""
        done = True
        for protocol in list(listener.taps):
            if listener is self._new:
                self.opens(protocol)
            self._turn(protocol)
            for _ in range(READ_AT_ONCE):
                try:
                    if not listener.process(protocol):
                        break
                except TransportError:
                    if listener is self._new:
                        raise
                    break
            else:
                done = False
        return done

    def _give_up(self) -> None:
        self._new.backend.close()
        self._held.clear()
        self._old.arrived = self._arrived

    # -- what is read ------------------------------------------------------------------------------------------------

    def _note(self, datagram: Datagram) -> bool:
        """Note a datagram of the old sockets, and whether it is new to them: they may have been exchanged before."""
        self._read += 1
        if self._arrived is not None and not self._arrived(datagram):
            return False
        self.ahead.setdefault(datagram.protocol, Counter())[datagram.data] += 1
        return True

    def _hold(self, datagram: Datagram) -> bool:
        self._held.append(_Held(datagram.protocol, datagram))
        return True

    def _hold_event(self, event: Event, data: bytes) -> None:
        self._holder(event.frame if data else None).events.append((event, data))

    def _hold_error(self, error: NlmonError) -> None:
        # What is wrong in a datagram is counted once; a loss is of these sockets alone, whatever was read before it.
        self._holder(-1 if isinstance(error, DecodeError) else None).errors.append(error)

    def _holder(self, frame: int | None) -> _Held:
        """Where to keep what is of the datagram ``frame``, of the last one (-1), or of none."""
        if frame is not None:
            for held in reversed(self._held):
                if held.datagram is not None and frame in {-1, held.datagram.frame}:
                    return held
        self._held.append(_Held(self._protocol, None))
        return self._held[-1]
