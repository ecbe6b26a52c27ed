"""The implementation under test on a kernel in memory: what a claim's test drives and looks at.

    def test_it(start: Start) -> None:
        monitor = start(ROUTE, resync=True)
        monitor.kernel.notify(message(16, link(3, "lan0")))
        assert [event.interface for event in monitor.run().events] == ["lan0"]

Rules:
1. What an implementation refuses or loses is a value here, so that a test states what it expects and fails by assert.
2. Only the public interface is used; a test that needs what libnl alone offers says so in its claim.

Not here: messages (``nlmon.testing.messages``) and the kernel (``nlmon.testing.transport``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeAlias

from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import BACKENDS, create
from nlmon.errors import NlmonError, TransportError, UsageError
from nlmon.events import OVERRUN, Event
from nlmon.testing.transport import ROUTE, FakeKernel
from nlmon.transport.base import TransportFactory

__all__ = ["MonitorUnderTest", "Start", "Subject", "registered"]

Make: TypeAlias = Callable[[TransportFactory, BackendOptions], Backend]
# No test sends nearly as much.
ENOUGH = 1_000


@dataclass(frozen=True)
class Subject:
    """An implementation under test; ``like``: the one whose expectations it is held to."""

    name: str
    make: Make
    like: str


def registered(*names: str) -> tuple[Subject, ...]:
    """Implementations by name, by default every one that nlmon has."""
    return tuple(Subject(name, partial(create, name), name) for name in names or BACKENDS)


class Start(Protocol):
    """The fixture ``start``: starts the implementation under test and enables protocols; a test may call it often."""

    def __call__(self, *protocols: int, kernel: FakeKernel | None = None, **options: Any) -> MonitorUnderTest: ...


class MonitorUnderTest:
    """An implementation, its kernel, and what it reported: ``events``, ``errors``, and ``lost``, what ended reading."""

    def __init__(self, make: Make, kernel: FakeKernel, options: BackendOptions) -> None:
        self.kernel = kernel
        self.backend: Any = make(kernel, options)
        self.events: list[Event] = []
        self.errors: list[NlmonError] = []
        self.lost: TransportError | None = None
        self.backend.set_callback(self.events.append, self.errors.append)

    def supports(self, protocol: int) -> bool:
        """Whether a protocol can be enabled; it is, then."""
        try:
            self.backend.enable(protocol)
        except UsageError:
            return False
        return True

    def run(self, protocol: int = ROUTE) -> MonitorUnderTest:
        """Read until nothing waits, or until the socket is lost."""
        try:
            for _ in range(ENOUGH):
                if not self.backend.process(protocol):
                    return self
        except TransportError as error:
            self.lost = error
            return self
        raise AssertionError("it says for ever that it read something")

    def receive(self, *datagrams: bytes, protocol: int = ROUTE) -> list[Event]:
        """Events of these notifications."""
        before = len(self.events)
        for data in datagrams:
            self.kernel.notify(data, protocol)
        return self.run(protocol).events[before:]

    def payload(self, data: bytes, *, protocol: int = ROUTE) -> Any:
        """What the one event carries that a notification gives."""
        events = self.receive(data, protocol=protocol)
        assert [event.msg_type for event in events] == [int.from_bytes(data[4:6], self.kernel.byteorder)]
        return events[0].payload

    def found(self) -> list[str]:
        """Classes of the errors that were reported."""
        return [type(error).__name__ for error in self.errors]

    def names(self) -> list[str | int | None]:
        """Interfaces of the events, and counts of lost messages where some are missing."""
        return [
            getattr(event.payload, "drops", None) if event.type == OVERRUN else self._name(event)
            for event in self.events
        ]

    @staticmethod
    def _name(event: Event) -> str | None:
        return event.interface if isinstance(event.interface, str) else None
