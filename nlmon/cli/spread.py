"""Where captures are replayed: in this process one after another, in several processes, or by a dask cluster.

Rules:
1. One process starts no other: its differences are written when they are found, and its progress is that of a capture.
2. With several, what is shown is how much of all captures has been replayed.
3. Whatever ends the command, its processes are ended first.

Not here: executors (``nlmon.jobs``), and what becomes of an outcome (``nlmon.cli.replay``).
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from msgspec import structs

from nlmon.capture import open_capture
from nlmon.cli.common import progress
from nlmon.errors import CaptureError, ExitCode, PlatformError
from nlmon.jobs.work import Outcome, ReplayOptions, replay_reader

__all__ = ["outcomes", "patient_signals"]

# Windows has none.
SIGPIPE: signal.Signals | None = getattr(signal, "SIGPIPE", None)


@contextmanager
def outcomes(
    captures: Sequence[Path],
    options: ReplayOptions,
    jobs: int,
    cluster: str,
    interrupted: Callable[[], bool] | None = None,
) -> Iterator[Iterator[Outcome]]:
    """The outcomes of captures in their order; ``jobs`` 0: as many as there are CPUs, ``cluster``: address of a dask
    scheduler, or empty. Whoever leaves by an exception ends the processes, too. ``interrupted``: says that somebody
    wants the end; several processes are ended by whoever leaves."""
    if cluster:
        from nlmon.jobs.cluster import open_cluster  # noqa: PLC0415  (start-up: only a cluster needs it)
        from nlmon.jobs.order import replay_captures  # noqa: PLC0415

        with open_cluster(cluster) as there, _progress(captures) as on_done:
            options = structs.replace(options, elsewhere=True)
            yield replay_captures(captures, options, there.executor, lost=there.lost, on_done=on_done)
        return
    if jobs != 1 and len(captures) > 1:
        from nlmon.jobs.order import replay_captures  # noqa: PLC0415  (start-up: only several need it)
        from nlmon.jobs.processes import Processes, allowed_cpus  # noqa: PLC0415

        count = min(jobs or allowed_cpus(), len(captures))
        if count > 1:
            with patient_signals(), Processes(count) as executor, _progress(captures) as on_done:
                yield replay_captures(captures, options, executor, on_done=on_done)
            return
    yield map(partial(_here, options=options, interrupted=interrupted), captures)


@contextmanager
def patient_signals() -> Iterator[None]:
    """End worker processes before SIGTERM, or SIGPIPE when the reader of our output goes, ends this one.

    Ended at once, it would leave processes and semaphores behind."""
    signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, SIGPIPE) if number is not None}
    if SIGPIPE is not None:
        signal.signal(SIGPIPE, signal.SIG_IGN)
    if signals[signal.SIGTERM] != signal.SIG_IGN:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(ExitCode.TERMINATED))
    try:
        yield
    except PlatformError as error:
        if SIGPIPE is not None and isinstance(error.__cause__, BrokenPipeError):
            signal.signal(SIGPIPE, signals[SIGPIPE])
            signal.raise_signal(SIGPIPE)
        raise
    finally:
        for number, before in signals.items():
            signal.signal(number, before)


def _here(path: Path, options: ReplayOptions, interrupted: Callable[[], bool] | None) -> Outcome:
    """Replay a capture in this process; its lines go to stdout and not into the outcome."""
    on_line = sys.stdout.buffer.write if options.lines else None
    try:
        with open_capture(path, byteorder=options.byteorder) as reader, progress(reader.size, path.name) as advance:
            return Outcome(
                replay_reader(reader, path, options, on_line=on_line, on_progress=advance, interrupted=interrupted)
            )
    except CaptureError as error:
        return Outcome.without_replay(path, error, options)


@contextmanager
def _progress(captures: Sequence[Path]) -> Iterator[Callable[[int], None] | None]:
    """A progress bar over the bytes of all captures, each of which counts when it is done."""
    # A file that only workers see counts, too.
    sizes = [max(path.stat().st_size, 1) if path.exists() else 1 for path in captures]
    with progress(sum(sizes), f"{len(captures)} captures") as advance:
        if advance is None:
            yield None
            return
        done: list[int] = []

        def on_done(number: int) -> None:
            done.append(sizes[number])
            advance(sum(done))

        yield on_done
