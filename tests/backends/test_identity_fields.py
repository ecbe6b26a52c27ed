"""What the identity of an object needs, read by both implementations out of the same bytes, and the same mistakes.

Not here: which objects are the same (``tests/state/test_tables.py``).
"""

from __future__ import annotations

import pytest

from nlmon.testing.messages import attr, message, nested, number
from support.decoding import BACKENDS, ORDERS, decode, findings, payload

ROUTE = 0


def route(order: str, *attributes: bytes, family: int = 2) -> bytes:
    body = bytes([family, 16, 0, 0, 254, 3, 0, 1]) + number("I", 0, byteorder=order)
    return message(24, body + b"".join(attributes), byteorder=order)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("family", [2, 10, 28])
def test_nexthop_and_metrics_of_a_route(name: str, order: str, family: int) -> None:
    """RTA_NH_ID is a number; RTA_METRICS holds numbers, and the name of a congestion control."""
    mtu, algorithm = attr(2, number("I", 1300, byteorder=order), order), attr(16, b"bbr\0", order)
    metrics = nested(8, mtu, algorithm, byteorder=order)
    read = payload(
        name, ROUTE, route(order, metrics, attr(30, number("I", 7, byteorder=order), order), family=family), order
    )

    assert (read.nh_id, read.metrics) == (7, ((2, 1300), (16, "bbr")))
    bare = payload(name, ROUTE, route(order, family=family), order)
    assert (bare.nh_id, bare.metrics) == (None, None)


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        (attr(30, b"\1\2"), [("AttributeFormatError", 28, "RTA_NH_ID")]),
        (nested(8, attr(2, b"\1")), [("AttributeFormatError", 32, "RTA_METRICS")]),
        (attr(8, b"\1\2\3"), [("AttributeFormatError", 32, "RTA_METRICS")]),
        (attr(8, b"\xff\0\1\0\0\0\0\0"), [("AttributeFormatError", 32, "RTA_METRICS")]),
    ],
)
def test_both_find_the_same_mistake(attribute: bytes, expected: list[tuple[str, int, str]]) -> None:
    """A value that cannot be read is left out and reported with its place."""
    for name in BACKENDS:
        assert findings(decode(name, ROUTE, route("little", attribute))) == expected


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", BACKENDS)
def test_realms_of_a_rule_and_source_identifier_of_an_entry(name: str, order: str) -> None:
    """FRA_FLOW and NDA_SRC_VNI are numbers."""
    flow, src_vni = (attr(11, number("I", n, byteorder=order), order) for n in (0x50006, 20))
    rule = message(32, bytes([2, 0, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0]) + flow, byteorder=order)
    head = bytes([7, 0, 0, 0]) + number("iHBB", 3, 0x80, 2, 0, byteorder=order)

    assert payload(name, ROUTE, rule, order).flow == 0x50006
    assert payload(name, ROUTE, message(28, head + src_vni, byteorder=order), order).src_vni == 20
    assert payload(name, ROUTE, message(28, head, byteorder=order), order).src_vni is None


RULE = bytes([2, 0, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", BACKENDS)
def test_later_selectors_of_a_rule(name: str, order: str) -> None:
    """FRA_DSCP, FRA_FLOWLABEL, their masks and those of ports; labels are in network byte order."""
    labels = (attr(n, value.to_bytes(4, "big"), order) for n, value in ((26, 0x12345), (27, 0xFFFFF)))
    ports = (attr(n, number("H", value, byteorder=order), order) for n, value in ((28, 0xFF00), (29, 0xFFF0)))
    bytes_of = (attr(n, bytes([value]), order) for n, value in ((25, 46), (30, 0x3F)))
    read = payload(name, ROUTE, message(32, RULE + b"".join((*labels, *ports, *bytes_of)), byteorder=order), order)
    bare = payload(name, ROUTE, message(32, RULE, byteorder=order), order)
    fields = ("dscp", "dscp_mask", "flowlabel", "flowlabel_mask", "sport_mask", "dport_mask")

    assert [getattr(read, field) for field in fields] == [46, 0x3F, 0x12345, 0xFFFFF, 0xFF00, 0xFFF0]
    assert [getattr(bare, field) for field in fields] == [None] * 6


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("family", [2, 10, 28])
def test_encapsulation_of_a_route_and_of_its_hops(name: str, order: str, family: int) -> None:
    """RTA_ENCAP_TYPE is a number, RTA_ENCAP whatever it holds, as digits."""
    encap = attr(21, number("H", 1, byteorder=order), order) + attr(22 | 0x8000, b"\x08\0\1\0\xff", order)
    hop = number("HBBi", 8 + len(encap), 0, 0, 3, byteorder=order) + encap
    one = payload(name, ROUTE, route(order, encap, family=family), order)
    (listed,) = payload(name, ROUTE, route(order, attr(9, hop, order), family=family), order).multipath

    assert [(read.encap_type, read.encap) for read in (one, listed)] == [(1, "08000100ff")] * 2


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", BACKENDS)
def test_the_namespace_that_a_link_or_an_address_is_in(name: str, order: str) -> None:
    """IFLA_TARGET_NETNSID and IFA_TARGET_NETNSID are signed numbers."""
    target = number("i", -2, byteorder=order)
    link = number("BxHiII", 0, 1, 3, 1, 0, byteorder=order) + attr(46, target, order)
    addr = number("BBBBi", 2, 24, 0, 0, 3, byteorder=order) + attr(10, target, order)

    assert payload(name, ROUTE, message(16, link, byteorder=order), order).target_netnsid == -2
    assert payload(name, ROUTE, message(20, addr, byteorder=order), order).target_netnsid == -2


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (message(32, RULE + attr(11, b"\1")), "FRA_FLOW"),
        (message(32, RULE + attr(25, b"")), "FRA_DSCP"),
        (message(32, RULE + attr(26, b"\1\2\3")), "FRA_FLOWLABEL"),
        (message(32, RULE + attr(29, b"\1")), "FRA_DPORT_MASK"),
        (route("little", attr(21, b"\1")), "RTA_ENCAP_TYPE"),
        (message(28, bytes([7, 0, 0, 0, 3, 0, 0, 0, 0x80, 0, 2, 0]) + attr(11, b"\1\2")), "NDA_SRC_VNI"),
    ],
)
def test_both_find_the_same_mistake_there(data: bytes, path: str) -> None:
    """A number that is too short is left out and reported."""
    for name in BACKENDS:
        assert findings(decode(name, ROUTE, data)) == [("AttributeFormatError", 28, path)]
