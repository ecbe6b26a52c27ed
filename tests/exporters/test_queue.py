"""The queue in front of an exporter: it never blocks, counts everything, and tries again within bounds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event as Flag

import pytest

from nlmon.api import Monitor, NetlinkConfig, NlmonEvent
from nlmon.capture import open_capture
from nlmon.errors import ExportError
from nlmon.events import Event
from nlmon.exporters.base import ExportStatus
from nlmon.exporters.files import JsonLinesExporter, PcapngExporter
from nlmon.exporters.queue import AT_ONCE, BYTES_KEPT, CLOSED, FAILED, FULL, ExportQueue, Patience
from nlmon.testing.messages import link, message
from nlmon.testing.transport import FakeKernel
from support.exported import received

QUICK = Patience(tries=3, first=0.001, longest=0.002)
EVENT, DATAGRAM = received()[0]


class Memory:
    """An exporter into a list. ``gate``: closed, it holds up what is brought out; ``failures``: how many times that
    fails, and ``bug`` what it raises instead."""

    def __init__(self, failures: int = 0, bug: BaseException | None = None) -> None:
        self.name = "memory"
        self.written = 0
        self.out: list[Event] = []
        self.waiting: list[Event] = []
        self.gate = Flag()
        self.gate.set()
        self.entered = Flag()
        self.failures = failures
        self.bug = bug
        self.closed = False

    def open(self) -> None:
        """Nothing to open."""

    def write(self, event: Event, datagram: bytes) -> None:
        """Take an event."""
        self.waiting.append(event)

    def flush(self) -> None:
        """Bring out, if the gate is open and it is not to fail."""
        self.entered.set()
        self.gate.wait(60)
        if self.bug is not None:
            raise self.bug
        if self.failures:
            self.failures -= 1
            raise ExportError("NLM-O005", "events cannot be written")
        self.out += self.waiting
        self.written += len(self.waiting)
        self.waiting.clear()

    def drop(self) -> int:
        """Forget what waits."""
        dropped = len(self.waiting)
        self.waiting.clear()
        return dropped

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True


def queue(exporter: Memory, **options: object) -> ExportQueue:
    """A queue that tries again soon."""
    return ExportQueue(exporter, **{"patience": QUICK, **options})  # type: ignore[arg-type]


def until(fact: Callable[[], object]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + 60
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def numbered(count: int) -> list[Event]:
    """Events that can be told apart."""
    from msgspec.structs import replace  # noqa: PLC0415

    return [replace(EVENT, seq=number) for number in range(count)]


def test_everything_arrives_in_order() -> None:
    """Also what was put before it began, and more than is handed over at once."""
    exporter, events = Memory(), numbered(3 * AT_ONCE + 7)
    one = queue(exporter)
    for event in events[:10]:
        one.put(event, DATAGRAM)
    one.start()
    for event in events[10:]:
        one.put(event, DATAGRAM)
    status = one.close(60)

    assert (exporter.out, exporter.closed) == (events, True)
    assert status == ExportStatus("memory", "closed", len(events), 0, {}, 0)


def test_a_full_queue_drops_and_does_not_wait() -> None:
    """What there is no room for is counted; the older ones stay."""
    exporter, events = Memory(), numbered(100)
    exporter.gate.clear()
    one = queue(exporter, limit=10)
    one.start()
    one.put(events[0], DATAGRAM)
    until(exporter.entered.is_set)
    began = time.monotonic()
    for event in events[1:]:
        one.put(event, DATAGRAM)
    took = time.monotonic() - began
    held = one.status()
    exporter.gate.set()
    status = one.close(60)

    assert (took < 5, held.waiting, held.dropped) == (True, 11, {FULL: 89})
    assert (exporter.out, status.written, status.waiting, status.dropped) == (events[:11], 11, 0, {FULL: 89})


def test_a_recording_can_wait_for_room() -> None:
    """Then nothing is dropped, however slow the exporter is; when it breaks, nobody waits on."""
    exporter, events = Memory(failures=2), numbered(500)
    one = queue(exporter, limit=3)
    one.start()
    for event in events:
        one.put(event, DATAGRAM, wait=True)
    status = one.close(60)
    broken = queue(Memory(bug=ValueError("oh")), limit=1)
    broken.start()
    for event in events[:10]:
        broken.put(event, DATAGRAM, wait=True)

    assert (exporter.out, dict(status.dropped)) == (events, {})
    assert broken.close(60).dropped.keys() == {CLOSED}


def test_the_bytes_of_datagrams_are_bounded() -> None:
    """Few events with large datagrams fill the queue, too."""
    one = queue(Memory())
    for _ in range(5):
        one.put(EVENT, bytes(BYTES_KEPT // 2))

    assert (one.status().waiting, one.status().dropped) == (2, {FULL: 3})
    assert one.close(0).dropped == {CLOSED: 2, FULL: 3}


def test_a_failure_is_tried_again_and_reported() -> None:
    """Nothing is lost or written twice; what changes is reported once each way."""
    reported: list[tuple[str, int, str]] = []
    exporter = Memory(failures=2)
    one = queue(exporter, on_change=lambda status: reported.append((status.state, status.failures, status.error)))
    one.start()
    one.put(EVENT, DATAGRAM)
    until(lambda: exporter.written)
    status = one.close(60)

    error = "NLM-O005: events cannot be written"
    assert reported == [("failing", 1, error), ("working", 2, error)]
    assert (exporter.out, status.failures, status.dropped) == ([EVENT], 2, {})


def test_what_has_failed_is_opened_again_without_events() -> None:
    """A server that comes back is there when the next event comes; that it works is reported then."""

    class Closed(Memory):
        opened = 0

        def open(self) -> None:
            self.opened += 1
            if self.opened < 3:
                raise ExportError("NLM-O011", "the server cannot be reached")

    reported: list[str] = []
    exporter = Closed(failures=QUICK.tries)
    one = queue(exporter, on_change=lambda status: reported.append(status.state))
    one.put(EVENT, DATAGRAM)
    one.start()
    until(lambda: exporter.opened > 3)
    before = list(reported)
    one.put(EVENT, DATAGRAM)
    until(lambda: exporter.written)
    status = one.close(60)

    assert (before, reported) == (["failing"], ["failing", "working"])
    assert (status.failures, status.dropped) == (QUICK.tries + 2, {FAILED: 1})


def test_what_was_tried_often_enough_is_given_up() -> None:
    """So that newer events get their turn; the count is in the status."""
    exporter, events = Memory(failures=QUICK.tries), numbered(2)
    one = queue(exporter)
    one.start()
    one.put(events[0], DATAGRAM)
    until(lambda: one.status().dropped)
    one.put(events[1], DATAGRAM)
    status = one.close(60)

    assert (exporter.out, status.written, status.dropped) == ([events[1]], 1, {FAILED: 1})


@pytest.mark.parametrize("use_libnl", [False, True], ids=["legacy", "libnl"])
def test_a_program_exports_what_its_callback_is_given(tmp_path: Path, use_libnl: bool) -> None:
    """A line and a packet for each message."""
    kernel = FakeKernel()
    exporters = JsonLinesExporter(tmp_path / "json"), PcapngExporter(tmp_path / "pcap")
    queues = [ExportQueue(exporter) for exporter in exporters]
    for one in queues:
        one.start()

    def received(event: NlmonEvent, _: object) -> None:
        for one in queues:
            one.put(event.event, event.data if isinstance(event.data, bytes) else b"")

    sent = [message(16, link(number, f"eth{number}")) for number in (1, 2)]
    with Monitor(NetlinkConfig(use_libnl=use_libnl), transports=kernel) as monitor:
        monitor.set_callback(received)
        monitor.start()
        kernel.notify(b"".join(sent))
        monitor.process(0)
    statuses = [one.close(60) for one in queues]
    with open_capture(tmp_path / "pcap") as capture:
        packets = [frame.data for batch in capture.batches() for frame in batch.frames()]

    assert [status.written for status in statuses] == [2, 2]
    assert [json.loads(line)["interface"] for line in (tmp_path / "json").read_text().splitlines()] == ["eth1", "eth2"]
    assert packets == sent


def test_one_event_always_has_room() -> None:
    """However large: who waits for room would wait for ever."""
    exporter = Memory()
    one = queue(exporter)
    one.start()
    for _ in range(2):
        one.put(EVENT, bytes(BYTES_KEPT + 1), wait=True)

    assert one.close(60).written == 2


def test_the_end_waits_no_longer_than_it_may() -> None:
    """Not for one that hangs, whose events are counted as waiting, nor for one that fails."""
    hanging, failing = Memory(), Memory(failures=10**9)
    hanging.gate.clear()
    found = []
    for exporter in (hanging, failing):
        one = queue(exporter, patience=Patience(tries=100, first=1.0))
        one.start()
        one.put(EVENT, DATAGRAM)
        until(exporter.entered.is_set)
        one.put(EVENT, DATAGRAM)
        began = time.monotonic()
        status = one.close(0.1)
        found.append((time.monotonic() - began < 5, status.waiting, status.dropped))
    hanging.gate.set()

    assert found == [(True, 1, {CLOSED: 1}), (True, 0, {CLOSED: 1, FAILED: 1})]


def test_a_queue_that_never_began_closes_its_exporter() -> None:
    """What waited for it is counted."""
    exporter = Memory()
    one = queue(exporter)
    one.put(EVENT, DATAGRAM)

    status = one.close()

    assert (status.state, status.dropped, exporter.closed) == ("closed", {CLOSED: 1}, True)


def test_what_comes_after_the_end_is_counted() -> None:
    """And not kept."""
    one = queue(Memory())
    one.start()
    one.close(60)
    one.put(EVENT, DATAGRAM)

    assert (one.status().dropped, one.status().waiting) == ({CLOSED: 1}, 0)


@pytest.mark.parametrize("takes", [True, False], ids=["reported", "cannot be reported"])
def test_a_bug_ends_one_exporter_alone(takes: bool) -> None:
    """Whoever puts notices nothing; the status says what it was."""
    reported = []

    def report(status: ExportStatus) -> None:
        reported.append(status.state)
        if not takes:
            raise RuntimeError("no ear")

    exporter = Memory(bug=ValueError("oh"))
    one = queue(exporter, on_change=report)
    one.start()
    one.put(EVENT, DATAGRAM)
    until(lambda: exporter.closed)
    one.put(EVENT, DATAGRAM)
    status = one.close(60)

    assert (status.state, status.error, reported) == (
        *("broken", "NLM-O009: a bug has ended the export memory: ValueError: oh", ["broken"]),
    )
    assert (status.written, status.waiting, status.dropped) == (0, 1, {CLOSED: 1})


@pytest.mark.parametrize("bug", [SystemExit(3), KeyboardInterrupt(), MemoryError()], ids=lambda bug: type(bug).__name__)
def test_nothing_that_is_raised_goes_unsaid(bug: BaseException) -> None:
    """Also what would end a program: the thread has none, and what it leaves behind would wait for ever."""
    exporter = Memory(bug=bug)
    exporter.gate.clear()
    one = queue(exporter)
    one.start()
    one.put(EVENT, DATAGRAM)
    until(exporter.entered.is_set)
    one.put(EVENT, DATAGRAM)
    exporter.gate.set()
    until(lambda: exporter.closed)
    status = one.status()

    assert (status.state, status.waiting, status.dropped) == ("broken", 1, {CLOSED: 1})
    assert type(bug).__name__ in status.error


def test_whoever_gets_the_report_may_close() -> None:
    """It is in the thread that closing would wait for; what is left is tried once more and counted."""
    exporter, statuses = Memory(failures=10**9), list[ExportStatus]()
    one = queue(exporter, on_change=lambda _: statuses.append(one.close(0)))
    one.start()
    one.put(EVENT, DATAGRAM)
    until(lambda: exporter.closed)
    status = one.close(60)

    assert (len(statuses), status.state, status.waiting, status.dropped) == (1, "closed", 0, {FAILED: 1})


def test_a_bug_in_closing_is_reported() -> None:
    """And ends nothing else."""

    class Stuck(Memory):
        def close(self) -> None:
            raise OSError(5, "oh")

    one = queue(Stuck())
    one.start()
    one.put(EVENT, DATAGRAM)
    status = one.close(60)

    assert (status.state, status.written, status.waiting, "oh" in status.error) == ("broken", 1, 0, True)


@pytest.mark.parametrize(("failures", "pause"), [(1, 0.2), (2, 0.4), (3, 0.8), (6, 5.0), (10_000, 5.0)])
def test_pauses_grow_up_to_a_bound(failures: int, pause: float) -> None:
    """Twice as long after each failure."""
    assert Patience().pause(failures) == pause
