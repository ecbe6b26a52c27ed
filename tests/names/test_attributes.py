"""Names of attributes: by message and by the numbers on the way."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from nlmon.compare.contract import load_contract
from nlmon.compare.evidence.offsets import ATTRIBUTES
from nlmon.names.attribute_sets import MESSAGES, SELECTED, Nest, root_of
from nlmon.names.attributes import FOLDER, attribute_name, attributes, find, inside, kind_text, sets
from support.command import nlmon
from support.paths import CAPTURES

NAMES = [
    ("link", (4,), (), "IFLA_MTU"),
    ("link", (18, 2, 1), ("vxlan",), "IFLA_LINKINFO/IFLA_INFO_DATA/IFLA_VXLAN_ID"),
    ("link", (18, 2, 1), ("bridge",), "IFLA_LINKINFO/IFLA_INFO_DATA/IFLA_BR_FORWARD_DELAY"),
    ("link", (18, 2, 1), ("no such kind",), "IFLA_LINKINFO/IFLA_INFO_DATA/1"),
    ("link", (18, 2, 1), (), "IFLA_LINKINFO/IFLA_INFO_DATA/1"),
    ("link", (18, 5, 1), ("bond",), "IFLA_LINKINFO/IFLA_INFO_SLAVE_DATA/IFLA_BOND_SLAVE_STATE"),
    ("link", (26, 10, 5), (), "IFLA_AF_SPEC/AF_INET6/IFLA_INET6_CACHEINFO"),
    ("link", (52, 53), (), "IFLA_PROP_LIST/IFLA_ALT_IFNAME"),
    ("rt-link/link-attrs@bridge", (26, 2), (), "IFLA_AF_SPEC/IFLA_BRIDGE_VLAN_INFO"),
    ("rt-link/link-attrs@bridge", (4,), (), "IFLA_MTU"),
    ("link", (9999, 1), (), "rt-link/link-attrs/9999/1"),
    ("route", (9, 5), (), "RTA_MULTIPATH/RTA_GATEWAY"),
    ("route", (22, 1), ("mpls",), "RTA_ENCAP/MPLS_IPTUNNEL_DST"),
    ("route", (9, 22, 1), ("mpls",), "RTA_MULTIPATH/RTA_ENCAP/MPLS_IPTUNNEL_DST"),
    ("route", (9, 1), (), "RTA_MULTIPATH/RTA_DST"),
    ("route", (8, 2), (), "RTA_METRICS/RTAX_MTU"),
    ("tc", (2, 3, 2, 1), ("flower", "mirred"), "TCA_OPTIONS/TCA_FLOWER_ACT/TCA_ACT_OPTIONS/TCA_MIRRED_TM"),
    ("mdb", (1, 1, 1, 1), (), "MDBA_MDB/MDBA_MDB_ENTRY/MDBA_MDB_ENTRY_INFO/MDBA_MDB_EATTR_TIMER"),
    ("conntrack", (1, 2, 1), (), "CTA_TUPLE_ORIG/CTA_TUPLE_PROTO/CTA_PROTO_NUM"),
    ("conntrack", (6, 3, 1), (), "CTA_NAT_SRC/CTA_NAT_PROTO/CTA_PROTONAT_PORT_MIN"),
    ("expect", (2, 1, 1), (), "CTA_EXPECT_TUPLE/CTA_TUPLE_IP/CTA_IP_V4_SRC"),
    ("unix socket", (0,), (), "UNIX_DIAG_NAME"),
    ("xfrm", (31,), (), "XFRMA_IF_ID"),
    ("nl80211", (3,), (), "NL80211_ATTR_IFINDEX"),
    ("tcp_metrics", (6, 1), (), "TCP_METRICS_ATTR_VALS/tcp_metrics/metrics/1"),
    ("no such message", (3, 4), (), "3/4"),
]


@pytest.mark.parametrize(("message", "path", "kinds", "name"), NAMES, ids=[name for *_, name in NAMES])
def test_an_attribute_has_the_kernels_name(
    message: str, path: tuple[int, ...], kinds: tuple[str, ...], name: str
) -> None:
    """Each number on the way by the set that it stands in; without a name it is the set and the number."""
    assert attribute_name(message, path, kinds) == name


ROOTS = [
    (0, 16, 0, "", Nest("rt-link/link-attrs", 16)),
    (0, 17, 7, "", Nest("rt-link/link-attrs@bridge", 16)),
    (0, 24, 2, "", Nest("rt-route/route-attrs", 12)),
    (0, 104, 2, "", Nest("rt-nexthop/nexthop-attrs", 8)),
    (4, 20, 10, "", Nest("sock-diag/inet-attrs", 72)),
    (4, 20, 1, "", Nest("sock-diag/unix-attrs", 16)),
    (6, 16, 0, "", Nest("xfrm/xfrm-attrs", 224)),
    (6, 37, 0, "", Nest("xfrm/spd-attrs", 4)),
    (9, 1300, 0, "", Nest()),
    (12, 0x0102, 2, "", Nest("conntrack/conntrack-attrs", 4)),
    (12, 0x0200, 2, "", Nest("conntrack/expect-attrs", 4)),
    (16, 16, 1, "", Nest("nlctrl/ctrl-attrs", 4)),
    (16, 35, 7, "nl80211", Nest("nl80211/nl80211-attrs", 4)),
    (16, 36, 17, "ethtool", Nest("ethtool/rings", 4)),
    (16, 36, 200, "ethtool", Nest("", 4)),
]


@pytest.mark.parametrize(("protocol", "msg_type", "first", "family", "nest"), ROOTS)
def test_a_message_says_where_its_attributes_begin(
    protocol: int, msg_type: int, first: int, family: str, nest: Nest
) -> None:
    """By protocol and type, and where these do not say it by the first byte or the name of the family."""
    assert root_of(protocol, msg_type, first, family) == nest


def test_what_nests_is_there() -> None:
    """Every set that a message, an attribute or a text stands for is in a table."""
    named = {nest.set for choice in SELECTED.values() for nest in choice.values()} | set(MESSAGES.values())
    every = [one for name in sets() for one in attributes(name)]

    assert named - set(sets()) == set()
    assert {one.nested for one in every if one.nested and one.selector < 0} - set(sets()) == set()
    # Expressions of nftables are not compared, and need no names.
    assert {one.nested for one in every if one.selector >= 0} - set(SELECTED) == {"expr-ops"}


@pytest.mark.parametrize(
    ("name", "number", "payload", "text"),
    [
        ("rt-link/linkinfo-attrs", 1, b"vxlan\0", "vxlan"),
        ("rt-link/linkinfo-attrs", 1, b"vxlan", "vxlan"),
        ("rt-link/linkinfo-attrs", 1, b"\xff\0more", "\\xff"),
        ("rt-route/route-attrs", 21, b"\0\x01", "mpls"),
        ("rt-nexthop/nexthop-attrs", 7, b"\x01\x02", "258"),
        ("rt-route/route-attrs", 21, b"", "0"),
    ],
)
def test_what_selects_has_a_text(name: str, number: int, payload: bytes, text: str) -> None:
    """The text itself up to its end, and of a number the name that ip gives to it."""
    assert kind_text(find(name, number), payload, "big") == text


def test_bytes_before_what_nests() -> None:
    """A structure may stand before the attributes: of an interface, of a queueing discipline."""
    peer = find("rt-link/linkinfo-veth-attrs", 1)
    options = find("tc/attrs", 2)

    assert inside(peer) == Nest("rt-link/link-attrs", 16)
    assert inside(options, "netem") == Nest("tc/netem-attrs", 24)
    assert inside(options, "no such kind") == Nest()
    assert inside(find("rt-link/link-attrs", 4)) == Nest()


@pytest.mark.parametrize(
    ("name", "number", "reason"),
    [
        ("rt-link/link-attrs", 42, "padding"),
        ("rt-route/route-attrs", 24, "padding"),
        ("rt-neigh/neighbour-attrs", 0, "the number that stands for none"),
        ("rt-link/link-attrs", 23, "counters, which change without a notification"),
        ("rt-link/link-attrs", 19, "stands in requests alone"),
        ("rt-route/route-attrs", 13, "no longer used by the kernel"),
        ("rt-link/link-attrs", 4, ""),
        ("", 1, ""),
    ],
)
def test_what_nobody_need_read_has_a_reason(name: str, number: int, reason: str) -> None:
    """Padding, requests, counters."""
    assert find(name, number).ignored == reason


@pytest.mark.slow
def test_what_stands_in_requests_alone_is_in_nothing_else() -> None:
    """In no notification or answer of a bundled recording is an attribute that is said to stand in requests alone."""
    report = json.loads(nlmon("coverage", *sorted(CAPTURES.glob("*/*.pcap*")), "--format", "json").stdout)
    rows = [one for message in report["messages"] for one in message["attributes"]]

    assert [one["path"] for one in rows if one["ignored"] == "stands in requests alone"] == []
    assert [one["ignored"] for one in rows if one["path"] == "NHA_OP_FLAGS"] == [
        "says what the kernel can do, and nothing of the nexthop"
    ]


def test_reasons_are_about_attributes() -> None:
    """Each line of the table of reasons has the name that the other tables have."""
    lines = (FOLDER / "ignored-attributes.tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = [line.split("\t") for line in lines]

    assert [
        (name, find(of, int(number)).name) for of, number, name, _ in rows if find(of, int(number)).name != name
    ] == []
    assert [name for *_, name, reason in rows if not reason] == []


def test_the_contract_has_the_same_names_and_numbers() -> None:
    """Every attribute that the contract names is in the set of its message, with the number that the evidence has."""
    known = {one.name: one.number for name in sets() for one in attributes(name)}
    named = {
        part
        for kind in load_contract().kinds.values()
        for field in kind.fields
        for path in field.paths
        for part in path.split("/")
        if re.fullmatch(r"[A-Z][A-Z0-9_]+", part)
    }

    assert {name: known.get(name) for name in named} == {name: ATTRIBUTES[name] for name in named}


def test_tables_are_read_when_a_name_is_asked_for() -> None:
    """The module reads no file when it is imported, and names of messages do without it."""
    code = (
        "import sys, nlmon.names; assert 'nlmon.names.attributes' not in sys.modules\n"
        "import nlmon.names.attributes as names; print(names._lines.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "0\n"
