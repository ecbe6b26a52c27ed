"""Measures a monitor by its configuration: how many events of recorded traffic it handles in a second, how long one
datagram takes, and what memory that needs; of another implementation beside it, in turns.

    datagram ─► socket of a recorded kernel ─► implementation ─► monitoring, rules, rate limit ─► exports, if wanted

Rules:
1. The way of an event is that of a monitor that runs, one datagram after another, but for the socket, which is in
   memory; so the kernel and what it loses are no part of it.
2. Two implementations take turns of equal length, and each ratio is of two turns that follow each other: what else the
   machine does meets both. Which of them goes first alternates.
3. A ratio whose middle half has 1 in it says of neither that it is faster.
4. Nothing is written where the configuration says: exports are left out, or go into a folder that is deleted.

Not here: where traffic comes from (``traffic``), and printing (``nlmon.cli.monitor_benchmark``).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from nlmon.api.listener import Listener
from nlmon.aside import prints_aside
from nlmon.config.model import JsonExport, PcapExport
from nlmon.monitor.exports import ExportPlan, Exports
from nlmon.monitor.latencies import Latencies
from nlmon.monitor.pipeline import RATE_LIMIT, Pipeline
from nlmon.monitor.plan import Plan
from nlmon.monitor.resident import resident
from nlmon.monitor.traffic import Traffic
from nlmon.transport.recorded.transport import RecordedFactory

__all__ = ["BenchmarkReport", "Latency", "Measured", "Ratio", "measure", "safe_exports"]

# Datagrams between two looks at the clock.
AT_ONCE = 64
# Datagrams that an implementation reads before it is measured: libnl makes its functions for messages of one form.
WARM_UP = 5_000
# Seconds of the longest turn, and into how many pairs of turns the time is divided at least.
LONGEST_TURN, PAIRS = 0.5, 10
# Pairs of turns below which nothing is said of their spread.
ENOUGH = 4
Clock: TypeAlias = Callable[[], int]


class Latency(Struct, frozen=True):
    """Microseconds from reading a datagram to handing over its events: half of all took no longer than ``p50``."""

    p50: float
    p99: float
    max: float


class Measured(Struct, frozen=True):
    """One implementation. ``events``: those that it gave in its ``seconds``; ``errors``: messages that it could not
    read; ``filtered``: events that the configuration does not keep; ``dropped``: events that were lost, by reason;
    ``rss_before`` and ``rss_after``: resident bytes of the process when it had warmed up, and in the end."""

    implementation: str
    datagrams: int
    events: int
    seconds: float
    events_per_second: float
    latency_us: Latency
    errors: int
    filtered: int
    dropped: Mapping[str, int]
    rss_before: int
    rss_after: int


class Ratio(Struct, frozen=True):
    """Events per second of the first implementation by those of the other: the median of ``pairs`` of turns, and
    between which two the middle half of them lies. ``faster``: the implementation of which that says so, None: the
    spread is too wide to tell, or there are too few."""

    pairs: int
    median: float
    lower: float
    upper: float
    faster: str | None


class BenchmarkReport(Struct, frozen=True):
    """What ``nlmon --benchmark`` prints. ``traffic``: where the messages are from, ``datagrams`` of which are played
    over and over; ``rules``: filters in force; ``exports``: where events went; ``turn``: seconds, 0: there were none;
    ``interrupted``: it was ended before its time."""

    version: str
    traffic: str
    datagrams: int
    protocols: list[str]
    rules: int
    exports: list[str]
    turn: float
    interrupted: bool
    implementations: list[Measured]
    ratio: Ratio | None = None


def safe_exports(plan: Plan, folder: Path) -> Plan:
    """A plan whose exports into files go into a folder; without those that would leave this host or offer a port."""
    return replace(plan, exports=tuple(_moved(plan.exports, folder)))


def _moved(exports: Sequence[ExportPlan], folder: Path) -> Iterator[ExportPlan]:
    for one in exports:
        if isinstance(one.section, JsonExport | PcapExport):
            place = str(folder / f"{one.implementation}-{one.name}")
            yield replace(one, place=place, section=replace(one.section, file=place))


def measure(
    plans: Sequence[Plan],
    traffic: Traffic,
    duration: float,
    *,
    interrupted: Callable[[], bool] = lambda: False,
    clock: Clock = time.perf_counter_ns,
) -> tuple[list[Measured], Ratio | None, float]:
    """Measure one monitor, or two in turns, for ``duration`` seconds together; each with the length of a turn."""
    with ExitStack() as stack:
        lanes = [stack.enter_context(_Lane(plan, traffic, clock)) for plan in plans]
        for lane in lanes:
            lane.warm_up()
        until = clock() + int(duration * 1e9)
        if len(lanes) == 1:
            lanes[0].turn(until, interrupted)
            return [lanes[0].measured()], None, 0.0
        turn = min(LONGEST_TURN, duration / (2 * PAIRS))
        ratios = []
        order = lanes
        while clock() < until and not interrupted():
            rates = {id(lane): lane.turn(clock() + int(turn * 1e9), interrupted) for lane in order}
            first, second = (rates[id(lane)] for lane in lanes)
            if first and second and not interrupted():
                ratios.append(first / second)
            order = order[::-1]
        names = [plan.listening.implementation for plan in plans]
        return [lane.measured() for lane in lanes], _ratio(ratios, names), turn


def _ratio(ratios: Sequence[float], names: Sequence[str]) -> Ratio | None:
    if not ratios:
        return None
    if len(ratios) < ENOUGH:
        return Ratio(len(ratios), statistics.median(ratios), min(ratios), max(ratios), None)
    lower, median, upper = statistics.quantiles(ratios, n=4, method="inclusive")
    faster = names[0] if lower > 1 else names[1] if upper < 1 else None
    return Ratio(len(ratios), median, lower, upper, faster)


class _Lane:
    """One monitor whose socket is in memory. ``warm_up`` before the first ``turn``."""

    def __init__(self, plan: Plan, traffic: Traffic, clock: Clock) -> None:
        self._plan = plan
        self._traffic = traffic
        self._clock = clock
        self._exports = Exports(plan.queue)
        self._factory = RecordedFactory(traffic.kernel)
        self._source = cycle(traffic.datagrams)
        self._took = Latencies()
        self._seconds = 0.0
        self._errors = self._before = 0

    def __enter__(self) -> _Lane:
        plan = self._plan
        self._exports.change(plan.exports, strict=True)
        self._pipeline = Pipeline(plan, self._exports.queues, wait=True)
        listening = plan.listening
        with prints_aside():
            self._listener = Listener(
                listening.implementation, listening.options, self._factory, self._pipeline.take, self._failed
            )
            for protocol in listening.protocols:
                self._listener.backend.enable(protocol)
        return self

    def __exit__(self, *_: object) -> None:
        with prints_aside():
            self._listener.backend.close()
        self._exports.close()

    def _failed(self, _: Exception) -> None:
        self._errors += 1

    def warm_up(self) -> None:
        """Read some of the traffic, and forget that."""
        for _ in range(min(WARM_UP, len(self._traffic.datagrams))):
            self._next()
        self._pipeline.change(self._plan, self._exports.queues)
        self._pipeline.events = self._errors = 0
        self._pipeline.dropped.clear()
        self._took = Latencies()
        self._before = resident()[0]

    def turn(self, until: int, interrupted: Callable[[], bool]) -> float:
        """Handle datagrams until a time of the clock; events per second of this turn."""
        begin, before = self._clock(), self._pipeline.events
        now = begin
        while now < until and not interrupted():
            for _ in range(AT_ONCE):
                self._next()
            now = self._clock()
        seconds = (now - begin) / 1e9
        self._seconds += seconds
        return (self._pipeline.events - before) / seconds if seconds else 0.0

    def _next(self) -> None:
        """Let one datagram come, and handle it."""
        datagram = next(self._source)
        if not self._factory.deliver(datagram):
            return  # it is of a group that was not joined
        process, protocol = self._listener.process, datagram.protocol
        begin = self._clock()
        while process(protocol):
            pass
        self._took.add(self._clock() - begin)

    def measured(self) -> Measured:
        """What came of its turns."""
        pipeline, took = self._pipeline, self._took
        dropped = {RATE_LIMIT: pipeline.dropped[RATE_LIMIT]}
        for status in self._exports.status():
            dropped |= {f"{status.name}: {reason}": count for reason, count in status.dropped.items()}
        return Measured(
            self._plan.listening.implementation,
            took.count,
            pipeline.events,
            self._seconds,
            pipeline.events / self._seconds if self._seconds else 0.0,
            Latency(took.percentile(0.5) / 1000, took.percentile(0.99) / 1000, took.most / 1000),
            self._errors,
            sum(count for reason, count in pipeline.dropped.items() if reason != RATE_LIMIT),
            {reason: count for reason, count in dropped.items() if count},
            self._before,
            resident()[0],
        )
