"""``nlmon filter test``: which events of a capture a filter matches under each implementation, and where they differ.

Not here: the language (``nlmon.filters``), and whether the events are the same (``replay``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import UNSET, Struct

from nlmon.cli.bounds import max_messages_option, reading, say_end
from nlmon.cli.common import (
    FilePath,
    against_option,
    byteorder_option,
    implementation_option,
    protocol_option,
    refuse_crash,
    select_option,
    warn,
)
from nlmon.cli.where import FilterText
from nlmon.errors import ExitCode, InputError
from nlmon.printable import printable
from nlmon.report.text import counted, shown_path

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.capture import ByteOrder
    from nlmon.compare.side import Side
    from nlmon.engine.segments import Select
    from nlmon.filters import Filter

__all__ = ["FilterMatch", "command"]


class FilterMatch(Struct, frozen=True):
    """A line of ``nlmon filter test --format jsonl``: a message whose event the filter matches under one implementation
    at least. ``matches``: by implementation, null where it gave no event; ``values``: of each field of the filter by
    implementation, null where the message did not carry it, absent where the implementation does not provide it."""

    frame: int
    offset: int
    message: str
    interface: str | None
    matches: Mapping[str, bool | None]
    values: Mapping[str, Mapping[str, Any]]


@click.command()
@click.argument("where", metavar="EXPRESSION", type=FilterText())
@click.argument("capture", type=FilePath())
@implementation_option("The second implementation.")
@against_option
@protocol_option
@select_option("Read what each implementation's own sockets would have received, or every recorded message.")
@click.option("--format", "form", type=click.Choice(["pretty", "jsonl"]), default="pretty", show_default=True)
@byteorder_option
@max_messages_option
def command(
    where: Filter,
    capture: Path,
    implementation: str,
    against: str,
    protocols: tuple[int, ...],
    select: Select,
    form: str,
    byteorder: ByteOrder | None,
    max_messages: int | None,
) -> None:
    """Print which events of CAPTURE the filter EXPRESSION matches under each of two implementations.

    Exit code: 0 it matches the same events under both, 1 not the same, 2 the expression is wrong, 3 it matches nothing,
    or the capture is damaged or longer than --max-messages, 130 interrupted.
    """
    from nlmon.backends.registry import create  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.engine.bounds import Bounds, Watch  # noqa: PLC0415
    from nlmon.engine.feed import Feed  # noqa: PLC0415
    from nlmon.engine.read import read_together  # noqa: PLC0415
    from nlmon.report.jsonout import line_bytes  # noqa: PLC0415

    names = against, implementation
    counts, differ = dict.fromkeys(names, 0), 0
    with reading(capture, byteorder) as (reader, advance, interrupted):
        watch = Watch(Bounds(messages=max_messages, interrupted=interrupted), reader.info.byteorder)
        makers = [partial(create, name) for name in names]
        feed = Feed(makers, reader.info.byteorder, select=select, protocols=protocols or None, answers=False)
        if form == "pretty":
            click.echo(f"{'frame':>9} {'offset':>6}  {'message':<24} {'interface':<15}  {against:<8} {implementation}")
        for sides in read_together(feed, reader, on_progress=advance, watch=watch):
            for side in sides:
                refuse_crash(side)
            for found in _matches(where, names, sides):
                for name in names:
                    counts[name] += bool(found.matches[name])
                same = found.matches[against] == found.matches[implementation]
                differ += not same
                if form == "pretty":
                    _print(found, names)
                else:
                    sys.stdout.buffer.write(line_bytes(found))
        feed.close()
    sys.stdout.flush()
    for name, count in counts.items():
        warn(f"{name}: {counted(count, 'event')} matched")
    say_end(reader, watch.stop, shown_path(capture))
    if not any(counts.values()):
        raise InputError("NLM-W007", f"no event matches {where.text}", where=shown_path(capture))
    if differ:
        warn(f"{counted(differ, 'event')} matched under one of them alone")
        sys.exit(ExitCode.FAILED)


def _matches(where: Filter, names: Sequence[str], sides: Sequence[Side]) -> Iterator[FilterMatch]:
    """The messages of a datagram whose events the filter matches under one of them."""
    from nlmon.engine.where import matching  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.filters.compile import read_field  # noqa: PLC0415
    from nlmon.names import message_type  # noqa: PLC0415

    found = [matching(where, side.events) for side in sides]
    for offset in sorted(found[0] | found[1]):
        events = [next((event for event in side.events if event.offset == offset), None) for side in sides]
        one = next(event for event in events if event is not None)
        interfaces = [event.interface for event in events if event is not None and isinstance(event.interface, str)]
        yield FilterMatch(
            one.frame,
            offset,
            message_type(one.protocol, one.msg_type),
            interfaces[0] if interfaces else None,
            {
                name: None if event is None else offset in matched
                for name, event, matched in zip(names, events, found, strict=True)
            },
            {
                field.path: {
                    name: value
                    for name, event in zip(names, events, strict=True)
                    if event is not None and (value := read_field(field, event)) is not UNSET
                }
                for field in where.fields
            },
        )


def _print(found: FilterMatch, names: Sequence[str]) -> None:
    """A line for people, and where only one matches the values that make the difference."""
    said = [{True: "yes", False: "no", None: "no event"}[found.matches[name]] for name in names]
    click.echo(
        printable(
            f"{found.frame:>9,} {found.offset:>6,}  {found.message:<24} {found.interface or '-':<15}  "
            f"{said[0]:<8} {said[1]}"
        )
    )
    if said[0] == said[1]:
        return
    for path, values in found.values.items():
        if len({repr(values.get(name, UNSET)) for name in names}) > 1:
            both = ", ".join(f"{name}: {_shown(values, name)}" for name in names)
            click.echo(printable(f"{'':17} {path}  {both}"))


def _shown(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name, UNSET)
    return "not provided" if value is UNSET else "not carried" if value is None else str(value)
