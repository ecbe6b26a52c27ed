"""``nlmon compare``: the event logs of two monitors on one host, message by message.

Not here: reading (``nlmon.canary.following``) and comparing (``nlmon.canary.pairs``).
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from math import inf
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from nlmon.cli.common import FilePath, against_option, implementation_option
from nlmon.cli.output import print_bytes
from nlmon.errors import ExitCode, UsageError
from nlmon.printable import printable, printable_json

if TYPE_CHECKING:  # start-up: --help compares nothing
    from nlmon.canary.following import Log
    from nlmon.canary.pairs import LogDifference, LogSummary, Pairs

__all__ = ["command"]

EXITS = {"same": ExitCode.OK, "differences": ExitCode.FAILED, "too little evidence": ExitCode.INPUT}
# Seconds between two looks at files that do not grow.
PAUSE = 0.2


@click.command()
@click.argument("reference", metavar="A", type=FilePath())
@click.argument("candidate", metavar="B", type=FilePath())
@against_option
@implementation_option("The candidate: the implementation that wrote B.")
@click.option("--follow", is_flag=True, help="Go on while the logs grow, until Ctrl-C or the end of --duration.")
@click.option("--duration", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Follow for so long.")
@click.option(
    "--window",
    type=click.FloatRange(0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a line waits for its counterpart in the other log.",
)
@click.option(
    "--window-events",
    type=click.IntRange(1),
    default=5000,
    show_default=True,
    help="How many lines of a log wait at most.",
)
@click.option(
    "--min-events", type=click.IntRange(1), default=1, show_default=True, help="Fewer are too little evidence."
)
@click.option("--format", "form", type=click.Choice(["pretty", "jsonl"]), default="pretty", show_default=True)
def command(
    reference: Path,
    candidate: Path,
    against: str,
    implementation: str,
    follow: bool,
    duration: float | None,
    window: float,
    window_events: int,
    min_events: int,
    form: str,
) -> None:
    """Compare the JSON lines that two monitors on one host have exported: A by the reference, B by the candidate.

    Files before A and B (A.0, A.1.gz …) are read first. Lines are paired by what their messages hold.

    Exit code: 0 the same, or as the contract says, 1 differences, 3 too little evidence.
    """
    from nlmon.canary.following import Log  # noqa: PLC0415  (start-up: --help compares nothing)
    from nlmon.canary.pairs import Pairs  # noqa: PLC0415

    if str(reference) == "-" or str(candidate) == "-":
        raise UsageError("NLM-Z008", "a log is a file", hint="name the files that the monitors write")
    logs = Log(reference), Log(candidate)
    pairs = Pairs((against, implementation), window, window_events)
    try:
        for found in _compared(pairs, logs, duration or (inf if follow else 0)):
            _print(found, form)
    finally:
        for log in logs:
            log.close()
    summary = pairs.summary(
        min_events,
        (logs[0].unfinished, logs[1].unfinished),
        (*logs[0].notes, *logs[1].notes),
    )
    _print_summary(summary, form)
    sys.exit(EXITS[summary.verdict])


def _compared(pairs: Pairs, logs: tuple[Log, Log], seconds: float) -> Iterator[LogDifference]:
    """The differences of two logs, which are read in step by the times of their events; for so many seconds, or until a
    signal, also what they grow by."""
    import time  # noqa: PLC0415  (start-up: as above)

    end = time.monotonic() + seconds
    with _until_a_signal() if seconds else nullcontext(Event()) as stop:
        last = False
        while not last:
            # What was written until the end belongs to it, of both logs: they are read once more after a signal.
            last = time.monotonic() >= end or stop.is_set()
            before = pairs.lines[:]
            yield from _in_step(pairs, logs)
            if not last and pairs.lines == before:
                stop.wait(PAUSE)
    yield from pairs.finish()


def _in_step(pairs: Pairs, logs: tuple[Log, Log]) -> Iterator[LogDifference]:
    """The differences of what there is by now. A log that is at its end waits for nobody."""
    lines = {side: log.lines() for side, log in enumerate(logs)}
    while lines:
        side = min(lines, key=pairs.latest.__getitem__)
        line = next(lines[side], None)
        if line is None:
            del lines[side]
            continue
        yield from pairs.add(side, line)
        yield from pairs.settle(min(pairs.latest[one] for one in lines))


@contextmanager
def _until_a_signal() -> Iterator[Event]:
    """What is set by Ctrl-C or SIGTERM, which end nothing meanwhile."""
    stop = Event()
    before = {one: signal.signal(one, lambda *_: stop.set()) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _print(found: LogDifference, form: str) -> None:
    """A difference, at once."""
    if form == "jsonl":
        _json(found)
        return
    about = f" {found.field}" if found.field else ""
    print_ = sys.stdout.write
    print_(printable(f"{found.code} {found.difference} {found.message}{about}: {found.reason}") + "\n")
    for value, place, line in (
        (found.reference, found.reference_place, found.reference_line),
        (found.candidate, found.candidate_place, found.candidate_line),
    ):
        if place is not None:
            print_(printable(f"  {place}" + (f" ({value})" if value else "") + f": {line}") + "\n")
    sys.stdout.flush()


def _print_summary(found: LogSummary, form: str) -> None:
    if form == "jsonl":
        _json(found)
        return
    for note in found.notes:
        sys.stdout.write(printable(f"note: {note}") + "\n")
    for name, half in zip(("A", "B"), found.unfinished, strict=True):
        if half:
            sys.stdout.write(f"note: the last line of {name} is half written, and was not compared\n")
    parts = [f"{found.lines[0]} and {found.lines[1]} lines", f"{found.paired} paired", f"{found.explained} explained"]
    parts += [f"{count} {name}" for name, count in (("outside", found.outside), ("waiting", found.waiting)) if count]
    parts += [f"{count} {name}" for name, count in found.differences.items()]
    sys.stdout.write(f"{found.verdict}: {', '.join(parts)}\n")


def _json(found: LogDifference | LogSummary) -> None:
    import msgspec  # noqa: PLC0415  (start-up: as above)

    print_bytes(printable_json(msgspec.json.encode(found)) + b"\n")
