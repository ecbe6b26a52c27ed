"""Blocks of a pcapng file in the profile that ``pcapng`` describes, as bytes.

Not here: files (``write``), and reading (``pcapng``).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Literal

from nlmon.capture.options import (
    EPB,
    EPB_FLAGS,
    IDB,
    IF_DESCRIPTION,
    IF_NAME,
    IF_TSRESOL,
    ISB,
    ISB_ENDTIME,
    ISB_IFDROP,
    ISB_IFRECV,
    OPT_COMMENT,
    SHB,
    SHB_HARDWARE,
    SHB_OS,
    SHB_USERAPPL,
)
from nlmon.capture.reader import ARPHRD_NETLINK, LINKTYPE_NETLINK
from nlmon.errors import CaptureError

__all__ = ["Blocks"]

_CODES = {"arch": SHB_HARDWARE, "kernel": SHB_OS, "application": SHB_USERAPPL}
# Packet types of the cooked header (linux/if_packet.h): from the kernel to this host, and outgoing.
_PACKET_TYPES = {"in": 0, "out": 4, "": 4}
LONGEST_OPTION = 0xFFFF
_FLAGS = {"in": 1, "out": 2, "": 0}


class Blocks:
    """Makes the blocks of one file. ``byteorder`` is that of the recorded messages and of the file; ``where``: what an
    error calls the file."""

    def __init__(self, byteorder: Literal["little", "big"], where: str) -> None:
        self.byteorder: Literal["little", "big"] = byteorder
        self._sign = "<" if byteorder == "little" else ">"
        self._where = where

    def section(self, metadata: Mapping[str, str]) -> bytes:
        """The beginning. ``kernel``, ``arch`` and ``application`` go to options of their own, everything else to the
        comment. Raises ``CaptureError`` for a text that does not fit."""
        comment = {"byteorder": self.byteorder, **{k: v for k, v in metadata.items() if k not in _CODES}}
        options = [(code, metadata[key].encode()) for key, code in _CODES.items() if key in metadata]
        options.append((OPT_COMMENT, "\n".join(f"{k}={v}" for k, v in sorted(comment.items())).encode()))
        return self._block(SHB, struct.pack(self._sign + "IHHq", 0x1A2B3C4D, 1, 0, -1) + self._options(options))

    def interface(self, name: str, description: str = "") -> bytes:
        """A socket, whose number is that of interfaces before it in the section."""
        options = [(IF_NAME, name.encode()), (IF_TSRESOL, b"\x09")]
        if description:
            options.append((IF_DESCRIPTION, description.encode()))
        return self._block(IDB, struct.pack(self._sign + "HHI", LINKTYPE_NETLINK, 0, 0) + self._options(options))

    def packet(
        self,
        interface: int,
        timestamp: int,
        protocol: int,
        data: bytes,
        direction: Literal["in", "out", ""] = "",
        truncated: int = 0,
    ) -> bytes:
        """One datagram; ``timestamp`` in nanoseconds, ``truncated``: bytes that it lacks at the end."""
        packet = struct.pack(">H2s10xH", _PACKET_TYPES[direction], ARPHRD_NETLINK, protocol) + data
        size = len(packet)
        fixed = struct.pack(
            *(self._sign + "IIIII", interface, timestamp >> 32 & 0xFFFFFFFF, timestamp & 0xFFFFFFFF),
            *(size, size + truncated),
        )
        flags = struct.pack(self._sign + "I", _FLAGS[direction])
        options = self._options([(EPB_FLAGS, flags)]) if direction else b""
        return self._block(EPB, fixed + packet + bytes(-size % 4) + options)

    def statistics(self, interface: int, timestamp: int, received: int, dropped: int) -> bytes:
        """What was counted of an interface until ``timestamp``."""
        high, low = timestamp >> 32 & 0xFFFFFFFF, timestamp & 0xFFFFFFFF
        options = [
            (ISB_ENDTIME, struct.pack(self._sign + "II", high, low)),
            (ISB_IFRECV, struct.pack(self._sign + "Q", received)),
            (ISB_IFDROP, struct.pack(self._sign + "Q", dropped)),
        ]
        return self._block(ISB, struct.pack(self._sign + "III", interface, high, low) + self._options(options))

    def _block(self, kind: int, body: bytes) -> bytes:
        length = struct.pack(self._sign + "I", 12 + len(body))
        return struct.pack(self._sign + "I", kind) + length + body + length

    def _options(self, options: list[tuple[int, bytes]]) -> bytes:
        for _, value in options:
            if len(value) > LONGEST_OPTION:
                what = f"text of {len(value):,} bytes does not fit in an option of {LONGEST_OPTION:,}"
                raise CaptureError("NLM-C023", what, where=self._where)
        parts = [struct.pack(self._sign + "HH", code, len(v)) + v + bytes(-len(v) % 4) for code, v in options]
        return b"".join(parts) + bytes(4)
