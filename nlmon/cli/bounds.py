"""Bounds of commands that read captures: ``--max-messages``, ``--max-objects``, and Ctrl-C.

Rules:
1. Ctrl-C ends the reading and not the command: what was read is reported, and the exit code is that of an interruption.
   Pressed a second time, or while nothing was read yet, it interrupts at once; so does the first time where reading
   does not come to the end of a batch within a second, as where a program is waited for.
2. What a bound has ended is said on stderr with a code, whatever the command prints.

Not here: what a bound does to a replay (``nlmon.engine.bounds``).
"""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nlmon.cli.common import F, progress, show_error, warn_notes
from nlmon.errors import ExitCode, InputError
from nlmon.limits import MOST_OBJECTS

if TYPE_CHECKING:  # start-up: --help needs no report
    from nlmon.capture import ByteOrder, CaptureReader
    from nlmon.report.model import Stop

__all__ = [
    "interruption",
    "max_messages_option",
    "max_objects_option",
    "noted_interruption",
    "reading",
    "say_end",
    "say_stop",
    "stopped",
]

# Seconds that a batch may go on for after Ctrl-C.
PATIENCE = 1.0
_HINTS = {"NLM-L001": "raise --max-objects; an object takes about 1 KB", "NLM-L002": "raise --max-messages"}


def max_messages_option(function: F) -> F:
    """``--max-messages N``: how much is read."""
    decorate = click.option(
        "--max-messages",
        type=click.IntRange(min=1),
        metavar="N",
        help="Read no more than N messages of a capture.  [default: all]",
    )
    return decorate(function)


def max_objects_option(function: F) -> F:
    """``--max-objects N``: how much is held."""
    decorate = click.option(
        "--max-objects",
        type=click.IntRange(min=1),
        default=MOST_OBJECTS,
        show_default=True,
        metavar="N",
        help="Stop with no verdict once more than N links, addresses, routes, neighbours and rules are held; they are "
        "counted after each batch of frames.",
    )
    return decorate(function)


@contextmanager
def interruption() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed, which who reads asks at each batch. Before the first, the second time it is pressed,
    and ``PATIENCE`` seconds after the first it interrupts: a pipe may have nothing to read, or a program to say, for
    long."""
    asked = pressed = over = False
    waits: list[threading.Timer] = []

    def note(*_: object) -> None:
        nonlocal pressed
        if over:
            return
        if pressed or not asked:
            raise KeyboardInterrupt
        pressed = True
        waits.append(threading.Timer(PATIENCE, _thread.interrupt_main))
        waits[0].daemon = True
        waits[0].start()

    def is_pressed() -> bool:
        nonlocal asked
        asked = True
        if pressed and waits:
            waits.pop().cancel()
        return pressed

    with _on_interrupt(note):
        try:
            yield is_pressed
        finally:
            over = True
            for one in waits:
                one.cancel()


@contextmanager
def noted_interruption() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed, which interrupts at once, as ever. What was under way may have made an error of its
    own of that; so who is given a result asks before it counts."""
    pressed = False

    def note(*_: object) -> None:
        nonlocal pressed
        pressed = True
        raise KeyboardInterrupt

    with _on_interrupt(note):
        yield lambda: pressed


@contextmanager
def _on_interrupt(note: Callable[..., None]) -> Iterator[None]:
    """Let ``note`` handle Ctrl-C, unless that is ignored, as behind a shell's &."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def stopped(stop: Stop, where: str) -> InputError:
    """What is said of a capture that was not read to its end."""
    what = f"the capture was read up to frame {stop.frame:,}"
    return InputError(stop.code, what, where=where, why=stop.what, hint=_HINTS.get(stop.code, ""))


def say_stop(stop: Stop | None, where: str) -> None:
    """Raise ``InputError`` if a bound ended the reading; after an interruption say it and end with its exit code."""
    if stop is None:
        return
    if stop.interrupted:
        show_error(stopped(stop, where))
        raise SystemExit(ExitCode.INTERRUPTED)
    raise stopped(stop, where)


def say_end(reader: CaptureReader, stop: Stop | None, where: str) -> None:
    """Say what one must know of a capture that was read, and raise what has ended it early: a bound or damage."""
    warn_notes(reader)
    say_stop(stop, where)
    if reader.damage is not None:
        raise reader.damage


@contextmanager
def reading(
    capture: Path, byteorder: ByteOrder | None
) -> Iterator[tuple[CaptureReader, Callable[[int], None] | None, Callable[[], bool]]]:
    """A capture that is open, what moves the progress bar along, and whether Ctrl-C was pressed."""
    from nlmon.capture import open_capture  # noqa: PLC0415  (start-up: --help reads no capture)

    with (
        open_capture(capture, byteorder=byteorder) as reader,
        progress(reader.size, capture.name) as advance,
        interruption() as interrupted,
    ):
        yield reader, advance, interrupted
