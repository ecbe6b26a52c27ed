"""Differences that were found: all of them counted, of each class and of each group the first ones kept.

Rules:
1. What is known is counted with its entry, and nowhere else.
2. Many of one kind do not hide another: what finds no place is counted in a group of its class.

Not here: finding differences (``judge``), and what is known (``known``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from nlmon.compare.difference import Class, Difference
from nlmon.compare.evidence.sample import Sample
from nlmon.compare.known import KnownDifferences, place_of

__all__ = ["DETAILS_KEPT", "GROUPS_KEPT", "SAMPLES_KEPT", "SAMPLES_SIZE_KEPT", "Findings", "Group"]

# Details kept of each class, and groups in all; what does not fit in is counted in a group of its class.
DETAILS_KEPT = 100
GROUPS_KEPT = 1000
# Groups that have a sample, and about what all samples take as JSON.
SAMPLES_KEPT, SAMPLES_SIZE_KEPT = 100, 512 << 10

_GroupKey: TypeAlias = tuple[Class, str, str]


class Group(Struct, frozen=True):
    """Differences of one class, about one field of one kind of message, or of one kind of object (class ``state``):
    how many there are, and the first; ``sample``: what that rests on, where it is kept."""

    cls: Class
    message: str
    field: str
    count: int
    first: Difference
    sample: Sample | None = None


class Findings:
    """The differences of one direction. ``known``: those that are allowed; ``counts``: the others, by class;
    ``listener`` is called with each at once. ``wants``: whether a difference is one, where not all are asked for."""

    def __init__(
        self,
        known: KnownDifferences | None = None,
        listener: Callable[[Difference], None] | None = None,
        wants: Callable[[Difference], bool] | None = None,
    ) -> None:
        self.known = known or KnownDifferences()
        self.wants = wants
        self.counts: Counter[Class] = Counter()
        self._listener = listener
        self._details: dict[Class, list[Difference]] = {}
        self._groups: Counter[_GroupKey] = Counter()
        self._first: dict[_GroupKey, Difference] = {}
        self._samples: dict[_GroupKey, Sample] = {}
        self._room = SAMPLES_SIZE_KEPT

    @property
    def details(self) -> list[Difference]:
        """The first differences of each class, the most severe class first, each in the order of the recording."""
        return [
            difference
            for cls in sorted(self._details, key=lambda cls: (cls.severity.rank, cls.code))
            for difference in self._details[cls]
        ]

    @property
    def groups(self) -> list[Group]:
        """All differences by class, message and field, the most severe first, of one class the most frequent first."""
        found = [Group(*key, count, self._first[key], self._samples.get(key)) for key, count in self._groups.items()]
        return sorted(found, key=lambda group: (group.cls.severity.rank, group.cls.code, -group.count))

    def add(self, difference: Difference, sample: Callable[[], Sample] | None = None) -> None:
        """Count a difference and pass it on, unless it is known: then it is counted with its entry. ``sample`` makes
        what it rests on, where that is kept."""
        if self.wants is not None and not self.wants(difference):
            return
        if self.known.allow(difference):
            return
        self.counts[difference.cls] += 1
        key = place_of(difference)
        if key not in self._first:
            if len(self._first) >= GROUPS_KEPT:
                key = (difference.cls, "others", "")
            self._begin(key, difference, sample)
        self._groups[key] += 1
        kept = self._details.setdefault(difference.cls, [])
        if len(kept) < DETAILS_KEPT:
            kept.append(difference)
        if self._listener is not None:
            self._listener(difference)

    def _begin(self, key: _GroupKey, difference: Difference, sample: Callable[[], Sample] | None) -> None:
        """Begin a group, unless it is that of all others and there already."""
        if key in self._first:
            return
        self._first[key] = difference
        if sample is None or len(self._samples) >= SAMPLES_KEPT:
            return
        made = sample()
        if made.size <= self._room:
            self._room -= made.size
            self._samples[key] = made
