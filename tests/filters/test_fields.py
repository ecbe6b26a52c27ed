"""The table of fields, and what is made from it: completion, and what a filter means without some of them.

Not here: comparing fields (``test_language``).
"""

from __future__ import annotations

import pytest

from nlmon.events import PAYLOADS, Event
from nlmon.filters import compile_filter
from nlmon.filters.complete import complete
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
