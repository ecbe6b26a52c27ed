"""``nlmon capture stats``: the counters of an implementation, and layouts turned off."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from support.command import nlmon
from support.paths import REPOSITORY

pytestmark = pytest.mark.slow

TOPOLOGY = REPOSITORY / "fixtures" / "captures" / "linux-6.12" / "02-route-topology.pcap.zst"


def stats(*arguments: object) -> Any:
    done = nlmon("capture", "stats", TOPOLOGY, "--format", "json", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.mark.parametrize("arguments", [(), ("-i", "legacy"), ("--layouts", 0), ("--select", "all")])
def test_counters_follow_their_schema(arguments: tuple[object, ...]) -> None:
    """Whatever is asked for, the JSON is as published."""
    rules = json.loads((REPOSITORY / "docs" / "schemas" / "stats.schema.json").read_text(encoding="utf-8"))

    assert [error.message for error in Draft202012Validator(rules).iter_errors(stats(*arguments))] == []


def test_layouts_are_counted() -> None:
    """libnl has layouts, legacy and libnl without them have none; both count the same events."""
    usual, without, legacy = stats(), stats("--layouts", 0), stats("-i", "legacy")
    events = [one["protocols"]["NETLINK_ROUTE"]["events"] for one in (usual, without, legacy)]

    assert [one["layouts"] is None for one in (usual, without, legacy)] == [False, True, True]
    assert min(usual["layouts"]["hits"], usual["layouts"]["compiled"]) > 20
    assert events == [events[0]] * 3


def test_layouts_change_no_event() -> None:
    """The lines of decode are the same with layouts, with one, and without."""
    lines = [nlmon("decode", TOPOLOGY, "--layouts", number).stdout for number in (1024, 1, 0)]

    assert lines == [lines[0]] * 3
    assert lines[0].count("\n") > 700


def test_a_status_for_people() -> None:
    """The table has a row a protocol, and the layouts are named in a line."""
    text = nlmon("capture", "stats", TOPOLOGY, "--protocol", "route").stdout

    assert ("NETLINK_ROUTE" in text, "NETLINK_XFRM" in text, "layouts (functions" in text) == (True, False, True)


def test_a_negative_number_of_layouts_is_a_mistake() -> None:
    """It is refused in one line, with exit code 2."""
    done = nlmon("capture", "stats", TOPOLOGY, "--layouts", -1)

    assert (done.returncode, "Traceback" in done.stderr, done.stdout) == (2, False, "")
