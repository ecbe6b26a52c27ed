"""Which line of a log belongs to which message, where both are in order and no line says which bytes it is of.

    messages, as nlmon reads them ─┐
                                   ├─► what they are about, what they say, in which order ─► the lines of each message
    lines of the log ──────────────┘

Rules:
1. A line belongs to a message of its own kind and type and about its own object, or to none. First come the most lines
   that say the same as a message, in the order of the messages; then, between these, the lines about each object that
   say something else, in order, those together that are most alike.
2. A line is of one message. A further one that says the same as a message which has its line repeats that.
3. What stays over is said, of both. Where lines stand in another order than their messages, that is said, too.

Not here: what differs between a message and its line (``classify``), and files (``nlmon.harness``).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from operator import eq
from typing import Any, NamedTuple, TypeAlias

from msgspec import UNSET

from nlmon.compare.contract import kind_name
from nlmon.events import Event

__all__ = ["Aligned", "align_log", "identity_of", "provided_fields", "says_the_same"]

# What a message is about, by kind: the fields without which no program can name an object. Others have their type.
ABOUT: dict[str, tuple[str, ...]] = {
    "link": ("ifindex",),
    "addr": ("ifindex", "addr"),
    "neigh": ("ifindex", "dst"),
    "route": ("family", "table", "dst"),
    "rule": ("family", "priority"),
}
# Up to so many pairs of a line and a message that say the same, and that are about the same, the best of all ways to
# pair them is looked for; beyond, a good one.
MOST_EQUAL, MOST_ALIKE = 500_000, 20_000

Identity: TypeAlias = Hashable


class Aligned(NamedTuple):
    """``lines``: for each message the numbers of its lines, which is one, none, or one and those that repeat it;
    ``left``: the numbers of lines that belong to no message; ``swapped``: two lines that follow one another, of which
    the second one belongs to a message before that of the first one, if there are any."""

    lines: list[list[int]]
    left: list[int]
    swapped: tuple[int, int] | None


class _Said(NamedTuple):
    identity: Identity
    content: tuple[str, ...]


def identity_of(event: Event) -> Identity:
    """What an event has in common with others about the same object: its type, its kind, and the object's key."""
    kind = kind_name(event.payload)
    key = tuple(repr(getattr(event.payload, name, None)) for name in ABOUT.get(kind, ()))
    return event.type, event.protocol, event.msg_type, kind, key


def provided_fields(events: Iterable[Event]) -> dict[str, tuple[str, ...]]:
    """The fields that occur in any event, by kind, in the order of the payload."""
    found: dict[str, dict[str, None]] = {}
    for event in events:
        names = found.setdefault(kind_name(event.payload), {})
        for name in event.payload.__struct_fields__:
            if name not in names and getattr(event.payload, name) is not UNSET:
                names[name] = None
    return {kind: tuple(names) for kind, names in found.items()}


def says_the_same(message: Event, line: Event) -> bool:
    """Whether all that a line says of a message is what the message carries."""
    one, other = message.payload, line.payload
    return all(
        (said := getattr(other, name)) is UNSET or said == getattr(one, name, UNSET) for name in other.__struct_fields__
    )


def align_log(messages: Sequence[Event], lines: Sequence[Event]) -> Aligned:
    """The lines of each message, those of none, and whether their order is that of the messages."""
    fields = provided_fields(lines)
    found: list[list[int]] = [[] for _ in messages]
    left: list[int] = []
    swapped = None
    # Sockets of two protocols have no order in common.
    for protocol in dict.fromkeys(line.protocol for line in lines):
        ours = [number for number, message in enumerate(messages) if message.protocol == protocol]
        theirs = [number for number, line in enumerate(lines) if line.protocol == protocol]
        before = [_said(messages[number], fields) for number in ours]
        after = [_said(lines[number], fields) for number in theirs]
        pairs = _pairs(before, after)
        left += [theirs[place] for place in range(len(after)) if place not in pairs]
        last = 0, -1
        for place in sorted(pairs):
            found[ours[pairs[place]]].append(theirs[place])
            if swapped is None and pairs[place] < last[1]:
                swapped = theirs[last[0]], theirs[place]
            last = place, pairs[place]
    return Aligned(found, sorted(left), swapped)


def _said(event: Event, fields: Mapping[str, tuple[str, ...]]) -> _Said:
    """What an event says in the fields that the log knows at all."""
    names = fields.get(kind_name(event.payload), ())
    return _Said(identity_of(event), tuple(repr(getattr(event.payload, name)) for name in names))


def _pairs(messages: Sequence[_Said], lines: Sequence[_Said]) -> dict[int, int]:
    """The place of the message of each line that has one."""
    found = _longest(messages, lines)
    taken = set(found.values())
    places: dict[_Said, list[int]] = defaultdict(list)
    for place, message in enumerate(messages):
        places[message].append(place)
    anchors = sorted(found.items())
    untaken = {said: (place for place in same if place not in taken) for said, same in places.items()}
    for line in (place for place in range(len(lines)) if place not in found):
        same = places.get(lines[line], [])
        free = next(untaken.get(lines[line], iter(())), None)
        if free is not None:  # it stands elsewhere
            found[line] = free
            taken.add(free)
        elif same:  # a repetition follows what it repeats
            reached = _before(anchors, line)[1]
            found[line] = same[max(0, bisect_right(same, reached) - 1)]
    for some, free_ones in _stretches(messages, lines, anchors, taken, found):
        found.update(_most_alike(messages, lines, free_ones, some))
    return found


def _longest(messages: Sequence[_Said], lines: Sequence[_Said]) -> dict[int, int]:
    """Lines that say what a message says, in the order of the messages: those that both begin with, those that both end
    with, and between these the most that there are."""
    most = min(len(messages), len(lines))
    begin = next((n for n in range(most) if lines[n] != messages[n]), most)
    end = next((n for n in range(most - begin) if lines[-1 - n] != messages[-1 - n]), most - begin)
    found = {n: n for n in range(begin)}
    inner = _row(messages[begin : len(messages) - end], lines[begin : len(lines) - end])
    found |= {begin + line: begin + place for line, place in inner.items()}
    return found | {len(lines) - n: len(messages) - n for n in range(1, end + 1)}


def _row(messages: Sequence[_Said], lines: Sequence[_Said]) -> dict[int, int]:
    """The most lines that say what a message says, in the order of the messages (Hunt and Szymanski)."""
    places: dict[_Said, list[int]] = defaultdict(list)
    for place, message in enumerate(messages):
        places[message].append(place)
    if sum(len(places.get(line, ())) for line in lines) > MOST_EQUAL:
        return _next_ones(places, lines, len(messages))
    # Of each length the smallest last place that a row of so many has, and that row as a chain.
    ends: list[int] = []
    rows: list[tuple[int, int, Any]] = []
    for line, said in enumerate(lines):
        for place in reversed(places.get(said, ())):
            length = bisect_left(ends, place)
            row = line, place, rows[length - 1] if length else None
            if length == len(ends):
                ends.append(place)
                rows.append(row)
            else:
                ends[length], rows[length] = place, row
    found, one = {}, rows[-1] if rows else None
    while one is not None:
        found[one[0]] = one[1]
        one = one[2]
    return found


def _next_ones(places: Mapping[_Said, Sequence[int]], lines: Sequence[_Said], messages: int) -> dict[int, int]:
    """For each line the next message that says the same: all lines, if they are some of the messages. One that would
    leave fewer messages than lines behind it, and is not the very next, is passed over."""
    found, last = {}, -1
    for line, said in enumerate(lines):
        same = places.get(said, ())
        at = bisect_right(same, last)
        if at < len(same) and (same[at] == last + 1 or messages - same[at] >= len(lines) - line):
            found[line] = last = same[at]
    return found


def _before(anchors: Sequence[tuple[int, int]], line: int) -> tuple[int, int]:
    """How many lines before a line have their message, and the place of the last of these messages."""
    at = bisect_left(anchors, (line, -1))
    return at, anchors[at - 1][1] if at else -1


def _stretches(
    messages: Sequence[_Said],
    lines: Sequence[_Said],
    anchors: Sequence[tuple[int, int]],
    taken: Collection[int],
    found: Mapping[int, int],
) -> Iterator[tuple[list[int], list[int]]]:
    """Lines about one object between two that have their message, and the free messages about it there."""
    groups: dict[tuple[int, Identity], list[int]] = defaultdict(list)
    for line in (place for place in range(len(lines)) if place not in found):
        groups[_before(anchors, line)[0], lines[line].identity].append(line)
    free: dict[Identity, list[int]] = defaultdict(list)
    for place, message in enumerate(messages):
        if place not in taken:
            free[message.identity].append(place)
    for (at, identity), some in groups.items():
        begin = anchors[at - 1][1] if at else -1
        end = anchors[at][1] if at < len(anchors) else len(messages)
        there = free.get(identity, [])
        inside = there[bisect_left(there, begin) : bisect_left(there, end)]
        if inside:
            yield some, inside


def _most_alike(
    messages: Sequence[_Said], lines: Sequence[_Said], free: Sequence[int], some: Sequence[int]
) -> Iterable[tuple[int, int]]:
    """Pairs in order, as many as there can be, that are as much alike as they can be."""
    if len(free) == len(some) or len(free) * len(some) > MOST_ALIKE:
        return zip(some, free, strict=False)
    alike = [[1 + sum(map(eq, lines[line].content, messages[one].content)) for one in free] for line in some]
    # best[i][j]: of the lines from i on and the messages from j on.
    best = [[0] * (len(free) + 1) for _ in range(len(some) + 1)]
    for i in reversed(range(len(some))):
        for j in reversed(range(len(free))):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], best[i + 1][j + 1] + alike[i][j])
    found, i, j = [], 0, 0
    while i < len(some) and j < len(free):
        if best[i][j] == best[i + 1][j + 1] + alike[i][j]:
            found.append((some[i], free[j]))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            i += 1
    return found
