"""How the tests run: the same examples every time unless ``--hypothesis-profile=fuzz`` is given, and tests that share
the machine in one worker.

Not here: what tests use (``support``).
"""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

__all__ = ()

# The time of an example says more about the machine than about the code.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("fuzz", derandomize=False, database=None, deadline=None, print_blob=True)
settings.load_profile("ci")


def pytest_configure() -> None:
    """Whoever starts the tests in the background ignores Ctrl-C, which the commands that they run would inherit."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Live tests run one by one: they wait for the kernel with deadlines, and load its netlink sockets."""
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(pytest.mark.xdist_group("live"))
