"""rtnetlink's neighbouring groups in the libnl implementation: traffic control, next hops, namespaces, prefixes,
multicast database, settings, statistics.

The numbers are those of linux/rtnetlink.h, nexthop.h, net_namespace.h, if_addr.h, netconf.h, if_bridge.h, if_link.h.
"""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nlmon.backends.registry import create
from nlmon.events import MdbEntry, MdbInfo, NetconfInfo, NexthopInfo, NsidInfo, PrefixInfo, StatsInfo, TcInfo
from nlmon.testing.messages import attr, big, message, nested, number
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram, Datagrams
from support.decoding import ORDERS, decode, event, findings
from support.nests import joined

ROUTE = 0
IP4, IP6 = bytes((10, 0, 0, 1)), bytes.fromhex("fd000000000000000000000000000001")

# kind: message types, fixed header, what it means without attributes
HEADERS: dict[str, tuple[tuple[int, ...], Any, Any]] = {
    "tc": (
        (36, 37, 40, 41, 44, 45, 100, 101),
        lambda order: number("BxxxiIII", 0, 3, 0x00010000, 0xFFFFFFFF, 0x03000008, byteorder=order),
        TcInfo(0, 3, 0x00010000, 0xFFFFFFFF, 0x03000008),
    ),
    "nexthop": (
        (104, 105),
        lambda order: number("BBBxI", 2, 253, 4, 0x01020304, byteorder=order),
        NexthopInfo(2, 253, 4, 0x01020304),
    ),
    "nsid": ((88, 89), lambda _: bytes((1, 0, 0, 0)), NsidInfo(1)),
    "prefix": (
        (52,),
        lambda order: number("BxxxiBBBx", 10, 3, 3, 64, 0x03, byteorder=order),
        PrefixInfo(10, 3, 3, 64, 3),
    ),
    "mdb": ((84, 85, 86), lambda order: number("Bxxxi", 7, 3, byteorder=order), MdbInfo(7, 3)),
    "netconf": ((80, 81), lambda _: bytes((2, 0, 0, 0)), NetconfInfo(2)),
    "stats": (
        (92,),
        lambda order: number("BxxxII", 0, 3, 0x01020304, byteorder=order),
        StatsInfo(0, 3, 0x01020304),
    ),
}


def entry(ifindex: int, protocol: int, address: bytes, order: str) -> bytes:
    """br_mdb_entry, 28 bytes."""
    head = number("IBBH", ifindex, 1, 2, 10, byteorder=order)
    return head + address.ljust(16, b"\0") + big("H", protocol) + bytes(2)


MAC = bytes.fromhex("01005e000001")
ENTRIES = [(4, 0x0800, IP4, "10.0.0.1"), (5, 0x86DD, IP6, "fd00::1"), (6, 0, MAC, "01:00:5e:00:00:01")]


def entries(order: str) -> bytes:
    """Two groups of ports, the second with two ports of one group."""
    infos = [attr(1, entry(index, proto, raw, order), order) for index, proto, raw, _ in ENTRIES]
    return nested(1, nested(1, infos[0], byteorder=order), nested(1, *infos[1:], byteorder=order), byteorder=order)


def n(kind: int, code: str, *values: int) -> Any:
    return lambda order: attr(kind, number(code, *values, byteorder=order), order)


def raw(kind: int, data: bytes) -> Any:
    return lambda order: attr(kind, data, order)


COUNTERS = tuple((1 << 32) + one for one in range(24))
STATS = ["rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors", "rx_dropped", "tx_dropped"]
# kind, fields, attribute; numbers that have a sign are negative here
ROWS: list[tuple[str, dict[str, Any], Any]] = [
    ("tc", {"kind": "fq_codel"}, raw(1, b"fq_codel\0")),
    ("tc", {"chain": 0x01020304}, n(11, "I", 0x01020304)),
    ("tc", {"hw_offload": 1}, n(12, "B", 1)),
    ("tc", {"ingress_block": 7}, n(13, "I", 7)),
    ("tc", {"egress_block": 8}, n(14, "I", 8)),
    (
        *("tc", {"bytes": 1 << 40, "packets": 12}),
        lambda order: nested(7, n(1, "QII", 1 << 40, 12, 0)(order), byteorder=order),
    ),
    (
        *("tc", {"qlen": 1, "backlog": 2, "drops": 3}),
        lambda order: nested(7, n(3, "IIIII", 1, 2, 3, 4, 5)(order), byteorder=order),
    ),
    ("nexthop", {"id": 42}, n(1, "I", 42)),
    ("nexthop", {"group": ((1, 1), (2, 256), (3, 257))}, n(2, "IBBHIBBHIBBH", 1, 0, 0, 0, 2, 255, 0, 0, 3, 0, 1, 0)),
    ("nexthop", {"group_type": 1}, n(3, "H", 1)),
    ("nexthop", {"blackhole": True}, raw(4, b"")),
    ("nexthop", {"oif": 3}, n(5, "I", 3)),
    ("nexthop", {"gateway": "10.0.0.1"}, raw(6, IP4)),
    ("nexthop", {"encap_type": 0x0102}, n(7, "H", 0x0102)),
    ("nexthop", {"master": 9}, n(10, "I", 9)),
    ("nexthop", {"fdb": True}, raw(11, b"")),
    ("nsid", {"nsid": -1}, n(1, "i", -1)),
    ("nsid", {"current_nsid": -2}, n(5, "i", -2)),
    ("prefix", {"prefix": "fd00::1"}, raw(1, IP6)),
    ("prefix", {"preferred_lifetime": 14400, "valid_lifetime": 86400}, n(2, "II", 14400, 86400)),
    ("mdb", {"entries": tuple(MdbEntry(i, 1, 2, 10, p, text) for i, p, _, text in ENTRIES)}, entries),
    ("netconf", {"ifindex": -1}, n(1, "i", -1)),
    ("netconf", {"forwarding": -2}, n(2, "i", -2)),
    ("netconf", {"rp_filter": -3}, n(3, "i", -3)),
    ("netconf", {"mc_forwarding": -4}, n(4, "i", -4)),
    ("netconf", {"proxy_neigh": -5}, n(5, "i", -5)),
    ("netconf", {"ignore_routes_with_linkdown": -6}, n(6, "i", -6)),
    ("netconf", {"input": -7}, n(7, "i", -7)),
    ("netconf", {"bc_forwarding": -8}, n(8, "i", -8)),
    ("stats", dict(zip(STATS, COUNTERS, strict=False)), n(1, "24Q", *COUNTERS)),
]


def test_every_field_has_a_row() -> None:
    """Fields that no header holds are in the table."""
    fixed = {"tc": 5, "nexthop": 4, "nsid": 1, "prefix": 5, "mdb": 2, "netconf": 1, "stats": 3}
    for kind, (_, _, meaning) in HEADERS.items():
        named = {field for row, fields, _ in ROWS if row == kind for field in fields}
        assert named == set(meaning.__struct_fields__[fixed[kind] :]), kind


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", HEADERS)
def test_fixed_header(kind: str, order: str) -> None:
    """Every type of a kind, with nothing but its fixed header."""
    types, make, meaning = HEADERS[kind]
    found = [event("libnl", ROUTE, message(type_, make(order), byteorder=order), order) for type_ in types]
    assert [(one.msg_type, one.payload) for one in found] == [(type_, meaning) for type_ in types]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("kind", "fields", "make"), ROWS, ids=[f"{kind}-{'-'.join(fields)}" for kind, fields, _ in ROWS]
)
def test_attribute(kind: str, fields: dict[str, Any], make: Any, order: str) -> None:
    """One attribute fills its fields and no other."""
    types, header, meaning = HEADERS[kind]
    found = event("libnl", ROUTE, message(types[0], header(order) + make(order), byteorder=order), order)
    assert found.payload == replace(meaning, **fields)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", HEADERS)
def test_all_attributes_at_once(kind: str, order: str) -> None:
    """All of them in one message, the last one first."""
    types, header, meaning = HEADERS[kind]
    rows = [(fields, make(order)) for row, fields, make in ROWS if row == kind]
    data = message(types[-1], header(order) + joined([data for _, data in reversed(rows)], order), byteorder=order)
    found = event("libnl", ROUTE, data, order)
    assert found.payload == replace(meaning, **{field: value for fields, _ in rows for field, value in fields.items()})


@pytest.mark.parametrize("kind", HEADERS)
def test_interface(kind: str) -> None:
    """An event is about the interface of its header, or of NHA_OIF and NETCONFA_IFINDEX; a namespace is about none."""
    factory = RecordedFactory()
    factory.kernel.learn(
        Datagrams.of(Datagram(1, 0, ROUTE, message(16, number("BxHiII", 0, 1, 3, 1, 0) + attr(3, b"eth0\0"))))
    )
    made = create("libnl", factory)
    made.enable(ROUTE)
    types, header, _ = HEADERS[kind]
    row = {"nexthop": n(5, "I", 3), "netconf": n(1, "i", 3)}.get(kind, raw(99, b""))
    (found,) = made.decode(Datagram(1, 0, ROUTE, message(types[0], header("little") + row("little")))).events
    assert found.interface == (None if kind == "nsid" else "eth0")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", HEADERS)
def test_short_header(kind: str, order: str) -> None:
    """One byte less than the fixed header gives no event and is said."""
    types, header, _ = HEADERS[kind]
    decoded = decode("libnl", ROUTE, message(types[0], header(order)[:-1], byteorder=order), order)
    assert (decoded.events, findings(decoded)) == ([], [("HeaderError", 0, "")])


@pytest.mark.parametrize("kind", HEADERS)
def test_legacy_counts_them(kind: str) -> None:
    """Legacy gives no event and no error, whatever is in them."""
    types, header, meaning = HEADERS[kind]
    for type_ in types:
        decoded = decode("legacy", ROUTE, message(type_, header("little") + number("HH", 3, 1)))
        assert (decoded.events, findings(decoded), decoded.unknown) == ([], [], [(type_, meaning.family)])


@pytest.mark.parametrize("order", ORDERS)
def test_shared_block(order: str) -> None:
    """A filter of a shared block has no interface: index TCM_IFINDEX_MAGIC_BLOCK, the block where a parent stands."""
    head = number("BxxxIIII", 0, 0xFFFFFFFF, 1, 22, 0, byteorder=order)
    found = event("libnl", ROUTE, message(44, head, byteorder=order), order)
    assert (found.payload, found.interface) == (TcInfo(0, -1, 1, 22, 0), None)


@pytest.mark.parametrize(
    ("payload_", "found", "errors"),
    [
        (b"", (), []),
        (number("IBBH", 1, 0, 0, 0), ((1, 1),), []),
        (number("IBBH", 1, 0, 0, 0) + b"\2\0\0\0", ((1, 1),), [("AttributeFormatError", 24, "NHA_GROUP")]),
        (b"\1\0\0\0\0\0\0", (), [("AttributeFormatError", 24, "NHA_GROUP")]),
    ],
)
def test_group_of_next_hops(payload_: bytes, found: tuple[Any, ...], errors: list[Any]) -> None:
    """Whole members are kept, a rest is reported."""
    decoded = decode("libnl", ROUTE, message(104, HEADERS["nexthop"][1]("little") + attr(2, payload_)))
    assert ([one.payload.group for one in decoded.events], findings(decoded)) == ([found], errors)


ENTRY = "MDBA_MDB/MDBA_MDB_ENTRY/MDBA_MDB_ENTRY_INFO"


@pytest.mark.parametrize(
    ("inner", "ports", "errors"),
    [
        (nested(1, attr(1, entry(4, 0x0800, IP4, "little")[:26])), [4], []),
        (
            nested(1, attr(1, bytes(25)), attr(1, entry(4, 0x0800, IP4, "little"))),
            *([4], [("AttributeFormatError", 32, ENTRY)]),
        ),
        (nested(1, number("HH", 3, 1)), [], [("AttributeFormatError", 32, "MDBA_MDB/MDBA_MDB_ENTRY")]),
        (number("HH", 200, 1), [], [("AttributeFormatError", 28, "MDBA_MDB")]),
        (nested(2, attr(1, bytes(28))) + nested(1, attr(2, bytes(28))), [], []),
        (b"", [], []),
    ],
)
def test_entries_of_the_multicast_database(inner: bytes, ports: list[int], errors: list[Any]) -> None:
    """Entries that are too short or do not fit are reported with their path, the others are kept."""
    decoded = decode("libnl", ROUTE, message(84, HEADERS["mdb"][1]("little") + nested(1, inner)))
    found = [one.ifindex for event_ in decoded.events for one in event_.payload.entries]
    assert (found, findings(decoded)) == (ports, errors)


@pytest.mark.parametrize("order", ORDERS)
def test_more_packets_than_32_bits_count(order: str) -> None:
    """The kernel puts TCA_STATS_PKT64 behind the structure that holds their lower half."""
    basic = attr(1, number("QIxxxx", 1 << 40, 7, byteorder=order), order)
    wide = attr(8, number("Q", (1 << 32) + 7, byteorder=order), order)
    head = HEADERS["tc"][1](order)
    found = []
    for rows in ((basic,), (basic, wide)):
        data = message(36, head + nested(7, *rows, byteorder=order), byteorder=order)
        found.append(event("libnl", ROUTE, data, order).payload)

    assert [one.packets for one in found if isinstance(one, TcInfo)] == [7, (1 << 32) + 7]
