"""What came of claims: one report, as values and as JSON.

Rules:
1. A claim is as expected where its outcome is the one that was declared; an error never is.
2. The version of the format grows when a reader of the former one would misread it; older ones are read.

Not here: printing (``nlmon.cli.claims``, ``nlmon.cli.conform``) and running (``run``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from nlmon import __version__
from nlmon.conformance.claim import Claim, Expected
from nlmon.errors import InputError

__all__ = ["VERSION", "ClaimReport", "ClaimResult", "ConformanceReport", "Outcome", "read_report", "untested"]

VERSION = 1
Outcome: TypeAlias = Literal["holds", "does not hold", "not applicable", "error"]


class ClaimResult(Struct, frozen=True):
    """One claim and one implementation. ``reason``: why it is not expected to hold. ``outcome``: null where it was not
    tested. ``explanation`` and ``place`` (file and line of the test): of what was not expected."""

    implementation: str
    expected: Expected
    reason: str = ""
    outcome: Outcome | None = None
    explanation: str = ""
    place: str = ""

    @property
    def as_expected(self) -> bool:
        """Whether there is nothing to say against the implementation."""
        return self.outcome is None or self.outcome == self.expected

    @property
    def grade(self) -> int:
        """How bad it is: 0 as expected, 1 it holds and should not, 2 it does not hold, 3 something was raised."""
        if self.as_expected:
            return 0
        return {"error": 3, "does not hold": 2}.get(self.outcome or "", 1)


class ClaimReport(Struct, frozen=True):
    """One claim and all implementations."""

    id: str
    statement: str
    source: str
    results: tuple[ClaimResult, ...]


class ConformanceReport(Struct, frozen=True):
    """A run: ``nlmon`` is the version that ran, ``seconds`` how long it took."""

    nlmon: str
    implementations: tuple[str, ...]
    seconds: float
    claims: tuple[ClaimReport, ...]
    version: int = VERSION

    def unexpected(self) -> list[tuple[ClaimReport, ClaimResult]]:
        """What is not as expected, worst first."""
        found = [(claim, one) for claim in self.claims for one in claim.results if not one.as_expected]
        return sorted(found, key=lambda pair: -pair[1].grade)


def untested(claims: Iterable[Claim], implementations: Sequence[str]) -> ConformanceReport:
    """A report that says what is claimed, of a run that did not take place."""
    rows = []
    for one in claims:
        expected = [(name, one.expected(name)) for name in implementations]
        results = tuple(ClaimResult(name, what.outcome, what.reason) for name, what in expected)
        rows.append(ClaimReport(one.id, one.statement, one.source, results))
    return ConformanceReport(__version__, tuple(implementations), 0.0, tuple(rows))


def read_report(data: bytes, where: str) -> ConformanceReport:
    """A report from its JSON. Raises ``InputError`` for what is none, or of a newer version."""
    try:
        version = msgspec.json.decode(data, type=_Version).version
        if version > VERSION:
            what = f"the report has version {version}, this nlmon reads up to {VERSION}"
            raise InputError("NLM-F004", what, where=where, hint="use the nlmon that wrote it, or a newer one")
        return msgspec.json.decode(data, type=ConformanceReport)
    except msgspec.MsgspecError as error:
        hint = "nlmon conform --report FILE writes one"
        raise InputError("NLM-F003", "not a report of claims", where=where, why=str(error), hint=hint) from error


class _Version(Struct):
    version: int
