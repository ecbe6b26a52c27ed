"""One capture as a task for a worker, and the outcomes of many in the order they were given.

    captures ─► largest first ─► executor ─► one replay each ─► outcomes, in the order of the captures

Rules of this file:
1. A capture that cannot be read is an outcome. What would end the run in one process ends it here: it is raised when
   its turn comes.
2. A worker of another version is refused before it replays anything: its report could mean something else.
3. Nothing is shared: a capture is opened by its path where it is replayed.

Not here: executors (``processes``, ``cluster``), and the replay itself (``nlmon.replay``).
"""

from __future__ import annotations

import os
import socket
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from functools import partial
from pathlib import Path

from msgspec import Struct, field

from nlmon import __version__
from nlmon.backends.base import BackendOptions, create
from nlmon.capture import ByteOrder, CaptureReader, open_capture
from nlmon.compare.difference import Difference
from nlmon.errors import CaptureError, NlmonError, PlatformError
from nlmon.outcome import row
from nlmon.replay import Select, replay_capture
from nlmon.report.jsonout import DifferenceLine, line_bytes
from nlmon.report.model import CaptureReport, Damage
from nlmon.report.text import shown_path
from nlmon.transport.faults import Fault

__all__ = ["Outcome", "ReplayOptions", "replay_captures", "replay_reader", "unreadable"]

# What an executor raises for a task whose worker is gone.
LOST = (BrokenExecutor, CancelledError)
CHUNK = 1 << 20


class ReplayOptions(Struct, frozen=True):
    """All that a worker is told beside its capture. ``protocols`` empty: all that are supported. ``lines``: give every
    difference, too, as lines of a stream. ``elsewhere``: workers may be on other machines. ``version``: of the nlmon
    that asks."""

    reference: str = "legacy"
    candidate: str = "libnl"
    select: Select = "notifications"
    protocols: tuple[int, ...] = ()
    byteorder: ByteOrder | None = None
    backend: BackendOptions = field(default_factory=BackendOptions)
    faults: tuple[Fault, ...] = ()
    strict: bool = False
    lines: bool = False
    elsewhere: bool = False
    version: str = __version__


class Outcome(Struct, frozen=True):
    """What became of one capture: its report, and why it could not be read (``CaptureError``) or its worker was lost
    (``PlatformError``). ``packed``: lines of a stream, compressed by zlib; they wait for the captures before it."""

    report: CaptureReport
    error: NlmonError | None = None
    packed: bytes = b""

    def lines(self) -> Iterator[bytes]:
        """The lines of a stream in pieces of a MiB, which need not end where a line does."""
        unpack, rest = zlib.decompressobj(), self.packed
        while rest and (piece := unpack.decompress(rest, CHUNK)):
            yield piece
            rest = unpack.unconsumed_tail


def replay_reader(
    reader: CaptureReader,
    path: Path | str,
    options: ReplayOptions,
    *,
    on_line: Callable[[bytes], object] | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> CaptureReport:
    """Replay an open capture as the options say; ``on_line`` gets every difference as a line of a stream."""
    shown = shown_path(path)

    def stream(difference: Difference) -> None:
        if on_line is not None:
            on_line(line_bytes(DifferenceLine(shown, row(difference))))

    return replay_capture(
        reader,
        shown,
        partial(create, options.reference),
        partial(create, options.candidate),
        select=options.select,
        protocols=options.protocols or None,
        on_difference=None if on_line is None else stream,
        on_progress=on_progress,
        options=options.backend,
        faults=options.faults,
        strict=options.strict,
    )


def unreadable(path: Path | str, error: CaptureError) -> CaptureReport:
    """The report on a capture that could not be opened."""
    damage = Damage(error.code, error.what, error.offset)
    return CaptureReport(path=shown_path(path), verdict="error", reason=error.what, damage=damage)


def replay_captures(
    captures: Sequence[Path],
    options: ReplayOptions,
    executor: Executor,
    *,
    lost: tuple[type[BaseException], ...] = LOST,
    on_done: Callable[[int], None] | None = None,
) -> Iterator[Outcome]:
    """Replay captures by an executor and give their outcomes in order; the largest files begin first.

    ``lost``: what the executor raises when a worker is gone. ``on_done`` is called with the index of a capture when it
    has ended, in any order and thread. Raises what a replay raises; leaving early withdraws what has not begun.
    """
    waiting: dict[int, Future[Outcome]] = {}
    # Of equal size the first begins first; a file that is not here has no size.
    for number in sorted(range(len(captures)), key=lambda index: -_size(captures[index])):
        future = waiting[number] = _submit(executor, captures[number], options, lost)
        if on_done is not None:
            future.add_done_callback(lambda _, number=number: on_done(number))  # type: ignore[misc]
    try:
        for number, path in enumerate(captures):
            try:
                outcome = waiting.pop(number).result()
            except lost:
                outcome = _lost(path, elsewhere=options.elsewhere)
            yield outcome
    finally:
        for future in waiting.values():
            future.cancel()


def _submit(
    executor: Executor, path: Path, options: ReplayOptions, lost: tuple[type[BaseException], ...]
) -> Future[Outcome]:
    target = os.path.abspath(path) if options.elsewhere else os.fspath(path)  # noqa: PTH100  (a link stays one)
    try:
        return executor.submit(_work, target, os.fspath(path), options)
    except lost as error:  # the executor broke while captures were handed to it
        broken: Future[Outcome] = Future()
        broken.set_exception(error)
        return broken


def _work(target: str, path: str, options: ReplayOptions) -> Outcome:
    """What a worker does: open ``target``, which the report calls ``path``, and replay it."""
    if options.version != __version__:
        raise PlatformError(
            *("NLM-J002", "another version of nlmon"),
            where=f"worker on {socket.gethostname()}",
            why=f"it has {__version__} and was asked by {options.version}",
            hint="install the same version everywhere",
        )
    packer, packed = zlib.compressobj(1), bytearray()
    on_line = (lambda line: packed.extend(packer.compress(line))) if options.lines else None
    try:
        with open_capture(Path(target), byteorder=options.byteorder) as reader:
            report = replay_reader(reader, path, options, on_line=on_line)
    except CaptureError as error:
        told = _as_seen_here(error) if options.elsewhere else error
        return Outcome(unreadable(path, error), told)
    return Outcome(report, packed=bytes(packed + packer.flush()) if packed or options.lines else b"")


def _as_seen_here(error: CaptureError) -> CaptureError:
    """An error that names the machine where a capture could not be opened, and for a missing file what it takes."""
    where = f"{error.where} on {socket.gethostname()}"
    hint = "a worker opens captures by their path; keep them where all workers see the same" * (
        error.code == "NLM-C001"
    )
    return CaptureError(
        error.code, error.what, where=where, why=error.why, hint=hint or error.hint, offset=error.offset
    )


def _lost(path: Path, *, elsewhere: bool) -> Outcome:
    if elsewhere:
        why, hint = "it was killed, or memory ran out, or the scheduler ended", "see the logs of the cluster"
    else:
        why, hint = "it was killed, or memory ran out", "replay it alone, or with fewer --jobs"
    what = "the process that replayed the capture is gone"
    error = PlatformError("NLM-J001", what, where=shown_path(path), why=why, hint=hint)
    return Outcome(CaptureReport(path=shown_path(path), verdict="error", reason=error.what), error)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
