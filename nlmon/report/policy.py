"""What a run must show, and what fails it: the policy under which verdicts are given.

Rules:
1. A policy never hides a difference. Thresholds of evidence can only make a verdict ``inconclusive``; ``fail_on`` can
   only make a run fail.
2. A regression always fails, whatever the policy. What is lost and fails it may allow by name (``allow``), as who tests
   a library of few kinds does; all else only an entry of the known differences does.

Not here: where a policy is written (``nlmon.project.settings``), and the verdicts (``nlmon.engine.verdict``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:  # start-up: a policy is made without the comparison, too
    from nlmon.compare.difference import Class

__all__ = ["Policy", "fail_words", "wrong_word"]


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``fail_on``: verdicts, labels of classes of difference, or ``warning``: what fails a run beside a regression.
    ``min_events``: events that must have been compared in each capture, else the verdict is inconclusive.
    ``max_lost``: messages that may be lost, truncated or not compared. ``require_protocols``: names of protocols, such
    as ``NETLINK_ROUTE``, of which each capture must have given an event. ``allow``: what may be lost, by kind and field
    such as ``link.altnames``, or the kind of whole events; ``*`` stands for any characters. ``known``: path of the file
    of known differences.
    ``sources``: where each value that is not the default comes from, by key."""

    fail_on: tuple[str, ...] = ()
    min_events: int = 1
    max_lost: int = 0
    require_protocols: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    known: str = ""
    sources: dict[str, str] = {}

    def fails_on(self, cls: Class) -> bool:
        """Whether a difference of a class, which is no regression, fails the run."""
        return cls.label in self.fail_on or cls.severity.value in self.fail_on

    def not_allowed(self, losses: Mapping[str, int]) -> Counter[str]:
        """Of losses, by ``kind.field`` or ``kind``, those that ``allow`` does not name."""
        return Counter(
            {name: count for name, count in losses.items() if not any(fnmatchcase(name, one) for one in self.allow)}
        )


def fail_words() -> tuple[str, ...]:
    """What ``fail_on`` may name: verdicts, ``warning`` for all classes that are one, and classes of difference."""
    from nlmon.compare.difference import Class, Severity  # noqa: PLC0415  (start-up: only who names one needs them)

    verdicts = ("lossy", "regression", "inconclusive", "error")
    return tuple(dict.fromkeys((*verdicts, Severity.WARNING.value, *(cls.label for cls in Class))))


def wrong_word(words: tuple[str, ...]) -> str:
    """What is wrong with words for ``fail_on``, and the nearest that would be right; empty if nothing is."""
    right = fail_words()
    for word in words:
        if word not in right:
            near = get_close_matches(word, right, 1)
            return f"{word!r} is no verdict and no class of difference" + (f"; {near[0]} is one" if near else "")
    return ""
