"""Runs many scenarios, one after another, in several processes or on a cluster, and reports.

    files ─► cases that are meant ─► results, in the order of the files ─► stream, terminal, JUnit, what is kept

Rules:
1. A file that is no scenario, and a process that is lost, are errored cases; the others keep their results. After
   Ctrl-C what has come is reported.
2. Results come in the order of the files, whatever ran first.

Not here: options (``run``), and running one scenario (``nlmon.scenario.run``).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct, structs

from nlmon.cli.again import own_script
from nlmon.cli.bounds import noted_interruption
from nlmon.cli.common import progress, warn
from nlmon.cli.pick import picker
from nlmon.cli.reports import ReportFile, write_reports
from nlmon.cli.spread import patient_signals
from nlmon.errors import PlatformError
from nlmon.jobs.order import LOST, in_order
from nlmon.jobs.processes import Processes, allowed_cpus
from nlmon.jobs.work import refuse_other_version
from nlmon.project.known import KnownFile
from nlmon.project.unused import useless_entries
from nlmon.report.outcome import (
    DID_NOT_PASS,
    CaseLine,
    CaseResult,
    RunLine,
    footer_of,
    run_of,
)
from nlmon.report.runstream import RunStream
from nlmon.report.runtext import case_lines, last_line
from nlmon.report.text import counted, useless_known
from nlmon.scenario.cases import cases_of, without_run
from nlmon.scenario.check import capture_path, check_ids
from nlmon.scenario.files import find_scenarios
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.options import RunOptions
from nlmon.scenario.run import load_file, run_scenario, unreadable
from nlmon.scenario.runheader import run_header

__all__ = ["Output", "Spread", "Suite", "run_suite", "run_there"]

Task: TypeAlias = tuple[ScenarioFile, RunOptions]


class Suite(Struct, frozen=True):
    """Scenarios that are to run. ``cases``: those that are meant; ``mistaken``: results of files that cannot run;
    ``folders``: those that were given."""

    files: tuple[ScenarioFile, ...]
    cases: tuple[CaseLine, ...]
    mistaken: tuple[CaseResult, ...]
    folders: tuple[Path, ...]

    @classmethod
    def find(cls, paths: Sequence[Path], words: str) -> Suite:
        """The scenarios of files and folders, and of these the cases whose id or file has ``words``."""
        picked = picker(words)
        files: list[ScenarioFile] = []
        mistaken: list[CaseResult] = []
        for path in find_scenarios(paths)[0]:
            file, wrong = load_file(path)
            if file is not None:
                files.append(file)
            mistaken += [one for one in wrong if picked(one.where)]
        taken = check_ids(files)
        for file in files:
            if file.where in taken and picked(f"{file.scenario.id} {file.where}"):
                mistaken.append(unreadable(file.where, [taken[file.where]]))
        files = [file for file in files if file.where not in taken]
        cases = [case for file in files for case in cases_of(file) if picked(f"{case.id} {case.where}")]
        meant = {case.scenario for case in cases}
        chosen = tuple(file for file in files if file.scenario.id in meant)
        return cls(chosen, tuple(cases), tuple(mistaken), tuple(path for path in paths if path.is_dir()))

    def inputs(self) -> list[Path]:
        """The scenario files that were read, and their captures."""
        names = [name for file in self.files for name in (file.path, capture_path(file)) if name]
        return [Path(name) for name in (*names, *(one.where for one in self.mistaken))]

    def only(self, file: ScenarioFile) -> tuple[str, ...]:
        """Ids of the cases of a scenario that are meant."""
        return tuple(case.id for case in self.cases if case.scenario == file.scenario.id)


class Output(Struct, frozen=True, kw_only=True):
    """What is made of a run. ``stream``: its records on stdout as they come, instead of lines for people at its end,
    which are ``quiet`` or ``verbose``; ``reports``: kinds and paths of reports; ``keep``: a folder for what failed.
    ``given``: options as they were given; ``again``: makes the command that runs a scenario again."""

    stream: bool
    quiet: bool
    verbose: bool
    reports: tuple[ReportFile, ...]
    keep: Path | None
    given: dict[str, str]
    again: Callable[[ScenarioFile, str], str]


class Spread(Struct, frozen=True):
    """Where scenarios run: in so many ``jobs``, processes here, 0 for one per CPU, or on a ``cluster``; and how many:
    ``stop_after`` so many cases that do not pass, None for all."""

    jobs: int
    cluster: str
    stop_after: int | None


def run_suite(
    suite: Suite,
    options: RunOptions,
    output: Output,
    spread: Spread,
    *,
    known: KnownFile,
    complete: bool,
) -> int:
    """Run a suite, report, and give the exit code. ``known``: the file of known differences; ``complete``: each of its
    entries must have allowed something."""
    header, began = run_header(suite.files, options, output.given, known.digest), time.perf_counter()
    records = _Records(stream=output.stream)
    records.add(header, *suite.cases)
    results, cut = _run(suite, options, output.again, records, spread)
    seconds = time.perf_counter() - began
    stale, expired = useless_entries(known, results, complete=complete, tried=not cut, named=options.names is not None)
    footer = footer_of(results, seconds, stale=stale, expired=expired, cut=cut)
    records.add(footer)
    if not output.stream:
        _print(results, seconds, quiet=output.quiet, verbose=output.verbose)
    for line in useless_known(expired, stale, options.policy.known):
        warn(f"{line}: remove it, or see nlmon known trim")
    _say_what_is_left(suite, results, cut=cut)
    if output.reports:
        write_reports(output.reports, run_of(records.all))
    if output.keep is not None:
        from nlmon.scenario.keep import keep_failed  # noqa: PLC0415  (only what fails is kept)

        for folder in keep_failed(output.keep, suite.files, results, options, own_script()):
            warn(f"kept {folder}")
    return footer.exit_code


class _Records:
    """The records of a run so far, ``all``; with ``stream`` each is on stdout as soon as it comes."""

    def __init__(self, *, stream: bool) -> None:
        self.all: list[RunLine] = []
        self._stream = RunStream(sys.stdout.buffer.write) if stream else None

    def add(self, *records: RunLine) -> None:
        """Take the next records."""
        self.all += records
        if self._stream is not None:
            for record in records:
                self._stream.add(record)
            sys.stdout.buffer.flush()


def _run(
    suite: Suite,
    options: RunOptions,
    again: Callable[[ScenarioFile, str], str],
    records: _Records,
    spread: Spread,
) -> tuple[list[CaseResult], bool]:
    """Run the scenarios of a suite: what has come, and whether Ctrl-C ended it."""
    files = {file.scenario.id: file for file in suite.files}
    results: list[CaseResult] = []
    bad = 0
    try:
        with noted_interruption() as interrupted, _results(suite, options, spread) as found:
            for some in found:
                if interrupted():
                    raise KeyboardInterrupt
                for result in some:
                    if result.reproduce:
                        result = structs.replace(result, reproduce=again(files[result.scenario], result.code))
                    results.append(result)
                    records.add(result)
                bad += sum(result.outcome in DID_NOT_PASS for result in some)
                if spread.stop_after is not None and bad >= spread.stop_after:
                    break
    except KeyboardInterrupt:
        return results, True  # what has come is reported
    return results, False


def _say_what_is_left(suite: Suite, results: Sequence[CaseResult], *, cut: bool) -> None:
    """Say how many cases did not run, and why."""
    bad = sum(result.outcome in DID_NOT_PASS for result in results)
    left = len(suite.cases) + len(suite.mistaken) - len(results)
    if cut:
        warn(f"interrupted: {left:,} of {counted(left + len(results), 'case')} did not run")
    elif not results:
        warn("nothing matched")
    elif left > 0:
        warn(f"stopped after {bad} that did not pass; {counted(left, 'case')} did not run")


def _print(results: Sequence[CaseResult], seconds: float, *, quiet: bool, verbose: bool) -> None:
    for line in case_lines(results, quiet=quiet, verbose=verbose):
        sys.stdout.write(line + "\n")
    sys.stdout.write(last_line(results, seconds) + "\n")


@contextmanager
def _results(suite: Suite, options: RunOptions, spread: Spread) -> Iterator[Iterator[list[CaseResult]]]:
    """The results of all scenarios in order; whoever leaves by an exception ends the processes, too."""
    tasks = [(file, structs.replace(options, only=suite.only(file))) for file in suite.files]
    mistaken = [list(suite.mistaken)] if suite.mistaken else []
    count = min(spread.jobs or allowed_cpus(), len(tasks))
    with ExitStack() as stack:
        advance = stack.enter_context(progress(len(tasks), "scenarios", of_bytes=False))
        done: list[int] = []

        def on_done(number: int) -> None:
            done.append(number)
            if advance is not None:
                advance(len(done))

        if spread.cluster:
            from nlmon.jobs.cluster import open_cluster  # noqa: PLC0415  (start-up: only a cluster needs it)

            there = stack.enter_context(open_cluster(spread.cluster))
            results = _spread(tasks, there.executor, there.lost, on_done)
        elif count > 1:
            stack.enter_context(patient_signals())
            results = _spread(tasks, stack.enter_context(Processes(count)), LOST, on_done)
        else:
            results = _here(tasks, on_done)
        yield chain(mistaken, results)


def _here(tasks: Sequence[Task], on_done: Callable[[int], None]) -> Iterator[list[CaseResult]]:
    for number, (file, options) in enumerate(tasks):
        yield run_scenario(file, options)
        on_done(number)


def _spread(
    tasks: Sequence[Task],
    executor: Executor,
    lost: tuple[type[BaseException], ...],
    on_done: Callable[[int], None],
) -> Iterator[list[CaseResult]]:
    return in_order(
        tasks,
        lambda task: executor.submit(run_there, *task),
        _lost,
        weigh=lambda task: _size(capture_path(task[0])),
        lost=lost,
        on_done=on_done,
    )


def run_there(file: ScenarioFile, options: RunOptions) -> list[CaseResult]:
    """What a worker does: the results of a scenario as it was read here, whatever its file has become.

    Raises ``PlatformError`` (NLM-J002) when the task comes from another version."""
    refuse_other_version(options.version)
    return run_scenario(file, options)


def _lost(task: Task) -> list[CaseResult]:
    why, hint = "it was killed, or memory ran out", "run it by itself, or with fewer --jobs"
    error = PlatformError("NLM-J001", "the process that ran the scenario is gone", why=why, hint=hint)
    return without_run(task[0], task[1].only, "errored", error.text, code=error.code)


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0
