"""What a filter costs beside the same comparison written in Python, over the events of a capture.

Both are a function that is given one event; they take turns, and the least time of each counts.

Not here: the language of filters (``nlmon.filters``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from benchmarks.captures import Captures
from benchmarks.ours import backend
from benchmarks.sample import Sample, peak_memory
from nlmon.capture import open_capture
from nlmon.events import AddrInfo, Event, LinkInfo, RouteInfo
from nlmon.filters import compile_filter
from nlmon.wire import Datagrams

__all__ = ["BY_HAND", "RATIO", "WORK"]

RATIO = "times the same by hand"
EVENTS, TURNS = 2000, 15


def _mtu(event: Event) -> bool:
    payload = event.payload
    return isinstance(payload, LinkInfo) and payload.mtu is not None and payload.mtu >= 1400


def _named(event: Event) -> bool:
    payload = event.payload
    return event.protocol == 0 and isinstance(payload, LinkInfo) and payload.ifname == "d0"


def _not_loopback(event: Event) -> bool:
    payload = event.payload
    return event.interface != "lo" or (isinstance(payload, LinkInfo) and payload.flags & 1 == 1)


def _local(event: Event) -> bool:
    payload = event.payload
    return isinstance(payload, AddrInfo) and payload.addr is not None and payload.addr.startswith("192.")


def _by_way_of(event: Event) -> bool:
    payload = event.payload
    if not isinstance(payload, RouteInfo) or payload.multipath is None:
        return False
    return any(hop.gateway == "192.0.2.1" for hop in payload.multipath)


# Filters, and what somebody who knows events would write instead.
BY_HAND: dict[str, Callable[[Event], bool]] = {
    'interface == "d0"': lambda event: event.interface == "d0",
    "netlink.msg_type IN [RTM_NEWLINK, RTM_DELLINK]": lambda event: event.msg_type in {16, 17},
    "netlink.link.mtu >= 1400": _mtu,
    'netlink.protocol == NETLINK_ROUTE AND netlink.link.ifname == "d0"': _named,
    'NOT interface == "lo" OR netlink.link.flags CONTAINS IFF_UP': _not_loopback,
    'netlink.addr.addr STARTSWITH "192."': _local,
    'netlink.route.multipath.gateway == "192.0.2.1"': _by_way_of,
}


def events_of(captures: Captures) -> list[Event]:
    """The first events of a capture, as libnl gives them."""
    made, found = backend("libnl", captures.pcap), list[Event]()
    with open_capture(captures.pcap) as reader:
        for batch in reader.batches():
            frames = range(batch.number, batch.number + len(batch.data))
            found += made.decode_all(Datagrams(frames, batch.protocol, batch.timestamps, batch.data)).events
            if len(found) >= EVENTS:
                break
    return found[:EVENTS]


def against_hand(captures: Captures) -> Sample:
    """Every filter of ``BY_HAND``; the fact is the ratio of the one that costs most."""
    events, worst = events_of(captures), 0.0
    before, start = time.process_time(), time.perf_counter()
    for text, by_hand in BY_HAND.items():
        least = [float("inf"), float("inf")]
        for _ in range(TURNS):
            for number, matches in enumerate((compile_filter(text).matches, by_hand)):
                least[number] = min(least[number], _seconds(matches, events))
        worst = max(worst, least[0] / least[1])
    matched = len(BY_HAND) * TURNS * len(events)
    seconds, cpu = time.perf_counter() - start, time.process_time() - before
    return Sample(matched, seconds, cpu, peak_memory(), {RATIO: worst})


def _seconds(matches: Callable[[Event], bool], events: Sequence[Event]) -> float:
    start = time.process_time()
    for event in events:
        matches(event)
    return time.process_time() - start


WORK: dict[str, Callable[[Captures], Sample]] = {"filters": against_hand}
