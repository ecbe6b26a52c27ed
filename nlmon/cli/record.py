"""``nlmon record``: this host's netlink into a capture, until a signal.

The capture is self-contained: it begins with dumps (``nlmon.transport.dumps``), requests and answers alike, so that a
replay knows names and state. Then come the events of the groups that a monitor joins (``nlmon.backends.every_group``);
one that comes during the dumps is written after them, with the time when it was read. It ends with the same dumps, so
that a replay holds the state that it has then against the kernel's; an event that comes during these is written before
the part that may show it.

Rules of this file:
1. A capture with the final name is complete. SIGINT, SIGTERM and SIGHUP end a recording, they do not break it.
2. No sleeping and no polling by time: the loop waits for a socket or a signal.

Not here: sockets (``nlmon.transport.kernel.transport``) and the format (``nlmon.capture.write``).
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import click

from nlmon.backends.every_group import announces_family, groups_to_join, join_generic
from nlmon.capture.write import PcapngWriter, metadata_here
from nlmon.cli import complete
from nlmon.cli.common import FilePath, duration_option, protocol_option, warn
from nlmon.cli.keys import KeyWatch
from nlmon.cli.listening import (
    announced_first,
    ask_for_all,
    destination,
    final_dump_option,
    patience,
    receive_buffer_option,
    wake_on_signals,
)
from nlmon.errors import Overrun, TransportError, UsageError
from nlmon.names import PROTOCOLS
from nlmon.report.text import counted
from nlmon.transport.kernel.transport import KernelFactory
from nlmon.transport.kernel.waiting import readable
from nlmon.transport.recorder import RecordingFactory, RecordingTransport
from nlmon.uapi import NETLINK_GENERIC, NETLINK_ROUTE

__all__ = ["command"]

READ_AT_ONCE = 65_536


@click.command()
@click.argument("out", type=FilePath(dir_okay=False))
@protocol_option
@click.option(
    "--group",
    "names",
    multiple=True,
    shell_complete=complete.groups,
    help="More rtnetlink groups, such as tc, as in replay. Repeatable.",
)
@receive_buffer_option
@click.option(
    "--count",
    type=click.IntRange(1),
    help="Stop after this many event datagrams, and those that wait until then.",
)
@duration_option
@final_dump_option
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
def command(
    out: Path,
    protocols: tuple[int, ...],
    names: tuple[str, ...],
    receive_buffer: int,
    count: int | None,
    duration: float | None,
    final_dump: bool,
    force: bool,
) -> None:
    """Record netlink events of this network namespace into OUT, a pcapng file.

    By default every protocol that the kernel lets this user receive; without privilege that is not all of them.

    Stop with Ctrl-C, SIGTERM or SIGHUP. Exit code: 0 done, 3 OUT cannot be written, 4 the kernel refuses the sockets.
    """
    out = destination(out, force)
    groups = groups_to_join(names)
    if names and protocols and NETLINK_ROUTE not in protocols:
        hint = "leave out --group, or add --protocol route"
        raise UsageError("NLM-U012", "--group names groups of NETLINK_ROUTE, which is not recorded", hint=hint)
    order = sys.byteorder
    with wake_on_signals() as wake, PcapngWriter(out, metadata=metadata_here(), byteorder=order) as writer:
        keys = KeyWatch(writer, order)
        factory = RecordingFactory(KernelFactory(), keys)
        open_ = dict(_opened(factory, protocols, groups, receive_buffer))
        try:
            for protocol, transport in open_.items():
                ask_for_all(protocol, transport.request)
                if protocol == NETLINK_GENERIC:
                    join_generic(transport)
            warn(f"recording into {out}, stop with Ctrl-C")
            _record(list(open_.values()), wake, count, duration)
            if final_dump:
                _final_dumps(open_, wake)
            # The kernel reports a full buffer once and may drop more before it is read empty.
            dropped = sum(transport.status().drops for transport in open_.values())
        finally:
            for transport in open_.values():
                transport.close()
    events = sum(transport.events for transport in open_.values())
    warn(f"{counted(events, 'event')}, {counted(writer.frames, 'datagram')} in {out}")
    keys.warn(out)
    if dropped:
        warn(f"warning: the kernel dropped {dropped:,} messages; raise --receive-buffer")


def _opened(
    factory: RecordingFactory, protocols: tuple[int, ...], groups: dict[int, tuple[int, ...]], receive_buffer: int
) -> Iterator[tuple[int, RecordingTransport]]:
    """The sockets asked for; by default every protocol for which the kernel gives one, which NETLINK_ROUTE must be."""
    for protocol in protocols or groups:
        try:
            yield protocol, factory.open(protocol, groups[protocol], receive_buffer=receive_buffer)
        except TransportError as error:
            if protocols or protocol == NETLINK_ROUTE:
                raise
            warn(f"not recorded: {PROTOCOLS[protocol]}: {error.why or error.what}")


def _record(
    transports: list[RecordingTransport], wake: socket.socket, count: int | None, duration: float | None
) -> int:
    """Number of events recorded, until a signal, the count or the end of the duration."""
    by_descriptor = {transport.fileno(): transport for transport in transports}
    deadline = None if duration is None else time.monotonic() + duration
    events = 0
    while count is None or events < count:
        left = None if deadline is None else deadline - time.monotonic()
        ready, over = readable([wake, *by_descriptor], left), left is not None and left <= 0
        if not ready or wake.fileno() in ready or (over and count is None):
            # What waits was there before the end.
            for transport in transports if count is None else ():
                _read_events(transport)
            break
        for descriptor in ready:
            transport = by_descriptor[descriptor]
            try:
                # While more comes than is read, a signal must be seen, too.
                for _ in range(READ_AT_ONCE if count is None else min(READ_AT_ONCE, count - events)):
                    if (datagram := transport.recv()) is None:
                        break
                    events += 1
                    if transport.protocol == NETLINK_GENERIC and announces_family(datagram.data):
                        join_generic(transport)
            except Overrun as overrun:
                warn(f"warning: {overrun}")
        if over:
            break
    return events


def _final_dumps(open_: dict[int, RecordingTransport], wake: socket.socket) -> None:
    """Ask for everything again."""
    may_go_on = patience(wake)
    for protocol, transport in open_.items():
        if may_go_on():
            before = announced_first(partial(_read_events, transport), partial(_socket_of, transport))
            ask_for_all(protocol, partial(transport.request, before=before), may_go_on)


def _socket_of(transport: RecordingTransport) -> tuple[int]:
    return (transport.fileno(),)


def _read_events(transport: RecordingTransport) -> None:
    """Record what waits. While more comes than is read, a dump must end, too."""
    for _ in range(READ_AT_ONCE):
        with suppress(Overrun):  # the status counts what was lost
            if transport.recv() is None:
                return
