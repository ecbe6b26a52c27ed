"""A monitor from its start to its end, on a kernel in memory: reloads, what it says of itself, and how it ends."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nlmon.config import load
from nlmon.config.model import Logging
from nlmon.config.problems import Position, notice
from nlmon.errors import TransportError
from nlmon.monitor.control import ControlSocket, Request
from nlmon.monitor.doctor.host import Host as DoctorHost
from nlmon.monitor.doctor.running import reconnects
from nlmon.monitor.log import open_log
from nlmon.monitor.plan import plan, plan_loaded
from nlmon.monitor.privileges import RunsAs
from nlmon.monitor.running import RunningMonitor
from nlmon.monitor.status import read_status, time_text
from nlmon.monitor.switching import read_report
from nlmon.monitor.users import User, me
from nlmon.testing.messages import link
from nlmon.testing.transport import FakeKernel

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a monitor needs Linux")


class Host:
    """A folder with a configuration and an export, a kernel, and the monitor on it."""

    def __init__(self, folder: Path, text: str = "", standing: RunsAs | None = None) -> None:
        self.folder = folder
        self.kernel = FakeKernel()
        self.write(text)
        self.loaded = load([folder / "nlmon.yaml"], {})
        assert self.loaded.config is not None
        self.monitor = RunningMonitor(
            self.loaded,
            plan(self.loaded.config),
            control=ControlSocket(folder / "nlmon.sock"),
            kernel=lambda _: self.kernel,
            environ={},
            standing=standing,
        )

    def write(self, text: str) -> None:
        """Write the configuration."""
        export = f"export: {{console: {{enabled: false}}, json: {{file: {self.folder}/out.json}}}}\n"
        (self.folder / "nlmon.yaml").write_text(export + text, encoding="utf-8")

    def run(self, *signals: signal.Signals) -> str:
        """Run until a signal has ended it; why."""
        reader, writer = socket.socketpair()
        with reader, writer:
            writer.send(bytes(signals))
            return self.monitor.run(reader)

    def say(self, number: int) -> None:
        """A link appears, and is read."""
        self.kernel.new(16, link(number, f"eth{number}"), number)
        while self.monitor._source.process(0):
            pass

    def lines(self, name: str = "out.json") -> list[str]:
        """The interfaces of the lines that were exported."""
        return [json.loads(line)["interface"] for line in (self.folder / name).read_text().splitlines()]


def test_it_ends_with_everything_written(tmp_path: Path) -> None:
    """What was read before the signal is in the file, and the control socket is gone."""
    host = Host(tmp_path)
    host.monitor.open()
    for number in range(2, 500):
        host.say(number)
    there = (tmp_path / "nlmon.sock").exists()
    status = host.monitor.close("SIGTERM")

    assert host.lines() == [f"eth{number}" for number in range(2, 500)]
    assert ([one.written for one in status.exports], status.events) == ([498], 498)
    assert (there, (tmp_path / "nlmon.sock").exists(), [one.closed for one in host.kernel.opened]) == (
        True,
        False,
        [True],
    )


def test_signals_end_it(tmp_path: Path) -> None:
    """By their name."""
    host = Host(tmp_path)
    host.kernel.open = _with_descriptor(host.kernel)  # type: ignore[method-assign]
    host.monitor.open()
    why = host.run(signal.SIGTERM)
    host.monitor.close(why)

    assert why == "SIGTERM"


def test_a_reload_changes_what_has_changed(tmp_path: Path) -> None:
    """Rules are in force at once; sockets and the export stay as they are."""
    host = Host(tmp_path)
    host.monitor.open()
    queue = host.monitor._exports.queues[0]
    host.say(2)
    host.write("filter: interface == 'eth4'\n")
    host.monitor.reload()
    for number in (3, 4):
        host.say(number)
    stays = host.monitor._exports.queues[0] is queue
    status = host.monitor.close("SIGTERM")

    assert (host.lines(), stays, len(host.kernel.opened)) == (["eth2", "eth4"], True, 1)
    assert (status.config_version, status.reloads, status.reload_failures) == (2, 1, 0)


def test_a_reload_of_netlink_exchanges_the_sockets(tmp_path: Path) -> None:
    """And counts go on from there."""
    host = Host(tmp_path)
    host.monitor.open()
    host.say(2)
    host.write("netlink: {buffer_size: {receive: 1MB}}\n")
    host.monitor.reload()
    host.say(3)
    host.monitor.close("SIGTERM")

    assert host.lines() == ["eth2", "eth3"]
    assert [(one.buffers[0], one.closed) for one in host.kernel.opened] == [(32768, True), (1 << 20, True)]


def test_what_waits_in_old_sockets_goes_to_the_new_exports(tmp_path: Path) -> None:
    """Where a reload exchanges both; it was received, and the exports before are closed."""
    host = Host(tmp_path)
    host.monitor.open()
    host.kernel.new(16, link(2, "eth2"), 2)
    text = f"export: {{console: {{enabled: false}}, json: {{file: {tmp_path}/other.json}}}}\n"
    (tmp_path / "nlmon.yaml").write_text(text + "netlink: {buffer_size: {receive: 1MB}}\n", encoding="utf-8")
    host.monitor.reload()
    host.monitor.close("SIGTERM")

    assert (host.lines(), host.lines("other.json")) == ([], ["eth2"])


def test_a_reload_says_its_notices(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """In the log as at the start; what is said of who the monitor runs as stays in the status."""
    stays = RunsAs(User("root", 0, 0), (notice("NLM-M034", "the monitor stays root", Position()),))
    host = Host(tmp_path, standing=stays)
    with closing(open_log(Logging())):
        host.write("netlink: {use_libnl: false, caching: {enabled: true}}\n")
        host.monitor.reload()
        host.monitor.close("SIGTERM")
    said = [line.split()[3] for line in capfd.readouterr().err.splitlines()]

    assert [code for code in said if code != "NLM-M042"] == ["NLM-M102", "NLM-G030", "NLM-M046", "NLM-M041"]
    assert [one[:8] for one in host.monitor.status().notices] == ["NLM-G030", "NLM-M034"]


@pytest.mark.parametrize("pool", [0, 3], ids=["sockets", "a pool"])
def test_what_is_not_read_at_the_end_is_said(
    pool: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """More waits than there is time for: what is left in sockets, and what was read ahead into the message pool."""
    host = Host(tmp_path, f"netlink: {{limits: {{message_pool_size: {pool}}}}}\n" if pool else "")
    host.monitor.open()
    host.say(2)
    for number in range(3, 13):
        host.kernel.new(16, link(number, f"eth{number}"), number)
    if pool:
        host.monitor._source.backend.process(0)  # and reads ahead as much as has room
    monkeypatch.setattr("nlmon.monitor.running.FINISH", 0.0)
    with closing(open_log(Logging())):
        host.monitor.close("SIGTERM")
    written = len(host.lines())

    assert written == (2 if pool else 1)
    assert capfd.readouterr().err.rstrip().endswith(f"0 events dropped, {11 - written} datagrams left unread")


def test_an_implementation_that_raises_at_the_end_takes_nothing_with_it(tmp_path: Path) -> None:
    """What was read is written, and the control socket is removed."""
    host = Host(tmp_path)
    host.monitor.open()
    for number in range(2, 200):
        host.say(number)
    host.monitor._source.backend.close = _bug  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        host.monitor.close("SIGTERM")

    assert (len(host.lines()), (tmp_path / "nlmon.sock").exists()) == (198, False)


def test_a_bug_in_what_waits_at_the_end_loses_nothing_else(tmp_path: Path) -> None:
    """What was exported before is written, and the control socket is removed."""
    host = Host(tmp_path)
    host.monitor.open()
    host.say(2)
    host.monitor._pipeline.take = _bug  # type: ignore[method-assign, assignment]
    host.kernel.new(16, link(3, "eth3"), 3)
    with pytest.raises(ZeroDivisionError):
        host.monitor.close("SIGTERM")

    assert (host.lines(), (tmp_path / "nlmon.sock").exists()) == (["eth2"], False)


def _bug(*_: object) -> None:
    raise ZeroDivisionError


REFUSED = [
    ("filter: 'interface == '\n", "NLM-G018"),
    ("netlink: [\n", "NLM-G003"),
    ("netlink: {protocols: {route: false}}\n", "NLM-M002"),
    ("netlink: {protocols: {generic: true}}\n", "NLM-T002"),
]


@pytest.mark.parametrize(("text", "code"), REFUSED, ids=[code for _, code in REFUSED])
def test_with_any_error_all_stays_as_it_was(text: str, code: str, tmp_path: Path) -> None:
    """Whether the file is wrong or the kernel refuses; the next good one is taken."""
    host = Host(tmp_path, "filter: interface == 'eth2'\n")
    host.monitor.open()
    if code == "NLM-T002":
        host.kernel.open_errors.append(TransportError("NLM-T002", "the kernel refuses a socket", errno=errno.EPERM))
    host.write(text)
    host.monitor.reload()
    for number in (2, 3):
        host.say(number)
    kept = host.monitor.status()
    host.write("")
    host.monitor.reload()
    host.say(3)
    status = host.monitor.close("SIGTERM")

    assert host.lines() == ["eth2", "eth3"]
    assert (kept.config_version, kept.reload_failures, status.config_version) == (1, 1, 2)


def test_another_implementation_goes_on_in_the_same_file(tmp_path: Path) -> None:
    """A reload exchanges the sockets for its own; the export stays open, and the status has both phases."""
    host = Host(tmp_path)
    host.monitor.open()
    queue = host.monitor._exports.queues[0]
    host.say(2)
    host.write("netlink: {use_libnl: false}\n")
    host.monitor.reload()
    host.say(3)
    stays = host.monitor._exports.queues[0] is queue
    status = host.monitor.close("SIGTERM")

    assert (status.implementation, status.configured) == ("legacy", "legacy")
    assert (host.lines(), stays) == (["eth2", "eth3"], True)
    assert [(one.implementation, one.events, one.until > 0) for one in status.phases] == [
        ("libnl", 1, True),
        ("legacy", 1, False),
    ]
    assert (status.switches, status.phases[0].until >= status.phases[1].since) == (1, True)


def test_a_switch_that_is_asked_for(tmp_path: Path) -> None:
    """It is answered with what came of it; the files keep what they say, and a reload goes back to that."""
    host = Host(tmp_path)
    host.monitor.open()
    answers = []
    for number, to in ((2, "legacy"), (3, "legacy"), (4, "libnl"), (5, "legacy")):
        host.say(number)
        answers.append(read_report(host.monitor._answer(Request("switch", to)), "here"))
    before = host.monitor.status()
    host.monitor.reload()
    after = host.monitor.close("SIGTERM")

    assert [(one.state, one.before, one.after, one.configured) for one in answers] == [
        ("switched", "libnl", "legacy", "libnl"),
        ("already", "legacy", "legacy", "libnl"),
        ("switched", "legacy", "libnl", "libnl"),
        ("switched", "libnl", "legacy", "libnl"),
    ]
    assert (before.implementation, before.configured, after.implementation) == ("legacy", "libnl", "libnl")
    assert before.configured_by == after.configured_by != "nlmon switch"
    assert (host.lines(), after.switches) == (["eth2", "eth3", "eth4", "eth5"], 4)


def test_who_asks_during_a_switch_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For the status with that of before; for another switch with the advice to ask again."""
    host, found = Host(tmp_path), []
    host.monitor.open()
    serve = host.monitor._serve

    def ask_meanwhile() -> None:
        with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as other:
            for client, asks in ((one, b'{"command":"status"}\n'), (other, b'{"command":"switch","to":"libnl"}\n')):
                client.connect(str(tmp_path / "nlmon.sock"))
                client.sendall(asks)
            serve()
            status = read_status(one.makefile("rb").readline(), "here")
            report = read_report(other.makefile("rb").readline(), "here")
        found.append((status.implementation, report.state, report.error))

    monkeypatch.setattr(host.monitor, "_serve", ask_meanwhile)
    switched = host.monitor.switch("legacy")
    host.say(2)
    host.monitor.close("SIGTERM")

    assert set(found) == {("libnl", "failed", "the sockets are being exchanged; ask again")}
    assert (switched.state, host.lines()) == ("switched", ["eth2"])


LIBNL_ALONE = "filter: netlink.generic.genl_family_name == 'nl80211'\n"


def test_a_switch_is_refused_where_a_filter_would_match_nothing(tmp_path: Path) -> None:
    """It says which one and what to write; with force it is done all the same."""
    host = Host(tmp_path, LIBNL_ALONE)
    host.monitor.open()
    refused = host.monitor.switch("legacy")
    kept = host.monitor.status().implementation
    forced = host.monitor.switch("legacy", force=True)
    host.monitor.close("SIGTERM")

    assert (refused.state, kept, [one.code for one in refused.findings]) == ("refused", "libnl", ["NLM-V021"])
    assert "genl_family_id" in refused.findings[0].hint
    assert (forced.state, forced.after) == ("switched", "legacy")


def test_a_switch_that_fails_changes_nothing(tmp_path: Path) -> None:
    """What the old sockets receive meanwhile is exported once, and the next try is a new one."""
    host = Host(tmp_path)
    host.monitor.open()
    host.kernel.open_errors.append(TransportError("NLM-T002", "the kernel refuses a socket", errno=errno.EPERM))
    failed = host.monitor.switch("legacy")
    host.say(2)
    again = host.monitor.switch("legacy")
    host.say(3)
    status = host.monitor.close("SIGTERM")

    assert (failed.state, "NLM-T002" in failed.error, again.state) == ("failed", True, "switched")
    assert (host.lines(), status.switches) == (["eth2", "eth3"], 1)


def test_a_start_says_since_when_nobody_has_listened(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """As the file says that it goes on writing; a new file says nothing."""
    said = []
    for _ in range(2):
        host = Host(tmp_path)
        with closing(open_log(Logging())):
            host.monitor.open()
            host.say(2)
            host.monitor.close("SIGTERM")
        said.append([line for line in capfd.readouterr().err.splitlines() if "NLM-M104" in line])
    last = json.loads((tmp_path / "out.json").read_text().splitlines()[0])["timestamp"]

    shown = time_text(last, "microseconds")
    assert (len(said[0]), len(said[1]), f"the event of {shown}" in said[1][0]) == (0, 1, True)


class Stays(RunsAs, frozen=True):
    """A monitor that goes on as who it is, and says so."""

    def drop(self) -> None:
        """Change nothing."""


def test_a_reload_keeps_what_is_said_of_who_it_runs_as(tmp_path: Path) -> None:
    """Notices of a configuration go with it; those about the process stay."""
    standing = Stays(me(), (notice("NLM-M034", "the monitor stays root", Position()),))
    host = Host(tmp_path, "core: {worker_threads: 2}\n", standing)
    host.monitor.open()
    before = [one[:8] for one in host.monitor.status().notices]
    host.write("")
    host.monitor.reload()
    after = [one[:8] for one in host.monitor.status().notices]
    host.monitor.close("SIGTERM")

    assert (before, after) == (["NLM-G031", "NLM-M034"], ["NLM-M034"])


def test_its_files_are_named_for_whoever_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path from where the monitor was started would say nothing elsewhere."""
    host = Host(tmp_path)
    monkeypatch.chdir(tmp_path)
    host.loaded = load([Path("nlmon.yaml")], {})
    assert host.loaded.config is not None
    monitor = RunningMonitor(host.loaded, plan(host.loaded.config), kernel=lambda _: host.kernel)

    assert monitor._run.files == (str(tmp_path / "nlmon.yaml"),)


def test_a_reload_keeps_to_where_standard_output_goes(tmp_path: Path) -> None:
    """Another configuration does not print events into a journal either."""
    host = Host(tmp_path)
    path, text = tmp_path / "nlmon.yaml", f"export: {{json: {{file: {tmp_path}/out.json%s}}}}\n"
    path.write_text(text % "", encoding="utf-8")
    loaded = load([path], {})
    planned = plan_loaded(loaded, terminal=False)
    control = ControlSocket(tmp_path / "nlmon.sock")
    monitor = RunningMonitor(loaded, planned, control=control, kernel=lambda _: host.kernel, terminal=False, environ={})
    monitor.open()
    path.write_text(text % ", rotate_count: 2", encoding="utf-8")
    monitor.reload()
    status = monitor.close("SIGTERM")

    assert (status.config_version, [one.name for one in status.exports]) == (2, ["json"])


def test_what_it_answers(tmp_path: Path) -> None:
    """Its status as a line; of another command that it does not know it."""
    host = Host(tmp_path, "filters: [{name: lan, expression: \"interface == 'eth2'\"}]\n")
    host.monitor.open()
    host.say(2)
    host.say(3)
    status = read_status(host.monitor._answer(Request("status")), "here")
    other = host.monitor._answer(Request("stop"))
    host.monitor.close("SIGTERM")

    assert (status.instance, status.pid, status.events) == (str(tmp_path / "nlmon.sock"), os.getpid(), 2)
    assert [(one.name, one.matched) for one in status.rules] == [("lan", 1)]
    assert (status.memory.now > 0, b"error" in other) == (True, True)


def test_a_lost_socket_is_seen_in_the_status(tmp_path: Path) -> None:
    """The configuration asks for its protocol, and there is none: the doctor calls that a problem."""
    host = Host(tmp_path, "netlink: {use_libnl: false}\n")
    host.monitor.open()
    host.kernel.fail(TransportError("NLM-T003", "reading the event socket failed", errno=errno.EBADF))
    while host.monitor._source.process(0):
        pass
    status = host.monitor.status()
    host.monitor.close("SIGTERM")
    found = reconnects(DoctorHost(loaded=host.loaded, status=status))

    assert [(one.enabled, one.fd) for one in status.protocols if one.name == "NETLINK_ROUTE"] == [(True, -1)]
    assert [(one.level, one.code) for one in found] == [("problem", "NLM-M093")]


def test_a_start_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    """No control socket, no file."""
    host = Host(tmp_path)
    host.kernel.open_errors.append(TransportError("NLM-T002", "the kernel refuses a socket", errno=errno.EPERM))
    with pytest.raises(TransportError):
        host.monitor.open()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["nlmon.yaml"]


def _with_descriptor(kernel: FakeKernel) -> Any:
    """An opener whose sockets have a descriptor that never can be read."""
    opened, (reader, _) = kernel.open, os.pipe()

    def open_(*arguments: Any, **options: Any) -> Any:
        made = opened(*arguments, **options)
        made.fileno = lambda: reader  # type: ignore[method-assign]
        return made

    return open_


def test_a_clock_that_is_set_back_makes_nothing_negative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the time that events took, of which Prometheus has the sum, nor that of the whole run."""
    host, ran = Host(tmp_path), list[float]()
    monkeypatch.setattr("nlmon.monitor.messages.stopped", lambda _, seconds, *__: ran.append(seconds))
    host.monitor.open()
    host.say(2)
    before = host.monitor._durations.sum
    with monkeypatch.context() as patched:
        patched.setattr("nlmon.monitor.running.time.time_ns", lambda: 0)
        host.say(3)
        after = host.monitor._durations
        host.monitor.close("SIGTERM")

    assert (after.sum, sum(after.buckets), 0 <= ran[0] < 60) == (before, 2, True)


def test_a_file_that_changes_before_it_is_watched_is_read_again(tmp_path: Path) -> None:
    """Such as while the monitor opens what it needs: there is no event of inotify then."""
    host = Host(tmp_path)
    host.kernel.open = _with_descriptor(host.kernel)  # type: ignore[method-assign]
    host.monitor.open()
    host.write("netlink: {use_libnl: false}\n")
    reader, writer = socket.socketpair()
    with reader, writer:
        host.monitor.run(reader, 0.1)
    status = host.monitor.close("SIGTERM")

    assert (status.implementation, status.reloads) == ("legacy", 1)


def test_files_that_cannot_be_watched_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a user has no inotify left; the monitor runs, and SIGHUP is read."""
    host, warned = Host(tmp_path), list[int]()
    host.kernel.open = _with_descriptor(host.kernel)  # type: ignore[method-assign]
    monkeypatch.setattr("nlmon.monitor.messages.not_watched", lambda: warned.append(1))
    host.monitor.open()
    whys = [host.run(signal.SIGTERM)]
    monkeypatch.setattr("nlmon.monitor.files._inotify", lambda: -1)
    whys += [host.run(signal.SIGTERM)]
    host.monitor.close(whys[-1])

    assert (whys, warned) == (["SIGTERM", "SIGTERM"], [1])
