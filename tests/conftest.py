"""How the tests run: the same examples every time unless ``--hypothesis-profile=fuzz`` is given, a quarter of them
with ``quick``, each module in one worker, tests that share the machine in one, too, which begins with them, and ids
that are the same in every worker.

Not here: what tests use (``support``).
"""

from __future__ import annotations

import gc
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from support.stranger import build_wheel

__all__ = ()

# The time of an example says more about the machine than about the code.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("quick", derandomize=True, deadline=None, max_examples=25)
settings.register_profile("fuzz", derandomize=False, database=None, deadline=None, print_blob=True)
settings.load_profile("ci")


def pytest_configure() -> None:
    """Whoever starts the tests in the background ignores Ctrl-C, or SIGHUP by nohup(1), which commands that they run
    would inherit."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _live_tests_go_first(request: pytest.FixtureRequest) -> Iterator[None]:
    """They wait for the kernel more than they compute, so root lets them go before other workers, with which they share
    the CPUs: who waits for a deadline must not wait for a CPU, too."""
    if os.name != "posix" or os.geteuid() != 0 or request.node.get_closest_marker("live") is None:
        yield
        return
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, -10)
    yield
    os.setpriority(os.PRIO_PROCESS, 0, usual)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this tree, alone in its folder."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Live tests run one by one: they wait for the kernel with deadlines, and load its netlink sockets. An id with the
    address of an object is another one in each process; workers would not agree on what there is."""
    wrong = [item.nodeid for item in items if re.search(" at 0x[0-9a-f]+", item.nodeid)]
    if wrong:
        raise pytest.UsageError(f"ids with addresses: {', '.join(wrong[:5])}; give their parameters ids")
    grouped, long = set(), set()
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(pytest.mark.xdist_group("live"))
        if item.get_closest_marker("xdist_group"):
            grouped.add(item)
        elif item.get_closest_marker("slow"):
            long.add(item.path)
    # What takes long comes first, so that no worker waits for another in the end: groups, then modules.
    items.sort(key=lambda item: 0 if item in grouped else 1 if item.path in long else 2)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A module is run by one worker, unless a group says otherwise: what its tests share is made once."""
    from support.scheduling import ByModule  # noqa: PLC0415  (only where there are workers)

    return ByModule(config, log)


def pytest_collection_finish() -> None:
    """What was collected stays to the end, so the collector of garbage need not look through it again and again; and
    what a test makes goes with its last reference, most of it, so the collector comes less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 10)
