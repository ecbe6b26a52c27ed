"""Generic netlink in the libnl implementation: nl80211, Qualcomm Atheros, nlctrl, and families kept raw.

The numbers are those of linux/nl80211.h and linux/genetlink.h, written down a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from msgspec import structs

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.registry import create
from nlmon.capture.base import Frame
from nlmon.compare.difference import Class, Severity
from nlmon.engine.replay import Replay
from nlmon.errors import NotFound
from nlmon.eventjson.read import event_from_json
from nlmon.eventjson.write import event_to_dict, event_to_json
from nlmon.events import Decoded, GenericInfo, Nl80211Info, QcaVendorInfo
from nlmon.testing.messages import attr, generic, message, nested, new_family, number
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram, Datagrams
from support.agreement import disagreements
from support.decoding import ORDERS, backend, decode, event, findings, payload

GENERIC = 16
NL80211, FAMILIES = 28, {28: "nl80211", 21: "ethtool", 31: "TASKSTATS"}
VENDOR = 103
VENDOR_ID, VENDOR_SUBCMD, VENDOR_DATA = 195, 196, 197
QCA, OTHER = 0x1374, 0x1018

Make = Callable[[str], bytes]


def u32(kind: int, value: int, order: str = "little") -> bytes:
    return attr(kind, number("I", value, byteorder=order), order)


def n(code: str, *values: int) -> Make:
    """A payload of numbers of the machine."""
    return lambda order: number(code, *values, byteorder=order)


def raw(data: bytes) -> Make:
    return lambda _: data


# field: attribute number, payload, value
FIELDS: dict[str, tuple[int, Make, object]] = {
    "wiphy": (1, n("I", 0x01020304), 0x01020304),
    "wiphy_name": (2, raw(b"phy0\0"), "phy0"),
    "ifindex": (3, n("I", 0x01020305), 0x01020305),
    "ifname": (4, raw(b"wlan0\0"), "wlan0"),
    "iftype": (5, n("I", 3), 3),
    "mac": (6, raw(bytes.fromhex("020000000007")), "02:00:00:00:00:07"),
    "freq": (38, n("I", 5180), 5180),
    "channel_type": (39, n("I", 2), 2),
    "frame": (51, raw(bytes.fromhex("c0003a01")), "c0003a01"),
    "ssid": (52, raw(b"caf\xc3\xa9\0\xff"), "café\0\\xff"),
    "reason_code": (54, n("H", 0x0102), 0x0102),
    "timed_out": (65, raw(b""), True),
    "disconnected_by_ap": (71, raw(b""), True),
    "status_code": (72, n("H", 0x0304), 0x0304),
    "wdev": (153, n("Q", 0x0102030405060708), 0x0102030405060708),
    "channel_width": (159, n("I", 3), 3),
    "center_freq1": (160, n("I", 5210), 5210),
}


def test_every_field_of_nl80211_has_a_row() -> None:
    """The table above names each field but the command."""
    assert {"cmd", *FIELDS} == set(Nl80211Info.__struct_fields__)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("command", [7, VENDOR])
@pytest.mark.parametrize("field", FIELDS)
def test_field_of_nl80211(field: str, command: int, order: str) -> None:
    """One attribute fills one field, of a vendor command too, and no other."""
    kind, make, value = FIELDS[field]
    data = generic(NL80211, command, attr(kind, make(order), order), byteorder=order)
    found = payload("libnl", GENERIC, data, order, families=FAMILIES)
    assert found == GenericInfo(
        *(NL80211, command, 1, None, None, "nl80211", None, Nl80211Info(command, **{field: value}), None)
    )


@pytest.mark.parametrize("order", ORDERS)
def test_all_fields_of_nl80211_at_once(order: str) -> None:
    """All of them in one message, which also names its interface."""
    rows = [attr(kind, make(order), order) for kind, make, _ in FIELDS.values()]
    found = event("libnl", GENERIC, generic(NL80211, 46, *rows, byteorder=order), order, families=FAMILIES)
    values = {field: value for field, (_, _, value) in FIELDS.items()}
    assert isinstance(found.payload, GenericInfo)
    assert found.payload.nl80211 == Nl80211Info(46, **values)  # type: ignore[arg-type]
    assert found.interface == "wlan0"


@pytest.mark.parametrize("command", [46, VENDOR])
@pytest.mark.parametrize(
    ("rows", "name"), [([u32(3, 3)], "eth0"), ([u32(1, 3)], None), ([u32(3, 9)], None), ([], None)]
)
def test_interface_is_that_of_the_index(rows: list[bytes], name: str | None, command: int) -> None:
    """A message without a name is about the interface that a link message gave this index to; a wiphy has none."""
    factory = RecordedFactory()
    factory.kernel.learn(
        Datagrams.of(Datagram(1, 0, 0, message(16, number("BxHiII", 0, 1, 3, 1, 0) + attr(3, b"eth0\0"))))
    )
    factory.kernel.learn(Datagrams.of(Datagram(1, 0, GENERIC, new_family(NL80211, "nl80211"))))
    made = create("libnl", factory)
    made.enable(GENERIC)
    (found,) = made.decode(Datagram(1, 0, GENERIC, generic(NL80211, command, *rows))).events
    assert found.interface == name


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("subcommand", [0, 64, 255, 256, 334, 9999, 2**32 - 1])
def test_subcommand_of_qualcomm_is_whole(subcommand: int, order: str) -> None:
    """A subcommand has 32 bits; the vendor's data is kept; nl80211's own attributes beside it are read."""
    rows = [u32(VENDOR_ID, QCA, order), u32(VENDOR_SUBCMD, subcommand, order), u32(3, 7, order)]
    data = generic(NL80211, VENDOR, *rows, attr(VENDOR_DATA, b"\1\2\3", order), byteorder=order)
    found = payload("libnl", GENERIC, data, order, families=FAMILIES)
    assert found == GenericInfo(
        *(NL80211, VENDOR, 1, QCA, subcommand, "nl80211", None, Nl80211Info(VENDOR, ifindex=7)),
        QcaVendorInfo(QCA, subcommand, "010203"),
    )


@pytest.mark.parametrize(("subcommand", "name"), [(64, "ROAM"), (214, "DRIVER_READY"), (334, "334"), (9999, "9999")])
def test_unknown_subcommand_is_shown_by_its_number(subcommand: int, name: str) -> None:
    """JSON has the vendor's name of a subcommand, or its number; never the name of another."""
    data = generic(NL80211, VENDOR, u32(VENDOR_ID, QCA), u32(VENDOR_SUBCMD, subcommand))
    shown = event_to_dict(event("libnl", GENERIC, data, families=FAMILIES))["netlink"]["generic"]["qca_vendor"]
    assert (shown["subcmd"], shown["_num"]["subcmd"]) == (name, subcommand)


@pytest.mark.parametrize(
    ("command", "rows", "vendor", "qca"),
    [
        (VENDOR, [u32(VENDOR_ID, OTHER), u32(VENDOR_SUBCMD, 5)], (OTHER, 5), None),
        (VENDOR, [u32(VENDOR_ID, QCA)], (QCA, None), None),
        (VENDOR, [u32(VENDOR_SUBCMD, 5)], (None, 5), None),
        (VENDOR, [u32(VENDOR_ID, OTHER), u32(VENDOR_ID, QCA), u32(VENDOR_SUBCMD, 5)], (QCA, 5), QcaVendorInfo(QCA, 5)),
        (19, [u32(VENDOR_ID, QCA), u32(VENDOR_SUBCMD, 64)], (None, None), None),
    ],
)
def test_vendor_numbers_are_those_of_command_103(command, rows, vendor, qca) -> None:
    """Other vendors, vendor commands without one of the numbers, and the numbers in another command."""
    found = payload("libnl", GENERIC, generic(NL80211, command, *rows), families=FAMILIES)
    assert (found.genl_cmd, found.vendor_id, found.vendor_subcmd, found.qca_vendor) == (command, *vendor, qca)
    assert found.nl80211 == Nl80211Info(command)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("number_", "name"), [(21, "ethtool"), (31, "TASKSTATS"), (99, None)])
def test_other_families_are_kept_raw(number_: int, name: str | None, order: str) -> None:
    """Name, command and each attribute in message order, flags of the type left out; the name may be unknown."""
    rows = [nested(1, b"\1\2\3\4", byteorder=order), attr(1, b"\5", order), attr(70, b"", order)]
    decoded = decode("libnl", GENERIC, generic(number_, 13, *rows, byteorder=order), order, families=FAMILIES)
    [found] = decoded.events
    kept = ((1, "01020304"), (1, "05"), (70, ""))
    assert (findings(decoded), decoded.unknown, decoded.control) == ([], [], 0)
    assert found.payload == GenericInfo(number_, 13, 1, None, None, name, kept, None, None)
    assert found.interface is None
    # A family that nobody has named may hold keys: its bytes are written as lengths, and cannot be read back.
    shown = ((1, "(4 bytes)"), (1, "(1 byte)"), (70, "(0 bytes)")) if name is None else kept
    assert event_from_json(event_to_json(found)).payload == structs.replace(found.payload, attributes=shown)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("command", [102, VENDOR])
def test_vendor_numbers_in_another_family(command: int, order: str) -> None:
    """They are read where legacy, which knows no families, reads them too; they make no vendor command."""
    rows = [u32(VENDOR_ID, QCA, order), u32(VENDOR_SUBCMD, 334, order)]
    data = generic(21, command, *rows, byteorder=order)
    found = payload("libnl", GENERIC, data, order, families=FAMILIES)
    assert (found.vendor_id, found.vendor_subcmd) == ((QCA, 334) if command == VENDOR else (None, None))
    assert (found.nl80211, found.qca_vendor, len(found.attributes)) == (None, None, 2)


@pytest.mark.parametrize("family", [NL80211, 21])
@pytest.mark.parametrize(
    ("kind", "path"), [(VENDOR_ID, "NL80211_ATTR_VENDOR_ID"), (VENDOR_SUBCMD, "NL80211_ATTR_VENDOR_SUBCMD")]
)
def test_malformed_vendor_number(kind: int, path: str, family: int) -> None:
    """One that is too short leaves nothing known, also when a good one stands before it; the other one is kept."""
    for size in range(4):
        rows = [u32(VENDOR_ID, OTHER), u32(VENDOR_SUBCMD, 5), attr(kind, bytes(size))]
        decoded = decode("libnl", GENERIC, generic(family, VENDOR, *rows), families=FAMILIES)
        (found,) = decoded.events
        kept = (None, 5) if kind == VENDOR_ID else (OTHER, None)
        assert (found.payload.vendor_id, found.payload.vendor_subcmd) == kept
        assert findings(decoded) == [("AttributeFormatError", 36, path)]


def test_nlctrl_is_named_before_anybody_asks() -> None:
    """The family of families has number 16 on every host."""
    found = payload("libnl", GENERIC, new_family(40, "demo"))
    assert (found.genl_family_name, found.genl_cmd, found.attributes) == (
        *("nlctrl", 1),
        ((1, "2800"), (2, b"demo\0".hex())),
    )


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("asked", ["taskstats", "TASKSTATS", "TaskStats"])
def test_taskstats_is_found_as_the_guide_spells_it(asked: str, order: str) -> None:
    """The kernel's name is in capital letters."""
    assert backend("libnl", order, FAMILIES).resolve(asked) == 31


def test_unknown_family_names_those_there_are() -> None:
    """The error has the name and what may be meant."""
    with pytest.raises(NotFound) as caught:
        backend("libnl", families=FAMILIES).resolve("nl8021")
    assert ("nl8021" in caught.value.what, "nl80211" in caught.value.hint) == (True, True)


def test_a_number_is_the_family_that_has_it_now() -> None:
    """After nlctrl took a family away its number means nothing, until another family gets it."""
    made = backend("libnl", families={28: "nl80211"})
    names = []
    for announced in (b"", new_family(28, "nl80211", command=2), new_family(28, "demo")):
        if announced:
            datagram = Datagram(1, 0, GENERIC, announced)
            made.observed(datagram, made.decode(datagram))
        (found,) = made.decode(Datagram(2, 0, GENERIC, generic(28, 7))).events
        names.append(found.payload.genl_family_name)
    assert names == ["nl80211", None, "demo"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", range(4))
def test_short_header(size: int, order: str) -> None:
    """Less than a genlmsghdr gives no event and is said."""
    decoded = decode("libnl", GENERIC, message(NL80211, bytes(size), byteorder=order), order, families=FAMILIES)
    assert (decoded.events, findings(decoded)) == ([], [("HeaderError", 0, "")])


@pytest.mark.parametrize("row", [u32(1, 5), b""])
@pytest.mark.parametrize("length", [0, 3, 5, 200])
def test_broken_framing_in_a_raw_family_keeps_what_came_before(row: bytes, length: int) -> None:
    """An attribute that does not fit ends the list, with its place."""
    decoded = decode("libnl", GENERIC, generic(21, 1, row, number("HH", length, 5)), families=FAMILIES)
    (found,) = decoded.events
    assert found.payload.attributes == (((1, "05000000"),) if row else ())
    assert findings(decoded) == [("AttributeFormatError", 20 + len(row), "(genl_attributes)")]


HEADED = 30


def headed(order: str, size: int) -> bytes:
    """nlctrl names a family whose messages have a header of their own (CTRL_ATTR_HDRSIZE)."""
    return new_family(HEADED, "ovs_datapath", attr(4, number("I", size, byteorder=order), order), byteorder=order)


def knowing(order: str, size: int) -> Any:
    """An implementation that knows the family from nlctrl."""
    factory = RecordedFactory(RecordedKernel(order))  # type: ignore[arg-type]
    factory.kernel.learn(Datagrams.of(Datagram(1, 0, GENERIC, headed(order, size))))
    made = create("libnl", factory)
    made.enable(GENERIC)
    return made


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [0, 4, 5, 8])
def test_attributes_stand_behind_the_header_of_a_family(size: int, order: str) -> None:
    """ovs_* has 4 bytes, TIPC 8; the next multiple of four is where attributes begin."""
    header = b"\xff" * (size + -size % 4)
    row = attr(1, b"br0\0", order)
    decoded = knowing(order, size).decode(Datagram(7, 0, GENERIC, generic(HEADED, 1, header, row, byteorder=order)))

    assert findings(decoded) == []
    assert decoded.events[0].payload.attributes == ((1, "62723000"),)


@pytest.mark.parametrize("length", [0, 4, 7])
def test_a_message_too_short_for_the_header_of_its_family(length: int) -> None:
    """The command is known and reported, the attributes are not."""
    decoded = knowing("little", 8).decode(Datagram(7, 0, GENERIC, generic(HEADED, 1, bytes(length))))

    assert findings(decoded) == [("HeaderError", 16, "(genl_attributes)")]
    assert (decoded.events[0].payload.genl_cmd, decoded.events[0].payload.attributes) == (1, None)


@pytest.mark.parametrize("size", [4, 8])
@pytest.mark.parametrize("command", [1, VENDOR])
def test_a_header_of_a_family_is_no_difference(size: int, command: int) -> None:
    """Legacy knows no families, and so nothing of their headers; whatever stands there, both agree, and the raw
    attributes are held against the message behind its header."""
    rows = [b"\xff\xff\x01\0" * (size // 4) + attr(1, b"br0\0"), b"\x08\0\1\0", b"\3\0\0\0" * 3, b"", b"\1\2\3"]
    messages = [generic(HEADED, command, row) for row in rows]

    assert disagreements(messages, "little", GENERIC, [headed("little", size)]) == []


def test_attributes_read_from_the_header_are_contradicted() -> None:
    """An implementation that does not skip the header of a family gives attributes that are none."""

    class Blind(LibnlBackend):
        def decode(self, datagram: Datagram) -> Decoded:
            for family in self.families.by_id.values():
                family.header = 0
            return super().decode(datagram)

    replay = Replay(partial(create, "legacy"), Blind, byteorder="little", select="all")
    replay.play([Frame(1, 0, GENERIC, headed("little", 8))])
    assert not any(cls.severity is Severity.REGRESSION for cls in replay.judge.counts)
    replay.play([Frame(2, 0, GENERIC, generic(HEADED, 1, attr(5, bytes(4)), attr(1, b"br0\0")))])

    assert {cls for cls in replay.judge.counts if cls.severity is Severity.REGRESSION} == {Class.CONTRADICTED}
