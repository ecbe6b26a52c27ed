"""Whether a monitor's counters, metrics and captures agree with the lines that it exported.

The lines of both sides are compared elsewhere. Where numbers and captures of a side say what its lines say, they differ
from those of the other side by what was said of the lines, and by nothing else.

Rules:
1. Only what the configuration offers is judged: metrics and captures where they are on, the status always.
2. A recording drops nothing and has no descriptor, so a status that says otherwise is wrong.
3. How many messages gave no event nobody exported; so these counts of both sides are held against each other, where
   both gave as many events and no error.

Not here: the lines themselves (``nlmon.scenario.configured.compare``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from nlmon.events import OVERRUN, Event
from nlmon.limits import OTHERS
from nlmon.monitor.status import MonitorStatus, ProtocolStatus
from nlmon.names import PROTOCOLS, message_type
from nlmon.report.text import counted
from nlmon.scenario.configured.output import LaneOutput, Sample
from nlmon.wire import Datagram

__all__ = ["apart", "disagreements"]

# Of metrics that disagree so many are named.
NAMED = 3


def disagreements(output: LaneOutput) -> Iterator[str]:
    """What of the numbers and captures of a side its lines refute, each in a sentence."""
    status = _status(output)
    events = [line.event for line in output.lines["json"] if line.event is not None]
    if len(events) < len(output.lines["json"]):  # which is said elsewhere, and refutes nothing
        return
    wrong = list(_of_status(status, Counter(_protocol(event) for event in events)))
    yield from wrong
    exports = {one.name for one in status.exports}
    if "prometheus" in exports and output.metrics is None:
        yield "metrics: they could not be read"
    elif output.metrics is not None and not wrong:
        yield from _of_metrics(output.metrics, status.protocols, events)
    if "pcap" in exports:
        yield from _of_captures(output.captured, events)


def apart(outputs: Sequence[LaneOutput]) -> Iterator[str]:
    """What the metrics of both sides say of messages without an event, if they do not agree."""
    if any(one.metrics is None for one in outputs):
        return
    received = [_summed(one.metrics or (), "nlmon_netlink_messages_total") for one in outputs]
    left, right = ({one.name: one for one in _status(output).protocols} for output in outputs)
    for name in [name for name in left if name in right]:
        comparable = left[name].events == right[name].events and not left[name].errors and not right[name].errors
        before, after = (one[name] for one in received)
        if comparable and before != after:
            yield f"metrics: {outputs[0].name} received {before} messages of {name}, and {outputs[1].name} {after}"


def _of_status(status: MonitorStatus, exported: Counter[str]) -> Iterator[str]:
    for one in status.protocols:
        wrong = [name for name in ("events", "errors", "dropped", "fd") if type(getattr(one, name)) is not int]
        if wrong:
            yield f"status: {one.name}: {wrong[0]}={getattr(one, wrong[0])!r} is no whole number"
            return
    total = sum(one.events for one in status.protocols)
    if total != status.events:
        yield f"status: it counts {total:,} events, and {status.events:,} came"
    for one in status.protocols:
        if one.events < exported[one.name]:
            yield f"status: it counts {one.events:,} events of {one.name}, and {exported[one.name]:,} were exported"
        if one.dropped or one.fd != -1:
            yield f"status: {one.name} has dropped={one.dropped} and fd={one.fd}, and a recording has neither"


def _of_metrics(
    metrics: Sequence[Sample], protocols: Iterable[ProtocolStatus], events: Iterable[Event]
) -> Iterator[str]:
    lines = Counter((_protocol(event), _type(event)) for event in events)
    scraped = Counter[tuple[str, str]]()
    for sample in metrics:
        if sample.name == "nlmon_events_total":
            scraped[sample.labels["protocol"], sample.labels["msg_type"]] += int(sample.value)
    if all(kind != OTHERS for _, kind in scraped):  # of very many kinds the last ones are counted together
        wrong = sorted(kind for kind in lines.keys() | scraped.keys() if lines[kind] != scraped[kind])
        for protocol, kind in wrong[:NAMED]:
            there, here = scraped[protocol, kind], lines[protocol, kind]
            yield f"metrics: nlmon_events_total of {protocol} {kind} is {there:,}, and {here:,} were exported"
    errors, enabled, dropped = (
        _summed(metrics, name)
        for name in ("nlmon_netlink_errors_total", "nlmon_netlink_protocol_enabled", "nlmon_netlink_dropped_total")
    )
    for one in protocols:
        if errors[one.name] != one.errors:
            yield f"metrics: {errors[one.name]:,} errors of {one.name} came, and the status counts {one.errors:,}"
        if bool(enabled[one.name]) != one.enabled:
            yield f"metrics: nlmon_netlink_protocol_enabled of {one.name} is {enabled[one.name]}"
        if dropped[one.name]:
            yield f"metrics: {dropped[one.name]:,} messages of {one.name} were dropped, and a recording drops none"


def _of_captures(datagrams: Iterable[Datagram], events: Iterable[Event]) -> Iterator[str]:
    """Each datagram that gave a line is in the capture, and no other one."""
    of_lines = {(event.timestamp, event.protocol) for event in events if _has_datagram(event)}
    captured = {(one.timestamp, one.protocol) for one in datagrams}
    if lacking := len(of_lines - captured):
        yield f"pcap: {_datagrams(lacking)} not in it, of which lines were exported"
    if more := len(captured - of_lines):
        yield f"pcap: {_datagrams(more)} in it, of which no line was exported"


def _datagrams(number: int) -> str:
    return f"{counted(number, 'datagram')} {'is' if number == 1 else 'are'}"


def _status(output: LaneOutput) -> MonitorStatus:
    assert output.status is not None
    return output.status


def _has_datagram(event: Event) -> bool:
    return event.type != OVERRUN and not event.synthetic


def _summed(metrics: Iterable[Sample], name: str) -> Counter[str]:
    """The values of a metric by protocol."""
    found: Counter[str] = Counter()
    for sample in metrics:
        if sample.name == name:
            found[sample.labels["protocol"]] += int(sample.value)
    return found


def _protocol(event: Event) -> str:
    return PROTOCOLS.get(event.protocol, str(event.protocol))


def _type(event: Event) -> str:
    return OVERRUN if event.type == OVERRUN else message_type(event.protocol, event.msg_type)
