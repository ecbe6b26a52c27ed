"""Gathers what came of scenarios and captures, from workers of pytest-xdist too, and writes reports of it at the end.

Rules:
1. One report for one call of pytest: the process that the user started writes it, workers only hand results to it.
2. A result that comes twice, as of a test that is run again, counts as it came last.
3. What cannot be written is said at the end of the run, which fails by it.

Not here: the forms of reports (``nlmon.report``), and running scenarios (``session``).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nlmon.errors import NlmonError
from nlmon.printable import printable
from nlmon.project.repository import places
from nlmon.project.unused import useless_entries
from nlmon.pytest_plugin.options import Options
from nlmon.pytest_plugin.session import Runs
from nlmon.pytest_plugin.update import update_scenarios
from nlmon.report.kinds import report_as
from nlmon.report.outcome import DID_NOT_PASS, CaseResult, case_of, footer_of, run_of
from nlmon.report.text import shown_path, useless_known
from nlmon.reportfile import is_stdout, write_report
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.runheader import run_header

__all__ = ["Gatherer"]


class Gatherer:
    """Writes what ``options`` ask for when the tests have run; ``runs`` is what they had in common,
    ``root`` pytest's root folder."""

    def __init__(self, options: Options, runs: Runs, root: Path) -> None:
        self._options = options
        self._root = root
        self._runs = runs
        self._began = time.perf_counter()
        self._results: dict[tuple[str, str], CaseResult] = {}
        self._said: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A phase of a test has ended, here or in a worker."""
        self._take(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file was collected, or was no scenario."""
        self._take(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """All have run: write what was asked for."""
        terminal = session.config.pluginmanager.getplugin("terminalreporter")
        try:
            with contextlib.chdir(session.config.invocation_params.dir):
                self._end_line(terminal)
                self._said += self._written()
        except NlmonError as error:
            self._said.append(printable(str(error)))
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say what was written."""
        for line in self._said:
            terminalreporter.write_line(f"nlmon: {line}")

    def _end_line(self, terminal: Any) -> None:
        """End the line of progress where a report goes to standard output: an annotation must begin its line."""
        if terminal is not None and any(is_stdout(Path(path)) for _, path in self._options.reports):
            terminal.line("")
            terminal.flush()

    def _take(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        for text in getattr(report, "nlmon_results", ()):
            result = msgspec.json.decode(text, type=CaseResult)
            self._results[report.nodeid, result.id] = result

    def _written(self) -> Iterator[str]:
        """Write all; what was done, as lines."""
        results = [self._results[key] for key in sorted(self._results)]
        files = [file for path in self._files() if (file := self._runs.file(path)) is not None]
        self._write_reports(files, results)
        yield from self._kept(results)
        yield from update_scenarios(files, results, self._options.update)
        yield from self._known(results)

    def _files(self) -> list[Path]:
        """The files of all results, in order."""
        return [
            self._root / name for name in dict.fromkeys(node.partition("::")[0] for node, _ in sorted(self._results))
        ]

    def _write_reports(self, files: list[ScenarioFile], results: list[CaseResult]) -> None:
        if not self._options.reports:
            return
        seconds = time.perf_counter() - self._began
        header = run_header(files, self._runs.run_options, self._options.given)
        run = run_of([header, *map(case_of, results), *results, footer_of(results, seconds)])
        for kind, path in self._options.reports:
            write_report(path, report_as(kind, run, places()))

    def _kept(self, results: list[CaseResult]) -> Iterator[str]:
        """What was kept where a scenario ran."""
        folder = self._options.artifacts
        bad = dict.fromkeys(one.scenario for one in results if one.outcome in DID_NOT_PASS)
        for name in bad if folder is not None else ():
            kept = Path(folder or "", name)
            if kept.is_dir():
                yield f"kept {shown_path(self._runs.shown(kept))}"

    def _known(self, results: list[CaseResult]) -> Iterator[str]:
        """Known differences that are of no use: they are removed, or named."""
        known, named = self._runs.known, self._runs.run_options.names is not None
        stale, expired = useless_entries(known, results, complete=False, tried=True, named=named)
        if "trim" in self._options.update:
            if stale or expired:
                known.without({*stale, *expired}).write()
            yield from (f"removed entry {number} of {known.path}" for number in sorted({*stale, *expired}))
            return
        for line in useless_known(expired, stale, str(known.path)):
            yield f"{line}: remove it, or run with --nlmon-update=trim"
