"""Captures made of messages.

Not here: recordings of kernels (``fixtures/captures``).
"""

from __future__ import annotations

import struct
from pathlib import Path

__all__ = ["route_capture"]

COOKED = struct.pack(">HH10xH", 0, 824, 0)


def route_capture(folder: Path, *datagrams: bytes) -> str:
    """The path of a capture of notifications of NETLINK_ROUTE."""
    packets = [COOKED + one for one in datagrams]
    records = b"".join(struct.pack("<IIII", 0, 0, len(one), len(one)) + one for one in packets)
    path = folder / "some.pcap"
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 113) + records)
    return str(path)
