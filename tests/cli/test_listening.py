"""What wakes a command that listens, and what it reads at its end."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from itertools import count

import pytest

from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.cli.listening import wake_on_signals
from nlmon.cli.live import _settle
from nlmon.cli.record import _record
from nlmon.engine.live import Live
from nlmon.testing.messages import link, message
from nlmon.testing.transport import ROUTE, FakeKernel
from nlmon.wire import Datagram

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this system has no SIGHUP")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_ends_is_read_however_many_others_came(end: signal.Signals) -> None:
    """A flood of SIGHUP leaves no room in the socket; SIGTERM and SIGINT are there all the same."""
    with wake_on_signals() as wake:
        for _ in range(5_000):
            os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), end)
        found = wake.recv(1 << 16)

    assert end in found


def test_signals_are_read_once() -> None:
    """Each as it comes: of two at once any thread of this process may be given the second one."""
    found = []
    with wake_on_signals() as wake:
        for number in (signal.SIGHUP, signal.SIGTERM):
            os.kill(os.getpid(), number)
            found.append(wake.recv(1 << 16))

    assert found == [bytes([signal.SIGHUP]), bytes([signal.SIGTERM])]


def test_what_waits_at_the_end_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """By who had no processor until the deadline, too: of the other one nothing is said to be missing."""
    kernel, times, ready = FakeKernel(), count(0, 1000), iter([[], [99]])
    live = Live(LegacyBackend, LibnlBackend, factory=lambda: kernel)
    live.start((ROUTE,))
    kernel.notify(message(16, link(7, "eth7")))
    live.read(0, ROUTE)
    before = live.waiting
    monkeypatch.setattr("nlmon.cli.live.readable", lambda *_: next(ready))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(times)))
    _settle(live)

    assert (before, live.waiting) == (True, False)


class _Flooded:
    """The socket of a host on which there is always one more event; SIGTERM comes with the third one."""

    protocol = ROUTE

    def __init__(self, readable: socket.socket) -> None:
        self._readable = readable
        self.read = 0

    def fileno(self) -> int:
        """Always readable."""
        return self._readable.fileno()

    def recv(self) -> Datagram:
        """The next event."""
        self.read += 1
        if self.read == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return Datagram(0, 0, ROUTE, message(16, link(7, "eth7")))


@pytest.mark.parametrize(("most", "duration", "events"), [(None, 0.0, 0), (None, None, 10), (20, 0.0, 10), (5, 0.0, 5)])
def test_a_recording_ends_though_something_can_always_be_read(
    most: int | None, duration: float | None, events: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its duration, at which as many events as are wanted are read of those that wait; and by a signal, which is
    seen when so many were read at once."""
    monkeypatch.setattr("nlmon.cli.record.READ_AT_ONCE", 10)
    one, other = socket.socketpair()
    with one, other, wake_on_signals() as wake:
        other.send(b"x")
        found = _record([_Flooded(one)], wake, most, duration)  # type: ignore[list-item]

    assert found == events
