"""What two events of the same message have in common, and what not: the table of classes, applied to fields.

Rules:
1. Nothing is normalised away. A field is equal, or it is a difference of one class with a reason.
2. Equal values are recognised by one tuple comparison per event; text and evidence are made only for a
   difference (``explain``).
3. An enhancement is what the statements list; a surplus that they do not list is a conflict.

Not here: which events belong together (``align``) and states (``final``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from operator import attrgetter
from typing import Any, NamedTuple

from msgspec import UNSET

from nlmon.compare.contract import Field, kind_name
from nlmon.compare.difference import Class
from nlmon.compare.pair import Pair
from nlmon.compare.same import same
from nlmon.events import OVERRUN, Event, NextHop, RouteInfo

__all__ = ["Classifier", "FieldFinding"]

_HEADER = ("type", "protocol", "msg_type", "msg_flags", "seq", "pid", "timestamp", "frame", "nsid", "synthetic")
_header = attrgetter(*_HEADER)
# Types whose equal values may differ inside.
_NESTED: set[type] = {tuple, list}


def _types(values: tuple[Any, ...]) -> tuple[type, ...]:
    return tuple(map(type, values))


class FieldFinding(NamedTuple):
    """A field that is not the same: its class, name, attribute path, the two values, and why it has this class."""

    cls: Class
    field: str
    path: str
    reference: Any
    candidate: Any
    reason: str


class Classifier:
    """Compares event with event, for one ordered pair of implementations. ``enhancements``, ``services``: what the
    candidate, or the reference, provided alone as their statements say, by kind and field; ``lost_events``: of these
    services whole events of notifications, by kind. ``absent``: how often a value that one declares for what is not in
    the message stood for just that, by kind and field."""

    def __init__(self, pair: Pair) -> None:
        self._pair, self._contract = pair, pair.contract
        self._reference, self._candidate = pair.statements
        self._names = pair.names
        self._declares = any(one.absent for one in pair.statements)
        self.enhancements: Counter[str] = Counter()
        self.services: Counter[str] = Counter()
        self.lost_events: Counter[str] = Counter()
        self.absent: Counter[str] = Counter()

    def compare(self, reference: Event, candidate: Event) -> Iterator[FieldFinding]:
        """Findings of one pair, enhancements not among them: they are counted per field instead."""
        before, after = _header(reference), _header(candidate)
        if before != after or _types(before) != _types(after):
            for name, old, new in zip(_HEADER, before, after, strict=True):
                if not same(old, new):
                    yield FieldFinding(
                        Class.CONFLICT, name, f"({name})", old, new, "both provide it, with different values"
                    )
        kinds = kind_name(reference.payload), kind_name(candidate.payload)
        if kinds[0] != kinds[1] or kinds[0] not in self._contract.events:
            reason = "the events are of different kinds, or of one that the contract does not list"
            yield FieldFinding(Class.CONFLICT, "payload", "", *kinds, reason)
            return
        if reference.type == OVERRUN:
            return  # how many were dropped is each socket's own: it depends on its groups and its buffer
        if not same(reference.interface, candidate.interface):
            yield from self._interface(reference, candidate)
        yield from self.payloads(reference.payload, candidate.payload)

    def shares(self, table: str) -> bool:
        """Whether both report the objects that a table of the state holds; ports of bridges are reported as links."""
        return self._pair.shares_objects("link" if table == "port" else table)

    def count_expected(self, event: Event, *, of_reference: bool, recovering: bool, answer: bool) -> bool:
        """Count an event that only one of them gave, as an enhancement or as a service that is lost, if the contract
        says so of its kind, or if it resynchronizes after a loss; False, and nothing is counted, if it does not.
        ``answer``: it is of a recorded answer, so that no monitor would have received it."""
        if event.synthetic:
            if not recovering:
                return False
            self._count("recovered", of_reference=of_reference, answer=answer)
            return True
        owner, other = self._pair.statements[:: 1 if of_reference else -1]
        if self._contract.of(event.protocol, event.msg_type) != kind_name(event.payload):
            return False
        kind = kind_name(event.payload)
        given = kind in owner.events or self._pair.leaves_open(0 if of_reference else 1)
        if kind in other.events or not given:
            return False
        self._count(kind, of_reference=of_reference, answer=answer)
        return True

    def _count(self, kind: str, *, of_reference: bool, answer: bool) -> None:
        (self.services if of_reference else self.enhancements)[kind] += 1
        if of_reference and not answer:
            self.lost_events[kind] += 1

    def _interface(self, reference: Event, candidate: Event) -> Iterator[FieldFinding]:
        old, new = reference.interface, candidate.interface
        old_must, new_must = (kind_name(reference.payload) in one.interfaces for one in self._pair.statements)
        if old is UNSET and not old_must and new_must:
            self.enhancements[f"{kind_name(candidate.payload)}.interface"] += new is not None
        elif new is UNSET and not new_must and old_must:
            self.services[f"{kind_name(candidate.payload)}.interface"] += old is not None
        else:
            cls, reason = Class.CONFLICT, "both provide it, with different values"
            if new is UNSET:
                cls, reason = Class.LOSS, f"{self._names[1]} does not provide it"
            elif new is None:
                cls, reason = Class.LOSS, f"{self._names[1]} does not know the name"
            elif old is UNSET:
                reason = f"{self._names[0]} does not provide it, which the contract does not allow"
            yield FieldFinding(cls, "interface", "(interface)", old, new, reason)

    def payloads(self, reference: object, candidate: object, prefix: str = "") -> Iterator[FieldFinding]:
        """Findings of two payloads of one kind; ``prefix`` names the place of a nested one."""
        kind = self._contract.kinds[kind_name(reference)]
        before, after = kind.values(reference), kind.values(candidate)
        if before == after and UNSET not in before:
            types = _types(before)
            if types == _types(after) and _NESTED.isdisjoint(types):
                return
        family = _family(reference, candidate)
        for field, old, new in zip(kind.fields, before, after, strict=True):
            if old is new or same(old, new):
                if old is UNSET and self._candidate.provides(kind.name, field.name, family):
                    reason = f"{self._names[1]} does not provide it, and the contract says that it does"
                    yield FieldFinding(Class.LOSS, f"{prefix}{field.name}", field.path, old, new, reason)
                continue
            if field.name == "multipath" and isinstance(reference, RouteInfo) and _are_hops(old) and _are_hops(new):
                yield from self._hops(old, new)
                continue
            if kind.name == "generic" and self._states_differ(field.name) and type(old) is type(new):
                yield from self.payloads(old, new, f"{field.name}.")
                continue
            finding = self._field(kind.name, field, old, new, family, prefix)
            if finding is not None:
                yield finding

    def _states_differ(self, part: str) -> bool:
        """Whether the two provide different fields of a part of generic events."""
        one, other = (statement.fields.get(part) for statement in self._pair.statements)
        return one is not None and other is not None and one != other

    def _hops(self, before: tuple[NextHop, ...], after: tuple[NextHop, ...]) -> Iterator[FieldFinding]:
        if len(before) != len(after):
            reason = f"{len(before)} next hops and {len(after)} next hops"
            yield FieldFinding(Class.CONFLICT, "multipath", "RTA_MULTIPATH", before, after, reason)
            return
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from self.payloads(old, new, f"multipath[{number}].")

    def _field(
        self, kind: str, field: Field, old: Any, new: Any, family: int | None, prefix: str
    ) -> FieldFinding | None:
        """The class of one unequal field, or None for an enhancement, which is only counted."""
        name = f"{prefix}{field.name}"
        path = f"RTA_MULTIPATH/{field.path}" if kind == "hop" else field.path
        shown = old, new
        if self._declares:
            old, new = self._without_absent(kind, field.name, old, new)
            if same(old, new):
                self.absent[f"{kind}.{field.name}"] += 1
                return None
        if old is UNSET or new is UNSET:
            old_must, new_must = (
                one.provides(kind, field.name, family) or (value is not UNSET and self._pair.leaves_open(number))
                for number, (one, value) in enumerate(zip(self._pair.statements, (old, new), strict=True))
            )
            if old is UNSET and not old_must and new_must:
                if new is not None:
                    self.enhancements[f"{kind}.{field.name}"] += 1
                self.absent[f"{kind}.{field.name}"] += new is not shown[1]
                return None
            if new is UNSET and not new_must and old_must:
                if old is not None:
                    self.services[f"{kind}.{field.name}"] += 1
                self.absent[f"{kind}.{field.name}"] += old is not shown[0]
                return None
            if new is UNSET:
                return FieldFinding(Class.LOSS, name, path, *shown, f"{self._names[1]} does not provide it")
            reason = f"{self._names[0]} does not provide it, and {self._names[1]} does not state that it does"
            if old_must:
                reason = f"{self._names[0]} does not provide it, and the contract says that it does"
            return FieldFinding(Class.CONFLICT, name, path, *shown, reason)
        if new is None:
            return FieldFinding(Class.LOSS, name, path, *shown, f"{self._names[1]} found no value in the message")
        return FieldFinding(Class.CONFLICT, name, path, *shown, "both provide it, with different values")

    def _without_absent(self, kind: str, field: str, old: Any, new: Any) -> tuple[Any, Any]:
        """The two values, None for one that its implementation declares for what is not in the message."""
        absent = self._reference.is_absent(kind, field, old), self._candidate.is_absent(kind, field, new)
        return None if absent[0] else old, None if absent[1] else new


def _family(*payloads: object) -> int | None:
    """The address family of a message, as one of the two provides it; None: neither does."""
    found = (getattr(one, "family", UNSET) for one in payloads)
    return next((family for family in found if family is not UNSET), None)


def _are_hops(value: object) -> bool:
    """Whether these are next hops, and nothing else stands in their place."""
    return isinstance(value, tuple) and len(value) > 0 and all(type(one) is NextHop for one in value)
