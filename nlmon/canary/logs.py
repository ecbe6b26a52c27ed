"""Event logs of many hosts, counted by DuckDB: in bounded memory, whatever their size.

Rules:
1. Both groups are compared over the same time: from when both have events until one has no more, or a part of that, as
   far as the caller says. A host is observed
   from its first event in that time on, and to its end, so that one that falls silent is seen.
2. What is no event of nlmon is counted by host as an unreadable line, and ends nothing.
3. Memory beyond the bound goes into a folder for temporary files, which is deleted. Nothing is fetched from a network.

Not here: which files there are (``files``), and what rates mean (``judging``).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from nlmon.canary.files import HostFile
from nlmon.canary.judging import GroupFacts, Host
from nlmon.capture.source import zstd_is_whole
from nlmon.errors import InputError, PlatformError, reason_of

__all__ = ["MEMORY_KEPT", "TYPES_KEPT", "Counted", "Window", "read_logs"]

# What DuckDB may take, in MiB; threads of it; and types of events that are counted apart.
MEMORY_KEPT, THREADS, TYPES_KEPT = 256, 2, 256
LONGEST_LINE = 16 << 20

# By host and kind, how many lines there are, and when the first one was.
_Counts: TypeAlias = dict[str | None, tuple[int, int]]
_Groups: TypeAlias = dict[str, _Counts]

_LINES = """
create temp table lines as
select files.host, files.canary, timestamp as moment,
    case when type = 'overrun' then 'overruns'
         when type = 'difference' then 'differences'
         when type = 'netlink' then netlink.msg_type end as kind
from read_json($paths, format = 'newline_delimited', ignore_errors = true, filename = 'path',
    maximum_object_size = $longest,
    columns = {'timestamp': 'BIGINT', 'type': 'VARCHAR', 'netlink': 'STRUCT(msg_type VARCHAR)'}) log
join files on files.path = log.path
"""
_TIME = """
select max(first), min(last)
from (select min(moment) as first, max(moment) as last from lines where kind is not null group by canary)
"""
_COUNTS = """
with kept as (
    select kind from lines where kind is not null group by kind order by count(*) desc, kind limit $types)
select host, canary, if(kind is null or kind in (select kind from kept), kind, 'others') as name, count(*), min(moment)
from lines where kind is null or moment between $first and $last
group by all order by all
"""


class Counted(NamedTuple):
    """The hosts of both groups, facts of each, and the seconds that were compared."""

    control: tuple[Host, ...]
    canary: tuple[Host, ...]
    facts: tuple[GroupFacts, GroupFacts]
    seconds: float


class Window(NamedTuple):
    """The time that is asked for, in nanoseconds since 1970, with both ends; all of it by default."""

    since: int = 0
    until: int = (1 << 63) - 1


ALWAYS = Window()


def read_logs(control: Sequence[HostFile], canary: Sequence[HostFile], window: Window = ALWAYS) -> Counted:
    """Count the events of each host in a window of time; lines that are no event, and have no time, are counted all.
    Raises ``PlatformError`` without DuckDB, and ``InputError`` for a file that cannot be read."""
    try:
        import duckdb  # noqa: PLC0415  (an extra, and heavy)
    except ImportError:
        raise PlatformError(
            "NLM-Z001",
            "event logs of many hosts are read with DuckDB",
            why="it is not installed",
            hint="pip install 'nlmon[canary]'",
        ) from None
    with tempfile.TemporaryDirectory(prefix="nlmon-canary-") as folder:
        config = {
            "memory_limit": f"{MEMORY_KEPT}MiB",
            "threads": str(THREADS),
            "temp_directory": folder,
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
        }
        with duckdb.connect(":memory:", config=config) as database:
            try:
                return _counted(database, control, canary, window)
            except (duckdb.IOException, duckdb.InvalidInputException) as error:
                raise _unreadable("", str(error).splitlines()[0]) from None


def _counted(database: Any, control: Sequence[HostFile], canary: Sequence[HostFile], window: Window) -> Counted:
    groups: tuple[_Groups, ...] = tuple({one.host: {} for one in group} for group in (control, canary))
    files = [(str(one.path), one.host, is_canary) for is_canary, group in enumerate((control, canary)) for one in group]
    _refuse_cut(one.path for group in (control, canary) for one in group)
    database.execute("create temp table files(path varchar, host varchar, canary integer)")
    database.executemany("insert into files values (?, ?, ?)", files)
    paths = [_literal(path) for path, _, _ in files]
    database.execute(_LINES, {"paths": paths, "longest": LONGEST_LINE})
    first, last = database.execute(_TIME).fetchone()
    if first is None:
        first = last = 0
    first, last = max(first, window.since), min(last, window.until)
    rows = database.execute(_COUNTS, {"first": first, "last": last, "types": TYPES_KEPT}).fetchall()
    return _as_hosts(groups, rows, (first, max(first, last)), tuple(map(len, (control, canary))))


def _refuse_cut(paths: Iterable[Path]) -> None:
    """Raise ``InputError`` for a zstd file that ends too early; DuckDB takes it for a short one."""
    for path in (one for one in paths if one.suffix == ".zst"):
        try:
            with path.open("rb") as file:
                whole = zstd_is_whole(file)
        except OSError as error:
            raise _unreadable(str(path), reason_of(error)) from error
        if not whole:
            raise _unreadable(str(path), "it ends inside a zstd frame")


def _unreadable(path: str, why: str) -> InputError:
    hint = "fix or move away the file that is named"
    return InputError("NLM-Z005", "an event log cannot be read", where=path, why=why, hint=hint)


def _literal(path: str) -> str:
    """A path as a pattern that finds it alone."""
    return "".join(f"[{one}]" if one in "[*?" else one for one in path)


def _as_hosts(
    groups: Sequence[_Groups],
    rows: Iterable[tuple[str, int, str | None, int, int]],
    time: tuple[int, int],
    files: Sequence[int],
) -> Counted:
    for host, is_canary, kind, count, at in rows:
        groups[is_canary][host][kind] = count, at
    hosts = tuple(tuple(_host(name, counts, time) for name, counts in group.items()) for group in groups)
    facts = tuple(
        GroupFacts(
            hosts=len(group),
            files=number,
            events=sum(sum(one.types.values()) for one in group),
            unreadable=sum(one.bad["unreadable lines"] for one in group),
            silent=sum(not one.types for one in group),
        )
        for group, number in zip(hosts, files, strict=True)
    )
    return Counted(hosts[0], hosts[1], (facts[0], facts[1]), (time[1] - time[0]) / 1e9)


def _host(name: str, counts: _Counts, time: tuple[int, int]) -> Host:
    first = min((at for kind, (_, at) in counts.items() if kind is not None), default=time[0])
    bad = {kind: counts.get(kind, (0, 0))[0] for kind in ("overruns", "differences")}
    unreadable = counts.get(None, (0, 0))[0]
    types = {kind: count for kind, (count, _) in counts.items() if kind is not None and kind not in bad}
    return Host(name, types, {**bad, "unreadable lines": unreadable}, (time[1] - first) / 1e9)
