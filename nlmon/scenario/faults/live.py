"""Faults of a scenario on the running kernel: those of sockets, and notifications that vanish or come twice.

Rules:
1. ``at`` is the number of a notification of the protocol of the fault, counted from the first one that is read. A
   recording of the run has everything that came; where each fault began is kept beside it, so that its replay makes
   the fault again at that frame.
2. What changes a datagram, or its place among those of other sockets, cannot be done to a kernel: NLM-S041.

Not here: what the faults do (``nlmon.transport.faulty``), and faults of a replay (``apply``, ``sockets``).
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import get_args

from msgspec import structs

from nlmon.errors import ScenarioError
from nlmon.scenario.faults.sockets import CHOICE
from nlmon.scenario.faults.stage import protocol_of
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.model import Fault
from nlmon.transport.faulty import LiveFault, LiveFaults, LiveKind
from nlmon.transport.recorded.faults import Kind

__all__ = ["LIVE", "faults_at", "live_faults", "refuse_idle"]

LIVE: tuple[LiveKind, ...] = ("drop", "duplicate", *get_args(Kind))


def live_faults(file: ScenarioFile, seed: int) -> LiveFaults | None:
    """The faults for ``Live(faults=…)``, None where there are none. Raises ``ScenarioError`` for one that can be made
    in a replay alone."""
    found = []
    for number, fault in enumerate(file.scenario.faults):
        kind = next((kind for kind in LIVE if kind == fault.kind), None)
        if kind is None:
            what = f"the fault {fault.kind} cannot be made on the running kernel"
            hint = "record a run without it (nlmon run --record), and make the fault in a replay of that (capture)"
            raise ScenarioError("NLM-S041", what, where=file.place("faults", number), hint=hint)
        at = fault.at or Random(f"{seed} {number}").randint(1, CHOICE)
        found.append(LiveFault(kind, at, protocol_of(fault), fault.count))
    return LiveFaults(found) if found else None


def refuse_idle(file: ScenarioFile, faults: LiveFaults) -> None:
    """Raise ``ScenarioError`` for a fault that has not happened when a run is over."""
    for number, frame in enumerate(faults.frames):
        if not frame:
            fault = file.scenario.faults[number]
            at = f" from number {fault.at} on" if fault.at else ""
            what = f"the fault {fault.kind} hit nothing: no notification of {fault.protocol} came{at}"
            raise ScenarioError("NLM-S040", what, where=file.place("faults", number))


def faults_at(faults: Sequence[Fault], frames: Sequence[int]) -> tuple[Fault, ...]:
    """The faults of a run as the replay of its recording makes them: at the frames where they began."""
    return tuple(structs.replace(fault, at=frame) for fault, frame in zip(faults, frames, strict=True))
