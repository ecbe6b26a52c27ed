"""What is said of every datagram and event, and that nothing is where nobody asks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nlmon.backends.registry import create
from nlmon.config.model import Config, Debug, Logging, LogModules, Netlink
from nlmon.events import Event
from nlmon.monitor.log import Log, open_log
from nlmon.monitor.plan import plan
from nlmon.monitor.tracing import datagram_traces, event_traces, family_names
from nlmon.testing.messages import message
from nlmon.testing.transport import FakeKernel
from nlmon.wire import Datagram

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes of Linux")
ROUTE = 0
DATAGRAM = Datagram(7, 0, ROUTE, message(16, bytes(16)))
EVENT = Event(0, ROUTE, 16, 0, 0, 0, 7, 0, "eth0", None)
LIBNL = create("libnl", FakeKernel())


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[Logging], Log]]:
    """Opens a log into the file ``log``, which is closed at the end."""
    descriptor = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    logs: list[Log] = []

    def made(config: Logging) -> Log:
        logs.append(open_log(config, environ={}, descriptor=descriptor))
        return logs[-1]

    yield made
    for log in logs:
        log.close()
    os.close(descriptor)


TRACES = [
    ({}, Debug(), True, []),
    ({"netlink": "trace"}, Debug(), True, ["NLM-M054"]),
    ({"libnl": "trace"}, Debug(), True, ["NLM-M055"]),
    ({"legacy": "trace"}, Debug(), True, []),
    ({"legacy": "trace"}, Debug(), False, ["NLM-M055"]),
    ({"libnl": "error"}, Debug(dump_messages=True), True, ["NLM-M052"]),
    ({}, Debug(log_callbacks=True), True, ["NLM-M053"]),
    ({}, Debug(dump_messages=True, log_callbacks=True), False, []),
]


@pytest.mark.parametrize(("modules", "debug", "libnl", "codes"), TRACES)
def test_what_is_said_of_each(
    modules: dict[str, str],
    debug: Debug,
    libnl: bool,
    codes: list[str],
    opened: Callable[[Logging], Log],
    tmp_path: Path,
) -> None:
    """By levels, and by ``netlink.debug``, which is for libnl alone."""
    opened(Logging(modules=LogModules(**modules)))
    planned = plan(Config(netlink=Netlink(use_libnl=libnl, debug=debug)))
    if (trace := datagram_traces(planned, lambda: LIBNL)) is not None:
        trace(DATAGRAM)
    if (trace := event_traces(planned)) is not None:
        trace(EVENT)

    assert [line.split()[3] for line in (tmp_path / "log").read_text().splitlines()] == codes


def test_families_have_the_names_that_the_implementation_knows() -> None:
    """libnl those that nlctrl has named, legacy none."""
    assert family_names(LIBNL, 16) == ("nlctrl",)
    assert family_names(LIBNL, 99) == ()
    assert family_names(create("legacy", FakeKernel()), 16) == ()
