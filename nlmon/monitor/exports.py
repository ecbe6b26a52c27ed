"""The exports of a configuration: what is planned, and the open queues.

Rules:
1. An export is what its section says: one whose section did not change by a reload stays open, and nothing that waits
   in its queue is lost.
2. An export that cannot be opened fails as one that cannot be written does: it is reported, counted and tried again,
   and the others go on. Only who asks for ``strict`` is given the error.
3. An export that takes long to open, such as a server that does not answer, holds up nobody (``OPEN_WITHIN``).

Not here: exporters and queues (``nlmon.exporters``), and which events they are given (``pipeline``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from nlmon.config.model import Console, Export, JsonExport, PcapExport, PrometheusExport, SyslogExport
from nlmon.errors import ExportError
from nlmon.exporters.base import Exporter, ExportStatus
from nlmon.exporters.metrics import Counts
from nlmon.exporters.queue import ExportQueue

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
    """The open queues. ``limit``: events that may wait in each; ``counts``: what is told to who scrapes metrics;
    ``on_change``: told when one begins to fail or works again, in its own thread."""

    def __init__(
        self,
        limit: int,
        *,
        counts: Callable[[], Counts] = Counts,
        on_change: Callable[[ExportStatus], None] = lambda _: None,
    ) -> None:
        self._limit = limit
        self._counts = counts
        self._on_change = on_change
        self._open: dict[ExportPlan, ExportQueue] = {}

    @property
    def queues(self) -> tuple[ExportQueue, ...]:
        """The open queues, in the order of their plans."""
        return tuple(self._open.values())

    def change(self, plans: Sequence[ExportPlan], *, limit: int | None = None, strict: bool = False) -> None:
        """Close what is planned no longer, and open what is planned anew. Raises ``PlatformError`` where something is
        not installed, and with ``strict`` ``ExportError``; all that is open then stays so until ``close``."""
        was = self._open
        # Never changed but replaced: who scrapes metrics looks at it meanwhile.
        self._open = {plan: was[plan] for plan in plans if plan in was}
        _close(queue for plan, queue in was.items() if plan not in self._open)
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
        return tuple(queue.status() for queue in self.queues)

    def close(self, deadline: float = END_WITHIN) -> tuple[ExportStatus, ...]:
        """Bring out what waits, for at most ``deadline`` seconds, close all, and give the last counters."""
        was, self._open = self._open, {}
        return _close(was.values(), deadline)

    def _opened(self, plan: ExportPlan, *, strict: bool) -> ExportQueue:
        exporter = _exporter(plan, self._counts)
        queue = ExportQueue(exporter, limit=self._limit, on_change=self._on_change)
        if strict:
            try:
                exporter.open()
            except ExportError:
                exporter.close()
                raise
        queue.start()
        return queue


def _close(queues: Iterable[ExportQueue], deadline: float = END_WITHIN) -> tuple[ExportStatus, ...]:
    """Close queues within one deadline, whichever of them hangs."""
    closing = list(queues)
    for queue in closing:
        queue.end(deadline)
    until = time.monotonic() + deadline
    return tuple(queue.close(max(0.0, until - time.monotonic())) for queue in closing)


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
