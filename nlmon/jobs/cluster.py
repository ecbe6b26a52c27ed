"""The workers of a dask cluster as an executor, for corpora that outgrow one machine.

A cluster is a scheduler and workers that run already; nlmon is a client of it. Scheduler and workers need the
same nlmon, and workers open captures by their path, so these lie where all of them see the same.

Rules of this file:
1. dask is loaded here and only here; what it logs is not shown, and its errors are replaced by ours.
2. A cluster that does not answer within seconds is an error, not a wait.

Not here: what workers do (``work``).
"""

from __future__ import annotations

import asyncio
import logging
import pkgutil
import signal
import sys
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

    Raises ``PlatformError``: NLM-J002 for another version of nlmon in the cluster, NLM-J004 without dask, NLM-J005 when
    the scheduler does not answer, NLM-J006 when it has no workers, NLM-J007 where nlmon cannot be loaded.
    """
    try:
        from distributed import Client, KilledWorker  # noqa: PLC0415  (an extra, and heavy)
    except ModuleNotFoundError as error:
        hint = "pip install 'nlmon[dask]'"
        raise PlatformError("NLM-J004", "dask is not installed", why=str(error), hint=hint) from error
    _be_quiet()
    with _no_sigpipe():
        _check_scheduler(address, timeout)
        client = Client(address, timeout=timeout, set_as_default=False)
    try:
        _check_versions(client, address, timeout)
        # Two captures may have one path, and a file may have changed since another client asked.
        yield Cluster(client.get_executor(pure=False), (BrokenExecutor, CancelledError, KilledWorker))
    finally:
        client.close(timeout=timeout)


def _check_scheduler(address: str, timeout: float) -> None:
    """Raise ``PlatformError`` unless a scheduler answers in time. A client's own timeout does not hold for a server
    that accepts and is silent, and one that failed is not quiet."""
    from distributed.core import rpc  # noqa: PLC0415
    from distributed.security import Security  # noqa: PLC0415

    async def ask() -> str:
        async with asyncio.timeout(timeout):
            scheduler = rpc(address, connection_args=Security().get_connection_args("client"))
            try:
                return str((await scheduler.identity())["type"])
            finally:
                await scheduler.close_rpc()

    try:
        found = asyncio.run(ask())
        why = "" if found == "Scheduler" else f"a dask {found} does"
    except TimeoutError:
        why = f"nothing came within {timeout:g} seconds"
    except Exception as error:  # whatever its libraries raise for an address, a name or a foreign protocol
        why = " ".join(str(error).split()) or type(error).__name__
    if why:
        hint = "give the address that the scheduler printed when it started"
        raise PlatformError("NLM-J005", "the scheduler does not answer", where=address, why=why, hint=hint)


def _check_versions(client: Any, address: str, timeout: float) -> None:
    """Raise ``PlatformError`` unless there are workers, and all of the cluster has our nlmon."""
    try:
        client.wait_for_workers(1, timeout=timeout)
    except TimeoutError as error:
        hint = f"start some with: dask worker {address} --nthreads 1"
        raise PlatformError("NLM-J006", "the cluster has no workers", where=address, hint=hint) from error
    # A function of the standard library, so that nothing of ours is needed to answer. The scheduler reads tasks, too.
    ask = (pkgutil.resolve_name, "nlmon.jobs.work:__version__")
    try:
        scheduler = client.run_on_scheduler(*ask)
    except ImportError as error:
        scheduler = error
    found = {f"scheduler {address}": scheduler}
    found |= {f"worker {name}": version for name, version in sorted(client.run(*ask, on_error="return").items())}
    for where, version in found.items():
        if isinstance(version, BaseException):
            hint = "install the same nlmon on the scheduler and on all workers"
            raise PlatformError("NLM-J007", "the cluster lacks this nlmon", where=where, why=str(version), hint=hint)
        if version != __version__:
            why = f"it has {version} and the task is of {__version__}"
            hint = "install the same version everywhere"
            raise PlatformError("NLM-J002", "another version of nlmon", where=where, why=why, hint=hint)


@contextmanager
def _no_sigpipe() -> Iterator[None]:
    """Block SIGPIPE in this thread, and for good in those that are started: a connection that is lost must be an error
    there, whatever the signal means to who writes our output."""
    if sys.platform == "win32":
        yield
    else:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
        try:
            yield
        finally:
            if signal.SIGPIPE in signal.sigpending():  # it would come when it is let in again
                signal.sigwait({signal.SIGPIPE})
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _be_quiet() -> None:
    """Keep what dask logs from the terminal; each of its loggers has a level of its own."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in {"distributed", "tornado"}:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
