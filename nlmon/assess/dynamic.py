"""A recording through the monitors of both sides, each with the configuration that it would have, and what they export
compared.

Rules:
1. Both always export JSON lines, so that there is something to compare wherever the configuration sends events. Files
   have names of their own and are never rotated: whatever the paths of the configuration are on this machine, nothing
   that was exported is gone before it is compared.
2. Everything is written below a folder of the run, and nobody but this host is sent anything.
3. What cannot be played is a reason, and no end of an assessment: other recordings may be fine.
4. Lines are held in memory, so no more than ``FRAMES_KEPT`` frames of a recording are played.

Not here: monitors that write into a folder (``nlmon.scenario.configured.lanes``), and what comes of it (``judging``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from nlmon.aside import prints_aside
from nlmon.assess.decoded import Decoded, decode_both
from nlmon.assess.numbers import apart, disagreements
from nlmon.capture import open_capture
from nlmon.capture.base import Batch
from nlmon.compare.contract import kind_name
from nlmon.config.problems import Problem
from nlmon.errors import CaptureError, InternalError, NlmonError
from nlmon.migrate.model import Implementation
from nlmon.monitor.plan import Listening, plan
from nlmon.names import PROTOCOLS, message_type
from nlmon.report.model import CaptureReport
from nlmon.report.policy import Policy
from nlmon.report.text import shown_path
from nlmon.scenario.configured.compare import ExportSide, compare_exports
from nlmon.scenario.configured.lanes import LoadedLane, keeps, load_lane, play_lane
from nlmon.scenario.configured.output import LaneOutput
from nlmon.scenario.configured.recording import FRAMES_KEPT, FrameTable
from nlmon.scenario.model import ConfigurationLane

__all__ = ["Failure", "MoveSide", "Played", "Stray", "lane_of", "play_both"]

# Where both sides write, whatever files the configuration names.
LINES, FRAMES = "export.json", "export.pcapng"
# What every report on a recording says of it.
RECORDED = ("format", "kernel", "host", "byteorder", "digest", "time", "dropped")
# The code of an export that has ended on an event of which no line can be made.
UNWRITABLE = "NLM-O009"


class MoveSide(Struct, frozen=True):
    """One side of a move. ``refused``: why it would not start with its configuration, empty if it would."""

    name: Implementation
    loaded: LoadedLane

    @property
    def refused(self) -> tuple[Problem, ...]:
        """The errors of its configuration."""
        return self.loaded.errors


class Stray(Struct, frozen=True):
    """A line that no monitor may export of a recording: of which side, why, and where it stands."""

    name: Implementation
    why: str
    line: str


class Failure(Struct, frozen=True):
    """Why a recording was not compared, or not all of it. ``where``: a place in it, empty if it is about none;
    ``crashed``: the side whose implementation raised an exception."""

    error: str
    where: str = ""
    hint: str = ""
    crashed: Implementation | None = None


class Played(Struct, frozen=True):
    """What came of one recording. ``reports``: of the move and of the way back; ``heard``: events before the filters,
    by the name of the protocol, of the side that gave more; ``kinds``: those that a side exported events of, and
    ``types``: names of the types of their messages; ``disagreeing``: what the lines of a side refute of its numbers and
    captures; ``decoded``: what both make of it whatever they export, None where one of them crashed before."""

    path: str
    reports: tuple[CaptureReport, ...] = ()
    heard: Mapping[str, int] = {}
    kinds: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    strays: tuple[Stray, ...] = ()
    disagreeing: tuple[str, ...] = ()
    failure: Failure | None = None
    decoded: Decoded | None = None


def lane_of(name: Implementation, data: bytes, environ: Mapping[str, str]) -> MoveSide:
    """A side with the bytes of its configuration, for which it is played whatever the text chooses."""
    lane = ConfigurationLane(name, data.decode("utf-8-sig"), dict(environ), forced=True)
    return MoveSide(name, _with_own_files(load_lane(lane)))


def _with_own_files(loaded: LoadedLane) -> LoadedLane:
    if loaded.config is None:
        return loaded
    export = loaded.config.export
    lines = structs.replace(export.json, enabled=True, file=LINES, rotate_size=0, compress=False)
    frames = structs.replace(export.pcap, file=FRAMES, rotate_size=0) if export.pcap.enabled else export.pcap
    export = structs.replace(export, json=lines, pcap=frames)
    return structs.replace(loaded, config=structs.replace(loaded.config, export=export))


def play_both(lanes: tuple[MoveSide, MoveSide], path: Path, policy: Policy, name: str = "") -> Played:
    """What comes of a recording on both sides: the reference and the candidate. ``name``: what it is called, empty: by
    its path."""
    shown, active = name or shown_path(path), lanes[0].name
    recording: FrameTable | None = None
    outputs: list[LaneOutput] = []
    whole = True
    try:
        with tempfile.TemporaryDirectory(prefix="nlmon-") as folder:
            for lane in lanes:
                active, own = lane.name, Path(folder) / lane.name
                own.mkdir()
                with open_capture(path) as reader:
                    batches = all_of_it = iter(reader.batches())
                    if recording is None:  # both read the same
                        recording = FrameTable(reader.info.byteorder)
                        batches = recording.seen(batches)
                    with prints_aside():
                        batches = _beginning(batches)
                        output = play_lane(lane.loaded, lane.name, reader, batches, own, {}, events_only=True)
                    outputs.append(output)
                    whole = next(all_of_it, None) is None
                    if reader.damage is not None:
                        raise reader.damage
            with open_capture(path) as reader:
                decoded = decode_both(reader, _beginning(iter(reader.batches())), shown, _listening(lanes))
    except InternalError as error:
        return Played(shown, failure=Failure(error.text, crashed=active))
    except (NlmonError, OSError) as error:
        return Played(shown, failure=_failure(error, active))
    assert recording is not None
    reports = compare_exports(
        (outputs[0].lines, outputs[1].lines),
        (lanes[0].name, lanes[1].name),
        (_side(lanes[0], outputs[0]), _side(lanes[1], outputs[1])),
        path=shown,
        recording=recording,
        known=(),
        policy=policy,
        facts=_facts(decoded.reports[0]) | {"frames": recording.last},
    )
    strays = tuple(one for output, lane in zip(outputs, lanes, strict=True) for one in _strays(recording, output, lane))
    disagreeing = [f"{output.name}: {one}" for output in outputs for one in disagreements(output)]
    cut = "cut it into parts with nlmon capture cut, and name each of them"
    failure = None if whole else Failure(f"only its first {recording.last:,} frames were compared", hint=cut)
    exported = [line.event for one in outputs for line in one.lines["json"] if line.event]
    return Played(
        shown,
        reports,
        _most_heard(outputs),
        frozenset(kind_name(event.payload) for event in exported),
        frozenset(message_type(event.protocol, event.msg_type) for event in exported),
        strays,
        (*disagreeing, *apart(outputs)),
        failure,
        decoded,
    )


def _listening(lanes: tuple[MoveSide, MoveSide]) -> tuple[Listening, Listening]:
    """What the monitors of both sides listen to."""
    left, right = (plan(lane.loaded.config).listening for lane in lanes if lane.loaded.config is not None)
    return left, right


def _facts(report: CaptureReport) -> dict[str, Any]:
    """What reports say of the recording itself."""
    return {name: getattr(report, name) for name in RECORDED}


def _beginning(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The batches of the first frames; those behind them are not taken."""
    frames = 0
    while frames < FRAMES_KEPT and (batch := next(batches, None)) is not None:
        yield batch
        frames += len(batch.data)


def _failure(error: NlmonError | OSError, active: Implementation) -> Failure:
    if not isinstance(error, NlmonError):
        return Failure(f"it was not compared: {error}")
    if UNWRITABLE in error.why:
        return Failure(f"{error.what}: {error.why}", crashed=active)
    what = f"it was not compared: {error.what}{f': {error.why}' if error.why else ''} [{error.code}]"
    if not isinstance(error, CaptureError):  # its place is one of the run
        return Failure(what, hint=error.hint)
    return Failure(what, error.where, error.hint or "record it again, with nlmon record")


def _side(lane: MoveSide, output: LaneOutput) -> ExportSide:
    assert lane.loaded.config is not None and output.status is not None
    unread = {one.name for one in output.status.protocols if one.errors}
    return ExportSide(
        keeps(lane.loaded.config, {}), lambda _: lane.name, lambda protocol: PROTOCOLS.get(protocol, "") not in unread
    )


def _most_heard(outputs: list[LaneOutput]) -> dict[str, int]:
    names = dict.fromkeys(name for one in outputs for name in one.heard)
    return {name: max(one.heard.get(name, 0) for one in outputs) for name in names}


def _strays(recording: FrameTable, output: LaneOutput, lane: MoveSide) -> Iterator[Stray]:
    """Lines and frames that are of no message, of each reason the first one."""
    seen: set[str] = set()
    for export, lines in output.lines.items():
        for why, line in recording.strays(lines, in_order=True):
            if why not in seen:
                seen.add(why)
                yield Stray(lane.name, f"{export}: a line {why}", line.place)
    for why, datagram in recording.unlike(output.captured, in_order=True):
        if why not in seen:
            seen.add(why)
            yield Stray(lane.name, f"pcap: a frame {why}", f"frame {datagram.frame}")
