"""One capture as a task for a worker: its options, what it does, and what it gives back.

Rules of this file:
1. A capture that cannot be read is an outcome; what else ends a run is raised.
2. A worker of another version refuses before it replays anything: its report could mean something else.
3. Nothing is shared: a capture is opened by its path where it is replayed.

Not here: many captures (``order``), and the replay itself (``nlmon.engine.replay``).
"""

from __future__ import annotations

import socket
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field, structs

from nlmon import __version__
from nlmon.backends.options import BackendOptions
from nlmon.capture import ByteOrder, CaptureReader, open_capture
from nlmon.compare.difference import Difference
from nlmon.compare.known import KnownDifference, known_for
from nlmon.engine.bounds import Bounds
from nlmon.engine.logs import compares_answers, maker_of, reader_of
from nlmon.engine.run import replay_capture
from nlmon.engine.segments import Select
from nlmon.errors import CaptureError, NlmonError, PlatformError, UsageError
from nlmon.limits import MOST_OBJECTS
from nlmon.report.jsonout import DifferenceLine, line_bytes
from nlmon.report.model import CaptureReport, Direction, directions, in_direction, row, unreadable
from nlmon.report.policy import Policy
from nlmon.report.text import shown_path
from nlmon.transport.recorded.faults import Fault

if TYPE_CHECKING:  # start-up: most replays have no filter
    from nlmon.filters import Filter

__all__ = ["Outcome", "ReplayOptions", "refuse_other_version", "replay_path", "replay_reader"]

CHUNK = 1 << 20


class ReplayOptions(Struct, frozen=True):
    """All that a worker needs beside its capture. ``protocols`` empty: all that are supported. ``both_ways``: judge the
    way back, too. ``control``: an implementation is compared with itself on purpose. ``known``: entries of the file of
    known differences, with their numbers. ``max_objects``, ``max_messages``: see ``Bounds``. ``where``: a filter of the
    events that are compared, empty: all. ``lines``: give every difference, too, as lines of a stream. ``elsewhere``:
    workers may be on other machines. ``version``: of the nlmon that sends the task."""

    reference: str = "legacy"
    candidate: str = "libnl"
    select: Select = "notifications"
    protocols: tuple[int, ...] = ()
    byteorder: ByteOrder | None = None
    backend: BackendOptions = field(default_factory=BackendOptions)
    faults: tuple[Fault, ...] = ()
    both_ways: bool = False
    control: bool = False
    policy: Policy = Policy()
    known: tuple[tuple[int, KnownDifference], ...] = ()
    max_objects: int | None = MOST_OBJECTS
    max_messages: int | None = None
    where: str = ""
    lines: bool = False
    elsewhere: bool = False
    version: str = __version__


class Outcome(Struct, frozen=True):
    """What became of one capture: its report, with that of the way back behind it if that was judged, and why it could
    not be read (``CaptureError``) or its worker was lost (``PlatformError``). ``packed``: lines of a stream, compressed
    by zlib; they wait for the captures before it."""

    reports: tuple[CaptureReport, ...]
    error: NlmonError | None = None
    packed: bytes = b""

    @classmethod
    def without_replay(cls, path: Path | str, error: NlmonError, options: ReplayOptions) -> Outcome:
        """That of a capture that could not be opened, or whose worker was lost."""
        fails = "the policy fails on error" if "error" in options.policy.fail_on else ""
        return cls(unreadable(shown_path(path), error, error.what, both_ways=options.both_ways, fails=fails), error)

    @property
    def report(self) -> CaptureReport:
        """The report on the move from the reference to the candidate."""
        return self.reports[0]

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
    interrupted: Callable[[], bool] | None = None,
    file: Path | None = None,
) -> tuple[CaptureReport, ...]:
    """Replay an open capture as the options say; ``on_line`` gets every difference as a line of a stream;
    ``interrupted`` says that somebody wants the end; ``file``: the capture, where reports call it otherwise."""
    shown = shown_path(path)
    names, judged = (options.reference, options.candidate), directions(both_ways=options.both_ways)
    pairs = [in_direction(direction, names) for direction in judged]

    def stream(difference: Difference, direction: Direction) -> None:
        if on_line is not None:
            on_line(line_bytes(DifferenceLine(shown, row(difference), direction)))

    read = reader_of(
        partial(_open_again, Path(path) if file is None else file, options),
        select=options.select,
        protocols=options.protocols or None,
        options=options.backend,
    )
    return replay_capture(
        reader,
        shown,
        *(maker_of(name, read, options.backend) for name in names),
        select=options.select,
        protocols=options.protocols or None,
        on_difference=None if on_line is None else partial(stream, direction="migrate"),
        on_reverse=None if on_line is None else partial(stream, direction="rollback"),
        on_progress=on_progress,
        options=options.backend,
        faults=options.faults,
        known=known_for(options.known, shown, reader.kernel, pairs),
        policy=options.policy,
        control=options.control,
        bounds=Bounds(options.max_objects, options.max_messages, interrupted),
        where=_filter(options.where),
        answers=compares_answers(names),
    )


def _open_again(file: Path, options: ReplayOptions) -> CaptureReader:
    """A capture that is open already. Raises ``UsageError`` (NLM-N051)."""
    if str(file) == "-":
        raise UsageError("NLM-N051", "what has no bytes is not compared with standard input", hint="name a file")
    return open_capture(file, byteorder=options.byteorder)


def _filter(text: str) -> Filter | None:
    from nlmon.filters import compile_filter  # noqa: PLC0415  (start-up: most replays have no filter)

    return compile_filter(text) if text else None


def refuse_other_version(version: str) -> None:
    """Raise ``PlatformError`` (NLM-J002) in a worker that is not of the version that sends the task."""
    if version != __version__:
        raise PlatformError(
            *("NLM-J002", "another version of nlmon"),
            where=f"worker on {socket.gethostname()}",
            why=f"it has {__version__} and the task is of {version}",
            hint="install the same version everywhere",
        )


def replay_path(target: str, path: str, options: ReplayOptions) -> Outcome:
    """What a worker does: open ``target``, which the report calls ``path``, and replay it.

    Raises ``PlatformError`` (NLM-J002) when the task comes from another version.
    """
    refuse_other_version(options.version)
    packer, packed = zlib.compressobj(1), bytearray()
    on_line = (lambda line: packed.extend(packer.compress(line))) if options.lines else None
    try:
        with open_capture(Path(target), byteorder=options.byteorder) as reader:
            reports = replay_reader(reader, path, options, on_line=on_line, file=Path(target))
    except CaptureError as error:
        shown = _as_seen_here(error) if options.elsewhere else error
        return structs.replace(Outcome.without_replay(path, error, options), error=shown)
    return Outcome(reports, packed=bytes(packed + packer.flush()) if packed or options.lines else b"")


def _as_seen_here(error: CaptureError) -> CaptureError:
    """An error that names the machine where a capture could not be opened, and for a missing file what it takes."""
    where = f"{error.where} on {socket.gethostname()}"
    hint = "a worker opens captures by their path; keep them where all workers see the same" * (
        error.code == "NLM-C001"
    )
    return CaptureError(
        error.code, error.what, where=where, why=error.why, hint=hint or error.hint, offset=error.offset
    )
