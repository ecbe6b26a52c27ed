"""``nlmon debug layout``: the functions that libnl makes while it reads a capture, as Python.

Not here: what a layout is and when it is made (``nlmon.backends.libnl.layouts``).
"""

from __future__ import annotations

from pathlib import Path

import click

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.libnl.layouts.cache import Listed
from nlmon.capture import ByteOrder, open_capture
from nlmon.capture.tally import why_unread
from nlmon.cli.common import FilePath, byteorder_option, protocol_option, refuse_crash, warn, warn_notes
from nlmon.engine.feed import Feed
from nlmon.engine.read import read_capture
from nlmon.errors import InputError
from nlmon.names import PROTOCOLS, message_type
from nlmon.report.text import shown_path
from nlmon.uapi import NETLINK_GENERIC

__all__ = ["command"]


@click.command("layout")
@click.argument("capture", type=FilePath())
@protocol_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the N that read most. Default: all.")
@byteorder_option
def command(capture: Path, protocols: tuple[int, ...], limit: int | None, byteorder: ByteOrder | None) -> None:
    """Print the functions that libnl makes of the notifications in CAPTURE, those first that read most.

    Each has its values left out that change; before it stand the type of message, its length, how many messages or
    ranges it read, and the values that never changed.

    Exit code: 0 done, 3 the capture is damaged or leads to no function.
    """
    with open_capture(capture, byteorder=byteorder) as reader:
        feed = Feed((LibnlBackend,), reader.info.byteorder, protocols=protocols or None, answers=False)
        for side in read_capture(feed, reader):
            refuse_crash(side)
        (lane,) = feed.lanes
        refuse_crash(lane.close())
        backend = lane.backend
    assert isinstance(backend, LibnlBackend)
    assert backend.layouts is not None
    listed = sorted(backend.layouts.functions(), key=lambda one: -one.hits)
    for one in listed[:limit]:
        click.echo(_shown(one))
    gone = backend.layouts.status().evicted
    if gone:
        warn(f"not shown, as they are no longer kept: functions of {gone:,} keys (length, type and flags)")
    warn_notes(reader)
    if reader.damage is not None:
        raise reader.damage
    if not listed:
        raise InputError(
            "NLM-U002",
            "no function was made for this capture",
            where=shown_path(capture),
            why=why_unread(reader.info, feed.tally),
            hint="messages must resemble each other; see nlmon capture info, and --protocol",
        )


def _shown(one: Listed) -> str:
    """The function behind two lines of comment."""
    kind = PROTOCOLS.get(one.protocol, str(one.protocol))
    if one.msg_type >= 0:
        kind = message_type(one.protocol, one.msg_type)
        kind = f"family {kind}" if one.protocol == NETLINK_GENERIC else kind
    constants = (f"{name} = {value!a}" for name, value in one.program.constants.items() if value is not None)
    return f"# {kind} {one.part}, {one.length} bytes, {one.hits:,} hits\n# {', '.join(constants)}\n{one.program.text}\n"
