"""Faults of a scenario: what goes wrong on purpose while a recording is replayed, or on the running kernel (``live``).

    batches ─► apply_faults ─► batches ─► Replay(faults=socket_faults(…))

Two kinds of them: what changes the frames, so that everybody receives something else (``stage`` and the stages in
``order`` and ``content``), and what happens at the sockets of each implementation (``sockets``).

Rules:
1. The same recording, faults and seed give the same, on every machine.
2. Faults that change frames apply in the order of the scenario, each to what the one before it gives; what happens at
   sockets comes behind them all.
3. A frame keeps the number that it has in the file, so that a report names the frames of the file. The parts of a
   split datagram, and both copies of a duplicated one, have one number, merged ones that of the first.
4. A fault that finds nothing to change is a mistake (NLM-S040): what it was to show was not shown.

Not here: what sockets do then (``nlmon.transport.recorded``), and what a fault does to a verdict (``nlmon.engine``).
"""

from nlmon.scenario.faults.apply import apply_faults
from nlmon.scenario.faults.sockets import NEEDS_SOCKET, refuse_untouched, socket_faults

__all__ = ["NEEDS_SOCKET", "apply_faults", "refuse_untouched", "socket_faults"]
