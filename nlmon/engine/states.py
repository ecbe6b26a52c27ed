"""The states of two lanes, folded as one for as long as both implementations make the same of everything.

Who gives less is not folded at all then: its state is that of who gives more, without what that one gives alone. At the
first event that says something else the two part ways for good, each with tables of its own.

Rules:
1. Nobody sees the difference: whoever asks for the state of a lane gets one that is whole, and where it is that of the
   lane that gives less, the states have then parted.
2. Where losses are made up for, each state is folded by its lane from the start, since the two need not be the same.

Not here: what an event does to a state (``nlmon.state.tables``), and comparing states (``nlmon.compare.final``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from msgspec import UNSET, structs

from nlmon.compare.contract import Contract, kind_name
from nlmon.engine.lane import Lane
from nlmon.events import Event, NextHop, Payload, RouteInfo
from nlmon.state.dumps import DumpLoad
from nlmon.state.identity import subject_of

__all__ = ["Folding", "Loads"]

# One dump, for the state of each lane.
Loads: TypeAlias = tuple[DumpLoad, DumpLoad]


class Folding:
    """Folds what two lanes were told; ``plain``: nothing is lost and nothing made up for. ``shared``: the states are
    one so far."""

    def __init__(self, lanes: tuple[Lane, Lane], contract: Contract, *, plain: bool) -> None:
        owners = {field.by for kind in contract.kinds.values() for field in kind.fields} - {"both"}
        rich = [lane.name in owners for lane in lanes]
        self.shared = plain and rich[0] != rich[1]
        self._plain = plain
        self._lanes = lanes
        self._more, self._less = lanes if rich[0] else lanes[::-1]
        hop = contract.kinds["hop"].fields
        self._alone_in_hop = {field.name: UNSET for field in hop if field.by == self._more.name}
        self._alone = {
            kind: {field.name: UNSET for field in contract.kinds[kind].fields if field.by == self._more.name}
            for kind in ("link", "addr", "route", "neigh", "rule")
        }
        # Dumps that have begun and not ended, for the state that is folded and for the other.
        self._open: list[Loads] = []
        if self.shared:
            self._less.parting = self.part

    def part(self) -> None:
        """Give each lane a state of its own."""
        if self.shared:
            self.shared, self._less.parting = False, None
            for load, twin in self._open:
                twin.touched, twin.reordered = set(load.touched), set(load.reordered)
            self._less.own.adopt(self._more.own, self._poorer, [twin for _, twin in self._open])

    def fold(self, *, agreed: bool) -> None:
        """Fold the events of the last datagram; ``agreed``: both make the same of it."""
        left, right = self._lanes
        if (agreed and self._plain) or (self.shared and self._alike()):
            self.fold_same(left.events, right.events)
            return
        self.part()
        left.fold()
        right.fold()

    def fold_same(self, reference: Sequence[Event], candidate: Sequence[Event]) -> None:
        """Fold events of one datagram that both agreed on, where nothing is lost."""
        if self.shared:
            for event in reference if self._more is self._lanes[0] else candidate:
                self._more.own.apply(event)
            if self._more.own.has_corrections:
                self._tell()
            return
        for one, other in zip(reference, candidate, strict=True):
            self.fold_one(one, other)

    def fold_one(self, reference: Event, candidate: Event) -> bool:
        """The same for one event of both; whether that brought anything to light that the states need not have in
        common."""
        if self.shared:
            state = self._more.own
            state.apply(reference if self._more is self._lanes[0] else candidate)
            if state.has_corrections:
                self._tell()
            return False
        left, right = (lane.own for lane in self._lanes)
        subject = subject_of(reference)
        if subject is not None:
            left.fold(reference, subject)
            right.fold(candidate, subject)
        return left.has_corrections or right.has_corrections

    def _alike(self) -> bool:
        """Whether the last datagram does the same to both states though not all in it is the same."""
        less, more = ([e for e in lane.events if subject_of(e) is not None] for lane in (self._less, self._more))
        if [(e.msg_type, e.msg_flags, e.frame) for e in less] != [(e.msg_type, e.msg_flags, e.frame) for e in more]:
            return False
        return self._same([event.payload for event in less], [event.payload for event in more])

    def _same(self, less: Sequence[Payload], more: Sequence[Payload]) -> bool:
        """Whether payloads are the same but for what one of the two gives alone, and nothing is lacking."""
        return len(less) == len(more) and all(
            type(old) is type(new) and self._whole(new) and old == self._poorer(new)
            for old, new in zip(less, more, strict=True)
        )

    def _poorer(self, payload: Any) -> Any:
        """A payload without what one of the two gives alone."""
        alone = self._alone[kind_name(payload)]
        if isinstance(payload, RouteInfo) and payload.multipath is not None:
            hops = tuple(structs.replace(hop, **self._alone_in_hop) for hop in payload.multipath)
            return structs.replace(payload, **alone, multipath=hops)
        return structs.replace(payload, **alone) if alone else payload

    def _tell(self) -> None:
        """Note what came to light in both states; it is the same, but for fields that one of the two gives alone."""
        for found in self._more.own.take_corrections():
            alone = self._alone["link" if found.kind == "port" else found.kind]
            fields = tuple(name for name in found.fields if name not in alone)
            if fields or not found.fields:
                self._less.own.note(structs.replace(found, fields=fields))
        self._less.own.take_corrections()

    # -- dumps -----------------------------------------------------------------------------------------------

    def begin(self, get_type: int, family: int) -> Loads:
        """A dump begins; see ``State.begin_dump``."""
        if not self.shared:
            left, right = (lane.own.begin_dump(get_type, family) for lane in self._lanes)
            return left, right
        load = self._more.own.begin_dump(get_type, family)
        twin = DumpLoad(load.msg_type, load.family)
        twin.touched, twin.reordered = load.touched, load.reordered
        self._open.append((load, twin))
        return (load, twin) if self._more is self._lanes[0] else (twin, load)

    def end(self, loads: Loads, frame: int) -> None:
        """A dump was complete; see ``State.end_dump``."""
        if self.shared:
            load, twin = self._known(loads)
            if self._same(twin.payloads, load.payloads):
                self._open.remove((load, twin))
                self._more.own.end_dump(load, frame)
                self._tell()
                return
            self.part()
        for lane, one in zip(self._lanes, loads, strict=True):
            lane.own.end_dump(one, frame)

    def abandon(self, loads: Loads) -> None:
        """A dump proves nothing."""
        if self.shared:
            load, twin = self._known(loads)
            self._open.remove((load, twin))
            self._more.own.abandon_dump(load)
            return
        for lane, one in zip(self._lanes, loads, strict=True):
            lane.own.abandon_dump(one)

    def _known(self, loads: Loads) -> Loads:
        return loads if self._more is self._lanes[0] else loads[::-1]

    def _whole(self, payload: Payload) -> bool:
        """Whether a payload provides every field, and none of its hops has what one of the two gives alone."""
        if UNSET in structs.astuple(payload):
            return False
        hops = (payload.multipath if isinstance(payload, RouteInfo) else None) or ()
        return isinstance(hops, tuple) and all(
            type(hop) is NextHop
            and UNSET not in structs.astuple(hop)
            and all(getattr(hop, name) is None for name in self._alone_in_hop)
            for hop in hops
        )
