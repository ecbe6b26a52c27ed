"""Signals that end a command in order."""

from __future__ import annotations

import os
import signal

import pytest

from nlmon.cli.terminated import terminated_in_order

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no such signals")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_leaves_the_block(name: str) -> None:
    """What the block holds is put away, the exit code is the shell's, and the handlers are those from before."""
    number, before, held = signal.Signals[name], signal.getsignal(signal.Signals[name]), ["a folder"]
    with pytest.raises(SystemExit) as ended, terminated_in_order():
        try:
            os.kill(os.getpid(), number)
            signal.pause()
        finally:
            held.clear()

    assert (ended.value.code, held, signal.getsignal(number)) == (128 + number, [], before)


def test_ctrl_c_stays_what_it_is() -> None:
    """It ends the command elsewhere."""
    with pytest.raises(KeyboardInterrupt), terminated_in_order():
        raise KeyboardInterrupt
