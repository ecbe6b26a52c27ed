"""What becomes of an event: ``monitoring`` keeps it, a rule matches, the rate limit lets it go, the exports have it.

Rules:
1. Every rule is held against every event that ``monitoring`` keeps, so that each has its count.
2. The place of a loss (``overrun``) goes to the exports whatever is configured: nobody can say what was lost there.
3. Nothing is kept of an event; counters are bounded by the configuration.
4. The time is that of the events, so a recording gives the same every time.

Not here: where events come from (``sources``, ``recorded``), and queues (``exports``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import translate

from nlmon.events import OVERRUN, Event
from nlmon.exporters.queue import ExportQueue
from nlmon.monitor import messages
from nlmon.monitor.log import TRACE, enabled
from nlmon.monitor.plan import Kept, Plan
from nlmon.names import message_type

__all__ = ["NO_RULE", "RATE_LIMIT", "UNWANTED", "Pipeline"]

# Why an event goes to no export.
UNWANTED, NO_RULE, RATE_LIMIT = "monitoring", "no rule matches", "rate limit"
SECOND = 1_000_000_000
# Seconds by which an event may be late and still counts to the second of the latest one.
LATE = 1
Pair = tuple[Event, bytes]


class Pipeline:
    """Decides of each event, and counts. ``matched``: by the name of each rule; ``events``: how many came; ``dropped``:
    how many of them went no further, by reason."""

    def __init__(self, plan: Plan, queues: Sequence[ExportQueue], *, wait: bool = False) -> None:
        self.events = 0
        self.dropped: Counter[str] = Counter()
        self.matched: Counter[str] = Counter()
        self._wait = wait
        self._rate: _Rate | None = None
        self.change(plan, queues)

    def change(self, plan: Plan, queues: Sequence[ExportQueue]) -> None:
        """Decide by another plan from now on; a rule of the same name keeps its count."""
        self.end()
        self._keeps = _keeps(plan.kept)
        self._rules = plan.rules
        self._queues = tuple(queues)
        self._rate = _Rate(plan.rate_limit) if plan.rate_limit else None
        self.matched = Counter({rule.name: self.matched[rule.name] for rule in plan.rules})
        self._traces = enabled("filters", TRACE)
        self._all = self._keeps is None and not plan.rules and self._rate is None

    def end(self) -> None:
        """Say what the rate limit has kept back and not reported yet."""
        if self._rate is not None:
            self._rate.say()

    def settle(self, now: int) -> None:
        """Say what the rate limit has kept back of a second that is over though no event has come since. ``now``:
        nanoseconds since 1970."""
        if self._rate is not None:
            self._rate.settle(now)

    def take(self, event: Event, datagram: bytes) -> None:
        """One event with its datagram, empty for one that was in none."""
        self.events += 1
        if self._all or self._passes(event):
            for queue in self._queues:
                queue.put(event, datagram, wait=self._wait)

    def take_all(self, events: Sequence[Pair]) -> None:
        """Many at once, which takes less time."""
        self.events += len(events)
        passed = events if self._all else [pair for pair in events if self._passes(pair[0])]
        if passed:
            for queue in self._queues:
                queue.put_all(passed, wait=self._wait)

    def _passes(self, event: Event) -> bool:
        if event.type == OVERRUN:
            return True
        why = self._why_not(event)
        if why:
            self.dropped[why] += 1
        return not why

    def _why_not(self, event: Event) -> str:
        if self._keeps is not None and not self._keeps(event):
            return UNWANTED
        if self._rules and not self._matches(event):
            return NO_RULE
        if self._rate is not None and not self._rate.lets(event.timestamp):
            return RATE_LIMIT
        return ""

    def _matches(self, event: Event) -> bool:
        if self._traces:
            messages.filtered(event, [rule.name for rule in self._rules if rule.filter.matches(event)])
        found = False
        for rule in self._rules:
            if rule.filter.matches(event):
                found = True
                self.matched[rule.name] += 1
                if rule.alert:
                    messages.alert(rule.name, event)
        return found


def _keeps(kept: Kept) -> Callable[[Event], bool] | None:
    """Whether ``monitoring`` keeps an event; None: it keeps all."""
    checks = list(_checks(kept))
    if not checks:
        return None
    return checks[0] if len(checks) == 1 else lambda event: all(check(event) for check in checks)


def _checks(kept: Kept) -> Iterator[Callable[[Event], bool]]:
    if kept.protocols:
        yield lambda event: event.protocol in kept.protocols
    if kept.message_types:
        yield lambda event: message_type(event.protocol, event.msg_type) in kept.message_types
    if kept.include:
        included = _any_of(kept.include)
        yield lambda event: isinstance(event.interface, str) and included(event.interface) is not None
    if kept.exclude:
        excluded = _any_of(kept.exclude)
        yield lambda event: not isinstance(event.interface, str) or excluded(event.interface) is None


def _any_of(patterns: Iterable[str]) -> Callable[[str], object]:
    """Whether a name matches one of the patterns of a shell as a whole; capitals are other letters."""
    return re.compile("|".join(map(translate, patterns))).match


class _Rate:
    """Lets at most ``limit`` events of one second go, and says how many more there were once it is over."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._second = -1
        self._let = self._kept = 0

    def lets(self, timestamp: int) -> bool:
        """Whether an event of this time may go."""
        second = timestamp // SECOND
        # A recording of several sockets is a little out of order; a clock that was set back begins anew.
        if not self._second - LATE <= second <= self._second:
            self.say()
            self._second, self._let = second, 0
        if self._let < self._limit:
            self._let += 1
            return True
        self._kept += 1
        return False

    def settle(self, now: int) -> None:
        """Say what was kept back, if the second is over at a time."""
        if now // SECOND > self._second:
            self.say()

    def say(self) -> None:
        """Say what was kept back so far."""
        if self._kept:
            messages.rate_limited(self._kept, self._limit)
        self._kept = 0
