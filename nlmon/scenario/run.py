"""Runs one scenario, wherever its traffic comes from, and always gives results.

    NLM-S045   recordings of live runs cannot be kept
    NLM-S050   a capture lies outside the folder of its scenario

Rules:
1. Whatever is wrong with a scenario is an errored case with a code and a place; only a bug of nlmon ends a run.
2. A scenario may come from a stranger: without ``allow_run`` it reads captures in its own folder, in folders that
   whoever runs it names, and in those of its project that the project names.
3. What was replayed is what was checked: a capture that changes meanwhile gives no result.

Not here: many scenarios, and their report (``nlmon.cli.run``).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from msgspec import structs

from nlmon.backends.registry import BACKENDS, EVENTS, is_known, is_log
from nlmon.errors import InputError, NlmonError
from nlmon.filters.regex import INSTALL
from nlmon.report.outcome import DID_NOT_PASS, CaseResult, Finding
from nlmon.report.text import shown_path
from nlmon.scenario.beside import RunState, as_recorded, has_recording, keep_beside, read_beside
from nlmon.scenario.cases import pairs_of, without_run
from nlmon.scenario.check import capture_path, check_captures, check_implementations, check_switches
from nlmon.scenario.files import digests, scenario_at, stamp_of
from nlmon.scenario.live import recording_of, run_live
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.model import Expect, Implementation
from nlmon.scenario.options import RunOptions
from nlmon.scenario.recorded import run_recorded

# What is to be done about a program that a scenario starts.
ALLOW = "if you trust it, give --allow-run, which of pytest is --nlmon-allow-run, or nlmon_allow_run in its ini file"

__all__ = ["load_file", "refuse_outside", "run_scenario", "unreadable", "with_names"]


def load_file(path: Path) -> tuple[ScenarioFile | None, list[CaseResult]]:
    """A scenario from its file, or, if it is none, the result of that."""
    file, mistakes = scenario_at(path)
    return file, [] if file is not None else [unreadable(shown_path(path), mistakes)]


def unreadable(where: str, mistakes: Sequence[NlmonError]) -> CaseResult:
    """The result of a file that is no scenario."""
    first = mistakes[0]
    return CaseResult(
        id=where,
        scenario=where,
        title="",
        where=where,
        direction="migrate",
        reference="",
        candidate="",
        outcome="errored",
        reason=first.text,
        code=first.code,
        findings=tuple(map(_finding, mistakes)),
    )


def _finding(mistake: NlmonError) -> Finding:
    why = f": {mistake.why}" if mistake.why else ""
    hint = f"; {mistake.hint}" if mistake.hint else ""
    return Finding(f"{mistake.code}: {mistake.what}{why}{hint}", mistake.where)


def run_scenario(file: ScenarioFile, options: RunOptions) -> list[CaseResult]:
    """The results of a scenario, one for each case."""
    file = with_names(file, options.names)
    if file.scenario.configured is not None and any(one.name not in BACKENDS for one in file.scenario.implementations):
        reason = "a configuration chooses between legacy and libnl, and a program has none"
        return without_run(file, options.only, "skipped", reason)
    try:
        if file.scenario.capture is not None:
            return _run(file, options)
        if options.source == "recorded":
            return _run_recording(file, options)
        results = _run_steps(file, options)
        if not options.source and has_recording(file) and all(one.outcome == "skipped" for one in results):
            return _run_recording(file, options)
    except NlmonError as error:
        text, where = shown_path(error.text), shown_path(error.where)
        if error.hint == INSTALL:  # what a machine lacks is wrong with no scenario
            return without_run(file, options.only, "skipped", f"{error.what}; {error.hint}")
        results = without_run(file, options.only, "errored", text, code=error.code, where=where)
        if file.scenario.capture is not None or options.source == "recorded":
            return results
    return [structs.replace(one, source="live") for one in results]


def _run(file: ScenarioFile, options: RunOptions, ran: RunState | None = None) -> list[CaseResult]:
    """The results of a scenario that has a capture."""
    if options.source == "live":
        return without_run(file, options.only, "skipped", "it is a recording, and live scenarios alone were asked for")
    before = _stamp(file)
    _refuse(file, options)
    if file.scenario.configured is None:
        results = run_recorded(file, options, ran)
    else:
        results = _run_configured(file, options, ran)
    _refuse_changed(file, before)
    return results


def _run_recording(file: ScenarioFile, options: RunOptions) -> list[CaseResult]:
    """The results of a scenario that has steps, over what a run of it left beside it."""
    if not has_recording(file):
        reason = "no run of it was recorded: see --record-beside"
        return without_run(file, options.only, "skipped", reason)
    recording, ran = read_beside(file)
    return _run(as_recorded(file, recording, ran), options, ran)


def _run_steps(file: ScenarioFile, options: RunOptions) -> list[CaseResult]:
    """The results of a scenario that has steps, on the kernel."""
    _refuse(file, options)
    with ExitStack() as stack:
        if options.record:
            folder = Path(options.record)
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                what, why = "recordings cannot be kept here", error.strerror or ""
                raise InputError("NLM-S045", what, where=shown_path(folder), why=why) from error
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nlmon-")))
        results, state = run_live(file if file.scenario.configured is None else _steps_alone(file), options, folder)
        recording = recording_of(file, pairs_of(file.scenario)[0], folder)
        failed = any(one.outcome in DID_NOT_PASS for one in results)
        if options.beside and state is not None and recording.is_file() and not failed:
            keep_beside(file, recording, state)
        if file.scenario.configured is not None and all(one.outcome == "passed" for one in results):
            return _run_configured(as_recorded(file, recording), options, state)
        return results


def _run_configured(file: ScenarioFile, options: RunOptions, ran: RunState | None) -> list[CaseResult]:
    from nlmon.scenario.configured.run import run_configured  # noqa: PLC0415  (start-up: few scenarios have monitors)

    return run_configured(file, options, () if ran is None else ran.ends)


def _steps_alone(file: ScenarioFile) -> ScenarioFile:
    """A scenario of configurations as one of its steps, whose recording the monitors are given. What both give is
    compared there, and here it is only recorded."""
    expect = Expect(verdict=file.scenario.expect.verdict)
    return structs.replace(file, scenario=structs.replace(file.scenario, configured=None, expect=expect))


def with_names(file: ScenarioFile, names: tuple[str, str] | None) -> ScenarioFile:
    """A scenario of two implementations with others in their place; each keeps the options that it has there."""
    if names is None or len(file.scenario.implementations) != 2:
        return file
    given = {one.name: one for one in file.scenario.implementations}
    both = [_absolute(name) or one.name for name, one in zip(names, file.scenario.implementations, strict=True)]
    others = tuple(given.get(name, Implementation(name)) for name in both)
    return structs.replace(file, scenario=structs.replace(file.scenario, implementations=others))


def _absolute(name: str) -> str:
    """The name of an implementation that was given on the command line, where a log is relative to the current
    folder."""
    return EVENTS + str(Path(name.removeprefix(EVENTS)).absolute()) if is_log(name) else name


def refuse_outside(file: ScenarioFile, options: RunOptions) -> None:
    """Raise ``ScenarioError`` for a scenario whose capture must not be read, wherever links lead."""
    path = capture_path(file)
    if path and not options.allow_run and _is_outside(file, options, path):
        what = "the capture lies outside the scenario's folder"
        hint = "name its folder in capture_folders of the settings, or give --allow-run"
        raise file.mistake("NLM-S050", what, "capture", "path", hint=hint)


def _is_outside(file: ScenarioFile, options: RunOptions, path: str) -> bool:
    target = Path(os.path.realpath(path))
    folders = [Path(os.path.realpath(Path(file.path).parent)), *map(Path, options.folders)]
    return not any(target.is_relative_to(folder) for folder in folders)


def refuse_beside(file: ScenarioFile) -> None:
    """Raise ``ScenarioError`` (NLM-N051) for a log in a scenario without a capture."""
    for number, one in enumerate(file.scenario.implementations):
        if is_log(one.name) and file.scenario.capture is None:
            what = "a log stands for an implementation only where a recording is replayed"
            raise file.mistake("NLM-N051", what, "implementations", number, hint="name a capture")


def _refuse_brought(file: ScenarioFile, number: int, name: str, options: RunOptions) -> None:
    """Raise ``ScenarioError`` for a program that a scenario starts, and for a log that it must not read."""
    if not is_log(name):
        what, hint = f"the scenario starts a program, {name}", ALLOW
        raise file.mistake("NLM-N022", what, "implementations", number, hint=hint)
    if _is_outside(file, options, str(Path(file.path).parent / name.removeprefix(EVENTS))):
        what = "the log lies outside the scenario's folder"
        hint = "name its folder in capture_folders of the settings, or give --allow-run"
        raise file.mistake("NLM-S050", what, "implementations", number, hint=hint)


def _refuse(file: ScenarioFile, options: RunOptions) -> None:
    """Raise ``ScenarioError`` for a scenario that must not run, or cannot."""
    refuse_outside(file, options)
    refuse_beside(file)
    given = [_absolute(name) for name in options.names or ()]
    for number, one in enumerate(file.scenario.implementations):
        if one.name not in (*BACKENDS, *given) and not options.allow_run and is_known(one.name):
            _refuse_brought(file, number, one.name, options)
    found = digests([capture_path(file)])
    for mistake in (*check_implementations(file, tuple(BACKENDS)), *check_captures(file, found), *check_switches(file)):
        if mistake.code != "NLM-S024":  # a capture without a digest is a matter of the suite
            raise mistake


def _refuse_changed(file: ScenarioFile, before: object) -> None:
    """Raise ``ScenarioError`` when the capture is no longer what it was before it was checked and read."""
    if before != _stamp(file):
        what, hint = "the capture was changed while it was read", "run it again"
        raise file.mistake("NLM-S023", what, "capture", "path", hint=hint)


def _stamp(file: ScenarioFile) -> object:
    """What shows that a capture is the same file with the same content; None where there is none."""
    if file.scenario.capture is None:
        return None
    try:
        return stamp_of(Path(capture_path(file)))
    except OSError:
        return None
