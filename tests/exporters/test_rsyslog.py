"""What a real rsyslog makes of our messages, and that it gets all of them through a restart."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from nlmon.exporters.layout import exported_line
from nlmon.exporters.queue import ExportQueue, Patience
from nlmon.exporters.syslog import Server, SyslogExporter
from nlmon.testing.messages import link, message
from support.decoding import event
from support.exported import received
from support.requirements import require_program

pytestmark = [pytest.mark.peer, pytest.mark.slow]

CONFIGURATION = """
module(load="imudp")
module(load="imtcp")
module(load="imuxsock" SysSock.Use="off")
input(type="imudp" address="127.0.0.1" port="{port}" rcvbufSize="4m")
input(type="imtcp" address="127.0.0.1" port="{port}")
input(type="imuxsock" Socket="{folder}/log")
template(name="parts" type="string" string="%pri%|%hostname%|%app-name%|%procid%|%msgid%|%msg%\\n")
action(type="omfile" file="{folder}/received" template="parts")
"""
EVENTS = [event for event, _ in received()]
LINES = [exported_line(event)[:-1] for event in EVENTS]


def until(fact: Callable[[], object]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 60
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def free_port() -> int:
    """A port that nobody listens on, and that no connection gets by chance (ip_local_port_range)."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp, suppress(OSError):
            udp.bind(("127.0.0.1", port))
            tcp.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


class Rsyslog:
    """An rsyslog of our own, with its files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.program = require_program("rsyslogd")
        self.folder = folder
        self.port = free_port()
        (folder / "own.conf").write_text(CONFIGURATION.format(port=self.port, folder=folder))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Start it, and end it when all it has read is written."""
        options = ("-n", "-f", str(self.folder / "own.conf"), "-i", str(self.folder / "own.pid"))
        process = subprocess.Popen([self.program, *options], stderr=subprocess.DEVNULL)
        try:
            until(self._listens)
            yield
        finally:
            process.terminate()
            process.wait(60)
            (self.folder / "log").unlink(missing_ok=True)

    def _listens(self) -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", self.port)) == 0 and (self.folder / "log").exists()

    def server(self, kind: str) -> Server:
        """How it is reached."""
        local = Server("local", str(self.folder / "log"))
        return local if kind == "local" else Server(kind, "127.0.0.1", self.port)  # type: ignore[arg-type]

    def lines(self) -> list[list[str]]:
        """The parts of each message that it has written."""
        path = self.folder / "received"
        text = path.read_text() if path.exists() else ""
        return [[part.strip() for part in line.split("|", 5)] for line in text.splitlines() if line]


@pytest.fixture
def rsyslog(tmp_path: Path) -> Rsyslog:
    """One that does not run yet."""
    return Rsyslog(tmp_path)


@pytest.mark.parametrize("kind", ["udp", "tcp", "local"])
def test_messages_arrive_through_a_restart(rsyslog: Rsyslog, kind: str) -> None:
    """Those that are put while the server is gone wait; each arrives once, in order, and with its fields. By UDP some
    of these may be lost or come twice, since the network reports late that nobody is there."""
    exporter = SyslogExporter(rsyslog.server(kind), facility="daemon", severity="notice", app="own")
    queue = ExportQueue(exporter, patience=Patience(tries=1000, first=0.01, longest=0.05))
    third = len(EVENTS) // 3
    with rsyslog.running():
        queue.start()
        for one in EVENTS[:third]:
            queue.put(one, b"")
        until(lambda: len(rsyslog.lines()) == third)
    if kind == "tcp":
        until(lambda: closed(exporter))
    for one in EVENTS[third : 2 * third]:
        queue.put(one, b"")
    until(lambda: queue.status().failures > 2)
    with rsyslog.running():
        for one in EVENTS[2 * third :]:
            queue.put(one, b"")
        until(lambda: rsyslog.lines() and rsyslog.lines()[-1][-1].encode() == LINES[-1])
        status = queue.close(60)
    found = rsyslog.lines()
    places = [LINES.index(parts[5].encode()) for parts in found]

    if kind == "udp":
        assert places == sorted(places)
        assert set(places) >= {*range(third), *range(2 * third, len(EVENTS))}
    else:
        assert places == list(range(len(EVENTS)))
    msgid = "-" if kind == "local" else "RTM_NEWLINK"
    assert [found[0][0], *found[0][2:5]] == ["29", "own", str(os.getpid()), msgid]
    assert (status.state, status.written, status.waiting, dict(status.dropped)) == ("closed", len(EVENTS), 0, {})


def closed(exporter: SyslogExporter) -> bool:
    """Whether the connection has an end to read, which its thread does not look for before the next event."""
    assert exporter._socket is not None
    readable, _, _ = select.select([exporter._socket], [], [], 0)
    return bool(readable) and exporter._socket.recv(1, socket.MSG_PEEK) == b""


@pytest.mark.parametrize("kind", ["udp", "tcp", "local"])
def test_a_hostile_name_is_one_message(rsyslog: Rsyslog, kind: str) -> None:
    """With line ends, a header of another message and a length in it."""
    name = "\n<0>1 - x\r\n7 \x00"[:13]
    hostile = event("libnl", 0, message(16, link(7, name)))
    exporter = SyslogExporter(rsyslog.server(kind))
    with rsyslog.running():
        for one in (hostile, EVENTS[0]):
            exporter.write(one, b"")
        exporter.flush()
        exporter.close()
        until(lambda: len(rsyslog.lines()) == 2)

    assert [json.loads(parts[5])["interface"] for parts in rsyslog.lines()] == [hostile.interface, EVENTS[0].interface]
