"""Events sent to syslog: what a message looks like, and that none is lost where it can be known."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

from nlmon.errors import ExportError, UsageError
from nlmon.exporters.layout import exported_line
from nlmon.exporters.syslog import Server, SyslogExporter, parse_server
from nlmon.exporters.syslogtext import FACILITIES, LONGEST, SEVERITIES, Sender
from nlmon.testing.messages import attr, link, message
from support.decoding import event
from support.exported import received

SENDER = Sender("host", "nlmon", 42)
EVENTS = [event for event, _ in received()]
# RFC 5424, section 6, for what has no structured data.
MESSAGE = re.compile(
    rb"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) "
    rb"([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) - ([ -~]*)"
)


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("logs", Server("udp", "logs", 514)),
        ("logs.example.com:5140", Server("udp", "logs.example.com", 5140)),
        ("udp://192.0.2.1", Server("udp", "192.0.2.1", 514)),
        ("tcp://192.0.2.1:601", Server("tcp", "192.0.2.1", 601)),
        ("tcp://[::1]:601", Server("tcp", "::1", 601)),
        ("[::1]", Server("udp", "::1", 514)),
        ("2001:db8::1", Server("udp", "2001:db8::1", 514)),
        ("/dev/log", Server("local", "/dev/log")),
    ],
)
def test_a_server_is_read(text: str, server: Server) -> None:
    """Host and port are taken apart, and an address of IPv6 is none with a port; its text is read as itself."""
    assert parse_server(text) == server
    assert parse_server(str(server)) == server


@pytest.mark.parametrize(
    "text", ["", ":514", "logs:", "logs:port", "logs:0", "logs:65536", "[::1", "[::1]x", "a/b", "tls://a"]
)
def test_what_is_no_server_is_refused(text: str) -> None:
    """With the forms that are."""
    with pytest.raises(UsageError, match="NLM-O010"):
        parse_server(text)


def test_numbers_are_those_of_syslog_h() -> None:
    """Priority 134 is an informational message of local0."""
    assert (FACILITIES["daemon"], FACILITIES["authpriv"], FACILITIES["local0"], FACILITIES["local7"]) == (3, 10, 16, 23)
    assert (SEVERITIES["emerg"], SEVERITIES["info"], SEVERITIES["debug"]) == (0, 6, 7)
    assert SENDER.rfc5424(EVENTS[0]).startswith(b"<134>1 ")


def test_a_message_has_its_fields() -> None:
    """Time in UTC with microseconds, the message type as MSGID, and the line of the layout."""
    one = replace(EVENTS[0], timestamp=1_700_000_000_123_456_789)
    found = MESSAGE.fullmatch(SENDER.rfc5424(one))

    assert found is not None
    assert found.groups() == (
        *(b"134", b"2023-11-14T22:13:20.123456Z", b"host", b"nlmon", b"42", b"RTM_NEWLINK"),
        exported_line(one)[:-1],
    )


@pytest.mark.parametrize("timestamp", [-1, 253_402_300_800 * 10**9, 1 << 94])
def test_a_time_that_cannot_be_written_is_left_out(timestamp: int) -> None:
    """Of a capture, which may hold any: it is ``-`` for a server, and some time for the socket of this host."""
    one = replace(EVENTS[0], timestamp=timestamp)

    assert SENDER.rfc5424(one).startswith(b"<134>1 - host nlmon 42 RTM_NEWLINK - {")
    assert re.match(rb"<134>(Jan|Dec) [ 123]\d \d\d:00:00 nlmon\[42\]: \{", SENDER.local(one))


def test_the_socket_of_this_host_gets_what_syslog_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Local time without a year, no host; the day has a space where it has one digit."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    one = replace(EVENTS[0], timestamp=1_699_305_600_000_000_000)

    assert SENDER.local(one) == b"<134>Nov  6 21:20:00 nlmon[42]: " + exported_line(one)[:-1]


@pytest.mark.parametrize("name", ["a\nb", "\x1b[2J", "ä\u202e", "\x7f\u0085"])
def test_a_hostile_name_stays_text(name: str) -> None:
    """A message is one line of printable ASCII in both forms, and whoever reads the JSON has the name."""
    one = event("libnl", 0, message(16, link(7, name)))
    found = [SENDER.rfc5424(one), SENDER.local(one)]

    assert [re.fullmatch(rb"[ -~]+", text) is not None for text in found] == [True, True]
    assert [json.loads(text[text.index(b"{") :])["interface"] for text in found] == [name, name]


@pytest.mark.parametrize(("host", "shown"), [("a b\n", b"a?b?"), ("", b"-"), ("ü", b"?"), ("h" * 300, b"h" * 255)])
def test_a_hostile_host_stays_one_field(host: str, shown: bytes) -> None:
    """Whatever this host calls itself."""
    assert Sender(host, "nlmon", 1).rfc5424(EVENTS[0]).split(b" ")[2] == shown


def test_a_long_message_is_cut_and_shows_it() -> None:
    """At what servers take."""
    one = event("libnl", 0, message(16, link(7, "eth0") + attr(20, b"x" * 20_000 + b"\0")))

    assert [(len(text), text[-3:]) for text in (SENDER.rfc5424(one), SENDER.local(one))] == [(LONGEST, b"...")] * 2


class Receiver:
    """A server in this process, which keeps what it reads."""

    def __init__(self, kind: str, address: tuple[str, int] | str) -> None:
        family = socket.AF_UNIX if kind == "local" else socket.AF_INET
        self.kind = kind
        self.data = b""
        self.messages: list[bytes] = []
        self.socket = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.socket.bind(address)
        self.connections: list[socket.socket] = []
        if kind == "tcp":
            self.socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> Server:
        """Where it listens."""
        found = self.socket.getsockname()
        return Server("local", found) if self.kind == "local" else Server(self.kind, *found)  # type: ignore[arg-type]

    def close(self) -> None:
        """Go, with every connection, also one that comes meanwhile."""
        while self._thread.is_alive():
            for one in (self.socket, *self.connections):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            self._thread.join(0.02)
        for one in (self.socket, *self.connections):
            one.close()

    def _serve(self) -> None:
        try:
            while self.kind == "tcp":
                connection, _ = self.socket.accept()
                self.connections.append(connection)
                while data := connection.recv(65536):
                    self.data += data
            while data := self.socket.recv(65536):
                self.messages.append(data)
        except OSError:
            return

    def frames(self) -> list[bytes]:
        """The messages of a stream: each behind its length and a space."""
        found, rest = [], self.data
        while rest:
            size, _, rest = rest.partition(b" ")
            found.append(rest[: int(size)])
            rest = rest[int(size) :]
        return found


@contextmanager
def listening(kind: str, address: tuple[str, int] | str = ("127.0.0.1", 0)) -> Iterator[Receiver]:
    """A server for the time of a test."""
    receiver = Receiver(kind, address)
    try:
        yield receiver
    finally:
        receiver.close()


def until(fact: Callable[[], object]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 60
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def send(exporter: SyslogExporter, count: int | None = None) -> None:
    """Send some events."""
    for one in EVENTS[:count]:
        exporter.write(one, b"")
    exporter.flush()


def lines(messages: list[bytes]) -> list[bytes]:
    """The JSON of each message."""
    return [text[text.index(b"{") :] + b"\n" for text in messages]


EXPECTED = [exported_line(one) for one in EVENTS]


def test_datagrams_arrive() -> None:
    """One for each event."""
    with listening("udp") as server:
        exporter = SyslogExporter(server.address, facility="daemon", severity="notice", app="monitor")
        send(exporter)
        until(lambda: len(server.messages) == len(EVENTS))
        exporter.close()

        assert (lines(server.messages), exporter.written) == (EXPECTED, len(EVENTS))
        found = MESSAGE.fullmatch(server.messages[0])
        assert found is not None
        assert (found[1], found[4], found[5]) == (b"29", b"monitor", str(os.getpid()).encode())


@pytest.mark.parametrize(("rfc5424", "form"), [(None, rb"<134>\w{3} [ \d]\d "), (True, rb"<134>1 \d{4}-")])
def test_messages_arrive_at_the_socket_of_a_host(tmp_path: Path, rfc5424: bool | None, form: bytes) -> None:
    """In the form that is read there by default, or the other one."""
    with listening("local", str(tmp_path / "log")) as server:
        exporter = SyslogExporter(server.address, rfc5424=rfc5424)
        send(exporter)
        until(lambda: len(server.messages) == len(EVENTS))
        exporter.close()

        assert lines(server.messages) == EXPECTED
        assert re.match(form, server.messages[0]) is not None


def test_a_stream_counts_octets() -> None:
    """Each message has its length before it, and nothing behind it."""
    with listening("tcp") as server:
        exporter = SyslogExporter(server.address)
        send(exporter)
        exporter.close()
        until(lambda: len(server.data) and len(server.frames()) == len(EVENTS))

        assert lines(server.frames()) == EXPECTED
        assert [MESSAGE.fullmatch(frame) is not None for frame in server.frames()] == [True] * len(EVENTS)


@pytest.mark.slow
def test_a_message_larger_than_the_buffers_arrives_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the network takes it apart."""
    monkeypatch.setattr("nlmon.exporters.syslog.AT_ONCE", 1)
    with listening("tcp") as server:
        exporter = SyslogExporter(server.address)
        exporter.open()
        assert exporter._socket is not None
        exporter._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        for _ in range(3):
            send(exporter)
        exporter.close()
        until(lambda: len(server.data) and len(server.frames()) == 3 * len(EVENTS))

        assert lines(server.frames()) == EXPECTED * 3


@pytest.mark.parametrize("kind", ["tcp", "local"])
def test_a_server_that_comes_back_gets_everything(tmp_path: Path, kind: str) -> None:
    """While it is gone sending fails, is reported, and takes nothing away."""
    place: tuple[str, int] | str = str(tmp_path / "log") if kind == "local" else ("127.0.0.1", 0)
    with listening(kind, place) as first:
        address = first.address
        exporter = SyslogExporter(address)
        send(exporter, 5)
        until(lambda: len(first.messages or first.frames()) == 5)
        before = first.messages or first.frames()
    if kind == "tcp":
        until(lambda: closed(exporter))
    for one in EVENTS[5:]:
        exporter.write(one, b"")
    failures = []
    for _ in range(3):
        with pytest.raises(ExportError) as error:
            exporter.flush()
        failures.append(error.value.code)
    if kind == "local":
        (tmp_path / "log").unlink()
    with listening(kind, address.host if kind == "local" else (address.host, address.port)) as second:
        exporter.flush()
        exporter.close()
        until(lambda: len(second.messages or second.frames()) == len(EVENTS) - 5)
        after = second.messages or second.frames()

    assert lines(before + after) == EXPECTED
    assert set(failures) <= {"NLM-O011", "NLM-O012"}


def test_a_server_that_is_gone_is_noticed_by_udp() -> None:
    """Though maybe late: the message that met nobody is known to be lost only when the network has said so."""
    with listening("udp") as server:
        exporter = SyslogExporter(server.address)
        send(exporter, 1)
    failed: list[str] = []

    def reported() -> bool:
        exporter.write(EVENTS[0], b"")
        try:
            exporter.flush()
        except ExportError as error:
            failed.append(error.code)
        return bool(failed)

    until(reported)
    waiting = exporter.drop()
    exporter.close()

    assert (failed, waiting) == (["NLM-O012"], 1)


def test_half_a_message_is_sent_again_as_a_whole() -> None:
    """On the next connection; the rest of it would make no sense there."""
    with listening("tcp") as server:
        exporter = SyslogExporter(server.address)
        exporter.write(EVENTS[0], b"")
        exporter.open()
        exporter._sent = 10
        until(lambda: server.connections)
        server.connections[0].shutdown(socket.SHUT_RDWR)
        server.connections[0].close()
        until(lambda: closed(exporter))
        exporter.flush()
        exporter.close()
        until(lambda: server.data)

        assert lines(server.frames()) == EXPECTED[:1]


def closed(exporter: SyslogExporter) -> bool:
    """Whether the connection has an end to read."""
    assert exporter._socket is not None
    exporter._socket.settimeout(0)
    try:
        return exporter._socket.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False


def test_what_is_given_up_ends_a_connection_that_has_half_of_it() -> None:
    """The next message begins on a new one."""
    with listening("tcp") as server:
        exporter = SyslogExporter(server.address)
        exporter.open()
        exporter.write(EVENTS[0], b"")
        exporter._sent = 10
        dropped = exporter.drop()

        assert (dropped, exporter._socket, exporter._sent) == (1, None, 0)


@pytest.mark.parametrize(
    "server", [Server("tcp", "127.0.0.1", 1), Server("local", "/nowhere/log"), Server("udp", "no.invalid", 1)]
)
def test_a_server_that_is_not_there_is_reported(server: Server) -> None:
    """With its place and the reason."""
    with pytest.raises(ExportError) as error:
        SyslogExporter(server).open()

    assert (error.value.code, error.value.where, error.value.why != "") == ("NLM-O011", str(server), True)


GONE = """
import signal, socket, sys
from nlmon.errors import ExportError
from nlmon.exporters.prometheus import _Writer
from nlmon.exporters.syslog import Server, SyslogExporter

signal.signal(signal.SIGPIPE, signal.SIG_DFL)
exporter = SyslogExporter(Server("tcp", "127.0.0.1", 601))
exporter._socket, there = socket.socketpair()
there.close()
exporter._waiting.append(b"1 x")
failed = []
try:
    exporter._send_stream(exporter._socket)
except OSError as error:
    failed.append(type(error).__name__)
here, there = socket.socketpair()
there.close()
try:
    _Writer(here).write(b"x")
except OSError as error:
    failed.append(type(error).__name__)
print(*failed)
"""


@pytest.mark.parametrize("host", ["a..b", "x" * 64], ids=["empty label", "long label"])
@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_a_name_that_cannot_be_one_is_reported(kind: str, host: str) -> None:
    """As a server that is not there."""
    with pytest.raises(ExportError, match=r"NLM-O011.*label"):
        SyslogExporter(parse_server(f"{kind}://{host}:514")).open()


def test_a_server_that_never_stops_talking_holds_nothing_up() -> None:
    """What it says is not listened to for long."""
    exporter, looks = SyslogExporter(Server("tcp", "127.0.0.1", 1)), 0

    class Talker(socket.socket):
        def recv(self, size: int, flags: int = 0) -> bytes:
            nonlocal looks
            looks += 1
            assert looks < 10_000
            return bytes(size)

    exporter._socket = Talker()
    exporter.open()
    exporter.close()

    assert looks > 0


def test_who_hangs_up_ends_no_command() -> None:
    """Though a command ends when the reader of its output does."""
    done = subprocess.run([sys.executable, "-c", GONE], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "BrokenPipeError BrokenPipeError\n")
