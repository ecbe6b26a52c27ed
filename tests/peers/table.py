"""The comparer of all peers: what a peer says of a message, field by field, against our events.

Rules of this file:
1. A field is named as in our payload, dotted where it is inside another; ``event.`` goes before a field of the
   event itself. None means that the message did not carry it.
2. A field that our implementation does not provide (``UNSET``) is counted and not compared.
3. A disagreement stands in the table of its case with the reason, and only where its condition holds. A row that
   nothing needs is stale, and a field that was never seen with a telling value must be named: both fail the tests.

Not here: any decoding, by us or by a peer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from msgspec import UNSET

from nlmon.events import Event
from peers.recording import KERNELS, Recording, recording

__all__ = ["SHOWN", "Case", "Excuse", "Tally", "Witness", "run"]

# How many differences are shown before one has seen enough.
SHOWN = 20


class Witness(NamedTuple):
    """What a peer says of the message at a place: frame number and offset."""

    key: tuple[int, int]
    fields: Mapping[str, Any]


class Excuse(NamedTuple):
    """Why a field may differ, and the condition on (ours, theirs, our payload) under which it may."""

    reason: str
    holds: Callable[[Any, Any, Any], bool]


class Case(NamedTuple):
    """A peer for the messages of one protocol. ``messages``: how many it speaks of, over all captures and kernels.
    ``witnesses``: what it says of a recording. ``covers``: which of our events it must speak of, None if it chooses.
    ``excuses``: by field. ``silent``: fields that no message of the recordings carries with a value other than zero.
    ``derived``: what the peer says that is not one of our fields, made from our payload."""

    protocol: str
    peer: str
    captures: tuple[str, ...]
    backends: tuple[str, ...]
    messages: int
    witnesses: Callable[[Recording], Iterable[Witness]]
    covers: Callable[[Event, Recording], bool] | None = None
    excuses: Mapping[str, Excuse] = {}
    silent: AbstractSet[str] = frozenset()
    derived: Mapping[str, Callable[[Any], Any]] = {}

    @property
    def runs(self) -> str:
        """The program that the peer is; empty where its words are in the recording or it is a library."""
        return "tshark" if self.peer.startswith("tshark") else ""

    def __str__(self) -> str:
        return f"{self.protocol}-{self.peer}"


class Tally:
    """What came of one case against one implementation. ``said``: comparisons in which the peer had a value that says
    something, neither absent nor zero."""

    def __init__(self) -> None:
        self.messages = 0
        self.equal: Counter[str] = Counter()
        self.said: Counter[str] = Counter()
        self.excused: Counter[str] = Counter()
        self.not_provided: Counter[str] = Counter()
        self.wrong: list[str] = []

    def compare(self, key: tuple[int, int], event: Event, fields: Mapping[str, Any], case: Case) -> None:
        """Hold the fields of one message against an event."""
        self.messages += 1
        for field, theirs in fields.items():
            ours = derive(event, case.derived[field]) if field in case.derived else look(event, field)
            if ours is UNSET:
                self.not_provided[field] += 1
                continue
            if theirs:
                self.said[field] += 1
            excuse = case.excuses.get(field)
            if ours == theirs and type(ours) is type(theirs):
                self.equal[field] += 1
            elif excuse is not None and excuse.holds(ours, theirs, event.payload):
                self.excused[field] += 1
            else:
                self.wrong.append(f"frame {key[0]}+{key[1]} {field}: ours {ours!r}, theirs {theirs!r}")


def look(event: Event, field: str) -> Any:
    """The value of a field; None where something on the way is None."""
    value: Any = event
    if not field.startswith("event."):
        value = event.payload
    for name in field.removeprefix("event.").split("."):
        if value is None or value is UNSET:
            return value
        value = getattr(value, name)
    return value


def derive(event: Event, made: Callable[[Any], Any]) -> Any:
    """What a function makes of our payload; ``UNSET`` where it needs a field that we do not provide."""
    try:
        return made(event.payload)
    except TypeError:
        return UNSET


def run(case: Case, backend: str) -> Tally:
    """One case against one implementation, over its recordings."""
    tally = Tally()
    for kernel in KERNELS:
        for name in case.captures:
            source = recording(kernel, name)
            events = source.events(backend)
            spoken = set()
            for key, fields in case.witnesses(source):
                spoken.add(key)
                if key in events:
                    tally.compare(key, events[key], fields, case)
                else:
                    tally.wrong.append(f"{kernel} frame {key[0]}+{key[1]}: we have no event, theirs {fields}")
            if case.covers is not None:
                missed = [key for key, event in events.items() if case.covers(event, source) and key not in spoken]
                tally.wrong += [f"{kernel} {name} frame {a}+{b}: the peer says nothing" for a, b in missed]
    return tally
