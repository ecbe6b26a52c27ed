"""Runs a scenario on the running kernel, while two implementations listen.

    sandbox ─► sockets, dumps ─► setup ─► steps, each with what is expected of it ─► state ─► reports, and a recording

Rules:
1. Every run is recorded, from the dumps before the first step on. The recording, replayed as the capture of the same
   scenario (``beside``), is judged by the same code (``cases``, ``observed``).
2. What is expected of a step is held against the events since it began, when both have read all that the kernel sent
   until it ended; what comes later is waited for, until the deadline of the step.
3. Nothing outlives a run: no process, descriptor, thread or namespace (``leaks``).

Not here: what a step does (``steps``), reading (``watch``), and which scenarios run (``run``).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path

from msgspec import structs

from nlmon.aside import prints_aside
from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create, is_program_beside
from nlmon.capture.write import PcapngWriter, this_host, this_machine
from nlmon.compare.known import known_for
from nlmon.compare.side import Side
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.live import Live
from nlmon.engine.summary import live_reports
from nlmon.errors import NlmonError, PlatformError, ScenarioError
from nlmon.eventjson.write import event_to_dict
from nlmon.harness.live import LiveProgram, namespace_of
from nlmon.report.model import CaptureReport, directions, in_direction
from nlmon.report.outcome import CaseResult, Finding
from nlmon.report.text import shown_path
from nlmon.scenario.beside import RunState, steps_digest
from nlmon.scenario.cases import Pair, case_id, judge, merge_findings, pairs_of, without_run
from nlmon.scenario.expectation import EventCounts
from nlmon.scenario.faults.live import live_faults, refuse_idle
from nlmon.scenario.implementations import backend_options, options_of_both
from nlmon.scenario.kernel_state import Lines, listed
from nlmon.scenario.leaks import no_leaks
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.model import Implementation, Scenario, Step
from nlmon.scenario.needs import lacking, lacking_families
from nlmon.scenario.observed import Observed, state_findings, step_findings
from nlmon.scenario.options import RunOptions
from nlmon.scenario.sandbox import Sandbox
from nlmon.scenario.sentinel import Sentinel
from nlmon.scenario.steps import run_step
from nlmon.scenario.watch import Watch
from nlmon.transport.base import RECEIVE_BUFFER, TransportFactory
from nlmon.transport.kernel.transport import KernelFactory

__all__ = ["recording_of", "run_live"]

# Seconds, of a step that says nothing else, and of the end of a run.
DEADLINE = 5.0


class _Missing(Exception):
    """Something that the scenario needs is not there; it is skipped."""


def run_live(file: ScenarioFile, options: RunOptions, folder: Path) -> tuple[list[CaseResult], RunState | None]:
    """The results of a scenario that has steps, and what is known of its first run, which a scenario that is skipped
    has not; its recordings go to ``folder``."""
    results: list[CaseResult] = []
    state: RunState | None = None
    for pair in pairs_of(file.scenario, options.only):
        began = time.perf_counter()
        try:
            with no_leaks(file.scenario.id):
                run = _Run(file, pair, options)
                found = run.run(recording_of(file, pair, folder))
        except _Missing as missing:
            return without_run(file, options.only, "skipped", str(missing)), None
        state = state or run.state()
        results += judge(file, pair, *found, time.perf_counter() - began, options.policy)
    return results, state


def recording_of(file: ScenarioFile, pair: Pair, folder: Path) -> Path:
    """Where the recording of a run goes: ``link.flap.pcapng``; of further comparisons with the name of the case."""
    first = pair.candidate == 1 and not pair.control
    name = file.scenario.id if first else case_id(file.scenario, pair, pair.directions[0])
    return folder / f"{name}.pcapng"


class _Run:
    """One run of a scenario with two implementations. ``findings``: what does not hold so far, of each."""

    def __init__(self, file: ScenarioFile, pair: Pair, options: RunOptions) -> None:
        scenario = file.scenario
        self.findings: tuple[list[Finding], list[Finding]] = [], []
        self._file = file
        self._options = options
        self._control = pair.control
        self._both = scenario.implementations[pair.reference], scenario.implementations[pair.candidate]
        self._observed = [Observed(file, one.name) for one in self._both]
        self._held = pair.held
        # What is expected of the step at hand, of each implementation.
        self._counts: tuple[EventCounts, ...] = ()
        # The last frame before the first step and of each step, and what the kernel listed after the last one.
        self._ends: list[int] = []
        self._listed: Lines | None = None
        # Codes of steps that were refused, as expected.
        self._refused: list[str] = []
        seed = scenario.seed if options.seed is None else options.seed
        self._faults = live_faults(file, seed)
        # What ended the run before its last step.
        self._ended: Exception | None = None

    def run(self, recording: Path) -> tuple[Sequence[CaptureReport], list[Finding]]:
        """The reports of both directions, and what does not hold whatever the direction."""
        scenario = self._file.scenario
        with ExitStack() as stack:
            stack.enter_context(prints_aside())
            if reason := _unreached(scenario, self._both):
                raise _Missing(reason)
            sandbox = self._sandbox(stack)
            if reason := lacking(scenario, sandbox):
                raise _Missing(reason)
            facts = this_machine()
            kernel = facts["kernel"]
            sink = stack.enter_context(PcapngWriter(recording, metadata=facts, byteorder=sys.byteorder))
            names, where = (self._both[0].name, self._both[1].name), shown_path(recording)
            pairs = [in_direction(one, names) for one in directions(both_ways=True)]
            makers = [_maker(one, sandbox, stack) for one in self._both]
            live = Live(
                makers[0],
                makers[1],
                factory=lambda: KernelFactory(opener=sandbox.open_socket),
                options=options_of_both(self._both),
                known=known_for(self._options.known, where, kernel, pairs, scenario=scenario.id),
                sink=sink,
                on_side=self._take,
                faults=self._faults,
            )
            watch = Watch(live, stack.enter_context(Sentinel(sandbox.open_socket)))
            try:
                self._steps(sandbox, watch)
            except (NlmonError, _Missing) as error:
                self._ended = error  # what was recorded until then is kept
            except BaseException:
                # An interruption: the sandbox answers nobody afterwards, and its error must not take the place of it.
                for lane in live.lanes:
                    with suppress(NlmonError):
                        lane.close()
                raise
            watch.finish()
            for number in self._held:
                lost, state = live.lanes[number].ledger.lost, live.states.both[number]
                self.findings[number].extend(self._observed[number].findings(lost, state))
            machine = {"kernel": kernel, "host": this_host()}
            reports = live_reports(live, where, **machine, policy=self._options.policy, control=self._control)
        if self._ended is not None:
            raise self._ended
        if self._faults is not None:
            refuse_idle(self._file, self._faults)
        return reports, merge_findings({names[number]: self.findings[number] for number in self._held})

    def state(self) -> RunState:
        """What is known of the run beside its recording."""
        scenario = self._file.scenario
        return RunState(
            scenario=scenario.id,
            kernel=this_machine()["kernel"],
            steps=steps_digest(scenario),
            ends=tuple(self._ends),
            faults=() if self._faults is None else self._faults.frames,
            errors=tuple(self._refused),
            state=None if self._listed is None else tuple(sorted(self._listed)),
        )

    def _sandbox(self, stack: ExitStack) -> Sandbox:
        try:
            return stack.enter_context(Sandbox(allow_run=self._options.allow_run))
        except PlatformError as error:
            raise _Missing(error.text) from error

    def _steps(self, sandbox: Sandbox, watch: Watch) -> None:
        scenario = self._file.scenario
        watch.start()
        if reason := lacking_families(scenario, watch.live.kernel.families):
            raise _Missing(reason)
        self._ends.append(watch.live.tally.frames)
        for step in (*scenario.setup, *scenario.steps):
            self._step(sandbox, watch, step)
            self._ends.append(watch.live.tally.frames)
        watch.live.end_pauses()
        if scenario.expect.state:
            watch.live.states.diverge()
        if scenario.expect.state == "kernel":
            self._hold_state(sandbox, watch)

    def _step(self, sandbox: Sandbox, watch: Watch, step: Step) -> None:
        """Carry out a step, and hold what comes of it against what is expected."""
        names = [self._both[number].name for number in (0, 1)]
        seconds = (DEADLINE if step.within is None else step.within) * self._options.time_scale
        self._counts = tuple(EventCounts(step.expect, name) for name in names if step.expect)
        try:
            run_step(sandbox, step, max(seconds, DEADLINE * self._options.time_scale))
        except ScenarioError as error:
            if not any(one.phase == "step" and one.code == error.code for one in self._file.scenario.expect.errors):
                raise
            self._refused.append(error.code)
            for observed in self._observed:
                observed.take_error(error)
        if unread := watch.catch_up():
            why = f"not read: {', '.join(unread)}"
            raise ScenarioError("NLM-S043", "what a step sent is not read", where=step.place, why=why)
        if not step.expect:
            return
        counts = {number: self._counts[number] for number in self._held}
        watch.wait_for(lambda: not any(map(_lacks, counts.values())), seconds)
        for number, found in counts.items():
            self.findings[number].extend(step_findings(step, found, f"within {seconds:g} s: "))

    def _take(self, number: int, side: Side) -> None:
        """Take what an implementation made of what it read."""
        self._observed[number].take(side)
        if self._counts:
            for event in side.events:
                self._counts[number].add(event_to_dict(event), event)

    def _hold_state(self, sandbox: Sandbox, watch: Watch) -> None:
        """Hold the states against what the kernel lists, which may be ahead of what it announces."""
        differing: dict[int, list[Finding]] = {}

        def holds() -> bool:
            # First, so that the list is never older than the events: what is announced later wakes us up again.
            watch.catch_up()
            self._listed = kernel = listed(lambda command: sandbox.run(command).stdout)
            states = watch.live.states.both
            differing.update((number, state_findings(self._file, kernel, states[number])) for number in self._held)
            return not any(differing.values())

        watch.wait_for(holds, DEADLINE * self._options.time_scale)
        for number, findings in differing.items():
            self.findings[number].extend(findings)


def _lacks(counts: EventCounts) -> bool:
    """Whether more must come; what came too often does not get better."""
    return any(one.found < one.pattern.count.least for one in counts.unmet())


def _unreached(scenario: Scenario, both: Iterable[Implementation]) -> str:
    """Why the faults of a scenario cannot happen to one of two implementations; empty if they can, or there is none."""
    beside = [one.name for one in both if is_program_beside(one.name)]
    if not (scenario.faults and beside):
        return ""
    return f"its faults are made on nlmon's sockets, and {beside[0]} has its own: replay a recording of it (capture)"


def _maker(one: Implementation, sandbox: Sandbox, stack: ExitStack) -> BackendMaker | LiveProgram:
    """What makes an implementation; a program that runs beside is started in the sandbox's network, and ended by
    ``stack``."""
    if not is_program_beside(one.name):
        return partial(_make, one)
    with namespace_of(sandbox.open_socket) as (words, keep):
        return stack.enter_context(closing(LiveProgram(one.name, words, keep)))


def _make(implementation: Implementation, factory: TransportFactory, _: BackendOptions) -> Backend:
    options = backend_options(implementation)
    if implementation.limits.receive_buffer is None:
        options = structs.replace(options, receive_buffer=RECEIVE_BUFFER)
    return create(implementation.name, factory, options)
