"""``nlmon decode``: the events of one implementation, as JSON lines.

Feeds what ``nlmon replay`` feeds, by the same lane, so a line here is an event there.

Not here: comparing (``nlmon.replay``), the JSON form (``nlmon.eventjson``).
"""

from __future__ import annotations

import sys
from collections import Counter
from functools import partial
from pathlib import Path

import click

from nlmon.backends.base import BACKENDS, create
from nlmon.capture import ByteOrder, open_capture
from nlmon.capture.conversation import Conversation, Role
from nlmon.cli.common import progress, protocol_option, warn
from nlmon.errors import InputError, InternalError
from nlmon.eventjson import event_to_json
from nlmon.events import Datagram
from nlmon.lane import Lane
from nlmon.replay import Select
from nlmon.report.text import shown_path
from nlmon.transport.faults import parse_fault

__all__ = ["command"]

ERRORS_SHOWN = 10


@click.command()
@click.argument("capture", type=click.Path(path_type=Path, readable=False))
@click.option("--backend", type=click.Choice(list(BACKENDS)), default="libnl", show_default=True)
@protocol_option
@click.option(
    "--select",
    type=click.Choice(["notifications", "all"]),
    default="notifications",
    show_default=True,
    help="What a monitor's own socket would have received, or every recorded message.",
)
@click.option("--byteorder", type=click.Choice(["little", "big"]), help="Override the recording's byte order.")
@click.option("--fault", "faults", multiple=True, help="Lose messages, such as overrun@120+50. Repeatable.")
def command(
    capture: Path,
    backend: str,
    protocols: tuple[int, ...],
    select: Select,
    byteorder: ByteOrder | None,
    faults: tuple[str, ...],
) -> None:
    """Print the events that an implementation makes of CAPTURE, one JSON object a line.

    Exit code: 0 done, 3 the capture is damaged or holds no event of this selection.
    """
    counts: Counter[str] = Counter()
    with open_capture(capture, byteorder=byteorder) as reader, progress(reader.size, capture.name) as advance:
        order = reader.info.byteorder
        conversation = Conversation(order)
        lane = Lane(partial(create, backend), order, select == "all", faults=tuple(map(parse_fault, faults)))
        supported = set(lane.backend.groups)
        enabled = supported & set(protocols) if protocols else supported
        for protocol in enabled:
            lane.backend.enable(protocol)
        for frame in reader:
            if advance is not None and not frame.number % 256:
                advance(reader.position)
            place = conversation.place(frame)
            role, request = place.role, place.request
            datagram = Datagram(frame.number, frame.timestamp, frame.protocol, frame.data, frame.truncated, request)
            if frame.protocol in enabled and (role is Role.NOTIFICATION or select == "all"):
                if not lane.notify(datagram, learn=role is not Role.REQUEST):
                    continue
                _print(lane, counts)
            elif role in {Role.DUMP, Role.REPLY}:
                lane.learn(datagram)
        lane.end()
        _print(lane, counts)
        unknown = lane.unknown
        lane.backend.close()
    sys.stdout.buffer.flush()
    if counts["errors"] > ERRORS_SHOWN:
        warn(f"warning: {counts['errors'] - ERRORS_SHOWN:,} more could not be read")
    if unknown:
        listed = ", ".join(f"{name} {count:,}" for name, count in sorted(unknown.items()))
        warn(f"{unknown.total():,} messages of types that give no event: {listed}")
    if reader.damage is not None:
        raise reader.damage
    if not counts["events"]:
        raise InputError(
            *("NLM-U002", "no event in this capture"),
            where=shown_path(capture),
            hint="see nlmon capture info, and --protocol and --select",
        )


def _print(lane: Lane, counts: Counter[str]) -> None:
    """What came of the last datagram: events on stdout, the first of the errors on stderr."""
    if lane.crash:
        raise InternalError("NLM-X002", f"{lane.name} raised {lane.crash}", where=lane.trace)
    for event in lane.events:
        sys.stdout.buffer.write(event_to_json(event) + b"\n")
    counts["events"] += len(lane.events)
    for error in lane.errors:
        counts["errors"] += 1
        if counts["errors"] <= ERRORS_SHOWN:
            warn(f"warning: {error}")
