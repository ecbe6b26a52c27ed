"""Listening to the kernel in a test: ``Monitor``, one implementation at work, and ``Recording``, what the kernel said.

    with nlmon_monitor("libnl") as monitor:
        nlmon_netns.run("ip link set a up")
        monitor.wait_for({"msg_type": "RTM_NEWLINK", "link": {"ifname": "a"}})

Rules:
1. No sleeping and no thread: sockets are read when somebody asks, and waiting ends with a deadline.
2. An event is what ``nlmon decode`` prints of it, and a pattern names some of its fields, as in a scenario.

Not here: where they listen (``namespace``), and what patterns mean (``nlmon.scenario.expectation``).
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nlmon.backends.base import Backend
from nlmon.backends.every_group import announces_family, groups_to_join, join_generic
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture.write import PcapngWriter, metadata_here
from nlmon.errors import NlmonError, Overrun, TransportError
from nlmon.eventjson.write import event_to_dict
from nlmon.events import Event
from nlmon.pytest_plugin.replay import events_of
from nlmon.scenario.expectation import check_events, explain_unmet, match
from nlmon.scenario.model import Count, EventPattern
from nlmon.transport.base import RECEIVE_BUFFER
from nlmon.transport.dumps import DUMPS
from nlmon.transport.kernel.sockets import Opener
from nlmon.transport.kernel.transport import KernelFactory
from nlmon.transport.kernel.waiting import readable
from nlmon.transport.recorder import RecordingFactory, RecordingTransport
from nlmon.uapi import NETLINK_GENERIC, NETLINK_ROUTE

__all__ = ["WITHIN", "Monitor", "Recording"]

WITHIN = 10.0


class Monitor:
    """The implementation called ``name``, listening; a context manager. ``events``: what it gave so far; ``errors``:
    what it reported; ``refused``: protocols that the kernel does not let it have, and why."""

    def __init__(self, name: str, opener: Opener | None = None, *, within: float = WITHIN, scale: float = 1.0) -> None:
        options = BackendOptions(receive_buffer=RECEIVE_BUFFER)
        self.backend: Backend = create(name, KernelFactory(opener=opener), options)
        self.events: list[dict[str, Any]] = []
        self.errors: list[NlmonError] = []
        self.refused: dict[int, str] = {}
        self._within = within
        self._scale = scale
        self.backend.set_callback(self._take, self.errors.append)

    def __enter__(self) -> Monitor:
        try:
            for protocol in self.backend.groups:
                try:
                    self.backend.enable(protocol)
                except TransportError as error:
                    if protocol == NETLINK_ROUTE:
                        raise
                    self.refused[protocol] = str(error)
        except BaseException:
            self.backend.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.backend.close()

    def read(self) -> None:
        """Read all that waits."""
        for protocol in self._descriptors().values():
            while self.backend.process(protocol):
                pass

    def wait_for(self, pattern: Mapping[str, Any], *, within: float | None = None, count: int = 1) -> dict[str, Any]:
        """The event that is the ``count``-th to match ``pattern`` since the monitor began to listen. Waits so many
        seconds, times the scale of all deadlines; then the test fails, with the fields in which the nearest event
        differs."""
        __tracebackhide__ = True
        seconds = (self._within if within is None else within) * self._scale
        deadline, left, seen, found = time.monotonic() + seconds, seconds, 0, 0
        self.read()
        while True:
            for event in self.events[seen:]:
                found += not match(pattern, event)
                if found == count:
                    return event
            seen = len(self.events)
            if left < 0:
                break
            left = deadline - time.monotonic()
            # What waits at the deadline came in time: this process may have had no processor for so long.
            self._wait(max(0.0, left))
            self.read()
        unmet = check_events([EventPattern(dict(pattern), Count(count))], self.events)
        lines = [line for one in unmet for line in explain_unmet(one)]
        given = f"{self.backend.name} gave {len(self.events)} events within {seconds:g} s"
        raise AssertionError("\n".join([given, *lines]))

    def _take(self, event: Event) -> None:
        self.events.append(event_to_dict(event))

    def _descriptors(self) -> dict[int, int]:
        """Protocols by the descriptor to wait for."""
        found = {self.backend.fileno(protocol): protocol for protocol in self.backend.groups}
        return {descriptor: protocol for descriptor, protocol in found.items() if descriptor >= 0}

    def _wait(self, seconds: float) -> None:
        readable(self._descriptors(), seconds)


class Recording:
    """What the kernel said, in a file at ``path`` that ``nlmon replay`` reads; a context manager. It begins with dumps,
    so that a replay knows names and objects from the start.

    ``readers``: where ``read`` is put while it records; ``netns``: the name of the namespace, for the recording."""

    def __init__(
        self, path: Path, opener: Opener | None = None, *, readers: list[Callable[[], object]], netns: str = ""
    ) -> None:
        self.path = path
        self._opener = opener
        self._readers = readers
        self._facts = metadata_here() | ({"netns": netns} if netns else {})
        self._writer: PcapngWriter | None = None
        self._sockets: dict[int, RecordingTransport] = {}

    def __enter__(self) -> Recording:
        self._writer = PcapngWriter(self.path, metadata=self._facts, byteorder=sys.byteorder)
        self._writer.__enter__()
        try:
            factory = RecordingFactory(KernelFactory(opener=self._opener), self._writer)
            for protocol, groups in groups_to_join().items():
                try:
                    self._sockets[protocol] = factory.open(protocol, groups, receive_buffer=RECEIVE_BUFFER)
                except TransportError:
                    if protocol == NETLINK_ROUTE:
                        raise  # any other protocol this kernel may lack
            for protocol, transport in self._sockets.items():
                _dump(protocol, transport)
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        self._readers.append(self.read)
        return self

    def __exit__(self, *error: Any) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        if self.read in self._readers:
            self._readers.remove(self.read)
        try:
            self._drain()
        finally:
            while self._sockets:
                self._sockets.popitem()[1].close()
            writer.__exit__(*error)

    def read(self) -> None:
        """Record all that waits; a command in the namespace does so by itself."""
        self._drain()

    def events(self, name: str = "libnl") -> list[dict[str, Any]]:
        """What the implementation called ``name`` makes of it, when the recording is done."""
        return events_of(self.path, name)

    def _drain(self) -> None:
        for protocol, transport in self._sockets.items():
            more = True
            while more:
                try:
                    datagram = transport.recv()
                except Overrun:
                    continue  # the recording counts what was lost, and a verdict on it is inconclusive
                more = datagram is not None
                if datagram is not None and protocol == NETLINK_GENERIC and announces_family(datagram.data):
                    join_generic(transport)


def _dump(protocol: int, transport: RecordingTransport) -> None:
    """Ask for everything once; the answers go into the recording."""
    for seq, dump in enumerate(DUMPS.get(protocol, ()), 1):
        with contextlib.suppress(TransportError):  # a kernel may not have it
            for _ in transport.request(dump.message(seq)):
                pass
    if protocol == NETLINK_GENERIC:
        join_generic(transport)
