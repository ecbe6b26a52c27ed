"""Replays a recording into two implementations at once and compares what they make of it.

    batch ─► feed ─► results of each lane ─► judge: align, classify, explain
                                       └───► states, held against recorded dumps

Rules:
1. The reference and the candidate are the two lanes of one ``Feed``; what they are fed, it decides.
2. An implementation that raises is a difference (``crash``), not the end of the run.
3. Streaming: nothing grows with the length of the recording; lists in the report are bounded and counted.

Not here: feeding (``feed``), what every comparison does (``comparison``), the rules of comparison (``nlmon.compare``),
the report (``summary``), and reading a capture to its end (``run``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.capture.base import Batch, ByteOrder, Frame, alike
from nlmon.capture.segment import Role
from nlmon.capture.segmenter import SEGMENT_FRAMES
from nlmon.compare.contract import Contract
from nlmon.compare.difference import Difference
from nlmon.compare.directions import Judges
from nlmon.compare.known import KnownDifferences
from nlmon.compare.side import Side
from nlmon.engine.comparison import Comparison, compare_counters, foldable
from nlmon.engine.consumer import deliver
from nlmon.engine.feed import Feed, Step
from nlmon.engine.form import check_event
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.nexthops import is_of_nexthops
from nlmon.engine.recorded import RecordedLane
from nlmon.engine.segments import Select
from nlmon.engine.where import Where
from nlmon.events import Event
from nlmon.objects.keys import subject_of
from nlmon.state.identity import forget_shared
from nlmon.state.tables import Object, State
from nlmon.transport.recorded.faults import Fault
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.uapi import NETLINK_ROUTE
from nlmon.wire import Datagram

__all__ = ["Replay"]


class _Asked(NamedTuple):
    """What is asked of a replay: the options of its implementations, and who is given what came of each datagram."""

    options: BackendOptions
    on_side: Callable[[int, Side], None] | None


class Replay(Comparison[RecordedLane]):
    """The comparison of one recording while it runs; ``known``: differences that are allowed, of the move from the
    reference to the candidate, and, if that is to be judged, too, of the way back; ``where``: events that are compared,
    None: all; ``answers``: recorded answers to dumps are compared, too."""

    def __init__(
        self,
        reference: BackendMaker,
        candidate: BackendMaker,
        *,
        byteorder: ByteOrder,
        select: Select = "notifications",
        protocols: Sequence[int] | None = None,
        contract: Contract | None = None,
        on_difference: Callable[[Difference], None] | None = None,
        on_reverse: Callable[[Difference], None] | None = None,
        options: BackendOptions | None = None,
        faults: tuple[Fault, ...] = (),
        known: Sequence[KnownDifferences] = (),
        on_side: Callable[[int, Side], None] | None = None,
        where: Where | None = None,
        answers: bool = True,
    ) -> None:
        options = options or BackendOptions()
        self.feed = Feed(
            (reference, candidate),
            byteorder,
            select=select,
            protocols=protocols,
            options=options,
            faults=faults,
            answers=answers,
        )
        left, right = self.feed.lanes
        super().__init__(
            (left, right),
            self.feed.kernel,
            contract=contract,
            on_difference=on_difference,
            on_reverse=on_reverse,
            extra_groups=options.extra_groups,
            lossless=not faults and not options.resync,
            known=known,
            where=where,
        )
        # Reads what is announced, lost or not, in the place of the one that gives more, which is not to see it twice.
        self._announcer: Backend | None = None
        if faults:
            self.states.announce(())
            make = (reference, candidate)[self.states.full]
            made = partial(make, RecordedFactory(self.feed.kernel), options)
            self._announcer = self.lanes[self.states.full].guarded.ask(made, None)
        self._asked = _Asked(options, on_side)
        for lane in self.lanes:
            lane.ledger.keeps_objects = self.resync and lane.guarded.statement.recovers
        self._compare_outside(0, self.feed.start())

    # -- what is read ----------------------------------------------------------------------------------------

    def play(self, frames: Iterable[Frame]) -> None:
        """Compare frames of the recording, many at a time where they are alike."""
        waiting: list[Frame] = []
        try:
            for frame in frames:
                if waiting and (len(waiting) == SEGMENT_FRAMES or not alike(waiting[-1], frame)):
                    whole, waiting = waiting, []
                    self.add(Batch.of(whole))
                waiting.append(frame)
        finally:
            # Also when the frames end by an exception: what was read is not lost.
            if waiting:
                self.add(Batch.of(waiting))

    def add(self, batch: Batch) -> None:
        """Compare the next frames of the recording."""
        self.timeline.add(batch)
        for step in self.feed.steps(batch):
            self._judge(step)
        if not self.states.shared:  # else nothing is held twice
            forget_shared()

    def _judge(self, step: Step) -> None:
        datagrams, agreed = step.datagrams, False
        if step.what == "fed":
            self._fed(step)
            if self._asked.on_side is not None:
                for number, results in enumerate(step.results):
                    for side in results.sides():
                        self._asked.on_side(number, side)
        elif step.what == "answer":
            left, right = (result.side(0) for result in step.results)
            part = _part(self.where, datagrams.at(0), (left, right))
            agreed = part is None or self._compare(datagrams.at(0), *part, answer=True)
        elif step.what == "left out":
            self._count_not_subscribed(datagrams.at(0))
        elif self.feed.asked is None or datagrams.protocol in self.feed.asked:
            for datagram in datagrams:
                self._compare_groups(datagram, (False, False))
        if step.place.role is Role.DUMP and step.results and self.where is None and not _failed(self.lanes):
            left, right = (result.side(0) for result in step.results)
            self._check_dump(datagrams.at(0), step.place, (left, right), agreed=agreed)

    def _fed(self, step: Step) -> None:
        """Compare what both made of datagrams, and fold the events if these were notifications."""
        data, (left, right) = step.datagrams.data, step.results
        self.timeline.fed(step.datagrams, step.results, self.lanes)
        is_notification, is_request = step.place.role is Role.NOTIFICATION, step.place.role is Role.REQUEST
        if self.where is not None:
            for place, datagram in enumerate(step.datagrams):
                sides = left.side(place), right.side(place)
                self._one(datagram, sides, differs=False, fold=is_notification, request=is_request)
            return
        if is_notification and self._announcer is not None and step.datagrams.protocol == NETLINK_ROUTE:
            full = step.results[self.states.full]
            for place, datagram in enumerate(step.datagrams):
                self.states.announce(_announced(datagram, self._announcer, full.side(place)))
        datagrams, lossless = step.datagrams, self.states.lossless
        protocol, fold_one = datagrams.protocol, self.states.fold_one
        changes, watched = self.blind.changes, self.blind.coverage.watched
        at, size = 0, len(data)
        while at < size:
            end = at + self.judge.agree_on(data[at:], left.events[at:], right.events[at:])
            if is_notification:
                self.compared[protocol] += end - at
            if is_notification and not lossless:
                self._fold_agreed(step, at, end)
            elif is_notification:
                columns = data[at:end], left.events[at:end], right.events[at:end]
                for place, (message, one, other) in enumerate(zip(*columns, strict=True), at):
                    if one is None or other is None:
                        continue
                    subject = subject_of(one)
                    if subject is not None:
                        if subject[0] in watched:
                            changes.follows(subject, protocol, message, one, other)
                        found = fold_one(one, other, subject)
                        if found is not None:
                            self._compare_corrections(found)
                    else:
                        changes.note_one(protocol, message, one, other)
                        if is_of_nexthops(message):
                            self._nexthops.note(datagrams.at(place), (left.side(place), right.side(place)))
            if end < size:
                # Both gave one event, and these differ: nothing is left to try.
                differs = left.events[end] is not None and right.events[end] is not None
                sides, datagram = (left.side(end), right.side(end)), datagrams.at(end)
                self._one(datagram, sides, differs=differs, fold=is_notification, request=is_request)
            at = end + 1

    def _fold_agreed(self, step: Step, begin: int, end: int) -> None:
        """Fold what both made alike of some notifications where something may be lost: each has a state and a ledger of
        its own."""
        datagrams, (left, right) = step.datagrams, step.results
        for place in range(begin, end):
            message, sides = datagrams.data[place], (left.side(place), right.side(place))
            self.blind.changes.note_one(datagrams.protocol, message, left.events[place], right.events[place])
            if is_of_nexthops(message):
                self._nexthops.note(datagrams.at(place), sides)
            self._fold(sides, agreed=True)

    def _one(self, datagram: Datagram, sides: tuple[Side, Side], *, differs: bool, fold: bool, request: bool) -> None:
        """Compare what both made of a datagram; ``differs``: it is known not to be the same."""
        for lane, side in zip(self.lanes, sides, strict=True):
            lane.heard.note(datagram, side, self.kernel.byteorder)
        part = _part(self.where, datagram, sides)
        if part is None:
            return
        left, right = sides = part
        if fold and self.where is None:
            self._nexthops.note(datagram, sides)
        if not (left.subscribed and right.subscribed):
            sides = left, right = self._judged_groups(datagram, sides)
            if not (left.subscribed or right.subscribed or left.crash or right.crash):
                self._count_not_subscribed(datagram)
                if not (left.events or right.events):  # else a loss ended here, or was recovered from
                    return
        if fold:
            self._count_compared(datagram, left, right)
        agreed = not differs and self._agree(datagram, left, right)
        if not agreed:
            self._judge_one(datagram, left, right, request=request)
        if fold and self.where is None:
            if agreed or foldable(sides):
                self.blind.changes.note(datagram, left, right)
            self._fold(sides, agreed=agreed)

    def _fold(self, sides: tuple[Side, Side], *, agreed: bool) -> None:
        if self.resync:
            deliver(self.judge, self.lanes, sides, self.kernel)
        super()._fold(sides, agreed=agreed)
        if self.resync:
            self._compare_recovery()

    @property
    def held(self) -> int:
        """How many objects are held, in the states of both, in the recorded kernel and in what is known of losses."""
        pairs = zip(self.lanes, self.states.both, strict=True)
        beyond = sum(lane.ledger.beyond(state) for lane, state in pairs)
        # Caches hold once more what the recorded kernel does, which beside the states of a recovery is little.
        kept = self.kernel.size * (2 if self._asked.options.caches and not self._asked.options.resync else 1)
        return self.states.size + kept + beyond + len(self.states.unsettled.objects)

    # -- states and losses -----------------------------------------------------------------------------------

    @property
    def resync(self) -> bool:
        """Whether a recovery is judged: what all is fed to, no socket would have received."""
        return self._asked.options.resync and self.feed.select == "notifications"

    def recovering(self, lane: RecordedLane) -> bool:
        """Whether a lane reported a loss of which it should recover, and nobody has looked at that yet."""
        recovers = lane.guarded.statement.recovers and NETLINK_ROUTE not in lane.lost_sockets
        return self.resync and lane.ledger.open and recovers

    @property
    def _states_comparable(self) -> bool:
        """Not where one of them read notifications of NETLINK_ROUTE for longer than the other, nor where a program
        failed, which misses what it did not answer."""
        if _failed(self.lanes):
            return False
        since = [lane.lost_sockets.get(NETLINK_ROUTE) for lane in self.lanes]
        return since[0] == since[1]

    def _compare_recovery(self, *, now: bool = False) -> None:
        """Hold what an implementation made of a loss, once it has recovered or ``now``, against what its kernel holds,
        as the other one reads it and as it does itself: only it knows that afterwards, so comparing the two states
        cannot judge it."""
        for number, lane in enumerate(self.lanes):
            if not self.recovering(lane) or (lane.guarded.resyncing() and not now):
                continue
            lane.ledger.settle()
            if not lane.guarded.resyncing() and not lane.ledger.incomplete:
                self.states.both[number].dumps.regain()
            for reader in (self.lanes[1 - number], lane):
                try:
                    held = lane.held_by_kernel(reader.backend)
                except KeyboardInterrupt:
                    raise
                except BaseException:
                    continue  # an implementation that raises is a difference where its datagrams are compared
                names = (reader.name, lane.name)
                known = _judgeable(lane.ledger.reported, held, self.kernel.lacking()), lane.ledger.vanished
                self.judge.recovery(names, self.states.both[number], held, known, self.feed.tally.last_frame)

    # -- the end ---------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """The recording is over: compare the states and the losses."""
        for step in self.feed.flush():
            self._judge(step)
        last = self.feed.tally.last_frame
        self.dumps.abandon_all()
        ended = [side or Side(lane.name, (), ()) for lane, side in zip(self.lanes, self.feed.end(), strict=True)]
        self._compare_outside(last, ended)
        if self._asked.on_side is not None:
            for number, side in enumerate(ended):
                self._asked.on_side(number, side)
        if any(side.events for side in ended):
            if self.resync:
                deliver(self.judge, self.lanes, (ended[0], ended[1]), self.kernel)
            ledgers = self.lanes[0].ledger, self.lanes[1].ledger
            self._compare_corrections(self.states.fold((ended[0], ended[1]), ledgers, agreed=False))
        self._compare_recovery(now=not self._asked.options.resync_interval)
        if not self.states.shared and self._states_comparable:  # else there is but one, or one that went on alone
            self.judge.states(*self.states.both, last, self.states.unsettled.objects)
        if self._asked.options.message_pool_size is None:  # a full pool loses on its own account
            _compare_losses(self.judge, self.lanes, last)
        compare_counters(self.judge, self.lanes, last)
        self._compare_outside(last, self.feed.close())
        forget_shared()


def _part(where: Where | None, datagram: Datagram, sides: tuple[Side, Side]) -> tuple[Side, Side] | None:
    """What of a datagram is compared; None: nothing."""
    return sides if where is None else where.narrowed(datagram.frame, sides)


def _announced(datagram: Datagram, announcer: Backend, side: Side) -> Sequence[Event]:
    """What a notification says, whichever socket loses it; where ``side`` has an equal event, that one, so that it
    is held once."""
    try:
        events: Sequence[Event] = list(announcer.decode(datagram).events)
        for event in events:
            check_event(event)
    except KeyboardInterrupt:
        raise
    except BaseException:
        return ()  # an implementation that raises is a difference where its datagrams are compared
    if events == list(side.events):
        events = side.events
    return events if foldable((Side(announcer.name, events, ()),)) else ()


def _compare_losses(judge: Judges, lanes: Iterable[RecordedLane], frame: int) -> None:
    """Hold what each of them says it lost against what its socket was made to lose."""
    for number, lane in enumerate(lanes):
        faults, ledger = lane.factory.faults, lane.ledger
        had, said = (faults.reported, faults.lost, faults.failed), (ledger.overruns, ledger.lost, ledger.sockets)
        judge.losses(number, had, said, frame)


def _failed(lanes: Sequence[RecordedLane]) -> bool:
    """Whether a program of others has failed, of whose answers nothing is known since then."""
    return any(lane.problems.failure is not None for lane in lanes)


def _judgeable(reported: set[Object], truth: State, lacking: Collection[str]) -> set[Object]:
    """Reported objects of which the recorded kernel may say that they are gone: not those of a kind of which it has not
    all."""
    if not lacking:
        return reported
    return {(kind, key) for kind, key in reported if kind not in lacking or key in truth.tables[kind]}
