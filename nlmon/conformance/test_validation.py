"""Claims about what is looked at before and after a move: that events are captured, also many of them, and that memory
does not grow.

Not here: status, counters and errors (``test_life``, ``test_reading``), and what commands print.
"""

from __future__ import annotations

import sys

from nlmon.conformance.claim import claim
from nlmon.conformance.monitor import Start
from nlmon.events import AddrInfo, LinkInfo
from nlmon.testing.messages import addr, link, message
from nlmon.testing.transport import ROUTE
from nlmon.uapi import RTM_DELADDR, RTM_NEWADDR, RTM_NEWLINK

__all__ = ()

UP = 1
ADDRESSES = [f"10.0.{number // 256}.{number % 256}" for number in range(1, 1001)]
# Blocks of memory that may be kept of 200 events: counters grow a little.
GROWTH = 100


@claim(
    "validation.down-up",
    "A link that goes down and comes up gives an event of each, with the flag as it is then.",
    source="guide#pre-migration-testing",
)
def test_down_up(start: Start) -> None:
    found = start(ROUTE).receive(*(message(RTM_NEWLINK, link(2, "eth0", up=up)) for up in (False, True)))
    flags = [(one.interface, one.payload.flags & UP) for one in found if isinstance(one.payload, LinkInfo)]
    assert flags == [("eth0", 0), ("eth0", UP)]


@claim(
    "validation.load",
    "Of a thousand addresses that are added at once none is lost, and they come in order.",
    source="guide#pre-migration-testing",
)
def test_load(start: Start) -> None:
    monitor = start(ROUTE)
    for text in ADDRESSES:
        monitor.kernel.notify(message(RTM_NEWADDR, addr(1, text, 32)))
    taken = 0
    while monitor.backend.process(ROUTE) and taken <= len(ADDRESSES):
        taken += 1
    assert [one.payload.addr for one in monitor.events if isinstance(one.payload, AddrInfo)] == ADDRESSES
    assert monitor.backend.status().protocols[ROUTE].events == len(ADDRESSES)


@claim(
    "validation.memory",
    "Of events that were delivered nothing is kept, so that memory does not grow with them.",
    source="guide#pre-migration-testing; guide#issue-high-memory-usage-with-libnl",
)
def test_memory(start: Start) -> None:
    monitor = start(ROUTE)
    monitor.backend.set_callback(None)
    round_ = [message(kind, addr(1, text, 32)) for text in ADDRESSES[:100] for kind in (RTM_NEWADDR, RTM_DELADDR)]
    blocks = []
    for _ in range(3):
        monitor.receive(*round_)
        blocks.append(sys.getallocatedblocks())
    assert blocks[2] - blocks[1] < GROWTH
