"""Differences that somebody looked at and accepts for a while: one entry each, with a reason and an owner.

Rules:
1. An entry allows what it names and nothing more: one class of difference at one place. It says why and who answers
   for it, and it can end by itself.
2. What an entry allows is counted and shown with its reason, and does not turn the verdict. An entry that allows
   nothing, or whose time is over, is as visible as a difference.

Not here: the file that entries are kept in (``nlmon.project.known``), and what a whole run makes of entries that allow
nothing (``nlmon.project.unused``).
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from msgspec import Struct

from nlmon.compare.difference import Class, Difference

__all__ = ["KnownDifference", "KnownDifferences", "in_range", "known_for", "literal", "place_of"]

# What stands for a field where a difference of states is about the whole object; see ``nlmon.compare.final``.
WHOLE_OBJECT = ("(missing)", "(extra)", "(gone)", "(appeared)")

# The kernel's name of itself comes from the recording, which may hold a number of any length.
_NUMBER = r"[0-9]{1,9}"
_BOUND = re.compile(rf"(>=|<=|==|>|<)\s*({_NUMBER}(?:\.{_NUMBER})*)")
_VERSION = re.compile(rf"{_NUMBER}(?:\.{_NUMBER})+")
# In a pattern, and one of these that stands for itself.
_SPECIAL, _LITERAL = re.compile(r"[*?[]"), re.compile(r"\[[*?[]\]")
_SEPARATOR = re.compile(r"[/\\]")


class KnownDifference(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry.

    ``code``: of the class of difference, such as NLD102. ``message``: the type of the message, such as RTM_NEWLINK; of
    a state the kind of object, such as ``link``; of a loss of service the kind of event, such as ``xfrm_state``.
    ``field``: the field of it, ``*`` for every one, empty where the difference is about the whole event or message; of
    a state ``(missing)``, ``(extra)``, ``(gone)`` or ``(appeared)`` where it is about the whole object.
    ``capture``: the name of the capture, the end of its path, or a pattern for either, with ``*``, ``?`` and ``[...]``
    as in a shell. ``scenario``: the id of the scenario that was run, or a pattern for it; ``*`` for any and for none.
    ``reference``, ``candidate``: the implementations and thereby the direction, ``*`` for any.
    ``kernel``: a range such as ``>=6.1,<6.13`` that the kernel of the recording must be in. ``at_most``: so many
    differences, in each capture and direction; None: any number. ``reason``, ``owner``, ``issue``: for people.
    ``expires``: the last day on which it holds, in UTC.
    """

    code: str
    message: str
    field: str = ""
    capture: str = "*"
    scenario: str = "*"
    reference: str = "*"
    candidate: str = "*"
    kernel: str = ""
    at_most: int | None = None
    reason: str
    owner: str
    issue: str = ""
    expires: dt.date | None = None

    def __post_init__(self) -> None:
        if self.code not in {cls.code for cls in Class}:
            raise ValueError(f"{self.code!r} is no code of a difference; NLD102 is one")
        for name in ("message", "capture", "scenario", "reference", "candidate", "reason", "owner"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} must not be empty")
        if self.code == Class.STATE.code and not self.field:
            raise ValueError(f"field must not be empty for {self.code}; it is a field or {', '.join(WHOLE_OBJECT)}")
        if self.at_most is not None and self.at_most < 1:
            raise ValueError("at_most must be 1 or more")
        if self.kernel and not all(_BOUND.fullmatch(bound.strip()) for bound in self.kernel.split(",")):
            raise ValueError(f"{self.kernel!r} is no range of kernels; >=6.1,<6.13 is one")

    @property
    def names_one(self) -> bool:
        """Whether it is about one capture or one scenario, and not about all that fit a pattern."""
        return any(map(_is_literal, (self.capture, self.scenario)))

    @property
    def names_both(self) -> bool:
        """Whether it is about one reference and one candidate, and not about all that fit a pattern."""
        return _is_literal(self.reference) and _is_literal(self.candidate)

    @property
    def scope(self) -> tuple[str, ...]:
        """What it allows and where, whatever reason it gives and however often."""
        return (
            *(self.code, self.message, self.field),
            *(self.capture, self.scenario, self.reference, self.candidate, self.kernel),
        )

    def expired(self, today: dt.date) -> bool:
        """Whether its last day is over."""
        return self.expires is not None and self.expires < today

    def applies(self, capture: str, kernel: str, reference: str, candidate: str, *, scenario: str = "") -> bool:
        """Whether it is about this capture, its kernel, this direction and the scenario that was run, if one was."""
        return (
            _ends_with(capture, self.capture)
            and fnmatchcase(scenario, self.scenario)
            and fnmatchcase(reference, self.reference)
            and fnmatchcase(candidate, self.candidate)
            and (not self.kernel or in_range(kernel, self.kernel))
        )

    def allows(self, place: tuple[str, str, str]) -> bool:
        """Whether it names a place, which is code, message and field."""
        code, message, field = place
        return (self.code, self.message) == (code, message) and self.field in {field, "*"}


class KnownDifferences:
    """The entries that apply to one comparison, by their number in the file from 1, and how often each allowed
    something; ``first``: the first difference that it allowed. Where several name a place, the first of them counts,
    and the next one what the first allows no more of."""

    def __init__(self, entries: Sequence[tuple[int, KnownDifference]] = ()) -> None:
        self.entries = tuple(entries)
        self._by_message: dict[tuple[str, str], list[tuple[int, KnownDifference]]] = {}
        for number, entry in self.entries:
            self._by_message.setdefault((entry.code, entry.message), []).append((number, entry))
        self._most = {number: entry.at_most for number, entry in self.entries}
        self.counts: Counter[int] = Counter()
        self.first: dict[int, Difference] = {}

    def allow(self, difference: Difference) -> bool:
        """Whether an entry allows one more such difference, which is then counted there."""
        if not self.entries:
            return False
        cls, message, field = place_of(difference)
        number = self._find((cls.code, message, field), self.counts)
        if not number:
            return False
        self.counts[number] += 1
        self.first.setdefault(number, difference)
        return True

    def split_losses(self, losses: Counter[str]) -> tuple[Counter[str], Counter[int]]:
        """Losses of service, by ``kind.field`` or ``kind``: those that no entry allows, and how many each one does."""
        left: Counter[str] = Counter()
        allowed: Counter[int] = Counter()
        for name, count in losses.items():
            kind, _, field = name.partition(".")
            place = Class.SERVICE.code, kind, field
            while count and (number := self._find(place, allowed)):
                most = self._most[number]
                taken = count if most is None else min(count, most - allowed[number])
                allowed[number] += taken
                count -= taken
            if count:
                left[name] = count
        return left, allowed

    def _find(self, place: tuple[str, str, str], counts: Mapping[int, int]) -> int:
        """The number of the first entry that names a place and allows more than its count, 0 if none does."""
        for number, entry in self._by_message.get(place[:2], ()):
            if entry.allows(place) and (entry.at_most is None or counts[number] < entry.at_most):
                return number
        return 0


def known_for(
    entries: Sequence[tuple[int, KnownDifference]],
    capture: str,
    kernel: str,
    pairs: Iterable[tuple[str, str]],
    *,
    scenario: str = "",
) -> list[KnownDifferences]:
    """What is known of a capture, for each pair of reference and candidate; ``entries``: with their numbers;
    ``scenario``: the id of the scenario that was run, empty if there is none."""
    return [
        KnownDifferences([one for one in entries if one[1].applies(capture, kernel, *pair, scenario=scenario)])
        for pair in pairs
    ]


def place_of(difference: Difference) -> tuple[Class, str, str]:
    """What differences that are alike have in common: class, message and field. The object of a state is named in
    full, and here only by its kind."""
    message = difference.message.partition(" ")[0] if difference.cls is Class.STATE else difference.message
    return difference.cls, message, difference.field


def literal(name: str) -> str:
    """A pattern that fits the name of a capture, or the id of a scenario, and no other."""
    return _SPECIAL.sub(r"[\g<0>]", name)


def _is_literal(pattern: str) -> bool:
    """Whether a pattern fits one name and no other."""
    return not set("*?[") & set(_LITERAL.sub("", pattern))


def _ends_with(path: str, pattern: str) -> bool:
    """Whether the last parts of a path fit those of a pattern, one by one."""
    parts, wanted = _SEPARATOR.split(path), _SEPARATOR.split(pattern)
    return len(parts) >= len(wanted) and all(map(fnmatchcase, parts[-len(wanted) :], wanted))


def in_range(kernel: str, wanted: str) -> bool:
    """Whether a kernel, such as ``Linux 6.12.9-amd64``, is in a range; one whose version is not known is in none. A
    bound speaks of as many numbers as it has: 6.1.5 is ``==6.1`` and ``<=6.1``, and not ``>6.1``."""
    found = _VERSION.search(kernel)
    return found is not None and all(
        _holds(_numbers(found.group()), operator, _numbers(bound)) for operator, bound in _BOUND.findall(wanted)
    )


def _holds(version: tuple[int, ...], operator: str, bound: tuple[int, ...]) -> bool:
    version = (*version, *[0] * (len(bound) - len(version)))[: len(bound)]
    return {
        ">=": version >= bound,
        "<=": version <= bound,
        "==": version == bound,
        ">": version > bound,
        "<": version < bound,
    }[operator]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))
