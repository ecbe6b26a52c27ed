"""IFLA_VFINFO_LIST beyond 65,535 bytes, whose nla_len has 16 bits: the link is read as if it had no such list."""

from __future__ import annotations

import random
from functools import partial

import pytest

from nlmon.backends.registry import create
from nlmon.capture import ByteOrder, open_capture
from nlmon.compare.evidence.locate import locate
from nlmon.engine.run import replay_capture
from nlmon.errors import AttributeFormatError, WrappedLength
from nlmon.framing import link_attributes
from nlmon.testing.messages import attr, message, nested, number
from support.decoding import decode
from support.paths import FIXTURES

ROUTE = 0
ORDERS: tuple[ByteOrder, ...] = ("little", "big")
IMPLEMENTATIONS = ("legacy", "libnl")
ADDRESS = bytes.fromhex("b8599f000001")
AT = 32  # of the first attribute


def link(functions: int, size: int, order: ByteOrder) -> bytes:
    """RTM_NEWLINK of a device with so many virtual functions, of ``size`` bytes each with the header of the entry."""

    def one(kind: int, payload: bytes) -> bytes:
        return attr(kind, payload, order)

    head = number("BxHiII", 0, 1, 4, 0x1043, 0, byteorder=order)
    before = one(3, b"ens1f0\0") + one(16, b"\x06") + one(4, number("I", 1500, byteorder=order)) + one(6, b"mq\0")
    before += one(1, ADDRESS) + one(2, b"\xff" * 6) + one(21, number("I", functions, byteorder=order))
    # As in struct ifla_vf_mac and what follows it: attributes of 36 bytes whose numbers a link has, too.
    inner = b"".join(one(number_, bytes(8)) for number_ in (1, 3, 4, 5, 6, 10, 13))
    entry = one(1, inner + bytes(size - 4 - len(inner)))
    body = entry * functions
    length = (4 + len(body)) & 0xFFFF
    listed = number("HH", length, 22 | 0x8000, byteorder=order) + body
    behind = (
        nested(18, one(1, b"vlan\0"), byteorder=order) + one(27, number("I", 0, byteorder=order)) + one(33, b"\x01")
    )
    return message(16, head + before + listed + behind, byteorder=order)


# Functions, bytes of each, and whether the length of the list wraps.
LISTS = {
    "eight": (8, 296, False),
    "just below": (221, 296, False),
    "180 bytes": (222, 296, True),
    "no bytes": (256, 256, True),
    "four bytes": (113, 580, True),
    "twice": (512, 260, True),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("functions", "size", "wraps"), LISTS.values(), ids=LISTS.keys())
@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_a_list_whose_length_wraps_hides_nothing(
    name: str, functions: int, size: int, wraps: bool, order: ByteOrder
) -> None:
    """Every field is that of the same link without functions, and the list is one error at its place."""
    data = link(functions, size, order)
    plain, found = (decode(name, ROUTE, one, order) for one in (link(0, size, order), data))

    assert (len(plain.events), plain.errors) == (1, [])
    assert found.events[0].payload == plain.events[0].payload
    assert found.events[0].payload.addr == "b8:59:9f:00:00:01"
    place = data.index(number("HH", (4 + functions * size) & 0xFFFF, 22 | 0x8000, byteorder=order))
    errors = [(type(one), one.code, one.offset, one.path) for one in found.errors if isinstance(one, WrappedLength)]
    assert errors == [(WrappedLength, "NLM-D007", place, "IFLA_VFINFO_LIST")] * wraps
    assert len(found.errors) == wraps


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("functions", "size", "wraps"), LISTS.values(), ids=LISTS.keys())
def test_the_third_reading_finds_what_stands_behind(functions: int, size: int, wraps: bool, order: ByteOrder) -> None:
    """Of each attribute it has the place that the link gave it."""
    data = link(functions, size, order)
    found = link_attributes(data, AT, len(data), order)

    assert {kind: data[slice(*found[kind])] for kind in (1, 2, 3, 33)} == {
        1: ADDRESS,
        2: b"\xff" * 6,
        3: b"ens1f0\0",
        33: b"\x01",
    }
    assert found[22][1] - found[22][0] == functions * size
    assert locate(data, 0, "IFLA_ADDRESS", order).data[4:] == ADDRESS
    assert locate(data, 0, "IFLA_LINKINFO/IFLA_INFO_KIND", order).data[4:] == b"vlan\0"


def test_a_list_of_length_0_ends_the_message() -> None:
    """Of exactly 65,536 bytes: what stands before it is read, and both say where it ends."""
    data = link(381, 172, "little")
    found = [decode(name, ROUTE, data) for name in IMPLEMENTATIONS]
    place = data.index(number("HH", 0, 22 | 0x8000))

    assert [one.events[0].payload.addr for one in found] == ["b8:59:9f:00:00:01"] * 2
    assert [[(type(e), e.offset, e.path) for e in one.errors] for one in found] == [
        [(AttributeFormatError, place, "")]
    ] * 2


def test_both_say_the_same_of_a_damaged_list() -> None:
    """Whatever stands in the list: the same errors at the same places, and the same link."""
    seeded = random.Random(13)
    good = link(222, 296, "little")
    for _ in range(60):
        data = bytearray(good)
        for _ in range(seeded.choice((1, 2, 8))):
            data[seeded.randrange(AT, 900)] = seeded.choice((0, 1, 22, 255, seeded.randrange(256)))
        found = [decode(name, ROUTE, bytes(data)) for name in IMPLEMENTATIONS]
        shown = [
            [(type(e).__name__, e.offset) for e in one.errors if e.path in {"", "IFLA_VFINFO_LIST", "IFLA_ADDRESS"}]
            for one in found
        ]
        assert shown[0] == shown[1], bytes(data[:900]).hex()
        links = [one.events[0].payload for one in found]
        assert [(one.ifname, one.addr, one.mtu) for one in links[:1]] == [
            (one.ifname, one.addr, one.mtu) for one in links[1:]
        ]


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
@pytest.mark.parametrize(
    ("kind", "head", "number_", "path"),
    [
        (16, number("BxHiII", 0, 1, 4, 0, 0), 1, "IFLA_ADDRESS"),
        (28, number("BxxxiHBB", 7, 4, 2, 0, 1), 2, "NDA_LLADDR"),
    ],
)
def test_an_address_longer_than_any_is_malformed(name: str, kind: int, head: bytes, number_: int, path: str) -> None:
    """MAX_ADDR_LEN is 32: one byte more is left out and reported."""
    fits, long = (decode(name, ROUTE, message(kind, head + attr(number_, bytes(size)))) for size in (32, 33))
    field = "addr" if kind == 16 else "lladdr"

    assert (getattr(fits.events[0].payload, field), fits.errors) == (":".join(["00"] * 32), [])
    assert getattr(long.events[0].payload, field) is None
    assert [(one.code, one.path) for one in long.errors] == [("NLM-D003", path)]


def test_the_report_says_that_the_kernel_damaged_a_message() -> None:
    """How many, which list, and where the first one is; and nothing changed without a notification."""
    with open_capture(FIXTURES / "cases" / "20-vfinfo-222.pcap") as reader:
        report = replay_capture(reader, "a", partial(create, "legacy"), partial(create, "libnl"))[0]

    assert (report.verdict, report.unannounced, report.state) == ("equivalent", [], "same")
    assert report.problems == {name: {"NLM-D007 IFLA_VFINFO_LIST": 1} for name in IMPLEMENTATIONS}
    assert report.notes == [
        "1 message was damaged by the kernel, which counts the bytes of a list in 16 bits: "
        "first IFLA_VFINFO_LIST at offset 0x64 of frame 5 [NLM-D007]"
    ]
