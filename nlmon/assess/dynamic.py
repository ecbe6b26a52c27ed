"""A recording through the monitors of both sides, each with the configuration that it would have, and what they export
compared.

Rules:
1. Both always export JSON lines, so that there is something to compare wherever the configuration sends events.
2. Everything is written below a folder of the run, and nobody but this host is sent anything.
3. What cannot be played is a reason, and no end of an assessment: other recordings may be fine.

Not here: monitors that write into a folder (``nlmon.scenario.configured.lanes``), and what comes of it (``judging``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct, structs

from nlmon.aside import prints_aside
from nlmon.capture import open_capture
from nlmon.config.problems import Problem
from nlmon.errors import CaptureError, InternalError, NlmonError
from nlmon.migrate.model import Implementation
from nlmon.report.model import CaptureReport
from nlmon.report.policy import Policy
from nlmon.report.text import shown_path
from nlmon.scenario.configured.compare import Side, compare_exports
from nlmon.scenario.configured.lanes import LoadedLane, keeps, load_lane, play_lane
from nlmon.scenario.configured.output import LaneOutput
from nlmon.scenario.configured.recording import Recording
from nlmon.scenario.model import ConfigurationLane

__all__ = ["Failure", "Lane", "Played", "Stray", "lane_of", "play_both"]

# Where lines go if the configuration has no export of them.
OWN_FILE = "assess.json"


class Lane(Struct, frozen=True):
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
    """Why a recording was not compared. ``crashed``: the side whose implementation raised an exception."""

    error: str
    hint: str = ""
    crashed: Implementation | None = None


class Played(Struct, frozen=True):
    """What came of one recording. ``reports``: of the move and of the way back; ``heard``: events before the filters,
    by the name of the protocol, of the side that gave more."""

    path: str
    reports: tuple[CaptureReport, ...] = ()
    heard: Mapping[str, int] = {}
    strays: tuple[Stray, ...] = ()
    failure: Failure | None = None


def lane_of(name: Implementation, data: bytes, environ: Mapping[str, str]) -> Lane:
    """A side with the bytes of its configuration, for which it is played whatever the text chooses."""
    lane = ConfigurationLane(name, data.decode("utf-8-sig"), dict(environ), forced=True)
    return Lane(name, _with_lines(load_lane(lane)))


def _with_lines(loaded: LoadedLane) -> LoadedLane:
    if loaded.config is None or loaded.config.export.json.enabled:
        return loaded
    export = loaded.config.export
    lines = structs.replace(export.json, enabled=True, file=OWN_FILE)
    return structs.replace(loaded, config=structs.replace(loaded.config, export=structs.replace(export, json=lines)))


def play_both(lanes: tuple[Lane, Lane], path: Path, policy: Policy) -> Played:
    """What comes of a recording on both sides: the reference and the candidate."""
    shown, active = shown_path(path), lanes[0].name
    recording: Recording | None = None
    outputs: list[LaneOutput] = []
    facts: dict[str, object] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="nlmon-") as folder:
            for lane in lanes:
                active, own = lane.name, Path(folder) / lane.name
                own.mkdir()
                with open_capture(path) as reader:
                    batches = reader.batches()
                    if recording is None:  # both read the same
                        recording = Recording(reader.info.byteorder)
                        batches = recording.seen(batches)
                    with prints_aside():
                        outputs.append(play_lane(lane.loaded, lane.name, reader, batches, own, {}))
                    if reader.damage is not None:
                        raise reader.damage
                    facts = {"format": reader.info.format, "kernel": reader.kernel, "host": reader.host}
    except InternalError as error:
        return Played(shown, failure=Failure(error.text, crashed=active))
    except (NlmonError, OSError) as error:
        hint = "record it again, with nlmon record" if isinstance(error, CaptureError) else ""
        return Played(shown, failure=Failure(error.text if isinstance(error, NlmonError) else str(error), hint))
    assert recording is not None
    reports = compare_exports(
        (outputs[0].lines, outputs[1].lines),
        (lanes[0].name, lanes[1].name),
        (_side(lanes[0]), _side(lanes[1])),
        path=shown,
        recording=recording,
        known=(),
        policy=policy,
        facts=facts,
    )
    strays = tuple(one for output, lane in zip(outputs, lanes, strict=True) for one in _strays(recording, output, lane))
    return Played(shown, reports, _most_heard(outputs), strays)


def _side(lane: Lane) -> Side:
    name = lane.name
    assert lane.loaded.config is not None
    return Side(keeps(lane.loaded.config, {}), lambda _: name)


def _most_heard(outputs: list[LaneOutput]) -> dict[str, int]:
    names = dict.fromkeys(name for one in outputs for name in one.heard)
    return {name: max(one.heard.get(name, 0) for one in outputs) for name in names}


def _strays(recording: Recording, output: LaneOutput, lane: Lane) -> Iterator[Stray]:
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
