"""A lane on the running kernel whose events are what a program prints that runs beside.

    sockets of its own, as nlmon's libnl has them ─► what each message is about ─┐
                                                                                 ├─► the line of each message ─► side
    the program ─► its lines ────────────────────────────────────────────────────┘

Rules:
1. A datagram waits for the lines of its messages. It is given, in the order of its socket, when all have one that says
   what they say, or ``PATIENCE`` seconds later with what there is then.
2. A line that comes later, or belongs to no message, and lines in another order are failures of the program.
   What it printed before its first line of a message that was read here is of a time before.

Not here: which line belongs to which message (``nlmon.compare.sequences``), and the process (``nlmon.harness.live``).
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from functools import partial

from msgspec import Struct, structs

from nlmon.backends.options import BackendOptions
from nlmon.compare.sequences import Aligned, align_log, says_the_same
from nlmon.compare.side import Side
from nlmon.engine.live_lane import LiveLane, Processed
from nlmon.errors import HarnessError
from nlmon.events import OVERRUN, Event
from nlmon.harness.events import Reader, about
from nlmon.harness.lines import Line, placed
from nlmon.harness.live import PATIENCE, LiveProgram
from nlmon.transport.tap import TapFactory
from nlmon.wire import Datagram

__all__ = ["ProgramLane"]


class _Waiting(Struct, frozen=True):
    """A datagram that waits for its lines, since a time of ``clock``."""

    step: Processed
    events: Sequence[Event]
    since: float

    @property
    def datagram(self) -> Datagram:
        return self.step.readings[-1].datagram


class ProgramLane(LiveLane):
    """A program that runs beside. ``clock``: seconds, as time.monotonic()."""

    def __init__(
        self,
        program: LiveProgram,
        factory: TapFactory,
        options: BackendOptions | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(partial(Reader, name=program.name, ready=program.ready), factory, options)
        self.program = program
        # Its counters are those of the reader, which gives something else.
        self.heard.crashed = True
        self._clock = clock
        self._waiting: dict[int, deque[_Waiting]] = {}
        self._lines: dict[int, list[Line]] = {}
        self._bytes: Counter[tuple[int | None, bytes]] = Counter()
        # Messages that had no line yet or never, lines of messages, and lines from before.
        self._messages = self._known = self._early = 0
        self._ending = False
        self._failure: HarnessError | None = None

    @property
    def waiting(self) -> bool:
        """Whether a datagram waits for its lines."""
        return any(self._waiting.values())

    def waits_like(self, datagram: Datagram) -> int:
        """How many datagrams of the same bytes wait."""
        return self._bytes[datagram.nsid, datagram.data]

    def due(self) -> float | None:
        """Seconds until one has waited long enough; None: none waits."""
        since = [waiting[0].since for waiting in self._waiting.values() if waiting]
        return max(0.0, min(since) + PATIENCE - self._clock()) if since else None

    def read(self, protocol: int) -> Processed:
        """Read all that its socket has, and give the first datagram whose wait is over."""
        more = True
        while more:
            step = super().read(protocol)
            messages = [event for event in step.side.events if event.type != OVERRUN]
            self.counts["events"] -= len(messages)
            if step.readings:
                self._add(protocol, _Waiting(step, messages, self._clock()))
            elif step.side.events or step.side.errors or step.side.crash:
                return step
            more = step.more
        for line in self.program.lines():
            self._lines.setdefault(line.event.protocol, []).append(line)
        return self._first(protocol)

    def end(self) -> None:
        """Nothing is waited for any more."""
        self._ending = True

    def close(self) -> Side:
        """End the program; what it did wrong is raised by it."""
        self.program.close()
        failure = self.program.failure or self._failure or self._left_over()
        if failure is not None:
            self.guarded.raised.append(failure)
        return super().close()

    def _add(self, protocol: int, one: _Waiting) -> None:
        self._waiting.setdefault(protocol, deque()).append(one)
        self._bytes[one.datagram.nsid, one.datagram.data] += 1

    def _first(self, protocol: int) -> Processed:
        """The first datagram that waits, if it need not wait longer."""
        waiting, lines = self._waiting.get(protocol, ()), self._lines.setdefault(protocol, [])
        none = Processed([], Side(self.name, (), ()), more=False)
        if not waiting:
            return none
        messages = [event for one in waiting for event in one.events]
        aligned = align_log(messages, [line.event for line in lines])
        first = waiting[0]
        mine = [lines[numbers[0]] if numbers else None for numbers in aligned.lines[: len(first.events)]]
        whole = all(
            line is not None and says_the_same(event, line.event)
            for event, line in zip(first.events, mine, strict=True)
        )
        over = self._ending or not self.program.running or self._clock() - first.since >= PATIENCE
        if not whole and not over:
            return none
        return self._give(protocol, [line for line in mine if line is not None], aligned)

    def _give(self, protocol: int, mine: Sequence[Line], aligned: Aligned) -> Processed:
        """The first datagram that waits, with its lines."""
        one, lines = self._waiting[protocol].popleft(), self._lines[protocol]
        key = one.datagram.nsid, one.datagram.data
        self._bytes[key] -= 1
        if not self._bytes[key]:
            del self._bytes[key]
        numbers = {line.number for line in mine}
        if mine and not self._known:
            before = [lines[at] for at in aligned.left if lines[at].number < min(numbers)]
            self._early += len(before)
            numbers |= {line.number for line in before}
        self._messages += len(one.events)
        self._known += len(mine)
        if aligned.swapped is not None and self._failure is None:
            first, second = (lines[number] for number in aligned.swapped)
            if {first.number, second.number} & numbers:
                what = f"{self.name}: line {second.number} belongs to a message before that of line {first.number}"
                self._failure = HarnessError("NLM-N057", what, why="the kernel sent them in another order")
        self._lines[protocol] = [line for line in lines if line.number not in numbers]
        lines_of = dict(zip(range(len(one.events)), aligned.lines, strict=False))
        events = [placed(lines[lines_of[place][0]], event) for place, event in enumerate(one.events) if lines_of[place]]
        self.counts["events"] += len(events)
        return Processed(one.step.readings, structs.replace(one.step.side, events=events), more=True)

    def _left_over(self) -> HarnessError | None:
        """Why what the program printed cannot be compared."""
        left = sorted((line for lines in self._lines.values() for line in lines), key=lambda line: line.number)
        if not self._known and (self._messages or left):
            what = f"{self.name} printed no event" if not left else f"no line of {self.name} belongs to a message"
            code = "NLM-N054" if left else "NLM-N053"
            return HarnessError(code, what, hint="see that it listens in this network namespace")
        if not left:
            return None
        first, more = left[0], f"nor do {len(left) - 1:,} more" if len(left) > 1 else ""
        what = f"{self.name}: line {first.number} ({about(first.event)}) belongs to no message that waited for it"
        hint = f"a line comes once, and within {PATIENCE:g} s of its message"
        return HarnessError("NLM-N055", what, why=more, hint=hint)
