"""``nlmon coverage``: what of all that the kernel defines two implementations read, and what captures hold of it.

Not here: who reads what (``nlmon.engine.coverage``), and the verdict on a capture (``replay``).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nlmon.cli.bounds import interruption, max_messages_option, stopped
from nlmon.cli.common import (
    FilePath,
    against_option,
    byteorder_option,
    implementation_option,
    progress,
    protocol_option,
    refuse_stdin_twice,
    refuse_unread,
    show_error,
    warn,
    warn_notes,
)
from nlmon.cli.output import console, print_json
from nlmon.errors import ExitCode, InputError, NlmonError
from nlmon.printable import printable

if TYPE_CHECKING:  # start-up: --help needs none of it
    from nlmon.capture import ByteOrder
    from nlmon.engine.coverage.held import Held
    from nlmon.report.coverage import CoverageReport, MessageCoverage, UnreadCapture

__all__ = ["command"]

INFO = "see nlmon capture info"
# Types of messages without an event that are named without -v.
SHOWN = 12


@click.command()
@click.argument("captures", nargs=-1, type=FilePath())
@implementation_option("The second implementation.")
@against_option
@protocol_option
@click.option("-v", "--verbose", is_flag=True, help="Also name every attribute that not both read.")
@click.option("--format", "form", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
@byteorder_option
@max_messages_option
def command(
    captures: tuple[Path, ...],
    implementation: str,
    against: str,
    protocols: tuple[int, ...],
    verbose: bool,
    form: str,
    byteorder: ByteOrder | None,
    max_messages: int | None,
) -> None:
    """Print which attributes two implementations read: both, one alone, neither, and which nobody need read; of the
    messages in CAPTURES, or without any of all that the kernel defines.

    Exit code: 0 done, 3 a capture is damaged, holds no message or is longer than --max-messages, or none has a message
    that is asked for, 130 interrupted; what could be read is counted.
    """
    from nlmon.backends.registry import backend_class  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.compare.contract import load_contract  # noqa: PLC0415
    from nlmon.engine.coverage.held import Held  # noqa: PLC0415
    from nlmon.engine.coverage.kernel import kernel_coverage  # noqa: PLC0415

    names = against, implementation
    backends = backend_class(against), backend_class(implementation)
    code = ExitCode.OK
    refuse_stdin_twice(captures)
    if captures:
        held = Held(backends, names, load_contract())
        read, unread, code = _read(captures, held, protocols, byteorder, max_messages)
        found = held.report(read, unread)
        if not found.messages and not code:
            code = ExitCode.INPUT
            show_error(InputError("NLM-U002", "no message of these protocols in what was read", hint=INFO))
    else:
        found = kernel_coverage(backends, names, load_contract(), protocols)
    if form == "json":
        print_json(found)
    elif found.messages:
        _print(found, verbose)
        if verbose:
            _list(found)
    sys.exit(code)


def _read(
    captures: tuple[Path, ...],
    held: Held,
    protocols: tuple[int, ...],
    byteorder: ByteOrder | None,
    max_messages: int | None,
) -> tuple[list[str], list[UnreadCapture], ExitCode]:
    """Count what captures hold, and give the paths of those that could be opened, what could not be read, and the exit
    code."""
    from nlmon.capture import open_capture  # noqa: PLC0415  (start-up: --help needs none of it)
    from nlmon.engine.bounds import Bounds, Watch  # noqa: PLC0415
    from nlmon.engine.coverage.capture import count_capture  # noqa: PLC0415
    from nlmon.report.coverage import UnreadCapture  # noqa: PLC0415
    from nlmon.report.text import counted, shown_path  # noqa: PLC0415

    read: list[str] = []
    unread: list[UnreadCapture] = []
    code = ExitCode.OK
    for number, path in enumerate(captures):
        try:
            with open_capture(path, byteorder=byteorder) as reader, interruption() as interrupted:
                read.append(shown_path(path))
                watch = Watch(Bounds(messages=max_messages, interrupted=interrupted), reader.info.byteorder)
                with progress(reader.size, path.name) as advance:
                    tally = count_capture(reader, watch, held, protocols, on_progress=advance)
                warn_notes(reader)
                if reader.skipped and tally.frames:
                    were = counted(reader.skipped, "packet that is no netlink was", "packets that are no netlink were")
                    warn(f"note: {were} skipped ({shown_path(path)})")
                if watch.stop is not None and not watch.stop.interrupted:
                    raise stopped(watch.stop, shown_path(path))
                if watch.stop is not None:
                    show_error(stopped(watch.stop, shown_path(path)))
                    if left := len(captures) - number - 1:
                        warn(f"interrupted: {left:,} of {counted(len(captures), 'capture')} not read")
                    return read, unread, ExitCode.INTERRUPTED
                if reader.damage is not None:
                    raise reader.damage
                refuse_unread(reader, tally, shown_path(path))
        except NlmonError as error:
            show_error(error)
            unread.append(UnreadCapture(shown_path(path), error.code, error.why or error.what))
            code = max(code, error.exit_code)
    return read, unread, code


def _print(found: CoverageReport, verbose: bool) -> None:
    from rich import box  # noqa: PLC0415  (start-up: only people need it)
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from nlmon.report.text import counted  # noqa: PLC0415

    held = bool(found.captures)
    heads = ["attributes", "both", *(f"{name} alone" for name in found.implementations), "neither", "ignored"]
    table = Table("kind of message", *(["messages"] if held else []), *heads, box=box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    plain, alike = _alike(found)
    rows = [(message.message, message.messages, message.counts) for message in plain if message.event]
    if alike:
        counts = {state: sum(one.counts[state] for one in alike) for state in found.counts}
        rows.append((f"{len(alike)} more generic families", 0, counts))
    rows.append(("all", sum(one.messages for one in found.messages if one.event), found.counts))
    for name, messages, counts in rows:
        if name == "all":
            table.add_section()
        numbers = [*([messages] if held else []), sum(counts.values()), *counts.values()]
        table.add_row(escape(printable(name)), *(f"{number:,}" for number in numbers))
    console().print(table)
    silent = sorted((one for one in found.messages if not one.event), key=lambda one: -one.messages)
    if silent:
        shown = silent if verbose else silent[:SHOWN]
        which = ", ".join(f"{printable(one.message)} {one.messages:,}" for one in shown)
        more = f", and {counted(len(silent) - SHOWN, 'more type')}" if len(silent) > len(shown) else ""
        click.echo(f"messages that give no event: {which}{more}")
    if found.left_out:
        click.echo(f"attributes and messages of too many kinds to be counted: {found.left_out:,}")
    more = "" if verbose else "; nlmon coverage -v names those that not both read"
    click.echo(f"as Linux {found.kernel} defines them{more}")


def _alike(found: CoverageReport) -> tuple[list[MessageCoverage], list[MessageCoverage]]:
    """Messages with a line of their own, and generic families of which one implementation keeps all as it is."""
    if found.captures:
        return found.messages, []
    alike = [
        message
        for message in found.messages
        if message.protocol == "NETLINK_GENERIC" and sum(map(bool, message.counts.values())) == 1
    ]
    return [message for message in found.messages if message not in alike], alike


def _list(found: CoverageReport) -> None:
    from nlmon.report.coverage import attribute_lines  # noqa: PLC0415  (start-up: --help needs none of it)

    for message in _alike(found)[0]:
        lines = list(attribute_lines(message, found.implementations))
        if lines:
            click.echo(f"\n{printable(message.message)} ({message.protocol})")
            click.echo("\n".join(f"  {line}" for line in lines))
