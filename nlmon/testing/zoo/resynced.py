"""Mistakes with synthetic events, by which a libnl reports what a loss has taken; the state is right in the end.

Not here: a recovery that ends in a wrong state (``nlmon.testing.zoo.behaviour``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import structs

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.compare.difference import Class
from nlmon.events import Event, LinkInfo
from nlmon.testing.zoo.base import BadImplementation, Make
from nlmon.transport.recorded.faults import Fault

__all__ = ["RESYNCED"]

TOPOLOGY = "02-route-topology"
LOSSES = Fault(100, 30), Fault(700, 300)
Events = Sequence[Event]


def _reporting(change: Callable[[Events, Events], Events]) -> Make:
    """A libnl that reports something else of a resync: what ``change`` makes of its events, and of the events
    before them."""

    class Reporting(LibnlBackend):
        def deliver(self, events: Events) -> None:
            before = self.__dict__.setdefault("_before", [])
            hand_over, given = self._on_event, events
            if events and all(event.synthetic for event in events):
                given = change(events, before)
            before.extend(events)
            # What it keeps itself is right.
            self._on_event = None
            super().deliver(events)
            self._on_event = hand_over
            if hand_over is not None:
                for event in given:
                    hand_over(event)

    return Reporting


def _each(**changes: Callable[[Event], object]) -> Make:
    def change(events: Events, _: Events) -> Events:
        return [structs.replace(e, **{name: value(e) for name, value in changes.items()}) for e in events]

    return _reporting(change)


def _doubled(events: Events, _: Events) -> Events:
    return [one for event in events for one in (event, event)]


def _needless(events: Events, before: Events) -> Events:
    """The last link that is there is given again."""
    gone = {e.payload.ifindex for e in (*before, *events) if isinstance(e.payload, LinkInfo) and e.msg_type & 3}
    links = [e.payload for e in before if isinstance(e.payload, LinkInfo) and not e.payload.family]
    there = [link for link in links if link.ifindex not in gone]
    last = {link.ifindex: link for link in there}
    changed = {e.payload.ifindex for e in events if isinstance(e.payload, LinkInfo)}
    again = [link for index, link in last.items() if index not in changed][-1:]
    return [
        *events,
        *(structs.replace(events[0], msg_type=16, msg_flags=0, payload=one, interface=one.ifname) for one in again),
    ]


def _links_last(events: Events, _: Events) -> Events:
    new = [e for e in events if isinstance(e.payload, LinkInfo) and not e.msg_type & 3]
    return [*(e for e in events if e not in new), *new]


def _bad(name: str, description: str, make: Make, found_as: Class) -> BadImplementation:
    return BadImplementation(
        name=name,
        description=description,
        make=make,
        found_as=frozenset({found_as}),
        recording=TOPOLOGY,
        options=BackendOptions(resync=True, resync_interval=0.0),
        faults=LOSSES,
    )


RESYNCED = (
    _bad("doubled recovery", "Reports each change of a resync twice.", _reporting(_doubled), Class.EXTRA),
    _bad("needless recovery", "Reports a link that has not changed.", _reporting(_needless), Class.EXTRA),
    _bad(
        "links after what is on them",
        "Reports links after their addresses and routes.",
        _reporting(_links_last),
        Class.CONFLICT,
    ),
    _bad(
        "recovery at another time",
        "Reports a resync a second late.",
        _each(timestamp=lambda e: e.timestamp + 10**9),
        Class.CONFLICT,
    ),
    _bad(
        "recovery in another frame",
        "Reports a resync of the next frame.",
        _each(frame=lambda e: e.frame + 1),
        Class.CONFLICT,
    ),
    _bad(
        "recovery of no interface", "Names no interface in a resync.", _each(interface=lambda _: None), Class.CONFLICT
    ),
    _bad(
        "recovery of another interface",
        "Names another interface in a resync.",
        _each(interface=lambda _: "bogus0"),
        Class.CONFLICT,
    ),
    _bad(
        "recovery with flags",
        "Gives flags to what a resync reports.",
        _each(msg_flags=lambda e: e.msg_flags | 0x100),
        Class.CONFLICT,
    ),
    _bad("recovery with a sequence", "Numbers what a resync reports.", _each(seq=lambda _: 7), Class.CONFLICT),
)
