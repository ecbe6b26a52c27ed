"""Which implementation a monitor has listened with, and when: a phase for each.

Rules:
1. A phase begins when its sockets are open and ends when they are closed; so two that follow one another overlap for as
   long as both received.
2. Of many the latest are kept.

Not here: the exchange of sockets between them (``exchange``).
"""

from __future__ import annotations

from msgspec.structs import replace

from nlmon.monitor.sources import Exchanged
from nlmon.monitor.status import PhaseStatus

__all__ = ["PHASES_KEPT", "Phases", "begun", "so_far"]

PHASES_KEPT = 10
# The latest last. ``events`` of one that goes on: how many the monitor had before it.
Phases = tuple[PhaseStatus, ...]


def begun(phases: Phases, implementation: str, exchanged: Exchanged, events: int) -> Phases:
    """The phases when another implementation goes on. ``events``: how many the monitor had until now."""
    last = phases[-1]
    ended = replace(last, until=exchanged.closed, events=events - last.events)
    counted = exchanged.both, exchanged.settled, exchanged.dropped, exchanged.closed - exchanged.began
    new = PhaseStatus(implementation, exchanged.attached, 0, events, *counted)
    return (*phases[:-1], ended, new)[-PHASES_KEPT:]


def so_far(phases: Phases, events: int) -> Phases:
    """The phases with the events of the one that goes on."""
    return (*phases[:-1], replace(phases[-1], events=events - phases[-1].events))
