"""What commands share that listen to the running kernel: when they end, and where a recording goes.

Not here: sockets (``nlmon.transport.kernel.transport``), and what is done with what is heard (``record``, ``live``).
"""

from __future__ import annotations

import math
import signal
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from nlmon.cli.common import F
from nlmon.errors import CaptureError, UsageError
from nlmon.transport.base import RECEIVE_BUFFER

__all__ = ["destination", "duration_option", "metadata", "receive_buffer_option", "wake_on_signals"]

# Seconds; poll(2) counts milliseconds in 32 bits.
LONGEST = 2_000_000
# sock_setsockopt takes an int, and the kernel doubles it.
LARGEST_BUFFER = 1 << 30
# What ends a recording or a comparison in order.
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _number(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    if value is not None and math.isnan(value):
        raise UsageError("NLM-U014", "the duration is no number of seconds", hint="such as --duration 60")
    return value


def duration_option(function: F) -> F:
    """``--duration SECONDS``; None: no end."""
    decorate = click.option(
        "--duration",
        type=click.FloatRange(0, LONGEST, min_open=True),
        callback=_number,
        help="Stop after this many seconds.",
    )
    return decorate(function)


def receive_buffer_option(function: F) -> F:
    """``--receive-buffer BYTES`` of each event socket."""
    decorate = click.option(
        "--receive-buffer",
        type=click.IntRange(4096, LARGEST_BUFFER),
        default=RECEIVE_BUFFER,
        show_default=True,
        help="Bytes.",
    )
    return decorate(function)


def destination(out: Path, force: bool) -> Path:
    """The file to write, behind symbolic links; raises when something is there that must stay."""
    if str(out) == "-":
        hint = "name a file; it is whole only at the end"
        raise UsageError("NLM-U008", "a recording cannot go to standard output", hint=hint)
    try:
        mode = out.stat().st_mode
    except FileNotFoundError:
        return out.resolve()
    except OSError as error:
        what = "the capture cannot be written"
        raise CaptureError("NLM-C020", what, where=str(out), why=error.strerror or "") from error
    if not stat.S_ISREG(mode):
        raise UsageError("NLM-U009", "this is not a regular file", where=str(out), hint="name a file")
    if not force:
        raise UsageError("NLM-U003", "the file exists", where=str(out), hint="name another or give --force")
    return out.resolve()


def metadata() -> dict[str, str]:
    """What a recording says of this machine and of the network namespace that this thread is in."""
    from nlmon.capture.write import this_machine  # noqa: PLC0415  (start-up: --help needs none of it)

    return {**this_machine(), "netns": _namespace()}


def _namespace() -> str:
    try:
        return Path("/proc/self/ns/net").readlink().name
    except OSError:
        return ""


@contextmanager
def wake_on_signals() -> Iterator[socket.socket]:
    """A socket that becomes readable on SIGINT, SIGTERM or SIGHUP; the handlers are put back afterwards. One that is
    ignored, as SIGHUP is behind nohup(1), stays so."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    meant = [number for number in ENDS if signal.getsignal(number) is not signal.SIG_IGN or number != signal.SIGHUP]
    before = {number: signal.signal(number, lambda *_: None) for number in meant}
    previous = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(previous)
        for number, handler in before.items():
            signal.signal(number, handler)
        reader.close()
        writer.close()
