"""The events of a monitor as an asynchronous iterator: ``async for event in monitor``.

The running loop of asyncio waits for the sockets (``add_reader``) and reads them into a queue that has a bound; there
is no other loop and no thread.

Rules:
1. Nothing is dropped here. A full queue is not read into: what comes meanwhile waits in the kernel's buffer, and what
   that has no room for is reported as an event, in its place (``event.netlink.data.overrun``).
2. A socket that an implementation has replaced, or that was enabled meanwhile, is waited for from then on.
3. The iterator ends when the monitor is closed or has no socket to wait for, once all that was read is delivered. An
   error that the monitor raises comes after the events before it. Whoever is cancelled while waiting closes the
   monitor.
4. Several tasks may share the iterator: each event goes to one of them.

Not here: what an event holds (``nlmon.api.event``).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from nlmon.api.event import NlmonEvent
from nlmon.transport.tap import Tap

__all__ = ["EVENTS_KEPT", "Stream", "stream_of"]

# Events that were read and wait for the program; one datagram, and a message pool, may bring some more.
EVENTS_KEPT = 1024
# Datagrams of one socket that are read in one go, so that other tasks of the loop need not wait long.
READ_AT_ONCE = 64


class Source(Protocol):
    """What is asked of a monitor."""

    def set_callback(self, callback: Callable[[NlmonEvent, Any], object] | None, user_data: Any = None) -> None: ...

    def process(self, protocol: int) -> bool: ...

    def due(self) -> float | None: ...

    def close(self) -> None: ...


class Stream:
    """The queue between a monitor and who iterates over it; see the module. ``taps``: the monitor's open sockets by
    protocol, which change while it runs."""

    def __init__(self, monitor: Source, taps: Mapping[int, Tap]) -> None:
        self.loop = asyncio.get_running_loop()
        self._monitor = monitor
        self._taps = taps
        self._events: deque[NlmonEvent] = deque()
        self._failure: Exception | None = None
        self._changed = asyncio.Event()
        self._watched: dict[int, tuple[Tap, int]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.attach()
        self._watch()

    def attach(self) -> None:
        """Receive the monitor's events, whoever did before."""
        self._monitor.set_callback(self._take)

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> NlmonEvent:
        """The next event; see the module for when there is none."""
        try:
            return await self._next()
        except asyncio.CancelledError:
            self._monitor.close()
            raise

    async def _next(self) -> NlmonEvent:
        while not self._events:
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            if self._descriptors():
                await self._wait()
            else:
                await asyncio.sleep(0)  # reading a recording must not hold up the loop either
                self._read_all()
                if not self._events and self._failure is None and not self._descriptors():
                    raise StopAsyncIteration
        event = self._events.popleft()
        if len(self._events) == EVENTS_KEPT // 2:
            self._watch()
        return event

    def wake(self) -> None:
        """Let who waits look again: there may be another socket, or none."""
        self._changed.set()

    def let_go(self, protocol: int) -> None:
        """Wait for a socket no more; must be called before it is closed, since its number may soon be another's."""
        self._unwatch(self._watched.keys() & {protocol})
        self.wake()

    def close(self) -> None:
        """Wait for nothing any more; must be called before the sockets are closed."""
        self._unwatch(set(self._watched))
        if self._timer is not None:
            self._timer.cancel()
        self.wake()

    def take_over(self, other: Stream) -> None:
        """Deliver what another iterator of the monitor has left."""
        other.close()
        self._events.extendleft(reversed(other._events))
        other._events.clear()

    async def _wait(self) -> None:
        self._changed.clear()
        self._watch()
        await self._changed.wait()

    def _take(self, event: NlmonEvent, _: Any) -> None:
        self._events.append(event)

    # -- reading -----------------------------------------------------------------------------------------------------

    def _read(self, protocol: int) -> None:
        """Read what waits in a socket; the loop calls it when there is something."""
        try:
            for _ in range(READ_AT_ONCE):
                if not self._room() or not self._monitor.process(protocol):
                    break
                if protocol not in self._taps:
                    break
        except Exception as error:
            # Raised to who iterates: the loop would only log it, and go on asking.
            self._failure = error
        self._watch()
        if self._events or self._failure is not None or not self._descriptors():
            self._changed.set()

    def _read_all(self) -> None:
        for protocol in list(self._taps):
            self._read(protocol)

    def _room(self) -> bool:
        return len(self._events) < EVENTS_KEPT and self._failure is None

    def _descriptors(self) -> dict[int, tuple[Tap, int]]:
        """Sockets that can be waited for, by protocol. Two of one number may be different ones: so the tap, too."""
        return {protocol: (tap, fd) for protocol, tap in self._taps.items() if (fd := tap.fileno()) >= 0}

    def _watch(self) -> None:
        """Let the loop wait for the sockets that there are now, and for none while the queue is full."""
        wanted = self._descriptors() if self._room() else {}
        self._unwatch({protocol for protocol, one in self._watched.items() if wanted.get(protocol) != one})
        for protocol in wanted.keys() - self._watched.keys():
            self._watched[protocol] = wanted[protocol]
            self.loop.add_reader(wanted[protocol][1], self._read, protocol)
        if self._timer is not None:
            self._timer.cancel()
        due = self._monitor.due() if wanted else None
        self._timer = None if due is None else self.loop.call_later(due, self._read_all)

    def _unwatch(self, protocols: set[int]) -> None:
        for protocol in protocols:
            _, descriptor = self._watched.pop(protocol)
            if not self.loop.is_closed():
                self.loop.remove_reader(descriptor)


def stream_of(monitor: Source, taps: Mapping[int, Tap], before: Stream | None) -> Stream:
    """The iterator of a monitor in the running loop: the one that it has (``before``), or, if that belongs to another
    loop, one that goes on with what it has left."""
    if before is not None and before.loop is asyncio.get_running_loop():
        before.attach()
        return before
    stream = Stream(monitor, taps)
    if before is not None:
        stream.take_over(before)
    return stream
