"""Finds the end of a list that is longer than its nla_len can say.

The kernel counts the bytes of IFLA_VFINFO_LIST in 16 bits, and a device with some 220 virtual functions has more: its
nla_len is then the length modulo 65,536, and an entry for each function shows how long the list is.

Not here: how attributes are read (``attributes``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from nlmon.backends.libnl.policies.readers import DecodeContext
from nlmon.backends.libnl.uapi import LONGEST_ATTRIBUTE, NLA_TYPE_MASK

__all__ = ["wrapped_list"]

IFLA_VF_INFO, IFLA_VFINFO_LIST = 1, 22

# Unpacks length and type of the attribute at an offset.
Header: TypeAlias = Callable[[bytes, int], tuple[Any, ...]]


def wrapped_list(m: DecodeContext, header: Header, at: int, end: int) -> tuple[int, int] | None:
    """Begin and end of IFLA_VFINFO_LIST among the attributes of a link, where its length has wrapped, and report that;
    None where it is right."""
    while True:
        length, kind = header(m.data, at) if at + 4 <= end else (0, 0)
        if length < 4 or at + length > end:
            return None
        if kind & NLA_TYPE_MASK == IFLA_VFINFO_LIST:
            break
        at += (length + 3) & ~3
    last = -1
    for stop in _entries(m.data, header, at + 4, end):
        if (stop - at) & LONGEST_ATTRIBUTE == length:
            last = stop
    if last == at + length:
        return None
    whole = last if last > 0 else end
    m.wrapped(at, "IFLA_VFINFO_LIST", f"nla_len is {length}, the entries of the list take {whole - at} bytes")
    return at, whole


def _entries(data: bytes, header: Header, at: int, end: int) -> Iterator[int]:
    """Where the list may end: behind each of its entries, and at its beginning."""
    yield at
    while at + 4 <= end:
        length, kind = header(data, at)
        if kind & NLA_TYPE_MASK != IFLA_VF_INFO or length < 4 or at + length > end:
            return
        at += (length + 3) & ~3
        yield at
