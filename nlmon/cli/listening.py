"""What commands share that listen to the running kernel: when they end, the dumps, and where a recording goes.

Not here: sockets (``nlmon.transport.kernel.transport``), and what is done with what is received (``record``, ``live``).
"""

from __future__ import annotations

import signal
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from nlmon.cli.common import F, warn
from nlmon.errors import CaptureError, TransportError, UsageError, errno_name
from nlmon.framing import types
from nlmon.transport.base import RECEIVE_BUFFER
from nlmon.transport.dumps import DUMPS, refusal
from nlmon.transport.kernel.waiting import readable
from nlmon.uapi import NLMSG_DONE
from nlmon.wire import Datagram

__all__ = [
    "announced_first",
    "ask_for_all",
    "destination",
    "final_dump_option",
    "patience",
    "receive_buffer_option",
    "wake_on_signals",
]

# sock_setsockopt takes an int, and the kernel doubles it.
LARGEST_BUFFER = 1 << 30
# Seconds for the final dumps of all protocols.
FINAL_DUMPS = 30.0
# Seconds for an event that is on its way, and how often is waited for one at the end of a dump.
ON_THE_WAY, MOST_WAITS = 0.02, 10
# What ends a recording or a comparison in order.
ENDS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
# Systems without it have no SIGHUP, of which so many could come.
_AT_ONCE = getattr(socket, "MSG_DONTWAIT", 0)
_PEEK = _AT_ONCE | socket.MSG_PEEK


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


def final_dump_option(function: F) -> F:
    """``--no-final-dump``; gives the command ``final_dump``."""
    decorate = click.option(
        "--no-final-dump",
        "final_dump",
        is_flag=True,
        flag_value=False,
        default=True,
        help="Do not end the recording with the dumps that it begins with, which prove its final state.",
    )
    return decorate(function)


def ask_for_all(
    protocol: int, ask: Callable[[bytes], Iterable[Datagram]], may_go_on: Callable[[], bool] | None = None
) -> None:
    """Let ``ask`` have the dumps of a protocol, and say which the kernel does not give. ``may_go_on``: asked between
    the parts of the final dumps."""
    dumps = DUMPS.get(protocol, ())
    first = 1 if may_go_on is None else 1 + len(dumps)
    for seq, dump in enumerate(dumps, first):
        why = ""
        try:
            for answer in ask(dump.message(seq)):
                if refused := refusal(answer.data):
                    why = f"the kernel answers {errno_name(refused)}"
                if may_go_on is not None and not may_go_on():
                    return
        except TransportError as error:
            why = str(error)
        if why:
            warn(f"warning: the {'final ' if may_go_on else ''}dump of {dump.what} is missing: {why}")


def announced_first(read: Callable[[], object], sockets: Callable[[], Iterable[int]]) -> Callable[[Datagram], None]:
    """What reads the events that precede a part of a final dump, with ``read``, so that what it shows was announced
    before. The kernel changes an object before it announces that: before the last part the events that are still on
    their way are waited for."""

    def before(answer: Datagram) -> None:
        read()
        if NLMSG_DONE in types(answer.data, sys.byteorder):
            for _ in range(MOST_WAITS):
                if not readable(sockets(), ON_THE_WAY):
                    break
                read()

    return before


def patience(wake: socket.socket) -> Callable[[], bool]:
    """Whether the final dumps may go on, which is for ``FINAL_DUMPS`` seconds and until a further signal."""
    wake.setblocking(False)
    with suppress(BlockingIOError):
        wake.recv(4096)  # the signal that has ended the recording
    deadline = time.monotonic() + FINAL_DUMPS
    warned = False

    def may_go_on() -> bool:
        nonlocal warned
        if time.monotonic() < deadline and not readable([wake], 0):
            return True
        if not warned:
            warn("warning: the final dumps are not complete, so the recording does not prove its final state")
        warned = True
        return False

    return may_go_on


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


def _nothing(*_: object) -> None:
    """The number of the signal is in the socket already."""


@contextmanager
def wake_on_signals() -> Iterator[socket.socket]:
    """A socket that becomes readable on SIGINT, SIGTERM or SIGHUP; the handlers are put back afterwards. One that is
    ignored, as SIGHUP is behind nohup(1), stays so. However many SIGHUP came, a signal that ends is read."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    meant = [number for number in ENDS if signal.getsignal(number) is not signal.SIG_IGN or number.name != "SIGHUP"]

    def make_room(number: int, _: object) -> None:
        # So many SIGHUP came at once that there was no room for this one.
        with suppress(OSError):
            if number not in reader.recv(1 << 16, _PEEK):
                reader.recv(1 << 16, _AT_ONCE)
                writer.send(bytes([number]))

    before = {number: signal.signal(number, make_room if _AT_ONCE else _nothing) for number in meant}
    previous = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(previous)
        for number, handler in before.items():
            signal.signal(number, handler)
        reader.close()
        writer.close()
