"""Keeps layouts by what begins them, decides when one is made, and counts.

Rules:
1. A key is seen twice before anything is made for it, and has a few layouts at most (``WAYS``), the last made first.
2. Making a function costs as much as walking fifty messages, so it must be earned: what layouts save pays for new ones
   (``SAVED``), each walk earns a little (``EARNED``), and a start is given. Who never sees a layout again pays that
   little and no more.
3. Keys whose layouts fail more often than they fit are given up for a while (``AGAIN``): what they lacked may have been
   the means to make another.
4. The oldest key goes when there are too many, or their messages are too large together.

Not here: what a layout is (``shape``), and its code (``source``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from typing import Any, TypeAlias

from nlmon.backends.libnl.layouts.shape import Range
from nlmon.backends.libnl.layouts.source import Value, differing
from nlmon.backends.status import LayoutStatus

__all__ = ["LARGEST", "Layout", "Layouts", "Shelf", "Ways"]

WAYS = 4
# Functions that may be made at once, what a walk adds to that, and what a hit does, counted every so many walks.
START, EARNED, SAVED, PAYDAY = 64.0, 1 / 1024, 1 / 256, 32
# Keys seen or given up that are remembered of a shelf, and the largest message, in bytes, of which the first is.
SEEN, COMPARED = 1024, 2048
# A key may fail so often more than it fits; and after so many walks what was given up may be tried again.
PATIENCE, AGAIN = 32, 512
# Larger messages, in bytes, have no layout, and the messages that layouts are made from are this much together.
LARGEST, MOST = 8192, 4 << 20

# A layout is made anew after so many messages that differ from it in values alone.
CHANGES = 4

Function: TypeAlias = Callable[..., Any]
# Given what is known to change.
Maker: TypeAlias = Callable[[Collection[Range]], Function]


class Layout:
    """A layout: the function, ``sample``, the message it was made from, ``loose``, what was seen to change, and
    ``changed``, in how many messages since the function was made. ``make`` writes the function."""

    __slots__ = ("changed", "fixed", "function", "loose", "make", "sample", "values")

    def __init__(
        self, sample: bytes, fixed: tuple[Range, ...], values: tuple[Value, ...], make: Maker, earlier: bytes
    ) -> None:
        self.sample, self.fixed, self.values, self.make = sample, fixed, values, make
        self.loose: set[Range] = set()
        if len(earlier) == len(sample):
            self.widen(earlier)
        self.renew()

    def widen(self, sample: bytes) -> bool:
        """Whether a message has this layout, but for values that changed, which are loose from now on."""
        if any(sample[begin:end] != self.sample[begin:end] for begin, end in self.fixed):
            return False
        self.loose |= differing(sample, self.sample, self.values, self.fixed)
        return True

    def renew(self) -> None:
        """Make the function anew, for what is loose now."""
        self.function, self.changed = self.make(self.loose), 0


class Ways:
    """The layouts of one key. ``first``: the function of the one that was made last, and tried first. ``length``: of
    the message, in bytes."""

    __slots__ = ("first", "hits", "layouts", "length", "misses", "others")

    def __init__(self, length: int) -> None:
        self.length = length
        self.layouts: list[Layout] = []
        self.first: Function = _nothing
        self.others: tuple[Function, ...] = ()
        self.hits = self.misses = 0

    def second(self, *arguments: Any) -> Any:
        """What the other functions make of a message that the first does not fit; None if none of them does."""
        for number, function in enumerate(self.others):
            found = function(*arguments)
            if found is not None:
                self.layouts.insert(0, self.layouts.pop(number + 1))
                self._ordered()
                return found
        return None

    @property
    def size(self) -> int:
        """Bytes of the messages that the layouts were made from, a measure of what they take."""
        return sum(len(layout.sample) for layout in self.layouts)

    def put(self, layout: Layout) -> None:
        """Take a layout in, or one that is renewed, as the first; the one that was used longest ago may have to go."""
        self.layouts = [layout, *(one for one in self.layouts if one is not layout)][:WAYS]
        self._ordered()

    def _ordered(self) -> None:
        self.first, *others = (layout.function for layout in self.layouts)
        self.others = tuple(others)


class Shelf:
    """The keys of one user of layouts: ``known`` with their layouts, ``seen`` with what was seen first, which tells
    what changes, and those that are given up until so many walks were made in all as ``again`` says."""

    __slots__ = ("again", "given_up", "known", "seen")

    def __init__(self) -> None:
        self.known: dict[Any, Ways] = {}
        self.seen: dict[Hashable, bytes] = {}
        self.given_up: set[Hashable] = set()
        self.again = 0


class Layouts:
    """The layouts of one backend; at most ``limit`` keys."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._known: dict[tuple[int, Hashable], tuple[Shelf, Ways]] = {}
        self._credit = START
        self._bytes = 0
        # Of keys that are gone; and of all when they were paid for last.
        self._hits = self._paid = 0
        self._misses = self._compiled = self._recompiled = self._evicted = 0

    def status(self) -> LayoutStatus:
        """Counters so far."""
        return LayoutStatus(
            entries=sum(len(ways.layouts) for _, ways in self._known.values()),
            hits=self._all_hits(),
            misses=self._misses,
            compiled=self._compiled,
            recompiled=self._recompiled,
            evicted=self._evicted,
        )

    def _all_hits(self) -> int:
        return self._hits + sum(ways.hits for _, ways in self._known.values())

    def wants(self, shelf: Shelf, key: Hashable, sample: bytes) -> bool:
        """Whether a layout should be made of ``sample``, which was just walked for this key, as no layout fitted."""
        self._misses += 1
        ways = shelf.known.get(key)
        if ways is not None:
            ways.misses += 1
            if ways.misses > ways.hits + PATIENCE:
                self._give_up(shelf, key)
                return False
        if self._credit < 1:
            self._credit += EARNED
            if not self._misses % PAYDAY:
                hits = self._all_hits()
                self._credit = min(START, self._credit + (hits - self._paid) * SAVED)
                self._paid = hits
            return False
        if key not in shelf.seen:
            if len(shelf.seen) >= SEEN:
                shelf.seen.clear()
            shelf.seen[key] = sample if len(sample) <= COMPARED else b""
            return False
        if shelf.given_up and self._misses >= shelf.again:
            shelf.given_up.clear()
        return key not in shelf.given_up

    def widened(self, shelf: Shelf, key: Hashable, sample: bytes) -> bool:
        """Whether ``sample`` has a layout that is there but took for constant what is not. It learns that from a few
        messages and is made anew."""
        ways = shelf.known.get(key)
        layout = None if ways is None else next((one for one in ways.layouts if one.widen(sample)), None)
        if ways is None or layout is None:
            return False
        layout.changed += 1
        if layout.changed >= CHANGES:
            layout.renew()
            self._recompiled += 1
            self._take(ways, layout)
        return True

    def learn(
        self,
        shelf: Shelf,
        key: Hashable,
        sample: bytes,
        fixed: tuple[Range, ...],
        values: tuple[Value, ...],
        make: Maker,
    ) -> None:
        """Make a layout of ``sample``."""
        ways = shelf.known.get(key)
        if ways is None:
            ways = self._room(shelf, key, len(sample))
        self._take(ways, Layout(sample, fixed, values, make, shelf.seen.get(key, b"")))

    def _take(self, ways: Ways, layout: Layout) -> None:
        """Put a layout whose function was just made into its place, and pay for it."""
        self._compiled += 1
        self._credit -= 1
        self._bytes -= ways.size
        ways.put(layout)
        self._bytes += ways.size
        while self._bytes > MOST:
            self._forget_oldest()

    def _room(self, shelf: Shelf, key: Hashable, length: int) -> Ways:
        if len(self._known) >= self.limit:
            self._forget_oldest()
        ways = shelf.known[key] = Ways(length)
        self._known[id(shelf), key] = shelf, ways
        return ways

    def _forget_oldest(self) -> None:
        (_, oldest), (shelf, _) = next(iter(self._known.items()))
        self._drop(shelf, oldest)

    def _give_up(self, shelf: Shelf, key: Hashable) -> None:
        if len(shelf.given_up) >= SEEN:
            shelf.given_up.clear()
        if not shelf.given_up:
            shelf.again = self._misses + AGAIN
        shelf.given_up.add(key)
        self._drop(shelf, key)

    def _drop(self, shelf: Shelf, key: Hashable) -> None:
        ways = shelf.known.pop(key)
        self._evicted += 1
        self._hits += ways.hits
        self._bytes -= ways.size
        del self._known[id(shelf), key]


def _nothing(*_: Any) -> None:
    return None
