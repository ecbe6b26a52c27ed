"""Builds IPsec bytes (linux/xfrm.h), in the layout of a 64-bit kernel: structures with 64-bit members are padded to
multiples of 8 bytes; addresses, ports and SPIs are big-endian, all else has the machine's byte order."""

from __future__ import annotations

from nlmon.testing.messages import big, number

__all__ = [
    "DST",
    "KEY",
    "SRC",
    "acquire",
    "aead",
    "aevent",
    "algorithm",
    "auth",
    "policy",
    "policy_id",
    "selector",
    "state",
    "state_id",
    "template",
]

SRC = {2: bytes((10, 0, 0, 1)), 10: bytes.fromhex("fd000000000000000000000000000001")}
DST = {2: bytes((10, 0, 0, 2)), 10: bytes.fromhex("fd000000000000000000000000000002")}
KEY = bytes.fromhex("5ec2e75ec2e75ec2e75ec2e75ec2e75e")  # no other bytes of these messages hold this


def _address(pool: dict[int, bytes], family: int) -> bytes:
    return pool[family].ljust(16, b"\0")


def selector(family: int, order: str) -> bytes:
    """xfrm_selector, 56 bytes."""
    addresses = _address(DST, family) + _address(SRC, family)
    ports = big("HHHH", 443, 0xFFFF, 40000, 0xFF00)
    return addresses + ports + number("HBBBxxxiI", family, 24, 16, 6, 3, 1000, byteorder=order)


def _id(family: int) -> bytes:
    """xfrm_id, 24 bytes: destination, SPI, protocol."""
    return _address(DST, family) + big("I", 0x01020304) + bytes((50, 0, 0, 0))


LIFETIME = bytes(range(1, 65))  # xfrm_lifetime_cfg, which no event has


def _used(order: str) -> bytes:
    """xfrm_lifetime_cur, 32 bytes: bytes, packets, two times."""
    return number("QQQQ", 0x0102030405060708, 99, 1, 2, byteorder=order)


def state(family: int, order: str) -> bytes:
    """xfrm_usersa_info, 224 bytes."""
    data = selector(family, order) + _id(family) + _address(SRC, family) + LIFETIME + _used(order)
    data += number("III", 5, 6, 7, byteorder=order)  # xfrm_stats
    return data + number("IIHBBB", 0x0A0B0C0D, 16385, family, 1, 32, 0x20, byteorder=order) + bytes(7)


def state_id(family: int, order: str) -> bytes:
    """xfrm_usersa_id, 24 bytes."""
    return _address(DST, family) + big("I", 0x01020304) + number("HBx", family, 50, byteorder=order)


def aevent(family: int, order: str) -> bytes:
    """xfrm_aevent_id, 48 bytes."""
    return state_id(family, order) + _address(SRC, family) + number("II", 8, 16385, byteorder=order)


def policy(family: int, order: str) -> bytes:
    """xfrm_userpolicy_info, 168 bytes."""
    data = selector(family, order) + LIFETIME + _used(order)
    return data + number("IIBBBB", 0x0A0B0C0D, 0x01020304, 1, 0, 2, 3, byteorder=order) + bytes(4)


def policy_id(family: int, order: str) -> bytes:
    """xfrm_userpolicy_id, 64 bytes."""
    return selector(family, order) + number("IBxxx", 0x01020304, 1, byteorder=order)


def acquire(family: int, order: str) -> bytes:
    """xfrm_user_acquire, 280 bytes."""
    data = _id(family) + _address(SRC, family) + selector(family, order) + policy(family, order)
    return data + number("IIII", 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 77, byteorder=order)


def template(family: int, order: str) -> bytes:
    """xfrm_user_tmpl, 64 bytes."""
    data = _id(family) + number("Hxx", family, byteorder=order) + _address(SRC, family)
    return data + number("IBBBxIII", 16385, 1, 2, 1, 1, 2, 3, byteorder=order)


def algorithm(name: bytes, order: str) -> bytes:
    """xfrm_algo with its key."""
    return name.ljust(64, b"\0") + number("I", 8 * len(KEY), byteorder=order) + KEY


def auth(name: bytes, order: str) -> bytes:
    """xfrm_algo_auth with its key, truncated to 96 bits."""
    return name.ljust(64, b"\0") + number("II", 8 * len(KEY), 96, byteorder=order) + KEY


def aead(name: bytes, order: str) -> bytes:
    """xfrm_algo_aead with its key and 128 bits of integrity."""
    return name.ljust(64, b"\0") + number("II", 8 * len(KEY), 128, byteorder=order) + KEY
