"""Writes fixtures/captures/by-hand: messages that no kernel at hand sends, each with one thing that is rare or wrong.

    python tools/by_hand.py [--check]

Rules of this file:
1. A message is built byte by byte (``nlmon.testing.messages``), a frame each, numbered from 1.
2. The first file has no mistake; in the second every message has one attribute that does not fit.

Not here: recordings, which have their scripts beside them.
"""

from __future__ import annotations

import struct
from ipaddress import ip_address
from pathlib import Path

from generated import run

from nlmon.testing.messages import attr, big, link, message, nested, number

FOLDER = Path(__file__).parent.parent / "fixtures" / "captures" / "by-hand"
ROUTE, SOCK_DIAG, XFRM, NETFILTER = 0, 4, 6, 12
NEWLINK, NEWADDR, NEWROUTE, NEWNEIGH, NEWRULE, NEWSA, NEWPOLICY = 16, 20, 24, 28, 32, 16, 19
CT_NEW, CT_DELETE = 0x100, 0x102
SOCK_DIAG_BY_FAMILY = 20
LINKTYPE_NETLINK, ARPHRD_NETLINK = 253, 824
BEGIN = 1_750_000_000  # seconds; a frame each


def ip(text: str) -> bytes:
    """The bytes of an address."""
    return ip_address(text).packed


def wide(text: str) -> bytes:
    """xfrm_address_t: 16 bytes, of which IPv4 has the first four."""
    return ip(text).ljust(16, b"\0")


# -- values that are rare ----------------------------------------------------------------------------------------------


def device(index: int, name: str, kind: int, *more: bytes) -> bytes:
    """A link of another hardware type (linux/if_arp.h)."""
    body = number("BxHiII", 0, kind, index, 0x1043, 0) + attr(3, name.encode() + b"\0") + attr(4, number("I", 2044))
    return message(NEWLINK, body + b"".join(more))


def flow(kind: int, *more: bytes) -> bytes:
    """A TCP flow and its answers."""
    ends = ip("10.1.1.1"), ip("10.1.1.2")
    ways = [
        nested(which, nested(1, attr(1, ends[way]), attr(2, ends[not way])), nested(2, attr(1, b"\x06"), ports))
        for which, way, ports in (
            (1, 0, attr(2, big("H", 40000)) + attr(3, big("H", 443))),
            (2, 1, attr(2, big("H", 443)) + attr(3, big("H", 40000))),
        )
    ]
    return message(kind, b"\x02\0\0\0" + b"".join(ways) + b"".join(more))


def counters(kind: int, packets: int, octets: int) -> bytes:
    """CTA_COUNTERS_*."""
    return nested(kind, attr(1, big("Q", packets)), attr(2, big("Q", octets)))


def selector(family: int, src: str, dst: str, bits: tuple[int, int]) -> bytes:
    """xfrm_selector of TCP from port 1000 to 443 whose ends differ in everything."""
    ports = big("HHHH", 443, 0xFFFF, 1000, 0xFF00)
    return wide(dst) + wide(src) + ports + number("HBBBxxxiI", family, bits[1], bits[0], 6, 3, 70000)


def association(family: int, src: str, dst: str, chosen: bytes, *more: bytes) -> bytes:
    """XFRM_MSG_NEWSA with a window of 128 packets, which are 255 at most in this field."""
    body = chosen + wide(dst) + big("I", 0x80000101) + b"\x32\0\0\0" + wide(src)
    body += bytes(64) + number("QQQQ", 5 << 32, 6 << 32, 1, 2) + bytes(12)
    body += number("IIHBBB", 0x80000007, 70000, family, 1, 128, 0xA1) + bytes(7)
    return message(NEWSA, body + b"".join(more))


INFINIBAND = bytes(range(0x80, 0x94))
RARE = (
    (ROUTE, device(3, "ib0", 32, attr(1, INFINIBAND), attr(2, b"\0\xff\xff\xff" + INFINIBAND[4:]))),
    (ROUTE, device(4, "tun0", 65534, attr(1), attr(2))),
    (ROUTE, message(NEWADDR, number("BBBBI", 10, 64, 0x80, 0, 3) + attr(1, ip("fd00::1")) + attr(5, ip("fd00::")))),
    (
        ROUTE,
        message(
            NEWROUTE,
            number("BBBBBBBBI", 2, 32, 32, 0, 254, 3, 0, 1, 0)
            + attr(1, ip("198.51.100.9"))
            + attr(2, ip("192.0.2.9"))
            + attr(3, number("I", 70000))
            + attr(4, number("I", 3)),
        ),
    ),
    (NETFILTER, flow(CT_NEW, counters(9, 3 << 32, 5 << 40), counters(10, 4 << 32, 6 << 40))),
    (NETFILTER, flow(CT_DELETE, counters(9, (3 << 32) + 7, (5 << 40) + 8), counters(10, 4 << 32, 6 << 40))),
    (
        XFRM,
        association(
            *(2, "10.0.0.1", "10.0.0.2", selector(2, "192.0.2.0", "198.51.0.0", (24, 16))),
            attr(4, number("H", 2) + big("HHxx", 4500, 4501) + wide("0.0.0.0")),
            attr(24, number("I", 3)),
        ),
    ),
    (XFRM, association(10, "fd00::1", "fd00::2", selector(10, "fd00:1::", "fd00:2::", (32, 64)))),
)

# -- attributes that do not fit ----------------------------------------------------------------------------------------


def of_link(*more: bytes) -> bytes:
    """A link with attributes of its own."""
    return message(NEWLINK, link(3, "lan0") + b"".join(more))


def of_addr(*more: bytes) -> bytes:
    """An address of it."""
    own = attr(2, ip("192.0.2.1"))
    return message(NEWADDR, number("BBBBI", 2, 24, 0, 0, 3) + own + b"".join(more))


def of_route(*more: bytes) -> bytes:
    """A route of IPv4."""
    return message(NEWROUTE, number("BBBBBBBBI", 2, 24, 0, 0, 254, 3, 0, 1, 0) + b"".join(more))


def of_neigh(*more: bytes) -> bytes:
    """An entry of a forwarding database."""
    return message(NEWNEIGH, number("BxxxiHBB", 7, 3, 2, 0, 0) + attr(2, bytes(6)) + b"".join(more))


def of_rule(*more: bytes) -> bytes:
    """A rule of IPv4."""
    return message(NEWRULE, number("BBBBBxxBI", 2, 0, 0, 0, 254, 1, 0) + attr(6, number("I", 100)) + b"".join(more))


def of_socket(*more: bytes) -> bytes:
    """A TCP socket that was closed (inet_diag_msg)."""
    ends = big("HH", 443, 40000) + wide("10.1.1.1") + wide("10.1.1.2")
    body = bytes((2, 7, 0, 0)) + ends + number("III", 0, 1, 2) + number("IIIII", 0, 0, 0, 0, 0)
    return message(SOCK_DIAG_BY_FAMILY, body + attr(10, b"\x06") + b"".join(more))


def of_state(*more: bytes) -> bytes:
    """A state of IPsec."""
    return association(2, "10.0.0.1", "10.0.0.2", bytes(56), *more)


def of_policy(*more: bytes) -> bytes:
    """A policy of IPsec."""
    body = selector(2, "192.0.2.0", "198.51.0.0", (24, 16)) + bytes(64 + 32)
    return message(NEWPOLICY, body + number("IIBBBB", 1, 8, 1, 0, 0, 0) + bytes(4) + b"".join(more))


CLAIMS_200 = number("HH", 200, 1) + b"\0" * 4
MALFORMED = (
    *((ROUTE, of_link(wrong)) for wrong in (attr(16), attr(46, b"\1\0"), attr(1, bytes(40)), attr(6, b"q" * 40))),
    *((ROUTE, of_link(wrong)) for wrong in (attr(5, b"\1\0\0"), attr(33), nested(18, CLAIMS_200))),
    *((ROUTE, of_addr(wrong)) for wrong in (attr(1, b"\xc0\0\2"), attr(3, b"l" * 20), attr(4, bytes(5)))),
    *((ROUTE, of_addr(wrong)) for wrong in (attr(6, b"\5\0"), attr(8, b"\2\0"))),
    *((ROUTE, of_route(wrong)) for wrong in (attr(1, b"\xc0\0\2"), attr(5, bytes(5)), attr(18, b"\x0a"))),
    *((ROUTE, of_route(wrong)) for wrong in (attr(9, CLAIMS_200), attr(21, b"\1"), nested(8, attr(2, b"\5\0")))),
    (ROUTE, of_route(attr(20))),
    *((ROUTE, of_neigh(wrong)) for wrong in (attr(5, b"\5"), attr(6, b"\x12"), attr(1, bytes(5)), attr(12))),
    *((ROUTE, of_rule(wrong)) for wrong in (attr(12, bytes(4)), attr(23, b"\5\0"), attr(20, bytes(4)))),
    (NETFILTER, flow(CT_NEW, attr(8, b"\0\5"))),
    (NETFILTER, flow(CT_NEW, nested(9, attr(1, bytes(4))))),
    (NETFILTER, flow(CT_NEW, attr(3, b"\0\5"))),
    (NETFILTER, flow(CT_NEW, attr(18, b"\5"))),
    (XFRM, of_state(attr(4, bytes(4)))),
    (XFRM, of_state(attr(21, bytes(4)))),
    (XFRM, of_policy(attr(5, bytes(10)))),
    (SOCK_DIAG, of_socket(attr(15, b"\5\0"))),
    (SOCK_DIAG, of_socket(attr(21, bytes(4)))),
    (ROUTE, of_link(nested(52, CLAIMS_200))),
    (NETFILTER, flow(CT_NEW, nested(14, CLAIMS_200))),
    (XFRM, of_state(attr(2, b"cbc(aes)"))),
    (ROUTE, of_route(attr(9, number("HBBi", 28, 0, 0, 3) + attr(18, number("H", 2) + bytes(14))))),
)


def capture(frames: tuple[tuple[int, bytes], ...]) -> bytes:
    """A pcap file of messages from the kernel."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0x40000, LINKTYPE_NETLINK)]
    for number_, (protocol, data) in enumerate(frames):
        packet = struct.pack(">HH10xH", 0, ARPHRD_NETLINK, protocol) + data
        parts.append(struct.pack("<IIII", BEGIN + number_, 0, len(packet), len(packet)) + packet)
    return b"".join(parts)


def files() -> dict[Path, bytes]:
    """Both captures."""
    return {
        FOLDER / "01-rare-values.pcap": capture(RARE),
        FOLDER / "02-malformed-attributes.pcap": capture(MALFORMED),
    }


if __name__ == "__main__":
    run(files)
