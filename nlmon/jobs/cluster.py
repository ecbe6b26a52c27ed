"""The workers of a dask cluster as an executor, for corpora that outgrow one machine.

A cluster is a scheduler and workers that somebody runs already; nlmon is a client of it. Scheduler and workers need the
same nlmon, and workers open captures by their path, so these lie where all of them see the same.

Rules of this file:
1. dask is loaded here and only here; what it logs is not for our users, what goes wrong is told in our words.
2. A cluster that does not answer within seconds is an error, not a wait.

Not here: what workers do (``work``).
"""

from __future__ import annotations

import logging
import pkgutil
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from nlmon import __version__
from nlmon.errors import PlatformError

__all__ = ["Cluster", "open_cluster"]


class Cluster(Struct, frozen=True):
    """An executor, and what it raises when a worker is ``lost``."""

    executor: Executor
    lost: tuple[type[BaseException], ...]


@contextmanager
def open_cluster(address: str, *, timeout: float = 5.0) -> Iterator[Cluster]:
    """The cluster whose scheduler has an address such as ``tcp://host:8786``; ``timeout`` in seconds.

    Raises ``PlatformError``: NLM-J002 for a worker with another nlmon, NLM-J004 without dask, NLM-J005 when the
    scheduler does not answer, NLM-J006 when it has no workers, NLM-J007 for a worker without nlmon.
    """
    try:
        from distributed import Client, KilledWorker  # noqa: PLC0415  (an extra, and heavy)
    except ModuleNotFoundError as error:
        hint = "install the extra nlmon[dask]"
        raise PlatformError("NLM-J004", "dask is not installed", why=str(error), hint=hint) from error
    _be_quiet()
    try:
        client = Client(address, timeout=timeout, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        why = " ".join(str(error).split())
        hint = "is this the address that the scheduler gave when it started?"
        raise PlatformError("NLM-J005", "the scheduler does not answer", where=address, why=why, hint=hint) from error
    try:
        _check_workers(client, address, timeout)
        # Two captures may have one path, and a file may have changed since somebody else asked.
        yield Cluster(client.get_executor(pure=False), (BrokenExecutor, CancelledError, KilledWorker))
    finally:
        client.close(timeout=timeout)


def _check_workers(client: Any, address: str, timeout: float) -> None:
    """Raise ``PlatformError`` unless there are workers and each of them has our nlmon."""
    try:
        client.wait_for_workers(1, timeout=timeout)
    except TimeoutError as error:
        hint = f"start some with: dask worker {address} --nthreads 1"
        raise PlatformError("NLM-J006", "the cluster has no workers", where=address, hint=hint) from error
    # A function of the standard library, so that a worker needs nothing of ours to answer.
    found = client.run(pkgutil.resolve_name, "nlmon:__version__", on_error="return")
    for worker, version in sorted(found.items()):
        if isinstance(version, BaseException):
            hint = "install the same nlmon on the scheduler and on all workers"
            raise PlatformError("NLM-J007", "a worker has no nlmon", where=worker, why=str(version), hint=hint)
        if version != __version__:
            why = f"it has {version}, here is {__version__}"
            hint = "install the same version everywhere"
            raise PlatformError("NLM-J002", "a worker has another version of nlmon", where=worker, why=why, hint=hint)


def _be_quiet() -> None:
    """Keep what dask logs from the terminal; each of its loggers has a level of its own."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in {"distributed", "tornado"}:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
