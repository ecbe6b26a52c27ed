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


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (message(32, bytes([2, 0, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0]) + attr(11, b"\1")), "FRA_FLOW"),
        (message(28, bytes([7, 0, 0, 0, 3, 0, 0, 0, 0x80, 0, 2, 0]) + attr(11, b"\1\2")), "NDA_SRC_VNI"),
    ],
)
def test_both_find_the_same_mistake_there(data: bytes, path: str) -> None:
    """A number that is too short is left out and reported."""
    for name in BACKENDS:
        assert findings(decode(name, ROUTE, data)) == [("AttributeFormatError", 28, path)]
