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

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from msgspec import Struct, structs

from nlmon.backends.options import BackendOptions
from nlmon.compare.sequences import Aligned, align_log, says_the_same
from nlmon.compare.side import Side
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.live_lane import LiveLane, Processed
from nlmon.errors import HarnessError
from nlmon.events import OVERRUN, Event
from nlmon.harness.events import Reader, about
from nlmon.harness.lines import Line, placed
from nlmon.harness.live import PATIENCE, LiveProgram
from nlmon.transport.tap import TapFactory
from nlmon.wire import Datagram

__all__ = ["ProgramLane", "Programs", "lane_of"]


class _Waiting(Struct, frozen=True):
    """A datagram that waits for its lines, since ``LiveProgram.now``."""

    step: Processed
    events: Sequence[Event]
    since: float

    @property
    def datagram(self) -> Datagram:
        return self.step.readings[-1].datagram


class _Gathered:
    """Datagrams that wait for their lines, and lines that wait for their datagrams. ``ended``: nothing is waited for
    any more; ``failure``: what the program did wrong."""

    def __init__(self, program: LiveProgram) -> None:
        self.ended = False
        self.failure: HarnessError | None = None
        self._alike: Counter[tuple[int | None, bytes]] = Counter()
        self.waiting: dict[int, deque[_Waiting]] = {}
        self._program, self._name = program, program.name
        self._lines: dict[int, list[Line]] = {}
        # Messages whose wait is over, and those of them that have a line.
        self._messages = self._known = 0

    def add(self, step: Processed, events: Sequence[Event]) -> None:
        """Let a datagram wait."""
        one = _Waiting(step, events, self._program.now())
        self.waiting.setdefault(one.datagram.protocol, deque()).append(one)
        self._alike[one.datagram.nsid, one.datagram.data] += 1

    def like(self, datagram: Datagram) -> int:
        """How many datagrams of the same bytes wait."""
        return self._alike[datagram.nsid, datagram.data]

    def hear(self) -> None:
        """Take what the program has printed by now."""
        for line in self._program.lines():
            self._lines.setdefault(line.event.protocol, []).append(line)

    def first(self, protocol: int) -> Processed | None:
        """The first datagram that waits, if it need not wait longer."""
        waiting, lines = self.waiting.get(protocol, ()), self._lines.setdefault(protocol, [])
        if not waiting:
            return None
        messages = [event for one in waiting for event in one.events]
        aligned = align_log(messages, [line.event for line in lines])
        first = waiting[0]
        mine = [lines[numbers[0]] if numbers else None for numbers in aligned.lines[: len(first.events)]]
        whole = all(
            line is not None and says_the_same(event, line.event)
            for event, line in zip(first.events, mine, strict=True)
        )
        over = self.ended or not self._program.running or self._program.now() - first.since >= PATIENCE
        if not whole and not over:
            return None
        return self._give(protocol, [line for line in mine if line is not None], aligned)

    def _give(self, protocol: int, mine: Sequence[Line], aligned: Aligned) -> Processed:
        """The first datagram that waits, with its lines."""
        one, lines = self.waiting[protocol].popleft(), self._lines[protocol]
        key = one.datagram.nsid, one.datagram.data
        self._alike[key] -= 1
        if not self._alike[key]:
            del self._alike[key]
        numbers = {line.number for line in mine}
        if mine and not self._known:
            before = [lines[at] for at in aligned.left if lines[at].number < min(numbers)]
            numbers |= {line.number for line in before}
        self._messages += len(one.events)
        self._known += len(mine)
        if aligned.swapped is not None and self.failure is None:
            first, second = (lines[number] for number in aligned.swapped)
            if {first.number, second.number} & numbers:
                what = f"{self._name}: line {second.number} belongs to a message before that of line {first.number}"
                self.failure = HarnessError("NLM-N057", what, why="the kernel sent them in another order")
        self._lines[protocol] = [line for line in lines if line.number not in numbers]
        lines_of = dict(zip(range(len(one.events)), aligned.lines, strict=False))
        events = [placed(lines[lines_of[place][0]], event) for place, event in enumerate(one.events) if lines_of[place]]
        return Processed(one.step.readings, structs.replace(one.step.side, events=events), more=True)

    def left_over(self) -> HarnessError | None:
        """Why what the program printed cannot be compared."""
        left = sorted((line for lines in self._lines.values() for line in lines), key=lambda line: line.number)
        if not self._known and (self._messages or left):
            what = f"{self._name} printed no event" if not left else f"no line of {self._name} belongs to a message"
            code = "NLM-N054" if left else "NLM-N053"
            return HarnessError(code, what, hint="see that it listens in this network namespace")
        if not left:
            return None
        first, more = left[0], f"nor do {len(left) - 1:,} more" if len(left) > 1 else ""
        what = f"{self._name}: line {first.number} ({about(first.event)}) belongs to no message that waited for it"
        hint = f"a line comes once, and within {PATIENCE:g} s of its message"
        return HarnessError("NLM-N055", what, why=more, hint=hint)


class ProgramLane(LiveLane):
    """A program that runs beside."""

    def __init__(self, program: LiveProgram, factory: TapFactory, options: BackendOptions | None = None) -> None:
        super().__init__(partial(Reader, name=program.name, ready=program.ready), factory, options)
        self.program = program
        self.gathered = _Gathered(program)
        # Its counters are those of the reader, which gives something else.
        self.heard.crashed = True

    def read(self, protocol: int) -> Processed:
        """Read all that its socket has, and give the first datagram whose wait is over."""
        more = True
        while more:
            step = super().read(protocol)
            messages = [event for event in step.side.events if event.type != OVERRUN]
            self.counts["events"] -= len(messages)
            if step.readings:
                self.gathered.add(step, messages)
            elif step.side.events or step.side.errors or step.side.crash:
                return step
            more = step.more
        self.gathered.hear()
        given = self.gathered.first(protocol)
        if given is None:
            return Processed([], Side(self.name, (), ()), more=False)
        self.counts["events"] += len(given.side.events)
        return given

    def close(self) -> Side:
        """End the program; what it did wrong is raised by it."""
        self.program.close()
        failure = self.program.failure or self.gathered.failure or self.gathered.left_over()
        if failure is not None:
            self.guarded.raised.append(failure)
        return super().close()


class Programs:
    """Those of some lanes that are programs beside, for who waits for what comes."""

    def __init__(self, lanes: Iterable[LiveLane]) -> None:
        self._lanes = [(number, lane) for number, lane in enumerate(lanes) if isinstance(lane, ProgramLane)]

    def __bool__(self) -> bool:
        return bool(self._lanes)

    @property
    def descriptors(self) -> list[int]:
        """Descriptors to wait for as for the sockets; then ``look``."""
        return [descriptor for _, lane in self._lanes for descriptor in lane.program.descriptors]

    @property
    def patience(self) -> float:
        """Seconds that a datagram may wait for its lines."""
        return PATIENCE if self else 0.0

    @property
    def waiting(self) -> bool:
        """Whether a datagram waits for its lines."""
        return any(any(lane.gathered.waiting.values()) for _, lane in self._lanes)

    def due(self, seconds: float | None) -> float | None:
        """So many seconds, None: no end, or fewer, after which ``look`` is to be called though nothing is ready."""
        times = [seconds]
        for _, lane in self._lanes:
            since = [waiting[0].since for waiting in lane.gathered.waiting.values() if waiting]
            times += [max(0.0, min(since) + PATIENCE - lane.program.now())] if since else []
        return min((one for one in times if one is not None), default=None)

    def look(self, read: Callable[[int, int], object]) -> None:
        """Read what the programs have printed; ``read``: a lane by its number, and a protocol."""
        for number, lane in self._lanes:
            for protocol in sorted(lane.heard.protocols):
                read(number, protocol)

    def end(self, read: Callable[[int, int], object]) -> None:
        """Nothing is waited for any more."""
        for _, lane in self._lanes:
            lane.gathered.ended = True
        self.look(read)


def lane_of(maker: BackendMaker | LiveProgram, factory: TapFactory, options: BackendOptions) -> LiveLane:
    """The lane of an implementation, or of a program that runs beside."""
    return (ProgramLane if isinstance(maker, LiveProgram) else LiveLane)(maker, factory, options)  # type: ignore[arg-type]
