"""Exports events to a syslog server by UDP or TCP, or to the syslog of this host.

Rules:
1. By TCP each message has its length before it (octet counting, RFC 6587), so that no byte in it can end it.
2. A connection that the server has closed is noticed before the next message is sent. A message that was sent in part
   is sent again as a whole; what the server had taken from the network and not read when it ended, nobody can know.
3. No call waits longer than ``PATIENCE``, but for looking up a name.

Not here: what a message looks like (``syslogtext``).
"""

from __future__ import annotations

import os
import socket
from collections import deque
from contextlib import suppress
from typing import Any, Literal, NamedTuple

from nlmon.capture.write import this_host
from nlmon.errors import ExportError, UsageError, reason_of
from nlmon.events import Event
from nlmon.exporters.syslogtext import FACILITIES, SEVERITIES, Sender

__all__ = ["Server", "SyslogExporter", "parse_server"]

# Seconds that connecting or sending may take.
PATIENCE = 2.0
PORT = 514
# Bytes that are given to a connection at once.
AT_ONCE = 1 << 16
# How often a connection is read before the next message is sent, however much the server says.
READS = 64
# A command ends when the reader of its output goes (SIGPIPE); a server that goes is none.
NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)


class Server(NamedTuple):
    """Where messages go. ``host``: a name, an address, or the path of a socket of this host."""

    kind: Literal["udp", "tcp", "local"]
    host: str
    port: int = PORT

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.host if self.kind == "local" else f"{self.kind}://{host}:{self.port}"


def parse_server(text: str, kind: Literal["udp", "tcp"] = "udp") -> Server:
    """A server as it is written: ``HOST``, ``HOST:PORT``, ``tcp://[::1]:601``, ``/dev/log``. Raises ``UsageError``."""
    if text.startswith("/"):
        return Server("local", text)
    scheme, separator, rest = text.partition("://")
    if separator and scheme in {"udp", "tcp"}:
        kind, text = ("tcp" if scheme == "tcp" else "udp"), rest
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
    elif text.count(":") > 1:  # an address of IPv6
        host, bracket, rest = text, "]", ""
    else:
        host, separator, port = text.partition(":")
        bracket, rest = "]", separator + port
    digits = rest[1:] if rest[:1] == ":" else rest and "?"
    number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 6 else 0 if rest else PORT
    if not bracket or not host or "/" in host or not 0 < number < 1 << 16:
        raise UsageError(
            "NLM-O010",
            f"{text!r} is no syslog server",
            hint="write HOST, HOST:PORT, udp://HOST:PORT, tcp://HOST:PORT, or the path of a socket such as /dev/log",
        )
    return Server(kind, host, number)


class SyslogExporter:
    """Sends a message for each event; see ``Exporter``. ``rfc5424``: the form of messages; None: the one that the
    receiver reads by default, which for the socket of this host is that of syslog(3)."""

    def __init__(
        self,
        server: Server,
        *,
        facility: str = "local0",
        severity: str = "info",
        app: str = "nlmon",
        rfc5424: bool | None = None,
        name: str = "syslog",
    ) -> None:
        self.name = name
        self.written = 0
        self._server = server
        sender = Sender(this_host(), app, os.getpid(), FACILITIES[facility], SEVERITIES[severity])
        form = server.kind != "local" if rfc5424 is None else rfc5424
        self._message = sender.rfc5424 if form else sender.local
        self._socket: socket.socket | None = None
        self._waiting: deque[bytes] = deque()
        # Bytes of the first message that this connection has.
        self._sent = 0

    def open(self) -> None:
        """Connect, unless there is a connection that the server keeps."""
        if self._socket is not None and self._server.kind == "tcp" and _ended(self._socket):
            self.close()
        if self._socket is None:
            self._socket, self._sent = _connected(self._server), 0

    def write(self, event: Event, datagram: bytes) -> None:
        """Take an event."""
        message = self._message(event)
        self._waiting.append(b"%d %s" % (len(message), message) if self._server.kind == "tcp" else message)

    def flush(self) -> None:
        """Send what was taken."""
        while self._waiting:
            self.open()
            assert self._socket is not None
            try:
                if self._server.kind == "tcp":
                    self._send_stream(self._socket)
                else:
                    self._send_message(self._socket)
            except OSError as error:
                self.close()
                raise ExportError(
                    *("NLM-O012", "the syslog server took no message"),
                    where=str(self._server),
                    why=reason_of(error),
                ) from error

    def drop(self) -> int:
        """Forget what was taken and is not sent."""
        dropped = len(self._waiting)
        self._waiting.clear()
        if self._sent:  # half a message is out, and nothing may follow it on this connection
            self.close()
        return dropped

    def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
        self._socket, self._sent = None, 0

    def _send_message(self, to: socket.socket) -> None:
        to.send(self._waiting[0], NO_SIGNAL)
        # That nobody listens is known after the message; then it did not arrive.
        if error := to.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))
        self._waiting.popleft()
        self.written += 1

    def _send_stream(self, to: socket.socket) -> None:
        size, frames = 0, []
        for frame in self._waiting:
            frames.append(frame)
            size += len(frame)
            if size > AT_ONCE:
                break
        self._sent += to.send(b"".join(frames)[self._sent :], NO_SIGNAL)
        while self._waiting and self._sent >= len(self._waiting[0]):
            self._sent -= len(self._waiting.popleft())
            self.written += 1


def _connected(server: Server) -> socket.socket:
    """A socket that is connected to a server; raises ``ExportError``."""
    try:
        if server.kind == "tcp":
            return socket.create_connection((server.host, server.port), PATIENCE)
        if server.kind == "local":
            return _attached(getattr(socket, "AF_UNIX", socket.AF_UNSPEC), server.host)
        family, *_, address = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_DGRAM)[0]
        return _attached(family, address)
    except (OSError, ValueError) as error:  # ValueError: a name that cannot be one
        raise ExportError(
            *("NLM-O011", "the syslog server cannot be reached"),
            where=str(server),
            why=reason_of(error),
        ) from error


def _attached(family: int, address: tuple[Any, ...] | str) -> socket.socket:
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.settimeout(PATIENCE)
        made.connect(address)
    except BaseException:
        made.close()
        raise
    return made


def _ended(connection: socket.socket) -> bool:
    """Whether the server has closed a connection; what it says is not listened to."""
    connection.settimeout(0)
    try:
        return any(not connection.recv(4096) for _ in range(READS))
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(PATIENCE)
