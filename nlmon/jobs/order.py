"""Many captures by an executor, and their outcomes in the order they were given.

    captures ─► largest first ─► executor ─► one replay each ─► outcomes, in the order of the captures

Rules of this file:
1. What would end the run in one process ends it here, and is raised when its turn comes.
2. A worker that is lost is an outcome, with an error that names the capture.

Not here: what a worker does (``work``), and executors (``processes``, ``cluster``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from pathlib import Path

from nlmon.errors import PlatformError
from nlmon.jobs.work import Outcome, ReplayOptions, replay_path, unreadable
from nlmon.report.text import shown_path

__all__ = ["replay_captures"]

# What an executor raises for a task whose worker is gone.
LOST = (BrokenExecutor, CancelledError)


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
                outcome = _lost(path, options)
            yield outcome
    finally:
        for future in waiting.values():
            future.cancel()


def _submit(
    executor: Executor, path: Path, options: ReplayOptions, lost: tuple[type[BaseException], ...]
) -> Future[Outcome]:
    target = os.path.abspath(path) if options.elsewhere else os.fspath(path)  # noqa: PTH100  (a link stays one)
    try:
        return executor.submit(replay_path, target, os.fspath(path), options)
    except lost as error:  # the executor broke while captures were handed to it
        broken: Future[Outcome] = Future()
        broken.set_exception(error)
        return broken


def _lost(path: Path, options: ReplayOptions) -> Outcome:
    if options.elsewhere:
        why, hint = "it was killed, or memory ran out, or the scheduler ended", "see the logs of the cluster"
    else:
        why, hint = "it was killed, or memory ran out", "replay it by itself, or with fewer --jobs"
    what = "the process that replayed the capture is gone"
    error = PlatformError("NLM-J001", what, where=shown_path(path), why=why, hint=hint)
    return Outcome(unreadable(path, error, options), error)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
