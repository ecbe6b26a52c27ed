"""What every comparison of two lanes does, wherever their datagrams come from.

Rules:
1. What both made of a datagram goes to the judge unless they agree, and then into the states.
2. Counters and findings are bounded or counted by kind; nothing grows with the length of the run.

Not here: where datagrams come from (``replay``, ``live``), the rules of comparison (``nlmon.compare``), the report
(``summary``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from msgspec import UNSET, UnsetType, structs

from nlmon.capture.segment import Place
from nlmon.compare.contract import Contract, load_contract
from nlmon.compare.difference import Difference
from nlmon.compare.directions import BothDirections, Judges
from nlmon.compare.evidence.check import RecordedNames
from nlmon.compare.judge import Judge
from nlmon.compare.known import KnownDifferences
from nlmon.compare.pair import Pair
from nlmon.compare.same import of_its_types
from nlmon.compare.side import Miscount, Side
from nlmon.engine.coverage.changes import Changes
from nlmon.engine.coverage.count import Coverage
from nlmon.engine.dumps import RecordedDumps
from nlmon.engine.form import check_values
from nlmon.engine.lane import Lane
from nlmon.engine.nexthops import NexthopAnnouncements
from nlmon.engine.states import Corrections, States
from nlmon.engine.timeline import Timeline
from nlmon.engine.where import Where
from nlmon.events import OVERRUN, RoutePayload
from nlmon.framing import types
from nlmon.limits import OTHERS, count_kinds
from nlmon.names import message_type
from nlmon.names.route import GROUPS
from nlmon.transport.recorded.groups import by_family, carried_by
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.uapi import NETLINK_GENERIC, NETLINK_ROUTE
from nlmon.wire import Datagram

__all__ = ["Comparison", "compare_counters", "foldable", "no_datagram"]

AnyLane = TypeVar("AnyLane", bound=Lane)


class Blind(NamedTuple):
    """What a comparison cannot see, while it runs: counted, and changes that show in that alone."""

    coverage: Coverage
    changes: Changes


class Comparison(Generic[AnyLane]):
    """The comparison of two lanes while it runs. ``lanes``: that of the reference and that of the candidate;
    ``kernel``: what was read so far says of the kernel; ``compared``: events of notifications that both gave, or one
    alone and the bytes were read for it, by protocol; ``blind``: what of the messages is not read by both, and
    changes that show in nothing that is read; ``not_subscribed``: notifications that reached neither, by the
    name of their type, with that of the group where the type does not say it, or of their generic family.
    ``timeline``: when there was what; ``where``: the events that are compared, and then no states; None: all."""

    def __init__(
        self,
        lanes: tuple[AnyLane, AnyLane],
        kernel: RecordedKernel,
        *,
        contract: Contract | None = None,
        on_difference: Callable[[Difference], None] | None = None,
        on_reverse: Callable[[Difference], None] | None = None,
        extra_groups: Collection[str] = (),
        lossless: bool,
        known: Sequence[KnownDifferences] = (),
        where: Where | None = None,
    ) -> None:
        contract = contract or load_contract()
        if lanes[0].name == lanes[1].name and _are_two(lanes[0], lanes[1]):
            lanes[1].rename(f"{lanes[1].name} (2)")
        pair = Pair(contract, (lanes[0].guarded.statement, lanes[1].guarded.statement))
        self.lanes = lanes
        self.kernel = kernel
        self.where = where
        recorded = RecordedNames(kernel.family_names, self._link_name, kernel.gone, lambda: kernel.doubtful)
        forward, *back = known or (KnownDifferences(),)
        backends = type(lanes[0].backend), type(lanes[1].backend)
        coverage = Coverage(backends, contract, kernel.byteorder, kernel.family_name)
        self.blind = Blind(coverage, Changes(coverage, kernel.byteorder))
        self.timeline = Timeline()
        listeners = self.timeline.listener(0, on_difference), self.timeline.listener(1, on_reverse)
        judge = Judge(
            *(pair, kernel.byteorder, recorded, listeners[0]),
            known=forward,
            marks=coverage,
            wants=None if where is None else where.wants,
        )
        self.judge: Judges = judge if not back else BothDirections(judge, judge.reverse(back[0], listeners[1]))
        self.states = States(pair, lossless=lossless)
        self.dumps = RecordedDumps(self.states, kernel)
        self._nexthops = NexthopAnnouncements(self.states, lanes, kernel.byteorder)
        self.compared: Counter[int] = Counter()
        self.not_subscribed: Counter[str] = Counter()
        self._joins = [one.joins(extra_groups) for one in pair.statements]

    def _agree(self, datagram: Datagram, left: Side, right: Side) -> bool:
        """Whether both made the same of a datagram, so that nothing of it is worth a word."""
        return left.clean and right.clean and self.judge.agree(datagram, left.events, right.events)

    def _compare(self, datagram: Datagram, left: Side, right: Side, *, answer: bool = False) -> bool:
        """Compare what both made of a datagram; whether they agree."""
        agreed = self._agree(datagram, left, right)
        if not agreed:
            self._judge_one(datagram, left, right, answer=answer)
        return agreed

    def _compare_outside(self, frame: int, sides: Sequence[Side]) -> None:
        """Compare what came of no datagram, at a frame."""
        for number, (lane, side) in enumerate(zip(self.lanes, sides, strict=True)):
            self.timeline.count_events(number, lane, frame, len(side.events))
        self._compare(no_datagram(frame), sides[0], sides[1])

    def _judge_one(
        self, datagram: Datagram, left: Side, right: Side, *, answer: bool = False, request: bool = False
    ) -> None:
        """Compare what both made of a datagram and do not agree on at once; see ``Judge.compare``."""
        self.judge.compare(datagram, left, right, answer=answer, request=request)
        if not request and any(side.subscribed and not side.missed for side in (left, right)):
            self.blind.coverage.count(datagram)

    def _count_compared(self, datagram: Datagram, left: Side, right: Side) -> None:
        """Count the events of a notification; what a resync made is none, nor is the report of a loss. What one of them
        missed alone was not compared."""
        if left.missed != right.missed:
            return
        counts = [
            sum(not event.synthetic and event.type != OVERRUN for event in side.events)
            for side in (left, right)
            if side.subscribed and not side.missed
        ]
        if any(counts):
            self.compared[datagram.protocol] += max(counts)

    def _fold(self, sides: tuple[Side, Side], *, agreed: bool) -> None:
        left, right = self.lanes
        if not agreed and not foldable(sides):
            return  # no state can hold what it is, and the judge has said so
        if not (sides[0].due and sides[1].due):
            pair = self.judge.pair
            sides = _common(sides[0], pair), _common(sides[1], pair)
        self._compare_corrections(self.states.fold(sides, (left.ledger, right.ledger), agreed=agreed))

    def _judged_groups(self, datagram: Datagram, sides: tuple[Side, Side]) -> tuple[Side, Side]:
        """Compare the groups that carry a notification, which did not reach both; the sides, with a mark for whom the
        contract does not let receive it."""
        left, right = sides
        self._compare_groups(datagram, (left.subscribed, right.subscribed), (left.missed, right.missed))
        groups = carried_by(datagram, self.kernel)

        def marked(side: Side, joins: Mapping[int, Collection[int]]) -> Side:
            if side.subscribed or not joins:  # it states no groups
                return side
            if datagram.protocol == NETLINK_GENERIC:
                return structs.replace(side, due=not self.kernel.doubtful)
            return structs.replace(side, due=groups is None or groups.issubset(joins.get(datagram.protocol, ())))

        return marked(left, self._joins[0]), marked(right, self._joins[1])

    def _count_not_subscribed(self, datagram: Datagram) -> None:
        found = types(datagram.data, self.kernel.byteorder)
        names: Iterable[str]
        if datagram.protocol == NETLINK_GENERIC:
            names = map(partial(_family, self.kernel), found)
        else:
            groups = carried_by(datagram, self.kernel) or ()
            names = (_with_group(datagram.protocol, kind, groups) for kind in found)
        count_kinds(self.not_subscribed, names, OTHERS)

    def _compare_groups(
        self, datagram: Datagram, subscribed: Sequence[bool], missed: Sequence[bool] = (False, False)
    ) -> None:
        """Hold the groups that carry a notification against those that the contract makes each implementation join. One
        that is subscribed and ``missed`` it is no evidence that the other one lacks its event."""
        groups = carried_by(datagram, self.kernel)
        neither = not any(joined and not lost for joined, lost in zip(subscribed, missed, strict=True))
        for number, joins in enumerate(self._joins):
            if not subscribed[number] and groups and groups <= joins.get(datagram.protocol, frozenset()):
                self.judge.not_subscribed(datagram, number, neither=neither)

    @property
    def _states_comparable(self) -> bool:
        """Whether both received the same, so that their states must be the same."""
        return True

    def _check_dump(self, datagram: Datagram, place: Place, sides: tuple[Side, Side], *, agreed: bool) -> None:
        """Hold a datagram of a recorded dump against the states, if it ends one."""
        checked = self.dumps.add(datagram, place, sides, sound=agreed or foldable(sides))
        if checked is not None:
            self._compare_corrections(checked.corrections)
            self.states.unsettled.settle(checked.settled)

    def _compare_corrections(self, found: Corrections) -> None:
        """Compare what came to light in the two states."""
        if not any(found):
            return
        for lane, corrections in zip(self.lanes, found, strict=True):
            lane.ledger.correct(corrections)
        if self._states_comparable:
            self.judge.corrections(*found, self.states.unsettled.objects)

    def _link_name(self, index: int) -> str | None | UnsetType:
        found = self.kernel.names.get(index)
        return UNSET if found is None and self.kernel.lacks_links else found


def _are_two(one: Lane, other: Lane) -> bool:
    """Whether two lanes of one class have other implementations behind it, such as two programs."""
    return type(one.backend) is type(other.backend) and one.guarded.identity != other.guarded.identity


def _common(side: Side, pair: Pair) -> Side:
    """What came of a datagram that the other one need not receive, without what it would have to give."""
    events = [e for e in side.events if e.synthetic or not pair.shares_message(e.protocol, e.msg_type)]
    return structs.replace(side, events=events)


def compare_counters(judge: Judges, lanes: Iterable[Lane], frame: int) -> None:
    """Hold the counters of each implementation against what its lane noted."""
    for number, lane in enumerate(lanes):
        judge.counters(number, lane.guarded.ask(partial(_miscounts, lane), []), frame)


def _miscounts(lane: Lane) -> list[Miscount]:
    found = list(lane.heard.miscounts(lane.backend, lane.sockets))
    for one in found:
        check_values(one)
    return found


def foldable(sides: Iterable[Side]) -> bool:
    """Whether a state can take in what came of a datagram: what is in it is of the types that an event has."""
    for side in sides:
        for event in side.events:
            if isinstance(event.payload, RoutePayload) and not of_its_types(event.payload):
                return False
    return True


def _family(kernel: RecordedKernel, number: int) -> str:
    """A generic family for people: by the name that the recording gave to it last, or by its number."""
    names = kernel.family_names(number)
    return f"family {names[-1]}" if names else f"family {number}"


def _with_group(protocol: int, kind: int, groups: Collection[int]) -> str:
    """The name of a type of messages; where it does not say which group carries them, with that of the group."""
    name = message_type(protocol, kind)
    if protocol != NETLINK_ROUTE or not by_family(kind):
        return name
    return f"{name} to {', '.join(GROUPS[group] for group in groups) or 'an unknown group'}"


def no_datagram(frame: int) -> Datagram:
    """What stands for the place of something that belongs to no datagram."""
    return Datagram(frame, 0, NETLINK_ROUTE, b"")
