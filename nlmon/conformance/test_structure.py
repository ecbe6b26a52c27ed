"""Claims about the event of the interfaces for programs, which has the fields of the old and of the new structure.

Not here: functions (``test_programs``), and what the fields of a payload are (``test_route`` and the others).
"""

from __future__ import annotations

from nlmon.api import EventType, nlmon_netlink_enable
from nlmon.conformance.claim import by_design, claim
from nlmon.conformance.program import Program
from nlmon.conformance.test_generic import NL80211, SUBCOMMAND, host, vendor
from nlmon.conformance.test_others import flow, inet
from nlmon.conformance.test_route import rule
from nlmon.testing.messages import addr, attr, generic, link, message, neigh, number, route
from nlmon.testing.transport import GENERIC, ROUTE
from nlmon.uapi import (
    NETLINK_NETFILTER,
    NETLINK_SOCK_DIAG,
    NL80211_CMD_VENDOR,
    QCA_NL80211_VENDOR_ID,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWNEIGH,
    RTM_NEWROUTE,
    RTM_NEWRULE,
)

__all__ = ()

LAN0 = message(RTM_NEWLINK, link(3, "lan0"), flags=2, seq=7, pid=9)
NAMELESS = by_design("it knows no names of families")


@claim(
    "structure.old",
    "An event has time, type, protocol and type of message where the old structure had them, and its message as data.",
    source="guide#event-structure-changes; guide#compatibility-layer",
)
def test_old_fields(program: Program) -> None:
    found = program.event(LAN0)
    assert (found.timestamp, found.type, found.protocol) == (program.kernel.clock, EventType.LINK, ROUTE)
    assert (found.msg_type, found.data) == (RTM_NEWLINK, LAN0)
    both = [message(RTM_NEWLINK, link(4, "lan1")), message(RTM_NEWADDR, addr(4, "192.0.2.1"))]
    ctx = program.context()
    nlmon_netlink_enable(ctx, ROUTE, program.use_libnl)
    assert [(one.type, one.data) for one in program.receive(ctx, b"".join(both))] == [
        (EventType.LINK, both[0]),
        (EventType.ADDR, both[1]),
    ]


@claim(
    "structure.header",
    "An event has protocol, type, flags, sequence number and port of its message in netlink.",
    source="guide#event-structure-changes",
)
def test_header(program: Program) -> None:
    found = program.event(LAN0).netlink
    assert (found.protocol, found.msg_type, found.msg_flags, found.seq, found.pid) == (ROUTE, RTM_NEWLINK, 2, 7, 9)


@claim(
    "structure.generic",
    "A generic message has its command, version and the number of its family in netlink.",
    source="guide#event-structure-changes",
)
def test_generic(program: Program) -> None:
    program.kernel = host()
    found = program.event(generic(NL80211, 46, version=1), GENERIC).netlink
    assert (found.genl_cmd, found.genl_version, found.genl_family_id) == (46, 1, NL80211)
    assert found.data.generic is not None


@claim(
    "structure.generic.name",
    "A generic message has the name of its family in netlink.",
    source="guide#event-structure-changes",
    legacy=NAMELESS,
)
def test_generic_name(program: Program) -> None:
    program.kernel = host()
    assert program.event(generic(NL80211, 46), GENERIC).netlink.genl_family_name == "nl80211"


@claim(
    "structure.route",
    "Links, addresses, routes and neighbours are members of their name in netlink.data.",
    source="guide#event-structure-changes",
)
def test_members(program: Program) -> None:
    rows = {
        "link": LAN0,
        "addr": message(RTM_NEWADDR, addr(3, "192.0.2.1")),
        "route": message(RTM_NEWROUTE, route("192.0.2.0/24", 3)),
        "neigh": message(RTM_NEWNEIGH, neigh(3, "192.0.2.9")),
    }
    ctx = program.context()
    nlmon_netlink_enable(ctx, ROUTE, program.use_libnl)
    found = {name: one.netlink.data for name, data in rows.items() for one in program.receive(ctx, data)}
    there = {name: [key for key in rows if getattr(data, key) is not None] for name, data in found.items()}
    assert there == {name: [name] for name in rows}


@claim(
    "structure.rule",
    "A policy rule is a member of netlink.data, and has its old type.",
    source="guide#event-structure-changes",
)
def test_rule(program: Program) -> None:
    found = program.event(message(RTM_NEWRULE, rule(2, 1000)))
    assert found.netlink.data.rule is not None
    assert (found.type, found.netlink.data.rule.priority) == (EventType.RULE, 1000)


@claim(
    "structure.diag",
    "A socket is a member of netlink.data, and has its ports in the old structure, too.",
    source="guide#event-structure-changes",
)
def test_diag(program: Program) -> None:
    found = program.event(inet(), NETLINK_SOCK_DIAG)
    assert found.netlink.data.diag is not None
    assert (found.type, getattr(found.data, "src_port", 0)) == (EventType.SOCK_DIAG, 22)


@claim(
    "structure.conntrack",
    "A connection is a member of netlink.data, and has no old type.",
    source="guide#event-structure-changes",
)
def test_connection(program: Program) -> None:
    found = program.event(flow(), NETLINK_NETFILTER)
    assert found.netlink.data.conntrack is not None
    assert (found.type, found.data) == (None, None)


@claim(
    "structure.nl80211",
    "What a message of nl80211 says is a member of netlink.data.",
    source="guide#event-structure-changes",
    legacy=by_design("it has no fields of nl80211"),
)
def test_wireless(program: Program) -> None:
    program.kernel = host()
    found = program.event(generic(NL80211, 46, attr(3, number("I", 5))), GENERIC).netlink.data.nl80211
    assert found is not None
    assert (found.cmd, found.ifindex) == (46, 5)


@claim(
    "structure.qca",
    "A vendor command of Qualcomm Atheros is a member of netlink.data.",
    source="guide#event-structure-changes; guide#related-guides",
    legacy=by_design("it has no entry for vendor commands"),
)
def test_vendor_member(program: Program) -> None:
    program.kernel = host()
    found = program.event(vendor(QCA_NL80211_VENDOR_ID), GENERIC).netlink.data.qca
    assert found is not None
    assert found.subcmd == SUBCOMMAND


@claim(
    "structure.vendor.old",
    "The old structure has vendor and subcommand of a vendor command in the name of its family.",
    source="guide#event-structure-changes; guide#compatibility-layer",
)
def test_old_vendor(program: Program) -> None:
    program.kernel = host()
    found = [program.event(data, GENERIC).data for data in (vendor(QCA_NL80211_VENDOR_ID), vendor(0x1018))]
    assert [(getattr(one, "cmd", 0), getattr(one, "family_name", "")) for one in found] == [
        (SUBCOMMAND, f"nl80211/QCA:{SUBCOMMAND:#x}"),
        (NL80211_CMD_VENDOR, "nl80211/vendor:0x001018"),
    ]
