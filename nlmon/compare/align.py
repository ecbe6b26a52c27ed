"""Which event of one implementation belongs to which of the other, within one datagram.

Both were given the same bytes, so an event is matched by the offset of its message. Within one offset events
are paired in order. Order within a socket is total: events that come in another order are said to be reordered.

Not here: events without bytes (other alignments join here when their sources do).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from nlmon.events import Event

__all__ = ["Pair", "align", "in_order"]


class Pair(NamedTuple):
    """Events of one message; None where an implementation gave none. ``repeats``: a surplus that is the same as
    an event of this message before it. ``nth``: how many pairs of this message came before."""

    reference: Event | None
    candidate: Event | None
    repeats: bool = False
    nth: int = 0


def align(reference: Sequence[Event], candidate: Sequence[Event]) -> Iterator[Pair]:
    """Pairs in the order of the messages in the datagram."""
    if len(reference) == len(candidate):
        # The common case: nothing is lost and nothing moved.
        offsets = [event.offset for event in reference]
        if offsets == [event.offset for event in candidate] and len(set(offsets)) == len(offsets):
            yield from map(Pair, reference, candidate)
            return
    left, right = _by_offset(reference), _by_offset(candidate)
    for offset in sorted(left.keys() | right.keys()):
        ours, theirs = left.get(offset, []), right.get(offset, [])
        for number in range(max(len(ours), len(theirs))):
            mine = ours[number] if number < len(ours) else None
            other = theirs[number] if number < len(theirs) else None
            surplus = (ours if other is None else theirs) if mine is None or other is None else []
            repeats = number > 0 and bool(surplus) and surplus[number] in surplus[:number]
            yield Pair(mine, other, repeats, number)


def in_order(events: Sequence[Event]) -> bool:
    """Whether events come in the order of their messages."""
    return all(before.offset <= after.offset for before, after in pairwise(events))


def _by_offset(events: Sequence[Event]) -> dict[int, list[Event]]:
    found: dict[int, list[Event]] = {}
    for event in events:
        found.setdefault(event.offset, []).append(event)
    return found
