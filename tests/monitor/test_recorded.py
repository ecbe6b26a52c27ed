"""A recording through a whole monitor: what its exports hold is what an implementation decodes."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.config import Config
from nlmon.engine.feed import Feed
from nlmon.engine.read import read_capture
from nlmon.errors import CaptureError, ExportError, InputError, InternalError
from nlmon.events import Event
from nlmon.exporters.console import ConsoleExporter
from nlmon.exporters.layout import exported_line
from nlmon.exporters.prometheus import PrometheusExporter
from nlmon.exporters.queue import ExportQueue
from nlmon.filters import compile_filter
from nlmon.monitor.recorded import play
from nlmon.monitor.status import MonitorStatus, ProtocolStatus
from support.paths import FIXTURES
from support.planned import config_of

CAPTURES = FIXTURES / "captures" / "linux-6.12"
BASIC = CAPTURES / "01-route-basic.pcap.zst"
ALL = "netlink: {protocols: {route: true, generic: true, sock_diag: true, netfilter: true}, use_libnl: %s}\n"
QUIET = "export: {console: {enabled: false}, json: {file: %s}}\n"


def decoded(name: str, capture: Path, protocols: Sequence[int]) -> list[Event]:
    """Every event that an implementation gives."""
    with open_capture(capture) as reader:
        feed = Feed((partial(create, name),), reader.info.byteorder, protocols=protocols, answers=False)
        return [event for side in read_capture(feed, reader) for event in side.events]


def played(text: str, capture: Path, out: Path, **options: Any) -> tuple[MonitorStatus, list[bytes]]:
    """The status, and the lines of the JSON export."""
    status = play(config_of(text + QUIET % out), capture, **options)
    return status, out.read_bytes().splitlines(keepends=True)


@pytest.mark.slow
@pytest.mark.parametrize("implementation", ["libnl", "legacy"])
@pytest.mark.parametrize(
    "capture",
    ["01-route-basic", "03-nl80211", "04-conntrack", "05-sock_diag", "06-generic", "07-burst"],
)
def test_exports_hold_what_is_decoded(implementation: str, capture: str, tmp_path: Path) -> None:
    """Every event of the protocols that are listened to, in order, as its line; none is dropped."""
    path = CAPTURES / f"{capture}.pcap.zst"
    text = ALL % ("true" if implementation == "libnl" else "false")
    status, lines = played(text, path, tmp_path / "out.json")
    events = decoded(implementation, path, (0, 4, 12, 16))

    assert lines == [exported_line(event) for event in events]
    assert (status.events, [one.dropped for one in status.exports]) == (len(events), [{}])


def test_a_recording_gives_the_same_every_time(tmp_path: Path) -> None:
    """Its status, too: nothing of this host is in it."""
    first, again = (played("", BASIC, tmp_path / name) for name in ("a.json", "b.json"))

    assert first == again


def test_what_the_status_says(tmp_path: Path) -> None:
    """Protocols, rules with their matches, and what went no further."""
    text = (
        "netlink: {protocols: {generic: true}}\nfilters: [{name: links, expression: netlink.msg_type == RTM_NEWLINK}]\n"
    )
    status, lines = played(text, BASIC, tmp_path / "out.json")
    links = compile_filter("netlink.msg_type == RTM_NEWLINK").matches
    events = decoded("libnl", BASIC, (0, 16))
    matched = sum(map(links, events))
    route = sum(event.protocol == 0 for event in events)

    assert status.protocols == (
        ProtocolStatus("NETLINK_ROUTE", True, -1, route, 0, 0),
        ProtocolStatus("NETLINK_SOCK_DIAG", False, -1, 0, 0, 0),
        ProtocolStatus("NETLINK_NETFILTER", False, -1, 0, 0, 0),
        ProtocolStatus("NETLINK_GENERIC", True, -1, len(events) - route, 0, 0),
    )
    assert [(one.name, one.action, one.matched) for one in status.rules] == [("links", "log", matched)]
    assert (len(lines), status.dropped) == (matched, {"no rule matches": len(events) - matched})


def test_a_capture_of_what_was_received_gives_the_same_again(tmp_path: Path) -> None:
    """The export pcap, played through the same configuration, gives the same lines."""
    out, again = tmp_path / "out.pcapng", tmp_path / "again.json"
    play(config_of(f"export: {{console: {{enabled: false}}, pcap: {{file: {out}}}}}"), BASIC)
    _, lines = played("", out, again)

    assert lines == [exported_line(event) for event in decoded("libnl", BASIC, (0,))]


def test_a_message_pool_changes_nothing(tmp_path: Path) -> None:
    """What is read ahead is delivered all the same, each event with its own datagram."""
    text = "netlink: {limits: {message_pool_size: 16}}\n"
    out = tmp_path / "out.pcapng"
    _, lines = played(text, BASIC, tmp_path / "out.json")
    play(config_of(f"{text}export: {{console: {{enabled: false}}, pcap: {{file: {out}}}}}"), BASIC)

    assert lines == [exported_line(event) for event in decoded("libnl", BASIC, (0,))]
    assert decoded("libnl", out, (0,)) != []


def test_another_configuration_from_a_frame_on(tmp_path: Path) -> None:
    """Its rules are in force from there on; a rule before it has seen nothing of what came later."""
    kept = config_of(QUIET % (tmp_path / "out.json"))
    none = msgspec.structs.replace(kept, filter="netlink.msg_type == 1")
    events = decoded("libnl", BASIC, (0,))
    frame = events[len(events) // 2].frame
    play(kept, BASIC, reloads={frame: none})
    lines = (tmp_path / "out.json").read_bytes().splitlines(keepends=True)

    assert lines == [exported_line(event) for event in events if event.frame < frame]


def test_metrics_are_there_before_anything_is_closed() -> None:
    """When all is out, whoever plays can scrape them."""
    found: list[str] = []

    def scrape(queues: Sequence[ExportQueue]) -> None:
        (queue,) = queues
        assert isinstance(queue.exporter, PrometheusExporter)
        with urllib.request.urlopen(f"http://127.0.0.1:{queue.exporter.port}/metrics") as answer:
            found.extend(answer.read().decode().splitlines())

    config = config_of("export: {console: {enabled: false}, prometheus: {enabled: true}}")
    export = msgspec.structs.replace(
        config.export, prometheus=msgspec.structs.replace(config.export.prometheus, port=0)
    )
    play(msgspec.structs.replace(config, export=export), BASIC, before_close=scrape)
    count = len(decoded("libnl", BASIC, (0,)))

    assert f'nlmon_export_written_total{{exporter="prometheus"}} {float(count)}' in found
    assert f'nlmon_netlink_messages_total{{backend="libnl",protocol="NETLINK_ROUTE"}} {float(count)}' in found


class Crashing(LegacyBackend):
    """Raises instead of decoding."""

    def decode(self, datagram: Any) -> Any:
        """Raise."""
        raise ValueError("no")


def test_an_implementation_that_crashes_ends_it() -> None:
    """With its name, as it does a replay."""
    with pytest.raises(InternalError, match="NLM-X002"):
        play(_quiet(), BASIC, make=lambda name, *rest: Crashing(*rest))


REFUSED = [
    ("export: {json: {file: /nowhere/e.json}}", BASIC, ExportError, "NLM-O001"),
    ("netlink: {protocols: {route: false}}", BASIC, InputError, "NLM-M002"),
    ("export: {console: {enabled: false}}", FIXTURES / "missing.pcap", CaptureError, "NLM-C"),
]


@pytest.mark.parametrize(("text", "capture", "kind", "code"), REFUSED, ids=[row[3] for row in REFUSED])
def test_what_cannot_be_played(text: str, capture: Path, kind: type[Exception], code: str) -> None:
    """Is an error with a code, before anything is read."""
    with pytest.raises(kind, match=code):
        play(config_of(text), capture)


def _quiet() -> Config:
    return config_of("export: {console: {enabled: false}}")


def test_lines_are_json(tmp_path: Path) -> None:
    """Each of them."""
    _, lines = played(ALL % "true", BASIC, tmp_path / "out.json")

    assert {type(json.loads(line)) for line in lines} == {dict}


def test_what_is_before_a_damage_is_exported(tmp_path: Path) -> None:
    """And then the damage is an error, so that nobody takes a part for the whole."""
    with BASIC.open("rb") as packed:
        whole = zstandard.ZstdDecompressor().stream_reader(packed).read()
    (tmp_path / "part.pcap").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CaptureError) as raised:
        played(ALL % "true", tmp_path / "part.pcap", tmp_path / "out.json")

    assert raised.value.code == "NLM-C010"
    assert len((tmp_path / "out.json").read_bytes().splitlines()) > 10


@pytest.mark.slow
def test_an_export_that_fails_holds_no_recording_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up after its tries, however much is to come; the others have everything."""
    tries = []

    def full(_: ConsoleExporter) -> None:
        tries.append(1)
        raise ExportError("NLM-O030", "events cannot be written to standard output", why="No space left on device")

    monkeypatch.setattr(ConsoleExporter, "flush", full)
    out = tmp_path / "out.json"
    text = ALL % "true" + f"core: {{max_events: 100}}\nexport: {{console: {{enabled: true}}, json: {{file: {out}}}}}\n"
    status = play(config_of(text), BASIC)

    json_, console = status.exports
    assert (len(tries), json_.written, sum(console.dropped.values())) == (5, status.events, status.events)
