"""Configurations of a monitor and their plans, written as text; and events for a pipeline.

Not here: monitors that answer on a control socket (``monitors``).
"""

from __future__ import annotations

from msgspec import structs

from nlmon.config import Config, interpret
from nlmon.events import OVERRUN, UNSET, Event, LinkInfo, OverrunInfo
from nlmon.exporters.queue import ExportQueue
from nlmon.monitor.plan import Plan, plan

__all__ = ["Kept", "config_of", "event", "lost", "plan_of"]

SECOND = 1_000_000_000


def config_of(text: str) -> Config:
    """The configuration of a text, which must be in order."""
    loaded = interpret([("nlmon.yaml", text.encode())], {})
    assert loaded.config is not None, [one.text for one in loaded.errors]
    return loaded.config


def plan_of(text: str) -> Plan:
    """The plan of a text."""
    return plan(config_of(text))


def event(kind: int = 16, interface: str | None = "eth0", *, at: float = 1.0, protocol: int = 0) -> Event:
    """An event about a link at a time in seconds."""
    link = structs.replace(_link(), ifname=interface, mtu=1500)
    return Event(int(at * SECOND), protocol, kind, 0, 1, 0, 1, 0, interface, link)


def lost() -> Event:
    """The place of a loss."""
    return Event(SECOND, 0, 0, 0, 0, 0, 1, 0, None, OverrunInfo(None), OVERRUN)


def _link() -> LinkInfo:
    required = {field.name: 0 for field in structs.fields(LinkInfo) if field.required}
    return LinkInfo(**{**required, **{f.name: UNSET for f in structs.fields(LinkInfo) if not f.required}})


class Kept:
    """An exporter that keeps what it is given; see ``Exporter``."""

    def __init__(self, name: str = "kept") -> None:
        self.name = name
        self.written = 0
        self.events: list[Event] = []
        self.datagrams: list[bytes] = []
        self.queue = ExportQueue(self)
        self.queue.start()

    def open(self) -> None:
        """Nothing."""

    def write(self, event: Event, datagram: bytes) -> None:
        """Keep."""
        self.events.append(event)
        self.datagrams.append(datagram)
        self.written += 1

    def flush(self) -> None:
        """Nothing."""

    def drop(self) -> int:
        """Nothing waits."""
        return 0

    def close(self) -> None:
        """Nothing."""

    def end(self) -> list[Event]:
        """What came, once the queue is empty."""
        self.queue.close()
        return self.events
