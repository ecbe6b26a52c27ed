"""Faults that happen at the sockets of the implementations, as a replay takes them.

Not here: what they do (``nlmon.transport.recorded.faults``), and faults in the frames (``apply``).
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import get_args

from nlmon.scenario.faults.stage import PROTOCOL_NUMBERS
from nlmon.scenario.model import Fault
from nlmon.transport.recorded.faults import Fault as SocketFault
from nlmon.transport.recorded.faults import Kind

__all__ = ["NEEDS_SOCKET", "socket_faults"]

# What is fed to all, groups or not (``select: all``), came over no socket that could fail.
NEEDS_SOCKET: frozenset[str] = frozenset(get_args(Kind))
# Up to this frame the seed chooses a place that the scenario leaves open.
LAST_FRAME = 64


def socket_faults(faults: Sequence[Fault], seed: int, *, last_frame: int = LAST_FRAME) -> tuple[SocketFault, ...]:
    """The faults for ``Replay(faults=…)``; others change the frames. ``last_frame``: of the recording, if known, for a
    place that the seed chooses."""
    found = []
    for number, fault in enumerate(faults):
        if fault.kind in NEEDS_SOCKET:
            chosen = Random(f"{seed} {number}").randint(1, last_frame)
            found.append(
                SocketFault(fault.at or chosen, fault.count, PROTOCOL_NUMBERS[fault.protocol], kind_of(fault.kind))
            )
    return tuple(found)


def kind_of(name: str) -> Kind:
    """The kind of a fault by its key in the file."""
    return next(kind for kind in get_args(Kind) if kind == name)
