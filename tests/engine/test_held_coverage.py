"""What captures hold of the kernel's attributes."""

from __future__ import annotations

import pytest

from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.capture import open_capture
from nlmon.compare.contract import load_contract
from nlmon.engine.bounds import Watch
from nlmon.engine.coverage import held as module
from nlmon.engine.coverage.capture import count_capture
from nlmon.engine.coverage.held import Held
from nlmon.engine.coverage.kernel import kernel_coverage
from nlmon.report.coverage import CoverageReport, MessageCoverage, attribute_lines
from nlmon.testing.messages import attr, message
from nlmon.uapi import NETLINK_GENERIC, NETLINK_ROUTE, RTM_NEWLINK, RTM_NEWROUTE
from nlmon.wire import Datagrams
from support.paths import CAPTURES

NAMES = ("legacy", "libnl")
LINK = bytes(16)


def link_info(kind: bytes, *data: bytes) -> bytes:
    """IFLA_LINKINFO with a kind, and something in IFLA_INFO_DATA."""
    return attr(18, attr(1, kind + b"\0") + attr(2, b"".join(data)))


def report(protocol: int, *data: bytes, family: str = "") -> CoverageReport:
    """What is counted of some datagrams."""
    held = Held((LegacyBackend, LibnlBackend), NAMES, load_contract())
    count = len(data)
    held.count(Datagrams(range(1, count + 1), protocol, [0] * count, data), "little", lambda _: family)
    return held.report(["a capture"])


def rows(found: CoverageReport) -> dict[str, tuple[list[str], int, dict[str, int]]]:
    """Who reads each attribute, and how many messages have it, in all and by kind."""
    return {
        row.path: (row.read_by, row.messages, row.kinds) for message in found.messages for row in message.attributes
    }


def test_an_attribute_counts_by_messages_and_kinds() -> None:
    """What nobody reads stands for what is in it, and says of which kind that is."""
    link = LINK + attr(3, b"x\0") + attr(4, bytes(4)) + attr(4, bytes(4)) + attr(23, bytes(8))
    found = report(
        NETLINK_ROUTE,
        message(RTM_NEWLINK, link + link_info(b"vxlan", attr(1, bytes(4)))),
        message(RTM_NEWLINK, link + link_info(b"vxlan")) + message(RTM_NEWLINK, link + link_info(b"bridge")),
        message(RTM_NEWLINK, LINK),
    )
    (messages,) = found.messages

    assert rows(found) == {
        "IFLA_IFNAME": (["legacy", "libnl"], 3, {}),
        "IFLA_MTU": (["legacy", "libnl"], 3, {}),
        "IFLA_STATS64": ([], 3, {}),
        "IFLA_LINKINFO": (["libnl"], 3, {}),
        "IFLA_LINKINFO/IFLA_INFO_KIND": (["libnl"], 3, {}),
        "IFLA_LINKINFO/IFLA_INFO_DATA": ([], 3, {"vxlan": 2, "bridge": 1}),
    }
    assert (messages.message, messages.messages, messages.event) == ("link", 4, True)
    assert found.counts == {"both": 2, "legacy": 0, "libnl": 2, "neither": 1, "ignored": 1}
    assert list(attribute_lines(messages, NAMES)) == [
        "neither  IFLA_LINKINFO/IFLA_INFO_DATA (3 messages: vxlan 2, bridge 1)",
        "libnl    IFLA_LINKINFO (3 messages)",
        "libnl    IFLA_LINKINFO/IFLA_INFO_KIND (3 messages)",
        "ignored  IFLA_STATS64 (3 messages): counters, which change without a notification",
    ]


def test_next_hops_are_gone_into() -> None:
    """Each has attributes behind a structure of its own; one that several hops have counts once."""
    hop = (12).to_bytes(2, "little") + bytes(6)
    hops = b"".join((8 + len(one)).to_bytes(2, "little") + hop[2:8] + one for one in [attr(5, bytes(4))] * 2)
    found = report(NETLINK_ROUTE, message(RTM_NEWROUTE, b"\x02" + bytes(11) + attr(9, hops)))

    assert rows(found) == {
        "RTA_MULTIPATH": (["legacy", "libnl"], 1, {}),
        "RTA_MULTIPATH/RTA_GATEWAY": (["legacy", "libnl"], 1, {}),
    }


def test_a_list_that_is_longer_than_it_says_is_one_attribute() -> None:
    """222 virtual functions do not fit into 16 bits of length; what is in the list is nothing of the link."""
    entries = attr(1, bytes(296)) * 222
    wrapped = ((len(entries) + 4) & 0xFFFF).to_bytes(2, "little") + (22).to_bytes(2, "little") + entries
    found = report(NETLINK_ROUTE, message(RTM_NEWLINK, LINK + attr(3, b"x\0") + wrapped + attr(4, bytes(4))))

    assert {path: count for path, (_, count, _) in rows(found).items()} == {
        "IFLA_IFNAME": 1,
        "IFLA_VFINFO_LIST": 1,
        "IFLA_MTU": 1,
    }


def test_the_address_family_decides() -> None:
    """legacy reads addresses of IPv4 and IPv6, and none of MPLS."""
    route = bytes(11) + attr(1, bytes(4))
    found = report(NETLINK_ROUTE, *(message(RTM_NEWROUTE, bytes([one]) + route) for one in (2, 28)))
    (messages,) = found.messages

    assert [(row.path, row.read_by) for row in messages.attributes] == [
        ("RTA_DST", ["legacy", "libnl"]),
        ("RTA_DST", ["libnl"]),
    ]


@pytest.mark.parametrize(
    ("protocol", "msg_type", "family", "label", "event"),
    [
        (NETLINK_ROUTE, 64, "", "RTM_NEWNEIGHTBL", False),
        (NETLINK_GENERIC, 40, "", "family 40", True),
        (NETLINK_GENERIC, 40, "ethtool", "ethtool", True),
        (15, 16, "", "16", False),
    ],
)
def test_messages_have_a_name(protocol: int, msg_type: int, family: str, label: str, event: bool) -> None:
    """That of their type where they give no event, and of a generic family that of the family, or its number."""
    (found,) = report(protocol, message(msg_type, bytes(4)), family=family).messages

    assert (found.message, found.event) == (label, event)


def test_what_a_capture_decides_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attributes and kinds beyond the bounds are counted as what found no place, and as others."""
    monkeypatch.setattr(module, "KINDS_KEPT", 2)
    kinds = [message(RTM_NEWLINK, LINK + link_info(bytes([letter]), attr(1, b""))) for letter in b"abcd"]
    by_kind = rows(report(NETLINK_ROUTE, *kinds))["IFLA_LINKINFO/IFLA_INFO_DATA"]
    monkeypatch.setattr(module, "ATTRIBUTES_KEPT", 3)
    full = report(NETLINK_ROUTE, message(RTM_NEWLINK, LINK + b"".join(attr(number, b"") for number in range(300, 310))))

    assert by_kind[2] == {"a": 1, "b": 1, "others": 2}
    assert (len(rows(full)), full.left_out) == (3, 7)


def of(found: CoverageReport) -> dict[str, MessageCoverage]:
    """Messages by their name."""
    return {message.message: message for message in found.messages}


def test_what_is_held_is_what_there_could_be() -> None:
    """The tables of a capture and of the kernel agree: what is read in one message is read of its kind."""
    kernel = of(kernel_coverage((LegacyBackend, LibnlBackend), NAMES, load_contract()))["link"]
    could = {row.path: set(row.read_by) for row in kernel.attributes}
    link = LINK + b"".join(attr(number, bytes(4)) for number in range(1, 70))
    held = of(report(NETLINK_ROUTE, message(RTM_NEWLINK, link)))["link"]

    assert {row.path: set(row.read_by) for row in held.attributes} == {
        path: readers for path, readers in could.items() if "/" not in path
    }


@pytest.mark.parametrize("protocols", [(), (NETLINK_GENERIC,)], ids=["all", "one"])
def test_a_capture_is_counted_to_its_end(protocols: tuple[int, ...]) -> None:
    """But for requests and what other protocols hold; families have the names that it gave to them."""
    held, positions = Held((LegacyBackend, LibnlBackend), NAMES, load_contract()), list[int]()
    with open_capture(CAPTURES / "linux-6.12" / "03-nl80211.pcap.zst") as reader:
        watch = Watch(None, reader.info.byteorder)
        tally = count_capture(reader, watch, held, protocols, on_progress=positions.append)
        size = reader.size
    found = of(held.report(["a capture"]))

    assert (tally.frames, tally.messages > 0, positions) == (1979, True, sorted(positions))
    assert 0 < positions[-1] <= size
    assert {"nl80211", "nlctrl"} <= set(found)
    assert ("link" in found) == (not protocols)
