"""What a run of scenarios found, as values: the records of its stream, from which every report of it is made.

    header ─► case, for each that will run ─► result, for each that has run ─► footer

``Run`` is all of them together, from whatever file they come: what a report of a run is made from.

Rules:
1. A case is one scenario in one direction, or one capture; its result holds all that a report of it needs.
2. Writers, such as ``runtext``, only print these values; they decide nothing. What a case or a run has come to they ask
   ``case_conclusion`` and ``run_conclusion``.

Not here: how the values come about (``nlmon.scenario``), the stream as bytes (``runstream``), and a run from a file
(``load``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct, structs

from nlmon.errors import ExitCode
from nlmon.report.model import UNDECIDED, CaptureReport, Direction, Verdict
from nlmon.report.policy import Policy

__all__ = [
    "DID_NOT_PASS",
    "STREAM",
    "WORST_OUTCOME_FIRST",
    "CaseLine",
    "CaseResult",
    "Conclusion",
    "Decision",
    "Finding",
    "Outcome",
    "Run",
    "RunFooter",
    "RunHeader",
    "RunLine",
    "case_conclusion",
    "case_of",
    "count_outcomes",
    "exit_code",
    "footer_of",
    "known_fail",
    "run_conclusion",
    "run_of",
    "unexpected_verdict",
    "worst_first",
]

# The version of the stream. Version 1 had the enhancements and the services of a capture in one list, ``fields``, which
# is not read.
STREAM = 2

# As pytest has them: ``failed``: it ran, and something does not hold; ``errored``: it could not be run to its end, or
# the evidence is too thin; ``xfailed``: it does not hold, and need not.
Outcome: TypeAlias = Literal["passed", "failed", "errored", "skipped", "xfailed"]
WORST_OUTCOME_FIRST: tuple[Outcome, ...] = ("failed", "errored", "xfailed", "skipped", "passed")
# What somebody must look at.
DID_NOT_PASS: frozenset[Outcome] = frozenset({"failed", "errored"})

# What a case or a run has come to, the worst first. Beside the outcomes, of a run: ``known``: known differences have to
# go; ``unfinished``: it did not come to its end; ``nothing``: no case ran. Of either ``undecided`` and ``lossy``: it
# passed, with a verdict that nobody expects.
Conclusion: TypeAlias = Literal[
    "failed", "known", "errored", "unfinished", "nothing", "undecided", "lossy", "xfailed", "skipped", "passed"
]


class Finding(Struct, frozen=True):
    """One thing that does not hold: ``what`` in a line, ``where`` it is expected, as ``FILE:LINE:COLUMN``, and
    ``lines`` of evidence."""

    what: str
    where: str = ""
    lines: tuple[str, ...] = ()


class CaseLine(Struct, frozen=True, tag_field="record", tag="case"):
    """One case that will run. ``id``: unique among those of its host, such as ``link.flap[rollback]``; ``where``: its
    file; ``host``: see ``CaseResult``."""

    id: str
    scenario: str
    title: str
    where: str
    direction: Direction
    host: str = ""


class CaseResult(Struct, frozen=True, tag_field="record", tag="result"):
    """What became of a case.

    ``reference``, ``candidate``: the implementations, in this direction. ``source``: ``recorded`` or ``live``.
    ``reason``: why it did not pass, in a line; ``code``: of the error that ended it, empty if none did; ``findings``:
    all that does not hold. ``expected``: the verdict that the scenario states, None if it states none; ``verdict``: the
    one that was given, None if it came to none; ``report``: what it rests on. ``seconds``: how long its scenario took.
    ``reproduce``: a command that runs it again. ``host``: whose case it is, where several runs were merged; empty: that
    of the header."""

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
    host: str = ""

    @property
    def case(self) -> str:
        """The case within its scenario, such as ``migrate`` or ``control``."""
        return self.id.removeprefix(self.scenario).strip("[]") or self.direction

    @property
    def explanation(self) -> str:
        """The reason, with the code of the error if one ended the case."""
        return f"{self.code}: {self.reason}" if self.code else self.reason


class Decision(Struct, frozen=True):
    """What a run was made for to decide, where its cases alone do not say it, such as that of an assessment. ``word``:
    in a word or two, ``sentence``: with what it is about; ``conclusion``: as which reports show it; ``reasons``: why,
    the worst first, each in a line."""

    word: str
    sentence: str
    conclusion: Conclusion
    reasons: tuple[str, ...] = ()


class RunHeader(Struct, frozen=True, tag_field="record", tag="header"):
    """First record of a run. ``stream``: the version of this format; ``started``: time in UTC, RFC 3339; ``options``:
    those that were given and not the default, by name; ``inputs``: SHA-256 of each scenario file and capture;
    ``known_digest``: that of the file of known differences, empty if there was none. ``host`` and ``kernel``: of the
    machine, and of a replay of the recordings, empty where they are of several or not known; ``hosts``: of merged runs
    the kernel of each host. ``decision``: None where the run decides nothing but what its cases come to."""

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
    hosts: dict[str, str] = {}
    decision: Decision | None = None


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


class Run(Struct, frozen=True):
    """All records of a run. ``results``: of the cases that have run, in their order; ``cases``: those that were to run;
    ``whole``: whether it came to its end and left no case out."""

    header: RunHeader
    results: tuple[CaseResult, ...]
    footer: RunFooter
    cases: tuple[CaseLine, ...] = ()
    whole: bool = True

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that cases are of, by name; none where that is not known."""
        return tuple(sorted({self.host_of(result) for result in self.results} - {""}))

    @property
    def waiting(self) -> tuple[CaseLine, ...]:
        """The cases that were to run and have not."""
        have_run = {(one.host, one.id) for one in self.results}
        return tuple(one for one in self.cases if (one.host, one.id) not in have_run)

    @property
    def records(self) -> tuple[RunLine, ...]:
        """All records in the order of their stream."""
        return (self.header, *self.cases, *self.results, self.footer)

    def host_of(self, result: CaseResult) -> str:
        """Whose case it is."""
        return result.host or self.header.host


def run_of(records: Sequence[RunLine]) -> Run:
    """A run from all of its records, of which the first is the header and the last the footer."""
    header, footer = records[0], records[-1]
    assert isinstance(header, RunHeader)
    assert isinstance(footer, RunFooter)
    results = tuple(one for one in records if isinstance(one, CaseResult))
    run = Run(header, results, footer, tuple(one for one in records if isinstance(one, CaseLine)))
    return structs.replace(run, whole=not run.waiting and footer.exit_code != ExitCode.INTERRUPTED)


def count_outcomes(results: Iterable[CaseResult]) -> dict[str, int]:
    """How many cases have which outcome, the worst first; what none has is left out."""
    found = Counter(result.outcome for result in results)
    return {outcome: found[outcome] for outcome in WORST_OUTCOME_FIRST if found[outcome]}


def case_of(result: CaseResult) -> CaseLine:
    """The case that a result is of, where it was not known before."""
    return CaseLine(result.id, result.scenario, result.title, result.where, result.direction, result.host)


def footer_of(
    results: Iterable[CaseResult],
    seconds: float,
    *,
    stale: Sequence[int] = (),
    expired: Sequence[int] = (),
    cut: bool = False,
) -> RunFooter:
    """The footer of a run, wherever it ran. ``stale``, ``expired``: entries of the known differences that have to go,
    which fail it; ``cut``: Ctrl-C ended it."""
    outcomes = count_outcomes(results)
    code = ExitCode.INTERRUPTED if cut else ExitCode.FAILED if stale or expired else exit_code(outcomes)
    return RunFooter(outcomes, round(seconds, 3), code, list(stale), list(expired))


def exit_code(outcomes: dict[str, int]) -> ExitCode:
    """The exit code of a run by the outcomes of its cases, the first that applies: 1 something failed; 3 something
    errored, or there was no case; 4 all were skipped; 0."""
    if outcomes.get("failed"):
        return ExitCode.FAILED
    if outcomes.get("errored") or not outcomes:
        return ExitCode.INPUT
    return ExitCode.PLATFORM if set(outcomes) == {"skipped"} else ExitCode.OK


def unexpected_verdict(result: CaseResult) -> Verdict | None:
    """The verdict of a case, unless it is the one that its scenario expects, or need not be that one."""
    expected = result.verdict == result.expected or result.outcome == "xfailed"
    return None if expected else result.verdict


def case_conclusion(result: CaseResult) -> Conclusion:
    """What a case has come to: its outcome, unless it passed and its verdict is less than one could wish."""
    verdict = unexpected_verdict(result) if result.outcome == "passed" else None
    if verdict in UNDECIDED:
        return "undecided"
    return "lossy" if verdict == "lossy" else result.outcome


def run_conclusion(run: Run) -> Conclusion:
    """What a run has come to: the worst of its cases, unless something about the run as a whole is worse. It is failed
    or known where the exit code is 1, and something from ``undecided`` on where it is 0. What it was made to decide
    comes before all of that."""
    if run.header.decision is not None:
        return run.header.decision.conclusion
    found = set(map(case_conclusion, run.results))
    if "failed" in found:
        return "failed"
    if known_fail(run):
        return "known"
    if "errored" in found:
        return "errored"
    # Of merged runs one may have had no case.
    if not run.whole or (found and run.footer.exit_code == ExitCode.INPUT):
        return "unfinished"
    if found <= {"skipped"}:
        return "nothing"
    # What need not hold is not named beside what does.
    ranked: tuple[Conclusion, ...] = ("undecided", "lossy", "passed", "xfailed")
    return next(one for one in ranked if one in found)


def known_fail(run: Run) -> bool:
    """Whether entries of the known differences fail a run by themselves. Of merged runs that had other files of them
    their numbers are not known, and only the exit code shows it."""
    footer = run.footer
    by_them_alone = footer.exit_code == ExitCode.FAILED and not any(one.outcome == "failed" for one in run.results)
    return bool(footer.stale or footer.expired) or by_them_alone


def worst_first(results: Iterable[CaseResult]) -> list[CaseResult]:
    """Results by their outcome, those of one outcome in their order."""
    return sorted(results, key=lambda result: WORST_OUTCOME_FIRST.index(result.outcome))
