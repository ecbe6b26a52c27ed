"""What of all that the kernel defines the implementations read."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.reads import WHOLE, Node, Reads
from nlmon.compare.contract import load_contract
from nlmon.compare.pair import pair_of
from nlmon.engine.coverage.kernel import kernel_coverage
from nlmon.report.coverage import CoverageReport, state_of
from nlmon.uapi import NETLINK_NETFILTER, NETLINK_ROUTE, RTM_NEWLINK

NAMES = ("legacy", "libnl")


class Blind(LegacyBackend):
    """Reads nothing."""

    @classmethod
    def reads(cls, protocol: int, msg_type: int, first: int, family: str = "") -> Reads | None:
        return None


class Sharp(LegacyBackend):
    """Reads of links the name, one attribute of IFLA_LINKINFO as it is, and of another the inside."""

    @classmethod
    def reads(cls, protocol: int, msg_type: int, first: int, family: str = "") -> Reads | None:
        if (protocol, msg_type) != (NETLINK_ROUTE, RTM_NEWLINK):
            return None
        return Reads(16, {3: WHOLE, 18: Node({1: WHOLE, 2: WHOLE, 5: Node({1: WHOLE})})})


@pytest.fixture(scope="module")
def found() -> CoverageReport:
    """Both implementations."""
    return kernel_coverage((LegacyBackend, LibnlBackend), NAMES, load_contract())


@pytest.fixture(scope="module")
def states(found: CoverageReport) -> dict[tuple[str, str], str]:
    """Who reads an attribute, by message and path."""
    return {
        (message.message, row.path): state_of(row, NAMES) for message in found.messages for row in message.attributes
    }


FACTS = [
    ("link", "IFLA_MTU", "both"),
    ("link", "IFLA_LINKINFO/IFLA_INFO_KIND", "libnl"),
    ("link", "IFLA_LINKINFO/IFLA_INFO_DATA", "neither"),
    ("link", "IFLA_LINKINFO/IFLA_INFO_DATA/IFLA_VXLAN_ID", "neither"),
    ("link", "IFLA_STATS64", "ignored"),
    ("link, AF_BRIDGE", "IFLA_AF_SPEC/IFLA_BRIDGE_VLAN_INFO", "neither"),
    ("route", "RTA_GATEWAY", "both"),
    ("route", "RTA_MULTIPATH/RTA_GATEWAY", "both"),
    ("tc", "TCA_STATS2/TCA_STATS_BASIC", "libnl"),
    ("tc", "TCA_OPTIONS/TCA_BASIC_ACT/TCA_ACT_KIND", "neither"),
    ("xfrm", "XFRMA_MARK", "libnl"),
    ("conntrack", "CTA_TUPLE_ORIG/CTA_TUPLE_IP/CTA_IP_V4_SRC", "both"),
    ("nl80211", "NL80211_ATTR_VENDOR_ID", "both"),
    ("ethtool", "ETHTOOL_A_RINGS_RX", "libnl"),
]


@pytest.mark.parametrize(("message", "path", "state"), FACTS, ids=[f"{path}-{state}" for _, path, state in FACTS])
def test_an_attribute_is_read_by(states: dict[tuple[str, str], str], message: str, path: str, state: str) -> None:
    """By both, by one alone, by neither; or nobody need read it."""
    assert states[message, path] == state


def test_counts_are_those_of_the_attributes(found: CoverageReport) -> None:
    """Of each message and of all together, and no attribute is listed twice."""
    for message in found.messages:
        counts = Counter(state_of(row, NAMES) for row in message.attributes)
        assert {state: count for state, count in message.counts.items() if count} == dict(counts)
    paths = Counter((message.message, row.path, row.set) for message in found.messages for row in message.attributes)

    assert found.counts == {state: sum(one.counts[state] for one in found.messages) for state in found.counts}
    assert [path for path, times in paths.items() if times > 1] == []


def test_the_statements_say_the_same(states: dict[tuple[str, str], str]) -> None:
    """What both state to provide is read by both, what libnl alone provides by libnl, of one path at least."""
    label = {"diag": "inet socket", "hop": "route", "qca_vendor": "nl80211", "generic": "nl80211"}
    label |= dict.fromkeys(("xfrm_state", "xfrm_policy", "xfrm_flush"), "xfrm")
    wrong = []
    for name, kind in load_contract().kinds.items():
        for field in kind.fields:
            paths = [path for path in field.paths if re.match("[A-Z]", path)]
            labels = [label.get(name, name), *(["unix socket"] if name == "diag" else [])]
            said = {states.get((one, path), "") for one in labels for path in paths} - {""}
            wanted = {"both"} if pair_of(*NAMES).shares_field(name, field.name) else {"both", "libnl"}
            if paths and not said & wanted:
                wrong.append((name, field.name, said))

    assert wrong == []


def test_what_is_read_as_it_is_is_read_inside() -> None:
    """An attribute whose payload is kept counts with all that is in it; of another only what is read."""
    found = kernel_coverage((Blind, Sharp), NAMES, load_contract(), [NETLINK_ROUTE])
    (link,) = (message for message in found.messages if message.message == "link")
    read = {row.path: row.read_by for row in link.attributes}

    assert read["IFLA_IFNAME"] == ["libnl"]
    assert read["IFLA_LINKINFO/IFLA_INFO_DATA/IFLA_VXLAN_ID"] == ["libnl"]
    assert read["IFLA_LINKINFO/IFLA_INFO_SLAVE_DATA/IFLA_BOND_SLAVE_STATE"] == ["libnl"]
    assert read["IFLA_LINKINFO/IFLA_INFO_SLAVE_DATA/IFLA_BOND_SLAVE_MII_STATUS"] == []
    assert read["IFLA_LINKINFO/IFLA_INFO_SLAVE_DATA"] == ["libnl"]


def test_a_protocol_can_be_asked_for() -> None:
    """The messages of no other one are listed, and counted."""
    found = kernel_coverage((LegacyBackend, LibnlBackend), NAMES, load_contract(), [NETLINK_NETFILTER])

    assert [message.message for message in found.messages] == ["conntrack", "expect"]
    assert {message.protocol for message in found.messages} == {"NETLINK_NETFILTER"}
