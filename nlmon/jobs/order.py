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
from typing import TypeVar

from nlmon.errors import PlatformError
from nlmon.jobs.work import Outcome, ReplayOptions, replay_path
from nlmon.report.text import shown_path

__all__ = ["LOST", "in_order", "replay_captures"]

Task = TypeVar("Task")
Result = TypeVar("Result")

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
    """Replay captures by an executor and give their outcomes in order; the largest files begin first. See
    ``in_order``."""

    def submit(path: Path) -> Future[Outcome]:
        target = os.path.abspath(path) if options.elsewhere else os.fspath(path)  # noqa: PTH100  (a link stays one)
        return executor.submit(replay_path, target, os.fspath(path), options)

    return in_order(captures, submit, lambda path: _lost(path, options), weigh=_size, lost=lost, on_done=on_done)


def in_order(
    tasks: Sequence[Task],
    submit: Callable[[Task], Future[Result]],
    instead: Callable[[Task], Result],
    *,
    weigh: Callable[[Task], int] = lambda _: 0,
    lost: tuple[type[BaseException], ...] = LOST,
    on_done: Callable[[int], None] | None = None,
) -> Iterator[Result]:
    """Submit tasks, the heaviest first, and give their results in order.

    ``instead``: the result of a task whose worker is gone. ``lost``: what the executor raises then. ``on_done`` is
    called with the index of a task when it has ended, in any order and thread. Raises what a task raises; leaving early
    withdraws what has not begun.
    """
    waiting: dict[int, Future[Result]] = {}
    # Of equal weight the first begins first.
    for number in sorted(range(len(tasks)), key=lambda index: -weigh(tasks[index])):
        future = waiting[number] = _submitted(submit, tasks[number], lost)
        if on_done is not None:
            future.add_done_callback(lambda _, number=number: on_done(number))  # type: ignore[misc]
    try:
        for number, task in enumerate(tasks):
            try:
                result = waiting.pop(number).result()
            except lost:
                result = instead(task)
            yield result
    finally:
        for future in waiting.values():
            future.cancel()


def _submitted(
    submit: Callable[[Task], Future[Result]], task: Task, lost: tuple[type[BaseException], ...]
) -> Future[Result]:
    try:
        return submit(task)
    except lost as error:  # the executor broke while tasks were handed to it
        broken: Future[Result] = Future()
        broken.set_exception(error)
        return broken


def _lost(path: Path, options: ReplayOptions) -> Outcome:
    if options.elsewhere:
        why, hint = "it was killed, or memory ran out, or the scheduler ended", "see the logs of the cluster"
    else:
        why, hint = "it was killed, or memory ran out", "replay it by itself, or with fewer --jobs"
    what = "the process that replayed the capture is gone"
    error = PlatformError("NLM-J001", what, where=shown_path(path), why=why, hint=hint)
    return Outcome.without_replay(path, error, options)


def _size(path: Path) -> int:
    """The size of a file in bytes; a file that is not here has none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
