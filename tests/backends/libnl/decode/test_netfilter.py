"""Connection tracking in the libnl implementation: flows with NAT and zones, expectations.

The numbers are those of linux/netfilter/nfnetlink_conntrack.h, written down a second time.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nlmon.events import ConntrackInfo, ExpectInfo, FlowTuple
from nlmon.testing.messages import attr, big, message, nested
from support.decoding import ORDERS, decode, event, findings, payload
from support.flows import EXPECT, NETFILTER, flow, netfilter, tuple_
from support.nests import joined

NEW, GET, DELETE = 0, 1, 2
NONE = ConntrackInfo(2, *[None] * (len(ConntrackInfo.__struct_fields__) - 1))
TEXT = {2: ("10.0.0.1", "10.0.0.2", "192.0.2.1"), 10: ("fd00::1", "fd00::2", "fd00::3")}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", [2, 10])
@pytest.mark.parametrize(("type_", "flags"), [(NEW, 0x600), (NEW, 0), (DELETE, 0)])
def test_flow_behind_nat(type_: int, flags: int, family: int, order: str) -> None:
    """New, updated and destroyed flows: 10 packets are 10 and mark 256 is 256, whatever machine wrote them; the
    reply has the addresses that NAT chose."""
    data = netfilter(type_, *flow(order, family=family), family=family, flags=flags, byteorder=order)
    found = event("libnl", NETFILTER, data, order)
    src, dst, outside = TEXT[family]
    whole = ConntrackInfo(family, 6, 3, src, dst, 40000, 443, 256, 10, 1500, 7, 900)
    reply = FlowTuple(outside, src, 6, 443, 40001)
    assert found.payload == replace(NONE, **{f: getattr(whole, f) for f in whole.__struct_fields__[:12]}, reply=reply)
    assert (found.msg_type, found.msg_flags, found.interface) == (0x100 | type_, flags, None)


def be(kind: int, code: str, value: int):
    return lambda order: attr(kind, big(code, value), order)


# field: what is added to a message, value
FIELDS = {
    "status": (be(3, "I", 0x18E), 0x18E),
    "timeout": (be(7, "I", 432000), 432000),
    "mark": (be(8, "I", 256), 256),
    "use": (be(11, "I", 2), 2),
    "id": (be(12, "I", 0x01020304), 0x01020304),
    "zone": (be(18, "H", 0x0102), 0x0102),
    "labels": (lambda order: attr(22, bytes(15) + b"\1", order), "00" * 15 + "01"),
    "helper": (lambda order: nested(5, attr(1, b"ftp\0", order), byteorder=order), "ftp"),
    "secctx": (lambda order: nested(19, attr(1, b"system_u\0", order), byteorder=order), "system_u"),
    "start": (lambda order: nested(20, be(1, "Q", 1 << 60)(order), byteorder=order), 1 << 60),
    "stop": (lambda order: nested(20, be(2, "Q", 1 << 61)(order), byteorder=order), 1 << 61),
    "reply": (lambda order: tuple_(2, 1, 0, byteorder=order), FlowTuple("10.0.0.2", "10.0.0.1", 6, 40000, 443)),
    "master": (lambda order: tuple_(14, 0, 1, byteorder=order), FlowTuple("10.0.0.1", "10.0.0.2", 6, 40000, 443)),
    "zone_orig": (lambda order: nested(1, be(3, "H", 0x0102)(order), byteorder=order), 0x0102),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("field", FIELDS)
def test_field_of_a_flow(field: str, order: str) -> None:
    """One attribute fills one field and no other; every number is big-endian."""
    make, value = FIELDS[field]
    found = payload("libnl", NETFILTER, netfilter(NEW, make(order), byteorder=order), order)
    assert found == replace(NONE, **{field: value})


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("ident", "kind", "code"), [(4, 5, 6), (7, 8, 9)])
def test_icmp(ident: int, kind: int, code: int, order: str) -> None:
    """Type, code and identifier stand where others have ports; ICMPv6 has numbers of its own."""
    rows = [be(ident, "H", 0x0102)(order), attr(kind, b"\x08", order), attr(code, b"\x01", order)]
    inner = nested(2, *rows, byteorder=order)
    data = netfilter(NEW, nested(1, inner, byteorder=order), nested(2, inner, byteorder=order), byteorder=order)
    found = payload("libnl", NETFILTER, data, order)
    assert found == replace(
        *(NONE,),
        icmp_type=8,
        icmp_code=1,
        icmp_id=0x0102,
        reply=FlowTuple(icmp_type=8, icmp_code=1, icmp_id=0x0102),
    )


EXPECT_FIELDS = {
    "master": (lambda order: tuple_(1, 0, 1, byteorder=order), FlowTuple("10.0.0.1", "10.0.0.2", 6, 40000, 443)),
    "tuple": (lambda order: tuple_(2, 0, 2, byteorder=order), FlowTuple("10.0.0.1", "192.0.2.1", 6, 40000, 443)),
    "mask": (lambda order: tuple_(3, 2, 1, byteorder=order), FlowTuple("192.0.2.1", "10.0.0.2", 6, 40000, 443)),
    "timeout": (be(4, "I", 300), 300),
    "id": (be(5, "I", 0x01020304), 0x01020304),
    "helper": (lambda order: attr(6, b"ftp\0", order), "ftp"),
    "zone": (be(7, "H", 0x0102), 0x0102),
    "flags": (be(8, "I", 2), 2),
    "expect_class": (be(9, "I", 1), 1),
    "nat_dir": (lambda order: nested(10, be(1, "I", 1)(order), byteorder=order), 1),
    "nat_tuple": (
        lambda order: nested(10, tuple_(2, 1, 0, byteorder=order), byteorder=order),
        FlowTuple("10.0.0.2", "10.0.0.1", 6, 40000, 443),
    ),
    "function": (lambda order: attr(11, b"nat-follow-master\0", order), "nat-follow-master"),
}


def test_every_field_has_a_row() -> None:
    """The tables and the flow behind NAT name all fields."""
    common = set(ConntrackInfo.__struct_fields__[:12]) | {"icmp_type", "icmp_code", "icmp_id"}
    assert common | FIELDS.keys() == set(ConntrackInfo.__struct_fields__)
    assert {"family", *EXPECT_FIELDS} == set(ExpectInfo.__struct_fields__)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("type_", [NEW, DELETE])
@pytest.mark.parametrize("field", EXPECT_FIELDS)
def test_field_of_an_expectation(field: str, type_: int, order: str) -> None:
    """One attribute fills one field and no other; every number is big-endian."""
    make, value = EXPECT_FIELDS[field]
    data = netfilter(type_, make(order), subsystem=EXPECT, family=10, byteorder=order)
    assert payload("libnl", NETFILTER, data, order) == ExpectInfo(10, **{field: value})


@pytest.mark.parametrize("order", ORDERS)
def test_expectation_with_everything(order: str) -> None:
    """All fields of one message."""
    rows = [make(order) for make, _ in EXPECT_FIELDS.values()]
    data = netfilter(NEW, joined(rows, order), subsystem=EXPECT, byteorder=order)
    values = {field: value for field, (_, value) in EXPECT_FIELDS.items()}
    assert payload("libnl", NETFILTER, data, order) == ExpectInfo(2, **values)


@pytest.mark.parametrize("type_", [NEW, GET, DELETE, 15])
@pytest.mark.parametrize("subsystem", [3, 4, 5, 6, 7, 8, 9, 10, 11])
def test_other_subsystems_are_counted(subsystem: int, type_: int) -> None:
    """Queues, NFLOG, nftables and the rest give no event and no error, whatever they hold."""
    decoded = decode("libnl", NETFILTER, netfilter(type_, *flow("little"), subsystem=subsystem))
    assert (decoded.events, findings(decoded), decoded.unknown) == ([], [], [(subsystem << 8 | type_, 2)])


@pytest.mark.parametrize("type_", [GET, 3, 4, 5, 255])
@pytest.mark.parametrize("subsystem", [1, EXPECT])
def test_other_messages_are_counted(subsystem: int, type_: int) -> None:
    """Questions and statistics announce no flow."""
    decoded = decode("libnl", NETFILTER, netfilter(type_, *flow("little"), subsystem=subsystem))
    assert (decoded.events, findings(decoded), decoded.unknown) == ([], [], [(subsystem << 8 | type_, 2)])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("type_", [0x100, 0x102, 0x200, 0x202])
@pytest.mark.parametrize("size", range(4))
def test_short_header(size: int, type_: int, order: str) -> None:
    """Less than an nfgenmsg gives no event and is said."""
    decoded = decode("libnl", NETFILTER, message(type_, bytes(size), byteorder=order), order)
    assert (decoded.events, findings(decoded)) == ([], [("HeaderError", 0, "")])
