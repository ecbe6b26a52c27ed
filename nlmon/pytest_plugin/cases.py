"""Scenario files as pytest collects them: a file holds its cases, each of which is a test.

Rules:
1. A case that was skipped is a skipped test, one that errored an error of the set-up, one that failed a failed test,
   and one that need not hold and does not is xfailed.
2. What a person reads of a failure is what ``nlmon run`` prints of it; no frame of nlmon is in it.

Not here: running a scenario (``session``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from nlmon.errors import NlmonError
from nlmon.printable import printable
from nlmon.pytest_plugin.session import Runs
from nlmon.report.outcome import CaseResult
from nlmon.report.runtext import details
from nlmon.scenario.cases import cases_of
from nlmon.scenario.load import ScenarioFile

__all__ = ["ScenarioCase", "ScenarioCases", "add_mistakes", "add_result"]

_FAILS, _SKIPPED = {"failed", "xfailed"}, "skipped"


class ScenarioCases(pytest.File):
    """A scenario file. ``make_runs``: gives what runs it; ``mistaken``: results of a file that is no scenario."""

    make_runs: Callable[[], Runs]
    mistaken: list[CaseResult]

    def collect(self) -> Iterator[pytest.Item]:
        self.mistaken = []
        try:
            runs = self.make_runs()
            file, self.mistaken = runs.load(self.path)
        except NlmonError as error:
            raise self.CollectError(printable(str(error))) from error
        if file is None:
            raise self.CollectError("\n".join(printable(line) for one in self.mistaken for line in details(one)))
        for case in cases_of(file):
            # Of an id that it makes itself pytest 9.2 does not know that it ends with brackets, and --lf misses it.
            nodeid = f"{self.nodeid}::{case.id}"
            yield ScenarioCase.from_parent(self, name=case.id, nodeid=nodeid, file=file, runs=runs)


class ScenarioCase(pytest.Item):
    """A case of a scenario. ``result``: what came of it, None before it has run."""

    def __init__(self, *, file: ScenarioFile, runs: Runs, **others: Any) -> None:
        super().__init__(**others)
        self.result: CaseResult | None = None
        self._file = file
        self._runs = runs
        self._line = int(file.place("id").rsplit(":", 2)[1]) - 1
        self.add_marker("nlmon_scenario")
        if file.scenario.capture is None:
            self.add_marker("nlmon_live")
        if self.config.pluginmanager.hasplugin("xdist"):
            # With --dist loadgroup one worker runs all cases of a scenario, at once.
            self.add_marker(pytest.mark.xdist_group(f"nlmon {file.scenario.id}"))

    def setup(self) -> None:
        __tracebackhide__ = True
        selected = [one.name for one in self.session.items if isinstance(one, ScenarioCase) and one.path == self.path]
        result = self._required(self._runs.result(self._file, self.name, selected))
        self.result = result
        if result.outcome == _SKIPPED:
            pytest.skip(printable(result.reason))
        if result.outcome == "errored":
            _fail(result)

    def runtest(self) -> None:
        __tracebackhide__ = True
        result = self.result
        if result is not None and result.outcome in _FAILS:
            if result.outcome == "xfailed":
                pytest.xfail(printable(result.reason))
            _fail(result)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self._line, self.name

    def _required(self, result: CaseResult) -> CaseResult:
        """The result, which is an error where what is lacking may not be missing."""
        needs = self._file.scenario.needs
        asked = {"netns": self._file.scenario.capture is None, "root": needs.root}
        if result.outcome != _SKIPPED or not any(asked[word] for word in self._runs.options.require):
            return result
        return structs.replace(result, outcome="errored", reason=f"required here, but {result.reason}")


def add_result(item: ScenarioCase, report: pytest.TestReport) -> None:
    """Add to the report of a phase of a test what came of its case, as JSON, and the place of what did not pass."""
    result, (path, line, _) = item.result, item.reportinfo()
    if report.skipped and isinstance(report.longrepr, tuple):
        report.longrepr = str(path), line + 1, report.longrepr[2]
    if result is None or not (report.when == "call" or (report.when == "setup" and not report.passed)):
        return
    report.nlmon_results = _texts([result])  # type: ignore[attr-defined]
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        # pytest prints it behind the id of the test.
        crash.path, crash.lineno, crash.message = str(path), line + 1, printable(result.explanation)


def add_mistakes(file: ScenarioCases, report: pytest.CollectReport) -> None:
    """Add to the report of a file that is no scenario what is wrong with it, as JSON."""
    report.nlmon_results = _texts(file.mistaken)  # type: ignore[attr-defined]


def _texts(results: Sequence[CaseResult]) -> list[str]:
    return [msgspec.json.encode(result).decode() for result in results]


def _fail(result: CaseResult) -> None:
    __tracebackhide__ = True
    pytest.fail("\n".join(map(printable, details(result))), pytrace=False)
