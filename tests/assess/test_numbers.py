"""Numbers and captures of a monitor: each lie is found, and the good pair has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from nlmon.assess.dynamic import lane_of
from nlmon.assess.numbers import apart, disagreements
from nlmon.capture import open_capture
from nlmon.exporters.scraped import Sample
from nlmon.scenario.configured.lanes import play_lane
from nlmon.scenario.configured.output import LaneOutput
from support.paths import FIXTURES

BASIC = FIXTURES / "captures" / "linux-6.12" / "01-route-basic.pcap.zst"
TEXT = b"netlink: {protocols: {route: true}}\nexport: {prometheus: {enabled: true}, pcap: {file: a.pcap}}\n"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[LaneOutput, LaneOutput]:
    """What both sides export of a recording."""
    return played("legacy", tmp_path_factory.mktemp("legacy")), played("libnl", tmp_path_factory.mktemp("libnl"))


def played(name: Any, folder: Path) -> LaneOutput:
    """What a side exports."""
    with open_capture(BASIC) as reader:
        return play_lane(lane_of(name, TEXT, {}).loaded, name, reader, reader.batches(), folder, {})


def status(output: LaneOutput, **changes: Any) -> LaneOutput:
    """The same with another status of its first protocol, NETLINK_ROUTE."""
    assert output.status is not None
    first, *others = output.status.protocols
    protocols = (structs.replace(first, **changes), *others)
    return structs.replace(output, status=structs.replace(output.status, protocols=protocols))


def metric(output: LaneOutput, name: str, value: float, **labels: str) -> LaneOutput:
    """The same with another value of each sample of a name and of labels, or a further one where there is none."""
    assert output.metrics is not None
    meant = [one for one in output.metrics if one.name == name and labels.items() <= one.labels.items()]
    others = [one for one in output.metrics if one not in meant]
    changed = [structs.replace(one, value=value) for one in meant] or [Sample(name, labels, value)]
    return structs.replace(output, metrics=(*others, *changed))


def test_the_good_pair_agrees(both: tuple[LaneOutput, LaneOutput]) -> None:
    """With its lines, and with each other."""
    assert [[*disagreements(one)] for one in both] == [[], []]
    assert [*apart(both)] == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"events": 286}, "status: it counts 286 events, and 143 came"),
        ({"events": 143.0}, "status: NETLINK_ROUTE: events=143.0 is no whole number"),
        ({"events": None}, "status: NETLINK_ROUTE: events=None is no whole number"),
        ({"dropped": 1}, "status: NETLINK_ROUTE has dropped=1 and fd=-1, and a recording has neither"),
        ({"fd": 0}, "status: NETLINK_ROUTE has dropped=0 and fd=0, and a recording has neither"),
        ({"errors": 2}, "metrics: 0 errors of NETLINK_ROUTE came, and the status counts 2"),
        ({"enabled": False}, "metrics: nlmon_netlink_protocol_enabled of NETLINK_ROUTE is 1"),
    ],
)
def test_a_status_that_lies(both: tuple[LaneOutput, LaneOutput], changes: dict[str, Any], what: str) -> None:
    """Is found by the lines, by the events that came, or by the metrics."""
    assert next(disagreements(status(both[1], **changes))) == what


def test_events_of_one_protocol_that_are_counted_as_those_of_another(both: tuple[LaneOutput, LaneOutput]) -> None:
    """Are found though the sum is right."""
    output = status(both[1], events=0)
    assert output.status is not None
    first, second, *others = output.status.protocols
    protocols = (first, structs.replace(second, events=143), *others)
    found = disagreements(structs.replace(output, status=structs.replace(output.status, protocols=protocols)))

    assert [*found] == ["status: it counts 0 events of NETLINK_ROUTE, and 143 were exported"]


@pytest.mark.parametrize(
    ("name", "labels", "what"),
    [
        (
            "nlmon_events_total",
            {"protocol": "NETLINK_ROUTE", "msg_type": "RTM_NEWLINK"},
            "metrics: nlmon_events_total of NETLINK_ROUTE RTM_NEWLINK is 5, and 17 were exported",
        ),
        (
            "nlmon_events_total",
            {"protocol": "NETLINK_ROUTE", "msg_type": "RTM_NEWQDISC"},
            "metrics: nlmon_events_total of NETLINK_ROUTE RTM_NEWQDISC is 5, and 0 were exported",
        ),
        (
            "nlmon_netlink_dropped_total",
            {"protocol": "NETLINK_ROUTE"},
            "metrics: 5 messages of NETLINK_ROUTE were dropped, and a recording drops none",
        ),
    ],
)
def test_metrics_that_lie(both: tuple[LaneOutput, LaneOutput], name: str, labels: dict[str, str], what: str) -> None:
    """Are found by the lines."""
    assert [*disagreements(metric(both[1], name, 5, **labels))] == [what]


def test_metrics_that_nobody_could_read(both: tuple[LaneOutput, LaneOutput]) -> None:
    """Agree with nothing."""
    assert [*disagreements(structs.replace(both[1], metrics=None))] == ["metrics: they could not be read"]


def test_messages_without_an_event(both: tuple[LaneOutput, LaneOutput]) -> None:
    """Are in no line; both sides must have received as many, unless one says that it could not read some."""
    name = "nlmon_netlink_messages_total"
    wrong = metric(both[1], name, 150, protocol="NETLINK_ROUTE")

    assert [*apart((both[0], wrong))] == [
        "metrics: legacy received 143 messages of NETLINK_ROUTE, and libnl 150",
    ]
    assert [*apart((both[0], status(wrong, errors=7)))] == []


def test_a_capture_has_the_datagrams_of_the_lines(both: tuple[LaneOutput, LaneOutput]) -> None:
    """And no other ones."""
    output = both[1]
    lacking = structs.replace(output, captured=output.captured[1:])
    other = structs.replace(output.captured[0], timestamp=1)
    more = structs.replace(output, captured=(*output.captured, other))

    assert [*disagreements(lacking)] == ["pcap: 1 datagram is not in it, of which lines were exported"]
    assert [*disagreements(more)] == ["pcap: 1 datagram is in it, of which no line was exported"]
