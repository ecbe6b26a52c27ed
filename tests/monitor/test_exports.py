"""Open exports: what stays open over a reload, and what becomes of one that cannot be opened."""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path
from threading import Event

import pytest

from nlmon.errors import ExportError, PlatformError
from nlmon.exporters.base import ExportStatus
from nlmon.exporters.syslog import Server, SyslogExporter
from nlmon.monitor.exports import Exports
from support.planned import event, plan_of

# Seconds for what comes, whoever else has the processors.
PATIENCE = 60.0


@pytest.fixture(autouse=True)
def _tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each export has been tried when ``change`` returns, however late its thread is."""
    monkeypatch.setattr("nlmon.monitor.exports.OPEN_WITHIN", PATIENCE)


def test_an_export_whose_section_did_not_change_stays_open(tmp_path: Path) -> None:
    """The very queue, with what waits in it; another one takes its place where something is otherwise."""
    exports = Exports(100)
    text = f"export: {{console: {{enabled: false}}, json: {{file: {tmp_path}/a}}, pcap: {{file: {tmp_path}/b%s}}}}"
    exports.change(plan_of(text % "").exports)
    json, pcap = exports.queues
    exports.change(plan_of(text % "2").exports)
    again, other = exports.queues
    exports.close()

    assert (again is json, other is pcap) == (True, False)
    assert pcap.status().state == json.status().state == "closed"


def test_another_bound_leaves_all_open(tmp_path: Path) -> None:
    """It holds for what comes from then on."""
    exports = Exports(1)
    planned = plan_of(f"export: {{console: {{enabled: false}}, json: {{file: {tmp_path}/a}}}}").exports
    exports.change(planned)
    before = exports.queues[0]
    with before._changed:  # nothing is handed over meanwhile
        exports.change(planned, limit=2)
        before.put_all([(event(), b"")] * 3)
    statuses = exports.close(PATIENCE)

    assert [(one.written, one.dropped) for one in statuses] == [(2, {"queue full": 1})]
    assert before.status() == statuses[0]


def test_what_stays_is_open_though_another_one_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stands; so the plan before can be had again."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    text = f"export: {{console: {{enabled: true}}, json: {{file: {tmp_path}/a}}, prometheus: {{enabled: %s}}}}"
    exports = Exports(100)
    before = plan_of(text % "false").exports
    exports.change(before)
    queues = exports.queues
    with pytest.raises(PlatformError, match="NLM-O021"):
        exports.change(plan_of(text % "true").exports)
    exports.change(before)
    again = exports.queues
    exports.close()

    assert [one is other for one, other in zip(again, queues, strict=True)] == [True, True]


def test_one_that_cannot_be_opened_is_reported_and_the_others_go_on(tmp_path: Path) -> None:
    """It is tried again, and then works, which is reported, too."""
    reported: list[ExportStatus] = []
    folder = tmp_path / "later"
    text = f"export: {{console: {{enabled: false}}, json: {{file: {folder}/a}}, pcap: {{file: {tmp_path}/b}}}}"
    exports = Exports(100, on_change=reported.append)
    exports.change(plan_of(text).exports)
    folder.mkdir()
    for queue in exports.queues:
        queue.put(event(), b"")
    statuses = exports.close(PATIENCE)

    assert [(one.name, one.state, one.error[:9]) for one in reported] == [
        ("json", "failing", "NLM-O001:"),
        ("json", "working", "NLM-O001:"),
    ]
    assert [(one.written, one.failures > 0) for one in statuses] == [(1, True), (1, False)]


def test_one_that_takes_long_to_open_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a server that does not answer, or its name; the status says so, and what comes meanwhile waits."""
    answers, works = Event(), Event()

    def connected(server: Server) -> socket.socket:
        answers.wait(PATIENCE)
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    monkeypatch.setattr("nlmon.monitor.exports.OPEN_WITHIN", 0.3)
    monkeypatch.setattr("nlmon.exporters.syslog._connected", connected)
    monkeypatch.setattr("nlmon.exporters.syslog.SyslogExporter._send_message", _sent)
    text = f"export: {{json: {{file: {tmp_path}/a}}, syslog: {{enabled: true, server: 'x:1'}}}}"
    exports = Exports(100, on_change=lambda status: works.set() if status.state == "working" else None)
    exports.change([one for one in plan_of(text).exports if one.name != "console"])
    for queue in exports.queues:
        queue.put(event(), b"")
    while exports.status()[0].state == "opening":
        works.wait(0.01)
    before = [one.state for one in exports.status()]
    answers.set()
    after = exports.close(PATIENCE)

    assert before == ["working", "opening"]
    assert [(one.state, one.written) for one in after] == [("closed", 1), ("closed", 1)]


def _sent(exporter: SyslogExporter, to: socket.socket) -> None:
    exporter._waiting.clear()
    exporter.written += 1


def test_one_that_cannot_be_opened_is_tried_again_without_an_event() -> None:
    """Metrics are counted from events, but offered without one; until then the status says that the export fails."""
    works = Event()
    exports = Exports(100, on_change=lambda status: works.set() if status.state == "working" else None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = f"export: {{console: {{enabled: false}}, prometheus: {{enabled: true, port: {port}}}}}"
        exports.change(plan_of(text).exports)
        before = [(one.state, one.failures > 0, one.error[:8]) for one in exports.status()]
    works.wait(PATIENCE)
    with socket.create_connection(("127.0.0.1", port)):
        after = [one.state for one in exports.status()]
    exports.close()

    assert (before, after) == ([("failing", True, "NLM-O020")], ["working"])


def test_who_is_strict_is_given_the_error() -> None:
    """For a trial and a recording, which can be repeated."""
    exports = Exports(100)
    with pytest.raises(ExportError, match="NLM-O001"):
        exports.change(plan_of("export: {json: {file: /nowhere/a}}").exports, strict=True)

    assert exports.close() == ()


class _Stuck:
    """A syslog server that takes no more, as long as it is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.let = threading.Event()
        monkeypatch.setattr("nlmon.exporters.syslog.SyslogExporter.open", lambda _: None)
        monkeypatch.setattr("nlmon.exporters.syslog.SyslogExporter.flush", lambda _: self._flush())

    def _flush(self) -> None:
        self.let.wait(PATIENCE)
        raise ExportError("NLM-O012", "the syslog server took no message")


SYSLOG = "export: {console: {enabled: false}, syslog: {enabled: true, server: 127.0.0.1, severity: %s}}"


@pytest.mark.slow
def test_what_a_reload_drops_stays_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An export that is closed with what waited is reported, and its counts are those of the next one of its name."""
    stuck, reported = _Stuck(monkeypatch), list[ExportStatus]()
    exports = Exports(5, on_change=reported.append)
    exports.change(plan_of(SYSLOG % "info").exports)
    for _ in range(7):
        exports.queues[0].put(event(), b"")
    exports.change(())
    off = exports.status()
    exports.change(plan_of(SYSLOG % "debug").exports)
    on = exports.status()
    stuck.let.set()
    last = exports.close(PATIENCE)

    counted = [sum(one.dropped.values()) + one.waiting for one, *_ in (reported, off, on, last)]
    assert (counted, [one.state for one, *_ in (reported, off, on)]) == ([7, 7, 7, 7], ["closed", "closed", "working"])


def test_one_that_was_off_and_lost_nothing_is_gone(tmp_path: Path) -> None:
    """Only losses are worth a line; when it is back it counts on."""
    exports = Exports(5)
    planned = plan_of(f"export: {{console: {{enabled: false}}, json: {{file: {tmp_path}/a}}}}").exports
    exports.change(planned)
    exports.queues[0].put(event(), b"")
    exports.change(())
    off = exports.status()
    exports.change(planned)
    written = [one.written for one in exports.status()]
    exports.close()

    assert (off, written) == ((), [1])


def test_what_cannot_be_made_leaves_the_others_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a package is missing, every export that stays is there still, to be closed."""
    text = f"{{console: {{enabled: false}}, json: {{file: {tmp_path}/a}}%s}}"
    exports = Exports(5)
    exports.change(plan_of("export: " + text % "").exports)
    (queue,) = exports.queues
    monkeypatch.setattr("nlmon.monitor.exports._exporter", _missing)
    more = plan_of("export: " + text % f", pcap: {{file: {tmp_path}/b}}").exports
    with pytest.raises(PlatformError):
        exports.change([more[1], more[0]])
    found = exports.queues
    exports.close()

    assert found == (queue,)


def _missing(*_: object) -> None:
    raise PlatformError("NLM-O021", "a package is not installed")


def test_an_export_without_a_thread_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported and counted like any other failure, and the monitor goes on."""

    def none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    reported: list[ExportStatus] = []
    exports = Exports(5, on_change=reported.append)
    monkeypatch.setattr(threading.Thread, "start", none)
    exports.change(plan_of(f"export: {{console: {{enabled: false}}, json: {{file: {tmp_path}/a}}}}").exports)
    exports.queues[0].put(event(), b"")
    last = exports.close()

    assert [(one.state, "can't start new thread" in one.error) for one in reported] == [("broken", True)]
    assert [one.dropped for one in last] == [{"closed": 1}]
