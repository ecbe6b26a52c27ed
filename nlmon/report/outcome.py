"""What a run of scenarios found, as values: the records of its stream, from which every report of it is made.

    header ─► case, for each that will run ─► result, for each that has run ─► footer

Rules:
1. A case is one scenario in one direction; its result holds all that a report of it needs.
2. Writers (``runtext``, ``runstream``, ``junit``) only print these values; they decide nothing.

Not here: how the values come about (``nlmon.scenario``), and the stream as bytes (``runstream``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal, TypeAlias

from msgspec import Struct

from nlmon.report.model import CaptureReport, Direction, Verdict
from nlmon.report.policy import Policy

__all__ = [
    "DID_NOT_PASS",
    "STREAM",
    "WORST_OUTCOME_FIRST",
    "CaseLine",
    "CaseResult",
    "Finding",
    "Outcome",
    "RunFooter",
    "RunHeader",
    "RunLine",
    "count_outcomes",
    "exit_code",
    "worst_first",
]

# The version of the stream.
STREAM = 1

# As pytest has them: ``failed``: it ran, and something does not hold; ``errored``: it could not be run to its end, or
# the evidence is too thin; ``xfailed``: it does not hold, and need not.
Outcome: TypeAlias = Literal["passed", "failed", "errored", "skipped", "xfailed"]
WORST_OUTCOME_FIRST: tuple[Outcome, ...] = ("failed", "errored", "xfailed", "skipped", "passed")
# What somebody must look at.
DID_NOT_PASS: frozenset[Outcome] = frozenset({"failed", "errored"})

_FAILED, _ERRORED, _MISSING = 1, 3, 4


class Finding(Struct, frozen=True):
    """One thing that does not hold: ``what`` in a line, ``where`` it is expected, as ``FILE:LINE:COLUMN``, and
    ``lines`` of evidence."""

    what: str
    where: str = ""
    lines: tuple[str, ...] = ()


class CaseLine(Struct, frozen=True, tag_field="record", tag="case"):
    """One case that will run. ``id``: unique in the run, such as ``link.flap[rollback]``; ``where``: its file."""

    id: str
    scenario: str
    title: str
    where: str
    direction: Direction


class CaseResult(Struct, frozen=True, tag_field="record", tag="result"):
    """What became of a case.

    ``reference``, ``candidate``: the implementations, in this direction. ``source``: ``recorded`` or ``live``.
    ``reason``: why it did not pass, in a line; ``code``: of the error that ended it, empty if none did; ``findings``:
    all that does not hold. ``expected``: the verdict that the scenario states, None if it states none; ``verdict``: the
    one that was given, None if it came to none; ``report``: what it rests on. ``seconds``: how long its scenario took.
    ``reproduce``: a command that runs it again."""

    id: str
    scenario: str
    title: str
    where: str
    direction: Direction
    reference: str
    candidate: str
    outcome: Outcome
    source: Literal["recorded", "live"] = "recorded"
    reason: str = ""
    code: str = ""
    findings: tuple[Finding, ...] = ()
    expected: Verdict | None = None
    verdict: Verdict | None = None
    report: CaptureReport | None = None
    seconds: float = 0.0
    reproduce: str = ""

    @property
    def case(self) -> str:
        """The case within its scenario, such as ``migrate`` or ``control``."""
        return self.id.removeprefix(self.scenario).strip("[]") or self.direction

    @property
    def explanation(self) -> str:
        """The reason, with the code of the error if one ended the case."""
        return f"{self.code}: {self.reason}" if self.code else self.reason


class RunHeader(Struct, frozen=True, tag_field="record", tag="header"):
    """First record of a run. ``stream``: the version of this format; ``started``: time in UTC, RFC 3339; ``options``:
    those that were given and not the default, by name; ``inputs``: SHA-256 of each scenario file and capture;
    ``known_digest``: that of the file of known differences, empty if there was none."""

    tool: str
    version: str
    host: str
    kernel: str
    started: str
    stream: int = STREAM
    policy: Policy = Policy()
    options: dict[str, str] = {}
    inputs: dict[str, str] = {}
    known_digest: str = ""


class RunFooter(Struct, frozen=True, tag_field="record", tag="footer"):
    """Last record of a run that has come to its end: how many cases have which outcome, and how long all took.
    ``stale``: numbers of entries of the known differences that allowed nothing, ``expired``: of those whose time is
    over. ``digest``: SHA-256 of all lines before this one."""

    outcomes: dict[str, int]
    seconds: float
    exit_code: int
    stale: list[int] = []
    expired: list[int] = []
    digest: str = ""


RunLine: TypeAlias = RunHeader | CaseLine | CaseResult | RunFooter


def count_outcomes(results: Iterable[CaseResult]) -> dict[str, int]:
    """How many cases have which outcome, the worst first; what none has is left out."""
    found = Counter(result.outcome for result in results)
    return {outcome: found[outcome] for outcome in WORST_OUTCOME_FIRST if found[outcome]}


def exit_code(outcomes: dict[str, int]) -> int:
    """The exit code of a run by the outcomes of its cases, the first that applies: 1 something failed; 3 something
    errored, or there was no case; 4 all were skipped; 0."""
    if outcomes.get("failed"):
        return _FAILED
    if outcomes.get("errored") or not outcomes:
        return _ERRORED
    return _MISSING if set(outcomes) == {"skipped"} else 0


def worst_first(results: Iterable[CaseResult]) -> list[CaseResult]:
    """Results by their outcome, those of one outcome in their order."""
    return sorted(results, key=lambda result: WORST_OUTCOME_FIRST.index(result.outcome))
