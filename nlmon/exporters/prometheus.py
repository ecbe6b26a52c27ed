"""Metrics for Prometheus: events are counted here, and what an implementation or a queue counts is asked for when
somebody scrapes.

Rules:
1. It listens on 127.0.0.1 by default; only its path is answered, and only with the metrics of nlmon.
2. No recording and no kernel decides how many time series there are: ``KINDS_KEPT``.
3. prometheus-client is imported when an exporter is made; it comes with the extra ``nlmon[monitor]``.

Not here: what is counted elsewhere (``metrics``).
"""

from __future__ import annotations

import io
import socket
import socketserver
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import BoundedSemaphore, Lock, Thread
from typing import Any
from wsgiref import simple_server

from nlmon.errors import ExportError, PlatformError, reason_of
from nlmon.events import OVERRUN, Event
from nlmon.exporters.metrics import Counts, families
from nlmon.limits import OTHERS
from nlmon.names import PROTOCOLS, message_type

__all__ = ["PrometheusExporter"]

PORT, PATH = 9090, "/metrics"
# Message types that are counted apart, of all protocols together; the others are counted together by protocol.
KINDS_KEPT = 1024
# What is counted like a message type and is none: types beyond those, and the places of losses.
FURTHER, LOST = -1, -2
_NAMES = {FURTHER: OTHERS, LOST: OVERRUN}
# Seconds that one who scrapes may take to say what he wants, and then to take it.
PATIENCE = 5
# Those who are answered at once; who comes beyond them is turned away.
AT_ONCE = 32
# Seconds within which it stops to listen.
END_WITHIN = 0.1


class PrometheusExporter:
    """Counts events and answers scrapes; see ``Exporter``. ``backend``: the implementation that the events come from;
    ``counts``: what else is counted, asked at each scrape."""

    def __init__(
        self,
        backend: str,
        *,
        counts: Callable[[], Counts] = Counts,
        host: str = "127.0.0.1",
        port: int = PORT,
        path: str = PATH,
        name: str = "prometheus",
    ) -> None:
        self.name = name
        self.written = 0
        self._backend = backend
        self._counts = counts
        self._address = host, port
        self._path = path
        self._events: Counter[tuple[int, int]] = Counter()
        self._lock = Lock()
        self._server: simple_server.WSGIServer | None = None
        self._app = self._made_app()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._address[1] if self._server is None else int(self._server.server_address[1])

    def open(self) -> None:
        """Listen, unless it does."""
        if self._server is not None:
            return
        host, port = self._address
        try:
            self._server = _Server(self._address, self._app)
        except (OSError, OverflowError) as error:  # OverflowError: a number that no port has
            raise ExportError(
                *("NLM-O020", "metrics cannot be offered"),
                where=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
                why=reason_of(error),
                hint="another program may listen on this port; give another one",
            ) from error
        Thread(target=self._server.serve_forever, args=(END_WITHIN,), name="nlmon-metrics", daemon=True).start()

    def write(self, event: Event, datagram: bytes) -> None:
        """Count an event; that is all that becomes of it."""
        kind = event.protocol, event.msg_type if event.type != OVERRUN else LOST
        with self._lock:
            known = kind in self._events or len(self._events) < KINDS_KEPT
            self._events[kind if known else (event.protocol, FURTHER)] += 1
        self.written += 1

    def flush(self) -> None:
        """Listen, if it could not before."""
        self.open()

    def drop(self) -> int:
        """Nothing waits."""
        return 0

    def close(self) -> None:
        """Listen no longer."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            with suppress(OSError):
                server.server_close()

    def collect(self) -> Iterable[Any]:
        """The metrics as they are now, for a registry of prometheus-client."""
        with self._lock:
            events = dict(self._events)
        named = Counter[tuple[str, str]]()
        for (protocol, kind), count in events.items():
            name = _NAMES.get(kind) or message_type(protocol, kind)
            named[PROTOCOLS.get(protocol, str(protocol)), name] += count
        return families(self._backend, named, self._counts())

    def _made_app(self) -> Any:
        try:
            from prometheus_client import CollectorRegistry  # noqa: PLC0415  (start-up: only who exports metrics)
            from prometheus_client.exposition import make_wsgi_app  # noqa: PLC0415
        except ImportError as error:
            raise PlatformError(
                *("NLM-O021", "prometheus-client is not installed"),
                why=str(error),
                hint="pip install 'nlmon[monitor]'",
            ) from error
        registry = CollectorRegistry()
        registry.register(self)
        metrics = make_wsgi_app(registry)

        def app(environ: Any, start_response: Any) -> Any:
            status, text = "404 Not Found", f"metrics are at {self._path}"
            if environ["PATH_INFO"] == self._path:
                try:
                    return metrics(environ, start_response)
                except Exception as bug:  # said to who asks, or each scrape would print a traceback
                    status, text = "500 Internal Server Error", f"a bug: {type(bug).__name__}: {bug}"
            start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
            return [text.encode(errors="backslashreplace") + b"\n"]

        return app


class _Reader(io.RawIOBase):
    """What is asked. Who says it byte by byte has no more time than others."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._until = time.monotonic() + PATIENCE

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there, or wait for it as long as there is time."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Writer(io.BufferedIOBase):
    """What is answered. Who hangs up meanwhile must not end a command as the reader of its output does (SIGPIPE)."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Send all of it."""
        self._connection.settimeout(PATIENCE)
        self._connection.sendall(data, getattr(socket, "MSG_NOSIGNAL", 0))
        return len(data)


class _Handler(simple_server.WSGIRequestHandler):
    def setup(self) -> None:
        """Let questions go through ``_Reader``, and answers through ``_Writer``."""
        super().setup()
        self.rfile.close()
        self.rfile = io.BufferedReader(_Reader(self.connection))
        self.wfile = _Writer(self.connection)

    def log_message(self, *args: object) -> None:
        """Say nothing of who asked."""

    def address_string(self) -> str:
        """The address, without asking anybody for its name."""
        return str(self.client_address[0])


class _Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = AT_ONCE

    def __init__(self, address: tuple[str, int], app: Any) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)
        self.set_app(app)
        self._free = BoundedSemaphore(AT_ONCE)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, of which there is a bounded number."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and let the next one come."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def server_bind(self) -> None:
        """Bind without asking for the name of the address, which may take long."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, request: object, client_address: object) -> None:
        """Who hangs up while he is answered is not reported."""
