"""Builds socket diagnosis bytes: requests and answers (linux/inet_diag.h, linux/unix_diag.h)."""

from __future__ import annotations

from nlmon.testing.messages import attr, big, message, number

__all__ = ["DESTROYED_BY", "DST", "SOCK_DIAG", "SRC", "by_family", "inet_msg", "inet_request", "unix_msg"]

SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
DESTROYED_BY = 10  # INET_DIAG_PROTOCOL
SRC = {2: bytes((10, 0, 0, 1)), 10: bytes.fromhex("fd000000000000000000000000000001")}
DST = {2: bytes((10, 0, 0, 2)), 10: bytes.fromhex("fd000000000000000000000000000002")}


def by_family(body: bytes, *rows: bytes, flags: int = 0, byteorder: str = "little") -> bytes:
    """A message of the one type that sockets are announced in."""
    return message(SOCK_DIAG_BY_FAMILY, body + b"".join(rows), flags=flags, byteorder=byteorder)


def inet_msg(family: int, *, state: int = 1, byteorder: str = "little") -> bytes:
    """``inet_diag_msg``: ports and addresses are big-endian, the cookie and the numbers behind it are not."""
    addresses = SRC[family].ljust(16, b"\0") + DST[family].ljust(16, b"\0")
    identity = big("HH", 22, 40000) + addresses + number("III", 3, 0x55667788, 0x11223344, byteorder=byteorder)
    return bytes((family, state, 2, 5)) + identity + number("IIIII", 250, 7, 8, 1000, 70_000, byteorder=byteorder)


def unix_msg(*, state: int = 10, byteorder: str = "little") -> bytes:
    """``unix_diag_msg`` of a seqpacket socket."""
    return bytes((1, 5, state, 0)) + number("III", 70_001, 0x55667788, 0x11223344, byteorder=byteorder)


def inet_request(family: int, protocol: int, *, wide: int | None = None, byteorder: str = "little") -> bytes:
    """A dump request with ``inet_diag_req_v2``; ``wide`` is INET_DIAG_REQ_PROTOCOL."""
    body = bytes((family, protocol, 0, 0)) + number("I", 0xFFF, byteorder=byteorder) + bytes(48)
    more = b"" if wide is None else attr(3, number("I", wide, byteorder=byteorder), byteorder)
    return by_family(body, more, flags=0x301, byteorder=byteorder)
