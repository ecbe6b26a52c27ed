"""The differences of a report, held against those that a scenario names.

Rules:
1. A pattern counts every difference of its code at its place; a place that it leaves out may be any.
2. What one implementation alone gives, as the contract says, can be named as well, and need not be.

Not here: verdicts and outcomes (``cases``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nlmon.compare.difference import Class
from nlmon.report.differences import difference_lines
from nlmon.report.model import CaptureReport
from nlmon.report.outcome import Finding
from nlmon.report.policy import Policy
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.model import DifferencePattern

__all__ = ["check_differences"]

LISTED = 10


class _Differences(NamedTuple):
    """How many differences of a code there are about a field of a type of message or kind of object."""

    code: str
    message: str
    field: str
    number: int

    @property
    def place(self) -> str:
        """Code and place, as people read them."""
        return _words(self.code, self.message, self.field)

    def is_named(self, pattern: DifferencePattern) -> bool:
        """Whether a pattern is about them."""
        return pattern.code == self.code and pattern.message in {"", self.message} and pattern.field in {"", self.field}


def check_differences(
    file: ScenarioFile, report: CaptureReport, names: tuple[str, str], policy: Policy
) -> Iterator[Finding]:
    """Differences that are named and not there as often as expected; and those that are not named, of regressions where
    differences are, and of warnings where the policy fails them. ``names``: the reference and the candidate."""
    patterns = file.scenario.expect.differences
    found = list(_there(report))
    for number, pattern in enumerate(patterns):
        if pattern.direction not in {None, report.direction}:
            continue
        count = sum(one.number for one in found if one.is_named(pattern))
        if count not in pattern.count:
            place = _words(pattern.code, pattern.message, pattern.field)
            what = f"differences ({report.direction}): expected {pattern.count} {place}, found {count:,}"
            yield Finding(what, file.place("expect", "differences", number), (_others(pattern, found),))
    for group in report.groups:
        one = _Differences(group.first.code, group.message, group.field, group.count)
        by_policy = bool({group.cls, group.severity} & {*policy.fail_on})
        fails = bool(patterns) if group.severity == "regression" else by_policy
        if fails and not any(map(one.is_named, patterns)):
            what = f"differences ({report.direction}): not expected: {one.place}"
            path = ("expect", "differences") if patterns else ("expect",)
            yield Finding(what, file.place(*path), tuple(difference_lines(group, names)))


def _others(pattern: DifferencePattern, found: Sequence[_Differences]) -> str:
    """Which differences there are instead of those that a pattern names: of its code, else any but enhancements and
    losses of service, which are many."""
    many = {Class.ENHANCEMENT.code, Class.SERVICE.code}
    there = [one for one in found if one.code == pattern.code] or [one for one in found if one.code not in many]
    listed = ", ".join(f"{one.place} {one.number:,}" for one in there[:LISTED])
    more = f" and {len(there) - LISTED:,} other kinds" if len(there) > LISTED else ""
    return f"found: {listed or 'no such difference'}{more}"


def _there(report: CaptureReport) -> Iterator[_Differences]:
    """All differences of a report, with what one implementation alone gives."""
    for group in report.groups:
        yield _Differences(group.first.code, group.message, group.field, group.count)
    for code, counts in ((Class.ENHANCEMENT.code, report.enhancements), (Class.SERVICE.code, report.losses)):
        for name, count in counts.items():
            kind, _, field = name.partition(".")
            yield _Differences(code, kind, field, count)


def _words(*words: str) -> str:
    return " ".join(filter(None, words))
