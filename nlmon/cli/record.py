"""``nlmon record``: this host's netlink into a capture, until a signal.

The capture is self-contained: it begins with dumps of links, addresses, routes, neighbours and rules, requests and
answers alike, so that a replay knows names and state. Then come the events of the groups that a monitor joins.

Rules of this file:
1. A capture with the final name is complete. SIGINT and SIGTERM end a recording, they do not break it.
2. No sleeping and no polling by time: the loop waits for a socket or a signal.

Not here: sockets (``nlmon.transport.kernel``) and the format (``nlmon.capture.write``).
"""

from __future__ import annotations

import platform
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from nlmon import __version__
from nlmon.capture.write import PcapngWriter
from nlmon.cli.common import protocol_option
from nlmon.errors import Overrun, TransportError, UsageError
from nlmon.transport.kernel import KernelFactory
from nlmon.transport.recorder import RecordingFactory, RecordingTransport

__all__ = ["command"]

ROUTE = 0
GROUPS = {ROUTE: (1, 3, 5, 7, 8, 9, 11, 19)}
NLM_F_REQUEST_DUMP = 0x301
# RTM_GET* with the size of its fixed header and the families to ask for.
ROUTE_DUMPS = ((18, 16, (0,)), (22, 8, (0,)), (26, 12, (2, 10)), (30, 12, (0,)), (34, 12, (2, 10)))


@click.command()
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@protocol_option
@click.option("--receive-buffer", type=click.IntRange(4096), default=4 * 1024 * 1024, show_default=True, help="Bytes.")
@click.option("--count", type=click.IntRange(1), help="Stop after this many event datagrams.")
@click.option("--duration", type=click.FloatRange(0, min_open=True), help="Stop after this many seconds.")
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
def command(
    out: Path,
    protocols: tuple[int, ...],
    receive_buffer: int,
    count: int | None,
    duration: float | None,
    force: bool,
) -> None:
    """Record netlink events of this network namespace into OUT, a pcapng file.

    Stop with Ctrl-C or SIGTERM. Exit code: 0 done, 4 the kernel refuses the sockets.
    """
    if out.exists() and not force:
        raise UsageError("NLM-U003", "the file exists", where=str(out), hint="name another or give --force")
    unknown = set(protocols) - set(GROUPS)
    if unknown:
        raise UsageError("NLM-U004", f"protocol {min(unknown)} cannot be recorded yet", hint="use --protocol route")
    metadata = {
        "kernel": f"{platform.system()} {platform.release()}",
        "arch": platform.machine(),
        "application": f"nlmon {__version__}",
        "netns": _namespace(),
    }
    order = sys.byteorder
    with _wake_on_signals() as wake, PcapngWriter(out, metadata=metadata, byteorder=order) as writer:
        factory = RecordingFactory(KernelFactory(), writer)
        open_ = {p: factory.open(p, GROUPS[p], receive_buffer=receive_buffer) for p in protocols or GROUPS}
        try:
            for protocol, transport in open_.items():
                _dump(protocol, transport)
            click.echo(f"recording into {out}, stop with Ctrl-C", err=True)
            events, dropped = _record(list(open_.values()), wake, count, duration)
        finally:
            for transport in open_.values():
                transport.close()
    click.echo(f"{events:,} events, {writer.frames:,} datagrams in {out}", err=True)
    if dropped:
        click.echo(f"the kernel dropped {dropped:,} messages; raise --receive-buffer", err=True)


def _record(
    transports: list[RecordingTransport], wake: socket.socket, count: int | None, duration: float | None
) -> tuple[int, int]:
    """Events recorded and messages dropped, until a signal, the count or the end of the duration."""
    poll = select.poll()
    poll.register(wake, select.POLLIN)
    by_descriptor = {transport.fileno(): transport for transport in transports}
    for descriptor in by_descriptor:
        poll.register(descriptor, select.POLLIN)
    deadline = None if duration is None else time.monotonic() + duration
    events = dropped = 0
    while count is None or events < count:
        left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
        ready = poll.poll(left)
        if not ready or any(descriptor == wake.fileno() for descriptor, _ in ready):
            break
        for descriptor, _ in ready:
            try:
                while (count is None or events < count) and by_descriptor[descriptor].recv() is not None:
                    events += 1
            except Overrun as overrun:
                dropped += max(0, overrun.drops)
                click.echo(f"warning: {overrun}", err=True)
    return events, dropped


def _dump(protocol: int, transport: RecordingTransport) -> None:
    """Ask for everything once; the answers go into the capture on their way."""
    for seq, (kind, size, families) in enumerate(ROUTE_DUMPS, 1):
        for family in families:
            body = bytes([family]) + bytes(size - 1)
            message = struct.pack("=IHHII", 16 + size, kind, NLM_F_REQUEST_DUMP, seq << 8 | family, 0) + body
            try:
                for _ in transport.request(message):
                    pass
            except TransportError as error:
                click.echo(f"warning: the dump of type {kind} is missing: {error}", err=True)


@contextmanager
def _wake_on_signals() -> Iterator[socket.socket]:
    """A socket that becomes readable on SIGINT or SIGTERM; the handlers are put back afterwards."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    previous = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(previous)
        for number, handler in before.items():
            signal.signal(number, handler)
        reader.close()
        writer.close()


def _namespace() -> str:
    try:
        return Path("/proc/self/ns/net").readlink().name
    except OSError:
        return ""
