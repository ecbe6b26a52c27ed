"""Says of most datagrams that both implementations make the same of them, and says it fast.

The contract compiled: for each kind of event that both give, the tests by which two events are held against each other,
field by field where they stand. For each shape of its messages these become one function with those of what one of the
two gives alone, which is held against the bytes (``shapes``). No dictionaries, no text, no findings: what is not the
same is left to those who explain it.

Rules:
1. Equal values of other types are not the same (``nlmon.compare.same``). Most values that are the same are one object,
   such as None and small numbers, which says so at once.
2. ``True`` is said only where ``classify``, ``evidence`` and ``problems`` together would find nothing; nothing is
   counted before it is said, so whoever is asked instead starts anew.
3. What one of the two gives alone is counted by the check of the message, and named when somebody asks.

Not here: differences (``judge``).
"""

from __future__ import annotations

import copy
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, get_args, get_origin

from msgspec import UNSET, Struct, structs

from nlmon.compare.contract import KIND_TYPES
from nlmon.compare.evidence.reading import FieldReader
from nlmon.compare.fast.shapes import CompiledCheck, CompiledChecks, Marks, Tests
from nlmon.compare.pair import Pair
from nlmon.compare.same import fields_of, same
from nlmon.events import OVERRUN, Event, NextHop
from nlmon.objects.keys import IDENTIFYING
from nlmon.uapi import NETLINK_ROUTE, NLMSG_HDRLEN
from nlmon.wire import Datagram

__all__ = ["Agreement"]

# Tests of kinds that are kept; one contract has five.
KINDS_KEPT = 64


class Agreement:
    """Compares the events of datagrams for one ordered pair of implementations. ``marks``: with what messages are
    marked, by which those that are agreed on are counted."""

    def __init__(self, pair: Pair, byteorder: str, marks: Marks | None = None) -> None:
        # How often fields were given by one of the two alone, by checks that are no longer kept.
        self._counts: Counter[str] = Counter()
        self._marks = marks
        self._kinds: dict[type, tuple[Mapping[bytes, Sequence[CompiledCheck]], CompiledChecks]] = {}
        # Kinds by the type of their payload; one gets its checks when its first event comes.
        self._names: dict[type, str] = {}
        self._checks: dict[str, CompiledChecks] = {}
        self._swapped = False
        plain = all(one.complete and not one.absent for one in pair.statements)
        kinds = [
            name
            for name, row in pair.contract.events.items()
            if row.protocol == NETLINK_ROUTE and row.types != (0,) and pair.shares(name) and pair.shares_interface(name)
            # What is agreed on is folded into states.
            if name not in IDENTIFYING or pair.shares_objects(name)
        ]
        # Who provides all that the other one does, the candidate if both do.
        full = [number for number in (1, 0) if pair.covers(number, (*kinds, "hop"))]
        if pair.is_one or not plain or not full:
            return  # who must provide what is not as simple as below
        self._swapped = full[0] == 0
        self._reader, self._order = FieldReader(pair, byteorder), byteorder
        self._names = {KIND_TYPES[name]: name for name in kinds}

    def reverse(self) -> Agreement:
        """The same for the other direction: one count, of which the two see the opposite sides."""
        other = copy.copy(self)
        other._swapped = not self._swapped
        return other

    def counted(self, others: Counter[str], *, of_reference: bool) -> Counter[str]:
        """How often fields were given by one of the two alone: in what was agreed on, and ``others``."""
        found = others.copy()
        if of_reference == self._swapped:
            found.update(self._counts)
            for checks in self._checks.values():
                for check in checks.checks():
                    _add(found, check)
        return found

    def settle(self) -> None:
        """Bring all counts up to date, those of the marks, too."""
        for checks in self._checks.values():
            for check in checks.checks():
                self._count(check)

    def _count(self, check: CompiledCheck) -> None:
        """Count what a check was used for."""
        _add(self._counts, check)
        if check.mark is not None:
            check.mark.add(check.times)
        check.times = 0

    def agree(self, datagram: Datagram, reference: Sequence[Event], candidate: Sequence[Event]) -> bool:
        """Whether both made the same events of a datagram, one of each message, in order. Both are subscribed to it
        and read it, and neither reported an error. What they agree on is counted."""
        if len(reference) == len(candidate) == 1:
            return self.agree_on((datagram.data,), reference, candidate) == 1
        reduced, full = (candidate, reference) if self._swapped else (reference, candidate)
        return len(reduced) == len(full) != 0 and self._several(datagram.data, reduced, full)

    def agree_on(
        self, datagrams: Sequence[bytes], reference: Sequence[Event | None], candidate: Sequence[Event | None]
    ) -> int:
        """How many datagrams from the beginning they agree on, of each of which both made one event."""
        reduced, full = (candidate, reference) if self._swapped else (reference, candidate)
        check_of, count = self._check, 0
        for data, less, more in zip(datagrams, reduced, full, strict=True):
            check = None if less is None or more is None else check_of(data, 0, less, more)
            if check is None or check.room + NLMSG_HDRLEN <= len(data):
                break
            check.times += 1
            count += 1
        return count

    def _several(self, data: bytes, reduced: Sequence[Event], full: Sequence[Event]) -> bool:
        at = 0
        met: list[CompiledCheck] = []
        for less, more in zip(reduced, full, strict=True):
            check = self._check(data, at, less, more)
            if check is None:
                return False
            met.append(check)
            at += check.room
        if at + NLMSG_HDRLEN <= len(data):
            return False
        for one in met:
            one.times += 1
            if one.gone:  # forgotten for the shape of a later message of the same datagram
                self._count(one)
        return True

    def _check(self, data: bytes, at: int, less: Event, more: Event) -> CompiledCheck | None:
        """The check that a message at an offset passes, of which both made the same; else None."""
        full = more.payload
        try:
            by_head, checks = self._kinds[type(full)]
        except KeyError:
            if type(full) not in self._names:
                return None
            by_head, checks = self._begin(type(full))
        key = data[at : at + 6]
        try:
            known = by_head[key]
        except KeyError:
            known = ()
        for check in known:
            try:
                heads = check.heads(data, at)
            except struct.error:
                return None  # the message is not whole
            if heads == check.want:
                if check is not known[0]:
                    checks.prefer(key, check)
                return check if check.same(data, at, less, more) else None
        learned = checks.learn(data, at, less, full)
        return learned if learned is not None and learned.same(data, at, less, more) else None

    def _begin(self, kind: type) -> tuple[Mapping[bytes, Sequence[CompiledCheck]], CompiledChecks]:
        """The checks for a kind of payload of which an event comes, also by the heads of messages."""
        name = self._names[kind]
        surplus = tuple(row.field.name for row in self._reader.rows(name, None))
        alike = _alike(kind, surplus)
        checks = self._checks[name] = CompiledChecks(self._reader, name, self._order, alike, self._count, self._marks)
        made = self._kinds[kind] = checks.by_head, checks
        return made


def _add(counts: Counter[str], check: CompiledCheck) -> None:
    for field in check.given if check.times else ():
        counts[f"{check.kind}.{field}"] += check.times


def _same_hops(reduced: Any, full: Any) -> bool:
    """Whether the hops of a route are the same, and all provided."""
    if type(full) is not tuple or not same(reduced, full):
        return False
    return all(type(one) is NextHop and UNSET not in structs.astuple(one) for one in full)


@lru_cache(KINDS_KEPT)
def _alike(kind: type[Struct], surplus: tuple[str, ...]) -> Tests:
    """The tests of a kind of payload, of whose fields ``surplus`` are given by one of the two: the events are of the
    message at an offset, all that both give is the same and provided, and the one that need not provide the surplus
    provides none of it."""
    tests = ["type(reduced) is kind", "less.offset == at", "less.type != OVERRUN"]
    tests += ["less.synthetic is False", "more.synthetic is False"]
    for field in fields_of(Event):
        if field.name not in {"payload", "synthetic"}:
            tests.append(_same(field, "less.{0}", "more.{0}"))
    for field in fields_of(kind):
        if field.name in surplus:
            tests.append(f"reduced.{field.name} is UNSET")
        elif field.name == "multipath":
            one, other = "reduced.multipath", "full.multipath"
            tests.append(f"({one} is None and {other} is None or _same_hops({one}, {other}))")
        else:
            tests.append(_same(field, "reduced.{0}", "full.{0}", given="{0} is not UNSET and "))
    names = {"UNSET": UNSET, "OVERRUN": OVERRUN, "kind": kind, "same": same, "_same_hops": _same_hops}
    return Tests(" and ".join(tests), names)


def _same(field: structs.FieldInfo, one: str, other: str, *, given: str = "") -> str:
    """An expression for two values being the same, and ``given``. What is asked first costs least: whether there are
    none, which is so of most that may be left out, and whether they are one object."""
    one, other = one.format(field.name), other.format(field.name)
    plain = f"type({one}) is type({other})" if not _is_nested(field.type) else f"same({one}, {other})"
    text = f"{given.format(one)}({one} is {other} or ({one} == {other} and {plain}))"
    return f"({one} is None and {other} is None or {text})" if field.default is None else text


def _is_nested(kind: Any) -> bool:
    """Whether values of an annotation may hold others."""
    return any(get_origin(one) is tuple or one is tuple for one in (kind, *get_args(kind)))
