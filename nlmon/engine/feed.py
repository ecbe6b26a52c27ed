"""A capture through one implementation, with what ``nlmon replay`` feeds it, by the same lane.

Not here: what is made of its events (``nlmon.cli``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import Batch, CaptureReader, Frame
from nlmon.capture.conversation import Conversation, Role
from nlmon.engine.lane import Lane
from nlmon.engine.replay import Select
from nlmon.engine.segments import Runs
from nlmon.errors import InternalError
from nlmon.transport.recorded.faults import Fault
from nlmon.transport.recorded.transport import one_of_each
from nlmon.wire import Datagram, Datagrams

__all__ = ["Feed"]

ROUTE = 0
RTNETLINK = range(16, 256)  # types of its messages


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
        self.lane.start(sorted(self._enabled))
        self.check()
        types = RTNETLINK if select != "all" and not faults else ()
        self._runs = Runs(self._conversation, [self.lane.factory], types)

    def check(self) -> None:
        """Raise ``InternalError`` when the implementation raised at what it read last."""
        if self.lane.crash:
            raise InternalError("NLM-X002", f"{self.lane.name} raised {self.lane.crash}", where=self.lane.trace)

    def run(self, advance: Callable[[int], None] | None) -> Iterator[None]:
        """Read the capture to its end, and stop each time the lane has read something; ``advance`` gets the position
        in the file."""
        for batch in self._reader.batches():
            if advance is not None:
                advance(self._reader.position)
            self.lane.many.look()
            for begin, end, is_run in self._runs.parts(batch):
                if is_run and self._together(batch.part(begin, end)):
                    yield from self._recalled(end - begin)
                    continue
                for place in range(begin, end):
                    if self._frame(batch.frame(place)):
                        yield
        self.lane.end()
        yield

    def _together(self, batch: Batch) -> bool:
        """Take a run of notifications; False where they have to be taken one by one."""
        run = Datagrams(batch.number, batch.protocol, batch.timestamps, batch.data)
        if not self.lane.many.may_take(one_of_each(run.data)) or self.lane.many.take(run) is None:
            return False
        self.lane.took(run)
        return True

    def _recalled(self, places: int) -> Iterator[None]:
        """What was taken together, at once if it is but events."""
        if self.lane.recall_all():
            yield
            return
        for place in range(places):
            self.lane.recall(place)
            yield

    def _frame(self, frame: Frame) -> bool:
        """Take one frame; whether the lane has read it."""
        lane, place = self.lane, self._conversation.place(frame)
        role, request = place.role, place.request
        datagram = Datagram(frame.number, frame.timestamp, frame.protocol, frame.data, frame.truncated, request)
        if frame.protocol in self._enabled and (role is Role.NOTIFICATION or self._select == "all"):
            return lane.notify(datagram, learn=role is not Role.REQUEST)
        if role in {Role.DUMP, Role.REPLY} or (frame.protocol not in self._enabled and role is not Role.REQUEST):
            lane.learn(datagram)
        return False
