"""A recorded kernel at work: what a feed does with a notification, for one transport factory.

Not here: feeding implementations (``nlmon.engine.feed``).
"""

from __future__ import annotations

from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram, Datagrams

__all__ = ["notify"]


def notify(factory: RecordedFactory, datagram: Datagram) -> bool:
    """The kernel learns from a notification, and it is delivered; False when nobody is subscribed to it."""
    factory.kernel.learn(Datagrams.of(datagram))
    return factory.deliver(datagram)
