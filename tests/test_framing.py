"""The one framing of what is no implementation: what a walk gives, and where it ends."""

from __future__ import annotations

import struct

import pytest

from nlmon.framing import (
    MessageHeader,
    attribute,
    attributes,
    header,
    messages,
    next_hops,
    split_messages,
    types,
    walk_attributes,
)

ORDERS = {"little": "<", "big": ">"}


def message(order: str, kind: int, body: bytes = b"", length: int | None = None) -> bytes:
    """A message, padded; ``length``: another one than it has."""
    whole = 16 + len(body) if length is None else length
    return struct.pack(ORDERS[order] + "IHHII", whole, kind, 5, 7, 9) + body + bytes(-len(body) % 4)


def row(order: str, kind: int, payload: bytes = b"", length: int | None = None) -> bytes:
    """An attribute, padded; ``length``: another one than it has."""
    whole = 4 + len(payload) if length is None else length
    return struct.pack(ORDERS[order] + "HH", whole, kind) + payload + bytes(-len(payload) % 4)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("end", [b"", b"\0" * 15, "short", "long"], ids=["whole", "rest", "short", "long"])
def test_all_walks_of_messages_end_at_the_first_that_does_not_fit(order: str, end: bytes | str) -> None:
    """What came before it counts, by headers, by types and as bytes."""
    cut = end if isinstance(end, bytes) else message(order, 18, length={"short": 15, "long": 17}[end])
    one, two = message(order, 16, b"abcde"), message(order, 17)
    data = one + two + cut

    assert list(messages(data, order)) == [MessageHeader(0, 21, 16, 5, 7, 9), MessageHeader(24, 16, 17, 5, 7, 9)]
    assert types(data, order) == [16, 17]
    assert split_messages(data, order) == [(16, one[:21]), (17, two)]
    assert header(data, 24, order) == MessageHeader(24, 16, 17, 5, 7, 9)


@pytest.mark.parametrize("order", ORDERS)
def test_attributes_are_walked_in_order(order: str) -> None:
    """Each with its number, begin and end; the flags of a type are no part of the number, unless asked for."""
    data = b"HEAD" + row(order, 0x8003, b"abc") + row(order, 5) + row(order, 3, b"last")

    assert walk_attributes(data, 4, len(data), order) == [(3, 8, 11), (5, 16, 16), (3, 20, 24)]
    assert walk_attributes(data, 4, len(data), order, mask=0xFFFF)[0] == (0x8003, 8, 11)
    assert walk_attributes(data, 4, 23, order) == [(3, 8, 11), (5, 16, 16)]
    assert walk_attributes(data, 4, 23, order, clip=True) == [(3, 8, 11), (5, 16, 16), (3, 20, 23)]


@pytest.mark.parametrize("order", ORDERS)
def test_of_equal_numbers_the_last_counts_or_the_first(order: str) -> None:
    """``attributes`` gives the last and says which are repeated, ``attribute`` gives the first."""
    data = row(order, 3, b"one") + row(order, 4, b"two") + row(order, 0x4003, b"three")
    repeated: set[int] = set()

    assert attributes(data, 0, len(data), order, repeated) == {3: (20, 25), 4: (12, 15)}
    assert repeated == {3}
    assert attribute(data, 0, len(data), order, 3) == b"one"
    assert attribute(data, 0, len(data), order, 9) is None


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("length", [0, 3, 9])
def test_a_length_that_does_not_fit_ends_a_walk(order: str, length: int) -> None:
    """What stands behind is not looked at, whatever it is."""
    data = row(order, 1, b"four") + row(order, 2, b"", length)

    assert walk_attributes(data, 0, len(data), order) == [(1, 4, 8)]
    assert attributes(data, 0, len(data), order) == {1: (4, 8)}
    assert attribute(data, 0, len(data), order, 2) is None
    assert walk_attributes(data, 0, len(data), order, clip=True)[1:] == ([(2, 12, 12)] if length == 9 else [])


@pytest.mark.parametrize("order", ORDERS)
def test_next_hops_are_walked_strictly_or_not(order: str) -> None:
    """A hop has its structure and attributes; one that does not fit ends the walk, or counts with what is there."""

    def hop(length: int, index: int, inside: bytes = b"") -> bytes:
        return struct.pack(ORDERS[order] + "HBBi", length, 0, 0, index) + inside

    good = hop(16, 2, row(order, 5, b"gate")) + hop(8, 3)

    assert list(next_hops(good, order)) == list(next_hops(good, order, strict=False)) == [(0, 16), (16, 24)]
    assert list(next_hops(good + hop(0, 4) + hop(8, 5), order)) == [(0, 16), (16, 24)]
    assert list(next_hops(good + hop(0, 4) + hop(8, 5), order, strict=False))[2:] == [(24, 32), (32, 40)]
    assert list(next_hops(good + hop(12, 4), order)) == [(0, 16), (16, 24)]
    assert list(next_hops(good + hop(12, 4), order, strict=False))[2:] == [(24, 32)]
