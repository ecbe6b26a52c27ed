"""What a monitor says of every datagram and event, for who looks for a mistake: ``netlink.debug`` and the level trace.

Not here: what is said (``messages``), and levels (``log``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Protocol, TypeVar, runtime_checkable

from nlmon.backends.base import Backend
from nlmon.events import Event
from nlmon.monitor import messages
from nlmon.monitor.log import TRACE, enabled
from nlmon.monitor.plan import Plan
from nlmon.wire import Datagram

__all__ = ["datagram_traces", "event_traces", "family_names"]


Traced = TypeVar("Traced", Datagram, Event)


class _Families(Protocol):
    def name(self, number: int) -> str | None: ...


@runtime_checkable
class _NamesFamilies(Protocol):
    """What libnl has beside the interface of every implementation."""

    families: _Families


def datagram_traces(plan: Plan, backend: Callable[[], Backend]) -> Callable[[Datagram], None] | None:
    """What is logged of each datagram that is read; None: nothing is said of any. ``backend``: the implementation that
    reads it, which names the families whose keys are known."""
    functions: list[Callable[[Datagram], None]] = [messages.received] if enabled("netlink", TRACE) else []
    if plan.dump_messages:
        functions.append(partial(messages.dumped, families=lambda number: family_names(backend(), number)))
    return _each(functions)


def family_names(backend: Backend, number: int) -> Collection[str]:
    """The name of a generic family by its number, if the implementation knows it."""
    name = backend.families.name(number) if isinstance(backend, _NamesFamilies) else None
    return () if name is None else (name,)


def event_traces(plan: Plan) -> Callable[[Event], None] | None:
    """What is logged of each event before anything becomes of it."""
    implementation = plan.listening.implementation
    functions: list[Callable[[Event], None]] = []
    if enabled(implementation, TRACE):
        functions.append(partial(messages.decoded, implementation))
    if plan.log_callbacks:
        functions.append(messages.called_back)
    return _each(functions)


def _each(functions: list[Callable[[Traced], None]]) -> Callable[[Traced], None] | None:
    if not functions:
        return None

    def log(one: Traced) -> None:
        for function in functions:
            function(one)

    return log
