"""Runs made by hand, for the reports that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from nlmon.report.model import CaptureReport, DifferenceGroup, DifferenceRow, Report, by_direction, worst
from nlmon.report.outcome import CaseResult, Run, RunFooter, RunHeader, count_outcomes, exit_code
from nlmon.report.policy import Policy

__all__ = ["GOOD", "HOSTILE", "LOSSY", "MISSING", "REGRESSION", "UNDECIDED", "report", "result", "run"]

# A name of an interface, an alias or a file that is HTML, Markdown, a command of GitHub and an escape of a terminal.
HOSTILE = (
    "<script>alert(1)</script>|`**x**`\x1b[2J\u202eevil\n::error::x%0A,y:[a](b)&lt; @all #1 _z_ www.x.org http://x"
)

_ROW = DifferenceRow(
    *("NLD102", "missing", "regression", "RTM_NEWLINK", 7, 0, "mtu", "IFLA_MTU", 44, "dc05", "1500", "", "not read"),
    answer=False,
)
MISSING = DifferenceGroup("missing", "regression", "RTM_NEWLINK", "mtu", 3, _ROW)
REGRESSION = CaptureReport(
    *("a.pcap", "regression", "it differs"),
    fails="a regression",
    groups=[MISSING],
    details=[_ROW],
    compared={"ROUTE": 9},
)
LOSSY = CaptureReport("a.pcap", "lossy", "it loses", direction="rollback", losses={"link.altnames": 2})
GOOD = CaptureReport("b.pcap", "equivalent", "", kernel="6.12", compared={"NETLINK_ROUTE": 1200})
UNDECIDED = CaptureReport("c.pcap", "inconclusive", "nothing came")


def report(*captures: CaptureReport, **values: Any) -> Report:
    """A report of captures."""
    return Report(
        *("nlmon", "1", "legacy", "libnl", "notifications", list(captures)),
        verdict=worst(one.verdict for one in captures),
        verdicts=by_direction(captures),
        **values,
    )


def result(outcome: str, scenario: str = "", **values: Any) -> CaseResult:
    """What became of a case of a scenario, which is called like the outcome if it has no name."""
    name = scenario or outcome
    return msgspec.convert(
        {
            "record": "result",
            "id": f"{name}[migrate]",
            "scenario": name,
            "title": "",
            "where": f"{name}.yaml",
            "direction": "migrate",
            "reference": "legacy",
            "candidate": "libnl",
            "outcome": outcome,
            **msgspec.to_builtins(values),
        },
        CaseResult,
    )


def run(results: Sequence[CaseResult], host: str = "here", **footer: Any) -> Run:
    """A run of cases that came to its end."""
    outcomes = count_outcomes(results)
    header = RunHeader("nlmon", "1", host, "6.12", "2026-01-01T00:00:00+00:00", policy=Policy(known="a/known.yaml"))
    return Run(header, tuple(results), RunFooter(outcomes, 1.5, exit_code(outcomes), **footer))
