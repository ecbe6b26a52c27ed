"""What wakes a command that listens."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from nlmon.cli.listening import wake_on_signals

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
    """In their order, while there is room."""
    with wake_on_signals() as wake:
        for number in (signal.SIGHUP, signal.SIGTERM):
            os.kill(os.getpid(), number)
        found = wake.recv(1 << 16)

    assert found == bytes([signal.SIGHUP, signal.SIGTERM])
