"""What recordings hold that a configuration should be made for.

Rules:
1. Bytes are counted of what a monitor would have received: neither requests nor parts of dumps that others asked for.

Not here: what follows from it (``nlmon.migrate.measured``).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from nlmon.backends.registry import create
from nlmon.capture import ByteOrder, open_capture
from nlmon.capture.base import Batch
from nlmon.cli.common import progress
from nlmon.engine.feed import Feed
from nlmon.engine.read import read_batches
from nlmon.migrate.measured import BURST, Measured
from nlmon.names import PROTOCOLS
from nlmon.payloads.generic import GenericInfo
from nlmon.payloads.route import AddrInfo
from nlmon.uapi import NLM_F_MULTI, NLMSG_HDRLEN

__all__ = ["measured"]

_WINDOW = int(BURST * 1e9)


class _Traffic:
    """Bytes of datagrams by protocol, over a window of time."""

    def __init__(self) -> None:
        self._window: dict[str, deque[tuple[int, int]]] = {}
        self._inside: Counter[str] = Counter()
        self.bursts: dict[str, int] = {}
        self.largest: dict[str, int] = {}

    def through(self, batches: Iterable[Batch], byteorder: ByteOrder) -> Iterator[Batch]:
        """Batches of one recording as they are, counted on their way."""
        self._window.clear()
        self._inside.clear()
        for batch in batches:
            if batch.direction != "out":
                name = _name(batch.protocol)
                for time, data in zip(batch.timestamps, batch.data, strict=True):
                    if len(data) >= NLMSG_HDRLEN and not int.from_bytes(data[6:8], byteorder) & NLM_F_MULTI:
                        self._take(name, time, len(data), int.from_bytes(data[:4], byteorder))
            yield batch

    def _take(self, name: str, time: int, size: int, message: int) -> None:
        window = self._window.setdefault(name, deque())
        window.append((time, size))
        self._inside[name] += size
        while window[0][0] <= time - _WINDOW:
            self._inside[name] -= window.popleft()[1]
        self.bursts[name] = max(self.bursts.get(name, 0), self._inside[name])
        self.largest[name] = max(self.largest.get(name, 0), message)


def measured(captures: Iterable[Path]) -> Measured:
    """What all these recordings hold together."""
    protocols: Counter[str] = Counter()
    families: dict[str, None] = {}
    traffic, addresses = _Traffic(), 0
    for path in captures:
        with open_capture(path) as reader, progress(reader.size, path.name):
            byteorder = reader.info.byteorder
            feed = Feed((partial(create, "libnl"),), byteorder, answers=False)
            for side in read_batches(feed, traffic.through(reader.batches(), byteorder)):
                for event in side.events:
                    protocols[_name(event.protocol)] += 1
                    match event.payload:
                        case GenericInfo(genl_family_name=str(name)) if name:
                            families[name] = None
                        case AddrInfo():
                            addresses += 1
            for lane in feed.lanes:
                lane.close()
            if reader.damage is not None:
                raise reader.damage
    return Measured(dict(protocols), tuple(families), traffic.bursts, traffic.largest, addresses)


def _name(protocol: int) -> str:
    """A protocol as ``netlink.protocols`` calls it."""
    return PROTOCOLS.get(protocol, "").removeprefix("NETLINK_").lower()
