"""Runs a scenario of configurations over a recording: a monitor for each lane, and what comes of it.

    NLM-S051   a configuration chooses another implementation than its lane
    NLM-S052   there is nothing to compare
    NLM-S054   a configuration is read behind the end of the recording
    NLM-S056   a rewriting has nothing to rewrite
    NLM-S057   a configuration that is read later asks for what a recording cannot show

    configuration of each lane ─► monitor ─► exports ─► held against what is expected
                                                   └──► compared with those of the other one ─► reports

Rules:
1. A configuration that is refused is an outcome, which may be the expected one; then no monitor runs.
2. What both must do is judged once, and the comparison in both directions.

Not here: which scenarios run (``nlmon.scenario.run``), and what comes out of a case (``nlmon.scenario.cases``).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import structs

from nlmon.aside import prints_aside
from nlmon.capture import CaptureReader, open_capture
from nlmon.compare.known import known_for
from nlmon.config import Config
from nlmon.errors import ScenarioError
from nlmon.filters.regex import INSTALL
from nlmon.migrate.model import Implementation
from nlmon.report.model import CaptureReport, directions, in_direction
from nlmon.report.outcome import CaseResult, Finding
from nlmon.report.text import shortened, shown_path
from nlmon.scenario.cases import Pair, judge, merge_findings, pairs_of, uncompared, without_run
from nlmon.scenario.check import capture_path
from nlmon.scenario.configured.compare import ExportSide, compare_exports
from nlmon.scenario.configured.held import LONGEST, hold, hold_problems, hold_rewritings, unheld
from nlmon.scenario.configured.lanes import (
    Later,
    LoadedLane,
    chosen_at,
    keeps,
    load_lane,
    load_later,
    not_played,
    play_lane,
)
from nlmon.scenario.configured.output import LaneOutput
from nlmon.scenario.configured.recording import FrameTable
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.model import Capture
from nlmon.scenario.options import RunOptions
from nlmon.scenario.recorded import given_batches, other_kernel

__all__ = ["run_configured"]


def run_configured(file: ScenarioFile, options: RunOptions, ends: Sequence[int] = ()) -> list[CaseResult]:
    """The results of a scenario of configurations that has a capture. ``ends``: if that is the recording of steps, the
    last frame before the first one, and of each."""
    results: list[CaseResult] = []
    for pair in pairs_of(file.scenario, options.only):
        began = time.perf_counter()
        run = _Run(file, pair, options, ends)
        found = run.run()
        if isinstance(found, str):
            return without_run(file, options.only, "skipped", found)
        seconds = time.perf_counter() - began
        if run.reports:
            results += judge(file, pair, run.reports, found, seconds, options.policy)
        else:
            results += uncompared(file, pair, found, seconds)
    return results


class _Run:
    """One run of the monitors. ``reports``: of what both have exported, none where that is not to be compared, or not
    both have run."""

    def __init__(self, file: ScenarioFile, pair: Pair, options: RunOptions, ends: Sequence[int]) -> None:
        scenario = file.scenario
        assert scenario.configured is not None
        assert scenario.capture is not None
        numbers = pair.reference, pair.candidate
        self.reports: tuple[CaptureReport, ...] = ()
        self._file = file
        self._options = options
        self._capture: Capture = scenario.capture
        self._reloads = scenario.configured.reloads
        self._ends = ends
        self._expect = scenario.configured.expect
        self._names = scenario.implementations[pair.reference].name, scenario.implementations[pair.candidate].name
        self._lanes = [scenario.configured.lanes[number] for number in numbers]
        self._recording: FrameTable | None = None

    def run(self) -> list[Finding] | str:
        """What does not hold, whatever the direction; or why the recording is none that the scenario is for."""
        place, expect = self._file.place, self._expect
        loaded = [load_lane(lane) for lane in self._lanes]
        for one in loaded:
            self._refuse_other(one)
        later = [self._later(number, one) for number, one in enumerate(loaded)]
        refused = [(*one.errors, *more.errors) for one, more in zip(loaded, later, strict=True)]
        for problem in (one for each in refused for one in each if one.hint == INSTALL):
            raise ScenarioError(problem.code, problem.what, hint=problem.hint)
        findings = {
            name: list(hold_problems("refused", expect.refused or (), found, lane.name, place))
            for name, lane, found in zip(self._names, self._lanes, refused, strict=True)
        }
        path, outputs = Path(capture_path(self._file)), []
        with tempfile.TemporaryDirectory(prefix="nlmon-") as folder:
            for number in (0, 1):
                if loaded[number].config is None:
                    if not findings[self._names[number]]:  # that it is refused was expected
                        findings[self._names[number]] += self._without_monitor(loaded[number])
                    continue
                with open_capture(path, byteorder=self._capture.byteorder) as reader:
                    if reason := other_kernel(self._file.scenario.kernel, reader.kernel):
                        return reason
                    lane = structs.replace(loaded[number], notices=(*loaded[number].notices, *later[number].notices))
                    output = self._output(number, lane, reader, Path(folder) / str(number), later[number].configs)
                    facts = {"format": reader.info.format, "kernel": reader.kernel, "host": reader.host}
                    if reader.damage is not None:
                        raise reader.damage
                outputs.append(output)
                name, more = self._names[number], later[number]
                findings[name] += [*hold(expect, output, place), *self._strays(output)]
                rewritings = [one for one in more.rewritings.values() if one is not None]
                findings[name] += hold_rewritings(expect, rewritings, lane.name, place)
        self._refuse_unread()
        self._refuse_idle(later)
        if expect.compare and len(outputs) == 2:
            before, after = (
                ExportSide(keeps(a.config, b.configs), self._speaks(number, a.config, b.configs))
                for number, (a, b) in enumerate(zip(loaded, later, strict=True))
                if a.config
            )
            self.reports = self._compare(outputs, (before, after), shown_path(path), facts)
        return merge_findings(findings)

    def _strays(self, output: LaneOutput) -> Iterator[Finding]:
        """What no monitor may export of the recording, of each kind the first one."""
        assert self._recording is not None
        # Another configuration may go on in another file; one that was rewritten goes on in the same ones.
        in_order, place = all(one.rewrite for one in self._reloads), self._file.place("configuration")
        found: dict[str, list[str]] = {}
        for export, lines in output.lines.items():
            for why, line in self._recording.strays(lines, in_order=in_order):
                text = f"{line.place}: {shortened(line.text, LONGEST)}"
                found.setdefault(f"exports: {export}: {{}} line{{}} {why}", []).append(text)
        for why, frame in self._recording.unlike(output.captured, in_order=in_order):
            found.setdefault(f"exports: pcap: {{}} frame{{}} {why}", []).append(f"frame {frame.frame:,} of the capture")
        for what, texts in found.items():
            yield Finding(what.format(f"{len(texts):,}", "s" * (len(texts) > 1)), place, (texts[0],))

    def _without_monitor(self, lane: LoadedLane) -> Iterator[Finding]:
        """What does not hold of a lane whose configuration is refused."""
        place, expect = self._file.place, self._expect
        yield from unheld(expect, lane.name, place)
        if expect.notices is not None:
            yield from hold_problems("notices", expect.notices, lane.notices, lane.name, place)

    def _output(
        self, number: int, lane: LoadedLane, reader: CaptureReader, folder: Path, later: Mapping[int, Config]
    ) -> LaneOutput:
        seed = self._file.scenario.seed if self._options.seed is None else self._options.seed
        given = given_batches(self._file.scenario, self._capture, reader, seed)
        batches = given
        if self._recording is None:  # both read the same
            self._recording = FrameTable(reader.info.byteorder)
            batches = self._recording.seen(given)
        folder.mkdir()
        with prints_aside():
            return play_lane(lane, self._names[number], reader, batches, folder, later)

    def _later(self, number: int, lane: LoadedLane) -> Later:
        """The configurations that a lane reads later; one that is refused leaves the one in force."""
        before = len(self._file.scenario.setup) - 1
        texts: dict[int, str] = {}
        rewrites: dict[int, Implementation] = {}
        for one in self._reloads:
            if (one.frame or before + one.step < len(self._ends)) and one.by in {"", lane.name}:
                frame = one.frame or self._ends[before + one.step] + 1
                if one.rewrite:
                    rewrites[frame] = "libnl" if one.rewrite == "migrate" else "legacy"
                else:
                    texts[frame] = one.texts[number]
        later = load_later(self._lanes[number], lane, texts, rewrites)
        if lane.config is not None and not texts.keys().isdisjoint(not_played(lane.config, later.configs)):
            what = f"a configuration that the lane {lane.name} reads later changes what is listened to, or how"
            hint = "change what becomes of events; give what is listened to, and its options, from the beginning"
            raise self._file.mistake("NLM-S057", what, "reloads", hint=hint)
        return later

    def _speaks(self, number: int, config: Config, later: Mapping[int, Config]) -> Callable[[int], str]:
        """The implementation of a lane at a frame, under the name that it has in the contract."""
        own, at = self._lanes[number].name, chosen_at(config, later)
        return lambda frame: self._names[number] if at(frame) == own else at(frame)

    def _refuse_other(self, lane: LoadedLane) -> None:
        """Raise ``ScenarioError`` for a configuration that is none of its lane."""
        if lane.config is not None and lane.config.netlink.use_libnl != (lane.name == "libnl"):
            what = f"the configuration of the lane {lane.name} chooses the other implementation"
            raise self._file.mistake("NLM-S051", what, "configuration", hint="write netlink.use_libnl, or leave it out")

    def _refuse_unread(self) -> None:
        """Raise ``ScenarioError`` for a configuration that is never read, since the recording ends before."""
        for number, one in enumerate(self._reloads):
            if self._recording is not None and one.frame > self._recording.last:
                what = f"no frame {one.frame:,} is played, and the last one is {self._recording.last:,}"
                raise self._file.mistake("NLM-S054", what, "reloads", number, "frame", hint="name an earlier one")

    def _refuse_idle(self, later: Sequence[Later]) -> None:
        """Raise ``ScenarioError`` where a rewriting has nothing to rewrite in any lane, and the scenario does not say
        so: whatever it holds would hold without it."""
        done = {frame: [one.rewritings.get(frame) for one in later] for each in later for frame in each.rewritings}
        if self._expect.rewritten is None and not all(map(any, done.values())):
            what = "a rewriting finds no monitor to rewrite for: each has that implementation already"
            hint = "take it out, or say so with expect: {rewritten: []}"
            raise self._file.mistake("NLM-S056", what, "steps" if self._ends else "reloads", hint=hint)

    def _compare(
        self, outputs: list[LaneOutput], keeping: tuple[ExportSide, ExportSide], path: str, facts: dict[str, Any]
    ) -> tuple[CaptureReport, ...]:
        first, second = outputs
        assert self._recording is not None
        pairs = [in_direction(one, self._names) for one in directions(both_ways=True)]
        if first.lines.keys().isdisjoint(second.lines):
            what = "there is nothing to compare: no export of lines is on in both"
            raise self._file.mistake("NLM-S052", what, "expect", "compare", hint="switch on export.json in both")
        return compare_exports(
            (first.lines, second.lines),
            self._names,
            keeping,
            path=path,
            recording=self._recording,
            known=known_for(self._options.known, path, facts["kernel"], pairs, scenario=self._file.scenario.id),
            policy=self._options.policy,
            facts=facts,
        )
