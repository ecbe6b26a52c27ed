"""Captures as tests: one for each that a pattern finds, and for each direction.

    @pytest.mark.nlmon_captures("captures/**/*.pcap*", both_ways=True)
    def test_move(nlmon_verdict): nlmon_verdict.assert_equivalent(min_events=50)

Rules:
1. A pattern is relative to the folder of the test's file; where it finds nothing there, to the root folder of pytest.
2. A pattern that finds nothing is an error (NLM-Y004): tests that are not there pass without evidence.

Not here: the replay (``replay``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from nlmon.errors import UsageError
from nlmon.pytest_plugin.replay import Replayed
from nlmon.report.model import Direction, directions
from nlmon.report.outcome import CaseResult, Finding

__all__ = ["CaptureCase", "add_verdict", "find_capture", "parametrize"]

FIXTURE = "nlmon_verdict"


class CaptureCase(Struct, frozen=True):
    """A capture in one direction. ``options``: as they stand in the marker, but for ``both_ways``."""

    path: Path
    direction: Direction
    both_ways: bool
    options: dict[str, Any]


def parametrize(metafunc: pytest.Metafunc, marker: pytest.Mark) -> None:
    """Make a test of each capture that the marker finds. Raises ``UsageError``."""
    where = f"{metafunc.definition.path.name}::{metafunc.definition.name}"
    if FIXTURE not in metafunc.fixturenames:
        hint = f"write def {metafunc.definition.name}({FIXTURE}): {FIXTURE}.assert_equivalent()"
        raise UsageError("NLM-Y005", f"the marker nlmon_captures needs the fixture {FIXTURE}", where=where, hint=hint)
    options = dict(marker.kwargs)
    both_ways = bool(options.pop("both_ways", False))
    cases = [
        (CaptureCase(path, direction, both_ways, options), f"{name}-{direction}" if both_ways else name)
        for name, path in _captures(metafunc, marker, where)
        for direction in directions(both_ways=both_ways)
    ]
    metafunc.parametrize(FIXTURE, [case for case, _ in cases], ids=[name for _, name in cases], indirect=True)


def find_capture(capture: Path | str, item: pytest.Item) -> Path:
    """A capture that a test names; where it is not beside its file, it is looked for in the root folder of pytest."""
    beside = item.path.parent / capture
    return beside if beside.exists() else item.config.rootpath / capture


def _captures(metafunc: pytest.Metafunc, marker: pytest.Mark, where: str) -> list[tuple[str, Path]]:
    """Captures by their names, in order and once."""
    if not marker.args:
        raise UsageError("NLM-Y004", "the marker nlmon_captures has no pattern", where=where, hint='"captures/*.pcap*"')
    found: dict[str, Path] = {}
    for pattern in marker.args:
        folders = (metafunc.definition.path.parent, metafunc.config.rootpath)
        for folder in folders:
            paths = sorted(path for path in folder.glob(str(pattern)) if path.is_file())
            if paths:
                found |= {path.relative_to(folder).as_posix(): path for path in paths}
                break
        else:
            why = f"there is none in {folders[0]}" + f", nor in {folders[1]}" * (folders[0] != folders[1])
            raise UsageError("NLM-Y004", f"no capture matches {pattern!r}", where=where, why=why)
    return list(found.items())


def add_verdict(item: pytest.Item, report: pytest.TestReport) -> None:
    """Add to the report of a test what came of its capture, as JSON: a case whose outcome is that of the test."""
    found = getattr(item, "funcargs", {}).get(FIXTURE)
    if report.when != "call" or not isinstance(found, Replayed):
        return
    path, line, _ = item.reportinfo()
    where = f"{Path(path).relative_to(item.config.rootpath).as_posix()}:{(line or 0) + 1}"
    said = getattr(getattr(report.longrepr, "reprcrash", None), "message", "").removeprefix("AssertionError: ")
    what, *more = said.splitlines() or [""]
    result = CaseResult(
        id=item.nodeid,
        scenario=item.nodeid.partition("[")[0],
        title="",
        where=where,
        direction=found.report.direction,
        reference=found.names[0],
        candidate=found.names[1],
        outcome="xfailed" if hasattr(report, "wasxfail") and report.skipped else report.outcome,
        reason=what,
        findings=(Finding(what, where, tuple(more)),) if what else (),
        verdict=found.verdict,
        report=found.report,
        seconds=report.duration,
    )
    report.nlmon_results = [msgspec.json.encode(result).decode()]  # type: ignore[attr-defined]
