"""The table of fields, and what is made from it: completion, and what a filter means without some of them.

Not here: comparing fields (``test_language``).
"""

from __future__ import annotations

import pytest

from nlmon.events import PAYLOADS, Event
from nlmon.filters import compile_filter
from nlmon.filters.complete import complete
from nlmon.filters.constants import PREFIXES, constant, names_of
from nlmon.filters.fields import ALIASES, FIELDS, field_of
from nlmon.filters.meaning import drawn, meaning
from nlmon.filters.tree import text_of
from nlmon.names import TABLES

# Lists of pairs, and what holds them.
WITHOUT = {"route": {"metrics"}, "generic": {"attributes"}}
# Fields that the C monitor and the guide name, each in a path.
GUIDE = """
interface message_type event_type namespace timestamp sequence netlink.protocol netlink.msg_type netlink.msg_flags
netlink.seq netlink.pid netlink.genl_cmd netlink.genl_version netlink.genl_family_id netlink.genl_family_name
netlink.link.ifname netlink.link.ifindex netlink.link.flags netlink.link.mtu netlink.link.operstate netlink.link.qdisc
netlink.addr.family netlink.addr.ifindex netlink.addr.prefixlen netlink.addr.scope netlink.addr.addr netlink.addr.label
netlink.route.family netlink.route.dst netlink.route.src netlink.route.gateway netlink.route.oif netlink.route.protocol
netlink.route.scope netlink.route.type netlink.route.priority netlink.neigh.family netlink.neigh.ifindex
netlink.neigh.state netlink.neigh.dst netlink.diag.family netlink.diag.state netlink.diag.protocol
netlink.diag.src_port netlink.diag.dst_port netlink.diag.src_addr netlink.diag.dst_addr netlink.diag.uid
netlink.diag.inode netlink.ct.protocol netlink.ct.tcp_state netlink.ct.src_addr netlink.ct.dst_addr netlink.ct.src_port
netlink.ct.dst_port netlink.ct.mark netlink.nl80211.cmd netlink.nl80211.wiphy netlink.nl80211.ifindex
netlink.nl80211.ifname netlink.nl80211.iftype netlink.nl80211.freq netlink.qca.subcmd netlink.qca.subcmd_name
netlink.qca.vendor_id netlink.data.conntrack.bytes_orig netlink.data.conntrack.packets_orig
"""


def test_every_field_of_every_event_is_in_the_table() -> None:
    """But for lists of pairs, of which no single value could be compared."""
    missing = {
        kind: lacking
        for kind, struct in PAYLOADS.items()
        if (
            lacking := {
                name
                for name in struct.__struct_fields__
                if not any(f"{path}.".startswith(f"netlink.{kind}.{name}.") for path in FIELDS)
            }
        )
    }

    assert missing == WITHOUT
    assert {field.steps[0] for field in FIELDS.values() if field.payload is None} == {
        name for name in Event.__struct_fields__ if name != "payload"
    }


def test_a_field_has_names_that_are_known() -> None:
    """Those of an annotation, or of the header of a message."""
    assert {field.names for field in FIELDS.values()} - {"", "protocol", "msg_type", "msg_flags"} <= set(TABLES)


@pytest.mark.parametrize("name", GUIDE.split())
def test_a_field_of_the_guide_is_known(name: str) -> None:
    """Under the name that it has there, in any case."""
    assert field_of(name) is not None
    assert field_of(name.upper()) == field_of(name)


def test_another_name_is_that_of_a_field() -> None:
    """And no other name hides a path."""
    assert set(ALIASES.values()) <= set(FIELDS)
    assert not set(ALIASES) & set(FIELDS)


@pytest.mark.parametrize(
    ("begun", "whole"),
    [
        ("netlink.link.mt", ["netlink.link.mtu"]),
        ("NOT (interface == 'a' AND netlink.diag.src_p", ["NOT (interface == 'a' AND netlink.diag.src_port"]),
        ("netlink.msg_type == RTM_NEWLINKP", ["netlink.msg_type == RTM_NEWLINKPROP"]),
        ("interface starts", ["interface STARTSWITH"]),
        ("interface == ", []),
        ("interface == 'e", []),
        (r"interface == 'it\'s' OR event.t", [r"interface == 'it\'s' OR event.type"]),
    ],
)
def test_completion_knows_the_table(begun: str, whole: list[str]) -> None:
    """Fields, constants and operators; a text that is begun is left alone."""
    assert complete(begun) == whole


def test_completion_begins_with_fields() -> None:
    """Where nothing is typed yet."""
    assert "frame" in complete("")


@pytest.mark.parametrize(
    ("expression", "left"),
    [
        ("netlink.link.kind == 'veth'", False),
        ("NOT netlink.link.kind == 'veth'", True),
        ("netlink.link.kind == 'veth' OR nsid == 1", "nsid == 1"),
        ("netlink.link.kind == 'veth' AND nsid == 1", False),
        ("NOT netlink.link.kind == 'veth' AND nsid == 1", "nsid == 1"),
        ("NOT netlink.link.kind == 'veth' OR nsid == 1", True),
        ("nsid == 1 AND NOT (netlink.link.kind == 'a' OR frame == 2)", "nsid == 1 AND NOT frame == 2"),
        ("NOT netlink.link.kind == 'a' AND NOT netlink.link.kind == 'b'", True),
        ("nsid == 1 OR frame == 2", "nsid == 1 OR frame == 2"),
    ],
)
def test_what_is_left_without_a_field(expression: str, left: str | bool) -> None:
    """A comparison of it is false, and what follows from that is left out."""
    found = meaning(compile_filter(expression).tree, lambda field: field.path != "netlink.link.kind")

    assert (found if isinstance(found, bool) else text_of(found)) == left


def test_a_filter_is_drawn_as_a_tree() -> None:
    """A condition in each line."""
    tree = compile_filter(
        "nsid == 1 AND (frame == 2 OR NOT frame == 3) AND seq == 4".replace("seq", "netlink.seq")
    ).tree

    assert list(drawn(tree)) == [
        "AND",
        "├─ nsid == 1",
        "├─ OR",
        "│  ├─ frame == 2",
        "│  └─ NOT",
        "│     └─ frame == 3",
        "└─ netlink.seq == 4",
    ]


# Constants that documents use, with their numbers.
CONSTANTS = """
NETLINK_ROUTE=0 NETLINK_SOCK_DIAG=4 NETLINK_NETFILTER=12 NETLINK_GENERIC=16 RTM_NEWLINK=16 RTM_DELLINK=17 RTM_NEWADDR=20
RTM_NEWROUTE=24 RTM_NEWNEIGH=28 RTM_NEWRULE=32 IPPROTO_TCP=6 IPPROTO_UDP=17 TCP_ESTABLISHED=1 TCP_SYN_SENT=2
TCP_SYN_RECV=3 TCP_FIN_WAIT1=4 TCP_FIN_WAIT2=5 TCP_TIME_WAIT=6 TCP_CLOSE=7 TCP_CLOSE_WAIT=8 TCP_LAST_ACK=9 TCP_LISTEN=10
TCP_CLOSING=11 TCP_CONNTRACK_NONE=0 TCP_CONNTRACK_SYN_SENT=1 TCP_CONNTRACK_SYN_RECV=2 TCP_CONNTRACK_ESTABLISHED=3
TCP_CONNTRACK_FIN_WAIT=4 TCP_CONNTRACK_CLOSE_WAIT=5 TCP_CONNTRACK_LAST_ACK=6 TCP_CONNTRACK_TIME_WAIT=7
TCP_CONNTRACK_CLOSE=8 TCP_CONNTRACK_NEW=1 AF_INET=2 AF_INET6=10 NUD_INCOMPLETE=1 NUD_REACHABLE=2 NUD_STALE=4 NUD_DELAY=8
NUD_PROBE=16 NUD_FAILED=32 NUD_NOARP=64 NUD_PERMANENT=128 IFF_UP=1 IFF_BROADCAST=2 IFF_LOOPBACK=8 IFF_RUNNING=64
IFF_PROMISC=256 IFF_MULTICAST=4096 IFF_LOWER_UP=65536 IF_OPER_UNKNOWN=0 IF_OPER_NOTPRESENT=1 IF_OPER_DOWN=2
IF_OPER_LOWERLAYERDOWN=3 IF_OPER_TESTING=4 IF_OPER_DORMANT=5 IF_OPER_UP=6 NLM_F_REQUEST=1 NLM_F_MULTI=2
NLM_F_REPLACE=256 NLM_F_CREATE=1024 NLM_F_ROOT=256 NL80211_CMD_CONNECT=46 NL80211_CMD_NEW_STATION=19
NL80211_CMD_VENDOR=103 RTM_F_CLONED=512 RTNH_F_ONLINK=4 RT_TABLE_MAIN=254 SOCK_DIAG_BY_FAMILY=20 IPCTNL_MSG_CT_NEW=256
"""


@pytest.mark.parametrize("row", CONSTANTS.split())
def test_a_constant_has_the_number_of_the_kernel(row: str) -> None:
    """Whatever its case."""
    name, _, number = row.partition("=")

    assert [found and found[0] for found in (constant(name), constant(name.lower()))] == [int(number)] * 2


def test_a_name_is_of_one_number() -> None:
    """In whatever tables it is."""
    twice = {
        name
        for table in PREFIXES
        for name, number in names_of(table).items()
        if (found := constant(name)) is not None and found[0] != number
    }

    assert twice == set()
