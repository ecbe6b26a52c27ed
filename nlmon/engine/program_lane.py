"""A lane on the running kernel whose events are what a program prints that runs beside.

    sockets of its own, as nlmon's libnl has them ─► what each message is about ─┐
                                                                                 ├─► the line of each message ─► side
    the program ─► its lines ────────────────────────────────────────────────────┘

Rules:
1. A datagram waits for the lines of its messages. It is given, in the order of its socket, when all have one that says
   what they say, or ``PATIENCE`` seconds later with what there is then.
2. A line waits as long for its message. One that comes later, or as much too early, or belongs to no message, and
   lines in another order are failures of the program. What it printed before its first line of a message that was read
   here is of a time before, and counted in a note.
3. Lines that have no message are kept up to a bound; a program that prints more is not read any further.

Not here: which line belongs to which message (``nlmon.compare.sequences``), and the process (``nlmon.harness.live``).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice

from msgspec import Struct, structs

from nlmon.backends.options import BackendOptions
from nlmon.compare.sequences import Aligned, align_log, says_the_same
from nlmon.compare.side import Side
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.live_lane import LiveLane, Processed
from nlmon.errors import HarnessError
from nlmon.events import OVERRUN, Event
from nlmon.harness.events import Reader, about, notes_of
from nlmon.harness.lines import Line, placed
from nlmon.harness.live import PATIENCE, LiveProgram
from nlmon.transport.tap import TapFactory
from nlmon.wire import Datagram

__all__ = ["ProgramLane", "Programs", "lane_of"]

# Lines of a program that have no message, and bytes of their text.
LINES_KEPT, BYTES_KEPT = 200_000, 1 << 28


class _Waiting(Struct, frozen=True):
    """A datagram that waits for its lines, since ``LiveProgram.now``."""

    step: Processed
    events: Sequence[Event]
    since: float

    @property
    def datagram(self) -> Datagram:
        return self.step.readings[-1].datagram


class _Printed(Struct, frozen=True):
    """A line that waits for its message, since ``LiveProgram.now``."""

    line: Line
    since: float


class _Gathered:
    """Datagrams that wait for their lines, and lines that wait for their datagrams. ``ended``: nothing is waited for
    any more; ``failure``: what the program did wrong; ``before``: how many lines are of a time before the first message
    that was read here."""

    def __init__(self, program: LiveProgram) -> None:
        self.ended = False
        self.failure: HarnessError | None = None
        self.before = 0
        self.waiting: dict[int, deque[_Waiting]] = {}
        self._alike: Counter[tuple[int | None, bytes]] = Counter()
        self._program = program
        self._lines: dict[int, list[_Printed]] = {}
        # What need not wait any longer, by each protocol that was ever asked for.
        self._given: dict[int, deque[Processed]] = {}
        # Lines that no message came for in time.
        self._early: list[Line] = []
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

    def read(self) -> None:
        """Take what the program has printed by now."""
        lines = self._program.lines()
        now = self._program.now()
        for line in lines:
            self._lines.setdefault(line.event.protocol, []).append(_Printed(line, now))
        if lines:
            self._refuse_too_many()

    def _refuse_too_many(self) -> None:
        left = self._left()
        if len(left) > LINES_KEPT or sum(line.size for line in left) > BYTES_KEPT:
            most = f"{LINES_KEPT:,} lines" if len(left) > LINES_KEPT else f"{BYTES_KEPT:,} bytes"
            what = f"{self._program.name} prints more than {most} that no message has come for"
            self._program.refuse(HarnessError("NLM-N050", what, hint="see that it prints each event once"))

    def first(self, protocol: int) -> Processed | None:
        """The first datagram, if it need not wait longer. All that the socket had must have been added before."""
        given = self._given.setdefault(protocol, deque())
        if not given:
            given.extend(self._ready(protocol))
        if not given:
            return None
        step = given.popleft()
        datagram = step.readings[-1].datagram
        key = datagram.nsid, datagram.data
        self._alike[key] -= 1
        if not self._alike[key]:
            del self._alike[key]
        return step

    @property
    def busy(self) -> bool:
        """Whether a datagram waits, or is to be fetched."""
        return any(self.waiting.values()) or any(self._given.values())

    def due(self) -> float | None:
        """In how many seconds ``first`` may know more, though nothing comes; None: it will not."""
        if any(self._given.values()):
            return 0.0
        begun = [
            row[0].since for protocol in self._given if (row := self.waiting.get(protocol) or self._lines.get(protocol))
        ]
        return max(0.0, min(begun) + PATIENCE - self._program.now()) if begun else None

    def _ready(self, protocol: int) -> list[Processed]:
        """The datagrams at the front that need not wait longer, each with its lines. They are aligned at once: what
        comes in a burst would be aligned as often as there are datagrams."""
        waiting, lines = self.waiting.setdefault(protocol, deque()), self._lines.setdefault(protocol, [])
        if not (waiting or lines):
            return []
        events = [event for one in waiting for event in one.events]
        aligned = align_log(events, [printed.line.event for printed in lines])
        found: list[Processed] = []
        taken: set[int] = set()
        rows = iter(aligned.lines)
        while waiting:
            one = waiting[0]
            mine = [numbers[0] if numbers else None for numbers in islice(rows, len(one.events))]
            if not (self._is_over(one.since) or self._is_whole(one, mine, lines)):
                break
            numbers = [number for number in mine if number is not None]
            if numbers and not self._known:
                taken |= self._skip_before(min(numbers), aligned, lines)
            self._messages += len(mine)
            self._known += len(numbers)
            taken.update(numbers)
            pairs = zip(one.events, mine, strict=True)
            said = [placed(lines[number].line, event) for event, number in pairs if number is not None]
            found.append(Processed(one.step.readings, structs.replace(one.step.side, events=said), more=True))
            waiting.popleft()
        self._note_order(aligned, lines, taken)
        late = {number for number in aligned.left if self._is_over(lines[number].since)} - taken
        self._early += [lines[number].line for number in sorted(late)]
        self._lines[protocol] = [one for number, one in enumerate(lines) if number not in taken and number not in late]
        return found

    def _is_over(self, since: float) -> bool:
        return self.ended or not self._program.running or self._program.now() - since >= PATIENCE

    @staticmethod
    def _is_whole(one: _Waiting, mine: Sequence[int | None], lines: Sequence[_Printed]) -> bool:
        """Whether every message has a line that says what it says."""
        return all(
            number is not None and says_the_same(event, lines[number].line.event)
            for event, number in zip(one.events, mine, strict=True)
        )

    def _skip_before(self, first: int, aligned: Aligned, lines: Sequence[_Printed]) -> set[int]:
        """Leave out what was printed before line ``first`` of those at hand, which is of the first message."""
        before = {number for number in aligned.left if number < first}
        early = [line for line in self._early if line.number >= lines[first].line.number]
        self.before += len(before) + len(self._early) - len(early)
        self._early = early
        return before

    def _note_order(self, aligned: Aligned, lines: Sequence[_Printed], taken: set[int]) -> None:
        if aligned.swapped is not None and self.failure is None and taken.intersection(aligned.swapped):
            first, second = (lines[number].line.number for number in aligned.swapped)
            what = f"{self._program.name}: line {second} belongs to a message before that of line {first}"
            self.failure = HarnessError("NLM-N057", what, why="the kernel sent them in another order")

    def _left(self) -> list[Line]:
        return [*(one.line for lines in self._lines.values() for one in lines), *self._early]

    def left_over(self) -> HarnessError | None:
        """Why what the program printed cannot be compared."""
        left, name = sorted(self._left(), key=lambda line: line.number), self._program.name
        if not self._known and (self._messages or left):
            what = f"{name} printed no event" if not left else f"no line of {name} belongs to a message"
            code = "NLM-N054" if left else "NLM-N053"
            return HarnessError(code, what, hint="see that it listens in this network namespace")
        if not left:
            return None
        first, more = left[0], f"nor do {len(left) - 1:,} more" if len(left) > 1 else ""
        what = f"{name}: line {first.number} ({about(first.event)}) belongs to no message that waited for it"
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
        self.gathered.read()
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
        side = super().close()
        unknown = self.program.reader.unknown
        self.guarded.notes += tuple(notes_of(self.name, self.gathered.before, "the comparison", unknown))
        return side


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
        return any(lane.gathered.busy for _, lane in self._lanes)

    def due(self, seconds: float | None) -> float | None:
        """So many seconds, None: no end, or fewer, after which ``look`` is to be called though nothing is ready."""
        times = [seconds, *(lane.gathered.due() for _, lane in self._lanes)]
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
