"""What of a recording is fed, and in which pieces.

Not here: who said what to whom (``nlmon.capture.conversation``), and feeding (``feed``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from nlmon.transport.recorded.kernel import LINKS, RecordedKernel
from nlmon.uapi import NETLINK_ROUTE
from nlmon.wire import Datagrams

__all__ = ["Select", "split_by_names"]

Select: TypeAlias = Literal["notifications", "all"]


def split_by_names(datagrams: Datagrams, kernel: RecordedKernel) -> Iterator[Datagrams]:
    """Parts of a segment within which no interface changes its name: what may do so is a part of its own. The kernel
    must have learned of each part before the next one is asked for."""
    begin, end = 0, len(datagrams.data)
    if datagrams.protocol == NETLINK_ROUTE:
        for at, message in enumerate(datagrams.data):
            if message[4:6] in LINKS and kernel.changes_names(message):
                if begin < at:
                    yield datagrams.part(begin, at)
                yield datagrams.part(at, at + 1)
                begin = at + 1
    if begin < end:
        yield datagrams.part(begin, end)
