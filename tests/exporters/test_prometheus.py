"""Metrics: their names and labels, what Prometheus' own tool says of them, and who may ask."""

from __future__ import annotations

import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from nlmon.errors import ExportError, PlatformError
from nlmon.events import OverrunInfo
from nlmon.exporters.base import ExportStatus
from nlmon.exporters.metrics import BUCKETS, METRICS, Counts, Durations, Protocol
from nlmon.exporters.prometheus import KINDS_KEPT, PrometheusExporter
from support.exported import received
from support.requirements import require_program

HOSTILE = 'a"b\\c\nd{e}'


def counts() -> Counts:
    """What is counted elsewhere, with a name that must stay text."""
    durations = Durations()
    for seconds in (0.0005, 0.001, 0.002, 60.0):
        durations.add(seconds)
    return Counts(
        protocols=(
            Protocol("NETLINK_ROUTE", True, 7, {"NLM-D001": 2}, {"overrun": 3}),
            Protocol("NETLINK_GENERIC", False, 0),
        ),
        exports=(
            ExportStatus("json", "working", 5, 1, {"queue full": 4}, 2),
            ExportStatus(HOSTILE, "failing", 0, 0, {}, 1),
        ),
        durations=durations,
    )


@contextmanager
def offered(**options: object) -> Iterator[PrometheusExporter]:
    """An exporter that has counted the events of a recording and listens."""
    exporter = PrometheusExporter("libnl", counts=counts, port=0, **options)  # type: ignore[arg-type]
    for event, datagram in received():
        exporter.write(event, datagram)
    exporter.open()
    try:
        yield exporter
    finally:
        exporter.close()


def scrape(exporter: PrometheusExporter, path: str = "/metrics") -> str:
    """What it answers."""
    with urllib.request.urlopen(f"http://127.0.0.1:{exporter.port}{path}", timeout=60) as answer:
        text: str = answer.read().decode()
        return text


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Each sample by its name and its labels."""
    families = text_string_to_metric_families(text)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def test_events_are_counted_by_type() -> None:
    """With the names that JSON has for them."""
    with offered() as exporter:
        found = samples(scrape(exporter))
    kinds = [event.msg_type for event, _ in received()]
    labels = (("backend", "libnl"), ("msg_type", "RTM_NEWLINK"), ("protocol", "NETLINK_ROUTE"))

    assert found["nlmon_events_total", labels] == kinds.count(16)
    assert sum(value for (name, _), value in found.items() if name == "nlmon_events_total") == len(kinds)
    assert exporter.written == len(kinds)


def test_what_others_count_is_asked_for() -> None:
    """At each scrape."""
    with offered() as exporter:
        found = samples(scrape(exporter))
    route = ("protocol", "NETLINK_ROUTE")
    backend = ("backend", "libnl")
    duration = "nlmon_processing_duration_seconds"

    assert {
        ("nlmon_netlink_messages_total", (backend, route)): 7,
        ("nlmon_netlink_errors_total", (backend, ("code", "NLM-D001"), route)): 2,
        ("nlmon_netlink_dropped_total", (backend, route, ("reason", "overrun"))): 3,
        ("nlmon_netlink_protocol_enabled", (backend, route)): 1,
        ("nlmon_netlink_protocol_enabled", (backend, ("protocol", "NETLINK_GENERIC"))): 0,
        (f"{duration}_bucket", (("le", "0.001"),)): 2,
        (f"{duration}_bucket", (("le", "10.0"),)): 3,
        (f"{duration}_bucket", (("le", "+Inf"),)): 4,
        (f"{duration}_count", ()): 4,
        (f"{duration}_sum", ()): 60.0035,
        ("nlmon_export_written_total", (("exporter", "json"),)): 5,
        ("nlmon_export_dropped_total", (("exporter", "json"), ("reason", "queue full"))): 4,
        ("nlmon_export_failures_total", (("exporter", HOSTILE),)): 1,
        ("nlmon_export_waiting", (("exporter", "json"),)): 1,
    }.items() <= found.items()


def test_every_metric_is_given_once() -> None:
    """With a text and a kind, and those of the table alone."""
    with offered() as exporter:
        text = scrape(exporter)
    heads = [line.split(" ")[2:4] for line in text.splitlines() if line.startswith("# TYPE ")]

    assert heads == [[name + "_total" * (kind == "counter"), kind] for name, kind, _, _ in METRICS]
    assert text.count("# HELP ") == len(METRICS)


def test_labels_are_those_of_the_table() -> None:
    """Of every sample of every metric but the histogram."""
    with offered() as exporter:
        found = samples(scrape(exporter))
    labels = {
        name + "_total" * (kind == "counter"): set(labels) for name, kind, labels, _ in METRICS if kind != "histogram"
    }

    assert {name: {key for key, _ in own} for name, own in found if name in labels} == labels


@pytest.mark.peer
def test_prometheus_finds_nothing_wrong() -> None:
    """``promtool check metrics`` reads them all, and warns of nothing."""
    program = require_program("promtool")
    with offered() as exporter:
        text = scrape(exporter)
    done = subprocess.run([program, "check", "metrics"], input=text, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("path", ["/", "/metrics/", "/metricsx", "/METRICS"])
def test_only_the_path_is_answered(path: str) -> None:
    """The others are not found."""
    with offered() as exporter, pytest.raises(urllib.error.HTTPError, match="404"):
        scrape(exporter, path)


def test_another_path_can_be_chosen() -> None:
    """Then it is the only one."""
    with offered(path="/nlmon") as exporter:
        assert "nlmon_events_total" in scrape(exporter, "/nlmon")


def test_this_host_alone_may_ask() -> None:
    """Unless another address is given."""
    with offered() as exporter:
        assert exporter._server is not None
        assert exporter._server.server_address[0] == "127.0.0.1"
    with offered(host="::1") as exporter:
        assert exporter._server is not None
        assert exporter._server.server_address[0] == "::1"


def test_a_port_that_is_taken_is_reported_and_tried_again() -> None:
    """Events are counted until it is free, and are in the metrics then."""
    with offered() as first:
        second = PrometheusExporter("legacy", port=first.port)
        with pytest.raises(ExportError) as error:
            second.open()
        second.write(*received()[0])
        with pytest.raises(ExportError):
            second.flush()
    second.flush()
    found = samples(scrape(second))
    second.close()

    assert (error.value.code, error.value.why) == ("NLM-O020", "Address already in use")
    assert sum(value for (name, _), value in found.items() if name == "nlmon_events_total") == second.written == 1


@pytest.mark.parametrize("port", [-1, 65_536])
def test_what_is_no_port_is_reported(port: int) -> None:
    """As one that is taken."""
    with pytest.raises(ExportError, match=r"NLM-O020.*0-65535"):
        PrometheusExporter("libnl", port=port).open()


def test_who_asks_byte_by_byte_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is that of the whole question."""
    monkeypatch.setattr("nlmon.exporters.prometheus.PATIENCE", 0.2)
    with offered() as exporter, socket.create_connection(("127.0.0.1", exporter.port)) as asker:
        asker.settimeout(0.01)
        for _ in range(1000):
            with suppress(TimeoutError):
                with suppress(ConnectionError):
                    asker.send(b"a")
                    assert asker.recv(1) == b""
                break
        else:
            pytest.fail("it is still waited for")


def test_who_never_reads_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as there is room for are waited for, and one more is turned away; then there is room again."""
    monkeypatch.setattr("nlmon.exporters.prometheus.AT_ONCE", 3)
    with offered() as exporter, ExitStack() as opened:
        idle = [opened.enter_context(socket.create_connection(("127.0.0.1", exporter.port))) for _ in range(3)]
        with socket.create_connection(("127.0.0.1", exporter.port), 60) as further:
            turned_away = further.recv(1)
        for one in idle:
            one.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        answers = [one.makefile("rb").readline() for one in idle]

    assert (turned_away, answers) == (b"", [b"HTTP/1.0 200 OK\r\n"] * 3)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n", b" 431 "),
        (b"GET /" + b"a" * 1_000_000, b" 414 "),
        (b"GET /metrics HTTP/1.1\r\n" + b"X: a\r\n" * 1000, b" 431 "),
    ],
    ids=["long header", "long path", "many headers"],
)
def test_a_question_without_end_is_refused(question: bytes, answer: bytes) -> None:
    """And no more of it is read than a web server reads."""
    with offered() as exporter, socket.create_connection(("127.0.0.1", exporter.port), 60) as asker:
        with suppress(ConnectionError):
            asker.sendall(question)
        with suppress(ConnectionError):
            assert answer in asker.makefile("rb").readline()
        assert "nlmon_events_total" in scrape(exporter)


def test_a_bug_in_what_is_counted_is_the_answer_to_who_asks(capfd: pytest.CaptureFixture[str]) -> None:
    """And not printed at each scrape; the next one is answered."""
    answers = iter([None, Counts()])
    exporter = PrometheusExporter("libnl", port=0, counts=lambda: next(answers))  # type: ignore[arg-type, return-value]
    exporter.open()
    try:
        with pytest.raises(urllib.error.HTTPError) as caught:
            scrape(exporter)
        said = caught.value.read().decode()
        caught.value.close()
        again = scrape(exporter)
    finally:
        exporter.close()

    assert (caught.value.code, said.startswith("a bug: AttributeError: ")) == (500, True)
    assert ("nlmon_events_total" in again, capfd.readouterr().err) == (True, "")


def test_the_place_of_a_loss_is_no_message() -> None:
    """It is counted by its name."""
    exporter = PrometheusExporter("libnl", port=0)
    lost = replace(received()[0][0], type="overrun", msg_type=0, payload=OverrunInfo(3))
    exporter.write(lost, b"")
    (family, *_) = exporter.collect()

    assert [(one.labels["msg_type"], one.value) for one in family.samples] == [("overrun", 1)]


def test_time_series_are_bounded() -> None:
    """However many types of messages there are; those beyond are counted together, and none is left out."""
    exporter = PrometheusExporter("libnl", port=0)
    event = received()[0][0]
    for number in range(KINDS_KEPT + 500):
        exporter.write(replace(event, msg_type=1000 + number), b"")
    exporter.write(replace(event, msg_type=1000), b"")
    (family, *_) = exporter.collect()
    by_type = {one.labels["msg_type"]: one.value for one in family.samples}

    assert (len(by_type), by_type["others"], by_type["1000"]) == (KINDS_KEPT + 1, 500, 2)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is opened."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    with pytest.raises(PlatformError, match=r"NLM-O021.*nlmon\[monitor\]"):
        PrometheusExporter("libnl")


@pytest.mark.parametrize(("seconds", "place"), [(0.0, 0), (0.001, 0), (0.0011, 1), (10.0, 8), (11.0, 9)])
def test_a_duration_falls_under_the_first_bound_that_holds_it(seconds: float, place: int) -> None:
    """The bound itself included; beyond the last there is one more."""
    durations = Durations()
    durations.add(seconds)

    assert (durations.buckets.index(1), sum(durations.buckets), len(durations.buckets)) == (place, 1, len(BUCKETS) + 1)
