"""Faults on the running kernel: taps that withhold what was read, or say that a socket failed.

    socket ─► faulty tap ─► implementation
                  └── LiveFaults, which all lanes share: what happens to which notification

Rules:
1. Whoever reads a notification first decides what happens to it, so that both implementations suffer the same,
   though they read at different moments.
2. The sockets of the kernel go on. A socket that is lost is read all the same, and what comes is missed; who opens
   another one gets the rest of it, so that nothing depends on how fast that is.
3. Of one protocol a fault begins when the one before it has ended. What an implementation does not receive itself it
   suffers nothing from; a loss that it had is reported behind the last
   notification, or when all was read that was sent.
4. Kinds mean what they mean in a replay (``recorded.faults``; ``drop`` and ``duplicate``: ``nlmon.scenario.faults``).

Not here: which scenario asks for what (``nlmon.scenario.faults.live``), and what a fault does to a verdict.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct, field, structs

from nlmon.errors import Overrun, TransportError
from nlmon.transport.base import Transport, TransportFactory
from nlmon.transport.recorded.faults import COUNTED, Kind, namespace_gone, overrun, socket_lost
from nlmon.transport.tap import Reading, Tap, TapFactory
from nlmon.wire import Datagram

__all__ = ["FaultyTap", "FaultyTapFactory", "LiveFault", "LiveFaults", "LiveKind"]

LiveKind: TypeAlias = Kind | Literal["drop", "duplicate"]


class LiveFault(Struct, frozen=True):
    """A fault: from which notification of its protocol on, the first being 1, and how many it is about."""

    kind: LiveKind
    at: int
    protocol: int
    count: int = 1


class _Happening(Struct):
    """A fault that has begun. ``frames``: the notifications that it is about, so far; ``over``: these are all."""

    fault: LiveFault
    frames: list[int] = field(default_factory=list)
    over: bool = False


class LiveFaults:
    """The faults of one run. ``gone``: the frame where the namespace vanished, 0: it did not."""

    def __init__(self, faults: Sequence[LiveFault]) -> None:
        self.gone = 0
        self._faults = tuple(faults)
        self._waiting = sorted(faults, key=lambda fault: fault.at)
        self._numbers: Counter[int] = Counter()
        self._happenings: list[_Happening] = []
        self._going_on: dict[int, _Happening] = {}
        self._by_frame: dict[int, _Happening] = {}

    def arrive(self, datagram: Datagram) -> None:
        """Decide what happens to a notification that nobody has read before."""
        protocol, frame = datagram.protocol, datagram.frame
        self._numbers[protocol] += 1
        happening = self._going_on.get(protocol)
        if happening is None:
            number = self._numbers[protocol]
            fault = next((one for one in self._waiting if one.protocol == protocol and one.at <= number), None)
            if fault is None:
                return
            self._waiting.remove(fault)
            happening = self._going_on[protocol] = _Happening(fault)
            self._happenings.append(happening)
            if fault.kind == "vanished_namespace":
                self.gone = frame
        happening.frames.append(frame)
        self._by_frame[frame] = happening
        if len(happening.frames) == happening.fault.count:
            happening.over = True
            del self._going_on[protocol]

    def end_pauses(self) -> None:
        """No more notifications are waited for: readers that pause go on."""
        for protocol, happening in list(self._going_on.items()):
            if happening.fault.kind == "paused_reader":
                happening.over = True
                del self._going_on[protocol]

    def at(self, frame: int) -> _Happening | None:
        """What happens to a notification."""
        return self._by_frame.get(frame)

    def before(self, protocol: int, frame: int | None) -> Iterator[_Happening]:
        """What happened to a protocol, and ended before a frame; None: all that has ended."""
        for happening in self._happenings:
            last = happening.frames[-1]
            if happening.over and happening.fault.protocol == protocol and (frame is None or last < frame):
                yield happening

    @property
    def untouched(self) -> tuple[LiveFault, ...]:
        """Faults that have not happened."""
        return tuple(self._waiting)

    @property
    def frames(self) -> tuple[int, ...]:
        """The frame where each fault began, in the order of the faults; 0: it did not."""
        began = [(one.fault, one.frames[0]) for one in self._happenings]
        return tuple(next((frame for found, frame in began if found is fault), 0) for fault in self._faults)


class FaultyTapFactory(TapFactory):
    """Opens transports behind faulty taps, for one lane; ``hold`` gets what was read and is handed over later."""

    def __init__(
        self,
        inner: TransportFactory,
        arrive: Callable[[Datagram], Reading | None],
        faults: LiveFaults,
        hold: Callable[[Reading], None],
    ) -> None:
        super().__init__(inner, arrive)
        self.faults = faults
        self.hold = hold
        self.gone = False

    def open(self, protocol: int, groups: Sequence[int], **buffers: int | None) -> Tap:
        """A transport behind a faulty tap; one for a socket that was lost goes on where that one was lost."""
        if self.gone:
            raise namespace_gone()
        lost = self.taps.get(protocol)
        if isinstance(lost, FaultyTap) and lost.lost:
            tap = FaultyTap(self, lost.inner, lost.groups, lost)
            tap.unwanted = lost.groups - set(groups)
            for group in set(groups) - lost.groups:
                tap.join(group)
        else:
            tap = FaultyTap(self, self._inner.open(protocol, groups, **buffers), groups)
        self.taps[protocol] = tap
        return tap

    def _faulty_taps(self) -> list[FaultyTap]:
        """The open taps, all of which it has made."""
        return [tap for tap in self.taps.values() if isinstance(tap, FaultyTap)]

    def lose_all(self) -> None:
        """The namespace is gone: every socket fails."""
        self.gone = True
        for tap in self._faulty_taps():
            tap.lose()

    def caught_up(self) -> list[int]:
        """All was read that was sent: say what is over. Returns the protocols that have something to read."""
        if self.faults.gone and not self.gone:
            self.lose_all()
        for tap in self._faulty_taps():
            tap.catch_up()
            while tap.unwanted:
                tap.leave(tap.unwanted.pop())
        return [tap.protocol for tap in self._faulty_taps() if tap.waits]

    def end(self) -> list[int]:
        """The run is over: end what is going on. Returns the protocols that have something to read."""
        for tap in self._faulty_taps():
            tap.end_loss()
        return self.caught_up()

    def close(self) -> None:
        """Close what the implementation could not, since it was lost."""
        for tap in self._faulty_taps():
            if tap.lost:
                tap.inner.close()
                self.forget(tap)


class FaultyTap(Tap):
    """A transport behind a tap that lets faults happen. ``lost``: the frame where its socket failed, 0: it did not.
    ``before``: the tap of a lost socket that it replaces; ``unwanted``: groups of that one which nobody has joined
    again, and which are left when all was read that was sent."""

    def __init__(
        self,
        factory: FaultyTapFactory,
        inner: Transport,
        groups: Collection[int],
        before: FaultyTap | None = None,
    ) -> None:
        super().__init__(factory, inner, tuple(groups))
        self.lost = 0
        self.unwanted: set[int] = set()
        self._faulty = factory
        self._queue: deque[Reading | TransportError] = before._queue if before else deque()
        # What a reader that pauses has not read, how many messages an overrun took, and what is over for this socket.
        self._held: list[Reading] = []
        self._drops = 0
        self._done: list[_Happening] = before._done if before else []

    # -- what the implementation does ----------------------------------------------------------------------------

    def recv(self) -> Datagram | None:
        """The next event, or what a fault makes of it; None also for one that is missed."""
        while not self._queue:
            if self.lost:
                raise socket_lost()
            datagram = self.inner.recv()
            reading = None if datagram is None else self._factory.arrive(datagram)
            if reading is None:
                return None
            self._take(reading)
            first = self._queue[0] if self._queue else None
            if not (isinstance(first, Reading) and first.datagram is reading.datagram):
                self._faulty.hold(reading)
        item = self._queue.popleft()
        if isinstance(item, TransportError):
            raise item
        self._factory.read(item)
        return None if item.fate else item.datagram

    def join(self, group: int) -> None:
        """Join a group."""
        super().join(group)
        self.unwanted.discard(group)

    def request(self, message: bytes) -> Iterator[Datagram]:
        """A request of the wrapped transport, unless the namespace is gone."""
        if self._faulty.gone:
            raise socket_lost()
        return super().request(message)

    def close(self) -> None:
        """Close the wrapped transport; that of a lost socket is read on."""
        if not self.lost:
            super().close()

    # -- faults --------------------------------------------------------------------------------------------------

    @property
    def lost_since(self) -> int:
        """The frame where the socket was lost, when that was said; 0: it can be read."""
        return 0 if self._queue and isinstance(self._queue[0], TransportError) else self.lost

    @property
    def waits(self) -> bool:
        """Whether there is something to read that no descriptor shows."""
        return bool(self._queue)

    def drain(self) -> None:
        """Read a datagram that a lost socket would have received."""
        while not self._queue:
            try:
                datagram = self.inner.recv()
            except Overrun:
                continue
            reading = None if datagram is None else self._factory.arrive(datagram)
            if reading is None:
                return
            self._queue.append(reading)
        item = self._queue.popleft()
        if isinstance(item, Reading):
            self._factory.read(structs.replace(item, fate=item.fate or "missed"))

    def _take(self, reading: Reading) -> None:
        """Let happen to a datagram what is to happen to it."""
        frame, faults = reading.datagram.frame, self._faulty.faults
        if faults.gone and frame >= faults.gone and not self._faulty.gone:
            self._queue.append(structs.replace(reading, fate="missed"))
            self._faulty.lose_all()
            return
        self.catch_up(frame)
        happening = faults.at(frame)
        kind = "" if happening is None else happening.fault.kind
        if happening is None or happening in self._done:
            self._queue.append(reading)
        elif kind in COUNTED:
            if kind == "overrun":
                self._drops += 1
                self._faulty.had.lost += 1
                self._queue.append(structs.replace(reading, fate="missed"))
            else:
                self._held.append(reading)
            if self._drops + len(self._held) == happening.fault.count:
                self._happen(happening)
        elif kind == "enobufs":
            self._happen(happening)
            self._queue.append(reading)
        elif kind == "lost_socket":
            self._queue.append(structs.replace(reading, fate="missed"))
            self._happen(happening)
        else:
            self._queue.append(structs.replace(reading, fate="dropped") if kind == "drop" else reading)
            self._queue.extend([reading] * (kind == "duplicate"))

    def catch_up(self, frame: int | None = None) -> None:
        """Let happen what is over, before a frame or at all, and has not happened to this socket."""
        for happening in self._faulty.faults.before(self.protocol, frame):
            if happening not in self._done and not self.lost:
                self._happen(happening)

    def _happen(self, happening: _Happening) -> None:
        """End a fault for this socket."""
        self._done.append(happening)
        kind = happening.fault.kind
        if kind in COUNTED:
            self.end_loss()
        elif kind == "enobufs":
            self._faulty.had.reported += 1
            self._queue.append(overrun(0))
        elif kind == "lost_socket":
            self.lose(happening.frames[0])

    def end_loss(self) -> None:
        """End an overrun or a pause that is going on."""
        self._queue.extend(self._held)
        self._held = []
        if self._drops:
            self._faulty.had.reported += 1
            self._queue.append(overrun(self._drops))
        self._drops = 0

    def lose(self, frame: int = 0) -> None:
        """Let the socket fail."""
        if not self.lost:
            self._queue.extend(structs.replace(reading, fate="missed") for reading in self._held)
            self._held = []
            self.end_loss()
            self.lost = frame or self._faulty.faults.gone
            self._faulty.had.failed += 1
            self._queue.append(socket_lost())
