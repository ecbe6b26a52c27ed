"""Attributes that stand twice, that hold nothing, or that cannot be read: both implementations read them by one rule.

Of what stands twice the last one counts, as in the kernel (nla_parse in lib/nlattr.c).
"""

from __future__ import annotations

import pytest

from nlmon.testing.messages import attr, message, nested, number
from support.decoding import BACKENDS, ORDERS, decode, findings, payload
from support.flows import NETFILTER, netfilter

ROUTE, NEW = 0, 0
IP4 = bytes((10, 0, 0, 1))


def rule(*rows: bytes, src_len: int = 0, table: int = 254, order: str = "little") -> bytes:
    """RTM_NEWRULE: fib_rule_hdr and attributes."""
    return message(
        32, number("BBBBBxxBI", 2, 0, src_len, 0, table, 1, 0, byteorder=order) + b"".join(rows), byteorder=order
    )


def link(*rows: bytes, order: str = "little") -> bytes:
    """RTM_NEWLINK: ifinfomsg and attributes."""
    return message(16, number("BxHiII", 0, 1, 3, 0, 0, byteorder=order) + b"".join(rows), byteorder=order)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("kind", [1, 2])
def test_an_address_of_a_rule_without_a_byte_is_any_address(name: str, kind: int, order: str) -> None:
    """ip(8) sends FRA_SRC so for "from all", and FRA_DST for "to all"; nothing is wrong with it."""
    found = payload(name, ROUTE, rule(attr(kind, b"", order), order=order), order)
    assert (found.src, found.dst, found.src_len) == (None, None, 0)


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize(("kind", "path"), [(1, "FRA_DST"), (2, "FRA_SRC")])
def test_an_address_of_a_rule_of_another_size_is_malformed(name: str, kind: int, path: str) -> None:
    """Three bytes of an IPv4 address are none, and the finding says where they are."""
    decoded = decode(name, ROUTE, rule(attr(kind, b"\1\2\3"), src_len=24))
    assert findings(decoded) == [("AttributeFormatError", 28, path)]


@pytest.mark.parametrize("name", BACKENDS)
def test_the_last_address_of_a_rule_counts(name: str) -> None:
    """One without a byte takes away what an earlier one said, and a later one says it again."""
    empty, whole = attr(2, b""), attr(2, IP4)
    assert [payload(name, ROUTE, rule(*rows)).src for rows in ((whole, empty), (empty, whole))] == [None, "10.0.0.1"]


KIND, SLAVE = nested(18, attr(1, b"veth\0")), nested(18, attr(4, b"bridge\0"))


@pytest.mark.parametrize(
    ("rows", "kinds"),
    [
        ((KIND,), ("veth", None)),
        ((KIND, SLAVE), (None, "bridge")),
        ((SLAVE, KIND), ("veth", None)),
        ((KIND, nested(18)), (None, None)),
        ((KIND, KIND), ("veth", None)),
    ],
    ids=["once", "another", "the-first-again", "an-empty-one", "the-same"],
)
def test_of_two_linkinfos_the_last_one_counts(rows: tuple[bytes, ...], kinds: tuple[str | None, str | None]) -> None:
    """What is nested in the first goes with it, read one by one and in bulk."""
    data = link(*rows)
    for _ in range(3):  # the second and third may be read by the layout of the first
        found = payload("libnl", ROUTE, data)
        assert (found.kind, found.slave_kind) == kinds


@pytest.mark.parametrize("name", BACKENDS)
def test_of_two_counters_and_states_of_a_flow_the_last_one_counts(name: str) -> None:
    """CTA_COUNTERS_ORIG without packets, and CTA_PROTOINFO without a state, behind ones that have them."""
    packets, octets = attr(1, number("Q", 1, byteorder="big")), attr(2, number("Q", 5, byteorder="big"))
    state = nested(4, nested(1, attr(1, b"\3")))
    found = payload(name, NETFILTER, netfilter(NEW, nested(9, packets), nested(9, octets), state, nested(4)))
    assert (found.packets_orig, found.bytes_orig, found.tcp_state) == (None, 5, None)


@pytest.mark.parametrize("name", BACKENDS)
def test_parts_of_a_tuple_that_stand_twice(name: str) -> None:
    """Of CTA_TUPLE_IP and CTA_TUPLE_PROTO the last ones count, as wholes."""
    ends = [nested(1, attr(kind, IP4)) for kind in (1, 2)]
    proto = [nested(2, attr(1, b"\6")), nested(2, attr(2, b"\0\5"))]
    found = payload(name, NETFILTER, netfilter(NEW, nested(1, *ends, *proto)))
    assert (found.src_addr, found.dst_addr, found.protocol, found.src_port) == (None, "10.0.0.1", None, 5)


@pytest.mark.parametrize("name", BACKENDS)
def test_what_cannot_be_read_is_reported_and_only_the_same_fact_stands_in(name: str) -> None:
    """The header has the table in fewer bits, which count; the peer's address is another fact, and does not."""
    ruled = decode(name, ROUTE, rule(attr(15, b"\1\2"), table=252))
    (event,) = ruled.events
    assert (event.payload.table, findings(ruled)) == (252, [("AttributeFormatError", 28, "FRA_TABLE")])
    data = message(20, number("BBBBI", 2, 32, 0, 0, 3) + attr(1, IP4) + attr(2, b"\1"))
    addressed = decode(name, ROUTE, data)
    (event,) = addressed.events
    assert (event.payload.addr, findings(addressed)) == (None, [("AttributeFormatError", 32, "IFA_LOCAL")])
