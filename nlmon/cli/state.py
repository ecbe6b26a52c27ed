"""``nlmon state``: the objects of a host that a capture describes, as ``ip`` and ``bridge`` would list them.

Not here: folding (``nlmon.engine.hoststate``), and the keys (``nlmon.state.rows``).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click
from msgspec import Struct

from nlmon.backends.registry import create
from nlmon.capture import ByteOrder
from nlmon.cli.bounds import max_messages_option, max_objects_option, reading, say_stop
from nlmon.cli.common import FilePath, byteorder_option, implementation_option, warn, warn_notes
from nlmon.cli.output import print_json
from nlmon.engine.bounds import Bounds, Watch
from nlmon.engine.hoststate import HostState, host_state
from nlmon.errors import InputError
from nlmon.printable import printable
from nlmon.report.text import counted, shown_path
from nlmon.state.describe import show_key
from nlmon.state.listing import rows_of
from nlmon.state.rows import Rows
from nlmon.state.tables import KINDS, State

__all__ = ["StateReport", "command"]


class StateReport(Struct, frozen=True):
    """The state of a host. ``path``: of the capture; ``implementation``: whose events made it; ``frame``: the last one
    that was read; ``objects``: all of them, by the command that lists them."""

    path: str
    implementation: str
    frame: int
    objects: Rows


@click.command()
@click.argument("capture", type=FilePath())
@click.option("--at", "frame", type=click.IntRange(min=1), metavar="FRAME", help="Read no further than this frame.")
@implementation_option("The implementation that reads the capture.")
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
@max_objects_option
@max_messages_option
@byteorder_option
def command(
    capture: Path,
    frame: int | None,
    implementation: str,
    form: str,
    max_objects: int,
    max_messages: int | None,
    byteorder: ByteOrder | None,
) -> None:
    """Print the links, addresses, routes, neighbours, rules and forwarding entries that CAPTURE describes, as an
    implementation reads it: in the end, or at a frame.

    With --format json each object has the keys that ip -json -details and bridge -json -details give it.

    Exit code: 0 done, 3 the capture is damaged, has no such frame, describes no object, or is longer than a bound, 130
    interrupted; what was read is printed.
    """
    with reading(capture, byteorder) as (reader, advance, interrupted):
        bounds = Bounds(objects=max_objects, messages=max_messages, interrupted=interrupted)
        watch = Watch(bounds, reader.info.byteorder)
        found = host_state(reader, partial(create, implementation), watch, frame=frame, on_progress=advance)
    where = shown_path(capture)
    if form == "json":
        report = StateReport(where, implementation, found.frame, rows_of(found.state))
        print_json(report)
    else:
        _print(found)
    warn_notes(reader)
    if found.lacking and any(found.state.tables.values()):
        warn(f"objects are left out: {_lacking(implementation, found)}")
    say_stop(watch.stop, where)
    if reader.damage is not None and (frame is None or found.frame < frame):
        raise reader.damage
    if frame is not None and found.frame < frame:
        why = f"its last frame is {found.frame:,}"
        raise InputError("NLM-C030", f"the capture has no frame {frame:,}", where=where, why=why)
    if not any(found.state.tables.values()):
        why = "it holds no message of NETLINK_ROUTE that describes one"
        if found.lacking and found.events + found.answers:
            why, hint = _lacking(implementation, found), "a state needs all that tells objects apart"
            raise InputError("NLM-U002", "no object of this capture can be identified", where=where, why=why, hint=hint)
        raise InputError("NLM-U002", "no object in this capture", where=where, why=why, hint="see nlmon capture info")


def _lacking(implementation: str, found: HostState) -> str:
    """What an implementation does not provide, so that the objects of some kinds are not known."""
    kinds = (f"of {kind} {', '.join(names) or 'all of it'}" for kind, names in found.lacking.items())
    return f"{implementation} does not provide {'; '.join(kinds)}"


def _print(found: HostState) -> None:
    """A line for each object, in the words of ``ip``."""
    state = found.state
    for kind in KINDS:
        for key in state.tables[kind]:
            click.echo(printable(_line(state, kind, key)))
    sources = f"{counted(found.events, 'event')} and {counted(found.answers, 'answer')}"
    warn(f"{counted(sum(map(len, state.tables.values())), 'object')} at frame {found.frame:,}, by {sources}")


def _line(state: State, kind: str, key: tuple[object, ...]) -> str:
    return show_key(kind, key, state.tables["link"])
