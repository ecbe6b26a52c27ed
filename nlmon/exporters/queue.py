"""The bounded queue in front of an exporter, with the thread that empties it.

Rules:
1. ``put`` never waits unless asked to: where there is no room, the event is counted and gone. The older ones keep their
   order.
2. A failure is counted, reported once, and tried again after a pause that grows; what has been tried ``Patience.tries``
   times is given up, so that newer events get their turn. When it works again, that is reported, too.
3. What a status says is of one moment: it changes under the lock alone, but for what the exporter counts itself.
4. Whatever goes wrong with one exporter is no matter of the others, nor of whoever puts.

Not here: what an exporter does (``base``).
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Condition, Thread, current_thread
from typing import NamedTuple

from nlmon.errors import ExportError, InternalError
from nlmon.events import Event
from nlmon.exporters.base import Exporter, ExportState, ExportStatus

__all__ = ["CLOSED", "FAILED", "FULL", "PATIENCE", "ExportQueue", "Patience"]

# Events that wait for one exporter, and bytes of their datagrams.
EVENTS_KEPT, BYTES_KEPT = 10_000, 16_777_216
# Events that are handed over and brought out together.
AT_ONCE = 512
# Seconds behind the deadline in which an exporter that does not hang ends.
GRACE = 0.1
# Why an event was dropped: there was no room in the queue, every try has failed, or the end came first.
FULL, FAILED, CLOSED = "queue full", "failed", "closed"


class Patience(NamedTuple):
    """How often the same events are tried, and the pauses between in seconds: the first one, and the longest.
    ``for_good``: what has been given up ends the export, and what comes after is dropped at once."""

    tries: int = 5
    first: float = 0.2
    longest: float = 5.0
    for_good: bool = False

    def pause(self, failures: int) -> float:
        """How long to wait after so many failures in a row."""
        return min(self.first * 2.0 ** min(failures - 1, 16), self.longest)


PATIENCE = Patience()


class ExportQueue:
    """An exporter behind its queue. ``on_change`` is given the status when it begins to fail, works again, or breaks,
    in the thread of the queue."""

    def __init__(
        self,
        exporter: Exporter,
        *,
        limit: int = EVENTS_KEPT,
        patience: Patience = PATIENCE,
        on_change: Callable[[ExportStatus], None] = lambda _: None,
    ) -> None:
        self.exporter = exporter
        self._limit = limit
        self._patience = patience
        self._on_change = on_change
        self._changed = Condition()
        self._events: deque[tuple[Event, bytes]] = deque()
        self._bytes = 0
        self._taken = 0
        self._dropped: Counter[str] = Counter()
        self._failures = 0
        self._in_a_row = 0
        self._error = ""
        self._state: ExportState = "opening"
        self._end: float | None = None
        self._thread = Thread(target=self._run, name=f"nlmon-export-{exporter.name}", daemon=True)

    def start(self) -> None:
        """Open the exporter, unless it is open, and begin to hand events over; until then they wait. Where this host
        has no room for a thread, it is broken."""
        try:
            self._thread.start()
        except RuntimeError as error:
            self._break(error)

    def tried(self, deadline: float) -> bool:
        """Wait until the exporter was opened or could not be, for at most so many seconds; whether it is so far."""
        with self._changed:
            return self._changed.wait_for(lambda: self._state != "opening", deadline)

    def change_limit(self, limit: int) -> None:
        """Let so many events wait from now on; what waits already stays."""
        with self._changed:
            self._limit = limit
            self._changed.notify_all()

    def put(self, event: Event, datagram: bytes, *, wait: bool = False) -> None:
        """Let an event wait for the exporter, or count it as dropped. ``wait``: where there is no room, until there is,
        which a recording can do and a socket cannot."""
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._end is not None or self._has_room(datagram))
            if self._end is not None:
                self._dropped[CLOSED] += 1
            elif not self._has_room(datagram):
                self._dropped[FULL] += 1
            else:
                self._events.append((event, datagram))
                self._bytes += len(datagram)
                self._taken += 1
                if len(self._events) == 1:
                    self._changed.notify_all()

    def end(self, deadline: float = 0.8) -> None:
        """Take no more, and begin to hand over what waits, for at most ``deadline`` seconds; ``close`` waits for that.
        So several queues can end at the same time."""
        with self._changed:
            if self._end is None:
                self._end = time.monotonic() + deadline
            self._changed.notify_all()

    def put_all(self, events: Iterable[tuple[Event, bytes]], *, wait: bool = False) -> None:
        """Let events wait as ``put`` does, which takes less time than one by one."""
        with self._changed:
            for event, datagram in events:
                self.put(event, datagram, wait=wait)

    def drained(self, deadline: float) -> bool:
        """Wait until everything is out or given up, for at most so many seconds; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting() or self._state == "broken", deadline)

    def close(self, deadline: float = 0.8) -> ExportStatus:
        """Hand over what waits, for at most ``deadline`` seconds, and close the exporter. What did not get out is
        counted as dropped, or as waiting if the exporter still had it in hand."""
        self.end(deadline)
        never = self._thread.ident is None
        if never:
            self.exporter.close()
        elif self._thread is not current_thread():  # on_change may close, too
            self._thread.join(deadline + GRACE)
        with self._changed:
            if never:
                self._state = "closed"
            self._drop_the_rest()
        return self.status()

    def status(self) -> ExportStatus:
        """The counters as they are now."""
        with self._changed:
            return ExportStatus(
                *(self.exporter.name, self._state, self.exporter.written, self._waiting()),
                {reason: count for reason, count in sorted(self._dropped.items()) if count},
                *(self._failures, self._error),
            )

    def _waiting(self) -> int:
        """How many were taken and are neither out nor given up."""
        return self._taken - self.exporter.written - self._dropped[FAILED]

    def _run(self) -> None:
        try:
            self._open()
            while (batch := self._next()) is not None:
                for event, datagram in batch:
                    self.exporter.write(event, datagram)
                if batch:
                    self._bring_out()
                else:
                    self._open()
                with self._changed:
                    self._changed.notify_all()
            self.exporter.close()
            self._set("closed")
        except BaseException as bug:  # whatever it is: nobody else would know
            self._break(bug)
            with suppress(BaseException):  # the bug may be in closing
                self.exporter.close()

    def _next(self) -> list[tuple[Event, bytes]] | None:
        """The events to hand over now; none if it is time to try again without any, None at the end."""
        pause = self._patience.pause(self._in_a_row) if self._in_a_row else None
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._end is not None, pause)
            if self._left() == 0 or (self._end is not None and not self._events):
                return None
            batch = [self._events.popleft() for _ in range(min(AT_ONCE, len(self._events)))]
            self._bytes -= sum(len(datagram) for _, datagram in batch)
            self._changed.notify_all()
            return batch

    def _drop_the_rest(self) -> None:
        """Count what was not handed over as dropped, since nobody will."""
        self._dropped[CLOSED] += len(self._events)
        self._taken -= len(self._events)
        self._events.clear()
        self._bytes = 0

    def _has_room(self, datagram: bytes) -> bool:
        """One event always has room, however large, so that who waits does not wait for ever."""
        return not self._events or (len(self._events) < self._limit and self._bytes + len(datagram) <= BYTES_KEPT)

    def _bring_out(self) -> None:
        for again in reversed(range(self._patience.tries)):
            try:
                self.exporter.flush()
            except ExportError as error:
                self._fail(error)
            else:
                self._work()
                return
            if again and not self._pause():
                break
        given_up = self.exporter.drop()
        with self._changed:
            self._dropped[FAILED] += given_up
            if self._patience.for_good:
                self._end = time.monotonic()
                self._drop_the_rest()

    def _open(self) -> None:
        """Open the exporter, unless it is open; one that has failed with an event works when one gets out."""
        try:
            self.exporter.open()
        except ExportError as error:
            self._fail(error)
        else:
            if self._state == "opening" or not self._taken:
                self._work()

    def _left(self) -> float | None:
        """Seconds until the deadline; None: it has none yet."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def _pause(self) -> bool:
        """Wait before the next try; False: there is no time for one."""
        until = time.monotonic() + self._patience.pause(self._in_a_row)
        with self._changed:
            while (wait := until - time.monotonic()) > 0:
                left = self._left()
                if left == 0:
                    return False
                self._changed.wait(wait if left is None else min(wait, left))
        return True

    def _fail(self, error: ExportError) -> None:
        with self._changed:
            self._failures += 1
            self._in_a_row += 1
            self._error = str(error)
        self._set("failing")

    def _work(self) -> None:
        self._in_a_row = 0
        self._set("working")

    def _break(self, bug: BaseException) -> None:
        with self._changed:
            self._end = time.monotonic()
            self._drop_the_rest()
            self._changed.notify_all()
            self._failures += 1
            why = f"{type(bug).__name__}: {bug}"
            self._error = str(InternalError("NLM-O009", f"a bug has ended the export {self.exporter.name}", why=why))
        with suppress(BaseException):  # the bug may be in what is called
            self._set("broken")

    def _set(self, state: ExportState) -> None:
        """Take on a state, and report it if it is another one."""
        with self._changed:
            before, self._state = self._state, state
            self._changed.notify_all()
        if state != before and "closed" not in {state, before} and (before, state) != ("opening", "working"):
            self._on_change(self.status())
