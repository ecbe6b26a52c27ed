"""What a running monitor waits for: its signals, its sockets, its control socket and its files.

Rules:
1. A part does a bounded amount of work and goes back to waiting (``READ_AT_ONCE``).
2. Reloads are a small part of the time, however often one is asked for: the sockets are read between them. Who asks for
   one waits ``RELOAD_LONGEST`` seconds at most, though the one before took long on a busy machine.

Not here: the loop (``loop``), and what a change of a file means (``running``).
"""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from nlmon.monitor.control import Answer, ControlSocket
from nlmon.monitor.files import FileWatch
from nlmon.monitor.sources import Source

__all__ = ["READ_AT_ONCE", "Asked", "ChangedFiles", "Every", "Read", "Reloads", "Signalled"]

# Datagrams of one socket that are read before the others have their turn.
READ_AT_ONCE = 256
# Seconds from the end of a reload to the next one, at least and at most, and how many times as long as it took.
RELOAD_PAUSE, RELOAD_LONGEST, RELOAD_TIMES = 0.5, 10.0, 4.0


class Signalled:
    """Signals, as the numbers that ``signal.set_wakeup_fd`` writes: SIGHUP reloads, the others end."""

    def __init__(self, wake: socket.socket, end: Callable[[str], None], reload: Callable[[], None]) -> None:
        wake.setblocking(False)
        self._wake = wake
        self._end = end
        self._reload = reload

    def descriptors(self) -> Iterable[int]:
        """The socket that is written to."""
        return (self._wake.fileno(),)

    def ready(self, descriptor: int) -> None:
        """Reload once, or end."""
        with suppress(BlockingIOError):
            names = [signal.Signals(number).name for number in self._wake.recv(4096)]
            ends = [name for name in names if name != "SIGHUP"]
            if ends:
                self._end(ends[0])
            elif names:
                self._reload()

    def due(self) -> None:
        """Never."""

    def tick(self) -> None:
        """Nothing."""


class Read:
    """A source of events."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def descriptors(self) -> Iterable[int]:
        """Its sockets."""
        return self._source.descriptors()

    def ready(self, descriptor: int) -> None:
        """Read a part of what waits in a socket."""
        protocol = self._source.descriptors().get(descriptor)
        if protocol is not None:
            for _ in range(READ_AT_ONCE):
                if not self._source.process(protocol):
                    break

    def due(self) -> float | None:
        """When the source wants to."""
        return self._source.due(time.monotonic())

    def tick(self) -> None:
        """What the source has to do, such as opening a lost socket again."""
        self._source.idle(time.monotonic())


class Reloads:
    """Reloads that were asked for: the first at once, what is asked for in the pause after it at its end, once."""

    def __init__(self, reload: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._reload = reload
        self._clock = clock
        self._next = clock()
        self._asked = False

    def ask(self) -> None:
        """Reload as soon as it is time."""
        self._asked = True

    def descriptors(self) -> Iterable[int]:
        """None."""
        return ()

    def ready(self, descriptor: int) -> None:
        """Nothing."""

    def due(self) -> float | None:
        """Until the end of the pause, if a reload was asked for."""
        return max(0.0, self._next - self._clock()) if self._asked else None

    def tick(self) -> None:
        """Reload."""
        began, self._asked = self._clock(), False
        self._reload()
        ended = self._clock()
        self._next = ended + min(RELOAD_LONGEST, max(RELOAD_PAUSE, RELOAD_TIMES * (ended - began)))


class Asked:
    """The control socket. ``answer``: gives a request its line."""

    def __init__(self, control: ControlSocket, answer: Answer) -> None:
        self._control = control
        self._answer = answer

    def descriptors(self) -> Iterable[int]:
        """Those of the socket."""
        return self._control.descriptors()

    def ready(self, descriptor: int) -> None:
        """Answer."""
        self._control.serve(descriptor, self._answer)

    def due(self) -> None:
        """Never."""

    def tick(self) -> None:
        """Nothing."""


class Every:
    """A function that is called again and again, with so many ``seconds`` between."""

    def __init__(self, seconds: float, function: Callable[[], object]) -> None:
        self._seconds = seconds
        self._function = function
        self._next = time.monotonic() + seconds

    def descriptors(self) -> Iterable[int]:
        """None."""
        return ()

    def ready(self, descriptor: int) -> None:
        """Nothing."""

    def due(self) -> float:
        """Until it is time."""
        return max(0.0, self._next - time.monotonic())

    def tick(self) -> None:
        """Call it."""
        self._next = time.monotonic() + self._seconds
        self._function()


class ChangedFiles:
    """The files of the configuration. ``reload``: called once when some of them have changed."""

    def __init__(self, watch: FileWatch, reload: Callable[[], None]) -> None:
        self._watch = watch
        self._reload = reload

    def descriptors(self) -> Iterable[int]:
        """That of the watch, if this host has one."""
        return self._watch.descriptors()

    def ready(self, descriptor: int) -> None:
        """Reload, if what has changed is one of them."""
        if self._watch.changed():
            self._reload()

    def due(self) -> None:
        """Never."""

    def tick(self) -> None:
        """Nothing."""
