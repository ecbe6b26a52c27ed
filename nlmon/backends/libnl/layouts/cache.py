"""Keeps layouts by what messages begin with, decides when one is made, and counts.

In the manner of the inline caches of compilers: a key has a few layouts, and the one that was made or used last is
tried first.

Rules:
1. A key is seen ``MADE_AT`` times before anything is made for it, and has at most ``LAYOUTS_PER_KEY`` layouts.
2. A function is made when the ``budget`` allows it.
3. Keys whose layouts fail more often than they fit are given up, and tried again after ``RETRY_AFTER`` walks: what they
   lacked may have been the means to make another.
4. The oldest key goes when there are too many, or all their samples are too large.

Not here: what a layout is (``shape``), and its code (``source``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator
from typing import Any, NamedTuple, TypeAlias

from nlmon.backends.libnl.layouts.budget import EARNED_EVERY, CompileBudget
from nlmon.backends.libnl.layouts.shape import Range
from nlmon.backends.libnl.layouts.source import Function, Program, Value, changeable
from nlmon.backends.status import LayoutStatus

__all__ = ["LARGEST_SAMPLE", "InlineCache", "KeySpace", "Layout", "LayoutStore", "Listed", "Sample"]

LAYOUTS_PER_KEY = 4
# A function is made of the so manieth message of a key: most keys of a short recording come two or three times, and by
# then more of what changes has changed.
MADE_AT = 6
# Keys of a key space that are remembered as seen, or as given up; and the largest first message that is kept of one.
KEYS_REMEMBERED, LARGEST_COMPARED = 1024, 2048
# So many more misses than hits a key may have, and so many walks later what was given up is tried again.
MISSES_ALLOWED, RETRY_AFTER = 32, 512
# The largest message that has a layout, and the samples of all layouts together, in bytes.
LARGEST_SAMPLE, LARGEST_TOTAL = 8192, 4 << 20
# A function is made anew after so many messages that differ from its layout in values alone.
REMAKE_AFTER = 4

# Writes a function, given the ranges that are known to change.
Writer: TypeAlias = Callable[[Collection[Range]], Program]


class Sample(NamedTuple):
    """What a layout is made of: a message or range that was walked, the ranges of it that decide how it is walked, its
    values, and what writes the function."""

    data: bytes
    fixed: tuple[Range, ...]
    values: tuple[Value, ...]
    write: Writer


class Layout:
    """A layout with its ``function``. ``changed``: messages that differed in constants since the function was made.
    ``hits``: messages that it read, without those that the cache still counts for its primary."""

    __slots__ = ("_changeable", "_compiled_for", "_loose", "changed", "function", "hits", "sample")

    def __init__(self, sample: Sample, earlier: bytes) -> None:
        self.sample = sample
        self.hits = 0
        # Ranges that were seen to change, and those of them that the function unpacks.
        self._loose: set[Range] = set()
        # Those that may change, once that was asked for.
        self._changeable: set[Range] | None = None
        if len(earlier) == len(sample.data):
            self.widen(earlier)
        self.make()

    def widen(self, data: bytes) -> bool:
        """Whether a message has this layout, but for constants that changed, which are values from now on."""
        sample = self.sample
        if any(data[begin:end] != sample.data[begin:end] for begin, end in sample.fixed):
            return False
        if self._changeable is None:
            self._changeable = changeable(len(data), sample.values, sample.fixed)
        self._loose |= {(begin, end) for begin, end in self._changeable if data[begin:end] != sample.data[begin:end]}
        return True

    def make(self) -> None:
        """Make the function, for what is known to change."""
        self._compiled_for, self.changed = frozenset(self._loose), 0
        self.function: Function = self.sample.write(self._compiled_for).function()

    def program(self) -> Program:
        """The function as it was written, which is written again."""
        return self.sample.write(self._compiled_for)


class InlineCache:
    """The layouts of one key. ``primary``: the function that is tried first. ``length``: of the message, in bytes.
    Who calls the functions counts ``hits``."""

    __slots__ = ("_others", "_settled", "hits", "layouts", "length", "misses", "primary")

    def __init__(self, length: int) -> None:
        self.length = length
        self.layouts: list[Layout] = []
        self.primary: Function = _no_layout
        self._others: tuple[Function, ...] = ()
        self.hits = self.misses = 0
        # Hits that were given to a layout.
        self._settled = 0

    def fallback(self, *arguments: Any) -> Any:
        """What the other functions make of a message that the primary does not fit; None if none of them does."""
        for number, function in enumerate(self._others, 1):
            found = function(*arguments)
            if found is not None:
                self.settle()
                self.layouts.insert(0, self.layouts.pop(number))
                self._arrange()
                return found
        return None

    @property
    def size(self) -> int:
        """Bytes of the samples, a measure of what the layouts take."""
        return sum(len(layout.sample.data) for layout in self.layouts)

    def put(self, layout: Layout) -> None:
        """Take a layout in, or one whose function was made anew, as the primary; the last one may have to go."""
        self.settle()
        self.layouts = [layout, *(one for one in self.layouts if one is not layout)][:LAYOUTS_PER_KEY]
        self._arrange()

    def settle(self) -> None:
        """Give the primary the hits that were counted since it is that."""
        if self.layouts:
            self.layouts[0].hits += self.hits - self._settled
        self._settled = self.hits

    def _arrange(self) -> None:
        self.primary, *others = [layout.function for layout in self.layouts]
        self._others = tuple(others)


class KeySpace:
    """The keys of one user of layouts: their ``caches``, the ``first`` message that was seen of each, which shows what
    changes, with how many there were up to ``MADE_AT``, and the keys that are given up until ``retry_at`` walks were
    made. ``describe``: explains a key by the protocol, the type of the message (-1: any), and what part of it has the
    layout."""

    __slots__ = ("caches", "describe", "first", "given_up", "retry_at")

    def __init__(self, describe: Callable[[Any], tuple[int, int, str]]) -> None:
        self.describe = describe
        self.caches: dict[Any, InlineCache] = {}
        self.first: dict[Hashable, tuple[bytes, int]] = {}
        self.given_up: set[Hashable] = set()
        self.retry_at = 0


class Listed(NamedTuple):
    """A function that was made: of which protocol, type of message (-1: any) and part, of how many bytes, how many
    messages it read, and its program."""

    protocol: int
    msg_type: int
    part: str
    length: int
    hits: int
    program: Program


class LayoutStore:
    """The layouts of one backend; at most ``limit`` keys."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._keys: dict[tuple[int, Hashable], tuple[KeySpace, InlineCache]] = {}
        self._budget = CompileBudget()
        self._bytes = 0
        # Of keys that are gone.
        self._hits = 0
        self._misses = self._compiled = self._recompiled = self._evicted = 0

    def status(self) -> LayoutStatus:
        """Counters so far."""
        return LayoutStatus(
            entries=sum(len(cache.layouts) for _, cache in self._keys.values()),
            hits=self._all_hits(),
            misses=self._misses,
            compiled=self._compiled,
            recompiled=self._recompiled,
            evicted=self._evicted,
        )

    def functions(self) -> Iterator[Listed]:
        """Every function that is kept, in the order of the keys."""
        for (_, key), (space, cache) in self._keys.items():
            cache.settle()
            for layout in cache.layouts:
                yield Listed(*space.describe(key), cache.length, layout.hits, layout.program())

    def should_compile(self, space: KeySpace, key: Hashable, sample: bytes) -> bool:
        """Whether a layout should be made of ``sample``, which was just walked for this key, as no layout fitted."""
        self._misses += 1
        cache = space.caches.get(key)
        if cache is not None:
            cache.misses += 1
            if cache.misses > cache.hits + MISSES_ALLOWED:
                self._give_up(space, key)
                return False
        if self._budget.functions < 1:
            if self._misses % EARNED_EVERY == 0:
                self._budget.earn(EARNED_EVERY, self._all_hits())
            return False
        first, seen = space.first.get(key, (b"", 0))
        if not seen:
            first = sample if len(sample) <= LARGEST_COMPARED else b""
            if len(space.first) >= KEYS_REMEMBERED:
                space.first.clear()
        if seen < MADE_AT:
            seen += 1
            space.first[key] = first, seen
        if seen < MADE_AT:
            return False
        if space.given_up and self._misses >= space.retry_at:
            space.given_up.clear()
        return key not in space.given_up

    def widen(self, space: KeySpace, key: Hashable, sample: bytes) -> bool:
        """Whether ``sample`` has a layout that is there but took for constant what is not. The layout learns that from
        a few messages, and its function is made anew."""
        cache = space.caches.get(key)
        layout = None if cache is None else next((one for one in cache.layouts if one.widen(sample)), None)
        if cache is None or layout is None:
            return False
        layout.changed += 1
        if layout.changed >= REMAKE_AFTER:
            layout.make()
            self._recompiled += 1
            self._put(cache, layout)
        return True

    def add(self, space: KeySpace, key: Hashable, sample: Sample) -> None:
        """Make a layout."""
        cache = space.caches.get(key)
        if cache is None:
            cache = self._new_key(space, key, len(sample.data))
        self._put(cache, Layout(sample, space.first.get(key, (b"", 0))[0]))

    def _all_hits(self) -> int:
        return self._hits + sum(cache.hits for _, cache in self._keys.values())

    def _put(self, cache: InlineCache, layout: Layout) -> None:
        """Put a layout whose function was just made into its place, and pay for it."""
        self._compiled += 1
        self._budget.spend()
        self._bytes -= cache.size
        cache.put(layout)
        self._bytes += cache.size
        while self._bytes > LARGEST_TOTAL:
            self._forget_oldest()

    def _new_key(self, space: KeySpace, key: Hashable, length: int) -> InlineCache:
        if len(self._keys) >= self.limit:
            self._forget_oldest()
        cache = space.caches[key] = InlineCache(length)
        self._keys[id(space), key] = space, cache
        return cache

    def _forget_oldest(self) -> None:
        (_, oldest), (space, _) = next(iter(self._keys.items()))
        self._drop(space, oldest)

    def _give_up(self, space: KeySpace, key: Hashable) -> None:
        if len(space.given_up) >= KEYS_REMEMBERED:
            space.given_up.clear()
        if not space.given_up:
            space.retry_at = self._misses + RETRY_AFTER
        space.given_up.add(key)
        self._drop(space, key)

    def _drop(self, space: KeySpace, key: Hashable) -> None:
        cache = space.caches.pop(key)
        self._evicted += 1
        self._hits += cache.hits
        self._bytes -= cache.size
        del self._keys[id(space), key]


def _no_layout(*_: Any) -> None:
    return None
