"""Lets the monitor of a lane run over a recording, with its configuration and into a folder of its own.

    NLM-S053   a file of a configuration cannot be written
    NLM-S055   an export has lost events

Rules:
1. A configuration sees the variables that the scenario gives it, and none of the environment of nlmon.
2. Whatever paths, servers and ports a configuration names, its monitor writes below the folder of the run and listens
   and sends on the loopback interface alone; nothing is printed.
3. Messages have the times of the recording, so that two lanes, and two runs, can be compared.

Not here: what comes of it (``output``), and what must (``held``).
"""

from __future__ import annotations

import gzip
import http.client
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from urllib.parse import quote

from msgspec import Struct, structs

from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.capture import CaptureReader, open_capture
from nlmon.capture.base import Batch
from nlmon.config import Config, Loaded, Problem, interpret
from nlmon.config.keys import keys
from nlmon.config.names import USE_LIBNL
from nlmon.config.reload import taken_over
from nlmon.errors import NlmonError, ScenarioError
from nlmon.events import Event
from nlmon.exporters.base import ExportStatus
from nlmon.exporters.prometheus import PrometheusExporter
from nlmon.exporters.queue import ExportQueue
from nlmon.exporters.rotation import rotated_files
from nlmon.migrate.model import Implementation
from nlmon.monitor.pipeline import Pipeline
from nlmon.monitor.plan import Listening, plan
from nlmon.monitor.recorded import play
from nlmon.report.text import counted, shown_path
from nlmon.scenario.configured.logged import logged
from nlmon.scenario.configured.output import ExportedLine, LaneOutput, lines_of, messages_of, samples_of
from nlmon.scenario.configured.received import Receiver
from nlmon.scenario.configured.rewritten import Rewritten, rewritten
from nlmon.scenario.implementations import make_planned
from nlmon.scenario.model import ConfigurationLane
from nlmon.transport.base import TransportFactory
from nlmon.wire import Datagram

__all__ = [
    "Later",
    "LoadedLane",
    "chosen",
    "chosen_at",
    "in_lane",
    "keeps",
    "load_lane",
    "load_later",
    "not_played",
    "play_lane",
]

VARIABLE = "NLMON_NETLINK_USE_LIBNL"
# How a capture begins.
PCAPNG = b"\n\r\r\n"
# Former files of an export that a configuration may ask for.
MOST_FILES = 1000
# Seconds that an answer with metrics may take.
PATIENCE = 5.0


class LoadedLane(Struct, frozen=True):
    """The configuration of a lane. ``config``: None if ``errors`` refuse it."""

    name: str
    config: Config | None
    errors: tuple[Problem, ...] = ()
    notices: tuple[Problem, ...] = ()


class Later(Struct, frozen=True):
    """What is read later: configurations by the frame from which on they are in force, and what was said of all.
    ``rewritings``: what came of those that were to be rewritten, by their frame; None where the monitor had the
    implementation already."""

    configs: dict[int, Config] = {}
    errors: tuple[Problem, ...] = ()
    notices: tuple[Problem, ...] = ()
    rewritings: dict[int, Rewritten | None] = {}


def load_lane(lane: ConfigurationLane) -> LoadedLane:
    """The configuration that a lane starts with."""
    loaded, errors = _loaded(lane, lane.text, forced=lane.forced)
    return LoadedLane(lane.name, None if errors else loaded.config, errors, _notices(loaded))


def load_later(
    lane: ConfigurationLane,
    first: LoadedLane,
    texts: Mapping[int, str],
    rewrites: Mapping[int, Implementation] = MappingProxyType({}),
) -> Later:
    """The configurations that a lane reads later, by their frame; one that is refused leaves the one in force.
    ``rewrites``: the implementations for which the one in force is rewritten, by the frame."""
    configs: dict[int, Config] = {}
    refused: tuple[Problem, ...] = ()
    notices: tuple[Problem, ...] = ()
    rewritings: dict[int, Rewritten | None] = {}
    was = Loaded(first.config, (), {key.name: "default" for key in keys().values()})
    in_force = lane.text
    for frame in sorted({*texts, *rewrites}):
        text = texts.get(frame)
        if frame in rewrites:
            if was.config is None:
                continue
            if chosen(was.config) == rewrites[frame]:
                rewritings[frame] = None
                continue
            done = rewritings[frame] = rewritten(lane, in_force, rewrites[frame])
            text = done.text
        if text is None:
            continue
        # What was rewritten says itself which implementation it is for.
        loaded, errors = _loaded(lane, text, forced=lane.forced and frame not in rewrites)
        refused += errors
        if was.config is not None and loaded.config is not None and not errors:
            was, in_force = taken_over(was, loaded), text
            assert was.config is not None
            configs[frame] = was.config
            notices += _notices(was)
    return Later(configs, refused, notices, rewritings)


def not_played(config: Config, later: Mapping[int, Config]) -> Iterator[int]:
    """The frames of configurations that change what an implementation listens to, or its options: what a recording is
    played for stays as it is in the first configuration that has it."""
    first: dict[str, Listening] = {}
    for frame, one in ((0, config), *later.items()):
        listening = plan(one).listening
        if first.setdefault(listening.implementation, listening) != listening:
            yield frame


def chosen(config: Config) -> Implementation:
    """The implementation that a configuration chooses."""
    return "libnl" if config.netlink.use_libnl else "legacy"


def chosen_at(config: Config, later: Mapping[int, Config]) -> Callable[[int], Implementation]:
    """The implementation at a frame. ``later``: the configurations that are in force from a frame on."""
    frames, names = [0, *later], [chosen(one) for one in (config, *later.values())]
    return lambda frame: names[bisect_right(frames, frame) - 1]


def _loaded(lane: ConfigurationLane, text: str, *, forced: bool) -> tuple[Loaded, tuple[Problem, ...]]:
    """A configuration, and what refuses it. ``forced``: the lane decides on the implementation."""
    loaded = _interpreted(lane, text, forced=forced)
    if not forced and loaded.origins.get(USE_LIBNL) == "default":
        loaded = _interpreted(lane, text, forced=True)
    if loaded.config is None:
        return loaded, loaded.errors
    try:
        more = plan(loaded.config).notices
    except NlmonError as error:
        return loaded, (Problem(error.code, "error", error.what, error.where, hint=error.hint),)
    return structs.replace(loaded, problems=(*loaded.problems, *more)), ()


def _notices(loaded: Loaded) -> tuple[Problem, ...]:
    return tuple(one for one in loaded.problems if one.severity == "notice")


def _interpreted(lane: ConfigurationLane, text: str, *, forced: bool) -> Loaded:
    """The configuration as it is, or where the lane decides on the implementation."""
    environment = dict(lane.environment)
    if forced:
        environment[VARIABLE] = str(lane.name == "libnl").lower()
    name = "configuration" if lane.forced else f"configuration.{lane.name}"  # as the scenario has it
    return interpret([(name, text.encode())], environment)


def keeps(config: Config, later: Mapping[int, Config]) -> Callable[[Event, int], bool]:
    """Whether a monitor exports an event of a frame, but for its rate limit. ``later``: the configurations that are in
    force from a frame on."""
    passed: list[Event] = []
    frames = [0, *later]
    pipelines = [
        Pipeline(structs.replace(plan(one), rate_limit=0), [_Kept(passed)])  # type: ignore[list-item]
        for one in (config, *later.values())
    ]

    def kept(event: Event, frame: int) -> bool:
        passed.clear()
        pipelines[bisect_right(frames, frame) - 1].take(event, b"")
        return bool(passed)

    return kept


class _Kept:
    """Stands for the queue of an export."""

    def __init__(self, events: list[Event]) -> None:
        self._events = events

    def put(self, event: Event, datagram: bytes, *, wait: bool = False) -> None:
        """Take an event."""
        self._events.append(event)


def play_lane(
    loaded: LoadedLane,
    implementation: str,
    reader: CaptureReader,
    batches: Iterable[Batch],
    folder: Path,
    reloads: Mapping[int, Config],
    *,
    events_only: bool = False,
) -> LaneOutput:
    """What the monitor of a lane exports of an open recording. ``implementation``: the one in the lane; ``reloads``:
    configurations that are in force from a frame on; ``events_only``: of a line its event is kept, and not its text,
    which takes three quarters of the memory."""
    assert loaded.config is not None
    with ExitStack() as stack:
        receivers = _receivers(stack, [loaded.config, *reloads.values()], folder)
        config, *later = [_moved(one, folder, receivers) for one in (loaded.config, *reloads.values())]
        paths = [one.export.prometheus.path for one in (config, *later) if one.export.prometheus.enabled]
        scraped: list[str] = []
        said = stack.enter_context(logged())
        status = play(
            config,
            reader,
            batches=batches,
            make=partial(in_lane, loaded.name, implementation),
            before_close=lambda queues: scraped.extend(_scraped(queues, paths)),
            reloads=dict(zip(reloads, later, strict=True)),
        )
    _refuse_lost(loaded.name, status.exports, receivers.values())
    lines: dict[str, tuple[ExportedLine, ...]] = {}
    files = dict(_files(folder / "files"))
    if any(one.export.json.enabled for one in (config, *later)):
        named = dict.fromkeys(one.export.json.file for one in (config, *later) if one.export.json.enabled)
        found = (line for path in named for line in _json_lines(Path(path), folder / "files"))
        lines["json"] = tuple(map(_event_only, found) if events_only else found)
    if receivers:
        said_to = messages_of(message for one in receivers.values() for message in one.messages())
        lines["syslog"] = tuple(map(_event_only, said_to) if events_only else said_to)
    metrics = samples_of(scraped[0]) if scraped else None
    rules = {rule.name: rule.matched for rule in status.rules}
    captures = dict.fromkeys(one.export.pcap.file for one in (config, *later) if one.export.pcap.enabled)
    captured = tuple(one for path in captures for file in _all_of(Path(path)) for one in _datagrams(file))
    heard = {one.name: one.events for one in status.protocols if one.events}
    said_so = tuple(said), loaded.notices
    return LaneOutput(loaded.name, lines, files, captured, metrics, rules, *said_so, heard, status)


def in_lane(lane: str, implementation: str, name: str, factory: TransportFactory, options: BackendOptions) -> Backend:
    """What a monitor runs with: in the place of the implementation of the lane the one that is tried there."""
    return make_planned(implementation if name == lane else name, factory, options)


def _refuse_lost(name: str, exports: Iterable[ExportStatus], receivers: Iterable[Receiver]) -> None:
    """Raise ``ScenarioError`` where an export has lost events: what is left says nothing of the configuration."""
    for one in exports:
        lost = one.waiting + sum(one.dropped.values())
        if lost or one.state == "broken":
            what = f"the export {one.name} of the lane {name} has lost {counted(lost, 'event')}"
            raise ScenarioError("NLM-S055", what, why=one.error or ", ".join(one.dropped), hint="run it again")
    if any(one.full for one in receivers):
        what = f"the export syslog of the lane {name} has sent more than is received"
        raise ScenarioError("NLM-S055", what, hint="take fewer frames")


def _receivers(stack: ExitStack, configs: Iterable[Config], folder: Path) -> dict[bool, Receiver]:
    """A receiver for messages to this host, and one for those to servers, where they are needed."""
    found: dict[bool, Receiver] = {}
    for config in configs:
        if config.export.syslog.enabled:
            local = config.export.syslog.server.startswith("/") or not config.export.syslog.server
            if local not in found:
                found[local] = stack.enter_context(Receiver(folder / "log" if local else None))
    return found


def _moved(config: Config, folder: Path, receivers: Mapping[bool, Receiver]) -> Config:
    """A configuration whose monitor writes, sends and listens where a scenario may."""
    export = config.export
    syslog = export.syslog
    if syslog.enabled:
        local = syslog.server.startswith("/") or not syslog.server
        syslog = structs.replace(syslog, server=receivers[local].server, protocol=syslog.protocol if local else "tcp")
    return structs.replace(
        config,
        export=structs.replace(
            export,
            console=structs.replace(export.console, enabled=False),
            json=structs.replace(export.json, file=_inside(folder, export.json.file)),
            pcap=structs.replace(export.pcap, file=_inside(folder, export.pcap.file)),
            prometheus=structs.replace(export.prometheus, address="127.0.0.1", port=0),
            syslog=syslog,
        ),
    )


def _inside(folder: Path, path: str) -> str:
    """A path below the folder of the run, whose folders are made."""
    if not path:
        return path
    parts = [part for part in PurePosixPath(path).parts if part not in {"/", "//", ".", ".."}]
    found = folder.joinpath("files", *parts)
    try:
        found.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what, where = "a file of a configuration cannot be written", shown_path(path)
        raise ScenarioError("NLM-S053", what, where=where, why=error.strerror or "", hint="name another one") from error
    return str(found)


def _files(folder: Path) -> Iterable[tuple[str, int]]:
    """The files below a folder by their path, and how many lines each has, of a capture frames."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data, name = _content(path), path.relative_to(folder).as_posix()
            if data[:4] == PCAPNG:
                yield name, sum(1 for _ in _datagrams(path))
            else:
                yield name, data.count(b"\n") if data[:1] == b"{" else 0


def _json_lines(path: Path, folder: Path) -> Iterable[ExportedLine]:
    """The lines of a file and of those before it, the oldest first."""
    for file in _all_of(path):
        yield from lines_of(_content(file), file.relative_to(folder).as_posix())


def _event_only(line: ExportedLine) -> ExportedLine:
    """A line without its text; one that gives no event as it is."""
    return line if line.event is None else structs.replace(line, text="", object=None, form=None)


def _all_of(path: Path) -> Iterable[Path]:
    """A file and those before it, the oldest first."""
    return (one for one in (*reversed(rotated_files(path, MOST_FILES)), path) if one.is_file())


def _datagrams(path: Path) -> Iterator[Datagram]:
    """What a capture holds. Raises ``CaptureError`` for one that is damaged."""
    with open_capture(path) as reader:
        for batch in reader.batches():
            for frame in batch.frames():
                yield Datagram(frame.number, frame.timestamp, frame.protocol, frame.data)
        if reader.damage is not None:
            raise reader.damage


def _content(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def _scraped(queues: Sequence[ExportQueue], paths: Sequence[str]) -> Iterable[str]:
    """What who scrapes the metrics is answered; ``paths``: where they are, the last one in force."""
    for queue in queues:
        if isinstance(queue.exporter, PrometheusExporter):
            connection = http.client.HTTPConnection("127.0.0.1", queue.exporter.port, timeout=PATIENCE)
            with closing(connection), suppress(OSError, http.client.HTTPException):
                connection.request("GET", quote(paths[-1]))
                yield connection.getresponse().read().decode()
