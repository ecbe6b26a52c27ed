"""What a running monitor says of itself: its counters as values, and as lines for people.

Rules:
1. The section ``Netlink Protocols`` has a title and one line for each protocol, so that it is found with grep(1).
2. What comes from the other end of a socket is no status until it has been read as one, and it is made printable.

Not here: who counts (``pipeline``), and how a status gets from one process to another (``control``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from nlmon.errors import PlatformError
from nlmon.exporters.base import ExportStatus
from nlmon.printable import printable, printable_json

__all__ = [
    "PROTOCOLS_TITLE",
    "CacheStatus",
    "FamilyStatus",
    "MemoryStatus",
    "MonitorStatus",
    "PhaseStatus",
    "ProtocolStatus",
    "RuleStatus",
    "mebibytes",
    "read_status",
    "status_json",
    "status_text",
    "time_text",
]

PROTOCOLS_TITLE = "Netlink Protocols"


class ProtocolStatus(Struct, frozen=True):
    """A netlink protocol since the monitor has started. ``enabled``: the configuration asks for it; ``fd``: the
    descriptor of its socket, -1: there is none, and of one that is enabled it was lost;
    ``errors``: messages that could not be read, and failures of the socket; ``dropped``: messages that the kernel has
    dropped since the socket was full (-1: it does not say how many); ``reconnects``: sockets that were opened again."""

    name: str
    enabled: bool
    fd: int
    events: int
    errors: int
    dropped: int
    reconnects: int = 0


class RuleStatus(Struct, frozen=True):
    """A filter rule of the configuration, what it does with an event that it matches, and how many these were."""

    name: str
    action: str
    matched: int


class CacheStatus(Struct, frozen=True):
    """A cache of libnl, and how many objects it holds."""

    name: str
    objects: int


class FamilyStatus(Struct, frozen=True):
    """A generic netlink family and its number; None: the kernel has no such family."""

    name: str
    number: int | None


class MemoryStatus(Struct, frozen=True):
    """Resident set size in bytes: now, when the monitor was ready, and the largest one so far."""

    now: int
    at_start: int
    peak: int


class PhaseStatus(Struct, frozen=True):
    """A time in which a monitor listened with one implementation. ``since``: when its sockets were open, ``until``:
    when they were closed, in nanoseconds since 1970; 0: it goes on. ``events``: how many came of it; ``both``:
    datagrams that the implementation before it had received, too, which were read once; ``settled``: whether these
    could be found without comparing them (``nlmon.monitor.exchange``); ``dropped``: messages that the kernel dropped
    while this one took over, and ``took``: nanoseconds until it had, from loading it to closing the sockets before."""

    implementation: str
    since: int
    until: int = 0
    events: int = 0
    both: int = 0
    settled: bool = True
    dropped: int = 0
    took: int = 0


class MonitorStatus(Struct, frozen=True, kw_only=True):
    """A monitor that runs. ``instance``: the path of its control socket; ``user``: who it runs as, and with which
    capabilities; ``started``: nanoseconds since 1970; ``config_version``: counts from 1 the configurations that were in
    force; ``configured``: the implementation that its files ask for, and ``configured_by``: where that stands, a line
    of a file, a variable of the environment, or ``default``. ``events``: how many came from the implementation;
    ``dropped``: those of them that went no further, by reason. ``reloads``: how often the configuration was read again,
    and ``reload_failures``: how often the old one was kept. ``switches``: how often the implementation was changed, and
    ``phases``: the times between, the latest ones, of which the last goes on."""

    instance: str
    pid: int
    version: str
    user: str
    implementation: str
    configured: str
    started: int
    config_files: tuple[str, ...]
    config_version: int
    events: int
    dropped: Mapping[str, int]
    protocols: tuple[ProtocolStatus, ...]
    rules: tuple[RuleStatus, ...]
    exports: tuple[ExportStatus, ...]
    caches: tuple[CacheStatus, ...]
    families: tuple[FamilyStatus, ...]
    memory: MemoryStatus
    notices: tuple[str, ...]
    reloads: int
    reload_failures: int
    configured_by: str = ""
    switches: int = 0
    phases: tuple[PhaseStatus, ...] = ()


class _Refusal(Struct, frozen=True):
    error: str


def status_json(status: MonitorStatus) -> bytes:
    """A status as one line of JSON."""
    return printable_json(msgspec.json.encode(status)) + b"\n"


def read_status(line: bytes, where: str) -> MonitorStatus:
    """The status that a monitor at ``where`` has answered with; raises ``PlatformError``."""
    try:
        return msgspec.json.decode(line, type=MonitorStatus)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise PlatformError(
            *("NLM-M026", "what answers on the control socket is no monitor of this version"),
            where=where,
            why=printable(_refused(line) or str(wrong)),
            hint="see who listens there with: ss -xlp",
        ) from wrong


def _refused(line: bytes) -> str:
    """Why a monitor did not answer, if that is what it says."""
    try:
        return msgspec.json.decode(line, type=_Refusal).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def status_text(status: MonitorStatus) -> str:
    """A status as lines for people."""
    return "".join(f"{printable(line)}\n" for line in _lines(status))


def _lines(status: MonitorStatus) -> Iterator[str]:
    yield f"nlmon {status.version}, pid {status.pid}, {status.instance}"
    yield ""
    yield PROTOCOLS_TITLE
    yield from _table(
        (
            *(one.name, "enabled" if one.enabled else "disabled", f"fd={one.fd}", f"events={one.events}"),
            *(f"errors={one.errors}", f"dropped={_count(one.dropped)}", _reconnects(one.reconnects)),
        )
        for one in status.protocols
    )
    yield ""
    by = f" ({status.configured_by})" if status.configured_by else ""
    asked = "" if status.configured == status.implementation else f", {status.configured} from the next start on{by}"
    yield f"implementation: {status.implementation}{asked}"
    yield f"started:        {time_text(status.started)}"
    yield f"runs as:        {status.user}"
    files = ", ".join(status.config_files) or "no file, all defaults"
    yield f"configuration:  {files}, version {status.config_version}"
    yield f"reloads:        {status.reloads}, failed {status.reload_failures}"
    yield f"events:         {status.events}{_reasons(status.dropped)}"
    now, at_start, peak = (mebibytes(size) for size in (status.memory.now, status.memory.at_start, status.memory.peak))
    yield f"memory:         {now}, at start {at_start}, peak {peak}"
    if status.switches:
        yield from _section(f"Implementations, {status.switches} switched", map(_phase, status.phases))
    yield from _section("Caches", ((one.name, f"objects={one.objects}") for one in status.caches))
    yield from _section("Generic families", ((one.name, _number(one.number)) for one in status.families))
    yield from _section("Rules", ((one.name, one.action, f"matched={one.matched}") for one in status.rules))
    yield from _section("Exports", map(_export, status.exports))
    yield from _section("Notices", ((one,) for one in status.notices))


def _phase(one: PhaseStatus) -> tuple[str, ...]:
    until = f"until {time_text(one.until, 'microseconds')}" if one.until else "goes on"
    both = f"both={one.both}{'' if one.settled else ', matched by their bytes'}"
    took = f"took={one.took / 1e6:.1f}ms" if one.took else ""
    events, dropped = f"events={one.events}", f"dropped={one.dropped}" if one.dropped else ""
    return one.implementation, f"since {time_text(one.since, 'microseconds')}", until, events, both, took, dropped


def _export(one: ExportStatus) -> tuple[str, ...]:
    counts = (f"written={one.written}", f"waiting={one.waiting}", f"failures={one.failures}")
    error = f"last error: {one.error}" if one.error else ""
    return one.name, one.state, *counts, f"dropped={sum(one.dropped.values())}{_causes(one.dropped)}", error


def _section(title: str, rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    lines = list(_table(rows))
    if lines:
        yield from ("", title, *lines)


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Rows with their columns below each other, two spaces apart."""
    kept = list(rows)
    widths = [max(map(len, column)) for column in zip(*kept, strict=True)]
    for row in kept:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()


def _reasons(dropped: Mapping[str, int]) -> str:
    return f", dropped {sum(dropped.values())}{_causes(dropped)}" if any(dropped.values()) else ""


def _causes(dropped: Mapping[str, int]) -> str:
    causes = ", ".join(f"{reason} {count}" for reason, count in dropped.items() if count)
    return f" ({causes})" if causes else ""


def _count(number: int) -> str:
    return "unknown" if number < 0 else str(number)


def _reconnects(count: int) -> str:
    return f"reconnects={count}" if count else ""


def _number(number: int | None) -> str:
    return "absent" if number is None else f"id={number}"


def mebibytes(size: int) -> str:
    """Bytes, for people: ``1.5 MiB``."""
    return f"{size / (1 << 20):,.1f} MiB"


def time_text(nanoseconds: int, unit: str = "seconds") -> str:
    """Nanoseconds since 1970 as ISO 8601 of UTC, in whole ``unit``; a number of no year stays one."""
    try:
        seconds = datetime.fromtimestamp(nanoseconds // 10**9, tz=UTC)
        part = f".{nanoseconds % 10**9 // 1000:06}" if unit == "microseconds" else ""
        return f"{seconds:%Y-%m-%dT%H:%M:%S}{part}Z"
    except (ValueError, OverflowError, OSError):
        return str(nanoseconds)
