"""Encodings of values that the contract names, each from literal bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nlmon.compare import contract
from nlmon.compare.evidence.values import UNKNOWN, acquire, auth, labels, packets, readers, selector
from nlmon.events import FlowTuple, MdbEntry, XfrmAlgorithm, XfrmSelector, XfrmStateInfo, XfrmTemplate
from nlmon.testing.messages import attr, nested, number

SCHEMA = json.loads((Path(contract.__file__).parent / "contract.schema.json").read_text(encoding="utf-8"))
# Read by the place where they stand, which needs the family or the number of the attribute.
PLACED = {"ip", "address", "peer", "prefix", "selector", "acquire", "auth", "labels", "packets"}
V4 = bytes([192, 0, 2, 1])
ALG = b"hmac(sha256)".ljust(64, b"\0")
SELECTOR = bytes([10, 0, 0, 1]) + bytes(12) + bytes([10, 0, 0, 2]) + bytes(12) + bytes.fromhex("0050ffff04d20000")
TABLE: list[tuple[str, bytes, Any]] = [
    ("u8", b"\x07\x01", 7),
    ("u16", b"\x01\x02", 0x0201),
    ("u32", b"\xff\xff\xff\xff", 0xFFFFFFFF),
    ("s32", b"\xff\xff\xff\xff", -1),
    ("u64", b"\x01" + bytes(7), 1),
    ("be16", b"\x01\x02", 0x0102),
    ("be32", b"\x00\x00\x01\x00", 256),
    ("be64", bytes(7) + b"\x0a", 10),
    ("pair", b"\x01\x00\x00\x00\x02\x00\x00\x00", (1, 2)),
    ("words", b"\x01\x00\x00\x00\x02\x00\x00\x00", 1 | 2 << 32),
    ("string", b"eth\xff0\0junk", "eth\\xff0"),
    ("text", b"a\0b", "a\0b"),
    ("hex", b"\x00\xff", "00ff"),
    ("mac", b"\x02\x00\x5e", "02:00:5e"),
    ("flag", b"", True),
    ("flag", b"\x00", False),
    ("sun_path", b"/run/x\0", "/run/x"),
    ("sun_path", b"\0a\0b\0\0", "@a@b"),
    ("altnames", attr(53, b"one\0") + attr(54, b"no\0") + attr(53, b"two\0"), ("one", "two")),
    ("audit_time", b"audit(12.345:6): x", 12_345_000_000),
    ("audit_serial", b"audit(12.345:6): x", 6),
    ("audit_text", b"audit(12.345:6): x=1\0", "x=1"),
    ("audit_text", b"no stamp audit(1.000:2): ", "no stamp audit(1.000:2): "),
    ("audit_time", b"no stamp", None),
    (
        "tuple",
        attr(1, attr(1, V4) + attr(2, bytes(4))) + attr(2, attr(1, b"\x06") + attr(2, b"\x00\x50")) + attr(3, b"\0\5"),
        FlowTuple("192.0.2.1", "0.0.0.0", 6, 80, zone=5),
    ),
    ("algorithm", ALG + number("I", 256) + bytes(32), XfrmAlgorithm("hmac(sha256)", 256)),
    ("aead", ALG + number("II", 288, 128) + bytes(36), XfrmAlgorithm("hmac(sha256)", 288, 128)),
    ("encap", number("H", 2) + bytes.fromhex("11941194") + bytes(2), (2, 4500, 4500)),
    (
        "templates",
        V4 + bytes(12) + bytes.fromhex("00000011") + b"\x32" + bytes(3) + number("H", 2) + bytes(2) + V4[:3] + b"\x09"
        + bytes(12) + number("IBBB", 7, 1, 0, 1) + bytes(13),
        (XfrmTemplate(2, "192.0.2.9", "192.0.2.1", 17, 50, 1, 7, 0, True),),
    ),
    (
        "mdb",
        nested(1, attr(1, number("IBBH", 7, 1, 2, 3) + bytes([239, 1, 1, 1]) + bytes(12) + b"\x08\x00\0\0"))
        + nested(1, attr(1, number("IBBH", 8, 0, 0, 0) + bytes.fromhex("01005e000001") + bytes(14))),
        (MdbEntry(7, 1, 2, 3, 0x0800, "239.1.1.1"), MdbEntry(8, 0, 0, 0, 0, "01:00:5e:00:00:01")),
    ),
    ("socket", b"\x06", 6),
    ("nexthop_group", number("IBBH", 10, 4, 1, 0) + number("IBBH", 11, 0, 0, 0), ((10, 261), (11, 1))),
]  # fmt: skip


@pytest.mark.parametrize(("encoding", "raw", "value"), TABLE)
def test_an_encoding_reads_its_bytes(encoding: str, raw: bytes, value: Any) -> None:
    """Little-endian where it is the machine's order, big-endian where it is the network's."""
    assert readers("little")[encoding](raw) == value


def test_every_encoding_of_the_contract_is_in_the_table() -> None:
    """What the schema lets the contract say can be read, and is tested here."""
    named = set(SCHEMA["$defs"]["field"]["properties"]["as"]["enum"])

    assert {encoding for encoding, _, _ in TABLE} == named - PLACED == set(readers("little"))


@pytest.mark.parametrize(
    ("number_", "raw", "value"),
    [
        (20, ALG + number("II", 256, 96) + bytes(32), XfrmAlgorithm("hmac(sha256)", 256, None, 96)),
        (1, ALG + number("I", 256) + bytes(32), XfrmAlgorithm("hmac(sha256)", 256)),
        (1, ALG + number("I", 256) + bytes(36), XfrmAlgorithm("hmac(sha256)", 256)),
    ],
)
def test_an_authentication_has_the_structure_of_its_attribute(number_: int, raw: bytes, value: XfrmAlgorithm) -> None:
    """XFRMA_ALG_AUTH_TRUNC has a number more than XFRMA_ALG_AUTH, whatever follows."""
    assert auth(raw, "little", number_) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (bytes.fromhex("000640ff000c8140"), "100/200"),
        (bytes.fromhex("000c8140"), "200"),
        (bytes.fromhex("000c8040"), UNKNOWN),
        (bytes.fromhex("000c81"), UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_a_stack_of_labels_ends_with_the_one_that_says_so(raw: bytes, value: object) -> None:
    """RFC 3032: what is no such stack is not judged."""
    assert labels(raw) == value


def test_packets_are_counted_in_one_of_two_places() -> None:
    """TCA_STATS_PKT64 (8), or TCA_STATS_BASIC (1) behind the bytes."""
    raw = number("QII", 5 << 32, 7, 0)

    assert (packets(raw, "little", 8), packets(raw, "little", 1)) == (5 << 32, 7)


IPV4 = SELECTOR + number("HBBB", 2, 32, 24, 6) + bytes(3) + number("iI", 3, 1000)
TRAFFIC = XfrmSelector(2, "10.0.0.2", "10.0.0.1", 24, 32, 6, (1234, 0), (80, 0xFFFF), 3, 1000)


@pytest.mark.parametrize(
    ("raw", "state", "expected"),
    [
        (IPV4, None, TRAFFIC),
        (IPV4, 10, TRAFFIC),
        (SELECTOR + bytes(16), None, UNKNOWN),
        (
            SELECTOR + bytes(16),
            2,
            XfrmSelector(0, "10.0.0.2", "10.0.0.1", 0, 0, 0, (1234, 0), (80, 0xFFFF), 0, 0),
        ),
    ],
)
def test_a_selector_without_a_family_has_that_of_its_state(raw: bytes, state: int | None, expected: object) -> None:
    """struct xfrm_selector, as the kernel makes it for XFRM_MSG_ALLOCSPI, too."""
    assert selector(raw, "little", state) == expected


def test_an_acquire_is_read_between_addresses_of_the_family_that_is_wanted() -> None:
    """struct xfrm_user_acquire; without a family of either nobody knows how long they are."""
    raw = V4 + bytes(12) + bytes.fromhex("00000011") + b"\x32" + bytes(3) + V4[:3] + b"\x09" + bytes(12) + IPV4
    raw += bytes(276 - len(raw)) + number("I", 7)
    wanted = XfrmStateInfo(2, "192.0.2.1", 17, 50, "192.0.2.9", seq=7, selector=TRAFFIC)

    assert acquire(raw, "little", 2) == wanted
    assert acquire(raw, "little", 0) is UNKNOWN
