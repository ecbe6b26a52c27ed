"""What a monitor says of every datagram and event, for who looks for a mistake: ``netlink.debug`` and the level trace.

Not here: what is said (``messages``), and levels (``log``).
"""

from __future__ import annotations

from collections.abc import Callable

from nlmon.events import Event
from nlmon.monitor import messages
from nlmon.monitor.log import TRACE, enabled
from nlmon.monitor.plan import Plan
from nlmon.wire import Datagram

__all__ = ["datagram_traces", "event_traces"]


def datagram_traces(plan: Plan) -> Callable[[Datagram], None] | None:
    """What is told of each datagram that is read; None: nothing is said of any."""
    functions: list[Callable[[Datagram], None]] = [messages.received] if enabled("netlink", TRACE) else []
    if plan.dump_messages:
        functions.append(messages.dumped)
    return _each(functions)


def event_traces(plan: Plan) -> Callable[[Event], None] | None:
    """What is told of each event before anything becomes of it."""
    return messages.called_back if plan.log_callbacks else None


def _each(functions: list[Callable[[Datagram], None]]) -> Callable[[Datagram], None] | None:
    if not functions:
        return None

    def tell(datagram: Datagram) -> None:
        for function in functions:
            function(datagram)

    return tell
