"""An executor of processes on this machine in which a lost process costs one task.

``ProcessPoolExecutor`` gives up every task when one of its processes ends, and does not say which task it had. Here
each process has a pool of its own, so the pool that breaks names the task, and the others go on; the next task gets a
new one.

Rules of this file:
1. Processes are spawned, not forked: a fork copies locks that threads hold.
2. Ctrl-C is handled by the parent: its processes never see SIGINT, and are killed when it leaves by an exception.
3. No process outlives the one that started it, however that one ends.

Not here: what the processes do (``work``).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from nlmon.errors import PlatformError, reason_of

__all__ = ["Processes", "allowed_cpus"]

P = ParamSpec("P")
T = TypeVar("T")


def allowed_cpus() -> int:
    """How many CPUs this process may use (sched_getaffinity(2))."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Context(SpawnContext):
    """Spawns, and remembers what it spawned."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[SpawnProcess] = []

    def Process(self, *arguments: Any, **options: Any) -> SpawnProcess:  # type: ignore[override]
        """A process that the context will remember."""
        self.started = [one for one in self.started if one.is_alive()]
        process = SpawnProcess(*arguments, **options)
        self.started.append(process)
        return process


class Processes(Executor):
    """At most ``count`` processes, started when there is something to do. ``submit`` raises ``RuntimeError`` after the
    end; a task whose process ends gets ``BrokenExecutor``."""

    def __init__(self, count: int) -> None:
        self._context = _Context()
        self._threads = ThreadPoolExecutor(count, "nlmon-job")
        self._lock = threading.Lock()
        self._idle: list[ProcessPoolExecutor] = []
        self._over = self._killed = False

    def submit(self, function: Callable[P, T], /, *arguments: P.args, **options: P.kwargs) -> Future[T]:
        """Call a function, which can be pickled, in one of the processes."""
        return self._threads.submit(self._carry_out, partial(function, *arguments, **options))

    def _carry_out(self, call: Callable[[], T]) -> T:
        with self._lock:  # whatever is started is known to who kills
            if self._killed:
                raise CancelledError
            pool, future = self._begin(call)
        try:
            return future.result()
        except BrokenExecutor:
            pool.shutdown()
            raise
        finally:
            with self._lock:
                if self._over:
                    pool.shutdown(wait=False)
                elif not isinstance(future.exception(), BrokenExecutor):
                    self._idle.append(pool)

    def _begin(self, call: Callable[[], T]) -> tuple[ProcessPoolExecutor, Future[T]]:
        while self._idle:
            pool = self._idle.pop()
            try:
                return pool, pool.submit(call)
            except BrokenExecutor:  # its process ended while it had nothing to do, which is no fault of this task
                pool.shutdown(wait=False)
        try:
            pool = ProcessPoolExecutor(1, self._context, _settle)
            _block_signals()  # only now: starting multiprocessing's resource tracker ends with SIGINT unblocked
            return pool, pool.submit(call)
        except (OSError, NotImplementedError) as error:
            why = reason_of(error)
            raise PlatformError("NLM-J003", "no process can be started", why=why, hint="use fewer --jobs") from error

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes once their tasks have ended."""
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        with self._lock:
            self._over = True
            while self._idle:
                self._idle.pop().shutdown(wait=wait)

    def kill(self) -> None:
        """End the processes now; what they did is lost."""
        with self._lock:
            self._killed = True
            for process in self._context.started:
                process.kill()
        self.shutdown(cancel_futures=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.shutdown()
        else:
            self.kill()


def _block_signals() -> None:
    """Keep SIGINT from this thread, and so from the processes it starts: masks survive fork and exec (signal(7)).
    SIGPIPE, too: a process that is gone must be an error where we write to it, whatever the signal means elsewhere."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGPIPE})


def _settle() -> None:
    """In a new process: end when the one that started it does, though it is in the middle of something."""
    parent = parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, name="nlmon-follow", daemon=True).start()
