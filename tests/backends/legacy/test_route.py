"""The legacy implementation on messages that the tests build themselves, in both byte orders."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.errors import DecodeError, FramingError, NlmonError, Overrun, TransportError, UsageError
from nlmon.events import UNSET, AddrInfo, Decoded, LinkInfo, NeighInfo, NextHop, OverrunInfo, RouteInfo, RuleInfo
from nlmon.testing.messages import attr, message, number, wrong_length
from nlmon.transport.base import TransportStatus
from nlmon.wire import Datagram
from support.paths import FIXTURES

ORDERS = ["little", "big"]
FIXTURES = sorted((FIXTURES / "captures").glob("*/*.pcap.zst"))
NEW = {"link": 16, "addr": 20, "route": 24, "neigh": 28, "rule": 32}
HEADER_SIZES = {"link": 16, "addr": 8, "route": 12, "neigh": 12, "rule": 12}

IP4, IP4_PEER = bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2))
IP6 = bytes.fromhex("fd000000000000000000000000000001")


class _Names:
    """A transport that knows two interfaces, fails where it is asked to, and otherwise gives what it was fed."""

    protocol = 0

    def __init__(self) -> None:
        self.waiting: list[Datagram | TransportError] = []
        self.asked: list[int] = []

    def fileno(self) -> int:
        return -1

    def recv(self) -> Datagram | None:
        if not self.waiting:
            return None
        first = self.waiting.pop(0)
        if isinstance(first, TransportError):
            raise first
        return first

    def now(self) -> int:
        return 5

    def request(self, message: bytes) -> Iterator[Datagram]:
        return iter(())

    def link_name(self, ifindex: int) -> str | None:
        self.asked.append(ifindex)
        return {2: "eth0", 3: "br0"}.get(ifindex)

    def status(self) -> TransportStatus:
        return TransportStatus((), None, None, None, None)

    def close(self) -> None:
        pass


class _Factory:
    def __init__(self, byteorder="little") -> None:
        self.byteorder = byteorder
        self.transport = _Names()
        self.opened: list[tuple[int, tuple[int, ...]]] = []

    def open(self, protocol, groups, *, receive_buffer=None, send_buffer=None):
        self.opened.append((protocol, tuple(groups)))
        return self.transport


def _backend(byteorder: str = "little") -> LegacyBackend:
    return LegacyBackend(_Factory(byteorder))


def _decode(data: bytes, byteorder: str = "little", *, protocol: int = 0, truncated: int = 0) -> Decoded:
    return _backend(byteorder).decode(Datagram(7, 1_000_000_001, protocol, data, truncated))


def _errors(decoded: Decoded) -> list[tuple[str, int, str]]:
    """Class, offset and attribute path of each error."""
    return [(type(e).__name__, e.offset, e.path) for e in decoded.errors if isinstance(e, DecodeError)]


def _result(decoded: Decoded) -> tuple[list[int], list[tuple[str, int, str]], int, int]:
    """Offsets of the events, the errors, and the two counts."""
    return [event.offset for event in decoded.events], _errors(decoded), len(decoded.unknown), decoded.control


def _link(*, family: int = 0, index: int = 2, flags: int = 0x11043, byteorder: str = "little") -> bytes:
    return number("BxHiII", family, 1, index, flags, 0, byteorder=byteorder)


def _addr(*, family: int = 2, index: int = 2, byteorder: str = "little") -> bytes:
    return number("BBBBI", family, 24, 0x80, 253, index, byteorder=byteorder)


def _route(*, family: int = 2, table: int = 254, byteorder: str = "little") -> bytes:
    return number("BBBBBBBBI", family, 24, 1, 16, table, 3, 253, 1, 0x200, byteorder=byteorder)


def _neigh(*, family: int = 2, index: int = 2, byteorder: str = "little") -> bytes:
    return number("BxxxiHBB", family, index, 2, 0x80, 1, byteorder=byteorder)


def _rule(*, family: int = 2, table: int = 254, byteorder: str = "little") -> bytes:
    return number("BBBBBxxBI", family, 24, 16, 8, table, 1, 2, byteorder=byteorder)


HEADERS = {"link": _link, "addr": _addr, "route": _route, "neigh": _neigh, "rule": _rule}


def _number_attr(kind: int, code: str, *values: int, byteorder: str) -> bytes:
    return attr(kind, number(code, *values, byteorder=byteorder), byteorder)


# -- every field, in both byte orders ------------------------------------------------------------------------


def _full(kind: str, order: str) -> tuple[bytes, object]:
    """The body of a message that carries everything legacy reads, and the payload it means."""
    head = HEADERS[kind](byteorder=order)

    def u32(number_of: int, value: int) -> bytes:
        return _number_attr(number_of, "I", value, byteorder=order)

    def raw(number_of: int, payload: bytes) -> bytes:
        return attr(number_of, payload, order)

    if kind == "link":
        parts = [raw(1, b"\x02\0\0\0\0\x07"), raw(3, b"eth7\0"), u32(4, 1500), raw(6, b"fq_codel\0"), raw(16, b"\6")]
        return head + b"".join(parts), LinkInfo(0, 2, 0x11043, "eth7", 1500, "02:00:00:00:00:07", "fq_codel", 6)
    if kind == "addr":
        parts = [raw(1, IP4_PEER), raw(2, IP4), raw(3, b"eth0:1\0"), u32(8, 0x280)]
        return head + b"".join(parts), AddrInfo(2, 2, 24, 253, "10.0.0.1", "10.0.0.2", "eth0:1")
    if kind == "route":
        hop = number("HBBi", 16, 4, 9, 3, byteorder=order) + raw(5, IP4_PEER)
        parts = [raw(1, IP4), raw(2, IP4_PEER), u32(4, 2), raw(5, IP4), u32(6, 100), raw(9, hop), u32(15, 70_000)]
        return head + b"".join(parts), RouteInfo(
            *(2, 24, 1, 16, 3, 253, 1, 0x200, 70_000, "10.0.0.1", "10.0.0.2", "10.0.0.1", 2, 100),
            (NextHop(3, 10, 4, "10.0.0.2"),),
        )
    if kind == "neigh":
        parts = [raw(1, IP4), raw(2, b"\x02\0\0\0\0\x09"), _number_attr(5, "H", 10, byteorder=order)]
        return head + b"".join(parts), NeighInfo(2, 2, 2, 0x80, "10.0.0.1", "02:00:00:00:00:09", 10)
    parts = [raw(1, IP4), raw(2, IP4_PEER), raw(3, b"eth0\0"), u32(6, 1000), u32(10, 0x11), u32(15, 70_000)]
    parts += [raw(12, (0x0102030405060708).to_bytes(8, "big")), u32(16, 0xFF), raw(17, b"eth1\0"), raw(19, b"\1")]
    parts += [_number_attr(20, "II", 1000, 2000, byteorder=order), raw(22, b"\x06")]
    parts += [_number_attr(number_of, "HH", 80, 443, byteorder=order) for number_of in (23, 24)]
    return head + b"".join(parts), RuleInfo(
        *(2, 24, 16, 8, 1, 2, 70_000, 1000, "10.0.0.1", "10.0.0.2", "eth0", "eth1", 0x11, 0xFF, 6),
        *((80, 443), (80, 443), (1000, 2000), 0x0102030405060708, 1),
    )


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", NEW)
def test_every_field_is_read_in_either_byte_order(kind, order):
    """A message that carries everything gives the same payload whatever machine wrote it."""
    body, payload = _full(kind, order)
    decoded = _decode(message(NEW[kind], body, byteorder=order), order)
    assert ([event.payload for event in decoded.events], decoded.errors) == ([payload], [])


@pytest.mark.parametrize("order", ORDERS)
def test_event_carries_the_message_header_and_its_place(order):
    """Type, flags, sequence, port, frame, offset and time of an event are those of its message."""
    first = message(3, number("i", 0, byteorder=order), byteorder=order)
    second = message(21, _addr(byteorder=order), flags=0x202, seq=0x01020304, pid=0x0A0B0C0D, byteorder=order)
    (event,) = _decode(first + second, order).events
    header = (event.msg_type, event.msg_flags, event.seq, event.pid, event.offset)
    source = (event.frame, event.timestamp, event.protocol, event.type)
    assert (header, source) == ((21, 0x202, 0x01020304, 0x0A0B0C0D, 20), (7, 1_000_000_001, 0, "netlink"))


@pytest.mark.parametrize("kind", NEW)
def test_fields_of_libnl_alone_stay_unset(kind):
    """Legacy leaves exactly the fields unset that have UNSET as their default."""
    body, payload = _full(kind, "little")
    found = _decode(message(NEW[kind], body)).events[0].payload
    fields = zip(type(payload).__struct_fields__[::-1], type(payload).__struct_defaults__[::-1], strict=False)
    optional = {name for name, default in fields if default is UNSET}
    assert {name for name in found.__struct_fields__ if getattr(found, name) is UNSET} == optional


@pytest.mark.parametrize(
    ("kind", "msg_type"), [(kind, new + verb) for kind, new in NEW.items() for verb in range(3)] + [("link", 19)]
)
def test_new_del_get_and_setlink_give_events(kind, msg_type):
    """RTM_NEW*, RTM_DEL* and RTM_GET* of the five kinds, and RTM_SETLINK, give one event each."""
    decoded = _decode(message(msg_type, HEADERS[kind]()))
    assert _result(decoded) == ([0], [], 0, 0)


@pytest.mark.parametrize("msg_type", [23, 27, 31, 35, 36, 52, 68, 80, 88, 92, 104, 112, 0xFFFF])
def test_other_route_messages_are_counted_as_unknown(msg_type):
    """A type without an event is counted, and the next message is read."""
    decoded = _decode(message(msg_type, b"\xff" * 8) + message(20, _addr()))
    assert _result(decoded) == ([24], [], 1, 0)


@pytest.mark.parametrize("protocol", [6, 9, 12, 99])
def test_other_protocols_give_no_route_events(protocol):
    """The number 20 means an address in NETLINK_ROUTE only."""
    assert _result(_decode(message(20, _addr()), protocol=protocol)) == ([], [], 1, 0)


# -- framing -------------------------------------------------------------------------------------------------

WHOLE = message(20, _addr())


@pytest.mark.parametrize(
    ("rest", "offsets", "errors"),
    [
        (b"", [0], []),
        (bytes(3), [0], []),
        (bytes(15), [0], []),
        (bytes(40), [0], []),
        (b"\1\2\3", [0], [("FramingError", 24, "")]),
        (b"\0" * 14 + b"\1", [0], [("FramingError", 24, "")]),
        (wrong_length(WHOLE, 0), [0], [("FramingError", 24, "")]),
        (wrong_length(WHOLE, 15), [0], [("FramingError", 24, "")]),
        (wrong_length(WHOLE, 25), [0], [("FramingError", 24, "")]),
        (wrong_length(WHOLE, 0xFFFFFFFF), [0], [("FramingError", 24, "")]),
        (WHOLE[:23], [0], [("FramingError", 24, "")]),
        (wrong_length(WHOLE, 24) + WHOLE, [0, 24, 48], []),
    ],
)
def test_message_that_does_not_fit_ends_the_datagram_with_an_error(rest, offsets, errors):
    """The messages before it are given; zero bytes alone are padding and no error."""
    decoded = _decode(WHOLE + rest)
    assert ([event.offset for event in decoded.events], _errors(decoded)) == (offsets, errors)


def test_last_message_may_lack_its_padding():
    """nlmsg_len is not aligned, and nobody has to send padding behind the last message."""
    body = _link() + number("HH", 9, 3) + b"eth0\0"
    data = number("IHHII", 16 + len(body), 16, 0, 0, 0) + body
    decoded = _decode(data)
    assert (len(data) % 4, decoded.events[0].payload.ifname, decoded.errors) == (1, "eth0", [])


def test_cut_recording_is_named_as_the_reason():
    """A message that the recording cut gives an error that says how much was lost."""
    decoded = _decode(WHOLE + WHOLE[:20], truncated=4)
    (error,) = decoded.errors
    assert isinstance(error, FramingError)
    assert (error.offset, error.frame, error.why) == (24, 7, "the recording lost 4 bytes")


# -- control messages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("control", "errors", "count"),
    [
        (message(1), [], 1),
        (message(3, number("i", 0)), [], 1),
        (message(3), [], 1),
        (message(2, number("i", 0) + bytes(16)), [], 1),
        (message(2, number("i", -19) + bytes(16)), [("KernelError", 24, "")], 0),
        (message(2, b"\0\0"), [("HeaderError", 24, "")], 0),
        (message(2), [("HeaderError", 24, "")], 0),
        (message(4), [("OverrunMessage", 24, "")], 0),
    ],
)
def test_reading_goes_on_behind_every_control_message(control, errors, count):
    """Neither DONE, an error, an overrun nor a broken error hides the message behind it."""
    decoded = _decode(WHOLE + control + WHOLE)
    assert _result(decoded) == ([0, 24 + len(control)], errors, 0, count)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("negative", "name"), [(-1, "EPERM"), (-17, "EEXIST"), (-19, "ENODEV"), (-105, "ENOBUFS")])
def test_kernel_error_is_reported_by_number_and_name(negative, name, order):
    """An answer of -errno is a KernelError with the positive number, the errno name and no ext-ack text."""
    (error,) = _decode(message(2, number("i", negative, byteorder=order) + bytes(16), byteorder=order), order).errors
    assert (error.errno, name in error.what, error.ext_ack, error.frame) == (-negative, True, "", 7)


@pytest.mark.parametrize("protocol", [0, 4, 12, 16])
def test_control_messages_are_read_in_every_protocol(protocol):
    """The types below 16 mean the same in all of netlink."""
    decoded = _decode(message(1) + message(4) + message(2, number("i", -2) + bytes(16)), protocol=protocol)
    assert _result(decoded) == ([], [("OverrunMessage", 16, ""), ("KernelError", 32, "")], 0, 1)


# -- fixed headers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [0, 1])
@pytest.mark.parametrize("kind", NEW)
def test_message_without_its_whole_fixed_header_is_an_error(kind, verb):
    """Every length below the fixed header gives a HeaderError, no event, and the next message is read."""
    outcomes = []
    for size in range(HEADER_SIZES[kind]):
        short = message(NEW[kind] + verb, HEADERS[kind]()[:size])
        outcomes.append(_result(_decode(short + WHOLE)) == ([len(short)], [("HeaderError", 0, "")], 0, 0))
    assert outcomes == [True] * HEADER_SIZES[kind]


@pytest.mark.parametrize("kind", NEW)
def test_dump_request_with_the_family_alone_is_counted(kind):
    """RTM_GET* with a body of one byte up to less than the fixed header is legal and gives no event."""
    sizes = range(1, HEADER_SIZES[kind])
    outcomes = [_result(_decode(message(NEW[kind] + 2, b"\x02" * size))) for size in sizes]
    assert outcomes == [([], [], 1, 0)] * len(sizes)


@pytest.mark.parametrize("kind", NEW)
def test_request_without_any_body_is_an_error(kind):
    """Not even a dump request leaves out the family."""
    assert _result(_decode(message(NEW[kind] + 2))) == ([], [("HeaderError", 0, "")], 0, 0)


# -- attributes ----------------------------------------------------------------------------------------------


def _first(kind: str, attributes: bytes, byteorder: str = "little", **header: int) -> tuple[object, list[object]]:
    """Payload and errors of one message of a kind with these attributes."""
    head = HEADERS[kind](byteorder=byteorder, **header)
    decoded = _decode(message(NEW[kind], head + attributes, byteorder=byteorder), byteorder)
    return decoded.events[0].payload, _errors(decoded)


# where the first attribute of a message with this fixed header begins
AT = {kind: 16 + size for kind, size in HEADER_SIZES.items()}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("length", [0, 1, 3, 9, 12, 0xFFFF])
def test_attribute_that_does_not_fit_ends_the_attributes(length, order):
    """The attributes before it and the event are kept; the error has the place of the attribute."""
    broken = number("HH", length, 4, byteorder=order) + number("I", 1500, byteorder=order)
    payload, errors = _first("link", attr(3, b"eth0\0", order) + broken, order)
    place = [("AttributeFormatError", AT["link"] + 12, "")]
    assert (payload.ifname, payload.mtu, errors) == ("eth0", None, place)


@pytest.mark.parametrize(
    ("rest", "errors"),
    [(b"\0", []), (b"\0\0\0", []), (b"\0\0\1", [("AttributeFormatError", AT["link"] + 8, "")])],
)
def test_bytes_behind_the_last_attribute(rest, errors):
    """Fewer than four bytes are padding when they are zero, and an error otherwise."""
    payload, found = _first("link", attr(4, number("I", 9000)) + rest)
    assert (payload.mtu, found) == (9000, errors)


def test_last_of_equal_attributes_wins():
    """An attribute that comes twice has its last value."""
    payload, errors = _first("link", attr(3, b"first\0") + attr(3, b"second\0"))
    assert (payload.ifname, errors) == ("second", [])


@pytest.mark.parametrize("bits", [0x8000, 0x4000, 0xC000])
def test_flag_bits_of_an_attribute_type_are_ignored(bits):
    """NLA_F_NESTED and NLA_F_NET_BYTEORDER do not make another attribute."""
    payload, errors = _first("link", attr(bits | 3, b"nest\0"))
    assert (payload.ifname, errors) == ("nest", [])


@pytest.mark.parametrize("kind", NEW)
@pytest.mark.parametrize("attribute", [0, 0x3FFF, 1024])
def test_unknown_attributes_are_ignored(kind, attribute):
    """Type 0 and types that nobody knows change nothing."""
    plain, _ = _first(kind, b"")
    payload, errors = _first(kind, attr(attribute, b"\xff" * 7))
    assert (payload, errors) == (plain, [])


TOO_SHORT = [
    ("link", 4, 3, "IFLA_MTU", "mtu"),
    ("link", 16, 0, "IFLA_OPERSTATE", "operstate"),
    ("link", 46, 3, "IFLA_TARGET_NETNSID", "target_netnsid"),
    ("addr", 1, 3, "IFA_ADDRESS", "addr"),
    ("addr", 10, 3, "IFA_TARGET_NETNSID", "target_netnsid"),
    ("addr", 2, 5, "IFA_LOCAL", "addr"),
    ("route", 1, 16, "RTA_DST", "dst"),
    ("route", 2, 0, "RTA_SRC", "src"),
    ("route", 5, 3, "RTA_GATEWAY", "gateway"),
    ("route", 4, 2, "RTA_OIF", "oif"),
    ("route", 6, 3, "RTA_PRIORITY", "priority"),
    ("route", 21, 1, "RTA_ENCAP_TYPE", "encap_type"),
    ("neigh", 1, 16, "NDA_DST", "dst"),
    ("neigh", 5, 1, "NDA_VLAN", "vlan"),
    ("rule", 1, 3, "FRA_DST", "dst"),
    ("rule", 2, 3, "FRA_SRC", "src"),
    ("rule", 6, 3, "FRA_PRIORITY", "priority"),
    ("rule", 10, 0, "FRA_FWMARK", "fwmark"),
    ("rule", 12, 7, "FRA_TUN_ID", "tun_id"),
    ("rule", 16, 1, "FRA_FWMASK", "fwmask"),
    ("rule", 19, 0, "FRA_L3MDEV", "l3mdev"),
    ("rule", 20, 7, "FRA_UID_RANGE", "uid_range"),
    ("rule", 22, 0, "FRA_IP_PROTO", "ip_proto"),
    ("rule", 23, 3, "FRA_SPORT_RANGE", "sport_range"),
    ("rule", 24, 2, "FRA_DPORT_RANGE", "dport_range"),
    ("rule", 25, 0, "FRA_DSCP", "dscp"),
    ("rule", 26, 3, "FRA_FLOWLABEL", "flowlabel"),
    ("rule", 27, 3, "FRA_FLOWLABEL_MASK", "flowlabel_mask"),
    ("rule", 28, 1, "FRA_SPORT_MASK", "sport_mask"),
    ("rule", 29, 1, "FRA_DPORT_MASK", "dport_mask"),
    ("rule", 30, 0, "FRA_DSCP_MASK", "dscp_mask"),
]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("kind", "attribute", "size", "path", "field"), TOO_SHORT)
def test_payload_of_wrong_size_costs_its_field_only(kind, attribute, size, path, field, order):
    """The field is None, the error names attribute and place, and the attributes behind it are read."""
    behind = {"link": (3, b"eth0\0", "ifname"), "addr": (3, b"eth0\0", "label"), "rule": (17, b"eth0\0", "oifname")}
    number_of, payload, name = behind.get(kind, (9, b"", "multipath") if kind == "route" else (2, b"", "lladdr"))
    expected = {"multipath": (), "lladdr": ""}.get(name, "eth0")
    broken = attr(attribute, b"\1" * size, order)
    found, errors = _first(kind, broken + attr(number_of, payload, order), order)
    place = [("AttributeFormatError", AT[kind], path)]
    assert (getattr(found, field), getattr(found, name), errors) == (None, expected, place)


@pytest.mark.parametrize(
    ("kind", "attribute", "value", "field", "expected"),
    [
        ("link", 4, number("I", 1500), "mtu", 1500),
        ("link", 16, b"\x06", "operstate", 6),
        ("route", 4, number("I", 2), "oif", 2),
        ("neigh", 5, number("H", 10), "vlan", 10),
        ("rule", 12, (5).to_bytes(8, "big"), "tun_id", 5),
        ("rule", 23, number("HH", 1, 2), "sport_range", (1, 2)),
        ("rule", 25, b"\x2e", "dscp", 46),
        ("rule", 26, (5).to_bytes(4, "big"), "flowlabel", 5),
        ("rule", 28, number("H", 0xFF00), "sport_mask", 0xFF00),
    ],
)
def test_longer_numbers_are_read_from_their_first_bytes(kind, attribute, value, field, expected):
    """Kernels extend payloads at the end."""
    payload, errors = _first(kind, attr(attribute, value + b"\xff" * 5))
    assert (getattr(payload, field), errors) == (expected, [])


@pytest.mark.parametrize(
    ("kind", "attribute", "longest", "path", "field"),
    [
        ("link", 3, 15, "IFLA_IFNAME", "ifname"),
        ("link", 6, 31, "IFLA_QDISC", "qdisc"),
        ("addr", 3, 15, "IFA_LABEL", "label"),
        ("rule", 3, 15, "FRA_IIFNAME", "iifname"),
        ("rule", 17, 15, "FRA_OIFNAME", "oifname"),
    ],
)
def test_text_longer_than_the_kernel_allows_is_kept_and_reported(kind, attribute, longest, path, field):
    """Nothing is cut; the longest legal text is no finding."""
    legal, none = _first(kind, attr(attribute, b"x" * longest))
    payload, errors = _first(kind, attr(attribute, b"x" * (longest + 1) + b"\0"))
    texts = (getattr(legal, field), getattr(payload, field))
    place = [("AttributeFormatError", AT[kind], path)]
    assert (texts, none, errors) == (("x" * longest, "x" * (longest + 1)), [], place)


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"", ""),
        (b"\0", ""),
        (b"eth0", "eth0"),
        (b"eth0\0", "eth0"),
        (b"eth0\0tail", "eth0"),
        ("bücke".encode(), "bücke"),
        (b"a\xff\xfeb\0", "a\\xff\\xfeb"),
    ],
)
def test_text_ends_at_the_first_nul(payload, text):
    """Bytes that are not UTF-8 are shown as such, and a NUL is not required."""
    found, errors = _first("link", attr(3, payload))
    assert (found.ifname, errors) == (text, [])


@pytest.mark.parametrize("size", [0, 1, 4, 6, 8, 16, 20, 32])
@pytest.mark.parametrize(("kind", "attribute", "field"), [("link", 1, "addr"), ("neigh", 2, "lladdr")])
def test_link_layer_addresses_have_any_length(kind, attribute, field, size):
    """Ethernet has 6 bytes, tunnels 4 or 16, InfiniBand 20, and none is cut or refused."""
    raw = bytes(range(160, 160 + size))
    payload, errors = _first(kind, attr(attribute, raw))
    assert (getattr(payload, field), errors) == (":".join(f"{byte:02x}" for byte in raw), [])


# -- kinds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "addr", "peer"),
    [
        (b"", None, None),
        (attr(1, IP4), "10.0.0.1", None),
        (attr(2, IP4), "10.0.0.1", None),
        (attr(1, IP4) + attr(2, IP4), "10.0.0.1", None),
        (attr(1, IP4_PEER) + attr(2, IP4), "10.0.0.1", "10.0.0.2"),
        (attr(2, IP4) + attr(1, IP4_PEER), "10.0.0.1", "10.0.0.2"),
    ],
)
def test_own_address_is_ifa_local(attributes, addr, peer):
    """IFA_ADDRESS is the own address only where there is no IFA_LOCAL; else it is the peer's."""
    payload, errors = _first("addr", attributes)
    assert (payload.addr, payload.peer, errors) == (addr, peer, [])


def test_peer_address_never_stands_in_for_an_unreadable_local_one():
    """With a damaged IFA_LOCAL the own address is not known."""
    payload, errors = _first("addr", attr(1, IP4_PEER) + attr(2, b"\x0a"))
    place = [("AttributeFormatError", AT["addr"] + 8, "IFA_LOCAL")]
    assert (payload.addr, payload.peer, errors) == (None, None, place)


@pytest.mark.parametrize("family", [0, 1, 7, 12, 28, 255])
def test_addresses_of_other_families_are_not_text(family):
    """An address of a family without IP addresses is None and no error, whatever its length."""
    payload, errors = _first("addr", attr(1, IP4) + attr(2, b"\1\2\3"), family=family)
    assert (payload.family, payload.addr, payload.peer, errors) == (family, None, None, [])


@pytest.mark.parametrize(
    ("family", "raw", "text"),
    [
        (2, bytes(4), "0.0.0.0"),
        (2, b"\xff\xff\xff\xff", "255.255.255.255"),
        (10, bytes(16), "::"),
        (10, IP6, "fd00::1"),
        (10, bytes(10) + b"\xff\xff\1\2\3\4", "::ffff:1.2.3.4"),
        (10, bytes.fromhex("fe80000000000000021122fffe334455"), "fe80::211:22ff:fe33:4455"),
    ],
)
def test_ip_addresses_are_written_like_inet_ntop(family, raw, text):
    """The text is that of inet_ntop(3): shortest form, IPv4-mapped with dots."""
    payload, errors = _first("addr", attr(1, raw), family=family)
    assert (payload.addr, errors) == (text, [])


@pytest.mark.parametrize(("family", "raw", "text"), [(2, IP4, "10.0.0.1"), (10, IP6, "fd00::1")])
@pytest.mark.parametrize("multicast", [False, True])
def test_route_addresses_of_ip_and_multicast_families(family, raw, text, multicast):
    """RTNL_FAMILY_IPMR (128) and IP6MR (129) have addresses like AF_INET and AF_INET6."""
    wanted = {2: 128, 10: 129}[family] if multicast else family
    payload, errors = _first("route", attr(1, raw) + attr(2, raw) + attr(5, raw), family=wanted)
    assert (payload.family, payload.dst, payload.src, payload.gateway, errors) == (wanted, text, text, text, [])


@pytest.mark.parametrize("family", [0, 7, 28])
def test_route_addresses_of_other_families_are_not_provided(family):
    """For MPLS and the rest, destination, source and gateway are UNSET; the numbers are read."""
    payload, errors = _first("route", attr(1, b"\0\1\0\1") + attr(4, number("I", 2)), family=family)
    assert (payload.dst, payload.src, payload.gateway, payload.oif, errors) == (UNSET, UNSET, UNSET, 2, [])


def test_default_route_has_no_destination():
    """Without RTA_DST the destination is None, and so is all else that the message did not carry."""
    payload, _ = _first("route", b"")
    assert payload == RouteInfo(2, 24, 1, 16, 3, 253, 1, 0x200, 254)


@pytest.mark.parametrize(("kind", "attribute"), [("route", 15), ("rule", 15)])
def test_table_attribute_replaces_the_header_field(kind, attribute):
    """Tables above 255 are only in RTA_TABLE and FRA_TABLE; without or with a broken one the header counts."""
    cases = [attr(attribute, number("I", 100_000)), b"", attr(attribute, b"\1\2")]
    assert [_first(kind, case, table=252)[0].table for case in cases] == [100_000, 252, 252]


def _hop(index: int, *, hops: int = 0, flags: int = 0, attributes: bytes = b"", length: int | None = None) -> bytes:
    return number("HBBi", 8 + len(attributes) if length is None else length, flags, hops, index) + attributes


@pytest.mark.parametrize(
    ("payload", "multipath", "errors"),
    [
        (b"", (), []),
        (_hop(2), (NextHop(2, 1, 0),), []),
        (
            _hop(2, hops=255, flags=16, attributes=attr(5, IP4)) + _hop(-1),
            (NextHop(2, 256, 16, "10.0.0.1"), NextHop(-1, 1, 0)),
            [],
        ),
        (_hop(2) + _hop(3, length=7), (NextHop(2, 1, 0),), [("AttributeFormatError", 40, "RTA_MULTIPATH")]),
        (_hop(2) + _hop(3, length=0), (NextHop(2, 1, 0),), [("AttributeFormatError", 40, "RTA_MULTIPATH")]),
        (_hop(2) + _hop(3, length=9), (NextHop(2, 1, 0),), [("AttributeFormatError", 40, "RTA_MULTIPATH")]),
        (_hop(2) + b"\1\0\0\0", (NextHop(2, 1, 0),), [("AttributeFormatError", 40, "RTA_MULTIPATH")]),
        (
            _hop(2, attributes=attr(5, b"\1")) + _hop(3),
            (NextHop(2, 1, 0), NextHop(3, 1, 0)),
            [("AttributeFormatError", 40, "RTA_MULTIPATH/RTA_GATEWAY")],
        ),
        (
            _hop(2, attributes=number("HH", 90, 5)) + _hop(3),
            (NextHop(2, 1, 0), NextHop(3, 1, 0)),
            [("AttributeFormatError", 40, "RTA_MULTIPATH")],
        ),
    ],
)
def test_next_hops(payload, multipath, errors):
    """Weight is rtnh_hops + 1; a hop that does not fit ends the list and keeps the hops before it."""
    found, where = _first("route", attr(9, payload))
    assert (found.multipath, where) == (multipath, errors)


@pytest.mark.parametrize(
    ("family", "size", "dst", "bad"),
    [
        (2, 4, "1.1.1.1", False),
        (2, 16, None, True),
        (10, 16, "101:101:101:101:101:101:101:101", False),
        (10, 4, None, True),
        (7, 4, "1.1.1.1", False),
        (7, 16, "101:101:101:101:101:101:101:101", False),
        (7, 6, None, True),
        (7, 0, None, True),
        (28, 4, None, False),
        (0, 3, None, False),
    ],
)
def test_neighbour_destination_by_family(family, size, dst, bad):
    """AF_BRIDGE entries point to an IPv4 or IPv6 tunnel end; other families have no destination as text."""
    payload, errors = _first("neigh", attr(1, b"\1" * size), family=family)
    assert (payload.dst, errors) == (dst, [("AttributeFormatError", AT["neigh"], "NDA_DST")] if bad else [])


@pytest.mark.parametrize("order", ORDERS)
def test_tunnel_id_is_big_endian_everywhere(order):
    """FRA_TUN_ID is in network byte order, port ranges are in that of the machine."""
    tunnel, ports = attr(12, (1).to_bytes(8, "big"), order), _number_attr(23, "HH", 1, 2, byteorder=order)
    payload, _ = _first("rule", tunnel + ports, order)
    assert (payload.tun_id, payload.sport_range) == (1, (1, 2))


# -- names of interfaces -------------------------------------------------------------------------------------


def _enabled() -> tuple[LegacyBackend, _Names]:
    factory = _Factory()
    backend = LegacyBackend(factory)
    backend.enable(0)
    return backend, factory.transport


@pytest.mark.parametrize(
    ("data", "name", "asked"),
    [
        (message(16, _link(index=2) + attr(3, b"dum0\0")), "dum0", []),
        (message(16, _link(index=2)), "eth0", [2]),
        (message(16, _link(index=9)), None, [9]),
        (message(16, _link(index=-5)), None, []),
        (message(20, _addr(index=3)), "br0", [3]),
        (message(20, _addr(index=0)), None, []),
        (message(24, _route() + attr(4, number("I", 2))), "eth0", [2]),
        (message(24, _route()), None, []),
        (message(24, _route() + attr(4, number("I", 0))), None, []),
        (message(28, _neigh(index=2)), "eth0", [2]),
        (message(32, _rule() + attr(3, b"eth0\0")), None, []),
    ],
)
def test_interface_is_named_by_the_message_or_the_transport(data, name, asked):
    """The transport is asked only for a positive index that the message does not name itself."""
    backend, transport = _enabled()
    (event,) = backend.decode(Datagram(1, 0, 0, data)).events
    assert (event.interface, transport.asked) == (name, asked)


def test_no_interface_without_a_transport():
    """A backend that is not enabled knows no names."""
    assert _decode(message(20, _addr(index=2))).events[0].interface is None


# -- the interface of a backend ------------------------------------------------------------------------------


def test_groups_include_ipv6_rules():
    """Legacy joins links, neighbours, and addresses, routes and rules of both families."""
    factory = _Factory()
    LegacyBackend(factory).enable(0)
    assert factory.opened == [(0, (1, 3, 5, 7, 8, 9, 11, 19))]


@pytest.mark.parametrize("protocol", [6, 9, 11])
def test_other_protocols_cannot_be_enabled(protocol):
    """A protocol without groups is refused with the code for it."""
    with pytest.raises(UsageError) as caught:
        _backend().enable(protocol)
    assert caught.value.code == "NLM-B001"


def test_is_found_by_its_name():
    """The registry gives this class for ``legacy``."""
    assert type(create("legacy", _Factory())) is LegacyBackend


def test_overrun_is_reported_and_reading_goes_on():
    """After ENOBUFS the error callback has the overrun, an event stands in its place, and the next datagram follows."""
    backend, transport = _enabled()
    overrun = Overrun("NLM-K001", "the kernel dropped messages", drops=3)
    transport.waiting = [overrun, Datagram(1, 0, 0, WHOLE)]
    events, errors = [], []
    backend.set_callback(events.append, errors.append)
    more = [backend.process(0) for _ in range(3)]
    assert (more, errors) == ([True, True, False], [overrun])
    assert [(event.type, event.timestamp) for event in events] == [("overrun", 5), ("netlink", 0)]
    assert events[0].payload == OverrunInfo(3)


def test_lost_socket_is_raised_to_the_caller():
    """Legacy does not reconnect: any failure but an overrun leaves ``process``."""
    backend, transport = _enabled()
    lost = TransportError("NLM-K002", "the socket is lost", errno=9)
    transport.waiting = [lost]
    with pytest.raises(TransportError) as caught:
        backend.process(0)
    assert (caught.value, isinstance(lost, NlmonError)) == (lost, True)


def test_one_step_can_be_replaced_by_a_subclass():
    """A subclass that replaces the reader of one kind changes that kind alone."""

    class Doubled(LegacyBackend):
        def parse_addr(self, m):
            payload, index = super().parse_addr(m)
            return AddrInfo(payload.family, payload.ifindex, payload.prefixlen * 2, payload.scope), index

    datagram = Datagram(1, 0, 0, message(20, _addr()) + message(28, _neigh()))
    addr, neigh = (event.payload for event in Doubled(_Factory()).decode(datagram).events)
    assert (addr.prefixlen, neigh) == (48, NeighInfo(2, 2, 2, 0x80))


# -- laws ----------------------------------------------------------------------------------------------------

BODIES = {kind: {order: _full(kind, order)[0] for order in ORDERS} for kind in NEW}
TYPES = st.sampled_from([*range(1, 5), *range(16, 36), 88, 0xFFFF])


@st.composite
def _datagrams(draw: st.DrawFn) -> tuple[str, list[bytes]]:
    """A byte order and messages that are all well-formed."""
    order = draw(st.sampled_from(ORDERS))
    kinds = draw(st.lists(st.sampled_from([*NEW, "done", "noop"]), min_size=1, max_size=5))
    special = {"done": (3, number("i", 0, byteorder=order)), "noop": (1, b"")}
    parts = []
    for kind in kinds:
        msg_type, body = special.get(kind) or (NEW[kind] + draw(st.integers(0, 2)), BODIES[kind][order])
        parts.append(message(msg_type, body, seq=draw(st.integers(0, 2**32 - 1)), byteorder=order))
    return order, parts


def _typed(decoded: Decoded) -> bool:
    return all(isinstance(error, DecodeError) for error in decoded.errors)


@given(st.binary(max_size=200), st.sampled_from(ORDERS), st.sampled_from([0, 4, 16]), st.integers(0, 5))
def test_any_bytes_give_typed_errors_only(data, order, protocol, truncated):
    """Bytes without any structure never raise."""
    assert _typed(_decode(data, order, protocol=protocol, truncated=truncated))


@given(TYPES, st.binary(max_size=120), st.sampled_from(ORDERS))
def test_any_body_is_accounted_for_once(msg_type, body, order):
    """One message whose length is right is an event, unknown, control, or a missing header, exactly once."""
    decoded = _decode(message(msg_type, body, byteorder=order), order)
    refused = [e for e in decoded.errors if type(e).__name__ in {"HeaderError", "KernelError", "OverrunMessage"}]
    assert len(decoded.events) + len(decoded.unknown) + decoded.control + len(refused) == 1
    assert all(0 <= error.offset < 16 + len(body) and error.frame == 7 for error in decoded.errors)


@given(_datagrams())
def test_messages_of_a_datagram_are_read_like_single_ones(case):
    """Splitting a datagram at its messages changes nothing but their offsets."""
    order, parts = case
    whole = _decode(b"".join(parts), order)
    singles = [_decode(part, order) for part in parts]
    starts = [sum(map(len, parts[:i])) for i in range(len(parts))]
    expected = [
        (start, event.seq, event.payload) for start, one in zip(starts, singles, strict=True) for event in one.events
    ]
    assert ([(e.offset, e.seq, e.payload) for e in whole.events], whole.errors) == (expected, [])
    assert whole.control == sum(one.control for one in singles)


@given(_datagrams(), st.data())
def test_truncation_keeps_what_came_before_and_says_so(case, data):
    """A cut gives the messages before it and one framing error where the lost bytes begin."""
    order, parts = case
    stream = b"".join(parts)
    cut = data.draw(st.integers(0, len(stream)))
    starts = [sum(map(len, parts[:i])) for i in range(len(parts) + 1)]
    whole = max(i for i in range(len(starts)) if starts[i] <= cut)
    decoded = _decode(stream[:cut], order, truncated=len(stream) - cut)
    intact = _decode(stream, order)
    expected = [event for event in intact.events if event.offset < starts[whole]]
    assert decoded.events == expected
    assert _errors(decoded) == ([("FramingError", starts[whole], "")] if cut < len(stream) else [])


@given(_datagrams(), st.data())
def test_any_damaged_byte_stays_inside_typed_errors(case, data):
    """Overwriting bytes of well-formed messages never raises."""
    order, parts = case
    stream = bytearray(b"".join(parts))
    for _ in range(data.draw(st.integers(1, 4))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    assert _typed(_decode(bytes(stream), order))


# -- real kernels --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}-{path.name.partition('.')[0]}")
def test_real_captures_are_read_without_a_finding(path):
    """What kernels sent is read to the last byte; only programs' requests and kernels' refusals are errors.

    ``ip rule`` sends FRA_SRC without any bytes for ``from all`` (iproute2, iprule.c), which is none.
    """
    backend = _backend()
    messages = found = 0
    unexpected = []
    with open_capture(path) as reader:
        for frame in reader:
            if frame.protocol not in LegacyBackend.groups:
                continue
            datagram = Datagram(frame.number, frame.timestamp, frame.protocol, frame.data, frame.truncated)
            decoded = backend.decode(datagram)
            messages += len(_walk(frame.data))
            found += len(decoded.events) + len(decoded.unknown) + decoded.control
            for error in decoded.errors:
                if type(error).__name__ == "KernelError":
                    found += 1
                else:
                    unexpected.append(str(error))
        damage = reader.damage
    assert (damage, unexpected, found) == (None, [], messages)


def _walk(data: bytes) -> list[int]:
    """Offsets of the messages of a little-endian datagram, by the definition of NLMSG_NEXT."""
    offsets, at = [], 0
    while at + 16 <= len(data):
        length = struct.unpack_from("<I", data, at)[0]
        if length < 16:
            break
        offsets.append(at)
        at += (length + 3) // 4 * 4
    return offsets


def test_there_are_captures_to_read():
    """Two kernels times four recordings."""
    assert len(FIXTURES) == 22
