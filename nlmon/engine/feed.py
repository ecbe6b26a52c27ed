"""Feeds a recording to any number of lanes: the one driver of replay, decode and statistics.

    batch ─► Segmenter.segments() ─► recorded kernel learns ─► lane.feed(), for each lane ─► Step

Rules:
1. Recorded answers to dumps and requests are never events: they give names and state.
2. Several datagrams are fed at once only where no lane looks at its kernel in between: without losses, recovery,
   caches and pools, and while no interface changes its name.
3. Streaming: nothing grows with the length of the recording.

Not here: judging what comes of it (``replay``), and printing it (``nlmon.cli``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Literal, TypeAlias

from msgspec import Struct

from nlmon.aside import prints_aside
from nlmon.backends.options import BackendOptions
from nlmon.capture.base import Batch, ByteOrder
from nlmon.capture.segment import ASIDE, Place, Role, Segment
from nlmon.capture.segmenter import Segmenter
from nlmon.capture.tally import Tally
from nlmon.compare.side import Results, Side
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.recorded import RecordedLane
from nlmon.engine.segments import Select, split_by_names
from nlmon.framing import header
from nlmon.transport.recorded.faults import Fault, Pauses
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.uapi import NETLINK_GENERIC, NLMSG_HDRLEN
from nlmon.wire import Datagrams

__all__ = ["Feed", "Step"]

What: TypeAlias = Literal["fed", "answer", "not covered", "left out"]


class Step(Struct, frozen=True):
    """Datagrams in one place of the conversation, and what each lane made of them. ``what``: they were fed, or
    are a recorded answer that was decoded; else ``results`` is empty, since their protocol is not covered, or their
    generic family was left out."""

    what: What
    place: Place
    datagrams: Datagrams
    results: Sequence[Results] = ()


class Feed:
    """Lanes that are fed from one recording. ``kernel``: what the recording says of its kernel; ``tally``: what it
    holds; ``select``: what is fed; ``asked``: the protocols that are asked for, None: all; ``protocols``: those of them
    that are covered.

    ``answers``: decode recorded answers, too, which else only teach the kernel.
    """

    def __init__(
        self,
        makers: Sequence[BackendMaker],
        byteorder: ByteOrder,
        *,
        select: Select = "notifications",
        protocols: Sequence[int] | None = None,
        options: BackendOptions | None = None,
        faults: tuple[Fault, ...] = (),
        answers: bool = True,
    ) -> None:
        options = options or BackendOptions()
        self.byteorder = byteorder
        # Only what asks for dumps needs the objects that they list.
        self.kernel = RecordedKernel(byteorder, objects=options.resync or bool(options.caches))
        with prints_aside():
            self.lanes = tuple(
                RecordedLane(make, RecordedFactory(self.kernel, select_all=select == "all", faults=faults), options)
                for make in makers
            )
        supported = {protocol for lane in self.lanes for protocol in lane.guarded.protocols}
        self.asked = None if protocols is None else frozenset(protocols)
        self.protocols = supported if self.asked is None else supported & self.asked
        self.tally = Tally()
        self._segmenter = Segmenter(byteorder)
        self.select: Select = select
        self.answers = answers
        self._families = {name.lower() for name in options.generic_families or ()}
        looks = options.resync or options.caches or options.message_pool_size is not None
        self._bulk = not faults and not looks
        self._pauses = Pauses(faults)
        # What a reader that pauses has not read, by protocol, in order.
        self._held: dict[int, list[Segment]] = {}

    def start(self) -> list[Side]:
        """Enable the protocols in each lane."""
        return [lane.start(sorted(self.protocols)) for lane in self.lanes]

    def steps(self, batch: Batch) -> Iterator[Step]:
        """Feed the next frames of the recording: a segment is counted and fed when its first step is asked for. What
        comes of them must be read to its end."""
        segments = self._segmenter.segments(batch, bulk=self._bulk, in_order=self.select == "all")
        return chain.from_iterable(map(self._feed, map(self.tally.add, segments)))

    def flush(self) -> Iterator[Step]:
        """Feed what still waits for others to share its segment, since no batch follows."""
        for segment in self._segmenter.flush():
            yield from self._feed(self.tally.add(segment))
        for protocol in list(self._held):
            yield from self._release(protocol)

    def _feed(self, segment: Segment) -> Iterable[Step]:
        """Feed a segment, unless its reader pauses: then only the kernel learns of it, which goes on."""
        protocol, role = segment.datagrams.protocol, segment.place.role
        notification = role is Role.NOTIFICATION
        # With faults there is no bulk.
        may_pause = not self._bulk and not self._pauses.none
        if may_pause and self._pauses.holds(segment.datagrams.at(0), notification=notification):
            if role not in ASIDE:
                self.kernel.learn(segment.datagrams, announced=notification)
            self._held.setdefault(protocol, []).append(segment)
            return () if self._pauses.pausing(protocol) else self._release(protocol)
        return self._read(segment, learn=True)

    def _release(self, protocol: int) -> Iterator[Step]:
        """Feed what a reader that paused has not read."""
        for segment in self._held.pop(protocol, ()):
            yield from self._read(segment, learn=False)

    def _read(self, segment: Segment, *, learn: bool) -> Iterable[Step]:
        """Let the lanes read a segment; ``learn``: the kernel has not learned of it yet."""
        place, datagrams = segment.place, segment.datagrams
        role, kernel = place.role, self.kernel
        notification = role is Role.NOTIFICATION
        if datagrams.protocol not in self.protocols:
            if role not in ASIDE and learn:
                kernel.learn(datagrams)
            return (Step("not covered", place, datagrams),) if notification else ()
        if notification or self.select == "all":
            if self._families and self._left_out(datagrams):
                return (Step("left out", place, datagrams),)
            learn = learn and role is not Role.REQUEST
            if len(datagrams.data) == 1:
                return (self._read_part(place, datagrams, learn=learn),)
            parts = split_by_names(datagrams, kernel)
            return (self._read_part(place, part, learn=learn) for part in parts)
        if role in {Role.DUMP, Role.REPLY}:
            if learn:
                kernel.learn(datagrams)
            if self.answers:
                return (Step("answer", place, datagrams, [_answered(lane, datagrams) for lane in self.lanes]),)
            for lane in self.lanes:
                lane.pass_answer(datagrams.protocol)
        return ()

    def _read_part(self, place: Place, datagrams: Datagrams, *, learn: bool) -> Step:
        """Let the lanes read datagrams while no interface changes its name."""
        if learn:
            notification = place.role is Role.NOTIFICATION
            self.kernel.learn(datagrams, announced=notification, single=notification and len(datagrams.data) > 1)
        results = []
        for lane in self.lanes:
            results.append(lane.feed(datagrams))
        return Step("fed", place, datagrams, results)

    def _left_out(self, datagrams: Datagrams) -> bool:
        """Whether a generic message is of a family that was left out: only libnl has an option for which it receives,
        so that would look like a fault of its own."""
        data = datagrams.data[0]
        if datagrams.protocol != NETLINK_GENERIC or len(data) < NLMSG_HDRLEN:
            return False
        names = {name.lower() for name in self.kernel.family_names(header(data, 0, self.byteorder).type)}
        return bool(names) and not names & self._families and "nlctrl" not in names

    @property
    def untouched(self) -> tuple[Fault, ...]:
        """Faults that have happened to no lane so far."""
        lanes = [set(lane.factory.faults.untouched) for lane in self.lanes]
        return (*self._pauses.untouched, *sorted(set.intersection(*lanes), key=str))

    def fault_notes(self) -> list[str]:
        """What a report says of the faults that did not happen, or by which the last of the lanes lost nothing."""
        last = self.tally.last_frame
        return self.lanes[-1].factory.faults.notes(last) + self._pauses.notes(last)

    def end(self) -> list[Side | None]:
        """The recording is over: what each lane makes of a loss that was going on."""
        return [lane.end() for lane in self.lanes]

    def close(self) -> list[Side]:
        """Close the implementations."""
        return [lane.close() for lane in self.lanes]


def _answered(lane: RecordedLane, datagrams: Datagrams) -> Results:
    return Results(lane.name, (None,), {0: lane.read_answer(datagrams.at(0))})
