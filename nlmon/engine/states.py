"""The states of two lanes, folded as one for as long as both implementations give the same.

One of the two, *full*, gives all that the other, *reduced*, gives and more. While they agree, events are folded once,
into the state of the full one; the reduced state would be the same without what only the full one gives. At the first
event that says something else the two diverge for good, each with tables of its own.

Rules:
1. The difference cannot be seen: what is said of the reduced state is what folding it would have given.
2. Where losses are recovered from, each state is folded by itself from the start, since the two need not be the same.
3. Where faults take messages, a third state takes in what was announced all the same. What a dump brings to light there
   was not announced; what it brings to light in the state of a lane alone was lost.

Not here: what an event does to a state (``nlmon.state.tables``), and comparing states (``nlmon.compare.final``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

from msgspec import UNSET, msgpack, structs

from nlmon.compare.contract import KIND_TYPES, kind_name
from nlmon.compare.pair import Pair
from nlmon.compare.side import Side
from nlmon.engine.losses import Ledger, Touched, Unsettled
from nlmon.events import PAYLOADS, Event, NextHop, Payload, RouteInfo, RoutePayload
from nlmon.objects.keys import Subject, subject_of
from nlmon.objects.nexthops import NexthopChange
from nlmon.state.dumps import DumpLoad, Unannounced
from nlmon.state.identity import held_by_dump
from nlmon.state.tables import NOTHING, Folded, Object, State

__all__ = ["Checked", "Corrections", "Loads", "States"]

# One dump, for the state of each lane.
Loads: TypeAlias = tuple[DumpLoad, DumpLoad]
# What came to light in each of the two states and need not be the same; while they are ``shared``, nothing.
Corrections: TypeAlias = tuple[Sequence[Unannounced], Sequence[Unannounced]]
NONE: Corrections = ((), ())
# The kinds of payloads that states are folded from, and the part of one of them.
FOLDED = ("link", "addr", "route", "neigh", "rule", "hop")


class Checked(NamedTuple):
    """What a dump did that was complete: what it corrected in each state, and what it settles."""

    corrections: Corrections
    settled: set[Object]


class States:
    """The states of the reference and of the candidate of a pair; ``lossless``: nothing is lost and nothing
    recovered from. ``shared``: the two are one so far, in the state of the full one. ``unsettled``: what they need not
    agree on. ``lost``: notes what changed and was announced, and the full one lost."""

    def __init__(self, pair: Pair, *, lossless: bool) -> None:
        full = [pair.covers(number, FOLDED) for number in (0, 1)]
        self.shared = lossless and full[0] != full[1]
        self.lossless = lossless
        self._both = State(), State()
        self._full = 0 if full[0] and not full[1] else 1
        more, less = (pair.statements[number].fields for number in (self._full, 1 - self._full))
        self._only_full = {
            kind: dict.fromkeys(more.get(kind, frozenset()) - less.get(kind, frozenset()), UNSET) for kind in FOLDED
        }
        self._only_full_in_hop = self._only_full["hop"]
        # The kinds of payloads whose objects both give whole; of others there is no state.
        kinds = [kind for kind in FOLDED if kind in PAYLOADS]
        self.folded: tuple[type[RoutePayload], ...] = tuple(
            cast("type[RoutePayload]", KIND_TYPES[kind]) for kind in kinds if pair.shares_objects(kind)
        )
        self._all_folded = len(self.folded) == len(kinds)
        self.unsettled = Unsettled()
        self.lost = State()
        # What was announced, lost or not, once ``announce`` was called, and its dumps by those of the full one.
        self._announced: State | None = None
        self._announced_loads: dict[int, DumpLoad] = {}
        # Dumps that have begun and not ended, for the state that is folded and for the other.
        self._open: list[Loads] = []

    @property
    def full(self) -> int:
        """The number of the lane whose implementation gives more."""
        return self._full

    @property
    def both(self) -> tuple[State, State]:
        """The states of reference and candidate. While they are ``shared`` the reduced one has no tables of its own."""
        return self._both

    def objects(self, number: int) -> dict[str, int]:
        """How many objects of each kind the state of implementation ``number`` holds."""
        state = self._both[self._full if self.shared else number]
        return {kind: len(table) for kind, table in state.tables.items() if table}

    @property
    def size(self) -> int:
        """How many objects both states hold together, those of dumps that are under way among them."""
        waiting = sum(other.listed for _, other in self._open) if self.shared else 0
        states = self._both if self._announced is None else (*self._both, self._announced)
        return sum(state.size for state in states) + waiting

    def bytes_held(self) -> int:
        """How large these objects are, as bytes of msgpack; each is looked at."""
        tables = [table for state in self._both for table in state.tables.values()]
        return sum(len(msgpack.encode(payload)) for table in tables for payload in table.values())

    def unannounced(self) -> State:
        """The state of the one that gives more, for what came to light in it: that is the same whichever is judged.
        Where messages were lost, the state of all that was announced."""
        return self._both[self._full] if self._announced is None else self._announced

    def announce(self, events: Iterable[Event]) -> None:
        """Fold what was announced into the state of that, before any lane receives it or loses it."""
        if self._announced is None:
            self._announced = State()
        for event in events:
            if isinstance(event.payload, self.folded):
                self._announced.apply(event)

    def diverge(self) -> None:
        """Give each lane a state of its own."""
        if self.shared:
            self.shared = False
            full, reduced = self._both[self._full], self._both[1 - self._full]
            reduced.adopt(full, self._project, [other for _, other in self._open])

    # -- events ----------------------------------------------------------------------------------------------

    def fold(self, sides: tuple[Side, Side], ledgers: tuple[Ledger, Ledger], *, agreed: bool) -> Corrections:
        """Fold the events of a datagram; ``agreed``: both gave the same. What that brought to light."""
        left, right = sides if self._all_folded else map(self._part, sides)
        if (agreed and self.lossless) or (self.shared and self._alike(left, right)):
            return self._fold_same(left.events, right.events)
        self.diverge()
        (one, found), (other, also_found) = (
            ledger.fold(side.events, state, lossy=side.lossy)
            for side, ledger, state in zip((left, right), ledgers, self._both, strict=True)
        )
        apart_before = bool(self.unsettled.objects) or self._both[0].knows_addresses != self._both[1].knows_addresses
        same = apart_before and _subjects(left) == _subjects(right)
        apart = self._apart(one.announced & other.announced) if same else set()
        self.unsettled.note(one, other, same=same, apart=apart)
        return found, also_found

    def _part(self, side: Side) -> Side:
        """What came of a datagram without that of which there is no state."""
        events = [
            e for e in side.events if isinstance(e.payload, self.folded) or not isinstance(e.payload, RoutePayload)
        ]
        return structs.replace(side, events=events)

    def _apart(self, objects: set[Object]) -> set[Object]:
        """Of these, what one state holds and the other does not."""
        left, right = (state.tables for state in self._both)
        return {(kind, key) for kind, key in objects if (key in left[kind]) != (key in right[kind])}

    def _fold_same(self, reference: Sequence[Event], candidate: Sequence[Event]) -> Corrections:
        if self.shared:
            for event in (reference, candidate)[self._full]:
                self._correct_reduced(self._both[self._full].apply(event).found)
            return NONE
        found: tuple[list[Unannounced], list[Unannounced]] = ([], [])
        for one, other in zip(reference, candidate, strict=True):
            subject = subject_of(one)
            if subject is not None:
                for mine, more in zip(found, self.fold_one(one, other, subject) or NONE, strict=True):
                    mine.extend(more)
        return found

    def fold_one(self, reference: Event, candidate: Event, subject: Subject) -> Corrections | None:
        """Fold an event of each, about ``subject``, that both agreed on, where nothing is lost; what that brought to
        light, or None."""
        if self.shared:
            found = self._both[self._full].fold(candidate if self._full else reference, subject).found
            if found:
                self._correct_reduced(found)
            return None
        left, right = self._both[0].fold(reference, subject).found, self._both[1].fold(candidate, subject).found
        return (left, right) if left or right else None

    def follow(self, nexthop: NexthopChange, frame: int, received: Sequence[bool]) -> tuple[Folded, Folded]:
        """Change the routes over a nexthop object in the state of each lane that ``received`` it; what that did."""
        if self._announced is not None:
            self._announced.follow(nexthop, frame)
        if self.shared:
            self._both[self._full].follow(nexthop, frame)
            return NOTHING, NOTHING
        one, other = (
            state.follow(nexthop, frame) if had else NOTHING for state, had in zip(self._both, received, strict=True)
        )
        if not all(received):
            left, right = (Touched(set(), {*folded.gone, *folded.changed}) for folded in (one, other))
            self.unsettled.note(left, right, same=False, apart=set())
        return one, other

    def _alike(self, left: Side, right: Side) -> bool:
        """Whether a datagram does the same to both states though not all in it is the same."""
        sides = left, right
        full, reduced = (
            [event for event in sides[n].events if subject_of(event) is not None] for n in (self._full, 1 - self._full)
        )
        if [(e.msg_type, e.msg_flags, e.frame) for e in reduced] != [(e.msg_type, e.msg_flags, e.frame) for e in full]:
            return False
        return self._same([event.payload for event in reduced], [event.payload for event in full])

    def _same(self, reduced: Sequence[Payload], full: Sequence[Payload]) -> bool:
        """Whether payloads are the same but for what only the full one gives, and nothing is lacking."""
        return len(reduced) == len(full) and all(
            type(old) is type(new) and self._whole(new) and old == self._project(new)
            for old, new in zip(reduced, full, strict=True)
        )

    def _project(self, payload: Any) -> Any:
        """A payload without what only the full one gives."""
        only_full = self._only_full[kind_name(payload)]
        if isinstance(payload, RouteInfo) and payload.multipath is not None:
            hops = tuple(structs.replace(hop, **self._only_full_in_hop) for hop in payload.multipath)
            return structs.replace(payload, **only_full, multipath=hops)
        return structs.replace(payload, **only_full) if only_full else payload

    def _whole(self, payload: Payload) -> bool:
        """Whether a payload provides every field, and none of its hops has what only the full one gives."""
        if UNSET in structs.astuple(payload):
            return False
        hops = (payload.multipath if isinstance(payload, RouteInfo) else None) or ()
        return isinstance(hops, tuple) and all(
            type(hop) is NextHop
            and UNSET not in structs.astuple(hop)
            and all(getattr(hop, name) is None for name in self._only_full_in_hop)
            for hop in hops
        )

    def _correct_reduced(self, corrections: Sequence[Unannounced]) -> None:
        """Note in the reduced state what came to light in the full one, but for fields that only the full one gives;
        the same was corrected in both, which is no difference."""
        reduced = self._both[1 - self._full]
        for found in corrections:
            only_full = self._only_full["link" if found.kind == "port" else found.kind]
            fields = tuple(name for name in found.fields if name not in only_full)
            if fields or not found.fields:
                reduced.note(structs.replace(found, fields=fields))

    # -- dumps -----------------------------------------------------------------------------------------------

    def begin_dump(self, get_type: int, family: int) -> Loads:
        """Begin a dump; see ``State.begin_dump``."""
        if not self.shared:
            left, right = (state.begin_dump(get_type, family) for state in self._both)
            if self._announced is not None:
                self._announced_loads[id((left, right)[self._full])] = self._announced.begin_dump(get_type, family)
            return left, right
        load = self._both[self._full].begin_dump(get_type, family)
        reduced = DumpLoad(load.msg_type, load.family, load.meanwhile)
        self._open.append((load, reduced))
        return (reduced, load) if self._full else (load, reduced)

    def end_dump(self, loads: Loads, frame: int) -> Checked:
        """End a dump that was complete, see ``State.end_dump``; what it corrects, and what it settles, see
        ``Unsettled``."""
        if self.shared:
            load, reduced = self._full_first(loads)
            if self._same(reduced.payloads, load.payloads):
                self._open.remove((load, reduced))
                self._correct_reduced(self._both[self._full].end_dump(load, frame))
                return Checked(NONE, set())
            self.diverge()
        left, right = (state.end_dump(load, frame) for state, load in zip(self._both, loads, strict=True))
        announced = self._announced_loads.pop(id(loads[self._full]), None)
        if self._announced is not None and announced is not None:
            announced.payloads = loads[self._full].payloads
            unannounced = {(one.kind, one.key) for one in self._announced.end_dump(announced, frame)}
            for one in (left, right)[self._full]:
                if (one.kind, one.key) not in unannounced:
                    self.lost.note(one)
        kind, _ = held_by_dump(loads[0].msg_type, loads[0].family)
        listed = self.unsettled.listed(kind, loads[0].family)
        judged = [key for key in listed if not any(load.is_touched(kind, key) for load in loads)]
        return Checked((left, right), {(kind, key) for key in judged})

    def abandon_dump(self, loads: Loads) -> None:
        """Forget a dump that proves nothing."""
        if self.shared:
            load, reduced = self._full_first(loads)
            self._open.remove((load, reduced))
            self._both[self._full].abandon_dump(load)
            return
        for state, load in zip(self._both, loads, strict=True):
            state.abandon_dump(load)
        announced = self._announced_loads.pop(id(loads[self._full]), None)
        if self._announced is not None and announced is not None:
            self._announced.abandon_dump(announced)

    def _full_first(self, loads: Loads) -> Loads:
        return loads[::-1] if self._full else loads


def _subjects(side: Side) -> list[tuple[int, Subject | None]]:
    """What the messages of a side are about: of each the type and the object."""
    return [(event.msg_type, subject_of(event)) for event in side.events if not (event.synthetic and side.lossy)]
