"""Two implementations that listen while the steps of a scenario run.

    start ─► dumps ─► (step ─► catch up ─► wait for what is expected) … ─► finish

Rules:
1. No sleeping. ``catch_up`` reads until both have seen all that the kernel sent before it (``sentinel``); ``wait_for``
   waits for a socket, until something holds or a deadline.
2. A deadline is no error here: whoever waits says what is lacking.

Not here: the comparison (``nlmon.engine.live``), and the steps (``steps``).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from nlmon.engine.live import Live
from nlmon.errors import TransportError, errno_name
from nlmon.names import PROTOCOLS
from nlmon.scenario.sentinel import Sentinel
from nlmon.transport.dumps import DUMPS, refusal
from nlmon.transport.kernel.waiting import readable

__all__ = ["Watch"]

# A sentinel is sent again when a receive buffer was full; what was read before made room.
ATTEMPTS = 3
# At the end, seconds for what one of the two has not read yet.
SETTLE = 0.5


class Watch:
    """Reads what the lanes of ``live`` are sent. ``notes``: dumps that the kernel did not give."""

    def __init__(self, live: Live, sentinel: Sentinel) -> None:
        self.live = live
        self.notes: list[str] = []
        self._sentinel = sentinel

    def start(self) -> None:
        """Open all sockets and ask for everything once. Raises ``TransportError``."""
        for protocol in self.live.start():
            transport = self.live.ask(protocol)
            try:
                for seq, dump in enumerate(DUMPS.get(protocol, ()), 1):
                    answers = self.live.dump(protocol, transport, dump.message(seq))
                    try:
                        refused = max((refusal(answer.data) for answer in answers), default=0)
                        why = errno_name(refused) if refused else ""
                    except TransportError as error:
                        why = str(error)
                    if why:
                        self.notes.append(f"the dump of {dump.what} is missing: {why}")
            finally:
                transport.close()

    def catch_up(self) -> list[str]:
        """Read all that was sent before. Returns who does not read, as ``legacy (NETLINK_ROUTE)``."""
        places = self.live.descriptors().values()
        count, lanes = self._sentinel.count, self.live.lanes
        before = {(number, protocol): count(lanes[number], protocol) for number, protocol in places}
        for _ in range(ATTEMPTS):
            reached = {place: before[place] for place in before if self._sentinel.send(lanes[place[0]], place[1])}
            for number, protocol in before:
                while self.live.read(number, protocol):
                    pass
            before = {
                (number, protocol): seen
                for (number, protocol), seen in reached.items()
                if protocol not in lanes[number].failed and count(lanes[number], protocol) <= seen
            }
            if not before:
                self.live.caught_up()
                return []
        return [f"{lanes[number].name} ({PROTOCOLS[protocol]})" for number, protocol in before]

    def wait_for(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Read until something holds; False when it does not within so many seconds. What waits at the deadline came in
        time: this process may have had no processor for so long."""
        deadline = time.monotonic() + seconds
        left = seconds
        while not holds():
            if left < 0:
                return False
            left = deadline - time.monotonic()
            self._read(max(0.0, left))
        return True

    def finish(self) -> None:
        """End the comparison, when both have read what one of them has read."""
        self.live.settle()
        self.wait_for(lambda: not self.live.waiting, max(SETTLE, self.live.programs.patience))
        self.live.caught_up(end=True)
        self.live.finish()

    def _read(self, seconds: float) -> None:
        """Read what comes first."""
        places = self.live.descriptors()
        for descriptor in readable([*places, *self.live.programs.descriptors], self.live.programs.due(seconds)):
            if descriptor in places:
                self.live.read(*places[descriptor])
        self.live.programs.look(self.live.read)
