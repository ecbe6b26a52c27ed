"""The report of a run for people: a line for each scenario, details of what did not pass, and a last line.

Rules:
1. The worst comes first. A scenario whose directions all passed, or were all skipped for one reason, is one line.
2. What comes from a file or from the kernel is printed with its control characters escaped.

Not here: the values (``outcome``), and where they are printed (``nlmon.cli.run``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import structs

from nlmon.printable import printable
from nlmon.report.outcome import DID_NOT_PASS, CaseResult, Finding, count_outcomes, worst_first
from nlmon.report.text import counted

__all__ = ["case_lines", "details", "last_line"]


def case_lines(results: Sequence[CaseResult], *, quiet: bool = False, verbose: bool = False) -> Iterator[str]:
    """The report but for its last line. ``quiet``: only what did not pass; ``verbose``: the title and what was
    compared, too."""
    reason = _common_reason(results)
    if reason:
        yield f"all {counted(len(results), 'case')} ended for one reason: {printable(reason)}"
        return
    said: dict[tuple[str, Finding], str] = {}
    alike: dict[tuple[str, str, str], list[CaseResult]] = {}
    for result in results:
        alike.setdefault((result.host, result.scenario, result.outcome), []).append(result)
    for result in worst_first(results):
        if result.outcome in DID_NOT_PASS or (result.outcome == "xfailed" and verbose):
            yield from map(printable, _with_details(_what_is_new(result, said)))
            said |= {(result.scenario, finding): _whose(result, result.id) for finding in result.findings}
        elif quiet:
            continue
        elif result.outcome == "xfailed":
            yield printable(f"xfailed  {_whose(result, result.id)}: {result.reason}")
        elif others := alike.pop((result.host, result.scenario, result.outcome), []):
            yield from map(printable, _good(others, verbose=verbose))


def last_line(results: Sequence[CaseResult], seconds: float) -> str:
    """How many cases there are, of scenarios or of captures, the outcomes, and the time where it is known."""
    counts = count_outcomes(results)
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in counts.items()) or "nothing ran"
    captures = bool(results) and all(result.report is not None and not result.report.scenario for result in results)
    files = counted(len({result.scenario for result in results}), "capture" if captures else "scenario")
    took = f", {seconds:.1f} s" if seconds else ""
    return f"{outcomes}  ({counted(len(results), 'case')} of {files}{took})"


def details(result: CaseResult) -> Iterator[str]:
    """All that is to be said of a case that did not pass, but for its first line."""
    if result.title:
        yield result.title
    if not result.findings and result.reason:
        yield result.explanation
    for finding in result.findings:
        yield f"{finding.where}: {finding.what}" if finding.where else finding.what
        yield from (f"    {line}" for line in finding.lines)
    if result.reproduce:
        yield f"reproduce: {result.reproduce}"


def _what_is_new(result: CaseResult, said: Mapping[tuple[str, Finding], str]) -> CaseResult:
    """A result without what another case of its scenario has said already; ``said``: where each finding stands."""
    new = tuple(one for one in result.findings if (result.scenario, one) not in said)
    count = len(result.findings) - len(new)
    if not count:
        return result
    first = next(said[result.scenario, one] for one in result.findings if (result.scenario, one) in said)
    as_there = Finding(f"{'and ' * bool(new)}what does not hold of {first}, too ({count:,})")
    return structs.replace(result, findings=(*new, as_there))


def _with_details(result: CaseResult) -> Iterator[str]:
    # A file that is no scenario has no id but its path.
    where = f"  {result.where}" if result.where != result.id else ""
    yield f"{result.outcome:7}  {_whose(result, result.id)}{where}"
    yield from (f"  {line}" for line in details(result))


def _good(results: Sequence[CaseResult], *, verbose: bool) -> Iterator[str]:
    first = results[0]
    line = f"{first.outcome:7}  {_whose(first, first.scenario)}"
    if first.outcome == "skipped":
        yield f"{line}: {first.reason}"
        return
    verdicts = ", ".join(f"{one.case} {one.verdict}" for one in results if one.verdict)
    yield f"{line}: {verdicts}" if verdicts else line
    if verbose:
        yield from [f"         {first.title}"] * bool(first.title)
        if first.report is not None:
            names = f"{first.candidate} against {first.reference}"
            compared = counted(sum(first.report.compared.values()), "event")
            yield f"         {names}, {compared} compared, {first.seconds:.2f} s, {first.where}"


def _whose(result: CaseResult, name: str) -> str:
    """A name of a case, with its host where several runs were merged."""
    return f"{name} on {result.host}" if result.host else name


def _common_reason(results: Sequence[CaseResult]) -> str:
    """The reason of all, if each errored or was skipped for the same: it is said once."""
    reasons = {(one.outcome, one.explanation) for one in results}
    if len(results) < 3 or len(reasons) != 1:
        return ""
    outcome, reason = reasons.pop()
    return reason if outcome in {"errored", "skipped"} else ""
