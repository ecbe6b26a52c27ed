"""Claims about events as JSON: what is read by people, by filters and by other programs.

Not here: files and sockets that JSON is written to, which no implementation knows.
"""

from __future__ import annotations

import json
from typing import Any

from nlmon.conformance.claim import by_design, claim
from nlmon.conformance.monitor import Start
from nlmon.eventjson.read import event_from_json
from nlmon.eventjson.write import event_to_dict, event_to_json
from nlmon.testing.messages import addr, attr, family, generic, link, message, neigh, number, route
from nlmon.testing.transport import GENERIC, ROUTE, FakeKernel
from nlmon.uapi import NL80211_CMD_VENDOR, QCA_NL80211_VENDOR_ID, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWNEIGH, RTM_NEWROUTE

__all__ = ()

NL80211 = 28


def written(start: Start, data: bytes, protocol: int = ROUTE) -> dict[str, Any]:
    """What JSON has under ``netlink`` of a message; nl80211 is there."""
    kernel = FakeKernel()
    kernel.families["nl80211"] = family(NL80211, "nl80211", {"vendor": 20})
    (event,) = start(protocol, kernel=kernel).receive(data, protocol=protocol)
    found = event_to_dict(event)
    assert found["type"] == "netlink"
    netlink: dict[str, Any] = found["netlink"]
    return netlink


@claim(
    "json.names",
    "Protocols, types of messages, flags and states have the kernel's names.",
    source="guide#post-migration-validation; guide#issue-different-event-data-between-implementations",
)
def test_names(start: Start) -> None:
    found = written(start, message(RTM_NEWLINK, link(3, "lan0") + attr(16, b"\6"), flags=0x600))
    assert (found["protocol"], found["msg_type"]) == ("NETLINK_ROUTE", "RTM_NEWLINK")
    assert (found["msg_flags"], found["link"]["flags"]) == (["NLM_F_EXCL", "NLM_F_CREATE"], ["UP"])
    assert (found["link"]["ifname"], found["link"]["operstate"]) == ("lan0", "UP")


@claim(
    "json.numbers",
    "Beside each name stands the number.",
    source="guide#issue-different-event-data-between-implementations",
)
def test_numbers(start: Start) -> None:
    found = written(start, message(RTM_NEWLINK, link(3, "lan0") + attr(16, b"\6"), flags=0x600))
    assert (found["_num"], found["link"]["_num"]["operstate"]) == (
        {"msg_flags": 0x600, "msg_type": 16, "protocol": 0},
        6,
    )


@claim(
    "json.unknown",
    "A number that has no name is written as it is.",
    source="guide#issue-different-event-data-between-implementations",
)
def test_unknown(start: Start) -> None:
    found = written(start, message(RTM_NEWLINK, link(3, "lan0") + attr(16, b"\xc8")))
    assert (found["link"]["operstate"], found["link"]["_num"]["operstate"]) == ("200", 200)


@claim(
    "json.absent",
    "What the message does not carry is null, and what the implementation does not provide is not there.",
    source="guide#event-structure-changes; guide#issue-different-event-data-between-implementations",
)
def test_absent(start: Start) -> None:
    found = written(start, message(RTM_NEWADDR, number("BBBBI", 2, 24, 0, 0, 3)))
    assert (found["addr"]["addr"], found["addr"]["label"], "linkinfo" in found["addr"]) == (None, None, False)


@claim(
    "json.read",
    "An event that is read back from its JSON is the same, on one line whose keys are sorted.",
    source="guide#pattern-2-parallel-deployment",
)
def test_read(start: Start) -> None:
    bodies = (
        *((RTM_NEWLINK, link(3, "lan0")), (RTM_NEWADDR, addr(3, "192.0.2.1")), (RTM_NEWNEIGH, neigh(3, "2001:db8::1"))),
        (RTM_NEWROUTE, route("10.0.0.0/8", 3, "192.0.2.2")),
    )
    events = start(ROUTE).receive(*(message(*one) for one in bodies))
    lines = [event_to_json(event) for event in events]
    assert [event_from_json(line) for line in lines] == events
    keys = [list(json.loads(line)) for line in lines]
    assert keys == [sorted(one) for one in keys]
    assert len(events) == len(bodies)


@claim(
    "json.qca",
    "A vendor command of Qualcomm Atheros has the name of its subcommand, or its number where that has no name.",
    source="guide#related-guides; guide#event-structure-changes",
    legacy=by_design("it gives the numbers of vendor and subcommand"),
)
def test_qca(start: Start) -> None:
    names = []
    for subcommand in (203, 64, 9999):
        rows = attr(195, number("I", QCA_NL80211_VENDOR_ID)), attr(196, number("I", subcommand))
        generic_ = written(start, generic(NL80211, NL80211_CMD_VENDOR, *rows), GENERIC)["generic"]
        names.append((generic_.get("qca_vendor") or {}).get("subcmd"))
    assert names == ["ROAM_EVENTS", "ROAM", "9999"]


@claim(
    "json.nl80211",
    "Commands of nl80211 have their names, of which CONNECT is 46 and DISCONNECT 48.",
    source="guide#scenario-2-wifi-monitoring; linux/nl80211.h",
    legacy=by_design("it has no fields of nl80211"),
)
def test_nl80211(start: Start) -> None:
    found = [written(start, generic(NL80211, number_), GENERIC)["generic"] for number_ in (34, 46, 48)]
    assert [(one.get("nl80211") or {}).get("cmd") for one in found] == ["NEW_SCAN_RESULTS", "CONNECT", "DISCONNECT"]
