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
    if len(reference) == len(candidate) == 1 and _place(reference[0]) == _place(candidate[0]):
        yield Pair(reference[0], candidate[0])
        return
    if len(reference) == len(candidate):
        # The common case: nothing is lost and nothing moved.
        places = [_place(event) for event in reference]
        if places == [_place(event) for event in candidate] and len(set(places)) == len(places):
            yield from map(Pair, reference, candidate)
            return
    left, right = _by_place(reference), _by_place(candidate)
    for place in sorted(left.keys() | right.keys()):
        ours, theirs = left.get(place, []), right.get(place, [])
        for number in range(max(len(ours), len(theirs))):
            mine = ours[number] if number < len(ours) else None
            other = theirs[number] if number < len(theirs) else None
            surplus = (ours if other is None else theirs) if mine is None or other is None else []
            repeats = number > 0 and bool(surplus) and surplus[number] in surplus[:number]
            yield Pair(mine, other, repeats, number)


def in_order(events: Sequence[Event]) -> bool:
    """Whether events come in the order of their messages."""
    return all(before.offset <= after.offset for before, after in pairwise(events))


def _place(event: Event) -> tuple[int, bool, str]:
    """Where an event belongs: what is no message of the datagram is never one's counterpart."""
    return event.offset, event.synthetic, event.type


def _by_place(events: Sequence[Event]) -> dict[tuple[int, bool, str], list[Event]]:
    found: dict[tuple[int, bool, str], list[Event]] = {}
    for event in events:
        found.setdefault(_place(event), []).append(event)
    return found
