"""The implementation under test as a program uses it: by a configuration, and through nlmon's interfaces.

    def test_it(program: Program) -> None:
        monitor = program.configured("netlink: {protocols: {route: true}}")
        program.kernel.notify(message(16, link(3, "lan0")))
        assert program.names(monitor) == ["lan0"]

Rules:
1. For as long as a test runs, the implementation under test stands under the name of the one that it is like, in the
   registry by which the interfaces find it; a program chooses it as the guide says, by ``use_libnl``.

Not here: the implementation by itself (``monitor``), and configurations that are refused, in which no implementation
has a part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from nlmon.api import Monitor, NetlinkConfig, NlmonEvent, nlmon_netlink_enable, nlmon_netlink_init
from nlmon.backends.registry import BACKENDS, create
from nlmon.config import Config, interpret
from nlmon.conformance.monitor import ENOUGH, Subject
from nlmon.errors import TransportError
from nlmon.testing.transport import ROUTE, FakeKernel

__all__ = ["Program", "in_place"]


class Program:
    """A program and the kernel in memory that it runs on. ``use_libnl``: how it chooses the implementation under test;
    ``events``: what it received, from all of its monitors."""

    def __init__(self, name: str) -> None:
        self.use_libnl = name != "legacy"
        self.kernel = FakeKernel()
        self.events: list[NlmonEvent] = []
        self._open: list[Callable[[], object]] = []

    def config(self, text: str, environment: Mapping[str, str] | None = None) -> Config:
        """The configuration of a file. Without an environment it runs under the implementation under test, whatever the
        file says."""
        flag = {"NLMON_NETLINK_USE_LIBNL": str(self.use_libnl).lower()}
        config = interpret([("nlmon.yaml", text.encode())], flag if environment is None else environment).config
        assert config is not None
        return config

    def configured(self, text: str, environment: Mapping[str, str] | None = None) -> Monitor:
        """A monitor with the section ``netlink`` of a configuration, whose protocols are enabled."""
        section = self.config(text, environment).netlink
        monitor = self.listening(Monitor(NetlinkConfig.of(section), transports=self.kernel))
        monitor.start()
        return monitor

    def listening(self, monitor: Monitor) -> Monitor:
        """A monitor whose events are delivered to this program, and which is closed in the end."""
        self._open.append(monitor.close)
        monitor.set_callback(self.take)
        return monitor

    def take(self, event: NlmonEvent, user_data: Any = None) -> None:
        """A callback."""
        self.events.append(event)

    def context(self) -> Monitor:
        """A context of the unified interface."""
        made = nlmon_netlink_init(NetlinkConfig(use_libnl=self.use_libnl), transports=self.kernel)
        assert made is not None
        return self.listening(made)

    def event(self, data: bytes, protocol: int = ROUTE) -> NlmonEvent:
        """The one event that it receives of a notification."""
        ctx = self.context()
        assert nlmon_netlink_enable(ctx, protocol, self.use_libnl) == 0
        (found,) = self.receive(ctx, data, protocol=protocol)
        return found

    def receive(self, monitor: Monitor, *datagrams: bytes, protocol: int = ROUTE) -> list[NlmonEvent]:
        """What it receives of these notifications."""
        before = len(self.events)
        for data in datagrams:
            self.kernel.notify(data, protocol)
        for _ in range(ENOUGH):
            if not monitor.process(protocol):
                return self.events[before:]
        raise AssertionError("it says for ever that it read something")

    def lost(self, monitor: Monitor, protocol: int = ROUTE) -> bool:
        """Whether reading ends with a socket that is lost."""
        try:
            monitor.process(protocol)
        except TransportError:
            return True
        return False

    def close(self) -> None:
        """Close what it has opened."""
        for close in self._open:
            close()


# What stands in the place of an implementation for a test.
UNDER_TEST: Callable[..., Any] = partial(create, "libnl")


@contextmanager
def in_place(subject: Subject) -> Iterator[Program]:
    """A program that finds an implementation under the name of the one that it is like."""
    global UNDER_TEST
    name = "legacy" if subject.like == "legacy" else "libnl"
    program, was = Program(name), (BACKENDS[name], UNDER_TEST)
    if subject.name != name:  # or it would stand in its own place
        BACKENDS[name], UNDER_TEST = f"{__name__}:UNDER_TEST", subject.make
    try:
        yield program
    finally:
        program.close()
        BACKENDS[name], UNDER_TEST = was
