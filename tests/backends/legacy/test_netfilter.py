"""Connection tracking in the legacy implementation: the fields of the guide's structure."""

from __future__ import annotations

import pytest

from nlmon.events import UNSET, ConntrackInfo
from nlmon.testing.messages import attr, big, message, nested, number
from support.decoding import ORDERS, decode, event, findings, payload
from support.flows import EXPECT, NETFILTER, counters, flow, netfilter, tuple_

NEW, GET, DELETE = 0, 1, 2
TEXT = {2: ("10.0.0.1", "10.0.0.2"), 10: ("fd00::1", "fd00::2")}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", [2, 10])
@pytest.mark.parametrize(("type_", "flags"), [(NEW, 0x600), (NEW, 0), (DELETE, 0)])
def test_flow(type_: int, flags: int, family: int, order: str) -> None:
    """New, updated and destroyed flows: 10 packets are 10 and mark 256 is 256, whatever machine wrote them."""
    data = netfilter(type_, *flow(order, family=family), family=family, flags=flags, byteorder=order)
    found = event("legacy", NETFILTER, data, order)
    assert found.payload == ConntrackInfo(family, 6, 3, *TEXT[family], 40000, 443, 256, 10, 1500, 7, 900)
    assert (found.msg_type, found.msg_flags, found.interface) == (0x100 | type_, flags, UNSET)


@pytest.mark.parametrize("order", ORDERS)
def test_flow_with_nothing(order: str) -> None:
    """All fields are None, and those of libnl alone are not provided."""
    found = payload("legacy", NETFILTER, netfilter(NEW, byteorder=order), order)
    assert (found, found.reply, found.zone) == (ConntrackInfo(2), UNSET, UNSET)


def test_the_old_counters_are_no_counters() -> None:
    """CTA_COUNTERS32_PACKETS and _BYTES, which no kernel sends any more, fill nothing."""
    data = netfilter(NEW, nested(9, attr(3, big("I", 10)), attr(4, big("I", 1500))))
    assert payload("legacy", NETFILTER, data) == ConntrackInfo(2)


def test_only_the_original_direction_is_read() -> None:
    """Tuples of the reply and of the master fill nothing."""
    assert payload("legacy", NETFILTER, netfilter(NEW, tuple_(2, 1, 0), tuple_(14, 2, 1))) == ConntrackInfo(2)


@pytest.mark.parametrize(
    ("rows", "fields"),
    [
        ([tuple_(1, 2, 2), tuple_(1, 0, 1, 17, 53, 5353)], {"protocol": 17, "src_port": 53, "dst_port": 5353}),
        ([tuple_(1, 0, 1), nested(1)], {"protocol": None, "src_port": None, "dst_port": None, "src_addr": None}),
        ([attr(8, big("I", 1)), attr(8, big("I", 2))], {"mark": 2}),
        ([counters(9, 1, 2), counters(9, 3, 4)], {"packets_orig": 3, "bytes_orig": 4}),
        ([counters(9, 1, 2), nested(9, attr(2, big("Q", 5)))], {"packets_orig": None, "bytes_orig": 5}),
        ([nested(4, nested(1, attr(1, b"\x03"))), nested(4)], {"tcp_state": None}),
        ([nested(4, nested(1, attr(1, b"\x03"))), nested(4, nested(1, attr(1, b"\x05")))], {"tcp_state": 5}),
        ([nested(4, nested(2, attr(1, b"\x03")))], {"tcp_state": None}),
        ([nested(4, nested(1, attr(2, b"\x03")))], {"tcp_state": None}),
    ],
)
def test_repeated_and_foreign_attributes(rows: list[bytes], fields: dict[str, object]) -> None:
    """The last one counts, with all that is nested in it; DCCP's state is not TCP's."""
    found = payload("legacy", NETFILTER, netfilter(NEW, *rows))
    assert {name: getattr(found, name) for name in fields} == fields


@pytest.mark.parametrize("type_", [NEW, GET, DELETE])
@pytest.mark.parametrize("subsystem", [EXPECT, 3, 4, 5, 7, 8, 10, 11])
def test_other_subsystems_are_counted(subsystem: int, type_: int) -> None:
    """Expectations, queues, NFLOG, nftables and the rest give no event and no error, whatever they hold."""
    data = netfilter(type_, *flow("little"), subsystem=subsystem)
    decoded = decode("legacy", NETFILTER, data)
    assert (decoded.events, findings(decoded), decoded.unknown) == ([], [], [(subsystem << 8 | type_, 2)])


@pytest.mark.parametrize("type_", [GET, 3, 4, 5, 255])
def test_other_messages_of_connection_tracking_are_counted(type_: int) -> None:
    """Questions and statistics announce no flow."""
    decoded = decode("legacy", NETFILTER, netfilter(type_, *flow("little")))
    assert (decoded.events, findings(decoded), decoded.unknown) == ([], [], [(0x100 | type_, 2)])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", range(4))
def test_short_header(size: int, order: str) -> None:
    """Less than an nfgenmsg gives no event and is said."""
    decoded = decode("legacy", NETFILTER, message(0x100, bytes(size), byteorder=order), order)
    assert (decoded.events, findings(decoded)) == ([], [("HeaderError", 0, "")])


# The nests an attribute stands in, by number; its number; its size; path; field.
READ = [
    ((1, 1), 1, 4, "CTA_TUPLE_ORIG/CTA_TUPLE_IP/CTA_IP_V4_SRC", "src_addr"),
    ((1, 1), 2, 4, "CTA_TUPLE_ORIG/CTA_TUPLE_IP/CTA_IP_V4_DST", "dst_addr"),
    ((1, 1), 3, 16, "CTA_TUPLE_ORIG/CTA_TUPLE_IP/CTA_IP_V6_SRC", "src_addr"),
    ((1, 1), 4, 16, "CTA_TUPLE_ORIG/CTA_TUPLE_IP/CTA_IP_V6_DST", "dst_addr"),
    ((1, 2), 1, 1, "CTA_TUPLE_ORIG/CTA_TUPLE_PROTO/CTA_PROTO_NUM", "protocol"),
    ((1, 2), 2, 2, "CTA_TUPLE_ORIG/CTA_TUPLE_PROTO/CTA_PROTO_SRC_PORT", "src_port"),
    ((1, 2), 3, 2, "CTA_TUPLE_ORIG/CTA_TUPLE_PROTO/CTA_PROTO_DST_PORT", "dst_port"),
    ((4, 1), 1, 1, "CTA_PROTOINFO/CTA_PROTOINFO_TCP/CTA_PROTOINFO_TCP_STATE", "tcp_state"),
    ((), 8, 4, "CTA_MARK", "mark"),
    ((9,), 1, 8, "CTA_COUNTERS_ORIG/CTA_COUNTERS_PACKETS", "packets_orig"),
    ((9,), 2, 8, "CTA_COUNTERS_ORIG/CTA_COUNTERS_BYTES", "bytes_orig"),
    ((10,), 1, 8, "CTA_COUNTERS_REPLY/CTA_COUNTERS_PACKETS", "packets_reply"),
    ((10,), 2, 8, "CTA_COUNTERS_REPLY/CTA_COUNTERS_BYTES", "bytes_reply"),
]


def _within(nests: tuple[int, ...], data: bytes) -> bytes:
    for kind in reversed(nests):
        data = nested(kind, data)
    return data


@pytest.mark.parametrize(("nests", "kind", "size", "path", "field"), READ, ids=[row[3] for row in READ])
def test_attribute_of_another_size(nests: tuple[int, ...], kind: int, size: int, path: str, field: str) -> None:
    """Shorter than its value it is None and reported with its path; longer a number is read, an address is not."""
    address = field.endswith("addr")
    for length in range(size + 5):
        decoded = decode("legacy", NETFILTER, netfilter(NEW, _within(nests, attr(kind, b"\1" * length))))
        bad = length < size or (address and length > size)
        (found,) = decoded.events
        assert (getattr(found.payload, field) is None) == bad
        place = 20 + 4 * len(nests)
        assert findings(decoded) == ([("AttributeFormatError", place, path)] if bad else [])


@pytest.mark.parametrize(("nests", "kind", "size", "path", "field"), READ, ids=[row[3] for row in READ])
def test_the_last_of_several_counts(nests: tuple[int, ...], kind: int, size: int, path: str, field: str) -> None:
    """In one nest; one that is too short counts, too: the value is not known then."""
    first, second, cut = attr(kind, b"\1" * size), attr(kind, b"\2" * size), attr(kind, b"\3" * (size - 1))
    found = payload("legacy", NETFILTER, netfilter(NEW, _within(nests, first + second)))
    alone = payload("legacy", NETFILTER, netfilter(NEW, _within(nests, second)))
    assert (found, getattr(found, field) is None) == (alone, False)
    decoded = decode("legacy", NETFILTER, netfilter(NEW, _within(nests, second + cut)))
    assert decoded.events[0].payload == ConntrackInfo(2)
    assert findings(decoded) == [("AttributeFormatError", 20 + 4 * len(nests) + len(second), path)]


@pytest.mark.parametrize(("nests", "kind", "size", "path", "field"), READ, ids=[row[3] for row in READ])
@pytest.mark.parametrize("length", [0, 1, 3, 200])
def test_attribute_that_does_not_fit(
    nests: tuple[int, ...], kind: int, size: int, path: str, field: str, length: int
) -> None:
    """Its nest ends there, the error names the nest, and what stands before and behind the nest is read."""
    mark, packets = attr(8, big("I", 256)), counters(10, 7, 900)
    before = packets if nests != (10,) else mark
    after = b"" if not nests else mark
    decoded = decode("legacy", NETFILTER, netfilter(NEW, before, _within(nests, number("HH", length, kind)), after))
    (found,) = decoded.events
    expected = payload("legacy", NETFILTER, netfilter(NEW, before, after))
    place = 20 + len(before) + 4 * len(nests)
    assert (found.payload, findings(decoded)) == (
        expected,
        [("AttributeFormatError", place, path.rpartition("/")[0])],
    )


@pytest.mark.parametrize("path", sorted({row[3].rpartition("/")[0] for row in READ} - {""}))
def test_plain_payload_where_a_nest_is_expected(path: str) -> None:
    """What is no attribute is reported with the path of the nest."""
    nests = next(row[0] for row in READ if row[3].startswith(path))
    decoded = decode("legacy", NETFILTER, netfilter(NEW, _within(nests, b"\xff" * 8)))
    assert findings(decoded) == [("AttributeFormatError", 20 + 4 * len(nests), path)]
    assert decoded.events[0].payload == ConntrackInfo(2)
