"""What a run has to say about places in files: a remark for each thing that does not hold, the worst first.

GitHub shows remarks beside the lines of a change, GitLab as issues of its code quality.

Rules:
1. A case that failed or errored is an error; one that need not hold and does not, and a difference that is no
   regression beside one that is, are warnings.
2. A remark without a place of its own stands at the file of its case; one about a live comparison has no file, and
   that of a capture is no text.

Not here: the forms (``annotations``, ``codequality``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct, structs

from nlmon.report.differences import difference_lines
from nlmon.report.model import labels
from nlmon.report.outcome import DID_NOT_PASS, CaseResult, Finding, Run, worst_first
from nlmon.report.text import useless_known

__all__ = ["Remark", "remarks"]

_PLACE = re.compile(r"(?P<path>.+?)(?::(?P<line>\d+)(?::(?P<column>\d+))?)?", re.DOTALL)


class Remark(Struct, frozen=True):
    """One thing that does not hold. ``case``: its id, with the host where there are several; ``code``: of an error or a
    class of difference, else the outcome; ``what``: in a line; ``lines``: of evidence; ``path``: a file, empty if there
    is none; ``line``, ``column``: from 1, and 0 where the remark is about the file; ``text``: the file has lines;
    ``errored``: the case could not be judged."""

    level: Literal["error", "warning"]
    case: str
    code: str
    what: str
    lines: tuple[str, ...] = ()
    path: str = ""
    line: int = 0
    column: int = 0
    text: bool = True
    errored: bool = False


def remarks(run: Run, *, each_difference: bool = False) -> Iterator[Remark]:
    """All remarks on a run. ``each_difference``: of a capture one for each group of differences, else one."""
    several = len(run.hosts) > 1
    for result in worst_first(run.results):
        if result.outcome in DID_NOT_PASS or result.outcome == "xfailed":
            case = f"{result.id} on {run.host_of(result)}" if several else result.id
            yield from _of_differences(result, case) if each_difference and _by_group(result) else _of(result, case)
    known = run.header.policy.known
    for code, lines in (
        ("expired", useless_known(run.footer.expired, ())),
        ("stale", useless_known((), run.footer.stale)),
    ):
        yield from (Remark("error", "", code, f"{line}: remove it", path=known) for line in lines)


def _of(result: CaseResult, case: str) -> Iterator[Remark]:
    for finding in result.findings or (Finding(result.explanation),):
        yield _remark(result, case, result.code or result.outcome, finding)


def _by_group(result: CaseResult) -> bool:
    """Whether it is the differences of a capture that fail a case, and nothing that a scenario or a policy asks for."""
    groups = () if result.report is None else result.report.groups
    return any(group.severity == "regression" for group in groups) and not any(one.where for one in result.findings)


def _of_differences(result: CaseResult, case: str) -> Iterator[Remark]:
    assert result.report is not None
    names = labels((result.reference, result.candidate))
    for group in result.report.groups:
        first, *lines = difference_lines(group, names)
        # The first line names a frame, which the next recording has elsewhere.
        what = f"{group.first.code} {group.cls} {group.message} {group.field}".rstrip()
        remark = _remark(result, case, group.first.code, Finding(what, "", (first, *lines)))
        yield remark if group.severity == "regression" else structs.replace(remark, level="warning")


def _remark(result: CaseResult, case: str, code: str, finding: Finding) -> Remark:
    of_capture = result.report is not None and result.where == result.report.path
    live = result.source == "live" and of_capture
    place = _PLACE.fullmatch(finding.where or ("" if live else result.where))
    path, line, column = place.group("path", "line", "column") if place else ("", None, None)
    return Remark(
        level="error" if result.outcome in DID_NOT_PASS else "warning",
        case=case,
        code=code,
        what=finding.what or result.outcome,
        lines=finding.lines,
        path=path.removeprefix("./"),
        line=int(line or 0),
        column=int(column or 0),
        text=bool(finding.where) or not of_capture,
        errored=result.outcome == "errored",
    )
