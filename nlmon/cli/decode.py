"""``nlmon decode``: prints the events of one implementation as JSON lines, those that ``nlmon replay`` counts.

Not here: feeding (``nlmon.engine.feed``), comparing (``nlmon.engine.replay``), the JSON form (``nlmon.eventjson``).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nlmon.aside import prints_aside
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import ByteOrder
from nlmon.capture.tally import why_unread
from nlmon.cli.bounds import max_messages_option, reading, say_end
from nlmon.cli.common import (
    byteorder_option,
    fault_option,
    feed_options,
    refuse_crash,
    warn,
    warn_unread,
)
from nlmon.cli.exports import export_option, exporting
from nlmon.cli.where import where_option
from nlmon.compare.side import Side
from nlmon.engine.bounds import Bounds, Watch
from nlmon.engine.feed import Feed
from nlmon.engine.read import read_capture
from nlmon.engine.segments import Select
from nlmon.errors import InputError
from nlmon.eventjson.write import events_to_json
from nlmon.events import Event
from nlmon.names import protocol_number
from nlmon.report.text import counted, shown_path
from nlmon.transport.recorded.faults import parse_fault

if TYPE_CHECKING:  # start-up: only --where needs it
    from nlmon.filters import Filter

__all__ = ["command"]

ERRORS_SHOWN = 10
# Lines that are written at once.
AT_ONCE = 256


@click.command()
@feed_options
@max_messages_option
@byteorder_option
@fault_option
@export_option
@where_option("Print only events that a filter matches, such as 'netlink.link.mtu > 1400'.")
def command(
    capture: Path,
    implementation: str,
    protocols: tuple[int, ...],
    select: Select,
    layouts: int,
    byteorder: ByteOrder | None,
    max_messages: int | None,
    faults: tuple[str, ...],
    exports: tuple[str, ...],
    where: Filter | None,
) -> None:
    """Print the events that an implementation gives for CAPTURE, one JSON object a line.

    Exit code: 0 done, 3 the capture is damaged, longer than --max-messages or gives no event, or none that
    --where matches, 4 an export failed, 130 interrupted.
    """
    warn_unread(implementation, protocols)
    with (
        reading(capture, byteorder) as (reader, advance, interrupted),
        exporting(exports) as export,
    ):
        watch = Watch(Bounds(messages=max_messages, interrupted=interrupted), reader.info.byteorder)
        feed = Feed(
            (partial(create, implementation),),
            reader.info.byteorder,
            select=select,
            protocols=protocols or None,
            options=BackendOptions(layouts=layouts),
            faults=tuple(parse_fault(one, protocol_number) for one in faults),
            answers=False,
        )
        (lane,) = feed.lanes
        with _Lines(where, export if exports else _print) as lines:
            for side in read_capture(feed, reader, on_progress=advance, watch=watch):
                lines.take(side)
        with prints_aside():
            closed = lane.close()
        refuse_crash(closed)
        counts, unknown = lines.counts, lane.unknown
    sys.stdout.buffer.flush()
    if counts["errors"] > ERRORS_SHOWN:
        warn(f"warning: {counts['errors'] - ERRORS_SHOWN:,} more could not be read")
    for note in lane.factory.faults.notes(feed.tally.last_frame):
        warn(note)
    if unknown:
        listed = ", ".join(f"{name} ({count:,})" for name, count in sorted(unknown.items()))
        warn(f"{counted(unknown.total(), 'message')} of types that give no event: {listed}")
    say_end(reader, watch.stop, shown_path(capture))
    if not counts["events"]:
        raise _nothing(shown_path(capture), why_unread(reader.info, feed.tally), where if counts["read"] else None)


def _nothing(shown: str, why: str, where: Filter | None) -> InputError:
    """What is said where no event was printed; ``where``: the filter that matched none of those there are."""
    if where is not None:
        return InputError("NLM-W007", f"no event matches {where.text}", where=shown)
    hint = "see nlmon capture info, and --protocol and --select"
    return InputError("NLM-U002", "no event in this capture", where=shown, why=why, hint=hint)


def _print(events: Iterable[Event]) -> None:
    sys.stdout.buffer.write(events_to_json(events))


class _Lines:
    """Hands the events of each datagram to ``sink``, many at once, and writes the first errors to stderr; ``where``:
    events that are handed on, None: all."""

    def __init__(self, where: Filter | None, sink: Callable[[Iterable[Event]], None]) -> None:
        self.counts: Counter[str] = Counter()
        self._matches = None if where is None else where.matches
        self._sink = sink
        self._waiting: list[Event] = []

    def take(self, side: Side) -> None:
        """Take what came of a datagram. Raises ``InternalError`` when the implementation crashed."""
        self.counts["read"] += len(side.events)
        self._waiting += side.events if self._matches is None else filter(self._matches, side.events)
        if len(self._waiting) >= AT_ONCE:
            self.write()
        refuse_crash(side)
        for error in side.errors:
            self.counts["errors"] += 1
            if self.counts["errors"] <= ERRORS_SHOWN:
                warn(f"warning: {error}")

    def write(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        self.counts["events"] += len(waiting)
        self._sink(waiting)

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        # Also after Ctrl-C or an error: what was decoded is not lost.
        self.write()
