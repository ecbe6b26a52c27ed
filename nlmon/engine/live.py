"""Compares two implementations on the running kernel, at once.

    socket of each lane ─► tap ─► lane ─► pairing ─► judge, states
                            └───► recording, if it is kept

Rules:
1. Both lanes make of a datagram what they can, each when it reads it; it is judged when the second one has read it,
   which sees the number, the time and the names of interfaces that the first one saw.
2. What only one lane can receive, since the other one does not read the protocol or is in no group that carries it, is
   judged at once.
3. What concerns a socket and no datagram, such as a loss, is no difference. After a loss nothing that the lane did not
   read is held against it, and the verdict is ``inconclusive``. What is unpaired at the end does not enter the states.
   What a fault took, which was asked for, is missed as in a replay, and must be reported.
4. Answers to dumps are decoded by both as in a replay. They are asked for with a socket of their own.
5. An event is that of the datagram which was read before it. So what gives events without one, or delivers them later,
   cannot be compared yet: resync, caches, and a message pool.

Not here: one implementation by itself (``live_lane``), which datagrams belong together (``pairing``), keeping them
(``live_recording``), waiting for sockets (``nlmon.cli.live``), and the report (``summary``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import TypeAlias

from msgspec import UnsetType, structs

from nlmon.backends.options import BackendOptions
from nlmon.capture.base import Batch, Frame
from nlmon.capture.segment import NOTIFICATION, Role, Segment
from nlmon.capture.segmenter import Segmenter
from nlmon.capture.tally import Tally
from nlmon.compare.contract import Contract
from nlmon.compare.known import KnownDifferences
from nlmon.compare.side import Side
from nlmon.engine.comparison import Comparison, compare_counters, foldable
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.lane import RESTLESS
from nlmon.engine.live_lane import LiveLane, of_datagram, refuse_what_is_later
from nlmon.engine.live_recording import LiveRecording
from nlmon.engine.pairing import BYTES_KEPT, DATAGRAMS_KEPT, Pairing, Read, Unmatched
from nlmon.engine.program_lane import ProgramLane, Programs, lane_of
from nlmon.errors import TransportError
from nlmon.framing import types
from nlmon.harness.live import LiveProgram
from nlmon.names import PROTOCOLS
from nlmon.state.identity import forget_shared
from nlmon.transport.base import Transport, TransportFactory
from nlmon.transport.faulty import FaultyTapFactory, LiveFaults
from nlmon.transport.kernel.transport import KernelFactory
from nlmon.transport.recorded.groups import carried_by
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.transport.recorder import Sink, Way
from nlmon.transport.tap import Reading, TapFactory
from nlmon.uapi import NETLINK_GENERIC, NETLINK_ROUTE
from nlmon.wire import Datagram, Datagrams

__all__ = ["Live"]

# Datagrams of one lane that are read in one go, so that the other one need not wait long.
READ_AT_ONCE = 256

FactoryMaker: TypeAlias = Callable[[], TransportFactory]


class Live(Comparison[LiveLane]):
    """The comparison of two implementations while they listen. ``tally``: what was read, each datagram once; ``notes``:
    what was left out; ``unmatched``: what only one of them read; ``left``: how many more notifications are compared,
    None: no end; ``programs``: those that run beside.

    ``factory`` opens the sockets of one lane; ``sink`` keeps what is read; ``on_side`` is given what each lane, by its
    number, made of what it has read; ``faults`` happen to both. Raises ``UsageError`` (NLM-E001) for options that ask
    for resync, caches or a message pool.
    """

    def __init__(
        self,
        reference: BackendMaker | LiveProgram,
        candidate: BackendMaker | LiveProgram,
        *,
        factory: FactoryMaker = KernelFactory,
        contract: Contract | None = None,
        options: BackendOptions | None = None,
        known: Sequence[KnownDifferences] = (),
        sink: Sink | None = None,
        on_side: Callable[[int, Side], None] | None = None,
        kept: tuple[int, int] = (DATAGRAMS_KEPT, BYTES_KEPT),
        faults: LiveFaults | None = None,
    ) -> None:
        options = options or BackendOptions()
        refuse_what_is_later(options)
        made = [factory(), factory()]
        self._faults = faults
        taps = [self._taps(number, one) for number, one in enumerate(made)]
        super().__init__(
            (lane_of(reference, taps[0], options), lane_of(candidate, taps[1], options)),
            RecordedKernel(made[0].byteorder),
            contract=contract,
            extra_groups=options.extra_groups,
            lossless=faults is None,
            known=known,
        )
        self.tally = Tally()
        self.notes: list[str] = []
        self.unmatched = Unmatched()
        self.left: int | None = None
        self.programs = Programs(self.lanes)
        self._pairing = Pairing(*kept)
        self._segmenter = Segmenter(self.kernel.byteorder)
        self._asking = factory()
        self._recording = LiveRecording(sink)
        self._on_side = on_side
        self._names: dict[int, str | None] = {}

    def _taps(self, number: int, inner: TransportFactory) -> TapFactory:
        """What the sockets of a lane are opened with."""
        if self._faults is None:
            return TapFactory(inner, partial(self._arrive, number))
        hold = lambda reading: self._pairing.hold(number, reading)  # noqa: E731  (the pairing is made later)
        return FaultyTapFactory(inner, partial(self._arrive, number), self._faults, hold)

    # -- sockets -----------------------------------------------------------------------------------------------

    def start(self, protocols: Collection[int] = ()) -> list[int]:
        """Open the sockets of ``protocols``, by default of all that the kernel lets both have, and return these. Raises
        ``TransportError`` when it refuses one that was asked for, or NETLINK_ROUTE."""
        supported = {protocol for lane in self.lanes for protocol in lane.guarded.protocols}
        opened = []
        for protocol in sorted(supported & set(protocols) if protocols else supported):
            lanes = [lane for lane in self.lanes if lane.supports(protocol)]
            try:
                for number, lane in enumerate(self.lanes):
                    if lane in lanes and (side := lane.enable(protocol)).crash:
                        self._crashed(number, protocol, side)
            except TransportError as error:
                if protocols or protocol == NETLINK_ROUTE:
                    raise
                for lane in lanes:
                    lane.guarded.call(lane.backend.disable, protocol)
                name = PROTOCOLS.get(protocol, str(protocol))
                self.notes.append(f"not compared: {name}: {error.why or error.what}")
            else:
                opened.append(protocol)
        for protocol in opened:
            if self.lanes[0].supports(protocol):
                # The first lane has been subscribed for a while before the second one was.
                self.read(0, protocol, early=True, most=DATAGRAMS_KEPT)
        return opened

    def descriptors(self) -> dict[int, tuple[int, int]]:
        """Descriptors to wait for, each with the lane and the protocol to ``read`` then."""
        return {
            descriptor: (number, protocol)
            for number, lane in enumerate(self.lanes)
            for protocol in lane.guarded.protocols
            if protocol not in lane.failed and (descriptor := lane.fileno(protocol)) >= 0
        }

    def dump(
        self, protocol: int, transport: Transport, message: bytes, *, before: Callable[[Datagram], None] | None = None
    ) -> Iterator[Datagram]:
        """Ask for a dump and give its answers, each when both have decoded it. ``before`` is called with each before
        that, and may read what precedes it. Raises ``TransportError``."""
        self._part_of_dump(protocol, transport.now(), message, "out")
        for answer in transport.request(message):
            if before is not None:
                before(answer)
            self._part_of_dump(protocol, answer.timestamp, answer.data, "in")
            yield answer

    def ask(self, protocol: int) -> Transport:
        """A transport that asks for dumps, and is in no group."""
        return self._asking.open(protocol, ())

    def _part_of_dump(self, protocol: int, timestamp: int, data: bytes, direction: Way) -> None:
        number = self._next_frame(timestamp)
        socket = self._recording.keep("requests", protocol, timestamp, data, direction)
        batch = Batch.of([Frame(number, timestamp, protocol, data, direction, socket)])
        for segment in self._segmenter.segments(batch, bulk=False):
            self.tally.add(segment)
            if segment.place.role in {Role.DUMP, Role.REPLY}:
                self._answer(segment)

    def _answer(self, segment: Segment) -> None:
        self.kernel.learn(segment.datagrams)
        if self.programs:
            return  # what runs beside asks for no dump, or for one of its own
        reading = Reading(segment.datagrams.at(0), {})
        left, right = (lane.decode_answer(reading) for lane in self.lanes)
        self._names = reading.names
        agreed = self._compare(reading.datagram, left, right, answer=True)
        self._check_dump(reading.datagram, segment.place, (left, right), agreed=agreed)

    # -- what is read ------------------------------------------------------------------------------------------

    def read(self, number: int, protocol: int, *, early: bool = False, most: int = READ_AT_ONCE) -> bool:
        """Read what waits for a lane, but not more than ``most`` datagrams; whether anything waited. ``early``: it may
        have been sent before the other lane had its socket."""
        lane, found, idle = self.lanes[number], 0, 0
        while found < most and protocol not in lane.failed:
            step = lane.read(protocol)
            frame = step.readings[-1].datagram.frame if step.readings else self.tally.last_frame
            self.timeline.count_events(number, lane, frame, len(step.side.events))
            if self._on_side is not None:
                self._on_side(number, step.side)
            for place, reading in enumerate(step.readings, 1):
                # Of two datagrams that one call read, what was given is of the last.
                side = of_datagram(step.side) if place == len(step.readings) else Side(lane.name, (), ())
                side = structs.replace(side, missed=True) if reading.fate else side
                lane.heard.note(reading.datagram, side, self.kernel.byteorder)
                self._add(number, Read(reading, side), early=early)
            if step.side.crash and not step.readings:
                self._crashed(number, protocol, step.side)
            if not step.more and not step.readings:
                break
            found, idle = found + len(step.readings), 0 if step.readings else idle + 1
            if idle > RESTLESS:
                crash = "RuntimeError: process() never says that nothing waits"
                self._crashed(number, protocol, Side(lane.name, (), (), crash=crash))
        forget_shared()
        return found > 0

    def _crashed(self, number: int, protocol: int, side: Side) -> None:
        """An implementation raised, and no datagram is the reason."""
        self.lanes[number].failed[protocol] = side.crash
        sides = [Side(lane.name, (), ()) for lane in self.lanes]
        sides[number] = side
        self._compare_outside(self.tally.last_frame, sides)

    def _arrive(self, number: int, datagram: Datagram) -> Reading | None:
        """What a lane is given for a datagram: what the other one was given, if that has read it already; None where no
        more than that is left to be compared."""
        lane = self.lanes[number]
        waiting = lane.gathered.like(datagram) if isinstance(lane, ProgramLane) else 0
        other = self._pairing.counterpart(number, datagram, waiting)
        if other is not None:
            same = {"frame": other.datagram.frame, "timestamp": other.datagram.timestamp}
            return Reading(structs.replace(datagram, **same), other.names)
        if self._pairing.is_late(number, datagram):
            # It was counted and recorded when the other lane read it; its number is not known any more.
            return Reading(structs.replace(datagram, frame=self.tally.last_frame), {})
        if self.left is not None:
            if not self.left:
                return None
            self.left -= 1
        frame = self._next_frame(datagram.timestamp)
        self._recording.keep("events", datagram.protocol, datagram.timestamp, datagram.data, "in")
        datagram = structs.replace(datagram, frame=frame)
        if self._faults is not None:
            self._faults.arrive(datagram)
        columns = Datagrams.of(datagram)
        messages = len(types(datagram.data, self.kernel.byteorder))
        self.tally.add(Segment(NOTIFICATION, columns, messages))
        if datagram.nsid is None:
            self.kernel.learn(columns)
        reading = Reading(datagram, {})
        if isinstance(lane, ProgramLane):
            self._pairing.hold(number, reading)
        return reading

    def _next_frame(self, timestamp: int) -> int:
        """The number of the next datagram, which was read at a time."""
        self.timeline.add_one(self.tally.frames + 1, timestamp)
        return self.tally.frames + 1

    def _add(self, number: int, read: Read, *, early: bool) -> None:
        """Judge what a lane has read, if nothing has to be waited for."""
        datagram, lane, other = read.reading.datagram, self.lanes[number], self.lanes[1 - number]
        protocol, groups = datagram.protocol, carried_by(datagram, self.kernel)
        if not other.supports(protocol):
            self._judge(number, read, Side(other.name, (), (), reads=False, subscribed=False))
        elif groups and groups.isdisjoint(other.groups(protocol)) and not groups.isdisjoint(lane.groups(protocol)):
            if protocol == NETLINK_GENERIC:
                # Which groups of families an implementation joins depends on when they appear.
                self.unmatched.uncompared[f"{other.name} has not joined the groups of their families"] += 1
                if self.left is not None:
                    self.left += 1
            else:
                self._judge(number, read, Side(other.name, (), (), subscribed=False))
        else:
            counterpart = self._pairing.add(number, read, early=early)
            if counterpart is not None:
                self._judge(number, read, counterpart.side)

    def _judge(self, number: int, read: Read, other: Side, *, fold: bool = True) -> None:
        """Compare what the two made of a datagram, and fold it into the states."""
        if read.reading.fate == "dropped":
            return  # as if it had never been sent
        datagram, self._names = read.reading.datagram, read.reading.names
        left, right = (other, read.side) if number else (read.side, other)
        if not (left.subscribed and right.subscribed):
            left, right = self._judged_groups(datagram, (left, right))
        self._count_compared(datagram, left, right)
        agreed = self._agree(datagram, left, right)
        if not agreed:
            self._judge_one(datagram, left, right)
        if fold:
            if agreed or foldable((left, right)):
                self.blind.changes.note(datagram, left, right)
            self._fold((left, right), agreed=agreed)
            self._nexthops.note(datagram, (left, right), self._pairing.waits(number, datagram.protocol))

    def _link_name(self, index: int) -> str | None | UnsetType:
        """The name that was given for the datagram at hand: what was read of links may be older or newer."""
        return self._names[index] if index in self._names else super()._link_name(index)

    # -- the end -----------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> bool:
        """Whether any datagram waits for the other lane to read it, or for what a program prints of it."""
        return self._pairing.waiting or self.programs.waiting

    def settle(self) -> None:
        """From now on nothing is read but to be paired with what was read before."""
        self._pairing.settle()

    def caught_up(self, *, end: bool = False) -> None:
        """Both have read all that was sent, or this is the ``end``: read what faults have left."""
        for number, lane in enumerate(self.lanes):
            for protocol in lane.caught_up(end=end):
                while self.read(number, protocol):
                    pass

    def end_pauses(self) -> None:
        """Let readers that pause by a fault go on."""
        if self._faults is not None:
            self._faults.end_pauses()
            self.caught_up()

    @property
    def _states_comparable(self) -> bool:
        """Not where one of them read notifications of NETLINK_ROUTE for longer than the other."""
        since = [lane.lost_sockets.get(NETLINK_ROUTE) for lane in self.lanes]
        return since[0] == since[1]

    def _compare_losses(self) -> None:
        """Hold what each of them says it lost against what faults took from it."""
        for number, lane in enumerate(self.lanes):
            had, ledger = lane.had, lane.ledger
            said = ledger.overruns, ledger.lost, ledger.sockets
            self.judge.losses(number, (had.reported, had.lost, had.failed), said, self.tally.last_frame)

    def finish(self) -> None:
        """It is over: judge what stayed unpaired, compare the states, and close."""
        self.programs.end(self.read)
        drops = [lane.drops() for lane in self.lanes]
        for lane, dropped in zip(self.lanes, drops, strict=True):
            for protocol, count in dropped.items():
                lane.ledger.note_drops(protocol, count)
        self.unmatched.unpaired = self._pairing.unpaired()
        for unpaired in self.unmatched.unpaired:
            for read in unpaired.within:
                self._judge_unpaired(unpaired.lane, read)
        last = self.tally.last_frame
        self._nexthops.apply(end=True)
        self.dumps.abandon_all()
        if not self.states.shared and self._states_comparable:  # else there is but one, or one that went on alone
            self.judge.states(*self.states.both, last, self.states.unsettled.objects)
        if self._faults is not None and not any(count for dropped in drops for count in dropped.values()):
            self._compare_losses()
        self._recording.keep_drops(drops)
        compare_counters(self.judge, self.lanes, last)
        self._compare_outside(last, [lane.close() for lane in self.lanes])

    def _judge_unpaired(self, number: int, read: Read) -> None:
        """Judge what the other lane has not read, though it read what came before and behind it. It comes too late for
        the states, which have moved on; since neither has it, they do not differ by it."""
        if read.reading.fate:
            return  # nobody was given it
        datagram, lane, other = read.reading.datagram, self.lanes[number], self.lanes[1 - number]
        protocol, groups = datagram.protocol, carried_by(datagram, self.kernel)
        mine, joined = set(lane.groups(protocol)), set(other.groups(protocol))
        if other.lost(protocol):
            self.unmatched.unread[f"{other.name} lost them"] += 1
        elif protocol in other.failed:
            self.unmatched.unread[f"the socket of {other.name} failed"] += 1
        elif mine <= joined or (groups and groups & mine and groups <= joined):
            self._judge(number, read, Side(other.name, (), ()), fold=False)
        else:
            self.unmatched.uncompared[f"{other.name} may not have joined their group"] += 1
