"""Counters as metrics of Prometheus: names, labels and texts, in one table that the documentation is held against.

Not here: who counts (``nlmon.backends``, ``queue``), and who asks (``prometheus``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from nlmon.exporters.base import ExportStatus

__all__ = ["BUCKETS", "METRICS", "Counts", "Durations", "Protocol", "families"]

# Upper bounds in seconds of the histogram of durations, but for the last, which has none.
BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
# Name, kind, labels and text of every metric; the name of a counter is followed by ``_total``.
METRICS = (
    ("nlmon_events", "counter", ("backend", "protocol", "msg_type"), "Events that were exported."),
    ("nlmon_netlink_messages", "counter", ("backend", "protocol"), "Netlink messages that were received."),
    ("nlmon_netlink_errors", "counter", ("backend", "protocol", "code"), "Messages that could not be read, by code."),
    ("nlmon_netlink_dropped", "counter", ("backend", "protocol", "reason"), "Messages that were lost, by reason."),
    ("nlmon_netlink_protocol_enabled", "gauge", ("backend", "protocol"), "Whether a protocol is listened to: 1 or 0."),
    (
        "nlmon_processing_duration_seconds",
        "histogram",
        (),
        "Time from receiving a datagram to handing over its events.",
    ),
    ("nlmon_export_written", "counter", ("exporter",), "Events that an exporter has brought out."),
    ("nlmon_export_dropped", "counter", ("exporter", "reason"), "Events that an exporter will never bring out."),
    ("nlmon_export_failures", "counter", ("exporter",), "Failed tries of an exporter to bring events out."),
    ("nlmon_export_waiting", "gauge", ("exporter",), "Events that wait for an exporter."),
)


class Protocol(Struct, frozen=True):
    """What an implementation counts of a protocol, by its name. ``errors``: by code, ``dropped``: by reason."""

    name: str
    enabled: bool
    messages: int
    errors: Mapping[str, int] = {}
    dropped: Mapping[str, int] = {}


class Durations(Struct):
    """How long events took: how many fell under each bound of ``BUCKETS`` and no lower one, the last beyond all; and
    their sum in seconds."""

    buckets: list[int] = []
    sum: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        if not self.buckets:
            self.buckets = [0] * (len(BUCKETS) + 1)
        self.buckets[next((n for n, bound in enumerate(BUCKETS) if seconds <= bound), len(BUCKETS))] += 1
        self.sum += seconds


class Counts(Struct, frozen=True):
    """What is counted elsewhere and read at a scrape."""

    protocols: Sequence[Protocol] = ()
    exports: Sequence[ExportStatus] = ()
    durations: Durations = field(default_factory=Durations)


def families(backend: str, events: Mapping[tuple[str, str], int], counts: Counts) -> Iterator[Any]:
    """Every metric with its samples, as prometheus-client takes them. ``events``: by protocol and message type."""
    from prometheus_client.core import (  # noqa: PLC0415  (start-up: only who exports metrics)
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )

    makers = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily}
    samples = _samples(backend, events, counts)
    for name, kind, labels, text in METRICS:
        if kind == "histogram":
            yield HistogramMetricFamily(
                name, text, buckets=_cumulative(counts.durations), sum_value=counts.durations.sum
            )
            continue
        family = makers[kind](name, text, labels=labels)
        for values, number in samples[name]:
            family.add_metric(values, number)
        yield family


def _samples(
    backend: str, events: Mapping[tuple[str, str], int], counts: Counts
) -> dict[str, list[tuple[tuple[str, ...], float]]]:
    """Values of labels, and a number, for each series of each metric but the histogram."""
    protocols, exports = counts.protocols, counts.exports
    return {
        "nlmon_events": [((backend, *key), count) for key, count in sorted(events.items())],
        "nlmon_netlink_messages": [((backend, one.name), one.messages) for one in protocols],
        "nlmon_netlink_errors": [((backend, one.name, code), n) for one in protocols for code, n in one.errors.items()],
        "nlmon_netlink_dropped": [((backend, one.name, why), n) for one in protocols for why, n in one.dropped.items()],
        "nlmon_netlink_protocol_enabled": [((backend, one.name), int(one.enabled)) for one in protocols],
        "nlmon_export_written": [((one.name,), one.written) for one in exports],
        "nlmon_export_dropped": [((one.name, why), n) for one in exports for why, n in one.dropped.items()],
        "nlmon_export_failures": [((one.name,), one.failures) for one in exports],
        "nlmon_export_waiting": [((one.name,), one.waiting) for one in exports],
    }


def _cumulative(durations: Durations) -> list[tuple[str, float]]:
    """How many were at most as long as each bound."""
    found, total = [], 0
    names = [*map(str, BUCKETS), "+Inf"]
    for name, count in zip(names, durations.buckets or [0] * len(names), strict=True):
        total += count
        found.append((name, float(total)))
    return found
