"""Faults that happen at the sockets of the implementations, as a replay takes them.

Not here: what they do (``nlmon.transport.recorded.faults``), and faults in the frames (``apply``).
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import get_args

from nlmon.errors import ScenarioError
from nlmon.scenario.faults.stage import protocol_of
from nlmon.scenario.model import Fault
from nlmon.transport.recorded.faults import Fault as SocketFault
from nlmon.transport.recorded.faults import Kind

__all__ = ["NEEDS_SOCKET", "refuse_untouched", "socket_faults"]

# What is fed to all, groups or not (``select: all``), came over no socket that could fail.
NEEDS_SOCKET: frozenset[str] = frozenset(get_args(Kind))
# Among so many frames, from the first, the seed chooses a place that the scenario leaves open.
CHOICE = 16


def socket_faults(
    faults: Sequence[Fault], seed: int, *, first_frame: int = 1, last_frame: int | None = None
) -> tuple[SocketFault, ...]:
    """The faults for ``Replay(faults=…)``; others change the frames. ``first_frame``, ``last_frame``: of what is
    replayed, None if not known, for a place that the seed chooses."""
    found = []
    end = first_frame + CHOICE - 1
    last = end if last_frame is None else max(first_frame, min(end, last_frame))
    for number, fault in enumerate(faults):
        if fault.kind in NEEDS_SOCKET:
            chosen = Random(f"{seed} {number}").randint(first_frame, last)
            found.append(SocketFault(fault.at or chosen, fault.count, protocol_of(fault), kind_of(fault.kind)))
    return tuple(found)


def refuse_untouched(faults: Sequence[SocketFault]) -> None:
    """Raise ``ScenarioError`` for faults that have happened to nobody when a replay has come to its end, which its feed
    says (``untouched``)."""
    for fault in faults:
        what = f"the fault {fault} hit nothing: no message that was received is at that place"
        raise ScenarioError("NLM-S040", what, hint="nlmon decode --select all shows the frames")


def kind_of(name: str) -> Kind:
    """The kind of a fault by its key in the file."""
    return next(kind for kind in get_args(Kind) if kind == name)
