"""Resynchronization: what is done about a loss, and when.

A loss is noticed when the kernel reports it. Once no message waits any more, since an older one would undo the result,
the tables are dumped (``recovery.DUMPS``), and what differs from what was delivered becomes synthetic events.

Rules of this file:
1. Values in, values out: the caller reads the clock, dumps, and delivers events.
2. An attempt is not repeated before ``resync_interval`` seconds, and not within a burst (``resync_quiet``), unless the
   burst lasts longer than ``LONGEST_WAIT``.
3. Dumps that were interrupted are asked for again, ``ATTEMPTS`` times; what failed otherwise would fail again.

All times are in nanoseconds, all waits in seconds.

Not here: which events a difference gives (``recovery``), and asking for dumps (``requests``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from nlmon.backends.libnl.dump import DumpResult
from nlmon.backends.libnl.recovery import DUMPS, Tracker
from nlmon.backends.libnl.uapi import NETLINK_ROUTE
from nlmon.backends.options import BackendOptions
from nlmon.events import Event, LinkInfo

__all__ = ["Loss", "Resync"]

SECOND = 1_000_000_000
# Further attempts after one whose dumps were interrupted, and the shortest wait before a failed one is repeated.
ATTEMPTS = 3
PAUSE = 1.0
LONGEST_WAIT = 10.0

# What must survive when a lost socket is replaced: the loss, and what was delivered before it.
Loss: TypeAlias = tuple[Event | None, Tracker | None]


class Resync:
    """The state of resynchronization of NETLINK_ROUTE, of which ``options`` say whether and how it is done.

    ``loss``: the first loss that no attempt has dealt with yet, as the event from which synthetic ones are made.
    ``tracker``: what was delivered; None where no synthetic events are wanted."""

    def __init__(self, options: BackendOptions) -> None:
        self._options = options
        self.tracker = Tracker() if options.resync else None
        self.loss: Event | None = None
        self._attempted = 0
        # When a message came last, after a loss.
        self._received = 0
        # Attempts in a row that did not give all of it.
        self._failures = 0

    @property
    def dumps(self) -> Sequence[tuple[int, int]]:
        """The dumps of an attempt, as RTM_GET* type and family; none where only caches are filled again."""
        return () if self.tracker is None else DUMPS

    # -- a loss ------------------------------------------------------------------------------------------------

    def note_loss(self, now: int, frame: int) -> None:
        """Messages were lost after ``frame``; of several losses the first gives the time."""
        if self.loss is None:
            self.loss = Event(now, NETLINK_ROUTE, 0, 0, 0, 0, frame, 0, None, LinkInfo(0, 0, 0), synthetic=True)
        self._received = now
        self._failures = min(self._failures, 1)

    def received(self, timestamp: int) -> None:
        """A message came after a loss: it may be one of a burst."""
        self._received = timestamp

    def wait(self, now: int) -> float:
        """Seconds until the next attempt."""
        options = self._options
        # A failure is not repeated at once, whatever the options say.
        interval = max(options.resync_interval, PAUSE if self._failures else 0.0)
        wait = interval - (now - self._attempted) / SECOND if self._attempted else 0.0
        if self.loss is None or not options.resync_quiet:
            return max(0.0, wait)
        quiet = options.resync_quiet - (now - self._received) / SECOND
        # An attempt that was interrupted, or a new loss, is no reason to dump into the same burst at once.
        waited = (now - max(self.loss.timestamp, self._attempted)) / SECOND
        return max(0.0, wait, min(quiet, LONGEST_WAIT - waited))

    # -- an attempt --------------------------------------------------------------------------------------------

    def begin(self, now: int) -> None:
        """An attempt begins: the dumps are asked for now."""
        self._attempted = now

    def fail(self) -> None:
        """The attempt ended before all dumps were made; the loss stays."""
        self._failures = max(self._failures, 1)

    def finish(self, results: Sequence[tuple[int, int, DumpResult]]) -> list[Event]:
        """Synthetic events by the results of all dumps, as (type, family, result). The loss is dealt with, unless a
        dump was interrupted and may be whole the next time."""
        template = self.loss
        again = any(result.interrupted for _, _, result in results) and self._failures < ATTEMPTS
        self._failures = self._failures + 1 if again else 0
        self.loss = template if again else None
        if self.tracker is None or template is None:
            return []
        return list(self.tracker.differences(results, template))

    # -- a socket that is closed or replaced -------------------------------------------------------------------

    def clear(self) -> None:
        """Forget the loss and what was delivered: no notification comes any more."""
        self.loss, self._failures = None, 0
        self.tracker = Tracker() if self._options.resync else None

    def saved(self) -> Loss:
        """What ``restore`` takes back after a ``clear``."""
        return self.loss, self.tracker

    def restore(self, loss: Loss) -> None:
        """Go on from what was saved."""
        self.loss, self.tracker = loss
