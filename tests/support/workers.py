"""What happens to workers: functions that a test has them call around their task, found by name in any process.

Not here: the tests (``tests/jobs``).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from msgspec import structs

from nlmon.backends import registry
from nlmon.backends.legacy import LegacyBackend
from nlmon.events import Decoded, LinkInfo
from nlmon.wire import Datagram

__all__ = ["Around", "WrongMtu", "die_on", "make_a_mistake", "mask", "wait_for_a_signal"]


class WrongMtu(LegacyBackend):
    """Every MTU is too large by one."""

    def decode(self, datagram: Datagram) -> Decoded:
        decoded = super().decode(datagram)
        events = [
            structs.replace(event, payload=structs.replace(event.payload, mtu=event.payload.mtu + 1))
            if isinstance(event.payload, LinkInfo) and isinstance(event.payload.mtu, int)
            else event
            for event in decoded.events
        ]
        return structs.replace(decoded, events=events)


def make_a_mistake(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function where the legacy implementation is wrong."""
    right = dict(registry.BACKENDS)
    registry.BACKENDS["legacy"] = "support.workers:WrongMtu"  # type: ignore[index]
    try:
        return function(*arguments)
    finally:
        registry.BACKENDS.update(right)  # type: ignore[attr-defined]


def die_on(name: str, function: Callable[..., Any], target: str, *arguments: Any) -> Any:
    """End this process, as one that the kernel kills for want of memory, when its capture is this one."""
    if target.endswith(name):
        os.kill(os.getpid(), signal.SIGKILL)
    return function(target, *arguments)


def wait_for_a_signal() -> None:
    """Never return by itself."""
    while True:
        signal.pause()


def mask() -> set[int]:
    """The signals that this thread blocks."""
    return {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())}


class Around(Executor):
    """An executor that has another one call ``function`` with each task and its arguments."""

    def __init__(self, inner: Executor, function: Callable[..., Any]) -> None:
        self.inner, self.function = inner, function
        self.submitted: list[Any] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        self.submitted.append(arguments)
        return self.inner.submit(self.function, function, *arguments, **options)
