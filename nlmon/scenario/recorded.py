"""Runs a scenario over its recording.

    capture ─► frames that are meant ─► faults ─► replay into two implementations ─► reports, and what each one gave

Rules:
1. The implementations are given frames and nothing else of the scenario; what is expected is held against what they
   gave.
2. A capture that cannot be read is an outcome, not the end of a run.

Not here: which scenarios run (``run``), what comes out of it (``cases``).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from nlmon.aside import prints_aside
from nlmon.backends.registry import is_without_bytes
from nlmon.capture import CaptureReader, open_capture
from nlmon.capture.base import Batch
from nlmon.compare.known import in_range, known_for
from nlmon.compare.side import Side
from nlmon.engine.feed import Feed
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.logs import compares_answers, maker_of
from nlmon.engine.read import read_batches
from nlmon.engine.replay import Replay
from nlmon.engine.summary import capture_reports
from nlmon.errors import CaptureError, ScenarioError
from nlmon.names import protocol_number
from nlmon.report.model import CaptureReport, directions, in_direction, unreadable
from nlmon.report.outcome import CaseResult, Finding
from nlmon.report.text import shown_path
from nlmon.scenario.beside import RunState
from nlmon.scenario.cases import Pair, judge, merge_findings, pairs_of, without_run
from nlmon.scenario.check import capture_path
from nlmon.scenario.faults import apply_faults, refuse_untouched, socket_faults
from nlmon.scenario.implementations import backend_options, make_backend, options_of_both
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.model import Capture, Implementation, Scenario
from nlmon.scenario.observed import Observed, StepEvents, state_findings
from nlmon.scenario.options import RunOptions
from nlmon.state.tables import State
from nlmon.transport.recorded.faults import Fault as SocketFault

__all__ = ["given_batches", "other_kernel", "recorded_sides", "run_recorded"]


def run_recorded(file: ScenarioFile, options: RunOptions, ran: RunState | None = None) -> list[CaseResult]:
    """The results of a scenario that has a capture. ``ran``: if that is the recording of a run, what is known of it."""
    results: list[CaseResult] = []
    for pair in pairs_of(file.scenario, options.only):
        began = time.perf_counter()
        found = _compare(file, pair, options, ran)
        if isinstance(found, str):
            return without_run(file, options.only, "skipped", found)
        results += judge(file, pair, *found, time.perf_counter() - began, options.policy)
    return results


def other_kernel(wanted: str, kernel: str) -> str:
    """Why a recording of a kernel is none that the scenario is for; empty if it is, or does not say."""
    if not wanted or not kernel or in_range(kernel, wanted):
        return ""
    return f"it is for kernels {wanted}, and the recording is of {kernel}"


@prints_aside()
def _compare(
    file: ScenarioFile, pair: Pair, options: RunOptions, ran: RunState | None
) -> tuple[tuple[CaptureReport, ...], list[Finding]] | str:
    """The reports of both directions, and what each implementation gave that is not as expected; or why the recording
    is none that the scenario is for."""
    scenario, path = file.scenario, Path(capture_path(file))
    shown = shown_path(path)
    capture = scenario.capture
    assert capture is not None
    both = scenario.implementations[pair.reference], scenario.implementations[pair.candidate]
    seed = scenario.seed if options.seed is None else options.seed
    observed = [Observed(file, one.name) for one in both]
    steps = [StepEvents((*scenario.setup, *scenario.steps), ran.ends if ran else (), one.name) for one in both]

    def take(number: int, side: Side) -> None:
        observed[number].take(side)
        steps[number].take(side)

    try:
        with open_capture(path, byteorder=capture.byteorder) as reader:
            names = both[0].name, both[1].name
            pairs = [in_direction(one, names) for one in directions(both_ways=True)]
            kernel = reader.kernel
            if reason := other_kernel(scenario.kernel, kernel):
                return reason
            replay = Replay(
                *(_maker(file, one, path, seed) for one in both),
                byteorder=reader.info.byteorder,
                select=capture.select,
                protocols=_protocols(capture),
                options=options_of_both(both),
                faults=_socket_faults(scenario, capture, seed),
                known=known_for(options.known, shown, kernel, pairs, scenario=scenario.id),
                on_side=take,
                answers=compares_answers(names),
            )
            for batch in given_batches(scenario, capture, reader, seed):
                replay.add(batch)
            replay.finish()
            refuse_untouched(replay.feed.untouched)
            reports = capture_reports(replay, reader, shown, options.policy, control=pair.control)
            error = reader.damage
    except CaptureError as damage:
        held = [observed[number] for number in pair.held]
        for one in held:
            one.take_error(damage)
        # The text of an error has the path as it was opened.
        reports = unreadable(shown, damage, shown_path(damage.text), both_ways=True)
        return reports, merge_findings({one.name: one.findings(0, State()) for one in held})
    given = [(observed[number], steps[number]) for number in pair.held]
    return reports, _findings(file, pair, ran, replay, given, error)


def _findings(
    file: ScenarioFile,
    pair: Pair,
    ran: RunState | None,
    replay: Replay,
    given: Sequence[tuple[Observed, StepEvents]],
    damage: CaptureError | None,
) -> list[Finding]:
    """What is not as expected of what the implementations gave that the scenario holds to it, in the order of
    ``pair.held``; ``damage``: what the recording ended with."""
    expected = file.scenario.expect.state
    listed = None if ran is None or ran.state is None else Counter(ran.state)
    findings: dict[str, list[Finding]] = {}
    if expected and (expected != "kernel" or listed is not None):
        replay.states.diverge()
    for number, (one, steps) in zip(pair.held, given, strict=True):
        state = replay.states.both[number]
        for code in ran.errors if ran is not None else ():
            one.take_error(ScenarioError(code, "a step was refused"))
        if damage is not None:
            one.take_error(damage)
        findings[one.name] = [*steps.findings(), *one.findings(replay.lanes[number].ledger.lost, state)]
        if expected == "kernel" and listed is not None:
            findings[one.name] += state_findings(file, listed, state)
    return merge_findings(findings)


def _maker(file: ScenarioFile, one: Implementation, path: Path, seed: int) -> BackendMaker:
    """What makes an implementation of a scenario; a log is relative to its folder."""
    if not is_without_bytes(one.name):
        return partial(make_backend, one)

    def read(make: BackendMaker) -> Iterator[Side]:
        capture = file.scenario.capture or Capture("")
        with open_capture(path, byteorder=capture.byteorder) as reader:
            feed = Feed(
                (make,),
                reader.info.byteorder,
                select=capture.select,
                protocols=_protocols(capture),
                options=options_of_both(file.scenario.implementations),
                answers=False,
            )
            try:
                yield from read_batches(feed, given_batches(file.scenario, capture, reader, seed))
            finally:
                feed.close()

    return maker_of(one.name, read, backend_options(one), str(Path(file.path).parent))


def recorded_sides(
    file: ScenarioFile, implementation: Implementation, reader: CaptureReader, seed: int | None
) -> Iterator[Side]:
    """What one implementation makes of an open recording when the scenario runs over it: of its frames, with its faults
    and options. ``seed``: instead of that of the scenario."""
    scenario = file.scenario
    capture, seed = scenario.capture or Capture(""), scenario.seed if seed is None else seed
    feed = Feed(
        (partial(make_backend, implementation),),
        reader.info.byteorder,
        select=capture.select,
        protocols=_protocols(capture),
        options=options_of_both(scenario.implementations),
        faults=_socket_faults(scenario, capture, seed),
        answers=False,
    )
    try:
        yield from read_batches(feed, given_batches(scenario, capture, reader, seed))
    finally:
        feed.close()


def given_batches(scenario: Scenario, capture: Capture, reader: CaptureReader, seed: int) -> Iterator[Batch]:
    """What implementations are given of an open recording. That of a run alone does not say where its faults began
    (``beside.as_recorded``)."""
    faults = scenario.faults if scenario.capture is not None else ()
    return apply_faults(_frames(reader.batches(), capture), faults, seed, byteorder=reader.info.byteorder)


def _socket_faults(scenario: Scenario, capture: Capture, seed: int) -> tuple[SocketFault, ...]:
    faults = scenario.faults if scenario.capture is not None else ()
    return socket_faults(faults, seed, first_frame=capture.first_frame, last_frame=capture.last_frame)


def _protocols(capture: Capture) -> tuple[int, ...] | None:
    numbers = [protocol_number(name) for name in capture.protocols]
    return tuple(number for number in numbers if number is not None) or None


def _frames(batches: Iterable[Batch], capture: Capture) -> Iterator[Batch]:
    """The frames that are meant."""
    first, last = capture.first_frame, capture.last_frame
    for batch in batches:
        if last is not None and batch.number > last:
            return
        begin = max(0, first - batch.number)
        end = len(batch.data) if last is None else min(len(batch.data), last + 1 - batch.number)
        if begin < end:
            yield batch.part(begin, end)
