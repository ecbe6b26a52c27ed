"""Texts of a fixed form: addresses of IP and of devices.

Rules:
1. An IP address is asked for in messages of IPv4 and IPv6 alone; in those of MPLS, for one, a label stands there.

Not here: other texts, and values of another type (``values``).
"""

from __future__ import annotations

import re
import socket

from nlmon.harness.widths import is_address, is_device
from nlmon.uapi import AF_INET, AF_INET6

__all__ = ["misspelt"]

_DEVICE = re.compile(r"(?:[0-9a-f]{2}(?::[0-9a-f]{2})*)?\Z")


def misspelt(kind: str, field: str, text: object, family: object) -> str:
    """Why the text of a field is no address, in a message of an address family; empty: it is one, or need not be."""
    if not isinstance(text, str):
        return ""
    if is_device(kind, field) and not _DEVICE.match(text):
        return "an address of a device has two hexadecimal digits a byte, and a colon between bytes"
    if is_address(kind, field) and family in {AF_INET, AF_INET6} and not _is_ip(text):
        return "it is no IP address as inet_ntop(3) writes it"
    return ""


def _is_ip(text: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except (OSError, ValueError):
        return False
    return True
