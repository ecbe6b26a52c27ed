"""``nlmon capture stats``: the counters of one implementation that has read a capture.

Not here: events (``decode``), and judging them (``replay``).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from nlmon.aside import prints_aside
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.backends.status import BackendStatus, LayoutStatus
from nlmon.capture import ByteOrder
from nlmon.cli.bounds import max_messages_option, reading, say_end
from nlmon.cli.common import (
    byteorder_option,
    feed_options,
    refuse_crash,
    refuse_unread,
    warn_unread,
)
from nlmon.cli.output import console, print_json
from nlmon.engine.bounds import Bounds, Watch
from nlmon.engine.feed import Feed
from nlmon.engine.read import read_capture
from nlmon.engine.segments import Select
from nlmon.names import PROTOCOLS, unknown_message
from nlmon.report.jsonout import schema_of
from nlmon.report.text import counted, shown_path

__all__ = ["ProtocolCounters", "StatsReport", "command", "stats_schema"]


class ProtocolCounters(Struct, frozen=True):
    """One protocol: multicast groups that are joined, datagrams read, what came of them, messages that gave no
    event, by the name of their type, and control messages."""

    groups: list[int]
    datagrams: int
    events: int
    errors: int
    unknown: dict[str, int]
    control: int


class StatsReport(Struct, frozen=True):
    """An implementation by its name, protocols by theirs, and its layouts: null where it has none."""

    implementation: str
    protocols: dict[str, ProtocolCounters]
    layouts: LayoutStatus | None


@click.command("stats")
@feed_options
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
@max_messages_option
@byteorder_option
def command(
    capture: Path,
    implementation: str,
    protocols: tuple[int, ...],
    select: Select,
    layouts: int,
    form: str,
    byteorder: ByteOrder | None,
    max_messages: int | None,
) -> None:
    """Print the counters of an implementation that has read CAPTURE.

    Exit code: 0 done, 3 the capture is damaged, longer than --max-messages, or holds no message, 130
    interrupted; what was read is counted.
    """
    warn_unread(implementation, protocols)
    with reading(capture, byteorder) as (reader, advance, interrupted):
        watch = Watch(Bounds(messages=max_messages, interrupted=interrupted), reader.info.byteorder)
        feed = Feed(
            (partial(create, implementation),),
            reader.info.byteorder,
            select=select,
            protocols=protocols or None,
            options=BackendOptions(layouts=layouts),
            answers=False,
        )
        for side in read_capture(feed, reader, on_progress=advance, watch=watch):
            refuse_crash(side)
        (lane,) = feed.lanes
        with prints_aside():
            status, closed = lane.guarded.status(), lane.close()
        refuse_crash(closed)
        report = _report(status)
    if form == "json":
        print_json(report)
    else:
        _print(report)
    say_end(reader, watch.stop, shown_path(capture))
    refuse_unread(reader, feed.tally, shown_path(capture))


def stats_schema() -> dict[str, Any]:
    """JSON Schema of ``--format json``."""
    return schema_of(StatsReport, "nlmon capture stats")


def _report(status: BackendStatus | None) -> StatsReport:
    assert status is not None  # else it raised, and was refused
    protocols = {}
    for number, one in sorted(status.protocols.items()):
        unknown = {unknown_message(number, *kind): count for kind, count in sorted(one.unknown.items())}
        socket = one.transport
        groups, datagrams = ([], 0) if socket is None else (list(socket.groups), socket.datagrams)
        counters = ProtocolCounters(groups, datagrams, one.events, one.errors, unknown, one.control)
        protocols[PROTOCOLS.get(number, str(number))] = counters
    return StatsReport(status.name, protocols, status.layouts)


def _print(report: StatsReport) -> None:
    from rich.table import Table  # noqa: PLC0415

    out = console()
    table = Table("protocol", "datagrams", "events", "errors", "no event", "control")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, one in report.protocols.items():
        numbers = one.datagrams, one.events, one.errors, sum(one.unknown.values()), one.control
        table.add_row(name, *(f"{number:,}" for number in numbers))
    out.print(f"[bold]{report.implementation}[/]")
    out.print(table)
    layouts = report.layouts
    if layouts is None:
        out.print("layouts: none")
        return
    reads = layouts.hits + layouts.misses
    share = f", {100 * layouts.hits / reads:.1f} % of {counted(reads, 'read')}" if reads else ""
    out.print("layouts (functions generated for messages of one form):")
    hits, misses = counted(layouts.hits, "hit"), counted(layouts.misses, "miss", "misses")
    out.print(f"  used: {hits}, {misses}{share}")
    generated = f"{layouts.compiled:,} generated, {layouts.recompiled:,} of them again"
    out.print(f"  kept: {layouts.entries:,}; {generated}; {layouts.evicted:,} dropped")
