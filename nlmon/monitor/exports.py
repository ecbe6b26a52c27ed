"""The exports of a configuration: what is planned, and the open queues.

Rules:
1. An export is what its section says: one whose section did not change by a reload stays open, and nothing that waits
   in its queue is lost.
2. An export that cannot be opened fails as one that cannot be written does: it is reported, counted and tried again,
   and the others go on. Only who asks for ``strict`` is given the error.
3. An export that takes long to open, such as a server that does not answer, holds up nobody (``OPEN_WITHIN``).
4. What an export has counted stays when a reload closes it: one of the same name counts on, and one that is off and has
   lost events stays in the status as closed.

Not here: exporters and queues (``nlmon.exporters``), and which events they are given (``pipeline``).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock

from msgspec import Struct
from msgspec.structs import replace

from nlmon.config.model import Console, Export, JsonExport, PcapExport, PrometheusExport, SyslogExport
from nlmon.errors import ExportError
from nlmon.exporters.base import Exporter, ExportStatus
from nlmon.exporters.metrics import Counts
from nlmon.exporters.queue import PATIENCE, ExportQueue, Patience

__all__ = ["END_WITHIN", "ExportPlan", "Exports", "planned_exports"]

# Seconds in which all exports together are opened before they are left to themselves: a server may take longer.
OPEN_WITHIN = 0.3
# Seconds in which all exports together bring out what waits when they are closed.
END_WITHIN = 0.6


class ExportPlan(Struct, frozen=True):
    """An export that is on: its name, where events go as people read it, the section that says all of it, and the
    implementation that events come from."""

    name: str
    place: str
    section: Console | JsonExport | PcapExport | PrometheusExport | SyslogExport
    implementation: str


def planned_exports(export: Export, implementation: str, *, beside: bool = True) -> tuple[ExportPlan, ...]:
    """The exports that are on, the console last. ``beside``: the console is on beside others, too."""
    server, metrics = export.syslog.server or "/dev/log", export.prometheus
    rows = (
        ("json", export.json.file, export.json),
        ("pcap", export.pcap.file, export.pcap),
        ("syslog", server if server.startswith("/") else f"{export.syslog.protocol}://{server}", export.syslog),
        ("prometheus", f"http://{metrics.address}:{metrics.port}{metrics.path}", metrics),
        ("console", "standard output", export.console),
    )
    on = tuple(ExportPlan(name, place, section, implementation) for name, place, section in rows if section.enabled)
    return on if beside or len(on) == 1 else tuple(one for one in on if one.section is not export.console)


class Exports:
    """The open queues. ``limit``: events that may wait in each; ``patience``: with one that fails; ``counts``: what is
    read by who scrapes metrics; ``on_change``: called when one begins to fail or works again, in its own thread, for
    what cannot be opened, and for one that a reload has closed."""

    def __init__(
        self,
        limit: int,
        *,
        patience: Patience = PATIENCE,
        counts: Callable[[], Counts] = Counts,
        on_change: Callable[[ExportStatus], None] = lambda _: None,
    ) -> None:
        self._limit = limit
        self._patience = patience
        self._counts = counts
        self._on_change = on_change
        self._open: dict[ExportPlan, ExportQueue] = {}
        self._past = _Past()
        # What is open and what is past changes at once for who scrapes metrics, so that no counter becomes less.
        self._lock = Lock()

    @property
    def queues(self) -> tuple[ExportQueue, ...]:
        """The open queues, in the order of their plans."""
        return tuple(self._open.values())

    def change(self, wanted: Sequence[ExportPlan], *, limit: int | None = None, strict: bool = False) -> None:
        """Close what is planned no longer, and open what is planned anew. Raises ``PlatformError`` where something is
        not installed, and with ``strict`` ``ExportError``; all that is open then stays so until ``close``."""
        plans = list(map(_kept, wanted))
        was = self._open
        # Never changed but replaced: who scrapes metrics looks at it meanwhile.
        gone = [queue for plan, queue in was.items() if plan not in plans]
        with self._lock:
            self._open = {plan: was[plan] for plan in plans if plan in was}
            self._past = self._past.with_closing(gone)
        for status in _close(gone):
            # One that hangs has not ended yet, and is no part of the monitor any more.
            self._on_change(replace(status, state="closed"))
        if limit is not None:
            self._limit = limit
            for queue in self.queues:
                queue.change_limit(limit)
        for plan in plans:
            if plan not in self._open:
                self._open = {**self._open, plan: self._opened(plan, strict=strict)}
        self._open = {plan: self._open[plan] for plan in plans}
        until = time.monotonic() + OPEN_WITHIN
        for queue in self.queues:
            queue.tried(max(0.0, until - time.monotonic()))

    def status(self) -> tuple[ExportStatus, ...]:
        """The counters of each."""
        with self._lock:
            queues, past = self.queues, self._past
        return past.joined([queue.status() for queue in queues])

    def close(self, deadline: float = END_WITHIN) -> tuple[ExportStatus, ...]:
        """Bring out what waits, for at most ``deadline`` seconds, close all, and give the last counters."""
        was, self._open = self._open, {}
        return self._past.joined(_close(was.values(), deadline))

    def _opened(self, plan: ExportPlan, *, strict: bool) -> ExportQueue:
        exporter = _exporter(plan, self._counts)
        queue = ExportQueue(exporter, limit=self._limit, patience=self._patience, on_change=self._on_change)
        if strict:
            try:
                exporter.open()
            except ExportError:
                exporter.close()
                raise
        queue.start()
        return queue


def _kept(plan: ExportPlan) -> ExportPlan:
    """What an export is known by: one that does not depend on the implementation goes on when that changes."""
    return plan if isinstance(plan.section, PrometheusExport) else replace(plan, implementation="")


class _Past(Struct, frozen=True):
    """Exports that reloads have closed. ``closed``: what they have counted, by name; ``closing``: queues that were
    closed with events in hand, which may get out yet. A value, since who scrapes metrics looks at it in another
    thread."""

    closed: Mapping[str, ExportStatus] = {}
    closing: tuple[ExportQueue, ...] = ()

    def with_closing(self, queues: Iterable[ExportQueue]) -> _Past:
        """These, too; of those before them, which have ended, the counters alone."""
        closed = dict(self.closed)
        ended = [queue for queue in self.closing if not queue.status().waiting]
        for queue in ended:
            _add(closed, queue)
        return _Past(closed, (*(queue for queue in self.closing if queue not in ended), *queues))

    def joined(self, now: Sequence[ExportStatus]) -> tuple[ExportStatus, ...]:
        """The counters of open exports with what those before them have counted, and of those that are off and have
        lost events."""
        before = dict(self.closed)
        for queue in self.closing:
            _add(before, queue)
        found = [_sum(before.pop(one.name, None), one) for one in now]
        return (*found, *(one for one in before.values() if one.dropped or one.waiting))


def _add(counted: dict[str, ExportStatus], queue: ExportQueue) -> None:
    status = replace(queue.status(), state="closed")
    counted[status.name] = _sum(counted.get(status.name), status)


def _close(queues: Iterable[ExportQueue], deadline: float = END_WITHIN) -> tuple[ExportStatus, ...]:
    """Close queues within one deadline, whichever of them hangs."""
    closing = list(queues)
    for queue in closing:
        queue.end(deadline)
    until = time.monotonic() + deadline
    return tuple(queue.close(max(0.0, until - time.monotonic())) for queue in closing)


def _sum(before: ExportStatus | None, now: ExportStatus) -> ExportStatus:
    """What two exports of one name have counted; the state is that of the later one."""
    if before is None:
        return now
    dropped = Counter(before.dropped) + Counter(now.dropped)
    written, failures = before.written + now.written, before.failures + now.failures
    waiting, error = before.waiting + now.waiting, now.error or before.error
    return ExportStatus(now.name, now.state, written, waiting, dict(sorted(dropped.items())), failures, error)


def _exporter(plan: ExportPlan, counts: Callable[[], Counts]) -> Exporter:
    # Each is imported only where it is on.
    match plan.section:
        case JsonExport() as one:
            from nlmon.exporters.files import JsonLinesExporter  # noqa: PLC0415
            from nlmon.exporters.rotation import Rotation  # noqa: PLC0415

            return JsonLinesExporter(Path(one.file), Rotation(one.rotate_size, one.rotate_count, one.compress))
        case PcapExport() as one:
            from nlmon.exporters.files import PcapngExporter  # noqa: PLC0415
            from nlmon.exporters.rotation import Rotation  # noqa: PLC0415

            return PcapngExporter(Path(one.file), Rotation(one.rotate_size, one.rotate_count))
        case SyslogExport() as one:
            from nlmon.exporters.syslog import SyslogExporter, parse_server  # noqa: PLC0415

            server = parse_server(one.server or "/dev/log", "tcp" if one.protocol == "tcp" else "udp")
            return SyslogExporter(server, facility=one.facility, severity=one.severity)
        case PrometheusExport() as one:
            from nlmon.exporters.prometheus import PrometheusExporter  # noqa: PLC0415

            return PrometheusExporter(
                plan.implementation, counts=counts, host=one.address, port=one.port, path=one.path
            )
        case Console() as one:
            from nlmon.exporters.console import ConsoleExporter  # noqa: PLC0415

            return ConsoleExporter(text=one.format == "text")
