"""A capture through one implementation, with what ``nlmon replay`` feeds it, by the same lane.

Not here: what is made of its events (``decode``, ``status``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import click

from nlmon.backends.base import BACKENDS, BackendOptions, create
from nlmon.capture import CaptureReader
from nlmon.capture.conversation import Conversation, Role
from nlmon.cli.common import F, layouts_option, protocol_option
from nlmon.errors import InternalError
from nlmon.events import Datagram
from nlmon.lane import Lane
from nlmon.replay import Select
from nlmon.transport.faults import Fault

__all__ = ["Feed", "feed_options"]


class Feed:
    """One implementation while it reads a capture. ``protocols``: only these; empty: all that it supports."""

    def __init__(
        self,
        reader: CaptureReader,
        backend: str,
        protocols: Sequence[int],
        select: Select,
        options: BackendOptions,
        faults: tuple[Fault, ...] = (),
    ) -> None:
        self._reader = reader
        self._select = select
        self._conversation = Conversation(reader.info.byteorder)
        self.lane = Lane(partial(create, backend), reader.info.byteorder, select == "all", options, faults)
        supported = set(self.lane.backend.groups)
        self._enabled = supported & set(protocols) if protocols else supported
        for protocol in self._enabled:
            self.lane.backend.enable(protocol)

    def check(self) -> None:
        """Raise ``InternalError`` when the implementation raised at what it read last."""
        if self.lane.crash:
            raise InternalError("NLM-X002", f"{self.lane.name} raised {self.lane.crash}", where=self.lane.trace)

    def run(self, advance: Callable[[int], None] | None) -> Iterator[None]:
        """Read the capture to its end, and stop each time the lane has read something; ``advance`` gets the position
        in the file."""
        lane = self.lane
        for frame in self._reader:
            if advance is not None and not frame.number % 256:
                advance(self._reader.position)
            place = self._conversation.place(frame)
            role, request = place.role, place.request
            datagram = Datagram(frame.number, frame.timestamp, frame.protocol, frame.data, frame.truncated, request)
            if frame.protocol in self._enabled and (role is Role.NOTIFICATION or self._select == "all"):
                if lane.notify(datagram, learn=role is not Role.REQUEST):
                    yield
            elif role in {Role.DUMP, Role.REPLY} or (frame.protocol not in self._enabled and role is not Role.REQUEST):
                lane.learn(datagram)
        lane.end()
        yield


def feed_options(function: F) -> F:
    """What is fed to whom: the capture, ``--backend``, ``--protocol``, ``--select``, ``--layouts``."""
    select = click.option(
        "--select",
        type=click.Choice(["notifications", "all"]),
        default="notifications",
        show_default=True,
        help="What a monitor's own socket would have received, or every recorded message.",
    )
    backend = click.option("--backend", type=click.Choice(list(BACKENDS)), default="libnl", show_default=True)
    capture = click.argument("capture", type=click.Path(path_type=Path, readable=False))
    return capture(backend(protocol_option(select(layouts_option(function)))))
